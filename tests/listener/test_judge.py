"""The held-out judge: its scores, its files, and that it cannot be used as a reward."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from listener.corpus import rolls_of  # noqa: E402
from listener.corruptions import MELODIC  # noqa: E402
from listener.files import models_folder, read_judge, write_listener  # noqa: E402
from listener.judge.model import Judge, JudgeNet, log_odds, score_melodies  # noqa: E402
from listener.judge.notes import BAR, REST, sixteenths  # noqa: E402
from listener.judge.players import PLAYERS  # noqa: E402
from listener.judging import percentile  # noqa: E402
from listener.registry import listener_named  # noqa: E402
from songs.catalog import read_catalog  # noqa: E402
from songs.keyboard import Grid  # noqa: E402

JUDGE = read_judge()


@pytest.fixture(scope="module")
def songs() -> dict[str, np.ndarray]:
    """Return the songs of the project, (128, K) by name; the judge did not learn from them."""
    return {entry.name: entry.song.roll for entry in read_catalog() if entry.song}


@pytest.fixture(scope="module")
def narrow(songs) -> np.ndarray:
    """Return those on 13 keys, (N, 128, 13)."""
    return np.stack([roll for roll in songs.values() if roll.shape[1] == 13])


# The judge of the project


def test_the_songs_of_the_project_rank_among_real_melodies_and_the_odd_piece_below_them(songs):
    ranks = {name: JUDGE.percentiles(roll[None])[0] for name, roll in songs.items()}
    odd, grasshopper = ranks.pop("odd_piece"), ranks["grasshopper"]
    assert odd < min(ranks.values())
    assert grasshopper >= 20
    assert np.median(list(ranks.values())) >= 40


@pytest.mark.parametrize("name", sorted(MELODIC))
def test_the_best_of_24_degenerate_melodies_ranks_below_real_ones(name):
    most = 15 if name == "scale in a rhythm" else 10  # a scale in a rhythm is nearly a tune: 4 to 11
    assert JUDGE.percentiles(rolls_of(MELODIC[name](24, 128, np.random.default_rng(1)))).max() <= most


@pytest.mark.parametrize("name", sorted(PLAYERS))
def test_a_dull_player_ranks_below_real_melodies(name, narrow):
    rhythms = np.repeat(narrow.any(axis=2), 2, axis=1)
    rhythms[:, 1::2] = False
    made = PLAYERS[name][1](rhythms, np.random.default_rng(2))
    assert np.median(percentile(JUDGE.reference, score_melodies(JUDGE.nets, made))) < 5


def test_a_note_for_two_bars_and_a_rest_for_two_ranks_below_real_melodies():
    roll = np.zeros((1, 128, 13), dtype=bool)
    roll[0, np.arange(128) % 32 < 16, 5] = True
    assert JUDGE.percentiles(roll)[0] < 5


def test_a_melody_scores_the_same_in_any_key_on_any_keyboard_and_on_sixteenths(narrow):
    piano = np.zeros((len(narrow), 256, 88), dtype=bool)
    piano[:, ::2, 40:53] = narrow
    np.testing.assert_allclose(JUDGE.scores(piano, Grid(4)), JUDGE.scores(narrow), atol=1e-4)
    np.testing.assert_allclose(JUDGE.scores(narrow, Grid(2, 2)), JUDGE.scores(narrow))
    with pytest.raises(ValueError, match="the judge takes 4/4 and 2/4, this is in 3/4"):
        JUDGE.scores(narrow, Grid(2, 3))


def test_chords_cost(narrow):
    thick = narrow[:3].copy()
    thick[:, :, 0] |= thick.any(axis=2)
    assert (JUDGE.scores(thick) < JUDGE.scores(narrow[:3]) - 1).all()


def test_steps_after_the_last_whole_bar_do_not_count(narrow):
    further = np.concatenate((narrow[:2], np.zeros((2, 5, 13), dtype=bool)), axis=1)
    np.testing.assert_allclose(JUDGE.scores(further), JUDGE.scores(narrow[:2]), atol=1e-4)
    assert JUDGE.percentiles(narrow[:2, :3]).shape == (2,)


# The network


def test_the_log_odds_are_those_of_real_against_all_other_groups():
    logits = torch.tensor([[1.0, 0, 0, 0, 0, 0]])
    assert log_odds(logits).item() == pytest.approx(1 - np.log(5))


def test_a_longer_melody_has_the_mean_of_its_windows_of_16_bars(narrow):
    torch.manual_seed(0)
    nets = [JudgeNet().eval(), JudgeNet().eval()]
    twice = sixteenths(np.concatenate((narrow[:2], narrow[2:4]), axis=1), Grid())
    windows = [twice[:, bars * BAR : (bars + 16) * BAR] for bars in (0, 8, 16)]
    expected = np.mean([score_melodies([net], window) for net in nets for window in windows], axis=0)
    np.testing.assert_allclose(score_melodies(nets, twice), expected, atol=1e-5)


def test_a_melody_scores_the_same_in_any_batch(narrow):
    torch.manual_seed(0)
    nets, melodies = [JudgeNet().eval()], sixteenths(narrow, Grid())
    together = score_melodies(nets, np.concatenate((melodies, np.full((1, 256), 60, dtype=np.int16))))
    alone = [score_melodies(nets, melody[None])[0] for melody in melodies[:5]]
    np.testing.assert_allclose(together[:5], alone, atol=1e-5)
    assert np.isfinite(score_melodies(nets, np.full((1, 256), REST, dtype=np.int16))).all()


# Files


def test_a_judge_is_read_as_it_was_written(tmp_path, narrow):
    path = tmp_path / "mine.safetensors"
    write_listener(path, JUDGE, {"data": "mine"})
    again = read_judge(path)
    assert isinstance(again, Judge)
    np.testing.assert_array_equal(again.percentiles(narrow[:3]), JUDGE.percentiles(narrow[:3]))
    assert json.loads(path.with_suffix(".json").read_text())["data"] == "mine"


@pytest.fixture
def file(tmp_path):
    """Return a copy of the shipped judge under another name."""
    for suffix in (".safetensors", ".json"):
        shutil.copy(models_folder() / f"judge{suffix}", tmp_path / f"other{suffix}")
    return tmp_path / "other.safetensors"


@pytest.mark.parametrize("name", ["judge", "theory=1,judge=1"])
def test_it_is_no_reward(name):
    with pytest.raises(ValueError, match="'judge' is the held-out judge, not a listener"):
        listener_named(name)


def test_its_file_is_no_reward_whatever_it_is_called(file):
    with pytest.raises(ValueError, match=r"other.safetensors: is the held-out judge, not a listener"):
        listener_named(str(file))


def test_a_listener_is_no_judge():
    with pytest.raises(ValueError, match=r"ngram.safetensors: is a listener of the kind 'ngram', not a judge"):
        read_judge(models_folder() / "ngram.safetensors")


@pytest.mark.parametrize("change", [{"nets": {"net 0": {"width": 3}}}, {"reference": None}])
def test_a_broken_description_is_refused(file, change):
    beside = file.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **change}))
    with pytest.raises(ValueError, match=r"other.json: is broken"):
        read_judge(file)
