"""Crossover: two or more genomes make a child.

Options, each off at 0 and named in every run and report:
    modular_crossover  with this probability a child takes every output, with all connections that feed it,
                       from the parent with the smaller loss at this output; otherwise it mixes matching
                       genes as NEAT does. Uses one loss per output, not one number per genome.
    donors             number of additional parents of a modular crossover.
"""

import random
from collections import defaultdict
from collections.abc import Sequence

from agents.neat.editor import GenomeEditor
from agents.neat.genome import NO_INPUTS, Genome, GenomeConfig


def crossover(first: Genome, second: Genome, config: GenomeConfig, donors: Sequence[Genome] = ()) -> GenomeEditor:
    """Return the child of two evaluated genomes, in an editor; a modular crossover also uses the donors."""
    better, other = (first, second) if _fitness(first) > _fitness(second) else (second, first)
    editor = GenomeEditor(better, config)
    if better is other:
        return editor
    if random.random() < config.modular_crossover and better.losses and other.losses:
        editor.apply(take_modules, better, (other, *donors))
    else:
        editor.apply(mix_genes, better, other)
    return editor


def _fitness(genome: Genome) -> float:
    assert genome.fitness is not None, "parents must be evaluated"
    return genome.fitness


def take_modules(editor: GenomeEditor, parent: Genome, others: Sequence[Genome]) -> None:
    """Take every output from the genome with the smallest loss at it; from the first in case of ties.

    Args:
        editor: of a child of `parent`.
        parent: keeps the outputs at which no other genome is better.
        others: donors of the other outputs.
    """
    donated = defaultdict(list)
    for output, loss in enumerate(parent.losses):
        donor = parent
        for other in others:
            if other.losses[output] < loss:
                donor, loss = other, other.losses[output]
        if donor is not parent:
            donated[donor].append(output)
    for donor, outputs in donated.items():
        _take_outputs(editor, donor, outputs)


def _take_outputs(editor: GenomeEditor, donor: Genome, wanted: list[int]) -> None:
    """Take outputs with all connections and hidden nodes that feed them."""
    deep = len(donor.nodes) > len(donor.losses)
    while wanted:
        node = wanted.pop()
        editor.take_node(donor, node)
        if deep:
            sources = {source for source, _ in donor.inputs.get(node, NO_INPUTS)}
            wanted += [source for source in sorted(sources) if source >= 0 and source not in editor.nodes]


def mix_genes(editor: GenomeEditor, parent: Genome, other: Genome) -> None:
    """Take each matching gene from either parent at random; genes that do not match stay those of `parent`."""
    for sink, inputs in parent.inputs.items():
        others = other.inputs.get(sink, NO_INPUTS)
        if others is inputs or others.keys().isdisjoint(inputs):
            continue
        for key, gene in inputs.items():
            match = others.get(key)
            if match is None or match is gene or match.innovation != gene.innovation:
                continue
            if random.random() < 0.5:
                editor.connections[key] = match
    for node, node_gene in editor.nodes.items():
        twin = other.nodes.get(node)
        if twin is not None and twin is not node_gene and random.random() < 0.5:
            editor.nodes[node] = twin


CROSSOVERS = (take_modules, mix_genes)
"""The kinds of crossover, as a genome names them in `operators`."""
