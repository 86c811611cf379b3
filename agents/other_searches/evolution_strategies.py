"""Evolution strategies: a distribution of the weights of a fixed network, moved to smaller losses.

The network is dense and has no hidden nodes: every input that is ever on feeds every output. Its structure does not
evolve. Two strategies:

    OpenAIES       isotropic noise of a fixed size in mirrored pairs, losses replaced by ranks, the step taken by Adam
    SeparableCMAES CMA-ES with a diagonal covariance, from the package `cmaes` (an optional extra)

Both minimise the squared hinge loss and use only the losses of whole networks. With `modular` they use one loss per
output instead. As no weight feeds two outputs, each output is then searched separately. This uses more than one number
per network and is named in every run and report.

Conventions: as in `dense_strategy`.
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
from agents.search_state import LARGEST
from songs.options import OptionError, check_options, option
from songs.validate import Within, validate_like


@dataclass(frozen=True)
class OpenAIOptions:
    """OpenAI's evolution strategy."""

    pairs: int = option(20, "mirrored pairs of networks in a generation", 1, 1_000_000)
    sigma: float = option(0.05, "standard deviation of the noise on each weight", 1e-9, 1e6)
    learning_rate: float = option(0.05, "size of a step in each weight", 1e-9, 1e6)
    momentum: float = option(0.9, "Adam's first beta: decay of the mean of the gradients", 0.0, 0.999999)
    scaling: float = option(0.999, "Adam's second beta: decay of the mean of their squares", 0.0, 0.999999)
    modular: bool = option(False, "rank the networks separately for every output, by its own loss")

    def __post_init__(self):
        check_options(self)


@dataclass(frozen=True)
class CMAESOptions:
    """Separable CMA-ES."""

    population: int = option(0, "networks in a generation; 0: 4 + 3 ln of the number of weights", 0, 1_000_000)
    sigma: float = option(0.1, "standard deviation of each weight in the first generation", 1e-9, 1e6)
    modular: bool = option(False, "search every output with its own distribution")

    def __post_init__(self):
        check_options(self)
        if self.population == 1:
            raise OptionError("population = 1: it must be 0 or at least 2")


class OpenAIES(DenseStrategy):
    """OpenAI's evolution strategy: mirrored noise, ranks, Adam."""

    LABEL = "OpenAI-ES on a fixed dense network"
    options: OpenAIOptions

    def __init__(self, cases: Cases, options: OpenAIOptions, seed: int):
        super().__init__(cases, options, seed)
        self._mean = np.zeros((len(self._signs), len(self._inputs)))
        self._first, self._second = np.zeros_like(self._mean), np.zeros_like(self._mean)

    def _ask(self) -> np.ndarray:
        noise = self.options.sigma * self._random.standard_normal((self.options.pairs, *self._mean.shape))
        return self._mean + np.concatenate([noise, -noise])

    def _tell(self, samples: np.ndarray, losses: np.ndarray) -> None:
        options, pairs = self.options, self.options.pairs
        ranks = centred_ranks(losses)
        noise = (samples[:pairs] - self._mean) / options.sigma
        share = np.broadcast_to(ranks[:pairs] - ranks[pairs:], (pairs, len(self._mean)))
        gradient = np.einsum("no,nof->of", share, noise) / (2 * pairs * options.sigma)
        self._first = options.momentum * self._first + (1 - options.momentum) * gradient
        self._second = options.scaling * self._second + (1 - options.scaling) * gradient**2
        steps = self.generation + 1
        direction = self._first / (1 - options.momentum**steps)
        size = np.sqrt(self._second / (1 - options.scaling**steps))
        self._mean = self._mean - options.learning_rate * direction / (size + 1e-8)

    def _mean_parameters(self) -> np.ndarray:
        return self._mean

    def _distribution(self) -> dict[str, np.ndarray]:
        return {"mean": self._mean, "first_moment": self._first, "second_moment": self._second}

    def _restore_distribution(self, arrays: dict[str, np.ndarray]) -> None:
        lows = {"mean": -LARGEST, "first_moment": -LARGEST, "second_moment": 0}
        validate_like({name: Within(self._mean, low, LARGEST) for name, low in lows.items()}, arrays)
        self._mean, self._first, self._second = (arrays[name].copy() for name in lows)


def centred_ranks(losses: np.ndarray) -> np.ndarray:
    """Return the ranks (N, B) of the losses in every column, scaled from -1/2 for the smallest to 1/2."""
    order = losses.argsort(axis=0, kind="stable")
    ranks = np.empty_like(losses)
    np.put_along_axis(ranks, order, np.linspace(-0.5, 0.5, len(losses))[:, None], axis=0)
    return ranks


class SeparableCMAES(DenseStrategy):
    """CMA-ES with a diagonal covariance: one distribution of all weights, or with `modular` one for each output."""

    LABEL = "separable CMA-ES on a fixed dense network"
    _LIMITS = {
        "_mean": (-LARGEST, LARGEST),
        "_sigma": (1e-100, LARGEST),
        "_C": (1e-100, LARGEST),
        "_p_sigma": (-100.0, 100.0),
        "_pc": (-LARGEST, LARGEST),
        "_g": (0, LARGEST),
    }
    """Attributes of a `SepCMA` that a generation changes, except for derived ones and stopping criteria, with their
    limits in a state: widths are above 0, evolution paths approximately normally distributed."""

    def __init__(self, cases: Cases, options: CMAESOptions, seed: int):
        """Begin a search; raises ValueError if the package `cmaes` is not installed."""
        try:
            from cmaes import SepCMA
        except ImportError:
            raise ValueError("CMA-ES needs the package cmaes: pip install 'kuznechik[es]'") from None
        super().__init__(cases, options, seed)
        outputs, size = len(self._signs), len(self._inputs)
        blocks, length = (outputs, size) if options.modular else (1, outputs * size)
        self._optimizers = [
            SepCMA(np.zeros(length), options.sigma, population_size=options.population or None) for _ in range(blocks)
        ]

    def _ask(self) -> np.ndarray:
        samples = []
        for optimizer in self._optimizers:
            # the package has its own generator, which is not part of our state
            optimizer.reseed_rng(int(self._random.integers(2**32)))
            samples.append([optimizer.ask() for _ in range(optimizer.population_size)])
        return np.stack(samples, axis=1).reshape(-1, len(self._signs), len(self._inputs))

    def _tell(self, samples: np.ndarray, losses: np.ndarray) -> None:
        blocks = samples.reshape(len(samples), len(self._optimizers), -1)
        for block, optimizer in enumerate(self._optimizers):
            optimizer.tell(list(zip(blocks[:, block], losses[:, block].tolist(), strict=True)))

    def _mean_parameters(self) -> np.ndarray:
        means = [optimizer.mean for optimizer in self._optimizers]
        return np.stack(means).reshape(len(self._signs), len(self._inputs))

    def _distribution(self) -> dict[str, np.ndarray]:
        states = [optimizer.__getstate__() for optimizer in self._optimizers]
        return {
            f"{block}{name}": np.atleast_1d(state[name]) for block, state in enumerate(states) for name in self._LIMITS
        }

    def _restore_distribution(self, arrays: dict[str, np.ndarray]) -> None:
        for name, example in self._distribution().items():
            validate_like({name: Within(example, *self._LIMITS[name.lstrip("0123456789")])}, arrays)
        for block, optimizer in enumerate(self._optimizers):
            state: dict[str, Any] = optimizer.__getstate__()
            for name in self._LIMITS:
                array = arrays[f"{block}{name}"]
                state[name] = array.copy() if isinstance(state[name], np.ndarray) else array.item()
            optimizer.__setstate__(state | {"_D": None})
