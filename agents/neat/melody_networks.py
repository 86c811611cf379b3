"""First networks for interactive evolution: they play random melodies, or imitate a given one.

A network with a few random connections rests or repeats one key forever. These have two hidden nodes. *when* decides
if a step has a note. *where* is the height of the melody, from -1 at the lowest key to 1 at the highest: a key of
height x gets SHARPNESS * (2 * where * x - x * x), which is largest for the nearest key, minus `OFF_SCALE` if it is not
in the scale. Both see the metre; `where` also sees an echo of what was played some steps earlier. All of this consists
of ordinary genes, which evolution may change or delete.

Conventions: as in `agents.neat.metre_player`. SHARPNESS and STRESS are for 13 keys; with more keys they grow, to keep
the same contrast between neighbouring keys. Hidden nodes have ascending keys: a gate for each bar, then a note for
each step, then `when` and `where`.
"""

import random
from collections.abc import Mapping

import numpy as np

from agents.neat.genome import ConnectionGene, Genome, GenomeConfig, NodeGene, on_grid
from agents.neat.metre_player import MelodyTask

SHARPNESS = 9.0
STRESS = 16.0
"""Weight from `when` to the keys: at -1 it silences all of them."""
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
"""Major, minor, major pentatonic and minor pentatonic, in semitones above C."""
OFF_SCALE = 4.0
SOUNDING, RESTING = 0.7, -0.7
"""Values of `when` in imitating networks, at notes and at rests."""

Weights = dict[tuple[int, int], float]


def random_network(key: int, config: GenomeConfig, task: MelodyTask) -> Genome:
    """Return a random network, drawn from Python's global generator."""
    when, where = _hidden(task)
    scale, density = random.choice(SCALES), random.uniform(0.3, 0.8)
    inside = np.isin((task.keyboard.lowest_pitch + np.arange(task.keyboard.keys)) % 12, scale)
    biases, weights = _keys(task, inside)
    for step in range(task.bar):
        sounds = random.random() < density * (0.55 + 0.75 * metric_weight(step, task.bar))
        weights[task.metre - step, when] = random.uniform(0.3, 0.9) * (1 if sounds else -1)
        weights[task.metre - step, where] = random.gauss(0, 0.45)
    for bit in range(task.bar_bits):
        source = task.metre - task.bar - bit
        if random.random() < 0.6:
            weights[source, where] = random.gauss(0, 0.3)
        if random.random() < 0.4:
            weights[source, when] = random.gauss(0, 0.5)
    row, echo = random.randrange(len(task.lags)), random.choice((-1, 1)) * random.uniform(0.1, 0.6)
    for each, height in enumerate(_heights(task)):
        weights[-1 - row * task.keyboard.keys - each, where] = echo * height
    biases |= {when: 0.0, where: random.gauss(0, 0.25)}
    return _genome(key, config, task, biases, weights)


def metric_weight(step: int, bar: int) -> float:
    """Return the metric weight of a step of a bar, 0 to 1: the downbeat is strongest, then the half bar, and so on."""
    parts = [number for number in range(1, bar + 1) if bar % number == 0]
    return next(1 - index / len(parts) for index, number in enumerate(parts) if step % (bar // number) == 0)


def imitating_network(key: int, config: GenomeConfig, task: MelodyTask, roll: np.ndarray) -> Genome:
    """Return a network that plays a melody, with a hidden node for every note of every distinct bar.

    Such a node is on at one step of these bars. It raises `when` and sets `where` to the height of the note. So a small
    change of the network moves a note wherever the bar recurs.

    Args:
        key: of the genome.
        config: of genomes.
        task: of the network.
        roll: (T, K) bool, the melody; if a step has several keys, the highest is used.
    """
    when, where = _hidden(task)
    biases, weights = _keys(task, np.any(roll, axis=0))
    biases |= {when: RESTING, where: 0.0}
    heights, first_bars = _heights(task), dict[bytes, int]()
    for bar in range(-(-len(roll) // task.bar)):
        steps = roll[bar * task.bar : (bar + 1) * task.bar]
        if not steps.any():
            continue
        gate = _add_gate(task, bar, biases, weights)
        first = first_bars.setdefault(steps.tobytes(), bar)
        for step in np.flatnonzero(steps.any(axis=1)).tolist():
            note = task.keyboard.keys + task.bars + first * task.bar + step
            weights[gate, note] = 1.0
            if first == bar:
                biases[note] = -1.0  # on where both its step and one of its bars are
                weights[task.metre - step, note] = 1.0
                weights[note, when] = SOUNDING - RESTING
                weights[note, where] = heights[np.flatnonzero(steps[step])[-1]]
    return _genome(key, config, task, biases, weights)


def _add_gate(task: MelodyTask, bar: int, biases: dict[int, float], weights: Weights) -> int:
    """Add a node that is 1 in one bar and 0 in all others, decoded from the bits of the bar number; return its key."""
    gate = task.keyboard.keys + bar
    on = [bool(bar >> bit & 1) for bit in range(task.bar_bits)]
    biases[gate] = 1.0 - sum(on)
    weights |= {(task.metre - task.bar - bit, gate): 1.0 if each else -1.0 for bit, each in enumerate(on)}
    return gate


def _hidden(task: MelodyTask) -> tuple[int, int]:
    """Return the node keys of `when` and `where`, which are above those of the nodes that may feed them."""
    return task.first_free_node - 2, task.first_free_node - 1


def _heights(task: MelodyTask) -> np.ndarray:
    """Return the heights (K,) of the keys."""
    return np.linspace(-1, 1, task.keyboard.keys) if task.keyboard.keys > 1 else np.zeros(1)


def _keys(task: MelodyTask, inside: np.ndarray) -> tuple[dict[int, float], Weights]:
    """Return the biases of the outputs and the weights into them; keys not `inside` (K,) bool the scale are lowered."""
    when, where = _hidden(task)
    heights, wider = _heights(task), max(1.0, ((task.keyboard.keys - 1) / 12) ** 2)
    biases = -SHARPNESS * wider * heights**2 - OFF_SCALE * ~inside
    weights: Weights = {}
    for output, height in enumerate(heights):
        weights[when, output] = STRESS * wider
        weights[where, output] = 2 * SHARPNESS * wider * height
    return dict(enumerate(biases)), weights


def _genome(key: int, config: GenomeConfig, task: MelodyTask, biases: Mapping[int, float], weights: Weights) -> Genome:
    def rounded(value: float) -> float:
        return on_grid(float(value), config.weight_min_value, config.weight_max_value)

    def activation(node: int) -> str:
        if node < config.num_outputs:
            return config.activation_default
        return "clamped" if node in _hidden(task) else "relu"

    number = config.innovation_tracker.get_innovation_number
    nodes = {node: NodeGene(node, rounded(bias), activation=activation(node)) for node, bias in biases.items()}
    connections = [
        ConnectionGene(ends, number(*ends, "add_connection"), rounded(weight)) for ends, weight in weights.items()
    ]
    return Genome(key, nodes, {gene.key: gene for gene in connections})
