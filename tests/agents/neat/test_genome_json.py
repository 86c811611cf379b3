"""Genomes as JSON: reading restores the bits, writing the text, and invalid texts are refused with a reason."""

import json
import math
import random
from dataclasses import replace

import neat
import numpy as np
import pytest

from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.genome_json import genome_from_json, genome_to_json
from agents.neat.network import Network

INPUTS, OUTPUTS = 5, 3
VALUES = ("bias", "response", "activation", "aggregation", "time_constant")


def random_genome(seed: int, hidden: int = 3) -> Genome:
    """Return a genome with weights of all sizes, hidden nodes and disabled connections."""
    draw, nodes, connections = random.Random(seed), {}, {}
    keys = [OUTPUTS + 7 * n for n in range(hidden)]
    for key in draw.sample([*range(OUTPUTS), *keys], OUTPUTS + hidden):
        bias, response, time_constant = draw.gauss(0, 1), draw.uniform(0.5, 2), draw.uniform(0.5, 2)
        nodes[key] = NodeGene(key, bias, response, draw.choice(["tanh", "sigmoid", "relu"]), "sum", time_constant)
    ends = [(s, t) for n, t in enumerate(keys) for s in [*range(-INPUTS, 0), *keys[:n]]]
    ends += [(s, t) for t in range(OUTPUTS) for s in [*range(-INPUTS, 0), *keys]]
    for number, key in enumerate(draw.sample(ends, int(0.7 * len(ends)))):
        weight = draw.gauss(0, 1) * 10 ** draw.randrange(-3, 3)
        connections[key] = ConnectionGene(key, 3 * number + 1, weight, draw.random() < 0.8)
    genome = Genome(seed, nodes, connections)
    return genome


def genes(genome) -> tuple:
    nodes = {key: tuple(getattr(gene, name) for name in VALUES) for key, gene in genome.nodes.items()}
    connections = {key: (gene.weight, gene.enabled, gene.innovation) for key, gene in genome.connections.items()}
    return nodes, connections


@pytest.mark.parametrize("seed", range(8))
def test_a_round_trip_gives_the_same_bits_and_the_same_text(seed):
    genome = random_genome(seed)
    text = genome_to_json(genome, INPUTS, OUTPUTS)
    again, inputs, outputs = genome_from_json(text)
    assert (inputs, outputs) == (INPUTS, OUTPUTS)
    assert genes(again) == genes(genome)
    assert genome_to_json(again, inputs, outputs) == text


@pytest.mark.parametrize("value", [0.1, 5e-324, -0.0, 1 / 3, 1.7976931348623157e308, 2**53 + 1.0])
def test_numbers_keep_every_bit(value):
    genome = random_genome(0)
    gene = replace(next(iter(genome.connections.values())), weight=value)
    nodes = {**genome.nodes, 0: replace(genome.nodes[0], bias=value)}
    genome = Genome(0, nodes, {**genome.connections, gene.key: gene})
    again, *_ = genome_from_json(genome_to_json(genome, INPUTS, OUTPUTS))
    for read in (again.connections[gene.key].weight, again.nodes[0].bias):
        assert (read, math.copysign(1, read)) == (value, math.copysign(1, value))


def test_the_text_does_not_depend_on_the_order_of_the_genes():
    genome = random_genome(3)
    other = Genome(9, *(dict(reversed(list(genes.items()))) for genes in (genome.nodes, genome.connections)))
    assert genome_to_json(other, INPUTS, OUTPUTS) == genome_to_json(genome, INPUTS, OUTPUTS)


def literal() -> Genome:
    return Genome(
        0,
        {0: NodeGene(0, -0.5), 7: NodeGene(7, 0.25)},
        {(7, 0): ConnectionGene((7, 0), 2, 2.0), (-1, 7): ConnectionGene((-1, 7), 1, 1.5, enabled=False)},
    )


TEXT = """{
 "format": "kuznechik genome",
 "version": 1,
 "inputs": 2,
 "outputs": 1,
 "nodes": [
  {"key": 0, "bias": -0.5, "response": 1.0, "activation": "tanh", "aggregation": "sum", "time_constant": 1.0},
  {"key": 7, "bias": 0.25, "response": 1.0, "activation": "tanh", "aggregation": "sum", "time_constant": 1.0}
 ],
 "connections": [
  {"from": -1, "to": 7, "weight": 1.5, "enabled": false, "innovation": 1},
  {"from": 7, "to": 0, "weight": 2.0, "enabled": true, "innovation": 2}
 ]
}
"""


def test_literal_text():
    assert genome_to_json(literal(), 2, 1) == TEXT
    genome, inputs, outputs = genome_from_json(TEXT)
    assert genes(genome) == genes(literal())
    assert (inputs, outputs) == (2, 1)


def test_a_genome_without_connections_is_json_too():
    genome = Genome(0, literal().nodes)
    assert genome_from_json(genome_to_json(genome, 2, 1))[0].connections == {}


def test_a_number_that_is_none_is_not_written():
    genome = Genome(0, literal().nodes, {(7, 0): ConnectionGene((7, 0), 2, math.nan)})
    with pytest.raises(ValueError, match="JSON"):
        genome_to_json(genome, 2, 1)


def test_neat_python_runs_it_with_the_same_keys(make_config):
    cases = np.array([[(case >> i) & 1 for case in range(2**INPUTS)] for i in range(INPUTS)])
    shares = []
    for seed in range(8):
        genome = random_genome(seed)
        read, inputs, outputs = genome_from_json(genome_to_json(genome, INPUTS, OUTPUTS))
        network = neat.nn.FeedForwardNetwork.create(read, make_config(inputs, outputs))
        # an output is on above the middle of its activation: 1/2 for sigmoid, 0 for tanh and relu
        middle = np.array([0.5 if read.nodes[key].activation == "sigmoid" else 0.0 for key in range(OUTPUTS)])
        pressed = Network(genome, OUTPUTS)(cases) > 0
        for case in range(2**INPUTS):
            answer = network.activate(cases[:, case].tolist())
            assert (np.array(answer) > middle).tolist() == pressed[:, case].tolist()
        shares.append(pressed.mean())
    assert 0.2 < np.mean(shares) < 0.8


def change(**values) -> str:
    """Return the literal text with other values: `nodes` and `connections` change the first gene."""
    data = json.loads(TEXT)
    for name, value in values.items():
        if name in ("nodes", "connections") and isinstance(value, dict):
            data[name][0] = {**data[name][0], **value}
        else:
            data[name] = value
    return json.dumps(data)


def without(*names: str) -> str:
    """Return the literal text without an entry, or without an entry of its first node or connection."""
    data = json.loads(TEXT)
    del (data if len(names) == 1 else data[names[0]][0])[names[-1]]
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a genome of this project"),
        ("no JSON", "not a genome of this project"),
        (TEXT[: len(TEXT) // 2], "not a genome of this project"),
        ("[" * 100_000, "not a genome of this project"),
        ("[]", r"the genome is \[\]"),
        ("null", "the genome is None"),
        ("{}", "the genome.format is missing"),
        (change(format="recipe"), "it is 'recipe' version 1, not 'kuznechik genome' version 1"),
        (change(version=2), "it is 'kuznechik genome' version 2, not 'kuznechik genome' version 1"),
        (change(inputs=0), "the genome.inputs holds values that are not from 1 to 100000"),
        (change(inputs=10**9), "the genome.inputs holds values that are not from 1 to 100000"),
        (change(outputs=-1), "the genome.outputs is -1"),
        (change(inputs=1, connections={"from": -2}), r"the connection \(-2, 7\) connects nodes that do not exist"),
        (change(inputs="many"), "the genome.inputs is 'many'"),
        (change(outputs=2), "it lacks some of its 2 output nodes"),
        (change(nodes=None), "the genome.nodes is None"),
        (change(nodes={"key": 3}), r"the connection \(7, 0\) connects nodes that do not exist"),
        (change(nodes={"key": 7}), "the genome has a node or a connection twice"),
        (change(nodes={"key": -1}), r"the genome.nodes\[0\].key is -1"),
        (change(nodes={"key": 10**30}), r"the genome.nodes\[0\].key holds values that are not from 0 to"),
        (change(connections={"from": 7, "to": 0}), "the genome has a node or a connection twice"),
        *(
            (change(nodes={"bias": value}), rf"the genome.nodes\[0\].bias is {shown}")
            for value, shown in (("heavy", "'heavy'"), (None, "None"), (10**400, "1000"), (math.nan, "nan"))
        ),
        (change(nodes={"response": math.inf}), r"the genome.nodes\[0\].response is inf"),
        (change(nodes={"activation": 5}), r"the genome.nodes\[0\].activation is 5"),
        (change(nodes={"aggregation": None}), r"the genome.nodes\[0\].aggregation is None"),
        (change(connections={"from": -3}), r"the connection \(-3, 7\) connects nodes that do not exist"),
        (change(connections={"from": 4}), r"the connection \(4, 7\) connects nodes that do not exist"),
        (change(connections={"to": -2}), r"the genome.connections\[0\].to is -2"),
        (change(connections={"weight": "heavy"}), r"the genome.connections\[0\].weight is 'heavy'"),
        (change(connections={"weight": math.nan}), r"the genome.connections\[0\].weight is nan"),
        (change(connections=[1]), r"the genome.connections\[0\] is 1"),
        *((without(name), f"{name} is missing") for name in ("version", "inputs", "outputs", "nodes", "connections")),
        *((without("nodes", name), f"{name} is missing") for name in ("key", *VALUES)),
        *(
            (without("connections", name), f"{name} is missing")
            for name in ("from", "to", "weight", "enabled", "innovation")
        ),
    ],
)
def test_invalid_texts_are_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        genome_from_json(text)
