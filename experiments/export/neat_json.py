"""A genome in the JSON format of neat-python's `neat.export`, version 1.0.

All outputs are included, also unconnected ones, which neat-python's own export leaves out. A key is pressed if
its output is above 0 before its activation: above 0 for tanh, above 1/2 for sigmoid.
"""

import json
from importlib.metadata import version
from typing import Any

from experiments.export.network import GenomeNetwork

FORMAT_VERSION = "1.0"


def neat_json_text(network: GenomeNetwork) -> str:
    """Return the text of the file; nodes are named as in neat-python, with hidden ones in evaluation order."""
    names = {index: -1 - index for index in range(network.inputs)}
    names |= {source: output for output, source in enumerate(network.outputs)}
    hidden = [network.inputs + index for index in range(len(network.nodes)) if network.inputs + index not in names]
    names |= {source: len(network.outputs) + index for index, source in enumerate(hidden)}
    nodes = [_node(-1 - index, "input", "identity", "none", 0.0, 1.0) for index in range(network.inputs)]
    connections: list[dict[str, Any]] = []
    for source, (bias, response, activation, links) in enumerate(network.nodes, start=network.inputs):
        kind = "output" if names[source] < len(network.outputs) else "hidden"
        nodes.append(_node(names[source], kind, activation, "sum", bias, response))
        connections += [{"from": names[one], "to": names[source], "weight": weight, "enabled": True}
                        for one, weight in links]  # fmt: skip
    content = {
        "format_version": FORMAT_VERSION,
        "network_type": "recurrent" if network.recurrent else "feedforward",
        "metadata": {**network.about, "neat_python_version": version("neat-python")},
        "topology": {
            "num_inputs": network.inputs,
            "num_outputs": len(network.outputs),
            "input_keys": [-1 - index for index in range(network.inputs)],
            "output_keys": [*range(len(network.outputs))],
        },
        "nodes": nodes,
        "connections": connections,
    }
    return json.dumps(content, indent=1) + "\n"


def _node(name: int, kind: str, activation: str, aggregation: str, bias: float, response: float) -> dict[str, Any]:
    functions = {key: {"name": value, "custom": False}
                 for key, value in (("activation", activation), ("aggregation", aggregation))}  # fmt: skip
    return {"id": name, "type": kind, **functions, "bias": bias, "response": response}
