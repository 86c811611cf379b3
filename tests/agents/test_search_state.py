"""A state comes from a file and may be anything: a search refuses it, or continues without a crash."""

import copy
import json
import math
import os
import random
import re

import numpy as np
import pytest

from agents.cases import memory_cases
from agents.neat.evaluator import ErrorReweighting, Evaluator
from agents.neat.genome_json import genome_to_json
from agents.neat.population import Evolution
from agents.other_searches.evolution_strategies import CMAESOptions, OpenAIES, OpenAIOptions, SeparableCMAES
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.per_key_evolution import PerKeyEvolution
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.other_searches.verified_prefix import VerifiedPrefix, VerifiedPrefixOptions
from agents.search_state import check_state, restored_random
from songs.keyboard import KEYS
from songs.song import Song

MEMORY, PROMPT = 5, 2
ROLL = np.zeros((14, KEYS), dtype=bool)
ROLL[range(14), [0, 4, 7, 4, 0, 5, 9, 5, 0, 4, 7, 11, 12, 0]] = True
ROLL[3:12:4] = False
CASES = memory_cases([Song("tune", ROLL)], MEMORY, PROMPT)
VALUES = (None, "x", [], {}, -1, 0, 1, True, math.inf, math.nan, 1e308, 10**30, 0.5, [[[]]], -(10**12), "x" * 1000)
"""Values that replace any part of a state."""
BUSY = {
    "evolve": {"population_size": 12},
    "species": {"target_species": 3, "compatibility_threshold": 1.0},
    "genome": {"node_add_prob": 0.4},
}


def right_steps(performer):
    """Play the song after its beginning, as `VerifiedPrefix` asks for."""
    performer.reset(1)
    memory = np.zeros((1, MEMORY, KEYS), dtype=bool)
    memory[0, -PROMPT:] = ROLL[:PROMPT]
    for step, keys in enumerate(ROLL[PROMPT:]):
        played = performer.press(memory)[0]
        if (played != keys).any():
            return step
        memory = np.concatenate([memory[:, 1:], played[None, None]], axis=1)
    return len(ROLL) - PROMPT


def start_of_prefix():
    memory = np.zeros((MEMORY, KEYS), dtype=bool)
    memory[-PROMPT:] = ROLL[:PROMPT]
    return memory


@pytest.fixture
def start(make_config):
    """Return a function that begins a search of some kind."""

    def start(kind: str):
        match kind:
            case "neat":
                config = make_config(len(CASES.inputs), KEYS, None, **BUSY)
                return Evolution(config, Evaluator(CASES, reweighting=ErrorReweighting(0.3, every=2)), 1)
            case "per_key":
                return PerKeyEvolution(SparseCases.from_cases(CASES), PerKeyOptions(hidden="never"), 1)
            case "and_nodes":
                return PerKeyEvolution(SparseCases.from_cases(CASES), PerKeyOptions(hidden="always"), 1)
            case "verified_prefix":
                steps = len(ROLL) - PROMPT
                return VerifiedPrefix(right_steps, start_of_prefix(), steps, VerifiedPrefixOptions(), 1)
            case "openai_es":
                return OpenAIES(CASES, OpenAIOptions(), 1)
            case "cma_es":
                pytest.importorskip("cmaes", reason="the package cmaes is not installed")
                return SeparableCMAES(CASES, CMAESOptions(), 1)

    return start


MUTANTS = int(os.environ.get("KUZNECHIK_MUTANTS", "60"))
"""Number of damaged states of every kind to try."""
KINDS = ("neat", "per_key", "and_nodes", "verified_prefix", "openai_es", "cma_es")


def first(value):
    """Return a function that returns a copy of an array with another first value."""

    def changed(array):
        array = array.copy()
        array.flat[:1] = value
        return array

    return changed


def places(data, before=()):
    """Yield where the parts of plain data are: all of a dictionary, the first two and the last of a list."""
    if isinstance(data, dict):
        names = list(data)
    else:
        names = sorted({0, 1, len(data) - 1} & set(range(len(data)))) if isinstance(data, list) else []
    for name in names:
        yield (*before, name)
        yield from places(data[name], (*before, name))


def damaged(state, place, value):
    """Return a copy of a state with one part replaced, mapped by a function, or deleted (`del`)."""
    state = copy.deepcopy(state)
    at = state
    for name in place[:-1]:
        at = at[name]
    if isinstance(value, str) and value == "del":
        del at[place[-1]]
    else:
        at[place[-1]] = value(at[place[-1]]) if callable(value) else value
    return state


def continues(search, state):
    """Restore a state and run two steps; return True if it was accepted, False if it raised ValueError."""
    try:
        search.restore(*state)
    except ValueError:
        return False
    try:
        for _ in range(2):
            if not search.solved:
                search.step()
    except ValueError:
        return False
    genome_to_json(search.champion, len(CASES.inputs), KEYS)
    return True


def plain_state(search, steps):
    for _ in range(steps):
        search.step()
    arrays, data = search.state()
    return [arrays, json.loads(json.dumps(data))]


@pytest.mark.parametrize("kind", KINDS)
def test_any_damaged_state_is_refused_or_continued(start, kind):
    """Any value in any place: the search continues, or raises a ValueError that describes the fault."""
    state = plain_state(start(kind), 3)
    every = [(place, value) for place in places(state[1], (1,)) for value in ("del", *VALUES)]
    every += [((0, name), value) for name in state[0] for value in ("del", *VALUES, *map(first, (-1, 0, 1, 10**6)))]
    chosen = random.Random(kind).sample(every, min(MUTANTS, len(every)))
    taken = [continues(start(kind), damaged(state, place, value)) for place, value in chosen]
    assert not all(taken)
    assert continues(start(kind), state)


@pytest.mark.parametrize(
    ("kind", "place", "value", "told"),
    [
        ("neat", ("random",), None, "random is None"),
        ("neat", ("random", 1, 0), math.nan, "random[1][0] is nan"),
        ("neat", ("random", 0), 7, "state with version 7 passed to Random.setstate() of version 3"),
        ("neat", ("evaluator",), "del", "evaluator is missing"),
        ("neat", (0, "genomes.key"), "del", "genomes.key is missing"),
        ("neat", ("population",), None, "population is None"),
        ("neat", ("population",), 0, "population holds values that are not from 1 to"),
        ("neat", ("population",), 11, "the members of the species are not the genomes of the population"),
        ("neat", ("species", 0, "members"), [], "the members of the species are not the genomes of the population"),
        ("neat", ("species", 0, "members", 0), 10**6, "species[0].members[0] holds values that are not from 0 to"),
        ("neat", ("species", 0, "representative"), 10**6, "species[0].representative holds values that are not from"),
        ("neat", ("species", 0, "fitness_history"), "x", "species[0].fitness_history is 'x'"),
        ("neat", ("champion",), 10**6, "champion holds values that are not from 0 to"),
        ("neat", (0, "nodes.bias"), np.zeros(1), "nodes.bias has 1 rows, its table"),
        ("neat", (0, "nodes.activation"), first(8), "nodes.activation holds values that are not from 0 to 7"),
        ("neat", (0, "nodes.key"), first(KEYS), "lacks an output"),
        ("neat", (0, "node_genes.row"), first(1), "has a gene twice"),
        ("neat", (0, "node_genes.row"), first(10**6), "genomes.nodes, node_genes and nodes do not fit each other"),
        ("neat", (0, "genomes.nodes"), first(1), "genomes.nodes, node_genes and nodes do not fit each other"),
        ("neat", (0, "connections.sink"), first(KEYS), "connects nodes that do not exist"),
        (
            "neat",
            (0, "connections.weight"),
            first(1e300),
            "connections.weight holds values that are not from",
        ),
        ("neat", (0, "losses"), np.zeros((1, 1)), "losses has the shape (1, 1), this run needs ("),
        ("neat", (0, "results.version"), lambda version: version * 0 - 1, "the champion was never evaluated"),
        ("neat", ("next_node",), 0, "nodes.key holds values that are not from 0 to -1"),
        ("neat", ("innovations",), 0, "connections.innovation holds values that are not from 0 to 0"),
        ("neat", ("threshold",), "x", "threshold is 'x'"),
        ("neat", (0, "cell_weights"), "del", "cell_weights is missing"),
        ("neat", (0, "cell_weights"), [[1.0]], "cell_weights is not an array"),
        ("neat", (0, "cell_weights"), np.ones((1, 1), np.float32), "has the shape (1, 1), this run needs (13, 12)"),
        ("neat", (0, "cell_weights"), np.full((13, 12), -1, np.float32), "holds values that are not from 0 to 1e+12"),
        ("per_key", ("options", "error_reweighting"), 7, "the state has options {"),
        ("per_key", ("units", 0), 99, "units: [99, 1, 2, 3, 4"),
        ("per_key", ("unit0",), "del", "unit0 is missing"),
        ("per_key", (0, "unit0.inputs"), np.array([-1]), "unit0.weights has the shape"),
        ("per_key", (0, "unit0.raises"), "del", "unit0.raises is missing"),
        ("per_key", ("unit0", "bias"), 1e308, "unit0.bias holds values that are not from -1e+12"),
        (
            "and_nodes",
            (0, "nodes.nodes.weights"),
            np.zeros((1, 1), np.float32),
            "nodes.nodes.weights has the shape (1, 1)",
        ),
        ("and_nodes", (0, "nodes.nodes.literals"), np.array([10**6]), "nodes.nodes.literals holds values that are not"),
        ("and_nodes", (0, "nodes.nodes.literals"), np.array([0, 1]), "nodes.nodes.literals: 2 do not match"),
        ("verified_prefix", (0, "verified"), np.zeros((50, 13), bool), "verified has the shape (50, 13)"),
        ("verified_prefix", ("refuted",), list(range(2**13)), "every step is refuted"),
        ("verified_prefix", ("postponed",), [[2**13, 1]], "postponed[0][0] holds values that are not from 0 to 8191"),
        ("openai_es", ("random", "bit_generator"), "MT19937", "state must be for a PCG64"),
        ("openai_es", ("best_loss",), None, "best_loss is None"),
        ("cma_es", (0, "0_sigma"), np.zeros(1), "0_sigma holds values that are not from 1e-100 to 1e+12"),
    ],
)
def test_errors_say_what_is_wrong(start, kind, place, value, told):
    state = damaged(plain_state(start(kind), 3), place if place[0] == 0 else (1, *place), value)
    with pytest.raises(ValueError, match=re.escape(told)):
        start(kind).restore(*state)


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_of_another_kind_is_refused(start, kind):
    other = "neat" if kind != "neat" else "per_key"
    with pytest.raises(ValueError, match=r"the state has search None|is missing"):
        start(kind).restore(*plain_state(start(other), 1))


@pytest.mark.parametrize("state", [None, [], 3, "x"])
def test_invalid_states_are_refused(state):
    with pytest.raises(ValueError, match="the state is"):
        check_state({}, {}, state)


def test_a_random_state_is_read_as_python_writes_it():
    generator = random.Random(4)
    generator.gauss(0, 1)
    version, numbers, gauss = generator.getstate()
    again = random.Random()
    again.setstate(restored_random(json.loads(json.dumps([version, numbers, gauss]))))
    assert [again.gauss(0, 1) for _ in range(3)] == [generator.gauss(0, 1) for _ in range(3)]
