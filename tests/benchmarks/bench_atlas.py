"""An atlas beside what else fills a map for the same CPU seconds: restarts of NEAT, and draws of the prior.

    python tests/benchmarks/bench_atlas.py --seconds 75 --seeds 41,42,43 --midi FOLDER --midi FOLDER [--json]

Each gets the same CPU seconds of one core, and everything that it played goes into the map of the atlas: a cell keeps
what earns most. The restarts are five runs of NEAT beside the same prior, one after the other, with seeds of their own;
`alone`: without the prior. The row `champions` is what the champions of these restarts fill. The draws go on from the
same prompt as the networks do. The judge is asked about the cells at the end.

Conventions: `qd_above_median` is a QD score that counts what is better than the median real melody. Coverage is the
share of the cells that real melodies of the folders fill; without folders, of all cells.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch

from agents.dqn.prior import sample
from agents.neat.map_elites import Cell, MelodyMap
from agents.prior import FollowedPrior, keys_of
from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import make_cases, resolve
from experiments.runs.evolve.atlas import melody_map
from experiments.runs.evolve.searches import make_search
from experiments.runs.folder import RunFolder
from experiments.runs.improvise import Improvising, improvising_of_run
from experiments.runs.starts import choose_starts
from listener.corpus import read_music, rolls_of
from listener.files import read_judge

RESTARTS = 5
MEDIAN = -0.62
"""Reward after the first bar of the median real melody of 16 bars, by the listener `learned`."""
DRAWN = 200
"""Melodies that are drawn at once."""

Played = tuple[np.ndarray, np.ndarray]
"""Rolls (N, T, K) and their qualities (N,)."""


def configured(seed: int, prior: str = "melody") -> EvolveConfig:
    """Return the configuration of `kuznechik evolve grasshopper --listener learned` beside a prior, or `none`."""
    config = EvolveConfig.load("improvise").change("improvise", listener="learned", prior=prior)
    return config.change("evolve", seed=seed)


def improvising_of(config: EvolveConfig) -> tuple[Improvising, EvolveConfig]:
    """Return the task of a configuration, and the configuration with all that is settled."""
    config, songs = resolve(config)
    starts = choose_starts(config.task, config.improvise.starts, songs)
    prior = config.improvise.prior
    return improvising_of_run(RunFolder("."), config.improvise, starts, config.task.memory, songs, prior), config


def evolved(config: EvolveConfig, seconds: float) -> Iterator[Played]:
    """Yield what the networks of a search play, generation by generation, for so many CPU seconds."""
    improvising, config = improvising_of(config)
    cases, end = make_cases(config, [improvising.song]), time.process_time() + seconds
    with (
        tempfile.TemporaryDirectory() as folder,
        make_search(config, [improvising.song], cases, Path(folder), improvising=improvising) as search,
    ):
        while time.process_time() < end:
            members = list(search.population.population.values())
            search.step()
            members = list(getattr(search, "elites", {}).values()) or members
            yield np.array([one.played[0] for one in members]), -np.array([one.loss for one in members])


def restarted(seed: int, seconds: float, prior: str = "melody") -> Iterator[list[Played]]:
    """Yield what the networks of several runs of NEAT play, generation by generation, run after run."""
    for restart in range(RESTARTS):
        yield list(evolved(configured(1000 * seed + restart, prior), seconds / RESTARTS))


def champions(runs: list[list[Played]]) -> Iterator[Played]:
    """Yield what the champion of each run plays."""
    for run in runs:
        rolls, qualities = max(run, key=lambda played: played[1].max())
        yield rolls[[qualities.argmax()]], qualities[[qualities.argmax()]]


def drawn(seed: int, seconds: float) -> Iterator[Played]:
    """Yield melodies that are drawn from the prior."""
    improvising, _ = improvising_of(configured(seed))
    starts, random, end = improvising.starts, np.random.default_rng(seed), time.process_time() + seconds
    given, keys = starts.prompts.shape[1:]
    while time.process_time() < end:
        rolls = np.zeros((DRAWN, starts.steps, keys), dtype=bool)
        rolls[:, :given] = starts.prompts[0]
        followed = FollowedPrior(improvising.prior, rolls[:, :given])
        for step in range(given, starts.steps):
            rolls[:, step] = keys_of(sample(followed.weighted(np.zeros((DRAWN, keys))), random), keys)
            followed.add(rolls[:, step])
        yield rolls, improvising.listener.rewards(rolls)[:, given:].sum(axis=1, dtype=np.float64)


def filled(played: Iterator[Played], melodies: MelodyMap) -> dict[Cell, tuple[float, np.ndarray]]:
    """Return the best quality and roll of every cell that is filled by what is played."""
    best: dict[Cell, tuple[float, np.ndarray]] = {}
    for rolls, qualities in played:
        for cell, quality, roll in zip(melodies.cells_of(rolls[:, None]), qualities.tolist(), rolls, strict=True):
            if cell not in best or quality > best[cell][0]:
                best[cell] = quality, roll
    return best


def figures(best: dict[Cell, tuple[float, np.ndarray]], real: set[Cell], worst: float) -> dict[str, float]:
    """Return the figures of a map."""
    qualities = np.array([quality for quality, _ in best.values()])
    ranks = read_judge().percentiles(np.array([roll for _, roll in best.values()]))
    return {
        "cells": len(best),
        "coverage": len(real & best.keys()) / len(real),
        "qd_score": float(np.maximum(qualities - worst, 0).sum()),
        "qd_above_median": float(np.maximum(qualities - MEDIAN, 0).sum()),
        "quality": float(np.median(qualities)),
        "judge": float(np.median(ranks)),
        "below_15": int((ranks < 15).sum()),
    }


def real_cells(folders: list[Path], melodies: MelodyMap) -> set[Cell]:
    """Return the cells that real melodies of 16 bars fill; without folders all cells."""
    if not folders:
        return {(first, second) for first in range(melodies.cells) for second in range(melodies.cells)}
    rolls = rolls_of(read_music(folders).songs.training.melodies)
    return set(melodies.cells_of(rolls[:, None]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=75.0, help="CPU seconds of each [75]")
    parser.add_argument("--seeds", default="41,42,43", help="between commas [41,42,43]")
    parser.add_argument("--only", default="atlas,restarts,alone,draws", help="what is measured [all four]")
    parser.add_argument("--midi", action="append", type=Path, default=[], help="a folder of real melodies")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each map")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = EvolveConfig().map_elites
    melodies = melody_map(settings)
    real = real_cells(options.midi, melodies)

    def show(seed: int, name: str, played: Iterator[Played]) -> None:
        row = figures(filled(played, melodies), real, settings.worst)
        shown = f"{seed} {name}: " + ", ".join(f"{key} {value:.4g}" for key, value in row.items())
        print(json.dumps({"seed": seed, "kind": name, **row}) if options.json else shown, flush=True)

    print(f"{len(real)} of {melodies.cells**2} cells are filled by real melodies")
    for seed in map(int, options.seeds.split(",")):
        for name in options.only.split(","):
            if name == "atlas":
                atlas = configured(seed).change("evolve", algorithm="map_elites")
                show(seed, name, evolved(atlas, options.seconds))
            elif name == "draws":
                show(seed, name, drawn(seed, options.seconds))
            else:
                runs = list(restarted(seed, options.seconds, "none" if name == "alone" else "melody"))
                show(seed, name, chain.from_iterable(runs))
                show(seed, f"champions of {name}", champions(runs))


if __name__ == "__main__":
    main()
