"""A test of conditional independence that sees second moments of features, and no row.

Regressions of features of x and y on those of a set, residuals, statistic and null distribution can
all be written with sums of products, so the answer from sums is that from rows, to the last digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from causalkit._core.memory import ByteCache
from causalkit.errors import NumericalError
from causalkit.independence.base import BoundTest
from causalkit.independence.eigen_ridge import choose_ridges, inflation_of, share_taken, spent
from causalkit.independence.null_distributions import gamma_tail, three_moment_tail
from causalkit.independence.search import CIResult
from causalkit.typing import FloatArray, IntArray

__all__ = ["BoundFeatureTest"]

_CACHE_BYTES: Final = 2**26
_ROUNDING: Final = 1e-10
_DETERMINED: Final = 1e-6


class BoundFeatureTest(BoundTest):
    """A test on second moments of features.

    Parameters
    ----------
    blocks : sequence of ndarray of int
        Which features each variable has.
    scatter : ndarray of shape (q, q)
        Centred sums of products of all features.
    n_rows : int
    """

    __slots__ = ("_cache", "blocks", "n_rows", "scatter")

    def __init__(self, blocks: Sequence[IntArray], scatter: FloatArray, n_rows: int) -> None:
        self.blocks, self.scatter, self.n_rows = list(blocks), scatter, n_rows
        self._cache = ByteCache(_CACHE_BYTES)

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether variables i and j are independent given the variables `given`."""
        one, two = self.blocks[i], self.blocks[j]
        parts = [self.scatter[np.ix_(a, b)] for a, b in ((one, one), (two, two), (one, two))]
        n = self.n_rows
        share = n / (n - 1.0)
        if len(given):
            parts, share = self._left_over(parts, one, two, tuple(sorted(map(int, given))))
        within_one, within_two, between = parts
        for within, block in ((within_one, one), (within_two, two)):
            total = float(self.scatter[block, block].sum())
            if float(np.trace(within)) <= max(_DETERMINED * total, np.finfo(float).tiny):
                raise NumericalError(
                    "the columns that are given determine one of the two, or it is constant; "
                    "expected some variation to be left. Leave such columns out."
                )
        statistic = float(np.sum(between**2))
        sums = [_power_sums(within) for within in (within_one, within_two)]
        mean, squares, cubes = (a * b for a, b in zip(*sums, strict=True))
        scale = share / n
        cumulants = mean * scale, 2.0 * squares * scale**2, 8.0 * cubes * scale**3
        if cumulants[2] > 0.0:
            p_value = three_moment_tail(statistic, *cumulants)
        else:
            p_value = float(gamma_tail(statistic, *cumulants[:2]))
        return CIResult(statistic / n, p_value, n)

    def _left_over(
        self, parts: list[FloatArray], one: IntArray, two: IntArray, given: tuple[int, ...]
    ) -> tuple[list[FloatArray], float]:
        """Sums of products of residuals, and the inflation that goes with them."""
        Z = np.concatenate([self.blocks[k] for k in given])
        found: tuple[FloatArray, FloatArray] | None = self._cache.get(given)
        if found is None:
            values, V = np.linalg.eigh(self.scatter[np.ix_(Z, Z)])
            sound = values > _ROUNDING * max(values[-1], 1.0)
            found = (values[sound], V[:, sound] / np.sqrt(values[sound]))
            self._cache.put(given, found)
        values, V = found
        P, taken = [], []
        for block, within in ((one, parts[0]), (two, parts[1])):
            coordinates = V.T @ self.scatter[np.ix_(Z, block)]
            ridges = choose_ridges(np.diag(within).copy(), coordinates, values, self.n_rows)
            P.append(coordinates)
            taken.append(share_taken(values, ridges))
        left = [
            within - _explained(P[a], taken[a], P[b], taken[b])
            for within, (a, b) in zip(parts, ((0, 0), (1, 1), (0, 1)), strict=True)
        ]
        used = [spent(t, np.maximum(np.diag(w), 0.0)) for t, w in zip(taken, left[:2], strict=True)]
        return left, inflation_of(self.n_rows, used[0], used[1])


def _explained(P: FloatArray, s: FloatArray, Q: FloatArray, t: FloatArray) -> FloatArray:
    """Σ_e P_ea Q_eb (s_ea + t_eb - s_ea t_eb): what residuals' products lack."""
    return np.asarray((P * s).T @ Q + P.T @ (Q * t) - (P * s).T @ (Q * t))


def _power_sums(within: FloatArray) -> tuple[float, float, float]:
    """Sums of the eigenvalues, of their squares and of their cubes."""
    square = within @ within
    return float(np.trace(within)), float(np.trace(square)), float(np.sum(square * within))
