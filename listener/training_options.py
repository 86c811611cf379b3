"""Options for training listeners. Does not import torch, so that a command can show and check them quickly.

Conventions: as in `songs.options`.
"""

from dataclasses import dataclass, replace
from typing import Any, TypeVar

from songs.options import option

MINUTES = {"learned": 10.0, "vae": 5.0, "melody": 4.0, "judge": 3.0, "form": 6.0}
"""Minutes that training with the default options takes on one core, as measured."""

Options = TypeVar("Options", bound=Any)


@dataclass(frozen=True)
class LearnedOptions:
    """Options of the learned listener."""

    nets: int = option(2, "networks hardened by attacks", 1, 16)
    steps: int = option(3400, "steps of gradient descent of each of them before any attack", 1, 10**7)
    paired_steps: int = option(5000, "steps of gradient descent of the networks for pitches and for metre", 1, 10**7)
    form_steps: int = option(4000, "steps of gradient descent of the network of form", 1, 10**7)
    batch: int = option(64, "real melodies per batch, with an equal number of others", 1, 4096)
    learning_rate: float = option(2e-3, "initial learning rate", 1e-8, 1)
    weight_decay: float = option(0.05, "weight decay of AdamW", 0, 1)
    label_smoothing: float = option(0.03, "label of melodies that are not real; real ones get 1 minus this", 0, 0.49)
    rounds: int = option(8, "rounds of attacking the hardened networks and training them further", 1, 1000)
    round_steps: int = option(300, "steps of gradient descent of each network in a round", 1, 10**7)
    round_learning_rate: float = option(1e-3, "initial learning rate of a round", 1e-8, 1)
    attacked_share: float = option(0.35, "share of the negatives that come from attacks", 0, 1)
    attack_generations: int = option(300, "generations of an attack", 1, 10**6)
    attack_islands: int = option(32, "islands of an attack", 1, 1024)
    attack_size: int = option(8, "melodies on an island", 1, 1024)


@dataclass(frozen=True)
class VaeOptions:
    """Options of a listener built on the encoder of a MusicVAE."""

    model: str = option("", "run or file of a MusicVAE for two bars as a piano roll; empty: the project's own")
    steps: int = option(1500, "steps of gradient descent of the head", 1, 10**7)
    form_steps: int = option(4000, "steps of gradient descent of the network of form", 1, 10**7)
    batch: int = option(48, "real melodies per batch, with an equal number of others", 1, 4096)
    learning_rate: float = option(2e-3, "initial learning rate", 1e-8, 1)
    weight_decay: float = option(0.03, "weight decay of AdamW", 0, 1)
    label_smoothing: float = option(0.03, "label of melodies that are not real; real ones get 1 minus this", 0, 0.49)
    attack_generations: int = option(100, "generations of the attack before the terms are weighted", 1, 10**6)


@dataclass(frozen=True)
class MelodyOptions:
    """Options of the melody model."""

    steps: int = option(4500, "steps of gradient descent", 1, 10**7)
    batch_steps: int = option(2048, "steps of melodies per batch", 1, 10**6)
    learning_rate: float = option(3e-3, "peak learning rate", 1e-8, 1)
    warm_up: int = option(50, "steps of gradient descent over which the learning rate rises", 0, 10**6)
    weight_decay: float = option(0.05, "weight decay of AdamW", 0, 1)


@dataclass(frozen=True)
class JudgeOptions:
    """Options of the held-out judge."""

    nets: int = option(1, "networks whose scores are averaged", 1, 16)
    steps: int = option(1300, "steps of gradient descent of each", 1, 10**7)
    batch: int = option(48, "real melodies per batch, with an equal number of others", 2, 4096)
    learning_rate: float = option(3e-3, "peak learning rate", 1e-8, 1)
    weight_decay: float = option(0.05, "weight decay of AdamW", 0, 1)
    label_smoothing: float = option(0.03, "share of the label spread evenly over all groups", 0, 0.49)
    paired: float = option(0.5, "weight of the loss that prefers a melody to a corrupted copy of it", 0, 100)


@dataclass(frozen=True)
class FormOptions:
    """Options of the model of form."""

    plan_steps: int = option(900, "steps of gradient descent of the network of plans", 1, 10**7)
    plan_batch: int = option(128, "melodies per batch of the network of plans", 1, 4096)
    filling_steps: int = option(2400, "steps of gradient descent of the network that fills plans", 1, 10**7)
    filling_batch: int = option(16, "melodies per batch of the network that fills plans", 1, 4096)
    learning_rate: float = option(4e-3, "peak learning rate of both", 1e-8, 1)
    drawn: int = option(2000, "melodies sampled to train the critics", 16, 10**6)
    critic_steps: int = option(1500, "steps of gradient descent of each critic", 1, 10**7)
    critic_learning_rate: float = option(4e-3, "initial learning rate of the critics", 1e-8, 1)
    critic_weight_decay: float = option(0.05, "weight decay of the critics", 0, 10)


SCALED = {
    LearnedOptions: ("steps", "paired_steps", "form_steps", "round_steps", "attack_generations"),
    VaeOptions: ("steps", "form_steps", "attack_generations"),
    MelodyOptions: ("steps",),
    JudgeOptions: ("steps",),
    FormOptions: ("plan_steps", "filling_steps"),
}
"""Options that are proportional to the training time."""


def lasting(options: Options, scale: float) -> Options:
    """Scale options so that training takes `scale` times as long; rounds are only reduced if it becomes short."""
    changes = {name: max(1, round(scale * getattr(options, name))) for name in SCALED[type(options)]}
    if hasattr(options, "rounds"):
        changes["rounds"] = min(options.rounds, max(1, round(3 * scale * options.rounds)))
    return replace(options, **changes)
