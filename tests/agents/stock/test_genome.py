"""Our fast genome is neat-python's, gene for gene: order of dictionaries, bits of numbers, species, random state."""

import copy
import pickle
import random

import neat
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neat.species import GenomeDistanceCache

from agents.cases import memory_cases, xor_cases
from agents.fitness import squared_hinge
from agents.networks.phenotype import Layout, outputs_in_chunks
from agents.stock import hatching
from agents.stock.draws import Uniforms, normals
from agents.stock.genome import StockGenome
from agents.stock.mutation import FloatRates
from agents.stock.species import DistanceTable, StockReproduction, StockSpeciesSet
from songs.catalog import find_song
from tests.agents.stock_runs import NEAT, OURS, arrays, configuration, diary, genes, weight_sum

XOR = xor_cases()


def by_activate(cases):
    """The usual fitness function of a user of neat-python: minus the squared errors of `activate`."""

    def fitness(genomes, config):
        for _, genome in genomes:
            network = neat.nn.FeedForwardNetwork.create(genome, config)
            errors = [
                (output - target) ** 2
                for case, targets in zip(cases.inputs.T.tolist(), cases.targets.T.tolist(), strict=True)
                for output, target in zip(network.activate(case), targets, strict=True)
            ]
            genome.fitness = -sum(errors)

    return fitness


def in_batches(cases):
    """The same kind of fitness from networks of the whole population at once."""
    layout, weights = Layout(cases.inputs, len(cases.targets)), np.ones(cases.targets.shape, dtype=np.float32)

    def fitness(genomes, config):
        members = [genome for _, genome in genomes]
        for places, outputs in outputs_in_chunks(members, layout):
            for place, losses in zip(places, squared_hinge(outputs, cases.targets, weights).tolist(), strict=True):
                members[place].fitness = -sum(losses)

    return fitness


def same_run(tmp_path, fitness=weight_sum, generations=15, seed=1, classes=OURS, ends=False, **options):
    """Assert that both kinds of classes do the same, to the end unless it `ends` before, and return what they did."""
    expected = diary(configuration(tmp_path / "neat.ini", NEAT, **options), fitness, generations, seed)
    actual = diary(configuration(tmp_path / "ours.ini", classes, **options), fitness, generations, seed)
    for place, (one, other) in enumerate(zip(actual, expected, strict=True)):
        assert one == other, f"they differ from entry {place} on"
    assert ends or isinstance(actual[-1], list), actual[-1]
    return actual


# --- whole runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_xor_with_the_usual_fitness_function(tmp_path, seed):
    same_run(tmp_path, by_activate(XOR), 25, seed, num_inputs=2, num_outputs=1, pop_size=40)


def test_xor_evaluated_in_batches(tmp_path):
    options = dict(num_inputs=2, num_outputs=1, pop_size=40, conn_add_prob=0.8, node_add_prob=0.5)
    pages = same_run(tmp_path, in_batches(XOR), 25, **options)
    assert max(len(values) for *_, values in pages[-1]) > 5  # hidden nodes come about


@pytest.mark.parametrize("num_hidden", [0, 6])
def test_the_grasshopper_with_a_configuration_of_many_inputs(tmp_path, num_hidden):
    cases = memory_cases([find_song("grasshopper")], 32, 8)
    options = dict(num_inputs=416, num_outputs=13, pop_size=40, num_hidden=num_hidden, compatibility_threshold=3.0)
    options |= dict(initial_connection="unconnected", conn_add_prob=0.9, conn_delete_prob=0.1, node_add_prob=0.2)
    pages = same_run(tmp_path, in_batches(cases), 20, **options)
    assert np.mean([len(links) for *_, links, _ in pages[-1]]) > 5


SPECIAL = {
    **{
        f"initial {kind}": {"initial_connection": kind, "num_hidden": hidden}
        for kind in ("unconnected", "fs_neat_nohidden", "fs_neat", "fs_neat_hidden", "full_nodirect", "full")
        for hidden in (0, 2)
    },
    "initial partial_direct": {"initial_connection": "partial_direct 0.5", "num_hidden": 3},
    "initial partial_nodirect": {"initial_connection": "partial_nodirect 0.5", "num_hidden": 3},
    "initial partial": {"initial_connection": "partial 0.5", "num_hidden": 1},
    "one structural mutation at most": {"single_structural_mutation": True},
    "one structural mutation, surely": {"single_structural_mutation": True, "initial_connection": "unconnected"},
    "surer": {"structural_mutation_surer": "true", "initial_connection": "unconnected", "conn_delete_prob": 0.6},
    "not surer": {"structural_mutation_surer": "false", "single_structural_mutation": True},
    "surer with few places": {"structural_mutation_surer": "true", "num_inputs": 1, "num_outputs": 1},
    "recurrent": {"feed_forward": False, "initial_connection": "full_direct", "num_hidden": 2},
    "all numbers mutate": {
        f"{name}_{key}": value
        for name in ("response", "time_constant", "bias")
        for key, value in (("mutate_rate", 0.5), ("replace_rate", 0.2), ("mutate_power", 0.4), ("init_stdev", 0.7))
    },
    "numbers are replaced uniformly": {
        f"{name}_{key}": value
        for name in ("response", "weight", "bias")
        for key, value in (("init_type", "uniform"), ("replace_rate", 0.3), ("mutate_rate", 0.3), ("init_stdev", 0.7))
    },
    "numbers reach their limits": {"weight_min_value": -0.5, "weight_max_value": 0.0, "bias_max_value": 0.3},
    "nothing mutates but structure": {"weight_mutate_rate": 0.0, "weight_replace_rate": 0.0, "enabled_mutate_rate": 0.0}
    | {"bias_mutate_rate": 0.0, "bias_replace_rate": 0.0},
    "functions mutate": {
        "activation_options": "tanh relu sigmoid sin",
        "activation_default": "random",
        "activation_mutate_rate": 0.3,
        "aggregation_options": "sum max",
        "aggregation_mutate_rate": 0.2,
    },
    "connections are often disabled": {"enabled_mutate_rate": 0.5, "enabled_default": "random", "node_add_prob": 0.9},
    "connections are enabled more often": {"enabled_rate_to_true_add": 0.3, "enabled_rate_to_false_add": 0.1},
    "connections are only disabled": {"enabled_mutate_rate": 0.0, "enabled_rate_to_false_add": 0.2},
    "one species": {"compatibility_threshold": 1000.0},
    "every genome a species": {"compatibility_threshold": 0.001, "pop_size": 12},
    "no elites": {"elitism": 0},
    "all breed": {"survival_threshold": 1.0},
    "species die out": {"max_stagnation": 2, "species_elitism": 1, "compatibility_threshold": 1.5},
    "everything dies out and begins again": {"max_stagnation": 1, "species_elitism": 0, "reset_on_extinction": True},
    "everything dies out": {"max_stagnation": 1, "species_elitism": 0},
}


@pytest.mark.parametrize("options", SPECIAL.values(), ids=SPECIAL.keys())
def test_special_configurations(tmp_path, options):
    same_run(tmp_path, generations=20, ends="max_stagnation" in options, **options)


rates = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    options=st.fixed_dictionaries(
        {
            "num_inputs": st.integers(1, 4),
            "num_outputs": st.integers(1, 3),
            "num_hidden": st.integers(0, 3),
            "pop_size": st.integers(10, 24),
            "feed_forward": st.booleans(),
            "initial_connection": st.sampled_from(
                ["unconnected", "fs_neat_hidden", "full_direct", "partial_direct 0.3"]
            ),
            "single_structural_mutation": st.booleans(),
            "structural_mutation_surer": st.sampled_from(["true", "false", "default"]),
            "enabled_default": st.sampled_from(["True", "False", "random"]),
            "enabled_rate_to_true_add": st.sampled_from([0.0, 0.0, 0.0, 0.2]),
            "activation_options": st.just("tanh relu"),
            "weight_init_type": st.sampled_from(["gaussian", "uniform"]),
            "bias_init_type": st.sampled_from(["gaussian", "uniform"]),
            "weight_init_mean": st.sampled_from([0.0, 0.3]),
            "time_constant_mutate_power": st.just(0.1),
            "compatibility_threshold": st.sampled_from([0.8, 2.0, 4.0]),
            "compatibility_weight_coefficient": st.sampled_from([0.5, 0.37]),
            "elitism": st.integers(0, 1),
            "survival_threshold": st.sampled_from([0.2, 0.6]),
            "max_stagnation": st.integers(2, 12),
            **{f"{name}_prob": rates for name in ("conn_add", "conn_delete", "node_add", "node_delete")},
            **{
                f"{name}_mutate_rate": rates
                for name in ("weight", "bias", "response", "time_constant", "activation", "aggregation", "enabled")
            },
            **{f"{name}_replace_rate": rates for name in ("weight", "bias", "time_constant")},
        }
    ),
    seed=st.integers(0, 2**32),
)
def test_any_configuration(tmp_path, options, seed):
    same_run(tmp_path, seed=seed, ends=True, **options)


@pytest.mark.parametrize(
    "classes",
    [
        (StockGenome, neat.DefaultReproduction, neat.DefaultSpeciesSet),
        (neat.DefaultGenome, StockReproduction, StockSpeciesSet),
    ],
    ids=["our genome in neat-python's species", "neat-python's genome in our species"],
)
def test_each_class_alone_takes_the_place_of_neat_pythons(tmp_path, classes):
    same_run(tmp_path, classes=classes)


def test_generations_too_large_for_a_table_are_computed_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(hatching, "LARGEST_TABLE", 0)
    same_run(tmp_path)


# --- genes as objects -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [OURS, (StockGenome, *NEAT[1:])], ids=["our species", "neat-python's species"])
def test_genes_looked_at_and_changed_from_outside_are_bred_like_neat_pythons(tmp_path, classes):
    def meddling(genomes, config):
        weight_sum(genomes, config)
        for key, genome in genomes:
            if key % 3 == 0:
                for gene in genome.connections.values():
                    gene.weight /= 2
                for gene in genome.nodes.values():
                    gene.activation = "relu"
            if key % 5 == 0 and genome.connections:
                del genome.connections[next(iter(genome.connections))]

    same_run(tmp_path, meddling, classes=classes)


def test_options_changed_in_mid_run_are_obeyed(tmp_path):
    def cooling(genomes, config):
        weight_sum(genomes, config)
        config.genome_config.weight_mutate_power *= 0.8
        config.genome_config.node_add_prob = 0.9 - config.genome_config.node_add_prob

    same_run(tmp_path, cooling)


@pytest.fixture
def bred(tmp_path):
    """Return a configuration and two parents with the same innovation numbers, some of them disabled."""

    def breed(**options):
        config = configuration(tmp_path / "bred.ini", **options).genome_config
        config.innovation_tracker = neat.innovation.InnovationTracker()
        random.seed(3)
        parents = [StockGenome(key) for key in (1, 2)]
        for parent, fitness in zip(parents, (2.0, 1.0), strict=True):
            parent.configure_new(config)
            parent.fitness = fitness
            for _ in range(8):
                parent.mutate(config)
        return config, parents

    return breed


def stock_twin(genome):
    """Return neat-python's genome with the same genes."""
    twin = neat.DefaultGenome(genome.key)
    twin.connections, twin.nodes = copy.deepcopy(genome.connections), copy.deepcopy(genome.nodes)
    twin.fitness = genome.fitness
    return twin


def test_options_changed_between_crossover_and_mutation_are_obeyed(bred):
    config, parents = bred()
    tracker = copy.deepcopy(config.innovation_tracker)
    children = []
    for kind, couple in ((StockGenome, parents), (neat.DefaultGenome, [stock_twin(parent) for parent in parents])):
        random.seed(5)
        config.innovation_tracker = copy.deepcopy(tracker)
        config.weight_mutate_power, config.node_indexer = 0.5, None
        family = [kind(key) for key in (7, 8)]
        for child, power in zip(family, (0.01, 3.0), strict=True):
            child.configure_crossover(*couple, config)
            config.weight_mutate_power = power
            child.mutate(config)
        children.append([genes(child) for child in family])
    assert children[0] == children[1]


def test_a_child_that_is_crossed_but_not_mutated_has_its_genes(bred):
    config, parents = bred()
    for repeat in range(5):
        random.seed(repeat)
        child, other = StockGenome(7), StockGenome(8)
        child.configure_crossover(*parents, config)
        other.configure_crossover(parents[1], parents[0], config)
        ours = genes(child), genes(other), random.random()
        random.seed(repeat)
        child, other = neat.DefaultGenome(7), neat.DefaultGenome(8)
        twins = [stock_twin(parent) for parent in parents]
        child.configure_crossover(*twins, config)
        other.configure_crossover(*twins, config)
        assert ours == (genes(child), genes(other), random.random())


def test_a_second_mutation_of_the_same_child_is_neat_pythons_too(bred):
    config, parents = bred(conn_add_prob=0.0, node_add_prob=0.0)
    results = []
    for kind, couple in ((StockGenome, parents), (neat.DefaultGenome, [stock_twin(parent) for parent in parents])):
        random.seed(5)
        child = kind(7)
        child.configure_crossover(*couple, config)
        child.mutate(config)
        child.mutate(config)
        results.append((genes(child), random.random()))
    assert results[0] == results[1]


def test_breeding_leaves_parents_as_they_are(bred):
    config, parents = bred()
    before = [genes(parent) for parent in parents]
    for key in range(20):
        child = StockGenome(10 + key)
        child.configure_crossover(*parents, config)
        child.mutate(config)
        for gene in child.connections.values():
            gene.weight, gene.enabled = 99.0, False
    assert [genes(parent) for parent in parents] == before


def test_a_child_inherits_every_connection_of_the_better_parent_so_no_circle_can_arise(bred):
    config, parents = bred(conn_add_prob=1.0, node_add_prob=1.0, initial_connection="full_direct", num_hidden=3)
    child = stock_twin(parents[0])
    child.connections, child.nodes = {}, {}
    child.configure_crossover(*[stock_twin(parent) for parent in parents], config)
    assert set(child.connections) == set(parents[0].connections)
    assert len(parents[0].connections) > 20


def test_a_parent_that_runs_in_circles_is_left_to_neat_python(bred):
    config, parents = bred(num_hidden=2, initial_connection="full_direct")
    hidden = [key for key in parents[0].nodes if key >= 2][:2]
    for parent in parents:
        for number, ends in enumerate([hidden, hidden[::-1]]):
            gene = neat.genes.DefaultConnectionGene(tuple(ends), innovation=900 + number)
            gene.weight, gene.enabled = 1.0, True
            parent.connections[tuple(ends)] = gene
    results = []
    for kind, couple in ((StockGenome, parents), (neat.DefaultGenome, [stock_twin(parent) for parent in parents])):
        random.seed(5)
        child = kind(7)
        child.configure_crossover(*couple, config)
        results.append(genes(child))
    assert results[0] == results[1]
    assert len(results[0][2]) == len(parents[0].connections) - 1


def test_an_innovation_number_with_two_meanings_is_refused(bred):
    config, parents = bred()
    first = next(iter(parents[0].connections.values()))
    parents[1].connections = {key: gene for key, gene in parents[1].connections.items() if key != first.key}
    gene = next(iter(parents[1].connections.values()))
    gene.innovation = first.innovation
    child = StockGenome(7)
    child.configure_crossover(*parents, config)
    with pytest.raises(ValueError, match="restore the innovation tracker"):
        child.size()


def test_a_parent_with_an_innovation_number_twice_is_left_to_neat_python(bred):
    config, parents = bred(conn_add_prob=0.0, node_add_prob=0.0)
    first, *_, last = parents[0].connections.values()
    first.innovation = last.innovation
    results = []
    for kind, couple in ((StockGenome, parents), (neat.DefaultGenome, [stock_twin(parent) for parent in parents])):
        random.seed(5)
        child = kind(7)
        child.configure_crossover(*couple, config)
        child.mutate(config)
        results.append((genes(child), random.random()))
    assert results[0] == results[1]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda genome: pickle.loads(pickle.dumps(genome))])
def test_copies_are_whole_even_of_a_child_that_is_not_computed_yet(bred, duplicate):
    config, parents = bred()
    child = StockGenome(7)
    child.configure_crossover(*parents, config)
    child.mutate(config)
    other = duplicate(child)
    assert genes(other) == genes(child)
    assert other.size() == child.size() == (len(child.nodes), sum(gene.enabled for gene in child.connections.values()))
    assert "brood" not in config.__getstate__()


def test_a_new_genome_is_empty_and_can_be_built_by_hand():
    genome = StockGenome(3)
    assert (genome.connections, genome.nodes, genome.size()) == ({}, {}, (0, 0))
    genome.nodes = {0: neat.genes.DefaultNodeGene(0)}
    assert list(genome.nodes) == [0]


def test_elites_do_not_keep_their_generation_and_ancestors_do_not_pile_up(tmp_path):
    population = neat.Population(configuration(tmp_path / "long.ini", compatibility_threshold=100.0), seed=1)
    population.run(weight_sum, 12)
    old = [genome for key, genome in population.population.items() if key not in population.reproduction.ancestors]
    assert len(old) == 1
    assert [len(genome.stored()[0]) for genome in old] == [1]
    assert len(population.reproduction.ancestors) == 23


# --- random draws and distances ---------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 50))
def test_draws_in_bulk_are_those_of_pythons_generator_to_the_bit(seed, count):
    random.seed(seed)
    expected = [random.random() for _ in range(count)]
    then = random.random()
    random.seed(seed)
    assert Uniforms(random.randbytes(8 * count))[:].tolist() == expected
    assert random.random() == then
    random.seed(seed)
    pairs = np.array([random.random() for _ in range(2 * count)])
    random.seed(seed)
    assert normals(pairs).tolist() == [random.gauss(0.0, 1.0) for _ in range(2 * count)]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_distances_are_neat_pythons_to_the_bit(tmp_path, seed):
    config = configuration(tmp_path / "far.ini", bias_init_stdev=0.1, compatibility_weight_coefficient=0.3)
    population = neat.Population(config, seed=seed)
    population.run(weight_sum, 6)
    members = list(population.population.values())
    twins = [stock_twin(copy.deepcopy(genome)) for genome in members]
    for one, twin in zip(members, twins, strict=True):
        expected = [twin.distance(other, config.genome_config) for other in twins]
        assert [one.distance(other, config.genome_config) for other in members] == expected
        assert arrays(one).weights.tolist() == [gene.weight for gene in twin.connections.values()]


def test_a_distance_asked_both_ways_is_the_one_that_was_computed_first(tmp_path):
    config = configuration(tmp_path / "both.ini", compatibility_weight_coefficient=0.3, num_inputs=8)
    members = list(neat.Population(config, seed=1).population.values())
    draw = random.Random(2)
    for genome in members:
        genome.connections = dict(draw.sample(list(genome.connections.items()), len(genome.connections)))
    twins = [stock_twin(copy.deepcopy(genome)) for genome in members]
    there_and_back = [
        (one.distance(other, config.genome_config), other.distance(one, config.genome_config))
        for one in twins
        for other in twins
    ]
    assert sum(there != back for there, back in there_and_back) > 50
    table, cache = DistanceTable(members, config.genome_config), GenomeDistanceCache(config.genome_config)
    for _ in range(60):
        one = draw.randrange(len(members))
        others = np.array(sorted(draw.sample(range(len(members)), 10)))
        expected = [cache(twins[one], twins[other]) for other in others]
        assert table.measure(members[one], others).tolist() == expected
    assert sum(len(places) for _, places, _ in table.computed) == cache.misses


def test_limits_are_kept_as_python_keeps_them_to_the_sign_of_a_zero(tmp_path):
    config = configuration(tmp_path / "zero.ini", weight_max_value=0.0, weight_min_value=-1.0).genome_config
    attribute, rates = neat.attributes.FloatAttribute("weight"), FloatRates.read(config, "weight")
    values = np.array([-0.0, 0.0, 0.5, -2.0])
    kept = rates.changed(values - 0.0, np.zeros(4), np.array([-0.0, 0.0, 0.0, 0.0]), np.zeros(4))
    expected = [
        attribute.clamp(value + (0.0 + z * 0.5), config) for value, z in zip(values, (-0.0, 0.0, 0.0, 0.0), strict=True)
    ]
    assert [value.hex() for value in kept.tolist()] == [float(value).hex() for value in expected]
