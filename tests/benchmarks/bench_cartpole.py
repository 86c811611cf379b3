"""NEAT in CartPole-v1 beside neat-python alone with the same settings: solved seeds, returns, steps, CPU seconds.

    python tests/benchmarks/bench_cartpole.py [--seeds 10] [--json]

All play the same number of episodes and choose their champions in the same way: the best of a generation is tried on
the validation episodes if it did better than the champion there. *Fresh* is the champion's mean return over 100
episodes that decided nothing; the environment calls 475 solved. neat-python alone is its Population and its
FeedForwardNetwork, called as its examples do. Neither seeds nor episodes were used to choose a default. One process.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import neat
import numpy as np
from rich.console import Console
from rich.table import Table

from agents.neat.env_evolution import TEST, TRAINING, VALIDATION, episode_seeds
from agents.neat.env_player import play_episode
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import NEAT_PYTHON_LACKS, neat_ini, read_neat_config
from experiments.runs.assembly import resolve
from experiments.runs.evolve.env_task import baselines, make_env
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, begin, load_kind

PRESET = "CartPole-v1"


def preset(seed: int) -> EvolveConfig:
    return EvolveConfig.load(PRESET).change("evolve", seed=seed)


def neat_pythons(seed: int) -> EvolveConfig:
    """Return the same with the mutation and crossover of neat-python, at the rates of our defaults for it."""
    config = preset(seed).change("evolve", algorithm="neat_python")
    for section, values in NEAT_PYTHON_LACKS.items():
        config = config.change(section, **{name: type(getattr(getattr(config, section), name))(value)
                                           for name, value in values.items()})  # fmt: skip
    return config


def run(config: EvolveConfig) -> dict:
    """Return the summary of a run."""
    config, inputs = resolve(config)
    with tempfile.TemporaryDirectory() as parent:
        folder = RunFolder.create(Path(parent, "run"))
        return begin(load_kind("evolve"), config, folder, inputs, [], Supervision(checkpoint_every=0))


class Alone:
    """neat-python's Population and network, without anything of ours but the environment and its seeds."""

    def __init__(self, config: EvolveConfig):
        self.config, self.env = resolve(config)[0], make_env(config.environment)
        self.env_steps, self.generation, self.best, self.champion = 0, -1, -np.inf, None

    def start(self) -> None:
        """Take the place of a policy that remembers nothing."""

    def __call__(self, observation):
        values = self.network.activate(observation)
        return max(range(len(values)), key=values.__getitem__)

    def mean(self, genome, config, seeds: list[int]) -> float:
        self.network = neat.nn.FeedForwardNetwork.create(genome, config)
        played = [play_episode(self, self.env, seed) for seed in seeds]
        self.env_steps += sum(steps for _, steps in played)
        return float(np.mean([value for value, _ in played]))

    def evaluate(self, genomes, config) -> None:
        self.generation += 1
        options, seed = self.config.environment, self.config.seed
        seeds = episode_seeds(seed, TRAINING, options.episodes, self.generation)
        for _, genome in genomes:
            genome.fitness = self.mean(genome, config, seeds)
        best = max((genome for _, genome in genomes), key=lambda genome: genome.fitness)
        if best.fitness > self.best:
            value = self.mean(best, config, episode_seeds(seed, VALIDATION, options.validation))
            if value > self.best:
                self.best, self.champion = value, best

    def run(self) -> dict:
        """Return what a summary of ours has."""
        start, config = time.process_time(), self.config
        with tempfile.TemporaryDirectory() as parent:
            path = Path(parent, "neat.ini")
            path.write_text(neat_ini(config, 4, 2))
            read = read_neat_config(path, neat_pythons=True)
        random.seed(config.seed)
        population = neat.Population(read)
        while self.best < config.environment.solved_at and self.generation + 1 < config.evolve.generations:
            population.run(self.evaluate, 1)
        seconds, steps = time.process_time() - start, self.env_steps
        fresh = self.mean(self.champion, read, episode_seeds(config.seed, TEST, config.environment.test))
        solved = self.best >= config.environment.solved_at
        return {"solved": solved, "mean_return": fresh, "env_steps": steps, "cpu_seconds": seconds,
                "generations": self.generation + 1}  # fmt: skip


ROWS = {
    "NEAT (the preset)": lambda seed: run(preset(seed)),
    "neat-python's genome and operators, in a run of ours": lambda seed: run(neat_pythons(seed)),
    "neat-python alone": lambda seed: Alone(neat_pythons(seed)).run(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for name, row in ROWS.items():
        found = [row(seed) for seed in range(options.seeds)]
        figures = {key: [float(one[key]) for one in found] for key in ("mean_return", "generations", "env_steps",
                                                                       "cpu_seconds")}  # fmt: skip
        rows.append({"name": name, "solved": sum(bool(one["solved"]) for one in found), **figures})
    resting = baselines(make_env(preset(0).environment), episode_seeds(0, TEST, 100))
    if options.json:
        print(json.dumps({"rows": rows, "baselines": resting}, indent=1))
        return
    table = Table("", "solved", "fresh: mean (least)", "475 on fresh", "generations", "steps", "CPU s")
    for one in rows:
        medians = [f"{np.median(one[key]):,.0f}" for key in ("generations", "env_steps")]
        fresh = f"{np.mean(one['mean_return']):.1f} ({min(one['mean_return']):.1f})"
        over = sum(value >= 475 for value in one["mean_return"])
        table.add_row(one["name"], f"{one['solved']} of {options.seeds}", fresh, f"{over} of {options.seeds}",
                      *medians, f"{np.median(one['cpu_seconds']):.1f}")  # fmt: skip
    Console().print(table, f"Without learning: {', '.join(f'{k} {v:.1f}' for k, v in resting.items())}")


if __name__ == "__main__":
    main()
