"""The desk: where a page hands in what a person asks for, and the run takes it up, one after the other.

A run goes on in one thread, pages are served by others. What changes the run is done by the run itself.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

WAIT_SECONDS = 0.2
"""Longest time until a run looks up from the desk, to see whether it was interrupted."""
ANSWER_SECONDS = 3600
"""A listener may breed for long between two choices."""


class DeskClosed(ValueError):
    """The run has ended and takes up nothing more."""


class Desk:
    """Requests of a page, and the run that they are for."""

    def __init__(self) -> None:
        self.closed = False
        """Whether the person has finished, or the process is left alone."""
        self.opened: Callable[[], Any] = lambda: None
        """Called once, when the run takes requests."""
        self._requests: SimpleQueue[tuple[Callable[[Any], Any], Future]] = SimpleQueue()
        self._parent = os.getppid()
        self._opened = Event()
        self._run: Any = None

    def open(self, run: Any) -> None:
        """Begin to take requests for a run."""
        self._run = run
        self._opened.set()
        self.opened()

    def finish(self) -> None:
        """Let the run end: nothing more is chosen."""
        self.closed = True

    def close(self) -> None:
        """Refuse what is still there, and all that comes."""
        self.closed = True
        while not self._requests.empty():
            _, answer = self._requests.get()
            answer.set_exception(DeskClosed("the run has ended"))

    def run(self, seconds: float = 30) -> Any:
        """Return the run, to read from it; raises DeskClosed if there is none."""
        if not self._opened.wait(seconds) or self.closed:
            raise DeskClosed("the run has ended, or has not begun")
        return self._run

    def ask(self, request: Callable[[Any], Any]) -> Any:
        """Let the run do something, and return what it returns; raises what it raises, and DeskClosed."""
        answer: Future = Future()
        if self.closed:
            raise DeskClosed("the run has ended")
        self._requests.put((request, answer))
        return answer.result(ANSWER_SECONDS)

    def serve(self) -> None:
        """Do what is asked for next, in the thread of the run; return after a while if nothing is."""
        if os.getppid() != self._parent:  # the terminal or program that started this is gone
            self.closed = True
            return
        try:
            request, answer = self._requests.get(timeout=WAIT_SECONDS)
        except Empty:
            return
        try:
            answer.set_result(request(self._run))
        except Exception as error:  # of the request, not of the run: the page shows it
            answer.set_exception(error)
