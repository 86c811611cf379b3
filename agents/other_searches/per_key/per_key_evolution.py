"""One network for many songs by cooperative per-key evolution: the unit of every key evolves separately.

This is not plain NEAT. There is no population of networks and no crossover: every key has one candidate, a (1 + lambda)
evolution strategy over single connections, and its own loss. The keys cooperate in one network. By default new
connections are target-guided: they use inputs and targets. Every report says so.

A key begins as a linear threshold unit. When linear units stop making progress, the keys that are still wrong restart
with AND nodes, which they share (`per_key.node_growth`). Once all cases that one network can get right are right,
connections that no case needs are deleted.

The champion is a genome like any other; AND nodes are its hidden nodes.
"""

from typing import Any, ClassVar, Self

import numpy as np

from agents.neat.genome import Genome
from agents.other_searches.per_key.and_evolution import AndEvolution
from agents.other_searches.per_key.and_network import and_genome
from agents.other_searches.per_key.key_unit import KeyUnit
from agents.other_searches.per_key.margins import hinge
from agents.other_searches.per_key.options import PerKeyOptions
from agents.other_searches.per_key.prompt_noise import song_cases
from agents.other_searches.per_key.sparse_cases import SparseCases
from agents.search import Generation, Problem
from agents.search_state import check_state, identity
from agents.state_parts import State, Stateful, join_states, restore_generator, restore_parts

STATE = {"generation": 0, "pruned": False, "random": {}, "wrong": 0, "halved_at": 0, "evaluations": 0, "units": [0]}
"""An example of the data in a state, apart from the identity and the parts."""


class PerKeyEvolution:
    """A search that evolves the unit of every key separately."""

    LABEL: ClassVar[str] = "cooperative modular per-key evolution, not plain NEAT"
    ONE_SONG: ClassVar[bool] = False

    @classmethod
    def of(cls, problem: Problem, options: PerKeyOptions, seed: int) -> Self:
        """Return the search for a problem; noisy copies of songs are not part of its reports."""
        cases = SparseCases.from_cases(problem.cases)
        if problem.rolls:
            noise = (options.prompt_noise, options.noisy_copies)
            cases = song_cases(problem.rolls, problem.memory, problem.prompt, *noise, seed, problem.mode_bit)
        return cls(cases, options, seed, reported=len(problem.cases))

    @staticmethod
    def describe(options: PerKeyOptions) -> list[str]:
        """Return the operators that are on."""
        hidden = {"auto": "AND nodes where linear units do not suffice", "never": "", "always": "AND nodes"}
        linear = options.hidden != "always"
        named = {
            f"target-guided {options.target_guided:g} (uses inputs and targets)": linear and options.target_guided,
            f"error reweighting {options.error_reweighting:g}": linear and options.error_reweighting,
            f"parsimony {options.cost:g}": linear and options.cost,
            f"{hidden[options.hidden]} (target-guided)": hidden[options.hidden],
            "pruning": options.prune,
            f"prompt noise {options.prompt_noise:g}": options.prompt_noise,
        }
        return [name for name, used in named.items() if used] or ["connections at random"]

    def __init__(self, cases: SparseCases, options: PerKeyOptions, seed: int, reported: int | None = None):
        """Begin a search; only the first `reported` cases count in reports (None: all of them)."""
        self.cases, self.options = cases, options
        self.reported = len(cases) if reported is None else reported
        self.generation = 0
        self.pruned = False
        self._random = np.random.default_rng(np.random.SeedSequence(seed))
        self._units = [KeyUnit(cases, key, options) for key in range(cases.outputs)]
        """Linear units; the other outputs have AND nodes."""
        self._evaluations = 0
        """Evaluations of linear units since replaced."""
        self._wrong, self._halved_at = self._count_wrong(), 0
        self._nodes: AndEvolution | None = None
        self._champion: Genome | None = None
        if options.hidden == "always":
            self._use_nodes(list(range(cases.outputs)))

    @property
    def evaluations(self) -> int:
        """Number of evaluated changes of a connection since the start; each concerns one output."""
        linear = sum(unit.evaluations for unit in self._units) + self._evaluations
        return linear + (self._nodes.units.evaluations if self._nodes else 0)

    @property
    def solved(self) -> bool:
        """True if all cases that one network can get right are right, and the network is pruned if it should be."""
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
    def champion(self) -> Genome | None:
        """The current network; with one candidate per key there is no other."""
        if self._champion is None and self.generation:
            self._champion = self._make_champion()
        return self._champion

    def step(self) -> Generation:
        """Mutate every key that is still wrong, or prune if all are right."""
        if self._all_right:
            self._prune()
        elif self._nodes is None:
            self._mutate_units()
        else:
            self._nodes.step(self._random)
        self.generation += 1
        self._champion = None
        return Generation.of_one_network(
            generation=self.generation - 1,
            evaluations=self.evaluations,
            loss=self.loss,
            right=self.right,
            connections=self.connections,
            hidden=self.hidden,
        )

    def _mutate_units(self) -> None:
        """Mutate the linear units, and switch to AND nodes when they stop making progress."""
        for unit in self._units:
            if not unit.wrong:
                continue
            for _ in range(self.options.mutations):
                unit.mutate(self._random)
            unit.mutate_bias(self._random)
            if self.options.error_reweighting:
                unit.reweight_errors(relax=self.generation % 2 == 1)
        wrong = self._count_wrong()
        if wrong <= self._wrong / 2:
            self._wrong, self._halved_at = wrong, self.generation
        elif self.options.hidden == "auto" and self.generation - self._halved_at >= self.options.patience:
            self._use_nodes([unit.key for unit in self._units if unit.wrong])

    def _count_wrong(self) -> int:
        """Return the number of cells that linear units get wrong."""
        return sum(unit.wrong for unit in self._units)

    def _use_nodes(self, keys: list[int]) -> None:
        """Replace the linear units of these outputs by AND nodes."""
        self._nodes = AndEvolution(self.cases.only(keys))
        self._evaluations += sum(unit.evaluations for unit in self._units if unit.key in keys)
        self._units = [unit for unit in self._units if unit.key not in keys]

    def _prune(self) -> None:
        """Delete connections that no case needs."""
        for unit in self._units:
            unit.prune()
        if self._nodes:
            self._nodes.prune(self._random)
        self.pruned = True

    @property
    def _node_keys(self) -> list[int]:
        """The outputs that have AND nodes."""
        return sorted(set(range(self.cases.outputs)) - {unit.key for unit in self._units})

    def margins(self) -> np.ndarray:
        """Return the margins of all rows and outputs, (R, O) float32."""
        margins = np.zeros(self.cases.targets.shape, dtype=np.float32)
        for unit in self._units:
            margins[:, unit.key] = unit.margins
        if self._nodes:
            margins[:, self._node_keys] = self._nodes.units.margins
        return margins

    @property
    def right(self) -> int:
        """Number of reported cases that the network gets right."""
        pressed = self.margins() * self.cases.signs > 0
        return int((pressed[self.cases.row_of_case] == self.cases.wanted)[: self.reported].all(axis=1).sum())

    @property
    def loss(self) -> float:
        """Squared hinge loss, summed over all rows and outputs with equal weights."""
        return float(hinge(self.margins()).sum(dtype=np.float64))

    def _make_champion(self) -> Genome:
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

    def _parts(self) -> dict[str, Stateful]:
        parts: dict[str, Stateful] = {f"unit{unit.key}": unit for unit in self._units}
        return {**parts, "nodes": self._nodes} if self._nodes else parts

    def state(self) -> State:
        """Return everything the next steps depend on, as named arrays and plain data."""
        arrays, parts = join_states(self._parts())
        return arrays, {
            **self._identity(),
            "generation": self.generation,
            "pruned": self.pruned,
            "random": self._random.bit_generator.state,
            "wrong": self._wrong,
            "halved_at": self._halved_at,
            "evaluations": self._evaluations,
            "units": [unit.key for unit in self._units],
            **parts,
        }

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit this search."""
        check_state(self._identity(), STATE, data)
        keys, outputs = data["units"], range(self.cases.outputs)
        if keys != sorted(set(keys) & set(outputs)):
            raise ValueError(f"units: {keys!r:.40} are not some of the outputs 0 to {outputs[-1]}")
        self._units = [KeyUnit(self.cases, key, self.options) for key in keys]
        self._nodes = AndEvolution(self.cases.only(self._node_keys)) if self._node_keys else None
        restore_parts(self._parts(), arrays, data)
        restore_generator(self._random, data["random"])
        self.generation, self.pruned, self._evaluations = (data[key] for key in ("generation", "pruned", "evaluations"))
        self._wrong, self._halved_at = data["wrong"], data["halved_at"]
        self._champion = None

    def _identity(self) -> dict[str, Any]:
        return identity(self, [self.cases.inputs, self.cases.outputs, self.cases.rows, len(self.cases)])
