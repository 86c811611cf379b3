"""Checkpoints of arrays: one safetensors file, with plain data as JSON and a checksum in its header.

As with `experiments.runs.checkpoint` the last two are kept, a file is there whole or not at all, and nothing in it is ever
executed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from experiments.runs.checkpoint import KEPT
from experiments.runs.folder import RunError
from songs.files import MOST_BYTES, check_file, write_atomically

FORMAT = "kuznechik tensors"
VERSION = 1


def write_tensors(path: Path, arrays: dict[str, np.ndarray], data: Any) -> None:
    """Write arrays and plain data.

    Args:
        path: of the file.
        arrays: of numbers or booleans.
        data: anything that JSON can hold.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    text = json.dumps(data, allow_nan=False)
    head = {"version": VERSION, "data": text, "sha256": _digest(arrays, text)}
    # one entry alone, as safetensors writes several in any order: the same content gives the same bytes
    write_atomically(path, save(arrays, {FORMAT: json.dumps(head)}))


def read_tensors(path: Path, most_bytes: int = MOST_BYTES) -> tuple[dict[str, np.ndarray], Any]:
    """Return the arrays and the plain data of a file.

    Raises:
        RunError: it is missing, damaged, too large, or of another kind.
    """
    try:
        check_file(path, most_bytes)
        with safe_open(path, framework="numpy") as file:
            head = json.loads((file.metadata() or {}).get(FORMAT, "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dictionary
    except FileNotFoundError:
        raise RunError(f"{path}: is missing") from None
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: is damaged: {error}") from None
    if not isinstance(head, dict) or head.get("version") != VERSION:
        raise RunError(f"{path}: is no {FORMAT!r} file of version {VERSION}")
    text = head.get("data")
    if not isinstance(text, str) or head.get("sha256") != _digest(arrays, text):
        raise RunError(f"{path}: is damaged: its checksum does not match")
    try:
        return arrays, json.loads(text)
    except (ValueError, RecursionError) as error:  # a checksum can be made to fit anything
        raise RunError(f"{path}: is damaged: {error}") from None


def save_checkpoint(folder: Path, step: int, arrays: dict[str, np.ndarray], data: Any) -> None:
    """Write a checkpoint and delete those before the last two.

    Args:
        folder: the `checkpoints` folder of a run.
        step: number of steps done; the file is named after it.
        arrays: as for `write_tensors`.
        data: as for `write_tensors`.
    """
    write_tensors(folder / f"{step:012d}.safetensors", arrays, data)
    for path in _checkpoints(folder)[:-KEPT]:
        path.unlink()


def load_checkpoint(folder: Path, most_bytes: int = MOST_BYTES) -> tuple[dict[str, np.ndarray], Any, list[str]]:
    """Return the newest checkpoint that is whole, and what was wrong with newer ones.

    Args:
        folder: the `checkpoints` folder of a run.
        most_bytes: no checkpoint of the run is larger.

    Raises:
        RunError: there is none.
    """
    complaints: list[str] = []
    for path in reversed(_checkpoints(folder)):
        try:
            return (*read_tensors(path, most_bytes), complaints)
        except RunError as error:
            complaints.append(str(error))
    raise RunError("; ".join([*complaints, f"{folder.parent}: no checkpoint to resume from"]))


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def _digest(arrays: dict[str, np.ndarray], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()
