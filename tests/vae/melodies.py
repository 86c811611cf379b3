"""Small melodies and models shared by tests of the VAE."""

from pathlib import Path

import numpy as np

from songs.midi import encode_midi
from vae.config import ModelConfig

TINY = dict(latent=8, encoder_width=16, conductor_width=12, decoder_width=10, embedding=6, unroll=4)


def tiny(**options) -> ModelConfig:
    """Return the configuration of a model of some thousand parameters."""
    return ModelConfig(**{**TINY, **options})


def write_tune(path: Path, pitches: list[int], beats_each: float = 1.0, shift: int = 0) -> None:
    """Write a MIDI file of notes one after the other."""
    notes = [(number * beats_each, beats_each, pitch + shift) for number, pitch in enumerate(pitches)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_midi(np.array(notes), len(pitches) * beats_each))


def write_tunes(folder: Path, count: int = 12, bars: int = 4, seed: int = 0) -> None:
    """Write tunes of random quarters in C major."""
    random = np.random.default_rng(seed)
    for number in range(count):
        pitches = random.choice([60, 62, 64, 65, 67, 69, 71, 72], size=4 * bars).tolist()
        write_tune(folder / f"tune{number:02d}.mid", pitches)
