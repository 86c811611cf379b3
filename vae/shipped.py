"""Finding a model by what it is asked for: the ones that come with the project, in vae/models."""

from importlib.resources import files
from pathlib import Path

import torch

from vae.checkpoint import load_model
from vae.config import ModelError
from vae.dataset import dataset_name
from vae.model import MusicVAE


def models_folder() -> Path:
    """Return where the models of the project are."""
    return Path(str(files("vae"))) / "models"


def find_model(
    bars: int, form: str, transposed: bool, path: str | Path | None = None, device: str | torch.device = "cpu"
) -> tuple[MusicVAE, dict]:
    """Return a model and its JSON: that of a path (a run folder means its best model), or a shipped one.

    Raises:
        ModelError: there is none, or it is of other bars or another representation.
    """
    if path is None:
        path = models_folder() / f"{dataset_name(bars, form, transposed)}.safetensors"
        if not path.is_file():
            there = ", ".join(sorted(each.stem for each in models_folder().glob("*.safetensors"))) or "none"
            raise ModelError(
                f"no model {path.stem} comes with the project; there are: {there}. Choose its bars, -p and -t, or "
                "train one and name it with --model"
            )
    path = Path(path)
    if path.is_dir():
        path = path / "best" / "model.safetensors"
    model, about = load_model(path, device)
    if (model.config.bars, model.config.representation) != (bars, form):
        raise ModelError(
            f"{path}: is of {model.config.bars} bars as {model.config.representation}, not of {bars} bars as {form}"
        )
    return model, about
