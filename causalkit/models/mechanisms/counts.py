"""Counts: Poisson or negative binomial, with a mean that causes set and one number of noise.

The noise e is logistic, and the count is the smallest k with P(at most k) >= 1 / (1 + exp(-e)): the
quantile of the count's law that the noise names. So noise that gives a low count in one world
gives a low one in another (a monotone counterfactual), and the noise given an observed count k is
logistic noise between the scores of P(below k) and of P(at most k), drawn exactly.

A logistic score keeps its digits in both tails, where a uniform number would round to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import gammaln, xlogy

from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Function
from causalkit.models.mechanisms.heads import truncated_logistic
from causalkit.typing import FloatArray

__all__ = ["Count"]


@dataclass(frozen=True, slots=True, eq=False)
class Count:
    """A count whose mean is exp(log_mean(causes)), by the quantile that its noise names.

    Attributes
    ----------
    log_mean : Function
    dispersion : float
        The variance is mean + dispersion * mean²: 0 is Poisson, above 0 negative binomial.
    ceiling : float
        No mean is larger, so that a series of counts does not explode. The time of a draw grows
        with the mean, so it is at most a million.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> rng = np.random.default_rng(0)
    >>> visits = Count(Linear(np.array([1.0])), dispersion=0.5)
    >>> causes = np.full((20_000, 1), np.log(4))
    >>> drawn = visits.value(causes, visits.draw(20_000, rng))
    >>> round(float(drawn.mean()), 1), round(float(drawn.var()))  # 4 + 0.5 * 4²
    (4.0, 12)
    """

    log_mean: Function
    dispersion: float = 0.0
    ceiling: float = 1e6
    bijective: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.dispersion >= 0 or not 0 < self.ceiling <= 1e6:
            raise InputError(
                f"dispersion={self.dispersion!r} and ceiling={self.ceiling!r}; expected 0 or more, "
                "and a ceiling above 0 and at most 1e6. Take larger counts as continuous."
            )

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw logistic noise, shape (n,)."""
        return rng.logistic(size=n)

    def mean(self, causes: FloatArray) -> FloatArray:
        """Mean of rows of causes, shape (n,)."""
        means: FloatArray = np.exp(np.minimum(self.log_mean(causes), np.log(self.ceiling)))
        return means

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Counts, shape (n,)."""
        from causalkit.models.mechanisms import _counts_kernels as kernels

        return kernels.counts_at(
            np.ascontiguousarray(noise), self.mean(causes), float(self.dispersion)
        )

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw noise that gives these counts."""
        from causalkit.models.mechanisms import _counts_kernels as kernels

        means, counts = self.mean(causes), np.ascontiguousarray(value)
        if not ((counts >= 0) & (counts == np.floor(counts))).all():
            raise InputError(
                f"values from {counts.min():g} to {counts.max():g}; expected counts 0, 1, 2, ... "
                "Round them, or take the variable as continuous."
            )
        low, high = kernels.bounds_of_counts(counts, means, float(self.dispersion))
        impossible = ~(low < high)
        if impossible.any():
            row = int(impossible.argmax())
            raise InputError(
                f"{int(impossible.sum())} count(s), such as {counts[row]:g} where the mean is "
                f"{means[row]:g}, have no noise that gives them; expected counts that the "
                "mechanism can give. Fit it with a larger dispersion."
            )
        noise = truncated_logistic(low, high, rng)
        off = kernels.counts_at(noise, means, float(self.dispersion)) != counts
        if off.any():  # at a bound, by a rounding error
            noise[off] = truncated_logistic(low[off], high[off], rng)
        return noise

    def log_probability(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log probability of counts of shape (n,)."""
        return log_count_probability(value, self.mean(causes), self.dispersion)


def log_count_probability(y: FloatArray, mean: FloatArray, dispersion: float) -> FloatArray:
    """Log probability of counts of shape (n,), given their means."""
    if dispersion > 0:
        r, product = 1 / dispersion, dispersion * mean
        ways = gammaln(y + r) - gammaln(r) - gammaln(y + 1)
        found: FloatArray = ways + xlogy(y, product / (1 + product)) - r * np.log1p(product)
        return found
    poisson: FloatArray = xlogy(y, mean) - mean - gammaln(y + 1)
    return poisson
