"""Worker processes that leave Ctrl-C to the process they work for: a terminal sends it to all of them."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """Spawned workers that are never interrupted; whoever lends the pool decides when they end."""

    def __init__(self, workers: int, begin: Callable[..., object] | None = None, arguments: tuple = ()):
        """
        Args:
            workers: how many.
            begin: called in each as it starts.
            arguments: of that call.
        """
        super().__init__(workers, get_context("spawn"), begin, arguments)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        with _interrupts_blocked():  # a worker is started here, when there is more to do than there are workers
            return super().submit(fn, *args, **kwargs)

    def end_at_once(self) -> None:
        """End the workers in the middle of what they do, and wait until they have ended."""
        processes = list((self._processes or {}).values())
        for process in processes:
            process.terminate()
        self.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold SIGINT back; a process that is started meanwhile never gets it, as it inherits what is blocked."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
