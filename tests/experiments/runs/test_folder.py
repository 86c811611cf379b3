"""The run folder: whole files, tables of whole rows, and an error that names what is missing or broken."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from experiments.runs.folder import RunError, RunFolder
from songs.files import write_atomically
from songs.keyboard import KEYS
from songs.song import Song


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


def song_of(name: str, steps: int = 16, **options) -> Song:
    roll = np.zeros((steps, KEYS), dtype=bool)
    roll[::2, 0], roll[0, 12] = True, True
    return Song(name, roll, **options)


# Whole files


@pytest.mark.parametrize("content", ["", "text", "ёж\r\n", b"\x00\xff", b""])
def test_a_file_is_written_with_its_folder_as_it_is(tmp_path, content):
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "old and long")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    write_atomically(path, "old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() == "old"


def test_an_interrupt_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, "old")

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, "new")
    monkeypatch.undo()
    assert (os.listdir(tmp_path), path.read_text()) == (["file"], "old")


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path, monkeypatch):
    path, seen, replace = tmp_path / "file", [], os.replace
    write_atomically(path, "old")

    def look(source, target):
        seen.append(path.read_text())
        replace(source, target)

    monkeypatch.setattr(os, "replace", look)
    write_atomically(path, "new")
    assert (seen, path.read_text()) == (["old"], "new")


# Folders


def test_a_run_folder_is_made_with_those_above_it(tmp_path):
    folder = RunFolder.create(tmp_path / "a" / "b")
    assert folder.path.is_dir()
    assert os.listdir(folder.path) == []


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.write_text("mine")])
def test_nothing_is_ever_overwritten(tmp_path, make):
    make(tmp_path / "run")
    with pytest.raises(RunError, match="run already exists and is never overwritten: choose another --out"):
        RunFolder.create(tmp_path / "run")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"file/run: cannot create the run folder: File exists"):
        RunFolder.create(tmp_path / "file" / "run")
    with pytest.raises(RunError, match="cannot create the run folder: File name too long"):
        RunFolder.create(tmp_path / ("x" * 300))


def test_folders_are_numbered(tmp_path):
    names = [RunFolder.create_numbered(tmp_path / "runs", "tune").path.name for _ in range(3)]
    assert names == ["tune-1", "tune-2", "tune-3"]
    (tmp_path / "runs" / "tune-2").rmdir()
    (tmp_path / "runs" / "tune-4").write_text("")
    names = [RunFolder.create_numbered(tmp_path / "runs", "tune").path.name for _ in range(2)]
    assert names == ["tune-2", "tune-5"]


def test_numbering_ends_where_no_folder_can_be_made(tmp_path):
    with pytest.raises(RunError, match="cannot create the run folder"):
        RunFolder.create_numbered(tmp_path, "x" * 300)


def test_a_run_folder_is_told_by_its_configuration(folder, tmp_path):
    with pytest.raises(RunError, match="none: no such run folder"):
        RunFolder.open(tmp_path / "none")
    with pytest.raises(RunError, match="run: not a run folder: it has no config.toml"):
        RunFolder.open(folder.path)
    write_atomically(folder.path / "config.toml", "")
    assert RunFolder.open(folder.path).path == folder.path
    with pytest.raises(RunError, match="config.toml: no such run folder"):
        RunFolder.open(folder.path / "config.toml")


# JSON


def test_json_comes_back(folder):
    content = {"number": 0.1, "text": "ёж", "list": [1, None, True]}
    folder.write_json("summary.json", content)
    assert folder.read_json("summary.json") == content
    assert json.loads((folder.path / "summary.json").read_text()) == content


def test_json_has_no_numbers_that_are_none(folder):
    with pytest.raises(ValueError, match="JSON"):
        folder.write_json("summary.json", {"x": float("nan")})
    assert os.listdir(folder.path) == []


def test_meta_tells_where_a_run_comes_from(folder):
    folder.write_meta("evolve", ["kuznechik", "evolve"], 7)
    meta = folder.read_json("meta.json")
    assert meta.keys() == {"experiment", "command", "seed", "started", "commit", "versions", "platform"}
    assert (meta["experiment"], meta["command"], meta["seed"]) == ("evolve", ["kuznechik", "evolve"], 7)
    assert {"python", "numpy", "neat-python"} <= meta["versions"].keys()
    assert meta["versions"]["numpy"] == np.__version__


# Tables


def rows(first: int, last: int) -> list[dict]:
    return [{"generation": n, "value": n / 3} for n in range(first, last)]


def test_a_table_grows_and_its_numbers_come_back(folder):
    folder.append("metrics.csv", rows(0, 2))
    folder.append("metrics.csv", [])
    folder.append("metrics.csv", rows(2, 5))
    assert (folder.path / "metrics.csv").read_text().splitlines()[:2] == ["generation,value", "0,0.0"]
    table = folder.read_table("metrics.csv")
    assert list(table) == ["generation", "value"]
    assert {column.dtype for column in table.values()} == {np.dtype(np.float64)}
    assert table["generation"].tolist() == [0, 1, 2, 3, 4]
    assert table["value"].tolist() == [n / 3 for n in range(5)]


@pytest.mark.parametrize("tail", ["5", "5,", "5,1.66", "5,1.6666666666666667"])
def test_a_last_line_cut_short_is_left_out(folder, tail):
    folder.append("metrics.csv", rows(0, 5))
    with (folder.path / "metrics.csv").open("a") as file:
        file.write(tail)
    assert folder.read_table("metrics.csv")["generation"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("end", "left"), [(0, 0), (1, 1), (3, 3), (5, 5), (9, 5)])
@pytest.mark.parametrize("tail", ["", "5,1.6"])
def test_a_table_is_cut(folder, end, left, tail):
    folder.append("metrics.csv", rows(0, 5))
    with (folder.path / "metrics.csv").open("a") as file:
        file.write(tail)
    folder.cut_table("metrics.csv", end)
    folder.append("metrics.csv", rows(left, 6))
    whole = RunFolder.create(folder.path.parent / "whole")
    whole.append("metrics.csv", rows(0, 6))
    assert (folder.path / "metrics.csv").read_bytes() == (whole.path / "metrics.csv").read_bytes()


def test_a_table_of_several_rows_a_generation_is_cut_where_it_begins(folder):
    folder.append("species.csv", [{"generation": n // 3, "species": n} for n in range(9)])
    folder.cut_table("species.csv", 2)
    assert folder.read_table("species.csv")["species"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("content", ["", "generation,val"])
def test_a_table_that_was_cut_before_its_first_row_begins_anew(folder, content):
    (folder.path / "metrics.csv").write_text(content)
    folder.cut_table("metrics.csv", 5)
    folder.append("metrics.csv", rows(0, 2))
    assert folder.read_table("metrics.csv")["generation"].tolist() == [0, 1]


def test_a_table_that_is_not_there_is_not_cut(folder):
    folder.cut_table("metrics.csv", 5)
    assert os.listdir(folder.path) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("generation\n\n", "metrics.csv is broken: could not convert string to float: ''"),
        ("generation,value\nx,1\n", "metrics.csv is broken: could not convert string to float: 'x'"),
    ],
)
def test_a_broken_table_is_not_cut(folder, content, reason):
    (folder.path / "metrics.csv").write_text(content)
    with pytest.raises(RunError, match=f"run: {reason}"):
        folder.cut_table("metrics.csv", 5)
    assert (folder.path / "metrics.csv").read_text() == content


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "metrics.csv is missing: the run was stopped before it was written"),
        ("", "metrics.csv has no rows: the run was stopped before its first generation"),
        ("generation,value\n", "metrics.csv has no rows"),
        ("generation,value\n1,0.5", "metrics.csv has no rows"),
        ("generation,value\n1,x\n", "metrics.csv is broken: could not convert string to float: 'x'"),
        ("generation,value\n1\n2,3\n", "metrics.csv is broken"),
        ("generation,value\n1,2,3\n", "metrics.csv is broken"),
        ("generation\n" + "1" * 200_000 + "\n", "metrics.csv is broken: field larger than field limit"),
        (b"\xff\xfe", "metrics.csv cannot be read: .*decode"),
        ("folder", "metrics.csv cannot be read: .*directory"),
    ],
)
def test_a_table_that_is_missing_or_broken_is_named(folder, content, reason):
    path = folder.path / "metrics.csv"
    if content == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RunError, match=f"run: {reason}"):
        folder.read_table("metrics.csv")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "summary.json is missing"),
        (b"", "summary.json is broken: Expecting value"),
        (b'{"solved": tr', "summary.json is broken: Expecting value"),
        (b"[1, 2]", "summary.json is broken: it is not a JSON object"),
        (b"null", "summary.json is broken: it is not a JSON object"),
        (b"[" * 100_000, "summary.json is broken: maximum recursion depth"),
        (b"\xff", "summary.json cannot be read"),
    ],
)
def test_json_that_is_missing_or_broken_is_named(folder, content, reason):
    if content is not None:
        (folder.path / "summary.json").write_bytes(content)
    with pytest.raises(RunError, match=f"run: {reason}"):
        folder.read_json("summary.json")


# Songs and rolls


def test_songs_come_back_as_they_were(folder):
    songs = [
        song_of("tune 2", title="$x$ ёж", tempo_bpm=96.0),
        song_of("tune 10", steps=128),
        song_of("cut", steps=20),  # which is no whole number of bars
    ]
    folder.write_songs(songs)
    read = folder.read_songs(20)
    assert [song.name for song in read] == ["cut", "tune 2", "tune 10"]
    assert (read[0].roll == songs[2].roll).all()
    assert (read[1].title, read[1].tempo_bpm) == ("$x$ ёж", 96.0)
    assert (read[1].roll == songs[0].roll).all()
    assert (folder.read_songs(128)[2].roll == songs[1].roll).all()


def test_songs_that_are_missing_or_broken_are_named(folder):
    with pytest.raises(RunError, match="run: the songs of the run are missing: songs: no such folder"):
        folder.read_songs(128)
    (folder.path / "songs").mkdir()
    with pytest.raises(RunError, match="run: the songs of the run are missing: songs: holds no .mid"):
        folder.read_songs(128)
    folder.write_songs([song_of("tune"), song_of("other")])
    whole = (folder.path / "songs" / "tune.mid").read_bytes()
    for content in (b"", whole[:20], whole[:-10], b"text"):
        (folder.path / "songs" / "tune.mid").write_bytes(content)
        with pytest.raises(RunError, match=r"run: songs/tune.mid is broken: "):
            folder.read_songs(128)


def test_runs_that_begin_together_get_folders_of_their_own(tmp_path):
    together = Barrier(8)

    def begin(_) -> str:
        together.wait()
        return RunFolder.create_numbered(tmp_path / "runs", "tune").path.name

    with ThreadPoolExecutor(8) as pool:
        names = sorted(pool.map(begin, range(8)))
    assert names == [f"tune-{number}" for number in range(1, 9)]


def test_a_song_that_ends_with_the_prompt_is_named(folder):
    folder.write_songs([song_of("tune", steps=16)])
    assert len(folder.read_songs(128, prompt=15)) == 1
    with pytest.raises(RunError, match=r"config.toml is broken: task.prompt = 16: tune has only 16 steps"):
        folder.read_songs(128, prompt=16)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "it is not a JSON object"),
        ("[" * 100_000, ""),
        ('{"seed": ' + "9" * 10_000 + "}", ""),
        ('{"experiment": ["evolve"]}', r"experiment is \['evolve'\]"),
        ('{"command": "rm"}', "command is 'rm'"),
        ('{"command": ["evolve", 5]}', r"command\[1\] is 5"),
        ('{"versions": [1]}', r"versions is \[1\]"),
    ],
)
def test_what_is_said_of_a_run_is_of_the_right_kind(folder, content, reason):
    (folder.path / "meta.json").write_text(content)
    with pytest.raises(RunError, match=f"run: meta.json is broken: {reason}"):
        folder.read_meta()


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((4, KEYS)), r"float64 \(4, 13\)"),
        (np.zeros((4, 89), dtype=bool), r"bool \(4, 89\)"),
        (np.zeros(KEYS, dtype=bool), r"bool \(13,\)"),
    ],
)
def test_an_array_that_is_no_roll_is_named(folder, array, found):
    (folder.path / "best").mkdir()
    np.save(folder.path / "best" / "roll.npy", array)
    with pytest.raises(RunError, match=rf"best/roll.npy is broken: it holds {found}, not a roll \(T, K\)"):
        folder.read_roll()


def test_a_roll_that_claims_more_than_there_is_is_named(folder):
    path = folder.path / "best" / "roll.npy"
    path.parent.mkdir()
    head = b"{'descr': '|b1', 'fortran_order': False, 'shape': (100000000000, 13), }"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(head + b"\n").to_bytes(2, "little") + head + b"\n")
    with pytest.raises(RunError, match=r"best/roll.npy is broken: "):
        folder.read_roll()


@pytest.mark.parametrize("size", [None, 0, 5, 60, 130, 200])
def test_a_roll_that_is_missing_or_broken_is_named(folder, size):
    path = folder.path / "best" / "roll.npy"
    if size is None:
        with pytest.raises(RunError, match=r"run: best/roll.npy is missing: the run has no champion yet"):
            folder.read_roll()
        return
    path.parent.mkdir()
    np.save(path, np.ones((16, KEYS), dtype=bool))
    assert folder.read_roll().shape == (16, KEYS)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(RunError, match=r"run: best/roll.npy is broken: "):
        folder.read_roll()


def test_nothing_pickled_is_read(folder):
    (folder.path / "best").mkdir()
    np.save(folder.path / "best" / "roll.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RunError, match=r"roll.npy is broken: Object arrays cannot be loaded"):
        folder.read_roll()


def test_a_run_shows_how_it_ended(tmp_path):
    folder, roll = RunFolder.create(tmp_path / "run"), np.eye(13, dtype=bool)
    assert "still running" in folder._repr_html_()
    folder.write_json("summary.json", {"solved": True, "right_teacher_forced": 8, "ceiling": 8})
    folder.write_songs([Song("tune", roll, "A tune")])
    (folder.path / "best").mkdir()
    np.save(folder.path / "best" / "roll.npy", roll)
    html = folder._repr_html_()
    assert "<tr><td>ceiling</td><td>8</td></tr>" in html
    assert "A tune, as the champion plays it" in html
    assert '<audio controls src="data:audio/wav;base64,' in html


def test_drafts_of_a_process_that_was_killed_are_deleted_by_the_next_that_writes(tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    (folder.path / "best").mkdir()
    drafts = [folder.path / ".metrics.csv.x.part", folder.path / "best" / ".melody.wav.y.part"]
    for path in (*drafts, folder.path / "best" / "kept.part"):
        path.write_bytes(b"half")
    with folder.writing():
        assert not any(path.exists() for path in drafts)
    assert (folder.path / "best" / "kept.part").exists()


def test_a_folder_of_runs_names_one_of_them(tmp_path):
    (tmp_path / "twinkle").mkdir()
    (tmp_path / "twinkle" / "config.toml").touch()
    with pytest.raises(RunError, match=r"name one of the runs in it, such as .*twinkle"):
        RunFolder.open(tmp_path)
