"""Slow and obvious: boundaries by definition, wide tables with known truth, plain searches."""

from __future__ import annotations

import numpy as np

from causalkit.graph import CausalGraph, is_separated
from causalkit.independence import CITest, FisherZ


def boundary_by_definition(graph: CausalGraph, target, observed=None) -> set:
    """Whoever is still connected to the target when all others are given."""
    names = list(graph.nodes if observed is None else observed)
    return {
        name
        for name in names
        if name != target
        and not is_separated(graph, target, name, [k for k in names if k not in (name, target)])
    }


def boundary_in_dag(graph: CausalGraph, target) -> set:
    """Parents, children, and the other parents of children."""
    children = graph.children(target)
    found = graph.parents(target) | children
    if children:
        found |= graph.parents(children)
    return set(found - {target})


class PlainFisherZ(CITest):
    """Fisher's z with its matrix of correlations, asked one question at a time."""

    def bind(self, table):
        return FisherZ().bind(table)


def local_data(rng, p: int, n: int, reach: int = 30):
    """A wide table and its parents: up to three of the `reach` columns before each column."""
    values, parents = np.empty((n, p)), []
    for j in range(p):
        chosen = rng.choice(np.arange(max(0, j - reach), j), min(rng.integers(0, 4), j), False)
        weights = rng.uniform(0.4, 1.0, len(chosen)) * rng.choice([-1, 1], len(chosen))
        values[:, j] = values[:, chosen] @ weights + rng.normal(size=n)
        values[:, j] /= values[:, j].std()
        parents.append(set(chosen.tolist()))
    return values, parents


def boundary_of_column(parents, target: int) -> set:
    children = [j for j, above in enumerate(parents) if target in above]
    return set(parents[target]).union(children, *(parents[c] for c in children)) - {target}
