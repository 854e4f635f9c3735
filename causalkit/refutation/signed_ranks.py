"""Signed ranks of pairs of which one is likelier to be the larger: distribution, shifts, intervals.

The statistic is the sum of the ranks |dᵢ| of those differences that lie above zero, or just their
number (the sign test). If each difference is above zero with the same chance p, and signs are
independent, it is a sum of coin flips, one a pair: added up exactly, or, of many pairs, taken
to be normal. With p = 1/2 that is Wilcoxon's test; with p between 1/(1 + Γ) and Γ/(1 + Γ) it is the
worst that hidden bias does (:mod:`~causalkit.refutation.matched_pairs`).

A constant effect is estimated by turning the test around. Without ties the statistic is the number
of means of two differences (each with itself, too) that lie above zero, so the shift that brings it
to its expectation, or just to where it is rejected, is one of these means. Differences of zero keep
their rank, and count for nothing (Pratt).

References
----------
Hodges & Lehmann (1963), "Estimates of location based on rank tests", Annals of Mathematical
Statistics 34, 598-611. doi:10.1214/aoms/1177704172
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from causalkit.typing import FloatArray, IntArray

__all__ = ["SignedRanks"]

MOST_MEANS = 1000
"""Pairs up to which the means of all two of them are listed; beyond, they are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class SignedRanks:
    """The test statistic of differences, with what can be asked of it.

    Attributes
    ----------
    differences : ndarray of shape (n_pairs,)
    statistic : {"signed rank", "sign"}
    exact : bool
        Whether distributions are added up, rather than normal.

    Examples
    --------
    >>> ranks = SignedRanks(np.array([1.0, 2.0, 3.0, -0.5]), "signed rank", exact=True)
    >>> ranks.tail(1.0, 0.5)
    0.125
    >>> ranks.middle(ranks.most / 2)
    1.375
    """

    differences: FloatArray
    statistic: str
    exact: bool

    @property
    def most(self) -> int:
        """Largest value of the statistic: differences (or means of two) that can lie above zero."""
        n = len(self.differences)
        return n if self.statistic == "sign" else n * (n + 1) // 2

    def tail(self, sign: float, chance: float) -> float:
        """Chance that the ranks of this sign reach their sum, where each counts with `chance`."""
        ranks, observed = self._ranked(sign)
        if self.exact:
            return float(min(1.0, _distribution(ranks, chance)[observed:].sum()))
        spread = np.sqrt(chance * (1 - chance) * float(np.sum(ranks.astype(np.float64) ** 2)))
        return float(stats.norm.sf((observed - chance * float(ranks.sum())) / spread))

    def critical_count(self, chance: float, alpha: float) -> int:
        """Smallest value of the statistic that is rejected, were there neither ties nor zeros."""
        ranks = np.arange(1, len(self.differences) + 1)
        if self.statistic == "sign":
            ranks = np.ones_like(ranks)
        if self.exact:
            reaching = np.cumsum(_distribution(ranks, chance)[::-1])[::-1]
            return int(np.count_nonzero(reaching > alpha))
        spread = np.sqrt(chance * (1 - chance) * float(np.sum(ranks**2)))
        return int(np.ceil(chance * self.most + stats.norm.isf(alpha) * spread))

    def middle(self, count: float) -> float:
        """The shift that leaves `count` of the differences (or means of two) above it."""
        whole = round(count)
        if abs(count - whole) > 1e-9 * self.most:
            return self.largest(int(np.ceil(count)))
        if whole in (0, self.most):
            return self.largest(max(1, whole))
        return (self.largest(whole) + self.largest(whole + 1)) / 2

    def largest(self, k: int) -> float:
        """The k-th largest of the differences, or of the means of two of them."""
        d = np.sort(self.differences)
        if self.statistic == "sign":
            return float(d[len(d) - k])
        if len(d) <= MOST_MEANS:
            means = ((d[:, None] + d) / 2)[np.triu_indices(len(d))]
            return float(np.partition(means, len(means) - k)[len(means) - k])
        low, high = float(d[0]), float(d[-1])
        while high - low > 1e-12 * max(abs(low), abs(high)):
            middle = (low + high) / 2
            if not low < middle < high:
                break
            if _means_above(d, middle) >= k:
                low = middle
            else:
                high = middle
        return high

    def _ranked(self, sign: float) -> tuple[IntArray, int]:
        """Twice the ranks of differences that are not zero, and the sum of those of this sign."""
        d = sign * self.differences
        ranks = np.full(len(d), 2.0)
        if self.statistic == "signed rank":
            ranks = 2 * stats.rankdata(np.abs(d))
        whole = np.rint(ranks).astype(np.int64)
        return whole[d != 0], int(whole[d > 0].sum())


def _distribution(ranks: IntArray, chance: float) -> FloatArray:
    """Of a sum of ranks, each of which counts with this chance; entry k is P(sum = k)."""
    found = np.zeros(int(ranks.sum()) + 1)
    found[0] = 1.0
    for rank in ranks:
        moved = chance * found[: len(found) - rank]
        found *= 1 - chance
        found[rank:] += moved
    return found


def _means_above(d: FloatArray, bound: float) -> int:
    """How many means of two sorted values (each with itself, too) lie above a bound."""
    first = np.searchsorted(d, 2 * bound - d, side="right")
    return int(np.sum(len(d) - np.maximum(first, np.arange(len(d)))))
