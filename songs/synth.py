"""Sound: a roll rendered as a plucked, toy-piano-like tone, and written as a WAV file.

Conventions:
    Samples are float32 (N,), one channel, from -1 to 1; a time in samples counts from the first step.
    The keyboard is tuned in equal temperament to A4 = 440 Hz.
    A note rings until it has died away, however many steps that takes, or until its key is struck again.
Source:
    A toy piano's tone comes from rods clamped at one end. The second mode of such a rod lies at 6.27 times
    the first (Fletcher and Rossing, The Physics of Musical Instruments, chapter 2); the harmonics below it
    are added for warmth.
"""

import io
import os
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from songs.files import write_atomically
from songs.keyboard import DEFAULT_KEYBOARD, STEPS_PER_BEAT, Keyboard
from songs.piano_roll import check_roll
from songs.score import elapsed

SLOWEST_BPM, FASTEST_BPM = 20, 400
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000  # at 8 kHz the highest partial of C5, 3.3 kHz, still fits

PARTIALS = ((1, 1.0, 0.36), (2, 0.35, 0.22), (3, 0.12, 0.14), (4, 0.06, 0.10), (6.27, 0.04, 0.05))
"""Each is a multiple of the key's frequency, an amplitude, and the seconds in which it falls to 1/e."""

RING_SECONDS = 1.1
"""Length of a note; a rendering is longer than its steps by as much."""

ATTACK_SECONDS = 0.004
RELEASE_SECONDS = 0.35
DAMPING_SECONDS = 0.008
"""Length of the fade-out of a ringing note when its key is struck again."""

NOTE_PEAK = 0.35
"""Peak of one note. Melodies stay below `LIMIT`; what has thicker chords is scaled down as a whole."""

LIMIT = 0.95


def step_seconds(tempo_bpm: float, steps_per_beat: int = STEPS_PER_BEAT) -> float:
    """Return how long a step lasts.

    Raises:
        ValueError: the tempo lies outside 20 to 400 beats per minute, or a beat has no whole step.
    """
    if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        raise ValueError(f"the tempo is {tempo_bpm} beats a minute: {SLOWEST_BPM} to {FASTEST_BPM} are allowed")
    if steps_per_beat < 1 or not float(steps_per_beat).is_integer():
        raise ValueError(f"steps_per_beat is {steps_per_beat}: it must be a whole number of at least 1")
    return 60.0 / (tempo_bpm * steps_per_beat)


def step_starts(
    steps: int,
    tempo_bpm: float,
    steps_per_beat: int,
    tempo_changes: Sequence[tuple[float, float]] = (),
    rate: float = 1,
) -> np.ndarray:
    """Return when steps begin, and when the last one ends: (steps + 1,) float64, in seconds times `rate`.

    Args:
        steps: their number.
        tempo_bpm: beats a minute, 20 to 400.
        steps_per_beat: steps in a beat.
        tempo_changes: the step from which each holds, in order, and beats a minute.
        rate: units in a second.
    """
    changes = [(0.0, tempo_bpm), *tempo_changes]
    lengths = [step_seconds(tempo, steps_per_beat) * rate for _, tempo in changes]
    return elapsed(np.arange(steps + 1), np.array([step for step, _ in changes]), np.array(lengths))


def _check_rate(sample_rate: int) -> int:
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE or not float(sample_rate).is_integer():
        raise ValueError(f"the sample rate is {sample_rate} Hz: {LOWEST_RATE} to {HIGHEST_RATE} are allowed")
    return int(sample_rate)


def _ramp(seconds: float, sample_rate: int) -> np.ndarray:
    """Return half a cosine that rises from exactly 0 to nearly 1."""
    length = round(seconds * sample_rate)
    return 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)


def tone(key: int, sample_rate: int = 44100, keyboard: Keyboard = DEFAULT_KEYBOARD) -> np.ndarray:
    """Return one note of `key`: float32 (RING_SECONDS * sample_rate,), peak `NOTE_PEAK`, from 0 back to 0.

    Partials that the rate cannot hold are left out, but for the first.
    """
    time = np.arange(round(RING_SECONDS * sample_rate)) / sample_rate
    frequency = 440.0 * 2 ** ((keyboard.lowest_pitch + key - 69) / 12)
    attack, release = _ramp(ATTACK_SECONDS, sample_rate), _ramp(RELEASE_SECONDS, sample_rate)[::-1]
    envelope = np.ones(len(time))
    envelope[: len(attack)] = attack
    envelope[-len(release) :] = release
    partials = [
        amplitude * np.sin(2 * np.pi * multiple * frequency * time) * np.exp(-time / decay)
        for multiple, amplitude, decay in PARTIALS
        if multiple == 1 or multiple * frequency < sample_rate / 2
    ]
    note = envelope * sum(partials)
    note -= envelope * (note.sum() / envelope.sum())  # a decaying sine does not quite average to zero
    return (note * (NOTE_PEAK / np.abs(note).max())).astype(np.float32)


def render(
    roll: np.ndarray,
    tempo_bpm: float = 120.0,
    steps_per_beat: int = STEPS_PER_BEAT,
    sample_rate: int = 44100,
    keyboard: Keyboard = DEFAULT_KEYBOARD,
    tempo_changes: Sequence[tuple[float, float]] = (),
) -> np.ndarray:
    """Return the sound of a roll.

    Args:
        roll: (T, K) bool, may have no steps.
        tempo_bpm: beats per minute, 20 to 400.
        steps_per_beat: steps of the roll in a beat.
        sample_rate: samples per second, 8000 to 192000.
        keyboard: of the K keys.
        tempo_changes: the step from which each holds, and beats a minute.

    Returns:
        float32 (N,), at most `LIMIT` in absolute value; T steps and `RING_SECONDS` long.

    Raises:
        ValueError: the roll is none, or a setting is out of its range.
    """
    roll = check_roll(roll, keyboard)
    sample_rate = _check_rate(sample_rate)
    begins = step_starts(len(roll), tempo_bpm, steps_per_beat, tempo_changes, sample_rate)
    fade = _ramp(DAMPING_SECONDS, sample_rate)[::-1].astype(np.float32)
    samples = np.zeros(round(begins[-1]) + round(RING_SECONDS * sample_rate), dtype=np.float32)
    for key in range(keyboard.keys):
        starts = np.rint(begins[:-1][roll[:, key]]).astype(np.int64).tolist()
        if not starts:
            continue
        note = tone(key, sample_rate, keyboard)
        for start, restart in zip(starts, [*starts[1:], len(samples)], strict=True):
            held = min(restart - start, len(note))
            samples[start : start + held] += note[:held]
            tail = note[held : held + len(fade)]
            samples[start + held : start + held + len(tail)] += tail * fade[: len(tail)]
    peak = max(samples.max(), -samples.min())
    if peak > LIMIT:
        samples *= LIMIT / peak
        np.clip(samples, -LIMIT, LIMIT, out=samples)  # the product can round up by one unit in the last place
    return samples


def encode_wav(samples: np.ndarray, sample_rate: int = 44100) -> bytes:
    """Return samples as a 16-bit mono WAV file.

    Raises:
        ValueError: the samples are not (N,) numbers from -1 to 1, or the sample rate is out of range.
    """
    sample_rate, samples = _check_rate(sample_rate), np.asarray(samples)
    if samples.ndim != 1:
        raise ValueError(f"samples have the shape (N,), these have {samples.shape}")
    if not (np.abs(samples) <= 1).all():
        raise ValueError("samples must be numbers from -1 to 1: scale them first")
    content = io.BytesIO()
    with wave.open(content, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(sample_rate)
        wav.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return content.getvalue()


def write_wav(path: str | os.PathLike, samples: np.ndarray, sample_rate: int = 44100) -> None:
    """Write samples as a 16-bit mono WAV file; a file of that name is replaced only by a whole new one.

    Raises:
        ValueError: as for `encode_wav`.
        OSError: the file cannot be written.
    """
    write_atomically(Path(path), encode_wav(samples, sample_rate))
