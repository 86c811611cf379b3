"""The genome: immutable shared genes, weights on a grid, modules that move as a whole, no cycles."""

import random
from dataclasses import FrozenInstanceError, asdict, replace
from graphlib import TopologicalSorter

import neat
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.neat.counters import make_population
from agents.neat.crossover import crossover
from agents.neat.editor import GenomeEditor
from agents.neat.genome import ConnectionGene, Genome, NodeGene, new_genome
from agents.neat.network import Network
from agents.neat.operators import mutate
from agents.neat.species import distance

INPUTS, OUTPUTS = 6, 3
LIMIT = 2.5

BUSY = {"connections_added": 4.0, "conn_delete_prob": 0.4, "node_add_prob": 0.6, "node_delete_prob": 0.15}
"""Mutation that changes a lot of structure."""
STILL = {"connections_added": 0.0, "conn_delete_prob": 0.0, "node_add_prob": 0.0, "node_delete_prob": 0.0}
"""Mutation that changes no structure."""


@pytest.fixture(autouse=True)
def same_draws():
    """Let every test begin with the same state of Python's generator, which neat-python draws from."""
    random.seed(1)


@pytest.fixture(scope="module")
def busy(make_config):
    """Options of a genome that changes a lot."""
    return make_config(INPUTS, OUTPUTS, genome={**BUSY, "weight_limit": LIMIT}).genome_config


def child_of(first: Genome, second: Genome, options, key: int = 1, mutated: bool = False) -> Genome:
    editor = crossover(first, second, options)
    if mutated:
        mutate(editor)
    return editor.finish(key)


def snapshot(genome) -> tuple:
    """Return all that a genome's genes hold."""
    nodes = [(key, g.bias, g.response, g.activation, g.aggregation, g.time_constant) for key, g in genome.nodes.items()]
    connections = [(key, g.weight, g.enabled, g.innovation) for key, g in genome.connections.items()]
    return nodes, connections


def evaluate(genome) -> None:
    """Give a genome arbitrary losses and an arbitrary fitness."""
    genome.losses = [random.choice([0.0, random.random()]) for _ in range(OUTPUTS)]
    genome.fitness = -sum(genome.losses) - 1e-6 * random.random()


def breed(options, steps: int) -> list[Genome]:
    """Return genomes, each of which was mutated from a copy of an earlier one or is the child of two."""
    genomes: list[Genome] = []
    for key in range(steps):
        if key < 2:
            editor = GenomeEditor(new_genome(key, options), options)
        else:
            first = random.choice(genomes)
            second = first if random.random() < 0.3 else random.choice(genomes)
            editor = crossover(first, second, options)
        mutate(editor)
        genome = editor.finish(key)
        evaluate(genome)
        genomes.append(genome)
    return genomes


@pytest.fixture(scope="module")
def family(busy) -> list[Genome]:
    """Several hundred relatives of all ages."""
    random.seed(2)
    return breed(busy, 400)


# Genes


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_no_operator_changes_the_genes_of_an_earlier_genome(busy, seed):
    random.seed(seed)
    genomes = breed(busy, 10)
    before = [snapshot(genome) for genome in genomes]
    for _ in range(20):
        editor = crossover(random.choice(genomes), random.choice(genomes), busy)
        mutate(editor)
        editor.finish(99)
    assert [snapshot(genome) for genome in genomes] == before


def test_a_genome_cannot_be_changed_in_place(family):
    genome = max(family, key=lambda genome: len(genome.connections))
    key, gene = next(iter(genome.connections.items()))
    with pytest.raises(TypeError):
        genome.connections[key] = replace(gene, weight=0.0)
    with pytest.raises(TypeError):
        genome.inputs[key[1]][key] = replace(gene, weight=0.0)
    with pytest.raises(TypeError):
        del genome.nodes[0]
    for frozen, name in ((gene, "weight"), (genome.nodes[0], "bias")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, name, 0.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_edited_connections_are_a_dictionary_and_what_is_not_changed_stays_shared(family, busy, seed):
    random.seed(seed)
    parent = random.choice(family)
    editor, expected = GenomeEditor(parent, busy), dict(parent.connections)
    before, changed = snapshot(parent), set()
    for _ in range(8):
        key = (-random.randrange(1, INPUTS + 1), random.randrange(OUTPUTS))
        if random.random() < 0.5:
            editor.connections[key] = expected[key] = ConnectionGene(key, 1, random.random())
            changed.add(key[1])
        elif expected.pop(key, None):
            del editor.connections[key]
            changed.add(key[1])
        else:
            with pytest.raises(KeyError):
                del editor.connections[key]
    child = editor.finish(1)
    assert editor.connections == child.connections == expected
    assert (len(child.connections), snapshot(parent)) == (len(expected), before)
    assert all(child.inputs[sink] is inputs for sink, inputs in parent.inputs.items() if sink not in changed)
    assert all(child.inputs.values()), "a node without connections is left out"


def test_a_finished_genome_does_not_see_what_the_editor_does_later(family, busy):
    editor = GenomeEditor(family[-1], busy)
    genome = editor.finish(1)
    before = snapshot(genome)
    editor.nodes[0] = replace(editor.nodes[0], bias=1.0)
    editor.connections.clear()
    assert snapshot(genome) == before


def test_the_family_is_worth_testing(family):
    assert max(len(genome.nodes) for genome in family) > OUTPUTS + 3
    assert max(len(genome.connections) for genome in family) > 20
    assert any(not gene.enabled for genome in family for gene in genome.connections.values())
    assert any(min(key) >= OUTPUTS for genome in family for key in genome.connections)


def test_weights_and_biases_are_on_the_grid_and_within_bounds(family):
    values = [gene.weight for genome in family for gene in genome.connections.values()]
    values += [gene.bias for genome in family for gene in genome.nodes.values()]
    assert max(map(abs, values)) == LIMIT  # the bounds are reached
    assert all(value * 1024 == round(value * 1024) for value in values)


def test_responses_and_time_constants_stay_1(family):
    assert {(g.response, g.time_constant) for genome in family for g in genome.nodes.values()} == {(1.0, 1.0)}


def test_a_new_genome_has_outputs_and_no_connections(busy):
    genome = new_genome(1, busy)
    assert sorted(genome.nodes) == [0, 1, 2]
    assert genome.connections == {}
    biases = [gene.bias for gene in genome.nodes.values()]
    assert all(bias * 1024 == round(bias * 1024) for bias in biases)


# Structure


def test_the_inputs_of_a_node_are_the_connections_that_lead_to_it(family):
    for genome in family:
        for node, inputs in genome.inputs.items():
            assert list(inputs.items()) == [(key, gene) for key, gene in genome.connections.items() if key[1] == node]
        assert sum(map(len, genome.inputs.values())) == len(genome.connections)


def test_every_connection_joins_nodes_that_are_there(family):
    for genome in family:
        assert set(range(OUTPUTS)) <= set(genome.nodes)
        for key, gene in genome.connections.items():
            assert gene.key == key
            assert key[1] in genome.nodes
            assert key[0] in genome.nodes or -INPUTS <= key[0] < 0
            assert not 0 <= key[0] < OUTPUTS


def test_no_cycles_arise(family):
    for genome in family:
        sources = {key: set() for key in genome.nodes}
        for source, sink in genome.connections:  # disabled ones too: they may be enabled again
            sources[sink].add(source)
        list(TopologicalSorter(sources).static_order())  # raises CycleError


def test_the_same_innovation_is_the_same_connection(family):
    keys = {}
    for genome in family:
        for key, gene in genome.connections.items():
            assert keys.setdefault(gene.innovation, key) == key


def test_a_split_connection_is_disabled_and_its_weight_goes_on_behind_the_node(make_config):
    options = make_config(1, 1, genome={**STILL, "node_add_prob": 1.0, "weights_changed": 0.0}).genome_config
    parent = genome_with([(-1, 0, 1.75)], biases=[0.5], fitness=0.0)
    child = child_of(parent, parent, options, key=1, mutated=True)
    ((hidden, node),) = [(key, gene) for key, gene in child.nodes.items() if key > 0]
    assert set(child.connections) == {(-1, 0), (-1, hidden), (hidden, 0)}
    assert not child.connections[-1, 0].enabled
    assert child.connections[-1, hidden].enabled
    assert child.connections[hidden, 0].enabled
    assert (parent.connections[-1, 0].enabled, len(parent.nodes)) == (True, 1)
    # beside the split one value may have changed
    values = (child.connections[-1, hidden].weight, child.connections[hidden, 0].weight, node.bias, child.nodes[0].bias)
    old = (1.0, 1.75, 0.0, 0.5)
    assert sum(value != before for value, before in zip(values, old, strict=True)) <= 1


# Crossover


def genome_with(connections, key=0, biases=None, fitness=None, losses=None, hidden=()) -> Genome:
    """Build a genome from (source, sink, weight[, innovation]) connections."""
    nodes = {node: NodeGene(node, bias) for node, bias in enumerate(biases or [0.25] * OUTPUTS)}
    nodes |= {node: NodeGene(node, -0.5) for node in hidden}
    genes = {}
    for source, sink, weight, *innovation in connections:
        genes[source, sink] = ConnectionGene((source, sink), (innovation or [1000 * sink - source])[0], weight)
    genome = Genome(key, nodes, genes)
    genome.fitness, genome.losses = fitness, losses or []
    return genome


ALL_CASES = np.array([[(case >> i) & 1 for case in range(2**INPUTS)] for i in range(INPUTS)], dtype=float)


def random_parent(hidden: list[int]) -> Genome:
    """Return a genome with random connections, hidden nodes and losses."""
    ends = [(source, sink) for sink in range(OUTPUTS) for source in [*range(-INPUTS, 0), *hidden]]
    ends += [(s, sink) for n, sink in enumerate(hidden) for s in [*range(-INPUTS, 0), *hidden[:n]]]
    chosen = [end for end in ends if random.random() < 0.6]
    connections = [(*end, random.randrange(-3000, 3000) / 1024) for end in chosen]
    biases = [random.randrange(-1000, 1000) / 1024 for _ in range(OUTPUTS)]
    genome = genome_with(connections, biases=biases, hidden=hidden)
    evaluate(genome)
    return genome


@pytest.mark.parametrize(
    ("option", "operator"),
    [
        ({"node_add_prob": 1.0}, "split_connection"),
        ({"node_delete_prob": 1.0}, "delete_node"),
        ({"connections_added": 50.0}, "add_connections"),
        ({"conn_delete_prob": 1.0}, "delete_connection"),
    ],
)
def test_a_child_names_the_operators_that_changed_it(make_config, option, operator):
    config = make_config(INPUTS, OUTPUTS, genome={**STILL, **option})
    make_population(config)  # counts the nodes
    parent = random_parent([10])
    assert child_of(parent, parent, config.genome_config, mutated=True).operators == (operator, "change_values")


@pytest.mark.parametrize("hidden", [([], []), ([10], []), ([], [20, 21]), ([10, 11], [20, 21])])
def test_modular_crossover_takes_every_output_with_all_that_feeds_it_from_the_parent_better_at_it(make_config, hidden):
    options = make_config(INPUTS, OUTPUTS, operators={"modular_crossover": 1.0}).genome_config
    mixed = 0
    for _ in range(40):
        parents = [random_parent(nodes) for nodes in hidden]
        child = child_of(*parents, options)
        better = max(parents, key=lambda genome: genome.fitness)
        outputs, of_parents = Network(child, OUTPUTS)(ALL_CASES), [Network(p, OUTPUTS)(ALL_CASES) for p in parents]
        donors = []
        for output in range(OUTPUTS):
            first, second = (parent.losses[output] for parent in parents)
            donor = parents.index(better) if first == second else int(second < first)
            donors.append(donor)
            assert outputs[output].tolist() == of_parents[donor][output].tolist()
        mixed += len(set(donors)) > 1
    assert mixed > 5


def test_a_literal_crossover_of_modules(make_config):
    options = make_config(2, 3, operators={"modular_crossover": 1.0}).genome_config
    mother = genome_with([(-1, 0, 1.0), (-1, 1, 1.0)], biases=[0.0, 0.25, 0.5], fitness=-3.0, losses=[1.0, 2.0, 0.0])
    father = genome_with([(-2, 0, 2.0), (-2, 1, 2.0)], biases=[1.0, 1.25, 1.5], fitness=-4.0, losses=[3.0, 1.0, 0.0])
    for parents in ((mother, father), (father, mother)):
        child = child_of(*parents, options)
        assert {key: gene.weight for key, gene in child.connections.items()} == {(-1, 0): 1.0, (-2, 1): 2.0}
        assert [child.nodes[key].bias for key in range(3)] == [0.0, 1.25, 0.5]


def test_parents_that_share_hidden_nodes_have_a_child_without_cycles_or_loose_ends(make_config):
    options = make_config(INPUTS, OUTPUTS, operators={"modular_crossover": 1.0}).genome_config
    for _ in range(40):
        child = child_of(random_parent([10, 11, 12]), random_parent([10, 12, 13]), options)
        assert Network(child, OUTPUTS)(ALL_CASES).shape == (OUTPUTS, 2**INPUTS)
        assert all(key[0] in child.nodes or key[0] < 0 for key in child.connections)


@pytest.mark.parametrize("order", [1, -1])
def test_without_modular_crossover_genes_that_do_not_match_are_those_of_the_fitter_parent(make_config, order):
    options = make_config(INPUTS, OUTPUTS, operators={"modular_crossover": 0.0}).genome_config
    taken = set()
    for _ in range(60):
        parents = [random_parent([10]), random_parent([10, 20])]
        fitter, other = sorted(parents, key=lambda genome: -genome.fitness)
        child = child_of(*parents[::order], options)
        assert set(child.connections) == set(fitter.connections)
        assert set(child.nodes) == set(fitter.nodes)
        for key, gene in child.connections.items():
            assert gene.weight in {p.connections[key].weight for p in parents if key in p.connections}
            if key in other.connections:
                taken.add(gene.weight == other.connections[key].weight)
            else:
                assert gene.weight == fitter.connections[key].weight
        for key, gene in child.nodes.items():
            assert gene.bias in {p.nodes[key].bias for p in parents if key in p.nodes}
    assert taken == {True, False}


def test_connections_of_different_origin_do_not_match(make_config):
    options = make_config(INPUTS, OUTPUTS, operators={"modular_crossover": 0.0}).genome_config
    fitter, other = (genome_with([(-1, 0, float(n), 50 + n)], fitness=float(-n)) for n in range(2))
    for _ in range(20):
        child = child_of(other, fitter, options)
        assert child.connections[-1, 0].weight == 0.0


def test_the_child_of_one_parent_is_its_copy(make_config):
    options = make_config(INPUTS, OUTPUTS).genome_config
    parent = random_parent([10])
    child = child_of(parent, parent, options)
    assert snapshot(child) == snapshot(parent)
    assert snapshot(child_of(parent, parent, options, mutated=True)) != snapshot(parent)


# Options


def mutants(make_config, parent: Genome, count: int = 60, operators=None, **changes) -> list[Genome]:
    options = make_config(INPUTS, OUTPUTS, genome=changes, operators=operators or {}).genome_config
    children = []
    for key in range(1, count + 1):
        child = child_of(parent, parent, options, key=key, mutated=True)
        children.append(child)
    return children


def parent_of_all() -> Genome:
    random.seed(7)
    parent = random_parent([10, 11])
    parent.losses = [0.0, 3.0, 0.0]
    return parent


def test_without_structural_mutation_the_structure_stays(make_config):
    parent = parent_of_all()
    for child in mutants(make_config, parent, **STILL):
        assert list(child.nodes) == list(parent.nodes)
        assert list(child.connections) == list(parent.connections)
        assert all(g.enabled == parent.connections[key].enabled for key, g in child.connections.items())


@pytest.mark.parametrize(
    ("name", "value", "happens"),
    [
        ("connections_added", 5.0, lambda child, parent: set(child.connections) > set(parent.connections)),
        ("conn_delete_prob", 1.0, lambda child, parent: set(child.connections) < set(parent.connections)),
        ("node_add_prob", 1.0, lambda child, parent: set(child.nodes) > set(parent.nodes)),
        ("node_delete_prob", 1.0, lambda child, parent: set(child.nodes) < set(parent.nodes)),
    ],
)
def test_each_option_switches_on_one_change_of_structure(make_config, name, value, happens):
    parent = parent_of_all()
    assert any(happens(child, parent) for child in mutants(make_config, parent, **{**STILL, name: value}))


def changed_values(child: Genome, parent: Genome) -> list[int]:
    """Return the node, or the sink of the connection, of every value that differs."""
    changed = [key[1] for key, gene in child.connections.items() if gene.weight != parent.connections[key].weight]
    return changed + [key for key, gene in child.nodes.items() if gene.bias != parent.nodes[key].bias]


def test_one_value_changes_where_no_more_are_asked_for(make_config):
    parent = parent_of_all()
    counts = [
        len(changed_values(child, parent)) for child in mutants(make_config, parent, weights_changed=0.0, **STILL)
    ]
    assert set(counts) <= {0, 1}  # a change of less than half a grid step is none
    assert sum(counts) > 50
    many = [len(changed_values(child, parent)) for child in mutants(make_config, parent, weights_changed=9.0, **STILL)]
    assert np.mean(many) > 4


def test_without_power_no_value_changes(make_config):
    parent = parent_of_all()
    for child in mutants(make_config, parent, weight_mutate_power=0.0, **STILL):
        assert changed_values(child, parent) == []


def test_loss_weighted_output_works_on_the_outputs_with_the_larger_losses(make_config):
    parent = parent_of_all()  # only output 1 has a loss
    options = {**STILL, "weights_changed": 0.0}
    shares = []
    for probability in (0.0, 1.0):
        children = mutants(make_config, parent, 400, operators={"loss_weighted_output": probability}, **options)
        sinks = [sink for child in children for sink in changed_values(child, parent)]
        shares.append(sinks.count(1) / len(sinks))
    assert shares[1] > 1.5 * shares[0]


@pytest.mark.parametrize("losses", [[5.0, 0.0, 0.0], [0.0, 0.0, 9.0]])
def test_without_loss_weighted_output_mutation_does_not_look_at_losses(make_config, losses):
    children = []
    for own in ([0.0, 3.0, 0.0], losses):
        parent = parent_of_all()
        parent.losses = own
        random.seed(3)
        children.append(mutants(make_config, parent, 40, operators={"loss_weighted_output": 0.0}, **BUSY))
    assert [snapshot(child) for child in children[0]] == [snapshot(child) for child in children[1]]


def test_without_operators_crossover_does_not_look_at_losses(make_config):
    options = make_config(
        INPUTS, OUTPUTS, operators={"modular_crossover": 0.0, "loss_weighted_output": 0.0}
    ).genome_config
    children = []
    for losses in ([0.0, 1.0, 2.0], [7.0, 0.0, 1.0]):
        random.seed(4)
        parents = [random_parent([10]), random_parent([20])]
        parents[0].losses = losses
        child = child_of(*parents, options)
        children.append(snapshot(child))
    assert children[0] == children[1]


# Distance


def as_neat_python(genome: Genome) -> neat.DefaultGenome:
    """Return the same genes as objects of neat-python."""
    copy = neat.DefaultGenome(genome.key)
    for key, node in genome.nodes.items():
        copy.nodes[key] = DefaultNodeGene(key)
        copy.nodes[key].__dict__.update(asdict(node))
    for key, gene in genome.connections.items():
        copy.connections[key] = DefaultConnectionGene(key, innovation=gene.innovation)
        copy.connections[key].__dict__.update(asdict(gene))
    return copy


def test_the_distance_is_neat_pythons(family, busy):
    random.seed(5)
    distances = []
    for _ in range(400):
        one, other = random.choice(family), random.choice(family)
        distances.append(distance(one, other, busy))
        assert distances[-1] == neat.DefaultGenome.distance(as_neat_python(one), as_neat_python(other), busy)
    assert len(set(distances)) > 300


def test_literal_distances(make_config):
    options = make_config(INPUTS, OUTPUTS).genome_config
    assert (options.compatibility_disjoint_coefficient, options.compatibility_weight_coefficient) == (1.0, 0.5)
    one = genome_with([(-1, 0, 1.0), (-2, 0, 1.0)])
    other = genome_with([(-1, 0, 3.0)], biases=[0.25, 0.25, 1.25])
    assert distance(one, one, options) == 0
    # biases: 0.5 * 1.0 over three nodes; connections: 0.5 * 2.0 apart and one disjoint, over two
    assert distance(one, other, options) == distance(other, one, options) == 0.5 / 3 + (1.0 + 1) / 2
    assert distance(genome_with([]), genome_with([]), options) == 0
