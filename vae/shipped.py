"""Finding a model by its properties among those that come with the project, in vae/models, or by its path."""

from importlib.resources import files
from pathlib import Path

import torch

from vae.checkpoint import load_model
from vae.config import ModelError
from vae.dataset import dataset_name
from vae.model import MusicVAE


def models_folder() -> Path:
    """Return the folder of the models that come with the project."""
    return Path(str(files("vae"))) / "models"


def find_model(
    bars: int | None,
    form: str | None = None,
    transposed: bool | None = None,
    path: str | Path | None = None,
    device: str | torch.device = "cpu",
) -> tuple[MusicVAE, dict]:
    """Return a model and its JSON, from a path (for the folder of a run, its best model) or from the project.

    Args:
        bars: length of its melodies in bars; None for any, which requires a path.
        form: representation; None for any, or for piano rolls without a path.
        transposed: True for melodies in C major or A minor, the default without a path; None for either.
        path: a file or the folder of a run; None for a model of the project.
        device: device for the parameters.

    Raises:
        ModelError: there is no such model, or it has another length or representation.
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
    config = model.config
    if (bars or config.bars, form or config.representation) != (config.bars, config.representation):
        wanted = f"{bars or config.bars} bars as {form or config.representation}"
        raise ModelError(f"{path}: is of {config.bars} bars as {config.representation}, not of {wanted}")
    return model, about
