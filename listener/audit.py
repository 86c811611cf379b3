"""The audit of a listener: which changes it notices, which players fool it, and what an optimiser makes of it.

Conventions:
    A score is the sum of a listener's rewards over a song. Real melodies are ones that the listener was not trained on,
    transposed at random on the 13 keys. Confidence intervals are 95%, over resampled pieces.
    The result is plain data, as written to audit.json.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from listener import corruptions
from listener.beam_search import beam_search
from listener.corpus import Excerpts, moved, rolls_of
from listener.corruptions import players
from listener.description import count_outside
from listener.form_corruptions import FORM
from listener.judging import auc, interval, percentile
from listener.listener import Listener
from listener.markov import MarkovChain
from listener.melody_features import JUDGED, judged_features
from listener.red_team import AttackOptions, attack, total
from songs.keyboard import STEPS_PER_BAR

ORDERS = (1, 2, 3, 4, 5)
DEAF, FOOLED = 0.75, 5
"""AUC below which a change counts as unnoticed, and percentile above which a degenerate player fools a listener."""
MOST_LIKELY = 0.05
"""Temperature at which a Markov chain practically always takes the likeliest step."""
OWN_BEST = "its own best by beam search"
CHUNK = 256

Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class AuditOptions:
    """The size of an audit."""

    melodies: int = 0
    """Number of real melodies, spread evenly over all of them; 0: all."""
    players: int = 40
    """Rolls of each degenerate player."""
    beam: bool = True
    """Search for the melody that the listener itself rates highest."""
    islands: int = 8
    size: int = 32
    generations: int = 400
    seed: int = 0

    @classmethod
    def quick(cls, seed: int) -> "AuditOptions":
        """Return options for an audit that takes less than a minute."""
        return cls(melodies=120, players=24, beam=False, islands=4, size=16, generations=20, seed=seed)


def audit(
    listener: Listener, real: Excerpts, known: np.ndarray, options: AuditOptions, report: Report = lambda *stage: None
) -> dict:
    """Audit a listener.

    Args:
        listener: any listener; if it has a method `uncapped` (rolls to scores (B,)), that is attacked, too.
        real: melodies it was not trained on.
        known: (K, T) int8, melodies that the Markov chains learn from.
        options: size of the audit.
        report: called with the name of a stage, the amount done, and the total.
    """
    generator = np.random.default_rng(options.seed)
    if 0 < options.melodies < len(real):
        chosen = np.linspace(0, len(real) - 1, options.melodies).astype(np.int64)
        real = Excerpts(real.melodies[chosen], real.pieces[chosen])
    melodies = moved(real.melodies, generator)
    score = in_chunks(total(listener))
    scores = score(melodies)
    chain = MarkovChain(known, max(ORDERS))
    return {
        "melodies": len(melodies),
        "pieces": len(np.unique(real.pieces)),
        "options": vars(options),
        "real": {name: float(value) for name, value in _spread(scores).items()},
        "corruptions": _corrupted(score, melodies, scores, real.pieces, chain, generator, report),
        "degenerates": _degenerate(listener, scores, melodies.shape[1], chain, options, report),
        "red team": _attacked(listener, melodies, scores, options, report),
    }


def deafness(results: dict) -> str:
    """Return a sentence that states what a listener does not notice and what fools it, from its audit."""
    corrupted = {name: row["auc"] for name, row in results["corruptions"].items() if row["kind"] != "no difference"}
    deaf = [f"{name} ({value:.2f})" for name, value in corrupted.items() if value < DEAF]
    fooled = [
        f"{name} ({row['highest']:.0f})"
        for name, row in results["degenerates"].items()
        if row["highest"] > FOOLED and name != OWN_BEST
    ]
    summary = (
        f"deaf to {', '.join(deaf)} (AUC below {DEAF:g})" if deaf else f"deaf to none of these changes (AUC {DEAF:g})"
    )
    return f"The listener is {summary}" + (
        f", and is fooled by {', '.join(fooled)} (percentile above {FOOLED})."
        if fooled
        else " and fooled by no player."
    )


def in_chunks(score: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the score function applied to chunks of the melodies, so that many melodies need little memory."""
    return lambda melodies: np.concatenate(
        [score(melodies[at : at + CHUNK]) for at in range(0, max(1, len(melodies)), CHUNK)]
    )


def _spread(scores: np.ndarray) -> dict[str, float]:
    low, median, high = np.percentile(scores, [5, 50, 95])
    return {"5%": low, "median": median, "95%": high, "deviation": scores.std()}


def _corrupted(score, melodies, scores, pieces, chain, generator, report: Report) -> dict:
    families = {
        "notes and rhythm": corruptions.DEMANDED,
        "form": FORM,
        "no difference": corruptions.TRANSPOSED,
        "reported": corruptions.REPORTED,
    }
    count = sum(map(len, families.values())) + len(ORDERS)
    results: dict[str, dict] = {}
    for kind, family in families.items():
        for name, corrupt in family.items():
            report("corruptions", len(results), count)
            others = score(corrupt(melodies, generator))
            results[name] = _separation(scores, others, pieces, generator, kind)
            results[name]["paired"] = float((scores > others).mean() + (scores == others).mean() / 2)
    for order in ORDERS:
        report("corruptions", len(results), count)
        others = score(chain.sample(len(melodies), melodies.shape[1], generator, order))
        results[f"Markov chain of order {order}"] = _separation(scores, others, pieces, generator, "notes and rhythm")
    return results


def _separation(scores, others, pieces, generator, kind: str) -> dict:
    low, high = interval(scores, others, pieces, generator)
    return {"kind": kind, "auc": auc(scores, others), "low": low, "high": high}


def _degenerate(listener, scores, steps: int, chain, options: AuditOptions, report: Report) -> dict:
    report("degenerate players", 0, 1)
    generator = np.random.default_rng([options.seed, 10_000])
    results, degenerate = {}, players(options.players, steps, generator)
    likely = [chain.sample(1, steps, generator, order, MOST_LIKELY) for order in ORDERS]
    degenerate["the most likely melody"] = rolls_of(np.concatenate(likely))
    bars = steps // STEPS_PER_BAR
    if options.beam:
        degenerate[OWN_BEST] = rolls_of(beam_search(total(listener), bars, chain, generator)[:1])
    for name, rolls in degenerate.items():
        earned = listener.rewards(rolls).sum(axis=1, dtype=np.float64)
        ranks = percentile(scores, earned)
        results[name] = {"median": float(np.median(ranks)), "highest": float(ranks.max())}
    return results


def _attacked(listener, melodies, scores, options: AuditOptions, report: Report) -> dict:
    targets = {"reward": total(listener)}
    if hasattr(listener, "uncapped"):
        targets["uncapped"] = lambda melodies: listener.uncapped(rolls_of(melodies))
    size = AttackOptions(options.islands, options.size, options.generations)
    ordinary = judged_features(melodies)
    result = {}
    for name, target in targets.items():
        # fresh seeds: no attack in training started from these
        generator = np.random.default_rng([options.seed, 20_000])
        stage = f"red team on {name}"
        finds = attack(target, melodies.shape[1], size, generator, lambda *done, stage=stage: report(stage, *done))
        real = in_chunks(target)(melodies)
        deviation = real.std() or 1.0  # if all real melodies score the same, leave the scale as it is
        champions = judged_features(finds.champions)
        strange = count_outside(champions, ordinary)
        medians = np.median(finds.history, axis=1)
        result[name] = {
            "real": _spread(real),
            "gain": float((np.median(finds.champion_scores) - np.median(real)) / deviation),
            "best gain": float((finds.champion_scores.max() - np.median(real)) / deviation),
            "history": ((medians - np.median(real)) / deviation).round(4).tolist(),
            "outside": float(strange.mean()),
            "outside real": float(count_outside(ordinary, ordinary).mean()),
            "features": dict(zip(JUDGED, np.median(champions, axis=0).tolist(), strict=True)),
            "percentile of reward": float(np.median(percentile(scores, total(listener)(finds.champions)))),
            "champions": finds.champions.tolist(),
        }
    return result
