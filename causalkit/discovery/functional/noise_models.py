"""Cause or effect? By a model that leaves independent noise one way only.

If y = f(x) + noise, and the noise has nothing to do with x, then there is hardly ever such a model
of x given y, too. So both are fitted, and a kernel test looks at what they leave.

* :class:`ANM`: the noise is added.
* :class:`LOCI`: its spread may depend on the cause as well.

>>> import numpy as np
>>> rng = np.random.default_rng(1)
>>> x = rng.normal(size=500)
>>> y = np.tanh(x) + np.exp(x / 2) * rng.normal(size=500) / 4
>>> print(LOCI().fit({"x": x, "y": y}).direction_.verdict)
x -> y
>>> print(ANM().fit({"x": x, "y": y}).direction_.verdict)  # its noise has one spread
undecided
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from causalkit._core.checks import check_choice, check_count
from causalkit.discovery.functional._location_scale import ConvexFit, LocationScaleFit, SmoothFit
from causalkit.discovery.functional._pairwise import Pair, PairwiseAlgorithm, compared
from causalkit.discovery.functional._residual_test import NoiseModel, Side, block_of, residual_side
from causalkit.independence.landmarks import LandmarkSmoother
from causalkit.typing import FloatArray

__all__ = ["ANM", "LOCI"]

_LANDMARKS: Final = 60
_CURVES: Final[dict[str, Callable[[FloatArray, FloatArray], LocationScaleFit]]] = {
    "smooth": SmoothFit,
    "convex": ConvexFit,
}


class ANM(PairwiseAlgorithm):
    """Tell cause from effect of two variables: the noise is independent of the cause only.

    Each variable is regressed on the other by a Gaussian process. The direction in which a kernel
    test finds the residual independent of the regressor is possible, the other one is not.

    Parameters
    ----------
    alpha : float, default 0.05
        A direction is impossible if the p-value of its residual falls below.
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
        The same with all numbers. The score of a way is its log-likelihood per row, with densities
        that are learnt and the penalty of the BIC; it says which way an undecided pair leans.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the test that residual and cause are independent. If both fall below
        `alpha`, the model holds in neither direction.

    Notes
    -----
    **Assumes:**

    - the effect is a smooth function of the cause plus independent noise;
    - no hidden common cause and no selection;
    - the function is not linear, or the noise not Gaussian; else both directions are possible;
    - rows are independent draws from one distribution.

    At least 20 rows, and ten different values in each column. The work grows with the rows.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(-2, 2, size=150)
    >>> anm = ANM().fit({"x": x, "y": np.exp(x) + rng.normal(size=150)})
    >>> print(anm.graph_)
    CPDAG with 2 nodes, 1 edge: x -> y
    >>> anm.p_values_["x", "y"] > 0.05 > anm.p_values_["y", "x"]
    True

    References
    ----------
    Hoyer, Janzing, Mooij, Peters, Schölkopf (2008), "Nonlinear causal discovery with additive noise
    models", NIPS 21. Mooij et al. (2016), "Distinguishing cause from effect using observational
    data", JMLR 17(32), doi:10.48550/arXiv.1412.3773.
    """

    def __init__(self, *, alpha: float = 0.05, n_draws: int = 50, random_state: int = 0) -> None:
        self.alpha = alpha
        self.n_draws = n_draws
        self.random_state = random_state

    def _check_settings(self) -> None:
        check_draws(self.n_draws, self.random_state)

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        return both_ways(_Curve, pair, self.n_draws, self.random_state)

    def _is_model(self) -> bool:
        return True

    def _hypothesis(self) -> str:
        return "independence of residual and cause"


def both_ways(
    fit: Callable[[FloatArray, FloatArray], NoiseModel], pair: Pair, n_draws: int, seed: int
) -> tuple[Side, Side]:
    """Test a model of either way."""
    forwards = residual_side(fit, pair.x, pair.y, n_draws=n_draws, seed=seed)
    return forwards, residual_side(fit, pair.y, pair.x, n_draws=n_draws, seed=seed)


def check_draws(n_draws: int, random_state: int) -> None:
    check_count(n_draws, "n_draws", minimum=10)
    check_count(random_state, "random_state", minimum=0)


class _Curve:
    """A regression on one column, and what it leaves."""

    def __init__(self, cause: FloatArray, effect: FloatArray) -> None:
        self.smoother = LandmarkSmoother.of(block_of(cause), _LANDMARKS)
        left = self.smoother.residuals(effect[:, None])
        self.residuals, self.freedom, self.log_slope = (
            left.values[:, 0],
            float(left.spent.sum()),
            0.0,
        )
        self.location = effect - self.residuals

    def refitted(self, noise: FloatArray) -> FloatArray:
        """Residuals of effects that are made of this noise."""
        return self.smoother.residuals(self.location[:, None] + noise).values


class LOCI(PairwiseAlgorithm):
    """Location-scale causal inference: the cause may move the effect, and spread it.

    The model is y = f(x) + g(x) noise with f and g splines. It is fitted both ways by maximum
    likelihood under Gaussian noise, and the ways are compared.

    Parameters
    ----------
    alpha : float, default 0.05
        A way is impossible if its p-value falls below.
    by : {"independence", "likelihood"}
        "independence" tests whether what the model leaves is independent of the cause, which does
        not need the noise to be Gaussian. "likelihood" compares the Gaussian likelihoods of both
        ways, less their degrees of freedom, by Vuong's test; it decides oftener, and is mistaken
        oftener where the noise is not Gaussian.
    curves : {"smooth", "convex"}
        "smooth" are f and log g with penalties chosen by marginal likelihood. "convex" is the fit
        as published, of f/g² and 1/g² on 25 even knots with a fixed prior.
    n_draws : int, default 50
        Tables that are drawn from each model, to see what it leaves where it is true. For
        "independence".
    random_state : int, default 0
        Seed of these draws.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if one
        direction only is possible, else `--`.
    direction_ : Direction
        The same with all numbers. The score of a way is its log-likelihood per row, for
        "independence" with densities that are learnt and the penalty of the BIC; it says which way
        an undecided pair leans.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way is possible.

    Notes
    -----
    **Assumes:**

    - the effect is f(cause) + g(cause) times independent noise, with smooth f and g;
    - no hidden common cause and no selection;
    - there is no such model of the cause given the effect: some families have one both ways,
      linear Gaussian ones for instance;
    - for "likelihood": the noise is Gaussian, and so is, roughly, the cause;
    - rows are independent draws from one distribution.

    At least 20 rows, and ten different values in each column.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=400)
    >>> data = {"x": x, "y": np.sin(2 * x) + np.exp(x) * rng.normal(size=400) / 5}
    >>> print(LOCI().fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y
    >>> print(LOCI(by="likelihood", curves="convex").fit(data).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Immer, Schultheiss, Vogt, Schölkopf, Bühlmann, Marx (2023), "On the identifiability and
    estimation of causal location-scale noise models", ICML, doi:10.48550/arXiv.2210.09054. Vuong
    (1989), "Likelihood ratio tests for model selection and non-nested hypotheses",
    doi:10.2307/1912557. Wood, Fasiolo (2017), "A generalized Fellner-Schall method for smoothing
    parameter optimization", doi:10.1111/biom.12666.
    """

    def __init__(
        self,
        *,
        alpha: float = 0.05,
        by: str = "independence",
        curves: str = "smooth",
        n_draws: int = 50,
        random_state: int = 0,
    ) -> None:
        self.alpha = alpha
        self.by = by
        self.curves = curves
        self.n_draws = n_draws
        self.random_state = random_state

    def _check_settings(self) -> None:
        check_draws(self.n_draws, self.random_state)
        check_choice(self.by, "by", ("independence", "likelihood"))
        check_choice(self.curves, "curves", _CURVES)

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        fit = _CURVES[self.curves]
        if self.by == "likelihood":
            return _vuong(pair, fit(pair.x, pair.y), fit(pair.y, pair.x))
        return both_ways(fit, pair, self.n_draws, self.random_state)

    def _is_model(self) -> bool:
        return self.by == "independence"

    def _hypothesis(self) -> str:
        if self.by == "likelihood":
            return "likelihood at least as high as the other way"
        return "independence of residual and cause"


def _vuong(
    pair: Pair, forwards: LocationScaleFit, backwards: LocationScaleFit
) -> tuple[Side, Side]:
    """Compare p(x) p(y | x) with p(y) p(x | y); causes count as standard Gaussian, as published."""
    x, y, n = pair.x, pair.y, len(pair.x)
    one = forwards.log_likelihood - (x * x + np.log(2.0 * np.pi)) / 2.0
    other = backwards.log_likelihood - (y * y + np.log(2.0 * np.pi)) / 2.0
    error = float(np.std(one - other)) / np.sqrt(n)
    return compared(
        float(one.mean()) - forwards.freedom / n,
        float(other.mean()) - backwards.freedom / n,
        error,
        n - 1.0,
    )
