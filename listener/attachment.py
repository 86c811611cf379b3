"""Listeners on any keyboard and grid. The project's own listeners hear eighths; this module converts other grids.

An eighth holds the notes that begin in it. Where several notes begin in one eighth, as on sixteenths and triplets, the
music is scored twice, once with the first of them and once with the last, and the reward is the mean of both. On a grid
of quarters every second eighth is silent. Eight eighths make a bar in any metre.

Conventions: rolls are (B, T, K) with s steps to a quarter note. They have E = 2T / s eighths; an incomplete last eighth
    is ignored. The reward of an eighth is given at its last step.
"""

from typing import Any

import numpy as np

from listener.listener import Listener, SumOfTerms, WeightedSum, pays_every
from songs.keyboard import DEFAULT_GRID, Grid, Keyboard

EIGHTHS = DEFAULT_GRID.steps_per_quarter


def attached(listener: Listener, keyboard: Keyboard, grid: Grid) -> Any:
    """Return the listener adapted to rolls on a keyboard and a grid.

    Your own listener may have a method `attach(keyboard, grid)` that returns it; otherwise it gets the rolls unchanged.
    """
    if isinstance(listener, WeightedSum):
        parts = tuple(attached(one, keyboard, grid) for one in listener.listeners)
        return listener if parts == listener.listeners else WeightedSum(parts, listener.weights)
    if isinstance(listener, SumOfTerms) and grid.steps_per_quarter != EIGHTHS:
        return InEighths(listener, grid.steps_per_quarter)
    attach = getattr(listener, "attach", None)
    return attach(keyboard, grid) if attach else listener


def hears_any_keyboard(listener: Listener) -> bool:
    """Return False for a listener that hears only 13 keys and eighths: its attribute `any_keyboard` is False."""
    if isinstance(listener, WeightedSum):
        return all(map(hears_any_keyboard, listener.listeners))
    return bool(getattr(listener, "any_keyboard", True))


def in_eighths(rolls: np.ndarray, grid: Grid) -> np.ndarray:
    """Convert rolls (B, T, K) on a grid to eighths (B, E, K), keeping the first sounding step of each eighth."""
    if grid.steps_per_quarter == EIGHTHS:
        return rolls
    first, last = _ends(rolls.shape[1], grid.steps_per_quarter)
    return _eighths(rolls, np.asarray(rolls.any(axis=2)), first, last, latest=False)


class InEighths(SumOfTerms):
    """Applies a listener of eighths to rolls on another grid."""

    def __init__(self, listener: SumOfTerms, steps_per_quarter: int):
        self.listener, self.steps_per_quarter = listener, steps_per_quarter
        steps = pays_every(listener) * steps_per_quarter
        self.pays_every = steps // EIGHTHS if steps % EIGHTHS == 0 else 1

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards of each term at every step, (B, T) float32 by name."""
        count, steps, _ = rolls.shape
        first, last = _ends(steps, self.steps_per_quarter)
        sounds = np.asarray(rolls.any(axis=2))
        versions = [_eighths(rolls, sounds, first, last, latest) for latest in (False, True)]
        rewards = {}
        for name, values in self.listener.terms(np.concatenate(versions)).items():
            rewards[name] = np.zeros((count, steps), dtype=np.float32)
            np.add.at(rewards[name].T, last, ((values[:count] + values[count:]) / 2).T)
        return rewards


def _ends(steps: int, steps_per_quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last step of each whole eighth, (E,) int64; an eighth without steps has first > last."""
    lines = -(-np.arange(EIGHTHS * steps // steps_per_quarter + 1) * steps_per_quarter // EIGHTHS)
    return lines[:-1], lines[1:] - 1


def _eighths(rolls: np.ndarray, sounds: np.ndarray, first: np.ndarray, last: np.ndarray, latest: bool) -> np.ndarray:
    """Return eighths (B, E, K): the first or the latest sounding step of each, or silence if none sounds."""
    count, steps, keys = rolls.shape
    chosen = np.full((count, len(first)), steps)
    offsets = range(int((last - first).max(initial=0)) + 1)
    for offset in offsets if latest else reversed(offsets):
        step = np.minimum(first + offset, steps - 1)
        chosen = np.where(sounds[:, step] & (first + offset <= last), step, chosen)
    silent = np.zeros((count, 1, keys), dtype=bool)
    return np.take_along_axis(np.concatenate((rolls, silent), axis=1), chosen[..., None], axis=1)
