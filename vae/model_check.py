"""What the JSON of a model, and the state of a run, say of themselves: they can come from anywhere.

Conventions: whatever is wrong is a ValueError that says what.
"""

import json
from typing import Any

import torch

from songs.validate import validate_like
from vae.config import ModelConfig
from vae.dataset_check import check_meta
from vae.model import MusicVAE
from vae.schedule import TrainingOptions

ABOUT = {"name": "", "commands": [[""]], "steps": 0, "provenance": {"versions": {}}}
"""The kinds of what is read of a model's JSON, where it is there."""
PROGRESS = {"step": 0, "seconds": 0.0, "stale": 0, "rows": [{}], "stopped": ""}


def check_about(about: Any) -> None:
    """Raise ValueError if what is told of a model is not of the kind that it should be."""
    validate_like({}, about, "")
    json.dumps(about, allow_nan=False)
    validate_like({name: kind for name, kind in ABOUT.items() if about.get(name) is not None}, about, "")
    if about.get("data"):
        check_meta(about["data"])
    if about.get("training"):
        validate_like({}, about["training"], "training")
        TrainingOptions.from_dict(about["training"])
    if about.get("validation"):
        validate_like({}, about["validation"], "validation")
        check_row(about["validation"], "validation")


def check_progress(progress: Any) -> None:
    """Raise ValueError if where a run stands is not to be understood."""
    validate_like(PROGRESS, progress, "progress")
    for number, row in enumerate(progress["rows"]):
        check_row(row, f"progress.rows[{number}]")
    if progress.get("best_loss") is not None:
        validate_like(0.0, progress["best_loss"], "progress.best_loss")


def check_row(row: dict, what: str) -> None:
    """Raise ValueError if a row of figures holds something else; a figure may be missing."""
    validate_like({name: 0.0 for name, value in row.items() if value is not None}, row, what)


def shapes(config: ModelConfig) -> dict[str, torch.Size]:
    """Return the shapes of all parameters of a model, which is not made: its options can ask for any size."""
    with torch.device("meta"):
        return {name: value.shape for name, value in MusicVAE(config).state_dict().items()}
