"""Learn a benchmark task with a single-file DQN in the style of CleanRL, and print the score.

python examples/cleanrl_style.py --task first-error --steps 20000 --seed 0
"""

import argparse

import gymnasium
import numpy as np
import torch
from torch import nn

from envs.registration import BENCHMARK
from experiments.studies.benchmark import Player, score


def learn(task: str, seed: int, steps: int, gamma: float = 0.0) -> Player:
    """Learn for `steps` environment steps, and return the greedy player."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    random, env = np.random.default_rng(seed), gymnasium.make(BENCHMARK[task], one_key=True)
    inputs, actions = env.observation_space.shape[0], env.action_space.n

    def network() -> nn.Module:
        return nn.Sequential(nn.Linear(inputs, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, actions))

    def greedy(observation: np.ndarray) -> int:
        return online(torch.from_numpy(observation)).argmax().item()

    online, target = network(), network()
    optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
    seen, after = np.zeros((2, steps, inputs), np.float32)
    chosen, rewards, ended = np.zeros(steps, np.int64), np.zeros(steps, np.float32), np.zeros(steps, np.float32)
    observation, _ = env.reset(seed=seed)
    for step in range(steps):
        seen[step], epsilon = observation, max(0.05, 1 - step / (0.4 * steps))
        chosen[step] = random.integers(actions) if random.random() < epsilon else greedy(observation)
        observation, rewards[step], ended[step], _, _ = env.step(int(chosen[step]))
        after[step] = observation
        observation = env.reset()[0] if ended[step] else observation
        if step % 500 == 0:
            target.load_state_dict(online.state_dict())
        if step >= 500 and step % 4 == 0:
            batch = random.integers(step + 1, size=128)
            s, a, r, n, e = (torch.from_numpy(x[batch]) for x in (seen, chosen, rewards, after, ended))
            goal = r + gamma * (1 - e) * target(n).amax(dim=1).detach()
            loss = nn.functional.mse_loss(online(s).gather(1, a[:, None])[:, 0], goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return greedy


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=BENCHMARK, default="teacher-forced")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(score(options.task, learn(options.task, options.seed, options.steps), one_key=True))
