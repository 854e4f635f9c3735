"""Slow and obvious: adjustment by listing paths, classes by trying, effects by algebra.

Nothing here shares code with `causalkit.identification`. Graphs are read edge by edge.
"""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np

from causalkit.graph import CausalGraph, Edge

# --- graphs as lists of edges (a, b, mark at a, mark at b), marks "-" and ">" -------------------


def half_edges(graph):
    """Every edge in both walking directions: (from, to, mark at from, mark at to)."""
    found = []
    for edge in graph.edges():
        left = ">" if edge.symbol.startswith("<") else "-"
        right = ">" if edge.symbol.endswith(">") else "-"
        found += [(edge.left, edge.right, left, right), (edge.right, edge.left, right, left)]
    return found


def descendants(graph, start):
    """Closure under the directed edges, `start` included."""
    reached = {start}
    while True:
        more = {e.right for e in graph.edges() if e.symbol == "->" and e.left in reached} - reached
        if not more:
            return reached
        reached |= more


def paths(graph, start, goal):
    """All paths (no node twice) as lists of half edges; parallel edges make different paths."""
    steps = half_edges(graph)

    def extend(path, seen):
        at = path[-1][1] if path else start
        if at == goal:
            yield path
            return
        for step in steps:
            if step[0] == at and step[1] not in seen:
                yield from extend([*path, step], seen | {step[1]})

    yield from extend([], {start})


def is_causal(path):
    return all((a, b) == ("-", ">") for _, _, a, b in path)


def is_open(graph, path, given):
    for before, after in pairwise(path):
        node = before[1]
        if before[3] == ">" and after[2] == ">":
            if not descendants(graph, node) & given:
                return False
        elif node in given:
            return False
    return True


def proper_paths(graph, treatment, outcome):
    for x in treatment:
        for y in outcome:
            for path in paths(graph, x, y):
                if not any(step[1] in treatment for step in path):
                    yield path


def is_valid_by_definition(graph, treatment, outcome, given):
    """The adjustment criterion of Shpitser et al. (2010), read word for word on a DAG or ADMG."""
    treatment, outcome, given = set(treatment), set(outcome), set(given)
    for path in proper_paths(graph, treatment, outcome):
        if is_causal(path):
            if any(descendants(graph, step[1]) & given for step in path):
                return False
        elif is_open(graph, path, given):
            return False
    return True


def has_causal_path(graph, treatment, outcome):
    return any(is_causal(p) for p in proper_paths(graph, set(treatment), set(outcome)))


# --- classes ------------------------------------------------------------------------------------


def colliders(arcs):
    """Unshielded colliders of (cause, effect) pairs as (unordered parents, child)."""
    joined = {frozenset(arc) for arc in arcs}
    return {
        (frozenset((a, b)), child)
        for (a, child), (b, other) in combinations(sorted(arcs), 2)
        if child == other and frozenset((a, b)) not in joined
    }


def orientations(nodes, pairs):
    """All acyclic orientations of these pairs: orient along every order of the nodes."""
    found = set()
    for order in permutations(nodes):
        place = {name: k for k, name in enumerate(order)}
        found.add(frozenset((a, b) if place[a] < place[b] else (b, a) for a, b in pairs))
    return found


def equivalent_dags(dag):
    """All DAGs, as sets of arcs, with the adjacencies and unshielded colliders of this one."""
    arcs = {(e.left, e.right) for e in dag.edges()}
    wanted = colliders(arcs)
    return [found for found in orientations(dag.nodes, arcs) if colliders(found) == wanted]


def as_dag(nodes, arcs):
    return CausalGraph.from_edges(nodes, sorted(arcs), "DAG")


def class_by_agreement(nodes, members):
    """The CPDAG or MPDAG of these sets of arcs: directed where all agree."""
    agreed = frozenset.intersection(*members)
    loose = {frozenset(arc) for arc in members[0] - agreed}
    edges = [Edge(a, b, "->") for a, b in sorted(agreed)]
    edges += [Edge(*sorted(pair), "--") for pair in loose]
    return CausalGraph.from_edges(nodes, edges, "CPDAG")


# --- subsets ------------------------------------------------------------------------------------


def subsets(names):
    names = list(names)
    for size in range(len(names) + 1):
        yield from (frozenset(chosen) for chosen in combinations(names, size))


def minimal(sets):
    return {s for s in sets if not any(other < s for other in sets)}


# --- linear Gaussian models: effects and regressions from covariances ---------------------------


class LinearModel:
    """Random coefficients on a DAG or ADMG; each `<->` is a hidden common cause of its own."""

    def __init__(self, graph, rng):
        p = len(graph.nodes)
        self.graph, self.names = graph, graph.nodes
        where = {name: k for k, name in enumerate(graph.nodes)}
        self.where = where
        self.B = np.zeros((p, p))  # B[child, parent]
        self.omega = np.diag(rng.uniform(0.5, 2.0, p))
        for edge in graph.edges():
            i, j = where[edge.left], where[edge.right]
            strength = rng.uniform(0.3, 1.2) * rng.choice([-1, 1])
            if edge.symbol == "->":
                self.B[j, i] = strength
            else:
                loadings = np.zeros(p)
                loadings[[i, j]] = 1.0, strength
                self.omega += np.outer(loadings, loadings)
        mix = np.linalg.inv(np.eye(p) - self.B)
        self.cov = mix @ self.omega @ mix.T

    def effect(self, treatment, outcome):
        """Joint total effects: slopes of one outcome in each treatment when all are set."""
        xs, y = [self.where[t] for t in treatment], self.where[outcome]
        cut = self.B.copy()
        cut[xs] = 0
        return np.linalg.inv(np.eye(len(cut)) - cut)[y, xs]

    def regression(self, treatment, outcome, given):
        """Population coefficients of the treatments, and their asymptotic variance (times n)."""
        cols = [self.where[v] for v in (*treatment, *given)]
        y = self.where[outcome]
        gram = np.linalg.inv(self.cov[np.ix_(cols, cols)])
        beta = gram @ self.cov[cols, y]
        residual = self.cov[y, y] - self.cov[y, cols] @ beta
        k = len(treatment)
        return beta[:k], residual * np.diag(gram)[:k]
