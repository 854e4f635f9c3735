"""Taking out of series what is no question to a method: trends, seasons, unit roots.

Each is a transformer of scikit-learn: `fit`, `transform`, and `inverse_transform` for the way back.
Frames stay what they were, with the same rows and columns; where a difference has nothing to be
taken from there is NaN, which every algorithm for series reads as a border. Nothing is ever taken
across a gap, or from one subject to the next.

>>> import numpy as np
>>> Differencing().fit_transform({"x": [1.0, 3.0, 6.0, np.nan, 7.0, 9.0]})
{'x': array([nan,  2.,  3., nan, nan,  2.])}

What is done here is a choice that changes the question: a cause of changes is not the same as a
cause of levels, and a season that is taken out can no longer be a common cause.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from causalkit._core.checks import check_choice, check_count
from causalkit.discovery.series.preparation._series_frames import SeriesFrames
from causalkit.discovery.series.preparation._series_transformer import (
    PatternTransformer,
    SeriesTransformer,
)
from causalkit.errors import InputError
from causalkit.typing import BoolArray, FloatArray, IntArray, Name, Names

__all__ = ["Deseasonalize", "Detrend", "Differencing"]


class Differencing(SeriesTransformer):
    """Take the change since the step before, or since the same step of the last season.

    Parameters
    ----------
    order : int, default 1
        How often changes are taken: 1 for series that wander like a random walk, 2 for series whose
        changes do.
    season : int, optional
        Steps of a season; its changes are taken first.
    columns : names, optional
        Series that are changed; all if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now".

    Attributes
    ----------
    names_ : tuple of names

    Notes
    -----
    `inverse_transform` begins with the levels that `fit` saw and that have no change: it takes what
    `transform` made of the rows that were fitted, or the same rows with other changes.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0]})
    >>> change = Differencing().fit(frame)
    >>> change.inverse_transform(change.transform(frame))["x"].tolist()
    [1.0, 2.0, 4.0, 8.0]
    """

    def __init__(
        self,
        order: int = 1,
        *,
        season: int | None = None,
        columns: Names | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.order = order
        self.season = season
        self.columns = columns
        self.panel = panel
        self.time = time
        self.mask = mask

    def _learn(self, frames: SeriesFrames, values: FloatArray) -> None:
        order = check_count(self.order, "order", minimum=0)
        steps = [] if self.season is None else [check_count(self.season, "season", minimum=2)]
        self._steps = steps + [1] * order
        if not self._steps:
            raise InputError("order=0 without a season takes no difference. Give one of them.")
        self._follows, self._heads = frames.series.follows, []
        for step in self._steps:
            changes = _changes(values, frames.series.follows, step)
            self._heads.append(np.where(np.isnan(changes), values, np.nan))
            values = changes

    def _out(self, frames: SeriesFrames, values: FloatArray) -> FloatArray:
        for step in self._steps:
            values = _changes(values, frames.series.follows, step)
        return values

    def _back(self, frames: SeriesFrames, values: FloatArray) -> FloatArray:
        if not np.array_equal(frames.series.follows, self._follows):
            raise InputError(
                f"{len(values)} rows, and {len(self._follows)} were fitted, or their gaps differ; "
                "expected the rows that were fitted, because the levels to begin with are theirs. "
                "Fit on the levels of these rows."
            )
        for step, heads in zip(self._steps[::-1], self._heads[::-1], strict=True):
            levels = np.where(np.isnan(values), heads, values)
            known = ~np.isnan(values)
            for start in range(step, len(levels), step):  # a season at a time
                here = slice(start, min(start + step, len(levels)))
                before = levels[start - step : here.stop - step]
                levels[here] += np.where(known[here], before, 0.0)
            values = levels
        return values


def _changes(values: FloatArray, follows: BoolArray, step: int) -> FloatArray:
    """Change since some steps before; NaN where these are not all there."""
    row = np.arange(len(values))
    since = row - np.maximum.accumulate(np.where(follows, 0, row))
    changes = np.full_like(values, np.nan)
    changes[step:] = values[step:] - values[:-step]
    changes[since < step] = np.nan
    return changes


class Detrend(PatternTransformer):
    """Take out a polynomial of time, of each series and subject by itself.

    Parameters
    ----------
    degree : int, default 1
        0 is the mean, 1 a line.
    columns : names, optional
        Series that are changed; all if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now". Without
        times, rows of other data are taken to begin where the fitted ones began.

    Attributes
    ----------
    names_ : tuple of names

    Examples
    --------
    >>> Detrend().fit_transform({"x": [1.0, 2.0, 3.0, 4.0]})["x"].round(9) + 0.0
    array([0., 0., 0., 0.])
    """

    def __init__(
        self,
        degree: int = 1,
        *,
        columns: Names | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.degree = degree
        self.columns = columns
        self.panel = panel
        self.time = time
        self.mask = mask

    def _check(self) -> None:
        check_count(self.degree, "degree", minimum=0)

    def _pattern(self, position: IntArray, values: FloatArray) -> Any:
        lines = []
        for name, x in zip(self.names_, values.T, strict=True):
            there = ~np.isnan(x)
            if there.sum() <= self.degree:
                raise InputError(
                    f"series {name!r} has {int(there.sum())} values in a subject; expected at "
                    f"least {self.degree + 1} for degree={self.degree}. Use a smaller one."
                )
            domain = [float(position[0]), float(max(position[-1], position[0] + 1))]
            line = np.polynomial.Legendre.fit(position[there], x[there], self.degree, domain=domain)
            lines.append(line)
        return lines

    def _at(self, pattern: Any, position: IntArray) -> FloatArray:
        return np.column_stack([line(position.astype(np.float64)) for line in pattern])


class Deseasonalize(PatternTransformer):
    """Take out a season, of each series and subject by itself, and leave level and trend.

    Parameters
    ----------
    period : int
        Steps of the season: 12 for months, 7 for days with a week.
    method : {"means", "stl"}, default "means"
        A mean for each phase, beside a trend, which is the same all the time; or STL, by which the
        season changes slowly, and which needs series without gaps.
    columns : names, optional
        Series that are changed; all if left out.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now". Without
        times, rows of other data are taken to begin where the fitted ones began.

    Attributes
    ----------
    names_ : tuple of names
    seasons_ : dict of subject to ndarray of shape (n_fitted or period, n_series)
        What is taken out, by step since the first one; of "means", one season.

    Notes
    -----
    With STL, steps after those that were fitted have the last season, those before the first one.

    References
    ----------
    Cleveland, Cleveland, McRae and Terpenning (1990), "STL: A seasonal-trend decomposition
    procedure based on loess", Journal of Official Statistics 6: 3-73.

    Examples
    --------
    >>> weekly = Deseasonalize(2).fit({"x": [0.0, 10.0, 1.0, 11.0, 2.0, 12.0]})
    >>> weekly.transform({"x": [0.0, 10.0, 1.0, 11.0, 2.0, 12.0]})["x"].round(6)
    array([4.75, 5.25, 5.75, 6.25, 6.75, 7.25])
    """

    def __init__(
        self,
        period: int,
        *,
        method: str = "means",
        columns: Names | None = None,
        panel: Name | None = None,
        time: Name | None = None,
        mask: Name | None = None,
    ) -> None:
        self.period = period
        self.method = method
        self.columns = columns
        self.panel = panel
        self.time = time
        self.mask = mask

    @property
    def seasons_(self) -> dict[Hashable, FloatArray]:
        """What is taken out, by subject."""
        check_is_fitted(self, "names_")
        return {label: pattern for label, (_, pattern) in self._fitted.items()}

    def _check(self) -> None:
        check_count(self.period, "period", minimum=2)
        check_choice(self.method, "method", ("means", "stl"))

    def _pattern(self, position: IntArray, values: FloatArray) -> FloatArray:
        find = self._means if self.method == "means" else self._stl
        return np.column_stack(
            [find(name, position, x) for name, x in zip(self.names_, values.T, strict=True)]
        )

    def _means(self, name: Name, position: IntArray, x: FloatArray) -> FloatArray:
        there = ~np.isnan(x)
        time, phase = position[there], position[there] % self.period
        seen = np.bincount(phase, minlength=self.period)
        if seen.min() == 0 or len(time) < self.period + 2:
            raise InputError(
                f"series {name!r} has {len(time)} values in a subject, and phase "
                f"{int(seen.argmin())} of {self.period} has {int(seen.min())}; expected each phase "
                "at least once, and two values more. Use a shorter period."
            )
        centre, size = x[there].mean(), max(np.abs(x[there]).max(), 1e-300)
        scaled = (x[there] - centre) / size
        line = (time - time.mean()) / max(1, np.ptp(time))
        design = np.column_stack([np.eye(self.period)[phase], line])
        means = np.linalg.lstsq(design, scaled, rcond=None)[0][:-1]
        found: FloatArray = (means - means.mean()) * size
        return found

    def _stl(self, name: Name, position: IntArray, x: FloatArray) -> FloatArray:
        from statsmodels.tsa.seasonal import STL

        if np.isnan(x).any() or (np.diff(position) != 1).any() or len(x) < 2 * self.period:
            raise InputError(
                f"series {name!r} has gaps, or {len(x)} steps; STL expects series without gaps of "
                f"at least {2 * self.period} steps. Fill short gaps, or use method='means'."
            )
        return np.asarray(STL(x, period=self.period, robust=True).fit().seasonal, dtype=np.float64)

    def _at(self, pattern: Any, position: IntArray) -> FloatArray:
        if self.method == "means":
            return np.asarray(pattern[position % self.period], dtype=np.float64)
        n = len(pattern)
        first, last = position % self.period, n - self.period + (position - n) % self.period
        row = np.where(position < 0, first, np.where(position >= n, last, position))
        return np.asarray(pattern[row], dtype=np.float64)
