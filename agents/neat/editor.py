"""The editor: a mutable genome that operators change freely."""

import random
from collections.abc import Callable, Mapping, MutableMapping
from itertools import islice
from typing import Any

from agents.neat.genome import NO_INPUTS, ConnectionGene, Connections, Ends, Genome, GenomeConfig, Inputs, NodeGene


class EditedNodes(dict[int, NodeGene]):
    """The nodes of a genome being edited."""

    changed = False
    """Whether the current operator set or deleted one."""

    def __setitem__(self, key: int, gene: NodeGene) -> None:
        self.changed = True
        dict.__setitem__(self, key, gene)  # super() takes longer

    def __delitem__(self, key: int) -> None:
        self.changed = True
        dict.__delitem__(self, key)


class EditedConnections(Connections, MutableMapping[Ends, ConnectionGene]):
    """The connections of a genome being edited.

    The connections into a node are shared with the parent until one of them changes, and then copied.
    """

    _inputs: dict[int, dict[Ends, ConnectionGene]]

    def __init__(self, inputs: Mapping[int, Inputs]):
        super().__init__(dict(inputs))
        self._copies: dict[int, dict[Ends, ConnectionGene]] = {}
        """Copied inputs, which may be changed in place."""
        self.changed = False
        """Whether the current operator set or deleted one."""

    def __setitem__(self, key: Ends, gene: ConnectionGene) -> None:
        self._copy(key[1])[key] = gene

    def __delitem__(self, key: Ends) -> None:
        if key not in self:
            raise KeyError(key)
        inputs = self._copy(key[1])
        del inputs[key]
        if not inputs:
            self.replace_inputs(key[1], NO_INPUTS)

    def replace_inputs(self, sink: int, inputs: Inputs) -> None:
        """Replace all connections into a node by those of another genome."""
        self.changed = True
        self._copies.pop(sink, None)
        if inputs:
            self._inputs[sink] = inputs
        else:
            self._inputs.pop(sink, None)

    def choose(self) -> ConnectionGene:
        """Draw a connection uniformly; there must be one."""
        index = int(random.random() * len(self))
        for inputs in self._inputs.values():
            if index < len(inputs):
                break
            index -= len(inputs)
        return next(islice(inputs.values(), index, None))

    def finish(self) -> dict[int, Inputs]:
        """Return the current connections into each node."""
        finished: dict[int, Any] = dict(self._inputs)
        for sink, inputs in self._copies.items():
            finished[sink] = Inputs(inputs)
        return finished

    def _copy(self, sink: int) -> dict[Ends, ConnectionGene]:
        self.changed = True
        if sink not in self._copies:
            self._inputs[sink] = self._copies[sink] = self._inputs.get(sink, NO_INPUTS).copy()
        return self._copies[sink]


class GenomeEditor:
    """A genome being edited, at first equal to its parent. Operators replace, add and delete genes in its dictionaries.

    Nothing is derived from a genome before it is finished, so operators need not keep anything else in sync.
    """

    def __init__(self, parent: Genome, config: GenomeConfig):
        self.config = config
        self.nodes = EditedNodes(parent.nodes.copy())
        self.connections = EditedConnections(parent.inputs)
        self.losses = list(parent.losses)
        """Loss of each output in the parent it comes from; empty if unknown."""
        self.operators: list[str] = []
        """Names of the operators that changed a gene, in the order of application."""
        self.played = parent.played
        self._rows = dict(parent.rows)

    @property
    def hidden(self) -> list[int]:
        """Keys of the hidden nodes."""
        if len(self.nodes) == self.config.num_outputs:
            return []
        return [key for key in self.nodes if key >= self.config.num_outputs]

    def apply(self, operator: Callable[..., None], *arguments: Any) -> None:
        """Apply an operator to this genome and record its name if it changes a gene."""
        self.nodes.changed = self.connections.changed = False
        operator(self, *arguments)
        if self.nodes.changed or self.connections.changed:
            self.operators.append(operator.__name__)

    def take_node(self, donor: Genome, node: int) -> None:
        """Replace an output or hidden node and the connections into it by those of another genome.

        An operator could do so gene by gene. This is faster to evaluate, as it also takes the donor's known results.
        """
        self.nodes[node] = donor.nodes[node]
        self.connections.replace_inputs(node, donor.inputs.get(node, NO_INPUTS))
        if node < len(self.losses):
            self.losses[node] = donor.losses[node]
        if node in donor.rows:
            self._rows[node] = donor.rows[node]

    def finish(self, key: int) -> Genome:
        """Return the finished genome, with the given key."""
        child = Genome.of_inputs(key, dict(self.nodes), self.connections.finish())
        child.losses, child.rows, child.played = self.losses, self._rows, self.played
        child.operators = tuple(dict.fromkeys(self.operators))
        return child
