"""A question as strategies see it: a query, its graph, and what the criterion needs to know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.lagged import has_step
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import Frame, frame
from causalkit.identification.classes.equivalence_class import possibly_caused, refinements
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.identification.series.lagged import LaggedQuestion
from causalkit.typing import Name, Names

__all__ = ["PlainQuestion", "Question", "ask"]


class Question(Protocol):
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

    def finer(self) -> Iterator[Question]:
        """The same question in sub-classes that answer it."""


@dataclass(frozen=True, slots=True)
class PlainQuestion:
    """A question about a plain graph."""

    query: EffectQuery
    facts: Frame
    observed: tuple[Name, ...] | None

    @property
    def graph(self) -> CausalGraph:
        return self.facts.graph

    def finer(self) -> Iterator[PlainQuestion]:
        facts = self.facts
        for graph in refinements(facts.graph, facts.treatment, facts.outcome):
            yield replace(self, facts=frame(graph, self.query, self.observed))


def ask(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None,
    observed: Names | None,
    max_adjustment_lag: int | None,
) -> Question:
    """Read and check a question.

    Raises
    ------
    InputError
        If names are unknown, have two roles or are not observed; if `given` has what the treatment
        may change; or if `max_adjustment_lag` is given and the graph has no steps.
    """
    asked: Question
    if isinstance(graph, str) and any(map(has_step, as_graph(graph).nodes)):
        graph = LaggedGraph.parse(graph)
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
        asked = PlainQuestion(query, facts, None if observed is None else as_names(observed))
    facts = asked.facts
    late = possibly_caused(facts.graph, facts.treatment) & mask_of(facts.graph, asked.query.given)
    if late.any():
        names = listed(tuple(facts.graph.nodes[k] for k in np.flatnonzero(late)))
        raise InputError(
            f"given has {names}, which treatment may change; expected variables that it does not "
            "cause, such as those measured before it. Leave them out, or ask for the effect on "
            "them. P(outcome | do(treatment), given), which compares no like with like, is what "
            "general_formula is for."
        )
    return asked
