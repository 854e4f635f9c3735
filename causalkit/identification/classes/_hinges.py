"""The marks that an answer hangs on: whether X causes V, and whether a hidden cause may, too.

Where a class of graphs leaves open which edges out of the treatment a causal path may start with,
one circle after the other is decided, but only circles that matter. Of a first edge it matters,

* at the treatment, whether it is a tail: X causes V, or does not;
* of `X -> V`, whether a walk into X that begins far from V, over parents of V, shows the edge to be
  *visible*: then no hidden cause acts on both;
* if none can show that, whether a causal path goes on from V to the outcome at all.

Every function here reads marks and decides nothing.
"""

from __future__ import annotations

import numpy as np

from causalkit.graph import ARROW, CIRCLE, TAIL, CausalGraph
from causalkit.graph.mag import Marks
from causalkit.graph.walks import mask_of
from causalkit.identification.classes._pag_splits import Mark
from causalkit.identification.classes.equivalence_class import undecided
from causalkit.identification.classes.open_estimand import OpenEstimand
from causalkit.identification.query import EffectQuery
from causalkit.typing import BoolArray

__all__ = ["hinge_at_treatment", "may_cause"]


def hinge_at_treatment(graph: CausalGraph, query: EffectQuery) -> Mark | OpenEstimand | None:
    """A mark that decides about a first edge, or an edge that surely stands in the way; or none."""
    x, y = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    choice: Mark | None = None
    for edge in undecided(graph, x, y):
        i, j = graph.index(edge.left), graph.index(edge.right)
        if not x[i]:
            i, j = j, i
        if graph.ends[j, i] == CIRCLE:
            choice = choice or (j, i)
            continue
        mark = _could_show(graph.ends, i, j) or _could_stop(graph.ends, i, j, y)
        if mark is None:
            why = f"a hidden cause may act on both ends of {edge}, in every member"
            return OpenEstimand(query, graph, why)
        choice = choice or mark
    return choice


def may_cause(graph: CausalGraph, query: EffectQuery) -> bool:
    """Whether a proper possibly causal path leads from a treatment to the outcome."""
    treatment, y = mask_of(graph, query.treatment), mask_of(graph, query.outcome)
    for x in np.flatnonzero(treatment).tolist():
        steps = _forward(graph.ends)
        steps[:, treatment | ((graph.ends[:, x] & ARROW) > 0)] = False
        if (_reached(steps, x) & y).any():
            return True
    return False


def _forward(ends: Marks) -> BoolArray:
    """Steps that a possibly causal path may take."""
    forward: BoolArray = (ends != 0) & (ends.T != ARROW) & (ends != TAIL)
    return forward


def _could_show(ends: Marks, cause: int, effect: int) -> Mark | None:
    """A circle that keeps `cause -> effect` from being visible, or None if nothing can show it.

    It hangs on a walk into the cause that begins far from the effect and runs through its parents.
    """
    reached: dict[int, Mark | None] = {cause: None}
    waiting = [cause]
    while waiting:
        at = waiting.pop(0)
        for v in np.flatnonzero(ends[at]).tolist():
            if v == effect or v in reached or ends[v, at] == TAIL:
                continue
            marks = [reached[at], (v, at)]
            if ends[v, effect]:
                if ends[at, v] == TAIL or ends[v, effect] == TAIL or ends[effect, v] == ARROW:
                    continue
                marks += [(at, v), (v, effect), (effect, v)]
            circle = next((m for m in marks if m is not None and ends[m] == CIRCLE), None)
            if not ends[v, effect]:
                return circle
            reached[v] = circle
            waiting.append(v)
    return None


def _could_stop(ends: Marks, cause: int, start: int, goal: BoolArray) -> Mark | None:
    """A circle on a possibly causal path from `start`, None if a path is causal for sure."""
    forward = _forward(ends)
    forward[:, cause] = False
    sure = forward & (ends == ARROW) & (ends.T == TAIL)
    if (_reached(sure, start) & goal).any():
        return None
    before = _reached(forward, start)
    for i, j in np.argwhere(forward & ~sure).tolist():
        if before[i] and (_reached(forward, j) & goal).any():
            return (j, i) if ends[j, i] == CIRCLE else (i, j)
    return None


def _reached(steps: BoolArray, start: int) -> BoolArray:
    """Mask of what steps lead to from `start`, itself included."""
    found = np.zeros(len(steps), dtype=np.bool_)
    found[start] = True
    waiting = [start]
    while waiting:
        fresh = steps[waiting.pop()] & ~found
        found |= fresh
        waiting += np.flatnonzero(fresh).tolist()
    return found
