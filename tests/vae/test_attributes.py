"""Melodies with more and less of an attribute."""

import numpy as np
import pytest
import torch

from vae.attributes import learn_attribute, move
from vae.sampling import decode, encode
from vae.shipped import find_model
from vae.statistics import figures
from vae.tokens import REST, implied_onsets

C = 39


def melodies(count: int, notes: int, middle: int, seed: int) -> torch.Tensor:
    """Return melodies (count, 32) of some notes a bar, within the seven white keys from `middle`."""
    random = np.random.default_rng(seed)
    scale = middle + np.array([0, 2, 4, 5, 7, 9, 11])
    pitches = random.permuted(np.tile(scale, (count, 3)), axis=1)[:, : 2 * notes]
    return torch.from_numpy(np.repeat(pitches, 16 // notes, axis=1))


def notes_a_bar(tokens: torch.Tensor) -> float:
    roll = tokens.numpy()
    return (implied_onsets(roll) & (roll != REST)).sum() / roll.size * 16


@pytest.mark.parametrize("amount", [-1, 1])
def test_a_melody_gets_a_quarter_more_and_less_dense_and_higher_and_lower(amount):
    model, _ = find_model(2)
    start = encode(model, melodies(1, 4, C, seed=5))[0][0]
    first = decode(model, start[None])
    dense = learn_attribute(model, melodies(8, 8, C, 0), melodies(8, 2, C, 1))
    high = learn_attribute(model, melodies(8, 4, C + 12, 2), melodies(8, 4, C - 12, 3))
    assert amount * (notes_a_bar(move(model, start, dense, amount)) / notes_a_bar(first) - 1) >= 0.25
    moved = move(model, start, high, amount).float()
    assert amount * (moved[moved != REST].mean() - first[first != REST].float().mean()) >= 4


def test_no_amount_changes_nothing():
    model, _ = find_model(2)
    start = encode(model, melodies(1, 4, C, seed=5))[0][0]
    high = learn_attribute(model, melodies(4, 4, C + 12, 2), melodies(4, 4, C - 12, 3))
    assert torch.equal(move(model, start, high, 0.0), decode(model, start[None])[0])


def test_figures_of_a_melody_by_hand():
    roll = np.array([[C, C, C + 4, REST, C, C, REST, REST]])
    found = figures(roll, np.zeros(roll.shape, bool), steps_per_bar=4)[0]
    assert found[:6] == pytest.approx([3 / 2, 3 / 8, C + 4 / 5, 4, 0, 4])
    assert found[6:18].tolist() == pytest.approx([0, 0, 0, 4 / 5, 0, 0, 0, 1 / 5, 0, 0, 0, 0])
    assert found[18:].tolist() == pytest.approx([2 / 3, 0, 0, 0, 1 / 3, 0, 0, 0])
