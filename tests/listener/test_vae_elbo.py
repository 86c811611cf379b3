"""The MusicVAE as a listener: the reward is its evidence lower bound on every two bars."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from listener.corpus import rolls_of  # noqa: E402
from listener.vae_elbo import CONSTANT, VaeElbo, sounding  # noqa: E402
from vae.elbo import cross_entropy, kl_divergence  # noqa: E402
from vae.shipped import find_model  # noqa: E402
from vae.tokens import previous_tokens  # noqa: E402

LISTENER = VaeElbo.of_the_project()
C4, SILENT = 60 - 21, 88


def test_a_note_sounds_until_the_next_or_for_two_bars():
    melody = np.full((1, 24), -1, dtype=np.int8)
    melody[0, [1, 3, 4]] = 0, 12, 2
    found = sounding(melody)[0].tolist()
    assert found == [SILENT, C4, C4, C4 + 12, *[C4 + 2] * 16, *[SILENT] * 4]


def test_two_bars_are_rewarded_their_bound_at_their_end():
    melody = np.random.default_rng(0).integers(-1, 13, (2, 28)).astype(np.int8)
    model, _ = find_model(2, "pianoroll", True)
    rewards = LISTENER.rewards(rolls_of(melody))
    assert np.flatnonzero(rewards.any(axis=0)).tolist() == [15, 23]
    for end in (16, 24):
        tokens = torch.from_numpy(np.repeat(sounding(melody[:, :24]), 2, axis=1)[:, 2 * end - 32 : 2 * end])
        with torch.no_grad():
            mean, deviation = model.eval().encode(tokens)
            nats = cross_entropy(model.decoder.teacher_forced(mean, previous_tokens(tokens, 88 + 1)), tokens)
            bound = -nats - kl_divergence(mean, deviation).sum(dim=1)
        np.testing.assert_allclose(rewards[:, end - 1], bound.numpy() + CONSTANT, atol=1e-3)


def test_further_keys_cost_as_much_as_a_token_each_at_the_end_of_their_bar():
    roll = rolls_of(np.random.default_rng(0).integers(0, 6, (1, 16)).astype(np.int8))
    thick = roll.copy()
    thick[0, 2] = False
    thick[0, 2, :3] = True
    assert LISTENER.terms(thick)["further keys"][0].nonzero()[0].tolist() == [7]
    assert LISTENER.terms(thick)["further keys"][0, 7] == pytest.approx(-2 * np.log(14))


def test_noise_is_rewarded_less_than_a_scale():
    scale = np.tile([0, -1, 2, -1, 4, -1, 5, -1, 7, -1, 5, -1, 4, -1, 2, -1], (1, 2)).astype(np.int8)
    noise = np.random.default_rng(0).integers(0, 13, (1, 32)).astype(np.int8)
    totals = LISTENER.rewards(rolls_of(np.concatenate((scale, noise)))).sum(axis=1)
    assert totals[0] > totals[1] + 10
