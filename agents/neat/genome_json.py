"""Genomes as JSON: a champion that can be kept, read and loaded back, without pickle.

Conventions: keys of nodes as in neat-python. Numbers are written so that reading gives the same bits.
"""

import json
from typing import Any

import neat

from agents.neat.genome import ConnectionGene, Genome, NodeGene
from songs.validate import Within, validate_like

FORMAT = "kuznechik genome"
VERSION = 1
MOST_NODES = 100_000
"""Of inputs, and of outputs; the longest memory there is has 53,249 inputs."""
_NODE_VALUES = {"bias": 0.0, "response": 0.0, "activation": "", "aggregation": "", "time_constant": 0.0}
_EXAMPLE = {
    "inputs": Within(0, 1, MOST_NODES),
    "outputs": Within(0, 1, MOST_NODES),
    "nodes": [{"key": Within(0, 0, 2**31 - 1), **_NODE_VALUES}],
    "connections": [{"from": -1, "to": 0, "weight": 0.0, "enabled": False, "innovation": 0}],
}


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
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a genome of this project: {error!r:.200}") from None
    validate_like({"format": "", "version": 0}, data, "the genome")
    if (data["format"], data["version"]) != (FORMAT, VERSION):
        raise ValueError(f"it is {data['format']!r} version {data['version']}, not {FORMAT!r} version {VERSION}")
    validate_like(_EXAMPLE, data, "the genome")
    inputs, outputs = data["inputs"], data["outputs"]
    nodes = {row["key"]: _node(row) for row in data["nodes"]}
    connections = {(row["from"], row["to"]): _connection(row) for row in data["connections"]}
    if len(nodes) < len(data["nodes"]) or len(connections) < len(data["connections"]):
        raise ValueError("the genome has a node or a connection twice")
    for source, sink in connections:
        if not (-inputs <= source and sink in nodes and (source < 0 or source in nodes)):
            raise ValueError(f"the connection {source, sink} joins nodes that are not there")
    if not nodes.keys() >= set(range(outputs)):
        raise ValueError(f"it lacks some of its {outputs} output nodes")
    return Genome(0, nodes, connections), inputs, outputs


def _node(row: dict[str, Any]) -> NodeGene:
    numbers = {name: float(row[name]) for name in ("bias", "response", "time_constant")}
    return NodeGene(row["key"], activation=row["activation"], aggregation=row["aggregation"], **numbers)


def _connection(row: dict[str, Any]) -> ConnectionGene:
    return ConnectionGene((row["from"], row["to"]), row["innovation"], float(row["weight"]), row["enabled"])
