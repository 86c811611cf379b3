"""Training the melody model: to foresee the next step of real melodies.

Conventions:
    Melodies are (N, T) int8. Losses are minimised. Batches take turns among sorts of melodies, each of its own length;
    a batch holds about as many steps whatever their length.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from listener.corpus import moved
from listener.melody_model import MelodyModel, step_codes

BATCH_STEPS = 2048
LEARNING_RATE = 3e-3
WARM_UP = 50
WEIGHT_DECAY = 0.05
STEPS = 4500
"""Of gradient descent."""
DEFAULT_MINUTES = 4.0
"""Measured, of one core."""


def train_model(
    sorts: Sequence[np.ndarray],
    steps: int,
    generator: np.random.Generator,
    report: Callable[[float], None] = lambda loss: None,
) -> MelodyModel:
    """Train a melody model; the learning rate falls along a cosine to nearly nothing.

    Args:
        sorts: real melodies (N, T), as low as they go, T steps each.
        steps: of gradient descent.
        generator: source of chance; torch's own chance is drawn from torch's generator.
        report: is told the loss of every step: nats a step of real melodies.
    """
    model = MelodyModel()
    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    model.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            falling = max(0.03, np.cos(step / steps * np.pi / 2))
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP) * falling
        melodies = sorts[step % len(sorts)]
        count = max(1, BATCH_STEPS // melodies.shape[1])
        real = moved(melodies[generator.integers(0, len(melodies), count)], generator)
        logits = model(torch.from_numpy(step_codes(real)))
        tokens = torch.from_numpy(real.astype(np.int64) + 1)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        report(loss.item())
    return model.eval().requires_grad_(False)
