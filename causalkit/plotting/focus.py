"""The part of a large graph that bears on one effect, and a sentence on what is left out.

Which variables can matter for the effect of X on Y follows from d-separation: whatever is adjusted
for, every variable on an open path between X and Y is an ancestor of X, of Y, or of what is
adjusted for, because a path through any other variable collides at one that nothing opens. So a
drawing may leave out all others and still show each open path whole. Where that is still too much,
ancestors go too if no path at all joins X and Y through them, open or not: they hang on the rest by
one variable only.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("Z -> X -> M -> Y; Z -> Y; Y -> A; X -> B; C -> D")
>>> found = focus_on(graph, "X", "Y")
>>> print(found.graph)
DAG with 4 nodes, 4 edges: Z -> X; Z -> Y; X -> M; M -> Y
>>> found.left_out
('A', 'B', 'C', 'D')

Whatever may be an ancestor in one member of a class counts as one, and so does what an edge without
heads joins to one: a path of edges each of which has no arrow at its far end.

References
----------
.. [1] Verma, Pearl (1988). Causal networks: semantics and expressiveness. UAI.
   doi:10.1016/B978-0-444-88650-7.50011-1
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from causalkit._core.checks import as_names, check_count
from causalkit.errors import InputError
from causalkit.graph import CIRCLE, TAIL, CausalGraph, LaggedGraph
from causalkit.graph._validity import closure
from causalkit.typing import BoolArray, Name, Names

__all__ = ["FEW_NODES", "Focus", "focus_on"]

FEW_NODES: Final = 30
"""So many can be taken in at a glance."""


Graph = TypeVar("Graph", CausalGraph, LaggedGraph)


@dataclass(frozen=True, slots=True)
class Focus(Generic[Graph]):
    """Part of a graph.

    Attributes
    ----------
    graph : CausalGraph or LaggedGraph
        The nodes, or series, that are kept, and all edges among them.
    left_out : tuple of names
        All others, in the order of the whole graph.
    sentence : str
        Says how many are left out and why they may be; empty if none is.
    """

    graph: Graph
    left_out: tuple[Name, ...]
    sentence: str


def focus_on(
    graph: Graph,
    treatment: Names,
    outcome: Names,
    *,
    keep: Names | None = None,
    max_nodes: int = FEW_NODES,
) -> Focus[Graph]:
    """Keep what can bear on the effect of `treatment` on `outcome`.

    Parameters
    ----------
    graph : CausalGraph or LaggedGraph
        Of a graph of series, whole series are kept, those that may cause one that is asked about.
    treatment, outcome : name or names
        Of a graph of series, nodes such as `"X[t-1]"`; `"X"` is X[t].
    keep : name or names, optional
        Nodes to be kept with their ancestors, such as an adjustment set.
    max_nodes : int
        If the ancestors are more, only those are kept through which a path between treatment and
        outcome runs. That may still be more. Of series, all are kept.

    Returns
    -------
    Focus
        Its graph has every path between treatment and outcome that is open, given any of the nodes
        that are kept.

    Raises
    ------
    UnknownVariableError
        If a name is none of the graph's.
    InputError
        If there is no treatment or no outcome.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph
    >>> graph = CausalGraph.parse("X -> Y; Y -> A; Y -> B")
    >>> print(focus_on(graph, "X", "Y").sentence)
    2 of 4 variables are left out: no path between X and Y that is open, or that adjusting for what
    is shown could open, runs through them.
    """
    check_count(max_nodes, "max_nodes", minimum=1)
    causes: tuple[Name, ...] = as_names(treatment)
    effects: tuple[Name, ...] = as_names(outcome)
    if not causes or not effects:
        raise InputError(
            "focus_on got no treatment or no outcome; expected at least one of each. Name them, or "
            "draw the whole graph."
        )
    if isinstance(graph, LaggedGraph):
        places = [graph.index(node) for node in (*causes, *effects, *as_names(keep))]
        part, every = _of_series(graph, places), graph.variables
        left_out = tuple(name for name in every if name not in part.variables)
        return Focus(part, left_out, _sentence(len(every), left_out, causes, effects, "series"))
    asked = frozenset(graph.nodes[k] for k in graph.indices((*causes, *effects, *as_names(keep))))
    kept = graph.names(np.flatnonzero(_upwards(graph.ends, graph.indices(asked))))
    if len(kept) > max_nodes:
        kept = asked.union(_on_paths(graph.subgraph(kept), product(causes, effects)))
    left_out = tuple(name for name in graph.nodes if name not in kept)
    sentence = _sentence(len(graph), left_out, causes, effects, "variables")
    return Focus(graph.subgraph(kept), left_out, sentence)


def _upwards(ends: NDArray[np.uint8], starts: list[int]) -> BoolArray:
    """Nodes that may cause one of `starts`: against edges without an arrow at their far end."""
    return closure((ends & (TAIL | CIRCLE)) > 0, starts)


def _of_series(graph: LaggedGraph, starts: list[int]) -> LaggedGraph:
    """Graph of the series that may cause one of these, at whatever lag."""
    p, n = len(graph.variables), graph.max_lag + 1
    marks = np.bitwise_or.reduce(graph.template.ends.reshape(n, p, n, p), axis=(0, 2))
    kept = np.flatnonzero(_upwards(marks, starts))
    cells = (p * np.arange(n)[:, None] + kept).ravel()
    names = tuple(graph.variables[k] for k in kept)
    return LaggedGraph._of(names, graph.template.ends[np.ix_(cells, cells)], graph.kind)


def _on_paths(graph: CausalGraph, pairs: Iterable[tuple[Name, Name]]) -> set[Name]:
    """Nodes on a path between a pair, whatever its marks.

    With the pair joined by an edge, these are the nodes on a cycle through that edge: its
    biconnected component.
    """
    import networkx as nx

    skeleton = nx.Graph()
    skeleton.add_nodes_from(graph.nodes)
    rows, columns = np.nonzero(np.triu(graph.adjacency))
    skeleton.add_edges_from(
        (graph.nodes[i], graph.nodes[j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    )
    found: set[Name] = set()
    for a, b in pairs:
        if a == b:
            continue
        joined = skeleton.copy()
        joined.add_edge(a, b)
        found.update(
            *(part for part in nx.biconnected_components(joined) if a in part and b in part)
        )
    return found


def _sentence(
    n_all: int, left_out: tuple[Name, ...], causes: Names, effects: Names, what: str
) -> str:
    if not left_out:
        return ""
    n = len(left_out)
    treatment, outcome = (" and ".join(map(str, as_names(names))) for names in (causes, effects))
    verb, them = ("is", "it") if n == 1 else ("are", "them")
    return (
        f"{n} of {n_all} {what} {verb} left out: no path between {treatment} and {outcome} that is "
        f"open, or that adjusting for what is shown could open, runs through {them}."
    )
