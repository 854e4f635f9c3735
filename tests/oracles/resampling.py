"""Slow and obvious versions of what confidence in learnt graphs is made of."""

from __future__ import annotations

from collections import Counter
from itertools import combinations


def shares(graphs, a, b):
    """Share of the graphs with each edge between a and b, edge by edge."""
    found = Counter()
    for graph in graphs:
        edges = graph.edges_between(a, b)
        for edge in edges:
            symbol = edge.symbol
            if edge.left != a:
                symbol = {"->": "<-", "o->": "<-o", "o--": "--o"}.get(symbol, symbol)
            found[symbol] += 1
        if not edges:
            found["none"] += 1
    return {symbol: count / len(graphs) for symbol, count in found.items()}


def benjamini_hochberg(p_values, level, n_hypotheses):
    """Number of rejections, by trying every number."""
    good = [
        k
        for k in range(1, len(p_values) + 1)
        if sum(p <= level * k / n_hypotheses for p in p_values) >= k
    ]
    return max(good, default=0)


def skeletons_differ(one, other):
    """Pairs joined in the first graph and not in the second."""
    return sum(
        bool(one.edges_between(a, b)) and not other.edges_between(a, b)
        for a, b in combinations(one.nodes, 2)
    )
