"""`identify`: from a graph and a question to a formula for data, or to what stands in the way.

A *strategy* is a function that turns a query into an estimand or says why it cannot. They are
listed in `STRATEGIES`; :func:`identify` returns the first answer, :func:`strategies` shows all.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("age -> dose -> health; age -> health")
>>> print(identify(graph, "dose", "health").expression)
E[health | do(dose)] = Σ_{age} E[health | dose, age] P(age)
>>> identify("dose -> health; dose <-> health", "dose", "health")
Traceback (most recent call last):
    ...
causalkit.errors.NotIdentifiableError: the effect of dose on health is not identified...
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from causalkit._core.checks import as_names, check_choice
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment import nearest_set, optimal_set
from causalkit.identification.criterion import Frame, frame
from causalkit.identification.equivalence_class import possibly_caused, refinements
from causalkit.identification.estimand import (
    AdjustmentEstimand,
    Estimand,
    NoEffectEstimand,
)
from causalkit.identification.lagged import LaggedQuestion
from causalkit.identification.possible import PossibleEffects
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["STRATEGIES", "Strategies", "Verdict", "identify", "strategies"]

_MOST_CLASSES = 10_000


def identify(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    strategy: str | None = None,
    max_adjustment_lag: int | None = None,
) -> Estimand:
    """Find a formula that computes the effect of treatment on outcome from data.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        DAG, ADMG, CPDAG (background knowledge in it is welcome; what Meek's rules add is added),
        MAG or PAG without edges of selection.
    treatment, outcome : name or names
        What is set, and what is looked at. Several treatments are set jointly. Of a graph of series
        nodes such as `"X[t-2]"` and `"Y"`, which is Y[t].
    given : name or names, optional
        For an effect within strata of these variables; none of them may be caused by treatment.
    observed : names, optional
        Variables that data has, if the graph has others too; left out, all.
    strategy : str, optional
        One of `STRATEGIES`: "no effect", "adjustment", "possible". Left out, the first that works
        of those that give one answer. "possible" gives all answers that a class of graphs leaves
        open.
    max_adjustment_lag : int, optional
        For a graph of series, how far back to look for what to adjust for. Left out, as far as
        :mod:`~causalkit.identification.lagged` says.

    Returns
    -------
    Estimand
        AdjustmentEstimand, NoEffectEstimand, or PossibleEffects.

    Raises
    ------
    NotIdentifiableError
        If no strategy works. Its `witness` holds the open edges that decide (in a class of
        graphs), or a path that cannot be blocked.
    InputError
        If names are unknown, have two roles, or are not observed; if `given` has a descendant of
        the treatment; or if a treatment comes after the outcome.
    GraphError
        If a MAG or PAG has edges of selection, or a class has no member.

    Notes
    -----
    **Assumes:**

    - the graph, or one member of the class, is the true causal graph: every common cause is in it,
      in an ADMG at least as `<->`,
    - of series, that it is the same at every step,
    - what the estimand lists under `assumptions`.

    The adjustment set is the one of least variance where theory knows it (the O-set), else the
    minimal set nearest to the outcome. Effects of other shape, such as through a front door or by
    an instrument, are not looked for in this version, so "not identified" means "not by
    adjustment".

    References
    ----------
    Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical
    characterization and construction of adjustment sets in Markov equivalence classes of ancestral
    graphs. JMLR 18(220).

    Examples
    --------
    >>> identify("Z -> X -> Y; Z -> Y", "X", "Y").adjustment
    ('Z',)
    >>> possible = identify("X -- Y", "X", "Y", strategy="possible")
    >>> [str(answer.expression) for answer in possible]
    ['E[Y | do(X=x)] = E[Y | X=x]', 'E[Y | do(X=x)] = E[Y]']

    Of series, two steps on:

    >>> from causalkit.graph import LaggedGraph
    >>> series = LaggedGraph.parse("X[t-1] -> X[t] <- Z[t-1]; X[t-1] -> Y[t] <- Z[t-1]")
    >>> identify(series, "X[t-2]", "Y[t]").adjustment
    (Z[t-2], Z[t-1])
    """
    asked = _ask(graph, treatment, outcome, given, observed, max_adjustment_lag)
    if strategy is not None:
        check_choice(strategy, "strategy", STRATEGIES)
        return STRATEGIES[strategy](asked)
    lacking: list[NotIdentifiableError] = []
    for name in _AUTOMATIC:
        try:
            return STRATEGIES[name](asked)
        except NotIdentifiableError as error:
            lacking.append(error)
    raise lacking[-1]


def strategies(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
    max_adjustment_lag: int | None = None,
) -> Strategies:
    """Try every strategy; say which apply, and why the others do not.

    The parameters and errors are those of :func:`identify`, except that a strategy that fails is a
    line of the table and no error.

    Returns
    -------
    Strategies
        A table; iterating yields one :class:`Verdict` a strategy.

    Notes
    -----
    **Assumes:**

    - the graph, or one member of the class, is the true causal graph.

    Examples
    --------
    >>> [verdict.strategy for verdict in strategies("Z -> X -> Y", "X", "Y") if verdict.applies]
    ['adjustment', 'possible']
    """
    asked = _ask(graph, treatment, outcome, given, observed, max_adjustment_lag)
    verdicts = []
    for name, attempt in STRATEGIES.items():
        try:
            verdicts.append(Verdict(name, attempt(asked), ""))
        except NotIdentifiableError as error:
            verdicts.append(Verdict(name, None, str(error)))
    return Strategies(asked.query, tuple(verdicts))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one strategy: an estimand, or the reason why there is none."""

    strategy: str
    estimand: Estimand | None
    reason: str

    @property
    def applies(self) -> bool:
        """Whether the strategy gives an estimand."""
        return self.estimand is not None


@dataclass(frozen=True, slots=True, repr=False)
class Strategies(Reported):
    """Verdicts on all strategies for one query."""

    query: EffectQuery
    verdicts: tuple[Verdict, ...]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def _report(self) -> Report:
        return Report(
            title=f"Strategies for the {self.query}",
            columns=("strategy", "applies", "formula"),
            rows=[
                (v.strategy, "yes" if v.applies else "no", v.estimand and v.estimand.expression)
                for v in self.verdicts
            ],
            notes=[f"{v.strategy}: {v.reason}" for v in self.verdicts if not v.applies],
        )


# --- strategies ---------------------------------------------------------------------------------


class _Question(Protocol):
    """A query with what the graph says about it."""

    @property
    def query(self) -> EffectQuery:
        """What is asked."""

    @property
    def graph(self) -> CausalGraph | LaggedGraph:
        """The graph; a class is closed under Meek's rules."""

    @property
    def facts(self) -> Frame:
        """What the criterion needs to know of it."""

    def finer(self) -> Iterator[_Question]:
        """The same question in sub-classes that answer it."""


@dataclass(frozen=True, slots=True)
class _PlainQuestion:
    """A question about a plain graph."""

    query: EffectQuery
    facts: Frame
    observed: tuple[Name, ...] | None

    @property
    def graph(self) -> CausalGraph:
        return self.facts.graph

    def finer(self) -> Iterator[_PlainQuestion]:
        facts = self.facts
        for graph in refinements(facts.graph, facts.treatment, facts.outcome):
            yield replace(self, facts=frame(graph, self.query, self.observed))


def _ask(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None,
    observed: Names | None,
    max_adjustment_lag: int | None,
) -> _Question:
    asked: _Question
    if isinstance(graph, LaggedGraph):
        asked = LaggedQuestion.ask(graph, treatment, outcome, given, observed, max_adjustment_lag)
    elif max_adjustment_lag is not None:
        raise InputError(
            f"max_adjustment_lag={max_adjustment_lag} is for a LaggedGraph, and this graph has no "
            "steps; expected None. Leave it out."
        )
    else:
        plain = as_graph(graph)
        query = EffectQuery.within(plain, treatment, outcome, given)
        facts = frame(plain, query, observed)
        asked = _PlainQuestion(query, facts, None if observed is None else as_names(observed))
    facts = asked.facts
    late = possibly_caused(facts.graph, facts.treatment) & mask_of(facts.graph, asked.query.given)
    if late.any():
        names = listed(tuple(facts.graph.nodes[k] for k in np.flatnonzero(late)))
        raise InputError(
            f"given has {names}, which treatment may change; expected variables that it does not "
            "cause, such as those measured before it. Leave them out, or ask for the effect on "
            "them."
        )
    return asked


class _Strategy(Protocol):
    def __call__(self, asked: _Question, /) -> Estimand: ...


def _no_effect(asked: _Question) -> NoEffectEstimand:
    query, facts = asked.query, asked.facts
    if facts.has_effect:
        certain = "a" if facts.first_steps.any() else "possibly a"
        raise NotIdentifiableError(
            f"the {query} need not be zero: the graph has {certain} causal path from "
            f"{listed(query.treatment)} to {listed(query.outcome)}. Use another strategy."
        )
    return NoEffectEstimand(query, asked.graph)


def _adjustment(asked: _Question) -> AdjustmentEstimand:
    query, facts = asked.query, asked.facts
    if facts.undecided:
        raise _not_amenable(query, facts)
    given = mask_of(facts.graph, query.given)
    best = optimal_set(facts)
    if best is not None and facts.is_valid(mask_of(facts.graph, best) | given):
        chosen = best | set(query.given)
        if isinstance(asked.graph, LaggedGraph):
            choice = "what causes the outcome and what lies between (O-set)"
        else:
            choice = "least variance among all valid sets"
        if query.given:
            choice = "the set of least variance for the average effect, and what is given"
    else:
        found = nearest_set(facts, query, query.given)
        if found is None:
            raise _not_blocked(asked)
        chosen, choice = found, "a minimal set, the one nearest to the outcome"
    adjustment = tuple(name for name in facts.graph.nodes if name in chosen)
    return AdjustmentEstimand(query, adjustment, asked.graph, choice)


def _possible(asked: _Question) -> PossibleEffects:
    facts = asked.facts
    if facts.undecided and facts.graph.kind is not Kind.CPDAG:
        raise _not_amenable(asked.query, facts)
    found: dict[tuple[Name, ...] | None, Estimand] = {}
    classes: dict[tuple[Name, ...] | None, list[CausalGraph | LaggedGraph]] = {}
    for count, narrowed in enumerate(asked.finer()):
        if count == _MOST_CLASSES:
            raise NotIdentifiableError(
                f"the {asked.query} has more than {_MOST_CLASSES:,} possible answers: "
                f"{len(facts.undecided)} undirected edges at the treatment are undecided. "
                "Orient some of them by background knowledge.",
                witness=facts.undecided,
            )
        answer = _adjustment(narrowed) if narrowed.facts.has_effect else _no_effect(narrowed)
        key = answer.adjustment if isinstance(answer, AdjustmentEstimand) else None
        found.setdefault(key, answer)
        classes.setdefault(key, []).append(narrowed.graph)
    return PossibleEffects(
        asked.query,
        tuple(found.values()),  # type: ignore[arg-type]
        asked.graph,
        tuple(tuple(classes[key]) for key in found),
    )


STRATEGIES: Mapping[str, _Strategy] = {
    "no effect": _no_effect,
    "adjustment": _adjustment,
    "possible": _possible,
}
"""Strategies by name, in the order in which they are tried."""

_AUTOMATIC = ("no effect", "adjustment")


# --- what stands in the way ---------------------------------------------------------------------


def _not_amenable(query: EffectQuery, facts: Frame) -> NotIdentifiableError:
    edges = facts.undecided
    shown = ", ".join(map(str, edges[:6])) + (", …" if len(edges) > 6 else "")
    if facts.graph.kind is not Kind.CPDAG:
        return NotIdentifiableError(
            f"the {query} is not identified by adjustment: the {facts.graph.kind.name} does not "
            f"say that {shown} has no hidden cause of both its ends (the edge is not directed and "
            "visible). Measure more variables, so that one of them shows it; or, if you know the "
            "hidden causes, draw an ADMG.",
            witness=edges,
        )
    plural = "these undirected edges are" if len(edges) > 1 else "this undirected edge is"
    return NotIdentifiableError(
        f"the {query} is not the same in all members of the class: it depends on how {plural} "
        f"oriented: {shown}. Orient {'them' if len(edges) > 1 else 'it'} by background knowledge "
        "(e.g. which variable comes first in time), or ask for all possible answers with "
        'strategy="possible".',
        witness=edges,
    )


def _not_blocked(asked: _Question) -> NotIdentifiableError:
    query, facts = asked.query, asked.facts
    walk = facts.unblockable(mask_of(facts.graph, query.given))
    names = [facts.graph.nodes[k] for k in walk.nodes]
    barred = tuple(facts.graph.nodes[k] for k in walk.nodes[1:-1] if not facts.allowed[k])
    why = (
        f"{listed(barred)} may not be adjusted for: hidden, or affected by the treatment on its "
        "way to the outcome"
        if barred
        else "nothing on it can be adjusted for"
    )
    if isinstance(asked, LaggedQuestion):
        why += (
            f". Sets that reach back {asked.reach} steps were looked for (max_adjustment_lag); "
            "<-> between the oldest steps stands for what they share further back"
        )
    return NotIdentifiableError(
        f"the {query} is not identified by adjustment: no set blocks the non-causal path "
        f"{walk.show(facts.graph)}; {why}. Measure a variable that blocks it, or bring a design "
        "for hidden confounding (an instrument, a front door), which this version does not search.",
        witness=tuple(
            Edge(*step) for step in zip(names[:-1], names[1:], walk.symbols, strict=True)
        ),
    )
