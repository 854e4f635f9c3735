"""Sums over sets of parents: of a node, given which nodes come before it.

All numbers are logarithms. A node's candidates are the bits of a mask, and one node from outside
may join; `rank[u] < place` says that u comes before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = [
    "ParentTables",
    "best_dag",
    "draw_dag",
    "edges_within",
    "log_add",
    "mask_before",
    "sum_subsets",
    "total_before",
]


class ParentTables(NamedTuple):
    """Weights of sets of parents; lists are filled up with -1.

    Attributes
    ----------
    required : ndarray of int, shape (p, n_required)
        Parents in any case.
    candidates : ndarray of int, shape (p, K)
    outside : ndarray of int, shape (p, n_outside)
        Nodes of which one may join.
    weight : ndarray of shape (p, 1 + n_outside, 2^K)
        Of each set of candidates: alone, and with each node from outside.
    total : ndarray of shape (p, 1 + n_outside, 2^K)
        Of all sets within a set.
    """

    required: IntArray
    candidates: IntArray
    outside: IntArray
    weight: FloatArray
    total: FloatArray


@inner_kernel
def log_add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    if b == -np.inf:
        return a
    sum_: float = a + np.log1p(np.exp(b - a))
    return sum_


@kernel
def sum_subsets(table: FloatArray) -> None:
    """Replace each weight by the sum of those of all subsets, in place."""
    bit = 1
    while bit < table.shape[-1]:
        for mask in range(table.shape[-1]):
            if mask & bit:
                table[mask] = log_add(table[mask], table[mask ^ bit])
        bit <<= 1


@inner_kernel
def mask_before(tables: ParentTables, v: int, rank: IntArray, place: int) -> int:
    """Bits of the candidates that come before; -1 if a required parent does not."""
    for a in tables.required[v]:
        if a >= 0 and rank[a] >= place:
            return -1
    mask, candidates = 0, tables.candidates[v]
    for k in range(len(candidates)):
        if candidates[k] >= 0 and rank[candidates[k]] < place:
            mask |= 1 << k
    return mask


@inner_kernel
def _total_within(tables: ParentTables, v: int, rank: IntArray, place: int, mask: int) -> float:
    """Weight of all sets within the mask, alone or with one of the outsiders before."""
    total = tables.total[v]
    highest = total[0, mask]
    for e in range(tables.outside.shape[1]):
        u = tables.outside[v, e]
        if u >= 0 and rank[u] < place:
            highest = max(highest, total[1 + e, mask])
    if tables.outside.shape[1] == 0 or highest == -np.inf:
        return float(highest)
    sum_ = np.exp(total[0, mask] - highest)
    for e in range(tables.outside.shape[1]):
        u = tables.outside[v, e]
        if u >= 0 and rank[u] < place:
            sum_ += np.exp(total[1 + e, mask] - highest)
    return float(highest + np.log(sum_))


@inner_kernel
def total_before(tables: ParentTables, v: int, rank: IntArray, place: int) -> float:
    """Weight of all sets of parents of a node among those before the place."""
    mask = mask_before(tables, v, rank, place)
    return -np.inf if mask < 0 else _total_within(tables, v, rank, place, mask)


@inner_kernel
def _draw_mask(weight: FloatArray, mask: int, below: float, uniform: float) -> int:
    """Draw a set within the mask by weight; `below` is the weight of all of them."""
    part, reached, last = mask, 0.0, mask
    while True:
        share = np.exp(weight[part] - below)
        if share > 0.0:
            reached += share
            last = part
            if reached > uniform:
                break
        if part == 0:
            break
        part = (part - 1) & mask
    return last


@kernel
def draw_dag(tables: ParentTables, rank: IntArray, uniforms: FloatArray, dag: BoolArray) -> float:
    """Draw parents of each node among those before it; return the weight of the graph."""
    dag[:] = False
    score = 0.0
    for v in range(len(rank)):
        mask = mask_before(tables, v, rank, rank[v])
        whole = _total_within(tables, v, rank, rank[v], mask)
        which, reached = 0, np.exp(tables.total[v, 0, mask] - whole)
        for e in range(tables.outside.shape[1]):
            u = tables.outside[v, e]
            if u >= 0 and rank[u] < rank[v] and reached <= uniforms[v, 0]:
                share = np.exp(tables.total[v, 1 + e, mask] - whole)
                if share > 0.0:
                    reached += share
                    which = 1 + e
        below = tables.total[v, which, mask]
        part = _draw_mask(tables.weight[v, which], mask, below, uniforms[v, 1])
        score += tables.weight[v, which, part]
        _write(tables, v, which, part, dag)
    return score


@inner_kernel
def _write(tables: ParentTables, v: int, which: int, part: int, dag: BoolArray) -> None:
    for a in tables.required[v]:
        if a >= 0:
            dag[a, v] = True
    for k in range(tables.candidates.shape[1]):
        if part >> k & 1:
            dag[tables.candidates[v, k], v] = True
    if which > 0:
        dag[tables.outside[v, which - 1], v] = True


@kernel
def best_dag(tables: ParentTables, rank: IntArray, dag: BoolArray) -> float:
    """Write the DAG with the highest weight among those that an order allows; return the weight."""
    dag[:] = False
    score = 0.0
    for v in range(len(rank)):
        mask = mask_before(tables, v, rank, rank[v])
        which, chosen, highest = 0, 0, tables.weight[v, 0, 0]
        for e in range(1 + tables.outside.shape[1]):
            u = -1 if e == 0 else tables.outside[v, e - 1]
            if e > 0 and (u < 0 or rank[u] >= rank[v]):
                continue
            part = mask
            while True:
                if tables.weight[v, e, part] > highest:
                    which, chosen, highest = e, part, tables.weight[v, e, part]
                if part == 0:
                    break
                part = (part - 1) & mask
        score += highest
        _write(tables, v, which, chosen, dag)
    return score


@kernel
def edges_within(tables: ParentTables, rank: IntArray, edges: FloatArray) -> None:
    """Write the probability of each edge u -> v given the order, to `edges[u, v]`."""
    edges[:] = 0.0
    for v in range(len(rank)):
        mask = mask_before(tables, v, rank, rank[v])
        whole = _total_within(tables, v, rank, rank[v], mask)
        for a in tables.required[v]:
            if a >= 0:
                edges[a, v] = 1.0
        for k in range(tables.candidates.shape[1]):
            if mask >> k & 1:
                rest = _total_within(tables, v, rank, rank[v], mask ^ (1 << k))
                edges[tables.candidates[v, k], v] = -np.expm1(min(rest - whole, 0.0))
        for e in range(tables.outside.shape[1]):
            u = tables.outside[v, e]
            if u >= 0 and rank[u] < rank[v]:
                edges[u, v] = np.exp(tables.total[v, 1 + e, mask] - whole)
