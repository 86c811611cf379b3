"""The origin of a run that starts from another run.

    meta.json            under `origin`, the other run and what was taken from it
    initial.jsonl        for evolution: a line of JSON for each genome, as columns
    initial.safetensors  for a DQN: the weights of the network

All files are in the folder of the new run, which can be resumed and repeated without the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.runs.folder import RunError, RunFolder
from songs.files import read_whole, write_atomically
from songs.validate import validate_like


@dataclass(frozen=True)
class Origin:
    """What a new run starts from."""

    about: Mapping[str, Any]
    """`run`, as named on the command line, `taken`, a description, `file` in the new run's folder, and provenance."""
    content: bytes

    def write(self, folder: RunFolder) -> None:
        """Write the file to the folder of the new run."""
        write_atomically(folder.path / self.about["file"], self.content)

    def in_words(self) -> str:
        """Return a line on what was taken."""
        return f"starts from {self.about['taken']} of {self.about['run']}"

    @classmethod
    def of_new(cls, run: str, taken: str, file: str, content: bytes, meta: Mapping[str, Any]) -> "Origin":
        """Return the origin of a new run; `meta` is the content of the other run's meta.json."""
        known = {name: meta[name] for name in ("seed", "started", "commit") if name in meta}
        return cls({"run": run, "taken": taken, "file": file, **known}, content)

    @classmethod
    def of_run(cls, folder: RunFolder, files: tuple[str, ...]) -> "Origin | None":
        """Return the origin of a run, in one of the named files, or None if it has none. Raises RunError."""
        about = folder.read_meta().get("origin")
        if about is None:
            return None
        try:
            validate_like({"run": "", "taken": "", "file": ""}, about, "origin")
            if about["file"] not in files:
                raise ValueError(f"origin.file is {about['file']!r}, not {' or '.join(files)}")
            return cls(about, read_whole(folder.path / about["file"]))
        except (ValueError, OSError) as error:
            raise RunError(f"{folder.path}: its origin is broken: {error}") from None
