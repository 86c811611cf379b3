"""A model of form: it draws plans of melodies, fills them with notes, and chooses among what it drew.

    plans       a network draws four times as many plans as are filled; a critic chooses
    filling     another fills them, bar by bar
    critic      chooses among the melodies

Conventions: plans as in `songs.plan`, melodies (N, T) int8 as in `listener.theory`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from listener.filling import FillingNet
from listener.form_critic import FIGURES, Critic, choose, form_figures
from listener.form_drawing import TRIES, fill
from listener.plan_figures import FIGURES as PLAN_FIGURES
from listener.plan_figures import plan_figures
from listener.plan_net import PlanNet
from listener.plan_reading import melodies_of
from songs.keyboard import KEYS
from songs.plan import Plans

PLANS_A_FILLING = 4
"""Plans that are drawn for each that is filled."""
DRAWS_A_MELODY = 16
"""Melodies that are drawn for each that is chosen."""
SHARPNESS = 1.5
"""Power of the odds by which melodies are chosen."""
AT_ONCE = 250
"""Melodies that are filled at once: bounds the memory."""
FEWEST_NOTES_A_BAR = 1
MAKERS: dict[str, Callable[[], Any]] = {
    "plans": PlanNet,
    "filling": FillingNet,
    "plan_critic": partial(Critic, PLAN_FIGURES),
    "critic": partial(Critic, FIGURES),
}
"""Functions that make the networks of a model, by the names of its fields."""


@dataclass(frozen=True, eq=False)
class FormModel:
    """The networks of a trained model."""

    plans: PlanNet
    filling: FillingNet
    plan_critic: Critic
    critic: Critic
    levels: np.ndarray
    """(5, 4) float64, between the levels of style, as `listener.plan_reading.style_levels` returns them."""

    @property
    def networks(self) -> dict[str, Any]:
        """The networks by name."""
        return {name: getattr(self, name) for name in MAKERS}

    def draw_plans(self, count: int, bars: int, generator: np.random.Generator, keys: int = KEYS) -> Plans:
        """Return plans of so many bars, 4 to 32, chosen by the critic of plans."""
        drawn = self.plans.draw(PLANS_A_FILLING * count, bars, generator, keys)
        odds = self.plan_critic.odds(plan_figures(drawn.bars))
        return drawn[choose(odds, count, generator)]

    def draw_pool(self, count: int, bars: int, generator: np.random.Generator) -> tuple[Plans, np.ndarray]:
        """Return plans and melodies (N, T) that fill them, at most so many: those with a note a bar or more."""
        plans = self.draw_plans(count, bars, generator)
        melodies = self.fill(plans, generator)
        enough = np.flatnonzero((melodies >= 0).sum(axis=1) >= FEWEST_NOTES_A_BAR * bars)
        return plans[enough], melodies[enough]

    def fill(self, plans: Plans, generator: np.random.Generator, tries: int = TRIES) -> np.ndarray:
        """Return melodies (N, T) int8 that fill plans."""
        parts = [plans[first : first + AT_ONCE] for first in range(0, len(plans), AT_ONCE)]
        return np.concatenate([melodies_of(fill(self.filling, part, generator, tries), part.tonic) for part in parts])

    def draw(
        self, count: int, bars: int, generator: np.random.Generator, draws: int = DRAWS_A_MELODY
    ) -> tuple[Plans, np.ndarray]:
        """Return plans and melodies (count, T) int8, chosen by the critic of `draws` times as many."""
        plans, melodies = self.draw_pool(max(draws * count, 2), bars, generator)
        odds = self.critic.odds(form_figures(melodies))
        chosen = choose(odds, count, generator, SHARPNESS)
        return plans[chosen], melodies[chosen]
