"""Greedy search written out: every neighbour of a class or a DAG, by listing all there is."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np


def is_acyclic(dag) -> bool:
    left = dag.copy()
    for _ in range(len(dag)):
        left = left @ dag
    return not left.any()


def all_dags(p: int) -> list[np.ndarray]:
    """Every DAG over p nodes, as matrices of bool."""
    pairs = list(combinations(range(p), 2))
    found = []
    for code in range(3 ** len(pairs)):
        dag = np.zeros((p, p), dtype=bool)
        for i, j in pairs:
            code, way = divmod(code, 3)
            if way:
                dag[(i, j) if way == 1 else (j, i)] = True
        if is_acyclic(dag):
            found.append(dag)
    return found


def class_key(dag):
    """Adjacencies and unshielded colliders: what Markov-equivalent DAGs share (Verma and Pearl)."""
    joined = dag | dag.T
    met = {
        (i, j, k)
        for k in range(len(dag))
        for i, j in combinations(np.flatnonzero(dag[:, k]).tolist(), 2)
        if not joined[i, j]
    }
    return joined.tobytes(), frozenset(met)


def classes(p: int, key_of=class_key):
    """Members of every class over p nodes, by key."""
    found: dict = {}
    for dag in all_dags(p):
        found.setdefault(key_of(dag), []).append(dag)
    return found


def total(local, dag) -> float:
    return sum(local(v, np.flatnonzero(dag[:, v]).tolist()) for v in range(len(dag)))


def changes_of(dag, kind: str):
    """DAGs with one edge more, less, or the other way round."""
    for i, j in permutations(range(len(dag)), 2):
        after = dag.copy()
        if kind == "forward" and not (dag[i, j] or dag[j, i]):
            after[i, j] = True
        elif kind == "backward" and dag[i, j]:
            after[i, j] = False
        elif kind == "turning" and dag[i, j]:
            after[i, j], after[j, i] = False, True
        else:
            continue
        if is_acyclic(after):
            yield after


def permitted(dag, allowed, required) -> bool:
    return not (dag & ~allowed).any() and bool(dag[required].all())


def best_neighbour(
    every, local, key, now: float, kind: str, permits, max_parents: int, key_of=class_key
):
    """Class with the highest score that one change of a member leads to, and its score.

    A class may be visited if `permits` one of its members, and no node of it has too many parents.
    """
    best, best_key = now + 1e-9, None
    for member in every[key]:
        for after in changes_of(member, kind):
            other = key_of(after)
            if other == key or after.sum(axis=0).max() > max_parents:
                continue
            score = total(local, after)
            if score > best and any(permits(dag) for dag in every[other]):
                best, best_key = score, other
    return best, best_key


def climb_classes(
    every, local, dag, phases, again: str, permits, max_parents: int, key_of=class_key
):
    """Greedy equivalence search; the key of the last class, and its score."""
    key, now, k, idle = key_of(dag), total(local, dag), 0, 0
    while k < len(phases) and idle < len(phases):
        took = False
        while True:
            score, other = best_neighbour(
                every, local, key, now, phases[k], permits, max_parents, key_of
            )
            if other is None:
                break
            key, now, took = other, score, True
            if again == "step":
                break
        if again == "step":
            k = 0 if took else k + 1
        else:
            idle = 0 if took else idle + 1
            k = (k + 1) % len(phases) if again == "round" else k + 1
    return key, now


def climb_dags(local, dag, permits, max_parents: int, n_tabu: int = 0):
    """Hill climbing over DAGs; the best DAG and its score.

    Of moves that gain the same the first counts, by tail and head of the edge that is there after
    the move, or that is dropped.
    """
    now, visited = total(local, dag), [dag.tobytes()] * n_tabu
    best, highest, idle = dag, now, 0
    while True:
        found = None
        for i, j in permutations(range(len(dag)), 2):
            after = dag.copy()
            after[i, j] = not dag[i, j]
            after[j, i] = False
            fits = is_acyclic(after) and permits(after) and after.sum(axis=0).max() <= max_parents
            if not fits or after.tobytes() in visited:
                continue
            score = total(local, after)
            if found is None or score > found[0] + 1e-9:
                found = score, after
        if found is None or (n_tabu == 0 and found[0] <= now + 1e-9):
            return best, highest
        now, dag = found
        visited = [*visited, dag.tobytes()][-n_tabu:] if n_tabu else []
        idle += 1
        if now > highest + 1e-9:
            best, highest, idle = dag, now, 0
        if idle > n_tabu:
            return best, highest
