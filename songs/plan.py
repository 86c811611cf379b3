"""Plans of melodies: which earlier bar each bar echoes and how, its number of notes, and how it ends.

Conventions:
    N plans of U bars, 4 to 32, of 8 eighths. A bar has four factors: its *relation*, 0 for a new bar and otherwise
    1 + (kind - 1) * 16 + lag - 1, if it echoes the bar `lag` bars before in one of the ways `KINDS`; its number of
    notes; the steps from its last note to its end, 0 without notes; and the degree of that note, 0 to 11 semitones
    above the tonic, 12 without notes.
    A phrase ends with a bar whose last note or rest lasts half a bar or longer, and with the last bar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songs.keyboard import STEPS_PER_BAR
from songs.validate import validate_like

KINDS = ("new", "exact", "other ending", "varied", "transposed", "rhythm")
"""Ways to echo a bar: exactly; its first half; except up to a quarter of its steps; along the scale; in rhythm only."""
NEW, EXACT, ENDING, VARIED, TRANSPOSED, RHYTHM = range(len(KINDS))
FEWEST_BARS, MOST_BARS, MOST_LAG = 4, 32, 16
RELATIONS = 1 + (len(KINDS) - 1) * MOST_LAG
NO_DEGREE = 12
FACTORS = (RELATIONS, STEPS_PER_BAR + 1, STEPS_PER_BAR + 1, NO_DEGREE + 1)
"""Number of values of each factor of a bar."""
WIDEST, LEVELS, STYLES = 25, 5, 5
"""Most keys that a planned melody may span; levels of each measure of style; number of measures."""
CHARACTER = (12, 2, WIDEST, *[LEVELS] * STYLES)
"""Number of values of each part of the character."""
LONG = STEPS_PER_BAR // 2
"""Fewest steps from the last note of a phrase to its end."""


@dataclass(frozen=True, eq=False)
class Plans:
    """Plans of N melodies."""

    bars: np.ndarray
    """(N, U, 4) int64, the factors of every bar."""
    character: np.ndarray
    """(N, C) int64: the tonic, 0 to 11 semitones above the lowest note; 1 for minor (the tonic is that of the major
    scale with the same notes); semitones from the lowest to the highest note; then levels of style, as defined by the
    model that made the plans."""
    lowest: np.ndarray
    """(N,) int64, the key of the lowest note."""

    @classmethod
    def from_dict(cls, content: dict[str, Any], bars: int, keys: int) -> "Plans":
        """Build plans of `bars` bars on `keys` keys from the output of `to_dict`; raises ValueError if invalid."""
        example = {"bars": [[(0,) * len(FACTORS)]], "character": [(0,) * len(CHARACTER)], "lowest": [0]}
        validate_like(example, content)
        rows = [len(plan) for plan in content["bars"]]
        if not rows or set(rows) != {bars} or len({len(rows), len(content["character"]), len(content["lowest"])}) > 1:
            raise ValueError(f"it holds no plans of {bars} bars")
        plans = cls(*(np.array(content[name], dtype=np.int64) for name in example))
        lags, highest = kinds_and_lags(plans.bars[..., 0])[1], plans.lowest + plans.character[:, 2]
        inside = (plans.bars < FACTORS).all() and (plans.character < CHARACTER).all() and (highest < keys).all()
        if not inside or (lags > np.arange(bars)).any():
            raise ValueError("it holds values that no plan has")
        return plans

    @classmethod
    def joined(cls, plans: Sequence["Plans"]) -> "Plans":
        """Concatenate plans that have the same number of bars."""
        return cls(*(np.concatenate([getattr(one, name) for one in plans]) for name in cls.__annotations__))

    def to_dict(self) -> dict[str, Any]:
        """Return the plans as plain data."""
        return {name: getattr(self, name).tolist() for name in ("bars", "character", "lowest")}

    def __len__(self) -> int:
        return len(self.bars)

    def __getitem__(self, index: np.ndarray | slice) -> "Plans":
        return Plans(self.bars[index], self.character[index], self.lowest[index])

    @property
    def steps(self) -> int:
        """T, the number of steps of the melodies."""
        return self.bars.shape[1] * STEPS_PER_BAR

    @property
    def tonic(self) -> np.ndarray:
        """(N,) int64, the key of the tonic at or above the lowest note."""
        return self.lowest + self.character[:, 0]

    @property
    def phrase_ends(self) -> np.ndarray:
        """(N, U) bool: True if a phrase ends with the bar."""
        closing = np.where(self.bars[..., 1] > 0, self.bars[..., 2], STEPS_PER_BAR)
        ends = closing >= LONG
        ends[:, -1] = True
        return ends


def kinds_and_lags(relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kinds and lags of relations of any shape, both 0 for new bars."""
    echoes = relations > 0
    kind, lag = np.divmod(np.maximum(relations, 1) - 1, MOST_LAG)
    return np.where(echoes, kind + 1, NEW), np.where(echoes, lag + 1, 0)


def relation(kind: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Return the relations of kinds and lags; `lag` is ignored for new bars."""
    return np.where(kind > 0, 1 + (kind - 1) * MOST_LAG + lag - 1, 0)


PHRASE_PLACES = 4
"""Number of distinct values for bars since the start of a phrase, bars to its end, and bars left; more are clipped."""


class PlanInputs:
    """Binary inputs that give a performer the plan at every step.

    K inputs each: the corresponding step of the echoed bar; and, at the step where the last note of the bar should
    begin, the keys on its degree. Then one-hot inputs: the kind of echo; the step in the bar; bars since the start of
    the phrase; bars to its end; bars left. Finally an input that is 1 if a note is still to come in the bar.
    """

    def __init__(self, plans: Plans, keys: int):
        """Take N plans, for K keys."""
        self.plans, self.keys = plans, keys
        count, bars = plans.bars.shape[:2]
        steps = plans.steps
        kind, lag = kinds_and_lags(plans.bars[..., 0])
        bar, place = np.divmod(np.arange(steps), STEPS_PER_BAR)
        back = STEPS_PER_BAR * lag[:, bar]
        self.sources = np.where(back > 0, np.arange(steps) - back, -1)
        """(N, T) int64: the step that each step echoes, -1 for none."""
        since, until = _places_in_phrases(plans.phrase_ends)
        left = np.tile(np.arange(bars)[::-1], (count, 1))
        ends = STEPS_PER_BAR - plans.bars[..., 2]  # the step of the last note, 8 if there is none
        closes = place == ends[:, bar]
        on_degree = (np.arange(keys) - plans.tonic[:, None, None]) % 12 == plans.bars[..., 3, None]
        parts = [
            closes[..., None] & on_degree[:, bar],
            _one_of(kind[:, bar], len(KINDS)),
            _one_of(np.tile(place, (count, 1)), STEPS_PER_BAR),
            *(_one_of(each[:, bar], PHRASE_PLACES) for each in (since, until, left)),
            (place <= np.where(ends == STEPS_PER_BAR, -1, ends)[:, bar])[..., None],
        ]
        self.fixed = np.concatenate(parts, axis=2)
        """(N, T, F) bool: all inputs except the echoed step."""

    @property
    def reach(self) -> int:
        """Largest number of steps back to an echoed step."""
        return int(np.where(self.sources >= 0, np.arange(self.sources.shape[1]) - self.sources, 0).max(initial=0))

    def at(self, which: np.ndarray, steps: np.ndarray, rolls: np.ndarray) -> np.ndarray:
        """Return the inputs (B, I) bool of plans `which` (B,) at steps (B,), given the rolls (B, T, K) so far."""
        source = self.sources[which, steps]
        echoed = rolls[np.arange(len(which)), np.maximum(source, 0)] & (source >= 0)[:, None]
        return np.concatenate((echoed, self.fixed[which, steps]), axis=1)


class PlanFollower:
    """Tracks the plan inputs of episodes that start together after a prompt, from the memories of the performers.

    Episode i has plan i; if there are more episodes than plans, the plans repeat.
    """

    def __init__(self, inputs: PlanInputs, prompt: int):
        """Take the inputs of plans, and the number of steps in the prompt."""
        self._inputs, self._prompt = inputs, prompt
        self._rolls: np.ndarray | None = None
        self._step = 0

    def reset(self) -> None:
        """Start new episodes."""
        self._rolls = None

    def after(self, memory: np.ndarray) -> np.ndarray:
        """Return the inputs (B, I) bool for the step after memories (B, M, K), whose last step is new."""
        if self._rolls is None:
            self._rolls = np.zeros((len(memory), self._inputs.plans.steps, memory.shape[2]), dtype=bool)
            known = min(self._prompt, memory.shape[1])
            self._rolls[:, self._prompt - known : self._prompt] = memory[:, memory.shape[1] - known :]
            self._step = self._prompt
        else:
            if self._step < self._rolls.shape[1]:
                self._rolls[:, self._step] = memory[:, -1]
            self._step += 1
        now = min(self._step, self._rolls.shape[1] - 1)
        rows = np.arange(len(memory))
        return self._inputs.at(rows % len(self._inputs.plans), np.full(len(rows), now), self._rolls)


def input_count(keys: int) -> int:
    """Return I, the number of inputs for `keys` keys."""
    return 2 * keys + len(KINDS) + STEPS_PER_BAR + 3 * PHRASE_PLACES + 1


def _places_in_phrases(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances in bars of each bar from the start and the end of its phrase, for phrase ends (N, U)."""
    bars = np.arange(ends.shape[1])
    last = np.minimum.accumulate(np.where(ends, bars, len(bars))[:, ::-1], axis=1)[:, ::-1]
    begins = np.ones_like(ends)
    begins[:, 1:] = ends[:, :-1]
    first = np.maximum.accumulate(np.where(begins, bars, 0), axis=1)
    return bars - first, last - bars


def _one_of(values: np.ndarray, count: int) -> np.ndarray:
    """Encode values (N, T) as one-hot vectors, (N, T, count) bool; values are clipped to count - 1."""
    return np.minimum(values, count - 1)[..., None] == np.arange(count)
