"""The result of a run without the time that it took, which differs from one run to the next."""

import csv
import json
from pathlib import Path


def metrics(run: Path) -> list[dict]:
    """Return the rows of metrics.csv."""
    with (run / "metrics.csv").open() as file:
        return [{name: row[name] for name in row if name != "cpu_seconds"} for row in csv.DictReader(file)]


def summary(run: Path) -> dict:
    """Return the content of summary.json."""
    content = json.loads((run / "summary.json").read_text())
    return {name: value for name, value in content.items() if not name.endswith("_seconds")}
