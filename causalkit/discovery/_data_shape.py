"""What numbers look like, as far as it bears on the choice of a method, in a fraction of a second.

Three questions about pairs of columns, answered on at most 2,000 rows and 100 columns:

- *Do they bend?* Columns are brought to normal scores, which removes whatever a monotone change of
  units can do. If then the mean of one column is still no straight line in another, the relation
  bends. Linear relations with noise of any usual shape come out nearly straight.
- *Are they distorted?* If normal scores are clearly more correlated than the columns themselves,
  outliers or skew hide part of what ranks still show.
- *Is the noise not Gaussian?* By skewness and kurtosis of the columns; of use only where nothing
  bends and nothing is distorted.

And one about the rows: *do neighbours resemble each other*, as steps in time do?

>>> from causalkit._core.table import as_table
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=500)
>>> shape_of(as_table({"x": x, "y": x**2 + rng.normal(size=500)})).bends
True

References
----------
Liu, Lafferty and Wasserman (2009), "The nonparanormal: semiparametric estimation of high
dimensional undirected graphs", JMLR 10: 2295-2328 (normal scores).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2, rankdata

from causalkit._core.series import Series
from causalkit._core.table import Table
from causalkit.typing import FloatArray, Name

__all__ = ["Shape", "few_values", "shape_of", "shape_over_time"]

_MOST_ROWS: Final = 2000
_MOST_COLUMNS: Final = 100
_LEAST_ROWS: Final = 50
_LEAST_VALUES: Final = 10
_LEVEL: Final = 0.01
_BEND: Final = 0.05
"""Share of a variance beyond the straight line from which a pair of columns counts as bent."""
_BENT_PAIRS: Final = 0.1
"""Share of the dependent pairs from which the data count as bent."""
_HIDDEN: Final = 0.1
"""Share of the squared correlation of normal scores that the columns themselves do not show."""
_FAR_TAILS: Final = 4.0
"""Standard errors from which skewness or kurtosis is not that of a Gaussian."""
_MEMORY: Final = 0.2


@dataclass(frozen=True, slots=True)
class Shape:
    """What the columns with many values look like.

    Attributes
    ----------
    n_columns : int
        Columns that were looked at; with fewer than 50 rows none is.
    bends, is_distorted, is_not_gaussian : bool
    n_pairs, n_bent : int
        Pairs that depend on each other, and those of them that bend.
    n_tailed : int
        Columns that are not Gaussian.
    remembers : tuple of names
        Columns in which neighbouring rows resemble each other.
    """

    n_columns: int = 0
    bends: bool = False
    is_distorted: bool = False
    is_not_gaussian: bool = False
    n_pairs: int = 0
    n_bent: int = 0
    n_tailed: int = 0
    remembers: tuple[Name, ...] = ()


def few_values(table: Table) -> tuple[Name, ...]:
    """Columns of numbers that take three to ten values, and so may be categories or grades."""
    return tuple(
        name
        for name, levels, column in zip(table.names, table.levels, table.values.T, strict=True)
        if levels is None and 2 < _n_values(column) <= _LEAST_VALUES
    )


def _n_values(column: FloatArray) -> int:
    """How many values there are; of many, at least how many."""
    whole = column[~np.isnan(column)]
    seen = len(np.unique(whole[:_MOST_ROWS]))
    return seen if seen > _LEAST_VALUES else len(np.unique(whole))


def shape_of(table: Table) -> Shape:
    """Look at the columns of numbers with more than ten values."""
    values = _looked_at(table)
    n, p = values.shape
    if n < _LEAST_ROWS or p == 0:
        return Shape()
    plain, scores = _standard(values), _standard(ndtri((rankdata(values, axis=0) - 0.5) / n))
    upper = np.triu_indices(p, 1)
    cut = chi2.isf(_LEVEL / max(1, len(upper[0])), 2) / n
    straight = (plain.T @ plain / n)[upper] ** 2
    ranked = (scores.T @ scores / n)[upper] ** 2
    bend = _bend(scores)
    bend = np.maximum(bend, bend.T)[upper]
    depend = (straight > cut) | (ranked > cut) | (bend > cut)
    bent = depend & (bend > max(cut, _BEND))
    gain = float((ranked - straight)[depend].sum()) / max(float(ranked[depend].sum()), 1e-12)
    tailed = int(_is_tailed(plain).sum())
    bends = bool(bent.sum() > 0 and bent.sum() >= _BENT_PAIRS * depend.sum())
    is_distorted = not bends and gain > _HIDDEN
    return Shape(
        n_columns=p,
        bends=bends,
        is_distorted=is_distorted,
        is_not_gaussian=not bends and not is_distorted and 2 * tailed > p,
        n_pairs=int(depend.sum()),
        n_bent=int(bent.sum()),
        n_tailed=tailed,
        remembers=_remembering(table),
    )


def shape_over_time(read: Series) -> Shape:
    """Look at the series now and a step ago, side by side."""
    rows = read.usable(1)
    if not len(rows):
        return Shape()
    values = read.lagged(1, rows)
    names = tuple(f"{name}[{lag}]" for lag in (0, 1) for name in read.names)
    return shape_of(Table(names, values, read.table.levels * 2))


def _looked_at(table: Table) -> FloatArray:
    """Rows and columns spread over the table; an empty cell takes the median of its column."""
    wanted = [
        k
        for k, levels in enumerate(table.levels)
        if levels is None and _n_values(table.values[:, k]) > _LEAST_VALUES
    ]
    if len(wanted) > _MOST_COLUMNS:
        wanted = [wanted[k] for k in np.linspace(0, len(wanted) - 1, _MOST_COLUMNS).astype(int)]
    rows = np.linspace(0, table.n_rows - 1, min(table.n_rows, _MOST_ROWS)).astype(int)
    values: FloatArray = table.values[rows][:, wanted]
    if not np.isnan(values).any():
        return values
    enough = (~np.isnan(values)).mean(axis=0) > 0.5
    values = values[:, enough]
    return np.where(np.isnan(values), np.nanmedian(values, axis=0, keepdims=True), values)


def _standard(values: FloatArray) -> FloatArray:
    centred = values - values.mean(axis=0)
    spread = centred.std(axis=0)
    scaled: FloatArray = centred / np.where(spread > 0, spread, 1.0)
    return scaled


def _bend(scores: FloatArray) -> FloatArray:
    """Share of the variance of column j that a square and a cube of column i add to a line."""
    n = len(scores)
    total = np.zeros((scores.shape[1],) * 2)
    for power in (scores**2, scores**3):
        power = power - power.mean(axis=0)
        power = _standard(power - scores * (scores * power).mean(axis=0))
        total += (power.T @ scores / n) ** 2
    return total


def _is_tailed(plain: FloatArray) -> FloatArray:
    n = len(plain)
    skewness = np.abs((plain**3).mean(axis=0)) / np.sqrt(6 / n)
    kurtosis = np.abs((plain**4).mean(axis=0) - 3) / np.sqrt(24 / n)
    found: FloatArray = np.maximum(skewness, kurtosis) > _FAR_TAILS
    return found


def _remembering(table: Table) -> tuple[Name, ...]:
    """Columns of numbers in which a row resembles the one before it."""
    found = []
    for name, levels, column in zip(table.names, table.levels, table.values.T, strict=True):
        x = column[:_MOST_ROWS]
        whole = ~np.isnan(x)
        if levels is not None or whole.sum() < _LEAST_ROWS:
            continue
        x = np.where(whole, x - x[whole].mean(), 0.0)
        size = float(x @ x)
        if size > 0 and float(x[1:] @ x[:-1]) / size > max(_MEMORY, 4 / np.sqrt(len(x))):
            found.append(name)
    return tuple(found)
