"""Improvisation: networks play free running, and a listener rewards what they play.

A whole population plays from several prompts in the same array operations. A greedy network is deterministic: from
one prompt it plays one roll, which ends in a loop. So it is judged on several prompts.

Conventions:
    N genomes, B prompts of P steps, T steps in all, M remembered steps, K keys; rolls are (N, B, T, K) bool.
    With a mode bit, the input after the memory, the mode, is 0: the network improvises. Plan inputs come last.
    Fitness is the sum of the rewards of a roll after the prompt, averaged over the prompts.

Operator, named in every run and report:
    active_input_bias  with this probability a new connection comes from an input that was on at a random step of what
                       the network played. Most inputs chosen blindly are never on and change nothing.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import neat
import numpy as np

from agents.cases import Cases
from agents.neat.genome import Genome
from agents.neat.network import check_supported, hidden_weights, settled
from agents.neat.packed_genes import PackedGenes, packed_chunks
from agents.neat.population import Evolution
from agents.prior import FollowedPrior, MakePrior, keys_of
from songs.plan import PlanInputs, input_count
from songs.validate import validate_like

RewardFunction = Callable[[np.ndarray], np.ndarray]
"""Rewards (B, T) float32 of rolls (B, T, K) bool: the `rewards` of a listener."""

GENOMES_TOGETHER = 1024
"""Number of genomes that play at once; limits memory use."""
ROLLS_TOGETHER = 512
"""Number of rolls that a listener rewards at once; limits memory use."""


def play_together(
    genomes: Sequence[neat.DefaultGenome],
    prompts: np.ndarray,
    steps: int,
    memory: int,
    prior: MakePrior | None = None,
    plans: PlanInputs | None = None,
    mode_bit: bool = False,
) -> np.ndarray:
    """Let every genome continue every prompt, free running, as `agents.rollout.play_on` does for one.

    Args:
        genomes: distinct feed-forward genomes with K outputs.
        prompts: (B, P, K) bool.
        steps: T, at least P.
        memory: M.
        prior: weights the choices, as in `agents.neat.prior_player`; None: no prior.
        plans: of the B melodies, observed after the memory; None: no plans.
        mode_bit: whether the mode is an input between the memory and the plans.

    Returns:
        (N, B, T, K) bool, the prompts followed by what was played.

    Raises:
        ValueError: a genome is recurrent.
    """
    rolls = np.empty((len(genomes), len(prompts), steps, prompts.shape[2]), dtype=bool)
    for first in range(0, len(genomes), GENOMES_TOGETHER):
        part = slice(first, first + GENOMES_TOGETHER)
        rolls[part] = _play(genomes[part], prompts, steps, memory, prior, plans, mode_bit)
    return rolls


def _play(
    genomes: Sequence[neat.DefaultGenome],
    prompts: np.ndarray,
    steps: int,
    memory: int,
    prior: MakePrior | None,
    plans: PlanInputs | None,
    mode_bit: bool,
) -> np.ndarray:
    keys = prompts.shape[2]
    shape = (len(genomes), len(prompts), keys)
    followed = FollowedPrior(prior, np.tile(prompts, (len(genomes), 1, 1))) if prior else None
    chunks = [
        (members, _Chunk(genes, prompts, steps, memory, plans, mode_bit))
        for members, genes in packed_chunks(genomes, keys)
    ]
    for step in range(prompts.shape[1], steps):
        outputs = np.empty(shape)
        for members, chunk in chunks:
            outputs[members] = chunk.outputs(step)
        pressed = outputs > 0
        if followed:
            choices = followed.weighted(outputs.reshape(-1, keys)).argmax(axis=1)
            pressed = keys_of(choices, keys).reshape(shape)
            followed.add(pressed.reshape(-1, keys))
        for members, chunk in chunks:
            chunk.press(step, pressed[members])
    rolls = np.empty((*shape[:2], steps, keys), dtype=bool)
    for members, chunk in chunks:
        rolls[members] = chunk.rolls
    return rolls


class _Chunk:
    """Genomes with equal numbers of nodes that play from B prompts together, step by step."""

    def __init__(
        self,
        genes: PackedGenes,
        prompts: np.ndarray,
        steps: int,
        memory: int,
        plans: PlanInputs | None,
        mode_bit: bool,
    ):
        genomes, (episodes, given, keys) = len(genes.keys), prompts.shape
        self._genes, self._memory, self._plans = genes, memory, plans
        self._history = np.zeros((genomes, memory + steps, keys, episodes), dtype=bool)
        self._history[:, memory : memory + given] = prompts.transpose(1, 2, 0)
        self._cells = self._history.reshape(-1, episodes)
        self._remembered = _input_gathers(genes, keys, 0, memory * keys, (memory + steps) * keys)
        if plans:
            self._planned = _input_gathers(genes, keys, memory * keys + mode_bit, input_count(keys), input_count(keys))
        self._between, self._depth = hidden_weights(genes, keys, np.float64)

    def outputs(self, step: int) -> np.ndarray:
        """Return the outputs (G, B, K) of the genomes at a step."""
        (genomes, nodes), (keys, episodes) = self._genes.keys.shape, self._history.shape[2:]
        sums = np.zeros((genomes * nodes, episodes))
        self._remembered.add_to(sums, self._cells, step * keys)
        if self._plans:
            self._planned.add_to(sums, self._plan_cells(step, self._plans), 0)
        sums = sums.reshape(genomes, nodes, episodes)
        return settled(self._genes, sums, self._between, self._depth).transpose(0, 2, 1)

    def _plan_cells(self, step: int, plans: PlanInputs) -> np.ndarray:
        """Return the plan inputs of a step, (G * I, B) bool."""
        episodes, source = np.arange(self._history.shape[3]), plans.sources[:, step]
        echo = self._history[:, self._memory + np.maximum(source, 0), :, episodes] & (source >= 0)[:, None, None]
        fixed = np.broadcast_to(plans.fixed[:, step, None], (*echo.shape[:2], plans.fixed.shape[2]))
        return np.concatenate((echo, fixed), axis=2).transpose(1, 2, 0).reshape(-1, len(episodes))

    def press(self, step: int, keys: np.ndarray) -> None:
        """Add a step of all melodies, (G, B, K) bool."""
        self._history[:, self._memory + step] = keys.transpose(0, 2, 1)

    @property
    def rolls(self) -> np.ndarray:
        """The melodies (G, B, T, K) bool."""
        return self._history[:, self._memory :].transpose(0, 3, 1, 2)


@dataclass(frozen=True, eq=False)
class _Gathers:
    """Connections from some of the inputs, sorted by sink, to add up the inputs of the nodes."""

    rows: np.ndarray
    """(k,), row of each connection's input among the cells, relative to the offset of `add_to`."""
    weights: np.ndarray
    """(k, 1)."""
    heads: np.ndarray
    """(F,), index of the first connection of each fed node."""
    fed: np.ndarray
    """(F,), indices of the fed nodes."""

    def add_to(self, sums: np.ndarray, cells: np.ndarray, offset: int) -> None:
        """Add the weighted cells (R, B) to the sums (G * nodes, B); rows are counted from an offset."""
        if len(self.heads):
            sums[self.fed] += np.add.reduceat(cells[self.rows + offset] * self.weights, self.heads, axis=0)


def _input_gathers(genes: PackedGenes, keys: int, first: int, count: int, rows: int) -> _Gathers:
    """Return the connections from `count` inputs, starting at `first`; the cells of two genomes are `rows` apart."""
    inputs = -1 - genes.sources
    inside = np.flatnonzero((inputs >= first) & (inputs < first + count))
    owners, sinks = genes.owners[inside], genes.sinks[inside]
    nodes = genes.keys.shape[1]
    slots = owners * nodes + (genes.slots(owners, sinks) if nodes > keys else sinks)
    order = np.argsort(slots, kind="stable")
    slots, inside, owners = slots[order], inside[order], owners[order]
    heads = np.flatnonzero(np.diff(slots, prepend=-1))
    return _Gathers(owners * rows + inputs[inside] - first, genes.weights[inside, None], heads, slots[heads])


class ImprovisationEvaluator:
    """An evaluator of genomes by a listener's rewards for their free runs, in place of `Evaluator`."""

    gain_of_workers = None

    def __init__(
        self,
        cases: Cases,
        reward_fn: RewardFunction,
        prompts: np.ndarray,
        steps: int,
        memory: int,
        parsimony: float = 0.0,
        prior: MakePrior | None = None,
        plans: PlanInputs | None = None,
        mode_bit: bool = False,
    ):
        """
        Args:
            cases: of the song; only their shape is used.
            reward_fn: the `rewards` of a listener.
            prompts: (B, P, K) bool, at least one.
            steps: T, more than P.
            memory: M.
            parsimony: fitness cost of every enabled connection.
            prior: weights the networks' choices; None: no prior.
            plans: of the B melodies; None: no plans.
            mode_bit: as in `play_together`.

        Raises:
            ValueError: there is no prompt, or nothing to play after it.
        """
        if not len(prompts) or prompts.shape[1] >= steps:
            raise ValueError(f"{prompts.shape[:2]} prompts and steps, {steps} steps in all: there is nothing to play")
        self.cases, self.prompts, self.steps, self.memory = cases, prompts, steps, memory
        self.parsimony = parsimony
        self.evaluations = 0
        self._reward_fn, self._prior, self._plans, self._mode_bit = reward_fn, prior, plans, mode_bit

    def evaluate(self, genomes: Sequence[Genome], generation: int) -> None:
        """Set `fitness`, `loss` (minus the reward, without parsimony) and `right` (0) of every new genome.

        `played` is set for all of them; genomes restored from a state play again.
        """
        new = [genome for genome in genomes if not hasattr(genome, "version")]
        silent = [genome for genome in genomes if hasattr(genome, "version") and genome.played is None]
        played = self.play([*new, *silent])
        for genome, rolls in zip([*new, *silent], played, strict=True):
            genome.played = rolls
        for genome, reward in zip(new, self.rewards(played[: len(new)]).tolist(), strict=True):
            genome.loss, genome.right, genome.version = -reward, 0, 0
            genome.fitness = reward
            if self.parsimony:
                genome.fitness -= self.parsimony * sum(gene.enabled for gene in genome.connections.values())
        self.evaluations += len(new)

    def play(self, genomes: Sequence[neat.DefaultGenome]) -> np.ndarray:
        """Return the rolls (N, B, T, K) bool that genomes play."""
        return play_together(genomes, self.prompts, self.steps, self.memory, self._prior, self._plans, self._mode_bit)

    def rewards(self, rolls: np.ndarray) -> np.ndarray:
        """Return the rewards (N,) float64 of rolls (N, B, T, K): summed over the steps, averaged over the prompts."""
        if not len(rolls):
            return np.empty(0)
        each, indices = _unique(rolls.reshape(-1, *rolls.shape[2:]))
        parts = [self._reward_fn(each[first : first + ROLLS_TOGETHER]) for first in range(0, len(each), ROLLS_TOGETHER)]
        rewards = np.concatenate(parts)[:, self.prompts.shape[1] :].sum(axis=1, dtype=np.float64)
        return rewards[indices].reshape(len(rolls), len(self.prompts)).mean(axis=1)

    def rank(self, genome: neat.DefaultGenome) -> tuple[float, ...]:
        """Return the key for choosing champions: the reward."""
        return (-genome.loss,)

    def check(self, genome: neat.DefaultGenome) -> None:
        """Raise ValueError if the genome cannot be evaluated in batches."""
        check_supported(genome, len(self.cases.targets))

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return everything the next evaluations depend on, as named arrays and plain data."""
        return {}, {"evaluations": self.evaluations}

    def restore(self, arrays: dict[str, np.ndarray], data: dict[str, Any]) -> None:
        """Continue from a state; raises ValueError if it does not fit."""
        validate_like({"evaluations": 0}, data, "evaluator")
        self.evaluations = data["evaluations"]


class PlayedInputGuide:
    """A `Guide` that proposes inputs that were on while a network played, after the prompt."""

    FROM_PLANS = 0.5
    """Share of the proposals that are plan inputs, if there are plans."""

    def __init__(self, prompt: int, memory: int, plans: PlanInputs | None = None, mode_bit: bool = False):
        self._prompt, self._memory, self._plans, self._mode_bit = prompt, memory, plans, mode_bit

    def propose(self, genome: Genome, output: int) -> tuple[int, float] | None:
        """Return an input that was on at a random step, and a random sign; None if the memory was empty there."""
        if genome.played is None:
            return None
        episode = random.randrange(len(genome.played))
        roll = genome.played[episode]
        step = random.randrange(self._prompt, len(roll))
        if self._plans and random.random() < self.FROM_PLANS:
            planned = np.flatnonzero(self._plans.at(np.array([episode]), np.array([step]), roll[None])[0])
            index = self._memory * roll.shape[1] + self._mode_bit + int(planned[random.randrange(len(planned))])
            return -1 - index, random.choice((1.0, -1.0))
        first = max(0, step - self._memory)
        on = np.flatnonzero(roll[first:step])
        if not len(on):
            return None
        index = (self._memory - (step - first)) * roll.shape[1] + int(on[random.randrange(len(on))])
        return -1 - index, random.choice((1.0, -1.0))


def _unique(rolls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct rolls of (R, T, K), and the index of each roll among them.

    Many children play what a parent played; such a roll is rewarded once.
    """
    packed = np.packbits(rolls.reshape(len(rolls), -1), axis=1)
    _, first, indices = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    return rolls[first], indices.ravel()


class Improvisation(Evolution):
    """A NEAT run with the rewards of a listener. It is never solved, as the largest reward is unknown."""

    solved = False
