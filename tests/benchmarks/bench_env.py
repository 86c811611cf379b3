"""Speed of the environments: env steps per CPU second, against Gymnasium's own environments.

    python tests/benchmarks/bench_env.py [--json]

Conventions: CPU time of all processes, not wall time; the best of several rounds; one step of 256 environments counts
as 256 steps. Actions are drawn beforehand. Compare ratios: the figures themselves depend on the machine.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv

from envs.keyboard_env import KeyboardEnv
from envs.registration import MEMORIZE, MEMORIZE_ONE_KEY
from envs.vector_keyboard_env import KeyboardVectorEnv
from songs.catalog import read_catalog

MANY = 256
ROUNDS = 5
SECONDS = 0.4
"""CPU time of a round, roughly."""
KEY_PRESSED = 0.05


def best_round(step: Callable[[], None]) -> float:
    """Return the CPU seconds of one call."""
    begin, calls = time.process_time(), 0
    while time.process_time() - begin < SECONDS / 4:
        step()
        calls += 1
    calls *= 4
    seconds = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        for _ in range(calls):
            step()
        seconds.append((time.process_time() - begin) / calls)
    return min(seconds)


def cycle(actions: list) -> Callable:
    """Return a function that gives the actions in turn."""
    position = 0

    def following():
        nonlocal position
        position = (position + 1) % len(actions)
        return actions[position]

    return following


def keyboard_actions(*shape: int) -> Callable:
    """Return a function that gives actions (*shape, 13)."""
    random = np.random.default_rng(0)
    return cycle([(random.random((*shape, 13)) < KEY_PRESSED).astype(np.int8) for _ in range(16)])


def plain(env: gymnasium.Env, action: Callable | None = None) -> float:
    """Return the CPU seconds of a step, resets included."""
    action = action or keyboard_actions()
    env.reset(seed=0)

    def step():
        _, _, terminated, truncated, _ = env.step(action())
        if terminated or truncated:
            env.reset()

    return best_round(step)


def vector(env: VectorEnv, action: Callable | None = None) -> float:
    """Return the CPU seconds of a step of one environment among many."""
    action = action or keyboard_actions(env.num_envs)
    env.reset(seed=0)
    seconds = best_round(lambda: env.step(action())) / env.num_envs
    env.close()
    return seconds


def workers(env: Callable[[], gymnasium.Env], count: int, steps: tuple[int, int] = (10, 110)) -> float:
    """Return the same for one process each; the CPU time of processes is known only when they have ended."""
    used = []
    for number in steps:
        before = sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) + time.process_time()
        envs = AsyncVectorEnv([env] * count)
        action = keyboard_actions(count)
        envs.reset(seed=0)
        for _ in range(number):
            envs.step(action())
        envs.close()
        used.append(sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]) + time.process_time() - before)
    return (used[1] - used[0]) / (steps[1] - steps[0]) / count


def measure() -> list[dict]:
    """Return one row for each environment: its name, the number of copies, steps a CPU second."""
    songs = [entry.song for entry in read_catalog() if entry.keys == 13]
    pole = cycle(np.random.default_rng(0).integers(2, size=16).tolist())
    poles = cycle([np.random.default_rng(seed).integers(2, size=MANY) for seed in range(16)])

    def make():
        return gymnasium.make(MEMORIZE)

    def varied():
        return KeyboardEnv(songs, stop_at_error=True, random_start=0.5)

    rows = [
        ("CartPole", 1, plain(gymnasium.make("CartPole-v1").unwrapped, pole)),
        ("KeyboardEnv", 1, plain(make().unwrapped)),
        ("KeyboardEnv from gymnasium.make", 1, plain(make())),
        ("SyncVectorEnv", 1, vector(SyncVectorEnv([make]))),
        ("SyncVectorEnv", MANY, vector(SyncVectorEnv([make] * MANY))),
        ("AsyncVectorEnv", MANY, workers(make, MANY)),
        ("CartPoleVectorEnv", MANY, vector(gymnasium.make_vec("CartPole-v1", MANY), poles)),
    ]
    for count in (1, 16, MANY, 4096, 16384):
        for copy in (True, False):
            name = "KeyboardVectorEnv" if copy else "KeyboardVectorEnv, copy=False"
            rows.append((name, count, vector(gymnasium.make_vec(MEMORIZE, count, copy=copy))))
    fingers = cycle([np.random.default_rng(seed).integers(14, size=MANY) for seed in range(16)])
    rows.append(("OneKeyVectorEnv", MANY, vector(gymnasium.make_vec(MEMORIZE_ONE_KEY, MANY), fingers)))
    rows.append(("SyncVectorEnv, episodes of few steps", MANY, vector(SyncVectorEnv([varied] * MANY))))
    rows.append(("KeyboardVectorEnv, episodes of few steps", MANY, vector(KeyboardVectorEnv(varied(), MANY))))
    return [{"environment": name, "copies": count, "steps_per_cpu_second": 1 / each} for name, count, each in rows]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    rows = measure()
    speed = {(row["environment"], row["copies"]): row["steps_per_cpu_second"] for row in rows}
    ratios = {
        "KeyboardEnv / CartPole (at least 0.7)": speed["KeyboardEnv", 1] / speed["CartPole", 1],
        "KeyboardVectorEnv / SyncVectorEnv at 256 (at least 200)": speed["KeyboardVectorEnv", MANY]
        / speed["SyncVectorEnv", MANY],
        "KeyboardVectorEnv / CartPoleVectorEnv at 256 (at least 2.7)": speed["KeyboardVectorEnv", MANY]
        / speed["CartPoleVectorEnv", MANY],
    }
    if arguments.json:
        print(json.dumps({"rows": rows, "ratios": ratios}, indent=2))
        return
    print(f"{'environment':42} {'copies':>6} {'steps/CPU s':>12}")
    for row in rows:
        print(f"{row['environment']:42} {row['copies']:6} {row['steps_per_cpu_second']:12,.0f}")
    for name, ratio in ratios.items():
        print(f"{name:60} {ratio:8.2f}")


if __name__ == "__main__":
    main()
