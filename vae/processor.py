"""Processor settings for small networks."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing(threads: int = 1) -> Iterator[None]:
    """Context manager or decorator: use `threads` threads and flush subnormal numbers to 0.

    Subnormal numbers make a step on a CPU up to 5 times slower, and small products are faster on one thread. Both are
    settings of the whole process and are restored afterwards, so that later results are bit-identical to those without
    this.
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
