"""The verbs of the command: what they print, what they write, and how they exit."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
import wave
from dataclasses import fields
from pathlib import Path

import neat
import numpy as np
import pytest

from agents.neat.genome_json import genome_from_json
from agents.neat.network import Network
from agents.neat.network_player import NetworkPlayer
from agents.performer import RandomPlayer
from agents.rollout import play_on
from envs.keyboard_env import KeyboardEnv
from experiments.cli import GROUPS, find_verbs, make_parser
from experiments.config.neat_ini import read_neat_config
from songs.catalog import Entry, read_song
from songs.keyboard import KEYS
from songs.midi import write_midi
from songs.synth import TAIL_SECONDS

ROOT = Path(__file__).parents[2]
MEMORY, PROMPT = 6, 4
FILES = {
    ".lock",
    "best/genome.json",
    "best/melody.mid",
    "best/melody.wav",
    "best/roll.npy",
    "config.toml",
    "history/champions.jsonl",
    "meta.json",
    "metrics.csv",
    "neat.ini",
    "songs/songs.json",
    "songs/tune.mid",
    "species.csv",
    "summary.json",
}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


# songs


def test_songs_lists_a_folder(kuznechik, tmp_path, write_song):
    write_song(tmp_path / "one.mid", "..C.CD..", "First")
    write_midi(tmp_path / "wide.mid", np.array([[0, 40], [1, 90]]), 8)
    (tmp_path / "text.mid").write_text("no music")
    listed = kuznechik("songs", "--folder", tmp_path, "--prompt", 0)
    assert (listed.status, listed.err) == (0, "")
    lines = [line.split() for line in listed.out.splitlines()]
    assert lines[0] == ["name", "title", "notes", "span", "shift", "chords", "memory", "playable"]
    assert lines[1] == ["one", "First", "3", "3", "0", "0", "none", "yes"]
    assert lines[2][:7] == ["text", "-", "-", "-", "-", "-", "no:"]
    assert (lines[3][0], lines[3][-1]) == ("wide", "yes")
    assert listed.out.splitlines()[-1] == "2 of 3 songs can be played."


def test_songs_as_json_have_the_same_keys_always(kuznechik, tmp_path, write_song):
    write_song(tmp_path / "one.mid", "C.E.G...", "Первая")
    (tmp_path / "text.mid").write_text("no music")
    listed = kuznechik("songs", "--folder", tmp_path, "--json")
    one, text = json.loads(listed.out)
    assert list(one) == list(text) == [field.name for field in fields(Entry) if field.name != "song"]
    assert (one["name"], one["title"], one["notes"], one["playable"]) == ("one", "Первая", 3, True)
    assert (text["playable"], text["notes"]) == (False, None)
    assert "Первая" in listed.out


def test_songs_come_with_the_project(kuznechik):
    listed = kuznechik("songs", "--json")
    names = [song["name"] for song in json.loads(listed.out)]
    assert "grasshopper" in names
    assert sum(song["playable"] for song in json.loads(listed.out)) > 20


def test_names_and_titles_only_show(kuznechik, tmp_path, write_song):
    write_song(tmp_path / "esc\x1b[31m.mid", "C.E.", "[red]a\x1b[0m\u202eb[/]")
    write_song(tmp_path / "x.mid", "C.E.", "T" * 100_000)
    lines = kuznechik("songs", "--folder", tmp_path).out.splitlines()
    assert [line.split()[:2] for line in lines[1:3]] == [["esc\\x1b[31m", "[red]a[0mb[/]"], ["x", "T" * 200]]
    assert max(map(len, lines)) < 300
    played = kuznechik("play", tmp_path / "esc\x1b[31m.mid", "--wav", tmp_path / "a\nb.wav").out
    assert played == f"{tmp_path}/a\\nb.wav: 8 steps of [red]a[0mb[/]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="names of files are always text there")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_what_the_terminal_cannot_show_is_escaped(tmp_path, write_song, encoding):
    song = write_song(tmp_path / "x.mid", "C.E.", "Кузнечик")
    os.rename(song, os.fsencode(tmp_path) + b"/caf\xe9.mid")  # not UTF-8
    environment = {"PYTHONIOENCODING": f"{encoding}:strict", "PYTHONUTF8": "1"}
    options = ("-m", "experiments", "songs", "--folder", str(tmp_path), "--json")
    ran = python(*options, env={**os.environ, **environment}, encoding=encoding)
    assert (ran.returncode, ran.stderr) == (0, "")
    (entry,) = json.loads(ran.stdout)
    assert (entry["name"], entry["title"]) == ("caf\\udce9", "Кузнечик")


def test_the_memory_of_songs_depends_on_the_prompt(kuznechik, tmp_path, write_song):
    write_song(tmp_path / "one.mid", "..C.CD..")
    memories = []
    for prompt in (0, 2, 5):
        (song,) = json.loads(kuznechik("songs", "--folder", tmp_path, "--prompt", prompt, "--json").out)
        memories.append(song["memory"])
    assert memories == [None, 3, 1]


# evolve


def test_a_solved_run_ends_with_0_and_leaves_everything(solved):
    assert files(solved) - FILES == {name for name in files(solved) if name.startswith("checkpoints/")}
    assert files(solved) >= FILES
    summary = summary_of(solved)
    assert (summary["solved"], summary["stopped"]) == (True, "solved")
    assert (summary["right_teacher_forced"], summary["cases"], summary["ceiling"]) == (20, 20, 20)
    assert (summary["song"], summary["songs"], summary["memory"], summary["prompt"]) == ("tune", 1, MEMORY, PROMPT)
    assert (summary["always_rest"], summary["seed"], summary["task"]) == (12, 0, "song")
    song = read_song(solved / "songs" / "tune.mid")
    assert song.title == "A Tune"
    assert (np.load(solved / "best" / "roll.npy") == song.roll).all()
    assert (read_song(solved / "best" / "melody.mid").roll == song.roll).all()


def test_the_tables_tell_of_every_generation(solved):
    with (solved / "metrics.csv").open() as file:
        metrics = list(csv.DictReader(file))
    with (solved / "species.csv").open() as file:
        species = list(csv.DictReader(file))
    summary = summary_of(solved)
    assert [int(row["generation"]) for row in metrics] == list(range(summary["generations"]))
    assert int(metrics[-1]["evaluations"]) == summary["evaluations"]
    assert (int(metrics[-1]["best_right"]), int(metrics[-1]["connections"])) == (20, summary["connections"])
    for row in metrics:
        members = [int(one["members"]) for one in species if one["generation"] == row["generation"]]
        assert (len(members), sum(members)) == (int(row["species"]), 40)


def test_a_run_within_its_budget_ends_with_0_too(unsolved):
    summary = summary_of(unsolved)
    assert (summary["solved"], summary["stopped"], summary["generations"]) == (False, "budget", 4)
    assert summary["right_teacher_forced"] < 20


def test_the_json_is_the_summary_and_the_folder(kuznechik, tune, tmp_path, small):
    called = kuznechik("evolve", tune, *small, "--set", "evolve.generations=2", "--out", tmp_path / "run", "--json")
    assert (called.status, called.err) == (0, "")
    assert json.loads(called.out) == {**summary_of(tmp_path / "run"), "run": str(tmp_path / "run")}


def test_what_is_printed_for_people(kuznechik, tune, tmp_path, small):
    options = (
        *small,
        "--set",
        "evolve.generations=2",
        "--set",
        "operators.loss_weighted_output=0",
        "--checkpoint-every",
        "0",
    )
    called = kuznechik("evolve", tune, *options, "--out", tmp_path / "my run")
    summary = summary_of(tmp_path / "my run")
    assert (called.status, called.err) == (0, "")
    lines = called.out.splitlines()
    assert lines[0].startswith(f"Budget used after 2 generations, {summary['evaluations']} evaluations, ")
    assert lines[1].startswith(
        f"{summary['right_teacher_forced']} of 20 steps right (always resting: 12). Search: NEAT with"
    )
    assert "modular crossover" in lines[1]
    assert "loss-weighted" not in lines[1]
    assert lines[2] == f"Written: {tmp_path / 'my run'}"
    assert lines[-1] == f"Next: kuznechik score|plot|play|report|duet '{tmp_path / 'my run'}'"


def test_the_configuration_of_a_run_gives_the_same_run_again(kuznechik, solved, tmp_path):
    again = tmp_path / "again"
    assert kuznechik("evolve", "--config", solved / "config.toml", "--out", again, "--json").status == 0
    for name in ("config.toml", "neat.ini", "species.csv", "best/genome.json", "best/roll.npy", "best/melody.wav"):
        assert (again / name).read_bytes() == (solved / name).read_bytes(), name


def test_the_seed_decides(kuznechik, tune, tmp_path, small):
    genomes = []
    for number, seed in enumerate((0, 1, 1)):
        out = tmp_path / str(number)
        kuznechik("evolve", tune, *small, "--set", "evolve.generations=2", "--seed", seed, "--out", out, "--json")
        genomes.append((out / "best" / "genome.json").read_bytes())
    assert genomes[0] != genomes[1] == genomes[2]


def test_the_command_line_is_kept(unsolved, tune):
    meta = json.loads((unsolved / "meta.json").read_text())
    assert meta["experiment"] == "evolve"
    assert meta["command"][:3] == ["kuznechik", "evolve", str(tune)]
    assert meta["command"][-3:] == ["--out", str(unsolved), "--json"]


def test_runs_are_numbered_where_no_folder_is_named(kuznechik, tune, tmp_path, small, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        called = kuznechik("evolve", tune, *small, "--set", "evolve.generations=1", "--json")
        assert json.loads(called.out)["run"] == f"runs/tune-{number}"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["tune-1", "tune-2"]


def test_the_memory_is_what_the_song_needs_but_at_least_four_bars(kuznechik, tune, tmp_path, write_song):
    long = write_song(tmp_path / "long.mid", "C" + "." * 50 + "D" + "E" * 10 + "." * 50 + "G")
    for song, memory in ((tune, 32), (long, 51)):
        called = kuznechik(
            "evolve", song, "--set", "evolve.generations=1", "--out", tmp_path / f"of {song.stem}", "--json"
        )
        assert json.loads(called.out)["memory"] == memory


def test_exclusive_or_is_solved(kuznechik, tmp_path):
    called = kuznechik("evolve", "--config", "xor", "--out", tmp_path / "run", "--json")
    summary = json.loads(called.out)
    assert (called.status, summary["solved"], summary["task"], summary["songs"]) == (0, True, "xor", 0)
    assert (summary["cases"], summary["right_teacher_forced"], summary["operators"]) == (4, 4, [])
    assert summary["hidden"] > 0
    assert json.loads(kuznechik("score", tmp_path / "run", "--json").out) == {"cases": 4, "right": 4}


# Several songs


@pytest.fixture(scope="module")
def songbook(tmp_path_factory, write_song) -> Path:
    folder = tmp_path_factory.mktemp("songbook")
    write_song(folder / "tune 2.mid", "C.E.G...E.E.D...")
    write_song(folder / "tune 10.mid", "G.F.D...C.C.D.F.")
    (folder / "text.mid").write_text("no music")
    return folder


def test_each_song_gets_a_run_of_its_own(kuznechik, songbook, tmp_path, small):
    options = ("--folder", songbook, "--each", *small, "--set", "evolve.generations=2", "--out", tmp_path / "all")
    called = kuznechik("evolve", *options, "--json")
    assert called.status == 0
    assert called.err == (
        "1 of 3 files are left out, such as text.mid: is not a MIDI file: it does not begin with MThd\n"
    )
    summaries = json.loads(called.out)
    assert [one["song"] for one in summaries] == ["tune 2", "tune 10"]
    assert json.loads((tmp_path / "all" / "summaries.json").read_text()) == {"runs": summaries}
    for one in summaries:
        folder = tmp_path / "all" / one["song"]
        assert {**summary_of(folder), "run": str(folder)} == one
        scored = json.loads(kuznechik("score", folder, "--json").out)
        assert (scored["song"], scored["right_teacher_forced"]) == (one["song"], one["right_teacher_forced"])


def test_each_song_gets_a_row(kuznechik, songbook, tmp_path, small):
    options = ("--folder", songbook, "--each", *small, "--set", "evolve.generations=1", "--out", tmp_path / "all")
    called = kuznechik("evolve", *options)
    assert called.status == 0
    lines = called.out.splitlines()
    assert lines[0].split()[:3] == ["song", "memory", "solved"]
    assert [line.split("  ")[0] for line in lines[1:3]] == ["tune 2", "tune 10"]
    assert lines[-1].startswith("0 of 2 songs solved in ")


def test_all_songs_together_are_one_run(kuznechik, songbook, tmp_path, small):
    options = ("--folder", songbook, "--together", *small, "--set", "evolve.generations=3")
    called = kuznechik("evolve", *options, "--out", tmp_path / "run", "--json")
    summary = json.loads(called.out)
    assert (called.status, summary["songs"], summary["song"], summary["cases"]) == (0, 2, None, 24)
    scored = json.loads(kuznechik("score", tmp_path / "run", "--json").out)
    assert [song["song"] for song in scored["songs"]] == ["tune 2", "tune 10"]
    for name in ("steps", "right_teacher_forced", "right_free_running", "prefix", "always_rest", "random"):
        assert scored[name] == pytest.approx(sum(song[name] for song in scored["songs"]))
    assert scored["right_teacher_forced"] == summary["right_teacher_forced"]
    assert scored["whole_songs"] == sum(song["prefix"] == song["steps"] for song in scored["songs"])
    printed = kuznechik("score", tmp_path / "run").out.splitlines()
    assert [line.split("  ")[0] for line in printed[1:3]] == ["tune 2", "tune 10"]


# score

SCORES = ["song", "steps", "right_teacher_forced", "right_free_running", "prefix", "always_rest", "random"]


def test_a_champion_that_learned_all_scores_all(kuznechik, solved):
    called = kuznechik("score", solved, "--json")
    scores = json.loads(called.out)
    assert (called.status, called.err) == (0, "")
    assert list(scores) == [*SCORES, "ceiling", "memory", "prompt"]
    del scores["random"]
    assert scores == {
        "song": "tune",
        "steps": 20,
        "right_teacher_forced": 20,
        "right_free_running": 20,
        "prefix": 20,
        "always_rest": 12,
        "ceiling": 20,
        "memory": 6,
        "prompt": 4,
    }


def step_by_step(run: Path, song: Path, teacher_forcing: bool) -> list[bool]:
    """Let neat-python's own network play the environment, and return which steps are right."""
    genome, *_ = genome_from_json((run / "best" / "genome.json").read_text())
    network = neat.nn.FeedForwardNetwork.create(genome, read_neat_config(run / "neat.ini"))
    env = KeyboardEnv([read_song(song)], memory=MEMORY, prompt=PROMPT, teacher_forcing=teacher_forcing)
    observation, _ = env.reset()
    right, over = [], False
    while not over:
        keys = np.array(network.activate(observation.tolist())) > 0  # the activation is tanh
        observation, _, over, _, information = env.step(keys.astype(np.int8))
        right.append(information["right"])
    return right


@pytest.mark.parametrize("other", [False, True])
def test_scores_are_those_of_the_environment(kuznechik, unsolved, tune, write_song, tmp_path, other):
    song = write_song(tmp_path / "other.mid", "C.E.G...E.G.C.G...E.....") if other else tune
    scores = json.loads(kuznechik("score", unsolved, "--json", *(("--song", song) if other else ())).out)
    forced, free = (step_by_step(unsolved, song, teacher_forcing) for teacher_forcing in (True, False))
    assert (scores["song"], scores["steps"]) == (song.stem, len(forced))
    assert (scores["right_teacher_forced"], scores["right_free_running"]) == (sum(forced), sum(free))
    assert scores["prefix"] == [*free, False].index(False) == [*forced, False].index(False)
    roll = read_song(song).roll[PROMPT:]
    assert scores["always_rest"] == (~roll.any(axis=1)).sum()
    if not other:
        assert scores["right_teacher_forced"] == summary_of(unsolved)["right_teacher_forced"]


def test_the_random_player_of_the_scores_plays_twenty_episodes(kuznechik, solved, tune):
    scores = json.loads(kuznechik("score", solved, "--json").out)
    player, target, right = RandomPlayer(np.random.default_rng(0)), read_song(tune).roll[PROMPT:], 0
    for _ in range(20):
        for step in target:
            right += (player.press(np.zeros((1, MEMORY, KEYS), dtype=bool))[0] == step).all()
    assert scores["random"] == right / 20


def test_scores_are_printed_a_line_each(kuznechik, solved):
    printed = [line.split() for line in kuznechik("score", solved).out.splitlines()]
    assert [line for line in printed if line[0] == "prefix"] == [["prefix", "20"]]
    assert printed[0] == ["song", "tune"]
    assert ["always", "rest", "12"] in printed


# plot and play


def test_plot_names_the_files_it_wrote(kuznechik, unsolved, tmp_path):
    run = tmp_path / "run"
    (run / "songs").mkdir(parents=True)
    for name in ("config.toml", "meta.json", "species.csv"):  # the picture that is drawn fastest
        (run / name).write_bytes((unsolved / name).read_bytes())
    called = kuznechik("plot", run)
    assert called.status == 0
    assert called.out.splitlines() == [str(run / "plots" / name) for name in ("species.png", "species.svg")]
    assert called.err.startswith(f"{run}: not drawn: fitness (metrics.csv is missing")
    assert files(run / "plots") == {"species.png", "species.svg"}


def test_evolve_can_plot(kuznechik, tmp_path):
    options = ("--set", "evolve.generations=1", "--set", "evolve.population_size=10")
    called = kuznechik("evolve", "--config", "xor", *options, "--out", tmp_path / "run", "--plot")
    assert (called.status, called.err) == (0, "")
    pictures = {f"{name}.{ending}" for name in ("fitness", "species", "network") for ending in ("png", "svg")}
    assert files(tmp_path / "run" / "plots") == pictures
    assert f"Written: {tmp_path / 'run'}\n" in called.out


def samples(path: Path) -> tuple[int, np.ndarray]:
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth()) == (2, 2)
        return wav.getframerate(), np.frombuffer(wav.readframes(wav.getnframes()), dtype="<i2").reshape(-1, 2)


@pytest.mark.parametrize("steps", [None, 8, 24, 100])
def test_play_writes_what_the_champion_plays(kuznechik, unsolved, tune, tmp_path, steps):
    wav = tmp_path / "sound.wav"
    called = kuznechik("play", unsolved, "--wav", wav, *(() if steps is None else ("--steps", steps)))
    assert (called.status, called.err) == (0, "")
    assert called.out == f"{wav}: {steps or 24} steps of A Tune\n"
    rate, sound = samples(wav)
    assert len(sound) == round(((steps or 24) * 0.25 + TAIL_SECONDS) * rate)  # eighth notes at 120, and the ringing
    assert np.abs(sound).max() > 3000
    genome, _, outputs = genome_from_json((unsolved / "best" / "genome.json").read_text())
    player = NetworkPlayer(Network(genome, outputs))
    roll = play_on(player, read_song(tune).roll[:PROMPT], steps or 24, MEMORY)
    assert (sound == np.rint(read_song(tune).sound(roll) * 32767)).all()


def test_play_writes_a_song(kuznechik, tune, tmp_path, monkeypatch):
    for source, steps in ((tune, 24), ("grasshopper", 128)):
        called = kuznechik("play", source, "--wav", tmp_path / "song.wav", "--force")
        assert called.status == 0
        assert f"song.wav: {steps} steps of " in called.out
        rate, sound = samples(tmp_path / "song.wav")
        assert len(sound) >= steps * 0.15 * rate
        assert np.abs(sound).max() > 3000


def test_play_writes_sound_where_there_is_no_port(kuznechik, tune, tmp_path, monkeypatch):
    import mido

    monkeypatch.setattr(mido, "get_output_names", list)
    monkeypatch.chdir(tmp_path)
    called = kuznechik("play", tune)
    assert called.out == ("No MIDI port was found: writing sound instead.\ntune.wav: 24 steps of A Tune\n")
    assert samples(tmp_path / "tune.wav")[1].any()


# The program


def python(*arguments, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, **options)


def test_listing_songs_loads_nothing_heavy(tune):
    ran = python("-X", "importtime", "-m", "experiments", "songs", "--folder", str(tune.parent))
    assert ran.returncode == 0
    assert "1 of 1 songs can be played." in ran.stdout
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "songs.catalog" in loaded
    assert not loaded & {"torch", "neat", "matplotlib", "gymnasium"}


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot interrupt itself")
def test_an_interrupt_before_the_verb_begins_is_told_in_one_line():
    program = """
import os, signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == "experiments.verbs.songs":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from experiments.cli import main
sys.exit(main(["songs"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "kuznechik: interrupted\n")


@pytest.mark.parametrize("arguments", [["songs"], ["songs", "--json"]])
def test_a_closed_pipe_ends_the_command_without_a_message(arguments):
    command = [sys.executable, "-m", "experiments", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        ran.stdout.close()
        assert (ran.wait(timeout=120), ran.stderr.read()) == (1, b"")


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in find_verbs())])
def test_help_explains(kuznechik, arguments):
    called = kuznechik(*arguments, "--help")
    assert (called.status, called.err) == (0, "")
    assert called.out.startswith(f"usage: {' '.join(['kuznechik', *arguments])} ")


@pytest.mark.parametrize("verb", find_verbs())
def test_the_help_of_a_verb_ends_with_two_or_three_examples_of_it(kuznechik, verb):
    _, _, examples = kuznechik(verb, "--help").out.rpartition("examples:\n")
    assert 2 <= len(examples.splitlines()) <= 3
    assert all(f"{line} ".startswith(f"  kuznechik {verb} ") for line in examples.splitlines())


@pytest.mark.parametrize("verb", find_verbs())
def test_the_examples_of_a_verb_can_be_parsed(verb):
    parser = make_parser()
    for example in find_verbs()[verb].EXAMPLES:
        assert parser.parse_args(shlex.split(example)[1:]).run is find_verbs()[verb].run


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_command_alone_lists_the_verbs_in_groups(kuznechik, arguments):
    called = kuznechik(*arguments)
    assert (called.status, called.err) == (0, "")
    groups = [line.removesuffix(":") for line in called.out.splitlines() if line.removesuffix(":") in GROUPS]
    assert groups == ["Play and look", "Learn", "Judge", "Study"]
    listed = [line.split()[0] for line in called.out.splitlines() if line.startswith("  ") and line[2] not in " -"]
    assert listed == list(find_verbs())
    assert "  songs           list the songs of a folder\n" in called.out


def test_the_version_is_told(kuznechik):
    called = kuznechik("--version")
    assert (called.status, called.err) == (0, "")
    assert re.fullmatch(r"kuznechik (\d+\.\d+\.\d+|\(not installed, run from .+\))\n", called.out)


def test_songs_lists_the_parts_of_a_file_and_what_would_be_changed(kuznechik, tmp_path, write_song):
    path = write_song(tmp_path / "one.mid", "C.D.E.F.", "First")
    listed = kuznechik("songs", path)
    assert (listed.status, listed.err) == (0, "")
    lines = listed.out.splitlines()
    assert lines[0].split() == ["track", "channel", "name", "instrument", "notes", "range", "voices", "taken"]
    assert lines[1].split() == ["1", "1", "First", "piano", "4", "C4", "to", "F4", "1", "yes"]
    assert lines[2] == "one: nothing is changed"
    (row,) = json.loads(kuznechik("songs", path, "--bars", "1", "--keys", "25", "--json").out)
    assert row["changes"] == ["25 keys"]
    assert [part["taken"] for part in row["parts"]] == [True]
    assert kuznechik("songs", path, "--bars", "7").out.endswith(
        "one has no notes in the bars 7: they are in the bars 1 to 1\n"
    )


def test_a_file_of_any_keyboard_and_grid_is_played_as_it_sounds(kuznechik, tmp_path):
    write_midi(tmp_path / "wide.mid", np.array([[0, 48], [3, 84]]), 16, steps_per_beat=4)
    played = kuznechik("play", tmp_path / "wide.mid", "--wav", tmp_path / "wide.wav")
    assert (played.status, played.err) == (0, "")
    assert played.out.splitlines()[0] == "wide: sixteenths, 37 keys"
