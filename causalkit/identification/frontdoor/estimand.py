"""The front-door estimand, and the strategy that finds one or says why there is none."""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.report import Report
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.walks import Walk
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.expression import (
    Equation,
    Expectation,
    Expression,
    Probability,
    Product,
    Sum,
    Value,
)
from causalkit.identification.frontdoor._search import Door
from causalkit.identification.frontdoor.frontdoor import door_of
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["FrontdoorEstimand", "frontdoor_estimand"]

_MOST_SHOWN = 6  # names of covariates in an error


@dataclass(frozen=True, slots=True, repr=False)
class FrontdoorEstimand(Estimand):
    """The effect goes through mediators: from treatment to them, and from them to the outcome.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    mediators : tuple of names
        Variables that carry all of the effect, in the order of the graph.
    given : tuple of names
        Covariates to hold fixed throughout, in the order of the graph; they include `query.given`.
    graph : CausalGraph
        The graph in which this is a front door.
    """

    query: EffectQuery
    mediators: tuple[Name, ...]
    given: tuple[Name, ...]
    graph: CausalGraph

    @property
    def expression(self) -> Equation:
        """The front-door formula, averaged over the covariates that the query does not fix."""
        query, strata = self.query, self.given
        other = tuple(Value(name) for name in query.treatment)
        piece = Expectation if len(query.outcome) == 1 else Probability
        second = Sum(
            other,
            Product(
                (
                    piece(query.outcome, given=(*other, *self.mediators, *strata)),
                    Probability(other, given=strata),
                )
            ),
        )
        first = Probability(self.mediators, given=(*query.treatment, *strata))
        body: Expression = Sum(self.mediators, Product((first, second)))
        over = tuple(name for name in strata if name not in query.given)
        if over:
            body = Sum(over, Product((Probability(over, given=query.given), body)))
        return Equation(query.expression, body)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect, one plain sentence each."""
        treatment, outcome = listed(self.query.treatment), listed(self.query.outcome)
        mediators = listed(self.mediators)
        strata = f"among units alike in {listed(self.given)}" if self.given else "overall"
        alike = listed((*self.query.treatment, *self.given))
        return (
            f"Full mediation: the whole effect of {treatment} on {outcome} goes through "
            f"{mediators}.",
            f"No unmeasured confounding of the first step: {strata}, {treatment} and {mediators} "
            f"are associated only through the effect of {treatment}.",
            f"No unmeasured confounding of the second step: among units alike in {alike}, "
            f"{mediators} and {outcome} are associated only through the effect of {mediators}.",
            about_graph(self.graph),
            f"Positivity: {strata}, whatever {mediators} may become under a value of {treatment} "
            f"that is compared also occurs with every other value of {treatment}.",
            consistency(treatment),
        )

    def _report(self) -> Report:
        return estimand_report(
            self,
            [
                ("formula", self.expression),
                ("mediators", ", ".join(map(str, self.mediators))),
                ("hold fixed", ", ".join(map(str, self.given)) or "nothing"),
            ],
        )


def frontdoor_estimand(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> FrontdoorEstimand:
    """Find mediators, and covariates if need be, through which the effect can be computed.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        DAG or ADMG.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names
        For an effect within strata of these variables, which become covariates.
    observed : names, optional
        Variables that data has; left out, all.

    Returns
    -------
    FrontdoorEstimand
        Of :func:`conditional_frontdoor`: minimal mediators, covariates only where needed.

    Raises
    ------
    NotIdentifiableError
        If there is no front door. The message says which condition fails; `witness` holds the edges
        of the path that breaks it.
    InputError
        If names are unknown or have two roles, or treatment or outcome is not observed.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`,
    - what the estimand lists under `assumptions`.

    Examples
    --------
    >>> found = frontdoor_estimand("X -> M -> Y; X <-> Y; W -> M; W -> Y", "X", "Y")
    >>> found.mediators, found.given
    (('M',), ('W',))
    >>> print(found.expression.right)
    Σ_{w} P(W=w) (Σ_{m} P(M=m | X=x, W=w) (Σ_{x'} E[Y | X=x', M=m, W=w] P(X=x' | W=w)))
    >>> frontdoor_estimand("X -> M -> Y; X <-> Y; M <-> Y", "X", "Y")
    Traceback (most recent call last):
        ...
    causalkit.errors.NotIdentifiableError: the effect of X on Y is not identified by a front door...
    """
    graph = as_graph(graph)
    query = EffectQuery.within(graph, treatment, outcome, given)
    if graph.kind not in (Kind.DAG, Kind.ADMG):
        raise NotIdentifiableError(
            f"front doors are looked for in a DAG or an ADMG, and this is a {graph.kind.name}; "
            "expected every edge to be -> or <->. Orient the open edges, or use another strategy."
        )
    door = door_of(graph, query.treatment, query.outcome, query.given, observed)
    found = door.pair()
    if found is None:
        raise _no_front_door(query, graph, door)
    mediators, held = (_in_order(graph, door.mixed.names(mask)) for mask in found)
    if not mediators:
        raise NotIdentifiableError(
            f"there is nothing for mediators to carry: the graph has no causal path from "
            f"{listed(query.treatment)} to {listed(query.outcome)}. The effect is zero; use the "
            'strategy "no effect".'
        )
    return FrontdoorEstimand(query, mediators, held, graph)


def _in_order(graph: CausalGraph, names: tuple[Name, ...]) -> tuple[Name, ...]:
    return tuple(sorted(names, key=graph.index))


def _no_front_door(query: EffectQuery, graph: CausalGraph, door: Door) -> NotIdentifiableError:
    """Name the condition that fails, and the path on which it does."""
    start = f"the {query} is not identified by a front door: "
    if not door.sound:
        return NotIdentifiableError(
            f"{start}{listed(query.given)} must be held fixed, and is affected by "
            f"{listed(query.treatment)} or not observed. Ask within strata of other variables."
        )
    wide = door.holding_all()
    found = wide.obstacle(graph)
    path = found.path.show(graph)
    if found.walk is None:
        return NotIdentifiableError(
            f"{start}no variable that could be a mediator is observed on the causal path {path}, "
            "so mediators do not carry all of the effect. Measure one on it, or use another "
            "strategy.",
            witness=_edges(graph, found.path),
        )
    held = _in_order(graph, wide.mixed.names(wide.given))
    shown = listed(held[:_MOST_SHOWN]) + (", …" if len(held) > _MOST_SHOWN else "")
    choice = (
        f" when all that may be held fixed is ({shown}), and if that choice fails, so do all others"
        if held
        else ""
    )
    return NotIdentifiableError(
        f"{start}{found.node} on the causal path {path} cannot be a mediator, as the back-door "
        f"path {found.walk.show(graph)} is open{choice}. Measure what confounds it, or use "
        "another strategy.",
        witness=_edges(graph, found.walk),
    )


def _edges(graph: CausalGraph, walk: Walk) -> tuple[Edge, ...]:
    names = [graph.nodes[k] for k in walk.nodes]
    return tuple(Edge(*step) for step in zip(names[:-1], names[1:], walk.symbols, strict=True))
