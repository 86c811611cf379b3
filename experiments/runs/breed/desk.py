"""The desk: a queue where a page puts a person's requests, and the run carries them out in order.

The run works in one thread, and pages are served by others. Only the run's own thread changes the run.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

WAIT_SECONDS = 0.2
"""Maximum time that a run waits at the desk before it checks for an interrupt."""
ANSWER_SECONDS = 3600
"""Maximum time for an answer; a listener may breed for a long time between two choices."""


class DeskClosed(ValueError):
    """The run has ended and accepts no more requests."""


class Desk:
    """The requests of a page, and the run that they are for."""

    def __init__(self) -> None:
        self.closed = False
        """True if the person has finished, or the parent process is gone."""
        self.opened: Callable[[], Any] = lambda: None
        """Called once, when the run starts to accept requests."""
        self._requests: SimpleQueue[tuple[Callable[[Any], Any], Future]] = SimpleQueue()
        self._parent = os.getppid()
        self._opened = Event()
        self._run: Any = None

    def open(self, run: Any) -> None:
        """Start to accept requests for a run."""
        self._run = run
        self._opened.set()
        self.opened()

    def finish(self) -> None:
        """Let the run end, without further choices."""
        self.closed = True

    def close(self) -> None:
        """Refuse all pending and future requests."""
        self.closed = True
        while not self._requests.empty():
            _, answer = self._requests.get()
            answer.set_exception(DeskClosed("the run has ended"))

    def run(self, seconds: float = 30) -> Any:
        """Return the run for reading; raise DeskClosed if it has ended or not started in time."""
        if not self._opened.wait(seconds) or self.closed:
            raise DeskClosed("the run has ended, or has not begun")
        return self._run

    def ask(self, request: Callable[[Any], Any]) -> Any:
        """Let the run carry out a request, and return its result; raise its exception, or DeskClosed."""
        answer: Future = Future()
        if self.closed:
            raise DeskClosed("the run has ended")
        self._requests.put((request, answer))
        return answer.result(ANSWER_SECONDS)

    def serve(self) -> None:
        """Carry out the next request, in the thread of the run; return after `WAIT_SECONDS` if none arrives."""
        if os.getppid() != self._parent:  # the terminal or program that started this is gone
            self.closed = True
            return
        try:
            request, answer = self._requests.get(timeout=WAIT_SECONDS)
        except Empty:
            return
        try:
            answer.set_result(request(self._run))
        except Exception as error:  # an error of the request, not of the run: the page shows it
            answer.set_exception(error)
