"""Evolution in a Gymnasium environment, as a run.

In addition to the columns of every run of evolution, metrics.csv has `env_steps`, the number played so far, and
`champion_return`, the champion's mean return over the validation episodes. best/ only holds genome.json.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from agents.neat.env_evolution import EnvEvolution, EpisodeEvaluator, env_cases, lend_players
from agents.neat.genome_json import genome_to_json
from agents.neat.workers import WorkerOptions
from experiments.config.evolve import EvolveConfig
from experiments.config.settings import ConfigError
from experiments.runs.evolve.env_task import EnvChampion, env_maker, make_env
from experiments.runs.evolve.evolving import Evolving
from experiments.runs.evolve.searches import write_neat_config
from experiments.runs.folder import RunFolder
from experiments.runs.trainable import Callback
from songs.files import write_atomically


@contextmanager
def env_training(config: EvolveConfig, folder: RunFolder, workers: WorkerOptions) -> Iterator["EvolvingInEnv"]:
    """Context manager for the evolution of a run folder; raises ConfigError if the environment does not exist."""
    if workers.ray:
        raise ConfigError("--backend ray: environments are played in processes of this machine; leave it out")
    options, cases = config.environment, env_cases(make_env(config.environment))
    neat_config = write_neat_config(config, cases, folder.path / "neat.ini")
    with lend_players(env_maker(options), config.genome.recurrent, workers.count) as players:
        evaluator = EpisodeEvaluator(
            players, cases, config.seed, options.episodes, options.validation, config.operators.parsimony
        )
        search = EnvEvolution(neat_config, evaluator, config.seed, options.solved_at or None)
        yield EvolvingInEnv(config, (), cases, search, None)


class EvolvingInEnv(Evolving):
    """A search for a network that acts in an environment."""

    search: EnvEvolution

    @property
    def ceiling(self) -> None:
        """None, because nothing is right or wrong."""
        return None

    def _further_metrics(self) -> dict[str, float]:
        return {"env_steps": self.search.evaluator.env_steps, "champion_return": self._worth(self.champion)}

    def _worth(self, champion: Any) -> float:
        assert self.search.champion_return is not None, "it exists with the champion"
        return self.search.champion_return

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        write_atomically(folder.path / "best" / "genome.json", genome_to_json(self.search.champion, *self.shape))

    def summary(self) -> dict[str, Any]:
        summary, champion, options = super().summary(), self.search.champion, self.config.environment
        figures = {
            "environment": options.id,
            "env_steps": self.search.evaluator.env_steps,
            "champion_return": self.search.champion_return,
            "solved_at": options.solved_at or None,
        }
        return {**summary, **figures, **(EnvChampion(self.config, champion).test() if champion else {})}
