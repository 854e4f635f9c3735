"""All answers that a class of graphs leaves open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from causalkit._core.report import Report
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Edge, Kind
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification._sentences import about_graph, bulleted, consistency, kind_words
from causalkit.identification.estimand import AdjustmentEstimand, Estimand, NoEffectEstimand
from causalkit.identification.formulas.expression import Equation, Expression
from causalkit.identification.query import EffectQuery, listed
from causalkit.typing import Name

__all__ = ["PossibleEffects"]


@dataclass(frozen=True, slots=True, repr=False)
class PossibleEffects(Estimand):
    """All effects that agree with a class of graphs: one alternative per way to decide its edges.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    alternatives : tuple of Estimand
        Distinct answers, exactly one of which is right if the class is: adjustment, no effect, or,
        of a PAG, an OpenEstimand for members in which nothing is identified.
    graph : CausalGraph or LaggedGraph
        The class of graphs.
    classes : tuple of tuple of CausalGraph or LaggedGraph
        For each alternative the sub-classes of `graph` in which it is the answer. All together
        they are disjoint and make up `graph`.
    """

    query: EffectQuery
    alternatives: tuple[Estimand, ...]
    graph: CausalGraph | LaggedGraph
    classes: tuple[tuple[CausalGraph | LaggedGraph, ...], ...]

    def __iter__(self) -> Iterator[Estimand]:
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

        Raises
        ------
        InputError
            If the class is a PAG.

        Notes
        -----
        The counts are no probabilities: the DAGs of a class are equally compatible with the data,
        which does not make them equally likely.
        """
        from causalkit.graph.equivalence import class_size

        if self.graph.kind is Kind.PAG:
            raise InputError(
                "n_members() counts DAGs, and the class is a PAG; expected a CPDAG. List the MAGs "
                "of a PAG with pag_members()."
            )
        return tuple(
            sum(class_size(_template(finer)) for finer in classes) for classes in self.classes
        )

    @property
    def expression(self) -> Equation:
        """The formula of the only alternative; several have several, see `alternatives`."""
        if len(self.alternatives) == 1:
            return self.alternatives[0].expression
        options = tuple(_right(answer.expression) for answer in self)
        return Equation(self.query.expression, _OneOf(options))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the effect to be among the alternatives."""
        treatment = listed(self.query.treatment)
        return (
            about_graph(self.graph),
            f"Positivity: in every stratum of each adjustment set, every value of {treatment} "
            "that is compared occurs.",
            consistency(treatment),
        )

    def _report(self) -> Report:
        rows = [
            (k + 1, _what(answer), _first(dict.fromkeys(map(_edges, orientations)), 3, " or "))
            for k, (answer, orientations) in enumerate(
                zip(self.alternatives, self.orientations, strict=True)
            )
        ]
        notes = [f"One of {len(rows)} answers is right; data cannot tell which."]
        return Report(
            title=f"Possible {_effects(self.query)}",
            facts=[("asked", self.query.expression), ("class", kind_words(self.graph))],
            columns=("", "answer", "if"),
            rows=rows,
            notes=[*(notes if len(rows) > 1 else []), *bulleted(self.assumptions)],
        )


@dataclass(frozen=True, slots=True, repr=False)
class _OneOf(Expression):
    """One of several formulas."""

    options: tuple[Expression, ...]

    @property
    def parts(self) -> tuple[Expression, ...]:
        """The formulas."""
        return self.options

    def to_text(self) -> str:
        """One line of plain text."""
        return f"one of {{{'; '.join(option.to_text() for option in self.options)}}}"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        options = r",\; ".join(option.to_latex() for option in self.options)
        return rf"\text{{one of }} \left\{{{options}\right\}}"


# --- words --------------------------------------------------------------------------------------


def _template(graph: CausalGraph | LaggedGraph) -> CausalGraph:
    """Edges that end at t, or the graph itself."""
    return graph.template if isinstance(graph, LaggedGraph) else graph


def _effects(query: EffectQuery) -> str:
    return str(query).replace("effect of", "effects of", 1)


def _right(expression: Expression) -> Expression:
    """What an equation says can be computed."""
    return expression.right if isinstance(expression, Equation) else expression


def _what(answer: Estimand) -> str:
    if isinstance(answer, NoEffectEstimand):
        return "no effect"
    if isinstance(answer, AdjustmentEstimand):
        return f"adjust for {', '.join(map(str, answer.adjustment)) or 'nothing'}"
    return "not identified"


def _edges(edges: tuple[Edge, ...]) -> str:
    return _first(map(str, edges), 6, ", ") or "always"


def _first(parts: Iterable[str], most: int, between: str) -> str:
    """The first parts of a text that may be long."""
    shown = list(islice(parts, most + 1))
    return between.join([*shown[:most], *(["…"] if len(shown) > most else [])])


def _decided(
    coarse: CausalGraph | LaggedGraph,
    fine: CausalGraph | LaggedGraph,
    treatment: tuple[Name, ...],
) -> tuple[Edge, ...]:
    """Edges at the treatment that `coarse` leaves open and `fine` decides."""
    where = set(treatment)
    if fine.kind is Kind.PAG:
        new = [e for e in fine.edges() if e not in coarse.edges_between(e.left, e.right)]
        if isinstance(fine, LaggedGraph):
            series = {as_lagged(x).name for x in treatment}
            where = {x for x in fine.nodes if x.name in series}
        return tuple(e for e in new if where & {e.left, e.right}) or tuple(new)
    if isinstance(fine, LaggedGraph):
        where = {Lagged(as_lagged(x).name) for x in treatment}
    return tuple(
        edge
        for edge in fine.edges()
        if edge.symbol == "->"
        and where & {edge.left, edge.right}
        and coarse.edges_between(edge.left, edge.right)[0].symbol == "--"
    )
