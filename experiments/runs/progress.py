"""Progress of a run in the terminal; says nothing where the output is no terminal."""

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from agents.neat.improvisation import Improvisation
from agents.search import Generation, Search

if TYPE_CHECKING:  # it would load torch
    from experiments.runs.dqn import Evaluation


class _Bar:
    """A bar of the steps that the best network gets right, or of the budget and what a listener pays."""

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
            TextColumn("{task.fields[counted]}  {task.fields[state]}"),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID
        """From `begin` on."""
        self._first = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error) -> None:
        self._bar.stop()

    def _show_reward(self, done: int, budget: int, reward: float, state: str) -> None:
        """Show how much of the budget is used, and what a listener pays, where nobody knows the most that it can be."""
        self._bar.update(self._task, completed=done, total=budget, counted=f"reward {reward:.3f}", state=state)

    def _per_second(self, done: int) -> float:
        """Return how fast it went since the beginning."""
        return max(done - self._first, 1e-9) / (self._bar.tasks[self._task].elapsed or 1e-9)


class EvolutionProgress(_Bar):
    """The bar with generation, rate and time."""

    def begin(self, name: str, cases: int, generation: int, generations: int) -> None:
        """Say what is learned, how many cases there are to get right, where the run stands, and the budget."""
        self._task = self._bar.add_task(name, total=cases, counted="right", state="")
        self._first, self._generations = generation, generations

    def update(self, row: Generation, search: Search) -> None:
        """Show a generation."""
        champion, done = search.champion, row.generation + 1
        assert champion is not None, "after a generation there is one"
        rate = self._per_second(done)
        species = f"{len(row.species)} species, " if row.species else ""
        state = (
            f"generation {done} of {self._generations}, {species}{rate:.0f}/s, "
            f"at most {(self._generations - done) / rate:.0f} s left"
        )
        if isinstance(getattr(search, "improvisation", search), Improvisation):
            self._show_reward(done, self._generations, -champion.loss, state)
        else:
            self._bar.update(self._task, completed=champion.right, state=state)


class DqnProgress(_Bar):
    """The bar with environment steps, exploration, rate and time."""

    def begin(self, name: str, ceiling: int, step: int, steps: int) -> None:
        """Say what is learned, how many steps can be right, where the run stands, and the budget."""
        self._task = self._bar.add_task(name, total=ceiling, counted="right", state="")
        self._first, self._steps = step, steps

    def update(self, row: "Evaluation", best_right: int) -> None:
        """Show an evaluation."""
        rate = self._per_second(row.step)
        state = (
            f"step {row.step} of {self._steps}, {row.episodes} episodes, epsilon {row.epsilon:.2g}, {rate:.0f}/s, "
            f"at most {(self._steps - row.step) / rate:.0f} s left"
        )
        if row.greedy_reward is None:
            self._bar.update(self._task, completed=best_right, state=state)
        else:
            self._show_reward(row.step, self._steps, row.greedy_reward, state)
