"""Genomes as arrays and back, bit-identically: ours, or neat-python's own.

Relatives share genes, and crossover treats a shared gene as one, so every gene is written once and genomes refer to
it by its row. Arrays may come from any file: any fault in them is a ValueError that describes it.

Conventions: the columns of a table are arrays of one length. `node_genes.row` and `connection_genes.row` are the rows
of each genome's genes, one genome after the other. `losses` is (N, O) for N genomes with O outputs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import neat
import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.genome import DefaultGenomeConfig

from agents.neat.activations import NAMES, NUMBERS
from agents.neat.crossover import CROSSOVERS
from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.operators import MUTATIONS
from agents.search_state import LARGEST
from songs.validate import AnyLength, Within, validate_like

LARGEST_LOSS = 1e100
"""Reweighted losses can be large; their squares are still finite."""
LARGEST_COUNT = 2**31 - 1
TABLES: dict[str, dict[str, type]] = {
    "nodes": {"key": int, "bias": float, "response": float, "activation": int, "time_constant": float},
    "connections": {"source": int, "sink": int, "innovation": int, "weight": float, "enabled": bool},
    "genomes": {
        "key": int,
        "nodes": int,
        "connections": int,
        "species": int,
        "has_losses": bool,
        "parent": int,
        "other": int,
        "operators": int,
    },
    "results": {"fitness": float, "loss": float, "right": int, "version": int},
    "node_genes": {"row": int},
    "connection_genes": {"row": int},
}
"""Types of the columns. `genomes` has the numbers of genes; species and version are -1 if there is none yet; keys of
parents are 0 if there are none, as neat-python counts genomes from 1. `operators` is a bit mask over `CROSSOVERS` and
then `MUTATIONS`."""
DEFAULT_LIMITS = {int: (0, LARGEST_COUNT), float: (-LARGEST, LARGEST), bool: (0, 1)}
NO_RESULTS = (0.0, 0.0, 0, -1)


class Index:
    """Distinct objects in order of first appearance."""

    def __init__(self, things: Iterable[Any]):
        self.things = list({id(thing): thing for thing in things}.values())
        self._rows = {id(thing): row for row, thing in enumerate(self.things)}

    def row(self, thing: Any) -> int:
        """Return the index of an object."""
        return self._rows[id(thing)]


def genomes_to_arrays(genomes: Sequence[Genome], outputs: int) -> dict[str, np.ndarray]:
    """Return genomes, all of them distinct, as arrays."""
    node_genes = list(chain.from_iterable(genome.nodes.values() for genome in genomes))
    connection_genes = list(chain.from_iterable(genome.connections.values() for genome in genomes))
    nodes, connections = Index(node_genes), Index(connection_genes)
    losses, bits = [getattr(genome, "losses", None) or [] for genome in genomes], _bits()
    rows: dict[str, Iterable[tuple]] = {
        "nodes": ((g.key, g.bias, g.response, NUMBERS[g.activation], g.time_constant) for g in nodes.things),
        "connections": ((*gene.key, gene.innovation, gene.weight, gene.enabled) for gene in connections.things),
        "genomes": (
            (
                *(genome.key, len(genome.nodes), len(genome.connections), getattr(genome, "species", -1), bool(values)),
                *(getattr(genome, "parents", ()) or (0, 0)),
                sum(bit for name, bit in bits.items() if name in getattr(genome, "operators", ())),
            )
            for genome, values in zip(genomes, losses, strict=True)
        ),
        "results": (
            tuple(getattr(genome, name) for name in TABLES["results"]) if hasattr(genome, "version") else NO_RESULTS
            for genome in genomes
        ),
        "node_genes": ((nodes.row(gene),) for gene in node_genes),
        "connection_genes": ((connections.row(gene),) for gene in connection_genes),
    }
    arrays = {"losses": np.array([values or [0.0] * outputs for values in losses], dtype=float).reshape(-1, outputs)}
    for table, types in TABLES.items():
        columns = list(zip(*rows[table], strict=True)) or [()] * len(types)
        for (name, dtype), column in zip(types.items(), columns, strict=True):
            arrays[f"{table}.{name}"] = np.array(column, dtype=dtype)
    return arrays


def genomes_from_arrays(
    arrays: dict[str, np.ndarray], limits: dict[str, tuple[float, float]], config: neat.Config
) -> list[Genome]:
    """Return the genomes of `genomes_to_arrays`.

    Args:
        arrays: may also hold other arrays.
        limits: smallest and largest value by column, for those that differ from `DEFAULT_LIMITS`.
        config: of the population they belong to.

    Raises:
        ValueError: the arrays do not describe valid genomes.
    """
    _validate(arrays, limits, config.genome_config.num_outputs)
    make_node, make_connection, make_genome = NEAT_PYTHONS if config.genome_type is neat.DefaultGenome else OURS
    node_genes, connection_genes = _genes(arrays, make_node, make_connection)
    genomes, bits = [], _bits()
    for (key, nodes, connections, species, has_losses, *parents, operators), results, losses in zip(
        _rows("genomes", arrays), _rows("results", arrays), arrays["losses"].tolist(), strict=True
    ):
        genes = islice(node_genes, nodes), islice(connection_genes, connections)
        genome = make_genome(key, *({gene.key: gene for gene in kind} for kind in genes))
        if (len(genome.nodes), len(genome.connections)) != (nodes, connections):
            raise ValueError(f"the genome {key} has a gene twice")
        _check_structure(genome, config.genome_config)
        values = dict(zip(TABLES["results"], results, strict=True)) if results[-1] >= 0 else {}
        values |= ({"species": species} if species >= 0 else {}) | ({"losses": losses} if has_losses else {})
        values |= {"parents": tuple(parents)} if all(parents) else {}
        values |= {"operators": tuple(name for name, bit in bits.items() if operators & bit)} if operators else {}
        genomes.append(_with(genome, values))
    return genomes


def _bits() -> dict[str, int]:
    """Return the bit of each operator by its name."""
    return {operator.__name__: 1 << index for index, operator in enumerate([*CROSSOVERS, *MUTATIONS])}


def _genes(arrays: dict[str, np.ndarray], make_node: Callable, make_connection: Callable) -> tuple[Iterator, Iterator]:
    """Return the node genes and the connection genes of all genomes, one genome after the other."""
    nodes = [make_node(key, b, r, NAMES[number], "sum", time) for key, b, r, number, time in _rows("nodes", arrays)]
    connections = [make_connection((source, sink), *values) for source, sink, *values in _rows("connections", arrays)]
    return (
        (nodes[row] for (row,) in _rows("node_genes", arrays)),
        (connections[row] for (row,) in _rows("connection_genes", arrays)),
    )


def _rows(table: str, arrays: dict[str, np.ndarray]) -> Iterator[tuple]:
    return zip(*(arrays[f"{table}.{name}"].tolist() for name in TABLES[table]), strict=True)


def _validate(arrays: dict[str, np.ndarray], limits: dict[str, tuple[float, float]], outputs: int) -> None:
    """Raise ValueError if the type, length or range of a column is wrong."""
    counts: dict[str, int] = {}
    for table, types in TABLES.items():
        for name, dtype in types.items():
            column = f"{table}.{name}"
            low, high = limits.get(column, DEFAULT_LIMITS[dtype])
            validate_like({column: Within(AnyLength(np.zeros(0, dtype)), low, high)}, arrays)
            if counts.setdefault(table, len(arrays[column])) != len(arrays[column]):
                raise ValueError(f"{column} has {len(arrays[column])} rows, its table {counts[table]}")
    sizes = counts["genomes"], outputs
    validate_like({"losses": Within(np.zeros(sizes), -LARGEST_LOSS, LARGEST_LOSS)}, arrays)
    for kind in ("node", "connection"):
        rows, owned = arrays[f"{kind}_genes.row"], arrays[f"genomes.{kind}s"].sum()
        if owned != len(rows) or rows.max(initial=-1) >= counts[f"{kind}s"]:
            raise ValueError(f"genomes.{kind}s, {kind}_genes and {kind}s do not fit each other")


def _check_structure(genome: Genome, options: DefaultGenomeConfig) -> None:
    """Raise ValueError if an output is missing, or a connection refers to a missing node."""
    outputs, what = set(options.output_keys), f"the genome {genome.key}"
    if not outputs <= genome.nodes.keys():
        raise ValueError(f"{what} lacks an output")
    sources, sinks = ({key[end] for key in genome.connections} for end in (0, 1))
    if options.feed_forward and sources & outputs:
        raise ValueError(f"{what} has a connection from an output")
    if not (sources <= genome.nodes.keys() | set(options.input_keys) and sinks <= genome.nodes.keys()):
        raise ValueError(f"{what} connects nodes that do not exist")


def _with(thing: Any, values: dict[str, Any]) -> Any:
    """Return an object with attributes set."""
    for name, value in values.items():
        setattr(thing, name, value)
    return thing


def _neat_pythons_node(key: int, *values: Any) -> DefaultNodeGene:
    names = ("bias", "response", "activation", "aggregation", "time_constant")
    return _with(DefaultNodeGene(key), dict(zip(names, values, strict=True)))


def _neat_pythons_connection(key: tuple, innovation: int, weight: float, enabled: bool) -> DefaultConnectionGene:
    return _with(DefaultConnectionGene(key, innovation), {"weight": weight, "enabled": enabled})


def _neat_pythons_genome(key: int, nodes: dict, connections: dict) -> neat.DefaultGenome:
    return _with(neat.DefaultGenome(key), {"nodes": nodes, "connections": connections})


OURS = (NodeGene, ConnectionGene, Genome)
NEAT_PYTHONS = (_neat_pythons_node, _neat_pythons_connection, _neat_pythons_genome)
"""Constructors of a node, a connection and a genome."""
