"""Hill climbing: from DAG to DAG by the edge that gains most.

The simplest of all searches, and the one with the fewest demands: any score does, and any graph can
be where it begins. It stops where no single edge that is added, dropped or turned round raises the
score. To get further it goes on for a while although it loses, without coming back to where it was
(`n_tabu`), and may change some edges at random and climb again (`n_restarts`).

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 1000))
>>> climb = HillClimb().fit({"a": a, "b": b, "c": a + b + rng.normal(size=1000)})
>>> print(climb.graph_)
CPDAG with 3 nodes, 2 edges: a -> c; b -> c
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator, draw_seed
from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._initial import initial_dag
from causalkit.discovery.search._score_search import Found, ScoreSearch
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.scores._states import Paths
from causalkit.typing import RandomState

__all__ = ["HillClimb"]


class HillClimb(ScoreSearch):
    """Hill climbing over DAGs with a tabu list, and restarts if wanted.

    Parameters
    ----------
    score : Score, optional
        :class:`~causalkit.scores.ExtendedBIC` if left out.
    n_tabu : int, default 50
        How many DAGs visited last the search does not come back to. The search goes on with the
        move that loses least where none gains, until so many moves in a row have led to no better
        DAG. 0 is the plain climb, which stops at once.
    n_restarts : int, default 0
        How often the best DAG is shaken (some edges added, dropped or turned round at random) and
        the search goes on from there. With `max_seconds`, at most so often.
    initial : CausalGraph, optional
        A DAG or CPDAG to begin with; without edges, but for the required ones, if left out.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; obeyed to the letter.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined. With the graph of
        :class:`~causalkit.discovery.PC` this is a hybrid search, as in max-min hill climbing.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    random_state : int, Generator or None, default 0
        Source of the shakes. The same table and the same number give the same graph.
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
    - that the search finds the highest score: not guaranteed, not even with all the rows there
      could be. :class:`~causalkit.discovery.GES` and :class:`~causalkit.discovery.FLOP` find higher
      scores as a rule.

    Columns are taken in the order of their names, so permuted columns give the same graph. Where
    two moves gain the same, as `x -> y` and `y -> x` do at first, the first name decides. So other
    names may lead to another graph, of a higher or a lower score, and by a wide margin; a tabu list
    narrows it, because moves that lose nothing lead from a graph to those equivalent to it.

    Examples
    --------
    >>> import numpy as np
    >>> from causalkit.discovery import PC
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=500)
    >>> y = x + rng.normal(size=500)
    >>> data = {"x": x, "y": y, "z": y + rng.normal(size=500)}
    >>> print(HillClimb(skeleton=PC(alpha=0.2).fit(data).graph_).fit(data).graph_)
    CPDAG with 3 nodes, 2 edges: x -- y; y -- z

    References
    ----------
    Heckerman, Geiger and Chickering (1995), "Learning Bayesian networks: the combination of
    knowledge and statistical data", doi:10.1007/BF00994016. Tsamardinos, Brown and Aliferis (2006),
    "The max-min hill-climbing Bayesian network structure learning algorithm",
    doi:10.1007/s10994-006-6889-7.
    """

    n_restarts_: int

    def __init__(
        self,
        score: Score | None = None,
        *,
        n_tabu: int = 50,
        n_restarts: int = 0,
        initial: CausalGraph | None = None,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.n_tabu = n_tabu
        self.n_restarts = n_restarts
        self.initial = initial
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.random_state = random_state
        self.max_seconds = max_seconds

    def _search(self, setup: ScoreSetup) -> Found:
        from causalkit.discovery.search._hill_climb_kernels import Climber, search

        n_tabu = check_count(self.n_tabu, "n_tabu", minimum=0)
        n_restarts = check_count(self.n_restarts, "n_restarts", minimum=0)
        seed = draw_seed(as_generator(self.random_state)) + 1
        dag = initial_dag(setup, self.initial)
        best, counts = dag.copy(), np.zeros(1, dtype=np.intp)
        n_moves = max(2, setup.n_nodes // 4)
        with setup.state() as state, flag_when_up(setup.clock) as stop:
            paths = Paths.of(state, setup.max_parents, setup.n_nodes)
            now = Climber.of(paths, setup.allowed, setup.required, dag, n_tabu)
            search(state, now, setup.max_parents, n_restarts, n_moves, seed, best, counts, stop)
            stopped = bool(stop[0])
        self.n_restarts_ = int(counts[0])
        undone = None
        if stopped:
            undone = f"the time was up after {self.n_restarts_} of {n_restarts} restarts"
        return Found(best, undone)
