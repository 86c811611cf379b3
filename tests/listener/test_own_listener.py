"""A user's listener is tested when a command names it; a name in a file never runs it."""

import numpy as np
import pytest

from listener.own_listener import try_listener
from listener.registry import listener_named, load_listener
from songs.keyboard import KEYS

CODE = """
import numpy as np
class LikesA:
    def __init__(self, weight=1):
        self.weight = weight
    def rewards(self, rolls, targets=None):
        return self.weight * rolls[:, :, 9].astype(np.float32)
"""


CHANCE = np.random.default_rng(0)


class Broken:
    def __init__(self, rewards):
        self.rewards = rewards


def notes(rolls):
    return rolls.any(axis=2).astype(np.float64)


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / "likes_a.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)


def roll_with_an_a():
    roll = np.zeros((1, 3, KEYS), dtype=bool)
    roll[0, 1, 9] = True
    return roll


def test_a_listener_of_a_file_rewards(file):
    assert load_listener("likes_a.py:LikesA(weight=2)").rewards(roll_with_an_a()).tolist() == [[0, 2, 0]]


def test_a_users_listener_can_be_part_of_a_sum(file):
    total = load_listener("likes_a.py:LikesA(weight=2)=.5, likes_a.py:LikesA=3")
    assert total.rewards(roll_with_an_a()).tolist() == [[0, 4, 0]]
    assert list(total.terms(roll_with_an_a())) == ["likes_a.py:LikesA(weight=2)", "likes_a.py:LikesA"]


def test_a_name_from_a_file_runs_no_code(file):
    name = "./likes_a.py:LikesA"  # another name than those of the other tests
    with pytest.raises(ValueError, match="runs only if this command names it: add --listener './likes_a.py:LikesA'"):
        listener_named(name)
    load_listener(name)
    assert listener_named(name).rewards(roll_with_an_a()).sum() == 1


@pytest.mark.parametrize(
    ("rewards", "message"),
    [
        (
            lambda rolls, targets: notes(rolls)[:, ::-1],
            "reward of step . from . to . when steps from .* on change",
        ),
        (lambda rolls, targets: notes(rolls)[:, 1:], r"returned float64 \(4, 63\) for rolls \(4, 64, 13\)"),
        (
            lambda rolls, targets: np.where(np.arange(64) == 9, np.nan, notes(rolls)),
            "returned nan as the reward of step 9",
        ),
        (
            lambda rolls, targets: notes(rolls) / notes(rolls).max() * len(rolls),
            "when the other melodies of the batch change",
        ),
        (lambda rolls, targets: CHANCE.random(rolls.shape[:2]), "when it is called again"),
        (lambda rolls, targets: rolls[:, :, 99], r"IndexError: index 99 .* \(line \d+ of .*test_own_listener.py\)"),
        (lambda rolls: notes(rolls), "failed: TypeError"),
        (None, "has no method rewards"),
    ],
)
def test_an_error_names_the_listener(rewards, message):
    with pytest.raises(ValueError, match=message) as error:
        try_listener("mine.py:Mine", Broken(rewards))
    assert "mine.py:Mine" in str(error.value)


def test_rewards_where_it_pays_nothing_are_refused():
    listener = Broken(lambda rolls, targets: notes(rolls))
    listener.pays_every = 8
    with pytest.raises(ValueError, match="declares pays_every = 8, but rewards step 0"):
        try_listener("mine.py:Mine", listener)


def test_an_error_in_later_rewards_is_reported_when_it_occurs():
    def rewards(rolls, targets):
        return np.full(rolls.shape[:2], np.inf if rolls.all() else 0.0)

    listener, remark = try_listener("mine.py:Mine", Broken(rewards))
    assert remark == ""
    with pytest.raises(ValueError, match=r"mine.py:Mine returned inf as the reward of step 0"):
        listener.rewards(np.ones((1, 2, KEYS), dtype=bool))


def test_an_installed_package_offers_a_listener_by_name(file, tmp_path, monkeypatch):
    about = tmp_path / "likes-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: likes\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[kuznechik.listeners]\nlikes-a = likes_a:LikesA\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="no listener 'likes-a'"):
        listener_named("likes-a")
    assert load_listener("likes-a=2").rewards(roll_with_an_a()).tolist() == [[0, 2, 0]]
