"""A waltz in sixteenths on 25 keys goes through the program, as any song of 13 keys and eighths does."""

import json
from pathlib import Path

import gymnasium
import mido
import numpy as np
import pytest

from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import make_cases, resolve
from experiments.runs.evolve.searches import make_search
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import read_config
from songs.keyboard import Grid, Keyboard, usual_keyboard
from songs.midi import read_score
from songs.song import Song

KEYBOARD, GRID = usual_keyboard(25), Grid(4, 3)
NOTES = {0: 0, 3: 24, 6: 4, 8: 7, 12: 12, 14: 7, 18: 4, 24: 19, 27: 16, 30: 12, 36: 7, 40: 4, 42: 0, 47: 24}
"""Key of every step that is not silent."""
STEPS, BAR = 48, 12


@pytest.fixture(scope="module")
def waltz(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("waltz") / "waltz.mid"
    song_of(KEYBOARD, GRID, NOTES, STEPS).write(path)
    return path


def song_of(keyboard: Keyboard, grid: Grid, notes: dict[int, int], steps: int, name: str = "waltz") -> Song:
    roll = np.zeros((steps, keyboard.keys), dtype=bool)
    roll[list(notes), list(notes.values())] = True
    return Song(name, roll, keyboard=keyboard, grid=grid)


def check_learned(called, run: Path) -> None:
    """Check that the champion of a run plays the whole waltz, at its pitches and times."""
    assert called.status == 0, called.err
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["solved"], summary["changes"]) == (True, ["sixteenths", "25 keys"])
    folder = RunFolder.open(run)
    (song,), roll = folder.read_songs(), folder.read_roll()
    assert (song.keyboard, song.grid) == (KEYBOARD, GRID)
    assert np.argwhere(song.roll).tolist() == [[step, key] for step, key in NOTES.items()]
    assert (roll == song.roll).all()
    assert read_score(run / "best" / "melody.mid").time_signatures == ((0, 3, 4),)
    now, played = 0, {}
    for message in mido.MidiFile(run / "best" / "melody.mid").tracks[0]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            played[now // 120] = message.note - 48
    assert played == NOTES


@pytest.mark.parametrize("algorithm", ["neat_python", "per_key", "openai_es", "cma_es"])
def test_searches_take_any_keyboard(kuznechik, tmp_path, waltz, algorithm):
    run = tmp_path / "run"
    preset = ("--config", "plain-neat") if algorithm == "neat_python" else ("--set", f"evolve.algorithm={algorithm}")
    called = kuznechik("evolve", waltz, *preset, "--set", "evolve.generations=2", "--out", run)
    assert called.status == 0, called.err
    assert RunFolder.open(run).read_roll().shape == (STEPS, 25)
    assert kuznechik("score", run).status == 0


def test_evolution_learns_it_whole_and_everything_shows_it(kuznechik, tmp_path, waltz):
    run = tmp_path / "run"
    called = kuznechik(
        "evolve", waltz, "--set", "evolve.population_size=20", "--set", "evolve.generations=2", "--out", run
    )
    assert called.status == 0, called.err
    check_learned(kuznechik("evolve", "--resume", run, "--set", "evolve.generations=2000"), run)
    check_shown(kuznechik, tmp_path, run)
    called = kuznechik("repeat", run, "--out", tmp_path / "again")
    assert called.status == 0, called
    (song,) = RunFolder.open(tmp_path / "again").read_songs()
    assert (song.keyboard, song.grid) == (KEYBOARD, GRID)


def test_deep_q_learning_learns_it_whole_and_everything_shows_it(kuznechik, tmp_path, waltz):
    pytest.importorskip("torch")
    run = tmp_path / "run"
    check_learned(kuznechik("dqn", waltz, "--out", run), run)
    check_shown(kuznechik, tmp_path, run)


def check_shown(kuznechik, folder: Path, run: Path) -> None:
    scores = json.loads(kuznechik("score", run, "--json").out)
    assert (scores["right_free_running"], scores["steps"]) == (STEPS - BAR, STEPS - BAR)
    assert kuznechik("play", run, "--wav", folder / "run.wav").status == 0
    for verb in ("plot", "report", "duet"):
        called = kuznechik(verb, run)
        assert called.status == 0, called.err
    page = (run / "report.html").read_text()
    assert '"names": ["C3", "C#3"' in page
    assert "From the file: sixteenths, 25 keys." in page


@pytest.mark.parametrize(
    "arguments",
    [
        ("evolve", "--set", "evolve.population_size=20", "--set", "evolve.generations=2", "--listener", "theory"),
        ("dqn", "--config", "improvisation", "--set", "dqn.steps=800"),
    ],
)
def test_it_is_improvised_on_for_a_listener(kuznechik, tmp_path, waltz, arguments):
    if arguments[0] == "dqn":
        pytest.importorskip("torch")
    run = tmp_path / "run"
    called = kuznechik(arguments[0], waltz, *arguments[1:], "--out", run)
    assert called.status == 0, called.err
    assert RunFolder.open(run).read_roll().shape == (STEPS, 25)
    assert kuznechik("score", run).status == 0


def test_a_melody_model_scores_what_is_folded_onto_its_keys(kuznechik, waltz):
    called = kuznechik("listener", "score", "--listener", "theory=1,melody=1", waltz)
    assert called.status == 0
    assert called.err.endswith("waltz: folded onto 13 keys and eighths, for comparison with others\n")


@pytest.mark.parametrize("arguments", [("evolve", "--listener", "melody"), ("dqn", "--config", "prior")])
def test_a_melody_model_says_in_one_line_what_it_hears(kuznechik, tmp_path, waltz, arguments):
    called = kuznechik(*arguments, waltz, "--out", tmp_path / "run")
    assert called.status == 2
    assert "waltz has 25 keys from C3 and sixteenths; a melody model needs 13 keys from C4 and eighths" in called.err
    assert len(called.err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_search_that_takes_few_keys_says_so(kuznechik, tmp_path, waltz):
    called = kuznechik(
        "evolve", waltz, "--set", "evolve.algorithm=verified_prefix", "--out", tmp_path / "run", "--checkpoint-every", 0
    )
    assert called.status == 2
    assert "'verified_prefix' guesses on at most 16 keys, waltz has 25: --keys 13 --fold" in called.err
    assert not (tmp_path / "run").exists()


def test_prompt_and_memory_are_counted_in_bars_of_the_song(kuznechik, tmp_path, waltz):
    keyboard = gymnasium.make("kuznechik/Memorize-v0", song=str(waltz)).unwrapped
    assert (keyboard.rules.prompt, keyboard.rules.memory) == (BAR, 4 * BAR)
    assert keyboard.reset()[1]["step"] == BAR
    run = tmp_path / "run"
    assert kuznechik("evolve", waltz, "--set", "evolve.generations=1", "--out", run).status == 0
    task = read_config(RunFolder.open(run)).task
    assert (task.prompt, task.memory) == (BAR, 4 * BAR)
    (run / "config.toml").write_text((run / "config.toml").read_text().replace("prompt = 12", "prompt = -1"))
    called = kuznechik("score", run)
    assert (called.status, "task.prompt = -1: it must be the number of steps given" in called.err) == (2, True)


def test_songs_of_several_keyboards_are_learned_together(kuznechik, tmp_path, waltz):
    song_of(Keyboard(), Grid(), {0: 0, 4: 4, 9: 7}, 16, "tune").write(tmp_path / "tune.mid")
    run = tmp_path / "run"
    called = kuznechik("evolve", f"{waltz},{tmp_path / 'tune.mid'}", "--set", "evolve.generations=2", "--out", run)
    assert called.status == 0, called.err
    # half of the shorter song is the prompt, four bars of the longer bars are the memory
    assert "the songs have bars of 8, 12 steps: the prompt is 8 steps, the memory 48" in called.err
    songs = {song.name: song for song in RunFolder.open(run).read_songs()}
    assert {song.keyboard for song in songs.values()} == {KEYBOARD}
    assert songs["tune"].grid == Grid()
    assert np.argwhere(songs["tune"].roll).tolist() == [[0, 12], [4, 16], [9, 19]]


def test_what_was_changed_and_left_out_of_a_folder_is_in_the_summary_and_the_report(kuznechik, tmp_path, waltz):
    (tmp_path / "waltz.mid").write_bytes(waltz.read_bytes())
    song_of(Keyboard(), Grid(), {0: 0, 4: 4, 9: 7}, 16, "tune").write(tmp_path / "tune.mid")
    (tmp_path / "<i>.mid").write_text("no music")
    run = tmp_path / "run"
    called = kuznechik("evolve", "--together", "--folder", tmp_path, "--set", "evolve.generations=2", "--out", run)
    assert called.status == 0, called.err
    summary = json.loads((run / "summary.json").read_text())
    assert summary["changes"] == {"waltz": ["sixteenths", "25 keys"]}
    assert kuznechik("report", run).status == 0
    page = (run / "report.html").read_text()
    assert '<td data-name="from the file">unchanged</td>' in page
    assert '<td data-name="from the file">sixteenths, 25 keys</td>' in page
    assert "<li>&lt;i&gt;.mid: is not a MIDI file: it does not begin with MThd</li>" in page


def test_many_inputs_are_searched_among_those_that_are_ever_on(tmp_path, waltz):
    config, songs = resolve(EvolveConfig().change("task", song=str(waltz)))
    assert (config.operators.live_inputs, config.genome.node_add_prob) == ("yes", 0.0)
    cases = make_cases(config, songs)
    with make_search(config, songs, cases, tmp_path) as search:
        for _ in range(3):
            search.step()
        genomes = search.population.population.values()
        sources = {source for genome in genomes for source, _ in genome.connections}
    assert sources
    assert all(cases.inputs[-1 - source].any() for source in sources)


@pytest.mark.parametrize(
    ("settings", "settled"),
    [
        ({"operators": {"live_inputs": "no"}}, ("no", 0.01)),
        ({"genome": {"node_add_prob": 0.02}}, ("yes", 0.02)),
        ({"task": {"song": "grasshopper"}}, ("no", 0.01)),
        ({"genome": {"recurrent": True}}, ("no", 0.01)),
    ],
)
def test_options_of_the_search_are_left_as_they_were_asked_for(waltz, settings, settled):
    config = EvolveConfig().change("task", song=str(waltz))
    for section, values in settings.items():
        config = config.change(section, **values)
    config, _ = resolve(config)
    assert (config.operators.live_inputs, config.genome.node_add_prob) == settled
