"""The report of runs with a listener, and the overlay of runs of several kinds."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="learns by deep Q-learning: pip install 'kuznechik[torch]'")

from experiments.pages.improvised_view import improvised
from experiments.pages.overlay import overlay_figure
from experiments.plots.terms import terms_figure
from experiments.runs.champion import open_run
from experiments.runs.folder import RunFolder
from tests.browser import needs_browser, open_page

SMALL = ("--memory", 4, "--prompt", 4)
EVOLVE = ("--set", "evolve.population_size=20", "--set", "species.target_species=2", "--set", "improvise.starts=3")
DQN = ("network.hidden=16", "dqn.batch_size=8", "dqn.learning_starts=20", "dqn.evaluate_every=40", "dqn.steps=160")
CALLS = {
    "evolved": ("evolve", *EVOLVE, "--set", "evolve.generations=5"),
    "learned": ("dqn", *(part for setting in DQN for part in ("--set", setting))),
}
PAID = {
    "evolved-listener": (*CALLS["evolved"], "--listener", "theory"),
    "learned-listener": (*CALLS["learned"], "--listener", "theory"),
    "switch": (*CALLS["evolved"], "--listener", "theory", "--mode-bit"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory, write_song, call_quietly) -> dict[str, Path]:
    """Return runs of every kind of one song, by name; how well they play does not matter."""
    folder = tmp_path_factory.mktemp("runs")
    song = write_song(folder / "pulse.mid", "C...C...C...C...C...C...")
    for name, (verb, *options) in {**CALLS, **PAID}.items():
        call_quietly(verb, song, *SMALL, *options, "--checkpoint-every", 0, "--out", folder / name, "--json")
    return {name: folder / name for name in (*CALLS, *PAID)}


@pytest.fixture(scope="module")
def overview(runs, call_quietly) -> Path:
    path = runs["evolved"].parent / "all.html"
    call_quietly("report", *runs.values(), "--out", path)
    return path


@pytest.mark.parametrize("name", PAID)
def test_the_reward_is_shown_beside_its_baselines(runs, name):
    shown, run = improvised(open_run(runs[name])), open_run(runs[name])
    rolls = run.improvising.play(run.player())
    assert [tile["name"] for tile in shown["tiles"]] == [
        "reward per step",
        "silence gets",
        "random keys get",
        "the song itself gets",
    ]
    assert shown["tiles"][0]["value"] == f"{run.improvising.reward(rolls):.3g}"
    (melody,) = shown["group"]["melodies"]
    assert [note[:2] for note in melody["roll"]["notes"]["played"]] == np.argwhere(rolls[0]).tolist()
    assert melody["legend"]["played"] == f"keys played {int(rolls[0, 4:].sum())}"


@pytest.mark.parametrize("name", PAID)
def test_the_page_speaks_of_steps_right_only_where_a_song_was_learned(overview, name):
    article = next(text for text in overview.read_text().split("<article")[1:] if f"<h2>{name}: " in text)
    assert "Listen: the improvisation" in article
    assert "Rewards of the listener for this melody" in article
    assert ("steps right, playing alone" in article) == (name == "switch")
    assert article.count('<section class="melody">') == (2 if name == "switch" else 1)


def test_terms_are_drawn_step_by_step():
    terms = {"key": np.array([0.0, -1, 0, 2]), "repeated_motif": np.array([3.0, 0, 0, -100])}
    figure = terms_figure(terms, prompt=1)
    above, below, scale = figure.axes
    assert above.lines[0].get_ydata()[:4].tolist() == [3, -1, 0, -98]
    assert below.collections[0].get_array().tolist() == [[0, -1, 0, 2], [3, 0, 0, -100]]
    assert [label.get_text() for label in below.get_yticklabels()] == ["key", "repeated motif"]
    assert (above.get_ylabel(), below.get_xlabel(), below.get_ylabel()) == ("all terms,\nper step", "bar", "term")
    assert scale.get_ylabel() == "reward"


def test_a_learned_run_stands_in_the_overlay_beside_an_evolved_one(runs):
    folders = [RunFolder(runs[name]) for name in CALLS]
    (axes,) = overlay_figure(folders).axes
    evolved, learned = axes.lines
    assert (evolved.get_label(), learned.get_label()) == ("evolved", "learned")
    table = folders[0].read_table("metrics.csv")
    assert evolved.get_xdata().tolist() == (20 * table["evaluations"]).tolist()
    assert evolved.get_ydata().tolist() == table["best_right"].tolist()
    table = folders[1].read_table("metrics.csv")
    assert learned.get_xdata().tolist() == table["step"].tolist() == [40, 80, 120, 160]
    assert learned.get_ydata().tolist() == table["right_teacher_forced"].tolist()
    assert axes.get_xlabel() == "environment steps"
    assert axes.get_ylabel() == "steps right"


def test_runs_with_a_listener_are_compared_by_their_rewards(runs):
    figure = overlay_figure([RunFolder(path) for path in runs.values()])
    drawn = {axes.get_ylabel(): [line.get_label() for line in axes.lines] for axes in figure.axes}
    assert drawn["reward per step"] == list(PAID)
    assert drawn["steps right"] == [*CALLS, "switch"]


@needs_browser
@pytest.mark.parametrize("width", [500, 1200])
def test_all_kinds_stand_on_one_page(overview, runs, width):
    probe = """
    const rows = [...document.querySelectorAll("tbody tr td:first-child")].map(cell => cell.textContent);
    const button = [...document.querySelectorAll("#run3 button")][0];
    await piano.open();
    button.click();
    await new Promise(done => setTimeout(done, 300));
    return { rows, playing: players.filter(one => one.playing).length, canvases: players.length,
             sideways: [document.documentElement, ...document.querySelectorAll(".wide, .frame")]
                       .some(part => part.scrollWidth > part.clientWidth) };
    """
    opened = open_page(overview, probe, width=width)
    assert opened.complaints == []
    assert opened.answer == {"rows": list(runs), "playing": 1, "canvases": 6, "sideways": False}
