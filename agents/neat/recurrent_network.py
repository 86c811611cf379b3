"""Recurrent networks: neat-python's RecurrentNetwork, all songs side by side.

At every step each node takes what its sources were at the step before, inputs included in the step itself.
So a signal needs one step for each connection on its way, and the network has a memory of its own beside
the memory it is shown.

Conventions:
    I inputs, O outputs, K nodes (outputs first, then hidden nodes by key), B episodes side by side.
    All values are 0 before the first judged step of a song.
Source: neat-python 2.0.0, `nn/recurrent.py`.
"""

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.activations import ACTIVATIONS
from agents.neat.network import check_supported, hidden_nodes


class RecurrentNetwork:
    """One genome, compiled; it keeps the values of its nodes from step to step."""

    def __init__(self, genome: neat.DefaultGenome, inputs: int, outputs: int):
        """
        Args:
            genome: connections may run in circles.
            inputs: number of input nodes.
            outputs: number of output nodes.

        Raises:
            ValueError: it uses a function that is not supported.
        """
        check_supported(genome, outputs)
        self.outputs = outputs
        keys = [*range(outputs), *hidden_nodes(genome, outputs)]
        index_of = {key: index for index, key in enumerate(keys)}
        self._from_inputs, self._between = np.zeros((len(keys), inputs)), np.zeros((len(keys), len(keys)))
        fed = set()
        for (source, sink), gene in genome.connections.items():
            if gene.enabled:
                fed.add(sink)
                table, column = (self._from_inputs, -1 - source) if source < 0 else (self._between, index_of[source])
                table[index_of[sink], column] = gene.weight
        # a node that nothing feeds stays 0, whatever its bias: so does neat-python's
        self._bias = np.array([[genome.nodes[key].bias if key in fed else 0.0] for key in keys])
        self._response = np.array([[genome.nodes[key].response] for key in keys])
        names = np.array([genome.nodes[key].activation if key in fed else "identity" for key in keys])
        self._groups = [(ACTIVATIONS[name], np.flatnonzero(names == name)) for name in sorted(set(names.tolist()))]
        self.start(1)

    def start(self, episodes: int) -> None:
        """Begin this many episodes side by side."""
        self._values = np.zeros((len(self._bias), episodes))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Go on by one step.

        Args:
            inputs: (I, B), 0 or 1.

        Returns:
            (O, B), the outputs before their activation.
        """
        return self._go_on(self._from_inputs @ inputs)

    def _go_on(self, from_inputs: np.ndarray) -> np.ndarray:
        z = self._bias + self._response * (from_inputs + self._between @ self._values)
        values = np.empty_like(z)
        for activation, nodes in self._groups:
            values[nodes] = activation(z[nodes])
        self._values = values
        return z[: self.outputs]

    def answers(self, cases: Cases) -> np.ndarray:
        """Return the outputs (O, C) for all cases: every song is gone through from its first judged step."""
        lengths = np.array(cases.lengths)
        starts = np.cumsum(lengths) - lengths
        from_inputs = self._from_inputs @ cases.inputs
        answers = np.zeros((self.outputs, len(cases)))
        self.start(len(lengths))
        for step in range(lengths.max()):
            # a song that is over stands still; its answers are not kept
            columns = starts + np.minimum(step, lengths - 1)
            outputs, going = self._go_on(from_inputs[:, columns]), step < lengths
            answers[:, columns[going]] = outputs[:, going]
        return answers


def recurrent_outputs(genome: neat.DefaultGenome, cases: Cases) -> np.ndarray:
    """Return the outputs (1, O, C) of one recurrent genome."""
    return RecurrentNetwork(genome, len(cases.inputs), len(cases.targets)).answers(cases)[None]
