"""How well a classifier tells one source's melodies from another's: .5 is indistinguishable, 1 is always right.

A forest of extra-trees learns from four fifths of the melodies and predicts the others, five times, so that every
melody is predicted by a forest that was trained neither on it nor on another melody of the same piece. Its inputs are
the features of `listener.judge.notes`: shares of degrees, intervals, durations and positions, their variety, and the
similarity of bars to earlier ones, and the endings. No feature depends on the key or the length.

Conventions: A and B are songs in 4/4 or 2/4. A telling feature is one that the forests split by; AUC above .5 means
that A has more of it.
Source: P. Geurts, D. Ernst, L. Wehenkel, Extremely Randomized Trees, 2006; D. Lopez-Paz, M. Oquab, Revisiting
Classifier Two-Sample Tests, 2017.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from listener.judge import notes as judge_notes
from listener.judging import auc, interval
from songs.song import Song

TREES, FOLDS = 300, 5
TELLING = 8
"""Number of features reported."""
_BARS = judge_notes.FORM[:-1]  # without the last bar, which is the same for all
FIGURES = (
    *judge_notes.WHOLE,
    *(f"mean of bars: {name}" for name in _BARS),
    *(f"last bar: {name}" for name in _BARS),
    *(f"every fourth bar: {name}" for name in _BARS[-3:]),
)


def figures(songs: Sequence[Song]) -> np.ndarray:
    """Return the features of songs, (N, len(FIGURES)) float64; raise ValueError for meters other than 4/4 and 2/4."""
    rows = []
    for song in songs:
        reading = judge_notes.read(judge_notes.sixteenths(song.roll[None], song.grid))
        (bars,), (whole,) = reading.form[..., :-1], reading.whole
        phrases = bars[3::4] if len(bars) > 3 else bars[-1:]
        rows.append(np.concatenate((whole, bars.mean(axis=0), bars[-1], phrases[:, -3:].mean(axis=0))))
    return np.array(rows, dtype=np.float64)


def check_enough(songs: Sequence[Song], name: str = "a source") -> None:
    """Raise ValueError if songs are of fewer pieces than cross-validation needs."""
    if len(np.unique(_pieces(songs))) < FOLDS:
        raise ValueError(f"{name} has fewer than {FOLDS} melodies, too few to tell sources apart")


def separability(one: Sequence[Song], other: Sequence[Song], seed: int = 0, trees: int = TREES) -> dict[str, Any]:
    """Return how well the songs of two sources can be told apart; songs of the same name belong to one piece.

    Args:
        one: At least five pieces.
        other: At least five pieces.
        seed: Seed of the forests and the interval.
        trees: Number of trees in each forest.

    Returns:
        `auc`; `low` and `high`, its 95% bootstrap interval over pieces; `melodies` of both; and
        `telling`: name, weight, `auc` of the single feature, and its means in both.

    Raises:
        ValueError: A source has fewer than five pieces, or is not in 4/4 or 2/4.
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    values = np.concatenate((figures(one), figures(other)))
    labels = np.repeat([1, 0], [len(one), len(other)])
    pieces = np.concatenate((_pieces(one), _pieces(other) + len(one)))
    for songs in (one, other):
        check_enough(songs)
    scores, weights = np.zeros(len(labels)), np.zeros(values.shape[1])
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for learned, asked in folds.split(values, labels, pieces):
        forest = ExtraTreesClassifier(trees, class_weight="balanced", min_samples_leaf=2, random_state=seed)
        forest.fit(values[learned], labels[learned])
        scores[asked] = forest.predict_proba(values[asked])[:, 1]
        weights += forest.feature_importances_ / FOLDS
    mine, others = scores[labels == 1], scores[labels == 0]
    low, high = interval(
        mine, others, pieces[labels == 1], np.random.default_rng(seed), others_pieces=pieces[labels == 0]
    )
    first, second = values[labels == 1], values[labels == 0]
    telling = [
        {
            "figure": FIGURES[index],
            "weight": float(weights[index]),
            "auc": auc(first[:, index], second[:, index]),
            "means": [float(first[:, index].mean()), float(second[:, index].mean())],
        }
        for index in np.argsort(-weights)[:TELLING]
    ]
    return {"auc": auc(mine, others), "low": low, "high": high, "melodies": [len(one), len(other)], "telling": telling}


def _pieces(songs: Sequence[Song]) -> np.ndarray:
    """Return a number for each name; draws of a source share a name, and each counts as a piece."""
    names = [song.name for song in songs]
    return np.arange(len(songs)) if len(set(names)) == 1 else np.unique(names, return_inverse=True)[1]
