r"""Possible effects in a PAG of series: an answer for every way in which its marks may turn out.

A circle is decided for all steps at once, and what follows from it by the rules for PAGs, within
the longest lag and repeated over time, is added. As in
:mod:`~causalkit.identification.classes.lv_ida`, a mark is decided only if the answer hangs on it.

A member is here any graph of series (MAG) with the edges of the PAG, its marks and, among nodes no
further apart than its longest lag, its unshielded colliders. These are more graphs than the class
has, so that nothing has to be proved about it, and a PAG that was learnt from few data will do: the
list has the right answer if one of them is right, and may have answers that no graph of the class
gives.

Nor need members have the same separations: a set must block every path that could be open, a circle
being a tail and an arrow at once. If none does, circles on such a path are decided, until one does
or none are left.

>>> from causalkit.identification import identify
>>> pag = LaggedGraph.parse("PAG: Z[t-1] o-> X[t]; X[t-1] o-> Y[t]")
>>> for answer in identify(pag, "X[t-1]", "Y", strategy="possible"):
...     print(answer.expression)
E[Y[t] | do(X[t-1]=x[t-1])] = E[Y[t] | X[t-1]=x[t-1]]
E[Y[t] | do(X[t-1]=x[t-1])] = E[Y[t]]

References
----------
Malinsky, D., Spirtes, P. (2017), "Estimating bounds on causal effects in high-dimensional and
possibly confounded systems". https://doi.org/10.1016/j.ijar.2017.06.005
Gerhardus, A. (2024). Characterization of causal ancestral graphs for time series with latent
confounders. Annals of Statistics 52(1). https://doi.org/10.1214/23-AOS2325
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from causalkit.errors import NotIdentifiableError
from causalkit.graph import ARROW, CIRCLE, TAIL, Kind
from causalkit.graph._validity import closure
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.mag import Marks, answer_paths, unshielded_colliders
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.sets import nearest_set
from causalkit.identification.classes._hinges import hinge_at_treatment
from causalkit.identification.classes.lv_ida import Answer, listed_by_answer
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.estimand import AdjustmentEstimand, NoEffectEstimand
from causalkit.identification.query import listed
from causalkit.identification.series.lagged import LaggedQuestion
from causalkit.typing import BoolArray, Name

__all__ = ["possible_in_series"]

_MOST_CLASSES: Final = 2_000
"""Sub-classes looked at; each costs a window of the graph."""


def possible_in_series(asked: LaggedQuestion) -> PossibleEffects:
    """List the effects that a PAG of series leaves open.

    Parameters
    ----------
    asked : LaggedQuestion
        Of a PAG; about one treatment, if an edge at it is open.

    Returns
    -------
    PossibleEffects
        As of :func:`~causalkit.identification.classes.lv_ida.pag_effects`; `classes` are PAGs of
        series with more marks decided.

    Raises
    ------
    NotIdentifiableError
        If adjustment identifies the effect in no sub-class, there are several treatments or too
        many sub-classes, or marks contradict each other.

    Notes
    -----
    **Assumes:**

    - one graph of series with these edges, marks and unshielded colliders is right, at every step;
    - it is right however far one looks back: no edge is missing that is longer than its longest
      lag. A PAG that was learnt up to a `max_lag` says nothing about longer ones, and hidden causes
      of a series with a memory make them, if weak ones. Then what is listed is an approximation.
    """
    query = asked.query
    if asked.facts.undecided and len(query.treatment) > 1:
        raise NotIdentifiableError(
            f"possible effects of {listed(query.treatment)} together are not listed; expected one "
            "treatment, where a class of graphs leaves the effect open. Ask for each.",
            witness=asked.facts.undecided,
        )
    splits = _Splits.of(asked.graph)
    if splits.start is None:
        raise NotIdentifiableError(
            f"the marks of the PAG contradict each other, so the {query} is not the same in any "
            "two readings of it; expected a PAG that a graph of series has. Learn it from more "
            "data, or with another alpha.",
            witness=asked.facts.undecided,
        )
    return listed_by_answer(query, asked.graph, _settled(asked, splits))


# --- deciding marks ------------------------------------------------------------------------------

_Mark = tuple[int, int]
"""(i, j): the mark at j's end of the edge between nodes i and j of the template."""


@dataclass(frozen=True, slots=True)
class _Splits:
    """How to decide marks of a PAG of series, at all steps of a window at once."""

    n_series: int
    colliders: BoolArray
    """Marks of unshielded colliders; a member has no others."""
    start: Marks | None
    """The marks that follow from those of the PAG; None if they contradict each other."""

    @classmethod
    def of(cls, graph: LaggedGraph) -> _Splits:
        """Repeat the template over its window."""
        p, template = len(graph.variables), graph.template.ends
        ends = np.array(template)
        for shift in range(p, len(ends), p):
            ends[shift:, shift:] |= template[:-shift, :-shift]
        splits = cls(p, unshielded_colliders(ends), None)
        return replace(splits, start=splits.closed(ends))

    def both_ways(self, ends: Marks, mark: _Mark) -> list[Marks]:
        """Decide a mark for arrow and for tail; keep what does not contradict itself."""
        found = []
        for kind in (ARROW, TAIL):
            marks = np.array(ends)
            marks[mark] = kind
            if kind == TAIL:
                marks[mark[::-1]] = ARROW  # there is no selection
            closed = self.closed(marks)
            if closed is not None:
                found.append(closed)
        return found

    def closed(self, ends: Marks) -> Marks | None:
        """Add what follows, the same at all steps; None if no member can have these marks."""
        from causalkit.graph._lagged_pag_kernels import repeat_marks
        from causalkit.graph._pag_kernels import neighbours

        marks, reason = np.array(ends), np.zeros_like(ends)
        nowhere, never = np.empty(0, dtype=np.intp), np.zeros(1, dtype=np.bool_)
        rules = marks, *neighbours(marks), nowhere, reason, False
        while True:
            answer_paths(rules, None, None, never)
            if not self._agree(marks):
                return None
            if repeat_marks(marks, reason, self.n_series) == 0:
                return marks if self._could_have_members(marks) else None

    def _agree(self, ends: Marks) -> bool:
        """Whether no edge has a tail at one step where it has an arrow at another."""
        p, m = self.n_series, len(ends)
        for shift in range(p, m, p):
            late, early = ends[: m - shift, : m - shift], ends[shift:, shift:]
            if ((late | early) == TAIL | ARROW).any():
                return False
        return True

    def _could_have_members(self, ends: Marks) -> bool:
        """Whether there is no new collider, no selection, and no arrow at an ancestor."""
        tails, arrows = ends == TAIL, ends == ARROW
        if (tails & tails.T).any() or (unshielded_colliders(ends) != self.colliders).any():
            return False
        directed = arrows & tails.T
        late = (closure(directed, [k]) for k in range(len(ends)))
        return not any((arrows[later, k]).any() for k, later in enumerate(late))

    def as_graph(self, like: LaggedGraph, ends: Marks) -> LaggedGraph:
        """A sub-class as a graph."""
        marks = np.array(ends)
        marks[self.n_series :, self.n_series :] = 0
        return LaggedGraph._of(like.variables, marks, Kind.PAG)


def _settled(asked: LaggedQuestion, splits: _Splits) -> Iterator[tuple[LaggedGraph, Answer]]:
    """Yield sub-classes that have one answer, with it.

    Raises
    ------
    NotIdentifiableError
        If they are too many.
    """
    known: list[frozenset[Name]] = []
    waiting, n_seen = [] if splits.start is None else [splits.start], 0
    while waiting:
        ends = waiting.pop()
        n_seen += 1
        if n_seen > _MOST_CLASSES:
            raise NotIdentifiableError(
                f"the {asked.query} has more than {_MOST_CLASSES:,} sub-classes to look at; "
                "expected fewer. Decide some edges at the treatment by background knowledge.",
                witness=asked.facts.undecided,
            )
        finer = splits.as_graph(asked.graph, ends)
        found = _mark_or_answer(asked.in_graph(finer), known)
        if isinstance(found, tuple):
            waiting += splits.both_ways(ends, found)
            continue
        if isinstance(found, AdjustmentEstimand) and set(found.adjustment) not in known:
            known.append(frozenset(found.adjustment))
        yield finer, found


# --- answers -------------------------------------------------------------------------------------


def _mark_or_answer(asked: LaggedQuestion, known: list[frozenset[Name]]) -> _Mark | Answer:
    """The answer in a sub-class, or a mark that it hangs on; sets that served before come first."""
    query, graph, facts = asked.query, asked.graph, asked.facts
    found = hinge_at_treatment(facts.graph, query)
    if isinstance(found, OpenEstimand):
        return replace(found, graph=graph)
    if found is not None:
        return _in_template(asked, *found)
    if not facts.has_effect:
        return NoEffectEstimand(query, graph)
    served = (names for names in known if facts.is_valid(mask_of(facts.graph, tuple(names))))
    best = next(served, None) or nearest_set(facts, query, query.given)
    if best is not None:
        adjustment = tuple(name for name in facts.graph.nodes if name in best)
        choice = "a set that is valid in all these graphs"
        return AdjustmentEstimand(query, adjustment, graph, choice)
    if (graph.template.ends == CIRCLE).any():
        return _hinge_on_open_path(asked)
    why = "no set of observed covariates blocks all other paths in any of these graphs"
    return OpenEstimand(query, graph, why)


def _hinge_on_open_path(asked: LaggedQuestion) -> _Mark:
    """A circle on a path that no set blocks whatever the circles are; if it has none, any."""
    window = asked.facts.graph
    walk = asked.facts.unblockable(mask_of(window, asked.query.given))
    for i, j in pairwise(walk.nodes):
        for mark in ((i, j), (j, i)):
            if window.ends[mark] == CIRCLE:
                return _in_template(asked, *mark)
    i, j = np.argwhere(asked.graph.template.ends == CIRCLE)[0].tolist()
    return i, j


def _in_template(asked: LaggedQuestion, i: int, j: int) -> _Mark:
    """The mark at j's end of an edge of the window, where the edge ends at t."""
    ends = [as_lagged(asked.facts.graph.nodes[k]) for k in (i, j)]
    now = min(node.lag for node in ends)
    first, second = (asked.graph.template.index(node.shifted(-now)) for node in ends)
    return first, second
