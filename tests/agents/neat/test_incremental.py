"""Evaluation by changes gives the same bits as evaluation from nothing."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from neat.innovation import InnovationTracker

from agents.cases import Cases
from agents.neat.case_scorer import CaseScorer, InProcess
from agents.neat.genome import Genome
from agents.neat.incremental import Incremental, can_be_incremental

INPUTS, OUTPUTS = 12, 3
_random = np.random.default_rng(4)
CASES = Cases(
    (_random.random((INPUTS, 70)) < 0.3).astype(np.float32), _random.random((OUTPUTS, 70)) < 0.4, recurrent=False
)


@pytest.fixture(scope="module")
def options(make_config):
    """Return the genome options of networks with few inputs, of which some have hidden nodes."""
    genome = {"connections_added": 3.0, "node_add_prob": 0.05, "node_delete_prob": 0.3}
    operators = {"donors": 2, "modular_crossover": 0.6}
    options = make_config(INPUTS, OUTPUTS, genome=genome, operators=operators).genome_config
    options.innovation_tracker = InnovationTracker()
    return options


def note(genomes: list[Genome], result) -> None:
    """Note at the genomes what they are worth, as the evaluator does."""
    for genome, losses in zip(genomes, result.losses.tolist(), strict=True):
        genome.losses, genome.fitness = losses, -sum(losses)


def children(parents: list[Genome], options, key: int) -> list[Genome]:
    """Return two of the parents themselves, and children of them."""
    bred = parents[:2]
    for number in range(len(parents)):
        child = Genome(key + number)
        first, second, *donors = random.choices(parents, k=4)
        child.configure_crossover(first, second, options, donors)
        child.mutate(options)
        bred.append(child)
    return bred


@pytest.mark.parametrize("kind", ["squared_hinge", "right_keys"])
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**20))
def test_generations_are_worth_the_same_by_changes_and_from_nothing(options, kind, seed):
    random.seed(seed)
    measure = CaseScorer(CASES, kind)
    by_changes, anew = Incremental(measure), InProcess(measure)
    genomes = [Genome(key) for key in range(8)]
    for genome in genomes:
        genome.configure_new(options)
    weights, used = None, 0
    for generation in range(12):
        if generation % 4 == 3:
            weights = np.random.default_rng(generation).uniform(0.5, 2, CASES.targets.shape).astype(np.float32)
        used += sum(bool(genome.rows and genome.changes) for genome in genomes)
        found, expected = by_changes.evaluate(genomes, weights), anew.evaluate(genomes, weights)
        assert found.losses.tobytes() == expected.losses.tobytes()
        assert found.plain.tobytes() == expected.plain.tobytes()
        assert found.right.tolist() == expected.right.tolist()
        note(genomes, found)
        genomes = children(genomes, options, 100 * (generation + 1))
    assert used > 10, "the children of these generations should be evaluated by their changes"


def test_outputs_that_nothing_changed_keep_their_row(options):
    random.seed(1)
    parent, child = Genome(1), Genome(2)
    parent.configure_new(options)
    evaluated = Incremental(CaseScorer(CASES, "squared_hinge"))
    note([parent], evaluated.evaluate([parent], None))
    child.configure_crossover(parent, parent, options)
    gene = options.connection_gene_type((-1, 1), innovation=1)
    gene.weight, gene.enabled = 0.5, True
    child._put(gene)
    evaluated.evaluate([child], None)
    kept = [own is others for own, others in zip(child.rows, parent.rows, strict=True)]
    assert kept == [True, False, True]
    assert (child.rows[1].sums - parent.rows[1].sums).tolist() == (CASES.inputs[0] / 2).tolist()


def test_an_output_that_scales_its_sum_is_evaluated_anew(options):
    genomes = [Genome(1), Genome(2)]
    for genome in genomes:
        genome.configure_new(options)
    genomes[0].nodes[0] = genomes[0].nodes[0].copy()
    genomes[0].nodes[0].response = 1.5
    measure = CaseScorer(CASES, "squared_hinge")
    found = Incremental(measure).evaluate(genomes, None)
    assert found.losses.tobytes() == InProcess(measure).evaluate(genomes, None).losses.tobytes()
    assert [genome.rows is None for genome in genomes] == [True, False]


def test_only_losses_that_belong_to_one_output_can_be_kept():
    recurrent = Cases(CASES.inputs, CASES.targets, recurrent=True)
    assert can_be_incremental(CASES, "squared_hinge")
    assert not can_be_incremental(CASES, "right_steps")
    assert not can_be_incremental(recurrent, "squared_hinge")
