"""`kuznechik vae ...` from files to files, and one line for every mistake."""

import json
import re
import shutil
from importlib.metadata import version

import numpy as np
import pytest
import torch
from mido import Message, MetaMessage, MidiFile, MidiTrack

from experiments.cli import main
from experiments.musicvae import riffs
from experiments.musicvae.files import find_file
from songs.midi import encode_midi, read_score
from tests.vae.melodies import tiny, write_tune, write_tunes
from tests.vae.test_seed_checkpoint import seed_state
from vae.checkpoint import load_model, save_model
from vae.dataset import read_split
from vae.melody import read_piece
from vae.model import make_model

SMALL = [
    part
    for setting in (
        "model.latent=8",
        "model.encoder_width=32",
        "model.conductor_width=32",
        "model.decoder_width=10",
        "training.evaluations=2",
    )
    for part in ("--set", setting)
]


@pytest.fixture
def data(vae_runs):
    """The data sets, and `two`, a run on that of 2 bars."""
    return vae_runs


@pytest.fixture
def model(tmp_path):
    save_model(tmp_path / "model.safetensors", make_model(tiny()), {"name": "tiny"})
    return str(tmp_path / "model.safetensors")


def fails(capsys, *arguments) -> str:
    """Return the one line that a wrong call of `vae` gives."""
    return fails_of(capsys, "vae", *arguments)


def fails_of(capsys, *arguments) -> str:
    """Return the one line that a wrong call gives."""
    capsys.readouterr()
    try:
        status = main(list(map(str, arguments)))
    except SystemExit as end:
        status = end.code
    captured = capsys.readouterr()
    assert (status, captured.out, captured.err.count("\n")) == (2, "", 1)
    return captured.err


def test_data_is_made_listed_and_deleted(data, capsys, tmp_path):
    name = "2bars-pianoroll-transposed"
    shutil.copytree(data / "data" / name, tmp_path / "data" / name)
    assert main(["vae", "show-datasets", "-s", "--data", str(tmp_path / "data"), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in listed] == [name]
    assert listed[0]["statistics"]["notes_a_bar"] > 2
    assert main(["vae", "show-datasets", "--data", str(tmp_path / "data")]) == 0
    assert "2bars-pianoroll-transposed" in capsys.readouterr().out
    (tmp_path / "data" / "2bars-pianoroll-transposed" / "mine.txt").write_text("keep")
    assert "also contains other files (mine.txt)" in fails(
        capsys, "delete-dataset", 2, "-pt", "--data", tmp_path / "data"
    )
    (tmp_path / "data" / "2bars-pianoroll-transposed" / "mine.txt").unlink()
    assert main(["vae", "delete-dataset", "2", "-pt", "--data", str(tmp_path / "data")]) == 0
    assert not list((tmp_path / "data").iterdir())


def test_one_split_alone_is_written(data, tmp_path):
    arguments = ["generate-dataset", "test", "2", "1", "-p", "--midi", str(data / "midi"), "--data", str(tmp_path)]
    assert main(["vae", *arguments]) == 0
    assert sorted(path.name for path in (tmp_path / "2bars-pianoroll-allkeys").iterdir()) == [
        "dataset.json",
        "test.npz",
    ]


def test_a_run_is_judged_resumed_and_exported(data, capsys, tmp_path):
    run = shutil.copytree(data / "two", tmp_path / "run")
    common = ["--data", str(data / "data")]
    assert main(["vae", "train", "--resume", str(run), "--set", "training.epochs=3", "--json"]) == 0
    capsys.readouterr()
    assert main(["vae", "evaluate", "2", "-pt", "--model", str(run), "-n", "20", *common]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert set(figures["statistics"]) == {"real", "samples"}
    assert 0 <= figures["reconstruction"]["free_running"] <= 1
    out = tmp_path / "small.safetensors"
    told = ["--licence", "made by hand", "--hardware", "a toaster"]
    assert main(["vae", "export", str(run), str(out), *common, *told]) == 0
    card = out.with_suffix(".md").read_text()
    assert "licence of the data: made by hand" in card
    assert "- trained on a toaster\n" in card
    assert "free running" in card
    about = load_model(out)[1]
    assert about["figures"]["reconstruction"]["windows"] > 0
    assert about["versions"]["torch"] == version("torch")
    assert "provenance" not in about, "no platform, no folders of this machine"


def test_a_run_is_like_every_run(data, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = shutil.copytree(data / "two", tmp_path / "run")
    assert {"config.toml", "meta.json", "metrics.csv", "summary.json", "data.json"} <= {
        each.name for each in run.iterdir()
    }
    assert json.loads((run / "summary.json").read_text())["stopped"] == "finished"
    for call in (["plot", run], ["play", run], ["repeat", run]):
        assert main(list(map(str, call))) == 0, call
    out = capsys.readouterr().out
    assert "losses.png" in out
    assert "best/model.safetensors: the same to the byte" in out
    assert (tmp_path / "run.wav").read_bytes()[:4] == b"RIFF"
    assert "performs no song" in fails_of(capsys, "score", run)


def test_a_run_killed_before_its_first_checkpoint_begins_again_to_the_same_bits(data, tmp_path):
    run = shutil.copytree(data / "two", tmp_path / "run")
    shutil.rmtree(run / "checkpoints")
    shutil.rmtree(run / "best")
    (run / "summary.json").unlink()
    assert main(["vae", "train", "--resume", str(run), "--json"]) == 0
    for name in ("best/model.safetensors", "best/model.json", "history/champions.jsonl"):
        assert (run / name).read_bytes() == (data / "two" / name).read_bytes()


def test_a_run_whose_data_set_has_changed_is_not_resumed(data, capsys, tmp_path):
    run = shutil.copytree(data / "two", tmp_path / "run")
    other = json.loads((run / "data.json").read_text())
    (run / "data.json").write_text(json.dumps({**other, "pieces": 3}))
    assert "is not the data set that" in fails(capsys, "train", "--resume", run)


def test_an_option_is_read_by_its_old_name(data, capsys, tmp_path):
    arguments = ["train", "1", "16", "2", "-pt", *SMALL, "--set", "beta=0.3", "--set", "model.hear_bar=true"]
    assert main(["vae", *arguments, "--data", str(data / "data"), "--out", str(tmp_path / "run"), "--json"]) == 0
    assert "the option beta is now called training.beta" in capsys.readouterr().err
    text = (tmp_path / "run" / "config.toml").read_text()
    assert "beta = 0.3" in text
    assert "hear_bar = true" in text


def test_a_prior_is_learned_for_a_trained_model(data, capsys, tmp_path):
    out = tmp_path / "prior.safetensors"
    arguments = [str(data / "two"), "--minutes", "0.01", "--layers", "1", "--width", "16", "--out", str(out)]
    assert main(["vae", "train-prior", *arguments, "--data", str(data / "data"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["steps"] > 0
    base, learned = load_model(data / "two" / "best" / "model.safetensors")[0], load_model(out)[0]
    assert base.prior is None
    assert learned.prior is not None
    own = learned.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in base.state_dict().items())


def test_a_prior_is_learned_from_a_source_of_the_data_set(data, capsys, tmp_path):
    arguments = [str(data / "two"), "--minutes", "0.01", "--out", str(tmp_path / "x.safetensors")]
    wrong = fails(capsys, "train-prior", *arguments, "--of", "pop", "--data", data / "data")
    assert "--of pop: the sources of the data set are midi" in wrong


def test_a_model_begins_with_the_parameters_of_another(data, capsys, tmp_path):
    arguments = ["train", "1", "16", "2", "-pt", *SMALL, "--data", str(data / "data"), "--out", str(tmp_path / "run")]
    assert main(["vae", *arguments, "--initialize", str(data / "two"), "--set", "training.learning_rate=1e-8"]) == 0
    first, second = (load_model(path / "best" / "model.safetensors")[0] for path in (data / "two", tmp_path / "run"))
    best, _ = load_model(data / "two" / "best" / "model.safetensors")
    distance = max((a - b).abs().max().item() for a, b in zip(best.parameters(), second.parameters(), strict=True))
    assert distance < 1e-5
    assert first.config == second.config


def test_samples_are_written_as_midi_and_wav(model, tmp_path, capsys):
    place = tmp_path / "a" / "tune.mid"
    assert main(["vae", "sample", "2", "-ptv", "--model", model, "-s", str(place), "-n", "2", "--seed", "3"]) == 0
    assert sorted(path.name for path in place.parent.iterdir()) == [
        "tune-1.mid",
        "tune-1.wav",
        "tune-2.mid",
        "tune-2.wav",
        "tune.png",
    ]
    assert read_score(place.with_name("tune-1.mid")).end == 8 * 480
    assert place.with_name("tune-1.wav").read_bytes()[:4] == b"RIFF"
    first = place.with_name("tune-1.mid").read_bytes()
    assert main(["vae", "sample", "2", "-pt", "--model", model, "-s", str(place), "--seed", "3", "--no-wav"]) == 0
    assert len(read_score(place).track_names) == 1
    assert place.with_name("tune-1.mid").read_bytes() == first


def test_samples_without_a_place_never_take_that_of_earlier_ones(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (2, 1, 3):
        assert main(["vae", "sample", "2", "-pt", "--model", model, "-n", str(number), "--no-wav"]) == 0
    names = sorted(path.name for path in (tmp_path / "vae-out").iterdir())
    assert names == ["sample-1-1.mid", "sample-1-2.mid", "sample-2.mid", *(f"sample-3-{n}.mid" for n in (1, 2, 3))]


def test_a_riff_is_reconstructed(model, tmp_path, capsys):
    out = tmp_path / "again"
    arguments = ["-pt", "-n", "2", "--start_sequence=smoke.midi", "--model", model, "-s", str(out), "--no-wav"]
    assert main(["vae", "reconstruct", "2", *arguments]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "original.mid",
        "reconstruction-1.mid",
        "reconstruction-2.mid",
    ]
    assert "of the steps equal the original" in capsys.readouterr().out
    roll = read_piece(out / "original.mid").segments[0][0]
    assert roll[:8].tolist() == [43, 43, 43, 43, 46, 46, 46, 46]  # G and B flat of C minor are E and G of A minor


def test_a_melody_of_the_test_set_is_reconstructed_where_none_is_named(data, model, tmp_path, capsys):
    arguments = ["-pt", "--model", model, "--data", str(data / "data"), "--no-wav", "--seed", "3"]
    for name in ("one", "other"):
        assert main(["vae", "reconstruct", "2", *arguments, "-s", str(tmp_path / name)]) == 0
    assert "the original is melody" in capsys.readouterr().err
    first = (tmp_path / "one" / "original.mid").read_bytes()
    assert (tmp_path / "other" / "original.mid").read_bytes() == first
    test = read_split(data / "data" / "2bars-pianoroll-transposed", "test").windows.roll
    assert (read_piece(tmp_path / "one" / "original.mid").segments[0][0] == test).all(axis=1).any()


def test_a_song_of_the_catalogue_is_taken_by_name_and_its_length_chooses_the_model(tmp_path, capsys):
    out = tmp_path / "again"
    assert main(["vae", "reconstruct", "grasshopper", "-s", str(out), "--no-wav"]) == 0
    assert read_score(out / "original.mid").end == 64 * 480
    assert main(["vae", "reconstruct", "2", "grasshopper", "-s", str(tmp_path / "two"), "--no-wav"]) == 0
    assert re.search(r"grasshopper.mid: bars \d+-\d+ of 16$", capsys.readouterr().err, re.MULTILINE)


def test_samples_differ_from_call_to_call_and_the_printed_seed_repeats_them(tmp_path, capsys):
    seeds = []
    for name in ("one", "other"):
        assert main(["vae", "sample", "2", "-s", str(tmp_path / f"{name}.mid"), "--no-wav", "--json", "--page"]) == 0
        seeds.append(json.loads(capsys.readouterr().out)["seed"])
        assert f"--page --seed {seeds[-1]}<" in (tmp_path / f"{name}.html").read_text()
    again = tmp_path / "again.mid"
    assert main(["vae", "sample", "2", "-s", str(again), "--no-wav", "--seed", str(seeds[0])]) == 0
    assert f"To repeat: --seed {seeds[0]}" in capsys.readouterr().out
    notes = [read_score(path).melodic().tolist() for path in (tmp_path / "one.mid", tmp_path / "other.mid", again)]
    assert notes[0] == notes[2] != notes[1]


def test_an_interpolation_has_both_ends_and_the_steps_between(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        called = ["vae", "interpolate", "2", "3", "-ptv", "-e", "smoke.midi", "--model", model, "--no-wav", "--page"]
        assert main([*called, "--tempo", "60"]) == 0
        out = tmp_path / "vae-out" / f"interpolate-{number}"
        steps = ["step-1.mid", "step-2.mid", "step-3.mid"]
        assert sorted(path.name for path in out.iterdir()) == [
            "end.mid",
            "picture.html",
            "picture.png",
            "start.mid",
            *steps,
        ]
    (roll,) = re.findall(r"<script type=.application/json.>(.*?)</script>", (out / "picture.html").read_text())
    shown = json.loads(roll)
    assert shown["titles"] == ["start", "step-1", "step-2", "step-3", "end"]
    assert (shown["steps"], shown["part"], shown["seconds"]) == (5 * 32, 32, 0.25)


def test_a_melody_is_moved_along_an_attribute(model, tmp_path, capsys):
    write_tunes(tmp_path / "high", 2, seed=1)
    write_tunes(tmp_path / "low", 2, seed=2)
    folders = ["--having", str(tmp_path / "high"), "--lacking", str(tmp_path / "low")]
    out = ["--model", model, "-s", str(tmp_path / "out"), "--amounts=-2,0.5", "--json", "-f", "lick"]
    assert main(["vae", "attribute", "2", "-pt", *folders, *out]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [path.rsplit("/", 1)[1] for path in files] == [
        "amount--2.mid",
        "amount--2.wav",
        "amount-0.5.mid",
        "amount-0.5.wav",
    ]


def test_kept_bars_of_a_melody_stay_and_the_others_are_new(tmp_path, capsys):
    path, out = tmp_path / "tune.mid", tmp_path / "out"
    write_tune(path, [60, 64, 67, 72, 71, 67, 62, 67, 65, 69, 72, 69, 67, 64, 62, 60])
    assert main(["vae", "infill", str(path), "--keep", "1,4", "-n", "2", "--seed", "1", "-s", str(out)]) == 0
    rolls = [
        read_piece(out / f"{name}.mid").segments[0][0].reshape(4, 16) for name in ("original", "infill-1", "infill-2")
    ]
    for made in rolls[1:]:
        assert (made[[0, 3]] == rolls[0][[0, 3]]).all()
        assert (made[[1, 2]] != rolls[0][[1, 2]]).any()
    assert (rolls[1] != rolls[2]).any()
    assert "--keep 9: the melody has 4 bars" in fails(capsys, "infill", path, "--keep", "2-3,9")
    assert "write bar numbers from 1 to 16, as in 1,4 or 1-8,13-16" in fails(capsys, "infill", path, "--keep", "4-2")
    assert "write FILE, as in" in fails(capsys, "infill", 2, "--keep", "1")


def test_a_checkpoint_of_the_seed_becomes_a_model(tmp_path, capsys):
    torch.save({"last_vae_state_dict": seed_state()}, tmp_path / "vae.tar")
    out = tmp_path / "imported.safetensors"
    assert main(["vae", "import-checkpoint", str(tmp_path / "vae.tar"), "2", "--out", str(out)]) == 0
    assert main(["vae", "sample", "2", "-p", "--model", str(out), "-s", str(tmp_path / "x.mid")]) == 0


def test_of_a_longer_melody_bars_are_taken_and_a_shorter_one_is_refused(model, tmp_path, capsys):
    path = tmp_path / "long.mid"
    write_tune(path, [60, 62, 64, 65] + [67, 65, 64, 60] * 2)
    taken = {}
    for bars in ((), ("--bars", "1"), ("--bars", "1-2")):
        out = tmp_path / f"out{len(taken)}"
        arguments = ["-p", "-f", str(path), *bars, "--model", model, "--no-wav", "-s", str(out)]
        assert main(["vae", "reconstruct", "2", *arguments]) == 0
        said = capsys.readouterr().err
        assert f"bars {2 - bool(bars)}-{3 - bool(bars)} of 3" in said
        taken[bars] = read_score(out / "original.mid").melodic()["pitch"].tolist()
    assert taken[()] == [67, 65, 64, 60] * 2
    assert taken["--bars", "1"] == taken["--bars", "1-2"] == [60, 62, 64, 65, 67, 65, 64, 60]
    path = tmp_path / "short.mid"
    write_tune(path, [60, 62, 64, 65])
    assert "has 1 bars, but the model needs 2" in fails(capsys, "reconstruct", 2, "-pt", "-f", path, "--model", model)
    assert "no riff of the project (beethoven" in fails(capsys, "reconstruct", 2, "no.mid", "--model", model)
    assert "has 1 bars from bar 1 on, but models have 2, 4, 8 or 16" in fails(capsys, "reconstruct", path)
    assert "a.mid, b.mid: write one FILE" in fails(capsys, "reconstruct", 2, "a.mid", "-f", "b.mid")


def test_of_a_polyphonic_file_the_top_line_is_taken_and_that_is_said(model, tmp_path, capsys):
    notes = [(beat, 1, pitch) for beat in range(8) for pitch in (48, 72 + beat % 3)]
    path = tmp_path / "chords.mid"
    path.write_bytes(encode_midi(np.array(notes, dtype=float), 8))
    out = tmp_path / "out"
    assert main(["vae", "reconstruct", "2", "-p", "-f", str(path), "--model", model, "-s", str(out), "--no-wav"]) == 0
    assert "chords.mid: 8 notes below others left out" in capsys.readouterr().err
    assert set(read_score(out / "original.mid").melodic()["pitch"].tolist()) == {72, 73, 74}
    (tmp_path / "bad.mid").write_bytes(b"RIFF")
    both = ("-f", path, "-e", tmp_path / "bad.mid", "--model", model, "-s", tmp_path / "way")
    assert "bad.mid: is not a MIDI file" in fails(capsys, "interpolate", 2, 2, "-p", *both)
    assert "has 1 bars in 2-2, but the model needs 2" in fails(
        capsys, "reconstruct", 2, "-p", "--bars", "2-2", *both[:2], *both[4:]
    )


def test_a_track_is_named_in_any_encoding_and_by_number(model, tmp_path, capsys):
    parts = [[60, 62, 64, 65] * 2, [48, 43, 48, 43] * 2]
    names = ["Мелодия", "Бас"]
    tracks = []
    for name, part in zip(names, parts, strict=True):
        track = MidiTrack([MetaMessage("track_name", name=name.encode("cp1251").decode("latin-1"))])
        for pitch in part:
            track += [Message("note_on", note=pitch, velocity=64), Message("note_off", note=pitch, time=480)]
        tracks.append(track)
    path = tmp_path / "parts.mid"
    MidiFile(type=1, ticks_per_beat=480, tracks=tracks).save(path)
    for number, track in enumerate(((), ("--track", "Бас"), ("--track", "2"))):
        out = tmp_path / str(number)
        arguments = ["-p", "-f", str(path), *track, "--model", model, "--no-wav", "-s", str(out)]
        assert main(["vae", "reconstruct", "2", *arguments]) == 0
        assert f"parts.mid: track {2 if track else 1} '{names[bool(track)]}'" in capsys.readouterr().err
        assert read_score(out / "original.mid").melodic()["pitch"].tolist() == parts[bool(track)]


def test_mistakes_are_one_line(model, data, tmp_path, capsys):
    common = ["--data", data / "data"]
    assert "choose 2, 4, 8, 16 bars" in fails(capsys, "sample", 3, "-pt")
    assert "comes with the project; there are" in fails(capsys, "sample", 16, "--onsets")
    assert "is of 2 bars as pianoroll, not of 4" in fails(capsys, "sample", 4, "-pt", "--model", model)
    assert "--temperature: -1: it must be" in fails(capsys, "sample", 2, "-pt", "--model", model, "--temperature", -1)
    assert "is a folder: sample's -s is the MIDI" in fails(capsys, "sample", 2, "-pt", "--model", model, "-s", tmp_path)
    file = tmp_path / "file"
    file.write_text("x")
    arguments = ["interpolate", 2, 1, "-pt", "--model", model, "-s", file]
    assert "is a file: for this action, -s must be a folder" in fails(capsys, *arguments)
    assert "no such data set" in fails(capsys, "train", 1, 8, 16, "-pt", *common)
    assert "write section.key=value" in fails(capsys, "train", 1, 8, 2, "-pt", "--set", "wings=2", *common)
    wrong = "unknown key model.wings: [model] has bars, representation, latent"
    assert wrong in fails(capsys, "train", 1, 8, 2, "-pt", "--set", "model.wings=2", *common)
    wrong = "model.latent = 'x': it must be a whole number"
    assert wrong in fails(capsys, "train", 1, 8, 2, "-pt", "--set", "model.latent=x", *common)
    assert "no architecture 'huge'" in fails(capsys, "train", 1, 8, 2, "-pt", "--architecture", "huge", *common)
    assert "already exists" in fails(capsys, "train", 1, 8, 2, "-pt", "--out", data / "two", *common)
    assert "write EPOCHS BATCH BARS" in fails(capsys, "train", 1, 8, *common)
    assert "--epochs does not go with --resume" in fails(capsys, "train", 1, 8, 2, "-pt", "--resume", data / "two")
    assert "--seed does not go with --resume" in fails(capsys, "train", "--resume", data / "two", "--seed", 4)
    assert "--device abacus: " in fails(capsys, "sample", 2, "-pt", "--model", model, "--device", "abacus")
    assert "contains no data sets" in fails(capsys, "show-datasets", "--data", tmp_path)
    assert "no such folder" in fails(capsys, "generate-dataset", "all", 2, 1, "--midi", tmp_path / "none")


def test_a_width_that_its_heads_cannot_share_is_one_line(data, capsys, tmp_path):
    common = ["--data", data / "data"]
    train = ["train", 1, 16, 2, "-pt", "--set", "model.conductor_width=100", "--out", tmp_path / "run", *common]
    assert "a width of 100 cannot be shared by 3 heads: choose 96 or 128" in fails(capsys, *train)
    assert not (tmp_path / "run").exists()


def test_an_export_without_its_data_writes_nothing(data, capsys, tmp_path):
    out = tmp_path / "out" / "x.safetensors"
    assert "no such data set" in fails(capsys, "export", data / "two", out, "--data", tmp_path)
    assert not out.parent.exists()
    for action in (["export", tmp_path / "none", out], ["train-prior", tmp_path / "none", "--minutes", 1]):
        assert "none: no such run folder or .safetensors file" in fails(capsys, *action)


def test_little_data_and_truncated_files_are_one_line(tmp_path, capsys):
    write_tune(tmp_path / "midi" / "a.mid", [60, 62, 64, 65] * 2)
    arguments = ["generate-dataset", "all", 2, 1, "-pt", "--midi", tmp_path / "midi", "--data", tmp_path]
    assert "too little data for windows of 2 bars" in fails(capsys, *arguments)
    whole = (tmp_path / "midi" / "a.mid").read_bytes()
    (tmp_path / "midi" / "a.mid").write_bytes(whole[:60])
    assert "none of the 1 MIDI files can be used; the first:" in fails(capsys, *arguments)
    (tmp_path / "vae.tar").write_bytes(b"PK\3\4 cut off")
    wrong = fails(capsys, "import-checkpoint", tmp_path / "vae.tar", 2, "--out", tmp_path / "x.safetensors")
    assert "vae.tar: " in wrong


@pytest.mark.parametrize(
    ("name", "onsets"),
    [
        ("smoke", [(0, 67), (1, 70), (2, 72), (3.5, 67), (4.5, 70), (5.5, 73), (6, 72)]),
        ("lick", [(0, 62), (0.5, 64), (1, 65), (1.5, 67), (2, 64), (3, 60), (3.5, 62)]),
        ("beethoven", [(0.5, 67), (1, 67), (1.5, 67), (2, 63), (4.5, 65), (5, 65), (5.5, 65), (6, 62)]),
    ],
)
def test_the_riffs_are_two_bars_of_held_notes(name, onsets):
    score = read_score(find_file(f"{name}.midi"))
    notes = score.melodic()
    assert list(zip((notes["onset"] / 480).tolist(), notes["pitch"].tolist(), strict=True)) == onsets
    assert (notes["onset"] + notes["length"]).tolist() == [*notes["onset"][1:].tolist(), 8 * 480]
    assert (score.ticks_per_beat, score.end) == (480, 8 * 480)


def test_the_riffs_files_are_those_of_their_pages(tmp_path, monkeypatch):
    folder = find_file("smoke.midi").parent
    shutil.copytree(folder, tmp_path / "riffs")
    for path in (tmp_path / "riffs").glob("*.midi"):
        path.unlink()
    monkeypatch.setattr(riffs, "default_folder", lambda: tmp_path)
    riffs.main()
    for path in folder.glob("*.midi"):
        assert (tmp_path / "riffs" / path.name).read_bytes() == path.read_bytes()
