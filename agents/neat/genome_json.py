"""Genomes as JSON: a readable file format for champions, without pickle.

Conventions: node keys as in neat-python. Numbers are written so that reading restores the same bits. *Columns* are a
genome as plain data at a third of the size: nodes and connections are lists of values by field name.
"""

import json
from typing import Any

import neat

from agents.neat.genome import ConnectionGene, Genome, NodeGene
from songs.validate import ByAnyName, Within, validate_like

FORMAT = "kuznechik genome"
VERSION = 1
MOST_NODES = 100_000
"""Limit on the inputs, and on the outputs; the longest possible memory has 53,249 inputs."""
_NODE_VALUES = {"bias": 0.0, "response": 0.0, "activation": "", "aggregation": "", "time_constant": 0.0}
_CONNECTION_VALUES = {"weight": 0.0, "enabled": False, "innovation": 0}
_GENES = ("nodes", "connections")
_EXAMPLE = {
    "inputs": Within(0, 1, MOST_NODES),
    "outputs": Within(0, 1, MOST_NODES),
    "nodes": [{"key": Within(0, 0, 2**31 - 1), **_NODE_VALUES}],
    "connections": [{"from": -1, "to": 0, **_CONNECTION_VALUES}],
}


def genome_to_json(genome: neat.DefaultGenome, inputs: int, outputs: int) -> str:
    """Return a genome as JSON text with one line per gene, sorted, so that equal genomes give equal text.

    Args:
        genome: ours, or neat-python's with default genes.
        inputs: number of input nodes.
        outputs: number of output nodes.
    """
    head = {"format": FORMAT, "version": VERSION, "inputs": inputs, "outputs": outputs}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    columns = genome_to_columns(genome, inputs, outputs)
    for name in _GENES:
        rows = ",\n".join("  " + json.dumps(gene, allow_nan=False) for gene in _rows(columns[name]))
        lines.append(f" {json.dumps(name)}: [\n{rows}\n ]" + ("," if name == "nodes" else ""))
    return "{\n" + "\n".join(lines) + "\n}\n"


def genome_to_columns(genome: neat.DefaultGenome, inputs: int, outputs: int) -> dict[str, Any]:
    """Return a genome as columns; arguments as for `genome_to_json`."""
    nodes, connections = sorted(genome.nodes.items()), sorted(genome.connections.items())
    node_columns = {name: [getattr(gene, name) for _, gene in nodes] for name in _NODE_VALUES}
    gene_columns = {name: [getattr(gene, name) for _, gene in connections] for name in _CONNECTION_VALUES}
    ends = {"from": [key[0] for key, _ in connections], "to": [key[1] for key, _ in connections]}
    return {
        "inputs": inputs,
        "outputs": outputs,
        "nodes": {"key": [key for key, _ in nodes], **node_columns},
        "connections": {**ends, **gene_columns},
    }


def genome_from_columns(columns: Any) -> tuple[Genome, int, int]:
    """Return the genome of columns, with its numbers of inputs and outputs; raises ValueError if they are invalid."""
    validate_like({name: ByAnyName([None]) for name in _GENES}, columns, "the genome")
    return _genome(columns | {name: _rows(columns[name]) for name in _GENES})


def _rows(columns: dict[str, list]) -> list[dict[str, Any]]:
    """Return a dictionary for each gene; raises ValueError if columns differ in length."""
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def genome_from_json(text: str) -> tuple[Genome, int, int]:
    """Read a genome.

    Args:
        text: a return value of `genome_to_json`.

    Returns:
        The genome, its number of inputs and its number of outputs.

    Raises:
        ValueError: the text is not a valid genome.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a genome of this project: {error!r:.200}") from None
    validate_like({"format": "", "version": 0}, data, "the genome")
    if (data["format"], data["version"]) != (FORMAT, VERSION):
        raise ValueError(f"it is {data['format']!r} version {data['version']}, not {FORMAT!r} version {VERSION}")
    return _genome(data)


def _genome(data: dict[str, Any]) -> tuple[Genome, int, int]:
    """Return the genome of rows of genes, with its inputs and outputs; raises ValueError if they are invalid."""
    validate_like(_EXAMPLE, data, "the genome")
    inputs, outputs = data["inputs"], data["outputs"]
    nodes = {row["key"]: _node(row) for row in data["nodes"]}
    connections = {(row["from"], row["to"]): _connection(row) for row in data["connections"]}
    if len(nodes) < len(data["nodes"]) or len(connections) < len(data["connections"]):
        raise ValueError("the genome has a node or a connection twice")
    for source, sink in connections:
        if not (-inputs <= source and sink in nodes and (source < 0 or source in nodes)):
            raise ValueError(f"the connection {source, sink} connects nodes that do not exist")
    if not nodes.keys() >= set(range(outputs)):
        raise ValueError(f"it lacks some of its {outputs} output nodes")
    return Genome(0, nodes, connections), inputs, outputs


def _node(row: dict[str, Any]) -> NodeGene:
    numbers = {name: float(row[name]) for name in ("bias", "response", "time_constant")}
    return NodeGene(row["key"], activation=row["activation"], aggregation=row["aggregation"], **numbers)


def _connection(row: dict[str, Any]) -> ConnectionGene:
    return ConnectionGene((row["from"], row["to"]), row["innovation"], float(row["weight"]), row["enabled"])
