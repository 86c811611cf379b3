"""Files of named arrays and plain data with a checksum, for checkpoints and champions' models.

A file is in safetensors format: the arrays, and the plain data as UTF-8 JSON in another array of bytes. Writing is
atomic. The same content gives the same bytes. Nothing that is read is ever executed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from experiments.runs.folder import RunError
from songs.files import MOST_BYTES, check_file, write_atomically

FORMAT = "kuznechik arrays"
VERSION = 2
KEPT = 2
"""Number of checkpoints kept in a run folder; older ones are deleted."""
DATA = "data.json"
"""Name of the array that holds the plain data."""
SUFFIX = ".safetensors"

State = tuple[dict[str, np.ndarray], dict[str, Any]]
"""Named arrays, and plain data that JSON can hold."""


def write_arrays(path: Path, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
    """Write arrays of numbers or booleans, and plain data; raise ValueError if a number in the data is not finite."""
    text = json.dumps(data, allow_nan=False).encode()
    content = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content[DATA] = np.frombuffer(text, dtype=np.uint8)
    head = {"version": VERSION, "sha256": _digest(content)}
    # only one metadata entry, because safetensors writes several in arbitrary order
    write_atomically(path, save(content, {FORMAT: json.dumps(head)}))


def read_arrays(path: Path, most_bytes: int = MOST_BYTES) -> State:
    """Return a file's arrays and plain data; raise RunError if it is missing, damaged, too large or foreign."""
    try:
        check_file(path, most_bytes)
        with safe_open(path, framework="numpy") as file:
            head = json.loads((file.metadata() or {}).get(FORMAT, "{}"))
            content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is not a dictionary
    except FileNotFoundError:
        raise RunError(f"{path}: is missing") from None
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: is damaged: {error}") from None
    if not isinstance(head, dict) or head.get("version") != VERSION or DATA not in content:
        raise RunError(f"{path}: is not a file of {FORMAT}, version {VERSION}")
    if head.get("sha256") != _digest(content):
        raise RunError(f"{path}: is damaged: its checksum does not match")
    try:
        data = json.loads(content.pop(DATA).tobytes())
    except (ValueError, RecursionError) as error:  # a matching checksum does not prove valid content
        raise RunError(f"{path}: is damaged: {error}") from None
    if not isinstance(data, dict):
        raise RunError(f"{path}: is damaged: its data is not a JSON object")
    return content, data


def save_checkpoint(folder: Path, step: int, state: State) -> None:
    """Write the checkpoint of a step to a folder and delete all but the newest two.

    Raises:
        ValueError: A number in the state is not finite.
    """
    arrays, data = state
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are not finite")
    write_arrays(folder / f"{step:012d}{SUFFIX}", arrays, data)
    for path in _checkpoints(folder)[:-KEPT]:
        path.unlink()


def load_checkpoint(folder: Path, most_bytes: int = MOST_BYTES) -> tuple[State | None, list[str]]:
    """Return the newest undamaged checkpoint, and complaints about newer ones.

    Returns:
        The state, or None if no checkpoint exists yet, and a line for each newer damaged file.

    Raises:
        RunError: All existing checkpoints are damaged.
    """
    complaints: list[str] = []
    for path in reversed(_checkpoints(folder)):
        try:
            return read_arrays(path, most_bytes), complaints
        except RunError as error:
            complaints.append(str(error))
    if complaints:
        raise RunError("; ".join([*complaints, f"{folder.parent}: no checkpoint is left to resume from"]))
    return None, []


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _digest(content: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(content):
        digest.update(f"{name} {content[name].dtype} {content[name].shape}".encode())
        digest.update(content[name].tobytes())
    return digest.hexdigest()
