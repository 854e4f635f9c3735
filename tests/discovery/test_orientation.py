from __future__ import annotations

import numpy as np
import pytest

from causalkit.discovery._orientation import (
    Statement,
    meek_reasons,
    orientable,
    settle,
    unshielded_triples,
)
from causalkit.graph.equivalence import close_under_meek
from tests.oracles.discovery import can_hold


def random_problem(seed, p=5):
    rng = np.random.default_rng(seed)
    adjacency = np.triu(rng.random((p, p)) < 0.6, 1)
    adjacency |= adjacency.T
    arrows = np.triu(adjacency) & (rng.random((p, p)) < 0.2)
    arrows = np.where(rng.random((p, p)) < 0.5, arrows, False) | (
        arrows.T & (rng.random((p, p)) < 0.5)
    )
    triples = unshielded_triples(adjacency)
    chosen = [triple for triple in triples if rng.random() < 0.6]
    return rng, adjacency, arrows, triples, chosen


@pytest.mark.parametrize("seed", range(150))
def test_orientable_says_what_enumeration_says(seed):
    _, adjacency, arrows, _, chosen = random_problem(seed)
    assert orientable(arrows, chosen) == can_hold(arrows, adjacency, chosen)


@pytest.mark.parametrize("seed", range(60))
def test_settle_is_one_by_one_greedy(seed):
    rng, adjacency, _, triples, _ = random_problem(seed, p=6)
    statements = [Statement(triple, bool(rng.random() < 0.5)) for triple in triples]
    rng.shuffle(statements)
    nothing = np.zeros_like(adjacency)
    arrows, kept, dropped = settle(nothing, statements)

    def holds(those):
        wanted = nothing.copy()
        for a, k, b in (s.triple for s in those if s.collider):
            wanted[a, k] = wanted[b, k] = True
        return orientable(wanted, [s.triple for s in those if not s.collider])

    greedy = []
    for statement in statements:
        if holds([*greedy, statement]):
            greedy.append(statement)
    assert kept == greedy
    assert sorted(s.triple for s in kept + dropped) == sorted(triples)
    # Every triple is settled, so the closure finds no contradiction and the arrows are orientable.
    close_under_meek(arrows, adjacency & ~(arrows | arrows.T))
    for a, k, b in triples:
        (statement,) = [s for s in statements if s.triple == (a, k, b)]
        is_collider = statement.collider == (statement in kept)
        assert (arrows[a, k] and arrows[b, k]) == is_collider


@pytest.mark.parametrize(
    ("edges", "arrows", "conclusion", "rule"),
    [
        ([(0, 1), (1, 2)], [(0, 1)], (1, 2), 1),
        ([(0, 1), (1, 2), (0, 2)], [(0, 1), (1, 2)], (0, 2), 2),
        ([(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)], [(1, 3), (2, 3)], (0, 3), 3),
        ([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], [(1, 2), (2, 3)], (0, 3), 4),
    ],
)
def test_each_rule_is_named(edges, arrows, conclusion, rule):
    p = 1 + max(max(edge) for edge in edges)
    adjacency, known = np.zeros((2, p, p), dtype=bool)
    for i, j in edges:
        adjacency[i, j] = adjacency[j, i] = True
    for i, j in arrows:
        known[i, j] = True
    closed, _ = close_under_meek(known, adjacency & ~(known | known.T))
    assert meek_reasons(known, closed, adjacency)[conclusion][0] == rule
