"""The files of a training run: the best and the last model, metrics.csv, and resume.safetensors to go on from."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from songs.files import check_file, write_atomically
from songs.validate import validate_like
from vae.checkpoint import METRICS, check_about, save_model, shapes
from vae.config import ModelConfig, TrainingError, TrainingOptions
from vae.training import Trainer

MOST_BESIDE = 2**26
"""Bytes of a state beside the parameters, the best ones, and two moments of the optimiser's."""


class TrainingRun:
    """A trainer and the folder it writes to."""

    def __init__(self, trainer: Trainer, folder: Path, about: dict | None = None):
        self.trainer, self.folder, self.about = trainer, folder, about or {}
        self.rows: list[dict[str, Any]] = []

    def run(
        self,
        report: Callable[[Trainer, dict | None], None] = lambda trainer, row: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> str:
        """Train to the end, and write the files after every validation; return why it ended.

        Args:
            report: called after every step; with a row after a validation.
            interrupted: asked after every step; if true, the run is saved and left.
        """
        trainer = self.trainer
        stopped = trainer.finished
        while not stopped:
            try:
                row = trainer.step()
            except TrainingError as error:
                raise TrainingError(f"{self.folder}: {error}") from None
            stop = trainer.agree(float(interrupted())) > 0
            stopped = trainer.finished or ("interrupted" if stop else "")
            if row:
                self.rows.append(row)
            if (row or stopped) and trainer.rank == 0:
                self.save(stopped)
            report(trainer, row)
        return stopped

    def save(self, stopped: str) -> None:
        """Write the models, the metrics, and the state to resume from."""
        trainer, rows = self.trainer, self.rows
        about = {**self.about, "training": trainer.options.to_dict()}
        last = {"steps": trainer.steps, "validation": rows[-1] if rows else None}
        save_model(self.folder / "last.safetensors", trainer.model, about | last)
        if trainer.best is not None and trainer.best_row is not None:
            best = {"steps": trainer.best_row["step"], "validation": trainer.best_row}
            save_model(self.folder / "best.safetensors", trainer.best, about | best)
        if rows:
            lines = [rows[0], *(["" if value is None else value for value in row.values()] for row in rows)]
            text = "".join(",".join(map(str, line)) + "\n" for line in lines)
            write_atomically(self.folder / "metrics.csv", text)
        arrays, data = trainer.state()
        data = {
            "model": trainer.model.config.to_dict(),
            "training": trainer.options.to_dict(),
            "about": self.about,
            "progress": {**data, "rows": rows, "stopped": stopped},
        }
        write_atomically(self.folder / "resume.safetensors", save(arrays, {"run": json.dumps(data)}))

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Go back to what `read_run` returned; raises TrainingError."""
        try:
            self.trainer.restore(arrays, data)
        except ValueError as error:
            raise TrainingError(f"{self.folder / 'resume.safetensors'}: is damaged: {error}") from None
        self.rows = data["rows"]


def read_run(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the plain data of a run to resume.

    Raises:
        TrainingError: there is none, or it is damaged.
    """
    path = folder / "resume.safetensors"
    try:
        check_file(path)
        with safe_open(path, framework="numpy") as file:
            data = json.loads((file.metadata() or {})["run"])
            _check(data, path.stat().st_size)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dictionary
    except FileNotFoundError:
        raise TrainingError(f"{folder}: no run to resume: resume.safetensors is missing") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        offer = f"a new run can begin with the last model: --initialize {folder / 'last.safetensors'}"
        raise TrainingError(f"{path}: is damaged: {error}; {offer}") from None
    return arrays, data


def _check(data: Any, size: int) -> None:
    """Raise ValueError if the plain data of a run is none, or goes with no file of so many bytes."""
    validate_like({"model": {}, "training": {}, "progress": {"rows": [METRICS], "stopped": ""}, "about": {}}, data)
    config = ModelConfig.from_dict(data["model"])
    TrainingOptions.from_dict(data["training"])
    check_about(data["about"])
    parameters = sum(shape.numel() for shape in shapes(config).values())
    if size > 4 * 5 * parameters + MOST_BESIDE:
        raise ValueError(f"it has {size // 2**20} MiB, more than a model of {parameters} parameters needs")
