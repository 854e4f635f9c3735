"""Data to search in, and classes of DAGs by looking at every orientation."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from causalkit.graph import ARROW, TAIL, CausalGraph, Kind


def nodes_of(graph: CausalGraph) -> dict:
    """A table whose columns are called like the nodes; its two rows mean nothing."""
    return {name: [0.0, 1.0] for name in graph.nodes}


def random_dag(rng: np.random.Generator, max_nodes: int = 6, max_edges: int = 12) -> CausalGraph:
    """A DAG of any density, in an order that says nothing about causes."""
    p = int(rng.integers(1, max_nodes + 1))
    order = rng.permutation(p)
    density = rng.random()
    edges = [pair for pair in combinations(order.tolist(), 2) if rng.random() < density]
    names = [f"x{k}" for k in range(p)]
    return CausalGraph.from_edges(
        names, [(names[a], names[b]) for a, b in edges[:max_edges]], Kind.DAG
    )


def linear_data(rng: np.random.Generator, dag: CausalGraph, n: int) -> np.ndarray:
    """Linear Gaussian data, coefficients of size 0.4 to 1.2, columns in node order."""
    p = len(dag.nodes)
    weights = dag.directed * rng.uniform(0.4, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
    return rng.normal(size=(n, p)) @ np.linalg.inv(np.eye(p) - weights)


def _orientations(adjacency: np.ndarray) -> np.ndarray:
    """All acyclic orientations, shape (count, p, p)."""
    p = len(adjacency)
    edges = np.argwhere(np.triu(adjacency))
    bits = (np.arange(2 ** len(edges))[:, None] >> np.arange(len(edges))) & 1
    every = np.zeros((len(bits), p, p), dtype=bool)
    for k, (i, j) in enumerate(edges):
        every[:, i, j] = bits[:, k] == 0
        every[:, j, i] = bits[:, k] == 1
    walks = every.astype(float)
    cyclic = np.zeros(len(every), dtype=bool)
    for _ in range(p):
        cyclic |= np.trace(walks, axis1=1, axis2=2) > 0
        walks = np.minimum(walks @ every, 1.0)
    return every[~cyclic]


def _colliders(every: np.ndarray, adjacency: np.ndarray) -> np.ndarray:
    """Unshielded colliders of many orientations, shape (count, n_triples)."""
    p = len(adjacency)
    triples = [
        (a, k, b)
        for k in range(p)
        for a, b in combinations(np.flatnonzero(adjacency[k]).tolist(), 2)
        if not adjacency[a, b]
    ]
    columns = [every[:, a, k] & every[:, b, k] for a, k, b in triples]
    return np.column_stack(columns) if columns else np.zeros((len(every), 0), dtype=bool)


def class_by_enumeration(dag: CausalGraph, forbidden: np.ndarray | None = None) -> CausalGraph:
    """Union of the DAGs equivalent to `dag` that have no forbidden edge."""
    adjacency = dag.directed | dag.directed.T
    every = _orientations(adjacency)
    wanted = _colliders(dag.directed[None], adjacency)
    members = every[(_colliders(every, adjacency) == wanted).all(axis=1)]
    if forbidden is not None:
        members = members[~(members & forbidden).any(axis=(1, 2))]
    always, ever = members.all(axis=0), members.any(axis=0)
    ends = np.zeros(adjacency.shape, dtype=np.uint8)
    ends[always], ends[always.T], ends[ever & ever.T] = ARROW, TAIL, TAIL
    return CausalGraph(dag.nodes, ends, Kind.CPDAG)


def can_hold(arrows: np.ndarray, adjacency: np.ndarray, no_colliders) -> bool:
    """Whether some acyclic orientation has these arrows and none of these colliders."""
    every = _orientations(adjacency)
    fits = (every | ~arrows).all(axis=(1, 2))
    for a, k, b in no_colliders:
        fits &= ~(every[:, a, k] & every[:, b, k])
    return bool(fits.any())


def structural_distance(one: CausalGraph, other: CausalGraph) -> int:
    """Number of pairs that are joined differently."""
    assert one.nodes == other.nodes
    differs = (one.ends != other.ends) | (one.ends.T != other.ends.T)
    return int(np.triu(differs).sum())
