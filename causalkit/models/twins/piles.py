"""Values piled up at one end: calm wind, a gauge at its limit, hours without a customer.

A recorded quantity often has one number far too often, at the lower or the upper end of its range.
It is of another kind than the others: whether the wind blows is one question, how strongly is
another. `PiledUp` asks both (a two-part, or hurdle, model): it takes the number of the pile with a
probability that depends on the causes, and on which of them are at their own pile; and a value by
the mechanism otherwise, which is fitted to such values alone and never gives the number of the
pile. Columns that are at their piles at the same steps are so because one watches the other.

>>> rule = PileRule(0.0, 0.1, np.array([0]), np.array([0.0]), np.array([4.0]), np.zeros(1),
...                 np.ones(1), np.zeros(1), -2.0, locked=False)
>>> rule(np.array([[0.0], [3.0]])).round(2)
array([0.88, 0.12])

References
----------
Cragg (1971), Econometrica 39, 829-844 (two parts). doi:10.2307/1909582
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from causalkit._core.series import Series
from causalkit.graph import LaggedGraph
from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.temporal.temporal_fitting import rows_of
from causalkit.models.temporal.temporal_model import TemporalCausalModel
from causalkit.models.temporal.temporal_sampling import layout
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = ["PileRule", "PiledUp", "find_piles", "fit_piles", "with_piles", "with_shared"]

_LEAST_SHARE: Final = 0.05
_TOO_OFTEN: Final = 3.0
"""Rows in the pile, in rows of the number that is next."""

_SHARED: Final = 0.95
"""Steps at which two columns are at their piles, in those at which one is."""

_FEWEST_DISTINCT: Final = 10
_FEWEST: Final = 100
_ROWS_PER_CAUSE: Final = 10
_PENALTY: Final = 1.0
_FAR: Final = 4.0
"""Standard deviations beyond which a cause changes the odds no more."""

_STEPS: Final = 25
_SETTLED: Final = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class PileRule:
    """How probable it is that a value is in the pile.

    Attributes
    ----------
    pile, beside : float
        The number that is piled up, and the one next to it.
    columns : ndarray of int, shape (k,)
        Columns of causes.
    piles : ndarray of shape (k,)
        The piles of the causes; NaN where there is none.
    at_pile : ndarray of shape (k,)
        What a cause at its pile adds to the log odds.
    centre, scale, slopes : ndarray of shape (k,)
        What its value adds.
    intercept : float
    locked : bool
        Whether the value is in the pile where the one cause is in its own, and only there.
    """

    pile: float
    beside: float
    columns: IntArray
    piles: FloatArray
    at_pile: FloatArray
    centre: FloatArray
    scale: FloatArray
    slopes: FloatArray
    intercept: float
    locked: bool

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Probability for rows of shape (n, K), shape (n,)."""
        seen = causes[:, self.columns]
        inside = (seen == self.piles).astype(np.float64)
        if self.locked:
            return np.asarray(inside[:, 0])
        steps = np.clip((seen - self.centre) / self.scale, -_FAR, _FAR)
        odds = self.intercept + inside @ self.at_pile + steps @ self.slopes
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


@dataclass(frozen=True, slots=True, eq=False)
class PiledUp:
    """The number of the pile with some probability, else a value that is not.

    Attributes
    ----------
    mechanism : Mechanism
    rule : PileRule
    """

    mechanism: Mechanism
    rule: PileRule

    @property
    def bijective(self) -> bool:
        """Never: what would have come instead of the pile is not known."""
        return False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise: whether it is in the pile, then that of the mechanism."""
        return np.column_stack([rng.random(n), self.mechanism.draw(n, rng)])

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Pile or value."""
        own = noise[:, 1] if noise.shape[1] == 2 else noise[:, 1:]
        fresh = self.mechanism.value(causes, own)
        fresh = np.where(fresh == self.rule.pile, self.rule.beside, fresh)
        return np.where(noise[:, 0] < self.rule(causes), self.rule.pile, fresh)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> Any:
        """Noise that gives the value."""
        chance, inside = self.rule(causes), value == self.rule.pile
        spot = rng.random(len(value))
        spot = np.where(inside, chance * spot, chance + (1 - chance) * spot)
        own = np.array(self.mechanism.noise(causes, value, rng))
        own[inside] = self.mechanism.draw(len(value), rng)[inside]
        return np.column_stack([spot, own])


def find_piles(series: Series) -> dict[Name, tuple[float, float]]:
    """Find columns with a pile at one end.

    Parameters
    ----------
    series : Series

    Returns
    -------
    dict of name to (float, float)
        The number of the pile, and the one next to it. A number at the end of a column is a pile if
        there are far more of it than of the next one, or if it stands at the very steps at which
        another column is at its pile.
    """
    values = series.table.values
    ends: dict[int, tuple[float, float]] = {}
    clear: list[int] = []
    for k, x in enumerate(values.T):
        distinct, counts = np.unique(x[~np.isnan(x)], return_counts=True)
        if len(distinct) < _FEWEST_DISTINCT:
            continue
        end, next_one = (0, 1) if counts[0] >= counts[-1] else (-1, -2)
        inside, others = counts[end], counts.sum() - counts[end]
        if min(inside, others) < _FEWEST or inside < _LEAST_SHARE * counts.sum():
            continue
        ends[k] = (float(distinct[end]), float(distinct[next_one]))
        if inside > _TOO_OFTEN * counts[next_one]:
            clear.append(k)
    return {
        series.names[k]: end
        for k, end in ends.items()
        if k in clear or any(_at_once(values[:, [k, i]], end[0], ends[i][0]) for i in clear)
    }


def _at_once(pair: FloatArray, one: float, other: float) -> bool:
    """Whether two columns are at these numbers at the same steps, but for few."""
    pair = pair[~np.isnan(pair).any(axis=1)]
    first, second = pair[:, 0] == one, pair[:, 1] == other
    return bool((first & second).sum() >= _SHARED * max((first | second).sum(), 1))


def fit_piles(series: Series, graph: LaggedGraph) -> tuple[dict[Name, PileRule], BoolArray]:
    """Fit when series are in their piles.

    Parameters
    ----------
    series : Series
        As recorded, of the variables of the graph.
    graph : LaggedGraph

    Returns
    -------
    rules : dict of name to PileRule
        Its columns are those of the causes of the series in this graph.
    inside : ndarray of bool, shape (n, p)
        Values that are in a pile.
    """
    piles = find_piles(series)
    where = np.array([piles.get(name, (np.nan,))[0] for name in series.names])
    rules: dict[Name, PileRule] = {}
    inside = np.zeros((series.n_rows, len(series.names)), dtype=np.bool_)
    for j, (lags, causes) in enumerate(layout(graph)[0]):
        name = series.names[j]
        if name not in piles or not len(causes):
            continue
        rows = rows_of(series, lags, causes, j, graph.max_lag)
        there = rows.value == where[j]
        if min(there.sum(), (~there).sum()) < max(_FEWEST, _ROWS_PER_CAUSE * len(causes)):
            continue
        rules[name] = _rule(*piles[name], rows.causes, there, where[causes])
        inside[:, j] = series.table.values[:, j] == where[j]
    return rules, inside


def with_shared(
    rules: Mapping[Name, PileRule], every: Mapping[Name, PileRule], graph: LaggedGraph
) -> dict[Name, PileRule]:
    """Add to some of the rules those of columns that are in their piles at the same steps.

    Parameters
    ----------
    rules : mapping of name to PileRule
    every : mapping of name to PileRule
        All that were fitted.
    graph : LaggedGraph

    Returns
    -------
    dict of name to PileRule
    """
    shared: set[Name] = set()
    for name, rule in every.items():
        if rule.locked:
            _, causes = layout(graph)[0][graph.index(name)]
            shared |= {name, graph.variables[causes[rule.columns[0]]]}
    return {name: rule for name, rule in every.items() if name in rules or name in shared}


def with_piles(
    model: TemporalCausalModel, graph: LaggedGraph, rules: Mapping[Name, PileRule]
) -> TemporalCausalModel:
    """Put the rules around the mechanisms of a model.

    Parameters
    ----------
    model : TemporalCausalModel
        Its series have the causes that they have in the graph, and perhaps clocks.
    graph : LaggedGraph
        Of which the rules are.
    rules : mapping of name to PileRule

    Returns
    -------
    TemporalCausalModel
    """
    if not rules:
        return model
    found = dict(model.mechanisms_)
    for name, rule in rules.items():
        lags, causes = layout(graph)[0][graph.index(name)]
        nodes = [(graph.variables[i], int(lag)) for i, lag in zip(causes, lags, strict=True)]
        place = {(node.name, node.lag): k for k, node in enumerate(model.causes_of(name))}
        columns = np.array([place[nodes[k]] for k in rule.columns], dtype=np.intp)
        found[name] = PiledUp(found[name], replace(rule, columns=columns))
    made = TemporalCausalModel.from_mechanisms(
        model.graph_, found, start=model.start_, random_state=model.random_state
    )
    made.families_ = model.families_
    made.residual_correlation_ = model.residual_correlation_
    return made


def _rule(
    pile: float, beside: float, causes: FloatArray, there: BoolArray, piles: FloatArray
) -> PileRule:
    """Rule of one series: that of a cause it goes with at every step, or a logistic regression."""
    k = causes.shape[1]
    zero, one = np.zeros(k), np.ones(k)
    rule = PileRule(pile, beside, np.arange(k), piles, zero, zero, one, zero, 0.0, locked=False)
    inside = causes == piles
    for c in range(k):
        if (inside[:, c] == there).all():
            only = np.array([c], dtype=np.intp)
            nothing = np.zeros(1)
            return PileRule(
                pile, beside, only, piles[only], nothing, nothing, np.ones(1), nothing, 0.0, True
            )
    centre, scale = causes.mean(axis=0), causes.std(axis=0)
    scale = np.where(scale > 1e-12 * np.maximum(np.abs(centre), 1e-300), scale, np.inf)
    steps = np.clip((causes - centre) / scale, -_FAR, _FAR)
    intercept, slopes = _log_odds(np.hstack([inside, steps]), there.astype(np.float64))
    return replace(
        rule, centre=centre, scale=scale, at_pile=slopes[:k], slopes=slopes[k:], intercept=intercept
    )


def _log_odds(columns: FloatArray, y: FloatArray) -> tuple[float, FloatArray]:
    """Logistic regression with a normal law of slopes around zero, by Newton's steps."""
    n, k = columns.shape
    design = np.hstack([np.ones((n, 1)), columns])
    penalty = np.full(k + 1, _PENALTY)
    penalty[0] = 1e-6
    slopes = np.zeros(k + 1)
    share = min(max(float(y.mean()), 1e-3), 1 - 1e-3)
    slopes[0] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ slopes, -30.0, 30.0)))
        gradient = design.T @ (y - chance) - penalty * slopes
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design
        step = np.linalg.solve(curvature + np.diag(penalty), gradient)
        slopes += step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < _SETTLED:
            break
    return float(slopes[0]), slopes[1:]
