"""Numbers that take few values in a table: ways to draw them, and the choice by held-out rows.

Years of schooling, ages and numbers of children are whole, and heap at some of them. A mechanism of
a number without gaps that is rounded misses the heaps. So for each column with few values these are
compared, on rows that were held out, by the likelihood of the value given its causes:

==============  ================================================================================
``"rounded"``   the mechanism of a number, rounded
``"cut"``       the same, cut where each value is as frequent as in the data
``"ordinal"``   how many cut points lie below a line, or curves, of the causes plus noise
``"count"``     a Poisson or negative binomial law, of counts from 0 on
==============  ================================================================================

A law may give a row hardly any chance by accident; so each is mixed with one part in a hundred of
the shares of all rows before it is judged. A variable without causes is drawn among the values that
were seen, as often as they were.

References
----------
Gneiting & Raftery (2007), J. American Statistical Association 102, 359-378 (scoring by held-out
likelihood). doi:10.1198/016214506000001437
Liu, Shepherd, Li & Harrell (2017), Statistics in Medicine 36, 4316-4335 (ordinal regression of
numbers). doi:10.1002/sim.7433
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.models.mechanisms.base import Mechanism
from causalkit.models.mechanisms.count_fitting import fit_count
from causalkit.models.mechanisms.fitting import fit_mechanism
from causalkit.models.mechanisms.functions import Encoded
from causalkit.models.mechanisms.head_fitting import fit_ordinal
from causalkit.models.mechanisms.level_values import CutAtLevels, OnValues, matched_cuts
from causalkit.models.mechanisms.tables import fit_table
from causalkit.models.structural._intervened import Held
from causalkit.typing import FloatArray, IntArray

__all__ = ["FewValues", "fit_few_values", "takes_few_values"]

_MOST_VALUES: Final = 100
_ROWS_A_VALUE: Final = 6.0
_FEWEST_ROWS: Final = 60
_MOST_TO_CHOOSE: Final = 3000
_FOLDS: Final = 3
_LATENT: Final = 20_000
"""Draws that cut points are placed by."""
_MIXED: Final = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class FewValues:
    """A mechanism that was chosen.

    Attributes
    ----------
    mechanism : Mechanism
    family : str
    losses : dict of str to float
        Mean negative log-likelihood of held-out rows, by family that was tried.
    """

    mechanism: Mechanism
    family: str
    losses: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """Rows of a column and its causes, of categories indicators, and the values it takes."""

    causes: FloatArray
    y: FloatArray
    values: FloatArray

    def part(self, rows: Any) -> _Column:
        return _Column(self.causes[rows], self.y[rows], self.values)

    @property
    def codes(self) -> FloatArray:
        return np.searchsorted(self.values, self.y).astype(np.float64)


def takes_few_values(y: FloatArray) -> bool:
    """Whether a column has few values, and rows enough for each.

    Examples
    --------
    >>> takes_few_values(np.arange(100.0) % 7), takes_few_values(np.arange(100.0))
    (True, False)
    """
    n_values = len(np.unique(y))
    return 2 <= n_values <= min(_MOST_VALUES, len(y) / _ROWS_A_VALUE) and len(y) >= _FEWEST_ROWS


def fit_few_values(
    causes: FloatArray,
    y: FloatArray,
    *,
    n_levels: IntArray,
    families: tuple[str, ...],
    noise: str,
    rng: np.random.Generator,
) -> FewValues:
    """Fit how a number with few values comes about, by the way that suits held-out rows best.

    Parameters
    ----------
    causes : ndarray of shape (n, k)
    y : ndarray of shape (n,)
        Values for which :func:`takes_few_values` holds.
    n_levels : ndarray of int, shape (k,)
        Levels of causes that are categories, 0 for numbers.
    families : tuple of str
        Of mechanisms of numbers, which are rounded or cut.
    noise : str
        As in :func:`~causalkit.models.mechanisms.fit_mechanism`.
    rng : Generator

    Returns
    -------
    FewValues

    Notes
    -----
    **Assumes:** the causes are all there are, and noise is independent of them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(600, 1))
    >>> school = np.where(x[:, 0] + rng.normal(size=600) > 0.5, 16.0, 12.0)
    >>> school[rng.random(600) < 0.2] -= 1  # heaps at 12 and 16
    >>> fitted = fit_few_values(
    ...     x, school, n_levels=np.zeros(1, int), families=("linear",), noise="smoothed", rng=rng
    ... )
    >>> min(fitted.losses, key=fitted.losses.get) == fitted.family
    True
    """
    values = np.unique(y)
    if not causes.shape[1]:
        codes = np.searchsorted(values, y).astype(np.float64)
        table = fit_table(causes, codes, (len(values),))
        return FewValues(OnValues(table, values), "table", {})
    counts = np.where(n_levels > 2, n_levels, 0).astype(np.intp)
    if counts.any():
        causes = Encoded(Held(0.0), counts).encode(causes)
    column = _Column(causes, y, values)
    losses = _held_out(column, families, noise, rng)
    best = min(losses, key=losses.__getitem__)
    fitted = _fitted(column, best, noise, rng)
    return FewValues(Encoded(fitted, counts) if counts.any() else fitted, best, losses)


def _held_out(
    column: _Column, families: tuple[str, ...], noise: str, rng: np.random.Generator
) -> dict[str, float]:
    """Mean surprise of held-out rows, by family."""
    n = min(len(column.y), _MOST_TO_CHOOSE)
    few = column.part(rng.permutation(len(column.y))[:n])
    fold = np.arange(n) % _FOLDS
    shares = (np.bincount(few.codes.astype(np.intp), minlength=len(few.values)) + 1.0) / n
    usual = _MIXED * shares[few.codes.astype(np.intp)] / shares.sum()
    tried = [f"{how} {family}" for family in families for how in ("rounded", "cut")]
    tried += ["ordinal", "ordinal (spline)"]
    is_count = column.values[0] == 0 and bool((column.values == np.round(column.values)).all())
    if is_count and len(column.values) > 2:
        tried.append("count")
    surprise = {family: np.empty(n) for family in tried}
    for k in range(_FOLDS):
        train, out = few.part(fold != k), few.part(fold == k)
        known: dict[str, Mechanism] = {}
        for family, losses in surprise.items():
            fitted = _fitted(train, family, noise, rng, known)
            chance = np.exp(_log_chance(fitted, out, rng))
            losses[fold == k] = -np.log((1 - _MIXED) * chance + usual[fold == k])
    return {family: float(losses.mean()) for family, losses in surprise.items()}


def _fitted(
    column: _Column,
    family: str,
    noise: str,
    rng: np.random.Generator,
    known: dict[str, Mechanism] | None = None,
) -> Mechanism:
    """Fit one family; mechanisms of numbers that are fitted already are in `known`."""
    causes, y, values = column.causes, column.y, column.values
    if family.startswith("ordinal"):
        bent: Any = "spline" if "spline" in family else "linear"
        return OnValues(fit_ordinal(causes, column.codes, len(values), index=bent), values)
    if family == "count":
        return fit_count(causes, y)
    how, _, name = family.partition(" ")
    known = {} if known is None else known
    if name not in known:
        known[name] = fit_mechanism(causes, y, family=name, noise=noise, rng=rng).mechanism
    inner = known[name]
    if how == "rounded":
        return CutAtLevels(inner, (values[1:] + values[:-1]) / 2, values)
    again = np.tile(causes, (-(-_LATENT // len(causes)), 1))
    latent = inner.value(again, inner.draw(len(again), rng))
    return CutAtLevels(inner, matched_cuts(latent, y, values), values)


def _log_chance(fitted: Any, out: _Column, rng: np.random.Generator) -> FloatArray:
    """Log probability of each row."""
    if isinstance(fitted, CutAtLevels):
        return fitted.log_probability(out.causes, out.y, rng)
    found: FloatArray = fitted.log_probability(out.causes, out.y)
    return found
