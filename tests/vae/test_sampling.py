"""Melodies from models, and statistics of sets of melodies."""

import math

import numpy as np
import pytest
import torch

from tests.vae.melodies import tiny
from vae.decoder import draw
from vae.model import make_model
from vae.sampling import affected_bars, decode, encode, infill, interpolate, reconstruct, sample, slerp
from vae.statistics import distances, statistics
from vae.tokens import REST


@pytest.fixture(scope="module")
def model():
    made = make_model(tiny(), seed=2).eval()
    for parameter in made.parameters():
        parameter.data *= 1.5
    return made


def test_the_same_seed_plays_the_same(model):
    assert torch.equal(sample(model, 4, seed=3), sample(model, 4, seed=3))
    assert not torch.equal(sample(model, 4, seed=3), sample(model, 4, seed=4))


def test_without_temperature_the_likeliest_tokens_are_played(model):
    z = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(decode(model, z, 0.0, seed=1), decode(model, z, 0.0, seed=2))
    assert not torch.equal(decode(model, z, 1.0, seed=1), decode(model, z, 1.0, seed=2))
    assert torch.equal(decode(model, z, 1e-4, seed=1), decode(model, z, 0.0))
    with pytest.raises(ValueError, match="the temperature is -1"):
        decode(model, z, -1.0)


def test_temperature_flattens_the_distribution():
    logits = torch.tensor([[2.0, 1.0, 0.0]]).expand(20_000, 3)
    for temperature in (0.5, 1.0, 3.0):
        tokens = draw(logits, temperature, torch.Generator().manual_seed(0))
        shares = np.bincount(tokens.numpy(), minlength=3) / 20_000
        expected = np.exp(np.array([2, 1, 0]) / temperature)
        np.testing.assert_allclose(shares, expected / expected.sum(), atol=0.012)


def test_many_melodies_are_those_of_one_by_one(model):
    z = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(decode(model, z), torch.cat([decode(model, each[None]) for each in z]))


def test_each_reconstruction_is_of_the_one_before(model):
    melody = sample(model, 1, seed=1)
    mean, _ = encode(model, melody)
    again = reconstruct(model, melody, times=3)
    assert torch.equal(again[:1], decode(model, mean))
    mean, deviation = encode(model, again[:1])
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again[1:2], decode(model, mean + deviation * noise))
    assert again.shape == (3, 32)
    with pytest.raises(ValueError, match="melodies of 31 steps: the model takes 32"):
        encode(model, melody[:, 1:])


def test_the_way_between_two_vectors_is_an_arc():
    one, other = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 2.0])
    torch.testing.assert_close(slerp(one, other, 0.0), one)
    torch.testing.assert_close(slerp(one, other, 1.0), other)
    half = slerp(one, other, 0.5)
    torch.testing.assert_close(half, torch.tensor([1.5, 1.5]) / math.sqrt(2))
    torch.testing.assert_close(slerp(one, 3 * one, 0.5), 2 * one)
    torch.testing.assert_close(slerp(one, -one, 0.25), 0.5 * one)


def test_interpolation_begins_and_ends_with_its_ends(model):
    start, end = torch.randn(2, 8, generator=torch.Generator().manual_seed(5))
    melodies = interpolate(model, start, end, steps=3)
    assert melodies.shape == (5, 32)
    assert torch.equal(melodies[:1], decode(model, start[None]))
    assert torch.equal(melodies[-1:], decode(model, end[None]))


def test_the_steps_of_an_interpolation_are_even(model):
    start, end = torch.randn(2, 8, generator=torch.Generator().manual_seed(5))
    way = interpolate(model, start, end, steps=6)
    changes = (way[1:] != way[:-1]).sum(dim=1)
    assert changes.max() - changes.min() <= 2 * 4  # of 32 steps; they come a beat of 4 at a time
    same = interpolate(model, start, start, steps=2)
    assert torch.equal(same, decode(model, start[None]).expand(4, -1))


def test_a_change_in_a_slot_is_heard_in_its_bar_until_bars_are_mixed():
    slots = make_model(tiny(bars=4, latent=16, encoder="bars", conductor="slots", hear_bar=False)).eval()
    for parameter in slots.decoder.parameters():
        parameter.data *= 3
    # a bar hears the last token of the bar before it, so a change may run on, but never back
    assert 0.5 < affected_bars(slots)["mean"] < 4
    slots.decoder.input.table.weight.data.zero_()
    assert affected_bars(slots)["beyond_one"] == 0
    slots.decoder.conductor.mixing[0].bars_out.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    assert affected_bars(slots)["beyond_one"] > 0.5


def test_kept_bars_are_unchanged():
    slots = make_model(tiny(bars=4, latent=16, encoder="bars", conductor="slots", hear_bar=False)).eval()
    melody = torch.randint(0, 89, (1, 64), generator=torch.Generator().manual_seed(0))
    keep = torch.tensor([True, False, False, True])
    made = infill(slots, melody, keep, count=3, temperature=1.0).reshape(3, 4, 16)
    assert (made[:, keep] == melody.reshape(1, 4, 16)[:, keep]).all()
    assert (made[:, ~keep] != melody.reshape(1, 4, 16)[:, ~keep]).any(dim=2).all()
    with pytest.raises(ValueError, match="a model needs a part of the latent vector for each bar"):
        infill(make_model(tiny()).eval(), melody[:, :32], keep[:2])


def test_statistics_of_a_melody_by_hand():
    c, e, f_sharp = 39, 43, 45
    roll = np.array([[c, c, e, REST, c, c, e, REST], [c, f_sharp, f_sharp, f_sharp, REST, REST, REST, REST]])
    onsets = np.zeros(roll.shape, bool)
    onsets[0, 1] = True  # the C is repeated
    found = statistics(roll, onsets, steps_per_bar=4)
    assert found["notes_a_bar"] == (5 + 2) / 4
    assert found["rests"] == 6 / 16
    assert found["in_c"] == (1 + 1 / 4) / 2
    assert found["in_scale"] == 1  # the second melody is in G major
    assert found["changes"] == (5 + 2) / 2
    assert found["different_bars"] == (1 + 2) / 2
    assert found["range"] == (4 + 6) / 2
    assert found["silent"] == 0
    assert found["pitch_classes"][0] == pytest.approx(4 / 7)
    assert found["intervals"][12] == pytest.approx(1 / 5)
    assert found["intervals"][16] == pytest.approx(2 / 5)
    assert found["durations"][:3] == pytest.approx([5 / 7, 1 / 7, 1 / 7])


def test_silence_has_statistics_too():
    found = statistics(np.full((2, 16), REST), np.zeros((2, 16), bool), 16)
    assert (found["notes_a_bar"], found["rests"], found["silent"], found["in_scale"]) == (0, 1, 1, 1)
    assert sum(found["intervals"]) == 0


def test_a_set_is_at_no_distance_from_itself():
    random = np.random.default_rng(0)
    low, high = (random.integers(base, base + 5, (8, 32)) for base in (30, 36))
    one, other = (statistics(roll, np.zeros(roll.shape, bool), 16) for roll in (low, high))
    assert distances(one, one) == {"pitch_classes": 0, "intervals": 0, "durations": 0}
    assert distances(one, other)["pitch_classes"] == pytest.approx(1)
