"""`EntropyBalancing` and `CBPS`: weights chosen for the balance they give.

:class:`~causalkit.estimation.IPW` models the propensity and hopes that its inverse balances the
arms. Here balance is what is asked for: the weights are those that give the adjustment columns the
same means in both arms, and the propensity is what follows.

* :class:`EntropyBalancing` weights each arm to the means of everyone (ATE), or the controls to the
  means of the treated (ATT), and of all weights that do so takes the most even ones. It is doubly
  robust: right if the outcome is linear in the features, or the log odds of treatment are.
* :class:`CBPS` fits the logistic propensity by balance instead of likelihood. For the treated both
  have the same weights.

References
----------
Hainmueller (2012), "Entropy balancing for causal effects: a multivariate reweighting method to
produce balanced samples in observational studies", Political Analysis 20, 25-46.
doi:10.1093/pan/mpr025
Imai & Ratkovic (2014), "Covariate balancing propensity score", JRSS B 76, 243-263.
doi:10.1111/rssb.12027
Zhao & Percival (2017), "Entropy balancing is doubly robust", J. Causal Inference 5(1).
doi:10.1515/jci-2016-0010
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from causalkit.estimation._glm import standardised
from causalkit.estimation.base import EffectEstimator, Solution
from causalkit.estimation.contrasts import Arms, contrast_in_words
from causalkit.estimation.features import expanded
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.calibration import (
    calibrate,
    covariate_loss,
    entropy_loss,
    exponential,
)
from causalkit.typing import FloatArray

__all__ = ["CBPS", "EntropyBalancing", "balanced_solution", "entropy_weighted"]

_LEAST_EFFECTIVE = 0.1


class EntropyBalancing(EffectEstimator):
    """Weights that balance the adjustment columns exactly, as even as can be.

    Parameters
    ----------
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated.
    contrast : (control, treated) or "each", optional
        Levels to compare; needed for more than two.
    features : transformer, optional
        Expands the columns: what it returns is balanced, e.g. `Powers(2)` for variances too.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the mean outcome of each arm is linear in the features, or the log odds of treatment are (for
      everyone's average: the log of the inverse propensity);
    - every row could have had either treatment.

    The standard error is that of weights and means together; it is the one of a doubly robust
    estimator whose outcome regression uses the same features and weights.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(1000, 2))
    >>> t = rng.random(1000) < 1 / (1 + np.exp(-Z[:, 0]))
    >>> y = t + Z.sum(axis=1) + rng.normal(size=1000)
    >>> effect = EntropyBalancing().fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary", "categorical")
    instead: ClassVar[str] = "OLS(), GComputation() or PLR(), which take a continuous treatment"

    def __init__(
        self,
        *,
        target: str = "ATE",
        contrast: tuple[object, object] | str | None = None,
        features: Any = None,
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.target = target
        self.contrast = contrast
        self.features = features
        self.inference = inference

    def _method(self) -> str:
        return f"entropy balancing, {self.target}"

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        features, names = _features(self.features, problem)
        arms = Arms.of(problem, self.contrast)
        weights, value, scores = entropy_weighted(problem, arms, features, names, self.target)
        return balanced_solution(problem, arms, weights, value, scores)


class CBPS(EffectEstimator):
    """Covariate balancing propensity score: a logistic propensity that balances the arms.

    Parameters
    ----------
    target : {"ATE", "ATT"}
        Average over everyone, or over the treated; for the treated the weights are those of
        :class:`EntropyBalancing`.
    contrast : (control, treated) or "each", optional
    features : transformer, optional
        Expands the columns: what it returns is balanced.
    inference : Asymptotic or Bootstrap, optional

    Notes
    -----
    **Assumes:**

    - no hidden common cause of treatment and outcome beyond the adjustment columns;
    - the propensity is logistic in the features (just identified: as many conditions of balance as
      coefficients); where the effect is the same for everyone, an outcome that is linear in them
      will do;
    - every row could have had either treatment.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=(1000, 2))
    >>> t = rng.random(1000) < 1 / (1 + np.exp(-Z[:, 0]))
    >>> y = t + Z.sum(axis=1) + rng.normal(size=1000)
    >>> effect = CBPS().fit(Z, y, t=t).effect_
    >>> bool(1 in effect.interval(0.99))
    True
    """

    treatments: ClassVar[tuple[str, ...]] = ("binary",)
    instead: ClassVar[str] = "EntropyBalancing(contrast=(control, treated)), OLS() or PLR()"

    def __init__(
        self,
        *,
        target: str = "ATE",
        contrast: tuple[object, object] | str | None = None,
        features: Any = None,
        inference: Asymptotic | Bootstrap | None = None,
    ) -> None:
        self.target = target
        self.contrast = contrast
        self.features = features
        self.inference = inference

    def _method(self) -> str:
        return f"covariate balancing propensity score, {self.target}"

    def _solve(self, problem: Problem, rng: np.random.Generator) -> Solution:  # noqa: ARG002
        features, names = _features(self.features, problem)
        arms = Arms.of(problem, self.contrast)
        if self.target == "ATT":
            weights, value, scores = entropy_weighted(problem, arms, features, names, "ATT")
        else:
            weights, value, scores = _covariate_weighted(problem, arms, features, names)
        return balanced_solution(problem, arms, weights, value, scores)


def _features(features: Any, problem: Problem) -> tuple[FloatArray, tuple[str, ...]]:
    """Standardised features, and what to call them."""
    matrix = standardised(expanded(features, problem), problem.weights)
    if features is None:
        return matrix, problem.adjustment
    return matrix, tuple(f"feature {k}" for k in range(matrix.shape[1]))


def entropy_weighted(
    problem: Problem, arms: Arms, features: FloatArray, names: tuple[str, ...], target: str
) -> tuple[FloatArray, float, FloatArray]:
    """Balancing weights of the rows, the effect, and the influence of each row."""
    w = problem.weights
    wanted = arms.treated if target == "ATT" else np.ones(problem.n_obs)
    ins = [(0, arms.control)] if target == "ATT" else [(0, arms.control), (1, arms.treated)]
    share = float(np.average(wanted, weights=w))
    means, scores = [0.0, 0.0], [np.zeros(problem.n_obs), np.zeros(problem.n_obs)]
    weights = np.zeros(problem.n_obs)
    for k, arm in ins:
        index, basis = calibrate(
            entropy_loss(arm, wanted), features, w, names, arms.called(problem, k)
        )
        weight = arm * exponential(index)
        # The derivative through the weights is a regression of the outcome with these weights.
        gram = (basis * (w * weight)[:, None]).T @ basis
        fitted = basis @ np.linalg.lstsq(gram, basis.T @ (w * weight * problem.y), rcond=None)[0]
        means[k] = float(np.average(weight * problem.y, weights=w)) / share
        scores[k] = (weight * (problem.y - fitted) + wanted * (fitted - means[k])) / share
        weights += weight
    if target == "ATT":
        means[1] = float(np.average(problem.y, weights=w * arms.treated))
        scores[1] = arms.treated * (problem.y - means[1]) / share
        weights += arms.treated
    return weights, means[1] - means[0], scores[1] - scores[0]


def _covariate_weighted(
    problem: Problem, arms: Arms, features: FloatArray, names: tuple[str, ...]
) -> tuple[FloatArray, float, FloatArray]:
    """The same, of the propensity that balances both arms with each other."""
    w = problem.weights
    loss = covariate_loss(arms.treated, arms.control)
    index, basis = calibrate(loss, features, w, names, arms.called(problem, 1))
    means, score, derivative = [], np.zeros(problem.n_obs), np.zeros(problem.n_obs)
    weights = np.zeros(problem.n_obs)
    for sign, arm in ((-1.0, arms.control), (1.0, arms.treated)):
        odds = arm * exponential(-sign * index)
        weight = arm + odds
        total = float(np.average(weight, weights=w))
        mean = float(np.average(weight * problem.y, weights=w)) / total
        score += sign * weight * (problem.y - mean) / total
        derivative -= odds * (problem.y - mean) / total
        weights += weight
        means.append(mean)
    hessian = (basis * (w * loss.curve(index))[:, None]).T @ basis
    chain = np.linalg.lstsq(hessian, basis.T @ (w * derivative), rcond=None)[0]
    return weights, means[1] - means[0], score - loss.slope(index) * (basis @ chain)


def balanced_solution(
    problem: Problem, arms: Arms, weights: FloatArray, value: float, scores: FloatArray
) -> Solution:
    """Put facts about the weights beside the effect, and a note if few rows carry it."""
    counted = weights * problem.weights
    effective = [
        float((counted * arm).sum() ** 2 / np.maximum(((counted * arm) ** 2).sum(), 1e-300))
        for arm in (arms.control, arms.treated)
    ]
    notes = [
        f"Balance costs rows: the {int(arm.sum())} of {name} weigh as much as {size:.0f}."
        for arm, size, name in zip((arms.control, arms.treated), effective, arms.names, strict=True)
        if size < _LEAST_EFFECTIVE * arm.sum()
    ]
    return Solution(
        value=value,
        scores=scores,
        details={
            "contrast": contrast_in_words(problem, arms.codes),
            "weights": weights,
            "effective": tuple(effective),
            "notes": notes,
        },
    )
