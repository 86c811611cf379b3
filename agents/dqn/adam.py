"""Adam, bit-identical to `torch.optim.Adam` on a CPU.

The first use of torch's own optimizer imports its compiler, which takes more CPU time than learning the grasshopper.

Source: D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, 2015.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from agents.state_parts import restore_arrays

DECAY = 0.9, 0.999
"""Decay of the running means of the gradient and of its square."""
EPSILON = 1e-8


class Adam:
    """The Adam optimizer of a set of weights."""

    def __init__(self, weights: Iterable[Tensor], learning_rate: float):
        self.weights, self.learning_rate = list(weights), learning_rate
        self._means = [torch.zeros_like(each) for each in self.weights]
        self._squares = [torch.zeros_like(each) for each in self.weights]

    @torch.no_grad()
    def step(self, number: int) -> None:
        """Update the weights by their gradients; steps are numbered from 1."""
        corrections = [1 - decay**number for decay in DECAY]
        step_size, root = self.learning_rate / corrections[0], corrections[1] ** 0.5
        for weights, mean, square in zip(self.weights, self._means, self._squares, strict=True):
            gradient = weights.grad
            assert gradient is not None, "every weight takes part in the loss"
            mean.lerp_(gradient, 1 - DECAY[0])
            square.mul_(DECAY[1]).addcmul_(gradient, gradient, value=1 - DECAY[1])
            weights.addcdiv_(mean, (square.sqrt() / root).add_(EPSILON), value=-step_size)

    def state(self) -> dict[str, np.ndarray]:
        """Return the running means of every weight."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Continue from a state; raises ValueError if it does not fit the weights."""
        squares = {name: np.inf for name in self._arrays() if name.endswith("exp_avg_sq")}
        restore_arrays(self._arrays(), arrays, **squares)

    def _arrays(self) -> dict[str, np.ndarray]:
        """Return views of the running means, named as in torch."""
        kinds = {"exp_avg": self._means, "exp_avg_sq": self._squares}
        return {f"{index}.{kind}": each.numpy() for kind, all_ in kinds.items() for index, each in enumerate(all_)}
