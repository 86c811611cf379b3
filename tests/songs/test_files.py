"""Files are written completely or not at all."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from songs.files import delete_drafts, read_text, read_whole, write_atomically

ROOT = Path(__file__).parents[2]


def test_a_file_and_its_folder_are_made_and_replaced(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_atomically(path, "ünï")
    assert path.read_bytes() == "ünï".encode()
    write_atomically(path, b"2")
    assert (path.read_bytes(), os.listdir(path.parent)) == (b"2", ["file.json"])
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(sys.platform == "win32", reason="this system limits no file sizes")
def test_a_disk_that_is_full_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b"before")
    program = f"""
import resource
from pathlib import Path
from songs.files import write_atomically
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
write_atomically(Path({str(path)!r}), bytes(2000))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == f"OSError: [Errno 27] File too large: '{path}'"
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"before", ["file.json"])


def test_drafts_alone_are_deleted(tmp_path):
    (tmp_path / "best").mkdir()
    for name in (".a.x.part", "best/.b.y.part", ".lock", "c.part", ".hidden"):
        (tmp_path / name).write_bytes(b"")
    delete_drafts(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"best", ".lock", "c.part", ".hidden"}


def test_a_file_is_read_whole_up_to_a_limit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_whole(path) == read_whole(path, 5) == b"12345"
    with pytest.raises(OSError, match="Larger than 0 MiB") as error:
        read_whole(path, 4)
    assert (error.value.errno, error.value.filename) == (errno.EFBIG, str(path))
    with path.open("wb") as file:
        file.truncate(2**40)  # claims a terabyte and holds nothing
    with pytest.raises(OSError, match="Larger than 1024 MiB"):
        read_text(path, 2**30)


def test_text_is_utf_8_whatever_the_machine_speaks(tmp_path):
    path = tmp_path / "file"
    path.write_bytes("ёж".encode())
    assert read_text(path) == "ёж"
    path.write_bytes(b"\xff")
    with pytest.raises(UnicodeDecodeError):
        read_text(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_neither_waited_for_nor_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to("circle")
    for name, reason in (
        ("pipe", "Not a file"),
        ("zero", "Not a file"),
        ("circle", os.strerror(errno.ELOOP)),
        (".", os.strerror(errno.EISDIR)),
    ):
        with pytest.raises(OSError, match=reason) as error:
            read_whole(tmp_path / name)
        assert error.value.filename == str(tmp_path / name)
