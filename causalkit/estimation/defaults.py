"""Which estimator answers which estimand, unless the user says."""

from __future__ import annotations

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import Problem
from causalkit.estimation.regression import OLS
from causalkit.identification.estimand import Estimand
from causalkit.identification.query import listed

__all__ = ["check_roles", "default_estimator", "prefers_frequencies"]

_FEW_VALUES = 10
"""Values a column has at most that is read as discrete."""

_MOST_CELLS = 200
"""Combinations of values up to which frequencies are preferred to regressions."""

_ROWS_A_CELL = 10


def default_estimator(problem: Problem, estimand: Estimand | None = None) -> EffectEstimator:  # noqa: ARG001
    """Return the estimator that is used when none is named.

    Parameters
    ----------
    problem : Problem
    estimand : Estimand, optional
        What was identified; adjustment if left out.
    """
    if problem.X.shape[1] == 0:
        return OLS()
    return PLR() if problem.levels is None else AIPW()


def check_roles(estimator: EffectEstimator, estimand: Estimand, problem: Problem) -> None:
    """Refuse an estimator that has no use for the columns by which the effect was identified."""
    known = (*estimator.needs, *estimator.takes)
    for role, columns in problem.others.items():
        if role not in known:
            name = type(estimator).__name__
            raise InputError(
                f"the effect is identified through {listed(columns.names)}, and {name} adjusts for "
                f"covariates only; expected an estimator that takes {role}, such as "
                f"{type(default_estimator(problem, estimand)).__name__}(). Or identify the effect "
                'with strategy="adjustment".'
            )


def prefers_frequencies(estimand: Estimand, problem: Problem) -> bool:  # noqa: ARG001
    """Whether all but the outcome is discrete, with many rows for each combination of values."""
    if "mediators" not in problem.others:
        return False
    blocks = (problem.X, problem.others["mediators"].values, problem.t[:, None])
    cells = 1
    for column in np.column_stack(blocks).T:
        n_values = len(np.unique(column))
        if n_values > _FEW_VALUES:
            return False
        cells *= n_values
    return cells <= min(_MOST_CELLS, problem.n_obs / _ROWS_A_CELL)
