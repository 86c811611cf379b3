"""Checkpoints of a run: from the last one it goes on to the same result as if it had never stopped.

A checkpoint is one file, JSON behind a line with its checksum, written whole or not at all. The last two are
kept. Nothing in it is ever executed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from experiments.runs.folder import RunError
from songs.files import read_text, write_atomically

FORMAT = "kuznechik checkpoint"
VERSION = 1
KEPT = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> None:
    """Write a checkpoint and delete those before the last two.

    Args:
        folder: the `checkpoints` folder of a run.
        step: number of steps done; the file is named after it.
        state: plain data.
    """
    payload = json.dumps(state, allow_nan=False)
    head = {"format": FORMAT, "version": VERSION, "step": step, "sha256": _digest(payload)}
    write_atomically(folder / f"{step:08d}.json", f"{json.dumps(head)}\n{payload}\n")
    for path in sorted(folder.glob("*.json"))[:-KEPT]:
        path.unlink()


def load_checkpoint(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the state of the newest checkpoint that is whole, and what was wrong with newer ones.

    Raises:
        RunError: there is none.
    """
    complaints: list[str] = []
    for path in sorted(folder.glob("*.json"), reverse=True):
        try:
            return _read(path), [f"{complaint}; resumed from the checkpoint before it" for complaint in complaints]
        except RunError as error:
            complaints.append(str(error))
    raise RunError("; ".join([*complaints, f"{folder.parent}: no checkpoint to resume from"]))


def _read(path: Path) -> dict[str, Any]:
    try:
        head, _, payload = read_text(path).partition("\n")
        known = json.loads(head)
        payload = payload.removesuffix("\n")
        if known["format"] != FORMAT or known["version"] != VERSION:
            raise RunError(f"{path}: is {known['format']!r} version {known['version']!r}, not version {VERSION}")
        if known["sha256"] != _digest(payload):
            raise RunError(f"{path}: is damaged: its checksum does not match")
        return json.loads(payload)
    except RunError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: is damaged: {error}") from None


def _digest(payload: str) -> str:
    return hashlib.sha256(payload.encode()).hexdigest()
