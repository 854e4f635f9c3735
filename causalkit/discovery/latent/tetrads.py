"""Vanishing tetrads: what variables with one common cause have in common.

If x1, x2, x3 and x4 are linear in one hidden variable, each with an error of its own, then the
covariance of any two of them is the product of their loadings, so that

    cov(x1, x3) cov(x2, x4) - cov(x1, x4) cov(x2, x3) = 0,

and so for the other two ways to pair them. The difference is a tetrad, the determinant of the
covariance matrix of {x1, x2} with {x3, x4}. It vanishes for other reasons than the loadings' values
if and only if one variable, seen or not, lies on all that joins the two sides.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> hidden = rng.normal(size=1000)
>>> data = {name: hidden + rng.normal(size=1000) for name in "abcd"}
>>> tetrad_test(data, [(["a", "b"], ["c", "d"]), (["a", "c"], ["b", "d"])]).p_value > 0.05
True
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import gammaincc, ndtr

from causalkit._core.report import Report, Reported
from causalkit._core.table import as_table
from causalkit.discovery._columns import standardised
from causalkit.discovery.base import show_set
from causalkit.errors import InputError
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["TetradResult", "tetrad_p_values", "tetrad_test", "tetrads_of"]

_CHUNK: Final = 2**21
"""Numbers that are held at a time."""

_NO_MORE: Final = 1e-9
"""Share of the largest variance below which a tetrad follows from the others."""


@dataclass(frozen=True, slots=True, repr=False)
class TetradResult(Reported):
    """Test that some tetrads vanish, all of them.

    Attributes
    ----------
    tetrads : tuple of ((a, b), (c, d))
    values : tuple of float
        Of the tetrads, in standard deviations of the variables.
    statistic, p_value : float
    degrees : int
        Tetrads that do not follow from the others.
    n_used : int
        Rows.
    """

    tetrads: tuple[tuple[tuple[Name, Name], tuple[Name, Name]], ...]
    values: tuple[float, ...]
    statistic: float
    p_value: float
    degrees: int
    n_used: int

    def _report(self) -> Report:
        return Report(
            "Do these tetrads vanish?",
            facts=[
                ("p-value of yes", self.p_value),
                ("statistic", self.statistic),
                ("degrees of freedom", self.degrees),
                ("rows used", self.n_used),
            ],
            columns=["one side", "other side", "tetrad"],
            rows=[
                [show_set(one), show_set(other), value]
                for (one, other), value in zip(self.tetrads, self.values, strict=True)
            ],
        )


def tetrad_test(
    data: Data,
    tetrads: Iterable[tuple[Sequence[Name], Sequence[Name]]],
    *,
    gaussian: bool = False,
) -> TetradResult:
    """Test that several tetrads vanish, in one test.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray, or dict of columns
        Other columns may hold anything.
    tetrads : iterable of ((a, b), (c, d))
        Each says that cov(a, c) cov(b, d) = cov(a, d) cov(b, c), with four different variables.
    gaussian : bool
        Whether the variance of the tetrads is that of Gaussian variables; if not, it is estimated
        from fourth moments, which takes more rows and holds for any distribution that has them.

    Returns
    -------
    TetradResult

    Raises
    ------
    InputError
        If there is no tetrad, one does not name two and two variables, or the data are not complete
        columns of numbers that vary.
    NumericalError
        If columns determine each other.

    Notes
    -----
    **Assumes:**

    - rows are independent draws of one distribution, with eighth moments, or Gaussian;
    - enough rows for the normal distribution of the tetrads: some hundreds. Where all covariances
      are near 0, so are variances of tetrads, and the test rejects too seldom.

    A Wald statistic, with variances by the delta method. Tetrads that follow from others count
    once.

    References
    ----------
    Bollen and Ting (1993), "Confirmatory tetrad analysis", Sociological Methodology 23: 147-175,
    doi:10.2307/271009. Bollen (1990), "Outlier screening and a distribution-free test for vanishing
    tetrads", doi:10.1177/0049124190019001003.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(size=(2, 1000))
    >>> parts = zip("abcd", [first, first, second + first, second], rng.normal(size=(4, 1000)))
    >>> data = {name: hidden + error for name, hidden, error in parts}
    >>> tetrad_test(data, [(("a", "c"), ("b", "d"))]).p_value < 0.001
    True
    """
    listed = [_as_tetrad(tetrad) for tetrad in tetrads]
    if not listed:
        raise InputError(
            "there is no tetrad; expected at least one. Write e.g. [(('a', 'b'), ('c', 'd'))]."
        )
    names = tuple(dict.fromkeys(name for one, other in listed for name in (*one, *other)))
    values = standardised(as_table(data, columns=names), "the test of tetrads", least_columns=4)
    where = {name: k for k, name in enumerate(names)}
    index = np.array([[where[name] for side in tetrad for name in side] for tetrad in listed])
    correlations = values.T @ values / len(values)
    tau = _determinants(correlations, index)
    if gaussian:
        covariance = _gaussian_covariance(correlations, index)
    else:
        influence = _influence(values, correlations, index) - 2.0 * tau
        covariance = influence.T @ influence / len(values)
    spread, axes = np.linalg.eigh(covariance)
    kept = spread > _NO_MORE * spread.max()
    statistic = len(values) * float(((tau @ axes[:, kept]) ** 2 / spread[kept]).sum())
    degrees = int(kept.sum())
    return TetradResult(
        tuple(listed),
        tuple(tau.tolist()),
        statistic,
        float(gammaincc(0.5 * degrees, 0.5 * statistic)),
        degrees,
        len(values),
    )


def tetrads_of(quartets: IntArray) -> IntArray:
    """The three ways to pair four variables, shape (n, 3, 4): sides (0, 1) and (2, 3) of each."""
    ways = np.array([[0, 1, 2, 3], [0, 2, 1, 3], [0, 3, 1, 2]])
    found: IntArray = quartets[:, ways]
    return found


def tetrad_p_values(
    values: FloatArray, correlations: FloatArray, index: IntArray, *, gaussian: bool
) -> FloatArray:
    """P-value of each tetrad by itself, shape (n,).

    Parameters
    ----------
    values : ndarray of shape (n_rows, p)
        In standard units; looked at only if not `gaussian`.
    correlations : ndarray of shape (p, p)
    index : ndarray of int, shape (n, 4)
        Tetrads as two sides of two positions.
    gaussian : bool
        Variances by Wishart's formula, else from fourth moments.
    """
    tau, found = _determinants(correlations, index), np.empty(len(index))
    step = max(1, _CHUNK // (16 if gaussian else len(values)))
    for start in range(0, len(index), step):
        part = slice(start, start + step)
        if gaussian:
            found[part] = _wishart(correlations, index[part], len(values))
        else:
            influence = _influence(values, correlations, index[part]) - 2.0 * tau[part]
            found[part] = np.einsum("ij,ij->j", influence, influence) / len(values) ** 2
    spread = np.sqrt(np.maximum(found, np.finfo(np.float64).tiny))
    p_values: FloatArray = 2.0 * ndtr(-np.abs(tau) / spread)
    return p_values


def _determinants(correlations: FloatArray, index: IntArray) -> FloatArray:
    a, b, c, d = index.T
    found: FloatArray = (
        correlations[a, c] * correlations[b, d] - correlations[a, d] * correlations[b, c]
    )
    return found


def _wishart(correlations: FloatArray, index: IntArray, n: int) -> FloatArray:
    """Variances of tetrads of Gaussian variables (Wishart 1928)."""
    a, b, c, d = index.T
    sides = (1.0 - correlations[a, b] ** 2) * (1.0 - correlations[c, d] ** 2)
    all_four = np.linalg.det(correlations[index[:, :, None], index[:, None, :]])
    found: FloatArray = (sides * (n + 1) / (n - 1) - all_four) / (n - 2)
    return found


def _influence(values: FloatArray, correlations: FloatArray, index: IntArray) -> FloatArray:
    """What each row adds to each tetrad, and twice the tetrad; shape (n_rows, n)."""
    a, b, c, d = index.T
    w, x, y, z = values[:, a], values[:, b], values[:, c], values[:, d]
    ac, bd, ad, bc = (correlations[i, j] for i, j in ((a, c), (b, d), (a, d), (b, c)))
    found: FloatArray = w * y * bd + x * z * ac - w * z * bc - x * y * ad
    return found


def _gaussian_covariance(correlations: FloatArray, index: IntArray) -> FloatArray:
    """Covariances of tetrads, times the number of rows, if variables are Gaussian (Isserlis)."""
    a, b, c, d = index.T
    ends = np.stack([np.stack(pair) for pair in ((a, c), (b, d), (a, d), (b, c))])  # (4, 2, n)
    at = correlations[ends[:, 0], ends[:, 1]]
    slope = np.stack([at[1], at[0], -at[3], -at[2]])  # of the tetrad in each of its covariances
    i, j = ends[:, 0].reshape(-1), ends[:, 1].reshape(-1)
    moments = (
        correlations[np.ix_(i, i)] * correlations[np.ix_(j, j)]
        + correlations[np.ix_(i, j)] * correlations[np.ix_(j, i)]
    )
    n = len(index)
    weighted = moments * slope.reshape(-1)[:, None] * slope.reshape(-1)
    found: FloatArray = weighted.reshape(4, n, 4, n).sum(axis=(0, 2))
    return found


def _as_tetrad(tetrad: Any) -> tuple[tuple[Name, Name], tuple[Name, Name]]:
    try:
        one, other = tetrad
        (a, b), (c, d) = one, other
        different = len({a, b, c, d}) == 4 and not {type(one), type(other)} & {str}
    except (TypeError, ValueError):
        different = False
    if not different:
        raise InputError(
            f"{tetrad!r} is no tetrad; expected two sides of two variables, all different. Write "
            "e.g. (('a', 'b'), ('c', 'd'))."
        )
    return (a, b), (c, d)
