"""`kuznechik dqn` from the command line: what it leaves behind, how it is resumed, and what it says of mistakes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from experiments.cli import main  # noqa: E402
from experiments.config.dqn import DqnConfig  # noqa: E402
from experiments.runs.champion import open_run  # noqa: E402
from experiments.runs.checkpoint import read_arrays, write_arrays  # noqa: E402
from experiments.runs.dqn.kind import KIND, resolve_dqn  # noqa: E402
from experiments.runs.folder import RunFolder  # noqa: E402
from experiments.runs.lifecycle import Supervision, begin, resume  # noqa: E402
from experiments.runs.scores import score  # noqa: E402
from experiments.runs.source import Playing  # noqa: E402
from experiments.runs.sources import read_source  # noqa: E402
from listener.listener import WeightedSum  # noqa: E402
from listener.memorization import ExactSteps, RightKeys  # noqa: E402
from tests.experiments.runs.results import metrics, summary  # noqa: E402

ROOT = Path(__file__).parents[3]
FILES = ["best/melody.mid", "best/melody.wav", "best/model.safetensors", "best/roll.npy", "config.toml", "meta.json"]
FILES += ["history/champions.jsonl", "metrics.csv", "summary.json", ".lock"]


def sets(*settings: str) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


SMALL = ["--memory", "6", "--prompt", "4"]
SMALL += sets("network.hidden=32", "dqn.batch_size=32", "dqn.learning_starts=20", "dqn.evaluate_every=30")
QUICK_EPISODIC = ["--preset", "episodic", *SMALL, "--set", "dqn.learning_rate=0.003"]


@pytest.fixture(scope="module")
def learned(tune) -> Path:
    """Return a run folder that learned the tune; nobody changes it."""
    folder = tune.parent / "learned"
    assert main(["dqn", str(tune), *SMALL, "--checkpoint-every", "50", "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture
def copy(learned, tmp_path) -> Path:
    """Return a copy of that folder."""
    return Path(shutil.copytree(learned, tmp_path / "copy"))


def check_same(run: Path, other: Path) -> None:
    """Check that two runs came to the same result on the same way, to the bit."""
    assert metrics(run) == metrics(other)
    for name in ("best/model.safetensors", "best/roll.npy", "best/melody.mid", "history/champions.jsonl"):
        assert (run / name).read_bytes() == (other / name).read_bytes(), name
    assert summary(run) == summary(other)
    last = [max((folder / "checkpoints").iterdir()) for folder in (run, other)]
    (arrays, data), (others, other_data) = map(read_arrays, last)
    assert data["state"] == other_data["state"]
    assert set(arrays) == set(others)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)


# What a run leaves behind


def test_a_run_that_learned_its_song_says_so(learned):
    content = summary(learned)
    assert (content["solved"], content["stopped"], content["regime"]) == (True, "solved", "bandit")
    assert content["solved_at_step"] == content["steps"] == content["champion_of_step"]
    assert content["right_teacher_forced"] == content["right_free_running"] == content["prefix"] == 20
    assert (content["cases"], content["ceiling"], content["always_rest"], content["whole_songs"]) == (20, 20, 12, 1)
    assert RunFolder.open(learned).read_json("summary.json")["cpu_seconds"] > 0
    assert content["bytes_per_transition"] == 12 + 2 + 1 + 4 * 13
    assert RunFolder.open(learned).read_json("meta.json")["experiment"] == "dqn"


def test_the_files_of_a_run_are_those_of_every_run(learned):
    files = {str(path.relative_to(learned)) for path in learned.rglob("*") if path.is_file()}
    checkpoints = {name for name in files if name.startswith("checkpoints/")}
    assert files == {*FILES, "songs/tune.mid", "songs/songs.json", *checkpoints}
    assert 1 <= len(checkpoints) <= 2
    assert not any(path.read_bytes().startswith((b"\x80", b"PK")) for path in learned.rglob("*.safetensors"))


def test_the_film_holds_what_each_better_player_played(kuznechik, learned, tmp_path):
    lines = [json.loads(line) for line in (learned / "history" / "champions.jsonl").read_text().splitlines()]
    rows = {int(row["step"]): int(row["right_teacher_forced"]) for row in metrics(learned)}
    assert [line["right"] for line in lines] == [rows[line["step"]] for line in lines]
    first, last = (read_source(str(learned), Playing(generation=lines[at]["step"])).songs[0].roll for at in (0, -1))
    assert [np.flatnonzero(keys).tolist() for keys in first] == lines[0]["roll"]
    np.testing.assert_array_equal(last, RunFolder(learned).read_roll())
    early = ("play", learned, "--generation", lines[0]["step"])
    for options, reason in (
        (("--steps", 99), "leave out --steps"),
        (("--temperature", 1), "leave out --steps and --temperature"),
    ):
        called = kuznechik(*early, *options, "--out", tmp_path / "x.mid")
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert reason in called.err


def test_the_score_in_the_environment_is_that_of_the_summary(kuznechik, learned):
    scores = json.loads(kuznechik("score", learned, "--json").out)
    assert scores["right_teacher_forced"] == scores["right_free_running"] == scores["steps"] == 20
    assert (scores["always_rest"], scores["ceiling"]) == (12, 20)
    assert 0 < scores["random"] < 12


def test_a_run_is_played_and_drawn(kuznechik, learned, tmp_path):
    called = kuznechik("play", learned, "--wav", tmp_path / "x.wav")
    assert (called.status, (tmp_path / "x.wav").read_bytes()[:4]) == (0, b"RIFF")
    run = shutil.copytree(learned, tmp_path / "run")
    called = kuznechik("plot", run)
    assert (called.status, called.err) == (0, "")
    assert [Path(path).name for path in called.out.split()] == ["learning.png", "learning.svg", "roll.png", "roll.svg"]
    assert b"regime: bandit" in (run / "plots" / "learning.svg").read_bytes()


def test_the_terminal_is_told_the_baselines_and_the_regime(kuznechik, tune, tmp_path):
    called = kuznechik("dqn", tune, *SMALL, "--out", tmp_path / "run")
    assert (called.status, called.err) == (0, "")  # no progress where there is no terminal
    assert re.match(r"Solved after \d+ environment steps, \d+ updates, \d+\.\d CPU seconds\.\n", called.out)
    assert "20 of 20 steps right, 20 free running (always resting: 12; ceiling for one network: 20)" in called.out
    assert "Regime: bandit." in called.out


def test_a_terminal_is_shown_rate_and_time_left(kuznechik, tune, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    called = kuznechik("dqn", tune, *SMALL, "--out", tmp_path / "run")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", called.err)
    assert re.search(
        r"tune .*20 of 20 right, step \d+ of 200000, \d+ episodes, epsilon 0\.\d+ +at most \d+ s left", shown
    )


def test_the_same_seed_gives_the_same_run(kuznechik, learned, tune, tmp_path):
    kuznechik("dqn", tune, *SMALL, "--checkpoint-every", "7", "--out", tmp_path / "run", "--json")
    check_same(tmp_path / "run", learned)
    kuznechik("dqn", tune, *SMALL, "--seed", "1", "--out", tmp_path / "other", "--json")
    assert metrics(tmp_path / "other") != metrics(learned)


def test_help_says_what_the_bandit_is(kuznechik):
    text = " ".join(kuznechik("dqn", "--help").out.split())
    assert "bandit (close to supervised learning)" in text


# What is learned


def test_the_episodic_regime_learns_the_tune(kuznechik, tune, tmp_path):
    called = kuznechik("dqn", tune, *QUICK_EPISODIC, "--random-start", "0.5", "--out", tmp_path / "run", "--json")
    content = json.loads(called.out)
    assert (content["solved"], content["regime"]) == (True, "episodic with random starts")
    assert content["right_free_running"] == 20


def test_several_songs_and_chords_are_learned_in_one_network(kuznechik, write_song, tmp_path):
    songs = [write_song(tmp_path / f"{name}.mid", notes) for name, notes in (("a", "C[EG]C."), ("b", "D.[FA]B"))]
    folder = ["--folder", tmp_path]
    for named in (songs, folder, [*folder, "--together"], ["a", "b", *folder]):
        run = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        options = [*SMALL, "--memory", "4", "--prompt", "1", "--out", run, "--json"]
        content = json.loads(kuznechik("dqn", *named, *options).out)
        assert (content["solved"], content["songs"], content["whole_songs"], content["cases"]) == (True, 2, 2, 14)
    assert json.loads(kuznechik("score", run, "--json").out)["whole_songs"] == 2


def test_one_key_at_a_time_learns_what_is_no_chord(kuznechik, write_song, tmp_path):
    song = write_song(tmp_path / "a.mid", "C.E.[CE]G.D" * 2)
    settings = sets("network.head=one_key", "dqn.td_loss=step", "environment.listener=exact_steps", "dqn.steps=6000")
    settings += sets("exploration.bonus=1", "exploration.epsilon_start=0", "exploration.epsilon_end=0")
    called = kuznechik("dqn", song, *SMALL, *settings, "--prompt", "2", "--out", tmp_path / "run", "--json")
    content = json.loads(called.out)
    assert (content["solved"], content["cases"], content["ceiling"], content["right_teacher_forced"]) == (
        True,
        14,
        12,
        12,
    )


def test_every_listener_can_pay(tune, tmp_path):
    class Loud:
        """Pays for every pressed key, and does not know the song."""

        def rewards(self, rolls, targets=None):
            return rolls.mean(axis=2, dtype=np.float32)

        def key_rewards(self, rolls, targets=None):
            return rolls.astype(np.float32)

    config = DqnConfig().change("task", song=str(tune), memory=6, prompt=4).change("network", hidden=32)
    config = config.change("dqn", steps=400, batch_size=32).change("exploration", epsilon_start=1.0, epsilon_end=1.0)
    config, songs = resolve_dqn(config)

    def train(name, listener):
        supervision = Supervision(resources={"listener": listener})
        return begin(KIND, config, RunFolder.create(tmp_path / name), songs, ["test"], supervision)

    loud = train("loud", Loud())
    assert (loud["stopped"], loud["solved"]) == ("budget", False)
    assert loud["greedy_reward"] > 0.9
    both = WeightedSum([RightKeys(), ExactSteps()], [0.5, 0.5])
    assert train("both", both)["greedy_reward"] > 0.6
    supervision = Supervision(resources={"listener": Loud()})
    again, _ = resume(RunFolder.open(tmp_path / "loud"), ["dqn.steps=450"], supervision)
    assert again["steps"] >= 450
    assert again["greedy_reward"] >= loud["greedy_reward"]


def test_the_champion_is_the_best_player_and_not_the_last(kuznechik, tune, tmp_path):
    settings = sets("dqn.learning_rate=0.05", "dqn.steps=600", "dqn.stop_when_solved=false")
    kuznechik("dqn", tune, *SMALL, *settings, "--out", tmp_path / "run", "--json")
    best = max(int(row["right_teacher_forced"]) for row in metrics(tmp_path / "run"))
    assert summary(tmp_path / "run")["right_teacher_forced"] == best
    assert score(open_run(tmp_path / "run"))["right_teacher_forced"] == best


# Resumed


@pytest.mark.parametrize("preset", ["episodic", "all of it"])
def test_a_resumed_run_is_the_same_to_the_bit(kuznechik, tune, tmp_path, preset):
    settings = ["dqn.stop_when_solved=false"]
    if preset == "all of it":
        settings += [
            "dqn.gamma=0.5",
            "dqn.td_loss=step",
            "replay.n_step=3",
            "replay.priority=0.5",
            "replay.capacity=90",
        ]
        settings += ["replay.importance=0.4", "exploration.bonus=0.3", "task.mode_bit=true", "dqn.target_every=7"]
        settings += ["environment.random_start=0.3", "environment.stop_at_error=true"]
    options = [tune, *SMALL, *(["--preset", "episodic"] if preset == "episodic" else []), *sets(*settings)]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    kuznechik("dqn", *options, "--set", "dqn.steps=260", "--out", whole, "--json")
    kuznechik("dqn", *options, "--set", "dqn.steps=90", "--checkpoint-every", "40", "--out", parts, "--json")
    for steps in (95, 170, 260):
        called = kuznechik("dqn", "--resume", parts, "--set", f"dqn.steps={steps}", "--json")
        assert (called.status, called.err) == (0, "")
    check_same(parts, whole)


def test_a_checkpoint_cut_short_is_passed_over(kuznechik, tune, tmp_path):
    options = [tune, *SMALL, *sets("dqn.stop_when_solved=false")]
    kuznechik("dqn", *options, "--set", "dqn.steps=200", "--out", tmp_path / "whole", "--json")
    part = tmp_path / "part"
    kuznechik("dqn", *options, "--set", "dqn.steps=120", "--checkpoint-every", "50", "--out", part, "--json")
    for length in (0, 50, -1):
        run = shutil.copytree(part, tmp_path / f"run{length}")
        newest = max((run / "checkpoints").iterdir())
        newest.write_bytes(newest.read_bytes()[:length])
        called = kuznechik("dqn", "--resume", run, "--set", "dqn.steps=200", "--json")
        assert called.status == 0
        assert re.fullmatch(
            r"kuznechik: .*safetensors: is damaged: .*; resumed from the previous checkpoint\n", called.err
        )
        check_same(run, tmp_path / "whole")


@pytest.fixture
def start():
    """Return a function that starts a run that would go on for days, and returns when a checkpoint is on disk."""
    started = []

    def start(arguments: list, run: Path) -> subprocess.Popen:
        command = [sys.executable, "-m", "experiments", "dqn", *map(str, arguments), "--out", str(run)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, **pipes)
        started.append(process)
        deadline = time.monotonic() + 120
        while not list(run.glob("checkpoints/*.safetensors")):
            assert time.monotonic() < deadline, "no checkpoint within two minutes"
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
            assert process.returncode is None, f"the run ended by itself: {process.communicate()}"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_run_stopped_from_outside_goes_on_to_the_same_bits(kuznechik, start, tune, tmp_path, number):
    run, options = tmp_path / "run", [tune, *SMALL, *sets("dqn.stop_when_solved=false")]
    process = start([*options, "--set", "dqn.steps=1000000000", "--checkpoint-every", "60"], run)
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert out.startswith("Interrupted after ")
        assert summary(run)["stopped"] == "interrupted"
    last = max(int(path.stem) for path in (run / "checkpoints").glob("*.safetensors"))
    budget = f"dqn.steps={last + 40}"
    called = kuznechik("dqn", "--resume", run, "--set", budget, "--json")
    assert (called.status, called.err) == (0, "")
    kuznechik("dqn", *options, "--set", budget, "--out", tmp_path / "whole", "--json")
    check_same(run, tmp_path / "whole")


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mid"], "none.mid: there is no such file"),
        (["tune.mid", "tune.mid"], "two songs are called 'tune'"),
        (["tune.mid", "--memory", "0"], "--memory: 0: it must be 1 to 1000000000"),
        (["tune.mid", "--memory", "x"], "--memory: invalid number value: 'x'"),
        (["tune.mid", "--memory", "5000"], "task.memory = 5000: it must be 0 to 4096"),
        (["tune.mid", "--prompt", "24"], "task.prompt = 24: tune has only 24 steps"),
        (["tune.mid", "--prompt", "-1"], "--prompt: -1: it must be 0 to 1000000000"),
        (["tune.mid", "--seed", "x"], "--seed: invalid number value: 'x'"),
        (["tune.mid", "--random-start", "2"], "--random-start: 2: it must be 0 to 1"),
        (["tune.mid", "--preset", "plain-neat"], "--preset: invalid choice: 'plain-neat'"),
        (["tune.mid", "--config", "plain-neat"], "plain-neat: no such file or preset; presets are bandit, episodic"),
        (["tune.mid", "--listener", "nobody"], "environment.listener = 'nobody': no listener 'nobody'"),
        (["tune.mid", "--listener", "theory", "--set", "task.mode_bit=true"], "the mode of improvising needs a prior"),
        (["tune.mid", "--listener", "theory", "--set", "dqn.td_loss=product"], "use 'step' with a listener"),
        (["--resume", "none", "--listener", "theory"], "--listener does not go with --resume"),
        (["--preset", "bandit", "--resume", "run"], "--preset does not go with --resume"),
        (["tune.mid", "--together"], "SONG does not go with --together"),
        (["--folder", "empty"], "empty: holds no .mid or .midi file"),
        (["--folder", "none"], "none: no such folder"),
        (["tune.mid", "--out", "empty"], "empty already exists and is never overwritten"),
        (["tune.mid", "--set", "dqn.gamma=2"], "dqn.gamma = 2.0: it must be 0 to 1"),
        (["tune.mid", "--set", "task.kind=xor"], "task.kind = 'xor': deep Q-learning learns songs"),
        (["tune.mid", "--set", "network.head=one_key"], "dqn.td_loss = 'key' needs a branch for each key"),
        (
            ["tune.mid", "--set", "dqn.td_loss=product"],
            "network.dueling = True: td_loss 'product' cannot be combined with it",
        ),
        (["--resume", "none"], "none: no such run folder"),
        (["--resume", "empty"], "empty: not a run folder: it has no config.toml"),
        (["--resume", "none", "--seed", "1"], "--seed does not go with --resume"),
        (["--resume", "none", "--random-start", "1"], "--random-start does not go with --resume"),
        (["tune", "--resume", "none"], "SONG does not go with --resume"),
    ],
)
def test_a_mistake_is_named_in_one_line_and_leaves_nothing_behind(
    kuznechik, tune, tmp_path, monkeypatch, arguments, message
):
    shutil.copy(tune, tmp_path / "tune.mid")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    called = kuznechik("dqn", *arguments)
    assert (called.status, called.out) == (2, "")
    assert message in called.err
    assert "Traceback" not in called.err
    assert called.err.count("\n") == 1 or called.err.startswith("usage: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "tune.mid"]


def refused(kuznechik, *arguments) -> str:
    """Return the one line with which a call is refused."""
    called = kuznechik(*arguments)
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    return called.err


def test_a_resumed_run_keeps_its_settings(kuznechik, copy):
    error = refused(kuznechik, "dqn", "--resume", copy, "--set", "dqn.gamma=0.5")
    assert "a resumed run keeps its settings; only dqn.steps and dqn.stop_when_solved may change" in error


def test_a_checkpoint_of_another_shape_is_refused(kuznechik, copy):
    text = (copy / "config.toml").read_text()
    for before, after, message in (
        ("hidden = 32", "hidden = 16", "body.0.weight has the shape (32, 78), this run needs (16, 78)"),
        ("dueling = true", "dueling = false", "network has the layers"),
        ("environments = 4", "environments = 3", "has the shape"),
        ("memory = 6", "memory = 7", "has the shape"),
    ):
        assert before in text
        (copy / "config.toml").write_text(text.replace(before, after))
        assert message in refused(kuznechik, "dqn", "--resume", copy)
    (copy / "config.toml").write_text(text.replace("hidden = 32", "hidden = 16"))
    assert "does not fit config.toml" in refused(kuznechik, "score", copy)


def test_a_checkpoint_that_lacks_something_is_refused(kuznechik, copy):
    path = max((copy / "checkpoints").iterdir())
    arrays, data = read_arrays(path)
    for name in ("agent.learner.replay.bits", "env.song", "began"):
        write_arrays(path, {key: array for key, array in arrays.items() if key != name}, data)
        error = refused(kuznechik, "dqn", "--resume", copy)
        assert "does not fit the run" in error
        assert "is missing" in error
    write_arrays(path, arrays, {**data, "state": {**data["state"], "loop": {}}})
    assert "is missing" in refused(kuznechik, "dqn", "--resume", copy)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ((), [], "state is []"),
        (("solved_at_step",), "x", "solved_at_step is 'x'"),
        (("champion", "score"), 3, "champion.score is 3"),
        (("champion", "score"), {}, "champion.score.right is missing"),
        (("loop",), [], "loop is []"),
        (("loop", "env"), 0.5, "env is 0.5"),
        (("loop", "env", "generators", 0), "x", "env.generators[0] is 'x'"),
        (("loop", "agent"), True, "agent is True"),
        (("loop", "agent", "learner", "steps"), 1e300, "agent.learner.steps is 1e+300"),
        (("loop", "agent", "learner", "replay", "added"), "x", "agent.learner.replay.added is 'x'"),
        (("loop", "agent", "learner", "random", "state", "state"), [1], "agent.learner.random.state.state is [1]"),
        (("loop", "agent", "learner", "random", "uinteger"), 10**30, "too large"),
    ],
)
def test_a_checkpoint_whose_checksum_was_made_to_fit_is_refused(kuznechik, copy, place, value, reason):
    path = max((copy / "checkpoints").iterdir())
    arrays, data = read_arrays(path)
    *way, last = ("state", *place)
    part = data
    for name in way:
        part = part[name]
    part[last] = value
    write_arrays(path, arrays, data)
    error = refused(kuznechik, "dqn", "--resume", copy)
    assert f"{copy}: the checkpoint does not fit the run: " in error
    assert reason in error
    assert len(error) < 300 + len(str(copy))


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        (
            "agent.learner.network.body.0.weight",
            lambda array: array * np.nan,
            "network.body.0.weight holds values that are not finite",
        ),
        ("agent.learner.optimizer.0.exp_avg", lambda array: array[:-1], "optimizer.0.exp_avg has the shape"),
        (
            "agent.learner.optimizer.0.exp_avg_sq",
            lambda array: array - 1,
            "exp_avg_sq holds values that are not from 0 to",
        ),
        ("agent.learner.replay.rewards", lambda array: array.astype(np.int8), "replay.rewards is int8"),
        ("agent.recent.rewards", lambda array: array + np.inf, "recent.rewards holds values that are not finite"),
        ("champion.body.0.weight", lambda array: array.astype(bool), "network.body.0.weight is bool"),
        ("began", lambda array: array[:-1], "began has the shape"),
        ("env.song", lambda array: array + 1, "env.song holds values that are not from 0 to 0"),
        ("env.song", lambda array: array * 1.0, "env.song is float64"),
        ("env.step", lambda array: array + 2**40, "env.step holds steps that the songs do not have"),
        ("env.step", lambda array: array - 100, "env.step holds steps that the songs do not have"),
        ("env.used", lambda array: array + 33, "env.used holds values that are not from 0 to 32"),
        ("env.drawn", lambda array: array + 1, "env.drawn holds values that are not from 0 to 1"),
        ("env.over", lambda array: np.array([7]), "env.over is int64"),
    ],
)
def test_a_checkpoint_of_impossible_arrays_is_refused(kuznechik, copy, name, change, reason):
    path = max((copy / "checkpoints").iterdir())
    arrays, data = read_arrays(path)
    write_arrays(path, {**arrays, name: change(arrays[name])}, data)
    assert reason in refused(kuznechik, "dqn", "--resume", copy)


@pytest.mark.parametrize("prompt", [24, 100])
def test_a_prompt_as_long_as_the_song_is_refused(kuznechik, copy, prompt):
    text = (copy / "config.toml").read_text()
    assert "prompt = 4" in text
    (copy / "config.toml").write_text(text.replace("prompt = 4", f"prompt = {prompt}"))
    reason = f"config.toml is broken: task.prompt = {prompt}: tune has only 24 steps"
    assert reason in refused(kuznechik, "dqn", "--resume", copy)


def test_a_configuration_that_was_emptied_is_broken(kuznechik, copy, solved, tmp_path):
    evolved = shutil.copytree(solved, tmp_path / "evolved")
    for run, verb in ((copy, "dqn"), (evolved, "evolve")):
        (run / "config.toml").write_text("")
        for call in (("score",), ("report",), ("duet",), ("plot",), (verb, "--resume")):
            error = refused(kuznechik, *call, run)
            assert error.startswith(f"kuznechik: {run}: config.toml is broken: task.memory = 0")


def test_with_no_whole_checkpoint_a_run_is_not_resumed(kuznechik, copy):
    for path in (copy / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert "no checkpoint is left to resume from" in refused(kuznechik, "dqn", "--resume", copy)


@pytest.mark.parametrize(("content", "message"), [(None, "is missing"), (b"half", "is damaged")])
def test_a_run_without_its_champion_is_not_scored(kuznechik, copy, content, message):
    path = copy / "best" / "model.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    assert f"model.safetensors: {message}" in refused(kuznechik, "score", copy)


def test_a_run_of_one_kind_is_not_resumed_as_the_other(kuznechik, copy, solved):
    assert f"{copy}: it is a run of kuznechik dqn, not evolve" in refused(kuznechik, "evolve", "--resume", copy)
    assert f"{solved}: it is a run of kuznechik evolve, not dqn" in refused(kuznechik, "dqn", "--resume", solved)


def test_a_missing_package_is_named(kuznechik, tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "needs the package torch, which is not installed: pip install" in refused(kuznechik, "dqn", tune)


def test_tensorboard_is_an_option(kuznechik, tune, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    error = refused(kuznechik, "dqn", tune, *SMALL, "--tensorboard", "--out", tmp_path / "run")
    assert "--tensorboard needs the package tensorboard" in error
    assert not (tmp_path / "run").exists()


def test_the_learning_curve_is_written_for_tensorboard(kuznechik, tune, tmp_path):
    pytest.importorskip("tensorboard", reason="needs TensorBoard: pip install '.[tensorboard]'")
    called = kuznechik("dqn", tune, *SMALL, "--tensorboard", "--out", tmp_path / "run", "--json")
    assert called.status == 0
    assert [path.name[:6] for path in (tmp_path / "run" / "tensorboard").iterdir()] == ["events"]


def test_a_checkpoint_that_claims_more_than_its_run_can_hold_is_not_read(kuznechik, copy):
    for path in (copy / "checkpoints").iterdir():
        size = 2**29
        head = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
        with path.open("wb") as file:  # valid, and holds nothing
            file.write(len(head).to_bytes(8, "little") + head)
            file.truncate(8 + len(head) + size)
    error = refused(kuznechik, "dqn", "--resume", copy)
    assert re.search(r"safetensors: is damaged: .*Larger than \d+ MiB", error)


def test_numbers_that_grow_beyond_all_bounds_are_told(kuznechik, copy):
    path = max((copy / "checkpoints").iterdir())
    arrays, data = read_arrays(path)
    big = {
        name: np.full_like(array, 1e37) for name, array in arrays.items() if name.startswith("agent.learner.target.")
    }
    text = (copy / "config.toml").read_text()
    (copy / "config.toml").write_text(text.replace("stop_when_solved = true", "stop_when_solved = false"))
    first = "agent.learner.network.body.0.weight"
    write_arrays(path, {**arrays, **big, first: arrays[first] + 3e38}, data)
    steps = data["state"]["loop"]["agent"]["learner"]["steps"] + 40
    error = refused(kuznechik, "dqn", "--resume", copy, "--set", f"dqn.steps={steps}")
    assert "learning has diverged (" in error
    assert "values that are not finite): start a new run with a smaller learning rate" in error
