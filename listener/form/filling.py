"""A network that fills plans with notes: it predicts the next step from the melody so far and the plan of the bar.

Conventions:
    N melodies of T steps as tokens (`listener.form.plan_reading`), U bars. *Codes* are rows of one embedding table,
    whose embeddings are summed: for earlier steps, the last notes, the echoed bar, and the plan.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from listener.form.plan_reading import STYLES, TONIC
from songs.keyboard import STEPS_PER_BAR
from songs.plan import KINDS, LEVELS, MOST_LAG, WIDEST, Plans, kinds_and_lags

TOKENS = TONIC + WIDEST
"""Number of tokens: 0 for a rest, then pitches from 11 semitones below the tonic to 24 above it."""
_NOTHING = TOKENS
LAGS = (1, 2, 4, 8, 16, 32, 64)
WIDTH, UNITS, HIDDEN = 48, 96, 48
DROPOUT, CODE_MASKING = 0.2, 0.1
LAST_NOTES = 4
WIDEST_INTERVAL, LONGEST_GAP, MOST_LEFT, FURTHEST_EDGE = 12, 16, 8, 12
_INTERVALS = 2 * WIDEST_INTERVAL + 2
SIZES = {
    **{f"{lag} steps before": TOKENS + 1 for lag in LAGS},
    "last note": TOKENS,
    **{f"interval {back} before": _INTERVALS for back in range(LAST_NOTES - 1)},
    **{f"gap {back} before": LONGEST_GAP + 1 for back in range(2)},
    "echoed step": TOKENS + 1,
    "step after it": TOKENS + 1,
    "next note there": TOKENS + 1,
    "distance to the echo": _INTERVALS,
    "kind of echo": len(KINDS),
    "lag": MOST_LAG + 1,
    "step of the bar": STEPS_PER_BAR,
    "bar of eight": 8,
    "bars left": MOST_LEFT,
    "notes left": STEPS_PER_BAR + 2,
    "closing": STEPS_PER_BAR + 1,
    "degree of the last note": 13,
    "scale": 24,
    "room below": FURTHEST_EDGE + 2,
    "room above": FURTHEST_EDGE + 2,
    "span": WIDEST,
    **{style: LEVELS for style in STYLES},
}
"""Inputs for a step, with the number of values of each."""
_FIRSTS = np.cumsum((0, *list(SIZES.values())[:-1]))


class FillingNet(nn.Module):
    """Predicts the next step of a melody under a plan."""

    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(0.2 * torch.randn(sum(SIZES.values()), WIDTH))
        self.memory, self.skip = nn.GRU(WIDTH, UNITS, batch_first=True), nn.Linear(WIDTH, UNITS)
        self.hidden, self.token = nn.Linear(UNITS, HIDDEN), nn.Linear(HIDDEN, TOKENS)

    def forward(self, codes: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the logits (N, T, TOKENS) for codes (N, T, C), and the state (1, N, UNITS) after the last step."""
        flat = codes.reshape(-1, codes.shape[2])
        weights = (torch.rand(flat.shape) >= CODE_MASKING).float() if self.training else None
        x = nn.functional.embedding_bag(flat, self.table, mode="sum", per_sample_weights=weights)
        x = x.reshape(*codes.shape[:2], -1)
        known, state = self.memory(self._dropped(x), state)
        known = self._dropped(nn.functional.leaky_relu(known + self.skip(x), 0.1))
        return self.token(nn.functional.leaky_relu(self.hidden(known), 0.1)), state

    def _dropped(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, DROPOUT, self.training)


def codes_at(tokens: np.ndarray, step: int, plans: Plans) -> np.ndarray:
    """Return the codes (N, C) int64 for a step of tokens (N, T); only tokens before the step are used."""
    rows, past = np.arange(len(tokens)), tokens[:, :step]
    nothing = np.full(len(tokens), _NOTHING)
    columns = [tokens[:, step - lag] if step >= lag else nothing for lag in LAGS]
    columns += _last_note_codes(tokens, step)
    bar, place = divmod(step, STEPS_PER_BAR)
    relation, notes, closing, degree = plans.bars[:, bar].T
    kind, lag = kinds_and_lags(relation)
    source = tokens[rows[:, None], ((bar - lag) * STEPS_PER_BAR)[:, None] + np.arange(STEPS_PER_BAR)]
    so_far = past[:, bar * STEPS_PER_BAR :]
    columns += _echo_codes(source, so_far, lag > 0)
    columns += [kind, lag, np.full(len(tokens), place), np.full(len(tokens), bar % 8)]
    columns += [np.full(len(tokens), min(plans.bars.shape[1] - 1 - bar, MOST_LEFT - 1))]
    columns += [np.clip(notes - (so_far > 0).sum(axis=1), -1, STEPS_PER_BAR) + 1, closing, degree]
    above, minor, span = plans.character[:, :3].T
    columns += [above + 12 * minor, *_room(past, TONIC - above, span), span, *plans.character[:, 3:].T]
    return np.stack(columns, axis=1) + _FIRSTS


def _last_note_codes(tokens: np.ndarray, step: int) -> list[np.ndarray]:
    """Return codes of the last notes before a step: the last one, and the intervals and times between them."""
    rows, notes, at = np.arange(len(tokens)), [], []
    where = np.where(tokens[:, :step] > 0, np.arange(step), -1)
    for _ in range(LAST_NOTES):
        last = where.max(axis=1, initial=-1)
        at.append(last)
        notes.append(np.where(last >= 0, tokens[rows, last], 0))
        where = np.where(where == last[:, None], -1, where)
    intervals = [_interval(later - one) * (one > 0) for later, one in pairwise(notes)]
    times = [step, *at]
    gaps = [np.where(times[i + 1] < 0, 0, np.minimum(times[i] - times[i + 1], LONGEST_GAP)) for i in range(2)]
    return [notes[0], *intervals, *gaps]


def _interval(semitones: np.ndarray) -> np.ndarray:
    """Return codes of intervals, from 1 on; 0 stands for no interval."""
    return np.clip(semitones, -WIDEST_INTERVAL, WIDEST_INTERVAL) + WIDEST_INTERVAL + 1


def _echo_codes(source: np.ndarray, so_far: np.ndarray, echoes: np.ndarray) -> list[np.ndarray]:
    """Return codes of the echoed bar (N, 8), given the steps (N, p) played so far of the new bar.

    Returns:
        Its step at the position of the new one, the step after that, its next note from there on, and the interval
        between the two bars at the last step where both have a note.
    """
    rows, place = np.arange(len(source)), so_far.shape[1]
    after = source[:, place + 1] if place + 1 < STEPS_PER_BAR else np.full(len(source), _NOTHING)
    coming = source[rows, place + (source[:, place:] > 0).argmax(axis=1)]
    codes = [np.where(echoes, each, _NOTHING) for each in (source[:, place], after, coming)]
    both = (so_far > 0) & (source[:, :place] > 0) & echoes[:, None]
    last = np.where(both, np.arange(place), -1).max(axis=1, initial=-1)
    moved = so_far[rows, last] - source[rows, last] if place else np.zeros(len(source), dtype=np.int64)
    return [*codes, np.where(last >= 0, _interval(moved), 0)]


def _room(past: np.ndarray, low: np.ndarray, span: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of the distances from the notes so far to the lowest and the highest token of the plan."""
    sounds = past > 0
    least, most = np.where(sounds, past, 99).min(axis=1, initial=99), past.max(axis=1, initial=0)
    none = ~sounds.any(axis=1)
    ends = least - low, low + span - most
    below, above = (np.where(none, FURTHEST_EDGE + 1, np.clip(end, 0, FURTHEST_EDGE)) for end in ends)
    return below, above
