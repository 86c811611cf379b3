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
    bars: int | None,
    form: str | None = None,
    transposed: bool | None = None,
    path: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> tuple[MusicVAE, dict]:
    """Return a model and its JSON: that of a path (a run folder means its best model), or a shipped one.

    Args:
        bars: length of its melodies; None for any, which needs a path.
        form: representation; None for any, of the shipped ones piano rolls.
        transposed: in C major or A minor; None for either, of the shipped ones those.
        path: None for a shipped model.
        device: where its parameters go.

    Raises:
        ModelError: there is none, or it is of other bars or another representation.
    """
    if path is None:
        if bars is None:
            raise ModelError("say how many bars: 2, 4, 8 or 16")
        name = dataset_name(bars, form or "pianoroll", transposed is None or transposed)
        path = models_folder() / f"{name}.safetensors"
        if not path.is_file():
            there = ", ".join(sorted(each.stem for each in models_folder().glob("*.safetensors"))) or "none"
            raise ModelError(
                f"no model {path.stem} comes with the project; there are: {there}. Leave out -p, -t and --onsets for "
                "these, or train one and name it with --model"
            )
    path = Path(path)
    if path.is_dir():
        path = path / "best" / "model.safetensors"
    model, about = load_model(path, device)
    own = model.config
    if (bars or own.bars, form or own.representation) != (own.bars, own.representation):
        asked = f"{bars or own.bars} bars as {form or own.representation}"
        raise ModelError(f"{path}: is of {own.bars} bars as {own.representation}, not of {asked}")
    return model, about
