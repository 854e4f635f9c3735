"""A random walk over orders: the posterior over graphs of many variables.

Given an order of the variables each of them chooses its parents among those before it, on its own.
So the probability of an order, summed over all its graphs, is a product of sums, and a walk over
orders needs no more. From each order that it notes a graph is drawn.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> a, b = rng.normal(size=(2, 300))
>>> walk = OrderMCMC(random_state=0).fit({"a": a, "b": b, "c": a + b + rng.normal(size=300)})
>>> walk.posterior_.probability("a -> c <- b") > 0.95
True
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.parallel import check_jobs, run
from causalkit._core.progress import track
from causalkit._core.random import as_generator
from causalkit.discovery._deadline import flag_when_up
from causalkit.discovery.bayesian._convergence import Convergence, effective_size, r_hat
from causalkit.discovery.bayesian._parent_tables import candidates_of, check_room, parent_tables
from causalkit.discovery.bayesian._posterior_search import Draws, PosteriorSearch
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.search._order_search import random_order
from causalkit.discovery.search._score_setup import ScoreSetup
from causalkit.errors import ConvergenceWarning, InputError
from causalkit.graph import CausalGraph
from causalkit.graph.marks import show_name
from causalkit.scores import Score
from causalkit.typing import BoolArray, FloatArray, IntArray, RandomState

if TYPE_CHECKING:
    from causalkit.discovery.bayesian._parent_table_kernels import ParentTables

__all__ = ["OrderMCMC"]

_LARGE: Final = 1.1
"""An R-hat above which chains tell different things."""

_BLOCK: Final = 50
"""Draws that all chains make before any of them makes more."""

_CERTAIN: Final = 0.05
"""Standard deviation of an edge over orders below which it does not matter."""


class OrderMCMC(PosteriorSearch):
    """The posterior over DAGs, by a random walk over the orders of the variables.

    Parameters
    ----------
    score : Score, optional
        Log marginal likelihood: :class:`~causalkit.scores.BGe` for numbers if left out,
        :class:`~causalkit.scores.BDeu` for categories. A BIC of penalty 1 comes near.
    prior : {"orders", "sizes", "uniform"}
        What is likely before the data; see :class:`ExactPosterior`. "sizes" is better for many
        variables; "uniform" is for up to 20, fewer if many DAGs are about as probable.
    n_candidates : int, default 10
        Each variable has so many candidates for its parents, chosen by the score, and one parent
        more from all others. Memory and time double with each.
    n_samples : int, default 500
        Orders noted in each chain, and DAGs drawn from them.
    n_chains : int, default 4
        Walks, which begin with random orders.
    burn_in : int, default 100
        Rounds before the first order is noted. A round moves as many variables as there are.
    thinning : int, default 1
        Rounds from one order that is noted to the next.
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges; graphs that contradict it are impossible.
    skeleton : CausalGraph, optional
        Only pairs that it joins may be joined.
    max_parents : int, optional
        Most parents of a variable; no limit if left out, but what the candidates and rows allow.
    random_state : int, Generator or None, default 0
    n_jobs : int, optional
        Chains side by side; never changes the result.
    max_seconds : float, optional
        Time budget. When it is spent all chains end after as many draws.

    Attributes
    ----------
    posterior_ : GraphPosterior
        The sampled DAGs. Unless `prior="uniform"`, the probabilities of its edges are means over
        the noted orders of those given the order, which vary less than shares of the DAGs.
    graph_ : CausalGraph
        Kind CPDAG: the class of the DAG with the highest score of all that fit one of the orders
        noted, less what the knowledge rules out. It may be far from certain: ask `posterior_`, or
        its `consensus()`.
    dag_ : CausalGraph
        The DAG itself.
    score_ : float
        Its score.
    convergence_ : Convergence
        Whether the chains agree.
    stopped_ : str or None
        What the time budget left undone.

    Notes
    -----
    **Assumes:**

    - no hidden common causes and no selection: the truth is one of the DAGs;
    - the assumptions of the score, which is taken for the log of the probability of the data;
    - the prior: "orders" and "sizes" favour DAGs that fit many orders;
    - that no variable has two probable parents or more which are not among its candidates;
    - that the chains have come to where the probability is. `convergence_` may show that they have
      not, and a warning says so; it cannot prove that they have.

    With up to 11 variables all others are candidates, and nothing is left out.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=100)
    >>> data = {"x": x, "y": x + rng.normal(size=100), "z": rng.normal(size=100)}
    >>> walk = OrderMCMC(n_samples=200, random_state=0).fit(data)
    >>> walk.posterior_.probability("x -- y") > 0.99
    True
    >>> walk.convergence_.score_r_hat < 1.1
    True

    References
    ----------
    Friedman and Koller (2003), "Being Bayesian about network structure", Machine Learning 50:
    95-125, doi:10.1023/A:1020249912095. Kuipers, Suter and Moffa (2022), "Efficient sampling and
    structure learning of Bayesian networks", doi:10.1080/10618600.2021.2020127, for the candidates
    and the parent more. Vehtari et al. (2021), "Rank-normalization, folding, and localization: an
    improved R-hat for assessing convergence of MCMC", doi:10.1214/20-BA1221, for the diagnostics.
    """

    convergence_: Convergence

    def __init__(
        self,
        score: Score | None = None,
        *,
        prior: str = "orders",
        n_candidates: int = 10,
        n_samples: int = 500,
        n_chains: int = 4,
        burn_in: int = 100,
        thinning: int = 1,
        knowledge: Knowledge | None = None,
        skeleton: CausalGraph | None = None,
        max_parents: int | None = None,
        random_state: RandomState = 0,
        n_jobs: int | None = None,
        max_seconds: float | None = None,
    ) -> None:
        self.score = score
        self.prior = prior
        self.n_candidates = n_candidates
        self.n_samples = n_samples
        self.n_chains = n_chains
        self.burn_in = burn_in
        self.thinning = thinning
        self.knowledge = knowledge
        self.skeleton = skeleton
        self.max_parents = max_parents
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.max_seconds = max_seconds

    def _draw(self, setup: ScoreSetup) -> Draws:
        n = check_count(self.n_samples, "n_samples")
        rounds = (
            check_count(self.burn_in, "burn_in", minimum=0) + 1,
            check_count(self.thinning, "thinning"),
        )
        streams = as_generator(self.random_state).spawn(check_count(self.n_chains, "n_chains"))
        check_jobs(self.n_jobs)
        candidates, outside = _split(setup, check_count(self.n_candidates, "n_candidates"))
        starts = [random_order(setup, stream) for stream in streams]
        with setup.state() as state, flag_when_up(setup.clock) as stop:
            tables, highest = parent_tables(
                setup, state, candidates, outside, self._price(setup.n_nodes), stop
            )
            chains = _walk_on(tables, starts, streams, n, rounds, self.n_jobs, stop)
        if not chains:
            raise InputError(
                f"the time was up before {min(n, _BLOCK)} orders had been noted, with "
                f"max_seconds={self.max_seconds}; expected enough for the sets of parents and "
                "burn_in. Give it more, or fewer candidates."
            )
        n_done = len(chains[0].scores)
        self.convergence_ = _convergence(chains, setup, candidates)
        _warn_of(self.convergence_)
        edges = np.stack([chain.edges for chain in chains])
        worth = np.clip(
            np.nanmin([self.convergence_.score_size / (len(chains) * n_done), 1.0]), 0, 1
        )
        stopped = f"the time was up after {n_done} of {n} draws" if n_done < n else None
        return Draws(
            np.concatenate([chain.dags for chain in chains]),
            np.concatenate([chain.dag_scores for chain in chains]) + highest.sum(),
            edges.mean(axis=(0, 1)),
            _best(tables, chains),
            float(worth),
            stopped,
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """What a walk noted: orders, their weights and edges, and a DAG from each."""

    ranks: IntArray
    scores: FloatArray
    edges: FloatArray
    dags: BoolArray
    dag_scores: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[_Chain]) -> _Chain:
        """One after the other."""
        return cls(
            np.concatenate([part.ranks for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.edges for part in parts]),
            np.concatenate([part.dags for part in parts]),
            np.concatenate([part.dag_scores for part in parts]),
        )


def _split(setup: ScoreSetup, n_candidates: int) -> tuple[list[IntArray], list[IntArray]]:
    """Candidates of each node, and the others that may be its parents."""
    free = setup.allowed & ~setup.required
    n_free = int(free.sum(axis=0).max())
    most = min(n_candidates, n_free)
    check_room(setup, most, n_free - most, "Take fewer candidates, or give tiers or a skeleton.")
    candidates = [candidates_of(setup, v, most) for v in range(setup.n_nodes)]
    outside = [
        np.setdiff1d(np.flatnonzero(free[:, v]), candidates[v]) for v in range(setup.n_nodes)
    ]
    return candidates, outside


def _walk_on(
    tables: ParentTables,
    orders: list[IntArray],
    streams: Sequence[np.random.Generator],
    n: int,
    rounds: tuple[int, int],
    n_jobs: int | None,
    stop: BoolArray,
) -> list[_Chain]:
    """Walk from each order, all of them block by block; what all have done when the time is up."""
    blocks: list[list[_Chain]] = []
    n_first, every = rounds
    begun = range(0, n, _BLOCK)
    for done in track(begun, total=len(begun), label="orders"):
        size = min(_BLOCK, n - done)
        jobs = [
            (tables, order, stream.spawn(1)[0], size, (n_first, every), stop)
            for order, stream in zip(orders, streams, strict=True)
        ]
        block = run(_walk, jobs, n_jobs=n_jobs, threads=True)
        if stop[0]:
            break
        blocks.append(block)
        orders, n_first = [np.argsort(chain.ranks[-1]) for chain in block], every
    return [_Chain.joined(chain) for chain in zip(*blocks, strict=True)]


def _walk(
    tables: ParentTables,
    order: IntArray,
    rng: np.random.Generator,
    n: int,
    rounds: tuple[int, int],
    stop: BoolArray,
) -> _Chain:
    from causalkit.discovery.bayesian._order_mcmc_kernels import walk
    from causalkit.discovery.bayesian._parent_table_kernels import draw_dag

    p, (n_first, every) = len(order), rounds
    ranks, scores, edges = np.zeros((n, p), dtype=np.intp), np.empty(n), np.empty((n, p, p))
    uniforms = rng.random(((n_first + (n - 1) * every) * p, 3))
    walk(tables, order, uniforms, n_first, every, ranks, scores, edges, stop)
    dags, dag_scores = np.zeros((n, p, p), dtype=np.bool_), np.empty(n)
    if not stop[0]:
        for k, numbers in enumerate(rng.random((n, p, 2))):
            dag_scores[k] = draw_dag(tables, ranks[k], numbers, dags[k])
    return _Chain(ranks, scores, edges, dags, dag_scores)


def _best(tables: ParentTables, chains: list[_Chain]) -> BoolArray:
    """Find the best DAG that fits one of the orders noted."""
    from causalkit.discovery.bayesian._parent_table_kernels import best_dag

    ranks = np.unique(np.concatenate([chain.ranks for chain in chains]), axis=0)
    p = ranks.shape[1]
    best, dag, highest = np.zeros((p, p), dtype=np.bool_), np.zeros((p, p), dtype=np.bool_), -np.inf
    for rank in ranks:
        weight = best_dag(tables, rank, dag)
        if weight > highest:
            best, highest = dag.copy(), weight
    return best


def _convergence(
    chains: list[_Chain], setup: ScoreSetup, candidates: list[IntArray]
) -> Convergence:
    scores = np.stack([chain.scores for chain in chains])
    p = setup.n_nodes
    ratio, size, spread = np.empty((p, p)), np.empty((p, p)), np.empty((p, p))
    for v in range(p):
        edges = np.stack([chain.edges[:, :, v] for chain in chains])
        ratio[:, v], size[:, v] = r_hat(edges), effective_size(edges)
        spread[:, v] = edges.std(axis=(0, 1))
    tails, heads = np.nonzero((ratio > _LARGE) & (spread > _CERTAIN))
    doubtful = tuple((setup.names[i], setup.names[j]) for i, j in zip(tails, heads, strict=True))
    apart = ~setup.required
    for v, chosen in enumerate(candidates):
        apart[chosen, v] = False
    beyond = np.mean([(chain.dags & apart).any(axis=1).mean() for chain in chains])
    where = np.ix_(*[[setup.names.index(name) for name in setup.shown]] * 2)
    return Convergence(
        len(chains),
        scores.shape[1],
        float(r_hat(scores)),
        float(effective_size(scores)),
        ratio[where],
        size[where],
        doubtful,
        float(beyond),
    )


def _warn_of(found: Convergence) -> None:
    if found.score_r_hat > _LARGE or found.doubtful:
        shown = ", ".join(f"{show_name(a)} -> {show_name(b)}" for a, b in found.doubtful[:3])
        warnings.warn(
            f"the chains have not come to agree: R-hat of the log-weight is "
            f"{found.score_r_hat:.3g}, and {len(found.doubtful)} edge(s) differ"
            + (f" ({shown}{', …' if len(found.doubtful) > 3 else ''})" if shown else "")
            + f"; expected R-hat below {_LARGE}. Raise burn_in, n_samples or thinning.",
            ConvergenceWarning,
            stacklevel=5,
        )
