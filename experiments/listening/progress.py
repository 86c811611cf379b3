"""A progress bar for long work other than runs, shown if the output is a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextmanager
def progress(quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar and yield a function that updates it with the name of the stage, steps done, and total steps."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    bar = Progress(
        *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, disable=quiet or not console.is_terminal
    )
    with bar:
        shown = bar.add_task("", total=None)

        def report(stage: str, done: int, of: int) -> None:
            if bar.tasks[0].description != stage:
                bar.reset(shown, total=of, description=stage)
            bar.update(shown, completed=done)

        yield report
