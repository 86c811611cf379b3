"""Immutable genes and genomes.

A genome stores its connections by the node they lead to. Mutation and crossover work in an
`agents.neat.editor.GenomeEditor`, which makes a new genome: a child shares with its parents the genes of every node
that did not change. Genes are frozen and a genome's dictionaries are read-only, so anything derived from a genome stays
valid.

Conventions: node keys as in neat-python: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above. In a
feed-forward genome a connection between hidden nodes runs from the smaller key to the larger, so no cycle
can arise.
Source: Stanley and Miikkulainen (2002), Evolving Neural Networks through Augmenting Topologies.
"""

import math
from collections.abc import ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Any

import neat
import numpy as np
from neat.config import ConfigParameter
from neat.genome import DefaultGenomeConfig

from agents.neat.guide import Guide

WEIGHT_GRID = 1024
"""Weights and biases are multiples of 1/1024: sums of a few hundred of them are exact in single precision."""


Ends = tuple[int, int]
"""Keys of the source and of the sink of a connection."""


@dataclass(frozen=True, slots=True)
class NodeGene:
    """An output or hidden node. `dataclasses.replace` makes a modified copy."""

    key: int
    bias: float
    response: float = 1.0
    activation: str = "tanh"
    aggregation: str = "sum"
    time_constant: float = 1.0


@dataclass(frozen=True, slots=True)
class ConnectionGene:
    """A connection. `dataclasses.replace` makes a modified copy."""

    key: Ends
    innovation: int
    weight: float
    enabled: bool = True


class Inputs(dict[Ends, ConnectionGene]):
    """The connections into one node. Relatives share them, so it is read-only, but as fast as a dictionary."""

    def _refuse(self, *_: Any) -> Any:
        raise TypeError("relatives share these connections: change them in a GenomeEditor")

    __setitem__ = __delitem__ = __ior__ = setdefault = pop = popitem = update = clear = _refuse


NO_INPUTS = Inputs()


class Connections(Mapping[Ends, ConnectionGene]):
    """The connections of a genome, grouped by the node they lead to."""

    def __init__(self, inputs: Mapping[int, Mapping[Ends, ConnectionGene]]):
        """Wrap the connections into each node; nodes without any are left out."""
        self._inputs = inputs

    def __getitem__(self, key: Ends) -> ConnectionGene:
        return self._inputs[key[1]][key]

    def __iter__(self) -> Iterator[Ends]:
        return chain.from_iterable(self._inputs.values())

    def __len__(self) -> int:
        return sum(map(len, self._inputs.values()))

    def values(self) -> ValuesView[ConnectionGene]:
        return _Genes(self)

    def items(self) -> ItemsView[Ends, ConnectionGene]:
        return _Items(self)

    def inputs(self, sink: int) -> Mapping[Ends, ConnectionGene]:
        """Return the connections into a node."""
        return self._inputs.get(sink, NO_INPUTS)


class _Genes(ValuesView):
    """Values without a look-up by key, which would take ten times as long."""

    _mapping: Connections

    def __iter__(self) -> Iterator[ConnectionGene]:
        return chain.from_iterable(inputs.values() for inputs in self._mapping._inputs.values())


class _Items(ItemsView):
    """Items without a look-up by key."""

    _mapping: Connections

    def __iter__(self) -> Iterator[tuple[Ends, ConnectionGene]]:
        return chain.from_iterable(inputs.items() for inputs in self._mapping._inputs.values())


class GenomeConfig(DefaultGenomeConfig):
    """neat-python's genome configuration with the options of `agents.neat.operators` and `agents.neat.crossover`."""

    OPTIONS = (
        ConfigParameter("connections_added", float, 1.0),
        ConfigParameter("weights_changed", float, 2.0),
        ConfigParameter("modular_crossover", float, 0.5),
        ConfigParameter("donors", int, 0),
        ConfigParameter("loss_weighted_output", float, 0.7),
        ConfigParameter("guided_input", float, 0.0),
    )
    guide: Guide | None = None
    """Proposes guided connections; set by the run, which knows the task."""

    def __init__(self, params: dict, section_name: str = "DefaultGenome"):
        super().__init__(params, section_name)
        for option in self.OPTIONS:
            setattr(self, option.name, option.interpret(params, section_name))
        self._params += self.OPTIONS
        self.sources: Sequence[int] = range(-1, -1 - self.num_inputs, -1)
        """Keys of the inputs from which new connections start."""


class Genome:
    """The genes of a network, and its results once it is evaluated."""

    loss: float
    """Sum of the losses without error reweighting and parsimony; set by the evaluator, like `right` and `version`."""
    right: int
    """Number of right cases."""
    version: int
    """Version of the cell weights under which it was evaluated."""
    species: int
    """Key of its species; before speciation, that of its parents' species."""

    def __init__(
        self,
        key: int,
        nodes: Mapping[int, NodeGene] = MappingProxyType({}),
        connections: Mapping[Ends, ConnectionGene] = NO_INPUTS,
    ):
        """
        Args:
            key: a number unique within the run.
            nodes: outputs and hidden nodes by key.
            connections: by the keys of their source and sink.
        """
        inputs: dict[int, dict[Ends, ConnectionGene]] = {}
        for ends, gene in connections.items():
            inputs.setdefault(ends[1], {})[ends] = gene
        self._begin(key, dict(nodes), {sink: Inputs(genes) for sink, genes in inputs.items()})

    @classmethod
    def of_inputs(cls, key: int, nodes: dict[int, NodeGene], inputs: dict[int, Inputs]) -> "Genome":
        """Return a genome from nonempty connections by sink; it takes ownership of the dictionaries."""
        genome = cls.__new__(cls)
        genome._begin(key, nodes, inputs)
        return genome

    def _begin(self, key: int, nodes: dict[int, NodeGene], inputs: dict[int, Inputs]) -> None:
        self.key = key
        self.nodes: MappingProxyType[int, NodeGene] = MappingProxyType(nodes)
        self.inputs: MappingProxyType[int, Inputs] = MappingProxyType(inputs)
        """The connections into each node; nodes without any are left out."""
        self.parents: tuple[int, ...] = ()
        """Keys of its two parents, which may be equal; empty in the first generation."""
        self.operators: tuple[str, ...] = ()
        """Names of the operators that made it from its parents."""
        self.fitness: float | None = None
        self.losses: list[float] = []
        """Loss of each output: set by the evaluator, and inherited from the parents before."""
        self.rows: dict[int, Any] = {}
        """For `agents.neat.incremental`: known results of each node, its own or a relative's, with their genes."""
        self.played: np.ndarray | None = None
        """While improvising, the rolls (B, T, K) bool that it played; before, those of its better parent."""

    @classmethod
    def parse_config(cls, param_dict: dict) -> GenomeConfig:
        """Read the options of genomes from neat-python's configuration file."""
        param_dict["node_gene_type"] = neat.genes.DefaultNodeGene
        param_dict["connection_gene_type"] = neat.genes.DefaultConnectionGene
        return GenomeConfig(param_dict)

    def __reduce__(self):
        return Genome, (self.key, dict(self.nodes), dict(self.connections))

    @property
    def connections(self) -> Connections:
        """All connections."""
        return Connections(self.inputs)

    def size(self) -> tuple[int, int]:
        """Return the numbers of nodes and of enabled connections."""
        return len(self.nodes), sum(gene.enabled for gene in self.connections.values())


# neat-python reads a genome's options from the section of its class's name: keep the name users know
Genome.__name__ = "DefaultGenome"


def on_grid(value: float, low: float, high: float) -> float:
    """Return the value clipped to its bounds and rounded to the weight grid."""
    steps = round(value * WEIGHT_GRID)
    return min(max(steps, math.ceil(low * WEIGHT_GRID)), math.floor(high * WEIGHT_GRID)) / WEIGHT_GRID


def new_node(config: GenomeConfig, key: int) -> NodeGene:
    """Return a node as neat-python draws it."""
    return _frozen_node(neat.DefaultGenome.create_node(config, key), config)


def new_connection(config: GenomeConfig, source: int, sink: int, innovation: int) -> ConnectionGene:
    """Return a connection as neat-python draws it."""
    return _frozen_connection(neat.DefaultGenome.create_connection(config, source, sink, innovation), config)


def new_genome(key: int, config: GenomeConfig) -> Genome:
    """Return a genome of the first generation, as neat-python draws it."""
    drawn = neat.DefaultGenome(key)
    drawn.configure_new(config)
    nodes = {node: _frozen_node(gene, config) for node, gene in drawn.nodes.items()}
    return Genome(key, nodes, {ends: _frozen_connection(gene, config) for ends, gene in drawn.connections.items()})


def adopted(genome: Genome, config: GenomeConfig) -> Genome:
    """Return an unevaluated copy of another run's genome, with weights and biases within the bounds of this run."""
    low, high = config.bias_min_value, config.bias_max_value
    nodes = {key: replace(gene, bias=on_grid(gene.bias, low, high)) for key, gene in genome.nodes.items()}
    low, high = config.weight_min_value, config.weight_max_value
    connections = {
        ends: replace(gene, weight=on_grid(gene.weight, low, high)) for ends, gene in genome.connections.items()
    }
    return Genome(genome.key, nodes, connections)


def _frozen_node(gene: neat.genes.DefaultNodeGene, config: GenomeConfig) -> NodeGene:
    bias = on_grid(gene.bias, config.bias_min_value, config.bias_max_value)
    return NodeGene(gene.key, bias, gene.response, gene.activation, gene.aggregation, gene.time_constant)


def _frozen_connection(gene: neat.genes.DefaultConnectionGene, config: GenomeConfig) -> ConnectionGene:
    weight = on_grid(gene.weight, config.weight_min_value, config.weight_max_value)
    return ConnectionGene(gene.key, gene.innovation, weight, gene.enabled)
