"""The champion: the weights of the best greedy player so far."""

from dataclasses import asdict
from typing import Any

import numpy as np

from agents.dqn.evaluation import GreedyEvaluator, GreedyScore
from agents.dqn.network import QNetwork, arrays_of, load_weights
from agents.state_parts import arrays_of_part, join_arrays
from songs.validate import validate_like


class Champion:
    """The best weights so far and their score."""

    def __init__(self, evaluator: GreedyEvaluator, network: QNetwork):
        """Prepare to keep networks of the same shape as `network`, which is copied."""
        self.evaluator = evaluator
        self._network = network.copy()
        self.weights: dict[str, np.ndarray] | None = None
        """None before the first evaluation."""
        self.score: GreedyScore | None = None
        self.step = 0
        """Environment step at which the champion was evaluated."""

    @property
    def right(self) -> int:
        """Number of steps that the champion gets right."""
        return self.score.right if self.score else 0

    @property
    def solved(self) -> bool:
        """True if the champion reaches the ceiling of right steps; always False with a listener."""
        return self.evaluator.reward_fn is None and self.right == self.evaluator.ceiling

    def consider(self, network: QNetwork, step: int) -> GreedyScore:
        """Evaluate a network, and keep its weights if it is the best so far."""
        score = self.evaluator.evaluate(network)
        if self.score is None or score.rank > self.score.rank:
            self.score, self.step = score, step
            self.weights = arrays_of(network.state_dict())
        return score

    def network(self) -> QNetwork:
        """Return the champion's network; requires an earlier call of `consider`."""
        assert self.weights is not None, "call `consider` first"
        load_weights(self._network, self.weights)
        return self._network

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the champion as arrays named `champion.LAYER` and plain data, both empty if there is none yet."""
        if self.weights is None or self.score is None:
            return {}, {}
        return join_arrays({"champion": self.weights}), {"step": self.step, "score": asdict(self.score)}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""
        if not data:
            return
        example = GreedyScore(0, 0, 0, 0.0 if self.evaluator.reward_fn else None)
        validate_like({"step": 0, "score": asdict(example)}, data, "champion")
        weights = arrays_of_part(arrays, "champion")
        load_weights(self._network, weights)
        self.weights, self.step = weights, data["step"]
        score = {name: data["score"][name] for name in asdict(example)}
        self.score = GreedyScore(**score if self.evaluator.reward_fn else score | {"reward": None})
