"""Effects over time: the same criterion, asked of a stretch of an endless graph.

A treatment is a variable at a step, `X[t-2]`, and so is what to adjust for. A graph of series is
unrolled into a plain graph, and everything that
:mod:`~causalkit.identification.adjustment.criterion` knows about plain graphs applies. Three things
are new.

**How far back.** With every common cause in the graph, all that decides lies between the oldest
treatment and the outcome: a path that no set can block runs through nodes that treatment causes, or
their children. The best set (O-set) are the direct causes of these nodes, so it reaches one longest
lag further, and no window says otherwise. With hidden causes a set may have to reach further; sets
that go back two longest lags are looked for, or as far as `max_adjustment_lag` says. Whether a set
is valid is exact in both cases: the window knows of the past before it
(:mod:`~causalkit.identification.series.past`).

**One step is like any other.** An undirected edge of a class is oriented alike at all steps, so the
possible effects are those of the graphs of *series* in the class: an edge is decided in the
template, not in the window. Only edges at the treatment's step need deciding, since after a
directed edge, such as any into a later step, an undirected one is never needed for a causal path.

**Hidden causes.** A MAG or PAG is taken at its word at all distances: what has no edge in it is
separated by something observed, also if it lies further apart than the longest lag. That is an
assumption about a graph that was learnt up to some lag, and the estimand says so. What members of a
PAG disagree on beyond that lag counts both ways, so that a set is valid in each of them; what is
left open is listed by :mod:`~causalkit.identification.series.possible`.

**Several treatments.** To hold X at a level for some steps is a joint intervention on
`X[t-3], X[t-2], X[t-1]` (:func:`sustained`). Those among them that have no effect of their own on
the outcome are left out, by rule 3 of the do-calculus.

References
----------
Runge, J. (2021). Necessary and sufficient graphical conditions for optimal adjustment sets in
causal graphical models with hidden variables. NeurIPS 34. arXiv:2102.10324.
Henckel, L., Perković, E., Maathuis, M. H. (2022), "Graphical criteria for efficient total effect
estimation via adjustment in causal linear models". JRSS B 84(2). https://doi.org/10.1111/rssb.12451
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from causalkit._core.checks import as_names, check_count
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.equivalence import meek_closure
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.separation import representative
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import (
    Frame,
    check_kind,
    every_reading,
    frame_of,
    observed_mask,
)
from causalkit.identification.classes.equivalence_class import decide
from causalkit.identification.query import EffectQuery, check_roles
from causalkit.identification.series.past import window_with_past
from causalkit.typing import Name, Names

__all__ = ["LaggedQuestion", "nodes_of_series", "sustained"]

_MOST_NODES = 6000


def sustained(variable: Name, since: int, until: int = 0) -> tuple[Lagged, ...]:
    """Nodes of an intervention that lasts: the variable from `since` to `until` steps ago.

    Parameters
    ----------
    variable : str or int
    since, until : int
        First and last step of it, both included, counted back from t.

    Returns
    -------
    tuple of Lagged
        The oldest first. One at a time is a pulse: `Lagged("X", 3)`, or `"X[t-3]"`.

    Raises
    ------
    InputError
        If it ends before it begins.

    Examples
    --------
    >>> sustained("X", 3, 1)
    (X[t-3], X[t-2], X[t-1])
    >>> from causalkit.identification import identify
    >>> graph = LaggedGraph.parse("X[t-1] -> Y[t]; X[t-2] -> Y[t]; X[t-1] -> X[t] <- Z[t-1]")
    >>> identify(graph, sustained("X", 3), "Y").query.treatment
    (X[t-2], X[t-1])
    """
    check_count(since, "since", minimum=0)
    check_count(until, "until", minimum=0)
    if until > since:
        raise InputError(
            f"since={since} and until={until}; expected the step where it begins first, which is "
            f"longer ago. Write sustained({variable!r}, {until}, {since})."
        )
    return tuple(Lagged(variable, lag) for lag in range(since, until - 1, -1))


@dataclass(frozen=True, slots=True)
class LaggedQuestion:
    """A query about series, with what the graph says about it.

    Attributes
    ----------
    query : EffectQuery
        The latest outcome is at t.
    graph : LaggedGraph
        A class is closed under Meek's rules.
    facts : Frame
        Of a window.
    depth : int
        Steps of the window.
    usable : tuple of Lagged
        Nodes of the window that are observed and not too old.
    """

    query: EffectQuery
    graph: LaggedGraph
    facts: Frame
    depth: int
    usable: tuple[Lagged, ...]

    @property
    def reach(self) -> int:
        """How far back a set may go."""
        return max(node.lag for node in self.usable)

    @classmethod
    def ask(
        cls,
        graph: LaggedGraph,
        treatment: Names,
        outcome: Names,
        given: Names | None = (),
        observed: Names | None = None,
        max_adjustment_lag: int | None = None,
        *,
        joint: bool = False,
    ) -> LaggedQuestion:
        """Read a question and unroll the graph as far as it needs.

        With `joint`, treatments without an effect of their own stay in it.

        Raises
        ------
        UnknownVariableError
            If the graph does not have a series.
        InputError
            If the treatment comes after the outcome, a node has two roles, or a lag is too long.
        """
        check_kind(graph.template)
        query = _query(graph, treatment, outcome, given)
        oldest = max(node.lag for node in _nodes(query))
        hidden = observed is not None or graph.kind not in (Kind.DAG, Kind.CPDAG)
        reach = oldest + graph.max_lag * (2 if hidden else 1)
        if max_adjustment_lag is not None:
            reach = check_count(max_adjustment_lag, "max_adjustment_lag", minimum=0)
        # Two lags beyond the treatment show which of its edges are visible in a MAG or PAG.
        depth = max(reach, oldest + graph.max_lag) + graph.max_lag
        if (depth + 1) * len(graph.variables) > _MOST_NODES:
            raise InputError(
                f"the question reaches back {oldest} steps, which asks for a window of "
                f"{(depth + 1) * len(graph.variables):,} nodes; expected {_MOST_NODES:,} at most. "
                "Ask about a shorter lag, or give a smaller max_adjustment_lag."
            )
        seen = None if observed is None else nodes_of_series(graph, observed)
        asked = set(_nodes(query))
        usable = tuple(
            node
            for node in map(as_lagged, graph.unroll(depth).nodes)
            if (node.lag <= reach or node in asked) and (seen is None or {node, node.name} & seen)
        )
        closed = _closed(graph)
        whole = cls(query, closed, _frame(closed, query, depth, usable), depth, usable)
        return whole if joint else whole._of_effect()

    def _of_effect(self) -> LaggedQuestion:
        """The same question without the treatments that have no proper causal path."""
        facts, query = self.facts, self.query
        acting = mask_of(facts.graph, [edge.left for edge in facts.undecided])
        acting[facts.first_steps[:, 0]] = True
        kept = tuple(x for x in query.treatment if acting[facts.graph.index(x)])
        if not kept or len(kept) == len(query.treatment):
            return self
        fewer = replace(query, treatment=kept)
        return replace(self, query=fewer, facts=_frame(self.graph, fewer, self.depth, self.usable))

    def finer(self) -> Iterator[LaggedQuestion]:
        """The same question in sub-classes that answer it; disjoint, and together the class."""
        if not self.facts.undecided:
            yield self
            return
        edge = self.facts.undecided[0]
        for cause, effect in ((edge.left, edge.right), (edge.right, edge.left)):
            now = (as_lagged(node).shifted(-as_lagged(node).lag) for node in (cause, effect))
            template = decide(self.graph.template, *now)
            graph = LaggedGraph._of(self.graph.variables, np.array(template.ends), Kind.CPDAG)
            yield from self.in_graph(graph).finer()

    def in_graph(self, graph: LaggedGraph) -> LaggedQuestion:
        """The same question in a graph with more marks decided."""
        facts = _frame(graph, self.query, self.depth, self.usable)
        return replace(self, graph=graph, facts=facts)


def _query(
    graph: LaggedGraph, treatment: Names, outcome: Names, given: Names | None
) -> EffectQuery:
    """Nodes by role, shifted so that the latest outcome is at t."""
    roles = {"treatment": treatment, "outcome": outcome, "given": given}
    nodes = {role: [graph.node(x) for x in _listed(names)] for role, names in roles.items()}
    for role in ("treatment", "outcome"):
        if not nodes[role]:
            raise InputError(f"{role} is empty; expected a node of the graph, such as 'X[t-1]'.")
    now = min(node.lag for node in nodes["outcome"])
    for role in ("treatment", "given"):
        for node in nodes[role]:
            if node.lag < now:
                raise InputError(
                    f"{role} {node} comes after the outcome {Lagged(nodes['outcome'][0].name, now)}"
                    "; expected a step before it, or the same one. Write the past as 'X[t-1]'."
                )
    query = EffectQuery(*(tuple(x.shifted(-now) for x in nodes[role]) for role in roles))
    check_roles(treatment=query.treatment, outcome=query.outcome, given=query.given)
    return query


def _listed(names: Names | None) -> tuple[Name, ...]:
    """Names as a tuple; a set has no order of its own, and takes that of its text."""
    return as_names(sorted(names, key=str) if isinstance(names, (set, frozenset)) else names)


def _nodes(query: EffectQuery) -> list[Lagged]:
    return [as_lagged(name) for name in (*query.treatment, *query.outcome, *query.given)]


def nodes_of_series(graph: LaggedGraph, names: Names) -> set[Name]:
    """Series, by name, and single nodes; a series stands for all its nodes."""
    return {x if x in graph.variables else graph.node(x) for x in _listed(names)}


def _closed(graph: LaggedGraph) -> LaggedGraph:
    if graph.kind is not Kind.CPDAG:
        return graph
    ends = np.array(meek_closure(graph.template).ends)
    return LaggedGraph._of(graph.variables, ends, Kind.CPDAG)


def _frame(graph: LaggedGraph, query: EffectQuery, depth: int, usable: tuple[Lagged, ...]) -> Frame:
    window = graph.unroll(depth)
    past = window_with_past(_all_in_one(graph), depth)
    facts = frame_of(window, past, query, observed_mask(window, query, usable))
    return replace(facts, is_window=True)


def _all_in_one(graph: LaggedGraph) -> LaggedGraph:
    """A graph in which a set that blocks a path blocks it in all members.

    Of a DAG to a MAG the graph itself, of a CPDAG any member. Members of a PAG agree on separations
    within its longest lag only: X[t-2] -> X[t-1] o-> Y[t] may or may not be a collider if nothing
    was asked about nodes two steps apart. So every reading of them counts.
    """
    one = every_reading if graph.kind is Kind.PAG else representative
    plain: CausalGraph = one(graph.template)
    return LaggedGraph._of(graph.variables, np.array(plain.ends), plain.kind)
