"""Corruptions change what they state, attacks find high scores, and the audit tells good listeners from bad ones."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener import corruptions
from listener.audit import AuditOptions, audit, deafness
from listener.corpus import Excerpts, lowest, moved
from listener.corruptions import MELODIC, players
from listener.form_corruptions import FORM
from listener.learned.negatives import negatives, random_melodies
from listener.markov import MarkovChain
from listener.red_team import AttackOptions, attack, change
from listener.theory import melody

FAMILIES = {**corruptions.DEMANDED, **corruptions.TRANSPOSED, **corruptions.REPORTED, **FORM}


def tunes(count: int = 40, steps: int = 64, seed: int = 0) -> np.ndarray:
    """Return random melodies in which a step has a note two times in three."""
    generator = np.random.default_rng(seed)
    keys = generator.integers(0, 13, (count, steps))
    return np.where(generator.random((count, steps)) < 0.66, keys, -1).astype(np.int8)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_corruption_returns_as_many_melodies_and_does_not_change_the_real_ones(name):
    real = np.minimum(tunes(steps=128), 8)
    before = real.copy()
    found = FAMILIES[name](real, np.random.default_rng(1))
    assert (found.shape, found.dtype) == (real.shape, np.int8)
    assert (found.min(), found.max()) >= (-1, 0)
    assert found.max() <= 12
    assert name == "echoes broken" or (found != real).any(axis=1).mean() > 0.8  # there are no echoes
    np.testing.assert_array_equal(real, before)


@pytest.mark.parametrize("share", [0.1, 0.25, 1.0])
@given(seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_a_share_of_the_notes_is_moved_by_one_to_three_semitones(share, seed):
    real = tunes(seed=seed)
    found = corruptions.nudged(real, np.random.default_rng(seed), share)
    by = np.abs(found - real)
    assert ((found == -1) == (real == -1)).all()
    assert by.max() <= 3
    notes = (real >= 0).sum(axis=1)
    np.testing.assert_array_equal((by > 0).sum(axis=1), np.maximum(1, np.rint(share * notes)))


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_shuffling_pitches_keeps_the_rhythm_and_the_keys(share):
    real = tunes()
    found = corruptions.shuffled_pitches(real, np.random.default_rng(0), share)
    assert ((found == -1) == (real == -1)).all()
    np.testing.assert_array_equal(np.sort(found, axis=1), np.sort(real, axis=1))
    changed = (found != real).sum() / (real >= 0).sum()
    assert share * 0.8 < changed <= share


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_shuffling_the_rhythm_keeps_the_order_of_the_keys(share):
    real = tunes(steps=128)
    found = corruptions.shuffled_rhythm(real, np.random.default_rng(0), share)
    for one, other in zip(real, found, strict=True):
        assert one[one >= 0].tolist() == other[other >= 0].tolist()
    same = (found.reshape(len(real), -1, 8) == real.reshape(len(real), -1, 8)).all(axis=2).mean()
    assert same == pytest.approx(1 - share, abs=0.1)


def test_other_corruptions_by_hand():
    generator = np.random.default_rng(0)
    real = np.arange(16, dtype=np.int8)[None] % 13
    assert corruptions.shifted(real, generator).tolist() == [[2, *range(13), 0, 1]]
    assert corruptions.shifted(real, generator, 0.5).tolist() == [[*range(8), 2, 8, 9, 10, 11, 12, 0, 1]]
    assert corruptions.inverted(real, generator).tolist() == [[*range(12, -1, -1), 12, 11, 10]]
    np.testing.assert_array_equal(lowest(corruptions.TRANSPOSED["transposed"](real, generator)), lowest(real))


def test_negatives_are_many_kinds_and_no_real_melody():
    real = tunes(200)
    chain = MarkovChain(real, 3)
    found = negatives(real, 500, chain, np.random.default_rng(0))
    assert found.shape[1:] == (64,)
    assert 480 <= len(found) <= 500
    known = {row.tobytes() for row in real}
    assert np.mean([row.tobytes() in known for row in found]) < 0.05
    assert (found == -1).all(axis=1).any()  # silence is among them
    again = negatives(real, 500, chain, np.random.default_rng(0))
    np.testing.assert_array_equal(found, again)


def test_degenerate_players_play_what_they_are_called():
    rolls = players(20, 32, np.random.default_rng(0))
    assert set(MELODIC) < set(rolls)
    assert not rolls["silence"].any()
    assert rolls["all keys"].all()
    assert (rolls["one note, then rest"].sum(axis=(1, 2)) == 1).all()
    for name, different, every in (
        ("one note in eighths", 1, 1),
        ("one note in quarters", 1, 2),
        ("two notes in quarters", 2, 2),
        ("two notes in halves", 2, 4),
    ):
        found = melody(rolls[name])
        assert (found[:, ::every] >= 0).all()
        assert (found >= 0).sum() == 20 * 32 / every
        assert all(len(set(row[row >= 0].tolist())) == different for row in found)
    steps = np.abs(np.diff(melody(rolls["scale in quarters"])[:, ::2].astype(int), axis=1))
    assert ((steps >= 1) & (steps <= 2)).mean() > 0.95


def test_an_attack_finds_what_is_rewarded():
    target = tunes(1)[0]
    score = lambda found: (found == target).mean(axis=1)  # noqa: E731
    options = AttackOptions(islands=3, size=16, generations=120)
    finds = attack(score, 64, options, np.random.default_rng(0))
    assert (finds.champion_scores > 0.6).all()
    np.testing.assert_allclose(score(finds.champions), finds.champion_scores)
    assert finds.history.shape == (121, 3)
    assert (np.diff(finds.history, axis=0) >= 0).all()
    assert len(np.unique(finds.population, axis=0)) == 48
    again = attack(score, 64, options, np.random.default_rng(0))
    np.testing.assert_array_equal(again.champions, finds.champions)


def test_changes_stay_on_the_keyboard():
    generator = np.random.default_rng(0)
    living = random_melodies(30, 16, generator)
    assert (living.min(), living.max()) == (-1, 12)
    for _ in range(3000):
        change(living[generator.integers(30)], living[0], generator)
    assert (living.min(), living.max()) == (-1, 12)


class Rising:
    """Pays for steps up: real melodies of these tests rise."""

    def rewards(self, rolls, targets=None):
        found = melody(rolls).astype(np.float32)
        return np.diff(found, axis=1, prepend=found[:, :1]) == 1


class Silent:
    """Pays for silence."""

    def rewards(self, rolls, targets=None):
        return (~rolls.any(axis=2)).astype(np.float32)


@pytest.fixture(scope="module")
def real() -> Excerpts:
    """Return melodies that rise."""
    first = np.arange(30)[:, None] % 7
    rows = (first + np.arange(32) // 3) % 12
    return Excerpts(lowest(rows.astype(np.int8)), np.arange(30))


def test_the_audit_distinguishes_a_good_listener_from_a_bad_one(real):
    options = AuditOptions(players=4, islands=2, size=8, generations=15)
    good, fool = (audit(listener, real, real.melodies, options) for listener in (Rising(), Silent()))
    assert good["corruptions"]["uniform pitches"]["auc"] > 0.9
    assert good["corruptions"]["uniform pitches"]["paired"] > 0.9
    assert good["corruptions"]["transposed"]["auc"] == pytest.approx(0.5, abs=0.01)
    assert fool["corruptions"]["shuffled pitches"]["auc"] == 0.5
    assert fool["degenerates"]["silence"] == {"median": 100, "highest": 100}
    assert good["degenerates"]["silence"]["highest"] < 50
    assert fool["red team"]["reward"]["gain"] > 2
    assert len(good["corruptions"]) == 5 + len(FAMILIES)
    for name, row in good["corruptions"].items():
        assert row["low"] <= row["auc"] + 0.02, name
        assert row["auc"] <= row["high"] + 0.02, name
    assert json.loads(json.dumps(good))["melodies"] == 30
    assert "deaf to uniform pitches" not in deafness(good)
    assert "shuffled pitches (0.50)" in deafness(fool)
    assert "is fooled by silence (100)" in deafness(fool)


def test_a_quick_audit_takes_some_of_the_melodies_and_no_beam_search(real):
    options = AuditOptions(melodies=8, players=2, beam=False, islands=2, size=4, generations=2)
    result = audit(Rising(), real, real.melodies, options)
    assert (result["melodies"], result["pieces"]) == (8, 8)
    assert "its own best by beam search" not in result["degenerates"]


def test_the_audit_is_reproducible(real):
    options = AuditOptions(players=2, islands=2, size=4, generations=3)
    stages = []
    one = audit(Rising(), real, real.melodies, options, lambda *stage: stages.append(stage[0]))
    assert audit(Rising(), moved_copy(real), real.melodies, options) == one
    assert set(stages) == {"corruptions", "degenerate players", "red team on reward"}


def moved_copy(excerpts: Excerpts) -> Excerpts:
    return Excerpts(lowest(moved(excerpts.melodies, np.random.default_rng(5))), excerpts.pieces)
