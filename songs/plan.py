"""Plans of melodies: which bar echoes which earlier bar and how, how many notes each has, and where and how it ends.

Conventions:
    N plans of U bars of 8 eighths, 4 to 32. A bar has four factors: its *relation*, 0 for a new bar, else
    1 + (kind - 1) * 16 + lag - 1: it echoes the bar `lag` bars before, in one of the ways `KINDS`; its number of notes;
    the steps from its last note to its end, 0 without notes; the degree of that note, 0 to 11 semitones above the
    tonic, 12 without notes.
    A phrase ends with a bar whose last note, or rest, lasts half a bar or longer, and with the last bar.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from songs.keyboard import STEPS_PER_BAR
from songs.validate import validate_like

KINDS = ("new", "exact", "other ending", "varied", "transposed", "rhythm")
"""Ways to echo a bar: all of it; its first half; up to a quarter of its steps; along the scale; in rhythm only."""
NEW, EXACT, ENDING, VARIED, TRANSPOSED, RHYTHM = range(len(KINDS))
FEWEST_BARS, MOST_BARS, MOST_LAG = 4, 32, 16
RELATIONS = 1 + (len(KINDS) - 1) * MOST_LAG
NO_DEGREE = 12
FACTORS = (RELATIONS, STEPS_PER_BAR + 1, STEPS_PER_BAR + 1, NO_DEGREE + 1)
"""How many values each factor of a bar has."""
WIDEST, LEVELS, STYLES = 25, 5, 5
"""Keys that a planned melody may span; levels of each measure of style; and how many measures there are."""
CHARACTER = (12, 2, WIDEST, *[LEVELS] * STYLES)
"""How many values each part of the character has."""
LONG = STEPS_PER_BAR // 2
"""Steps from the last note of a phrase to its end."""


@dataclass(frozen=True, eq=False)
class Plans:
    """Plans of N melodies."""

    bars: np.ndarray
    """(N, U, 4) int64, the factors of every bar."""
    character: np.ndarray
    """(N, C) int64: the tonic, 0 to 11 semitones above the lowest note; 1 for minor (the tonic is that of the major
    scale with the same notes); semitones from the lowest to the highest note; then levels of style, as the model that
    made the plans defines them."""
    lowest: np.ndarray
    """(N,) int64, the key of the lowest note."""

    @classmethod
    def from_dict(cls, content: dict[str, Any], bars: int, keys: int) -> "Plans":
        """Return plans of so many bars on so many keys from what `to_dict` returned; raises ValueError if broken."""
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
        """Return the plans of several, one after the other, all of as many bars."""
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
        """T, steps of the melodies."""
        return self.bars.shape[1] * STEPS_PER_BAR

    @property
    def tonic(self) -> np.ndarray:
        """(N,) int64, the first key from the lowest note on that is a tonic."""
        return self.lowest + self.character[:, 0]

    @property
    def phrase_ends(self) -> np.ndarray:
        """(N, U) bool: whether a phrase ends with a bar."""
        closing = np.where(self.bars[..., 1] > 0, self.bars[..., 2], STEPS_PER_BAR)
        ends = closing >= LONG
        ends[:, -1] = True
        return ends


def kinds_and_lags(relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the kinds and the lags of relations of any shape, 0 and 0 for new bars."""
    echoes = relations > 0
    kind, lag = np.divmod(np.maximum(relations, 1) - 1, MOST_LAG)
    return np.where(echoes, kind + 1, NEW), np.where(echoes, lag + 1, 0)


def relation(kind: np.ndarray, lag: np.ndarray) -> np.ndarray:
    """Return the relations of kinds and lags; what stands in `lag` for new bars does not matter."""
    return np.where(kind > 0, 1 + (kind - 1) * MOST_LAG + lag - 1, 0)


PHRASE_PLACES = 4
"""Bars from the beginning of a phrase, bars to its end, and bars left, that are told apart; more are as the most."""


class PlanInputs:
    """What plans tell performers at every step, as inputs of 0 and 1.

    Of K keys each: the step of the echoed bar that stands where the new one will; and, at the step where the last note
    of the bar is to begin, the keys on its degree. Then one of each: the kind of echo; the step of the bar; bars since
    the beginning of the phrase; bars to its end; bars left. Then whether a note is still to come in the bar.
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
        """(N, T) int64: the step that is echoed at each step, -1 for none."""
        since, until = _places_in_phrases(plans.phrase_ends)
        left = np.tile(np.arange(bars)[::-1], (count, 1))
        ends = STEPS_PER_BAR - plans.bars[..., 2]  # the step of the last note, 8 where there is none
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
        """(N, T, F) bool: all inputs but the echoed step."""

    @property
    def reach(self) -> int:
        """Steps back to the farthest step that is echoed."""
        return int(np.where(self.sources >= 0, np.arange(self.sources.shape[1]) - self.sources, 0).max(initial=0))

    def at(self, which: np.ndarray, steps: np.ndarray, rolls: np.ndarray) -> np.ndarray:
        """Return the inputs (B, I) bool of plans (B,) int at steps (B,) int, of rolls (B, T, K) played up to there."""
        source = self.sources[which, steps]
        echoed = rolls[np.arange(len(which)), np.maximum(source, 0)] & (source >= 0)[:, None]
        return np.concatenate((echoed, self.fixed[which, steps]), axis=1)


class PlanFollower:
    """The inputs of plans for episodes that begin together with a prompt, from what their memories hold.

    Episode i has plan i, or, if there are more episodes, the plans in turn.
    """

    def __init__(self, inputs: PlanInputs, prompt: int):
        """Follow episodes whose first memory ends with a prompt of so many steps."""
        self._inputs, self._prompt = inputs, prompt
        self._rolls: np.ndarray | None = None
        self._step = 0

    def reset(self) -> None:
        """Begin episodes anew."""
        self._rolls = None

    def after(self, memory: np.ndarray) -> np.ndarray:
        """Return the inputs (B, I) bool of the step after memories (B, M, K), whose last step is new."""
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
    """Return I, the number of inputs for so many keys."""
    return 2 * keys + len(KINDS) + STEPS_PER_BAR + 3 * PHRASE_PLACES + 1


def _places_in_phrases(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how many bars each bar is from the beginning and from the end of its phrase, for phrase ends (N, U)."""
    bars = np.arange(ends.shape[1])
    last = np.minimum.accumulate(np.where(ends, bars, len(bars))[:, ::-1], axis=1)[:, ::-1]
    begins = np.ones_like(ends)
    begins[:, 1:] = ends[:, :-1]
    first = np.maximum.accumulate(np.where(begins, bars, 0), axis=1)
    return bars - first, last - bars


def _one_of(values: np.ndarray, count: int) -> np.ndarray:
    """Return values (N, T) as one of `count` inputs each, (N, T, count) bool; larger ones as the largest."""
    return np.minimum(values, count - 1)[..., None] == np.arange(count)
