"""What adjustment leaves of outcome, treatment and instruments.

A linear model with instruments, y = θ t + X'β + ε with E[ε z] = 0, is the same model without X once
X has been taken out of y, t and z (Frisch, Waugh and Lovell). All that follows then happens in a
few numbers: with instruments turned into columns Z that are orthonormal under the weights, the two
regressions on them have coefficients

    δ = Z'y  (reduced form),        π = Z't  (first stage),        and δ = θ π if the model holds.

Two-stage least squares, its kin, the strength of the first stage and the confidence sets that do
not need it are functions of δ, π and their joint covariance matrix. That covariance comes from the
influence of each row, so weights, clusters and serial dependence are in it as in any effect here.

References
----------
Andrews, I., Stock, J. H., Sun, L. (2019). Weak instruments in instrumental variables regression.
Annual Review of Economics 11, 727-753. doi:10.1146/annurev-economics-080218-025643
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation._glm import basis_of, standardised
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic
from causalkit.estimation.problem import Problem, explained_away
from causalkit.estimation.series.serial import HAC
from causalkit.typing import FloatArray

__all__ = ["Partialled", "covariance_of_means", "orthonormal", "partial_out"]

_NOTHING = 1e-11
"""Share of a column's variance below which it counts as explained."""


@dataclass(frozen=True, slots=True, eq=False)
class Partialled:
    """Outcome, treatment and instruments less what the adjustment columns explain.

    Attributes
    ----------
    y, t : ndarray of shape (n,)
        Residuals, in units of `y_unit` and `t_unit`.
    Z : ndarray of shape (n, K)
        Instruments, orthonormal under `share`; collinear directions are left out.
    Q : ndarray of shape (n, k)
        Adjustment columns with the intercept, orthonormal under `share`.
    share : ndarray of shape (n,)
        Weights that sum to one.
    into : ndarray of shape (n_instruments, K)
        Maps coefficients of the columns of Z back to those of the instruments.
    y_unit, t_unit : float
    """

    y: FloatArray
    t: FloatArray
    Z: FloatArray
    Q: FloatArray
    share: FloatArray
    into: FloatArray
    y_unit: float = 1.0
    t_unit: float = 1.0

    @property
    def unit(self) -> float:
        """Of an effect."""
        return self.y_unit / self.t_unit

    @property
    def n_exogenous(self) -> int:
        """Coefficients of the adjustment columns, the intercept included."""
        return int(self.Q.shape[1])

    @property
    def n_instruments(self) -> int:
        """Instruments, copies and combinations of others not counted."""
        return int(self.Z.shape[1])

    @property
    def pi(self) -> FloatArray:
        """First stage, shape (K,)."""
        return self.on_instruments(self.t)

    @property
    def delta(self) -> FloatArray:
        """Reduced form, shape (K,)."""
        return self.on_instruments(self.y)

    def on_instruments(self, column: FloatArray) -> FloatArray:
        """Coefficients of a regression on Z, shape (K,)."""
        return self.Z.T @ (self.share * column)

    def mean(self, column: FloatArray) -> float:
        """Weighted mean."""
        return float(self.share @ column)


def partial_out(problem: Problem, features: Any = None) -> Partialled:
    """Take the adjustment columns, and an intercept, out of outcome, treatment and instruments.

    Parameters
    ----------
    problem : Problem
        With instruments in `others["z"]`.
    features : transformer, optional
        Expands the adjustment columns.

    Raises
    ------
    InputError
        If an instrument is a linear combination of the adjustment columns.
    NumericalError
        If the treatment is.
    """
    w, instruments = problem.weights, problem.others["z"]
    share = w / w.sum()
    X = np.hstack([np.ones((problem.n_obs, 1)), standardised(expanded(features, problem), w)])
    Q = X @ basis_of(X, w).into
    units = [float(np.abs(column).max()) for column in (problem.y, problem.t)]
    sizes = np.abs(instruments.values).max(axis=0)
    raw = instruments.values / sizes
    left = _without(Q, share, raw)
    for name, before, after in zip(instruments.names, raw.T, left.T, strict=True):
        if not share @ after**2 > _NOTHING * _variance(before, share):
            raise InputError(
                f"instrument {name!r} is a linear combination of the adjustment columns (or of "
                "the intercept), so it moves nothing beyond them; expected one that varies given "
                "them. Leave it out of one of the two."
            )
    t = problem.t / units[1]
    t_left = _without(Q, share, t)
    if not share @ t_left**2 > _NOTHING * _variance(t, share):
        raise explained_away(problem.treatment, len(t), X.shape[1])
    Z, into = orthonormal(left, w)
    return Partialled(
        y=_without(Q, share, problem.y / units[0]),
        t=t_left,
        Z=_without(Q, share, Z),
        Q=Q,
        share=share,
        into=into / sizes[:, None],
        y_unit=units[0],
        t_unit=units[1],
    )


def orthonormal(columns: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal columns of the same span, and the map that made them."""
    spread = np.sqrt(np.average(columns**2, axis=0, weights=weights))
    spread[spread == 0] = 1.0
    into = basis_of(columns / spread, weights).into / spread[:, None]
    return columns @ into, into


def covariance_of_means(
    rows: FloatArray, problem: Problem, inference: Asymptotic, n_parameters: int = 0
) -> FloatArray:
    """Covariance matrix of weighted means, by what `inference` assumes of the rows.

    Parameters
    ----------
    rows : ndarray of shape (n, m)
        What is averaged, mean zero; weights, clusters and factors are put on here.
    problem : Problem
    inference : Asymptotic
    n_parameters : int
        Fitted coefficients of the small-sample factor.

    Returns
    -------
    ndarray of shape (m, m)
    """
    parts = np.column_stack(
        [inference.influence(problem, column, n_parameters) for column in rows.T]
    )
    n = len(parts)
    if problem.groups is not None:
        order = np.argsort(problem.groups, kind="stable")
        starts = np.flatnonzero(np.diff(problem.groups[order], prepend=-1))
        parts = np.add.reduceat(parts[order], starts, axis=0)
    elif isinstance(inference, HAC):
        place = np.arange(n) if problem.steps is None else problem.steps.place
        return inference.covariance(parts, place)[0] / n**2
    covariance: FloatArray = parts.T @ parts / n**2
    return covariance


def _without(Q: FloatArray, share: FloatArray, columns: FloatArray) -> FloatArray:
    """Columns less their projection on Q."""
    weighted = share if columns.ndim == 1 else share[:, None]
    left: FloatArray = columns - Q @ (Q.T @ (weighted * columns))
    return left


def _variance(column: FloatArray, share: FloatArray) -> float:
    return float(share @ (column - share @ column) ** 2)
