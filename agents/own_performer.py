"""A checked wrapper around a user's performer, so that errors name it."""

from typing import Any

import numpy as np

from songs.own_code import failure


class OwnPerformer:
    """Wrapper of a performer, which need not have a `reset`."""

    def __init__(self, name: str, performer: Any):
        """Wrap any object; raises ValueError if it has no method `press`."""
        if not callable(getattr(performer, "press", None)):
            raise ValueError(f"{name} is not a performer: it has no method press(memory, improvise)")
        self.name, self._performer = name, performer

    def reset(self, episodes: int) -> None:
        """Begin this many episodes side by side."""
        if hasattr(self._performer, "reset"):
            self._call(self._performer.reset, episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the keys to press, (B, K) bool; raises ValueError if the performer fails or returns anything else."""
        keys = np.asarray(self._call(self._performer.press, memory, improvise))
        wanted = memory[:, 0].shape
        if keys.shape != wanted or (keys.dtype != bool and not np.isin(keys, (0, 1)).all()):
            raise ValueError(
                f"the performer {self.name} returned {keys.dtype} {keys.shape}; it must return True or False for each "
                f"key of each episode, {wanted}"
            )
        return keys.astype(bool)

    def _call(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            raise ValueError(f"the performer {self.name} failed: {failure(error)}") from error
