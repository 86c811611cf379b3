"""The film of a run: which champions are kept, to the same bytes whether it was resumed or not, and how they play."""

import json
import shutil

import numpy as np
import pytest

from agents.neat.genome_json import genome_from_columns, genome_from_json, genome_to_columns, genome_to_json
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.history import HISTORY, HORIZON, MOST_BYTES, History, read_history
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from songs.song import Song
from tests.experiments.runs.results import metrics


def kept(folder: RunFolder) -> list[int]:
    return [line["generation"] for line in read_history(folder)]


def play(history: History, folder: RunFolder, generations: range, letters: int) -> None:
    """Offer a champion of so many letters in each generation."""
    for generation in generations:
        if history.wants(generation):
            history.add({"generation": generation, "genome": "x" * letters})
    history.write(folder)


def test_every_champion_is_kept_while_there_is_room_and_then_they_thin_out_over_a_million_generations(tmp_path):
    folder, history = RunFolder(tmp_path), History()
    play(history, folder, range(HORIZON), letters=20_000)
    generations = kept(folder)
    dense = MOST_BYTES // 2 // 20_100
    assert generations[: dense + 1] == [*range(dense + 1)]
    assert (tmp_path / HISTORY).stat().st_size <= MOST_BYTES
    assert generations[-1] > HORIZON / 2
    steps = np.diff(generations[dense:])
    assert (np.diff(steps) >= 0).all()


@pytest.mark.parametrize("cut", [3, 47, 60, 2_000])
@pytest.mark.parametrize("letters", [20_000, 700_000])
def test_a_resumed_film_is_the_same_to_the_byte(tmp_path, cut, letters):
    whole, resumed = (RunFolder(tmp_path / name) for name in ("whole", "resumed"))
    for folder in (whole, resumed):
        folder.path.mkdir()
    play(History(), whole, range(3_000), letters)
    play(History(), resumed, range(cut + 50), letters)  # killed, and what came after the checkpoint is cut off
    if (resumed.path / HISTORY).exists():
        with (resumed.path / HISTORY).open("a") as file:
            file.write('{"generation":9')
    again = History()
    again.resume(resumed, cut)
    play(again, resumed, range(cut, 3_000), letters)
    assert kept(resumed) == kept(whole)
    assert (resumed.path / HISTORY).read_bytes() == (whole.path / HISTORY).read_bytes()


@pytest.mark.parametrize("line", ["[1]", "{}", '{"generation": -1}', '{"generation": "1"}', "nothing", "[" * 100_000])
def test_a_broken_film_is_told_in_a_line(tmp_path, line):
    (tmp_path / HISTORY).parent.mkdir()
    (tmp_path / HISTORY).write_text(line + "\n")
    for read in (read_history, lambda folder: History().resume(folder, 1)):
        with pytest.raises(RunError, match="champions.jsonl is broken") as caught:
            read(RunFolder(tmp_path))
        assert len(str(caught.value)) < 500


def test_genomes_survive_as_columns_to_the_bit(solved):
    text = (solved / "best" / "genome.json").read_text()
    columns = json.loads(json.dumps(genome_to_columns(*genome_from_json(text))))
    assert genome_to_json(*genome_from_columns(columns)) == text
    columns["connections"]["weight"].pop()
    with pytest.raises(ValueError, match="zip"):
        genome_from_columns(columns)


def test_the_film_holds_every_improvement_and_ends_with_the_champion(solved):
    folder, rows = RunFolder(solved), metrics(solved)
    lines = read_history(folder)
    assert lines[0]["generation"] == 0
    assert lines[-1]["genome"] == genome_to_columns(*genome_from_json((solved / "best" / "genome.json").read_text()))
    for line in lines:
        row = rows[line["generation"]]
        assert (line["evaluations"], line["right"]) == (int(row["evaluations"]), int(row["best_right"]))
    right = [line["right"] for line in lines]
    assert right == sorted(right)
    best = np.maximum.accumulate([int(row["best_right"]) for row in rows])
    improved = 1 + np.flatnonzero(np.diff(best))
    assert {0, *improved.tolist()} <= {line["generation"] for line in lines}


def test_a_champion_of_before_is_played(kuznechik, solved, tune, tmp_path):
    def played(**generation) -> np.ndarray:
        return read_source(str(solved), Playing(**generation)).songs[0].roll

    song, lines = Song.read(tune, grid=2, keys=13, bars="all").roll, read_history(RunFolder(solved))
    last = lines[-1]["generation"]
    rolls = [played(generation=generation) for generation in (0, last, last + 1)]
    right = [int((roll == song).all(axis=1).sum()) for roll in rolls]
    assert right[0] < right[1] == right[2]
    np.testing.assert_array_equal(rolls[2], played())
    ended = int(RunFolder(solved).read_table("metrics.csv")["generation"][-1])
    said = [list(read_source(str(solved), Playing(generation=each)).remarks) for each in (ended, ended + 1)]
    assert said[1] == [f"{solved}: its last generation is {ended}: its final champion plays", *said[0]]
    gap = next(generation for generation in range(last) if generation not in kept(RunFolder(solved)))
    before = max(each for each in kept(RunFolder(solved)) if each < gap)
    np.testing.assert_array_equal(played(generation=gap), played(generation=before))
    path = tmp_path / "first.mid"
    assert kuznechik("play", solved, "--generation", 0, "--out", path).status == 0
    np.testing.assert_array_equal(Song.read(path, grid=2, keys=13, bars="all", chords=True).roll, rolls[0])


def test_what_has_no_such_champion_says_so(kuznechik, solved, tune, xor_runs, tmp_path):
    shutil.copytree(solved, tmp_path / "old", ignore=shutil.ignore_patterns("history"))
    for source, reason in (
        (tune, "--generation needs a run"),
        (tmp_path / "old", "no champion is known at 0: it kept no earlier champions"),
        (xor_runs / "b" / "small", "this run learned xor and plays no song"),
    ):
        called = kuznechik("play", source, "--generation", 0)
        assert (called.status, called.err.count("\n")) == (2, 1)
        assert reason in called.err
