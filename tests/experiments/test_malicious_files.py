"""Files made to do harm: whatever stands in a run, a model, a data set or a list of answers, nothing of it is executed.

Every file of every kind of folder is replaced by attacks that do execute where a pickle is loaded, and by content of
other kinds; all verbs that read it are called. They do their work without the file, or end with one line.
"""

import io
import json
import os
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="writes files of torch: pip install 'kuznechik[torch]'")

from experiments.runs.checkpoint import load_checkpoint, read_arrays, save_checkpoint, write_arrays  # noqa: E402
from tests.vae.melodies import write_tunes  # noqa: E402

DQN = ("network.hidden=8", "dqn.batch_size=8", "dqn.learning_starts=20", "dqn.evaluate_every=40", "dqn.steps=80")
VAE = ("model.latent=8", "model.encoder_width=16", "model.conductor_width=16", "model.decoder_width=10")
VAE += ("training.evaluations=2",)
SMALL = [part for setting in VAE for part in ("--set", setting)]
CALLS = {
    "evolved": [
        ("duet", "RUN", "--out", "NEW", "--force"),
        ("evolve", "--resume", "RUN", "--set", "evolve.generations=3", "--json"),
        ("report", "RUN"),
    ],
    "learned": [("score", "RUN", "--json"), ("dqn", "--resume", "RUN", "--json")],
    "vae": [
        ("report", "RUN"),
        ("vae", "train", "--resume", "RUN", "--set", "training.epochs=2", "--json"),
        ("vae", "evaluate", "2", "-pt", "--model", "RUN", "--data", "DATA", "-n", "0"),
    ],
    "listener": [("listener", "score", "TUNE", "--listener", "RUN/own.safetensors", "--json")],
    "data": [
        ("vae", "show-datasets", "-s", "--data", "RUN", "--json"),
        ("vae", "train", "1", "64", "2", "-pt", *SMALL, "--data", "RUN", "--out", "NEW", "--json"),
    ],
    "answers": [("listening-test", "--analyse", "RUN/answers.json", "--json")],
}
"""What reads the files of each kind of folder; RUN is a copy of it."""
READ = {
    "report": re.compile(r"best/roll.npy|summary.json|best/model.*"),
    "duet": re.compile(r"[^/]*.(toml|json)|best/.*"),
    "evolve": re.compile(r"(?!best/).*"),
    "dqn": re.compile(r"(?!best/).*"),
}
"""Names of the files for which these verbs are called, which take a while; others are called for all."""


class Attack:
    """An object whose pickle makes a folder where it is loaded."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def pickled(attack: Attack) -> bytes:
    return pickle.dumps({"model": attack}, protocol=2)


def of_torch(attack: Attack) -> bytes:
    content = io.BytesIO()
    torch.save({"model": attack}, content)
    return content.getvalue()


def array_of_objects(attack: Attack) -> bytes:
    content = io.BytesIO()
    np.save(content, np.array([attack], dtype=object), allow_pickle=True)
    return content.getvalue()


def archive_of_objects(attack: Attack) -> bytes:
    content = io.BytesIO()
    np.savez(content, roll=np.array([attack], dtype=object), onsets=np.zeros((1, 4), np.uint8), pieces=0, sources=0)
    return content.getvalue()


def attacks(name: str, attack: Attack) -> Iterator[bytes]:
    """Yield what a file of this name is replaced by."""
    yield pickled(attack)
    if name.endswith(".safetensors"):
        yield of_torch(attack)
    if name.endswith((".npy", ".npz")):
        yield array_of_objects(attack)
        yield archive_of_objects(attack)
    if name.endswith(".json"):
        yield b'{"py/object": "posix.system", "version": 99, "format": "os.system"}'
        yield b"[" * 100_000


@pytest.fixture(scope="module")
def folders(tmp_path_factory, tune, call_quietly) -> Path:
    """Return a folder with one of every kind."""
    place = tmp_path_factory.mktemp("kinds")
    small = ("--memory", 6, "--prompt", 4)
    options = ("--set", "evolve.population_size=10", "--set", "evolve.generations=2", "--set", "improvise.starts=2")
    evolve = ("evolve", tune, *small, *options, "--listener", "theory", "--mode-bit", "--checkpoint-every", 1)
    call_quietly(*evolve, "--out", place / "evolved", "--json")
    settings = [part for setting in DQN for part in ("--set", setting)]
    call_quietly("dqn", tune, *small, *settings, "--checkpoint-every", 40, "--out", place / "learned", "--json")
    write_tunes(place / "midi", 30)
    made = ("vae", "generate-dataset", "all", 2, 1, "-pt", "--midi", place / "midi", "--data", place / "data")
    call_quietly(*made, "--json")
    train = ("vae", "train", 1, 16, 2, "-pt", *SMALL, "--data", place / "data", "--out", place / "vae", "--json")
    call_quietly(*train)
    (place / "listener").mkdir()
    for ending in (".safetensors", ".json"):
        shutil.copy(
            Path(str(package_files("listener"))) / "models" / f"ngram{ending}", place / "listener" / f"own{ending}"
        )
    (place / "answers").mkdir()
    (place / "answers" / "answers.json").write_text("{}")
    return place


def check(called, where: tuple) -> None:
    """Check that a call did its work, or ended with one line."""
    assert called.status in (0, 2), (where, called)
    assert "Traceback" not in called.err, where
    if called.status == 2:
        assert called.err.startswith("kuznechik"), (where, called.err)
        assert called.err.count("\n") == 1, (where, called.err)


def files(folder: Path) -> list[str]:
    """Return the names of the files of a folder that are read again, without tables, pictures and sound."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return [name for name in names if not name.endswith((".wav", ".mid", ".csv", ".ini", ".lock"))]


@pytest.mark.parametrize("kind", CALLS)
def test_nothing_in_a_file_is_executed(kuznechik, folders, tune, tmp_path, kind, monkeypatch):
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)  # it takes long, and reads nothing
    marker, copy = tmp_path / "executed", tmp_path / "copy"
    words = {"DATA": folders / "data", "TUNE": tune, "NEW": tmp_path / "new", "RUN": copy}
    for name in files(folders / kind):
        for number, content in enumerate(attacks(name, Attack(marker))):
            for call in CALLS[kind]:
                if call[0] in READ and not READ[call[0]].fullmatch(name):
                    continue
                shutil.copytree(folders / kind, copy)
                (copy / name).write_bytes(content)
                arguments = [str(part) for part in call]
                for word, path in words.items():
                    arguments = [part.replace(word, str(path)) for part in arguments]
                called = kuznechik(*arguments)
                check(called, (name, number, call[0]))
                assert not marker.exists(), (name, number, call)
                shutil.rmtree(copy)
                if (tmp_path / "new").is_dir():
                    shutil.rmtree(tmp_path / "new")


@pytest.mark.parametrize("made", [pickled, array_of_objects])
def test_the_attacks_are_real(tmp_path, made: Callable):
    content = made(Attack(tmp_path / "executed"))
    if made is pickled:
        pickle.loads(content)
    else:
        np.load(io.BytesIO(content), allow_pickle=True)
    assert (tmp_path / "executed").is_dir()


def test_the_folders_hold_every_kind_of_file(folders):
    there = {kind: set(files(folders / kind)) for kind in CALLS}
    assert {"best/genome.json", "best/roll.npy", "best/improvised/improvisations.npy", "starts.json"} <= there[
        "evolved"
    ]
    assert "config.toml" in there["evolved"]
    assert sum(name.startswith("checkpoints/") for name in there["evolved"]) == 2
    assert {"best/model.safetensors", "checkpoints/000000000080.safetensors"} <= there["learned"]
    assert {"best/model.safetensors", "best/model.json", "data.json", "meta.json", "config.toml"} <= there["vae"]
    assert there["listener"] == {"own.safetensors", "own.json"}
    assert any(name.endswith("train.npz") for name in there["data"])


# checkpoints of a VAE


@pytest.fixture
def run(folders, tmp_path) -> Path:
    return shutil.copytree(folders / "vae", tmp_path / "run")


def resume(kuznechik, run: Path) -> str:
    """Return the one line that resuming ends with."""
    called = kuznechik("vae", "train", "--resume", run, "--set", "training.epochs=2", "--json")
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1), called
    return called.err


def newest(run: Path) -> Path:
    return max((run / "checkpoints").iterdir())


@pytest.mark.parametrize("length", [0, 7, 1000, -1])
def test_checkpoints_cut_short_are_named(kuznechik, run, length):
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:length])
    assert f"{newest(run)}: is damaged: " in resume(kuznechik, run)


def part(place: str, value) -> Callable[[dict, dict], None]:
    """Return a change of one part of the plain data."""

    def change(arrays, data):
        *way, last = place.split(".")
        for name in way:
            data = data[name]
        data[last] = value

    return change


def moments(name: str, value: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict, dict], None]:
    """Return a change of the optimiser's first array of a name."""

    def change(arrays, data):
        first = min(key for key in arrays if key.startswith(f"{name}."))
        arrays[first] = value(arrays[first])

    return change


def without(prefix: str) -> Callable[[dict, dict], None]:
    """Return a change that takes the first array of a prefix away."""

    def change(arrays, data):
        del arrays[min(name for name in arrays if name.startswith(prefix))]

    return change


WHY = {
    part("best_loss", {}): "best_loss is {}",
    part("best_row", {"loss": "x"}): "best_row.loss is 'x'",
    part("seconds", "x"): "seconds is 'x'",
    part("steps", -1): "steps is -1",
    moments("exp_avg_sq", lambda array: array * 0 - 1): "values that are not from 0 to ",
    moments("exp_avg", lambda array: array * np.nan): "values that are not finite",
    moments("exp_avg", lambda array: array.astype(np.int8)): "is int8, this run needs float32",
    moments("exp_avg_sq", lambda array: array[:-1]): "has the shape ",
    without("exp_avg_sq."): " is missing",
    without("network."): "is missing",
}


@pytest.mark.parametrize("change", WHY, ids=WHY.values())
def test_a_checkpoint_that_does_not_fit_is_told_in_one_line(kuznechik, run, change):
    arrays, data = read_arrays(newest(run))
    change(arrays, data["state"])
    write_arrays(newest(run), arrays, data)
    told = resume(kuznechik, run)
    assert f"{run}: the checkpoint does not fit the run: " in told
    assert WHY[change] in told


def test_a_model_of_another_shape_is_told_in_one_line(kuznechik, run):
    text = (run / "config.toml").read_text()
    (run / "config.toml").write_text(text.replace("decoder_width = 10", "decoder_width = 12"))
    assert "this run needs " in resume(kuznechik, run)


def test_a_checkpoint_that_claims_more_than_its_model_can_hold_is_not_read(kuznechik, run):
    size = 2**29
    head = json.dumps({"x": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    for path in (run / "checkpoints").iterdir():
        with path.open("wb") as file:  # valid, and holds nothing
            file.write(len(head).to_bytes(8, "little") + head)
            file.truncate(8 + len(head) + size)
    assert re.search(r"is damaged: .*Larger than \d+ MiB", resume(kuznechik, run))


def test_a_run_whose_numbers_grow_beyond_all_bounds_is_told(kuznechik, run):
    arrays, data = read_arrays(newest(run))
    moments("exp_avg", lambda array: np.full_like(array, 3e38))(arrays, data["state"])
    write_arrays(newest(run), arrays, data)
    told = resume(kuznechik, run)
    assert "the loss is no longer finite after " in told
    assert "start again with a learning_rate below 0.0011" in told


# checkpoints of an evolution


def test_a_checkpoint_of_another_run_is_told_in_one_line(kuznechik, unsolved, folders, tmp_path):
    run = shutil.copytree(unsolved, tmp_path / "run")
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    shutil.copy(max((folders / "evolved" / "checkpoints").iterdir()), run / "checkpoints")
    called = kuznechik("evolve", "--resume", run, "--json")
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1), called
    assert f"{run}: the checkpoint does not fit the run: " in called.err


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {},
        lambda state: {**state, "wall_seconds": None},
        lambda state: {**state, "cpu_seconds": [1]},
        lambda state: {**state, "state": "x"},
        lambda state: {**state, "state": {}},
    ],
)
def test_a_checkpoint_whose_checksum_was_made_to_fit_is_told_in_one_line(kuznechik, unsolved, tmp_path, change):
    run = shutil.copytree(unsolved, tmp_path / "run")
    (arrays, state), _ = load_checkpoint(run / "checkpoints")
    save_checkpoint(run / "checkpoints", int(newest(run).stem), (arrays, change(state)))
    before = (run / "config.toml").read_bytes()
    called = kuznechik("evolve", "--resume", run, "--json")
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1), called
    assert f"{run}: the checkpoint does not fit the run: " in called.err
    assert (run / "config.toml").read_bytes() == before
