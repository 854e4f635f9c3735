"""What adjustment leaves over of outcome and treatment: the scale of all hidden bias.

The bias that a hidden common cause can do scales with S² = σ²·ν², where σ² is the variance of the
outcome left over after treatment and adjustment, and ν² = E[α²] is the size of the weights α
(Riesz representer) that turn outcomes into the effect:

=================  ==========================================  =====================================
effect             α                                           leftovers come from
=================  ==========================================  =====================================
OLS                v / E[v²], v = t − linear in X              the same linear regression (exact)
PLR                v / E[v²], v = t − m(X)                     its cross-fitted predictions
AIPW               D₁/m₁ − D₀/m₀ (treated: D₀m₁/m₀p;           its cross-fitted predictions
                   overlap: (D₁ − m₁)/E[m₁m₀])
PotentialOutcomes  D/m of the level                            its cross-fitted predictions
any other          as OLS                                      a linear regression (approximation)
=================  ==========================================  =====================================

Effects that rest on instruments are challenged through their reduced form, see
:mod:`~causalkit.refutation.reduced_forms`. Nothing is derived for quantiles, curves, mediators,
panels and selection: those are refused, not approximated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.features import expanded
from causalkit.estimation.orthogonal.dose_response import DoseResponse
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from causalkit.estimation.orthogonal.quantiles import QuantileEffects
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.typing import FloatArray

__all__ = [
    "APPROXIMATE",
    "REDUCED",
    "Leftovers",
    "formula_of",
    "leftovers_of",
    "linear_leftovers",
    "not_derived",
]

EXACT, PARTIAL, INTERACTIVE, APPROXIMATE = (
    "exact for this linear regression (Cinelli & Hazlett 2020)",
    "partially linear model, cross-fitted (Chernozhukov et al. 2022)",
    "interactive model, cross-fitted (Chernozhukov et al. 2022)",
    "linear approximation: S is taken from a linear regression, estimate and s.e. are the effect's",
)


REDUCED = "reduced form"
"""How the formula of an effect by an instrument begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Leftovers:
    """What adjustment leaves over.

    Attributes
    ----------
    sigma2 : float
        Variance of the outcome given treatment and columns.
    nu2 : float
        Second moment of the Riesz representer.
    sigma2_scores, nu2_scores : ndarray of shape (n,)
        Influence of each row on the two, were it unweighted.
    treatment : float
        Variance of the treatment given the columns.
    df : int
        Rows less coefficients of a linear regression; 0 for other methods.
    """

    sigma2: float
    nu2: float
    sigma2_scores: FloatArray
    nu2_scores: FloatArray
    treatment: float
    df: int = 0

    @property
    def scale(self) -> float:
        """S = σν."""
        return float(np.sqrt(max(self.sigma2 * self.nu2, 0.0)))

    @property
    def scale_influence(self) -> FloatArray:
        """Influence of each unweighted row on S: dS = (σ² dν² + ν² dσ²) / 2S."""
        scale = self.scale
        if scale == 0:
            return np.zeros_like(self.sigma2_scores)
        return (self.sigma2 * self.nu2_scores + self.nu2 * self.sigma2_scores) / (2 * scale)


def leftovers_of(effect: Effect) -> Leftovers:
    """What the effect's adjustment leaves over, by the rows of the module's table."""
    problem = problem_of(effect)
    predictions: Mapping[str, Any] = effect.details.get("predictions", {})
    if isinstance(effect.estimator, PLR) and predictions:
        return _partiallylinear_leftovers(effect, problem, predictions)
    if isinstance(effect.estimator, AIPW) and predictions:
        if effect.estimator.target == "ATO":
            return _overlap_weighted(effect.estimator, problem, predictions)
        return _interactive(effect.estimator, problem, predictions)
    if isinstance(effect.estimator, PotentialOutcomes) and predictions:
        return _one_level(effect.estimator, problem, predictions)
    return linear_leftovers(effect, problem, problem.X)


def not_derived(effect: Effect) -> str:
    """Why there is no bound for this kind of effect, and what to use; empty if there is one."""
    problem = problem_of(effect)
    if problem.others:
        roles = ", ".join(problem.others)
        return (
            f"The effect rests on columns with roles of their own ({roles}), and no bound is "
            f"derived for {effect.method}. Use NegativeControlOutcome; of an effect by several "
            "instruments, challenge one at a time."
        )
    if isinstance(effect.estimator, (DoseResponse, QuantileEffects)):
        return (
            f"The effect is no average of outcomes that a bound is derived for ({effect.method}). "
            "Challenge the average effect: AIPW, or PLR for a dose."
        )
    return ""


# --- leftovers -----------------------------------------------------------------------------------


def linear_leftovers(effect: Effect, problem: Problem, X: FloatArray) -> Leftovers:
    """Leftovers of a weighted linear regression with intercept."""
    w = problem.weights / problem.weights.mean()
    d, others = _treatment(effect, problem)
    features = expanded(
        getattr(effect.estimator, "features", None),
        problem.replace(X=X, adjustment=("",) * X.shape[1]),
    )
    design = np.hstack([np.ones((problem.n_obs, 1)), _scaled(features), others])
    v, rank = _residual(design, d, w)
    u, _ = _residual(design, problem.y, w)
    e, _ = _residual(v[:, None], u, w)
    variance = float(np.mean(w * v**2))
    df = int(estimator_of(effect).count(problem)) - rank - 1
    if df < 2:
        raise InputError(
            f"{problem.n_obs} rows leave {df} degrees of freedom after {rank + 1} coefficients; "
            "expected at least 2. Adjust for fewer columns."
        )
    if not variance > 1e-12 * np.var(d):
        raise InputError(
            f"nothing of treatment {problem.treatment!r} is left over after adjustment; expected "
            "treatment that varies given the columns. Adjust for fewer."
        )
    return _from_residuals(e, v, w, df=df)


def _partiallylinear_leftovers(
    effect: Effect, problem: Problem, predictions: Mapping[str, FloatArray]
) -> Leftovers:
    w = problem.weights / problem.weights.mean()
    v = problem.t - predictions["treatment"]
    return _from_residuals(problem.y - predictions["outcome"] - effect.value * v, v, w)


def _from_residuals(e: FloatArray, v: FloatArray, w: FloatArray, df: int = 0) -> Leftovers:
    """σ² = E e² and ν² = 1 / E v²."""
    sigma2, left = float(np.mean(w * e**2)), float(np.mean(w * v**2))
    nu2 = 1 / left
    return Leftovers(sigma2, nu2, e**2 - sigma2, nu2 - nu2**2 * v**2, left, df)


def _interactive(
    estimator: AIPW, problem: Problem, predictions: Mapping[str, FloatArray]
) -> Leftovers:
    """σ² over the arms, and ν² = E[2 m(W, α) − α²], which is E α² without its first-order error.

    For the effect on the treated only the outcome of the *controls* is modelled, so that a hidden
    cause can do harm there alone: shares are of what is left over among the controls.
    """
    w = problem.weights / problem.weights.mean()
    control, treated = contrast_of(problem, estimator.contrast)
    in_control, in_treated = (problem.t == code for code in (control, treated))
    p1, p0 = (
        np.clip(predictions["treatment"][:, code], estimator.clip, 1 - estimator.clip)
        for code in (treated, control)
    )
    if problem.kind == "binary":
        p0 = 1 - p1
    e = in_control * (problem.y - predictions["outcome_control"])
    if estimator.target == "ATT":
        share = float(np.mean(w * in_treated))
        alpha = in_control * p1 / p0 / share
        moment = in_treated * p1 / p0 / share**2
    else:
        alpha = in_treated / p1 - in_control / p0
        moment = 1 / p1 + 1 / p0
        e = e + in_treated * (problem.y - predictions["outcome_treated"])
    sigma2 = float(np.mean(w * e**2))
    size = 2 * moment - alpha**2
    nu2 = float(np.mean(w * size))
    if not nu2 > 0:
        # Happens with wild propensities only; the plain second moment is positive always.
        size = alpha**2
        nu2 = float(np.mean(w * size))
    missed = float(np.mean(w * ((in_treated - p1) ** 2 + (in_control - p0) ** 2)))
    return Leftovers(sigma2, nu2, e**2 - sigma2, size - nu2, missed)


def _overlap_weighted(
    estimator: AIPW, problem: Problem, predictions: Mapping[str, FloatArray]
) -> Leftovers:
    """α = v / E[v²] with v = D₁ − e among the two arms, the weights e(1 − e) held as they are."""
    w = problem.weights / problem.weights.mean()
    control, treated = contrast_of(problem, estimator.contrast)
    in_control, in_treated = (problem.t == code for code in (control, treated))
    chances = [predictions["treatment"][:, code] for code in (control, treated)]
    e = chances[1] / np.maximum(chances[0] + chances[1], np.finfo(np.float64).tiny)
    left = in_control * (problem.y - predictions["outcome_control"])
    left = left + in_treated * (problem.y - predictions["outcome_treated"])
    return _from_residuals(left, (in_control | in_treated) * (in_treated - e), w)


def _one_level(
    estimator: PotentialOutcomes, problem: Problem, predictions: Mapping[str, FloatArray]
) -> Leftovers:
    """α = D / m. A hidden cause can do harm where the level is: shares are of what is left there.

    Of the error in E[Y(a)], that is; rows at other levels are asked for, not used.
    """
    w = problem.weights / problem.weights.mean()
    levels = problem.levels or ()
    code = levels.index(estimator.level)
    inside = (problem.t == code).astype(np.float64)
    p = np.clip(predictions["treatment"][:, code], estimator.clip, 1 - estimator.clip)
    e = inside * (problem.y - predictions[f"outcome_{estimator.level}"])
    sigma2, size = float(np.mean(w * e**2)), 2 / p - (inside / p) ** 2
    if not float(np.mean(w * size)) > 0:
        size = (inside / p) ** 2  # as for the interactive model: positive always
    nu2, missed = float(np.mean(w * size)), float(np.mean(w * (inside - p) ** 2))
    return Leftovers(sigma2, nu2, e**2 - sigma2, size - nu2, missed)


# --- small arithmetic ----------------------------------------------------------------------


def problem_of(effect: Effect) -> Problem:
    """Return the arrays of the effect."""
    if effect.problem is None:
        raise InputError("the effect carries no data; expected one from estimate() or fit().")
    return effect.problem


def estimator_of(effect: Effect) -> EffectEstimator:
    """Return the estimator of the effect."""
    if effect.estimator is None:
        raise InputError("the effect has no estimator; expected one from estimate() or fit().")
    return effect.estimator


def _treatment(effect: Effect, problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Treatment column of the contrast, scaled so that its coefficient is the effect; and the rest.

    With several levels the indicators of those not compared are adjusted for, as OLS does.
    """
    contrast = getattr(effect.estimator, "contrast", None)
    none = np.empty((problem.n_obs, 0))
    if problem.levels is not None:
        control, treated = contrast_of(problem, contrast)
        codes = [k for k in range(len(problem.levels)) if k not in (control, treated)]
        others = (problem.t[:, None] == np.array(codes)).astype(np.float64) if codes else none
        return (problem.t == treated).astype(np.float64), others
    if contrast is None:
        return problem.t, none
    low, high = contrast
    return problem.t / (high - low), none


def _residual(design: FloatArray, target: FloatArray, w: FloatArray) -> tuple[FloatArray, int]:
    """Residual of a weighted regression, and the rank of the design."""
    root = np.sqrt(w)
    coefficients, _, rank, _ = np.linalg.lstsq(root[:, None] * design, root * target, rcond=None)
    return target - design @ coefficients, int(rank)


def _scaled(X: FloatArray) -> FloatArray:
    spread = X.std(axis=0)
    scaled: FloatArray = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def formula_of(effect: Effect) -> str:
    """Which arithmetic applies, in words."""
    if isinstance(effect.estimator, OLS):
        return EXACT
    if effect.details.get("predictions"):
        if isinstance(effect.estimator, PLR):
            return PARTIAL
        if isinstance(effect.estimator, (AIPW, PotentialOutcomes)):
            return INTERACTIVE
    return APPROXIMATE
