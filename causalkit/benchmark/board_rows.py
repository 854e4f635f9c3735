"""The rows of a leaderboard's summary: what one method did, in counts, means and ranks.

Counts come first, since a mean over the data sets on which a method had an answer may hide those on
which it had none. Ranks do not: there no answer is the last place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from causalkit.benchmark.storage import STATUSES, Result
from causalkit.benchmark.summary import by_data_set, rank_matrix, stratified_mean
from causalkit.benchmark.tasks import MEASURES, Measure
from causalkit.typing import FloatArray

__all__ = ["answered", "mean_ranks", "problems_of", "row_of", "with_error"]

_ROUNDING = 1e-12


def mean_ranks(results: list[Result], names: tuple[str, ...], measure: Measure) -> dict[str, float]:
    """Mean rank of each method that has the measure."""
    values = answered(by_data_set(results, names, measure.name)[1])
    if not len(values):
        return {}
    there = np.logical_not(np.isnan(values).all(axis=0))
    ranks = rank_matrix(values[:, there], measure.best or "low").mean(axis=0)
    competing = [name for name, has in zip(names, there.tolist(), strict=True) if has]
    return dict(zip(competing, map(float, ranks), strict=True))


def answered(values: FloatArray) -> FloatArray:
    """Data sets on which somebody has the measure: the others tell nobody from nobody."""
    return values[~np.isnan(values).all(axis=1)]


def row_of(results: list[Result], task: str) -> dict[str, float]:
    """Counts, time and measures of one method."""
    counts = {status: float(sum(r.status == status for r in results)) for status in STATUSES}
    row = {"done": counts.pop("ok"), **counts}
    row["seconds"] = float(np.mean([result.seconds for result in results]))
    for measure in MEASURES:
        if measure.task == task:
            row |= _mean_of(measure.name, _strata(results, measure.name))
    return row


def _strata(results: list[Result], measure: str) -> list[Any]:
    found: dict[tuple[str, int], list[float]] = {}
    for result in results:
        values = found.setdefault((result.model, result.n_obs), [])
        values.append(result.values.get(measure, np.nan))
    return [np.array(values) for values in found.values()]


def _mean_of(name: str, strata: list[Any]) -> dict[str, float]:
    mean, error = stratified_mean(strata)
    if name != "error":
        return {name: mean, f"{name}_se": error}
    square, square_se = stratified_mean([values**2 for values in strata])
    root = float(np.sqrt(square))
    return {
        "bias": mean,
        "bias_se": error,
        "rmse": root,
        "rmse_se": square_se / (2.0 * root) if root > 0 else 0.0 * square_se,
    }


def with_error(value: float, error: float) -> str:
    """Write a number with its standard error, where there is one."""
    if np.isnan(value):
        return "–"
    if error < _ROUNDING * abs(value):  # the same in all repeats, but for the last bit
        error = 0.0
    return f"{value:.3g}" if np.isnan(error) else f"{value:.3g} ± {error:.2g}"


def problems_of(results: tuple[Result, ...]) -> list[str]:
    """One sentence for each way in which a method gave no answer."""
    seen: dict[tuple[str, str, str], int] = {}
    for result in results:
        if result.status in ("failed", "timeout"):
            key = (result.method, result.task, result.status)
            seen[key] = seen.get(key, 0) + 1
    messages = {(r.method, r.task, r.status): r.message for r in reversed(results) if r.message}
    return [
        f"{method}, {task}: {status} on {count}; for example {messages[method, task, status]}"
        for (method, task, status), count in seen.items()
    ]
