"""Genomes as JSON: a champion that can be kept, read and loaded back, without pickle.

Conventions: keys of nodes as in neat-python. Numbers are written so that reading gives the same bits.
"""

import json
import math
from typing import Any

import neat

from agents.neat.genome import ConnectionGene, Genome, NodeGene

FORMAT = "kuznechik genome"
VERSION = 1
MOST_NODES = 100_000
"""Of inputs, and of outputs; the longest memory there is has 53,249 inputs."""
_LARGEST_KEY = 2**31 - 1
_NODE_NUMBERS = ("bias", "response", "time_constant")
_NODE_VALUES = ("bias", "response", "activation", "aggregation", "time_constant")


def genome_to_json(genome: neat.DefaultGenome, inputs: int, outputs: int) -> str:
    """Return a genome as JSON text: a line for every gene, sorted, the same text for the same genome.

    Args:
        genome: ours, or neat-python's with default genes.
        inputs: number of input nodes.
        outputs: number of output nodes.
    """
    nodes = [
        {"key": key, **{name: getattr(gene, name) for name in _NODE_VALUES}}
        for key, gene in sorted(genome.nodes.items())
    ]
    connections = [
        {"from": key[0], "to": key[1], "weight": gene.weight, "enabled": gene.enabled, "innovation": gene.innovation}
        for key, gene in sorted(genome.connections.items())
    ]
    head = {"format": FORMAT, "version": VERSION, "inputs": inputs, "outputs": outputs}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    for name, genes in (("nodes", nodes), ("connections", connections)):
        rows = ",\n".join("  " + json.dumps(gene, allow_nan=False) for gene in genes)
        lines.append(f" {json.dumps(name)}: [\n{rows}\n ]" + ("," if name == "nodes" else ""))
    return "{\n" + "\n".join(lines) + "\n}\n"


def genome_from_json(text: str) -> tuple[Genome, int, int]:
    """Read a genome.

    Args:
        text: what `genome_to_json` wrote.

    Returns:
        The genome, the number of its inputs and of its outputs.

    Raises:
        ValueError: the text is not such a genome.
    """
    try:
        data = json.loads(text)
        if data["format"] != FORMAT or data["version"] != VERSION:
            raise ValueError(f"it is {data['format']!r} version {data['version']!r}, not {FORMAT!r} version {VERSION}")
        inputs, outputs = int(data["inputs"]), int(data["outputs"])
        if not (1 <= inputs <= MOST_NODES and 1 <= outputs <= MOST_NODES):
            raise ValueError(f"it has {inputs} inputs and {outputs} outputs, of which there are 1 to {MOST_NODES:,}")
        nodes = _nodes(data["nodes"])
        connections = _connections(data["connections"], inputs, nodes)
        if not all(key in nodes for key in range(outputs)):
            raise ValueError(f"it lacks some of its {outputs} output nodes")
    except (LookupError, TypeError, AttributeError, AssertionError, OverflowError, RecursionError) as error:
        raise ValueError(f"not a genome of this project: {error!r}") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not a genome of this project: {error!r}") from None
    return Genome(0, nodes, connections), inputs, outputs


def _nodes(rows: list[dict]) -> dict[int, NodeGene]:
    nodes: dict[int, NodeGene] = {}
    for values in rows:
        key = int(values["key"])
        if key in nodes or not 0 <= key <= _LARGEST_KEY:
            raise ValueError(f"the node {key} stands there twice, or its key is not 0 to {_LARGEST_KEY}")
        read: dict[str, Any] = {}
        for name in _NODE_VALUES:
            check = _number if name in _NODE_NUMBERS else _name
            read[name] = check(f"the node {key} has the {name}", values[name])
        nodes[key] = NodeGene(key, **read)
    return nodes


def _connections(rows: list[dict], inputs: int, nodes: dict) -> dict[tuple[int, int], ConnectionGene]:
    connections: dict[tuple[int, int], ConnectionGene] = {}
    for values in rows:
        key = (int(values["from"]), int(values["to"]))
        if not (-inputs <= key[0] and key[1] in nodes and (key[0] < 0 or key[0] in nodes)):
            raise ValueError(f"the connection {key} joins nodes that are not there")
        if key in connections:
            raise ValueError(f"the connection {key} stands there twice")
        weight = _number(f"the connection {key} has the weight", values["weight"])
        connections[key] = ConnectionGene(key, int(values["innovation"]), weight, bool(values["enabled"]))
    return connections


def _number(what: str, value: Any) -> float:
    """Return a finite number; raises ValueError or TypeError."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{what} {number}: it must be finite")
    return number


def _name(what: str, value: Any) -> str:
    """Return the name of a function; raises ValueError if it is no text."""
    if not isinstance(value, str):
        raise ValueError(f"{what} {value!r}: it must be a name")
    return value
