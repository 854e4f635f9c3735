"""Best graphs and posteriors by looking at every DAG, or at every order."""

from __future__ import annotations

from functools import cache
from itertools import combinations, permutations
from math import factorial

import numpy as np


def subsets_of(items) -> list[tuple[int, ...]]:
    items = list(items)
    return [c for k in range(len(items) + 1) for c in combinations(items, k)]


def local_scores(local, p: int, required=None, allowed=None, max_parents=None) -> np.ndarray:
    """Score of each node with each set of parents, as bits of nodes; -inf if not allowed."""
    table = np.full((p, 2**p), -np.inf)
    for v in range(p):
        for parents in subsets_of(set(range(p)) - {v}):
            chosen = np.isin(np.arange(p), parents)
            if required is not None and (required[:, v] & ~chosen).any():
                continue
            if allowed is not None and (chosen & ~allowed[:, v]).any():
                continue
            if max_parents is None or len(parents) <= max_parents:
                table[v, sum(1 << u for u in parents)] = local(v, list(parents))
    return table


@cache
def all_dags(p: int) -> np.ndarray:
    """Parents of each node as bits, shape (n_dags, p)."""
    found = set()
    for order in permutations(range(p)):
        grown = [()]
        for place, v in enumerate(order):
            masks = [sum(1 << u for u in some) for some in subsets_of(order[:place])]
            grown = [(*parents, (v, mask)) for parents in grown for mask in masks]
        found.update(tuple(mask for _, mask in sorted(parents)) for parents in grown)
    return np.array(sorted(found))


@cache
def codes_of_all_dags(p: int) -> np.ndarray:
    """The same as whole numbers with p bits for the parents of each node: room for p = 6."""
    found = []
    for order in permutations(range(p)):
        codes = np.zeros(1, dtype=np.int64)
        for place, v in enumerate(order):
            masks = [sum(1 << u for u in some) << (p * v) for some in subsets_of(order[:place])]
            codes = (codes[:, None] | np.array(masks)).ravel()
        found.append(codes)
    return np.unique(np.concatenate(found))


def scores_of(dags: np.ndarray, table: np.ndarray) -> np.ndarray:
    return table[np.arange(len(table)), dags].sum(axis=1)


def matrices(dags: np.ndarray) -> np.ndarray:
    """As arrays of bool, shape (n_dags, p, p): [k, i, j] is i -> j."""
    p = dags.shape[1]
    return np.swapaxes(dags[:, :, None] >> np.arange(p) & 1, 1, 2).astype(bool)


def best_by_orders(table: np.ndarray) -> float:
    """Highest score of all orders, each node with its best parents before it."""
    p = len(table)
    best = table.copy()
    masks = np.arange(2**p)
    for v in range(p):
        for mask in masks:
            best[v, mask] = table[v, (masks & ~mask) == 0].max()
    highest = -np.inf
    for order in permutations(range(p)):
        before = np.cumsum([0, *(1 << v for v in order[:-1])])
        highest = max(highest, best[list(order), before].sum())
    return highest


def count_orders(dag: np.ndarray) -> int:
    """Orders with causes before effects, one by one."""
    tails, heads = np.nonzero(dag)
    ranks = np.array(list(permutations(range(len(dag)))))
    return int((ranks[:, tails] < ranks[:, heads]).all(axis=1).sum())


def posterior(table: np.ndarray, prior: str) -> tuple[np.ndarray, np.ndarray]:
    """All DAGs as arrays of bool, and the probability of each."""
    p = len(table)
    dags = all_dags(p)
    every, log_weight = matrices(dags), scores_of(dags, table)
    weight = np.exp(log_weight - log_weight.max())
    if prior == "orders":
        weight = weight * _orders_of_all(p)
    return every, weight / weight.sum()


@cache
def _orders_of_all(p: int) -> np.ndarray:
    every = matrices(all_dags(p))
    counts = np.zeros(len(every), dtype=int)
    for rank in permutations(range(p)):
        backward = np.greater.outer(rank, rank)
        counts += ~(every & backward).any(axis=(1, 2))
    assert counts.max() == factorial(p)
    return counts


def ancestors(dag: np.ndarray) -> np.ndarray:
    """Powers of the matrix."""
    walks, found = dag.astype(int), dag.astype(int)
    for _ in range(len(dag)):
        walks = (walks @ dag > 0).astype(int)
        found = found | walks
    return found.astype(bool)


def edges_by_orders(table: np.ndarray) -> np.ndarray:
    """Probability of each edge with the prior over orders, one order after the other."""
    p = len(table)
    masks = np.arange(2**p)
    weight = np.exp(table - table.max(axis=1, keepdims=True))
    has = (masks[:, None] >> np.arange(p) & 1).astype(float)
    within = (masks[None, :] & ~masks[:, None]) == 0  # [set, subset]
    sums = np.array([within @ weight[v] for v in range(p)])
    with_each = np.array([within @ (weight[v][:, None] * has) for v in range(p)])
    edges, whole = np.zeros((p, p)), 0.0
    for order in permutations(range(p)):
        before = np.cumsum([0, *(1 << v for v in order[:-1])])
        share = np.prod(sums[list(order), before])
        whole += share
        for v, mask in zip(order, before, strict=True):
            edges[:, v] += share * with_each[v, mask] / max(sums[v, mask], 1e-300)
    return edges / whole
