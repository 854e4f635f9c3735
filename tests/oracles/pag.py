"""Slow, obvious versions of what FCI's compiled loops decide."""

from __future__ import annotations

import networkx as nx
import numpy as np

from causalkit.graph import ARROW, CIRCLE, TAIL


def agreeing(known, triples, verdict):
    """Each collider is compared with every surer triple in the same middle that is none."""
    arrow = known == ARROW
    kept = list(verdict)
    for row, (a, k, b) in enumerate(triples):
        if kept[row] == 1:
            drawn = arrow.copy()
            drawn[a, k] = drawn[b, k] = True
            other = any(
                middle == k and kept[before] == 0 and drawn[u, k] and drawn[w, k]
                for before, (u, middle, w) in enumerate(triples[:row])
            )
            if other or known[a, k] == TAIL or known[b, k] == TAIL:
                kept[row] = 0
        elif kept[row] == 0 and arrow[a, k] and arrow[b, k]:
            kept[row] = 1
        if kept[row] == 1:
            arrow[a, k] = arrow[b, k] = True
    return kept


def possibly_needed(ends, unclear, i, j):
    """Nodes on walks from i, in the block of i - j, that may be in D-SEP(i, j)."""
    p = len(ends)
    joined = nx.Graph((ends > 0).astype(int))
    block = next(g for g in nx.biconnected_components(joined) if {i, j} <= g)
    causes = nx.DiGraph()
    causes.add_nodes_from(range(p))
    causes.add_edges_from(
        (u, v) for u in range(p) for v in range(p) if ends[u, v] > 0 and ends[v, u] != ARROW
    )
    allowed = (nx.ancestors(causes, i) | nx.ancestors(causes, j)) & block - {i, j}

    def may_collide(u, v, w):
        if TAIL in (ends[u, v], ends[w, v]):
            return False
        both = ends[u, v] == ends[w, v] == ARROW
        return bool(ends[u, w] > 0 or both or (min(u, w), v, max(u, w)) in unclear)

    steps = {(i, v) for v in joined[i] if v in allowed}
    while True:
        more = {
            (v, w)
            for u, v in steps
            for w in joined[v]
            if w != u and w in allowed and may_collide(u, v, w)
        } - steps
        if not more:
            return {v for _, v in steps}
        steps |= more


def sides_to_ask(ends, unclear, strength):
    """Pairs (i, j) and the set on the side of i, for each side that must be asked."""
    p = len(ends)
    sets = {
        (i, j): possibly_needed(ends, unclear, i, j)
        for i in range(p)
        for j in range(p)
        if ends[i, j] > 0
    }
    farther = {pair for pair, found in sets.items() if any(ends[pair[0], k] == 0 for k in found)}

    def rank(i, j):
        if (i, j) not in farther:
            return (0, 0.0, i)  # there is nothing left to ask
        return (len(sets[i, j]), -max(abs(strength[i, k]) for k in sets[i, j]), i)

    asked = {}
    for i, j in farther:
        no_cause, no_effect = ends[j, i] == ARROW, ends[i, j] == ARROW
        if (not no_effect) or (no_cause and rank(i, j) < rank(j, i)):
            asked[i, j] = sets[i, j]
    return asked


def random_marks(rng, p, share):
    """Any marks on a random skeleton."""
    joined = np.triu(rng.random((p, p)) < share, 1)
    marks = rng.choice([TAIL, ARROW, CIRCLE, CIRCLE, CIRCLE], size=(p, p)).astype(np.uint8)
    return np.where(joined | joined.T, marks, 0).astype(np.uint8)
