"""Piano rolls: which keys are pressed at which step.

Conventions:
    A roll is a boolean array (T, 13): T steps, the 13 keys of `songs.keyboard`. True marks an onset;
    nothing is held. Functions say so where a batch (B, T, 13) is meant.
    Before the start of a song there is silence.
"""

from collections import Counter, defaultdict

import numpy as np

from songs.keyboard import KEYS, LOWEST_PITCH

_KEY_BITS = (1 << np.arange(KEYS)).astype(np.uint16)


def check_roll(roll: np.ndarray) -> np.ndarray:
    """Return `roll` as a boolean array (T, 13).

    Raises:
        ValueError: it has another shape, or values other than 0 and 1.
    """
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != KEYS:
        raise ValueError(f"a roll has the shape (steps, {KEYS}), this one has {roll.shape}")
    if roll.dtype != bool and not np.isin(roll, (0, 1)).all():
        raise ValueError("a roll holds only 0 (not pressed) and 1 (pressed)")
    return roll.astype(bool)


def roll_from_onsets(onsets: np.ndarray, steps: int) -> np.ndarray:
    """Return the roll (steps, 13) of onsets (N, 2), each a step and a MIDI pitch.

    Raises:
        ValueError: an onset lies outside the steps or outside the 13 keys.
    """
    roll = np.zeros((steps, KEYS), dtype=bool)
    onsets = np.asarray(onsets, dtype=np.int64).reshape(-1, 2)
    at, key = onsets[:, 0], onsets[:, 1] - LOWEST_PITCH
    if ((at < 0) | (at >= steps)).any():
        raise ValueError(f"an onset lies outside the {steps} steps of the roll")
    if ((key < 0) | (key >= KEYS)).any():
        raise ValueError(f"an onset lies outside the {KEYS} keys")
    roll[at, key] = True
    return roll


def onsets_from_roll(roll: np.ndarray) -> np.ndarray:
    """Return the onsets (N, 2) of a roll, each a step and a MIDI pitch, in order of time."""
    steps, keys = np.nonzero(roll)
    return np.stack([steps, keys + LOWEST_PITCH], axis=1)


def words(roll: np.ndarray) -> np.ndarray:
    """Return each step as one uint16 whose bit k is key k: (..., 13) becomes (...)."""
    return np.asarray(roll, dtype=bool).astype(np.uint16) @ _KEY_BITS


def memory_windows(roll: np.ndarray, memory: int, start: int = 0) -> np.ndarray:
    """Return what a performer remembers before each step from `start` on.

    Args:
        roll: (T, 13) bool.
        memory: steps remembered, at least 1.
        start: first step to decide.

    Returns:
        (T - start, memory, 13) bool, a read-only view; the last row of a window is the step just before.
    """
    padded = np.concatenate([np.zeros((memory, KEYS), dtype=bool), roll])
    windows = np.lib.stride_tricks.sliding_window_view(padded, memory, axis=0)  # (T + 1, 13, memory)
    return windows[start : len(roll)].transpose(0, 2, 1)


def memory_needed(roll: np.ndarray, start: int = 0) -> int | None:
    """Return the fewest remembered steps that decide every step from `start` on, at least 1.

    Two steps with different continuations must be distinguished by the steps before them. None if no memory can:
    both follow nothing but silence.
    """
    steps = words(roll)
    total = len(steps)
    padded = np.concatenate([np.zeros(total, dtype=np.uint16), steps])
    # shared[j]: length of the longest common past of position i and position j of the padded song
    shared = np.zeros(2 * total + 1, dtype=np.int64)
    needed = 1
    for i in range(1, 2 * total):
        shared[1:] = np.where(padded == padded[i - 1], shared[:-1] + 1, 0)
        if i < total + start:
            continue
        others = np.arange(total + start, i)
        differ = others[padded[others] != padded[i]]
        if len(differ):
            longest = int(shared[differ].max())
            if longest >= differ[shared[differ].argmax()]:
                return None
            needed = max(needed, longest + 1)
    return needed


def most_right_steps(rolls: list[np.ndarray], memory: int, start: int = 0) -> int:
    """Return how many steps from `start` on any one player can get right who sees only `memory` steps.

    Where the same memory goes on differently, in one roll or in several, the most frequent step is the best
    answer.
    """
    following: dict[bytes, Counter] = defaultdict(Counter)
    for roll in rolls:
        padded = np.concatenate([np.zeros(memory, dtype=np.uint16), words(roll)])
        for step in range(start, len(roll)):
            following[padded[step : step + memory].tobytes()][int(padded[step + memory])] += 1
    return sum(counts.most_common(1)[0][1] for counts in following.values())
