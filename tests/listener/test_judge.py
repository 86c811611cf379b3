"""The held-out judge: what it hears, how it is kept, and that it rewards nobody."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from listener.corpus import rolls_of  # noqa: E402
from listener.corruptions import MELODIC  # noqa: E402
from listener.files import models_folder, read_judge, write_listener  # noqa: E402
from listener.judge import (  # noqa: E402
    WINDOW,
    FeatureClassifier,
    Judge,
    SequenceClassifier,
    by_windows,
    feature_logits,
    log_probability,
    sequence_logits,
    step_codes,
)
from listener.melody_features import judged_features  # noqa: E402
from listener.registry import listener_named  # noqa: E402
from songs.catalog import read_catalog  # noqa: E402

JUDGE = read_judge()


@pytest.fixture(scope="module")
def songs() -> np.ndarray:
    """Return the songs of the project that have 16 bars, (N, 128, 13); the judge did not learn from them."""
    return np.stack([entry.song.roll for entry in read_catalog() if entry.keys == 13 and entry.steps == 128])


def noise(count: int, steps: int) -> np.ndarray:
    return np.random.default_rng(0).integers(-1, 13, (count, steps)).astype(np.int8)


# The judge of the project


def test_unseen_songs_rank_among_real_melodies_and_noise_does_not(songs):
    assert np.median(JUDGE.percentiles(songs)) > 25
    mixed = np.random.default_rng(1).permuted(songs, axis=1)
    assert (JUDGE.scores(mixed) < JUDGE.scores(songs)).mean() > 0.95
    assert JUDGE.percentiles(rolls_of(noise(4, 128))).max() < 5


@pytest.mark.parametrize("name", sorted(MELODIC))
def test_degenerate_players_rank_below_real_melodies(name):
    rolls = rolls_of(MELODIC[name](12, 128, np.random.default_rng(1)))
    assert np.median(JUDGE.percentiles(rolls)) < 10


def test_chords_cost(songs):
    thick = songs[:3].copy()
    thick[:, :, 0] |= thick.any(axis=2)
    assert (JUDGE.scores(thick) < JUDGE.scores(songs[:3]) - 1).all()


def test_what_is_behind_the_last_whole_bar_does_not_count(songs):
    cut = songs[:2, :125].copy()
    np.testing.assert_allclose(JUDGE.scores(cut[:, :120]), JUDGE.scores(cut), atol=0.5)
    assert JUDGE.percentiles(songs[:2, :16]).shape == (2,)


# The networks


def test_the_codes_say_key_place_and_interval():
    codes = step_codes(np.array([[4, -1, 7, 6, -1, -1, -1, -1, 0]], dtype=np.int8))[0].T.tolist()
    assert codes == [[5, 0, 8, 7, 0, 0, 0, 0, 1], [0, 1, 2, 3, 4, 5, 6, 7, 0], [0, 0, 16, 12, 0, 0, 0, 0, 7]]


def test_features_are_clipped_standard_deviations():
    torch.manual_seed(0)
    features = FeatureClassifier().eval()
    real = judged_features(noise(20, WINDOW))
    features.standardize(real)
    alone = (real - real.mean(axis=0)) / np.maximum(real.std(axis=0), 1e-3)
    weights = [value.detach().numpy() for value in (features.hidden.weight, features.hidden.bias)]
    hidden = np.tanh(alone.clip(-6, 6) @ weights[0].T + weights[1])
    expected = hidden @ features.logit.weight.detach().numpy()[0] + features.logit.bias.item()
    np.testing.assert_allclose(feature_logits(features, noise(20, WINDOW)), expected, atol=1e-4)
    far = torch.full((2, 13), 1e6) * torch.tensor([[1.0], [3.0]])
    assert features(far)[0].item() == pytest.approx(features(far)[1].item(), abs=1e-6)


def test_both_must_find_it_real():
    torch.manual_seed(0)
    sequences, features, melodies = SequenceClassifier().eval(), FeatureClassifier().eval(), noise(3, WINDOW)
    probabilities = (
        1 / (1 + np.exp(-sequence_logits(sequences, melodies))) / (1 + np.exp(-feature_logits(features, melodies)))
    )
    np.testing.assert_allclose(log_probability(sequences, features, melodies), np.log(probabilities), atol=1e-5)


@pytest.mark.parametrize(("steps", "firsts"), [(128, [0, 32, 64]), (96, [0, 32]), (64, [0]), (24, [0])])
def test_windows_of_eight_bars_begin_every_four(steps, firsts):
    melodies = np.arange(2 * steps).reshape(2, steps)
    found = by_windows(lambda part: part[:, 0].astype(float), melodies)
    np.testing.assert_allclose(found, melodies[:, firsts].mean(axis=1))


# Files


def test_a_judge_is_read_as_it_was_written(tmp_path, songs):
    path = tmp_path / "mine.safetensors"
    write_listener(path, JUDGE, {"data": "mine"})
    again = read_judge(path)
    assert isinstance(again, Judge)
    np.testing.assert_array_equal(again.percentiles(songs[:3]), JUDGE.percentiles(songs[:3]))
    assert json.loads(path.with_suffix(".json").read_text())["data"] == "mine"


@pytest.fixture
def file(tmp_path):
    """Return a copy of the shipped judge under another name."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(models_folder() / f"judge{suffix}", tmp_path / f"other{suffix}")
    return tmp_path / "other.safetensors"


@pytest.mark.parametrize("name", ["judge", "theory=1,judge=1"])
def test_it_is_no_reward(name):
    with pytest.raises(ValueError, match="'judge' is the held-out judge, which rewards nobody"):
        listener_named(name)


def test_its_file_is_no_reward_whatever_it_is_called(file):
    with pytest.raises(ValueError, match=r"other.safetensors: is the held-out judge, which rewards nobody"):
        listener_named(str(file))


def test_a_listener_is_no_judge():
    with pytest.raises(ValueError, match=r"ngram.safetensors: is a listener of the kind 'ngram', not a judge"):
        read_judge(models_folder() / "ngram.safetensors")


@pytest.mark.parametrize("change", [{"sequences": {"width": 3}}, {"reference": None}])
def test_a_broken_description_is_refused(file, change):
    beside = file.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **change}))
    with pytest.raises(ValueError, match=r"other.json: is broken"):
        read_judge(file)
