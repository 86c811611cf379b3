"""The switch: one network that plays the song in mode 1 and improvises in mode 0.

The song is learned first, by any evolution that learns it. Then a second network is evolved, as in any improvisation.
Both are put into one network, and each answers through gates that the other mode closes: relu(sum) - relu(-sum) is the
sum itself, and relu(sum - SHUT) is 0, as SHUT is larger than any sum. So the song cannot be forgotten, and is not heard
in the improvisation. The objectives come in order: first the loss of the song, then, once the song is known, the
reward.

Conventions: as in `agents.neat.improvisation`. The mode is the input after the memory and before the plans, for both
networks. The second has no hidden nodes, and its mode is always 0.
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
"""Key of the first node that the switch adds. Keys of evolved nodes stay far below."""
SHUT = 1e9
"""Weight that closes a gate."""


def switched(song: Genome, improviser: Genome, memory: int) -> Genome:
    """Return the network that plays as `song` does in mode 1, and as `improviser` does in mode 0.

    Args:
        song: uses no inputs after the mode.
        improviser: has no hidden nodes.
        memory: number of remembered steps.
    """
    outputs = sorted(improviser.nodes)
    mode, improvises = -1 - memory * len(outputs), FIRST_GATE
    nodes = {output: NodeGene(output, 0.0) for output in outputs}
    nodes[improvises] = NodeGene(improvises, bias=1.0, activation="relu")  # relu(1 - mode)
    keys, numbers = count(FIRST_GATE + 1), count()
    connections: dict[tuple[int, int], ConnectionGene] = {}

    def connect(source: int, sink: int, weight: float) -> None:
        connections[source, sink] = ConnectionGene((source, sink), next(numbers), weight)

    connect(mode, improvises, -1.0)
    for network, closed_by in ((song, improvises), (improviser, mode)):
        moved = {output: next(keys) for output in outputs}
        for key, node in sorted(network.nodes.items()):
            place = moved.get(key, key)
            nodes[place] = replace(node, key=place, activation="identity") if key in moved else node
        for (source, sink), gene in sorted(network.connections.items()):
            if gene.enabled:
                connect(source, moved.get(sink, sink), gene.weight)
        for output, place in moved.items():
            for sign in (1.0, -1.0):
                gate = next(keys)
                nodes[gate] = NodeGene(gate, 0.0, activation="relu")
                connect(place, gate, sign)
                connect(closed_by, gate, -SHUT)
                connect(gate, output, sign)
    return Genome(song.key, nodes, connections)


class SwitchEvolution:
    """A `Search` for one network that learns the song first, then to improvise."""

    solved = False
    """Always False, as the largest reward is unknown."""

    def __init__(self, song: Evolution, improvise: Callable[[], Improvisation], memory: int):
        """
        Args:
            song: learns the song, in mode 1.
            improvise: makes the improvisation run.
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
            self.improvisation = self._improvise()
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
            self.improvisation = self._improvise()
            restore_parts({"improvisation": self.improvisation}, arrays, data)
