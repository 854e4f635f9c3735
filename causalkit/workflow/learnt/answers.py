"""The answers that a graph, or a class of graphs, gives to a question about an effect.

A DAG has one, if it has any. A CPDAG or PAG in which an edge that matters is not oriented has one
for each way to orient it, and some of a PAG may be open: nothing that was measured says how large
the effect is there.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Kind
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
    world : CausalGraph
        The graph, or the sub-class of it that gives this answer.
    part : float
        Part of the graph's weight that is its own.
    """

    key: tuple[Hashable, ...]
    label: str
    estimand: Estimand | None
    world: CausalGraph
    part: float


def answers_of(
    graph: CausalGraph,
    treatment: Name,
    outcome: Name,
    observed: tuple[Name, ...] | None,
    strategy: str | None,
) -> list[Answer]:
    """All answers of a graph; several of a class have equal parts of its weight."""
    try:
        found = identify(graph, treatment, outcome, observed=observed, strategy=strategy)
    except NotIdentifiableError:
        possible = None
        if strategy is None:
            possible = possible_effects(graph, treatment, outcome, observed)
        if possible is None:
            return [Answer(("open",), "open", None, graph, 1.0)]
        found = possible
    if not isinstance(found, PossibleEffects):
        return [Answer(_key(found), _label(found), found, graph, 1.0)]
    answers = []
    for estimand, classes in zip(found.alternatives, found.classes, strict=True):
        part = 1 / (len(found) * len(classes))
        is_open = isinstance(estimand, OpenEstimand)
        for world in classes:
            own = None if is_open else estimand
            key, label = _key(estimand), _label(estimand)
            answers.append(Answer(key, label, own, world, part))  # type: ignore[arg-type]
    return answers


def possible_effects(
    graph: CausalGraph, treatment: Name, outcome: Name, observed: tuple[Name, ...] | None
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
