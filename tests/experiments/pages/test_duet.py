"""The duet page answers with exactly the keys that Python gives."""

import json
from pathlib import Path

import mido
import numpy as np
import pytest

from experiments.runs.champion import open_run
from songs.keyboard import KEYS, Grid, usual_keyboard
from songs.midi import read_midi
from songs.song import Song
from tests.browser import driven, needs_browser, open_page


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


def by_python(run: Path, played: list[np.ndarray], improvise: bool = False) -> list[list[bool]]:
    player = open_run(run).player()
    player.reset(1)
    answers = []
    for roll in played:
        memory = np.concatenate([np.zeros((4, roll.shape[1]), dtype=bool), roll])[-4:]
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
    roll = np.zeros((12, KEYS), dtype=int)
    roll[[0, 3, 3, 11], [0, 4, 12, 7]] = 1, 2, 1, 3
    opened = open_page(run / "duet.html", f"return [...midiFile({roll.tolist()}, duet, 100)];")
    path = tmp_path / "duet.mid"
    path.write_bytes(bytes(opened.answer))
    notes = read_midi(path)
    assert sorted(map(tuple, notes.onsets.tolist())) == [(0, 60), (3, 64), (3, 72), (11, 67)]
    (track,) = mido.MidiFile(path).tracks
    assert [one.channel for one in track if one.type == "note_on"] == [0, 0, 1, 0, 1]


@needs_browser
def test_a_key_sounds_and_begins_a_piece(run):
    probe = """
        await press(4);
        const first = roll[0].indexOf(YOURS), playing = began !== null;
        stop();
        return { first, playing, title: document.querySelector("h1").textContent,
                 sideways: document.documentElement.scrollWidth > innerWidth };
        """
    answer = open_page(run / "duet.html", probe, width=500).answer
    assert answer == {"first": 4, "playing": True, "title": 'Duet: A "tune" </script><b>', "sideways": False}


@pytest.fixture(scope="module")
def waltz(tmp_path_factory, call_quietly) -> Path:
    """Return the run of a network that plays 25 keys in 3/4."""
    roll = np.zeros((24, 25), dtype=bool)
    for step in range(24):
        roll[step, (0, 4, 7, 12, 16, 24)[step % 6]] = True
    folder = tmp_path_factory.mktemp("waltz")
    Song("waltz", roll, keyboard=usual_keyboard(25), grid=Grid(2, 3)).write(folder / "waltz.mid")
    options = ("--prompt", 3, "--memory", 4, "--set", "evolve.generations=30", "--out", folder / "run")
    call_quietly("evolve", folder / "waltz.mid", *options)
    call_quietly("duet", folder / "run")
    return folder / "run"


NOTE_STARTS = """
    window.starts = { OscillatorNode: [], AudioBufferSourceNode: [] };
    for (const [kind, times] of Object.entries(starts)) {
      const start = window[kind].prototype.start;
      window[kind].prototype.start = function (when) { times.push(when); return start.call(this, when); };
    }
"""
"""Writes down for what time the page orders clicks and tones."""


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_it_plays_along_in_time_by_the_keyboard_alone(waltz, tmp_path, width):
    with driven(tmp_path / "browser", width) as browser:
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=NOTE_STARTS)
        browser.open((waltz / "duet.html").as_uri())
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        browser.focus("mode")
        for _ in range(2):
            browser.press("ArrowDown", "ArrowDown")
        browser.focus("metronome")
        browser.press(" ", "Space")
        browser.focus("count")
        browser.press("\r", "Enter")
        browser.press("z")
        for letter, steps in (("a", 1), ("d", 4), ("k", 9)):
            browser.wait(f"roll.length >= {steps}")
            browser.press(letter)
        browser.wait("roll.length > 12")
        browser.press("Escape", "Escape")
        state = "return [roll, starts.OscillatorNode, starts.AudioBufferSourceNode, duet.tempo, began]"
        played, clicks, tones, tempo, began = browser.run(state)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.complaints == []
    assert began is None
    roll = np.array(played)
    yours, its = roll & 1 > 0, roll & 2 > 0
    assert sorted(np.nonzero(yours)[1].tolist()) == [0, 4, 12]  # an octave below C4, at which the letters begin
    heard = [roll[:step] > 0 for step in range(3, len(roll))]
    assert its[3:].tolist() == by_python(waltz, heard)
    assert its.any()
    assert not its[:3].any()
    step_seconds = 60 / tempo / 2
    assert np.diff(clicks) == pytest.approx(2 * step_seconds)  # a beat, from a bar before the first step on
    first = clicks[0] + 6 * step_seconds
    for step in np.nonzero(its)[0]:
        assert min(abs(np.array(tones) - first - step * step_seconds)) < 1e-6


MIDI_PORTS = """
    window.sent = [];
    const input = { name: "Piano" };
    const output = { name: "Synth", id: "1", send: (message, when) => sent.push([...message, when]) };
    const access = { inputs: new Map([["0", input]]), outputs: new Map([["1", output]]) };
    navigator.requestMIDIAccess = async () => access;
    window.play = (...message) => input.onmidimessage({ data: message });
"""


@needs_browser
def test_midi_comes_in_and_goes_out(waltz, tmp_path):
    with driven(tmp_path / "browser", 1280) as browser:
        told = "return document.getElementById('ports').textContent"
        browser.call("Page.addScriptToEvaluateOnNewDocument", source="navigator.requestMIDIAccess = undefined;")
        browser.open((waltz / "duet.html").as_uri())
        assert browser.run(told) == "This browser has no Web MIDI. Chrome, Edge, Opera and Firefox do."
        browser.call("Page.addScriptToEvaluateOnNewDocument", source=MIDI_PORTS)
        browser.open((waltz / "duet.html").as_uri())
        browser.focus("midi")
        browser.press("\r", "Enter")
        browser.wait("!document.getElementById('output').parentElement.hidden")
        assert browser.run(told) == "You can play on Piano."
        browser.focus("output")
        browser.press("ArrowDown", "ArrowDown")
        browser.focus("mode")
        for _ in range(2):
            browser.press("ArrowDown", "ArrowDown")
        browser.run("play(0x90, 47, 80); play(0x90, 60, 80); play(0x80, 60, 0);")
        for pitch, steps in ((64, 4), (72, 9)):
            browser.wait(f"roll.length >= {steps}")
            browser.run(f"play(0x90, {pitch}, 80);")
        browser.wait("roll.length > 12")
        roll, sent = browser.run("stop(); return [roll, sent];")
        assert browser.complaints == []
    yours = np.argwhere(np.array(roll) & 1 > 0).tolist()
    assert yours[0] == [0, 12]  # C3 is the lowest key
    assert [key for _, key in yours] == [12, 16, 24]
    on = [pitch - 48 for status, pitch, _, _ in sent if status == 0x90]
    off = [pitch - 48 for status, pitch, _, _ in sent if status == 0x80]
    assert on == off == np.nonzero(np.array(roll) & 2 > 0)[1].tolist()
    assert on


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
    assert "a recurrent network has its own memory" in called.err
