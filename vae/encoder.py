"""Encoders from tokens to the mean and the standard deviation of the posterior.

Conventions: tokens int64 (B, T); mean and deviation float32 (B, latent), the deviation above 0.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.bar_mixing import BarMixing
from vae.config import ModelConfig
from vae.parameters import embedding

SMALLEST_DEVIATION = 1e-4
FIRST_DEVIATION_BIAS = -1.0
"""softplus(-1) = 0.31: posteriors start narrow, so that the decoder gets information from them."""


class TokenInput(nn.Module):
    """Tokens as learned vectors, or as one-hot vectors if `features` is 0; token `one_hot` is then all zeros."""

    def __init__(self, tokens: int, features: int, one_hot: int):
        super().__init__()
        self.one_hot = one_hot
        self.width = features or one_hot
        self.table = embedding(tokens, features) if features else None

    def forward(self, tokens: Tensor) -> Tensor:
        """Return vectors (..., width) for tokens (...)."""
        if self.table is not None:
            if tokens.is_cuda:  # the gradient of a lookup sorts all tokens first, so a product is faster
                weight = self.table.weight
                return (tokens[..., None] == torch.arange(len(weight), device=weight.device)).to(weight.dtype) @ weight
            return self.table(tokens)
        return functional.one_hot(tokens, self.one_hot + 1)[..., :-1].float()


def perceptron(inputs: int, width: int, layers: int) -> nn.Sequential:
    """Build layers of linear, GELU and layer norm."""
    parts: list[nn.Module] = []
    for layer in range(layers):
        parts += [nn.Linear(width if layer else inputs, width), nn.GELU(), nn.LayerNorm(width)]
    return nn.Sequential(*parts)


class Posterior(nn.Module):
    """The last layer of every encoder: mean and deviation from features (..., width)."""

    def __init__(self, width: int, latent: int):
        super().__init__()
        self.mean = nn.Linear(width, latent)
        self.deviation = nn.Linear(width, latent)
        nn.init.constant_(self.deviation.bias, FIRST_DEVIATION_BIAS)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        deviation = functional.softplus(self.deviation(features).float()) + SMALLEST_DEVIATION
        return self.mean(features).float(), deviation


class LstmEncoder(nn.Module):
    """A bidirectional LSTM over all steps, of which the two final states are used, as in MusicVAE."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input = TokenInput(config.classes, config.embedding, config.classes)
        self.lstm = nn.LSTM(
            self.input.width, config.encoder_width, config.encoder_layers, bidirectional=True, batch_first=True
        )
        self.posterior = Posterior(2 * config.encoder_width, config.latent)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        _, (hidden, _) = self.lstm(self.input(tokens))
        return self.posterior(torch.cat((hidden[-2], hidden[-1]), dim=1))


class MlpEncoder(nn.Module):
    """A perceptron over the concatenated embeddings of all steps."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input = TokenInput(config.classes, config.embedding, config.classes)
        self.layers = perceptron(config.steps * config.embedding, config.encoder_width, config.encoder_layers)
        self.posterior = Posterior(config.encoder_width, config.latent)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        return self.posterior(self.layers(self.input(tokens).flatten(1)))


class BarEncoder(nn.Module):
    """A perceptron shared by all bars, then attention between bars; each bar has its own part of the latent vector."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.bars = config.bars
        self.input = TokenInput(config.classes, config.embedding, config.classes)
        self.layers = perceptron(config.form.steps_per_bar * self.input.width, config.encoder_width, 2)
        self.mixing = nn.Sequential(
            *(BarMixing(config.bars, config.encoder_width) for _ in range(config.encoder_layers))
        )
        self.posterior = Posterior(config.encoder_width, config.latent // config.bars)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        bars = self.input(tokens).reshape(len(tokens), self.bars, -1)
        mean, deviation = self.posterior(self.mixing(self.layers(bars)))
        return mean.flatten(1), deviation.flatten(1)


def make_encoder(config: ModelConfig) -> nn.Module:
    """Build the encoder for a configuration."""
    return {"lstm": LstmEncoder, "mlp": MlpEncoder, "bars": BarEncoder}[config.encoder](config)
