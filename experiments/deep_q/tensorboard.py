"""The learning curve for TensorBoard, where that is installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

from experiments.run_folder import RunFolder


@contextmanager
def watching(folder: RunFolder, wanted: bool) -> Iterator[list[Callable]]:
    """Lend what is to be called with every evaluation of a run: nothing, or a writer of `tensorboard/` in its folder.

    Args:
        folder: of the run.
        wanted: whether to write; the package tensorboard must be installed then.
    """
    if not wanted:
        yield []
        return
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(folder.path / "tensorboard")) as writer:

        def write(row) -> None:
            for name, value in asdict(row).items():
                if value is not None and name != "step":
                    writer.add_scalar(name, value, row.step)

        yield [write]
