"""Markov equivalence where it is known upon what was intervened.

Whoever sets a variable cuts it off from its causes. So of DAGs that observation cannot tell apart,
an intervention tells those apart that differ in an edge of which it touches one end and not the
other: if the untouched end moves, it is the effect. Such edges are directed in the *interventional
essential graph*, beside those of the CPDAG, and more follow by Meek's rules. What is left
undirected no further row under the same interventions will direct.

>>> from causalkit.graph import CausalGraph
>>> chain = CausalGraph.parse("A -> B -> C -> D")
>>> print(interventional_class(chain, ["C"]))
CPDAG with 4 nodes, 3 edges: A -- B; B -> C; C -> D
>>> print(interventional_class(chain, [("B", "C")]))
CPDAG with 4 nodes, 3 edges: A -> B; B -> C; C -> D
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from causalkit.errors import GraphError, InputError
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Kind
from causalkit.graph.meek import class_marks, makes_collider, pairs_of
from causalkit.typing import BoolArray, Names

__all__ = ["interventional_class", "told_apart"]


def interventional_class(
    dag: CausalGraph, targets: Iterable[Names] | Mapping[object, Names]
) -> CausalGraph:
    """Return the interventional Markov equivalence class of a DAG: its I-essential graph.

    Parameters
    ----------
    dag : CausalGraph
        Of kind DAG.
    targets : iterable, or mapping of label to names
        For each condition the nodes that were intervened upon: a name, several, or none. Of a
        mapping the values.

    Returns
    -------
    CausalGraph
        Of kind CPDAG: `->` where all DAGs of the class agree, `--` where two differ.

    Raises
    ------
    GraphError
        If `dag` is not of kind DAG.
    InputError
        If `targets` is a single name.
    UnknownVariableError
        If a target is no node.

    Notes
    -----
    **Assumes:** each node is left alone in some condition, as all are in an observational one (the
    family of targets is *conservative*).

    The class is the same whether targets are cut off from their causes or their mechanisms merely
    change; in the latter case there has to be an observational condition.

    References
    ----------
    Hauser and Bühlmann (2012), "Characterization and greedy learning of interventional Markov
    equivalence classes of directed acyclic graphs", JMLR 13: 2409-2464. Yang, Katcoff and Uhler
    (2018), "Characterizing and learning equivalence classes of causal DAGs under interventions",
    ICML, doi:10.48550/arXiv.1802.06310.

    Examples
    --------
    >>> dag = CausalGraph.parse("A -> B; A -> C; B -> C")
    >>> print(interventional_class(dag, {"control": (), "drug": "A"}))
    CPDAG with 3 nodes, 3 edges: A -> B; A -> C; B -- C
    """
    if dag.kind is not Kind.DAG:
        raise GraphError(
            f"interventional_class() got a {dag.kind.name}; expected a DAG. A member of a class is "
            "consistent_extension(graph), but members differ in what interventions tell of them."
        )
    directed = dag.directed
    arrows = directed & told_apart(_touched(dag, targets))
    pairs = pairs_of(directed)
    into = makes_collider(len(directed), pairs)
    arrows[pairs[0][into], pairs[1][into]] = True
    return CausalGraph._of(
        dag.nodes, class_marks(directed | directed.T, arrows, sound=True), Kind.CPDAG
    )


def told_apart(touched: BoolArray) -> BoolArray:
    """Pairs of nodes of which some condition touches one and not the other.

    Parameters
    ----------
    touched : ndarray of bool, shape (n_conditions, n_nodes)
        Whether a condition intervenes upon a node.

    Returns
    -------
    ndarray of bool, shape (n_nodes, n_nodes)
        Symmetric.
    """
    one = touched.astype(np.float32)
    only_first: BoolArray = one.T @ (1 - one) > 0
    return only_first | only_first.T


def _touched(dag: CausalGraph, targets: Iterable[Names] | Mapping[object, Names]) -> BoolArray:
    if isinstance(targets, (str, int)):
        raise InputError(
            f"targets is {targets!r}; expected what was intervened upon in each condition. For a "
            f"single condition write [{targets!r}]."
        )
    listed = list(targets.values() if isinstance(targets, Mapping) else targets)
    touched = np.zeros((len(listed), len(dag.nodes)), dtype=np.bool_)
    for row, names in zip(touched, listed, strict=True):
        row[dag.indices(names)] = True
    return touched
