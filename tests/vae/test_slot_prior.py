"""The learned prior, and the echoes between bars that it samples."""

import numpy as np
import pytest
import torch

from tests.vae.melodies import tiny
from vae.checkpoint import load_model, save_model
from vae.echoes import copy_echoes, find_relations, lags_of, relation_count
from vae.model import make_model
from vae.sampling import draw_latent, sample
from vae.slot_prior import Kept, Melodies, SlotPrior, train_prior
from vae.tokens import REST

A, B, SILENCE = [40, 40, 42, 44], [45, 43, 43, 41], [REST] * 4
LIKE_A, RHYTHM_OF_A = [40, 40, 42, 47], [50, 50, 48, 43]


@pytest.mark.parametrize(
    ("bars", "relations"),
    [
        ([A, B, A, B], [0, 0, 2, 2]),  # 1 to 3: exact, of 1 to 3 bars before
        ([A, A, A, B], [0, 1, 2, 0]),  # two bars before goes before one
        ([A, B, LIKE_A, B], [0, 0, 5, 2]),  # 4 to 6: varied
        ([A, RHYTHM_OF_A, B, A], [0, 7, 0, 3]),  # 7 to 9: in rhythm
        ([SILENCE, SILENCE, A, B], [0, 1, 0, 0]),
    ],
)
def test_relations_are_those_of_bars_by_hand(bars, relations):
    roll = np.array(bars).reshape(1, -1)
    found = find_relations(roll, np.zeros(roll.shape, bool), 4)
    assert found.tolist() == [relations]
    assert relation_count(4) == 10


def test_exact_echoes_are_copies_and_others_are_not():
    tokens = torch.arange(8)[None]  # 4 bars of 2 steps
    assert copy_echoes(tokens, torch.tensor([[0, 1, 5, 2]])).tolist() == [[0, 1, 0, 1, 4, 5, 0, 1]]
    assert lags_of(torch.tensor([0, 1, 3, 4, 9]), 4).tolist() == [0, 1, 3, 1, 3]


def small_prior(bars: int = 2, latent: int = 4) -> SlotPrior:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SlotPrior(bars, latent, width=32, layers=1)


def test_an_echoed_bar_is_drawn_like_the_one_it_echoes_and_how_often_is_learned():
    """Three of four melodies have a second bar like the first, the others an independent one; all lie around 2."""
    generator = torch.Generator().manual_seed(0)
    first, other = 2 + 0.5 * torch.randn(2, 800, 2, generator=generator)
    echo = torch.rand(800, generator=generator) < 0.75
    means = torch.stack((first, torch.where(echo[:, None], first, other)), dim=1)
    relations = torch.stack((torch.zeros(800, dtype=torch.int64), echo.long()), dim=1)
    melodies = Melodies(means, torch.full_like(means, 0.01), relations)
    prior, taken = small_prior(), []

    def enough() -> bool:  # steps, not time: on a busy machine a time may hold too few of them
        taken.append(1)
        return len(taken) >= 250

    figures = train_prior(prior, melodies, melodies, minutes=10, learning_rate=0.01, interrupted=enough)
    assert figures["steps"] == 250
    codes, drawn = prior.draw(1000, torch.Generator().manual_seed(1))
    assert (codes.mean(dim=(0, 1)) - 2).abs().max() < 0.2
    assert abs(drawn[:, 1].float().mean() - 0.75) < 0.08
    apart = (codes[:, 0] - codes[:, 1]).abs().mean(dim=1)
    assert apart[drawn[:, 1] == 1].mean() < 0.25
    assert apart[drawn[:, 1] == 0].mean() > 0.4


def test_a_bar_hears_no_later_one():
    prior = small_prior(bars=4, latent=8).eval()
    for parameter in prior.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=torch.Generator().manual_seed(0))
    keep = torch.tensor([False, False, True, False])
    draws = []
    for value in (0.0, 5.0):
        kept = Kept(keep, torch.full((4, 2), value), torch.zeros(4, dtype=torch.int64))
        draws.append(prior.draw(3, torch.Generator().manual_seed(2), kept))
    (one, relations), (other, _) = draws
    assert torch.equal(one[:, :2], other[:, :2])
    assert (one[:, 2] == 0).all()
    assert (other[:, 2] == 5).all()
    assert not torch.equal(one[:, 3], other[:, 3])
    assert (lags_of(relations, 4) <= torch.arange(4)).all()


def test_a_model_keeps_its_prior_in_its_file_and_copies_its_echoes(tmp_path):
    model = make_model(tiny(bars=4, prior_layers=1, prior_width=16)).eval()
    model.prior.form_out.bias.data[2] = 50.0  # every bar but the first two repeats that of two bars before
    plain = make_model(tiny(bars=4))
    assert not torch.equal(draw_latent(model, 2), draw_latent(plain, 2))
    save_model(tmp_path / "m.safetensors", model, {})
    again, _ = load_model(tmp_path / "m.safetensors")
    assert torch.equal(draw_latent(again, 2), draw_latent(model, 2))
    bars = sample(again, 3, temperature=1.0).reshape(3, 4, -1)
    assert torch.equal(bars[:, 2:], bars[:, :2])
