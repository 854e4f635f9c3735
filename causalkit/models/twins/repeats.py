"""Values that repeat: a mechanism that stands still at some steps.

Recorded series often show the same value twice: a sensor reports late, a gap was filled with the
last value, a quantity is read on a coarse scale. `Standing` lets the last value stand with a
probability that depends on whether it stood a step ago and whether another cause stands now, and
draws a new value otherwise. Series that stand together do so because one watches the other, by an
edge that is in the graph.

References
----------
Aitchison (1955), J. American Statistical Association 50, 901-908 (a lump of probability beside a
density). doi:10.1080/01621459.1955.10501976
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.twins.column_forms import ColumnForm
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Standing", "StandingRule", "fit_standing"]

_LEAST_SHARE: Final = 0.15
_LEAST_MOVES: Final = 0.02
_FEWEST: Final = 200
_PRIOR: Final = 5.0
_LEAST_TELLING: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class StandingRule:
    """How probable it is that the last value stands.

    Attributes
    ----------
    own : int
        Column of causes that is the value of the last step.
    pairs : ndarray of int, shape (2, 2)
        Two pairs of columns; a pair that is equal stood still. A pair of one column with itself
        stands always.
    chances : ndarray of shape (2, 2)
        `[a, b]`: probability where the first pair stood (a = 1) and the second (b = 1) or not.
    """

    own: int
    pairs: IntArray
    chances: FloatArray

    def __call__(self, causes: FloatArray) -> FloatArray:
        """Probability for rows of shape (n, k), shape (n,)."""
        first, second = (causes[:, now] == causes[:, before] for now, before in self.pairs)
        found: FloatArray = self.chances[first.astype(np.intp), second.astype(np.intp)]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """The last value with some probability, else a new one.

    Attributes
    ----------
    mechanism : Mechanism
        Of the new value; its noise has one number a row.
    rule : StandingRule
    """

    mechanism: Mechanism
    rule: StandingRule

    @property
    def bijective(self) -> bool:
        """Never: what would have come instead of a value that stands is not known."""
        return False

    def draw(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw noise of shape (n, 2): whether it stands, and of the new value."""
        return np.column_stack([rng.random(n), self.mechanism.draw(n, rng)])

    def value(self, causes: FloatArray, noise: FloatArray) -> FloatArray:
        """Last value or new one."""
        fresh = self.mechanism.value(causes, noise[:, 1])
        return np.where(noise[:, 0] < self.rule(causes), causes[:, self.rule.own], fresh)

    def noise(self, causes: FloatArray, value: FloatArray, rng: np.random.Generator) -> Any:
        """Noise that gives the value; one that is the last value is taken to stand."""
        chance, stood = self.rule(causes), value == causes[:, self.rule.own]
        spot = rng.random(len(value))
        spot = np.where(stood, chance * spot, chance + (1 - chance) * spot)
        fresh = self.mechanism.noise(causes, value, rng)
        return np.column_stack([spot, np.where(stood, self.mechanism.draw(len(value), rng), fresh)])


def fit_standing(
    causes: FloatArray,
    value: FloatArray,
    lags: IntArray,
    series: IntArray,
    target: int,
    form: ColumnForm,
) -> tuple[StandingRule, BoolArray] | None:
    """Fit when a series stands still; None if it does no more than rounding explains.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    value : ndarray of shape (n,)
    lags, series : ndarray of int, shape (k,)
        Of each column of causes.
    target : int
        Number of the series.
    form : ColumnForm
        Of the series: its grid, or its levels.

    Returns
    -------
    rule : StandingRule
    stood : ndarray of bool, shape (n,)
    """
    where = {(int(i), int(lag)): k for k, (i, lag) in enumerate(zip(series, lags, strict=True))}
    if (target, 1) not in where or len(value) < _FEWEST:
        return None
    own = where[target, 1]
    last = causes[:, own]
    inner = (last > value.min()) & (last < value.max())
    change, stood = (value - last)[inner], value == last
    repeats = float(np.mean(change == 0)) if inner.any() else 0.0
    spare = repeats - _next_ones(last[inner], change, form) if repeats else 0.0
    if spare < _LEAST_SHARE or repeats > 1 - _LEAST_MOVES:
        return None
    before = where.get((target, 2), own)
    pairs = np.array([(own, before), _most_telling(causes, stood, where)], dtype=np.intp)
    seen = [(causes[:, a] == causes[:, b]).astype(np.intp) for a, b in pairs]
    counts = np.zeros((2, 2, 2))
    np.add.at(counts, (*seen, stood.astype(np.intp)), 1.0)
    prior = _PRIOR * np.array([1 - stood.mean(), stood.mean()])
    chances = (counts + prior)[:, :, 1] / (counts + prior).sum(axis=2)
    return StandingRule(own, pairs, chances * min(spare / repeats, 1.0)), stood


def _next_ones(last: FloatArray, change: FloatArray, form: ColumnForm) -> float:
    """Share of steps to one neighbour, which is about how often rounding alone gives a repeat."""
    if form.step:
        return float(np.mean(np.abs(np.abs(change) - form.step) < 1e-6 * form.step)) / 2
    if len(form.levels):
        places = (np.searchsorted(form.levels, values) for values in (last, last + change))
        one, other = places
        return float(np.mean(np.abs(one - other) == 1)) / 2
    return 0.0


def _most_telling(
    causes: FloatArray, stood: BoolArray, where: dict[tuple[int, int], int]
) -> tuple[int, int]:
    """Pair of columns, of a cause now and a step ago, that stands most as the series does."""
    best, found = _LEAST_TELLING, (0, 0)
    for (i, lag), now in where.items():
        if lag or (i, 1) not in where:
            continue
        also = causes[:, now] == causes[:, where[i, 1]]
        if 0 < also.mean() < 1:
            telling = float(np.corrcoef(also, stood)[0, 1])
            if telling > best:
                best, found = telling, (now, where[i, 1])
    return found
