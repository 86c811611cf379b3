"""Progress of a run in the terminal; says nothing where the output is no terminal."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.evolution import Evolution, Generation


class EvolutionProgress:
    """A bar of the steps that the best genome gets right, with generation, rate and time."""

    def __init__(self, name: str, generations: int, quiet: bool = False):
        """
        Args:
            name: what is learned.
            generations: the budget.
            quiet: show nothing.
        """
        console = Console(stderr=True)
        self.generations = generations
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("right  {task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task = self._bar.add_task(name, total=None, state="")

    def __enter__(self) -> "EvolutionProgress":
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def __call__(self, row: Generation, evolution: Evolution) -> None:
        elapsed = self._bar.tasks[0].elapsed or 1e-9
        rate = (row.generation + 1) / elapsed
        state = (
            f"generation {row.generation + 1} of {self.generations}, {len(row.species)} species, {rate:.0f}/s, "
            f"at most {(self.generations - row.generation - 1) / rate:.0f} s left"
        )
        right = evolution.champion.right if evolution.champion else 0
        self._bar.update(self._task, completed=right, total=len(evolution.evaluator.cases), state=state)
