"""The post-nonlinear model h(y) = f(x) + noise with h increasing, by splines and ranks.

Any increasing function of y has the same model, with another h. So y enters by its ranks, as the
quantiles of a Gaussian that they stand for, and so does each cause: what comes out depends on the
ranks alone. In these units f is a sum of cubic splines, one for each cause, and h' = Mw a quadratic
one, whose integral Iw is h.

**Given the density q of the noise**, a row costs ``-log q(r) - log h'`` with r = Iw - Fa, and the
differences of neighbouring heights are penalised: second ones of f, first ones of h', so that
without evidence both are nearly straight. For a Gaussian q, or any other with a concave logarithm,
this is convex in (a, w) together. The logarithm keeps h' above 0. Penalties maximise the marginal
likelihood, by the updates of Wood and Fasiolo, between which (a, w) take steps of Newton's method
with the information of the noise in place of its curvature.

**The density** is learnt as well: it starts Gaussian, and then residuals and density
(:class:`LogSpline`) take turns. Without that, h would bend to make other noise Gaussian, at the
price of its independence.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtri
from scipy.stats import rankdata

from causalkit.discovery.functional._log_spline import LogSpline
from causalkit.discovery.functional._splines import difference_penalty, even_basis
from causalkit.typing import FloatArray, IntArray

__all__ = ["PostNonlinearFit", "normal_scores"]

_Root = tuple[FloatArray, bool]

_MOST_KNOTS: Final = 12
_FEWEST_KNOTS: Final = 4
_ROWS_OF_A_KNOT: Final = 15
_JITTER: Final = 1e-6
_SINGULAR: Final = 1e-10
_ROUNDING: Final = 1e-5
"""Variance of the error in a score: without noise, h would grow without end."""

_PENALTIES: Final = 1e-6, 10.0
"""A curve may always bend a little: what it could not follow would look like dependent noise, and
tables that are drawn from a stiff curve would not show it."""

_SETTLED: Final = 0.05
_MOST_UPDATES: Final = 30
_MOST_STEPS: Final = 30
_SMALLEST_STEP: Final = 1e-3
_LEAST_GAIN: Final = 0.01
"""Log-likelihood of all rows that a step should gain."""

_TURNS: Final = 8
_GAIN: Final = 0.5
"""Log-likelihood of all rows that another turn should gain."""

_STEPS_OF_A_DRAW: Final = 3
_SAFE: Final = 0.8
"""Share of h' that a step may take at most."""

_LEAST_NOISE: Final = 1e-3


def normal_scores(column: FloatArray) -> FloatArray:
    """Quantiles of a Gaussian that ranks stand for; ties share one."""
    return _quantiles(rankdata(column))


def _quantiles(ranks: FloatArray) -> FloatArray:
    return np.asarray(ndtri((ranks - 0.5) / len(ranks)))


class _Noise(Protocol):
    def log_density(self, values: FloatArray) -> FloatArray: ...
    def slope(self, values: FloatArray) -> FloatArray: ...


class _Gaussian:
    def log_density(self, values: FloatArray) -> FloatArray:
        return -values * values / 2.0

    def slope(self, values: FloatArray) -> FloatArray:
        return -values


class PostNonlinearFit:
    """f and h, fitted to causes and an effect.

    Parameters
    ----------
    causes : ndarray of shape (n_rows,) or (n_rows, p)
    effect : ndarray of shape (n_rows,)

    Attributes
    ----------
    residuals : ndarray of shape (n_rows,)
        h(y) - f(x).
    log_slope : float
        Average of log h', with h a function of the scores of y.
    freedom : float
        Degrees of freedom that the curves took.
    transformed : ndarray of shape (n_rows,)
        h(y).
    """

    def __init__(self, causes: FloatArray, effect: FloatArray) -> None:
        n = len(effect)
        X = [normal_scores(column) for column in causes.reshape(n, -1).T]
        k = int(np.clip(n // (_ROWS_OF_A_KNOT * len(X)), _FEWEST_KNOTS, _MOST_KNOTS))
        features = [even_basis(column, k, degree=3) for column in X]
        scores = normal_scores(effect)
        self._sorted = _rising(_quantiles(np.arange(1.0, n + 1.0)), k)
        rises, self._slopes = _rising(scores, k)
        self._design = np.hstack([*(-feature for feature in features), rises])
        self._n_heights = self._design.shape[1] - rises.shape[1]
        self._blocks = _blocks([*(feature.shape[1] for feature in features), rises.shape[1]])
        self._noise: _Noise = _Gaussian()
        self._penalties = np.ones(len(self._blocks))
        self._root: _Root
        self._w = self._settled(self._started(scores))
        before = -np.inf
        for _ in range(_TURNS):
            self._noise = density = LogSpline(self._design @ self._w)
            self.log_slope = float(np.log(self._slopes @ self._w[self._n_heights :]).mean())
            if density.average + self.log_slope < before + _GAIN / n:
                break
            before = density.average + self.log_slope
            self._w = self._settled(self._w)
        self._w = self._scored(self._w, self._held())
        self.residuals = self._design @ self._w
        self.transformed = rises @ self._w[self._n_heights :]
        self.log_slope = float(np.log(self._slopes @ self._w[self._n_heights :]).mean())

    def refitted(self, noise: FloatArray) -> FloatArray:
        """Residuals of effects that are made of this noise.

        A few steps from the curves that the draws come from, with the same information and the same
        density of the noise.
        """
        k, (rises, slopes) = self._n_heights, self._sorted
        f = self.transformed - self.residuals
        order = np.argsort(f[:, None] + noise, axis=0)
        ranks = np.argsort(order, axis=0)
        F, held = self._design[:, :k], self._held()
        W = np.repeat(self._w[:, None], noise.shape[1], axis=1)
        for _ in range(_STEPS_OF_A_DRAW):
            # Effects by rank are the same in all draws; which row has which rank is not.
            push = -self._noise.slope(self._drawn(W, ranks))
            rate = slopes @ W[k:]
            slope_h = rises.T @ np.take_along_axis(push, order, axis=0) - slopes.T @ (1.0 / rate)
            step = -cho_solve(self._root, np.vstack([F.T @ push, slope_h]) + held @ W)
            falls = (-(slopes @ step[k:]) / rate).max(axis=0)
            W = W + step * np.minimum(1.0, _SAFE / np.maximum(falls, _SAFE))
        return self._drawn(W, ranks)

    def _drawn(self, W: FloatArray, ranks: IntArray) -> FloatArray:
        k = self._n_heights
        risen = np.take_along_axis(self._sorted[0] @ W[k:], ranks, axis=0)
        return np.asarray(risen + self._design[:, :k] @ W[:k])

    def _started(self, scores: FloatArray) -> FloatArray:
        """Least squares, with a straight h in units of the noise."""
        k = self._n_heights
        F, held = self._design[:, :k], self._held()[:k, :k]
        risen = scores - scores.min()
        a = -cho_solve(cho_factor(F.T @ F + held), F.T @ risen)
        unit = 1.0 / max(float((risen + F @ a).std()), _LEAST_NOISE)
        return np.concatenate([a * unit, np.full(self._slopes.shape[1], unit)])

    def _held(self) -> FloatArray:
        """Matrix of all penalties."""
        S = np.zeros((self._design.shape[1],) * 2)
        for (block, D), penalty in zip(self._blocks, self._penalties, strict=True):
            S[block, block] = penalty * D
        S[np.diag_indices(len(S))] += _JITTER
        S[self._n_heights :, self._n_heights :] += _ROUNDING * self._slopes.T @ self._slopes
        return S

    def _settled(self, w: FloatArray) -> FloatArray:
        """Coordinates at the penalties that suit this density of the noise."""
        for _ in range(_MOST_UPDATES):
            w = self._scored(w, self._held())
            inverse = cho_solve(self._root, np.eye(len(w)))
            traces = np.array([np.sum(inverse[b, b] * D) for b, D in self._blocks])
            rough = np.array([w[b] @ D @ w[b] for b, D in self._blocks])
            ranks = np.array([len(D) - 2.0 for _, D in self._blocks])
            ranks[-1] += 1.0
            gained = np.maximum(ranks - self._penalties * traces, 1e-3)
            updated = np.clip(gained / np.maximum(rough, 1e-12), *_PENALTIES)
            self.freedom = len(w) - float(self._penalties @ traces)
            moved = float(np.abs(np.log(updated / self._penalties)).sum())
            if moved < _SETTLED * len(self._blocks):
                break
            self._penalties = updated
        return w

    def _cost(self, w: FloatArray, held: FloatArray) -> float:
        rate = self._slopes @ w[self._n_heights :]
        if rate.min() <= 0.0:
            return float("inf")
        rows = self._noise.log_density(self._design @ w) + np.log(rate)
        return float(w @ held @ w) / 2.0 - float(rows.sum())

    def _scored(self, w: FloatArray, held: FloatArray) -> FloatArray:
        k, X, M = self._n_heights, self._design, self._slopes
        gram, cost = X.T @ X, self._cost(w, held)
        for _ in range(_MOST_STEPS):
            push, rate = -self._noise.slope(X @ w), M @ w[k:]
            slope = X.T @ push + held @ w
            slope[k:] -= M.T @ (1.0 / rate)
            H = float(np.mean(push * push)) * gram + held
            H[k:, k:] += (M / rate[:, None] ** 2).T @ M
            H[np.diag_indices(len(H))] += _SINGULAR * float(np.diag(H).max())
            self._root = cho_factor(H)
            step = -cho_solve(self._root, slope)
            gain = -float(slope @ step)
            length = 1.0 if gain > _LEAST_GAIN else 0.0
            while length > _SMALLEST_STEP:
                tried = self._cost(w + length * step, held)
                if tried <= cost - 1e-4 * length * gain:
                    break
                length /= 2.0
            if length <= _SMALLEST_STEP:
                break
            w, cost = w + length * step, tried
        return w


def _rising(scores: FloatArray, n_knots: int) -> tuple[FloatArray, FloatArray]:
    """Integrals from the smallest score on of quadratic splines with even knots, and these."""
    low, high = float(scores.min()), float(scores.max())
    step = (high - low) / (n_knots - 1)
    hills = BSpline(
        low + step * np.arange(-2, n_knots + 2), np.eye(n_knots + 1), 2, extrapolate=True
    )
    risen = hills.antiderivative()
    return np.asarray(risen(scores) - risen(low)), np.asarray(hills(scores))


def _blocks(sizes: list[int]) -> list[tuple[slice, FloatArray]]:
    """Which coordinates each curve has, and what of it is rough."""
    ends = np.cumsum([0, *sizes])
    orders = [2] * (len(sizes) - 1) + [1]
    return [
        (slice(int(a), int(a) + size), difference_penalty(size, order))
        for a, size, order in zip(ends, sizes, orders, strict=False)
    ]
