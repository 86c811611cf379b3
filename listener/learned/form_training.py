"""Training the networks that judge whole songs, on pairs of a song and a copy with broken form.

Conventions:
    Melodies are (N, T) int8; negative i is a corruption of real melody i. A bar line counts if the two differ before
    it, and the last bar line counts as much as all others together. Losses are minimised.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from listener.corruptions import Corruption, nudged, shuffled_pitches, shuffled_rhythm
from listener.form_corruptions import FORM, reordered
from listener.learned.form import form_figures
from listener.learned.form_net import FormNet
from listener.learned.hearing import heard
from listener.learned.net_training import MADE_AT_ONCE, Others
from listener.learned.window_net import WINDOW_BARS
from listener.markov import MarkovChain
from listener.theory import REST
from listener.training import FitStage, Randomness
from listener.training_options import LearnedOptions, VaeOptions
from songs.keyboard import STEPS_PER_BAR
from vae.fit import CosineRate, Fit


def fit_form(
    net: FormNet,
    songs: np.ndarray,
    chain: MarkovChain,
    options: LearnedOptions | VaeOptions,
    random: Randomness,
) -> FitStage:
    """Return the stage that fits a form network to songs (R, T) int8."""
    rate = CosineRate(options.learning_rate, options.form_steps)
    losses = partial(song_losses, net, form_figures, songs, partial(wrong_form, chain), options, random.generator)
    fit = Fit(net, rate.learning_rate, options.weight_decay)
    return FitStage("form", fit, rate, lambda done: losses(), random, MADE_AT_ONCE)


def song_losses(
    net: nn.Module,
    read: Callable[[np.ndarray], np.ndarray],
    songs: np.ndarray,
    wrong: Others,
    options: LearnedOptions | VaeOptions,
    generator: np.random.Generator,
) -> Iterator[Tensor]:
    """Yield the losses of `MADE_AT_ONCE` batches of songs (R, T) int8. Dropout uses torch's global generator.

    Args:
        net: maps the output of `read` to logits (N, U).
        read: maps melodies in relative pitch to inputs of the network.
        songs: real songs.
        wrong: corrupts them.
        options: options of the training.
        generator: source of randomness.
    """
    real = songs[generator.integers(0, len(songs), MADE_AT_ONCE * options.batch)]
    other = wrong(real, generator)
    weights = np.split(_weights(real, other), MADE_AT_ONCE)
    figures = [np.split(read(heard(each)), MADE_AT_ONCE) for each in (real, other)]
    for true, false, weight in zip(*figures, weights, strict=True):
        better, worse = net(torch.from_numpy(np.concatenate((true, false)))).chunk(2)
        losses = softplus(worse - better)
        for logits, label in ((better, 1 - options.label_smoothing), (worse, options.label_smoothing)):
            losses = losses + binary_cross_entropy_with_logits(logits, torch.full_like(logits, label), reduction="none")
        counted = torch.from_numpy(weight)
        yield (losses * counted).sum() / counted.sum().clamp_min(1)


def _weights(real: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the weight of each bar line of pairs (N, T) in the loss, (N, U) float32."""
    differs = (real != other).reshape(len(real), -1, STEPS_PER_BAR).any(axis=2)
    weights = np.logical_or.accumulate(differs, axis=1).astype(np.float32)
    weights[:, : WINDOW_BARS - 1] = 0
    weights[:, :-1] /= 2 * max(1, weights.shape[1] - WINDOW_BARS)
    return weights


def wrong_form(chain: MarkovChain, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Corrupt the form of songs (N, T), or sometimes their notes; some are replaced by samples of a chain."""
    families: dict[str, tuple[float, Corruption]] = {**FAMILIES, "chain": (1.5, partial(_sampled, chain))}
    weights = np.array([weight for weight, _ in families.values()])
    kind, made = generator.choice(len(families), len(real), p=weights / weights.sum()), real.copy()
    for number, (_, corrupt) in enumerate(families.values()):
        if (chosen := kind == number).any():
            made[chosen] = corrupt(real[chosen], generator)
    return made


def _sampled(chain: MarkovChain, real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return chain.sample(len(real), real.shape[1], generator, int(generator.integers(2, chain.order + 1)))


def _in_quarters(real: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Play the notes of each melody in even quarters, over and over."""
    made = np.full_like(real, REST)
    for row, melody in zip(made, real, strict=True):
        row[::2] = np.resize(melody[melody != REST], len(row[::2]))
    return made


_WEIGHTS = {
    "loop of 1 bar": 1.0,
    "loop of 2 bars": 2.0,
    "loop of 4 bars": 2.5,
    "phrases shuffled": 5.0,
    "bars shuffled": 3.0,
    "two songs spliced": 9.0,
    "no ending": 5.0,
    "phrase ends moved": 4.5,
    "bars of two songs in turn": 4.0,
    "echoes broken": 2.0,
    "scale walked in the rhythm": 2.0,
}
FAMILIES: dict[str, tuple[float, Corruption]] = {
    **{name: (_WEIGHTS[name], corrupt) for name, corrupt in FORM.items()},
    "pairs of bars shuffled": (1.5, partial(reordered, bars=2)),
    "shuffled pitches": (1.5, shuffled_pitches),
    "shuffled rhythm": (1.0, shuffled_rhythm),
    "10% of notes moved": (4.0, partial(nudged, share=0.1)),
    "in quarters": (0.5, _in_quarters),
}
"""Weight and function of each family."""
