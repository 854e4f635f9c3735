"""Triples, what can hold together, and reasons: against slow answers and enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.discovery.constraint._knowledge_votes import Vote, n_contradicting, votes_on
from causalkit.discovery.constraint._orientation import (
    AMBIGUOUS,
    COLLIDER,
    Statements,
    meek_reasons,
    orientable,
    settle,
    unshielded_triples,
)
from causalkit.graph.meek import class_marks, close_under_meek
from tests.oracles import orientation as oracle
from tests.oracles.discovery import can_hold


def statements(triples, verdict) -> Statements:
    triples = np.asarray(triples, dtype=np.intp).reshape(-1, 3)
    verdict = np.asarray(verdict, dtype=np.int8)
    return Statements(triples, verdict, np.full(len(triples), 0.5))


def random_skeleton(rng, p, degree):
    """A skeleton, arrows along a hidden order between some of its nodes, and that order."""
    order = rng.permutation(p)
    before = order[:, None] < order
    adjacency = np.triu(rng.random((p, p)) < min(1.0, degree / max(1, p - 1)), 1)
    adjacency |= adjacency.T
    arrows = adjacency & before & (rng.random((p, p)) < rng.choice([0.0, 0.1, 0.3]))
    return adjacency, arrows, before


def noisy_statements(rng, adjacency, before) -> Statements:
    """What an order says about the triples, some of it wrong, some of it unsure, shuffled."""
    triples = unshielded_triples(adjacency)
    triples = triples[rng.permutation(len(triples))]
    a, k, b = triples.T
    verdict = ((before[a, k] & before[b, k]) ^ (rng.random(len(a)) < rng.random() / 2)).astype(int)
    return statements(triples, np.where(rng.random(len(a)) < 0.1, AMBIGUOUS, verdict))


@given(st.integers(0, 2**32 - 1), st.integers(0, 9), st.floats(0, 9))
@settings(max_examples=80, deadline=None)
def test_triples_are_those_that_asking_about_all_threes_finds(seed, p, degree):
    adjacency, _, _ = random_skeleton(np.random.default_rng(seed), p, degree)
    triples = unshielded_triples(adjacency)
    assert triples.shape == (len(triples), 3)
    assert list(map(tuple, triples.tolist())) == oracle.unshielded_triples(adjacency)


def test_a_hub_has_a_triple_for_each_two_of_its_leaves():
    star = np.zeros((301, 301), dtype=bool)
    star[0, 1:] = star[1:, 0] = True
    star.flags.writeable = False
    triples = unshielded_triples(star)
    assert len(triples) == 300 * 299 // 2
    assert (triples[:, 1] == 0).all()


@pytest.mark.parametrize("seed", range(150))
def test_orientable_says_what_enumeration_says(seed):
    rng = np.random.default_rng(seed)
    adjacency, arrows, _ = random_skeleton(rng, 5, 2.4)
    arrows |= np.triu(adjacency) & (rng.random((5, 5)) < 0.1)  # cycles too
    triples = unshielded_triples(adjacency)
    chosen = triples[rng.random(len(triples)) < 0.6]
    assert orientable(arrows, chosen) == can_hold(arrows, adjacency, chosen.tolist())
    assert orientable(arrows, list(map(tuple, chosen.tolist()))) == orientable(arrows, chosen)


def check_settle(rng, p, degree):
    adjacency, arrows, before = random_skeleton(rng, p, degree)
    said = noisy_statements(rng, adjacency, before)
    given_arrows = arrows.copy()
    settled = settle(arrows, said)
    wanted, kept = oracle.settle(arrows, said.triples.tolist(), (said.verdict == COLLIDER).tolist())
    assert settled.kept.tolist() == kept
    assert (settled.arrows == wanted).all()
    assert (arrows == given_arrows).all()
    # Every triple is settled, so the closure finds no contradiction.
    ends = class_marks(adjacency, settled.arrows)
    directed = close_under_meek(settled.arrows, adjacency & ~(settled.arrows | settled.arrows.T))[0]
    a, k, b = said.triples.T
    drawn = (said.verdict == COLLIDER) == settled.kept
    assert ((directed[a, k] & directed[b, k]) == drawn).all()
    assert ((ends == 2) == directed).all()
    assert ((ends > 0) == adjacency).all()
    return int((~settled.kept).sum())


@pytest.mark.parametrize("seed", range(300))
def test_settle_is_one_by_one_greedy(seed):
    rng = np.random.default_rng(seed)
    check_settle(rng, int(rng.integers(3, 12)), rng.uniform(1, 6))


@pytest.mark.parametrize("seed", range(6))
def test_settle_is_one_by_one_greedy_with_many_conflicts(seed):
    assert check_settle(np.random.default_rng(seed), 32, 4.0) > 5


@pytest.mark.slow
def test_settle_is_one_by_one_greedy_in_thousands_of_graphs():
    rng = np.random.default_rng(0)
    dropped = [check_settle(rng, int(rng.integers(3, 18)), rng.uniform(1, 6)) for _ in range(3000)]
    assert sum(dropped) > 3000


def test_a_second_way_that_opens_later_is_found():
    """Leaf 0 can no longer go before the hub 1 once 0 -> 1, so the hub has to wait for leaf 3."""
    star = np.zeros((4, 4), dtype=bool)
    star[1, [0, 2, 3]] = star[[0, 2, 3], 1] = True
    said = statements([(0, 1, 3), (0, 1, 2), (2, 1, 3)], [0, 1, 1])
    settled = settle(np.zeros_like(star), said)
    assert settled.kept.tolist() == [True, True, False]
    assert np.argwhere(settled.arrows).tolist() == [[0, 1], [2, 1]]


def test_nothing_to_settle():
    for p in (0, 1, 4):
        nothing = np.zeros((p, p), dtype=bool)
        assert unshielded_triples(nothing).shape == (0, 3)
        settled = settle(nothing, statements([], []))
        assert settled.arrows.shape == (p, p)
        assert settled.kept.shape == (0,)
        assert orientable(nothing)


def test_stronger_statements_win():
    chain = np.zeros((4, 4), dtype=bool)
    for i, j in ((0, 1), (1, 2), (2, 3)):
        chain[i, j] = chain[j, i] = True
    nothing = np.zeros_like(chain)
    one = settle(nothing, statements([(0, 1, 2), (1, 2, 3)], [1, 1]))
    assert one.kept.tolist() == [True, False]
    assert np.argwhere(one.arrows).tolist() == [[0, 1], [2, 1]]
    other = settle(nothing, statements([(1, 2, 3), (0, 1, 2)], [1, 1]))
    assert np.argwhere(other.arrows).tolist() == [[1, 2], [3, 2]]
    known = nothing.copy()
    known[1, 2] = True
    assert settle(known, statements([(0, 1, 2), (1, 2, 3)], [1, 1])).kept.tolist() == [False, True]


@pytest.mark.parametrize("seed", range(60))
def test_knowledge_alone_contradicts_what_cannot_be_oriented_with_it(seed):
    rng = np.random.default_rng(seed)
    adjacency, arrows, before = random_skeleton(rng, 8, 3.0)
    arrows |= adjacency & before & (rng.random((8, 8)) < 0.5)
    said = noisy_statements(rng, adjacency, before)
    found = {vote.row for vote in votes_on(arrows, said) if vote.against}
    for row, (a, k, b) in enumerate(said.triples.tolist()):
        if said.verdict[row] == AMBIGUOUS:
            assert row not in found
            continue
        wanted = arrows.copy()
        if said.verdict[row] == COLLIDER:
            wanted[a, k] = wanted[b, k] = True
        others = [] if said.verdict[row] == COLLIDER else [(a, k, b)]
        assert (row in found) == (not oracle.orientable(wanted, others))


def test_one_vote_among_many_is_a_coincidence_and_most_of_them_are_none():
    for_it, against = Vote(0, ((0, 1),), False), Vote(1, ((0, 1),), True)
    other = Vote(2, ((2, 3),), True)
    assert n_contradicting([]) == n_contradicting([for_it, against]) == 0
    assert n_contradicting([against]) == 1  # all there is
    assert n_contradicting([for_it, for_it, for_it, against, other]) == 0
    assert n_contradicting([for_it] * 5 + [other, other]) == 2  # one direction has no other votes


@pytest.mark.parametrize(
    ("edges", "arrows", "conclusion", "reason"),
    [
        ([(0, 1), (1, 2)], [(0, 1)], (1, 2), (1, (0,))),
        ([(0, 1), (1, 2), (0, 2)], [(0, 1), (1, 2)], (0, 2), (2, (1,))),
        ([(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)], [(1, 3), (2, 3)], (0, 3), (3, (1, 2))),
        ([(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)], [(1, 2), (2, 3)], (0, 3), (4, (1, 2))),
    ],
)
def test_each_rule_is_named(edges, arrows, conclusion, reason):
    p = 1 + max(max(edge) for edge in edges)
    adjacency, known = np.zeros((2, p, p), dtype=bool)
    for i, j in edges:
        adjacency[i, j] = adjacency[j, i] = True
    for i, j in arrows:
        known[i, j] = True
    assert meek_reasons(known, adjacency)[conclusion] == reason


@pytest.mark.parametrize("seed", range(60))
def test_reasons_are_pictures_of_rules_and_rest_on_what_came_before(seed):
    rng = np.random.default_rng(seed)
    adjacency, arrows, before = random_skeleton(rng, 10, rng.uniform(2, 7))
    a, k, b = unshielded_triples(adjacency).T
    drawn = before[a, k] & before[b, k]
    known = arrows.copy()
    known[a[drawn], k[drawn]] = known[b[drawn], k[drawn]] = True
    closed, _ = close_under_meek(known, adjacency & ~(known | known.T))
    reasons = meek_reasons(known, adjacency)
    assert set(reasons) == set(map(tuple, np.argwhere(closed & ~known).tolist()))
    for (i, j), (rule, others) in reasons.items():
        k, m = (*others, -1)[:2]
        beside = adjacency[i, k] and adjacency[i, m]
        holds = {
            1: known[k, i] and not adjacency[k, j],
            2: known[i, k] and known[k, j],
            3: known[k, j] and known[m, j] and beside and not adjacency[k, m],
            4: known[k, m] and known[m, j] and beside and not adjacency[k, j],
        }
        assert holds[rule]
        known[i, j] = True
