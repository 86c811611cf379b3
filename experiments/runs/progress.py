"""Progress of a run in the terminal: one bar for every kind of run; silent where the output is no terminal."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from experiments.runs.trainable import Trainable


class ProgressBar:
    """A bar with figures, elapsed time, and the time that the rest of the budget would take."""

    def __init__(self, quiet: bool = False):
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID
        """Known from `begin` on."""
        self._first_share = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def begin(self, trainable: Trainable) -> None:
        """Show a run before its first step."""
        status = trainable.status()
        self._first_share = status.share
        self._task = self._bar.add_task(
            trainable.name, total=status.total, completed=int(status.done), text=status.text
        )

    def update(self, trainable: Trainable) -> None:
        """Show the newest figures."""
        status = trainable.status()
        left = self._seconds_left(status.share)
        text = status.text if left is None else f"{status.text}, at most {left:.0f} s left"
        self._bar.update(self._task, completed=status.done, total=status.total, text=text)

    def _seconds_left(self, share: float) -> float | None:
        """Return how long the rest of the budget would take at the speed so far; None before it is known."""
        used, elapsed = share - self._first_share, self._bar.tasks[self._task].elapsed
        return elapsed * (1 - share) / used if used > 0 and elapsed else None
