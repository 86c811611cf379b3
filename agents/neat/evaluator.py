"""The evaluator: computes the fitness of a whole population on all cases at once.

*Error reweighting* is an operator of evolution that is implemented here: every few generations, the weight of the cells
(an output at a case) that the champion gets wrong is raised. It uses the champion's errors by cell. A genome's fitness
is then weighted; reports are unweighted.

Conventions: as in `agents.fitness`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.fitness import HIDES_STEPS, KINDS
from agents.neat.case_scorer import Backend, CaseScorer, Result, chunks, in_process
from agents.neat.network import check_supported
from songs.validate import Within, validate_like

HEAVIEST = 1e12
"""Upper bound on the weight of a cell; products with losses stay far below the largest float."""


@dataclass(frozen=True)
class ErrorReweighting:
    """The rate at which cells that stay wrong gain weight."""

    gain: float = 0.3
    """The weight of a cell that the champion gets wrong is multiplied by 1 + gain; 0 switches reweighting off."""
    every: int = 10
    """Generations between two reweightings."""


class Evaluator:
    """An evaluator of populations on cases."""

    def __init__(
        self,
        cases: Cases,
        kind: str = "squared_hinge",
        reweighting: ErrorReweighting | None = None,
        parsimony: float = 0.0,
        backend: Backend | None = None,
    ):
        """
        Args:
            cases: inputs and targets of the networks.
            kind: a name in `agents.fitness.KINDS`.
            reweighting: error reweighting; None: all cell weights stay 1.
            parsimony: cost of every enabled connection, added to the loss of the output it leads to.
            backend: evaluates the genomes; in this process by default.

        Raises:
            ValueError: the kind does not exist.
        """
        if kind not in KINDS:
            raise ValueError(f"fitness {kind!r}: choose one of {', '.join(KINDS)}")
        self.cases = cases
        self.kind = kind
        self.parsimony = parsimony
        self.reweighting = reweighting if reweighting and reweighting.gain > 0 else None
        self.evaluations = 0
        self._scorer = CaseScorer(cases, kind)
        self._backend = backend or in_process(self._scorer)
        self._weights = self._scorer.plain_weights
        self._version = 0

    @property
    def gain_of_workers(self) -> float | None:
        """Speed with workers relative to without; None without workers, or until it is measured."""
        return getattr(self._backend, "gain", None)

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], generation: int) -> None:
        """Set `fitness`, `losses` (weighted, with parsimony), `loss` (without both) and `right` of every genome.

        Genomes already evaluated under the same weights are skipped. `evaluations` counts only genomes that were
        never evaluated before.
        """
        if self.reweighting and generation and generation % self.reweighting.every == 0:
            champion = max(genomes, key=lambda genome: (getattr(genome, "right", -1), genome.key))
            self._reweight(champion, self.reweighting.gain)
        stale = [genome for genome in genomes if getattr(genome, "version", None) != self._version]
        result = self._backend.evaluate(stale, self._weights if self._version else None)
        for row, genome in enumerate(stale):
            self._record(genome, result, row)

    def _record(self, genome: neat.DefaultGenome, result: Result, row: int) -> None:
        self.evaluations += not hasattr(genome, "version")
        genome.version = self._version
        genome.losses = result.losses[row].tolist()
        genome.fitness = -float(sum(genome.losses))
        if self.parsimony:
            self._charge(genome)
        genome.loss = float(result.plain[row].sum())
        genome.right = int(result.right[row])

    def _charge(self, genome: neat.DefaultGenome) -> None:
        """Add the cost of every enabled connection to the loss of its output and to the fitness."""
        counts = Counter(key[1] for key, gene in genome.connections.items() if gene.enabled)
        for output in range(len(genome.losses)):
            genome.losses[output] += self.parsimony * counts[output]
        genome.fitness -= self.parsimony * counts.total()

    def _reweight(self, champion: neat.DefaultGenome, gain: float) -> None:
        """Raise the weights of the cells that the champion gets wrong."""
        ((_, chunk),) = chunks([champion], self.cases, 1)
        wrong = (self._scorer.outputs(chunk)[0] > 0) != self.cases.targets
        raised = np.minimum(self._weights * (1 + gain), HEAVIEST)
        self._weights = np.where(wrong, raised, self._weights).astype(np.float32)
        self._version += 1

    def rank(self, genome: neat.DefaultGenome) -> tuple[float, ...]:
        """Return the key for choosing champions: right cases, then the loss; only the loss if the kind hides steps."""
        return (-genome.loss,) if self.kind in HIDES_STEPS else (genome.right, -genome.loss)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next evaluations depend on, as named arrays and plain data."""
        return {"cell_weights": self._weights}, {"evaluations": self.evaluations, "version": self._version}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit the cases."""
        validate_like({"cell_weights": Within(self._weights, 0.0, HEAVIEST)}, arrays)
        validate_like({"evaluations": 0, "version": 0}, data, "evaluator")
        self._weights = arrays["cell_weights"].copy()
        self.evaluations, self._version = data["evaluations"], data["version"]
