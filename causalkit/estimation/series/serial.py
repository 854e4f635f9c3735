"""Standard errors for rows that are steps of series: `HAC` and `MovingBlocks`.

The influences φ of neighbouring steps are correlated, so squaring them one by one counts the same
news several times, or too rarely. What is needed is their long-run variance Ω, which is the height
of their spectrum at frequency zero:

* **cosines** (the default). Project φ on the B slowest cosines: Λ_j = √(2/n) Σ_t cos(πj(t−½)/n) φ_t
  for j = 1, …, B. They are nearly independent draws with variance Ω, so Ω̂ is their mean square, and
  intervals are those of Student's distribution with B degrees of freedom. With B = 0.41 n^⅔, the
  choice of Lazarus, Lewis, Stock & Watson (2018), intervals cover better than Newey and West's
  where dependence is strong.
* **Bartlett** (Newey & West 1987). Sum the autocovariances with weights 1 − l/(S+1); the number of
  lags S is that of Andrews (1991) for an AR(1), degrees of freedom are those that match the
  variance of Ω̂, 1.5 n/S.

Both are sums of squares, hence never negative, and both give the covariance of several estimates at
once, which the bands of an impulse response need.

:class:`MovingBlocks` resamples stretches of time instead (Künsch 1989). A row carries its own past,
so no lag ever reaches over the seam of two blocks.

References
----------
Newey, W. K., West, K. D. (1987), "A simple, positive semi-definite, heteroskedasticity and
autocorrelation consistent covariance matrix", Econometrica 55(3), 703-708.
https://doi.org/10.2307/1913610
Andrews, D. W. K. (1991). Econometrica 59(3), 817-858. https://doi.org/10.2307/2938229
Lazarus, E., Lewis, D. J., Stock, J. H., Watson, M. W. (2018). HAR inference: recommendations for
practice. JBES 36(4), 541-559. https://doi.org/10.1080/07350015.2018.1506926
Künsch, H. R. (1989). Annals of Statistics 17(3), 1217-1241. https://doi.org/10.1214/aos/1176347265
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.checks import check_choice, check_count
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray, IntArray

__all__ = ["HAC", "MovingBlocks"]

_MOST_CORRELATED = 0.97


@dataclass(frozen=True, slots=True)
class HAC(Asymptotic):
    """Standard errors that hold if influences are correlated over time, and heteroskedastic.

    Parameters
    ----------
    weights : {"sampling", "frequency"}
        As in :class:`Asymptotic`.
    kernel : {"cosines", "Bartlett"}
        The second is Newey and West's.
    bandwidth : int, optional
        Number of cosines, or of lags. Left out, chosen from the number of steps, and for Bartlett
        from their correlation.

    Notes
    -----
    **Assumes:** the series are stationary and forget their past. Clusters, where they are given
    (the subjects of a panel), take its place.

    Examples
    --------
    Clusters of time are no clusters of rows:

    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> t, noise = np.cumsum(rng.normal(size=(300, 2)), axis=0).T / 10
    >>> by_rows = OLS().fit(None, t + noise, t=t).effect_.std_error
    >>> over_time = OLS(inference=HAC()).fit(None, t + noise, t=t).effect_.std_error
    >>> bool(over_time > 2 * by_rows)
    True
    """

    kernel: str = "cosines"
    bandwidth: int | None = None

    def __post_init__(self) -> None:
        Asymptotic.__post_init__(self)
        check_choice(self.kernel, "kernel", ("cosines", "Bartlett"))
        if self.bandwidth is not None:
            check_count(self.bandwidth, "bandwidth", minimum=1 if self.kernel == "cosines" else 0)

    @property
    def words(self) -> str:
        """What the standard error is called."""
        return "Newey-West" if self.kernel == "Bartlett" else "HAC (cosines)"

    def spread(
        self, influence: FloatArray, problem: Problem, df: float | None
    ) -> tuple[float, float | None, dict[str, Any]]:
        """Standard error, degrees of freedom, and facts."""
        if problem.groups is not None:
            return Asymptotic.spread(self, influence, problem, df)
        place = np.arange(len(influence)) if problem.steps is None else problem.steps.place
        largest = float(np.abs(influence).max(initial=0.0))
        if largest == 0 or not np.isfinite(largest):
            return largest, df, {}
        parts = influence[:, None] / largest
        variance, of_variance, bandwidth = self.covariance(parts, place)
        if of_variance is not None:
            df = of_variance if df is None else min(df, of_variance)
        std_error = largest * float(np.sqrt(variance[0, 0])) / len(influence)
        return std_error, df, {"standard error": self.words, "bandwidth": bandwidth}

    def covariance(
        self, parts: FloatArray, place: IntArray
    ) -> tuple[FloatArray, float | None, int]:
        """Covariance matrix of the column sums of `parts`.

        Parameters
        ----------
        parts : ndarray of shape (n, k)
            Row by row what adds up to the errors of k estimates.
        place : ndarray of int, shape (n,)
            Places in time, as in :class:`~causalkit.estimation.series.steps.Steps`.

        Returns
        -------
        covariance : ndarray of shape (k, k)
        df : float or None
            Degrees of freedom of it.
        bandwidth : int
            Cosines or lags.
        """
        order = np.argsort(place, kind="stable")
        parts, place = parts[order], place[order]
        if self.kernel == "cosines":
            return _by_cosines(parts, self.bandwidth)
        lags = _andrews(parts, place) if self.bandwidth is None else self.bandwidth
        total = parts.T @ parts
        for lag in range(1, lags + 1):
            crossed = _crossed(parts, place, lag)
            total += (1 - lag / (lags + 1)) * (crossed + crossed.T)
        return total, 1.5 * len(parts) / lags if lags else None, lags


def _by_cosines(parts: FloatArray, bandwidth: int | None) -> tuple[FloatArray, float, int]:
    from scipy.fft import dct

    n = len(parts)
    wanted = int(0.41 * n ** (2 / 3)) if bandwidth is None else bandwidth
    n_cosines = max(1, min(wanted, n - 1))
    slow = dct(parts, type=2, axis=0)[1 : n_cosines + 1] / np.sqrt(2)
    return slow.T @ slow / n_cosines, float(n_cosines), n_cosines


def _crossed(parts: FloatArray, place: IntArray, lag: int) -> FloatArray:
    """Sum of products of rows that are `lag` steps apart; places are sorted, perhaps repeated."""
    first = np.searchsorted(place, place - lag, side="left")
    last = np.searchsorted(place, place - lag, side="right")
    sums = np.vstack([np.zeros(parts.shape[1]), np.cumsum(parts, axis=0)])
    if (last - first <= 1).all():
        there = last > first
        return np.asarray(parts[there].T @ parts[first[there]])
    return np.asarray(parts.T @ (sums[last] - sums[first]))


def _andrews(parts: FloatArray, place: IntArray) -> int:
    """Lags of Bartlett's kernel that suit an AR(1), the most correlated column deciding."""
    squares = (parts**2).sum(axis=0)
    products = np.diag(_crossed(parts, place, 1))
    rho = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    rho = np.clip(rho, -_MOST_CORRELATED, _MOST_CORRELATED)
    alpha = float(np.max(4 * rho**2 / (1 - rho**2) ** 2))
    return min(int(np.ceil(1.1447 * (alpha * len(parts)) ** (1 / 3))), len(parts) - 1)


@dataclass(frozen=True, slots=True)
class MovingBlocks(Bootstrap):
    """Standard error from estimating again on stretches of time, drawn with replacement.

    Parameters
    ----------
    n_resamples, random_state, n_jobs, max_failures
        As in :class:`Bootstrap`.
    block_length : int, optional
        Steps of a stretch; 2 n^⅓ if left out.

    Notes
    -----
    **Assumes:** the series are stationary and forget their past within a block. Clusters, where
    they are given, are drawn instead.

    Examples
    --------
    >>> from causalkit.estimation import OLS
    >>> rng = np.random.default_rng(0)
    >>> t, noise = np.cumsum(rng.normal(size=(300, 2)), axis=0).T / 10
    >>> blocks = OLS(inference=MovingBlocks(200, random_state=1, block_length=20))
    >>> effect = blocks.fit(None, t + noise, t=t).effect_
    >>> bool(effect.std_error > 2 * OLS().fit(None, t + noise, t=t).effect_.std_error)
    True
    """

    block_length: int | None = None

    def __post_init__(self) -> None:
        Bootstrap.__post_init__(self)
        if self.block_length is not None:
            check_count(self.block_length, "block_length")

    def drawn(self, problem: Problem, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Rows of a resample, and the stretch of time that each was taken from."""
        if problem.groups is not None:
            return Bootstrap.drawn(self, problem, rng)
        n = problem.n_obs
        in_time = np.arange(n) if problem.steps is None else np.argsort(problem.steps.place)
        length = min(n, self.block_length or int(np.ceil(2 * n ** (1 / 3))))
        starts = rng.integers(n - length + 1, size=-(-n // length))
        ranks = (starts[:, None] + np.arange(length)).ravel()[:n]
        return in_time[ranks], ranks // length
