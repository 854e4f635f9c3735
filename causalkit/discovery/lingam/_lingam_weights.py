"""Given a causal order: which edges, and how strong.

Each variable is regressed on those before it. All numbers come from the correlation matrix, so they
cost next to nothing beside the search for the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from scipy.stats import t as student

from causalkit._core.checks import check_choice, check_fraction
from causalkit.discovery.lingam._lingam_order import Limits
from causalkit.errors import InputError, NumericalError
from causalkit.graph.marks import show_name
from causalkit.typing import BoolArray, FloatArray, IntArray, Name

__all__ = [
    "PRUNING",
    "Pruning",
    "as_pruning",
    "check_not_determined",
    "edge_weights",
    "in_units",
    "slope_tests",
]

PRUNING: Final = ("adaptive_lasso", "tests", None)

_LEAST: Final = 1e-15

_DETERMINED: Final = 1e10
"""Variance of a column over what the others leave of it, from which on no regression is trusted."""


@dataclass(frozen=True, slots=True)
class Pruning:
    """How edges are chosen among those that an order admits.

    Attributes
    ----------
    method : str or None
        One of `PRUNING`.
    alpha : float
        With "tests".
    min_effect : float
        In standard deviations.
    n_rows : int
    """

    method: str | None
    alpha: float
    min_effect: float
    n_rows: int


def as_pruning(prune: str | None, alpha: float, min_effect: float, n_rows: int) -> Pruning:
    """Check settings."""
    method = check_choice(prune, "prune", PRUNING)
    alpha = check_fraction(alpha, "alpha")
    ok = isinstance(min_effect, (int, float)) and not isinstance(min_effect, bool)
    if not ok or not 0 <= min_effect < 1e9:
        raise InputError(
            f"min_effect={min_effect!r}; expected a number of standard deviations, at least 0. "
            "Leave it out to keep all edges that pruning keeps."
        )
    return Pruning(method, alpha, float(min_effect), n_rows)


def check_not_determined(correlations: FloatArray, names: tuple[Name, ...], who: str) -> None:
    """Refuse columns that the others determine but for rounding."""
    try:
        inflated = np.diagonal(np.linalg.inv(correlations))
    except np.linalg.LinAlgError:
        inflated = np.full(len(names), np.inf)
    close = np.flatnonzero(~((inflated > 0) & (inflated < _DETERMINED)))
    if len(close):
        shown = ", ".join(show_name(names[k]) for k in close[:8])
        raise NumericalError(
            f"column(s) {shown} are linear combinations of other columns, up to 1e-5 of their "
            f"spread; {who} expects columns that each have noise of their own. Leave out copies, "
            "totals and changes of unit."
        )


def edge_weights(
    correlations: FloatArray, order: IntArray, limits: Limits, pruning: Pruning
) -> tuple[BoolArray, FloatArray]:
    """Edges i -> j, and their coefficients in standard deviations, both of shape (p, p).

    Parameters
    ----------
    correlations : ndarray of shape (p, p)
    order : ndarray of int, shape (p,)
        Causes first.
    """
    edges, weights = np.zeros_like(limits.required), np.zeros_like(correlations)
    for place, target in enumerate(order.tolist()):
        before = order[:place]
        before = before[~limits.forbidden[before, target]]
        if not len(before):
            continue
        must = limits.required[before, target]
        kept = must | _choose(correlations, before, target, must, pruning)
        found = _fit(correlations, before[kept], target)
        while (weak := (np.abs(found) < pruning.min_effect) & ~must[kept]).any():
            kept[np.flatnonzero(kept)[weak]] = False
            found = _fit(correlations, before[kept], target)
        edges[before[kept], target], weights[before[kept], target] = True, found
    return edges, weights


def _fit(correlations: FloatArray, causes: IntArray, target: int) -> FloatArray:
    found: FloatArray = np.linalg.solve(
        correlations[np.ix_(causes, causes)], correlations[causes, target]
    )
    return found


def _choose(
    correlations: FloatArray, before: IntArray, target: int, must: BoolArray, pruning: Pruning
) -> BoolArray:
    if pruning.method == "adaptive_lasso":
        return _by_adaptive_lasso(correlations, before, target, must, pruning.n_rows)
    if pruning.method == "tests":
        _, p_values = slope_tests(correlations, before, target, pruning.n_rows)
        return p_values < pruning.alpha
    return np.ones_like(must)


def slope_tests(
    correlations: FloatArray, before: IntArray, target: int, n_rows: int
) -> tuple[FloatArray, FloatArray]:
    """t-tests in the regression on all variables before: partial correlations, and p-values."""
    precision = np.linalg.inv(correlations[np.ix_(before, before)])
    cross = correlations[before, target]
    slopes = precision @ cross
    freedom = n_rows - len(before) - 1
    noise = (1.0 - cross @ slopes) / freedom
    t = slopes / np.sqrt(noise * np.diagonal(precision))
    p_values: FloatArray = 2.0 * student.sf(np.abs(t), freedom)
    return t / np.sqrt(t * t + freedom), p_values


def _by_adaptive_lasso(
    correlations: FloatArray, before: IntArray, target: int, must: BoolArray, n_rows: int
) -> BoolArray:
    """Lasso with each regressor in units of its least-squares slope, penalty by BIC.

    Required causes pay no penalty: they are taken out of the others, and of the target, first.
    """
    from causalkit.discovery.lingam._lasso_kernels import lasso_choice

    chosen = np.zeros_like(must)
    rest, held = before[~must], before[must]
    if not len(rest):
        return chosen
    gram, cross, variance = correlations[np.ix_(rest, rest)], correlations[rest, target], 1.0
    if len(held):
        joint = np.append(rest, target)
        across = correlations[np.ix_(held, joint)]
        explained = across.T @ np.linalg.solve(correlations[np.ix_(held, held)], across)
        gram, cross = gram - explained[:-1, :-1], cross - explained[:-1, -1]
        variance -= float(explained[-1, -1])
    slopes = np.linalg.solve(gram, cross)  # as in the regression on all of them (Frisch and Waugh)
    scale = np.abs(slopes)
    chosen[~must] = lasso_choice(
        gram * scale * scale[:, None],
        cross * scale / sqrt(variance),
        n_rows,
        max(1.0 - float(cross @ slopes) / variance, _LEAST),
        float(n_rows - len(before) - 1),
    )
    return chosen


def in_units(weights: FloatArray, values: FloatArray) -> FloatArray:
    """Coefficients in standard deviations as coefficients in the units of the columns."""
    unit = np.abs(values).max(axis=0)
    spread = (values / unit).std(axis=0) * unit  # no square overflows
    found: FloatArray = weights * spread / spread[:, None]
    return found
