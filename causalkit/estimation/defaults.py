"""Which estimator answers which estimand, unless the user says."""

from __future__ import annotations

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.instruments.linear import TwoStageLeastSquares
from causalkit.estimation.orthogonal.compliers import LATE
from causalkit.estimation.orthogonal.frontdoor_effect import FrontDoor
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.interactive import AIPW
from causalkit.estimation.orthogonal.linear_frontdoor import LinearFrontDoor
from causalkit.estimation.orthogonal.natural_effects import NaturalEffects
from causalkit.estimation.orthogonal.partially_linear import PLR
from causalkit.estimation.problem import Problem
from causalkit.estimation.reading import roles_of
from causalkit.estimation.regression import OLS
from causalkit.identification.counterfactual._mediation_query import MediationQuery
from causalkit.identification.counterfactual.mediation import MediationEstimand
from causalkit.identification.estimand import Estimand
from causalkit.identification.query import listed

__all__ = [
    "ANY_FORMULA",
    "FREQUENCIES",
    "OF_SERIES",
    "default_estimator",
    "default_with_reason",
    "prefers_frequencies",
    "suited",
]

_PARTS = {
    "total": ("total", "control"),
    "natural direct": ("direct", "control"),
    "total indirect": ("indirect", "control"),
    "natural indirect": ("indirect", "treated"),
    "total direct": ("direct", "treated"),
}
"""Which part of the effect it is, and where the mediators stay."""

_KEYWORDS = {"unit": "panel", "time": "time"}
"""What `estimate` calls the columns of labels."""

_STRATEGIES = {"z": "instrument", "mediators": "front-door"}
"""Which strategy of identification brings columns with this role."""

_FEW_VALUES = 10
"""Values a column has at most that is read as discrete."""

_MOST_CELLS = 200
"""Combinations of values up to which frequencies are preferred to regressions."""

_ROWS_A_CELL = 10

FREQUENCIES = (
    "treatment, mediators and adjustment columns take few values, and each combination has many "
    "rows, so that frequencies need no model"
)
"""Why `PlugIn` where :func:`prefers_frequencies` says so."""

OF_SERIES = "of series, a regression on the treatment and the adjustment set, each at its lag"
"""Why `OLS` for an estimand whose graph has steps."""

ANY_FORMULA = "the formula is none that another estimator takes; frequencies compute any"
"""Why `PlugIn` where nothing else fits."""


def default_estimator(problem: Problem, estimand: Estimand | None = None) -> EffectEstimator:
    """Return the estimator that is used when none is named.

    Parameters
    ----------
    problem : Problem
    estimand : Estimand, optional
        What was identified; adjustment if left out.
    """
    return default_with_reason(problem, estimand)[0]


def default_with_reason(
    problem: Problem, estimand: Estimand | None = None
) -> tuple[EffectEstimator, str]:
    """Return the estimator that is used when none is named, and why this one."""
    if isinstance(estimand, MediationEstimand):
        return NaturalEffects(), "what is asked is a part of the effect, by mediators"
    if "mediators" in problem.others:
        if problem.levels is None:
            return LinearFrontDoor(), "identified by a front door, and the treatment is a number"
        return FrontDoor(), "identified by a front door, and the treatment has levels"
    if "z" in problem.others:
        return _by_instruments(problem, estimand)
    each = "each" if problem.kind == "categorical" else None
    if problem.X.shape[1] == 0:
        return OLS(contrast=each), "nothing is adjusted for: a difference in means, or a slope"
    if problem.levels is None:
        return PLR(), "the treatment is a number, and there are columns to adjust for"
    n_levels = len(problem.levels)
    return AIPW(
        contrast=each
    ), f"the treatment has {n_levels} levels, and there are columns to adjust for"


def _by_instruments(problem: Problem, estimand: Estimand | None) -> tuple[EffectEstimator, str]:
    """Of compliers where that is what was identified; else one slope for everybody."""
    z = problem.others["z"].values
    compliers = getattr(estimand, "target", "everyone") == "compliers"
    if compliers and problem.kind == "binary" and z.shape[1] == 1 and np.isin(z, (0, 1)).all():
        return LATE(), "the effect on compliers, of a treatment and an instrument with two values"
    if problem.X.shape[1] == 0:
        return TwoStageLeastSquares(), "identified by instruments, with nothing to adjust for"
    return PLIV(), "identified by instruments, with columns to adjust for"


def suited(estimator: EffectEstimator, estimand: Estimand, problem: Problem) -> EffectEstimator:
    """Return the estimator, set to the part of the effect that is asked for.

    Raises
    ------
    InputError
        If it has no use for the columns by which the effect was identified, or uses them for
        another question.
    """
    name = type(estimator).__name__
    brought = (roles_of(estimand) or ((), {}))[1]
    other = type(default_estimator(problem, estimand)).__name__
    known = {*estimator.needs, *estimator.takes} & {*estimator.identified}
    for role, columns in problem.others.items():
        if role in brought and role not in known:
            raise InputError(
                f"the effect is identified through {listed(columns.names)}, and {name} adjusts for "
                f"covariates only; expected an estimator that takes {role}, such as {other}(). Or "
                'identify the effect with strategy="adjustment".'
            )
    _check_needs(estimator, problem, other)
    mediated = isinstance(estimand, MediationEstimand)
    if mediated != isinstance(estimator, NaturalEffects) and "mediators" in problem.others:
        raise InputError(
            f"{name} answers another question than a {type(estimand).__name__} asks; expected "
            f"{other}()."
        )
    if mediated and isinstance(estimand.query, MediationQuery):
        part, direct_at = _PARTS[estimand.query.effect]
        estimator.set_params(part=part, direct_at=direct_at)
    return estimator


def _check_needs(estimator: EffectEstimator, problem: Problem, other: str) -> None:
    """Say where the columns come from that an estimator needs and no estimand brings."""
    missing = [role for role in estimator.needs if role not in problem.others]
    if not missing:
        return
    name, asked = type(estimator).__name__, listed(tuple(missing))
    if set(missing) <= set(_KEYWORDS):
        way = f"Name the columns: {', '.join(f'{_KEYWORDS[role]}=…' for role in missing)}."
    elif missing[0] in _STRATEGIES:
        way = f"Identify the effect with strategy={_STRATEGIES[missing[0]]!r}, or use {other}()."
    else:
        given = ", ".join(f"{role!r}: …" for role in missing)
        way = f"Name the columns: roles={{{given}}}."
    raise InputError(
        f"{name} needs {asked}, and what was identified brings no such columns; expected an "
        f"estimator that does without, such as {other}(). {way}"
    )


def prefers_frequencies(problem: Problem) -> bool:
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
