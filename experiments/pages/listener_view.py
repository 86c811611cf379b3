"""The content of a report for the run of a listener: its figures, the picture of its training, its configuration."""

from typing import Any

from experiments.pages.page import picture, provenance
from experiments.plots.listener_training import PICTURE
from experiments.plots.picture import read_summary
from experiments.plots.run import draw_run
from experiments.runs.folder import RunFolder
from experiments.runs.lifecycle import read_config

FACTS = ("pieces", "excerpts", "seed", "steps", "cpu_seconds", "wall_seconds")


def listener_view(folder: RunFolder) -> dict[str, Any]:
    """Return the content of the page for a listener's run, as plain data."""
    config, meta = read_config(folder), folder.read_meta()
    summary = read_summary(folder)
    figures, missing = draw_run(folder)
    return {
        "heading": "Held-out judge" if config.is_judge else f"Listener, kind {config.listener.kind}",
        "search": f"Trained on {', '.join(path.name for path in config.data.folders)}",
        "state": str(summary.get("stopped", "still running, or killed")),
        "scores": [],
        "songs": [],
        "groups": [],
        "pictures": [{"caption": PICTURE.caption, "data": picture(one)} for one in figures.values()],
        "missing": missing,
        "facts": {name.replace("_", " "): summary[name] for name in FACTS if name in summary},
        **provenance(folder, meta, [meta.get("command", [])]),
    }
