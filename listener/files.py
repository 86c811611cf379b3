"""Trained listeners and the held-out judge as files: NAME.safetensors with the parameters, and NAME.json beside it.

Conventions:
    The JSON says `format`, `version`, `kind` (ngram, melody, learned or judge), what its kind needs, `reference` (the
    scores of real melodies of 16 bars at the percentiles 0 to 100) and whatever was added. Files can come from
    anywhere: nothing in them is executed, sizes are compared before networks are made, and what is wrong in them is a
    ValueError that names the file.
    The n-gram's tables are stored in half precision. Reading an n-gram loads no torch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from listener.listener import Listener
from listener.melody_features import FEATURES, LEAST_DEVIATION
from listener.ngram import CONTEXT, INTERVALS, LONGEST_GAP, PREVIOUS_GAPS, NGram, Tables
from songs.files import read_text, read_whole, write_atomically
from songs.keyboard import STEPS_PER_BAR
from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from torch import nn

    from listener.judge import Judge
    from listener.learned.model import Learned
    from listener.melody_model import Expected

Options = TypeVar("Options")
Net = TypeVar("Net", bound="nn.Module")
FORMAT = "kuznechik listener"
VERSION = 4
SUFFIX = ".safetensors"
IN_RUN = Path("best") / f"listener{SUFFIX}"
"""The file in the folder of a run that trained a listener."""
JUDGE = "judge"
"""The kind, and the name, of the held-out judge."""
USES_OF_JUDGE = "kuznechik listener judge and kuznechik leaderboard ask it"
LARGEST = 1e4
"""Largest parameter or other number of a listener; those of the project stay below 250."""
WIDEST = 4096
"""Most units of a layer."""
NUMBER = Within(0.0, -LARGEST, LARGEST)
NUMBERS = Within([0.0], -LARGEST, LARGEST)
KINDS: dict[str, dict[str, Any]] = {
    "ngram": {"constant": NUMBER},
    "melody": {"constant": NUMBER, "model": {}},
    "learned": {"nets": {}, "weights": {}, "calibration": {}},
    JUDGE: {"sequences": {}, "reference": NUMBERS},
}
"""An example of the JSON of each kind, besides what may be added."""
_TABLES = {
    "ngram.rhythm": (STEPS_PER_BAR, LONGEST_GAP + 1, PREVIOUS_GAPS, 2),
    "ngram.intervals": (INTERVALS,) * (CONTEXT + 1),
}


def model_in(path: Path) -> Path:
    """Return the file of a trained listener: a path itself, or the one in the folder of a run."""
    return path / IN_RUN if path.is_dir() else path


def models_folder() -> Path:
    """Return the folder of the trained listeners of the project."""
    return Path(str(files("listener"))) / "models"


def write_listener(path: Path, listener: "NGram | Expected | Learned | Judge", about: dict[str, Any]) -> None:
    """Write a trained listener, or a judge.

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


def _contents(listener: "NGram | Expected | Learned | Judge") -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if isinstance(listener, NGram):
        tables = {"ngram.rhythm": listener.tables.rhythm, "ngram.intervals": listener.tables.intervals}
        halved = {name: table.astype(np.float16) for name, table in tables.items()}
        return halved, {"kind": "ngram", "constant": listener.constant}
    from listener.judge import Judge
    from listener.melody_model import Expected

    if isinstance(listener, Expected):
        head = {"kind": "melody", "constant": listener.constant, "model": vars(listener.model.options)}
        return _parameters({"model": listener.model}), head
    if isinstance(listener, Judge):
        head = {"kind": JUDGE, "sequences": vars(listener.sequences.options), "reference": listener.reference}
        return _parameters({"sequences": listener.sequences, "features": listener.features}), head
    nets = listener.nets.networks
    head = {"kind": "learned", "nets": {part: vars(net.options) for part, net in nets.items()}}
    return _parameters(nets), {**head, "weights": listener.weights, "calibration": listener.calibration.to_dict()}


def _parameters(networks: "dict[str, Any]") -> dict[str, np.ndarray]:
    return {
        f"{part}.{name}": value.numpy() for part, net in networks.items() for name, value in net.state_dict().items()
    }


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of the two files of a listener, which are compared with examples as they are used."""

    path: Path
    """The .safetensors file."""
    about: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def check(self, example: Any, found: Any, name: str = "") -> None:
        """Compare a part of the JSON with an example; a list must not be empty."""
        _check(self.path, example, found, name)

    def array(self, name: str, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
        """Return an array as float32."""
        example = np.broadcast_to(dtype(0), shape)  # takes no memory
        try:
            validate_like({name: Within(example, -LARGEST, LARGEST)}, self.arrays)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from None
        return self.arrays[name].astype(np.float32)

    def options(self, own: Options, found: Any, name: str) -> Options:
        """Return the options of a network.

        Args:
            own: those of any network of that kind.
            found: what the JSON says.
            name: where it says so.
        """
        ranges = {int: (1, WIDEST), float: (0, 0.99)}
        example = {key: Within(value, *ranges[type(value)]) for key, value in vars(own).items()}
        self.check(example, found, name)
        return type(own)(**{key: found[key] for key in example})

    def network(self, part: str, make: Callable[[], Net]) -> Net:
        """Return the network of the arrays `part.NAME`, for use and not for training.

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


def _check(path: Path, example: Any, found: Any, name: str = "") -> None:
    try:
        validate_like(example, found, name)
        if found == []:
            raise ValueError(f"{name} is empty")
    except ValueError as error:
        raise ValueError(f"{path.with_suffix('.json')}: is broken: {error}") from None


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
        raise ValueError(f"{beside}: describes no {FORMAT!r} of version {VERSION}; train it again")
    _check(path, {"kind": ""}, about)
    if about["kind"] not in KINDS:
        raise ValueError(f"{beside}: is broken: there is no kind of listener {about['kind']!r:.40}")
    _check(path, KINDS[about["kind"]], about)
    if "reference" in about:
        _check(path, NUMBERS, about["reference"], "reference")
    return about


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


def read_listener(path: Path) -> Listener:
    """Read a listener.

    Raises:
        ValueError: a file is missing or damaged, has other parameters than its JSON says, or is the judge.
    """
    about = read_about(path)
    if about["kind"] == JUDGE:
        raise ValueError(f"{path}: is the held-out judge, which rewards nobody; {USES_OF_JUDGE}")
    return {"ngram": _ngram, "melody": _expected, "learned": _learned}[about["kind"]](_with_arrays(path, about))


def read_judge(path: Path | None = None) -> "Judge":
    """Read a judge from its file or the run that trained it, without a path that of the project.

    Raises:
        ValueError: a file is missing or damaged, has other parameters than its JSON says, or is no judge.
    """
    path = model_in(path) if path else models_folder() / f"{JUDGE}{SUFFIX}"
    about = read_about(path)
    if about["kind"] != JUDGE:
        raise ValueError(f"{path}: is a listener of the kind {about['kind']!r}, not a judge")
    contents = _with_arrays(path, about)
    from listener.judge import FeatureClassifier, Judge, SequenceClassifier, SequenceOptions

    options = contents.options(SequenceOptions(), about["sequences"], "sequences")
    sequences = contents.network("sequences", partial(SequenceClassifier, options))
    features = contents.network("features", FeatureClassifier)
    if not (features.deviation > 0).all():
        raise ValueError(f"{path}: features.deviation is not above 0")
    return Judge(sequences, features, about["reference"])


def _with_arrays(path: Path, about: dict[str, Any]) -> Contents:
    arrays = read_arrays(path)
    if about["kind"] != "ngram":
        try:
            import torch  # noqa: F401
        except ModuleNotFoundError:
            raise ValueError(f"{path}: needs torch: pip install 'kuznechik[torch]'") from None
    return Contents(path, about, arrays)


def _ngram(contents: Contents) -> Listener:
    tables = (contents.array(name, shape, np.float16) for name, shape in _TABLES.items())
    return NGram(Tables(*tables), float(contents.about["constant"]))


def _expected(contents: Contents) -> Listener:
    from listener.melody_model import Expected, MelodyModel, ModelOptions

    options = contents.options(ModelOptions(), contents.about["model"], "model")
    return Expected(contents.network("model", partial(MelodyModel, options)), float(contents.about["constant"]))


def _learned(contents: Contents) -> Listener:
    from listener.learned.model import PAIRED, TERMS, Calibration, Learned, Nets
    from listener.learned.window_net import NetOptions, WindowNet

    sizes, weights, calibration = (contents.about[name] for name in ("nets", "weights", "calibration"))
    contents.check({name: {} for name in ("net 0", *PAIRED)}, sizes, "nets")
    contents.check(dict.fromkeys(TERMS, Within(0.0, 0, LARGEST)), weights, "weights")
    deviations = Within([0.0], LEAST_DEVIATION, LARGEST)
    for part, names, example in (
        ("good", sizes, NUMBERS),
        ("deviation", (*sizes, *FEATURES), deviations),
        ("low", FEATURES, NUMBERS),
        ("high", FEATURES, NUMBERS),
    ):
        contents.check({part: dict.fromkeys(names, example)}, calibration, "calibration")
        for name in names:
            contents.check(example, calibration[part][name], f"calibration.{part}.{name}")
    options = {name: contents.options(NetOptions(), size, f"nets.{name}") for name, size in sizes.items()}
    nets = {name: contents.network(name, partial(WindowNet, size)) for name, size in options.items()}
    pitches, metre = (nets.pop(name) for name in PAIRED)
    together = Nets(tuple(nets.values()), pitches, metre)
    return Learned(together, Calibration.from_dict(calibration), {term: float(weights[term]) for term in TERMS})
