"""Descriptions of rolls, on melodies counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listener.description import count_outside, describe, describe_rolls, longest_shared_run, outside
from listener.melody_features import judged_features
from songs.keyboard import KEYS

KEY_OF = dict(zip("CdDeEFgGaAbBc", range(KEYS), strict=True))


def roll_of(melody: str) -> np.ndarray:
    roll = np.zeros((len(melody), KEYS), dtype=bool)
    for step, name in enumerate(melody):
        if name != ".":
            roll[step, KEY_OF[name]] = True
    return roll


def test_a_melody_that_was_counted_by_hand():
    features = describe(roll_of("C.CEG...E.dC....C.CEG..."))
    assert features == pytest.approx(
        {
            "notes a bar": 11 / 3,
            "rest share": 13 / 24,
            "chord share": 0.0,
            "different keys": 4.0,
            # C five times, E three times, G twice, d once
            "entropy": -sum(n / 11 * np.log2(n / 11) for n in (5, 3, 2, 1)),
            "share in key": 10 / 11,
            "repeated notes": 3 / 10,  # C C, C C and C C across the bar
            "mean interval": (0 + 4 + 3 + 3 + 3 + 1 + 0 + 0 + 4 + 3) / 10,
            "longest gap": 5.0,
            "two-note share": 1 / 9,  # E of E G E
            "loop share": 1.0,  # two bars before: the last bar is the first
        }
    )


def test_a_loop_of_two_notes_is_seen():
    features = describe(roll_of("C.G." * 8))
    assert (features["two-note share"], features["loop share"], features["repeated notes"]) == (1.0, 1.0, 0.0)
    assert (features["different keys"], features["entropy"], features["mean interval"]) == (2.0, 1.0, 7.0)


def test_a_held_note_is_no_loop_of_two():
    features = describe(roll_of("C" * 16))
    assert (features["two-note share"], features["repeated notes"], features["notes a bar"]) == (0.0, 1.0, 8.0)


def test_the_highest_key_of_a_chord_counts_and_the_chord_is_counted():
    roll = roll_of("C.G.")
    roll[0, 4] = True
    features = describe(roll)
    assert (features["chord share"], features["mean interval"], features["different keys"]) == (0.5, 3.0, 2.0)


@pytest.mark.parametrize(("steps", "filled"), [(0, 8), (1, 8), (24, 24)])
def test_silence_is_described_and_filled_up_to_a_bar(steps, filled):
    features = describe(np.zeros((steps, KEYS), dtype=bool))
    assert features.pop("rest share") == features.pop("share in key") == 1
    assert features.pop("longest gap") == filled + 1
    assert features.pop("loop share") == (filled > 8)
    assert set(features.values()) == {0.0}


# Copying


@pytest.mark.parametrize(
    ("played", "steps"),
    [
        ("CDE", 3),  # as it stands
        ("DeF", 2),  # another tune
        ("FGA", 3),  # in another key
        ("G.CDE.G.E", 5),  # with the rests within, not around
        ("..CDE...", 3),
        ("C.D.E", 1),  # another rhythm
        ("....", 0),
    ],
)
def test_the_longest_stretch_that_a_song_has_too(played, steps):
    assert longest_shared_run(roll_of(played), [roll_of("E..A"), roll_of("..CDE.G.....")]) == steps


def test_a_stretch_does_not_run_over_the_end_of_a_song():
    assert longest_shared_run(roll_of("CDEF"), [roll_of("CD"), roll_of("EF")]) == 2
    assert longest_shared_run(roll_of("CD"), []) == 0


def slow_shared_run(played: list[int], song: list[int]) -> int:
    """Look at every pair of stretches."""
    best = 0
    for start in range(len(played)):
        for first in range(len(song)):
            if played[start] < 0 or song[first] < 0:
                continue
            moved = song[first] - played[start]
            for length in range(1, min(len(played) - start, len(song) - first) + 1):
                one, other = played[start + length - 1], song[first + length - 1]
                if (one < 0) != (other < 0) or (one >= 0 and other - one != moved):
                    break
                best = max(best, length if one >= 0 else 0)
    return best


def roll_of_keys(keys: list[int]) -> np.ndarray:
    return np.array([[key == column for column in range(KEYS)] for key in keys]).reshape(-1, KEYS)


@settings(deadline=None)
@given(*[st.lists(st.sampled_from([-1, 0, 2, 4, 5]), min_size=1, max_size=14)] * 2)
def test_the_longest_stretch_equals_a_brute_force_search(played, song):
    assert longest_shared_run(roll_of_keys(played), [roll_of_keys(song)]) == slow_shared_run(played, song)


# Beside real songs


def test_what_lies_outside_the_real_songs_is_named():
    songs = [roll_of(bar * 4) for bar in ("C.D.E.F.", "C.E.G.E.", "G.F.E.D.", "A.G.A.F.")]
    table = describe_rolls([roll_of("CGCGCGCG" * 4)], songs)
    assert table["notes a bar"] == {"mean": 8.0, "low": 4.0, "high": 4.0}
    assert {"notes a bar", "rest share", "mean interval", "two-note share"} <= set(outside(table))
    assert "share in key" not in outside(table)


def test_the_features_of_silence_are_outside_of_music():
    real = judged_features(np.random.default_rng(0).integers(-1, 13, (50, 32)).astype(np.int8))
    silence = judged_features(np.full((1, 32), -1, dtype=np.int8))
    assert np.isfinite(silence).all()
    assert count_outside(silence, real)[0] >= 8
    assert count_outside(real, real).mean() < 2


def test_a_song_is_compared_with_the_others_and_sharing_little_is_no_fault():
    songs = [roll_of("CDEFGABc"), roll_of("CDEFGABc"), roll_of("CDEFGABc")]
    table = describe_rolls([roll_of("C.......")], songs)
    assert table["longest_shared_run"] == {"mean": 1.0, "low": 8.0, "high": 8.0}
    assert "longest_shared_run" not in outside(table)
    assert "longest_shared_run" in outside({"longest_shared_run": {"mean": 9.0, "low": 0.0, "high": 8.0}})
