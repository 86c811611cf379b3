"""The duet page: a visitor and the champion of a run play in turns or together."""

import json
from pathlib import Path
from typing import Any

from agents.neat.metre_player import MetrePlayer
from agents.neat.recurrent_network import RecurrentNetwork
from experiments.pages.page import fill, sounds
from experiments.runs.champion import Run, open_run
from experiments.runs.folder import RunError, RunFolder
from songs.files import write_atomically
from songs.instrument import tone
from songs.keyboard import Keyboard
from songs.piano_roll import read_lags
from songs.synth import Instrument

LETTERS = "awsedftgyhujk"
"""Computer keys that are laid out like piano keys, starting from a C."""


def write_duet(folder: RunFolder, path: Path, instrument: Instrument = tone) -> None:
    """Write the page, which plays sounds of an instrument.

    Raises:
        RunError: The run has no champion that plays, or one that cannot run in a page.
    """
    write_atomically(path, duet_page(open_run(folder.path), instrument))


def duet_page(run: Run, instrument: Instrument = tone) -> str:
    """Return the page; raise RunError as `write_duet` does."""
    run.player()
    song, task = run.songs[0], run.task
    prompt = song.grid.steps_per_bar if run.bred else task.prompt
    data = {
        "network": network_data(run),
        "lags": read_lags(task.lags) or list(range(task.memory, 0, -1)),
        "mode_bit": task.mode_bit,
        "bar_bits": run.performer.bar_bits if isinstance(run.performer, MetrePlayer) else 0,
        "one_voice": run.bred,
        "prompt": max(prompt, 1),
        "tempo": round(min(max(song.tempo_bpm, 40), 200)),
        "keys": song.keyboard.keys,
        "lowest": song.keyboard.lowest_pitch,
        "per_quarter": song.grid.steps_per_quarter,
        "names": song.keyboard.names,
        "letters": LETTERS,
        "bar": song.grid.steps_per_bar,
        "beat": song.grid.steps_per_beat,
        "opening": song.roll[:prompt].astype(int).tolist(),
    }
    title = song.title or song.name
    if len(run.songs) > 1:
        title += f" and {len(run.songs) - 1} more songs"
    keys = _keys(song.keyboard)
    shown = {"title": title, "memorised": run.memorised, "keys": keys, "data": data, "sounds": sounds(instrument)}
    shown["step"] = f"{song.grid.name[:-1]} notes" if song.grid.name.endswith("hs") else song.grid.name
    shown["seen"] = f"the steps {task.lags} back" if task.lags else f"the last {task.memory} steps"
    shown["bred"] = run.bred
    return fill("duet.html", ("player.js", "network.js", "midi.js", "duet.js"), **shown)


def network_data(run: Run) -> dict[str, Any]:
    """Return a champion in the format of the page's `network.js`.

    Raises:
        RunError: The champion is recurrent, or plays with a prior or by a plan.
    """
    if run.task.plan:
        raise RunError(f"{run.folder.path}: it plays by a plan, which the page does not support; try kuznechik play")
    if getattr(run.performer, "prior", None):
        raise RunError(f"{run.folder.path}: it plays with a prior, which the page does not support; try kuznechik play")
    if run.folder.read_meta().get("experiment") == "dqn":
        player: Any = run.performer  # a `QPlayer`
        return _layers(player.network)
    genome = json.loads(run.folder.read_text("best/genome.json"))
    if isinstance(getattr(run.performer, "network", None), RecurrentNetwork):
        raise RunError(f"{run.folder.path}: a recurrent network has its own memory, which the page does not support")
    nodes = [{name: node[name] for name in ("key", "bias", "response", "activation")} for node in genome["nodes"]]
    links = [[one["from"], one["to"], one["weight"]] for one in genome["connections"] if one["enabled"]]
    return {"kind": "graph", "nodes": nodes, "links": links}


def _layers(network) -> dict[str, Any]:
    """Return a Q-network without its state value, which shifts all choices of a branch equally."""
    linear = [layer for layer in network.body if hasattr(layer, "weight")] + [network.advantage]
    body = [{"weights": layer.weight.tolist(), "biases": layer.bias.tolist()} for layer in linear]
    return {"kind": "layers", "body": body, "choices": network.choices, "leak": network.LEAK}


def _keys(keyboard: Keyboard) -> list[dict[str, Any]]:
    """Return the piano's keys from left to right; `place` is the number of white keys to the left."""
    keys, white = [], 0
    for key in range(keyboard.keys):
        black = key in keyboard.black_keys
        keys.append({"black": black, "place": white})
        white += not black
    return keys
