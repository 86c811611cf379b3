"""Species: membership, merging, and their number."""

import random

import neat
import pytest

from agents.neat.counters import make_population
from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.species import distance

THRESHOLD = 1.0


@pytest.fixture
def species_set(make_config):
    """Return a function that makes an empty species set that aims at a number of species; 0: no aim."""

    def make(target: int = 0, threshold: float = THRESHOLD):
        config = make_config(2, 1, species={"target_species": target, "compatibility_threshold": threshold})
        made = config.species_set_type(config.species_set_config, neat.reporting.ReporterSet())
        made.config = config
        return made

    return make


def genome_at(key: int, place: float) -> Genome:
    """Return a genome on a line: the distance of two of them is that of their positions."""
    # a difference in weight counts half
    genome = Genome(key, {0: NodeGene(0, 0.0)}, {(-1, 0): ConnectionGene((-1, 0), 1, 2 * place)})
    genome.fitness, genome.loss, genome.losses, genome.right = 0.0, 0.0, [0.0], 0
    return genome


def population_at(*places: float) -> dict[int, Genome]:
    return {key: genome_at(key, place) for key, place in enumerate(places, start=1)}


def divide(species_set, population: dict[int, Genome], generation: int = 0) -> set[frozenset[int]]:
    """Return the keys of the genomes of each species."""
    species_set.speciate(species_set.config, population, generation)
    return {frozenset(one.members) for one in species_set.species.values()}


def test_distances_are_those_of_the_positions(species_set):
    options = species_set().config.genome_config
    assert distance(genome_at(1, 0.25), genome_at(2, 3.0), options) == 2.75


def test_compatible_genomes_are_of_one_species(species_set):
    assert divide(species_set(), population_at(0, 0.5, 5, 5.75, 9)) == {
        frozenset({1, 2}),
        frozenset({3, 4}),
        frozenset({5}),
    }


def test_genomes_at_the_threshold_are_of_different_species(species_set):
    assert divide(species_set(), population_at(0, THRESHOLD)) == {frozenset({1}), frozenset({2})}
    assert divide(species_set(), population_at(0, THRESHOLD - 0.125)) == {frozenset({1, 2})}


def test_every_genome_belongs_to_exactly_one_species_and_is_compatible_with_its_representative(species_set):
    random.seed(0)
    population = population_at(*(random.randrange(80) / 8 for _ in range(200)))
    set_of = species_set()
    divided = divide(set_of, population)
    assert sorted(key for keys in divided for key in keys) == sorted(population)
    options = set_of.config.genome_config
    for key, one in set_of.species.items():
        for member in one.members.values():
            assert distance(member, one.representative, options) < THRESHOLD
            assert set_of.get_species_id(member.key) == key
            assert set_of.get_species(member.key) is one


def test_a_species_keeps_its_key_from_generation_to_generation(species_set):
    set_of = species_set()
    divide(set_of, population_at(0, 5))
    keys = {set_of.get_species_id(1): 0.25, set_of.get_species_id(2): 5.25}
    children = {10: genome_at(10, 5.25), 11: genome_at(11, 0.25)}
    divide(set_of, children, 1)
    assert {set_of.get_species_id(11): 0.25, set_of.get_species_id(10): 5.25} == keys


def test_a_species_knows_that_of_the_parents_of_its_first_member(species_set):
    set_of = species_set()
    divide(set_of, population_at(0, 5))
    home = set_of.get_species_id(2)
    children = {10: genome_at(10, 0), 11: genome_at(11, 9)}
    children[11].species = home
    divide(set_of, children, 1)
    assert {key: one.ancestor for key, one in set_of.species.items()} == {1: 0, 3: home}


def test_species_whose_representatives_have_become_compatible_merge(species_set):
    set_of = species_set()
    divide(set_of, population_at(0, 5))
    first, second = (set_of.species[set_of.get_species_id(key)] for key in (1, 2))
    first.representative, second.representative = genome_at(10, 2.0), genome_at(11, 2.5)
    assert divide(set_of, {12: genome_at(12, 2.25), 13: genome_at(13, 2.0)}, 1) == {frozenset({12, 13})}
    assert set(set_of.species) == {first.key}  # the older one goes on


def test_species_that_stay_apart_do_not_merge(species_set):
    set_of = species_set()
    divide(set_of, population_at(0, 5))
    assert len(divide(set_of, population_at(0.25, 4.75, 0.5), 1)) == 2


def test_a_species_without_members_dies(species_set):
    set_of = species_set()
    divide(set_of, population_at(0, 5, 9))
    assert divide(set_of, population_at(5), 1) == {frozenset({1})}


def test_the_key_of_a_species_is_never_given_again(species_set):
    set_of, known = species_set(), set()
    for generation in range(5):
        divide(set_of, {10 + generation: genome_at(10 + generation, 5.0 * generation)}, generation)
        known |= set(set_of.species)
    assert len(known) == 5


@pytest.mark.parametrize(("target", "threshold"), [(2, 0.1), (12, 100.0)])
def test_the_number_of_species_is_steered_to_its_target(species_set, target, threshold):
    random.seed(target)
    set_of = species_set(target, threshold)
    places = [random.uniform(0, 30) for _ in range(40)]
    counts = []
    for generation in range(240):
        population = {key: genome_at(key, place) for key, place in enumerate(places, start=40 * generation)}
        divide(set_of, population, generation)
        counts.append(len(set_of.species))
    assert counts[0] != target
    settled = counts[160:]
    assert sum(settled) / len(settled) == pytest.approx(target, abs=1)
    assert max(settled) <= 1.5 * target


@pytest.mark.parametrize("target", [0, 3])
def test_a_threshold_stays_where_nothing_is_to_be_steered(species_set, target):
    set_of = species_set(target)
    for generation in range(20):
        assert len(divide(set_of, population_at(0, 5, 9), generation)) == 3
    # genomes are told apart as at the beginning
    assert len(divide(set_of, population_at(0, 0.875, 5, 5.875, 9, 9.875), 20)) == 3
    assert len(divide(set_of, population_at(20, 21, 22, 23), 21)) == 4


def test_weights_that_grow_are_no_stagnation(make_config):
    config = make_config(2, 1, species={"max_stagnation": 3, "species_elitism": 0, "target_species": 0})
    reporters = neat.reporting.ReporterSet()
    set_of = config.species_set_type(config.species_set_config, reporters)
    stagnation = config.stagnation_type(config.stagnation_config, reporters)
    ends = {}
    for name, progress in (("fitness falls, loss falls", 1.0), ("fitness falls, loss stays", 0.0)):
        for generation in range(8):
            population = population_at(0, 0.25)
            for genome in population.values():
                genome.fitness, genome.loss = -10.0 - generation, 50.0 - progress * generation
            set_of.speciate(config, population, generation)
            ((_, _, stagnant),) = stagnation.update(set_of, generation)
            ends.setdefault(name, []).append(stagnant)
        set_of.species.clear()
    assert not any(ends["fitness falls, loss falls"])
    assert ends["fitness falls, loss stays"][-1]


def test_far_too_many_species_raise_the_threshold_at_once(make_config):
    config = make_config(8, 3, evolve={"population_size": 300}, species={"compatibility_threshold": 0.001})
    assert len(make_population(config).species.species) <= 60
    fixed = make_config(
        8, 3, evolve={"population_size": 300}, species={"compatibility_threshold": 0.001, "target_species": 0}
    )
    assert len(make_population(fixed).species.species) == 300
