"""Hidden series, slowly: long windows, all subsets, and marks copied from one time to the next."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from causalkit.graph import CausalGraph, Kind, LaggedGraph, is_separated
from causalkit.graph.mag import Marks, apply_rules, judge_by, unshielded_colliders
from causalkit.graph.marks import ARROW, CIRCLE, TAIL


def random_series_graph(rng: np.random.Generator, p: int, max_lag: int) -> LaggedGraph:
    """A DAG of p series, most of which remember themselves."""
    names = [f"X{k}" for k in rng.permutation(p)]
    edges = {(k, 1, k) for k in range(p) if rng.random() < 0.75}
    for _ in range(int(rng.integers(p - 1, 2 * p))):
        a, b = rng.integers(0, p, 2).tolist()
        lag = int(rng.integers(0, max_lag + 1))
        if lag or a != b:
            edges.add((min(a, b), 0, max(a, b)) if lag == 0 else (a, lag, b))
    arrows = [((names[a], lag), names[b]) for a, lag, b in sorted(edges)]
    return LaggedGraph([f"X{k}" for k in range(p)], arrows)


def hidden_and_observed(
    rng: np.random.Generator, graph: LaggedGraph, n_hidden: int
) -> tuple[list[str], list[str]]:
    hidden = rng.choice(graph.variables, n_hidden, replace=False).tolist()
    return hidden, [name for name in graph.variables if name not in hidden]


def separable(long: CausalGraph, past: str, now: str, among: list[str]) -> bool:
    """Whether any set of these nodes separates the two."""
    others = [node for node in among if node not in (past, now)]
    return any(
        is_separated(long, past, now, subset)
        for size in range(len(others) + 1)
        for subset in combinations(others, size)
    )


def pag_by_copying(
    graph: LaggedGraph, observed: list[str], max_lag: int, before: int
) -> LaggedGraph:
    """The PAG from a long unrolled graph: marks of the MAG, rules on the window, marks copied."""
    long = graph.unroll(max_lag + before)
    names = [name for name in graph.variables if name in observed]
    nodes = [f"{name}[t-{lag}]" if lag else f"{name}[t]" for lag in range(max_lag + 1)
             for name in names]  # fmt: skip
    p, m = len(names), len(nodes)
    above = [[b == a or b in long.descendants(a) for b in nodes] for a in nodes]
    true = np.zeros((m, m), dtype=np.uint8)
    for a in range(m):
        for b in range(p):
            if a == b:
                continue
            causes = [
                nodes[k] for k in range(m) if (above[k][a] or above[k][b]) and k not in (a, b)
            ]
            if is_separated(long, nodes[a], nodes[b], causes):
                continue
            for shift in range(0, m - max(a, b), p):
                true[a + shift, b + shift] = TAIL if above[b][a] else ARROW
                true[b + shift, a + shift] = TAIL if above[a][b] else ARROW
    steps = np.arange(m) // p
    ends = np.where(true > 0, CIRCLE, 0).astype(np.uint8)
    ends[(true > 0) & (steps[:, None] > steps)] = ARROW
    ends[unshielded_colliders(true)] = ARROW
    while True:
        copied = _copied(ends, p)
        apply_rules(copied, judge_by(true), selection=False)
        if (copied == ends).all():
            break
        ends = copied
    ends[p:, p:] = 0
    return LaggedGraph._of(tuple(names), ends, Kind.PAG)


def _copied(ends: Marks, p: int) -> Marks:
    found, m = ends.copy(), len(ends)
    for i in range(m):
        for j in range(m):
            base = min(i, j) // p * p
            i0, j0 = i - base, j - base
            for shift in range(0, m - max(i0, j0), p):
                if ends[i, j] not in (0, CIRCLE):
                    found[i0 + shift, j0 + shift] = ends[i, j]
    return found
