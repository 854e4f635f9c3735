"""LiNGAM: linear models whose noise is not Gaussian, and therefore have one direction only.

If y = bx + e with e independent of x, the regression of x on y leaves a residual that is
uncorrelated with y, but independent of y only if both x and e are Gaussian. So, with noise that is
not Gaussian, a linear model without hidden common causes has but one causal order that leaves
independent residuals, and no edge stays undirected:

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x, e = rng.laplace(size=(2, 500))
>>> lingam = DirectLiNGAM().fit({"y": 2 * x + e, "x": x})
>>> print(lingam.graph_)
DAG with 2 nodes, 1 edge: x -> y
>>> round(lingam.coefficients_.of("x", "y"), 1)
2.0

:class:`DirectLiNGAM` finds that order one variable after the other, without iterations and starting
values; :class:`ICALiNGAM` unmixes all noise at once. Both then choose edges by regressions on what
comes before, and both answer whatever the noise is. So the noise of each variable is tested: an
edge between two variables whose noise may be Gaussian is listed in `doubtful_`, and a warning is
given, because data say nothing about its direction.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.checks import check_count
from causalkit._core.random import as_generator
from causalkit.discovery.knowledge import Knowledge
from causalkit.discovery.lingam._lingam_model import LinearNonGaussian
from causalkit.discovery.lingam._lingam_order import Limits, order_by_ica, order_by_pairs
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["DirectLiNGAM", "ICALiNGAM"]


class DirectLiNGAM(LinearNonGaussian):
    """Learn a linear DAG, with all its directions, from noise that is not Gaussian.

    The first variable in causal order is the one that no other explains better than it explains
    them; what it explains is taken out of the others, and the search begins again.

    Parameters
    ----------
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges. Among the variables that are left only those may come
        first that the rest cannot precede by any path of allowed edges.
    prune : {"adaptive_lasso", "tests", None}
        How edges are chosen among all that the order admits: by the lasso with weights from least
        squares and the penalty by BIC; by a t-test for each, at level `alpha`; or all are kept.
        Coefficients are least squares on what is kept.
    alpha : float, default 0.01
        With `prune="tests"`.
    min_effect : float, default 0
        Edges with coefficients below are dropped, in standard deviations of the effect for one of
        the cause, and the others fitted again.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
        Causal order, causes first.
    coefficients_ : EffectMatrix
        Direct effects in the units of the data; `coefficients_.of(cause, effect)`.
    noise_p_values_ : dict of name to float
        Of the hypothesis that the noise of a variable is Gaussian.
    doubtful_ : tuple of (cause, effect)
        Edges of which both variables have noise that may be Gaussian (p > 0.05): their direction is
        a guess, unless knowledge says it.

    Notes
    -----
    **Assumes:**

    - each variable is a linear function of its causes plus noise;
    - the noise of the variables is independent: no hidden common causes, no selection;
    - the noise is not Gaussian, of all variables but one at most;
    - the true graph is acyclic.

    The pairwise measure is the difference of likelihoods of Hyvärinen and Smith, with entropies
    from the means of log cosh u and u exp(-u²/2); noise that no such mean tells from a Gaussian's
    counts as Gaussian. Of each variable that is not first, most pairs need not be looked at: once
    its charges exceed those of another in full, it is out (see `_lingam_kernels.Race`). The winner
    is that of the full comparison.

    Columns are taken in the order of their names and in units of their standard deviation, so
    neither their order nor their units matter.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.uniform(-1, 1, size=(3, 1000))
    >>> b = b + a
    >>> lingam = DirectLiNGAM().fit({"c": c + b - a, "b": b, "a": a})
    >>> lingam.order_
    ('a', 'b', 'c')
    >>> print(lingam.graph_)
    DAG with 3 nodes, 3 edges: b -> c; a -> c; a -> b
    >>> abs(lingam.total_effects().of("a", "c")) < 0.1  # 1 * 1 - 1
    True

    References
    ----------
    Shimizu et al. (2011), "DirectLiNGAM: a direct method for learning a linear non-Gaussian
    structural equation model", JMLR 12: 1225-1248. Hyvärinen and Smith (2013), "Pairwise likelihood
    ratios for estimation of non-Gaussian structural equation models", JMLR 14: 111-152. Zou (2006),
    "The adaptive lasso and its oracle properties", doi:10.1198/016214506000000735.
    """

    def __init__(
        self,
        *,
        knowledge: Knowledge | None = None,
        prune: str | None = "adaptive_lasso",
        alpha: float = 0.01,
        min_effect: float = 0.0,
    ) -> None:
        self.knowledge = knowledge
        self.prune = prune
        self.alpha = alpha
        self.min_effect = min_effect

    def _find_order(
        self, values: FloatArray, correlations: FloatArray, limits: Limits
    ) -> tuple[IntArray, FloatArray | None]:
        columns = np.array(values.T, order="C")  # a copy: residuals take its place
        return order_by_pairs(columns, correlations, limits)


class ICALiNGAM(LinearNonGaussian):
    """Learn a linear DAG, with all its directions, by independent component analysis.

    All noise is unmixed at once, each component is matched with the variable it is the noise of,
    and the weakest effects are dropped until none runs in a circle. That gives the order; edges are
    then chosen as by :class:`DirectLiNGAM`, which needs neither iterations nor starting values and
    makes fewer errors where there are more than some 20 variables (`benchmarks/bench_lingam.py`).

    Parameters
    ----------
    knowledge : Knowledge, optional
        Tiers, required and forbidden edges.
    prune : {"adaptive_lasso", "tests", None}
    alpha : float, default 0.01
    min_effect : float, default 0
        As of :class:`DirectLiNGAM`.
    max_iter : int, default 1000
        Most iterations of FastICA; a warning is given where they do not suffice.
    random_state : int, Generator or None, default 0
        Source of the starting values.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind DAG.
    order_ : tuple of names
    coefficients_ : EffectMatrix
    noise_p_values_ : dict of name to float
    doubtful_ : tuple of (cause, effect)
        As of :class:`DirectLiNGAM`.

    Notes
    -----
    **Assumes:**

    - each variable is a linear function of its causes plus noise;
    - the noise of the variables is independent: no hidden common causes, no selection;
    - the noise is not Gaussian, of all variables but one at most;
    - the true graph is acyclic.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, e = rng.laplace(size=(2, 500))
    >>> print(ICALiNGAM(random_state=0).fit({"y": 2 * x + e, "x": x}).graph_)
    DAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Shimizu, Hoyer, Hyvärinen and Kerminen (2006), "A linear non-Gaussian acyclic model for causal
    discovery", JMLR 7: 2003-2030.
    """

    def __init__(
        self,
        *,
        knowledge: Knowledge | None = None,
        prune: str | None = "adaptive_lasso",
        alpha: float = 0.01,
        min_effect: float = 0.0,
        max_iter: int = 1000,
        random_state: RandomState = 0,
    ) -> None:
        self.knowledge = knowledge
        self.prune = prune
        self.alpha = alpha
        self.min_effect = min_effect
        self.max_iter = max_iter
        self.random_state = random_state

    def _find_order(
        self, values: FloatArray, correlations: FloatArray, limits: Limits
    ) -> tuple[IntArray, FloatArray | None]:
        del correlations
        max_iter = check_count(self.max_iter, "max_iter")
        rng = as_generator(self.random_state)
        return order_by_ica(values, limits, rng, max_iter), None
