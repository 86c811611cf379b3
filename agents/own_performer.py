"""A performer of the user's own: what it presses is checked, so that a mistake in it is told by its name."""

from typing import Any

import numpy as np

from songs.own_code import failure


class OwnPerformer:
    """Wraps a performer, which may have no `reset`."""

    def __init__(self, name: str, performer: Any):
        """Take any object; raises ValueError if it has no method `press`."""
        if not callable(getattr(performer, "press", None)):
            raise ValueError(f"{name} is no performer: it has no method press(memory, improvise)")
        self.name, self._performer = name, performer

    def reset(self, episodes: int) -> None:
        """Begin this many episodes side by side."""
        if hasattr(self._performer, "reset"):
            self._call(self._performer.reset, episodes)

    def press(self, memory: np.ndarray, improvise: np.ndarray | None = None) -> np.ndarray:
        """Return the keys to press, (B, K) bool; raises ValueError, with its name, for what are no keys."""
        keys = np.asarray(self._call(self._performer.press, memory, improvise))
        wanted = memory[:, 0].shape
        if keys.shape != wanted or (keys.dtype != bool and not np.isin(keys, (0, 1)).all()):
            raise ValueError(
                f"the performer {self.name} pressed {keys.dtype} {keys.shape}; it must be True or False for each key "
                f"of each episode, {wanted}"
            )
        return keys.astype(bool)

    def _call(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except Exception as error:
            raise ValueError(f"the performer {self.name} failed: {failure(error)}") from error
