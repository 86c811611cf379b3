"""The five benchmark tasks: environments with a fixed song, memory, listener and end condition.

    teacher-forced  the grasshopper; the memory holds the song, whatever is played
    first-error     the grasshopper; the memory holds what is played, and the first wrong step ends the episode
    all-songs       31 of the project's tunes, one drawn for each episode; the memory holds the song
    round           Frère Jacques as a round of two voices, with 36 chords; the memory holds the song
    improvise       continue from the first bar of the grasshopper, for the learned listener; with `plans`, by plan

Conventions: all have 13 keys and a grid of eighths; 8 of the 128 steps are given. The environments are named in
`envs.registration.BENCHMARK`; `experiments.studies.benchmark` scores a player on a task.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv
from gymnasium.wrappers import DtypeObservation

from envs.keyboard_env import KeyboardEnv
from envs.one_key_action import OneKeyAction, OneKeyVectorEnv
from envs.vector_keyboard_env import KeyboardVectorEnv
from songs.arrange import DEFAULTS
from songs.catalog import find_song, read_catalog
from songs.keyboard import KEYS
from songs.song import Song, usual_prompt

LATER = 16
"""Delay of the round's second voice in steps: two bars."""


def _grasshopper() -> list[Song]:
    return [find_song("grasshopper")]


def _all_songs() -> list[Song]:
    songs = (entry.song for entry in read_catalog() if entry.name != "odd_piece")
    return [song for song in songs if song is not None and song.keyboard.keys == KEYS]


def _round() -> list[Song]:
    first = find_song("frere_jacques", options=DEFAULTS.change(fold=True))
    second = np.concatenate([np.zeros_like(first.roll[:LATER]), first.roll[:-LATER]])
    return [Song("frere_jacques_round", first.roll | second, "Frère Jacques, by two voices", first.tempo_bpm)]


@dataclass(frozen=True)
class Task:
    """Songs and options of one task."""

    songs: Callable[[], list[Song]]
    options: Mapping[str, Any]
    """Arguments of `KeyboardEnv`."""


TASKS = {
    "teacher-forced": Task(_grasshopper, {"teacher_forcing": True}),
    "first-error": Task(_grasshopper, {"stop_at_error": True}),
    "all-songs": Task(_all_songs, {"teacher_forcing": True, "memory": 64}),
    "round": Task(_round, {"teacher_forcing": True}),
    "improvise": Task(_grasshopper, {"improvise": True, "listener": "learned", "memory": 128}),
}


def make(
    task: str, one_key: bool = False, render_mode: str | None = None, plans: int = 0, plan_seed: int = 0
) -> gymnasium.Env:
    """Make the environment of a task.

    Args:
        task: its name.
        one_key: press at most one key per step: 14 discrete actions, and float32 observations.
        render_mode: as for `KeyboardEnv`.
        plans: number of plans of what to play, drawn from the model of form; 0: none. Each episode observes one of
            them, drawn at reset or chosen with `reset(options={"song": index})`.
        plan_seed: seed of the plans.
    """
    env = _keyboard(task, plans, plan_seed, render_mode)
    return DtypeObservation(OneKeyAction(env), "float32") if one_key else env


def make_many(
    task: str, num_envs: int = 1, one_key: bool = False, plans: int = 0, plan_seed: int = 0, **options
) -> VectorEnv:
    """Make a vector environment of a task; as `make`, with the `options` of `KeyboardVectorEnv`."""
    envs = KeyboardVectorEnv(_keyboard(task, plans, plan_seed), num_envs, **options)
    return OneKeyVectorEnv(envs) if one_key else envs


def _keyboard(task: str, plans: int, seed: int, render_mode: str | None = None) -> KeyboardEnv:
    songs, options = TASKS[task].songs(), dict(TASKS[task].options)
    if plans:
        if not options.get("improvise"):
            raise ValueError(f"plans is {plans}: plans are only for improvising, not for the task {task!r}")
        from listener.form.planning import draw_plans  # here, as it loads torch

        prompt = songs[0].roll[: usual_prompt(songs)]
        songs, options["plans"] = songs * plans, draw_plans(songs[0], [prompt] * plans, seed)
    return KeyboardEnv(songs, render_mode=render_mode, **options)


# `gymnasium.make` looks here for the render modes; mypy does not know that functions have attributes
make.metadata = KeyboardEnv.metadata  # type: ignore[attr-defined]
