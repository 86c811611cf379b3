"""An n-gram over rhythm and intervals: how expected each step is after the ones before it.

    rhythm      probability that a note begins, given the step in the bar, the steps since the last onset, and the steps
                between the last two onsets
    intervals   probability of the interval to a new note, in semitones, given the three intervals before it

Conventions:
    As in `listener.listener`; targets are ignored. The highest key of a step is the melody; every further key is
    rewarded as one of 14 equally likely tokens.
    The reward of a step is its log probability in nats minus `constant`, the mean over steps of real music, so real
    music earns about 0. Both tables back off to a uniform distribution, so a rest longer than any in training costs
    log 14 = 2.6 at every step.
Source: I. Witten and T. Bell, The Zero-Frequency Problem, 1991 (method C), for the back-off.
"""

from dataclasses import dataclass

import numpy as np

from listener.expectation import Expectation
from listener.markov import TOKENS, witten_bell
from listener.stages import Task, Trained, Training
from listener.theory import NONE, Events, events
from songs.keyboard import KEYS, STEPS_PER_BAR

LONGEST_GAP = 24
PREVIOUS_GAPS = 10
"""Classes of the previous gap: 0 for none, 1 to 8 steps, 9 for longer."""
INTERVALS = 2 * KEYS
"""Classes of intervals: 0 for none, 1 to 25 for -12 to 12 semitones; larger ones count as an octave."""
CONTEXT = 3


@dataclass(frozen=True, eq=False)
class Tables:
    """Log probabilities in nats."""

    rhythm: np.ndarray
    """(8, 25, 10, 2) float32: step in the bar, gap, previous gap, and rest or onset."""
    intervals: np.ndarray
    """(26, 26, 26, 26) float32: three intervals, oldest first, and the next one."""


def _rhythm_table(known: Events) -> np.ndarray:
    shape = (STEPS_PER_BAR, LONGEST_GAP + 1, PREVIOUS_GAPS, 2)
    rows = np.ravel_multi_index((*_rhythm_context(known), known.onset.astype(np.int64)), shape)
    counts = np.bincount(rows.ravel(), minlength=np.prod(shape)).reshape(shape)
    table = np.broadcast_to([1 / TOKENS, KEYS / TOKENS], shape)
    for unknown in ((0, 2), (2,), ()):
        seen = np.broadcast_to(counts.sum(axis=unknown, keepdims=True), shape)
        table = witten_bell(seen.reshape(-1, 2), table.reshape(-1, 2)).reshape(shape)
    return np.log(table).astype(np.float32)


def _interval_table(known: Events) -> np.ndarray:
    contexts, follows = _interval_context(known)
    named = contexts[0]
    for each in (*contexts[1:], follows):
        named = named * INTERVALS + each
    wanted = (follows > 0) & known.onset
    shape = (INTERVALS,) * (CONTEXT + 1)
    counts = np.bincount(named[wanted], minlength=INTERVALS ** (CONTEXT + 1)).reshape(shape)
    table = np.full(shape, 1 / (INTERVALS - 1))
    for size in range(CONTEXT + 1):
        seen = np.broadcast_to(counts.sum(axis=tuple(range(CONTEXT - size)), keepdims=True), shape)
        table = witten_bell(seen.reshape(-1, INTERVALS), table.reshape(-1, INTERVALS)).reshape(shape)
    table[..., 0] = 1 / KEYS  # the first note: any key
    return np.log(table).astype(np.float32)


def _rhythm_context(known: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    steps = np.broadcast_to(np.arange(known.gap.shape[1]) % STEPS_PER_BAR, known.gap.shape)
    return steps, np.minimum(known.gap, LONGEST_GAP), np.minimum(known.previous_gap, PREVIOUS_GAPS - 1)


def _interval_context(known: Events) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the classes, 0 to 25, of the three intervals before each step, oldest first, and of its own interval."""
    size = np.clip(known.interval.astype(np.int64), 1 - KEYS, KEYS - 1)
    classes = np.where(known.interval == NONE, 0, size + KEYS)
    order = np.cumsum(known.onset, axis=1)
    # the intervals of each melody in a row, without the rests
    rows, steps = np.nonzero(known.onset)
    listed = np.zeros((len(classes), CONTEXT + 1 + classes.shape[1]), dtype=np.int64)
    listed[rows, CONTEXT + order[rows, steps]] = classes[rows, steps]
    last = CONTEXT + order - known.onset
    return [np.take_along_axis(listed, last - back, axis=1) for back in range(CONTEXT - 1, -1, -1)], classes


class NGram(Expectation):
    """Rewards steps by their probability under an n-gram; `constant` is as in `Expectation`."""

    pitch_term = "intervals"
    any_keyboard = True

    def __init__(self, tables: Tables, constant: float):
        self.tables, self.constant = tables, constant

    @classmethod
    def trained(cls, melodies: np.ndarray) -> "NGram":
        """Train an n-gram on melodies (N, T) int8."""
        known = events(melodies)
        tables = Tables(_rhythm_table(known), _interval_table(known))
        return cls(tables, float(sum(term.mean() for term in cls(tables, 0.0).log_probabilities(melodies))))

    def log_probabilities(self, melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the log probabilities of rhythm and interval at every step, (B, T) float32 each; 0 for no interval."""
        known = events(melodies)
        rhythm = self.tables.rhythm[(*_rhythm_context(known), known.onset.astype(np.int64))]
        contexts, follows = _interval_context(known)
        intervals = self.tables.intervals[(*contexts, follows)]
        return rhythm, np.where(known.onset, intervals, np.float32(0))


class NGramTraining(Training):
    """Training of an n-gram on real melodies (N, T), in a single step."""

    def __init__(self, melodies: np.ndarray):
        self._melodies = melodies
        self._listener: NGram | None = None
        super().__init__([(1, lambda: Task("counting", self._count))], {})

    def _count(self) -> None:
        self._listener = NGram.trained(self._melodies)

    @property
    def result(self) -> Trained:
        return Trained(self._listener or NGram.trained(self._melodies), {})
