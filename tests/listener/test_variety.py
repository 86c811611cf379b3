"""The listener of variety: it wants 9 to 13 different bars of 16, and takes away for each one more or fewer."""

import numpy as np
import pytest

from listener.variety import Variety


def rewards(bars: str) -> np.ndarray:
    """Return the rewards (T,) of a melody, written with a letter a bar, which is one of its notes."""
    roll = np.zeros((len(bars), 8, 13), dtype=bool)
    for bar, letter in enumerate(bars):
        note = ord(letter) - ord("a")
        roll[bar, note % 8, note % 13] = True
    return Variety().rewards(roll.reshape(1, -1, 13))[0]


@pytest.mark.parametrize(
    ("bars", "worth"),
    [
        ("abcdabcdabcdabcd", -5),
        ("abcdefgh" * 2, -1),
        ("abcdefgh" * 1 + "abcdefgi", 0),
        ("abcdefghijklmabc", 0),
        ("abcdefghijklmnop", -3),
        ("abacabac", -1.5),
        ("aaaaaaaaaaaaaaaa", -8),
    ],
)
def test_the_rewards_add_up_to_the_bars_too_few_or_too_many(bars, worth):
    given = rewards(bars)
    assert given.sum() == pytest.approx(worth)
    assert not np.delete(given, np.arange(7, len(given), 8)).any()


def test_the_reward_of_a_bar_is_the_change_of_what_the_bars_so_far_are_worth():
    # 1, 2, 2 of 1, 2, 3 bars; at most 13/16 and at least 9/16 of them should differ
    assert rewards("aba")[[7, 15, 23]].tolist() == pytest.approx([-3 / 16, -3 / 16, 6 / 16])
