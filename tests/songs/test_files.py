"""Files are there whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from songs.files import delete_drafts, write_atomically

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
