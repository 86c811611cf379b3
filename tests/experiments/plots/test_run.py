import contextlib
import io
import struct
import subprocess
import sys
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import neat
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from neat.genes import DefaultConnectionGene, DefaultNodeGene

from agents.neat.genome_json import genome_to_json
from experiments.config.evolve import EvolveConfig
from experiments.plots.fitness import fitness_figure
from experiments.plots.network import network_figure
from experiments.plots.network_layout import direct_weights, enabled_weights, layers, memory_steps, positions
from experiments.plots.reward import reward_figure
from experiments.plots.roll import classify, roll_figure
from experiments.plots.run import draw_run, plot_run
from experiments.plots.sheet import literal, symmetric_log
from experiments.plots.species import MOST_SPECIES, SpeciesTree, species_figure
from experiments.runs.folder import RunError, RunFolder
from songs.files import write_atomically
from songs.keyboard import KEYS, Grid, Keyboard
from songs.song import Song

NAMES = ("fitness", "species", "network", "roll")
FILES = [f"{name}.{ending}" for name in NAMES for ending in ("png", "svg")]
TITLE = "$x_1$ <b> & $\\frac{$ -- Ёжик"
C4, E4, A4 = 0, 4, 9


def roll_with(onsets: list[tuple[int, int]], steps: int) -> np.ndarray:
    roll = np.zeros((steps, KEYS), dtype=bool)
    for step, key in onsets:
        roll[step, key] = True
    return roll


Links = list[tuple[int, int, float]]


def make_genome(outputs: int, hidden: list[int], connections: Links) -> neat.DefaultGenome:
    genome = neat.DefaultGenome(0)
    for key in [*range(outputs), *hidden]:
        gene = DefaultNodeGene(key)
        gene.bias, gene.response, gene.activation, gene.aggregation, gene.time_constant = (
            -0.5,
            1.0,
            "tanh",
            "sum",
            1.0,
        )
        genome.nodes[key] = gene
    for number, (source, sink, weight) in enumerate(connections):
        gene = DefaultConnectionGene((source, sink), innovation=number)
        gene.weight, gene.enabled = weight, True
        genome.connections[source, sink] = gene
    return genome


# two remembered steps: input -1 - i is key i % 13, two steps back where i < 13
PLAYER = make_genome(KEYS, [20], [(-1, A4, 2.0), (-26, A4, -1.5), (-14, 20, 0.5), (20, E4, 1.0)])
XOR = make_genome(1, [5], [(-1, 0, 1.0), (-2, 0, 1.0), (-1, 5, 3.25), (-2, 5, 1.5), (5, 0, -2.0)])
SONG = roll_with([(0, A4), (4, E4), (8, A4), (10, C4), (12, E4)], 16)
PLAYED = roll_with([(0, A4), (4, E4), (8, A4), (10, E4), (15, C4)], 16)


def add_tables(folder: RunFolder) -> None:
    fitness = ((-900.0, -2000.5, 800.0), (-90.0, -120.0, 60.5), (-3.0, -8.0, 9.0))
    for n, (best, mean, deviation) in enumerate(fitness):
        folder.append(
            "metrics.csv",
            [
                {
                    **{
                        "generation": n,
                        "evaluations": 60 * n + 60,
                        "best_fitness": best,
                        "mean_fitness": mean,
                    },
                    **{
                        "std_fitness": deviation,
                        "best_right": 3 * n,
                        "mean_right": 2.5 * n,
                        "species": 1 + (n > 0),
                    },
                    **{"connections": 4, "hidden": 1, "cpu_seconds": 0.5 * n},
                }
            ],
        )
    rows = ((0, 1, 0, 60), (1, 1, 0, 40), (1, 2, 1, 20), (2, 2, 1, 60))
    columns = ("generation", "species", "ancestor", "members")
    folder.append("species.csv", [dict(zip(columns, row, strict=True)) for row in rows])


def make_run(path: Path, title: str = TITLE) -> RunFolder:
    folder = RunFolder.create(path)
    config = EvolveConfig().change("task", memory=2, prompt=8).change("evolve", selection="truncation")
    config = config.change("species", target_species=2)
    config = config.change("operators", modular_crossover=0.5, loss_weighted_output=0.7, error_reweighting=0.0)
    folder.write_meta("evolve", ["kuznechik"], 0)
    write_atomically(folder.path / "config.toml", config.to_toml())
    folder.write_songs([Song("tune", SONG, title)])
    add_tables(folder)
    write_atomically(folder.path / "best" / "genome.json", genome_to_json(PLAYER, 26, KEYS))
    array = io.BytesIO()
    np.save(array, PLAYED)
    write_atomically(folder.path / "best" / "roll.npy", array.getvalue())
    folder.write_json("summary.json", {"solved": False})
    return folder


def make_xor_run(path: Path) -> RunFolder:
    folder = RunFolder.create(path)
    config = EvolveConfig().change("task", kind="xor")
    folder.write_meta("evolve", ["kuznechik"], 0)
    write_atomically(folder.path / "config.toml", config.to_toml())
    add_tables(folder)
    write_atomically(folder.path / "best" / "genome.json", genome_to_json(XOR, 2, 1))
    return folder


def curves_only(folder: RunFolder) -> RunFolder:
    """Leave of a run what `fitness` needs."""
    for name in ("species.csv", "best/genome.json", "best/roll.npy"):
        (folder.path / name).unlink()
    return folder


def shown_in(figure: Figure) -> str:
    """Return the texts of a figure that was not saved."""
    return "\n".join(text.get_text().replace(r"\$", "$") for text in figure.findobj(Text))


def texts(svg: Path) -> str:
    """Return the texts of an SVG, which matplotlib puts as comments before their outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.parse(svg, parser)
    return unescape("\n".join(node.text.strip() for node in tree.iter() if node.tag is ElementTree.Comment))


def pixels(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    return struct.unpack(">II", data[16:24])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_run(tmp_path_factory.mktemp("drawn") / "run")
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        paths = plot_run(folder)
    assert said.getvalue() == ""
    assert [str(path.relative_to(folder.path / "plots")) for path in paths] == FILES
    return folder.path / "plots"


def test_every_picture_is_written_as_png_and_svg(drawn: Path) -> None:
    assert sorted(path.name for path in drawn.iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("fitness", (1320, 840)),
        ("species", (1080, 218)),
        ("network", (1680, 1116)),  # one row of panels
        ("roll", (1680, 528)),  # one row of eight bars
    ],
)
def test_a_png_has_120_pixels_an_inch(drawn: Path, name: str, size: tuple[int, int]) -> None:
    assert pixels(drawn / f"{name}.png") == size


def test_the_same_run_gives_the_same_bytes_whatever_the_user_style(drawn: Path, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "again")
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 20, "savefig.bbox": "tight"}):
        again = plot_run(folder)
    assert len(again) == 8
    for path in again:
        assert path.read_bytes() == (drawn / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", NAMES)
def test_a_title_is_shown_literally(drawn: Path, name: str) -> None:
    # as a formula it would not even parse; "--" may not stand in an XML comment and is changed there
    assert "tune: $x_1$ <b> & $\\frac{$ " in texts(drawn / f"{name}.svg")


def test_the_caption_names_operators_and_effort(drawn: Path) -> None:
    shown = texts(drawn / "fitness.svg")
    operators = "modular crossover 0.5 with 4 parents, loss-weighted output 0.7"
    assert f"NEAT with {operators}; 180 evaluations, 1.0 CPU seconds; not solved" in shown


def test_the_baselines_of_the_run_are_named(drawn: Path) -> None:
    shown = texts(drawn / "fitness.svg").splitlines()
    assert "ceiling: 7" in shown  # of 8: steps 8 and 15 follow the same two rests but differ
    assert "always rest: 5" in shown  # keys sound at 8, 10 and 12
    assert "loss (squared hinge), lower is better" in shown


def test_the_roll_counts_steps_and_keys_after_the_prompt(drawn: Path) -> None:
    shown = texts(drawn / "roll.svg").splitlines()
    # wrong at 10, 12 and 15
    assert "played alone after the prompt: 5 of 8 steps right (always rest: 5)" in shown
    assert {"keys right: 1", "keys wrong (not in the song): 2", "keys missed (not played): 2"} <= set(shown)
    assert "prompt: 8 steps given" in shown


def test_the_network_has_a_panel_for_each_key_that_is_fed(drawn: Path) -> None:
    shown = texts(drawn / "network.svg").splitlines()
    assert [line for line in shown if line.startswith("into")] == [
        "into E4: 0 direct weights, bias -0.50",
        "into A4: 2 direct weights, bias -0.50",
    ]
    assert "strongest: 2.00" in shown


def test_what_is_missing_is_named_in_one_line_and_the_rest_drawn(tmp_path: Path, capsys) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    plots = folder.path / "plots"
    assert plot_run(folder) == [plots / "fitness.png", plots / "fitness.svg"]
    assert capsys.readouterr().err == (
        f"{folder.path}: not drawn: "
        "species (species.csv is missing: the run was stopped before it was written); "
        "network (best/genome.json is missing: the run was stopped before it was written); "
        "roll (best/roll.npy is missing: the run has no champion yet)\n"
    )


def test_a_run_without_summary_or_songs_still_shows_its_curves(tmp_path: Path) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    (folder.path / "summary.json").unlink()
    (folder.path / "songs" / "tune.mid").unlink()
    shown = shown_in(draw_run(folder)[0]["fitness"])
    assert "no summary: cut short or still running" in " ".join(shown.split())
    assert "grasshopper" in shown.splitlines()  # the name in the configuration
    assert "always rest" not in shown


def test_plain_neat_is_called_so(tmp_path: Path) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    config = EvolveConfig.load("plain-neat").change("task", memory=32, prompt=8)
    folder.write_meta("evolve", ["kuznechik"], 0)
    write_atomically(folder.path / "config.toml", config.to_toml())
    assert "plain NEAT, by neat-python's own genome" in shown_in(draw_run(folder)[0]["fitness"])


def test_an_xor_run_has_a_network_in_columns_and_no_roll(tmp_path: Path) -> None:
    folder = make_xor_run(tmp_path / "run")
    figures, missing = draw_run(folder)
    assert list(figures) == ["fitness", "network"]
    assert missing == []
    assert {"exclusive or", "ceiling: 4", "cases right"} <= set(shown_in(figures["fitness"]).splitlines())
    shown = set(shown_in(figures["network"]).splitlines())
    assert {"input 1", "input 2", "output 1", "hidden 5", "3.25", "1.50", "-2.00"} <= shown


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    (folder.path / "metrics.csv").unlink()
    with pytest.raises(RunError, match=r"run: not drawn: fitness \(metrics.csv is missing"):
        plot_run(folder)
    assert not (folder.path / "plots").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "species.csv",
            "generation,members\n0,60\n",
            "species (species.csv is broken: it has no column species)",
        ),
        ("best/genome.json", "{}", "network (best/genome.json is broken: the genome.format is missing"),
        ("best/roll.npy", "no array", "roll (best/roll.npy is broken: "),
    ],
)
def test_a_broken_file_costs_its_picture_only(tmp_path: Path, name: str, content: str, message: str) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    write_atomically(folder.path / name, content)
    figures, missing = draw_run(folder)
    assert list(figures) == ["fitness"]
    assert message in "; ".join(missing)


def test_a_roll_of_another_song_is_named(tmp_path: Path) -> None:
    folder = curves_only(make_run(tmp_path / "run"))
    np.save(folder.path / "best" / "roll.npy", SONG[:12])
    _, missing = draw_run(folder)
    assert "roll (best/roll.npy is broken: the played roll has the shape (12, 13), the song (16, 13))" in missing


def test_a_broken_configuration_is_an_error(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    folder.write_meta("evolve", ["kuznechik"], 0)
    write_atomically(folder.path / "config.toml", "[task]\ncolour = 1\n")
    with pytest.raises(RunError, match=r"config.toml is broken: unknown key task.colour"):
        plot_run(folder)


def test_cells_are_right_wrong_or_missed() -> None:
    #        step    0  1  2  3
    target = roll_with([(0, 9), (1, 4), (3, 0), (3, 12)], 4)
    played = roll_with([(0, 9), (1, 5), (2, 4), (3, 12)], 4)
    cells = classify(played, target, prompt=1)
    assert np.argwhere(cells["right"]).tolist() == [[0, 9], [3, 12]]
    assert np.argwhere(cells["wrong"]).tolist() == [[1, 5], [2, 4]]
    assert np.argwhere(cells["missed"]).tolist() == [[1, 4], [3, 0]]


def test_a_prompt_that_was_not_given_is_refused() -> None:
    with pytest.raises(ValueError, match="the first 2 steps are given, but differ"):
        classify(roll_with([], 4), roll_with([(1, 0)], 4), prompt=2)


@pytest.mark.parametrize(("steps", "rows"), [(1, 1), (64, 1), (65, 2), (128, 2), (5000, 16)])
def test_a_roll_has_eight_bars_a_row_and_at_most_sixteen_rows(steps: int, rows: int) -> None:
    roll = roll_with([(steps - 1, 3)], steps)
    figure = roll_figure(classify(roll, roll, 0), 0)
    assert len(figure.axes) == rows
    assert figure.axes[-1].get_xlim() == (64 * rows - 64, 64 * rows)


def test_text_cannot_become_a_formula_or_lack_a_glyph() -> None:
    assert literal("a $5 & $b$ <c>\t") == r"a \$5 & \$b\$ <c> "
    assert literal("в траве 漢\x07") == "в траве \N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


def test_pictures_have_the_name_of_a_song_whose_title_the_font_lacks(tmp_path: Path) -> None:
    figures, missing = draw_run(make_run(tmp_path / "run", "千本樱"))
    assert missing == ["the title 千本樱 (the font lacks some of its characters)"]
    assert {figure.texts[0].get_text() for figure in figures.values()} == {"tune"}


def test_bars_of_three_beats_are_drawn_as_such() -> None:
    roll = np.zeros((48, 25), dtype=bool)
    figure = roll_figure(classify(roll, roll, 0), 0, Keyboard(25, 48), Grid(4, 3))
    assert figure.axes[0].get_xticks().tolist() == [0, 12, 24, 36]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][:2] == ["C3", "C#3"]


def test_the_band_of_the_loss_ends_at_the_best_genome() -> None:
    metrics = {
        "generation": np.array([0.0, 1.0]),
        "best_fitness": np.array([-10.0, -4.0]),
        "mean_fitness": np.array([-30.0, -20.0]),
        "std_fitness": np.array([50.0, 6.0]),
        "best_right": np.array([3.0, 5.0]),
        "mean_right": np.array([1.0, 2.0]),
    }
    above, below = fitness_figure(metrics, "wrong keys", 8, 5).axes
    (band,) = below.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert {(0.0, 10.0), (0.0, 80.0), (1.0, 14.0), (1.0, 26.0)} == corners
    assert [line.get_ydata()[0] for line in above.lines] == [3.0, 1.0, 8, 5]


def tree_of(*rows: tuple[int, int, int, int]) -> SpeciesTree:
    """Return the tree of rows of a generation, a species, its ancestor and its members."""
    columns = ("generation", "species", "ancestor", "members")
    return SpeciesTree.of_table(dict(zip(columns, np.array(rows, dtype=float).T, strict=True)))


def test_species_have_the_names_of_their_ancestors() -> None:
    tree = tree_of((0, 7, 0, 4), (0, 2, 0, 6), (1, 7, 0, 3), (1, 8, 2, 5), (1, 9, 7, 2), (2, 10, 9, 5), (2, 12, 7, 5))
    assert tree.names(tree.species.tolist()) == {2: "1", 7: "2", 8: "1.1", 9: "2.1", 10: "2.1.1", 12: "2.2"}
    assert tree.members.tolist() == [[6, 0, 0], [4, 3, 0], [0, 5, 0], [0, 2, 0], [0, 0, 5], [0, 0, 5]]
    chain = tree_of(*((key, key, key - 1, 9) for key in range(1, 11)))
    assert list(chain.names([8, 9, 10]).values()) == ["1.1.1.1.1.1.1.1", "1.1.1.1…1.1.1.1", "1.1.1.1…1.1.1.1"]


def test_a_species_whose_ancestor_is_not_drawn_branches_off_the_one_before() -> None:
    tree = tree_of((0, 1, 0, 9), (1, 2, 1, 9), (2, 3, 2, 9), (2, 4, 1, 9), (3, 5, 3, 9))
    assert tree.branches({1, 4, 5}) == {1: (0, 0), 4: (1, 2), 5: (1, 1)}
    assert list(tree.branches({1, 2, 3, 4, 5})) == [1, 4, 2, 3, 5]  # no line crosses another


def test_a_run_of_before_and_a_damaged_table_have_no_ancestors() -> None:
    old = SpeciesTree.of_table({"generation": np.zeros(2), "species": np.array([1.0, 2.0]), "members": np.ones(2)})
    assert old.names([1, 2]) == {1: "1", 2: "2"}
    assert tree_of((0, 1, 2, 5), (0, 2, 9, 5)).names([1, 2]) == {1: "1", 2: "2"}


def test_a_single_species_in_a_single_generation_is_a_block() -> None:
    (block,) = species_figure(tree_of((0, 1, 0, 60))).axes[0].collections
    assert block.get_paths()[0].get_extents().bounds == pytest.approx((0, -0.45, 1, 0.9))


def test_of_many_species_the_largest_are_drawn() -> None:
    tree = tree_of(*((generation, key, 0, key) for key in range(1, 41) for generation in range(2)))
    shown = {text.get_text() for text in species_figure(tree).axes[0].texts}
    assert shown == {str(key) for key in range(41 - MOST_SPECIES, 41)}


def test_disabled_connections_are_left_out_and_the_strongest_come_last() -> None:
    genome = make_genome(1, [], [(-1, 0, -3.0), (-2, 0, 0.5), (-3, 0, 2.0), (-4, 0, 9.0)])
    genome.connections[-4, 0].enabled = False
    assert list(enabled_weights(genome).items()) == [((-2, 0), 0.5), ((-3, 0), 2.0), ((-1, 0), -3.0)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "memory"),
    [(416, 13, 32), (417, 13, 32), (418, 13, 0), (13, 13, 1), (2, 1, 0), (1, 13, 0)],
)
def test_networks_for_the_keyboard_are_told_by_their_size(inputs: int, outputs: int, memory: int) -> None:
    assert memory_steps(inputs, outputs) == memory


def test_the_memory_stands_like_a_piano_roll_and_the_keys_beside_it() -> None:
    nodes = positions(PLAYER, 27, KEYS)
    assert nodes[-1] == (0.25, C4)  # two steps back
    assert nodes[-10] == (0.25, A4)
    assert nodes[-14] == (0.75, C4)  # one step back
    assert nodes[-27] == (1.0, -1.4)  # the mode bit
    assert nodes[A4] == (1.75, A4)
    assert 1 < nodes[20][0] < 1.75


def test_hidden_nodes_stand_right_of_those_that_feed_them() -> None:
    assert layers([5, 6, 7], [(-1, 5), (7, 5), (5, 6), (7, 6), (6, 0)]) == {7: 0, 5: 1, 6: 2}


def test_a_recurrent_network_is_refused() -> None:
    with pytest.raises(ValueError, match="recurrent"):
        network_figure(make_genome(1, [5, 6], [(5, 6, 1.0), (6, 5, 1.0)]), 2, 1)


def test_direct_weights_are_a_piano_roll_of_the_memory() -> None:
    table = direct_weights(enabled_weights(PLAYER), 2, A4)
    assert table.shape == (KEYS, 2)
    assert table[C4].tolist()[0] == 2.0  # two steps back
    assert table[12].tolist()[1] == -1.5  # one step back
    assert np.isfinite(table).sum() == 2


@pytest.mark.parametrize(("inputs", "outputs"), [(26, KEYS), (27, KEYS), (3, 2), (500, 60)])
def test_a_network_without_connections_can_be_drawn(inputs: int, outputs: int) -> None:
    figure = network_figure(make_genome(outputs, [], []), inputs, outputs)
    figure.canvas.draw()
    assert len(figure.axes) == 1


def test_pyplot_is_not_needed() -> None:
    check = "import sys, experiments.plots.run; sys.exit('matplotlib.pyplot' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", check], cwd=root).returncode == 0


def test_small_rewards_have_round_labels() -> None:
    metrics = {"generation": np.arange(2.0), "reward_a_step": np.array([-0.06, -0.014]), "term_nets": np.zeros(2)}
    figure = reward_figure(metrics, {"silence": -0.07})
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "\N{MINUS SIGN}0.04" in labels
    assert max(map(len, labels)) <= 5


def test_large_losses_leave_no_room_below_them() -> None:
    """The margin of the linear scale, 5% of 2,000 below the least value, would reach -100."""
    axes = Figure().subplots()
    axes.plot([0, 1], [5.0, 2000.0])
    symmetric_log(axes)
    low, high = axes.get_ylim()
    assert 1 < low < 5 < 2000 < high < 10_000
