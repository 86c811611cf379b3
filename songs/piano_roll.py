"""Piano rolls: the keys pressed at each step.

Conventions:
    A roll is a boolean array (T, K): T steps, the K keys of a keyboard. True marks an onset; nothing is held.
    Songs are preceded by silence.
"""

from collections import Counter, defaultdict

import numpy as np

from songs.keyboard import DEFAULT_KEYBOARD, Keyboard, pitch_name

LARGEST_LAG = 4096
Memory = int | tuple[int, ...]
"""What a performer remembers: a number of last steps, or the steps at given lags, largest first.

A lag of 1 is the previous step.
"""


def check_roll(roll: np.ndarray, keyboard: Keyboard = DEFAULT_KEYBOARD) -> np.ndarray:
    """Return `roll` as a boolean array (T, K) with the keys of a keyboard.

    Raises:
        ValueError: it has another shape, or values other than 0 and 1.
    """
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != keyboard.keys:
        raise ValueError(f"a roll has the shape (steps, {keyboard.keys}), this one has {roll.shape}")
    if roll.dtype != bool and not np.isin(roll, (0, 1)).all():
        raise ValueError("a roll holds only 0 (not pressed) and 1 (pressed)")
    return roll.astype(bool)


def roll_from_onsets(onsets: np.ndarray, steps: int, keyboard: Keyboard = DEFAULT_KEYBOARD) -> np.ndarray:
    """Return the roll (steps, K) of onsets (N, 2), each a step and a MIDI pitch.

    Raises:
        ValueError: an onset lies outside the steps or outside the keyboard.
    """
    roll = np.zeros((steps, keyboard.keys), dtype=bool)
    onsets = np.asarray(onsets, dtype=np.int64).reshape(-1, 2)
    at, key = onsets[:, 0], onsets[:, 1] - keyboard.lowest_pitch
    if ((at < 0) | (at >= steps)).any():
        raise ValueError(f"an onset lies outside the {steps} steps of the roll")
    if ((key < 0) | (key >= keyboard.keys)).any():
        raise ValueError(f"an onset lies outside the {keyboard.keys} keys")
    roll[at, key] = True
    return roll


def onsets_from_roll(roll: np.ndarray, keyboard: Keyboard = DEFAULT_KEYBOARD) -> np.ndarray:
    """Return the onsets (N, 2) of a roll, each a step and a MIDI pitch, in order of time."""
    steps, keys = np.nonzero(roll)
    return np.stack([steps, keys + keyboard.lowest_pitch], axis=1)


def note_lengths(
    roll: np.ndarray, longest: int, song: np.ndarray | None = None, lengths: np.ndarray | None = None
) -> np.ndarray:
    """Return the lengths of the notes of a roll: as in a song if it has the same note, otherwise until the next onset.

    Notes end at the latest with the roll or when their key is pressed again.

    Args:
        roll: (T, K) bool.
        longest: most steps of a note that the song does not have.
        song: (S, K) bool.
        lengths: (M,) lengths in steps of the notes of the song, ordered by step and key; None if unknown.

    Returns:
        (N,) float64, in steps, ordered by step and key.
    """
    steps, keys = np.nonzero(roll)
    onsets = np.append(np.unique(steps), len(roll))
    result = np.minimum(onsets[np.searchsorted(onsets, steps, side="right")] - steps, float(longest))
    if song is not None and lengths is not None:
        known = np.zeros((max(len(roll), len(song)), roll.shape[1]))
        known[np.nonzero(song)] = lengths
        result = np.where(known[steps, keys] > 0, known[steps, keys], result)
    order = np.lexsort((steps, keys))
    again = np.append(np.where(np.diff(keys[order]) == 0, steps[order][1:], len(roll)), len(roll))[: len(order)]
    result[order] = np.minimum(result[order], again - steps[order])
    return result


def put_on_keyboard(roll: np.ndarray, keyboard: Keyboard, other: Keyboard) -> np.ndarray:
    """Convert a roll (T, K) from one keyboard to another, at the same pitches.

    Raises:
        ValueError: the other keyboard lacks a key that is pressed.
    """
    onsets = onsets_from_roll(roll, keyboard)
    beyond = (onsets[:, 1] < other.lowest_pitch) | (onsets[:, 1] > other.highest_pitch)
    if beyond.any():
        low, high = pitch_name(other.lowest_pitch), pitch_name(other.highest_pitch)
        raise ValueError(
            f"{pitch_name(onsets[beyond][0, 1])} is not on the keyboard of {other.keys} keys, {low} to {high}"
        )
    return roll_from_onsets(onsets, len(roll), other)


def step_numbers(roll: np.ndarray) -> np.ndarray:
    """Return a number from 0 to T for each step of a roll (T, K), equal for equal steps and 0 for silence."""
    numbers = np.zeros(len(roll) + 1, dtype=np.int64)  # with a silent step before the others
    for first in range(0, roll.shape[1], 32):
        keys = roll[:, first : first + 32]
        numbers[1:] = numbers[1:] << 32 | keys @ (1 << np.arange(keys.shape[1]))
        numbers = np.unique(numbers, return_inverse=True)[1]
    return numbers[1:]


def read_lags(text: str) -> tuple[int, ...]:
    """Parse lags such as 1,2,4,8 and return them in descending order; none for "".

    Raises:
        ValueError: a lag is not a whole number from 1 to `LARGEST_LAG`.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if any(not part.isascii() or not part.isdigit() or not 1 <= int(part[:9]) <= LARGEST_LAG for part in parts):
        raise ValueError(f"lags = {text[:80]!r}: write steps back, 1 to {LARGEST_LAG}, between commas, as in 1,2,4,8")
    return tuple(sorted({int(part) for part in parts}, reverse=True))


def span(memory: Memory) -> int:
    """Return the number of steps that a memory reaches back."""
    return memory if isinstance(memory, int) else max(memory)


def rows_of(memory: Memory) -> int:
    """Return M, the number of steps that are remembered."""
    return memory if isinstance(memory, int) else len(memory)


def remembered(history: np.ndarray, memory: Memory) -> np.ndarray:
    """Return the steps (..., M, K) that a memory keeps of the last S = span(memory) steps (..., S, K)."""
    return history if isinstance(memory, int) else history[..., [-lag for lag in memory], :]


def memory_windows(roll: np.ndarray, memory: Memory, start: int = 0) -> np.ndarray:
    """Return the memory of a performer before each step from `start` on.

    Args:
        roll: (T, K) bool.
        memory: number of steps remembered, at least 1, or lags.
        start: first step to predict.

    Returns:
        (T - start, M, K) bool, a read-only view if the last steps are remembered; the newest step is the last row.
    """
    steps = span(memory)
    padded = np.concatenate([np.zeros((steps, roll.shape[1]), dtype=bool), roll])
    windows = np.lib.stride_tricks.sliding_window_view(padded, steps, axis=0)  # (T + 1, K, steps)
    return remembered(windows[start : len(roll)].transpose(0, 2, 1), memory)


def memory_needed(roll: np.ndarray, start: int = 0) -> int | None:
    """Return the fewest remembered steps, at least 1, that determine every step from `start` on.

    Positions with different next steps must be distinguished by the steps before them. Returns None if no memory can,
    because both follow nothing but silence.
    """
    steps = step_numbers(roll)
    total = len(steps)
    following = steps[start:]
    span = np.append(np.zeros(total, dtype=np.int64), steps)  # numbers of spans of `length` steps, by their last step
    length = needed = 1

    def undecided(pasts: np.ndarray) -> bool:
        pasts = pasts[total + start - 1 : -1]
        return len(set(pasts.tolist())) < len(set((pasts * (total + 1) + following).tolist()))

    if start >= total or not undecided(span):
        return 1
    spans = []
    while undecided(span):  # afterwards, more than half of `length` is needed
        if length >= total:
            return None
        spans.append(span)
        span, length = _joined(span, span, length), 2 * length
    span, needed = spans[-1], length // 2
    for shorter in reversed(spans[:-1]):
        length //= 2
        longer = _joined(shorter, span, length // 2)
        if undecided(longer):
            span, needed = longer, needed + length // 2
    return needed + 1


def _joined(spans: np.ndarray, earlier: np.ndarray, steps: int) -> np.ndarray:
    """Number the spans made of each span and the earlier one that ends `steps` steps before it."""
    before = np.append(np.zeros(steps, dtype=np.int64), earlier)[: len(spans)]
    return np.unique(spans * (earlier.max() + 1) + before, return_inverse=True)[1]


def most_right_steps(rolls: list[np.ndarray], memory: Memory, start: int = 0) -> int:
    """Return the most steps from `start` on that a player with only this memory can get right.

    If the same memory is followed by different steps, in one roll or in several, the most frequent one is the best
    answer.
    """
    following: dict[bytes, Counter] = defaultdict(Counter)
    numbers = np.split(step_numbers(np.concatenate(rolls)), np.cumsum([len(roll) for roll in rolls])[:-1])
    for steps in numbers:
        windows = memory_windows(steps[:, None], memory, start)
        for window, step in zip(windows, steps[start:].tolist(), strict=True):
            following[window.tobytes()][step] += 1
    return sum(counts.most_common(1)[0][1] for counts in following.values())
