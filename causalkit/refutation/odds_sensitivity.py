"""`marginal_sensitivity`: bounds when a hidden cause changes the odds of treatment by at most Γ.

The adjustment columns may leave a cause out that changes somebody's odds of treatment: by a factor
between 1/Γ and Γ, compared with the odds that the columns give (Tan's *marginal sensitivity
model*). No more is assumed of it: it may be continuous, there may be many, and it may explain the
outcome entirely. For each Γ the effect then lies between two bounds, and none between them can be
excluded, however many rows there are. At Γ = 1 both are the estimate of AIPW.

Of the rows in an arm nothing is unknown but what the *others* would have had there: an outcome as
in the arm, tilted (see :mod:`~causalkit.refutation.worst_cases`). With e = P(arm | x)

    φ = D Y + (1 − D) ρ(x) + D (1 − e)/e · (R(Y, q(x)) − ρ(x))

has the bound as its mean. It is orthogonal in e and ρ, so that learners may be used for both, and
it is valid even with a wrong q, as long as e or ρ (given q) is right; sharp, if q is right too.

References
----------
Tan (2006), "A distributional approach for causal inference using propensity scores", JASA 101,
1619-1637. doi:10.1198/016214506000000023
Zhao, Small & Bhattacharya (2019), "Sensitivity analysis for inverse probability weighting
estimators via the percentile bootstrap", JRSS-B 81, 735-761. doi:10.1111/rssb.12327
Dorn & Guo (2023), "Sharp sensitivity analysis for inverse propensity weighting via quantile
balancing", JASA 118, 2645-2657. doi:10.1080/01621459.2022.2069572
Dorn, Guo & Kallus (2025), "Doubly-valid/doubly-sharp sensitivity analysis for causal inference with
unmeasured confounding", JASA 120, 331-342. doi:10.1080/01621459.2024.2335588
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np
from sklearn.base import is_classifier

from causalkit._core.random import as_generator, draw_seed
from causalkit.errors import InputError
from causalkit.estimation.contrasts import contrast_of
from causalkit.estimation.effect import Effect
from causalkit.estimation.nuisances.learners import check_learner, default_regressor
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.problem import Problem
from causalkit.refutation.base import beyond_reach
from causalkit.refutation.leftovers import problem_of
from causalkit.refutation.odds_bounds import MarginalSensitivity
from causalkit.refutation.odds_factor import check_gamma
from causalkit.refutation.worst_cases import (
    Arm,
    LearntTail,
    LocationScaleTail,
    Tail,
    TwoValuedTail,
)
from causalkit.typing import FloatArray, IntArray, RandomState

__all__ = ["marginal_sensitivity"]


def marginal_sensitivity(
    effect: Effect,
    *,
    gamma: float | Iterable[float] = (1.0, 1.25, 1.5, 2.0, 3.0),
    quantile_learner: Any = None,
    random_state: RandomState = 0,
    n_jobs: int | None = None,
) -> MarginalSensitivity:
    """Bound an effect under a hidden cause that changes the odds of treatment by at most Γ.

    Parameters
    ----------
    effect : Effect
        Of :class:`~causalkit.estimation.AIPW`, on everyone or on the treated; its predictions are
        used again. Where there are several repeats of the cross-fitting, bounds are computed with
        the predictions of each; their median is taken, and their standard error holds the spread
        between repeats, as that of the effect does.
    gamma : float or iterable of float
        Factors, 1 or more.
    quantile_learner : scikit-learn regressor with a parameter `quantile`, optional
        Such as `HistGradientBoostingRegressor(loss="quantile")` or `QuantileRegressor(alpha=0)`. It
        is fitted for each Γ, arm and side, and so is a regression of what lies beyond the quantile.
        Without it the outcome is taken to be of one shape in each arm, at a place and a scale that
        depend on the columns: bounds stay valid if it is not, but are no longer the least.
    random_state : int, Generator or None, default 0
        Of the learners, where they have no seed of their own.
    n_jobs : int, optional

    Returns
    -------
    MarginalSensitivity
        With `.at(gamma)`, `.interval(gamma)`, `.breakdown()`, `.conditional(gamma)`, `.plot()`.

    Raises
    ------
    InputError
        If the effect is not of AIPW, a Γ is below 1, or the learner has no `quantile`.

    Notes
    -----
    **Assumes:**

    - hidden causes change the odds of each arm, given the adjustment columns, by a factor between
      1/Γ and Γ;
    - every row could have had either treatment;
    - the propensities, or the tails of the outcome, are learnt fast enough, as for AIPW.

    References
    ----------
    Dorn, Guo & Kallus (2025), "Doubly-valid/doubly-sharp sensitivity analysis for causal inference
    with unmeasured confounding", JASA 120, 331-342. doi:10.1080/01621459.2024.2335588

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from causalkit.estimation import AIPW
    >>> rng = np.random.default_rng(0)
    >>> age = rng.normal(size=500)
    >>> t = (rng.random(500) < 1 / (1 + np.exp(-age))).astype(int)
    >>> y = t + age + rng.normal(size=500)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> bounds = marginal_sensitivity(aipw.fit({"age": age}, y, t=t).effect_, gamma=[1, 2])
    >>> [bool(0.2 < bound.lower < 1.2) for bound in bounds.bounds]
    [True, True]
    >>> bool(2 < bounds.breakdown() < 5)
    True
    """
    estimator = _checked(effect)
    gammas = list(gamma) if isinstance(gamma, Iterable) else [gamma]
    for each in gammas:
        check_gamma(each)
    if quantile_learner is not None:
        _check_quantile_learner(quantile_learner)
    rng = as_generator(random_state)
    tails = [
        [_tail(arm, effect, folds, quantile_learner, rng, n_jobs) for arm in arms]
        for arms, folds in _repeats(effect, estimator)
    ]
    words = "a location and a scale for each row, one shape in each arm"
    if problem_of(effect).binary_outcome:
        words = "zeros and ones, exactly"
    elif quantile_learner is not None:
        words = f"quantiles by {quantile_learner}"
    control = tuple(of_arms[0] for of_arms in tails)
    treated = tuple(of_arms[1] for of_arms in tails if of_arms[1:])
    found = MarginalSensitivity(effect, (), control, treated, words)
    return replace(found, bounds=tuple(found.at(float(each)) for each in gammas))


# --- what it takes from the effect ---------------------------------------------------------------


def _repeats(effect: Effect, estimator: AIPW) -> list[tuple[list[Arm], IntArray]]:
    """Arms and folds of each repeat of the cross-fitting."""
    details = effect.details
    found = details.get("repeat_predictions", (details["predictions"],))
    return [
        (_arms(problem_of(effect), estimator, predictions), folds)
        for predictions, folds in zip(found, details["folds"], strict=True)
    ]


def _arms(problem: Problem, estimator: AIPW, predictions: Mapping[str, FloatArray]) -> list[Arm]:
    """Control arm, and for the effect on everyone the treated one."""
    control, treated = contrast_of(problem, estimator.contrast)
    clip = estimator.clip
    p0, p1 = (
        np.clip(predictions["treatment"][:, code], clip, 1 - clip) for code in (control, treated)
    )
    if problem.kind == "binary":
        p0 = 1 - p1
    inside, other = problem.t == control, problem.t == treated
    mean = predictions["outcome_control"]
    if estimator.target == "ATT":
        return [Arm(problem, inside, mean, p0, other, p1 / p0)]
    return [
        Arm(problem, inside, mean, p0, ~inside, (1 - p0) / p0),
        Arm(problem, other, predictions["outcome_treated"], p1, ~other, (1 - p1) / p1),
    ]


def _tail(
    arm: Arm,
    effect: Effect,
    folds: IntArray,
    learner: Any,
    rng: np.random.Generator,
    n_jobs: int | None,
) -> Tail:
    """The worst cases of an arm: from the kind of outcome, and from who learns its quantiles."""
    if arm.problem.binary_outcome:
        return TwoValuedTail(arm)
    regressor = getattr(effect.estimator, "outcome_learner", None)
    if regressor is None or is_classifier(regressor):
        regressor = default_regressor()
    if learner is None:
        return LocationScaleTail.learn(arm, regressor, folds, rng, n_jobs)
    return LearntTail(arm, learner, regressor, folds, draw_seed(rng), n_jobs)


# --- what it refuses -----------------------------------------------------------------------------


def _checked(effect: Effect) -> AIPW:
    if reason := beyond_reach(effect):
        raise InputError(f"{reason} Expected an effect of AIPW.")
    estimator = effect.estimator
    fit_for_it = isinstance(estimator, AIPW) and estimator.target in ("ATE", "ATT")
    if not fit_for_it or "predictions" not in effect.details:
        raise InputError(
            f"the effect was estimated by {effect.method}; the marginal sensitivity model needs "
            "propensities and outcome models, those of AIPW on everyone or on the treated. "
            "Estimate with AIPW(), or use sensitivity(effect), which needs neither."
        )
    return cast("AIPW", estimator)


def _check_quantile_learner(learner: Any) -> None:
    check_learner(learner, "quantile_learner", discrete=False, regression_allowed=True)
    parameters = learner.get_params(deep=False)
    if "quantile" not in parameters or parameters.get("loss", "quantile") != "quantile":
        raise InputError(
            f"quantile_learner={learner}; expected a regressor of conditional quantiles with a "
            'parameter `quantile`: HistGradientBoostingRegressor(loss="quantile") or '
            "QuantileRegressor(alpha=0)."
        )
