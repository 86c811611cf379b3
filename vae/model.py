"""MusicVAE: an encoder from melodies to latent vectors, and a decoder back.

Conventions: as in `vae.encoder` and `vae.decoder`. An untrained model has random parameters.

Source:
    A. Roberts et al., A Hierarchical Latent Vector Model for Learning Long-Term Structure in Music, 2018.
"""

import torch
from torch import Tensor, nn

from vae.config import ModelConfig
from vae.decoder import make_decoder
from vae.encoder import make_encoder
from vae.slot_prior import SlotPrior


class MusicVAE(nn.Module):
    """A variational autoencoder of melodies of a fixed number of bars."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.encoder = make_encoder(config)
        self.decoder = make_decoder(config)
        self.prior = None
        if config.prior_layers:
            self.prior = SlotPrior(config.bars, config.latent, config.prior_width, config.prior_layers)

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    def encode(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and deviation (B, latent) of the posteriors of tokens (B, T)."""
        return self.encoder(tokens)

    def forward(self, tokens: Tensor, previous: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return teacher-forced logits (B, T, classes), and the mean and deviation (B, latent) of the posteriors.

        Args:
            tokens: (B, T) the melodies.
            previous: (B, T) the token before each step, `classes` if there is none or it is hidden.
            noise: (B, latent) standard normal; 0 decodes the mean.
        """
        mean, deviation = self.encoder(tokens)
        return self.decoder.teacher_forced(mean + deviation * noise, previous), mean, deviation


def make_model(config: ModelConfig, seed: int = 0) -> MusicVAE:
    """Return a model with initial parameters determined by the seed; torch's global generator is not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MusicVAE(config)


def parameter_count(model: nn.Module) -> int:
    """Return the number of parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())
