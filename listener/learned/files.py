"""The listeners `learned` and `vae` in files: their networks, the calibration and the weights of the terms."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from listener.file_parts import (
    LARGEST,
    NUMBERS,
    errors_in_json,
    errors_name,
    parameters,
    read_network,
    read_options,
    size_of,
    validate_filled,
)
from listener.learned.form_net import FormNet, FormOptions
from listener.learned.latent_net import LatentNet, LatentOptions
from listener.learned.model import BOUNDED, NUMBERED, PAIRED, Calibration, Learned, Nets
from listener.learned.window_net import NetOptions, WindowNet
from listener.melody_features import LEAST_DEVIATION
from listener.shared_encoder import without_encoder
from songs.validate import Within, validate_like
from vae.config import ModelConfig


def learned_contents(listener: Learned) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the JSON fields of a learned listener."""
    nets = listener.nets.networks
    head: dict[str, Any] = {
        "kind": "vae" if "vae" in nets else "learned",
        "nets": {part: size_of(net) for part, net in nets.items()},
    }
    head |= {"weights": listener.weights, "calibration": listener.calibration.to_dict()}
    arrays, encoder = without_encoder(parameters(nets))
    return arrays, head | encoder


def read_learned(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Learned:
    """Return a learned listener from its JSON and arrays; raises ValueError if they are invalid."""
    wanted = ("vae", "form") if about["kind"] == "vae" else (f"{NUMBERED}0", *PAIRED, "form")
    with errors_in_json(path):
        validate_like({"nets": {name: {} for name in wanted}}, about)
        makers = {name: _maker(name, size) for name, size in about["nets"].items()}
        calibration = {
            "good": dict.fromkeys(makers, NUMBERS),
            "deviation": dict.fromkeys((*makers, *BOUNDED), Within([0.0], LEAST_DEVIATION, LARGEST)),
            "low": dict.fromkeys(BOUNDED, NUMBERS),
            "high": dict.fromkeys(BOUNDED, NUMBERS),
        }
        validate_like({"calibration": calibration}, about)
        for part, names in calibration.items():
            for name in names:
                validate_filled(f"calibration.{part}.{name}", about["calibration"][part][name])
    with errors_name(path):
        networks = {name: read_network(arrays, name, make) for name, make in makers.items()}
        if not (networks["form"].deviation > 0).all():
            raise ValueError("form.deviation is not above 0")
    songs = {name: networks.pop(name) for name in ("vae", "form") if name in networks}
    nets = Nets(networks, songs)
    with errors_in_json(path):
        validate_like({"weights": dict.fromkeys(nets.terms, Within(0.0, 0, LARGEST))}, about)
    weights = {term: float(about["weights"][term]) for term in nets.terms}
    return Learned(nets, Calibration.from_dict(about["calibration"]), weights)


def _maker(name: str, size: Any) -> Callable[[], Any]:
    """Return a factory for the network of a name, with its options from the JSON."""
    if name == "form":
        return partial(FormNet, read_options(FormOptions(), size, "nets.form"))
    if name != "vae":
        return partial(WindowNet, read_options(NetOptions(), size, f"nets.{name}"))
    validate_like({"encoder": {}}, size, "nets.vae")
    return partial(LatentNet, ModelConfig.from_dict(size["encoder"]), read_options(LatentOptions(), size, "nets.vae"))
