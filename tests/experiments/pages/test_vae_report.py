"""The report of VAEs: losses, melodies beside their rebuilds, a way to listen through, and new melodies."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="trains a VAE: pip install 'kuznechik[torch]'")

import torch

from experiments.pages.overlay import vae_overlay
from experiments.pages.report import has_ended
from experiments.pages.vae_view import BETWEEN, REBUILT, SAMPLES, melody_view, vae_view
from experiments.plots.run import draw_run
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.history import HISTORY, read_history
from songs.keyboard import pitch_number
from tests.browser import needs_browser, open_page
from vae.checkpoint import load_model
from vae.sampling import reconstruct
from vae.tokens import PIANO_ROLL, REST


@pytest.fixture(scope="module")
def folder(vae_runs) -> Path:
    """Return a folder with a data set and two runs on it, one of them of four bars."""
    return vae_runs


@pytest.fixture(scope="module")
def page(folder, call_quietly) -> Path:
    call_quietly("report", folder / "two")
    return folder / "two" / "report.html"


@pytest.fixture(scope="module")
def overview(folder, call_quietly) -> Path:
    call_quietly("report", folder / "two", folder / "four", "--out", folder / "both.html")
    return folder / "both.html"


def test_the_page_holds_the_run(page, folder):
    text = page.read_text()
    for part in ("MusicVAE of 2 bars", "<strong>finished</strong>", "always resting gets", "KL, nats per melody"):
        assert part in text
    assert "kuznechik vae train 2 16 2 -pt --set model.latent=8" in text
    assert "[training]" in text  # the configuration
    assert "torch 2." in text
    assert text.count("data:image/png;base64,") == 1  # the losses
    addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", text)
    assert all(address.startswith("data:") for address in addresses)
    assert page.stat().st_size < 2_000_000


def test_melodies_of_the_test_stand_beside_their_rebuilds(folder):
    rebuilt, way, new, _ = vae_view(RunFolder(folder / "two"))["groups"]
    assert "never trained on" in rebuilt["text"]
    assert len(rebuilt["melodies"]) == 2 * REBUILT
    for original, again in zip(rebuilt["melodies"][::2], rebuilt["melodies"][1::2], strict=True):
        assert original["roll"]["names"] == again["roll"]["names"]
        # the tunes are quarters: 8 notes of 4 steps, fewer where a note is repeated
        assert sum(length for *_, length in original["roll"]["notes"]["played"]) == 32
        share = same_steps(original["roll"], again["roll"]).mean()
        assert again["text"] == f"{share:.0%} of the steps equal the original"
    roll = way["melodies"][0]["roll"]
    assert (roll["steps"], roll["part"], len(roll["titles"])) == (32 * (BETWEEN + 2), 32, BETWEEN + 2)
    assert [each["parts"]["played"] for each in new["melodies"]] == [f"sample {n}" for n in range(1, SAMPLES + 1)]


def same_steps(original: dict, again: dict) -> np.ndarray:
    """Return where two rolls sound alike, (T,) bool."""
    sounds = []
    for roll in (original, again):
        keys = np.full(roll["steps"], -1000)
        for step, key, length in roll["notes"]["played"]:
            keys[step : step + length] = key
        sounds.append(keys)
    return sounds[0] == sounds[1]


def test_a_note_is_marked_where_it_is_another():
    tokens = np.full((2, 32), REST)
    tokens[0, :4], tokens[0, 8:10], tokens[1, 30:] = 39, 43, 51  # C4, E4 and C5
    same = np.ones((2, 32), dtype=bool)
    same[0, 3] = False
    melody = melody_view(PIANO_ROLL, tokens, "listen", (0, 12), same)
    roll = melody["roll"]
    wrong, right = (roll["kinds"].index(kind) for kind in ("wrong", "right"))
    assert roll["cells"] == [[0, 0, wrong, 4], [8, 4, right, 2], [62, 12, right, 2]]
    assert roll["notes"] == {"played": [[0, 0, 4], [8, 4, 2], [62, 12, 2]]}
    assert (roll["steps"], roll["part"], roll["bar"], roll["seconds"]) == (64, 32, 16, 0.125)
    assert melody["legend"] == {"right": "notes as in the original: 2", "wrong": "other notes: 1"}
    assert (roll["names"][0], roll["names"][4], roll["names"][12]) == ("C4", "E4", "C5")


def test_the_film_shows_a_melody_as_each_best_model_rebuilt_it(folder):
    *_, film = vae_view(RunFolder(folder / "two"))["groups"]
    original, rebuilt = film["melodies"]
    stages = rebuilt["roll"]["stages"]
    steps = [line["step"] for line in read_history(RunFolder(folder / "two"))]
    assert [int(stage["label"].split()[1].rstrip(",")) for stage in stages] == steps
    assert steps == sorted(set(steps))
    model, about = load_model(folder / "two" / "best" / "model.safetensors")
    assert about["steps"] == steps[-1]
    tokens = np.array(read_history(RunFolder(folder / "two"))[-1]["melody"])
    assert original["roll"] == melody_view(model.config.form, tokens[None], "", keys_of(original))["roll"]
    again = reconstruct(model, torch.from_numpy(tokens[None])).numpy()
    last = melody_view(model.config.form, again, "", keys_of(original))["roll"]["notes"]["played"]
    assert stages[-1]["played"] == rebuilt["roll"]["notes"]["played"] == last


def test_a_broken_film_is_named(folder, tmp_path):
    run = shutil.copytree(folder / "two", tmp_path / "run")
    line = json.loads((run / HISTORY).read_text().splitlines()[0])
    (run / HISTORY).write_text(json.dumps({**line, "tokens": [0, 1]}) + "\n")
    with pytest.raises(RunError, match="length of its melodies is not the model's"):
        vae_view(RunFolder(run))


def keys_of(melody: dict) -> tuple[int, int]:
    """Return the lowest and the highest key that a melody's roll has."""
    lowest, highest = (pitch_number(melody["roll"]["names"][end]) - 60 for end in (0, -1))
    return lowest, highest


def test_without_the_data_set_riffs_are_rebuilt(folder, tmp_path):
    rebuilt = vae_view(RunFolder(folder / "four"), tmp_path)["groups"][0]
    assert "The project's riffs" in rebuilt["text"]
    assert "no such data set" in rebuilt["text"]
    lick = next(each for each in rebuilt["melodies"] if each["parts"]["played"] == "lick, original")["roll"]
    once = [[0, -3, 2], [2, -1, 2], [4, 0, 2], [6, 2, 2], [8, -1, 4], [12, -5, 2], [14, -3, 18]]  # in A minor
    # the piano roll cannot tell the end of the first time from the beginning of the second
    again = [[32 + step, key, length] for step, key, length in once]
    again[0], once[-1] = [], [14, -3, 20]
    assert lick["notes"]["played"] == once + again[1:]
    assert [lick["names"][row] for _, row, *_ in lick["cells"][:7]] == ["A3", "B3", "C4", "D4", "B3", "G3", "A3"]


def test_another_data_set_of_the_same_name_is_not_taken(folder, tmp_path):
    place = shutil.copytree(folder / "data" / "2bars-pianoroll-transposed", tmp_path / "2bars-pianoroll-transposed")
    assert "never trained on" in vae_view(RunFolder(folder / "two"), tmp_path)["groups"][0]["text"]
    meta = json.loads((place / "dataset.json").read_text())
    (place / "dataset.json").write_text(json.dumps({**meta, "seed": 1}))
    assert "is not the run's data set" in vae_view(RunFolder(folder / "two"), tmp_path)["groups"][0]["text"]


def test_several_are_compared_by_their_losses(overview, folder):
    text = overview.read_text()
    assert "<h2>All runs</h2>" in text
    for number, name in enumerate(("two", "four"), start=1):
        assert f'<a href="#run{number}">{name}</a>' in text
    figure = vae_overlay([RunFolder(folder / "two"), RunFolder(folder / "four")])
    losses = figure.axes[0].lines
    assert [line.get_label() for line in losses] == ["two", "four"]
    assert losses[0].get_ydata().tolist() == RunFolder(folder / "two").read_table("metrics.csv")["loss"].tolist()
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert figure.axes[-1].get_xlabel() == "training step"


def test_kinds_are_not_mixed(kuznechik, folder, solved):
    called = kuznechik("report", folder / "two", solved, "--out", folder / "mixed.html")
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert f"{folder / 'two'} is a VAE run and {solved} is not: their curves cannot be compared" in called.err
    assert not (folder / "mixed.html").exists()


def test_a_run_ends_with_its_summary(folder, tmp_path):
    run = shutil.copytree(folder / "two", tmp_path / "run")
    assert has_ended(RunFolder(run))
    (run / "summary.json").unlink()
    assert not has_ended(RunFolder(run))
    assert vae_view(RunFolder(run))["state"] == "still running, or killed"


@pytest.mark.parametrize("name", ["best/model.safetensors", "best/model.json"])
def test_a_damaged_model_is_told_in_one_line(kuznechik, folder, tmp_path, name):
    run = shutil.copytree(folder / "two", tmp_path / "run")
    (run / name).write_bytes((run / name).read_bytes()[:50])
    called = kuznechik("report", run)
    assert (called.status, called.out, called.err.count("\n")) == (2, "", 1)
    assert str(run / name) in called.err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("kl", "other"), "it has no column kl"),
        (("step", "stop"), "it has no column step"),
        (("\n", ",\n"), "is broken"),
        (("0.", "1e308"), "cannot be drawn"),
    ],
)
def test_a_table_that_cannot_be_drawn_is_left_out_and_named(folder, tmp_path, change, reason):
    run = shutil.copytree(folder / "two", tmp_path / "run")
    (run / "metrics.csv").write_text((run / "metrics.csv").read_text().replace(*change))
    figures, missing = draw_run(RunFolder(run))
    assert figures == {}
    assert reason in missing[0]


def test_a_report_says_what_could_not_be_drawn(kuznechik, folder, tmp_path):
    run = shutil.copytree(folder / "two", tmp_path / "run")
    (run / "metrics.csv").write_text((run / "metrics.csv").read_text().replace("0.", "1e308"))
    called = kuznechik("report", run, folder / "two", "--out", tmp_path / "both.html")
    assert (called.status, called.err) == (0, "")
    assert "Not drawn: losses (metrics.csv is broken: the numbers of" in (tmp_path / "both.html").read_text()


@needs_browser
def test_all_melodies_play_in_a_browser(page):
    opened = open_page(
        page,
        """
        await piano.open();
        const heard = [], wait = () => new Promise(done => setTimeout(done, 300));
        const sections = [...document.querySelectorAll(".melody")];
        for (const section of sections) {
          const button = section.querySelector("button");
          button.click();
          await wait();
          const player = players.find(one => one.playing);
          const first = player.sounding[0], roll = JSON.parse(section.querySelector("script").textContent);
          const { buffer, playbackRate } = first.source, [, key] = roll.notes.played[0];
          const sounds = piano.keys[piano.tones.indexOf(buffer)] + Math.round(12 * Math.log2(playbackRate.value));
          heard.push([player.sounding.length, roll.notes.played.length, sounds, key]);
          button.click();
        }
        return { heard, sideways: document.documentElement.scrollWidth > innerWidth,
                 wide: sections.every(one => one.querySelector("canvas").clientWidth > 300) };
        """,
    )
    assert opened.complaints == []
    answer = opened.answer
    assert len(answer["heard"]) == 2 * REBUILT + 1 + SAMPLES + 2  # of the film
    for sounding, notes, sounds, key in answer["heard"]:
        assert sounding == notes > 0
        assert sounds == key
    assert (answer["sideways"], answer["wide"]) == (False, True)


@needs_browser
def test_a_phone_need_not_scroll_sideways(overview):
    probe = """
    document.querySelector(".frame img").click();
    return [innerWidth, document.documentElement.scrollWidth, document.querySelectorAll(".frame .large").length];
    """
    opened = open_page(overview, probe, width=500)
    assert opened.complaints == []
    assert opened.answer[1] <= opened.answer[0]
    assert opened.answer[2] == 1
