"""Files of trained listeners, the held-out judge and the model of form: NAME.safetensors with NAME.json next to it.

Conventions:
    The JSON has `format`, `version`, `kind` (one of `KINDS`), the fields of that kind, `reference` (the scores of real
    melodies of 16 bars at the percentiles 0 to 100) and any added data. Files are untrusted: nothing in them is
    executed, sizes are checked before networks are built, and an error in a file is a ValueError that names the file.
    The n-gram's tables and the model of form are stored in half precision, as are other arrays that half precision
    represents exactly. The encoder of the MusicVAE that comes with the project is read from that model's file
    (`listener.shared_encoder`). Reading an n-gram does not import torch.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from listener.listener import Listener
from listener.melody_features import LEAST_DEVIATION
from listener.ngram import CONTEXT, INTERVALS, LONGEST_GAP, PREVIOUS_GAPS, NGram, Tables
from listener.shared_encoder import with_encoder, without_encoder
from songs.files import read_text, read_whole, write_atomically
from songs.keyboard import STEPS_PER_BAR
from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from torch import nn

    from listener.form.model import FormModel
    from listener.judge.model import Judge
    from listener.learned.model import Learned
    from listener.melody_model import Expected

Options = TypeVar("Options")
Net = TypeVar("Net", bound="nn.Module")
FORMAT = "kuznechik listener"
VERSION = 5
SUFFIX = ".safetensors"
IN_RUN = Path("best") / f"listener{SUFFIX}"
"""Path of the listener within the folder of the run that trained it."""
JUDGE = "judge"
"""Kind and name of the held-out judge."""
TASTE = "taste"
"""Kind of a listener that learned one person's preferences."""
MOST_BARS = 10_000
"""Most bars of the melodies that a taste was learned from."""
FORM = "form"
"""Kind and name of the model of form."""
USES_OF_JUDGE = "use kuznechik listener judge or kuznechik leaderboard"
LARGEST = 1e4
"""Largest parameter or other number allowed in a listener; those of the project stay below 250."""
WIDEST = 4096
"""Most units allowed in a layer."""
NUMBER = Within(0.0, -LARGEST, LARGEST)
NUMBERS = Within([0.0], -LARGEST, LARGEST)
KINDS: dict[str, dict[str, Any]] = {
    "ngram": {"constant": NUMBER},
    "melody": {"constant": NUMBER, "model": {}},
    "learned": {"nets": {}, "weights": {}, "calibration": {}},
    "vae": {"nets": {}, "weights": {}, "calibration": {}},
    TASTE: {"nets": {}, "weights": {}, "calibration": {}, "features": [""], "strength": Within(0.0, 0, LARGEST)},
    JUDGE: {"nets": {}, "reference": NUMBERS},
    FORM: {"levels": [NUMBERS]},
}
"""An example of the JSON fields of each kind, without the optional ones."""
_TABLES = {
    "ngram.rhythm": (STEPS_PER_BAR, LONGEST_GAP + 1, PREVIOUS_GAPS, 2),
    "ngram.intervals": (INTERVALS,) * (CONTEXT + 1),
}


def model_in(path: Path) -> Path:
    """Return the file of a trained listener: the path itself, or the listener within the folder of a run."""
    return path / IN_RUN if path.is_dir() else path


def models_folder() -> Path:
    """Return the folder of the listeners that come with the project."""
    return Path(str(files("listener"))) / "models"


def write_listener(
    path: Path, listener: "NGram | Expected | Learned | Judge | FormModel", about: dict[str, Any]
) -> None:
    """Write a trained model to a .safetensors file, and plain data about it to the JSON next to it."""
    from safetensors.numpy import save

    arrays, head = _contents(listener)
    write_atomically(path, save({name: np.ascontiguousarray(values) for name, values in arrays.items()}))
    head = {"format": FORMAT, "version": VERSION, **head, **about}
    write_atomically(path.with_suffix(".json"), json.dumps(head, indent=1, allow_nan=False) + "\n")


def _contents(
    listener: "NGram | Expected | Learned | Judge | FormModel",
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    if isinstance(listener, NGram):
        tables = {"ngram.rhythm": listener.tables.rhythm, "ngram.intervals": listener.tables.intervals}
        halved = {name: table.astype(np.float16) for name, table in tables.items()}
        return halved, {"kind": "ngram", "constant": listener.constant}
    from listener.form.model import FormModel
    from listener.judge.model import Judge
    from listener.melody_model import Expected

    if isinstance(listener, FormModel):
        halved = {name: values.astype(np.float16) for name, values in _parameters(listener.networks).items()}
        return halved, {"kind": FORM, "levels": listener.levels.tolist()}
    if isinstance(listener, Expected):
        head = {"kind": "melody", "constant": listener.constant, "model": vars(listener.model.options)}
        return _parameters({"model": listener.model}), head
    if isinstance(listener, Judge):
        judges = {f"net {number}": net for number, net in enumerate(listener.nets)}
        sizes = {name: vars(net.options) for name, net in judges.items()}
        return _parameters(judges), {"kind": JUDGE, "nets": sizes, "reference": listener.reference}
    nets = listener.nets.networks
    head = {"kind": "vae" if "vae" in nets else "learned", "nets": {part: _size(net) for part, net in nets.items()}}
    head |= {"weights": listener.weights, "calibration": listener.calibration.to_dict()}
    arrays, encoder = without_encoder(_parameters(nets))
    return _with_taste(listener, arrays, head | encoder)


def _with_taste(
    listener: "Learned", arrays: dict[str, np.ndarray], head: dict[str, Any]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays and the JSON of a learned listener, with those of its taste if it is one."""
    from listener.taste.features import TASTE_FEATURES
    from listener.taste.model import Taste

    if not isinstance(listener, Taste):
        return arrays, head
    taste = {**vars(listener.scale), "preference": listener.preference}
    arrays |= {f"{TASTE}.{name}": values for name, values in taste.items()}
    return arrays, {**head, "kind": TASTE, "features": list(TASTE_FEATURES), "strength": listener.strength}


def _size(net: Any) -> dict[str, Any]:
    """Return the options of a network as plain data, with its configuration if it is an encoder."""
    return {**vars(net.options), **({"encoder": net.config.to_dict()} if hasattr(net, "config") else {})}


def _parameters(networks: "dict[str, Any]") -> dict[str, np.ndarray]:
    return {
        f"{part}.{name}": _smallest(value.numpy())
        for part, net in networks.items()
        for name, value in net.state_dict().items()
    }


def _smallest(values: np.ndarray) -> np.ndarray:
    """Return an array in half precision if that represents the same numbers, otherwise unchanged."""
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    return halved if np.array_equal(halved, values) else values


@contextmanager
def _errors_name(file: Path, wrong: str = "") -> Iterator[None]:
    """Context manager: prefix the message of a ValueError with the name of a file."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{file}: {wrong}{error}") from None


def _errors_in_json(path: Path) -> AbstractContextManager[None]:
    return _errors_name(path.with_suffix(".json"), "is broken: ")


def _validate_filled(name: str, values: list) -> None:
    if not values:
        raise ValueError(f"{name} is empty")


def _array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of single or half precision as float32; raises ValueError if it is missing or does not fit."""
    halved = name in arrays and arrays[name].dtype == np.float16
    example = np.broadcast_to((np.float16 if halved else np.float32)(0), shape)  # takes no memory
    validate_like({name: Within(example, -LARGEST, LARGEST)}, arrays)
    return arrays[name].astype(np.float32)


def _options(example: Options, about: Any, name: str) -> Options:
    """Return the options of a network from the JSON, of the type of an example; `name` is for error messages."""
    ranges = {int: (1, WIDEST), float: (0, 0.99)}
    validate_like({key: Within(value, *ranges[type(value)]) for key, value in vars(example).items()}, about, name)
    return type(example)(**{key: about[key] for key in vars(example)})


def _network(arrays: dict[str, np.ndarray], part: str, make: Callable[[], Net]) -> Net:
    """Return a network with the arrays `part.NAME`, in evaluation mode; `make` returns a network of that size."""
    import torch

    with torch.device("meta"):
        network = make()
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    state = {name: torch.from_numpy(_array(arrays, f"{part}.{name}", shape)) for name, shape in shapes.items()}
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def read_about(path: Path) -> dict[str, Any]:
    """Return the JSON of a listener.

    Raises:
        ValueError: it is missing, damaged, or of another kind.
    """
    file = path.with_suffix(".json")
    try:
        about = json.loads(read_text(file))
    except FileNotFoundError:
        missing = file if path.exists() else path
        raise ValueError(f"{missing}: no such listener; train one with kuznechik listener train") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{file}: is broken: {error}") from None
    if not isinstance(about, dict) or (about.get("format"), about.get("version")) != (FORMAT, VERSION):
        raise ValueError(f"{file}: is not a {FORMAT!r} of version {VERSION}; train it again")
    with _errors_in_json(path):
        validate_like({"kind": ""}, about)
        if about["kind"] not in KINDS:
            raise ValueError(f"unknown kind of listener {about['kind']!r:.40}")
        validate_like(KINDS[about["kind"]], about)
        if "reference" in about:
            validate_like({"reference": NUMBERS}, about)
            _validate_filled("reference", about["reference"])
        if "encoder" in about:
            validate_like({"encoder": ""}, about)
    return about


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a .safetensors file; raises ValueError if it is missing or damaged."""
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load
    except ModuleNotFoundError:
        raise ValueError("trained listeners need safetensors: pip install 'kuznechik[torch]'") from None
    try:
        return load(read_whole(path))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such listener; train one with kuznechik listener train") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: is damaged or cut off: {error}") from None


def read_listener(path: Path) -> Listener:
    """Read a listener.

    Raises:
        ValueError: a file is missing or damaged, does not match its JSON, or is the judge or a model of form.
    """
    about = read_about(path)
    if about["kind"] == FORM:
        raise ValueError(f"{path}: is a model of form, not a listener; hear it with kuznechik play form:{path}")
    if about["kind"] == JUDGE:
        raise ValueError(f"{path}: is the held-out judge, not a listener; {USES_OF_JUDGE}")
    arrays = _arrays_of(path, about)
    return {"ngram": _ngram, "melody": _expected, "learned": _learned, "vae": _learned, TASTE: _taste}[about["kind"]](
        path, about, arrays
    )


def read_judge(path: Path | None = None) -> "Judge":
    """Read a judge from its file or from the run that trained it; without a path, the judge of the project.

    Raises:
        ValueError: a file is missing or damaged, does not match its JSON, or is not a judge.
    """
    path, about, arrays = _model_of(JUDGE, path, "a judge")
    from listener.judge.model import Judge, JudgeNet, NetOptions

    with _errors_in_json(path):
        validate_like({"nets": {"net 0": {}}}, about)
        options = {name: _options(NetOptions(), size, f"nets.{name}") for name, size in about["nets"].items()}
    with _errors_name(path):
        nets = [_network(arrays, name, partial(JudgeNet, size)) for name, size in options.items()]
    return Judge(nets, about["reference"])


def read_form(path: Path | None = None) -> "FormModel":
    """Read a model of form from its file or from the run that trained it; without a path, that of the project.

    Raises:
        ValueError: a file is missing or damaged, does not match its JSON, or is not a model of form.
    """
    path, about, arrays = _model_of(FORM, path, "a model of form")
    from listener.form.model import MAKERS, FormModel
    from songs.plan import LEVELS, STYLES

    with _errors_in_json(path):
        validate_like({"levels": ((0.0,) * (LEVELS - 1),) * STYLES}, about)
    with _errors_name(path):
        nets = {name: _network(arrays, name, make) for name, make in MAKERS.items()}
    return FormModel(**nets, levels=np.array(about["levels"]))


def _model_of(kind: str, path: Path | None, wanted: str) -> tuple[Path, dict[str, Any], dict[str, np.ndarray]]:
    """Return the file, JSON and arrays of a model of a kind, by default the project's own; raises ValueError."""
    path = model_in(path) if path else models_folder() / f"{kind}{SUFFIX}"
    about = read_about(path)
    if about["kind"] != kind:
        raise ValueError(f"{path}: is a listener of the kind {about['kind']!r}, not {wanted}")
    return path, about, _arrays_of(path, about)


def _arrays_of(path: Path, about: dict[str, Any]) -> dict[str, np.ndarray]:
    arrays = read_arrays(path)
    if about["kind"] != "ngram":
        try:
            import torch  # noqa: F401
        except ModuleNotFoundError:
            raise ValueError(f"{path}: needs torch: pip install 'kuznechik[torch]'") from None
    if "encoder" in about:
        with _errors_name(path):
            return with_encoder(arrays, about["encoder"])
    return arrays


def _ngram(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Listener:
    with _errors_name(path):
        tables = Tables(*(_array(arrays, name, shape) for name, shape in _TABLES.items()))
    return NGram(tables, float(about["constant"]))


def _expected(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Listener:
    from listener.melody_model import Expected, MelodyModel, ModelOptions

    with _errors_in_json(path):
        options = _options(ModelOptions(), about["model"], "model")
    with _errors_name(path):
        return Expected(_network(arrays, "model", partial(MelodyModel, options)), float(about["constant"]))


def _taste(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Listener:
    from listener.melody_features import LEAST_DEVIATION
    from listener.taste.features import TASTE_FEATURES
    from listener.taste.model import Scale, Taste

    with _errors_in_json(path):
        if tuple(about["features"]) != TASTE_FEATURES:
            raise ValueError("features do not match this version: learn the taste again")
    with _errors_name(path):
        mean = arrays.get("taste.mean", np.zeros((0, 0)))
        shape = (min(max(len(mean), 1), MOST_BARS), len(TASTE_FEATURES))
        scale = Scale(**{name: _array(arrays, f"{TASTE}.{name}", shape) for name in Scale.__dataclass_fields__})
        if not (scale.deviation >= np.float32(LEAST_DEVIATION)).all():
            raise ValueError(f"{TASTE}.deviation is below {LEAST_DEVIATION}")
        preference = _array(arrays, f"{TASTE}.preference", shape[1:])
    return Taste(_learned(path, about, arrays), scale, preference, float(about["strength"]))


def _learned(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> "Learned":
    from listener.learned.model import BOUNDED, NUMBERED, PAIRED, Calibration, Learned, Nets

    wanted = ("vae", "form") if about["kind"] == "vae" else (f"{NUMBERED}0", *PAIRED, "form")
    with _errors_in_json(path):
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
                _validate_filled(f"calibration.{part}.{name}", about["calibration"][part][name])
    with _errors_name(path):
        networks = {name: _network(arrays, name, make) for name, make in makers.items()}
        if not (networks["form"].deviation > 0).all():
            raise ValueError("form.deviation is not above 0")
    songs = {name: networks.pop(name) for name in ("vae", "form") if name in networks}
    nets = Nets(networks, songs)
    with _errors_in_json(path):
        validate_like({"weights": dict.fromkeys(nets.terms, Within(0.0, 0, LARGEST))}, about)
    weights = {term: float(about["weights"][term]) for term in nets.terms}
    return Learned(nets, Calibration.from_dict(about["calibration"]), weights)


def _maker(name: str, size: Any) -> Callable[[], Any]:
    """Return a factory for the network of a name, with its options from the JSON."""
    from listener.learned.form_net import FormNet, FormOptions
    from listener.learned.latent_net import LatentNet, LatentOptions
    from listener.learned.window_net import NetOptions, WindowNet
    from vae.config import ModelConfig

    if name == "form":
        return partial(FormNet, _options(FormOptions(), size, "nets.form"))
    if name != "vae":
        return partial(WindowNet, _options(NetOptions(), size, f"nets.{name}"))
    validate_like({"encoder": {}}, size, "nets.vae")
    return partial(LatentNet, ModelConfig.from_dict(size["encoder"]), _options(LatentOptions(), size, "nets.vae"))
