"""Distances between graphs by their definitions: members listed, paths listed, effects computed.

Nothing here shares code with `causalkit.metrics`; classes are read member by member.
"""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np

from tests.oracles import adjustment, graphs


def members_of(graph):
    return graphs.members(graph) if graph.kind.name == "CPDAG" else [graph]


# --- edges, one pair at a time --------------------------------------------------------------------


def shd_by_pairs(truth, learnt, reversal=1):
    total = 0
    for a, b in combinations(truth.nodes, 2):
        one, other = (
            {(e.left, e.right, e.symbol) for e in graph.edges_between(a, b)}
            for graph in (truth, learnt)
        )
        if canonical(one) != canonical(other):
            turned = {(y, x, s) for x, y, s in one} == other and {s for *_, s in one} == {"->"}
            total += reversal if turned else 1
    return total


def canonical(edges):
    """Symmetric edges read the same from either end."""
    return {(frozenset((a, b)), s) if s in ("--", "<->", "o-o") else (a, b, s) for a, b, s in edges}


# --- what a graph says about the effect of t on y -------------------------------------------------


def is_amenable(members, t, y):
    """Every causal path from t to y, in any member, starts with an arrow that all members have."""
    shared = set.intersection(*({(e.left, e.right) for e in m.edges()} for m in members))
    return all(
        path[0][:2] in shared
        for member in members
        for path in adjustment.paths(member, t, y)
        if adjustment.is_causal(path)
    )


def may_cause(members, t, y):
    return any(y in adjustment.descendants(member, t) for member in members)


def says(members, t, y, strategy):
    """`"none"`, `"open"`, or the set to adjust for."""
    shared = set.intersection(*({(e.left, e.right) for e in m.edges()} for m in members))
    parents = {a for a, b in shared if b == t}
    if not is_amenable(members, t, y):
        return "open"
    if strategy == "parent":
        return "none" if y in parents else frozenset(parents)
    if not may_cause(members, t, y):
        return "none"
    if strategy == "ancestor":
        found = set(parents)
        while more := {a for a, b in shared if b in found} - found:
            found |= more
        return frozenset(found)
    return oset(members[0], t, y)


def oset(dag, t, y):
    """Parents of the nodes on causal paths, without t and the forbidden nodes."""
    causal = [p for p in adjustment.paths(dag, t, y) if adjustment.is_causal(p)]
    between = {step[1] for path in causal for step in path}
    forbidden = set().union(*(adjustment.descendants(dag, node) for node in between)) | {t}
    return frozenset(e.left for e in dag.edges() if e.right in between) - forbidden


def is_right(members, t, y, answer):
    """Whether an answer holds in every member of the true class."""
    if answer == "open":
        return not is_amenable(members, t, y)
    if answer == "none":
        return not may_cause(members, t, y)
    return is_amenable(members, t, y) and all(
        adjustment.is_valid_by_definition(member, [t], [y], answer) for member in members
    )


def aid(truth, learnt, strategy):
    true, other = members_of(truth), members_of(learnt)
    return sum(
        not is_right(true, t, y, says(other, t, y, strategy))
        for t, y in permutations(truth.nodes, 2)
    )


def sid_by_effects(truth, learnt, rng):
    """Pairs for which regression on t and its learnt parents misses the effect in a linear model.

    For Gaussian models the adjustment criterion is complete: with random coefficients, an invalid
    set gives another slope with probability one.
    """
    model = adjustment.LinearModel(truth, rng)
    wrong = 0
    for t, y in permutations(truth.nodes, 2):
        parents = [e.left for e in learnt.edges() if e.right == t]
        effect = model.effect([t], y)[0]
        claimed = 0.0 if y in parents else model.regression([t], y, parents)[0][0]
        wrong += not np.isclose(claimed, effect, rtol=1e-6, atol=1e-9)
    return wrong
