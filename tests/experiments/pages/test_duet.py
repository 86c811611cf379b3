"""The duet page answers with exactly the keys that Python gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.runs.champion import open_run
from songs.keyboard import KEYS
from songs.midi import read_midi
from songs.song import Song
from tests.browser import needs_browser, open_page


@pytest.fixture(scope="module")
def tune(tmp_path_factory) -> Path:
    roll = np.zeros((16, KEYS), dtype=bool)
    for step, keys in {0: [0], 2: [4], 4: [7], 7: [4, 7], 8: [12], 10: [11], 12: [0, 4], 15: [5]}.items():
        roll[step, keys] = True
    path = tmp_path_factory.mktemp("songs") / "tune.mid"
    Song("tune", roll, 'A "tune" </script><b>').write(path)
    return path


TRAINED = {
    "evolved": ("evolve", "--set", "task.mode_bit=true", "--set", "genome.node_add_prob=0.2"),
    "learned": ("dqn", "--set", "network.layers=2"),
    "one key": ("dqn", "--set", "network.head=one_key", "--set", "dqn.td_loss=step"),
}


@pytest.fixture(scope="module", params=TRAINED)
def run(request, tune, call_quietly) -> Path:
    """Return a run folder of each kind of performer; how well it plays does not matter."""
    verb, *options = TRAINED[request.param]
    budget = ("--set", "evolve.generations=30" if verb == "evolve" else "dqn.steps=1200")
    folder = tune.parent / request.param.replace(" ", "_")
    call_quietly(verb, tune, "--prompt", 3, "--memory", 4, *options, *budget, "--out", folder)
    call_quietly("duet", folder)
    return folder


def memories(count: int) -> list[np.ndarray]:
    """Return what was played so far, (T, 13) bool, from nothing at all to more than is remembered."""
    random = np.random.default_rng(3)
    return [random.random((random.integers(7), KEYS)) < 0.15 for _ in range(count)]


def by_python(run: Path, played: list[np.ndarray], improvise: bool) -> list[list[bool]]:
    player = open_run(run).player()
    player.reset(1)
    answers = []
    for roll in played:
        memory = np.concatenate([np.zeros((4, KEYS), dtype=bool), roll])[-4:]
        answers.append(player.press(memory[None], np.array([improvise]))[0].tolist())
    return answers


@needs_browser
def test_the_page_answers_as_python_does(run):
    played = memories(60)
    rolls = json.dumps([roll.tolist() for roll in played])
    probe = f"const rolls = {rolls}; return [false, true].map(bit => rolls.map(roll => respond(roll, bit)));"
    opened = open_page(run / "duet.html", probe)
    assert opened.complaints == []
    for improvise in (False, True):
        expected = by_python(run, played, improvise)
        assert opened.answer[improvise] == expected
    assert len({tuple(keys) for keys in expected}) > 1


@needs_browser
def test_what_was_played_is_saved_as_midi(run, tmp_path):
    roll = np.zeros((12, KEYS), dtype=bool)
    roll[[0, 3, 3, 11], [0, 4, 12, 7]] = True
    opened = open_page(run / "duet.html", f"roll = {json.dumps(roll.tolist())}; return [...midi()];")
    path = tmp_path / "duet.mid"
    path.write_bytes(bytes(opened.answer))
    notes = read_midi(path)
    assert sorted(map(tuple, notes.onsets.tolist())) == [(0, 60), (3, 64), (3, 72), (11, 67)]


@needs_browser
def test_a_key_sounds_and_begins_a_piece(run):
    probe = """
        await press(4);
        const first = roll[0].indexOf(true), playing = began !== null;
        stop();
        return { first, playing, title: document.querySelector("h1").textContent,
                 sideways: document.documentElement.scrollWidth > innerWidth };
        """
    answer = open_page(run / "duet.html", probe, width=500).answer
    assert answer == {"first": 4, "playing": True, "title": 'Duet: A "tune" </script><b>', "sideways": False}


def test_the_page_is_small_and_loads_nothing(run):
    text = (run / "duet.html").read_text()
    assert "default-src 'none'" in text
    assert "</script><b>" not in text
    assert len(text) < 5_000_000


def test_a_recurrent_champion_is_refused_in_one_line(kuznechik, tune, tmp_path):
    options = ("--set", "genome.recurrent=true", "--set", "evolve.generations=2")
    made = kuznechik("evolve", tune, "--prompt", 3, "--memory", 4, *options, "--out", tmp_path / "recurrent")
    assert made.out.splitlines()[-1] == f"Next: kuznechik score|plot|play|report {tmp_path / 'recurrent'}"
    called = kuznechik("duet", tmp_path / "recurrent")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "a recurrent network has a memory of its own" in called.err
