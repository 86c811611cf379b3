"""Mutation of weights, biases and the other values of genes: recorded gene by gene, applied to arrays.

Every gene takes its draws in neat-python's order: a connection for weight and enabled, a node for bias,
response, activation, aggregation and time constant. What neat-python does with them is done later, for all
children of a generation at once.

Source: neat-python 2.0.0, `attributes.py` and `genes.py`.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from random import choice, random

import numpy as np
from neat.genome import DefaultGenomeConfig

from agents.networks.gene_arrays import ACTIVATION, AGGREGATION, BIAS, RESPONSE, TIME_CONSTANT, name_number
from agents.stock.draws import GENERATOR, Normals


@dataclass(frozen=True, slots=True)
class FloatRates:
    """How one number of a gene mutates."""

    mutate: float
    """Draws below it change the value."""
    touch: float
    """Draws below it, from `mutate` on, replace the value."""
    normal: float
    """Draws below it take a Gaussian draw; from there to `touch` a uniform one."""
    power: float
    mean: float
    stdev: float
    low: float
    high: float
    uniform: bool
    """Whether values are replaced uniformly."""

    @classmethod
    def read(cls, config: DefaultGenomeConfig, name: str) -> "FloatRates":
        """Read the options of one attribute."""

        def option(key: str):
            return getattr(config, f"{name}_{key}")

        kind = option("init_type").lower()
        uniform = not ("gauss" in kind or "normal" in kind)
        mutate = option("mutate_rate")
        touch = max(mutate, option("replace_rate") + mutate)
        return cls(
            mutate=mutate,
            touch=touch,
            normal=mutate if uniform else touch,
            power=option("mutate_power"),
            mean=option("init_mean"),
            stdev=option("init_stdev"),
            low=option("min_value"),
            high=option("max_value"),
            uniform=uniform,
        )

    def changed(self, values: np.ndarray, draws: np.ndarray, normals: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
        """Return the values after mutation; all arrays are (k,) float64."""
        moved = self.within(values + (0.0 + normals * self.power))
        if self.uniform:
            low = max(self.low, self.mean - (2 * self.stdev))
            new = low + (min(self.high, self.mean + (2 * self.stdev)) - low) * uniforms
        else:
            new = self.within(self.mean + normals * self.stdev)
        return np.where(draws < self.mutate, moved, np.where(draws < self.touch, new, values))

    def within(self, values: np.ndarray) -> np.ndarray:
        """Return values (k,) within the limits, as Python's max(min(value, high), low) does, to the sign of a zero."""
        values = np.where(self.high < values, self.high, values)
        return np.where(self.low > values, self.low, values)


class ValueMutations:
    """The recorded mutations of the values of many children's genes."""

    def __init__(self, config: DefaultGenomeConfig):
        self.normals = Normals()
        self.weight = FloatRates.read(config, "weight")
        self.enabled_rate = config.enabled_mutate_rate + config.enabled_rate_to_false_add
        self.recordable = self.enabled_rate == config.enabled_mutate_rate + config.enabled_rate_to_true_add
        """Whether the draws do not depend on which genes are enabled."""
        self.weight_draws, self.link_uniforms = array("d"), array("d")
        self._normal_counts: list[int] = []
        self.flipped: list[tuple[int, bool]] = []
        names = (("bias", BIAS), ("response", RESPONSE), ("time_constant", TIME_CONSTANT))
        self.floats = {row: FloatRates.read(config, name) for name, row in names}
        self.node_draws = {row: array("d") for row, rates in self.floats.items() if rates.touch > 0}
        self.node_uniforms = array("d")
        self.named: list[tuple[int, int, int]] = []
        self._plan = self._node_plan(config)

    def _node_plan(self, config: DefaultGenomeConfig) -> list[tuple]:
        """Return what a node draws, in order.

        Returns:
            Of each draw: 0, below what a Gaussian draw follows, below what any other one, where the draw is kept,
            the row of the values and their options. Of draws in a row that nothing can come of: their bits.
        """
        steps = [self._number_step(BIAS), self._number_step(RESPONSE)]
        for row, name in ((ACTIVATION, "activation"), (AGGREGATION, "aggregation")):
            rate = getattr(config, f"{name}_mutate_rate")
            if rate > 0:
                steps.append((0, 0.0, rate, None, row, getattr(config, f"{name}_options")))
        steps.append(self._number_step(TIME_CONSTANT))
        plan: list[tuple] = []
        for bits, *rest in steps:
            if bits and plan and plan[-1][0]:
                bits += plan.pop()[0]
            plan.append((bits, *rest))
        return plan

    def _number_step(self, row: int) -> tuple:
        """Return the part of a node's plan that belongs to a number."""
        rates = self.floats[row]
        if rates.touch <= 0:
            return 64, 0.0, 0.0, None, row, ()
        return 0, rates.normal, rates.touch, self.node_draws[row].append, row, ()

    def record(self, links: Sequence[int], nodes: Sequence[int]) -> None:
        """Draw for one child.

        Args:
            links: where its connections will stand in the arrays, in the order of the child.
            nodes: where its nodes will stand.
        """
        pairs, stored = self.normals.pairs, GENERATOR.gauss_next
        first, kept = len(pairs), stored is not None
        left = self._record_links(links, kept)
        middle = len(pairs)
        self._normal_counts.append(kept + middle - first - left)
        after = self._record_nodes(nodes, left)
        self._normal_counts.append(left + len(pairs) - middle - after)
        self.normals.record(first, stored, after)

    def normal_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the values of the Gaussian draws of all connections, and of all nodes."""
        of_link = np.repeat(np.arange(len(self._normal_counts)) % 2 == 0, self._normal_counts)
        values = self.normals.values()
        return values[of_link], values[~of_link]

    def _record_links(self, places: Sequence[int], spare: bool) -> bool:
        """Draw for connections; take and return whether a Gaussian draw is in store."""
        touch, normal, enabled_rate = self.weight.touch, self.weight.normal, self.enabled_rate
        draws: list[float] = []
        pairs: list[float] = []
        keep, pair = draws.append, pairs.append
        for place in places:
            draw = random()
            keep(draw)
            if draw < normal:
                if spare:
                    spare = False
                else:
                    pair(random())
                    pair(random())
                    spare = True
            elif draw < touch:
                self.link_uniforms.append(random())
            if enabled_rate > 0 and random() < enabled_rate:
                self.flipped.append((place, random() < 0.5))
        # lists are quick to append to, arrays are quick to read: many numbers kept as objects are slow memory
        self.weight_draws.fromlist(draws)
        self.normals.pairs.fromlist(pairs)
        return spare

    def _record_nodes(self, places: Sequence[int], spare: bool) -> bool:
        """Draw for nodes; take and return whether a Gaussian draw is in store."""
        plan, pair, skip = self._plan, self.normals.pairs.append, GENERATOR.getrandbits
        for place in places:
            for bits, normal, touch, keep, row, options in plan:
                if bits:
                    skip(bits)
                    continue
                draw = random()
                if keep:
                    keep(draw)
                if draw < normal:
                    if spare:
                        spare = False
                    else:
                        pair(random())
                        pair(random())
                        spare = True
                elif draw < touch:
                    if options:
                        self.named.append((place, row, name_number(choice(options))))
                    else:
                        self.node_uniforms.append(random())
        return spare

    def apply_links(self, weights: np.ndarray, enabled: np.ndarray, places: np.ndarray, normals: np.ndarray) -> None:
        """Change connections in place.

        Args:
            weights: (F,) float64.
            enabled: (F,) bool.
            places: (k,) int64, the connections that took draws, in that order.
            normals: values of the Gaussian draws of connections.
        """
        draws = np.frombuffer(self.weight_draws)
        values = _spread(draws < self.weight.normal, normals)
        uniform = (draws >= self.weight.normal) & (draws < self.weight.touch)
        others = _spread(uniform, self.link_uniforms)
        weights[places] = self.weight.changed(weights[places], draws, values, others)
        for place, value in self.flipped:
            enabled[place] = value

    def apply_nodes(self, values: np.ndarray, names: np.ndarray, places: np.ndarray, normals: np.ndarray) -> None:
        """Change nodes in place.

        Args:
            values: (3, F) float64.
            names: (3, F) int64.
            places: (k,) int64, the nodes that took draws, in that order.
            normals: values of the Gaussian draws of nodes.
        """
        rows = [(row, self.floats[row]) for row in self.node_draws]
        if rows:
            draws = np.stack([np.frombuffer(self.node_draws[row]) for row, _ in rows], axis=1)  # (k, rows)
            normal, touch = ([getattr(rates, key) for _, rates in rows] for key in ("normal", "touch"))
            drawn = _spread(draws < normal, normals)
            others = _spread((draws >= normal) & (draws < touch), self.node_uniforms)
            for column, (row, rates) in enumerate(rows):
                old = values[row, places]
                values[row, places] = rates.changed(old, draws[:, column], drawn[:, column], others[:, column])
        for place, row, number in self.named:
            names[row, place] = number


def _spread(where: np.ndarray, values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return zeros with `values`, in their order, at the places that are true."""
    spread = np.zeros(where.shape)
    spread[where] = values
    return spread
