"""Effects in a class of graphs: what holds in every member, and what could hold in one.

A discovery algorithm returns a class of DAGs (CPDAG; with background knowledge in it, MPDAG), in
which `--` is undecided. Enumerating the members is hopeless, and not needed. All questions come
down to **possibly causal** paths: those that are causal in some member.

In an MPDAG (closed under Meek's rules) they are found by a short argument. A directed edge is
causal in every member. An undirected one can be turned either way, but turning `a -- b` into
`a -> b` turns `b -- c` into `b -> c` where a and c are not adjacent (Meek's rule 1). So an
undirected walk can be made causal as a whole if it is unshielded, it may then run into any
directed path, and whatever is possibly caused is reached by such a walk::

    possible descendants of v  =  descendants of all that v reaches by unshielded undirected walks

An effect is the same in all members unless a possibly causal path from the treatment starts with
an undirected edge: in some members that path carries an effect, in others it points the other way.
Such first edges are the **undecided edges**. Deciding them one by one splits the class into
sub-classes in each of which the effect is identified.

References
----------
Perković, E. (2020). Identifying causal effects in maximally oriented partially directed acyclic
graphs. UAI, PMLR 124.
Perković, E., Kalisch, M., Maathuis, M. H. (2017). Interpreting and using CPDAGs with background
knowledge. UAI.
Fang, Z., He, Y. (2020). IDA with background knowledge. UAI, PMLR 124.
Maathuis, M. H., Kalisch, M., Bühlmann, P. (2009), "Estimating high-dimensional intervention effects
from observational data". Annals of Statistics 37(6A). https://doi.org/10.1214/09-AOS685
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from causalkit.graph import ARROW, TAIL, CausalGraph, Edge, Kind
from causalkit.graph.equivalence import meek_closure
from causalkit.graph.mag import visible
from causalkit.graph.walks import (
    POSSIBLE_ANCESTORS,
    POSSIBLE_ANCESTORS_PAG,
    POSSIBLE_DESCENDANTS,
    POSSIBLE_DESCENDANTS_PAG,
    reach,
)
from causalkit.typing import BoolArray, IntArray, Name

__all__ = ["causal_first_steps", "decide", "possibly_caused", "refinements", "undecided"]


def possibly_caused(graph: CausalGraph, start: BoolArray) -> BoolArray:
    """Mask of the nodes that have a possibly causal path from `start`, which is among them.

    The graph is of any kind, a CPDAG closed under Meek's rules, here and below.
    """
    table = POSSIBLE_DESCENDANTS_PAG if graph.kind is Kind.PAG else POSSIBLE_DESCENDANTS
    return reach(graph, start, table)


def _possibly_causing(graph: CausalGraph, goal: BoolArray, within: BoolArray) -> BoolArray:
    """Mask of the nodes that have a possibly causal path to `goal`, all of it in `within`."""
    table = POSSIBLE_ANCESTORS_PAG if graph.kind is Kind.PAG else POSSIBLE_ANCESTORS
    return reach(graph, goal & within, table, avoid=~within)


def causal_first_steps(graph: CausalGraph, treatment: BoolArray, outcome: BoolArray) -> IntArray:
    """First edges `x -> v` of the proper possibly causal paths: pairs (x, v), shape (n_steps, 2).

    Proper: only the first node of the path is a treatment. In a MAG or PAG, the visible ones: no
    hidden cause acts on both their ends.
    """
    causing = _possibly_causing(graph, outcome, ~treatment)
    found: IntArray
    if graph.kind in (Kind.MAG, Kind.PAG):
        found = np.argwhere(visible(graph) & treatment[:, None] & causing)
        return found
    children = graph.steps.get("->", ((),) * len(treatment))
    pairs = [(x, v) for x in np.flatnonzero(treatment).tolist() for v in children[x] if causing[v]]
    found = np.array(pairs, dtype=np.intp).reshape(-1, 2)
    return found


def undecided(graph: CausalGraph, treatment: BoolArray, outcome: BoolArray) -> list[Edge]:
    """Open first edges of proper possibly causal paths: the effect depends on them.

    In a class of DAGs these are undirected; in a MAG or PAG, those that are not visible, so that a
    hidden cause may act on both their ends.

    Notes
    -----
    A path `x -- v … y` is possibly causal unless a later node of it points to x (Perković et al.
    2017), so it is enough to look for paths from v that avoid the parents of x.
    """
    if graph.kind in (Kind.MAG, Kind.PAG):
        return _not_visible(graph, treatment, outcome)
    edges = []
    open_ends = graph.steps.get("--", ((),) * len(treatment))
    for x in np.flatnonzero(treatment).tolist():
        if not open_ends[x]:
            continue
        causing = _possibly_causing(graph, outcome, ~treatment & ~graph.directed[:, x])
        edges += [Edge(graph.nodes[x], graph.nodes[v], "--") for v in open_ends[x] if causing[v]]
    return edges


def _not_visible(graph: CausalGraph, treatment: BoolArray, outcome: BoolArray) -> list[Edge]:
    surely, edges = visible(graph), list[Edge]()
    for x in np.flatnonzero(treatment).tolist():
        into = (graph.ends[:, x] & ARROW) > 0
        out = graph.adjacency[x] & ~into & ((graph.ends[x] & TAIL) == 0) & ~surely[x]
        causing = _possibly_causing(graph, outcome, ~treatment & ~into)
        for v in np.flatnonzero(out & causing).tolist():
            edges += graph.edges_between(graph.nodes[x], graph.nodes[v])
    return edges


def refinements(
    graph: CausalGraph, treatment: BoolArray, outcome: BoolArray
) -> Iterator[CausalGraph]:
    """Split a class into sub-classes in which the effect is identified.

    Each undecided edge is turned both ways and the rules are applied again. In a closed class
    either way has members, so that no branch is in vain, and the sub-classes are disjoint and
    together the whole class.
    """
    edges = undecided(graph, treatment, outcome)
    if not edges:
        yield graph
        return
    edge = edges[0]
    for cause, effect in ((edge.left, edge.right), (edge.right, edge.left)):
        yield from refinements(decide(graph, cause, effect), treatment, outcome)


def decide(graph: CausalGraph, cause: Name, effect: Name) -> CausalGraph:
    """Turn an undirected edge of a class, and apply the rules again."""
    ends = np.array(graph.ends)
    ends[graph.index(cause), graph.index(effect)] = ARROW
    return meek_closure(CausalGraph(graph.nodes, ends, Kind.CPDAG))
