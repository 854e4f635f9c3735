"""Series as a regression on the past sees them: numbers now, and the lags of each series."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from causalkit._core.checks import check_count, refuse_constant
from causalkit._core.series import Series
from causalkit.errors import InputError
from causalkit.typing import FloatArray, IntArray

__all__ = ["LaggedDesign", "blocked_folds", "check_numbers", "lagged_design"]


@dataclass(frozen=True, slots=True, eq=False)
class LaggedDesign:
    """Values now and their past, each series in its own standard deviations.

    Attributes
    ----------
    now : ndarray of shape (n, p)
        With mean 0.
    past : ndarray of shape (n, p * max_lag)
        Column `i * max_lag + lag - 1` is series i, `lag` steps ago; with mean 0; column-major.
    scale : ndarray of shape (p,)
        Standard deviation of each series.
    rows : ndarray of int, shape (n,)
        Rows of the series that are "now", in their order.
    max_lag : int
    """

    now: FloatArray
    past: FloatArray
    scale: FloatArray
    rows: IntArray
    max_lag: int

    @property
    def n_series(self) -> int:
        """Number of series."""
        return int(self.now.shape[1])

    def lags_of(self, cause: int) -> slice:
        """Columns of `past` that hold the lags of a series."""
        return slice(cause * self.max_lag, (cause + 1) * self.max_lag)


def lagged_design(series: Series, max_lag: int, *, n_steps: int, who: str) -> LaggedDesign:
    """Check series and lay their past out beside them.

    Parameters
    ----------
    series : Series
    max_lag : int
    n_steps : int
        Steps that are needed, each with its whole past.
    who : str
        The algorithm, for error messages.

    Raises
    ------
    InputError
        If there is one series only, a category, a constant, or too few steps.
    """
    check_count(max_lag, "max_lag")
    check_numbers(series, who=who)
    series.needs(n_steps, max_lag, who=who)
    values = series.table.values
    units = np.nanmax(np.abs(values), axis=0)  # no overflow in what follows
    units[units == 0.0] = 1.0
    rows, p = np.sort(series.usable(max_lag)), len(series.names)
    lagged = series.with_values(values / units).lagged(max_lag, rows)
    lagged -= lagged.mean(axis=0)
    scale = lagged[:, :p].std(axis=0)
    varies = np.ptp(values[rows], axis=0) > 0
    refuse_constant([series.names[k] for k in np.flatnonzero(~varies | (scale == 0))], who=who)
    lagged /= np.tile(scale, max_lag + 1)
    by_cause = np.arange(p, (max_lag + 1) * p).reshape(max_lag, p).T.ravel()
    past = np.asfortranarray(lagged[:, by_cause])
    return LaggedDesign(np.asfortranarray(lagged[:, :p]), past, scale * units, rows, max_lag)


def blocked_folds(
    rows: IntArray, n_folds: int, gap: int, *, forward: bool = False
) -> list[tuple[IntArray, IntArray]]:
    """Split steps into runs, each to be judged by a model of steps that are not near it.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Numbers of the steps, ascending.
    n_folds : int
    gap : int
        Steps next to a run that no model of it may learn from.
    forward : bool
        Learn from earlier steps only; the first of `n_folds + 1` runs is then never judged.

    Returns
    -------
    list of (train, test)
        Positions in `rows`.
    """
    edges = np.linspace(0, len(rows), n_folds + 1 + forward).round().astype(int)[forward:]
    folds = []
    for first, last in pairwise(edges):
        train = rows < rows[first] - gap
        if not forward:
            train |= rows > rows[last - 1] + gap
        folds.append((np.flatnonzero(train), np.arange(first, last)))
    return folds


def check_numbers(series: Series, *, who: str) -> None:
    """Refuse a single series, and series of categories.

    Raises
    ------
    InputError
    """
    if len(series.names) < 2:
        raise InputError(
            f"the data have {len(series.names)} series; {who} needs at least 2. Bring more."
        )
    for name, levels in zip(series.names, series.table.levels, strict=True):
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"series {name!r} is categorical with {len(levels)} levels; {who} expects numbers. "
                "Leave it out, or code it by numbers that have a meaning."
            )
