"""Progress of a run in the terminal: one bar for every kind of run; silent if the output is not a terminal."""

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from experiments.runs.trainable import Status, Trainable


class LeastColumn(TextColumn):
    """A text column that is cut off first when the terminal is narrow."""

    def __init__(self, text_format: str):
        super().__init__(text_format, markup=False, table_column=Column(no_wrap=False))

    def render(self, task: Task) -> Text:
        text = super().render(task)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text


class ProgressBar:
    """A bar with figures, elapsed time, and an estimate of the remaining time."""

    def __init__(self, quiet: bool = False):
        console = Console(stderr=True)
        self._bar = Progress(
            LeastColumn("{task.description}"),
            BarColumn(bar_width=20, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figure]}", markup=False),
            LeastColumn("{task.fields[others]}"),
            TextColumn("{task.fields[left]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID
        """Set by `begin`."""
        self._first_share = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def begin(self, trainable: Trainable) -> None:
        """Add a bar for a run before its first step."""
        status = trainable.status()
        self._first_share = status.share
        figure, others = _parts(status)
        self._task = self._bar.add_task(
            trainable.name, total=status.total, completed=int(status.done), figure=figure, others=others, left=""
        )

    def update(self, trainable: Trainable) -> None:
        """Show the newest figures."""
        status = trainable.status()
        left = self._seconds_left(status.share)
        rest = "" if left is None else f"at most {left:.0f} s left"
        figure, others = _parts(status)
        self._bar.update(self._task, completed=status.done, total=status.total, figure=figure, others=others, left=rest)

    def _seconds_left(self, share: float) -> float | None:
        """Return the seconds that the rest of the budget takes at the speed so far; None if not yet known."""
        used, elapsed = share - self._first_share, self._bar.tasks[self._task].elapsed
        return elapsed * (1 - share) / used if used > 0 and elapsed else None


def _parts(status: Status) -> tuple[str, str]:
    """Return the first figure of a status, and the others."""
    figure, comma, others = status.text.partition(", ")
    return figure + comma.strip(), others
