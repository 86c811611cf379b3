"""What runs of both kinds tell TensorBoard: figures, and the picture and sound of champions."""

import io
import sys
import wave

import matplotlib.image
import numpy as np
import pytest

from experiments.runs.folder import RunFolder

pytest.importorskip("tensorboard", reason="needs TensorBoard: pip install '.[tensorboard]'")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from experiments.plots.tensorboard import MOST_STEPS, EventWriter
from songs.keyboard import KEYS
from songs.song import Song


def read(folder) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "audio": 0})
    return events.Reload()


def test_an_evolution_is_written_as_its_tables_are(kuznechik, tune, small, tmp_path):
    run = tmp_path / "run"
    call = ("evolve", tune, *small, "--set", "evolve.generations=6", "--tensorboard", "--out", run, "--json")
    assert kuznechik(*call).status == 0
    events, table = read(run / "tensorboard"), RunFolder(run).read_table("metrics.csv")
    assert set(events.Tags()["scalars"]) == set(table) - {"generation"}
    right = events.Scalars("best_right")
    assert [(each.step, each.value) for each in right] == list(enumerate(table["best_right"].tolist()))
    assert (events.Tags()["images"], events.Tags()["audio"]) == (["champion/roll"], ["champion/sound"])


def test_the_last_champion_is_seen_and_heard(kuznechik, tune, small, tmp_path):
    run = tmp_path / "run"
    assert kuznechik("evolve", tune, *small, "--set", "evolve.generations=2", "--tensorboard", "--out", run).status == 0
    events = read(run / "tensorboard")
    image, sound = events.Images("champion/roll")[-1], events.Audio("champion/sound")[-1]
    picture = matplotlib.image.imread(io.BytesIO(image.encoded_image_string), format="png")
    assert picture.shape == (image.height, image.width, 4)
    with wave.open(io.BytesIO(sound.encoded_audio_string)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
    assert len(samples) == 16_000 * 24 / 4 + 16_000 * 1.1  # steps of a quarter of a second, and the last note rings
    assert np.abs(samples).max() > 3000


def test_an_improvisation_is_seen_beside_the_song(kuznechik, tune, small, tmp_path):
    run = tmp_path / "run"
    options = ("--listener", "theory", "--mode-bit", "--set", "evolve.generations=2", "--set", "improvise.starts=2")
    assert kuznechik("evolve", tune, *small, *options, "--tensorboard", "--out", run).status == 0
    events = read(run / "tensorboard")
    assert set(events.Tags()["images"]) == {"champion/roll", "improvisation/roll"}
    assert "term_motif" in events.Tags()["scalars"]


def test_a_learned_run_writes_the_same_way(kuznechik, tune, tmp_path):
    pytest.importorskip("torch", reason="learns by deep Q-learning: pip install 'kuznechik[torch]'")
    settings = (
        "network.hidden=8",
        "dqn.batch_size=8",
        "dqn.learning_starts=20",
        "dqn.evaluate_every=40",
        "dqn.steps=120",
    )
    options = [part for setting in settings for part in ("--set", setting)]
    run = tmp_path / "run"
    assert kuznechik("dqn", tune, "--memory", 4, "--prompt", 4, *options, "--tensorboard", "--out", run).status == 0
    events, table = read(run / "tensorboard"), RunFolder(run).read_table("metrics.csv")
    assert [(each.step, each.value) for each in events.Scalars("right_teacher_forced")] == [
        *zip(table["step"].astype(int), table["right_teacher_forced"], strict=True)
    ]
    assert (events.Tags()["images"], events.Tags()["audio"]) == (["champion/roll"], ["champion/sound"])


def test_the_result_is_the_same_without(kuznechik, tune, small, tmp_path):
    for name, options in (("with", ["--tensorboard"]), ("without", [])):
        call = ("evolve", tune, *small, "--set", "evolve.generations=5", *options, "--out", tmp_path / name)
        assert kuznechik(*call).status == 0
    for name in ("best/genome.json", "best/roll.npy", "species.csv"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    assert not (tmp_path / "without" / "tensorboard").exists()


def test_a_missing_package_is_told_in_one_line(kuznechik, tune, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    called = kuznechik("evolve", tune, "--tensorboard", "--out", tmp_path / "run")
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert "--tensorboard needs the package tensorboard, which is not installed: pip install" in called.err
    assert not (tmp_path / "run").exists()


def test_of_a_long_melody_the_beginning_is_written(tmp_path):
    roll = np.zeros((MOST_STEPS * 2, KEYS), dtype=bool)
    roll[::8, 3] = True
    writer = EventWriter(tmp_path)
    writer.melody(7, "champion", roll, Song("long", roll), prompt=8)
    writer.figures(7, {"known": 0.5, "unknown": None})
    writer.close()
    events = read(tmp_path)
    assert events.Tags()["scalars"] == ["known"]
    sound = events.Audio("champion/sound")[0]
    assert (sound.step, sound.length_frames) == (7, MOST_STEPS * 4_000 + 17_600)
