"""Where a test stops rejecting: the ends of a confidence set on the circle of angles.

Effects from −∞ to ∞ are angles on a half circle whose two ends are one direction, so a set of
effects is a union of arcs. With errors of equal variance all three tests depend on the angle
through s = sin²(φ − φ₀) alone, φ₀ being the angle at which g is shortest (that of LIML):
g'g = λ₁(1 − s) + λ₂ s, and the ends solve a linear or quadratic equation in s; that of the
conditional likelihood ratio, whose p-value falls in s, is found by bisection (Mikusheva 2010).
Else the statistic is followed around the circle, on a grid that is dense where it may change fast,
near φ₀ and across from it, and each crossing is refined. Between grid points, peaks and troughs are
looked for as well, and sign changes of the root of LM: there K accepts, however narrowly, and the
conditional likelihood ratio may.

References
----------
Mikusheva, A. (2010). Robust confidence sets in the presence of weak instruments. Journal of
Econometrics 157(2), 236-247. doi:10.1016/j.jeconom.2009.12.003
Mikusheva, A., Poi, B. P. (2006). Stata Journal 6(3), 335-347. doi:10.1177/1536867X0600600303
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from causalkit.estimation.effect import Interval
from causalkit.estimation.instruments.similar_tests import (
    ReducedForm,
    SimilarTest,
    conditional_p_value,
)
from causalkit.typing import BoolArray, FloatArray

__all__ = ["invert"]

_GRID = 161
"""Evenly spaced points in an eighth of a turn, and as many that are not."""

_HALVINGS = 55
"""Until the ends of a bracket are neighbouring numbers."""

_STEEPNESS = 16.0
"""Grid points are spaced as sinh: at the ends e¹⁶ times closer than evenly, for strong stages."""


def invert(test: SimilarTest, level: float) -> tuple[Interval, ...]:
    """Return the effects that the test does not reject, as intervals in ascending order.

    Parameters
    ----------
    test : SimilarTest
    level : float
        1 − α.
    """
    alpha = 1 - level
    form = test.form
    _, _, centre = form.moments()
    if form.alike:
        turns = np.array([turn for turn in _ends(test, alpha) if 0 < turn < np.pi / 2])
        cuts = np.sort(np.concatenate([centre - turns, centre + turns]))
    else:
        cuts = _crossings(test, alpha, centre)
    if len(cuts) == 0:
        whole = Interval(-np.inf, np.inf, level)
        return (whole,) if test.at(np.array([centre]))[0] >= alpha else ()
    starts, stops = cuts, np.append(cuts[1:], cuts[0] + np.pi)
    accepted = test.at((starts + stops) / 2) >= alpha
    if accepted.all():
        return (Interval(-np.inf, np.inf, level),)
    pieces = [
        ends
        for start, stop in zip(starts[accepted], stops[accepted], strict=True)
        for ends in _on_line(form, start, stop)
    ]
    return tuple(Interval(*ends, level) for ends in _merged(sorted(pieces)))


def _on_line(form: ReducedForm, start: float, stop: float) -> list[tuple[float, float]]:
    """Arc as effects, which fall as angles rise; one that holds the vertical is two rays."""
    lower, upper = form.effect(stop), form.effect(start)
    if lower <= upper:
        return [(lower, upper)]
    return [(-np.inf, upper), (lower, np.inf)]


def _merged(pieces: list[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for lower, upper in pieces:
        if merged and lower <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(upper, merged[-1][1]))
        else:
            merged.append((lower, upper))
    return merged


def _ends(test: SimilarTest, alpha: float) -> Iterator[float]:
    """Angles from φ₀ at which a test with homoskedastic errors begins or stops to reject."""
    from scipy.optimize import brentq

    form = test.form
    K = form.n_instruments
    least, most, _ = form.moments()
    gap = most - least
    if not gap > 0:
        return
    if test.kind == "AR" or K == 1:
        share = (test.limit(alpha) - least) / gap
        yield float(np.arcsin(np.sqrt(np.clip(share, 0, 1))))
    elif test.kind == "K":
        # gap² s (1 − s) = limit (most − gap s), and the same in 1 − s for the root near one
        limit = test.limit(alpha)
        inside = (gap + limit) ** 2 - 4 * limit * most if gap > limit else -1.0
        if inside > 0:
            root = np.sqrt(inside)
            yield float(np.arcsin(np.sqrt(2 * limit * most / gap / (gap + limit + root))))
            rest = 2 * limit * least / gap / (gap - limit + root)
            yield float(np.pi / 2 - np.arcsin(np.sqrt(rest)))
    else:

        def excess(s: float) -> float:
            at = np.array([gap * s]), np.array([most - gap * s])
            return float(conditional_p_value(*at, K)[0]) - alpha

        if excess(1.0) < 0:
            share = brentq(excess, 0.0, 1.0, xtol=1e-300, rtol=1e-13, maxiter=2000)
            yield float(np.arcsin(np.sqrt(share)))


def _crossings(test: SimilarTest, alpha: float, centre: float) -> FloatArray:
    """Angles at which the test begins or stops to reject, within half a turn around `centre`."""
    even = np.linspace(0, 1, _GRID)
    dense = np.sinh(_STEEPNESS * even) / np.sinh(_STEEPNESS)
    eighth = np.pi / 4 * np.unique(np.concatenate([even, dense]))
    quarter = np.concatenate([eighth, np.pi / 2 - eighth[-2::-1]])
    grid = centre + np.concatenate([-quarter[:0:-1], quarter])
    margin = test.margin(grid, alpha)
    further = [*_hidden_peaks(test, alpha, grid, margin), *_zeros(test, grid)]
    if further:
        grid = np.unique(np.concatenate([grid, further]))
        margin = test.margin(grid, alpha)
    return _changes(lambda angle: test.margin(angle, alpha) >= 0, grid, margin >= 0)


def _hidden_peaks(
    test: SimilarTest, alpha: float, grid: FloatArray, margin: FloatArray
) -> list[float]:
    """Angles between grid points at which the answer is another than at its neighbours."""
    from scipy.optimize import minimize_scalar

    inner, before, after = margin[1:-1], margin[:-2], margin[2:]
    tops = (inner < 0) & (inner > before) & (inner >= after)
    bottoms = (inner >= 0) & (inner < before) & (inner <= after)
    found = []
    for sign, where in ((-1.0, tops), (1.0, bottoms)):
        for k in np.flatnonzero(where) + 1:
            best = minimize_scalar(
                lambda angle, sign=sign: sign * _margin(angle, test, alpha),
                bounds=(grid[k - 1], grid[k + 1]),
                method="bounded",
                options={"xatol": 1e-4 * (grid[k + 1] - grid[k - 1])},
            )
            if best.fun < 0:
                found.append(float(best.x))
    return found


def _zeros(test: SimilarTest, grid: FloatArray) -> list[float]:
    """Angles at which LM is zero."""
    if test.kind == "AR" or test.form.n_instruments == 1:
        return []

    def above(angle: FloatArray) -> BoolArray:
        return np.asarray(test.form.statistics(angle)[1] > 0)

    return list(_changes(above, grid, above(grid)))


def _changes(
    holds: Callable[[FloatArray], BoolArray], grid: FloatArray, on_grid: BoolArray
) -> FloatArray:
    """Where something begins or ceases to hold between grid points, all halved at once."""
    where = np.flatnonzero(on_grid[1:] != on_grid[:-1])
    low, high, as_low = grid[where], grid[where + 1], on_grid[where]
    for _ in range(_HALVINGS if len(where) else 0):
        middle = (low + high) / 2
        like_low = holds(middle) == as_low
        low, high = np.where(like_low, middle, low), np.where(like_low, high, middle)
    found: FloatArray = (low + high) / 2
    return found


def _margin(angle: float, test: SimilarTest, alpha: float) -> float:
    return float(test.margin(np.array([angle]), alpha)[0])
