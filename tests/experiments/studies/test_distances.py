"""Distances that others can compare with: MusPy's metrics, and the Fréchet distance of latent vectors."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.studies.muspy_metrics import NAMES, metrics_of, muspy_metrics
from songs.keyboard import DEFAULT_KEYBOARD, Grid
from songs.piano_roll import roll_from_onsets
from songs.song import Song


def song(*notes: tuple[int, int, float], steps: int = 16, name: str = "tune") -> Song:
    """Return notes, each a step, a pitch and a length, as a song in eighths."""
    onsets = np.array([note[:2] for note in notes], dtype=np.int64).reshape(-1, 2)
    roll = roll_from_onsets(onsets, steps, DEFAULT_KEYBOARD)
    return Song(name, roll, lengths=np.array([note[2] for note in notes], dtype=np.float64))


def test_the_metrics_by_hand():
    # bars: C4 D4 E4+G4 over three eighths, then C4 in the second bar; ends at step 10
    tune = song((0, 60, 2), (2, 62, 2), (4, 64, 2), (4, 67, 1), (8, 60, 2))
    found = metrics_of(tune)
    assert tuple(found) == NAMES
    assert found["pitch_range"] == 7
    assert found["n_pitches_used"] == found["n_pitch_classes_used"] == 4
    assert found["polyphony"] == pytest.approx(9 / 8)  # one of the 8 steps that sound has two
    assert found["polyphony_rate"] == 0, "three pitches or more"
    assert found["scale_consistency"] == 1
    assert found["pitch_entropy"] == pytest.approx(0.4 * np.log2(2.5) + 3 * 0.2 * np.log2(5))
    assert found["empty_beat_rate"] == 0, "MusPy lets the end of a note fill the beat that begins there"
    assert found["empty_measure_rate"] == 0
    assert found["groove_consistency"] == pytest.approx(1 - 2 / 8)


def test_a_note_of_unknown_length_sounds_until_the_next():
    tune = replace(song((0, 60, 1), (6, 72, 1), steps=16), lengths=None)
    known = song((0, 60, 6), (6, 72, 8), steps=16)
    assert metrics_of(tune) == metrics_of(known)


def test_an_empty_bar_and_silence():
    found = metrics_of(song((0, 60, 1), (24, 60, 1), steps=32))
    assert found["empty_measure_rate"] == pytest.approx(2 / 4)
    assert found["empty_beat_rate"] == pytest.approx(11 / 13)
    silence = metrics_of(song(steps=8))
    assert silence["pitch_range"] == silence["n_pitches_used"] == 0
    assert silence["polyphony"] is None


def test_means_leave_out_songs_without_a_value():
    one = song((0, 60, 1), (2, 64, 1))
    assert muspy_metrics([one, song(steps=8)])["polyphony"] == 1
    assert muspy_metrics([song(steps=8)])["groove_consistency"] is None


# the Fréchet distance


def test_the_distance_of_known_normal_distributions():
    from experiments.studies.latent_distance import frechet_distance

    corners = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1.0]]) * np.sqrt(3 / 4)  # covariance: the identity
    assert frechet_distance(corners, corners) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(corners, corners + [3, 4]) == pytest.approx(25)
    assert frechet_distance(corners, 3 * corners) == pytest.approx(2 * (3 - 1) ** 2)
    turned = corners @ np.array([[2.0, 0], [0, 1]]) @ np.array([[0, 1.0], [-1, 0]])
    assert frechet_distance(corners * [2, 1], turned) == pytest.approx(2)
    assert frechet_distance(corners[:1], corners) is None


def test_latent_distances_grow_as_songs_are_shuffled_and_are_the_same_in_every_key():
    pytest.importorskip("torch")
    from experiments.studies.latent_distance import frechet_distance, latent_vectors
    from songs.catalog import read_catalog

    songs = [entry.song for entry in read_catalog() if entry.song][:12]
    generator = np.random.default_rng(0)
    noise = [replace(one, roll=generator.permuted(one.roll, axis=0), lengths=None) for one in songs[1::2]]
    first, second, third = (latent_vectors(group) for group in (songs[::2], songs[1::2], noise))
    assert frechet_distance(first, third) > 1.5 * frechet_distance(first, second)
    wide = [
        replace(one, keyboard=replace(one.keyboard, lowest_pitch=one.keyboard.lowest_pitch - 7)) for one in songs[::2]
    ]
    np.testing.assert_array_equal(latent_vectors(wide), first)
    with pytest.raises(ValueError, match="is in 3/4, but the MusicVAE reads only 4/4 and 2/4"):
        latent_vectors([replace(songs[0], grid=Grid(2, 3))])
