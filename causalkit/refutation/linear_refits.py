"""Estimating a linear model again, hundreds of times, without starting again.

Most checks change one thing: the treatment is shuffled, a column of noise is added, rows are left
out. Where the estimator is a linear regression, what stays the same need not be computed again. The
adjustment columns are turned once into an orthonormal basis Q; by Frisch, Waugh and Lovell

    θ̂ = v'u / v'v,     v = t − QQ't,     u = y − QQ'y,     influence = v (u − θ̂ v) / v'v,

so that a new treatment costs one product with Q, a new column one more direction to take out of v
and u, and a subset of rows one small Gram matrix in a basis where it is close to the identity. A
g-computation with interactions is such a regression in either arm. Value and standard error are
those of the whole estimator, to rounding. What this cannot do (other estimators, more levels,
serial dependence, subsets that lose a direction) is left to the estimator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from causalkit.errors import CausalkitError
from causalkit.estimation._glm import basis_of, standardised
from causalkit.estimation.base import EffectEstimator, contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic, Bootstrap, standard_error
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS, GComputation
from causalkit.typing import FloatArray, IntArray

__all__ = ["LinearRefits", "linear_refits"]

Result: TypeAlias = tuple[float, float]

LEAST_EIGENVALUE = 1e-6
"""Of a Gram matrix that is the identity over all rows; below it, rounding is no longer harmless."""

LEAST_LEFT = 1e-8
"""Share of the treatment's variance that adjustment must leave over, for the same reason."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearRefits:
    """A linear model that is ready to be estimated on changed data.

    Attributes
    ----------
    estimator : OLS or GComputation
    problem : Problem
    light : Problem
        The same without columns, and with the row numbers as `supplied["row"]`: what a change does
        to it says what it does to the problem.
    Q : ndarray of shape (n, rank)
        Intercept and columns: their weighted mean square is the identity.
    by_arm : bool
        Whether there is a regression in either arm, rather than one.
    unit : float
        What the coefficient of the treatment is multiplied by.
    """

    estimator: OLS | GComputation
    problem: Problem
    light: Problem
    Q: FloatArray
    by_arm: bool
    unit: float

    def solve(self, changed: Problem) -> Result | None:
        """Value and standard error on the changed light problem; None if it has to be refitted."""
        rows = changed.supplied["row"].astype(np.intp)
        Q = self.Q if len(rows) == len(self.Q) else self.Q[rows]
        if changed.X.shape[1]:
            Q = np.hstack([Q, changed.X - changed.X.mean(axis=0)])
        elif len(rows) == len(self.Q):
            return self._estimate(changed, Q)
        Q = _orthonormal(Q, changed.weights)
        return None if Q is None else self._estimate(changed, Q)

    def _estimate(self, changed: Problem, Q: FloatArray) -> Result | None:
        if self.by_arm:
            return self._in_arms(changed, Q)
        share = changed.weights / changed.weights.sum()
        t, y = changed.t, changed.y
        v = t - Q @ (Q.T @ (share * t))
        u = y - Q @ (Q.T @ (share * y))
        pull = share * v
        left = float(pull @ v)
        if not left > LEAST_LEFT * float(share @ (t - share @ t) ** 2):
            return None
        theta = float(pull @ u) / left
        scores = v * (u - theta * v) * (self.unit / left)
        return self._result(changed, self.unit * theta, scores, Q.shape[1] + 1)

    def _in_arms(self, changed: Problem, Q: FloatArray) -> Result | None:
        """A regression in either arm, averaged over everyone or over the treated."""
        share = changed.weights / changed.weights.sum()
        control, treated = contrast_of(changed, self.estimator.contrast)
        target = np.ones(len(Q))
        if getattr(self.estimator, "target", "ATE") == "ATT":
            target = (changed.t == treated).astype(np.float64)
        aim = share * target / (share @ target)
        mean = Q.T @ aim
        slopes = np.zeros(Q.shape[1])
        scores = np.zeros(len(Q))
        for arm, sign in ((treated, 1.0), (control, -1.0)):
            rows = np.flatnonzero(changed.t == arm)
            q, y = Q[rows], changed.y[rows]
            weighted = share[rows, None] * q
            gram = weighted.T @ q
            if len(rows) < 2 or not _solvable(gram / max(float(share[rows].sum()), 1e-300)):
                return None
            solved = np.linalg.solve(gram, np.column_stack([weighted.T @ y, mean]))
            slopes += sign * solved[:, 0]
            scores[rows] = sign * (q @ solved[:, 1]) * (y - q @ solved[:, 0])
        gains = Q @ slopes
        value = float(aim @ gains)
        scores += target * (gains - value) / float(share @ target)
        return self._result(changed, value, scores, 2 * Q.shape[1])

    def _result(self, changed: Problem, value: float, scores: FloatArray, k: int) -> Result:
        corrected = getattr(self.estimator, "covariance", "HC1") == "HC1"
        influence = self.estimator.influence(changed, scores, k if corrected else 0)
        return value, standard_error(influence, changed.groups)


def linear_refits(effect: Effect) -> LinearRefits | None:
    """Prepare the effect's estimator, or return None if it is no linear model of this kind."""
    estimator, problem = effect.estimator, effect.problem
    if problem is None or type(problem) is not Problem or not _plain(estimator, problem):
        return None
    linear = cast("OLS | GComputation", estimator)
    w = problem.weights
    try:
        columns = standardised(expanded(linear.features, problem), w)
        with_intercept = np.hstack([np.ones((problem.n_obs, 1)), columns])
        if isinstance(estimator, OLS) and problem.levels is None:
            low, high = estimator.contrast or (0.0, 1.0)
            unit = float(high) - float(low)
        else:
            unit = 1.0 if contrast_of(problem, linear.contrast) == (0, 1) else -1.0
        Q = with_intercept @ basis_of(with_intercept, w).into
    except (CausalkitError, ValueError, TypeError, np.linalg.LinAlgError):
        return None
    row = np.arange(problem.n_obs, dtype=np.float64)
    light = problem.replace(X=np.empty((problem.n_obs, 0)), adjustment=(), supplied={"row": row})
    by_arm = isinstance(linear, GComputation) and linear.interactions
    return LinearRefits(linear, problem, light, np.ascontiguousarray(Q), by_arm, unit)


def _plain(estimator: EffectEstimator | None, problem: Problem) -> bool:
    """Whether it is a linear model with one treatment column and independent rows or clusters."""
    if problem.steps is not None or problem.kind == "categorical":
        return False
    inference: Any = getattr(estimator, "inference", None)
    if inference is not None and type(inference) not in (Asymptotic, Bootstrap):
        return False
    if problem.groups is not None and problem.groups.ndim != 1:
        return False
    if type(estimator) is OLS:
        return estimator.contrast != "each" and estimator.covariance in ("HC0", "HC1")
    if type(estimator) is GComputation:
        gaussian = estimator.family == "gaussian" or (
            estimator.family == "auto" and not problem.binary_outcome
        )
        return gaussian and problem.kind == "binary" and estimator.contrast != "each"
    return False


def _orthonormal(columns: FloatArray, weights: FloatArray) -> FloatArray | None:
    """Columns that are close to orthonormal, made so; None if they are not close."""
    share = weights / weights.sum()
    scale = np.sqrt(share @ columns**2)
    if not (scale > 0).all():
        return None
    columns = columns / scale
    gram = (share[:, None] * columns).T @ columns
    if not _solvable(gram):
        return None
    root = np.linalg.cholesky(gram)
    result: FloatArray = columns @ np.linalg.inv(root).T
    return result


def _solvable(gram: FloatArray) -> bool:
    eigenvalues = np.linalg.eigvalsh(gram)
    return bool(eigenvalues[0] > LEAST_EIGENVALUE * eigenvalues[-1])


def changed_all(
    refits: LinearRefits, change: Any, streams: Sequence[np.random.Generator]
) -> list[Result | None]:
    """Estimate on every changed copy, in order; None where the estimator has to do it.

    An arm that is not there, or has one row, is refused by the estimator, and so left to it.
    """
    found: list[Result | None] = []
    for stream in streams:
        changed = change(refits.light, stream)
        found.append(refits.solve(changed) if _both_arms(changed) else None)
    return found


def _both_arms(problem: Problem) -> bool:
    if problem.levels is None:
        return True
    weighted: IntArray = np.bincount(
        problem.t.astype(np.intp), weights=problem.weights > 0, minlength=2
    )
    return bool((weighted >= 2).all())
