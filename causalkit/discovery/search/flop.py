"""FLOP: search over orders of the variables, shaken whenever it is stuck.

Once causes come before effects, finding the parents of each variable is a choice among those before
it. So a search over orders never has to keep a graph free of cycles, and one move changes a great
deal of it at once, which is why it gets over what stops a search edge by edge.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> flop = FLOP().fit({"a": a, "b": b, "c": a + b + rng.normal(size=1000)})
>>> print(flop.graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
>>> flop.explain("a", "c").direction
'collider a -> c <- b'
"""

from __future__ import annotations

from typing import Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._ges_search import polish
from causalkit.discovery.search._order_search import better_dag, climb, greedy_dag, random_order
from causalkit.discovery.search._score_search import Found, ScoreSearch
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.typing import RandomState

__all__ = ["FLOP"]

_DRIFTS: Final = 20
"""How often all variables drift before the first shake."""


class FLOP(ScoreSearch):
    """Fast learning of order and parents: iterated local search over orders.

    Parameters
    ----------
    score : Score, optional
        :class:`~causalkit.scores.ExtendedBIC` if left out.
    n_restarts : int, default 20
        How often the best order is shaken (a few pairs of variables swapped) and the search goes on
        from there. With `max_seconds`, at most so often.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined. Of any kind; a PC graph with a large `alpha`, say.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    random_state : int, Generator or None, default 0
        Source of the first order and of the shakes. The same table and number give the same graph.
    max_seconds : float, optional
        Time budget. When it is spent the best graph so far is taken.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG: the class of the best DAG found, less what the knowledge rules out.
    dag_ : CausalGraph
        The DAG itself, one member of the class.
    score_ : float
        Its score.
    order_ : tuple of names
        An order of the variables, causes first.
    n_restarts_ : int
        Restarts that were begun.
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
      become many;
    - that the search finds the highest score: not guaranteed, and more restarts make it likelier.

    Parents are grown one by one, which with categories may overlook some that only help together.
    So with scores other than Gaussian ones the search ends with steps of GES, while one gains; and
    with :class:`~causalkit.scores.BDeu` and :class:`~causalkit.scores.DiscreteBIC`, which make them
    cheap, it begins in the order that GES finds.

    Columns are taken in the order of their names, so permuted columns give the same graph.

    The moves are those of BOSS, one variable to its best place, and parents are remembered in
    grow-shrink trees as there; shaking the best order and climbing again is FLOP's. Our own is that
    variables then drift among the places that are as good, which leads through the orders of all
    graphs of a class: some have a way up that the others lack. Where variables are many that finds
    more than shaking them does.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=500)
    >>> y = x + rng.normal(size=500)
    >>> data = {"x": x, "y": y, "z": y + rng.normal(size=500)}
    >>> print(FLOP(knowledge=Knowledge(tiers=["x", ["y", "z"]])).fit(data).graph_)
    CPDAG with 3 nodes, 2 edges: x -> y; y -> z

    References
    ----------
    Wienöbst, Henckel and Weichwald (2025), "Embracing discrete search: a reasonable approach to
    causal structure learning", doi:10.48550/arXiv.2510.04970. Andrews, Ramsey, Sanchez-Romero,
    Camchong and Kummerfeld (2023), "Fast scalable and accurate discovery of DAGs using the best
    order score search and grow-shrink trees", NeurIPS.
    """

    n_restarts_: int

    def __init__(
        self,
        score: Score | None = None,
        *,
        n_restarts: int = 20,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.n_restarts = n_restarts
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.random_state = random_state
        self.max_seconds = max_seconds

    def _search(self, setup: ScoreSetup) -> Found:
        n_restarts = check_count(self.n_restarts, "n_restarts", minimum=0)
        rng = as_generator(self.random_state)
        greedy = greedy_dag(setup)
        order = random_order(setup, rng, greedy)
        n_swaps = max(1, round(np.log(setup.n_nodes)))
        found = climb(
            setup,
            order,
            draw_seed(rng),
            n_restarts=n_restarts,
            n_swaps=n_swaps,
            n_drifts=_DRIFTS,
        )
        self.n_restarts_ = found.n_rounds
        stopped = None
        if found.stopped:
            stopped = f"the time was up after {found.n_rounds} of {n_restarts} restarts"
        return Found(better_dag(setup, polish(setup, found.dag), greedy), stopped)
