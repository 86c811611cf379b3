"""Deep Q-learning with a mode bit: the song first, with the preset bandit, then an improvisation with a prior.

best/song.safetensors    the network of mode 1; best/roll.npy, melody.mid, melody.wav are what it plays
best/model.safetensors   the network of mode 0; best/improvised/ has what it plays

Conventions: steps count both phases; `greedy_reward` is unknown until the song is learned.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from agents.dqn.network import arrays_of
from agents.prior import MakePrior
from agents.state_parts import join_states, restore_parts
from experiments.config.dqn import DqnConfig
from experiments.runs.checkpoint import State, write_arrays
from experiments.runs.dqn.learning import Learning
from experiments.runs.dqn.parts import CHAMPION, SONG_CHAMPION
from experiments.runs.folder import RunFolder
from experiments.runs.melody import title_of, write_melody
from experiments.runs.trainable import Callback, Log, Status, Trainable
from songs.plan import Plans
from songs.song import Song

OF_THE_SONG = ("right_teacher_forced", "prefix", "whole_songs")
"""Columns that belong to the song."""
SUMMARY_OF_THE_SONG = (*OF_THE_SONG, "cases", "ceiling", "always_rest", "right_free_running", "solved_at_step")


class SwitchLearning(Trainable):
    """Training of a song and then an improvisation, with a network for each mode."""

    def __init__(
        self, config: DqnConfig, songs: Sequence[Song], plans: Plans | None = None, prior: MakePrior | None = None
    ):
        """Take a resolved configuration and its songs; plans and prior, of the improvisation, as for `Learning`."""
        self.config, self.songs = config, songs
        self.name = title_of(songs)
        self.song = Learning(config.of_song, songs)
        self.own = Learning(config.of_improvisation, songs, plans=plans, prior=prior)

    @property
    def _current(self) -> Learning:
        return self.own if self.song.best.solved else self.song

    @property
    def steps(self) -> int:
        return self.song.steps + self.own.steps

    @property
    def ended(self) -> str:
        return self._current.ended

    @property
    def champion(self) -> object | None:
        return self.song.champion if self.own.champion is None else self.own.champion

    def step(self) -> Log | None:
        current = self._current
        log = current.step()
        if log is None:
            return None
        score = self.song.best.score
        known = {name: getattr(score, name.removesuffix("_teacher_forced")) for name in OF_THE_SONG} if score else {}
        reward = log.metrics.get("greedy_reward", float("nan"))
        return Log({**log.metrics, **known, "step": self.steps, "greedy_reward": reward})

    def status(self) -> Status:
        return self._current.status()

    def finish(self) -> None:
        self.song.finish()
        self.own.finish()

    def write_champion(self, folder: RunFolder, callbacks: Sequence[Callback]) -> None:
        best, prompt = folder.path / "best", self.config.task.prompt
        for learning, name, place, origin in (
            (self.song, SONG_CHAMPION, best, "learned"),
            (self.own, CHAMPION, best / "improvised", "improvised"),
        ):
            champion = learning.best
            network = learning.learner.network if champion.weights is None else champion.network()
            write_arrays(folder.path / name, arrays_of(network.state_dict()), {"step": champion.step})
            roll, memorised = champion.evaluator.play(network)[0], learning is self.song
            write_melody(place, roll, self.songs[0], origin)
            for callback in callbacks:
                title = "champion" if memorised else "improvisation"
                callback.on_melody(self.steps, title, roll, self.songs[0], prompt, memorised)

    def summary(self) -> dict[str, Any]:
        song, own = self.song.summary(), self.own.summary()
        both = {name: song[name] + own[name] for name in ("steps", "episodes", "updates", "parameters")}
        of_song = {name: song[name] for name in SUMMARY_OF_THE_SONG}
        return {**own, **of_song, **both, "solved": False, "regime": self.config.regime}

    def largest_checkpoint(self) -> int:
        return self.song.largest_checkpoint() + self.own.largest_checkpoint()

    def state(self) -> State:
        return join_states({"song": self.song, "own": self.own})

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        restore_parts({"song": self.song, "own": self.own}, arrays, data)
