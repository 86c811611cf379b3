"""Progress of a run in the terminal; says nothing where the output is no terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agents.search import Generation, Search


class EvolutionProgress:
    """A bar of the steps that the best network gets right, with generation, rate and time."""

    def __init__(self, quiet: bool = False):
        """
        Args:
            quiet: show nothing.
        """
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("right  {task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._first = 0

    def __enter__(self) -> "EvolutionProgress":
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def begin(self, name: str, cases: int, generation: int, generations: int) -> None:
        """Say what is learned, how many cases there are to get right, where the run stands, and the budget."""
        self._task = self._bar.add_task(name, total=cases, state="")
        self._first, self._generations = generation, generations

    def update(self, row: Generation, search: Search) -> None:
        """Show a generation."""
        elapsed = self._bar.tasks[self._task].elapsed or 1e-9
        done = row.generation + 1
        rate = (done - self._first) / elapsed
        species = f"{len(row.species)} species, " if row.species else ""
        state = (
            f"generation {done} of {self._generations}, {species}{rate:.0f}/s, "
            f"at most {(self._generations - done) / rate:.0f} s left"
        )
        self._bar.update(self._task, completed=search.champion.right, state=state)
