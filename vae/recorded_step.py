"""A training step that is recorded once as a CUDA graph and then replayed.

A small model on a GPU is limited by the launch of hundreds of kernels one by one, not by arithmetic. A recording
launches them all at once. It reads its inputs from fixed tensors and changes the parameters and the optimiser's state
in place, just as the step itself does.

Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UPS = 3
"""Steps before a recording in which libraries select kernels and allocate memory; they are undone."""


class RecordedStep:
    """Records a function that takes an optimiser step on a GPU at the first call, and replays it at every call."""

    def __init__(
        self, function: Callable[..., Tensor], optimizer: torch.optim.Optimizer, others: Sequence[Tensor] = ()
    ):
        """
        Args:
            function: takes tensors of fixed shapes, returns the loss, and never synchronises with the GPU.
            optimizer: an optimiser made with `capturable=True` and a tensor as learning rate.
            others: other tensors that the function changes.
        """
        self._function, self._optimizer, self._others = function, optimizer, others
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list[Tensor] = []
        self._loss = torch.empty(0)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Take a step and return its loss."""
        if self._graph is None:
            self._record(inputs)
        assert self._graph is not None
        for recorded, given in zip(self._inputs, inputs, strict=True):
            recorded.copy_(given)
        self._graph.replay()
        return self._loss.clone()

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        self._inputs = [given.clone() for given in inputs]
        undo = self._keep()
        side_stream = torch.cuda.Stream()
        side_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side_stream), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True.*")  # these steps are not recorded yet
            for _ in range(WARM_UPS):
                self._function(*self._inputs)
        torch.cuda.current_stream().wait_stream(side_stream)
        undo()
        self._optimizer.zero_grad()  # the recording must allocate its gradients itself
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = self._function(*self._inputs)

    @torch.no_grad()
    def _keep(self) -> Callable[[], None]:
        """Return a function that restores the current parameters, optimiser state and other tensors."""
        parameters = [each for group in self._optimizer.param_groups for each in group["params"]]
        changed = [*parameters, *self._others]
        were = [each.detach().clone() for each in changed]
        state = {
            parameter: {name: value.clone() for name, value in self._optimizer.state[parameter].items()}
            for parameter in parameters
            if self._optimizer.state.get(parameter)
        }

        @torch.no_grad()
        def undo() -> None:
            for each, was in zip(changed, were, strict=True):
                each.copy_(was)
            for parameter in parameters:
                for name, value in self._optimizer.state[parameter].items():
                    if parameter in state:
                        value.copy_(state[parameter][name])
                    else:
                        value.zero_()  # new moments and counters are zero

        return undo


def make_optimizer(
    parameters: list[torch.nn.Parameter], rate: float, weight_decay: float, recorded: bool
) -> torch.optim.AdamW:
    """Build the optimiser for training; if its steps are recorded, its learning rate is a tensor on the device."""
    lr = torch.tensor(rate, device=parameters[0].device) if recorded else rate
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=True, capturable=recorded)
