"""Many keyboards played at the same time, as a native Gymnasium vector environment.

It does what `SyncVectorEnv` does with as many copies of `KeyboardEnv`, number for number, in arrays.

Conventions:
    N environments. A place is an index into the song tape; the step of an environment is its place less the
    place of the first step of its song.
Source:
    Autoreset modes and infos as in `gymnasium.vector.SyncVectorEnv` 1.4.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs import picture
from envs.keyboard_batch import KeyboardBatch
from envs.keyboard_env import KeyboardEnv, memorize
from envs.keys import check_keys
from envs.reset_options import check_mask, check_options, seeds_of
from songs.keyboard import KEYS


class KeyboardVectorEnv(VectorEnv):
    """N keyboards of 13 keys, C4 to C5, on each of which a song is to be played.

    ## Description
    As `KeyboardEnv`, N times. Each environment has its own song, its own step in it and its own mode; all go
    on by one step at a time.

    ## Action Space
    `Box(0, 1, (N, 13), int8)`. Any boolean, integer or floating array of 0 and 1 is accepted.

    ## Observation Space
    `Box(0, 1, (N, memory * 13), int8)`, one column more with `mode_bit`.

    ## Rewards
    (N,) float64, what the listener pays for the newest step of each environment.

    ## Starting State
    As `KeyboardEnv`. `reset(seed=s)` seeds environment i with s + i, a list gives each its own seed.

    ## Episode End
    As `KeyboardEnv`, and with `max_episode_steps` the episode truncates after so many steps. What happens
    then is decided by `autoreset_mode`:
    * `NEXT_STEP`: the next step begins a new episode, ignores the action and pays 0. The learner must not
      learn from that transition.
    * `SAME_STEP`: the observation is the first one of a new episode, the last one is in `final_obs`.
    * `DISABLED`: `reset(options={"reset_mask": mask})` must begin a new one before the next step.

    ## Information
    `song` (N,) str, `step` (N,) int64, after an action `right` (N,) bool, each with a mask `_song`, `_step`,
    `_right` that says which environments told it: one that begins an episode has played nothing that could be
    right. With the keyboard's option `key_rewards` also `key_rewards` (N, 13) float32. With `SAME_STEP` also
    `final_obs` and `final_info`.

    ## Arguments
    * `keyboard`: the environment that there are N copies of; it is not played itself. With its render mode,
      `ansi` or `rgb_array`, `render()` returns one drawing for each copy.
    * `num_envs`: N, at least 1.
    * `autoreset_mode`: an `AutoresetMode` or its name, `NextStep` by default.
    * `copy`: with False the observations are a view of the environment's own memory: not to be written to, and
      valid until the next call of `step` or `reset`. It saves copying (N, memory * 13) bytes at every step.
    * `max_episode_steps`: truncate episodes after so many steps.

    The options of `reset` are those of `KeyboardEnv`, as one value or as N of them, and `reset_mask`, (N,)
    bool: reset these environments alone.
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
        render_mode = keyboard.render_mode
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r}: many keyboards know {self.metadata['render_modes']}")
        self.keyboard = keyboard
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self._same_step = self.autoreset_mode is AutoresetMode.SAME_STEP
        self._disabled = self.autoreset_mode is AutoresetMode.DISABLED
        self.copy = copy
        self.max_episode_steps = max_episode_steps
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_action_space = self.keyboard.action_space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.single_observation_space = self.keyboard.observation_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._batch = KeyboardBatch(keyboard, num_envs, max_episode_steps, record=render_mode is not None)
        self._everyone = np.ones(num_envs, dtype=bool)
        self._over: np.ndarray | None = None
        """Indices of the environments that wait for a new episode; None before the first reset."""

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a song in every environment.

        Args:
            seed: of the first environment, the others follow by ones; or a list with a seed for each.
            options: `song`, `start` and `improvise`, each for all environments or (N,); `reset_mask`, (N,)
                bool, the environments to be reset, all by default.

        Returns:
            The observations and the information.

        Raises:
            TypeError: the reset mask is no boolean array.
            ValueError: there is no such option, song or step, or something has another length than N.
        """
        options = dict(options or {})
        mask = check_mask(options.pop("reset_mask", self._everyone), self.num_envs)
        if self._over is None and not mask.all():
            raise ValueError("the first reset must reset every environment: leave 'reset_mask' out")
        asked = check_options(options, self.num_envs)
        envs = np.flatnonzero(mask)
        for env, one in zip(envs.tolist(), seeds_of(seed, self.num_envs, envs), strict=True):
            if one is not None:
                self._batch.seed(env, one)
        self._batch.begin(envs, **{option: values[envs] for option, values in asked.items()})
        self._over = envs[:0] if self._over is None else self._over[~mask[self._over]]
        return self._observations(), _told_by(mask, song=self._batch.name, step=self._batch.clock.steps())

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Play one step in every environment.

        Args:
            actions: (N, 13) of 0 and 1.

        Returns:
            Observations (N, memory * 13) int8, rewards (N,) float64, terminations (N,) bool, truncations
            (N,) bool and the information.

        Raises:
            RuntimeError: an environment has to be reset first.
            ValueError: the actions have another shape, type or values.
        """
        keys = check_keys(actions, (self.num_envs, KEYS))
        if self._over is None or (self._over.size and self._disabled):
            raise RuntimeError(self._what_to_reset())
        rewards, right, terminated, truncated = self._batch.play(keys, self._over)
        over = terminated if self.max_episode_steps is None else terminated | truncated
        if self._same_step:
            began, final = self._autoreset_same_step(over, right)
            information = {**final, **self._information(right, began)}
        else:
            began = self._over
            self._autoreset_next_step(began, over, rewards, terminated, truncated)
            information = self._information(right, began)
        return self._observations(), rewards, terminated, truncated, information

    def _what_to_reset(self) -> str:
        if self._over is None:
            return "no episode has begun: call reset() before step()"
        return (
            f"the episode is over in the environments {self._over.tolist()}: "
            "call reset(options={'reset_mask': mask}) before step()"
        )

    def _autoreset_next_step(
        self, began: np.ndarray, over: np.ndarray, rewards: np.ndarray, terminated: np.ndarray, truncated: np.ndarray
    ) -> None:
        """Begin an episode in the environments where one was over before this step."""
        if began.size:
            rewards[began], terminated[began], truncated[began], over[began] = 0, False, False, False
            self._batch.begin(began)
        self._over = over.nonzero()[0]

    def _autoreset_same_step(self, over: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin what is over now; return these environments and what they tell about their end."""
        began = over.nonzero()[0]
        if not began.size:
            return began, {}
        observations = np.full(self.num_envs, None, dtype=object)
        for env in began.tolist():
            observations[env] = self._batch.history.observations()[env].copy()
        paid = {} if self._batch.key_rewards is None else {"key_rewards": self._batch.key_rewards}
        last = _told_by(over, song=self._batch.name, step=self._batch.clock.steps(), right=right, **paid)
        self._batch.begin(began)
        return began, {
            "final_obs": observations,
            "_final_obs": over.copy(),
            "final_info": last,
            "_final_info": over.copy(),
        }

    def _information(self, right: np.ndarray, began: np.ndarray) -> dict[str, Any]:
        """Return what all environments tell after a step; who began an episode has played nothing yet."""
        everyone = self._everyone.copy()  # one mask for all that every environment tells
        told: dict[str, np.ndarray] = {
            "song": self._batch.name.copy(),
            "_song": everyone,
            "step": self._batch.clock.steps(),
            "_step": everyone,
        }
        if began.size < self.num_envs:
            told["right"], told["_right"] = right, everyone
            if self._batch.key_rewards is not None:
                told["key_rewards"], told["_key_rewards"] = self._batch.key_rewards, everyone
            if began.size:
                for name in ("right", "key_rewards"):
                    if name in told:
                        told[f"_{name}"] = self._everyone.copy()
                        told[name][began] = told[f"_{name}"][began] = False
        return told

    def _observations(self) -> np.ndarray:
        observations = self._batch.history.observations()
        return observations.copy() if self.copy else observations

    def state(self) -> tuple[dict[str, np.ndarray], list[dict[str, Any] | None]]:
        """Return where the episodes of all environments stand, to go on from later.

        Returns:
            Arrays, and for each environment the state of its generator as plain data, None if it has none.

        Raises:
            RuntimeError: no episode has begun.
            ValueError: episodes are truncated, and how long they last is not kept.
        """
        if self._over is None:
            raise RuntimeError("no episode has begun: call reset() before state()")
        if self.max_episode_steps is not None:
            raise ValueError("state() does not keep how long an episode may last: leave max_episode_steps out")
        arrays, generators = self._batch.state()
        return {**arrays, "over": self._over.copy()}, generators

    def restore(
        self, arrays: dict[str, np.ndarray], generators: list[dict[str, Any] | None]
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Go on from a state, in an environment made with the same arguments.

        Returns:
            The observations and the information, as `reset` does.

        Raises:
            ValueError: the state belongs to another number of environments, to another memory, or is none.
        """
        shape = (self.num_envs, self.keyboard.memory * KEYS)
        if arrays["memories"].shape != shape:
            raise ValueError(f"the state has memories of the shape {arrays['memories'].shape}, here it is {shape}")
        over = arrays["over"]
        if over.dtype.kind != "i" or over.ndim != 1 or not np.isin(over, np.arange(self.num_envs)).all():
            raise ValueError(f"the state's episodes that are over are not some of 0 to {self.num_envs - 1}")
        self._batch.restore(arrays, generators)
        self._over = over.copy()
        told = _told_by(self._everyone, song=self._batch.name, step=self._batch.clock.steps())
        return self._observations(), told

    def render(self) -> tuple[str | np.ndarray, ...] | None:
        """Draw the last bars of every environment: as text (ansi) or as a picture (rgb_array)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() does nothing: make the environment with a render_mode")
            return None
        if self._over is None:
            raise RuntimeError("nothing to draw yet: call reset() first")
        draw = picture.image if self.render_mode == "rgb_array" else picture.text
        songs = [self.keyboard.songs[song].roll for song in self._batch.clock.song]
        targets = [None if improvised else roll for improvised, roll in zip(self._batch.improvised, songs, strict=True)]
        played = self._batch.played
        assert played is not None, "it is recorded where there is a render_mode"
        return tuple(map(draw, played, targets, self._batch.clock.steps().tolist()))


def _told_by(mask: np.ndarray, **values: np.ndarray) -> dict[str, np.ndarray]:
    """Lay out what only some environments tell: nothing for the others, and the mask (N,) beside it."""
    told = {}
    for name, value in values.items():
        shown = mask.reshape(-1, *[1] * (value.ndim - 1))
        nothing: Any = None if value.dtype == object else value.dtype.type(0)
        told[name] = np.where(shown, value, nothing)
        told[f"_{name}"] = mask.copy()
    return told


def memorize_many(
    num_envs: int = 1,
    autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    copy: bool = True,
    max_episode_steps: int | None = None,
    **options,
) -> KeyboardVectorEnv:
    """Make the vector environment of `kuznechik/Memorize-v0`: reproduce one song, many times at once.

    Args:
        num_envs: number of environments.
        autoreset_mode: as for `KeyboardVectorEnv`, like the next two.
        copy: whether observations stay as they are.
        max_episode_steps: steps after which an episode is truncated.
        **options: arguments of `memorize`.
    """
    return KeyboardVectorEnv(memorize(**options), num_envs, autoreset_mode, copy, max_episode_steps)
