"""Sums over all orders, by dynamic programming over the sets of nodes that come first.

A set of nodes is a whole number of p bits. `first[S]` sums over all orders of the nodes in S that
come before all others, and over all their parents; `rest[S]` over how the others may follow. All
numbers are logarithms; there are no nodes from outside the candidates.
"""

from __future__ import annotations

import numpy as np

from causalkit._core.jit import inner_kernel, kernel
from causalkit.discovery.bayesian._parent_table_kernels import ParentTables, log_add
from causalkit.typing import BoolArray, FloatArray, IntArray

__all__ = ["draw_orders", "edges_over_orders", "sums_over_orders"]


@inner_kernel
def _mask_within(tables: ParentTables, v: int, nodes: int) -> int:
    """Bits of the candidates among some nodes; -1 if a required parent is not."""
    for a in tables.required[v]:
        if a >= 0 and not nodes >> a & 1:
            return -1
    mask, candidates = 0, tables.candidates[v]
    for k in range(len(candidates)):
        if candidates[k] >= 0:
            mask |= (nodes >> candidates[k] & 1) << k
    return mask


@inner_kernel
def _within(tables: ParentTables, v: int, nodes: int) -> float:
    """Weight of all sets of parents of a node among some nodes."""
    mask = _mask_within(tables, v, nodes)
    return -np.inf if mask < 0 else float(tables.total[v, 0, mask])


@kernel
def sums_over_orders(
    tables: ParentTables, first: FloatArray, rest: FloatArray, stop: BoolArray
) -> None:
    """Fill both tables, shape (2^p,)."""
    p = len(tables.candidates)
    first[:], rest[:] = -np.inf, -np.inf
    first[0], rest[(1 << p) - 1] = 0.0, 0.0
    for nodes in range(1 << p):
        if nodes & 0xFFFF == 0 and stop[0]:
            return
        if first[nodes] == -np.inf:
            continue
        for v in range(p):
            if not nodes >> v & 1:
                after = nodes | 1 << v
                first[after] = log_add(first[after], first[nodes] + _within(tables, v, nodes))
    for nodes in range((1 << p) - 2, -1, -1):
        if nodes & 0xFFFF == 0 and stop[0]:
            return
        for v in range(p):
            after = nodes | 1 << v
            if after != nodes and rest[after] > -np.inf:
                rest[nodes] = log_add(rest[nodes], rest[after] + _within(tables, v, nodes))


@kernel
def edges_over_orders(
    tables: ParentTables, first: FloatArray, rest: FloatArray, edges: FloatArray, stop: BoolArray
) -> None:
    """Write the probability of each edge u -> v, to `edges[u, v]`.

    It is summed over the sets of nodes before v: how likely is the set, and given the set, the
    edge?
    """
    p, whole = len(edges), first[-1]
    edges[:] = 0.0
    for nodes in range(1 << p):
        if nodes & 0xFFFF == 0 and stop[0]:
            return
        for v in range(p):
            mask = -1 if nodes >> v & 1 else _mask_within(tables, v, nodes)
            if mask < 0:
                continue
            within = tables.total[v, 0, mask]
            share = np.exp(first[nodes] + within + rest[nodes | 1 << v] - whole)
            if share == 0.0:
                continue
            for a in tables.required[v]:
                if a >= 0:
                    edges[a, v] += share
            for k in range(tables.candidates.shape[1]):
                if mask >> k & 1:
                    without = tables.total[v, 0, mask ^ (1 << k)]
                    edges[tables.candidates[v, k], v] -= share * np.expm1(
                        min(without - within, 0.0)
                    )


@kernel
def draw_orders(
    tables: ParentTables, first: FloatArray, uniforms: FloatArray, ranks: IntArray
) -> None:
    """Draw orders, shape (n, p), each from its last node to its first."""
    n, p = ranks.shape
    for a in range(n):
        nodes = (1 << p) - 1
        for place in range(p - 1, -1, -1):
            reached, chosen = 0.0, -1
            for v in range(p):
                if not nodes >> v & 1:
                    continue
                before = nodes ^ (1 << v)
                share = np.exp(first[before] + _within(tables, v, before) - first[nodes])
                if share > 0.0:
                    reached += share
                    chosen = v
                    if reached > uniforms[a, place]:
                        break
            ranks[a, chosen] = place
            nodes ^= 1 << chosen
