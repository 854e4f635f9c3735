"""What estimators with mediators share: regressions on mediators, and regressions of those.

Averages over a mediator's distribution, E[μ(M, X) | T = t, X], need no model of that distribution:
they are a regression of predictions μ(Mᵢ, Xᵢ) on X among rows with T = t, a *nested* regression.
Nor do ratios of its densities between arms: by Bayes' rule

    f(m | t, x) / f(m | s, x) = [p(t | m, x) / p(s | m, x)] · [p(s | x) / p(t | x)],

all of them probabilities of the treatment, which any classifier predicts. So mediators may be
continuous, or many.

The nested regression is cross-fitted in the folds of the first one: its targets are predictions
that did not see their own row. A row of the held-out fold reaches them through the fits of other
folds only, one row among many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from causalkit.errors import OverlapWarning
from causalkit.estimation.nuisances.learners import check_learner, default_regressor
from causalkit.estimation.problem import Problem
from causalkit.typing import FloatArray

__all__ = [
    "effective_share",
    "nested_regressor",
    "poor_overlap",
    "with_mediators",
]

LEAST_EFFECTIVE = 0.1
"""Share of rows that the effective sample size of density ratios should reach."""


def with_mediators(problem: Problem) -> FloatArray:
    """Mediators and adjustment columns side by side, shape (n, k + p)."""
    return np.ascontiguousarray(np.hstack([problem.others["mediators"].values, problem.X]))


def nested_regressor(given: Any, outcome_learner: Any) -> Any:
    """Return what predicts predictions: the learner given, or the outcome's if it regresses."""
    if given is None:
        usable = outcome_learner is not None and not is_classifier(outcome_learner)
        given = outcome_learner if usable else default_regressor()
    return check_learner(given, "nested_learner", discrete=False, regression_allowed=True)


def effective_share(ratio: FloatArray, weights: FloatArray) -> float:
    """Effective sample size of weights times ratios, as a share of that of the weights."""

    def effective(values: FloatArray) -> float:
        scaled = values / values.max()
        return float(scaled.sum() ** 2 / np.sum(scaled**2))

    return effective(weights * ratio) / effective(weights)


def poor_overlap(details: Mapping[str, Any]) -> tuple[Warning, ...]:
    """Return warnings about covariates, and about mediators, that tell the arms apart."""
    found: list[Warning] = []
    warning = details["overlap"].warning()
    if warning:
        found.append(warning)
    share = details["effective_share"]
    if share < LEAST_EFFECTIVE:
        found.append(
            OverlapWarning(
                f"the mediators nearly give the treatment away: weighted to the other arm, rows "
                f"count as {share:.1%} of their number. Expected mediators that vary within each "
                "arm. Take mediators that follow the treatment less closely, or more rows."
            )
        )
    return tuple(found)
