"""The estimand of an analysis, and how its answer is to be read.

Where a class of graphs leaves the effect open, the estimand is the set of possible effects; what
was not measured, what the tests left ambiguous, and a zero that only the graph says, are noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from causalkit._core.table import Table
from causalkit.discovery.base import DiscoveryAlgorithm
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Kind
from causalkit.identification import (
    Estimand,
    NoEffectEstimand,
    OpenEstimand,
    PossibleEffects,
    identify,
)
from causalkit.typing import Name
from causalkit.workflow.learnt.answers import possible_effects

__all__ = ["estimand_of"]


def estimand_of(
    graph: CausalGraph,
    treatment: Name,
    outcome: Name,
    variables: Table,
    algorithm: DiscoveryAlgorithm | None,
    strategy: str | None,
) -> tuple[Estimand, tuple[str, ...]]:
    """The estimand; for a class of graphs that leaves the effect open, the possible effects."""
    notes: list[str] = []
    hidden = tuple(name for name in graph.nodes if name not in variables.names)
    if hidden:
        notes.append(f"Not in the data, so treated as hidden: {', '.join(map(str, hidden))}.")
    if algorithm is not None:
        notes.append(
            "The graph was learnt from the same rows. The interval of the effect takes it as "
            "given; interval() also goes over the other graphs that the data leave possible."
        )
    observed = variables.names if hidden else None
    if algorithm is not None and (ambiguous := getattr(algorithm, "ambiguous_", ())):
        shown = ", ".join(" - ".join(map(str, triple)) for triple in ambiguous[:3])
        notes.append(
            f"Tests left {len(ambiguous)} triple(s) ambiguous ({shown}{_more(ambiguous, 3)}); "
            "identification reads them as no colliders, so the answer rests on that, too."
        )
    try:
        estimand = identify(graph, treatment, outcome, observed=observed, strategy=strategy)
    except NotIdentifiableError as error:
        if strategy is not None:
            raise
        possible = possible_effects(graph, treatment, outcome, observed)
        if possible is None:
            raise
        estimand = possible
        notes += _what_is_open(possible, error)
    if isinstance(estimand, NoEffectEstimand):
        notes.append(
            f"The graph has no causal path from {treatment} to {outcome}, so it says that the "
            "effect is zero; nothing was estimated, and there is no interval."
        )
        if algorithm is not None:
            why = algorithm.explain(treatment, outcome)
            notes.append(f"{treatment} and {outcome}: {why.edge}; {why.adjacency}.")
    return estimand, tuple(notes)


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
    yield (
        f"The graph does not orient {shown}, which decides the effect, so the answer is the set of "
        "effects over all orientations. Knowledge of a direction would narrow it."
    )
    for answer in estimand:
        if isinstance(answer, OpenEstimand):
            yield (
                f"In some of these graphs no adjustment identifies the effect: {answer.reason}. "
                "Unless they are ruled out, the data do not bound it."
            )


def _more(listed: tuple[Any, ...], shown: int) -> str:
    return ", …" if len(listed) > shown else ""
