"""The evaluator: gives every genome of a population its fitness, all cases and genomes at once.

*Boost* is an operator of evolution that lives here: every few generations the cells (an output at a case)
that the champion gets wrong weigh more from then on. It uses the champion's errors by cell. A genome's
fitness is then a weighted one; what is reported is unweighted.

Conventions: as in `agents.fitness`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.fitness import HIDES_STEPS, KINDS
from agents.neat.case_scorer import Backend, CaseScorer, InProcess, Result, chunks
from agents.neat.network import check_supported
from agents.search_state import restored_array
from songs.validate import validate_like

HEAVIEST = 1e12
"""No cell weighs more, however long it stays wrong; products with losses stay far below the largest float."""


@dataclass(frozen=True)
class Boost:
    """How cells that stay wrong gain weight."""

    gain: float = 0.3
    """A cell that the champion gets wrong weighs 1 + gain times as much as before; 0 switches it off."""
    every: int = 10
    """Generations between two boosts."""


class Evaluator:
    """Evaluates populations on cases."""

    def __init__(
        self,
        cases: Cases,
        kind: str = "squared_hinge",
        boost: Boost | None = None,
        parsimony: float = 0.0,
        backend: Backend | None = None,
    ):
        """
        Args:
            cases: what the networks should answer.
            kind: a name in `agents.fitness.KINDS`.
            boost: None leaves the weights of all cells at 1.
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
        self.boost = boost if boost and boost.gain > 0 else None
        self.evaluations = 0
        self._measure = CaseScorer(cases, kind)
        self._backend = backend or InProcess(self._measure)
        self._weights = self._measure.plain_weights
        self._version = 0

    @property
    def gain_of_workers(self) -> float | None:
        """How many times as fast workers evaluate; None where there are none, or it is not known yet."""
        return getattr(self._backend, "gain", None)

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], generation: int) -> None:
        """Set `fitness`, `losses` (weighted, with parsimony), `loss` (without both) and `right` of every genome.

        Genomes that were evaluated before under the same weights are left as they are. `evaluations`
        counts genomes that were never evaluated before.
        """
        if self.boost and generation and generation % self.boost.every == 0:
            self._boost(max(genomes, key=lambda genome: (getattr(genome, "right", -1), genome.key)), self.boost.gain)
        stale = [genome for genome in genomes if getattr(genome, "version", None) != self._version]
        result = self._backend.evaluate(stale, self._weights if self._version else None)
        for row, genome in enumerate(stale):
            self._note(genome, result, row)

    def _note(self, genome: neat.DefaultGenome, result: Result, row: int) -> None:
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
        count = 0
        for node, inputs in genome.feeding().items():
            count += inputs.enabled
            if node < len(genome.losses):
                genome.losses[node] += self.parsimony * inputs.enabled
        genome.fitness -= self.parsimony * count

    def _boost(self, champion: neat.DefaultGenome, gain: float) -> None:
        """Give more weight to the cells that the champion gets wrong."""
        ((_, chunk),) = chunks([champion], self.cases, 1)
        wrong = (self._measure.outputs(chunk)[0] > 0) != self.cases.targets
        raised = np.minimum(self._weights * (1 + gain), HEAVIEST)
        self._weights = np.where(wrong, raised, self._weights).astype(np.float32)
        self._version += 1

    def rank(self, genome: neat.DefaultGenome) -> tuple[float, ...]:
        """Return what champions are chosen by: steps right, then the loss; the loss alone if the kind hides steps."""
        return (-genome.loss,) if self.kind in HIDES_STEPS else (genome.right, -genome.loss)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> dict[str, Any]:
        """Return what the next evaluations depend on, as plain data."""
        return {"evaluations": self.evaluations, "version": self._version, "weights": self._weights.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; raises ValueError if it belongs to other cases."""
        validate_like({"evaluations": 0, "version": 0, "weights": None}, state, "evaluator")
        self._weights = restored_array(state["weights"], self._weights, "evaluator.weights")
        self.evaluations, self._version = state["evaluations"], state["version"]
