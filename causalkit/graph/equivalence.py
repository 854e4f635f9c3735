"""Markov equivalence: which DAGs imply the same independences, and what they agree on.

Two DAGs are equivalent if they have the same adjacencies and the same unshielded colliders
(`a -> c <- b`, a and b not adjacent). A class is drawn as a CPDAG: `->` where all members agree,
`--` where they differ. Background knowledge orients some of the undirected edges; what follows from
that is found by Meek's four rules, and the result (an MPDAG) has kind CPDAG here, too. ::

    1   k -> i -- j                        =>  i -> j     else a new collider
    2   i -> k -> j,  i -- j               =>  i -> j     else a cycle
    3   i -- k -> j,  i -- l -> j          =>  i -> j     else a cycle or a new collider
    4   i -- k -> l -> j,  i adjacent to l =>  i -> j     likewise

with k and j (rules 1, 4) or k and l (rule 3) not adjacent.

>>> from causalkit.graph import CausalGraph
>>> collider = dag_to_cpdag(CausalGraph.parse("A -> C <- B; C -> D -> E; D -> F"))
>>> print(collider)
CPDAG with 6 nodes, 5 edges: A -> C; B -> C; C -> D; D -> E; D -> F
>>> chain = dag_to_cpdag(CausalGraph.parse("A -> B -> C"))
>>> for member in members(chain):
...     print(member)
DAG with 3 nodes, 2 edges: A -> B; B -> C
DAG with 3 nodes, 2 edges: B -> A; B -> C
DAG with 3 nodes, 2 edges: B -> A; C -> B
>>> class_size(chain)
3

References
----------
Meek (1995), "Causal inference and causal explanation with background knowledge",
arXiv:1302.4972. Dor, Tarsi (1992), "A simple algorithm to construct a consistent extension of a
partially oriented graph", technical report R-185, UCLA. Wienöbst, Bannach, Liśkiewicz (2023),
"Polynomial-time algorithms for counting and sampling Markov equivalent DAGs with applications",
JMLR 24(213).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from causalkit.errors import GraphError
from causalkit.graph.chordal import components, count_orientations
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, TAIL, Kind
from causalkit.graph.meek import close_under_meek, extend, makes_collider, pairs_of
from causalkit.typing import BoolArray, Name

__all__ = [
    "class_size",
    "close_under_meek",
    "consistent_extension",
    "dag_to_cpdag",
    "extend",
    "is_equivalence_class",
    "meek_closure",
    "members",
]


def dag_to_cpdag(dag: CausalGraph) -> CausalGraph:
    """Return the Markov equivalence class of a DAG: its CPDAG.

    Parameters
    ----------
    dag : CausalGraph
        Kind DAG.

    Returns
    -------
    CausalGraph
        Kind CPDAG.

    Raises
    ------
    GraphError
        If `dag` is not of kind DAG.

    Examples
    --------
    >>> print(dag_to_cpdag(CausalGraph.parse("A -> C <- B; C -> D; A -> E")))
    CPDAG with 5 nodes, 4 edges: A -> C; A -- E; B -> C; C -> D
    """
    if dag.kind is not Kind.DAG:
        raise GraphError(
            f"dag_to_cpdag() got a {dag.kind.name}; expected a DAG. Hidden common causes "
            "call for a MAG and its PAG; a CPDAG is a class already."
        )
    directed = dag.directed
    tails, heads = pairs_of(directed)
    collides = makes_collider(len(directed), (tails, heads))
    compelled = np.zeros_like(directed)
    compelled[tails[collides], heads[collides]] = True
    loose = directed & ~compelled
    return _as_class(dag.nodes, *close_under_meek(compelled, loose | loose.T))


def meek_closure(graph: CausalGraph) -> CausalGraph:
    """Return the graph with every edge oriented whose direction follows (Meek's rules 1 to 4).

    Parameters
    ----------
    graph : CausalGraph
        A CPDAG, perhaps with some edges oriented by background knowledge. A DAG is returned as
        it is.

    Raises
    ------
    GraphError
        If an edge is forced both ways or into a new collider or a cycle, or the kind is another.

    Notes
    -----
    If a member exists at all, the closure is as informative as can be: `--` is left exactly where
    two members differ. It does not prove that there is one; :func:`consistent_extension` does.

    Examples
    --------
    >>> print(meek_closure(CausalGraph.parse("A -> B -- C -- D", kind="CPDAG")))
    CPDAG with 4 nodes, 3 edges: A -> B; B -> C; C -> D
    """
    if graph.kind is Kind.DAG:
        return graph
    _check_class(graph, "meek_closure()")
    if not graph.undirected.any():
        return graph
    return _as_class(
        graph.nodes, *close_under_meek(graph.directed, graph.undirected, names=graph.nodes)
    )


def consistent_extension(graph: CausalGraph) -> CausalGraph:
    """Return one DAG of the class: the same adjacencies, arrows and unshielded colliders.

    Parameters
    ----------
    graph : CausalGraph
        A CPDAG, closed under Meek's rules or not. A DAG is returned as it is.

    Raises
    ------
    GraphError
        If there is no such DAG, or the kind is another.

    Examples
    --------
    >>> print(consistent_extension(CausalGraph.parse("A -> B -- C -- D", kind="CPDAG")))
    DAG with 4 nodes, 3 edges: A -> B; B -> C; C -> D
    """
    if graph.kind is Kind.DAG:
        return graph
    _check_class(graph, "consistent_extension()")
    found = extend(graph.directed, graph.undirected)
    if found is None:
        raise GraphError(
            "no DAG has these adjacencies, arrows and unshielded colliders; expected a graph with "
            "a consistent extension. Some arrows contradict each other, or undirected edges make a "
            "ring of four or more without a chord: take back an orientation."
        )
    return _as_dag(graph, found)


def members(graph: CausalGraph) -> Iterator[CausalGraph]:
    """Iterate over all DAGs of a class, each once, in an order that depends on the nodes only.

    Parameters
    ----------
    graph : CausalGraph
        A CPDAG, with or without background knowledge. A DAG is its own only member here.

    Raises
    ------
    GraphError
        If the class is empty, or the kind is another.

    Examples
    --------
    >>> [str(dag).partition(": ")[2] for dag in members(CausalGraph.parse("A -- B"))]
    ['A -> B', 'B -> A']
    """
    closed = _nonempty_closure(graph)
    return (
        _as_dag(graph, directed)
        for directed in _member_arrays(np.array(closed.directed), np.array(closed.undirected))
    )


def _member_arrays(directed: BoolArray, undirected: BoolArray) -> Iterator[BoolArray]:
    waiting = [(directed, undirected)]
    while waiting:
        directed, undirected = waiting.pop()
        i, j = divmod(int(np.argmax(undirected)), len(directed)) if len(directed) else (0, 0)
        if not undirected.any():
            yield directed
            continue
        # In a closed graph each undirected edge occurs in members both ways (Meek, Thm. 4).
        waiting.append(_orient(directed, undirected, j, i))
        waiting.append(_orient(directed, undirected, i, j))


def _orient(
    directed: BoolArray, undirected: BoolArray, tail: int, head: int
) -> tuple[BoolArray, BoolArray]:
    """The closed graph after one more edge was oriented."""
    directed, undirected = directed.copy(), undirected.copy()
    directed[tail, head] = True
    undirected[tail, head] = undirected[head, tail] = False
    touched = np.zeros(len(directed), dtype=np.bool_)
    touched[[tail, head]] = True
    return close_under_meek(directed, undirected, touched=touched)


def class_size(graph: CausalGraph) -> int:
    """Count the DAGs of a class, without listing them.

    Parameters
    ----------
    graph : CausalGraph
        A CPDAG, with or without background knowledge, or a DAG (of size 1).

    Returns
    -------
    int
        Exact. For a CPDAG in polynomial time (clique picking); background knowledge within an
        undirected part makes the problem #P-hard; that part is then counted source by source.

    Raises
    ------
    GraphError
        If the class is empty, or the kind is another.

    Examples
    --------
    >>> from itertools import combinations
    >>> from causalkit.graph import Edge
    >>> pairs = combinations(range(20), 2)
    >>> clique = CausalGraph.from_edges(range(20), [Edge(a, b, "--") for a, b in pairs])
    >>> class_size(clique)  # 20!
    2432902008176640000
    """
    closed = _nonempty_closure(graph)
    return _count(closed.directed, closed.undirected, {})


def _count(directed: BoolArray, undirected: BoolArray, known: dict[bytes, int]) -> int:
    """Product over the undirected components: no rule reaches from one into another."""
    total = 1
    for nodes in components(undirected):
        if len(nodes) > 1:
            within = np.ix_(nodes, nodes)
            total *= _count_component(directed[within], undirected[within], known)
    return total


def _count_component(directed: BoolArray, undirected: BoolArray, known: dict[bytes, int]) -> int:
    if not directed.any():
        return count_orientations(undirected)
    key = directed.tobytes() + undirected.tobytes()
    if key not in known:
        # A connected part has one source in each member: the sum goes over who that can be.
        sources = np.flatnonzero(~directed.any(axis=0)).tolist()
        known[key] = sum(_count(*_let_first(directed, undirected, v), known) for v in sources)
    return known[key]


def _let_first(
    directed: BoolArray, undirected: BoolArray, source: int
) -> tuple[BoolArray, BoolArray]:
    """The closed graph once nothing points into `source`."""
    directed, undirected = directed.copy(), undirected.copy()
    directed[source] |= undirected[source]
    undirected[source] = undirected[:, source] = False
    touched = directed[source].copy()
    touched[source] = True
    return close_under_meek(directed, undirected, touched=touched)


def is_equivalence_class(graph: CausalGraph) -> bool:
    """Whether the graph is the CPDAG of some DAG: a whole Markov equivalence class.

    False for a CPDAG that holds background knowledge, is not closed under Meek's rules, or has no
    member.

    Parameters
    ----------
    graph : CausalGraph
        Kind DAG or CPDAG.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_equivalence_class(CausalGraph.parse("A -- B -- C"))
    True
    >>> is_equivalence_class(CausalGraph.parse("A -> B -- C"))
    False
    """
    if graph.kind is not Kind.CPDAG:
        return False
    found = extend(graph.directed, graph.undirected)
    return found is not None and dag_to_cpdag(_as_dag(graph, found)) == graph


def _nonempty_closure(graph: CausalGraph) -> CausalGraph:
    consistent_extension(graph)
    return meek_closure(graph)


def _check_class(graph: CausalGraph, who: str) -> None:
    if graph.kind is not Kind.CPDAG:
        raise GraphError(
            f"{who} got a {graph.kind.name}; expected a CPDAG or a DAG. Its edges mean something "
            "else, so the question has no answer of this form."
        )


def _as_class(nodes: tuple[Name, ...], directed: BoolArray, undirected: BoolArray) -> CausalGraph:
    ends = np.zeros(directed.shape, dtype=np.uint8)
    tails, heads = pairs_of(directed)
    ends[tails, heads], ends[heads, tails] = ARROW, TAIL
    ends[pairs_of(undirected)] = TAIL
    return CausalGraph._of(nodes, ends, Kind.CPDAG)


def _as_dag(graph: CausalGraph, directed: BoolArray) -> CausalGraph:
    ends = np.zeros(directed.shape, dtype=np.uint8)
    tails, heads = pairs_of(directed)
    ends[tails, heads], ends[heads, tails] = ARROW, TAIL
    return CausalGraph._of(graph.nodes, ends, Kind.DAG)
