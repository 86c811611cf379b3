"""The learned listener: networks and melody features, each rewarded only up to the level of real music.

    nets          the lowest judgement among the hardened networks, of four bars, averaged over the song so far
    pitches       a network that distinguishes melodies from copies with other keys, averaged likewise
    metre         a network that distinguishes melodies from copies with another rhythm or shifted in the bar
    form          a network that distinguishes whole songs from loops, splices and shuffled bars by figures of form
    vae           a head on the encoder of a MusicVAE (`listener.learned.latent_net`)
    features      total distance of seven features, `BOUNDED`, from the range of real melodies
    further keys  a penalty for the share of the steps at which more than one key is pressed

Conventions:
    As in `listener.listener`, on any keyboard; targets are ignored. The highest key of a step is the melody.
    Pitches are relative to the first note (`listener.learned.hearing`), so every transposition has the same score.
    Every term is a potential that rates the song so far at each bar line. For a network it is 0 from the 90th
    percentile of real melodies of that length upwards, and -log(1 + (d / 3)^3.5) at d standard deviations below it: a
    small shortfall hardly counts, a large one outweighs small ones in all other terms. A very large one adds little
    more, because some real melodies are far below in one term. For features, d is their distance.
    The reward of the last step of a bar is the change of the weighted sum of the potentials; other steps earn 0. So the
    rewards of a song add up to the potential of the whole song, which is at most 0. Steps after the last whole bar
    earn nothing.
    An optimiser exceeds all real music on any scale that it is given, so nothing is gained above that percentile.
"""

from dataclasses import dataclass

import numpy as np

from listener import theory
from listener.learned.form_net import FormNet
from listener.learned.hearing import heard
from listener.learned.latent_net import LatentNet
from listener.learned.window_net import WINDOW_BARS, WindowNet, logits_of_all
from listener.listener import SumOfTerms, at_bar_lines
from listener.melody_features import LEAST_DEVIATION, features_so_far, runs_of_steps
from songs.keyboard import STEPS_PER_BAR

PAIRED = ("pitches", "metre")
"""Networks trained on pairs of a melody and a corrupted copy."""
NUMBERED = "net "
"""Prefix of the names of the hardened networks."""
GOOD = 90
ORDINARY = (1, 99)
"""Percentiles of real melodies: the cap of a network, and the ordinary range of a feature."""
BOUNDED = (
    "entropy",
    "different keys",
    "notes a bar",
    "notes on the beat",
    "longest gap",
    "runs of steps",
    "repeated bars",
)
"""Features with a firm range. Others, like repeated notes, have rare real melodies at any value."""
SURE = 3.0
"""Logit above which a window gains hardly anything, so that a very good window does not make up for a wrong one."""
FAR, POWER = 3.0, 3.5
"""Standard deviations below the cap at which the logarithm begins to flatten, and the power that it begins with."""
AT_CAP = 1e-3
"""Tolerance within which a term counts as at its cap."""


@dataclass(frozen=True, eq=False)
class Nets:
    """The networks of a learned listener by name."""

    windows: dict[str, WindowNet]
    """Networks that judge four bars: those hardened by training on finds of attacks, and those trained on pairs."""
    songs: dict[str, FormNet | LatentNet]
    """Networks that judge all bars so far."""

    @property
    def hardened(self) -> list[WindowNet]:
        """The networks whose lowest judgement counts."""
        return [net for name, net in self.windows.items() if name.startswith(NUMBERED)]

    @property
    def networks(self) -> dict[str, WindowNet | FormNet | LatentNet]:
        """All networks by name."""
        return {**self.windows, **self.songs}

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of a listener with these networks."""
        single = [name for name in self.networks if not name.startswith(NUMBERED)]
        return (*["nets"] * bool(self.hardened), *single, "features", "further keys")


@dataclass(frozen=True, eq=False)
class Calibration:
    """Percentiles and standard deviations of real melodies at every bar line; later bar lines use the last values.

    Arrays are (bars,) float64, by name of a network or feature.
    """

    good: dict[str, np.ndarray]
    """90th percentile of the judgements, for each network."""
    deviation: dict[str, np.ndarray]
    """Standard deviation, for each network and feature."""
    low: dict[str, np.ndarray]
    """Lower end of the ordinary range of each feature."""
    high: dict[str, np.ndarray]
    """Upper end of the ordinary range of each feature."""

    @classmethod
    def of(cls, nets: Nets, real: np.ndarray) -> "Calibration":
        """Calibrate on real melodies (N, T)."""
        values = measured(nets, real)
        return cls(
            good={name: np.percentile(value, GOOD, axis=0) for name, value in values.items()},
            deviation={name: np.maximum(value.std(axis=0), LEAST_DEVIATION) for name, value in values.items()},
            low={name: np.percentile(values[name], ORDINARY[0], axis=0) for name in BOUNDED},
            high={name: np.percentile(values[name], ORDINARY[1], axis=0) for name in BOUNDED},
        )

    def to_dict(self) -> dict:
        """Return plain data."""
        parts = vars(self).items()
        return {part: {name: values.tolist() for name, values in named.items()} for part, named in parts}

    @classmethod
    def from_dict(cls, content: dict) -> "Calibration":
        """Build a calibration from the output of `to_dict`."""
        return cls(
            **{
                part: {name: np.array(values, dtype=np.float64) for name, values in content[part].items()}
                for part in ("good", "deviation", "low", "high")
            }
        )

    def standard(self, values: np.ndarray, name: str) -> np.ndarray:
        """Return values (B, bars) of a network in standard deviations above the 90th percentile of real melodies."""
        bars = values.shape[1]
        return (values - _at_bars(self.good[name], bars)) / _at_bars(self.deviation[name], bars)

    def distance(self, features: dict[str, np.ndarray]) -> np.ndarray:
        """Return the total distance of features (B, bars) from their ordinary ranges, in deviations: (B, bars)."""
        outside = np.zeros_like(features[BOUNDED[0]])
        for name in BOUNDED:
            value = features[name]
            low, high, deviation = (
                _at_bars(part[name], value.shape[1]) for part in (self.low, self.high, self.deviation)
            )
            outside += np.maximum(np.maximum(low - value, value - high), 0) / deviation
        return outside


class Learned(SumOfTerms):
    """Rewards music that resembles its training data, with a sum of positively weighted terms."""

    pays_every = STEPS_PER_BAR

    def __init__(self, nets: Nets, calibration: Calibration, weights: dict[str, float]):
        self.nets, self.calibration, self.weights = nets, calibration, dict(weights)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the rewards of each term at every step, (B, T) float32 by name."""
        gains = {name: np.diff(potential, axis=1, prepend=0.0) for name, potential in self.potentials(rolls).items()}
        return {name: at_bar_lines(gain, rolls.shape[1]) for name, gain in gains.items()}

    def potentials(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return the weighted potential of each term at every bar line, (B, bars) float64 by name."""
        return self._potentials(measured(self.nets, theory.highest_keys(rolls)), rolls)

    def _potentials(self, values: dict[str, np.ndarray], rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return the potentials of rolls, given their `measured` values."""
        missing = {name: np.maximum(-value, 0) for name, value in self._standard(values).items()}
        worth = {name: -np.log1p((below / FAR) ** POWER) for name, below in missing.items()}
        worth["further keys"] = -_further_keys(rolls)
        return {name: self.weights[name] * worth[name] for name in self.nets.terms}

    def capped(self, rolls: np.ndarray) -> np.ndarray:
        """Return the share of terms that are at their cap at the end of rolls (B, T, K), (B,) float64."""
        worth = self.potentials(rolls).values()
        return np.mean([each[:, -1] >= -AT_CAP for each in worth], axis=0)

    def uncapped(self, rolls: np.ndarray) -> np.ndarray:
        """Return the uncapped first term for whole songs, that of the hardened networks if any: (B,) float64."""
        return self.values(rolls)[self.nets.terms[0]][:, -1]

    def values(self, rolls: np.ndarray) -> dict[str, np.ndarray]:
        """Return the uncapped value of each term at every bar line, (B, bars) float64 by name, in standard deviations.

        0 is the 90th percentile of real melodies. The term for further keys is not included.
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
    """Return the values that are calibrated, (B, bars) float64 by name: features, and judgements, 0 before bar 4.

    The judgement of a network on windows is the mean of log sigmoid(logit - 3) so far: close to 0 for a window that is
    clearly real, close to the logit less 3 for one that is clearly not.
    """
    bars, melodies = melodies.shape[1] // STEPS_PER_BAR, heard(melodies)
    values = {**features_so_far(melodies), "runs of steps": runs_of_steps(melodies)}
    windows = max(0, bars - WINDOW_BARS + 1)
    for name, net in nets.songs.items():
        values[name] = net.judge(melodies).astype(np.float64)
        values[name][:, : bars - windows] = 0
    for name, judged in zip(nets.windows, logits_of_all(list(nets.windows.values()), melodies), strict=True):
        values[name] = np.zeros((len(melodies), bars))
        sure = -np.logaddexp(0, SURE - judged)
        values[name][:, bars - windows :] = sure.cumsum(axis=1, dtype=np.float64) / np.arange(1, windows + 1)
    return values


def _at_bars(values: np.ndarray, bars: int) -> np.ndarray:
    """Return values (K,) for the first `bars` bar lines, (bars,); the last value is repeated."""
    return values[np.minimum(np.arange(bars), len(values) - 1)]


def _further_keys(rolls: np.ndarray) -> np.ndarray:
    """Return the share of the steps so far at which more than one key is pressed, (B, bars) float64."""
    bars = rolls.shape[1] // STEPS_PER_BAR
    many = rolls[:, : bars * STEPS_PER_BAR].sum(axis=2) > 1
    counts = many.reshape(len(rolls), bars, STEPS_PER_BAR).sum(axis=2).cumsum(axis=1)
    return counts / (STEPS_PER_BAR * np.arange(1, bars + 1))
