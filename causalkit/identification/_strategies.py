"""The strategies of identification, and what each says when it fails.

A strategy takes a question and returns an estimand, or raises an error with the reason and a
witness. `STRATEGIES` lists them in the order in which they are tried; one is added by writing its
module and one function here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import mask_of
from causalkit.identification._question import PlainQuestion, Question
from causalkit.identification.adjustment._optimal import optimal_set
from causalkit.identification.adjustment.criterion import Frame
from causalkit.identification.adjustment.sets import nearest_set
from causalkit.identification.classes.cpdag import identified_in_class
from causalkit.identification.classes.lv_ida import possible_in_pag
from causalkit.identification.classes.pag import identified_in_pag
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.estimand import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.identification.frontdoor.estimand import FrontdoorEstimand, frontdoor_estimand
from causalkit.identification.general.functional import FunctionalEstimand
from causalkit.identification.general.general import identified
from causalkit.identification.instrument.estimand import InstrumentEstimand, instrument_estimand
from causalkit.identification.query import EffectQuery, listed
from causalkit.identification.series.lagged import LaggedQuestion
from causalkit.identification.series.possible import possible_in_series
from causalkit.typing import Name

__all__ = ["AUTOMATIC", "STRATEGIES", "Strategy", "by_instrument", "open_path"]

_MOST_CLASSES: Final = 10_000


class Strategy(Protocol):
    """From a question to an estimand, or a NotIdentifiableError that says why not."""

    def __call__(self, asked: Question, /) -> Estimand: ...


def _no_effect(asked: Question) -> NoEffectEstimand:
    query, facts = asked.query, asked.facts
    if facts.has_effect:
        certain = "a" if len(facts.first_steps) else "possibly a"
        raise NotIdentifiableError(
            f"the {query} need not be zero: the graph has {certain} causal path from "
            f"{listed(query.treatment)} to {listed(query.outcome)}. Use another strategy."
        )
    return NoEffectEstimand(query, asked.graph)


def _adjustment(asked: Question) -> AdjustmentEstimand:
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


def _frontdoor(asked: Question) -> FrontdoorEstimand:
    plain = _one_graph(asked, "a front door")
    query = plain.query
    return frontdoor_estimand(
        plain.graph, query.treatment, query.outcome, given=query.given, observed=plain.observed
    )


def _general(asked: Question) -> FunctionalEstimand:
    plain = _without_steps(asked, "a general formula")
    find = _GENERAL.get(plain.graph.kind, identified)
    return find(plain.graph, plain.query, plain.observed)


_GENERAL: Final = {
    Kind.CPDAG: identified_in_class,
    Kind.MAG: identified_in_pag,
    Kind.PAG: identified_in_pag,
}


def by_instrument(asked: Question) -> InstrumentEstimand:
    """Find instruments, which assumes more than the graph."""
    plain = _one_graph(asked, "an instrument")
    return instrument_estimand(plain.graph, plain.query, plain.observed)


def _compliers(asked: Question) -> InstrumentEstimand:
    plain = _one_graph(asked, "an instrument")
    return instrument_estimand(plain.graph, plain.query, plain.observed, target="compliers")


def _possible(asked: Question) -> PossibleEffects:
    facts = asked.facts
    if isinstance(asked, PlainQuestion) and facts.graph.kind in (Kind.MAG, Kind.PAG):
        return possible_in_pag(facts.graph, asked.query, asked.observed)
    if isinstance(asked, LaggedQuestion) and facts.graph.kind is Kind.PAG:
        return possible_in_series(asked)
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
        tuple(found.values()),
        asked.graph,
        tuple(tuple(classes[key]) for key in found),
    )


STRATEGIES: Mapping[str, Strategy] = {
    "no effect": _no_effect,
    "adjustment": _adjustment,
    "front-door": _frontdoor,
    "general": _general,
    "instrument": by_instrument,
    "compliers": _compliers,
    "possible": _possible,
}
"""Strategies by name, in the order in which they are tried."""

AUTOMATIC: Final = ("no effect", "adjustment", "front-door", "general")
"""Those that give one answer and need nothing but a right graph."""


# --- what stands in the way ---------------------------------------------------------------------


def _not_amenable(query: EffectQuery, facts: Frame) -> NotIdentifiableError:
    edges = facts.undecided
    shown = ", ".join(map(str, edges[:6])) + (", …" if len(edges) > 6 else "")
    if facts.graph.kind is not Kind.CPDAG:
        is_class = facts.graph.kind is Kind.PAG
        list_them = '; or ask for all possible answers: strategy="possible".' if is_class else "."
        return NotIdentifiableError(
            f"the {query} is not identified by adjustment: the {facts.graph.kind.name} does not "
            f"say that {shown} has no hidden cause of both its ends (the edge is not directed and "
            "visible). Measure more variables, so that one of them shows it; if you know the "
            f"hidden causes, draw an ADMG{list_them}",
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


def _not_blocked(asked: Question) -> NotIdentifiableError:
    what, walk = open_path(asked)
    return NotIdentifiableError(
        f"the {asked.query} is not identified by adjustment: {what}. Measure a variable that "
        "blocks it, or allow for hidden confounding: a front door, an instrument, bounds.",
        witness=walk,
    )


def open_path(asked: Question) -> tuple[str, tuple[Edge, ...]]:
    """Words and edges of a non-causal path that no adjustment set blocks."""
    facts = asked.facts
    walk = facts.unblockable(mask_of(facts.graph, asked.query.given))
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
    steps = zip(names[:-1], names[1:], walk.symbols, strict=True)
    if facts.graph.kind is Kind.PAG and facts.member.kind is Kind.ADMG:
        why += (
            ". It may be open in some graph with these marks: each o is read as tail and as arrow"
        )
    what = f"no set blocks the non-causal path {walk.show(facts.graph)}; {why}"
    return what, tuple(Edge(*step) for step in steps)


def _without_steps(asked: Question, what: str) -> PlainQuestion:
    """The question, unless it is about series."""
    if not isinstance(asked, PlainQuestion):
        raise NotIdentifiableError(
            f"{what} for the {asked.query} is not looked for in a graph of series. Ask in a window "
            "of it: identify(graph.unroll(n_steps), ...)."
        )
    return asked


def _one_graph(asked: Question, what: str) -> PlainQuestion:
    """The question, if it is about a single DAG or ADMG."""
    plain = _without_steps(asked, what)
    if plain.graph.kind not in (Kind.DAG, Kind.ADMG):
        raise NotIdentifiableError(
            f"{what} for the {plain.query} is looked for in a DAG or ADMG only, and the graph is a "
            f"{plain.graph.kind.name}. Orient its open edges by background knowledge, or draw an "
            "ADMG."
        )
    return plain
