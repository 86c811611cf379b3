"""The answers of listening tests: read from files saved by the page, counted, and drawn.

Conventions:
    An answer to *which is the human's* is right or wrong; an answer to *which is better* prefers the melody of one
    group to that of another. Under guessing both happen half of the time. Intervals are Wilson's, 95%; p is
    from the exact two-sided binomial test.
    The same answer in several files counts once, because a listener may save after each pair.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from scipy.stats import binomtest

from experiments.plots.sheet import STYLE, literal, sheet
from experiments.studies.listening_test import BETTER, EXPERIENCE, HUMAN, QUESTIONS
from songs.files import read_text
from songs.keyboard import MOST_KEYS

FORMAT = "kuznechik listening test"
VERSIONS = (1, 2)
"""Version 1 only has the question about the human's, and neither experience nor melodies."""
LONGEST_NAME = 100
"""Maximum number of characters kept of a group's name."""
LONGEST_MELODY = 4096
UNKNOWN = "not said"
TOGETHER = "together"
"""The `by` of rows that count all answers to a question."""


@dataclass(frozen=True)
class Answer:
    """A listener's answer about one pair."""

    question: str
    test: str
    pair: int
    experience: str
    groups: tuple[str, ...]
    """The machine's group, or the groups of both melodies."""
    chosen: int
    human: int = 0
    """Index of the human's melody."""
    melodies: tuple[Any, ...] = ()
    """Plain data of both, if the file has them."""


def read_answers(paths: Sequence[str | Path]) -> list[Answer]:
    """Return the distinct answers in files.

    Raises:
        ValueError: A file contains no answers of a listening test.
        OSError: A file cannot be read.
    """
    answers: dict[tuple, Answer] = {}
    for path in paths:
        try:
            for key, answer in _read(json.loads(read_text(Path(path)))):
                answers.setdefault(key, answer)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: no answers of a listening test: {error!s:.150}") from None
        except (KeyError, TypeError, IndexError):
            raise ValueError(f"{path}: no answers of a listening test: an answer is damaged") from None
    if not answers:
        raise ValueError(f"{', '.join(map(str, paths))}: no answers of a listening test: nothing was answered yet")
    return list(answers.values())


def _read(content: Any) -> Iterable[tuple[tuple, Answer]]:
    """Yield the answers in the content of a file, each with a key that identifies it."""
    if not isinstance(content, dict) or not {"format", "version", "answers"} <= content.keys():
        raise ValueError("it was not saved by the page of a test")
    if content["format"] != FORMAT or content["version"] not in VERSIONS:
        raise ValueError(f"its format is {content['format']!r:.40}, version {content['version']!r:.10}")
    question, test = content.get("question", HUMAN), str(content.get("id", content.get("test", "")))[:LONGEST_NAME]
    if question not in QUESTIONS:
        raise ValueError(f"its question is {question!r:.40}: {' or '.join(QUESTIONS)}")
    known = [name for name, _ in EXPERIENCE]
    experience = content["experience"] if content.get("experience") in known else UNKNOWN
    # files of version 1 have no session, so the answers with their seconds identify it
    session = content["session"] if "session" in content else json.dumps(content["answers"], sort_keys=True)
    for number, answer in enumerate(content["answers"]):
        if not isinstance(answer, dict):
            raise ValueError(f"an answer is {answer!s:.80}")
        pair, chosen, human = answer.get("pair", number), answer["chosen"], answer.get("human", 0)
        names = answer["groups"] if question == BETTER else [answer["group"]]
        if human not in (0, 1) or chosen not in (0, 1) or (question == HUMAN and "human" not in answer):
            raise ValueError(f"an answer names a melody other than 0 and 1: {answer!s:.80}")
        if not isinstance(pair, int) or len(names) != (2 if question == BETTER else 1):
            raise ValueError(f"an answer names no pair: {answer!s:.80}")
        groups = tuple(str(name)[:LONGEST_NAME] for name in names)
        melodies = tuple(answer.get("melodies", ()))
        yield (
            (str(session), test, pair),
            Answer(question, test, pair, experience, groups, int(chosen), int(human), melodies),
        )


def rolls_of(answer: Answer) -> list[np.ndarray]:
    """Return the melodies of an answer, each (T, K) bool in eighths; raise ValueError if it does not have two."""
    if len(answer.melodies) != 2:
        raise ValueError("an answer contains no melodies to learn from")
    rolls = []
    for melody in answer.melodies:
        steps = melody["steps"]
        notes = np.array(melody["notes"], dtype=np.float64).reshape(-1, 2)
        if not isinstance(steps, int) or not 1 <= steps <= LONGEST_MELODY or not np.isfinite(notes).all():
            raise ValueError(f"a melody is broken: {melody!s:.80}")
        at, keys = np.floor(notes).astype(np.int64).T
        if ((at < 0) | (at >= steps)).any() or (len(keys) and np.ptp(keys) >= MOST_KEYS):
            raise ValueError(f"a melody has a note beyond its end or the keyboard: {melody!s:.80}")
        roll = np.zeros((steps, MOST_KEYS), dtype=bool)
        roll[at, keys - keys.min(initial=MOST_KEYS)] = True
        rolls.append(roll)
    return rolls


def analyse(answers: Sequence[Answer]) -> list[dict]:
    """Return rows of counts: for each question, all answers together, by group, by experience and by pair."""
    counts: dict[tuple, list[int]] = defaultdict(lambda: [0, 0])
    several = len({answer.test for answer in answers}) > 1
    for answer in answers:
        for by, name, right in _counted(answer, several):
            count = counts[answer.question, by, name]
            count[0] += right
            count[1] += 1
    order = (TOGETHER, "group", "experience", "pair")
    named = sorted(counts, key=lambda key: (QUESTIONS.index(key[0]), order.index(key[1]), key[2]))
    return [_row(*key, *counts[key]) for key in named]


def _counted(answer: Answer, several: bool) -> Iterable[tuple[str, Any, bool]]:
    """Yield, for each row that counts an answer, its `by`, its name, and True if the answer is right or preferred."""
    pair = (*([answer.test] if several else []), answer.pair + 1)
    if answer.question == BETTER:
        if answer.groups[0] != answer.groups[1]:
            for side, group in enumerate(answer.groups):
                yield "group", (group,), answer.chosen == side
        yield "pair", pair, answer.chosen == 0
        return
    right = answer.chosen == answer.human
    yield TOGETHER, ("all answers",), right
    yield "group", (answer.groups[0],), right
    yield "experience", (answer.experience,), right
    yield "pair", pair, right


def _row(question: str, by: str, name: tuple, right: int, count: int) -> dict:
    row = {"question": question, "by": by, "name": " ".join(map(str, name)), "right": right, "answers": count}
    return row | _share(right, count)


@cache
def _share(right: int, count: int) -> dict[str, float]:
    """Return a share, the ends of its interval, and its p-value."""
    tested = binomtest(right, count)
    low, high = tested.proportion_ci(method="wilson")
    return {"share": right / count, "low": float(low), "high": float(high), "p": float(tested.pvalue)}


def answers_figure(rows: Sequence[dict]) -> Figure:
    """Draw the shares of right or preferred answers, with intervals, and a line at one half for guessing."""
    rows = [row for row in rows if row["by"] != "pair"] or list(rows)
    with style.context(STYLE):
        figure, (axes,) = sheet(8, 1.4 + 0.5 * len(rows), left=2.6, bottom=0.6, top=0.4)
        for line, row in enumerate(rows):
            reach = [[row["share"] - row["low"]], [row["high"] - row["share"]]]
            axes.errorbar(row["share"], line, xerr=reach, fmt="o", color="#0072B2", capsize=4)
        axes.axvline(0.5, color="black", linestyle="--", linewidth=1)
        axes.text(0.5, len(rows) - 0.45, "guessing", ha="center", va="bottom")
        axes.set_yticks(range(len(rows)), [literal(f"{row['name']} ({row['answers']})") for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        asked = {row["question"] for row in rows}
        words = " or ".join({HUMAN: "right answers", BETTER: "answers that prefer it"}[each] for each in sorted(asked))
        axes.set_xlabel(f"share of {words}, with 95% interval")
        return figure
