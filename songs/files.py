"""Writing files atomically, and reading untrusted files safely."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import BinaryIO

DRAFT = ".part"
"""Suffix of files that are being written; a killed process leaves one behind."""

MOST_BYTES = 2**30
"""Largest file that is read into memory; no file of the project is larger."""

MOST_TEXT = 2**26
"""Longest text that is read into memory; parsed, it takes many times as much."""


def read_whole(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the bytes of a file.

    Raises:
        OSError: it cannot be read, is not a regular file (a pipe would block, a device never end), or is too large.
    """
    # without blocking: opening a pipe would wait for a process that writes to it
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        _refuse_irregular(path, status.st_mode)
        content = b""
        if status.st_size <= most_bytes:
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(status.st_size + 1) or b""  # None: some system files never end
    finally:
        os.close(descriptor)
    if max(status.st_size, len(content)) > most_bytes:
        raise OSError(errno.EFBIG, f"Larger than {most_bytes // 2**20} MiB", str(path))
    return content


def check_file(path: Path, most_bytes: int | None = None) -> None:
    """Raise OSError unless a path is a regular file; for libraries that open it themselves and would block on a pipe.

    Args:
        path: the file.
        most_bytes: largest size allowed; None for any.
    """
    status = os.stat(path)
    _refuse_irregular(path, status.st_mode)
    if most_bytes is not None and status.st_size > most_bytes:
        raise OSError(errno.EFBIG, f"Larger than {most_bytes // 2**20} MiB", str(path))


def _refuse_irregular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a file", str(path))


def unpacked_bytes(archive: Path | BinaryIO) -> int:
    """Return the total unpacked size of a zip archive, according to its directory; raises BadZipFile."""
    from zipfile import ZipFile  # imported here because it is rarely needed

    with ZipFile(archive) as file:
        return sum(entry.file_size for entry in file.infolist())


def read_text(path: Path, most_bytes: int = MOST_TEXT) -> str:
    """Return the text of a UTF-8 file, whatever the locale; raises like `read_whole`, and UnicodeDecodeError."""
    return read_whole(path, most_bytes).decode()


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file under a temporary name, then rename it; its folder is created if needed.

    Raises:
        OSError: it cannot be written, or the path is not a regular file; an existing file is unchanged.
    """
    content = content.encode() if isinstance(content, str) else content
    check_replaceable(path)
    new_folders = missing_folders(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT)
    except OSError as error:
        remove_empty(new_folders)
        error.filename = str(path)
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):  # the name of the draft means nothing to the user
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise


def check_replaceable(path: Path) -> None:
    """Raise OSError if the path exists and is not a regular file, for example a folder, a device or a link."""
    if os.path.lexists(path):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            raise OSError(errno.EINVAL, "A link, which is not followed for writing: name the file itself", str(path))
        _refuse_irregular(path, mode)


def free_path(path: Path) -> Path:
    """Return a path that does not exist: this one, or NAME-2, NAME-3, ... with its suffix."""
    names = chain([path.name], (f"{path.stem}-{number}{path.suffix}" for number in count(2)))
    return next(each for each in map(path.with_name, names) if not os.path.lexists(each))


def missing_folders(path: Path) -> list[Path]:
    """Return those of a folder and its parents that do not exist, innermost first."""
    return [each for each in (path, *path.parents) if not os.path.lexists(each)]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that exist and are empty."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def delete_drafts(folder: Path) -> None:
    """Delete the unfinished files that killed processes left in a folder and its subfolders."""
    for draft in folder.rglob(f".*{DRAFT}"):
        draft.unlink(missing_ok=True)
