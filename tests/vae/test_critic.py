"""The critic of samples from a prior."""

import numpy as np
import torch

from tests.vae.melodies import tiny
from vae.critic import FIGURES, Critic, form_figures, train_critic
from vae.model import make_model
from vae.sampling import sample, sample_unchosen
from vae.statistics import figures

PITCH = 2
"""Index of the mean pitch among the figures."""


def test_figures_of_repeated_bars_by_hand():
    a, b = [40, 40, 42, 42], [45, 45, 47, 47]
    roll = np.array([a + b + a + a])
    found = form_figures(roll, np.zeros(roll.shape, bool), steps_per_bar=4)[0]
    assert found.shape == (FIGURES,)
    torch.testing.assert_close(found[:26].double(), torch.from_numpy(figures(roll, np.zeros(roll.shape, bool), 4)[0]))
    leaps, gaps, same = found[26:39].tolist(), found[39:55].tolist(), found[55:]
    assert [number for number, share in enumerate(leaps) if share] == [2, 3, 7]
    assert gaps[1] == 1  # every note begins two steps after the one before
    torch.testing.assert_close(same, torch.tensor([1 / 3, 1 / 2, 0, 0, 1, 1, 0, 0, 1 / 2]))


def test_a_critic_learns_to_tell_draws_from_real_melodies():
    generator = torch.Generator().manual_seed(0)
    real, drawn = torch.randn(2, 1000, FIGURES, generator=generator)
    drawn[:, 7] += 3
    critic = Critic()
    train_critic(critic, real[:900], drawn[:900])
    with torch.no_grad():
        right = (critic(real[900:])[:, None] > critic(drawn[900:])[None]).float().mean()
    assert right > 0.9


def test_samples_are_chosen_by_the_odds_of_the_critic():
    model = make_model(tiny(prior_layers=1, prior_width=16)).eval()
    likes_high = model.prior.critic
    for parameter in likes_high.parameters():
        torch.nn.init.zeros_(parameter)
    likes_high.mean[PITCH] = 44.0
    likes_high.layers[1].weight.data[0, PITCH], likes_high.layers[1].bias.data[0] = 1.0, 6.0
    likes_high.layers[4].weight.data[0, 0] = 20.0
    chosen, all_draws = sample(model, 20, 1.0, seed=1), sample_unchosen(model, 160, 1.0, seed=1)
    heights = [figures(*model.config.form.read(each.numpy()), 16)[:, PITCH].mean() for each in (chosen, all_draws)]
    assert heights[0] > heights[1] + 1
    assert torch.equal(chosen, sample(model, 20, 1.0, seed=1))
