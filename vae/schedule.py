"""Training schedules: the learning rate and the weight of the KL divergence over a run."""

import math

from vae.config import TrainingOptions


def learning_rate_at(options: TrainingOptions, step: int, progress: float) -> float:
    """Return the learning rate at a step: linear warmup, then constant, then half a cosine.

    Args:
        options: options of the run.
        step: number of steps done.
        progress: share of the run that is done, 0 to 1.
    """
    warmup = min(1.0, (step + 1) / options.warmup_steps) if options.warmup_steps else 1.0
    if progress <= options.hold:
        return options.learning_rate * warmup
    fall = 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - options.hold) / (1 - options.hold))))
    return options.learning_rate * warmup * (options.final_rate + (1 - options.final_rate) * fall)


def beta_at(options: TrainingOptions, step: int) -> float:
    """Return the weight of the KL divergence at a step, which rises linearly from 0."""
    warmup = min(1.0, step / options.beta_warmup_steps) if options.beta_warmup_steps else 1.0
    return options.beta * warmup
