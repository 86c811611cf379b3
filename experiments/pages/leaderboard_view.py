"""The page of a leaderboard: what every performer played, with its percentile by the held-out judge."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.pages.source_view import plain_view, song_melody
from experiments.runs.source import REAL, Source

SHOWN = 3
"""Number of melodies shown per performer, the first ones."""


def leaderboard_view(
    rows: Sequence[Mapping[str, Any]], entries: Sequence[Source], command: Sequence[str]
) -> dict[str, Any]:
    """Return the content of the page in the order of the rows, without performers that play nothing.

    Args:
        rows: As returned by `experiments.studies.leaderboard.judge`.
        entries: The performers.
        command: The command that writes the page again.
    """
    sources = {entry.name: entry for entry in entries if any(song.roll.any() for song in entry.songs)}
    groups = [_group(row, sources[row["name"]]) for row in rows if row["name"] in sources]
    return plain_view(
        "Leaderboard", "Performers compared with real songs", f"{len(groups)} performers", groups, command
    )


def _group(row: Mapping[str, Any], entry: Source) -> dict[str, Any]:
    """Return a performer: its figures and some of its melodies."""
    melodies = []
    for number, song in enumerate(entry.songs[:SHOWN], start=1):
        text = f"percentile {row['percentiles'][number - 1]:.0f}" if "percentiles" in row else ""
        name = song.title or song.name if entry.name == REAL else f"{entry.name} {number}"
        melodies.append(song_melody(song, name, text))
    return {"title": f"{row['name']}: {entry.what}", "text": _figures(row), "melodies": melodies}


def _figures(row: Mapping[str, Any]) -> str:
    """Return the figures of a row as text."""
    rewards = ", ".join(f"{value['mean']:.3f} by {name}" for name, value in row["rewards"].items())
    text = f"Reward per step: {rewards}."
    if "percentile" not in row:
        return text
    middle = row["percentile"]
    between = "" if middle["low"] is None else f" ({middle['low']:.0f} to {middle['high']:.0f})"
    what = "Percentile" if row["melodies"] == 1 else f"Median percentile of {row['melodies']} melodies"
    return f"{what} among real melodies, by the held-out judge: {middle['median']:.0f}{between}. {text}"
