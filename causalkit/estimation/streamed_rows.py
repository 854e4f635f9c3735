"""`Reading`: columns of a source that were checked once, to be read again by blocks.

What :func:`~causalkit.estimation.out_of_core.estimate_streamed` sees of a file, a query or a dask
DataFrame: matrices of adjustment columns, outcome and treatment, and the fold of each row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit._core.column_values import Levels
from causalkit._core.moments import Moments
from causalkit._core.streams import blocks_of, moments_of
from causalkit.errors import InputError
from causalkit.estimation.asked_in_words import outcome_facts
from causalkit.typing import FloatArray, IntArray, Name

__all__ = ["Block", "Reading", "row_folds"]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows that follow each other.

    Attributes
    ----------
    first : int
        Number of the first row.
    X : ndarray of shape (m, d)
        Adjustment columns.
    Y : ndarray of shape (m, 2)
        Outcome and treatment.
    weights : ndarray of shape (m,) or None
    """

    first: int
    X: FloatArray
    Y: FloatArray
    weights: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Columns of a source that were checked, to be read again and again."""

    data: Any
    names: tuple[Name, ...]
    moments: Moments
    weighted: bool

    @classmethod
    def of(
        cls,
        data: Any,
        outcome: Name,
        treatment: Name,
        adjustment: tuple[Name, ...],
        sample_weight: Name | None,
    ) -> Reading:
        """Read once, and refuse what cannot be used."""
        weighted = sample_weight is not None
        names = (*adjustment, outcome, treatment, *((sample_weight,) if weighted else ()))
        if len(set(names)) < len(names):
            raise InputError(
                f"a column has two roles among {names}; expected weights in a column of their own."
            )
        moments = moments_of(data, columns=names)
        for name, what in ((outcome, "outcome"), (treatment, "treatment")):
            if name in moments.constant:
                raise InputError(
                    f"{what} {name!r} holds one value only; expected a column that varies. Bring "
                    f"rows with another {what}."
                )
        if weighted and (moments.minimum[-1] < 0 or not moments.mean[-1] > 0):
            raise InputError(
                f"the sample weights {sample_weight!r} must not be negative, and not all zero. "
                "Drop the rows that should not count."
            )
        return cls(data, names, moments, weighted)

    @property
    def treatment(self) -> Name:
        """Name of the treatment."""
        return self.names[-1 - self.weighted]

    def ends(self, name: Name) -> FloatArray:
        """Smallest and largest value of a column."""
        k = self.names.index(name)
        return np.array([self.moments.minimum[k], self.moments.maximum[k]])

    def contrast(self, *, two_valued: bool) -> tuple[float, str]:
        """How much more treatment the effect is of, and that in words."""
        name = self.treatment
        if not two_valued:
            return 1.0, f"one unit more of {name}"
        low, high = self.ends(name)
        levels = self.moments.levels[self.names.index(name)] or (f"{low:g}", f"{high:g}")
        return float(high - low), f"{name}: {levels[1]} versus {levels[0]}"

    @property
    def outcome_facts(self) -> dict[str, str]:
        """What `Effect.details` say of the outcome."""
        k = len(self.names) - 2 - self.weighted
        return outcome_facts(self.names[k], self.moments.levels[k])

    def blocks(self) -> Iterator[Block]:
        """Read all rows once more."""
        first, d = 0, len(self.names) - 2 - self.weighted
        for columns, levels in blocks_of(self.data, self.names):
            block = np.empty((len(columns[0]), len(columns)))
            for k, (column, here) in enumerate(zip(columns, levels, strict=True)):
                block[:, k] = _recoded(column, here, self.moments.levels[k])
            X, Y = np.ascontiguousarray(block[:, :d]), np.ascontiguousarray(block[:, d : d + 2])
            weights = np.ascontiguousarray(block[:, -1]) if self.weighted else None
            yield Block(first, X, Y, weights)
            first += len(block)


def row_folds(first: int, count: int, key: int, n_folds: int, n_hands: int = 1) -> IntArray:
    """Outer fold · n_hands + inner fold of `count` rows, the first of which has number `first`.

    A row's number and the key are mixed to a number that looks random (Steele, Lea & Flood 2014,
    doi:10.1145/2714064.2660195), so no two readings differ and no list is kept.

    Parameters
    ----------
    first, count : int
    key : int
        From the seed.
    n_folds, n_hands : int

    Returns
    -------
    ndarray of int, shape (count,)

    Examples
    --------
    >>> whole = row_folds(0, 10, key=1, n_folds=5)
    >>> (whole[4:] == row_folds(4, 6, key=1, n_folds=5)).all()
    np.True_
    """
    z = np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)
    z = z * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    z ^= z >> np.uint64(31)
    fold, hand = (z >> np.uint64(32)) % np.uint64(n_folds), (z & np.uint64(2**32 - 1))
    cells: IntArray = (fold * np.uint64(n_hands) + hand % np.uint64(n_hands)).astype(np.intp)
    return cells


def _recoded(column: np.ndarray[Any, Any], here: Levels, known: Levels) -> np.ndarray[Any, Any]:
    """Codes among the levels of a block as codes among those of all rows."""
    if here is None or known is None or here == known:
        return column
    into = np.array([known.index(level) for level in here])
    recoded: np.ndarray[Any, Any] = into[column.astype(np.intp)]
    return recoded
