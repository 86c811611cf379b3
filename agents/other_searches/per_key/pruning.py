"""Pruning by deletion: connections go as long as every cell that is right stays right.

Weights are left as they are; only what no case needs is deleted: connections from nodes into outputs, then literals
of nodes, which are connections too. A node without a literal is 1 in more rows.

Conventions: as in `per_key.and_nodes`. A cell is right where its margin is greater than `margin`.
"""

import numpy as np

from agents.other_searches.per_key.and_nodes import BATCH, AndNodes, rows_with


def prune(nodes: AndNodes, random: np.random.Generator, margin: float = 0.0) -> int:
    """Delete what can be deleted, once through all connections.

    Args:
        nodes: the hidden nodes and the units that they feed.
        random: source of the order in which literals are tried.
        margin: cells with a greater margin are right and stay so.

    Returns:
        Number of connections deleted.
    """
    before = nodes.connections
    prune_outputs(nodes, margin)
    nodes.keep_used()
    prune_literals(nodes, random, margin)
    prune_outputs(nodes, margin)
    nodes.keep_used()
    return before - nodes.connections


def prune_outputs(nodes: AndNodes, margin: float) -> None:
    """Delete connections from nodes into outputs: of nodes with few of them first, small weights first."""
    sizes = np.abs(nodes.weights)
    pending = np.lexsort((sizes.max(axis=1, initial=0), np.count_nonzero(sizes, axis=1)))
    while len(pending):
        now = nodes.apart(pending[:BATCH])
        pending = np.concatenate([np.setdiff1d(pending[:BATCH], now, assume_unique=True), pending[BATCH:]])
        rows, heads, counts = nodes.rows_of(now)
        places = np.repeat(np.arange(len(now)), counts)
        old = nodes.weights[now]
        margins = nodes.units.margins.take(rows, axis=0)
        without = margins - nodes.units.cases.signs.take(rows, axis=0) * old[places]
        needless = np.logical_and.reduceat((without > margin) | (margins <= margin), heads) & (old != 0)
        nodes.units.margins[rows] = np.where(needless[places], without, margins)
        nodes.weights[now] = np.where(needless, 0, old)


def prune_literals(nodes: AndNodes, random: np.random.Generator, margin: float) -> None:
    """Delete literals of nodes, in random order."""
    units, changed = nodes.units, {}
    for node in random.permutation(len(nodes)).tolist():
        literals, weights = nodes.literals[node], nodes.weights[node]
        rows = nodes.rows_of(np.array([node]))[0]
        for literal in random.permutation(literals).tolist():
            fewer = tuple(other for other in literals if other != literal)
            if not any(other >= 0 for other in fewer):
                continue
            more = rows_with(units.cases, fewer)
            added = np.setdiff1d(more, rows, assume_unique=True)
            margins = units.margins[added]
            moved = margins + units.cases.signs[added] * weights
            if ((moved > margin) | (margins <= margin)).all():
                units.margins[added] = moved
                literals, rows = fewer, more
        if len(literals) < len(nodes.literals[node]):
            changed[node] = literals, rows
    nodes.keep(np.arange(len(nodes)), changed)
