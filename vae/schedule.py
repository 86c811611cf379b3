"""Options of training, and how the learning rate and beta go over its course."""

import math
from dataclasses import asdict, dataclass, fields


class TrainingError(ValueError):
    """Training that cannot begin or go on; the message says why."""


PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainingOptions:
    """How a model is trained."""

    epochs: int = 10
    """Passes over the unique windows; the schedule is laid over all of them."""
    batch: int = 64
    """Melodies in a step, of each process."""
    minutes: float | None = None
    """A budget of CPU time (wall time on a GPU). The schedule then follows it where it ends first; such runs resume,
    but only runs of epochs alone do so to the same bits."""
    learning_rate: float = 1.1e-3
    warmup_steps: int = 100
    """Steps in which the learning rate rises."""
    hold: float = 0.25
    """Share of the course before the rate falls along a cosine."""
    final_rate: float = 0.02
    """Share of the learning rate at the end."""
    weight_decay: float = 0.0
    clip: float = 5.0
    """Largest norm of the gradient."""
    beta: float = 0.05
    """Weight of the divergence in nats, against the cross entropy of a whole melody; 1 is the true ELBO."""
    beta_warmup_steps: int = 2000
    """Steps in which beta rises from 0."""
    free_bits: float = 0.0
    """Bits of the divergence of a melody that cost nothing."""
    word_dropout: float = 0.3
    """Share of the previous tokens withheld from the decoder, so that it must read the latent vector."""
    scheduled_sampling: float = 0.0
    """Share of the previous tokens replaced by the model's own guesses."""
    augment: float = 0.0
    """Share of melodies transposed by -6 to 6 semitones."""
    precision: str = "auto"
    """float32, bfloat16, or auto: bfloat16 where the processor computes with it."""
    evaluations: int = 20
    """Validations over the course, evenly spread."""
    validation_windows: int = 512
    """How many windows are looked at in each."""
    patience: int = 0
    """Validations without a new best after which training stops; 0: never."""
    seed: int = 0

    def __post_init__(self):
        limits = {
            "epochs": (1, 10**7),
            "batch": (1, 10**6),
            "learning_rate": (1e-8, 1.0),
            "hold": (0.0, 1.0),
            "final_rate": (0.0, 1.0),
            "clip": (1e-6, 1e6),
            "weight_decay": (0.0, 1.0),
            "beta": (0.0, 1e3),
            "free_bits": (0.0, 1e6),
            "word_dropout": (0.0, 1.0),
            "scheduled_sampling": (0.0, 1.0),
            "augment": (0.0, 1.0),
            "warmup_steps": (0, 10**9),
            "beta_warmup_steps": (0, 10**9),
            "evaluations": (1, 10**6),
            "validation_windows": (1, 10**9),
            "patience": (0, 10**6),
            "seed": (0, 2**31 - 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise TrainingError(f"{name} is {value!s:.40}: it must be {low} to {high}")
        if self.minutes is not None and not 0 < self.minutes < 1e6:
            raise TrainingError(f"minutes is {self.minutes!s:.40}: it must be above 0")
        if self.precision not in PRECISIONS:
            raise TrainingError(f"precision is {self.precision!r:.40}: it must be one of {', '.join(PRECISIONS)}")

    def to_dict(self) -> dict:
        """Return the options for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, options: dict) -> "TrainingOptions":
        """Return options read from JSON; raises TrainingError for unknown ones."""
        if not isinstance(options, dict):
            raise TrainingError(f"the training options are {options!r:.40}")
        unknown = set(options) - {field.name for field in fields(cls)}
        if unknown:
            raise TrainingError(f"unknown training options: {', '.join(sorted(unknown))[:200]}")
        try:
            return cls(**options)
        except TypeError as error:
            raise TrainingError(f"the training options are broken: {error}") from None

    def rate(self, step: int, share: float) -> float:
        """Return the learning rate at a step, when this share of the course (0 to 1) is done."""
        rising = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if share <= self.hold:
            return self.learning_rate * rising
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, (share - self.hold) / (1 - self.hold))))
        return self.learning_rate * rising * (self.final_rate + (1 - self.final_rate) * fall)

    def beta_at(self, step: int) -> float:
        """Return beta at a step."""
        return self.beta * min(1.0, step / self.beta_warmup_steps) if self.beta_warmup_steps else self.beta
