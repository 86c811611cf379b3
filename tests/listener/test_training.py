"""Training runs step by step and resumes from the state of any step bit for bit."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.corpus import Corpora, Corpus, Excerpts, lowest, rolls_of
from listener.registry import KINDS, training_of
from listener.training_options import FormOptions, JudgeOptions, LearnedOptions, MelodyOptions, VaeOptions

OPTIONS = {
    "ngram": None,
    "melody": MelodyOptions(steps=24, batch_steps=256),
    "form": FormOptions(plan_steps=6, plan_batch=8, filling_steps=6, filling_batch=4, drawn=16, critic_steps=6),
    "judge": JudgeOptions(steps=12, batch=2),
    "vae": VaeOptions(steps=20, form_steps=17, batch=2, attack_generations=5),
    "learned": LearnedOptions(
        nets=2,
        steps=5,
        paired_steps=20,
        form_steps=17,
        batch=2,
        rounds=2,
        round_steps=3,
        attack_generations=12,
        attack_islands=2,
        attack_size=4,
    ),
}


def excerpts(number: int, bars: int, seed: int) -> Excerpts:
    """Return melodies that walk up and down by chance."""
    generator = np.random.default_rng(seed)
    keys = np.abs(
        (generator.integers(0, 8) + np.cumsum(generator.integers(-2, 3, (number, 8 * bars)), axis=1)) % 22 - 11
    )
    melodies = np.where(generator.random(keys.shape) < 0.7, keys, -1).astype(np.int8)
    return Excerpts(lowest(melodies), np.arange(number))


def wide(part: Excerpts) -> Excerpts:
    """Return melodies of keys as MIDI pitches on sixteenths."""
    melodies = np.full((len(part), 2 * part.melodies.shape[1]), -1, dtype=np.int16)
    melodies[:, ::2] = np.where(part.melodies < 0, -1, part.melodies + 60)
    return Excerpts(melodies, part.pieces)


@pytest.fixture(scope="module")
def corpora() -> Corpora:
    """Return a few melodies of every length."""
    short, medium, long = (
        Corpus(*(excerpts(12, bars, seed) for seed in (bars, bars + 1, bars + 2)), 36) for bars in (4, 8, 16)
    )
    return Corpora(short, medium, long, Corpus(wide(long.training), wide(long.validation), wide(long.test), 36))


@pytest.fixture(scope="module")
def begun(corpora):
    """Return trainings of every kind that have not taken a step."""
    return {kind: training_of(kind, corpora, OPTIONS[kind], 5) for kind in KINDS}


def plain(state):
    """Return a state as it comes back from a file."""
    arrays, data = state
    return {name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(data, allow_nan=False))


def rewards(training) -> np.ndarray:
    """Return the scores or rewards of some melodies by the result of a training; of a model of form plans it draws."""
    if hasattr(training.result.listener, "draw_plans"):
        return training.result.listener.draw_plans(5, 16, np.random.default_rng(1)).bars
    listener, rolls = training.result.listener, rolls_of(excerpts(5, 16, 99).melodies)
    return listener.scores(rolls) if hasattr(listener, "scores") else listener.rewards(rolls)


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_resumes_from_any_state_bit_for_bit(kind, corpora, monkeypatch):
    monkeypatch.setattr("listener.learned.weights.TRIES", 40)
    whole, other = (training_of(kind, corpora, OPTIONS[kind], 5) for _ in range(2))
    states, rows = [plain(whole.state())], []
    while not whole.finished:
        rows.append(whole.step())
        states.append(plain(whole.state()))
    assert whole.progress == 1
    assert [set(row) for row in rows] == [{"stage", "step", "steps", "loss", "score"}] * len(rows)
    progress, steps = other.progress, len(rows)
    for number in sorted({0, min(1, steps - 1), steps // 3, steps // 2, steps - 1}):
        other.restore(*plain(states[number]))
        assert progress <= other.progress < 1
        progress = other.progress
        assert other.step() == rows[number]
    other = training_of(kind, corpora, OPTIONS[kind], 5)
    for number, row in enumerate(rows):  # what every step leaves behind is in its state
        if number % 4 == 0:
            other.restore(*plain(states[number]))
        assert other.step() == row
        (arrays, data), (again, same) = states[number + 1], plain(other.state())
        assert data == same
        assert {name: array.tobytes() for name, array in arrays.items()} == {
            name: array.tobytes() for name, array in again.items()
        }
    np.testing.assert_array_equal(rewards(other), rewards(whole))
    assert other.result.about == whole.result.about
    json.dumps(whole.result.about, allow_nan=False)


def changed(data: dict, path: str, value) -> dict:
    """Return plain data with another value at a path."""
    first, _, rest = path.partition("|")
    return {**data, first: changed(data[first], rest, value) if rest else value}


@pytest.mark.parametrize(
    ("kind", "path", "value", "says"),
    [
        ("melody", "stage", 2, "stage holds values that are not from 0 to 1"),
        ("melody", "stage", True, "stage is True"),
        ("melody", "parts", {}, "parts.stage is missing"),
        ("melody", "parts|stage|done", 25, "stage: done holds values that are not from 0 to 24"),
        ("melody", "parts|random|numpy", {"bit_generator": "MT19937"}, "random: numpy.state is missing"),
        ("melody", "parts|memory|constant", "none", "memory: constant is 'none'"),
        ("judge", "parts|memory|evaluation", {"auc": {"x": "y"}, "percentile": {}}, "memory: evaluation.auc.x is 'y'"),
        ("learned", "parts|memory|rounds", [[1.0]], r"memory: rounds\[0\] has 1 values, not 2"),
        ("learned", "parts|stage|done", -1, "stage: done is -1"),
    ],
)
def test_other_data_is_refused(kind, path, value, says, begun):
    training = begun[kind]
    arrays, data = plain(training.state())
    with pytest.raises(ValueError, match=says):
        training.restore(arrays, changed(data, path, value))


@pytest.mark.parametrize(
    ("kind", "name", "value", "says"),
    [
        ("melody", "random/torch", np.zeros(5056, np.uint8), "random: not a state of a generator"),
        ("melody", "random/torch", np.zeros(3, np.uint8), r"random: torch has the shape \(3,\)"),
        ("melody", "model/table", None, "model: table is missing"),
        ("melody", "stage/network.table", np.zeros((1, 32), np.float32), "stage: network.table has the shape"),
        ("judge", "memory/true_scores", np.zeros(13), "memory: true_scores has the shape"),
        ("judge", "net 0/table", None, "net 0: table is missing"),
        ("learned", "memory/pool", np.zeros((25, 64), np.int8), "memory: pool has the shape"),
        ("learned", "weights of terms/real", np.zeros((3, 4)), "weights of terms: real has the shape"),
        (
            "learned",
            "best 0/held",
            np.full((38, 1, 1, 32), np.nan, np.float32),
            "best 0: held holds values that are not",
        ),
    ],
)
def test_other_arrays_are_refused(kind, name, value, says, begun):
    training = begun[kind]
    arrays, data = plain(training.state())
    arrays = {key: array for key, array in arrays.items() if key != name}
    with pytest.raises(ValueError, match=says):
        training.restore(arrays if value is None else {**arrays, name: value}, data)


def test_training_does_not_advance_other_generators(corpora):
    import torch

    torch.manual_seed(1)
    before = torch.get_rng_state()
    training = training_of("melody", corpora, OPTIONS["melody"], 5)
    training.step()
    assert torch.equal(torch.get_rng_state(), before)
