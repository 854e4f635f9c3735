"""Who is an ancestor of whom, and which pairs no set of observed variables separates."""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import kernel
from causalkit.typing import BoolArray

__all__ = ["ancestry", "inducing_pairs"]


@kernel
def ancestry(directed: BoolArray) -> BoolArray:
    """Matrix whose [i, j] says that a directed path runs from i to j, or i is j."""
    p = len(directed)
    starts, effects = np.zeros(p + 1, dtype=np.intp), np.empty(directed.sum(), dtype=np.intp)
    for i in range(p):
        starts[i + 1] = starts[i]
        for j in range(p):
            if directed[i, j]:
                effects[starts[i + 1]] = j
                starts[i + 1] += 1
    above = np.zeros((p, p), dtype=np.bool_)
    stack = np.empty(p, dtype=np.intp)
    for i in range(p):
        above[i, i] = True
        stack[0], size = i, 1
        while size > 0:
            size -= 1
            v = stack[size]
            for at in range(starts[v], starts[v + 1]):
                if not above[i, effects[at]]:
                    above[i, effects[at]] = True
                    stack[size] = effects[at]
                    size += 1
    return above


@kernel
def inducing_pairs(
    into: BoolArray, spouses: BoolArray, above: BoolArray, selected: BoolArray, stop: BoolArray
) -> BoolArray:
    """Pairs without an edge that an inducing path joins.

    Parameters
    ----------
    into : ndarray of bool, shape (p, p)
        `into[i, j]`: an edge between i and j has an arrow at j.
    spouses : ndarray of bool, shape (p, p)
        i <-> j.
    above : ndarray of bool, shape (p, p)
        Ancestors, as :func:`ancestry` lists them.
    selected : ndarray of bool, shape (p,)
        Ancestors of selection variables.
    stop : ndarray of bool, shape (1,)
        Raised from outside when the time is up; further pairs are then not looked at.

    Returns
    -------
    ndarray of bool, shape (p, p)
        Symmetric.
    """
    p = len(into)
    found = np.zeros((p, p), dtype=np.bool_)
    out, married = np.nonzero(into), np.nonzero(spouses)
    out_starts, out_to = np.searchsorted(out[0], np.arange(p + 1)), out[1]
    starts, to = np.searchsorted(married[0], np.arange(p + 1)), married[1]
    queue, seen = np.empty(p, dtype=np.intp), np.full(p, -1, dtype=np.intp)
    for a in range(p):
        if stop[0] or out_starts[a] == out_starts[a + 1]:
            continue
        for b in range(a + 1, p):
            if into[a, b] or into[b, a] or out_starts[b] == out_starts[b + 1]:
                continue
            size, code = 0, a * p + b
            for at in range(out_starts[a], out_starts[a + 1]):
                v = out_to[at]
                if above[v, a] or above[v, b] or selected[v]:
                    seen[v] = code
                    queue[size] = v
                    size += 1
            head = 0
            while head < size:
                v = queue[head]
                head += 1
                if into[b, v]:
                    found[a, b] = found[b, a] = True
                    break
                for at in range(starts[v], starts[v + 1]):
                    w = to[at]
                    if w in (a, b) or seen[w] == code:
                        continue
                    if above[w, a] or above[w, b] or selected[w]:
                        seen[w] = code
                        queue[size] = w
                        size += 1
    return found
