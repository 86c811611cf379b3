"""A performer of the user's own is a source like any other, and is scored like a champion."""

import json

import numpy as np
import pytest

from experiments.cli import main
from songs.catalog import find_song

CODE = """
import numpy as np

class Echo:
    '''Plays what stood a bar before.'''
    def __init__(self, steps=8):
        self.steps = steps
    def press(self, memory, improvise=None):
        return memory[:, -self.steps]

class Wrong(Echo):
    def press(self, memory, improvise=None):
        return memory[:, -1, :5]

class Fails(Echo):
    def press(self, memory, improvise=None):
        return memory[:, -self.steps] + self.volume
"""


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)


def test_it_is_scored_from_the_prompt_on_with_the_memory_that_the_song_needs(capsys):
    assert main(["score", "mine.py:Echo", "--song", "frere_jacques", "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert (scores["song"], scores["prompt"], scores["memory"]) == ("frere_jacques", 8, 32)
    roll = find_song("frere_jacques").roll
    repeats = np.tile(roll[:8], (16, 1))[: len(roll)]
    assert scores["right_teacher_forced"] == (roll[8:] == roll[:-8]).all(axis=1).sum() == 85
    assert scores["right_free_running"] == (roll[8:] == repeats[8:]).all(axis=1).sum() == 76


def test_it_goes_on_from_the_first_bars_of_the_catalogue(capsys):
    assert main(["play", "mine.py:Echo(steps=4)", "--steps", "24", "--out", "echo.mid"]) == 0
    assert "echo.mid: 24 steps of" in capsys.readouterr().out
    assert main(["listener", "score", "mine.py:Echo", "--melodies", "3", "--listener", "theory", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Wrong", "the performer mine.py:Wrong returned bool (1, 5); it must return True or False for each"),
        (
            "Fails",
            "the performer mine.py:Fails failed: AttributeError: 'Fails' object has no attribute 'volume' (line 17",
        ),
        ("np", "mine.py:np is not a performer: it has no method press(memory, improvise)"),
    ],
)
def test_what_is_wrong_with_it_is_told_by_name(name, message, capsys):
    assert main(["score", f"mine.py:{name}", "--song", "grasshopper"]) == 2
    assert message in capsys.readouterr().err
