"""A network that samples plans of melodies, bar by bar.

    character   tonic, minor, span and levels of style, each sampled given the ones before
    memory      gated recurrent units over the factors of the bars so far
    factors     factors of a bar, each sampled given the ones before and the factors of the echoed bar

Conventions: as in `songs.plan`. N plans of U bars, as tensors.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from songs.keyboard import KEYS
from songs.plan import CHARACTER, EXACT, FACTORS, MOST_BARS, RELATIONS, Plans, kinds_and_lags

WIDTH = 48
FURTHER_LAGS = (2, 4, 8)
"""Further lags in bars whose relations are inputs, in addition to those of the previous bar."""
MOST_LEFT = 16
DROPOUT = 0.2


class PlanNet(nn.Module):
    """A distribution over plans."""

    def __init__(self):
        super().__init__()
        self.character, self.known = _tables(CHARACTER), _tables(CHARACTER)
        self.characters = _heads(CHARACTER)
        self.before, self.source = _tables([size + 1 for size in FACTORS]), _tables([size + 1 for size in FACTORS])
        self.further = _tables([RELATIONS + 1] * len(FURTHER_LAGS))
        self.now = _tables(FACTORS)
        self.place, self.left, self.length = _tables((MOST_BARS, MOST_LEFT, MOST_BARS + 1))
        self.memory = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.heads = _heads(FACTORS)

    def log_probabilities(self, bars: Tensor, character: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log probabilities of the parts of characters, (N, C), and of the factors of bars, (N, U, 4)."""
        of_character = [self._of_character(part, character, bars.shape[1]) for part in range(len(CHARACTER))]
        known, at = self._remember(bars, character, bars.shape[1])[0], torch.arange(bars.shape[1])
        of_bars = [self._of_factor(factor, known, bars, at) for factor in range(len(FACTORS))]
        return _chosen(of_character, character), _chosen(of_bars, bars)

    @torch.inference_mode()
    def draw(self, count: int, length: int, generator: np.random.Generator, keys: int = KEYS) -> Plans:
        """Sample plans of `length` bars, for melodies that fit on `keys` keys at a random transposition."""
        character = torch.zeros(count, len(CHARACTER), dtype=torch.long)
        for part in range(len(CHARACTER)):
            logits = self._of_character(part, character, length)
            if part == 2:
                logits[:, keys:] = -torch.inf
            character[:, part] = sample(logits, generator)
        bars, state = torch.zeros(count, length, len(FACTORS), dtype=torch.long), None
        for bar in range(length):
            known, state = self._remember(bars[:, : bar + 1], character, length, state)
            for factor in range(len(FACTORS)):
                logits = self._of_factor(factor, known, bars, torch.tensor([bar]))[:, 0]
                bars[:, bar, factor] = sample(logits, generator)
            kind, lag = kinds_and_lags(bars[:, bar, 0].numpy())
            exact = np.flatnonzero(kind == EXACT)
            bars[exact, bar, 1:] = bars[exact, bar - lag[exact], 1:]
        room = keys - character[:, 2].numpy()
        lowest = (generator.random(count) * room).astype(np.int64)
        return Plans(bars.numpy(), character.numpy(), lowest)

    def _of_character(self, part: int, character: Tensor, length: int) -> Tensor:
        """Return the log probabilities (N, values) of a part of the character, given the parts before it."""
        known = sum(
            (table(character[:, i]) for i, table in enumerate(self.known[:part])), self.length(torch.tensor([length]))
        )
        return self.characters[part](self._dropped(known.expand(len(character), -1))).log_softmax(dim=-1)

    def _remember(
        self, bars: Tensor, character: Tensor, length: int, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the memory before each of bars (N, U, 4), (N, U, WIDTH), and the state after the last.

        Given the `state` after all bars but the last, return the memory before the last bar only.
        """
        here = torch.arange(bars.shape[1])
        before = nn.functional.pad(bars, (0, 0, 1, 0))[:, :-1].clone()
        before[:, 0] = torch.tensor(FACTORS)
        x = (
            self.place(here)
            + self.left((length - 1 - here).clamp(max=MOST_LEFT - 1))
            + self.length(torch.tensor([length]))
        )
        x = x + sum(table(character[:, i]) for i, table in enumerate(self.character))[:, None]
        x = x + sum(table(before[..., i]) for i, table in enumerate(self.before))
        for lag, table in zip(FURTHER_LAGS, self.further, strict=True):
            x = x + table(nn.functional.pad(bars[..., 0], (lag, 0), value=RELATIONS)[:, : bars.shape[1]])
        return self.memory(self._dropped(x if state is None else x[:, -1:]), state)

    def _of_factor(self, factor: int, known: Tensor, bars: Tensor, at: Tensor) -> Tensor:
        """Return the log probabilities (N, K, values) of a factor of bars `at` (K,), given the factors before it."""
        now = bars[:, at]
        for i, table in enumerate(self.now[:factor]):
            known = known + table(now[..., i])
        if factor:
            lag = torch.from_numpy(kinds_and_lags(now[..., 0].numpy())[1])[..., None]
            source = bars.gather(1, (at[:, None] - lag).clamp_min(0).expand(-1, -1, len(FACTORS)))
            source = torch.where(lag > 0, source, torch.tensor(FACTORS))
            known = known + sum(table(source[..., i]) for i, table in enumerate(self.source))
        logits = self.heads[factor](self._dropped(known))
        if not factor:
            logits = logits.masked_fill(at[:, None] < _LAG_OF_RELATION, -torch.inf)
        return logits.log_softmax(dim=-1)

    def _dropped(self, x: Tensor) -> Tensor:
        return nn.functional.dropout(x, DROPOUT, self.training)


_LAG_OF_RELATION = torch.from_numpy(kinds_and_lags(np.arange(RELATIONS))[1])


def sample(log_weights: Tensor, generator: np.random.Generator) -> Tensor:
    """Sample one index per row (N, values) with probabilities proportional to exp(log_weights): (N,) int64."""
    noise = generator.gumbel(size=tuple(log_weights.shape))
    return (log_weights.double() + torch.from_numpy(noise)).argmax(dim=1)


def _tables(sizes: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(nn.Embedding.from_pretrained(0.3 * torch.randn(size, WIDTH), freeze=False) for size in sizes)


def _heads(sizes: Sequence[int]) -> nn.ModuleList:
    return nn.ModuleList(nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, size)) for size in sizes)


def _chosen(log_probabilities: list[Tensor], values: Tensor) -> Tensor:
    return torch.stack([each.gather(-1, values[..., i, None])[..., 0] for i, each in enumerate(log_probabilities)], -1)
