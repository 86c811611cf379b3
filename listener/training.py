"""Parts and stages for training networks: parameters, random generators, and fits.

Conventions: as in `listener.stages`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from listener.stages import Stage, State
from songs.validate import validate_like
from vae.fit import CosineRate, Fit


class Randomness:
    """Generators of numpy and torch that belong to some stages only; nothing else advances them."""

    def __init__(self, generator: np.random.Generator, torch_seed: int):
        self.generator = generator
        self._torch = torch.Generator().manual_seed(torch_seed).get_state()

    @classmethod
    def of_stage(cls, seed: int, stage: str) -> "Randomness":
        """Return the generators for one stage, seeded by the seed of the training and the name of the stage."""
        generator = np.random.default_rng([seed, *stage.encode()])
        return cls(generator, int(generator.integers(2**63)))

    @contextmanager
    def torch(self) -> Iterator[None]:
        """Context manager: torch draws from this generator inside the block."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._torch)
            yield
            self._torch = torch.get_rng_state()

    def state(self) -> State:
        return {"torch": self._torch.numpy().copy()}, {"numpy": self.generator.bit_generator.state}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"torch": self._torch.numpy()}, arrays)
        validate_like({"numpy": self.generator.bit_generator.state}, data)
        restored = torch.from_numpy(arrays["torch"].copy())
        try:
            torch.Generator().set_state(restored)
            self.generator.bit_generator.state = data["numpy"]
        except (RuntimeError, TypeError, OverflowError) as error:
            raise ValueError(f"not a state of a generator: {error}") from None
        self._torch = restored


class Values:
    """The parameters of a network as part of the state of its training."""

    def __init__(self, network: nn.Module):
        self._network = network

    def state(self) -> State:
        return {name: value.detach().numpy().copy() for name, value in self._network.state_dict().items()}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like(self.state()[0], arrays)
        with torch.no_grad():
            for name, value in self._network.state_dict().items():
                value.copy_(torch.from_numpy(arrays[name]))


class FitStage(Stage):
    """A stage that fits a network by gradient descent with a decaying learning rate."""

    def __init__(
        self,
        name: str,
        fit: Fit,
        rate: CosineRate,
        losses: Callable[[int], Iterator[Tensor]],
        random: Randomness,
        at_once: int = 16,
    ):
        """Take a fit; its network is changed in place and left in evaluation mode after each step.

        Args:
            name: name of the stage.
            fit: the network and its optimiser.
            rate: learning rate schedule, which has the number of steps of gradient descent.
            losses: called with the first step; yields one loss per step, computed with the current parameters.
            random: generators that torch draws from.
            at_once: steps of gradient descent per step of training.
        """
        super().__init__(name, rate.steps)
        self._fit, self._rate, self._losses, self._random, self._at_once = fit, rate, losses, random, at_once

    def step(self) -> dict[str, Any]:
        values = []
        with self._random.torch():
            self._fit.network.train()
            for loss in islice(self._losses(self.done), min(self._at_once, self.steps - self.done)):
                self._fit.set_rate(self._rate.at(self.done))
                self._fit.descend(loss)
                self.done += 1
                values.append(loss.item())
            self._fit.network.eval()
        return self.row(loss=float(np.mean(values)))

    def state(self) -> State:
        arrays, data = self._fit.state()
        return arrays, {**data, "done": self.done}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        super().restore(arrays, data)
        self._fit.restore(arrays, data)
