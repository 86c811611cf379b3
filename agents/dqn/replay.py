"""Replay buffer: what was played, packed to bits, to be learned from again and again.

Conventions:
    A transition begins with an observation of `KeyboardEnv`: the last `memory` steps of 13 keys, then perhaps the
    mode bit. It spans n steps, as it does in n-step returns. What it was paid is R numbers: one for the step, or one
    for each key.

    The observation of its end is that of its beginning moved on by n steps, so both together are memory + n steps,
    kept as one row of bits:

        bytes = ceil((13 * (memory + n) + mode bit) / 8)        both observations: 54 at memory 32, n = 1
              + 2 (keys) + 1 (continues) + 4 * R (rewards)      61 at R = 1

    instead of 2 * 4 * 416 = 3,328 bytes for two observations of float32. With priorities the tree of sums has 16
    bytes more for each place (rounded up to a power of two).
"""

from dataclasses import dataclass

import numpy as np

from agents.dqn.checked_state import check_array
from agents.dqn.sum_tree import SumTree
from songs.keyboard import KEYS
from songs.piano_roll import words


@dataclass(frozen=True, eq=False)
class Transitions:
    """B transitions; observations are (B, I) float32 of 0 and 1."""

    observations: np.ndarray
    keys: np.ndarray
    """(B, 13) int64, 1 where a key was pressed."""
    rewards: np.ndarray
    """(B, R) float32, summed over the n steps with their discounts."""
    continues: np.ndarray
    """(B,) float32, 0 where the episode terminated within the n steps, else 1."""
    next_observations: np.ndarray
    """Of no meaning where the episode terminated."""
    next_prior: np.ndarray | None
    """(B, 14) float32, the logarithms of the chances that a prior gives the choices after it; None if not kept."""
    indices: np.ndarray
    """(B,) int64, places in the buffer."""
    weights: np.ndarray
    """(B,) float32, importance of each, 1 at most."""


class ReplayBuffer:
    """The newest transitions, drawn uniformly or by priority."""

    _SMALLEST_PRIORITY = 1e-3
    """Added to errors, so that what was predicted well is still drawn now and then."""

    def __init__(
        self,
        memory: int,
        mode_bit: bool = False,
        rewards: int = 1,
        capacity: int = 50_000,
        n_step: int = 1,
        priority: float = 0.0,
        importance: float = 0.0,
        prior: bool = False,
    ):
        """
        Args:
            memory: steps of an observation.
            mode_bit: whether an observation ends with the mode.
            rewards: R, numbers that a transition is paid.
            capacity: transitions kept; after that the oldest is forgotten.
            n_step: steps from the beginning of a transition to its end.
            priority: transitions are drawn in proportion to their error to this power; 0: uniformly.
            importance: weights make up for it to this power; 0: not at all, 1: fully.
            prior: keep what a prior says of the end of each transition, too: 56 bytes more.
        """
        self.memory, self.mode_bit, self.n_step = memory, mode_bit, n_step
        self.capacity, self.priority, self.importance = capacity, priority, importance
        self._cells = KEYS * (memory + n_step)
        self._bits = np.zeros((capacity, (self._cells + mode_bit + 7) // 8), dtype=np.uint8)
        self._keys = np.zeros(capacity, dtype=np.uint16)
        self._rewards = np.zeros((capacity, rewards), dtype=np.float32)
        self._continues = np.zeros(capacity, dtype=bool)
        self._next_prior = np.zeros((capacity, KEYS + 1), dtype=np.float32) if prior else None
        self._tree = SumTree(capacity) if priority else None
        self._highest = 1.0
        self.added = 0
        """Transitions added since the beginning."""

    def __len__(self) -> int:
        return min(self.added, self.capacity)

    @property
    def nbytes_each(self) -> int:
        """Bytes a transition takes, without its priority."""
        return sum(array[0].nbytes for array in (self._bits, self._keys, self._rewards, self._continues))

    def add(
        self,
        observations: np.ndarray,
        heard: np.ndarray,
        keys: np.ndarray,
        rewards: np.ndarray,
        continues: np.ndarray,
        next_prior: np.ndarray | None = None,
    ) -> None:
        """Add B transitions.

        Args:
            observations: (B, I) of 0 and 1.
            heard: (B, n, 13), the steps remembered since; any where the episode terminated before.
            keys: (B, 13), what was played at the first of the n steps.
            rewards: (B, R).
            continues: (B,) bool, False where the episode terminated.
            next_prior: (B, 14), if it is kept.
        """
        count = len(keys)
        places = np.arange(self.added, self.added + count) % self.capacity
        cells = KEYS * self.memory
        parts = [observations[:, :cells], heard.reshape(count, -1), observations[:, cells:]]
        self._bits[places] = np.packbits(np.concatenate(parts, axis=1).astype(bool), axis=1)
        self._keys[places] = words(keys)
        self._rewards[places] = rewards
        self._continues[places] = continues
        if self._next_prior is not None:
            self._next_prior[places] = next_prior
        self.added += count
        if self._tree is not None:
            self._tree.set(places, np.full(count, self._highest))

    def sample(self, count: int, random: np.random.Generator) -> Transitions:
        """Draw transitions, the same one more than once perhaps.

        Raises:
            ValueError: the buffer is empty.
        """
        if not self.added:
            raise ValueError("the replay buffer is empty: add transitions before drawing some")
        if self._tree is None:
            indices = random.integers(len(self), size=count)
            weights = np.ones(count, dtype=np.float32)
        else:
            # one from each of `count` equal parts, which varies less than drawing each from the whole
            heights = (np.arange(count) + random.random(count)) * (self._tree.total / count)
            indices = self._tree.find(heights)
            chances = self._tree.weights(indices) * (len(self) / self._tree.total)
            importance = chances**-self.importance
            weights = (importance / importance.max()).astype(np.float32)
        return self._transitions(indices, weights)

    def _transitions(self, indices: np.ndarray, weights: np.ndarray) -> Transitions:
        bits = np.unpackbits(self._bits[indices], axis=1, count=self._cells + self.mode_bit).astype(np.float32)
        first, last = bits[:, : KEYS * self.memory], bits[:, KEYS * self.n_step : self._cells]
        if self.mode_bit:
            first, last = (np.concatenate([part, bits[:, -1:]], axis=1) for part in (first, last))
        return Transitions(
            observations=first,
            keys=(self._keys[indices, None].astype(np.int64) >> np.arange(KEYS)) & 1,
            rewards=self._rewards[indices],
            continues=self._continues[indices].astype(np.float32),
            next_observations=last,
            next_prior=None if self._next_prior is None else self._next_prior[indices],
            indices=indices,
            weights=weights,
        )

    def update_priorities(self, indices: np.ndarray, errors: np.ndarray) -> None:
        """Tell how wrong the predictions (B,) of transitions were; does nothing where all are drawn alike."""
        if self._tree is not None:
            priorities = (np.abs(errors.astype(np.float64)) + self._SMALLEST_PRIORITY) ** self.priority
            self._tree.set(indices, priorities)
            self._highest = max(self._highest, float(priorities.max()))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Return all that the buffer holds, as arrays and plain numbers."""
        kept = slice(len(self))
        arrays: dict[str, np.ndarray] = {
            "bits": self._bits[kept],
            "keys": self._keys[kept],
            "rewards": self._rewards[kept],
            "continues": self._continues[kept],
        }
        if self._next_prior is not None:
            arrays["next_prior"] = self._next_prior[kept]
        if self._tree is not None:
            arrays["priorities"] = self._tree.weights(np.arange(len(self)))
        return arrays, {"added": self.added, "highest": self._highest}

    def restore(self, arrays: dict[str, np.ndarray], numbers: dict[str, float]) -> None:
        """Go on from a state.

        Raises:
            ValueError: it does not fit this buffer.
        """
        added = int(numbers["added"])
        kept = min(added, self.capacity)
        own: dict[str, np.ndarray] = {
            "bits": self._bits,
            "keys": self._keys,
            "rewards": self._rewards,
            "continues": self._continues,
        }
        if self._next_prior is not None:
            own["next_prior"] = self._next_prior
        for name, array in own.items():
            if arrays[name].shape != (kept, *array.shape[1:]):
                raise ValueError(
                    f"the replay buffer's {name} have the shape {arrays[name].shape}, "
                    f"this run needs {(kept, *array.shape[1:])}"
                )
            check_array(array, arrays[name], f"replay buffer's {name}")
            array[:kept] = arrays[name]
        self.added, self._highest = added, float(numbers["highest"])
        if self._tree is not None:
            priorities = arrays["priorities"]
            check_array(self._tree.weights(np.arange(0)), priorities, "replay buffer's priorities")
            if priorities.shape != (kept,) or self._highest <= 0 or (priorities <= 0).any():
                raise ValueError(f"the replay buffer's priorities are not {kept} numbers above 0")
            self._tree.set(np.arange(kept), priorities)
