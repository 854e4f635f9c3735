"""Noise whose whole law depends on the level of the mean: y = m + Q(z | m).

Residuals of real data often spread, lean and peak differently where the mean is low and where it
is high. So the law of the noise at a fitted value m is that of the residuals of the rows with the
fitted values nearest to m: their quantiles, as a curve over normal scores z. The noise itself is
standard normal whatever the level, and the curve turns it into a residual.

Between knots a curve is a line, beyond the outer ones it goes on at its mean slope from the median
(a normal tail); between levels curves are mixed. Each strictly increases, so value and causes
determine the noise, and has mean zero under normal noise, so that the mean stays the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from scipy.special import ndtr, ndtri

from causalkit._core.checks import check_count
from causalkit.errors import InputError
from causalkit.models.mechanisms.base import Function
from causalkit.typing import FloatArray, IntArray

__all__ = ["LevelNoise", "centred_curves", "fit_level_noise", "score_knots", "steady_curve"]

_MOST_KNOTS: Final = 33
_MOST_LEVELS: Final = 40
_FEW_VALUES: Final = 20
_FEWEST_ROWS: Final = 20
_LEAST_SLOPE: Final = 1e-3
"""Of a curve, in standard deviations of its residuals for one of the noise."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelNoise:
    """y = m + Q(z | m) with m = mean(causes) and standard normal z.

    Attributes
    ----------
    mean : Function
    levels : ndarray of shape (L,)
        Increasing, at least two.
    scores : ndarray of shape (K,)
        Increasing.
    curves : ndarray of shape (L, K)
        Residuals at these scores, strictly increasing; linear in between and beyond.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> spread = LevelNoise(Linear(np.ones(1)), np.array([0.0, 1.0]), np.array([-1.0, 1.0]),
    ...                     np.array([[-1.0, 1.0], [-3.0, 3.0]]))
    >>> causes, noise = np.array([[0.0], [0.5], [1.0]]), np.full(3, 2.0)
    >>> y = spread.value(causes, noise)
    >>> y  # a standard deviation of 1, 2 and 3
    array([2. , 4.5, 7. ])
    >>> spread.noise(causes, y, np.random.default_rng(0))
    array([2., 2., 2.])
    """

    mean: Function
    levels: FloatArray
    scores: FloatArray
    curves: FloatArray
    bijective: ClassVar[bool] = True

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw standard normal noise, shape (n,)."""
        return rng.standard_normal(n)

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Add the residual that the noise names to the mean."""
        m = self.mean(causes)
        start, weight = self._between(m)
        piece = np.clip(np.searchsorted(self.scores, noise, side="right") - 1, 0, self._last)
        low, high = self._ends(start + piece, weight)
        left = self.scores[piece]
        share = (noise - left) / (self.scores[piece + 1] - left)
        value: FloatArray = m + (low + share * (high - low))
        return value

    def noise(
        self,
        causes: FloatArray,
        value: FloatArray,
        rng: np.random.Generator,  # noqa: ARG002
    ) -> FloatArray:
        """Where on its curve a residual lies."""
        m = self.mean(causes)
        piece, low, high = self._piece(m, value - m)
        left = self.scores[piece]
        share = (value - m - low) / (high - low)
        noise: FloatArray = left + share * (self.scores[piece + 1] - left)
        return noise

    def log_density(self, causes: FloatArray, value: FloatArray) -> FloatArray:
        """Log density of values of shape (n,), given their causes."""
        m = self.mean(causes)
        piece, low, high = self._piece(m, value - m)
        left, width = self.scores[piece], np.diff(self.scores)[piece]
        noise = left + (value - m - low) / (high - low) * width
        slope = (high - low) / width
        logs: FloatArray = -0.5 * noise**2 - 0.5 * np.log(2 * np.pi) - np.log(slope)
        return logs

    @property
    def _last(self) -> int:
        """Number of the last piece of a curve."""
        return len(self.scores) - 2

    def _between(self, m: FloatArray) -> tuple[IntArray, FloatArray]:
        """Where the curve of the level below begins, and the weight of the one above."""
        below = np.searchsorted(self.levels, m, side="right") - 1
        below = np.clip(below, 0, len(self.levels) - 2)
        left = self.levels[below]
        weight = (m - left) / (self.levels[below + 1] - left)
        return below * len(self.scores), np.clip(weight, 0.0, 1.0)

    def _ends(self, at: IntArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Residuals at both ends of a piece."""
        return self._mixed(at, weight), self._mixed(at + 1, weight)

    def _mixed(self, at: IntArray, weight: FloatArray) -> FloatArray:
        flat = self.curves.reshape(-1)
        one = flat[at]
        mixed: FloatArray = one + weight * (flat[at + len(self.scores)] - one)
        return mixed

    def _piece(
        self, m: FloatArray, residual: FloatArray
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """The piece of its curve a residual lies on, and the residuals at both ends of it."""
        start, weight = self._between(m)
        low = np.zeros(len(m), dtype=np.intp)
        high = np.full(len(m), self._last + 1)
        for _ in range(int(self._last + 1).bit_length()):
            middle = (low + high) >> 1
            above = self._mixed(start + middle, weight) > residual
            high = np.where(above, middle, high)
            low = np.where(above, low, middle)
        piece = np.minimum(low, self._last)
        return piece, *self._ends(start + piece, weight)


def fit_level_noise(
    mean: Function,
    fitted: FloatArray,
    residuals: FloatArray,
    *,
    n_nearest: int | None = None,
) -> LevelNoise:
    """Fit noise by level to the residuals of a mean.

    Parameters
    ----------
    mean : Function
        Of the causes, kept as it is.
    fitted : ndarray of shape (n,)
        Its values, or those of fits without the row (which give honest residuals).
    residuals : ndarray of shape (n,)
        Observed minus fitted.
    n_nearest : int, optional
        Rows with the nearest fitted values that make the curve of a level; if left out, 2 n^(2/3)
        and at least 50. Where there are at most 20 fitted values, each has its own rows.

    Returns
    -------
    LevelNoise

    Raises
    ------
    InputError
        If there are fewer than 20 rows, a cell is missing, or the residuals do not vary.

    Examples
    --------
    >>> from causalkit.models.mechanisms.additive import Linear
    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(0, 4, size=5000)
    >>> residuals = 0.5 * x * rng.normal(size=5000)  # the spread grows with the mean
    >>> fitted = fit_level_noise(Linear(np.ones(1)), x, residuals)
    >>> at = np.repeat([[1.0], [3.0]], 4000, axis=0)
    >>> drawn = fitted.value(at, fitted.draw(8000, rng)).reshape(2, -1)
    >>> drawn.std(axis=1).round(1)
    array([0.5, 1.5])
    """
    n = len(residuals)
    both = np.stack([fitted, residuals]) if fitted.shape == (n,) else np.array([np.nan])
    if n < _FEWEST_ROWS or not np.isfinite(both).all() or not np.ptp(residuals) > 0:
        raise InputError(
            f"{n} residual(s), {len(fitted)} fitted value(s); expected as many of both, at least "
            f"{_FEWEST_ROWS}, none missing, and residuals that vary. Use Additive with fit_noise."
        )
    order = np.argsort(fitted, kind="stable")
    f, r = fitted[order], residuals[order]
    k = 50 if n_nearest is None else check_count(n_nearest, "n_nearest", minimum=_FEWEST_ROWS)
    k = min(max(k, round(2 * n ** (2 / 3))) if n_nearest is None else k, n)
    levels, windows = _windows(f, k)
    scores = score_knots(min(end - begin for begin, end in windows))
    floor = float(r.std()) * 1e-3
    curves = np.stack([steady_curve(r[begin:end], scores, floor) for begin, end in windows])
    return LevelNoise(mean, levels, scores, centred_curves(curves, scores))


def _windows(f: FloatArray, k: int) -> tuple[FloatArray, list[tuple[int, int]]]:
    """Levels, at least two, and the first and last row of each; rows go by fitted value."""
    n = len(f)
    values, counts = np.unique(f, return_counts=True)
    if len(values) <= _FEW_VALUES:
        ends = np.cumsum(counts)
        own = list(zip(ends - counts, ends, strict=True))
        windows = [
            (int(begin), int(end)) if end - begin >= _FEWEST_ROWS else _nearest(f, value)
            for value, (begin, end) in zip(values, own, strict=True)
        ]
        levels = values
    else:
        n_levels = int(np.clip(2 * n // k, 2, _MOST_LEVELS))
        begins = np.linspace(0, n - k, n_levels).astype(np.intp)
        levels, kept = np.unique(
            [np.median(f[begin : begin + k]) for begin in begins], return_index=True
        )
        windows = [(int(begin), int(begin) + k) for begin in begins[kept]]
    if len(levels) == 1:
        levels, windows = np.array([levels[0], levels[0] + 1.0]), windows * 2
    return levels, windows


def _nearest(f: FloatArray, value: float) -> tuple[int, int]:
    """The few rows about a value that has hardly any of its own."""
    begin = int(np.searchsorted(f, value)) - _FEWEST_ROWS // 2
    begin = int(np.clip(begin, 0, len(f) - _FEWEST_ROWS))
    return begin, begin + _FEWEST_ROWS


# --- curves over normal scores --------------------------------------------------------------------


def score_knots(n_rows: int) -> FloatArray:
    """Normal scores at which a curve of so many residuals has knots, and one more at each end.

    Parameters
    ----------
    n_rows : int

    Returns
    -------
    ndarray of shape (K,)
        Odd in number, symmetric about zero.
    """
    edge = float(ndtri(1 - 0.625 / (n_rows + 0.25)))  # expected score of the largest residual
    n_knots = min(_MOST_KNOTS, n_rows // 4 * 2 + 1)
    inner = np.linspace(-edge, edge, n_knots)
    inner[n_knots // 2] = 0.0
    return np.concatenate([[-edge - 1], inner, [edge + 1]])


def steady_curve(residuals: FloatArray, scores: FloatArray, floor: float) -> FloatArray:
    """Quantiles of residuals at normal scores, made strictly increasing, with their tails.

    Parameters
    ----------
    residuals : ndarray of shape (m,)
    scores : ndarray of shape (K,)
        Of :func:`score_knots`.
    floor : float
        Least standard deviation that counts.

    Returns
    -------
    ndarray of shape (K,)
    """
    inner = np.quantile(residuals, ndtr(scores[1:-1]), method="normal_unbiased")
    least = _LEAST_SLOPE * max(float(residuals.std()), floor)
    widths = np.diff(scores)
    steps = np.maximum(np.diff(inner), least * widths[1:-1])
    middle = len(inner) // 2
    curve = np.concatenate([[0.0], np.cumsum(steps)])
    curve += inner[middle] - curve[middle]
    below = (curve[middle] - curve[0]) / -scores[1]
    above = (curve[-1] - curve[middle]) / scores[-2]
    ends = curve[0] - below * widths[0], curve[-1] + above * widths[-1]
    return np.concatenate([ends[:1], curve, ends[1:]])


def centred_curves(curves: FloatArray, scores: FloatArray) -> FloatArray:
    """Curves of shape (L, K), moved so that their mean under normal scores is zero."""
    # A broken line is a line and hinges; a normal hinge has mean φ(c) - c (1 - Φ(c)).
    slopes = np.diff(curves, axis=1) / np.diff(scores)
    knots = scores[1:-1]
    hinge = np.exp(-0.5 * knots**2) / np.sqrt(2 * np.pi) - knots * ndtr(-knots)
    means = curves[:, 0] - slopes[:, 0] * scores[0] + np.diff(slopes, axis=1) @ hinge
    moved: FloatArray = curves - means[:, None]
    return moved
