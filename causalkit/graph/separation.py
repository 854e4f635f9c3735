"""Separation: which independences a graph implies, and which sets bring them about.

X and Y are separated given Z if no walk between them is open: a walk is blocked at a node of Z,
except at a collider (`-> v <-`), which is blocked unless it or a descendant of it is in Z. Under
the Markov property, separation implies independence in every distribution of the graph.

>>> from causalkit.graph import CausalGraph
>>> sprinkler = CausalGraph.parse("season -> rain -> wet; season -> sprinkler -> wet -> slippery")
>>> is_separated(sprinkler, "rain", "sprinkler")
False
>>> is_separated(sprinkler, "rain", "sprinkler", given="season")
True
>>> is_separated(sprinkler, "rain", "sprinkler", given=["season", "slippery"])
False
>>> sorted(minimal_separator(sprinkler, "season", "slippery"))
['rain', 'sprinkler']
>>> [sorted(found) for found in minimal_separators(sprinkler, "season", "slippery")]
[['rain', 'sprinkler'], ['wet']]

A CPDAG or PAG is a class of graphs that all have the same separations, so any member answers for
it: a CPDAG is extended to a DAG (Dor & Tarsi); a PAG becomes a MAG by reading `o->` as `->` and
making the `o-o` part a DAG without new colliders (Zhang 2008, Theorem 2).

Separators are found as cuts: among the ancestors of X, Y and the nodes that must be in, "separated"
means "cut off" in the plain undirected sense, and every minimal separator lies there.

References
----------
van der Zander, Liśkiewicz, Textor (2019), "Separators and adjustment sets in causal graphs:
complete criteria and an algorithmic framework", doi:10.1016/j.artint.2018.12.006. Richardson,
Spirtes (2002), "Ancestral graph Markov models", doi:10.1214/aos/1031689015.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from numbers import Real

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, InputError
from causalkit.graph._separators import CutProblem
from causalkit.graph.graph import CausalGraph
from causalkit.graph.marks import ARROW, CIRCLE, TAIL, Kind
from causalkit.graph.walks import m_connected, mask_of
from causalkit.typing import BoolArray, FloatArray, Name, Names

__all__ = [
    "costs_of",
    "is_separated",
    "minimal_separator",
    "minimal_separators",
    "minimum_separator",
    "representative",
]


def is_separated(graph: CausalGraph, x: Names, y: Names, given: Names = ()) -> bool:
    """Whether the graph separates every node of `x` from every node of `y`, given `given`.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind: d-separation in a DAG or CPDAG, m-separation in an ADMG, MAG or PAG.
    x, y : name or names
        Two sets without a common node.
    given : name or names, optional
        What is conditioned on; none of `x` and `y`.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If a set is empty or two of them overlap.
    UnknownVariableError
        If the graph has no such node.
    GraphError
        If a CPDAG or PAG has no member.

    Notes
    -----
    **Assumes:** nothing about data. That separated variables are independent is the Markov
    property; that no others are is faithfulness.

    Examples
    --------
    >>> bow = CausalGraph.parse("X -> Y -> Z; Y <-> Z")
    >>> is_separated(bow, "X", "Z", given="Y")  # X -> Y <-> Z is open
    False
    """
    start, goal, known = _checked(graph, x, y, given)
    return not bool((m_connected(representative(graph), start, known) & goal).any())


def minimal_separator(
    graph: CausalGraph, x: Names, y: Names, *, include: Names = (), within: Names | None = None
) -> frozenset[Name] | None:
    """Find a minimal separator: one from which no node can be left out.

    Among the minimal separators it is the one nearest to `x` that uses nothing but `within`. It
    takes polynomial time, however many separators there are.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind.
    x, y : name or names
        What to separate.
    include : name or names, optional
        Nodes that must be in; "minimal" then means that no other node can be left out.
    within : name or names, optional
        Nodes that may be used, e.g. the observed ones. Left out, all.

    Returns
    -------
    frozenset of names, or None
        None if nothing within `within` separates `x` from `y`.

    Raises
    ------
    InputError
        If sets are empty or overlap, or `include` is not part of `within`.

    Examples
    --------
    >>> graph = CausalGraph.parse("X <- A <- B -> C -> Y; U -> X; U -> Y")
    >>> sorted(minimal_separator(graph, "X", "Y"))
    ['A', 'U']
    >>> minimal_separator(graph, "X", "Y", within=["A", "B", "C"]) is None
    True
    """
    cut = _cut_problem(graph, x, y, include, within).nearest()
    return None if cut is None else graph.names(np.flatnonzero(cut)) | set(as_names(include))


def minimal_separators(
    graph: CausalGraph, x: Names, y: Names, *, include: Names = (), within: Names | None = None
) -> Iterator[frozenset[Name]]:
    """Iterate over all minimal separators, those nearer to `x` first.

    There may be exponentially many, but the wait for the next one is polynomial. The parameters
    and errors are those of :func:`minimal_separator`.

    Parameters
    ----------
    graph : CausalGraph
        As for :func:`minimal_separator`.
    x, y : name or names
        What to separate.
    include : name or names
        Nodes that each separator must hold.
    within : name or names, optional
        Nodes that it may hold; all but `x` and `y` if left out.

    Returns
    -------
    iterator of frozenset

    Examples
    --------
    >>> graph = CausalGraph.parse("X <- A <- B -> C -> Y")
    >>> [sorted(found) for found in minimal_separators(graph, "X", "Y")]
    [['A'], ['B'], ['C']]
    """
    problem = _cut_problem(graph, x, y, include, within)
    fixed = frozenset(as_names(include))
    return (graph.names(np.flatnonzero(cut)) | fixed for cut in problem.all())


def minimum_separator(
    graph: CausalGraph,
    x: Names,
    y: Names,
    *,
    costs: Mapping[Name, float] | None = None,
    include: Names = (),
    within: Names | None = None,
) -> frozenset[Name] | None:
    """Find the separator with the fewest nodes, or of least total cost.

    Of several that cost the same, it is the one nearest to `x`, and no node can be left out.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind.
    x, y : name or names
        What to separate.
    costs : mapping from name to float, optional
        What each node costs, zero or more; a node that is not named costs 1.
    include : name or names, optional
        Nodes that must be in; they are not counted.
    within : name or names, optional
        Nodes that may be used, e.g. the observed ones. Left out, all.

    Returns
    -------
    frozenset of names, or None
        None if nothing within `within` separates `x` from `y`.

    Raises
    ------
    InputError
        If sets are empty or overlap, `include` is not part of `within`, or a cost is negative or
        not finite.

    Examples
    --------
    >>> graph = CausalGraph.parse("X <- A -> B -> Y; A -> C -> Y")
    >>> sorted(minimum_separator(graph, "Y", "X"))
    ['A']
    >>> chain = CausalGraph.parse("X <- A <- B -> C -> Y")
    >>> sorted(minimum_separator(chain, "X", "Y", costs={"A": 3, "B": 0.5}))
    ['B']
    """
    problem = _cut_problem(graph, x, y, include, within)
    cut = problem.cheapest(costs_of(graph, costs))
    return None if cut is None else graph.names(np.flatnonzero(cut)) | set(as_names(include))


def costs_of(graph: CausalGraph, costs: Mapping[Name, float] | None) -> FloatArray:
    """Costs in node order, 1 where none is named; checked."""
    found = np.ones(len(graph.nodes))
    if costs is not None and not isinstance(costs, Mapping):
        raise InputError(
            f"costs is a {type(costs).__name__}; expected a mapping from names to numbers, such as "
            '{"A": 2.5}.'
        )
    for name, cost in (costs or {}).items():
        if not (isinstance(cost, Real) and 0 <= cost < np.inf):
            raise InputError(
                f"the cost of {name!r} is {cost!r}; expected a finite number, zero or more. What "
                "is not to be used at all, leave out of the nodes that may be used."
            )
        found[graph.index(name)] = cost
    return found


def representative(graph: CausalGraph) -> CausalGraph:
    """Return a DAG, ADMG or MAG with the same separations: the graph itself, or a member.

    Raises
    ------
    GraphError
        If a CPDAG or PAG has no member.

    Examples
    --------
    >>> print(representative(CausalGraph.parse("A o-> B <-o C; B -> D; A o-o E")))
    MAG with 5 nodes, 4 edges: A -> B; E -> A; C -> B; B -> D
    """
    if graph.kind not in (Kind.CPDAG, Kind.PAG):
        return graph
    member = _member(graph)  # of an equal graph, whose nodes may be listed in another order
    return member if member.nodes == graph.nodes else member.reordered(graph.nodes)


# Oracle searches put thousands of questions to one and the same class.
@lru_cache(maxsize=8)
def _member(graph: CausalGraph) -> CausalGraph:
    from causalkit.graph.equivalence import consistent_extension, extend

    if graph.kind is Kind.CPDAG:
        return consistent_extension(graph)
    circle_near, circle_far = (graph.ends.T & CIRCLE) > 0, (graph.ends & CIRCLE) > 0
    loose = circle_near & circle_far
    oriented = extend(np.zeros_like(loose), loose)
    if oriented is None:
        raise GraphError(
            "the o-o edges have no orientation without new colliders; expected a complete PAG, in "
            "which they are chordal. Complete the orientation, or build the graph of kind MAG."
        )
    ends = np.array(graph.ends)
    arrow_near, tail_near = (ends.T & ARROW) > 0, (ends.T & TAIL) > 0
    ends[circle_far & arrow_near] = TAIL  # i <-o j becomes i <- j
    ends[circle_far & tail_near] = ARROW  # i --o j becomes i -> j
    ends[oriented], ends[oriented.T] = ARROW, TAIL
    try:
        return CausalGraph(graph.nodes, ends, Kind.MAG)
    except GraphError as error:
        raise GraphError(
            f"the PAG has no member: {error} Expected a complete PAG, as FCI finds it with an "
            "oracle. Check the orientations."
        ) from None


def _checked(
    graph: CausalGraph, x: Names, y: Names, given: Names, what: str = "given"
) -> tuple[BoolArray, BoolArray, BoolArray]:
    start, goal, known = (mask_of(graph, names) for names in (x, y, given))
    for label, mask in (("x", start), ("y", goal)):
        if not mask.any():
            raise InputError(
                f"{label} is empty; expected at least one node. Name what to separate."
            )
    for left, right, one, other in (
        ("x", "y", start, goal),
        ("x", what, start, known),
        ("y", what, goal, known),
    ):
        if (one & other).any():
            shared = ", ".join(
                sorted(repr(name) for name in graph.names(np.flatnonzero(one & other)))
            )
            raise InputError(
                f"{left} and {right} share {shared}; expected disjoint sets. Leave it out of one."
            )
    return start, goal, known


def _cut_problem(
    graph: CausalGraph, x: Names, y: Names, include: Names, within: Names | None
) -> CutProblem:
    start, goal, fixed = _checked(graph, x, y, include, what="include")
    usable = np.ones_like(start) if within is None else mask_of(graph, within)
    if (fixed & ~usable).any():
        outside = ", ".join(sorted(repr(n) for n in graph.names(np.flatnonzero(fixed & ~usable))))
        raise InputError(
            f"include has {outside}, which within has not; expected include to be part of within. "
            "Add it there, or leave it out here."
        )
    return CutProblem.of(representative(graph).steps, start, goal, fixed, usable)
