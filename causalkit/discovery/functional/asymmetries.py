"""Cause or effect? By a number that tends to be larger one way.

These need no model to hold and no test of it. Each looks for one trace that a mechanism leaves
if it has nothing to do with the distribution of its cause; where the trace is not there, or
something else leaves it, the number misleads. They are quick, they work where there is no noise at
all (:class:`IGCI`), or where noise is large (:class:`RECI`), and together they say more than alone
(:class:`~causalkit.discovery.PairwiseEnsemble`).

All compare two scores, and commit themselves only if the scores differ by more than they vary from
sample to sample. That guards against chance, not against a wrong assumption.

>>> import numpy as np
>>> x = np.random.default_rng(0).uniform(size=300)
>>> print(IGCI().fit({"x": x, "y": x**3}).direction_.verdict)  # no noise: no residual to look at
x -> y
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.special import digamma

from causalkit._core.checks import check_choice
from causalkit.discovery.functional._pairwise import Pair, PairwiseAlgorithm, score_sides
from causalkit.discovery.functional._residual_test import Side, hsic
from causalkit.typing import FloatArray

__all__ = ["IGCI", "RECI", "PairwiseLiNGAM"]

_DEGREE: Final = 3


class IGCI(PairwiseAlgorithm):
    """Information-geometric causal inference: where the curve is steep, the cause is not dense.

    If y = f(x), and f was not chosen with the distribution of x in mind, x is as dense where f is
    steep as elsewhere, so y is dense where f is flat. Then the logarithm of how steep f is lies
    below zero on average for the true way, and above for the other one.

    Parameters
    ----------
    alpha : float, default 0.05
        A way is impossible if the other one scores higher by more than chance at this level.
    reference : {"uniform", "gaussian"}
        What a cause without structure looks like: columns are scaled to 0 to 1, or to standard
        deviations.
    estimator : {"slope", "entropy"}
        Average the logarithms of slopes between neighbouring rows, or compare entropies, by the
        gaps between neighbouring values. The same without noise and many rows.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if
        decided, else `--`.
    direction_ : Direction
        The same with all numbers. The score is minus the average logarithm of slopes, or the
        entropy of the cause minus that of the effect.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way scores at least as high.

    Notes
    -----
    **Assumes:**

    - the effect is a monotone function of the cause with very little noise;
    - the function and the distribution of the cause were not made for each other;
    - no hidden common cause and no selection;
    - the reference fits: the range (or the spread) of either variable means something.

    Equal neighbours are passed over.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(size=200)
    >>> print(IGCI().fit({"x": x, "y": np.sqrt(x)}).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Janzing, Mooij, Zhang, Lemeire, Zscheischler, Daniušis, Steudel, Schölkopf (2012),
    "Information-geometric approach to inferring causal directions",
    doi:10.1016/j.artint.2012.01.002.
    """

    def __init__(
        self, *, alpha: float = 0.05, reference: str = "uniform", estimator: str = "slope"
    ) -> None:
        self.alpha = alpha
        self.reference = reference
        self.estimator = estimator

    def _check_settings(self) -> None:
        check_choice(self.reference, "reference", ("uniform", "gaussian"))
        check_choice(self.estimator, "estimator", ("slope", "entropy"))

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        scale = _to_unit if self.reference == "uniform" else _to_deviations
        score = _flatness if self.estimator == "slope" else _entropy_lost
        return score_sides(lambda a, b: score(scale(a), scale(b)), pair)

    def _hypothesis(self) -> str:
        return f"the average slope is as flat ({self.reference} reference, {self.estimator})"


def _to_unit(column: FloatArray) -> FloatArray:
    low = column.min()
    return np.asarray((column - low) / (column.max() - low))


def _to_deviations(column: FloatArray) -> FloatArray:
    return np.asarray((column - column.mean()) / column.std())


def _flatness(cause: FloatArray, effect: FloatArray) -> float:
    """Minus the mean of log |dy/dx| between neighbours."""
    rows = np.lexsort((effect, cause))
    run, rise = np.diff(cause[rows]), np.diff(effect[rows])
    moved = (run != 0.0) & (rise != 0.0)
    if not moved.any():
        return 0.0
    return -float(np.mean(np.log(np.abs(rise[moved])) - np.log(run[moved])))


def _entropy_lost(cause: FloatArray, effect: FloatArray) -> float:
    return _entropy(cause) - _entropy(effect)


def _entropy(column: FloatArray) -> float:
    """By gaps between neighbours: ψ(m) - ψ(1) + mean log gap."""
    gaps = np.diff(np.sort(column))
    gaps = gaps[gaps > 0.0]
    return float(digamma(len(gaps) + 1.0) - digamma(1.0) + np.mean(np.log(gaps)))


class RECI(PairwiseAlgorithm):
    """Regression error based causal inference: the effect is easier to predict than the cause.

    Both columns are scaled to 0 to 1, each is regressed on the other by a polynomial of degree 3,
    and the way with the smaller mean squared error is taken for the causal one.

    Parameters
    ----------
    alpha : float, default 0.05
        A way is impossible if the other one scores higher by more than chance at this level.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if
        decided, else `--`.
    direction_ : Direction
        The same with all numbers. The score is minus the mean squared error.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way predicts at least as well.

    Notes
    -----
    **Assumes:**

    - the effect is a monotone function of the cause plus noise that is small, or of one spread;
    - function, noise and distribution of the cause have nothing to do with each other;
    - no hidden common cause and no selection;
    - the range of either variable means something: a value far out changes its unit.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(size=300)
    >>> print(RECI().fit({"x": x, "y": x**2 + rng.normal(size=300) / 20}).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Blöbaum, Janzing, Washio, Shimizu, Schölkopf (2018), "Cause-effect inference by comparing
    regression errors", AISTATS, doi:10.48550/arXiv.1802.06698.
    """

    def __init__(self, *, alpha: float = 0.05) -> None:
        self.alpha = alpha

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        return score_sides(_accuracy, pair)

    def _hypothesis(self) -> str:
        return "the error of prediction is as small"


def _accuracy(cause: FloatArray, effect: FloatArray) -> float:
    """Minus the mean squared error of a polynomial."""
    x, y = _to_unit(cause), _to_unit(effect)
    powers = np.vander(2.0 * x - 1.0, _DEGREE + 1)
    left = y - powers @ np.linalg.lstsq(powers, y, rcond=None)[0]
    return -float(left @ left) / len(y)


# Constants of Hyvärinen (1998): entropy by two moments beyond the variance.
_K1, _K2, _GAMMA = 79.047, 7.4129, 0.37457


class PairwiseLiNGAM(PairwiseAlgorithm):
    """Linear relations with noise that is not Gaussian, by ratios of likelihoods.

    Parameters
    ----------
    alpha : float, default 0.05
        A way is impossible if the other one scores higher by more than chance at this level.
    measure : {"entropy", "skewness", "tanh"}
        "entropy" compares entropies of causes and residuals, whatever the noise is like.
        "skewness" and "tanh" are cheap and robust approximations for noise that is skewed, or
        heavy-tailed and symmetric.

    Attributes
    ----------
    graph_ : CausalGraph
        Kind CPDAG, over the two columns: no edge if the variables are independent, `->` if
        decided, else `--`.
    direction_ : Direction
        The same with all numbers. The score is a log-likelihood per row.
    p_values_ : dict of (name, name) to float
        By (cause, effect), of the hypothesis that this way is at least as likely.

    Notes
    -----
    **Assumes:**

    - the effect is linear in the cause, plus independent noise;
    - cause or noise is not Gaussian; for "skewness" both are skewed, for "tanh" heavy-tailed;
    - no hidden common cause and no selection.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.exponential(size=(2, 400))
    >>> print(PairwiseLiNGAM().fit({"x": x, "y": x + noise}).graph_)
    CPDAG with 2 nodes, 1 edge: x -> y

    References
    ----------
    Hyvärinen, Smith (2013), "Pairwise likelihood ratios for estimation of non-Gaussian structural
    equation models", JMLR 14. Hyvärinen (1998), "New approximations of differential entropy for
    independent component analysis and projection pursuit", NIPS 10.
    """

    def __init__(self, *, alpha: float = 0.05, measure: str = "entropy") -> None:
        self.alpha = alpha
        self.measure = measure

    def _check_settings(self) -> None:
        check_choice(self.measure, "measure", _MEASURES)

    def _judge(self, pair: Pair) -> tuple[Side, Side]:
        fits = (
            hsic(pair.x, _left_of_line(pair.x, pair.y)),
            hsic(pair.y, _left_of_line(pair.y, pair.x)),
        )
        likely = score_sides(_MEASURES[self.measure], pair)
        one, other = (
            Side(side.score, min(1.0, 2.0 * min(side.p_value, fit.p_value)))
            for side, fit in zip(likely, fits, strict=True)
        )
        return one, other

    def _is_model(self) -> bool:
        return True

    def _hypothesis(self) -> str:
        return f"a linear model holds, and is at least as likely ({self.measure})"


def _unlikeliness_of_noise(cause: FloatArray, effect: FloatArray) -> float:
    """Minus the entropies of the cause and of what it leaves of the effect."""
    left = _left_of_line(cause, effect)
    return -_max_entropy(_to_deviations(cause)) - _max_entropy(left / left.std())


def _left_of_line(cause: FloatArray, effect: FloatArray) -> FloatArray:
    x, y = _to_deviations(cause), _to_deviations(effect)
    return np.asarray(y - float(x @ y) / len(x) * x)


def _max_entropy(u: FloatArray) -> float:
    """Entropy of a column with mean 0 and variance 1."""
    sparse = float(np.mean(np.logaddexp(u, -u))) - np.log(2.0) - _GAMMA  # log cosh u
    skewed = float(np.mean(u * np.exp(-u * u / 2.0)))
    return float((1.0 + np.log(2.0 * np.pi)) / 2.0 - _K1 * sparse**2 - _K2 * skewed**2)


def _skew_score(cause: FloatArray, effect: FloatArray) -> float:
    """ρ E(x² y), both turned so that they are skewed to the right."""
    x, y = (u * np.sign(np.mean(u**3)) for u in map(_to_deviations, (cause, effect)))
    return float(np.mean(x * y)) * float(np.mean(x * x * y))


def _tanh_score(cause: FloatArray, effect: FloatArray) -> float:
    """ρ E(x tanh y): of heavy tails, the effect's are the lighter ones."""
    x, y = _to_deviations(cause), _to_deviations(effect)
    return float(np.mean(x * y)) * float(np.mean(x * np.tanh(y)))


_MEASURES: Final[dict[str, Callable[[FloatArray, FloatArray], float]]] = {
    "entropy": _unlikeliness_of_noise,
    "skewness": _skew_score,
    "tanh": _tanh_score,
}
