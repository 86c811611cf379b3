"""Learn a benchmark task by policy gradient in plain PyTorch, and print the score.

    python examples/pytorch_by_hand.py --task round --steps 50000 --seed 0

Each key is pressed with its own probability. The advantage of a step is its own reward minus the mean reward: with the
song in memory, what is played now changes nothing later.
"""

import argparse

import gymnasium
import numpy as np
import torch
from torch import nn

from envs.registration import BENCHMARK
from experiments.studies.benchmark import Player, score

ENVS = 32


def learn(task: str, seed: int, steps: int) -> Player:
    """Learn for `steps` environment steps, and return the player that presses the keys with probability above 1/2."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the networks are small
    envs = gymnasium.make_vec(BENCHMARK[task], ENVS)
    inputs, keys = envs.single_observation_space.shape[0], envs.single_action_space.n
    network = nn.Sequential(nn.Linear(inputs, 128), nn.LeakyReLU(), nn.Linear(128, keys))
    nn.init.constant_(network[2].bias, -3.0)  # press few keys at first
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    baseline, over = 0.0, np.zeros(ENVS, bool)
    observations, _ = envs.reset(seed=seed)
    for _ in range(steps // ENVS):
        policy = torch.distributions.Bernoulli(logits=network(torch.from_numpy(observations).float()))
        pressed = policy.sample()
        begins = over  # where the last episode ended, this step begins the next one and plays nothing
        observations, rewards, over, _, _ = envs.step(pressed.numpy().astype(np.int8))
        advantage = torch.from_numpy(~begins * (rewards - baseline)).float()
        baseline += 0.05 * (rewards.mean() - baseline)
        loss = -(advantage * policy.log_prob(pressed).sum(dim=1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def player(observation: np.ndarray) -> np.ndarray:
        return (network(torch.from_numpy(observation).float()) > 0).numpy().astype(np.int8)

    return player


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=BENCHMARK, default="teacher-forced")
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(score(options.task, learn(options.task, options.seed, options.steps)))
