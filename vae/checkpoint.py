"""Model files: NAME.safetensors with the parameters, and NAME.json next to it with their description.

Conventions:
    The JSON has `format`, `version`, `model` (the options of `vae.config.ModelConfig`), `dtype` and any added data:
    training options, data set, figures. Nothing in either file is ever executed.
    Parameters may be stored in half precision (bfloat16 or float16) and are converted to float32 when read.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from songs.files import read_text, read_whole, write_atomically
from songs.validate import ByAnyName, OrNone, validate_like
from vae.config import ModelConfig, ModelError, TrainingOptions
from vae.dataset import check_meta
from vae.model import MusicVAE

FORMAT = "kuznechik vae"
VERSION = 1
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
METRICS = ByAnyName(OrNone(0.0))
"""An example of the metrics of a validation; None if a metric was not computed."""
ABOUT = {
    "name": "",
    "commands": [[""]],
    "steps": 0,
    "provenance": {"versions": {}},
    "data": {},
    "training": {},
    "validation": METRICS,
}
"""An example of the JSON of a model; any part may be missing."""


def save_model(path: Path, model: MusicVAE, about: dict[str, Any], dtype: str = "float32") -> None:
    """Write a model.

    Args:
        path: the .safetensors file; the JSON is written next to it.
        model: the model to write.
        about: plain data for the JSON.
        dtype: float32, bfloat16 or float16.
    """
    arrays = {name: value.detach().cpu().to(DTYPES[dtype]).contiguous() for name, value in model.state_dict().items()}
    head = {**about, "format": FORMAT, "version": VERSION, "model": model.config.to_dict(), "dtype": dtype}
    write_atomically(path, save(arrays))
    write_atomically(path.with_suffix(".json"), json.dumps(head, indent=1, allow_nan=False) + "\n")


def read_about(path: Path) -> dict[str, Any]:
    """Return the JSON of a model.

    Raises:
        ModelError: it is missing, damaged, or of another kind.
    """
    file = path.with_suffix(".json")
    try:
        about = json.loads(read_text(file))
    except FileNotFoundError:
        raise ModelError(f"{file}: is missing; it describes the model {path.name}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{file}: is broken: {error}") from None
    if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (FORMAT, VERSION):
        raise ModelError(f"{file}: does not describe a {FORMAT!r} model of version {VERSION}")
    try:
        check_about(about)
    except ValueError as error:
        raise ModelError(f"{file}: is broken: {error}") from None
    return about


def check_about(about: dict[str, Any]) -> None:
    """Raise ValueError if a part of the JSON of a model is not valid."""
    json.dumps(about, allow_nan=False)
    validate_like({name: OrNone(kind) for name, kind in ABOUT.items()}, {name: about.get(name) for name in ABOUT})
    if about.get("data"):
        check_meta(about["data"])
    if about.get("training"):
        TrainingOptions.from_dict(about["training"])


def load_model(path: str | Path, device: str | torch.device = "cpu") -> tuple[MusicVAE, dict[str, Any]]:
    """Read a model, ready for evaluation, and its JSON.

    Raises:
        ModelError: a file is missing or damaged, or the parameters are not those of the model it describes.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(
            f"{path}: not a .safetensors file; convert a checkpoint of the MusicVAE thesis project with kuznechik vae "
            "import-checkpoint"
        )
    try:
        arrays = load(read_whole(path))
    except FileNotFoundError:
        raise ModelError(f"{path}: no such model") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"{path}: is damaged or cut off: {error}") from None
    about = read_about(path)
    try:
        config = ModelConfig.from_dict(about.get("model"))
    except ValueError as error:
        raise ModelError(f"{path.with_suffix('.json')}: is broken: {error}") from None
    check_parameters(shapes(config), arrays, str(path))
    model = MusicVAE(config)
    fill(model, arrays, str(path))
    return model.to(device).eval(), about


def shapes(config: ModelConfig) -> dict[str, torch.Size]:
    """Return the shapes of all parameters without allocating the model, since its options may ask for any size."""
    with torch.device("meta"):
        return {name: value.shape for name, value in MusicVAE(config).state_dict().items()}


def fill(model: MusicVAE, arrays: dict[str, torch.Tensor], origin: str) -> None:
    """Load parameters into a model.

    Raises:
        ModelError: parameters are missing, unknown, of the wrong shape, or not finite.
    """
    check_parameters({name: value.shape for name, value in model.state_dict().items()}, arrays, origin)
    model.load_state_dict({name: value.float() for name, value in arrays.items()})


def check_parameters(expected: dict[str, torch.Size], arrays: dict[str, torch.Tensor], origin: str) -> None:
    """Raise ModelError if arrays do not match the expected parameters, or are not finite."""
    for name in sorted(expected.keys() | arrays.keys()):
        if name not in arrays:
            raise ModelError(f"{origin}: has no parameter {name}: it is another kind of model")
        if name not in expected:
            raise ModelError(f"{origin}: has a parameter {name:.100} that this kind of model does not have")
        if arrays[name].shape != expected[name]:
            shapes = f"{tuple(arrays[name].shape)}, not {tuple(expected[name])}"
            raise ModelError(f"{origin}: {name} has the shape {shapes}: it is a model of another size")
        if arrays[name].dtype not in (*DTYPES.values(), torch.float64):
            raise ModelError(f"{origin}: {name} is {arrays[name].dtype}, not one of {', '.join(DTYPES)}")
        if not torch.isfinite(arrays[name]).all():
            raise ModelError(f"{origin}: is damaged: {name} holds values that are not finite")
