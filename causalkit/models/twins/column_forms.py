"""Forms of columns: the scale on which a column is modelled, its grid and its bounds.

Concentrations, counts and prices are positive and skewed; equations with noise that is added fit
them better on another scale. The scale of a column is a power of it (or its logarithm), chosen by
the likelihood that an autoregression has on that scale (Box & Cox 1964; with double exponential
errors, so that a few large ones do not decide). Values that are recorded on a grid, such as whole
numbers, are drawn on it too; where a column has few values and no grid, these are its levels. None
is drawn far from those seen.

`Measured` does this inside the mechanism: causes come as they are recorded and the value leaves as
it would be recorded. What drives the next step is thus what is seen, and the graph over the
recorded columns is exact.

References
----------
Box & Cox (1964), J. Royal Statistical Society B 26, 211-243.
doi:10.1111/j.2517-6161.1964.tb00553.x
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from causalkit._core.series import Series
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.ridge_line import fit_line
from causalkit.typing import FloatArray, IntArray

__all__ = ["CauseScale", "ColumnForm", "Measured", "choose_form", "measured"]

_POWERS: Final = (1.0, 0.5, 0.3, 0.0)
_OWN_LAGS: Final = 3
_FEWEST: Final = 50
_CLEAR_GAIN: Final = 4.0
_ATOM: Final = 0.01
_MARGIN: Final = 0.1
_MOST_DISTINCT: Final = 0.5
_TINY: Final = float(np.finfo(np.float64).tiny)
_CELL: Final = 0.5
_FEW_LEVELS: Final = 0.15
"""Distinct values a row, up to which they are levels."""

_DIGITS: Final = 10
_MOSTLY_USED: Final = 0.8
"""Share of the points of a grid that is used, where most values are, if it is one."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnForm:
    """The scale of a column, its grid and its bounds.

    Attributes
    ----------
    power : float
        The column is modelled as (x + shift)^power; 0 is its logarithm.
    shift : float
    step : float
        Distance of the values it can have; 0 where it has no grid.
    origin : float
        One of the values on the grid.
    low, high : float
        Bounds.
    levels : ndarray of shape (m,)
        The values it can have, where these are few and on no grid; else empty.

    Examples
    --------
    >>> form = ColumnForm(power=0.0, step=1.0, low=1.0)
    >>> form.back(form.forward(np.array([20.0])) + 0.1)
    array([22.])
    """

    power: float = 1.0
    shift: float = 0.0
    step: float = 0.0
    origin: float = 0.0
    low: float = -np.inf
    high: float = np.inf
    levels: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def is_plain(self) -> bool:
        """Whether values are modelled, and drawn, as they are."""
        is_open = bool(np.isinf([self.low, self.high]).all())
        return self.power == 1 and is_open and not self.is_rounded

    @property
    def is_rounded(self) -> bool:
        """Whether values lie on a grid, or are some of a few levels."""
        return bool(self.step) or len(self.levels) > 0

    def forward(self, values: FloatArray) -> FloatArray:
        """Values on the scale of the model."""
        if self.power == 1:
            return values
        above = np.maximum(values + self.shift, _TINY)
        return np.log(above) if self.power == 0 else np.asarray(above**self.power)

    def back(self, values: FloatArray) -> FloatArray:
        """Values as they are recorded."""
        if self.power == 0:
            values = np.exp(np.minimum(values, 700.0)) - self.shift
        elif self.power != 1:
            values = np.maximum(values, 0.0) ** (1 / self.power) - self.shift
        values = np.minimum(np.maximum(values, self.low), self.high)
        if self.step:
            values = _on_grid(values, self.origin, self.step)
        elif len(self.levels):
            values = self.levels[np.searchsorted(self._cuts(), values)]
        return np.asarray(values)

    def within_cell(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw a point that is rounded to each of these values."""
        if not self.is_rounded:
            return values
        inside = rng.uniform(-_CELL, _CELL, size=len(values)) * (1 - 1e-6)
        if self.step:
            return np.asarray(values + self.step * inside)
        cuts = np.concatenate([self.levels[:1], self._cuts(), self.levels[-1:]])
        place = np.clip(np.searchsorted(self.levels, values), 0, len(self.levels) - 1)
        low, high = cuts[place], cuts[place + 1]
        return np.asarray((low + high) / 2 + inside * (high - low))

    def _cuts(self) -> FloatArray:
        return np.asarray((self.levels[1:] + self.levels[:-1]) / 2)


@dataclass(frozen=True, slots=True, eq=False)
class CauseScale:
    """Columns of causes that share a scale.

    Attributes
    ----------
    form : ColumnForm
    columns : ndarray of int
    """

    form: ColumnForm
    columns: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A mechanism on scales of its own, between columns as they are recorded.

    Attributes
    ----------
    mechanism : Mechanism
        On the scales of the forms.
    form : ColumnForm
        Of the value.
    scales : tuple of CauseScale
        Of causes that are not seen as they are recorded.
    """

    mechanism: Mechanism
    form: ColumnForm
    scales: tuple[CauseScale, ...]

    @property
    def bijective(self) -> bool:
        """Not where values are rounded or bounded."""
        open_ended = np.isinf([self.form.low, self.form.high]).all() and self.form.power in (0, 1)
        return self.mechanism.bijective and not self.form.is_rounded and bool(open_ended)

    def draw(self, n: int, rng: np.random.Generator) -> Any:
        """Draw noise."""
        return self.mechanism.draw(n, rng)

    def value(self, causes: FloatArray, noise: Any) -> FloatArray:
        """Value as it is recorded."""
        return self.form.back(self.mechanism.value(self._seen(causes), noise))

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> Any:
        """Noise that gives the value; of a rounded one, of a point in its cell at random."""
        value = self.form.within_cell(value, rng)
        return self.mechanism.noise(self._seen(causes), self.form.forward(value), rng)

    def _seen(self, causes: FloatArray) -> FloatArray:
        if len(self.scales) == 1 and len(self.scales[0].columns) == causes.shape[1]:
            return self.scales[0].form.forward(causes)
        seen = np.array(causes, dtype=np.float64)
        for scale in self.scales:
            seen[:, scale.columns] = scale.form.forward(seen[:, scale.columns])
        return seen


def measured(
    mechanism: Mechanism, form: ColumnForm, cause_forms: tuple[ColumnForm, ...]
) -> Mechanism:
    """Put a mechanism between recorded columns, if any of them needs it."""
    if form.is_plain and all(other.power == 1 for other in cause_forms):
        return mechanism
    kinds = [(other.power, other.shift) for other in cause_forms]
    scales = tuple(
        CauseScale(ColumnForm(*kind), np.array([k for k, own in enumerate(kinds) if own == kind]))
        for kind in dict.fromkeys(kinds)
        if kind[0] != 1
    )
    return Measured(mechanism, form, scales)


def choose_form(series: Series, column: int) -> ColumnForm:
    """Choose scale, grid and bounds of a column.

    Parameters
    ----------
    series : Series
    column : int
    """
    x = series.table.values[:, column]
    x = x[~np.isnan(x)]
    distinct = np.unique(x)
    few = 1 < len(distinct) <= _FEW_LEVELS * len(x)
    step = _grid(x, distinct)
    if few and step and not _is_exact(x, distinct, step):
        step = 0.0
    low, high = _bounds(x, step)
    power, shift = _scale(series, column, step)
    origin = float(distinct[0]) if step else 0.0
    levels = distinct if few and not step else np.empty(0)
    return ColumnForm(power, shift, step, origin, low, high, levels)


def _on_grid(values: FloatArray, origin: float, step: float) -> FloatArray:
    """Nearest points of a grid; decimal ones to their last digit."""
    return np.round(origin + step * np.round((values - origin) / step), _DIGITS)


def _is_exact(x: FloatArray, distinct: FloatArray, step: float) -> bool:
    """Whether all values lie on a grid to the last digit, and most of it is used."""
    if (_on_grid(distinct, float(distinct[0]), step) != distinct).any():
        return False
    low, high = np.quantile(x, [0.05, 0.95])
    inside = int(((distinct >= low) & (distinct <= high)).sum())
    return bool(inside / (np.round((high - low) / step) + 1) >= _MOSTLY_USED)


def _grid(x: FloatArray, distinct: FloatArray) -> float:
    """Distance of the values of a column if they lie on a grid that is seen, else 0."""
    if len(distinct) < 2 or len(distinct) > _MOST_DISTINCT * len(x):
        return 0.0
    gaps = np.diff(distinct)
    step = float(gaps[gaps > 1e-9 * np.ptp(x)].min())
    steps = (distinct - distinct[0]) / step
    if np.abs(steps - np.round(steps)).max() > 1e-3 * max(1.0, steps[-1] / 1e4):
        return 0.0
    return float(np.ptp(x) / np.round(steps[-1]))


def _bounds(x: FloatArray, step: float) -> tuple[float, float]:
    """Bounds: the extremes where values pile up, else a little beyond; positive stays positive."""
    low, high = float(x.min()), float(x.max())
    margin = _MARGIN * (high - low)
    if step:
        margin = step * np.ceil(margin / step)
    floor, roof = low - margin, high + margin
    if low >= 0:
        floor = low if step or low == 0 else max(floor, _CELL * low)
    if np.mean(x == low) > _ATOM:
        floor = low
    if np.mean(x == high) > _ATOM:
        roof = high
    return floor, roof


def _scale(series: Series, column: int, step: float) -> tuple[float, float]:
    """Power and shift with the highest likelihood of an autoregression with heavy tails."""
    x = series.table.values[:, column]
    least = np.nanmin(x)
    if least < 0 or np.nanmax(x) <= 0:
        return 1.0, 0.0
    shift = 0.0
    if least == 0:
        shift = step if step else float(x[x > 0].min())
    row = np.arange(series.n_rows)
    since = row - np.maximum.accumulate(np.where(series.follows, 0, row))
    now = row[since >= _OWN_LAGS]
    window = x[now[:, None] - np.arange(_OWN_LAGS + 1)] + shift
    window = window[~np.isnan(window).any(axis=1)]
    if len(window) < _FEWEST:
        return 1.0, 0.0
    found = {}
    logs = float(np.log(window[:, 0]).sum())
    for power in _POWERS:
        z = np.log(window) if power == 0 else window**power
        left = z[:, 0] - fit_line(z[:, 1:], z[:, 0])(z[:, 1:])
        size = float(np.abs(left).mean())
        if size <= 0:
            return 1.0, 0.0
        factor = power if power else 1.0
        found[power] = -len(z) * np.log(size / factor) + (power - 1) * logs
    best = max(found, key=found.__getitem__)
    if found[best] - found[1.0] < _CLEAR_GAIN:
        return 1.0, 0.0
    return best, shift
