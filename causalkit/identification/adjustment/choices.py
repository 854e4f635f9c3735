"""Adjustment sets by what they cost: the cheapest one, and the one that takes no choosing.

Measuring a covariate costs money, time or rows, and the set of least variance may ask for many.
:func:`minimum_adjustment_set` weighs what each costs; :func:`canonical_adjustment_set` takes
whatever comes before treatment or outcome, and is a set whenever there is any.

>>> graph = "A -> X -> Y; A -> B -> Y; A -> C -> Y; I -> X"
>>> sorted(minimum_adjustment_set(graph, "X", "Y"))
['A']
>>> sorted(minimum_adjustment_set(graph, "X", "Y", costs={"A": 2.5}))
['B', 'C']
>>> sorted(canonical_adjustment_set(graph, "X", "Y"))
['A', 'B', 'C', 'I']

References
----------
van der Zander, B., Liśkiewicz, M., Textor, J. (2019). Separators and adjustment sets in causal
graphs. Artificial Intelligence 270. https://doi.org/10.1016/j.artint.2018.12.006
Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical characterization
and construction of adjustment sets in Markov equivalence classes of ancestral graphs. JMLR 18(220).
Smucler, E., Rotnitzky, A. (2022). A note on efficient minimum cost adjustment sets in causal
graphical models. Journal of Causal Inference 10(1). https://doi.org/10.1515/jci-2022-0015
"""

from __future__ import annotations

from collections.abc import Mapping

from causalkit.graph import Kind
from causalkit.graph.separation import costs_of
from causalkit.graph.walks import ANCESTORS, POSSIBLE_ANCESTORS, POSSIBLE_ANCESTORS_PAG, reach
from causalkit.identification.adjustment._question import ask, cuts, names_of
from causalkit.identification.query import GraphLike
from causalkit.typing import Name, Names

__all__ = ["canonical_adjustment_set", "minimum_adjustment_set"]


def minimum_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    costs: Mapping[Name, float] | None = None,
    include: Names | None = (),
    observed: Names | None = None,
    forbidden: Names | None = (),
) -> frozenset[Name] | None:
    """Find the adjustment set with the fewest variables, or of least total cost.

    Of several that cost the same, it is the one nearest to the outcome, which leaves the least
    variance (Smucler & Rotnitzky 2022). It is found as a cut of least capacity, by a flow.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    costs : mapping from name to float, optional
        What it costs to measure each covariate, zero or more; one that is not named costs 1.
    include : name or names, optional
        Covariates that the set must have; they are not counted.
    observed : names, optional
        Variables that data has; only these are used.
    forbidden : name or names, optional
        Covariates never to be used.

    Returns
    -------
    frozenset of names, or None
        None if adjustment does not identify the effect.

    Raises
    ------
    InputError
        If names are unknown, a variable has two roles, or a cost is negative or not finite.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> graph = "A -> X -> Y; A -> B -> Y; A -> C -> Y"
    >>> sorted(minimum_adjustment_set(graph, "X", "Y"))
    ['A']
    >>> sorted(minimum_adjustment_set(graph, "X", "Y", costs={"A": 5.0}))
    ['B', 'C']

    References
    ----------
    Smucler, E., Rotnitzky, A. (2022). A note on efficient minimum cost adjustment sets in causal
    graphical models. Journal of Causal Inference 10(1). https://doi.org/10.1515/jci-2022-0015
    """
    _, facts, fixed = ask(graph, treatment, outcome, observed, include=include, forbidden=forbidden)
    price = costs_of(facts.graph, costs)
    if facts.undecided or not facts.permits(fixed):
        return None
    cut = cuts(facts, facts.outcome, facts.treatment, fixed).cheapest(price)
    return None if cut is None else names_of(facts, cut | fixed)


def canonical_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    observed: Names | None = None,
    forbidden: Names | None = (),
) -> frozenset[Name] | None:
    """Give the adjustment set of all possible causes that may be used.

    It is usually large, and valid whenever any set is: all possible ancestors of treatment and
    outcome that are observed and not affected by the treatment on its way to the outcome.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    observed : names, optional
        Variables that data has; only these are used.
    forbidden : name or names, optional
        Covariates never to be used.

    Returns
    -------
    frozenset of names, or None
        None if adjustment does not identify the effect.

    Raises
    ------
    InputError
        If names are unknown, or a variable has two roles.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> sorted(canonical_adjustment_set("A -> X -> M -> Y; A -> B -> Y; Y -> D", "X", "Y"))
    ['A', 'B']
    """
    _, facts, _ = ask(graph, treatment, outcome, observed, forbidden=forbidden)
    tables = {Kind.CPDAG: POSSIBLE_ANCESTORS, Kind.PAG: POSSIBLE_ANCESTORS_PAG}
    table = tables.get(facts.graph.kind, ANCESTORS)
    chosen = reach(facts.graph, facts.treatment | facts.outcome, table) & facts.allowed
    return names_of(facts, chosen) if facts.is_valid(chosen) else None
