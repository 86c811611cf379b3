"""The settings of the processor belong to the whole process: they are put back."""

import pytest

torch = pytest.importorskip("torch")

from listener.judge_training import train_judge  # noqa: E402
from listener.learned.training import train_learned  # noqa: E402
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


@pytest.mark.parametrize("train", [train_learned, train_judge])
def test_training_that_fails_leaves_the_processor_as_it_was(train):
    threads = torch.get_num_threads()
    corpora = 3 if train is train_learned else 2
    with pytest.raises(AttributeError):
        train(*[None] * corpora, options=None, seed=0)
    assert half_of_the_smallest() == 2**-127
    assert torch.get_num_threads() == threads
