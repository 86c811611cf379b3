"""Processor settings belong to the whole process and are restored."""

import pytest

torch = pytest.importorskip("torch")

from vae.processor import computing  # noqa: E402


def half_of_the_smallest() -> float:
    return float(torch.tensor(torch.finfo(torch.float32).tiny) / 2)


def test_numbers_next_to_0_are_0_inside_and_are_not_outside():
    threads = torch.get_num_threads()
    with computing(threads + 1):
        assert (half_of_the_smallest(), torch.get_num_threads()) == (0.0, threads + 1)
        with computing(1):
            assert (half_of_the_smallest(), torch.get_num_threads()) == (0.0, 1)
        assert (half_of_the_smallest(), torch.get_num_threads()) == (0.0, threads + 1)
    assert half_of_the_smallest() == 2**-127
    assert torch.get_num_threads() == threads
