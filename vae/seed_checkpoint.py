"""Importing checkpoints of the MusicVAE thesis project.

The file is in torch's own format with `last_vae_state_dict` (or `best_vae_state_dict`) among other entries. It is read
with weights_only, which refuses anything that would run code. Its content takes no more memory than the file size.

Conventions: in `NAMES`, the names on the left are those of the thesis project, on the right ours. Its decoder consists
of LSTM cells, ours is one LSTM with layers; gates are in the same order. Its fc_2 and fc_3 return h1, h2, c1, c2, like
ours. It feeds its raw logits back to itself, and so does the imported model.
"""

import pickle
import re
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from songs.files import check_file, unpacked_bytes
from vae.checkpoint import DTYPES, check_parameters, fill, shapes
from vae.config import FAITHFUL, ModelConfig, ModelError
from vae.model import MusicVAE
from vae.tokens import REPRESENTATIONS

STATE_KEYS = ("last_vae_state_dict", "best_vae_state_dict")
NAMES = (
    (r"lstm_1\.(.+)", r"encoder.lstm.\1"),
    (r"fc_mean\.(.+)", r"encoder.posterior.mean.\1"),
    (r"fc_std_deviation\.(.+)", r"encoder.posterior.deviation.\1"),
    (r"fc_2\.(.+)", r"decoder.conductor.first_states.\1"),
    (r"lstm_conductor\.(.+)", r"decoder.conductor.lstm.\1"),
    (r"fc_3\.(.+)", r"decoder.first_states.\1"),
    (r"lstm_l2_decoder_cell_1\.(weight|bias)_(ih|hh)", r"decoder.lstm.\1_\2_l0"),
    (r"lstm_l2_decoder_cell_2\.(weight|bias)_(ih|hh)", r"decoder.lstm.\1_\2_l1"),
    (r"fc_4\.(.+)", r"decoder.output.\1"),
)


def import_checkpoint(path: str | Path, bars: int, which: str = STATE_KEYS[0]) -> MusicVAE:
    """Read a checkpoint of the thesis project; sizes are inferred from its arrays.

    Args:
        path: the .tar file.
        bars: length of its melodies, which cannot be inferred from the parameters.
        which: key of the state in the file.

    Raises:
        ModelError: the file is not such a checkpoint, is damaged, holds more than arrays, or has other shapes.
    """
    path = Path(path)
    state = _read_state(path, which)
    arrays: dict[str, Tensor] = {}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or not _is_dense(value):
            raise ModelError(f"{path}: {name!r:.100} is no array of floats that is stored as a whole")
        arrays[our_name(name, path)] = value
    if sum(value.nbytes for value in arrays.values()) > path.stat().st_size:
        raise ModelError(f"{path}: is shorter than the arrays that it announces")
    config = _config(arrays, bars, path)
    check_parameters(shapes(config), arrays, str(path))
    model = MusicVAE(config)
    fill(model, arrays, str(path))
    return model.eval()


def _is_dense(value: Tensor) -> bool:
    """Return True for a dense array of floats in CPU memory whose numbers are all stored."""
    kinds = value.layout == torch.strided, value.device.type == "cpu", value.dtype in (*DTYPES.values(), torch.float64)
    return all(kinds) and not value.is_nested and value.untyped_storage().nbytes() >= value.nbytes


def our_name(name: str, origin: Path | str = "") -> str:
    """Return our name of a parameter of the thesis project; raises ModelError for other names."""
    for pattern, ours in NAMES:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, ours, name)
    raise ModelError(f"{origin}: has a parameter {name!r}, which the thesis project's model does not have")


def _read_state(path: Path, which: str) -> dict:
    try:
        check_file(path)
        if zipfile.is_zipfile(path) and unpacked_bytes(path) > path.stat().st_size:
            raise ValueError("it would unpack to more than it is long")
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such checkpoint") from None
    except pickle.UnpicklingError:
        raise ModelError(f"{path}: holds more than arrays, or is damaged; nothing of it was executed") from None
    except Exception as error:  # torch raises errors of many kinds for files that are not its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: is no checkpoint of torch, or is cut off: {reason}") from None
    if not isinstance(content, dict) or not isinstance(content.get(which), dict) or not content[which]:
        keys = ", ".join(sorted(map(str, content))) if isinstance(content, dict) else type(content).__name__
        raise ModelError(f"{path}: holds no {which!r}; it has: {keys[:200]}")
    return content[which]


def _config(arrays: dict[str, Tensor], bars: int, path: Path) -> ModelConfig:
    """Infer the configuration from the shapes of the arrays."""
    try:
        latent, double = arrays["encoder.posterior.mean.weight"].shape
        classes, decoder = arrays["decoder.output.weight"].shape
        conductor = arrays["decoder.conductor.lstm.weight_hh_l0"].shape[1]
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path}: is of another shape than the thesis project's model: {error}") from None
    names = [form.name for form in REPRESENTATIONS.values() if form.classes == classes]
    if not names:
        raise ModelError(f"{path}: has {classes} classes; 89 is a piano roll, 90 MIDI-like, 14 onsets")
    layers = sum(bool(re.fullmatch(r"encoder\.lstm\.weight_hh_l\d+", name)) for name in arrays)
    return ModelConfig(
        bars=bars,
        representation=names[0],
        latent=latent,
        encoder_width=double // 2,
        encoder_layers=layers,
        conductor_width=conductor,
        decoder_width=decoder,
        feedback="logits",
        **FAITHFUL,
    )
