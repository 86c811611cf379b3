"""MusicVAE: an encoder to a latent vector, and a decoder back to a melody.

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
        """Return mean and deviation (B, latent) of the posterior of tokens (B, T)."""
        return self.encoder(tokens)

    def forward(self, tokens: Tensor, previous: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return teacher-forced logits (B, T, classes), and mean and deviation (B, latent) of the posterior.

        Args:
            tokens: (B, T) the melodies.
            previous: (B, T) the token before each step, `classes` where there is none or it is withheld.
            noise: (B, latent) standard normal; 0 decodes the mean.
        """
        mean, deviation = self.encoder(tokens)
        return self.decoder.teacher_forced(mean + deviation * noise, previous), mean, deviation


def make_model(config: ModelConfig, seed: int = 0) -> MusicVAE:
    """Return a model with initial parameters, the same for the same seed; torch's global generator is not changed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MusicVAE(config)


def parameter_count(model: nn.Module) -> int:
    """Return the number of parameters of a model."""
    return sum(parameter.numel() for parameter in model.parameters())
