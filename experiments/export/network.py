"""The network of a run's champion as plain data, independent of the export format.

Conventions: an observation has I numbers. For a song they are laid out as in `KeyboardEnv`: the oldest step first,
all keys of each step, and with a mode bit a last number that is 1 to play the song. Values are the network's outputs
before the last activation.

    head       values                      meaning
    keys       K                           a key is pressed if its value is above 0
    branches   K pairs: release, press     a key is pressed if press is above release
    one_key    K + 1                       the greatest: 0 rests, k presses key k - 1
    action     one for each action         the greatest, counted from `start`
    box        one for each element        tanh, scaled to `low` and `high`; the value itself if these are None
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from agents.neat.genome_json import genome_from_json
from agents.neat.scalar_network import Node, plain_nodes
from experiments.config.dqn import DqnConfig
from experiments.config.evolve import EvolveConfig
from experiments.runs.assembly import read_songs
from experiments.runs.checkpoint import read_arrays
from experiments.runs.evolve.env_task import make_env
from experiments.runs.folder import RunError, RunFolder
from experiments.runs.lifecycle import name_of_kind, read_config
from experiments.runs.named import NO_PRIOR

MODEL = "best/model.safetensors"
"""Weights of a DQN's champion."""
BESIDE_PRIOR = "its network plays beside a model of real melodies, which no exported file has"


@dataclass(frozen=True)
class Head:
    """Mapping from values to keys or actions; see the module's docstring."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class GenomeNetwork:
    """A network of nodes, as in `agents.neat.scalar_network`."""

    inputs: int
    nodes: list[Node]
    outputs: list[int]
    recurrent: bool
    head: Head
    about: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class DenseNetwork:
    """A Q-network: leaky ReLU layers, advantages, and optionally a value added to them."""

    inputs: int
    weights: Mapping[str, np.ndarray]
    """Names as in the run: body.0.weight, body.0.bias, body.2.weight, ..., advantage.weight, ..., value.weight, ..."""
    branches: int
    choices: int
    head: Head
    about: Mapping[str, Any]

    @property
    def layers(self) -> list[str]:
        """Names of the layers before the heads, in order."""
        return sorted({name.rpartition(".")[0] for name in self.weights if name.startswith("body.")}, key=_number)


def _number(layer: str) -> int:
    return int(layer.partition(".")[2])


def read_network(folder: RunFolder) -> GenomeNetwork | DenseNetwork:
    """Return the network of a run's champion; raise RunError if it has none, or if it does not decide alone."""
    kind = name_of_kind(folder)
    if kind == "breed":
        raise RunError(
            f"{folder.path}: its network sees where in a bar it is, which no exported file does: take best/melody.mid"
        )
    if kind not in ("evolve", "dqn"):
        what = "a MusicVAE, whose weights are" if kind == "vae" else "a listener, whose files are"
        raise RunError(f"{folder.path}: it trained {what} in {folder.path / 'best'} as they are")
    config = read_config(folder)
    about = {"run": folder.path.resolve().name, "kind": kind, **_observation(config)}
    return _genome(folder, config, about) if kind == "evolve" else _dense(folder, config, about)


def _observation(config: EvolveConfig | DqnConfig) -> dict[str, Any]:
    """Return a description of the observations, for readers of the file."""
    task = config.task
    if task.kind != "song":
        return {"task": task.kind if isinstance(config, DqnConfig) or task.kind == "xor" else config.environment.id}
    remembered = {"lags": task.lags} if task.lags else {"memory": task.memory}
    return {"task": task.song, **remembered, "prompt": task.prompt, "mode_bit": task.mode_bit}


def _genome(folder: RunFolder, config: EvolveConfig, about: Mapping[str, Any]) -> GenomeNetwork:
    alone = config.task.mode_bit or config.improvise.prior in ("auto", NO_PRIOR)  # mode 1 plays the song alone
    if config.improvise.listener and not alone:
        raise RunError(f"{folder.path}: {BESIDE_PRIOR}")
    try:
        genome, inputs, outputs = genome_from_json(folder.read_text("best/genome.json"))
        nodes, places = plain_nodes(genome, inputs, outputs, config.genome.recurrent)
    except RunError:
        raise
    except ValueError as error:
        raise RunError(f"{folder.path}: best/genome.json is broken: {error}") from None
    head = _head_of_env(config) if config.task.kind == "environment" else Head("keys")
    return GenomeNetwork(inputs, nodes, places, config.genome.recurrent, head, about)


def _head_of_env(config: EvolveConfig) -> Head:
    space = make_env(config.environment).action_space
    if isinstance(space, Box):
        bounded = (space.bounded_below & space.bounded_above).ravel().tolist()
        bounds = [np.where(bounded, limit.ravel(), np.nan).tolist() for limit in (space.low, space.high)]
        low, high = ([value if known else None for value, known in zip(row, bounded, strict=True)] for row in bounds)
        return Head("box", {"low": low, "high": high})
    return Head("action", {"start": int(getattr(space, "start", 0))})


def _dense(folder: RunFolder, config: DqnConfig, about: Mapping[str, Any]) -> DenseNetwork:
    if config.prior.decides or config.switches:
        raise RunError(f"{folder.path}: {BESIDE_PRIOR}")
    weights, _ = read_arrays(folder.path / MODEL)
    keys = read_songs(config, folder)[0].keyboard.keys
    branching = config.network.head == "branching"
    head, shape = Head("branches" if branching else "one_key"), (keys, 2) if branching else (1, keys + 1)
    try:
        return DenseNetwork(_inputs(weights, shape), weights, *shape, head, about)
    except (KeyError, ValueError, IndexError) as error:
        raise RunError(f"{folder.path / MODEL}: does not fit config.toml: {error!r}") from None


def _inputs(weights: Mapping[str, np.ndarray], shape: tuple[int, int]) -> int:
    """Return the size of an observation; raise ValueError or LookupError if the heads have a different shape."""
    if len(weights["advantage.weight"]) != shape[0] * shape[1]:
        raise ValueError(f"{len(weights['advantage.weight'])} advantages, not {shape[0] * shape[1]}")
    return int(weights["body.0.weight"].shape[1])


def levels_of(network: GenomeNetwork) -> list[tuple[int, int]]:
    """Return the first node and the end of each level; a recurrent network is a single level."""
    count = len(network.nodes)
    if network.recurrent:
        return [(0, count)]
    levels: list[int] = []
    for _, _, _, links in network.nodes:  # in level order
        levels.append(1 + max((levels[source - network.inputs] for source, _ in links if source >= network.inputs),
                              default=-1))  # fmt: skip
    starts = [index for index in range(count) if index == 0 or levels[index] != levels[index - 1]]
    return [*pairwise([*starts, count])]
