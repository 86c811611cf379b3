"""What a data set says of itself and holds, compared to what it may: its files can come from anywhere.

Conventions: as in `vae.dataset`. Whatever is wrong is a ValueError that says what.
"""

import io
import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from songs.files import MOST_BYTES
from songs.validate import validate_like
from vae.tokens import REPRESENTATIONS, REST, STEPS_PER_BAR, representation

BARS = (2, 4, 8, 16)
SPLITS = ("train", "validation", "test")
COUNTS = {"pieces": 0, "windows": 0, "unique": 0}
META = {
    "bars": 0,
    "representation": "",
    "transposed": False,
    "sources": [""],
    "pieces": 0,
    "splits": {name: COUNTS for name in SPLITS},
}
"""The kinds of what is read of a dataset.json."""
ARRAYS = {"roll": np.uint8, "onsets": np.uint8, "pieces": np.int32, "sources": np.int32}


def dataset_name(bars: int, form: str, transposed: bool) -> str:
    """Return the name of a data set or model, such as `2bars-pianoroll-transposed`."""
    return f"{bars}bars-{form}-{'transposed' if transposed else 'allkeys'}"


def command_for(place: Path, split: str = "all") -> str:
    """Return the command that makes the data set of a folder; its name tells of what kind."""
    kinds = {"pianoroll": "p", "midilike": "", "onsets": ""}
    for bars in BARS:
        for form in REPRESENTATIONS:
            for transposed in (False, True):
                if place.name == dataset_name(bars, form, transposed):
                    letters = kinds[form] + ("t" if transposed else "")
                    options = (["--onsets"] if form == "onsets" else []) + ([f"-{letters}"] if letters else [])
                    words = [split, str(bars), "1", *options, "--midi", "FOLDER", "--data", str(place.parent)]
                    return f"kuznechik vae generate-dataset {shlex.join(words)}"
    return f"kuznechik vae generate-dataset {split} BARS 1 --midi FOLDER"


def check_meta(meta: Any) -> None:
    """Raise ValueError if what dataset.json says is not of the kind that it should be."""
    validate_like(META, meta, "")
    json.dumps(meta, allow_nan=False)
    representation(meta["representation"])
    if meta["bars"] not in BARS:
        raise ValueError(f"bars is {meta['bars']}, not one of {', '.join(map(str, BARS))}")


def read_arrays(content: bytes, meta: dict) -> dict[str, np.ndarray]:
    """Return the arrays of a split by name; its onsets are unpacked.

    Raises:
        ValueError, KeyError, EOFError, OSError or zipfile.BadZipFile: they are not those of a data set.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise ValueError(f"it would be larger than {MOST_BYTES // 2**20} MiB")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in ARRAYS}
    count, steps = arrays["pieces"].size, meta["bars"] * STEPS_PER_BAR
    shapes = {"roll": (count, steps), "onsets": (count, (steps + 7) // 8), "pieces": (count,), "sources": (count,)}
    for name, kind in ARRAYS.items():
        wanted = shapes[name]
        if (arrays[name].dtype, arrays[name].shape) != (kind, wanted):
            raise ValueError(
                f"{name} are {arrays[name].dtype} {arrays[name].shape}, not {np.dtype(kind)} {wanted}: "
                f"windows have {meta['bars']} bars"
            )
    if not len(arrays["roll"]):
        raise ValueError("it holds no windows")
    for name, most in (("roll", REST), ("sources", len(meta["sources"]) - 1)):
        if not 0 <= arrays[name].min() <= arrays[name].max() <= most:
            raise ValueError(f"{name} are not all from 0 to {most}")
    return arrays | {"onsets": np.unpackbits(arrays["onsets"], axis=1, count=steps).astype(bool)}
