"""Scores: how many steps of a song a champion gets right in the real environment.

Each score comes with the scores of resting and of a random player, and the ceiling for any player with this memory.
"""

from collections.abc import Sequence

import numpy as np

from agents.performer import Performer, RandomPlayer
from agents.rollout import Episode, continue_prompts, play_episode
from experiments.config.evolve import Task
from experiments.config.settings import ConfigError
from experiments.runs.assembly import listenable_songs, make_env
from experiments.runs.champion import Run
from listener.description import describe_rolls, outside
from songs.keyboard import common_keyboard
from songs.piano_roll import most_right_steps
from songs.song import Song, SongError

RANDOM_EPISODES = 20


def always_rest(song: Song, prompt: int) -> int:
    """Return the number of silent steps after the prompt: the score of resting."""
    return int((~song.roll[prompt:].any(axis=1)).sum())


def score_improvisation(run: Run) -> dict:
    """Return the rewards of a champion's improvisations, and their melody features with those of real songs."""
    improvising = run.improvisation()
    rolls = improvising.play(run.player())
    try:
        songs: Sequence[Song] = listenable_songs(run.task)
    except SongError:  # the folder of songs no longer exists
        songs = run.songs
    table = describe_rolls(list(rolls[:, run.task.prompt :]), [song.roll for song in songs])
    return {**improvising.summary(rolls), "statistics": table, "outside_the_real_ones": outside(table)}


def score(run: Run, song: Song | None = None) -> dict:
    """Return the scores of a run's champion.

    Args:
        run: A run that learned one or more songs.
        song: The song to play; by default those that the run learned.

    Returns:
        The scores of the song; for several songs, the sums, and each song's scores under `songs`.
    """
    if song is None and len(run.songs) > 1:
        return _together([score(run, one) for one in run.songs], run)
    song = song.on(run.songs[0].keyboard) if song else run.songs[0]
    return score_performer(run.player(), run.task, song)


def score_performer(performer: Performer, task: Task, song: Song) -> dict:
    """Return how many steps of a song a performer gets right, with prompt and memory of a resolved task.

    Raises:
        ConfigError: The song is not longer than the prompt.
    """
    if task.prompt >= song.steps:
        raise ConfigError(f"{song.name} has {song.steps} steps, no more than the prompt of {task.prompt}")
    forced = _play(task, song, performer, teacher_forcing=True)
    free = _play(task, song, performer, teacher_forcing=False)
    random = RandomPlayer(np.random.default_rng(0))
    by_chance = [_play(task, song, random, teacher_forcing=True) for _ in range(RANDOM_EPISODES)]
    return {
        "song": song.name,
        "steps": len(free.right),
        "right_teacher_forced": forced.right_steps,
        "right_free_running": free.right_steps,
        "prefix": free.prefix,
        "always_rest": always_rest(song, task.prompt),
        "random": float(np.mean([episode.right_steps for episode in by_chance])),
        "ceiling": most_right_steps([song.roll], task.remembered, task.prompt),
        "memory": task.memory,
        "prompt": task.prompt,
    }


def score_melody(melody: Song, song: Song, prompt: int) -> dict:
    """Return how many steps of a song after the prompt a melody gets right, with resting and random keys as baselines.

    Raises:
        ConfigError: The grids differ, or the song is not longer than the prompt.
    """
    if melody.grid.steps_per_quarter != song.grid.steps_per_quarter:
        grids = f"{melody.name} has {melody.grid.name}, {song.name} {song.grid.name}"
        raise ConfigError(f"{grids}: put both on one with --grid {song.grid.steps_per_quarter}")
    if prompt >= song.steps:
        raise ConfigError(f"{song.name} has {song.steps} steps, no more than the prompt of {prompt}")
    keyboard = common_keyboard([melody.keyboard, song.keyboard])
    wanted, played = (each.on(keyboard).roll for each in (song, melody))
    played = np.pad(played[: len(wanted)], ((0, max(0, len(wanted) - len(played))), (0, 0)))
    starts = np.repeat(wanted[None, :prompt], RANDOM_EPISODES, axis=0)
    by_chance = continue_prompts(RandomPlayer(np.random.default_rng(0)), starts, len(wanted), 1)
    right = (played == wanted).all(axis=1)[prompt:]
    return {
        "song": song.name,
        "steps": len(right),
        "right_free_running": int(right.sum()),
        "prefix": len(right) if right.all() else int(right.argmin()),
        "always_rest": always_rest(song, prompt),
        "random": float((by_chance == wanted).all(axis=2)[:, prompt:].sum(axis=1).mean()),
        "prompt": prompt,
    }


def _together(scores: list[dict], run: Run) -> dict:
    sums = ("steps", "right_teacher_forced", "right_free_running", "prefix", "always_rest", "random")
    return {
        **{name: sum(one[name] for one in scores) for name in sums},
        "ceiling": most_right_steps([song.roll for song in run.songs], run.task.remembered, run.task.prompt),
        "whole_songs": sum(one["prefix"] == one["steps"] for one in scores),
        "memory": run.task.memory,
        "prompt": run.task.prompt,
        "songs": scores,
    }


def _play(task: Task, song: Song, performer: Performer, teacher_forcing: bool) -> Episode:
    env = make_env(task, [song], teacher_forcing=teacher_forcing)
    return play_episode(env, performer, options={"improvise": False})
