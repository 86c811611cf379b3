"""Recurrent networks: neat-python's RecurrentNetwork for all songs side by side.

At every step, each node uses the current inputs and the values of other nodes at the step before. So a signal takes one
step per connection, and the network has internal state in addition to the memory in its inputs.

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
    """One compiled genome; it keeps the values of its nodes from step to step."""

    def __init__(self, genome: neat.DefaultGenome, inputs: int, outputs: int):
        """
        Args:
            genome: its connections may form cycles.
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
        # a node without inputs stays 0, whatever its bias, as in neat-python
        self._bias = np.array([[genome.nodes[key].bias if key in fed else 0.0] for key in keys])
        self._response = np.array([[genome.nodes[key].response] for key in keys])
        names = np.array([genome.nodes[key].activation if key in fed else "identity" for key in keys])
        self._groups = [(ACTIVATIONS[name], np.flatnonzero(names == name)) for name in sorted(set(names.tolist()))]
        self.start(1)

    def start(self, episodes: int) -> None:
        """Begin a number of episodes, side by side."""
        self._values = np.zeros((len(self._bias), episodes))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Advance by one step.

        Args:
            inputs: (I, B), 0 or 1.

        Returns:
            (O, B), the outputs before their activation.
        """
        return self._advance(self._from_inputs @ inputs)

    def _advance(self, from_inputs: np.ndarray) -> np.ndarray:
        z = self._bias + self._response * (from_inputs + self._between @ self._values)
        values = np.empty_like(z)
        for activation, nodes in self._groups:
            values[nodes] = activation(z[nodes])
        self._values = values
        return z[: self.outputs]

    def answers(self, cases: Cases) -> np.ndarray:
        """Return the outputs (O, C) for all cases, running every song from its first judged step."""
        lengths = np.array(cases.lengths)
        starts = np.cumsum(lengths) - lengths
        from_inputs = self._from_inputs @ cases.inputs
        answers = np.zeros((self.outputs, len(cases)))
        self.start(len(lengths))
        for step in range(lengths.max()):
            # a finished song repeats its last step; these outputs are dropped
            columns = starts + np.minimum(step, lengths - 1)
            outputs, running = self._advance(from_inputs[:, columns]), step < lengths
            answers[:, columns[running]] = outputs[:, running]
        return answers


def recurrent_outputs(genome: neat.DefaultGenome, cases: Cases) -> np.ndarray:
    """Return the outputs (1, O, C) of one recurrent genome."""
    return RecurrentNetwork(genome, len(cases.inputs), len(cases.targets)).answers(cases)[None]
