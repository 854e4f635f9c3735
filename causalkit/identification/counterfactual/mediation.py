r"""Mediation: which part of an effect goes through some variables, or along some paths.

A drug lowers blood pressure, and blood pressure acts on the heart; how much of the drug's effect on
the heart goes that way? The natural indirect effect lets the mediator be what it would be under the
drug while all else is as without it. No single experiment does that, and still, for the graph alone
with nothing hidden, the answer is the **mediation formula** (Pearl):

>>> direct = identify_mediation("X -> M -> Y; X -> Y", "X", "Y", "M")
>>> print(direct.expression.right)
Σ_{m} E[Y | X=x, M=m] P(M=m | X=x') - E[Y | X=x']

Each part of an effect is a contrast between two counterfactual worlds, and
:mod:`~causalkit.identification.counterfactual.counterfactual` says whether these are identified. It
is complete, and what can go wrong has a name:

* a **recanting witness** (Avin, Shpitser & Pearl) is a variable that the treatment reaches and that
  passes on the effect both on paths that count and on paths that do not; it would need two values
  at once, as a common cause of mediator and outcome does that is itself an effect of the treatment;
* a **recanting district** (Shpitser) is a group of variables that share hidden causes and hear of
  the treatment on both kinds of paths, as mediator and outcome do where `M <-> Y`.

>>> identify_mediation("X -> M -> Y; X -> Y; M <-> Y", "X", "Y", "M")
Traceback (most recent call last):
...
causalkit.errors.NotIdentifiableError: ...

References
----------
Pearl, J. (2001). Direct and indirect effects. UAI.
Avin, C., Shpitser, I., Pearl, J. (2005). Identifiability of path-specific effects. IJCAI.
Shpitser, I. (2013). Counterfactual graphical models for longitudinal mediation analysis with
unobserved confounding. Cognitive Science 37, 1011-1035. https://doi.org/10.1111/cogs.12058
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from causalkit._core.checks import as_names
from causalkit._core.report import Report
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.identification._sentences import about_graph, consistency, estimand_report
from causalkit.identification.counterfactual._formula import Zero, probability
from causalkit.identification.counterfactual._mediation_checks import (
    Paths,
    check_between,
    check_edges,
    check_joined,
    check_paths,
    edges_of,
    known_effect,
    shown,
    walks_of,
)
from causalkit.identification.counterfactual._mediation_query import (
    EFFECTS,
    AlongEdges,
    AlongPaths,
    MediationQuery,
    PathQuery,
)
from causalkit.identification.counterfactual._worlds import (
    Atom,
    Conflict,
    Numbers,
    Setting,
    World,
    merged,
)
from causalkit.identification.counterfactual.counterfactual import as_setting, explained, hedged
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.algebra import expected
from causalkit.identification.formulas.expression import (
    Difference,
    Equation,
    Expression,
    Symbol,
    Value,
)
from causalkit.identification.general.functional import Hedge
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, check_roles, listed
from causalkit.typing import Name, Names

__all__ = [
    "EFFECTS",
    "MediationEstimand",
    "MediationQuery",
    "PathQuery",
    "identify_mediation",
    "identify_path_effect",
]


_ONE_WORLD: Final = ("total", "controlled direct")


@dataclass(frozen=True, slots=True, repr=False)
class MediationEstimand(Estimand):
    """A part of an effect is a contrast of two formulas.

    Parameters
    ----------
    query : MediationQuery or PathQuery
        What is asked.
    formulas : pair of Expression, or None
        The distribution of the outcome in the two worlds that are compared; None if it is the same
        in both by the graph alone, so that the effect is zero.
    graph : CausalGraph
        The graph in which it holds.
    experiments : bool
        Whether the formulas use experiments.
    """

    query: MediationQuery | PathQuery
    formulas: tuple[Expression, Expression] | None
    graph: CausalGraph
    experiments: bool = False

    @property
    def expression(self) -> Equation:
        """The contrast of means; of probabilities if a mean cannot be written as a formula."""
        asked = self.query.expression
        if self.formulas is None:
            return Equation(asked, Zero())
        left, right = (expected(formula, self.query.outcome[0]) for formula in self.formulas)
        if left is None or right is None:
            return Equation(self.query.distribution, Difference(*self.formulas))
        return Equation(asked, Difference(left, right))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What must be true for the formula to be the effect, one plain sentence each."""
        graph = about_graph(self.graph)
        if self.formulas is None:
            return (graph,)
        query, found = self.query, [graph]
        found.append("Positivity: every combination of values that the formula asks for occurs.")
        if self.experiments:
            found.append("Experiments: each P(... | do(...)) of the formula is known, same units.")
        mediators = query.mediators if isinstance(query, MediationQuery) else ()
        found.append(consistency(listed((*query.treatment, *mediators))))
        if isinstance(query, PathQuery) or query.given or query.effect not in _ONE_WORLD:
            found.append("One unit has the same hidden causes in both worlds that are compared.")
        return tuple(found)

    def _report(self) -> Report:
        return estimand_report(self, [("formula", self.expression)])


def identify_mediation(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    mediators: Names,
    *,
    effect: str = "natural direct",
    given: Names | None = (),
    observed: Names | None = None,
    experiments: bool = False,
) -> MediationEstimand:
    """Identify a direct or indirect effect, or name what stands in the way.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment : name or names
        What is changed from the reference x' to x.
    outcome : name
        What is looked at.
    mediators : name or names
        What carries the indirect part, taken together.
    effect : str
        `"natural direct"`, `"natural indirect"`, `"total direct"`, `"total indirect"`,
        `"controlled direct"` or `"total"`; see Notes.
    given : name or names, optional
        Strata, as they are in the actual world.
    observed : names, optional
        Variables that data has; the others are hidden. Left out, all.
    experiments : bool
        Whether experiments are known as well, or observation only.

    Returns
    -------
    MediationEstimand

    Raises
    ------
    NotIdentifiableError
        Its `witness` is a pair of counterfactuals of the recanting witness or district, or a
        :class:`~causalkit.identification.Hedge` if observation is what does not suffice.
    GraphError
        If the graph is not a DAG or ADMG.
    InputError
        If names are unknown, not observed or have two roles, or a mediator is on no causal path.

    Notes
    -----
    **Assumes:**

    - the graph is right, every hidden common cause is in it, as a node or as `<->`;
    - a structural model: in every world a unit has the same hidden causes.

    ================== =================================================
    natural direct     E[Y under x, M as under x'] - E[Y under x']
    natural indirect   E[Y under x', M as under x] - E[Y under x']
    total direct       E[Y under x] - E[Y under x', M as under x]
    total indirect     E[Y under x] - E[Y under x, M as under x']
    controlled direct  E[Y under x, M set to m] - E[Y under x', M set to m]
    total              E[Y under x] - E[Y under x']
    ================== =================================================

    References
    ----------
    Pearl, J. (2001). Direct and indirect effects. UAI.

    Examples
    --------
    >>> graph = "C -> X -> M -> Y; X -> Y; C -> M; C -> Y"
    >>> indirect = identify_mediation(graph, "X", "Y", "M", effect="natural indirect", given="C")
    >>> print(indirect.expression.right)
    Σ_{m} E[Y | C=c, X=x', M=m] P(M=m | C=c, X=x) - E[Y | C=c, X=x']
    """
    whole = as_graph(graph)
    base = EffectQuery.within(whole, treatment, outcome, given)
    query = MediationQuery(
        base.treatment, base.outcome, base.given, as_names(mediators), known_effect(effect)
    )
    check_roles(
        treatment=base.treatment, outcome=base.outcome, given=base.given, mediators=query.mediators
    )
    mixed = shown(whole, query, observed, query.mediators)
    if not query.mediators:
        raise InputError("mediators is empty; expected at least one variable on a causal path.")
    if effect != "controlled direct":
        check_between(mixed, query)
    arms = [as_setting(mixed, arm.do) for arm in query.arms]
    return _contrast(whole, mixed, query, arms[0], arms[1], experiments)


def identify_path_effect(
    graph: GraphLike,
    treatment: Names,
    outcome: Name,
    paths: Paths | None = None,
    *,
    edges: Iterable[tuple[Name, Name]] | None = None,
    given: Names | None = (),
    observed: Names | None = None,
    experiments: bool = False,
) -> MediationEstimand:
    """Identify the effect along some causal paths only.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment : name or names
        What is changed from the reference x' to x.
    outcome : name
        What is looked at.
    paths : str, sequences of names, or several
        Paths that pass on x, such as `"X -> M -> Y"`; all others pass on x'.
    edges : pairs of names, optional
        In place of paths: all causal paths that use only these edges, at least one.
    given : name or names, optional
        Strata, as they are in the actual world.
    observed : names, optional
        Variables that data has. Paths are written without hidden variables: `X -> H -> Y` with H
        hidden is `X -> Y`.
    experiments : bool
        Whether experiments are known as well, or observation only.

    Returns
    -------
    MediationEstimand

    Raises
    ------
    NotIdentifiableError
        Its `witness` is a pair of counterfactuals of the recanting witness or district, or a
        :class:`~causalkit.identification.Hedge` if observation is what does not suffice.
    GraphError
        If the graph is not a DAG or ADMG, or has no such path or edge.
    InputError
        If names are unknown, not observed or have two roles, neither or both of `paths` and
        `edges` are given, or the edges make up no path.

    Notes
    -----
    **Assumes:**

    - the graph is right, every hidden common cause is in it, as a node or as `<->`;
    - a structural model: in every world a unit has the same hidden causes.

    References
    ----------
    Avin, C., Shpitser, I., Pearl, J. (2005). Identifiability of path-specific effects. IJCAI.
    Shpitser, I. (2013). Counterfactual graphical models for longitudinal mediation analysis with
    unobserved confounding. Cognitive Science 37. https://doi.org/10.1111/cogs.12058

    Examples
    --------
    >>> graph = "X -> Z -> M -> Y; X -> Y; Z -> Y"
    >>> print(identify_path_effect(graph, "X", "Y", "X -> Y").expression.right)
    Σ_{z, m} E[Y | X=x, Z=z, M=m] P(M=m | Z=z) P(Z=z | X=x') - E[Y | X=x']
    >>> identify_path_effect(graph, "X", "Y", "X -> Z -> Y")
    Traceback (most recent call last):
    ...
    causalkit.errors.NotIdentifiableError: ...
    """
    whole = as_graph(graph)
    base = EffectQuery.within(whole, treatment, outcome, given)
    if (paths is None) == (edges is None):
        raise InputError(
            'expected either paths, such as "X -> M -> Y", or edges, such as [("X", "M")]. '
            "Pass one of them."
        )
    walks = edges_of(edges) if edges is not None else walks_of(whole, paths or ())
    along = tuple(" -> ".join(map(str, walk)) for walk in walks)
    query = PathQuery(base.treatment, base.outcome, base.given, along)
    mixed = shown(whole, query, observed, tuple(name for walk in walks for name in walk))
    numbered = [tuple(mixed.where[name] for name in walk) for walk in walks]
    check_edges(mixed, numbered, single=paths is None)
    values = tuple((mixed.where[name], name, Value(name)) for name in query.treatment)
    active: World
    if paths is not None:
        check_paths(mixed, query, numbered)
        active = AlongPaths(frozenset(numbered), values)
    else:
        check_joined(mixed, query, numbered)
        active = AlongEdges(frozenset((w[0], w[1]) for w in numbered), values)
    reference = Setting(tuple(sorted((node, other) for node, _, other in values)))
    return _contrast(whole, mixed, query, active, reference, experiments)


def _contrast(
    whole: CausalGraph,
    mixed: Mixed,
    query: MediationQuery | PathQuery,
    left: World,
    right: World,
    experiments: bool,
) -> MediationEstimand:
    """Compare the outcome in two worlds, within strata of the actual one."""
    outcome = query.outcome[0]
    given = [Atom(mixed.where[name], Setting(), name) for name in query.given]
    arms = [Atom(mixed.where[outcome], world, outcome) for world in (left, right)]
    numbers: Numbers = {}
    graphs = [merged(mixed, (arm, *given), numbers) for arm in arms]
    if graphs[0] == graphs[1]:
        return MediationEstimand(query, None, whole, experiments)
    taken = query.expression.symbols | {outcome}
    for arm in arms:
        best = probability(mixed, [arm], given, experiments=True, taken=taken)
        if isinstance(best, Conflict):
            raise _recanting(query, mixed, best, taken)
    formulas: list[Expression] = []
    for arm in arms:
        found = probability(mixed, [arm], given, experiments=experiments, taken=taken)
        if isinstance(found, Hedge):
            raise hedged(str(query), found, by_experiments=True)
        if isinstance(found, Expression):  # anything else was refused above
            formulas.append(found)
    return MediationEstimand(query, (formulas[0], formulas[1]), whole, experiments)


def _recanting(
    query: MediationQuery | PathQuery, mixed: Mixed, conflict: Conflict, taken: frozenset[Symbol]
) -> NotIdentifiableError:
    why, pair = explained(mixed, conflict, taken)
    label = ""
    if not query.given:
        members = listed(mixed.names(conflict.piece.nodes))
        alone = conflict.first.node == conflict.second.node
        label = f"{members} hold a recanting district: "
        if alone:
            label = f"{mixed.nodes[conflict.first.node]} is a recanting witness: "
    return NotIdentifiableError(
        f"the {query} is not identified, not even from all experiments: {label}{why}. Measure the "
        "hidden causes, count more variables among the mediators or more paths, or ask for a "
        "controlled direct effect.",
        witness=pair,
    )
