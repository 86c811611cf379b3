"""Data sets as files: windows of melodies in three splits.

    FOLDER/2bars-pianoroll-transposed/
        dataset.json            how it was made, and the pieces and windows of each split
        train.npz, validation.npz, test.npz

Conventions:
    An .npz file holds `roll` (N, T) uint8, `onsets` (N, T) bool packed into bits, and `pieces` and `sources` (N,)
    int32, and is read without pickle. A source is one of the folders. Windows are cut as in `vae.windows`.
    Files are untrusted: types, shapes and ranges are checked before they are used.
"""

import io
import json
import shlex
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songs.files import MOST_BYTES, read_text, read_whole, unpacked_bytes, write_atomically
from songs.options import check_section, option
from songs.validate import AnyLength, Within, validate_like
from vae.tokens import REPRESENTATIONS, REST, STEPS_PER_BAR, Representation, representation
from vae.windows import Windows

BARS = (2, 4, 8, 16)
SPLITS = ("train", "validation", "test")
META = {
    "bars": 0,
    "representation": "",
    "transposed": False,
    "sources": [""],
    "pieces": 0,
    "splits": {name: {"pieces": 0, "windows": 0, "unique": 0} for name in SPLITS},
}
"""An example of a dataset.json."""
MOST_PIECES = 2**31
MOST_UNPACKED = 200
"""Most bytes that one byte of a file may unpack to; windows of melodies take about ten."""
UNREADABLE = OSError, ValueError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error
"""Errors raised for damaged or invalid NumPy and zip files."""


class DatasetError(ValueError):
    """A data set that is missing, broken or too small; the message says what to do."""


@dataclass(frozen=True)
class DatasetOptions:
    """Options for making a data set."""

    bars: int = option(2, "length of a window in bars", choices=BARS)
    stride: int = option(1, "bars between the starts of windows", 1)
    representation: str = option(
        "pianoroll", "tokens for counting unique windows and training models", choices=tuple(REPRESENTATIONS)
    )
    transposed: bool = option(False, "move every piece to C major or A minor")
    track: str = option("", "the part to read, by the name of its track or its number; '': the likely melody")
    channel: int = option(0, "read only parts on this MIDI channel; 0 for any", 0, 16)
    seed: int = option(0, "the same seed gives the same splits", 0)

    def __post_init__(self):
        check_section(self)

    @property
    def name(self) -> str:
        """Name of the data set."""
        return dataset_name(self.bars, self.representation, self.transposed)


@dataclass(frozen=True, eq=False)
class Split:
    """The windows of one split of a data set."""

    windows: Windows
    sources: np.ndarray
    """(N,) index of the source of each window."""
    source_names: tuple[str, ...]
    form: Representation

    def tokens(self) -> np.ndarray:
        """Return all windows as tokens (N, T) int64, in the representation of the data set."""
        return self.form.write(self.windows.roll, self.windows.onsets)

    def unique_tokens(self) -> np.ndarray:
        """Return the unique windows as tokens, sorted."""
        return np.unique(self.tokens(), axis=0)


def dataset_name(bars: int, form: str, transposed: bool) -> str:
    """Return the name of a data set or model, such as `2bars-pianoroll-transposed`."""
    return f"{bars}bars-{form}-{'transposed' if transposed else 'allkeys'}"


def command_for(folder: Path, split: str = "all") -> str:
    """Return the command that makes the data set of a folder, whose name determines the options."""
    kinds = {"pianoroll": "p", "midilike": "", "onsets": ""}
    for bars in BARS:
        for form in REPRESENTATIONS:
            for transposed in (False, True):
                if folder.name == dataset_name(bars, form, transposed):
                    letters = kinds[form] + ("t" if transposed else "")
                    options = (["--onsets"] if form == "onsets" else []) + ([f"-{letters}"] if letters else [])
                    words = [split, str(bars), "1", *options, "--midi", "FOLDER", "--data", str(folder.parent)]
                    return f"kuznechik vae generate-dataset {shlex.join(words)}"
    return f"kuznechik vae generate-dataset {split} BARS 1 --midi FOLDER"


def check_meta(meta: Any) -> None:
    """Raise ValueError if the content of a dataset.json is not valid."""
    validate_like(META, meta)
    json.dumps(meta, allow_nan=False)
    representation(meta["representation"])
    if meta["bars"] not in BARS:
        raise ValueError(f"bars is {meta['bars']}, not one of {', '.join(map(str, BARS))}")


def read_meta(folder: Path) -> dict:
    """Read the dataset.json of a data set.

    Raises:
        DatasetError: it is missing or broken.
    """
    try:
        meta = json.loads(read_text(folder / "dataset.json"))
        check_meta(meta)
    except FileNotFoundError:
        raise DatasetError(f"{folder}: no such data set; make it with {command_for(folder)}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{folder}: dataset.json is broken: {error}") from None
    return meta


def read_split(folder: Path, name: str) -> Split:
    """Read one split of a data set.

    Raises:
        DatasetError: it is missing, broken or empty.
    """
    meta = read_meta(folder)
    path = folder / f"{name}.npz"
    try:
        arrays = _read_arrays(read_whole(path), meta)
    except FileNotFoundError:
        raise DatasetError(f"{path}: is missing: make it with {command_for(folder, name)}") from None
    except UNREADABLE as error:
        raise DatasetError(f"{path}: is broken: {error}") from None
    windows = Windows(arrays["roll"], arrays["onsets"], arrays["pieces"])
    return Split(windows, arrays["sources"], tuple(meta["sources"]), representation(meta["representation"]))


def _read_arrays(content: bytes, meta: dict) -> dict[str, np.ndarray]:
    """Return the arrays of a split by name, with onsets unpacked; raises ValueError and other errors of zip files."""
    if unpacked_bytes(io.BytesIO(content)) > min(MOST_UNPACKED * len(content), MOST_BYTES):
        raise ValueError(f"it would unpack to more than {MOST_UNPACKED} times its size, or {MOST_BYTES // 2**20} MiB")
    steps = meta["bars"] * STEPS_PER_BAR
    indices = AnyLength(np.zeros(0, np.int32))
    example = {
        "roll": Within(AnyLength(np.zeros((0, steps), np.uint8)), 0, REST),
        "onsets": AnyLength(np.zeros((0, (steps + 7) // 8), np.uint8)),
        "pieces": Within(indices, 0, MOST_PIECES),
        "sources": Within(indices, 0, len(meta["sources"]) - 1),
    }
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in example}
    validate_like(example, arrays)
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError("its arrays have different lengths")
    if not len(arrays["roll"]):
        raise ValueError("it holds no windows")
    return arrays | {"onsets": np.unpackbits(arrays["onsets"], axis=1, count=steps).astype(bool)}


def write_split(path: Path, windows: Windows, sources: np.ndarray) -> None:
    """Write the windows of a split and their sources, (N,) int32."""
    array = io.BytesIO()
    bits = np.packbits(windows.onsets, axis=1)
    np.savez_compressed(array, roll=windows.roll, onsets=bits, pieces=windows.pieces, sources=sources)
    write_atomically(path, array.getvalue())
