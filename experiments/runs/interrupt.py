"""Ctrl-C that lets the current step finish."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupt:
    """Flag that the user or the system has asked the program to stop."""

    requested = False


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Turn the first SIGINT or SIGTERM into `requested`; a second one acts at once, as usual."""
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
