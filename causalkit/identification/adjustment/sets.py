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

Why not, says :func:`~causalkit.identification.adjustment.conditions.adjustment_conditions`. Which
of all valid sets to take depends on what matters: the smallest variance (`optimal_adjustment_set`),
few variables and yet little variance (`minimal_adjustment_set`), the lowest price of measuring, or
no choice at all (:mod:`~causalkit.identification.adjustment.choices`).

For a class of graphs (CPDAG, PAG) the forbidden nodes are those of any member, and if the effect is
the same in all members, then one member answers condition 2 for all of them.

References
----------
Perković, E., Textor, J., Kalisch, M., Maathuis, M. H. (2018). Complete graphical characterization
and construction of adjustment sets in Markov equivalence classes of ancestral graphs. JMLR 18(220).
van der Zander, B., Liśkiewicz, M., Textor, J. (2019). Separators and adjustment sets in causal
graphs. Artificial Intelligence 270. https://doi.org/10.1016/j.artint.2018.12.006
Henckel, L., Perković, E., Maathuis, M. H. (2022), "Graphical criteria for efficient total effect
estimation via adjustment in causal linear models". JRSS B 84(2). https://doi.org/10.1111/rssb.12451
Smucler, E., Sapienza, F., Rotnitzky, A. (2022). Efficient adjustment sets in causal graphical
models with hidden variables. Biometrika 109(1). https://doi.org/10.1093/biomet/asab018
"""

from __future__ import annotations

from collections.abc import Iterator
from warnings import warn

from causalkit._core.checks import as_names, check_count
from causalkit.errors import TimeBudgetWarning
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment._optimal import optimal_set
from causalkit.identification.adjustment._question import ask, ask_about, cuts, names_of
from causalkit.identification.adjustment.criterion import Frame
from causalkit.identification.query import EffectQuery, GraphLike
from causalkit.typing import BoolArray, Name, Names

__all__ = [
    "is_adjustment_set",
    "minimal_adjustment_set",
    "minimal_adjustment_sets",
    "optimal_adjustment_set",
]


def is_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    given: Names | None = (),
    *,
    observed: Names | None = None,
    forbidden: Names | None = (),
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
    forbidden : name or names, optional
        Covariates never to be used; a set with one of them is no adjustment set.

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
    _, facts, mask = ask_about(graph, treatment, outcome, given, observed, forbidden)
    return facts.is_valid(mask)


def minimal_adjustment_sets(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    include: Names | None = (),
    observed: Names | None = None,
    forbidden: Names | None = (),
    max_sets: int | None = None,
) -> Iterator[frozenset[Name]]:
    """Yield all adjustment sets from which no variable can be dropped.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    include : name or names, optional
        Covariates that each set must have; sets are minimal among those that have them.
    observed : names, optional
        Variables that data has; only these are used.
    forbidden : name or names, optional
        Covariates never to be used.
    max_sets : int, optional
        Stop after so many. Left out, there is no limit.

    Yields
    ------
    frozenset of names
        There may be exponentially many; they come one by one, those nearer to the treatment first,
        and the wait for the next one is polynomial.

    Raises
    ------
    InputError
        If names are unknown, a variable has two roles, or `max_sets` is no positive integer.

    Warns
    -----
    TimeBudgetWarning
        If there are more than `max_sets`.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph.

    Examples
    --------
    >>> graph = "A -> X -> Y; A -> B -> Y; A -> C -> Y"
    >>> [sorted(found) for found in minimal_adjustment_sets(graph, "X", "Y")]
    [['A'], ['B', 'C']]
    >>> [sorted(found) for found in minimal_adjustment_sets(graph, "X", "Y", forbidden="A")]
    [['B', 'C']]
    """
    limit = None if max_sets is None else check_count(max_sets, "max_sets")
    _, facts, fixed = ask(graph, treatment, outcome, observed, include=include, forbidden=forbidden)
    return _one_by_one(facts, fixed, limit)


def _one_by_one(facts: Frame, fixed: BoolArray, limit: int | None) -> Iterator[frozenset[Name]]:
    if facts.undecided or not facts.permits(fixed):
        return
    problem = cuts(facts, facts.treatment, facts.outcome, fixed)
    for count, cut in enumerate(problem.all()):
        if count == limit:
            warn(
                f"there are more than max_sets={limit} minimal adjustment sets, and those that are "
                "left are not listed. Raise max_sets, leave it out, or ask for one best set: "
                "optimal_adjustment_set or minimum_adjustment_set.",
                TimeBudgetWarning,
                stacklevel=3,
            )
            return
        yield names_of(facts, cut | fixed)


def minimal_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    include: Names | None = (),
    observed: Names | None = None,
    forbidden: Names | None = (),
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
    include : name or names, optional
        Covariates that the set must have; it is minimal among those that have them.
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
    >>> sorted(minimal_adjustment_set("A -> X -> Y; A -> B -> Y; U -> X", "X", "Y"))
    ['B']
    """
    query, facts, _ = ask(graph, treatment, outcome, observed, include=include, forbidden=forbidden)
    return nearest_set(facts, query, as_names(include))


def nearest_set(
    facts: Frame, query: EffectQuery, include: tuple[Name, ...]
) -> frozenset[Name] | None:
    """Do the work of :func:`minimal_adjustment_set`."""
    fixed = mask_of(facts.graph, include)
    if facts.undecided or not facts.permits(fixed):
        return None
    start, goal = (mask_of(facts.graph, names) for names in (query.outcome, query.treatment))
    cut = cuts(facts, start, goal, fixed).nearest()
    return None if cut is None else names_of(facts, cut | fixed)


def optimal_adjustment_set(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    observed: Names | None = None,
    forbidden: Names | None = (),
) -> frozenset[Name] | None:
    """Find the adjustment set with the smallest asymptotic variance: the O-set.

    It holds the direct causes of the outcome and of the nodes between, as far as they are not
    themselves between: what explains the outcome, and nothing that explains only the treatment.
    Where hidden causes act on these, it also holds what shares them, and its direct causes.

    Parameters
    ----------
    graph : CausalGraph, LaggedGraph, str or networkx graph
        Of any kind.
    treatment, outcome : name or names
        What is set, and what is looked at.
    observed : names, optional
        Variables that data has; sets of these are compared.
    forbidden : name or names, optional
        Covariates never to be used; sets without them are compared.

    Returns
    -------
    frozenset of names, or None
        None where there is no such set, or none is known: if adjustment does not identify the
        effect; in a MAG or PAG, which does not say where hidden causes are; of series with hidden
        causes of the outcome or of nodes between; or if hidden causes make it depend on the
        model which set is best, and not on the graph alone. Where the graph has no causal path,
        the empty set if it is valid.

    Raises
    ------
    InputError
        If names are unknown, or a variable has two roles.

    Notes
    -----
    **Assumes:**

    - the graph (or one member of the class) is the true causal graph,
    - for optimality, a linear model estimated by least squares, or a nonparametric one estimated
      by an efficient method such as AIPW (Rotnitzky & Smucler 2020).

    With hidden causes the set is the one that Runge (2021) defines, and it is returned if two
    sufficient conditions hold (:mod:`~causalkit.identification.adjustment._optimal`): no valid set
    beats it in any model with the graph. In few graphs it is the best and None is returned all the
    same.

    Examples
    --------
    >>> sorted(optimal_adjustment_set("A -> X -> Y; A -> Y; I -> X; C -> Y", "X", "Y"))
    ['A', 'C']
    >>> sorted(optimal_adjustment_set("A -> X -> Y; A -> Y; C <-> Y; D -> C", "X", "Y"))
    ['A', 'C', 'D']

    References
    ----------
    Henckel, Perković, Maathuis (2022), "Graphical criteria for efficient total effect estimation
    via adjustment in causal linear models", https://doi.org/10.1111/rssb.12451
    Rotnitzky, A., Smucler, E. (2020). Efficient adjustment sets for population average causal
    treatment effect estimation in graphical models. JMLR 21(188).
    Runge, J. (2021). Necessary and sufficient graphical conditions for optimal adjustment sets in
    causal graphical models with hidden variables. NeurIPS 34. arXiv:2102.10324.
    """
    _, facts, _ = ask(graph, treatment, outcome, observed, forbidden=forbidden)
    return optimal_set(facts)
