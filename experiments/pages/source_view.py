"""The part of a report on a source that is no run: its melodies, with sound."""

import shlex
from collections.abc import Sequence
from typing import Any

from experiments.pages.roll_view import key_roll
from experiments.runs.source import Source
from songs.song import Song

MOST_MELODIES = 16
"""Melodies of a source that are shown."""


def source_view(source: Source, command: Sequence[str]) -> dict[str, Any]:
    """Return the content of the page for a source, as plain data; `command` writes the page again."""
    shown = source.songs[:MOST_MELODIES]
    more = len(source.songs) - len(shown)
    group = {
        "title": "Listen",
        "text": f"{more} more melodies are not shown." if more else "",
        "melodies": [_melody(song) for song in shown],
    }
    return {
        "folder": source.name,
        "heading": source.name,
        "search": source.what or source.name,
        "state": f"{len(source.songs)} melod{'y' if len(source.songs) == 1 else 'ies'}",
        "scores": [],
        "changes": "; ".join(source.remarks),
        "songs": [],
        "groups": [group],
        "pictures": [],
        "missing": [],
        "facts": {},
        "command": shlex.join(command),
        "config": "",
        "versions": {},
        "started": None,
        "commit": None,
    }


def _melody(song: Song) -> dict[str, Any]:
    return {
        "parts": {"played": song.title or song.name},
        "text": "",
        "legend": {"played": f"keys played {int(song.roll.sum())}"},
        "roll": key_roll({"played": song.roll}, {"played": song.roll}, 0, song),
    }
