r"""Possible effects in a PAG: an answer for every way in which its open edges may turn out.

Where the members of a class of MAGs differ in the effect of X on Y, the honest answer is a list.
LV-IDA (Malinsky & Spirtes) makes it by going through the members; they are too many, and most
differ in what is of no concern to the effect. Here a mark is decided only if the answer hangs on
it, and what follows from it is added by the rules for PAGs (Zhang; Wang et al.), so that a
sub-class is again a graph with circles. Two questions decide, for every edge at X that a causal
path may start with::

    X o-* V    is X a cause of V, or not?                     (the mark at X)
    X -> V     may a hidden cause act on both, or is the      (marks on collider paths into X,
               edge visible?                                   over parents of V)

In a sub-class that leaves none of it open there are three cases. X is no cause of Y. Or every first
edge is visible; then one adjustment set is right in all members, if any set is. Or an edge to what
X causes for sure is visible in no member; hidden causes may do what X seems to do, and no formula
gives the effect.

>>> possible = pag_effects("PAG: A o-o X; X o-o Y", "X", "Y")
>>> for answer in possible:
...     print(type(answer).__name__, answer.expression)
NoEffectEstimand E[Y | do(X=x)] = E[Y]
AdjustmentEstimand E[Y | do(X=x)] = E[Y | X=x]
OpenEstimand E[Y | do(X=x)] = ?

References
----------
Malinsky, D., Spirtes, P. (2017), "Estimating bounds on causal effects in high-dimensional and
possibly confounded systems". International Journal of Approximate Reasoning 88.
https://doi.org/10.1016/j.ijar.2017.06.005
Wang, T.-Z., Qin, T., Zhou, Z.-H. (2023). Estimating possible causal effects with latent variables
via adjustment. ICML, PMLR 202.
Zhang, J. (2008). On the completeness of orientation rules for causal discovery in the presence of
latent confounders and selection bias. https://doi.org/10.1016/j.artint.2008.08.001
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

import numpy as np

from causalkit._core.checks import as_names
from causalkit.errors import GraphError, InputError, NotIdentifiableError
from causalkit.graph import CIRCLE, CausalGraph, Kind
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.graph.walks import mask_of
from causalkit.identification.adjustment.criterion import check_kind, observed_mask
from causalkit.identification.adjustment.sets import minimal_adjustment_set
from causalkit.identification.classes._hinges import hinge_at_treatment, may_cause
from causalkit.identification.classes._pag_splits import Mark, Splits
from causalkit.identification.classes.equivalence_class import possibly_caused, undecided
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.estimand import AdjustmentEstimand, NoEffectEstimand
from causalkit.identification.query import EffectQuery, GraphLike, as_graph, listed
from causalkit.typing import Name, Names

__all__ = [
    "listed_by_answer",
    "mark_or_answer",
    "pag_effects",
    "pag_members",
    "possible_in_pag",
    "settled",
]

_MOST_CLASSES: Final = 10_000


Answer: TypeAlias = AdjustmentEstimand | NoEffectEstimand | OpenEstimand


def pag_effects(
    graph: GraphLike,
    treatment: Names,
    outcome: Names,
    *,
    given: Names | None = (),
    observed: Names | None = None,
) -> PossibleEffects:
    """List the effects of one treatment that agree with a PAG.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A complete PAG, the class of a MAG, without edges of selection. A MAG is a class of one.
    treatment, outcome : name or names
        What is set, and what is looked at. Of several treatments possible effects are listed only
        if there is one.
    given : name or names, optional
        Strata; none of them may be affected by the treatment.
    observed : names, optional
        Variables that data has; left out, all.

    Returns
    -------
    PossibleEffects
        One alternative for each distinct answer: an AdjustmentEstimand, a NoEffectEstimand or an
        :class:`OpenEstimand`, where adjustment does not identify the effect. `classes` holds for
        each the sub-classes that it is the answer for: PAGs with more marks decided.

    Raises
    ------
    NotIdentifiableError
        If adjustment identifies the effect in no member; or if it differs between members, and the
        PAG is not the class of a MAG, there are several treatments, or more than 10,000 sub-classes
        to look at.
    GraphError
        If the graph is of another kind, or has edges of selection.
    InputError
        If names are unknown, have two roles or are not observed, or if `given` may be affected by
        the treatment.

    Notes
    -----
    **Assumes:**

    - one member of the class is the true causal graph; hidden causes are allowed, selection is not.

    Each sub-class has members, together they are the class, and every adjustment set is valid in
    all members of its sub-classes. LV-IDA lists the members one by one; here they come in groups.
    Where `OpenEstimand` names an edge, no formula of any kind exists in these members; where it
    says that no set blocks, another formula may.

    References
    ----------
    Malinsky, D., Spirtes, P. (2017), "Estimating bounds on causal effects in high-dimensional and
    possibly confounded systems", https://doi.org/10.1016/j.ijar.2017.06.005

    Examples
    --------
    >>> possible = pag_effects("PAG: A o-> X; B o-> X; X -> Y", "X", "Y")
    >>> [str(answer.expression) for answer in possible]
    ['E[Y | do(X=x)] = E[Y | X=x]']
    """
    whole = as_graph(graph)
    query = EffectQuery.within(whole, treatment, outcome, given)
    return possible_in_pag(whole, query, None if observed is None else as_names(observed))


def possible_in_pag(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> PossibleEffects:
    """Do the work of :func:`pag_effects` for a checked query."""
    if graph.kind not in (Kind.PAG, Kind.MAG):
        raise GraphError(
            f"the graph is a {graph.kind.name}; expected a PAG or a MAG. For a CPDAG ask "
            'identify(..., strategy="possible").'
        )
    check_kind(graph)
    observed_mask(graph, query, observed)
    treatment = mask_of(graph, query.treatment)
    late = possibly_caused(graph, treatment) & mask_of(graph, query.given)
    if late.any():
        names = listed(tuple(graph.nodes[k] for k in np.flatnonzero(late)))
        raise InputError(
            f"given has {names}, which treatment may change; expected variables that it does not "
            "cause. Leave them out."
        )
    if not undecided(graph, treatment, mask_of(graph, query.outcome)):
        return listed_by_answer(query, graph, [(graph, _one_answer(graph, query, observed))])
    if len(query.treatment) > 1:
        raise NotIdentifiableError(
            f"possible effects of {listed(query.treatment)} together are not listed; expected one "
            "treatment, where a class of graphs leaves the effect open. Ask for each."
        )
    return listed_by_answer(query, graph, settled(Splits.of(graph), query, observed))


def listed_by_answer(
    query: EffectQuery,
    graph: CausalGraph | LaggedGraph,
    settled: Iterable[tuple[CausalGraph | LaggedGraph, Answer]],
) -> PossibleEffects:
    """Put sub-classes with the same answer together.

    Raises
    ------
    NotIdentifiableError
        If none has one.
    """
    found: dict[object, Any] = {}
    classes: dict[object, list[CausalGraph | LaggedGraph]] = {}
    for finer, answer in settled:
        key = answer.adjustment if isinstance(answer, AdjustmentEstimand) else type(answer)
        found.setdefault(key, answer)
        classes.setdefault(key, []).append(finer)
    if set(found) == {OpenEstimand}:
        raise NotIdentifiableError(
            f"the {query} is not identified by adjustment, whatever way open edges turn out: "
            f"{found[OpenEstimand].reason}. Measure more variables, or look for a formula of "
            "another kind."
        )
    return PossibleEffects(
        query, tuple(found.values()), graph, tuple(tuple(classes[key]) for key in found)
    )


def pag_members(graph: GraphLike) -> Iterator[CausalGraph]:
    """Iterate over all MAGs of a PAG, each once.

    Parameters
    ----------
    graph : CausalGraph, str or networkx graph
        A complete PAG, the class of a MAG, without edges of selection. A MAG is its own member.

    Yields
    ------
    CausalGraph
        Of kind MAG. There may be exponentially many; they come one by one.

    Raises
    ------
    NotIdentifiableError
        If the PAG is not the class of a MAG.
    GraphError
        If the graph is of another kind, or has edges of selection.

    Examples
    --------
    >>> [str(mag).partition(": ")[2] for mag in pag_members("PAG: A o-o B")]
    ['A <-> B', 'A -> B', 'B -> A']
    """
    whole = as_graph(graph)
    splits = Splits.of(whole)
    waiting = [np.array(whole.ends)]
    while waiting:
        ends = waiting.pop()
        circles = np.argwhere(ends == CIRCLE)
        if not len(circles):
            yield CausalGraph(whole.nodes, ends, Kind.MAG)
            continue
        i, j = circles[0].tolist()
        waiting += splits.both_ways(ends, (i, j))


# --- sub-classes ---------------------------------------------------------------------------------


def settled(
    splits: Splits, query: EffectQuery, observed: tuple[Name, ...] | None
) -> Iterator[tuple[CausalGraph, Answer]]:
    """Yield sub-classes that have one answer, with it."""
    waiting, n_found = [np.array(splits.graph.ends)], 0
    while waiting:
        ends = waiting.pop()
        finer = splits.as_pag(ends)
        found = mark_or_answer(splits, finer, query, observed)
        if isinstance(found, tuple):
            waiting += splits.both_ways(ends, found)
            continue
        n_found += 1
        if n_found > _MOST_CLASSES:
            raise NotIdentifiableError(
                f"the {query} has more than {_MOST_CLASSES:,} sub-classes to look at; expected "
                "fewer. Decide some edges at the treatment by background knowledge."
            )
        yield finer, found


def mark_or_answer(
    splits: Splits,
    graph: CausalGraph,
    query: EffectQuery,
    observed: tuple[Name, ...] | None,
) -> Mark | Answer:
    """The answer in a sub-class, or a mark that it hangs on."""
    found = hinge_at_treatment(graph, query)
    if found is not None:
        return found
    if not splits.is_sound(graph.ends):
        i, j = np.argwhere(graph.ends == CIRCLE)[0].tolist()
        return i, j  # the criterion asks a plain completion, which has to be a member
    return _one_answer(graph, query, observed)


def _one_answer(
    graph: CausalGraph, query: EffectQuery, observed: tuple[Name, ...] | None
) -> Answer:
    """The answer where every first edge of a causal path is visible."""
    if not may_cause(graph, query):
        return NoEffectEstimand(query, graph)
    best = minimal_adjustment_set(
        graph, query.treatment, query.outcome, include=query.given, observed=observed
    )
    if best is None:
        why = "no set of observed covariates blocks all other paths in all of these graphs"
        return OpenEstimand(query, graph, why)
    adjustment = tuple(name for name in graph.nodes if name in best)
    choice = "a minimal set, the one nearest to the outcome"
    return AdjustmentEstimand(query, adjustment, graph, choice)
