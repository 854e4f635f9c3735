"""`estimate`: from an identified estimand and a table to an effect.

The estimand says which columns matter; only those are read, and each is checked here, once. Which
estimator is used follows from the treatment unless you say: two levels or more, `AIPW`; a
continuous one, `PLR`; nothing to adjust for, `OLS`, which is then the difference in means or the
slope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from causalkit._core.series import Series
from causalkit._core.streams import is_stream
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.estimation.base import EffectEstimator
from causalkit.estimation.defaults import (
    ANY_FORMULA,
    FREQUENCIES,
    OF_SERIES,
    default_with_reason,
    prefers_frequencies,
    suited,
)
from causalkit.estimation.effect import Effect
from causalkit.estimation.effect_set import EffectSet
from causalkit.estimation.further_roles import further_columns, label_columns
from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.out_of_core import estimate_streamed
from causalkit.estimation.plug_in import PlugIn
from causalkit.estimation.reading import (
    asked,
    read_groups,
    read_problem,
    read_weights,
    roles_of,
)
from causalkit.estimation.series.lagged import facts, lagged_problem, read_series, with_hac
from causalkit.graph.lagged import as_lagged
from causalkit.graph.lagged_graph import LaggedGraph
from causalkit.identification import OpenEstimand
from causalkit.identification.classes.possible import PossibleEffects
from causalkit.identification.estimand import (
    AdjustmentEstimand,
    Estimand,
    NoEffectEstimand,
)
from causalkit.typing import Data, Name, RandomState

__all__ = ["estimate", "estimate_series"]


def estimate(
    estimand: Estimand,
    data: Data,
    estimator: EffectEstimator | PlugIn | None = None,
    *,
    clusters: Name | ArrayLike | None = None,
    sample_weight: Name | ArrayLike | None = None,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
    random_state: RandomState = 0,
    roles: Mapping[str, Name | Sequence[Name]] | None = None,
) -> Effect | EffectSet:
    """Estimate what was identified.

    Parameters
    ----------
    estimand : estimand of causalkit.identification
        With an adjustment set, or another formula; or one that says there is no effect; or several
        possible effects.
    data : table, series, or what is read by blocks
        Needs the columns that the formula names; others are not read. A path, a query or a dask
        DataFrame is never held: see :mod:`causalkit.estimation.out_of_core`. For an
        estimand of a graph of series, the raw series as :func:`~causalkit._core.series.as_series`
        reads them: one row a step, a list of frames, or a 3-D array.
    estimator : EffectEstimator or PlugIn, optional
        E.g. `OLS()`, `AIPW(LassoCV(), LogisticRegression())`. By default AIPW for a treatment with
        two levels, PLR for a continuous one, OLS without adjustment columns; for series OLS. Of
        series, an estimator without an `inference` of its own gets :class:`HAC`. By instruments
        PLIV (LATE for the effect on compliers), by a front door FrontDoor, of mediation
        NaturalEffects. Any other formula takes :class:`PlugIn`, of discrete data; only the outcome
        may be continuous there.
    clusters : name, pair of names, or array-like of shape (n,) or (n, 2), optional
        Rows of one cluster may depend on each other: the standard error is clustered and folds keep
        clusters whole. Two columns are clusters of two kinds that cross, such as firms and years.
        Of series, the column that tells subjects apart.
    sample_weight : name or array-like of shape (n,), optional
    panel, time, mask : str or int, optional
        For series, the columns that tell subjects apart, hold the time, and say which rows count
        as "now".
    random_state : int, Generator or None, default 0
        For estimators (and bootstraps) whose own random_state is None.
    roles : mapping of str to name or names, optional
        Columns that say how rows were measured, and that no graph brings, by the names that the
        estimator's `fit` has for them: `{"selected": "works"}` for `SampleSelection()`,
        `{"predicted": "guess", "labelled": "known"}` for `PredictionPowered()`. The outcome may be
        missing where they say that it is not seen.

    Returns
    -------
    Effect, or EffectSet
        An EffectSet for several possible effects, or for `contrast="each"`.

    Raises
    ------
    UnknownVariableError
        If a column is not there.
    InputError
        If a column cannot be used, or the estimator does not fit the treatment.

    Notes
    -----
    **Assumes:** what the estimand's `assumptions` and the estimator's notes list.

    Examples
    --------
    >>> import causalkit as ck
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> Z = rng.normal(size=500)
    >>> X = Z + rng.normal(size=500)
    >>> data = {"Z": Z, "X": X, "Y": 2 * X + Z + rng.normal(size=500)}
    >>> estimand = ck.identify(ck.CausalGraph.parse("Z -> X -> Y; Z -> Y"), "X", "Y")
    >>> effect = ck.estimate(estimand, data, ck.estimation.OLS())
    >>> bool(2 in effect.interval(0.99))
    True

    Of an outcome that is seen of some rows:

    >>> data["seen"] = rng.random(500) < 0.7
    >>> data["Y"][~data["seen"]] = np.nan
    >>> data["X"] = data["X"] > 0
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> linear, logistic = LinearRegression(), LogisticRegression()
    >>> estimator = ck.estimation.SampleSelection(linear, logistic, logistic, random_state=0)
    >>> effect = estimand.estimate(data, estimator, roles={"selected": "seen"})
    >>> effect.n_obs, effect.details["share_selected"] < 0.8
    (500, True)

    Of series:

    >>> graph = ck.graph.LaggedGraph.parse("X[t-1] -> X[t]; X[t-1] -> Y[t]; Y[t-1] -> Y[t]")
    >>> X, Y = rng.normal(size=(2, 500))
    >>> for t in range(1, 500):
    ...     X[t] += 0.5 * X[t - 1]
    ...     Y[t] += 0.8 * X[t - 1] + 0.5 * Y[t - 1]
    >>> effect = ck.identify(graph, "X[t-2]", "Y").estimate({"X": X, "Y": Y})
    >>> bool(0.8 * 0.5 + 0.5 * 0.8 in effect.interval(0.99))
    True
    """
    _check_asked(estimand, estimator)
    options: dict[str, Any] = {
        "clusters": clusters,
        "sample_weight": sample_weight,
        "random_state": random_state,
        "panel": panel,
        "time": time,
        "mask": mask,
    }
    if isinstance(estimand, PossibleEffects):
        return _each(estimand, data, estimator, {**options, "roles": roles})
    further = further_columns(estimand, estimator, roles)
    if isinstance(estimand.graph, LaggedGraph):
        return _of_series(estimand, data, estimator, **options)
    labels = label_columns(estimator, panel, time, mask)
    if is_stream(data):
        return _streamed(estimand, data, estimator, clusters, sample_weight, random_state)
    if isinstance(estimand, NoEffectEstimand):
        table = as_table(data, columns=asked(estimand))
        return Effect(0.0, np.nan, table.n_rows, "implied by the graph", estimand=estimand)
    if isinstance(estimator, PlugIn) or roles_of(estimand) is None:
        return _plugged_in(estimand, data, estimator, clusters, sample_weight, ANY_FORMULA)
    seen_by = None if estimator is None else estimator.seen_by
    problem = read_problem(estimand, data, clusters, sample_weight, labels, further, seen_by)
    if estimator is None and prefers_frequencies(problem):
        return _plugged_in(estimand, data, None, clusters, sample_weight, FREQUENCIES)
    known = {}
    if estimator is None:
        chosen, known["chosen_because"] = default_with_reason(problem, estimand)
    else:
        chosen = clone(estimator)
    chosen = _with_state(suited(chosen, estimand, problem), random_state)
    return _of(estimand, chosen.answer(problem), known)


def _check_asked(estimand: object, estimator: object) -> None:
    """Refuse what is no estimand, or no estimator."""
    if not isinstance(estimand, Estimand):
        raise InputError(
            f"cannot estimate a {type(estimand).__name__}; expected what identify(graph, treatment,"
            " outcome) returns. Without a graph, fit an estimator to what is to be held fixed: "
            "OLS().fit(data[columns], data[outcome], t=data[treatment])."
        )
    if estimator is not None and not isinstance(estimator, (EffectEstimator, PlugIn)):
        raise InputError(
            f"estimator={estimator!r}; expected an EffectEstimator such as OLS() or AIPW(), an "
            "object, not a class or a name. A scikit-learn model goes inside one: AIPW(model)."
        )


def _of_series(
    estimand: Estimand,
    data: Data,
    estimator: EffectEstimator | PlugIn | None,
    *,
    random_state: RandomState,
    **layout: Any,
) -> Effect | EffectSet:
    """Estimate from series, laid out in steps."""
    if not isinstance(estimand, (AdjustmentEstimand, NoEffectEstimand)) or isinstance(
        estimator, PlugIn
    ):
        raise InputError(
            f"{type(estimator or estimand).__name__} is not for series; expected an estimand "
            "by adjustment and an estimator such as OLS()."
        )
    asked(estimand)
    series, by_subject = read_series(data, **layout)
    return estimate_series(estimand, series, estimator, random_state, by_subject=by_subject)


def _streamed(
    estimand: Estimand,
    data: Data,
    estimator: EffectEstimator | PlugIn | None,
    clusters: Name | ArrayLike | None,
    sample_weight: Name | ArrayLike | None,
    random_state: RandomState,
) -> Effect:
    """Estimate from a table that is read by blocks."""
    if clusters is not None or isinstance(estimator, PlugIn):
        what = "clusters" if clusters is not None else "PlugIn()"
        raise InputError(
            f"{what} cannot be had for data that are read by blocks; expected OLS(), or PLR with "
            "GramLasso() or its kin, of independent rows. Read the columns into memory."
        )
    if sample_weight is not None and not isinstance(sample_weight, (str, int)):
        raise InputError(
            "the sample weights are an array; expected the name of a column for data that are read "
            "by blocks."
        )
    return estimate_streamed(
        estimand, data, estimator, sample_weight=sample_weight, random_state=random_state
    )


def _plugged_in(
    estimand: Estimand,
    data: Data,
    estimator: EffectEstimator | PlugIn | None,
    clusters: Name | ArrayLike | None,
    sample_weight: Name | ArrayLike | None,
    reason: str,
) -> Effect:
    """Estimate a formula of any shape; `reason` is why, if no estimator was named."""
    asked(estimand)
    if estimator is not None and not isinstance(estimator, PlugIn):
        raise InputError(
            f"{type(estimator).__name__} adjusts for covariates, and this estimand is a "
            f"{type(estimand).__name__}; expected PlugIn(), for discrete data."
        )
    table = as_table(data, columns=[*estimand.query.treatment, *estimand.query.outcome])
    found = (estimator or PlugIn()).effect(
        estimand,
        data,
        groups=read_groups(data, clusters, table),
        weights=read_weights(data, sample_weight, table),
    )
    if estimator is None:
        found = replace(found, details={**found.details, "chosen_because": reason})
    return found


def estimate_series(
    estimand: AdjustmentEstimand | NoEffectEstimand,
    series: Series,
    estimator: EffectEstimator | None,
    random_state: RandomState,
    *,
    by_subject: bool,
) -> Effect | EffectSet:
    """Do the work of :func:`estimate` for series that were read."""
    if isinstance(estimand, NoEffectEstimand):
        names = [as_lagged(x).name for x in (*estimand.query.treatment, *estimand.query.outcome)]
        n_steps = series.select(dict.fromkeys(names)).n_rows
        return Effect(0.0, np.nan, n_steps, "implied by the graph", estimand=estimand)
    problem = lagged_problem(estimand, series, by_subject=by_subject)
    chosen = _with_state(with_hac(estimator, problem), random_state)
    known = facts(problem)
    if estimator is None:
        known["chosen_because"] = OF_SERIES
    return _of(estimand, chosen.answer(problem), known)


def _of(
    estimand: Estimand, answer: Effect | EffectSet, known: Mapping[str, Any] | None = None
) -> Effect | EffectSet:
    """The same answer, with what it estimates and more facts."""
    if isinstance(answer, EffectSet):
        effects = tuple(cast("Effect", _of(estimand, effect, known)) for effect in answer)
        return replace(answer, effects=effects, estimand=estimand)
    return replace(answer, estimand=estimand, details={**answer.details, **(known or {})})


def _each(
    estimand: PossibleEffects,
    data: Data,
    estimator: EffectEstimator | PlugIn | None,
    options: dict[str, Any],
) -> EffectSet:
    """One effect for each alternative that is identified."""
    known = [part for part in estimand.alternatives if not isinstance(part, OpenEstimand)]
    effects = [estimate(part, data, estimator, **options) for part in known]
    single = tuple(effect for effect in effects if isinstance(effect, Effect))
    if len(single) < len(effects):
        raise InputError(
            'contrast="each" cannot be combined with several possible effects; expected one '
            "contrast. Name two levels to the estimator, OLS(contrast=(control, treated))."
        )
    n_open = len(estimand) - len(known)
    labels = _distinct(tuple(map(_label, known)))
    return EffectSet(single, labels, estimand=estimand, n_open=n_open)


def _label(estimand: Estimand) -> str:
    if isinstance(estimand, NoEffectEstimand):
        return "no effect"
    if not isinstance(estimand, AdjustmentEstimand):
        return "by a formula"
    return "given " + (", ".join(map(str, estimand.adjustment)) or "nothing")


def _distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    distinct = []
    for label in labels:
        seen[label] = seen.get(label, 0) + 1
        distinct.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return tuple(distinct)


def _with_state(estimator: EffectEstimator, random_state: RandomState) -> EffectEstimator:
    """Hand the random state to whatever has none of its own."""
    if random_state is None:
        return estimator
    parameters = estimator.get_params(deep=False)
    if "random_state" in parameters and parameters["random_state"] is None:
        estimator.set_params(random_state=random_state)
    inference = parameters.get("inference")
    if isinstance(inference, Bootstrap) and inference.random_state is None:
        estimator.set_params(inference=replace(inference, random_state=random_state))
    return estimator
