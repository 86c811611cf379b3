"""Filling plans with notes: every bar is sampled several times, and the sample that best follows its plan is kept.

Conventions: tokens as in `listener.form.plan_reading`, plans as in `songs.plan`.
"""

import numpy as np
import torch

from listener.form.filling import TOKENS, UNITS, FillingNet, codes_at
from listener.form.net import sample
from listener.form.plan_reading import SCALE, TONIC, degrees, echo_kinds
from songs.keyboard import STEPS_PER_BAR
from songs.plan import ENDING, EXACT, MOST_LAG, NEW, NO_DEGREE, RHYTHM, TRANSPOSED, Plans, kinds_and_lags

TRIES = 8
TEMPERATURE = 0.95
FREE, ONSET = -2, -1
"""Codes of a step that the plan leaves open: anything, or any note."""
MOVES = (-4, -3, -2, -2, -1, -1, 1, 1, 2, 2, 3, 4)
"""Scale degrees by which echoes may be transposed, within the span."""


@torch.inference_mode()
def fill(net: FillingNet, plans: Plans, generator: np.random.Generator, tries: int = TRIES) -> np.ndarray:
    """Return tokens (N, T) int64 that fill N plans."""
    count, length = len(plans), plans.bars.shape[1]
    tokens = np.zeros((count, length * STEPS_PER_BAR), dtype=np.int64)
    tried = np.repeat(np.arange(count), tries)
    each, state = plans[tried], torch.zeros(1, len(tried), UNITS)
    usable = torch.from_numpy(usable_tokens(each))
    for bar in range(length):
        trial = tokens[tried]
        settled = settled_steps(trial, bar, each, generator)
        for place in range(STEPS_PER_BAR):
            step = bar * STEPS_PER_BAR + place
            logits, state = net(torch.from_numpy(codes_at(trial, step, each))[:, None], state)
            allowed = usable & torch.from_numpy(allowed_tokens(settled[:, place]))
            trial[:, step] = sample((logits[:, 0] / TEMPERATURE).masked_fill(~allowed, -torch.inf), generator)
        best = obedience(trial, bar, each).reshape(count, tries).argmax(axis=1) + np.arange(count) * tries
        tokens, state = trial[best], state[:, np.repeat(best, tries)]
    return tokens


def usable_tokens(plans: Plans) -> np.ndarray:
    """Return a mask of the tokens within the span of each plan, (N, TOKENS) bool; a rest is always included."""
    low = TONIC - plans.character[:, :1]
    tokens = np.arange(TOKENS)
    return (tokens == 0) | ((tokens >= low) & (tokens <= low + plans.character[:, 2:3]))


def allowed_tokens(settled: np.ndarray) -> np.ndarray:
    """Return a mask of the tokens that `settled` (N,), as `settled_steps` returns it, allows: (N, TOKENS) bool."""
    tokens, settled = np.arange(TOKENS), settled[:, None]
    return (settled == FREE) | ((settled == ONSET) & (tokens > 0)) | (tokens == settled)


def settled_steps(
    tokens: np.ndarray, bar: int, plans: Plans, generator: np.random.Generator | None = None
) -> np.ndarray:
    """Return what plans determine about a bar, given the bars before it: a token, `ONSET` or `FREE`, (N, 8).

    With a generator the notes of a transposed bar are chosen, too; otherwise only its rhythm.
    """
    kind, lag = kinds_and_lags(plans.bars[:, bar, 0])
    steps = ((bar - lag) * STEPS_PER_BAR)[:, None] + np.arange(STEPS_PER_BAR)
    source = np.take_along_axis(tokens, steps, axis=1)
    settled = np.full(source.shape, FREE)
    half = STEPS_PER_BAR // 2
    settled[kind == EXACT] = source[kind == EXACT]
    settled[kind == ENDING, :half] = source[kind == ENDING, :half]
    rhythm = (kind == RHYTHM) | (kind == TRANSPOSED)
    settled[rhythm] = np.where(source[rhythm] > 0, ONSET, 0)
    moved = np.flatnonzero(kind == TRANSPOSED)
    if len(moved) and generator:
        settled[moved] = _transposed(source[moved], plans[moved], generator)
    return settled


def _transposed(sources: np.ndarray, plans: Plans, generator: np.random.Generator) -> np.ndarray:
    """Transpose bars (N, 8) along the scale by a random move that stays within the span; `ONSET` if no move fits."""
    sounds, degree = sources > 0, degrees(sources)
    low = TONIC - plans.character[:, :1]
    high = low + plans.character[:, 2:3]
    settled, open_ = np.where(sounds, ONSET, 0), np.ones(len(sources), dtype=bool)
    for move in generator.permutation(MOVES):
        octave, scale = np.divmod(degree + move, len(SCALE))
        moved = 12 * octave + SCALE[scale] + TONIC
        fits = open_ & (~sounds | ((moved >= low) & (moved <= high))).all(axis=1)
        settled[fits] = np.where(sounds, moved, 0)[fits]
        open_ &= ~fits
    return settled


def obedience(tokens: np.ndarray, bar: int, plans: Plans) -> np.ndarray:
    """Return a score for how well a bar of tokens follows its plan, (N,) float64."""
    bars = tokens.reshape(len(tokens), -1, STEPS_PER_BAR)
    now, rows = bars[:, bar], np.arange(len(tokens))
    relation, notes, closing, degree = plans.bars[:, bar].T
    kind, lag = kinds_and_lags(relation)
    fits = echo_kinds(now, bars[rows, bar - lag]) == kind
    earlier = bars[:, max(0, bar - MOST_LAG) : bar]
    fits[kind == NEW] = (echo_kinds(now[:, None], earlier) == NEW).all(axis=1)[kind == NEW]
    sounds = now > 0
    last = STEPS_PER_BAR - 1 - sounds[:, ::-1].argmax(axis=1)
    any_note = sounds.any(axis=1)
    closes = np.where(any_note, STEPS_PER_BAR - last, 0) == closing
    ends = np.where(any_note, (now[rows, last] - TONIC) % 12, NO_DEGREE) == degree
    return 2.0 * fits + closes + ends + 0.5 * (sounds.sum(axis=1) == notes)
