"""`kuznechik score`: how many steps of a song a champion gets right, in the real environment.

Beside the score stand what resting scores, what a random player scores, and the most that any player with
this memory could.
"""

import numpy as np

from agents.performer import Performer, RandomPlayer
from agents.rollout import Episode, play_episode
from experiments.assembly import Run, make_env
from experiments.config import Task
from experiments.settings import ConfigError
from songs.piano_roll import most_right_steps
from songs.song import Song

RANDOM_EPISODES = 20


def always_rest(song: Song, prompt: int) -> int:
    """Return the number of steps after the prompt at which nothing is played: what resting gets right."""
    return int((~song.roll[prompt:].any(axis=1)).sum())


def score(run: Run, song: Song | None = None) -> dict:
    """Return the scores of a run's champion.

    Args:
        run: a run that learned a song.
        song: what to play; the run's own song by default.
    """
    song = song or run.songs[0]
    task = run.task
    if task.prompt >= song.steps:
        raise ConfigError(f"{song.name} has {song.steps} steps, no more than the prompt of {task.prompt}")
    forced = _play(task, song, run.player(), teacher_forcing=True)
    free = _play(task, song, run.player(), teacher_forcing=False)
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
        "ceiling": most_right_steps([song.roll], task.memory, task.prompt),
        "memory": task.memory,
        "prompt": task.prompt,
    }


def _play(task: Task, song: Song, performer: Performer, teacher_forcing: bool) -> Episode:
    env = make_env(task, [song], teacher_forcing=teacher_forcing)
    return play_episode(env, performer, options={"improvise": False})
