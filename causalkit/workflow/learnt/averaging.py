"""One interval from many answers, by their weights: a mixture of normal distributions.

The hull of the intervals of all answers is as wide as the widest, however unlikely the graph behind
it. Where the weights are probabilities of the graphs, there is a distribution of the effect
instead: with probability w_k it is that of answer k, N(v_k, s_k²), or the point that answer k
implies, such as zero if no path leads from the treatment to the outcome::

    F(t) = Σ w_k Φ((t - v_k) / s_k)

Cut off an equal part at either end and what is left is an interval that holds the effect with the
probability asked for: over graphs and data together, given the prior, and not for each truth. It is
Bayesian model averaging, with the normal distribution of each estimate for its posterior.

>>> averaged_interval([0.5, 0.0], [0.1, 0.0], [False, True], [0.98, 0.02], 0.95)
Interval(lower=0.2431, upper=0.6951, level=0.95)

References
----------
Hoeting, Madigan, Raftery and Volinsky (1999), "Bayesian model averaging: a tutorial", Statistical
Science 14, 382-417. doi:10.1214/ss/1009212519
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from causalkit._core.checks import check_fraction
from causalkit.errors import InputError
from causalkit.estimation.effect import Interval
from causalkit.typing import BoolArray, FloatArray

__all__ = ["averaged_interval"]

_ROUNDING: Final = 1e-9
"""Weights that lack less than this of one lack nothing."""


def averaged_interval(
    values: FloatArray | Sequence[float],
    std_errors: FloatArray | Sequence[float],
    implied: BoolArray | Sequence[bool],
    weights: FloatArray | Sequence[float],
    level: float = 0.95,
) -> Interval:
    """Equal-tailed interval of a mixture of normal distributions and points.

    Parameters
    ----------
    values, std_errors : array-like of shape (k,)
        Of each answer.
    implied : array-like of bool, shape (k,)
        Whether the graph implies the value, which then is a point, whatever its error says; so is
        an answer with an error of zero.
    weights : array-like of shape (k,)
        Probability of each. What they lack of one is that of answers about which nothing is known;
        it may lie at either end, so the interval is the whole line once it exceeds a tail.
    level : float, default 0.95

    Returns
    -------
    Interval
        With at most (1 - level) / 2 of the mixture below its lower end, and above its upper end.
        If more than that is in a point, the point is inside.

    Raises
    ------
    InputError
        If the arrays do not fit each other, a number is not finite, or the weights are no
        probabilities.

    Notes
    -----
    **Assumes:** the weights are probabilities of the graphs behind the answers, and the estimate of
    each is about normal around the truth if its graph is right. With shares of searches for weights
    it is a summary of what searches would have said, and no credible interval.

    Examples
    --------
    >>> one = averaged_interval([1.0], [0.5], [False], [1.0], 0.95)
    >>> round(one.lower, 2), round(one.upper, 2)
    (0.02, 1.98)
    >>> averaged_interval([1.0, 0.0], [0.1, 0.0], [False, True], [0.9, 0.1], 0.9).lower
    0.0
    """
    check_fraction(level, "level")
    v, s, w = _checked(values, std_errors, implied, weights)
    open_share = 1.0 - float(w.sum())
    tail = (1.0 - level) / 2 - (open_share if open_share > _ROUNDING else 0.0)
    if tail <= 0.0:
        return Interval(-math.inf, math.inf, level)
    return Interval(_quantile(tail, v, s, w), -_quantile(tail, -v, s, w), level)


def _quantile(q: float, v: FloatArray, s: FloatArray, w: FloatArray) -> float:
    """The least t with F(t) >= q, where F jumps at the points (s = 0)."""
    is_point = s == 0

    def below(t: float, *, strictly: bool = False) -> float:
        z = (t - v[~is_point]) / s[~is_point]
        passed = v[is_point] < t if strictly else v[is_point] <= t
        return float(w[~is_point] @ ndtr(z) + w[is_point] @ passed)

    # F is at most q where no part of the mixture has reached its own quantile, and at least q where
    # all have.
    own = v + s * ndtri(q / w.sum())
    start, end = float(own.min()), float(own.max())
    for point in np.unique(v[is_point]).tolist():
        if below(point) < q * (1 - _ROUNDING):
            start = max(start, point)
            continue
        if below(point, strictly=True) < q:
            return float(point)
        end = min(end, point)
        break
    if below(start) >= q or not start < end:
        return start
    if below(end) < q:  # by rounding only
        return end
    return float(brentq(lambda t: below(t) - q, start, end, xtol=1e-300, rtol=1e-14))


def _checked(
    values: FloatArray | Sequence[float],
    std_errors: FloatArray | Sequence[float],
    implied: BoolArray | Sequence[bool],
    weights: FloatArray | Sequence[float],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    v, s, w = (np.asarray(x, dtype=np.float64) for x in (values, std_errors, weights))
    points = np.asarray(implied, dtype=np.bool_)
    if v.ndim != 1 or not v.shape == s.shape == w.shape == points.shape or not len(v):
        raise InputError(
            f"values, std_errors, implied and weights have shapes {v.shape}, {s.shape}, "
            f"{points.shape} and {w.shape}; expected one number each for every answer."
        )
    s = np.where(points, 0.0, s)
    if not (np.isfinite(v).all() and np.isfinite(s).all() and (s >= 0).all()):
        raise InputError(
            f"the answers are {v.tolist()} with standard errors {s.tolist()}; expected finite "
            "numbers, and errors that are not negative. Leave out answers without an error."
        )
    if not (w >= 0).all() or not 0 < w.sum() <= 1 + _ROUNDING:
        raise InputError(
            f"weights={w.tolist()}; expected probabilities: none negative, and together at most "
            "one. Divide them by their sum."
        )
    kept = w > 0
    return v[kept], s[kept], w[kept]
