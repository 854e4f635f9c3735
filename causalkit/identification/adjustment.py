"""Covariate adjustment: which sets of covariates turn an association into an effect.

Holding a set Z fixed identifies the effect of X on Y exactly if (generalised adjustment criterion)

0. *amenability*: no path that may be causal starts with an undecided edge at X,
1. *no forbidden node*: Z holds no node on a causal path from X to Y (X aside), and none of its
   descendants: adjusting for these removes part of the effect, or opens a collider,
2. *blocking*: Z blocks every path from X to Y that is not causal.

Condition 2 looks like a question about all paths, and is not. Cut the first edge of every causal
path; in this **proper back-door graph** only non-causal paths are left, so Z has to separate X from
Y there. Every question about adjustment then is a question about separators that avoid the
forbidden nodes: is this one, is there one, list the minimal ones. No path is ever enumerated.

>>> from causalkit.graph import CausalGraph
>>> graph = CausalGraph.parse("A -> X -> M -> Y; A -> B -> Y")
>>> [sorted(found) for found in minimal_adjustment_sets(graph, "X", "Y")]
[['A'], ['B']]
>>> sorted(optimal_adjustment_set(graph, "X", "Y"))
['B']
>>> is_adjustment_set(graph, "X", "Y", ["A", "M"])
False

For a class of graphs (CPDAG, PAG) the forbidden nodes are those of any member, and if the effect is
the same in all members, then one member answers condition 2 for all of them.

References
----------
Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical characterization
and construction of adjustment sets in Markov equivalence classes of ancestral graphs. JMLR 18(220).
van der Zander, B., Liśkiewicz, M., Textor, J. (2019). Separators and adjustment sets in causal
graphs. Artificial Intelligence 270. https://doi.org/10.1016/j.artint.2018.12.006
Henckel, L., Perković, E., Maathuis, M. H. (2022). Graphical criteria for efficient total effect
estimation via adjustment in causal linear models. JRSS B 84(2). https://doi.org/10.1111/rssb.12451
Smucler, E., Sapienza, F., Rotnitzky, A. (2022). Efficient adjustment sets in causal graphical
models with hidden variables. Biometrika 109(1). https://doi.org/10.1093/biomet/asab018
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from causalkit._core.checks import as_names
from causalkit.graph import CausalGraph, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.separation import minimal_separator, minimal_separators
from causalkit.graph.walks import ANCESTORS, DESCENDANTS, mask_of, reach
from causalkit.identification.criterion import Frame, frame
from causalkit.identification.lagged import LaggedQuestion
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, check_roles
from causalkit.typing import BoolArray, Name, Names

__all__ = [
    "is_adjustment_set",
    "minimal_adjustment_set",
    "minimal_adjustment_sets",
    "optimal_adjustment_set",
]


def _ask(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    observed: Names | None,
    max_adjustment_lag: int | None = None,
) -> tuple[CausalGraph, EffectQuery, Frame]:
    """Graph, query and facts; of a graph of series, those of a window."""
    if isinstance(graph, LaggedGraph):
        asked = LaggedQuestion.ask(
            graph,
            treatment,
            outcome,
            observed=observed,
            max_adjustment_lag=max_adjustment_lag,
            joint=True,
        )
        return asked.facts.graph, asked.query, asked.facts
    graph = as_graph(graph)
    query = EffectQuery.within(graph, treatment, outcome)
    return graph, query, frame(graph, query, observed)


def is_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None = (),
    *,
    observed: Names | None = None,
) -> bool:
    """Whether adjusting for `given` identifies the effect of treatment on outcome.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind; in a class of graphs the set has to be valid in every member.
    treatment, outcome : name or names
        What is set, and what is looked at.
    given : name or names
        The covariates to adjust for; may be empty.
    observed : names, optional
        Variables that data has; a set with others in it is no adjustment set.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If names are unknown, or a variable has two roles.
    GraphError
        If a MAG or PAG has edges of selection, or a class has no member.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    The criterion is sound and complete: for a set that fails it there are models with this graph
    in which the adjustment formula gives a wrong effect.

    Examples
    --------
    >>> is_adjustment_set("Z -> X -> Y; Z -> Y", "X", "Y", "Z")
    True
    >>> is_adjustment_set("A -> M <- B; A -> X -> Y; B -> Y", "X", "Y", "M")  # M-bias
    False
    """
    names, reach = as_names(given), None
    if isinstance(graph, LaggedGraph):
        names = tuple(graph.node(name) for name in names)
        reach = max((name.lag for name in names), default=0)  # type: ignore[union-attr]
    graph, query, facts = _ask(graph, treatment, outcome, observed, reach)
    mask = mask_of(graph, names)
    check_roles(treatment=query.treatment, outcome=query.outcome, given=names)
    return facts.is_valid(mask)


def minimal_adjustment_sets(
    graph: GraphLike, treatment: Names, outcome: Names, *, observed: Names | None = None
) -> Iterator[frozenset[Name]]:
    """Yield all adjustment sets from which no variable can be dropped.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    observed : names, optional
        Variables that data has; only these are used.

    Yields
    ------
    frozenset of names
        There may be exponentially many; they come one by one.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> graph = "A -> X -> Y; A -> B -> Y; A -> C -> Y"
    >>> [sorted(found) for found in minimal_adjustment_sets(graph, "X", "Y")]
    [['A'], ['B', 'C']]
    """
    graph, query, facts = _ask(graph, treatment, outcome, observed)
    if facts.undecided:
        return
    allowed = graph.names(np.flatnonzero(facts.allowed))
    yield from minimal_separators(
        facts.backdoor_graph(), query.treatment, query.outcome, within=allowed
    )


def minimal_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    include: Names | None = (),
    observed: Names | None = None,
) -> frozenset[Name] | None:
    """Find the minimal adjustment set that is nearest to the outcome.

    Among minimal sets this one leaves the least variance (Smucler et al. 2022). It is
    not always the smallest in number.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    include : name or names
        Covariates that the set must have; it is minimal among those that have them.
    observed : names, optional
        Variables that data has; only these are used.

    Returns
    -------
    frozenset of names, or None
        None if adjustment does not identify the effect.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> sorted(minimal_adjustment_set("A -> X -> Y; A -> B -> Y; U -> X", "X", "Y"))
    ['B']
    """
    graph, query, facts = _ask(graph, treatment, outcome, observed)
    names = as_names(include)
    check_roles(treatment=query.treatment, outcome=query.outcome, include=names)
    return nearest_set(facts, query, names)


def nearest_set(
    facts: Frame, query: EffectQuery, include: tuple[Name, ...]
) -> frozenset[Name] | None:
    """Do the work of :func:`minimal_adjustment_set`."""
    if facts.undecided or not facts.permits(mask_of(facts.graph, include)):
        return None
    allowed = facts.graph.names(np.flatnonzero(facts.allowed))
    return minimal_separator(
        facts.backdoor_graph(), query.outcome, query.treatment, include=include, within=allowed
    )


def optimal_adjustment_set(
    graph: GraphLike, treatment: Names, outcome: Names, *, observed: Names | None = None
) -> frozenset[Name] | None:
    """Find the adjustment set with the smallest asymptotic variance: the O-set.

    It holds the direct causes of the outcome and of the nodes between, as far as they are not
    themselves between: what explains the outcome, and nothing that explains only the treatment.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    observed : names, optional
        Variables that data has.

    Returns
    -------
    frozenset of names, or None
        None where there is no such set, or none is known: if adjustment does not identify the
        effect; if hidden common causes act on the outcome or on nodes between (then often no set
        is best in all models with that graph), or the set has a variable that is not observed; or
        if there is no causal path to begin with.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph,
    - for optimality, a linear model estimated by least squares, or a nonparametric one estimated
      by an efficient method such as AIPW (Rotnitzky & Smucler 2020).

    Examples
    --------
    >>> sorted(optimal_adjustment_set("A -> X -> Y; A -> Y; I -> X; C -> Y", "X", "Y"))
    ['A', 'C']

    References
    ----------
    Henckel, Perković, Maathuis (2022). https://doi.org/10.1111/rssb.12451
    Rotnitzky, A., Smucler, E. (2020). Efficient adjustment sets for population average causal
    treatment effect estimation in graphical models. JMLR 21(188).
    """
    _, _, facts = _ask(graph, treatment, outcome, observed)
    return optimal_set(facts)


def optimal_set(facts: Frame) -> frozenset[Name] | None:
    """Do the work of :func:`optimal_adjustment_set`.

    In a class all members have the same O-set if the effect is identified (Henckel et al. 2022), so
    the one member at hand will do. Hidden common causes are nodes that are not observed: where none
    of them is in the O-set of the graph that draws them as nodes, it is the best of all. A MAG does
    not say where they are.
    """
    if facts.graph.kind in (Kind.MAG, Kind.PAG):
        return None
    member, treatment = facts.member, facts.treatment
    below = reach(member, facts.first_nodes, DESCENDANTS, avoid=treatment)
    above = reach(member, facts.outcome, ANCESTORS, avoid=treatment)
    between = below & above
    if member.bidirected[between].any():
        return None
    parents = member.directed[:, between].any(axis=1)
    best: BoolArray = parents & ~treatment & ~reach(member, between, DESCENDANTS)
    return member.names(np.flatnonzero(best)) if facts.is_valid(best) else None
