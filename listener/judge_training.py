"""Training the held-out judge: on the pieces of the test split alone, hardened by attacks of its own.

Conventions:
    Melodies are (N, T) int8. The judge learns from excerpts of 8 bars of the test split, which no listener was trained
    on; percentiles are among the melodies of 16 bars of the validation split, which the judge did not learn from.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from listener import corruptions
from listener.corpus import Corpus, moved, rolls_of
from listener.degenerates import MELODIC
from listener.judge import FeatureClassifier, Judge, ReaderOptions, SequenceClassifier, by_windows, heard, step_codes
from listener.judging import auc, percentile
from listener.learned.negatives import negatives
from listener.markov import MarkovChain
from listener.red_team import AttackOptions, attack
from listener.traits import traits
from vae.processor import computing

ORDERS = 4
"""Of the Markov chain."""
BANK = 24
"""Melodies of each degenerate player by which it is measured."""

DEFAULT_MINUTES = 3.0
"""Measured, of one core."""

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class JudgeOptions:
    """How the judge is trained."""

    steps: int = 2000
    """Of the reader, before any attack."""
    batch: int = 64
    """Real melodies in a batch, and as many others."""
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    label_smoothing: float = 0.03
    rounds: int = 5
    """How often both are attacked and trained on."""
    round_steps: int = 150
    attacked_share: float = 0.25
    """Part of the others that comes from attacks."""
    attack_generations: int = 60
    counted: int = 3000
    """Real melodies, and others, whose figures the counter learns from."""
    counter_steps: int = 1500

    @classmethod
    def lasting(cls, minutes: float) -> "JudgeOptions":
        """Return options for about so many minutes on one core: the default ones take `DEFAULT_MINUTES`."""
        scale = minutes / DEFAULT_MINUTES
        scaled = ("steps", "round_steps", "attack_generations", "counted", "counter_steps")
        rounds = min(cls.rounds, max(1, round(3 * scale * cls.rounds)))
        return cls(rounds=rounds, **{name: max(1, round(scale * getattr(cls, name))) for name in scaled})


@computing()
def train_judge(
    excerpts: Corpus, songs: Corpus, options: JudgeOptions, seed: int, report: Report = lambda *stage: None
) -> tuple[Judge, dict]:
    """Train a judge.

    Args:
        excerpts: of 8 bars.
        songs: of 16 bars, of the same pieces and split.
        options: how much.
        seed: the same seed gives the same judge, to the bit, on one kind of machine.
        report: is told what is done, how far, of how much.

    Returns:
        The judge, and what is to know of its training as plain data.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    real = excerpts.test.melodies
    chain = MarkovChain(np.concatenate([moved(real, generator) for _ in range(3)]), ORDERS)
    reader, counter = SequenceClassifier(ReaderOptions()), FeatureClassifier()
    pool = real[:0]
    _train(reader, real, chain, pool, options.steps, options.learning_rate, options, generator, report, "reader")
    _train_counter(counter, real, chain, pool, options, generator)
    for number in range(options.rounds):
        stage = f"round {number + 1} of {options.rounds}"
        report(f"{stage}: attack", 0, 1)
        size = AttackOptions(32, 8, options.attack_generations)
        finds = attack(lambda melodies: heard(reader, counter, melodies), real.shape[1], size, generator).population
        pool = np.concatenate((pool, finds))
        rate = options.learning_rate / 3
        _train(reader, real, chain, pool, options.round_steps, rate, options, generator, report, stage)
        _train_counter(counter, real, chain, pool, options, generator)
    true = moved(songs.validation.melodies, generator)
    scores = by_windows(lambda part: heard(reader, counter, part), true)
    judge = Judge(reader, counter, np.percentile(scores, np.arange(101)).round(4).tolist())
    return judge, {"training": asdict(options), "seed": seed, "heard": _heard(judge, true, generator)}


def _train(
    reader: SequenceClassifier,
    real: np.ndarray,
    chain: MarkovChain,
    pool: np.ndarray,
    steps: int,
    learning_rate: float,
    options: JudgeOptions,
    generator: np.random.Generator,
    report: Report,
    stage: str,
) -> None:
    """Train the reader in place; the learning rate falls along a cosine to a twentieth."""
    optimiser = torch.optim.AdamW(reader.parameters(), lr=learning_rate, weight_decay=options.weight_decay)
    labels = torch.full((2 * options.batch,), options.label_smoothing)
    labels[: options.batch] = 1 - options.label_smoothing
    reader.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * max(0.05, np.cos(step / steps * np.pi / 2))
        codes = torch.from_numpy(step_codes(_examples(options.batch, real, chain, pool, options, generator)))
        loss = nn.functional.binary_cross_entropy_with_logits(reader(codes), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimiser.step()
        report(stage, step + 1, steps)
    reader.eval()


def _examples(
    count: int, real: np.ndarray, chain: MarkovChain, pool: np.ndarray, options: JudgeOptions, generator
) -> np.ndarray:
    """Return real melodies and as many others, (2 * count, T); the first half is real."""
    true = moved(real[generator.integers(0, len(real), count)], generator)
    attacked = round(options.attacked_share * count) if len(pool) else 0
    found = moved(pool[generator.integers(0, len(pool), attacked)], generator) if attacked else real[:0]
    return np.concatenate((true, negatives(true, count - attacked, chain, generator), found))


def _train_counter(
    counter: FeatureClassifier, real: np.ndarray, chain: MarkovChain, pool: np.ndarray, options: JudgeOptions, generator
) -> None:
    """Train the counter in place, on the figures of all examples at once."""
    figures = traits(_examples(options.counted, real, chain, pool, options, generator))
    counter.measure(figures[: options.counted])
    rows = torch.from_numpy(figures.astype(np.float32))
    labels = torch.full((len(rows),), options.label_smoothing)
    labels[: options.counted] = 1 - options.label_smoothing
    optimiser = torch.optim.AdamW(counter.parameters(), lr=1e-2, weight_decay=options.weight_decay)
    for _ in range(options.counter_steps):
        some = torch.from_numpy(generator.integers(0, len(rows), 512))
        loss = nn.functional.binary_cross_entropy_with_logits(counter(rows[some]), labels[some])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()


def _heard(judge: Judge, real: np.ndarray, generator: np.random.Generator) -> dict[str, dict[str, float]]:
    """Return the AUC against each corruption, and the highest percentile of each degenerate player."""
    scores = judge.scores(rolls_of(real))
    families = {**corruptions.DEMANDED, **corruptions.TRANSPOSED}
    found = {name: auc(scores, judge.scores(rolls_of(change(real, generator)))) for name, change in families.items()}
    ranks = {
        name: percentile(scores, judge.scores(rolls_of(play(BANK, real.shape[1], generator)))).max()
        for name, play in MELODIC.items()
    }
    kinds = {"auc": found, "percentile": ranks}
    return {kind: {name: round(float(value), 4) for name, value in each.items()} for kind, each in kinds.items()}
