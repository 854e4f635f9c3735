"""A random walk over orders that visits each as often as it is likely.

One node out of its place and back into any place, drawn by how likely each of the resulting orders
is (a Gibbs step), goes far and is never rejected. Swaps of two nodes, neighbours in the order or
not, are proposed now and then and taken by the rule of Metropolis.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.bayesian._parent_table_kernels import (
    ParentTables,
    edges_within,
    total_before,
)
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["walk"]

_SWAPS = 0.1
"""Share of the steps that swap neighbours; as many swap any two."""

_NEVER = 2**40


@inner_kernel
def _relocate(
    tables: ParentTables,
    order: IntArray,
    rank: IntArray,
    own: FloatArray,
    scratch: FloatArray,
    v: int,
    uniform: float,
) -> None:
    """Take a node out and put it into a place drawn by weight."""
    p, old = len(order), rank[v]
    others, without, beside = order.copy(), scratch[0], scratch[1]
    single, total = scratch[2], scratch[3]
    for k in range(old, p - 1):
        others[k] = order[k + 1]
    for k in range(p - 1):
        rank[others[k]] = k
    for k in range(p - 1):  # what the others weigh with v after them, and with v before them
        u = others[k]
        rank[v] = -1 if k < old else _NEVER
        changed = total_before(tables, u, rank, k)
        without[k], beside[k] = (own[u], changed) if k < old else (changed, own[u])
    rank[v], held = _NEVER, 0.0
    for k in range(p):
        single[k] = total_before(tables, v, rank, k)
        total[k] = single[k] + held
        if k < p - 1:
            held += without[k]
    held = 0.0
    for k in range(p - 2, -1, -1):
        held += beside[k]
        total[k] += held
    place = _draw(total, uniform)
    own[v] = single[place]
    for k in range(p):
        u = v if k == place else others[k - (k > place)]
        order[k], rank[u] = u, k
        if u != v:
            at = k - (k > place)
            own[u] = without[at] if at < place else beside[at]


@inner_kernel
def _draw(weights: FloatArray, uniform: float) -> int:
    """Draw a place by weight; there is one with a finite weight."""
    highest, whole = weights.max(), 0.0
    for k in range(len(weights)):
        whole += np.exp(weights[k] - highest)
    reached, chosen = 0.0, 0
    for k in range(len(weights)):
        share = np.exp(weights[k] - highest)
        if share > 0.0:
            reached += share
            chosen = k
            if reached > uniform * whole:
                break
    return chosen


@inner_kernel
def _swap(
    tables: ParentTables,
    order: IntArray,
    rank: IntArray,
    own: FloatArray,
    scratch: FloatArray,
    a: int,
    b: int,
    uniform: float,
) -> bool:
    """Swap the nodes at two places, a < b, unless that makes the order too unlikely."""
    u, v, change = order[a], order[b], 0.0
    rank[u], rank[v] = b, a
    order[a], order[b] = v, u
    for k in range(a, b + 1):
        w = order[k]
        scratch[0, k] = total_before(tables, w, rank, k)
        change += scratch[0, k] - own[w]
    if not np.log(uniform) < change:
        rank[u], rank[v] = a, b
        order[a], order[b] = u, v
        return False
    for k in range(a, b + 1):
        own[order[k]] = scratch[0, k]
    return True


@kernel
def walk(
    tables: ParentTables,
    order: IntArray,
    uniforms: FloatArray,
    n_first: int,
    every: int,
    ranks: IntArray,
    scores: FloatArray,
    edges: FloatArray,
    stop: BoolArray,
) -> None:
    """Walk from an order; note an order after `n_first` rounds, and after each `every` rounds more.

    A round has as many steps as there are nodes. `uniforms` has three numbers a step; what is noted
    is left in `ranks` (n, p), `scores` (n,) and `edges` (n, p, p).
    """
    p, n = len(order), len(ranks)
    rank, own, scratch = np.empty(p, dtype=np.intp), np.empty(p), np.empty((4, p))
    for k in range(p):
        rank[order[k]] = k
    for v in range(p):
        own[v] = total_before(tables, v, rank, rank[v])
    noted, step = 0, 0
    for n_rounds in range(1, n_first + (n - 1) * every + 1):
        if stop[0]:
            return
        for _ in range(p if p > 1 else 0):
            kind, which, last = uniforms[step]
            step += 1
            if kind >= 2 * _SWAPS:
                _relocate(tables, order, rank, own, scratch, int(which * p), last)
                continue
            pair = int(which * (p - 1))
            a, b = pair, pair + 1
            if kind < _SWAPS:  # any two places, from the same number
                a = int(which * p)
                b = int((which * p - a) * (p - 1))
                b += b >= a
                a, b = min(a, b), max(a, b)
            _swap(tables, order, rank, own, scratch, a, b, last)
        if n_rounds >= n_first and (n_rounds - n_first) % every == 0:
            ranks[noted] = rank
            scores[noted] = own.sum()
            edges_within(tables, rank, edges[noted])
            noted += 1
