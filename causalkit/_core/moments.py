"""A table boiled down to its moments, in one pass and in any number of pieces.

Means and one Gram matrix of the centred columns are all that a partial correlation, a linear
regression or a Gaussian score ever asks of the rows. Moments of two pieces merge into the moments
of both (Chan, Golub and LeVeque), so the rows may come from a file, a query or a cluster, and only
p by p numbers are kept:

>>> import numpy as np
>>> rows = np.random.default_rng(0).normal(size=(1000, 3))
>>> whole = Moments.of(rows)
>>> parts = Moments.of_blocks([(rows[:300], None), (rows[300:], None)])
>>> bool(np.allclose(whole.correlations(), parts.correlations(), rtol=0, atol=1e-15))
True

Nothing is lost to large offsets or odd units. Rows are taken a tile at a time, small enough to stay
in the processor's cache; each column is centred before anything is squared; and what rounding took
from a mean is kept beside it, so that the distance between two means is exact to the last digits
even where the mean is 1e15 times as large as the variation. Columns of which a square would
overflow or vanish are scaled by a power of two.

Many rows of a few columns are centred at the mean of some of them, spread over all: one centre for
all tiles, and so one Gram matrix, in which the distance to the true mean is made up for at the end.
Where that distance turns out to be more than the spread, and in any other case, each tile is
centred at its own mean and tiles are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np

from causalkit._core.column_values import BOOLEAN, Levels, sorted_levels
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Moments", "check_two_levels", "merge"]

Columns: TypeAlias = FloatArray | Sequence[np.ndarray[Any, Any]]
Labels: TypeAlias = tuple[tuple[Name, ...], tuple[Levels, ...]]

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


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Means and centred Gram matrix of named columns.

    Columns are in units of `2 ** exponents`, which is 1 unless a square would leave the range of a
    float.

    Attributes
    ----------
    names : tuple of str or int
        Column names.
    levels : tuple
        Per column: None if numeric, `(False, True)` if boolean, else the one or two levels that
        stand behind 0 and 1.
    n_rows : int
        Rows with a positive weight.
    weight, weight_squares : float
        Sum of the weights and of their squares; both `n_rows` without weights.
    centre, remainder : ndarray of shape (p,)
        The mean is their sum; `remainder` is what rounding took from `centre`.
    gram : ndarray of shape (p, p)
        Weighted sums of products of deviations from the mean. Symmetric to the last bit.
    exponents : ndarray of int, shape (p,)
        Units of the three above, as powers of two.
    minimum, maximum : ndarray of shape (p,)
        Smallest and largest value of each column.

    References
    ----------
    Chan, Golub and LeVeque (1983), "Algorithms for computing the sample variance: analysis and
    recommendations", doi:10.1080/00031305.1983.10483115.
    """

    names: tuple[Name, ...]
    levels: tuple[Levels, ...]
    n_rows: int
    weight: float
    weight_squares: float
    centre: FloatArray
    remainder: FloatArray
    gram: FloatArray
    exponents: IntArray
    minimum: FloatArray
    maximum: FloatArray

    @classmethod
    def of(
        cls,
        values: FloatArray,
        weights: FloatArray | None = None,
        *,
        names: Iterable[Name] | None = None,
        levels: Iterable[Levels] | None = None,
    ) -> Moments:
        """Moments of a matrix that is in memory.

        Parameters
        ----------
        values : ndarray of shape (n_rows, p)
            Finite numbers, at least one row. Column-major is quickest.
        weights : ndarray of shape (n_rows,), optional
            Finite and not negative. A row of weight zero is no row.
        names : iterable of names, optional
            `x0, x1, …` if left out.
        levels : iterable, optional
            As in a table; all numeric if left out.

        Returns
        -------
        Moments

        Raises
        ------
        InputError
            If there is no row, or none with a positive weight.
        """
        return cls.of_blocks([(values, weights)], names=names, levels=levels)

    @classmethod
    def of_blocks(
        cls,
        blocks: Iterable[tuple[FloatArray, FloatArray | None]],
        *,
        names: Iterable[Name] | None = None,
        levels: Iterable[Levels] | None = None,
    ) -> Moments:
        """Moments of rows that come in blocks, each with its weights or None.

        Raises
        ------
        InputError
            If there is no row, or none with a positive weight.
        """
        names = None if names is None else tuple(names)
        levels = None if levels is None else tuple(levels)
        total: Moments | None = None
        for values, weights in blocks:
            p = values.shape[1]
            labels = (
                tuple(f"x{k}" for k in range(p)) if names is None else names,
                (None,) * p if levels is None else levels,
            )
            for part in _parts(values.T, weights, labels):
                total = part if total is None else merge(total, part)
        return _some(total)

    @classmethod
    def of_columns(
        cls,
        columns: Sequence[np.ndarray[Any, Any]],
        *,
        names: Iterable[Name],
        levels: Iterable[Levels],
    ) -> Moments:
        """Moments of columns of numbers that stand apart, each of shape (n_rows,).

        Raises
        ------
        InputError
            If there is no row.
        """
        total: Moments | None = None
        for part in _parts(columns, None, (tuple(names), tuple(levels))):
            total = part if total is None else merge(total, part)
        return _some(total)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.names)

    @property
    def n_effective(self) -> float:
        """Number of equally weighted rows that are worth as much: `n_rows` without weights."""
        return self.weight * (self.weight / self.weight_squares)

    @property
    def mean(self) -> FloatArray:
        """Weighted mean of each column, shape (p,)."""
        return np.ldexp(self.centre + self.remainder, self.exponents)

    @property
    def constant(self) -> tuple[Name, ...]:
        """Columns that hold one value only."""
        same = self.minimum == self.maximum
        return tuple(name for name, one in zip(self.names, same, strict=True) if one)

    def correlations(self, *, in_place: bool = False) -> FloatArray:
        """Weighted correlations of columns that vary, whatever their units.

        Parameters
        ----------
        in_place : bool
            Use the memory of `gram`, which is then no longer what it was: for a caller that made
            these moments and has no further use for them.

        Returns
        -------
        ndarray of shape (p, p)
            Symmetric to the last bit, ones on the diagonal.
        """
        corr = self.gram if in_place else self.gram.copy()
        inverse = 1.0 / np.sqrt(np.diagonal(corr))
        for rows in _strips(self.n_columns):
            # i and j commute in this product, so the matrix stays symmetric to the last bit.
            corr[rows] *= inverse[rows, None] * inverse
        np.clip(corr, -1.0, 1.0, out=corr)
        np.fill_diagonal(corr, 1.0)
        return corr

    def select(self, names: Iterable[Name]) -> Moments:
        """Moments of these columns only, in this order.

        Raises
        ------
        UnknownVariableError
            If there is no such column.
        """
        wanted = tuple(names)
        where = [self._index(name) for name in wanted]
        return replace(
            self,
            names=wanted,
            levels=tuple(self.levels[k] for k in where),
            gram=self.gram[np.ix_(where, where)],
            **{
                field: getattr(self, field)[where]
                for field in ("centre", "remainder", "exponents", "minimum", "maximum")
            },
        )

    def _index(self, name: Name) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise UnknownVariableError.among(name, self.names) from None


def _tile_rows(n: int, p: int) -> int:
    """Rows of a tile, of n rows of p columns: about as many in each."""
    size = max(_TILE_CELLS // max(p, 1), _TILE_ROWS, p // 2)
    rows = -(-n // max(n // size, 1))
    return (rows + 7) // 16 * 16 + 8  # columns 2^k apart would share a few lines of the cache


def _work_rows(p: int) -> int:
    return max(_WORK_CELLS // p, 256) + 8  # as above


def _some(total: Moments | None) -> Moments:
    if total is None:
        raise InputError(
            "the data have no rows, or none with a positive weight; expected at least one. "
            "Check the query, the filter or the weights."
        )
    return total


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of the rows of both.

    Parameters
    ----------
    a, b : Moments
        Of the same columns in the same order.

    Returns
    -------
    Moments

    Raises
    ------
    InputError
        If a column has more than two levels in all, or levels here and numbers there.
    """
    levels = tuple(map(_common_levels, a.names, a.levels, b.levels))
    a, b = _recoded(a, levels), _recoded(b, levels)
    exponents = np.maximum(a.exponents, b.exponents)
    a, b = _rescaled(a, exponents), _rescaled(b, exponents)
    weight = a.weight + b.weight
    share = b.weight / weight
    # Chan et al. (1983), eq. 2.1: what the distance between the means adds to both sums of squares.
    distance = (b.centre - a.centre) + (b.remainder - a.remainder)
    gram = a.gram + b.gram
    _add_outer(gram, distance, a.weight * share)
    centre, lost = _two_sum(a.centre, share * distance)
    return Moments(
        a.names,
        levels,
        a.n_rows + b.n_rows,
        weight,
        a.weight_squares + b.weight_squares,
        centre,
        a.remainder + lost,
        gram,
        exponents,
        np.minimum(a.minimum, b.minimum),
        np.maximum(a.maximum, b.maximum),
    )


def _parts(columns: Columns, weights: FloatArray | None, labels: Labels) -> Iterator[Moments]:
    """Moments of some rows: of all of them at once, or else a tile at a time."""
    p = len(columns)
    n = columns.shape[1] if isinstance(columns, np.ndarray) else len(columns[0])
    step = _tile_rows(n, p)
    if weights is None and n > step and p < _WIDE:
        whole = _of_many(columns, n, step, labels)
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
            yield _of_tile(tile, w, labels)


def _of_many(columns: Columns, n: int, step: int, labels: Labels) -> Moments | None:
    """Moments of rows that have one centre; None where that would cost digits."""
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
        _add_outer(gram, shift, -float(n))
        far = n * shift**2 > np.diagonal(gram)
    exponents = _exponents(np.maximum(np.abs(low), np.abs(high)))
    if far.any() or ((exponents != 0) & (exponents != _NOTHING)).any():
        return None
    centre, remainder = _two_sum(centre, shift)
    weight = float(n)
    return Moments(*labels, n, weight, weight, centre, remainder, gram, exponents, low, high)


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


def _of_tile(tile: FloatArray, w: FloatArray | None, labels: Labels) -> Moments:
    """Moments of a tile of shape (p, m), one column of the table a row, weights positive."""
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
        _add_outer(gram, remainder, -weight)
    else:
        weight, squares = float(w.sum()), float(w @ w)
        shift = (centred @ w) / weight
        centred -= shift[:, None]
        rest = (centred @ w) / weight
        centred -= rest[:, None]
        centred *= np.sqrt(w)
        gram = _products(centred)
        centre, lost = _two_sum(centre, shift)
        remainder = lost + rest
    return Moments(*labels, m, weight, squares, centre, remainder, gram, exponents, low, high)


def _exponents(biggest: FloatArray) -> IntArray:
    """Units in which squares stay within the range of a float."""
    _, exponents = np.frexp(biggest)
    plain = np.abs(exponents) <= _PLAIN
    return np.where(biggest == 0, _NOTHING, np.where(plain, 0, exponents)).astype(np.intp)


def _two_sum(a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum, and what rounding took from it (Knuth)."""
    total = a + b
    rounded = total - a
    return total, (a - (total - rounded)) + (b - rounded)


def _strips(p: int) -> Iterator[slice]:
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


def _add_outer(gram: FloatArray, u: FloatArray, factor: float) -> None:
    """Add `factor * u u'`, symmetric to the last bit."""
    for rows in _strips(len(u)):
        product = u[rows, None] * u
        product *= factor
        gram[rows] += product


def _rescaled(moments: Moments, exponents: IntArray) -> Moments:
    """The same moments in other units."""
    down = moments.exponents - exponents
    if not down.any():
        return moments
    gram = np.ldexp(moments.gram, down[:, None])
    return replace(
        moments,
        centre=np.ldexp(moments.centre, down),
        remainder=np.ldexp(moments.remainder, down),
        gram=np.ldexp(gram, down),
        exponents=exponents,
    )


def _common_levels(name: Name, a: Levels, b: Levels) -> Levels:
    """Levels that cover both."""
    if a == b:
        return a
    if a is None or b is None:
        if BOOLEAN in (a, b):
            return None  # 0 and 1 are numbers too
        raise InputError(
            f"column {name!r} holds categories in one part of the data and numbers in another; "
            "expected one kind. Write the parts again with one type."
        )
    levels = tuple(sorted_levels({*a, *b}))
    check_two_levels(name, levels)
    return levels


def check_two_levels(name: Name, levels: Sequence[object]) -> None:
    """Refuse a column of which the codes are no numbers."""
    if len(levels) > 2:
        shown = ", ".join(map(repr, levels[:4])) + (", …" if len(levels) > 4 else "")
        raise InputError(
            f"column {name!r} is categorical with {len(levels)} or more levels ({shown}); moments "
            "are those of numeric, boolean or two-level columns. Write an ordered category as "
            "numbers, or leave the column out."
        )


def _recoded(moments: Moments, levels: tuple[Levels, ...]) -> Moments:
    """The same moments with the codes that `levels` gives."""
    shift, sign = np.zeros(len(levels)), np.ones(len(levels))
    for k, (old, new) in enumerate(zip(moments.levels, levels, strict=True)):
        if old is not None and new is not None and old != new:
            shift[k] = new.index(old[0])
            if len(old) == 2 and shift[k]:
                sign[k] = -1.0
    if not shift.any():
        return moments
    ends = np.sort([sign * moments.minimum + shift, sign * moments.maximum + shift], axis=0)
    return replace(
        moments,
        centre=sign * moments.centre + shift,
        remainder=sign * moments.remainder,
        gram=moments.gram * np.outer(sign, sign),
        exponents=np.where(shift != 0, 0, moments.exponents),
        minimum=ends[0],
        maximum=ends[1],
    )
