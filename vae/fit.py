"""Fitting a network: AdamW, a learning rate schedule, gradient clipping, and state to resume from.

All gradient-based training of listeners, the MusicVAE and its prior uses a `Fit`.

Conventions: steps count from 0. The state consists of named float32 arrays and plain data.
Source: I. Loshchilov and F. Hutter, Decoupled Weight Decay Regularization, 2019 (AdamW).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from songs.validate import Within, validate_like

MOMENTS = ("exp_avg", "exp_avg_sq")
"""Torch's names for the running means of the gradient and of its square."""
LARGEST = float(np.finfo(np.float32).max)
MOST_STEPS = 2.0**24
"""AdamW counts steps in float32, which is exact up to this number."""


@dataclass(frozen=True)
class CosineRate:
    """A learning rate with a linear warm-up that falls along a quarter of a cosine."""

    learning_rate: float
    """Peak learning rate."""
    steps: int
    """Total number of steps."""
    final: float = 0.05
    """Lower bound on the cosine, as a share of the peak."""
    warm_up: int = 0
    """Steps over which the learning rate rises."""

    def at(self, step: int) -> float:
        """Return the learning rate at a step."""
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
            network: the network, which is changed in place.
            learning_rate: learning rate until `set_rate` is called.
            weight_decay: weight decay of AdamW.
            clip: largest norm of the gradient over all parameters; None for no limit.
            optimizer: an AdamW on the parameters of the network, to override the default one.
        """
        self.network, self.clip = network, clip
        self.optimizer = optimizer or torch.optim.AdamW(
            network.parameters(), lr=learning_rate, weight_decay=weight_decay
        )

    def set_rate(self, rate: float) -> None:
        """Set the learning rate for the next steps."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def descend(self, loss: Tensor) -> None:
        """Take one gradient step on a loss, without synchronisation, so that it can be recorded as a CUDA graph."""
        self.optimizer.zero_grad()
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimizer.step()

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the network's parameters and the optimiser's moments, which are zero before the first step."""
        arrays = {f"network.{name}": _array(value) for name, value in self.network.state_dict().items()}
        steps = 0
        for name, parameter in self.network.named_parameters():
            state = self.optimizer.state.get(parameter, {})
            steps = int(state.get("step", 0))
            arrays |= {f"{key}.{name}": _array(state.get(key, torch.zeros_like(parameter))) for key in MOMENTS}
        return arrays, {"steps": steps}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore a state bit for bit; raises ValueError if it does not fit the network."""
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
        """Return the device of the optimiser's step counter for a parameter on a device."""
        (group, *_) = self.optimizer.param_groups
        return device if group["capturable"] or group["fused"] else torch.device("cpu")


def _array(value: Tensor) -> np.ndarray:
    return value.detach().cpu().numpy().copy()
