"""Scores of a player on the benchmark's tasks, relative to a random player and the ceiling.

Conventions:
    A player is a function from an environment's observation to its action. It should be greedy, because each song is
    played once. The result for memorising is the number of steps right over all songs of the task, up to the first
    error if that ends the episode; for improvising it is the held-out judge's percentile of the melody, 0 to 100.
    A score is 0 for a random player and 1 for the ceiling.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import gymnasium
import numpy as np

from agents.performer import Performer, RandomPlayer
from agents.rollout import continue_prompts
from envs.keyboard_env import KeyboardEnv
from envs.registration import BENCHMARK
from songs.piano_roll import most_right_steps

Player = Callable[[np.ndarray], Any]

RANDOM_EPISODES = 100
"""Number of episodes per song, or of melodies, that a random player's result is averaged over."""


@dataclass(frozen=True)
class Score:
    """A player's score on a task."""

    result: float
    """Steps right, or a percentile."""
    random: float
    """Mean result of a random player that presses one key or none."""
    ceiling: float
    """Best result that a player with this memory can reach."""

    @property
    def score(self) -> float:
        """0 for a random player, 1 for the ceiling; may be below 0."""
        return (self.result - self.random) / (self.ceiling - self.random)

    def __str__(self) -> str:
        return f"{self.result:g} (random {self.random:.1f}, ceiling {self.ceiling:g}): score {self.score:.3f}"


def score(task: str, player: Player, one_key: bool = False) -> Score:
    """Let a player perform a task.

    Args:
        task: Name of the task, a key of `envs.registration.BENCHMARK`.
        player: Function from an observation to an action.
        one_key: True if actions are integers, 0 for no key, and observations float32.

    Raises:
        ValueError: The task does not exist.
    """
    env = make_task(task, one_key)
    return Score(result(env, player), random_result(task), ceiling(env))


def make_task(task: str, one_key: bool = False) -> gymnasium.Env:
    """Return the environment of a task; raise ValueError if it does not exist."""
    if task not in BENCHMARK:
        raise ValueError(f"there is no task {task!r}: the tasks are {', '.join(BENCHMARK)}")
    return gymnasium.make(BENCHMARK[task], one_key=one_key)


def keyboard_of(env: gymnasium.Env) -> KeyboardEnv:
    """Return the keyboard inside the wrappers of an environment."""
    keyboard = env.unwrapped
    assert isinstance(keyboard, KeyboardEnv)
    return keyboard


def result(env: gymnasium.Env, player: Player) -> float:
    """Play each song of an environment once; return the steps right, or the judge's mean percentile."""
    keyboard, right, played = keyboard_of(env), 0, []
    for song in range(len(keyboard.rules.songs)):
        observation, over = env.reset(seed=0, options={"song": song})[0], False
        while not over:
            observation, _, terminated, truncated, information = env.step(player(observation))
            over = terminated or truncated
            right += information["right"]
        played.append(keyboard.played)
    return float(_percentiles(np.stack(played)).mean()) if keyboard.rules.improvise else right


def _percentiles(rolls: np.ndarray) -> np.ndarray:
    from listener.files import read_judge

    return read_judge().percentiles(rolls)


@cache
def random_result(task: str) -> float:
    """Return the mean result of random players on a task."""
    env, performer = make_task(task), RandomPlayer(np.random.default_rng(0))
    rules = keyboard_of(env).rules
    if rules.improvise:  # without the listener, which would take time at every step
        prompts = np.repeat(rules.songs[0].roll[None, : rules.prompt], RANDOM_EPISODES, axis=0)
        return float(_percentiles(continue_prompts(performer, prompts, rules.songs[0].steps, rules.memory)).mean())
    player = player_of(performer, env)
    return float(np.mean([result(env, player) for _ in range(RANDOM_EPISODES // len(rules.songs) + 1)]))


def ceiling(env: gymnasium.Env) -> float:
    """Return the best possible result on a task."""
    rules = keyboard_of(env).rules
    return 100 if rules.improvise else most_right_steps([song.roll for song in rules.songs], rules.memory, rules.prompt)


def player_of(performer: Performer, env: gymnasium.Env) -> Player:
    """Return a performer of the project as a player for the benchmark in which any number of keys may be pressed."""
    rules = keyboard_of(env).rules
    performer.reset(1)

    def player(observation: np.ndarray) -> np.ndarray:
        return performer.press(observation.reshape(1, rules.rows, rules.keys).astype(bool))[0].astype(np.int8)

    return player
