"""The evaluator: gives every genome of a population its fitness, all cases and genomes at once.

*Error reweighting* is an operator of evolution that lives here: every few generations the cells (an output at a case)
that the champion gets wrong weigh more from then on. It uses the champion's errors by cell. A genome's
fitness is then a weighted one; reports are unweighted.

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
"""No cell weighs more, however long it stays wrong; products with losses stay far below the largest float."""


@dataclass(frozen=True)
class ErrorReweighting:
    """The rate at which cells that stay wrong gain weight."""

    gain: float = 0.3
    """A cell that the champion gets wrong weighs 1 + gain times as much as before; 0 switches it off."""
    every: int = 10
    """Generations between two reweightings."""


class Evaluator:
    """Evaluates populations on cases."""

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
            cases: what the networks should answer.
            kind: a name in `agents.fitness.KINDS`.
            reweighting: None leaves the weights of all cells at 1.
            parsimony: what every enabled connection costs a genome's fitness, and the output it leads to.
            backend: where genomes are evaluated; in this process by default.

        Raises:
            ValueError: there is no such kind.
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
        """Speed of a run with workers over one without; None if there are none, or before it is measured."""
        return getattr(self._backend, "gain", None)

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], generation: int) -> None:
        """Set `fitness`, `losses` (weighted, with parsimony), `loss` (without both) and `right` of every genome.

        Genomes that were evaluated before under the same weights are left as they are. `evaluations`
        counts genomes that were never evaluated before.
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
        """Let every enabled connection cost: the output that it leads to, and the fitness."""
        counts = Counter(key[1] for key, gene in genome.connections.items() if gene.enabled)
        for output in range(len(genome.losses)):
            genome.losses[output] += self.parsimony * counts[output]
        genome.fitness -= self.parsimony * counts.total()

    def _reweight(self, champion: neat.DefaultGenome, gain: float) -> None:
        """Give more weight to the cells that the champion gets wrong."""
        ((_, chunk),) = chunks([champion], self.cases, 1)
        wrong = (self._scorer.outputs(chunk)[0] > 0) != self.cases.targets
        raised = np.minimum(self._weights * (1 + gain), HEAVIEST)
        self._weights = np.where(wrong, raised, self._weights).astype(np.float32)
        self._version += 1

    def rank(self, genome: neat.DefaultGenome) -> tuple[float, ...]:
        """Return what champions are chosen by: steps right, then the loss; the loss alone if the kind hides steps."""
        return (-genome.loss,) if self.kind in HIDES_STEPS else (genome.right, -genome.loss)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all that the next evaluations depend on: named arrays and plain data."""
        return {"cell_weights": self._weights}, {"evaluations": self.evaluations, "version": self._version}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it belongs to other cases."""
        validate_like({"cell_weights": Within(self._weights, 0.0, HEAVIEST)}, arrays)
        validate_like({"evaluations": 0, "version": 0}, data, "evaluator")
        self._weights = arrays["cell_weights"].copy()
        self.evaluations, self._version = data["evaluations"], data["version"]
