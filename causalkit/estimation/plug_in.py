r"""Plug-in estimation: any identified formula, computed from the frequencies of discrete data.

A formula of the data's distribution is a function T of the probabilities of cells, one cell a
combination of values. Put in relative frequencies, and T is estimated, whatever its shape: front
door, napkin, a formula that general identification found. Its standard error needs no formula of
its own either. T is smooth, so a row in cell c has the influence

    φ(c) = d/dε T((1 - ε) P + ε δ_c)   at ε = 0,

which is computed as a central difference, one cell after the other; rows then are handled like
those of every other estimator, clusters included (the infinitesimal jackknife).

References
----------
Jaeckel, L. (1972). The infinitesimal jackknife. Bell Laboratories memorandum MM 72-1215-11.
van der Vaart, A. W. (1998). Asymptotic statistics, ch. 20. https://doi.org/10.1017/CBO9780511802256
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from causalkit.errors import InputError, NumericalError
from causalkit.estimation.effect import Effect
from causalkit.estimation.inference import standard_error
from causalkit.identification.counterfactual.mediation import MediationEstimand
from causalkit.identification.estimand import Estimand
from causalkit.identification.formulas.evaluation import Values, evaluate
from causalkit.identification.formulas.expression import Equation, Symbol, Value
from causalkit.identification.formulas.tables import Counts
from causalkit.typing import Data, FloatArray, IntArray, Name

__all__ = ["PlugIn"]

_STEP: Final = 1e-4  # error of a central difference: its square, and rounding over it
_MOST_CELLS: Final = 5_000


@dataclass(frozen=True, slots=True)
class PlugIn:
    """The formula of an estimand in relative frequencies, with an influence-function interval.

    Parameters
    ----------
    contrast : (control, treated), optional
        Levels of the treatment to compare; left out, its only two.

    Notes
    -----
    **Assumes:**

    - what the estimand lists under `assumptions`,
    - all variables of the formula are discrete with few values, and every combination that the
      formula conditions on occurs often (small cells bias ratios).

    Examples
    --------
    >>> import numpy as np
    >>> import causalkit as ck
    >>> rng = np.random.default_rng(0)
    >>> U = rng.random(4000)
    >>> X = rng.random(4000) < U
    >>> M = rng.random(4000) < 0.2 + 0.6 * X
    >>> Y = rng.random(4000) < 0.1 + 0.5 * M + 0.4 * U
    >>> estimand = ck.identify("X -> M -> Y; X <-> Y", "X", "Y")
    >>> effect = estimand.estimate({"X": X, "M": M, "Y": Y}, ck.estimation.PlugIn())
    >>> bool(0.6 * 0.5 in effect.interval(0.99))
    True
    """

    contrast: tuple[Any, Any] | None = None

    def effect(
        self,
        estimand: Estimand,
        data: Data,
        *,
        groups: IntArray | None = None,
        weights: FloatArray | None = None,
    ) -> Effect:
        """Estimate.

        Parameters
        ----------
        estimand : Estimand
            One treatment, one outcome.
        data : table
            With the variables of the formula; others are not read.
        groups : ndarray of int, shape (n,), optional
            Clusters.
        weights : ndarray of shape (n,), optional
            Sampling weights.

        Raises
        ------
        InputError
            If there are several treatments or outcomes, too many cells, or no such contrast.
        NumericalError
            If the formula conditions on values that never occur together.
        """
        formula = _formula(estimand)
        cells, row = Counts.of(data, None).folded(_variables(estimand, formula))
        if len(row) and cells.n_rows > _MOST_CELLS:
            raise InputError(
                f"{', '.join(map(str, cells.read))} take {cells.n_rows:,} combinations of values; "
                f"expected at most {_MOST_CELLS:,}, of discrete variables. Cut continuous ones "
                "into classes."
            )
        rows = np.ones(len(row)) if weights is None else weights / weights.mean()
        share = np.bincount(row, weights=rows) / len(rows)
        contrast = self._contrast(estimand, cells)

        def value(shares: FloatArray) -> float:
            return _difference(estimand, evaluate(formula, cells.weighted(shares)), contrast)

        at = value(share)
        if not np.isfinite(at):
            raise NumericalError(
                "the formula conditions on values that never occur together, so the effect is "
                "unknown; expected every combination at least once. Merge rare levels."
            )
        slopes = np.array([_slope(value, share, cell) for cell in range(len(share))])
        influence = rows * slopes[row]
        return Effect(
            at,
            standard_error(influence, groups),
            len(rows),
            "plug-in of relative frequencies",
            estimand=estimand,
            influence=influence,
            details={"contrast": contrast, "cells": len(share)},
        )

    def _contrast(self, estimand: Estimand, cells: Counts) -> tuple[Any, Any]:
        (treatment,) = estimand.query.treatment
        levels = cells.levels_of(treatment)
        if self.contrast is None and len(levels) == 2:
            return levels[0], levels[1]
        if self.contrast is None or not {*self.contrast} <= {*levels}:
            raise InputError(
                f"contrast={self.contrast!r} and {treatment!r} has {len(levels)} levels "
                f"{list(levels[:6])}; expected two of them. Give PlugIn(contrast=(control, "
                "treated)), or cut a continuous treatment into classes."
            )
        return self.contrast


def _formula(estimand: Estimand) -> Equation:
    query = estimand.query
    for role, names in (("treatment", query.treatment), ("outcome", query.outcome)):
        if len(names) != 1:
            raise InputError(
                f"the estimand has {len(names)} {role}s {names}; expected one. Evaluate its "
                "expression instead: estimand.expression.evaluate(data)."
            )
    formula = estimand.expression
    if not isinstance(formula, Equation):
        raise InputError(f"{formula} is no equation; expected an estimand with one formula.")
    return formula


def _variables(estimand: Estimand, formula: Equation) -> tuple[Name, ...]:
    """Variables of the formula, in the order of the graph."""
    return tuple(name for name in estimand.graph.nodes if name in formula.names)


def _difference(estimand: Estimand, values: Values, contrast: tuple[Any, Any]) -> float:
    """Mean outcome of the treated less that of the control."""
    (treatment,), (outcome,) = estimand.query.treatment, estimand.query.outcome
    means = values.mean(outcome) if outcome in values.symbols else values
    control, treated = contrast
    if isinstance(estimand, MediationEstimand):  # a contrast of x with x' already
        return _number(means, {treatment: treated, Value(treatment): control})
    return _number(means, {treatment: treated}) - _number(means, {treatment: control})


def _number(means: Values, at: Mapping[Symbol, Any]) -> float:
    """The only number at these values."""
    found = means.at({symbol: level for symbol, level in at.items() if symbol in means.symbols})
    if isinstance(found, Values):
        if not found.symbols:
            return float(found.numbers)
        left = ", ".join(map(str, found.symbols))
        raise InputError(
            f"the effect depends on the level of {left}; expected one number. Evaluate the formula "
            "and look it up: estimand.expression.evaluate(data).at({...})."
        )
    return float(found)


def _slope(value: Callable[[FloatArray], float], share: FloatArray, cell: int) -> float:
    """Derivative of a function of the shares towards one cell."""
    towards = -share
    towards[cell] += 1.0
    step = _STEP * float(share[cell])  # no share may become negative
    return (value(share + step * towards) - value(share - step * towards)) / (2 * step)
