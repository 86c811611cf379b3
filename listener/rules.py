"""A listener that applies rules of music theory: those of RL Tuner, on onsets.

RL Tuner (Jaques et al. 2017) rewards each step of a melody of sixteenth notes in C major. Differences here:

    grid       a step is an eighth note; a rest extends the note before it and is not a note itself
    key        inferred, not given: the major scale, or its relative minor, that contains most of the notes so far
    chords     only the highest key counts
    tonic, unique   are potentials: a step is rewarded with the change of their value, so that the rewards of a song
               add up to the value of the whole song
    silence    more than a bar of rest is punished like a note repeated too often; the original counts events

Conventions: as in `listener.listener`; targets are ignored.
Source: Jaques et al. (2017), Tuning Recurrent Neural Networks with Reinforcement Learning; the numbers are those of
    `rl_tuner.py` in Magenta, unless a field says otherwise.
"""

from dataclasses import asdict, dataclass

import numpy as np

from listener import theory
from listener.listener import SumOfTerms

FIFTH = 7
"""Semitones from which an interval is a leap."""


@dataclass(frozen=True)
class TheoryWeights:
    """Weights of the rules."""

    key: float = -1.0
    """For a note outside the key."""
    tonic: float = 3.0
    """For a first note that is the tonic, and the same for a last note."""
    repeating: float = -100.0
    """For a note more than `most_repetitions` times in a row, and for every rest beyond `most_rests`."""
    autocorrelation: float = -3.0
    """Multiplied by `|r|`, the autocorrelation of the notes so far, for each lag of 1 to 3 notes with `|r|` > .15."""
    motif: float = 3.0
    """For a note in a bar with at least three different notes; plus a tenth of it for each further one."""
    repeated_motif: float = 4.0
    """For a repeated motif; plus a quarter of it for each further different note."""
    intervals: float = 5.0
    """Multiplied by the pleasantness of the interval from the previous note, `INTERVALS`."""
    leap: float = 5.0
    """For a leap resolved by a smaller step back; negated for a second leap in the same direction."""
    unique: float = 3.0
    """For a highest note that is played only once, and the same for the lowest."""


INTERVALS = np.array([0.0, 0.08, 0.08, 0.09, 0.09, 0.07, 0.0, 0.02, 0.05, 0.05, -0.3, -0.3, 0.0, -1.0])
"""Pleasantness by number of semitones: 1 to 12, and more than an octave. Repetition, tritone and octave are worth 0."""
FIFTH_IN_KEY, THIRD_IN_KEY = 0.1, 0.15
"""Pleasantness of a fifth and of a third if both notes belong to the key."""
LEAST_CORRELATION = 0.15
LAGS = (1, 2, 3)
MOST_REPETITIONS = 4
MOST_RESTS = 8
"""A bar of 4/4. Our own choice: one of 64 children's songs has a longer rest."""
MOTIF_STEPS = 8
"""Our own choice: a bar of eighth notes; the original uses half a bar of sixteenth notes."""
MOTIF_NOTES = 3


class MusicTheory(SumOfTerms):
    """Rewards melodies that follow music theory. The default weights are RL Tuner's; a weight of 0 disables a rule."""

    def __init__(self, weights: TheoryWeights | None = None):
        self.weights = weights or TheoryWeights()

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards of each rule at every step, (B, T) float32 by name."""
        melodies = theory.highest_keys(rolls)
        if not melodies.size:
            return {name: np.zeros(melodies.shape, dtype=np.float32) for name in asdict(self.weights)}
        notes, steps = theory.notes_of(melodies)
        values = {
            "key": _out_of_key(notes),
            "tonic": _gains(_tonic_potential(notes)),
            "repeating": theory.repetitions(notes) > MOST_REPETITIONS,
            "autocorrelation": _autocorrelation(notes),
            "intervals": _pleasantness(notes),
            "leap": _leaps(notes),
            "unique": _gains(_unique_potential(notes)),
        }
        length = melodies.shape[1]
        terms = {name: theory.at_steps(of_notes, steps, length) for name, of_notes in values.items()}
        terms["repeating"] += theory.run_lengths(melodies == theory.REST) > MOST_RESTS
        terms["motif"], terms["repeated_motif"] = _motifs(melodies)
        return {name: np.float32(weight) * terms[name] for name, weight in asdict(self.weights).items()}


def _gains(potential: np.ndarray) -> np.ndarray:
    """Return the change of a potential (B, N) at each note."""
    return np.diff(potential, axis=1, prepend=0.0)


def _out_of_key(notes: np.ndarray) -> np.ndarray:
    return ~theory.in_scale(notes, theory.best_scales(notes)) & (notes != theory.REST)


def _tonic_potential(notes: np.ndarray) -> np.ndarray:
    """Return 1 for a first note that is the tonic of the key so far, plus 1 for such a last note, (B, N).

    The tonic of the relative minor counts as well.
    """
    tonics = theory.best_scales(notes)
    first, last = (((end % 12 - tonics) % 12 == 0) | ((end % 12 - tonics) % 12 == 9) for end in (notes[:, :1], notes))
    return _held(first.astype(np.float64) + last, notes)


def _unique_potential(notes: np.ndarray) -> np.ndarray:
    """Return 1 if the highest note so far was played only once, plus 1 for the lowest, (B, N)."""
    keys = max(1, int(notes.max(initial=theory.REST)) + 1)
    counts = np.cumsum((notes[..., None] == np.arange(keys)), axis=1)
    played = counts > 0
    lowest, highest = played.argmax(axis=2), keys - 1 - played[..., ::-1].argmax(axis=2)
    once = (np.take_along_axis(counts, end[..., None], axis=2)[..., 0] == 1 for end in (lowest, highest))
    return _held(sum(once), notes)


def _held(potential: np.ndarray, notes: np.ndarray) -> np.ndarray:
    """Hold the value of the last note in the padding after it; rows without notes are 0."""
    last = np.maximum(np.count_nonzero(notes != theory.REST, axis=1) - 1, 0)
    indices = np.minimum(np.arange(notes.shape[1]), last[:, None])
    return np.where(notes[:, :1] == theory.REST, 0, np.take_along_axis(potential, indices, axis=1)).astype(np.float64)


def _autocorrelation(notes: np.ndarray) -> np.ndarray:
    strengths = [np.abs(theory.autocorrelations(notes, lag)) for lag in LAGS if lag < notes.shape[1]]
    return sum((np.where(one > LEAST_CORRELATION, one, 0) for one in strengths), np.zeros(notes.shape))


def _pleasantness(notes: np.ndarray) -> np.ndarray:
    sizes = np.abs(theory.intervals(notes))
    inside = theory.in_scale(notes, theory.best_scales(notes))
    both = inside.copy()
    both[:, 1:] &= theory.in_scale(notes[:, :-1], theory.best_scales(notes)[:, 1:])
    pleasant = INTERVALS[np.minimum(sizes, len(INTERVALS) - 1)]
    pleasant = np.where(both & (sizes == FIFTH), FIFTH_IN_KEY, pleasant)
    return np.where(both & ((sizes == 3) | (sizes == 4)), THIRD_IN_KEY, pleasant)


def _leaps(notes: np.ndarray) -> np.ndarray:
    """Return 1 for a step back after a leap, -1 for a second leap in the same direction."""
    now = theory.intervals(notes)
    before = np.zeros_like(now)
    before[:, 1:] = now[:, :-1]
    after_leap = np.abs(before) >= FIFTH
    back = after_leap & (now * before < 0) & (np.abs(now) < np.abs(before))
    onwards = after_leap & (np.abs(now) >= FIFTH) & (now * before > 0)
    return back.astype(np.float64) - onwards


def _motifs(melodies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of motifs and of repeated motifs before weighting, at every step, (B, T) float32 each."""
    windows = theory.recent(melodies, MOTIF_STEPS)
    different = theory.different_notes(windows)
    motif = (different >= MOTIF_NOTES) & (melodies != theory.REST)
    further = np.where(motif, different - MOTIF_NOTES, 0)
    repeated = motif & theory.repeated_windows(windows)
    return (motif + 0.1 * further).astype(np.float32), (repeated * (1 + further / 4)).astype(np.float32)
