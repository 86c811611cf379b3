"""Trained listeners as files: NAME.safetensors with the parameters, and NAME.json beside it with all else.

Conventions:
    The JSON says `format`, `version`, `kind` (ngram, melody or learned), what the listener needs, `reference` (the
    scores of real melodies of 16 bars at the percentiles 0 to 100) and whatever was added. Nothing in either file is
    executed, and what is wrong in them is a ValueError that names the file.
    The n-gram's tables are stored in half precision. Reading an n-gram loads no torch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from listener.file_check import check_about, check_array, check_norms, check_options, check_weights
from listener.listener import Listener
from listener.ngram import CONTEXT, INTERVALS, LONGEST_GAP, PREVIOUS_GAPS, NGram, Tables
from songs.files import read_text, read_whole, write_atomically
from songs.keyboard import STEPS_PER_BAR
from songs.validate import validate_like

if TYPE_CHECKING:
    from torch import nn

    from listener.learned.model import Learned
    from listener.melody_model import Expected

Options = TypeVar("Options")
Net = TypeVar("Net", bound="nn.Module")
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


@dataclass(frozen=True, eq=False)
class Contents:
    """What stands in the two files of a listener."""

    path: Path
    """Of the .safetensors file."""
    about: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def check(self, test: Callable[..., None], *arguments: Any) -> None:
        """Make a test of what the JSON says."""
        _check(self.path.with_suffix(".json"), test, *arguments)

    def array(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return an array as float32."""
        try:
            check_array(self.arrays, name, shape)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from None
        return self.arrays[name].astype(np.float32)

    def options(self, own: Options, found: Any, what: str) -> Options:
        """Return the options of a network.

        Args:
            own: those of any network of that kind.
            found: what the JSON says.
            what: where it says so.
        """
        self.check(check_options, vars(own), found, what)
        return type(own)(**found)

    def network(self, part: str, make: Callable[[], Net]) -> Net:
        """Return the network of the arrays `part.NAME`, which is not trained after that.

        Args:
            part: what the names of its arrays begin with.
            make: makes one of that kind and size.
        """
        import torch

        with torch.device("meta"):
            network = make()
        shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        state = {name: torch.from_numpy(self.array(f"{part}.{name}", shape)) for name, shape in shapes.items()}
        network.load_state_dict(state, assign=True)
        return network.eval().requires_grad_(False)


def read_contents(path: Path) -> Contents:
    """Read the files of a listener, or of the judge.

    Raises:
        ValueError: one is missing or damaged, or the JSON describes no listener.
    """
    return Contents(path, read_about(path), read_arrays(path))


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
    _check(beside, check_about, about)
    return about


def _check(beside: Path, test: Callable[..., None], *arguments: Any) -> None:
    """Make a test of what a JSON says."""
    try:
        test(*arguments)
    except ValueError as error:
        raise ValueError(f"{beside}: is broken: {error}") from None


def read_listener(path: Path) -> Listener:
    """Read a listener.

    Raises:
        ValueError: a file is missing or damaged, has other parameters than its JSON says, or is the judge.
    """
    contents = read_contents(path)
    kind = contents.about["kind"]
    if kind == JUDGE:
        raise ValueError(f"{path}: is the held-out judge, which pays nobody; {USES_OF_JUDGE}")
    return {"ngram": _ngram, "melody": _expected, "learned": _learned}[kind](contents)


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


def _ngram(contents: Contents) -> Listener:
    tables = (contents.array(name, shape) for name, shape in _TABLES.items())
    return NGram(Tables(*tables), float(contents.about["constant"]))


def _expected(contents: Contents) -> Listener:
    _need_torch("the melody model")
    from listener.melody_model import Expected, MelodyModel, ModelOptions

    options = contents.options(ModelOptions(), contents.about["model"], "model")
    return Expected(contents.network("model", partial(MelodyModel, options)), float(contents.about["constant"]))


def _learned(contents: Contents) -> Listener:
    _need_torch("the learned listener")
    from listener.learned.model import HEARING, TERMS, Calibration, Learned, Nets
    from listener.learned.window_net import NetOptions, WindowNet

    sizes, weights, norms = (contents.about[name] for name in ("nets", "weights", "norms"))
    contents.check(validate_like, {name: {} for name in ("net 0", *HEARING)}, sizes, "nets")
    contents.check(check_weights, weights, TERMS)
    contents.check(check_norms, norms, sizes)
    options = {name: contents.options(NetOptions(), size, f"nets.{name}") for name, size in sizes.items()}
    nets = {name: contents.network(name, partial(WindowNet, size)) for name, size in options.items()}
    pitches, metre = (nets.pop(name) for name in HEARING)
    ears = Nets(tuple(nets.values()), pitches, metre)
    return Learned(ears, Calibration.from_dict(norms), {term: float(weights[term]) for term in TERMS})


def _need_torch(what: str) -> None:
    try:
        import torch  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError(f"{what} needs torch: pip install 'kuznechik[torch]'") from None
