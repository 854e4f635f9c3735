"""From an estimand and a table to a :class:`Problem`: which columns play which role.

The estimand says which columns matter; only those are read, and each is checked here, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from causalkit._core.checks import check_complete
from causalkit._core.table import Table, as_table
from causalkit.errors import InputError, UnknownVariableError
from causalkit.estimation.columns import as_columns, as_groups, as_weights, encoded
from causalkit.estimation.problem import Problem, check_order, problem_from_table
from causalkit.estimation.unseen import read_flags, without_unseen
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification import InstrumentEstimand
from causalkit.identification.counterfactual._mediation_query import MediationQuery
from causalkit.identification.counterfactual.covariates import mediation_covariates
from causalkit.identification.counterfactual.mediation import MediationEstimand
from causalkit.identification.estimand import AdjustmentEstimand, Estimand
from causalkit.identification.frontdoor.estimand import FrontdoorEstimand
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["asked", "read_groups", "read_problem", "read_weights", "roles_of"]


def roles_of(estimand: Estimand) -> tuple[tuple[Name, ...], dict[str, tuple[Name, ...]]] | None:
    """Columns to hold fixed, and those with further roles; None if no estimator has such roles."""
    if isinstance(estimand, AdjustmentEstimand):
        return tuple(estimand.adjustment), {}
    if isinstance(estimand, InstrumentEstimand):
        return estimand.given, {"z": estimand.used}
    if isinstance(estimand, FrontdoorEstimand):
        return estimand.given, {"mediators": estimand.mediators}
    query = estimand.query
    if not isinstance(estimand, MediationEstimand) or not isinstance(query, MediationQuery):
        return None
    if estimand.formulas is None or query.effect == "controlled direct" or estimand.experiments:
        return None
    roles = {*query.treatment, *query.outcome, *query.mediators}
    read = [*{*estimand.expression.names, *roles}]
    found = mediation_covariates(
        estimand.graph, query.treatment, query.outcome, query.mediators, observed=read
    )
    if found is None:
        return None
    return tuple(sorted(found, key=estimand.graph.index)), {"mediators": query.mediators}


def read_problem(
    estimand: Estimand,
    data: Data,
    clusters: Name | ArrayLike | None,
    sample_weight: Name | ArrayLike | None,
    labels: Mapping[str, Name],
    roles: Mapping[str, tuple[Name, ...]] | None = None,
    seen_by: str | None = None,
) -> Problem:
    """Read the columns of an estimand, and beside them those that only the estimator asks for.

    Parameters
    ----------
    estimand, data, clusters, sample_weight
        As in :func:`~causalkit.estimation.estimate`.
    labels : mapping of str to name
        Columns of labels: "unit", "time".
    roles : mapping of str to tuple of names, optional
        Columns of numbers with further roles.
    seen_by : str, optional
        Which of `roles` says where the outcome is seen; elsewhere it may be missing.
    """
    check_order({"data": data, "clusters": clusters, "sample_weight": sample_weight})
    treatment, outcome = asked(estimand)
    fixed, others = roles_of(estimand) or ((), {})
    others = {**others, **(roles or {})}
    named = [name for names in others.values() for name in names]
    table = as_table(data, columns=[outcome, treatment, *fixed, *named])
    if seen_by is not None and seen_by in others:
        table = _where_seen(table, outcome, others[seen_by], seen_by)
    check_complete(table, who="estimation")
    columns = {role: encoded(table.select(names), role) for role, names in others.items()}
    for role, name in labels.items():
        labelled = as_columns(_column(data, name), role, table.n_rows)
        columns[role] = replace(labelled, names=(str(name),))
    return problem_from_table(
        table.select([outcome, treatment]),
        outcome,
        treatment,
        table.select(fixed) if fixed else None,
        sample_weight=read_weights(data, sample_weight, table),
        groups=read_groups(data, clusters, table),
        others=columns,
    )


def _where_seen(table: Table, outcome: Name, flags: tuple[Name, ...], role: str) -> Table:
    """The table with flags as zeros and ones, and no holes in the outcome that they explain."""
    seen = read_flags(table.select(flags), role)
    values = np.array(table.values, order="F")
    values[:, table.index(outcome)] = without_unseen(table.column(outcome), seen, role)
    values[:, table.index(flags[0])] = seen
    return replace(table, values=values)


def read_weights(data: Data, given: Name | ArrayLike | None, table: Table) -> FloatArray | None:
    """Weights: an array, or a column of numbers."""
    if isinstance(given, (str, int)):
        column = as_table(data, columns=[given])
        given = check_complete(column, who="sample_weight").column(given)
    return as_weights(given, table.n_rows)


def read_groups(data: Data, given: Name | ArrayLike | None, table: Table) -> IntArray | None:
    """Cluster labels: an array, a column of any type, text too, or a pair of columns."""
    if isinstance(given, (str, int)):
        given = _column(data, given)
    if names := _names_of(given):
        kinds = [as_groups(_column(data, name), table.n_rows) for name in names]
        given = np.column_stack([kind for kind in kinds if kind is not None])
    return as_groups(given, table.n_rows)


def _names_of(given: Any) -> Sequence[Name]:
    """Names of several columns: a tuple, or a list of two texts, which are no labels of rows."""
    if isinstance(given, tuple) and all(isinstance(name, (str, int)) for name in given):
        return given
    pair = isinstance(given, list) and len(given) == 2
    return given if pair and all(isinstance(name, str) for name in given) else ()


def _column(data: Data, name: Name) -> ArrayLike:
    """One column as it is, whatever it holds."""
    if isinstance(data, np.ndarray):
        return as_table(data, columns=[name]).column(name)
    # A pyarrow table's `.columns` are the data themselves, a dict has none.
    known: Any = getattr(data, "column_names", getattr(data, "columns", data))
    if name not in list(known):
        raise UnknownVariableError.among(name, known)
    return np.asarray(data[name])


def asked(estimand: Estimand) -> tuple[Name, Name]:
    """Treatment and outcome, one each, over everybody; of series, the first treatment."""
    query, lasting = estimand.query, isinstance(estimand.graph, LaggedGraph)
    for role, names in (("treatment", query.treatment), ("outcome", query.outcome)):
        if len(names) != 1 and not (lasting and role == "treatment"):
            raise InputError(
                f"the estimand has {len(names)} {role}s {names}; the estimators take one {role} at "
                "a time. Identify and estimate them one by one."
            )
    if query.given:
        raise InputError(
            f"the effect is asked for within strata of {query.given}; the estimators average over "
            "everybody. Identify without `given`, and estimate on the rows of one stratum."
        )
    return query.treatment[0], query.outcome[0]
