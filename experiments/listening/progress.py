"""The bar of long work on listeners; says nothing where the output is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar; what is returned takes the name of a stage, how far it is, of how much."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    bar = Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=not console.is_terminal
    )
    with bar:
        shown = bar.add_task("", total=None)

        def report(stage: str, done: int, of: int) -> None:
            if bar.tasks[0].description != stage:
                bar.reset(shown, total=of, description=stage)
            bar.update(shown, completed=done)

        yield report
