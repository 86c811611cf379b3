"""Configuration of deep Q-learning. The defaults are the regime `bandit`."""

from dataclasses import dataclass, field
from typing import ClassVar

from agents.dqn.prior import FORMS
from experiments.config.evolve import Task
from experiments.config.settings import Settings
from songs.options import option

HEADS = ("branching", "one_key")
CREDITS = ("key", "step", "product")
LISTENERS = ("right_keys", "exact_steps")


@dataclass(frozen=True)
class Environment:
    """How the keyboard is played while it is learned."""

    environments: int = option(4, "keyboards that are played side by side", 1, 100_000)
    listener: str = option("right_keys", "pays for 'right_keys', for 'exact_steps', or an improvisation: 'theory', ...")
    extra_keys: float = option(1.0, "what every key beyond the first of a step costs an improvisation", 0.0, 1e6)
    teacher_forcing: bool = option(True, "remember the song instead of what was played")
    stop_at_error: bool = option(False, "end the episode with the first wrong step")
    random_start: float = option(0.0, "chance that an episode begins anywhere in the song", 0.0, 1.0)


@dataclass(frozen=True)
class Network:
    """The Q-network."""

    head: str = option("branching", "each of 13 keys, or 'one_key' of them or none: no chords", choices=HEADS)
    hidden: int = option(128, "units of a hidden layer", 1, 16_384)
    layers: int = option(1, "hidden layers", 1, 16)
    dueling: bool = option(True, "estimate the value of a memory and the advantages of the choices apart")


@dataclass(frozen=True)
class Exploration:
    """What is tried besides the most valued step."""

    epsilon_start: float = option(0.05, "chance of trying something else, at first", 0.0, 1.0)
    epsilon_end: float = option(0.02, "and at last", 0.0, 1.0)
    epsilon_steps: int = option(2000, "environment steps in which the chance falls", 1, 10**9)
    bonus: float = option(0.0, "added to the value of steps never tried after this memory; 0: none", 0.0, 1000.0)
    most_keys: int = option(2, "keys of a step that are tried at most where there is a bonus", 1, 4)
    chord_bonus: float = option(0.4, "factor of the bonus for every key beyond the first", 0.0, 1.0)


@dataclass(frozen=True)
class Replay:
    """What is kept to be learned from."""

    capacity: int = option(50_000, "transitions kept", 1, 100_000_000)
    n_step: int = option(1, "steps that a transition spans; 0, with a prior: to the end of the episode", 0, 64)
    priority: float = option(0.0, "draw in proportion to the error to this power; 0: uniformly", 0.0, 2.0)
    importance: float = option(0.0, "weigh against the priorities to this power; 1: fully", 0.0, 1.0)


@dataclass(frozen=True)
class Prior:
    """Real music, beside which an improvisation learns what is paid well."""

    model: str = option("", "the melody model that is the prior: 'melody' or a file; empty: no prior")
    form: str = option(
        "g",
        "'q': the prior's log probability is part of the reward; 'psi': and the maximum is soft; 'g': the prior weighs "
        "what comes later, and what is played is its choice and the network's",
        choices=FORMS,
    )
    temperature: float = option(0.05, "reward that weighs as much as a nat of the prior", 1e-6, 1e6)


@dataclass(frozen=True)
class Elite:
    """The best episodes so far; only with a prior."""

    size: int = option(0, "episodes that are kept; 0: none", 0, 10_000)
    chance: float = option(0.8, "of an episode to begin by playing one of them again, up to a random step", 0.0, 1.0)
    explore: float = option(3.0, "steps, on average, that the prior draws after that", 1.0, 1000.0)
    share: float = option(1.0, "weight of imitating them: their returns are the least a step is worth", 0.0, 1000.0)


@dataclass(frozen=True)
class Learning:
    """Deep Q-learning."""

    seed: int = option(0, "the same seed gives the same run", 0, 2**63 - 1)
    steps: int = option(200_000, "budget: environment steps after which learning gives up", 1, 10**12)
    stop_when_solved: bool = option(True, "stop as soon as all steps are right that can be")
    evaluate_every: int = option(100, "environment steps between two evaluations of the greedy player", 1, 10**9)
    credit: str = option(
        "key",
        "'key': every branch is paid for its own key; 'step': for the step; 'product': the value of a step is the "
        "product of what its branches say",
        choices=CREDITS,
    )
    soft: float = option(0.0, "temperature of the soft maximum over what comes later; 0: the maximum", 0.0, 1000.0)
    gamma: float = option(0.0, "discount of the next step; 0: nothing later counts", 0.0, 1.0)
    double: bool = option(True, "let the network choose what the target network values")
    target_every: int = option(200, "updates between two copies to the target network", 1, 10**9)
    batch_size: int = option(128, "transitions of an update", 1, 1_000_000)
    learning_starts: int = option(128, "transitions before the first update", 1, 10**9)
    updates: int = option(1, "updates after each step of all keyboards", 1, 1000)
    learning_rate: float = option(0.003, "of Adam", 0.0, 10.0)
    max_grad_norm: float = option(10.0, "the gradient is shortened to this length; 0: never", 0.0, 1e9)


@dataclass(frozen=True)
class DqnConfig(Settings):
    """An experiment of deep Q-learning."""

    PRESETS: ClassVar[str] = "dqn"

    task: Task = field(default_factory=Task)
    environment: Environment = field(default_factory=Environment)
    dqn: Learning = field(default_factory=Learning)
    network: Network = field(default_factory=Network)
    exploration: Exploration = field(default_factory=Exploration)
    replay: Replay = field(default_factory=Replay)
    prior: Prior = field(default_factory=Prior)
    elite: Elite = field(default_factory=Elite)

    @property
    def plays_chords(self) -> bool:
        """Whether the network can press more than one key at a time."""
        return self.network.head != "one_key"

    @property
    def improvises(self) -> bool:
        """Whether a listener pays for what is played, and no song is expected."""
        return self.environment.listener not in LISTENERS

    @property
    def plays_beside_prior(self) -> bool:
        """Whether the prior decides, with the network, what the champion plays."""
        return bool(self.prior.model) and self.prior.form == "g"

    @property
    def regime(self) -> str:
        """What is really done, by its true name.

        `bandit`: teacher forcing, every key is paid for itself, nothing later counts. The network is told which keys
        were right after every memory of the song, so this is close to supervised learning.
        `episodic`: what was played is remembered, the first mistake ends the episode, and all that is known of a step
        is whether all of it was right.
        `improvisation`: what was played is remembered, and a listener pays; a prior or a soft maximum is named.
        """
        environment, dqn = self.environment, self.dqn
        if self.improvises and self.prior.model:
            return f"improvisation beside a prior, form {self.prior.form}"
        if self.improvises:
            return f"improvisation, soft maximum {dqn.soft:g}" if dqn.soft else "improvisation"
        told_keys = environment.listener == "right_keys" and dqn.credit == "key"
        if environment.teacher_forcing and told_keys and not dqn.gamma:
            return "bandit"
        told_steps_only = environment.listener == "exact_steps" and dqn.credit != "key"
        if environment.stop_at_error and not environment.teacher_forcing and told_steps_only:
            return "episodic with random starts" if environment.random_start else "episodic"
        return "custom"
