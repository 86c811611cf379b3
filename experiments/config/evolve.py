"""Configuration of an experiment of evolution."""

from dataclasses import dataclass, field
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
"""Searches beside NEAT, by name; the section of that name has their options."""
ALGORITHMS = ("neat", "neat_python", "map_elites", *OTHER_SEARCHES)


@dataclass(frozen=True)
class Task(ArrangeOptions):
    """The task, and how its files become songs."""

    kind: str = option(
        "song",
        "'song', 'environment' for any of Gymnasium, or 'xor' for the classic check of NEAT",
        choices=("song", "environment", "xor"),
    )
    song: str = option("grasshopper", "a name in the catalogue, or the path of a .mid file")
    together: bool = option(False, "learn all songs of the catalogue in one network")
    folder: str = option("", "folder of the catalogue; '' for the songs that come with the project")
    memory: int = option(0, "steps the performer remembers; 0: what the song needs, at least 4 bars and 32", 0, 4096)
    prompt: int = option(-1, "steps at the start that are given; -1: one bar, at least 8", -1, 4096)
    lags: str = option(
        "", "steps back that are observed, such as 1,2,4,8,16,32; '': the last `memory` steps", numbers=True
    )
    mode_bit: bool = option(False, "add an input that is 1 to play the song, 0 to improvise")
    plan: bool = option(False, "improvising: draw a plan of bars and their echoes, which the performer observes")

    def __post_init__(self):
        read_lags(self.lags)

    @property
    def remembered(self) -> Memory:
        """What the performer of a settled task remembers: the last steps, or lags."""
        return read_lags(self.lags) or self.memory


@dataclass(frozen=True)
class Improvise:
    """Improvisation, where no song is expected."""

    listener: str = option("", "rewards improvisations: theory, or ngram=1,theory=.5; '': memorise the song")
    prior: str = option(
        "auto",
        "model of real melodies beside which networks play single notes: melody, a file, or form, which follows the "
        "plan of task.plan; none: they play alone; "
        "auto: melody for map_elites or a mode bit with the listener learned or vae, else none",
    )
    draws: int = option(
        0,
        "melodies drawn from the prior before a run begins: its networks then begin with the best one, plan and all, "
        "which they change; 0: none",
        0,
        1_000_000,
    )
    starts: int = option(8, "prompts it continues: the beginnings of the song and of others of its folder", 1, 1000)
    extra_keys: float = option(
        1.0, "what every key beyond the first of a step costs; most listeners see only the highest", 0.0, 1e6
    )


@dataclass(frozen=True)
class Environment:
    """A Gymnasium environment that networks act in (task.kind = 'environment')."""

    id: str = option("", "id of the environment, such as CartPole-v1")
    episodes: int = option(5, "episodes that every genome plays in a generation", 1, 1000)
    validation: int = option(100, "further episodes that a candidate for the champion plays", 1, 10_000)
    test: int = option(100, "episodes that the champion plays at the end, for the report alone", 1, 10_000)
    max_steps: int = option(0, "steps after which an episode is cut; 0: the environment's own limit", 0, 10**9)
    solved_at: float = option(
        0.0, "mean return over the validation at which it is solved; 0: the environment's own, if any", -1e9, 1e9
    )


@dataclass(frozen=True)
class Evolve:
    """Evolution of the population."""

    algorithm: str = option("neat", "how networks are searched for", choices=ALGORITHMS)
    seed: int = option(0, "the same seed gives the same run", 0, 2**63 - 1)
    generations: int = option(2000, "budget: generations after which evolution gives up", 1, 10**9)
    population_size: int = option(30, "genomes in a generation", 4, 1_000_000)
    fitness: str = option("squared_hinge", "what a genome is worth", choices=tuple(KINDS))
    elitism: int = option(1, "best genomes of a species that are kept unchanged", 0, 1000)
    survival_threshold: float = option(0.2, "share of a species that may have children (truncation)", 0.01, 1.0)
    selection: str = option("lexicase", "how parents are chosen", choices=("truncation", "lexicase"))


@dataclass(frozen=True)
class Species:
    """Division of the population into species."""

    target_species: int = option(1, "number of species to steer the threshold to; 1: no division; 0: fixed", 0, 1000)
    compatibility_threshold: float = option(
        1.0, "genetic distance from which genomes form another species, at the start", 0.001
    )
    interspecies_mating: float = option(0.3, "chance that the second parent may come from any species", 0.0, 1.0)
    fitness_sharing: str = option("canonical", "how species share offspring", choices=("normalized", "canonical"))
    max_stagnation: int = option(10, "generations without progress after which a species dies", 1)
    species_elitism: int = option(2, "number of best species that never die of stagnation", 0)


@dataclass(frozen=True)
class Operators:
    """Operators beyond plain NEAT; each is off at 0. They are named in every run, plot and report."""

    modular_crossover: float = option(1.0, "chance of taking each output from the parent better at it", 0.0, 1.0)
    donors: int = option(2, "parents beyond two that a modular crossover takes outputs from", 0, 1000)
    loss_weighted_output: float = option(
        0.7, "probability that a mutation picks its output in proportion to its loss", 0.0, 1.0
    )
    error_reweighting: float = option(0.3, "growth of the weight of the cells the champion gets wrong", 0.0, 100.0)
    reweighting_every: int = option(10, "generations between two reweightings", 1)
    parsimony: float = option(0.0, "what each connection costs a genome's fitness", 0.0, 1000.0)
    target_guided: float = option(0.0, "probability that a new connection looks at inputs and targets", 0.0, 1.0)
    live_inputs: str = option(
        "auto",
        "add connections only from inputs that are ever on; auto: for songs of many inputs, and then without new "
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
        "of the first generation; full: from every input to every output, for few inputs",
        choices=("none", "full"),
    )
    connections_added: float = option(2.0, "mean number of connections added to a child", 0.0, 100.0)
    weights_changed: float = option(2.0, "mean number of weights and biases changed beyond the first", 0.0, 1000.0)
    conn_delete_prob: float = option(0.35, "chance of deleting a connection", 0.0, 1.0)
    node_add_prob: float = option(0.01, "chance of splitting a connection by a hidden node", 0.0, 1.0)
    node_delete_prob: float = option(0.005, "chance of deleting a hidden node", 0.0, 1.0)
    weight_mutate_power: float = option(0.7, "standard deviation of a change of a weight or bias", 0.0, 100.0)
    weight_init_stdev: float = option(1.0, "standard deviation of a new weight", 0.0, 100.0)
    bias_init_mean: float = option(0.0, "mean bias of the first generation; below 0 its networks rest", -1000.0, 1000.0)
    bias_init_stdev: float = option(1.0, "standard deviation of the biases of the first generation", 0.0, 100.0)
    weight_limit: float = option(30.0, "weights and biases lie between minus this and this", 0.001, 1000.0)
    recurrent: bool = option(False, "allow cycles: a network with a memory beyond its inputs")
    activation: str = option("tanh", "activation of every node", choices=("tanh", "sigmoid"))


@dataclass(frozen=True)
class NeatPython:
    """Mutation rates of neat-python's own genome (evolve.algorithm = 'neat_python'), beside those of [genome]."""

    conn_add_prob: float = option(0.5, "probability of adding a connection", 0.0, 1.0)
    weight_mutate_rate: float = option(0.8, "probability that a weight changes", 0.0, 1.0)
    weight_replace_rate: float = option(0.1, "probability that a weight is drawn anew", 0.0, 1.0)
    bias_mutate_rate: float = option(0.7, "probability that a bias changes", 0.0, 1.0)
    bias_replace_rate: float = option(0.1, "probability that a bias is drawn anew", 0.0, 1.0)
    enabled_mutate_rate: float = option(0.01, "probability that a connection is switched on or off", 0.0, 1.0)


@dataclass(frozen=True)
class EvolveConfig(Settings):
    """An experiment of evolution."""

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
