"""The learned listener: networks and statistics of the song, each paid up to what real music has.

    nets        the least of the hardened networks' judgements of four bars, on average over the song so far
    pitches     the judgement of a network that tells melodies from themselves with other keys, on average
    metre       that of one that tells them from themselves with another rhythm, or earlier or later in the bar
    bands       how far twelve statistics (`listener.melody_features`) lie outside those of real melodies, in all
    further keys            the share of the steps at which more than one key is pressed is taken off

Conventions:
    As in `listener.listener`; targets are not looked at. The highest key of a step is the melody.
    Every term is a potential: at each bar line, how good the song is so far. For a network it is 0 for as good as the
    best tenth of real melodies of that length, and -log(1 + (d / 8)^2) for d standard deviations of real melodies below
    it: a little below hardly counts, much below counts more than a little at everything else. For bands, which do not
    reach most real melodies, it is -log(1 + d).
    The reward of the last step of a bar is how much the weighted sum of the terms changes there, of any other step 0:
    the rewards of a song add up to what the whole song is worth, which is at most 0. What comes after the last whole
    bar is not paid.
    An optimiser ends above all real music on any scale that it is given; so nothing is to be gained above that tenth.
"""

from dataclasses import dataclass

import numpy as np

from listener import theory
from listener.learned.window_net import WINDOW_BARS, WindowNet, logits_of_all
from listener.listener import SumOfTerms, at_bar_lines
from listener.melody_features import BANDS, LEAST_DEVIATION, song_statistics
from songs.keyboard import STEPS_PER_BAR

HEARING = ("pitches", "metre")
TERMS = ("nets", *HEARING, "bands", "further keys")
GOOD = 90
BAND = (10, 90)
"""Percentiles of real melodies."""
FAR = 8.0
"""Deviations below, from which on the logarithm flattens."""


@dataclass(frozen=True, eq=False)
class Nets:
    """What a learned listener hears with."""

    hardened: tuple[WindowNet, ...]
    """At least one: networks that attacks trained, too."""
    pitches: WindowNet
    """Heard melodies beside themselves with other keys."""
    metre: WindowNet
    """Heard melodies beside themselves with another rhythm."""

    @property
    def nets(self) -> dict[str, WindowNet]:
        """All networks by name, the hardened first."""
        numbered = {f"net {number}": net for number, net in enumerate(self.hardened)}
        return {**numbered, "pitches": self.pitches, "metre": self.metre}


@dataclass(frozen=True, eq=False)
class Calibration:
    """What real melodies have at every bar line; the last bar line stands for later ones. Arrays (bars,) float64."""

    good: dict[str, np.ndarray]
    """What the best tenth has."""
    deviation: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    """Of each band."""
    high: dict[str, np.ndarray]

    def to_dict(self) -> dict:
        """Return plain data."""
        parts = vars(self).items()
        return {part: {name: values.tolist() for name, values in named.items()} for part, named in parts}

    @classmethod
    def from_dict(cls, content: dict) -> "Calibration":
        """Read what `to_dict` returned."""
        return cls(
            **{
                part: {name: np.array(values, dtype=np.float64) for name, values in content[part].items()}
                for part in ("good", "deviation", "low", "high")
            }
        )


class Learned(SumOfTerms):
    """Pays for what sounds like the music it was trained on."""

    pays_every = STEPS_PER_BAR

    def __init__(self, ears: Nets, norms: Calibration, weights: dict[str, float]):
        """
        Args:
            ears: the networks.
            norms: what real melodies have.
            weights: of every term, above 0.
        """
        self.ears, self.norms, self.weights = ears, norms, dict(weights)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return what each term pays for every step, (B, T) float32 by its name."""
        paid = {name: np.diff(worth, axis=1, prepend=0.0) for name, worth in self.potentials(rolls).items()}
        return {name: at_bar_lines(gained, rolls.shape[1]) for name, gained in paid.items()}

    def potentials(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the song is worth at every bar line, (B, bars) float64 by the name of the term."""
        missing = {name: np.maximum(-value, 0) for name, value in self.values(rolls).items()}
        worth = {name: -np.log1p((below / FAR) ** 2) for name, below in missing.items()}
        worth["bands"] = -np.log1p(missing["bands"])
        worth["further keys"] = -_further_keys(rolls)
        return {name: self.weights[name] * worth[name] for name in TERMS}

    def uncapped(self, rolls: np.ndarray) -> np.ndarray:
        """Return the judgement of the hardened networks alone of whole songs, (B,) float64; what attacks raise."""
        return self.values(rolls)["nets"][:, -1]

    def values(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return how good the song so far is, (B, bars) float64 by the name of a term, in standard deviations.

        0 is the best tenth. Further keys are not among the terms.
        """
        found = measured(self.ears, theory.melody(rolls))
        judged = {name: _standard(found, name, self.norms) for name in self.ears.nets}
        for each in judged.values():
            each[:, : WINDOW_BARS - 1] = 0
        return {
            "nets": np.min([judged[name] for name in judged if name not in HEARING], axis=0),
            **{name: judged[name] for name in HEARING},
            "bands": -band_distance(found, self.norms),
        }


def measured(ears: Nets, melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return everything that norms are made of, (B, bars) float64 by name; networks say nothing before bar 4."""
    bars = melodies.shape[1] // STEPS_PER_BAR
    values = song_statistics(melodies)
    windows = max(0, bars - WINDOW_BARS + 1)
    for name, judged in zip(ears.nets, logits_of_all(list(ears.nets.values()), melodies), strict=True):
        values[name] = np.zeros((len(melodies), bars))
        values[name][:, bars - windows :] = judged.cumsum(axis=1, dtype=np.float64) / np.arange(1, windows + 1)
    return values


def norms_of(ears: Nets, real: np.ndarray) -> Calibration:
    """Measure real melodies (N, T)."""
    values = measured(ears, real)
    return Calibration(
        good={name: np.percentile(value, GOOD, axis=0) for name, value in values.items()},
        deviation={name: np.maximum(value.std(axis=0), LEAST_DEVIATION) for name, value in values.items()},
        low={name: np.percentile(values[name], BAND[0], axis=0) for name in BANDS},
        high={name: np.percentile(values[name], BAND[1], axis=0) for name in BANDS},
    )


def band_distance(statistics: dict[str, np.ndarray], norms: Calibration) -> np.ndarray:
    """Return how far statistics lie outside their bands, (B, bars) float64: the sum, in standard deviations."""
    outside = np.zeros_like(statistics[BANDS[0]])
    for name in BANDS:
        value = statistics[name]
        low, high, deviation = (
            _at_bars(part[name], value.shape[1]) for part in (norms.low, norms.high, norms.deviation)
        )
        outside += np.maximum(np.maximum(low - value, value - high), 0) / deviation
    return outside


def _standard(values: dict[str, np.ndarray], name: str, norms: Calibration) -> np.ndarray:
    bars = values[name].shape[1]
    return (values[name] - _at_bars(norms.good[name], bars)) / _at_bars(norms.deviation[name], bars)


def _at_bars(values: np.ndarray, bars: int) -> np.ndarray:
    """Return values (K,) at the first bar lines; the last value stands for later ones."""
    return values[np.minimum(np.arange(bars), len(values) - 1)]


def _further_keys(rolls: np.ndarray) -> np.ndarray:
    """Return the share of the steps so far at which more than one key is pressed, (B, bars) float64."""
    bars = rolls.shape[1] // STEPS_PER_BAR
    many = rolls[:, : bars * STEPS_PER_BAR].sum(axis=2) > 1
    counts = many.reshape(len(rolls), bars, STEPS_PER_BAR).sum(axis=2).cumsum(axis=1)
    return counts / (STEPS_PER_BAR * np.arange(1, bars + 1))
