"""Tails of weighted sums of chi-squares, the null distribution of every kernel test.

The statistic of a kernel test is a sum of squares of many correlated, nearly normal numbers, so
under independence it is Q = Σ w_k χ²_k with one degree of freedom each and unknown weights.

- :func:`gamma_tail` needs mean and variance of Q only, which cost no eigenvalues. Its error at 5 %
  is some tenths of a percent, less the more weights there are.
- :func:`three_moment_tail` (Hall, Buckley and Eagleson) takes the third cumulant as well.
- :func:`weighted_chi_square_tail` takes the weights and is good to some three percent of the
  p-value, also far out, by a saddlepoint approximation (Kuonen).

For independence without a conditioning set there is a yardstick without any asymptotics: how the
statistic varies when the rows of y are permuted. :func:`permutation_moments` gives mean and
variance over all n! permutations in closed form.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import gammaincc, ndtr

from causalkit.errors import NumericalError
from causalkit.typing import FloatArray

__all__ = [
    "KernelSums",
    "gamma_tail",
    "permutation_moments",
    "sign_test",
    "three_moment_tail",
    "weighted_chi_square_tail",
]

_BEYOND: Final = 1e4
"""Multiples of the mean above which a tail is zero: it is below 1e-2000."""

_VANISHING: Final = 1e-10
"""Variance in squared means; a chi-square with 2e10 degrees of freedom has so little."""

KernelSums = tuple[FloatArray, FloatArray, FloatArray]
"""Of centred kernel matrices K: trace, sum of squares of all cells, and of the diagonal."""


def gamma_tail(statistic: ArrayLike, mean: ArrayLike, variance: ArrayLike) -> FloatArray:
    """Upper tail of the gamma distribution with this mean and variance.

    Without a variance, as where every row has a level of its own, nothing can be said, which is 1.

    Parameters
    ----------
    statistic, mean, variance : array-like of float
        Any shapes that broadcast.

    Returns
    -------
    ndarray of float

    Examples
    --------
    >>> round(float(gamma_tail(3.841459, 1.0, 2.0)), 4)  # one chi-square is a gamma
    0.05
    """
    q, m, v = (np.asarray(value, dtype=np.float64) for value in (statistic, mean, variance))
    sound = v > 0
    scale = np.where(sound, v, 1.0)
    tail = gammaincc(m**2 / scale, np.maximum(q, 0.0) * m / scale)
    return np.asarray(np.where(sound, tail, 1.0))


def three_moment_tail(statistic: float, mean: float, variance: float, third: float) -> float:
    """Upper tail of the shifted gamma distribution with these three cumulants.

    Parameters
    ----------
    statistic, mean, variance, third : float
        Of Σ w_k χ²_k the cumulants are Σ w_k, 2 Σ w_k² and 8 Σ w_k³.

    References
    ----------
    Buckley and Eagleson (1988), "An approximation to the distribution of quadratic forms in normal
    random variables", doi:10.1111/j.1467-842X.1988.tb00471.x.
    """
    shape = 4.0 * variance**3 / third**2
    scale = third / (2.0 * variance)
    return float(gammaincc(shape, max(0.0, (statistic - mean) / scale + shape)))


def weighted_chi_square_tail(statistic: float, weights: FloatArray) -> float:
    """P(Σ w_k χ²_k > statistic) for weights of zero or more.

    Parameters
    ----------
    statistic : float
    weights : ndarray of shape (m,)

    Returns
    -------
    float

    Examples
    --------
    >>> round(weighted_chi_square_tail(18.307, np.ones(10)), 3)  # chi-square with 10 degrees
    0.05

    References
    ----------
    Kuonen (1999), "Saddlepoint approximations for distributions of quadratic forms in normal
    variables", doi:10.1093/biomet/86.4.929.
    """
    w = np.sort(np.asarray(weights, dtype=float))[::-1]
    if statistic <= 0.0:
        return 1.0
    if not len(w) or w[0] <= 0.0 or statistic > _BEYOND * w.sum():
        return 0.0
    q = statistic / w[0]
    w = w[w > 1e-12 * w[0]] / w[0]
    if w[-1] > 1.0 - 1e-9:  # equal weights: no approximation is needed
        return float(gammaincc(len(w) / 2.0, q / 2.0))
    if abs(q - w.sum()) < 1e-4 * np.sqrt(2.0 * (w @ w)):
        # The formula is 0/0 at the mean, and smooth: take it on both sides.
        off = 1e-3 * np.sqrt(2.0 * (w @ w))
        return (_lugannani_rice(q - off, w) + _lugannani_rice(q + off, w)) / 2.0
    return _lugannani_rice(q, w)


def _lugannani_rice(q: float, w: FloatArray) -> float:
    """Tail at q, which is not the mean; the largest weight is 1."""

    def slope(t: float) -> float:  # of the cumulant generating function, minus q
        return float(np.sum(w / (1.0 - 2.0 * t * w))) - q

    m = len(w)
    # At t = 1/2 - 1/(2q) one weight alone reaches q; below -m/q no m weights exceed it.
    high = 0.5 - 0.5 / (q + 1.0) if q > w.sum() else 0.0
    while slope(high) < 0.0:
        high = 0.5 - (0.5 - high) / 2.0
    t = brentq(slope, -m / q if q < w.sum() else 0.0, high, xtol=1e-14, rtol=1e-13)
    K = -0.5 * float(np.sum(np.log1p(-2.0 * t * w)))
    K2 = 2.0 * float(np.sum((w / (1.0 - 2.0 * t * w)) ** 2))
    r = np.sign(t) * np.sqrt(max(2.0 * (t * q - K), 0.0))
    v = t * np.sqrt(K2)
    return float(np.clip(ndtr(-(r + np.log(v / r) / r)), 0.0, 1.0))


def sign_test(statistic: float, mean: float, variance: float) -> float:
    """P-value of the statistic of a conditional test, by its moments under random signs.

    Raises
    ------
    NumericalError
        If the signs hardly matter.
    """
    if not variance > _VANISHING * mean**2:
        raise NumericalError(
            "hardly any two rows have anything in common, so that no dependence between them can "
            "show; expected rows that share levels of the categories given. Merge levels, or leave "
            "a column such as an identifier out."
        )
    return float(gamma_tail(statistic, mean, variance))


def permutation_moments(one: KernelSums, two: KernelSums, n: int) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of tr(K P L P') over all permutation matrices P.

    Parameters
    ----------
    one, two : tuple of three arrays of float
        Of centred kernel matrices K and L: traces, sums of squared cells, and of squared diagonal
        cells. The arrays broadcast.
    n : int
        Rows, at least 4.

    Returns
    -------
    mean, variance : ndarrays of float

    References
    ----------
    Kazi-Aoual, Hitier, Sabatier and Lebreton (1995), "Refined approximations to permutation tests
    for multivariate inference", doi:10.1016/0167-9473(94)00064-2.
    """
    (trace_k, square_k, _), (trace_l, square_l, _) = one, two
    mean = trace_k * trace_l / (n - 1.0)
    rest_k, rest_l = (n - 1.0) * square_k - trace_k**2, (n - 1.0) * square_l - trace_l**2
    on_k, on_l = (
        n * (n + 1.0) * diagonal - (n - 1.0) * (trace**2 + 2.0 * square)
        for trace, square, diagonal in (one, two)
    )
    variance = 2.0 * rest_k * rest_l / ((n - 1.0) ** 2) + on_k * on_l / (n * (n - 1.0) * (n - 3.0))
    return mean, np.asarray(variance / ((n + 1.0) * (n - 2.0)))
