"""Pruning: deletion of connections as long as every right cell stays right.

Other weights do not change. Connections from nodes into outputs are deleted first, then literals of nodes, which are
connections too. Without a literal, a node is 1 in more rows.

Conventions: as in `per_key.and_nodes`. A cell is right if its margin is above 0.
"""

import numpy as np

from agents.other_searches.per_key.and_nodes import BATCH, AndNodes, Node


def prune(nodes: AndNodes, random: np.random.Generator) -> None:
    """Delete the connections that no right cell needs, in one pass."""
    prune_outputs(nodes)
    nodes.keep_used()
    prune_literals(nodes, random)
    prune_outputs(nodes)
    nodes.keep_used()


def prune_outputs(nodes: AndNodes) -> None:
    """Delete connections from nodes into outputs, starting with nodes that have few of them, then small weights."""
    sizes = np.abs(nodes.weights)
    pending = np.lexsort((sizes.max(axis=1, initial=0), np.count_nonzero(sizes, axis=1)))
    while len(pending):
        now = nodes.disjoint(pending[:BATCH])
        pending = np.concatenate([np.setdiff1d(pending[:BATCH], now, assume_unique=True), pending[BATCH:]])
        rows, heads, owners = nodes.join_rows(now)
        old = nodes.weights[now]
        margins = nodes.units.margins.take(rows, axis=0)
        without = margins - nodes.units.cases.signs.take(rows, axis=0) * old[owners]
        needless = np.logical_and.reduceat((without > 0) | (margins <= 0), heads) & (old != 0)
        nodes.units.margins[rows] = np.where(needless[owners], without, margins)
        nodes.weights[now] = np.where(needless, 0, old)


def prune_literals(nodes: AndNodes, random: np.random.Generator) -> None:
    """Delete literals of nodes in random order; each node keeps at least one for an input that must be on."""
    units, changed = nodes.units, {}
    for index in random.permutation(len(nodes)).tolist():
        node: Node = nodes.literals[index], nodes.rows_of(index)
        weights = nodes.weights[index]
        for literal in random.permutation(node[0]).tolist():
            fewer = tuple(other for other in node[0] if other != literal)
            if not any(other >= 0 for other in fewer):
                continue
            more = units.cases.rows_with(fewer)
            added = np.setdiff1d(more, node[1], assume_unique=True)
            margins = units.margins[added]
            moved = margins + units.cases.signs[added] * weights
            if ((moved > 0) | (margins <= 0)).all():
                units.margins[added] = moved
                node = fewer, more
        if len(node[0]) < len(nodes.literals[index]):
            changed[index] = node
    nodes.keep(np.arange(len(nodes)), changed)
