"""The learned listener: networks and melody features of the song, each rewarded up to what real music has.

    nets          the least of the hardened networks' judgements of four bars, on average over the song so far
    pitches       the judgement of a network that tells melodies from themselves with other keys, on average
    metre         that of one that tells them from themselves with another rhythm, or earlier or later in the bar
    form          that of one that tells whole songs from loops, splices and bars in another order by figures of form
    vae           that of a head on the encoder of a MusicVAE (`listener.learned.latent_net`)
    features      how far twelve features (`listener.melody_features`) lie outside those of real melodies, in all
    further keys  the share of the steps at which more than one key is pressed is taken off

Conventions:
    As in `listener.listener`, on any keyboard; targets are not looked at. The highest key of a step is the melody.
    What is heard is relative to the first note (`listener.learned.hearing`), so every transposition has the same score.
    Every term is a potential: at each bar line, how good the song is so far. For a network it is 0 for as good as the
    best tenth of real melodies of that length, and -log(1 + (d / 8)^2) for d standard deviations of real melodies below
    it: a little below hardly counts, much below counts more than a little at everything else. For features, which do
    not reach most real melodies, it is -log(1 + d).
    The reward of the last step of a bar is the change of the weighted sum of the terms there, of any other step 0:
    the rewards of a song add up to the potential of the whole song, which is at most 0. Steps after the last whole
    bar earn nothing.
    An optimiser ends above all real music on any scale that it is given; so nothing is to be gained above that tenth.
"""

from dataclasses import dataclass

import numpy as np

from listener import theory
from listener.learned.form_net import FormNet
from listener.learned.hearing import heard
from listener.learned.latent_net import LatentNet
from listener.learned.window_net import WINDOW_BARS, WindowNet, logits_of_all
from listener.listener import SumOfTerms, at_bar_lines
from listener.melody_features import FEATURES, LEAST_DEVIATION, features_so_far
from songs.keyboard import STEPS_PER_BAR

PAIRED = ("pitches", "metre")
"""Networks that learned from melodies beside themselves made worse."""
NUMBERED = "net "
"""Names of the hardened networks begin so."""
GOOD = 90
ORDINARY = (10, 90)
"""Percentiles of real melodies."""
FAR = 8.0
"""Deviations below, from which on the logarithm flattens."""
AT_CAP = 1e-3
"""Reward of which a term at its cap may lack so much."""


@dataclass(frozen=True, eq=False)
class Nets:
    """The networks of a learned listener by name."""

    windows: dict[str, WindowNet]
    """Those that judge four bars: the hardened ones, trained on what attacks on them found, too, and the paired."""
    songs: dict[str, FormNet | LatentNet]
    """Those that judge all bars so far."""

    @property
    def hardened(self) -> list[WindowNet]:
        """The networks of which the least counts."""
        return [net for name, net in self.windows.items() if name.startswith(NUMBERED)]

    @property
    def networks(self) -> dict[str, WindowNet | FormNet | LatentNet]:
        """All networks."""
        return {**self.windows, **self.songs}

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of a listener with these networks."""
        own = [name for name in self.networks if not name.startswith(NUMBERED)]
        return (*["nets"] * bool(self.hardened), *own, "features", "further keys")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Percentiles and deviations of real melodies at every bar line; the last bar line stands for later ones.

    Arrays (bars,) float64 by the name of a network or feature.
    """

    good: dict[str, np.ndarray]
    """Mean logit of the best tenth, for each network."""
    deviation: dict[str, np.ndarray]
    """Standard deviation, for each network and feature."""
    low: dict[str, np.ndarray]
    """Lowest ordinary value of each feature."""
    high: dict[str, np.ndarray]
    """Highest ordinary value of each feature."""

    @classmethod
    def of(cls, nets: Nets, real: np.ndarray) -> "Calibration":
        """Measure real melodies (N, T)."""
        values = measured(nets, real)
        return cls(
            good={name: np.percentile(value, GOOD, axis=0) for name, value in values.items()},
            deviation={name: np.maximum(value.std(axis=0), LEAST_DEVIATION) for name, value in values.items()},
            low={name: np.percentile(values[name], ORDINARY[0], axis=0) for name in FEATURES},
            high={name: np.percentile(values[name], ORDINARY[1], axis=0) for name in FEATURES},
        )

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

    def standard(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return values (B, bars) of a network in standard deviations above the best tenth of real melodies."""
        bars = values.shape[1]
        return (values - _at_bars(self.good[name], bars)) / _at_bars(self.deviation[name], bars)

    def distance(self, features: dict[str, np.ndarray]) -> np.ndarray:
        """Return how far features (B, bars) lie outside ordinary values, (B, bars) float64: summed deviations."""
        outside = np.zeros_like(features[FEATURES[0]])
        for name in FEATURES:
            value = features[name]
            low, high, deviation = (
                _at_bars(part[name], value.shape[1]) for part in (self.low, self.high, self.deviation)
            )
            outside += np.maximum(np.maximum(low - value, value - high), 0) / deviation
        return outside


class Learned(SumOfTerms):
    """Rewards what sounds like the music it was trained on: a sum of terms with weights above 0."""

    pays_every = STEPS_PER_BAR

    def __init__(self, nets: Nets, calibration: Calibration, weights: dict[str, float]):
        self.nets, self.calibration, self.weights = nets, calibration, dict(weights)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the reward of each term at every step, (B, T) float32 by its name."""
        gains = {name: np.diff(worth, axis=1, prepend=0.0) for name, worth in self.potentials(rolls).items()}
        return {name: at_bar_lines(gained, rolls.shape[1]) for name, gained in gains.items()}

    def potentials(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return the weighted potential of each term at every bar line, (B, bars) float64 by its name."""
        return self._potentials(measured(self.nets, theory.highest_keys(rolls)), rolls)

    def _potentials(self, values: dict[str, np.ndarray], rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return what `potentials` does, of rolls and what is `measured` of them."""
        missing = {name: np.maximum(-value, 0) for name, value in self._standard(values).items()}
        worth = {name: -np.log1p((below / FAR) ** 2) for name, below in missing.items()}
        worth["features"] = -np.log1p(missing["features"])
        worth["further keys"] = -_further_keys(rolls)
        return {name: self.weights[name] * worth[name] for name in self.nets.terms}

    def capped(self, rolls: np.ndarray) -> np.ndarray:
        """Return the share of the terms that are at their cap at the end of rolls (B, T, K), (B,) float64."""
        worth = self.potentials(rolls).values()
        return np.mean([each[:, -1] >= -AT_CAP for each in worth], axis=0)

    def uncapped(self, rolls: np.ndarray) -> np.ndarray:
        """Return the judgement of whole songs without a cap, (B,) float64: of the hardened networks if it has them."""
        return self.values(rolls)[self.nets.terms[0]][:, -1]

    def values(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return how good the song so far is, (B, bars) float64 by the name of a term, in standard deviations.

        0 is the best tenth. Further keys are not among the terms.
        """
        return self._standard(measured(self.nets, theory.highest_keys(rolls)))

    def _standard(self, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        judged = {name: self.calibration.standard(values[name], name) for name in self.nets.networks}
        for each in judged.values():
            each[:, : WINDOW_BARS - 1] = 0
        hardened = [each for name, each in judged.items() if name.startswith(NUMBERED)]
        least = {"nets": np.min(hardened, axis=0)} if hardened else {}
        single = {name: each for name, each in judged.items() if not name.startswith(NUMBERED)}
        return {**least, **single, "features": -self.calibration.distance(values)}


def measured(nets: Nets, melodies: np.ndarray) -> dict[str, np.ndarray]:
    """Return all that is calibrated, (B, bars) float64 by name: features, and judgements, which are 0 before bar 4.

    A judgement of windows is the mean of their logits so far.
    """
    bars, melodies = melodies.shape[1] // STEPS_PER_BAR, heard(melodies)
    values = features_so_far(melodies)
    windows = max(0, bars - WINDOW_BARS + 1)
    for name, net in nets.songs.items():
        values[name] = net.judge(melodies).astype(np.float64)
        values[name][:, : bars - windows] = 0
    for name, judged in zip(nets.windows, logits_of_all(list(nets.windows.values()), melodies), strict=True):
        values[name] = np.zeros((len(melodies), bars))
        values[name][:, bars - windows :] = judged.cumsum(axis=1, dtype=np.float64) / np.arange(1, windows + 1)
    return values


def _at_bars(values: np.ndarray, bars: int) -> np.ndarray:
    """Return values (K,) at the first bar lines; the last value stands for later ones."""
    return values[np.minimum(np.arange(bars), len(values) - 1)]


def _further_keys(rolls: np.ndarray) -> np.ndarray:
    """Return the share of the steps so far at which more than one key is pressed, (B, bars) float64."""
    bars = rolls.shape[1] // STEPS_PER_BAR
    many = rolls[:, : bars * STEPS_PER_BAR].sum(axis=2) > 1
    counts = many.reshape(len(rolls), bars, STEPS_PER_BAR).sum(axis=2).cumsum(axis=1)
    return counts / (STEPS_PER_BAR * np.arange(1, bars + 1))
