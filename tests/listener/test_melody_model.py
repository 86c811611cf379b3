"""The melody model: causal, normalised, and the same step by step as in one pass."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.numpy import load, save  # noqa: E402

from listener.corpus import Corpora, Corpus, Excerpts, rolls_of  # noqa: E402
from listener.files import read_listener, write_listener  # noqa: E402
from listener.melody_model import (  # noqa: E402
    Expected,
    MelodyModel,
    MelodyReader,
    codes_at,
    log_probabilities,
    step_codes,
)
from listener.melody_training import MelodyTraining  # noqa: E402
from listener.training_options import MelodyOptions  # noqa: E402


@pytest.fixture
def model() -> MelodyModel:
    torch.manual_seed(0)
    return MelodyModel().eval().requires_grad_(False)


def melodies(count: int, steps: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1, 13, (count, steps)).astype(np.int8)


def test_the_codes_encode_the_past():
    melody = np.array([[4, -1, 7, 0, -1, -1, -1, -1, 12, 4]], dtype=np.int8)
    firsts = np.cumsum([0, *[15] * 7, 14])
    codes = (step_codes(melody) - firsts)[0]
    assert codes[0].tolist() == [14] * 7 + [0, 0]  # nothing before, no note, the first step
    # of step 8: lags 1, 2, 4, 8 are rests, a rest and a key 4; those longer are nothing; the note that was last is 0
    assert codes[8].tolist() == [0, 0, 0, 5, 14, 14, 14, 1, 0]
    assert codes[9].tolist() == [13, 0, 0, 0, 14, 14, 14, 13, 1]


def test_the_probabilities_of_all_tokens_add_up_to_1(model):
    before = melodies(1, 20)
    total = 0.0
    for token in range(-1, 13):
        melody = np.concatenate((before, [[token]]), axis=1).astype(np.int8)
        rhythm, pitches = log_probabilities(model, melody)
        total += np.exp(rhythm[0, -1] + pitches[0, -1])
    assert total == pytest.approx(1, abs=1e-5)


def test_later_steps_change_no_earlier_prediction(model):
    one = melodies(3, 48)
    other = one.copy()
    other[:, 30:] = 5
    for before, after in zip(log_probabilities(model, one), log_probabilities(model, other), strict=True):
        np.testing.assert_allclose(before[:, :30], after[:, :30], atol=1e-5)
        assert (before[:, 31:] != after[:, 31:]).any()


def test_melodies_are_read_the_same_alone_and_none_at_all(model):
    found = melodies(300, 16)
    together, _ = log_probabilities(model, found)
    np.testing.assert_allclose(log_probabilities(model, found[270:271])[0][0], together[270], atol=1e-5)
    assert [part.shape for part in log_probabilities(model, found[:0])] == [(0, 16)] * 2


def test_it_is_read_step_by_step_as_at_once(model):
    found, first = melodies(3, 40), np.array([0, 5, 17])
    reader = MelodyReader(model, 3, 40)
    reader.begin(np.arange(3), rolls_of(found), first)
    at_once = sum(log_probabilities(model, found))
    for ahead in range(40 - 17):
        steps = first + ahead
        log_probabilities_next = reader.log_probabilities()
        played = found[np.arange(3), steps]
        expected = at_once[np.arange(3), steps]
        np.testing.assert_allclose(log_probabilities_next[np.arange(3), played + 1], expected, atol=1e-4)
        np.testing.assert_allclose(np.exp(log_probabilities_next).sum(axis=1), 1, atol=1e-5)
        reader.add(rolls_of(played[:, None])[:, 0])


def test_a_restored_reader_resumes_bit_for_bit(model):
    found = rolls_of(melodies(2, 30))
    one, other = MelodyReader(model, 2, 30), MelodyReader(model, 2, 30)
    one.begin(np.arange(2), found, np.array([8, 8]))
    one.add(found[:, 8])
    arrays, data = one.state()
    other.restore({name: array.copy() for name, array in arrays.items()}, data)
    for step in range(9, 30):
        one.add(found[:, step])
        other.add(found[:, step])
        np.testing.assert_array_equal(one.log_probabilities(), other.log_probabilities())
    with pytest.raises(ValueError, match=r"melodies has the shape \(2, 31\), this run needs"):
        MelodyReader(model, 2, 31).restore(*one.state())


def test_it_learns_a_pattern():
    pattern = np.array([0, -1, 4, -1, 7, -1, -1, -1], dtype=np.int8)
    real = np.tile(pattern, (20, 4))
    parts = [Excerpts(real, np.arange(20))] * 3
    training = MelodyTraining(Corpora(*[Corpus(*parts, 20)] * 4), MelodyOptions(steps=150, batch_steps=1024), seed=0)
    while not training.finished:
        training.step()
    trained = training.result.listener.model
    fresh = real[:4] + np.where(real[:4] >= 0, 3, 0).astype(np.int8)
    rhythm, pitches = log_probabilities(trained, fresh)
    assert np.exp(rhythm[:, 16:] + pitches[:, 16:]).mean() > 0.9


def test_real_melodies_earn_nothing_on_average_and_further_keys_cost(model):
    found = melodies(5, 24)
    listener = Expected.of(model, found)
    rolls = rolls_of(found)
    assert listener.rewards(rolls).mean() == pytest.approx(0, abs=1e-5)
    thick = rolls.copy()
    lower = np.argmax(rolls.any(axis=2) & (found > 0), axis=1)
    thick[np.arange(5), lower, 0] = True
    cost = listener.rewards(rolls).sum(axis=1) - listener.rewards(thick).sum(axis=1)
    np.testing.assert_allclose(cost, np.log(14), atol=1e-4)


def test_a_model_is_read_from_a_file_as_it_was_written(model, tmp_path):
    path, rolls = tmp_path / "mine.safetensors", rolls_of(melodies(3, 16))
    listener = Expected(model, -1.5)
    write_listener(path, listener, {})
    np.testing.assert_array_equal(read_listener(path).rewards(rolls), listener.rewards(rolls))
    arrays = {name: values for name, values in load(path.read_bytes()).items() if name != "model.table"}
    path.write_bytes(save(arrays))
    with pytest.raises(ValueError, match="model.table is missing"):
        read_listener(path)


def test_the_codes_of_a_step_are_that_row_of_all_codes():
    random = np.random.default_rng(0)
    melodies = np.where(random.random((40, 80)) < 0.6, -1, random.integers(0, 13, (40, 80))).astype(np.int8)
    melodies[0] = -1
    steps = random.integers(0, 80, 40)
    assert (codes_at(melodies, steps) == step_codes(melodies)[np.arange(40), steps]).all()
