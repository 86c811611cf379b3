"""The film of a run for its report: what earlier champions play on their own, and their networks.

Conventions: a *stage* is plain data for JSON: `label`; `legend`, texts by the kind of cell; `cells` and `played`, the
cells and notes as in `experiments.pages.roll_view`; `links`, the connections of the network as lists of x, y, x, y and
weight, x from the oldest step, 0, to the outputs, 1, and y from the lowest key, 0, to the highest, 1.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np

from agents.neat.genome_json import genome_from_columns, genome_from_json, genome_to_columns
from agents.neat.network import hidden_nodes
from agents.rollout import play_on
from experiments.plots.network_layout import OUTPUT_X, Position, enabled_weights, positions
from experiments.runs.breed.choices import CHOICES, read_choices
from experiments.runs.champion import Run
from experiments.runs.history import read_history
from experiments.runs.stages import at_stage

MOST_STAGES = 40
MOST_STEPS = 10_000
"""Maximum number of steps played for a page: the longer a melody, the fewer stages."""
MOST_LINKS = 250
"""Maximum number of connections drawn for a network; the strongest ones are kept."""
WORDS = {
    "take_modules": "whole outputs of other networks",
    "mix_genes": "genes of both parents",
    "split_connection": "a node in a connection",
    "delete_node": "a hidden node deleted",
    "add_connections": "connections added",
    "delete_connection": "a connection deleted",
    "change_values": "weights or biases changed",
}
"""Descriptions of operators, by name."""

Melody = dict[str, Any]
Line = TypeVar("Line")


def stages(run: Run, played: np.ndarray, melody_of: Callable[[np.ndarray], Melody], most: int) -> list[dict[str, Any]]:
    """Return the stages of a run, ending with its champion; empty if no earlier champions were kept.

    Args:
        run: A run of evolution or a DQN.
        played: What the champion plays, (T, K) bool.
        melody_of: Returns the page's melody for another roll.
        most: Maximum number of stages.
    """
    kept = read_history(run.folder)
    if not kept:
        return []
    champion = _champion(run, played, "genome" in kept[-1])
    lines = kept if champion.items() <= kept[-1].items() else [*kept, champion]
    return [_stage(at_stage(run, line), line, melody_of) for line in spread(lines, len(played), most)]


def bred_stages(run: Run, melody_of: Callable[[np.ndarray], Melody], most: int) -> list[dict[str, Any]]:
    """Return a stage for each choice of a run bred by ear: the melody chosen first."""
    if not (run.folder.path / CHOICES).exists():  # a star
        return []
    shown = []
    for choice in spread(read_choices(run.folder.path), run.songs[0].steps, most):
        first, *others = (index + 1 for index in choice.chosen)
        label = f"generation {choice.generation}, network {first} of {len(choice.rolls)}, chosen"
        label += f" first, then {', '.join(map(str, others))}" if others else ""
        shown.append(stage(label, melody_of(choice.rolls[first - 1]), []))
    return shown


def spread(lines: Sequence[Line], steps: int, most: int) -> list[Line]:
    """Return some of the lines, evenly spaced from the first to the last, for melodies of `steps` steps."""
    count = max(2, min(most, MOST_STEPS // steps, len(lines)))
    return [lines[index] for index in np.unique(np.linspace(0, len(lines) - 1, count).round().astype(int))]


def _champion(run: Run, played: np.ndarray, evolved: bool) -> dict[str, Any]:
    """Return the champion as a line of the film, without figures."""
    if evolved:
        return {"genome": genome_to_columns(*genome_from_json(run.folder.read_text("best/genome.json")))}
    return {"roll": [np.flatnonzero(keys).tolist() for keys in played]}


def _stage(run: Run, line: Mapping[str, Any], melody_of: Callable[[np.ndarray], Melody]) -> dict[str, Any]:
    task, prompt, steps = run.task, *_beginning(run)
    played = play_on(run.player(), prompt, steps, task.remembered, improvise=not run.memorised)
    melody = melody_of(played)
    label = [*(f"{name} {line[name]}" for name in ("generation", "step") if name in line)] or ["the champion"]
    if run.memorised:
        right = int((played == run.songs[0].roll).all(axis=1)[task.prompt :].sum())
        label.append(f"{right} of {steps - task.prompt} steps right, playing alone")
    else:
        label += [f"reward {line[name]:.3f}" for name in ("fitness", "reward") if name in line]
    links: list[list[float]] = []
    if "genome" in line:
        genome, inputs, outputs = genome_from_columns(line["genome"])
        hidden, weights = len(hidden_nodes(genome, outputs)), enabled_weights(genome)
        label += [f"{hidden} hidden node{'' if hidden == 1 else 's'}", f"{len(weights)} connections", *_family(line)]
        with suppress(ValueError):  # a recurrent network has no layers
            position = positions(genome, inputs, outputs, played.shape[1])
            links = _links(position, [*weights.items()][-MOST_LINKS:], played.shape[1])
    return stage(", ".join(label), melody, links)


def stage(label: str, melody: Melody, links: list[list[float]]) -> dict[str, Any]:
    """Return a stage."""
    legend, cells, notes = melody["legend"], melody["roll"]["cells"], melody["roll"]["notes"]["played"]
    return {"label": label, "legend": legend, "cells": cells, "played": notes, "links": links}


def _family(line: Mapping[str, Any]) -> list[str]:
    """Return the number of a network, its parents' numbers and the operators that made it, if the line has them."""
    parents = [str(key) for key in dict.fromkeys(line.get("parents", ()))]
    made = [WORDS.get(name, name.replace("_", " ")) for name in line.get("operators", ())]
    family = [f"network {line['key']}, child of {' and '.join(parents)}"] if parents else []
    return [*family, *([f"made by: {', '.join(made)}"] if made else [])]


def _beginning(run: Run) -> tuple[np.ndarray, int]:
    """Return the prompt of the melody shown, and its steps."""
    if run.memorised:
        return run.songs[0].roll[: run.task.prompt], run.songs[0].steps
    starts = run.improvisation().starts
    return starts.prompts[0], starts.steps


def _links(
    position: Mapping[int, Position], weights: Sequence[tuple[tuple[int, int], float]], keys: int
) -> list[list[float]]:
    """Return connections as the page draws them."""
    return [
        [*_point(position[source], keys), *_point(position[sink], keys), round(weight, 2)]
        for (source, sink), weight in weights
    ]


def _point(position: Position, keys: int) -> tuple[float, float]:
    """Return a position of the layout as x and y from 0 to 1; the mode bit is below all keys."""
    return round(position[0] / OUTPUT_X, 4), round(max(0.0, (position[1] + 0.5) / keys), 4)
