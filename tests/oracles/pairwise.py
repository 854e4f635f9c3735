"""Pairwise methods the slow and obvious way: loops, numerical optimisers, textbook formulas."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import trapezoid
from scipy.interpolate import BSpline
from scipy.optimize import minimize
from scipy.special import logit
from scipy.stats import norm

ROUNDING = 1e-6


def hill(x: float, knots: np.ndarray, k: int, degree: int) -> float:
    """Value of the B-spline k at x by the recursion of Cox and de Boor."""
    if degree == 0:
        last = knots[k + 1] == knots[-1] and x == knots[-1] and knots[k] < knots[k + 1]
        return float(knots[k] <= x < knots[k + 1] or last)
    total = 0.0
    if knots[k + degree] > knots[k]:
        share = (x - knots[k]) / (knots[k + degree] - knots[k])
        total += share * hill(x, knots, k, degree - 1)
    if knots[k + degree + 1] > knots[k + 1]:
        share = (knots[k + degree + 1] - x) / (knots[k + degree + 1] - knots[k + 1])
        total += share * hill(x, knots, k + 1, degree - 1)
    return total


def convex_loss(w: np.ndarray, B: np.ndarray, y: np.ndarray, ridge: float) -> float:
    """Gaussian log-density with mean f and deviation g, and a prior; y has a rounding error."""
    q = B.shape[1]
    precision = B @ w[q:]
    if precision.min() <= 0:
        return 1e10
    f, g = B @ w[:q] / precision, 1 / np.sqrt(precision)
    logs = norm.logpdf(y, f, g) + np.log(2 * np.pi) / 2 - ROUNDING / (2 * g**2)
    return -logs.sum() + ridge * np.sum(w**2) / 2


def convex_minimum(B: np.ndarray, y: np.ndarray, ridge: float) -> float:
    start = np.concatenate([np.zeros(B.shape[1]), np.ones(B.shape[1])])
    found = minimize(convex_loss, start, (B, y, ridge), method="Powell", options={"maxiter": 40})
    return float(minimize(convex_loss, found.x, (B, y, ridge), method="BFGS").fun)


def smooth_loss(w, B, y, location_penalty, scale_penalty) -> float:
    """Penalised Gaussian likelihood of f = Ba and log g = Bb, but for a constant."""
    q = B.shape[1]
    a, b = w[:q], w[q:]
    f, g = B @ a, np.exp(B @ b)
    logs = norm.logpdf(y, f, g) + np.log(2 * np.pi) / 2 - ROUNDING / (2 * g**2)
    return -logs.sum() + (a @ location_penalty @ a + b @ scale_penalty @ b) / 2


def igci_slope(x: np.ndarray, y: np.ndarray) -> float:
    """Average log slope between neighbours in x, for columns as they are."""
    rows = sorted(zip(x.tolist(), y.tolist(), strict=True))
    logs = [
        np.log(abs((b[1] - a[1]) / (b[0] - a[0])))
        for a, b in pairwise(rows)
        if a[0] != b[0] and a[1] != b[1]
    ]
    return float(np.mean(logs))


def reci_error(x: np.ndarray, y: np.ndarray) -> float:
    """Mean squared error of a cubic, both columns from 0 to 1."""
    x, y = ((v - v.min()) / (v.max() - v.min()) for v in (x, y))
    return float(np.mean((y - np.polyval(np.polyfit(x, y, 3), x)) ** 2))


def second_derivatives(X: np.ndarray, ridge: float) -> np.ndarray:
    """Stein's estimate as in Rolland et al. (2022), kernels and their derivatives by loops."""
    n, d = X.shape
    apart = [np.linalg.norm(X[i] - X[j]) for i in range(n) for j in range(i)]
    s = float(np.median(apart))
    K, first, second = np.empty((n, n)), np.zeros((n, d)), np.zeros((n, d))
    for i in range(n):
        for k in range(n):
            step = X[i] - X[k]
            K[i, k] = np.exp(-(step @ step) / (2 * s * s))
            first[i] += K[i, k] * step / s**2  # d/dx_k of k(x_i, x_k)
            second[i] += K[i, k] * (step**2 / s**4 - 1 / s**2)
    inverse = np.linalg.inv(K + ridge * np.eye(n))
    return inverse @ second - (inverse @ first) ** 2


def log_spline_gain(found, column: np.ndarray) -> float:
    """How much a numerical search lowers the cost of a spline, whose integral is a sum here."""
    grid = np.linspace(column.min(), column.max(), 5001)
    (u, bend), (v, log_bend) = found._bent(column), found._bent(grid)
    knots = found._spline.t
    hills, distinct = BSpline(knots, np.eye(len(knots) - 4), 3), np.unique(knots)
    at_rows, at_grid = hills(u), hills(v)
    third = hills.derivative(3)((distinct[:-1] + distinct[1:]) / 2)

    def cost(c):
        total = trapezoid(np.exp(at_grid @ c + log_bend), grid)
        rough = np.sum((third @ c) ** 2 * np.diff(distinct))
        return len(column) * np.log(total) - np.sum(at_rows @ c + bend) + found.penalty * rough / 2

    reached = cost(found._spline.c)
    return float(reached - minimize(cost, found._spline.c, method="BFGS").fun)


def reversible_pair(case: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Post-nonlinear both ways: a case of table 1 of Zhang and Hyvärinen, but for distortions.

    In each the joint density is, but for factors of t and of s alone, a function of s - h(t), and
    one of t - k(s), too.

    2. exp(2s - t/2 - exp(s-t) - exp(-t)): h = t, and k = log(1 + exp(s)).
    3. exp(2s - 3t/2 - exp(s)/2 - exp(s-t) - exp(-t)/2): h = -log(exp(-t) + 1/2), and
       k = log(exp(s) + 1/2).
    4. exp(5s/2 - t - exp(s)/2 - exp(s-t)), with the same h, and k = s.
    5. exp(t+s) (1 + exp(t) + exp(s) + exp(t+s)/4)^(-5/2): h = log((1 + exp(t))/(1 + exp(t)/4)),
       and k the same.
    """
    grid = np.linspace(-40.0, 40.0, 40001)
    flat = np.logaddexp(-grid, np.log(0.5))
    log_density, h, noise = {
        2: (1.5 * -grid - np.exp(-grid), grid, np.log(rng.gamma(2.0, size=n))),
        3: (-1.5 * grid - np.exp(-grid) / 2 - 2.0 * flat, -flat, np.log(rng.gamma(2.0, size=n))),
        4: (-grid - 2.5 * flat, -flat, np.log(rng.gamma(2.5, size=n))),
        5: (
            grid - 1.5 * np.logaddexp(0.0, grid) - np.logaddexp(0.0, grid - np.log(4.0)),
            np.logaddexp(0.0, grid) - np.logaddexp(0.0, grid - np.log(4.0)),
            logit(rng.beta(1.0, 1.5, size=n)),
        ),
    }[case]
    heaped = np.cumsum(np.exp(log_density - log_density.max()))
    t = np.interp(rng.random(n) * heaped[-1], heaped, grid)
    return t, np.interp(t, grid, h) + noise
