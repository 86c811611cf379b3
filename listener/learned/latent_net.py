"""A head on the encoder of a MusicVAE, which judges the song so far at every bar line from windows of two bars.

    windows   posterior means of the last two bars at every bar line; the encoder is frozen
    head      the window, its similarity to windows 1 to 12 bars before, and a GRU over both

Conventions:
    N melodies in relative pitch (`listener.learned.hearing`), U bars, W = U - 1 windows, L latent dimensions. The first
    note is encoded as G4. A sixteenth of rest comes before each repeated note, so that a piano roll shows it. A logit
    at a bar line depends only on the bars before it; that of the first bar is 0.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from listener.learned.hearing import FIRST
from listener.theory import REST
from songs.keyboard import STEPS_PER_BAR
from vae.config import ModelConfig
from vae.encoder import BarEncoder, make_encoder
from vae.model import MusicVAE
from vae.tokens import LOWEST_MIDI_PITCH
from vae.tokens import REST as SILENT

BARS = 2
LAGS = (1, 2, 3, 4, 6, 8, 12)
FIRST_TOKEN = 67 - LOWEST_MIDI_PITCH
BATCH = 256


@dataclass(frozen=True)
class LatentOptions:
    """The size of the head: about 50,000 parameters by default."""

    width: int = 64
    similar: int = 24
    dropout: float = 0.2


class Head(nn.Module):
    """A classifier of the windows so far by their latent vectors."""

    def __init__(self, latent: int, options: LatentOptions):
        super().__init__()
        self.dropout, width = options.dropout, options.width
        self.norm = nn.LayerNorm(latent)
        self.read = nn.Linear(latent, width)
        self.similar = nn.Linear(latent, options.similar, bias=False)
        self.form = nn.Linear(len(LAGS) + 2, width)
        self.local = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, 1))
        self.memory = nn.GRU(width, width, batch_first=True)
        self.logits = nn.Linear(width, 2)

    def forward(self, latents: Tensor) -> Tensor:
        """Return logits (N, U) for latent vectors (N, W, L)."""
        windows = latents.shape[1]
        latents = self.norm(latents)
        x = self.read(functional.dropout(latents, self.dropout, self.training)) + self.form(self._likeness(latents))
        x = functional.dropout(functional.gelu(x), self.dropout, self.training)
        mean, whole = self.logits(self.memory(x)[0]).unbind(dim=2)
        mean = (self.local(x)[..., 0] + mean).cumsum(dim=1) / torch.arange(1, windows + 1)
        return functional.pad(mean + whole, (1, 0))

    def _likeness(self, latents: Tensor) -> Tensor:
        """Return the similarity of each window to those `LAGS` before, its maximum and its mean, (N, W, lags + 2)."""
        windows, view = latents.shape[1], self.similar(latents)
        same = torch.exp(-(view[:, :, None] - view[:, None]).square().mean(dim=3))  # (N, W, W)
        none = same.new_zeros(len(same), windows)
        lags = [functional.pad(same.diagonal(-lag, 1, 2), (lag, 0)) if lag < windows else none for lag in LAGS]
        before = torch.tril(torch.ones(windows, windows), -BARS) * same
        number = torch.arange(windows).clamp_min(1)
        return torch.stack((*lags, before.amax(dim=2), before.sum(dim=2) / number), dim=2)


class LatentNet(nn.Module):
    """The encoder of a two-bar MusicVAE with a head on it."""

    def __init__(self, config: ModelConfig, options: LatentOptions | None = None):
        """Take the configuration of a model; raises ValueError unless it models two bars as a piano roll."""
        super().__init__()
        if (config.bars, config.representation) != (BARS, "pianoroll"):
            raise ValueError(
                f"the MusicVAE models {config.bars} bars as {config.representation}; a listener needs {BARS} bars as "
                "pianoroll"
            )
        self.config, self.options = config, options or LatentOptions()
        self.encoder = make_encoder(config)
        self.head = Head(config.latent, self.options)

    @classmethod
    def of(cls, model: MusicVAE) -> "LatentNet":
        """Return the encoder of a model with an untrained head."""
        net = cls(model.config)
        net.encoder.load_state_dict(model.encoder.state_dict())
        net.encoder.float().requires_grad_(False)
        return net.eval()

    @torch.inference_mode()
    def latents(self, melodies: np.ndarray) -> np.ndarray:
        """Return the posterior means of all windows of melodies (N, T), (N, W, L) float32."""
        tokens = torch.from_numpy(window_tokens(melodies))  # (N, U, 16)
        count, bars, _ = tokens.shape
        if isinstance(self.encoder, BarEncoder):  # encodes each bar only once
            read = self.encoder.layers(self.encoder.input(tokens).flatten(2))
            pairs = torch.stack((read[:, :-1], read[:, 1:]), dim=2).flatten(0, 1)
            means = self.encoder.posterior(self.encoder.mixing(pairs))[0].flatten(1)
        else:
            means = self.encoder(torch.cat((tokens[:, :-1], tokens[:, 1:]), dim=2).flatten(0, 1))[0]
        return means.reshape(count, bars - 1, -1).float().numpy()

    @torch.inference_mode()
    def judge(self, melodies: np.ndarray) -> np.ndarray:
        """Return a logit at every bar line of melodies (N, T), (N, U) float32."""
        bars = melodies.shape[1] // STEPS_PER_BAR
        if bars < BARS or not len(melodies):
            return np.zeros((len(melodies), bars), dtype=np.float32)
        parts = (melodies[at : at + BATCH] for at in range(0, len(melodies), BATCH))
        return np.concatenate([self.head(torch.from_numpy(self.latents(part))).numpy() for part in parts])


def window_tokens(melodies: np.ndarray) -> np.ndarray:
    """Convert melodies in relative pitch (N, T) to piano-roll tokens on sixteenths, by bar: (N, U, 16) int64."""
    melodies = melodies[:, : melodies.shape[1] // STEPS_PER_BAR * STEPS_PER_BAR]
    sounds, steps = melodies != REST, np.arange(melodies.shape[1])
    last = np.maximum.accumulate(np.where(sounds, steps, -1), axis=1)
    held = np.where(last < 0, REST, np.take_along_axis(melodies, np.maximum(last, 0), axis=1)).astype(np.int64)
    again = np.zeros_like(sounds)
    again[:, :-1] = sounds[:, 1:] & (melodies[:, 1:] == held[:, :-1])
    first = np.where(held == REST, SILENT, held - FIRST + FIRST_TOKEN)
    tokens = np.stack((first, np.where(again, SILENT, first)), axis=2)
    return tokens.reshape(len(melodies), -1, 2 * STEPS_PER_BAR)
