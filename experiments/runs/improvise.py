"""Improvisation tasks: prompts, listener, prior and rewards.

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
from experiments.config.evolve import EvolveConfig, Improvise
from experiments.config.settings import ConfigError
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.melody import write_array, write_melody
from experiments.runs.named import NO_PRIOR, melody_prior, named_listener
from experiments.runs.plans import read_plans
from experiments.runs.starts import Starts
from listener.attachment import attached, hears_any_keyboard
from listener.listener import Listener, pays_every
from listener.theory import further_keys
from songs.keyboard import Grid, Keyboard
from songs.piano_roll import Memory
from songs.plan import PlanInputs, Plans
from songs.song import Song
from songs.validate import Within, validate_like

if TYPE_CHECKING:
    from experiments.config.dqn import Environment

RANDOM_EPISODES = 20
DRAFT = "draft.json"


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
