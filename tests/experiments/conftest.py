"""The command, called as a shell does, and small songs for it."""

import contextlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from experiments.cli import main
from songs.keyboard import KEYS
from songs.song import Song

WHITE_KEYS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class Called(NamedTuple):
    """How a call of the command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def kuznechik(capsys) -> Callable[..., Called]:
    """Return a function that calls the command with arguments."""

    def call(*arguments) -> Called:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        return Called(status, *capsys.readouterr())

    return call


@pytest.fixture(scope="session")
def write_song() -> Callable[..., Path]:
    """Return a function that writes a MIDI file with a step for each character.

    A letter is a white key from C to B, a dot a rest; letters in brackets are played together.
    """

    def write(path: Path, notes: str, title: str = "") -> Path:
        steps = [chord or note for chord, note in re.findall(r"\[(\w+)\]|(.)", notes)]
        roll = np.zeros((len(steps), KEYS), dtype=bool)
        for row, names in zip(roll, steps, strict=True):
            row[[WHITE_KEYS[name] for name in names if name != "."]] = True
        Song(path.stem, roll, title).write(path)
        return path

    return write


@pytest.fixture(scope="session")
def music(tmp_path_factory) -> Path:
    """Return a folder of 24 songs of 16 bars that walk up and down a scale at random; nobody changes it."""
    folder = tmp_path_factory.mktemp("music")
    generator = np.random.default_rng(0)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12])
    for number in range(24):
        steps = np.abs((generator.integers(0, 8) + np.cumsum(generator.integers(-1, 2, 128))) % 14 - 7)
        plays = (np.arange(128) % 2 == 0) | (generator.random(128) < 0.2)
        Song(str(number), (scale[steps][:, None] == np.arange(KEYS)) & plays[:, None]).write(folder / f"{number}.mid")
    return folder


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return options of a search that costs next to nothing."""
    return ("--memory", "6", "--prompt", "4", "--set", "evolve.population_size=10")


@pytest.fixture(scope="session")
def tune(tmp_path_factory, write_song) -> Path:
    """Return a MIDI file of 24 steps, of which 12 after the first four are rests."""
    return write_song(tmp_path_factory.mktemp("songs") / "tune.mid", "C.E.G...E.E.D...C.D.E.C.", "A Tune")


@pytest.fixture(scope="session")
def solved(tune, small) -> Path:
    """Return a run folder that learned the tune; nobody changes it."""
    folder = tune.parent / "solved"
    options = (*small, "--set", "evolve.population_size=40", "--set", "evolve.generations=300")
    assert main(["evolve", str(tune), *options, "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture(scope="session")
def unsolved(tune, small) -> Path:
    """Return a run folder whose budget ended after four generations; nobody changes it."""
    folder = tune.parent / "unsolved"
    several = ("--set", "species.target_species=4")
    options = (*small, *several, "--set", "evolve.generations=4", "--checkpoint-every", "2")
    assert main(["evolve", str(tune), *options, "--out", str(folder), "--json"]) == 0
    return folder


@pytest.fixture(scope="session")
def call_quietly() -> Callable[..., None]:
    """Return a function that calls the command with arguments and expects it to go well."""

    def call(*arguments) -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            assert main([str(argument) for argument in arguments]) == 0

    return call


@pytest.fixture(scope="session")
def vae_runs(tmp_path_factory, call_quietly) -> Path:
    """Return a folder with MIDI files, data sets of 2 and 4 bars, and a MusicVAE trained on each; nobody changes it."""
    from tests.vae.melodies import write_tunes

    folder = tmp_path_factory.mktemp("vae")
    write_tunes(folder / "midi", 30)
    widths = ("latent=8", "encoder_width=32", "conductor_width=32", "decoder_width=10")
    settings = (*(f"model.{width}" for width in widths), "training.evaluations=3")
    small = [part for setting in settings for part in ("--set", setting)]
    data = ("--data", folder / "data")
    for bars, name in ((2, "two"), (4, "four")):
        call_quietly("vae", "generate-dataset", "all", bars, 1, "-pt", "--midi", folder / "midi", *data, "--json")
        call_quietly("vae", "train", 2, 16, bars, "-pt", *small, *data, "--out", folder / name, "--json")
    return folder


@pytest.fixture(scope="session")
def quick_runs(call_quietly) -> Callable[[Path, Path], list[Path]]:
    """Return a function that evolves a short song twice: until it is solved, and for one generation."""

    def make(folder: Path, song: Path) -> list[Path]:
        runs = [folder / "solved", folder / "stopped"]
        for run, generations in zip(runs, (500, 1), strict=True):
            options = ("--prompt", 2, "--memory", 4, "--set", f"evolve.generations={generations}", "--out", run)
            call_quietly("evolve", song, *options)
        return runs

    return make


@pytest.fixture(scope="session")
def xor_runs(tmp_path_factory, call_quietly) -> Path:
    """Return a folder with runs of exclusive or: two solved, one with half the population, one that had one generation.

    Nobody changes it.
    """
    folder = tmp_path_factory.mktemp("listed") / "runs"
    for name, *settings in (
        ("a/seed-2", "evolve.seed=2"),
        ("a/seed-10", "evolve.seed=10"),
        ("b/small", "evolve.population_size=20"),
        ("b/short", "evolve.generations=1", "evolve.population_size=20"),
    ):
        options = [part for setting in ("task.kind=xor", *settings) for part in ("--set", setting)]
        call_quietly("evolve", *options, "--out", folder / name, "--json")
    return folder
