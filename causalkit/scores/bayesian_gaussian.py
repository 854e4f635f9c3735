"""BGe: the marginal likelihood of linear regressions with Gaussian noise.

Means and covariances are integrated out over a normal-Wishart prior, so there is no penalty: sets
of parents that could have explained anything are less likely to have explained these data. With n
rows of p columns, all in units of their standard deviations, and their products S, everything
follows from one matrix::

    R = t I + S          t = am (aw - p - 1) / (am + 1)

A set of l columns, with R_l its part of R, has the marginal likelihood::

    c(l) + (aw - p + l) / 2 * l log t - (n + aw - p + l) / 2 * log|R_l|

    c(l) = -l n / 2 * log π + l / 2 * log(am / (n + am))
           + log Γ_l((n + aw - p + l) / 2) - log Γ_l((aw - p + l) / 2)

with the multivariate gamma function Γ_l, and a node given its parents that of the family less that
of the parents (Kuipers, Moffa and Heckerman, who corrected the formula of Geiger and Heckerman).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, pi

import numpy as np
from scipy.special import gammaln

from causalkit._core.checks import check_positive, check_rows, refuse_constant
from causalkit._core.moments import Moments
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.scores.base import LocalScore, Score, check_no_holes
from causalkit.scores.gaussian import check_numeric
from causalkit.typing import FloatArray

__all__ = ["BGe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BGe(Score):
    """Bayesian Gaussian score, equivalent: the marginal likelihood of linear regressions.

    Parameters
    ----------
    am : float, default 1
        Rows that the prior of the means is worth.
    aw : float, optional
        Degrees of freedom of the Wishart prior, more than the number of columns plus one; by
        default `am` plus one plus the number of columns.

    Notes
    -----
    **Assumes:**

    - rows are independent draws from one distribution;
    - each variable is a linear function of its causes plus Gaussian noise;
    - before the data, coefficients were a normal-Wishart draw around none, in standard deviations;
    - no cell is missing.

    The prior is stated in units of each column's standard deviation (that of n rows, not of n - 1),
    and its mean is that of the columns, so units do not matter. Other libraries take columns as
    they are: they agree on columns that were standardised first. Boolean and two-level columns
    enter as 0/1. There may be fewer rows than columns. Markov-equivalent graphs have equal scores.
    All graphs are taken for equally likely beforehand.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(20.0)
    >>> data = {"x": x, "y": x + np.tile([1.0, -1.0], 10)}
    >>> BGe().local(data, "y", ["x"]) > BGe().local(data, "y")
    True

    References
    ----------
    Geiger and Heckerman (2002), "Parameter priors for directed acyclic graphical models and the
    characterization of several probability distributions", doi:10.1214/aos/1035844981. Kuipers,
    Moffa and Heckerman (2014), "Addendum on the scoring of Gaussian directed acyclic graphical
    models", doi:10.1214/14-AOS1217.
    """

    am: float = 1.0
    aw: float | None = None

    def bind(self, table: Table) -> LocalBGe:
        """Check the table and compute its correlations.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, missing cells, constant columns, or columns with more
            than two levels; or if `aw` is too small for so many columns.
        """
        check_no_holes(table, who="BGe")
        check_rows(table, 3, who="BGe")
        check_numeric(table, who="BGe")
        return self.bind_moments(Moments.of(table.values, names=table.names, levels=table.levels))

    def bind_moments(self, moments: Moments) -> LocalBGe:
        """Take the correlations from moments, of rows that nobody holds.

        Raises
        ------
        InputError
            If there are fewer than 3 rows, or constant columns.
        """
        check_rows(moments, 3, who="BGe")
        refuse_constant(moments.constant, who="BGe")
        n, p = moments.n_effective, moments.n_columns
        am, freedom = self._prior(p)
        t = am * (freedom - 1) / (am + 1)
        R = n * moments.correlations()
        R[np.diag_indices(p)] += t
        k = np.arange(p + 0.0)
        constant = gammaln((n + freedom + k + 1) / 2) - gammaln((freedom + k + 1) / 2)
        constant += 0.5 * ((freedom + 2 * k + 1) * log(t) + log(am / (n + am)) - n * log(pi))
        return LocalBGe(R, constant, n + freedom)

    def _prior(self, p: int) -> tuple[float, float]:
        """Rows of the prior's means, and degrees of freedom beyond the number of columns."""
        am = check_positive(self.am, "am")
        if self.aw is None:
            return am, am + 1
        if not check_positive(self.aw, "aw") > p + 1:
            raise InputError(
                f"aw={self.aw!r} for {p} columns; expected more than {p + 1}, else the prior has "
                "no mean. Leave it out for the usual value, am + 1 + number of columns."
            )
        return am, float(self.aw) - p


@dataclass(frozen=True, slots=True, eq=False)
class LocalBGe(LocalScore):
    """What the module's docstring calls R, and what depends on the number of parents alone.

    Attributes
    ----------
    R : ndarray of shape (p, p)
    constant : ndarray of shape (p,)
        By number of parents.
    weight : float
        n + aw - p.
    """

    R: FloatArray
    constant: FloatArray
    weight: float

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.R)

    def __call__(self, node: int, parents: Sequence[int]) -> float:
        """Score a column given others."""
        family = [*parents, node]
        pivots = np.log(np.diagonal(np.linalg.cholesky(self.R[np.ix_(family, family)])))
        # Twice these logarithms add up to log|R|; the last is what the parents leave of the node.
        k = len(parents)
        found = self.constant[k] - (self.weight + k + 1) * pivots[k] - pivots[:k].sum()
        return float(found)

    def gains(self, node: int, parents: Sequence[int], candidates: Sequence[int]) -> FloatArray:
        """Change of the score as each of the candidates joins, all at once."""
        if not len(candidates):
            return np.empty(0)
        given, new = list(parents), [node, *candidates]
        k, left = len(given), np.diagonal(self.R)[new].copy()
        shared = self.R[node, new]
        if k:
            root = np.linalg.cholesky(self.R[np.ix_(given, given)])
            rows = np.linalg.solve(root, self.R[np.ix_(given, new)])
            left -= np.einsum("ij,ij->j", rows, rows)
            shared = shared - rows[:, 0] @ rows
        before, left = left[0], left[1:]
        after = before - shared[1:] ** 2 / left
        weight = 0.5 * (self.weight + k + 1)
        gains = self.constant[k + 1] - self.constant[k] - 0.5 * np.log(left)
        return np.asarray(gains - weight * np.log(after / before) - 0.5 * np.log(after))
