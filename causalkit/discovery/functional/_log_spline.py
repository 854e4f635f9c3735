"""The density of one column: its logarithm is a cubic spline, as near a parabola as the data let.

With ``log p = s - log ∫ exp(s)`` between the smallest and the largest value, the squared third
derivative of s is penalised, so that without evidence the density is Gaussian. How strongly, the
data say: the penalty maximises the marginal likelihood (Laplace), by the updates of Wood and
Fasiolo. Knots lie at quantiles. Values beyond four standard deviations (of a Gaussian with the same
quartiles) count by their logarithms, so that heavy tails are splines, too. Integrals are sums over
six nodes between neighbouring knots, so a step of Newton's method costs the same whatever the
number of rows.

The spline is written in its third derivatives, one for each interval, beside x and x²: these are
what the penalty is about, and knots may then lie as near to each other as rows do.

>>> import numpy as np
>>> found = LogSpline(np.random.default_rng(0).normal(size=1000))
>>> bool(abs(found.average + np.log(2 * np.pi * np.e) / 2) < 0.05)  # minus the entropy
True
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import cho_factor, cho_solve

from causalkit.typing import FloatArray

__all__ = ["LogSpline"]

_MOST_KNOTS: Final = 20
_FEWEST_KNOTS: Final = 5
_ROWS_OF_A_KNOT: Final = 8
_NODES: Final = 6
_PENALTIES: Final = 1e-9, 1e9
_SETTLED: Final = 0.05
_MOST_UPDATES: Final = 50
_MOST_STEPS: Final = 50
_SMALLEST_STEP: Final = 1e-8
_TINY: Final = 1e-12
_PRIOR: Final = 0.01
"""Precision of slope and curvature, for columns with most rows at one value."""
_STRAIGHT: Final = 4.0
"""Spreads from the middle beyond which values count by their logarithms."""


class LogSpline:
    """A density that was fitted to a column.

    Parameters
    ----------
    column : ndarray of shape (n_rows,)

    Attributes
    ----------
    average : float
        Average of the log-density over the rows: minus the entropy.
    freedom : float
        Degrees of freedom that the curve took.
    penalty : float
        Of the squared third derivative.
    """

    def __init__(self, column: FloatArray) -> None:
        self._middle, self._unit = _middle_and_unit(column)
        u, log_bend = self._bent(column)
        n_knots = int(np.clip(len(u) // _ROWS_OF_A_KNOT, _FEWEST_KNOTS, _MOST_KNOTS))
        knots = np.unique(np.quantile(u, np.linspace(0.0, 1.0, n_knots)))
        hills = BSpline(np.r_[[knots[0]] * 3, knots, [knots[-1]] * 3], np.eye(len(knots) + 2), 3)
        nodes, self._weights = _nodes_between(knots)
        widths, at_nodes = np.diff(knots), hills(nodes)
        third = hills.derivative(3)(knots[:-1] + widths / 2.0) * np.sqrt(widths)[:, None]
        turn = np.linalg.pinv(third, rcond=1e-13)
        self._features = np.column_stack([nodes, nodes**2, at_nodes @ turn])
        self._means = np.r_[u.mean(), (u * u).mean(), hills(u).mean(axis=0) @ turn]
        self._rough = np.r_[0.0, 0.0, np.ones(len(widths))]
        self._prior = np.where(self._rough > 0.0, 0.0, _PRIOR)
        w, self.penalty, self.freedom = self._fit(len(u))
        eta = self._features @ w
        log_total = eta.max() + float(np.log(self._weights @ np.exp(eta - eta.max())))
        self.average = float(self._means @ w) - log_total + float(log_bend.mean())
        heights = np.linalg.lstsq(at_nodes, eta - log_total)[0]
        self._spline = BSpline(hills.t, heights, 3)
        self._ends = float(knots[0]), float(knots[-1])

    def log_density(self, values: FloatArray) -> FloatArray:
        """At any values; beyond the rows it falls at least as a Gaussian of their spread does."""
        u, log_bend = self._bent(values)
        inside = np.clip(u, *self._ends)
        beyond = u - inside
        fall = self._slope_at(inside, beyond) * beyond - beyond**2 / 2.0
        return np.asarray(self._spline(inside) + fall + log_bend)

    def slope(self, values: FloatArray) -> FloatArray:
        """Derivative of the log-density."""
        u, log_bend = self._bent(values)
        inside = np.clip(u, *self._ends)
        beyond = u - inside
        rate = np.exp(log_bend)
        bending = np.where(np.abs(u) > _STRAIGHT, -rate / _STRAIGHT, 0.0)
        return np.asarray((self._slope_at(inside, beyond) - beyond) * rate + np.sign(u) * bending)

    def _slope_at(self, inside: FloatArray, beyond: FloatArray) -> FloatArray:
        """Slope of the spline; at its ends, not upwards if seen from inside."""
        slope, outwards = self._spline(inside, 1), np.sign(beyond)
        return np.asarray(np.where(outwards * slope > 0.0, 0.0, slope))

    def _bent(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values in units of their spread, bent far out, and the log of the slope of that."""
        u = (values - self._middle) / self._unit
        far = np.maximum(np.abs(u) / _STRAIGHT, 1.0)
        bent = np.sign(u) * _STRAIGHT * (1.0 + np.log(far))
        return np.where(far > 1.0, bent, u), -np.log(far) - np.log(self._unit)

    def _cost(self, w: FloatArray, n: int, penalty: float) -> float:
        eta = self._features @ w
        top = float(eta.max())
        log_total = top + float(np.log(self._weights @ np.exp(eta - top)))
        return (
            n * (log_total - float(self._means @ w))
            + float((penalty * self._rough + self._prior) @ w**2) / 2.0
        )

    def _fit(self, n: int) -> tuple[FloatArray, float, float]:
        """Coordinates of the spline, its penalty and its degrees of freedom."""
        w = np.zeros(len(self._means))
        w[1] = -0.5
        rank, penalty = float(self._rough.sum()), 1.0
        for _ in range(_MOST_UPDATES):
            w, inverse = self._scored(w, n, penalty)
            trace = float(self._rough @ inverse)
            gained = max(rank - penalty * trace, 1e-3)
            updated = float(np.clip(gained / max(self._rough @ w**2, _TINY), *_PENALTIES))
            if abs(np.log(updated / penalty)) < _SETTLED:
                break
            penalty = updated
        return w, penalty, 2.0 + rank - penalty * trace

    def _scored(self, w: FloatArray, n: int, penalty: float) -> tuple[FloatArray, FloatArray]:
        """Newton's method, and the diagonal of the inverse of the information."""
        X, cost = self._features, self._cost(w, n, penalty)
        held = penalty * self._rough + self._prior
        for _ in range(_MOST_STEPS):
            eta = X @ w
            p = self._weights * np.exp(eta - eta.max())
            p /= p.sum()
            means = p @ X
            moved = X - means
            H = n * (moved.T @ (moved * p[:, None]))
            H[np.diag_indices(len(H))] += held
            unit = 1.0 / np.sqrt(np.diag(H) + _TINY)  # features differ by many orders of magnitude
            H *= np.outer(unit, unit)
            H[np.diag_indices(len(H))] += 1e-9
            root = cho_factor(H)
            slope = n * (self._means - means) - held * w
            step = unit * cho_solve(root, unit * slope)
            gain = float(slope @ step)
            length = 1.0 if gain > 1e-6 else 0.0
            while length > _SMALLEST_STEP:
                tried = self._cost(w + length * step, n, penalty)
                if tried <= cost - 1e-4 * length * gain:
                    break
                length /= 2.0
            if length <= _SMALLEST_STEP:
                break
            w, cost = w + length * step, tried
        inverse = unit**2 * np.diag(cho_solve(root, np.eye(len(H))))
        return w, inverse


def _middle_and_unit(column: FloatArray) -> tuple[float, float]:
    """Median, and what is the standard deviation of a Gaussian with the same quartiles."""
    low, middle, high = np.quantile(column, [0.25, 0.5, 0.75])
    unit = (high - low) / 1.349 if high > low else column.std()
    return float(middle), max(float(unit), float(np.finfo(float).tiny))


def _nodes_between(knots: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss and Legendre in each interval, long ones cut to pieces."""
    ends = [np.linspace(a, b, int(b - a) + 2)[:-1] for a, b in pairwise(knots)]
    cuts = np.r_[np.concatenate(ends), knots[-1]]
    at, weights = np.polynomial.legendre.leggauss(_NODES)
    widths = np.diff(cuts)[:, None]
    return (cuts[:-1, None] + widths * (at + 1.0) / 2.0).ravel(), (widths * weights / 2.0).ravel()
