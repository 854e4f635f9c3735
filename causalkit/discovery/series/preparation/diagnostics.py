"""What to know about series before looking for causes in them.

Methods for series expect them to go on as they are: no trends, no unit roots, no seasons, few gaps,
and lags that reach far enough. `diagnose_series` looks at each of these and says what may help. It
suggests and changes nothing.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> walk = rng.normal(size=300).cumsum()
>>> found = diagnose_series({"walk": walk, "noise": rng.normal(size=300)})
>>> [(one.name, one.verdict, one.differencing) for one in found.series]
[('walk', 'unit root', 1), ('noise', 'stationary', 0)]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from causalkit._core.checks import check_count, check_fraction
from causalkit._core.series import Series, as_series
from causalkit._core.step_lengths import calendar_periods
from causalkit.discovery.series.granger._lagged_regression import (
    default_lag_cap,
    lag_criteria,
    lagged_moments,
)
from causalkit.discovery.series.preparation._periods import dominant_period, longest_tried
from causalkit.discovery.series.preparation._stationarity import (
    ljung_box,
    longest_run,
    stationarity,
)
from causalkit.discovery.series.preparation.outages import doubts_about, find_outages
from causalkit.discovery.series.preparation.series_diagnosis import (
    SeriesDiagnosis,
    SeriesDiagnostics,
)
from causalkit.errors import InputError, NumericalError
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, Data, FloatArray, Name

if TYPE_CHECKING:
    pass

__all__ = ["diagnose_series"]

_LEAST_STEPS: Final = 20


def diagnose_series(
    data: Data,
    *,
    max_lag: int | None = None,
    alpha: float = 0.05,
    panel: Name | None = None,
    time: Name | None = None,
    mask: Name | None = None,
) -> SeriesDiagnostics:
    """Look at series before causes are looked for in them.

    Parameters
    ----------
    data : DataFrame, 2-D ndarray or dict of columns; a list of them; or a 3-D ndarray
        As `fit` of every algorithm for series takes them.
    max_lag : int, optional
        Most lags that the criteria try; `12 (n / 100)^(1/4)`, or as many as the rows feed, if left
        out.
    alpha : float, default 0.05
        Level of all tests.
    panel, time, mask : str or int, optional
        Columns that tell subjects apart, hold the time, and say which rows may be "now".

    Returns
    -------
    SeriesDiagnostics

    Raises
    ------
    InputError
        If the data cannot be read as series.

    Notes
    -----
    **Assumes:**

    - tests look at the longest run of each series without a gap, whichever subject it is of, and
      ignore the mask;
    - no test can tell a unit root from a root that is close to one in a short series; "undecided"
      is said where ADF does not reject and KPSS does not, either;
    - p-values of periods are somewhat too small in series of less than a hundred steps;
    - a season is found if it comes four times, and has 400 steps at most or a length of the
      calendar; a longer one passes for a unit root, and so may a sensor that is stuck for most of
      the time;
    - a code is called one if five cells hold it; one in two to four cells is mentioned.

    References
    ----------
    Dickey and Fuller (1979), "Distribution of the estimators for autoregressive time series with a
    unit root", doi:10.1080/01621459.1979.10482531. Kwiatkowski, Phillips, Schmidt and Shin (1992),
    "Testing the null hypothesis of stationarity against the alternative of a unit root",
    doi:10.1016/0304-4076(92)90104-Y. Ljung and Box (1978), "On a measure of lack of fit in time
    series models", doi:10.1093/biomet/65.2.297.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> months = np.arange(240)
    >>> sales = 10 * np.sin(2 * np.pi * months / 12) + rng.normal(size=240)
    >>> found = diagnose_series({"sales": sales, "price": rng.normal(size=240)})
    >>> found["sales"].period
    12
    >>> print(found.advice[0])
    sales comes again after 12 steps (p = ...): consider Deseasonalize(12), ...
    """
    alpha = check_fraction(alpha, "alpha")
    series = as_series(data, panel=panel, time=time, mask=mask)
    calendar = () if series.times is None else calendar_periods(series.times)
    outages = find_outages(series)
    measured = _lines_over(series, outages.cells)
    listed = outages.listed(series.names)
    found = tuple(
        replace(
            _diagnosis(measured, k, alpha, calendar),
            **_of_outages([str(outage) for outage in listed if outage.column == name]),
        )
        for k, name in enumerate(series.names)
    )
    criteria = _criteria(measured, max_lag)
    lags = {name: int(np.argmin(values)) for name, values in criteria.items()}
    n_subjects = int(series.subject.max()) + 1
    n_gaps = int((~series.follows).sum()) - n_subjects
    n_incomplete = int(np.isnan(series.table.values).any(axis=1).sum())
    n_usable = len(series.usable(max(1, lags.get("bic", 1))))
    advice = [*doubts_about(series, outages)]
    advice += [sentence for one in found for sentence in _advice_on(one)]
    advice += _advice_on_rows(series, n_gaps, n_incomplete, n_usable, lags)
    return SeriesDiagnostics(
        found,
        series.n_rows,
        n_subjects,
        n_gaps,
        n_incomplete,
        lags,
        criteria,
        n_usable,
        tuple(advice),
    )


# --- one series ----------------------------------------------------------------------------------


def _diagnosis(
    series: Series, column: int, alpha: float, calendar: tuple[int, ...]
) -> SeriesDiagnosis:
    name, levels = series.names[column], series.table.levels[column]
    values = series.table.values[:, column]
    n_missing = int(np.isnan(values).sum())
    x = longest_run(values, series.follows)
    if levels is not None and len(levels) > 2:
        return SeriesDiagnosis(name, len(x), n_missing, "categories")
    if len(x) and np.ptp(x) == 0:
        return SeriesDiagnosis(name, len(x), n_missing, "constant")
    if len(x) < _LEAST_STEPS:
        return SeriesDiagnosis(name, len(x), n_missing, "undecided")
    x = (x - x.mean()) / np.abs(x).max()  # no overflow in what follows
    x = x / x.std()
    verdict, differencing, adf, kpss = stationarity(x, alpha)
    period, period_p_value = dominant_period(np.diff(x, n=differencing), alpha, calendar)
    return SeriesDiagnosis(
        name,
        len(x),
        n_missing,
        verdict,
        differencing,
        adf,
        kpss,
        ljung_box(x),
        float(x[1:] @ x[:-1] / (x @ x)),
        period,
        period_p_value,
    )


def _lines_over(series: Series, cells: BoolArray) -> Series:
    """Series with straight lines over cells that nobody measured."""
    values = np.array(series.table.values)
    for k in np.flatnonzero(cells.any(axis=0)):
        there = np.flatnonzero(~cells[:, k] & ~np.isnan(values[:, k]))
        rows = np.flatnonzero(cells[:, k])
        values[rows, k] = np.interp(rows, there, values[there, k])
    return series.with_values(values) if cells.any() else series


def _of_outages(listed: list[str]) -> dict[str, Any]:
    """What outages change in a diagnosis."""
    return {"verdict": "outages", "outages": tuple(listed)} if listed else {}


def _advice_on(one: SeriesDiagnosis) -> Iterator[str]:
    name = show_name(one.name)
    if one.outages:
        yield (
            f"{'; '.join(one.outages)}: if nobody measured there, make these cells missing, e.g. "
            "data.replace(code, np.nan), and look again."
        )
    tests = f"ADF p = {one.adf_p_value:.2g}, KPSS p = {one.kpss_p_value:.2g}"
    if np.isnan(one.adf_p_value):
        tests = "no test"
    if one.verdict in ("constant", "categories"):
        what = "is constant" if one.verdict == "constant" else "holds categories"
        yield f"{name} {what}: leave it out of methods that expect numbers that vary."
    elif one.verdict == "trend":
        yield f"{name} is stationary around a trend: consider Detrend(1)."
    elif one.verdict == "unit root":
        yield (
            f"{name} wanders like a random walk ({tests}): consider "
            f"Differencing({one.differencing}). {_longer_season(one)}"
        )
    elif one.verdict == "shifts":
        yield (
            f"{name} comes back, but to a level that changes ({tests}): look at its plot for "
            "jumps, and consider shorter periods, or Differencing(1)."
        )
    elif one.verdict == "undecided":
        yield (
            f"{name} is too short, or varies too slowly, to tell whether it wanders off ({tests}; "
            f"{one.n_steps} steps without a gap): compare results with and without "
            f"Differencing(1). {_longer_season(one)}"
        )
    if one.period is not None:
        yield (
            f"{name} comes again after {one.period} steps (p = {one.period_p_value:.2g}): consider "
            f"Deseasonalize({one.period}), or Differencing(0, season={one.period})."
        )


def _longer_season(one: SeriesDiagnosis) -> str:
    """What these tests cannot tell from a walk."""
    return (
        f"A season of more than {longest_tried(one.n_steps)} steps looks the same here, and is not "
        "searched for: if there may be one, take it out first, by Deseasonalize(its length) or "
        "as a sine and a cosine."
    )


# --- all together --------------------------------------------------------------------------------


def _criteria(series: Series, max_lag: int | None) -> dict[str, FloatArray]:
    """Criteria of the VARs of the series that vary; empty if none can be fitted."""
    p = len(series.names)
    asked = max_lag is not None
    cap = check_count(max_lag, "max_lag") if asked else default_lag_cap(series.n_rows, p)  # type: ignore[arg-type]
    while cap >= 1:
        try:
            moments = lagged_moments(series, cap, who="diagnose_series")
            if moments.df >= 1:
                return lag_criteria(moments)
        except (InputError, NumericalError):
            pass
        cap = cap // 2
    return {}


def _advice_on_rows(
    series: Series, n_gaps: int, n_incomplete: int, n_usable: int, lags: dict[str, int]
) -> Iterator[str]:
    if n_gaps:
        yield (
            f"{n_gaps} place(s) lack a step between two rows; no lag reaches over them, so each "
            "costs as many rows as there are lags."
        )
    if n_incomplete:
        yield (
            f"{n_incomplete} of {series.n_rows} rows have a missing cell, and {n_usable} rows are "
            "left with all their lags: fill short holes, or leave out the series that has most."
        )
    if lags:
        yield (
            f"BIC asks for {lags['bic']} lag(s), AIC for {lags['aic']}: "
            f"max_lag={max(1, lags['bic'])} is a place to begin, and {max(1, lags['aic'])} a check."
        )
    else:
        yield (
            "no VAR of all series can be fitted (too few steps, or series that are constant, "
            "categories, or sums of others), so nothing is said on lags."
        )
