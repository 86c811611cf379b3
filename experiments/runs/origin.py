"""The origin of a run that does not begin from nothing: what it took of another run.

    meta.json            under `origin`, the other run, and what was taken
    initial.jsonl        of evolution: a line of JSON for each genome, as columns
    initial.safetensors  of a DQN: the weights of the network

All of it is in the folder of the new run, which is resumed and repeated without the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.runs.folder import RunError, RunFolder
from songs.files import read_whole, write_atomically
from songs.validate import validate_like


@dataclass(frozen=True)
class Origin:
    """What a new run begins with."""

    about: Mapping[str, Any]
    """`run`, as the command line named it, `taken`, in words, `file` in the folder of the new run, and provenance."""
    content: bytes

    def write(self, folder: RunFolder) -> None:
        """Write the file into the folder of the new run."""
        write_atomically(folder.path / self.about["file"], self.content)

    def in_words(self) -> str:
        """Return a line that says what was taken."""
        return f"begins with {self.about['taken']} of {self.about['run']}"

    @classmethod
    def of_new(cls, run: str, taken: str, file: str, content: bytes, meta: Mapping[str, Any]) -> "Origin":
        """Return what a new run takes of the run that `meta`, from its meta.json, is of."""
        known = {name: meta[name] for name in ("seed", "started", "commit") if name in meta}
        return cls({"run": run, "taken": taken, "file": file, **known}, content)

    @classmethod
    def of_run(cls, folder: RunFolder, files: tuple[str, ...]) -> "Origin | None":
        """Return what a run began with, one of some files; None if it began from nothing. Raises RunError."""
        about = folder.read_meta().get("origin")
        if about is None:
            return None
        try:
            validate_like({"run": "", "taken": "", "file": ""}, about, "origin")
            if about["file"] not in files:
                raise ValueError(f"origin.file is {about['file']!r}, not {' or '.join(files)}")
            return cls(about, read_whole(folder.path / about["file"]))
        except (ValueError, OSError) as error:
            raise RunError(f"{folder.path}: what it began with is broken: {error}") from None
