"""Ablations: the same experiment with one thing changed at a time, several seeds each.

A file of an ablation is TOML: `seeds`, `[base.SECTION]` with what differs from the defaults, and `[variants]`
with a list of settings, as `--set` takes them, by name.

Intervals are percentile bootstrap intervals of the median, 95%. A run that is not solved counts with all the
evaluations of its budget: where that is more than half of the runs, the median is a lower bound and marked.
"""

import tempfile
import time
from collections.abc import Generator, Sequence
from concurrent.futures import BrokenExecutor, as_completed
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from agents.neat.worker_pool import WorkerPool
from experiments.config.evolve import EvolveConfig
from experiments.config.settings import ConfigError, parse_toml, read_toml_text
from experiments.options import RunStopped
from experiments.runs.assembly import make_cases, resolve
from experiments.runs.searches import make_search

RESAMPLES = 10_000


@dataclass(frozen=True)
class Ablation:
    """Variants of an experiment, to be compared."""

    seeds: int
    variants: dict[str, EvolveConfig]


@dataclass(frozen=True)
class Outcome:
    """Result of one run."""

    variant: str
    seed: int
    solved: bool
    right: int
    cases: int
    evaluations: int
    cpu_seconds: float
    connections: int
    species: float
    """Median number of living species over the generations."""


def ablations_folder() -> Path:
    """Return the folder of the ablations that come with the project."""
    return Path(str(files("experiments"))) / "ablations"


def read_ablation(path: Path) -> Ablation:
    """Read an ablation's file; raises ConfigError."""
    try:
        content = parse_toml(read_toml_text(path))
        unknown = set(content) - {"seeds", "base", "variants"}
        if unknown:
            raise ConfigError(f"unknown key {sorted(unknown)[0]}: there are seeds, base and variants")
        base = EvolveConfig()
        for section, values in content.get("base", {}).items():
            base = base.change(section, **values)
        variants = {}
        for name, settings in content["variants"].items():
            config = base
            for setting in settings:
                config = config.apply(setting)
            variants[name] = config
        seeds = int(content.get("seeds", 10))
        if seeds < 1 or not variants:
            raise ConfigError("it needs at least one seed and one variant")
        return Ablation(seeds, variants)
    except FileNotFoundError:
        names = ", ".join(sorted(each.stem for each in ablations_folder().glob("*.toml")))
        raise ConfigError(f"{path}: no such file or ablation; there are {names}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except KeyError as error:
        raise ConfigError(f"{path}: [{error.args[0]}] is missing") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from None


def run_ablation(ablation: Ablation, seeds: Sequence[int], workers: int = 1) -> Generator[Outcome, None, None]:
    """Run every variant with every seed and yield the outcomes: by variant and seed, or with workers as they end."""
    jobs = [(name, config, seed) for name, config in ablation.variants.items() for seed in seeds]
    if workers <= 1:
        yield from (run_one(*job) for job in jobs)
        return
    # one folder for the files of all workers: workers that are ended at once leave theirs behind
    with tempfile.TemporaryDirectory() as folder:
        pool = WorkerPool(workers, _write_in, (folder,))
        try:
            yield from (done.result() for done in as_completed([pool.submit(run_one, *job) for job in jobs]))
        except BrokenExecutor:
            raise RunStopped(
                "a worker was killed, or had not enough memory: begin again, with fewer --workers"
            ) from None
        finally:
            pool.end_at_once()


def _write_in(folder: str) -> None:
    tempfile.tempdir = folder


def run_one(variant: str, config: EvolveConfig, seed: int) -> Outcome:
    """Run one variant with one seed until solved or until its budget of generations is used."""
    config, songs = resolve(config.change("evolve", seed=seed))
    cases = make_cases(config, songs)
    start = time.process_time()
    species, best = [], 0
    with tempfile.TemporaryDirectory() as folder, make_search(config, songs, cases, Path(folder)) as search:
        while not search.solved and search.generation < config.evolve.generations:
            row = search.step()
            species.append(len(row.species))
            best = max(best, row.best_right)
        champion = search.champion
        assert champion is not None, "a run has at least one generation"
        _, connections = champion.size()
        return Outcome(
            variant=variant,
            seed=seed,
            solved=search.solved,
            right=best,
            cases=len(cases),
            evaluations=search.evaluations,
            cpu_seconds=round(time.process_time() - start, 3),
            connections=connections,
            species=float(np.median(species)),
        )


def summarise(outcomes: Sequence[Outcome]) -> list[dict]:
    """Return a row of medians for every variant, with the interval of the evaluations."""
    rows = []
    for variant in dict.fromkeys(outcome.variant for outcome in outcomes):
        runs = [outcome for outcome in outcomes if outcome.variant == variant]
        solved = sum(outcome.solved for outcome in runs)
        low, high = bootstrap_interval([outcome.evaluations for outcome in runs])
        rows.append(
            {
                "variant": variant,
                "solved": solved,
                "runs": len(runs),
                "right": float(np.median([outcome.right for outcome in runs])),
                "cases": runs[0].cases,
                "evaluations": float(np.median([outcome.evaluations for outcome in runs])),
                "evaluations_low": low,
                "evaluations_high": high,
                "lower_bound": 2 * solved <= len(runs),
                "cpu_seconds": float(np.median([outcome.cpu_seconds for outcome in runs])),
                "connections": float(np.median([outcome.connections for outcome in runs])),
                "species": float(np.median([outcome.species for outcome in runs])),
            }
        )
    return rows


def bootstrap_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95% percentile bootstrap interval of the median; the same values give the same interval."""
    resampled = np.random.default_rng(0).choice(np.asarray(values, dtype=float), (RESAMPLES, len(values)))
    low, high = np.percentile(np.median(resampled, axis=1), (2.5, 97.5))
    return float(low), float(high)


def markdown(rows: Sequence[dict]) -> str:
    """Return the summary as a Markdown table."""
    lines = [
        "| variant | solved | steps right | evaluations (95% interval) | CPU s | connections | species |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        more = "> " if row["lower_bound"] else ""
        lines.append(
            f"| {row['variant']} | {row['solved']} of {row['runs']} | {row['right']:g} of {row['cases']} "
            f"| {more}{row['evaluations']:,.0f} ({row['evaluations_low']:,.0f} to {row['evaluations_high']:,.0f}) "
            f"| {row['cpu_seconds']:.1f} | {row['connections']:g} | {row['species']:g} |"
        )
    return "\n".join(lines) + "\n"
