"""Poisson and negative binomial counts by their noise, and the noise by the count.

Both laws obey p(k + 1) / p(k) = (a + b k) / (k + 1), so a sum walks up from a count below which
nothing lies. Beyond all but 1e-7 of the probability, what is above a count is summed by itself:
one minus the rest would have no digits left.
"""

from __future__ import annotations

from math import exp, floor, lgamma, log, log1p

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import FloatArray

__all__ = ["bounds_of_counts", "counts_at"]

_TAIL = 1e-7
_FIRST = -300.0
"""Log probability from which on counts are summed."""


@inner_kernel
def _log_probability(k: float, mean: float, dispersion: float) -> float:
    if dispersion > 0:
        r = 1 / dispersion
        at_zero = -log1p(dispersion * mean) / dispersion
        share = log(dispersion * mean) - log1p(dispersion * mean)
        return lgamma(k + r) - lgamma(r) - lgamma(k + 1) + k * share + at_zero
    return k * log(mean) - mean - lgamma(k + 1)


@inner_kernel
def _first_count(mean: float, dispersion: float) -> tuple[float, float]:
    """A count below which next to nothing lies, and its probability."""
    at_zero = -log1p(dispersion * mean) / dispersion if dispersion > 0 else -mean
    if at_zero >= _FIRST:
        return 0.0, exp(at_zero)
    low, high = 0.0, max(float(floor(mean * (1 - dispersion))), 1.0)  # up to the mode they rise
    while high - low > 1:
        middle = floor((low + high) / 2)
        if _log_probability(middle, mean, dispersion) < _FIRST:
            low = middle
        else:
            high = middle
    return high, exp(_log_probability(high, mean, dispersion))


@inner_kernel
def _above(k: float, p: float, total: float, a: float, b: float) -> float:
    """Probability of more than k, given that of k and that of at most k."""
    rest = 1 - total
    if rest > _TAIL:
        return rest
    rest, term = 0.0, p
    while True:
        term *= (a + b * k) / (k + 1)
        k += 1
        rest += term
        if term <= 1e-17 * rest:
            return rest


@kernel
def counts_at(noise: FloatArray, means: FloatArray, dispersion: float) -> FloatArray:
    """Counts at logistic noise; NaN where the mean is."""
    found = np.empty(len(noise))
    for i in range(len(noise)):
        mean, e = means[i], noise[i]
        if not mean >= 0:
            found[i] = np.nan
            continue
        a, b = mean / (1 + dispersion * mean), dispersion * mean / (1 + dispersion * mean)
        k, p = _first_count(mean, dispersion)
        total = p
        if e <= 0:
            share = exp(e) / (1 + exp(e))
            while share > total and p > 0:
                p *= (a + b * k) / (k + 1)
                k += 1
                total += p
        else:
            share = exp(-e) / (1 + exp(-e))
            while share < _above(k, p, total, a, b):
                p *= (a + b * k) / (k + 1)
                k += 1
                total += p
        found[i] = k
    return found


@inner_kernel
def _score(total: float, rest: float) -> float:
    """Logistic noise at which so much lies below and so much above."""
    if total <= 0.5:
        return log(total) - log1p(-total) if total > 0 else -np.inf
    return log1p(-rest) - log(rest) if rest > 0 else np.inf


@kernel
def bounds_of_counts(
    counts: FloatArray, means: FloatArray, dispersion: float
) -> tuple[FloatArray, FloatArray]:
    """Logistic noise above which, and up to which, it gives these counts."""
    low, high = np.full(len(counts), np.inf), np.full(len(counts), -np.inf)
    for i in range(len(counts)):
        mean = means[i]
        a, b = mean / (1 + dispersion * mean), dispersion * mean / (1 + dispersion * mean)
        k, p = _first_count(mean, dispersion)
        total, before = p, -np.inf
        while k < counts[i] and p > 0:
            before = _score(total, _above(k, p, total, a, b))
            p *= (a + b * k) / (k + 1)
            k += 1
            total += p
        if k == counts[i]:
            low[i], high[i] = before, _score(total, _above(k, p, total, a, b))
    return low, high
