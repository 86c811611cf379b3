"""Figures of plans, for comparing sampled plans with real ones.

Conventions: plans are (N, U, 4) factors, as in `songs.plan`; figures (N, F) float32.
"""

import numpy as np

from songs.plan import EXACT, KINDS, LONG, NO_DEGREE, RHYTHM, TRANSPOSED, kinds_and_lags

LAGS = (1, 2, 3, 4, 6, 8)
SEEN_LAGS = (1, 2, 4, 8)
FIGURES = 68
"""F, the number of figures."""


def plan_figures(plans: np.ndarray) -> np.ndarray:
    """Return figures of plans, (N, F) float32: which bars are equal or share a rhythm, their density and endings."""
    kind, lag = kinds_and_lags(plans[..., 0])
    bars = np.arange(plans.shape[1])
    columns = [(kind == each).mean(axis=1) for each in range(len(KINDS))]
    columns += [((kind == EXACT) & (lag == each)).mean(axis=1) for each in range(1, 9)]
    columns += [((kind > EXACT) & (lag == each)).mean(axis=1) for each in SEEN_LAGS]
    whole = _classes(kind == EXACT, bars - lag)
    rhythm = _classes((kind == EXACT) | (kind == TRANSPOSED) | (kind == RHYTHM), bars - lag)
    for classes in (whole, rhythm):
        columns += [
            (classes[:, each:] == classes[:, :-each]).mean(axis=1) if each < len(bars) else np.zeros(len(plans))
            for each in LAGS
        ]
        alike = (classes[:, :, None] == classes[:, None]).sum(axis=2)
        columns += [(classes == bars).mean(axis=1), alike.max(axis=1) / len(bars), classes[:, -1] != bars[-1]]
    _, notes, closing, degree = np.moveaxis(plans, 2, 0)
    for values in (notes / 4, closing / 4):
        columns += [values.mean(axis=1), values.std(axis=1), values[:, 3::4].mean(axis=1), values[:, -1]]
        columns += [np.abs(np.diff(values, axis=1)).mean(axis=1), values[:, 1::2].mean(axis=1)]
    columns += [(notes == 0).mean(axis=1), (closing >= LONG).mean(axis=1), (closing[:, 3::4] >= LONG).mean(axis=1)]
    for each in (0, 2, 4, 7, 9, NO_DEGREE):
        columns += [(degree == each).mean(axis=1), degree[:, -1] == each]
    columns += [(degree[:, 3::4] == each).mean(axis=1) for each in (0, 2, 4, 7, 9)]
    return np.stack(columns, axis=1).astype(np.float32)


def _classes(same: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Return the first bar of the chain of sources of each bar, (N, U).

    Args:
        same: (N, U) bool, True if a bar equals its source.
        source: (N, U) index of the source of each bar.
    """
    classes = np.tile(np.arange(same.shape[1]), (len(same), 1))
    rows = np.arange(len(same))
    for bar in range(1, same.shape[1]):
        classes[:, bar] = np.where(same[:, bar], classes[rows, source[:, bar]], bar)
    return classes
