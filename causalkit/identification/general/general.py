r"""General identification: every effect that a graph determines, and a proof where it does not.

Adjustment, the front door and their kin are special cases of one idea (Tian & Pearl). Cut the
graph where the treatment is set. What is left of the outcome's ancestors falls into **districts**,
groups that hang together by hidden causes, and the effect is the product of their Q-factors::

    P(y | do(x)) = Σ Π Q[D]        over the districts D of the ancestors of y without x

Each D lies in one district C of the whole graph, whose Q-factor is known from data. It is found
from that by turns of two steps: sum out what is no ancestor of D, and take the district of D in
what remains (:mod:`~causalkit.identification.general.factors`). If neither step shrinks C any more,
no formula exists: C and D are a **hedge**, and two models with this graph and the same data differ
in the effect. The search is complete (Shpitser & Pearl; Huang & Valtorta): "not identified" means
that nobody can, without further assumptions.

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

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from causalkit._core.checks import as_names
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.graph.latent import latent_projection
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.formulas.algebra import distinct, product, quotient, summed
from causalkit.identification.formulas.expression import Expression, Symbol
from causalkit.identification.general.factors import Factor, observational
from causalkit.identification.general.functional import Derivation, FunctionalEstimand, Hedge, Step
from causalkit.identification.general.mixed import Mixed, each
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = ["Derived", "Found", "general_formula", "identified_factor"]


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
    found = _identified(graph, query, observed)
    return _shortened(found) if found.arbitrary else found


def _shortened(found: FunctionalEstimand) -> FunctionalEstimand:
    """Hide variables at whose every value the formula says the same, if there is one without.

    Such a variable may be there because the formula needs it, as R in the napkin, or for nothing.
    """
    query, whole = found.query, found.graph
    asked = {*query.treatment, *query.outcome, *query.given}
    kept = tuple(name for name in whole.nodes if name in asked | found.formula.names)
    small = latent_projection(whole, kept)
    for name in found.arbitrary:
        try:
            shorter = _identified(small, query, tuple(v for v in kept if v != name))
        except NotIdentifiableError:
            continue
        shorter = replace(shorter, graph=whole)
        return _shortened(shorter) if shorter.arbitrary else shorter
    return found


def _identified(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> FunctionalEstimand:
    derived = Derived.of(graph, query, observed)
    mixed = derived.mixed
    above = mixed.ancestors(mixed.bits((*query.outcome, *query.given)), mixed.all)

    def find(part: int) -> Found:
        known = mixed.district(part, above)
        found = identified_factor(mixed, part, observational(mixed, above, known))
        if isinstance(found, Hedge):
            raise _not_identified(query, found)
        if known == part:
            return Found(found, "ID line 6", "a district of the graph")
        return Found(found, "ID line 7", f"from Q{derived.shown(known)}")

    return derived.estimand(find)


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


@dataclass(frozen=True, slots=True)
class Found:
    """The Q-factor of a district, with the rule that gave it."""

    factor: Factor
    rule: str
    how: str


Finder: TypeAlias = Callable[[int], Found]
"""From a district to its Q-factor, or an error."""


@dataclass(frozen=True, slots=True)
class Derived:
    """A derivation in the making: what is asked of which graph, and the steps so far."""

    graph: CausalGraph
    query: EffectQuery
    mixed: Mixed
    steps: list[Step]

    @classmethod
    def of(
        cls, graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
    ) -> Derived:
        """Begin, with hidden nodes marginalised.

        Raises
        ------
        GraphError
            If the graph is not a DAG or ADMG.
        """
        seen = observed_mask(graph, query, observed)
        if seen.all():
            return cls(graph, query, Mixed.of(graph), [])
        kept = latent_projection(graph, graph.names(seen.nonzero()[0]))
        return cls(graph, query, Mixed.of(kept), [Step("projection", f"of hidden nodes: {kept}")])

    def shown(self, mask: int) -> str:
        """A set of nodes in braces."""
        return "{" + ", ".join(map(str, self.mixed.names(mask))) + "}"

    def estimand(self, find: Finder) -> FunctionalEstimand:
        """Assemble the effect from the Q-factors of its districts."""
        query, mixed = self.query, self.mixed
        y = mixed.bits(query.outcome)
        x, w = self._exchanged(mixed.bits(query.treatment), y, mixed.bits(query.given))
        formula = self._joint(x, y | w, find)
        if w:
            formula = quotient(formula, summed(query.outcome, formula))
            self.steps.append(Step("definition", "condition: divide by the sum over the outcome"))
        asked = (*query.outcome, *query.treatment, *query.given)
        taken: frozenset[Symbol] = formula.symbols.union(asked)
        formula = distinct(formula, taken)
        self.steps.append(Step("result", "", formula))
        return FunctionalEstimand(query, formula, self.graph, Derivation(query, tuple(self.steps)))

    def _exchanged(self, x: int, y: int, w: int) -> tuple[int, int]:
        """Turn conditions into actions while rule 2 of do-calculus allows it (IDC)."""
        for node in each(w):
            bit = 1 << node
            if not self.mixed.connected(bit, x | w & ~bit, no_in=x, no_out=bit) & y:
                name = self.mixed.nodes[node]
                self.steps.append(Step("rule 2", f"seeing {name} is as good as setting it"))
                return self._exchanged(x | bit, y, w & ~bit)
        return x, w

    def _joint(self, x: int, y: int, find: Finder) -> Expression:
        """P(y | do(x)) as an expression; sums may shadow symbols."""
        mixed, note = self.mixed, self.steps.append
        above = mixed.ancestors(y, mixed.all)
        left = mixed.ancestors(y, mixed.all & ~x)
        if above != mixed.all:
            note(Step("ID line 2", f"keep what acts on the outcome: {self.shown(above)}"))
        if idle := above & ~x & ~left:
            note(Step("ID line 3", f"{self.shown(idle)} act through the treatment only (rule 3)"))
        over = mixed.names(left & ~y)
        parts = tuple(mixed.districts(left))
        total = f"Σ_{self.shown(left & ~y).lower()} " if over else ""
        note(Step("ID line 4", total + " ".join(f"Q{self.shown(part)}" for part in parts)))
        factors = []
        for part in parts:
            found = find(part)
            formula = found.factor.formula()
            shown = distinct(formula, formula.symbols)
            note(Step(found.rule, f"Q{self.shown(part)}: {found.how}", shown))
            factors.append(formula)
        return summed(over, product(factors[::-1]))


def _not_identified(query: EffectQuery, hedge: Hedge) -> NotIdentifiableError:
    outer, inner = listed(hedge.outer), listed(hedge.inner)
    return NotIdentifiableError(
        f"the {query} is not identified by any formula: hidden causes tie {outer} together, and "
        f"the share of {inner} cannot be told from it ({hedge}). Two models with this graph agree "
        "in all data and differ in the effect. Measure a hidden cause or a variable between, use "
        "an instrument, or ask for bounds.",
        witness=(hedge,),
    )
