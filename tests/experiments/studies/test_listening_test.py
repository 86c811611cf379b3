"""The blind test: fair pairs, a page that keeps answers, and figures that hold."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.studies.listening_answers import analyse, read_answers, rolls_of
from experiments.studies.listening_test import (
    Melody,
    different,
    make_test,
    pairs_of_both,
    pairs_of_machines,
    too_few,
    without_known,
)
from songs.song import Song
from tests.browser import needs_browser, open_page


def melodies(group: str, count: int, first: int = 0) -> list[Melody]:
    """Return melodies of one note each, which tell them apart."""
    rolls = np.zeros((count, 8, 13), dtype=bool)
    rolls[np.arange(count), 0, first + np.arange(count)] = True
    return [Melody(group, Song(group, roll)) for roll in rolls]


def answers_file(path, answers: list[tuple[str, int, int]], **changes) -> str:
    rows = [{"group": group, "human": human, "chosen": chosen} for group, human, chosen in answers]
    path.write_text(json.dumps({"format": "kuznechik listening test", "version": 1, "answers": rows} | changes))
    return str(path)


def counted(rows, by):
    return {row["name"]: (row["right"], row["answers"]) for row in rows if row["by"] == by}


@given(pairs=st.integers(1, 30), seed=st.integers(0, 100))
def test_every_pair_has_a_human_and_a_machine_that_come_in_no_other(pairs, seed):
    humans, machines = melodies("human", 7), melodies("machine", 3, first=7)
    drawn = pairs_of_both(humans, machines, pairs, seed)
    assert len(drawn) == min(pairs, 3)
    for side in (0, 1):
        keys = [pair["melodies"][pair["human"] ^ side]["notes"][0][1] for pair in drawn]
        assert len(set(keys)) == len(keys)
        assert all((key >= 7) == bool(side) for key in keys)
    assert drawn == pairs_of_both(humans, machines, pairs, seed)


def test_humans_stand_on_both_sides():
    sides = [pairs_of_both(melodies("h", 5), melodies("m", 5), 1, seed)[0]["human"] for seed in range(200)]
    assert 70 < sum(sides) < 130


@given(count=st.integers(2, 6), pairs=st.integers(1, 20), seed=st.integers(0, 20))
def test_no_pair_of_machines_comes_twice(count, pairs, seed):
    drawn = pairs_of_machines(melodies("m", count), pairs, seed)
    assert len(drawn) == min(pairs, count * (count - 1) // 2)
    keys = [frozenset(melody["notes"][0][1] for melody in pair["melodies"]) for pair in drawn]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 2 for key in keys)


def test_melodies_of_a_pair_are_equally_long():
    long, short = np.zeros((40, 13), bool), np.zeros((21, 13), bool)
    long[[0, 30], 3] = short[[0, 17], 5] = True
    (pair,) = pairs_of_both([Melody("h", Song("h", long))], [Melody("m", Song("m", short))], 1, 0)
    assert [melody["steps"] for melody in pair["melodies"]] == [16, 16]
    assert [len(melody["notes"]) for melody in pair["melodies"]] == [1, 1]


def test_a_song_that_stands_among_the_human_ones_is_left_out_unless_there_is_nothing_else():
    walk = np.zeros((16, 13), bool)
    walk[np.arange(16), np.array([0, 2, 4, 5, 7, 5, 4, 2, 0, 4, 7, 4, 0, 2, 0, 0])] = True
    learned = Melody("run", Song("learned", np.roll(walk, 1, axis=1)))  # in another key
    half = walk.copy()
    half[8:, 12] = True  # half of so short a melody may be alike by chance
    fresh = Melody("run", Song("fresh", half))
    kept, (line,) = without_known([learned, fresh], [Song("human", walk)])
    assert kept == [fresh]
    assert line.startswith("run: 1 of 2 melodies are left out")
    kept, (line,) = without_known([learned], [Song("human", walk)])
    assert kept == [learned]
    assert "nothing can be told apart" in line


def test_melodies_that_are_all_one_are_told():
    same = different(melodies("m", 1) * 3)
    assert len(same) == 1
    assert "the machine's melodies are all the same" in too_few(same, 1, 15)[0]
    assert too_few(melodies("m", 3), 3, 15) == ["3 pairs of different melodies instead of 15: there are no more"]
    assert too_few(melodies("m", 3), 3, 3) == []


def test_answers_are_counted_by_group_pair_and_experience(tmp_path):
    one = answers_file(tmp_path / "1.json", [("neat", 0, 0), ("neat", 1, 0), ("vae", 1, 1)])
    two = answers_file(tmp_path / "2.json", [("neat", 1, 1)], version=2, session="b", experience="trained")
    rows = analyse(read_answers([one, two]))
    assert counted(rows, "group") == {"neat": (2, 3), "vae": (1, 1)}
    assert counted(rows, "together") == {"all answers": (3, 4)}
    assert counted(rows, "experience") == {"not said": (2, 3), "trained": (1, 1)}
    assert counted(rows, "pair") == {"1": (2, 2), "2": (0, 1), "3": (1, 1)}


def test_a_share_has_wilsons_interval_and_an_exact_p(tmp_path):
    path = answers_file(tmp_path / "a.json", [("g", 0, 0)] * 81 + [("g", 0, 1)] * 182)
    row = next(row for row in analyse(read_answers([path])) if row["by"] == "group")
    # Newcombe (1998), table I: 81 of 263
    assert (row["low"], row["high"]) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    path = answers_file(tmp_path / "b.json", [("g", 0, 0)] * 8 + [("g", 0, 1)] * 2)
    row = next(row for row in analyse(read_answers([path])) if row["by"] == "group")
    assert row["p"] == pytest.approx(2 * (45 + 10 + 1) / 1024)


def test_a_group_called_all_is_a_group(tmp_path):
    path = answers_file(tmp_path / "a.json", [("all", 0, 0), ("neat", 0, 1), ("all answers", 0, 1)])
    rows = analyse(read_answers([path]))
    assert counted(rows, "group") == {"all": (1, 1), "all answers": (0, 1), "neat": (0, 1)}
    assert counted(rows, "together") == {"all answers": (1, 3)}


def test_the_same_answers_count_once_and_a_longer_file_adds_what_is_new(tmp_path):
    answers = [("neat", 0, 0), ("neat", 1, 0), ("vae", 1, 1)]
    old = [answers_file(tmp_path / f"old {number}.json", answers) for number in range(2)]
    assert len(read_answers(old)) == 3
    saved = {"version": 2, "session": "a", "id": "x"}
    new = [answers_file(tmp_path / f"{count}.json", answers[:count], **saved) for count in (1, 3, 3)]
    assert len(read_answers(new)) == 3
    other = answers_file(tmp_path / "other.json", answers, version=2, session="b", id="x")
    assert len(read_answers([*new, other])) == 6


def test_sixty_thousand_answers_are_counted(tmp_path):
    answers = [(f"group {number % 5}", 0, number % 7 % 2) for number in range(60_000)]
    rows = analyse(read_answers([answers_file(tmp_path / "many.json", answers)]))
    assert counted(rows, "group")["group 0"] == (6857, 12_000)
    assert len(counted(rows, "pair")) == 60_000


def test_what_is_better_is_counted_between_groups_and_holds_melodies(tmp_path):
    pairs = pairs_of_machines([*melodies("a", 1), *melodies("b", 1, first=5)], 1, 0)
    test = make_test("t", "better", pairs, 0.25)
    better = test["pairs"][0]["groups"].index("b")
    answer = {"pair": 0, "chosen": better, **test["pairs"][0]}
    content = {"format": "kuznechik listening test", "version": 2, "session": "s", "question": "better"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**content, "id": test["id"], "answers": [answer]}))
    (read,) = read_answers([path])
    assert counted(analyse([read]), "group") == {"a": (0, 1), "b": (1, 1)}
    assert [roll.shape for roll in rolls_of(read)] == [(8, 88), (8, 88)]
    assert [np.argwhere(roll).tolist() for roll in rolls_of(read)] == [[[0, 0]], [[0, 0]]]  # from the lowest key


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
        KNOWN + '[{"group": "a", "chosen": 0}]}',
        KNOWN + '[{"group": "a", "human": 0, "chosen": 1, "pair": "x"}]}',
        KNOWN + '[], "question": "' + "x" * 100_000 + '"}',
        KNOWN + '[{"groups": ["a"], "chosen": 1, "pair": 0}], "question": "better"}',
    ],
    ids=range(13),
)
def test_what_holds_no_answers_is_named(kuznechik, tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(content)
    called = kuznechik("listening-test", "--analyse", path)
    assert (called.status, called.err.count("\n")) == (2, 1)
    assert f"{path}: no answers of a listening test" in called.err
    assert not called.err.endswith(": 'chosen'\n")  # a word of Python's own
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
    called = kuznechik("listening-test", "--better", "--machine", "random", "--human", "grasshopper")
    assert (called.status, "--human does not go with --better" in called.err) == (2, True)


def machine_page(kuznechik, write_song, tmp_path, *more):
    (tmp_path / "machine").mkdir()
    for number, notes in enumerate(("C.D.E.F.C.C.D.D.", "G.A.B.C.E.E.F.F.", "C.G.E.B.A.A.C.C.")):
        write_song(tmp_path / "machine" / f"{number}.mid", notes)
    page = tmp_path / "test.html"
    called = kuznechik("listening-test", "--machine", tmp_path / "machine", "--pairs", 3, "--out", page, *more)
    assert called.status == 0, called.err
    return page


PLAY = """
    document.querySelector("[data-experience=trained]").click();
    const before = says[0].disabled;
    answer(0);  // not before both were heard
    const none = session.answers.length;
    for (const wanted of [pair => pair.human ?? 1, pair => 1 - (pair.human ?? 1)]) {
      const pair = test.pairs[session.answers.length];
      await play(0);
      await play(1);
      answer(wanted(pair));
    }
    """


@needs_browser
def test_the_page_keeps_answers_and_saves_what_the_analysis_reads(kuznechik, write_song, tmp_path):
    page = machine_page(kuznechik, write_song, tmp_path)
    probe = f"""
        const asked = !$("begin").hidden && $("pair").hidden;
        {PLAY}
        const stored = JSON.parse(localStorage.getItem(place)).answers.length;
        session = remembered();  // as a page that is opened again does
        show();
        const after = [session.answers.length, $("state").textContent, $("begin").hidden];
        await play(0);
        await play(1);
        answer(test.pairs[2].human);
        return {{ asked, before, none, stored, after, ended: $("pair").hidden, text: $("result").textContent,
                  file: answersFile() }};
        """
    opened = open_page(page, probe, width=390)
    answer = opened.answer
    assert opened.complaints == []
    assert (answer["asked"], answer["before"], answer["none"], answer["stored"]) == (True, True, 0, 2)
    assert answer["after"] == [2, "Pair 3 of 3", True]
    assert answer["ended"]
    assert answer["text"].startswith("You were right 2 of 3 times; guessing gives 1.5.")
    path = tmp_path / "answers.json"
    path.write_text(answer["file"])
    rows = analyse(read_answers([str(path)]))
    assert counted(rows, "group") == {"machine": (2, 3)}
    assert counted(rows, "experience") == {"trained": (2, 3)}


@needs_browser
def test_answers_to_which_is_better_hold_their_melodies(kuznechik, write_song, tmp_path):
    page = machine_page(kuznechik, write_song, tmp_path, "--better")
    opened = open_page(page, f"{PLAY} return answersFile();")
    assert opened.complaints == []
    path = tmp_path / "answers.json"
    path.write_text(opened.answer)
    answers = read_answers([str(path)])
    assert [answer.chosen for answer in answers] == [1, 0]
    assert all(len(rolls_of(answer)) == 2 for answer in answers)


@pytest.mark.parametrize("content", ["[]", "{}", "3", '{"format": "kuznechik listening test"}'])
def test_another_json_file_is_no_file_of_the_page(kuznechik, tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(content)
    assert "it was not saved by the page of a test" in kuznechik("listening-test", "--analyse", path).err
