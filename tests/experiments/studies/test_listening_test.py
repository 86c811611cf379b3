"""The blind test: fair pairs, a page that records answers, and figures that hold."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.studies.listening_test import Melody, analyse, binomial_p, draw_pairs, read_answers, wilson_interval
from songs.song import Song
from tests.browser import needs_browser, open_page


def melodies(group: str, count: int) -> list[Melody]:
    """Return melodies of one note each, which tell them apart."""
    rolls = np.zeros((count, 8, 13), dtype=bool)
    rolls[np.arange(count), 0, np.arange(count)] = True
    return [Melody(group, Song(group, roll)) for roll in rolls]


def answers_file(path, answers: list[tuple[str, int, int]], **changes) -> str:
    rows = [{"group": group, "human": human, "chosen": chosen} for group, human, chosen in answers]
    path.write_text(json.dumps({"format": "kuznechik listening test", "version": 1, "answers": rows} | changes))
    return str(path)


@given(pairs=st.integers(1, 30), seed=st.integers(0, 100))
def test_every_pair_has_a_human_and_a_machine_and_none_comes_again_too_soon(pairs, seed):
    humans, machines = melodies("human", 7), melodies("machine", 3)
    drawn = draw_pairs(humans, machines, pairs, seed)
    assert len(drawn) == pairs
    for kind, side in (("human", 0), ("machine", 1)):
        keys = [pair["melodies"][pair["human"] ^ side]["notes"][0][1] for pair in drawn]
        size = 7 if kind == "human" else 3
        for first in range(0, pairs, size):
            part = keys[first : first + size]
            assert len(set(part)) == len(part)
    assert drawn == draw_pairs(humans, machines, pairs, seed)


def test_humans_stand_on_both_sides():
    sides = [pair["human"] for pair in draw_pairs(melodies("h", 5), melodies("m", 5), 200, 1)]
    assert 70 < sum(sides) < 130


def test_wilsons_interval():
    # the values of Newcombe (1998), table I: 81 of 263, and none of 20
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_the_p_value_is_exact():
    assert binomial_p(5, 10) == 1
    assert binomial_p(10, 10) == binomial_p(0, 10) == 2 / 1024
    assert binomial_p(8, 10) == pytest.approx(2 * (45 + 10 + 1) / 1024)


def test_answers_are_counted_by_group(tmp_path):
    one = answers_file(tmp_path / "1.json", [("neat", 0, 0), ("neat", 1, 0), ("vae", 1, 1)])
    two = answers_file(tmp_path / "2.json", [("neat", 1, 1)])
    rows = analyse(read_answers([one, two]))
    counted = [(row["group"], row["right"], row["answers"]) for row in rows]
    assert counted == [("neat", 2, 3), ("vae", 1, 1), ("all", 3, 4)]


KNOWN = '{"format": "kuznechik listening test", "version": 1, "answers": '


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "x", "version": 1, "answers": []}',
        KNOWN + "[]}",
        KNOWN + "{}}",
        KNOWN + "[3]}",
        KNOWN + '[{"group": "a", "human": "' + "x" * 100_000 + '", "chosen": 1}]}',
        KNOWN + '[{"group": "a", "human": 0}]}',
    ],
    ids=range(9),
)
def test_what_holds_no_answers_is_named(kuznechik, tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(content)
    called = kuznechik("listening-test", "--analyse", path)
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert f"{path}: no answers of a listening test" in called.err
    assert len(called.err) < 300 + len(str(path))


def test_the_figure_and_the_table(kuznechik, tmp_path):
    path = answers_file(tmp_path / "a.json", [("neat $1$", 0, 0)] * 9 + [("neat $1$", 0, 1)])
    called = kuznechik("listening-test", "--analyse", path, "--out", tmp_path / "answers.png")
    assert called.status == 0
    assert "0.90" in called.out
    assert "0.60 to 0.98" in called.out
    assert "0.021" in called.out
    assert (tmp_path / "answers.png").stat().st_size > 10_000


def test_machines_must_be_given(kuznechik, tmp_path):
    called = kuznechik("listening-test", "--out", tmp_path / "x.html")
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert "--machine is missing" in called.err


@needs_browser
def test_the_page_records_answers_and_saves_what_the_analysis_reads(kuznechik, write_song, tmp_path):
    (tmp_path / "machine").mkdir()
    for number, notes in enumerate(("CDEF", "GABC")):
        write_song(tmp_path / "machine" / f"{number}.mid", notes)
    page = tmp_path / "test.html"
    assert kuznechik("listening-test", "--machine", tmp_path / "machine", "--pairs", 3, "--out", page).status == 0
    probe = """
        const before = says[0].disabled;
        answer(0);  // not before both were heard
        const none = answers.length;
        for (const wanted of [pair => pair.human, pair => 1 - pair.human, pair => pair.human]) {
          const pair = test.pairs[answers.length];
          await play(0);
          await play(1);
          answer(wanted(pair));
        }
        return { before, none, end: !$("end").hidden, text: $("result").textContent, file: answersFile() };
        """
    opened = open_page(page, probe)
    answer = opened.answer
    assert opened.complaints == []
    assert (answer["before"], answer["none"], answer["end"]) == (True, 0, True)
    assert answer["text"] == "You were right 2 of 3 times; guessing gives 1.5."
    path = tmp_path / "answers.json"
    path.write_text(answer["file"])
    (row,) = analyse(read_answers([str(path)]))
    assert (row["group"], row["right"], row["answers"]) == ("machine", 2, 3)
