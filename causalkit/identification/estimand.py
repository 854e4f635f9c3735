"""Answers of identification: what to compute from data, and what makes that an effect.

Every estimand prints its formula and its assumptions, and none of them has seen data::

    NoEffectEstimand     the graph has no causal path, so the effect is zero
    AdjustmentEstimand   compare treatments within strata of a set of covariates
    FrontdoorEstimand    through mediators that carry all of the effect     (frontdoor/)
    InstrumentEstimand   by what moves the treatment only                   (instrument/)
    FunctionalEstimand   any other formula of the data                      (general/)
    MediationEstimand    direct, indirect and path-specific effects         (counterfactual/)
    PossibleEffects      the graph leaves a few answers open; all of them   (classes/)
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from causalkit._core.report import Report, Reported
from causalkit.graph import CausalGraph
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.formulas.expression import (
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Sum,
)
from causalkit.identification.query import EffectQuery, listed
from causalkit.typing import Data, Name, RandomState

if TYPE_CHECKING:
    from causalkit.estimation import Effect, EffectSet

__all__ = ["AdjustmentEstimand", "Estimand", "NoEffectEstimand"]


class Estimand(Reported):
    """What every estimand has: a query, a graph, a formula, assumptions, and a way to numbers."""

    __slots__ = ()

    query: EffectQuery
    graph: CausalGraph | LaggedGraph

    @property
    @abstractmethod
    def expression(self) -> Equation:
        """The formula: what is asked = what can be computed."""

    @property
    @abstractmethod
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect, one plain sentence each."""

    def estimate(
        self,
        data: Data,
        estimator: Any = None,
        *,
        clusters: Any = None,
        sample_weight: Any = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        random_state: RandomState = 0,
        roles: Mapping[str, Name | Sequence[Name]] | None = None,
    ) -> Effect | EffectSet:
        """Compute the effect from data; see :func:`causalkit.estimation.estimate`.

        Possible effects give one effect for each alternative. `panel`, `time` and `mask` name
        columns of series; `roles` those that say how rows were measured.
        """
        from causalkit.estimation import estimate

        return estimate(
            self,
            data,
            estimator,
            clusters=clusters,
            sample_weight=sample_weight,
            random_state=random_state,
            panel=panel,
            time=time,
            mask=mask,
            roles=roles,
        )


@dataclass(frozen=True, slots=True, repr=False)
class AdjustmentEstimand(Estimand):
    """The effect is a comparison within strata of the adjustment set, averaged over them.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    adjustment : tuple of names
        Covariates to hold fixed, in the order of the graph; they include `query.given`.
    graph : CausalGraph or LaggedGraph
        The graph (or class of graphs) in which this set is valid.
    choice : str
        Why this set and not another valid one.
    """

    query: EffectQuery
    adjustment: tuple[Name, ...]
    graph: CausalGraph | LaggedGraph
    choice: str = ""

    @property
    def expression(self) -> Equation:
        """The adjustment formula."""
        query = self.query
        over = tuple(name for name in self.adjustment if name not in query.given)
        piece = Expectation if len(query.outcome) == 1 else Probability
        body: Expression = piece(query.outcome, given=(*query.treatment, *over, *query.given))
        if over:
            body = Sum(over, Product((body, Probability(over, given=query.given))))
        return Equation(query.expression, body)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect, one plain sentence each."""
        treatment, outcome = listed(self.query.treatment), listed(self.query.outcome)
        strata = f"among units alike in {listed(self.adjustment)}" if self.adjustment else "overall"
        return (
            f"No unmeasured confounding: {strata}, {treatment} and {outcome} are associated only "
            f"through the effect of {treatment}.",
            about_graph(self.graph),
            f"Positivity: {strata}, every value of {treatment} that is compared occurs.",
            consistency(treatment),
        )

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("formula", self.expression),
            ("adjust for", ", ".join(map(str, self.adjustment)) or "nothing"),
        ]
        if self.choice:
            facts.append(("this set", self.choice))
        return estimand_report(self, facts)


@dataclass(frozen=True, slots=True, repr=False)
class NoEffectEstimand(Estimand):
    """The treatment is no cause of the outcome in the graph, so the effect is zero.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    graph : CausalGraph or LaggedGraph
        The graph (or class of graphs) that has no causal path.
    """

    query: EffectQuery
    graph: CausalGraph | LaggedGraph

    @property
    def expression(self) -> Equation:
        """The outcome is distributed the same whatever the treatment is set to."""
        query = self.query
        piece = Expectation if len(query.outcome) == 1 else Probability
        return Equation(query.expression, piece(query.outcome, given=query.given))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the effect to be zero, one plain sentence each."""
        treatment, outcome = listed(self.query.treatment), listed(self.query.outcome)
        return (
            f"{treatment} is no cause of {outcome}, neither directly nor through others.",
            about_graph(self.graph),
        )

    def _report(self) -> Report:
        return estimand_report(
            self, [("formula", self.expression), ("effect", "zero, by the graph alone")]
        )
