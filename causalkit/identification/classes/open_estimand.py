"""`OpenEstimand`: the treatment may be a cause, and nothing says how much of one.

Of a class of graphs with hidden causes there may be members in which no formula gives the effect:
a hidden cause may do all that the treatment seems to do. Such members are an answer too. Left out,
a list of possible effects would promise that one of them is the truth; so they stand in it as an
estimand that has a reason in the place of a formula, and nothing is estimated for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.report import Report
from causalkit.graph import CausalGraph
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification._sentences import about_graph, estimand_report
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.expression import Equation, Expression, Symbol
from causalkit.identification.query import EffectQuery

__all__ = ["OpenEstimand"]


@dataclass(frozen=True, slots=True, repr=False)
class OpenEstimand(Estimand):
    """The treatment may cause the outcome, and no adjustment set says how much.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    graph : CausalGraph or LaggedGraph
        The class of graphs that leaves it open.
    reason : str
        Why not.
    """

    query: EffectQuery
    graph: CausalGraph | LaggedGraph
    reason: str

    @property
    def expression(self) -> Equation:
        """The causal quantity, and a question mark."""
        return Equation(self.query.expression, _Unknown())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is assumed of the graph; nothing follows from it."""
        return (about_graph(self.graph),)

    def _report(self) -> Report:
        return estimand_report(self, [("formula", "none"), ("because", self.reason)])


@dataclass(frozen=True, slots=True, repr=False)
class _Unknown(Expression):
    """What no formula gives."""

    @property
    def symbols(self) -> frozenset[Symbol]:
        """None."""
        return frozenset()

    def to_text(self) -> str:
        """One line of plain text."""
        return "?"

    def to_latex(self) -> str:
        """LaTeX for math mode."""
        return r"\text{?}"
