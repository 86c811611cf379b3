"""Rollouts: a performer plays an environment or continues prompts."""

from dataclasses import dataclass
from math import prod
from typing import Any

import gymnasium
import numpy as np

from agents.performer import Performer
from songs.piano_roll import Memory, remembered, span


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode of T steps; the first `prompt` of them were given."""

    song: str
    roll: np.ndarray
    """(T, K) bool, K keys: the prompt followed by what was played."""
    right: np.ndarray
    """(T - prompt,) bool: True where all keys of a step were right."""
    reward: float
    """Sum of the rewards."""

    @property
    def right_steps(self) -> int:
        """Number of steps with all keys right."""
        return int(self.right.sum())

    @property
    def prefix(self) -> int:
        """Number of steps before the first wrong one."""
        return int(np.argmin(self.right)) if not self.right.all() else len(self.right)


def play_episode(
    env: gymnasium.Env, performer: Performer, seed: int | None = None, options: dict | None = None
) -> Episode:
    """Play one episode of a keyboard environment to its end.

    Args:
        env: a `KeyboardEnv`, wrapped or not.
        performer: decides each step from the environment's memory.
        seed: passed to `env.reset`.
        options: passed to `env.reset`.
    """
    keyboard: Any = env.unwrapped  # a `KeyboardEnv`
    observation, information = env.reset(seed=seed, options=options)
    performer.reset(1)
    shape = keyboard.rules.rows, *keyboard.action_space.shape
    cells = prod(shape)
    right, total, over = [], 0.0, False
    while not over:
        memory = observation[:cells].reshape(1, *shape).astype(bool)
        improvise = np.array([observation[cells] == 0]) if keyboard.rules.mode_bit else None
        keys = performer.press(memory, improvise)[0]
        observation, reward, terminated, truncated, information = env.step(keys.astype(np.int8))
        right.append(information["right"])
        total += float(reward)
        over = terminated or truncated
    return Episode(information["song"], keyboard.played, np.array(right), total)


def play_on(
    performer: Performer, prompt: np.ndarray, steps: int, memory: Memory, improvise: bool = False
) -> np.ndarray:
    """Continue a single prompt (P, K) as `continue_prompts` does; return a roll (steps, K) bool."""
    return continue_prompts(performer, prompt[None], steps, memory, improvise)[0]


def continue_prompts(
    performer: Performer, prompts: np.ndarray, steps: int, memory: Memory, improvise: bool = False
) -> np.ndarray:
    """Let a performer continue prompts side by side, free running, for any number of steps.

    Args:
        performer: decides each step.
        prompts: (B, P, K) bool, the given steps.
        steps: length of the whole rolls, at least P.
        memory: steps it remembers, or lags.
        improvise: ask it to improvise, if it can.

    Returns:
        (B, steps, K) bool, the prompts followed by what was played.
    """
    count, given, keys = prompts.shape
    reach = span(memory)
    history = np.zeros((count, reach + steps, keys), dtype=bool)
    history[:, reach : reach + given] = prompts
    performer.reset(count)
    mode = np.full(count, improvise)
    for step in range(given, steps):
        history[:, reach + step] = performer.press(remembered(history[:, step : step + reach], memory), mode)
    return history[:, reach:]
