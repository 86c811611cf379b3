"""The switch: one network that plays the song in mode 1 and improvises in mode 0.

The song is learned first, by any evolution that learns it. Then a second network is evolved, and a listener rewards
what both play together. Its connections are added to the first network behind gates: every input it uses gets a hidden
node relu(input - mode). In mode 1 all gates are exactly 0, so the song cannot be forgotten. In mode 0 a gate equals its
input. So the objectives come in order: first the loss of the song, then, once the song is known, the reward.

Conventions: as in `agents.neat.improvisation`. The mode is the input after the memory. A network behind gates has no
hidden nodes.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from agents.neat.genome import ConnectionGene, Genome, NodeGene
from agents.neat.improvisation import Improvisation
from agents.neat.population import Evolution
from agents.search import Generation
from agents.state_parts import State, join_states, restore_parts

FIRST_GATE = 1_000_000
"""Key of the gate of input -1; the gate of input -1 - i is i higher. Keys of evolved nodes stay far below."""


def played_together(song: Genome, improviser: Genome) -> Genome:
    """Return a genome whose outputs are the sums of the outputs of both; the second has no hidden nodes.

    It equals `switched` in mode 0, but has no gates.
    """
    nodes, connections = dict(song.nodes), dict(song.connections)
    for output, node in improviser.nodes.items():
        nodes[output] = replace(song.nodes[output], bias=song.nodes[output].bias + node.bias)
    for key, gene in improviser.connections.items():
        if gene.enabled:
            match = song.connections.get(key)
            weight = match.weight if match is not None and match.enabled else 0.0
            connections[key] = replace(gene, weight=gene.weight + weight)
    return Genome(improviser.key, nodes, connections)


def switched(song: Genome, improviser: Genome, memory: int) -> Genome:
    """Return the network that plays as `song` does in mode 1, and as both together in mode 0.

    Args:
        song: its last input is the mode.
        improviser: has no hidden nodes and no mode input.
        memory: number of remembered steps.
    """
    mode = -1 - memory * len(improviser.nodes)
    nodes, connections = dict(song.nodes), dict(song.connections)
    genes = sorted(improviser.connections.items())
    links = [(source, sink, gene.weight) for (source, sink), gene in genes if gene.enabled]
    biases = [(mode, output, node.bias) for output, node in sorted(improviser.nodes.items()) if node.bias]
    numbers = count(1 + max((gene.innovation for gene in connections.values()), default=0))

    def connect(source: int, sink: int, weight: float) -> None:
        connections[source, sink] = ConnectionGene((source, sink), next(numbers), weight)

    for source, output, weight in [*links, *biases]:
        gate = FIRST_GATE - 1 - source
        if gate not in nodes:
            # relu(input - mode); for the biases relu(1 - mode)
            nodes[gate] = NodeGene(gate, bias=1.0 if source == mode else 0.0, activation="relu")
            for end, sign in ({mode: -1.0} if source == mode else {source: 1.0, mode: -1.0}).items():
                connect(end, gate, sign)
        connect(gate, output, weight)
    return Genome(song.key, nodes, connections)


class SwitchEvolution:
    """A `Search` for one network that learns the song first, then to improvise."""

    solved = False
    """Always False, as the largest reward is unknown."""

    def __init__(self, song: Evolution, improvise: Callable[[Genome], Improvisation], memory: int):
        """
        Args:
            song: learns the song, in mode 1.
            improvise: makes the improvisation run, given the network that plays the song.
            memory: number of remembered steps.
        """
        self.song, self._improvise, self._memory = song, improvise, memory
        self.improvisation: Improvisation | None = None
        """None until the song is learned."""
        self._champion: Genome | None = None
        self._made_of: Genome | None = None

    @property
    def champion(self) -> Genome | None:
        """The best network so far, with the song's `right` and the improvisation's `loss` once there is one."""
        improviser = self.improvisation and self.improvisation.champion
        if not improviser:
            return self.song.champion
        if improviser is not self._made_of:
            song = self._learned_song()
            self._champion, self._made_of = switched(song, improviser, self._memory), improviser
            self._champion.right, self._champion.loss = song.right, improviser.loss
        return self._champion

    def _learned_song(self) -> Genome:
        """Return the network that plays the song, once it is learned."""
        assert self.song.champion is not None
        return self.song.champion

    @property
    def generation(self) -> int:
        """Number of generations evaluated so far, for the song and the improvisation together."""
        return self.song.generation + (self.improvisation.generation if self.improvisation else 0)

    @property
    def evaluations(self) -> int:
        """Number of genomes evaluated so far."""
        return self.song.evaluations + (self.improvisation.evaluations if self.improvisation else 0)

    def step(self) -> Generation:
        """Run one generation of the song, or of the improvisation once the song is learned."""
        if not self.song.solved:
            return self.song.step()
        if self.improvisation is None:
            self.improvisation = self._improvise(self._learned_song())
        row = self.improvisation.step()
        champion = self.champion
        assert champion is not None
        nodes, connections = champion.size()
        return replace(
            row,
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_right=champion.right,
            mean_right=float(champion.right),
            connections=connections,
            hidden=nodes - len(self.song.evaluator.cases.targets),
        )

    def state(self) -> State:
        """Return everything the next generations depend on, as named arrays and plain data."""
        return join_states({"song": self.song, **({"improvisation": self.improvisation} if self.improvisation else {})})

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this search."""
        restore_parts({"song": self.song}, arrays, data)
        if "improvisation" in data:
            if not self.song.solved:
                raise ValueError("the state improvises, but its song is not learned")
            self.improvisation = self._improvise(self._learned_song())
            restore_parts({"improvisation": self.improvisation}, arrays, data)
