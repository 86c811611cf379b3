"""The learned prior: draws are carried to where the latent vectors of melodies are."""

import torch

from tests.vae.melodies import tiny
from vae.checkpoint import load_model, save_model
from vae.latent_flow import LatentFlow, train_flow
from vae.model import make_model
from vae.sampling import draw_latent


def test_bars_that_belong_together_do_so_in_draws_too():
    """The second bar's vector is the first one's, and all lie around 2: the normal knows neither."""
    generator = torch.Generator().manual_seed(0)
    first = 2 + 0.5 * torch.randn(500, 2, generator=generator)
    means = torch.cat((first, first), dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        flow = LatentFlow(bars=2, latent=4, width=32, layers=1)
    taken: list[int] = []
    steps = train_flow(  # steps, not time: on a busy machine a time may hold too few of them
        flow,
        means,
        torch.full_like(means, 0.01),
        minutes=10,
        learning_rate=0.01,
        report=lambda step, share, loss: taken.append(step),
        interrupted=lambda: len(taken) >= 300,
    )
    carried = flow.carry(torch.randn(400, 4, generator=generator))
    assert steps == 300
    assert (carried.mean(dim=0) - 2).abs().max() < 0.4
    assert (carried[:, :2] - carried[:, 2:]).abs().mean() < 0.4


def test_a_field_without_motion_leaves_draws_where_they_are():
    flow = LatentFlow(bars=2, latent=4, width=8, layers=1)
    torch.nn.init.zeros_(flow.write.weight)
    torch.nn.init.zeros_(flow.write.bias)
    draws = torch.randn(3, 4)
    assert torch.equal(flow.carry(draws), draws)


def test_a_constant_velocity_is_followed_for_one_unit_of_time():
    flow = LatentFlow(bars=2, latent=4, width=8, layers=1)
    torch.nn.init.zeros_(flow.write.weight)
    flow.write.bias.data[:] = torch.tensor([1.0, -2.0])
    moved = flow.carry(torch.zeros(1, 4))
    torch.testing.assert_close(moved, torch.tensor([[1.0, -2.0, 1.0, -2.0]]))


def test_training_stops_when_asked():
    flow = LatentFlow(bars=2, latent=4, width=8, layers=1)
    assert train_flow(flow, torch.zeros(5, 4), torch.ones(5, 4), minutes=10, interrupted=lambda: True) == 0


def test_a_model_keeps_its_prior_in_its_file(tmp_path):
    model = make_model(tiny(prior_layers=1, prior_width=16))
    plain = make_model(tiny())
    assert not torch.equal(draw_latent(model, 2), draw_latent(plain, 2))
    save_model(tmp_path / "m.safetensors", model, {})
    again, _ = load_model(tmp_path / "m.safetensors")
    assert torch.equal(draw_latent(again, 2), draw_latent(model.eval(), 2))
