"""Structural mutation of a child whose genes are known by place and number, but not yet by value.

The operators are neat-python's, draw by draw, on a `Sketch` in place of a genome's dictionaries.

Source: neat-python 2.0.0, `genome.py`, the methods `mutate` and `mutate_...`.
"""

from array import array
from collections.abc import Sequence
from random import choice, random

import numpy as np
from neat.genes import DefaultConnectionGene, DefaultNodeGene
from neat.genome import DefaultGenome, DefaultGenomeConfig
from neat.graphs import creates_cycle

from agents.gene_arrays import INNOVATION, KEY, SINK, SOURCE, GeneArrays

Link = tuple[int, int]


class Parent:
    """A genome that breeds: its genes as sets and lists, made once for all of its children."""

    def __init__(self, genome: DefaultGenome, number: int, arrays: GeneArrays):
        self.genome = genome
        self.number = number
        self.arrays = arrays
        innovations = arrays.links[INNOVATION].tolist()
        # neat-python goes through the genes in the order of a set, which depends on how the set was filled
        self.innovations = set(innovations)
        self.disabled = set(arrays.links[INNOVATION, ~arrays.enabled].tolist())
        self.node_keys: list[int] = arrays.nodes[KEY].tolist()
        self.node_set = frozenset(self.node_keys)
        self._keys: dict[int, Link] | None = None
        self._key_set: set[Link] | None = None

    @property
    def keys(self) -> dict[int, Link]:
        """Source and sink of every connection by innovation number."""
        if self._keys is None:
            links = self.arrays.links
            ends = zip(links[SOURCE].tolist(), links[SINK].tolist(), strict=True)
            self._keys = dict(zip(links[INNOVATION].tolist(), ends, strict=True))
        return self._keys

    def has(self, key: Link) -> bool:
        """Say whether there is a connection with this source and sink."""
        if self._key_set is None:
            self._key_set = set(self.keys.values())
        return key in self._key_set


class Changes:
    """The structural mutations of many children, by the places of genes in the arrays to come."""

    def __init__(self):
        self.links = array("q")
        """Innovation number at every place."""
        self.nodes = 0
        """Number of places of nodes."""
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
        self.links: Sequence[int] = range(first_link, len(changes.links))
        self.nodes: Sequence[int] = range(first_node, changes.nodes)
        self.node_keys = parent.node_keys
        self._gained: dict[Link, int] = {}
        self._lost: set[Link] = set()
        self._new_keys: dict[int, Link] = {}

    def key(self, place: int) -> Link:
        """Return source and sink of the connection at a place."""
        return self._new_keys.get(place) or self.parent.keys[self.changes.links[place]]

    def has(self, key: Link) -> bool:
        """Say whether the child has a connection with this source and sink."""
        return key in self._gained or (key not in self._lost and self.parent.has(key))

    def place(self, key: Link) -> int:
        """Return where the connection with this source and sink stands."""
        return next(place for place in self.links if self.key(place) == key)

    def add_link(self, gene: DefaultConnectionGene) -> int:
        """Add a connection and return its place."""
        place = len(self.changes.links)
        self.changes.links.append(gene.innovation)
        self.changes.new_links.append((place, gene))
        self.links = [*self.links, place]
        self._new_keys[place] = gene.key
        self._gained[gene.key] = place
        return place

    def drop_links(self, places: Sequence[int]) -> None:
        """Delete connections."""
        for place in places:
            key = self.key(place)
            if self._gained.pop(key, None) is None:
                self._lost.add(key)
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
        self.drop_links([place for place in self.links if key in self.key(place)])
        index = self.node_keys.index(key)
        self.changes.lost_nodes.append(self.nodes[index])
        self.nodes = [*self.nodes[:index], *self.nodes[index + 1 :]]
        self.node_keys = [*self.node_keys[:index], *self.node_keys[index + 1 :]]


def mutate_structure(child: Sketch, config: DefaultGenomeConfig) -> None:
    """Add and delete nodes and connections."""
    node_add, node_delete = config.node_add_prob, config.node_delete_prob
    link_add, link_delete = config.conn_add_prob, config.conn_delete_prob
    if config.single_structural_mutation:
        total = max(1, (node_add + node_delete + link_add + link_delete))
        draw = random()
        if draw < (node_add / total):
            add_node(child, config)
        elif draw < ((node_add + node_delete) / total):
            delete_node(child, config)
        elif draw < ((node_add + node_delete + link_add) / total):
            add_connection(child, config)
        elif draw < ((node_add + node_delete + link_add + link_delete) / total):
            delete_connection(child)
        return
    if random() < node_add:
        add_node(child, config)
    if random() < node_delete:
        delete_node(child, config)
    if random() < link_add:
        add_connection(child, config)
    if random() < link_delete:
        delete_connection(child)


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
    """Add a connection, unless it is there already, ends at two outputs or closes a forbidden circle."""
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


def delete_connection(child: Sketch) -> None:
    """Delete a connection."""
    if child.links:
        child.drop_links([choice(child.links)])


def closes_circle(child: Sketch, key: Link) -> bool:
    """Say whether a new connection would close a circle. None runs through an input, where none ends."""
    source, sink = key
    if source < 0:
        return False
    return source == sink or creates_cycle([link for link in map(child.key, child.links) if link[0] >= 0], key)


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
