"""A person's choices while breeding: choices.jsonl in the run folder, one line of JSON per choice.

    {"generation": 0, "chosen": [4, 1], "keep": true, "steps": 64, "keys": 13, "lowest_pitch": 60,
     "grid": {"steps_per_beat": 2, "beats_per_bar": 4, "beat": 1.0}, "rolls": ["AAEC...", ...]}

A line holds everything that was shown and chosen, so that a listener can learn from it without the networks. Rolls are
packed eight cells to a byte, starting with the first step's lowest key, in base64. Line i breeds generation i + 1 from
the generation that it names, which need not be the last one.

Conventions: N melodies of T steps on K keys are shown together; rolls are (N, T, K) bool.
"""

import base64
import binascii
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.runs.folder import RunError
from songs.files import check_replaceable, read_text
from songs.keyboard import MOST_KEYS, Grid, Keyboard
from songs.validate import Within, validate_like

CHOICES = "choices.jsonl"
STARRED = "starred"
"""Folder of starred networks."""
MOST_SHOWN, MOST_STEPS = 64, 4096
"""Maximum number of melodies shown together, and of steps of each."""
_EXAMPLE = {
    "generation": 0,
    "chosen": [Within(0, 0, MOST_SHOWN - 1)],
    "keep": False,
    "steps": Within(0, 1, MOST_STEPS),
    "keys": Within(0, 1, MOST_KEYS),
    "lowest_pitch": Within(0, 0, 127),
    "grid": {"steps_per_beat": 0, "beats_per_bar": 0, "beat": 0.0},
    "rolls": [""],
}


@dataclass(frozen=True, eq=False)
class Choice:
    """A person's choice among the melodies of one generation."""

    generation: int
    """Generation of the melodies, from 0."""
    chosen: tuple[int, ...]
    """Indices of the chosen melodies, in the order of choice; at least one."""
    rolls: np.ndarray
    """All melodies shown, (N, T, K) bool."""
    keyboard: Keyboard
    grid: Grid
    keep: bool = False
    """True if the first one chosen survives unchanged in the next generation."""

    def __post_init__(self):
        shown = len(self.rolls)
        if not self.chosen or len(set(self.chosen)) < len(self.chosen) or not set(self.chosen) <= set(range(shown)):
            raise ValueError(f"chosen is {list(self.chosen)}: it must name some of {shown} melodies, each once")

    def to_json(self) -> str:
        """Return the choice as a line of JSON, without a newline."""
        _, steps, keys = self.rolls.shape
        fields = {
            "generation": self.generation,
            "chosen": list(self.chosen),
            "keep": self.keep,
            "steps": steps,
            "keys": keys,
            "lowest_pitch": self.keyboard.lowest_pitch,
            "grid": asdict(self.grid),
            "rolls": [base64.b64encode(np.packbits(roll).tobytes()).decode() for roll in self.rolls],
        }
        return json.dumps(fields, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str) -> "Choice":
        """Parse the output of `to_json`; raise ValueError if it is invalid."""
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError("it is not JSON") from None
        validate_like({} | _EXAMPLE, fields, "the choice")
        if not 1 <= len(fields["rolls"]) <= MOST_SHOWN:
            raise ValueError(f"it shows {len(fields['rolls'])} melodies: 1 to {MOST_SHOWN} are allowed")
        grid = {name: fields["grid"][name] for name in _EXAMPLE["grid"]}  # type: ignore[attr-defined]
        return cls(
            generation=fields["generation"],
            chosen=tuple(fields["chosen"]),
            rolls=np.array([_unpacked(text, fields["steps"], fields["keys"]) for text in fields["rolls"]]),
            keyboard=Keyboard(fields["keys"], fields["lowest_pitch"]),
            grid=Grid(**grid),
            keep=fields["keep"],
        )


def _unpacked(text: str, steps: int, keys: int) -> np.ndarray:
    """Unpack a roll, (T, K) bool; raise ValueError if its size is wrong."""
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a roll is not in base64") from None
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    cells = steps * keys
    if len(bits) != -(-cells // 8) * 8 or bits[cells:].any():
        raise ValueError(f"a roll does not have {steps} steps of {keys} keys")
    return bits[:cells].reshape(steps, keys).astype(bool)


def append_choice(run_folder: str | Path, choice: Choice) -> None:
    """Append a choice to a run's file and flush it to disk; an incomplete last line of a killed process is removed."""
    path = Path(run_folder) / CHOICES
    check_replaceable(path)
    with path.open("ab+") as file:
        if file.tell() and (file.seek(-1, os.SEEK_END), file.read())[1] != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
        file.write(choice.to_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_choices(run_folder: str | Path) -> list[Choice]:
    """Return the choices of a run in order, without an incomplete last line.

    Raises:
        RunError: The file does not exist or is broken; the message gives the file and line.
    """
    path = Path(run_folder) / CHOICES
    try:
        lines: list[Any] = read_text(path).splitlines(keepends=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file: kuznechik breed writes it at the first choice") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    choices: list[Choice] = []
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line.endswith("\n"):
            break
        try:
            choice = Choice.from_json(line)
            if choice.generation >= number:
                raise ValueError(f"generation {choice.generation} was not bred by the previous {number - 1} lines")
        except ValueError as error:
            raise RunError(f"{path}, line {number}: {error}") from None
        choices.append(choice)
    return choices
