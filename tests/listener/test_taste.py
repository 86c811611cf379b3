"""A taste: learned from few choices, causal, bounded, and unchanged by its file."""

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.files import read_listener, write_listener
from listener.learned.hearing import heard
from listener.registry import listener_named
from listener.taste.features import TASTE_FEATURES, taste_features
from listener.taste.model import Scale, Taste, features_of
from listener.taste.training import Certainty, Preference, learn_taste, likings

STEPS = 64


def walks(count: int, seed: int) -> np.ndarray:
    """Return walks on a scale, half of the notes at random, of all densities: (N, T, K) bool."""
    generator = np.random.default_rng(seed)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    steps = np.abs(
        (generator.integers(0, 8, (count, 1)) + generator.integers(-2, 3, (count, STEPS)).cumsum(axis=1)) % 14 - 7
    )
    plays = generator.random((count, STEPS)) < np.linspace(0.2, 0.9, count)[generator.permutation(count)][:, None]
    return (scale[steps][..., None] == np.arange(13)) & plays[..., None]


def choices_of_sparse(count: int, flipped: float = 0.0, seed: int = 0) -> list[Preference]:
    """Return choices of somebody who likes few notes, and errs at times."""
    rolls, generator = walks(2 * count, seed), np.random.default_rng(seed)
    made = []
    for pair in rolls.reshape(count, 2, STEPS, 13):
        fewer = int(np.argmin(pair.sum(axis=(1, 2)))) ^ int(generator.random() < flipped)
        made.append(Preference(list(pair), frozenset([fewer])))
    return made


@pytest.fixture(scope="module")
def learned():
    return listener_named("learned")


@pytest.fixture(scope="module")
def taste(learned):
    return learn_taste(learned, choices_of_sparse(40, 0.2))


def test_a_taste_is_found_among_wrong_choices(taste):
    others = walks(60, seed=9)
    fewer = -others.sum(axis=(1, 2)).astype(float)
    ranks = [np.argsort(np.argsort(values)) for values in (taste.listener.preferences(others), fewer)]
    assert np.corrcoef(*ranks)[0, 1] > 0.8
    assert taste.certainty.choices == 40
    assert taste.certainty.low < taste.certainty.right / 40 < taste.certainty.high
    liked = {name: weight for name, weight, _ in likings(taste, len(TASTE_FEATURES))}
    assert liked["notes a bar"] < 0 or liked["long notes"] > 0


def test_choices_at_random_are_told_from_a_taste(learned, taste):
    guesses = learn_taste(learned, choices_of_sparse(40, 0.5, seed=3))
    assert not guesses.certainty.better_than_guessing
    assert np.abs(guesses.listener.preference).sum() < np.abs(taste.listener.preference).sum()


def test_too_few_choices_are_refused(learned):
    with pytest.raises(ValueError, match="19 choices are too few to learn a taste: make at least 20"):
        learn_taste(learned, choices_of_sparse(19))


def test_of_several_melodies_that_are_heard_together_one_is_chosen(learned):
    rolls = walks(4 * 20, seed=5).reshape(20, 4, STEPS, 13)
    made = [Preference(list(shown), frozenset([int(np.argmin(shown.sum(axis=(1, 2))))])) for shown in rolls]
    assert learn_taste(learned, made).certainty.right >= 17


def test_certainty_is_wilsons_interval():
    assert Certainty.of([True] * 14 + [False] * 6).p == pytest.approx(0.1153, abs=1e-4)
    # Newcombe (1998), table I: 81 of 263
    certain = Certainty.of([True] * 81 + [False] * 182)
    assert (certain.low, certain.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_a_taste_hears_only_the_past(taste):
    rolls, later = walks(3, seed=11), walks(3, seed=12)
    for cut in (8, 21, 40):
        changed = np.concatenate((rolls[:, :cut], later[:, cut:]), axis=1)
        np.testing.assert_array_equal(taste.listener.rewards(rolls)[:, :cut], taste.listener.rewards(changed)[:, :cut])


def test_the_terms_of_the_learned_listener_are_kept(learned, taste):
    rolls = walks(3, seed=13)
    terms = taste.listener.terms(rolls)
    liked = terms.pop("taste")
    for name, rewards in learned.terms(rolls).items():
        np.testing.assert_array_equal(terms.pop(name), rewards)
    assert terms == {}
    final = taste.listener.strength * taste.listener.preferences(rolls)
    np.testing.assert_allclose(liked.sum(axis=1), final, rtol=1e-4, atol=1e-4)


def test_nothing_is_gained_beyond_what_was_heard(learned, taste):
    """Silence has the fewest notes; it is no better than the sparsest of what was heard, and worse as music."""
    silence, note = np.zeros((1, STEPS, 13), bool), np.zeros((1, STEPS, 13), bool)
    note[0, 0, 3] = True
    heard_before = walks(80, seed=0)
    best = taste.listener.preferences(heard_before).max()
    features = taste.listener.scale.standard(features_of(learned, heard_before))
    most = np.abs(features).max()
    assert np.abs(taste.listener.scale.standard(features_of(learned, silence))).max() <= most + 1e-6
    scores = taste.listener.rewards(np.concatenate((silence, note))).sum(axis=1)
    assert scores.max() < taste.listener.rewards(heard_before).sum(axis=1).max()
    assert best < np.abs(taste.listener.preference).sum() * most


def test_a_taste_is_the_same_from_its_file_and_refused_if_it_is_broken(taste, tmp_path):
    path = tmp_path / "mine.safetensors"
    write_listener(path, taste.listener, {"note": "kept"})
    rolls = walks(3, seed=14)
    again = read_listener(path)
    assert isinstance(again, Taste)
    np.testing.assert_array_equal(again.rewards(rolls), taste.listener.rewards(rolls))
    about = path.with_suffix(".json")
    for was, now, message in (
        ('"strength": ', '"strength": -', "strength"),
        ('"minor"', '"major"', "features do not match this version: learn the taste again"),
    ):
        text = about.read_text()
        about.write_text(text.replace(was, now, 1))
        with pytest.raises(ValueError, match=message):
            read_listener(path)
        about.write_text(text)


def test_arrays_that_are_no_taste_are_refused(taste, tmp_path):
    from safetensors.numpy import load, save

    path = tmp_path / "mine.safetensors"
    write_listener(path, taste.listener, {})
    arrays = load(path.read_bytes())
    for name, values, message in (
        ("taste.deviation", arrays["taste.deviation"] * 0, "taste.deviation is below 0.02"),
        ("taste.preference", arrays["taste.preference"][1:], r"taste.preference has the shape \(20,\)"),
        ("taste.low", arrays["taste.low"][1:], "taste.low has the shape"),
    ):
        path.write_bytes(save({**arrays, name: np.ascontiguousarray(values)}))
        with pytest.raises(ValueError, match=message):
            read_listener(path)


def test_features_of_known_melodies(learned):
    minor, major = np.zeros((2, 32), int), np.zeros((2, 32), int)
    minor[:] = major[:] = -1
    minor[0, ::4], major[0, ::4] = [0, 3, 7, 0, 8, 7, 3, 0], [0, 4, 7, 0, 9, 7, 4, 0]
    minor[1, ::2], major[1, ::2] = [0, 2, 3, 5, 7, 3, 2, 0] * 2, [0, 2, 4, 5, 7, 4, 2, 0] * 2
    from listener.learned.model import measured

    def values(melodies):
        melodies = melodies.astype(np.int8)
        found = taste_features(measured(learned.nets, melodies), heard(melodies))[:, -1]
        return {name: found[:, index] for index, name in enumerate(TASTE_FEATURES)}

    assert (values(minor)["minor"] > 0.1).all()
    assert (values(major)["minor"] < -0.1).all()
    np.testing.assert_array_equal(values(minor)["long notes"], [1, 0])
    np.testing.assert_array_equal(values(minor)["bars echoed exactly"], [0, 0.5])
    assert values(minor)["notes echoed"][1] == pytest.approx(0.5)


def test_later_bars_use_the_last_row_of_a_scale():
    features = [np.full((bars, 2), bars, dtype=float) for bars in (1, 2, 3)]
    scale = Scale.of(features)
    assert scale.mean.shape == (3, 2)
    np.testing.assert_array_equal(scale.standard(np.full((5, 2), 3.0))[2:], 0)
