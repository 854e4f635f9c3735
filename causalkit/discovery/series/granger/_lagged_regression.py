"""All regressions on the past at once: one matrix of moments of the lagged columns, factored once.

Columns are `lag * p + k`: variable k, `lag` steps ago. In their standard deviations, the moments
fall into `past` (lags 1 to L with each other), `cross` (the past with the present) and `present`.
Each equation of a VAR, each pair of series with its own past, and each shorter lag is a question to
these three, and none looks at the rows again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NoReturn

import numpy as np
from scipy.linalg import solve_triangular

from causalkit._core.checks import check_choice, check_count, refuse_constant
from causalkit._core.series import Series
from causalkit.discovery.series._lagged_design import check_numbers
from causalkit.discovery.series._lagged_test import lagged_correlations
from causalkit.errors import InputError, NumericalError
from causalkit.graph import Lagged
from causalkit.typing import FloatArray, IntArray, Name

__all__ = [
    "CRITERIA",
    "LEAST_SHARE",
    "LaggedMoments",
    "choose_lag",
    "default_lag_cap",
    "lag_criteria",
    "lagged_moments",
    "within_subjects",
]

CRITERIA: Final = ("aic", "bic", "hqic", "fpe")

LEAST_SHARE: Final = 1e-11
"""Share of a column's variance that the others must leave: below, nothing is left but rounding."""


@dataclass(frozen=True, eq=False)
class LaggedMoments:
    """Moments of lagged columns, each in its own standard deviations.

    Attributes
    ----------
    names : tuple of names
    max_lag : int
    n_obs : int
        Rows with their whole past.
    n_means : int
        Intercepts of each equation: one, or one a subject.
    past, cross, present : ndarrays of shape (m, m), (m, p) and (p, p), m = max_lag * p
        Their correlations, within subjects if `n_means` > 1.
    spread : ndarray of shape (m + p,)
        Standard deviations of the columns, those of the present first.
    """

    names: tuple[Name, ...]
    max_lag: int
    n_obs: int
    n_means: int
    past: FloatArray
    cross: FloatArray
    present: FloatArray
    spread: FloatArray

    @property
    def n_series(self) -> int:
        """Number of series."""
        return len(self.names)

    @property
    def df(self) -> int:
        """Rows beyond the parameters of one equation on the whole past."""
        return self.n_obs - self.n_means - len(self.past)

    @cached_property
    def factor(self) -> FloatArray:
        """Lower Cholesky factor of `past`.

        Raises
        ------
        NumericalError
            If a column is a linear combination of others.
        """
        return self.factored(np.arange(len(self.past)))

    def factored(self, columns: IntArray) -> FloatArray:
        """Lower Cholesky factor of some columns of the past."""
        try:
            lower = np.linalg.cholesky(self.past[np.ix_(columns, columns)])
        except np.linalg.LinAlgError:
            self.refuse_redundant(columns)
        if (np.diagonal(lower) ** 2).min() < LEAST_SHARE:
            self.refuse_redundant(columns)
        return np.asarray(lower, dtype=np.float64)

    def refuse_redundant(self, columns: IntArray) -> NoReturn:
        """Name the first column that those before it determine.

        Raises
        ------
        NumericalError
        """
        known: list[int] = []
        for k in columns.tolist():
            trial = self.past[np.ix_([*known, k], [*known, k])]
            sign, log_all = np.linalg.slogdet(trial)
            log_known = np.linalg.slogdet(self.past[np.ix_(known, known)])[1] if known else 0.0
            if sign <= 0 or log_all - log_known < np.log(LEAST_SHARE):
                break
            known.append(k)
        p = self.n_series
        raise NumericalError(
            f"{Lagged(self.names[k % p], k // p + 1)} is a linear combination of other series and "
            "lags; expected series that each vary on their own. Leave out copies, totals and "
            "trends, or use a smaller max_lag."
        )

    @cached_property
    def forward(self) -> FloatArray:
        """Cross moments after the factor, (m, p): squares add up to what the past explains."""
        found: FloatArray = solve_triangular(self.factor, self.cross, lower=True)
        return found

    @cached_property
    def inverse(self) -> FloatArray:
        """Inverse of `past`."""
        half = solve_triangular(self.factor, np.eye(len(self.past)), lower=True)
        found: FloatArray = half.T @ half
        return found

    @cached_property
    def slopes(self) -> FloatArray:
        """Coefficients of the VAR in standard deviations, shape (m, p)."""
        found: FloatArray = solve_triangular(self.factor, self.forward, lower=True, trans="T")
        return found

    @cached_property
    def residual(self) -> FloatArray:
        """Moments of the residuals of the VAR, as shares of the variances, shape (p, p)."""
        found: FloatArray = self.present - self.forward.T @ self.forward
        self.check_noise(np.diagonal(found))
        return found

    def check_noise(self, shares: FloatArray, series: IntArray | None = None) -> None:
        """Refuse a series of whose variance the past leaves no share.

        Raises
        ------
        NumericalError
        """
        if shares.min() < LEAST_SHARE:
            where = int(np.argmin(shares))
            name = self.names[where if series is None else series[where]]
            raise NumericalError(
                f"the past determines series {name!r}: nothing is left that could be noise; "
                "expected series with noise. Leave out trends, cycles and sums of other series."
            )

    def select(self, series: IntArray) -> LaggedMoments:
        """Moments of some series."""
        p = self.n_series
        columns = (np.arange(self.max_lag)[:, None] * p + series).ravel()
        return LaggedMoments(
            tuple(self.names[k] for k in series),
            self.max_lag,
            self.n_obs,
            self.n_means,
            self.past[np.ix_(columns, columns)],
            self.cross[np.ix_(columns, series)],
            self.present[np.ix_(series, series)],
            self.spread[np.concatenate([series, columns + p])],
        )

    def in_units(self, slopes: FloatArray) -> FloatArray:
        """Coefficients in the units of the data, shape (max_lag, p, p): `[lag - 1, i, j]`."""
        p = self.n_series
        units = slopes.reshape(self.max_lag, p, p) * self.spread[:p]
        return units / self.spread[p:].reshape(self.max_lag, p, 1)

    def of_steps(self) -> FloatArray:
        """Standard deviation of the present over that of each column of the past, shape (m,).

        Ends of the series make lags of one series differ by a little; a model of the same series at
        all lags has to know them in one unit.
        """
        p = self.n_series
        return np.tile(self.spread[:p], self.max_lag) / self.spread[p:]

    def noise_covariance(self) -> FloatArray:
        """Covariance of the residuals, by degrees of freedom, in the units of the data."""
        scale = self.spread[: self.n_series]
        factor = self.n_obs / self.df
        with np.errstate(over="ignore"):  # squares of huge units are infinite
            return self.residual * factor * scale[:, None] * scale


def lagged_moments(series: Series, max_lag: int, *, who: str) -> LaggedMoments:
    """Take the moments of all usable rows; each subject has means of its own.

    Raises
    ------
    InputError
        If there is one series only, a category, or a constant, or too few steps.
    """
    check_count(max_lag, "max_lag")
    check_numbers(series, who=who)
    series.needs(max_lag + 3, max_lag, who=who)
    rows, p = series.usable(max_lag), len(series.names)
    values = series.table.values
    same = np.ptp(values[rows], axis=0) == 0
    refuse_constant([series.names[k] for k in np.flatnonzero(same)], who=who)
    size = np.nanmax(np.abs(values), axis=0)
    n_subjects = len(np.unique(series.subject[rows]))
    if n_subjects == 1:
        corr = lagged_correlations(series, max_lag)
        spread = np.concatenate(
            [(values[rows - lag] / size).std(axis=0) for lag in range(max_lag + 1)]
        )
    else:
        scaled = series.with_values(values / size).lagged(max_lag, rows)
        columns = within_subjects(scaled, series.subject[rows])
        spread = np.sqrt((columns**2).mean(axis=0))
        columns /= np.where(spread > 0, spread, 1.0)
        corr = columns.T @ columns / len(rows)
    still = spread <= 1e-14
    refuse_constant([series.names[k] for k in sorted({*(np.flatnonzero(still) % p)})], who=who)
    return LaggedMoments(
        series.names,
        max_lag,
        len(rows),
        n_subjects,
        corr[p:, p:],
        corr[p:, :p],
        corr[:p, :p],
        spread * np.tile(size, max_lag + 1),
    )


def within_subjects(columns: FloatArray, subject: IntArray) -> FloatArray:
    """Deviations from the mean of each subject, column by column."""
    _, code, count = np.unique(subject, return_inverse=True, return_counts=True)
    means = np.zeros((len(count), columns.shape[1]))
    for k in range(columns.shape[1]):
        means[:, k] = np.bincount(code, columns[:, k]) / count
    return columns - means[code]


# --- how many lags -------------------------------------------------------------------------------


def default_lag_cap(n_rows: int, n_series: int) -> int:
    """Lags to try: `12 (n / 100)^(1/4)` as Schwert has it, and no more than n / (3 p) rows feed."""
    schwert = int(12 * (n_rows / 100) ** 0.25)
    return max(1, min(schwert, n_rows // (3 * n_series)))


def lag_criteria(moments: LaggedMoments) -> dict[str, FloatArray]:
    """Criteria of the VARs with 0, 1, …, max_lag lags, all on the same rows.

    Returns
    -------
    dict of ndarray of shape (max_lag + 1,)
        "aic", "bic", "hqic" and "fpe" (its logarithm), with the likelihood of the data as they
        came, so that they compare with those of other libraries.

    References
    ----------
    Lütkepohl (2005), "New Introduction to Multiple Time Series Analysis", section 4.3,
    doi:10.1007/978-3-540-27752-1.
    """
    n, p, n_lags = moments.n_obs, moments.n_series, moments.max_lag + 1
    steps = moments.forward.reshape(moments.max_lag, p, p)
    explained = np.cumsum(np.einsum("lki,lkj->lij", steps, steps), axis=0)
    residuals = np.concatenate([moments.present[None], moments.present - explained])
    moments.check_noise(np.diagonal(residuals[-1]))
    log_det = np.linalg.slogdet(residuals)[1] + 2 * np.log(moments.spread[:p]).sum()
    lags = np.arange(n_lags)
    parameters = p * (lags * p + moments.n_means)
    left = n - lags * p - moments.n_means
    return {
        "aic": log_det + 2 * parameters / n,
        "bic": log_det + np.log(n) * parameters / n,
        "hqic": log_det + 2 * np.log(np.log(n)) * parameters / n,
        "fpe": log_det + p * np.log((n + lags * p + moments.n_means) / left),
    }


def choose_lag(
    series: Series, max_lag: int | str, cap: int | None, *, who: str
) -> tuple[int, dict[str, FloatArray] | None]:
    """Return the lags to use, at least one, and the criteria that chose them, if any did.

    Raises
    ------
    InputError
        If `max_lag` is neither a number of lags nor a criterion, or the steps are too few.
    """
    if not isinstance(max_lag, str):
        return check_count(max_lag, "max_lag"), None
    check_choice(max_lag, "max_lag", CRITERIA)
    p = len(series.names)
    longest = default_lag_cap(series.n_rows, p) if cap is None else check_count(cap, "lag_cap")
    while cap is None and longest > 1 and len(series.usable(longest)) < 3 * p * longest:
        longest -= 1
    moments = lagged_moments(series, longest, who=who)
    if moments.df < 1:
        raise InputError(
            f"lags up to {longest} of {p} series are {longest * p} coefficients an equation, and "
            f"{moments.n_obs} steps have all of them; expected more steps than coefficients. Use a "
            "smaller lag_cap, fewer series, or GroupLassoGranger."
        )
    criteria = lag_criteria(moments)
    return 1 + int(np.argmin(criteria[max_lag][1:])), criteria
