"""TD losses: credit assignment from the reward of a step to the choices of its branches.

Conventions:
    B transitions, values (B, branches, choices) of a `QNetwork`, chosen (B, branches) int64, rewards (B, R) and
    discount (B, 1) float32. The discount covers all steps of a transition. Errors are (B,) and nonnegative.
Source:
    Key and step: Tavakoli et al., Action Branching Architectures (2018), with the mean over the branches as the value
    of a memory. Double Q-learning: van Hasselt et al. (2016). Soft maximum: the Psi-learning of RL Tuner, Jaques et al.
    (2017), where a prior's log probability is part of the reward.
"""

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from agents.dqn.options import LearningOptions
from songs.keyboard import KEYS


class TDLoss(Protocol):
    """A loss between the values of chosen actions and their targets."""

    rewards: int
    """R, the number of rewards of a transition."""

    def errors(
        self,
        values: Tensor,
        chosen: Tensor,
        rewards: Tensor,
        discount: Tensor,
        next_values: Tensor | None,
        next_chosen: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Compare the predicted values with their targets.

        Args:
            values, chosen: of the memory at the beginning.
            rewards: of the transition.
            discount: of the value at the end; 0 where the episode terminated.
            next_values, next_chosen: of the memory at the end, from the target network; None if gamma is 0.

        Returns:
            The loss (B,), and the errors (B,) without gradient.
        """

    def step_values(self, values: Tensor, steps: Tensor) -> Tensor:
        """Return the values (B, P) of P steps, given one-hot by branch: (P, branches * choices) float32."""


class BranchLoss:
    """A loss in which every branch predicts the return of its own choice.

    With K rewards each branch learns from the reward of its own key. With one, all branches learn from the reward of
    the step. This is right for a single branch; of several branches, each is blamed for the mistakes of the others.
    """

    def __init__(self, rewards: int, soft: float = 0.0):
        """Use R rewards; `soft` is the temperature of the soft maximum (log sum exp) over next choices; 0: maximum."""
        self.rewards, self.soft = rewards, soft

    def errors(self, values, chosen, rewards, discount, next_values, next_chosen):
        predicted = _pick(values, chosen)
        targets = rewards
        if next_values is not None:
            if self.soft:
                state_value = self.soft * torch.logsumexp(next_values / self.soft, dim=2)
            else:
                state_value = _pick(next_values, next_chosen)
            targets = targets + discount * state_value.mean(dim=1, keepdim=True)
        targets = targets.expand_as(predicted)
        loss = functional.smooth_l1_loss(predicted, targets, reduction="none").sum(dim=1)
        return loss, (predicted - targets).detach().abs().amax(dim=1)

    def step_values(self, values, steps):
        return values.flatten(1) @ steps.T / values.shape[1]


class ProductLoss:
    """A loss in which the value of a step is the product of the probabilities of its choices.

    It is made for rewards that are 0 as soon as one key is wrong. The outputs of a branch become probabilities that sum
    to 1. A rewarded step raises the probabilities of all its choices. An unrewarded one lowers their product, and so
    mostly those of the least certain choices. Values are those of plain Q-learning times (1 - gamma), from 0 to 1. They
    are learned by cross-entropy, as a product of many small probabilities has almost no gradient.
    """

    rewards = 1
    _ROUNDING = 1e-4
    _NEVER_CERTAIN = 1e-37
    """Subtracted from log probabilities: where rounding makes a probability 1, log(1 - p) would be infinite."""

    def __init__(self, gamma: float):
        self.gamma = gamma

    def errors(self, values, chosen, rewards, discount, next_values, next_chosen):
        targets = (1 - self.gamma) * rewards[:, 0]
        if next_values is not None:
            targets = targets + discount[:, 0] * self._log_probabilities(next_values, next_chosen).exp()
        if ((targets < 0) | (targets > 1 + self._ROUNDING)).any():
            raise ValueError("td_loss = 'product' needs rewards from 0 to 1: use 'key' or 'step' with this listener")
        targets = targets.clamp(max=1.0)
        predicted = self._log_probabilities(values, chosen)
        complement = torch.log(-torch.expm1(predicted - self._NEVER_CERTAIN))
        loss = -(targets * predicted + (1 - targets) * complement)
        return loss, (predicted.detach().exp() - targets).abs()

    def _log_probabilities(self, values: Tensor, chosen: Tensor) -> Tensor:
        """Return the log probabilities (B,) of steps."""
        return _pick(self._of_choices(values), chosen).sum(dim=1)

    def _of_choices(self, values: Tensor) -> Tensor:
        """Return the log probabilities (B, branches, choices) of single choices."""
        # unlike the logarithm of a softmax, logsigmoid stays exact for probabilities close to 1
        press = values[:, :, 1] - values[:, :, 0]
        return torch.stack([functional.logsigmoid(-press), functional.logsigmoid(press)], dim=2)

    def step_values(self, values, steps):
        return (self._of_choices(values).flatten(1) @ steps.T).exp()


def _pick(values: Tensor, chosen: Tensor) -> Tensor:
    """Return the values (B, branches) of the chosen choices."""
    return values.gather(2, chosen[:, :, None])[:, :, 0]


def make_td_loss(options: LearningOptions, head: str, keys: int = KEYS) -> TDLoss:
    """Return the TD loss named in the options; raises ValueError if it does not suit them or the network's head."""
    kind = options.td_loss
    if kind != "step" and head == "one_key":
        raise ValueError(f"td_loss = {kind!r} needs a branch for each key: use 'step' with the head 'one_key'")
    if kind == "product":
        if options.soft:
            raise ValueError(f"td_loss = 'product' has no soft maximum: set soft to 0; got {options.soft:g}")
        if options.gamma >= 1:
            raise ValueError(f"td_loss = 'product' needs gamma below 1; got {options.gamma:g}")
        return ProductLoss(options.gamma)
    return BranchLoss(keys if kind == "key" else 1, options.soft)
