"""The fewest inputs of a threshold unit that answers all its cases: found, and proven to be the fewest.

Which inputs are not enough, and why, is known from *clashes* (`agents.smallest.clashes`): every choice of inputs that
is enough has at least one from every clash.

When all known clashes are met, linear programming either finds weights or one more clash. Quick searches add the
input that meets most clashes, again and again, and leave out what can be left out; they start from parts of
the best choice so far. Then a thorough search for fewer goes depth first: it takes, one after the other,
the inputs of the smallest clash that is not met yet, and sets those it has tried aside. If it ends without
weights, there are none; clashes are exact, so no rounding is involved in the proof.

This looks at inputs and targets of all cases; it is no evolution.

Conventions: I inputs; a set of inputs is an int whose bit i is input i.
Source: Moreno-Centeno and Karp (2013), The Implicit Hitting Set Approach to Solve Combinatorial Optimization
    Problems.
"""

from dataclasses import dataclass
from functools import reduce
from itertools import chain
from operator import and_, or_
from typing import Any

import numpy as np

from agents.search_state import check_places, check_size
from agents.smallest.clashes import Clash, as_set, differing_inputs, exact_clash, near_clash
from agents.smallest.closest_points import closest_points
from songs.plain_data import OrNone

FORBIDDEN = 500.0
"""Cost of a difference at an input that a clash must not have; the others cost about 1."""
SET_ASIDE = 0.02
"""Cost at an input that was tried already: a clash of such inputs alone ends a branch."""
PROGRAMME = 50
"""Choices looked at in the time of a linear programme, roughly."""
SMALLEST_GAP = 1e-6
"""Weights of at most 1 that leave a smaller gap than this between the two groups of cases are rounding errors."""
DIVES = 20
"""Quick searches without a better choice before the thorough one begins."""
KEPT = 0.6
"""Chance of an input of the best choice to be kept in a quick search."""
STATE = {
    "chosen": OrNone([0]),
    "weights": [0.0],
    "bias": 0.0,
    "most": 0,
    "dives": 0,
    "nodes": 0,
    "programmes": 0,
    "finished": False,
    "clashes": [([(0, 0)], [(0, 0)])],
    "stack": [([0], [0], [0], 0)],
}
"""An example of what `FewestInputs.state` returns."""


class FewestInputs:
    """A search for the fewest inputs of one unit, in portions."""

    def __init__(self, on: np.ndarray, off: np.ndarray, random: np.random.Generator, most: int | None = None):
        """
        Args:
            on: (I, P) inputs, 0 or 1, of the cases in which the unit should be on, at least one.
            off: (I, N) inputs of the cases in which it should be off, at least one.
            random: decides what is tried first.
            most: number of inputs to search for, at least 1; None: as few as a quick search finds, and then fewer.
        """
        self.on, self.off = on.astype(np.int64), off.astype(np.int64)
        self.chosen: list[int] | None = None
        """The fewest inputs found so far."""
        self.weights = np.zeros(0)
        """(k,) weights of the chosen inputs; with the bias their sum is at least 1 where the unit should be on, and at
        most -1 elsewhere."""
        self.bias = 0.0
        self.clashes: list[Clash] = []
        self.nodes = 0
        """Choices looked at since the start."""
        self._programmes = 0
        self._random = random
        self._most = len(self.on) if most is None else most
        self._dives = DIVES if most is None else 0
        self._stack: list[_Branch] = []
        self.finished = False
        """Whether it is proven that fewer inputs than `chosen`, or than `most` + 1, are not enough."""

    @property
    def fewest(self) -> list[int]:
        """What is `chosen`, of a search that has found some inputs."""
        assert self.chosen is not None
        return self.chosen

    @property
    def effort(self) -> int:
        """Choices looked at since the start; a linear programme counts as much as some of them."""
        return self.nodes + PROGRAMME * self._programmes

    def work(self, effort: int) -> None:
        """Search on with at least this effort, unless the search ends.

        Raises:
            ValueError: all inputs together are not enough.
        """
        until = self.effort + effort
        while self.effort < until and not self.finished:
            if self._dives:
                self._dive()
            elif not self._stack:
                self._open([], (1 << len(self.on)) - 1)
            elif not self._advance():
                self._stack.pop()
                self.finished = not self._stack

    def _dive(self) -> None:
        """Complete a part of the best choice, or none, by the inputs that meet most clashes; leave out what can be.

        Raises:
            ValueError: all inputs together are not enough.
        """
        self._dives -= 1
        chosen = [i for i in self.chosen or [] if self._random.random() < KEPT]
        while not self._enough(chosen):
            unmet = self._unmet(chosen, ~0)
            if not all(unmet):
                raise ValueError("no network without hidden nodes gets all cases right")
            candidates = _elements(reduce(or_, unmet))
            counts = [sum(inputs >> i & 1 for inputs in unmet) for i in candidates]
            order = self._random.random(len(candidates))
            chosen.append(max(zip(counts, order, candidates, strict=True))[2])
        for i in self._random.permutation(chosen).tolist():
            rest = [other for other in chosen if other != i]
            if rest and self._enough(rest):
                chosen = rest

    def _unmet(self, chosen: list[int], allowed: int) -> list[int]:
        """Return the allowed inputs of every known clash that has none of the chosen inputs."""
        met = as_set(chosen)
        return [clash.inputs & allowed for clash in self.clashes if not clash.inputs & met]

    def _enough(self, chosen: list[int]) -> bool:
        """Return whether these inputs are enough; if not, a clash is known that says so."""
        if self._unmet(chosen, ~0):
            return False
        if chosen and self._test(chosen):
            return True
        self.clashes.append(self._find_clash(chosen, ~0))
        return False

    def _test(self, chosen: list[int]) -> bool:
        """Return whether weights for these inputs are found; if they are as few as searched for, keep them."""
        self._programmes += 1
        found = closest_points(self.on[chosen], self.off[chosen], np.ones(len(chosen)))
        low, high = (found.normal @ self.on[chosen]).min(), (found.normal @ self.off[chosen]).max()
        if low - high < SMALLEST_GAP:
            return False
        if len(chosen) <= self._most:
            self.chosen, self.weights = list(chosen), found.normal * (2 / (low - high))
            self.bias = -float(low + high) / float(low - high)
            self._most = len(chosen) - 1
            self._stack, self._dives = [], DIVES
        return True

    def _advance(self) -> bool:
        """Try the next input of the deepest branch; return whether there was one."""
        branch = self._stack[-1]
        met = as_set(branch.chosen)
        if not branch.candidates or any(not (c.inputs & (met | branch.allowed)) for c in self.clashes[branch.known :]):
            return False
        branch.known = len(self.clashes)
        candidate = branch.candidates.pop(0)
        branch.allowed &= ~(1 << candidate)
        self._open([*branch.chosen, candidate], branch.allowed)
        return True

    def _open(self, chosen: list[int], allowed: int) -> None:
        """Look at a choice: it is enough, or it leads to no result, or it becomes a branch."""
        self.nodes += 1
        left = self._most - len(chosen)
        while not (unmet := self._unmet(chosen, allowed)):
            if chosen and self._test(chosen):
                return
            self.clashes.append(self._find_clash(chosen, allowed))
        unmet.sort(key=int.bit_count)
        candidates = _candidates(unmet, left)
        if candidates or not self._stack:
            order = self._random.random(len(candidates))
            counts = [sum(inputs >> i & 1 for inputs in unmet) for i in candidates]
            ranked = sorted(zip(candidates, counts, order, strict=True), key=lambda row: (-row[1], row[2]))
            self._stack.append(_Branch(chosen, allowed, [row[0] for row in ranked], len(self.clashes)))

    def _find_clash(self, chosen: list[int], allowed: int) -> Clash:
        """Return a clash without any of the chosen inputs, and with few of the allowed ones."""
        self._programmes += 1
        costs = self._random.uniform(1, 1.5, len(self.on))
        costs[[not allowed >> i & 1 for i in range(len(self.on))]] *= SET_ASIDE
        costs[chosen] = FORBIDDEN
        start = (int(self._random.integers(self.on.shape[1])), int(self._random.integers(self.off.shape[1])))
        clash = near_clash(self.on, self.off, closest_points(self.on, self.off, costs, start))
        if clash is None or clash.inputs & as_set(chosen):
            clash = exact_clash(self.on, self.off, chosen)
        return clash

    def state(self) -> dict[str, Any]:
        """Return all that the search depends on, apart from its cases and its generator."""
        return {
            "chosen": self.chosen,
            "weights": self.weights.tolist(),
            "bias": self.bias,
            "most": self._most,
            "dives": self._dives,
            "nodes": self.nodes,
            "programmes": self._programmes,
            "finished": self.finished,
            "clashes": [[_pairs(clash.on), _pairs(clash.off)] for clash in self.clashes],
            "stack": [[b.chosen, _elements(b.allowed), b.candidates, b.known] for b in self._stack],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, of the kind of `STATE`; raises ValueError if it speaks of other inputs or cases."""
        choices = [state["chosen"] or [], *(part for branch in state["stack"] for part in branch[:3])]
        check_places(chain.from_iterable(choices), len(self.on), "chosen inputs")
        for side, cases in enumerate((self.on, self.off)):
            check_places([row[0] for clash in state["clashes"] for row in clash[side]], cases.shape[1], "clashes")
        if len(state["weights"]) != len(state["chosen"] or ()):
            raise ValueError(f"{len(state['weights'])} weights of {len(state['chosen'] or ())} chosen inputs")
        check_size([*state["weights"], state["bias"]], "weights")
        self.chosen, self.weights, self.bias = state["chosen"], np.array(state["weights"]), state["bias"]
        self._most, self._dives, self.finished = state["most"], state["dives"], state["finished"]
        self.nodes, self._programmes = state["nodes"], state["programmes"]
        groups = [(dict(map(tuple, on)), dict(map(tuple, off))) for on, off in state["clashes"]]
        self.clashes = [Clash(differing_inputs(self.on, self.off, on, off), on, off) for on, off in groups]
        self._stack = [
            _Branch(list(chosen), as_set(allowed), list(candidates), known)
            for chosen, allowed, candidates, known in state["stack"]
        ]


@dataclass
class _Branch:
    """A choice of inputs that is being added to."""

    chosen: list[int]
    allowed: int
    """The set of inputs that may be added: neither chosen nor set aside."""
    candidates: list[int]
    """Inputs still to be tried, one of which has to be added."""
    known: int
    """Number of clashes that were known when the candidates were last looked at."""


def _elements(inputs: int) -> list[int]:
    return [i for i in range(inputs.bit_length()) if inputs >> i & 1]


def _pairs(times: dict[int, int]) -> list[list[int]]:
    return [list(pair) for pair in times.items()]


def _candidates(unmet: list[int], left: int) -> list[int]:
    """Return inputs one of which has to be added so that `left` more can meet all clashes; none if that cannot be.

    Args:
        unmet: the inputs of each clash that may still be added, fewest first.
        left: how many may be added.
    """
    if left == 1:
        return _elements(reduce(and_, unmet))
    seen = apart = 0
    for inputs in unmet:
        # clashes that share no input need one each
        if not inputs & seen:
            seen |= inputs
            apart += 1
            if apart > left:
                return []
    return _elements(unmet[0])
