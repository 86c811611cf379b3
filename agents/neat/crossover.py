"""Crossover: two genomes, or more, make a child.

Options, each off at 0 and named in every run and report:
    modular_crossover  with this probability a child takes every output, with all connections that feed it,
                       from the parent with the smaller loss at this output; otherwise it mixes matching
                       genes as NEAT does. Uses one loss for each output, not one number for each genome.
    donors             a modular crossover takes outputs from so many parents more.
"""

import random
from collections import defaultdict
from collections.abc import Sequence

from agents.neat.editor import GenomeEditor
from agents.neat.genome import NO_INPUTS, Genome, GenomeConfig


def crossover(first: Genome, second: Genome, config: GenomeConfig, donors: Sequence[Genome] = ()) -> GenomeEditor:
    """Return the child of two evaluated genomes, and of more donors if the crossover is modular."""
    better, other = (first, second) if _fitness(first) > _fitness(second) else (second, first)
    editor = GenomeEditor(better, config)
    if better is other:
        return editor
    if random.random() < config.modular_crossover and better.losses and other.losses:
        take_modules(editor, better, (other, *donors))
    else:
        mix_genes(editor, better, other)
    return editor


def _fitness(genome: Genome) -> float:
    assert genome.fitness is not None, "parents are evaluated"
    return genome.fitness


def take_modules(editor: GenomeEditor, parent: Genome, others: Sequence[Genome]) -> None:
    """Take every output from the genome with the smallest loss at it; of equal ones from the first.

    Args:
        editor: begun with `parent`.
        parent: keeps the outputs at which it is as good as all others.
        others: where the other outputs come from.
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
    """Take each matching gene from either parent; genes that do not match stay those of the one the editor began as."""
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
    for node, own in editor.nodes.items():
        twin = other.nodes.get(node)
        if twin is not None and twin is not own and random.random() < 0.5:
            editor.nodes[node] = twin
