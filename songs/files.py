"""Writing a file so that it is there whole or not at all, and reading one that may be anything."""

import errno
import os
import stat
import tempfile
from pathlib import Path

DRAFT = ".part"
"""How the names of files end that are not whole yet; a process that is killed leaves one behind."""

MOST_BYTES = 2**30
"""No file of this project is larger; what claims to be is not read into memory."""


def read_whole(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read, is no file (a pipe would block, a device never end), or is larger than allowed.
    """
    # without blocking, as the opening of a pipe waits for somebody who writes into it
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        _refuse_others(path, found.st_mode)
        content = b""
        if found.st_size <= most_bytes:
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(found.st_size + 1) or b""  # None: some files of the system never end
    finally:
        os.close(descriptor)
    if max(found.st_size, len(content)) > most_bytes:
        raise OSError(errno.EFBIG, f"Larger than {most_bytes // 2**20} MiB", str(path))
    return content


def check_file(path: Path, most_bytes: int | None = None) -> None:
    """Raise OSError if there is no file; for libraries that open it themselves, and would wait for a pipe's writer.

    Args:
        path: of the file.
        most_bytes: what is larger is refused, too; None: no size is too large.
    """
    found = os.stat(path)
    _refuse_others(path, found.st_mode)
    if most_bytes is not None and found.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"Larger than {most_bytes // 2**20} MiB", str(path))


def _refuse_others(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a file", str(path))


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file in UTF-8, whatever the language of the machine; raises also UnicodeDecodeError."""
    return read_whole(path, most_bytes).decode()


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
