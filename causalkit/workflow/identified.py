"""The estimand of an analysis, and how its answer is to be read.

Where a class of graphs leaves the effect open, the estimand is the set of possible effects; what
was not measured, what the tests left ambiguous, and a zero that only the graph says, are noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from causalkit._core.table import Table
from causalkit.discovery._setup import as_knowledge
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.identification import (
    Estimand,
    NoEffectEstimand,
    OpenEstimand,
    PossibleEffects,
    identify,
)
from causalkit.identification._strategies import AUTOMATIC
from causalkit.typing import Name
from causalkit.workflow.decisions import Decision
from causalkit.workflow.learnt.answers import possible_effects
from causalkit.workflow.learnt.data_sources import variables_of
from causalkit.workflow.notes import Note

__all__ = ["estimand_of"]


def estimand_of(
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    variables: Table,
    algorithm: DiscoveryAlgorithm | SeriesAlgorithm | None,
    strategy: str | None,
) -> tuple[Estimand, tuple[str, ...], tuple[Decision, ...]]:
    """The estimand, or the possible effects of a class of graphs; notes; and what was tried."""
    notes: list[str] = []
    hidden = tuple(name for name in variables_of(graph) if name not in variables.names)
    if hidden:
        notes.append(f"Not in the data, so treated as hidden: {', '.join(map(str, hidden))}.")
    observed = variables.names if hidden else None
    if algorithm is not None and (ambiguous := getattr(algorithm, "ambiguous_", ())):
        shown = ", ".join(" - ".join(map(str, triple)) for triple in ambiguous[:3])
        text = (
            f"Tests left {len(ambiguous)} triple(s) ambiguous ({shown}{_more(ambiguous, 3)}); "
            "identification reads them as no colliders, so the answer rests on that, too."
        )
        notes.append(Note(text, headline="The tests contradict each other"))
    try:
        estimand, tried = _first_answer(graph, treatment, outcome, observed, strategy)
    except NotIdentifiableError as error:
        if strategy is not None:
            raise
        possible = possible_effects(graph, treatment, outcome, observed)
        if possible is None:
            raise
        estimand = possible
        tried = (_about_possible(possible),)
        notes += _what_is_open(possible, error)
    if isinstance(estimand, NoEffectEstimand):
        notes.append(
            f"The graph has no causal path from {treatment} to {outcome}, so it says that the "
            "effect is zero; nothing was estimated, and there is no interval."
        )
        if algorithm is not None and not _too_far(graph, treatment, outcome):
            why = algorithm.explain(treatment, outcome)
            notes.append(f"{treatment} and {outcome}: {why.edge}; {why.adjacency}.")
            notes += _drawn_backwards(graph, treatment, outcome, algorithm)
    return estimand, tuple(notes), tried


def _drawn_backwards(
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    algorithm: DiscoveryAlgorithm | SeriesAlgorithm,
) -> Iterator[Note]:
    """That a learnt graph makes the outcome a cause of the treatment, and what to do about it."""
    if not isinstance(graph, CausalGraph) or outcome not in graph.ancestors(treatment):
        return
    known = as_knowledge(getattr(algorithm, "knowledge", None))
    if any(cause == outcome for cause, _ in known.required):
        return
    yield Note(
        f"The graph that was learnt makes {outcome} a cause of {treatment}, and so the effect "
        "zero. Directions are where a search errs first. If it cannot be so, say it, and the "
        f"search will look for the best graph without it. That {outcome} comes after all else is "
        f"Knowledge(tiers=[[name for name in data if name != {outcome!r}], [{outcome!r}]]).",
        headline=f"The learnt graph runs from {outcome} to {treatment}",
    )


def _too_far(graph: CausalGraph | LaggedGraph, treatment: Name, outcome: Name) -> bool:
    """Whether no link was looked for between the two, which are too many steps apart."""
    if not isinstance(graph, LaggedGraph):
        return False
    past, now = graph.node(treatment), graph.node(outcome)
    return past.lag - now.lag > graph.max_lag or past.name == now.name


def _first_answer(
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    observed: tuple[Name, ...] | None,
    strategy: str | None,
) -> tuple[Estimand, tuple[Decision, ...]]:
    """What `identify` answers, and why the strategies that come before do not."""
    tried: list[Decision] = []
    names = _automatic(graph)
    for name in names if strategy is None else (strategy,):
        try:
            found = identify(graph, treatment, outcome, observed=observed, strategy=name)
        except NotIdentifiableError as error:
            tried.append(Decision("identification", f"not by {name!r}", str(error)))
            continue
        first = f"the first strategy of {_quoted(names)} to answer"
        why = "given as `strategy`" if strategy else first
        if choice := getattr(found, "choice", ""):
            why += f"; {choice}"
        return found, (Decision("identification", _answer(name, found), why), *tried)
    # None does: the error that says most is raised there.
    return identify(graph, treatment, outcome, observed=observed, strategy=strategy), ()


def _automatic(graph: CausalGraph | LaggedGraph) -> tuple[str, ...]:
    """The strategies that `identify` tries; of series only the first two."""
    return AUTOMATIC[:2] if isinstance(graph, LaggedGraph) else AUTOMATIC


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))


def _answer(strategy: str, found: Estimand) -> str:
    adjustment = getattr(found, "adjustment", None)
    if adjustment is None:
        return strategy
    return f"{strategy}, for {', '.join(map(str, adjustment)) or 'nothing'}"


def _about_possible(possible: PossibleEffects) -> Decision:
    choices = dict.fromkeys(getattr(answer, "choice", "") for answer in possible)
    sets = "; of each, ".join(("", *filter(None, choices)))
    return Decision(
        "identification",
        f"all {len(possible)} answers that the class of graphs leaves possible",
        f"none of {_quoted(_automatic(possible.graph))} gives one answer that holds in every graph "
        f"of the class{sets}",
    )


def _what_is_open(estimand: PossibleEffects, error: NotIdentifiableError) -> Iterator[str]:
    """Why there are several answers, in words."""
    if estimand.graph.kind is Kind.CPDAG:
        edges: tuple[Any, ...] = error.witness
    else:
        turned = {
            frozenset((edge.left, edge.right))
            for orientations in estimand.orientations
            for edge in chain.from_iterable(orientations)
        }
        open_edges = estimand.graph.edges()
        edges = tuple(edge for edge in open_edges if {edge.left, edge.right} in turned)
    shown = ", ".join(map(str, edges[:6])) + _more(edges, 6)
    yield Note(
        f"The graph does not orient {shown}, which decides the effect, so the answer is the set of "
        "effects over all orientations. Knowledge of a direction would narrow it.",
        headline="The graph does not say which way some edges go",
    )
    for answer in estimand:
        if isinstance(answer, OpenEstimand):
            yield (
                f"In some of these graphs no adjustment identifies the effect: {answer.reason}. "
                "Unless they are ruled out, the data do not bound it."
            )


def _more(listed: tuple[Any, ...], shown: int) -> str:
    return ", …" if len(listed) > shown else ""
