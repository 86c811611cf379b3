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
        "melodies": [song_melody(song, song.title or song.name) for song in shown],
    }
    state = f"{len(source.songs)} melod{'y' if len(source.songs) == 1 else 'ies'}"
    return plain_view(source.name, source.what or source.name, state, [group], command, "; ".join(source.remarks))


def plain_view(
    heading: str, search: str, state: str, groups: list[dict[str, Any]], command: Sequence[str], changes: str = ""
) -> dict[str, Any]:
    """Return the content of the page for groups of melodies that are not of a run.

    Args:
        heading: title of the page.
        search: what plays, in words.
        state: how much of it there is, in words.
        groups: title, text and melodies of each.
        command: writes the page again.
        changes: what was changed in the files.
    """
    return {
        "folder": heading,
        "heading": heading,
        "search": search,
        "state": state,
        "scores": [],
        "changes": changes,
        "songs": [],
        "groups": groups,
        "pictures": [],
        "missing": [],
        "facts": {},
        "command": shlex.join(command),
        "config": "",
        "versions": {},
        "started": None,
        "commit": None,
    }


def song_melody(song: Song, label: str, text: str = "") -> dict[str, Any]:
    """Return a song for the page, with the label of its button and a text below it."""
    return {
        "parts": {"played": label},
        "text": text,
        "legend": {"played": f"keys played {int(song.roll.sum())}"},
        "roll": key_roll({"played": song.roll}, {"played": song.roll}, 0, song),
    }
