from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from causalkit._core.table import as_table
from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.independence import BoundTest, FisherZ, Level
from causalkit.independence._fisher_z_kernels import weakest_link
from tests.oracles import independence as oracles
from tests.oracles.discovery import linear_data, random_dag


def bound_to(values):
    return FisherZ().bind(as_table(values))


def random_values(rng, n=80, p=6):
    return rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=(n, p))


# --- against residual correlations, other libraries, theory -----------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_equals_the_correlation_of_residuals(seed):
    rng = np.random.default_rng(seed)
    values = random_values(rng)
    bound = bound_to(values)
    for size in range(5):
        i, j, *others = rng.permutation(6).tolist()
        result = bound(i, j, others[:size])
        z, p = oracles.fisher_z(values, i, j, others[:size])
        assert result.statistic == pytest.approx(z, rel=1e-8, abs=1e-10)
        assert result.p_value == pytest.approx(p, rel=1e-8)
        assert result.n_used == len(values)


def test_published_p_values_of_five_libraries(shared):
    arrays = np.load(shared / "ci_tests" / "arrays.npz")
    expected = json.loads((shared / "ci_tests" / "expected.json").read_text())
    n_checked = 0
    for name, tests in expected["tests"].items():
        for case in tests:
            if "fisherz_p" in case:
                result = bound_to(arrays[name].astype(float))(case["x"], case["y"], case["S"])
                assert result.p_value == pytest.approx(case["fisherz_p"], abs=1e-9)
                n_checked += 1
    assert n_checked > 10


def test_agrees_with_causal_learn():
    from causallearn.utils.cit import CIT

    rng = np.random.default_rng(7)
    values = linear_data(rng, random_dag(rng, 8), 300)
    values = np.column_stack([values, random_values(rng, 300, 8)])
    peer, bound = CIT(values, "fisherz"), bound_to(values)
    for _ in range(200):
        i, j, *others = rng.permutation(values.shape[1]).tolist()
        given = others[: rng.integers(0, 5)]
        assert bound(i, j, given).p_value == pytest.approx(peer(i, j, given), abs=1e-9)


@pytest.mark.parametrize("size", [0, 1, 3])
def test_p_values_are_uniform_under_independence(size):
    rng = np.random.default_rng(size)
    p_values = []
    for _ in range(1000):
        Z = rng.normal(size=(60, size))
        x = Z @ np.ones(size) + rng.normal(size=60)
        y = Z @ np.ones(size) + rng.normal(size=60)
        p_values.append(bound_to(np.column_stack([x, y, Z]))(0, 1, range(2, 2 + size)).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_tiny_p_values_keep_their_order():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    weak, strong = x + rng.normal(size=1000), x + 0.8 * rng.normal(size=1000)
    bound = bound_to(np.column_stack([x, weak, strong]))
    assert 0 < bound(0, 2).p_value < bound(0, 1).p_value < 1e-60


# --- laws -------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-300, 1e-9, 1.0, 1e9, 1e300]))
def test_symmetric_and_free_of_units_and_order(seed, unit):
    rng = np.random.default_rng(seed)
    values = random_values(rng)
    i, j, *rest = rng.permutation(6).tolist()
    before = bound_to(values)(i, j, rest[:3]).p_value
    units = rng.choice([-1.0, 1.0], 6) * np.where(rng.random(6) < 0.5, unit, 1.0)
    after = bound_to(values * units)
    assert after(j, i, rest[:3][::-1]).p_value == pytest.approx(before, rel=1e-6, abs=1e-12)


def test_a_large_mean_does_not_drown_the_variation():
    rng = np.random.default_rng(0)
    values = random_values(rng)
    shifted = bound_to(values + 1e6)(0, 1, [2, 3]).p_value
    assert shifted == pytest.approx(bound_to(values)(0, 1, [2, 3]).p_value, rel=1e-4)


def test_the_largest_numbers_there_are():
    values = {"a": [1e308, -1e308, 0.0, 1.5e308, 3.0], "b": [1.0, 2.0, 3.0, 5.0, 4.0]}
    scaled = {"a": [1.0, -1.0, 0.0, 1.5, 3e-308], "b": values["b"]}
    expected = FisherZ().test(scaled, "a", "b").p_value
    assert FisherZ().test(values, "a", "b").p_value == pytest.approx(expected)


def test_frames_arrays_and_integer_names_agree():
    values = random_values(np.random.default_rng(1))
    names = list("abcdef")
    frame = pd.DataFrame(values, columns=names)
    answers = {
        FisherZ().test(values, "x0", "x1", given=["x2", "x4"]).p_value,
        FisherZ().test(frame, "a", "b", given=["c", "e"]).p_value,
        FisherZ().test(pl.from_pandas(frame), "a", "b", given=("c", "e")).p_value,
        FisherZ().test(pd.DataFrame(values), 0, 1, given=(2, 4)).p_value,
    }
    assert len(answers) == 1


# --- the hot question -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_first_separator_asks_in_order_and_stops(seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(rng, 7)
    values = linear_data(rng, dag, 60) if len(dag.nodes) > 3 else random_values(rng)
    bound = bound_to(values)
    i, j, *pool = rng.permutation(values.shape[1]).tolist()
    asked = pool[: int(rng.integers(0, len(pool) + 1))]
    for order in range(len(pool) + 2):
        for alpha in (0.05, 0.5):
            search = bound.first_separator(i, j, pool, order, alpha, asked=asked)
            separated, chosen, p, n = oracles.first_separator(
                values, i, j, pool, order, alpha, asked
            )
            assert (search.separated, search.n_tests) == (separated, n)
            if n:
                assert search.given == chosen
                assert search.result.p_value == pytest.approx(p, rel=1e-6)
            else:
                assert search.result is None


def test_the_general_search_gives_the_same_answers():

    rng = np.random.default_rng(3)
    bound = bound_to(random_values(rng))
    for order in range(4):
        fast = bound.first_separator(0, 1, [5, 2, 4, 3], order, 0.3, asked=[5, 2])
        slow = BoundTest.first_separator(bound, 0, 1, [5, 2, 4, 3], order, 0.3, asked=[5, 2])
        assert (fast.separated, fast.given, fast.n_tests) == (
            slow.separated, slow.given, slow.n_tests
        )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_kernel_equals_its_numpy_twin(seed):
    rng = np.random.default_rng(seed)
    p = int(rng.integers(3, 8))
    values = rng.normal(size=(30, p))
    if rng.random() < 0.5:  # redundant columns: some sets, or all, become untestable
        values[:, rng.integers(p)] = values[:, rng.integers(p)] * 2
        values[:, rng.integers(p)] = values @ rng.integers(0, 2, p)
    values = values[:, np.ptp(values, axis=0) > 0]
    p = values.shape[1]
    if p < 2:
        return
    corr = np.corrcoef(values, rowvar=False)
    i, j, *pool = rng.permutation(p).tolist()
    pool = np.array(pool, dtype=np.intp)
    asked = rng.random(len(pool)) < 0.3
    order, cutoff = int(rng.integers(1, len(pool) + 2)), rng.choice([-1.0, 0.05, 0.3])
    given, counts = np.zeros(order, dtype=np.intp), np.zeros(3, dtype=np.intp)
    partial = weakest_link(corr, i, j, pool, order, asked, cutoff, 1e-10, given, counts)
    slow = oracles.weakest_link(corr, i, j, pool, order, asked, cutoff, 1e-10)
    assert counts[1:].tolist() == list(slow[2:])
    assert abs(partial) == pytest.approx(abs(slow[1]), abs=1e-6)
    assert counts[0] == (abs(partial) < cutoff)


class OneByOne(BoundTest):
    """Answers of a bound test, through the versions of the protocol."""

    def __init__(self, bound):
        self.bound = bound

    def __call__(self, i, j, given=()):
        return self.bound(i, j, given)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_a_level_at_once_is_the_level_one_by_one(seed):
    rng = np.random.default_rng(seed)
    p, n = int(rng.integers(3, 9)), int(rng.choice([6, 12, 100]))
    values = rng.normal(size=(n, p)) @ rng.normal(size=(p, p)) + rng.normal(size=(n, p))
    if rng.random() < 0.4:
        values[:, 1] = 2 * values[:, 0] - 3
    bound = bound_to(values)
    joined = np.triu(rng.random((p, p)) < 0.8, 1)
    side = (rng.random((p, p)) < 0.7) & ~np.eye(p, dtype=bool)  # limited as by knowledge
    starts = np.concatenate(([0], np.cumsum(side.sum(axis=1))))
    for order in range(5):
        level = Level(order, np.argwhere(joined), starts, np.nonzero(side)[1], bound.corr)
        fast, slow = bound.separate(level, 0.2), OneByOne(bound).separate(level, 0.2)
        assert (fast.n_tests, fast.n_untestable) == (slow.n_tests, slow.n_untestable)
        np.testing.assert_array_equal(fast.separated, slow.separated)
        same = (fast.given == slow.given).all(axis=1)
        assert same[fast.separated].all()  # what came closest may tie
        np.testing.assert_allclose(fast.p_value, slow.p_value, rtol=1e-6, atol=1e-12)
        assert len(fast.separated) == 0 or set(fast.n_used.tolist()) <= {0, n}


def test_the_screen_is_all_marginal_tests():
    rng = np.random.default_rng(5)
    bound = bound_to(random_values(rng, n=50, p=9))
    screen = bound.screen(0.1)
    for i, j in combinations(range(9), 2):
        assert screen.dependent[i, j] == (bound(i, j).p_value <= 0.1)
    pairs = np.array([(2, 3), (0, 8)])
    for k, (i, j) in enumerate(pairs.tolist()):
        assert bound.marginals(pairs)[1][k] == pytest.approx(bound(i, j).p_value, rel=1e-12)


# --- hostile input ----------------------------------------------------------------------------


def test_redundant_conditions_are_an_error_for_people_and_skipped_by_searches():
    rng = np.random.default_rng(0)
    values = random_values(rng)
    values[:, 3] = 2 * values[:, 2] - 1  # a copy of column 2
    values[:, 5] = values[:, 0] + values[:, 4]  # 0 and 4 determine 5
    bound = bound_to(values)
    for i, j, chosen in [(0, 1, (2, 3)), (5, 1, (0, 4)), (2, 1, (3,))]:
        with pytest.raises(NumericalError, match="determine"):
            bound(i, j, chosen)
        search = bound.first_separator(i, j, chosen, len(chosen), 0.05)
        assert (search.separated, search.result) == (False, None)
        assert (search.n_tests, search.n_untestable) == (0, 1)
    assert bound(2, 3).p_value == 0.0
    assert bound(0, 5, (4,)).p_value == 0.0
    assert bound(0, 1, (2,)).p_value == pytest.approx(bound(0, 1, (3,)).p_value)


def test_too_few_rows_for_the_set():
    bound = bound_to(np.random.default_rng(0).normal(size=(6, 6)))
    assert 0 < bound(0, 1, (2, 3)).p_value <= 1
    with pytest.raises(NumericalError, match="at least 7 rows"):
        bound(0, 1, (2, 3, 4))
    search = bound.first_separator(0, 1, [2, 3, 4, 5], 3, 0.05)
    assert (search.n_tests, search.n_untestable) == (0, 4)


GOOD = {"a": [1.0, 2.0, 4.0, 3.0, 0.0], "b": [0.0, 1.0, 1.0, 5.0, 2.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": [1.0, 1.0, 1.0, 1.0, 1.0]}, "'b' hold one value"),
        ({"b": [1.0, np.nan, 1.0, 0.0, 1.0]}, "'b' .1.; FisherZ needs complete"),
        ({"b": pd.Series(list("xyzxy"), dtype="category")}, "'b' is categorical with 3 levels"),
        ({"b": pd.Series(list("xyzxy"), dtype=object)}, "'b' holds text"),
    ],
)
def test_unusable_columns_are_named(change, message):
    with pytest.raises(InputError, match=message):
        FisherZ().test(GOOD | change, "a", "b")


def test_two_levels_and_booleans_are_numbers():
    yes = [True, False, True, True, False]
    as_category = pd.Series(["y", "n", "y", "y", "n"], dtype="category")
    numbers = FisherZ().test(GOOD | {"b": np.array(yes, dtype=float)}, "a", "b")
    assert FisherZ().test(GOOD | {"b": yes}, "a", "b") == numbers
    assert FisherZ().test(GOOD | {"b": as_category}, "a", "b") == numbers


def test_columns_that_are_not_asked_about_may_hold_anything():
    assert FisherZ().test(GOOD | {"c": list("vwxyz")}, "a", "b").n_used == 5


def test_questions_that_make_no_sense():
    with pytest.raises(InputError, match="overlap"):
        FisherZ().test(GOOD, "a", "a")
    with pytest.raises(InputError, match="overlap"):
        FisherZ().test(GOOD, "a", "b", given="b")
    with pytest.raises(UnknownVariableError, match="Did you mean"):
        FisherZ().test(GOOD | {"colour": [0, 1, 1, 0, 2]}, "a", "color")
    with pytest.raises(InputError, match="at least 4 rows"):
        FisherZ().test({"a": [1.0, 2.0], "b": [2.0, 1.0]}, "a", "b")


def test_is_a_value():
    assert FisherZ() == FisherZ()
    assert hash(FisherZ()) == hash(FisherZ())
    result = FisherZ().test(GOOD, "a", "b")
    with pytest.raises(FrozenInstanceError):
        result.p_value = 0.0
    assert "p-value" in repr(result)
    assert "<table" in result._repr_html_()
