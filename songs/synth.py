"""Sound synthesis: notes played on a piano or another instrument in a small room, and WAV files.

Conventions:
    Samples are float32 (N, 2), left and right, from -1 to 1; times count from the first step.
    Low notes come slightly from the left and high ones from the right, as for a pianist.
    A note is damped when its length is over.
"""

import io
import os
import wave
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from songs.files import write_atomically
from songs.instrument import ramp, tone
from songs.keyboard import STEPS_PER_BEAT, Grid
from songs.score import elapsed

Instrument = Callable[[int, int], np.ndarray]
"""Maps a MIDI pitch and a sample rate to a sound, like `tone`: float32 (N,), peak 1, held until it has died away."""

SLOWEST_BPM, FASTEST_BPM = 20, 400
LOWEST_RATE, HIGHEST_RATE = 8_000, 192_000

RELEASE_SECONDS = 0.18
"""Length of the fade of a damped note."""
NOTE_PEAK = 0.55
"""Peak of a loud note before the room is added. Music louder than `LIMIT` is scaled down as a whole."""
LIMIT = 0.95

ROOM = (
    (0.0113, 0.20, 0.09),
    (0.0179, 0.08, 0.17),
    (0.0257, 0.13, 0.07),
    (0.0331, 0.06, 0.11),
    (0.0439, 0.07, 0.04),
    (0.0571, 0.03, 0.06),
)
"""Reflections from the walls: delay in seconds, and the gains of the left and right channels."""
ROOM_SECONDS = 0.06
TAIL_SECONDS = RELEASE_SECONDS + ROOM_SECONDS
"""Time by which a rendering is longer than its steps."""
PANORAMA = 72
"""Semitones from the middle, F#4, at which a note would come from one side only."""


def step_seconds(tempo_bpm: float, steps_per_beat: int = STEPS_PER_BEAT) -> float:
    """Return the length of a step in seconds.

    Raises:
        ValueError: the tempo is not within 20 to 400 beats per minute, or a beat does not have whole steps.
    """
    if not SLOWEST_BPM <= tempo_bpm <= FASTEST_BPM:
        raise ValueError(f"the tempo is {tempo_bpm} beats a minute: {SLOWEST_BPM} to {FASTEST_BPM} are allowed")
    if steps_per_beat < 1 or not float(steps_per_beat).is_integer():
        raise ValueError(f"steps_per_beat is {steps_per_beat}: it must be a whole number of at least 1")
    return 60.0 / (tempo_bpm * steps_per_beat)


def step_starts(
    steps: int, tempo_bpm: float, steps_per_beat: int, tempo_changes: Sequence[tuple[float, float]] = ()
) -> np.ndarray:
    """Return the start of each step and the end of the last one: (steps + 1,) float64, in seconds.

    Args:
        steps: number of steps.
        tempo_bpm: beats per minute, 20 to 400.
        steps_per_beat: steps in a beat.
        tempo_changes: the step from which each holds, in order, and beats per minute.
    """
    changes = [(0.0, tempo_bpm), *tempo_changes]
    lengths = [step_seconds(tempo, steps_per_beat) for _, tempo in changes]
    return elapsed(np.arange(steps + 1), np.array([step for step, _ in changes]), np.array(lengths))


def _check_rate(sample_rate: int) -> int:
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE or not float(sample_rate).is_integer():
        raise ValueError(f"the sample rate is {sample_rate} Hz: {LOWEST_RATE} to {HIGHEST_RATE} are allowed")
    return int(sample_rate)


def panorama(pitch: int) -> tuple[float, float]:
    """Return the gains of the left and right channels for a pitch; their squares sum to 1."""
    angle = np.pi / 4 * (1 + np.clip((pitch - 66) / PANORAMA, -1, 1))
    return float(np.cos(angle)), float(np.sin(angle))


@lru_cache(maxsize=128)
def placed_tone(pitch: int, sample_rate: int, instrument: Instrument = tone) -> np.ndarray:
    """Return one note in the room, held until it has died away: float32 (N, 2)."""
    dry = NOTE_PEAK * instrument(pitch, sample_rate)
    samples = np.zeros((len(dry) + round(ROOM_SECONDS * sample_rate), 2), dtype=np.float32)
    direct = (0.0, *panorama(pitch))
    for seconds, *gains in (direct, *ROOM):
        delay = round(seconds * sample_rate)
        samples[delay : delay + len(dry)] += dry[:, None] * np.array(gains, dtype=np.float32)
    return samples


def loudness(steps: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the loudness, 0 to 1, of notes that begin at steps (N,), louder on the beat: (N,)."""
    offbeat, beat, bar = 0.78, 0.9, 1.0
    on_beat = np.where(steps % grid.steps_per_beat == 0, beat, offbeat)
    return np.where(steps % grid.steps_per_bar == 0, bar, on_beat)


def render_notes(
    notes: np.ndarray, seconds: float, sample_rate: int = 44100, instrument: Instrument = tone
) -> np.ndarray:
    """Render notes.

    Args:
        notes: (N, 4) float: onset and length in seconds, MIDI pitch, and loudness from 0 to 1.
        seconds: length of the music; the sound is longer by `TAIL_SECONDS`.
        sample_rate: samples per second, 8000 to 192000.
        instrument: the instrument: the piano of the project, or a `songs.soundfont.SoundFont`.

    Returns:
        float32 (S, 2), at most `LIMIT` in absolute value.
    """
    sample_rate = _check_rate(sample_rate)
    release = ramp(RELEASE_SECONDS, sample_rate)[::-1, None].astype(np.float32)
    samples = np.zeros((round((seconds + TAIL_SECONDS) * sample_rate), 2), dtype=np.float32)
    for onset, length, pitch, loudness in notes.tolist():
        note, start = placed_tone(int(pitch), sample_rate, instrument), round(onset * sample_rate)
        held = min(round(length * sample_rate), len(note), len(samples) - start)
        fading = note[held : held + min(len(release), len(samples) - start - held)]
        samples[start : start + held] += np.float32(loudness) * note[:held]
        samples[start + held : start + held + len(fading)] += np.float32(loudness) * fading * release[: len(fading)]
    peak = max(samples.max(initial=0), -samples.min(initial=0))
    if peak > LIMIT:
        samples *= LIMIT / peak
        np.clip(samples, -LIMIT, LIMIT, out=samples)  # the product can round up by one unit in the last place
    return samples


def encode_wav(samples: np.ndarray, sample_rate: int = 44100) -> bytes:
    """Encode samples as a 16-bit WAV file.

    Raises:
        ValueError: the samples are neither (N,) nor (N, 2) numbers from -1 to 1, or the sample rate is out of range.
    """
    sample_rate, samples = _check_rate(sample_rate), np.asarray(samples)
    if samples.ndim != 1 and samples.shape[1:] != (2,):
        raise ValueError(f"samples have the shape (N,) or (N, 2), these have {samples.shape}")
    if not (np.abs(samples) <= 1).all():
        raise ValueError("samples must be numbers from -1 to 1: scale them first")
    content = io.BytesIO()
    with wave.open(content, "wb") as wav:
        wav.setnchannels(samples.ndim)
        wav.setsampwidth(2)
        wav.setframerate(sample_rate)
        wav.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return content.getvalue()


def write_wav(path: str | os.PathLike, samples: np.ndarray, sample_rate: int = 44100) -> None:
    """Write samples as a 16-bit WAV file, atomically.

    Raises:
        ValueError: as for `encode_wav`.
        OSError: the file cannot be written.
    """
    write_atomically(Path(path), encode_wav(samples, sample_rate))
