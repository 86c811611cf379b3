"""Training learns, resumes bit for bit, and stops when it should."""

import dataclasses
import json
import math
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from songs.options import OptionError
from tests.vae.melodies import tiny, write_tunes
from vae.checkpoint import load_model
from vae.config import TrainingError, TrainingOptions
from vae.dataset import DatasetOptions, read_split
from vae.dataset_making import generate
from vae.evaluation import evaluate, validate
from vae.model import make_model
from vae.schedule import beta_at, learning_rate_at
from vae.tokens import MIDI_LIKE, PIANO_ROLL
from vae.training import Trainer, transpose_some

ROOT = Path(__file__).parents[2]
OPTIONS = TrainingOptions(
    epochs=6, batch=8, evaluations=3, precision="float32", word_dropout=0.2, beta_warmup_steps=5, augment=0.5
)

IMPATIENT = dataclasses.replace(OPTIONS, epochs=400, evaluations=100, patience=2, learning_rate=1.0, clip=1e6)
"""A learning rate so large that training does not improve."""


def scales(count: int, seed: int = 0) -> torch.Tensor:
    """Melodies of two bars that go up or down by steps of one or two."""
    random = np.random.default_rng(seed)
    start, step = random.integers(30, 50, (count, 1)), random.choice([-2, -1, 1, 2], (count, 1))
    return torch.from_numpy(start + step * (np.arange(32) // 4))


def trainer(options=OPTIONS, config=None, **more) -> Trainer:
    torch.set_num_threads(1)
    config = config or tiny()
    return Trainer(make_model(config, options.seed), options, scales(40), scales(20, 1), **more)


def train(run: Trainer, steps: int = 10**6) -> list[dict]:
    """Train for some steps, or to the end; return the rows of metrics."""
    rows = []
    while not run.finished and steps:
        rows.append(run.step())
        steps -= 1
    return [row for row in rows if row]


def parameters(model) -> list:
    return [value.tolist() for value in model.state_dict().values()]


def test_a_small_model_learns_scales():
    options = dataclasses.replace(OPTIONS, epochs=60, learning_rate=0.02, warmup_steps=10, beta=0.01, augment=0.0)
    config = tiny(encoder="bars", conductor="slots", latent=16, encoder_width=32, conductor_width=32, decoder_width=32)
    rows = train(Trainer(make_model(config), options, scales(20), scales(20)))
    assert rows[-1]["free_running"] > 0.9
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    assert [round(row["epoch"]) for row in rows] == [20, 40, 60]


@pytest.mark.parametrize("steps", [0, 13])
def test_a_restored_run_resumes_bit_for_bit(steps):
    whole = trainer()
    rows = train(whole)
    first = trainer()
    before = train(first, steps)
    assert first.steps == steps
    arrays, data = first.state()
    train(first)  # what the state holds does not change with the run
    second = trainer()
    second.restore(arrays, json.loads(json.dumps(data)))
    after = train(second)
    assert (second.finished, second.steps) == ("finished", 30)
    assert parameters(second.model) == parameters(whole.model)
    assert parameters(second.best) == parameters(whole.best)
    assert [{**row, "seconds": 0} for row in before + after] == [{**row, "seconds": 0} for row in rows]


@pytest.mark.parametrize(("options", "reason"), [(OPTIONS, "finished"), (IMPATIENT, "no longer better")])
def test_a_restored_run_knows_that_it_has_ended(options, reason):
    first = trainer(options)
    train(first)
    second = trainer(options)
    second.restore(*first.state())
    assert first.finished == second.finished == reason
    assert second.best_row == first.best_row


def change_of(name: str, value) -> Callable[[dict, dict], None]:
    return lambda arrays, data: data.update({name: value})


def array_of(name: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[dict, dict], None]:
    return lambda arrays, data: arrays.update({name: np.asarray(change(arrays[name]))})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_of("steps", -1), "steps is -1"),
        (change_of("seconds", "x"), "seconds is 'x'"),
        (change_of("best_loss", {}), "best_loss is {}"),
        (change_of("best_row", {"loss": "x"}), "best_row.loss is 'x'"),
        (array_of("exp_avg_sq.encoder.input.table.weight", lambda array: array * 0 - 1), "not from 0 to "),
        (
            array_of("exp_avg.encoder.input.table.weight", lambda array: array * np.nan),
            "values that are not finite",
        ),
        (array_of("exp_avg.encoder.input.table.weight", lambda array: array.astype(np.int8)), "is int8"),
        (array_of("exp_avg_sq.encoder.input.table.weight", lambda array: array[:-1]), "has the shape"),
        (
            array_of("network.decoder.output.bias", lambda array: array[:-1]),
            "network.decoder.output.bias has",
        ),
        (array_of("losses", lambda array: array[None]), "losses has the shape"),
        (lambda arrays, data: arrays.pop("best.decoder.output.bias"), "best.decoder.output.bias is missing"),
        (
            lambda arrays, data: arrays.pop("exp_avg_sq.decoder.output.bias"),
            "exp_avg_sq.decoder.output.bias is missing",
        ),
    ],
)
def test_a_state_of_another_kind_is_refused_and_changes_nothing(change, reason):
    first = trainer()
    train(first, 10)
    arrays, data = first.state()
    change(arrays, data)
    second = trainer()
    before = parameters(second.model)
    with pytest.raises(ValueError, match=reason):
        second.restore(arrays, data)
    assert (second.steps, parameters(second.model)) == (0, before)


def test_another_seed_gives_another_run():
    runs = [trainer(dataclasses.replace(OPTIONS, seed=seed, epochs=1)) for seed in (0, 0, 1)]
    for run in runs:
        train(run)
    assert parameters(runs[0].model) == parameters(runs[1].model)
    assert parameters(runs[0].model) != parameters(runs[2].model)


def test_the_best_and_the_last_model_are_kept_apart():
    options = dataclasses.replace(OPTIONS, epochs=20, evaluations=10, learning_rate=0.02, beta_warmup_steps=0)
    noise = torch.from_numpy(np.random.default_rng(0).integers(0, 88, (20, 32)))  # learning scales is no help
    run = Trainer(make_model(tiny()), options, scales(40), noise)
    losses = [row["loss"] for row in train(run)]
    assert run.best_row["loss"] == min(losses) < losses[-1]
    assert round(validate(run.best, run.validation, options.beta)["loss"], 5) == min(losses)
    assert parameters(run.best) != parameters(run.model)


def test_training_stops_when_it_no_longer_gets_better():
    run = trainer(IMPATIENT)
    train(run)
    assert (run.finished, run.stale) == ("no longer better", 2)


def test_a_limit_of_time_ends_the_run():
    run = trainer(dataclasses.replace(OPTIONS, epochs=10**6, minutes=0.01))
    rows = train(run)
    assert run.finished == "finished"
    assert 0.6 <= run.seconds < 5
    assert len(rows) == 3


def test_every_step_has_its_own_random_numbers():
    still = dataclasses.replace(OPTIONS, learning_rate=1e-8, beta=0.0, augment=0.0, word_dropout=0.0)
    run = Trainer(make_model(tiny()), still, scales(1), scales(1))
    first, again = run.update(), run.update()
    run.steps = 1
    assert abs(first - again) < 1e-4 < abs(run.update() - first)


def test_guesses_change_what_is_learned():
    runs = [trainer(), trainer(dataclasses.replace(OPTIONS, scheduled_sampling=0.5))]
    for run in runs:
        run.update()
    assert parameters(runs[0].model) != parameters(runs[1].model)


def test_an_epoch_shows_every_melody():
    run = trainer()
    seen = torch.cat([run.batch(step) for step in range(5, 10)])
    assert sorted(seen.tolist()) == sorted(run.train.tolist())
    assert run.batch(0).tolist() != run.batch(5).tolist()


def test_processes_share_an_epoch():
    runs = [trainer() for _ in range(2)]
    for rank, run in enumerate(runs):
        run.rank, run.processes, run.steps_per_epoch = rank, 2, 3
    seen = torch.cat([run.batch(step) for step in range(3) for run in runs])[:40]
    assert sorted(seen.tolist()) == sorted(runs[0].train.tolist())


def test_the_rate_rises_holds_and_falls():
    options = TrainingOptions(learning_rate=1.0, warmup_steps=10, hold=0.5, final_rate=0.1)
    rates = [learning_rate_at(options, step, progress) for step, progress in ((0, 0.0), (9, 0.01), (99, 0.5))]
    assert rates == [0.1, 1.0, 1.0]
    assert learning_rate_at(options, 99, 0.75) == pytest.approx(0.55)
    assert learning_rate_at(options, 99, 1.0) == pytest.approx(0.1)
    assert [beta_at(options, step) for step in (0, 1000, 9999)] == [0.0, 0.025, 0.05]


def test_transposition_moves_notes_alone_and_keeps_melodies_whole():
    melody = torch.tensor([[10, 88, 12, 14] * 8] * 200)
    moved = transpose_some(melody, PIANO_ROLL, 1.0, torch.Generator().manual_seed(0))
    shifts = (moved - melody)[:, 0]
    assert set(shifts.tolist()) == set(range(-6, 7))
    assert (moved[:, 1::4] == 88).all()
    assert torch.equal(moved[:, ::4] + 2, moved[:, 2::4])
    edge = torch.tensor([[2, 0, 89, 1]] * 50)
    assert torch.equal(transpose_some(edge, MIDI_LIKE, 1.0, torch.Generator().manual_seed(0)), edge)
    assert torch.equal(transpose_some(melody, PIANO_ROLL, 0.0, torch.Generator()), melody)


def test_bfloat16_learns_too():
    run = trainer(dataclasses.replace(OPTIONS, precision="bfloat16"))
    first = run.update()
    for _ in range(20):
        run.steps += 1
        last = run.update()
    assert math.isfinite(last)
    assert last < first
    assert next(run.model.parameters()).dtype == torch.float32


def test_impossible_training_is_refused():
    with pytest.raises(OptionError, match="beta = -1.0: it must be 0 to 1000"):
        TrainingOptions(beta=-1)
    with pytest.raises(OptionError, match="minutes = -1"):
        TrainingOptions(minutes=-1.0)
    with pytest.raises(TrainingError, match=r"training melodies have the shape \(0, 32\)"):
        Trainer(make_model(tiny()), OPTIONS, scales(40)[:0], scales(5))
    with pytest.raises(TrainingError, match="the model needs one or more of 64 steps"):
        Trainer(make_model(tiny(bars=4)), OPTIONS, scales(40), scales(5))


def test_options_that_are_not_known_are_refused():
    with pytest.raises(OptionError, match="unknown training options: speed; known are epochs, batch"):
        TrainingOptions.from_dict({"speed": 3})


def test_figures_of_a_model_that_repeats_the_melody(tmp_path):
    """A decoder that copies: the figures must be perfect, and the baseline what copying the last step gives."""
    write_tunes(tmp_path / "midi", 12)
    generate([tmp_path / "midi"], DatasetOptions(transposed=True), tmp_path)
    split = read_split(tmp_path / "2bars-pianoroll-transposed", "test")
    model = make_model(tiny())
    truth = torch.from_numpy(split.tokens())
    model.decoder.free_running = lambda z, *more: truth[: len(z)]
    model.decoder.teacher_forced = lambda z, previous: torch.nn.functional.one_hot(truth[: len(z)], 89) * 100.0
    figures = evaluate(model, split)
    assert figures["free_running"] == figures["free_running_at_changes"] == figures["sampled_whole"] == 1
    assert figures["teacher_forced_at_changes"] == 1
    assert figures["cross_entropy"] == pytest.approx(0, abs=1e-3)
    assert figures["elbo"] == pytest.approx(-figures["kl"], abs=1e-3)
    roll = split.windows.roll
    assert figures["copy_previous"] == pytest.approx((roll[:, 1:] == roll[:, :-1]).mean(), abs=1e-4)
    assert figures["free_running_onset_f1"] < 1  # a roll cannot show the repeated notes
    late = torch.cat((truth[:, :1], truth[:, :-1]), dim=1)
    model.decoder.free_running = lambda z, *more: late[: len(z)]
    figures = evaluate(model, split)
    assert figures["free_running_at_changes"] == 0
    assert figures["free_running"] == pytest.approx(1 - (1 - figures["copy_previous"]) * 31 / 32, abs=1e-4)


TWO_PROCESSES = """
import os, sys
import torch._dynamo, experiments.musicvae.train  # once for both: it takes far longer than the training
from experiments.cli import main
rank = 0 if os.fork() else 1
os.environ["RANK"] = str(rank)
status = main(sys.argv[1:])
sys.exit(status or (os.wait()[1] if rank == 0 else 0))
"""


def test_two_processes_train_one_model(tmp_path):
    """As torchrun starts them, on gloo: an epoch takes half as many steps, and the parameters have moved."""
    write_tunes(tmp_path / "midi", 40)
    generate([tmp_path / "midi"], DatasetOptions(transposed=True), tmp_path / "data")
    sizes = ["model.latent=8", "model.encoder_width=16", "model.conductor_width=12", "model.decoder_width=10"]
    sizes += ["training.word_dropout=0", "training.beta=0"]
    common = [*(part for size in sizes for part in ("--set", size)), "--set", "training.precision=float32", "--json"]
    common += ["--set", "model.encoder_layers=1", "--data", str(tmp_path / "data"), "--device", "cpu"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    environment = {**os.environ, **meeting, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    arguments = ["vae", "train", "1", "4", "2", "-pt", *common, "--out", str(tmp_path / "two")]
    start = [sys.executable, "-c", TWO_PROCESSES, *arguments]
    ran = subprocess.run(start, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    two, about = load_model(tmp_path / "two" / "best" / "model.safetensors")
    train = torch.from_numpy(read_split(tmp_path / "data" / "2bars-pianoroll-transposed", "train").unique_tokens())
    assert about["steps"] == -(-len(train) // 8)
    assert all(torch.isfinite(value).all() for value in two.parameters())
    fresh = make_model(two.config)
    assert any(not torch.equal(a, b) for a, b in zip(two.parameters(), fresh.parameters(), strict=True))
