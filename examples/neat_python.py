"""Evolve a network for a benchmark task with unmodified neat-python, and print the score.

    python examples/neat_python.py --task teacher-forced --generations 30 --seed 0

A genome's fitness is its reward in one episode. `kuznechik evolve` is faster and gets further.
"""

import argparse
import random
import tempfile
from pathlib import Path

import gymnasium
import neat
import numpy as np

from envs.registration import BENCHMARK
from experiments.config.evolve import EvolveConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from experiments.studies.benchmark import Player, score


def player_of(genome: neat.DefaultGenome, config: neat.Config) -> Player:
    """Return the player that presses the keys whose outputs are above one half."""
    network = neat.nn.FeedForwardNetwork.create(genome, config)
    return lambda observation: (np.array(network.activate(observation)) > 0.5).astype(np.int8)


def learn(task: str, seed: int, generations: int) -> Player:
    """Evolve for `generations` generations, and return the best player."""
    env = gymnasium.make(BENCHMARK[task])
    inputs, outputs = env.observation_space.shape[0], env.action_space.n
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "neat.ini")
        path.write_text(neat_ini(EvolveConfig.load("plain-neat"), inputs, outputs))
        config = read_neat_config(path, neat_pythons=True)

    def evaluate(genomes: list, config: neat.Config) -> None:
        for _, genome in genomes:
            player, genome.fitness, over = player_of(genome, config), 0.0, False
            observation, _ = env.reset(seed=seed)
            while not over:
                observation, reward, over, _, _ = env.step(player(observation))
                genome.fitness += reward

    random.seed(seed)
    return player_of(neat.Population(config).run(evaluate, generations), config)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=BENCHMARK, default="teacher-forced")
    parser.add_argument("--generations", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(score(options.task, learn(options.task, options.seed, options.generations)))
