"""The keyboard as a Gymnasium environment.

Conventions:
    Time is counted in steps of the grid. An episode begins after the prompt and ends with the song.
    Memory holds what was heard last, oldest step first; before the song there is silence.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import MultiBinary

from envs import picture
from envs.episode_start import DRAWS, EpisodeStart
from envs.keys import check_keys
from listener.listener import Listener, is_pointwise, key_rewards
from listener.memorization import ExactSteps, RightKeys
from songs.catalog import find_song
from songs.keyboard import KEYS, PROMPT_STEPS
from songs.song import Song


class KeyboardEnv(gymnasium.Env[np.ndarray, np.ndarray]):
    """A keyboard of 13 keys, C4 to C5, on which a song is to be played.

    ## Description
    At every step each key is pressed or not. The performer sees the last steps and plays the next one;
    a listener pays for it. The first steps, the prompt, are given.

    ## Action Space
    `MultiBinary(13)`: 1 presses a key, from C4 to C5. Nothing is held: a 1 is an onset.

    ## Observation Space
    `MultiBinary(memory * 13)`: the last `memory` steps, oldest first, 13 keys each. With `mode_bit` one
    more element at the end: 1 to play the song, 0 to improvise.

    ## Rewards
    What the listener pays for the newest step; by default 1 for a step with all keys right, else 0.

    ## Starting State
    The memory holds the prompt, behind silence if the memory is longer. An episode may also begin at a
    later step; then the memory holds the song up to there.

    ## Episode End
    The episode terminates with the last step of the song, or with the first wrong step if
    `stop_at_error`. It never truncates.

    ## Information
    `song`: name of the song. `step`: the step to be played next. After an action also `right`: whether
    all 13 keys were right (always False while improvising), and with the option `key_rewards` also
    `key_rewards`: (13,) float32, what the listener pays for each key; their mean is the reward.

    ## Arguments
    * `songs`: what to play. One is drawn at each reset, or chosen by `reset(options={"song": index})`.
    * `listener`: pays the performer; `ExactSteps()` by default.
    * `memory`: steps remembered, at least 1.
    * `prompt`: steps given at the start, at least 0 and fewer than the song has.
    * `teacher_forcing`: the memory holds the song instead of what was played.
    * `stop_at_error`: end the episode at the first wrong step.
    * `mode_bit`: append the mode to the observation.
    * `random_start`: probability, 0 to 1, that an episode begins at any step from the end of the prompt on,
      each equally likely, instead of right there. `reset(options={"start": step})` chooses the step.
    * `key_rewards`: tell what the listener pays for each key, too.
    * `improvise`: do not expect the song after the prompt: the memory holds what was played, the listener
      is told no target, no step is wrong. `reset(options={"improvise": True})` sets it for one episode.
    """

    metadata = {"render_modes": ["human", "ansi", "rgb_array"], "render_fps": 4}
    _song: Song
    """What is played; there is none before the first reset."""

    def __init__(
        self,
        songs: Sequence[Song],
        listener: Listener | None = None,
        memory: int = 32,
        prompt: int = PROMPT_STEPS,
        teacher_forcing: bool = False,
        stop_at_error: bool = False,
        mode_bit: bool = False,
        improvise: bool = False,
        random_start: float = 0.0,
        key_rewards: bool = False,
        render_mode: str | None = None,
    ):
        if not songs:
            raise ValueError("give the environment at least one song")
        if memory < 1:
            raise ValueError(f"memory is {memory} steps: it must be at least 1")
        shortest = min(songs, key=lambda song: song.steps)
        if not 0 <= prompt < shortest.steps:
            raise ValueError(
                f"the prompt is {prompt} steps: it must be at least 0 and shorter than the shortest song, "
                f"{shortest.name!r} with {shortest.steps} steps"
            )
        if not 0 <= random_start <= 1:
            raise ValueError(f"random_start is {random_start}: it is a probability, 0 to 1")
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode {render_mode!r}: choose one of {self.metadata['render_modes']}")
        self.songs = tuple(songs)
        self.listener = ExactSteps() if listener is None else listener
        self.memory = memory
        self.prompt = prompt
        self.teacher_forcing = teacher_forcing
        self.stop_at_error = stop_at_error
        self.mode_bit = mode_bit
        self.improvise = improvise
        self.random_start = float(random_start)
        self.key_rewards = key_rewards
        self.render_mode = render_mode
        self.action_space = MultiBinary(KEYS)
        self.observation_space = MultiBinary(memory * KEYS + mode_bit)
        self._episode_start = EpisodeStart(self.songs, prompt, self.random_start)
        self._done = True

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begin a song.

        Args:
            seed: seeds the choice of the song and of the first step.
            options: `song`, an index into `songs`; `start`, the first step to be played; `improvise`, the
                mode of this episode.

        Returns:
            The observation and the information.

        Raises:
            ValueError: there is no such option, song or step.
        """
        super().reset(seed=seed)
        options = options or {}
        unknown = set(options) - {"song", "start", "improvise"}
        if unknown:
            raise ValueError(f"unknown reset options {sorted(unknown)}: there are 'song', 'start' and 'improvise'")
        asked = {name: np.array([options[name]]) for name in ("song", "start") if options.get(name) is not None}
        (index,), (start,) = self._episode_start.choose(self.np_random.random((1, DRAWS)), **asked)
        song = self.songs[index]
        self._song = song
        self._improvising = bool(options.get("improvise", self.improvise))
        self._step = int(start)
        self._done = False
        # what is remembered, behind `memory` steps of silence, and what the performer played itself
        self._heard = np.zeros((self.memory + song.steps, KEYS), dtype=np.int8)
        self._heard[self.memory : self.memory + start] = song.roll[:start]
        self._played = self._heard[self.memory :].astype(bool)
        if self.render_mode == "human":
            self.render()
        return self._observation(), self._information()

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Play one step; returns observation, reward, terminated, truncated and information."""
        if self._done:
            raise RuntimeError("the episode is over: call reset() before step()")
        keys = check_keys(action, (KEYS,))
        now, song = self._step, self._song
        self._played[now] = keys
        right = not self._improvising and bool((self._played[now] == song.roll[now]).all())
        forced = self.teacher_forcing and not self._improvising
        self._heard[self.memory + now] = song.roll[now] if forced else keys
        told = {"key_rewards": self._key_rewards(now)} if self.key_rewards else {}
        reward = self._reward(now)
        self._step += 1
        failed = self.stop_at_error and not right and not self._improvising
        self._done = failed or self._step == song.steps
        if self.render_mode == "human":
            self.render()
        return self._observation(), reward, self._done, False, {**self._information(), "right": right, **told}

    def _reward(self, now: int) -> float:
        """Ask the listener for the newest step, which follows what the performer remembers."""
        if is_pointwise(self.listener):
            target = None if self._improvising else self._song.roll[now]
            return float(self.listener.step_rewards(self._played[now], target))
        return float(self.listener.rewards(*self._listened(now))[0, -1])

    def _key_rewards(self, now: int) -> np.ndarray:
        """Return (13,) float32, what the listener pays for each key of the newest step."""
        return key_rewards(self.listener, *self._listened(now))[0, -1]

    def _listened(self, now: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what is heard up to the newest step, (1, now + 1, 13), and what should be."""
        heard = self._heard[self.memory : self.memory + now + 1].astype(bool)
        heard[now] = self._played[now]
        return heard[None], None if self._improvising else self._song.roll[None, : now + 1]

    def _observation(self) -> np.ndarray:
        seen = self._heard[self._step : self._step + self.memory].ravel()
        if self.mode_bit:
            return np.append(seen, np.int8(not self._improvising))
        return seen.copy()

    def _information(self) -> dict[str, Any]:
        return {"song": self._song.name, "step": self._step}

    @property
    def played(self) -> np.ndarray:
        """(steps so far, 13) bool: the prompt and what the performer played after it."""
        return self._played[: self._step].copy()

    def render(self) -> str | np.ndarray | None:
        """Draw the last bars: as text (ansi), as a picture (rgb_array), or in the terminal (human)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() does nothing: make the environment with a render_mode")
            return None
        if not hasattr(self, "_song"):
            raise RuntimeError("nothing to draw yet: call reset() first")
        target = None if self._improvising else self._song.roll
        if self.render_mode == "rgb_array":
            return picture.image(self._played, target, self._step)
        text = picture.text(self._played, target, self._step)
        if self.render_mode == "ansi":
            return text
        print(text, flush=True)
        return None


def memorize(song: str = "grasshopper", folder: str | None = None, per_key: bool = False, **options) -> KeyboardEnv:
    """Make the environment of `kuznechik/Memorize-v0`: reproduce one song.

    Args:
        song: a name in the catalogue, or the path of a MIDI file.
        folder: the catalogue; the project's own songs by default.
        per_key: pay the share of right keys instead of 1 for an exact step.
        **options: arguments of `KeyboardEnv`.
    """
    options.setdefault("listener", RightKeys() if per_key else ExactSteps())
    return KeyboardEnv([find_song(song, folder)], **options)


# where `gymnasium.make` looks for the render modes; mypy does not know that functions have attributes
memorize.metadata = KeyboardEnv.metadata  # type: ignore[attr-defined]
