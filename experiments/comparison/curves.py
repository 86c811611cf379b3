"""Learning curves of runs, in groups: results over costs.

Conventions: P points of a curve, N runs of a group, G points of a grid. Costs increase. A run that ended solved keeps
its result; a run that used up its budget is unknown beyond it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.comparison.run_list import ListedRun, differing_options
from experiments.options import UsageError
from experiments.runs.folder import RunError

AXES = {
    "steps": "environment steps",
    "evaluations": "networks evaluated",
    "generations": "generations",
    "cpu": "CPU seconds",
}
COLUMNS = {
    "right": ("best_right", "right_teacher_forced"),
    "reward": ("reward_a_step", "greedy_reward", "champion_return"),
    "loss": ("loss", "best_fitness"),
}
"""Columns of metrics.csv for each measure; the first one present is used. The loss is minus the fitness."""
TRAININGS = ("vae", "listener")
"""Kinds of runs whose steps are training steps, not environment steps."""
UNDRAWABLE = 1e100
"""Numbers at or beyond this are taken as a sign of a broken table."""
POINTS = 100
"""Points of a grid; more would not be visible."""
LOGARITHMIC_FROM = 10
"""Ratio of the groups' median costs above which the cost axis is logarithmic."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The curve of a run over its cost."""

    run: ListedRun
    x: np.ndarray
    """(P,) cost."""
    y: np.ndarray
    """(P,) measure."""

    @property
    def solved(self) -> bool:
        return bool(self.run.summary.get("solved"))

    @property
    def cost(self) -> float:
        """Cost at which a solved run reached its result; for other runs, their total cost."""
        return float(self.x[np.argmax(self.y)] if self.solved else self.x[-1])

    def on(self, grid: np.ndarray) -> np.ndarray:
        """Return the latest value at each cost, (G,); before the first point, its value."""
        return self.y[np.maximum(np.searchsorted(self.x, grid, side="right") - 1, 0)]


@dataclass(frozen=True, eq=False)
class Group:
    """Runs that differ in their seeds, or in options that are not grouped by."""

    label: str
    curves: Sequence[Curve]

    @cached_property
    def ended(self) -> list[Curve]:
        """The runs that ended by themselves; only these are counted in statistics."""
        return [curve for curve in self.curves if curve.run.ended]

    @property
    def by_song(self) -> list[list[Curve]]:
        """The runs that ended, by song: the strata of the bootstrap."""
        songs = dict.fromkeys(curve.run.song for curve in self.ended)
        return [[curve for curve in self.ended if curve.run.song == song] for song in songs]

    @property
    def known(self) -> tuple[float, float]:
        """Range of costs in which all runs that ended have a value."""
        unsolved = [curve.x[-1] for curve in self.ended if not curve.solved]
        end = min(unsolved) if unsolved else max(curve.x[-1] for curve in self.ended)
        return max(curve.x[0] for curve in self.ended), float(end)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Groups of runs with a common measure."""

    groups: Sequence[Group]
    axis: str
    """A key of `AXES`."""
    measure: str
    """A key of `COLUMNS`."""
    lines: Mapping[str, float]
    """Reference values by name: always rest, ceiling."""
    normalised: bool
    """True if 0 is always rest and 1 the ceiling of each song."""
    left_out: Sequence[ListedRun]
    """Runs without figures for this axis and measure."""

    @property
    def x_label(self) -> str:
        kinds = {curve.run.kind for group in self.groups for curve in group.curves}
        return "training steps" if self.axis == "steps" and kinds & set(TRAININGS) else AXES[self.axis]

    @property
    def y_label(self) -> str:
        if self.normalised:
            return "steps right, 0: always rest, 1: ceiling"
        rewarded = f"{self.reward_name}, best so far"
        return {"right": "steps right, best so far", "reward": rewarded, "loss": "loss"}[self.measure]

    @property
    def reward_name(self) -> str:
        """Name of the reward: a mean over steps for improvisations, over episodes for an environment."""
        act = {_acts(curve.run) for group in self.groups for curve in group.curves}
        return {frozenset({True}): "mean return", frozenset({False}): "reward per step"}.get(
            frozenset(act), "reward per step, or mean return"
        )

    @property
    def solvable(self) -> bool:
        """True if its runs can be solved: they memorise, or act in an environment with a target return."""
        runs = [curve.run for group in self.groups for curve in group.curves]
        return self.measure == "right" or (self.measure == "reward" and all(map(_solved_at, runs)))

    def grid(self) -> tuple[np.ndarray, bool]:
        """Return costs (G,) that cover all curves, and True if they are spaced geometrically."""
        curves = [curve for group in self.groups for curve in group.curves]
        medians = [np.median([curve.x[-1] for curve in group.curves]) for group in self.groups]
        first, last = min(curve.x[0] for curve in curves), max(curve.x[-1] for curve in curves)
        if max(medians) >= LOGARITHMIC_FROM * min(medians) and first > 0:
            return np.geomspace(first, last, POINTS), True
        return np.linspace(first, last, POINTS), False


def compare(
    runs: Sequence[ListedRun], by: Sequence[str] = (), axis: str = "steps", measure: str | None = None
) -> Comparison:
    """Read the curves of runs and group them.

    Args:
        runs: The runs to compare.
        by: Properties to group by: kind, song, algorithm, folder, or an option; if empty, those that differ.
        axis: A key of `AXES`.
        measure: A key of `COLUMNS`; None: rewards if all runs improvise, the loss for trainings, else steps right.

    Raises:
        UsageError: The runs cannot be compared.
    """
    kinds = {run.kind for run in runs if run.kind}
    trainings = kinds & set(TRAININGS)
    if trainings and len(kinds) > 1:
        raise UsageError(
            f"runs of {', '.join(sorted(kinds))} have no common figures: choose one, as in --where kind=evolve"
        )
    improvise = all(_improvises(run) for run in runs if run.kind)
    measure = measure or ("loss" if trainings else "reward" if improvise else "right")
    curves = [curve for run in runs if (curve := _read(run, axis, measure))]
    if not curves:
        raise UsageError(f"none of the {len(runs)} runs has figures of {measure} over {AXES[axis]}")
    with_curve = {curve.run for curve in curves}
    lines, normalised = _baselines(curves) if measure == "right" else (_rewards(curves, measure), False)
    curves = [_normalised(curve) for curve in curves] if normalised else curves
    groups = _grouped(curves, by or _what_differs([curve.run for curve in curves]))
    return Comparison(groups, axis, measure, lines, normalised, [run for run in runs if run not in with_curve])


def _improvises(run: ListedRun) -> bool:
    return run.reward is not None or bool(run.options.get("improvise.listener")) or _acts(run)


def _acts(run: ListedRun) -> bool:
    return run.options.get("task.kind") == "environment"


def _solved_at(run: ListedRun) -> float | None:
    """Return the mean return at which a run in an environment is solved; None without one."""
    return run.options.get("environment.solved_at") or None if _acts(run) else None


def _read(run: ListedRun, axis: str, measure: str) -> Curve | None:
    """Return the curve of a run; None if it has no such figures."""
    if measure == "right" and _improvises(run) and not run.options.get("task.mode_bit"):
        return None
    try:
        table = run.folder.read_table("metrics.csv")
    except RunError:
        return None
    column = next((name for name in COLUMNS[measure] if name in table), None)
    with np.errstate(over="ignore"):
        x = cost_of(run, table, axis)
    if column is None or x is None:
        return None
    y = -table[column] if column == "best_fitness" else table[column]
    there = (np.abs(y) < UNDRAWABLE) & (np.abs(x) < UNDRAWABLE)  # False where a loss is missing, or the table broken
    if not there.any():
        return None
    x, y = x[there], y[there]
    return Curve(run, x, y if measure == "loss" else np.maximum.accumulate(y))


def cost_of(run: ListedRun, table: Mapping[str, np.ndarray], axis: str) -> np.ndarray | None:
    """Return the cost of each row of metrics.csv, (P,); None if the run has no such cost."""
    if axis == "cpu":
        return table.get("cpu_seconds")
    if axis == "generations":
        return table["generation"] + 1 if "generation" in table else None
    if axis == "steps" and ("step" in table or "env_steps" in table):
        return table["step"] if "step" in table else table["env_steps"]
    each = 1 if axis == "evaluations" else run.steps_per_evaluation
    return table["evaluations"] * each if each and "evaluations" in table else None


def _baselines(curves: Iterable[Curve]) -> tuple[dict[str, float], bool]:
    """Return the reference lines, and True if they differ between songs, so that results must be normalised."""
    limits = {curve.run.limits for curve in curves}
    if len(limits) > 1:
        return {"always rest": 0.0, "ceiling": 1.0}, True
    rest, ceiling = limits.pop()
    found = {"always rest": rest, "ceiling": ceiling}
    return {name: float(value) for name, value in found.items() if value is not None}, False


def _rewards(curves: Sequence[Curve], measure: str) -> dict[str, float]:
    """Return the rewards of baselines by name, and the return that solves an environment, if all runs agree."""
    to_reach = {_solved_at(curve.run) for curve in curves}
    if measure == "reward" and len(to_reach) == 1 and (value := to_reach.pop()):
        return {"solved at": value}
    found = [curve.run.summary.get("baselines_a_step") for curve in curves]
    known = [baselines for baselines in found if baselines]
    agree = measure == "reward" and known and all(baselines == known[0] for baselines in known)
    return {name.replace("_", " "): value for name, value in known[0].items()} if agree else {}


def _normalised(curve: Curve) -> Curve:
    rest, ceiling = curve.run.limits
    rest, ceiling = rest or 0, ceiling or 1
    return Curve(curve.run, curve.x, (curve.y - rest) / max(ceiling - rest, 1))


def _what_differs(runs: Sequence[ListedRun]) -> list[str]:
    """Return the default properties to group by: the parent folders, else all options that differ."""
    if len({run.group for run in runs}) > 1:
        return ["folder"]
    names = [name for name in ("kind", "song", "algorithm") if len({getattr(run, name) for run in runs}) > 1]
    return [*names, *differing_options(runs)]


def _grouped(curves: Sequence[Curve], by: Sequence[str]) -> list[Group]:
    """Return the groups in the order of their first runs; raise UsageError for a property that no run has."""
    groups: dict[str, list[Curve]] = {}
    for curve in curves:
        groups.setdefault(", ".join(_property(curve.run, name, curves) for name in by) or "all runs", []).append(curve)
    return [Group(label, members) for label, members in groups.items()]


def _property(run: ListedRun, name: str, curves: Sequence[Curve]) -> str:
    if name == "folder":
        return run.group
    if name in ("kind", "song", "algorithm", "seed", "state"):
        return str(getattr(run, name))
    if not any(name in curve.run.options for curve in curves):
        raise UsageError(
            f"--by {name}: it must be kind, song, algorithm, folder, seed, state or an option, section.key"
        )
    return f"{name.partition('.')[2]} {run.options.get(name, 'none')}"
