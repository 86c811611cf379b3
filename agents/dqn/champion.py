"""The champion: the weights of the best greedy player so far."""

from dataclasses import asdict
from typing import Any

import numpy as np

from agents.dqn.evaluation import GreedyEvaluator, GreedyScore
from agents.dqn.network import QNetwork, arrays_of, load_weights
from agents.state_parts import arrays_of_part, join_arrays
from songs.validate import validate_like


class Champion:
    """Keeps the weights with which a network scored best."""

    def __init__(self, evaluator: GreedyEvaluator, network: QNetwork):
        """Keep players of the same shape as `network`, which is not changed."""
        self.evaluator = evaluator
        self._network = network.copy()
        self.weights: dict[str, np.ndarray] | None = None
        """None before the first evaluation."""
        self.score: GreedyScore | None = None
        self.step = 0
        """Environment step of its evaluation."""

    @property
    def right(self) -> int:
        """Steps that the champion gets right."""
        return self.score.right if self.score else 0

    @property
    def solved(self) -> bool:
        """Whether as many steps are right as can be; never, where a listener's reward decides."""
        return self.evaluator.reward_fn is None and self.right == self.evaluator.ceiling

    def consider(self, network: QNetwork, step: int) -> GreedyScore:
        """Evaluate a network and keep its weights if it is better than all before."""
        score = self.evaluator.evaluate(network)
        if self.score is None or score.rank > self.score.rank:
            self.score, self.step = score, step
            self.weights = arrays_of(network.state_dict())
        return score

    def network(self) -> QNetwork:
        """Return the network of the champion; one was considered before."""
        assert self.weights is not None, "`consider` keeps the first"
        load_weights(self._network, self.weights)
        return self._network

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the champion as arrays, named `champion.LAYER`, and plain data; both empty if there is none."""
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
