"""Learn a benchmark task with Stable-Baselines3, and print the score.

    python examples/sb3.py --task round --algorithm ppo --steps 20000 --seed 0

DQN and PPO both press one key at a time or none. Needs `pip install stable-baselines3`.
"""

import argparse

import gymnasium
from stable_baselines3 import DQN, PPO

from envs.registration import BENCHMARK
from experiments.studies.benchmark import Player, score

EXPLORATION = {"exploration_initial_eps": 0.3, "exploration_final_eps": 0.05, "exploration_fraction": 0.4}


def learn(task: str, algorithm: str, seed: int, steps: int, gamma: float = 0.0) -> Player:
    """Learn for `steps` environment steps, and return the greedy player."""
    env = gymnasium.make(BENCHMARK[task], one_key=True)
    if algorithm == "dqn":
        settings = {"learning_rate": 3e-3, "batch_size": 128, "learning_starts": 128, "buffer_size": 100_000}
        model = DQN("MlpPolicy", env, gamma=gamma, seed=seed, device="cpu", **settings, **EXPLORATION)
    else:
        model = PPO("MlpPolicy", env, gamma=gamma, n_steps=512, seed=seed, device="cpu")
    model.learn(steps)
    return lambda observation: model.predict(observation, deterministic=True)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=BENCHMARK, default="teacher-forced")
    parser.add_argument("--algorithm", choices=("dqn", "ppo"), default="dqn")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    player = learn(options.task, options.algorithm, options.seed, options.steps)
    print(score(options.task, player, one_key=True))


if __name__ == "__main__":
    main()
