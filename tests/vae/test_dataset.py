"""Windows, groups, splits without leaks, and data sets as files."""

import io
import json
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from songs.midi import encode_midi
from songs.options import OptionError
from tests.vae.melodies import write_tune, write_tunes
from vae.dataset import DatasetError, DatasetOptions, read_meta, read_split
from vae.dataset_making import assign_splits, generate, list_files, read_folders, split_windows
from vae.melody import Piece
from vae.tokens import REST
from vae.windows import Windows, cut_windows, group_pieces, longest_rest, shapes


def piece(roll, name="x", tonic=0) -> Piece:
    roll = np.array(roll)
    return Piece(name, [(roll, np.append(True, roll[1:] != roll[:-1]))], tonic)


def random_piece(seed: int, bars: int = 6, shift: int = 0) -> Piece:
    return piece(np.repeat(np.random.default_rng(seed).integers(30, 50, 4 * bars), 4) + shift)


def test_windows_are_cut_with_a_stride_of_bars():
    windows = cut_windows([random_piece(0, bars=6)], bars=2, stride=2, to_c=False)
    assert windows.roll.shape == (3, 32)
    assert windows.roll[1].tolist() == random_piece(0).segments[0][0][32:64].tolist()


def test_windows_with_more_than_a_bar_of_rest_or_one_note_are_dropped():
    rest = lambda steps: [40] * 8 + [REST] * steps + [42] * (24 - steps)  # noqa: E731
    pieces = [piece(rest(16)), piece(rest(17)), piece([40] * 32)]
    assert cut_windows(pieces, 2, 1, False).pieces.tolist() == [0]


def test_the_longest_rest_is_counted():
    roll = np.array([[REST, 1, REST, REST, 1], [1, 1, 1, 1, 1]])
    assert longest_rest(roll).tolist() == [2, 0]


def test_windows_can_be_moved_to_c():
    source = random_piece(0)
    moved = cut_windows([Piece("x", source.segments, tonic=2)], 2, 2, True)
    assert moved.roll[0].tolist() == (source.segments[0][0][:32] - 2).tolist()


def test_shapes_are_equal_for_transpositions_alone():
    roll = np.array([[REST, 40, 44, 40], [REST, 45, 49, 45], [REST, 45, 48, 45]], dtype=np.uint8)
    one, other, third = shapes(roll)
    assert one == other
    assert one != third


def test_pieces_that_share_two_shapes_are_a_group():
    one, kin = random_piece(1), random_piece(1, shift=5)
    distant = piece(np.concatenate((one.segments[0][0][:32], random_piece(9).segments[0][0])))  # shares one shape
    assert group_pieces([random_piece(2), one, distant, kin]).tolist() == [0, 1, 2, 1]


def test_groups_stay_whole_and_every_split_has_some():
    groups = np.repeat(np.arange(40), 2)
    split = assign_splits(groups, [None] * 80, seed=3)
    assert np.bincount(split).tolist() == [72, 4, 4]
    assert (split[::2] == split[1::2]).all()
    assert assign_splits(groups, [None] * 80, seed=4).tolist() != split.tolist()


def test_a_given_split_is_taken():
    assert assign_splits(np.arange(3), ["test", "train", "validation"], 0).tolist() == [2, 0, 1]


def test_no_window_of_the_test_stands_in_training_not_even_transposed():
    random = np.random.default_rng(0)
    roll = random.integers(30, 33, (600, 3)).repeat(2, axis=1).astype(np.uint8)  # 9 shapes, each in all splits
    split = np.repeat([2, 1, 0], [100, 200, 300])
    windows = Windows(roll, np.zeros(roll.shape, bool), np.arange(600))
    parts = split_windows(windows, split)
    seen = [set(shapes(part.roll)) for part in parts]
    assert not seen[0] & (seen[1] | seen[2])
    assert not seen[1] & seen[2]
    assert [len(part) for part in parts] == [0, 0, 100]


def test_a_written_data_set_has_no_leak_and_is_read_back(tmp_path):
    write_tunes(tmp_path / "midi", 30)
    for number in range(4):  # copies in other keys
        write_tune(tmp_path / "midi" / f"copy{number}.mid", [60, 64, 67, 72] * 2 + [62, 65, 69, 71] * 2, shift=number)
    meta = generate([tmp_path / "midi"], DatasetOptions(transposed=True), tmp_path / "data")
    place = tmp_path / "data" / "2bars-pianoroll-transposed"
    splits = {name: read_split(place, name) for name in ("train", "validation", "test")}
    seen = {name: set(shapes(split.windows.roll)) for name, split in splits.items()}
    assert not seen["test"] & (seen["train"] | seen["validation"])
    assert not seen["train"] & seen["validation"]
    assert {name: len(split.windows) for name, split in splits.items()} == {
        name: counts["windows"] for name, counts in meta["splits"].items()
    }
    assert splits["train"].tokens().shape[1] == 32
    assert json.loads((place / "dataset.json").read_text())["pieces"] == 34


def test_all_representations_have_the_same_split(tmp_path):
    write_tunes(tmp_path / "midi", 12)
    options = [DatasetOptions(representation=name) for name in ("pianoroll", "midilike", "onsets")]
    for each in options:
        generate([tmp_path / "midi"], each, tmp_path / "data")
    rolls = [read_split(tmp_path / "data" / each.name, "test").windows.roll.tolist() for each in options]
    assert rolls[0] == rolls[1] == rolls[2]


def test_too_little_data_is_said_at_once(tmp_path):
    write_tune(tmp_path / "a.mid", [60, 62, 64, 65] * 2)
    with pytest.raises(DatasetError, match="too little data for windows of 2 bars: 1 melodies give 1 windows"):
        generate([tmp_path], DatasetOptions(), tmp_path / "data")
    with pytest.raises(DatasetError, match="too little data for windows of 16 bars"):
        generate([tmp_path], DatasetOptions(bars=16), tmp_path / "data")


def test_a_folder_with_maestros_csv_is_split_as_it_says(tmp_path):
    write_tunes(tmp_path / "2004", 3)
    rows = [f"2004/tune0{number}.mid,{split}" for number, split in enumerate(("test", "train", "validation"))]
    (tmp_path / "maestro-v3.0.0.csv").write_text("\n".join(["midi_filename,split", *rows]))
    write_tune(tmp_path / "stray.mid", [60] * 8)
    _, _, splits, _ = read_folders([tmp_path])
    assert splits == ["test", "train", "validation"]


def test_files_that_cannot_be_used_are_counted(tmp_path):
    write_tunes(tmp_path, 2)
    (tmp_path / "bad.mid").write_bytes(b"RIFF")
    pieces, _, _, complaints = read_folders([tmp_path])
    assert len(pieces) == 2
    assert "bad.mid: is not a MIDI file" in complaints[0]


def test_missing_and_broken_data_sets_are_named(tmp_path):
    with pytest.raises(DatasetError, match="no such folder or MIDI file"):
        read_folders([tmp_path / "nothing"])
    with pytest.raises(DatasetError, match="holds no .mid or .midi file"):
        read_folders([tmp_path])
    write_tunes(tmp_path / "midi", 12)
    generate([tmp_path / "midi"], DatasetOptions(), tmp_path)
    place = tmp_path / "2bars-pianoroll-allkeys"
    whole = (place / "train.npz").read_bytes()
    (place / "train.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match=r"train.npz: is broken"):
        read_split(place, "train")


class Malicious:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_data_set_is_executed(tmp_path):
    write_tunes(tmp_path / "midi", 12)
    generate([tmp_path / "midi"], DatasetOptions(), tmp_path)
    path = tmp_path / "2bars-pianoroll-allkeys" / "train.npz"
    attack = np.array([Malicious(tmp_path / "executed")], dtype=object)
    np.savez(path, roll=attack, onsets=np.zeros((1, 4), np.uint8), pieces=0, sources=0)
    with pytest.raises(DatasetError, match=r"train.npz: is broken"):
        read_split(path.parent, "train")
    assert not (tmp_path / "executed").exists()


def test_impossible_options_are_refused():
    with pytest.raises(OptionError, match="bars = 3: choose one of 2, 4, 8, 16"):
        DatasetOptions(bars=3)
    with pytest.raises(OptionError, match="stride = 0: it must be at least 1"):
        DatasetOptions(stride=0)


# data sets that came from anywhere


@pytest.fixture
def place(tmp_path) -> Path:
    write_tunes(tmp_path / "midi", 12)
    generate([tmp_path / "midi"], DatasetOptions(), tmp_path)
    return tmp_path / "2bars-pianoroll-allkeys"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("2bars-pianoroll-transposed", "2 1 -pt"),
        ("4bars-pianoroll-allkeys", "4 1 -p"),
        ("8bars-midilike-transposed", "8 1 -t"),
        ("16bars-midilike-allkeys", "16 1"),
        ("2bars-onsets-transposed", "2 1 --onsets -t"),
        ("something", "BARS 1"),
    ],
)
def test_the_command_that_makes_a_missing_data_set_is_told(tmp_path, name, options):
    data = "" if name == "something" else f" --data {tmp_path}"
    command = f"kuznechik vae generate-dataset all {options} --midi FOLDER{data}"
    with pytest.raises(DatasetError, match=f"{name}: no such data set; make it with {re.escape(command)}$"):
        read_split(tmp_path / name, "train")


def test_the_command_that_makes_a_missing_split_is_told(place):
    (place / "test.npz").unlink()
    command = f"kuznechik vae generate-dataset test 2 1 -p --midi FOLDER --data {place.parent}"
    with pytest.raises(DatasetError, match=f"test.npz: is missing: make it with {re.escape(command)}$"):
        read_split(place, "test")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bars": 3}, "bars is 3, not one of 2, 4, 8, 16"),
        ({"bars": 1e308}, r"bars is 1e\+308"),
        ({"representation": []}, r"representation is \[\]"),
        ({"representation": "x" * 1000}, "no representation 'xxx"),
        ({"transposed": None}, "transposed is None"),
        ({"sources": [[]]}, r"sources\[0\] is \[\]"),
        ({"pieces": float("inf")}, "pieces is inf"),
        ({"seed": float("nan")}, "not JSON compliant"),
        ({"splits": 3}, "splits is 3"),
        ({"splits": {}}, "splits.train is missing"),
        ({"splits": {"train": None}}, "splits.train is None"),
        ({"splits": {"train": {"pieces": 1, "windows": -1, "unique": 1}}}, "splits.train.windows is -1"),
    ],
)
def test_a_description_that_says_something_else_is_broken(place, change, reason):
    meta = json.loads((place / "dataset.json").read_text())
    (place / "dataset.json").write_text(json.dumps({**meta, **change}))
    with pytest.raises(DatasetError, match=rf"2bars-pianoroll-allkeys: dataset.json is broken: .*{reason}") as error:
        read_meta(place)
    assert len(str(error.value)) < 300 + len(str(place))


@pytest.mark.parametrize("name", ["bars", "representation", "transposed", "sources", "pieces", "splits"])
def test_a_description_that_lacks_something_is_broken(place, name):
    meta = json.loads((place / "dataset.json").read_text())
    (place / "dataset.json").write_text(json.dumps({key: value for key, value in meta.items() if key != name}))
    with pytest.raises(DatasetError, match=f"dataset.json is broken: {name} is missing"):
        read_meta(place)


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("roll", lambda roll: roll[:, :-1], "roll has the shape"),
        ("roll", lambda roll: roll.astype(np.float64), "roll is float64"),
        ("roll", lambda roll: roll.astype(str), "roll is <U"),
        ("roll", lambda roll: np.full_like(roll, 255), "roll holds values that are not from 0 to 88"),
        ("onsets", lambda onsets: onsets.astype(np.int8), "onsets is int8"),
        ("onsets", lambda onsets: onsets[:-1], "its arrays have different lengths"),
        ("pieces", lambda pieces: np.zeros((), np.int32), "pieces has the shape"),
        ("sources", lambda sources: sources + 1, "sources holds values that are not from 0 to 0"),
        ("sources", lambda sources: sources - 1, "sources holds values that are not from 0 to 0"),
    ],
)
def test_windows_that_are_none_are_broken(place, name, change, reason):
    with np.load(place / "test.npz") as file:
        arrays = dict(file)
    np.savez_compressed(place / "test.npz", **{**arrays, name: change(arrays[name])})
    with pytest.raises(DatasetError, match=f"test.npz: is broken: .*{reason}"):
        read_split(place, "test")


def test_a_split_without_windows_is_broken(place):
    with np.load(place / "test.npz") as file:
        arrays = {name: array[:0] for name, array in file.items()}
    np.savez_compressed(place / "test.npz", **arrays)
    with pytest.raises(DatasetError, match="test.npz: is broken: it holds no windows"):
        read_split(place, "test")


def test_a_split_that_would_unpack_to_too_much_is_not_read(place):
    with zipfile.ZipFile(place / "test.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2**24))
    with pytest.raises(DatasetError, match="test.npz: is broken: it would unpack to more than 200 times its size"):
        read_split(place, "test")


def test_a_split_whose_header_announces_a_terabyte_is_broken(place):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**35, 32)})
    with zipfile.ZipFile(place / "test.npz", "w") as archive:
        archive.writestr("roll.npy", header.getvalue())
    with pytest.raises(DatasetError, match="test.npz: is broken: "):
        read_split(place, "test")


def test_files_and_folders_may_be_mixed_and_files_without_bars_of_four_quarters_are_counted(tmp_path):
    write_tunes(tmp_path / "folder", 12, seed=1)
    (tmp_path / "waltz.mid").write_bytes(encode_midi(np.array([[0.0, 1, 60], [1, 1, 62]]), 6, time_signature=(3, 4)))
    (tmp_path / "folder" / "notes.txt").write_text("no music")
    places = [tmp_path / "folder", tmp_path / "waltz.mid"]
    assert [place for _, place, _ in list_files(places)] == [0] * 12 + [1]
    meta = generate(places, DatasetOptions(), tmp_path / "data")
    assert (meta["pieces"], meta["other_meter"], meta["unusable"]) == (12, 1, 0)
    assert sum(split["pieces"] for split in meta["splits"].values()) == 12
