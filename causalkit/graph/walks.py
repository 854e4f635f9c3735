"""Walks: one search, and small tables that say how a walk may go on.

Most questions about causal graphs ask which nodes some kind of walk reaches: descendants, open
paths, proper causal paths. The kinds differ only in how a walk may pass through a node, and that
depends on two things: the edges by which it comes and leaves, and what sort of node it is. A
:class:`Table` writes this down as pictures of a node `v` between two edges, read in walking
direction, `*` being any mark. A walk that is open given a set passes ::

    *-> v <-*    where v is an ancestor of the set       (a collider is opened by its descendants)
    *-> v --*    where v is not in the set               (a chain is blocked by its middle)
    *-- v *-*    where v is not in the set               (so is a fork)

:func:`reach` follows any such table. Its states are (edge by which a node was entered, node), and
every list of neighbours is read at most once, so a search takes time linear in nodes and edges.

How to use it (arrays inside: masks of shape (p,) in node order)
----------------------------------------------------------------
``reach(graph, start, table, avoid=None, **where)``
    Mask of the nodes that walks from `start` reach, `start` included. `avoid` are nodes that no
    walk enters: ``avoid=treatment`` makes walks from the treatment *proper*. The keywords name the
    masks that the table's rules ask for.
``arrivals(...)``
    The same search, told apart by the edge that a node was entered by.
``find_walk(graph, start, goal, table, ...)``
    A shortest such walk, as a witness.
``m_connected(graph, start, given)``
    The table above with its two masks filled in.

Instead of a graph, pass `graph.steps` (neighbours by symbol), or those with some edges cut by
:func:`without_directed`. Nodes on proper causal paths from x to y, and the forbidden set:

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("Z -> X -> M -> Y -> D; Z -> Y; M -> E")
>>> x, y = mask_of(graph, "X"), mask_of(graph, "Y")
>>> after_x = reach(graph, x, DESCENDANTS, avoid=x)
>>> before_y = reach(graph, y, ANCESTORS, avoid=x)
>>> on_causal_paths = after_x & before_y & ~x
>>> sorted(graph.names(np.flatnonzero(on_causal_paths)))
['M', 'Y']
>>> sorted(graph.names(np.flatnonzero(reach(graph, on_causal_paths, DESCENDANTS))))
['D', 'E', 'M', 'Y']

References
----------
Wienöbst, van der Zander, Liśkiewicz (2025), "Linear-time primitives for algorithm development in
graphical causal inference", arXiv:2506.15758 (rule tables). van der Zander, Liśkiewicz, Textor
(2019), "Separators and adjustment sets in causal graphs", doi:10.1016/j.artint.2018.12.006.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from causalkit.graph._search import Rule, Steps, Table, Walk, arrivals, find_walk, reach
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import Kind
from causalkit.typing import BoolArray, Name, Names

__all__ = [
    "ANCESTORS",
    "ANTERIOR",
    "DESCENDANTS",
    "M_CONNECTION",
    "POSSIBLE_ANCESTORS",
    "POSSIBLE_ANCESTORS_PAG",
    "POSSIBLE_DESCENDANTS",
    "POSSIBLE_DESCENDANTS_PAG",
    "Rule",
    "Steps",
    "Table",
    "Walk",
    "arrivals",
    "find_walk",
    "m_connected",
    "mask_of",
    "possible_ancestors",
    "possible_descendants",
    "reach",
    "without_directed",
]

# --- tables ----------------------------------------------------------------------------------

DESCENDANTS = Table("->", (Rule("-> v ->"),))
ANCESTORS = Table("<-", (Rule("<- v <-"),))
ANTERIOR = Table("<-|--", (Rule("<-|-- v <-|--"),))  # ancestors; in a MAG also through selection

M_CONNECTION = Table(
    "*-*",
    (
        Rule("*-> v <-*", "opened"),  # collider: passes where v or a descendant is given
        Rule("*-> v --*", "free"),  # chain: passes where v is not given
        Rule("*-- v *-*", "free"),  # fork, or a chain walked backwards: likewise
    ),
)
"""Open walks of a DAG, ADMG or MAG; masks `opened` (ancestors of the given nodes) and `free`."""

# In a class of DAGs an undirected edge may be walked either way, but a run of them stays causal in
# one and the same member only if each step forces the next one (Meek's rule 1): if the triple is
# unshielded. After a directed edge, an undirected one would be shielded, so it is never needed
# (Perković, Kalisch & Maathuis 2017, Lemmas 3.5 and 3.6). In a CPDAG without background knowledge
# the condition changes nothing.
POSSIBLE_DESCENDANTS = Table(
    "->|--",
    (Rule("-> v ->"), Rule("-- v ->"), Rule("-- v --", apart=True)),
)
POSSIBLE_ANCESTORS = Table(
    "<-|--",
    (Rule("<- v <-"), Rule("<- v --"), Rule("-- v --", apart=True)),
)

# In a PAG: no arrow at the near end and no tail at the far end (Zhang 2008, p. 1879).
POSSIBLE_DESCENDANTS_PAG = Table("->|o->|o-o|--o", (Rule("->|o->|o-o|--o v ->|o->|o-o|--o"),))
POSSIBLE_ANCESTORS_PAG = Table("<-|<-o|o-o|o--", (Rule("<-|<-o|o-o|o-- v <-|<-o|o-o|o--"),))


# --- questions -------------------------------------------------------------------------------


def mask_of(graph: CausalGraph, names: Names | None) -> BoolArray:
    """Mask of these nodes, shape (n_nodes,)."""
    mask = np.zeros(len(graph.nodes), dtype=np.bool_)
    mask[graph.indices(names)] = True
    return mask


def without_directed(
    graph: CausalGraph | Steps, cut: BoolArray | Iterable[tuple[int, int]]
) -> Steps:
    """Neighbours by symbol without some directed edges.

    Parameters
    ----------
    graph : CausalGraph or neighbours by symbol
        Where to cut.
    cut : iterable of (int, int), or array of bool, shape (n_nodes, n_nodes)
        The edges `i -> j` to cut.

    Examples
    --------
    >>> graph = CausalGraph.parse("X -> Y; X <-> Y; X -> Z")
    >>> steps = without_directed(graph, [(0, 1)])
    >>> steps["->"], steps["<->"]
    ([(2,), (), ()], ((1,), (0,), ()))
    """
    steps = dict(graph.steps if isinstance(graph, CausalGraph) else graph)
    pairs = np.argwhere(cut).tolist() if isinstance(cut, np.ndarray) else cut
    arcs = [(i, j) for i, j in pairs]
    if arcs and "->" in steps:
        steps["->"] = _fewer(steps["->"], arcs)
        steps["<-"] = _fewer(steps["<-"], [(j, i) for i, j in arcs])
    return steps


def _fewer(
    rows: Sequence[tuple[int, ...]], arcs: Iterable[tuple[int, int]]
) -> list[tuple[int, ...]]:
    """Neighbour lists without these entries."""
    gone = dict[int, set[int]]()
    for i, j in arcs:
        gone.setdefault(i, set()).add(j)
    kept = list(rows)
    for i, ends in gone.items():
        kept[i] = tuple(j for j in kept[i] if j not in ends)
    return kept


def m_connected(
    graph: CausalGraph | Steps,
    start: BoolArray,
    given: BoolArray,
    *,
    avoid: BoolArray | None = None,
) -> BoolArray:
    """Mask of the nodes that an open walk given `given` joins to `start` (`start` included).

    For graphs without circles whose `--` are not undecided: DAG, ADMG, MAG.
    """
    opened = reach(graph, given, ANCESTORS)
    return reach(graph, start, M_CONNECTION, avoid=avoid, opened=opened, free=~given)


def possible_descendants(graph: CausalGraph, names: Names) -> frozenset[Name]:
    """Descendants of `names` in at least one member of the class; each node is its own.

    In a DAG, ADMG or MAG these are the descendants. A CPDAG may hold background knowledge; it is
    closed under Meek's rules first. A PAG is trusted to be complete.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind.
    names : name or names

    Returns
    -------
    frozenset of names

    Examples
    --------
    >>> graph = CausalGraph.parse("A -- B -> C; D -> C")
    >>> sorted(possible_descendants(graph, "A"))
    ['A', 'B', 'C']

    References
    ----------
    Perković, Kalisch, Maathuis (2017), "Interpreting and using CPDAGs with background knowledge",
    arXiv:1707.02171. Zhang (2008), "On the completeness of orientation rules for causal discovery
    in the presence of latent confounders and selection bias", doi:10.1016/j.artint.2008.08.001.
    """
    return _possible(graph, names, DESCENDANTS, POSSIBLE_DESCENDANTS, POSSIBLE_DESCENDANTS_PAG)


def possible_ancestors(graph: CausalGraph, names: Names) -> frozenset[Name]:
    """Ancestors of `names` in at least one member of the class; each node is its own.

    See :func:`possible_descendants`.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind.
    names : name or names

    Returns
    -------
    frozenset of names

    Examples
    --------
    >>> graph = CausalGraph.parse("A -- B -> C; D -> C")
    >>> sorted(possible_ancestors(graph, "C"))
    ['A', 'B', 'C', 'D']
    """
    return _possible(graph, names, ANCESTORS, POSSIBLE_ANCESTORS, POSSIBLE_ANCESTORS_PAG)


def _possible(
    graph: CausalGraph, names: Names, plain: Table, cpdag: Table, pag: Table
) -> frozenset[Name]:
    if graph.kind is Kind.CPDAG:
        from causalkit.graph.equivalence import meek_closure

        graph = meek_closure(graph)
    table = {Kind.CPDAG: cpdag, Kind.PAG: pag}.get(graph.kind, plain)
    return graph.names(np.flatnonzero(reach(graph, mask_of(graph, names), table)))
