"""TS-ICD: series with hidden common causes, from long lags to short ones, in few tests.

FCI first looks for sets among neighbours and then for sets far away. *Iterative causal discovery*
makes one search of the two: at size r it asks about sets of r nodes that hang together around one
of the pair, so the first sets are neighbours and later ones reach farther; and it draws all marks
anew after each size, which rules out most of the farther ones. Among series the longest lags are
asked about first. They are the most, they fall soonest, and each one that is gone makes the later
questions, about short lags and within the step, shorter.

The result is a partial ancestral graph, as :class:`LPCMCI` gives it. TS-ICD needs fewer tests, and
finds fewer links in series that are short and remember themselves: it knows no parents before it
has cut most edges. `n_preliminary=1` searches again and conditions on the parents found first, as
LPCMCI does; the two then find the same share of links, TS-ICD with no more tests.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> x, y, z, hidden = rng.normal(size=(4, 2000))
>>> for t in range(2, 2000):
...     x[t] += 0.5 * x[t - 1] + 0.7 * hidden[t - 1]
...     y[t] += 0.8 * y[t - 1] + 0.7 * hidden[t - 2]
...     z[t] += 0.6 * z[t - 1] + 0.5 * x[t - 1]
>>> found = TSICD(max_lag=2, alpha=0.001).fit({"x": x, "y": y, "z": z})
>>> for edge in found.graph_.edges():
...     print(edge)
x[t-1] -> x[t]
x[t-1] <-> y[t]
x[t-1] -> z[t]
y[t-1] -> y[t]
z[t-1] -> z[t]
"""

from __future__ import annotations

from causalkit._core.checks import check_choice, check_count
from causalkit.discovery.series.latent._latent_series import LatentSeriesAlgorithm
from causalkit.discovery.series.latent._latent_window import Window
from causalkit.discovery.series.latent._set_search import Evidence
from causalkit.discovery.series.latent._ts_icd_search import IterativeSearch
from causalkit.discovery.series.momentary._past import Questions
from causalkit.independence import CITest
from causalkit.typing import Name

__all__ = ["TSICD"]


class TSICD(LatentSeriesAlgorithm):
    """Learn a PAG of series by larger and larger sets, the longest lags first.

    Parameters
    ----------
    test : CITest, optional
        Conditional-independence test; :class:`~causalkit.independence.PartialCorrelation` if left
        out. Tests on correlations are the quickest by far.
    max_lag : int, default 1
        Longest lag of a link, and how far back a conditioning set may reach.
    alpha : float, default 0.01
        Two nodes are cut apart if a p-value exceeds `alpha`. Smaller gives fewer links.
    order : {"long-first", "short-first"}
        Which lags are asked about first, at each size of the sets; pairs within the step always
        come last.
    n_preliminary : int, default 0
        How often to begin again with the parents found so far, which are in every set from then on;
        0 is the algorithm of the paper; 1 finds more links, for about a third more tests.
    max_order : int, optional
        Largest conditioning set, known parents apart; no limit if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, or say which rows may be "now".
    n_jobs : int, optional
        Parallel jobs, of tests that are not compiled; never changes the result.

    Attributes
    ----------
    graph_ : LaggedGraph
        Kind PAG.
    p_values_, strengths_, scores_, n_tests_, n_untestable_
        As for :class:`LPCMCI`.

    Notes
    -----
    **Assumes:** what :class:`LPCMCI` assumes.

    With an oracle for the test the result is :func:`~causalkit.graph.lagged_pag` of the true graph.
    Colliders are confirmed by a test each, and only drawn once sets of two have been asked about:
    what one node separates in series that remember themselves is often just weak. Pairs that need
    nodes of before the window once they are shifted back count as joined in walks, which the paper
    does not do; without it a few edges would stay that sets within the window separate.

    Beginning again is not in the paper, and safe for the reason that LPCMCI gives: parents of the
    two are ancestors of the two, and a set of ancestors that separates still does so with more of
    them. So an oracle has the same graph from it.

    References
    ----------
    Rohekar, Nisimov, Gurwicz, Novik (2023), "From temporal to contemporaneous iterative causal
    discovery in the presence of latent confounders", ICML, PMLR 202: 39939-39950,
    doi:10.48550/arXiv.2306.00624. Rohekar, Nisimov, Gurwicz, Novik (2021), "Iterative causal
    discovery in the possible presence of latent confounders and selection bias", NeurIPS 34,
    doi:10.48550/arXiv.2111.04095.

    Examples
    --------
    >>> from causalkit.graph import LaggedGraph
    >>> from causalkit.independence import Oracle
    >>> text = "A[t-1] -> A[t]; A[t-1] -> B[t]; U[t] -> B[t]; U[t] -> C[t]; C[t-1] -> C[t]"
    >>> truth = LaggedGraph.parse(text)
    >>> observed = {name: [0.0, 1.0, 0.0, 1.0] for name in "ABC"}
    >>> print(TSICD(Oracle(truth), max_lag=2).fit(observed).graph_)
    PAG of 3 series, lags to 2, 4 edges: B[t] <-> C[t]; A[t-1] -> A[t]; A[t-1] -> B[t];
    C[t-1] -> C[t]
    """

    def __init__(
        self,
        test: CITest | None = None,
        *,
        max_lag: int = 1,
        alpha: float = 0.01,
        order: str = "long-first",
        n_preliminary: int = 0,
        max_order: int | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.test = test
        self.max_lag = max_lag
        self.alpha = alpha
        self.order = order
        self.n_preliminary = n_preliminary
        self.max_order = max_order
        self.panel = panel
        self.time = time
        self.mask = mask
        self.n_jobs = n_jobs

    def _search(self, questions: Questions, alpha: float) -> tuple[Window, Evidence]:
        order = check_choice(self.order, "order", ("long-first", "short-first"))
        n_preliminary = check_count(self.n_preliminary, "n_preliminary", minimum=0)
        search = IterativeSearch.begin(questions, alpha, self.max_order)
        search.run(n_preliminary, long_first=order == "long-first")
        return search.window, search.evidence
