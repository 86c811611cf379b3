"""Improvisation by the command: a listener pays, nothing is memorised, and the switch of one network does both."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.cli import main
from experiments.config.evolve import EvolveConfig
from experiments.plots.run import draw_run
from experiments.runs.assembly import resolve
from experiments.runs.champion import open_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.improvise import OneVoice
from experiments.runs.lifecycle import read_config
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from experiments.runs.starts import Starts, choose_starts
from listener.rules import MusicTheory
from songs.keyboard import KEYS
from songs.midi import read_midi
from tests.experiments.runs.results import metrics, summary

SMALL = ("--memory", "4", "--prompt", "4", "--set", "improvise.starts=3")
SMALL += ("--set", "evolve.population_size=20", "--set", "species.target_species=2")
"""With seed 0 the song of these tests is learned after 14 generations."""
SAME = ("best/genome.json", "species.csv", "starts.json", "neat.ini", "config.toml")


def generations(count: int) -> tuple[str, str]:
    return "--set", f"evolve.generations={count}"


@pytest.fixture(scope="module")
def pulse(tmp_path_factory, write_song) -> Path:
    """Return a song that is learned in a few generations."""
    return write_song(tmp_path_factory.mktemp("pulse") / "pulse.mid", "C...C...C...C...C...C...")


@pytest.fixture(scope="module")
def improvised(pulse) -> Path:
    folder = pulse.parent / "improvised"
    call = ["evolve", str(pulse), "--listener", "theory", *SMALL, *generations(6), "--out", str(folder), "--json"]
    assert main([*call, "--checkpoint-every", "0"]) == 0
    return folder


@pytest.fixture(scope="module")
def switch(pulse) -> Path:
    folder = pulse.parent / "switch"
    call = ["evolve", str(pulse), "--listener", "theory", "--mode-bit", *SMALL, *generations(60)]
    assert main([*call, "--out", str(folder), "--json", "--checkpoint-every", "0"]) == 0
    return folder


def test_the_summary_tells_who_paid_what_and_which_operators_are_on(improvised):
    told = summary(improvised)
    heard = "active-input bias 0.8"
    assert (told["listener"], told["ceiling"], told["operators"]) == ("theory", None, [heard])
    assert told["search"] == f"NEAT with {heard}, rewarded by the listener theory"
    assert "right_teacher_forced" not in told
    assert not told["solved"]
    assert sum(told["terms_a_step"].values()) == pytest.approx(told["reward_a_step"], rel=1e-5)
    assert set(told["baselines_a_step"]) == {"silence", "random", "the_song"}
    assert len(told["starts"]) == 3


def test_plain_neat_looks_anywhere(pulse, tmp_path):
    call = ["evolve", str(pulse), "--listener", "theory", "--config", "plain-neat", *SMALL, *generations(2)]
    call += ["--set", "species.target_species=0"]  # a number of species to aim at is beyond plain NEAT
    assert main([*call, "--out", str(tmp_path / "plain"), "--json"]) == 0
    assert summary(tmp_path / "plain")["search"].startswith("plain NEAT, by neat-python's own genome")


def test_the_preset_is_for_those_that_improvise_from_the_beginning_on(improvised, switch):
    weights = [read_config(RunFolder(folder)).genome.weight_init_stdev for folder in (improvised, switch)]
    assert weights == [2, 1]


def test_metrics_follow_the_champion(improvised):
    rows = metrics(improvised)
    assert len(rows) == 6
    paid = [float(row["reward_a_step"]) for row in rows]
    assert paid == sorted(paid)
    assert paid[-1] == summary(improvised)["reward_a_step"]
    assert {"term_key", "term_motif", "term_extra_keys"} < set(rows[0])


def test_what_is_kept_is_what_the_champion_plays(improvised):
    run = open_run(improvised)
    rolls = run.improvising.play(run.player())
    assert (np.load(improvised / "best" / "improvisations.npy") == rolls).all()
    assert (np.load(improvised / "best" / "roll.npy") == rolls[0]).all()
    assert (rolls[0, :4] == run.songs[0].roll[:4]).all()
    assert run.improvising.reward(rolls) == summary(improvised)["reward_a_step"]


@pytest.mark.parametrize("options", [(), ("--mode-bit",)], ids=["improvisation", "switch"])
@pytest.mark.parametrize("cut", [3, 17])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(kuznechik, pulse, tmp_path, options, cut):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    call = ("evolve", pulse, "--listener", "theory", *options, *SMALL, "--checkpoint-every", "5")
    assert kuznechik(*call, *generations(20), "--out", whole).status == 0
    assert kuznechik(*call, *generations(cut), "--out", parts).status == 0
    assert kuznechik("evolve", "--resume", parts, *generations(20)).status == 0
    assert metrics(parts) == metrics(whole)
    assert summary(parts) == summary(whole)
    for name in SAME:
        assert (parts / name).read_bytes() == (whole / name).read_bytes(), name


def test_without_prompt_it_begins_from_nothing(kuznechik, pulse, tmp_path):
    call = (
        "evolve",
        pulse,
        "--listener",
        "theory",
        *SMALL,
        "--prompt",
        "0",
        *generations(2),
        "--out",
        tmp_path / "run",
    )
    assert kuznechik(*call).status == 0
    assert summary(tmp_path / "run")["starts"] == ["nothing"]
    assert np.load(tmp_path / "run" / "best" / "improvisations.npy").shape == (1, 24, KEYS)


# The switch


def test_the_switch_plays_the_song_with_mode_1_and_something_else_with_mode_0(switch, kuznechik):
    called = kuznechik("score", switch, "--json")
    scores = json.loads(called.out)
    assert (scores["right_free_running"], scores["prefix"], scores["steps"]) == (20, 20, 20)
    assert scores["improvisation"]["reward_a_step"] == summary(switch)["reward_a_step"]
    song, improvised = (np.load(switch / "best" / name / "roll.npy") for name in ("", "improvised"))
    assert (song[:4] == improvised[:4]).all()
    assert (song != improvised).any()
    assert summary(switch)["right_teacher_forced"] == 20


def test_play_goes_by_the_mode(switch, kuznechik, tmp_path):
    for flags, folder in (((), switch / "best"), (("--improvise",), switch / "best" / "improvised")):
        assert kuznechik("play", switch, "--out", tmp_path / "played.mid", "--force", *flags).status == 0
        played, kept = (read_midi(path).onsets for path in (tmp_path / "played.mid", folder / "melody.mid"))
        np.testing.assert_array_equal(played, kept)


# Other verbs


def test_score_prints_the_reward_beside_the_baselines_and_statistics(improvised, kuznechik):
    called = kuznechik("score", improvised)
    assert called.status == 0
    for line in ("the champion", "silence", "the song", "repeated motif", "notes a bar", "longest shared run"):
        assert line in called.out


def test_plot_draws_the_reward_and_the_roll(improvised, kuznechik):
    called = kuznechik("plot", improvised)
    assert (called.status, called.err) == (0, "")
    names = {path.name for path in (improvised / "plots").glob("*.png")}
    assert names == {"reward.png", "roll.png", "network.png", "species.png"}


def test_the_roll_of_a_switch_is_drawn_over_the_song(switch):
    figures, missing = draw_run(RunFolder(switch))
    assert (set(figures), missing) == ({"reward", "roll", "network", "species"}, [])
    assert "20 of 20 steps right" in figures["roll"].axes[0].get_title("left").replace("\n", " ")


# Mistakes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--listener", "nobody"), "no listener 'nobody'"),
        (("--listener", "theory=x"), "weight"),
        (("--listener", "theory", "--set", "task.kind=xor"), "--listener does not go with task.kind = 'xor'"),
        (("--listener", "theory", "--set", "genome.recurrent=true"), "feed-forward"),
        (("--listener", "theory", "--set", "evolve.algorithm=openai_es"), "feed-forward"),
        (
            ("--listener", "theory", "--set", "operators.loss_weighted_output=0.1"),
            "operators.loss_weighted_output = 0.1: it needs a loss",
        ),
        (("--listener", "theory", "--workers", "2"), "without workers"),
        (("--listener", "theory", "--each"), "--each learns songs"),
    ],
)
def test_a_mistake_is_one_line(kuznechik, tmp_path, options, message):
    called = kuznechik("evolve", *options, "--out", tmp_path / "run")
    assert called.status == 2
    assert called.err.count("\n") == 1
    assert message in called.err


def test_an_improvisation_scores_no_other_song(improvised, kuznechik):
    called = kuznechik("score", improvised, "--song", "grasshopper")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "learned no song" in called.err
    called = kuznechik("score", improvised, "--listener", "vae-elbo")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert f"kuznechik listener score {improvised} --listener vae-elbo" in called.err


def test_a_network_without_mode_bit_cannot_be_told_to_improvise(unsolved, kuznechik, tmp_path):
    called = kuznechik("play", unsolved, "--improvise", "--wav", tmp_path / "x.wav")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "no mode bit" in called.err


@pytest.mark.parametrize(
    "content",
    [
        '{"steps": 3}',
        '{"steps": 9, "songs": ["a"], "prompts": [[[99]]]}',
        '{"steps": 9, "songs": 3, "prompts": [[[1]]]}',
        '{"steps": 9, "songs": [], "prompts": []}',
        '{"steps": 9, "songs": ["a", "b"], "prompts": [[[1]]]}',
        '{"steps": 1, "songs": ["a"], "prompts": [[[1]]]}',
        '{"steps": 1000000000000, "songs": ["a"], "prompts": [[[1]]]}',
        "[]",
        "{",
    ],
)
def test_broken_starts_are_an_error(tmp_path, content):
    (tmp_path / "starts.json").write_text(content)
    with pytest.raises(RunError, match=r"starts\.json is broken"):
        Starts.read(RunFolder(tmp_path), 13)


def test_the_duet_page_says_that_it_learned_no_song(improvised, switch, kuznechik):
    pages = {}
    for run in (improvised, switch):
        assert kuznechik("duet", run, "--out", run / "duet.html").status == 0
        pages[run] = (run / "duet.html").read_text()
    assert "A network that learned to improvise answers" in pages[improvised]
    assert "The network that learned <em>pulse</em> answers" in pages[switch]


# Parts


def test_starts_are_the_song_and_different_prompts_of_others(improvised):
    run = open_run(improvised)
    starts = choose_starts(run.task, 5, run.songs)
    assert starts.names[0] == "pulse"
    assert len({prompt.tobytes() for prompt in starts.prompts}) == len(starts.prompts) == 5
    assert starts.steps == 24


def test_several_keys_at_a_time_cost():
    rolls = np.zeros((1, 3, KEYS), dtype=bool)
    rolls[0, 1, 4] = rolls[0, 2, [0, 4, 7]] = True
    one = OneVoice(MusicTheory(), 0.5)
    assert (one.rewards(rolls) - MusicTheory().rewards(rolls)).tolist() == [[0.0, 0.0, -1.0]]
    assert sum(one.terms(rolls).values())[0].tolist() == pytest.approx(one.rewards(rolls)[0].tolist(), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "prior"),
    [
        ({"evolve": {"algorithm": "map_elites"}}, "melody"),
        ({"task": {"mode_bit": True}}, "melody"),
        ({}, "none"),
        ({"evolve": {"algorithm": "map_elites"}, "improvise": {"listener": "ngram=1,theory=.1"}}, "none"),
        ({"evolve": {"algorithm": "map_elites"}, "improvise": {"prior": "none"}}, "none"),
        ({"improvise": {"prior": "melody"}}, "melody"),
    ],
)
def test_the_prior_is_settled_by_what_is_learned(options, prior):
    pytest.importorskip("torch")
    config = EvolveConfig.load("improvise").change("improvise", listener="learned")
    for section, values in options.items():
        config = config.change(section, **values)
    assert resolve(config)[0].improvise.prior == prior


def test_one_network_plays_the_song_and_improvises_beside_a_prior(pulse, kuznechik):
    pytest.importorskip("torch")
    folder = pulse.parent / "beside"
    more = ("--set", "improvise.prior=melody", *generations(30), "--out", folder, "--json")
    assert kuznechik("evolve", pulse, "--listener", "theory", "--mode-bit", *SMALL, *more).status == 0
    told, run = summary(folder), open_run(folder)
    assert "for the song, then NEAT with active-input bias 0.8, beside the prior melody, rewarded" in told["search"]
    assert told["right_teacher_forced"] == told["ceiling"]
    song = read_source(str(folder), Playing(improvise=False)).songs[0]
    assert (song.roll == run.songs[0].roll).all()
    played = np.array([one.roll for one in read_source(str(folder)).songs])
    assert (played == np.load(folder / "best" / "improvised" / "improvisations.npy")).all()
    assert played[:, 4:].sum(axis=2).max() == 1
    assert "which the page does not support" in kuznechik("duet", folder, "--out", folder.parent / "duet.html").err
