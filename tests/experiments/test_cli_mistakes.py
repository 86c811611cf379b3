"""Every mistake in a call ends with one line on stderr and the status 2, whatever is wrong and wherever."""

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from experiments.config.evolve import EvolveConfig
from experiments.plots.run import draw_run
from experiments.runs.folder import RunError, RunFolder
from songs.midi import write_midi


@pytest.fixture
def place(tmp_path, write_song, monkeypatch) -> Path:
    """Enter a folder of things that are no songs and no runs, and of a song of 16 steps."""
    monkeypatch.chdir(tmp_path)
    write_song(tmp_path / "tune.mid", "C.E.G...E.E.D...")
    write_midi(tmp_path / "wide.mid", np.array([[0, 40], [1, 90]]), 8)
    write_midi(tmp_path / "silent.mid", np.zeros((0, 2), dtype=int), 8)
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "text.mid").write_text("no music")
    (tmp_path / "half.mid").write_bytes((tmp_path / "tune.mid").read_bytes()[:40])
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("no music")
    (tmp_path / "bad.toml").write_text("[task]\ncolour = 1\n")
    (tmp_path / "broken.toml").write_text("[task")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "unplayable").mkdir()
    (tmp_path / "unplayable" / "text.mid").write_text("no music")
    return tmp_path


def check_mistake(called, reason: str) -> None:
    """Check that a call ended as a mistake does, with this reason (a pattern)."""
    assert called.status == 2, called
    assert called.out == ""
    assert called.err.endswith("\n")
    assert called.err.count("\n") == 1, called.err
    assert called.err.startswith("kuznechik"), called.err
    assert "Traceback" not in called.err
    assert re.search(reason, called.err), called.err


MISTAKES = {
    "": [
        (["fly"], "invalid choice: 'fly' .choose from "),
        (["--fast"], "required: VERB"),
        (["songs", "--fast"], "unrecognized arguments: --fast; see kuznechik songs --help"),
        (["songs", "a\nb"], r"no song 'a\\nb' in .*; there are alle_meine_entchen"),
    ],
    "songs": [
        (["--folder", "none"], "kuznechik: none: no such folder"),
        (["--folder", "tune.mid"], "kuznechik: tune.mid: no such folder"),
        (["--folder", "folder"], "kuznechik: folder: holds no .mid or .midi file"),
        (["--folder"], "--folder: expected one argument"),
        (["--prompt", "-1"], "--prompt: -1: it must be 0 to 1000000000"),
        (["--prompt", "x"], "--prompt: invalid number value: 'x'"),
        (["--prompt", "1.5"], "--prompt: invalid number value: '1.5'"),
        (["--prompt", "9" * 5000], "--prompt: "),
    ],
    "evolve": [
        (["grashopper"], "no song 'grashopper' in .*; did you mean grasshopper.$"),
        (["xylophone"], "no song 'xylophone' in .*; there are .*, ...$"),
        (["none.mid"], "none.mid: there is no such file"),
        (["folder.mid"], "folder.mid: is a folder"),
        (["folder"], "folder: not a MIDI file; its name must end in .mid or .midi"),
        (["."], r"\.: not a MIDI file"),
        (["text.txt"], "text.txt: not a MIDI file; its name must end in .mid or .midi"),
        (["empty.mid"], "empty.mid: "),
        (["text.mid"], "text.mid: "),
        (["half.mid"], "half.mid: "),
        (["silent.mid"], "silent.mid: has no notes"),
        (["wide.mid", "--keys", "13"], "wide.mid: spans 51 keys .*, the keyboard has 13"),
        (["nightingale"], "no song 'nightingale' in .*; there are "),
        (["night\ningale"], r"no song 'night\\ningale' in"),
        (["x" * 5000], "no song 'xxx"),
        (["tune.mid", "tune.mid"], "unrecognized arguments: tune.mid"),
        (["tune", "--folder", "none"], "none: no such folder"),
        (["tune.mid", "--track", "Melody"], "tune.mid: has no track 'Melody'; its tracks are: 1 tune"),
        (["--config", "none.toml"], "none.toml: no such file or preset; presets are "),
        (["--config", "folder"], "folder: cannot be read: "),
        (["--config", "bad.toml"], r"bad.toml: unknown key task.colour: \[task\] has track, channel"),
        (["--config", "broken.toml"], "broken.toml: not a TOML file: "),
        (["--config", "binary.toml"], "binary.toml: cannot be read: "),
        (["--config", "tune.mid"], "tune.mid: "),
        (["tune.mid", "--memory", "x"], "--memory: invalid number value: 'x'"),
        (["tune.mid", "--memory", "1.5"], "--memory: invalid number value: '1.5'"),
        (["tune.mid", "--memory", "-1"], "--memory: -1: it must be 0 to 1000000000"),
        (["tune.mid", "--memory", "5000"], "task.memory = 5000: it must be 0 to 4096"),
        (["tune.mid", "--prompt", "x"], "--prompt: invalid number value: 'x'"),
        (["tune.mid", "--prompt", "-1"], "--prompt: -1: it must be 0 to 1000000000"),
        (["tune.mid", "--prompt", "5000"], "task.prompt = 5000: it must be -1 to 4096"),
        (["tune.mid", "--prompt", "16"], "task.prompt = 16: tune has only 16 steps"),
        (["tune.mid", "--seed", "x"], "--seed: invalid number value: 'x'"),
        (["tune.mid", "--seed", "-1"], "--seed: -1: it must be 0 to 1000000000"),
        (["tune.mid", "--checkpoint-every", "x"], "--checkpoint-every: invalid number value: 'x'"),
        (["tune.mid", "--checkpoint-every", "-1"], "--checkpoint-every: -1: it must be 0 to 1000000000"),
        (["tune.mid", "--out", "folder"], "folder already exists and is never overwritten: choose another --out"),
        (["tune.mid", "--out", "text.txt"], "text.txt already exists"),
        (["tune.mid", "--out", "text.txt/run"], "text.txt/run: cannot create the run folder: "),
        (["tune.mid", "--out", "x" * 300], "cannot create the run folder: File name too long"),
        (["tune.mid", "--workers", "x"], "--workers: invalid number value: 'x'"),
        (["tune.mid", "--workers", "-1"], "--workers: -1: it must be 0 to 1024"),
        (["tune.mid", "--backend", "cloud"], "--backend: invalid choice: 'cloud'"),
        (["tune.mid", "--set"], "--set: expected one argument"),
        (["tune.mid", "--set", "memory"], "--set memory: write section.key=value"),
        (["tune.mid", "--set", "task.colour=1"], "unknown key task.colour"),
        (["tune.mid", "--set", "colour.task=1"], r"unknown section \[colour\]"),
        (["tune.mid", "--set", "evolve.elitism=60", "--set", "evolve.population_size=60"], "1 species with 60 elite"),
        (
            ["tune.mid", "--set", "evolve.population_size=8", "--set", "species.target_species=8"],
            "8 species with 1 elites each would leave no room for chi",
        ),
        (["--folder", "."], "name a song in ., or use all: --each, --together"),
        (["tune.mid", "--each"], "SONG does not go with --each"),
        (["tune.mid", "--together"], "SONG does not go with --together"),
        (["--each", "--together"], "--together does not go with --each"),
        (["--each", "--folder", "none"], "none: no such folder"),
        (["--each", "--folder", "folder"], "folder: holds no .mid"),
        (["--each", "--folder", "unplayable"], "unplayable: none of its 1 MIDI files can be played"),
        (["--each", "--folder", ".", "--prompt", "16"], "task.prompt = 16: tune has only 16 steps"),
        (["--together", "--folder", "unplayable"], "unplayable: none of its 1 MIDI files can be played"),
        (["--each", "--config", "xor"], "--each does not go with task.kind = 'xor'"),
        (["--together", "--config", "xor"], "--together does not go with task.kind = 'xor'"),
        (["tune.mid", "--config", "xor"], "SONG does not go with task.kind = 'xor'"),
        (["--memory", "0", "--set", "task.kind=xor"], "--memory does not go with task.kind = 'xor'"),
        (["--resume", "none"], "none: no such run folder"),
        (["--resume", "tune.mid"], "tune.mid: no such run folder"),
        (["--resume", "folder"], "folder: not a run folder: it has no config.toml"),
        (["--resume", "folder", "tune.mid"], "SONG does not go with --resume"),
        (["--resume", "folder", "--each"], "--resume does not go with --each"),
        *(
            (["--resume", "folder", f"--{name}", value], f"--{name} does not go with --resume")
            for name, value in (
                ("folder", "."),
                ("track", "x"),
                ("config", "xor"),
                ("memory", "0"),
                ("prompt", "0"),
                ("seed", "0"),
                ("out", "x"),
            )
        ),
    ],
    "score": [
        ([], "the following arguments are required: SOURCE"),
        (["none"], "no song 'none'"),
        (["no\nne"], r"no song 'no\\nne'"),
        (["runs/none"], "runs/none: no such run folder or MIDI file"),
        (["tune.mid"], "tune.mid: name the song to compare it with, as in --song grasshopper"),
        (
            ["tune.mid", "--listener", "theory"],
            "not rewarded by theory.*: kuznechik listener score tune.mid --lis",
        ),
        (["vae:3", "--song", "grasshopper"], "vae:3: write the bars of a model, vae:2, vae:4, vae:8, vae:16"),
        (["tune.mid", "--song", "none"], "no song 'none'"),
        (["folder"], "folder: not a run folder: it has no config.toml"),
    ],
    "plot": [
        ([], "the following arguments are required: RUN"),
        (["none"], "none: no such run folder"),
        (["tune.mid"], "tune.mid: no such run folder"),
        (["folder"], "folder: not a run folder: it has no config.toml"),
    ],
    "play": [
        ([], "the following arguments are required: SOURCE"),
        (["none"], "no song 'none' in "),
        (["none.mid"], "none.mid: there is no such file"),
        (["text.mid"], "text.mid: "),
        (["text.txt"], "text.txt: not a MIDI file"),
        (["folder"], "folder: not a run folder"),
        (["tune.mid", "--steps", "0"], "--steps: 0: it must be 1 to 1000000"),
        (["tune.mid", "--steps", "-3"], "--steps: -3: it must be 1 to"),
        (["tune.mid", "--steps", "x"], "--steps: invalid number value: 'x'"),
        (["tune.mid", "--wav", "tune.mid/sound.wav"], "tune.mid.*(File exists|Not a directory)"),
        (["tune.mid", "--wav", "folder"], "Is a directory"),
        (["tune.mid", "--wav"], "--wav: expected one argument"),
    ],
    "sweep": [
        (["none"], r"kuznechik: none: no such file or sweep; the sweeps are (\w+, )*operators(, \w+)*\n"),
        (["folder"], "folder: cannot be read: Is a directory"),
        (["broken.toml"], "broken.toml: "),
        (["binary.toml"], "binary.toml: "),
        (["bad.toml"], "bad.toml: unknown key task: the keys are kind, seeds, songs, base, variants"),
        (["--seeds", "0"], "--seeds: 0: it must be 1 to 1000000000"),
        (["--first-seed", "x"], "--first-seed: invalid number value: 'x'"),
        (["--jobs", "0"], "--jobs: 0: it must be 1 to 1024"),
    ],
}
CALLS = [([*([verb] if verb else []), *rest], reason) for verb, rows in MISTAKES.items() for rest, reason in rows]


@pytest.mark.parametrize(("arguments", "reason"), CALLS, ids=[" ".join(call)[:60] for call, _ in CALLS])
def test_a_mistake_is_told_in_one_line(kuznechik, place, arguments, reason):
    before = sorted(place.rglob("*"))
    check_mistake(kuznechik(*arguments), reason)
    assert sorted(place.rglob("*")) == before  # nothing was begun


OPTIONS = [
    (section.name, option)
    for section in dataclasses.fields(EvolveConfig)
    for option in dataclasses.fields(section.default_factory)
]


@pytest.mark.parametrize(("section", "option"), OPTIONS, ids=[f"{section}.{one.name}" for section, one in OPTIONS])
def test_every_option_of_the_configuration_is_checked(kuznechik, place, section, option):
    wrong = {
        int: ("1.5", "many", "true", "-2", ""),
        float: ("much", "true", "nan", "inf", "-1e30", ""),
        bool: ("1", "maybe", "0.5", ""),
        str: ("1", "true", '["x"]' if option.metadata["numbers"] else "[1]"),
    }[option.type]
    for value in wrong:
        called = kuznechik("evolve", "tune.mid", "--set", f"{section}.{option.name}={value}")
        check_mistake(called, rf"{section}\..*{option.name}.* must be ")


# Run folders that were cut short

NEEDED = {
    "score": {"config.toml", "meta.json", "best/genome.json", "songs/tune.mid", "songs/songs.json"},
    "play": {"config.toml", "meta.json", "best/genome.json", "songs/tune.mid", "songs/songs.json"},
    "resume": {"config.toml", "meta.json", "songs/tune.mid", "songs/songs.json"},
}
"""Files without which a verb cannot do its work."""

HARMLESS = {("songs/songs.json", "deleted")}
"""Older runs have none, and all of them learned songs of 13 keys and eighths."""

NAMED = {"checkpoints/000000000004.safetensors": "000000000004.safetensors: is damaged"}
"""Files whose damage --resume names, though it can go on."""


def run_files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def damage_file(path: Path, damage: str) -> None:
    """Delete a file, empty it, or cut it off in the middle of a line."""
    content = path.read_bytes()
    path.unlink()
    if damage == "emptied":
        path.write_bytes(b"")
    elif damage == "cut short":
        # the configuration within its first text: whole lines of it would be a configuration too
        path.write_bytes(content[: 12 if path.name == "config.toml" else len(content) // 2])


def damaged_runs(whole: Path, folder: Path):
    """Yield the name of each file, what was done to it, and a copy of the run in which it was done."""
    for name in run_files(whole):
        for damage in ("deleted", "emptied", "cut short"):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole, folder)
            damage_file(folder / name, damage)
            yield name, damage, folder


def test_the_run_that_is_damaged_has_all_files(unsolved):
    assert {*NEEDED["score"], *NAMED, "checkpoints/000000000002.safetensors", "best/roll.npy"} <= set(
        run_files(unsolved)
    )


@pytest.mark.parametrize("verb", NEEDED)
def test_a_damaged_run_is_told_in_one_line_or_does_no_harm(kuznechik, unsolved, tmp_path, verb):
    arguments = {
        "score": ("score", tmp_path / "run", "--json"),
        "play": ("play", tmp_path / "run", "--wav", tmp_path / "sound.wav", "--force"),
        "resume": ("evolve", "--resume", tmp_path / "run", "--set", "evolve.generations=5", "--json"),
    }[verb]
    shutil.copytree(unsolved, tmp_path / "whole")
    expected = kuznechik(*(str(argument).replace("/run", "/whole") for argument in arguments)).out
    for name, damage, folder in damaged_runs(unsolved, tmp_path / "run"):
        called = kuznechik(*arguments)
        if name in NEEDED[verb] and (name, damage) not in HARMLESS:
            check_mistake(called, re.escape(str(folder)))
            continue
        assert called.status == 0, (name, damage, called)
        if verb != "resume":
            assert (called.err, called.out) == ("", expected)
        elif name in NAMED and damage != "deleted":
            assert NAMED[name] in called.err, (name, damage)
            assert called.err.count("\n") == 1
        else:
            assert called.err == "", (name, damage)


PICTURES = {
    "metrics.csv": "fitness",
    "species.csv": "species",
    "best/genome.json": "network",
    "best/roll.npy": "roll",
    "songs/tune.mid": "roll",
}
"""What cannot be drawn without a file."""


@pytest.mark.parametrize("name", [*PICTURES, "config.toml", "summary.json"])
@pytest.mark.parametrize("damage", ["deleted", "cut short"])
def test_a_damaged_run_is_drawn_as_far_as_it_goes(unsolved, tmp_path, name, damage):
    run = tmp_path / "run"
    shutil.copytree(unsolved, run)
    damage_file(run / name, damage)
    if name == "config.toml":
        with pytest.raises(RunError, match="config.toml"):
            draw_run(RunFolder.open(run))
        return
    figures, missing = draw_run(RunFolder.open(run))
    if name == "summary.json" or (name.endswith(".csv") and damage == "cut short"):  # whole rows are left
        assert (len(figures), missing) == (4, [])
    else:
        assert set(figures) == {"fitness", "species", "network", "roll"} - {PICTURES[name]}
        assert [line.split(" ")[0] for line in missing] == [PICTURES[name]]


@pytest.mark.slow
def test_plotting_a_damaged_run_is_told_in_one_line_or_draws(kuznechik, unsolved, tmp_path):
    for name, damage, folder in damaged_runs(unsolved, tmp_path / "run"):
        called = kuznechik("plot", folder)
        assert called.status in (0, 2), (name, damage, called)
        assert called.err.count("\n") <= 1, (name, damage, called)
        assert "Traceback" not in called.err
        assert all((Path(line)).stat().st_size > 1000 for line in called.out.splitlines())


@pytest.mark.parametrize("kind", ["a network of another memory", "another experiment", "no experiment"])
def test_a_run_whose_parts_do_not_belong_together_is_told_in_one_line(kuznechik, unsolved, tmp_path, kind):
    run = tmp_path / "run"
    shutil.copytree(unsolved, run)
    name, old, new, reason = {
        "a network of another memory": (
            "config.toml",
            "memory = 6",
            "memory = 7",
            "best/genome.json is broken: it has 78 inputs and 13 outputs, but the task has 91 and 13",
        ),
        "another experiment": (
            "meta.json",
            '"evolve"',
            '"cook"',
            "meta.json names the experiment 'cook'; known ones are",
        ),
        "no experiment": ("meta.json", '"experiment"', '"cook"', "meta.json names the experiment None; known ones are"),
    }[kind]
    text = (run / name).read_text()
    assert old in text
    (run / name).write_text(text.replace(old, new, 1))
    for arguments in (("score", run), ("play", run, "--wav", tmp_path / "x.wav")):
        check_mistake(kuznechik(*arguments), reason)


def test_a_song_that_cannot_be_scored_is_told_in_one_line(kuznechik, solved, place):
    for song, reason in (
        ("none.mid", "none.mid: there is no such file"),
        ("nightingale", "no song 'nightingale'"),
        ("wide.mid", "wide: .* is not on the keyboard of 13 keys, C4 to C5"),
    ):
        check_mistake(kuznechik("score", solved, "--song", song), reason)


def test_a_run_without_music_cannot_be_played(kuznechik, tmp_path):
    run = tmp_path / "run"
    options = ("--set", "evolve.generations=1", "--set", "evolve.population_size=10")
    assert kuznechik("evolve", "--config", "xor", *options, "--out", run, "--json").status == 0
    check_mistake(kuznechik("play", run, "--wav", tmp_path / "x.wav"), "this run learned xor and plays no song")
    check_mistake(kuznechik("score", run, "--song", "grasshopper"), "this run learned xor and plays no song")


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("evolve.seed=1", "--set evolve.seed=1: a resumed run keeps its settings; only evolve.generations may change"),
        ("evolve.generations=0", "evolve.generations = 0: it must be 1 to"),
        ("evolve.generations=x", "evolve.generations = 'x': it must be a whole number"),
    ],
)
def test_a_resumed_run_keeps_its_settings(kuznechik, unsolved, setting, reason):
    check_mistake(kuznechik("evolve", "--resume", unsolved, "--set", setting), reason)
