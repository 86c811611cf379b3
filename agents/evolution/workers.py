"""Evaluation here, in other processes, or on a Ray cluster: the same results to the bit.

The cases are sent once to every worker; a generation is sent as arrays of genes, in chunks. What a genome is
worth does not depend on its company, so neither chunks nor workers change a result.

Conventions: as in `agents.fitness`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

import neat
import numpy as np

from agents.cases import Cases
from agents.fitness import KINDS, right_cases
from agents.networks.packed_genes import CHUNK, PackedGenes, packed_chunks
from agents.networks.phenotype import Layout, packed_outputs
from agents.networks.recurrent import recurrent_outputs

Chunk = PackedGenes | list[neat.DefaultGenome]
"""Genomes to be evaluated together: as arrays, or one by one if they are recurrent."""


@dataclass(frozen=True)
class Result:
    """What a chunk of N genomes with O outputs is worth."""

    losses: np.ndarray
    """(N, O) float64, with the given weights of the cells."""
    plain: np.ndarray
    """(N, O) float64, with the weights of an evaluation without boost."""
    right: np.ndarray
    """(N,) int64, cases right."""


class Measure:
    """Evaluates chunks on cases. It is made once in every process."""

    def __init__(self, cases: Cases, kind: str):
        """
        Args:
            cases: what the networks should answer.
            kind: a name in `agents.fitness.KINDS`.
        """
        self.cases, self.kind = cases, KINDS[kind]
        self.plain_weights = np.tile(cases.possible, (len(cases.targets), 1)).astype(np.float32)
        self._layout = Layout(cases.inputs, len(cases.targets))

    def outputs(self, chunk: Chunk) -> np.ndarray:
        """Return the outputs (N, O, C) of a chunk."""
        if isinstance(chunk, list):
            return np.concatenate([recurrent_outputs(genome, self.cases) for genome in chunk])
        return packed_outputs(chunk, self._layout)

    def evaluate(self, chunk: Chunk, weights: np.ndarray | None) -> Result:
        """Evaluate a chunk; weights (O, C), None for those of an evaluation without boost."""
        outputs, targets = self.outputs(chunk), self.cases.targets
        plain = self.kind(outputs, targets, self.plain_weights)
        losses = plain if weights is None else self.kind(outputs, targets, weights)
        return Result(losses, plain, right_cases(outputs, targets).sum(axis=1))


def chunks(genomes: Sequence[neat.DefaultGenome], cases: Cases, parts: int) -> Iterator[tuple[list[int], Chunk]]:
    """Yield the places of some genomes and their chunk; at least `parts` chunks if there are genomes enough."""
    size = max(1, min(CHUNK, -(-len(genomes) // max(parts, 1))))
    if not cases.recurrent:
        yield from packed_chunks(genomes, len(cases.targets), size)
        return
    for first in range(0, len(genomes), size):
        part = genomes[first : first + size]
        yield list(range(first, first + len(part))), list(part)


class Backend(Protocol):
    """Where chunks are evaluated."""

    parts: int
    """Chunks that are evaluated at the same time."""

    def results(self, chunks: Sequence[Chunk], weights: np.ndarray | None) -> Iterable[Result]:
        """Evaluate chunks; the results are in their order."""
        ...


class InProcess:
    """Evaluates in this process."""

    parts = 1

    def __init__(self, measure: Measure):
        self._measure = measure

    def results(self, chunks: Sequence[Chunk], weights: np.ndarray | None) -> Iterable[Result]:
        return (self._measure.evaluate(chunk, weights) for chunk in chunks)


_measure: Measure | None = None
"""What this worker process evaluates on."""


def _begin(cases: Cases, kind: str) -> None:
    global _measure
    _measure = Measure(cases, kind)


def _evaluate(job: tuple[Chunk, np.ndarray | None]) -> Result:
    return _measure.evaluate(*job)


class Processes:
    """Evaluates in worker processes of this machine."""

    def __init__(self, pool: ProcessPoolExecutor, workers: int):
        self._pool, self.parts = pool, workers

    def results(self, chunks: Sequence[Chunk], weights: np.ndarray | None) -> Iterable[Result]:
        return self._pool.map(_evaluate, [(chunk, weights) for chunk in chunks])


class RayActors:
    """Evaluates on a Ray cluster, an actor for each worker."""

    def __init__(self, ray: Any, cases: Cases, kind: str, workers: int):
        self._ray, self.parts = ray, workers
        actor = ray.remote(num_cpus=1)(Measure)
        stored = ray.put(cases)
        self._actors = [actor.remote(stored, kind) for _ in range(workers)]

    def results(self, chunks: Sequence[Chunk], weights: np.ndarray | None) -> Iterable[Result]:
        stored = self._ray.put(weights)
        jobs = [self._actors[place % self.parts].evaluate.remote(chunk, stored) for place, chunk in enumerate(chunks)]
        return self._ray.get(jobs)


class Tried:
    """Workers, and whether they pay: the first generation is evaluated here and a later one there, on the clock."""

    def __init__(self, workers: Backend, measure: Measure):
        self.parts = workers.parts
        self._backends = (InProcess(measure), workers, workers)
        self._rates: list[float] = []

    def results(self, chunks: Sequence[Chunk], weights: np.ndarray | None) -> list[Result]:
        if not chunks:
            return []
        backend = self._backends[min(len(self._rates), 2)]
        start = time.perf_counter()
        results = list(backend.results(chunks, weights))
        if len(self._rates) < 3:
            self._rates.append(sum(len(result.right) for result in results) / (time.perf_counter() - start))
        return results

    @property
    def gain(self) -> float | None:
        """How many times as many genomes a second the workers evaluate; None before it is known.

        The first generation sent to the workers is not counted: they are still starting then.
        """
        return self._rates[2] / self._rates[0] if len(self._rates) == 3 else None


@dataclass(frozen=True)
class WorkerOptions:
    """Who evaluates."""

    count: int = 0
    """Worker processes, or actors; 0 evaluates in this process."""
    ray: bool = False
    """Whether the workers are actors of a Ray cluster."""
    ray_address: str | None = None
    """Address of the cluster; None starts Ray on this machine."""


NO_WORKERS = WorkerOptions()


@contextmanager
def lend_backend(cases: Cases, kind: str, options: WorkerOptions) -> Iterator[Backend]:
    """Lend a place to evaluate, and close it afterwards.

    Args:
        cases: what the networks should answer.
        kind: a name in `agents.fitness.KINDS`.
        options: who evaluates.

    Raises:
        ValueError: Ray is asked for and not installed, or cannot be reached.
    """
    measure, workers = Measure(cases, kind), options.count
    if options.ray:
        try:
            import ray
        except ImportError:
            raise ValueError('Ray is not installed: pip install -e ".[ray]"') from None
        local = {} if options.ray_address else {"num_cpus": max(workers, 1), "include_dashboard": False}
        try:
            ray.init(address=options.ray_address, log_to_driver=False, logging_level="error", **local)
        except ConnectionError as error:
            raise ValueError(f"no Ray cluster at {options.ray_address}: {error}") from None
        try:
            yield Tried(RayActors(ray, cases, kind, max(workers, 1)), measure)
        finally:
            ray.shutdown()
    elif workers:
        with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (cases, kind)) as pool:
            yield Tried(Processes(pool, workers), measure)
    else:
        yield InProcess(measure)
