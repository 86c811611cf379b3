"""The editor: a genome in the making, which operators change freely."""

from agents.neat.genome import ConnectionGene, Genome, GenomeConfig, NodeGene


class GenomeEditor:
    """A copy of a parent's genes. Operators replace, add and delete genes in its dictionaries, then `finish` it.

    Nothing is derived from a genome before it is finished, so there is nothing that an operator has to keep in step.
    """

    def __init__(self, parent: Genome, config: GenomeConfig):
        self.config = config
        self.nodes: dict[int, NodeGene] = dict(parent.nodes)
        self.connections: dict[tuple[int, int], ConnectionGene] = dict(parent.connections)
        self.losses = list(parent.losses)
        """Loss of each output in the parent that it comes from; empty if it is not known."""
        self.played = parent.played
        self._rows = list(parent.rows) if parent.rows else None

    @property
    def hidden(self) -> list[int]:
        """Keys of the hidden nodes."""
        if len(self.nodes) == self.config.num_outputs:
            return []
        return [key for key in self.nodes if key >= self.config.num_outputs]

    def inherit_output(self, donor: Genome, output: int) -> None:
        """Record that an output, with all that feeds it, now comes from another parent.

        This saves time in evaluation; an operator that does not call it gets the same fitness.
        """
        self.losses[output] = donor.losses[output]
        if self._rows and donor.rows:
            self._rows[output] = donor.rows[output]

    def finish(self, key: int) -> Genome:
        """Return the genome."""
        child = Genome(key, self.nodes, self.connections)
        child.losses, child.rows, child.played = self.losses, self._rows, self.played
        return child
