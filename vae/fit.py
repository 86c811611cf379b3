"""Fitting a network: AdamW, its learning rate over the course, clipped gradients, and the state to resume from.

The training loops of the project, of listeners, the MusicVAE and its prior, descend by a `Fit`.

Conventions: steps count from 0. The state is named float32 arrays and plain data, as everywhere in the project.
Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, 2019 (AdamW).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from songs.validate import Within, validate_like

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Running means of the gradient and of its square, as torch names them."""
LARGEST = float(np.finfo(np.float32).max)
MOST_STEPS = 2.0**24
"""AdamW counts steps in float32, which is exact up to here."""


@dataclass(frozen=True)
class CosineRate:
    """A learning rate that rises over some steps and falls along a quarter of a cosine."""

    learning_rate: float
    """At its highest."""
    steps: int
    """Length of the course."""
    final: float = 0.05
    """Smallest share of the learning rate."""
    warm_up: int = 0
    """Steps in which it rises."""

    def at(self, step: int) -> float:
        """Return the learning rate of a step."""
        rising = min(1.0, (step + 1) / self.warm_up) if self.warm_up else 1.0
        return self.learning_rate * rising * max(self.final, float(np.cos(step / self.steps * np.pi / 2)))


class Fit:
    """A network and the optimiser that fits it."""

    def __init__(
        self,
        network: nn.Module,
        learning_rate: float,
        weight_decay: float = 0.0,
        clip: float | None = 1.0,
        optimizer: torch.optim.AdamW | None = None,
    ):
        """
        Args:
            network: changed in place.
            learning_rate: until `set_rate` is called.
            weight_decay: of AdamW.
            clip: largest norm of the gradient of all parameters; None for any.
            optimizer: of the parameters of the network, where another AdamW than torch's usual one is wanted.
        """
        self.network, self.clip = network, clip
        self.optimizer = optimizer or torch.optim.AdamW(
            network.parameters(), lr=learning_rate, weight_decay=weight_decay
        )

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def descend(self, loss: Tensor) -> None:
        """Take one step down the gradient of a loss; waits for nothing, so that a GPU may record it."""
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the network's values and the optimiser's moments; those of before the first step are zero."""
        arrays = {f"network.{name}": _array(value) for name, value in self.network.state_dict().items()}
        steps = 0
        for name, parameter in self.network.named_parameters():
            state = self.optimizer.state.get(parameter, {})
            steps = int(state.get("step", 0))
            arrays |= {f"{key}.{name}": _array(state.get(key, torch.zeros_like(parameter))) for key in MOMENTS}
        return arrays, {"steps": steps}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go back to a state, to the bit; raises ValueError if it is not one of such a network."""
        example, _ = self.state()
        squares = {name: Within(value, 0, LARGEST) for name, value in example.items() if name.startswith("exp_avg_sq")}
        validate_like({**example, **squares}, arrays, "")
        validate_like({"steps": Within(0, 0, MOST_STEPS)}, data, "")
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(torch.from_numpy(arrays[f"network.{name}"]))
            for name, parameter in self.network.named_parameters():
                moments = {key: torch.from_numpy(arrays[f"{key}.{name}"].copy()).to(parameter) for key in MOMENTS}
                counted = self._counts_on(parameter.device)
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(data["steps"]), device=counted),
                    **moments,
                }

    def _counts_on(self, device: torch.device) -> torch.device:
        """Return the device on which the optimiser counts the steps of a parameter on a device."""
        (group, *_) = self.optimizer.param_groups
        return device if group["capturable"] or group["fused"] else torch.device("cpu")


def _array(value: Tensor) -> np.ndarray:
    return value.detach().cpu().numpy().copy()
