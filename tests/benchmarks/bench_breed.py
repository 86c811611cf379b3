"""How much melodies that are bred by ear differ from each other and from their parents, and what a generation costs.

Choices are made by chance: five seeds, 30 choices of one or two networks each, and six songs that networks imitate.
"""

import tempfile
import time
from itertools import combinations
from pathlib import Path

import numpy as np

from agents.neat.breeding import Breeding, apart, from_parents
from experiments.config.breed import BreedConfig
from experiments.config.neat_ini import neat_ini, read_neat_config
from songs.catalog import find_song

SEEDS, CHOICES = 5, 30
SONGS = ("grasshopper", "korobeiniki", "ode_to_joy", "twinkle_twinkle", "jingle_bells", "bingo")


def breeding(seed: int) -> Breeding:
    """Return a breeding with the default configuration."""
    config = BreedConfig()
    task = config.melody.task
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "neat.ini")
        path.write_text(neat_ini(config.as_evolution, task.inputs, task.keyboard.keys))
        return Breeding(read_neat_config(path), task, seed)


def cells(rolls: np.ndarray, others: np.ndarray) -> float:
    """Return the mean share of cells in which rolls (N, T, K) differ from the nearest of others (P, T, K)."""
    return float(np.mean([min((roll != other).mean() for other in others) for roll in rolls]))


def main() -> None:
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    for seed in range(SEEDS):
        bred, random = breeding(seed), np.random.default_rng(seed)
        bred.begin()
        note("two of the first nine", apart(bred.rolls[0]))
        note("the same, share of cells", np.mean([(a != b).mean() for a, b in combinations(bred.rolls[0], 2)]))
        for generation in range(CHOICES):
            chosen = random.choice(9, 1 + generation % 2, replace=False).tolist()
            begun = time.process_time()
            bred.breed(generation, chosen, keep=False)
            note("CPU seconds of a generation", time.process_time() - begun)
            parents, rolls = bred.rolls[generation][chosen], bred.rolls[-1]
            note(f"child and nearest parent of {len(chosen)}", from_parents(rolls, parents))
            note("the same, share of cells, of either", cells(rolls, parents))
            note("two of nine children", apart(rolls))
            note("silent children", float((~rolls.any(axis=(1, 2))).sum()))
    for name in SONGS:
        bred = breeding(0)
        bred.begin(melodies=[find_song(name).roll[: bred.task.steps]])
        note("child of an imitation and the song", from_parents(bred.rolls[0][1:], bred.rolls[0][:1]))
    for name, values in found.items():
        print(f"{name:<36} mean {np.mean(values):.3f}, {np.min(values):.3f} to {np.max(values):.3f}")


if __name__ == "__main__":
    main()
