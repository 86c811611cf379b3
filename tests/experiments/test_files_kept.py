"""Files of the user are kept: nothing that is there is replaced without --force, and a refused call leaves nothing."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.experiments.test_cli_mistakes import check_mistake

MINE = b"mine"


def written(folder: Path) -> dict[str, bytes]:
    """Return the content of all files below a folder, by their names in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def no_port(monkeypatch):
    import mido

    monkeypatch.setattr(mido, "get_output_names", list)


@pytest.mark.parametrize(
    ("call", "files"),
    [
        (("play", "TUNE", "--wav", "x.wav"), ["x.wav"]),
        (("play", "RUN", "--wav", "x.wav"), ["x.wav"]),
        (("report", "RUN", "--out", "x.html"), ["x.html"]),
        (("duet", "RUN", "--out", "x.html"), ["x.html"]),
        (("listening-test", "--machine", "RUN", "--human", "TUNE", "--pairs", 1, "--out", "x.html"), ["x.html"]),
        (("listening-test", "--analyse", "answers.json", "--out", "x.png"), ["x.png", "x.svg"]),
        (("curves", "none", "--out", "x"), ["x.csv"]),
        (("listener", "audit", "theory", "--out", "."), ["audit.json", "audit.md", "audit.png"]),
        (
            ("listener", "train", "--midi", ".", "--out", "x.safetensors"),
            ["x.safetensors", "x.json", "x.md"],
        ),
    ],
    ids=lambda value: "-".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_no_file_is_replaced_without_force(kuznechik, solved, tune, tmp_path, monkeypatch, call, files):
    monkeypatch.chdir(tmp_path)
    names = {"RUN": solved, "TUNE": tune}
    call = [names.get(part, part) for part in call]
    for name in files:
        Path(name).write_bytes(MINE)
        check_mistake(kuznechik(*call), f"{name} already exists: choose another name, or replace it with --force$")
        assert written(tmp_path) == {name: MINE}
        Path(name).unlink()


@pytest.mark.parametrize("verb", ["play", "report", "duet"])
def test_force_replaces_a_file(kuznechik, solved, tmp_path, verb):
    path = tmp_path / "x.wav"
    path.write_bytes(MINE)
    called = kuznechik(verb, solved, "--out", path, "--force")
    assert (called.status, called.err) == (0, "")
    assert path.read_bytes()[:4] in (b"RIFF", b"<!do", b"<!DO")
    assert os.listdir(tmp_path) == ["x.wav"]


def test_default_names_are_free_ones(kuznechik, solved, unsolved, tune, tmp_path, monkeypatch, no_port):
    monkeypatch.chdir(tmp_path)
    for name in ("tune.wav", "tune-2.wav", "report.html", "listening-test.html"):
        Path(name).write_bytes(MINE)
    for call in (
        ("play", tune),
        ("report", solved, unsolved),
        ("listening-test", "--machine", solved, "--human", tune, "--pairs", 1),
    ):
        assert kuznechik(*call).status == 0
    kept = {name for name, content in written(tmp_path).items() if content == MINE}
    assert kept == {"tune.wav", "tune-2.wav", "report.html", "listening-test.html"}
    assert written(tmp_path).keys() - kept == {"tune-3.wav", "report-2.html", "listening-test-2.html"}


def test_a_run_renews_its_own_pages_and_pictures(kuznechik, unsolved, tmp_path):
    run = shutil.copytree(unsolved, tmp_path / "run")
    (run / "plots").mkdir()
    for verb, name, begins in (
        ("plot", "plots/fitness.png", b"\x89PNG"),
        ("report", "report.html", b"<!"),
        ("duet", "duet.html", b"<!"),
    ):
        (run / name).write_bytes(MINE)
        called = kuznechik(verb, run)
        assert (called.status, called.err) == (0, "")
        assert (run / name).read_bytes().startswith(begins)
        assert not [path for path in run.rglob("*-2.*")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_only_regular_files_are_replaced(kuznechik, tune, tmp_path, force):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "victim").write_bytes(MINE)
    (tmp_path / "link.wav").symlink_to("victim")
    (tmp_path / "folder.wav").mkdir()
    for name, reason in {
        "pipe.wav": "Not a file",
        "link.wav": "A link, which is not followed for writing: name the file itself",
        "folder.wav": "Is a directory",
    }.items():
        check_mistake(
            kuznechik("play", tune, "--wav", tmp_path / name, *force), re.escape(f"{tmp_path / name}: {reason}")
        )
    check_mistake(kuznechik("play", tune, "--wav", "/dev/null", *force), "/dev/null: Not a file")
    assert Path("/dev/null").is_char_device()
    assert (tmp_path / "pipe.wav").is_fifo()
    assert (tmp_path / "link.wav").is_symlink()
    assert written(tmp_path) == {"victim": MINE, "link.wav": MINE}


@pytest.mark.parametrize("name", ["best", "plots", "report.html", "duet.html", "metrics.csv", "checkpoints", ".lock"])
def test_links_in_a_run_folder_are_not_followed(kuznechik, unsolved, tmp_path, name):
    run, victim = shutil.copytree(unsolved, tmp_path / "run"), tmp_path / "victim"
    if (run / name).is_dir():
        shutil.move(run / name, victim)
    elif (run / name).exists():
        (run / name).rename(victim)
    elif "." in name:
        victim.write_bytes(MINE)
    else:
        victim.mkdir()
    (run / name).symlink_to("../victim")
    before = written(tmp_path)
    for call in (("plot", run), ("report", run), ("duet", run), ("evolve", "--resume", run)):
        check_mistake(kuznechik(*call), f"{run / name} is a link, and links in a run folder are not followed")
    assert written(tmp_path) == before


@pytest.mark.parametrize(
    "call",
    [
        ("evolve", "TUNE", "--workers", 2, "--ray-address", "x", "--backend", "ray", "--out", "new/run"),
        ("evolve", "TUNE", "--out", "new/" + 300 * "x"),
        ("evolve", "TUNE", "--set", "task.memory=-1", "--out", "new/run"),
        ("dqn", "TUNE", "--set", "replay.capacity=100", "--out", "new/run"),
        ("play", "TUNE", "--wav", "new/" + 300 * "x"),
        ("play", "none.mid", "--wav", "new/x.wav"),
        ("capacity", "--midi", "none", "--out", "new/run"),
        ("leaderboard", "none", "--out", "new/run"),
    ],
    ids=lambda call: " ".join(map(str, call))[:40],
)
def test_a_refused_call_leaves_no_folder(kuznechik, tune, tmp_path, monkeypatch, call):
    if "ray" in call:
        monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    check_mistake(kuznechik(*(tune if part == "TUNE" else part for part in call)), "")
    assert os.listdir(tmp_path) == []


def test_the_melodies_of_a_vae_are_not_replaced(kuznechik, vae_runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = ("2", "-pt", "--model", vae_runs / "two")
    calls = {
        "x.mid": ("vae", "sample", *model, "-s", "x.mid"),
        "x.wav": ("vae", "sample", *model, "-s", "x"),
        "x.png": ("vae", "sample", *model, "-vs", "x"),
        "x.html": ("vae", "sample", *model, "--page", "-s", "x"),
        "x/step-1.wav": ("vae", "interpolate", 2, *model, "-s", "x"),
        "x.json": ("vae", "evaluate", *model, "--data", vae_runs / "data", "-n", 0, "-s", "x.json"),
        "y.md": ("vae", "export", vae_runs / "two", "y.safetensors", "--data", vae_runs / "data"),
        "y.json": ("vae", "train-prior", vae_runs / "two", "--minutes", 1, "--out", "y.safetensors"),
        "y.safetensors": ("vae", "import-checkpoint", "none", 2, "--out", "y.safetensors"),
        "2bars-pianoroll-allkeys/test.npz": (
            *("vae", "generate-dataset", "test", 2, 1, "-p", "--midi", vae_runs / "midi", "--data", "."),
        ),
    }
    for name, call in calls.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(MINE)
        check_mistake(kuznechik(*call), f"{name} already exists")
        assert written(tmp_path) == {name: MINE}
        Path(name).unlink()
    Path("x").rmdir()
    Path("vae-out").mkdir()
    Path("vae-out/sample-1.wav").write_bytes(MINE)
    told = kuznechik("vae", "sample", *model, "--seed", 1).out
    assert told == "Written:\n  vae-out/sample-2.mid\n  vae-out/sample-2.wav\nTo repeat: --seed 1\n"
