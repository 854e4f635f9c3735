"""KCI with regressions on landmarks and few functions of each variable, for many rows.

Regressions are those of :mod:`~causalkit.independence.landmarks`; what a variable is represented by
are the functions that make up nearly all of its kernel.

**Null distribution.** The sum of squares over all pairs of rows that its variance needs is taken
over the pairs among up to 600 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np

from causalkit._core.memory import ByteCache
from causalkit.independence.base import BoundTest
from causalkit.independence.bound_kernel import BoundHSIC, _Kernel, _Product
from causalkit.independence.kernel_matrices import Block, factor, joined, median_distance
from causalkit.independence.landmarks import (
    LeftOver,
    SetSmoother,
    check_left,
    inflation_between,
    spread_rows,
)
from causalkit.independence.null_distributions import sign_test
from causalkit.independence.search import CIResult, Screen
from causalkit.typing import FloatArray

__all__ = ["BoundNystrom", "row_products", "sampled_squares", "typical_width"]

_CACHE_BYTES: Final = 2**28
_PAIRS_OF: Final = 600
_DISTANCES_OF: Final = 150
_MOST_FUNCTIONS: Final = 300
_TOLERANCE: Final = 1e-4
_TOLERANCE_OF_SET: Final = 1e-2
_MOST_OF_SET: Final = 50


def typical_width(block: Block, width: float | str) -> float:
    """Return the width that is asked for, or the median distance between up to 150 rows."""
    if not isinstance(width, str):
        return width
    return median_distance(block.rows(spread_rows(block.n_rows, _DISTANCES_OF)))


class BoundNystrom(BoundTest):
    """KCI with regressions on landmarks and few functions of each variable.

    Parameters
    ----------
    blocks : sequence of Block
    width : float or "median"
    n_landmarks : int

    Attributes
    ----------
    approximation : str
        What the answers rest on: "nystrom".
    """

    __slots__ = ("_all", "_cache", "_found", "approximation", "blocks", "n_landmarks", "width")
    remembers: ClassVar[bool] = True

    def __init__(
        self, blocks: Sequence[Block], width: float | str = "median", n_landmarks: int = 120
    ) -> None:
        self.blocks, self.width, self.n_landmarks = list(blocks), width, n_landmarks
        self._found: list[_Kernel | None] = [None] * len(self.blocks)
        self._all: BoundHSIC | None = None
        self._cache = ByteCache(_CACHE_BYTES)
        self.approximation = "nystrom"

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether variables i and j are independent given the variables `given`."""
        if not len(given):
            return self._marginal()(i, j)
        chosen = tuple(sorted(map(int, given)))
        one, two = self._left_over(i, chosen), self._left_over(j, chosen)
        block, width, C = self._functions(chosen)
        statistic = float(np.sum((row_products(one.values, two.values).T @ C) ** 2))
        diagonal = np.einsum("ij,ij->i", C, C)  # not quite 1: that of the factor
        for residuals in (one.values, two.values):
            diagonal *= np.einsum("ij,ij->i", residuals, residuals)
        n = len(diagonal)
        share = inflation_between(one, two)
        squares = sampled_squares(one.values, two.values, (block, width))
        mean, variance = float(diagonal.sum()) * share, 2.0 * squares * share**2
        return CIResult(statistic / n, sign_test(statistic, mean, variance), n)

    def screen(self, alpha: float) -> Screen | None:
        """Ask about all pairs at once given nothing."""
        return self._marginal().screen(alpha)

    def _marginal(self) -> BoundHSIC:
        """The test given nothing."""
        if self._all is None:
            self._all = BoundHSIC.of_kernels(list(map(self._kernel, range(len(self.blocks)))))
        return self._all

    def _kernel(self, k: int) -> _Kernel:
        """The kernel of a variable, factored when it is first asked for."""
        found = self._found[k]
        if found is None:
            block = self.blocks[k]
            width = typical_width(block, self.width)
            L = factor(block, width, tolerance=_TOLERANCE, max_rank=_MOST_FUNCTIONS)
            found = self._found[k] = _Kernel.of_factor(L)
        return found

    def _left_over(self, k: int, given: tuple[int, ...]) -> LeftOver:
        found: LeftOver | None = self._cache.get((k, given))
        if found is None:
            smoother: SetSmoother | None = self._cache.get(given)
            if smoother is None:
                Z = joined([self.blocks[k] for k in given])
                smoother = self._cache.put(given, SetSmoother(Z, self.n_landmarks))
            kernel = self._kernel(k)
            found = smoother.residuals(kernel.functions())
            check_left(found, kernel.trace)
            self._cache.put((k, given), found)
        return found

    def _functions(self, given: tuple[int, ...]) -> tuple[Block, float, FloatArray]:
        """A set, the width of its kernel, and a factor of it."""
        found: tuple[Block, float, FloatArray] | None = self._cache.get((given, "functions"))
        if found is None:
            Z = joined([self.blocks[k] for k in given])
            width = typical_width(Z, self.width)
            C = factor(Z, width, tolerance=_TOLERANCE_OF_SET, max_rank=_MOST_OF_SET)
            found = self._cache.put((given, "functions"), (Z, width, C))
        return found


def row_products(A: FloatArray, B: FloatArray) -> FloatArray:
    """Row-wise Kronecker products, shape (n, columns of A · columns of B)."""
    return np.asarray((A[:, :, None] * B[:, None, :]).reshape(len(A), -1))


def sampled_squares(
    A: FloatArray, B: FloatArray, weight: tuple[Block, float] | None = None
) -> float:
    """Sum over pairs of different rows of (AA' ∘ BB' ∘ K)², from the pairs among up to 600 rows."""
    n, rows = len(A), spread_rows(len(A), _PAIRS_OF)
    m = len(rows)
    part = None if weight is None else (weight[0].rows(rows), weight[1])
    _, _, squares, on_diagonal = _Product(A[rows], B[rows], part).sums()
    return (squares - on_diagonal) * (n * (n - 1.0)) / (m * (m - 1.0))
