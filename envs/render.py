"""Drawings of a roll while it is played, as text for a terminal or as pixels for a video.

Conventions:
    K keys, low ones at the bottom. A cell is right (played as it should be), wrong (played but should not be) or missed
    (not played but should be).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid, Keyboard

VISIBLE_BARS = 4
MARKS = {"right": "#", "wrong": "x", "missed": "o", "empty": "."}
COLOURS = {"right": (66, 133, 90), "wrong": (200, 70, 60), "missed": (170, 175, 190)}
_WHITE_ROW, _BLACK_ROW, _BAR_LINE, _NOW = (250, 250, 247), (232, 233, 236), (205, 207, 212), (120, 140, 220)
_CELL = 12
"""Side of a cell in pixels."""


def _window(played: np.ndarray, target: np.ndarray | None, now: int, bar: int) -> tuple[int, dict[str, np.ndarray]]:
    """Return the first visible step, and the cells (VISIBLE_BARS * bar, K) of each kind, with bars of `bar` steps."""
    visible = VISIBLE_BARS * bar
    first = max(0, -(-now // bar) * bar - visible)
    shown = np.zeros((visible, played.shape[1]), dtype=bool)
    wanted = shown.copy()
    part = played[first : min(now, first + visible)]
    shown[: len(part)] = part
    if target is None:
        return first, {"right": shown, "wrong": wanted, "missed": wanted}
    part = target[first : first + visible]
    wanted[: len(part)] = part
    return first, {"right": shown & wanted, "wrong": shown & ~wanted, "missed": wanted & ~shown}


def text(
    played: np.ndarray,
    target: np.ndarray | None,
    now: int,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    grid: Grid = DEFAULT_GRID,
) -> str:
    """Draw the steps around `now` as lines of text, one per key.

    Args:
        played: (T, K) bool; steps from `now` on are ignored.
        target: (T, K) bool, or None if there is nothing to reproduce.
        now: the next step to play.
        keyboard: of K keys.
        grid: of the steps.
    """
    bar = grid.steps_per_bar
    first, cells = _window(played, target, now, bar)
    lines = []
    for key, name in reversed(list(enumerate(keyboard.names))):
        row = [MARKS["empty"]] * (VISIBLE_BARS * bar)
        for kind, where in cells.items():
            for step in np.flatnonzero(where[:, key]):
                row[step] = MARKS[kind]
        bars = ["".join(row[i : i + bar]) for i in range(0, len(row), bar)]
        lines.append(f"{name:>3} {'|'.join(bars)}")
    at = now - first
    lines.append(" " * (4 + at + at // bar) + f"^ step {now}")
    return "\n".join(lines)


def image(
    played: np.ndarray,
    target: np.ndarray | None,
    now: int,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    grid: Grid = DEFAULT_GRID,
) -> np.ndarray:
    """Draw the steps around `now` as an image (12 * K, 48 * bar, 3) uint8, 384 wide for bars of 8 steps.

    Arguments as for `text`.
    """
    bar = grid.steps_per_bar
    first, cells = _window(played, target, now, bar)
    colours = np.empty((keyboard.keys, VISIBLE_BARS * bar, 3), dtype=np.uint8)
    colours[:] = _WHITE_ROW
    colours[list(keyboard.black_keys)] = _BLACK_ROW
    for kind, where in cells.items():
        colours[where.T] = COLOURS[kind]
    pixels = colours[::-1].repeat(_CELL, axis=0).repeat(_CELL, axis=1)
    pixels[::_CELL] = _BAR_LINE
    pixels[:, :: _CELL * bar] = _BAR_LINE
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
