"""What evolution strategies share: a cloud of weights for one fixed, dense network without hidden nodes.

A strategy says where the cloud is and how it moves; this is the rest: how networks are evaluated, the
champion, reports, and the state. The loss is the squared hinge.

Conventions:
    N networks are evaluated at once; O outputs; F weights of an output, the last of them its bias.
    Parameters are (O, F); a batch of them is (N, O, F), float64.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.linear_network import judge, linear_genome, on_grid
from agents.search import Generation
from agents.search_state import check_state, fitting, identity, restored_array
from songs.validate import OrNone

STATE = {
    "generation": 0,
    "evaluations": 0,
    "random": {},
    "best": None,
    "best_right": -1,
    "best_loss": OrNone(0.0),
}
"""An example of what stands in the state of every strategy, besides what it is; arrays are left open."""


class Options(Protocol):
    """What all options, which are dataclasses, have in common."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def modular(self) -> bool:
        """Whether every output is judged by its own loss."""
        ...


class DenseStrategy(ABC):
    """A search that moves a cloud of dense networks."""

    def __init__(self, cases: Cases, options: Options, seed: int):
        self.cases = cases
        self.options = options
        self.generation = 0
        self.evaluations = 0
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        # an input that is off in every case cannot matter; behind the others stands a 1 for the bias
        self._used = np.flatnonzero(cases.inputs.any(axis=1))
        ones = np.ones((1, len(cases)))
        self._inputs = np.concatenate([cases.inputs[self._used].astype(np.float64), ones])
        self._signs = np.where(cases.targets, 1.0, -1.0)
        # a case that others contradict counts for nothing
        self._counting = cases.possible.astype(np.float64)
        self._best: np.ndarray | None = None
        self._best_scores = (0, np.inf)
        self._champion: neat.DefaultGenome | None = None

    @property
    def champion(self) -> neat.DefaultGenome | None:
        """The best network so far, with `right` and `loss`; None before the first step."""
        if self._champion is None and self._best is not None:
            self._champion = judge(linear_genome(*self._network(self._best)), self.cases)
        return self._champion

    @property
    def solved(self) -> bool:
        """Whether the champion is right in all cases that one network can get right together."""
        return self._best is not None and self._best_scores[0] == self.cases.most_right

    def step(self) -> Generation:
        """Evaluate a cloud, move it, and report the cloud and its new centre."""
        cloud = self._ask()
        losses, right = self._evaluate(cloud)
        self._tell(cloud, losses if self.options.modular else losses.sum(axis=1, keepdims=True))
        centre = self._centre()[None]
        centre_losses, centre_right = self._evaluate(centre)
        sums = np.append(losses.sum(axis=1), centre_losses.sum())
        right = np.append(right, centre_right)
        best = int(np.lexsort([-sums, right])[-1])
        self._remember(centre[0] if best == len(cloud) else cloud[best], int(right[best]), float(sums[best]))
        assert self._best is not None
        self.generation += 1
        return Generation(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_fitness=-float(sums.min()),
            mean_fitness=-float(sums.mean()),
            std_fitness=float(sums.std()),
            best_right=int(right.max()),
            mean_right=float(right.mean()),
            connections=int(np.count_nonzero(self._best[:, :-1])),
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
        short *= self._counting
        return np.einsum("noc,noc->no", short, short), right

    def _network(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights (O, I) and the bias (O,) of parameters (O, F)."""
        weights = np.zeros((len(parameters), len(self.cases.inputs)))
        weights[:, self._used] = parameters[:, :-1]
        return weights, parameters[:, -1]

    def _remember(self, network: np.ndarray, right: int, loss: float) -> None:
        """Keep a network (O, F), on the grid of weights, if it is the best so far."""
        if (right, -loss) <= (self._best_scores[0], -self._best_scores[1]):
            return
        weights, bias = on_grid(network[:, :-1], network[:, -1], self._inputs[:-1])
        self._best = np.concatenate([weights, bias[:, None]], axis=1)
        self._best_scores = (right, loss)
        self._champion = None

    @abstractmethod
    def _ask(self) -> np.ndarray:
        """Return a cloud of parameters (N, O, F)."""
        ...

    @abstractmethod
    def _tell(self, cloud: np.ndarray, losses: np.ndarray) -> None:
        """Move to where the losses (N, B) are smaller: one for each output, or one for all (B = 1)."""
        ...

    @abstractmethod
    def _centre(self) -> np.ndarray:
        """Return the parameters (O, F) in the middle of the cloud."""
        ...

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on: named arrays and plain data."""
        data = {
            **self._identity(),
            "generation": self.generation,
            "evaluations": self.evaluations,
            "random": self._random.bit_generator.state,
            "best": None if self._best is None else self._best.tolist(),
            "best_right": self._best_scores[0],
            "best_loss": None if self._best is None else self._best_scores[1],
            "cloud": self._cloud_state(),
        }
        return {}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this search."""
        check_state(self._identity(), STATE, data)
        with fitting():
            self.generation, self.evaluations = data["generation"], data["evaluations"]
            self._random.bit_generator.state = data["random"]
            self._best = None if data["best"] is None else restored_array(data["best"], self._centre(), "best")
            self._best_scores = (data["best_right"], np.inf if data["best"] is None else float(data["best_loss"]))
            if (self._best is None) != (self.generation == 0):
                raise ValueError(f"the best network of {self.generation} generations is {data['best']!r:.40}")
            self._champion = None
            self._restore_cloud(data["cloud"])

    def _identity(self) -> dict[str, Any]:
        return identity(self, [len(self.cases.inputs), *self._signs.shape, len(self._inputs)])

    @abstractmethod
    def _cloud_state(self) -> Any:
        """Return what the strategy depends on, as plain data."""
        ...

    @abstractmethod
    def _restore_cloud(self, state: Any) -> None:
        """Put the strategy into a state."""
        ...
