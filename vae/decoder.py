"""From latent vectors to logits: teacher forced, given the true token before each step, or free running on its own.

A *conductor* makes an embedding of every bar; an LSTM begins anew in every bar from its embedding and hears it at
every step. As the state does not go from bar to bar, all bars can be decoded side by side when the tokens are known.
The flat decoder has one long "bar".

Conventions:
    z float (B, latent); tokens int64 (B, T); logits float (B, T, classes). U bars of S steps, T = U * S.
    `previous` (B, T) holds the token before each step; `classes` stands for none, before the first or dropped.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.bar_mixing import BarMixing
from vae.config import ModelConfig
from vae.encoder import TokenInput


class LstmConductor(nn.Module):
    """An LSTM that hears nothing; its first states are read from the latent vector, as in MusicVAE."""

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
    """Each bar reads its own part of the latent vector; then layers in which bars hear each other."""

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


class Decoder(nn.Module):
    """Conductor, LSTM and output."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.bars, self.steps = config.segments, config.steps // config.segments
        if config.decoder == "flat":
            self.conductor: nn.Module = FlatConductor(config)
        else:
            self.conductor = {"lstm": LstmConductor, "slots": SlotConductor}[config.conductor](config)
        width, layers = config.decoder_width, config.decoder_layers
        self.input = TokenInput(config.classes + 1, config.embedding, config.classes)
        self.first_states = nn.Linear(config.conductor_width, 2 * layers * width)
        self.unroll = nn.Linear(config.conductor_width, self.steps * config.unroll) if config.unroll else None
        context = config.conductor_width * config.hear_bar + config.unroll
        self.lstm = nn.LSTM(context + self.input.width, width, layers, batch_first=True)
        self.output = nn.Linear(width + config.unroll, config.classes)
        for layer in range(layers):  # a forget gate that is open at first lets gradients through
            getattr(self.lstm, f"bias_ih_l{layer}").data[width : 2 * width] = 1.0

    def teacher_forced(self, z: Tensor, previous: Tensor) -> Tensor:
        """Return the logits (B, T, classes) of each step, given the true token before it."""
        embeddings = self.conductor(z).flatten(0, 1)  # (B * U, width)
        context, skip = self._context(embeddings)
        heard = self.input(previous.reshape(len(embeddings), self.steps))
        out, _ = self.lstm(torch.cat((context, heard.to(context.dtype)), dim=2), self._states(embeddings))
        if skip is not None:
            out = torch.cat((out, skip.to(out.dtype)), dim=2)
        return self.output(out).reshape(len(z), -1, self.config.classes)

    @torch.no_grad()
    def free_running(
        self,
        z: Tensor,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
        logits: bool = False,
    ) -> Tensor:
        """Return the tokens (B, T) that the decoder plays on its own, all melodies side by side.

        Args:
            z: latent vectors.
            temperature: 0 takes the likeliest token, 1 draws from the distribution, more is wilder.
            generator: of the draws, on the device of `z`.
            logits: return the logits (B, T, classes) instead.
        """
        embeddings = self.conductor(z)
        context, skip = self._context(embeddings.flatten(0, 1))
        cells = LstmCells(self.lstm, context.reshape(len(z), self.bars, self.steps, -1), self.input)
        skip = None if skip is None else skip.reshape(len(z), self.bars, self.steps, -1)
        heard = cells.hear(torch.full((len(z),), self.config.classes, device=z.device))
        played = []
        for bar in range(self.bars):
            hidden, cell = (list(part) for part in self._states(embeddings[:, bar]))
            for step in range(self.steps):
                out = cells.step(bar, step, heard, hidden, cell)
                if skip is not None:
                    out = torch.cat((out, skip[:, bar, step]), dim=1)
                scores = self.output(out)
                token = draw(scores, temperature, generator)
                heard = cells.hear_vector(scores) if self.config.feedback == "logits" else cells.hear(token)
                played.append(scores if logits else token)
        return torch.stack(played, dim=1)

    def _states(self, embeddings: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first hidden and cell states (layers, N, width) of bars with embeddings (N, width)."""
        states = torch.tanh(self.first_states(embeddings))
        states = states.reshape(len(embeddings), 2, self.config.decoder_layers, self.config.decoder_width)
        hidden, cell = states.permute(1, 2, 0, 3).contiguous()
        return hidden, cell

    def _context(self, embeddings: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return what every step hears of its bar (N, S, features), and what of it skips to the output."""
        context = embeddings[:, None].expand(-1, self.steps, -1)
        if self.unroll is None:
            return context, None
        unrolled = self.unroll(embeddings).reshape(len(embeddings), self.steps, -1)
        return (torch.cat((context, unrolled), dim=2) if self.config.hear_bar else unrolled), unrolled


class LstmCells:
    """The decoder's LSTM step by step, with the parts that do not depend on earlier steps computed at once."""

    def __init__(self, lstm: nn.LSTM, context: Tensor, tokens: TokenInput):
        """
        Args:
            lstm: of one or more layers.
            context: (B, U, S, features) what every step hears beside the last token.
            tokens: the input of the last token.
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
            self.table = functional.pad(self.from_vector.t(), (0, 0, 0, 1))  # the last token is none: zeros

    def hear(self, tokens: Tensor) -> Tensor:
        """Return what the last tokens (B,) add to the gates."""
        return self.table[tokens]

    def hear_vector(self, vectors: Tensor) -> Tensor:
        """Return what vectors (B, classes) add to the gates in the place of a token."""
        return functional.linear(vectors, self.from_vector)

    def step(self, bar: int, step: int, heard: Tensor, hidden: list[Tensor], cell: list[Tensor]) -> Tensor:
        """Return the output (B, width) of a step; the states (layers of (B, width)) are replaced."""
        gates = self.fixed[:, bar, step] + heard
        for layer, recurrent in enumerate(self.recurrent):
            if layer:
                gates = torch.addmm(self.biases[layer], hidden[layer - 1], self.inputs[layer])
            into, keep, new, out = torch.addmm(gates, hidden[layer], recurrent).chunk(4, dim=1)
            cell[layer] = torch.sigmoid(keep) * cell[layer] + torch.sigmoid(into) * torch.tanh(new)
            hidden[layer] = torch.sigmoid(out) * torch.tanh(cell[layer])
        return hidden[-1]


def draw(scores: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return a token (B,) for logits (B, classes): the likeliest at temperature 0, else drawn."""
    if temperature <= 0:
        return scores.argmax(dim=1)
    return torch.multinomial(torch.softmax(scores / temperature, dim=1), 1, generator=generator)[:, 0]
