"""Fitting the mechanisms of series: a line, trees on what it leaves, and noise that fits.

Each series is regressed on its causes by ridge regression. Trees are grown on what the line leaves
("boosting"), and never instead of it: trees are bounded, so iterated alone they pull a series
towards its middle and lose how series go together, while a line carries both. Noise is drawn from
what is left, all of it alike or with a scale that depends on the causes
(:mod:`causalkit.models.temporal.temporal_scales`).

What is worth it is asked of blocks of time that were held out: two fifths of the steps, in two
stretches. Trees are taken where they make the mean absolute error smaller; a scale that varies
where it gains more likelihood than one standard error over ten pieces of these stretches.

References
----------
Bergmeir & Benítez (2012), Information Sciences 191, 192-213 (blocked validation of predictors of
series). doi:10.1016/j.ins.2011.12.028
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from causalkit._core.checks import check_choice
from causalkit._core.series import Series
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.function_fitting import fit_trees
from causalkit.models.mechanisms.functions import TreesFunction
from causalkit.models.mechanisms.noise_fitting import fit_noise
from causalkit.models.temporal.ridge_line import fit_line
from causalkit.models.temporal.temporal_sampling import companion_radius, layout
from causalkit.models.temporal.temporal_scales import fit_scale
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["FAMILIES", "NOISES", "Fitted", "Rows", "correlations_of", "fit_mechanisms", "rows_of"]

FAMILIES: Final = ("auto", "linear", "boosting")
NOISES: Final = ("auto", "empirical", "smoothed", "normal", "student", "mixture", "level")

_MOST_RADIUS: Final = 0.995
_FEWEST: Final = 10
_FEWEST_FOR_CHOICE: Final = 200
_PIECES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows from which one mechanism is learnt.

    Attributes
    ----------
    causes : ndarray of shape (n, k)
    value : ndarray of shape (n,)
    where : ndarray of int, shape (n,)
        Their places in the series.
    lags : ndarray of int, shape (k,)
    own : ndarray of bool, shape (k,)
        Whether a cause is the series itself.
    """

    causes: FloatArray
    value: FloatArray
    where: IntArray
    lags: IntArray
    own: BoolArray

    def among(self, which: BoolArray) -> Rows:
        """Return some of the rows."""
        return replace(
            self, causes=self.causes[which], value=self.value[which], where=self.where[which]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Mechanisms, and what the fit says about them.

    Attributes
    ----------
    mechanisms : dict of name to Mechanism
    means : ndarray of shape (p,)
        Of the series.
    families : dict of name to str
        What was chosen for each.
    correlation : ndarray of shape (p, p)
        Of the noise that the data show.
    """

    mechanisms: dict[Name, Mechanism]
    means: FloatArray
    families: dict[Name, str]
    correlation: FloatArray


def fit_mechanisms(
    series: Series,
    graph: LaggedGraph,
    *,
    mechanism: str | Mapping[Name, Any],
    noise: str,
    rng: np.random.Generator,
    without: BoolArray | None = None,
) -> Fitted:
    """Fit a mechanism for each series of a graph.

    Parameters
    ----------
    series : Series
        Of the variables of the graph, in its order.
    graph : LaggedGraph
    mechanism : str, or mapping of name to str or Mechanism
    noise : str
    rng : Generator
        For trees, and where a mechanism that was given leaves its noise open.
    without : ndarray of bool, shape (n_rows, p), optional
        Values that are not learnt from, though others may depend on them.

    Raises
    ------
    InputError
        If there is no such family, a series has categories, or its steps are too few.
    """
    check_choice(noise, "noise", NOISES)
    wanted = _families(mechanism, graph.variables)
    _refuse_categories(series)
    parents, _ = layout(graph)
    rows = [
        rows_of(series, lags, causes, j, graph.max_lag) for j, (lags, causes) in enumerate(parents)
    ]
    if without is not None:
        rows = [part.among(~without[part.where, j]) for j, part in enumerate(rows)]
    lines = [
        fit_line(part.causes, part.value) if isinstance(family, str) else None
        for part, family in zip(rows, wanted, strict=True)
    ]
    _damp(lines, rows, parents, graph)
    left = np.full((series.n_rows, len(rows)), np.nan)
    mechanisms: dict[Name, Mechanism] = {}
    families: dict[Name, str] = {}
    streams = rng.spawn(len(rows))
    for j, (name, part, line) in enumerate(zip(graph.variables, rows, lines, strict=True)):
        if line is None:
            made, families[name] = wanted[j], "given"
            noises = np.asarray(made.noise(part.causes, part.value, streams[j]))
            if noises.ndim == 1:
                left[part.where, j] = noises
        else:
            made, standard, families[name] = _fit_one(part, line, wanted[j], noise, streams[j])
            left[part.where, j] = standard
        mechanisms[name] = made
    means = np.nanmean(series.table.values, axis=0)
    return Fitted(mechanisms, means, families, correlations_of(left))


def rows_of(series: Series, lags: IntArray, causes: IntArray, target: int, reach: int) -> Rows:
    """Rows with an unbroken past in which neither the series nor a cause has a hole.

    Raises
    ------
    InputError
        If there are fewer of them than causes, or hardly any.
    """
    values, row = series.table.values, np.arange(series.n_rows)
    since = row - np.maximum.accumulate(np.where(series.follows, 0, row))
    now = row[(since >= reach) & series.counted]
    seen, value = values[now[:, None] - lags, causes], values[now, target]
    whole = ~np.isnan(value) & ~np.isnan(seen).any(axis=1)
    needed = max(_FEWEST, len(lags) + 2)
    if whole.sum() < needed:
        raise InputError(
            f"series {series.names[target]!r} has {int(whole.sum())} steps with all of its "
            f"{len(lags)} causes in the {reach} steps before; expected {needed}. Use longer "
            "series, a smaller max_lag or a graph with fewer edges, or fill short gaps."
        )
    return Rows(seen[whole], value[whole], now[whole], lags, causes == target)


def correlations_of(left: FloatArray) -> FloatArray:
    """Correlations of columns over the rows that both have, shape (p, p); 0 where there are none.

    Parameters
    ----------
    left : ndarray of shape (n, p)
        NaN where a row has no residual.
    """
    there = ~np.isnan(left)
    z = np.where(there, left, 0.0)
    some = there.astype(np.float64)
    n = np.maximum(some.T @ some, 1.0)
    sums, squares = z.T @ some, (z * z).T @ some
    cross = z.T @ z / n - (sums / n) * (sums.T / n)
    spread = np.maximum(squares / n - (sums / n) ** 2, 0.0)
    scale = np.sqrt(spread * spread.T)
    found: FloatArray = np.divide(cross, scale, out=np.zeros_like(cross), where=scale > 0)
    np.fill_diagonal(found, 1.0)
    return found


def _families(mechanism: str | Mapping[Name, Any], names: tuple[Name, ...]) -> list[Any]:
    if isinstance(mechanism, str):
        check_choice(mechanism, "mechanism", FAMILIES)
        return [mechanism] * len(names)
    for name, family in mechanism.items():
        if name not in names:
            raise UnknownVariableError.among(name, names, where="the graph")
        if isinstance(family, str):
            check_choice(family, f"mechanism of {name!r}", FAMILIES)
        elif not isinstance(family, Mechanism):
            raise InputError(
                f"the mechanism of {name!r} is a {type(family).__name__}; expected one of "
                f"{', '.join(FAMILIES)}, or a Mechanism."
            )
    return [mechanism.get(name, "auto") for name in names]


def _refuse_categories(series: Series) -> None:
    for name, levels in zip(series.names, series.table.levels, strict=True):
        if series.table.kind(name) == "categorical":
            codes = {level: code for code, level in enumerate(levels or ())}
            advice = "Make an indicator (0 or 1) of each category but one, or leave it out."
            if len(codes) == 2:
                advice = f"Write data[{name!r}].map({codes})."
            raise InputError(f"series {name!r} has categories; expected numbers. {advice}")


def _damp(
    lines: list[Linear | None],
    rows: list[Rows],
    parents: tuple[tuple[IntArray, IntArray], ...],
    graph: LaggedGraph,
) -> None:
    """Multiply slopes of lag l by c^l, which multiplies all roots by c, where one is too large."""
    p = len(lines)
    weights = np.zeros((graph.max_lag + 1, p, p))
    for j, ((lags, causes), line) in enumerate(zip(parents, lines, strict=True)):
        if line is not None:
            weights[lags, causes, j] = line.slopes
    radius = companion_radius(weights)
    if radius <= _MOST_RADIUS:
        return
    for j, line in enumerate(lines):
        if line is not None:
            slopes = line.slopes * (_MOST_RADIUS / radius) ** parents[j][0]
            centre = float(rows[j].value.mean() - rows[j].causes.mean(axis=0) @ slopes)
            lines[j] = Linear(slopes, centre)


def _fit_one(
    rows: Rows, line: Linear, family: str, noise: str, rng: np.random.Generator
) -> tuple[Mechanism, FloatArray, str]:
    """Mechanism, its noise in the data, and what it is called."""
    mean: Linear | TreesFunction = line
    if family == "boosting" or (family == "auto" and _trees_are_worth_it(rows, rng)):
        mean = _with_trees(rows, line, rng)
    called = "linear" if mean is line else "boosting"
    left = rows.value - mean(rows.causes)
    if noise == "level" or (noise == "auto" and _scale_is_worth_it(rows)):
        log_scale = fit_scale(rows.causes, left, line, rows.lags, rows.own)
        left = left / np.exp(log_scale(rows.causes))
        drawn = fit_noise(left, "smoothed")
        return LocationScale(mean, log_scale, drawn), left, f"{called}, level"
    kind: Any = "smoothed" if noise == "auto" else noise
    drawn = fit_noise(left, kind)
    return Additive(mean, drawn), left, f"{called}, {type(drawn).__name__.lower()}"


def _with_trees(rows: Rows, line: Linear, rng: np.random.Generator) -> TreesFunction:
    """Trees on what the line leaves; the slopes stay those of the line."""
    grown = fit_trees(rows.causes, rows.value - line(rows.causes), rng)
    return replace(grown, slopes=line.slopes, intercept=line.intercept + grown.intercept)


def _trees_are_worth_it(rows: Rows, rng: np.random.Generator) -> bool:
    """Whether trees predict held-out steps better than the line alone."""
    n, k = rows.causes.shape
    if k == 0 or n < max(_FEWEST_FOR_CHOICE, 10 * k):
        return False
    held = held_out(n)
    seen, new = rows.among(~held), rows.among(held)
    line = fit_line(seen.causes, seen.value)
    trees = _with_trees(seen, line, rng)
    if not len(trees.column):
        return False
    before, after = (new.value - mean(new.causes) for mean in (line, trees))
    return bool((np.abs(before) - np.abs(after)).mean() > 0)


def _scale_is_worth_it(rows: Rows) -> bool:
    """Whether a scale that depends on the causes gives held-out steps a higher likelihood."""
    n = len(rows.value)
    if n < max(_FEWEST_FOR_CHOICE, 10 * rows.causes.shape[1]):
        return False
    held = held_out(n)
    seen, new = rows.among(~held), rows.among(held)
    line = fit_line(seen.causes, seen.value)
    left, later = seen.value - line(seen.causes), np.abs(new.value - line(new.causes))
    flat = float(np.abs(left).mean())
    if flat <= 0:
        return False
    log_scale = fit_scale(seen.causes, left, line, rows.lags, rows.own)(new.causes)
    return clear_gain(np.log(flat) + later / flat - log_scale - later * np.exp(-log_scale))


def held_out(n: int) -> BoolArray:
    """Second and fourth fifth of n steps."""
    fifth = np.arange(n) * 5 // max(n, 1)
    held: BoolArray = (fifth == 1) | (fifth == 3)
    return held


def clear_gain(gain: FloatArray) -> bool:
    """Whether gains at held-out steps exceed a standard error over pieces of time."""
    means = np.array([piece.mean() for piece in np.array_split(gain, _PIECES)])
    return bool(means.mean() > means.std(ddof=1) / np.sqrt(_PIECES))
