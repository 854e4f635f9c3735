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

from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from causalkit.errors import CausalkitError
from causalkit.estimation._glm import basis_of, standardised
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS, GComputation
from causalkit.typing import FloatArray

__all__ = ["LinearRefits", "prepare_linear"]

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
    t_left, y_left : ndarray of shape (n,)
        What they leave of treatment and outcome.
    by_arm : bool
        Whether there is a regression in either arm, rather than one.
    unit : float
        What the coefficient of the treatment is multiplied by.
    """

    estimator: OLS | GComputation
    problem: Problem
    light: Problem
    Q: FloatArray
    t_left: FloatArray
    y_left: FloatArray
    by_arm: bool
    unit: float

    def solve(self, changed: Problem) -> Result | None:
        """Value and standard error on the changed light problem; None if it has to be refitted."""
        if not _both_arms(changed):
            return None  # refused by the estimator, in its own words
        whole, added = changed.n_obs == len(self.Q), changed.X.shape[1]
        if self.estimator.features is not None and (added or not whole):
            return None  # the features of other columns or rows may be others
        if self.by_arm:
            of_two_values = not whole and changed.binary_outcome
            return None if of_two_values else self._in_arms(changed)
        leftovers = self._after_columns(changed) if whole else self._in_rows(changed)
        if leftovers is None:
            return None
        v, u = leftovers
        share = _share(changed)
        pull, spread = share * v, changed.t - share @ changed.t
        left = float(pull @ v)
        if not left > LEAST_LEFT * float((share * spread) @ spread):
            return None
        theta = float(pull @ u) / left
        u -= theta * v
        u *= v
        n_coefficients = self.Q.shape[1] + added + 1
        return self._result(changed, self.unit * theta, u * (self.unit / left), n_coefficients)

    def _after_columns(self, changed: Problem) -> tuple[FloatArray, FloatArray] | None:
        """What all rows' columns, and those added, leave of treatment and outcome."""
        v, u = self._left(changed.t), self._left(changed.y)
        share = _share(changed)
        for column in changed.X.T:
            r = self._left(column)
            pull = share * r
            size = float(pull @ r)
            if not size > LEAST_LEFT * float(share @ column**2):
                return None
            v -= r * (float(pull @ v) / size)
            u -= r * (float(pull @ u) / size)
        return v, u

    def _left(self, column: FloatArray) -> FloatArray:
        """What the basis leaves of a column of all rows."""
        if column is self.light.t:
            return self.t_left.copy()
        if column is self.light.y:
            return self.y_left.copy()
        return column - self.Q @ (self.Q.T @ (_share(self.light) * column))

    def _in_rows(self, changed: Problem) -> tuple[FloatArray, FloatArray] | None:
        """What the columns leave of treatment and outcome among some of the rows."""
        rows = changed.supplied["row"].astype(np.intp)
        q, share = self.Q[rows], _share(changed)
        both = np.column_stack([self.t_left[rows], self.y_left[rows]])
        weighted = share[:, None] * q
        gram = weighted.T @ q
        if not _solvable(gram):
            return None
        left = both.T - np.linalg.solve(gram, weighted.T @ both).T @ q.T
        return left[0], left[1]

    def _in_arms(self, changed: Problem) -> Result | None:
        """A regression in either arm, averaged over everyone or over the treated."""
        basis, share, y = self._basis(changed), _share(changed), changed.y
        if basis is None:
            return None
        Q, gram = basis
        in_treated = changed.t == contrast_of(changed, self.estimator.contrast)[1]
        target = np.ones(len(Q))
        if getattr(self.estimator, "target", "ATE") == "ATT":
            target = in_treated.astype(np.float64)
        aim = share * target / (share @ target)
        # Products among the treated; those among the controls are what is left of all.
        rows = np.flatnonzero(in_treated)
        q = Q[rows]
        weighted = share[rows, None] * q
        grams = [weighted.T @ q]
        moments = [weighted.T @ y[rows]]
        grams.append(gram - grams[0])
        moments.append(Q.T @ (share * y) - moments[0])
        if not all(_solvable(one) for one in grams):
            return None
        mean = Q.T @ aim
        solved = [
            np.linalg.solve(one, np.column_stack([moment, mean]))
            for one, moment in zip(grams, moments, strict=True)
        ]
        treated, pull, control, counter = np.hstack(solved).T @ Q.T
        value = float(aim @ (treated - control))
        scores = np.where(in_treated, pull * (y - treated), counter * (control - y))
        scores += target * (treated - control - value) / float(share @ target)
        return self._result(changed, value, scores, 2 * Q.shape[1])

    def _basis(self, changed: Problem) -> tuple[FloatArray, FloatArray] | None:
        """Intercept and columns of the changed problem, well-conditioned, and their products."""
        if changed.n_obs != len(self.Q):
            Q: FloatArray = self.Q[changed.supplied["row"].astype(np.intp)]
            gram = (_share(changed)[:, None] * Q).T @ Q
            return (Q, gram) if _solvable(gram) else None
        if not changed.X.shape[1]:
            return self.Q, np.eye(self.Q.shape[1])
        added = np.column_stack([self._left(column) for column in changed.X.T])
        gram = np.eye(self.Q.shape[1] + added.shape[1])
        gram[self.Q.shape[1] :, self.Q.shape[1] :] = (_share(changed)[:, None] * added).T @ added
        return np.hstack([self.Q, added]), gram

    def _result(self, changed: Problem, value: float, scores: FloatArray, k: int) -> Result | None:
        corrected = getattr(self.estimator, "covariance", "HC1") == "HC1"
        influence = self.estimator.influence(changed, scores, k if corrected else 0)
        std_error = self.estimator.spread(influence, changed)[0]
        return (value, std_error) if np.isfinite(value) and np.isfinite(std_error) else None


def prepare_linear(effect: Effect) -> LinearRefits | None:
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
            low, high = cast("tuple[Any, Any]", estimator.contrast or (0.0, 1.0))
            unit = float(high) - float(low)
        else:
            unit = 1.0 if contrast_of(problem, linear.contrast) == (0, 1) else -1.0
        Q = with_intercept @ basis_of(with_intercept, w).into
    except (CausalkitError, ValueError, TypeError, np.linalg.LinAlgError):
        return None
    row = np.arange(problem.n_obs, dtype=np.float64)
    light = problem.replace(X=np.empty((problem.n_obs, 0)), adjustment=(), supplied={"row": row})
    by_arm = isinstance(linear, GComputation) and linear.interactions
    share = w / w.sum()
    t_left, y_left = (column - Q @ (Q.T @ (share * column)) for column in (problem.t, problem.y))
    return LinearRefits(
        linear, problem, light, np.ascontiguousarray(Q), t_left, y_left, by_arm, unit
    )


def _plain(estimator: EffectEstimator | None, problem: Problem) -> bool:
    """Whether it is a linear model with one treatment column and independent rows or clusters."""
    if problem.steps is not None or problem.kind == "categorical":
        return False
    inference: Any = getattr(estimator, "inference", None)
    if inference is not None and type(inference) not in (Asymptotic, Bootstrap):
        return False
    if type(estimator) is OLS:
        return estimator.contrast != "each" and estimator.covariance in ("HC0", "HC1")
    if type(estimator) is GComputation:
        gaussian = estimator.family == "gaussian" or (
            estimator.family == "auto" and not problem.binary_outcome
        )
        return gaussian and problem.kind == "binary" and estimator.contrast != "each"
    return False


def _share(problem: Problem) -> FloatArray:
    """Weight of each row in an average."""
    if problem.sample_weight is None:
        return np.full(problem.n_obs, 1 / problem.n_obs)
    share: FloatArray = problem.sample_weight / problem.sample_weight.sum()
    return share


def _solvable(gram: FloatArray) -> bool:
    eigenvalues = np.linalg.eigvalsh(gram)
    return bool(eigenvalues[0] > LEAST_EIGENVALUE * eigenvalues[-1])


def _both_arms(problem: Problem) -> bool:
    if problem.levels is None:
        return True
    treated = problem.t > 0
    if problem.sample_weight is not None:
        treated = treated[problem.sample_weight > 0]
    return 2 <= int(np.count_nonzero(treated)) <= len(treated) - 2
