"""Probabilities of causation: how often one thing was the reason for another.

No experiment shows what would have happened to the same unit otherwise, so these probabilities are
hardly ever known. But data and graph bound them, and experiments on others narrow the bounds::

    necessity      of those with cause and event: the event would not be, were it not for the cause
    sufficiency    of those with neither: the event would be, had there been the cause
    both           of all: the event with the cause, and not without it

Each joins two worlds with the same hidden causes, one with the cause and one without, and is linear
in the distribution of response types (see :mod:`~causalkit.identification.bounds.bounds`).

References
----------
Pearl (1999), "Probabilities of causation: three counterfactual interpretations and their
identification", doi:10.1023/A:1005233831499. Tian, Pearl (2000), "Probabilities of causation:
bounds and identification", doi:10.1023/A:1018912507879.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit._core.report import Report, Reported
from causalkit.errors import InputError
from causalkit.identification._sentences import bulleted
from causalkit.identification.bounds._query import Problem, Term, World
from causalkit.identification.bounds._question import (
    Question,
    Setting,
    assigned,
    contrasted,
    levels_by_name,
    scored,
)
from causalkit.identification.bounds.bounds import Bounds
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.query import GraphLike, listed
from causalkit.typing import Data, FloatArray, Name, Names

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CausationBounds", "bound_causation"]


@dataclass(frozen=True, slots=True, repr=False)
class CausationBounds(Reported):
    """Bounds of the three probabilities of causation.

    Parameters
    ----------
    necessity : Bounds
        Of those with cause and event, how many would be without the event but for the cause.
    sufficiency : Bounds
        Of those with neither, how many would have the event had they had the cause.
    both : Bounds
        Of all, how many have the event with the cause and not without it.
    """

    necessity: Bounds
    sufficiency: Bounds
    both: Bounds

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each probability."""
        import pandas as pd

        frame = pd.concat([b.to_frame() for b in (self.necessity, self.sufficiency, self.both)])
        frame.insert(0, "of", ["necessity", "sufficiency", "both"])
        return frame

    def _report(self) -> Report:
        named = [("necessity", self.necessity), ("sufficiency", self.sufficiency)]
        rows = [
            (name, b.quantity, b.lower, b.upper, "yes" if b.sharp else "maybe not")
            for name, b in [*named, ("both", self.both)]
        ]
        return Report(
            title="Bounds of the probabilities of causation",
            columns=("", "quantity", "lower", "upper", "sharp"),
            rows=rows,
            notes=["Assumes:", *bulleted(self.both.assumptions)],
        )


def bound_causation(
    graph: GraphLike,
    treatment: Name,
    outcome: Name,
    table: ProbabilityTable | Data,
    *,
    contrast: tuple[Any, Any] | None = None,
    level: Any = None,
    trials: Mapping[Any, float] | None = None,
    observed: Names | None = None,
    monotone: Iterable[tuple[Name, Name]] = (),
    tolerance: float = 0.0,
) -> CausationBounds:
    """Bound the probabilities that a cause was necessary, sufficient, or both, for an event.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment, outcome : name
        The cause, and what has the event as one of its levels.
    table : ProbabilityTable, DataFrame or dict of columns
        The distribution of the observed variables, all discrete.
    contrast : pair of levels, optional
        `(a, b)`: b is the cause, a what would have been in its place. Left out, the lower and the
        higher level of a treatment that has two.
    level : optional
        The level of the outcome that is the event. Left out, the higher of two.
    trials : mapping of level to float, optional
        What experiments on the same population found: the probability of the event under treatment
        set to a level.
    observed : names, optional
        Variables that the table has, if the graph has others too; left out, all.
    monotone : iterable of (cause, effect), optional
        Edges along which more of the cause never lowers the effect in any unit.
    tolerance : float, optional
        How far the table may be from all distributions that graph and assumptions allow.

    Returns
    -------
    CausationBounds
        Necessity is undefined (NaN) if nobody has both cause and event, and sufficiency if nobody
        has neither.

    Raises
    ------
    InputError
        If names or levels are unknown, table or trials contradict the graph, or there are more than
        100,000 joint response types.
    GraphError
        If the graph is no DAG or ADMG.

    Notes
    -----
    **Assumes:**

    - the graph, and the monotone effects if any,
    - that the table, and the trials, are of the population: there is no sampling error.

    References
    ----------
    Tian, J., Pearl, J. (2000). Probabilities of causation: bounds and identification. Annals of
    Mathematics and Artificial Intelligence 28, 287-313. https://doi.org/10.1023/A:1018912507879

    Examples
    --------
    Deaths are rarer among those who took a drug than among others, and an experiment finds hardly
    any harm. Together they show that who took it and died, died because of it (Tian & Pearl 2000):

    >>> from causalkit.identification.formulas.evaluation import ProbabilityTable
    >>> seen = ProbabilityTable([[972, 28], [998, 2]], names=["drug", "death"])
    >>> found = bound_causation("drug -> death; drug <-> death", "drug", "death", seen,
    ...                         trials={1: 0.016, 0: 0.014})
    >>> print(f"{found.necessity.lower:.3f} to {found.necessity.upper:.3f}")
    1.000 to 1.000
    """
    question = Question.of(graph, treatment, outcome, table, observed=observed, monotone=monotone)
    table, names = question.table, question.query.treatment
    settings = contrasted(table, names, contrast)
    if len(names) != 1 or len(settings) != 2:
        raise InputError(
            f"contrast is {contrast!r} for {listed(names)}; expected one treatment, and a pair: "
            "what would have been in the place of the cause, and the cause."
        )
    event = _event_level(table, outcome, level)
    weights = scored(table, outcome, event)
    known = [
        (
            Term(1.0, (World(question.nodes(setting), {question.outcome: weights}),)),
            question.after,
            check_fraction(chance, f"trials[{at!r}]", closed=True),
        )
        for at, chance in levels_by_name(trials, "trials").items()
        for setting in contrasted(table, names, (at,))
    ]
    pair = _Pair(
        question, settings, f"{outcome}={event}", weights, known, question.problem(tolerance)
    )
    return CausationBounds(pair.explained(True), pair.explained(False), pair.everybody())


@dataclass(frozen=True, slots=True)
class _Pair:
    """Worlds without and with the cause, and in them the event."""

    question: Question
    settings: tuple[Setting, ...]
    event: str
    weights: FloatArray
    trials: list[tuple[Term, int, float]]
    problem: Problem

    def explained(self, happened: bool) -> Bounds:
        """Of those with cause and event (neither): how many differ without (with) the cause."""
        question, y = self.question, self.question.outcome
        ways = [(self.event, self.weights), (f"not {self.event}", 1.0 - self.weights)]
        (here, same), (there, opposite) = ways if happened else ways[::-1]
        seen, other = self.settings[::-1] if happened else self.settings
        first = World({}, {**question.indicators(seen), y: same})
        second = World(question.nodes(other), {y: opposite})
        among = f"{assigned(question.table, seen)}, {here}"
        quantity = f"P({there} under {self._do(other)} | {among})"
        share = question.probability(first.weights)
        if share == 0.0:
            return Bounds(quantity, np.nan, np.nan, False, question.assumptions, "nobody is so")
        everything = question.mixed.ancestors(1 << y | question.treatments, question.mixed.all)
        return self._bounds(quantity, Term(1.0 / share, (first, second)), everything)

    def everybody(self) -> Bounds:
        """Among all: the event with the cause, and not without it."""
        question, y, (without, cause) = self.question, self.question.outcome, self.settings
        worlds = (
            World(question.nodes(cause), {y: self.weights}),
            World(question.nodes(without), {y: 1.0 - self.weights}),
        )
        quantity = (
            f"P({self.event} under {self._do(cause)}, not {self.event} under {self._do(without)})"
        )
        return self._bounds(quantity, Term(1.0, worlds), question.after)

    def _do(self, setting: Setting) -> str:
        return f"do({assigned(self.question.table, setting)})"

    def _bounds(self, quantity: str, term: Term, relevant: int) -> Bounds:
        question, mixed = self.question, self.question.mixed
        answer = self.problem.bounds(
            [term],
            relevant,
            crossing=mixed.descendants(question.treatments, mixed.all) & question.after,
            trials=self.trials,
        )
        return Bounds.of(quantity, answer, question.assumptions, (0.0, 1.0))


def _event_level(table: ProbabilityTable, outcome: Name, level: Any) -> Any:
    """The level that is the event."""
    levels = table.levels_of(outcome)
    if level is None and len(levels) != 2:
        raise InputError(
            f"{outcome!r} has {len(levels)} levels; expected level=..., the one that is the event."
        )
    return levels[1] if level is None else level
