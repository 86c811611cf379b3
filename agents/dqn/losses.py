"""Credit: how the reward of a step teaches the choices of the branches that made it up.

Conventions:
    B transitions, values (B, branches, choices) of a `QNetwork`, chosen (B, branches) int64, rewards (B, R) and
    continues (B, 1) float32. `discount` is that of all steps a transition spans. Errors are (B,), not negative.
Source:
    Key and step: Tavakoli et al., Action Branching Architectures (2018), with the mean over the branches as the value
    of a memory. Double Q-learning: van Hasselt et al. (2016). Soft maximum: the Psi-learning of RL Tuner, Jaques et al.
    (2017), where a prior's log probability is part of the reward.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from songs.keyboard import KEYS


class Credit(Protocol):
    """A way to learn the values of choices from rewards."""

    rewards: int
    """R, the rewards that a transition must bring."""

    def errors(
        self,
        values: Tensor,
        chosen: Tensor,
        rewards: Tensor,
        discount: Tensor,
        later: Tensor | None,
        best: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Compare what was predicted with what came.

        Args:
            values: of the first memory.
            chosen: what was played there.
            rewards: what was paid.
            discount: (B, 1), of what follows; 0 where the episode terminated.
            later: values of the last memory by the target network; None if nothing later counts.
            best: (B, branches), what is to be played there.

        Returns:
            The loss (B,) and the errors (B,) without gradient.
        """
        ...

    def of_steps(self, values: Tensor, steps: Tensor) -> Tensor:
        """Return the values (B, P) of P steps.

        Args:
            values: of B memories.
            steps: (P, branches * choices) float32, 1 for every choice that belongs to a step, else 0.
        """
        ...


class BranchCredit:
    """Every branch predicts what comes of its own choice.

    With 13 rewards each branch is paid for its own key. With one, all branches are paid the reward of the step: right
    for a single branch, but of 13 branches each then takes the mistakes of the others for its own.
    """

    def __init__(self, rewards: int, soft: float = 0.0):
        """
        Args:
            rewards: R.
            soft: temperature of the soft maximum, log sum exp, over the later choices; 0: the value of the best.
        """
        self.rewards, self.soft = rewards, soft

    def errors(self, values, chosen, rewards, discount, later, best):
        predicted = _pick(values, chosen)
        targets = rewards
        if later is not None:
            worth = self.soft * torch.logsumexp(later / self.soft, dim=2) if self.soft else _pick(later, best)
            targets = targets + discount * worth.mean(dim=1, keepdim=True)
        targets = targets.expand_as(predicted)
        loss = functional.smooth_l1_loss(predicted, targets, reduction="none").sum(dim=1)
        return loss, (predicted - targets).detach().abs().amax(dim=1)

    def of_steps(self, values, steps):
        return values.flatten(1) @ steps.T / values.shape[1]


class ProductCredit:
    """The branches predict together: the value of a step is the product of the chances of its choices.

    Made for rewards that are 0 as soon as one key is wrong. What a branch gives its choices is turned into chances
    that add up to 1. A step that was paid raises all its choices; one that was not lowers their product, and so
    mostly the choices that were least sure. Values are those of plain Q-learning times (1 - gamma), from 0 to 1, and
    are learned by cross-entropy, as a product of 13 small chances has no gradient worth the name.
    """

    rewards = 1
    _ROUNDING = 1e-4
    _NEVER_CERTAIN = 1e-37
    """Where rounding makes a chance 1, the logarithm of what is left would be infinite."""

    def __init__(self, gamma: float):
        self.gamma = gamma

    def errors(self, values, chosen, rewards, discount, later, best):
        targets = (1 - self.gamma) * rewards[:, 0]
        if later is not None:
            targets = targets + discount[:, 0] * self._log_chances(later, best).exp()
        if ((targets < 0) | (targets > 1 + self._ROUNDING)).any():
            raise ValueError("credit = 'product' is for rewards from 0 to 1: take 'key' or 'step' for this listener")
        targets = targets.clamp(max=1.0)
        predicted = self._log_chances(values, chosen)
        missed = torch.log(-torch.expm1(predicted - self._NEVER_CERTAIN))
        loss = -(targets * predicted + (1 - targets) * missed)
        return loss, (predicted.detach().exp() - targets).abs()

    def _log_chances(self, values: Tensor, chosen: Tensor) -> Tensor:
        """Return the logarithms (B,) of the chances of steps."""
        return _pick(self._log_chances_of_choices(values), chosen).sum(dim=1)

    def _log_chances_of_choices(self, values: Tensor) -> Tensor:
        # unlike that of softmax, the logarithm of the sigmoid stays exact for chances next to 1
        press = values[:, :, 1] - values[:, :, 0]
        return torch.stack([functional.logsigmoid(-press), functional.logsigmoid(press)], dim=2)

    def of_steps(self, values, steps):
        return (self._log_chances_of_choices(values).flatten(1) @ steps.T).exp()


def _pick(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the values (B, branches) of the choices made."""
    return values.gather(2, chosen[:, :, None])[:, :, 0]


CREDITS = ("key", "step", "product")


def make_credit(kind: str, head: str, gamma: float, soft: float = 0.0) -> Credit:
    """Return a way of crediting.

    Args:
        kind: `key`, every key its own reward; `step`, every branch the reward of the step; `product`, see
            `ProductCredit`.
        head: of the network.
        gamma: discount of one step.
        soft: temperature of the soft maximum over what comes later; 0: the maximum.

    Raises:
        ValueError: there is none of that kind, or it does not go with the head or the discount.
    """
    if kind not in CREDITS:
        raise ValueError(f"credit {kind!r}: choose one of {', '.join(CREDITS)}")
    if kind != "step" and head == "one_key":
        raise ValueError(f"credit = {kind!r} needs a branch for each key: the head is 'one_key', which takes 'step'")
    if kind == "product":
        if soft:
            raise ValueError(f"credit = 'product' has no soft maximum: set soft to 0; it is {soft:g}")
        if gamma >= 1:
            raise ValueError(f"credit = 'product' needs gamma below 1; got {gamma:g}")
        return ProductCredit(gamma)
    return BranchCredit(KEYS if kind == "key" else 1, soft)
