"""The answers that a graph, or a class of graphs, gives to a question about an effect.

A DAG has one, if it has any. A CPDAG or PAG in which an edge that matters is not oriented has one
for each way to orient it, and some of a PAG may be open: nothing that was measured says how large
the effect is there.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.identification import (
    AdjustmentEstimand,
    Estimand,
    NoEffectEstimand,
    OpenEstimand,
    PossibleEffects,
    identify,
)
from causalkit.typing import Name

__all__ = ["Answer", "answers_of", "possible_effects"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one graph.

    Attributes
    ----------
    key : tuple
        Answers with one key are one.
    label : str
        In words.
    estimand : Estimand or None
        None where the effect is open.
    world : CausalGraph or LaggedGraph
        The graph, or the sub-class of it that gives this answer.
    part : float
        Part of the graph's weight that is its own.
    """

    key: tuple[Hashable, ...]
    label: str
    estimand: Estimand | None
    world: CausalGraph | LaggedGraph
    part: float


def answers_of(
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    observed: tuple[Name, ...] | None,
    strategy: str | None,
) -> list[Answer]:
    """All answers of a graph; several of a class have equal parts of its weight.

    A class without an answer is split into sub-classes that have one. With a strategy, each of
    them is asked by that strategy; those that it does not answer are open, unless they have no
    causal path: then the effect is zero, however one would have identified another.
    """
    found: Estimand | None
    try:
        found = identify(graph, treatment, outcome, observed=observed, strategy=strategy)
    except NotIdentifiableError:
        found = possible_effects(graph, treatment, outcome, observed)
        if found is None:
            return [_answer(_by("no effect", graph, treatment, outcome, observed), graph, 1.0)]
    if not isinstance(found, PossibleEffects):
        return [_answer(found, graph, 1.0)]
    answers = []
    for estimand, classes in zip(found.alternatives, found.classes, strict=True):
        part = 1 / (len(found) * len(classes))
        for world in classes:
            own: Estimand | None = estimand
            if strategy not in (None, "possible") and not isinstance(own, NoEffectEstimand):
                own = _by(strategy, world, treatment, outcome, observed)
            answers.append(_answer(own, world, part))
    return answers


def _by(
    strategy: str | None,
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    observed: tuple[Name, ...] | None,
) -> Estimand | None:
    """The one answer of a graph by a strategy; None if it has none."""
    try:
        return identify(graph, treatment, outcome, observed=observed, strategy=strategy)
    except NotIdentifiableError:
        return None


def _answer(estimand: Estimand | None, world: CausalGraph | LaggedGraph, part: float) -> Answer:
    if estimand is None:
        return Answer(("open",), "open", None, world, part)
    known = None if isinstance(estimand, OpenEstimand) else estimand
    return Answer(_key(estimand), _label(estimand), known, world, part)


def possible_effects(
    graph: CausalGraph | LaggedGraph,
    treatment: Name,
    outcome: Name,
    observed: tuple[Name, ...] | None,
) -> PossibleEffects | None:
    """All answers that a class of graphs allows; None if none of its members has one."""
    if graph.kind not in (Kind.CPDAG, Kind.PAG):
        return None
    try:
        found = identify(graph, treatment, outcome, observed=observed, strategy="possible")
    except NotIdentifiableError:
        return None
    return found if isinstance(found, PossibleEffects) else None


def _key(estimand: Estimand) -> tuple[Hashable, ...]:
    if isinstance(estimand, AdjustmentEstimand):
        return ("adjustment", frozenset(estimand.adjustment))
    return (type(estimand).__name__, _label(estimand))


def _label(estimand: Estimand) -> str:
    if isinstance(estimand, NoEffectEstimand):
        return "no effect"
    if isinstance(estimand, AdjustmentEstimand):
        return f"adjust for {', '.join(map(str, estimand.adjustment)) or 'nothing'}"
    if isinstance(estimand, OpenEstimand):
        return "open"
    return str(estimand.expression)
