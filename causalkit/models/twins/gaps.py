"""Missing cells as they are in the data: gaps of the same lengths, in the same columns together.

A pattern is the table of holes of the data. To delete cells of new data, stretches of it are laid
end to end, each from a place drawn at random, as the moving-blocks bootstrap does. So gaps have the
lengths they have, and columns that are missing together stay together; whether a cell is missing
does not depend on its value.

References
----------
Künsch (1989), Annals of Statistics 17, 1217-1241. doi:10.1214/aos/1176347265
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from causalkit._core.random import as_generator
from causalkit.typing import BoolArray, Name, RandomState

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

    def drawn(self, n_steps: int, rng: RandomState = None) -> BoolArray:
        """Draw where cells are missing in so many steps, shape (n_steps, p)."""
        stream, n = as_generator(rng), len(self.holes)
        block = min(_BLOCK, max(n // 4, 1))
        starts = stream.integers(n - block + 1, size=-(-n_steps // block))
        rows = (starts[:, None] + np.arange(block)).ravel()[:n_steps]
        return np.asarray(self.holes[rows])

    def apply(
        self, data: pd.DataFrame, rng: RandomState = None, *, n_steps: int | None = None
    ) -> pd.DataFrame:
        """Return data with cells deleted; every `n_steps` rows are a series of their own."""
        each = len(data) if n_steps is None else n_steps
        names = [name for name in self.names if name in data.columns]
        columns = [self.names.index(name) for name in names]
        stream = as_generator(rng)
        parts = [self.drawn(each, stream) for _ in range(0, len(data), each)]
        holes = np.concatenate(parts)[: len(data), columns]
        cut = data.copy()
        cut[names] = data[names].astype(np.float64).mask(holes)
        return cut
