"""Improvisation tasks: prompts, listener and rewards.

    starts.json             the prompts, and the length of an improvisation
    draft.json              the noise of the draft, see `experiments.runs.draft`
    best/improvisations.npy the champion's improvisation from each prompt

Conventions: B prompts of P steps, T steps in total. Rewards are means over the steps after the prompt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import neat
import numpy as np

from agents.neat.improvisation import play_together
from agents.performer import Performer, RandomPlayer
from agents.prior import MakePrior, with_noise
from agents.rollout import continue_prompts, play_on
from experiments.config.evolve import EvolveConfig, Improvise, Task
from experiments.config.settings import ConfigError
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.melody import write_array, write_melody
from experiments.runs.plans import FORM, check_plan, read_plans
from listener.attachment import attached, hears_any_keyboard
from listener.listener import Listener, pays_every
from listener.registry import listener_named, needs_prior
from listener.theory import further_keys
from songs.catalog import read_catalog
from songs.keyboard import Grid, Keyboard
from songs.piano_roll import Memory
from songs.plan import PlanInputs, Plans
from songs.song import Song
from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from experiments.config.dqn import Environment

BY_OUTPUT = {
    "modular_crossover": 0.0,
    "donors": 0,
    "loss_weighted_output": 0.0,
    "error_reweighting": 0.0,
    "target_guided": 0.0,
}
"""Operators that need a loss for every output, whereas a listener gives a network one reward."""
RANDOM_EPISODES = 20
NO_PRIOR = "none"
DRAFT = "draft.json"
LONGEST_FOLLOWED = 4096
"""Steps for which a prior follows a melody; its predictions do not change after that."""
MOST_STEPS = 1_000_000
"""Maximum length of an improvisation in starts.json; songs are far shorter."""


def settle_improvisation(config: EvolveConfig) -> EvolveConfig:
    """Return the configuration of an improvisation, without operators that need a loss for every output.

    Raises:
        ConfigError: The listener does not exist, or cannot be combined with other options.
    """
    named_listener(config.improvise.listener, "improvise.listener")
    if config.task.kind != "song":
        raise ConfigError(f"task.kind = {config.task.kind!r}: a listener needs a keyboard to listen to")
    if config.evolve.algorithm not in ("neat", "neat_python", "map_elites") or config.genome.recurrent:
        raise ConfigError(
            "improvise.listener: only feed-forward networks of evolve.algorithm = 'neat' or 'map_elites' improvise"
        )
    if config.evolve.algorithm != "neat" and config.task.mode_bit:
        raise ConfigError("task.mode_bit: only networks of evolve.algorithm = 'neat' learn a song and also improvise")
    config = _settle_prior(config)
    if config.task.lags:
        raise ConfigError(f"task.lags = {config.task.lags!r}: an improvisation remembers the last steps")
    standard = EvolveConfig()
    for name in BY_OUTPUT:
        value = getattr(config.operators, name)
        if value not in (0, getattr(standard.operators, name)):
            raise ConfigError(
                f"operators.{name} = {value:g}: it needs a loss for every output; a listener gives one reward"
            )
    return without_losses(config)


def _settle_prior(config: EvolveConfig) -> EvolveConfig:
    """Return the configuration of an improvisation with its prior resolved; raises ConfigError."""
    prior = config.improvise.prior
    if prior == "auto":
        beside = config.evolve.algorithm == "map_elites" or config.task.mode_bit
        prior = "melody" if beside and needs_prior(config.improvise.listener) else NO_PRIOR
    check_plan(config.task, prior, True, "improvise.prior")
    if prior != FORM:
        melody_prior(prior, "improvise.prior")
    if prior == NO_PRIOR and config.improvise.draws:
        raise ConfigError(f"improvise.draws = {config.improvise.draws}: draws need a prior: add improvise.prior=melody")
    return config.change("improvise", prior=prior)


def without_losses(config: EvolveConfig) -> EvolveConfig:
    """Return a configuration without the operators and options that need losses."""
    return (
        config.change("operators", **BY_OUTPUT)
        .change("evolve", selection="truncation")
        .change("species", fitness_sharing="normalized")
    )


def named_listener(name: str, option: str) -> Listener:
    """Return the listener that an option names; raise ConfigError if it does not exist or cannot be read."""
    try:
        return listener_named(name)
    except ImportError as error:
        raise ConfigError(
            f"{option} = {name!r} needs the package {error.name}: pip install 'kuznechik[torch]'"
        ) from None
    except (ValueError, OSError) as error:
        raise ConfigError(f"{option} = {name!r}: {error}") from None


def melody_prior(name: str, option: str, steps: int = LONGEST_FOLLOWED, plans: Plans | None = None) -> MakePrior | None:
    """Return a factory for the prior that an option names, or None without one.

    The prior follows melodies for `steps` steps. The prior `form` follows plans, which must be given.

    Raises:
        ConfigError: The melody model does not exist.
    """
    if name in ("", "auto", NO_PRIOR):
        return None
    if name == FORM and plans is not None:
        from listener.form.planning import following

        return following(plans)
    listener = named_listener(name, option)
    from listener.melody_model import Expected, MelodyReader  # here, as it loads torch

    if not isinstance(listener, Expected):
        raise ConfigError(f"{option} = {name!r}: it is not a melody model; use melody, or the file of one")
    return lambda melodies, first=0: MelodyReader(listener.model, melodies, steps)


@dataclass(frozen=True, eq=False)
class Starts:
    """Prompts of improvisations, and their length."""

    names: tuple[str, ...]
    """The songs whose openings are the prompts."""
    prompts: np.ndarray
    """(B, P, K) bool."""
    steps: int
    """T."""

    @classmethod
    def of_songs(cls, songs: Sequence[Song], prompt: int) -> "Starts":
        """Return the openings of songs, `prompt` steps each; an improvisation is as long as the first song."""
        prompts = np.array([song.roll[:prompt] for song in songs])
        return cls(tuple(song.name for song in songs), prompts, songs[0].steps)

    def repeated(self, count: int) -> "Starts":
        """Return the first prompt, repeated `count` times."""
        return replace(self, names=self.names[:1] * count, prompts=np.repeat(self.prompts[:1], count, axis=0))

    def write(self, folder: RunFolder) -> None:
        """Write starts.json."""
        prompts = [[np.flatnonzero(step).tolist() for step in prompt] for prompt in self.prompts]
        folder.write_json("starts.json", {"steps": self.steps, "songs": list(self.names), "prompts": prompts})

    @classmethod
    def read(cls, folder: RunFolder, keys: int) -> "Starts":
        """Read starts.json, with prompts on `keys` keys; raise RunError if it is missing or broken."""
        content = folder.read_json("starts.json")
        try:
            validate_like({"steps": 0, "songs": [""], "prompts": [[[0]]]}, content, "")
            names, steps, given = content["songs"], content["steps"], content["prompts"]
            prompts = np.zeros((len(given), len(given[0]), keys), dtype=bool)
            for prompt, keys_of_steps in zip(prompts, given, strict=True):
                for step, keys in zip(prompt, keys_of_steps, strict=True):
                    step[keys] = True
            if len(names) != len(prompts) or not prompts.shape[1] < steps <= MOST_STEPS:
                raise ValueError(f"{len(names)} songs, {prompts.shape[:2]} prompts and steps, {steps} steps in total")
        except (LookupError, ValueError) as error:
            raise RunError(f"{folder.path}: starts.json is broken: {error}") from None
        return cls(tuple(names), prompts, steps)


def choose_starts(task: Task, most: int, songs: Sequence[Song]) -> Starts:
    """Return at most `most` distinct prompts: of a run's songs, then of other songs in their catalogue.

    The others have the same keyboard and grid. Without a prompt, the only start is an empty one.
    """
    others = [entry.song for entry in read_catalog(task.folder or None, options=task)]
    alike = [song for song in others if song and (song.keyboard, song.grid) == (songs[0].keyboard, songs[0].grid)]
    usable = [song for song in alike if song.steps > task.prompt]
    chosen: dict[bytes, Song] = {}
    for song in [*songs, *usable]:
        chosen.setdefault(song.roll[: task.prompt].tobytes(), song)
    return Starts.of_songs(list(chosen.values())[:most], task.prompt)


class OneVoice:
    """A listener with a cost for each key beyond the first in a step, because most listeners hear only the highest."""

    def __init__(self, listener: Listener, extra_keys: float):
        self.listener, self.extra_keys = listener, extra_keys
        self.pays_every = 1 if extra_keys else pays_every(listener)
        self.any_keyboard = hears_any_keyboard(listener)

    def attach(self, keyboard: Keyboard, grid: Grid) -> "OneVoice":
        """Return the listener for a keyboard and a grid."""
        return OneVoice(attached(self.listener, keyboard, grid), self.extra_keys)

    def rewards(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
        return self.listener.rewards(rolls, targets) + self._cost(rolls)

    def terms(self, rolls: np.ndarray, targets: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Return the terms of the listener, if it has any, and `extra_keys`, each (B, T) float32."""
        terms = getattr(self.listener, "terms", None)
        rewards = terms(rolls) if terms else {"listener": self.listener.rewards(rolls)}
        return {**rewards, "extra_keys": self._cost(rolls)}

    def _cost(self, rolls: np.ndarray) -> np.ndarray:
        return np.float32(-self.extra_keys) * further_keys(rolls)


@dataclass(frozen=True, eq=False)
class Improvising:
    """An improvisation task: its listener, its prompts, and the song to compare with."""

    folder: RunFolder
    options: "Improvise | Environment"
    starts: Starts
    memory: Memory
    song: Song
    plans: Plans | None = None
    """A plan for each start; None without plans."""
    prior_name: str = NO_PRIOR
    """The prior that networks play along with."""
    seeds: Sequence[int] | None = None
    """Seeds of the prior's noise, one for each start; None without noise."""
    mode_bit: bool = False
    """Whether the mode is an input of the networks."""

    def at(self, start: int) -> "Improvising":
        """Return the task with only one of its starts."""
        names, prompts = self.starts.names[start : start + 1], self.starts.prompts[start : start + 1]
        return replace(
            self,
            starts=replace(self.starts, names=names, prompts=prompts),
            plans=self.plans[start : start + 1] if self.plans is not None else None,
            seeds=self.seeds[start : start + 1] if self.seeds is not None else None,
        )

    def undrafted(self, plans: Plans | None) -> "Improvising":
        """Return the task without noise; if `plans` are given, they replace its plans, each from the first prompt."""
        if plans is None:
            return replace(self, seeds=None)
        return replace(self, starts=self.starts.repeated(len(plans)), plans=plans, seeds=None)

    @cached_property
    def plan_inputs(self) -> PlanInputs | None:
        """The plans as inputs of performers."""
        return None if self.plans is None else PlanInputs(self.plans, self.song.keyboard.keys)

    @cached_property
    def listener(self) -> OneVoice:
        """The listener of the run; raises RunError if it can no longer be used."""
        try:
            listener = OneVoice(named_listener(self.options.listener, "its listener"), self.options.extra_keys)
            return listener.attach(self.song.keyboard, self.song.grid)
        except ConfigError as error:
            raise RunError(f"{self.folder.path}: {error}") from None

    def play_genome(self, genome: neat.DefaultGenome) -> np.ndarray:
        """Return what a network plays from each start, (B, T, K) bool."""
        return self.play_genomes([genome])[0]

    def play_genomes(self, genomes: Sequence[neat.DefaultGenome]) -> np.ndarray:
        """Return what networks play from each start, (N, B, T, K) bool."""
        assert isinstance(self.memory, int), "evolution improvises without lags"
        starts = self.starts
        return play_together(
            genomes, starts.prompts, starts.steps, self.memory, self.prior, self.plan_inputs, self.mode_bit
        )

    @cached_property
    def prior(self) -> MakePrior | None:
        """A factory for the prior, with the noise of the draft; raises RunError if it can no longer be used."""
        try:
            prior = melody_prior(self.prior_name, "its prior", plans=self.plans)
        except ConfigError as error:
            raise RunError(f"{self.folder.path}: {error}") from None
        if prior is None or self.seeds is None:
            return prior
        return with_noise(prior, self.seeds, self.starts.steps, self.starts.prompts.shape[2])

    def play(self, performer: Performer) -> np.ndarray:
        """Return what a performer plays from each start, (B, T, K) bool.

        Starts are played one after another, or as one batch if they have plans or noise.
        """
        starts = self.starts
        if self.plans is not None or self.seeds is not None:
            return continue_prompts(performer, starts.prompts, starts.steps, self.memory, improvise=True)
        return np.array([play_on(performer, one, starts.steps, self.memory, improvise=True) for one in starts.prompts])

    def reward(self, rolls: np.ndarray) -> float:
        """Return the mean reward per step of rolls (B, T, K)."""
        return self._mean(self.listener.rewards(rolls))

    def terms(self, rolls: np.ndarray) -> dict[str, float]:
        """Return the mean of each reward term, by name."""
        return {name: self._mean(rewards) for name, rewards in self.listener.terms(rolls).items()}

    def _mean(self, rewards: np.ndarray) -> float:
        """Return the mean of rewards (B, T) over the steps after the prompt."""
        return float(rewards[:, self.starts.prompts.shape[1] :].mean(dtype=np.float64))

    def measured(self, rolls: np.ndarray) -> dict[str, float]:
        """Return the champion's rewards as columns of metrics.csv."""
        terms = {f"term_{name}": value for name, value in self.terms(rolls).items()}
        return {"reward_a_step": self.reward(rolls), **terms}

    def baselines(self) -> dict[str, float]:
        """Return the mean reward per step of silence, random keys, and the real song."""
        starts = self.starts
        silence = np.zeros((len(starts.prompts), starts.steps, starts.prompts.shape[2]), dtype=bool)
        silence[:, : starts.prompts.shape[1]] = starts.prompts
        random = RandomPlayer(np.random.default_rng(0))
        by_chance = [self.reward(self.play(random)) for _ in range(-(-RANDOM_EPISODES // len(starts.prompts)))]
        return {
            "silence": self.reward(silence),
            "random": float(np.mean(by_chance)),
            "the_song": self.reward(self.song.roll[None]),
        }

    def summary(self, rolls: np.ndarray) -> dict[str, Any]:
        """Return the rewards of improvisations, and of silence, random keys and the real song as baselines."""
        improvised = rolls[:, self.starts.prompts.shape[1] :]
        return {
            "reward_a_step": self.reward(rolls),
            "terms_a_step": self.terms(rolls),
            "baselines_a_step": self.baselines(),
            "starts": list(self.starts.names) if improvised.shape[1] < self.starts.steps else ["nothing"],
            "different_rolls": len({roll.tobytes() for roll in improvised}),
        }

    def write(self, folder: Path, rolls: np.ndarray) -> None:
        """Write what the champion plays: a melody from the first start, and an array from all of them."""
        write_melody(folder, rolls[0], self.song, "improvised")
        write_array(folder / "improvisations.npy", rolls)


def read_improvising(folder: RunFolder, config: EvolveConfig, songs: Sequence[Song]) -> Improvising | None:
    """Return the improvisation task of a run of evolution; None if a song is memorised. Raises RunError."""
    if not config.improvise.listener:
        return None
    starts = Starts.read(folder, songs[0].keyboard.keys)
    drafted = improvising_of_run(folder, config.improvise, starts, config.task.memory, songs, config.improvise.prior)
    drafted = replace(drafted, mode_bit=config.task.mode_bit)
    return with_draft(drafted, config.task.plan, config.improvise.draws)


def with_draft(improvising: Improvising, planned: bool, draws: int) -> Improvising:
    """Return the task of a run with its plans and the noise of its draft, if it has them; raises RunError."""
    folder = improvising.folder
    plans = read_plans(folder, improvising.song) if planned else None
    return replace(
        improvising, plans=plans, seeds=_read_seeds(folder, len(improvising.starts.names)) if draws else None
    )


def _read_seeds(folder: RunFolder, starts: int) -> list[int]:
    """Return the noise seeds of `starts` starts; raises RunError."""
    content = folder.read_json(DRAFT)
    try:
        validate_like({"seeds": [Within(0, 0, 2**32 - 1)]}, content, "")
        if len(content["seeds"]) != starts:
            raise ValueError(f"{len(content['seeds'])} seeds for {starts} starts")
    except ValueError as error:
        raise RunError(f"{folder.path}: {DRAFT} is broken: {error}") from None
    return content["seeds"]


def improvising_of_run(
    folder: RunFolder,
    options: "Improvise | Environment",
    starts: Starts,
    memory: Memory,
    songs: Sequence[Song],
    prior: str = NO_PRIOR,
) -> Improvising:
    """Return the improvisation task of a run, without plans or draft."""
    song = next((song for song in songs if song.name == starts.names[0]), songs[0])
    return Improvising(folder, options, starts, memory, song, prior_name=prior)
