"""The MusicVAE as a listener: its evidence lower bound on the last two bars, in nats.

A baseline: a likelihood rewards what is easy to describe, so one note over and over earns more than any song.

Conventions:
    As in `listener.listener`; targets are ignored. The highest key of a step is the melody; every further key is
    rewarded as one of 14 equally likely tokens. A note sounds until the next one begins, for at most two bars.
    The mean of the posterior is decoded with teacher forcing. From the second bar line on, the reward is the bound on
    the two bars before it minus the average over two bars of real music.
Source:
    A. Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music, 2018.
"""

import numpy as np
import torch

from listener import theory
from listener.expectation import further_tokens
from listener.listener import SumOfTerms, at_bar_lines
from listener.theory import REST, events
from songs.keyboard import LOWEST_PITCH, STEPS_PER_BAR, usual_keyboard
from vae.elbo import cross_entropy, kl_divergence
from vae.model import MusicVAE
from vae.shipped import find_model
from vae.tokens import LOWEST_MIDI_PITCH, previous_tokens
from vae.tokens import REST as SILENT

BARS = 2
SIXTEENTHS = 2
"""Steps of the model per step of the keyboard."""
CONSTANT = 32.89
"""Nats that the project's model needs on average for two bars of real music: the 16-bar validation melodies of
listeners."""
BATCH = 512


class VaeElbo(SumOfTerms):
    """Rewards two bars that a MusicVAE describes in fewer nats than `constant`, the average of real music."""

    pays_every = STEPS_PER_BAR

    def __init__(self, model: MusicVAE, constant: float):
        self.model, self.constant = model.eval().requires_grad_(False), constant

    @classmethod
    def of_the_project(cls) -> "VaeElbo":
        """Return the listener with the model in vae/models; raises vae.config.ModelError if it is missing."""
        return cls(find_model(BARS, "pianoroll", True)[0], CONSTANT)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the terms for cross entropy, divergence and further keys at every step, (B, T) float32 by name."""
        count, steps = rolls.shape[:2]
        bars = steps // STEPS_PER_BAR
        nats, kl = np.zeros((2, count, bars), dtype=np.float32)
        nats[:, BARS - 1 :], kl[:, BARS - 1 :] = self.nats(
            theory.highest_keys(rolls), usual_keyboard(rolls.shape[2]).lowest_pitch
        )
        further = further_tokens(rolls)[:, : bars * STEPS_PER_BAR].reshape(count, bars, STEPS_PER_BAR).sum(axis=2)
        known = np.arange(1, bars + 1) >= BARS
        divergence = np.where(known, self.constant - kl, np.float32(0))
        terms = {"cross entropy": -nats, "divergence": divergence, "further keys": further}
        return {name: at_bar_lines(values, steps) for name, values in terms.items()}

    def nats(self, melodies: np.ndarray, lowest_pitch: int = LOWEST_PITCH) -> tuple[np.ndarray, np.ndarray]:
        """Return the cross entropy and divergence of every two bars of melodies (N, T), in nats, (N, bars - 1) each."""
        count, bars = len(melodies), melodies.shape[1] // STEPS_PER_BAR
        windows = max(0, bars - BARS + 1)
        if not count * windows:
            return np.zeros((count, windows), dtype=np.float32), np.zeros((count, windows), dtype=np.float32)
        tokens = np.repeat(sounding(melodies, lowest_pitch), SIXTEENTHS, axis=1)
        width = SIXTEENTHS * STEPS_PER_BAR
        views = [tokens[:, width * first : width * (first + BARS)] for first in range(windows)]
        flat = np.stack(views, axis=1).reshape(count * windows, BARS * width)
        parts = [self._nats(flat[at : at + BATCH]) for at in range(0, len(flat), BATCH)]
        nats, kl = (np.concatenate(each).reshape(count, windows) for each in zip(*parts, strict=True))
        return nats, kl

    def _nats(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.inference_mode():
            tokens = torch.from_numpy(windows)
            mean, deviation = self.model.encode(tokens)
            logits = self.model.decoder.teacher_forced(mean, previous_tokens(tokens, self.model.config.classes))
            return cross_entropy(logits, tokens).numpy(), kl_divergence(mean, deviation).sum(dim=1).numpy()


def sounding(melodies: np.ndarray, lowest_pitch: int = LOWEST_PITCH) -> np.ndarray:
    """Return the piano-roll token that sounds at every step of melodies, (N, T) int64."""
    known = events(melodies)
    over = ~known.onset & (known.gap >= BARS * STEPS_PER_BAR)
    key = known.held.astype(np.int64) + lowest_pitch - LOWEST_MIDI_PITCH
    return np.where((known.held == REST) | over, SILENT, key)
