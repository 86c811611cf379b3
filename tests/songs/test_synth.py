"""Rendered notes: their start and end, loudness and panorama, and the WAV file."""

import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from songs.keyboard import Grid, Keyboard
from songs.song import Song
from songs.synth import (
    LIMIT,
    RELEASE_SECONDS,
    TAIL_SECONDS,
    encode_wav,
    loudness,
    panorama,
    placed_tone,
    render_notes,
    step_seconds,
    write_wav,
)

RATE = 8000


def notes(*rows: tuple[float, float, int, float]) -> np.ndarray:
    return np.array(rows, dtype=float).reshape(-1, 4)


def test_a_note_begins_with_its_onset() -> None:
    samples = render_notes(notes((0.75, 1, 69, 1)), 2, RATE)
    assert not samples[: round(0.75 * RATE) + 1].any()
    assert np.abs(samples[round(0.75 * RATE) : round(0.8 * RATE)]).max() > 0.1


def test_a_held_note_is_its_tone_and_is_damped_when_it_is_over() -> None:
    samples, held = render_notes(notes((0, 1, 60, 1)), 2, RATE), placed_tone(60, RATE)
    np.testing.assert_array_equal(samples[:RATE], held[:RATE])
    over = round((1 + RELEASE_SECONDS) * RATE)
    assert np.abs(samples[RATE : RATE + 200]).max() > 0.03
    assert not samples[over:].any()


def test_a_note_at_the_end_is_not_cut() -> None:
    samples = render_notes(notes((1.5, 0.5, 60, 1)), 2, RATE)
    assert len(samples) == round((2 + TAIL_SECONDS) * RATE)
    assert np.abs(samples[2 * RATE : 2 * RATE + 200]).max() > 0.05
    assert np.abs(samples[-10:]).max() == 0


def test_a_chord_is_the_sum_of_its_notes() -> None:
    chord = render_notes(notes((0, 1, 60, 0.5), (0, 1, 64, 0.3)), 1, RATE)
    single = [render_notes(notes((0, 1, pitch, loud)), 1, RATE) for pitch, loud in ((60, 0.5), (64, 0.3))]
    np.testing.assert_allclose(chord, single[0] + single[1], atol=1e-6)


def test_a_key_struck_again_does_not_click() -> None:
    samples = render_notes(notes((0, 0.25, 60, 1), (0.25, 0.25, 60, 1)), 1, 44100)
    begin = round(0.25 * 44100)
    assert (
        np.abs(np.diff(samples[begin - 50 : begin + 1000], axis=0)).max()
        < 1.5 * np.abs(np.diff(placed_tone(60, 44100), axis=0)).max()
    )


def test_low_notes_are_on_the_left_and_high_ones_on_the_right() -> None:
    for pitch in (21, 66, 108):
        assert sum(gain**2 for gain in panorama(pitch)) == pytest.approx(1)
    power = [(render_notes(notes((0, 1, pitch, 1)), 1, RATE) ** 2).sum(axis=0) for pitch in (36, 96)]
    assert power[0][0] > power[0][1]
    assert power[1][0] < power[1][1]


def test_the_beat_is_louder_than_the_steps_between_and_the_bar_loudest() -> None:
    assert loudness(np.arange(7), Grid(2, 3)).tolist() == [1.0, 0.78, 0.9, 0.78, 0.9, 0.78, 1.0]
    assert loudness(np.array([0.0, 1.5, 3.0]), Grid(3, 2)).tolist() == [1.0, 0.78, 0.9]


def test_a_song_sounds_in_its_tempos_and_lengths_on_its_keyboard() -> None:
    roll = np.zeros((8, 25), dtype=bool)
    roll[[0, 4], [12, 24]] = True
    keyboard, lengths = Keyboard(25, 48), np.array([1.0, 3.0])
    song = Song("tune", roll, tempo_bpm=120, tempo_changes=((2, 60.0),), keyboard=keyboard, lengths=lengths)
    # eighths of .25 s up to step 2, then of .5 s: the second note begins at 1.5 s, and lasts for 1.5
    expected = render_notes(notes((0, 0.25, 60, 1), (1.5, 1.5, 72, 0.9)), 3.5, RATE)
    np.testing.assert_array_equal(song.sound(sample_rate=RATE), expected)


def test_what_is_too_loud_is_scaled_as_a_whole() -> None:
    keys = [(0, 1, pitch, 1) for pitch in range(60, 73)]
    chord, one = render_notes(notes(*keys), 1, RATE), render_notes(notes(keys[0]), 1, RATE)
    assert LIMIT - 1e-3 < np.abs(chord).max() <= LIMIT
    assert np.abs(one).max() < 0.6


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 4), st.integers(21, 108), st.floats(0.1, 1)), max_size=12))
def test_any_notes_are_bounded_end_in_silence_and_are_the_same_again(rows: list) -> None:
    samples = render_notes(notes(*rows), 3.0, RATE)
    assert samples.shape == (round((3 + TAIL_SECONDS) * RATE), 2)
    assert np.abs(samples).max(initial=0) <= LIMIT
    np.testing.assert_array_equal(samples, render_notes(notes(*rows), 3.0, RATE))


def test_silence_is_exactly_zero() -> None:
    samples = render_notes(notes(), 4, RATE)
    assert samples.dtype == np.float32
    assert not samples.any()


def test_a_wav_file_holds_both_channels(tmp_path) -> None:
    samples = render_notes(notes((0, 1, 60, 1)), 1, 22050)
    write_wav(tmp_path / "song.wav", samples, 22050)
    with wave.open(str(tmp_path / "song.wav"), "rb") as wav:
        assert wav.getparams()[:4] == (2, 2, 22050, len(samples))
        stored = np.frombuffer(wav.readframes(len(samples)), dtype="<i2").reshape(-1, 2)
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


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 2), (3, 1)])
def test_samples_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape \(N,\) or \(N, 2\), these have"):
        encode_wav(np.zeros(shape))


@pytest.mark.parametrize("tempo_bpm", [0, -120, 19.9, 400.1, float("nan"), float("inf")])
def test_a_tempo_out_of_range_is_refused(tempo_bpm: float) -> None:
    with pytest.raises(ValueError, match="20 to 400 are allowed"):
        step_seconds(tempo_bpm)


@pytest.mark.parametrize("steps_per_beat", [0, -2, 1.5, float("nan"), float("inf")])
def test_a_beat_without_whole_steps_is_refused(steps_per_beat: float) -> None:
    with pytest.raises(ValueError, match="whole number of at least 1"):
        step_seconds(120, steps_per_beat)


@pytest.mark.parametrize("sample_rate", [0, -44100, 7999, 192001, 44100.5, float("nan")])
def test_a_sample_rate_out_of_range_is_refused(tmp_path, sample_rate: float) -> None:
    with pytest.raises(ValueError, match="8000 to 192000 are allowed"):
        render_notes(notes(), 1, sample_rate)
    with pytest.raises(ValueError, match="8000 to 192000 are allowed"):
        write_wav(tmp_path / "x.wav", np.zeros(4), sample_rate)
