"""Covariates of mediation: one set that makes all natural effects averages of regressions.

The formula for a direct or indirect effect may have any shape. If one set C of covariates, none of
them an effect of the treatment, removes confounding of all three steps at once,

1. C adjusts for the effect of the treatment on mediators and outcome, and
2. C adjusts for the joint effect of treatment and mediators on the outcome,

then both are averages of regressions, and machine-learned, multiply robust estimators are there::

    E[Y under x, M as under x'] = Σ_{c, m} E[Y | X=x, M=m, C=c] P(M=m | X=x', C=c) P(C=c)

References
----------
Pearl, J. (2001). Direct and indirect effects. UAI.
VanderWeele, T. (2015). Explanation in causal inference, ch. 2. Oxford University Press.
"""

from __future__ import annotations

from causalkit._core.checks import as_names
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.adjustment.sets import is_adjustment_set
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, check_roles
from causalkit.typing import Name, Names

__all__ = ["mediation_covariates"]


def mediation_covariates(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    mediators: Names,
    *,
    observed: Names | None = None,
) -> frozenset[Name] | None:
    """Find covariates that remove confounding of treatment, mediators and outcome at once.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A DAG or an ADMG.
    treatment, outcome, mediators : name or names
    observed : names, optional
        Variables that data has; only these are used.

    Returns
    -------
    frozenset of names, or None
        Minimal: none of them can be left out. None if no such set exists; the effects may be
        identified all the same, see
        :func:`~causalkit.identification.counterfactual.mediation.identify_mediation`.

    Raises
    ------
    InputError
        If names are unknown or have two roles, or no mediator is given.

    Notes
    -----
    **Assumes:**

    - the graph is right, every hidden common cause is in it, as a node or as `<->`;
    - a structural model: in every world a unit has the same hidden causes.

    Examples
    --------
    >>> graph = "C -> X -> M -> Y; X -> Y; C -> M; D -> M; D -> Y"
    >>> sorted(mediation_covariates(graph, "X", "Y", "M"))
    ['C', 'D']
    >>> mediation_covariates("X -> L -> M -> Y; X -> Y; L -> Y", "X", "Y", "M") is None
    True
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, ())
    between = as_names(mediators)
    if not between:
        raise InputError("mediators is empty; expected at least one variable on a causal path.")
    whole.indices(between)
    check_roles(treatment=query.treatment, outcome=query.outcome, mediators=between)
    roles = (*query.treatment, *between, *query.outcome)
    seen = observed_mask(whole, query, observed)
    below = mask_of(whole, sorted(whole.descendants(query.treatment), key=whole.index))
    above = mask_of(whole, sorted(whole.ancestors(roles), key=whole.index))
    free = seen & above & ~below & ~mask_of(whole, roles)
    chosen = list(whole.names(free.nonzero()[0]))
    if not _removes(whole, query, between, chosen):
        return None
    for name in tuple(chosen):
        fewer = [other for other in chosen if other != name]
        if _removes(whole, query, between, fewer):
            chosen = fewer
    return frozenset(chosen)


def _removes(
    graph: CausalGraph, query: EffectQuery, mediators: tuple[Name, ...], covariates: list[Name]
) -> bool:
    """Whether they remove confounding of both steps."""
    treatment, outcome = query.treatment, query.outcome
    return is_adjustment_set(
        graph, treatment, (*mediators, *outcome), covariates
    ) and is_adjustment_set(graph, (*treatment, *mediators), outcome, covariates)
