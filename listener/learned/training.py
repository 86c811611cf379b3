"""Training the learned listener: networks, hardening by attacks, norms and weights.

Conventions:
    Melodies are (N, T) int8. Networks train on excerpts of 8 bars and of 4, of which there are more; norms, weights and
    the choice of the round come from the validation melodies, 16 bars. The test melodies are not touched.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial, reduce

import numpy as np
import torch

from listener import corruptions
from listener.corpus import Corpus, moved, rolls_of
from listener.degenerates import MELODIC
from listener.judging import auc
from listener.learned.model import TERMS, Learned, Nets, norms_of
from listener.learned.negatives import wrong_pitches, wrong_rhythm
from listener.learned.net_training import (
    Others,
    TrainingOptions,
    attacked_pool,
    judgement,
    negatives_and,
    scales,
    train,
)
from listener.learned.window_net import NetOptions, WindowNet
from listener.markov import MarkovChain
from listener.red_team import AttackOptions, attack
from vae.processor import computing

PITCHES = NetOptions(embedding=24, halves=32, quarters=48, bars=48, hidden=48)
METRE = NetOptions(embedding=16, halves=24, quarters=32, bars=32, hidden=32)
"""Sizes of the networks that hear."""
ORDERS = 5
"""Of the Markov chain."""
BANK = 24
"""Melodies of each degenerate player by which a round is judged."""
FURTHER_KEYS = 20.0
"""Weight of the share of steps with more than one key: no real melody has any."""
LEAST_WEIGHT = 0.02
LEAST_BANDS = 0.4
"""Weight of what lies outside the bands: it hardly tells corruptions, but ways of playing that networks overrate."""
TRIES = 600
"""Of other weights."""
HARDLY_WRONG = 0.01
"""Mistakes that hardly count: of two families heard without one, none should be heard at the cost of the others."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Round:
    """How the networks stood after some attacks."""

    attacked: float
    """Median judgement of what the attack before this round found, in standard deviations above the real median."""
    bank: float
    """Highest percentile, among real melodies, of a degenerate melody."""


@computing()
def train_learned(
    excerpts: Corpus,
    short: Corpus,
    songs: Corpus,
    options: TrainingOptions,
    seed: int,
    report: Report = lambda *stage: None,
) -> tuple[Learned, dict]:
    """Train a listener.

    Args:
        excerpts: of 8 bars, for the networks.
        short: of 4 bars, of the same pieces and split, for the networks.
        songs: of 16 bars, of the same pieces and split.
        options: how much.
        seed: the same seed gives the same listener, to the bit, on one kind of machine.
        report: is told what is done, how far, of how much.

    Returns:
        The listener, and what is to know of its training as plain data.
    """
    real, generator = excerpts.training.melodies, _chance(seed, "chain")
    chain = MarkovChain(np.concatenate([moved(real, generator) for _ in range(3)]), ORDERS)

    def trained(stage: str, size: NetOptions, others: Others, steps: int, paired: bool) -> WindowNet:
        generator, net = _chance(seed, stage), WindowNet(size)
        reals, counter = (real, short.training.melodies), _counter(report, stage, steps)
        train(net, reals, others, steps, options.learning_rate, options, generator, counter, paired)
        return net

    pitches = trained("pitches", PITCHES, partial(wrong_pitches, chain), options.hearing_steps, paired=True)
    metre = trained("metre", METRE, wrong_rhythm, options.hearing_steps, paired=True)
    any_kind = negatives_and(real[:0], chain, 0.0)
    stages = [f"network {number + 1} of {options.nets}" for number in range(options.nets)]
    nets = [trained(stage, NetOptions(), any_kind, options.steps, paired=False) for stage in stages]
    hardened, rounds = _hardened(nets, real, songs, chain, options, _chance(seed, "rounds"), report)
    ears, generator = Nets(tuple(hardened), pitches, metre), _chance(seed, "weights")
    true = np.concatenate([moved(songs.validation.melodies, generator) for _ in range(2)])
    norms = norms_of(ears, true)
    listener = Learned(ears, norms, dict.fromkeys(TERMS, 1.0))
    weights = fitted_weights(listener, true, chain, options, generator)
    listener = Learned(ears, norms, weights)
    return listener, {"training": asdict(options), "seed": seed, "rounds": [asdict(each) for each in rounds]}


def _chance(seed: int, stage: str) -> np.random.Generator:
    """Return the source of chance of a stage, and seed torch's: what one stage draws changes no other."""
    generator = np.random.default_rng([seed, *stage.encode()])
    torch.manual_seed(int(generator.integers(2**63)))
    return generator


def _counter(report: Report, stage: str, steps: int) -> Callable[[float], None]:
    """Return what counts the steps of a stage and reports them."""
    done = iter(range(1, steps + 1))
    return lambda loss: report(stage, next(done), steps)


def _hardened(nets, real, songs: Corpus, chain, options: TrainingOptions, generator, report: Report):
    """Attack and train on in turn; return the networks of the later round whose bank is lowest, and all rounds."""
    rounds, pool, best = [], real[:0], nets
    lowest = np.inf
    for number in range(options.rounds):
        stage = f"round {number + 1} of {options.rounds}"
        report(f"{stage}: attack", 0, 1)
        found, attacked = attacked_pool(nets, real, options, generator)
        pool = np.concatenate((pool, found))
        recent = np.concatenate((pool, found, found)) if len(pool) > len(found) else pool
        others = negatives_and(recent, chain, options.attacked_share)
        for net in nets:
            counter = _counter(report, stage, options.round_steps)
            train(net, (real,), others, options.round_steps, options.round_learning_rate, options, generator, counter)
        bank = bank_percentile(nets, songs.validation.melodies, generator)
        rounds.append(Round(attacked, bank))
        # early rounds are soft whatever their bank; of equal banks the later round is the harder one
        if number + 1 >= options.rounds / 2 and bank <= lowest:
            best, lowest = deepcopy(nets), bank
    return best, rounds


def bank_percentile(nets, real: np.ndarray, generator: np.random.Generator) -> float:
    """Return the highest percentile, among real melodies, that a degenerate melody reaches."""
    measure = scales(nets, real)
    true = judgement(nets, measure, real)
    bank = np.concatenate([play(BANK, real.shape[1], generator) for play in MELODIC.values()])
    return float(100 * (true < judgement(nets, measure, bank).max()).mean())


def fitted_weights(
    listener: Learned,
    real: np.ndarray,
    chain: MarkovChain,
    options: TrainingOptions,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Return weights of the terms by which real melodies are told from others.

    They start from logistic regression on all families of others, and are changed by chance as long as the families
    are heard better: what counts is the mean logarithm of 1 - AUC, so that a family is as far from being heard
    perfectly as it is from half of that. The weights are scaled so that real melodies have a standard deviation of 1.
    """
    steps = real.shape[1]

    def score(melodies: np.ndarray) -> np.ndarray:
        return reduce(np.add, (end[:, -1] for end in listener.potentials(rolls_of(melodies)).values()))

    finds = attack(score, steps, AttackOptions(8, 16, options.attack_generations // 2), generator).population
    others = [corrupt(real, generator) for corrupt in corruptions.DEMANDED.values()]
    others += [chain.sample(len(real), steps, generator, order) for order in range(1, ORDERS + 1)]
    others += [np.concatenate([play(8, steps, generator) for play in MELODIC.values()]), finds]
    families = [_final(listener, rolls_of(each)) for each in (real, *others)]
    weights = _heard_better(np.maximum(_logistic(families[0], families[1:]), 0.1), families[0], families[1:], generator)
    total = families[0] @ weights
    scaled = dict(zip(TERMS, np.maximum(weights / total.std(), LEAST_WEIGHT).tolist(), strict=True))
    return {**scaled, "bands": max(scaled["bands"], LEAST_BANDS), "further keys": FURTHER_KEYS}


def _heard_better(
    weights: np.ndarray, real: np.ndarray, others: list[np.ndarray], generator: np.random.Generator
) -> np.ndarray:
    """Change weights (terms,) by chance, some of them at a time, and keep what makes fewer mistakes."""
    fewest = _mistakes(weights, real, others)
    for _ in range(TRIES):
        changed = weights * np.exp(generator.normal(0, 0.5, len(weights)) * (generator.random(len(weights)) < 0.5))
        found = _mistakes(changed, real, others)
        if found < fewest:
            weights, fewest = changed, found
    return weights


def _mistakes(weights: np.ndarray, real: np.ndarray, others: list[np.ndarray]) -> float:
    """Return the mean logarithm of what is missing to an AUC of 1."""
    scores = real @ weights
    return float(np.mean([np.log(1 + HARDLY_WRONG - auc(scores, each @ weights)) for each in others]))


def _final(listener: Learned, rolls: np.ndarray) -> np.ndarray:
    """Return the terms of whole songs (N, terms)."""
    return np.stack([potential[:, -1] for potential in listener.potentials(rolls).values()], axis=1)


def _logistic(real: np.ndarray, others: list[np.ndarray], steps: int = 4000, rate: float = 0.3) -> np.ndarray:
    """Return weights (terms,), none below 0, that tell rows of `real` from those of all `others`."""
    rows = np.concatenate((real, *others))
    family = [np.full(len(each), 0.5 / len(others) / len(each)) for each in others]
    share = np.concatenate([np.full(len(real), 0.5 / len(real)), *family])
    label = np.arange(len(rows)) < len(real)
    weights, bias = np.full(rows.shape[1], 0.5), 1.0
    for _ in range(steps):
        error = share * (1 / (1 + np.exp(-(rows @ weights + bias))) - label)
        weights = np.maximum(weights - rate * (rows.T @ error), 0)
        bias -= rate * error.sum()
    return weights
