"""What a person chose while breeding: choices.jsonl in the run folder, one line of JSON a choice.

    {"generation": 0, "chosen": [4, 1], "keep": true, "steps": 64, "keys": 13, "lowest_pitch": 60,
     "grid": {"steps_per_beat": 2, "beats_per_bar": 4, "beat": 1.0}, "rolls": ["AAEC...", ...]}

A line holds all that was shown and chosen, so that it can be learned from without the networks that played: the rolls
are packed, eight cells to a byte from the first step's lowest key on, in base64. The line i breeds the generation
i + 1 from the generation that it names, which need not be the last: one may go back.

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
"""Folder of the networks that a person starred."""
MOST_SHOWN, MOST_STEPS = 64, 4096
"""Most melodies shown together, and most steps of one."""
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
    """Which of the melodies of one generation a person liked."""

    generation: int
    """Of the melodies, from 0."""
    chosen: tuple[int, ...]
    """Indices of the melodies that were chosen, the first choice first; at least one."""
    rolls: np.ndarray
    """(N, T, K) bool, all melodies that were shown."""
    keyboard: Keyboard
    grid: Grid
    keep: bool = False
    """Whether the first one chosen lives on, unchanged, in the next generation."""

    def __post_init__(self):
        shown = len(self.rolls)
        if not self.chosen or len(set(self.chosen)) < len(self.chosen) or not set(self.chosen) <= set(range(shown)):
            raise ValueError(f"chosen is {list(self.chosen)}: it must name some of {shown} melodies, each once")

    def to_json(self) -> str:
        """Return the choice as a line of JSON, without the end of the line."""
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
        """Read what `to_json` returned; raises ValueError if it is not that."""
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError("it is no JSON") from None
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
    """Return a packed roll (T, K) bool; raises ValueError if it has another size."""
    try:
        packed = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a roll is not in base64") from None
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    cells = steps * keys
    if len(bits) != -(-cells // 8) * 8 or bits[cells:].any():
        raise ValueError(f"a roll has not {steps} steps of {keys} keys")
    return bits[:cells].reshape(steps, keys).astype(bool)


def append_choice(run_folder: str | Path, choice: Choice) -> None:
    """Append a choice to a run's file and put it on disk at once; what a process that was killed began is cut off."""
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
    """Return the choices of a run in their order; a last line cut short is left out.

    Raises:
        RunError: there is no such file, or it is broken; the message names the file and the line.
    """
    path = Path(run_folder) / CHOICES
    try:
        lines: list[Any] = read_text(path).splitlines(keepends=True)
    except FileNotFoundError:
        raise RunError(f"{path}: no such file: it is written by kuznechik breed with the first choice") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from None
    choices: list[Choice] = []
    for number, line in enumerate(lines, 1):
        if number == len(lines) and not line.endswith("\n"):
            break
        try:
            choice = Choice.from_json(line)
            if choice.generation >= number:
                raise ValueError(f"generation {choice.generation} was not bred by the {number - 1} lines before")
        except ValueError as error:
            raise RunError(f"{path}, line {number}: {error}") from None
        choices.append(choice)
    return choices
