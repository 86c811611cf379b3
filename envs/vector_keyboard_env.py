"""Many keyboards played at the same time, as a native Gymnasium vector environment.

Its results equal those of a `SyncVectorEnv` of as many copies of `KeyboardEnv`, number for number.

Conventions: N environments.
Source: autoreset modes as in `gymnasium.vector.SyncVectorEnv` 1.4.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.arguments import check_keys, check_mask, check_options, seeds_of
from envs.core import KeyboardCore
from envs.episode_start import DRAWS, EpisodeDraws
from envs.keyboard_env import KeyboardEnv, memorize
from envs.render import check_render_mode
from envs.vector_information import after_step, final, masked
from songs.validate import validate_like


class KeyboardVectorEnv(VectorEnv):
    """N keyboards of K keys, by default 13, C4 to C5, on each of which a song is to be played.

    ## Description
    As `KeyboardEnv`, N times. Each environment has its own song, step and mode; all advance one step at a
    time.

    ## Action Space
    `Box(0, 1, (N, K), int8)`. Any boolean, integer or floating array of 0 and 1 is accepted.

    ## Observation Space
    `Box(0, 1, (N, memory * K), int8)`, with one more column for `mode_bit` and further ones for `plans`.

    ## Rewards
    (N,) float64, the listener's reward for the newest step of each environment.

    ## Starting State
    As `KeyboardEnv`. `reset(seed=s)` seeds environment i with s + i; a list gives each its own seed.

    ## Episode End
    As `KeyboardEnv`; with `max_episode_steps` the episode also truncates after that many steps. What happens
    next depends on `autoreset_mode`:
    * `NEXT_STEP`: the next step begins a new episode; it ignores the action and its reward is 0. The learner must
      not learn from that transition.
    * `SAME_STEP`: the observation is the first one of a new episode; the last one is in `final_obs`.
    * `DISABLED`: `reset(options={"reset_mask": mask})` must begin a new one before the next step.

    ## Information
    `song` (N,) str and `step` (N,) int64; after an action also `right` (N,) bool. Each comes with a mask, `_song`,
    `_step` or `_right`, of the environments for which it is valid: an environment that begins an episode has played
    nothing yet that could be right. With the keyboard's option `key_rewards` also `key_rewards` (N, K) float32. With
    `SAME_STEP` also `final_obs` and `final_info`.

    ## Arguments
    * `keyboard`: the environment to copy N times; it is not played itself. If its render mode is `ansi` or
      `rgb_array`, `render()` returns one drawing per copy.
    * `num_envs`: N, at least 1.
    * `autoreset_mode`: an `AutoresetMode` or its name, `NextStep` by default.
    * `copy`: if False, the observations are a read-only view of the environment's own memory, valid until the next
      call of `step` or `reset`. This saves copying (N, memory * K) bytes at every step.
    * `max_episode_steps`: truncate episodes after this many steps.

    The options of `reset` are those of `KeyboardEnv`, as one value or as N, and `reset_mask`, (N,) bool:
    reset only these environments.
    """

    metadata = {**KeyboardEnv.metadata, "render_modes": ["ansi", "rgb_array"]}

    def __init__(
        self,
        keyboard: KeyboardEnv,
        num_envs: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        max_episode_steps: int | None = None,
    ):
        if num_envs < 1:
            raise ValueError(f"num_envs is {num_envs}: it must be at least 1")
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"max_episode_steps is {max_episode_steps}: it must be at least 1, or None for no limit")
        self.keyboard = keyboard
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self._same_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        self._disabled = self.autoreset_mode is AutoresetMode.DISABLED
        self.copy = copy
        self.max_episode_steps = max_episode_steps
        self.render_mode = check_render_mode(keyboard.render_mode, self.metadata["render_modes"])
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_action_space = self.keyboard.action_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.single_observation_space = self.keyboard.observation_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._core = KeyboardCore(keyboard.rules, num_envs, max_episode_steps, record=self.render_mode is not None)
        self._draws = EpisodeDraws(num_envs)
        self._action_shape = (num_envs, keyboard.rules.keys)
        self._everyone = np.ones(num_envs, dtype=bool)
        self._over: np.ndarray | None = None
        """Indices of the environments waiting for a new episode; None before the first reset."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a song in every environment.

        Args:
            seed: seed of the first environment, counted up for the others; or a list with a seed for each.
            options: `song`, `start` and `improvise`, each one value or (N,); `reset_mask`, (N,) bool, the
                environments to reset, all by default.

        Returns:
            The observations and the information.

        Raises:
            TypeError: the reset mask is not a boolean array.
            ValueError: an option, song or step does not exist, or a length is not N.
        """
        options = dict(options or {})
        mask = check_mask(options.pop("reset_mask", self._everyone), self.num_envs)
        if self._over is None and not mask.all():
            raise ValueError("the first reset must reset every environment: leave 'reset_mask' out")
        choices = check_options(options, (self.num_envs,))
        envs = np.flatnonzero(mask)
        for env, one in zip(envs.tolist(), seeds_of(seed, self.num_envs, envs), strict=True):
            if one is not None and self._core.needs_draws:
                self._draws.seed(env, one)
        self._begin(envs, **{option: values[envs] for option, values in choices.items()})
        self._over = envs[:0] if self._over is None else self._over[~mask[self._over]]
        return self._observations(), masked(self._songs(), mask)

    def _begin(self, envs: np.ndarray, **choices: np.ndarray) -> None:
        """Begin an episode in some environments; choices as for `KeyboardCore.begin`."""
        draws = self._draws.next(envs) if self._core.needs_draws else np.zeros((len(envs), DRAWS))
        self._core.begin(envs, draws, **choices)

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one step in every environment.

        Args:
            actions: (N, K) of 0 and 1.

        Returns:
            Observations (N, memory * K) int8, rewards (N,) float64, terminations (N,) bool, truncations
            (N,) bool and the information.

        Raises:
            RuntimeError: an environment must be reset first.
            ValueError: the actions have the wrong shape, type or values, or the listener's rewards are not finite.
        """
        keys = check_keys(actions, self._action_shape)
        if self._over is None or (self._over.size and self._disabled):
            raise RuntimeError(self._what_to_reset())
        rewards, right, terminated, truncated = self._core.play(keys, self._over)
        rewards = rewards.astype(np.float64)
        if truncated is None:
            over, truncated = terminated, np.zeros(self.num_envs, dtype=bool)
        else:
            over = terminated | truncated
        last: dict[str, Any] = {}
        begun = over.nonzero()[0] if self._same_step else self._over
        if begun.size:
            if self._same_step:
                values = self._songs() | self._played(right)
                last = final(self._core.observations(), values, over)
            else:
                rewards[begun], terminated[begun], truncated[begun], over[begun] = 0, False, False, False
            self._begin(begun)
        if not self._same_step:
            self._over = over.nonzero()[0]
        song, step = self._core.song_names.copy(), self._core.clock.steps
        information = after_step(song, step, self._played(right), begun, self._everyone.copy())
        return self._observations(), rewards, terminated, truncated, {**last, **information}

    def _what_to_reset(self) -> str:
        if self._over is None:
            return "no episode has begun: call reset() before step()"
        return (
            f"the episode is over in environments {self._over.tolist()}: "
            "call reset(options={'reset_mask': mask}) before step()"
        )

    def _observations(self) -> np.ndarray:
        observations = self._core.observations()
        return observations.copy() if self.copy else observations

    def _songs(self) -> dict[str, np.ndarray]:
        return {"song": self._core.song_names, "step": self._core.clock.steps}

    def _played(self, right: np.ndarray) -> dict[str, np.ndarray]:
        if self._core.key_rewards is None:
            return {"right": right}
        return {"right": right, "key_rewards": self._core.key_rewards}

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the state of all episodes, to continue from later.

        Returns:
            Arrays, and the states of the generators as plain data.

        Raises:
            RuntimeError: no episode has begun.
            ValueError: episodes may be truncated; their time limits are not part of the state.
        """
        if self._over is None:
            raise RuntimeError("no episode has begun: call reset() before state()")
        if self.max_episode_steps is not None:
            raise ValueError("state() does not keep the time limit of episodes: leave max_episode_steps out")
        drawn, generators = self._draws.state()
        over = np.isin(np.arange(self.num_envs), self._over)
        return {**self._core.state(), **drawn, "over": over}, generators

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> tuple[np.ndarray, dict[str, Any]]:
        """Continue from a state, in an environment made with the same arguments.

        Returns:
            The observations and the information, as `reset` does.

        Raises:
            ValueError: the state does not fit this environment.
        """
        validate_like({"over": self._everyone}, arrays)
        self._core.restore(arrays, arrays["over"])
        self._draws.restore(arrays, data)
        self._over = arrays["over"].nonzero()[0]
        return self._observations(), masked(self._songs(), self._everyone)

    def render(self) -> tuple[str | np.ndarray, ...] | None:
        """Draw the last bars of every environment, as text (ansi) or as a picture (rgb_array)."""
        return self._core.render(self.render_mode) or None


def memorize_many(
    num_envs: int = 1,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    copy: bool = True,
    max_episode_steps: int | None = None,
    **options,
) -> KeyboardVectorEnv:
    """Make the vector environment of `kuznechik/Memorize-v0`: reproduce one song, many times at once.

    Args:
        num_envs, autoreset_mode, copy, max_episode_steps: arguments of `KeyboardVectorEnv`.
        **options: arguments of `memorize`.
    """
    return KeyboardVectorEnv(memorize(**options), num_envs, autoreset_mode, copy, max_episode_steps)
