"""A blind listening test: pairs of a human's and a machine's melody, and the analysis of the answers.

A person who cannot tell them apart is right half of the time. The intervals are Wilson's, 95%; the p-value is that
of the exact two-sided binomial test against 1/2.
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure

from experiments.plots.sheet import STYLE, literal, sheet
from experiments.runs.source import Source, shortened
from songs.files import read_text
from songs.keyboard import LOWEST_PITCH, STEPS_PER_BEAT
from songs.piano_roll import onsets_from_roll
from songs.song import Song

FORMAT = "kuznechik listening test"
LONGEST_NAME = 100
"""Characters of the name of a group that are kept."""
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Melody:
    """A melody of the test."""

    group: str
    """Its source, as the analysis names it."""
    song: Song


def melodies_of(source: Source, steps: int) -> list[Melody]:
    """Return the melodies of a source, each of at most so many eighth notes."""
    return [
        Melody(source.name, shortened(song, steps * song.grid.steps_per_quarter // STEPS_PER_BEAT or 1))
        for song in source.songs
    ]


def draw_pairs(humans: Sequence[Melody], machines: Sequence[Melody], pairs: int, seed: int) -> list[dict]:
    """Return pairs in random order; a melody is repeated only after all others of its kind were used."""
    random = np.random.default_rng(seed)
    chosen = []
    for human, machine in zip(_in_turn(humans, pairs, random), _in_turn(machines, pairs, random), strict=True):
        first = int(random.integers(2))
        melodies = [machine, human] if first else [human, machine]
        chosen.append({"group": machine.group, "human": first, "melodies": [_notes(one.song) for one in melodies]})
    return chosen


def _in_turn(melodies: Sequence[Melody], count: int, random: np.random.Generator) -> list[Melody]:
    rounds = -(-count // len(melodies))
    return [melodies[index] for _ in range(rounds) for index in random.permutation(len(melodies))][:count]


def _notes(song: Song) -> dict:
    """Return a melody for the page, in eighth notes and keys from C4."""
    eighths = STEPS_PER_BEAT / song.grid.steps_per_quarter
    onsets = onsets_from_roll(song.roll, song.keyboard) - (0, LOWEST_PITCH)
    return {"steps": song.steps * eighths, "notes": [[step * eighths, key] for step, key in onsets.tolist()]}


def read_answers(paths: Sequence[str]) -> dict[str, list[bool]]:
    """Return whether each answer was right, by group.

    Raises:
        ValueError: a file holds no answers of a listening test.
    """
    groups = defaultdict(list)
    for path in paths:
        try:
            content = json.loads(read_text(Path(path)))
            if content["format"] != FORMAT or content["version"] != 1:
                raise ValueError(f"its format is {content['format']!r}")
            for answer in content["answers"]:
                if answer["human"] not in (0, 1) or answer["chosen"] not in (0, 1):
                    raise ValueError(f"an answer names a melody other than 0 and 1: {answer!s:.80}")
                groups[str(answer["group"])[:LONGEST_NAME]].append(answer["human"] == answer["chosen"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{path}: no answers of a listening test: {error}") from None
    if not groups:
        raise ValueError(f"{', '.join(paths)}: no answers of a listening test: nothing was answered yet")
    return dict(groups)


def analyse(groups: dict[str, list[bool]]) -> list[dict]:
    """Return a row for every group, and one for all of them if there are several."""
    named = dict(sorted(groups.items()))
    if len(named) > 1:
        named["all"] = [right for answers in groups.values() for right in answers]
    rows = []
    for name, answers in named.items():
        right, count = sum(answers), len(answers)
        low, high = wilson_interval(right, count)
        row = {"group": name, "right": right, "answers": count, "share": right / count, "low": low, "high": high}
        rows.append({**row, "p": binomial_p(right, count)})
    return rows


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95% interval of a share; count is at least 1."""
    share, square = right / count, NORMAL_95**2 / count
    middle = (share + square / 2) / (1 + square)
    half = NORMAL_95 / (1 + square) * math.sqrt(share * (1 - share) / count + square / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def binomial_p(right: int, count: int) -> float:
    """Return the probability of a result at least as far from half by guessing."""
    extreme = max(right, count - right)
    tail = sum(math.comb(count, k) for k in range(extreme, count + 1))
    return min(1.0, 2 * tail / 2**count)


def answers_figure(rows: Sequence[dict]) -> Figure:
    """Draw the share of right answers by group, with intervals, and a line at one half, as by guessing."""
    with style.context(STYLE):
        figure, (axes,) = sheet(8, 1.4 + 0.5 * len(rows), left=2.2, bottom=0.6, top=0.4)
        for line, row in enumerate(rows):
            reach = [[row["share"] - row["low"]], [row["high"] - row["share"]]]
            axes.errorbar(row["share"], line, xerr=reach, fmt="o", color="#0072B2", capsize=4)
        axes.axvline(0.5, color="black", linestyle="--", linewidth=1)
        axes.text(0.5, len(rows) - 0.45, "guessing", ha="center", va="bottom")
        axes.set_yticks(range(len(rows)), [literal(f"{row['group']} ({row['answers']})") for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of right answers, with 95% interval")
        return figure
