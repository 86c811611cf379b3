import itertools
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songs.keyboard import KEYS
from songs.synth import LIMIT, NOTE_PEAK, RING_SECONDS, render, step_seconds, tone, write_wav

RATE = 44100
FREQUENCIES = (
    *(261.626, 277.183, 293.665, 311.127, 329.628, 349.228, 369.994),
    *(391.995, 415.305, 440.000, 466.164, 493.883, 523.251),
)  # C4 to C5 in equal temperament, from any table of note frequencies


def roll_with(onsets: list[tuple[int, int]], steps: int) -> np.ndarray:
    roll = np.zeros((steps, KEYS), dtype=bool)
    for step, key in onsets:
        roll[step, key] = True
    return roll


def loudest_frequency(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
    return spectrum.argmax() * RATE / (1 << 19)  # bins of 0.08 Hz, half a cent at C4


@pytest.mark.parametrize("key", range(KEYS))
def test_every_key_sounds_at_its_pitch(key: int) -> None:
    heard = loudest_frequency(render(roll_with([(0, key)], 1)))
    assert abs(1200 * np.log2(heard / FREQUENCIES[key])) < 1


def test_each_note_of_a_melody_sounds_at_its_pitch() -> None:
    samples = render(roll_with([(0, 9), (4, 4), (8, 8)], 12))
    for start, frequency in ((0.0, 440.000), (1.0, 329.628), (2.0, 415.305)):
        note = samples[round((start + 0.15) * RATE) : round((start + 0.95) * RATE)]  # its neighbour is faint
        assert abs(1200 * np.log2(loudest_frequency(note) / frequency)) < 2


def test_a_note_starts_with_its_step() -> None:
    samples = render(roll_with([(3, 9)], 8))
    start = round(0.75 * RATE)  # three eighth notes at 120 beats a minute
    assert not samples[: start + 1].any()
    assert np.abs(samples[start : start + round(0.01 * RATE)]).max() > NOTE_PEAK / 2


def test_onsets_do_not_drift_when_a_step_is_no_whole_number_of_samples() -> None:
    samples = render(roll_with([(999, 0)], 1000), tempo_bpm=130, steps_per_beat=4)
    start = 999 * 60 / (130 * 4) * RATE  # a step lasts 5088.46 samples
    assert abs(np.flatnonzero(samples)[0] - start) < 2


def test_a_note_is_over_after_the_ring() -> None:
    samples = render(roll_with([(0, 5)], 8))
    assert np.abs(samples[round(0.6 * RATE) : round(0.7 * RATE)]).max() > NOTE_PEAK / 20
    assert not samples[round(RING_SECONDS * RATE) :].any()


def test_the_last_note_is_not_cut() -> None:
    np.testing.assert_array_equal(render(roll_with([(0, 5)], 1))[: len(tone(5))], tone(5))
    assert abs(render(roll_with([(7, 5)], 8))[-1]) == 0


def test_a_chord_is_the_sum_of_its_notes() -> None:
    chord = render(roll_with([(0, 0), (0, 4)], 1))
    np.testing.assert_allclose(chord[: len(tone(0))], tone(0) + tone(4), atol=1e-6)


@pytest.mark.parametrize("tempo_bpm", [90, 113, 120, 171, 240, 400])
@pytest.mark.parametrize("key", [0, 7, 12])
def test_a_key_struck_again_does_not_click(key: int, tempo_bpm: float) -> None:
    jumps = np.abs(np.diff(tone(key)))
    samples = render(roll_with([(0, key), (1, key)], 2), tempo_bpm)
    start = round(step_seconds(tempo_bpm) * RATE)
    around = np.abs(np.diff(samples[start - 50 : start + 1000]))
    assert around.max() < 1.2 * jumps.max()


def test_a_key_struck_again_sounds_alone_after_10_ms() -> None:
    samples = render(roll_with([(0, 3), (2, 3)], 3))
    start = round(0.5 * RATE)
    after = samples[start + round(0.01 * RATE) : start + len(tone(3))]
    np.testing.assert_array_equal(after, tone(3)[round(0.01 * RATE) :])


def test_a_tone_starts_and_ends_without_a_jump_and_averages_to_zero() -> None:
    for key in range(KEYS):
        note = tone(key)
        assert note[0] == 0
        assert np.abs(note[[1, -1]]).max() < 1e-4
        assert abs(note.mean(dtype=np.float64)) < 1e-8
        assert np.abs(np.diff(note)).max() < 0.06  # 0.35 * 2 pi * 523 / 44100 is 0.026, plus the partials


def test_silence_is_exactly_zero() -> None:
    samples = render(np.zeros((16, KEYS), dtype=bool))
    assert samples.dtype == np.float32
    assert len(samples) == round((4 + RING_SECONDS) * RATE)
    assert not samples.any()


def test_a_roll_without_steps_is_as_long_as_a_ring() -> None:
    assert len(render(np.zeros((0, KEYS), dtype=bool))) == round(RING_SECONDS * RATE)


@pytest.mark.parametrize(
    ("steps", "tempo_bpm", "steps_per_beat", "seconds"),
    [(128, 120, 2, 32.0), (128, 60, 2, 64.0), (7, 90, 4, 7 / 6), (1, 400, 8, 0.01875)],
)
def test_length(steps: int, tempo_bpm: float, steps_per_beat: int, seconds: float) -> None:
    samples = render(roll_with([(0, 0)], steps), tempo_bpm, steps_per_beat)
    assert abs(len(samples) - (seconds + RING_SECONDS) * RATE) <= 1


def test_all_keys_at_every_step_stay_within_the_limit() -> None:
    samples = render(np.ones((64, KEYS), dtype=bool))
    assert LIMIT - 1e-3 < np.abs(samples).max() <= LIMIT
    assert abs(samples.mean(dtype=np.float64)) < 1e-3


def test_rounding_takes_no_chord_over_the_limit() -> None:
    peaks = []
    for keys in itertools.combinations(range(1, KEYS), 3):
        chord = roll_with([(0, key) for key in (0, *keys)], 1)
        peaks.append(np.abs(render(chord, sample_rate=8000)).max())
    assert max(peaks) == np.float32(LIMIT)


def test_a_thick_chord_is_scaled_without_distortion() -> None:
    keys = (0, 1, 6, 10)  # the trough of this chord, -1.2, is deeper than its peak, 0.98, is high
    chord = render(roll_with([(0, key) for key in keys], 1))[: len(tone(0))]
    unscaled = sum(tone(key) for key in keys)
    assert chord.min() == np.float32(-LIMIT)
    np.testing.assert_allclose(chord, unscaled * (LIMIT / -unscaled.min()), atol=1e-6)


def test_a_melody_is_not_scaled() -> None:
    samples = render(roll_with([(0, 9), (2, 4), (4, 9), (6, 4)], 8))
    np.testing.assert_array_equal(samples[: RATE // 2], tone(9)[: RATE // 2])


rolls = st.lists(st.integers(0, 2**KEYS - 1), max_size=12).map(
    lambda words: np.array([[word >> key & 1 for key in range(KEYS)] for word in words]).reshape(-1, KEYS)
)


@settings(max_examples=40, deadline=None)
@given(rolls, st.floats(20, 400))
def test_any_roll_is_bounded_and_silent_until_its_first_onset(roll: np.ndarray, tempo_bpm: float) -> None:
    samples = render(roll, tempo_bpm, sample_rate=8000)
    assert np.abs(samples).max() <= LIMIT
    assert samples.any() == roll.any()
    if roll.any():
        first = round(np.flatnonzero(roll.any(axis=1))[0] * step_seconds(tempo_bpm) * 8000)
        assert not samples[:first].any()


def test_the_same_roll_gives_the_same_bytes(tmp_path) -> None:
    roll = np.random.default_rng(0).random((32, KEYS)) < 0.2
    for name in ("a.wav", "b.wav"):
        write_wav(tmp_path / name, render(roll))
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_a_wav_file_holds_the_samples(tmp_path) -> None:
    samples = render(roll_with([(0, 0), (1, 7)], 4), sample_rate=22050)
    write_wav(tmp_path / "song.wav", samples, 22050)
    with wave.open(str(tmp_path / "song.wav"), "rb") as wav:
        assert wav.getparams()[:4] == (1, 2, 22050, len(samples))
        stored = np.frombuffer(wav.readframes(len(samples)), dtype="<i2")
    np.testing.assert_allclose(stored / 32767, samples, atol=0.51 / 32767)


def test_a_wav_file_is_literally_this(tmp_path) -> None:
    write_wav(str(tmp_path / "x.wav"), np.array([0.0, 1.0, -1.0, 0.5]), 8000)
    assert (tmp_path / "x.wav").read_bytes() == (
        b"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00"
        b"\x02\x00\x10\x00data\x08\x00\x00\x00\x00\x00\xff\x7f\x01\x80\x00\x40"
    )


def test_writing_leaves_no_other_file_and_replaces_the_old_one(tmp_path) -> None:
    (tmp_path / "song.wav").write_bytes(b"old")
    write_wav(tmp_path / "song.wav", np.zeros(5))
    assert [file.name for file in tmp_path.iterdir()] == ["song.wav"]
    assert (tmp_path / "song.wav").stat().st_size == 44 + 10


def test_a_song_is_replaced_as_a_whole_not_overwritten(tmp_path) -> None:
    (tmp_path / "song.wav").write_bytes(b"old")
    (tmp_path / "reader.wav").hardlink_to(tmp_path / "song.wav")  # as one who has the old file open sees it
    write_wav(tmp_path / "song.wav", np.zeros(5))
    assert (tmp_path / "reader.wav").read_bytes() == b"old"


def test_a_write_that_fails_leaves_what_was_there(tmp_path) -> None:
    (tmp_path / "taken.wav").mkdir()
    with pytest.raises(IsADirectoryError):
        write_wav(tmp_path / "taken.wav", np.zeros(5))
    assert [file.name for file in tmp_path.iterdir()] == ["taken.wav"]


@pytest.mark.parametrize("samples", [np.array([1.01]), np.array([np.nan]), np.array([-np.inf])])
def test_samples_that_a_wav_file_cannot_hold_are_refused(tmp_path, samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="from -1 to 1"):
        write_wav(tmp_path / "x.wav", samples)
    assert not list(tmp_path.iterdir())


def test_two_channels_are_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"shape \(N,\), these have \(3, 2\)"):
        write_wav(tmp_path / "x.wav", np.zeros((3, 2)))


@pytest.mark.parametrize("tempo_bpm", [0, -120, 19.9, 400.1, float("nan"), float("inf")])
def test_a_tempo_out_of_range_is_refused(tempo_bpm: float) -> None:
    with pytest.raises(ValueError, match="20 to 400 are allowed"):
        render(np.zeros((4, KEYS), dtype=bool), tempo_bpm)


@pytest.mark.parametrize("steps_per_beat", [0, -2, 1.5, float("nan"), float("inf")])
def test_a_beat_without_whole_steps_is_refused(steps_per_beat: float) -> None:
    with pytest.raises(ValueError, match="whole number of at least 1"):
        render(np.zeros((4, KEYS), dtype=bool), steps_per_beat=steps_per_beat)


@pytest.mark.parametrize("sample_rate", [0, -44100, 7999, 192001, 44100.5, float("nan")])
def test_a_sample_rate_out_of_range_is_refused(tmp_path, sample_rate: float) -> None:
    with pytest.raises(ValueError, match="8000 to 192000 are allowed"):
        render(np.zeros((4, KEYS), dtype=bool), sample_rate=sample_rate)
    with pytest.raises(ValueError, match="8000 to 192000 are allowed"):
        write_wav(tmp_path / "x.wav", np.zeros(4), sample_rate)


def test_what_is_no_roll_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(steps, 13\)"):
        render(np.zeros((4, 12), dtype=bool))


def test_a_later_tempo_moves_what_comes_after_it() -> None:
    roll = roll_with([(0, 0), (4, 0)], 8)
    steady, slower = render(roll, 120), render(roll, 120, tempo_changes=[(2, 60.0)])
    assert len(slower) - len(steady) == round(6 * 0.25 * RATE)
    begin = round((2 * 0.25 + 2 * 0.5) * RATE)  # of the second note
    # without the 8 ms in which the note before dies away
    np.testing.assert_array_equal(slower[begin + 400 : begin + 4000], steady[RATE + 400 : RATE + 4000])
