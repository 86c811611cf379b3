"""The keyboard as a Gymnasium environment.

Conventions:
    Time is counted in steps of the grid. An episode begins after the prompt and ends with the song.
    The memory holds the last steps, oldest first; before the song there is silence.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import MultiBinary

from envs.arguments import check_keys, check_options
from envs.core import KeyboardCore, Rules
from envs.episode_start import DRAWS
from envs.render import check_render_mode
from listener.listener import Listener
from listener.memorization import ExactSteps, RightKeys
from listener.registry import load_listener
from songs.arrange import ARRANGE_OPTIONS, DEFAULTS
from songs.catalog import find_song
from songs.piano_roll import read_lags
from songs.plan import Plans, input_count
from songs.song import Song, usual_memory, usual_prompt

_EPISODE = np.arange(1)
"""Index of the only episode."""
_NOTHING_OVER = _EPISODE[:0]


class KeyboardEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """A keyboard on which a song is to be played. Its K keys are those of the songs, by default 13, C4 to C5.

    ## Description
    At every step each key is pressed or not. The performer observes the last steps and plays the next one;
    a listener rewards it. The first steps, the prompt, are given.

    ## Action Space
    `MultiBinary(K)`: 1 presses a key, lowest key first. Keys are not held: a 1 is an onset.

    ## Observation Space
    `MultiBinary(M * K)`: the last M = `memory` steps, or the M steps at `lags`, oldest first, K keys each. With
    `mode_bit` one more element: 1 to play the song, 0 to improvise. With `plans`, the plan's description of the
    next step follows, as in `songs.plan.PlanInputs`.

    ## Rewards
    The listener's reward for the newest step; by default 1 if all its keys are right, else 0.

    ## Starting State
    The memory holds the prompt, preceded by silence if the memory is longer. An episode may also begin at a
    later step; then the memory holds the song up to that step.

    ## Episode End
    The episode terminates with the last step of the song, or with the first wrong step if
    `stop_at_error`. It never truncates.

    ## Information
    `song`: name of the song. `step`: the next step to play. After an action also `right`: True if all keys
    were right (always False while improvising). With the option `key_rewards` also `key_rewards`, (K,)
    float32: the listener's reward for each key; their mean is the reward.

    ## Arguments
    * `songs`: songs to play, all on the same keyboard. One is drawn at each reset, or chosen with
      `reset(options={"song": index})`.
    * `listener`: gives the rewards; an object, or a name such as `theory`. `ExactSteps()` by default.
    * `memory`: steps remembered, at least 1; by default four bars, taking the longest bar among the songs.
    * `lags`: observe these steps back instead, such as `(1, 2, 4, 8, 16, 32)`; the memory reaches to the largest.
    * `prompt`: steps given at the start, at least 0 and fewer than the song has; by default one such bar.
    * `teacher_forcing`: the memory holds the song instead of what was played.
    * `stop_at_error`: end the episode at the first wrong step.
    * `mode_bit`: append the mode to the observation.
    * `random_start`: probability, 0 to 1, that an episode begins at a uniformly random step after the prompt
      instead of right after it. `reset(options={"start": step})` chooses the step.
    * `key_rewards`: add the reward of each key to the information.
    * `improvise`: do not expect the song after the prompt: the memory holds what was played, the listener
      gets no target, no step is wrong. `reset(options={"improvise": True})` sets it for one episode; None keeps
      this default.
    * `plans`: a `songs.plan.Plans` of what to play, with one plan per song and as long as the song. Plans are observed
      and do not change the rewards.
    """

    metadata = {"render_modes": ["human", "ansi", "rgb_array"], "render_fps": 4}

    def __init__(
        self,
        songs: Sequence[Song],
        listener: Listener | str | None = None,
        memory: int | None = None,
        prompt: int | None = None,
        teacher_forcing: bool = False,
        stop_at_error: bool = False,
        mode_bit: bool = False,
        improvise: bool = False,
        random_start: float = 0.0,
        key_rewards: bool = False,
        render_mode: str | None = None,
        lags: Sequence[int] = (),
        plans: Plans | None = None,
    ):
        if not songs:
            raise ValueError("give the environment at least one song")
        lags = read_lags(",".join(map(str, lags)))
        if lags and memory not in (None, lags[0]):
            raise ValueError(f"memory is {memory} steps and lags are {lags}: leave one out")
        self.rules = Rules(
            tuple(songs),
            listener_of(listener),
            lags[0] if lags else usual_memory(songs) if memory is None else memory,
            lags,
            usual_prompt(songs) if prompt is None else prompt,
            teacher_forcing,
            stop_at_error,
            mode_bit,
            improvise,
            float(random_start),
            key_rewards,
            plans,
        )
        self.render_mode = check_render_mode(render_mode, self.metadata["render_modes"])
        self.action_space = MultiBinary(self.rules.keys)
        planned = input_count(self.rules.keys) if plans is not None else 0
        self.observation_space = MultiBinary(self.rules.rows * self.rules.keys + mode_bit + planned)
        self._core = KeyboardCore(self.rules, 1, record=True)
        self._action_shape = (self.rules.keys,)
        self._over = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a song.

        Args:
            seed: seeds the choice of the song and of the first step.
            options: `song`, an index into `songs`; `start`, the first step to play; `improvise`, the
                mode of this episode. None means the default of each.

        Returns:
            The observation and the information.

        Raises:
            ValueError: an option, song or step does not exist, or `improvise` is neither a bool nor None.
        """
        super().reset(seed=seed)
        choices = check_options(options or {}, ())
        self._core.begin(_EPISODE, self.np_random.random((1, DRAWS)), **choices)
        self._over = False
        if self.render_mode == "human":
            self.render()
        return self._observation(), self._information()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one step.

        Args:
            action: (K,) of 0 and 1.

        Returns:
            Observation, reward, terminated, truncated (always False) and information.

        Raises:
            RuntimeError: no episode has begun, or it is over.
            ValueError: the action has the wrong shape, type or values, or the listener's rewards are not finite.
        """
        if self._over:
            raise RuntimeError("the episode is over: call reset() before step()")
        keys = check_keys(action, self._action_shape)
        rewards, right, terminated, _ = self._core.play(keys[None], _NOTHING_OVER)
        self._over = terminated.item()
        information = self._information()
        information["right"] = right.item()
        if self._core.key_rewards is not None:
            information["key_rewards"] = self._core.key_rewards[0]
        if self.render_mode == "human":
            self.render()
        return self._observation(), float(rewards.item()), self._over, False, information

    def _observation(self) -> np.ndarray:
        return self._core.observations()[0].copy()

    def _information(self) -> dict[str, Any]:
        return {"song": self._core.song_names[0], "step": self._core.clock.steps.item()}

    @property
    def played(self) -> np.ndarray:
        """(steps so far, K) bool: the prompt followed by what the performer played."""
        return self._core.played(0)

    def render(self) -> str | np.ndarray | None:
        """Draw the last bars, as text (ansi), as a picture (rgb_array), or in the terminal (human)."""
        if self.render_mode == "human":
            print(*self._core.render("ansi"), flush=True)
            return None
        drawings = self._core.render(self.render_mode)
        return drawings[0] if drawings else None


def listener_of(listener: Listener | str | None) -> Listener:
    """Return a listener given as an object or by name; the default is `ExactSteps()`.

    Raises:
        ValueError: no listener has that name, or the object is not a listener.
    """
    if listener is None:
        return ExactSteps()
    if isinstance(listener, str):
        return load_listener(listener)
    if not callable(getattr(listener, "rewards", None)):
        raise ValueError(
            f"listener is {listener!r}: it must be a name or an object with a method rewards(rolls, targets)"
        )
    return listener


def memorize(song: str = "grasshopper", folder: str | None = None, per_key: bool = False, **options) -> KeyboardEnv:
    """Make the environment of `kuznechik/Memorize-v0`: reproduce one song.

    Args:
        song: a name in the catalogue, or the path of a MIDI file.
        folder: the catalogue; the project's own songs by default.
        per_key: reward the share of right keys instead of exact steps.
        **options: arguments of `KeyboardEnv`, and those that turn a file into a song: track, channel, grid, keys, fold,
            bars, chords, steps; see `songs.arrange`.
    """
    options.setdefault("listener", RightKeys() if per_key else ExactSteps())
    choices = {name: options.pop(name) for name in ARRANGE_OPTIONS if name in options}
    return KeyboardEnv([find_song(song, folder, DEFAULTS.change(**choices))], **options)


# `gymnasium.make` looks here for the render modes; mypy does not know that functions have attributes
memorize.metadata = KeyboardEnv.metadata  # type: ignore[attr-defined]
