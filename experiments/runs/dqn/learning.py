"""A DQN in training, as a `Trainable`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.dqn.champion import Champion
from agents.dqn.evaluation import GreedyScore
from agents.prior import MakePrior
from experiments.config.dqn import DqnConfig
from experiments.runs.checkpoint import State, write_arrays
from experiments.runs.dqn.parts import CHAMPION, improvisation_listener, make_evaluator, make_loop
from experiments.runs.folder import RunFolder
from experiments.runs.history import History
from experiments.runs.lifecycle import passes_multiple
from experiments.runs.melody import title_of, write_melody
from experiments.runs.scores import always_rest
from experiments.runs.songs import changes_of
from experiments.runs.trainable import Callback, Log, Status, Trainable
from listener.listener import Listener
from songs.plan import Plans
from songs.song import Song
from songs.validate import OrNone, validate_like

LARGEST_BESIDE = 2**26
"""Size in bytes of the parts of a checkpoint that do not grow with the run's options."""


class Learning(Trainable):
    """A DQN in training."""

    history: History

    def __init__(
        self,
        config: DqnConfig,
        songs: Sequence[Song],
        listener: Listener | None = None,
        plans: Plans | None = None,
        prior: MakePrior | None = None,
    ):
        """
        Args:
            config, songs: As resolved by `resolve_dqn`.
            listener: Replaces the listener of the configuration.
            plans: Plans of the songs, or None.
            prior: Prior of the greedy player; None: that of the configuration.
        """
        self.config, self.songs = config, songs
        self.name = title_of(songs)
        listener = listener or improvisation_listener(config)
        self.loop = make_loop(config, songs, listener, plans)
        self.learner = self.loop.agent.learner
        self.best = Champion(make_evaluator(config, songs, listener, plans, prior), self.learner.network)
        self.solved_at_step: int | None = None
        self.history = History()

    @property
    def steps(self) -> int:
        return self.learner.steps

    @property
    def ended(self) -> str:
        if self.config.dqn.stop_when_solved and self.solved_at_step is not None:
            return "solved"
        if self.steps < self.config.dqn.steps:
            return ""
        return "solved" if self.best.solved else "budget"

    @property
    def champion(self) -> object | None:
        return self.best.weights

    def step(self) -> Log | None:
        if self.config.prior.draws and self.best.weights is None:
            self._keep(self.best.consider(self.learner.network.copy().silence(), self.steps))  # it plays the draft
        before = self.steps
        self.loop.step()
        due = passes_multiple(self.config.dqn.evaluate_every, before, self.steps)
        return self._evaluate() if due else None

    def _evaluate(self) -> Log:
        """Evaluate the greedy player."""
        learner = self.learner
        loss, reward = self.loop.take_means()
        score = self.best.consider(learner.network, self.steps)
        if self.solved_at_step is None and self.best.solved:
            self.solved_at_step = self.steps
        if self.best.step == self.steps and self.history.wants(self.steps):
            self._keep(score)
        metrics = {
            "step": self.steps,
            "episodes": self.loop.episodes,
            "updates": learner.updates,
            "epsilon": self.loop.agent.epsilon.at(self.steps),
            "loss": loss,  # mean since the last row; 0 before the first update
            "mean_reward": reward,  # of a step while exploring, since the last row
            "right_teacher_forced": score.right,
            "prefix": score.prefix,
            "whole_songs": score.whole_songs,
        }
        if score.reward is not None:
            metrics["greedy_reward"] = score.reward  # of a step, free running
        return Log(metrics)

    def _keep(self, score: GreedyScore) -> None:
        """Add what the greedy player, a new champion, plays of the first song to the run's film."""
        roll = self.best.evaluator.play(self.best.network())[0]
        pressed = [np.flatnonzero(keys).tolist() for keys in roll]
        self.history.add({"step": self.steps, "right": score.right, "reward": score.reward, "roll": pressed})

    def status(self) -> Status:
        share = self.steps / self.config.dqn.steps
        text = (
            f"step {self.steps} of {self.config.dqn.steps}, {self.loop.episodes} episodes, "
            f"epsilon {self.loop.agent.epsilon.at(self.steps):.2g}"
        )
        score = self.best.score
        if score is not None and score.reward is not None:
            return Status(self.steps, self.config.dqn.steps, share, f"reward {score.reward:.3f}, {text}")
        ceiling = self.best.evaluator.ceiling
        return Status(self.best.right, ceiling, share, f"{self.best.right} of {ceiling} right, {text}")

    def finish(self) -> None:
        if self.best.weights is None:  # stopped before the first evaluation
            self.best.consider(self.learner.network, self.steps)

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        assert self.best.weights is not None, "it exists after the first evaluation"
        write_arrays(folder.path / CHAMPION, self.best.weights, {"step": self.best.step})
        roll, song = self.best.evaluator.play(self.best.network())[0], self.songs[0]
        write_melody(folder.path / "best", roll, song, "learned")
        for callback in callbacks:
            callback.on_melody(
                self.best.step, "champion", roll, song, self.config.task.prompt, not self.config.improvises
            )

    def summary(self) -> dict[str, Any]:
        config, best, learner, task = self.config, self.best, self.learner, self.config.task
        score = best.score
        assert score is not None, "`finish` has judged a player"
        return {
            "solved": best.solved,
            "solved_at_step": self.solved_at_step,
            "regime": config.regime,
            "song": self.songs[0].name if len(self.songs) == 1 else None,
            "songs": len(self.songs),
            "changes": changes_of(self.songs),
            "seed": config.dqn.seed,
            "steps": self.steps,
            "episodes": self.loop.episodes,
            "updates": learner.updates,
            "cases": len(best.evaluator),
            "ceiling": best.evaluator.ceiling,
            "always_rest": sum(always_rest(song, task.prompt) for song in self.songs),
            "right_teacher_forced": best.right,
            "right_free_running": best.evaluator.right_free_running(best.network()),
            "prefix": score.prefix,
            "whole_songs": score.whole_songs,
            "greedy_reward": score.reward,
            "champion_of_step": best.step,
            "right_at_the_end": best.evaluator.evaluate(learner.network).right,
            "memory": task.memory,
            "prompt": task.prompt,
            "parameters": sum(weights.numel() for weights in learner.network.parameters()),
            "bytes_per_transition": learner.replay.nbytes_each,
        }

    def largest_checkpoint(self) -> int:
        arrays, _ = self.loop.state()
        now, replay = sum(array.nbytes for array in arrays.values()), self.learner.replay
        # later additions: a full buffer with priorities and priors, moments, the champion, exploration counts
        return 4 * now + replay.options.capacity * (replay.nbytes_each + 64) + LARGEST_BESIDE

    def state(self) -> State:
        arrays, loop = self.loop.state()
        champion_arrays, champion = self.best.state()
        return {**arrays, **champion_arrays}, {
            "loop": loop,
            "champion": champion,
            "solved_at_step": self.solved_at_step,
        }

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        validate_like({"loop": {}, "champion": {}, "solved_at_step": OrNone(0)}, data)
        self.loop.restore(arrays, data["loop"])
        self.best.restore(arrays, data["champion"])
        self.solved_at_step = data["solved_at_step"]
