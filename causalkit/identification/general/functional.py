"""What general identification returns: a formula, the steps that lead to it, or a hedge."""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.report import Report, Reported
from causalkit.graph import CausalGraph
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.algebra import expected
from causalkit.identification.formulas.expression import Equation, Expression, Probability
from causalkit.identification.query import EffectQuery, listed
from causalkit.typing import Name

__all__ = ["Derivation", "FunctionalEstimand", "Hedge", "Step"]


@dataclass(frozen=True, slots=True)
class Hedge:
    """Proof that an effect is not identified.

    Both sets are districts, `inner` lies in `outer` and holds no treatment, `outer` does, and every
    node of `outer` is an ancestor of `inner` within it. What hidden causes do to `outer` then looks
    in data like what the treatment does to `inner`.

    Parameters
    ----------
    outer, inner : tuple of names
        The two districts.
    """

    outer: tuple[Name, ...]
    inner: tuple[Name, ...]

    def __str__(self) -> str:
        outer, inner = (", ".join(map(str, names)) for names in (self.outer, self.inner))
        return f"hedge ({{{outer}}}, {{{inner}}})"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation: the rule, what it did, and what came of it.

    Parameters
    ----------
    rule : str
        Such as "ID line 4" or "rule 2".
    what : str
        What it did, in words.
    formula : Expression, optional
        What came of it.
    """

    rule: str
    what: str
    formula: Expression | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Derivation(Reported):
    """How a formula came about, step by step.

    Parameters
    ----------
    query : EffectQuery
        What was asked.
    steps : tuple of Step
        The projection first, the result last.
    """

    query: EffectQuery
    steps: tuple[Step, ...]

    def __len__(self) -> int:
        return len(self.steps)

    def _report(self) -> Report:
        return Report(
            title=f"Derivation of the {self.query}",
            columns=("", "by", "step", "formula"),
            rows=[(k + 1, s.rule, s.what, s.formula) for k, s in enumerate(self.steps)],
        )


@dataclass(frozen=True, slots=True, repr=False)
class FunctionalEstimand(Estimand):
    """The effect is a formula of the distribution of data, of whatever shape.

    Parameters
    ----------
    query : EffectQuery
        What is asked.
    formula : Expression
        The distribution of the outcome under the treatment, without a do.
    graph : CausalGraph
        The graph in which it holds.
    derivation : Derivation
        The steps that lead to it.
    """

    query: EffectQuery
    formula: Expression
    graph: CausalGraph
    derivation: Derivation

    @property
    def expression(self) -> Equation:
        """The formula, for the mean of a single outcome if it can be written so."""
        query = self.query
        if len(query.outcome) == 1:
            mean = expected(self.formula, query.outcome[0])
            if mean is not None:
                return Equation(query.expression, mean)
        return Equation(Probability(query.outcome, query.given, query.treatment), self.formula)

    @property
    def arbitrary(self) -> tuple[Name, ...]:
        """Variables at whose every value the formula says the same."""
        asked = {*self.query.outcome, *self.query.treatment, *self.query.given}
        extra = self.formula.symbols - asked
        return tuple(name for name in self.graph.nodes if name in extra)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect, one plain sentence each."""
        return (
            about_graph(self.graph),
            "Positivity: every combination of values that the formula conditions on occurs.",
            consistency(listed(self.query.treatment)),
        )

    def _report(self) -> Report:
        facts: list[tuple[str, object]] = [("formula", self.expression)]
        if self.arbitrary:
            facts.append(("the same at every value of", listed(self.arbitrary)))
        return estimand_report(self, facts)
