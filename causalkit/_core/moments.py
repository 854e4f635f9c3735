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

How rows are summed without losing a digit is told in :mod:`~causalkit._core.row_sums`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from causalkit._core.column_values import BOOLEAN, Levels, joined_levels
from causalkit._core.row_sums import add_outer, strips, sums_of_rows, two_sum
from causalkit.errors import InputError, UnknownVariableError
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Moments", "check_two_levels", "merge"]


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
            named = tuple(f"x{k}" for k in range(p)) if names is None else names
            known = (None,) * p if levels is None else levels
            for sums in sums_of_rows(values.T, weights):
                part = Moments(named, known, *sums)
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
        named, known = tuple(names), tuple(levels)
        total: Moments | None = None
        for sums in sums_of_rows(columns, None):
            part = Moments(named, known, *sums)
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
        for rows in strips(self.n_columns):
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
    add_outer(gram, distance, a.weight * share)
    centre, lost = two_sum(a.centre, share * distance)
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
    if a is b:
        return a
    if a is None or b is None:
        if BOOLEAN in (a, b):
            return None  # 0 and 1 are numbers too
        raise InputError(
            f"column {name!r} holds categories in one part of the data and numbers in another; "
            "expected one kind. Write the parts again with one type."
        )
    levels = joined_levels(a, b)
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
