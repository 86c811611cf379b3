"""`kuznechik vae ablate`: piano roll or MIDI-like, one key or all keys, with the same budget and several seeds.

    OUT/ablation.json   a row a run: form, keys, seed, figures on the test split, the curve of validation
    OUT/ablation.md     a row a kind: mean of its seeds, lowest and highest
    OUT/ablation.png    accuracy over time, and the figures of the test side by side

Conventions: what is compared is the free-running accuracy of the sounding pitch, which both forms have. Onsets are
judged by the true ones; a roll, which cannot show repeated notes, misses those whatever it has learned.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from experiments.musicvae.train import device
from experiments.runs.folder import RunFolder
from songs.files import write_atomically
from vae.checkpoint import save_model
from vae.config import TrainingOptions, preset
from vae.dataset import dataset_name, read_split
from vae.evaluation import evaluate
from vae.model import make_model
from vae.training import Trainer

FORMS = ("pianoroll", "midilike")
COLOURS = {"pianoroll": "#2c6e8f", "midilike": "#b5532a"}
FIGURES = (
    ("free_running", "free running"),
    ("free_running_at_changes", "at changes"),
    ("free_running_onset_f1", "onset F1"),
    ("free_running_onset_pitch_f1", "onset + pitch F1"),
)


def ablate(options: argparse.Namespace) -> int:
    """Train all combinations and write the table and the figure."""
    where = device(options)
    kinds = [(form, transposed) for transposed in (True, False) for form in FORMS]
    splits = {  # all are read first: a missing data set should be reported before an hour of training
        kind: {
            name: read_split(options.data / dataset_name(options.bars, *kind), name)
            for name in ("train", "validation", "test")
        }
        for kind in kinds
    }
    folder = (
        RunFolder.create(options.out).path if options.out else RunFolder.create_numbered("runs", "vae-ablation").path
    )
    rows = []
    for seed in range(options.seeds):
        for kind in kinds:
            rows.append(run_one(kind, splits[kind], options, seed, folder, where))
            write_atomically(folder / "ablation.json", json.dumps(rows, indent=1) + "\n")
            figures = rows[-1]["test"]
            print(
                f"{rows[-1]['name']} seed {seed}: " + ", ".join(f"{title} {figures[key]:.4f}" for key, title in FIGURES)
            )
    table = render(rows)
    write_atomically(folder / "ablation.md", table)
    draw(rows, folder / "ablation.png")
    print(f"\n{table}\nWritten: {folder}/ablation.json, ablation.md, ablation.png")
    return 0


def run_one(kind, splits, options: argparse.Namespace, seed: int, folder: Path, where: torch.device) -> dict:
    """Train one model and return its row."""
    form, transposed = kind
    name = dataset_name(options.bars, form, transposed)
    training = TrainingOptions(
        epochs=10**6,
        batch=options.batch,
        minutes=options.minutes,
        seed=seed,
        augment=0.0 if transposed else 0.5,
        evaluations=10,
        beta_warmup_steps=options.beta_warmup_steps,
    )
    model = make_model(preset(options.architecture, options.bars, form), seed).to(where)
    train = torch.from_numpy(splits["train"].unique_tokens())
    validation = torch.from_numpy(splits["validation"].tokens())
    trainer, rows = Trainer(model, training, train, validation), []
    while not trainer.finished:
        row = trainer.step()
        rows += [row] if row else []
    save_model(folder / f"{name}-{seed}.safetensors", model, {"name": name})
    return {
        "name": name,
        "form": form,
        "transposed": transposed,
        "seed": seed,
        "steps": trainer.steps,
        "training": dataclasses.asdict(training),
        "curve": [[row["seconds"], row["free_running"]] for row in rows],
        "test": evaluate(model, splits["test"]),
    }


def kinds_of(rows: list[dict]) -> dict[str, list[dict]]:
    """Return the runs of each kind, by what it is called."""
    kinds: dict[str, list[dict]] = {}
    for row in rows:
        kinds.setdefault(f"{row['form']}, {'one key' if row['transposed'] else 'all keys'}", []).append(row)
    return kinds


def render(rows: list[dict]) -> str:
    """Return the table: for each kind the mean of the test's figures over the seeds, lowest and highest in brackets."""
    lines = [
        "| | " + " | ".join(title for _, title in FIGURES) + " | steps |",
        "|---|" + "---|" * (len(FIGURES) + 1),
    ]
    for label, runs in kinds_of(rows).items():
        cells = []
        for key, _ in FIGURES:
            values = [run["test"][key] for run in runs]
            cells.append(f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})")
        steps = round(float(np.mean([run["steps"] for run in runs])))
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {steps} |")
    return "\n".join(lines) + "\n"


def draw(rows: list[dict], path: Path) -> None:
    """Draw the curves of validation, and the figures of the test: a dot a seed, a line their mean."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from experiments.figures import write_figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    curves, test = figure.subplots(1, 2)
    kinds = kinds_of(rows)
    for number, (label, runs) in enumerate(kinds.items()):
        colour, one_key = COLOURS[runs[0]["form"]], runs[0]["transposed"]
        for run in runs:
            seconds, shares = np.array(run["curve"]).T
            curves.plot(
                seconds,
                shares,
                color=colour,
                linestyle="-" if one_key else "--",
                label=label if run is runs[0] else None,
            )
        for index, (key, _) in enumerate(FIGURES):
            values = [run["test"][key] for run in runs]
            x = index + (number - (len(kinds) - 1) / 2) * 0.18
            test.plot([x] * len(values), values, "o", color=colour, fillstyle="full" if one_key else "none")
            test.hlines(np.mean(values), x - 0.07, x + 0.07, color=colour)
    curves.set(xlabel="seconds of training", ylabel="free-running accuracy, validation")
    curves.legend(frameon=False)
    test.set(ylabel="test")
    test.set_xticks(range(len(FIGURES)), labels=[title for _, title in FIGURES])
    for axes in (curves, test):
        axes.grid(axis="y", alpha=0.3)
    write_figure(figure, path, 110)
