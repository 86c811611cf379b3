"""Ctrl-C that finishes the step in hand instead of tearing it apart."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Tells whether the user, or the system, asked the program to stop."""

    requested = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Turn the first SIGINT or SIGTERM into `requested`; the second one acts at once, as usual."""
    interrupt = Interrupt()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number, frame):
        interrupt.requested = True
        restore()

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, ask)
    try:
        yield interrupt
    finally:
        restore()
