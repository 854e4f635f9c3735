"""Adjustment by regression: `OLS` and `GComputation`.

:class:`OLS` reads the effect off one coefficient: y = α + θ t + f(X)'β + ε. It is exact where the
effect is the same for everybody and f is rich enough; where effects differ it is an average that
weights rows by how unpredictable their treatment is.

:class:`GComputation` fits E[y | t, X] and averages its predictions under each treatment over the
rows (the *g-formula*). With interactions, its default, effects may differ with X; with a link
(logit, log) so may their scale.

What f contains is said with a transformer, `features=Powers(2)` or any of scikit-learn's.

References
----------
White (1980), "A heteroskedasticity-consistent covariance matrix estimator and a direct test for
heteroskedasticity", Econometrica 48, 817-838. doi:10.2307/1912934
MacKinnon & White (1985), "Some heteroskedasticity-consistent covariance matrix estimators with
improved finite sample properties", J. Econometrics 29, 305-325. doi:10.1016/0304-4076(85)90158-7
Robins (1986), "A new approach to causal inference in mortality studies with a sustained exposure
period: application to control of the healthy worker survivor effect", Mathematical Modelling 7,
1393-1512. doi:10.1016/0270-0255(86)90088-6
Lin (2013), "Agnostic notes on regression adjustments to experimental data: reexamining Freedman's
critique", Annals of Applied Statistics 7, 295-318. doi:10.1214/12-AOAS583
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit._core.checks import check_choice
from causalkit.errors import InputError, NumericalError
from causalkit.estimation._glm import (
    FAMILIES,
    Fit,
    basis_of,
    fit_glm,
    idle_columns,
    idle_note,
    standardised,
)
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import contrast_in_words, contrast_of
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem, explained_away
from causalkit.typing import FloatArray

__all__ = ["OLS", "GComputation"]

_COVARIANCES = ("HC0", "HC1", "HC2", "HC3")


class OLS(EffectEstimator):
    """Linear regression of the outcome on treatment and adjustment columns.

    Parameters
    ----------
    features : transformer, optional
        Expands the adjustment columns, e.g. `Powers(2)` or `PolynomialFeatures(2)`.
    contrast : (control, treated) or "each", optional
        Levels to compare; needed for more than two. For a continuous treatment, two values: the
        effect is then that of moving from one to the other, not of one unit.
    covariance : {"HC1", "HC0", "HC2", "HC3"}
        Heteroskedasticity-robust standard error: n/(n−k), none, or leverage-corrected.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the outcome is linear in the treatment and in the features;
    - the effect does not vary with the adjustment columns, else the result is a weighted average.

    Collinear adjustment columns do no harm, and a note of the effect names them. A treatment that
    is itself a linear combination of them is refused.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(500, 1))
    >>> t = Z[:, 0] + rng.normal(size=500)
    >>> y = 2 * t + 3 * Z[:, 0] + rng.normal(size=500)
    >>> effect = OLS().fit(Z, y, t=t).effect_
    >>> bool(2 in effect.interval(0.99))
    True
    """

    def __init__(
        self,
        *,
        features: Any = None,
        contrast: tuple[object, object] | str | None = None,
        covariance: str = "HC1",
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.features = features
        self.contrast = contrast
        self.covariance = covariance
        self.inference = inference

    def _method(self) -> str:
        return f"OLS, {getattr(self.inference, 'words', self.covariance)} standard error"

    def _check(self, problem: Problem) -> None:
        super()._check(problem)
        check_choice(self.covariance, "covariance", _COVARIANCES)
        if problem.groups is not None and self.covariance in ("HC2", "HC3"):
            raise InputError(
                f"covariance={self.covariance!r} is for independent rows, but clusters were given. "
                'Use covariance="HC1", whose clustered form has the usual small-sample factor.'
            )

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        w, y = problem.weights, problem.y
        T, c, contrast = _treatment_columns(problem, self.contrast)
        size = np.abs(T).max(axis=0)  # in these units squares neither overflow nor vanish
        T, c = T / size, c / size
        X = _with_intercept(expanded(self.features, problem), w)
        # Frisch-Waugh-Lovell: what X explains of treatment and outcome is taken out of both.
        Q = X @ basis_of(X, w).into
        share = w / w.sum()
        V = T - Q @ (Q.T @ (share[:, None] * T))
        u = y - Q @ (Q.T @ (share * y))
        gram = (share[:, None] * V).T @ V
        variances = np.average((T - np.average(T, axis=0, weights=w)) ** 2, axis=0, weights=w)
        left = float(np.linalg.eigvalsh(gram / np.sqrt(np.outer(variances, variances)))[0])
        if not left > 1e-11:
            raise explained_away(problem.treatment, len(y), X.shape[1])
        coefficients = np.linalg.solve(gram, V.T @ (share * u))
        residuals = u - V @ coefficients
        pull = V @ np.linalg.solve(gram, c)
        k = Q.shape[1] + T.shape[1]
        scores = pull * residuals
        if self.covariance in ("HC2", "HC3"):
            scores = scores / self._shrinkage(problem, Q, V, gram)
        return Solution(
            value=float(c @ coefficients),
            scores=scores,
            n_parameters=k if self.covariance == "HC1" else 0,
            df=max(self.count(problem) - k, 1),
            details={
                "contrast": contrast,
                "n_coefficients": k,
                "covariance": self.covariance,
                "notes": self._idle(problem, X, Q),
            },
        )

    def _idle(self, problem: Problem, X: FloatArray, Q: FloatArray) -> tuple[str, ...]:
        """Name adjustment columns that follow from the others (and a constant)."""
        if Q.shape[1] == X.shape[1] or self.features is not None:
            return ()
        names = [problem.adjustment[k - 1] for k in idle_columns(X, problem.weights) if k]
        return idle_note(names, "the other columns adjusted for")

    def _shrinkage(
        self, problem: Problem, Q: FloatArray, V: FloatArray, gram: FloatArray
    ) -> FloatArray:
        """Root of 1 − leverage (HC2), or 1 − leverage (HC3)."""
        w = problem.weights
        leverage = (Q**2).sum(axis=1) + (V * np.linalg.solve(gram, V.T).T).sum(axis=1)
        inference = self._inference()
        repeated = isinstance(inference, Asymptotic) and inference.weights == "frequency"
        left = 1 - leverage * (1 if repeated else w) / w.sum()
        if (left[w > 0] < 1e-10).any():
            raise NumericalError(
                f"{int((left < 1e-10).sum())} row(s) are fitted without error, so "
                f"{self.covariance} divides by zero. Use covariance='HC1', or fewer columns."
            )
        shrinkage: FloatArray = np.where(w > 0, left, 1.0)
        return np.sqrt(shrinkage) if self.covariance == "HC2" else shrinkage


class GComputation(EffectEstimator):
    """Predict the outcome under each treatment for every row, and average the difference.

    Parameters
    ----------
    family : {"auto", "gaussian", "binomial", "poisson"}
        Identity, logit or log link. "auto" is binomial for an outcome of zeros and ones, gaussian
        otherwise; counts have to say "poisson".
    interactions : bool
        Whether the effect may vary with the features (treatment × feature terms).
    features : transformer, optional
        Expands the adjustment columns.
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated.
    contrast : (control, treated) or "each", optional
        Levels, or two values of a continuous treatment. Without it a continuous treatment has its
        average derivative: the effect of a small change, per unit.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the outcome model is right (the variance estimate survives if not, the effect may not);
    - every row could have had either treatment, or the model extrapolates well.

    The standard error is that of the M-estimator of model and average together. It includes that
    the rows are a sample, which the delta method "at fixed covariates" leaves out.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(1000, 1))
    >>> t = (Z[:, 0] + rng.normal(size=1000) > 0).astype(int)
    >>> y = t * (1 + Z[:, 0]) + rng.normal(size=1000)
    >>> effect = GComputation().fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    def __init__(
        self,
        *,
        family: str = "auto",
        interactions: bool = True,
        features: Any = None,
        target: str = "ATE",
        contrast: tuple[object, object] | str | None = None,
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.family = family
        self.interactions = interactions
        self.features = features
        self.target = target
        self.contrast = contrast
        self.inference = inference

    def _method(self) -> str:
        model = "" if self.family == "auto" else f", {self.family} model"
        return f"g-computation{model}, {self.target}"

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        w, name = problem.weights, self._family(problem)
        # Least squares are computed in units of the largest value, so that squares stay finite.
        unit = float(np.abs(problem.y).max()) if name == "gaussian" else 1.0
        Z = standardised(expanded(self.features, problem), w)
        T, c, contrast = _treatment_columns(problem, self.contrast)
        fit = fit_glm(
            self._design(T, Z),
            problem.y / unit,
            FAMILIES[name],
            w,
            what=f"outcome {problem.outcome!r}",
            advice="Set interactions=False, use fewer columns, or family='gaussian'.",
        )
        if problem.levels is None and self.contrast is None:
            gains, gradients = self._derivative(fit, T, Z)
            contrast = f"average derivative by {problem.treatment}"
        else:
            gains, gradients = self._difference(fit, problem, c, Z)
        target = np.ones(problem.n_obs)
        if self.target == "ATT":
            target = (problem.t == contrast_of(problem, self.contrast)[1]).astype(np.float64)
        share = w * target / (w @ target)
        value = float(share @ gains)
        scores = target * (gains - value) * (w.sum() / (w @ target)) + fit.influence @ (
            share @ gradients
        )
        details = {"contrast": contrast, "family": name, "n_coefficients": fit.basis.rank}
        return Solution(unit * value, unit * scores, fit.basis.rank, details)

    def _design(self, T: FloatArray, Z: FloatArray) -> FloatArray:
        """Intercept, features, treatment, and their products."""
        blocks = [np.ones((len(T), 1)), Z, T]
        if self.interactions:
            blocks += [T[:, [m]] * Z for m in range(T.shape[1])]
        return np.hstack(blocks)

    def _difference(
        self, fit: Fit, problem: Problem, c: FloatArray, Z: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """μ(treated) − μ(control) for each row, and its gradient in the coefficients."""
        means, gradients = [], []
        for setting in _settings(problem, self.contrast, c):
            T = np.tile(setting, (problem.n_obs, 1))
            D = fit.into_basis(self._design(T, Z), what="the outcome under each treatment")
            eta = D @ fit.coefficients
            means.append(fit.family.mean(eta))
            gradients.append(fit.family.slope(eta)[:, None] * D)
        return means[1] - means[0], gradients[1] - gradients[0]

    def _derivative(self, fit: Fit, T: FloatArray, Z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """∂μ/∂t for each row, and its gradient in the coefficients."""
        D = fit.into_basis(self._design(T, Z), what="the outcome")
        slopes = self._design(np.ones_like(T), Z) - self._design(np.zeros_like(T), Z)
        S = fit.into_basis(slopes, what="the derivative by the treatment")
        eta, slope = D @ fit.coefficients, S @ fit.coefficients
        first, second = fit.family.slope(eta), fit.family.curve(eta)
        return first * slope, first[:, None] * S + (second * slope)[:, None] * D

    def _family(self, problem: Problem) -> str:
        check_choice(self.family, "family", ("auto", *FAMILIES))
        if self.family == "auto":
            return "binomial" if problem.binary_outcome else "gaussian"
        if self.family == "binomial" and not problem.binary_outcome:
            raise InputError(
                f"family='binomial' needs an outcome of zeros and ones; {problem.outcome!r} has "
                "other values. Recode it, or use family='gaussian'."
            )
        if self.family == "poisson" and (problem.y < 0).any():
            raise InputError(
                f"family='poisson' needs an outcome that is never negative; {problem.outcome!r} is "
                "in some rows. Use family='gaussian'."
            )
        return self.family


def _treatment_columns(problem: Problem, contrast: object) -> tuple[FloatArray, FloatArray, str]:
    """Treatment columns, the combination of their coefficients, and the contrast in words."""
    name, levels = problem.treatment, problem.levels
    if levels is None:
        if contrast is None:
            return problem.t[:, None], np.ones(1), contrast_in_words(problem)
        low, high = _values(problem, contrast)
        return problem.t[:, None], np.array([high - low]), f"{name}: {high:g} versus {low:g}"
    control, treated = contrast_of(problem, contrast)
    T = (problem.t[:, None] == np.arange(1, len(levels))).astype(np.float64)
    present = T.any(axis=0)
    c = np.zeros(len(levels))
    c[treated], c[control] = 1.0, -1.0
    return T[:, present], c[1:][present], contrast_in_words(problem, (control, treated))


def _settings(problem: Problem, contrast: object, c: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Treatment columns under control and under treatment."""
    if problem.levels is None:
        low, high = _values(problem, contrast)
        return np.array([low]), np.array([high])
    return (c < 0).astype(np.float64), (c > 0).astype(np.float64)


def _values(problem: Problem, contrast: object) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in contrast)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(
            f"contrast={contrast!r}; {problem.treatment!r} is continuous, so expected two numbers "
            "(from, to), or None for the effect of one unit."
        ) from None
    return low, high


def _with_intercept(X: FloatArray, weights: FloatArray) -> FloatArray:
    return np.hstack([np.ones((len(X), 1)), standardised(X, weights)])
