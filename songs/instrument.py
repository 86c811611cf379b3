"""The sound of one note: a struck string, as in a piano.

Conventions:
    Samples are float32 (N,), one channel; the keyboard is tuned in equal temperament to A4 = 440 Hz.
Source:
    The partials of a stiff string lie at n * f * sqrt(1 + B * n * n), and decay in two stages, fast and then slow
    (Fletcher and Rossing, The Physics of Musical Instruments, chapter 12).
"""

import numpy as np

PARTIALS = 14
STIFFNESS = 2.5e-4
"""B of C4; it doubles with every octave."""
BRIGHTNESS = 0.65
"""Partial n is weaker than the first by n to this power, before the effect of the hammer."""
HAMMER = 1 / 7.3
"""Position of the hammer as a fraction of the string; partials with a node there are weak."""
DECAY_SECONDS = 2.4
"""Seconds in which the first partial of C4 falls to 1/e in its slow stage."""
FAST_SHARE, FAST = 0.7, 0.3
"""Share of the fast stage, and its decay time as a fraction of that of the slow stage."""
RING_SECONDS = 2.5
"""Time after which a held note has died away."""
ATTACK_SECONDS = 0.003
FADE_SECONDS = 0.4
"""Length of the fade at the end of the ring."""


def tone(pitch: int, sample_rate: int = 44100) -> np.ndarray:
    """Return the sound of a MIDI pitch, held until it has died away.

    Returns:
        float32 (RING_SECONDS * sample_rate,) with peak 1 and mean 0, which begins and ends at 0. Partials that the
        sample rate cannot represent are left out, except the first.
    """
    time = np.arange(round(RING_SECONDS * sample_rate)) / sample_rate
    first = 440.0 * 2 ** ((pitch - 69) / 12)
    stiffness = STIFFNESS * 2 ** ((pitch - 60) / 12)
    slow = DECAY_SECONDS * 2 ** ((60 - pitch) / 24)
    note: np.ndarray = np.zeros(len(time), dtype=np.float32)
    for n in range(1, PARTIALS + 1):
        frequency = n * first * np.sqrt((1 + stiffness * n * n) / (1 + stiffness))
        if n > 1 and frequency > 0.45 * sample_rate:
            break
        amplitude = n**-BRIGHTNESS * (1 if n == 1 else abs(np.sin(np.pi * n * HAMMER)))
        decay = (-time / (slow / (1 + 0.35 * (n - 1)))).astype(np.float32)
        envelope = (1 - FAST_SHARE) * np.exp(decay) + FAST_SHARE * np.exp(decay / np.float32(FAST))
        phase = (2 * np.pi * (frequency * time % 1)).astype(np.float32)
        note += np.float32(amplitude) * envelope * np.sin(phase)
    attack = ramp(ATTACK_SECONDS, sample_rate)
    fade = ramp(FADE_SECONDS, sample_rate)[::-1]
    envelope = np.ones(len(note))
    envelope[: len(attack)] = attack
    envelope[-len(fade) :] = fade
    note = note * envelope
    note -= envelope * (note.sum() / envelope.sum())  # a decaying sine does not quite average to zero
    return (note / (np.abs(note).max() or 1)).astype(np.float32)


def ramp(seconds: float, sample_rate: int) -> np.ndarray:
    """Return half a cosine that rises from exactly 0 to nearly 1."""
    length = round(seconds * sample_rate)
    return 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)
