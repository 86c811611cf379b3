"""Writing a file so that it is there whole or not at all."""

import os
import tempfile
from pathlib import Path

DRAFT = ".part"
"""How the names of files end that are not whole yet; a process that is killed leaves one behind."""


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file beside its name and move it there; its folder is made if need be.

    Raises:
        OSError: it cannot be written; what was there before is as it was.
    """
    content = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            error.filename = error.filename or str(path)
        raise


def delete_drafts(folder: Path) -> None:
    """Delete what processes that were killed have left in a folder, and in the folders of it."""
    for draft in folder.rglob(f".*{DRAFT}"):
        draft.unlink(missing_ok=True)
