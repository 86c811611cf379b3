"""The music of a listener's run, which stays in its own folders; the run keeps a digest of it.

data.json    folders, number of pieces, and a digest of the melodies
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.config.listener import ListenerConfig
from experiments.runs.folder import RunError, RunFolder
from listener.corpus import Corpora, read_music
from songs.validate import validate_like

DATA = "data.json"


@dataclass(frozen=True, eq=False)
class Music:
    """Real melodies, and the folders they come from."""

    folders: Sequence[Path]
    corpora: Corpora

    @classmethod
    def read(
        cls, folders: Sequence[Path], keys: int, report: Callable[[int, int], None] = lambda done, of: None
    ) -> "Music":
        """Read all MIDI files in some folders, for `keys` keys; raise ValueError if the music is too little."""
        return cls(folders, read_music(folders, report, keys))

    @property
    def identity(self) -> dict[str, Any]:
        """The content of data.json; it is equal only for the same music."""
        digest = hashlib.sha256()
        for corpus in (self.corpora.short, self.corpora.excerpts, self.corpora.songs, self.corpora.wide):
            for part in (corpus.training, corpus.validation, corpus.test):
                digest.update(f"{part.melodies.shape}".encode() + np.ascontiguousarray(part.melodies).tobytes())
        return {
            "folders": [str(folder) for folder in self.folders],
            "pieces": self.corpora.songs.pieces,
            "melodies_sha256": digest.hexdigest(),
        }


def read_identity(config: ListenerConfig, folder: RunFolder) -> dict[str, Any]:
    """Return the digest of the music of an old run; raise RunError if data.json is missing or broken."""
    identity = folder.read_json(DATA)
    try:
        validate_like({"folders": [""], "pieces": 0, "melodies_sha256": ""}, identity)
    except ValueError as error:
        raise RunError(f"{folder.path}: {DATA} is broken: {error}") from None
    return identity


def read_again(config: ListenerConfig, folder: RunFolder) -> Music:
    """Read the music of a run again; raise RunError if it is missing or has changed."""
    try:
        music = Music.read(config.data.folders, config.listener.keys)
    except (ValueError, OSError) as error:
        raise RunError(f"{folder.path}: the music of the run cannot be read: {error}") from None
    before, now = read_identity(config, folder), music.identity
    if any(before[name] != now[name] for name in ("pieces", "melodies_sha256")):  # folders may have moved
        raise RunError(
            f"{folder.path}: the music has changed since the run started: {before['pieces']} pieces then and "
            f"{now['pieces']} now in {', '.join(now['folders'])}: put the files back, or start a new run"
        )
    return music
