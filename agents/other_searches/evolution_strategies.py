"""Evolution strategies: a cloud of weights for one fixed network, moved to where the loss is smaller.

The network is dense and has no hidden nodes: every input that is ever on feeds every output. Nothing of
its structure evolves. Two strategies:

    OpenAIES       isotropic noise of a fixed size in mirrored pairs, losses replaced by ranks, the step taken by Adam
    SeparableCMAES CMA-ES with a diagonal covariance, from the package `cmaes` (an optional extra)

Both minimise the squared hinge loss and look at nothing but the losses of whole networks. With `modular`
they use one loss for each output instead: since no weight feeds two outputs, each output is then searched
on its own. This uses more than one number a network and is named in every run and report.

Conventions:
    N networks are evaluated at once; O outputs; F weights of an output, the last of them its bias.
    Parameters are (O, F); a batch of them is (N, O, F), float64.
Source:
    Salimans, Ho, Chen, Sidor and Sutskever (2017), Evolution Strategies as a Scalable Alternative to
    Reinforcement Learning.
    Ros and Hansen (2008), A Simple Modification in CMA-ES Achieving Linear Time and Space Complexity.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.cases import Cases
from agents.other_searches.dense_strategy import DenseStrategy
from agents.search_state import check_size, restored_array


@dataclass(frozen=True)
class OpenAIOptions:
    """How OpenAI's strategy searches."""

    pairs: int = 20
    """Mirrored pairs of networks a generation, at least 1."""
    sigma: float = 0.05
    """Standard deviation of the noise on each weight, above 0."""
    learning_rate: float = 0.05
    """Size of a step in each weight, above 0."""
    momentum: float = 0.9
    """Share of the last steps' direction that is kept (Adam's first beta), 0 to below 1."""
    scaling: float = 0.999
    """Share of the last steps' squared sizes that is kept (Adam's second beta), 0 to below 1."""
    modular: bool = False
    """Rank the networks for every output by its own loss."""

    def __post_init__(self):
        _require(self.pairs >= 1, "pairs", self.pairs, "at least 1")
        _require(self.sigma > 0, "sigma", self.sigma, "above 0")
        _require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        _require(0 <= self.momentum < 1, "momentum", self.momentum, "at least 0 and below 1")
        _require(0 <= self.scaling < 1, "scaling", self.scaling, "at least 0 and below 1")


@dataclass(frozen=True)
class CMAESOptions:
    """How separable CMA-ES searches."""

    population: int = 0
    """Networks a generation, at least 2; 0: 4 + 3 ln of the number of weights that are searched together."""
    sigma: float = 0.1
    """Standard deviation of the first cloud in each weight, above 0."""
    modular: bool = False
    """Search every output with a cloud of its own."""

    def __post_init__(self):
        _require(self.population == 0 or self.population >= 2, "population", self.population, "0 or at least 2")
        _require(self.sigma > 0, "sigma", self.sigma, "above 0")


def _require(condition: bool, name: str, value: float, allowed: str) -> None:
    if not condition:
        raise ValueError(f"{name} is {value}: it must be {allowed}")


class OpenAIES(DenseStrategy):
    """OpenAI's evolution strategy: mirrored noise, ranks, Adam."""

    options: OpenAIOptions

    def __init__(self, cases: Cases, options: OpenAIOptions, seed: int):
        """
        Args:
            cases: what the network should answer.
            options: how to search.
            seed: a whole number; the same seed gives the same run.
        """
        super().__init__(cases, options, seed)
        self._mean = np.zeros((len(self._signs), len(self._inputs)))
        self._first, self._second = np.zeros_like(self._mean), np.zeros_like(self._mean)

    def _ask(self) -> np.ndarray:
        noise = self.options.sigma * self._random.standard_normal((self.options.pairs, *self._mean.shape))
        return self._mean + np.concatenate([noise, -noise])

    def _tell(self, cloud: np.ndarray, losses: np.ndarray) -> None:
        options, pairs = self.options, self.options.pairs
        ranks = centred_ranks(losses)
        noise = (cloud[:pairs] - self._mean) / options.sigma
        share = np.broadcast_to(ranks[:pairs] - ranks[pairs:], (pairs, len(self._mean)))
        slope = np.einsum("no,nof->of", share, noise) / (2 * pairs * options.sigma)
        self._first = options.momentum * self._first + (1 - options.momentum) * slope
        self._second = options.scaling * self._second + (1 - options.scaling) * slope**2
        steps = self.generation + 1
        direction = self._first / (1 - options.momentum**steps)
        size = np.sqrt(self._second / (1 - options.scaling**steps))
        self._mean = self._mean - options.learning_rate * direction / (size + 1e-8)

    def _centre(self) -> np.ndarray:
        return self._mean

    def _cloud_state(self) -> dict[str, list]:
        return {"mean": self._mean.tolist(), "first": self._first.tolist(), "second": self._second.tolist()}

    def _restore_cloud(self, state: dict[str, list]) -> None:
        self._mean = restored_array(state["mean"], self._mean, "cloud.mean")
        self._first = restored_array(state["first"], self._first, "cloud.first")
        self._second = restored_array(state["second"], self._second, "cloud.second", least=0)


def centred_ranks(losses: np.ndarray) -> np.ndarray:
    """Replace the losses (N, B) of every column by their ranks, from -1/2 for the smallest to 1/2."""
    order = losses.argsort(axis=0, kind="stable")
    ranks = np.empty_like(losses)
    np.put_along_axis(ranks, order, np.linspace(-0.5, 0.5, len(losses))[:, None], axis=0)
    return ranks


class SeparableCMAES(DenseStrategy):
    """CMA-ES with a diagonal covariance: one cloud for all weights, or with `modular` one for each output."""

    def __init__(self, cases: Cases, options: CMAESOptions, seed: int):
        """
        Args:
            cases: what the network should answer.
            options: how to search.
            seed: a whole number; the same seed gives the same run.

        Raises:
            ValueError: the package `cmaes` is not installed.
        """
        try:
            from cmaes import SepCMA
        except ImportError:
            raise ValueError("CMA-ES needs the package cmaes: pip install 'kuznechik[es]'") from None
        super().__init__(cases, options, seed)
        outputs, size = len(self._signs), len(self._inputs)
        clouds, length = (outputs, size) if options.modular else (1, outputs * size)
        self._clouds = [
            SepCMA(np.zeros(length), options.sigma, population_size=options.population or None) for _ in range(clouds)
        ]

    def _ask(self) -> np.ndarray:
        members = []
        for cloud in self._clouds:
            # the package keeps a generator of its own, which its states leave out
            cloud.reseed_rng(int(self._random.integers(2**32)))
            members.append([cloud.ask() for _ in range(cloud.population_size)])
        return np.stack(members, axis=1).reshape(-1, len(self._signs), len(self._inputs))

    def _tell(self, cloud: np.ndarray, losses: np.ndarray) -> None:
        parts = cloud.reshape(len(cloud), len(self._clouds), -1)
        for block, optimizer in enumerate(self._clouds):
            optimizer.tell(list(zip(parts[:, block], losses[:, block].tolist(), strict=True)))

    def _centre(self) -> np.ndarray:
        return np.stack([cloud.mean for cloud in self._clouds]).reshape(len(self._signs), len(self._inputs))

    def _cloud_state(self) -> list[dict[str, Any]]:
        return [
            {name: _plain(value) for name, value in cloud.__getstate__().items() if name in _CHANGING}
            for cloud in self._clouds
        ]

    def _restore_cloud(self, state: list[dict[str, Any]]) -> None:
        for cloud, saved in zip(self._clouds, state, strict=True):
            own: dict[str, Any] = cloud.__getstate__()
            values: dict[str, Any] = {}
            for name in _CHANGING:
                array = restored_array(saved[name], np.asarray(own[name]), f"cloud.{name}")
                values[name] = array if isinstance(own[name], np.ndarray) else array.item()
            check_size([*values["_C"], values["_sigma"]], "a width", least=SMALLEST_WIDTH)
            check_size(values["_p_sigma"], "a path", -LONGEST_PATH, LONGEST_PATH)
            check_size([values["_g"]], "a generation", least=0)
            cloud.__setstate__(own | {"_D": None} | values)


SMALLEST_WIDTH = 1e-100
"""Of a cloud that is read."""
LONGEST_PATH = 100.0
"""Along a weight, of a cloud that is read; each is about normally distributed."""
_CHANGING = ("_mean", "_sigma", "_C", "_p_sigma", "_pc", "_g")
"""What a generation changes in a `SepCMA`, apart from what it derives from these and what it stops by."""


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
