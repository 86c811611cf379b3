"""Decoders from latent vectors to logits: teacher forced, given the true token before each step, or free running.

A *conductor* computes an embedding of every bar. An LSTM is reset from it at every bar and gets it as an input at every
step. Since no state is carried from bar to bar, all bars can be decoded in parallel when the tokens are known. The flat
decoder has one long "bar".

Conventions:
    z float (B, latent); tokens int64 (B, T); logits float (B, T, classes). U bars of S steps, T = U * S.
    `previous` (B, T) holds the token before each step; `classes` marks a missing token, at the start or dropped.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.bar_mixing import BarMixing
from vae.config import ModelConfig
from vae.encoder import TokenInput


class LstmConductor(nn.Module):
    """An LSTM without input whose initial states are computed from the latent vector, as in MusicVAE."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.bars, self.width, self.layers = config.segments, config.conductor_width, max(1, config.conductor_layers)
        self.first_states = nn.Linear(config.latent, 2 * self.layers * self.width)
        self.lstm = nn.LSTM(1, self.width, self.layers, batch_first=True)

    def forward(self, z: Tensor) -> Tensor:
        """Return the bar embeddings (B, U, width)."""
        states = torch.tanh(self.first_states(z)).reshape(len(z), 2, self.layers, self.width)
        hidden, cell = states.permute(1, 2, 0, 3).contiguous()
        return self.lstm(z.new_zeros(len(z), self.bars, 1, dtype=hidden.dtype), (hidden, cell))[0]


class SlotConductor(nn.Module):
    """A projection of each bar's part of the latent vector, followed by attention between bars."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.bars = config.bars
        self.read = nn.Linear(config.latent // config.bars, config.conductor_width)
        self.mixing = nn.Sequential(
            *(BarMixing(config.bars, config.conductor_width) for _ in range(config.conductor_layers))
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return the bar embeddings (B, U, width)."""
        return torch.tanh(self.mixing(self.read(z.reshape(len(z), self.bars, -1))))


class FlatConductor(nn.Module):
    """One embedding for all steps."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.read = nn.Linear(config.latent, config.conductor_width)

    def forward(self, z: Tensor) -> Tensor:
        """Return the embedding (B, 1, width)."""
        return torch.tanh(self.read(z))[:, None]


def make_conductor(config: ModelConfig) -> nn.Module:
    """Build the conductor for a configuration."""
    kinds = {"lstm": LstmConductor, "slots": SlotConductor}
    return (FlatConductor if config.decoder == "flat" else kinds[config.conductor])(config)


class Decoder(nn.Module):
    """The interface of a decoder."""

    def teacher_forced(self, z: Tensor, previous: Tensor) -> Tensor:
        """Return the logits (B, T, classes) of each step, given the true token before it.

        Args:
            z: (B, latent).
            previous: (B, T) the token before each step, `classes` if there is none or it is hidden.
        """
        raise NotImplementedError

    def free_running(
        self,
        z: Tensor,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        logits: bool = False,
    ) -> Tensor:
        """Decode tokens (B, T) from the decoder's own earlier tokens, all melodies in parallel.

        Args:
            z: (B, latent).
            temperature: 0 takes the likeliest token, 1 samples from the distribution, above 1 is more random.
            generator: generator for sampling, on the device of `z`.
            logits: return the logits (B, T, classes) instead.
        """
        raise NotImplementedError


class LstmDecoder(Decoder):
    """A decoder made of conductor, LSTM and output layer."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.bars, self.steps = config.segments, config.steps // config.segments
        self.conductor = make_conductor(config)
        width, layers = config.decoder_width, config.decoder_layers
        self.input = TokenInput(config.classes + 1, config.embedding, config.classes)
        self.first_states = nn.Linear(config.conductor_width, 2 * layers * width)
        self.unroll = nn.Linear(config.conductor_width, self.steps * config.unroll) if config.unroll else None
        context = config.conductor_width * config.hear_bar + config.unroll
        self.lstm = nn.LSTM(context + self.input.width, width, layers, batch_first=True)
        self.output = nn.Linear(width + config.unroll, config.classes)
        for layer in range(layers):  # an initially open forget gate lets gradients through
            getattr(self.lstm, f"bias_ih_l{layer}").data[width : 2 * width] = 1.0

    def teacher_forced(self, z: Tensor, previous: Tensor) -> Tensor:
        embeddings = self.conductor(z).flatten(0, 1)  # (B * U, width)
        context, skip = self._context(embeddings)
        last = self.input(previous.reshape(len(embeddings), self.steps))
        out, _ = self.lstm(torch.cat((context, last.to(context.dtype)), dim=2), self._states(embeddings))
        if skip is not None:
            out = torch.cat((out, skip.to(out.dtype)), dim=2)
        return self.output(out).reshape(len(z), -1, self.config.classes)

    @torch.no_grad()
    def free_running(self, z, temperature=0.0, generator=None, logits=False) -> Tensor:
        embeddings = self.conductor(z)
        context, skip = self._context(embeddings.flatten(0, 1))
        cells = LstmCells(self.lstm, context.reshape(len(z), self.bars, self.steps, -1), self.input)
        skip = None if skip is None else skip.reshape(len(z), self.bars, self.steps, -1)
        last = cells.of_tokens(torch.full((len(z),), self.config.classes, device=z.device))
        played = []
        for bar in range(self.bars):
            hidden, cell = (list(part) for part in self._states(embeddings[:, bar]))
            for step in range(self.steps):
                out = cells.step(bar, step, last, hidden, cell)
                if skip is not None:
                    out = torch.cat((out, skip[:, bar, step]), dim=1)
                scores = self.output(out)
                token = draw(scores, temperature, generator)
                last = cells.of_vectors(scores) if self.config.feedback == "logits" else cells.of_tokens(token)
                played.append(scores if logits else token)
        return torch.stack(played, dim=1)

    def _states(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Return the initial hidden and cell states (layers, N, width) of bars with embeddings (N, width)."""
        states = torch.tanh(self.first_states(embeddings))
        states = states.reshape(len(embeddings), 2, self.config.decoder_layers, self.config.decoder_width)
        hidden, cell = states.permute(1, 2, 0, 3).contiguous()
        return hidden, cell

    def _context(self, embeddings: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the LSTM's input from the bar at every step (N, S, features), and the part also fed to the output."""
        context = embeddings[:, None].expand(-1, self.steps, -1)
        if self.unroll is None:
            return context, None
        unrolled = self.unroll(embeddings).reshape(len(embeddings), self.steps, -1)
        return (torch.cat((context, unrolled), dim=2) if self.config.hear_bar else unrolled), unrolled


class LstmCells:
    """The decoder's LSTM run step by step; everything independent of earlier steps is computed in advance."""

    def __init__(self, lstm: nn.LSTM, context: Tensor, tokens: TokenInput):
        """
        Args:
            lstm: the LSTM, with one or more layers.
            context: (B, U, S, features) input of every step other than the last token.
            tokens: the input layer for the last token.
        """
        features = context.shape[-1]
        self.recurrent = [getattr(lstm, f"weight_hh_l{layer}").t() for layer in range(lstm.num_layers)]
        self.inputs = [getattr(lstm, f"weight_ih_l{layer}").t() for layer in range(lstm.num_layers)]
        self.biases = [
            getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}") for layer in range(lstm.num_layers)
        ]
        weight = self.inputs[0].t()
        self.fixed = functional.linear(context, weight[:, :features], self.biases[0])
        self.from_vector = weight[:, features:]
        if tokens.table is not None:
            self.table = functional.linear(tokens.table.weight, self.from_vector)
        else:
            self.table = functional.pad(self.from_vector.t(), (0, 0, 0, 1))  # zeros for a missing token

    def of_tokens(self, tokens: Tensor) -> Tensor:
        """Return the contribution of the last tokens (B,) to the gates."""
        return self.table[tokens]

    def of_vectors(self, vectors: Tensor) -> Tensor:
        """Return the contribution of vectors (B, classes), instead of tokens, to the gates."""
        return functional.linear(vectors, self.from_vector)

    def step(self, bar: int, step: int, last: Tensor, hidden: list[Tensor], cell: list[Tensor]) -> Tensor:
        """Return the output (B, width) of a step; the states, lists of (B, width) by layer, are updated in place."""
        gates = self.fixed[:, bar, step] + last
        for layer, recurrent in enumerate(self.recurrent):
            if layer:
                gates = torch.addmm(self.biases[layer], hidden[layer - 1], self.inputs[layer])
            into, keep, new, out = torch.addmm(gates, hidden[layer], recurrent).chunk(4, dim=1)
            cell[layer] = torch.sigmoid(keep) * cell[layer] + torch.sigmoid(into) * torch.tanh(new)
            hidden[layer] = torch.sigmoid(out) * torch.tanh(cell[layer])
        return hidden[-1]


def draw(scores: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return tokens (B,) for logits (B, classes): the likeliest at temperature 0, otherwise sampled."""
    if temperature <= 0:
        return scores.argmax(dim=1)
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]


def make_decoder(config: ModelConfig) -> Decoder:
    """Build the decoder for a configuration. To add one: a class and a line here, and a name in `config.DECODERS`."""
    return {"hierarchical": LstmDecoder, "flat": LstmDecoder}[config.decoder](config)
