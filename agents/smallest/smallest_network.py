"""The smallest network that answers all cases: as few connections as can be, and proof where there is one.

First every output is given the fewest inputs that a unit without hidden nodes needs (`agents.smallest.fewest_inputs`
finds and proves them). Outputs do not depend on each other, so the sum is the fewest connections of any
network without hidden nodes.

Then outputs are *shared*: what is computed for one output is computed in a hidden node instead, which also
feeds others, if these then need so many inputs less that it pays. How far this can go is not proven.

This looks at inputs and targets of all cases, one output at a time, and solves linear programmes; it is no
evolution, but it is searched and kept in the same way.

Conventions: O outputs, I inputs, C cases. Hidden nodes are -1 or 1; a hidden node's key is above those of
the hidden nodes that feed it.
"""

from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.networks.linear_network import judge, make_genome, on_grid
from agents.search import Generation
from agents.search_state import check_places, check_state, fitting, identity
from agents.smallest import fewest_inputs
from agents.smallest.fewest_inputs import FewestInputs
from songs.plain_data import ByAnyName

STATE = {
    "generation": 0,
    "random": {},
    "alone": ByAnyName(fewest_inputs.STATE),
    "shared": ByAnyName(fewest_inputs.STATE),
    "sources": ByAnyName([0]),
    "taken": [0],
}
"""An example of what stands in a state, besides what it is."""
STEEPNESS = 4.0
"""Hidden nodes are made this much steeper than outputs, so that their tanh is -1 or 1 to nine digits."""


@dataclass(frozen=True)
class SmallestOptions:
    """How the smallest network is searched."""

    effort: int = 1000
    """Choices of inputs looked at for each output in a step, at least 1; a linear programme counts as 50."""
    share: bool = True
    """Let outputs share what they compute, through hidden nodes."""

    def __post_init__(self):
        if self.effort < 1:
            raise ValueError(f"effort is {self.effort}: it must be at least 1")


class SmallestNetwork:
    """A search for the network with the fewest connections."""

    def __init__(self, cases: Cases, options: SmallestOptions, seed: int):
        """
        Args:
            cases: what the network should answer.
            options: how to search.
            seed: a whole number; the same seed gives the same run.
        """
        self.cases = cases
        self.options = options
        self.generation = 0
        self.champion: neat.DefaultGenome | None = None
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        targets = cases.targets[:, cases.possible]
        self._used = np.flatnonzero(cases.inputs[:, cases.possible].any(axis=1)).tolist()
        self._varying = [o for o, row in enumerate(targets) if row.any() and not row.all()]
        self._alone = {output: self._search(output, []) for output in self._varying}
        self._shared: dict[int, FewestInputs] = {}
        """Searches with other outputs as further inputs, in the order in which they were begun."""
        self._sources: dict[int, list[int]] = {}
        """The outputs that a shared search may use."""
        self._taken: list[int] = []
        """Outputs whose shared search saved connections."""
        self._plan()

    def _search(self, output: int, sources: list[int], most: int | None = None) -> FewestInputs:
        """Return the search for the inputs of an output, which may use the targets of others."""
        # a case that others contradict is left out
        inputs, targets = self.cases.inputs[:, self.cases.possible] > 0, self.cases.targets[:, self.cases.possible]
        rows, on = np.concatenate([inputs[self._used], targets[sources]]), targets[output]
        return FewestInputs(rows[:, on], rows[:, ~on], self._random, most)

    @property
    def evaluations(self) -> int:
        """Choices of inputs looked at since the start."""
        return sum(search.nodes for search in (*self._alone.values(), *self._shared.values()))

    @property
    def fewest_without_hidden(self) -> int | None:
        """Connections that a network without hidden nodes needs, proven; None while that is not settled."""
        if not all(search.finished for search in self._alone.values()):
            return None
        return sum(len(search.fewest) for search in self._alone.values())

    @property
    def solved(self) -> bool:
        """Whether the search is finished: the champion, which is right in all cases, gets no smaller."""
        return self.champion is not None and not self._work

    def _plan(self) -> None:
        """Choose the searches that go on in the next step; sharing begins where all else is finished."""
        self._work = [search for search in self._alone.values() if not search.finished]
        if self._work or not self.options.share:
            return
        for output in self._varying:
            if output in self._shared or self._begin_sharing(output):
                search = self._shared[output]
                if not search.finished:
                    self._work = [search]
                    return

    def _begin_sharing(self, output: int) -> bool:
        """Make the shared search of an output, unless there is nothing to gain; return whether it was made."""
        sources = [o for o in self._varying if o != output and output not in self._needs(o)]
        hidden = self._hidden()
        # an output that is not in a hidden node yet costs one connection more
        most = len(self._alone[output].fewest) - (1 if hidden else 2)
        if not sources or most < 1:
            return False
        self._sources[output] = sources
        self._shared[output] = self._search(output, sources, most)
        return True

    def step(self) -> Generation:
        """Look at some more choices for every output, and report the smallest network so far.

        Raises:
            ValueError: no network without hidden nodes gets all cases right.
        """
        for search in self._work:
            search.work(self.options.effort)
        for output, search in self._shared.items():
            if search.finished and output not in self._taken and self._saves(output):
                self._taken.append(output)
        self._plan()
        champion = self._keep(self._genome())
        self.generation += 1
        nodes, connections = champion.size()
        return Generation(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_fitness=champion.fitness,
            mean_fitness=champion.fitness,
            std_fitness=0.0,
            best_right=champion.right,
            mean_right=float(champion.right),
            connections=connections,
            hidden=nodes - len(self.cases.targets),
        )

    def _saves(self, output: int) -> bool:
        """Return whether the finished shared search of an output saves connections."""
        search = self._shared[output]
        if search.chosen is None:
            return False
        new = set(self._used_sources(output)) - set(self._hidden())
        return len(search.fewest) + len(new) < len(self._alone[output].fewest)

    def _used_sources(self, output: int) -> list[int]:
        """Return the outputs that the shared search of an output chose."""
        sources, first = self._sources[output], len(self._used)
        return [sources[i - first] for i in self._shared[output].fewest if i >= first]

    def _needs(self, output: int) -> set[int]:
        """Return all outputs that feed an output, directly or through others."""
        if output not in self._taken:
            return set()
        direct = self._used_sources(output)
        return set(direct).union(*(self._needs(o) for o in direct))

    def _hidden(self) -> list[int]:
        """Return the outputs that are computed in hidden nodes, those that feed others first."""
        sources = {o for output in self._taken for o in self._used_sources(output)}
        return sorted(sources, key=lambda o: (len(self._needs(o)), o))

    def _keep(self, genome: neat.DefaultGenome) -> neat.DefaultGenome:
        """Make a genome the champion if it is better than the one so far; return the champion."""
        if self.champion is None or _rank(genome) > _rank(self.champion):
            self.champion = genome
        return self.champion

    def _genome(self) -> neat.DefaultGenome:
        """Return the network that the searches have come to."""
        outputs = len(self.cases.targets)
        hidden = {source: outputs + place for place, source in enumerate(self._hidden())}
        biases = {o: 1.0 if row.all() else -1.0 for o, row in enumerate(self.cases.targets[:, self.cases.possible])}
        weights: dict[tuple[int, int], float] = {}
        for output in self._varying:
            keys, values, bias = self._unit(output, hidden)
            sink, steepness = hidden.get(output, output), STEEPNESS if output in hidden else 1.0
            biases[sink] = steepness * bias
            weights |= {(key, sink): steepness * value for key, value in zip(keys, values, strict=True) if value}
            if output in hidden:
                biases[output] = 0.0
                weights[sink, output] = 1.0
        return judge(make_genome(biases, weights), self.cases)

    def _unit(self, output: int, hidden: dict[int, int]) -> tuple[list[int], list[float], float]:
        """Return the sources of an output's unit, their weights and its bias, on the grid of weights."""
        shared = output in self._taken
        search = self._shared[output] if shared else self._alone[output]
        rows, keys, first = [], [], len(self._used)
        weights, bias = search.weights.copy(), search.bias
        for place, choice in enumerate(search.fewest):
            if choice < first:
                rows.append(self.cases.inputs[self._used[choice]])
                keys.append(-1 - self._used[choice])
            else:
                # a target is 0 or 1, its hidden node -1 or 1
                source = self._sources[output][choice - first]
                rows.append(np.where(self.cases.targets[source], 1.0, -1.0))
                keys.append(hidden[source])
                weights[place] /= 2
                bias += weights[place]
        rounded, rounded_bias = on_grid(weights[None], np.array([bias]), np.array(rows))
        return keys, rounded[0].tolist(), float(rounded_bias[0])

    def state(self) -> dict[str, Any]:
        """Return all that the next steps depend on, as plain numbers, texts, lists and dictionaries."""
        return {
            **self._identity(),
            "generation": self.generation,
            "random": self._random.bit_generator.state,
            "alone": {str(output): search.state() for output, search in self._alone.items()},
            "shared": {str(output): search.state() for output, search in self._shared.items()},
            "sources": {str(output): sources for output, sources in self._sources.items()},
            "taken": list(self._taken),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; raises ValueError if it does not belong to this search."""
        check_state(self._identity(), STATE, state)
        with fitting():
            self.generation = state["generation"]
            for output, search in self._alone.items():
                search.restore(state["alone"][str(output)])
            self._sources = {int(output): list(sources) for output, sources in state["sources"].items()}
            for sources in self._sources.values():
                check_places(sources, len(self.cases.targets), "sources")
            self._shared = {output: self._search(output, sources, 1) for output, sources in self._sources.items()}
            for output, search in self._shared.items():
                search.restore(state["shared"][str(output)])
            self._taken = list(state["taken"])
            self._random.bit_generator.state = state["random"]
            self._plan()
            self.champion = None
            if self.generation:
                self._keep(self._genome())

    def _identity(self) -> dict[str, Any]:
        return identity(self, [len(self.cases.inputs), *self.cases.targets.shape, self._varying])


def _rank(genome: neat.DefaultGenome) -> tuple[int, int]:
    """Return what makes a network better: more right cases, then fewer connections."""
    return genome.right, -genome.size()[1]
