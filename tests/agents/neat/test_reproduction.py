"""Reproduction: selection of parents, mating, species sizes, and elites."""

import random
from collections import Counter
from statistics import median

import neat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.reproduction import LARGEST_POOL, Parents

OUTPUTS, TRIBES = 3, 4
INPUTS = OUTPUTS * TRIBES
STILL = {"connections_added": 0.0, "conn_delete_prob": 0.0, "node_add_prob": 0.0, "node_delete_prob": 0.0}
"""Mutation that changes no structure."""
PLAIN = {"modular_crossover": 0.0, "loss_weighted_output": 0.0}


@pytest.fixture(autouse=True)
def same_draws():
    random.seed(1)


def member(key: int, tribe: int, losses: list[float], bias: float = 0.0) -> Genome:
    """Return a genome whose connections identify its tribe: members of two tribes have none in common."""
    weights = {(-1 - OUTPUTS * tribe - output, output): key / 1024 for output in range(OUTPUTS)}
    genes = {ends: ConnectionGene(ends, 1 + OUTPUTS * tribe + ends[1], weight) for ends, weight in weights.items()}
    genome = Genome(key, {output: NodeGene(output, bias) for output in range(OUTPUTS)}, genes)
    genome.losses, genome.loss, genome.right = losses, sum(losses), 0
    genome.fitness = -genome.loss
    return genome


def tribes_of(genome: Genome) -> set[int]:
    return {(-1 - source) // OUTPUTS for source, _ in genome.connections}


def the_tribe_of(genome: Genome) -> int:
    (tribe,) = tribes_of(genome)
    return tribe


def parents_of(children: list[Genome]) -> set[int]:
    """Return the keys encoded in many weights of the children, those that mutation left unchanged."""
    weights = Counter(round(gene.weight * 1024) for child in children for gene in child.connections.values())
    return {key for key, count in weights.items() if count >= 8}


def snapshot(genome: Genome) -> tuple:
    connections = {key: (gene.weight, gene.enabled) for key, gene in genome.connections.items()}
    return connections, {key: gene.bias for key, gene in genome.nodes.items()}


@pytest.fixture(scope="module")
def breed(make_config):
    """Return a function that breeds the next generation of a population."""

    def breed(population: list[Genome], size: int, generation: int = 1, evolve=None, operators=PLAIN, **species):
        species = {"target_species": 0, "compatibility_threshold": 1.5, "interspecies_mating": 0.0, **species}
        evolve = {"selection": "truncation", "elitism": 0, **(evolve or {})}
        config = make_config(INPUTS, OUTPUTS, genome=STILL, evolve=evolve, species=species, operators=operators)
        reporters = neat.reporting.ReporterSet()
        species_set = config.species_set_type(config.species_set_config, reporters)
        species_set.speciate(config, {genome.key: genome for genome in population}, generation)
        stagnation = config.stagnation_type(config.stagnation_config, reporters)
        reproduction = config.reproduction_type(config.reproduction_config, reporters, stagnation)
        for _ in range(1000):  # children get keys above those of their parents
            next(reproduction.genome_indexer)
        children = reproduction.reproduce(config, species_set, size, generation)
        assert all(key == genome.key for key, genome in children.items())
        return list(children.values())

    return breed


# How many


@given(data=st.data())
def test_the_size_of_the_population_is_exact(breed, data):
    sizes = data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=TRIBES))
    elitism = data.draw(st.integers(0, 4))
    size = data.draw(st.integers(max(4, elitism), 40))
    loss = st.floats(0, 1e6)
    tribes = [tribe for tribe, count in enumerate(sizes) for _ in range(count)]
    population = [member(key, tribe, [data.draw(loss)] * OUTPUTS) for key, tribe in enumerate(tribes, start=1)]
    evolve = {
        "elitism": elitism,
        "selection": data.draw(st.sampled_from(["truncation", "lexicase"])),
        "survival_threshold": data.draw(st.sampled_from([0.01, 0.2, 1.0])),
    }
    sharing = data.draw(st.sampled_from(["normalized", "canonical"]))
    mating = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    children = breed(population, size, evolve=evolve, fitness_sharing=sharing, interspecies_mating=mating)
    assert len(children) == size
    assert len({genome.key for genome in children}) == size


def test_many_species_of_one_beside_a_large_one_leave_room_for_each_other(breed):
    # neat-python's own correction of the sizes ends here with an error
    population = [member(key, 0, [0.0] * OUTPUTS) for key in range(1, 42)]
    for key in range(42, 61):
        population.append(member(key, 0, [9.0] * OUTPUTS, bias=10.0 * key))
    children = breed(population, 60, evolve={"elitism": 1}, fitness_sharing="normalized")
    assert len(children) == 60
    assert {genome.key for genome in children if genome.key <= 60} == set(range(41, 61))


def test_canonical_sharing_gives_offspring_in_proportion_to_the_mean_fitness_above_0(breed):
    # losses of 0 and 3 are worth 1 and 1/4: of 50 genomes 40 and 10
    tribes = [0] * 40 + [1] * 10
    population = [member(key, tribe, [tribe] * OUTPUTS) for key, tribe in enumerate(tribes, start=1)]
    children = breed(population, 50, fitness_sharing="canonical")
    assert Counter(map(the_tribe_of, children)) == {0: 40, 1: 10}


def test_a_species_goes_half_of_the_way_to_its_share(breed):
    tribes = [0] * 30 + [1] * 20
    population = [member(key, tribe, [tribe] * OUTPUTS) for key, tribe in enumerate(tribes, start=1)]
    children = breed(population, 50, fitness_sharing="canonical")
    assert Counter(map(the_tribe_of, children)) == {0: 35, 1: 15}


def test_normalized_sharing_gives_the_worst_species_next_to_nothing(breed):
    # the mean fitness above the worst genome: 3, and 0
    tribes = [0] * 25 + [1] * 25
    population = [member(key, tribe, [tribe] * OUTPUTS) for key, tribe in enumerate(tribes, start=1)]
    children = breed(population, 50, fitness_sharing="normalized")
    # half of the way from 25 to 50, and from 25 to 1
    assert Counter(map(the_tribe_of, children)) == {0: 37, 1: 13}


def test_a_stagnant_species_dies_but_not_the_best_ones(make_config):
    config = make_config(
        INPUTS,
        OUTPUTS,
        genome=STILL,
        operators=PLAIN,
        evolve={"elitism": 1},
        species={
            "target_species": 0,
            "compatibility_threshold": 1.5,
            "interspecies_mating": 0.0,
            "max_stagnation": 3,
            "species_elitism": 2,
        },
    )
    reporters = neat.reporting.ReporterSet()
    species_set = config.species_set_type(config.species_set_config, reporters)
    stagnation = config.stagnation_type(config.stagnation_config, reporters)
    reproduction = config.reproduction_type(config.reproduction_config, reporters, stagnation)
    alive = []
    for generation in range(4):
        population = {1 + tribe: member(1 + tribe, tribe, [tribe] * OUTPUTS) for tribe in range(TRIBES)}
        species_set.speciate(config, population, generation)
        reproduction.reproduce(config, species_set, 20, generation)
        alive.append(len(species_set.species))
    assert alive == [4, 4, 4, 2]


# Who lives on


@pytest.mark.parametrize("selection", ["truncation", "lexicase"])
@pytest.mark.parametrize("elitism", [0, 1, 3])
def test_the_elites_of_every_species_live_on_unchanged(breed, elitism, selection):
    population = [member(key, key % TRIBES, [float(key)] * OUTPUTS) for key in range(1, 41)]
    before = {genome.key: snapshot(genome) for genome in population}
    children = breed(population, 40, evolve={"elitism": elitism, "selection": selection})
    # the best of a tribe are those with the smallest keys
    elites = {key for key in range(1, 41) if (key - 1) // TRIBES < elitism}
    assert {genome.key for genome in children if genome.key <= 40} == elites
    for genome in children:
        if genome.key in elites:
            assert snapshot(genome) == before[genome.key]
            assert genome.fitness == -OUTPUTS * genome.key
    # and the others were not changed either
    assert {genome.key: snapshot(genome) for genome in population} == before


def test_children_were_not_evaluated_yet(breed):
    population = [member(key, key % TRIBES, [float(key)] * OUTPUTS) for key in range(1, 21)]
    children = breed(population, 20, evolve={"elitism": 1})
    assert all(genome.fitness is None for genome in children if genome.key > 20)


# Who has children


def test_children_know_their_parents(breed):
    population = [member(key, key % TRIBES, [float(key)] * OUTPUTS) for key in range(1, 21)]
    children = breed(population, 40)
    assert len({child.parents for child in children}) > 8
    for child in children:
        assert {key % TRIBES for key in child.parents} == tribes_of(child)


def test_children_know_which_operators_changed_them(breed):
    population = [member(key, key % 2, [float(key)] * OUTPUTS) for key in range(1, 21)]
    seen = set()
    for child in breed(population, 40):
        mated = child.operators[:-1]
        seen.add(mated)
        assert child.operators[-1] == "change_values"  # no other mutation has anything to do
        assert mated in ((), ("mix_genes",)) if len(set(child.parents)) > 1 else mated == ()
    assert seen == {(), ("mix_genes",)}


def test_only_the_best_of_a_species_have_children_by_truncation(breed):
    population = [member(key, 0, [float(key)] * OUTPUTS) for key in range(1, 41)]
    children = breed(population, 200, evolve={"survival_threshold": 0.1})
    assert parents_of(children) == {1, 2, 3, 4}


def test_without_interspecies_mating_children_have_the_genes_of_their_species(breed):
    population = [member(key, key % TRIBES, [random.random() for _ in range(OUTPUTS)]) for key in range(1, 41)]
    children = breed(
        population, 80, operators={"modular_crossover": 1.0, "loss_weighted_output": 0.0}, interspecies_mating=0.0
    )
    assert {frozenset(tribes_of(child)) for child in children} == {frozenset({tribe}) for tribe in range(TRIBES)}


@pytest.mark.parametrize("selection", ["truncation", "lexicase"])
def test_with_interspecies_mating_modules_of_one_species_reach_the_others(breed, selection):
    # every tribe but the last is good at an output of its own
    population = [
        member(key, key % TRIBES, [0.0 if output == key % TRIBES else 5.0 for output in range(OUTPUTS)])
        for key in range(1, 41)
    ]
    mixed = {"operators": {"modular_crossover": 1.0, "loss_weighted_output": 0.0}, "evolve": {"selection": selection}}
    children = breed(population, 80, interspecies_mating=1.0, **mixed)
    assert sum(len(tribes_of(child)) > 1 for child in children) > 20
    assert any(tribes_of(child) >= {0, 1} for child in children)


# Lexicase selection


def chosen(losses: list[list[float]], times: int = 300) -> Counter:
    """Return how often each genome is chosen, by its index."""
    genomes = [member(key, 0, list(own)) for key, own in enumerate(losses)]
    return Counter(Parents(genomes, "lexicase").choose().key for _ in range(times))


def test_lexicase_chooses_specialists_rather_than_what_is_good_on_average():
    losses = [[0, 9, 9], [9, 0, 9], [9, 9, 0], [4, 4, 4], [9, 9, 9]]
    counts = chosen(losses)
    assert set(counts) == {0, 1, 2}
    assert min(counts.values()) > 60


def test_lexicase_always_chooses_what_is_best_at_everything():
    assert chosen([[1, 1, 1], [2, 2, 2], [9, 1.5, 3], [0, 0, 0]]) == {3: 300}


def test_lexicase_ignores_small_differences():
    # at output 0 the deviations from the median 1 are 1, 0, 0.9, 99, 99: losses up to 1 are as good as 0
    counts = chosen([[0, 5, 5], [1, 0, 0], [0.1, 5, 5], [100, 5, 5], [100, 5, 5]])
    assert counts[1] > 250


def slowly(genomes: list[Genome]) -> Genome:
    """Choose by the definition: outputs in random order, each filtering all remaining genomes."""
    outputs, left = list(range(5)), genomes
    while outputs and len(left) > 1:
        index = int(random.random() * len(outputs))
        output, outputs[index] = outputs[index], outputs[-1]
        outputs.pop()
        losses = [genome.losses[output] for genome in left]
        deviation = median(abs(loss - median(losses)) for loss in losses)
        left = [genome for genome in left if genome.losses[output] <= min(losses) + deviation]
    return random.choice(left)


@pytest.mark.parametrize("count", [3, 30, LARGEST_POOL])
def test_lexicase_draws_as_if_every_output_looked_at_all_that_are_left(count):
    chance = random.Random(count)
    genomes = [Genome(key, {}, {}) for key in range(count)]
    for genome in genomes:
        genome.losses = [float(chance.randrange(1 + count // 5)) for _ in range(5)]
    parents = Parents(genomes, "lexicase")
    for seed in range(40):
        random.seed(seed)
        expected, state = slowly(genomes), random.getstate()
        random.seed(seed)
        assert (parents.choose(), random.getstate()) == (expected, state)


def test_a_large_species_is_dealt_out_to_pools_and_all_of_it_may_have_children():
    genomes = [Genome(key, {}, {}) for key in range(2 * LARGEST_POOL + 1)]
    for genome in genomes:
        genome.losses = [float(genome.key)] * 5  # the first ones are the best
    chosen = {Parents(genomes, "lexicase").choose().key for _ in range(200)}
    assert chosen == {0, 1, 2}  # the best of each of three pools


def test_lexicase_has_no_favourite_among_equals():
    counts = chosen([[1, 2, 3]] * 4, times=400)
    assert set(counts) == {0, 1, 2, 3}
    assert min(counts.values()) > 60


def test_lexicase_can_choose_from_one():
    assert chosen([[1, 2, 3]], times=5) == {0: 5}


def test_specialists_have_children_by_lexicase_and_not_by_truncation(breed):
    population = [member(1, 0, [0.0, 50.0, 50.0]), member(2, 0, [50.0, 0.0, 50.0]), member(3, 0, [50.0, 50.0, 0.0])]
    population += [member(key, 0, [10.0] * OUTPUTS) for key in range(4, 24)]
    parents = {}
    for selection in ("lexicase", "truncation"):
        children = breed(population, 100, evolve={"selection": selection, "survival_threshold": 0.2})
        parents[selection] = parents_of(children)
    assert {1, 2, 3} <= parents["lexicase"]
    assert parents["truncation"] == {19, 20, 21, 22, 23}
