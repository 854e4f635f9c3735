"""Monte Carlo errors of trials that come in groups.

Trials in one world share what is particular to that world: its graph, its slopes. A thousand trials
in twenty worlds say less about worlds in general than a thousand worlds would, so the error of a
mean is that of the means of the worlds, as with clusters of rows. Where few worlds happen to agree
it could be too small, so it is never taken as less than independent trials would have; of a share
these have Wilson's interval, which does not shrink to a point where all trials are alike.

References
----------
Wilson (1927), "Probable inference, the law of succession, and statistical inference", Journal of
the American Statistical Association 22, 209-212. doi:10.1080/01621459.1927.10502953
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.checks import check_fraction
from causalkit.estimation.effect import quantile
from causalkit.typing import FloatArray

__all__ = ["MonteCarlo"]


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """A mean over trials that come in worlds, and how exactly it is known.

    Attributes
    ----------
    value : float
        NaN if there is no trial to take it over.
    clustered : float
        Standard error if trials of one world go together; infinite with one world.
    independent : float
        Standard error if all trials were independent; of a share with two more of each kind, so
        that it is not zero where all are alike.
    n_worlds, n_trials : int
    share : bool
        Whether it is a share, from 0 to 1.

    Examples
    --------
    >>> print(MonteCarlo.of(np.array([1.0, 1.0, 0.0, 1.0]), np.array([0, 0, 1, 1]), share=True))
    0.75 ± 0.25
    """

    value: float
    clustered: float
    independent: float
    n_worlds: int
    n_trials: int
    share: bool = False

    @classmethod
    def of(cls, values: FloatArray, worlds: Any, *, share: bool = False) -> MonteCarlo:
        """Take the mean of what is no NaN.

        Parameters
        ----------
        values : ndarray of shape (n_trials,)
        worlds : ndarray of int, shape (n_trials,)
        share : bool
            Whether the values are zeros and ones.
        """
        seen = ~np.isnan(values)
        values, worlds = values[seen], np.asarray(worlds)[seen]
        n = len(values)
        if not n:
            return cls(math.nan, math.nan, math.nan, 0, 0, share)
        mean = float(values.mean())
        codes = np.unique(worlds, return_inverse=True)[1]
        k = int(codes.max()) + 1
        sums = np.bincount(codes, values - mean)
        clustered = math.sqrt(k / (k - 1) * float(sums @ sums)) / n if k > 1 else math.inf
        if share:
            ones = float(values.sum())
            independent = math.sqrt((ones + 2) * (n - ones + 2)) / (n + 4) ** 1.5
        else:
            independent = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
        return cls(mean, clustered, independent, k, n, share)

    @property
    def std_error(self) -> float:
        """The larger of the two; with one world that of independent trials."""
        return max(self.clustered if self.n_worlds != 1 else 0.0, self.independent)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Where the mean over very many worlds and trials lies.

        Parameters
        ----------
        level : float

        Returns
        -------
        lower, upper : float
            With one world, where its own mean lies.
        """
        side = 0.5 + check_fraction(level, "level") / 2
        z = quantile(side, None)
        centre, half = self.value, z * self.independent
        if self.share and self.n_trials:
            centre, half = self._wilson(z)
        lower, upper = centre - half, centre + half
        if self.n_worlds > 1:
            half = quantile(side, self.n_worlds - 1) * self.clustered
            lower, upper = min(lower, self.value - half), max(upper, self.value + half)
        return (max(lower, 0.0), min(upper, 1.0)) if self.share else (lower, upper)

    def _wilson(self, z: float) -> tuple[float, float]:
        """Centre and half width of Wilson's interval, which holds for few trials, all alike too."""
        p, n = self.value, self.n_trials
        half = z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2) / (1 + z**2 / n)
        return (p + z**2 / (2 * n)) / (1 + z**2 / n), half

    def __str__(self) -> str:
        if not self.n_trials:
            return "–"
        return f"{self.value:.3g} ± {self.std_error:.2g}"
