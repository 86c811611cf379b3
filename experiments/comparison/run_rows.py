"""Lists of runs as rows of columns, filtered by conditions and sorted."""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.comparison.run_list import ListedRun
from experiments.options import UsageError

COMPARISONS: dict[str, Callable[[float, float], bool]] = {"<": operator.lt, ">": operator.gt}
Row = dict[str, Any]


def row_of(run: ListedRun, options: Sequence[str] = (), below: Path | None = None) -> Row:
    """Return the columns of a run, with the given options; its folder is named relative to `below`."""
    path, summary = run.folder.path, run.summary
    return {
        "run": str(path.relative_to(below) if below and path.is_relative_to(below) else path),
        "kind": run.kind,
        "song": run.song,
        "algorithm": run.algorithm,
        "seed": run.seed,
        "state": run.state,
        "solved": summary.get("solved"),
        "right": run.right,
        "ceiling": summary.get("ceiling"),
        "reward": run.reward,
        "loss": run.loss,
        "env_steps": run.env_steps,
        "cpu_seconds": summary.get("cpu_seconds"),
        "started": run.started,
        **{name: run.options.get(name) for name in options},
    }


def result_of(row: Row) -> str | None:
    """Return a description of the champion's result; None if it has none."""
    if row["right"] is not None:
        return f"{row['right']} of {row['ceiling']}"
    for name in ("reward", "loss"):
        if row[name] is not None:
            return f"{name} {row[name]:.3f}"
    return None


def fits(row: Row, conditions: Iterable[str]) -> bool:
    """Return True if a row meets all conditions; raise UsageError for an invalid one."""
    return all(_fits(row, condition) for condition in conditions)


def _fits(row: Row, condition: str) -> bool:
    parts = re.fullmatch(r"\s*([\w.]+)\s*(!=|=|<|>)\s*(.*?)\s*", condition, re.DOTALL)
    if not parts:
        raise UsageError(f"--where {condition}: write COLUMN=VALUE, as in --where song=grasshopper")
    name, sign, wanted = parts.groups()
    value = row[column(row, name)]
    if sign in COMPARISONS:
        try:
            bound = float(wanted)
        except ValueError:
            raise UsageError(f"--where {condition}: {wanted} is not a number") from None
        return isinstance(value, int | float) and COMPARISONS[sign](value, bound)
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return fnmatch.fnmatchcase(text, wanted) == (sign == "=")


def sorted_rows(rows: list[Row], name: str) -> list[Row]:
    """Return rows sorted by a column: numbers, then texts, then missing values; raises UsageError."""

    def key(row: Row) -> tuple:
        value = row[column(row, name)]
        return value is None, isinstance(value, str), value if value is not None else 0

    return sorted(rows, key=key)


def column(row: Row, name: str) -> str:
    """Return the full name of a column; raise UsageError if it does not exist."""
    if name not in row:
        raise UsageError(f"no column {name}; the columns are {', '.join(row)}")
    return name
