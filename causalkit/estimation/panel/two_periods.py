"""The effect on the treated from changes over time: two groups, a change of each unit.

Before treatment, outcomes of treated and controls may differ in level. If they would have *changed*
alike, given covariates, then the change of comparable controls is what the treated would have shown

    ATT = E[Δy − m(x) | treated] − E[o(x)(Δy − m(x)) | control] / E[o(x) | control]

with m(x) = E[Δy | x, control] and o(x) the odds of being treated. The formula is right if either m
or o is (Sant'Anna & Zhao 2020). Without the second term it is regression, without m weighting.

:func:`change_on_treated` fits m by least squares and o by a logit on all units, as in the paper.
That both were estimated is in the influence: what the average gains by a small change of a
coefficient, times the influence of the unit on the coefficient.

References
----------
Sant'Anna & Zhao (2020), "Doubly robust difference-in-differences estimators", J. Econometrics 219,
101-122. doi:10.1016/j.jeconom.2020.06.003
Heckman, Ichimura & Todd (1997), Review of Economic Studies 64, 605-654. doi:10.2307/2971733
Abadie (2005), Review of Economic Studies 72, 1-19. doi:10.1111/0034-6527.00321
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit.errors import NumericalError
from causalkit.estimation._glm import FAMILIES, fit_glm, standardised
from causalkit.estimation.base import Solution
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.problem import Problem
from causalkit.estimation.weighting.overlap import overlap_of
from causalkit.typing import FloatArray

__all__ = ["SCORES", "change_on_treated", "crossfitted_change"]

SCORES = ("doubly robust", "regression", "weighting")


def change_on_treated(problem: Problem, *, score: str, clip: float) -> Solution:
    """Effect on the treated from a linear and a logistic model, fitted on all units.

    Parameters
    ----------
    problem : Problem
        One row a unit: `y` the change of its outcome, `t` 1 for the treated.
    score : {"doubly robust", "regression", "weighting"}
    clip : float
        Propensities above 1 − clip are moved there.

    Examples
    --------
    >>> from causalkit.estimation.problem import as_problem
    >>> changes = as_problem(None, [5.0, 7.0, 1.0, 2.0], [1, 1, 0, 0])
    >>> round(change_on_treated(changes, score="doubly robust", clip=0.01).value, 12)
    4.5
    """
    w, d = problem.weights, problem.t
    share = w / w.sum()
    Z = np.hstack([np.ones((len(w), 1)), standardised(problem.X, w)])
    residual, into_m, of_m = problem.y, np.zeros((len(w), 0)), np.zeros((len(w), 0))
    if score != "weighting":
        residual, into_m, of_m = _outcome_model(problem, Z)
    treated = d / (share @ d)
    effect = float((share * treated) @ residual)
    scores = treated * (residual - effect) - of_m @ ((share * treated) @ into_m)
    details: dict[str, Any] = {"notes": []}
    alerts: tuple[Warning, ...] = ()
    if score != "regression":
        odds, into_p, of_p, overlap = _propensity_model(problem, Z, clip)
        control = (1 - d) * odds / (share @ ((1 - d) * odds))
        missed = float((share * control) @ residual)
        scores = scores - (
            control * (residual - missed)
            - of_m @ ((share * control) @ into_m)
            + of_p @ ((share * control * (residual - missed)) @ into_p)
        )
        effect -= missed
        details["overlap"] = overlap
        details["notes"] = overlap.notes
        warning = overlap.warning()
        alerts = (warning,) if warning else ()
    return Solution(effect, scores, details=details, alerts=alerts)


def _outcome_model(problem: Problem, Z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What is left of y, the model's columns, and the influence of each unit on coefficients."""
    w, control = problem.weights, problem.t == 0
    scale = max(float(np.abs(problem.y).max()), np.finfo(float).tiny)
    fit = fit_glm(
        Z[control],
        problem.y[control] / scale,
        FAMILIES["gaussian"],
        w[control],
        what=f"the change of {problem.outcome!r} among controls",
        advice="Use fewer columns.",
    )
    try:
        columns = fit.into_basis(Z, what="the change of the treated")
    except NumericalError as error:
        raise NumericalError(
            "the change of the treated, had they not been treated, cannot be predicted from "
            "untreated units: some column does not vary among them, or determines who is treated; "
            "expected columns that vary in both groups. Leave that column out."
        ) from error
    influence = np.zeros((len(w), fit.basis.rank))
    influence[control] = fit.influence * (w.sum() / w[control].sum()) * scale
    residual: FloatArray = problem.y - columns @ fit.coefficients * scale
    return residual, columns, influence


def _propensity_model(
    problem: Problem, Z: FloatArray, clip: float
) -> tuple[FloatArray, FloatArray, FloatArray, Any]:
    """Odds of treatment, the model's columns, influence on coefficients, and the overlap."""
    d, w = problem.t, problem.weights
    fit = fit_glm(
        Z,
        d,
        FAMILIES["binomial"],
        w,
        what=f"being treated ({problem.treatment!r})",
        advice='Use fewer columns, or score="regression".',
    )
    columns = Z @ fit.basis.into
    raw = FAMILIES["binomial"].mean(columns @ fit.coefficients)
    p = np.minimum(raw, 1 - clip)
    overlap = overlap_of(
        raw,
        1 - raw,
        d > 0,
        d == 0,
        ("control", "treated"),
        clip=clip,
        treated_only=True,
        weights=w,
    )
    return p / (1 - p), columns, fit.influence, overlap


def crossfitted_change(
    problem: Problem, learners: tuple[Any, Any], rng: np.random.Generator, **settings: Any
) -> Solution:
    """Effect on the treated with cross-fitted learners: AIPW of the change.

    Parameters
    ----------
    problem : Problem
        One row a unit: `y` the change of its outcome, `t` 1 for the treated.
    learners : pair of scikit-learn estimators or None
        Of the change, and of being treated.
    rng : Generator
    **settings
        `n_folds`, `n_repeats`, `clip` and `n_jobs` of :class:`AIPW`.
    """
    return AIPW(*learners, target="ATT", **settings)._solve(problem, rng)
