"""Drawings of a roll while it is played: as text for a terminal, as pixels for a video.

Conventions:
    K keys, low ones below. A key of a step is right (played as it should be), wrong (played but should not be) or
    missed (should be played but is not).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from songs.keyboard import BLACK_KEYS, LOWEST_PITCH, STEPS_PER_BAR, pitch_name

VISIBLE_STEPS = 4 * STEPS_PER_BAR
MARKS = {"right": "#", "wrong": "x", "missed": "o", "empty": "."}
COLOURS = {"right": (66, 133, 90), "wrong": (200, 70, 60), "missed": (170, 175, 190)}
_WHITE_ROW, _BLACK_ROW, _BAR_LINE, _NOW = (250, 250, 247), (232, 233, 236), (205, 207, 212), (120, 140, 220)
_CELL = 12
"""Pixels of the side of one step of one key."""


def _window(played: np.ndarray, target: np.ndarray | None, now: int) -> tuple[int, dict[str, np.ndarray]]:
    """Return the first visible step and the visible cells (VISIBLE_STEPS, K) of each kind."""
    first = max(0, -(-now // STEPS_PER_BAR) * STEPS_PER_BAR - VISIBLE_STEPS)
    shown = np.zeros((VISIBLE_STEPS, played.shape[1]), dtype=bool)
    wanted = shown.copy()
    part = played[first : min(now, first + VISIBLE_STEPS)]
    shown[: len(part)] = part
    if target is None:
        return first, {"right": shown, "wrong": wanted, "missed": wanted}
    part = target[first : first + VISIBLE_STEPS]
    wanted[: len(part)] = part
    return first, {"right": shown & wanted, "wrong": shown & ~wanted, "missed": wanted & ~shown}


def text(played: np.ndarray, target: np.ndarray | None, now: int) -> str:
    """Draw the steps around `now` as lines of text, one a key.

    Args:
        played: (T, K) bool; steps from `now` on are not looked at.
        target: (T, K) bool, or None when nothing is to be reproduced.
        now: the step to be played next.
    """
    first, cells = _window(played, target, now)
    lines = []
    for key in reversed(range(played.shape[1])):
        row = [MARKS["empty"]] * VISIBLE_STEPS
        for kind, where in cells.items():
            for step in np.flatnonzero(where[:, key]):
                row[step] = MARKS[kind]
        bars = ["".join(row[i : i + STEPS_PER_BAR]) for i in range(0, VISIBLE_STEPS, STEPS_PER_BAR)]
        lines.append(f"{pitch_name(LOWEST_PITCH + key):>3} {'|'.join(bars)}")
    at = now - first
    lines.append(" " * (4 + at + at // STEPS_PER_BAR) + f"^ step {now}")
    return "\n".join(lines)


def image(played: np.ndarray, target: np.ndarray | None, now: int) -> np.ndarray:
    """Draw the steps around `now` as an image (12 * K, 384, 3) uint8; arguments as for `text`."""
    first, cells = _window(played, target, now)
    grid = np.empty((played.shape[1], VISIBLE_STEPS, 3), dtype=np.uint8)
    grid[:] = _WHITE_ROW
    grid[[key % 12 in BLACK_KEYS for key in range(len(grid))]] = _BLACK_ROW
    for kind, where in cells.items():
        grid[where.T] = COLOURS[kind]
    pixels = grid[::-1].repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    pixels[::_CELL] = _BAR_LINE
    pixels[:, :: _CELL * STEPS_PER_BAR] = _BAR_LINE
    at = (now - first) * _CELL
    pixels[:, max(0, at - 2) : at + 1] = _NOW
    return pixels


DRAW: dict[str, Callable[..., Any]] = {"ansi": text, "rgb_array": image}
"""The function of each render mode."""


def check_render_mode(mode: str | None, modes: list[str]) -> str | None:
    """Return the render mode of an environment; raises ValueError if it is neither None nor one of the modes."""
    if mode is not None and mode not in modes:
        raise ValueError(f"render_mode {mode!r}: choose one of {modes}")
    return mode
