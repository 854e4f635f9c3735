"""Slow and obvious: M-estimators by stacking all equations and differentiating numerically."""

from __future__ import annotations

import numpy as np
from scipy.optimize import root

MEAN = {
    "gaussian": lambda eta: eta,
    "binomial": lambda eta: 1 / (1 + np.exp(-eta)),
    "poisson": np.exp,
}


def sandwich(equations, theta, w):
    """Standard errors of the root of Σ w ψ(θ) = 0, ψ of shape (n, p): A⁻¹ B A⁻ᵀ."""
    psi = w[:, None] * equations(theta)
    h = 1e-5
    jacobian = np.column_stack(
        [
            (w @ equations(theta + h * e) - w @ equations(theta - h * e)) / (2 * h)
            for e in np.eye(len(theta))
        ]
    )
    inverse = np.linalg.inv(jacobian)
    return np.sqrt(np.diag(inverse @ (psi.T @ psi) @ inverse.T))


def solve(equations, start, w):
    answer = root(lambda theta: w @ equations(theta) / w.sum(), start, tol=1e-12)
    assert np.abs(w @ equations(answer.x)).max() < 1e-6
    return answer.x


def design(t, X, interactions):
    blocks = [np.ones((len(X), 1)), X, t[:, None]]
    return np.hstack([*blocks, t[:, None] * X] if interactions else blocks)


def g_computation_by_stacking(y, t, X, w, family, interactions, target):
    """Effect and standard error from the stacked equations of model and average."""
    mean = MEAN[family]
    n = len(y)

    def equations(theta):
        beta, effect = theta[:-1], theta[-1]
        D = design(t, X, interactions)
        score = D * (y - mean(D @ beta))[:, None]
        if target == "derivative":
            h = 1e-5
            up, down = design(t + h, X, interactions), design(t - h, X, interactions)
            gain = (mean(up @ beta) - mean(down @ beta)) / (2 * h)
            counted = np.ones(n)
        else:
            one, zero = (design(np.full(n, v), X, interactions) for v in (1.0, 0.0))
            gain = mean(one @ beta) - mean(zero @ beta)
            counted = t if target == "ATT" else np.ones(n)
        return np.column_stack([score, counted * (gain - effect)])

    start = np.zeros(design(t, X, interactions).shape[1] + 1)
    theta = solve(equations, start, w)
    return theta[-1], sandwich(equations, theta, w)[-1]


def ipw_by_stacking(y, t, X, w, target, control=0, treated=1):
    """Hájek weighting with one logit an arm: effect and standard error."""
    D = np.column_stack([np.ones(len(y)), X])
    k = D.shape[1]
    arms = [t == control, t == treated]
    binary = len(np.unique(t)) == 2

    def equations(theta):
        alpha, beta, mu = theta[:k], theta[k : 2 * k], theta[2 * k :]
        p1 = 1 / (1 + np.exp(-D @ alpha))
        p0 = 1 - p1 if binary else 1 / (1 + np.exp(-D @ beta))
        scores = [D * (arms[1] - p1)[:, None]]
        # With two arms the second logit is not used; its equation pins it to zero.
        scores.append(np.tile(-beta, (len(y), 1)) if binary else D * (arms[0] - p0)[:, None])
        weights = (arms[0] / p0, arms[1] / p1) if target == "ATE" else (arms[0] * p1 / p0, arms[1])
        means = [weight * (y - m) for weight, m in zip(weights, mu[:2], strict=True)]
        difference = np.full(len(y), mu[1] - mu[0] - mu[2])
        return np.column_stack([*scores, *means, difference])

    theta = solve(equations, np.zeros(2 * k + 3), w)
    return theta[-1], sandwich(equations, theta, w)[-1]
