"""What the continuous algorithms minimise: values and gradients, of the weights that are free."""

from __future__ import annotations

import numpy as np

from causalkit.discovery.continuous._acyclicity import by_determinant, by_exponential
from causalkit.discovery.continuous._continuous_model import Problem
from causalkit.discovery.continuous._l1_search import Smooth
from causalkit.typing import FloatArray

__all__ = ["barrier", "lagrangian", "likelihood"]


def lagrangian(problem: Problem, rho: float, alpha: float) -> Smooth:
    """Least squares + rho/2 h² + alpha h, of the free weights."""

    def smooth(x: FloatArray) -> tuple[float, FloatArray]:
        weights = problem.weights(x)
        loss, gradient = problem.least_squares(weights)
        h, slope = by_exponential(weights)
        value = loss + 0.5 * rho * h * h + alpha * h
        return value, (gradient + (rho * h + alpha) * slope)[problem.free]

    return smooth


def barrier(problem: Problem, mu: float, bound: float) -> Smooth:
    """`mu` times least squares, plus the log-determinant, of the free weights."""

    def smooth(x: FloatArray) -> tuple[float, FloatArray]:
        weights = problem.weights(x)
        h, slope = by_determinant(weights, bound)
        if np.isinf(h):
            return h, x
        loss, gradient = problem.least_squares(weights)
        return mu * loss + h, (mu * gradient + slope)[problem.free]

    return smooth


def likelihood(problem: Problem, soft: float, *, equal: bool) -> Smooth:
    """Minus the profile log-likelihood of a row, plus the penalty on circles."""
    p = len(problem.covariance)
    eye = np.eye(p)

    def smooth(x: FloatArray) -> tuple[float, FloatArray]:
        weights = problem.weights(x)
        variances, gradient = problem.residuals(weights)
        sign, log_determinant = np.linalg.slogdet(eye - weights)
        if sign == 0 or variances.min() <= 0:
            return np.inf, x
        if equal:
            total = variances.sum()
            fit, slope = 0.5 * p * np.log(total), p * gradient / total
        else:
            fit, slope = 0.5 * np.log(variances).sum(), gradient / variances
        h, circles = by_exponential(weights)
        value = float(fit - log_determinant + soft * h)
        return value, (slope + np.linalg.inv(eye - weights).T + soft * circles)[problem.free]

    return smooth
