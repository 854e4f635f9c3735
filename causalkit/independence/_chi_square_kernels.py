"""The tail of the chi-square distribution, in compiled code.

Whole degrees of freedom need no more than two series of positive terms, so nothing cancels and deep
tails keep their order down to the smallest number there is. Either series stops once its terms no
longer count, after some multiple of the root of the degrees of freedom.
"""

from __future__ import annotations

from math import erfc, exp, lgamma, log, log1p, pi, sqrt

from causalkit._core.jit import inner_kernel, kernel

__all__ = ["chi_square_tail"]


@inner_kernel
def _poisson(a: float, h: float) -> float:
    """`h**a * exp(-h) / gamma(a + 1)`; no large numbers are subtracted where a is large."""
    if a < 20.0:
        return float(exp(a * log(h) - h - lgamma(a + 1.0)))
    u = (h - a) / a
    stirling = 1.0 / (12.0 * a) - 1.0 / (360.0 * a**3) + 1.0 / (1260.0 * a**5)
    return float(exp(a * (log1p(u) - u) - stirling) / sqrt(2.0 * pi * a))


@kernel
def chi_square_tail(statistic: float, freedom: int) -> float:
    """Probability that a chi-square variable exceeds `statistic`, by series of positive terms."""
    if statistic <= 0.0:
        return 1.0
    h, a = 0.5 * statistic, 0.5 * freedom
    term, total = 1.0, 1.0
    if h < a + 1.0:  # P = poisson(a, h) * (1 + h / (a + 1) + h^2 / ((a + 1) (a + 2)) + ...)
        k = a
        while term > 1e-17 * total:
            k += 1.0
            term *= h / k
            total += term
        return max(0.0, 1.0 - _poisson(a, h) * total)
    # Q(a) = Q(a - 1) + h^(a - 1) exp(-h) / gamma(a), down to Q(1) = exp(-h) or Q(1/2) = erfc
    rest = erfc(sqrt(h)) if freedom % 2 else 0.0
    if freedom == 1:
        return float(rest)
    k = a - 1.0
    while k > 0.75 and term > 1e-17 * total:
        term *= k / h
        total += term
        k -= 1.0
    return float(min(1.0, rest + _poisson(a - 1.0, h) * total))
