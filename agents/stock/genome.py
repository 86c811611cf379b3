"""neat-python's own genome, only faster: the same genes from the same random numbers, to the bit.

`StockGenome` takes the place of `neat.DefaultGenome` in a configuration, and any configuration file for
that class is one for this. Children are recorded while they are bred and computed together, as arrays, when
their genes are first asked for (see `agents.stock.brood`). Gene objects are made when somebody looks at
`connections` or `nodes`; from then on they are the genome, so that they may be changed as usual.

Not for subclasses that change operators of `neat.DefaultGenome`: those are not called.
Source: neat-python 2.0.0, `genome.py`.
"""

from types import SimpleNamespace
from typing import Any

import neat
from neat.genome import DefaultGenomeConfig

from agents.networks.gene_arrays import GeneArrays, pack, unpack
from agents.stock.brood import Brood
from agents.stock.distance import Lookup
from agents.stock.structure import is_acyclic

_UNCHECKED = SimpleNamespace(feed_forward=False)
"""What crossover reads of a configuration, without the check for circles: where the better parent has none, its
child, who has no other connections, has none either."""

_NOT_STORED = ("_brood", "_arrays", "_index", "_kept_lookup")


class StockGenomeConfig(DefaultGenomeConfig):
    """neat-python's genome configuration and the children that are being bred with it."""

    brood: Brood | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "brood":
            # children that are recorded keep the options that they were bred with
            self.brood = None
        super().__setattr__(name, value)

    def __getstate__(self) -> dict:
        state = super().__getstate__()
        state.pop("brood", None)
        return state


class StockGenome(neat.DefaultGenome):
    """A genome that is bred like `neat.DefaultGenome`, at a fraction of its cost."""

    _brood: Brood | None = None
    _arrays: GeneArrays | None = None
    _index = 0
    _kept_lookup: Lookup | None = None
    _connections: dict | None = None
    _nodes: dict | None = None

    @classmethod
    def parse_config(cls, param_dict: dict) -> StockGenomeConfig:
        param_dict["node_gene_type"] = neat.genes.DefaultNodeGene
        param_dict["connection_gene_type"] = neat.genes.DefaultConnectionGene
        return StockGenomeConfig(param_dict, cls.__name__)

    def __init__(self, key: int):
        self.key = key
        self.fitness: Any = None  # a number, as soon as it is evaluated

    def configure_new(self, config: StockGenomeConfig) -> None:
        """Become a genome of the first generation."""
        super().configure_new(config)
        self._arrays, self._connections, self._nodes = pack(self.connections, self.nodes), None, None

    def configure_crossover(self, genome1: "StockGenome", genome2: "StockGenome", config: StockGenomeConfig) -> None:
        """Become the child of two genomes."""
        better, other = (genome1, genome2) if genome1.fitness > genome2.fitness else (genome2, genome1)
        if better._brood or other._brood:
            better._hatch()
            other._hatch()
        if config.brood is None or not config.brood.open:
            config.brood = Brood(config)
        if config.brood.cross(self, better, other):
            self._brood = config.brood
        elif is_acyclic(better.arrays.links):
            super().configure_crossover(genome1, genome2, _UNCHECKED)
        else:
            super().configure_crossover(genome1, genome2, config)

    def mutate(self, config: StockGenomeConfig) -> None:
        """Change genes at random."""
        if not (self._brood and self._brood is config.brood and self._brood.mutate(self)):
            super().mutate(config)

    def stored(self) -> tuple[GeneArrays, int]:
        """Return arrays that hold the genes of this genome among others, and its index in them."""
        self._hatch()
        if self._connections is not None:
            return pack(self._connections, self.nodes), 0
        if self._arrays is None:
            self._arrays = pack({}, {})
        return self._arrays, self._index

    @property
    def arrays(self) -> GeneArrays:
        """The genes of this genome alone."""
        genes, index = self.stored()
        return genes.part(index, index + 1)

    def detach(self) -> None:
        """Keep a copy of the genes: else a genome that lives on keeps its whole generation in memory."""
        if self._connections is None:
            self._arrays, self._index = self.arrays.copy(), 0

    @property
    def connections(self) -> dict:
        """Connection genes by (source, sink)."""
        if self._connections is None:
            self._connections, self._nodes = self._take_genes()
        return self._connections

    @connections.setter
    def connections(self, genes: dict) -> None:
        if self._connections is None:
            self._nodes = self._take_genes()[1]
        self._connections = genes

    @property
    def nodes(self) -> dict:
        """Node genes by key."""
        if self._nodes is None:
            self._connections, self._nodes = self._take_genes()
        return self._nodes

    @nodes.setter
    def nodes(self, genes: dict) -> None:
        if self._nodes is None:
            self._connections = self._take_genes()[0]
        self._nodes = genes

    def distance(self, other: "StockGenome", config: StockGenomeConfig) -> float:
        """Return the genetic distance to another genome; `agents.stock.distance` has that to many at once."""
        return self._lookup().distance(other._lookup(), config)

    def _lookup(self) -> Lookup:
        """Return the genes by what they match; made once, as long as they are arrays and so cannot change."""
        if self._connections is not None:
            return Lookup(self.arrays)
        if self._kept_lookup is None:
            self._kept_lookup = Lookup(self.arrays)
        return self._kept_lookup

    def size(self) -> tuple[int, int]:
        """Return the number of nodes and of enabled connections."""
        if self._connections is not None:
            return super().size()
        genes = self.arrays
        return genes.nodes.shape[1], int(genes.enabled.sum())

    def _take_genes(self) -> tuple[dict, dict]:
        """Turn the arrays into gene objects, and forget them."""
        connections, nodes = unpack(self.arrays)
        self._arrays = self._kept_lookup = None
        return connections, nodes

    def _hatch(self) -> None:
        """Compute this genome and all that were bred with it."""
        if self._brood:
            brood = self._brood
            genes = brood.hatch()
            for index, child in enumerate(brood.children):
                child._arrays, child._index, child._brood = genes, index, None

    def __getstate__(self) -> dict:
        state = {name: value for name, value in self.__dict__.items() if name not in _NOT_STORED}
        if self._connections is None:
            state["_connections"], state["_nodes"] = unpack(self.arrays)
        return state


# neat-python reads a genome's options from the section of its class's name: keep the name users know
StockGenome.__name__ = "DefaultGenome"
