"""Location and scale as curves: y = f(x) + g(x) e with standard Gaussian e, by splines.

Two ways to the same model. Both are given one column x and one column y with mean 0 and variance 1.

**Smooth** (:class:`SmoothFit`). f = Ba and log g = Bb for one spline basis B with knots at
quantiles. With r = (y - f)/g a row costs ``log g + r²/2``. Differences of neighbouring heights are
penalised, those of f twice, those of log g once, so that without evidence f has no bends and g is
constant. How strongly, the data say: penalties maximise the marginal likelihood, by the updates of
Wood and Fasiolo, between which a and b take steps of Fisher scoring, for which they do not
interact.

**Convex** (:class:`ConvexFit`). As published: with precision L = 1/g² = Bw₂ and Lf = Bw₁, both
linear in the parameters, a row costs ``y² L/2 - y (Lf) + (Lf)²/(2L) - log(L)/2``, which is convex
in (w₁, w₂) together: there is one optimum, and Newton's method finds it. The logarithm keeps L
above 0 at all rows. The price is that smooth f and g are not smooth in these terms where g comes
near 0, and the fit leaves dependence in its residuals: in tables of 1000 rows with sigmoid f and g,
some of which pass through 0, the true way is refuted in four of five, after the smooth fit in one
of twenty. For likelihoods that matters little.

Where y does not vary at all given x, as where many rows are 0, g would vanish. So y counts as if
it were rounded, with an error of 0.001 standard deviations.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from causalkit.discovery.functional._splines import difference_penalty, even_basis, quantile_basis
from causalkit.typing import FloatArray

__all__ = ["ConvexFit", "LocationScaleFit", "SmoothFit", "convex_cost", "convex_weights"]

_Roots = tuple[tuple[FloatArray, bool], tuple[FloatArray, bool]]

_ROUNDING: Final = 1e-6
"""Variance of the error in y."""

_MOST_KNOTS: Final = 25
_FEWEST_KNOTS: Final = 5
_ROWS_OF_A_KNOT: Final = 8
_PUBLISHED_KNOTS: Final = 25
_PUBLISHED_DEGREE: Final = 5
_PUBLISHED_PRIOR: Final = 1e-5
"""Precision of the prior of each weight, per row."""

_JITTER: Final = 1e-8
_PENALTIES: Final = 1e-8, 1e8
_SETTLED: Final = 0.05
"""Sum of the changes of the logarithms of both penalties at which they are left alone."""

_MOST_UPDATES: Final = 60
_MOST_STEPS: Final = 100
_SMALLEST_STEP: Final = 1e-10


class LocationScaleFit(Protocol):
    """Two curves that were fitted.

    Attributes
    ----------
    residuals : ndarray of shape (n_rows,)
        (y - f)/g.
    log_likelihood : ndarray of shape (n_rows,)
        Of each row.
    freedom : float
        Degrees of freedom that the two curves took.
    log_slope : float
        Average of -log g.
    """

    residuals: FloatArray
    log_likelihood: FloatArray
    freedom: float
    log_slope: float

    def refitted(self, noise: FloatArray) -> FloatArray:
        """Residuals of y that are made of this noise, shape (n_rows, n_draws)."""
        ...


def _log_likelihood(residuals: FloatArray, scale: FloatArray) -> FloatArray:
    rounded = (residuals * residuals + _ROUNDING / scale**2) / 2.0
    return np.asarray(-np.log(scale) - rounded - np.log(2.0 * np.pi) / 2.0)


class SmoothFit:
    """f = Ba and log g = Bb, with penalties that the data choose.

    Parameters
    ----------
    x, y : ndarrays of shape (n_rows,)
        With mean 0 and variance 1.
    """

    def __init__(self, x: FloatArray, y: FloatArray) -> None:
        n_knots = int(np.clip(len(x) // _ROWS_OF_A_KNOT, _FEWEST_KNOTS, _MOST_KNOTS))
        self.basis, self.y = quantile_basis(x, n_knots), y
        q = self.basis.shape[1]
        self.of_location, self.of_scale = difference_penalty(q, 2), difference_penalty(q, 1)
        self.gram = self.basis.T @ self.basis
        self.penalties = np.ones(2)
        self.a, self.b, self._roots, self.freedom = self._fit()
        self.location, self.scale = self.basis @ self.a, np.exp(self.basis @ self.b)
        self.residuals = (y - self.location) / self.scale
        self.log_likelihood = _log_likelihood(self.residuals, self.scale)
        self.log_slope = -float(np.log(self.scale).mean())

    def refitted(self, noise: FloatArray) -> FloatArray:
        """Residuals of y that are made of this noise.

        One step of Fisher scoring from the curves that the draws come from; more steps would change
        the curves by less than their error.
        """
        B, g = self.basis, self.scale[:, None]
        S, T = self._penalties()
        slope_a = B.T @ (noise / g) - (S @ self.a)[:, None]
        slope_b = B.T @ (noise**2 - 1.0) - (T @ self.b)[:, None]
        for_location, for_scale = self._roots
        moved = B @ cho_solve(for_location, slope_a)
        log_scale = B @ cho_solve(for_scale, slope_b)
        return np.asarray((noise - moved / g) * np.exp(-log_scale))

    def _penalties(self) -> tuple[FloatArray, FloatArray]:
        location, scale = self.penalties
        return _penalty(self.of_location, location), _penalty(self.of_scale, scale)

    def _fit(self) -> tuple[FloatArray, FloatArray, _Roots, float]:
        """Heights of both curves, factors of their information, and degrees of freedom."""
        B, y, q = self.basis, self.y, self.basis.shape[1]
        a = cho_solve(cho_factor(self.gram + self.of_location), B.T @ y)
        left = y - B @ a
        b = np.full(q, np.log(left @ left / len(y) + _ROUNDING) / 2.0)
        for _ in range(_MOST_UPDATES):
            a, b, roots = self._scored(a, b, *self._penalties())
            # Wood and Fasiolo: λ (rank/λ - tr H⁻¹D) / w'Dw, with the matrix D of each curve.
            traces = np.array(
                [
                    np.trace(cho_solve(root, D))
                    for root, D in zip(roots, (self.of_location, self.of_scale), strict=True)
                ]
            )
            rough = np.array([a @ self.of_location @ a, b @ self.of_scale @ b])
            gained = np.maximum(np.array([q - 2.0, q - 1.0]) - self.penalties * traces, 1e-3)
            updated = np.clip(gained / np.maximum(rough, 1e-12), *_PENALTIES)
            moved = float(np.abs(np.log(updated / self.penalties)).sum())
            freedom = 2.0 * q - float(self.penalties @ traces)
            if moved < _SETTLED:
                break
            self.penalties = updated
        return a, b, roots, freedom

    def cost(self, a: FloatArray, b: FloatArray, S: FloatArray, T: FloatArray) -> float:
        """Negative penalised log-likelihood, but for a constant."""
        s = self.basis @ b
        left = self.y - self.basis @ a
        with np.errstate(over="ignore"):  # a step too far costs infinitely much
            rows = s + (left * left + _ROUNDING) * np.exp(-2.0 * s) / 2.0
        return float(rows.sum() + (a @ S @ a + b @ T @ b) / 2.0)

    def _scored(
        self, a: FloatArray, b: FloatArray, S: FloatArray, T: FloatArray
    ) -> tuple[FloatArray, FloatArray, _Roots]:
        """Fisher scoring with the penalties S of a and T of b, and factors of the information."""
        B, y = self.basis, self.y
        cost = self.cost(a, b, S, T)
        for_scale = cho_factor(2.0 * self.gram + T)  # it never changes
        for _ in range(_MOST_STEPS):
            s = B @ b
            precision = np.exp(-2.0 * s)
            left = y - B @ a
            for_location = cho_factor(B.T @ (B * precision[:, None]) + S)
            slope_a = B.T @ (left * precision) - S @ a
            slope_b = B.T @ ((left * left + _ROUNDING) * precision - 1.0) - T @ b
            step_a, step_b = cho_solve(for_location, slope_a), cho_solve(for_scale, slope_b)
            gain = float(slope_a @ step_a + slope_b @ step_b)
            if gain < 1e-7 * len(y):
                break
            length = 1.0
            while length > _SMALLEST_STEP:
                tried = self.cost(a + length * step_a, b + length * step_b, S, T)
                if tried <= cost - 1e-4 * length * gain:
                    break
                length /= 2.0
            else:
                break
            a, b, cost = a + length * step_a, b + length * step_b, tried
        return a, b, (for_location, for_scale)


def _penalty(D: FloatArray, size: float) -> FloatArray:
    S = size * D
    S[np.diag_indices(len(S))] += _JITTER
    return np.asarray(S)


class ConvexFit:
    """Lf = Bw₁ and L = 1/g² = Bw₂, as published: 25 even knots, degree 5, a fixed prior.

    Parameters
    ----------
    x, y : ndarrays of shape (n_rows,)
        With mean 0 and variance 1.
    """

    def __init__(self, x: FloatArray, y: FloatArray) -> None:
        self.basis = even_basis(x, _PUBLISHED_KNOTS, degree=_PUBLISHED_DEGREE)
        self.ridge = _PUBLISHED_PRIOR * len(y)
        self.weights = convex_weights(self.basis, y, self.ridge)
        self.location, self.scale = _curves(self.weights, self.basis)
        self.residuals = (y - self.location) / self.scale
        self.log_likelihood = _log_likelihood(self.residuals, self.scale)
        self.log_slope = -float(np.log(self.scale).mean())
        self.freedom = float(len(self.weights))

    def refitted(self, noise: FloatArray) -> FloatArray:
        """Residuals of y that are made of this noise."""
        left = np.empty_like(noise)
        for k, drawn in enumerate(noise.T):  # a single step would lead too far where g is small
            y = self.location + self.scale * drawn
            location, scale = _curves(
                convex_weights(self.basis, y, self.ridge, start=self.weights), self.basis
            )
            left[:, k] = (y - location) / scale
        return left


def _curves(w: FloatArray, B: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return f and g."""
    q = B.shape[1]
    L = B @ w[q:]
    return B @ w[:q] / L, 1.0 / np.sqrt(L)


def _convex_slope(w: FloatArray, B: FloatArray, y: FloatArray, ridge: float) -> FloatArray:
    f, g = _curves(w, B)
    of_scale = B.T @ (y * y + _ROUNDING - f * f - g * g) / 2.0
    return np.asarray(np.concatenate([B.T @ (f - y), of_scale]) + ridge * w)


def _convex_information(w: FloatArray, B: FloatArray, ridge: float) -> FloatArray:
    """Second derivatives, which do not depend on y."""
    f, g = _curves(w, B)

    def gram(weights: FloatArray) -> FloatArray:
        return np.asarray(B.T @ (B * weights[:, None]))

    off = gram(-f * g**2)
    H = np.block([[gram(g**2), off], [off, gram((f * g) ** 2 + g**4 / 2.0)]])
    H[np.diag_indices(len(H))] += ridge
    return np.asarray(H)


def convex_cost(w: FloatArray, B: FloatArray, y: FloatArray, ridge: float) -> float:
    """Negative log posterior of (w₁, w₂), but for a constant; infinite where L is not positive."""
    q = B.shape[1]
    eta, L = B @ w[:q], B @ w[q:]
    if L.min() <= 0.0:
        return float("inf")
    rows = (y * y + _ROUNDING) * L / 2.0 - y * eta + eta * eta / (2.0 * L) - np.log(L) / 2.0
    return float(rows.sum() + ridge * (w @ w) / 2.0)


def convex_weights(
    B: FloatArray, y: FloatArray, ridge: float, *, start: FloatArray | None = None
) -> FloatArray:
    """Minimise :func:`convex_cost` by Newton's method, shape (2q,)."""
    q = B.shape[1]
    flat = np.concatenate([np.zeros(q), np.full(q, 1.0 / max(float(y.var()), _ROUNDING))])
    w = flat if start is None else start
    cost = convex_cost(w, B, y, ridge)
    for _ in range(_MOST_STEPS):
        slope = _convex_slope(w, B, y, ridge)
        step = -np.linalg.solve(_convex_information(w, B, ridge), slope)
        gain = float(-slope @ step)
        if gain < 1e-9 * len(y):
            break
        length = 1.0
        while length > _SMALLEST_STEP:
            tried = convex_cost(w + length * step, B, y, ridge)
            if tried <= cost - 1e-4 * length * gain:
                break
            length /= 2.0
        else:
            break
        w, cost = w + length * step, tried
    return w
