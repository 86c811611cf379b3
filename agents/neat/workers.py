"""Evaluation in other processes or on a Ray cluster, with bit-identical results.

The cases are sent to every worker once; a generation is sent as arrays of genes, in chunks. The fitness of a genome
does not depend on the other genomes, so neither chunks nor workers change a result.

Conventions: as in `agents.fitness`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, repeat
from typing import Any

import numpy as np

from agents.cases import Cases
from agents.neat.case_scorer import Backend, CaseScorer, Chunk, InChunks, Result, in_process
from agents.neat.genome import Genome
from agents.neat.incremental import Incremental, can_be_incremental
from agents.neat.worker_pool import WorkerPool

_scorer: CaseScorer
"""The scorer of this worker process; set by `_begin`."""


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
    """A backend of workers that measures the speed gained by them.

    The first two generations are evaluated in this process, as without workers, and the others in the workers. The
    second generation of each is timed, from its evaluation to the next. This includes breeding, which workers do not
    speed up.
    """

    def __init__(self, workers: Backend, here: Backend):
        self._backends = (here, here, workers, workers)
        self._started: list[tuple[float, int]] = []
        """Start time and number of genomes of each of the first evaluations."""

    def evaluate(self, genomes: Sequence[Genome], weights: np.ndarray | None) -> Result:
        backend = self._backends[min(len(self._started), 3)]
        if len(self._started) < 5:
            self._started.append((time.perf_counter(), len(genomes)))
        for genome in genomes if backend is self._backends[3] else ():
            genome.rows = {}  # workers evaluate from scratch
        return backend.evaluate(genomes, weights)

    @property
    def gain(self) -> float | None:
        """Genomes per second with workers relative to without; None until both are measured."""
        if len(self._started) < 5:
            return None
        rates = [
            max(count, 1) / (self._started[number + 1][0] - begin)
            for number, (begin, count) in enumerate(self._started[:4])
        ]
        return rates[3] / rates[1]


@dataclass(frozen=True)
class WorkerOptions:
    """The processes that evaluate."""

    count: int = 0
    """Number of worker processes or actors; 0 evaluates in this process."""
    ray: bool = False
    """True if the workers are actors of a Ray cluster."""
    ray_address: str | None = None
    """Address of the cluster; None starts Ray on this machine."""


NO_WORKERS = WorkerOptions()


@contextmanager
def lend_ray(cores: int, address: str | None) -> Iterator[Any]:
    """Context manager: the module ray, connected to the cluster at an address or to a local one with `cores` cores.

    Raises:
        ValueError: Ray is not installed, or there is no cluster at the address.
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
        cases: inputs and targets of the networks.
        kind: a name in `agents.fitness.KINDS`.
        options: of the workers.
        immutable: True if genomes are `agents.neat.genome.Genome`, not neat-python's own.

    Raises:
        ValueError: the options ask for Ray, but it is not installed or cannot be reached.
    """
    scorer, workers = CaseScorer(cases, kind), options.count
    here = Incremental(scorer) if immutable and can_be_incremental(cases, kind) else in_process(scorer)
    if options.ray:
        with lend_ray(max(workers, 1), options.ray_address) as ray:
            yield BenchmarkedBackend(ray_actors(ray, cases, kind, max(workers, 1)), here)
    elif workers:
        with WorkerPool(workers, _begin, (cases, kind)) as pool:
            processes = InChunks(cases, lambda parts, weights: pool.map(_evaluate, parts, repeat(weights)), workers)
            yield BenchmarkedBackend(processes, here)
    else:
        yield here
