"""Structural mutation of a child whose genes are known by place and number, but not yet by value.

The operators are neat-python's, draw by draw, on a `Sketch` in place of a genome's dictionaries.

Source: neat-python 2.0.0, `genome.py`, the methods `mutate` and `mutate_...`.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate
from random import choice, random

import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.genome import DefaultGenome, DefaultGenomeConfig
from neat.graphs import creates_cycle

from agents.networks.gene_arrays import INNOVATION, KEY, SINK, SOURCE, GeneArrays, link_codes

Link = tuple[int, int]


class Parent:
    """A genome that breeds: its genes as sets and lists, made once for all of its children."""

    def __init__(self, genome: DefaultGenome, number: int, genes: GeneArrays, index: int):
        """
        Args:
            genome: the genome.
            number: how many parents there are before it.
            genes: arrays that hold its genes.
            index: its index in them.
        """
        self.genome = genome
        self.number = number
        self.genes, self.index = genes, index
        links, nodes = genes.places(index)
        self.links = genes.links[:, links]
        enabled = genes.enabled[links]
        # neat-python goes through the genes in the order of a set, which depends on how the set was filled
        self.innovations = set(self.links[INNOVATION].tolist())
        self.disabled = set() if enabled.all() else set(self.links[INNOVATION, ~enabled].tolist())
        self.node_keys: list[int] = genes.nodes[KEY, nodes].tolist()
        self.node_set = frozenset(self.node_keys)
        self._codes: set[int] | None = None

    def key(self, innovation: int) -> Link:
        """Return source and sink of the connection with an innovation number."""
        index = int(np.argmax(self.links[INNOVATION] == innovation))
        return int(self.links[SOURCE, index]), int(self.links[SINK, index])

    def touching(self, node: int) -> np.ndarray:
        """Return the innovation numbers of the connections from or to a node, (k,) int64."""
        return self.links[INNOVATION, (self.links[SOURCE] == node) | (self.links[SINK] == node)]

    def inner_links(self) -> list[Link]:
        """Return source and sink of the connections that start at a node, not at an input."""
        return [(source, sink) for source, sink in self.links[:2, self.links[SOURCE] >= 0].T.tolist()]

    def has(self, key: Link) -> bool:
        """Say whether there is a connection with this source and sink."""
        if self._codes is None:
            self._codes = set(link_codes(self.links).tolist())
        return (key[0] << 32) + key[1] in self._codes


class Changes:
    """The structural mutations of many children, by the places of genes in the arrays to come."""

    def __init__(self):
        self.links = 0
        """Number of places of connections."""
        self.nodes = 0
        """Number of places of nodes."""
        self.orders: list[np.ndarray] = []
        """Innovation numbers of the connections that each child inherits, in its order, (n,) int64."""
        self.new_links: list[tuple[int, DefaultConnectionGene]] = []
        self.new_nodes: list[tuple[int, DefaultNodeGene]] = []
        self.lost_links: list[int] = []
        self.lost_nodes: list[int] = []
        self.enabled: list[tuple[int, bool]] = []
        self.copied_weights: list[tuple[int, int]] = []
        """To which place a weight is copied, and from where."""
        self._sources: dict[tuple[int, ...], list[int]] = {}

    def sources(self, node_keys: Sequence[int], config: DefaultGenomeConfig) -> list[int]:
        """Return where a new connection may start, in the order of neat-python's set."""
        nodes = tuple(node_keys)
        if nodes not in self._sources:
            # made as neat-python makes it, from a dictionary: the order depends on how a set was filled
            hidden = set(dict.fromkeys(nodes)) - set(config.output_keys)
            self._sources[nodes] = list(hidden | set(config.input_keys))
        return self._sources[nodes]


class Sketch:
    """A child: which connections and nodes it has, and where they stand."""

    def __init__(self, changes: Changes, parent: Parent, first_link: int, first_node: int):
        self.changes = changes
        self.parent = parent
        self.links: Sequence[int] = range(first_link, changes.links)
        self.nodes: Sequence[int] = range(first_node, changes.nodes)
        self.node_keys = parent.node_keys
        self._first_link = first_link
        self._order = changes.orders[-1]
        self._new: dict[int, Link] = {}

    def key(self, place: int) -> Link:
        """Return source and sink of the connection at a place."""
        return self._new.get(place) or self.parent.key(self._order[place - self._first_link])

    def has(self, key: Link) -> bool:
        """Say whether the child has a connection between two nodes that it has.

        What was deleted before is no matter: connections go before others are added only with a node of theirs.
        """
        return key in self._new.values() or self.parent.has(key)

    def inner_links(self) -> list[Link]:
        """Return source and sink of the connections that start at a node, not at an input."""
        nodes = set(self.node_keys)
        links = (*self.parent.inner_links(), *self._new.values())
        return [link for link in links if link[0] in nodes and link[1] in nodes]

    def place(self, key: Link) -> int:
        """Return where the connection with this source and sink stands."""
        return next(place for place in self._touching(key[1]) if self.key(place) == key)

    def _touching(self, node: int) -> list[int]:
        """Return where the connections from or to a node stand."""
        inherited = np.isin(self._order, self.parent.touching(node)).nonzero()[0] + self._first_link
        touching = {*inherited.tolist(), *(place for place, key in self._new.items() if node in key)}
        return [place for place in self.links if place in touching]

    def add_link(self, gene: DefaultConnectionGene) -> int:
        """Add a connection and return its place."""
        place = self.changes.links
        self.changes.links += 1
        self.changes.new_links.append((place, gene))
        self.links = [*self.links, place]
        self._new[place] = gene.key
        return place

    def drop_links(self, places: Sequence[int]) -> None:
        """Delete connections."""
        dropped = set(places)
        self.links = [place for place in self.links if place not in dropped]
        self.changes.lost_links.extend(places)

    def add_node(self, gene: DefaultNodeGene) -> None:
        """Add a node."""
        self.changes.new_nodes.append((self.changes.nodes, gene))
        self.nodes = [*self.nodes, self.changes.nodes]
        self.node_keys = [*self.node_keys, gene.key]
        self.changes.nodes += 1

    def drop_node(self, key: int) -> None:
        """Delete a node and its connections."""
        self.drop_links(self._touching(key))
        index = self.node_keys.index(key)
        self.changes.lost_nodes.append(self.nodes[index])
        self.nodes = [*self.nodes[:index], *self.nodes[index + 1 :]]
        self.node_keys = [*self.node_keys[:index], *self.node_keys[index + 1 :]]


class StructuralMutation:
    """neat-python's structural mutation with the probabilities of a configuration."""

    def __init__(self, config: DefaultGenomeConfig):
        self._config = config
        self._single = config.single_structural_mutation
        chances = [config.node_add_prob, config.node_delete_prob, config.conn_add_prob, config.conn_delete_prob]
        if self._single:
            # not `sum`: from Python 3.12 on it rounds otherwise than additions
            bounds = list(accumulate(chances))
            chances = [bound / max(1, bounds[-1]) for bound in bounds]
        operators = (add_node, delete_node, add_connection, delete_connection)
        self._operators = list(zip(chances, operators, strict=True))

    def mutate(self, sketch: Callable[[], Sketch]) -> Sketch | None:
        """Draw and apply operators; return the child, or None if there was none to apply.

        Args:
            sketch: returns the child; it is asked when an operator needs it.
        """
        if self._single:
            draw = random()
            chosen = next((operator for bound, operator in self._operators if draw < bound), None)
            if chosen is None:
                return None
            child = sketch()
            chosen(child, self._config)
            return child
        changed = None
        for chance, operator in self._operators:
            if random() < chance:
                changed = changed or sketch()
                operator(changed, self._config)
        return changed


def add_node(child: Sketch, config: DefaultGenomeConfig) -> None:
    """Split a connection by a new node; the connection is disabled."""
    if not child.links:
        if config.check_structural_mutation_surer():
            add_connection(child, config)
        return
    split = choice(child.links)
    key = config.get_new_node_key(child.node_keys)
    node = DefaultGenome.create_node(config, key)
    node.bias = 0.0
    child.add_node(node)
    child.changes.enabled.append((split, False))
    source, sink = child.key(split)
    number = config.innovation_tracker.get_innovation_number
    numbers = number(source, key, "add_node_in"), number(key, sink, "add_node_out")
    before = DefaultGenome.create_connection(config, source, key, numbers[0])
    after = DefaultGenome.create_connection(config, key, sink, numbers[1])
    before.weight, before.enabled, after.enabled = 1.0, True, True
    child.add_link(before)
    child.changes.copied_weights.append((child.add_link(after), split))


def delete_node(child: Sketch, config: DefaultGenomeConfig) -> None:
    """Delete a node that is no output, and its connections."""
    hidden = [key for key in child.node_keys if key not in config.output_keys]
    if hidden:
        child.drop_node(choice(hidden))


def add_connection(child: Sketch, config: DefaultGenomeConfig) -> None:
    """Add a connection, unless it is there already or closes a forbidden circle."""
    sink = choice(child.node_keys)
    source = choice(child.changes.sources(child.node_keys, config))
    key = (source, sink)
    if child.has(key):
        if config.check_structural_mutation_surer():
            child.changes.enabled.append((child.place(key), True))
        return
    if config.feed_forward and closes_circle(child, key):
        return
    innovation = config.innovation_tracker.get_innovation_number(source, sink, "add_connection")
    child.add_link(DefaultGenome.create_connection(config, source, sink, innovation))


def delete_connection(child: Sketch, config: DefaultGenomeConfig) -> None:
    """Delete a connection."""
    if child.links:
        child.drop_links([choice(child.links)])


def closes_circle(child: Sketch, key: Link) -> bool:
    """Say whether a new connection would close a circle. None runs through an input, where none ends."""
    return key[0] >= 0 and creates_cycle(child.inner_links(), key)


def is_acyclic(links: np.ndarray) -> bool:
    """Say whether connections (3, n) run in no circle."""
    inner = links[:2, links[SOURCE] >= 0].T.tolist()
    while inner:
        sinks = {sink for _, sink in inner}
        rest = [link for link in inner if link[0] in sinks]
        if len(rest) == len(inner):
            return False
        inner = rest
    return True
