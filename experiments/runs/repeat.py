"""Comparison of a run with its repetition."""

from pathlib import Path

from experiments.runs.folder import RunFolder
from experiments.runs.provenance import installed_versions
from songs.files import read_whole


def compare(old: RunFolder, new: RunFolder) -> dict[str, bool]:
    """Return, for every file of both champions and of the old run's film, True if the bytes are the same."""
    files = [(old, "best/*"), (new, "best/*"), (old, "history/*")]
    names = sorted({str(path.relative_to(run.path)) for run, pattern in files for path in run.path.glob(pattern)})
    return {name: _content(old.path / name) == _content(new.path / name) for name in names}


def _content(path: Path) -> bytes | None:
    """Return the content of a file; None if it cannot be read."""
    try:
        return read_whole(path)
    except OSError:
        return None


def other_versions(folder: RunFolder) -> list[str]:
    """Return a line for every package whose version has changed since a run."""
    now = installed_versions()
    return [
        f"{package} was {before} and is {now.get(package)}: the result may differ"
        for package, before in folder.read_meta().get("versions", {}).items()
        if before and now.get(package) != before
    ]
