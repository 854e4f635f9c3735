"""What searches share that fit another one again and again, to parts of the same series."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone

from causalkit._core.series import Series, as_series
from causalkit.discovery.base import note_columns
from causalkit.discovery.resampling._resampling import labels_of, raw_column
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.errors import CausalkitError, InputError, NumericalError
from causalkit.typing import BoolArray, Data, IntArray, Name

__all__ = ["fitted_to", "read_labels", "read_series", "try_to_fit"]


def read_series(estimator: Any, X: Data, without: tuple[Name, ...] = ()) -> Series:
    """Read series as the algorithm within the estimator does, and note their names.

    Raises
    ------
    InputError
        If there is no algorithm for series in it, or the data are no series.
    """
    algorithm, who = estimator.algorithm, type(estimator).__name__
    if not isinstance(algorithm, SeriesAlgorithm):
        shown = algorithm if isinstance(algorithm, type) else type(algorithm).__name__
        raise InputError(
            f"{who} got algorithm={shown!r}; expected one that learns a graph of series, such as "
            "PCMCIPlus(max_lag=2). Pass an instance, with parentheses."
        )
    roles = {what: getattr(algorithm, what) for what in ("panel", "time", "mask")}
    series = as_series(X, **roles, without=without)
    note_columns(estimator, X, series.names)
    return series


def read_labels(X: Data, given: Name | ArrayLike, what: str) -> tuple[list[Any], IntArray]:
    """Labels of rows in the order of appearance, and the number of each row's label.

    Parameters
    ----------
    X : as `fit` takes it
    given : name of a column, or one label a row
    what : str
        Named in errors.
    """
    raw: Any = given
    if isinstance(given, (str, int)):
        parts = X if isinstance(X, (list, tuple)) else [X]
        raw = [label for part in parts for label in raw_column(part, given).tolist()]
    labels = np.empty(len(raw), dtype=object)
    labels[:] = raw.tolist() if hasattr(raw, "tolist") else list(raw)
    codes = np.asarray(labels_of({}, labels, what), dtype=np.intp)
    _, first, numbers = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return [labels[row] for row in first[order]], np.argsort(order)[numbers]


def fitted_to(
    algorithm: SeriesAlgorithm, series: Series, now: BoolArray, what: str
) -> SeriesAlgorithm:
    """Fit a copy, to these rows as "now".

    Raises
    ------
    InputError, NumericalError
        What the algorithm says, and of which part.
    """
    found = try_to_fit(algorithm, series, now)
    if isinstance(found, SeriesAlgorithm):
        return found
    kind = NumericalError if isinstance(found, NumericalError) else InputError
    raise kind(f"{what}: {found}") from found


def try_to_fit(
    algorithm: SeriesAlgorithm, series: Series, now: BoolArray
) -> SeriesAlgorithm | CausalkitError:
    """Fit a copy, to these rows as "now"; the error if that fails."""
    copy: SeriesAlgorithm = clone(algorithm)
    try:
        copy._fit(replace(series, counted=series.counted & now))
    except CausalkitError as error:
        return error
    return copy
