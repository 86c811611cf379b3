"""How a processor computes with networks as small as these."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing(threads: int = 1) -> Iterator[None]:
    """Compute with so many threads, and with 0 for numbers next to it, until the block ends.

    On CPUs such numbers cost up to 5 times a step, and threads cost small products more than they bring. Both belong
    to the whole process: they are put back, so that what is computed after this has the bits that it has without it.
    A function can be decorated with it, too.
    """
    threads_before, zero_before = torch.get_num_threads(), _rounds_to_zero()
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(zero_before)
        torch.set_num_threads(threads_before)


def _rounds_to_zero() -> bool:
    smallest = torch.finfo(torch.float64).tiny
    return bool(torch.tensor([smallest], dtype=torch.float64).div(2) == 0)
