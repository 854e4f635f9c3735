"""Random DAGs of further shapes: joined where they are close, or causes on one side only.

Beside the graphs of :func:`causalkit.graph.random_dag` (every pair as likely, or a few hubs):

* :func:`random_geometric_dag` puts nodes at random places and joins those that are close, so that
  neighbours of a node are neighbours of each other, as stations on a map are;
* :func:`random_bipartite_dag` splits nodes into causes and effects, as genes and traits are: no
  effect is a cause, so every path has one edge.

>>> dag = random_geometric_dag(20, expected_degree=3.0, rng=0)
>>> len(dag.edges())
30
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.graph import CausalGraph, random_dag
from causalkit.graph.generate import check_degree, dag_of, directed_at_random
from causalkit.typing import Name, RandomState

__all__ = [
    "GRAPHS",
    "dag_of_shape",
    "largest_degree",
    "random_bipartite_dag",
    "random_geometric_dag",
]

Shape = Literal["erdos-renyi", "scale-free", "geometric", "bipartite"]
GRAPHS: Final = ("erdos-renyi", "scale-free", "geometric", "bipartite")


def random_geometric_dag(
    n_nodes: int,
    *,
    expected_degree: float = 2.0,
    rng: RandomState = None,
    names: Iterable[Name] | None = None,
) -> CausalGraph:
    """Draw a DAG that joins nodes close to each other in the unit square.

    Parameters
    ----------
    n_nodes : int
    expected_degree : float
        Expected number of edges at a node, averaged over nodes; at most `n_nodes - 1`. The closest
        pairs are joined, as many as that takes.
    rng : int, Generator or None
    names : iterable of names, optional
        Left out, x0, x1, ….

    Returns
    -------
    CausalGraph
        Of kind DAG. Directions follow a random order.

    Raises
    ------
    InputError
        If a number is out of range or the names are not `n_nodes` different ones.

    References
    ----------
    Penrose (2003), "Random geometric graphs", doi:10.1093/acprof:oso/9780198506263.001.0001.

    Examples
    --------
    >>> print(random_geometric_dag(3, expected_degree=2.0, rng=0))
    DAG with 3 nodes, 3 edges: x0 -> x1; x0 -> x2; x2 -> x1
    """
    n_nodes = check_count(n_nodes, "n_nodes")
    check_degree(expected_degree, n_nodes, largest=largest_degree("geometric", n_nodes))
    generator = as_generator(rng)
    places = generator.random((n_nodes, 2))
    rows, columns = np.triu_indices(n_nodes, k=1)
    distances = np.square(places[rows] - places[columns]).sum(axis=1)
    wanted = int(n_nodes * expected_degree / 2 + generator.random())
    closest = np.argsort(distances, kind="stable")[:wanted]
    joined = np.zeros((n_nodes, n_nodes), dtype=np.bool_)
    joined[rows[closest], columns[closest]] = joined[columns[closest], rows[closest]] = True
    return dag_of(directed_at_random(joined, generator), names)


def random_bipartite_dag(
    n_nodes: int,
    *,
    expected_degree: float = 2.0,
    rng: RandomState = None,
    names: Iterable[Name] | None = None,
) -> CausalGraph:
    """Draw a DAG with causes on one side and effects on the other.

    Parameters
    ----------
    n_nodes : int
        Half of them, drawn at random, are causes (one less than effects if the number is odd).
    expected_degree : float
        Expected number of edges at a node, averaged over nodes; at most about `n_nodes / 2`.
    rng : int, Generator or None
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

    Examples
    --------
    >>> dag = random_bipartite_dag(8, expected_degree=4.0, rng=0)
    >>> len(dag.edges()), sum(bool(dag.parents(name)) for name in dag.nodes)
    (16, 4)
    """
    n_nodes = check_count(n_nodes, "n_nodes")
    n_causes = n_nodes // 2
    pairs = n_causes * (n_nodes - n_causes)
    check_degree(expected_degree, n_nodes, largest=largest_degree("bipartite", n_nodes))
    generator = as_generator(rng)
    is_cause = np.zeros(n_nodes, dtype=np.bool_)
    is_cause[generator.permutation(n_nodes)[:n_causes]] = True
    share = n_nodes * expected_degree / 2 / max(pairs, 1)
    joined = generator.random((n_nodes, n_nodes)) < share
    return dag_of(joined & is_cause[:, None] & ~is_cause, names)


def dag_of_shape(
    shape: Shape, n_nodes: int, expected_degree: float, rng: np.random.Generator
) -> CausalGraph:
    """Draw a DAG of one of the shapes in `GRAPHS`, over x0, x1, …."""
    if shape == "geometric":
        return random_geometric_dag(n_nodes, expected_degree=expected_degree, rng=rng)
    if shape == "bipartite":
        return random_bipartite_dag(n_nodes, expected_degree=expected_degree, rng=rng)
    return random_dag(n_nodes, expected_degree=expected_degree, model=shape, rng=rng)


def largest_degree(shape: Shape, n_nodes: int) -> float:
    """Largest expected degree that a shape of so many nodes can have."""
    if shape != "bipartite":
        return n_nodes - 1.0
    return 2 * (n_nodes // 2) * (n_nodes - n_nodes // 2) / n_nodes
