"""Cause or effect? By noise that is added before something distorts the sum: y = g(f(x) + noise).

A sensor that saturates, a log scale, a rating: what is measured is often an increasing function of
what a mechanism has made. :class:`PNL` undoes the distortion, whatever it is, and asks then what
:class:`~causalkit.discovery.ANM` asks. Units do not matter any more, only ranks do.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> x = rng.normal(size=500)
>>> y = np.exp(x**2 + x + rng.normal(size=500) / 2)
>>> print(PNL().fit({"x": x, "y": y}).direction_.verdict)
x -> y
"""

from __future__ import annotations

from causalkit.discovery.functional._pairwise import Pair, PairwiseAlgorithm
from causalkit.discovery.functional._post_nonlinear import PostNonlinearFit, normal_scores
from causalkit.discovery.functional._residual_test import Side
from causalkit.discovery.functional.noise_models import both_ways, check_draws

__all__ = ["PNL"]


class PNL(PairwiseAlgorithm):
    """Post-nonlinear model: independent noise, seen through an increasing function.

    The model is y = g(f(x) + noise), or h(y) = f(x) + noise with h increasing. It is fitted both
    ways by maximum likelihood, with f, h and the logarithm of the density of the noise splines. A
    way is possible if a kernel test finds h(y) - f(x) independent of x.

    Parameters
    ----------
    alpha : float, default 0.05
        A way is impossible if its p-value falls below.
    n_draws : int, default 50
        Tables that are drawn from each model, to see what it leaves where it is true.
    random_state : int, default 0
        Seed of these draws.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if one
        direction only is possible, else `--`.
    direction_ : Direction
        The same with all numbers. The score of a way is its log-likelihood per row, of the columns
        as quantiles of a Gaussian that their ranks stand for, with the penalty of the BIC; it says
        which way an undecided pair leans.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way is possible.

    Notes
    -----
    **Assumes:**

    - the effect is an increasing, or decreasing, function of f(cause) + noise, with smooth f and
      noise that is independent of the cause;
    - no hidden common cause and no selection;
    - there is no such model of the cause given the effect, too. In the five exceptions (Zhang and
      Hyvärinen, 2009, table 1) there are scales t of the cause and s of the effect with
      s = h(t) + noise, h monotone, and t = k(s) + other noise: (1) noise and t Gaussian, h
      straight; (2) noise and t log-mix-lin-exp (like logarithms of gamma variables), h straight; in
      the rest, h is flat far out on one side at least, with (3) noise log-mix-lin-exp and t
      exponential far out on one side, (4) noise log-mix-lin-exp and t a generalised mixture of two
      exponentials, (5) noise such a mixture and t exponential far out on both sides. In short:
      where a curve turns, there is no way back; where it is monotone, and Gaussian noise and a
      Gaussian cause are distorted, for instance, both ways are possible;
    - rows are independent draws from one distribution.

    Only the ranks of the columns are read, so an increasing function of either column changes
    nothing. The model holds the additive one of :class:`~causalkit.discovery.ANM`, but a more
    general model refutes less: where noise is known to be added, use that. Curves that bend where
    rows are few are smoothed, and then the true way is refuted oftener than `alpha` says: in one of
    five tables of 300 rows in exception 3. At least 20 rows, and ten different values in each
    column.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-2, 2, size=400)
    >>> data = {"x": x, "y": (np.sin(2 * x) + x / 2 + rng.uniform(-0.5, 0.5, size=400)) ** 3}
    >>> pnl = PNL().fit(data)
    >>> print(pnl.graph_)
    CPDAG with 2 nodes, 1 edge: x -> y
    >>> logs = {"x": np.exp(x), "y": np.cbrt(data["y"])}
    >>> PNL().fit(logs).p_values_ == pnl.p_values_
    True

    References
    ----------
    Zhang, Hyvärinen (2009), "On the identifiability of the post-nonlinear causal model", UAI,
    doi:10.48550/arXiv.1205.2599. Keropyan, Strieder, Drton (2023), "Rank-based causal discovery for
    post-nonlinear models", AISTATS, doi:10.48550/arXiv.2302.12341. Wood, Fasiolo (2017), "A
    generalized Fellner-Schall method for smoothing parameter optimization",
    doi:10.1111/biom.12666.
    """

    def __init__(self, *, alpha: float = 0.05, n_draws: int = 50, random_state: int = 0) -> None:
        self.alpha = alpha
        self.n_draws = n_draws
        self.random_state = random_state

    def _check_settings(self) -> None:
        check_draws(self.n_draws, self.random_state)

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        ranked = pair._replace(x=normal_scores(pair.x), y=normal_scores(pair.y))
        return both_ways(PostNonlinearFit, ranked, self.n_draws, self.random_state)

    def _is_model(self) -> bool:
        return True

    def _hypothesis(self) -> str:
        return "independence of residual and cause"
