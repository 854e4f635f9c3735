"""Small random graphs of the kinds that identification reads."""

from __future__ import annotations

import numpy as np

from causalkit.graph import CausalGraph, Edge
from tests.oracles.adjustment import as_dag, class_by_agreement, equivalent_dags


def random_dag(rng, size, density=0.5):
    names = [f"V{k}" for k in range(size)]
    order = rng.permutation(names)
    edges = [
        (str(order[i]), str(order[j]))
        for i in range(size)
        for j in range(i + 1, size)
        if rng.random() < density
    ]
    return CausalGraph.from_edges(names, edges, "DAG")


def random_admg(rng, size, density=0.45, hidden=0.25):
    dag = random_dag(rng, size, density)
    bows = [
        Edge(dag.nodes[i], dag.nodes[j], "<->")
        for i in range(size)
        for j in range(i + 1, size)
        if rng.random() < hidden
    ]
    return CausalGraph.from_edges(dag.nodes, [*dag.edges(), *bows], "ADMG")


def random_class(rng, size, density=0.55, known=0.0):
    """A CPDAG with its members; with probability `known` an edge's direction is known (MPDAG)."""
    dag = random_dag(rng, size, density)
    facts = {(e.left, e.right) for e in dag.edges() if rng.random() < known}
    kept = [arcs for arcs in equivalent_dags(dag) if facts <= arcs]
    return class_by_agreement(dag.nodes, kept), [as_dag(dag.nodes, arcs) for arcs in kept]


def pick(rng, graph, treatments=1, outcomes=1):
    chosen = [str(v) for v in rng.permutation(graph.nodes)[: treatments + outcomes]]
    return tuple(chosen[:treatments]), tuple(chosen[treatments:])


def generator(seed):
    return np.random.default_rng(seed)
