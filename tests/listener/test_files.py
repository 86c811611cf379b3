"""Invalid listener files are refused, with an error that names the invalid part, before anything is allocated."""

import json
import re
import shutil
from functools import reduce
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from listener.files import models_folder, read_judge, read_listener, write_listener
from listener.shared_encoder import shipped_encoder

READERS = {"ngram": read_listener, "melody": read_listener, "learned": read_listener, "judge": read_judge}


@pytest.fixture
def own(tmp_path):
    """Copies of the files of a listener of the project."""

    def copy(kind):
        for ending in ("safetensors", "json"):
            shutil.copy(models_folder() / f"{kind}.{ending}", tmp_path)
        return tmp_path / f"{kind}.safetensors"

    return copy


def change_about(path, keys: tuple, value: Any):
    """Set one value of the JSON beside a file; None takes it out."""
    beside = path.with_suffix(".json")
    about = json.loads(beside.read_text())
    at = reduce(lambda part, name: part[name], keys[:-1], about)
    at[keys[-1]] = value
    if value is None:
        del at[keys[-1]]
    beside.write_text(json.dumps(about))


@pytest.mark.parametrize(
    ("kind", "keys", "value", "message"),
    [
        ("ngram", ("kind",), 1e308, "kind is 1e+308"),
        ("ngram", ("kind",), None, "kind is missing"),
        ("ngram", ("constant",), 1e308, "constant holds values that are not from -10000 to 10000"),
        ("ngram", ("constant",), float("nan"), "constant is nan"),
        ("ngram", ("constant",), "x", "constant is 'x'"),
        ("ngram", ("reference",), [], "reference is empty"),
        ("ngram", ("reference",), 3, "reference is 3"),
        ("ngram", ("reference", 1), "x" * 100_000, "reference[1] is '" + "x" * 39 + "..."),
        ("ngram", ("reference", 0), [], "reference[0] is []"),
        ("melody", ("model", "units"), 0, "model.units holds values that are not from 1 to 4096"),
        ("melody", ("model", "units"), 10**12, "model.units holds values that are not from 1 to 4096"),
        ("melody", ("model", "units"), True, "model.units is True"),
        ("melody", ("model", "dropout"), {}, "model.dropout is {}"),
        ("melody", ("model", "dropout"), 1.0, "model.dropout holds values that are not from 0 to 0.99"),
        ("melody", ("model", "hidden"), None, "model.hidden is missing"),
        ("learned", ("nets", "pitches"), None, "nets.pitches is missing"),
        ("learned", ("nets", "net 1", "embedding"), -1, "nets.net 1.embedding is -1"),
        ("learned", ("weights", "features"), None, "weights.features is missing"),
        ("learned", ("weights", "features"), -1, "weights.features holds values that are not from 0 to 10000"),
        ("learned", ("calibration", "low", "entropy"), None, "calibration.low.entropy is missing"),
        ("learned", ("calibration", "high", "entropy", 3), 1e308, "calibration.high.entropy holds values that are not"),
        ("learned", ("calibration", "good", "metre"), [], "calibration.good.metre is empty"),
        (
            "learned",
            ("calibration", "deviation", "metre", 0),
            0,
            "calibration.deviation.metre holds values that are not",
        ),
        ("judge", ("nets", "net 0"), None, "nets.net 0 is missing"),
        ("judge", ("nets", "net 0", "units"), [], "nets.net 0.units is []"),
        ("judge", ("reference",), None, "reference is missing"),
        ("judge", ("reference",), [], "reference is empty"),
    ],
)
def test_a_json_that_says_something_impossible_is_refused(own, kind, keys, value, message):
    path = own(kind)
    change_about(path, keys, value)
    with pytest.raises(
        ValueError, match=f"^{re.escape(str(path.with_suffix('.json')))}: is broken: {re.escape(message)}"
    ):
        READERS[kind](path)


@pytest.mark.parametrize(
    ("kind", "name", "values", "message"),
    [
        ("ngram", "ngram.rhythm", lambda own: own[:-1], "has the shape (7, "),
        ("melody", "model.table", lambda own: own * np.nan, "holds values that are not finite"),
        ("melody", "model.table", lambda own: own + np.float32(1e30), "holds values that are not from -10000 to 10000"),
        ("melody", "model.table", lambda own: own.astype(np.int64), "is int64, this run needs float32"),
        ("judge", "net 0.table", lambda own: own * np.inf, "holds values that are not finite"),
    ],
)
def test_arrays_that_are_no_parameters_are_refused(own, kind, name, values, message):
    path = own(kind)
    arrays = load(path.read_bytes())
    path.write_bytes(save({**arrays, name: np.ascontiguousarray(values(arrays[name]))}))
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path}: {name} {message}')}"):
        READERS[kind](path)


@pytest.mark.parametrize("kind", ["melody", "learned"])
def test_sizes_that_do_not_fit_the_arrays_take_no_memory(own, kind):
    keys = ("model", "units") if kind == "melody" else ("nets", "metre", "hidden")
    path = own(kind)
    change_about(path, keys, 4096)
    with pytest.raises(ValueError, match=r"has the shape \(.*\), this run needs \((4096|12288), "):
        read_listener(path)


def test_the_encoder_of_the_shipped_musicvae_is_read_from_its_file(own):
    path, rolls = own("vae"), np.random.default_rng(0).random((3, 64, 13)) < 0.06
    arrays = load(path.read_bytes())
    assert not [name for name in arrays if name.startswith("vae.encoder.")]
    rewards = read_listener(path).rewards(rolls)
    path.write_bytes(save({**arrays, **shipped_encoder()}))
    change_about(path, ("encoder",), None)
    np.testing.assert_array_equal(read_listener(path).rewards(rolls), rewards)


@pytest.mark.parametrize("changed", [True, False])
def test_an_encoder_that_is_not_the_shipped_one_is_written_to_the_file(own, changed):
    path, rolls = own("vae"), np.random.default_rng(0).random((3, 64, 13)) < 0.06
    listener = read_listener(path)
    if changed:
        listener.nets.networks["vae"].encoder.layers[0].bias[0] += 1
    write_listener(path, listener, {})
    assert ("vae.encoder.layers.0.bias" in load(path.read_bytes())) == changed
    np.testing.assert_array_equal(read_listener(path).rewards(rolls), listener.rewards(rolls))


def test_a_listener_of_another_version_of_the_shipped_musicvae_is_refused(own):
    path = own("vae")
    change_about(path, ("encoder",), "0" * 64)
    with pytest.raises(ValueError, match=r"vae\.safetensors: was trained on another version of the model 2bars"):
        read_listener(path)


def test_the_models_that_come_with_the_project_take_at_most_40_mb():
    folders = (models_folder(), models_folder().parents[1] / "vae" / "models")
    assert sum(file.stat().st_size for folder in folders for file in folder.glob("*.safetensors")) <= 40_000_000
