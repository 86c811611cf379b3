"""The listener for endings: a long last note on the tonic or fifth is worth more than any other ending."""

import numpy as np
import pytest

from listener.ending import Ending

KEYS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, ".": -1}


def rewards(*melodies: str) -> np.ndarray:
    """Return the rewards (B, T) of melodies, written with a letter a step."""
    played = np.array([[KEYS[letter] for letter in melody] for melody in melodies])
    return Ending().rewards(played[..., None] == np.arange(13))


@pytest.mark.parametrize(
    ("last_bar", "worth"),
    [("E.D.C...", 0), ("E.D.G...", 0), ("E.C.D...", -1), ("E.D.G.C.", -1), ("........", 0)],
)
def test_the_rewards_add_up_to_the_worth_of_the_last_bar(last_bar, worth):
    given = rewards("C.EFG.G.C.EFG.C." + last_bar)[0]
    assert given.sum() == worth
    assert not np.delete(given, [7, 15, 23]).any()


def test_in_minor_home_is_the_tonic_of_minor():
    minor = "A.CEA.E.A.CEDCA."
    assert rewards(minor + "E.D.A...", minor + "E.D.D...").sum(axis=1).tolist() == [0, -1]


def test_silence_has_no_ending():
    assert rewards("........")[0].sum() == -1


def test_a_good_ending_between_is_lost_again():
    assert rewards("E.D.C...E.D.D.E.")[0, [7, 15]].tolist() == [0, -1]
