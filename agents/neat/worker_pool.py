"""Worker processes that leave Ctrl-C to their parent process and end when it ends."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import Any


class WorkerPool(ProcessPoolExecutor):
    """Spawned workers that are never interrupted; they end with the pool, or with the process that made it."""

    def __init__(self, workers: int, begin: Callable[..., object] | None = None, arguments: tuple = ()):
        """Make a number of workers, each of which calls `begin(*arguments)` as it starts."""
        super().__init__(workers, get_context("spawn"), _begin_worker, (begin, arguments))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        with _interrupts_blocked():  # this starts a worker if there are more tasks than workers
            return super().submit(fn, *args, **kwargs)

    def end_at_once(self) -> None:
        """End the workers without finishing their tasks, and wait until they have ended."""
        self.terminate()
        self.shutdown(cancel_futures=True)

    def terminate(self) -> None:
        """Send the workers SIGTERM."""
        for process in list((self._processes or {}).values()):
            process.terminate()


def _begin_worker(begin: Callable[..., object] | None, arguments: tuple) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    if begin:
        begin(*arguments)


def _end_with_parent() -> None:
    """Wait until the parent has ended, even if it was killed, and then end this process at once."""
    parent = parent_process()
    assert parent is not None, "a worker is a child"
    parent.join()
    os._exit(1)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Context manager: block SIGINT here and in processes started meanwhile."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
