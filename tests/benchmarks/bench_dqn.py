"""Deep Q-learning: environment steps and CPU seconds until all steps of a song are right, beside other libraries.

    python tests/benchmarks/bench_dqn.py [--quick] [--folder DIR] [--seeds N] [--first-seed N] [--only TEXT] [--json]

Conventions: CPU time of this process, one thread; a run of ours counts from the command's start to its solution, with
all it writes. Medians over the seeds; a run that did not get there counts with its whole budget, and `solved` says how
many did. What is scored is the greedy player: steps right under teacher forcing. Peers get the same songs, memory and
budget of steps, in the same mode: the memory holds the song, gamma 0, one key at a time (no library has a DQN for sets
of keys), and the reward of a step is 1 if it is right. `bandit` has more feedback, the keys that were right; the row
`bandit, one key` has that of the peers. CleanRL is its algorithm (dqn.py), restated here.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from agents.cases import memory_cases
from envs.keyboard_env import KeyboardEnv
from envs.one_key_action import OneKeyAction
from experiments.config.dqn import DqnConfig
from experiments.runs.dqn.kind import KIND, resolve_dqn
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import Supervision, begin
from songs.catalog import find_song

MEMORY, PROMPT, EVERY = 32, 8, 500
"""Of the peers: steps remembered, steps given, and environment steps between two looks at the greedy player."""
PEER_STEPS, QUICK_STEPS = 25_000, 3_000

ONE_KEY = (
    "network.head=one_key",
    "dqn.td_loss=step",
    "environment.listener=exact_steps",
    "network.layers=2",
    "network.dueling=false",
    "dqn.learning_rate=0.001",
    "exploration.epsilon_start=1.0",
    "exploration.epsilon_end=0.05",
    "exploration.epsilon_steps=1200",
)
RANDOM_START = ("environment.random_start=0.9",)
TOGETHER = ("task.together=true", "dqn.evaluate_every=500", "dqn.steps=200000")

# ours


def ours(preset: str, settings: tuple[str, ...], seed: int, times: int = 1) -> dict:
    """Learn with one seed; with `times`, go on until so many times as many steps are done as the solution took.

    Returns:
        `steps` and `cpu_seconds` until solved or given up, `solved`, `right`, `ceiling`, `whole` songs, and what the
        player `at_the_end` gets right.
    """
    config = DqnConfig.load(preset).change("dqn", seed=seed)
    for setting in settings:
        config = config.apply(setting)
    summary = _train(config)
    outcome = {
        "solved": summary["solved"],
        "steps": summary["steps"],
        "cpu_seconds": summary["cpu_seconds"],
        "right": summary["right_teacher_forced"],
        "ceiling": summary["ceiling"],
        "whole": summary["whole_songs"],
    }
    if times > 1 and summary["solved"]:  # the same seed gives the same run, which then goes on
        longer = config.change("dqn", stop_when_solved=False, steps=times * summary["steps"])
        outcome["at_the_end"] = _train(longer)["right_at_the_end"]
    return outcome


def _train(config: DqnConfig) -> dict:
    config, songs = resolve_dqn(config)
    with tempfile.TemporaryDirectory() as folder:
        supervision = Supervision(checkpoint_every=0)
        return begin(KIND, config, RunFolder.create(Path(folder) / "run"), songs, ["bench_dqn"], supervision)


# peers


class GreedyScore:
    """Counts the steps that a function from observations to actions gets right, each at its own window of the song."""

    def __init__(self):
        cases = memory_cases([find_song("grasshopper")], MEMORY, PROMPT)
        self._inputs = torch.from_numpy(np.ascontiguousarray(cases.inputs.T))
        targets = cases.targets.T
        self._actions = torch.from_numpy(np.where(targets.any(axis=1), targets.argmax(axis=1) + 1, 0))
        self.ceiling = len(self._actions)

    @torch.no_grad()
    def right(self, values: Callable) -> int:
        """Return the steps right; `values` gives (B, 14) for observations (B, I)."""
        return int((values(self._inputs).argmax(dim=1) == self._actions).sum())


def peer_env() -> OneKeyAction:
    """Return the grasshopper tune as the peers learn it."""
    return OneKeyAction(KeyboardEnv([find_song("grasshopper")], memory=MEMORY, prompt=PROMPT, teacher_forcing=True))


def stable_baselines(seed: int, steps: int) -> Iterator[Callable]:
    """Learn with the DQN of Stable-Baselines3, and yield its values after every step."""
    from stable_baselines3 import DQN

    settings = {"gamma": 0.0, "learning_rate": 3e-3, "batch_size": 128, "learning_starts": 128, "train_freq": 4}
    exploration = {"exploration_initial_eps": 0.3, "exploration_final_eps": 0.05, "exploration_fraction": 0.4}
    policy = {"net_arch": [128]}
    env = peer_env()
    model = DQN("MlpPolicy", env, seed=seed, device="cpu", policy_kwargs=policy, **settings, **exploration)
    for done in range(EVERY, steps + 1, EVERY):
        model.learn(EVERY, reset_num_timesteps=done == EVERY)
        yield model.q_net


def clean_rl(seed: int, steps: int) -> Iterator[Callable]:
    """Learn as CleanRL's dqn.py does, with gamma 0 and so without need of its target network; yields as above."""
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    env = peer_env()
    observation, _ = env.reset(seed=seed)
    network = torch.nn.Sequential(
        torch.nn.Linear(observation.size, 120),
        torch.nn.ReLU(),
        torch.nn.Linear(120, 84),
        torch.nn.ReLU(),
        torch.nn.Linear(84, env.action_space.n),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    seen = np.zeros((steps, observation.size), dtype=np.float32)
    actions, rewards = np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.float32)
    for step in range(steps):
        seen[step] = observation
        if random.random() < max(0.05, 1 - 0.95 * step / (0.4 * steps)):
            actions[step] = random.integers(env.action_space.n)
        else:
            with torch.no_grad():
                actions[step] = network(torch.from_numpy(seen[step])).argmax()
        observation, rewards[step], terminated, truncated, _ = env.step(actions[step])
        if terminated or truncated:
            observation, _ = env.reset()
        if step >= 500 and step % 4 == 0:
            batch = random.integers(step + 1, size=128)
            chosen = torch.from_numpy(actions[batch])[:, None]
            predicted = network(torch.from_numpy(seen[batch])).gather(1, chosen)[:, 0]
            loss = torch.nn.functional.mse_loss(predicted, torch.from_numpy(rewards[batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if (step + 1) % EVERY == 0:
            yield network


def peer(learn: Callable[[int, int], Iterator[Callable]], seed: int, steps: int) -> dict:
    """Let a peer learn until all is right or its budget is used; the time for looking at it is not counted."""
    score, seconds, best, done = GreedyScore(), 0.0, 0, 0
    learning = learn(seed, steps)
    while done < steps and best < score.ceiling:
        begin = time.process_time()
        values = next(learning)
        seconds += time.process_time() - begin
        done += EVERY
        best = max(best, score.right(values))
    solved = best == score.ceiling
    return {"solved": solved, "steps": done, "cpu_seconds": seconds, "right": best, "ceiling": score.ceiling}


# the table


def measure(arguments: argparse.Namespace) -> Iterator[dict]:
    """Yield one row for each learner."""
    seeds = range(arguments.first_seed, arguments.first_seed + (2 if arguments.quick else arguments.seeds))
    budget = QUICK_STEPS if arguments.quick else PEER_STEPS
    times = 1 if arguments.quick else 4
    learners = [
        ("bandit", "bandit", (), seeds, times),
        ("bandit, one key", "bandit", (*ONE_KEY, f"dqn.steps={budget}"), seeds, 1),
        ("episodic, random starts", "episodic", RANDOM_START, seeds, times),
    ]
    if not arguments.quick:
        learners.append(("episodic", "episodic", (), seeds, 1))
    if arguments.folder:
        together = (*TOGETHER, f"task.folder={arguments.folder}")
        learners.append(("bandit, all songs of the folder", "bandit", together, seeds, 1))
        learners.append(("the same, 20 steps given", "bandit", (*together, "task.prompt=20"), seeds, 1))
    for name, preset, settings, which, longer in learners:
        if arguments.only in name:
            yield summarise(f"kuznechik, {name}", [ours(preset, settings, seed, longer) for seed in which])
    for name, learn in (("Stable-Baselines3 DQN, one key", stable_baselines), ("CleanRL's DQN, one key", clean_rl)):
        if arguments.only in name:
            try:
                yield summarise(name, [peer(learn, seed, budget) for seed in seeds[: 1 if arguments.quick else 2]])
            except ImportError as error:
                print(f"{name}: {error.name} is not installed", file=sys.stderr)


def summarise(name: str, runs: list[dict]) -> dict:
    """Return the row of a learner."""
    row = {"learner": name, "runs": len(runs), "solved": sum(run["solved"] for run in runs)}
    row |= {column: median(run[column] for run in runs) for column in ("steps", "cpu_seconds", "right", "ceiling")}
    row |= {"most_steps": max(run["steps"] for run in runs), "most_seconds": max(run["cpu_seconds"] for run in runs)}
    row["whole"] = min(run.get("whole", 0) for run in runs)
    ends = [run["at_the_end"] for run in runs if "at_the_end" in run]
    row["at_4_times"] = min(ends) if ends else None
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two seeds, a small budget, the quick learners")
    parser.add_argument("--folder", help="folder of MIDI files to be learned together, too")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="learners whose name has this in it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    if not arguments.json:
        head = ("solved", "steps", "(most)", "CPU s", "(most)", "right", "ceiling", "at 4x")
        print(f"{'learner':45}" + "".join(f"{name:>9}" for name in head), flush=True)
    for row in measure(arguments):
        rows.append(row)
        if not arguments.json:
            shown = f"{row['solved']}/{row['runs']}", row["steps"], row["most_steps"]
            shown += f"{row['cpu_seconds']:.1f}", f"{row['most_seconds']:.1f}", row["right"], row["ceiling"]
            cells = [f"{cell:.0f}" if isinstance(cell, float) else cell for cell in (*shown, row["at_4_times"] or "-")]
            print(f"{row['learner']:45}" + "".join(f"{cell:>9}" for cell in cells), flush=True)
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
