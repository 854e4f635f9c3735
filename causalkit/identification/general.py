r"""General identification: every effect that a graph determines, and a proof where it does not.

Adjustment, the front door and their kin are special cases of one idea (Tian & Pearl). Cut the
graph where the treatment is set. What is left of the outcome's ancestors falls into **districts**,
groups that hang together by hidden causes, and the effect is the product of their Q-factors::

    P(y | do(x)) = Σ Π Q[D]        over the districts D of the ancestors of y without x

Each D lies in one district C of the whole graph, whose Q-factor is known from data. It is found
from that by turns of two steps: sum out what is no ancestor of D, and take the district of D in
what remains (:mod:`~causalkit.identification._factors`). If neither step shrinks C any more, no
formula exists: C and D are a **hedge**, and two models with this graph and the same data differ in
the effect. The search is complete (Shpitser & Pearl; Huang & Valtorta): "not identified" means that
nobody can, without further assumptions.

>>> napkin = "W -> R -> X -> Y; W <-> X; W <-> Y"
>>> print(general_formula(napkin, "X", "Y").expression.right)
[Σ_{w} E[Y | X=x, W=w, R=r] P(X=x | W=w, R=r) P(W=w)] / [Σ_{w} P(X=x | W=w, R=r) P(W=w)]

References
----------
Tian, J., Pearl, J. (2002). A general identification condition for causal effects. AAAI.
Shpitser, I., Pearl, J. (2006). Identification of joint interventional distributions in recursive
semi-Markovian causal models. AAAI. Identification of conditional interventional distributions. UAI.
Huang, Y., Valtorta, M. (2006). Identifiability in causal Bayesian networks: a sound and complete
algorithm. AAAI.
"""

from __future__ import annotations

from dataclasses import dataclass

from causalkit._core.checks import as_names
from causalkit._core.report import Report, Reported
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.identification._factors import Factor, observational
from causalkit.identification._formula import distinct, expected, product, quotient, summed
from causalkit.identification._mixed import Mixed, each
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.criterion import observed_mask
from causalkit.identification.estimand import Estimand
from causalkit.identification.expression import Equation, Expression, Probability, Symbol
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = [
    "Derivation",
    "FunctionalEstimand",
    "Hedge",
    "Step",
    "general_formula",
    "identified_factor",
]


@dataclass(frozen=True, slots=True)
class Hedge:
    """Proof that an effect is not identified.

    Both sets are districts, `inner` lies in `outer` and holds no treatment, `outer` does, and every
    node of `outer` is an ancestor of `inner` within it. What hidden causes do to `outer` then looks
    in data like what the treatment does to `inner`.
    """

    outer: tuple[Name, ...]
    inner: tuple[Name, ...]

    def __str__(self) -> str:
        outer, inner = (", ".join(map(str, names)) for names in (self.outer, self.inner))
        return f"hedge ({{{outer}}}, {{{inner}}})"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a derivation: the rule, what it did, and what came of it."""

    rule: str
    what: str
    formula: Expression | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Derivation(Reported):
    """How a formula came about, step by step."""

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


def general_formula(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> FunctionalEstimand:
    """Identify an effect by the ID algorithm, or one within strata by IDC.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names, optional
        Strata, `P(y | do(x), given)`; they may be affected by the treatment.
    observed : names, optional
        Variables that data has; the others are hidden. Left out, all.

    Returns
    -------
    FunctionalEstimand
        The formula with its derivation.

    Raises
    ------
    NotIdentifiableError
        If no formula exists. Its `witness` holds a :class:`Hedge`.
    GraphError
        If the graph is not a DAG or ADMG.
    InputError
        If names are unknown, have two roles or are not observed.

    Notes
    -----
    **Assumes:**

    - the graph is right, every hidden common cause is in it, as a node or as `<->`.

    References
    ----------
    Shpitser, I., Pearl, J. (2006). Identification of joint interventional distributions in
    recursive semi-Markovian causal models. AAAI.

    Examples
    --------
    >>> answer = general_formula("X -> M -> Y; X <-> Y", "X", "Y")
    >>> print(answer.expression)
    E[Y | do(X=x)] = Σ_{m} P(M=m | X=x) (Σ_{x'} E[Y | X=x', M=m] P(X=x'))
    >>> general_formula("X -> Y; X <-> Y", "X", "Y")
    Traceback (most recent call last):
    ...
    causalkit.errors.NotIdentifiableError: ...
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    return identified(whole, query, None if observed is None else as_names(observed))


def identified(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> FunctionalEstimand:
    """Do the work of :func:`general_formula` for a checked query."""
    seen = observed_mask(graph, query, observed)
    shown = graph if seen.all() else latent_projection(graph, graph.names(seen.nonzero()[0]))
    mixed = Mixed.of(shown)
    steps: list[Step] = []
    if len(shown.nodes) < len(graph.nodes):
        steps.append(Step("projection", f"hide what data does not have: {shown}"))
    x, y, w = (mixed.bits(names) for names in (query.treatment, query.outcome, query.given))
    x, w = _exchanged(mixed, x, y, w, steps)
    formula = _effect(mixed, query, x, y | w, steps)
    if w:
        top = formula
        formula = quotient(top, summed(mixed.names(y), top))
        steps.append(Step("definition", "condition: divide by the sum over the outcome"))
    taken: frozenset[Symbol] = formula.symbols.union(query.outcome, query.treatment, query.given)
    formula = distinct(formula, taken)
    steps.append(Step("result", "", formula))
    return FunctionalEstimand(query, formula, graph, Derivation(query, tuple(steps)))


def _exchanged(mixed: Mixed, x: int, y: int, w: int, steps: list[Step]) -> tuple[int, int]:
    """Turn conditions into actions while rule 2 of do-calculus allows it (IDC)."""
    again = True
    while again:
        again = False
        for node in each(w):
            bit = 1 << node
            others = x | w & ~bit
            if not mixed.connected(bit, others, no_in=x, no_out=bit) & y:
                x, w, again = x | bit, w & ~bit, True
                name = mixed.nodes[node]
                steps.append(Step("rule 2", f"seeing {name} is setting {name}: nothing confounds"))
    return x, w


def _effect(mixed: Mixed, query: EffectQuery, x: int, y: int, steps: list[Step]) -> Expression:
    """P(y | do(x)) as an expression; sums may shadow symbols."""

    def shown(mask: int) -> str:
        return "{" + ", ".join(map(str, mixed.names(mask))) + "}"

    above = mixed.ancestors(y, mixed.all)
    if above != mixed.all:
        steps.append(Step("ID line 2", f"keep the ancestors of the outcome: {shown(above)}"))
    left = mixed.ancestors(y, mixed.all & ~x)
    idle = above & ~x & ~left
    if idle:
        steps.append(Step("ID line 3 (rule 3)", f"{shown(idle)} act through the treatment only"))
    parts = tuple(mixed.districts(left))
    over = mixed.names(left & ~y)
    pieces = " ".join(f"Q[{', '.join(map(str, mixed.names(part)))}]" for part in parts)
    total = f"Σ_{{{', '.join(str(name).lower() for name in over)}}} " if over else ""
    steps.append(Step("ID line 4", f"districts without the treatment: {total}{pieces}"))
    factors = []
    for part in parts:
        known = mixed.district(part, above)
        found = identified_factor(mixed, part, observational(mixed, above).only(known))
        if isinstance(found, Hedge):
            raise _not_identified(query, found)
        formula = found.formula()
        line = "ID line 6" if known == part else "ID line 7"
        what = f"Q{shown(part)} from Q{shown(known)}" if known != part else f"Q{shown(part)}"
        steps.append(Step(line, what, distinct(formula, formula.symbols)))
        factors.append(formula)
    return summed(over, product(factors[::-1]))


def identified_factor(mixed: Mixed, part: int, known: Factor) -> Factor | Hedge:
    """Find `Q[part]` from the Q-factor of a district that holds it, or a hedge.

    Parameters
    ----------
    mixed : Mixed
        The graph.
    part : int
        Nodes that are a district of some ancestral sub-graph.
    known : Factor
        `Q` of a district around it.
    """
    around = known.members
    while around != part:
        above = mixed.ancestors(part, around)
        if above == around:
            return Hedge(mixed.names(around), mixed.names(part))
        around = mixed.district(part, above)
        known = known.without(known.members & ~above).only(around)
    return known


def _not_identified(query: EffectQuery, hedge: Hedge) -> NotIdentifiableError:
    outer, inner = listed(hedge.outer), listed(hedge.inner)
    return NotIdentifiableError(
        f"the {query} is not identified by any formula: hidden causes tie {outer} together, and "
        f"the share of {inner} cannot be told from it ({hedge}). Two models with this graph agree "
        "in all data and differ in the effect. Measure a hidden cause or a variable between, use "
        "an instrument, or ask for bounds.",
        witness=(hedge,),
    )
