"""The leaderboard: performers judged by several listeners."""

import json
import shutil

import numpy as np
import pytest

from experiments.runs.source import Source
from experiments.studies.leaderboard import judge
from songs.keyboard import KEYS
from songs.song import Song


class LikesA:
    """Pays 1 for every A."""

    def rewards(self, rolls, targets=None):
        return rolls[:, :, 9].astype(np.float32)


def song(keys: list[int]) -> Song:
    roll = np.zeros((len(keys), KEYS), dtype=bool)
    roll[np.arange(len(keys)), keys] = True
    return Song("tune", roll)


def source(name: str, rolls: list[np.ndarray]) -> Source:
    return Source(name, "plays", [Song(name, roll) for roll in rolls])


SONGS = [song([0, 2, 4, 5] * 8), song([7, 5, 4, 2] * 8), song([0, 4, 7, 4] * 8)]


def test_rewards_are_those_of_a_step_behind_the_first_bar():
    rolls = [song([9] * 8 + [9, 0] * 4).roll, song([9] * 8 + [9, 0, 0, 0] * 2).roll]
    (row,) = judge([source("player", rolls)], {"likes A": LikesA()}, SONGS, seed=0)
    assert row["rewards"]["likes A"] == pytest.approx({"mean": 0.375, "low": 0.25, "high": 0.5})
    assert row["melodies"] == 2


def test_the_judge_ranks_whole_melodies_and_copying_from_the_training_is_the_longest_of_all():
    rolls = [SONGS[0].roll, song([9] * 32).roll, song([0] * 8 + [4, 9] * 12).roll]
    entry = source("player", rolls)
    ranks = lambda played: 10.0 * played[:, :, 9].sum(axis=1)  # noqa: E731
    (row,) = judge([entry], {"likes A": LikesA()}, SONGS, 0, ranks, trained_on=[SONGS[0].roll])
    assert row["percentile"]["median"] == 120.0
    assert (row["percentile"]["low"], row["percentile"]["high"]) == (0.0, 320.0)
    assert row["shared_with_training"] == 24
    (row,) = judge([source("player", rolls[1:2])], {"likes A": LikesA()}, SONGS, 0, ranks)
    assert row["percentile"] == {"median": 320.0, "low": None, "high": None}
    assert "shared_with_training" not in row


def test_a_single_melody_has_no_interval():
    (row,) = judge([source("player", [SONGS[0].roll])], {"likes A": LikesA()}, SONGS, seed=0)
    assert row["rewards"]["likes A"] == {"mean": 0.0, "low": None, "high": None}
    assert row["longest_shared_run"] == 24  # all of it is copied


def test_the_best_by_the_first_listener_stands_first():
    players = [source(name, [song([key] * 16).roll]) for name, key in (("C", 0), ("A", 9))]
    rows = judge(players, {"likes A": LikesA()}, SONGS, seed=0)
    assert [row["name"] for row in rows] == ["A", "C"]


def test_the_command_judges_runs_beside_real_songs(kuznechik, unsolved, tmp_path):
    called = kuznechik("leaderboard", unsolved, "--melodies", "2", "--out", tmp_path / "board", "--json")
    rows = {row["name"]: row for row in json.loads(called.out)["rows"]}
    models = {"vae-16", "best-of-16", "best-of-16-by-plan", "markov-4"}
    assert set(rows) == {"unsolved", "real", *models, "random", "silence"}
    assert rows["silence"]["rewards"]["theory"] == {"mean": -100.0, "low": None, "high": None}
    assert rows["real"]["rewards"]["ngram"]["low"] > rows["random"]["rewards"]["ngram"]["high"]
    assert rows["real"]["longest_shared_run"] is rows["real"]["frechet_distance"] is None
    assert rows["silence"]["frechet_distance"] is None
    assert min(rows[name]["frechet_distance"] for name in ("random", "best-of-16", "vae-16")) > 0
    assert rows["real"]["muspy"]["scale_consistency"] > 0.95 > rows["random"]["muspy"]["scale_consistency"]
    assert rows["best-of-16"]["rewards"]["theory"]["mean"] > rows["markov-4"]["rewards"]["theory"]["mean"]
    assert "vae-16: folded onto 13 keys and eighths, for comparison with others" in called.err
    assert rows["real"]["percentile"]["median"] > 25 > 5 > rows["random"]["percentile"]["high"]
    assert json.loads((tmp_path / "board" / "leaderboard.json").read_text())["rows"] == list(rows.values())
    page = (tmp_path / "board" / "leaderboard.html").read_text()
    for name, row in rows.items():
        assert (f"<h3>{name}: {row['what']}</h3>" in page) == (name != "silence")
        assert len(row["percentiles"]) == row["melodies"]
    assert f"percentile {rows['random']['percentiles'][1]:.0f}<" in page
    for name in rows:
        assert {path.name for path in (tmp_path / "board" / name).iterdir()} == {"roll.npy", "melody.mid", "melody.wav"}


def test_the_command_prints_a_table(kuznechik, tmp_path):
    called = kuznechik("leaderboard", "--listener", "theory", "--melodies", "2", "--out", tmp_path / "board")
    assert called.status == 0
    heading, *rows = called.out.splitlines()[:8]
    assert heading.split()[:3] == ["performer", "melodies", "theory"]
    assert sorted(row.split()[0] for row in rows) == [
        "best-of-16", "best-of-16-by-plan", "markov-4", "random", "real", "silence", "vae-16"
    ]  # fmt: skip
    assert rows[-1].split() == ["silence", "1", "-100.000", "0", "9", "0.0", "-"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--listener", "nobody"], "no listener 'nobody'"),
        (["none"], "no song 'none'"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(kuznechik, tmp_path, options, message):
    called = kuznechik("leaderboard", *options, "--out", tmp_path / "board")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert message in called.err
    assert not (tmp_path / "board").exists()


def test_two_runs_of_one_name_are_refused(kuznechik, unsolved, tmp_path):
    other = shutil.copytree(unsolved, tmp_path / "other" / "unsolved")
    called = kuznechik("leaderboard", unsolved, other, "--out", tmp_path / "board")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "two performers are called 'unsolved'" in called.err
