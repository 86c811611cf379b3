"""The content of a report for the run of a listener: its figures, the picture of its training, its configuration."""

import shlex
from typing import Any

from experiments.pages.page import picture
from experiments.plots.listener_training import PICTURE
from experiments.plots.run import draw_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import read_config

FACTS = ("pieces", "excerpts", "seed", "steps", "cpu_seconds", "wall_seconds")


def listener_view(folder: RunFolder) -> dict[str, Any]:
    """Return the content of the page for a listener's run, as plain data."""
    config, meta = read_config(folder), folder.read_meta()
    try:
        summary = folder.read_json("summary.json")
    except RunError:
        summary = {}  # still growing
    figures, missing = draw_run(folder)
    return {
        "heading": "Held-out judge" if config.is_judge else f"Listener, kind {config.listener.kind}",
        "folder": folder.path.name,
        "search": f"Trained on {', '.join(path.name for path in config.data.folders)}",
        "state": str(summary.get("stopped", "still running, or killed")),
        "scores": [],
        "songs": [],
        "groups": [],
        "pictures": [{"caption": PICTURE.caption, "data": picture(one)} for one in figures.values()],
        "missing": missing,
        "facts": {name.replace("_", " "): summary[name] for name in FACTS if name in summary},
        "config": folder.read_text("config.toml"),
        "command": shlex.join(meta.get("command", [])),
        "versions": {name: version for name, version in meta.get("versions", {}).items() if version},
        "started": meta.get("started"),
        "commit": meta.get("commit"),
    }
