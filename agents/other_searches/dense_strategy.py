"""Common part of the evolution strategies: sampled weights for a fixed, dense network without hidden nodes.

A strategy samples networks and moves its distribution. This module evaluates the networks, keeps the champion, and
reports. The loss is the squared hinge.

Conventions: N networks are evaluated at once; O outputs; F weights per output, the last of which is its bias.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from agents.cases import Cases
from agents.neat.genome import Genome
from agents.neat.linear_network import judge, linear_genome, on_grid
from agents.search import Generation, Problem
from agents.search_state import LARGEST, check_state, identity
from agents.state_parts import restore_generator
from songs.validate import Within, validate_like

STATE = {"generation": 0, "evaluations": 0, "random": {}, "best_right": 0, "best_loss": 0.0}
"""An example of the data in every strategy's state, apart from the identity."""


class DenseStrategy(ABC):
    """A search that samples dense networks from a distribution and moves it to smaller losses."""

    LABEL: ClassVar[str]
    ONE_SONG: ClassVar[bool] = False

    @classmethod
    def of(cls, problem: Problem, options: Any, seed: int) -> Self:
        """Return the strategy for a problem."""
        return cls(problem.cases, options, seed)

    @staticmethod
    def describe(options: Any) -> list[str]:
        """Return a description of the options for reports."""
        return ["each output by its own loss"] if options.modular else []

    def __init__(self, cases: Cases, options: Any, seed: int):
        """Take a dataclass of options; its field `modular` is True if every output is ranked by its own loss."""
        self.cases = cases
        self.options = options
        self.generation = 0
        self.evaluations = 0
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        # inputs that are off in every case have no effect; the others are followed by a 1 for the bias
        self._used = np.flatnonzero(cases.inputs.any(axis=1))
        ones = np.ones((1, len(cases)))
        self._inputs = np.concatenate([cases.inputs[self._used].astype(np.float64), ones])
        self._signs = np.where(cases.targets, 1.0, -1.0)
        # cases that contradict more frequent ones do not count
        self._counted = cases.possible.astype(np.float64)
        self._best: np.ndarray | None = None
        self._best_scores = (0, np.inf)
        self._champion: Genome | None = None

    @property
    def champion(self) -> Genome | None:
        """The best network so far, with `right` and `loss`; None before the first step."""
        if self._champion is None and self._best is not None:
            weights = np.zeros((len(self._best), len(self.cases.inputs)))
            weights[:, self._used] = self._best[:, :-1]
            self._champion = judge(linear_genome(weights, self._best[:, -1]), self.cases)
        return self._champion

    @property
    def solved(self) -> bool:
        """True if the champion is right in all cases that one network can get right."""
        return self._best is not None and self._best_scores[0] == self.cases.most_right

    def step(self) -> Generation:
        """Evaluate samples, move the distribution, and report the samples and the new mean."""
        samples = self._ask()
        losses, right = self._evaluate(samples)
        self._tell(samples, losses if self.options.modular else losses.sum(axis=1, keepdims=True))
        mean = self._mean_parameters()[None]
        mean_losses, mean_right = self._evaluate(mean)
        sums = np.append(losses.sum(axis=1), mean_losses.sum())
        right = np.append(right, mean_right)
        best = int(np.lexsort([-sums, right])[-1])
        kept = self._remember(mean[0] if best == len(samples) else samples[best], int(right[best]), float(sums[best]))
        self.generation += 1
        return Generation(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_fitness=-float(sums.min()),
            mean_fitness=-float(sums.mean()),
            std_fitness=float(sums.std()),
            best_right=int(right.max()),
            mean_right=float(right.mean()),
            connections=int(np.count_nonzero(kept[:, :-1])),
            hidden=0,
        )

    def _evaluate(self, networks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses (N, O) and the right cases (N,) of networks (N, O, F)."""
        self.evaluations += len(networks)
        short = networks @ self._inputs
        short *= self._signs
        right = (short > 0).all(axis=1).sum(axis=1)
        np.subtract(1, short, out=short)
        np.maximum(short, 0, out=short)
        short *= self._counted
        return np.einsum("noc,noc->no", short, short), right

    def _remember(self, network: np.ndarray, right: int, loss: float) -> np.ndarray:
        """Keep a network (O, F), rounded to the weight grid, if it is the best so far; return the best."""
        if self._best is None or (right, -loss) > (self._best_scores[0], -self._best_scores[1]):
            weights, bias = on_grid(network[:, :-1], network[:, -1], self._inputs[:-1])
            self._best = np.concatenate([weights, bias[:, None]], axis=1)
            self._best_scores = (right, loss)
            self._champion = None
        return self._best

    @abstractmethod
    def _ask(self) -> np.ndarray:
        """Return samples (N, O, F)."""

    @abstractmethod
    def _tell(self, samples: np.ndarray, losses: np.ndarray) -> None:
        """Move the distribution to smaller losses (N, B): one per output, or one for all (B = 1)."""

    @abstractmethod
    def _mean_parameters(self) -> np.ndarray:
        """Return the mean (O, F) of the distribution."""

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next steps depend on, as named arrays and plain data."""
        data = {
            **self._identity(),
            "generation": self.generation,
            "evaluations": self.evaluations,
            "random": self._random.bit_generator.state,
            "best_right": self._best_scores[0],
            "best_loss": 0.0 if self._best is None else self._best_scores[1],
        }
        return {**({} if self._best is None else {"best": self._best}), **self._distribution()}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this search."""
        check_state(self._identity(), STATE, data)
        best = {"best": Within(self._mean_parameters(), -LARGEST, LARGEST)} if data["generation"] else {}
        validate_like(best, arrays)
        self._restore_distribution(arrays)
        restore_generator(self._random, data["random"])
        self.generation, self.evaluations = data["generation"], data["evaluations"]
        self._best = arrays["best"].copy() if best else None
        self._best_scores = (data["best_right"], float(data["best_loss"])) if best else (0, np.inf)
        self._champion = None

    def _identity(self) -> dict[str, Any]:
        return identity(self, [len(self.cases.inputs), *self._signs.shape, len(self._inputs)])

    @abstractmethod
    def _distribution(self) -> dict[str, np.ndarray]:
        """Return the arrays of the distribution."""

    @abstractmethod
    def _restore_distribution(self, arrays: dict[str, np.ndarray]) -> None:
        """Restore the arrays of the distribution; raises ValueError if they do not fit."""
