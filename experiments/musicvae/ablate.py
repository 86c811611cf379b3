"""`kuznechik vae ablate`: piano roll or MIDI-like, one key or all keys, with the same budget and several seeds.

    OUT/ablation.json   a row a run: form, keys, seed, figures on the test split, the curve of validation
    OUT/ablation.png    accuracy over CPU time, and the figures of the test side by side

Conventions: what is compared is the free-running accuracy of the sounding pitch, which both forms have.
"""

import argparse
import dataclasses
import json
from pathlib import Path

import numpy as np
import torch

from experiments.musicvae.train import device
from experiments.run_folder import RunFolder
from songs.files import write_atomically
from vae.config import preset
from vae.dataset import dataset_name, read_split
from vae.evaluation import evaluate
from vae.model import make_model
from vae.schedule import TrainingOptions
from vae.training import Trainer, set_up_processor

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
    set_up_processor()
    where = device(options)
    kinds = [(form, transposed) for transposed in (True, False) for form in FORMS]
    splits = {  # all are read first: a data set that is missing should not be found after an hour
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
    draw(rows, folder / "ablation.png")
    print(f"Written: {folder}/ablation.json, ablation.png")
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
    ended = Trainer(model, training, train, validation, folder / f"{name}-{seed}").run()
    return {
        "name": name,
        "form": form,
        "transposed": transposed,
        "seed": seed,
        "steps": ended.step,
        "training": dataclasses.asdict(training),
        "curve": [[row["seconds"], row["free_running"]] for row in ended.rows],
        "test": evaluate(model, splits["test"]),
    }


def draw(rows: list[dict], path: Path) -> None:
    """Draw the curves of validation, and the mean figures of the test with every seed as a dot."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    curves, bars = figure.subplots(1, 2)
    names = list(dict.fromkeys(row["name"] for row in rows))
    for number, name in enumerate(names):
        runs = [row for row in rows if row["name"] == name]
        look = {"color": COLOURS[runs[0]["form"]], "alpha": 1.0 if runs[0]["transposed"] else 0.5}
        label = f"{runs[0]['form']}, {'one key' if runs[0]['transposed'] else 'all keys'}"
        for run in runs:
            seconds, shares = np.array(run["curve"]).T
            curves.plot(seconds, shares, label=label if run is runs[0] else None, **look)
        for place, (key, _) in enumerate(FIGURES):
            values = [run["test"][key] for run in runs]
            x = place + (number - (len(names) - 1) / 2) * 0.2
            bars.bar(x, np.mean(values), width=0.18, **look)
            bars.plot([x] * len(values), values, ".", color="black", markersize=4)
    curves.set(xlabel="CPU seconds", ylabel="free-running accuracy, validation", ylim=(0, 1))
    curves.legend(frameon=False)
    bars.set(ylabel="test", ylim=(0, 1))
    bars.set_xticks(range(len(FIGURES)), labels=[title for _, title in FIGURES])
    figure.savefig(path, dpi=120)
