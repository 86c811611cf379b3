"""Trained listeners as files: NAME.safetensors with the parameters, and NAME.json beside it with all else.

Conventions:
    The JSON says `format`, `version`, `kind` (ngram, melody or learned), what the listener needs, `reference` (the
    scores of real melodies of 16 bars at the percentiles 0 to 100) and whatever was added. Nothing in either file is
    executed.
    The n-gram's tables are stored in half precision. Reading an n-gram loads no torch.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from listener.listener import Listener
from listener.ngram import CONTEXT, INTERVALS, LONGEST_GAP, PREVIOUS_GAPS, NGram, Tables
from songs.files import read_text, read_whole, write_atomically
from songs.keyboard import STEPS_PER_BAR

if TYPE_CHECKING:
    from torch import nn

    from listener.learned import Learned
    from listener.melody_model import Expected

FORMAT = "kuznechik listener"
VERSION = 3
JUDGE = "judge"
"""The kind, and the name, of what `listener.judge_file` reads."""
USES_OF_JUDGE = "kuznechik listener judge and kuznechik leaderboard ask it"
_TABLES = {
    "ngram.rhythm": (STEPS_PER_BAR, LONGEST_GAP + 1, PREVIOUS_GAPS, 2),
    "ngram.intervals": (INTERVALS,) * (CONTEXT + 1),
}


def write_listener(path: Path, listener: "NGram | Expected | Learned", about: dict[str, Any]) -> None:
    """Write an n-gram, a melody model or a learned listener.

    Args:
        path: of the .safetensors file; the JSON goes beside it.
        listener: what to write.
        about: plain data for the JSON.
    """
    from safetensors.numpy import save

    arrays, head = _contents(listener)
    write_atomically(path, save({name: np.ascontiguousarray(values) for name, values in arrays.items()}))
    head = {"format": FORMAT, "version": VERSION, **head, **about}
    write_atomically(path.with_suffix(".json"), json.dumps(head, indent=1, allow_nan=False) + "\n")


def _contents(listener: "NGram | Expected | Learned") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if isinstance(listener, NGram):
        return _halved(listener), {"kind": "ngram", "constant": listener.constant}
    from listener.melody_model import Expected

    if isinstance(listener, Expected):
        arrays = {f"model.{name}": value.numpy() for name, value in listener.model.state_dict().items()}
        return arrays, {"kind": "melody", "constant": listener.constant, "model": vars(listener.model.options)}
    nets = listener.ears.nets
    arrays = {f"{part}.{name}": value.numpy() for part, net in nets.items() for name, value in net.state_dict().items()}
    head = {"kind": "learned", "nets": {part: vars(net.options) for part, net in nets.items()}}
    return arrays, {**head, "weights": listener.weights, "norms": listener.norms.to_dict()}


def _halved(ngram: NGram) -> dict[str, np.ndarray]:
    tables = {"ngram.rhythm": ngram.tables.rhythm, "ngram.intervals": ngram.tables.intervals}
    return {name: table.astype(np.float16) for name, table in tables.items()}


def read_about(path: Path) -> dict[str, Any]:
    """Return the JSON of a listener.

    Raises:
        ValueError: it is missing, damaged, or of another kind.
    """
    beside = path.with_suffix(".json")
    try:
        about = json.loads(read_text(beside))
    except FileNotFoundError:
        missing = beside if path.exists() else path
        raise ValueError(f"{missing}: no such listener; kuznechik listener train makes one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{beside}: is broken: {error}") from None
    if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (FORMAT, VERSION):
        raise ValueError(f"{beside}: describes no {FORMAT!r} of version {VERSION}")
    return about


def read_listener(path: Path) -> Listener:
    """Read a listener.

    Raises:
        ValueError: a file is missing or damaged, has other parameters than its JSON says, or is the judge.
    """
    about = read_about(path)
    if about.get("kind") == JUDGE:
        raise ValueError(f"{path}: is the held-out judge, which pays nobody; {USES_OF_JUDGE}")
    arrays = read_arrays(path)
    try:
        match about["kind"]:
            case "learned":
                return _learned(arrays, about, path)
            case "melody":
                return _expected(arrays, about, path)
            case "ngram":
                return NGram(Tables(*(_table(arrays, name, path) for name in _TABLES)), float(about["constant"]))
    except (KeyError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise ValueError(f"{path.with_suffix('.json')}: is broken: {error!r} is missing or no number") from None
    raise ValueError(f"{path.with_suffix('.json')}: is broken: there is no kind of listener {about['kind']!s:.40}")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a .safetensors file; raises ValueError if it is missing or damaged."""
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ModuleNotFoundError:
        raise ValueError("trained listeners need more: pip install 'kuznechik[torch]'") from None
    try:
        return load(read_whole(path))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such listener; kuznechik listener train makes one") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: is damaged or cut off: {error}") from None


def _table(arrays: dict[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    check_shape(arrays, name, _TABLES[name], path)
    return arrays[name].astype(np.float32)


def check_shape(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...], path: Path) -> None:
    """Raise ValueError if an array is missing or has another shape."""
    if name not in arrays:
        raise ValueError(f"{path}: has no {name}: it is of another kind of listener")
    if arrays[name].shape != shape:
        raise ValueError(f"{path}: {name} has the shape {arrays[name].shape}, not {shape}")


def _expected(arrays: dict[str, np.ndarray], about: dict[str, Any], path: Path) -> "Expected":
    _need_torch("the melody model")
    from listener.melody_model import Expected, MelodyModel, ModelOptions

    model = MelodyModel(ModelOptions(**about["model"]))
    load_network(model, "model", arrays, path)
    return Expected(model, float(about["constant"]))


def _need_torch(what: str) -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(f"{what} needs torch: pip install 'kuznechik[torch]'") from None


def load_network(network: "nn.Module", part: str, arrays: dict[str, np.ndarray], path: Path) -> None:
    """Put the arrays `part.NAME` into a network, which is not trained after that.

    Raises:
        ValueError: one is missing or has another shape.
    """
    import torch

    for name, value in network.state_dict().items():
        check_shape(arrays, f"{part}.{name}", tuple(value.shape), path)
        value.copy_(torch.from_numpy(arrays[f"{part}.{name}"].copy()))
    network.eval().requires_grad_(False)


def _learned(arrays: dict[str, np.ndarray], about: dict[str, Any], path: Path) -> Listener:
    _need_torch("the learned listener")
    from listener.conv_net import NetOptions, WindowNet
    from listener.learned import HEARING, TERMS, Ears, Learned, Norms

    nets = {name: WindowNet(NetOptions(**size)) for name, size in about["nets"].items()}
    for name, net in nets.items():
        load_network(net, name, arrays, path)
    pitches, metre = (nets.pop(name) for name in HEARING)
    ears = Ears(tuple(nets.values()), pitches, metre)
    weights = {name: float(about["weights"][name]) for name in TERMS}
    return Learned(ears, Norms.from_dict(about["norms"]), weights)
