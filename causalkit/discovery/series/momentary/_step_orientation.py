"""Which way links within a step point.

Links from the past are directed by time, and they direct others: in `a[t-1] -> k - b` with a and b
apart, k is a collider if the set that separated a and b does without k. Each such triple is asked
twice, given the separating set with k and without it, and the larger p-value decides; how far the
two are apart says how clear the answer is. Clear answers go first, what contradicts them is dropped
and listed, and Meek's rules direct what follows, so that the result is always a class of graphs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    NOT_COLLIDER,
    Settled,
    Statements,
    settle,
)
from causalkit.discovery.series.momentary._link_knowledge import LinkBounds
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary._step_skeleton import StepSkeleton
from causalkit.graph.meek import class_marks
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["StepClass", "orient_step"]

_LEAST_P = 1e-300  # p-values below this are not told apart


@dataclass(frozen=True, slots=True)
class StepClass:
    """A class of graphs of series, and what it rests on.

    Attributes
    ----------
    ends : ndarray of uint8, shape (m, m)
        Mark bits of the template.
    statements : Statements
        About triples of columns, clearest first.
    settled : Settled
    known : ndarray of bool, shape (m, m)
        Arrows by time and by knowledge.
    p_values : ndarray of shape (n_statements, 2)
        Given the separating set without k, and with it.
    """

    ends: np.ndarray
    statements: Statements
    settled: Settled
    known: BoolArray
    p_values: FloatArray


def orient_step(questions: Questions, found: StepSkeleton, bounds: LinkBounds) -> StepClass:
    """Direct the links within a step; tests are counted in `found`."""
    n_lags, p, _ = found.joined.shape
    m = n_lags * p
    adjacency = np.zeros((m, m), dtype=np.bool_)
    adjacency[:, :p] = found.joined.reshape(m, p)
    adjacency[:p, p:] = adjacency[p:, :p].T
    known = np.zeros_like(adjacency)
    known[p:, :p] = adjacency[p:, :p]
    one_way = bounds.required[0] | (bounds.forbidden[0].T & ~bounds.forbidden[0])
    known[:p, :p] = adjacency[:p, :p] & one_way
    triples = _open_triples(adjacency, known, p)
    statements, p_values = _judged(questions, found, triples)
    settled = settle(known, statements)
    ends = class_marks(adjacency, settled.arrows, sound=True)
    return StepClass(ends, statements, settled, known, p_values)


def _open_triples(adjacency: BoolArray, known: BoolArray, p: int) -> IntArray:
    """Triples (b, k, a): b - k within the step, a joined to k alone, of the step or before it."""
    rows = []
    for k in range(p):
        near = np.flatnonzero(adjacency[:p, k])
        others = np.flatnonzero(adjacency[:, k])
        b, a = (side.ravel() for side in np.meshgrid(near, others, indexing="ij"))
        # A link of the step is open, or k leads to neither end, or a comes after b in the list.
        usable = ~adjacency[a, b] & (b < a) & ~(known[b, k] & known[a, k])
        rows.append(np.column_stack((b, np.full(len(b), k), a))[usable])
    return np.concatenate([*rows, np.empty((0, 3), dtype=np.intp)]).astype(np.intp)


def _judged(
    questions: Questions, found: StepSkeleton, triples: IntArray
) -> tuple[Statements, FloatArray]:
    """Ask about each triple given the separating set with k and without it."""
    p, m = questions.p, len(triples)
    links = np.empty((m, 3), dtype=np.intp)
    without: list[tuple[int, ...]] = []
    for row, (b, k, a) in enumerate(triples.tolist()):
        lag, i = divmod(a, p)
        link = (lag, i, b) if lag or i < b else (0, b, i)
        links[row] = link
        without.append(tuple(c for c in found.separators.get(link, ()) if c != k))
    width = max(map(len, without), default=0) + 1
    sets = np.full((2, m, width), -1, dtype=np.intp)
    for row, columns in enumerate(without):
        sets[:, row, : len(columns)] = columns
        sets[1, row, len(columns)] = triples[row, 1]
    twice = np.concatenate((links, links))
    _, p_value = questions.ask_links(found.past, twice, sets.reshape(2 * m, width))
    found.n_tests += int((~np.isnan(p_value)).sum())
    found.n_untestable += int(np.isnan(p_value).sum())
    both = p_value.reshape(2, m).T
    # What cannot be tested cannot separate.
    one, other = np.nan_to_num(both).T
    verdict = np.where(one > other, COLLIDER, NOT_COLLIDER).astype(np.int8)
    verdict[one == other] = AMBIGUOUS
    logs = np.log(np.maximum(np.nan_to_num(both), _LEAST_P))
    sizes = np.array([len(columns) for columns in without])
    clarity = np.abs(logs[:, 0] - logs[:, 1]) / (1.0 + sizes)
    best = np.maximum(one, other)
    b, k, a = triples.T
    order = np.lexsort((a, k, b, -best, -clarity, verdict == AMBIGUOUS))
    return Statements(triples[order], verdict[order], best[order]), both[order]
