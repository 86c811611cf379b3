"""neat-python's own genome, only faster: the same genes from the same random numbers, to the bit.

`StockGenome` takes the place of `neat.DefaultGenome` in a configuration, and any configuration file for
that class is one for this. Children are recorded while they are bred and computed together, as arrays, when
their genes are first asked for (see `agents.stock_brood`). Gene objects are made when somebody looks at
`connections` or `nodes`; from then on they are the genome, so that they may be changed as usual.

Not for subclasses that change operators of `neat.DefaultGenome`: those are not called.
Source: neat-python 2.0.0, `genome.py`.
"""

import neat
from neat.genome import DefaultGenomeConfig

from agents.gene_arrays import GeneArrays, pack_links, pack_nodes, unpack
from agents.stock_brood import Brood


class StockGenomeConfig(DefaultGenomeConfig):
    """neat-python's genome configuration and the children that are being bred with it."""

    brood: Brood | None = None

    def __getstate__(self) -> dict:
        state = super().__getstate__()
        state.pop("brood", None)
        return state


class StockGenome(neat.DefaultGenome):
    """A genome that is bred like `neat.DefaultGenome`, at a fraction of its cost."""

    _brood: Brood | None = None
    _arrays: GeneArrays | None = None
    _connections: dict | None = None
    _nodes: dict | None = None

    @classmethod
    def parse_config(cls, param_dict: dict) -> StockGenomeConfig:
        param_dict["node_gene_type"] = neat.genes.DefaultNodeGene
        param_dict["connection_gene_type"] = neat.genes.DefaultConnectionGene
        return StockGenomeConfig(param_dict, cls.__name__)

    def __init__(self, key: int):
        self.key = key
        self.fitness = None

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
        else:
            super().configure_crossover(genome1, genome2, config)

    def mutate(self, config: StockGenomeConfig) -> None:
        """Change genes at random."""
        if not (self._brood and self._brood.mutate(self)):
            super().mutate(config)

    @property
    def arrays(self) -> GeneArrays:
        """All genes as arrays."""
        self._hatch()
        if self._connections is not None:
            return GeneArrays(*pack_links(self._connections.values()), *pack_nodes(self._nodes.values()))
        if self._arrays is None:
            self._arrays = GeneArrays(*pack_links(()), *pack_nodes(()))
        return self._arrays

    @property
    def connections(self) -> dict:
        """Connection genes by (source, sink)."""
        if self._connections is None:
            self._make_genes()
        return self._connections

    @connections.setter
    def connections(self, genes: dict) -> None:
        if self._connections is None:
            self._make_genes()
        self._connections = genes

    @property
    def nodes(self) -> dict:
        """Node genes by key."""
        if self._nodes is None:
            self._make_genes()
        return self._nodes

    @nodes.setter
    def nodes(self, genes: dict) -> None:
        if self._nodes is None:
            self._make_genes()
        self._nodes = genes

    def size(self) -> tuple[int, int]:
        """Return the number of nodes and of enabled connections."""
        if self._connections is not None:
            return super().size()
        return self.arrays.nodes.shape[1], int(self.arrays.enabled.sum())

    def _make_genes(self) -> None:
        """Turn arrays into gene objects."""
        self._connections, self._nodes = unpack(self.arrays)
        self._arrays = None

    def _hatch(self) -> None:
        """Compute this genome and all that were bred with it."""
        if self._brood:
            brood = self._brood
            for child, arrays in zip(brood.children, brood.hatch(), strict=True):
                child._arrays, child._brood = arrays, None

    def __getstate__(self) -> dict:
        state = {name: value for name, value in self.__dict__.items() if name not in ("_brood", "_arrays")}
        if self._connections is None:
            state["_connections"], state["_nodes"] = unpack(self.arrays)
        return state


# neat-python reads a genome's options from the section of its class's name: keep the name users know
StockGenome.__name__ = "DefaultGenome"
