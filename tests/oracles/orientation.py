"""Orientation the slow way: one statement at a time, one rule at a time, nothing remembered."""

from __future__ import annotations

from itertools import permutations

import numpy as np


def unshielded_triples(adjacency: np.ndarray) -> list[tuple[int, int, int]]:
    """(a, k, b) with a < b, by k, a, b: by asking about every three nodes."""
    nodes = range(len(adjacency))
    return [
        (a, k, b)
        for k in nodes
        for a in nodes
        for b in nodes
        if a < b and adjacency[a, k] and adjacency[k, b] and not adjacency[a, b] and k not in (a, b)
    ]


def orientable(arrows: np.ndarray, no_colliders) -> bool:
    """Remove any node that can come last, until none is left."""
    left = set(range(len(arrows)))
    while left:
        last = [
            k
            for k in left
            if not any(arrows[k, x] for x in left)
            and not any(a in left and b in left for a, middle, b in no_colliders if middle == k)
        ]
        if not last:
            return False
        left -= {last[0]}
    return True


def settle(arrows: np.ndarray, triples, colliders) -> tuple[np.ndarray, list[bool]]:
    """Keep each statement that can hold with those kept before it; draw what then holds."""
    kept: list[bool] = []
    result, others = arrows.copy(), []
    for (a, k, b), collider in zip(triples, colliders, strict=True):
        wanted = result.copy()
        if collider:
            wanted[a, k] = wanted[b, k] = True
        kept.append(orientable(wanted, others if collider else [*others, (a, k, b)]))
        if kept[-1] and collider:
            result = wanted
        elif kept[-1]:
            others.append((a, k, b))
    for (a, k, b), collider, holds in zip(triples, colliders, kept, strict=True):
        if collider == holds:
            result[a, k] = result[b, k] = True
    return result, kept


def close_under_meek(
    rng: np.random.Generator, directed: np.ndarray, undirected: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Apply any rule anywhere until none applies; None if the outcome contradicts itself."""
    directed, undirected = directed.copy(), undirected.copy()
    given = directed.copy()
    near = directed | directed.T | undirected | np.eye(len(directed), dtype=bool)
    p = len(directed)

    def follows(i, j):
        others = [k for k in range(p) if k not in (i, j)]
        return (
            any(directed[k, i] and not near[k, j] for k in others)
            or any(directed[i, k] and directed[k, j] for k in others)
            or any(
                undirected[i, k]
                and undirected[i, m]
                and directed[k, j]
                and directed[m, j]
                and not near[k, m]
                for k, m in permutations(others, 2)
            )
            or any(
                undirected[i, k]
                and directed[k, m]
                and directed[m, j]
                and near[i, m]
                and not near[k, j]
                for k, m in permutations(others, 2)
            )
        )

    while True:
        ready = [edge for edge in np.argwhere(undirected).tolist() if follows(*edge)]
        if not ready:
            break
        i, j = ready[int(rng.integers(len(ready)))]
        undirected[i, j] = undirected[j, i] = False
        directed[i, j] = True
    forced = np.argwhere(directed & ~given).tolist()
    collides = any(directed[k, j] and not near[k, i] for i, j in forced for k in range(p))
    walks = np.linalg.matrix_power(np.eye(p) + directed, max(1, p)) > 0
    cyclic = (walks & directed.T).any()
    return None if forced and (collides or cyclic) else (directed, undirected)
