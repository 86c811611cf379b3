"""Mutation: free functions that change a genome in an editor. `MUTATIONS` lists those applied to every child.

To add one, write a function of a `GenomeEditor` that draws from `random` and replaces, adds or deletes genes, and add
it to `MUTATIONS`. It needs to know nothing about evaluation. CONTRIBUTING.md has an example.

Options, each off at 0 and named in every run and report:
    loss_weighted_output  with this probability a mutation picks its output in proportion to the output's loss;
                          otherwise all nodes are equally likely. Uses one loss per output.
    guided_input          with this probability the guide proposes the input of a new connection to an output, and the
                          sign of its weight (`agents.neat.guide`). Guides that look at targets are off by default.

Mutation is sparse: a child gets a few changes, whatever its size. neat-python's own mutation changes
every gene with a fixed probability, which breaks networks with hundreds of connections.
"""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from agents.neat.editor import GenomeEditor
from agents.neat.genome import ConnectionGene, new_connection, new_node, on_grid

Mutation = Callable[[GenomeEditor], None]


def split_connection(editor: GenomeEditor) -> None:
    """Perhaps split a connection into an output with a new node; the connection is disabled."""
    config = editor.config
    if random.random() >= config.node_add_prob:
        return
    splittable = [key for key in editor.connections if key[1] < config.num_outputs]
    if not splittable:
        return
    source, sink = random.choice(splittable)
    old = editor.connections[source, sink]
    editor.connections[source, sink] = replace(old, enabled=False)
    node = config.get_new_node_key(editor.nodes)
    editor.nodes[node] = replace(new_node(config, node), bias=0.0)
    one = on_grid(1.0, config.weight_min_value, config.weight_max_value)
    _connect(editor, source, node, one, "add_node_in")
    _connect(editor, node, sink, old.weight, "add_node_out")


def _connect(editor: GenomeEditor, source: int, sink: int, weight: float, kind: str) -> None:
    innovation = editor.config.innovation_tracker.get_innovation_number(source, sink, kind)
    gene = new_connection(editor.config, source, sink, innovation)
    editor.connections[gene.key] = replace(gene, weight=weight, enabled=True)


def delete_node(editor: GenomeEditor) -> None:
    """Perhaps delete a hidden node and its connections."""
    if random.random() < editor.config.node_delete_prob and editor.hidden:
        node = random.choice(editor.hidden)
        del editor.nodes[node]
        for key in [key for key in editor.connections if node in key]:
            del editor.connections[key]


def add_connections(editor: GenomeEditor) -> None:
    """Add or enable some connections from random inputs (among the config's `sources`) or hidden nodes."""
    for _ in range(geometric(editor.config.connections_added)):
        _add_connection(editor)


def _add_connection(editor: GenomeEditor) -> None:
    config, hidden = editor.config, editor.hidden
    sink = _choose_node(editor)
    index = random.randrange(len(config.sources) + len(hidden))
    source = config.sources[index] if index < len(config.sources) else hidden[index - len(config.sources)]
    weight = random.gauss(0, config.weight_init_stdev)
    if sink < config.num_outputs and random.random() < config.guided_input:
        assert config.guide is not None, "a run with guided connections sets the guide"
        proposal = config.guide.propose(editor, sink)
        if proposal:
            source, weight = proposal[0], abs(weight) * proposal[1]
    if config.feed_forward and source >= sink >= config.num_outputs:
        return
    weight = on_grid(weight, config.weight_min_value, config.weight_max_value)
    old = editor.connections.get((source, sink))
    if old is None:
        innovation = config.innovation_tracker.get_innovation_number(source, sink, "add_connection")
        editor.connections[source, sink] = ConnectionGene((source, sink), innovation, weight)
    elif not old.enabled:
        editor.connections[source, sink] = replace(old, weight=weight, enabled=True)


def delete_connection(editor: GenomeEditor) -> None:
    """Perhaps delete a connection."""
    if random.random() < editor.config.conn_delete_prob and editor.connections:
        del editor.connections[editor.connections.choose().key]


def change_values(editor: GenomeEditor) -> None:
    """Change one or more weights and biases: half of the changes are small, a fifth are large."""
    for _ in range(1 + geometric(editor.config.weights_changed)):
        change_value(editor)


def change_value(editor: GenomeEditor) -> None:
    """Change one weight or bias."""
    config = editor.config
    power = (0.15 if random.random() < 0.5 else 1.0) * (3.0 if random.random() < 0.2 else 1.0)
    if editor.connections and random.random() < 0.85:
        gene = _choose_connection(editor)
        weight = gene.weight + random.gauss(0, power * config.weight_mutate_power)
        weight = on_grid(weight, config.weight_min_value, config.weight_max_value)
        editor.connections[gene.key] = ConnectionGene(gene.key, gene.innovation, weight, gene.enabled)
    else:
        node = editor.nodes[_choose_node(editor)]
        bias = node.bias + random.gauss(0, power * config.bias_mutate_power)
        editor.nodes[node.key] = replace(node, bias=on_grid(bias, config.bias_min_value, config.bias_max_value))


MUTATIONS: list[Mutation] = [split_connection, delete_node, add_connections, delete_connection, change_values]
"""The mutations applied to every child, in this order."""


def mutate(editor: GenomeEditor) -> None:
    """Apply all mutations."""
    for mutation in MUTATIONS:
        editor.apply(mutation)


def geometric(mean: float) -> int:
    """Draw a nonnegative integer from the geometric distribution with this mean."""
    if mean <= 0:
        return 0
    return int(math.log(1 - random.random()) / math.log(mean / (1 + mean)))


def _choose_node(editor: GenomeEditor) -> int:
    """Choose a node to change: an output in proportion to its loss, or any node."""
    if editor.losses and random.random() < editor.config.loss_weighted_output and any(editor.losses):
        return random.choices(editor.config.output_keys, editor.losses)[0]
    return random.choice(list(editor.nodes))


def _choose_connection(editor: GenomeEditor) -> ConnectionGene:
    """Choose any connection, or with `loss_weighted_output` one to an output in proportion to its loss."""
    config, connections = editor.config, editor.connections
    gene = connections.choose()
    if editor.losses and gene.key[1] < config.num_outputs and random.random() < config.loss_weighted_output:
        inputs = connections.inputs(random.choices(config.output_keys, editor.losses)[0]) if any(editor.losses) else {}
        if inputs:
            return next(islice(inputs.values(), int(random.random() * len(inputs)), None))
    return gene
