"""Replay buffer: past transitions, packed into bits, to sample from.

Conventions:
    A transition begins with an observation of `KeyboardEnv`: the last `memory` steps of K keys, then optionally the
    mode bit and the plan's inputs. It spans n steps, as in n-step returns. It has R rewards: one for the step, or one
    for each key.

    The observation at its end is the one at its beginning shifted by n steps, so both together are memory + n steps,
    stored as one row of bits. With lags both are stored whole, and n means `memory` in the following:

        bytes = ceil((K * (memory + n) + mode bit) / 8)         both observations: 54 at memory 32, n = 1, K = 13
              + ceil(K / 8) (keys)  + 1 (continues) + 4 * R     61 at R = 1

    instead of 2 * 4 * 416 = 3,328 bytes for two observations of float32. With priorities, the sum tree takes 16 more
    bytes per transition (their number rounded up to a power of two).
Source:
    Priorities: Schaul et al., Prioritized Experience Replay (2016).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from agents.dqn.sum_tree import SumTree
from songs.keyboard import KEYS
from songs.options import check_options, option
from songs.piano_roll import Memory, rows_of
from songs.validate import Within, validate_like


@dataclass(frozen=True)
class ReplayOptions:
    """The replay buffer."""

    capacity: int = option(50_000, "transitions kept", 1, 100_000_000)
    n_step: int = option(1, "steps that a transition spans; 0, only with a prior: to the end of the episode", 0, 64)
    priority: float = option(0.0, "sample in proportion to the error raised to this power; 0: uniformly", 0.0, 2.0)
    importance: float = option(0.0, "exponent of the weights that correct for the priorities; 1: fully", 0.0, 1.0)

    def __post_init__(self):
        check_options(self)


DEFAULTS = ReplayOptions()


@dataclass(frozen=True, eq=False)
class Transitions:
    """B sampled transitions; observations are (B, I) float32 of 0 and 1."""

    observations: np.ndarray
    keys: np.ndarray
    """(B, K) int64, 1 where a key was pressed."""
    rewards: np.ndarray
    """(B, R) float32, discounted sums over the n steps."""
    continues: np.ndarray
    """(B,) float32, 0 where the episode terminated within the n steps, else 1."""
    next_observations: np.ndarray
    """Meaningless where the episode terminated."""
    next_prior: np.ndarray | None
    """(B, K + 1) float32, the prior's log probabilities of the choices at the end; None if they are not stored."""
    indices: np.ndarray
    """(B,) int64, indices in the buffer."""
    weights: np.ndarray
    """(B,) float32, importance weights, at most 1."""


class ReplayBuffer:
    """The newest transitions, sampled uniformly or by priority."""

    _SMALLEST_PRIORITY = 1e-3
    """Added to errors, so that well-predicted transitions are still sampled occasionally."""
    _LEAST_RESTORED = 9e-7
    """Smallest priority in a valid state: that of error 0 at the largest exponent, 2, minus rounding."""

    def __init__(
        self,
        memory: Memory,
        options: ReplayOptions = DEFAULTS,
        rewards: int = 1,
        mode_bit: bool = False,
        next_prior: bool = False,
        keys: int = KEYS,
        planned: int = 0,
    ):
        """
        Args:
            memory: steps of an observation, or lags.
            options: of the buffer.
            rewards: R, rewards of a transition.
            mode_bit: True if an observation ends with the mode bit.
            next_prior: store the prior's log probabilities at the end of each transition, 4 (K + 1) more bytes.
            keys: K.
            planned: number of plan inputs that follow; those at the end of a transition are not stored.
        """
        self.options, self.memory, self.mode_bit, self.keys = options, rows_of(memory), mode_bit, keys
        self.new_steps = options.n_step if isinstance(memory, int) else self.memory
        """Steps of the observation at the end of a transition that are stored in addition to those at its beginning."""
        self._further = mode_bit + planned
        self._bits_used = keys * (self.memory + self.new_steps)
        self._arrays: dict[str, np.ndarray] = {
            "bits": np.zeros((options.capacity, (self._bits_used + self._further + 7) // 8), dtype=np.uint8),
            "keys": np.zeros((options.capacity, (keys + 7) // 8), dtype=np.uint8),
            "rewards": np.zeros((options.capacity, rewards), dtype=np.float32),
            "continues": np.zeros(options.capacity, dtype=bool),
        }
        if next_prior:
            self._arrays["next_prior"] = np.zeros((options.capacity, keys + 1), dtype=np.float32)
        self._tree = SumTree(options.capacity) if options.priority else None
        self._highest_priority = 1.0
        self.added = 0
        """Number of transitions added so far, including overwritten ones."""

    def __len__(self) -> int:
        return min(self.added, self.options.capacity)

    @property
    def nbytes_each(self) -> int:
        """Bytes of a transition, without its priority."""
        return sum(array[0].nbytes for array in self._arrays.values())

    def add(
        self,
        observations: np.ndarray,
        remembered: np.ndarray,
        keys: np.ndarray,
        rewards: np.ndarray,
        continues: np.ndarray,
        next_prior: np.ndarray | None = None,
    ) -> None:
        """Add B transitions, as in `Transitions`.

        Args:
            observations, keys, rewards, continues, next_prior: of each transition, in any dtype.
            remembered: (B, `new_steps`, K), the newest steps of the observation at the end; arbitrary where the
                episode terminated earlier.
        """
        count, split = len(keys), self.keys * self.memory
        indices = np.arange(self.added, self.added + count) % self.options.capacity
        both = [
            observations[:, :split],
            remembered.reshape(count, self.keys * self.new_steps),
            observations[:, split:],
        ]
        self._arrays["bits"][indices] = np.packbits(np.concatenate(both, axis=1).astype(bool), axis=1)
        self._arrays["keys"][indices] = np.packbits(keys.astype(bool), axis=1)
        self._arrays["rewards"][indices] = rewards
        self._arrays["continues"][indices] = continues
        if next_prior is not None:
            self._arrays["next_prior"][indices] = next_prior
        self.added += count
        if self._tree is not None:
            self._tree.set(indices, np.full(count, self._highest_priority))

    def sample(self, count: int, random: np.random.Generator) -> Transitions:
        """Sample transitions with replacement; requires at least one in the buffer."""
        if self._tree is None:
            indices = random.integers(len(self), size=count)
            weights = np.ones(count, dtype=np.float32)
        else:
            # stratified: one from each of `count` equal parts, for less variance than independent samples
            heights = (np.arange(count) + random.random(count)) * (self._tree.total / count)
            indices = self._tree.find(heights)
            probabilities = self._tree.weights(indices) * (len(self) / self._tree.total)
            importance = probabilities**-self.options.importance
            weights = (importance / importance.max()).astype(np.float32)
        return self._transitions(indices, weights)

    def _transitions(self, indices: np.ndarray, weights: np.ndarray) -> Transitions:
        rows = {name: array[indices] for name, array in self._arrays.items()}
        bits = np.unpackbits(rows["bits"], axis=1, count=self._bits_used + self._further).astype(np.float32)
        first, last = bits[:, : self.keys * self.memory], bits[:, self.keys * self.new_steps : self._bits_used]
        if self._further:
            further = bits[:, self._bits_used :]
            first, last = (np.concatenate([part, further], axis=1) for part in (first, last))
        return Transitions(
            observations=first,
            keys=np.unpackbits(rows["keys"], axis=1, count=self.keys).astype(np.int64),
            rewards=rows["rewards"],
            continues=rows["continues"].astype(np.float32),
            next_observations=last,
            next_prior=rows.get("next_prior"),
            indices=indices,
            weights=weights,
        )

    def update_priorities(self, indices: np.ndarray, errors: np.ndarray) -> None:
        """Set the priorities of transitions from their errors (B,); does nothing if sampling is uniform."""
        if self._tree is not None:
            priorities = (np.abs(errors.astype(np.float64)) + self._SMALLEST_PRIORITY) ** self.options.priority
            self._tree.set(indices, priorities)
            self._highest_priority = max(self._highest_priority, float(priorities.max()))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return all transitions, as arrays and plain data."""
        arrays = {name: array[: len(self)] for name, array in self._arrays.items()}
        if self._tree is not None:
            arrays["priorities"] = self._tree.weights(np.arange(len(self)))
        return arrays, {"added": self.added, "highest_priority": self._highest_priority}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Restore all transitions; raises ValueError if they do not fit this buffer."""
        validate_like({"added": 0, "highest_priority": Within(1.0, 1.0, np.inf)}, data)
        kept = min(data["added"], self.options.capacity)
        example: dict[str, Any] = {name: array[:kept] for name, array in self._arrays.items()}
        if self._tree is not None:
            example["priorities"] = Within(np.zeros(kept), self._LEAST_RESTORED, np.inf)
        validate_like(example, arrays)
        self.added, self._highest_priority = data["added"], float(data["highest_priority"])
        for name, array in self._arrays.items():
            array[:kept] = arrays[name]
        if self._tree is not None:
            self._tree.set(np.arange(kept), arrays["priorities"])
