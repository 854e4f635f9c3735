"""Real and synthetic data side by side: the same columns, units, categories, windows and blocks.

Whatever is compared later is an array of one of these forms. *Cells* are the values of one variable
as they came. *Coded* values are in the units of the real data: a number less the real mean and over
the real standard deviation, a category as one indicator for each level that either side has. A
*window* is a run of complete steps: it never reaches over a missing cell, a missing step, or the
border of a subject, so what fills holes is never judged as if it had been observed. A window of one
step is a row, and then rows are taken as independent.

A *block* is a stretch of rows. Neighbouring windows share most of their steps, so whatever needs
independent pieces (splits, permutations, the bootstrap) works with blocks, which are made several
times as long as the series remember: a split into shorter ones would teach a classifier the level
at which the real series happens to stand, and its neighbours would confirm it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from causalkit._core.column_values import BOOLEAN, Levels
from causalkit._core.series import Series, as_series
from causalkit.errors import InputError
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = [
    "PairedSamples",
    "Sample",
    "Windows",
    "block_length",
    "centre_and_scale",
    "halved",
    "memory",
    "pair_samples",
    "spaced",
    "windows_of",
]

MOST_BLOCKS: Final = 40
FEWEST_BLOCKS: Final = 16
FEWEST_WINDOWS: Final = 40

_MEMORIES: Final = 3.0
"""Least length of a block, in times that the series remember."""

_WINDOWS: Final = 4
"""The same in windows."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One side of the comparison.

    Attributes
    ----------
    cells : ndarray of shape (n, p)
        Numbers, or positions among the common levels; NaN where a cell is missing.
    coded : ndarray of shape (n, q)
        In units of the real data, categories as indicators.
    run : ndarray of int, shape (n,)
        Number of the unbroken run of steps that a row belongs to.
    """

    cells: FloatArray
    coded: FloatArray
    run: IntArray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.cells)


@dataclass(frozen=True, slots=True, eq=False)
class PairedSamples:
    """Both sides, with what they have in common.

    Attributes
    ----------
    names : tuple of names
    levels : tuple
        By variable: None for numbers, else the levels of both sides.
    owner : ndarray of int, shape (q,)
        Variable that a coded column belongs to.
    real, synthetic : Sample
    reference : Sample or None
        What the generator was fitted to, if that is not `real`.
    """

    names: tuple[Name, ...]
    levels: tuple[Levels, ...]
    owner: IntArray
    real: Sample
    synthetic: Sample
    reference: Sample | None


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Complete runs of steps, each within one block.

    Attributes
    ----------
    values : ndarray of shape (n_windows, window, q)
        Coded.
    block : ndarray of int, shape (n_windows,)
        Number of the block, from 0 without gaps, ascending.
    """

    values: FloatArray
    block: IntArray

    @property
    def n_blocks(self) -> int:
        """Number of blocks that have a window."""
        return int(self.block[-1]) + 1 if len(self.block) else 0

    def flat(self) -> FloatArray:
        """One row for each window, shape (n_windows, window * q)."""
        return self.values.reshape(len(self.values), -1)

    def take(self, rows: IntArray) -> Windows:
        """Return these windows only; blocks that have none left are counted no more."""
        _, block = np.unique(self.block[rows], return_inverse=True)
        return Windows(self.values[rows], np.asarray(block, dtype=np.intp))


def pair_samples(
    real: Data | Sequence[Data],
    synthetic: Data | Sequence[Data],
    reference: Data | Sequence[Data] | None = None,
    *,
    panel: Name | None = None,
) -> PairedSamples:
    """Read all sides, in the columns of the real one.

    Raises
    ------
    InputError
        If the sides differ in their columns, or a column holds numbers here and categories there.
    """
    first = as_series(real, panel=panel)
    others = [_read(synthetic, panel, first.names, "synthetic")]
    if reference is not None:
        others.append(_read(reference, panel, first.names, "reference"))
    sides = [first, *others]
    levels = tuple(_common_levels(name, sides) for name in first.names)
    cells = [_cells(side, levels) for side in sides]
    owner, coded = _coded(cells, levels)
    made = [
        Sample(cell, code, np.cumsum(~side.follows) - 1)
        for side, cell, code in zip(sides, cells, coded, strict=True)
    ]
    return PairedSamples(
        first.names, levels, owner, made[0], made[1], made[2] if len(made) > 2 else None
    )


def _read(data: Data, panel: Name | None, names: tuple[Name, ...], what: str) -> Series:
    side = as_series(data, panel=panel)
    missing = [name for name in names if name not in side.names]
    extra = [name for name in side.names if name not in names]
    if missing or extra:
        raise InputError(
            f"the {what} data lack the columns {missing} and have {extra} that the real data have "
            "not; expected the same columns in both. Rename or select them first."
        )
    return side.select(names)


def _common_levels(name: Name, sides: list[Series]) -> Levels:
    """Levels of the first side, then those that only others have; None for numbers."""
    found = [side.table.levels_of(name) for side in sides]
    if all(levels is None for levels in found):
        return None
    if any(levels is None for levels in found):
        # a boolean and the numbers 0 and 1 say the same
        if all(levels is None or levels == BOOLEAN for levels in found):
            return None
        raise InputError(
            f"column {name!r} holds numbers in one of the data sets and categories in another; "
            "expected the same kind in all. Convert one of them."
        )
    return tuple(dict.fromkeys(level for levels in found for level in levels or ()))


def _cells(side: Series, levels: tuple[Levels, ...]) -> FloatArray:
    """Values, with codes that mean the same on all sides."""
    cells = np.array(side.table.values, dtype=np.float64)
    for k, common in enumerate(levels):
        own = side.table.levels[k]
        if common is None or own is None or own == common:
            continue
        place = np.array([common.index(level) for level in own], dtype=np.float64)
        there = ~np.isnan(cells[:, k])
        cells[there, k] = place[cells[there, k].astype(np.intp)]
    return cells


def _coded(
    cells: list[FloatArray], levels: tuple[Levels, ...]
) -> tuple[IntArray, list[FloatArray]]:
    owner: list[int] = []
    columns: list[list[FloatArray]] = [[] for _ in cells]
    for k, common in enumerate(levels):
        if common is None:
            centre, scale = centre_and_scale(cells[0][:, k])
            owner.append(k)
            for side, cell in zip(columns, cells, strict=True):
                side.append((cell[:, k] - centre) / scale)
            continue
        owner += [k] * len(common)
        for side, cell in zip(columns, cells, strict=True):
            hole = np.where(np.isnan(cell[:, k]), np.nan, 0.0)
            side += [(cell[:, k] == code) + hole for code in range(len(common))]
    return np.array(owner, dtype=np.intp), [np.stack(side, axis=1) for side in columns]


def centre_and_scale(values: FloatArray) -> tuple[float, float]:
    """Mean and standard deviation of what is there; 1 in place of a deviation of nothing."""
    there = values[~np.isnan(values)]
    if len(there) == 0:
        return 0.0, 1.0
    centre, scale = float(there.mean()), float(there.std())
    return centre, scale if scale > 1e-12 * max(abs(centre), 1e-300) else 1.0


def halved(pair: PairedSamples, block: int) -> PairedSamples:
    """The real data against themselves: their even blocks, and the odd ones as if synthetic."""
    real = pair.real
    number = np.arange(real.n_rows) // block
    run = real.run * (int(number[-1]) + 1) + number
    even, odd = (
        Sample(real.cells[which], real.coded[which], run[which])
        for which in (number % 2 == 0, number % 2 == 1)
    )
    return replace(pair, real=even, synthetic=odd, reference=None)


def windows_of(sample: Sample, window: int, block: int, *, overlap: bool = False) -> Windows:
    """Complete windows, each within a block.

    Parameters
    ----------
    sample : Sample
    window : int
        Steps.
    block : int
        Length of a block in rows.
    overlap : bool
        Whether windows may reach over the border of two blocks; they count to the later one.
    """
    n = sample.n_rows
    whole = ~np.isnan(sample.coded).any(axis=1)
    holes = np.concatenate(([0], np.cumsum(~whole)))
    start = np.arange(max(n - window + 1, 0))
    last = start + window - 1
    fit = (holes[start + window] == holes[start]) & (sample.run[start] == sample.run[last])
    if not overlap:
        fit &= start // block == last // block
    start = start[fit]
    values = sample.coded[start[:, None] + np.arange(window)]
    _, number = np.unique((start + window - 1) // block, return_inverse=True)
    return Windows(values, np.asarray(number, dtype=np.intp))


def spaced(windows: Windows, most: int) -> Windows:
    """At most so many of them, evenly spread."""
    n = len(windows.block)
    if n <= most:
        return windows
    return windows.take(np.unique(np.linspace(0, n - 1, most).astype(np.intp)))


def block_length(pair: PairedSamples, sample: Sample, window: int) -> int:
    """Rows of a block: long beside the memory of the real series, and enough blocks for a split."""
    n = sample.n_rows
    least = max(n / MOST_BLOCKS, _WINDOWS * window if window > 1 else 1)
    if window > 1:
        least = max(least, _MEMORIES * memory(pair.real))
    return max(2 * window if window > 1 else 1, int(min(least, n / FEWEST_BLOCKS)))


def memory(sample: Sample) -> float:
    """Steps over which the series remember: the integrated autocorrelation time of the median one.

    Summed until the autocorrelation is first within its error of zero.
    """
    times = [_memory_of(column, sample.run) for column in sample.coded.T]
    return float(np.median(times)) if times else 1.0


def _memory_of(column: FloatArray, run: IntArray) -> float:
    there = ~np.isnan(column)
    z = np.where(there, column - np.nanmean(column), 0.0) if there.any() else np.zeros(len(column))
    power = float(np.mean(z[there] ** 2)) if there.any() else 0.0
    if power <= 0:
        return 1.0
    total, n = 1.0, len(z)
    for lag in range(1, n // 32):  # beyond it blocks would be too few
        pairs = there[lag:] & there[:-lag] & (run[lag:] == run[:-lag])
        count = int(pairs.sum())
        if count < FEWEST_WINDOWS:
            break
        correlation = float((z[lag:] * z[:-lag])[pairs].sum()) / count / power
        if correlation < 2.0 / np.sqrt(count):
            break
        total += 2.0 * correlation
    return total
