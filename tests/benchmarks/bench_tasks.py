"""Scores of reference learners in the five tasks of the benchmark, see docs/benchmark.md.

    python tests/benchmarks/bench_tasks.py [--task round] [--learner neat] [--seeds 5] [--steps 10000] [--json]

A line for each task and learner: the median of the scores, 0 being a random player and 1 the ceiling, the scores, the
environment steps and CPU seconds of learning. Learners of our own go on until a task is solved or their budget is
used up; the others, those of `examples/`, get --steps. Stable-Baselines3 has to be installed for its own.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from agents.performer import Performer, RandomPlayer, SilentPlayer
from envs.benchmark import TASKS
from envs.registration import BENCHMARK
from experiments.runs.champion import open_run
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, begin, load_kind
from experiments.studies.benchmark import Player, Score, make_task, player_of, score

GAMMA = {"improvise": 0.9}
"""Discount of the peers where it is not 0: in the other tasks nothing is lost by playing the right keys now."""
MEMORISE = ("teacher-forced", "first-error", "all-songs", "round")

Learned = tuple[Score, int, float]
"""A score, environment steps, CPU seconds."""


def song_settings(task: str, folder: Path) -> list[str]:
    """Return the settings by which a run learns the songs of a task; they are written into a folder as MIDI files."""
    songs = TASKS[task].songs()
    for song in songs:
        song.write(folder / f"{song.name}.mid")
    memory = TASKS[task].options.get("memory", 32)
    where = [f"task.folder={folder}", f"task.memory={memory}", "task.chords=true", "task.keys=13"]
    return [*where, "task.together=true"] if len(songs) > 1 else [*where, f"task.song={songs[0].name}"]


def by_run(kind: str, settings: list[str], task: str, seed: int) -> Learned:
    """Carry out a run of our own, and score its champion."""
    with tempfile.TemporaryDirectory() as name:
        midi = Path(name, "midi")
        midi.mkdir()
        config, songs = resolved(kind, settings, task, midi, seed)
        run = RunFolder.create(Path(name, "run"))
        summary = begin(load_kind(kind), config, run, songs, ["bench_tasks"], Supervision(checkpoint_every=0))
        player = player_of(open_run(run.path).player(), make_task(task))
        steps = summary["steps"] if kind == "dqn" else summary["evaluations"] * 120 * len(songs)
        return score(task, player), steps, summary["cpu_seconds"]


def resolved(kind: str, settings: list[str], task: str, midi: Path, seed: int) -> tuple:
    """Return the configuration and the songs of a run."""
    from experiments.config.dqn import DqnConfig
    from experiments.config.evolve import EvolveConfig
    from experiments.runs.assembly import resolve
    from experiments.runs.dqn.kind import resolve_dqn

    preset, improvises = None, task == "improvise"
    if kind == "dqn":
        preset = {"improvise": "prior", "first-error": "episodic"}.get(task, "bandit")
        settings = [*settings, "environment.random_start=0.9"] if task == "first-error" else settings
    elif improvises:
        preset, settings = "improvise", [*settings, "improvise.listener=learned"]
    config = (DqnConfig if kind == "dqn" else EvolveConfig).load(preset)
    for setting in [*(["task.song=grasshopper"] if improvises else song_settings(task, midi)), *settings]:
        config = config.apply(setting)
    config = config.change("dqn" if kind == "dqn" else "evolve", seed=seed)
    return resolve_dqn(config) if kind == "dqn" else resolve(config)


def evolved(*settings: str) -> Callable[[str, int, int], Learned]:
    """Return a learner that evolves; what is larger gets fewer generations."""

    def learn(task: str, seed: int, _: int) -> Learned:
        fewer = ["evolve.generations=300"] if task == "all-songs" else []
        return by_run("evolve", [*settings, *fewer], task, seed)

    return learn


def our_dqn(task: str, seed: int, _: int) -> Learned:
    """Learn by `kuznechik dqn`."""
    larger = ["dqn.batch_size=512", "environment.environments=64", "dqn.steps=100000"] if task == "all-songs" else []
    return by_run("dqn", larger, task, seed)


def plays(make: Callable[[int], Performer]) -> Callable[[str, int, int], Learned]:
    """Return a learner that learns nothing."""
    return lambda task, seed, _: (score(task, player_of(make(seed), make_task(task))), 0, 0.0)


def peer(learn: Callable[..., Player], **choices: str) -> Callable[[str, int, int], Learned]:
    """Return a learner of `examples/`, which gets so many environment steps."""

    def timed(task: str, seed: int, steps: int) -> Learned:
        start = time.process_time()
        player = learn(task, seed=seed, steps=steps, gamma=GAMMA.get(task, 0.0), **choices)
        seconds = time.process_time() - start
        return score(task, player, one_key=True), steps, seconds

    return timed


def sb3(algorithm: str) -> Callable[[str, int, int], Learned]:
    from examples.sb3 import learn

    return peer(learn, algorithm=algorithm)


def clean_rl() -> Callable[[str, int, int], Learned]:
    from examples.cleanrl_style import learn

    return peer(learn)


LEARNERS: dict[str, tuple[Callable[[], Callable[[str, int, int], Learned]], tuple[str, ...]]] = {
    "rest": (lambda: plays(lambda seed: SilentPlayer()), tuple(BENCHMARK)),
    "random": (lambda: plays(lambda seed: RandomPlayer(np.random.default_rng(seed))), tuple(BENCHMARK)),
    "neat": (lambda: evolved(), tuple(BENCHMARK)),
    "openai-es": (lambda: evolved("evolve.algorithm=openai_es"), MEMORISE),
    "cma-es": (lambda: evolved("evolve.algorithm=cma_es"), MEMORISE),
    "dqn": (lambda: our_dqn, tuple(BENCHMARK)),
    "sb3-dqn": (lambda: sb3("dqn"), tuple(BENCHMARK)),
    "sb3-ppo": (lambda: sb3("ppo"), tuple(BENCHMARK)),
    "cleanrl-dqn": (clean_rl, tuple(BENCHMARK)),
}
"""How each learner is made, and the tasks it can do."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", nargs="+", choices=BENCHMARK, default=list(BENCHMARK))
    parser.add_argument("--learner", nargs="+", choices=LEARNERS, default=list(LEARNERS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed [0]")
    parser.add_argument("--steps", type=int, default=10_000, help="environment steps of the peers [10,000]")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each task and learner")
    options = parser.parse_args()
    for task in options.task:
        for name in options.learner:
            make, tasks = LEARNERS[name]
            if task not in tasks:
                continue
            learn = make()
            runs = [learn(task, seed, options.steps) for seed in range(options.first, options.first + options.seeds)]
            scores = [run[0].score for run in runs]
            row = {
                "task": task,
                "learner": name,
                "score": median(scores),
                "scores": [round(one, 3) for one in scores],
                "result": median(run[0].result for run in runs),
                "steps": median(run[1] for run in runs),
                "cpu_seconds": round(median(run[2] for run in runs), 1),
            }
            print(
                json.dumps(row) if options.json else "  ".join(f"{key} {value}" for key, value in row.items()),
                flush=True,
            )


if __name__ == "__main__":
    main()
