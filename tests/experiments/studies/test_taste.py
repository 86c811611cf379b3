"""`kuznechik listener train --kind taste`: from choices of both kinds to a listener, and its mistakes."""

import json

import numpy as np
import pytest

pytest.importorskip("torch")

from experiments.runs.breed.choices import Choice, append_choice
from experiments.studies.taste import preferences
from songs.keyboard import DEFAULT_GRID, DEFAULT_KEYBOARD, Grid


@pytest.fixture(autouse=True)
def _somewhere(tmp_path, monkeypatch):
    """Work in a new folder, where files may be made."""
    monkeypatch.chdir(tmp_path)


def write_choices(folder, count: int, grid: Grid = DEFAULT_GRID) -> None:
    """Write choices of the fewest notes of three melodies."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for generation in range(count):
        rolls = np.zeros((3, 32, 13), dtype=bool)
        for roll, notes in zip(rolls, generator.permutation([4, 12, 24]), strict=True):
            roll[generator.choice(32, notes, replace=False), generator.integers(0, 13, notes)] = True
        fewest = int(np.argmin(rolls.sum(axis=(1, 2))))
        append_choice(folder, Choice(generation, (fewest,), rolls, DEFAULT_KEYBOARD, grid))


def write_answers(path, count: int, question: str = "better", notes=((0, 0), (3, 4))) -> None:
    """Write answers that prefer the melody with fewer notes."""
    many = [[step, step % 5] for step in range(16)]
    answers = []
    for pair in range(count):
        melodies = [{"steps": 16, "notes": each} for each in (many, [list(note) for note in notes])]
        answers.append(
            {"pair": pair, "groups": ["a", "b"], "group": "a", "human": 0, "chosen": 1, "melodies": melodies}
        )
    content = {"format": "kuznechik listening test", "version": 2, "id": "x", "session": "s", "question": question}
    path.write_text(json.dumps({**content, "answers": answers}))


def test_a_taste_is_learned_from_runs_and_answers_and_is_a_listener(kuznechik, tmp_path):
    write_choices(tmp_path / "bred", 20)
    write_answers(tmp_path / "answers.json", 4)
    out = tmp_path / "mine.safetensors"
    train = ("listener", "train", "--kind", "taste", "--choices", tmp_path / "bred", "answers.json", "--out", out)
    learned = kuznechik(*train)
    assert learned.status == 0, learned.err
    assert "of the 24 choices are predicted from the others" in learned.out
    assert "Likes: " in learned.out
    assert f"Next: kuznechik evolve grasshopper --listener {out}" in learned.out
    about = json.loads(out.with_suffix(".json").read_text())
    assert (about["kind"], about["learned_from"]) == ("taste", ["bred", "answers.json"])
    assert "- learned from: bred, answers.json, 24 choices" in out.with_suffix(".md").read_text()
    (scored,) = json.loads(kuznechik("listener", "score", "grasshopper", "--listener", out, "--json").out)
    assert "taste" in scored["terms"]
    again = kuznechik(*train)
    assert (again.status, "already exists" in again.err) == (2, True)


def test_choices_on_a_finer_grid_are_heard_in_eighths_and_a_choice_of_all_says_nothing(tmp_path):
    write_choices(tmp_path / "bred", 2, Grid(4, 4))
    rolls = np.ones((2, 32, 13), dtype=bool)
    append_choice(tmp_path / "bred", Choice(0, (0, 1), rolls, DEFAULT_KEYBOARD, Grid(4, 4)))
    made = preferences([str(tmp_path / "bred")])
    assert [[roll.shape for roll in one.rolls] for one in made] == [[(16, 13)] * 3] * 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--choices is missing"),
        (["--choices", "few"], "3 choices are too few to learn a taste: make at least 20"),
        (["--choices", "nowhere"], "nowhere: No such file or directory"),
        (
            ["--choices", "human.json"],
            "human.json: these answers are about which is the human's; make a test with --better",
        ),
        (["--choices", "broken.json"], "broken.json: no melodies can be learned from: a melody has a note beyond"),
        (["--choices", "few", "--midi", "x"], "--midi does not go with --choices"),
        (["--choices", "few", "--set", "learned.nets=3"], "--set does not go with --choices"),
        (
            ["--choices", "few", "--out", "folder"],
            "--out folder: a taste is a .safetensors file, such as taste.safetensors",
        ),
    ],
)
def test_a_mistake_is_one_line(kuznechik, tmp_path, arguments, says):
    write_choices(tmp_path / "few", 3)
    write_answers(tmp_path / "human.json", 2, "human")
    write_answers(tmp_path / "broken.json", 2, notes=((99, 0),))
    called = kuznechik("listener", "train", "--kind", "taste", *arguments)
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert says in called.err


def test_choices_go_with_the_kind_taste_alone(kuznechik):
    called = kuznechik("listener", "train", "--kind", "ngram", "--choices", "x")
    assert (called.status, "--choices needs --kind taste" in called.err) == (2, True)
