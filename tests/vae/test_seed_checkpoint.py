"""Checkpoints of the thesis project: a slow version of its formulas gives the same numbers; nothing is executed."""

import os
import pickle
import subprocess
import sys
import warnings
import zipfile

import pytest
import torch

from vae.config import ModelError
from vae.seed_checkpoint import import_checkpoint
from vae.tokens import previous_tokens

ENCODER, LATENT, CONDUCTOR, DECODER = 5, 4, 6, 7
BARS, STEPS = 2, 32


def seed_state(classes: int = 89, seed: int = 0) -> dict[str, torch.Tensor]:
    """Parameters with the thesis project's names, for narrow layers."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {}

    def lstm(name: str, inputs: int, width: int, suffix: str) -> None:
        shapes[f"{name}.weight_ih{suffix}"] = (4 * width, inputs)
        shapes[f"{name}.weight_hh{suffix}"] = (4 * width, width)
        shapes[f"{name}.bias_ih{suffix}"] = shapes[f"{name}.bias_hh{suffix}"] = (4 * width,)

    def linear(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (outputs, inputs), (outputs,)

    for direction in ("", "_reverse"):
        lstm("lstm_1", classes, ENCODER, f"_l0{direction}")
        lstm("lstm_1", 2 * ENCODER, ENCODER, f"_l1{direction}")
    linear("fc_mean", 2 * ENCODER, LATENT)
    linear("fc_std_deviation", 2 * ENCODER, LATENT)
    linear("fc_2", LATENT, 4 * CONDUCTOR)
    lstm("lstm_conductor", 1, CONDUCTOR, "_l0")
    lstm("lstm_conductor", CONDUCTOR, CONDUCTOR, "_l1")
    linear("fc_3", CONDUCTOR, 4 * DECODER)
    lstm("lstm_l2_decoder_cell_1", CONDUCTOR + classes, DECODER, "")
    lstm("lstm_l2_decoder_cell_2", DECODER, DECODER, "")
    linear("fc_4", DECODER, classes)
    return {name: 0.7 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def cell(state, name, suffix, x, h, c):
    """One step of an LSTM cell, as in the textbook."""
    gates = x @ state[f"{name}.weight_ih{suffix}"].T + state[f"{name}.bias_ih{suffix}"]
    gates = gates + h @ state[f"{name}.weight_hh{suffix}"].T + state[f"{name}.bias_hh{suffix}"]
    into, keep, new, out = gates.chunk(4)
    c = torch.sigmoid(keep) * c + torch.sigmoid(into) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(c), c


def linear(state, name, x):
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def slow_encode(state, melody):
    """Mean and deviation of one melody (T, classes)."""
    layer = list(melody)
    for number in (0, 1):
        outs = []
        for suffix, steps in (("", range(STEPS)), ("_reverse", range(STEPS - 1, -1, -1))):
            h = c = torch.zeros(ENCODER)
            out = [None] * STEPS
            for step in steps:
                h, c = cell(state, "lstm_1", f"_l{number}{suffix}", layer[step], h, c)
                out[step] = h
            outs.append((out, h))
        layer = [torch.cat(pair) for pair in zip(outs[0][0], outs[1][0], strict=True)]
    last = torch.cat((outs[0][1], outs[1][1]))
    return linear(state, "fc_mean", last), torch.log1p(torch.exp(linear(state, "fc_std_deviation", last)))


def slow_decode(state, z, melody=None):
    """Logits (T, classes) of one vector; the true steps (T, classes) are given, or its own logits fed back."""
    h1, h2, c1, c2 = torch.tanh(linear(state, "fc_2", z)).chunk(4)
    classes = len(state["fc_4.bias"])
    previous, logits = torch.zeros(classes), []
    for _ in range(BARS):
        h1, c1 = cell(state, "lstm_conductor", "_l0", torch.zeros(1), h1, c1)
        h2, c2 = cell(state, "lstm_conductor", "_l1", h1, h2, c2)
        d1, d2, e1, e2 = torch.tanh(linear(state, "fc_3", h2)).chunk(4)
        for _ in range(STEPS // BARS):
            d1, e1 = cell(state, "lstm_l2_decoder_cell_1", "", torch.cat((h2, previous)), d1, e1)
            d2, e2 = cell(state, "lstm_l2_decoder_cell_2", "", d1, d2, e2)
            logits.append(linear(state, "fc_4", d2))
            previous = logits[-1] if melody is None else melody[len(logits) - 1]
    return torch.stack(logits)


def write(path, state, key="last_vae_state_dict"):
    torch.save({"epochs": 3, key: state}, path)
    return path


@pytest.mark.parametrize("classes", [89, 90])
def test_an_imported_checkpoint_gives_the_numbers_of_the_seeds_formulas(tmp_path, classes):
    state = seed_state(classes)
    model = import_checkpoint(write(tmp_path / "vae.tar", state), BARS)
    assert model.config.representation == {89: "pianoroll", 90: "midilike"}[classes]
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(0, classes, (3, STEPS), generator=generator)
    melodies = torch.nn.functional.one_hot(tokens, classes).float()
    mean, deviation = model.encode(tokens)
    forced = model.decoder.teacher_forced(mean, previous_tokens(tokens, classes))
    free = model.decoder.free_running(mean, logits=True)
    for number, melody in enumerate(melodies):
        slow_mean, slow_deviation = slow_encode(state, melody)
        close = dict(atol=1e-4, rtol=0)
        torch.testing.assert_close(mean[number], slow_mean, **close)
        torch.testing.assert_close(deviation[number], slow_deviation, atol=2e-4, rtol=0)  # ours is at least 1e-4
        torch.testing.assert_close(forced[number], slow_decode(state, slow_mean, melody), **close)
        torch.testing.assert_close(free[number], slow_decode(state, slow_mean), **close)


def test_the_best_state_can_be_taken(tmp_path):
    path = write(tmp_path / "vae.tar", seed_state(), "best_vae_state_dict")
    assert import_checkpoint(path, BARS, "best_vae_state_dict").config.latent == LATENT
    with pytest.raises(ModelError, match="holds no 'last_vae_state_dict'; it has: best_vae_state_dict, epochs"):
        import_checkpoint(path, BARS)


class Malicious:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_malicious_pickle_is_never_executed(tmp_path):
    marker = tmp_path / "executed"
    attack = Malicious(f"touch {marker}")
    for name, content in (("zip.tar", "torch"), ("raw.tar", "pickle")):
        path = tmp_path / name
        state = {**seed_state(), "fc_2.bias": attack}
        if content == "torch":
            torch.save({"last_vae_state_dict": state}, path)
        else:
            path.write_bytes(pickle.dumps({"last_vae_state_dict": attack}, protocol=2))
        with pytest.raises(ModelError, match=rf"{name}: holds more than arrays, or is damaged; nothing of it was exec"):
            import_checkpoint(path, BARS)
        assert not marker.exists()
    subprocess.run([sys.executable, "-c", f"import pickle; pickle.load(open({str(path)!r}, 'rb'))"], check=True)
    assert marker.exists()  # the attack is a real one


def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no such checkpoint"):
        import_checkpoint(tmp_path / "none.tar", BARS)
    path = write(tmp_path / "cut.tar", seed_state())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ModelError, match=r"cut.tar: (is no checkpoint of torch, or is cut off|holds more than arrays)"):
        import_checkpoint(path, BARS)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"cut.tar: "):
        import_checkpoint(path, BARS)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"fc_5.weight": torch.zeros(2)},
            "'fc_5.weight', which the thesis project's model does not have",
        ),
        ({"fc_2.bias": torch.zeros(3)}, r"fc|first_states.bias has the shape \(3,\), not \(24,\)"),
        ({"fc_4.weight": torch.zeros(77, DECODER)}, "has 77 classes"),
        ({"fc_4.weight": 3}, "'fc_4.weight' is no array"),
        ({"fc_3.bias": None}, "no array"),
    ],
)
def test_a_checkpoint_of_another_shape_is_refused(tmp_path, change, reason):
    with pytest.raises(ModelError, match=reason):
        import_checkpoint(write(tmp_path / "vae.tar", {**seed_state(), **change}), BARS)


def nested() -> torch.Tensor:
    with warnings.catch_warnings(action="ignore"):  # they are a prototype
        return torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])


HOSTILE = {
    "stride 0": lambda bias: torch.zeros(1).expand(10**9),
    "strides that overlap": lambda bias: torch.zeros(24).as_strided((12, 12), (1, 1)),
    "meta": lambda bias: bias.to("meta"),
    "sparse": lambda bias: bias.to_sparse(),
    "quantised": lambda bias: torch.quantize_per_tensor(bias, 0.1, 0, torch.qint8),
    "nested": lambda bias: nested(),
    "float8": lambda bias: bias.to(torch.float8_e4m3fn),
    "complex": lambda bias: bias.to(torch.complex64),
    "integers": lambda bias: bias.long(),
}


@pytest.mark.filterwarnings("ignore:.*quantiz")
@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_dense_array_of_floats_is_refused(tmp_path, kind):
    state = seed_state()
    path = write(tmp_path / "vae.tar", {**state, "fc_2.bias": HOSTILE[kind](state["fc_2.bias"])})
    with pytest.raises(ModelError, match=r"vae\.tar: .*(is no array of floats|is no checkpoint of torch)"):
        import_checkpoint(path, BARS)


def test_a_name_that_is_a_number_is_refused(tmp_path):
    with pytest.raises(ModelError, match="1 is no array of floats"):
        import_checkpoint(write(tmp_path / "vae.tar", {**seed_state(), 1: torch.zeros(2)}), BARS)


def test_arrays_that_share_their_numbers_are_no_more_than_the_file_has(tmp_path):
    shared = torch.zeros(4 * 1000, 1000)
    state = {**seed_state(), "lstm_1.weight_hh_l0": shared, "lstm_1.weight_hh_l1": shared}
    with pytest.raises(ModelError, match="is shorter than the arrays that it announces"):
        import_checkpoint(write(tmp_path / "vae.tar", state), BARS)


def test_a_checkpoint_that_would_unpack_to_more_is_not_read(tmp_path):
    path = write(tmp_path / "vae.tar", {**seed_state(), "fc_2.bias": torch.zeros(10**6)})
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(tmp_path / "bomb.tar", "w", zipfile.ZIP_DEFLATED) as bomb:
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry))
    with pytest.raises(ModelError, match="bomb.tar: is no checkpoint of torch, .*: it would unpack to more than it is"):
        import_checkpoint(tmp_path / "bomb.tar", BARS)


def test_a_missing_parameter_is_named(tmp_path):
    state = seed_state()
    del state["fc_3.bias"]
    with pytest.raises(ModelError, match="has no parameter decoder.first_states.bias"):
        import_checkpoint(write(tmp_path / "vae.tar", state), BARS)
