"""Front doors: the effect of X on Y through mediators that carry all of it, confounded or not.

A hidden common cause of X and Y spoils every comparison of units that differ in X. Mediators M help
if they carry the whole effect and the hidden cause does not reach them. Then the effect of X on M
is seen in the data, so is that of M on Y (X blocks what confounds it), and one is chained to the
other. M is a *front-door set* if

1. M meets every directed path from X to Y,
2. no back-door path from X to M is open,
3. X blocks every back-door path from M to Y.

>>> from causalkit.identification import identify
>>> print(identify("X -> M -> Y; X <-> Y", "X", "Y").expression)
E[Y | do(X=x)] = Σ_{m} P(M=m | X=x) (Σ_{x'} E[Y | X=x', M=m] P(X=x'))

*Conditional front door.* Covariates W may be held fixed throughout. Then W, which X must not
affect, blocks in 2, X and W block in 3, and the formula is averaged over W:

>>> graph = "X -> M -> Y; X <-> Y; W -> X; W -> M; W -> Y"
>>> frontdoor_set(graph, "X", "Y") is None
True
>>> conditional_frontdoor(graph, "X", "Y")
(frozenset({'M'}), frozenset({'W'}))

Back-door paths of a set are proper: they leave it by an arrow into it, and do not come back. So 2
reads "W separates X from M once the edges out of X are cut", and 3 "X and W separate M from Y once
the edges out of M are cut". Whatever satisfies 1-3 gives the effect by the formula (three rules of
do-calculus say so); the reverse is not true. How sets are found:
:mod:`~causalkit.identification.frontdoor._search`.

References
----------
Pearl, J. (1995), "Causal diagrams for empirical research". Biometrika 82(4).
https://doi.org/10.1093/biomet/82.4.669
Jeong, H., Tian, J., Bareinboim, E. (2022). Finding and listing front-door adjustment sets. NeurIPS
35. https://doi.org/10.48550/arXiv.2210.05816
Wienöbst, M., van der Zander, B., Liśkiewicz, M. (2024). Linear-time algorithms for front-door
adjustment in causal graphs. AAAI 38(18). https://doi.org/10.1609/aaai.v38i18.30043
Xu, Z., Cheng, D., Li, J., Liu, J., Liu, L., Yu, K. (2024). Causal inference with conditional
front-door adjustment and identifiable variational autoencoder. ICLR.
https://doi.org/10.48550/arXiv.2310.01937
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from causalkit._core.checks import as_names
from causalkit.identification.adjustment.criterion import observed_mask
from causalkit.identification.frontdoor._search import Door
from causalkit.identification.general.mixed import Mixed
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, check_roles
from causalkit.typing import Name, Names

__all__ = [
    "conditional_frontdoor",
    "door_of",
    "frontdoor_set",
    "frontdoor_sets",
    "is_frontdoor_set",
    "minimal_frontdoor_set",
    "minimal_frontdoor_sets",
]

_MOST_SHOWN = 6  # names of covariates in an error


# --- sets of mediators --------------------------------------------------------------------------


def is_frontdoor_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    mediators: Names | None,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> bool:
    """Whether the front-door formula through `mediators` gives the effect of treatment on outcome.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        DAG or ADMG.
    treatment, outcome : name or names
        What is set, and what is looked at.
    mediators : name or names
        What should carry the effect; empty if there is no effect to carry.
    given : name or names
        Covariates to hold fixed throughout. A set with one that treatment affects is no front door.
    observed : names, optional
        Variables that data has; a set with others in it is no front door.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If names are unknown, or a variable has two roles.
    GraphError
        If the graph is neither DAG nor ADMG.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    Examples
    --------
    >>> graph = "smoking -> tar -> cancer; smoking <-> cancer"
    >>> is_frontdoor_set(graph, "smoking", "cancer", "tar")
    True
    >>> is_frontdoor_set(graph + "; smoking <-> tar", "smoking", "cancer", "tar")
    False
    """
    names = as_names(mediators)
    door = door_of(graph, treatment, outcome, given, observed, mediators=names)
    return door.is_valid(door.mixed.bits(names))


def frontdoor_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    include: Names | None = (),
    observed: Names | None = None,
) -> frozenset[Name] | None:
    """Find the largest front-door set, in time linear in the size of the graph.

    All others are part of it, and it may hold variables that have nothing to do with the effect.

    Parameters
    ----------
    graph, treatment, outcome, given, observed
        As in :func:`is_frontdoor_set`; so are the errors.
    include : name or names
        Mediators that the set must have.

    Returns
    -------
    frozenset of names, or None
        None if there is no such set.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    Examples
    --------
    >>> sorted(frontdoor_set("X -> A -> B -> Y; X <-> Y; X -> C", "X", "Y"))
    ['A', 'B', 'C']
    """
    names = as_names(include)
    door = door_of(graph, treatment, outcome, given, observed, include=names)
    found = door.best(door.candidates, door.mixed.bits(names))
    return None if found is None else frozenset(door.mixed.names(found))


def minimal_frontdoor_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    include: Names | None = (),
    observed: Names | None = None,
) -> frozenset[Name] | None:
    """Find a front-door set of which no part is one; where possible, that next to the outcome.

    Parameters
    ----------
    graph, treatment, outcome, given, observed
        As in :func:`is_frontdoor_set`; so are the errors.
    include : name or names
        Mediators that the set must have; it is minimal among those that have them.

    Returns
    -------
    frozenset of names, or None
        None if there is no such set.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    Examples
    --------
    >>> sorted(minimal_frontdoor_set("X -> A -> B -> Y; X <-> Y; X -> C", "X", "Y"))
    ['B']
    """
    names = as_names(include)
    door = door_of(graph, treatment, outcome, given, observed, include=names)
    found = door.minimal(door.candidates, door.mixed.bits(names))
    return None if found is None else frozenset(door.mixed.names(found))


def frontdoor_sets(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> Iterator[frozenset[Name]]:
    """Iterate over all front-door sets, a minimal one first.

    There may be exponentially many; the wait for the next one is O(p (p + edges)).

    Parameters
    ----------
    graph, treatment, outcome, given, observed
        As in :func:`is_frontdoor_set`; so are the errors.

    Yields
    ------
    frozenset of names

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    Examples
    --------
    The example of Jeong et al. (2022):

    >>> graph = "X -> A -> B -> Y; A -> C -> Y; A -> D -> Y; X <-> Y; X <-> D"
    >>> sorted(sorted(found) for found in frontdoor_sets(graph, "X", "Y"))
    [['A'], ['A', 'B'], ['A', 'B', 'C'], ['A', 'C']]
    """
    door = door_of(graph, treatment, outcome, given, observed)
    return (frozenset(door.mixed.names(found)) for found in door.every())


def minimal_frontdoor_sets(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> Iterator[frozenset[Name]]:
    """Iterate over all front-door sets of which no part is one.

    They come one by one. The first takes polynomial time; for the wait between two of them no such
    bound is known, as a search may come across known ones only.

    Parameters
    ----------
    graph, treatment, outcome, given, observed
        As in :func:`is_frontdoor_set`; so are the errors.

    Yields
    ------
    frozenset of names

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    Examples
    --------
    >>> graph = "X -> A -> B -> Y; X <-> Y"
    >>> sorted(sorted(found) for found in minimal_frontdoor_sets(graph, "X", "Y"))
    [['A'], ['B']]
    """
    door = door_of(graph, treatment, outcome, given, observed)
    return (frozenset(door.mixed.names(found)) for found in door.every_minimal())


def conditional_frontdoor(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> tuple[frozenset[Name], frozenset[Name]] | None:
    """Find mediators, and covariates to hold fixed with them, that make a front door.

    Parameters
    ----------
    graph, treatment, outcome, observed
        As in :func:`is_frontdoor_set`; so are the errors.
    given : name or names
        Covariates that must be held fixed. Others are added only where they are needed.

    Returns
    -------
    (mediators, covariates), two frozensets of names, or None
        Mediators lie between treatment and outcome, none of them can be dropped and, beyond
        `given`, no single covariate can. None if there is no such pair.

    Notes
    -----
    **Assumes:**

    - the graph is the true causal graph; hidden common causes are drawn, at least as `<->`.

    The search is complete and polynomial: it finds a pair wherever any pair satisfies the three
    conditions. A confounder that treatment does not affect becomes a covariate here, even where
    :func:`frontdoor_set` would take it for a mediator. Effects without a front door may still be
    identified by another formula.

    Examples
    --------
    >>> graph = "X -> M -> Y; X <-> Y; W -> M; W -> Y; V -> X; V -> M"
    >>> mediators, covariates = conditional_frontdoor(graph, "X", "Y")
    >>> sorted(mediators), sorted(covariates)
    (['M'], ['V', 'W'])
    """
    door = door_of(graph, treatment, outcome, given, observed)
    found = door.pair()
    if found is None:
        return None
    return frozenset(door.mixed.names(found[0])), frozenset(door.mixed.names(found[1]))


def door_of(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None,
    observed: Names | None,
    **roles: tuple[Name, ...],
) -> Door:
    """Check names and roles, and read the graph."""
    graph = as_graph(graph)
    mixed = Mixed.of(graph)
    query = EffectQuery.within(graph, treatment, outcome)
    held = as_names(given)
    for names in (held, *roles.values()):
        graph.indices(names)
    check_roles(treatment=query.treatment, outcome=query.outcome, given=held, **roles)
    x, y, w = (mixed.bits(names) for names in (query.treatment, query.outcome, held))
    seen = graph.names(np.flatnonzero(observed_mask(graph, query, observed)))
    return Door.ask(mixed, x, y, w, mixed.bits(seen))
