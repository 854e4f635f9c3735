"""LPCMCI: links between series of which common causes may be hidden.

Two series may move together because a third one, that nobody recorded, drives both. What can be
learnt then is a partial ancestral graph (PAG): an arrow at B says that B is no cause of A, a tail
at A that A is a cause of B, a circle that the data cannot tell; `A <-> B` has a hidden common
cause.

FCI on lagged columns would do, but misses most links: series that remember themselves leave little
that is new at each step, and tests given few columns do not see it. LPCMCI learns early, while it
still cuts edges, which nodes are parents, and from then on conditions on the parents of both nodes
in every test. It begins again with the parents that it found so, once or more often.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> x, y, z, hidden = rng.normal(size=(4, 2000))
>>> for t in range(2, 2000):
...     x[t] += 0.5 * x[t - 1] + 0.7 * hidden[t - 1]
...     y[t] += 0.8 * y[t - 1] + 0.7 * hidden[t - 2]
...     z[t] += 0.6 * z[t - 1] + 0.5 * x[t - 1]
>>> lpcmci = LPCMCI(max_lag=2, alpha=0.001).fit({"x": x, "y": y, "z": z})
>>> for edge in lpcmci.graph_.edges():
...     print(edge)
x[t-1] -> x[t]
x[t-1] <-> y[t]
x[t-1] -> z[t]
y[t-1] -> y[t]
z[t-1] -> z[t]
"""

from __future__ import annotations

from causalkit._core.checks import check_count
from causalkit.discovery.series.latent._latent_series import LatentSeriesAlgorithm
from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._lpcmci_search import LatentSearch
from causalkit.discovery.series.latent._set_search import Evidence
from causalkit.discovery.series.momentary._past import Questions
from causalkit.independence import CITest
from causalkit.typing import Name

__all__ = ["LPCMCI"]


class LPCMCI(LatentSeriesAlgorithm):
    """Learn a PAG of series, common causes hidden or not.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.PartialCorrelation` if left
        out. Tests on correlations are the quickest by far.
    max_lag : int, default 1
        Longest lag of a link, and how far back a conditioning set may reach.
    alpha : float, default 0.01
        Two nodes are cut apart if a p-value exceeds `alpha`. Smaller gives fewer links.
    n_preliminary : int, default 1
        How often to begin again with the parents found so far.
    max_order : int, optional
        Largest set beside the known parents; no limit if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    n_jobs : int, optional
        Parallel jobs, of tests that are not compiled; never changes the result.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind PAG.
    p_values_, strengths_ : ndarrays of shape (max_lag + 1, p, p)
        `[lag, cause, effect]`: of each link the largest p-value of its tests, and the statistic
        that goes with it: the partial correlation where there is one. NaN where nothing was asked.
    scores_ : ndarray of shape (p, p)
        `[cause, effect]`: how clear the clearest link is; from the past, whatever its mark at the
        cause. See :class:`PCMCI`.
    n_tests_, n_untestable_ : int
        Tests carried out, and sets that a test could not handle.

    Notes
    -----
    **Assumes:**

    - links are the same at every step (stationary), hidden series included, and acyclic within a
      step;
    - nobody's being observed depends on the series (no selection);
    - every independence comes from the graph (faithfulness) and the test finds it;
    - the assumptions of the test, but for rows that are independent.

    Causes may act over more than `max_lag` steps: they are hidden causes then. With an oracle for
    the test the result is :func:`~causalkit.graph.lagged_pag` of the true graph. The marks are
    drawn anew at the end, from the edges and separations that are left, so they do not depend on
    what was heard on the way. Series are taken in the order of their names, so permuted columns
    give the same graph. Where contradictory answers want an arrow and a tail, the arrow is drawn.

    The conditioning sets lie within the window, the parents of the earlier node included. All sets
    of the size that separates a pair are heard: who is in each of them is a cause of one of the
    two. Colliders are confirmed by a test each, and drawn once the parents are known.

    References
    ----------
    Gerhardus, Runge (2020), "High-recall causal discovery for autocorrelated time series with
    latent confounders", NeurIPS 33: 12615-12625, doi:10.48550/arXiv.2007.01884.

    Examples
    --------
    >>> from causalkit.graph import LaggedGraph
    >>> from causalkit.independence import Oracle
    >>> text = "A[t-1] -> A[t]; A[t-1] -> B[t]; U[t] -> B[t]; U[t] -> C[t]; C[t-1] -> C[t]"
    >>> truth = LaggedGraph.parse(text)
    >>> observed = {name: [0.0, 1.0, 0.0, 1.0] for name in "ABC"}
    >>> print(LPCMCI(Oracle(truth), max_lag=2).fit(observed).graph_)
    PAG of 3 series, lags to 2, 4 edges: B[t] <-> C[t]; A[t-1] -> A[t]; A[t-1] -> B[t];
    C[t-1] -> C[t]
    """

    def __init__(
        self,
        test: CITest | None = None,
        *,
        max_lag: int = 1,
        alpha: float = 0.01,
        n_preliminary: int = 1,
        max_order: int | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.alpha = alpha
        self.n_preliminary = n_preliminary
        self.max_order = max_order
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs

    def _search(self, questions: Questions, alpha: float) -> tuple[Window, Evidence]:
        n_preliminary = check_count(self.n_preliminary, "n_preliminary", minimum=0)
        search = LatentSearch.begin(questions, alpha, self.max_order)
        search.run(n_preliminary)
        return search.window, search.evidence
