"""The evaluator: gives every genome of a population its fitness, all cases and genomes at once.

*Boost* is an operator of evolution that lives here: every few generations the cells (an output at a case)
that the champion gets wrong weigh more from then on. It uses the champion's errors by cell. A genome's
fitness is then a weighted one; what is reported is unweighted.

Conventions: as in `agents.fitness`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.fitness import KINDS, right_cases
from agents.phenotype import Layout, check_supported, outputs_in_chunks
from agents.recurrent import recurrent_outputs


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
    ):
        """
        Args:
            cases: what the networks should answer.
            kind: a name in `agents.fitness.KINDS`.
            boost: None leaves the weights of all cells at 1.
            parsimony: what every enabled connection costs a genome's fitness.

        Raises:
            ValueError: there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"fitness {kind!r}: choose one of {', '.join(KINDS)}")
        self.cases = cases
        self.kind = KINDS[kind]
        self.parsimony = parsimony
        self.boost = boost if boost and boost.gain > 0 else None
        self.weights = self._plain_weights = np.tile(cases.possible, (len(cases.targets), 1)).astype(np.float32)
        self.layout = Layout(cases.inputs, len(cases.targets))
        self.evaluations = 0
        self._version = 0

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], generation: int) -> None:
        """Set `fitness`, `losses` (weighted), `loss` (unweighted) and `right` of every genome.

        Genomes that were evaluated before under the same weights are left as they are. `evaluations`
        counts genomes that were never evaluated before.
        """
        if self.boost and generation and generation % self.boost.every == 0:
            self._boost(max(genomes, key=lambda genome: (getattr(genome, "right", -1), genome.key)))
        stale = [genome for genome in genomes if getattr(genome, "version", None) != self._version]
        for genome in stale:
            self.evaluations += not hasattr(genome, "version")
            genome.version = self._version
        for members, outputs in self._outputs(stale):
            right = right_cases(outputs, self.cases.targets).sum(axis=1)
            losses = self.kind(outputs, self.cases.targets, self.weights)
            plain = losses
            if self._version:
                plain = self.kind(outputs, self.cases.targets, self._plain_weights)
            for row, member in enumerate(members):
                genome = stale[member]
                genome.losses = losses[row].tolist()
                cost = self.parsimony * genome.size()[1] if self.parsimony else 0.0
                genome.fitness = -float(sum(genome.losses)) - cost
                genome.loss = float(plain[row].sum())
                genome.right = int(right[row])

    def _outputs(self, genomes: Sequence[neat.DefaultGenome]) -> Iterator[tuple[Sequence[int], np.ndarray]]:
        """Yield the places of some genomes and their outputs (N, O, C), until all were evaluated."""
        if not self.cases.recurrent:
            yield from outputs_in_chunks(genomes, self.layout)
            return
        for place, genome in enumerate(genomes):
            yield [place], recurrent_outputs(genome, self.cases)

    def _boost(self, champion: neat.DefaultGenome) -> None:
        """Give more weight to the cells that the champion gets wrong."""
        ((_, outputs),) = self._outputs([champion])
        wrong = (outputs[0] > 0) != self.cases.targets
        self.weights = np.where(wrong, self.weights * (1 + self.boost.gain), self.weights).astype(np.float32)
        self._version += 1

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> dict[str, Any]:
        """Return what the next evaluations depend on, as plain data."""
        return {"evaluations": self.evaluations, "version": self._version, "weights": self.weights.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state; raises ValueError if it belongs to other cases."""
        weights = np.array(state["weights"], dtype=np.float32)
        if weights.shape != self.weights.shape:
            raise ValueError(f"the state belongs to {weights.shape} cells, these cases have {self.weights.shape}")
        self.weights = weights
        self.evaluations, self._version = int(state["evaluations"]), int(state["version"])
