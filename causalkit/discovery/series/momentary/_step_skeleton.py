"""Which links stay once sets of the same step are asked too, both pasts being given.

The skeleton search of PC within one step of time. Every question is asked given the pasts of both
ends; what is looked for is a set of neighbours in the step of the later end. Links from the past
take part: a column that drives j through a variable of its step is no direct cause. Within a level
all questions look at the neighbours as they were when the level began.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._past import Past, Questions
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["Link", "StepSkeleton", "find_step_skeleton"]

Link: TypeAlias = tuple[int, int, int]
"""(lag, i, j): i, `lag` steps ago, and j; within a step i < j."""


@dataclass(slots=True)
class StepSkeleton:
    """Links that are left, and the evidence on all of them.

    Attributes
    ----------
    joined : ndarray of bool, shape (max_lag + 1, p, p)
        `joined[lag, i, j]`; symmetric within the step.
    statistic, p_value : ndarrays of shape (max_lag + 1, p, p)
        Of the test that separated a link, else of the one that came closest to it.
    separators : dict
        By link: the set of the same step that separated it given both pasts. Not of links that the
        search for pasts had cut already.
    past : Past
    earlier : dict
        By link: the pasts it was asked about with, where they are others.
    n_tests, n_untestable : int
    """

    joined: BoolArray
    statistic: FloatArray
    p_value: FloatArray
    past: Past
    separators: dict[Link, tuple[int, ...]] = field(default_factory=dict)
    closest: dict[Link, tuple[int, ...]] = field(default_factory=dict)
    earlier: dict[Link, Past] = field(default_factory=dict)
    n_tests: int = 0
    n_untestable: int = 0


def find_step_skeleton(
    questions: Questions, past: Past, bounds: LinkBounds, *, alpha: float, max_order: int | None
) -> StepSkeleton:
    """Cut links that neighbours in the same step separate, given both pasts.

    Parameters
    ----------
    questions : Questions
    past : Past
        Links from the past are searched among its columns.
    bounds : LinkBounds
    alpha : float
    max_order : int, optional
        Largest set of the same step.
    """
    found = _begin(past, bounds)
    fixed = bounds.required.copy()
    fixed[0] |= fixed[0].T
    weakest = np.where(np.isnan(found.statistic), np.inf, np.abs(found.statistic))
    largest_p = np.nan_to_num(found.p_value)
    order = 0
    while max_order is None or order <= max_order:
        near = _neighbours(found, bounds, weakest, largest_p)
        links = _links(found, fixed, near, order)
        if not len(links):
            break
        asked = questions.separate(past, links, near, order, alpha)
        found.n_tests += asked.n_tests
        found.n_untestable += asked.n_untestable
        lag, i, j = links.T
        known = ~np.isnan(asked.p_value)
        for cells in ((lag, i, j), (lag[lag == 0], j[lag == 0], i[lag == 0])):
            own = slice(None) if cells[0] is lag else lag == 0
            seen = np.where(known, np.abs(asked.statistic), np.inf)[own]
            np.minimum.at(weakest, cells, seen)
        _note(found, links, asked.found, asked.given, asked.statistic, asked.p_value)
        largest_p = np.nan_to_num(found.p_value)
        if asked.n_tests == 0:
            break
        order += 1
    return found


def _begin(past: Past, bounds: LinkBounds) -> StepSkeleton:
    n_lags, p, _ = bounds.forbidden.shape
    joined = np.zeros((n_lags, p, p), dtype=np.bool_)
    by_column = joined.reshape(n_lags * p, p)
    for j in range(p):
        by_column[past.of(j), j] = True
    joined[0] = ~(bounds.forbidden[0] & bounds.forbidden[0].T)
    np.fill_diagonal(joined[0], False)
    shape = (n_lags, p, p)
    statistic, p_value = (np.ascontiguousarray(a.T).reshape(shape) for a in _of_lags(past, n_lags))
    p_value[joined], statistic[joined] = np.nan, np.nan
    return StepSkeleton(
        joined, statistic, p_value, past, n_tests=past.n_tests, n_untestable=past.n_untestable
    )


def _of_lags(past: Past, n_lags: int) -> tuple[FloatArray, FloatArray]:
    width = n_lags * len(past.sizes)
    return past.statistic[:, :width], past.p_value[:, :width]


def _neighbours(
    found: StepSkeleton, bounds: LinkBounds, weakest: FloatArray, largest_p: FloatArray
) -> list[IntArray]:
    """By series: neighbours in its step that may cause it, strongest first."""
    near = []
    for j in range(found.joined.shape[1]):
        pool = np.flatnonzero(found.joined[0, :, j] & ~bounds.forbidden[0, :, j])
        near.append(pool[np.lexsort((pool, -weakest[0, pool, j], largest_p[0, pool, j]))])
    return near


def _links(found: StepSkeleton, fixed: BoolArray, near: list[IntArray], order: int) -> IntArray:
    """Links (lag, i, j) with enough neighbours; given none, one of a step is asked once."""
    open_links = found.joined & ~fixed
    if order == 0:
        open_links[0] = np.triu(open_links[0])
    links = np.argwhere(open_links)
    if order == 0:
        return links
    lag, i, j = links.T
    sizes = np.array([len(pool) for pool in near], dtype=np.intp)
    among = np.zeros(len(links), dtype=np.intp)
    step = np.flatnonzero(lag == 0)
    for row in step.tolist():
        among[row] = i[row] in near[j[row]]
    return links[sizes[j] - among >= order]


def _note(
    found: StepSkeleton,
    links: IntArray,
    separated: BoolArray,
    given: IntArray,
    statistic: FloatArray,
    p_value: FloatArray,
) -> None:
    """Keep the test with the largest p-value of each link, and cut what was separated."""
    for row, (lag, i, j) in enumerate(links.tolist()):
        if np.isnan(p_value[row]):
            continue
        link = (lag, i, j) if lag or i < j else (lag, j, i)
        before = found.p_value[link]
        if not separated[row] and before >= p_value[row]:
            continue
        if link in found.separators and before >= p_value[row]:
            continue
        columns = tuple(given[row].tolist())
        found.statistic[link], found.p_value[link] = statistic[row], p_value[row]
        found.closest[link] = columns
        if separated[row]:
            found.separators[link] = columns
            found.joined[link] = False
    for what in (found.statistic, found.p_value):
        what[0] = np.triu(what[0], 1) + np.triu(what[0], 1).T + np.diag(np.diagonal(what[0]))
    found.joined[0] &= found.joined[0].T
