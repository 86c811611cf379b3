"""A blind listening test: pairs of melodies, where the question is which is the human's, or which is better.

    human   a human's and a machine's melody: which one is the human's? Guessing is right half of the time.
    better  two machines' melodies: which one is better? A taste can be learned from the answers.

Conventions: both melodies of a pair are cut to the same number of bars and played alike: same instrument, tempo and
    loudness, each note held until the next. Melodies in a page are in eighth notes and keys from C4.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from experiments.options import UsageError
from experiments.runs.source import Source, shortened
from listener.description import longest_shared_run
from songs.keyboard import LOWEST_PITCH, STEPS_PER_BAR, STEPS_PER_BEAT
from songs.piano_roll import onsets_from_roll
from songs.song import Song

HUMAN, BETTER = "human", "better"
QUESTIONS = (HUMAN, BETTER)
EXPERIENCE = (
    ("none", "none or hardly any"),
    ("some", "I play or sing for pleasure"),
    ("trained", "I was trained in music"),
)
"""Answers about a listener's musical experience: the name in the file, and the text of the button."""
KNOWN = 0.5
"""Share of a melody within one passage of another melody above which they count as the same."""
KNOWN_STEPS = 32
"""Minimum length of such a passage, or the whole of a shorter melody: half of four bars may match by chance."""
ROUNDS = 100
"""Maximum number of rounds in which all melodies are paired again."""


@dataclass(frozen=True, eq=False)
class Melody:
    """A melody of the test."""

    group: str
    """Its source, as named in the analysis."""
    song: Song

    @property
    def content(self) -> tuple:
        """A value that is equal for melodies that sound the same."""
        steps, notes = _notes(self.song)
        return steps, tuple(map(tuple, notes))


def melodies_of(source: Source, steps: int) -> list[Melody]:
    """Return the melodies of a source, each in whole bars and at most `steps` eighth notes long."""
    return [Melody(source.name, _cut(song, steps)) for song in source.songs]


def _cut(song: Song, steps: int) -> Song:
    """Return the opening of a song, at most `steps` eighth notes."""
    return shortened(song, steps * song.grid.steps_per_quarter // STEPS_PER_BEAT or 1)


def different(melodies: Sequence[Melody]) -> list[Melody]:
    """Return the melodies without those that sound like an earlier one."""
    found: dict[tuple, Melody] = {}
    for melody in melodies:
        found.setdefault(melody.content, melody)
    return list(found.values())


def without_known(melodies: Sequence[Melody], known: Sequence[Song]) -> tuple[list[Melody], list[str]]:
    """Leave out melodies of which half or more is a passage of a known song, in any key, unless all are.

    Returns:
        The other melodies, and a line about those left out for each source.
    """
    rolls = [song.roll for song in known]
    same = [_is_known(each.song.roll, rolls) for each in melodies]
    if melodies and all(same):
        line = "the machine's melodies equal human ones or songs that it learned, so nothing can be told apart"
        return list(melodies), [line]
    names = [melody.group for melody, out in zip(melodies, same, strict=True) if out]
    lines = [
        f"{name}: {names.count(name)} of {sum(each.group == name for each in melodies)} melodies are left out, because "
        "they equal human ones or songs that it learned"
        for name in dict.fromkeys(names)
    ]
    return [melody for melody, out in zip(melodies, same, strict=True) if not out], lines


def _is_known(roll: np.ndarray, known: Sequence[np.ndarray]) -> bool:
    sounds = np.flatnonzero(roll.any(axis=1))
    if not len(sounds):
        return False
    span = int(sounds[-1] - sounds[0]) + 1
    return longest_shared_run(roll, known) >= max(KNOWN * span, min(span, KNOWN_STEPS))


def pairs_of_both(humans: Sequence[Melody], machines: Sequence[Melody], pairs: int, seed: int) -> list[dict]:
    """Return pairs of a human's and a machine's melody in random order; no melody is used twice, so pairs may be fewer.

    Raises:
        UsageError: A side has no melody.
    """
    for side, melodies in (("human", humans), ("machine", machines)):
        if not melodies:
            raise UsageError(f"no {side} melody is left for the test: name others with --{side}")
    random, chosen = np.random.default_rng(seed), []
    humans, machines = ([melodies[i] for i in random.permutation(len(melodies))] for melodies in (humans, machines))
    for human, machine in list(zip(humans, machines, strict=False))[:pairs]:
        first = int(random.integers(2))
        both = [machine, human] if first else [human, machine]
        chosen.append({"group": machine.group, "human": first, "melodies": _alike(both)})
    return chosen


def pairs_of_machines(melodies: Sequence[Melody], pairs: int, seed: int) -> list[dict]:
    """Return pairs of machines' melodies in random order; all are used about equally often, and no pair twice.

    Raises:
        UsageError: There are fewer than two melodies.
    """
    if len(melodies) < 2:
        raise UsageError("which is better is asked of two different melodies: name more --machine, or --temperature .5")
    random = np.random.default_rng(seed)
    found: dict[frozenset[int], dict] = {}
    for _ in range(ROUNDS * pairs):
        order = random.permutation(len(melodies)).tolist()
        for one, other in zip(order[::2], order[1::2], strict=False):
            both = [melodies[one], melodies[other]]
            pair = {"groups": [each.group for each in both], "melodies": _alike(both)}
            found.setdefault(frozenset((one, other)), pair)
            if len(found) >= min(pairs, len(melodies) * (len(melodies) - 1) // 2):
                return list(found.values())
    return list(found.values())


def _alike(melodies: Sequence[Melody]) -> list[dict]:
    """Return two melodies for the page, cut to the same number of bars."""
    songs = [melody.song for melody in melodies]
    shortest = min(_notes(song)[0] for song in songs)
    steps = int(max(shortest // STEPS_PER_BAR * STEPS_PER_BAR, min(shortest, STEPS_PER_BAR)))
    cut = [_notes(_cut(song, steps)) for song in songs]
    return [{"steps": steps, "notes": notes} for _, notes in cut]


def _notes(song: Song) -> tuple[float, list[list[float]]]:
    """Return the length of a song, and the onset and key of its notes."""
    eighths = STEPS_PER_BEAT / song.grid.steps_per_quarter
    onsets = onsets_from_roll(song.roll, song.keyboard) - (0, LOWEST_PITCH)
    return song.steps * eighths, [[step * eighths, key] for step, key in onsets.tolist()]


def make_test(name: str, question: str, pairs: Sequence[dict], seconds: float) -> dict:
    """Return the data of a test for its page; `id` is equal only for the same pairs."""
    digest = hashlib.sha256(json.dumps([question, pairs], sort_keys=True).encode()).hexdigest()[:16]
    return {"name": name, "id": digest, "question": question, "seconds": seconds, "pairs": list(pairs)}


def too_few(melodies: Sequence[Melody], pairs: int, wanted: int) -> list[str]:
    """Return warnings if the machines' melodies are all the same, or if there are fewer pairs than requested."""
    if len(melodies) == 1:
        more = "name more --machine, or let networks sample with --temperature .5"
        return [f"the machine's melodies are all the same, so one answer decides all pairs: {more}"]
    if pairs < wanted:
        return [f"{pairs} pairs of different melodies instead of {wanted}: there are no more"]
    return []
