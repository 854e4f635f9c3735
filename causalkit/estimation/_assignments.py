"""The assignments that an experiment could have made, and statistics of all of them at once.

Units (rows, or clusters as a whole) were drawn into treatment within strata, so many in each. If
there are few ways to do that, all are listed; otherwise some are drawn. They come in blocks, the
same ones in every pass, so that nothing large is ever held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray

__all__ = ["Assignments", "difference"]

_CELLS = 2_000_000
"""Rows times assignments that are held at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Assignments:
    """Ways in which treatment could have fallen out.

    Attributes
    ----------
    t : ndarray of shape (n,)
        The treatment that was assigned, zeros and ones.
    stratum : ndarray of int, shape (n,)
        0, 1, …
    unit : ndarray of int, shape (n,)
        What was assigned as a whole, 0, 1, …
    seed : int
    most : int
        Assignments to draw, or to list if there are not more.
    custom : callable, optional
        Draws a treatment of shape (n,) from a generator, in place of all that.
    """

    t: FloatArray
    stratum: IntArray
    unit: IntArray
    seed: int
    most: int
    custom: Callable[[np.random.Generator], FloatArray] | None = None

    @property
    def exact(self) -> bool:
        """Whether all are listed."""
        return self.custom is None and self._ways() <= self.most

    @property
    def count(self) -> int:
        """How many are looked at."""
        return self._ways() if self.exact else self.most

    def blocks(self) -> Iterator[FloatArray]:
        """Yield assignments, shape (m, n), the same in every pass."""
        size = max(1, _CELLS // len(self.t))
        if self.exact:
            listed = self._listed()
            for start in range(0, len(listed), size):
                yield listed[start : start + size, self.unit].astype(np.float64)
            return
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.most, size):
            yield self._drawn(min(size, self.most - start), rng)

    def _members(self) -> list[tuple[IntArray, int]]:
        """Units of each stratum, and how many of them are treated."""
        treated, where = self._of_units()
        return [
            (np.flatnonzero(where == s), int(treated[where == s].sum())) for s in np.unique(where)
        ]

    def _of_units(self) -> tuple[FloatArray, IntArray]:
        first = np.unique(self.unit, return_index=True)[1]
        return self.t[first], self.stratum[first]

    def _ways(self) -> int:
        return math.prod(math.comb(len(units), k) for units, k in self._members())

    def _listed(self) -> NDArray[np.int8]:
        n_units = int(self.unit.max()) + 1
        listed = np.zeros((self._ways(), n_units), dtype=np.int8)
        choices = [list(combinations(units.tolist(), k)) for units, k in self._members()]
        for row, chosen in enumerate(product(*choices)):
            listed[row, [unit for part in chosen for unit in part]] = 1
        return listed

    def _drawn(self, size: int, rng: np.random.Generator) -> FloatArray:
        if self.custom is not None:
            return np.stack([self._checked(self.custom(rng)) for _ in range(size)])
        treated, _ = self._of_units()
        drawn = np.tile(treated, (size, 1))
        for units, _ in self._members():
            drawn[:, units] = rng.permuted(drawn[:, units], axis=1)
        return drawn[:, self.unit]

    def _checked(self, drawn: object) -> FloatArray:
        values = np.asarray(drawn, dtype=np.float64)
        if values.shape != self.t.shape or not np.isin(values, (0.0, 1.0)).all():
            raise InputError(
                f"the assignment function gave values of shape {values.shape}; expected "
                f"{len(self.t)} zeros and ones, drawn with the generator it is handed."
            )
        if values.min() == values.max():
            raise InputError(
                "the assignment function treated everybody or nobody; expected both arms. Draw "
                "again inside it where that happens, if the experiment would have."
            )
        return values


def difference(assigned: FloatArray, y: FloatArray, stratum: IntArray) -> FloatArray:
    """Mean of treated less mean of control, strata weighted by their size, shape (m,).

    Parameters
    ----------
    assigned : ndarray of shape (m, n)
    y : ndarray of shape (n,)
    stratum : ndarray of int, shape (n,)

    Examples
    --------
    >>> difference(np.array([[1.0, 1, 0, 0]]), np.array([3.0, 5, 1, 1]), np.zeros(4, dtype=int))
    array([3.])
    """
    sizes = np.bincount(stratum)
    inside = (stratum[:, None] == np.arange(len(sizes))).astype(np.float64)
    treated = assigned @ inside
    sums = (assigned * y) @ inside
    total = y @ inside
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = sums / treated - (total - sums) / (sizes - treated)
    # A stratum without both arms in an assignment of one's own compares nothing.
    known = np.isfinite(gaps)
    weights = np.where(known, sizes, 0)
    return np.asarray((np.where(known, gaps, 0.0) * weights).sum(axis=1) / weights.sum(axis=1))
