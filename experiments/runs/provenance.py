"""Provenance of a run: its start time and versions."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("kuznechik", "neat-python", "gymnasium", "numpy", "mido", "matplotlib", "torch", "safetensors", "box2d")


def provenance() -> dict[str, Any]:
    """Return the current time, commit, versions and platform as plain data."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "versions": installed_versions(),
        "platform": platform.platform(),
    }


def installed_versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages we use; None for one that is not installed."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def _commit() -> str | None:
    """Return the commit of the running source; None if it is not a git checkout."""
    try:
        shown = subprocess.run(
            ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.strip() if shown.returncode == 0 else None
