"""Exact search: the graph with the highest score of all.

A greedy search may stop at a graph that only its neighbours do not beat. Here every graph counts,
without being looked at: among the graphs over a set of variables one variable comes last, and what
is best for the others does not depend on it. So the best graph of each set of variables follows
from those of the sets with one variable less.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> search = ExactSearch().fit({"a": a, "b": b, "c": a + b + rng.normal(size=1000)})
>>> print(search.graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
"""

from __future__ import annotations

import numpy as np

from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._exact_search import best_dag, check_enumerable, choices_of
from causalkit.discovery.search._order_search import climb, random_order
from causalkit.discovery.search._score_search import Found, ScoreSearch
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.graph import CausalGraph
from causalkit.scores import Score

__all__ = ["ExactSearch"]


class ExactSearch(ScoreSearch):
    """The class of DAGs with the highest score of all, by dynamic programming.

    Parameters
    ----------
    score : Score, optional
        :class:`~causalkit.scores.ExtendedBIC` if left out.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges: the best DAG among those that obey.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined. Of any kind; a PC graph with a large `alpha`, say.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    max_seconds : float, optional
        Time budget. When it is spent, what a greedy search finds at once is taken instead.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG: the class of the best DAG, less what the knowledge rules out.
    dag_ : CausalGraph
        The DAG itself, one member of the class.
    score_ : float
        Its score; no DAG that the knowledge allows has a higher one.
    by_knowledge_ : tuple of str
        What the knowledge decided and the score alone would not have.
    stopped_ : str or None
        What the time budget left undone.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection;
    - the true graph is acyclic;
    - the assumptions of the score, which then is highest for the class of the true graph as rows
      become many.

    Without a limit p variables have `p * 2^(p - 1)` sets of parents, and as many numbers are held:
    20 variables take seconds with a Gaussian score, 23 are the most; with categories and a thousand
    rows 16 take a second. Of other scores each set takes some microseconds at least, so 15
    variables are many. With `max_parents` there are far fewer sets. Those that score no higher than
    one of their subsets are dropped, and where that leaves, or tiers or a skeleton leave, groups of
    variables that cannot cause each other either way, the limit of 23 is that of a group.

    Of graphs that share the highest score one is taken; the others of its class are in `graph_`.
    Columns are taken in the order of their names, so permuted columns give the same graph.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import Knowledge
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=500)
    >>> data = {"a": a, "b": a + rng.normal(size=500)}
    >>> print(ExactSearch().fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: a -- b
    >>> print(ExactSearch(knowledge=Knowledge(tiers=["b", "a"])).fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: b -> a

    References
    ----------
    Silander and Myllymäki (2006), "A simple approach for finding the globally optimal Bayesian
    network structure", UAI, doi:10.48550/arXiv.1206.6875. Fan, Malone and Yuan (2014), "Finding
    optimal Bayesian network structures with constraints learned from data", UAI.
    """

    def __init__(
        self,
        score: Score | None = None,
        *,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.max_seconds = max_seconds

    def _search(self, setup: ScoreSetup) -> Found:
        check_enumerable(setup, type(self).__name__)
        with setup.state() as state, flag_when_up(setup.clock) as stop:
            choices = choices_of(setup, state, stop)
            dag = None if choices is None else best_dag(setup, choices, stop)
        if dag is not None:
            return Found(dag)
        greedy = climb(setup, random_order(setup, np.random.default_rng(0)), seed=1)
        return Found(greedy.dag, "the time was up before all graphs had been compared")
