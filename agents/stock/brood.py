"""A brood: the children of a generation, recorded one after the other and computed all at once.

neat-python makes a child gene by gene. Which random numbers a child takes is known from its parents' gene
lists, whatever the numbers are; so while children are made, only draws and structure are recorded. When the
genes of any of them are asked for, the brood hatches: crossover and mutation of all children are computed
on arrays of all their genes.

Conventions: a place is an index into the arrays of all connections, or of all nodes, of all children.
"""

import numpy as np
from neat.genome import DefaultGenome, DefaultGenomeConfig

from agents.networks.gene_arrays import GeneArrays, gather
from agents.stock.draws import GENERATOR, Uniforms
from agents.stock.hatching import Records, hatch
from agents.stock.mutation import ValueMutations
from agents.stock.structure import Changes, Parent, Sketch, StructuralMutation, is_acyclic


class Brood:
    """Children to be."""

    def __init__(self, config: DefaultGenomeConfig):
        self.config = config
        self.open = True
        self.mutations = ValueMutations(config)
        self.changes = Changes()
        self._structure = StructuralMutation(config)
        self.children: list[DefaultGenome] = []
        self._parents: dict[int, Parent] = {}
        self._draws = bytearray()
        # a row for every child: numbers of its parents, places of its first genes, its draws, whether it mutated
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        self._mutated: list[bool] = []

    def cross(self, child: DefaultGenome, better: DefaultGenome, other: DefaultGenome) -> bool:
        """Record a crossover.

        Returns:
            False if nothing was recorded, because neat-python's own operators have to do with these parents, or
            with any: draws of mutation may depend on which genes are enabled.
        """
        if not self.mutations.recordable:
            return False
        first = self._parents.get(id(better)) or self._parent(better)
        second = self._parents.get(id(other)) or self._parent(other)
        if first is None or second is None:
            return False
        changes, own, others = self.changes, first.innovations, second.innovations
        # a set joined with itself is not made larger, as neat-python's two sets are: that would change the order
        union = own | (others if others is not own else others.copy())
        matching = len(own) + len(others) - len(union)
        either = 0
        if first.disabled or second.disabled:
            either = len((first.disabled & others) | (second.disabled & own))
        link_draws = 2 * matching + either
        draws = link_draws + 5 * len(first.node_set & second.node_set)
        self._draws += GENERATOR.randbytes(8 * draws)
        self._rows.append((first.number, second.number, changes.links, changes.nodes, link_draws, draws))
        ordered = union if len(union) == len(own) else filter(own.__contains__, union)
        changes.orders.append(np.fromiter(ordered, dtype=np.int64, count=len(own)))
        changes.links += len(own)
        changes.nodes += len(first.node_keys)
        self.children.append(child)
        self._mutated.append(False)
        self._better = first
        return True

    def mutate(self, child: DefaultGenome) -> bool:
        """Record the mutation of the child whose crossover was recorded last.

        Returns:
            False if nothing was recorded, because it is another one.
        """
        if child is not self.children[-1] or self._mutated[-1]:
            return False
        self._mutated[-1] = True
        first_link, first_node = self._rows[-1][2:4]
        sketch = self._structure.mutate(lambda: Sketch(self.changes, self._better, first_link, first_node))
        if sketch:
            self.mutations.record(sketch.links, sketch.nodes)
        else:
            self.mutations.record(range(first_link, self.changes.links), range(first_node, self.changes.nodes))
        return True

    def _parent(self, genome: DefaultGenome) -> Parent | None:
        """Take a new parent; return None if its genes are unusual."""
        parent = Parent(genome, len(self._parents), *genome.stored())
        if len(parent.innovations) < parent.links.shape[1]:
            return None
        if self.config.feed_forward and not (parent.genes.acyclic or is_acyclic(parent.links)):
            return None
        self._parents[id(genome)] = parent
        return parent

    def hatch(self) -> GeneArrays:
        """Compute the genes of all children, in the order in which they were recorded."""
        self.open = False
        rows = np.array(self._rows, dtype=np.int64).T
        records = Records(*rows, mutated=np.array(self._mutated))
        parents = gather((parent.genes, parent.index) for parent in self._parents.values())
        genes = hatch(parents, records, self.changes, self.mutations, Uniforms(self._draws))
        return GeneArrays(*genes, acyclic=self.config.feed_forward)
