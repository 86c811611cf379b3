"""How many songs fit into one network: which melodies are taken, what is measured, what is kept."""

import json
import math
from collections import Counter

import numpy as np
import pytest

from agents.other_searches.per_key.and_network import AndPlayer
from experiments.studies.capacity import Row, Setting, growth_exponents, measure, plays_whole
from experiments.studies.capacity_songs import collect, contexts, cut_songs, midi_paths
from songs.keyboard import usual_keyboard
from songs.midi import write_midi
from songs.song import Song, SongError

LINE = "C.E.G...E.E.D...C.D.E.C.G.G.A.B."


@pytest.fixture(scope="module")
def folder(tmp_path_factory, write_song):
    """Four songs of 64 steps, and one of each kind that is left out."""
    folder = tmp_path_factory.mktemp("melodies")
    (folder / "deep").mkdir()
    write_song(folder / "a.mid", LINE + LINE[::-1])
    write_song(folder / "b.mid", LINE.replace("E", "F") + LINE)
    write_song(folder / "deep" / "c.mid", "G" + LINE[1:] + LINE.replace("G", "A"))
    write_song(folder / "deep" / "d.mid", "[CE]" + LINE[1:] + LINE)
    write_song(folder / "same.mid", LINE + LINE[::-1])
    write_song(folder / "short.mid", LINE)
    write_song(folder / "like-a.mid", LINE + LINE[::-1][:-8] + "CCCCCCCC")
    write_midi(folder / "wide.mid", np.array([[step, 40 + step] for step in range(0, 64, 2)]), 64)
    (folder / "broken.mid").write_bytes(b"no music")
    return folder


def make_song(text):
    roll = np.zeros((len(text), 13), dtype=bool)
    for step, character in enumerate(text):
        if character != ".":
            roll[step, int(character)] = True
    return Song(text, roll)


def test_the_songs_that_one_network_can_play_are_collected_and_the_others_counted(folder):
    melodies = collect(midi_paths([folder]), memory=128, prompt=8, wanted=100, seed=0)
    assert len(melodies.songs) == 4
    assert {song.steps for song in melodies.songs} == {64}
    assert melodies.left_out["more than 13 keys"] == 1
    assert melodies.left_out["short"] == 1
    assert melodies.left_out["is not a MIDI file"] == 1
    assert melodies.left_out["same as another"] + melodies.left_out["no context can tell it from another"] == 2


def test_a_longer_collection_begins_with_the_shorter_one(folder):
    few, many = (collect(midi_paths([folder]), 128, 8, wanted, seed=3).songs for wanted in (2, 4))
    assert [song.name for song in few] == [song.name for song in many[:2]]


def test_a_long_piece_is_cut_where_its_bars_begin(tmp_path, write_song):
    path = write_song(tmp_path / "long.mid", LINE * 10)
    left_out = Counter()
    songs = list(cut_songs(path, left_out))
    assert [song.steps for song in songs] == [128, 128, 64]
    assert [song.name for song in songs] == ["long 1", "long 2", "long 3"]
    assert songs[0].roll[:32].tolist() == songs[2].roll[:32].tolist()
    assert not left_out


def test_a_context_is_what_is_remembered():
    assert len(contexts(make_song("1.2.3").roll, memory=8, prompt=2)) == 3
    assert contexts(make_song("11112").roll, memory=2, prompt=2) is None
    assert contexts(make_song("11112").roll, memory=4, prompt=1) is not None


def test_folders_without_midi_files_are_refused(tmp_path):
    with pytest.raises(SongError, match="no such folder"):
        midi_paths([tmp_path / "nowhere"])
    with pytest.raises(SongError, match="holds no .mid or .midi file"):
        midi_paths([tmp_path])


@pytest.mark.parametrize("keys", [13, 25])
def test_a_network_is_measured_by_what_it_plays(keys):
    songs = [make_song(text).on(usual_keyboard(keys)) for text in ("1.2.3.4.", "1.3.2.4.", "2.4.2.1.")]
    setting = Setting(memory=8, prompt=3, wrong_notes=5)
    row = measure(songs, setting, lambda *_: None, lambda: False)
    assert (row.songs, row.whole, row.steps) == (3, 3, 15)
    assert 0 < row.connections <= row.connections_before
    assert row.evaluations > 0
    assert 0 <= row.whole_after_wrong_note < 1


def test_a_song_is_whole_only_without_any_mistake():
    from agents.other_searches.per_key.and_network import and_genome

    weights = np.zeros((26, 13), dtype=np.float32)
    weights[13 + 1, 2] = weights[13 + 2, 1] = 2  # 1 after 2 after 1
    player = AndPlayer(and_genome(weights, np.full(13, -1.0), [], np.zeros((0, 13))), 2)
    rolls = [make_song(text).roll for text in ("1212", "1211", "21212")]
    assert plays_whole(player, rolls, rolls, Setting(memory=2, prompt=1)).tolist() == [True, False, True]


def test_an_interrupted_network_has_no_row():
    songs = [make_song("1.2.3.4.5.6.7.8.")]
    assert measure(songs, Setting(memory=8, prompt=3), lambda *_: None, lambda: True) is None


def test_growth_exponents_are_slopes_in_logarithms():
    rows = [Row(n, n, n, 0 if n == 1 else n, 0, 5 * n**2, 0.5 * math.sqrt(n), 1) for n in (1, 10, 100)]
    assert growth_exponents(rows[:2]) == {"cpu_seconds": 0.5, "connections": 2.0}
    assert growth_exponents(rows) == {"cpu_seconds": 0.5, "connections": 2.0, "hidden": 1.0}
    assert growth_exponents(rows[:1]) == {}


def test_the_command_prints_the_curve_and_keeps_it(kuznechik, folder, tmp_path):
    out = tmp_path / "out"
    called = kuznechik("capacity", "--midi", folder, "--songs", "2,3,50", "--wrong-notes", 4, "--out", out, "--json")
    assert called.status == 0
    printed, kept = json.loads(called.out), json.loads((out / "summary.json").read_text())
    assert [(row["songs"], row["whole"]) for row in kept["rows"]] == [(2, 2), (3, 3), (4, 4)]
    assert printed == kept | {"folder": str(out)}
    assert set(kept["growth_exponents"]) >= {"cpu_seconds", "connections"}
    assert "not plain NEAT" in kept["search"]
    assert (out / "capacity.png").read_bytes().startswith(b"\x89PNG")
    assert "50 songs were requested, but only 4 were found" in called.err
    assert "1 (more than 13 keys)" in called.err


def test_the_table_names_what_it_shows(kuznechik, folder, tmp_path):
    called = kuznechik("capacity", "--midi", folder, "--songs", "2,4", "--out", tmp_path / "out")
    assert called.status == 0
    assert called.out.split("\n")[0].split() == (
        ["songs", "whole", "AND", "nodes", "connections", "after", "pruning", "CPU", "seconds"]
    )
    assert "Growth from 2 to 4 songs: CPU seconds as songs^" in called.out
    assert "it looks at inputs and targets" in called.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--songs", "ten"), "--songs"),
        (("--prompt-noise", "2"), "it must be 0 to 1"),
        (("--midi", "nowhere"), "nowhere: no such folder"),
    ],
)
def test_mistakes_are_one_line(kuznechik, arguments, message):
    called = kuznechik("capacity", *arguments)
    assert called.status == 2
    assert message in called.err
    assert called.err.count("\n") == 1


def test_evolve_together_by_per_key_evolution(kuznechik, folder, tmp_path):
    run = tmp_path / "run"
    options = ("--memory", 128, "--set", "evolve.algorithm=per_key", "--checkpoint-every", 1, "--out", run)
    called = kuznechik("evolve", "--folder", folder, "--together", *options)
    assert called.status == 0
    assert "cooperative modular per-key evolution, not plain NEAT, with target-guided 0.6 (uses inputs" in called.out
    assert "like-a: at most 5" in called.out
    assert "of 56; elsewhere one memory has several continuations." in called.out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["solved"]
    assert summary["right_teacher_forced"] == summary["ceiling"] < summary["cases"]
    scores = json.loads(kuznechik("score", run, "--json").out)
    assert scores["right_teacher_forced"] == summary["ceiling"]
    assert scores["whole_songs"] >= 4


def test_an_interrupted_run_resumes_to_the_same_bytes(kuznechik, folder, tmp_path):
    def evolve(name, *more):
        options = ("--memory", 128, "--set", "evolve.algorithm=per_key", "--set", "per_key.mutations=1", *more)
        assert kuznechik("evolve", "--folder", folder, "--together", *options, "--out", tmp_path / name).status == 0
        return tmp_path / name

    whole = evolve("whole")
    part = evolve("part", "--set", "evolve.generations=3")
    assert kuznechik("evolve", "--resume", part, "--set", "evolve.generations=2000").status == 0
    assert (part / "best" / "genome.json").read_bytes() == (whole / "best" / "genome.json").read_bytes()


def test_evolve_with_noise_in_the_prompt_is_judged_by_the_songs_as_they_are(kuznechik, folder, tmp_path):
    noise = ("--set", "per_key.prompt_noise=0.05", "--set", "per_key.noisy_copies=3")
    options = ("--memory", 128, "--set", "evolve.algorithm=per_key", *noise, "--out", tmp_path / "run", "--json")
    called = kuznechik("evolve", "--folder", folder, "--together", "--keys", 13, *options)
    summary = json.loads(called.out)
    assert summary["solved"]
    assert summary["cases"] == 4 * 56 + 24
    assert summary["right_teacher_forced"] == summary["ceiling"]
    assert "prompt noise 0.05" in summary["operators"]
