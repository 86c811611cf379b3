"""The head on the encoder of a MusicVAE."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from listener.learned.hearing import heard  # noqa: E402
from listener.learned.latent_net import LAGS, Head, LatentNet, LatentOptions, window_tokens  # noqa: E402
from listener.learned.vae_training import _dull  # noqa: E402
from vae.config import ModelConfig  # noqa: E402
from vae.model import make_model  # noqa: E402
from vae.shipped import find_model  # noqa: E402


@pytest.fixture(scope="module")
def net() -> LatentNet:
    """Return the encoder of the project with a head that is not trained."""
    return LatentNet.of(find_model(2, "pianoroll", True)[0])


def melodies(count: int = 6, bars: int = 16) -> np.ndarray:
    generator = np.random.default_rng(0)
    keys = generator.integers(0, 13, (count, 8 * bars))
    return heard(np.where(generator.random(keys.shape) < 0.5, keys, -1).astype(np.int8))


def test_a_repeated_note_shows_as_a_rest_before_it():
    tokens = window_tokens(np.array([[-1, 18, -1, 18, 20, -1, -1, 17]], dtype=np.int8))
    assert tokens.tolist() == [[[88, 88, 46, 46, 46, 88, 46, 46, 48, 48, 48, 48, 48, 48, 45, 45]]]


def test_the_latents_are_those_of_the_encoder(net):
    tokens = torch.from_numpy(window_tokens(melodies()))
    with torch.inference_mode():
        windows = [net.encoder(torch.cat((tokens[:, bar], tokens[:, bar + 1]), dim=1))[0] for bar in range(15)]
    np.testing.assert_allclose(net.latents(melodies()), torch.stack(windows, dim=1).numpy(), atol=1e-5)


@pytest.mark.parametrize("encoder", ["mlp", "lstm"])
def test_every_kind_of_encoder_listens(encoder):
    other = LatentNet.of(make_model(ModelConfig(bars=2, encoder=encoder, encoder_width=32)))
    assert other.latents(melodies(2, 5)).shape == (2, 4, other.config.latent)


def test_a_model_of_other_bars_is_refused():
    with pytest.raises(ValueError, match="models 4 bars as pianoroll; a listener needs 2 bars"):
        LatentNet(ModelConfig(bars=4))


@pytest.mark.parametrize("bars", [1, 2, 7, 13])
def test_a_bar_is_judged_only_by_its_past(net, bars):
    whole = net.judge(melodies(bars=20))
    np.testing.assert_allclose(net.judge(melodies(bars=20)[:, : 8 * bars + 3]), whole[:, :bars], atol=1e-5)
    assert not whole[:, 0].any()


def test_likeness_is_that_of_the_slow_formula():
    torch.manual_seed(0)
    head, latents = Head(5, LatentOptions(similar=3)), torch.randn(2, 9, 5)
    view, found = head.similar(latents), head._likeness(latents)
    for window in range(9):
        same = torch.exp(-(view[:, window, None] - view[:, :window]).square().mean(dim=2))
        for column, lag in enumerate(LAGS):
            expected = same[:, window - lag] if lag <= window else torch.zeros(2)
            torch.testing.assert_close(found[:, window, column], expected)
        before = same[:, : max(0, window - 1)]
        torch.testing.assert_close(found[:, window, -2], before.amax(dim=1) if window > 1 else torch.zeros(2))
        torch.testing.assert_close(found[:, window, -1], before.sum(dim=1) / max(1, window))


def test_the_head_learns_from_dull_players_in_rhythms_of_two_bars_too():
    real = np.full((20, 128), -1, dtype=np.int8)
    made = _dull(real, np.random.default_rng(0))
    assert made.shape == real.shape
    sounds = (made >= 0).reshape(20, 8, 16)
    assert sounds.any(axis=(1, 2)).all()
    assert (sounds == sounds[:, :1]).all()
    assert {len(np.unique(row[row >= 0])) for row in made} >= {2, 8}
