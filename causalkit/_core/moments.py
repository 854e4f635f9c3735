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
in the processor's cache; within a tile each column is centred at its own mean before anything is
squared; and what rounding took from a mean is kept beside it, so that the distance between the
means of two tiles is exact to the last digits even where the mean is 1e15 times as large as the
variation. Columns of which a square would overflow or vanish are scaled by a power of two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from causalkit._core.table import BOOLEAN, Levels, sorted_levels
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Moments", "check_two_levels", "merge", "tile_rows"]

_TILE_CELLS: Final = 2**18
"""2 MiB: a tile and its centred copy stay in the cache."""

_TILE_ROWS: Final = 4096
"""At least these many rows, so that a product costs far more than adding it up."""

_SQUARE: Final = 4096
"""Columns whose products are taken by one call."""

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
            n, p = values.shape
            step = tile_rows(p)
            for start in range(0, n, step):
                rows = slice(start, start + step)
                tile, w = values[rows].T, None if weights is None else weights[rows]
                if w is not None and not w.all():
                    tile, w = tile[:, w > 0], w[w > 0]
                if tile.shape[1]:
                    part = _of_tile(
                        tile,
                        w,
                        tuple(f"x{k}" for k in range(p)) if names is None else names,
                        (None,) * p if levels is None else levels,
                    )
                    total = part if total is None else merge(total, part)
        if total is None:
            raise InputError(
                "the data have no rows, or none with a positive weight; expected at least one. "
                "Check the query, the filter or the weights."
            )
        return total

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


def tile_rows(p: int) -> int:
    """Rows of a tile of p columns."""
    return max(_TILE_CELLS // max(p, 1), _TILE_ROWS, p // 2)


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


def _of_tile(
    tile: FloatArray,
    w: FloatArray | None,
    names: tuple[Name, ...],
    levels: tuple[Levels, ...],
) -> Moments:
    """Moments of a tile of shape (p, m), one column of the table a row, weights positive."""
    # Sums along contiguous memory are pairwise, so the first centre is a good one.
    tile = np.asarray(tile, dtype=np.float64, order=None if tile.strides[1] == 8 else "C")
    low, high = tile.min(axis=1), tile.max(axis=1)
    exponents = _exponents(np.maximum(np.abs(low), np.abs(high)))
    if exponents.any():
        tile = np.ldexp(tile, -exponents[:, None])
    m = tile.shape[1]
    centre = tile.mean(axis=1)
    centred = tile - centre[:, None]
    if w is None:
        weight, squares = float(m), float(m)
        remainder = centred.mean(axis=1)
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
    return Moments(names, levels, m, weight, squares, centre, remainder, gram, exponents, low, high)


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
