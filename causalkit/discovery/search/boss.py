"""BOSS: search over orders of the variables, each variable to its best place, from several starts.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> boss = BOSS().fit({"a": a, "b": b, "c": a + b + rng.normal(size=1000)})
>>> print(boss.graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
"""

from __future__ import annotations

from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._ges_search import backward, polish
from causalkit.discovery.search._order_search import climb, from_starts
from causalkit.discovery.search._score_search import Found, ScoreSearch
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.typing import RandomState

__all__ = ["BOSS"]


class BOSS(ScoreSearch):
    """Best order score search.

    From a random order on, each variable in turn is moved to the place where the score of the order
    is highest, until none gains by a move; at last edges of the class found are deleted as long as
    that raises the score.

    Parameters
    ----------
    score : Score, optional
        :class:`~causalkit.scores.ExtendedBIC` if left out.
    n_starts : int, default 5
        Random orders to begin with; the best result is taken.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined. Of any kind; a PC graph with a large `alpha`, say.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    random_state : int, Generator or None, default 0
        Source of the first orders. The same table and the same number give the same graph.
    n_jobs : int, optional
        Threads that share the starts; never changes the result.
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
    - that the search finds the highest score: not guaranteed, and more starts make it likelier.

    Parents are grown one by one, which with categories may overlook some that only help together.
    So with scores other than Gaussian ones the search ends with steps of GES, while one gains; and
    with :class:`~causalkit.scores.BDeu` and :class:`~causalkit.scores.DiscreteBIC`, which make them
    cheap, each start does, and the first begins in the order that GES finds.

    Columns are taken in the order of their names, so permuted columns give the same graph.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=500)
    >>> y = x + rng.normal(size=500)
    >>> boss = BOSS().fit({"x": x, "y": y, "z": y + rng.normal(size=500)})
    >>> print(boss.graph_)
    CPDAG with 3 nodes, 2 edges: x -- y; y -- z

    References
    ----------
    Andrews, Ramsey, Sanchez-Romero, Camchong and Kummerfeld (2023), "Fast scalable and accurate
    discovery of DAGs using the best order score search and grow-shrink trees", NeurIPS.
    """

    def __init__(
        self,
        score: Score | None = None,
        *,
        n_starts: int = 5,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.n_starts = n_starts
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.random_state = random_state
        self.max_seconds = max_seconds
        self.n_jobs = n_jobs

    def _search(self, setup: ScoreSetup) -> Found:
        best, undone = from_starts(
            climb,
            setup,
            n_starts=self.n_starts,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        return Found(polish(setup, backward(setup, best.dag)), undone)
