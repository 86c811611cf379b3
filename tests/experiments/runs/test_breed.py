"""Runs that are bred by ear: kept choice by choice, resumed and repeated to the bit, starred networks."""

import numpy as np
import pytest

from experiments.config.breed import BreedConfig
from experiments.pages.film import bred_stages
from experiments.runs.breed.choices import CHOICES, read_choices
from experiments.runs.breed.desk import Desk, DeskClosed
from experiments.runs.breed.kind import GENOMES, KIND, BreedingRun
from experiments.runs.breed.start import resolve_beginning
from experiments.runs.champion import open_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import Supervision, repeat, resume, set_up, start
from experiments.runs.repeat import compare
from songs.arrange import DEFAULTS
from songs.catalog import find_song
from songs.keyboard import Grid, Keyboard
from songs.song import Song
from songs.validate import validate_like


class Person(Desk):
    """A desk at which everything is asked for from the start."""

    def __init__(self, *requests):
        super().__init__()
        self.requests = list(requests)

    def serve(self) -> None:
        if not self.requests:
            self.finish()
            return
        self.requests.pop(0)(self.run())


def choosing(generation, *chosen, keep=False):
    return lambda run: run.choose(generation, chosen, keep)


def some_choices(count):
    """Return choices by chance, a fifth of them from an earlier generation."""
    random = np.random.default_rng(3)
    return [
        choosing(
            number if number % 5 else number // 2,
            *random.choice(9, 1 + number % 3, replace=False).tolist(),
            keep=number % 2 == 1,
        )
        for number in range(count)
    ]


def bred(path, *requests, start_with="", seed=4, bars=1) -> RunFolder:
    """Return the folder of a run in which a person asked for something."""
    config = BreedConfig().change("breed", seed=seed, start=str(start_with)).change("melody", bars=bars)
    config, beginning, _ = resolve_beginning(config, DEFAULTS)
    folder = RunFolder.create(path)
    set_up(KIND, config, folder, beginning, ["kuznechik", "breed"])
    with folder.writing():
        summary = start(KIND, config, folder, Supervision(resources={"desk": Person(*requests)}))
    assert summary["stopped"] == "finished"
    return folder


def files(folder: RunFolder) -> dict[str, bytes]:
    names = (CHOICES, GENOMES, "best/genome.json", "best/roll.npy")
    return {name: (folder.path / name).read_bytes() for name in names}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Return a run of 16 choices."""
    return bred(tmp_path_factory.mktemp("many") / "run", *some_choices(16))


def test_many_choices_are_repeated_to_the_bit(many, tmp_path):
    again = RunFolder.create(tmp_path / "again")
    with again.writing():
        repeat(many, again, ["kuznechik", "repeat"], Supervision())
    same = compare(many, again)
    assert GENOMES in same
    assert all(same.values())
    assert len((many.path / GENOMES).read_text().splitlines()) == 17
    assert len({line.split(",")[1] for line in (many.path / GENOMES).read_text().splitlines()}) == 17


def test_what_is_shown_is_kept_with_every_choice(many):
    choices = read_choices(many.path)
    assert len(choices) == 16
    assert choices[0].rolls.shape == (9, 8, 13)
    for number, choice in enumerate(choices[:-1]):
        following = choices[number + 1]
        if following.generation == number + 1 and choice.keep:
            np.testing.assert_array_equal(following.rolls[0], choice.rolls[choice.chosen[0]])
    last = choices[-1]
    np.testing.assert_array_equal(many.read_roll(), last.rolls[last.chosen[0]])


def test_the_film_shows_what_was_chosen_first(many):
    def melody_of(roll):
        return {"legend": {}, "roll": {"cells": [], "notes": {"played": np.argwhere(roll).tolist()}}}

    stages = bred_stages(open_run(many.path), melody_of, 10)
    choices = read_choices(many.path)
    assert len(stages) == 10
    for stage, choice in ((stages[0], choices[0]), (stages[-1], choices[-1])):
        first = choice.chosen[0]
        assert stage["label"].startswith(f"generation {choice.generation}, network {first + 1} of 9, chosen")
        assert stage["played"] == np.argwhere(choice.rolls[first]).tolist()
    assert stages[-1]["played"] == np.argwhere(many.read_roll()).tolist()


@pytest.mark.parametrize("without_checkpoint", [False, True])
def test_a_resumed_run_goes_on_to_the_same_bits(tmp_path, without_checkpoint):
    asked = some_choices(8)
    whole = bred(tmp_path / "whole", *asked)
    broken = bred(tmp_path / "broken", *asked[:5])
    if without_checkpoint:  # as after a kill
        for path in (broken.path / "checkpoints").iterdir():
            path.unlink()
        with (broken.path / CHOICES).open("a") as file:
            file.write('{"generation": 5, "chos')
    with broken.writing():
        resume(broken, [], Supervision(resources={"desk": Person(*asked[5:])}))
    assert files(broken) == files(whole)


def test_choices_of_other_networks_are_refused(many, tmp_path):
    other = bred(tmp_path / "other", choosing(0, 1), seed=5)
    (other.path / CHOICES).write_text((many.path / CHOICES).read_text())
    with pytest.raises(
        RunError, match=r"choices.jsonl, line 2: the networks of generation 1 now play different melodies"
    ):
        resume(other, [], Supervision())


@pytest.mark.parametrize(("generation", "chosen"), [(1, (0,)), (-1, (0,)), (0, ()), (0, (9,)), (0, (2, 2))])
def test_a_choice_of_nothing_there_changes_nothing(tmp_path, generation, chosen):
    def wrong(run: BreedingRun) -> None:
        with pytest.raises(ValueError, match=r"there is no generation|must name some of 9"):
            run.choose(generation, chosen, False)

    folder = bred(tmp_path / "run", wrong)
    assert not (folder.path / CHOICES).exists()


def test_a_star_is_a_run_folder_of_its_own(tmp_path):
    names = []

    def twice(run: BreedingRun) -> None:
        names.append(run.star(1, 2, "Мой  tune").name)
        with pytest.raises(ValueError, match="already"):
            run.star(1, 3, "Мой tune")

    folder = bred(tmp_path / "run", choosing(0, 3), twice)
    assert names == ["Мой-tune"]
    star = folder.path / "starred" / names[0]
    opened = open_run(star)
    assert opened.songs[0].roll.any()
    assert not opened.memorised
    goes_on = bred(tmp_path / "more", choosing(0, 0), start_with=star)
    np.testing.assert_array_equal(goes_on.read_roll(), opened.songs[0].roll)


@pytest.mark.parametrize("name", ["", " ", "../up", "a/b", "con.", "x" * 41, "\0"])
def test_a_name_that_is_no_folder_is_refused(tmp_path, name):
    def wrong(run: BreedingRun) -> None:
        with pytest.raises(ValueError, match="a name has 1 to 40 letters"):
            run.star(0, 0, name)

    folder = bred(tmp_path / "run", wrong)
    assert not (folder.path / "starred").exists()


def test_a_run_begins_with_a_song(tmp_path):
    folder = bred(tmp_path / "run", choosing(0, 0, keep=True), start_with="korobeiniki", bars=4)
    song = find_song("korobeiniki")
    np.testing.assert_array_equal(folder.read_roll(), song.roll[:32])
    assert open_run(folder.path).songs[0].tempo_bpm == song.tempo_bpm
    slower, _, _ = resolve_beginning(BreedConfig().change("breed", start="korobeiniki"), DEFAULTS, tempo_bpm=60)
    assert slower.melody.tempo_bpm == 60


def test_a_run_begins_with_melodies_on_other_keys_and_grids(tmp_path):
    roll = np.zeros((48, 25), dtype=bool)
    roll[np.arange(0, 48, 3), [0, 24, 7, 12] * 4] = True
    Song("wide", roll, keyboard=Keyboard(25, 48), grid=Grid(4, 3)).write(tmp_path / "wide.mid")
    folder = bred(tmp_path / "run", choosing(0, 0), start_with=tmp_path / "wide.mid", bars=2)
    (song,) = open_run(folder.path).songs
    assert (song.grid.steps_per_beat, song.grid.beats_per_bar) == (
        Song.read(tmp_path / "wide.mid").grid.steps_per_beat,
        3,
    )
    assert song.roll.any()


@pytest.mark.parametrize("start_with", ["no such song", "silence"])
def test_a_start_that_is_none_is_refused(start_with):
    with pytest.raises(ValueError, match=r"no such song|nothing to imitate"):
        resolve_beginning(BreedConfig().change("breed", start=start_with), DEFAULTS)


def test_a_broken_start_is_refused(tmp_path):
    folder = bred(tmp_path / "run", choosing(0, 0), start_with=bred(tmp_path / "first", choosing(0, 0)).path)
    (folder.path / "start.json").write_text('{"genomes": [{}]}')
    with pytest.raises(RunError, match="start.json is broken"):
        resume(folder, [], Supervision())


def test_a_desk_that_is_closed_takes_nothing():
    desk = Desk()
    desk.open("run")
    assert desk.run() == "run"
    desk.close()
    with pytest.raises(DeskClosed):
        desk.ask(len)
    with pytest.raises(DeskClosed):
        desk.run()


def test_its_summary_says_what_was_bred(many):
    summary = many.read_json("summary.json")
    validate_like({"search": "", "generations": 0, "starred": [""], "cpu_seconds": 0.0}, summary)
    assert summary["generations"] == 16
