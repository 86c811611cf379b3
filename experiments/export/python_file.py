"""A network as one Python file that needs only the standard library."""

import base64
import inspect
import json
import pprint
from collections.abc import Sequence

from agents.neat.scalar_network import ScalarNetwork
from experiments.export import dense_network
from experiments.export.network import DenseNetwork, GenomeNetwork, Head

KEYS = {
    "keys": "[value > 0 for value in NETWORK(observation)]",
    "branches": "[press > release for release, press in zip(*[iter(NETWORK(observation))] * 2)]",
    "one_key": "[key == best for key in range(1, len(values))]",
}
"""Expressions for the keys pressed, by head."""

PAGE = '''"""The champion of {run}, a run of kuznechik. It needs nothing but Python.

{about}

{usage}
"""

{imports}

{source}

NETWORK = {network}


def start():
    """Begin an episode."""
    NETWORK.start()


{function}
'''


def python_text(network: GenomeNetwork | DenseNetwork) -> str:
    """Return the text of the file."""
    about = {**network.about, "inputs": network.inputs}
    lines = [f"{name}: {value}" for name, value in about.items() if name != "run"]
    if isinstance(network, GenomeNetwork):
        imports, cls = ["math"], ScalarNetwork
        parts = [network.inputs, network.nodes, network.outputs, network.recurrent]
    else:
        imports, cls = ["array", "base64"], dense_network.DenseNetwork  # type: ignore[assignment]
        parts = [[_layer(network, name) for name in network.layers], _layer(network, "advantage")]
        parts += [_layer(network, "value") if "value.weight" in network.weights else None, network.choices]
    acts = network.head.kind in ("action", "box")
    text = PAGE.format(
        run=json.dumps(network.about["run"])[1:-1],
        about="\n".join(json.dumps(line, ensure_ascii=True)[1:-1] for line in lines),
        usage="    start(); action = act(observation)" if acts else "    start(); pressed = keys(observation)",
        imports="\n".join(f"import {name}" for name in imports),
        source=inspect.getsource(cls).rstrip(),
        network=f"{cls.__name__}(\n{_arguments(parts)})",
        function=_function(network.head),
    )
    return text


def _arguments(parts: Sequence) -> str:
    return "".join(f"    {pprint.pformat(part, width=110, compact=True)},\n" for part in parts)


def _layer(network: DenseNetwork, name: str) -> tuple[int, str, str]:
    """Return a layer in the format of `dense_network.DenseNetwork`."""
    parts = (network.weights[f"{name}.{part}"] for part in ("weight", "bias"))
    weights, bias = (base64.b64encode(part.astype("<f4").tobytes()).decode() for part in parts)
    return int(network.weights[f"{name}.weight"].shape[1]), weights, bias


def _function(head: Head) -> str:
    """Return the source of the function that chooses keys or an action."""
    if head.kind == "action":
        return (
            'def act(observation):\n    """Return the action for a list of numbers."""\n'
            f"    values = NETWORK(observation)\n    return {head.options['start']} + values.index(max(values))"
        )
    if head.kind == "box":
        pairs = list(zip(head.options["low"], head.options["high"], strict=True))
        return (
            'def act(observation):\n    """Return the action, a list of numbers, for a list of numbers."""\n'
            f"    limits = {pairs}\n"
            "    return [\n"
            "        value if low is None else low + (high - low) * (math.tanh(value) + 1) / 2\n"
            "        for value, (low, high) in zip(NETWORK(observation), limits)\n"
            "    ]"
        )
    best = "    values = NETWORK(observation)\n    best = values.index(max(values))\n" if head.kind == "one_key" else ""
    return (
        'def keys(observation):\n    """Return which keys are pressed, for a list of numbers, 0 or 1."""\n'
        f"{best}    return {KEYS[head.kind]}"
    )
