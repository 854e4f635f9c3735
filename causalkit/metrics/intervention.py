"""How many causal effects would be wrong? Distances between graphs that count effects, not edges.

A graph is learnt to be used: for each treatment t and outcome y it says how to get the effect of t
on y from data: "there is none", "adjust for these variables", or "it cannot be told". Such an
answer is right or wrong *in the true graph*. The number of ordered pairs (t, y) whose answer is
wrong is a distance; one edge more or less may spoil nothing, one arrow turned nearly everything::

    sid            adjust for the parents of t; both graphs are DAGs
    sid_bounds     the same for a class of DAGs: the best and the worst member
    parent_aid     adjust for the parents of t; DAGs and classes
    ancestor_aid   adjust for the ancestors of t; no effect on what is no descendant
    oset_aid       adjust for the O-set of t and y; no effect on what is no descendant

A class of DAGs (CPDAG, with background knowledge or not) answers "cannot be told" where the effect
differs between members that no adjustment reconciles (the pair is not *amenable*); that is right if
the true graph is a class that cannot tell, either.

>>> truth = "A -> B -> C; A -> C"
>>> sid(truth, "A -> B -> C; A -> C")
0
>>> sid(truth, "B -> A -> C; B -> C")
4
>>> parent_aid(truth, "A -- B; B -- C; A -- C")
6

None of them is symmetric: the first graph is the truth. Divide by p (p - 1) to compare graphs of
different sizes.

References
----------
Peters, J., Bühlmann, P. (2015), "Structural intervention distance for evaluating causal graphs".
Neural Computation 27(3). https://doi.org/10.1162/NECO_a_00708
Henckel, L., Würtzen, T., Weichwald, S. (2024), "Adjustment identification distance: a gadjid for
causal structure learning". UAI, PMLR 244. https://doi.org/10.48550/arXiv.2402.08616
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from causalkit.graph import CausalGraph, Kind
from causalkit.graph.equivalence import consistent_extension, meek_closure
from causalkit.identification.query import GraphLike
from causalkit.metrics._arrays import Arrays, as_arrays
from causalkit.metrics._class_bounds import member_bounds
from causalkit.metrics._matching import check_kinds, matched
from causalkit.typing import BoolArray

__all__ = ["ancestor_aid", "oset_aid", "parent_aid", "sid", "sid_bounds"]


def sid(truth: GraphLike, learnt: GraphLike) -> int:
    """Structural intervention distance between two DAGs.

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph
        DAGs over the same nodes. For a learnt CPDAG see :func:`sid_bounds`.

    Returns
    -------
    int
        Number of pairs (t, y), of p (p - 1), for which the parents that t has in `learnt` give a
        wrong interventional distribution of y in `truth`.

    Raises
    ------
    InputError
        If the nodes differ.
    GraphError
        If one of them is no DAG.

    Notes
    -----
    **Assumes:**

    - nothing is hidden: both graphs are DAGs over all common causes;
    - "wrong" means that some distribution with the true graph has another effect; in a particular
      one the answer may be right by accident.

    Zero does not mean that the graphs are equal: further edges into the learnt graph that respect
    the true order of causes cost nothing.

    Examples
    --------
    >>> sid("X -> Y -> Z", "X -> Y -> Z; X -> Z"), sid("X -> Y -> Z; X -> Z", "X -> Y -> Z")
    (0, 1)

    References
    ----------
    Peters, Bühlmann (2015), "Structural intervention distance for evaluating causal graphs",
    https://doi.org/10.1162/NECO_a_00708.
    """
    true, other = matched(truth, learnt)
    check_kinds(true, "true", [Kind.DAG], "parent_aid() takes classes of DAGs, too.")
    check_kinds(other, "learnt", [Kind.DAG], "sid_bounds() takes a learnt CPDAG.")
    return _count(true, other, _by_parents)


def sid_bounds(truth: GraphLike, learnt: GraphLike) -> tuple[int, int]:
    """Structural intervention distance of the best and of the worst DAG of a learnt class.

    Parameters
    ----------
    truth : CausalGraph, str or networkx graph
        A DAG.
    learnt : CausalGraph, str or networkx graph
        A CPDAG (with background knowledge or without), or a DAG, over the same nodes.

    Returns
    -------
    lower, upper : int
        Exact: the smallest and the largest :func:`sid` of a member.

    Raises
    ------
    InputError
        If the nodes differ, or undirected edges are so dense (cliques beyond about 12 nodes) that
        the bounds would take too long.
    GraphError
        If the true graph is no DAG, or `learnt` no class with a member.

    Notes
    -----
    **Assumes:**

    - nothing is hidden: all graphs are DAGs over all common causes, or classes of such;
    - "wrong" means that some distribution with the true graph has another effect.

    A lower bound of 0 says that the true DAG, or one that is as good, is in the class.

    Examples
    --------
    >>> from causalkit.graph import CausalGraph, Kind
    >>> truth = CausalGraph.parse("X -> Y -> Z")
    >>> sid_bounds(truth, truth.to_cpdag())
    (0, 6)

    References
    ----------
    Peters, Bühlmann (2015), "Structural intervention distance for evaluating causal graphs",
    section 2.4.3, https://doi.org/10.1162/NECO_a_00708.
    """
    true, other = matched(truth, learnt)
    check_kinds(true, "true", [Kind.DAG], "parent_aid() takes classes of DAGs, too.")
    check_kinds(other, "learnt", [Kind.DAG, Kind.CPDAG], _NO_LATENT)
    consistent_extension(other)
    return member_bounds(meek_closure(other), _ParentCost(as_arrays(true), len(true)))


def parent_aid(truth: GraphLike, learnt: GraphLike) -> int:
    """Adjustment identification distance by parents; equals :func:`sid` if both are DAGs.

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph
        DAGs or CPDAGs (with background knowledge or without) over the same nodes.

    Returns
    -------
    int
        Number of pairs (t, y), of p (p - 1), whose effect `learnt` gets wrong in `truth`. It says
        "none" where y is a parent of t, "cannot be told" where a possibly causal path starts with
        an undecided edge, and else "adjust for the parents of t".

    Raises
    ------
    InputError
        If the nodes differ.
    GraphError
        If a graph is of another kind, or a class without a member.

    Notes
    -----
    **Assumes:**

    - nothing is hidden: the graphs are (classes of) DAGs over all common causes;
    - "wrong" means that some distribution with the true graph has another effect.

    Examples
    --------
    >>> parent_aid("X -> Y; Z -> Y", "X -> Y")
    Traceback (most recent call last):
        ...
    causalkit.errors.InputError: the learnt graph lacks Z; expected graphs over the same nodes, ...
    >>> parent_aid("X -- Y", "X -> Y")
    2

    References
    ----------
    Henckel, Würtzen, Weichwald (2024), "Adjustment identification distance: a gadjid for causal
    structure learning", https://doi.org/10.48550/arXiv.2402.08616.
    """
    return _aid(truth, learnt, _by_parents)


def ancestor_aid(truth: GraphLike, learnt: GraphLike) -> int:
    """Adjustment identification distance by ancestors: how right the order is.

    Errors and assumptions are those of :func:`parent_aid`, but `learnt` says
    "none" where y is no possible descendant of t, and else "adjust for the ancestors of t".

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph
        DAGs or CPDAGs over the same nodes.

    Returns
    -------
    int
        Number of pairs (t, y), of p (p - 1), whose effect `learnt` gets wrong in `truth`.

    Notes
    -----
    **Assumes:**

    - nothing is hidden: the graphs are (classes of) DAGs over all common causes;
    - "wrong" means that some distribution with the true graph has another effect.

    Examples
    --------
    >>> ancestor_aid("X -> Y -> Z", "X -> Y -> Z; X -> Z")
    0

    References
    ----------
    Henckel, Würtzen, Weichwald (2024), "Adjustment identification distance: a gadjid for causal
    structure learning", https://doi.org/10.48550/arXiv.2402.08616.
    """
    return _aid(truth, learnt, _by_ancestors)


def oset_aid(truth: GraphLike, learnt: GraphLike) -> int:
    """Adjustment identification distance by O-sets, the most precise adjustment sets.

    Errors and assumptions are those of :func:`parent_aid`, but `learnt` says
    "none" where y is no possible descendant of t, and else "adjust for the O-set": the parents of
    the nodes between t and y that are not between them (see
    :func:`causalkit.identification.optimal_adjustment_set`).

    Parameters
    ----------
    truth, learnt : CausalGraph, str or networkx graph
        DAGs or CPDAGs over the same nodes.

    Returns
    -------
    int
        Number of pairs (t, y), of p (p - 1), whose effect `learnt` gets wrong in `truth`.

    Notes
    -----
    **Assumes:**

    - nothing is hidden: the graphs are (classes of) DAGs over all common causes;
    - "wrong" means that some distribution with the true graph has another effect.

    Examples
    --------
    >>> oset_aid("X -> Y; Z -> X; Z -> Y", "X -> Y; Z -> X")
    1

    References
    ----------
    Henckel, Würtzen, Weichwald (2024), "Adjustment identification distance: a gadjid for causal
    structure learning", https://doi.org/10.48550/arXiv.2402.08616.
    """
    return _aid(truth, learnt, _by_osets)


# --- what they share ----------------------------------------------------------------------------

_NO_LATENT = "With hidden common causes there is no such distance yet; shd() compares the marks."

Strategy: TypeAlias = Callable[[Arrays, Arrays, BoolArray], None]


def _aid(truth: GraphLike, learnt: GraphLike, strategy: Strategy) -> int:
    true, other = matched(truth, learnt)
    for graph, which in ((true, "true"), (other, "learnt")):
        check_kinds(graph, which, [Kind.DAG, Kind.CPDAG], _NO_LATENT)
    return _count(true, other, strategy)


def _count(truth: CausalGraph, learnt: CausalGraph, strategy: Strategy) -> int:
    wrong = np.zeros((len(truth), len(truth)), dtype=np.bool_)
    strategy(as_arrays(truth), as_arrays(learnt), wrong)
    return int(wrong.sum())


def _by_parents(truth: Arrays, learnt: Arrays, wrong: BoolArray) -> None:
    from causalkit.metrics._intervention_kernels import misjudged

    misjudged(truth, learnt, False, wrong)


def _by_ancestors(truth: Arrays, learnt: Arrays, wrong: BoolArray) -> None:
    from causalkit.metrics._intervention_kernels import misjudged

    misjudged(truth, learnt, True, wrong)


def _by_osets(truth: Arrays, learnt: Arrays, wrong: BoolArray) -> None:
    from causalkit.metrics._intervention_kernels import misjudged_by_oset

    misjudged_by_oset(truth, learnt, wrong)


class _ParentCost:
    """For how many outcomes of t it would be wrong to take these nodes for its parents."""

    def __init__(self, truth: Arrays, n_nodes: int) -> None:
        self.truth = truth
        self.given = np.zeros(n_nodes, dtype=np.bool_)
        self.wrong = np.zeros(n_nodes, dtype=np.bool_)
        self.known: dict[tuple[int, frozenset[int]], int] = {}

    def __call__(self, t: int, parents: frozenset[int]) -> int:
        from causalkit.metrics._intervention_kernels import misjudged_by_parents

        if (t, parents) not in self.known:
            self.given[:] = False
            self.given[list(parents)] = True
            misjudged_by_parents(self.truth, t, self.given, self.wrong)
            self.known[t, parents] = int(self.wrong.sum())
        return self.known[t, parents]
