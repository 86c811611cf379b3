"""Configuration of deep Q-learning. The defaults are the regime `bandit`."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from agents.dqn.episode_archive import EpisodeArchiveOptions
from agents.dqn.exploration import ExplorationOptions
from agents.dqn.options import LearningOptions, NetworkOptions
from agents.dqn.prior import PriorOptions
from agents.dqn.replay import ReplayOptions
from experiments.config.evolve import Task
from experiments.config.settings import ConfigError, Settings
from listener.registry import needs_prior
from songs.options import option

LISTENERS = ("right_keys", "exact_steps")
"""Listeners that compare with the song; all others reward improvisations."""


@dataclass(frozen=True)
class Environment:
    """The keyboards played while learning."""

    environments: int = option(4, "keyboards played in parallel", 1, 100_000)
    listener: str = option("right_keys", "reward: 'right_keys', 'exact_steps', or for improvisation 'theory', ...")
    extra_keys: float = option(1.0, "improvising: cost of each key beyond the first in a step", 0.0, 1e6)
    teacher_forcing: bool = option(True, "remember the song instead of the keys played")
    stop_at_error: bool = option(False, "end the episode at the first wrong step")
    random_start: float = option(0.0, "probability that an episode starts at a random step of the song", 0.0, 1.0)


@dataclass(frozen=True)
class Learning(LearningOptions):
    """Deep Q-learning."""

    seed: int = option(0, "the same seed gives the same run", 0, 2**63 - 1)
    steps: int = option(200_000, "budget: maximum number of environment steps", 1, 10**12)
    stop_when_solved: bool = option(True, "stop as soon as the score reaches the ceiling")
    evaluate_every: int = option(100, "environment steps between evaluations of the greedy player", 1, 10**9)


@dataclass(frozen=True)
class DqnConfig(Settings):
    """Configuration of a run of deep Q-learning."""

    KIND: ClassVar[str] = "dqn"

    task: Task = field(default_factory=Task)
    environment: Environment = field(default_factory=Environment)
    dqn: Learning = field(default_factory=Learning)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    exploration: ExplorationOptions = field(default_factory=ExplorationOptions)
    replay: ReplayOptions = field(default_factory=ReplayOptions)
    prior: PriorOptions = field(default_factory=PriorOptions)
    episode_archive: EpisodeArchiveOptions = field(default_factory=EpisodeArchiveOptions)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return self.dqn.seed

    @property
    def plays_chords(self) -> bool:
        """True if the network can press more than one key at a time."""
        return self.network.head != "one_key"

    @property
    def improvises(self) -> bool:
        """True if a listener rewards what is played and no song is given as target."""
        return self.environment.listener not in LISTENERS

    @property
    def switches(self) -> bool:
        """True if a mode bit switches between playing the song, learned first by the bandit, and improvising."""
        return self.improvises and self.task.mode_bit

    @property
    def of_song(self) -> "DqnConfig":
        """Configuration of the part that learns the song, for a mode bit."""
        return DqnConfig(task=replace(self.task, mode_bit=False, plan=False), dqn=Learning(seed=self.dqn.seed))

    @property
    def of_improvisation(self) -> "DqnConfig":
        """Configuration of the part that learns to improvise, for a mode bit."""
        return replace(self, task=replace(self.task, mode_bit=False))

    @property
    def regime(self) -> str:
        """Name of the learning problem defined by the options.

        `bandit`: teacher forcing, every key has its own reward, and only the immediate reward counts. The network
        learns which keys were right after every memory of the song, so this is close to supervised learning.
        `episodic`: the memory holds the keys played, the first mistake ends the episode, and the reward is only
        whether a whole step was right.
        `improvisation`: the memory holds the keys played, and a listener rewards them. The name includes a prior or
        soft maximum, if any.
        """
        environment, dqn = self.environment, self.dqn
        if self.switches:
            return f"bandit for the song, then {self.of_improvisation.regime}"
        if self.improvises and self.prior.model:
            return f"improvisation beside a prior, form {self.prior.form}"
        if self.improvises:
            return f"improvisation, soft maximum {dqn.soft:g}" if dqn.soft else "improvisation"
        rewards_keys = environment.listener == "right_keys" and dqn.td_loss == "key"
        if environment.teacher_forcing and rewards_keys and not dqn.gamma:
            return "bandit"
        rewards_whole_steps = environment.listener == "exact_steps" and dqn.td_loss != "key"
        if environment.stop_at_error and not environment.teacher_forcing and rewards_whole_steps:
            return "episodic with random starts" if environment.random_start else "episodic"
        return "custom"

    def check(self) -> None:
        """Raise ConfigError if options cannot be combined, or if nothing could be learned."""
        task, dqn, replay = self.task, self.dqn, self.replay
        several_songs = task.together or "," in task.song
        self._refuse(
            ("task.kind", task.kind != "song", "deep Q-learning learns songs"),
            ("task.mode_bit", self.switches and not self.prior.model, "the mode of improvising needs a prior: melody"),
            ("task.mode_bit", self.switches and several_songs, "with a listener it needs a single song"),
            ("dqn.td_loss", self.improvises and dqn.td_loss == "product", "use 'step' with a listener"),
            (
                "network.dueling",
                dqn.td_loss == "product" and self.network.dueling,
                "td_loss 'product' cannot be combined with it",
            ),
            (
                "episode_archive.size",
                self.episode_archive.size and several_songs,
                "the archive holds episodes of one song: name one",
            ),
            (
                "task.plan",
                task.plan and (not self.prior.model or replay.n_step or several_songs),
                "a plan needs a single song, a prior, and replay.n_step=0: use --config form",
            ),
            ("dqn.learning_starts", dqn.learning_starts > replay.capacity, self._more_than_replay_holds),
            (
                "dqn.steps",
                dqn.steps <= dqn.learning_starts,
                f"the first update comes after {dqn.learning_starts} steps: raise it, or lower dqn.learning_starts",
            ),
            (
                "dqn.evaluate_every",
                dqn.evaluate_every > dqn.steps,
                f"the budget of {dqn.steps} steps would end before the first evaluation: lower it",
            ),
            ("dqn.batch_size", dqn.batch_size > replay.capacity, self._more_than_replay_holds),
        )
        if self.prior.model:
            self._refuse(
                ("environment.listener", not self.improvises, "a prior is for improvising: name a listener"),
                ("network.head", self.plays_chords, "a prior plays one key of 13, or none: use 'one_key'"),
                ("dqn.td_loss", dqn.td_loss != "step", "a prior needs the reward of the step: use 'step'"),
                ("dqn.soft", dqn.soft, "with a prior its temperature takes this role: leave it at 0"),
                ("task.lags", task.lags, "a prior needs the last steps: leave lags out"),
                ("prior.draws", self.prior.draws and not self.prior.decides, "draws need prior.form='g'"),
                ("exploration.bonus", self.exploration.bonus, "the prior already explores: leave the bonus at 0"),
            )
        else:
            alone = "it needs a prior; set prior.model=melody, or leave it at its default"
            self._refuse(
                ("episode_archive.size", self.episode_archive.size, alone),
                ("replay.n_step", not replay.n_step, alone),
                ("prior.draws", self.prior.draws, alone),
            )

    @property
    def _more_than_replay_holds(self) -> str:
        return f"the replay buffer holds only {self.replay.capacity}: lower it, or raise replay.capacity"

    def _refuse(self, *rules: tuple[str, object, str]) -> None:
        """Raise ConfigError for the first rule (option, condition, reason) whose condition is true."""
        for name, wrong, reason in rules:
            if wrong:
                section, key = name.split(".")
                raise ConfigError(f"{name} = {getattr(getattr(self, section), key)!r}: {reason}")


def preset_for(listener: str | None) -> str | None:
    """Return the preset for a listener, or None without one; raise ValueError if its file is not usable."""
    if not listener:
        return None
    return "prior" if needs_prior(listener) else "improvisation"
