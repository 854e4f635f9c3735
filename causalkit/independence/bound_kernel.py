"""Kernel tests that have met their table; see :mod:`~causalkit.independence.kernel`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from causalkit._core.memory import ByteCache
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest
from causalkit.independence.kernel_matrices import (
    Block,
    centred,
    factor,
    gaussian_kernel,
    joined,
    median_distance,
)
from causalkit.independence.null_distributions import (
    gamma_tail,
    permutation_moments,
    sign_test,
    weighted_chi_square_tail,
)
from causalkit.independence.ridge import Residuals, Smoother, inflation
from causalkit.independence.search import CIResult, Screen
from causalkit.typing import FloatArray, IntArray

__all__ = ["BoundHSIC", "BoundKCI"]

_CACHE_BYTES: Final = 2**28
_EXACT: Final = 1e-8
"""Largest error of a cell of a kernel matrix."""

_LEFT_OUT: Final = 1e-4
"""Share of the trace of a kernel matrix in functions that are too small to matter."""

_DETERMINED: Final = 1e-5
"""Share of the trace below which a set leaves nothing of a variable."""

_TILE: Final = 256
_LOWEST_LOG: Final = 650.0


def _width_of(block: Block, width: float | str) -> float:
    return median_distance(block) if isinstance(width, str) else width


@dataclass(frozen=True, slots=True, eq=False)
class _Kernel:
    """Factor of one centred kernel matrix, and the sums that its permutations depend on."""

    factor: FloatArray
    trace: float
    square: float
    diagonal: float

    @classmethod
    def of(cls, block: Block, width: float | str) -> _Kernel:
        return cls.of_factor(factor(block, _width_of(block, width), tolerance=_EXACT))

    @classmethod
    def of_factor(cls, factor: FloatArray) -> _Kernel:
        L = centred(factor)
        lengths = np.einsum("ij,ij->i", L, L)
        square = float(np.sum((L.T @ L) ** 2))
        return cls(L, float(lengths.sum()), square, float(lengths @ lengths))

    def functions(self) -> FloatArray:
        """Uncorrelated functions of the variable, the largest first, shape (n, m)."""
        values, V = np.linalg.eigh(self.factor.T @ self.factor)
        values, V = values[::-1], V[:, ::-1]
        most = int(np.searchsorted(np.cumsum(values), (1.0 - _LEFT_OUT) * values.sum())) + 1
        return np.asarray(self.factor @ V[:, :most])


class BoundHSIC(BoundTest):
    """HSIC of the columns of one table."""

    __slots__ = ("_kernels", "_permutations", "n_rows", "null", "permuted")

    def __init__(
        self, blocks: Sequence[Block], width: float | str, null: str, permuted: tuple[int, int]
    ) -> None:
        self._kernels = [_Kernel.of(block, width) for block in blocks]
        self.n_rows, self.null, self.permuted = blocks[0].n_rows, null, permuted

    @classmethod
    def of_factors(cls, factors: Iterable[FloatArray], null: str = "gamma") -> BoundHSIC:
        """Bind to one matrix L, shape (n, m), for each variable; its kernel is LL'."""
        return cls.of_kernels([_Kernel.of_factor(L) for L in factors], null)

    @classmethod
    def of_kernels(cls, kernels: list[_Kernel], null: str = "gamma") -> BoundHSIC:
        """Bind to kernels that are factored."""
        bound = cls.__new__(cls)
        bound._kernels = kernels
        bound.n_rows, bound.null, bound.permuted = len(bound._kernels[0].factor), null, (0, 0)
        return bound

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether columns i and j are independent."""
        if len(given):
            raise InputError(
                f"HSIC was asked to condition on {len(given)} column(s); expected none. Use KCI()."
            )
        one, two = self._kernels[i], self._kernels[j]
        statistic = float(np.sum((one.factor.T @ two.factor) ** 2)) / self.n_rows
        if self.null == "spectral":
            p_value = self._spectral(one, two, statistic)
        elif self.null == "permutation":
            first, second = sorted((one, two), key=_sums)
            p_value = self._permuted(first, second, statistic)
        else:
            p_value = float(self._gamma(np.array([[i, j]]), np.array([statistic]))[0])
        return CIResult(statistic, p_value, self.n_rows)

    def _moments(self, pairs: IntArray) -> tuple[FloatArray, FloatArray]:
        trace, square, diagonal = np.array([_sums(kernel) for kernel in self._kernels]).T
        one, two = ((trace[k], square[k], diagonal[k]) for k in pairs.T)
        mean, variance = permutation_moments(one, two, self.n_rows)
        n = self.n_rows
        return mean / n, variance / n**2

    def _gamma(self, pairs: IntArray, statistic: FloatArray) -> FloatArray:
        return gamma_tail(statistic, *self._moments(pairs))

    def _spectral(self, one: _Kernel, two: _Kernel, statistic: float) -> float:
        a, b = (np.linalg.eigvalsh(k.factor.T @ k.factor) for k in (one, two))
        n = self.n_rows
        weights = np.maximum(np.outer(a, b), 0.0).ravel() / (n * (n - 1.0))
        return weighted_chi_square_tail(statistic, weights)

    def _permuted(self, one: _Kernel, two: _Kernel, statistic: float) -> float:
        n_permutations, seed = self.permuted
        rng = np.random.default_rng(seed)
        n_larger = 0
        for _ in range(n_permutations):
            product = one.factor.T @ two.factor[rng.permutation(self.n_rows)]
            n_larger += float(np.sum(product**2)) / self.n_rows >= statistic
        return (1.0 + n_larger) / (1.0 + n_permutations)

    def statistics(self) -> FloatArray:
        """Statistics of all pairs at once, shape (p, p)."""
        F = np.hstack([kernel.factor for kernel in self._kernels])
        sizes = [kernel.factor.shape[1] for kernel in self._kernels]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        rows = []
        for kernel in self._kernels:
            squares = np.sum((kernel.factor.T @ F) ** 2, axis=0)
            rows.append(np.add.reduceat(squares, starts))
        return np.array(rows) / self.n_rows

    def screen(self, alpha: float) -> Screen | None:
        """Ask about all pairs at once; None if that is no quicker than one by one."""
        if self.null != "gamma":
            return None
        p = len(self._kernels)
        statistics = self.statistics()
        pairs = np.argwhere(np.triu(np.ones((p, p), dtype=bool), 1))
        upper = statistics[pairs[:, 0], pairs[:, 1]]
        p_value = self._gamma(pairs, upper)
        mean, variance = self._moments(pairs)
        with np.errstate(divide="ignore"):
            strong = -np.log(p_value)
        # Beyond the smallest p-value that a float can hold, distance from the mean goes on.
        strong = np.where(
            strong < _LOWEST_LOG,
            strong,
            _LOWEST_LOG + (upper - mean) / np.sqrt(np.maximum(variance, np.finfo(float).tiny)),
        )
        dependent, strength = np.zeros((p, p), dtype=bool), np.zeros((p, p))
        for matrix, values in ((dependent, p_value <= alpha), (strength, strong)):
            matrix[pairs[:, 0], pairs[:, 1]] = values
            matrix[pairs[:, 1], pairs[:, 0]] = values
        return Screen(dependent, strength, len(pairs))

    def functions(self, k: int) -> FloatArray:
        """Uncorrelated functions of column k."""
        return self._kernels[k].functions()

    def trace(self, k: int) -> float:
        """Sum of squares of all functions of column k."""
        return self._kernels[k].trace


def _sums(kernel: _Kernel) -> tuple[float, float, float]:
    return kernel.trace, kernel.square, kernel.diagonal


class BoundKCI(BoundTest):
    """KCI of the columns of one table.

    Attributes
    ----------
    approximation : str
        What the answers rest on: "exact".
    """

    __slots__ = ("_cache", "_marginal", "approximation", "blocks", "null", "ridge", "width")
    remembers: ClassVar[bool] = True

    def __init__(
        self, blocks: Sequence[Block], width: float | str, ridge: float | str, null: str
    ) -> None:
        self.blocks, self.width, self.ridge, self.null = list(blocks), width, ridge, null
        self._marginal = BoundHSIC(blocks, width, null, (0, 0))
        self._cache = ByteCache(_CACHE_BYTES)
        self.approximation = "exact"

    def __call__(self, i: int, j: int, given: Sequence[int] = ()) -> CIResult:
        """Test whether columns i and j are independent given the columns `given`."""
        if not len(given):
            return self._marginal(i, j)
        chosen = tuple(sorted(int(k) for k in given))
        if self.ridge == "likelihood":
            return self._by_likelihood(i, j, chosen)
        return self._as_published(i, j, chosen)

    def screen(self, alpha: float) -> Screen | None:
        """Ask about all pairs at once given nothing."""
        return self._marginal.screen(alpha)

    # --- each function with a regression of its own -----------------------------------------------

    def _by_likelihood(self, i: int, j: int, given: tuple[int, ...]) -> CIResult:
        Z = joined([self.blocks[k] for k in given])
        one, two = (self._residuals(k, given, Z) for k in (i, j))
        factor_of = inflation(one, two)
        U = _Product(one.values, two.values, (Z, _width_of(Z, self.width)))
        return self._judge(U, factor_of, signs=True)

    def _smoother(self, given: tuple[int, ...], Z: Block) -> Smoother:
        found: Smoother | None = self._cache.get(given)
        return self._cache.put(given, Smoother(Z)) if found is None else found

    def _residuals(self, k: int, given: tuple[int, ...], Z: Block) -> Residuals:
        found: Residuals | None = self._cache.get((k, given))
        if found is None:
            found = self._smoother(given, Z).residuals(self._marginal.functions(k))
            free = max(found.freedom, 0.0) / Z.n_rows
            self._check_left(found.values, self._marginal.trace(k), free)
            self._cache.put((k, given), found)
        return found

    # --- one regression for all, of x with half of the set ----------------------------------------

    def _as_published(self, i: int, j: int, given: tuple[int, ...]) -> CIResult:
        x, y = sorted((i, j), key=lambda k: _sums(self._marginal._kernels[k]))
        Z = joined([self.blocks[k] for k in given])
        augmented = joined([self.blocks[x], Z.scaled(0.5)])
        one = self._left_over((x, given, True), augmented, Z)
        self._left_over((x, given, False), self.blocks[x], Z)  # to see whether the set determines x
        two = self._left_over((y, given, False), self.blocks[y], Z)
        return self._judge(_Product(one, two, None), 1.0, signs=False)

    def _left_over(self, key: tuple[Any, ...], block: Block, Z: Block) -> FloatArray:
        found: FloatArray | None = self._cache.get(key)
        if found is None:
            L = centred(factor(block, _width_of(block, self.width), tolerance=_EXACT))
            noise = np.random.default_rng(0).normal(size=(Z.n_rows, 1))
            both = self._ridge_residuals(key[1], Z, np.hstack([L, noise]))
            found, of_noise = both[:, :-1], both[:, -1]
            free = float(of_noise @ of_noise) / float(np.sum(noise**2))
            self._check_left(found, float(np.sum(L**2)), free)
            self._cache.put(key, found)
        return found

    def _ridge_residuals(self, given: tuple[int, ...], Z: Block, F: FloatArray) -> FloatArray:
        """R F with R = ridge (K_z + ridge)⁻¹, by a factor of K_z if it is narrow, else by K_z."""
        ridge, width = float(self.ridge), _width_of(Z, self.width)
        found = self._cache.get(given)
        if found is None:
            many, tolerance = Z.n_rows // 2 + 1, _EXACT * min(1.0, ridge)
            L = centred(factor(Z, width, tolerance=tolerance, max_rank=many))
            if L.shape[1] < many:
                inner = L.T @ L
            else:
                K = centred(gaussian_kernel(Z, width))
                L, inner = np.empty((Z.n_rows, 0)), centred(K.T)
            inner[np.diag_indices_from(inner)] += ridge
            found = self._cache.put(given, (L, *cho_factor(inner, lower=True)))
        L, root, lower = found
        if L.shape[1]:
            return np.asarray(F - L @ cho_solve((root, lower), L.T @ F))
        return np.asarray(ridge * cho_solve((root, lower), F))

    # --- both -------------------------------------------------------------------------------------

    def _check_left(self, residuals: FloatArray, trace: float, free: float) -> None:
        """Check that more is left of a variable than a trace of what is left of noise."""
        if float(np.sum(residuals**2)) <= _DETERMINED * free * trace:
            raise NumericalError(
                "the columns that are given determine one of the two; expected some variation to "
                "be left. Leave copies of a column out."
            )

    def _judge(self, U: _Product, factor_of: float, *, signs: bool) -> CIResult:
        """Statistic and p-value; random signs leave the diagonal of U as it is, chi-squares not."""
        total, trace, squares, on_diagonal = U.sums()
        n = len(U.one)
        if self.null == "spectral":
            weights = np.maximum(np.linalg.eigvalsh(U.matrix()), 0.0) * factor_of
            p_value = weighted_chi_square_tail(total, weights)
        else:
            squares -= on_diagonal if signs else 0.0
            variance = 2.0 * squares * factor_of**2
            p_value = sign_test(total, trace * factor_of, variance)
        return CIResult(total / n, p_value, n)


@dataclass(frozen=True, slots=True, eq=False)
class _Product:
    """U = AA' ∘ BB' ∘ K_z, never formed as a whole."""

    one: FloatArray
    two: FloatArray
    weight: tuple[Block, float] | None

    def sums(self) -> tuple[float, float, float, float]:
        """Sum of all cells, trace, sums of squares of all cells and of the diagonal."""
        total = squares = 0.0
        for start in range(0, len(self.one), _TILE):
            stop = min(start + _TILE, len(self.one))
            tile = self._tile(start, stop)
            square, right = tile[:, : stop - start], tile[:, stop - start :]
            total += float(square.sum()) + 2.0 * float(right.sum())
            squares += float(np.vdot(square, square)) + 2.0 * float(np.vdot(right, right))
        diagonal = np.einsum("ij,ij->i", self.one, self.one)
        diagonal = diagonal * np.einsum("ij,ij->i", self.two, self.two)
        return total, float(diagonal.sum()), squares, float(diagonal @ diagonal)

    def matrix(self) -> FloatArray:
        """U itself."""
        n = len(self.one)
        U = np.zeros((n, n))
        for start in range(0, n, _TILE):
            stop = min(start + _TILE, n)
            U[start:stop, start:] = self._tile(start, stop)
            U[start:, start:stop] = U[start:stop, start:].T
        return U

    def _tile(self, start: int, stop: int) -> FloatArray:
        """Rows `start` to `stop` and columns from `start` on."""
        tile = self.one[start:stop] @ self.one[start:].T
        tile *= self.two[start:stop] @ self.two[start:].T
        if self.weight is not None:
            block, width = self.weight
            if block.n_numbers:
                X = block.numbers / (np.sqrt(2.0) * width)
                left = np.einsum("ij,ij->i", X, X)
                D = X[start:stop] @ X[start:].T
                D *= 2.0
                D -= left[start:stop, None]
                D -= left[start:]
                tile *= np.exp(D, out=D)
            if block.n_cells > 1:
                tile *= block.cells[start:stop, None] == block.cells[start:]
        return tile
