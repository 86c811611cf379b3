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
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from listener.file_parts import (
    LARGEST,
    NUMBER,
    NUMBERS,
    errors_in_json,
    errors_name,
    parameters,
    read_array,
    read_network,
    read_options,
    validate_filled,
)
from listener.listener import Listener
from listener.ngram import CONTEXT, INTERVALS, LONGEST_GAP, PREVIOUS_GAPS, NGram, Tables
from listener.shared_encoder import with_encoder
from songs.files import read_text, read_whole, write_atomically
from songs.keyboard import STEPS_PER_BAR
from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from listener.form.model import FormModel
    from listener.judge.model import Judge
    from listener.learned.model import Learned
    from listener.melody_model import Expected

FORMAT = "kuznechik listener"
VERSION = 5
SUFFIX = ".safetensors"
IN_RUN = Path("best") / f"listener{SUFFIX}"
"""Path of the listener within the folder of the run that trained it."""
JUDGE = "judge"
"""Kind and name of the held-out judge."""
TASTE = "taste"
"""Kind of a listener that learned one person's preferences."""
FORM = "form"
"""Kind and name of the model of form."""
USES_OF_JUDGE = "use kuznechik listener judge or kuznechik leaderboard"
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
        halved = {name: values.astype(np.float16) for name, values in parameters(listener.networks).items()}
        return halved, {"kind": FORM, "levels": listener.levels.tolist()}
    if isinstance(listener, Expected):
        head = {"kind": "melody", "constant": listener.constant, "model": vars(listener.model.options)}
        return parameters({"model": listener.model}), head
    if isinstance(listener, Judge):
        judges = {f"net {number}": net for number, net in enumerate(listener.nets)}
        sizes = {name: vars(net.options) for name, net in judges.items()}
        return parameters(judges), {"kind": JUDGE, "nets": sizes, "reference": listener.reference}
    from listener.learned.files import learned_contents
    from listener.taste.files import taste_contents
    from listener.taste.model import Taste

    if isinstance(listener, Taste):
        arrays, head = taste_contents(listener)
        return arrays, {**head, "kind": TASTE}
    return learned_contents(listener)


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
    with errors_in_json(path):
        validate_like({"kind": ""}, about)
        if about["kind"] not in KINDS:
            raise ValueError(f"unknown kind of listener {about['kind']!r:.40}")
        validate_like(KINDS[about["kind"]], about)
        if "reference" in about:
            validate_like({"reference": NUMBERS}, about)
            validate_filled("reference", about["reference"])
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
    if about["kind"] == "ngram":
        return _ngram(path, about, arrays)
    if about["kind"] == "melody":
        return _expected(path, about, arrays)
    from listener.learned.files import read_learned
    from listener.taste.files import read_taste

    return (read_taste if about["kind"] == TASTE else read_learned)(path, about, arrays)


def read_judge(path: Path | None = None) -> "Judge":
    """Read a judge from its file or from the run that trained it; without a path, the judge of the project.

    Raises:
        ValueError: a file is missing or damaged, does not match its JSON, or is not a judge.
    """
    path, about, arrays = _model_of(JUDGE, path, "a judge")
    from listener.judge.model import Judge, JudgeNet, NetOptions

    with errors_in_json(path):
        validate_like({"nets": {"net 0": {}}}, about)
        options = {name: read_options(NetOptions(), size, f"nets.{name}") for name, size in about["nets"].items()}
    with errors_name(path):
        nets = [read_network(arrays, name, partial(JudgeNet, size)) for name, size in options.items()]
    return Judge(nets, about["reference"])


def read_form(path: Path | None = None) -> "FormModel":
    """Read a model of form from its file or from the run that trained it; without a path, that of the project.

    Raises:
        ValueError: a file is missing or damaged, does not match its JSON, or is not a model of form.
    """
    path, about, arrays = _model_of(FORM, path, "a model of form")
    from listener.form.model import MAKERS, FormModel
    from songs.plan import LEVELS, STYLES

    with errors_in_json(path):
        validate_like({"levels": ((0.0,) * (LEVELS - 1),) * STYLES}, about)
    with errors_name(path):
        nets = {name: read_network(arrays, name, make) for name, make in MAKERS.items()}
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
        with errors_name(path):
            return with_encoder(arrays, about["encoder"])
    return arrays


def _ngram(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Listener:
    with errors_name(path):
        tables = Tables(*(read_array(arrays, name, shape) for name, shape in _TABLES.items()))
    return NGram(tables, float(about["constant"]))


def _expected(path: Path, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Listener:
    from listener.melody_model import Expected, MelodyModel, ModelOptions

    with errors_in_json(path):
        options = read_options(ModelOptions(), about["model"], "model")
    with errors_name(path):
        return Expected(read_network(arrays, "model", partial(MelodyModel, options)), float(about["constant"]))
