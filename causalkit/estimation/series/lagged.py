"""From series to a problem: the columns of an estimand about lags, one row a step.

An estimand of a graph of series names nodes such as X[t-2]. Its columns are laid out from the raw
series: a row for each step that has all the steps before it that are needed, and none reaches over
a gap, a missing cell or the border of two subjects.

**Several treatments at once** are one column and some more to hold fixed. Moving X[t-1] and X[t-2]
up together by one unit leaves their difference as it is, so with y = f(X[t-1], X[t-2], …) the
effect of the move is that of the column X[t-1], where the difference X[t-2] − X[t-1] is adjusted
for. That is so for any f, so it is for any estimator; in a linear one it is the sum of the
coefficients.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from causalkit._core.checks import check_complete
from causalkit._core.series import Series, as_series
from causalkit._core.table import Table
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.columns import as_groups
from causalkit.estimation.problem import Problem, problem_from_table
from causalkit.estimation.regression import OLS
from causalkit.estimation.series.serial import HAC
from causalkit.estimation.series.steps import Steps
from causalkit.graph.lagged import Lagged, as_lagged
from causalkit.identification.estimand import AdjustmentEstimand
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["facts", "lagged_problem", "places", "read_series", "with_hac"]


def read_series(
    data: Data,
    *,
    panel: Name | None,
    time: Name | None,
    mask: Name | None,
    clusters: Name | ArrayLike | None,
    sample_weight: Name | ArrayLike | None = None,
) -> tuple[Series, bool]:
    """Series, and whether subjects are clusters.

    Raises
    ------
    InputError
        If clusters are others than the subjects, or weights are given.
    """
    if sample_weight is not None:
        raise InputError(
            "sample weights were given for series, of which every step counts once; expected none. "
            "Leave them out, or use mask to say which steps count."
        )
    by_subject = isinstance(clusters, (str, int)) and clusters in (panel, "panel")
    if clusters is not None and not by_subject:
        raise InputError(
            "the clusters of series are their subjects; expected the column that tells them apart, "
            f"clusters=panel, and got {clusters!r:.60}. Leave the clusters out for a standard "
            "error that sums over time."
        )
    return as_series(data, panel=panel, time=time, mask=mask), by_subject


def lagged_problem(
    estimand: AdjustmentEstimand, series: Series, *, by_subject: bool = False
) -> Problem:
    """Lay out the columns of an estimand.

    Parameters
    ----------
    estimand : AdjustmentEstimand
        Of a graph of series, with one outcome.
    series : Series
    by_subject : bool
        Whether subjects are clusters.

    Raises
    ------
    UnknownVariableError
        If a series is not there.
    InputError
        If too few steps can be used, or a column does not vary.
    """
    treatments = [as_lagged(name) for name in estimand.query.treatment]
    outcome = as_lagged(estimand.query.outcome[0])
    adjustment = [as_lagged(name) for name in estimand.adjustment]
    nodes = [outcome, *treatments, *adjustment]
    reach = max(node.lag for node in nodes)
    series = series.select(dict.fromkeys(node.name for node in nodes))
    series.needs(len(nodes) + 2, reach, who=f"the {estimand.query}")
    rows = series.usable(reach)
    table = _columns(series, nodes, rows)
    problem = problem_from_table(
        table.select([outcome, treatments[-1]]),
        outcome,
        treatments[-1],
        table.select(adjustment) if adjustment else None,
        groups=as_groups(series.subject[rows], len(rows)) if by_subject else None,
    ).replace(steps=Steps(places(series)[rows], reach))
    return problem if len(treatments) == 1 else _together(problem, table, treatments)


def places(series: Series) -> IntArray:
    """Places of the rows of series in time; those of two runs are further apart than any lag."""
    run = np.cumsum(~series.follows)
    place: IntArray = np.arange(series.n_rows) + run * series.n_rows
    return place


def with_hac(estimator: EffectEstimator | None, problem: Problem) -> EffectEstimator:
    """Return a copy of the estimator, or OLS, that knows of dependence over time."""
    chosen: EffectEstimator = OLS() if estimator is None else clone(estimator)
    if problem.groups is None and chosen.get_params(deep=False).get("inference") is None:
        chosen.set_params(inference=HAC())
    return chosen


def facts(problem: Problem) -> dict[str, Any]:
    """Which rows and lags were used, for `Effect.details`."""
    if problem.steps is None:
        return {}
    n_runs = 1 + int((np.diff(np.sort(problem.steps.place)) > 1).sum())
    return {"steps": problem.n_obs, "longest_lag": problem.steps.reach, "unbroken_runs": n_runs}


def _columns(series: Series, nodes: list[Lagged], rows: IntArray) -> Table:
    values = np.empty((len(rows), len(nodes)), order="F")
    for k, node in enumerate(nodes):
        values[:, k] = series.table.column(node.name)[rows - node.lag]
    levels = tuple(series.table.levels_of(node.name) for node in nodes)
    return check_complete(Table(tuple(nodes), values, levels), who="estimation")


def _together(problem: Problem, table: Table, treatments: list[Lagged]) -> Problem:
    """Several treatments as one column that moves them all, and their differences."""
    for node in treatments:
        levels = table.levels_of(node)
        if levels is not None and len(levels) > 2:
            raise InputError(
                f"treatment {node} has {len(levels)} levels {levels[:5]}; expected numbers, which "
                "several treatments are moved up by together. Ask about one at a time."
            )
    last = table.column(treatments[-1])
    others = [table.column(node) - last for node in treatments[:-1]]
    X: FloatArray = np.column_stack([*others, problem.X])
    labels = tuple(f"{node} - {treatments[-1]}" for node in treatments[:-1])
    return problem.replace(
        t=np.array(last),
        levels=None,
        X=np.ascontiguousarray(X),
        treatment=" and ".join(map(str, treatments)) + " together",
        adjustment=(*labels, *problem.adjustment),
    )
