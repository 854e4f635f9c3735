"""Partial correlation that heavy tails and outliers cannot spoil: the scatter of a multivariate t.

A covariance weighs every row alike, so a few wild rows can say more than all others together.
Maximum likelihood under a multivariate t distribution weighs row i by::

    w_i = (nu + p) / (nu + d_i**2),    d_i**2 = (x_i - mean)' V^-1 (x_i - mean)

where V, the scatter, is the weighted covariance that these weights give: a fixed point, found by
iteration. In a linear model whose noise is symmetric, V has zeros in its inverse where a covariance
has them (change the sign of one noise term: the distribution and so V stay as they were), so
partial correlations of V mean what they mean to :class:`~causalkit.independence.FisherZ`.

How much they vary depends on the tails: of Gaussian data a little more than covariances do, of
heavy-tailed data a lot less. That is estimated from the rows, and divides their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import qr, solve_triangular

from causalkit._core.checks import check_positive
from causalkit._core.table import Table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest, CITest
from causalkit.independence.blocks import BoundCorrelation
from causalkit.independence.embedding import numeric_columns
from causalkit.typing import FloatArray, IntArray

__all__ = ["RobustZ"]

_TINY: Final = 1e-10
_SINGULAR: Final = 1e-13
"""Share of variance below which a scatter is closing in on a plane."""

_FAR: Final = 1e60
"""Robust units beyond which a value is cut: its weight is nil, and its square must be finite."""


@dataclass(frozen=True, slots=True)
class RobustZ(CITest):
    """Partial-correlation test on a robust scatter matrix, for numeric data with heavy tails.

    Parameters
    ----------
    degrees : float, default 3
        Degrees of freedom of the t distribution whose likelihood gives the weights. Smaller is
        more robust; above 30 or so it is nearly Fisher's z.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - dependences are linear, and the noise is symmetric about zero (or all variables together are
      elliptical); its tails may be as heavy as those of a Cauchy distribution;
    - columns are continuous: of a yes-or-no column with a rare yes, each yes is an outlier;
    - no cell is missing, and there are more rows than columns.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> x, y = rng.normal(size=(2, 200))
    >>> x[:5], y[:5] = 100.0, 100.0  # five rows were entered in other units
    >>> from causalkit.independence import FisherZ
    >>> FisherZ().test({"x": x, "y": y}, "x", "y").p_value < 1e-10
    True
    >>> RobustZ().test({"x": x, "y": y}, "x", "y").p_value > 0.05
    True

    References
    ----------
    Kent, Tyler and Vardi (1994), "A curious likelihood identity for the multivariate
    t-distribution", doi:10.1080/03610919408813180. Finegold and Drton (2011), "Robust graphical
    modeling of gene networks using classical and alternative t-distributions",
    doi:10.1214/10-AOAS410. Tyler (1983), "Robustness and efficiency properties of scatter
    matrices", doi:10.1093/biomet/70.2.411, for the variance.
    """

    degrees: float = 3.0

    def __post_init__(self) -> None:
        check_positive(self.degrees, "degrees")

    def bind(self, table: Table) -> BoundTest:
        """Check the table and estimate its scatter.

        Raises
        ------
        InputError
            If there are not more rows than columns, missing cells, constant columns, or columns
            with more than two levels.
        NumericalError
            If so many rows lie in a plane that there is no scatter.
        """
        values = numeric_columns(table, None, who="RobustZ").values
        unit = _robust_units(values)
        basis = _independent_columns(unit)
        if len(unit) <= len(basis) + 1:
            raise InputError(
                f"the data have {len(unit)} rows and {len(basis)} columns that are no combination "
                "of others; RobustZ needs more rows than columns, some five times as many to be of "
                "use. Bring more rows, fewer columns, or use RankZ()."
            )
        mean, scatter = _t_scatter(unit[:, basis], self.degrees)
        inflation = _inflation(unit[:, basis] - mean, scatter, self.degrees)
        corr = _as_correlations(scatter, _coefficients(unit, basis))
        return BoundCorrelation.of(corr, len(unit) / inflation, len(unit))


def _robust_units(values: FloatArray) -> FloatArray:
    """Columns with median zero and median absolute deviation one, cut where it cannot matter."""
    _, exponents = np.frexp(np.abs(values).max(axis=0))
    scaled = np.ldexp(values, -exponents)
    centred = scaled - np.median(scaled, axis=0)
    size = np.abs(centred)
    typical = np.median(size, axis=0)
    # Where half of the rows are equal the median says zero: a mean does not.
    typical = np.where(typical > 0, typical, size.mean(axis=0))
    with np.errstate(over="ignore"):
        return np.asarray(np.clip(centred / typical, -_FAR, _FAR), dtype=np.float64)


def _shrunk(unit: FloatArray) -> FloatArray:
    """Rows divided by their largest value where that exceeds one: what is linear stays linear."""
    rows = np.column_stack([np.ones(len(unit)), unit])
    shrunk: FloatArray = rows / np.abs(rows).max(axis=1, keepdims=True)
    return shrunk


def _independent_columns(unit: FloatArray) -> IntArray:
    """Columns of which none is a combination of the constant and the others, ascending."""
    rows = _shrunk(unit)
    first = rows[:, [0]] / np.linalg.norm(rows[:, 0])
    rest = rows[:, 1:] - first @ (first.T @ rows[:, 1:])
    rest /= np.linalg.norm(rest, axis=0)
    _, R, order = qr(rest, mode="economic", pivoting=True)
    return np.sort(order[: int((np.diag(R) ** 2 > _TINY).sum())]).astype(np.intp)


def _coefficients(unit: FloatArray, basis: IntArray) -> FloatArray:
    """Each column as a combination of the basis columns, shape (p, len(basis))."""
    rows = _shrunk(unit)
    found = np.linalg.lstsq(rows[:, [0, *(basis + 1)]], rows[:, 1:], rcond=None)[0]
    coefficients = np.asarray(found[1:].T, dtype=np.float64)
    coefficients[basis] = np.eye(len(basis))
    return coefficients


def _t_scatter(X: FloatArray, nu: float) -> tuple[FloatArray, FloatArray]:
    """Location and scatter of a multivariate t, by reweighting (Kent, Tyler and Vardi)."""
    p = X.shape[1]
    mean, scatter = np.zeros(p), np.eye(p)
    before = np.full(len(X), np.inf)
    for _ in range(1000):
        d2 = _distances(X - mean, scatter)[1]
        # Distances, unlike the cells of the scatter, notice when it closes in on a plane.
        if (np.abs(d2 - before) <= 1e-9 * (1.0 + d2)).all():
            return mean, scatter
        w = (nu + p) / (nu + d2)
        mean = w @ X / w.sum()
        centred = X - mean
        scatter = (centred * w[:, None]).T @ centred / w.sum()  # the sum is n at the fixed point
        before = d2
    raise _no_scatter("it did not settle in 1000 steps")


def _distances(centred: FloatArray, scatter: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rows in units of the scatter (p, n), and their squared lengths (n,)."""
    scale = np.sqrt(np.diag(scatter))
    try:
        factor = np.linalg.cholesky(scatter / np.outer(scale, scale))
    except np.linalg.LinAlgError:
        raise _no_scatter("it became singular") from None
    if float(np.diag(factor).min()) ** 2 <= _SINGULAR:
        raise _no_scatter("it became singular")
    white = solve_triangular(factor, (centred / scale).T, lower=True)
    return white, np.einsum("ij,ij->j", white, white)


def _no_scatter(why: str) -> NumericalError:
    return NumericalError(
        f"there is no robust scatter matrix: {why}; expected rows that do not mostly lie in a "
        "plane, as many equal values do. Use RankZ(), or leave columns with few values out."
    )


def _inflation(centred: FloatArray, scatter: FloatArray, nu: float) -> float:
    """Variance of a partial correlation of the scatter, times n, where it is zero.

    In coordinates z in which V = I, the influence of a row on an off-diagonal cell of V is
    u z1 z2 / (1 + 2 E[u' z1² z2²]) with u = (nu + p) / (nu + d²); squared and averaged over rows
    and cells.
    """
    p = centred.shape[1]
    if p == 1:
        return 1.0
    scale = np.sqrt(np.diag(scatter))
    sizes, axes = np.linalg.eigh(scatter / np.outer(scale, scale))
    z = (centred / scale) @ (axes / np.sqrt(sizes)) @ axes.T  # the same in any order of columns
    squares = z**2
    d2 = squares.sum(axis=1)
    u = (nu + p) / (nu + d2)
    # u² z⁴ is bounded; multiplied the other way round it would overflow.
    pairs = (u * d2) ** 2 - ((u[:, None] * squares) ** 2).sum(axis=1)
    pairs /= p * (p - 1)
    slope = float(np.mean(pairs)) / (nu + p)  # u' = -u² / (nu + p)
    return float(np.mean(pairs) / (1.0 - 2.0 * slope) ** 2)


def _as_correlations(scatter: FloatArray, coefficients: FloatArray) -> FloatArray:
    full = coefficients @ scatter @ coefficients.T
    scale = np.sqrt(np.diag(full))
    corr = np.clip(full / np.outer(scale, scale), -1.0, 1.0)
    corr = (corr + corr.T) / 2.0
    np.fill_diagonal(corr, 1.0)
    return np.asarray(corr, dtype=np.float64)
