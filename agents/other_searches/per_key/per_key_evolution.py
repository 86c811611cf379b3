"""One network for many songs by cooperative per-key evolution: every key has a unit that evolves on its own.

This is not plain NEAT. There is no population of networks and no crossover: every key keeps one candidate, a
(1 + lambda) evolution strategy over single connections, and is judged by its own loss. The keys cooperate in one
network. By default new connections are guided: they look at inputs and targets. `describe` says so in every report.

A key begins as a linear threshold unit. Where linear units do not come further, the keys that are not right yet
begin anew with AND nodes, which they share (`per_key.node_growth`). When every case is right that one network
can get right, connections that no case needs are deleted.

The champion is a genome like every other: AND nodes are its hidden nodes.
"""

from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.other_searches.per_key import and_evolution, key_unit
from agents.other_searches.per_key.and_evolution import AndEvolution
from agents.other_searches.per_key.and_genome import and_genome
from agents.other_searches.per_key.hinge import hinge
from agents.other_searches.per_key.key_unit import KeyUnit, Mutation
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.search import Generation
from agents.search_state import check_places, check_state, fitting, identity
from songs.validate import ByAnyName, OrNone

STATE = {
    "generation": 0,
    "pruned": False,
    "random": {},
    "wrong": 0,
    "since": 0,
    "evaluations": 0,
    "units": ByAnyName(key_unit.STATE),
    "nodes": OrNone(and_evolution.STATE),
}
"""An example of what stands in a state, besides what it is."""
HIDDEN = ("auto", "never", "always")


@dataclass(frozen=True)
class PerKeyOptions:
    """How every key is evolved on its own."""

    hidden: str = "auto"
    """Whether AND nodes are used: where linear units do not suffice, never, or always. They are guided."""
    guided: float = 0.6
    """Chance that a proposal for a new connection of a linear unit looks at inputs and targets."""
    boost: float = 0.1
    """How much more rows that stay wrong weigh from generation to generation; 0: all rows weigh the same."""
    cost: float = 0.0
    """Parsimony: the loss that a connection of a linear unit must save."""
    proposals: int = 256
    """Proposals of which the best are accepted, at least 1."""
    mutations: int = 12
    """How often in a generation each key is mutated, at least 1."""
    patience: int = 60
    """Generations in which linear units must halve their errors, or AND nodes are used; at least 1."""
    prune: bool = True
    """Delete at the end the connections that no case needs."""
    prompt_noise: float = 0.0
    """Chance that a cell of the prompt is wrong in copies of the songs that are learned too, 0 to 1."""
    noisy_copies: int = 60
    """Such copies of each song, if there is prompt noise; at least 1."""

    def __post_init__(self):
        if self.hidden not in HIDDEN:
            raise ValueError(f"hidden is {self.hidden!r}: choose one of {', '.join(HIDDEN)}")
        for name in ("guided", "prompt_noise"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be 0 to 1")
        for name in ("boost", "cost"):
            if not 0 <= getattr(self, name) <= 1000:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be 0 to 1000")
        for name in ("proposals", "mutations", "patience", "noisy_copies"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")

    def mutation(self) -> Mutation:
        """Return how linear units are mutated; about one proposal in sixteen can be accepted."""
        return Mutation(self.proposals, max(1, self.proposals // 16), self.guided, self.cost)


class PerKeyEvolution:
    """A search that evolves the unit of every key on its own."""

    def __init__(self, cases: SparseCases, options: PerKeyOptions, seed: int, judged: int | None = None):
        """
        Args:
            cases: what the network should answer.
            options: how to search.
            seed: a whole number; the same seed gives the same run.
            judged: the first so many cases count as right or wrong in reports; by default all.
        """
        self.cases, self.options = cases, options
        self.judged = len(cases) if judged is None else judged
        self.generation = 0
        self.pruned = False
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        self._keys = list(range(cases.outputs))
        """Outputs that are linear units; the others have AND nodes."""
        self._units = [KeyUnit(cases, key, options.mutation()) for key in self._keys]
        self._evaluations = 0
        """Of linear units that were given up."""
        self._wrong, self._since = self._count_wrong(), 0
        self._nodes: AndEvolution | None = None
        self._champion: neat.DefaultGenome | None = None
        if options.hidden == "always":
            self._use_nodes(self._keys)

    @property
    def evaluations(self) -> int:
        """Changes of a connection evaluated since the start; each concerns one output."""
        own = sum(unit.evaluations for unit in self._units) + self._evaluations
        return own + (self._nodes.units.evaluations if self._nodes else 0)

    @property
    def solved(self) -> bool:
        """Whether every case is right that one network can get right, and nothing is left to prune."""
        return self._all_right and (self.pruned or not self.options.prune)

    @property
    def _all_right(self) -> bool:
        return self.generation > 0 and self._count_wrong() == 0 and (self._nodes is None or self._nodes.solved)

    @property
    def hidden(self) -> int:
        """Number of AND nodes."""
        return len(self._nodes.nodes) if self._nodes else 0

    @property
    def connections(self) -> int:
        """Number of connections of the network."""
        return sum(unit.connections for unit in self._units) + (self._nodes.nodes.connections if self._nodes else 0)

    @property
    def champion(self) -> neat.DefaultGenome | None:
        """The network as it is: there is one candidate for each key, and no other network."""
        if self._champion is None and self.generation:
            self._champion = self._make_champion()
        return self._champion

    def step(self) -> Generation:
        """Mutate every key that is not right yet some times, or prune if all are."""
        if self._all_right:
            self.prune()
        elif self._nodes is None:
            self._mutate_units()
        else:
            self._nodes.step(self._random)
        self.generation += 1
        self._champion = None
        right, loss = self.right, self.loss
        return Generation(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            best_fitness=-loss,
            mean_fitness=-loss,
            std_fitness=0.0,
            best_right=right,
            mean_right=float(right),
            connections=self.connections,
            hidden=self.hidden,
        )

    def _mutate_units(self) -> None:
        for unit in self._units:
            if not unit.wrong:
                continue
            for _ in range(self.options.mutations):
                unit.mutate(self._random)
            unit.mutate_bias(self._random)
            if self.options.boost:
                unit.boost(self.options.boost, calm=self.generation % 2 == 1)
        wrong = self._count_wrong()
        if wrong <= self._wrong / 2:
            self._wrong, self._since = wrong, self.generation
        elif self.options.hidden == "auto" and self.generation - self._since >= self.options.patience:
            self._use_nodes([unit.key for unit in self._units if unit.wrong])

    def _count_wrong(self) -> int:
        """Return the number of cells that linear units get wrong."""
        return sum(unit.wrong for unit in self._units)

    def _use_nodes(self, keys: list[int]) -> None:
        """Let these outputs begin anew with AND nodes."""
        self._nodes = AndEvolution(self.cases.only(keys))
        self._evaluations += sum(unit.evaluations for unit in self._units if unit.key in keys)
        self._units = [unit for unit in self._units if unit.key not in keys]
        self._keys = [unit.key for unit in self._units]

    def prune(self) -> None:
        """Delete connections that no case needs."""
        for unit in self._units:
            unit.prune()
        if self._nodes:
            self._nodes.prune(self._random)
        self.pruned, self._champion = True, None

    @property
    def _node_keys(self) -> list[int]:
        return [key for key in range(self.cases.outputs) if key not in self._keys]

    def margins(self) -> np.ndarray:
        """Return by how much every row is right at every output, (R, O) float32."""
        margins = np.zeros(self.cases.targets.shape, dtype=np.float32)
        for unit in self._units:
            margins[:, unit.key] = unit.margins
        if self._nodes:
            margins[:, self._node_keys] = self._nodes.units.margins
        return margins

    @property
    def right(self) -> int:
        """Number of judged cases that the network gets right."""
        pressed = self.margins() * self.cases.signs > 0
        return int((pressed[self.cases.row_of_case] == self.cases.wanted)[: self.judged].all(axis=1).sum())

    @property
    def loss(self) -> float:
        """Squared hinge loss over all rows and outputs, without boosts."""
        return float(hinge(self.margins()).sum(dtype=np.float64))

    def _make_champion(self) -> neat.DefaultGenome:
        weights = np.zeros((self.cases.inputs, self.cases.outputs), dtype=np.float32)
        bias = np.zeros(self.cases.outputs, dtype=np.float32)
        for unit in self._units:
            weights[:, unit.key], bias[unit.key] = unit.weights, unit.bias
        literals, into = [], np.zeros((0, self.cases.outputs), dtype=np.float32)
        if self._nodes:
            bias[self._node_keys] = self._nodes.units.bias
            literals = self._nodes.nodes.literals
            into = np.zeros((len(literals), self.cases.outputs), dtype=np.float32)
            into[:, self._node_keys] = self._nodes.nodes.weights
        genome = and_genome(weights, bias, literals, into)
        genome.right, genome.loss = self.right, self.loss
        genome.fitness = -genome.loss
        return genome

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next steps depend on: named arrays and plain data."""
        data = {
            **self._identity(),
            "generation": self.generation,
            "pruned": self.pruned,
            "random": self._random.bit_generator.state,
            "wrong": self._wrong,
            "since": self._since,
            "evaluations": self._evaluations,
            "units": {str(unit.key): unit.state() for unit in self._units},
            "nodes": self._nodes.state() if self._nodes else None,
        }
        return {}, data

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not belong to this search."""
        check_state(self._identity(), STATE, data)
        with fitting():
            self.generation, self.pruned = data["generation"], data["pruned"]
            self._random.bit_generator.state = data["random"]
            self._wrong, self._since = data["wrong"], data["since"]
            self._keys = [int(key) for key in data["units"]]
            check_places(self._keys, self.cases.outputs, "units")
            if data["nodes"] is None and len(set(self._keys)) < self.cases.outputs:
                raise ValueError("some outputs have neither a unit nor nodes")
            self._units = [KeyUnit(self.cases, key, self.options.mutation()) for key in self._keys]
            for unit in self._units:
                unit.restore(data["units"][str(unit.key)], self.options.boost)
            self._nodes = None
            if data["nodes"] is not None:
                self._nodes = AndEvolution(self.cases.only(self._node_keys))
                self._nodes.restore(data["nodes"])
            self._evaluations = data["evaluations"]
            self._champion = None

    def _identity(self) -> dict[str, Any]:
        return identity(self, [self.cases.inputs, self.cases.outputs, self.cases.rows, len(self.cases)])
