"""Model files: written models are read back, and invalid files are refused with a reason."""

import json

import pytest
import torch
from safetensors.torch import save_file

from tests.vae.melodies import tiny
from vae.checkpoint import load_model, save_model
from vae.config import ModelError
from vae.model import make_model
from vae.shipped import find_model


def test_what_is_written_is_read_back(tmp_path):
    model = make_model(tiny(), seed=5)
    save_model(tmp_path / "m.safetensors", model, {"name": "m", "steps": 3})
    again, about = load_model(tmp_path / "m.safetensors")
    assert again.config == model.config
    assert (about["name"], about["steps"], about["format"]) == ("m", 3, "kuznechik vae")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert not again.training


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_half_as_large_and_read_as_float32(tmp_path, dtype):
    model = make_model(tiny())
    save_model(tmp_path / "full.safetensors", model, {})
    save_model(tmp_path / "half.safetensors", model, load_model(tmp_path / "full.safetensors")[1], dtype)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.65 * sizes[0]
    half, about = load_model(tmp_path / "half.safetensors")
    assert about["dtype"] == dtype
    for one, other in zip(model.parameters(), half.parameters(), strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, atol=1e-2, rtol=1e-2)


def test_a_model_of_another_shape_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, make_model(tiny()), {})
    head = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**head, "model": {**head["model"], "latent": 9}}))
    with pytest.raises(ModelError, match=r"has the shape .*: it is a model of another size"):
        load_model(path)
    path.with_suffix(".json").write_text(json.dumps({**head, "model": {**head["model"], "encoder_layers": 3}}))
    with pytest.raises(ModelError, match=r"has no parameter encoder.layers.6.bias"):
        load_model(path)
    path.with_suffix(".json").write_text(json.dumps({**head, "model": {**head["model"], "unroll": 0}}))
    with pytest.raises(ModelError, match="another size|has a parameter decoder.unroll"):
        load_model(path)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    save_model(path, make_model(tiny()), {})
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(ModelError, match=r"m.safetensors: is damaged or cut off"):
        load_model(path)
    path.write_bytes(whole)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(ModelError, match=r"m.json: is broken"):
        load_model(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"m.json: is missing; it describes the model"):
        load_model(path)
    path.with_suffix(".json").write_text("[]")
    with pytest.raises(ModelError, match="does not describe a 'kuznechik vae' model"):
        load_model(path)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no such model"):
        load_model(tmp_path / "m.safetensors")
    with pytest.raises(ModelError, match=r"m.tar: not a .safetensors file; .* import-checkpoint"):
        load_model(tmp_path / "m.tar")
    save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"x.json: is missing"):
        load_model(tmp_path / "x.safetensors")


def test_a_model_is_found_by_its_properties(tmp_path):
    save_model(tmp_path / "best" / "model.safetensors", make_model(tiny()), {})
    assert find_model(2, "pianoroll", True, tmp_path)[0].config.bars == 2
    with pytest.raises(ModelError, match="is of 2 bars as pianoroll, not of 4 bars as pianoroll"):
        find_model(4, "pianoroll", True, tmp_path)
    with pytest.raises(ModelError, match="no model 8bars-onsets-allkeys comes with the project"):
        find_model(8, "onsets", False)


# models that came from anywhere

SPLITS = {name: {"pieces": 1, "windows": 1, "unique": 1} for name in ("train", "validation", "test")}
DATA = {"bars": 2, "representation": "pianoroll", "transposed": True, "sources": ["a"], "pieces": 3, "splits": SPLITS}
TOLD = {
    "name": "m",
    "commands": [["kuznechik", "vae"]],
    "steps": 3,
    "data": DATA,
    "training": {"batch": 8, "minutes": 0.0},
    "validation": {"loss": 1.5, "train_loss": None},
    "provenance": {"versions": {"torch": None}},
}


@pytest.fixture
def model(tmp_path):
    """Return the path of a model."""
    path = tmp_path / "m.safetensors"
    save_model(path, make_model(tiny()), TOLD)
    return path


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": 3}, "name is 3"),
        ({"commands": 1e308}, r"commands is 1e\+308"),
        ({"commands": [["a", 5]]}, r"commands\[0\]\[1\] is 5"),
        ({"steps": "x"}, "steps is 'x'"),
        ({"data": [1]}, r"data is \[1\]"),
        ({"data": {**DATA, "sources": -1}}, "sources is -1"),
        ({"data": {**DATA, "splits": {}}}, "splits.train is missing"),
        ({"training": "fast"}, "training is 'fast'"),
        ({"training": {"batch": -1}}, "batch = -1: it must be 1 to 1e.06"),
        ({"validation": [1]}, r"validation is \[1\]"),
        ({"validation": {"loss": "x"}}, "validation.loss is 'x'"),
        ({"provenance": {}}, "provenance.versions is missing"),
        ({"provenance": {"versions": {"torch": float("inf")}}}, "not JSON compliant"),
        ({"model": None}, "model = None: it must be a table"),
        ({"model": {**tiny().to_dict(), "hear_bar": [[]]}}, r"hear_bar = \[\[\]\]: it must be true or false"),
        ({"model": {**tiny().to_dict(), "decoder_width": 0.5}}, "decoder_width = 0.5: it must be a whole number"),
        ({"model": {**tiny().to_dict(), "encoder_layers": 65}}, "encoder_layers = 65: it must be 0 to 64"),
        ({"model": {**tiny().to_dict(), "conductor": "x" * 1000}}, "conductor = 'xxx"),
    ],
)
def test_a_json_that_says_something_else_is_broken(model, change, reason):
    beside = model.with_suffix(".json")
    beside.write_text(json.dumps({**json.loads(beside.read_text()), **change}))
    with pytest.raises(ModelError, match=rf"m.json: is broken: .*{reason}") as error:
        load_model(model)
    assert len(str(error.value)) < 400 + len(str(beside))


def test_a_model_that_would_need_more_memory_than_there_is_is_not_made(model):
    beside = model.with_suffix(".json")
    huge = {**tiny().to_dict(), "encoder_width": 65_536, "encoder_layers": 64, "decoder_width": 65_536}  # 1 TB
    beside.write_text(json.dumps({**json.loads(beside.read_text()), "model": huge}))
    with pytest.raises(ModelError, match=r"m.safetensors: .*: it is (a model of another size|another kind of model)"):
        load_model(model)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_parameter_that_is_no_number_is_damaged(tmp_path, value):
    odd = make_model(tiny())
    with torch.no_grad():
        odd.decoder.output.bias[0] = value
    save_model(tmp_path / "m.safetensors", odd, TOLD)
    with pytest.raises(ModelError, match=r"m.safetensors: is damaged: decoder.output.bias holds values that are not"):
        load_model(tmp_path / "m.safetensors")
