"""Arithmetic of staggered adoption: one two-by-two comparison for each group and period, averaged.

Group g starts in period g. Its effect in period t compares its change since the last period before
treatment, b = g − 1 − anticipation, with the change of units that are not treated by then:

    ATT(g, t) = E[y_t − y_b | group g] − (the same for comparable controls)

For t before b it compares t with t − 1: nothing should be found there. An average of the cells

    θ = Σ_k c_k p_k ATT_k / Σ_k c_k p_k,        p_k the share of units in the group of cell k

has influence Σ_k c_k (p_k φ_k + 1{in group k}(ATT_k − θ)) / Σ_k c_k p_k; the second part is there
because shares are estimated too.

References
----------
Callaway & Sant'Anna (2021), "Difference-in-differences with multiple time periods", J. Econometrics
225, 200-230. doi:10.1016/j.jeconom.2020.12.001
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from causalkit.errors import InputError
from causalkit.estimation.base import Solution
from causalkit.estimation.panel.adoption import Adoption
from causalkit.estimation.problem import Problem
from causalkit.typing import BoolArray, FloatArray

__all__ = ["AGGREGATIONS", "Average", "Cell", "averages", "cells_of", "overall"]

AGGREGATIONS = ("simple", "group", "calendar", "event study", "group-time")


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One group in one period.

    Attributes
    ----------
    group, period : int
        Positions of the first treated period of the group, and of the period looked at.
    value : float
    scores : ndarray of shape (n_units,)
        Influence of each unit, were it unweighted.
    share : float
        Of all units, in this group.
    members : ndarray of bool, shape (n_units,)
    n_controls : int
    alerts : tuple of Warning
    """

    group: int
    period: int
    value: float
    scores: FloatArray
    share: float
    members: BoolArray
    n_controls: int
    alerts: tuple[Warning, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """A value made of cells, with the influence of each unit, named shortly and in words."""

    label: str
    words: str
    value: float
    scores: FloatArray


def cells_of(
    problem: Problem,
    adoption: Adoption,
    estimate: Callable[[Problem, np.random.Generator], Solution],
    rng: np.random.Generator,
    *,
    controls: str,
    anticipation: int,
) -> list[Cell]:
    """Estimate every group in every period for which there are controls.

    Parameters
    ----------
    problem : Problem
    adoption : Adoption
    estimate : callable (changes, rng) -> Solution
        Effect on the treated from one change a unit.
    rng : Generator
    controls : {"never", "not yet"}
    anticipation : int
        Periods before the start in which units may already react.
    """
    start, w = adoption.start, adoption.weights
    groups = [g for g in np.unique(start[~adoption.never]) if g - anticipation >= 1]
    plan = [
        (int(g), period, base, others)
        for g in groups
        for period in range(1, adoption.panel.n_periods)
        for base in [_base(int(g), period, anticipation)]
        for others in [_controls(adoption, int(g), max(period, base), controls, anticipation)]
        if others.sum() >= 2
    ]
    _check_sizes(adoption, groups, n_after=sum(period >= g for g, period, _, _ in plan))
    found = []
    for (group, period, base, others), stream in zip(plan, rng.spawn(len(plan)), strict=True):
        members = start == group
        used = members | others
        changes = adoption.wide(problem, used, base).replace(
            y=(adoption.y[:, period] - adoption.y[:, base])[used],
            t=members[used].astype(np.float64),
        )
        solution = estimate(changes, stream)
        scores = np.zeros(len(start))
        scores[used] = solution.scores * (w.sum() / w[used].sum())
        share = float(w[members].sum() / w.sum())
        found.append(
            Cell(
                group,
                period,
                solution.value,
                scores,
                share,
                members,
                int(others.sum()),
                solution.alerts,
            )
        )
    return found


def _base(group: int, period: int, anticipation: int) -> int:
    last_before = group - anticipation - 1
    return last_before if period > last_before else period - 1


def _controls(
    adoption: Adoption, group: int, until: int, controls: str, anticipation: int
) -> BoolArray:
    if controls == "never":
        return adoption.never
    later: BoolArray = (adoption.start > until + anticipation) & (adoption.start != group)
    found: BoolArray = later | adoption.never
    return found


def _check_sizes(adoption: Adoption, groups: Sequence[int], *, n_after: int) -> None:
    if not groups:
        raise InputError(
            "no group has a period before its treatment (less anticipation); expected groups that "
            "start later. Bring earlier periods, or allow for less anticipation."
        )
    alone = [adoption.panel.periods[g] for g in groups if (adoption.start == g).sum() < 2]
    if alone:
        raise InputError(
            f"the group(s) that start in {', '.join(map(str, alone[:5]))} have one unit each; "
            "expected at least two, since one has no spread. Leave those units out, or merge "
            "periods."
        )
    if n_after == 0:
        raise InputError(
            "no group has controls after its start: fewer than two units are never treated (or, "
            'with controls="not yet", treated later). Expected some for at least one group. Bring '
            'untreated units, or use controls="not yet".'
        )


def averages(cells: Sequence[Cell], how: str, periods: Sequence[object]) -> list[Average]:
    """One average for each group, period, or time since the start; or each cell on its own."""
    after = [c for c in cells if c.period >= c.group]
    if how == "simple":
        return [_average("overall", "all groups and periods", after)]
    if how == "group-time":
        labels = [f"{periods[c.group]} in {periods[c.period]}" for c in cells]
        return [
            _average(label, f"group {label}", [c]) for label, c in zip(labels, cells, strict=True)
        ]
    chosen = cells if how == "event study" else after
    keys: dict[str, Callable[[Cell], int]] = {
        "group": lambda c: c.group,
        "calendar": lambda c: c.period,
        "event study": lambda c: c.period - c.group,
    }
    key = keys[how]
    values = sorted({key(c) for c in chosen})
    names = [str(v) if how == "event study" else str(periods[v]) for v in values]
    words = {"group": "group {}", "calendar": "in {}", "event study": "{} periods since the start"}
    return [
        _average(name, words[how].format(name), [c for c in chosen if key(c) == v])
        for name, v in zip(names, values, strict=True)
    ]


def overall(cells: Sequence[Cell], how: str, periods: Sequence[object]) -> Average:
    """One number: groups by their size, periods and times since the start alike."""
    after = [c for c in cells if c.period >= c.group]
    if how in ("simple", "group-time"):
        return _average("overall", "all groups and periods", after)
    if how == "group":
        size = {g: sum(c.group == g for c in after) for g in {c.group for c in after}}
        return _average("overall", "all groups", after, [1 / size[c.group] for c in after])
    parts = averages(after, how, periods)
    return Average(
        "overall",
        "all periods" if how == "calendar" else "all periods since the start",
        float(np.mean([part.value for part in parts])),
        np.mean([part.scores for part in parts], axis=0),
    )


def _average(
    label: str, words: str, cells: Sequence[Cell], multiplicity: Sequence[float] | None = None
) -> Average:
    c = np.ones(len(cells)) if multiplicity is None else np.array(multiplicity)
    share = c * [cell.share for cell in cells]
    values = np.array([cell.value for cell in cells])
    theta = float(share @ values / share.sum())
    scores = sum(
        p * cell.scores + k * (cell.value - theta) * cell.members
        for p, k, cell in zip(share, c, cells, strict=True)
    )
    return Average(label, words, theta, np.asarray(scores) / share.sum())
