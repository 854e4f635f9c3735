"""The estimand of an instrument, and what to say where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit._core.report import Report
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import DESCENDANTS, Walk, find_walk, mask_of, reach
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.expression import Difference, Equation, Expectation, Value
from causalkit.identification.instrument._formulas import (
    AmongCompliers,
    Slope,
    covariance_ratio,
    wald_ratio,
)
from causalkit.identification.instrument._problem import KINDS, InstrumentProblem, Target, problem
from causalkit.identification.instrument._search import (
    Instrument,
    InstrumentSet,
    find_first,
    find_set,
    one,
)
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import BoolArray, Name, Names

__all__ = ["InstrumentEstimand", "instrument_estimand", "nearby_instruments"]


@dataclass(frozen=True, slots=True, repr=False)
class InstrumentEstimand(Estimand):
    """The effect is what instruments move in the outcome, by what they move in the treatment.

    Parameters
    ----------
    query : EffectQuery
        What is asked, of one outcome.
    instruments : tuple of names
        As many as treatments.
    given : tuple of names
        What is held fixed, in the order of the graph; it includes `query.given`.
    graph : CausalGraph
        The graph in which these are instruments.
    target : {"everyone", "compliers"}
        Whose effect it is: everybody's, if it is the same for all, or that among those whose
        treatment follows the instrument.
    also : tuple of names
        Further instruments given the same set, which may sharpen the estimate, or show that the
        assumptions fail.
    """

    query: EffectQuery
    instruments: tuple[Name, ...]
    given: tuple[Name, ...]
    graph: CausalGraph
    target: Target = "everyone"
    also: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        if len(self.instruments) != len(self.query.treatment):
            raise InputError(
                f"there are {len(self.instruments)} instruments and {len(self.query.treatment)} "
                "treatments; expected as many. Put further instruments into `also`."
            )

    @property
    def used(self) -> tuple[Name, ...]:
        """All instruments that an estimate uses."""
        return self.instruments if self.target == "compliers" else (*self.instruments, *self.also)

    @property
    def expression(self) -> Equation:
        """The slope of the outcome in the treatment, or the mean difference among compliers."""
        query = self.query
        if self.target == "everyone":
            return Equation(
                Slope(query.expression, query.treatment),
                covariance_ratio(self.used, query.treatment, query.outcome, self.given),
            )
        other = tuple(Value(name) for name in query.treatment)
        change = Difference(
            query.expression, Expectation(query.outcome, given=query.given, do=other)
        )
        over = tuple(name for name in self.given if name not in query.given)
        return Equation(
            AmongCompliers(change),
            wald_ratio(self.instruments[0], query.treatment, query.outcome, over, query.given),
        )

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the ratio to be the effect, one plain sentence each."""
        treatment, outcome = listed(self.query.treatment), listed(self.query.outcome)
        named = listed(self.used)
        act = "act" if len(self.used) > 1 else "acts"
        strata = f"among units alike in {listed(self.given)}" if self.given else "overall"
        return (
            f"Relevance: {strata}, {self._relevance(named, treatment)}.",
            f"Exclusion: {named} {act} on {outcome} only through {treatment}, if at all.",
            f"No confounding of the instrument: {strata}, {named} and {outcome} have no source of "
            f"association but the effect of {treatment}.",
            about_graph(self.graph),
            *self._reading(named, treatment, outcome, strata),
            consistency(treatment),
        )

    def _relevance(self, named: str, treatment: str) -> str:
        if self.target == "compliers":
            return f"{named} changes {treatment}"
        if len(self.query.treatment) > 1:
            return f"{named} move {treatment} in as many independent ways as there are treatments"
        if len(self.used) > 1:
            return f"{named} predict {treatment}, at least one of them"
        return f"{named} is associated with {treatment}"

    def _reading(self, named: str, treatment: str, outcome: str, strata: str) -> tuple[str, ...]:
        """What gives the ratio its meaning."""
        if self.target == "everyone":
            held = f" What comes from {listed(self.given)} is linear too." if self.given else ""
            return (
                f"Constant effect: one unit more of {treatment} adds the same to {outcome} for "
                f"everybody, at every level.{held}",
            )
        return (
            f"Monotonicity: {named} moves everybody's {treatment}, which is 0 or 1, the same way "
            "if at all: up with it for all who are moved, or down for all of them.",
            f"No confounding of the first stage: {strata}, {named} and {treatment} are associated "
            f"only by the effect of {named}.",
            f"Positivity: {strata}, both values of {named} that are compared occur.",
        )

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("formula", self.expression),
            (
                "instruments" if len(self.used) > 1 else "instrument",
                listed(self.used),
            ),
            ("hold fixed", ", ".join(map(str, self.given)) or "nothing"),
            ("effect of", "everybody, if it is constant")
            if self.target == "everyone"
            else ("effect of", "compliers: those whose treatment follows the instrument"),
        ]
        if set(self.also) - set(self.used):
            facts.append(("also instruments", ", ".join(map(str, self.also))))
        return estimand_report(self, facts)


def instrument_estimand(
    graph: GraphLike,
    query: EffectQuery,
    observed: Names | None = None,
    *,
    target: Target = "everyone",
) -> InstrumentEstimand:
    """Find instruments for a query, with the smallest conditioning set.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    query : EffectQuery
        What is asked, of one outcome; several treatments are set jointly.
    observed : names, optional
        Variables that data has; left out, all.
    target : {"everyone", "compliers"}
        Whose effect is wanted.

    Returns
    -------
    InstrumentEstimand

    Raises
    ------
    NotIdentifiableError
        If there is no instrument (for several treatments: none that the search finds). It says
        what is wrong with those variables that are nearest to the treatment, and its `witness` is
        the first path to the outcome that stays open. Also if the graph is a class of graphs, or
        there are several outcomes.
    InputError
        If names are unknown or not observed, or compliers are asked for with several treatments.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph,
    - what the estimand lists under `assumptions`.

    Examples
    --------
    >>> query = EffectQuery(("X",), ("Y",))
    >>> graph = "Z -> X -> Y; X <-> Y; W -> Z; W -> Y"
    >>> print(instrument_estimand(graph, query).expression)
    ∂E[Y | do(X=x)]/∂x = [Cov(Z, Y | W)] / [Cov(Z, X | W)]
    >>> among = instrument_estimand("Z -> X -> Y; X <-> Y", query, target="compliers").expression
    >>> print(among.left)
    (E[Y | do(X=x)] - E[Y | do(X=x')]) among compliers
    >>> print(among.right)
    [E[Y | Z=z] - E[Y | Z=z']] / [E[X | Z=z] - E[X | Z=z']]
    """
    graph = _in_scope(graph, query)
    asked = problem(
        graph, query.treatment, query.outcome, given=query.given, observed=observed, target=target
    )
    if asked.late:
        raise NotIdentifiableError(f"the {query} is not identified by an instrument: {asked.late}")
    if len(query.treatment) == 1:
        found = find_first(asked, target)
        if found is not None:
            return _estimand(asked, (found.name,), found.given, target)
    else:
        together = find_set(asked)
        if together is not None:
            return _estimand(asked, together.names, together.given, target)
    raise _none(asked, target)


def nearby_instruments(
    graph: CausalGraph, query: EffectQuery, observed: Names | None
) -> Instrument | InstrumentSet | None:
    """Find what a hint may name, by few searches however large the graph is.

    That is an instrument as it is, or one next to the treatment; there may be others.
    """
    if len(query.outcome) > 1:
        return None
    asked = problem(graph, query.treatment, query.outcome, given=query.given, observed=observed)
    if asked.late:
        return None
    if len(query.treatment) > 1:
        return find_set(asked, nearby=True)
    return find_first(asked, "everyone", nearby=True)


def _estimand(
    asked: InstrumentProblem, names: tuple[Name, ...], given: tuple[Name, ...], target: Target
) -> InstrumentEstimand:
    also: tuple[Name, ...] = ()
    if target == "everyone":  # compliers of another instrument are other people
        fixed = mask_of(asked.graph, given)
        others = asked.exogenous(fixed) & asked.relevant(fixed)
        also = asked.named(others & ~mask_of(asked.graph, names))
    return InstrumentEstimand(asked.query, names, given, asked.graph, target, also)


# --- what stands in the way ---------------------------------------------------------------------


def _in_scope(graph: GraphLike, query: EffectQuery) -> CausalGraph:
    """Refuse what instruments do not speak of, as a strategy that does not apply."""
    start = f"the {query} is not looked for by instruments: "
    if isinstance(graph, LaggedGraph):
        raise NotIdentifiableError(
            f"{start}the graph is of series. Ask about a window of it as a DAG or an ADMG."
        )
    plain = as_graph(graph)
    if plain.kind not in KINDS:
        raise NotIdentifiableError(
            f"{start}the graph is a {plain.kind.name}, and they are read off a DAG or an ADMG. "
            "Orient the open edges, or ask about the members one by one."
        )
    if len(query.outcome) > 1:
        raise NotIdentifiableError(
            f"{start}there are {len(query.outcome)} outcomes, and their ratio is of one. Ask about "
            "each outcome."
        )
    return plain


_SHOWN = 3  # candidates whose failure is told


def _none(asked: InstrumentProblem, target: Target) -> NotIdentifiableError:
    query = asked.query
    wanted = "instruments" if len(query.treatment) > 1 else "an instrument"
    start = f"the {query} is not identified by {wanted}: "
    told, witness = list[str](), tuple[Edge, ...]()
    candidates = _by_distance(asked)
    for k in candidates[:_SHOWN]:
        sentence, edges = _obstacle(asked, k, target)
        told.append(sentence)
        witness = witness or edges
    if len(candidates) > _SHOWN:
        told.append(f"nor will {len(candidates) - _SHOWN} others do")
    if not told:
        told.append("no other variable is observed")
    return NotIdentifiableError(
        f"{start}{'; '.join(told)}. Measure a variable that moves the treatment and nothing else "
        "that matters to the outcome, or what blocks the open paths.",
        witness=witness,
    )


def _by_distance(asked: InstrumentProblem) -> list[int]:
    """Observed variables that have no role in the query, those next to the treatment first."""
    beside = asked.candidates & ~mask_of(asked.graph, asked.query.given)
    reached, ordered = asked.treatment, list[int]()
    while True:
        wider = reached | asked.graph.adjacency[reached].any(axis=0)
        ordered += np.flatnonzero(wider & ~reached & beside).tolist()
        if (wider == reached).all():
            return ordered + np.flatnonzero(~reached & beside).tolist()
        reached = wider


def _obstacle(asked: InstrumentProblem, k: int, target: Target) -> tuple[str, tuple[Edge, ...]]:
    """Which condition a variable fails, and the path that shows it."""
    graph, treatment = asked.graph, listed(asked.query.treatment)
    name, instrument = graph.nodes[k], one(asked.usable, k)
    include = mask_of(graph, asked.query.given)
    if asked.between[k]:
        return _why_between(asked, instrument), ()
    if target == "compliers":
        caused = reach(graph, instrument, DESCENDANTS)
        if not (caused & asked.treatment).any():
            return f"{name} is no cause of {treatment}", ()
        if (caused & include).any():
            return (
                f"{name} is a cause of {listed(asked.named(caused & include))}, which is given",
                (),
            )
        past = find_walk(asked.cut, instrument, asked.outcome, DESCENDANTS)
        if past is not None:
            return f"{past.show(graph)} goes past {treatment}", _edges(graph, past)
    separation = asked.separation(instrument, target)
    given = separation.nearest(include)
    if given is None:
        walk = separation.open_walk(include)
        return f"nothing blocks the path {walk.show(graph)}", _edges(graph, walk)
    held = f" given {listed(asked.named(given))}" if given.any() else ""
    if not asked.relevant(given)[k]:
        return f"{name} is not associated with {treatment}{held}", ()
    return f"{name}{held} moves only some of {treatment}", ()


def _edges(graph: CausalGraph, walk: Walk) -> tuple[Edge, ...]:
    nodes = [graph.nodes[v] for v in walk.nodes]
    return tuple(Edge(*step) for step in zip(nodes[:-1], nodes[1:], walk.symbols, strict=True))


def _why_between(asked: InstrumentProblem, instrument: BoolArray) -> str:
    """Why a variable cannot be an instrument whatever is held fixed."""
    treatment, outcome = listed(asked.query.treatment), listed(asked.query.outcome)
    name = listed(asked.named(instrument))
    if (reach(asked.graph, asked.outcome, DESCENDANTS) & instrument).any():
        return f"{name} is an effect of {outcome}"
    return f"{name} is on the way from {treatment} to {outcome}, or an effect of what is"
