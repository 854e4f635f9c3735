"""Answers of identification: what to compute from data, and what makes that an effect.

Three values, one shape::

    AdjustmentEstimand   compare treatments within strata of a set of covariates
    NoEffectEstimand     the graph has no causal path, so the effect is zero
    PossibleEffects      the graph leaves a few answers open; these are all of them

Each prints its formula and its assumptions, and `estimate(data)` turns it into a number. None of
them has seen data.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from causalkit._core.report import Report, Reported
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification.expression import (
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

__all__ = ["AdjustmentEstimand", "Estimand", "NoEffectEstimand", "PossibleEffects"]


class Estimand(Reported):
    """What every estimand has: a query, a graph, a formula, assumptions, and a way to numbers."""

    __slots__ = ()

    query: EffectQuery
    graph: CausalGraph | LaggedGraph

    @property
    @abstractmethod
    def expression(self) -> Expression:
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
        random_state: RandomState = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> Effect | EffectSet:
        """Compute the effect from data; see :func:`causalkit.estimation.estimate`.

        Possible effects give one effect for each alternative. `panel`, `time` and `mask` name
        columns of series.
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
            _about_graph(self.graph),
            f"Positivity: {strata}, every value of {treatment} that is compared occurs.",
            _consistency(treatment),
        )

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [
            ("formula", self.expression),
            ("adjust for", ", ".join(map(str, self.adjustment)) or "nothing"),
        ]
        if self.choice:
            facts.append(("this set", self.choice))
        return _report(self, facts)


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
            _about_graph(self.graph),
        )

    def _report(self) -> Report:
        return _report(self, [("formula", self.expression), ("effect", "zero, by the graph alone")])


@dataclass(frozen=True, slots=True, repr=False)
class PossibleEffects(Estimand):
    """All effects that agree with a class of graphs: one alternative per way to decide its edges.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    alternatives : tuple of AdjustmentEstimand or NoEffectEstimand
        Distinct answers; exactly one of them is right if the class is.
    graph : CausalGraph or LaggedGraph
        The class of graphs.
    classes : tuple of tuple of CausalGraph or LaggedGraph
        For each alternative the sub-classes of `graph` in which it is the answer. All together
        they are disjoint and make up `graph`.
    """

    query: EffectQuery
    alternatives: tuple[AdjustmentEstimand | NoEffectEstimand, ...]
    graph: CausalGraph | LaggedGraph
    classes: tuple[tuple[CausalGraph | LaggedGraph, ...], ...]

    def __iter__(self) -> Iterator[AdjustmentEstimand | NoEffectEstimand]:
        return iter(self.alternatives)

    def __len__(self) -> int:
        return len(self.alternatives)

    @property
    def orientations(self) -> tuple[tuple[tuple[Edge, ...], ...], ...]:
        """For each alternative, the edges at the treatment that each of its sub-classes decides."""
        return tuple(
            tuple(_decided(self.graph, finer, self.query.treatment) for finer in classes)
            for classes in self.classes
        )

    def n_members(self) -> tuple[int, ...]:
        """Count, for each alternative, the DAGs (of series) in the class that it stands for.

        Notes
        -----
        The counts are no probabilities: the DAGs of a class are equally compatible with the data,
        which does not make them equally likely.
        """
        from causalkit.graph.equivalence import class_size

        return tuple(
            sum(class_size(_template(finer)) for finer in classes) for classes in self.classes
        )

    @property
    def expression(self) -> Equation:
        """The formula of the only alternative; several have several, see `alternatives`."""
        if len(self.alternatives) == 1:
            return self.alternatives[0].expression
        return Equation(self.query.expression, _OneOf(tuple(a.expression.right for a in self)))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the effect to be among the alternatives."""
        treatment = listed(self.query.treatment)
        return (
            _about_graph(self.graph),
            f"Positivity: in every stratum of each adjustment set, every value of {treatment} "
            "that is compared occurs.",
            _consistency(treatment),
        )

    def _report(self) -> Report:
        rows = [
            (k + 1, _what(answer), " or ".join(_edges(edges) for edges in orientations))
            for k, (answer, orientations) in enumerate(
                zip(self.alternatives, self.orientations, strict=True)
            )
        ]
        notes = [f"One of {len(rows)} answers is right; data cannot tell which."]
        return Report(
            title=f"Possible {_effects(self.query)}",
            facts=[("asked", self.query.expression), ("class", _kind_words(self.graph))],
            columns=("", "answer", "if"),
            rows=rows,
            notes=[*(notes if len(rows) > 1 else []), *_bulleted(self.assumptions)],
        )


@dataclass(frozen=True, slots=True)
class _OneOf(Expression):
    """One of several formulas."""

    options: tuple[Expression, ...]

    def to_text(self) -> str:
        """One line of plain text."""
        return f"one of {{{'; '.join(option.to_text() for option in self.options)}}}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        options = r",\; ".join(option.to_latex() for option in self.options)
        return rf"\text{{one of }} \left\{{{options}\right\}}"


# --- words --------------------------------------------------------------------------------------


def _about_graph(graph: CausalGraph | LaggedGraph) -> str:
    sentence = _RIGHT[graph.kind]
    if isinstance(graph, LaggedGraph):
        sentence += " It is the same at every step, and so are the effects (stationarity)."
    return sentence


_RIGHT: Final = {
    Kind.DAG: "The graph is right: every common cause of its variables, and every direct cause "
    "among them, is in it.",
    Kind.ADMG: "The graph is right: every direct cause is an edge, and every hidden common cause "
    "is drawn as <->.",
    Kind.CPDAG: "The class of graphs is right: no hidden common causes (causal sufficiency), and "
    "independences in the data are those of the graph (Markov and faithful). It holds in every DAG "
    "of the class.",
    Kind.MAG: "The graph is right: its arrows and tails say what is an ancestor of what, and "
    "nothing separates variables that are joined. Hidden common causes are allowed, selection is "
    "not.",
    Kind.PAG: "The class of graphs is right: independences in the data are those of the graph "
    "(Markov and faithful), and data were not selected. Hidden common causes are allowed. It holds "
    "in every graph of the class.",
}


def _consistency(treatment: str) -> str:
    return (
        f"Consistency: setting {treatment} does what observing {treatment} did, in one version, "
        "and no unit's treatment changes another unit's outcome."
    )


def _kind_words(graph: CausalGraph | LaggedGraph) -> str:
    if isinstance(graph, LaggedGraph):
        size = f"of {len(graph.variables)} series, lags to {graph.max_lag}"
    else:
        size = f"with {len(graph.nodes)} nodes"
    return f"{graph.kind.name} {size}, {len(graph.edges())} edges"


def _template(graph: CausalGraph | LaggedGraph) -> CausalGraph:
    """Edges that end at t, or the graph itself."""
    return graph.template if isinstance(graph, LaggedGraph) else graph


def _effects(query: EffectQuery) -> str:
    return str(query).replace("effect of", "effects of", 1)


def _what(answer: AdjustmentEstimand | NoEffectEstimand) -> str:
    if isinstance(answer, NoEffectEstimand):
        return "no effect"
    return f"adjust for {', '.join(map(str, answer.adjustment)) or 'nothing'}"


def _edges(edges: tuple[Edge, ...]) -> str:
    return ", ".join(map(str, edges)) or "always"


def _bulleted(sentences: tuple[str, ...]) -> list[str]:
    return [f"• {sentence}" for sentence in sentences]


def _report(estimand: Estimand, facts: list[tuple[str, object]]) -> Report:
    title = str(estimand.query)
    return Report(
        title=title[0].upper() + title[1:],
        facts=[*facts, ("graph", _kind_words(estimand.graph))],
        notes=["Assumes:", *_bulleted(estimand.assumptions)],
    )


def _decided(
    coarse: CausalGraph | LaggedGraph,
    fine: CausalGraph | LaggedGraph,
    treatment: tuple[Name, ...],
) -> tuple[Edge, ...]:
    """Edges at the treatment that are undirected in `coarse` and directed in `fine`."""
    where = set(treatment)
    if isinstance(fine, LaggedGraph):
        where = {Lagged(as_lagged(x).name) for x in treatment}
    return tuple(
        edge
        for edge in fine.edges()
        if edge.symbol == "->"
        and where & {edge.left, edge.right}
        and coarse.edges_between(edge.left, edge.right)[0].symbol == "--"
    )
