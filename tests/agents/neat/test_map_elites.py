"""MAP-Elites: every cell keeps the best that was found for it, and a run goes on from a state to the same bits."""

import json

import numpy as np
import pytest

from agents.cases import memory_cases
from agents.neat.genome_json import genome_to_json
from agents.neat.improvisation import ImprovisationEvaluator, PlayedInputGuide
from agents.neat.map_elites import MapElites, MapElitesOptions, MelodyMap
from songs.keyboard import KEYS
from songs.options import OptionError
from songs.song import Song

MEMORY, STEPS = 4, 12
PLAIN = {
    "evolve": {"population_size": 12, "selection": "truncation"},
    "species": {"fitness_sharing": "normalized"},
    "improvise": {"listener": "theory"},
    "operators": {"modular_crossover": 0.0, "loss_weighted_output": 0.0, "error_reweighting": 0.0},
    "genome": {"node_add_prob": 0.3, "node_delete_prob": 0.05},
}


def likes_high_keys(rolls, targets=None):
    """Pay for every note by its height, and take off a key beside another."""
    return (rolls * np.arange(KEYS)).sum(axis=2).astype(np.float32) / KEYS - 2 * (rolls.sum(axis=2) > 1)


def measure(rolls):
    """Return the notes and the different keys of rolls (R, T, K)."""
    return np.stack([rolls.sum(axis=(1, 2)), rolls.any(axis=1).sum(axis=1)], axis=1).astype(float)


MAP = MelodyMap(measure, np.array([0.0, 0.0]), np.array([30.0, 6.0]), 3)


@pytest.fixture
def start(make_config):
    """Return a function that begins a run."""
    prompts = np.zeros((2, 1, KEYS), dtype=bool)
    prompts[1, 0, 4] = True
    cases = memory_cases([Song("s", np.zeros((STEPS, KEYS), dtype=bool))], MEMORY, 1)

    def start() -> MapElites:
        config = make_config(len(cases.inputs), KEYS, None, **PLAIN)
        config.genome_config.guide = PlayedInputGuide(1, MEMORY)
        evaluator = ImprovisationEvaluator(cases, likes_high_keys, prompts, STEPS, MEMORY)
        return MapElites(config, evaluator, MAP, 3, worst=-4.0)

    return start


def genomes(run: MapElites) -> dict:
    return {cell: genome_to_json(genome, MEMORY * KEYS, KEYS) for cell, genome in run.elites.items()}


def test_a_cell_is_the_mean_of_the_features_and_the_edges_hold_what_is_beyond():
    rolls = np.zeros((4, 2, STEPS, KEYS), dtype=bool)
    rolls[1, :, :10, 7] = True  # 10 notes of one key from both prompts
    rolls[2, 0, :10, 2:5] = True  # 30 notes of three keys from one prompt, silence from the other
    rolls[3] = True
    assert MAP.cells_of(rolls) == [(0, 0), (1, 0), (1, 0), (2, 2)]


def test_no_cell_loses_quality_and_the_figures_follow_the_cells(start):
    run, before, figures = start(), {}, []
    for _ in range(12):
        row = run.step()
        qualities = {cell: -genome.loss for cell, genome in run.elites.items()}
        assert qualities.keys() >= before.keys()
        assert all(qualities[cell] >= quality for cell, quality in before.items())
        assert run.figures["coverage"] == len(qualities) / 9
        assert run.figures["qd_score"] == pytest.approx(sum(max(quality + 4, 0) for quality in qualities.values()))
        assert -run.champion.loss == max(qualities.values()) >= row.best_fitness
        before = qualities
        figures.append(run.figures)
    assert figures[-1]["qd_score"] > figures[0]["qd_score"]
    assert (run.generation, run.evaluations, row.evaluations, run.solved) == (12, 144, 144, False)


def test_every_network_stands_in_the_cell_of_what_it_plays(start):
    run = start()
    for _ in range(5):
        run.step()
    for cell, genome in run.elites.items():
        (played,) = run.evaluator.play([genome])
        assert MAP.cells_of(played[None]) == [cell]
        assert -genome.loss == run.evaluator.rewards(played[None])[0]


def test_the_qd_score_and_the_coverage_of_three_cells(start):
    run = start()
    run.step()
    run.elites = dict(zip([(0, 0), (1, 2), (2, 2)], list(run.population.population.values())[:3], strict=True))
    for genome, quality in zip(run.elites.values(), (1.5, -1.0, -9.0), strict=True):
        genome.loss = -quality
    assert run.figures == {"qd_score": 8.5, "coverage": 1 / 3}


def test_the_elites_are_another_object_only_where_one_is_better(start):
    run = start()
    run.step()
    for _ in range(8):
        before, losses = run.elites, {cell: genome.loss for cell, genome in run.elites.items()}
        run.step()
        changed = {cell: genome.loss for cell, genome in run.elites.items()} != losses
        assert (run.elites is not before) == changed


def test_it_resumes_from_a_state_bit_identically(start):
    run = start()
    rows = [run.step() for _ in range(4)]
    arrays, data = run.state()
    rows += [run.step() for _ in range(4)]
    again = start()
    again.restore(arrays, json.loads(json.dumps(data)))
    assert [again.step() for _ in range(4)] == rows[4:]
    assert genomes(again) == genomes(run)
    assert list(again.elites) == list(run.elites)


def test_it_starts_over_from_the_state_before_the_first_step(start):
    run, again = start(), start()
    again.restore(*run.state())
    assert again.champion is None
    assert run.step() == again.step()
    assert genomes(again) == genomes(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cells": [[0, 3]]}, "cells"),
        ({"cells": []}, "do not fit its 0 cells"),
        ({"generation": 0}, "do not fit"),
        ({"next_genome": 0}, "genomes.key"),
        ({"random": [3, [1], None]}, "state"),
    ],
)
def test_a_state_of_something_else_is_refused(start, change, message):
    run = start()
    run.step()
    arrays, data = run.state()
    with pytest.raises(ValueError, match=message):
        start().restore(arrays, {**data, **change})


def test_two_networks_in_one_cell_are_refused(start):
    run = start()
    run.step()
    arrays, data = run.state()
    assert len(data["cells"]) > 1
    with pytest.raises(ValueError, match="do not fit its"):
        start().restore(arrays, {**data, "cells": [data["cells"][0]] * len(data["cells"])})


def test_a_map_has_at_most_30_cells_a_side():
    with pytest.raises(OptionError, match="cells = 31: it must be 1 to 30"):
        MapElitesOptions(cells=31)
