from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

from causalkit._core.table import as_table
from causalkit.discovery import PC, Knowledge
from causalkit.discovery.constraint._skeleton import Bounds, Clock, find_skeleton
from causalkit.independence import BoundTest, CITest, FisherZ, Oracle
from tests.oracles.discovery import linear_data, nodes_of, random_dag


class Recorder(CITest, BoundTest):
    """Passes every question on and writes it down."""

    def __init__(self, test):
        self.inner, self.questions = test, []

    def bind(self, table):
        self.names = table.names
        self.bound = self.inner.bind(table)
        return self

    def __call__(self, i, j, given=()):
        name = self.names.__getitem__
        self.questions.append((frozenset(map(name, (i, j))), frozenset(map(name, given))))
        return self.bound(i, j, given)


def textbook_skeleton(bound, p, alpha):
    """PC-stable, written down from the paper: adjacency and number of tests."""
    adjacent = {i: set(range(p)) - {i} for i in range(p)}
    order, n_tests = 0, 0
    while any(len(adjacent[i] - {j}) >= order for i in adjacent for j in adjacent[i]):
        frozen = {i: set(adjacent[i]) for i in adjacent}
        for i, j in combinations(range(p), 2):
            if j not in adjacent[i]:
                continue
            sets = {
                s for a, b in ((i, j), (j, i)) for s in combinations(sorted(frozen[a] - {b}), order)
            }
            for given in sorted(sets):
                n_tests += 1
                if bound(i, j, given).p_value > alpha:
                    adjacent[i].discard(j)
                    adjacent[j].discard(i)
                    break
        order += 1
    return adjacent, n_tests


@pytest.mark.parametrize("seed", range(8))
def test_is_the_textbook_skeleton_with_no_more_tests(seed):
    rng = np.random.default_rng(seed)
    values = linear_data(rng, random_dag(rng, 9), 200)
    if values.shape[1] < 2:
        return
    pc = PC(alpha=0.05).fit(values)
    adjacent, n_tests = textbook_skeleton(FisherZ().bind(as_table(values)), values.shape[1], 0.05)
    assert [set(np.flatnonzero(row)) for row in pc.graph_.adjacency] == list(adjacent.values())
    assert pc.n_tests_ <= n_tests * 1.1 + 5


def test_no_question_is_asked_twice_and_the_count_is_right():
    rng = np.random.default_rng(1)
    recorder = Recorder(FisherZ())
    pc = PC(recorder, alpha=0.2, collider_rule="standard")
    pc.fit(linear_data(rng, random_dag(rng, 9), 100))
    assert pc.n_tests_ == len(recorder.questions) == len(set(recorder.questions))


@pytest.mark.filterwarnings("ignore::causalkit.errors.KnowledgeWarning")
def test_limits_and_knowledge_save_tests():
    rng = np.random.default_rng(2)
    values = dict(zip("abcdefg", rng.normal(size=(7, 60)) + rng.normal(size=60), strict=True))
    recorder = Recorder(FisherZ())
    knowledge = Knowledge(
        [list("abc"), list("def")], required=[("c", "d")], forbidden=[("a", "b"), ("b", "a")]
    )
    PC(recorder, alpha=0.01, max_order=2, knowledge=knowledge).fit(values)
    late = set("def")
    for pair, given in recorder.questions:
        assert len(given) <= 2
        assert pair != {"a", "b"} or given  # only to judge colliders, never to cut
        assert pair != {"c", "d"} or not given
        assert not (pair <= set("abc") and given & late), "a later variable cannot separate"


def test_only_pairs_with_neighbours_in_common_are_asked_about_again():
    """Forbidden both ways: no separating set is looked for unless a triple depends on it."""
    dag = random_dag(np.random.default_rng(3), 6)
    recorder = Recorder(Oracle(dag))
    nothing = [(a, b) for a in dag.nodes for b in dag.nodes if a != b]
    pc = PC(recorder, knowledge=Knowledge(forbidden=nothing)).fit(nodes_of(dag))
    assert pc.n_tests_ == 0
    assert not recorder.questions
    assert not pc.graph_.edges()


@dataclass(frozen=True, slots=True, eq=False)
class BoundNoted(BoundTest):
    """Fisher's z without compiled levels; notes how many pairs each job asks."""

    inner: BoundTest
    sizes: list[int]

    def __call__(self, i, j, given=()):
        return self.inner(i, j, given)

    def separate(self, level, alpha):
        self.sizes.append(len(level))
        return BoundTest.separate(self, level, alpha)


def test_under_a_budget_a_slow_test_is_asked_pair_by_pair():
    values = np.random.default_rng(0).normal(size=(100, 15))
    values[:, 1:] += values[:, :-1]
    bound = BoundNoted(FisherZ().bind(as_table(values)), [])
    found = find_skeleton(bound, Bounds.none(15), alpha=0.05)
    assert max(bound.sizes) > 1
    bound.sizes.clear()
    hurried = find_skeleton(bound, Bounds.none(15), alpha=0.05, clock=Clock.start(600.0))
    assert max(bound.sizes) == 1
    assert np.array_equal(hurried.adjacency, found.adjacency)
    assert dict(hurried.separators) == dict(found.separators)
    assert hurried.n_tests == found.n_tests
