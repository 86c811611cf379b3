"""Training of a listener, which goes step by step and can be stopped after any of them.

A training is a list of *stages* one after another: networks that are fitted, attacks, and tasks of one step. Its state
is that of its parts (networks, generators), of the stage that it is in, and what else the stages left behind; so it
goes on to the same bits from any step. It reads and writes no files.

Conventions: as in `listener.stages`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from listener.stages import Part, Stage, State, Trained, row
from songs.validate import Within, validate_like
from vae.fit import CosineRate, Fit
from vae.processor import computing


class Training(ABC):
    """Stages one after another, each begun when the one before it is finished."""

    def __init__(self, stages: Sequence[tuple[float, Callable[[], Stage]]], parts: Mapping[str, Part]):
        """
        Args:
            stages: how long each takes, in any unit, and a function that begins it.
            parts: what the stages change and use, by name.
        """
        self._costs = [cost for cost, _ in stages]
        self._begin = [begin for _, begin in stages]
        self._parts = dict(parts)
        self._begin_stage(0)

    @property
    @abstractmethod
    def result(self) -> Trained:
        """The listener, once training is finished."""

    @property
    def stage(self) -> int:
        """Index of the stage that the next step belongs to."""
        return self._number

    @property
    def progress(self) -> float:
        """Share of the training that is done, 0 to 1."""
        done = sum(self._costs[: self._number]) + self._costs[self._number] * self._stage.progress
        return 1.0 if self.finished else done / sum(self._costs)

    @property
    def finished(self) -> bool:
        """True when there is a result."""
        return self._stage.finished and self._number == len(self._begin) - 1

    def step(self) -> dict[str, Any] | None:
        """Take a step of about a second and return its row; None once training is finished."""
        if self.finished:
            return None
        with computing():
            found = self._stage.step()
        if self._stage.finished and not self.finished:
            self._begin_stage(self._number + 1)
        return found

    @abstractmethod
    def _memory(self) -> State:
        """Return what finished stages left behind, besides the parts."""

    @abstractmethod
    def _remember(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore what `_memory` returned; raises ValueError if it is something else."""

    def state(self) -> State:
        """Return named arrays and plain data."""
        states = {name: part.state() for name, part in self._everything().items()}
        states["memory"] = self._memory()
        arrays = {f"{name}/{key}": value for name, (found, _) in states.items() for key, value in found.items()}
        return arrays, {"stage": self._number, "parts": {name: data for name, (_, data) in states.items()}}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go back to a state, to the bit; raises ValueError if it is not one of such a training."""
        validate_like({"stage": Within(0, 0, len(self._begin) - 1), "parts": {}}, data)
        self._begin_stage(data["stage"])
        everything = {**self._everything(), "memory": None}
        validate_like({"parts": {name: {} for name in everything}}, data)
        for name, part in everything.items():
            own = {key.removeprefix(f"{name}/"): value for key, value in arrays.items() if key.startswith(f"{name}/")}
            restore = part.restore if part else self._remember
            try:
                restore(own, data["parts"][name])
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None

    def _begin_stage(self, number: int) -> None:
        self._number = number
        with computing():
            self._stage = self._begin[number]()

    def _everything(self) -> dict[str, Part]:
        return {"stage": self._stage, **self._parts}


class Randomness:
    """The generators of numpy and torch of some stages, which no other stage and nobody else moves."""

    def __init__(self, generator: np.random.Generator, torch_seed: int):
        self.generator = generator
        self._torch = torch.Generator().manual_seed(torch_seed).get_state()

    @classmethod
    def of_stage(cls, seed: int, stage: str) -> "Randomness":
        """Return the randomness of a stage of the training with a seed."""
        generator = np.random.default_rng([seed, *stage.encode()])
        return cls(generator, int(generator.integers(2**63)))

    @contextmanager
    def torch(self) -> Iterator[None]:
        """Let torch draw from here until the block ends."""
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._torch)
            yield
            self._torch = torch.get_rng_state()

    def state(self) -> State:
        return {"torch": self._torch.numpy().copy()}, {"numpy": self.generator.bit_generator.state}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"torch": self._torch.numpy()}, arrays)
        validate_like({"numpy": self.generator.bit_generator.state}, data)
        try:
            torch.Generator().set_state(torch.from_numpy(arrays["torch"].copy()))
            self.generator.bit_generator.state = data["numpy"]
        except (RuntimeError, TypeError, OverflowError) as error:
            raise ValueError(f"no state of a generator: {error}") from None
        self._torch = torch.from_numpy(arrays["torch"].copy())


class Values:
    """The values of a network as a part of the state of its training."""

    def __init__(self, network: nn.Module):
        self._network = network

    def state(self) -> State:
        return {name: value.detach().numpy().copy() for name, value in self._network.state_dict().items()}, {}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like(self.state()[0], arrays)
        with torch.no_grad():
            for name, value in self._network.state_dict().items():
                value.copy_(torch.from_numpy(arrays[name]))


class FitStage:
    """The fit of a network: one loss after another, and the learning rate falls."""

    def __init__(
        self,
        name: str,
        fit: Fit,
        rate: CosineRate,
        losses: Callable[[int], Iterator[Tensor]],
        random: Randomness,
        at_once: int = 16,
    ):
        """
        Args:
            name: of the stage.
            fit: of the network, changed in place; the network is left as one that is not trained.
            rate: with the number of steps of gradient descent.
            losses: yields the losses from a step on, each for the network as it is when it is asked for.
            random: what torch draws from.
            at_once: steps of gradient descent in a step of training.
        """
        self.name, self._fit, self._rate, self._losses, self._random = name, fit, rate, losses, random
        self._at_once = at_once
        self._done = 0

    @property
    def progress(self) -> float:
        return self._done / self._rate.steps

    @property
    def finished(self) -> bool:
        return self._done >= self._rate.steps

    def step(self) -> dict[str, Any]:
        found = []
        with self._random.torch():
            self._fit.network.train()
            for loss in islice(self._losses(self._done), min(self._at_once, self._rate.steps - self._done)):
                self._fit.set_rate(self._rate.at(self._done))
                self._fit.descend(loss)
                self._done += 1
                found.append(loss.item())
            self._fit.network.eval()
        return row(self.name, self._done, self._rate.steps, loss=float(np.mean(found)))

    def state(self) -> State:
        arrays, data = self._fit.state()
        return arrays, {**data, "done": self._done}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"done": Within(0, 0, self._rate.steps)}, data)
        self._fit.restore(arrays, data)
        self._done = data["done"]
