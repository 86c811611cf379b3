"""Evaluation by changes gives the same bits as evaluation from nothing."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from neat.innovation import InnovationTracker

from agents.cases import Cases
from agents.neat import operators
from agents.neat.case_scorer import CaseScorer, in_process
from agents.neat.crossover import crossover
from agents.neat.editor import GenomeEditor
from agents.neat.genome import ConnectionGene, Genome, new_genome
from agents.neat.incremental import Incremental, can_be_incremental
from agents.neat.operators import mutate

INPUTS, OUTPUTS = 12, 3
_random = np.random.default_rng(4)
CASES = Cases(
    (_random.random((INPUTS, 70)) < 0.3).astype(np.float32), _random.random((OUTPUTS, 70)) < 0.4, recurrent=False
)


@pytest.fixture(scope="module")
def options(make_config):
    """Return the genome options of networks with few inputs, of which some have hidden nodes."""
    genome = {"connections_added": 3.0, "node_add_prob": 0.05, "node_delete_prob": 0.3}
    crossing = {"donors": 2, "modular_crossover": 0.6}
    options = make_config(INPUTS, OUTPUTS, genome=genome, operators=crossing).genome_config
    options.innovation_tracker = InnovationTracker()
    return options


def note(genomes: list[Genome], result) -> None:
    """Note at the genomes what they are worth, as the evaluator does."""
    for genome, losses in zip(genomes, result.losses.tolist(), strict=True):
        genome.losses, genome.loss, genome.fitness = losses, sum(losses), -sum(losses)


def children(parents: list[Genome], options, key: int) -> list[Genome]:
    """Return two of the parents themselves, and children of them."""
    bred = parents[:2]
    for number in range(len(parents)):
        first, second, *donors = random.choices(parents, k=4)
        editor = crossover(first, second, options, donors)
        mutate(editor)
        bred.append(editor.finish(key + number))
    return bred


@pytest.mark.parametrize("kind", ["squared_hinge", "right_keys"])
@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 2**20))
def test_incremental_evaluation_equals_evaluation_from_scratch(options, kind, seed):
    random.seed(seed)
    scorer = CaseScorer(CASES, kind)
    by_changes, anew = Incremental(scorer), in_process(scorer)
    genomes = [new_genome(key, options) for key in range(8)]
    weights, used = None, 0
    for generation in range(12):
        if generation % 4 == 3:
            weights = np.random.default_rng(generation).uniform(0.5, 2, CASES.targets.shape).astype(np.float32)
        used += sum(bool(genome.rows) and not hasattr(genome, "loss") for genome in genomes)
        found, expected = by_changes.evaluate(genomes, weights), anew.evaluate(genomes, weights)
        assert found.losses.tobytes() == expected.losses.tobytes()
        assert found.plain.tobytes() == expected.plain.tobytes()
        assert found.right.tolist() == expected.right.tolist()
        note(genomes, found)
        genomes = children(genomes, options, 100 * (generation + 1))
    assert used > 10, "the children of these generations should be evaluated by their changes"


def changed(parent: Genome, options, key: tuple[int, int], weight: float, enabled: bool = True) -> Genome:
    """Return a child with one more connection."""
    editor = GenomeEditor(parent, options)
    editor.connections[key] = ConnectionGene(key, 1, weight, enabled)
    return editor.finish(2)


def test_outputs_that_nothing_changed_keep_their_row(options):
    random.seed(1)
    parent = new_genome(1, options)
    incremental = Incremental(CaseScorer(CASES, "squared_hinge"))
    note([parent], incremental.evaluate([parent], None))
    child = changed(parent, options, (-1, 1), 0.5)
    incremental.evaluate([child], None)
    kept = [child.rows[output] is parent.rows[output] for output in range(OUTPUTS)]
    assert kept == [True, False, True]
    assert (child.rows[1].sums - parent.rows[1].sums).tolist() == (CASES.inputs[0] / 2).tolist()


def documented_operator():
    """Return the mutation that is the example of CONTRIBUTING.md, as if it stood in `agents/neat/operators.py`."""
    text = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text("utf-8")
    (example,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "GenomeEditor" in block)
    function, registration = example.split("MUTATIONS")
    names = dict(vars(operators))
    exec(function, names)
    return names[registration.split()[-1].rstrip("]")]


def turn_over(editor: GenomeEditor) -> None:
    """An operator that replaces, adds and deletes genes of all kinds."""
    for node in list(editor.nodes.values()):
        if random.random() < 0.2:
            editor.nodes[node.key] = replace(node, bias=-node.bias)
    for key, gene in random.sample(list(editor.connections.items()), min(3, len(editor.connections))):
        del editor.connections[key]
        other = (key[0], random.randrange(OUTPUTS))
        editor.connections[other] = replace(gene, key=other, enabled=random.random() < 0.8)


def shrink(editor: GenomeEditor) -> None:
    """An operator that leaves the grid of weights, where sums in single precision are not exact."""
    for key, gene in list(editor.connections.items()):
        if random.random() < 0.05:
            editor.connections[key] = replace(gene, weight=gene.weight * 0.7)


@pytest.mark.parametrize("operator", [documented_operator(), turn_over, shrink])
@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**20))
def test_an_operator_that_only_replaces_genes_gives_the_fitness_of_a_full_evaluation(
    options, monkeypatch, operator, seed
):
    monkeypatch.setattr(operators, "MUTATIONS", [*operators.MUTATIONS, operator])  # the line that registers it
    random.seed(seed)
    scorer = CaseScorer(CASES, "squared_hinge")
    incremental, in_full = Incremental(scorer), in_process(scorer)
    genomes = [new_genome(key, options) for key in range(8)]
    for generation in range(8):
        found, expected = incremental.evaluate(genomes, None), in_full.evaluate(genomes, None)
        assert found.losses.tobytes() == expected.losses.tobytes()
        assert found.right.tolist() == expected.right.tolist()
        note(genomes, found)
        genomes = children(genomes, options, 100 * (generation + 1))


@pytest.mark.parametrize(
    ("key", "weight", "kept"),
    [((-1, 0), 0.5, True), ((-1, 0), 0.1, False), ((-1, 0), 2.0**15, False)],
)
def test_only_sums_that_are_exact_are_kept(options, key, weight, kept):
    scorer = CaseScorer(CASES, "squared_hinge")
    incremental, parent = Incremental(scorer), new_genome(1, options)
    incremental.evaluate([parent], None)
    for child in (changed(parent, options, key, weight), changed(Genome(1, parent.nodes), options, key, weight)):
        found = incremental.evaluate([child], None)
        assert found.losses.tobytes() == in_process(scorer).evaluate([child], None).losses.tobytes()
        assert bool(child.rows) == kept


def test_a_connection_from_an_output_is_refused_by_changes_as_in_full(options):
    incremental, parent = Incremental(CaseScorer(CASES, "squared_hinge")), new_genome(1, options)
    incremental.evaluate([parent], None)
    with pytest.raises(ValueError, match="a connection starts at an output"):
        incremental.evaluate([changed(parent, options, (0, 1), 0.5)], None)


def test_an_output_that_scales_its_sum_is_worth_the_same_by_changes(options):
    parent, scorer = new_genome(1, options), CaseScorer(CASES, "squared_hinge")
    incremental = Incremental(scorer)
    incremental.evaluate([parent], None)
    scaled = Genome(2, {**parent.nodes, 0: replace(parent.nodes[0], response=1.5, bias=0.1)}, parent.connections)
    scaled.rows = parent.rows
    found, expected = incremental.evaluate([scaled], None), in_process(scorer).evaluate([scaled], None)
    assert found.losses.tobytes() == expected.losses.tobytes()
    assert scaled.rows[0].sums is parent.rows[0].sums


def test_only_losses_that_belong_to_one_output_can_be_kept():
    recurrent = Cases(CASES.inputs, CASES.targets, recurrent=True)
    assert can_be_incremental(CASES, "squared_hinge")
    assert not can_be_incremental(CASES, "right_steps")
    assert not can_be_incremental(recurrent, "squared_hinge")
