"""A step of training recorded once as a CUDA graph and played again.

A small model on a GPU waits for its hundreds of kernels to be launched one by one, not for arithmetic. A recording
launches them all at once. It reads its inputs from fixed tensors and changes the parameters and the optimiser's
state in place, as the step itself would.

Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM_UPS = 3
"""Steps before a recording, in which libraries choose their kernels and take memory; they are undone."""


class RecordedStep:
    """A function of tensors on a GPU that takes a step of an optimiser; from the first call on, its recording."""

    def __init__(
        self, function: Callable[..., Tensor], optimizer: torch.optim.Optimizer, others: Sequence[Tensor] = ()
    ):
        """
        Args:
            function: takes tensors whose shapes never change, returns the loss, and waits for nothing on the GPU.
            optimizer: made with `capturable=True` and a tensor as its learning rate.
            others: what else the function changes.
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
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*capturable=True.*")  # steps that are not recorded yet
            for _ in range(WARM_UPS):
                self._function(*self._inputs)
        torch.cuda.current_stream().wait_stream(beside)
        undo()
        self._optimizer.zero_grad()  # the recording must allocate its gradients itself
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._loss = self._function(*self._inputs)

    @torch.no_grad()
    def _keep(self) -> Callable[[], None]:
        """Return a function that puts back the parameters, the optimiser's state and the rest as they are now."""
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
                        value.zero_()  # fresh moments and counters are zero

        return undo


def make_optimizer(
    parameters: list[torch.nn.Parameter], rate: float, weight_decay: float, recorded: bool
) -> torch.optim.AdamW:
    """Return the optimiser of training; one whose steps are recorded reads its rate from the GPU."""
    lr = torch.tensor(rate, device=parameters[0].device) if recorded else rate
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=True, capturable=recorded)
