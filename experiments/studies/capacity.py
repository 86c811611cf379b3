"""The capacity of one network: evolve one for 10, 30, 100, ... songs and let it play all of them.

The network is evolved by cooperative per-key evolution (`per_key`), which looks at inputs and targets and is not plain
NEAT. A song counts as whole if the champion plays it from its prompt to its end without a mistake, free running.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agents.other_searches.per_key.and_network import AndPlayer
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.per_key_evolution import PerKeyEvolution
from agents.other_searches.per_key.prompt_noise import flipped, song_cases
from agents.rollout import continue_prompts
from songs.song import Song

ALWAYS_NODES_FROM = 50
"""Number of songs at which AND nodes are used from the start, instead of trying linear units first."""
GENERATIONS = 5000
"""Budget; an unfinished network is still measured. 1000 songs take about 130 generations."""
GROWING = ("cpu_seconds", "connections", "hidden")
"""Columns whose growth with the number of songs is fitted."""


@dataclass(frozen=True)
class Row:
    """Measurements of one network."""

    songs: int
    whole: int
    """Songs played without a mistake, free running."""
    steps: int
    """Steps to play, without the prompts."""
    hidden: int
    """AND nodes."""
    connections_before: int
    """Connections before pruning, into outputs and into AND nodes."""
    connections: int
    cpu_seconds: float
    """CPU time for cases, evolution and pruning, without playing."""
    evaluations: int
    whole_after_wrong_note: float | None = None
    """Share of songs played whole after a prompt with one wrong note, over the changes of all songs."""


@dataclass(frozen=True)
class Setting:
    """Settings shared by all networks of a curve."""

    memory: int = 128
    prompt: int = 8
    seed: int = 0
    prompt_noise: float = 0.0
    noisy_copies: int = 60
    wrong_notes: int = 0
    """Number of prompts with one wrong note played for each song; 0: none."""


def measure(
    songs: Sequence[Song], setting: Setting, report: Callable[[int, int], None], stop: Callable[[], bool]
) -> Row | None:
    """Evolve one network and let it play.

    Args:
        songs: Songs to learn.
        setting: Memory, prompt, seed and noise.
        report: Called after every generation with the number of steps right and the total.
        stop: Called after every generation; returns True to stop.

    Returns:
        The measurements, or None if stopped.
    """
    begin = time.process_time()
    rolls = [song.roll for song in songs]
    noise, copies = setting.prompt_noise, setting.noisy_copies
    cases = song_cases(rolls, setting.memory, setting.prompt, noise, copies, setting.seed)
    nodes = "always" if len(songs) >= ALWAYS_NODES_FROM or noise else "auto"
    judged = sum(len(roll) - setting.prompt for roll in rolls)
    search = PerKeyEvolution(cases, PerKeyOptions(hidden=nodes), setting.seed, judged)
    before = 0
    while not search.solved and search.generation < GENERATIONS:
        before = search.connections
        report(search.step().best_right, judged)
        if stop():
            return None
    cpu_seconds = time.process_time() - begin
    assert search.champion is not None, "it exists after the first step"
    player = AndPlayer(search.champion, setting.memory, songs[0].keyboard.keys)
    return Row(
        songs=len(songs),
        whole=int(plays_whole(player, rolls, rolls, setting).sum()),
        steps=judged,
        hidden=search.hidden,
        connections_before=before,
        connections=search.connections,
        cpu_seconds=round(cpu_seconds, 2),
        evaluations=search.evaluations,
        whole_after_wrong_note=after_wrong_notes(player, rolls, setting) if setting.wrong_notes else None,
    )


def plays_whole(
    player: AndPlayer, prompts: Sequence[np.ndarray], rolls: Sequence[np.ndarray], setting: Setting
) -> np.ndarray:
    """Return, for each song, True if it is played without a mistake after its prompt, free running.

    Args:
        player: The network.
        prompts: Rolls that start with the prompts.
        rolls: The songs.
        setting: Memory and prompt.
    """
    given = np.stack([roll[: setting.prompt] for roll in prompts])
    played = continue_prompts(player, given, max(map(len, rolls)), setting.memory)
    after = slice(setting.prompt, None)
    return np.array(
        [np.array_equal(song[: len(roll)][after], roll[after]) for song, roll in zip(played, rolls, strict=True)]
    )


def after_wrong_notes(player: AndPlayer, rolls: Sequence[np.ndarray], setting: Setting) -> float:
    """Return the share of songs played whole after a prompt with one flipped cell."""
    cells = setting.prompt * rolls[0].shape[1]
    random = np.random.default_rng(np.random.SeedSequence((setting.seed, cells)))
    whole = []
    for roll in rolls:
        changes = random.choice(cells, min(setting.wrong_notes, cells), replace=False)
        prompts = [flipped(roll, change) for change in changes.tolist()]
        whole.append(plays_whole(player, prompts, [roll] * len(prompts), setting).mean())
    return round(float(np.mean(whole)), 4)


def growth_exponents(rows: Sequence[Row]) -> dict[str, float]:
    """Return the exponents e of n ** e between the last two rows, for n songs; only for columns that are nonzero there.

    Small numbers of songs are not informative, because fixed costs dominate.
    """
    if len(rows) < 2:
        return {}
    before, last = rows[-2:]
    columns = {name: (getattr(before, name), getattr(last, name)) for name in GROWING}
    grown = math.log(last.songs / before.songs)
    return {name: round(math.log(many / few) / grown, 3) for name, (few, many) in columns.items() if few and many}


def summarise(rows: Sequence[Row], setting: Setting, left_out: dict[str, int]) -> dict:
    """Return a curve as plain data."""
    return {
        "search": "cooperative modular per-key evolution, not plain NEAT; it looks at inputs and targets",
        "setting": asdict(setting),
        "rows": [asdict(row) for row in rows],
        "growth_exponents": growth_exponents(rows),
        "left_out": left_out,
    }


def draw(rows: Sequence[Row], setting: Setting, path: Path) -> None:
    """Draw a curve as PNG: connections, nodes and seconds over the number of songs."""
    from matplotlib.figure import Figure

    from experiments.figures import write_figure

    figure = Figure(figsize=(10, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    songs = [row.songs for row in rows]
    exponents = growth_exponents(rows)
    size = {"connections_before": "connections before pruning", "connections": "connections", "hidden": "AND nodes"}
    for axes, columns in ((left, size), (right, {"cpu_seconds": "CPU seconds"})):
        for (name, label), marker, colour in zip(
            columns.items(), "ovs", ("#999999", "#0072B2", "#E69F00"), strict=False
        ):
            grows = f", songs^{exponents[name]:.2f}" if name in exponents else ""
            values = [getattr(row, name) or np.nan for row in rows]
            axes.plot(songs, values, marker=marker, color=colour, label=label + grows)
        axes.set(xlabel="songs in one network", xscale="log", yscale="log")
        axes.grid(color="#e4e4e4", which="both")
        axes.legend(frameon=False)
    left.set_ylabel("number")
    right.set_ylabel("CPU seconds on one core")
    figure.suptitle(f"Capacity: memory {setting.memory} steps, prompt {setting.prompt}, seed {setting.seed}")
    write_figure(figure, path, 120)
