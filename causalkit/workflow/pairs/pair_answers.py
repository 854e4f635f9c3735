r"""What a graph says of all pairs of its variables: what to adjust for, or that there is no effect.

Asking :func:`~causalkit.identification.identify` pair by pair does the same work many times. In a
DAG whose variables are all observed, the least-variance set of X and Y is ::

    O(X, Y) = pa(between) \ (between ∪ {X}),        between = de(X) ∩ an(Y) \ {X}

(Henckel et al. 2022). With the ancestors of all nodes in one matrix, the nodes between X and every
Y are found by one operation, and their parents by a matrix product.

In a class of DAGs (CPDAG, MPDAG) each way to orient the edges at X gives a sub-class with one
answer for every Y, the one of any of its members. If all sub-classes give the same answer for Y,
that is *the* answer; else the effect is one of several (IDA). Hidden variables, MAGs and PAGs have
no such short cut: pairs are judged by the adjustment criterion one by one, with the facts about the
graph shared.

References
----------
Henckel, L., Perković, E., Maathuis, M. H. (2022), "Graphical criteria for efficient total effect
estimation via adjustment in causal linear models". JRSS B 84(2). https://doi.org/10.1111/rssb.12451
Maathuis, M. H., Kalisch, M., Bühlmann, P. (2009), "Estimating high-dimensional intervention effects
from observational data". Annals of Statistics 37(6A). https://doi.org/10.1214/09-AOS685
Fang, Z., He, Y. (2020). IDA with background knowledge. UAI, PMLR 124.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.equivalence import consistent_extension, meek_closure
from causalkit.graph.walks import mask_of
from causalkit.identification import AdjustmentEstimand, identify
from causalkit.identification.adjustment._optimal import optimal_set
from causalkit.identification.adjustment.criterion import Frame, frame, frame_of, observed_mask
from causalkit.identification.adjustment.sets import nearest_set
from causalkit.identification.classes.equivalence_class import decide, possibly_caused
from causalkit.identification.query import EffectQuery
from causalkit.typing import BoolArray, IntArray, Name

__all__ = ["Choice", "Choices", "choices_of_pairs"]

Choice: TypeAlias = tuple[int, ...] | None
"""Nodes to adjust for, in the order of the graph; None: no effect."""

Choices: TypeAlias = tuple[Choice, ...]
"""Distinct answers, one of which is right; none: adjustment gives no answer."""

_MOST_CLASSES: Final = 10_000


def choices_of_pairs(
    graph: CausalGraph,
    treatments: Sequence[Name],
    outcomes: Sequence[Name],
    observed: Sequence[Name],
    adjustment: str,
) -> Iterator[tuple[Name, Name, Choices]]:
    """Yield the answers of all pairs, a treatment at a time.

    Parameters
    ----------
    graph : CausalGraph
        Of any kind.
    treatments, outcomes : sequence of names
        A variable is not paired with itself.
    observed : sequence of names
        Variables that data has; treatments and outcomes are among them.
    adjustment : {"optimal", "parents"}

    Raises
    ------
    InputError
        If parents are asked for where they need not be valid or observed.
    NotIdentifiableError
        If the edges at a treatment can be oriented in more than 10,000 ways.
    GraphError
        If a MAG or PAG has edges of selection, or a class has no member.
    """
    has_members = graph.kind in (Kind.DAG, Kind.CPDAG)
    if has_members and len(observed) == len(graph.nodes):
        yield from _by_member(graph, treatments, outcomes, adjustment)
        return
    if adjustment == "parents":
        raise InputError(
            f'adjustment="parents" was asked of a {graph.kind.name} of which '
            f"{len(observed)} of {len(graph.nodes)} variables are in the data; expected a DAG or "
            "CPDAG and data with all of its variables, where the direct causes of a treatment are "
            'known and measured. Use adjustment="optimal".'
        )
    yield from _one_by_one(graph, treatments, outcomes, tuple(observed))


# --- all variables of a DAG, or of a class of DAGs, are observed ---------------------------------


@dataclass(frozen=True, slots=True)
class _Member:
    """A DAG, and who comes before whom in it.

    Attributes
    ----------
    directed : ndarray of bool, shape (p, p)
    above : ndarray of bool, shape (p, p)
        [v, u] if u is an ancestor of v, or v itself.
    """

    directed: BoolArray
    above: BoolArray

    @classmethod
    def of(cls, graph: CausalGraph) -> _Member:
        """A DAG, or one member of a class."""
        dag = consistent_extension(graph)
        if dag.nodes != graph.nodes:
            dag = dag.reordered(graph.nodes)
        above = np.eye(len(dag.nodes), dtype=np.bool_)
        for v in dag.order.tolist():
            above[v] |= above[dag.directed[:, v]].any(axis=0)
        return cls(dag.directed, above)

    def choices(self, x: int, outcomes: IntArray) -> list[Choice]:
        """The set of least variance for each outcome."""
        caused = self.above[outcomes, x] & (outcomes != x)
        between = self.above[outcomes[caused]] & self.above[:, x]
        between[:, x] = False
        # Counts of at most p are exact in single precision.
        direct = between.astype(np.float32) @ self.directed.T.astype(np.float32) > 0
        direct &= ~between
        direct[:, x] = False
        found: list[Choice] = [None] * len(outcomes)
        for place, nodes in zip(np.flatnonzero(caused).tolist(), direct, strict=True):
            found[place] = tuple(np.flatnonzero(nodes).tolist())
        return found

    def parents(self, x: int) -> tuple[int, ...]:
        """Direct causes."""
        return tuple(np.flatnonzero(self.directed[:, x]).tolist())


def _by_member(
    graph: CausalGraph, treatments: Sequence[Name], outcomes: Sequence[Name], adjustment: str
) -> Iterator[tuple[Name, Name, Choices]]:
    """Answers of the members of a class; a DAG is a class of one."""
    closed = meek_closure(graph) if graph.kind is Kind.CPDAG else graph
    any_member, columns = _Member.of(closed), np.array(graph.indices(outcomes), dtype=np.intp)
    for x in treatments:
        where = graph.index(x)
        # Sub-classes with the same set of least variance agree on the effect, whatever is chosen.
        found: list[dict[Choice, Choice]] = [{} for _ in outcomes]
        for finer in _oriented_at(closed, x):
            member = any_member if finer is closed else _Member.of(finer)
            parents = member.parents(where) if adjustment == "parents" else None
            for answers, best in zip(found, member.choices(where, columns), strict=True):
                answers.setdefault(best, best if best is None or parents is None else parents)
        yield from (
            (x, y, tuple(answers.values()))
            for y, answers in zip(outcomes, found, strict=True)
            if y != x
        )


def _oriented_at(closed: CausalGraph, treatment: Name) -> Iterator[CausalGraph]:
    """Sub-classes in which no edge at the treatment is undirected; together they are the class."""
    waiting, n_found = [closed], 0
    while waiting:
        finer = waiting.pop()
        open_ends = np.flatnonzero(finer.undirected[finer.index(treatment)])
        if len(open_ends):
            other = finer.nodes[open_ends[0]]
            waiting += [decide(finer, other, treatment), decide(finer, treatment, other)]
            continue
        n_found += 1
        if n_found > _MOST_CLASSES:
            raise NotIdentifiableError(
                f"the undirected edges at {treatment} can be oriented in more than "
                f"{_MOST_CLASSES:,} ways, too many to look at; expected fewer. Orient some of them "
                "by background knowledge, or leave it out of the treatments."
            )
        yield finer


# --- hidden variables, MAGs, PAGs ----------------------------------------------------------------


def _one_by_one(
    graph: CausalGraph,
    treatments: Sequence[Name],
    outcomes: Sequence[Name],
    observed: tuple[Name, ...],
) -> Iterator[tuple[Name, Name, Choices]]:
    """Answers by the adjustment criterion, pair by pair."""
    pairs = ((x, y) for x in treatments for y in outcomes if x != y)
    first = next(pairs, None)
    if first is None:
        return
    query = EffectQuery((first[0],), (first[1],))
    whole, seen = frame(graph, query, observed), observed_mask(graph, query, observed)
    for x in treatments:
        caused = possibly_caused(whole.graph, mask_of(whole.graph, x))
        for y in outcomes:
            if x == y:
                continue
            if not caused[graph.index(y)]:
                yield x, y, (None,)
                continue
            query = EffectQuery((x,), (y,))
            facts = frame_of(whole.graph, whole.member, query, seen)
            yield x, y, _by_criterion(graph, query, facts, observed)


def _by_criterion(
    graph: CausalGraph, query: EffectQuery, facts: Frame, observed: tuple[Name, ...]
) -> Choices:
    """The set that :func:`~causalkit.identification.identify` takes, or all possible ones."""
    if not facts.has_effect:
        return (None,)
    if facts.undecided:
        return _possible(query, observed, graph) if graph.kind is Kind.CPDAG else ()
    best = optimal_set(facts)
    if best is None or not facts.is_valid(mask_of(facts.graph, best)):
        best = nearest_set(facts, query, ())
    return () if best is None else (tuple(sorted(graph.indices(best))),)


def _possible(query: EffectQuery, observed: tuple[Name, ...], graph: CausalGraph) -> Choices:
    """Answers of the sub-classes; none if one of them has none."""
    try:
        found = identify(
            graph, query.treatment, query.outcome, observed=observed, strategy="possible"
        )
    except NotIdentifiableError:
        return ()
    return tuple(
        tuple(graph.indices(one.adjustment)) if isinstance(one, AdjustmentEstimand) else None
        for one in getattr(found, "alternatives", ())
    )
