"""Figures of form: values computed by hand, and that they depend only on the past."""

import numpy as np
import pytest

pytest.importorskip("torch")

from listener.learned.form import FIGURES, form_figures
from listener.learned.form_net import FormNet
from listener.learned.form_training import FAMILIES, wrong_form
from listener.learned.hearing import FIRST, PITCHES, heard
from listener.markov import MarkovChain
from listener.theory import REST

A, B = [0, -1, 2, -1, 4, -1, 5, -1], [7, -1, -1, -1, 7, -1, 4, -1]


def melodies(count: int = 20, bars: int = 16, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    keys = generator.integers(0, 13, (count, 8 * bars))
    return np.where(generator.random(keys.shape) < 0.6, keys, REST).astype(np.int8)


def test_there_are_as_many_figures_as_the_network_reads():
    assert form_figures(melodies()).shape == (20, 16, FIGURES)
    assert np.isfinite(form_figures(np.full((2, 128), REST, dtype=np.int8))).all()


@pytest.mark.parametrize("bars", [1, 3, 7, 12, 16])
def test_figures_depend_only_on_the_past(bars):
    real = melodies(bars=20)
    np.testing.assert_allclose(form_figures(real[:, : 8 * bars]), form_figures(real)[:, :bars], atol=1e-6)


def test_equal_bars_are_counted_by_their_lag():
    figures = form_figures(np.array([A + B + A + A], dtype=np.int8))[0]
    exact, rhythm, notes = figures[:, 0], figures[:, 1], figures[:, 2]  # at lag 1, the mean so far
    assert exact.tolist() == [0, 0, 0, 0.25]
    assert rhythm.tolist() == [0, 0, 0, 0.25]
    # no note in common: C D E F against G G E
    assert notes.tolist() == pytest.approx([0, 0, 0, 0.25])
    transposed = np.array([A + [key + 2 if key >= 0 else -1 for key in A]], dtype=np.int8)
    assert form_figures(transposed)[0, 1, :4].tolist() == [0, 0.5, 0, 0.5]  # equal rhythm and contour


def test_a_transposed_melody_has_the_same_figures_as_it_is_heard():
    real = melodies()
    np.testing.assert_array_equal(
        form_figures(heard(real)), form_figures(heard(real + 30 * (real != REST).astype(np.int8)))
    )


def test_melodies_are_heard_from_their_first_note():
    melody = np.array([[-1, 60, 62, 48, 30, 97, 78, 79]], dtype=np.int8)
    assert heard(melody)[0].tolist() == [-1, FIRST, 20, 6, 0, 19 + 12, 36, 25]
    wide = np.random.default_rng(0).integers(-1, 88, (50, 40)).astype(np.int8)
    found = heard(wide)
    assert (found.min(), found.max()) == (-1, PITCHES - 1)
    assert (((found - wide) % 12)[wide != REST].reshape(-1) >= 0).all()
    for one, other in zip(wide, found, strict=True):
        assert len({(b - a) % 12 for a, b in zip(one, other, strict=True) if a != REST}) == 1


def test_wrong_form_changes_nearly_every_song():
    real = np.tile(melodies(bars=4), (1, 4))
    chain = MarkovChain(real, 3)
    found = wrong_form(chain, np.tile(real, (10, 1)), np.random.default_rng(0))
    assert (found != np.tile(real, (10, 1))).any(axis=1).mean() > 0.7  # a loop of a loop changes nothing
    assert (found.min(), found.max()) == (-1, 12)
    assert len(FAMILIES) == 16


def test_the_network_reads_figures_on_their_scale():
    net = FormNet().eval()
    real = melodies(200)
    net.scale_by(real)
    scaled = (form_figures(real) - net.mean.numpy()) / net.deviation.numpy()
    np.testing.assert_allclose(scaled.mean(axis=(0, 1)), 0, atol=1e-4)
    assert (scaled.std(axis=(0, 1)) < 1.01).all()
