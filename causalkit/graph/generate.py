"""Random graphs: for tests, benchmarks and simulation studies.

The order of the nodes says nothing about causes: the topological order is drawn at random, so a
method that merely reads columns from left to right has nothing to gain. DAGs of further shapes, for
random models, are in :mod:`causalkit.models.random_models.graphs`.

>>> dag = random_dag(20, expected_degree=3.0, rng=0)
>>> dag.kind.name, dag.nodes[:3]
('DAG', ('x0', 'x1', 'x2'))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np

from causalkit._core.checks import as_names, check_choice, check_count
from causalkit._core.random import as_generator
from causalkit.errors import InputError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.typing import BoolArray, FloatArray, Name, RandomState

__all__ = ["check_degree", "dag_of", "directed_at_random", "random_admg", "random_dag"]

Model = Literal["erdos-renyi", "scale-free"]


def random_dag(
    n_nodes: int,
    *,
    expected_degree: float = 2.0,
    model: Model = "erdos-renyi",
    rng: RandomState = None,
    names: Iterable[Name] | None = None,
) -> CausalGraph:
    """Draw a DAG.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    expected_degree : float
        Expected number of edges at a node, averaged over nodes; exact for both models. At most
        `n_nodes - 1`.
    model : {"erdos-renyi", "scale-free"}
        Whether every pair is joined with the same probability, or nodes come one by one and prefer
        those that have many edges already (a few hubs). Directions follow a random order in both,
        so hubs are neither all causes nor all effects.
    rng : int, Generator or None
        Source of randomness.
    names : iterable of names, optional
        Left out, x0, x1, ….

    Returns
    -------
    CausalGraph
        Of kind DAG.

    Raises
    ------
    InputError
        If a number is out of range or the names are not `n_nodes` different ones.

    References
    ----------
    Barabási, Albert (1999), "Emergence of scaling in random networks",
    doi:10.1126/science.286.5439.509.

    Examples
    --------
    >>> random_dag(5, expected_degree=4.0, rng=1).skeleton() == random_dag(
    ...     5, expected_degree=4.0, rng=2
    ... ).skeleton()
    True
    """
    n_nodes = check_count(n_nodes, "n_nodes")
    check_degree(expected_degree, n_nodes)
    check_choice(model, "model", get_args(Model))
    generator = as_generator(rng)
    draw = _erdos_renyi if model == "erdos-renyi" else _scale_free
    return dag_of(directed_at_random(draw(n_nodes, expected_degree, generator), generator), names)


def random_admg(
    n_nodes: int,
    *,
    expected_degree: float = 2.0,
    bidirected_degree: float = 1.0,
    rng: RandomState = None,
    names: Iterable[Name] | None = None,
) -> CausalGraph:
    """Draw an ADMG: a random DAG, and independently of it random `<->` edges, so bows occur.

    Parameters
    ----------
    n_nodes : int
        Number of nodes.
    expected_degree, bidirected_degree : float
        Expected number of directed and of bidirected edges at a node; each at most `n_nodes - 1`.
    rng : int, Generator or None
        Source of randomness.
    names : iterable of names, optional
        Left out, x0, x1, ….

    Returns
    -------
    CausalGraph
        Of kind ADMG.

    Raises
    ------
    InputError
        If a number is out of range or the names are not `n_nodes` different ones.

    Examples
    --------
    >>> graph = random_admg(3, expected_degree=2.0, bidirected_degree=2.0, rng=0)
    >>> len(graph.edges())
    6
    """
    n_nodes = check_count(n_nodes, "n_nodes")
    check_degree(expected_degree, n_nodes)
    check_degree(bidirected_degree, n_nodes, "bidirected_degree")
    generator = as_generator(rng)
    directed = directed_at_random(_erdos_renyi(n_nodes, expected_degree, generator), generator)
    bidirected = _erdos_renyi(n_nodes, bidirected_degree, generator)
    ends = (directed | bidirected) * np.uint8(ARROW) | directed.T * np.uint8(TAIL)
    return CausalGraph(_names(names, n_nodes), ends, Kind.ADMG)


def _erdos_renyi(n_nodes: int, degree: float, rng: np.random.Generator) -> BoolArray:
    """Symmetric matrix in which each pair is joined with probability degree / (n_nodes - 1)."""
    joined = np.triu(rng.random((n_nodes, n_nodes)) < degree / max(n_nodes - 1, 1), k=1)
    return joined | joined.T


def _scale_free(n_nodes: int, degree: float, rng: np.random.Generator) -> BoolArray:
    """Symmetric matrix: newcomers join earlier nodes in proportion to their degree plus one."""
    joined = np.zeros((n_nodes, n_nodes), dtype=np.bool_)
    wanted = _edges_of_newcomers(n_nodes, degree)
    counts = np.floor(wanted + rng.random(n_nodes)).astype(np.intp)  # the mean of each is `wanted`
    for node in range(1, n_nodes):
        weight = 1.0 + joined[:node].sum(axis=1)
        chosen = rng.choice(node, size=counts[node], replace=False, p=weight / weight.sum())
        joined[node, chosen] = joined[chosen, node] = True
    return joined


def _edges_of_newcomers(n_nodes: int, degree: float) -> FloatArray:
    """min(k, m) edges for the k-th newcomer, with m such that they are n_nodes · degree / 2."""
    position = np.arange(n_nodes, dtype=np.float64)
    total = n_nodes * degree / 2
    for full in range(n_nodes):  # the first `full` newcomers join all before them
        m = (total - position[: full + 1].sum()) / max(n_nodes - 1 - full, 1)
        if m <= full + 1:
            return np.minimum(position, np.where(position > full, max(m, 0.0), position))
    return position


def directed_at_random(joined: BoolArray, rng: np.random.Generator) -> BoolArray:
    """Directed edges between nodes that are joined, along an order that is drawn at random."""
    rank = rng.permutation(len(joined))
    directed: BoolArray = joined & (rank[:, None] < rank)
    return directed


def dag_of(directed: BoolArray, names: Iterable[Name] | None) -> CausalGraph:
    """DAG of directed edges, over these names, or x0, x1, …."""
    ends = directed * ARROW + directed.T * TAIL
    return CausalGraph(_names(names, len(directed)), ends, Kind.DAG)


def check_degree(
    degree: float, n_nodes: int, what: str = "expected_degree", *, largest: float | None = None
) -> None:
    """Refuse an expected degree that so many nodes cannot have; `n_nodes - 1` at most, if not less.

    Raises
    ------
    InputError
        If it is none.
    """
    largest = n_nodes - 1 if largest is None else largest
    if not 0 <= degree <= largest:
        raise InputError(
            f"{what}={degree!r} with {n_nodes} nodes; expected a number from 0 to {largest:g}, "
            "since there are no more pairs to join. Ask for fewer edges or more nodes."
        )


def _names(names: Iterable[Name] | None, n_nodes: int) -> tuple[Name, ...]:
    if names is None:
        return tuple(f"x{k}" for k in range(n_nodes))
    listed = as_names(names)
    if len(listed) != n_nodes:
        raise InputError(
            f"names has {len(listed)} different names; expected {n_nodes}. Name every node once."
        )
    return listed
