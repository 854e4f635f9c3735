"""The posterior over graphs: how probable the data make each of them.

A search returns one graph, however close the next best comes. Here graphs are drawn as often as
they are probable, so that a question to the graph (is there an edge, does a cause b at all?) has a
probability for an answer, and an effect can be averaged over all graphs that the data leave open.

* :class:`ExactPosterior` sums over all orders of up to 20 variables; edges are exact, and draws are
  independent of each other.
* :class:`~causalkit.discovery.OrderMCMC` walks at random over the orders of more variables.

Both sum over *orders* of the variables, causes first. Given an order each variable chooses its
parents on its own, which makes the sum over a great many graphs a product of small sums.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 200))
>>> exact = ExactPosterior(random_state=0).fit({"a": a, "b": b, "c": 0.3 * a + b})
>>> exact.posterior_.probability("a -> c; b -> c") > 0.9
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.bayesian._parent_tables import check_room, parent_tables
from causalkit.discovery.bayesian._posterior_search import Draws, PosteriorSearch
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._exact_search import Choices, best_dag
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.errors import InputError
from causalkit.graph import CausalGraph
from causalkit.scores import Score
from causalkit.typing import BoolArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.discovery.bayesian._parent_table_kernels import ParentTables

__all__ = ["ExactPosterior"]

_MOST: Final = 20


class ExactPosterior(PosteriorSearch):
    """The posterior over all DAGs of a few variables, by dynamic programming over orders.

    Parameters
    ----------
    score : Score, optional
        Log marginal likelihood: :class:`~causalkit.scores.BGe` for numbers if left out,
        :class:`~causalkit.scores.BDeu` for categories. A BIC of penalty 1 comes near.
    prior : {"orders", "sizes", "uniform"}
        What is likely before the data; see Notes.
    n_samples : int, default 2000
        DAGs drawn, independent of each other.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; graphs that contradict it are impossible.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the rows allow.
    random_state : int, Generator or None, default 0
    max_seconds : float, optional
        Time budget; without a posterior by then, an error is raised.

    Attributes
    ----------
    posterior_ : GraphPosterior
        The sampled DAGs. Its edges are exact, unless `prior="uniform"`.
    graph_ : CausalGraph
        Kind CPDAG: the class of the DAG with the highest score of all (with `prior="sizes"`, less
        what that takes off), less what the knowledge rules out. It may be far from certain: ask
        `posterior_`, or its `consensus()`.
    dag_ : CausalGraph
        The DAG itself.
    score_ : float
        Its score.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection: the truth is one of the DAGs;
    - the assumptions of the score, which is taken for the log of the probability of the data;
    - the prior: see below.

    *Priors.* "orders" takes all orders for equally likely, and all graphs that fit an order. It
    favours DAGs that fit many orders: two variables without an edge have two, with an edge one;
    Markov-equivalent DAGs differ. "sizes" takes all orders for equally likely, too, and of each
    variable all numbers of parents, whatever the number of such sets: with many variables "orders"
    lets in parents by their sheer number, and this does not. "uniform" takes all DAGs for equally
    likely. Draws are weighted by one over the number of their orders, which is counted exactly, up
    to 20 variables; edges then come from the draws, and `posterior_.effective_size` says what these
    are worth.

    *Cost.* Time and memory double with each variable; 12 take a second, 20 are the most. A score
    that is no function of correlations takes most of it.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=100)
    >>> data = {"x": x, "y": x + rng.normal(size=100), "z": rng.normal(size=100)}
    >>> posterior = ExactPosterior(random_state=0).fit(data).posterior_
    >>> posterior.probability("x -- y") > 0.99
    True
    >>> round(posterior.probability("x -> y"), 1)
    0.5

    References
    ----------
    Koivisto and Sood (2004), "Exact Bayesian structure discovery in Bayesian networks", JMLR 5:
    549-573. He, Tian and Wu (2016), "Structure learning in Bayesian networks of a moderate size by
    efficient sampling", JMLR 17(101). Ellis and Wong (2008), "Learning causal Bayesian network
    structures from experimental data", doi:10.1198/016214508000000193.
    """

    def __init__(
        self,
        score: Score | None = None,
        *,
        prior: str = "orders",
        n_samples: int = 2000,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.prior = prior
        self.n_samples = n_samples
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.random_state = random_state
        self.max_seconds = max_seconds

    def _draw(self, setup: ScoreSetup) -> Draws:
        from causalkit.discovery.bayesian import _exact_posterior_kernels as kernels
        from causalkit.discovery.bayesian._parent_table_kernels import draw_dag

        n, p = check_count(self.n_samples, "n_samples"), setup.n_nodes
        rng = as_generator(self.random_state)
        if p > _MOST:
            raise InputError(
                f"the data have {p} columns; ExactPosterior expects at most {_MOST}, because it "
                "sums over all sets of them. Use OrderMCMC."
            )
        free = setup.allowed & ~setup.required
        candidates = [np.flatnonzero(free[:, v]) for v in range(p)]
        advice = "Give tiers, a skeleton or fewer columns, or use OrderMCMC."
        check_room(setup, max(map(len, candidates)), 0, advice)
        first, rest = np.empty(1 << p), np.empty(1 << p)
        edges, best = np.empty((p, p)), None
        with setup.state() as state, flag_when_up(setup.clock) as stop:
            nobody = [np.empty(0, dtype=np.intp)] * p
            tables, highest = parent_tables(setup, state, candidates, nobody, self._price(p), stop)
            kernels.sums_over_orders(tables, first, rest, stop)
            kernels.edges_over_orders(tables, first, rest, edges, stop)
            best = best_dag(setup, _choices(tables), stop)
        if best is None or stop[0]:
            raise InputError(
                f"the time was up before the sums were made, with max_seconds={self.max_seconds}; "
                "expected enough for all sets of parents. Give it more, or use OrderMCMC."
            )
        ranks = np.zeros((n, p), dtype=np.intp)
        kernels.draw_orders(tables, first, rng.random((n, p)), ranks)
        dags, weights = np.zeros((n, p, p), dtype=np.bool_), np.empty(n)
        for k, uniforms in enumerate(rng.random((n, p, 2))):
            weights[k] = draw_dag(tables, ranks[k], uniforms, dags[k])
        edges = np.where(setup.required, 1.0, np.clip(edges, 0.0, 1.0))
        return Draws(dags, weights + highest.sum(), edges, best)


def _choices(tables: ParentTables) -> list[Choices]:
    """Sets of parents, as bits of nodes, and their weights."""
    found = []
    for candidates, weight in zip(tables.candidates, tables.weight[:, 0], strict=True):
        masks: IntArray = np.zeros(len(weight), dtype=np.intp)
        bits = np.arange(len(weight))
        for k, u in enumerate(candidates.tolist()):
            if u >= 0:
                masks |= (bits >> k & 1) << u
        possible: BoolArray = weight > -np.inf
        found.append(Choices(masks[possible], weight[possible]))
    return found
