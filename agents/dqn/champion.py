"""The champion: the best greedy player that a network has been so far."""

from dataclasses import asdict
from typing import Any

import numpy as np

from agents.dqn.evaluation import GreedyEvaluator, Judgement
from agents.dqn.named_arrays import joined, part
from agents.dqn.network import QNetwork, arrays_of, load_weights
from songs.validate import validate_like


class Champion:
    """Keeps the weights with which a network did best, as its judge sees it."""

    def __init__(self, judge: GreedyEvaluator, network: QNetwork):
        """
        Args:
            judge: of the greedy player.
            network: one of the same shape as those to come; it is not changed.
        """
        self.judge = judge
        self._network = network.copy()
        self.weights: dict[str, np.ndarray] | None = None
        """None before anything was judged."""
        self.judgement: Judgement | None = None
        self.step = 0
        """Environment step at which it was found."""

    @property
    def right(self) -> int:
        """Steps that the champion gets right."""
        return self.judgement.right if self.judgement else 0

    @property
    def solved(self) -> bool:
        """Whether as much is right as can be; what a listener pays that knows no right and wrong has no such end."""
        return self.judge.pays is None and self.right == self.judge.ceiling

    def consider(self, network: QNetwork, step: int) -> Judgement:
        """GreedyEvaluator a network and keep its weights if it is better than all before."""
        judgement = self.judge.judge(network)
        if self.judgement is None or judgement.worth > self.judgement.worth:
            self.judgement, self.step = judgement, step
            self.weights = arrays_of(network.state_dict())
        return judgement

    def network(self) -> QNetwork:
        """Return the network of the champion; there is one as soon as something was judged."""
        assert self.weights is not None
        load_weights(self._network, self.weights)
        return self._network

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the champion as arrays and plain data."""
        if self.weights is None or self.judgement is None:
            return {}, {}
        judged: dict[str, Any] = {"right": self.judgement.right, "prefix": self.judgement.prefix}
        judged |= {"whole_songs": self.judgement.whole_songs, "reward": self.judgement.reward}
        return joined({"champion": self.weights}), {"step": self.step, "judgement": judged}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go on from a state; raises ValueError if it does not fit."""
        if data:
            reward = 0.0 if self.judge.pays else None
            validate_like({"step": 0, "judgement": asdict(Judgement(0, 0, 0, reward))}, data, "champion")
            judged = data["judgement"] if self.judge.pays else {**data["judgement"], "reward": None}
            weights = part(arrays, "champion")
            load_weights(self._network, weights)
            self.weights, self.step, self.judgement = weights, data["step"], Judgement(**judged)
