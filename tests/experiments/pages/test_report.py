"""The report: complete, self-contained, harmless, and alive in a real browser."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.runs.champion import open_run
from experiments.runs.folder import RunFolder
from experiments.runs.scores import score
from songs.keyboard import KEYS
from songs.song import Song
from tests.browser import needs_browser, open_page

TITLE = """Кузнечик "<script>document.title='ran'</script>" & sons"""


@pytest.fixture(scope="module")
def evolved(tmp_path_factory, quick_runs) -> list[Path]:
    """Return two runs of one small song: one that solved it and one that stopped at once."""
    folder = tmp_path_factory.mktemp("runs")
    roll = np.eye(KEYS, dtype=bool)[[0, 4, 7, 4, 0, 4, 7, 12, 0, 4]] & (np.arange(10) % 2 == 0)[:, None]
    song = Song("tune", roll, TITLE, tempo_changes=((4, 60.0),))
    song.write(folder / "tune.mid")
    return quick_runs(folder, folder / "tune.mid")


@pytest.fixture(scope="module")
def page(evolved, call_quietly) -> Path:
    call_quietly("report", evolved[0])
    return evolved[0] / "report.html"


@pytest.fixture(scope="module")
def overview(evolved, call_quietly, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pages") / "all.html"
    call_quietly("report", *evolved, "--out", path)
    return path


def test_the_page_holds_the_run(page):
    text = page.read_text()
    for part in ("steps right, playing alone", "always resting gets", "a random player gets", "possible"):
        assert part in text
    assert "kuznechik evolve" in text
    assert "[evolve]" in text  # the configuration
    assert "neat-python 2.0.0" in text
    assert text.count("data:image/png;base64,") == 2  # fitness, network; the one species is no picture


def test_nothing_is_loaded_from_anywhere(page, overview):
    for one in (page, overview):
        addresses = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"'\s>)]+)""", one.read_text())
        assert addresses
        assert all(address.startswith(("data:", "#run")) for address in addresses)
        assert one.stat().st_size < 5_000_000


def test_a_title_is_text(page):
    text = page.read_text()
    assert "<script>document.title" not in text
    assert "&lt;script&gt;document.title=" in text


def test_several_runs_stand_in_a_table(overview, evolved):
    text = overview.read_text()
    assert "<h2>All runs</h2>" in text
    for number, run in enumerate(evolved, start=1):
        assert f'<a href="#run{number}">{run.name}</a>' in text
    assert "not solved" in text


def test_a_run_that_learned_no_song_has_no_player(kuznechik, tmp_path):
    kuznechik("evolve", "--config", "xor", "--set", "evolve.generations=3", "--out", tmp_path / "xor")
    called = kuznechik("report", tmp_path / "xor")
    assert called.out == f"{tmp_path / 'xor' / 'report.html'}\n"
    assert "<canvas" not in (tmp_path / "xor" / "report.html").read_text()


def test_a_growing_run_is_watched_until_it_ends(evolved, tmp_path):
    folder = RunFolder(shutil.copytree(evolved[0], tmp_path / "growing"))
    summary = folder.path / "summary.json"
    kept = summary.rename(tmp_path / "kept.json")
    command = [sys.executable, "-m", "experiments", "report", str(folder.path), "--watch", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as watching:
        first = Path(watching.stdout.readline().strip()).read_text()
        kept.rename(summary)
        *_, last = watching.stdout
    assert watching.returncode == 0
    assert '<meta http-equiv="refresh" content="1">' in first
    assert "still running" in first
    text = Path(last.strip()).read_text()
    assert 'http-equiv="refresh"' not in text
    assert "still running" not in text


@pytest.mark.parametrize("seconds", ["0", "-3", "nan", "x"])
def test_a_watch_needs_seconds(kuznechik, evolved, seconds):
    called = kuznechik("report", evolved[0], "--watch", seconds)
    assert (called.status, called.err.count("\n")) == (2, 1)


def test_what_is_no_run_is_named(kuznechik, tmp_path):
    called = kuznechik("report", tmp_path / "nothing")
    assert (called.status, called.err.count("\n")) == (2, 1)


@needs_browser
def test_the_page_plays_in_a_browser(page):
    opened = open_page(
        page,
        """
        await piano.open();
        const peak = Math.max(...piano.tones.map(tone => Math.max(...tone.getChannelData(0))));
        const heard = [], wait = () => new Promise(done => setTimeout(done, 300));
        const [champion, song] = document.querySelectorAll("button");
        for (const button of [champion, song]) {
          players[0].pause();
          players[0].place = 0;  // a player goes on from where it was, which depends on the clock
          button.click();
          await wait();
          heard.push(players[0].sounding.length);
        }
        const playing = players[0].playing, pressed = song.getAttribute("aria-pressed");
        song.click();
        await wait();
        const times = [0, 4, 5.5].map(step => players[0].time(step));
        return { tones: piano.tones.length, times, peak, playing, pressed, heard, after: players[0].playing,
                 title: document.title, sideways: document.documentElement.scrollWidth > innerWidth };
        """,
    )
    answer = opened.answer
    assert opened.complaints == []
    assert (answer["tones"], answer["playing"], answer["pressed"], answer["after"]) == (6, True, "true", False)
    assert answer["times"] == [0, 1, 1.75]  # a quarter of a second a step, and half a second after the fourth
    # four steps of memory do not tell where the tune ends: the champion goes on, and the ceiling is below the song
    assert answer["heard"] == [8, 5]
    assert 0.3 < answer["peak"] < 0.6
    assert answer["title"].startswith("Кузнечик")
    assert not answer["sideways"]


@needs_browser
@pytest.mark.parametrize("width", [1280, 500])  # headless Chromium has no narrower window
def test_the_film_of_a_run_is_seen_and_heard(page, width):
    opened = open_page(
        page,
        """
        const slider = document.querySelector("input"), label = document.querySelector(".film output");
        const champion = document.querySelector("button"), links = document.querySelector(".links");
        const pictures = new Set(), seen = [];
        players[0].play = async notes => { players[0].given = notes.length; };
        for (const stage of [0, slider.max]) {
          slider.value = stage;
          slider.dispatchEvent(new Event("input"));
          champion.click();
          pictures.add(links.toDataURL());
          const legend = [...document.querySelectorAll(".legend span")].map(one => one.hidden ? "" : one.textContent);
          seen.push([label.textContent, legend, players[0].given, champion.textContent]);
        }
        return { seen, pictures: pictures.size, sideways: document.documentElement.scrollWidth > innerWidth };
        """,
        width,
    )
    assert opened.complaints == []
    (first, first_legend, first_notes, name), (last, last_legend, last_notes, last_name) = opened.answer["seen"]
    run = open_run(page.parent)
    right, played = score(run)["right_free_running"], run.folder.read_roll()
    assert first.startswith("generation 0, ")
    assert (name, last_name) == ("generation 0", "the champion")
    figures = rf"{right} of 14 steps right, playing alone, \d+ hidden nodes?, \d+ connections"
    figures += r", network \d+, child of \d+( and \d+)?, made by: [a-z ,]+"
    assert re.fullmatch(rf"generation \d+, {figures}", last)
    assert last_legend[0] == f"right {int((played & run.songs[0].roll)[2:].sum())}"
    assert first_legend[:3] != last_legend[:3]
    assert last_notes == played.sum() != first_notes
    assert (opened.answer["pictures"], opened.answer["sideways"]) == (2, False)


def test_a_run_of_before_has_no_film(kuznechik, evolved, tmp_path):
    shutil.copytree(evolved[0], tmp_path / "old", ignore=shutil.ignore_patterns("history", "report.html"))
    assert kuznechik("report", tmp_path / "old").status == 0
    text = (tmp_path / "old" / "report.html").read_text()
    assert '<section class="melody">' in text
    assert 'type="range"' not in text


@needs_browser
def test_a_phone_need_not_scroll_sideways(overview):
    opened = open_page(overview, "return [innerWidth, document.documentElement.scrollWidth];", width=500)
    assert opened.complaints == []
    assert opened.answer[1] <= opened.answer[0]


def test_sources_that_are_no_runs_are_shown_and_played_beside_one(kuznechik, solved, tune, tmp_path):
    page = tmp_path / "page.html"
    options = ("--melodies", 2, "--keys", 25, "--grid", 4)
    assert kuznechik("report", solved, tune, "random", *options, "--out", page).status == 0
    text = page.read_text()
    assert "<h1>3 sources</h1>" in text
    assert "<h2>random</h2>" in text
    assert text.count('<section class="melody">') == 1 + 1 + 2
    assert text.count('"names": ["C3", "C#3"') == 3  # of the file and of random, on 25 keys
    assert "2 melodies" in text
    assert kuznechik("report", "none", "--out", tmp_path / "none.html").err.startswith("kuznechik: no song 'none'")
