"""The genome: neat-python's, with genes that are shared between relatives and operators for sequences.

Genes are never changed in place: a mutation puts a changed copy into its own genome. So a child costs
two dictionary copies, and two genomes that share a gene need not compare it.

Operators, each off at 0 and named in every run and report:
    modular crossover  with this probability a child takes every output, with all connections that feed it,
                       from the parent with the smaller loss at this output; otherwise it mixes matching
                       genes as NEAT does. Uses one loss for each output, not one number for each genome.
                       With `donors` it takes outputs from so many parents more.
    focus              with this probability a mutation chooses its output in proportion to the output's
                       loss; otherwise all nodes are equally likely. Uses the same losses.
    guided             with this probability a new connection to an output comes from an input that a guide proposes,
                       with the sign it says: one that is on in a case that the output gets wrong
                       (`agents.neat.guide`). This looks at inputs and targets; it is off by default. While
                       improvising: a note that the network heard itself play (`agents.neat.improvisation`).

Mutation is sparse: a child gets a few changes, whatever its size. neat-python's own mutation changes
every gene with a fixed probability, which breaks networks of some hundred connections.

Conventions: node keys as in neat-python: inputs -1, -2, ..., outputs 0, 1, ..., hidden nodes above. In a
feed-forward genome a connection between hidden nodes runs from the smaller key to the larger, so no circle
can arise.
Source: Stanley and Miikkulainen (2002), Evolving Neural Networks through Augmenting Topologies.
"""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import neat
from neat.config import ConfigParameter
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.genome import DefaultGenomeConfig

from agents.neat.guide import Guide

if TYPE_CHECKING:
    import numpy as np

    from agents.neat.incremental import Row

WEIGHT_GRID = 1024
"""Weights and biases are multiples of 1/1024: sums of a few hundred of them are exact in single precision."""


class GenomeConfig(DefaultGenomeConfig):
    """neat-python's genome configuration and the options of the sparse operators."""

    OPTIONS = (
        ConfigParameter("connections_added", float, 1.0),
        ConfigParameter("weights_changed", float, 2.0),
        ConfigParameter("modular_crossover", float, 0.5),
        ConfigParameter("donors", int, 0),
        ConfigParameter("focus", float, 0.7),
        ConfigParameter("guided", float, 0.0),
    )
    guide: Guide | None = None
    """Who proposes guided connections; set by the run, as it knows what is to be learned."""

    def __init__(self, params: dict, section_name: str = "DefaultGenome"):
        super().__init__(params, section_name)
        for option in self.OPTIONS:
            setattr(self, option.name, option.interpret(params, section_name))
        self._params += self.OPTIONS


def on_grid(value: float, low: float, high: float) -> float:
    """Return the value within its bounds and on the grid of weights."""
    steps = round(value * WEIGHT_GRID)
    return min(max(steps, math.ceil(low * WEIGHT_GRID)), math.floor(high * WEIGHT_GRID)) / WEIGHT_GRID


def geometric(mean: float) -> int:
    """Draw a number from 0 up with a geometric distribution of this mean."""
    if mean <= 0:
        return 0
    return int(math.log(1 - random.random()) / math.log(mean / (1 + mean)))


class Inputs(dict):
    """The connection genes that lead to one node, by key. Relatives share them: they are never changed in place."""

    @cached_property
    def enabled(self) -> int:
        """How many of the connections are enabled."""
        return sum(gene.enabled for gene in self.values())

    def put(self, gene: DefaultConnectionGene) -> "Inputs":
        """Return these inputs with a gene, new or in the place of another."""
        changed, old = Inputs(self), self.get(gene.key)
        changed[gene.key] = gene
        changed.enabled = self.enabled + gene.enabled - (old is not None and old.enabled)
        return changed

    def without(self, key: tuple[int, int]) -> "Inputs":
        """Return these inputs without one."""
        changed = Inputs(self)
        changed.enabled = self.enabled - changed.pop(key).enabled
        return changed


class Genome(neat.DefaultGenome):
    """A neat-python genome with shared genes and sparse operators."""

    nodes: dict[int, DefaultNodeGene]
    connections: dict[tuple[int, int], DefaultConnectionGene]

    @classmethod
    def parse_config(cls, param_dict: dict) -> GenomeConfig:
        param_dict["node_gene_type"] = neat.genes.DefaultNodeGene
        param_dict["connection_gene_type"] = neat.genes.DefaultConnectionGene
        return GenomeConfig(param_dict)

    def __init__(self, key: int):
        super().__init__(key)
        self.losses: list[float] = []
        """The loss of every output: measured by the evaluator, or until then taken over from the parents."""
        self._feeding: dict[int, Inputs] | None = None
        """What `connections` says, by the node that is fed; None if it is not known."""
        self.rows: list[Row] | None = None
        """For `agents.neat.incremental`: of every output, as it was before `changes`; None if not known."""
        self.heard: np.ndarray | None = None
        """While improvising: what it played, or until then its better parent, (B, T, 13) bool; None if not known."""
        self.changes: list[tuple[int, int | None, float]] = []
        """Output, input (None for the bias) and change of the weight, in a genome with rows."""

    def configure_new(self, config: GenomeConfig) -> None:
        """Become a genome of the first generation."""
        super().configure_new(config)
        for gene in self.nodes.values():
            gene.bias = on_grid(gene.bias, config.bias_min_value, config.bias_max_value)
        for gene in self.connections.values():
            gene.weight = on_grid(gene.weight, config.weight_min_value, config.weight_max_value)

    def configure_crossover(
        self, genome1: "Genome", genome2: "Genome", config: GenomeConfig, donors: Sequence["Genome"] = ()
    ) -> None:
        """Become the child of two genomes, and of more donors if the crossover is modular."""
        better, other = (genome1, genome2) if genome1.fitness > genome2.fitness else (genome2, genome1)
        self.nodes = dict(better.nodes)
        self.connections = dict(better.connections)
        self._feeding = None if better._feeding is None else dict(better._feeding)
        self.losses, self.heard = better.losses, better.heard
        self.rows = better.rows and better.rows.copy()
        if better is other:
            return
        if random.random() < config.modular_crossover and better.losses and other.losses:
            self._take_modules((other, *donors))
        else:
            self._mix_genes(other)

    def _take_modules(self, others: Sequence["Genome"]) -> None:
        """Take every output from the parent with the smallest loss at it; of equal ones from the first."""
        donated = defaultdict(list)
        losses, rows = list(self.losses), self.rows and self.rows.copy()
        for output, own in enumerate(self.losses):
            donor = min(others, key=lambda other: other.losses[output])
            if donor.losses[output] < own:
                donated[donor].append(output)
                losses[output] = donor.losses[output]
                if rows and donor.rows:
                    rows[output] = donor.rows[output]
                else:
                    rows = None
        self.losses, self.rows = losses, rows
        if donated:
            self._feeding = feeding = dict(self.feeding())
            for donor, outputs in donated.items():
                self._take_outputs(donor, outputs)
            self.connections = {}
            for node in sorted(feeding):
                self.connections.update(feeding[node])

    def _take_outputs(self, donor: "Genome", wanted: list[int]) -> None:
        """Take outputs with all connections and hidden nodes that feed them."""
        feeding, donated = self.feeding(), donor.feeding()
        deep = len(donor.nodes) > len(donor.losses)
        while wanted:
            node = wanted.pop()
            self.nodes[node] = donor.nodes[node]
            feeding[node] = donated.get(node, Inputs())
            if deep:
                wanted += {source for source, _ in feeding[node] if source >= 0 and source not in self.nodes}

    def feeding(self) -> dict[int, Inputs]:
        """Return the connections that lead to each node."""
        if self._feeding is None:
            self._feeding = defaultdict(Inputs)
            for key, gene in self.connections.items():
                self._feeding[key[1]][key] = gene
        return self._feeding

    def _mix_genes(self, other: "Genome") -> None:
        """Take each matching gene from either parent; genes that do not match stay those of the better one."""
        for key, gene in list(self.connections.items()):
            match = other.connections.get(key)
            if match is None or match is gene or match.innovation != gene.innovation:
                continue
            if random.random() < 0.5:
                self._put(match)
        for node, own in list(self.nodes.items()):
            match = other.nodes.get(node)
            if match is not None and match is not own and random.random() < 0.5:
                self._put_node(match)

    def _put(self, gene: DefaultConnectionGene) -> None:
        """Take a connection gene, new or in the place of another."""
        if self.rows:
            old = self.connections.get(gene.key)
            before = old.weight if old is not None and old.enabled else 0.0
            after = gene.weight if gene.enabled else 0.0
            if after != before:
                self.changes.append((gene.key[1], gene.key[0], after - before))
        self.connections[gene.key] = gene
        if self._feeding is not None:
            self._feeding[gene.key[1]] = self._feeding.get(gene.key[1], Inputs()).put(gene)

    def _put_node(self, gene: DefaultNodeGene) -> None:
        """Take a node gene in the place of another."""
        if self.rows:
            self.changes.append((gene.key, None, gene.bias - self.nodes[gene.key].bias))
        self.nodes[gene.key] = gene

    def mutate(self, config: GenomeConfig) -> None:
        """Change a few genes: perhaps a node, some connections, some weights and biases."""
        if random.random() < config.node_add_prob:
            self.mutate_add_node(config)
        if random.random() < config.node_delete_prob:
            self.mutate_delete_node(config)
        for _ in range(geometric(config.connections_added)):
            self.mutate_add_connection(config)
        if random.random() < config.conn_delete_prob:
            self.mutate_delete_connection()
        for _ in range(1 + geometric(config.weights_changed)):
            self.mutate_value(config)

    def _choose_sink(self, config: GenomeConfig) -> int:
        """Choose a node to work on: an output in proportion to its loss, or any node."""
        if self.losses and random.random() < config.focus and any(self.losses):
            return random.choices(config.output_keys, self.losses)[0]
        return random.choice(list(self.nodes))

    def mutate_add_node(self, config: GenomeConfig) -> None:
        """Split a connection into an output by a new node; the connection is disabled."""
        splittable = [key for key in self.connections if key[1] < config.num_outputs]
        if not splittable:
            return
        source, sink = random.choice(splittable)
        self.rows = self._feeding = None
        old = self.connections[source, sink].copy()
        old.enabled = False
        self.connections[source, sink] = old
        node = config.get_new_node_key(self.nodes)
        self.nodes[node] = self.create_node(config, node)
        self.nodes[node].bias = 0.0
        number = config.innovation_tracker.get_innovation_number
        one = on_grid(1.0, config.weight_min_value, config.weight_max_value)
        for key, weight, kind in (
            ((source, node), one, "add_node_in"),
            ((node, sink), old.weight, "add_node_out"),
        ):
            self.add_connection(config, *key, weight, True, innovation=number(*key, kind))

    def mutate_delete_node(self, config: GenomeConfig) -> None:
        """Delete a hidden node and its connections."""
        hidden = [key for key in self.nodes if key >= config.num_outputs]
        if hidden:
            node = random.choice(hidden)
            self._feeding = None
            del self.nodes[node]
            self.connections = {key: gene for key, gene in self.connections.items() if node not in key}

    def mutate_delete_connection(self) -> None:
        """Delete a connection."""
        if self.connections:
            key = random.choice(list(self.connections))
            gene = self.connections.pop(key)
            if self._feeding is not None:
                self._feeding[key[1]] = self._feeding[key[1]].without(key)
            if self.rows and gene.enabled:
                self.changes.append((key[1], key[0], -gene.weight))

    def mutate_add_connection(self, config: GenomeConfig) -> None:
        """Add or enable a connection from a random input or hidden node."""
        sink = self._choose_sink(config)
        hidden = [key for key in self.nodes if key >= config.num_outputs]
        place = random.randrange(config.num_inputs + len(hidden))
        source = -1 - place if place < config.num_inputs else hidden[place - config.num_inputs]
        weight = random.gauss(0, config.weight_init_stdev)
        if sink < config.num_outputs and random.random() < config.guided:
            assert config.guide is not None, "a run with guided connections sets the guide"
            proposal = config.guide.propose(self, sink)
            if proposal:
                source, weight = proposal[0], abs(weight) * proposal[1]
        if config.feed_forward and source >= sink >= config.num_outputs:
            return
        weight = on_grid(weight, config.weight_min_value, config.weight_max_value)
        key = (source, sink)
        old = self.connections.get(key)
        if old is None:
            innovation = config.innovation_tracker.get_innovation_number(source, sink, "add_connection")
            gene = config.connection_gene_type(key, innovation=innovation)
        elif old.enabled:
            return
        else:
            gene = old.copy()
        gene.weight, gene.enabled = weight, True
        self._put(gene)

    def mutate_value(self, config: GenomeConfig) -> None:
        """Change one weight or bias: half of the changes are fine, a fifth are coarse."""
        power = (0.15 if random.random() < 0.5 else 1.0) * (3.0 if random.random() < 0.2 else 1.0)
        if self.connections and random.random() < 0.85:
            gene = self._choose_connection(config).copy()
            change = random.gauss(0, power * config.weight_mutate_power)
            gene.weight = on_grid(gene.weight + change, config.weight_min_value, config.weight_max_value)
            self._put(gene)
        else:
            gene = self.nodes[self._choose_sink(config)].copy()
            change = random.gauss(0, power * config.bias_mutate_power)
            gene.bias = on_grid(gene.bias + change, config.bias_min_value, config.bias_max_value)
            self._put_node(gene)

    def _choose_connection(self, config: GenomeConfig):
        """Choose a connection; with focus the best of three by the loss of the output it feeds."""
        keys = list(self.connections)
        key = random.choice(keys)
        if self.losses and key[1] < config.num_outputs and random.random() < config.focus:
            tried = (key, random.choice(keys), random.choice(keys))
            key = max(tried, key=lambda k: self.losses[k[1]] if k[1] < config.num_outputs else 0.0)
        return self.connections[key]

    def distance(self, other: "Genome", config: GenomeConfig) -> float:
        """Return neat-python's genetic distance; a gene that both share is not looked at."""
        total = 0.0
        genes: list[tuple[dict, dict]] = [(self.nodes, other.nodes), (self.connections, other.connections)]
        for own, others in genes:
            if not own and not others:
                continue
            matching, apart = 0, 0.0
            for gene, match in zip(own.values(), map(others.get, own), strict=True):
                if match is not None:
                    matching += 1
                    if match is not gene:
                        apart += gene.distance(match, config)
            disjoint = len(own) + len(others) - 2 * matching
            apart += config.compatibility_disjoint_coefficient * disjoint
            total += apart / max(len(own), len(others))
        return total


# neat-python reads a genome's options from the section of its class's name: keep the name users know
Genome.__name__ = "DefaultGenome"
