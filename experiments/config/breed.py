"""Configuration of a run that is bred by ear."""

from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from agents.neat.metre_player import MelodyTask
from experiments.config import evolve
from experiments.config.evolve import EvolveConfig
from experiments.config.settings import Settings
from songs.keyboard import BEATS_PER_BAR, KEYS, LOWEST_PITCH, MOST_BEATS, MOST_KEYS, STEPS_PER_BEAT, Grid, Keyboard
from songs.options import option
from songs.piano_roll import read_lags
from songs.synth import FASTEST_BPM, SLOWEST_BPM


@dataclass(frozen=True)
class Breed:
    """What is bred, and who helps."""

    seed: int = option(0, "the same seed and the same choices give the same networks", 0, 2**63 - 1)
    start: str = option("", "what the first networks play: a song, a run, melody, vae:16 ...; '': what chance gives")
    listener: str = option("", "breeds between two choices: learned, theory, a file; '': nobody does")
    between: int = option(10, "generations that the listener breeds after every choice", 0, 100_000)


@dataclass(frozen=True)
class Melody:
    """The melodies; of a song or a run that is begun with, all but `bars` are as there, and --tempo is another one."""

    bars: int = option(8, "bars of a melody", 1, 64)
    keys: int = option(KEYS, "keys of the keyboard", 1, MOST_KEYS)
    lowest_pitch: int = option(LOWEST_PITCH, "MIDI pitch of the lowest key", 0, 127)
    steps_per_beat: int = option(STEPS_PER_BEAT, "steps in a beat", 1, 12)
    beats_per_bar: int = option(BEATS_PER_BAR, "beats in a bar", 1, MOST_BEATS)
    beat: float = option(1.0, "length of a beat in quarter notes", 0.5, 1.5)
    tempo_bpm: float = option(110.0, "quarter notes a minute", SLOWEST_BPM, FASTEST_BPM)
    lags: str = option("", "steps back that networks see; '': 1, 2, half a bar, one and two bars", numbers=True)

    def __post_init__(self):
        read_lags(self.lags)

    @property
    def keyboard(self) -> Keyboard:
        """The keyboard; raises ValueError if it is beyond MIDI's pitches."""
        return Keyboard(self.keys, self.lowest_pitch)

    @property
    def grid(self) -> Grid:
        """Steps, beats and bars; raises ValueError if they do not go together."""
        return Grid(self.steps_per_beat, self.beats_per_bar, self.beat)

    @property
    def task(self) -> MelodyTask:
        """What networks see and play."""
        bar = self.grid.steps_per_bar
        lags = read_lags(self.lags) or tuple(sorted({1, 2, max(1, bar // 2), bar, 2 * bar}, reverse=True))
        return MelodyTask(self.keyboard, lags, bar, self.bars)


@dataclass(frozen=True)
class Genome(evolve.Genome):
    """Genomes and their mutation, as in evolution; changes are smaller and more."""

    weights_changed: float = option(3.0, "mean number of weights and biases changed beyond the first", 0.0, 1000.0)
    node_add_prob: float = option(0.05, "chance of splitting a connection by a hidden node", 0.0, 1.0)
    node_delete_prob: float = option(0.02, "chance of deleting a hidden node", 0.0, 1.0)
    weight_mutate_power: float = option(0.3, "standard deviation of a change of a weight or bias", 0.0, 100.0)
    weight_init_stdev: float = option(0.5, "standard deviation of a new weight", 0.0, 100.0)
    weight_limit: float = option(1000.0, "weights and biases lie between minus this and this", 0.001, 1000.0)


@dataclass(frozen=True)
class BreedConfig(Settings):
    """A run that is bred by ear."""

    KIND: ClassVar[str] = "breed"

    breed: Breed = field(default_factory=Breed)
    melody: Melody = field(default_factory=Melody)
    genome: Genome = field(default_factory=partial(Genome, connections_added=1.0))

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.breed.seed

    @property
    def as_evolution(self) -> EvolveConfig:
        """The same options of genomes in the configuration of an evolution, without what needs losses."""
        without = {"modular_crossover": 0.0, "donors": 0, "loss_weighted_output": 0.0, "error_reweighting": 0.0}
        config = EvolveConfig(genome=self.genome).change("operators", **without)
        return config.change("evolve", selection="truncation")
