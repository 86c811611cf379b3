"""A model of form: it samples plans of melodies, fills them with notes, and selects the best results.

    plans       a network samples four times as many plans as needed; a critic selects among them
    filling     another network fills the plans, bar by bar
    critic      a second critic selects among the melodies

Conventions: plans as in `songs.plan`, melodies (N, T) int8 as in `listener.theory`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from listener.form.critic import FIGURES, Critic, choose, form_figures
from listener.form.drawing import TRIES, fill
from listener.form.figures import FIGURES as PLAN_FIGURES
from listener.form.figures import plan_figures
from listener.form.filling import FillingNet
from listener.form.net import PlanNet
from listener.form.plan_reading import SCALE, at_home, melodies_of, scales
from listener.theory import REST, highest_keys
from listener.variety import MIDDLE
from songs.keyboard import KEYS, STEPS_PER_BAR
from songs.plan import ENDING, EXACT, LONG, Plans, kinds_and_lags

PLANS_A_FILLING = 4
"""Plans sampled for each one filled."""
DRAWS_A_MELODY = 20
"""Melodies sampled for each one selected."""
SHARPNESS = 2.5
"""Power of the odds with which melodies are selected."""
AT_ONCE = 250
"""Melodies filled at once, to bound memory."""
FEWEST_NOTES_A_BAR = 1
CANDIDATES, CANDIDATES_A_PLAN = 64, 24
"""Plans sampled for a prompt: the minimum, and per plan wanted. 1 in 20 both ends well and is varied."""
WELL_ENDED = 28.0
"""Score of a plan that ends well; one that fits a prompt in every way scores about as much."""
VARIED_ENOUGH = 8.0
"""Score of a plan with as many different bars as typical real melodies."""
MAKERS: dict[str, Callable[[], Any]] = {
    "plans": PlanNet,
    "filling": FillingNet,
    "plan_critic": partial(Critic, PLAN_FIGURES),
    "critic": partial(Critic, FIGURES),
}
"""Factories for the networks of a model, by field name."""


@dataclass(frozen=True, eq=False)
class FormModel:
    """The networks of a trained model."""

    plans: PlanNet
    filling: FillingNet
    plan_critic: Critic
    critic: Critic
    levels: np.ndarray
    """(5, 4) float64, boundaries between the levels of style, from `listener.form.plan_reading.style_levels`."""

    @property
    def networks(self) -> dict[str, Any]:
        """The networks by name."""
        return {name: getattr(self, name) for name in MAKERS}

    def draw_plans(self, count: int, bars: int, generator: np.random.Generator, keys: int = KEYS) -> Plans:
        """Return `count` plans of `bars` bars, 4 to 32, selected by the critic of plans."""
        drawn = self.plans.draw(PLANS_A_FILLING * count, bars, generator, keys)
        odds = self.plan_critic.odds(plan_figures(drawn.bars))
        return drawn[choose(odds, count, generator)]

    def draw_pool(self, count: int, bars: int, generator: np.random.Generator) -> tuple[Plans, np.ndarray]:
        """Return at most `count` plans and melodies (N, T) that fill them, those with at least one note per bar."""
        plans = self.draw_plans(count, bars, generator)
        melodies = self.fill(plans, generator)
        enough = np.flatnonzero((melodies >= 0).sum(axis=1) >= FEWEST_NOTES_A_BAR * bars)
        return plans[enough], melodies[enough]

    def fill(self, plans: Plans, generator: np.random.Generator, tries: int = TRIES) -> np.ndarray:
        """Return melodies (N, T) int8 that fill N plans."""
        parts = [plans[first : first + AT_ONCE] for first in range(0, len(plans), AT_ONCE)]
        return np.concatenate([melodies_of(fill(self.filling, part, generator, tries), part.tonic) for part in parts])

    def draw(
        self, count: int, bars: int, generator: np.random.Generator, draws: int = DRAWS_A_MELODY
    ) -> tuple[Plans, np.ndarray]:
        """Return plans and melodies (count, T) int8, selected by the critic from `draws` times as many."""
        plans, melodies = self.draw_pool(max(draws * count, 2), bars, generator)
        odds = self.critic.odds(form_figures(melodies))
        chosen = choose(odds, count, generator, SHARPNESS)
        return plans[chosen], melodies[chosen]

    def plans_for(
        self, prompt: np.ndarray, count: int, bars: int, generator: np.random.Generator, whole: bool = True
    ) -> Plans:
        """Return plans that suit a prompt (P, K).

        Of many sampled plans, those whose first bars, scale and range best fit the prompt are returned. With `whole`,
        plans of whole melodies are preferred: they end on the tonic or the fifth with a long note, and have about as
        many different bars as most real melodies. Otherwise plans are of excerpts, like the training data.
        """
        keys = prompt.shape[1]
        drawn = self.draw_plans(max(CANDIDATES, CANDIDATES_A_PLAN * count), bars, generator, keys)
        melody = highest_keys(prompt[None, : len(prompt) // STEPS_PER_BAR * STEPS_PER_BAR])[0]
        fits = np.zeros(len(drawn))
        if whole:
            fits += np.where(_ends_well(drawn), WELL_ENDED, 0.0) + np.where(_varied(drawn), VARIED_ENOUGH, 0.0)
        if (melody != REST).any():
            lowest, likeness = _fit_to_prompt(drawn, melody, keys, generator)
            drawn, fits = Plans(drawn.bars, drawn.character, lowest), fits + likeness
        return drawn[np.argsort(-(fits + generator.random(len(fits))), kind="stable")[:count]]


def _ends_well(plans: Plans) -> np.ndarray:
    """Return a mask of the plans that end on the tonic or the fifth, of the relative minor if minor, with a long note.

    Plans whose last note would fall in the copied half of a bar with a new ending are excluded.
    """
    relation, notes, closing, degree = plans.bars[:, -1].T
    free = (kinds_and_lags(relation)[0] != ENDING) | (closing <= LONG)
    return free & (notes > 0) & (closing >= LONG) & at_home(degree, plans.character[:, 1] == 1)


def _varied(plans: Plans) -> np.ndarray:
    """Return a mask of the plans with as many different bars as typical real melodies: 9 to 13 of 16."""
    share = (kinds_and_lags(plans.bars[..., 0])[0] != EXACT).mean(axis=1)
    return (share >= MIDDLE[0]) & (share <= MIDDLE[1])


def _fit_to_prompt(
    plans: Plans, melody: np.ndarray, keys: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest keys (N,) with which plans best fit the start of a melody (P,), and scores of the fits (N,)."""
    above, minor, span = plans.character[:, :3].T
    notes = melody[melody != REST]
    bars = melody.reshape(-1, STEPS_PER_BAR)
    sounds = bars != REST
    last = STEPS_PER_BAR - 1 - sounds[:, ::-1].argmax(axis=1)
    ends, closing = bars[np.arange(len(bars)), last], np.where(sounds.any(axis=1), STEPS_PER_BAR - last, 0)
    first = plans.bars[:, : len(bars)]
    likeness = (first[..., 1] == sounds.sum(axis=1)).sum(axis=1) + (first[..., 2] == closing).sum(axis=1)
    likeness += 4 * (minor == scales(melody[None])[1])
    fits = np.full((len(plans), keys), -np.inf)
    for lowest in range(keys):
        tonic = (lowest + above)[:, None]
        inside = ((notes >= lowest) & (notes <= lowest + span[:, None])).mean(axis=1)
        in_scale = np.isin((notes - tonic) % 12, SCALE).mean(axis=1)
        on_degree = (sounds.any(axis=1) & ((ends - tonic) % 12 == first[..., 3])).sum(axis=1)
        fit = 12 * inside + 4 * in_scale + 2 * on_degree + generator.random(len(plans)) / 2
        fits[:, lowest] = np.where(lowest + span < keys, fit, -np.inf)
    best = fits.argmax(axis=1)
    return best, likeness + fits[np.arange(len(plans)), best]
