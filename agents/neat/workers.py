"""Evaluation in other processes, or on a Ray cluster: the same results to the bit.

The cases are sent once to every worker; a generation is sent as arrays of genes, in chunks. What a genome is
worth does not depend on its company, so neither chunks nor workers change a result.

Conventions: as in `agents.fitness`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.case_scorer import Backend, CaseScorer, Chunk, InChunks, Result, in_process
from agents.neat.incremental import Incremental, can_be_incremental
from agents.neat.worker_pool import WorkerPool

_scorer: CaseScorer
"""The scorer of this worker process, from `_begin` on."""


def _begin(cases: Cases, kind: str) -> None:
    global _scorer
    _scorer = CaseScorer(cases, kind)


def _evaluate(chunk: Chunk, weights: np.ndarray | None) -> Result:
    return _scorer.evaluate(chunk, weights)


def ray_actors(ray: Any, cases: Cases, kind: str, workers: int) -> InChunks:
    """Return a backend of Ray actors, one for each worker."""
    actor, stored = ray.remote(num_cpus=1)(CaseScorer), ray.put(cases)
    actors = [actor.remote(stored, kind) for _ in range(workers)]

    def score(parts: Sequence[Chunk], weights: np.ndarray | None) -> list[Result]:
        shared = ray.put(weights)
        return ray.get([one.evaluate.remote(part, shared) for one, part in zip(cycle(actors), parts, strict=False)])

    return InChunks(cases, score, workers)


class BenchmarkedBackend:
    """Workers, and their gain: the first generation is evaluated here and a later one there, on the clock."""

    def __init__(self, workers: Backend, scorer: CaseScorer):
        self._backends = (in_process(scorer), workers, workers)
        self._rates: list[float] = []

    def evaluate(self, genomes: Sequence[neat.DefaultGenome], weights: np.ndarray | None) -> Result:
        backend = self._backends[min(len(self._rates), 2)]
        start = time.perf_counter()
        result = backend.evaluate(genomes, weights)
        if genomes and len(self._rates) < 3:
            self._rates.append(len(genomes) / (time.perf_counter() - start))
        return result

    @property
    def gain(self) -> float | None:
        """Genomes a second of the workers over those of this process; None before both are measured.

        The first generation sent to the workers is not counted: they are still starting then.
        """
        return self._rates[2] / self._rates[0] if len(self._rates) == 3 else None


@dataclass(frozen=True)
class WorkerOptions:
    """The processes that evaluate."""

    count: int = 0
    """Worker processes, or actors; 0 evaluates in this process."""
    ray: bool = False
    """The workers are actors of a Ray cluster."""
    ray_address: str | None = None
    """Address of the cluster; None starts Ray on this machine."""


NO_WORKERS = WorkerOptions()


@contextmanager
def lend_ray(cores: int, address: str | None) -> Iterator[Any]:
    """Context manager: the module ray, connected to a cluster, or without an address to one on so many cores here.

    Raises:
        ValueError: Ray is not installed, or there is no such cluster.
    """
    try:
        import ray
    except ImportError:
        raise ValueError("Ray is not installed: pip install 'kuznechik[ray]'") from None
    local: dict[str, Any] = {} if address else {"num_cpus": cores, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **local)
    except ConnectionError as error:
        raise ValueError(f"no Ray cluster at {address}: {error}") from None
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def lend_backend(cases: Cases, kind: str, options: WorkerOptions, immutable: bool = True) -> Iterator[Backend]:
    """Context manager: a backend that is closed afterwards.

    Args:
        cases: what the networks should answer.
        kind: a name in `agents.fitness.KINDS`.
        options: who evaluates.
        immutable: whether genomes are `agents.neat.genome.Genome`, and not neat-python's own.

    Raises:
        ValueError: Ray is asked for and not installed, or cannot be reached.
    """
    scorer, workers = CaseScorer(cases, kind), options.count
    if options.ray:
        with lend_ray(max(workers, 1), options.ray_address) as ray:
            yield BenchmarkedBackend(ray_actors(ray, cases, kind, max(workers, 1)), scorer)
    elif workers:
        with WorkerPool(workers, _begin, (cases, kind)) as pool:
            processes = InChunks(cases, lambda parts, weights: pool.map(_evaluate, parts, repeat(weights)), workers)
            yield BenchmarkedBackend(processes, scorer)
    else:
        yield Incremental(scorer) if immutable and can_be_incremental(cases, kind) else in_process(scorer)
