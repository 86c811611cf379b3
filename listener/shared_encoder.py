"""The encoder of the two-bar MusicVAE that comes with the project; listeners that use it do not store another copy.

Conventions: arrays are keyed by their names in the file of a listener; names of the encoder begin with `vae.encoder.`.
    If the file omits them, the JSON has `encoder`, the SHA-256 of the encoder that the listener was trained on.
"""

from hashlib import sha256

import numpy as np

MODEL = "2bars-pianoroll-transposed"
PREFIX = "vae."


def shipped_encoder() -> dict[str, np.ndarray]:
    """Return the arrays of the encoder in half precision, keyed by their names in the file of a listener."""
    from safetensors import safe_open

    from vae.shipped import models_folder

    with safe_open(models_folder() / f"{MODEL}.safetensors", "numpy") as model:
        names = sorted(name for name in model.keys() if name.startswith("encoder."))  # noqa: SIM118
        return {f"{PREFIX}{name}": model.get_tensor(name) for name in names}


def without_encoder(arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return arrays without the encoder, and its JSON field; unchanged and with no field if the encoder is another."""
    encoder = shipped_encoder()
    if any(name not in arrays or not np.array_equal(arrays[name], values) for name, values in encoder.items()):
        return arrays, {}
    return {name: values for name, values in arrays.items() if name not in encoder}, {"encoder": _digest(encoder)}


def with_encoder(arrays: dict[str, np.ndarray], digest: str) -> dict[str, np.ndarray]:
    """Return arrays together with those of the encoder; raises ValueError if its SHA-256 differs from `digest`."""
    encoder = shipped_encoder()
    if _digest(encoder) != digest:
        raise ValueError(f"was trained on another version of the model {MODEL}: train it again")
    return {**arrays, **encoder}


def _digest(encoder: dict[str, np.ndarray]) -> str:
    return sha256(b"".join(values.tobytes() for values in encoder.values())).hexdigest()
