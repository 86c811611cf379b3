"""Configuration of breeding by ear."""

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
    """Start of the breeding, and the listener that helps."""

    seed: int = option(0, "the same seed and the same choices give the same networks", 0, 2**63 - 1)
    start: str = option("", "what the first networks imitate: a song, a run, melody, vae:16 ...; '': they are random")
    listener: str = option("", "listener that breeds between your choices: learned, theory, a file; '': none")
    between: int = option(10, "generations that the listener breeds after every choice", 0, 100_000)


@dataclass(frozen=True)
class Melody:
    """Form of the melodies. All but `bars` come from the song or run that breeding starts from; --tempo overrides."""

    bars: int = option(8, "bars of a melody", 1, 64)
    keys: int = option(KEYS, "keys of the keyboard", 1, MOST_KEYS)
    lowest_pitch: int = option(LOWEST_PITCH, "MIDI pitch of the lowest key", 0, 127)
    steps_per_beat: int = option(STEPS_PER_BEAT, "steps per beat", 1, 12)
    beats_per_bar: int = option(BEATS_PER_BAR, "beats per bar", 1, MOST_BEATS)
    beat: float = option(1.0, "length of a beat in quarter notes", 0.5, 1.5)
    tempo_bpm: float = option(110.0, "quarter notes per minute", SLOWEST_BPM, FASTEST_BPM)
    lags: str = option("", "past steps that networks observe; '': 1, 2, half a bar, one and two bars", numbers=True)

    def __post_init__(self):
        read_lags(self.lags)

    @property
    def keyboard(self) -> Keyboard:
        """The keyboard; raises ValueError if it exceeds the range of MIDI pitches."""
        return Keyboard(self.keys, self.lowest_pitch)

    @property
    def grid(self) -> Grid:
        """Steps, beats and bars; raises ValueError if they do not fit together."""
        return Grid(self.steps_per_beat, self.beats_per_bar, self.beat)

    @property
    def task(self) -> MelodyTask:
        """The inputs and outputs of the networks."""
        bar = self.grid.steps_per_bar
        lags = read_lags(self.lags) or tuple(sorted({1, 2, max(1, bar // 2), bar, 2 * bar}, reverse=True))
        return MelodyTask(self.keyboard, lags, bar, self.bars)


@dataclass(frozen=True)
class Genome(evolve.Genome):
    """Genomes and their mutation, as in evolution, but with smaller and more frequent changes."""

    weights_changed: float = option(3.0, "mean number of weights and biases changed beyond the first", 0.0, 1000.0)
    node_add_prob: float = option(0.05, "probability of splitting a connection with a hidden node", 0.0, 1.0)
    node_delete_prob: float = option(0.02, "probability of deleting a hidden node", 0.0, 1.0)
    weight_mutate_power: float = option(0.3, "standard deviation of a change to a weight or bias", 0.0, 100.0)
    weight_init_stdev: float = option(0.5, "standard deviation of a new weight", 0.0, 100.0)
    weight_limit: float = option(1000.0, "bound on the absolute value of weights and biases", 0.001, 1000.0)


@dataclass(frozen=True)
class BreedConfig(Settings):
    """Configuration of a run of breeding by ear."""

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
        """The same genome options as a configuration of evolution, without operators that need losses."""
        without = {"modular_crossover": 0.0, "donors": 0, "loss_weighted_output": 0.0, "error_reweighting": 0.0}
        config = EvolveConfig(genome=self.genome).change("operators", **without)
        return config.change("evolve", selection="truncation")
