"""Where a file is read there may be a pipe, a device, a folder, or a file that claims to be huge: one line tells it."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="reads files of torch: pip install 'kuznechik[torch]'")

from safetensors.torch import save_file  # noqa: E402

from experiments.runs.checkpoint import DATA, FORMAT, VERSION, read_arrays  # noqa: E402
from experiments.runs.folder import RunError  # noqa: E402
from listener import files as listeners  # noqa: E402
from songs.midi import MidiError  # noqa: E402
from songs.notation import read_tune  # noqa: E402
from vae import checkpoint  # noqa: E402
from vae.config import ModelError  # noqa: E402
from vae.dataset import SPLITS, DatasetError, read_meta, read_split  # noqa: E402
from vae.dataset_making import maestro_splits  # noqa: E402
from vae.melody import beats_file  # noqa: E402
from vae.seed_checkpoint import import_checkpoint  # noqa: E402

HUGE = 2 * 2**30

READERS: dict[str, tuple[str, Callable[[Path], object], type[Exception]]] = {
    "checkpoint of a learner": ("c.safetensors", read_arrays, RunError),
    "model": ("m.safetensors", checkpoint.load_model, ModelError),
    "description of a model": ("m.json", checkpoint.read_about, ModelError),
    "checkpoint of the seed": ("m.tar", lambda path: import_checkpoint(path, 2), ModelError),
    "listener": ("l.safetensors", listeners.read_arrays, ValueError),
    "description of a listener": ("l.json", listeners.read_about, ValueError),
    "description of a data set": ("dataset.json", lambda path: read_meta(path.parent), DatasetError),
    "split of a data set": ("train.npz", lambda path: read_split(path.parent, "train"), DatasetError),
    "splits of a collection": ("splits.csv", lambda path: maestro_splits(path.parent), DatasetError),
    "tune": ("tune.txt", read_tune, OSError),
}
"""Name of the file, what reads it, and what is raised."""
MAPPED = ("checkpoint of the seed",)
"""What may be larger than other files: the library that reads it says what is wrong."""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.mkdir()


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(HUGE)  # holds nothing


REASONS = {pipe: "Not a file", device: "Not a file", folder: "Is a directory", huge: "Larger than "}


@pytest.fixture
def place(tmp_path) -> Path:
    """Return a folder with the description of a data set."""
    splits = {name: {"pieces": 1, "windows": 1, "unique": 1} for name in SPLITS}
    meta = {"bars": 2, "representation": "pianoroll", "transposed": False, "sources": [], "pieces": 3, "splits": splits}
    (tmp_path / "dataset.json").write_text(json.dumps(meta))
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("make", REASONS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_told_in_one_line(place, reader, make):
    name, read, kind = READERS[reader]
    path = place / name
    path.unlink(missing_ok=True)
    make(path)
    with pytest.raises(kind) as error:
        read(path)
    told = str(error.value)
    assert name in told
    assert "\n" not in told
    if make is not huge or reader not in MAPPED:
        assert REASONS[make] in told


def test_beats_are_no_huge_file(tmp_path):
    huge(tmp_path / "song.beats.txt")
    with pytest.raises(MidiError, match=r"song.beats.txt: holds no beats"):
        beats_file(tmp_path / "song.mid")


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "9" * 10_000])
def test_a_checkpoint_whose_checksum_was_made_to_fit_is_damaged(tmp_path, text):
    path, content = tmp_path / "c.safetensors", np.frombuffer(text.encode(), np.uint8)
    digest = hashlib.sha256(f"{DATA} uint8 {content.shape}".encode() + content.tobytes()).hexdigest()
    save_file({DATA: torch.tensor(content)}, path, {FORMAT: json.dumps({"version": VERSION, "sha256": digest})})
    with pytest.raises(RunError, match=r"c.safetensors: is damaged: (?!its checksum)"):
        read_arrays(path)
