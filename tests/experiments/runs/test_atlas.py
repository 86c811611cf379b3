"""The atlas by the command: its run resumes, its cells play, and its pages and pictures show it."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.cli import main
from experiments.pages.atlas_view import atlas_group
from experiments.plots.run import draw_run
from experiments.runs.champion import open_run
from experiments.runs.evolve.atlas import BOUNDS, read_atlas
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.source import Playing
from experiments.runs.sources import read_source
from listener.melody_features import FEATURES, features
from listener.theory import highest_keys
from songs.midi import read_midi
from tests.browser import needs_browser, open_page
from tests.experiments.runs.results import metrics, summary

SMALL = ("--prompt", "8", "--memory", "16", "--listener", "theory", "--set", "evolve.algorithm=map_elites")
SMALL += ("--set", "evolve.population_size=20", "--set", "improvise.prior=none", "--set", "map_elites.cells=4")


@pytest.fixture(scope="module")
def song(tmp_path_factory, write_song) -> Path:
    return write_song(tmp_path_factory.mktemp("atlas") / "song.mid", "C.E.G.E.C.D.E...F.E.D.C.G...C...")


def evolve(song: Path, name: str, generations: int, *more: str) -> Path:
    folder = song.parent / name
    budget = ("--set", f"evolve.generations={generations}", "--out", str(folder), "--json")
    assert main(["evolve", str(song), *SMALL, *budget, *more]) == 0
    return folder


@pytest.fixture(scope="module")
def run(song) -> Path:
    return evolve(song, "run", 6)


def test_the_figures_of_the_atlas_are_in_the_table_and_the_summary(run):
    rows, result = metrics(run), summary(run)
    assert result["search"].startswith("MAP-Elites, 4 by 4 cells of notes a bar and repeated bars, over NEAT with ")
    assert [float(row["coverage"]) for row in rows] == sorted(float(row["coverage"]) for row in rows)
    atlas = read_atlas(RunFolder.open(run))
    assert result["coverage"] == float(rows[-1]["coverage"]) == len(atlas.qualities) / 16
    assert result["qd_score"] == pytest.approx(sum(max(0, quality + 4) for quality in atlas.qualities.values()))


def test_a_cell_plays_a_melody_that_belongs_there_and_earns_its_quality(run, kuznechik):
    opened, atlas = open_run(run), read_atlas(RunFolder.open(run))
    for (first, second), quality in atlas.qualities.items():
        roll = read_source(str(run), Playing(cell=(first, second))).songs[0].roll
        (notes,), (low, high) = features(highest_keys(roll[None]))["notes a bar"], atlas.bounds(0, first)
        assert first == 0 or notes >= low
        assert first == 3 or notes < high
        assert opened.improvising.reward(roll[None]) * (len(roll) - 8) == pytest.approx(quality, abs=1e-3)
    out = run.parent / "cell.mid"
    assert kuznechik("play", run, "--cell", f" {first}, {second}", "--out", out).status == 0
    assert len(read_midi(out).onsets) == roll.sum()


def test_the_result_says_how_much_of_the_map_is_filled(song, kuznechik):
    out = kuznechik("evolve", song, *SMALL, "--set", "evolve.generations=1", "--out", song.parent / "told").out
    result = summary(song.parent / "told")
    assert f"Atlas: {result['coverage']:.0%} of the cells are filled, QD score {result['qd_score']:.1f}." in out
    assert "|duet" in out


def test_a_resumed_run_ends_with_the_same_atlas(song, run, kuznechik):
    stopped = evolve(song, "stopped", 3)
    assert kuznechik("evolve", "--resume", stopped, "--set", "evolve.generations=6").status == 0
    for name in ("best/atlas.json", "best/genome.json", "history/champions.jsonl"):
        assert (stopped / name).read_bytes() == (run / name).read_bytes()


def test_the_pictures_show_the_map(run):
    figures, missing = draw_run(RunFolder.open(run))
    assert not missing
    above = figures["atlas"].axes[0]
    assert (above.get_xlabel(), above.get_ylabel()) == ("notes a bar", "repeated bars")
    (mesh,) = above.collections
    assert mesh.get_array().count() == len(read_atlas(RunFolder.open(run)).qualities)
    assert "species" not in figures


def test_the_report_has_a_tile_for_every_cell(run):
    atlas = read_atlas(RunFolder.open(run))
    (melody,) = atlas_group(open_run(run))["melodies"]
    tiles = [tile for row in melody["map"]["tiles"] for tile in row]
    assert (len(tiles), sum(tile is not None for tile in tiles)) == (16, len(atlas.qualities))
    assert sum(tile["best"] for tile in tiles if tile) == 1
    assert len(melody["roll"]["cells_of_map"]) == len(atlas.qualities)


@needs_browser
def test_a_click_on_a_tile_plays_its_cell(run, kuznechik, tmp_path):
    page = tmp_path / "atlas.html"
    assert kuznechik("report", run, "--out", page).status == 0
    assert page.stat().st_size < 3_000_000
    opened = open_page(
        page,
        """
        const tile = document.querySelector("button.tile[aria-pressed=false]");
        tile.click();
        const button = document.querySelector("[data-part]");
        while (button.getAttribute("aria-pressed") !== "true") await new Promise(done => setTimeout(done, 50));
        const pressed = [...document.querySelectorAll(".tile[aria-pressed=true]")].map(one => one.title);
        return [pressed, document.querySelector(".text").textContent, button.getAttribute("aria-pressed"), tile.title];
        """,
    )
    pressed, text, playing, title = opened.answer
    assert (pressed, text, playing) == ([title], title, "true")
    assert opened.complaints == []


def test_an_empty_cell_names_full_ones_and_a_wrong_one_is_a_usage_error(run, kuznechik):
    full = read_atlas(RunFolder.open(run)).genomes
    empty = next((i, j) for i in range(4) for j in range(4) if (i, j) not in full)
    told = kuznechik("play", run, "--cell", "{},{}".format(*empty), "--out", run.parent / "x.mid")
    assert (told.status, told.out) == (2, "")
    assert "is empty; the nearest ones are" in told.err
    assert "there is no cell 99,1: cells are 0,0 to" in kuznechik("play", run, "--cell", "99,1").err
    assert "such as 3,7" in kuznechik("play", run, "--cell", "3;7").err
    assert "needs a run" in kuznechik("play", "grasshopper", "--cell", "3,7").err


def test_a_broken_atlas_is_one_line(run, tmp_path):
    folder = RunFolder.open(run)
    content = json.loads(folder.read_text("best/atlas.json"))
    content["elites"][0]["cell"] = [0, 4]
    broken = RunFolder(tmp_path)
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "atlas.json").write_text(json.dumps(content))
    with pytest.raises(RunError, match="atlas.json is broken: the atlas.elites"):
        read_atlas(broken)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("map_elites.features=notes a bar",), "name two of entropy, "),
        (("map_elites.features=notes a bar,speed",), "name two of entropy, "),
        (("improvise.listener=",), "add --listener learned"),
        (("task.mode_bit=true",), "only networks of evolve.algorithm = 'neat'"),
        (("improvise.prior=ngram",), "it is not a melody model"),
    ],
)
def test_what_makes_no_atlas_is_refused(song, kuznechik, tmp_path, settings, message):
    options = [part for setting in settings for part in ("--set", setting)]
    told = kuznechik("evolve", song, *SMALL, *options, "--out", tmp_path / "none")
    assert told.status == 2
    assert message in told.err


def test_every_feature_has_bounds():
    assert set(FEATURES) < set(BOUNDS)
    melodies = np.where(np.arange(128) % 3 == 0, 4, -1).astype(np.int8)[None]
    assert set(BOUNDS) == set(features(melodies))
    assert all(low < high for low, high in BOUNDS.values())
