"""Configuration of evolution."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from agents.fitness import KINDS
from agents.neat.map_elites import MapElitesOptions
from agents.other_searches.evolution_strategies import CMAESOptions, OpenAIES, OpenAIOptions, SeparableCMAES
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.per_key_evolution import PerKeyEvolution
from agents.other_searches.verified_prefix import VerifiedPrefix, VerifiedPrefixOptions
from agents.search import OtherSearch
from experiments.config.settings import Settings
from songs.arrange import ArrangeOptions
from songs.options import option
from songs.piano_roll import Memory, read_lags

OTHER_SEARCHES: dict[str, type[OtherSearch]] = {
    "openai_es": OpenAIES,
    "cma_es": SeparableCMAES,
    "verified_prefix": VerifiedPrefix,
    "per_key": PerKeyEvolution,
}
"""Searches other than NEAT, by name; each has a section of that name for its options."""
ALGORITHMS = ("neat", "neat_python", "map_elites", *OTHER_SEARCHES)


@dataclass(frozen=True)
class Task(ArrangeOptions):
    """The task, and how its files become songs."""

    kind: str = option(
        "song",
        "'song', 'environment' for any Gymnasium environment, or 'xor', the classic check of NEAT",
        choices=("song", "environment", "xor"),
    )
    song: str = option("grasshopper", "a name in the catalogue, or the path of a .mid file")
    together: bool = option(False, "learn all songs of the catalogue with one network")
    folder: str = option("", "folder of the catalogue; '': the songs that come with the project")
    memory: int = option(0, "steps remembered; 0: as the song needs, at least 4 bars and 32 steps", 0, 4096)
    prompt: int = option(-1, "steps given at the start; -1: one bar, at least 8", -1, 4096)
    lags: str = option(
        "", "past steps that are observed, such as 1,2,4,8,16,32; '': the last `memory` steps", numbers=True
    )
    mode_bit: bool = option(False, "add an input that is 1 to play the song, 0 to improvise")
    plan: bool = option(False, "improvising: draw a plan of bars and their echoes, which the performer observes")

    def __post_init__(self):
        read_lags(self.lags)

    @property
    def remembered(self) -> Memory:
        """The number of last steps that the performer remembers, or its lags; for a resolved task."""
        return read_lags(self.lags) or self.memory


@dataclass(frozen=True)
class Improvise:
    """Improvisation, without a song as target."""

    listener: str = option("", "rewards improvisations: theory, or ngram=1,theory=.5; '': memorise the song")
    prior: str = option(
        "auto",
        "model of real melodies that networks play single notes along with: melody, a file, or form, which follows "
        "the plan of task.plan; none: they play alone; "
        "auto: melody for map_elites or a mode bit with the listener learned or vae, else none",
    )
    draws: int = option(
        0,
        "melodies drawn from the prior before a run starts; its networks start from the best one and its plan, and "
        "change it; 0: none",
        0,
        1_000_000,
    )
    starts: int = option(8, "prompts to continue: the openings of the song and of others in its folder", 1, 1000)
    extra_keys: float = option(
        1.0, "cost of each key beyond the first in a step; most listeners hear only the highest", 0.0, 1e6
    )


@dataclass(frozen=True)
class Environment:
    """A Gymnasium environment that networks act in (task.kind = 'environment')."""

    id: str = option("", "id of the environment, such as CartPole-v1")
    episodes: int = option(5, "episodes that each genome plays per generation", 1, 1000)
    validation: int = option(100, "further episodes that a candidate for the champion plays", 1, 10_000)
    test: int = option(100, "episodes that the champion plays at the end, only for the report", 1, 10_000)
    max_steps: int = option(0, "steps after which an episode is cut off; 0: the environment's own limit", 0, 10**9)
    solved_at: float = option(
        0.0, "mean validation return that counts as solved; 0: the environment's own, if any", -1e9, 1e9
    )


@dataclass(frozen=True)
class Evolve:
    """Evolution of the population."""

    algorithm: str = option("neat", "search algorithm", choices=ALGORITHMS)
    seed: int = option(0, "the same seed gives the same run", 0, 2**63 - 1)
    generations: int = option(2000, "budget: maximum number of generations", 1, 10**9)
    population_size: int = option(30, "genomes per generation", 4, 1_000_000)
    fitness: str = option("squared_hinge", "fitness function", choices=tuple(KINDS))
    elitism: int = option(1, "best genomes of each species that are kept unchanged", 0, 1000)
    survival_threshold: float = option(0.2, "share of a species that may have offspring (truncation)", 0.01, 1.0)
    selection: str = option("lexicase", "how parents are chosen", choices=("truncation", "lexicase"))


@dataclass(frozen=True)
class Species:
    """Division of the population into species."""

    target_species: int = option(
        1, "number of species to adjust the threshold for; 1: one species; 0: fixed threshold", 0, 1000
    )
    compatibility_threshold: float = option(
        1.0, "initial genetic distance above which genomes belong to different species", 0.001
    )
    interspecies_mating: float = option(0.3, "probability that the second parent may be of any species", 0.0, 1.0)
    fitness_sharing: str = option("canonical", "how species share offspring", choices=("normalized", "canonical"))
    max_stagnation: int = option(10, "generations without progress after which a species dies", 1)
    species_elitism: int = option(2, "number of best species that never die of stagnation", 0)


@dataclass(frozen=True)
class Operators:
    """Operators beyond plain NEAT; each is off at 0. They are named in every run, plot and report."""

    modular_crossover: float = option(1.0, "probability of inheriting each output from the better parent", 0.0, 1.0)
    donors: int = option(2, "parents beyond the first two in a modular crossover", 0, 1000)
    loss_weighted_output: float = option(
        0.7, "probability that a mutation picks its output in proportion to its loss", 0.0, 1.0
    )
    error_reweighting: float = option(0.3, "relative weight increase of cells that the champion gets wrong", 0.0, 100.0)
    reweighting_every: int = option(10, "generations between reweightings", 1)
    parsimony: float = option(0.0, "fitness cost of each connection", 0.0, 1000.0)
    target_guided: float = option(0.0, "probability that inputs and targets guide a new connection", 0.0, 1.0)
    live_inputs: str = option(
        "auto",
        "add connections only from inputs that are ever on; auto: for songs with many inputs, and then without new "
        "hidden nodes, if genome.node_add_prob is at its default",
        choices=("auto", "yes", "no"),
    )
    active_input_bias: float = option(
        0.8, "improvising: probability that a new connection comes from an input that was on", 0.0, 1.0
    )


@dataclass(frozen=True)
class Genome:
    """Genomes and their mutation."""

    initial_connections: str = option(
        "none",
        "connections of the first generation; full: every input to every output, suitable for few inputs",
        choices=("none", "full"),
    )
    connections_added: float = option(2.0, "mean number of connections added to a child", 0.0, 100.0)
    weights_changed: float = option(2.0, "mean number of weights and biases changed beyond the first", 0.0, 1000.0)
    conn_delete_prob: float = option(0.35, "probability of deleting a connection", 0.0, 1.0)
    node_add_prob: float = option(0.01, "probability of splitting a connection with a hidden node", 0.0, 1.0)
    node_delete_prob: float = option(0.005, "probability of deleting a hidden node", 0.0, 1.0)
    weight_mutate_power: float = option(0.7, "standard deviation of a change to a weight or bias", 0.0, 100.0)
    weight_init_stdev: float = option(1.0, "standard deviation of a new weight", 0.0, 100.0)
    bias_init_mean: float = option(
        0.0, "mean bias of the first generation; below 0 its networks tend to rest", -1000.0, 1000.0
    )
    bias_init_stdev: float = option(1.0, "standard deviation of the biases of the first generation", 0.0, 100.0)
    weight_limit: float = option(30.0, "bound on the absolute value of weights and biases", 0.001, 1000.0)
    recurrent: bool = option(False, "allow cycles, which give a network memory beyond its inputs")
    activation: str = option("tanh", "activation of every node", choices=("tanh", "sigmoid"))


@dataclass(frozen=True)
class NeatPython:
    """Mutation rates of neat-python's own genome (evolve.algorithm = 'neat_python'), in addition to [genome]."""

    conn_add_prob: float = option(0.5, "probability of adding a connection", 0.0, 1.0)
    weight_mutate_rate: float = option(0.8, "probability that a weight changes", 0.0, 1.0)
    weight_replace_rate: float = option(0.1, "probability that a weight is redrawn", 0.0, 1.0)
    bias_mutate_rate: float = option(0.7, "probability that a bias changes", 0.0, 1.0)
    bias_replace_rate: float = option(0.1, "probability that a bias is redrawn", 0.0, 1.0)
    enabled_mutate_rate: float = option(0.01, "probability that a connection is toggled on or off", 0.0, 1.0)


@dataclass(frozen=True)
class EvolveConfig(Settings):
    """Configuration of a run of evolution."""

    KIND: ClassVar[str] = "evolve"

    task: Task = field(default_factory=Task)
    evolve: Evolve = field(default_factory=Evolve)
    environment: Environment = field(default_factory=Environment)
    improvise: Improvise = field(default_factory=Improvise)
    species: Species = field(default_factory=Species)
    operators: Operators = field(default_factory=Operators)
    genome: Genome = field(default_factory=Genome)
    neat_python: NeatPython = field(default_factory=NeatPython)
    map_elites: MapElitesOptions = field(default_factory=MapElitesOptions)
    openai_es: OpenAIOptions = field(default_factory=OpenAIOptions)
    cma_es: CMAESOptions = field(default_factory=CMAESOptions)
    verified_prefix: VerifiedPrefixOptions = field(default_factory=VerifiedPrefixOptions)
    per_key: PerKeyOptions = field(default_factory=PerKeyOptions)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.evolve.seed

    @property
    def of_song(self) -> "EvolveConfig":
        """Configuration of what learns the song by the defaults, where the mode decides if it is played."""
        return EvolveConfig(task=replace(self.task, plan=False), evolve=Evolve(seed=self.evolve.seed))
