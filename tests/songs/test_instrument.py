"""Single notes: pitch, partials, and that they begin and end without a click."""

import numpy as np
import pytest

from songs.instrument import RING_SECONDS, tone

RATE = 44100
FREQUENCIES = {21: 27.5, 48: 130.813, 60: 261.626, 64: 329.628, 69: 440.0, 72: 523.251, 84: 1046.502, 108: 4186.009}
"""From any table of note frequencies."""


def spectrum(samples: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))  # bins of 0.08 Hz


@pytest.mark.parametrize("pitch", [60, 64, 69, 72, 84, 108])
def test_a_note_sounds_at_its_pitch(pitch: int) -> None:
    heard = spectrum(tone(pitch)).argmax() * RATE / (1 << 19)
    assert abs(1200 * np.log2(heard / FREQUENCIES[pitch])) < 1


@pytest.mark.parametrize("pitch", [21, 48, 60, 108])
def test_a_note_has_a_partial_at_its_pitch(pitch: int) -> None:
    power, bin_of_pitch = spectrum(tone(pitch)), round(FREQUENCIES[pitch] / RATE * (1 << 19))
    around = power[bin_of_pitch - 20 : bin_of_pitch + 21]
    assert around.argmax() in range(18, 23)
    assert around.max() > 0.1 * power.max()


def test_higher_partials_die_away_first() -> None:
    note, second = tone(60), RATE
    shares = []
    for part in (note[: second // 2], note[second : 3 * second // 2]):
        power = spectrum(part) ** 2
        shares.append(power[round(400 / RATE * (1 << 19)) :].sum() / power.sum())
    assert 0.3 < shares[0] < 0.7
    assert shares[1] < 0.6 * shares[0]


@pytest.mark.parametrize("pitch", [21, 60, 66, 72, 108])
def test_a_note_begins_and_ends_at_zero_and_averages_to_zero(pitch: int) -> None:
    note = tone(pitch)
    assert (note.dtype, len(note)) == (np.float32, round(RING_SECONDS * RATE))
    assert note[0] == 0
    assert np.abs(note[[1, -1]]).max() < 1e-3
    assert abs(note.mean(dtype=np.float64)) < 1e-7
    assert np.abs(note).max() == 1
    assert np.abs(note[: RATE // 4]).max() > 4 * np.abs(note[-RATE // 4 :]).max()


def test_a_slow_rate_holds_at_least_the_first_partial() -> None:
    assert np.abs(tone(108, 16_000)).max() == 1
