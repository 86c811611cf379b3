"""The sound of single notes from a SoundFont, as an alternative to the built-in piano.

Conventions:
    Notes are as in `songs.instrument`: float32 (N,), one channel, peak 1, held until they have died away or for
    `RING_SECONDS`. `songs.synth` adds the room.
Source:
    TinySoundFont, https://github.com/schellingb/TinySoundFont, by the package tinysoundfont.
"""

from pathlib import Path
from typing import Any

import numpy as np

from songs.instrument import FADE_SECONDS, RING_SECONDS, ramp

VELOCITY = 100
CUT_SECONDS = 0.1
"""Time that a synthesizer needs at most to end its notes."""
FONT = 0
"""Number of the only SoundFont loaded by a synthesizer."""
BANKS, PROGRAMS = 129, 128
"""Number of banks searched for an instrument, and of programs per bank; the last bank has the drums."""


class SoundFont:
    """An instrument from a SoundFont: the grand piano, program 0 of bank 0, or else the first instrument."""

    def __init__(self, path: str | Path):
        """
        Args:
            path: an .sf2 file.

        Raises:
            ImportError: the package tinysoundfont is not installed.
            OSError: the file cannot be read.
            ValueError: the file is not a SoundFont, or has no instrument.
        """
        import tinysoundfont

        self._make_synth = tinysoundfont.Synth
        self._content = Path(path).read_bytes()
        self._synths: dict[int, Any] = {}
        try:
            synth = self._synth(44_100)
        except RuntimeError:
            raise ValueError(f"{path}: this is no SoundFont (.sf2)") from None
        programs = ((bank, program) for bank in range(BANKS) for program in range(PROGRAMS))
        found = next((one for one in programs if synth.sfpreset_name(FONT, *one)), None)
        if found is None:
            raise ValueError(f"{path}: this SoundFont has no instrument")
        self.program = found
        """Bank and program."""

    def _synth(self, sample_rate: int) -> Any:
        """Return the synthesizer for a sample rate. It is cached, since loading a large file takes seconds."""
        if sample_rate not in self._synths:
            synth = self._make_synth(samplerate=sample_rate)
            synth.sfload(self._content)
            self._synths[sample_rate] = synth
        return self._synths[sample_rate]

    def __call__(self, pitch: int, sample_rate: int = 44_100) -> np.ndarray:
        """Return the sound of a MIDI pitch, or silence if the instrument does not have it."""
        synth, length = self._synth(sample_rate), round(RING_SECONDS * sample_rate)
        synth.program_select(0, FONT, *self.program)
        synth.noteon(0, pitch, VELOCITY)
        note = np.frombuffer(synth.generate(length), dtype=np.float32).reshape(length, 2).mean(axis=1)
        synth.sounds_off()
        synth.generate(round(CUT_SECONDS * sample_rate))  # otherwise the end of this note would sound in the next one
        fade = ramp(FADE_SECONDS, sample_rate)[::-1]
        note[-len(fade) :] *= fade
        return (note / (np.abs(note).max() or 1)).astype(np.float32)
