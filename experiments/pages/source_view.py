"""The part of a report on a source other than a run: its melodies, with sound."""

import shlex
from collections.abc import Sequence
from typing import Any

from experiments.pages.roll_view import key_roll
from experiments.runs.source import Source
from songs.song import Song

MOST_MELODIES = 16
"""Maximum number of melodies shown for a source."""


def source_view(source: Source, command: Sequence[str]) -> dict[str, Any]:
    """Return the page's content for a source as plain data; `command` writes the page again."""
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
    """Return the page's content for groups of melodies that do not belong to a run.

    Args:
        heading: Title of the page.
        search: Description of what plays.
        state: Description of how much is shown.
        groups: Title, text and melodies of each group.
        command: The command that writes the page again.
        changes: What was changed in the files.
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
    """Return a song for the page, with the label of its button and the text below it."""
    return {
        "parts": {"played": label},
        "text": text,
        "legend": {"played": f"keys played {int(song.roll.sum())}"},
        "roll": key_roll({"played": song.roll}, {"played": song.roll}, 0, song),
    }
