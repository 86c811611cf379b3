"""The switch: one network that plays the song with mode 1, and improvises with mode 0.

The song is learned first, by any evolution that learns it. Then a second network is evolved, which a listener rewards
for what both play together, and its connections are put into the first behind gates: an input that it looks at gets
a hidden node relu(input - mode). With mode 1 every gate is shut, exactly, so the song cannot be forgotten; with mode
0 a gate is its input. What counts is so in order: first the loss of the song, and with the song known the reward.

Conventions: as in `agents.neat.improvisation`. The mode is the input behind the memory. A network to be put
behind gates has no hidden nodes.
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
"""Key of the gate of the input -1; that of the input -1 - i is i above. Evolution gets nowhere near."""


def played_together(song: Genome, own: Genome) -> Genome:
    """Return a genome that answers the sum of what two answer, the second of them without hidden nodes.

    It is what `switched` is with mode 0, without its gates.
    """
    nodes, connections = dict(song.nodes), dict(song.connections)
    for output, node in own.nodes.items():
        nodes[output] = replace(song.nodes[output], bias=song.nodes[output].bias + node.bias)
    for key, gene in own.connections.items():
        if gene.enabled:
            there = song.connections.get(key)
            beside = there.weight if there is not None and there.enabled else 0.0
            connections[key] = replace(gene, weight=gene.weight + beside)
    return Genome(own.key, nodes, connections)


def switched(song: Genome, own: Genome, memory: int) -> Genome:
    """Return the network that plays as `song` does with mode 1, and as both together with mode 0.

    Args:
        song: its last input is the mode.
        own: without hidden nodes, and without the mode.
        memory: steps remembered.
    """
    mode = -1 - memory * len(own.nodes)
    nodes, connections = dict(song.nodes), dict(song.connections)
    links = [(source, sink, gene.weight) for (source, sink), gene in sorted(own.connections.items()) if gene.enabled]
    biases = [(mode, output, node.bias) for output, node in sorted(own.nodes.items()) if node.bias]
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
    """Learns the song, then to improvise, in one network. A `Search`."""

    solved = False
    """The largest reward is not known."""

    def __init__(self, song: Evolution, improvise: Callable[[Genome], Improvisation], memory: int):
        """
        Args:
            song: learns the song, with mode 1.
            improvise: begins the improvisation, given the network that plays the song.
            memory: steps remembered.
        """
        self.song, self._improvise, self._memory = song, improvise, memory
        self.improvisation: Improvisation | None = None
        """None until the song is learned."""
        self._champion: Genome | None = None
        self._made_of: Genome | None = None

    @property
    def champion(self) -> Genome | None:
        """The best network so far, with `right` of the song and `loss`."""
        own = self.improvisation and self.improvisation.champion
        if not own:
            return self.song.champion
        if own is not self._made_of:
            song = self._learned_song()
            self._champion, self._made_of = switched(song, own, self._memory), own
            self._champion.right, self._champion.loss = song.right, own.loss
        return self._champion

    def _learned_song(self) -> Genome:
        """Return the network that plays the song, once it is learned."""
        assert self.song.champion is not None
        return self.song.champion

    @property
    def generation(self) -> int:
        """Number of generations evaluated so far, of the song and of the improvisation."""
        return self.song.generation + (self.improvisation.generation if self.improvisation else 0)

    @property
    def evaluations(self) -> int:
        """Genomes evaluated so far."""
        return self.song.evaluations + (self.improvisation.evaluations if self.improvisation else 0)

    def step(self) -> Generation:
        """Do one generation of the song, or of the improvisation once the song is known."""
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
        """Return all that the next generations depend on: named arrays and plain data."""
        return join_states({"song": self.song, **({"improvisation": self.improvisation} if self.improvisation else {})})

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this search."""
        restore_parts({"song": self.song}, arrays, data)
        if "improvisation" in data:
            if not self.song.solved:
                raise ValueError("it improvises, and its song is not learned")
            self.improvisation = self._improvise(self._learned_song())
            restore_parts({"improvisation": self.improvisation}, arrays, data)
