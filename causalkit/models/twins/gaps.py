"""Missing cells as they are in the data: gaps of the same lengths, in the same columns together.

A pattern is the table of holes of the data. To delete cells of new data, stretches of it are laid
end to end, each from a place drawn at random, as the moving-blocks bootstrap does; none is drawn
again before all have been. So gaps have the lengths and the shares they have, and columns that are
missing together stay together; whether a cell is missing does not depend on its value. Cells that
were not measured but have a number (:mod:`causalkit.models.twins.outages`) are written over in the
same way: with their code, or with the value that was measured last.

References
----------
Künsch (1989), Annals of Statistics 17, 1217-1241. doi:10.1214/aos/1176347265
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.random import as_generator
from causalkit.discovery.series.preparation.outages import Outages
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, RandomState

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GapPattern"]

_BLOCK: Final = 200


@dataclass(frozen=True, slots=True, eq=False)
class GapPattern:
    """Where cells of data are missing.

    Attributes
    ----------
    names : tuple of names
    holes : ndarray of bool, shape (n, p)
    follows : ndarray of bool, shape (n,)
        Whether a row is one step after the row above it.
    outages : Outages or None
        Cells that have a number and were not measured.

    Examples
    --------
    >>> holes = np.zeros((100, 1), dtype=bool)
    >>> holes[::2] = True
    >>> pattern = GapPattern(("x",), holes, np.ones(100, dtype=bool))
    >>> pattern.drawn(50, rng=0).shape
    (50, 1)
    """

    names: tuple[Name, ...]
    holes: BoolArray
    follows: BoolArray
    outages: Outages | None = None

    def drawn(self, n_steps: int, rng: RandomState = None) -> BoolArray:
        """Draw where cells are missing in so many steps, shape (n_steps, p)."""
        return np.asarray(self.holes[self._rows(n_steps, as_generator(rng))])

    def apply(
        self, data: pd.DataFrame, rng: RandomState = None, *, n_steps: int | None = None
    ) -> pd.DataFrame:
        """Return data with cells deleted; every `n_steps` rows are a series of their own."""
        each = len(data) if n_steps is None else n_steps
        names = [name for name in self.names if name in data.columns]
        columns = np.array([self.names.index(name) for name in names], dtype=np.intp)
        stream = as_generator(rng)
        cut = data.copy()
        values = data[names].to_numpy(dtype=np.float64, copy=True)
        for first in range(0, len(data), each):
            part = values[first : first + each]
            self._write(part, self._rows(each, stream)[: len(part)], columns)
        cut[names] = values
        return cut

    def _rows(self, n_steps: int, rng: np.random.Generator) -> IntArray:
        """Rows of the pattern: stretches of it, each again only after all others."""
        n = len(self.holes)
        block = min(_BLOCK, max(n // 4, 1))
        n_blocks = -(-n // block)
        starts: list[IntArray] = []
        for _ in range(-(-n_steps // (n_blocks * block))):
            starts.append(rng.integers(n) + block * rng.permutation(n_blocks))
        rows: IntArray = (np.concatenate(starts)[:, None] + np.arange(block)).ravel() % n
        return rows[:n_steps]

    def _write(self, values: FloatArray, rows: IntArray, columns: IntArray) -> None:
        """Write into values what stands there, and delete what is missing."""
        if self.outages is not None:
            stuck = self.outages.stuck[np.ix_(rows, columns)]
            row = np.arange(len(values))[:, None]
            last = np.maximum.accumulate(np.where(stuck, 0, row), axis=0)
            values[:] = np.take_along_axis(values, last, axis=0)
            codes = self.outages.codes[np.ix_(rows, columns)]
            values[:] = np.where(np.isnan(codes), values, codes)
        values[self.holes[np.ix_(rows, columns)]] = np.nan
