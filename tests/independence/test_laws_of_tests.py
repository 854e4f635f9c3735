"""Laws that every test of conditional independence obeys."""

from __future__ import annotations

import pickle
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.errors import InputError, NumericalError
from causalkit.graph import dag_to_cpdag
from causalkit.independence import FisherZ
from causalkit.independence.search import Level
from tests.independence import designs
from tests.independence.designs import (
    MIXED,
    NUMERIC,
    PLAIN,
    TRUTH,
    category,
    mixed_frame,
    numeric_frame,
    quick_table,
    weak_mixed_frame,
)
from tests.oracles import linear_tests as oracles

every_test = pytest.mark.parametrize("test", PLAIN.values(), ids=PLAIN.keys())
every_numeric = pytest.mark.parametrize("test", NUMERIC.values(), ids=NUMERIC.keys())
every_mixed = pytest.mark.parametrize("test", MIXED.values(), ids=MIXED.keys())


def frame_for(test, rng, n=200):
    return weak_mixed_frame(rng, n) if test in MIXED.values() else numeric_frame(rng, n)


# --- laws --------------------------------------------------------------------------------------


@every_test
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_says_nothing(test, seed):
    rng = np.random.default_rng(seed)
    frame = frame_for(test, rng)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    chosen = rest[: rng.integers(0, 4)]
    before = test.test(frame, x, y, chosen)
    shuffled = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
    after = test.test(shuffled, y, x, chosen[::-1])
    assert 0 <= before.p_value <= 1
    assert after.p_value == pytest.approx(before.p_value, rel=1e-5, abs=1e-12)
    bound = test.bind(as_table(shuffled))
    i, j, *where = as_table(shuffled).indices([x, y, *chosen])
    whole = bound(i, j, where)
    if test != NUMERIC["robust"]:  # the scatter of all columns is not that of a few
        assert whole.p_value == pytest.approx(before.p_value, rel=1e-5, abs=1e-12)


@every_test
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), unit=st.sampled_from([1e-290, 1e-9, 1.0, 1e9, 1e290]))
def test_units_and_names_of_levels_say_nothing(test, seed, unit):
    rng = np.random.default_rng(seed)
    frame = frame_for(test, rng)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    other = frame.copy()
    for name in frame.columns:
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            levels = rng.permutation([f"level {k}" for k in range(4)])[: frame[name].nunique()]
            other[name] = frame[name].cat.rename_categories(levels)
        else:
            other[name] = frame[name] * unit * rng.choice([-1, 1])
    one, two = test.test(frame, x, y, rest[:2]), test.test(other, x, y, rest[:2])
    assert two.p_value == pytest.approx(one.p_value, rel=1e-4, abs=1e-10)


@every_test
def test_containers_agree(test):
    frame = frame_for(test, np.random.default_rng(3))
    a, b, c = frame.columns[[0, 3, 5]]
    expected = test.test(frame, a, b, c)
    numbered = frame.set_axis(range(6), axis=1)
    assert test.test(numbered, 0, 3, 5) == expected
    assert test.test(pl.from_pandas(frame), a, b, c) == expected
    assert test.test(frame.to_dict("series"), a, b, c) == expected
    assert expected.n_used <= len(frame)


@every_test
def test_is_a_value_and_travels(test):
    assert eval(repr(test), vars(designs)) == test
    assert hash(pickle.loads(pickle.dumps(test))) == hash(test)
    bound = test.bind(as_table(frame_for(test, np.random.default_rng(0))))
    assert pickle.loads(pickle.dumps(bound))(0, 1, (2,)) == bound(0, 1, (2,))


def same(one, other, seed):
    """Whether two sets are equal; with seed 2, columns 4 and 5 are copies of each other."""
    twin = {5: 4} if seed == 2 else {}
    one, other = ({twin.get(k, k) for k in chosen} for chosen in (one, other))
    return one == other


@every_test
@pytest.mark.parametrize("seed", range(3))
def test_searches_give_the_answers_of_the_base_versions(test, seed):
    rng = np.random.default_rng(seed)
    frame = frame_for(test, rng, n=40 if seed == 0 else 150)
    if seed == 2:  # a column that others determine
        frame[frame.columns[5]] = frame[frame.columns[4]]
    bound = test.bind(as_table(frame))
    p = frame.shape[1]
    strength = rng.random((p, p))
    strength = np.round(strength + strength.T, 1)
    for order in (1, 2, 3):
        adjacent = np.triu(rng.random((p, p)) < 0.8, 1)
        adjacent |= adjacent.T
        pairs = np.argwhere(np.triu(adjacent))
        starts = np.concatenate([[0], np.cumsum(adjacent.sum(axis=1))])
        level = Level(order, pairs, starts, np.nonzero(adjacent)[1], strength)
        for alpha in (0.05, 0.6):
            answers = bound.separate(level, alpha)
            slow = oracles.separate(bound, level, alpha)
            assert answers.separated.tolist() == [row[0] for row in slow]
            np.testing.assert_allclose(
                answers.p_value,
                [row[3] if row[4] else np.nan for row in slow],
                rtol=1e-6,
                atol=1e-300,
            )
            np.testing.assert_allclose(
                np.abs(answers.statistic), [abs(row[2]) for row in slow], rtol=1e-6, atol=1e-7
            )
            assert answers.n_tests == sum(row[4] for row in slow)
            assert answers.n_untestable == sum(row[5] for row in slow)
            for given_row, row in zip(answers.given.tolist(), slow, strict=True):
                assert row[1] is None or same(given_row, row[1], seed) or row[3] < 1e-12
            search = bound.first_separator(0, 1, range(2, p), order, alpha, asked=[2, 4])
            base = (
                type(bound)
                .__mro__[1]
                .first_separator(bound, 0, 1, range(2, p), order, alpha, asked=[2, 4])
            )
            assert (search.separated, search.n_tests, search.n_untestable) == (
                base.separated, base.n_tests, base.n_untestable
            )  # fmt: skip
            assert same(search.given, base.given, seed) or search.result.p_value < 1e-12


@every_test
@pytest.mark.parametrize("order", [0, 1, 2])
def test_many_sets_are_one_after_the_other(test, order):
    frame = frame_for(test, np.random.default_rng(2), n=60)
    frame[frame.columns[5]] = frame[frame.columns[0]]  # determines the pair's first
    bound = test.bind(as_table(frame))
    chosen = list(combinations(range(2, 6), order))
    sets = np.array(chosen, dtype=np.intp).reshape(len(chosen), order)
    for row, (s, p, n) in enumerate(zip(*bound.given_each(0, 1, sets), strict=True)):
        try:
            one = bound(0, 1, sets[row].tolist())
        except NumericalError:
            assert np.isnan(p)
        else:
            assert (s, p) == (pytest.approx(one.statistic), pytest.approx(one.p_value))
            assert n == one.n_used


@every_test
@pytest.mark.parametrize("order", [0, 1, 2])
def test_many_pairs_with_sets_of_their_own_are_one_after_the_other(test, order):
    frame = frame_for(test, np.random.default_rng(3), n=60)
    frame[frame.columns[5]] = frame[frame.columns[0]]  # determines one of some pairs
    bound = test.bind(as_table(frame))
    asked = np.array(list(permutations(range(6), 2 + order))[::7], dtype=np.intp)
    answers = bound.given_own(asked[:, :2], asked[:, 2:])
    for (i, j, *chosen), s, p, n in zip(asked.tolist(), *answers, strict=True):
        try:
            one = bound(i, j, chosen)
        except NumericalError:
            assert np.isnan(p)
        else:
            assert abs(s) == pytest.approx(abs(one.statistic), rel=1e-6, abs=1e-9)
            assert p == pytest.approx(one.p_value, rel=1e-6)
            assert n == one.n_used


@every_test
def test_the_screen_asks_about_all_pairs(test):
    frame = frame_for(test, np.random.default_rng(1), n=60)
    bound = test.bind(as_table(frame))
    pairs = np.argwhere(np.triu(np.ones((6, 6)), 1))
    statistic, p_value = bound.marginals(pairs)
    for (i, j), s, p in zip(pairs.tolist(), statistic, p_value, strict=True):
        one = bound(i, j)
        assert (s, p) == (pytest.approx(one.statistic, rel=1e-9), pytest.approx(one.p_value))
    screen = bound.screen(0.1)
    if screen is not None:
        dependent = p_value <= 0.1
        assert (screen.dependent[pairs[:, 0], pairs[:, 1]] == dependent).all()
        assert (screen.dependent == screen.dependent.T).all()
        assert not screen.dependent.diagonal().any()
        by_strength = np.argsort(-np.abs(screen.strength[pairs[:, 0], pairs[:, 1]]))
        assert (np.diff(p_value[by_strength]) >= -1e-12).all()
        assert screen.n_tests == len(pairs)


# --- calibration -------------------------------------------------------------------------------


def null_columns(rng, size, n):
    """x and y depend on the set, each with noise of its own."""
    Z = rng.normal(size=(n, size))
    x, y = (Z @ np.ones(size) * 0.7 + rng.normal(size=n) for _ in range(2))
    return {"x": x, "y": y, **{f"z{k}": Z[:, k] for k in range(size)}}


@every_test
@pytest.mark.parametrize("size", [0, 1, pytest.param(3, marks=pytest.mark.slow)])
def test_p_values_are_uniform_under_independence_of_gaussians(test, size):
    rng = np.random.default_rng(size)
    tables = (quick_table(**null_columns(rng, size, 150)) for _ in range(200))
    p_values = [test.bind(table)(0, 1, range(2, 2 + size)).p_value for table in tables]
    assert kstest(p_values, "uniform").pvalue > 0.002


@every_mixed
@pytest.mark.parametrize("case", ["number and category", "categories", "numbers given a category"])
def test_p_values_are_uniform_under_independence_of_mixed_columns(test, case):
    rng = np.random.default_rng(1)

    def one_p_value(n=150):
        z = rng.integers(3, size=n)
        number, other = z + rng.normal(size=(2, n))
        a, b = np.where(rng.random((2, n)) < 0.4, z, rng.integers(3, size=(2, n)))
        x = a if case == "categories" else number
        y = other if case.startswith("numbers") else b
        return test.bind(quick_table(x=x, y=y, z=z))(0, 1, (2,)).p_value

    p_values = [one_p_value() for _ in range(200)]
    assert kstest(p_values, "uniform").pvalue > 0.002


@every_test
def test_dependences_are_found(test):
    rng = np.random.default_rng(0)
    columns = null_columns(rng, 2, 200)
    columns["y"] += 0.6 * columns["x"]
    assert test.test(columns, "x", "y", ["z0", "z1"]).p_value < 1e-4


# --- in an algorithm ---------------------------------------------------------------------------


@every_mixed
def test_pc_learns_a_mixed_graph(test):
    frame = mixed_frame(np.random.default_rng(5))
    pc = PC(test, alpha=0.01).fit(frame)
    assert pc.graph_ == dag_to_cpdag(TRUTH).reordered(frame.columns)


@every_numeric
def test_pc_learns_a_numeric_graph(test):
    rng = np.random.default_rng(0)
    a, b, e, f = rng.normal(size=(4, 1500))
    frame = pd.DataFrame({"a": a, "b": b, "c": a + b + e})
    frame["d"] = frame["c"] + f
    pc = PC(test, alpha=0.01).fit(frame)
    assert str(pc.graph_) == "CPDAG with 4 nodes, 3 edges: a -> c; b -> c; c -> d"
    assert pc.graph_ == PC(test, alpha=0.01, n_jobs=2).fit(frame).graph_


# --- hostile input -----------------------------------------------------------------------------

GOOD = {"a": [1.0, 2.0, 4.0, 3.0, 0.0, 2.5], "b": [0.0, 1.0, 1.0, 5.0, 2.0, 2.0]}


@every_test
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": [1.0] * 6}, "'b' hold one value"),
        ({"b": [1.0, np.nan, 1.0, 0.0, 1.0, 2.0]}, "'b' .1."),
        ({"b": pd.Categorical(list("xxxxxx"))}, "'b' hold one value"),
        ({"b": pd.Series(list("xyzxyz"), dtype=object)}, "'b' holds text"),
        ({"b": [1.0, np.inf, 1.0, 0.0, 1.0, 2.0]}, "'b'"),
    ],
)
def test_unusable_columns_are_named(test, change, message):
    with pytest.raises(InputError, match=message):
        test.test(GOOD | change, "a", "b")


@every_numeric
def test_categories_are_refused_with_a_way_out(test):
    with pytest.raises(InputError, match=r"3 levels.*DegenerateGaussian"):
        test.test(GOOD | {"b": pd.Categorical(list("xyzxyz"))}, "a", "b")


@every_test
def test_two_rows(test):
    with pytest.raises(InputError, match="at least 4 rows"):
        test.test({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "a", "b")


@every_test
def test_more_columns_than_rows(test):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(8, 12)), columns=[f"v{k}" for k in range(12)])
    if test == NUMERIC["robust"]:
        with pytest.raises(InputError, match="more rows than columns"):
            test.bind(as_table(frame))
        return
    bound = test.bind(as_table(frame))
    assert 0 <= bound(0, 1, (2,)).p_value <= 1
    with pytest.raises(NumericalError):
        bound(0, 1, range(2, 12))
    PC(test, max_order=1).fit(frame)


@pytest.mark.filterwarnings("ignore:these columns are copies")
@every_test
def test_a_copy_is_certain_and_leaves_nothing_to_ask(test):
    rng = np.random.default_rng(0)
    frame = numeric_frame(rng)[["a", "b", "c"]]
    frame["copy"] = 2 * frame["a"] - 1
    assert test.test(frame, "a", "copy").p_value < 1e-12
    with pytest.raises(NumericalError, match="determine"):
        test.test(frame, "a", "b", "copy")
    pc = PC(test).fit(frame)
    assert pc.n_untestable_ > 0


@every_test
def test_nothing_but_ties(test):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.integers(0, 2, size=(80, 3)).astype(float), columns=list("abc"))
    assert 0 <= test.test(frame, "a", "b", "c").p_value <= 1


@every_test
def test_the_largest_and_the_smallest_numbers(test):
    rng = np.random.default_rng(0)
    frame = numeric_frame(rng)[["a", "b", "c"]]
    wild = pd.DataFrame({"a": frame["a"] * 1e300, "b": frame["b"] * 1e-300, "c": frame["c"] + 1e6})
    wild.loc[3, "a"] = 1.7e308
    frame.loc[3, "a"] = 1.7e8
    expected = test.test(frame, "a", "b", "c").p_value
    assert test.test(wild, "a", "b", "c").p_value == pytest.approx(expected, rel=1e-4)


@every_mixed
def test_a_rare_level_and_a_column_of_names(test):
    rng = np.random.default_rng(0)
    rare = np.zeros(60, dtype=int)
    rare[0] = 1
    frame = pd.DataFrame({"x": rng.normal(size=60), "rare": category(rare)})
    frame["names"] = pd.Categorical([f"person {k}" for k in range(60)])
    if test == MIXED["conditional"]:
        with pytest.raises(NumericalError, match="rows enough"):
            test.test(frame, "x", "rare")
    else:
        assert 0 < test.test(frame, "x", "rare").p_value < 1
    with pytest.raises(NumericalError):
        test.test(frame, "x", "rare", "names")


def test_numbers_alone_give_what_fishers_z_gives():
    frame = numeric_frame(np.random.default_rng(0), n=2000)
    for test in (*NUMERIC.values(), *MIXED.values()):
        if test in (NUMERIC["robust"], NUMERIC["spearman"]):
            continue
        result, reference = (t.test(frame, "a", "b", ["c", "d"]) for t in (test, FisherZ()))
        assert result.p_value == pytest.approx(reference.p_value, rel=0.6, abs=0.02)
