r"""Many regressions from one covariance matrix, and how their coefficients vary together.

The coefficient of X in the regression of Y on X and Z needs no rows::

    θ = σ_xy.Z / σ_xx.Z,            σ_ab.Z = σ_ab − σ_aZ Σ_ZZ⁻¹ σ_Zb   (a Schur complement)

so Σ_ZZ is factorised once for each X and Z, whatever the number of outcomes. What Z leaves of X and
what X and Z leave of Y are linear in the variables, v = c'row and e = b'row, and with them the
influence of a row on θ, v e / σ_xx.Z. Two ways from there to standard errors and to the joint law
of all coefficients:

* the rows: Σ (v e)² and sums of products of influences, whatever the distribution (HC1, HC0),
* the covariance alone, if rows are jointly normal (classical): by Isserlis' theorem

    E[v₁e₁ v₂e₂] = E[v₁v₂] E[e₁e₂] + E[v₁e₂] E[v₂e₁].

References
----------
White (1980), "A heteroskedasticity-consistent covariance matrix estimator and a direct test for
heteroskedasticity", Econometrica 48, 817-838. doi:10.2307/1912934
Isserlis (1918), Biometrika 12, 134-139. doi:10.1093/biomet/12.1-2.134
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final, TypeAlias

import numpy as np

from causalkit.errors import InputError, NumericalError
from causalkit.typing import FloatArray, IntArray
from causalkit.workflow.pairs.pair_samples import Sample

__all__ = ["Fits", "Question", "fit_all", "null_draws"]

Question: TypeAlias = tuple[int, int, tuple[int, ...]]
"""Treatment, outcome, and what to adjust for, as columns."""

_LEAST_LEFT: Final = 1e-11
"""Share of the variance of a treatment below which nothing of it is left."""

_BLOCK: Final = 2**21
"""Influences that are held at a time."""

_JITTER: Final = 1e-6
"""Added to variances of one, so that a singular correlation matrix has a Cholesky factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Coefficients of m regressions, and what they leave, in standard units.

    Attributes
    ----------
    values : ndarray of shape (m,)
        In the units of the data.
    df : ndarray of shape (m,)
        Rows less coefficients, infinite for a population.
    left : ndarray of shape (m,)
        Share of the variance of the treatment that the covariates leave.
    noise : ndarray of shape (m,)
        Share of the variance of the outcome that treatment and covariates leave.
    of_treatment, of_outcome : ndarray of shape (p, m)
        Both residuals as combinations of the variables.
    units : ndarray of shape (m,)
        Units of the outcome by those of the treatment.
    """

    values: FloatArray
    df: FloatArray
    left: FloatArray
    noise: FloatArray
    of_treatment: FloatArray
    of_outcome: FloatArray
    units: FloatArray

    def std_errors(self, sample: Sample, covariance: str) -> FloatArray:
        """Standard errors, shape (m,): of a population, zero.

        Parameters
        ----------
        sample : Sample
            With rows, unless `covariance` is "classical".
        covariance : {"HC1", "HC0", "classical"}
        """
        n = sample.n_obs
        if not np.isfinite(n):
            return np.zeros_like(self.values)
        if covariance == "classical":
            return self.units * np.sqrt(self.noise / self.left / self.df)
        squares = np.zeros_like(self.values)
        for scores in self._scores(sample):
            squares += np.einsum("ij,ij->j", scores, scores)
        factor = n / self.df if covariance == "HC1" else 1.0
        return np.asarray(self.units * np.sqrt(squares * factor) / (n * self.left))

    def correlation(self, sample: Sample, covariance: str, kept: IntArray) -> FloatArray:
        """Correlation matrix of some of the coefficients, shape (k, k)."""
        fits = self._select(kept)
        V, E = fits.of_treatment, fits.of_outcome
        if covariance == "classical":
            R = sample.correlation
            crossed = V.T @ R @ E
            joint = (V.T @ R @ V) * (E.T @ R @ E) + crossed * crossed.T
        else:
            joint = np.zeros((len(kept), len(kept)))
            for scores in fits._scores(sample):
                joint += scores.T @ scores
        spread = np.sqrt(np.diagonal(joint))
        spread[spread == 0] = 1.0
        return np.asarray(joint / np.outer(spread, spread))

    def _scores(self, sample: Sample) -> Iterator[FloatArray]:
        """Products of both residuals, a block of rows at a time."""
        for rows in sample.blocks(max(_BLOCK // max(len(self.values), 1), 64)):
            scores = rows @ self.of_treatment
            scores *= rows @ self.of_outcome
            yield scores

    def _select(self, kept: IntArray) -> Fits:
        return Fits(*(getattr(self, one.name)[..., kept] for one in fields(self)))


def fit_all(sample: Sample, questions: Sequence[Question]) -> Fits:
    """Regress each outcome on its treatment and covariates.

    Parameters
    ----------
    sample : Sample
    questions : sequence of (treatment, outcome, covariates)
        As columns.

    Returns
    -------
    Fits

    Raises
    ------
    NumericalError
        If a treatment is a linear combination of its covariates.
    InputError
        If there are no more rows than coefficients.
    """
    m, p = len(questions), len(sample.names)
    R = sample.correlation
    shared: dict[tuple[int, tuple[int, ...]], list[int]] = {}
    for k, (x, _, Z) in enumerate(questions):
        shared.setdefault((x, Z), []).append(k)
    values, df, left, noise = (np.empty(m) for _ in range(4))
    V, E = np.zeros((p, m)), np.zeros((p, m))
    outcome = np.array([y for _, y, _ in questions], dtype=np.intp)
    treatment = np.array([x for x, _, _ in questions], dtype=np.intp)
    for (x, Z), which in shared.items():
        covariates, targets = list(Z), outcome[which]
        both = [x, *targets.tolist()]
        gamma, rank = _solved(R[covariates][:, covariates], R[covariates][:, both])
        schur = R[x, both] - R[x, covariates] @ gamma
        _check_left(sample, x, schur[0], rank)
        theta = schur[1:] / schur[0]
        values[which], left[which], df[which] = theta, schur[0], sample.n_obs - rank - 2
        alone = 1.0 - (R[covariates][:, targets] * gamma[:, 1:]).sum(axis=0)
        noise[which] = np.maximum(alone - theta**2 * schur[0], 0.0)
        V[np.ix_(covariates, which)] = -gamma[:, :1]
        E[np.ix_(covariates, which)] = theta * gamma[:, :1] - gamma[:, 1:]
        E[x, which] = -theta
    each = np.arange(m)
    V[treatment, each], E[outcome, each] = 1.0, 1.0
    units = sample.scale[outcome] / sample.scale[treatment]
    return Fits(values * units, df, left, noise, V, E, units)


def _solved(gram: FloatArray, right: FloatArray) -> tuple[FloatArray, int]:
    """Coefficients of some variables on others, and the rank of the latter."""
    if not len(gram):
        return np.zeros_like(right), 0
    roots, directions = np.linalg.eigh(gram)
    kept = roots > _LEAST_LEFT * len(gram) * roots[-1]
    if kept.all():
        return np.asarray(np.linalg.solve(gram, right), dtype=np.float64), len(gram)
    directions = directions[:, kept]
    projected = (directions.T @ right) / roots[kept, None]
    return np.asarray(directions @ projected, dtype=np.float64), int(kept.sum())


def _check_left(sample: Sample, x: int, left: float, rank: int) -> None:
    if not left > _LEAST_LEFT:
        raise NumericalError(
            f"treatment {sample.names[x]!r} is a linear combination of what it has to be adjusted "
            "for, so nothing of it is left to compare; expected treatment that varies given them. "
            "Leave one of the columns that determine each other out of data and graph."
        )
    if not sample.n_obs > rank + 2:
        raise InputError(
            f"{sample.n_obs:g} rows are too few to adjust for {rank} variables in the effects of "
            f"{sample.names[x]!r}; expected more than {rank + 2}. Bring more rows, or leave it out "
            "of the treatments."
        )


def null_draws(correlation: FloatArray, df: float, n_draws: int) -> FloatArray:
    """Draw t-statistics of all coefficients under the null, shape (n_draws, k).

    The stream is fixed, so that what is read off them is a function of the correlations.

    Parameters
    ----------
    correlation : ndarray of shape (k, k)
    df : float
        Degrees of freedom of a multivariate Student distribution.
    n_draws : int
    """
    rng = np.random.default_rng(0)
    k = len(correlation)
    factor = np.linalg.cholesky((correlation + _JITTER * np.eye(k)) / (1 + _JITTER))
    draws: FloatArray = rng.standard_normal((n_draws, k)) @ factor.T
    draws /= np.sqrt(rng.chisquare(df, size=n_draws) / df)[:, None]
    return draws
