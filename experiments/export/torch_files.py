"""A network as a PyTorch module: a safetensors file of weights, and a short program that builds and loads it."""

import inspect
import json
import pprint
from typing import Any

import numpy as np
from safetensors.numpy import save

from experiments.export import torch_modules
from experiments.export.network import DenseNetwork, GenomeNetwork, Head, levels_of

DECIDE = {
    "keys": ("values > 0", "which keys are pressed, (B, K) bool"),
    "branches": ("values[:, :, 1] > values[:, :, 0]", "which keys are pressed, (B, K) bool"),
    "one_key": ("values[:, 0].argmax(1, keepdim=True) == torch.arange(1, values.shape[2])",
                "which keys are pressed, (B, K) bool"),
    "action": ("{start} + values.argmax(1)", "the actions, (B,) int64"),
    "box": ("torch.where(torch.isnan(LOW), values, LOW + (HIGH - LOW) * (torch.tanh(values) + 1) / 2)",
            "the actions, (B, elements)"),
}  # fmt: skip

PAGE = '''"""The champion of {run}, a run of kuznechik, as a PyTorch module.

{about}

    network = load()
    network.start(episodes)
    decide(network(observations))  # observations (B, {inputs})
"""

from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

{constants}
{source}


def load(path: Path = Path(__file__).with_name({file})) -> nn.Module:
    """Return the network with its weights."""
    network = {call}
    network.load_state_dict(load_file(path))
    return network.eval()


@torch.no_grad()
def decide(values: Tensor) -> Tensor:
    """Return {what}, for values that the network returned."""
    return {expression}
'''


def torch_files(network: GenomeNetwork | DenseNetwork, weights_file: str) -> tuple[str, bytes]:
    """Return the text of the program, and the content of its weights file."""
    cls, arguments, weights = _genome(network) if isinstance(network, GenomeNetwork) else _dense(network)
    expression, what = DECIDE[network.head.kind]
    about = [f"{name}: {value}" for name, value in network.about.items() if name != "run"]
    text = PAGE.format(
        run=json.dumps(network.about["run"])[1:-1],
        about="\n".join(json.dumps(line)[1:-1] for line in about),
        inputs=network.inputs,
        constants=_constants(network.head),
        source=inspect.getsource(cls).rstrip(),
        file=json.dumps(weights_file),
        call=f"{cls.__name__}(\n{arguments}    )",
        what=what,
        expression=expression.format(**network.head.options) if network.head.kind == "action" else expression,
    )
    return text, save({name: np.ascontiguousarray(array) for name, array in weights.items()})


def _constants(head: Head) -> str:
    if head.kind != "box":
        return ""
    limits = {name: ", ".join("torch.nan" if value is None else repr(value) for value in values)
              for name, values in head.options.items()}  # fmt: skip
    return "".join(f"{name.upper()} = torch.tensor([{text}], dtype=torch.float64)\n" for name, text in limits.items())


def _arguments(*parts: Any) -> str:
    return "".join(f"        {pprint.pformat(part, width=110, compact=True)},\n" for part in parts)


def _genome(network: GenomeNetwork) -> tuple[type, str, dict[str, np.ndarray]]:
    nodes, inputs = network.nodes, network.inputs
    weights = np.zeros((len(nodes), inputs + len(nodes)))
    for row, (_, _, _, links) in enumerate(nodes):
        for source, weight in links:
            weights[row, source] = weight
    arrays = {"weights": weights, "bias": np.array([node[0] for node in nodes], dtype=np.float64),
              "response": np.array([node[1] for node in nodes], dtype=np.float64)}  # fmt: skip
    outputs, activations = [source - inputs for source in network.outputs], [node[2] for node in nodes]
    arguments = _arguments(inputs, levels_of(network), activations, outputs, network.recurrent)
    return torch_modules.GenomeNetwork, arguments, arrays


def _dense(network: DenseNetwork) -> tuple[type, str, dict[str, np.ndarray]]:
    widths = [network.inputs, *(len(network.weights[f"{layer}.bias"]) for layer in network.layers)]
    arguments = _arguments(widths, network.branches, network.choices, "value.weight" in network.weights)
    return torch_modules.QNetwork, arguments, dict(network.weights)
