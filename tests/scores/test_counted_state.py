"""What compiled searches ask of counts, beside counting by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from causalkit._core.jit import kernel
from causalkit._core.table import as_table
from causalkit.scores import BDeu, DiscreteBIC, NodeAverage
from causalkit.scores import _path_kernels as score
from causalkit.scores._states import Paths
from tests.oracles import discrete, scores

BY_HAND = {
    "bdeu": (BDeu(2.0), lambda codes, v, given: scores.bdeu(codes, v, given, 2.0)),
    "bic": (DiscreteBIC(), lambda codes, v, given: scores.discrete_bic(codes, v, given, 1.0)),
}
LEVELS = {"few": [2, 3, 2, 4, 2, 3], "many": [2, 40, 3, 2, 25, 3], "hundreds": [2, 300, 3, 2]}

each_score = pytest.mark.parametrize("name", BY_HAND)
each_kind = pytest.mark.parametrize("kind", LEVELS)


@kernel
def ask_local(state, paths, node, parents, k):
    return score.local(state, paths, node, parents, k)


@kernel
def ask_improving(state, paths, node, path, depth, found, gains):
    return score.improving(state, paths, node, path, depth, found, gains)


@kernel
def ask_shrink(state, paths, node, parents, k, n_kept):
    return score.shrink(state, paths, node, parents, k, n_kept)


def table_of(kind, n=500, seed=0):
    return discrete.categories(np.random.default_rng(seed), n, LEVELS[kind])


def questions(p, rng, n=25):
    for _ in range(n):
        node, *rest = rng.permutation(p).tolist()
        yield node, rest[: rng.integers(0, p)]


def bind(name, codes):
    return BY_HAND[name][0].bind(as_table(pd.DataFrame(codes).astype("category")))


def improving(state, paths, node, given, p):
    found, gains = np.empty(p, dtype=np.intp), np.empty(p)
    m = ask_improving(state, paths, node, np.array(given, dtype=np.intp), len(given), found, gains)
    return dict(zip(found[:m].tolist(), gains[:m].tolist(), strict=True))


@each_kind
@each_score
def test_local_scores_are_counted_right_however_often_they_are_asked(name, kind):
    codes, by_hand = table_of(kind), BY_HAND[name][1]
    p = codes.shape[1]
    with bind(name, codes).state() as state:
        paths = Paths.of(state, p, p)
        for node, given in 2 * list(questions(p, np.random.default_rng(1))):
            columns = np.array(given, dtype=np.intp)
            found = ask_local(state, paths, node, columns, len(given))
            assert found == pytest.approx(by_hand(codes, node, given), rel=1e-9)


@each_kind
@each_score
def test_all_columns_that_raise_the_score_are_found(name, kind):
    codes, by_hand = table_of(kind), BY_HAND[name][1]
    p = codes.shape[1]
    with bind(name, codes).state() as state:
        paths = Paths.of(state, p, p)
        for node, given in questions(p, np.random.default_rng(2)):
            before = by_hand(codes, node, given)
            rest = [c for c in range(p) if c not in (node, *given)]
            gains = {c: by_hand(codes, node, [*given, c]) - before for c in rest}
            expected = {c: gain for c, gain in gains.items() if gain > 1e-7}
            found = improving(state, paths, node, given, p)
            assert {c: g for c, g in found.items() if g > 1e-7} == pytest.approx(expected, rel=1e-6)


@each_score
def test_useless_parents_are_left_out_one_by_one(name):
    codes, by_hand = table_of("few", seed=3), BY_HAND[name][1]
    with bind(name, codes).state() as state:
        paths = Paths.of(state, 6, 6)
        for node, given in questions(6, np.random.default_rng(4)):
            kept, left = given[:1], given[1:]
            best = by_hand(codes, node, given)
            while left:
                without = {
                    c: by_hand(codes, node, kept + [x for x in left if x != c]) for c in left
                }
                c = max(without, key=without.get)
                if without[c] <= best:
                    break
                best = without[c]
                left.remove(c)
            room = np.array(given, dtype=np.intp)
            k, found = ask_shrink(state, paths, node, room, len(given), len(kept))
            assert found == pytest.approx(best, rel=1e-9)
            assert room[:k].tolist() == kept + left


@each_score
def test_what_was_asked_before_changes_no_digit(name):
    codes = table_of("few", n=200)
    bound = bind(name, codes)
    asked = list(questions(6, np.random.default_rng(5), 40))

    def answers(some):
        with bound.state() as state:
            paths = Paths.of(state, 6, 6)
            return {
                (node, tuple(given)): (
                    improving(state, paths, node, given, 6),
                    ask_local(state, paths, node, np.array(given, dtype=np.intp), len(given)),
                )
                for node, given in some
            }

    forth, back = answers(asked), answers(asked[::-1])
    assert forth == back
    for node, given in asked[:10]:
        assert forth[node, tuple(given)] == answers([(node, given)])[node, tuple(given)]


@each_score
def test_the_order_of_the_parents_changes_no_digit(name):
    rng = np.random.default_rng(6)
    codes = np.column_stack([rng.integers(0, k, 20) for k in (40, 3, 4, 2, 5)])

    def ask(given):
        with bind(name, codes).state() as state:
            columns = np.array(given, dtype=np.intp)
            return ask_local(state, Paths.of(state, 5, 5), 3, columns, len(given))

    assert len({ask(given) for given in permutations([0, 1, 2, 4])}) == 1


@pytest.mark.parametrize("score", [BDeu(), NodeAverage(DiscreteBIC())], ids=["counted", "called"])
def test_what_one_search_leaves_another_takes_up_and_no_two_at_once(score):
    table, idle = as_table(pd.DataFrame(table_of("few")).astype("category")), []
    bound = score.bind(table)
    with bound.state(idle), bound.state(idle):
        assert not idle
    assert len(idle) == 2
    assert idle[0] is not idle[1]
    last = idle[1]
    with bound.state(idle):
        assert len(idle) == 1
    assert idle[1] is last


@each_score
def test_a_memory_that_is_full_forgets_but_does_not_err(name, monkeypatch):
    monkeypatch.setattr("causalkit.scores.discrete._MOST", 4)
    test_local_scores_are_counted_right_however_often_they_are_asked(name, "few")


def test_no_rows_to_speak_of_and_more_columns_than_rows():
    codes = np.random.default_rng(0).integers(0, 2, (5, 30))
    codes[0], codes[1] = 0, 1
    with bind("bdeu", codes).state() as state:
        paths = Paths.of(state, 29, 30)
        for node, given in questions(30, np.random.default_rng(0)):
            found = ask_local(state, paths, node, np.array(given, dtype=np.intp), len(given))
            assert found == pytest.approx(scores.bdeu(codes, node, given, 2.0), rel=1e-9)
