"""Statistics over seeds: bands of curves, shares solved, and which group is better, with 95% intervals.

The methods are those of R. Agarwal, M. Schwarzer, P. S. Castro, A. Courville and M. G. Bellemare, "Deep Reinforcement
Learning at the Edge of the Statistical Precipice", NeurIPS 2021: the interquartile mean, percentile bootstrap intervals
that resample the runs of each song separately, and the probability of improvement, averaged over the songs.

Conventions: N runs, S songs, G points of a grid. The same runs give the same intervals.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import CensoredData, bootstrap, ecdf, rankdata, trim_mean

from experiments.comparison.curves import Comparison, Curve, Group

RESAMPLES = 1000
MOST_NUMBERS = 2_000_000
"""Maximum number of resampled values held at a time."""
MOST_PAIRED = 6
"""Number of groups up to which every pair is compared; with more, each is compared with the first."""

Statistic = Callable[..., np.ndarray]


def interquartile_mean(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the mean of the middle half of the values."""
    return trim_mean(values, 0.25, axis=axis)


STATISTICS: dict[str, Statistic] = {"iqm": interquartile_mean, "median": np.median}
NAMES = {"iqm": "interquartile mean", "median": "median"}


def interval(samples: Sequence[np.ndarray], statistic: Statistic) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the 95% percentile bootstrap interval of a statistic, (...) and (...); None if no sample has two runs.

    Args:
        samples: (..., N) for each song, resampled separately.
        statistic: A function of such samples, with axis=-1, that returns (...).
    """
    counts = [sample.shape[-1] for sample in samples]
    if max(counts) == 1:
        return None

    def resampled(*each: np.ndarray, axis: int) -> np.ndarray:
        alone = (one[..., :1] if count == 1 else one for one, count in zip(each, counts, strict=True))
        return statistic(*alone, axis=axis)

    size = sum(sample.size for sample in samples)
    found = bootstrap(
        [sample if count > 1 else np.repeat(sample, 2, -1) for sample, count in zip(samples, counts, strict=True)],
        resampled,  # scipy does not accept a sample of one run
        n_resamples=RESAMPLES,
        batch=max(1, MOST_NUMBERS // size),
        vectorized=True,
        axis=-1,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return found.low, found.high


def pooled(statistic: Statistic) -> Statistic:
    """Return a statistic over the pooled runs of all songs."""
    return lambda *samples, axis=-1: statistic(np.concatenate(samples, axis=axis), axis=axis)


def band(group: Group, grid: np.ndarray, statistic: Statistic) -> np.ndarray:
    """Return the statistic of a group with its interval at each cost, (3, G): value, low, high.

    NaN where not all runs that ended have a value, and everywhere if none has ended.
    """
    result = np.full((3, len(grid)), np.nan)
    if not group.ended:
        return result
    first, last = group.known
    if all(curve.solved for curve in group.ended):
        last = grid[np.searchsorted(grid, last).clip(max=len(grid) - 1)]  # so that the final result is visible
    known = (grid >= first) & (grid <= last)
    samples = [np.array([curve.on(grid[known]) for curve in song]).T for song in group.by_song]
    result[0, known] = pooled(statistic)(*samples)
    if known.any() and (found := interval(samples, pooled(statistic))):
        result[1:, known] = found
    return result


def share_solved(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """Return costs, and the share of runs solved by each: the Kaplan-Meier estimate.

    An unsolved run is censored at the cost at which it stopped, for whatever reason.
    """
    solved = [curve.cost for curve in group.curves if curve.solved]
    censored = [curve.cost for curve in group.curves if not curve.solved]
    if not solved:
        return np.array([0.0, max(censored)]), np.zeros(2)
    estimate = ecdf(CensoredData(uncensored=solved, right=censored)).cdf
    end = max(solved + censored)
    return np.concatenate([[0.0], estimate.quantiles, [end]]), np.concatenate(
        [[0.0], estimate.probabilities, estimate.probabilities[-1:]]
    )


def table(comparison: Comparison, statistic: Statistic) -> list[dict[str, Any]]:
    """Return a row for each group: the result and median cost of the runs that ended, with intervals.

    An unsolved run counts with its total cost; if half of the runs or more are unsolved, the median is a lower
    bound.
    """
    rows = []
    for group in comparison.groups:
        songs, ended = group.by_song, group.ended
        row: dict[str, Any] = {"group": group.label, "runs": len(group.curves), "ended": len(ended)}
        if ended:
            solved = sum(curve.solved for curve in ended)
            if comparison.solvable:
                row |= {"solved": solved, "lower_bound": 2 * solved <= len(ended)}
            row |= _figure("result", [[_result(curve, comparison) for curve in song] for song in songs], statistic)
            row |= _figure("cost", [[curve.cost for curve in song] for song in songs], np.median)
            row["cpu_seconds"] = float(np.median([curve.run.summary["cpu_seconds"] for curve in ended]))
        rows.append(row)
    return rows


def _figure(name: str, songs: list[list[float]], statistic: Statistic) -> dict[str, float | None]:
    samples = [np.array(song) for song in songs]
    return {name: float(pooled(statistic)(*samples))} | _bounds(samples, pooled(statistic), f"{name}_")


def _bounds(samples: Sequence[np.ndarray], statistic: Statistic, prefix: str = "") -> dict[str, float | None]:
    """Return an interval as plain data; None values if it is missing."""
    found = interval(samples, statistic)
    return {f"{prefix}{end}": found and float(found[index]) for index, end in enumerate(("low", "high"))}


def _result(curve: Curve, comparison: Comparison) -> float:
    return float(curve.y.min() if comparison.measure == "loss" else curve.y[-1])


def better(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the probability, for pairs of groups, that a run of one group is better than a run of the other.

    A run is better if it is solved and the other is not, or solved at a lower cost, or if neither is solved and its
    result is better; ties count half. The probability is the mean over the songs that both groups have.
    """
    groups = [group for group in comparison.groups if group.ended]
    pairs = list(
        combinations(groups, 2) if len(groups) <= MOST_PAIRED else ((group, groups[0]) for group in groups[1:])
    )
    rows = []
    for one, other in pairs:
        samples = _merits(one, other, comparison)
        if not samples:
            continue
        row = {"group": one.label, "other": other.label, "better": float(_probability(*samples))}
        rows.append(row | _bounds(samples, _probability))
    return rows


def _merits(one: Group, other: Group, comparison: Comparison) -> list[np.ndarray]:
    """Return the merits of runs (higher is better): for each common song, those of the first group, then the second."""
    theirs = {song[0].run.song: song for song in other.by_song}
    pairs = [(song, theirs[song[0].run.song]) for song in one.by_song if song[0].run.song in theirs]
    return [np.array([_merit(curve, comparison) for curve in curves]) for pair in pairs for curves in pair]


def _merit(curve: Curve, comparison: Comparison) -> float:
    if comparison.solvable and curve.solved:
        return 1e90 / (1 + curve.cost)  # above every number of steps right, and every return
    result = _result(curve, comparison)
    return -result if comparison.measure == "loss" else result


def _probability(*samples: np.ndarray, axis: int = -1) -> np.ndarray:
    """Return the probability that a value of one sample exceeds a value of the next, as the mean over such pairs.

    Args:
        samples: (..., N) of one group and (..., N') of the other, for each song.
        axis: Axis of the runs, the last one.
    """
    shares = []
    for ours, theirs in zip(samples[::2], samples[1::2], strict=True):
        count, others = ours.shape[-1], theirs.shape[-1]
        ranks = rankdata(np.concatenate([ours, theirs], axis=-1), axis=-1)[..., :count]
        shares.append((ranks.mean(axis=-1) - (count + 1) / 2) / others)  # the Mann-Whitney U statistic over its maximum
    return np.mean(shares, axis=0)
