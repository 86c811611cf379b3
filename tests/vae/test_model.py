"""Encoders and decoders: shapes, and that fast implementations agree with obvious ones."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from songs.options import OptionError
from tests.vae.melodies import tiny
from vae.bar_mixing import BarMixing
from vae.config import ModelConfig, ModelError, preset
from vae.elbo import beta_loss, cross_entropy, kl_divergence
from vae.model import make_model, parameter_count
from vae.tokens import previous_tokens

KINDS = {
    "mlp": tiny(),
    "lstm": tiny(encoder="lstm", conductor_layers=2, decoder_layers=2),
    "slots": tiny(bars=4, encoder="bars", conductor="slots"),
    "flat": tiny(decoder="flat", unroll=0),
    "one_hot": tiny(encoder="lstm", embedding=0, unroll=0, feedback="logits"),
    "unrolled": tiny(hear_bar=False),
    "onsets": tiny(representation="onsets"),
    "midilike": tiny(representation="midilike", decoder_layers=2),
}


def tokens(config: ModelConfig, count: int = 3, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).integers(0, config.classes, (count, config.steps)))


@pytest.fixture(params=KINDS)
def model(request):
    model = make_model(KINDS[request.param], seed=1).eval()
    for parameter in model.parameters():  # larger than at the start, so that no two melodies are alike
        parameter.data *= 1.5
    return model


def test_every_kind_describes_and_plays_melodies(model):
    config = model.config
    played = tokens(config)
    logits, mean, deviation = model(played, previous_tokens(played, config.classes), torch.zeros(3, config.latent))
    assert logits.shape == (3, config.steps, config.classes)
    assert mean.shape == deviation.shape == (3, config.latent)
    assert (deviation > 0).all()
    assert model.decoder.free_running(mean).shape == (3, config.steps)


def test_free_running_agrees_with_teacher_forcing_on_its_own_tokens(model):
    config = model.config
    z = torch.randn(5, config.latent, generator=torch.Generator().manual_seed(0)) * 3
    if config.feedback == "logits":
        pytest.skip("it hears its logits, not its tokens")
    played = model.decoder.free_running(z)
    assert len(torch.unique(played)) > 1
    forced = model.decoder.teacher_forced(z, previous_tokens(played, config.classes))
    assert torch.equal(forced.argmax(dim=2), played)
    torch.testing.assert_close(model.decoder.free_running(z, logits=True), forced, atol=1e-4, rtol=1e-4)


def test_a_step_does_not_hear_later_tokens(model):
    config = model.config
    z = torch.randn(1, config.latent, generator=torch.Generator().manual_seed(0))
    first = tokens(config, 1)
    second = first.clone()
    second[0, 20:] = tokens(config, 1, seed=1)[0, 20:]
    forced = [model.decoder.teacher_forced(z, previous_tokens(each, config.classes)) for each in (first, second)]
    assert torch.equal(forced[0][:, :20], forced[1][:, :20]) or config.steps <= 20


def test_the_posterior_does_not_depend_on_the_rest_of_the_batch(model):
    played = tokens(model.config, 4)
    torch.testing.assert_close(model.encode(played)[0][2:3], model.encode(played[2:3])[0], atol=1e-5, rtol=1e-5)


def test_all_parameters_learn(model):
    config = model.config
    played = tokens(config)
    noise = torch.ones(3, config.latent)
    for parameter in model.parameters():
        parameter.data += 0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    logits, mean, deviation = model.train()(played, previous_tokens(played, config.classes), noise)
    beta_loss(cross_entropy(logits, played), kl_divergence(mean, deviation), 0.1).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        if "lstm.weight_ih" not in name or "conductor" not in name:  # the conductor hears nothing, as in MusicVAE
            assert parameter.grad.abs().sum() > 0, name


def test_a_hidden_token_counts_as_missing():
    model = make_model(tiny(embedding=0, encoder="lstm", unroll=0))
    heard = model.decoder.input(torch.tensor([3, 89]))
    assert heard[0].nonzero().tolist() == [[3]]
    assert heard[1].abs().sum() == 0


def test_a_bar_writes_and_reads_its_own_slot_at_first():
    model = make_model(tiny(bars=4, latent=16, encoder="bars", conductor="slots")).eval()
    one = tokens(model.config, 1)
    other = one.clone()
    other[0, 16:32] = (one[0, 16:32] + 1) % 89
    change = (model.encode(one)[0] - model.encode(other)[0])[0].abs()
    assert change[4:8].min() > 0
    assert change[:4].max() == change[8:].max() == 0


def test_bars_hear_each_other_once_the_mixing_has_learned():
    layer = BarMixing(4, 32)
    x = torch.randn(1, 4, 32)
    assert torch.equal(layer(x), x)
    layer.bars_out.weight.data.normal_()
    y = x.clone()
    y[0, 3] += 1
    assert (layer(x) - layer(y))[0, 0].abs().max() > 0


def test_the_same_seed_gives_the_same_parameters_and_leaves_torchs_generator():
    before = torch.random.get_rng_state()
    one, other, third = (make_model(tiny(), seed) for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert not torch.equal(next(one.parameters()), next(third.parameters()))


@pytest.mark.parametrize(("name", "bars"), [("fast", 2), ("fast", 16), ("flat", 16), ("mlp", 4), ("faithful", 2)])
def test_presets_can_be_built(name, bars):
    config = preset(name, bars)
    assert config.bars == bars
    assert ModelConfig.from_dict(config.to_dict()) == config
    assert 1e6 < parameter_count(make_model(config)) < 2e7


def test_the_seeds_size_is_176_million():
    config = preset("seed", 2)
    with torch.device("meta"):
        from vae.model import MusicVAE

        assert round(parameter_count(MusicVAE(config)) / 1e6) == 176


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (dict(latent=10, bars=4, encoder="bars"), "latent is 10: slots need a multiple of the 4 bars"),
        (dict(encoder="cnn"), "encoder = 'cnn': choose one of lstm, mlp, bars"),
        (dict(decoder_width=0), "decoder_width = 0: it must be 1 to 65536"),
        (dict(hear_bar=False, unroll=0), "the decoder would not see the bar embedding"),
        (dict(embedding=0), "encoder is mlp: it needs an embedding"),
    ],
)
def test_a_model_that_cannot_be_is_refused(options, reason):
    with pytest.raises((ModelError, OptionError), match=reason):
        ModelConfig(**options)


def test_unknown_options_are_refused():
    with pytest.raises(OptionError, match="unknown model options: dropout; known are bars"):
        ModelConfig.from_dict({"dropout": 0.1})


def test_the_divergence_is_that_of_two_normals():
    mean, deviation = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 2.0]])
    expected = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0.0, 1.0)
    )
    torch.testing.assert_close(kl_divergence(mean, deviation), expected)
    assert kl_divergence(mean, deviation)[0, 0] == 0


def test_the_cross_entropy_is_summed_over_a_melody():
    logits = torch.zeros(2, 3, 4)
    torch.testing.assert_close(
        cross_entropy(logits, torch.zeros(2, 3, dtype=torch.long)), torch.full((2,), 3 * 1.3862944)
    )
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    picked = functional.log_softmax(logits, dim=2)[0, :, 1].sum()
    torch.testing.assert_close(cross_entropy(logits, torch.ones(2, 3, dtype=torch.long))[0], -picked)


def test_free_bits_cost_nothing():
    nats, kl = torch.tensor([2.0, 4.0]), torch.tensor([[1.0, 1.0], [3.0, 3.0]])
    assert beta_loss(nats, kl, 1.0).item() == 3 + 4
    assert beta_loss(nats, kl, 0.5).item() == 3 + 2
    assert beta_loss(nats, kl, 1.0, free_bits=4 / 0.6931471805599453).item() == pytest.approx(3 + 1)
