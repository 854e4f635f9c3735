"""Sums of rows and of products of their deviations, a tile of rows at a time, to the last digits.

Nothing is lost to large offsets or odd units. Rows are taken a tile at a time, small enough to stay
in the processor's cache; each column is centred before anything is squared; and what rounding took
from a mean is kept beside it, so that the distance between two means is exact to the last digits
even where the mean is 1e15 times as large as the variation. Columns of which a square would
overflow or vanish are scaled by a power of two.

Many rows of a few columns are centred at the mean of some of them, spread over all: one centre for
all tiles, and so one Gram matrix, in which the distance to the true mean is made up for at the end.
Where that distance turns out to be more than the spread, and in any other case, each tile is
centred at its own mean, and what tiles say is merged by :func:`causalkit._core.moments.merge`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from causalkit.typing import FloatArray, IntArray

__all__ = ["RowSums", "add_outer", "strips", "sums_of_rows", "two_sum"]

Columns: TypeAlias = FloatArray | Sequence[np.ndarray[Any, Any]]

_TILE_CELLS: Final = 2**17
"""1 MiB: a tile stays in the cache."""

_TILE_ROWS: Final = 4096
"""At least these many rows, so that a product costs far more than adding it up."""

_FEW: Final = 256
"""Rows of which the mean is the centre of all, unless it turns out to be far away."""

_SQUARE: Final = 4096
"""Columns whose products are taken by one call."""

_WIDE: Final = 256
"""Columns from which on products are left to BLAS, a tile at a time."""

_WORK_CELLS: Final = 2**14
"""128 KiB of deviations from one centre are multiplied at a time."""

_PLAIN: Final = 300
"""Columns between 2^-300 and 2^300 can be squared as they are, with their rounding errors."""

_NOTHING: Final = -1100
"""Exponent of a column of zeros: below that of any other column."""


class RowSums(NamedTuple):
    """What some rows of p columns add up to; see :class:`causalkit._core.moments.Moments`."""

    n_rows: int
    weight: float
    weight_squares: float
    centre: FloatArray
    remainder: FloatArray
    gram: FloatArray
    exponents: IntArray
    minimum: FloatArray
    maximum: FloatArray


def sums_of_rows(columns: Columns, weights: FloatArray | None) -> Iterator[RowSums]:
    """Sums of some rows: of all of them at once, or else a tile at a time.

    Columns stand in the rows of a matrix, or apart. A row of weight zero is no row.
    """
    p = len(columns)
    n = columns.shape[1] if isinstance(columns, np.ndarray) else len(columns[0])
    step = _tile_rows(n, p)
    if weights is None and n > step and p < _WIDE:
        whole = _of_many(columns, n, step)
        if whole is not None:
            yield whole
            return
    for start in range(0, n, step):
        rows = slice(start, start + step)
        if isinstance(columns, np.ndarray):
            tile = columns[:, rows]
        else:
            tile = np.stack([column[rows] for column in columns], dtype=np.float64)
        w = None if weights is None else weights[rows]
        if w is not None and not w.all():
            tile, w = tile[:, w > 0], w[w > 0]
        if tile.shape[1]:
            yield _of_tile(tile, w)


def _of_many(columns: Columns, n: int, step: int) -> RowSums | None:
    """Sums of rows that have one centre; None where that would cost digits."""
    from causalkit._core._moments_kernels import add_centred

    p = len(columns)
    memory = np.empty(p * step)
    padded = (p + 3) // 4 * 4
    gram, work = np.zeros((padded, padded)), np.zeros((padded, _work_rows(padded)))
    # Whatever leaves the range of a float is found below, or where numbers have to be finite.
    with np.errstate(over="ignore", invalid="ignore"):
        few = _filled(memory, columns, slice(None, None, -(-n // min(_FEW, step))))
        low, high = few.min(axis=1), few.max(axis=1)
        # The mean of equal numbers may be rounded to another one; a constant has no deviations.
        centre = np.clip(few.mean(axis=1), low, high)
        shift = np.zeros(p)
        for start in range(0, n, step):
            tile = _filled(memory, columns, slice(start, start + step))
            np.minimum(low, tile.min(axis=1), out=low)
            np.maximum(high, tile.max(axis=1), out=high)
            add_centred(gram, shift, tile, centre, work)
        gram = np.triu(gram[:p, :p])
        gram += np.triu(gram, 1).T
        shift /= n
        add_outer(gram, shift, -float(n))
        far = n * shift**2 > np.diagonal(gram)
    exponents = _exponents(np.maximum(np.abs(low), np.abs(high)))
    if far.any() or ((exponents != 0) & (exponents != _NOTHING)).any():
        return None
    centre, remainder = two_sum(centre, shift)
    weight = float(n)
    return RowSums(n, weight, weight, centre, remainder, gram, exponents, low, high)


def _filled(memory: FloatArray, columns: Columns, rows: slice) -> FloatArray:
    """Some rows of all columns, side by side in `memory`."""
    p = len(columns)
    if isinstance(columns, np.ndarray):
        part = columns[:, rows]
        tile = memory[: part.size].reshape(part.shape)
        tile[:] = part
        return tile
    parts = [column[rows] for column in columns]
    tile = memory[: p * len(parts[0])]
    np.concatenate(parts, out=tile)
    return tile.reshape(p, -1)


def _of_tile(tile: FloatArray, w: FloatArray | None) -> RowSums:
    """Sums of a tile of shape (p, m), one column of the table a row, weights positive."""
    tile = np.asarray(tile, dtype=np.float64, order=None if tile.strides[1] == 8 else "C")
    low, high = tile.min(axis=1), tile.max(axis=1)
    exponents = _exponents(np.maximum(np.abs(low), np.abs(high)))
    if exponents.any():
        tile = np.ldexp(tile, -exponents[:, None])
    m = tile.shape[1]
    # Sums along contiguous memory are pairwise, so the first centre is a good one.
    centre = tile.sum(axis=1) / m
    centred = tile - centre[:, None]
    if w is None:
        weight, squares = float(m), float(m)
        remainder = centred.sum(axis=1) / m
        gram = _products(centred)
        add_outer(gram, remainder, -weight)
    else:
        weight, squares = float(w.sum()), float(w @ w)
        shift = (centred @ w) / weight
        centred -= shift[:, None]
        rest = (centred @ w) / weight
        centred -= rest[:, None]
        centred *= np.sqrt(w)
        gram = _products(centred)
        centre, lost = two_sum(centre, shift)
        remainder = lost + rest
    return RowSums(m, weight, squares, centre, remainder, gram, exponents, low, high)


def _tile_rows(n: int, p: int) -> int:
    """Rows of a tile, of n rows of p columns: about as many in each."""
    size = max(_TILE_CELLS // max(p, 1), _TILE_ROWS, p // 2)
    rows = -(-n // max(n // size, 1))
    return (rows + 7) // 16 * 16 + 8  # columns 2^k apart would share a few lines of the cache


def _work_rows(p: int) -> int:
    return max(_WORK_CELLS // p, 256) + 8  # as above


def _exponents(biggest: FloatArray) -> IntArray:
    """Units in which squares stay within the range of a float."""
    _, exponents = np.frexp(biggest)
    plain = np.abs(exponents) <= _PLAIN
    return np.where(biggest == 0, _NOTHING, np.where(plain, 0, exponents)).astype(np.intp)


def two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum, and what rounding took from it (Knuth)."""
    total = a + b
    rounded = total - a
    return total, (a - (total - rounded)) + (b - rounded)


def strips(p: int) -> Iterator[slice]:
    """Rows of a (p, p) matrix, a few at a time: what is computed from them stays small."""
    step = max(_TILE_CELLS // max(p, 1), 1)
    return (slice(start, start + step) for start in range(0, p, step))


def _products(columns: FloatArray) -> FloatArray:
    """Products of all rows of a (p, m) matrix, symmetric to the last bit.

    Square by square, because OpenBLAS with several threads crashes on a symmetric product of some
    16,000 rows.
    """
    p = len(columns)
    if p <= _SQUARE:
        return np.asarray(columns @ columns.T)
    gram = np.empty((p, p))
    for start in range(0, p, _SQUARE):
        here, after = slice(start, start + _SQUARE), slice(start + _SQUARE, p)
        np.matmul(columns[here], columns[here].T, out=gram[here, here])
        np.matmul(columns[here], columns[after].T, out=gram[here, after])
        gram[after, here] = gram[here, after].T
    return gram


def add_outer(gram: FloatArray, u: FloatArray, factor: float) -> None:
    """Add `factor * u u'`, symmetric to the last bit."""
    for rows in strips(len(u)):
        product = u[rows, None] * u
        product *= factor
        gram[rows] += product
