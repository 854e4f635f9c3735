"""Randomised tests and low-rank kernel tests: laws, oracles, levels and power."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from benchmarks.designs import draw
from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.errors import InputError, NumericalError
from causalkit.independence import KCI, Grouped
from causalkit.independence.eigen_ridge import choose_ridges
from causalkit.independence.kernel_matrices import blocks_of, gaussian_kernel, joined
from causalkit.independence.landmarks import LandmarkSmoother, SetSmoother
from causalkit.independence.nystrom import BoundNystrom, sampled_squares, typical_width
from causalkit.independence.random_features import cosines, draw_frequencies, random_features
from causalkit.independence.rcot import RCIT, RCoT, judge_products
from tests.oracles import random_features as oracle

TESTS = [RCoT(), RCIT()]
QUICK = [RCoT(n_landmarks=60), RCIT(n_landmarks=60)]
RIDGES = np.logspace(-4, 2, 19)


def table_of(n=200, seed=0):
    rng = np.random.default_rng(seed)
    z, e1, e2 = rng.normal(size=(3, n))
    group = rng.choice(list("abc"), n)
    x = np.sin(2 * z) + 0.5 * e1
    return pd.DataFrame(
        {"x": x, "y": z**2 + 0.5 * e2, "z": z, "w": x + e2, "g": pd.Categorical(group)}
    )


# --- features ------------------------------------------------------------------------------------


def test_products_of_many_features_are_the_kernel():
    block = blocks_of(as_table(np.random.default_rng(0).normal(size=(50, 1))), who="test")[0]
    L = random_features(block, ("a",), ("a",), 0.7, 20_000, 0)
    assert np.abs(L @ L.T - gaussian_kernel(block, 0.7)).max() < 0.03


def test_categories_have_exactly_their_kernel():
    frame = table_of()[["g"]]
    block = blocks_of(as_table(frame), who="test")[0]
    L = random_features(block, ("g",), (), 1.0, 5, 0)
    assert np.array_equal(L @ L.T, gaussian_kernel(block, 1.0))


def test_cosines_are_right_far_out():
    angles = np.concatenate([np.linspace(-50, 50, 1001), [1e6, -1e8]])
    assert np.abs(cosines(angles) - np.cos(angles)).max() < 1e-6


def test_frequencies_are_normal_and_belong_to_names():
    drawn = draw_frequencies("a", 4000, 0)
    assert abs(drawn.std() - 1) < 0.05
    assert abs((drawn**4).mean() - 3) < 0.3
    assert np.array_equal(drawn, draw_frequencies("a", 4000, 0))
    assert not np.array_equal(drawn[:5], draw_frequencies("b", 4000, 0)[:5])
    assert not np.array_equal(draw_frequencies(1, 5, 0), draw_frequencies("1", 5, 0))


# --- regressions ---------------------------------------------------------------------------------


def test_ridges_are_those_of_the_largest_likelihood():
    rng = np.random.default_rng(1)
    L, F = rng.normal(size=(40, 6)), rng.normal(size=(40, 4))
    F[:, 0] += 3 * L[:, 0]
    F -= F.mean(axis=0)
    C = L - L.mean(axis=0)
    values, V = np.linalg.eigh(C.T @ C)
    P = (C @ V / np.sqrt(values)).T @ F
    found = choose_ridges((F**2).sum(axis=0), P, values, len(F))
    for f, ridge in zip(F.T, found, strict=True):
        best = max(oracle.log_likelihood(f, L, r) for r in RIDGES)
        assert oracle.log_likelihood(f, L, ridge) == pytest.approx(best, abs=1e-9)


def test_all_rows_as_landmarks_are_kernel_ridge_regression():
    data = np.random.default_rng(0).normal(size=(60, 3))
    Z = joined(blocks_of(as_table(data[:, :1]), who="test"))
    targets = np.cos(data[:, [2]] + data[:, [0]])
    K = sum(gaussian_kernel(Z, width) for width in (0.5, 1.0, 2.0)) / 3
    values, V = np.linalg.eigh(K)
    L = V * np.sqrt(np.maximum(values, 0))
    expected, _ = oracle.residuals(targets, L, RIDGES)
    assert LandmarkSmoother.of(Z, 60).residuals(targets).values == pytest.approx(expected, abs=1e-4)


def test_what_a_rotated_set_leaves_is_the_same():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(150, 2))
    Z = (Z - Z.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(Z.T, bias=True))).T
    Q = np.array([[0.6, -0.8], [0.8, 0.6]])
    targets = np.cos(Z @ [1.0, 1.0])[:, None] + 0.3 * rng.normal(size=(150, 2))
    left = [
        SetSmoother(joined(blocks_of(as_table(held), who="test")), 100).residuals(targets)
        for held in (Z, Z @ Q)
    ]
    assert left[0].values == pytest.approx(left[1].values, abs=1e-5)


def test_sampled_squares_are_all_of_them_for_few_rows():
    A, B = np.random.default_rng(0).normal(size=(2, 30, 4))
    U = (A @ A.T) * (B @ B.T)
    assert sampled_squares(A, B) == pytest.approx((U**2).sum() - (np.diag(U) ** 2).sum())


# --- the null distribution -----------------------------------------------------------------------


@pytest.mark.parametrize("with_functions", [False, True])
def test_p_values_have_the_moments_of_random_signs(with_functions):
    A, B, C = np.random.default_rng(3).normal(size=(3, 12, 2))
    found = judge_products(A, B, C if with_functions else None, 1.0)
    parts = [A, B, C] if with_functions else [A, B]
    products = np.array([np.ravel(np.multiply.outer(*rows[:2])) for rows in zip(*parts)])  # noqa: B905
    if with_functions:
        products = (products[:, :, None] * C[:, None, :]).reshape(12, -1)
    statistic = float(np.sum(products.sum(axis=0) ** 2))
    assert found.statistic == pytest.approx(statistic / 12)
    expected = oracle.shifted_gamma(statistic, *oracle.sign_moments(products))
    assert found.p_value == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("with_functions", [False, True])
def test_many_products_are_judged_as_few_are(with_functions, monkeypatch):
    A, B, C = np.random.default_rng(3).normal(size=(3, 300, 3))
    C = C if with_functions else None
    few = judge_products(A, B, C, 1.0)
    monkeypatch.setattr("causalkit.independence.rcot._MOST_PRODUCTS", 1)
    many = judge_products(A, B, C, 1.0)
    assert many.statistic == pytest.approx(few.statistic)
    assert many.p_value == pytest.approx(few.p_value, abs=0.02)  # a moment less


# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", QUICK, ids=repr)
@pytest.mark.parametrize("given", [(), ("z",), ("z", "g"), ("g",)])
def test_answers_do_not_depend_on_order_scale_or_library(test, given):
    frame = table_of()
    answer = test.test(frame, "x", "y", given)
    shuffled = frame[["g", "w", "z", "y", "x"]]
    assert test.test(shuffled, "x", "y", given[::-1]).p_value == pytest.approx(
        answer.p_value, rel=1e-6
    )
    assert test.test(frame, "y", "x", given).p_value == pytest.approx(answer.p_value, rel=1e-6)
    scaled = frame.assign(x=1e6 * frame["x"] - 5, z=-1e-3 * frame["z"])
    assert test.test(scaled, "x", "y", given).p_value == pytest.approx(answer.p_value, abs=1e-3)
    assert test.test(pl.from_pandas(frame), "x", "y", given) == answer


def test_bound_answers_do_not_depend_on_history_or_pickling():
    table = as_table(table_of())
    few = BoundNystrom(blocks_of(table, who="t"), n_landmarks=60)
    for bound in (*(test.bind(table) for test in QUICK), few):
        first = bound(0, 1, (2, 4))
        bound(3, 1, (2,))
        bound(0, 3, (2, 4))
        assert bound(1, 0, (4, 2)).p_value == pytest.approx(first.p_value, rel=1e-9)
        copy = pickle.loads(pickle.dumps(bound))
        assert copy(0, 1, (2, 4)) == first


def test_screen_says_what_single_tests_say():
    bound = RCoT().bind(as_table(table_of()))
    screen = bound.screen(0.05)
    for i in range(5):
        for j in range(i):
            assert screen.dependent[i, j] == (bound(i, j).p_value <= 0.05)


def test_groups_are_variables():
    frame = table_of()
    test = Grouped(RCoT(), {"xs": ["x", "w"]})
    assert test.test(frame, "xs", "y").p_value < 0.05
    assert 0 <= test.test(frame, "xs", "y", ("z", "g")).p_value <= 1


def test_pc_finds_a_nonlinear_chain():
    rng = np.random.default_rng(0)
    a = rng.normal(size=400)
    b = np.tanh(2 * a) + 0.4 * rng.normal(size=400)
    c = b**2 + 0.4 * rng.normal(size=400)
    found = PC(RCoT(), alpha=0.01).fit({"a": a, "b": b, "c": c})
    assert str(found.graph_) == "CPDAG with 3 nodes, 2 edges: a -- b; b -- c"


# --- hostile input -------------------------------------------------------------------------------


@pytest.mark.parametrize("test", TESTS, ids=repr)
def test_unusable_columns_are_named(test):
    frame = table_of(50)
    with pytest.raises(InputError, match="'k'"):
        test.test(frame.assign(k=1.0), "x", "k")
    with pytest.raises(InputError, match="missing"):
        test.test(frame.assign(x=frame["x"].where(frame["x"] > 0)), "x", "y")
    with pytest.raises(InputError, match="4 rows"):
        test.test(frame[:3], "x", "y")


@pytest.mark.parametrize("test", TESTS, ids=repr)
def test_extremes_have_answers(test):
    rng = np.random.default_rng(0)
    data = {
        0: 1e150 * rng.normal(size=60),
        1: rng.integers(0, 2, 60).astype(float),
        2: rng.standard_cauchy(60) ** 3,
        3: np.repeat([0.0, 1.0, 2.0], 20),
    }
    for given in ((), (2,), (2, 3)):
        assert 0 <= test.test(data, 0, 1, given).p_value <= 1
    tiny = {name: column[::12] for name, column in data.items()}
    assert 0 <= test.test(tiny, 0, 1, (2,)).p_value <= 1


def test_many_levels_and_copies():
    rng = np.random.default_rng(0)
    site = rng.integers(0, 120, 1000)
    frame = pd.DataFrame({"site": pd.Categorical(site), "x": rng.normal(size=120)[site]})
    frame["y"] = frame["x"] + rng.normal(size=1000)
    frame["noise"] = rng.normal(size=1000)
    assert RCoT().test(frame, "site", "y").p_value < 1e-6
    assert RCoT().test(frame, "site", "noise").p_value > 0.01
    with pytest.raises(NumericalError, match="determine"):
        RCoT().test(frame, "x", "y", "site")


# --- level and power -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("test", TESTS, ids=repr)
@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("design", ["nonlinear", "linear", "heavy-tailed"])
def test_true_independence_is_rejected_in_one_table_of_twenty(test, size, design):
    p = answers(test, design, 300, size, 400)
    assert 0.02 < np.mean(p < 0.05) < 0.085  # some three standard errors


def answers(test, design, n, size, n_tables, effect=None):
    tables = (as_table(draw(design, n, size, seed, effect)) for seed in range(n_tables))
    return np.array([test.bind(table)(0, 1, range(2, 2 + size)).p_value for table in tables])


def test_dependence_given_a_set_is_seen():
    for test, least in ((RCoT(), 0.7), (RCIT(), 0.7)):
        assert np.mean(answers(test, "nonlinear", 300, 1, 40, "linear") < 0.05) > least


def test_low_rank_agrees_with_more_rank():
    gaps = []
    for seed in range(12):
        blocks = blocks_of(as_table(draw("nonlinear", 300, 1, seed)), who="test")
        few, all_rows = BoundNystrom(blocks, n_landmarks=40), BoundNystrom(blocks, n_landmarks=300)
        gaps.append(abs(few(0, 1, (2,)).p_value - all_rows(0, 1, (2,)).p_value))
    assert np.median(gaps) < 0.02
    assert typical_width(blocks[0], 0.3) == 0.3


def with_levels(n_levels, n_each, seed):
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(n_levels), n_each)
    x, y = 1.5 * rng.normal(size=n_levels)[code] + rng.normal(size=(2, len(code)))
    level, z = pd.Categorical(code.astype(str)), rng.normal(size=len(code))
    return pd.DataFrame({"x": x, "y": y, "level": level, "z": z})


@pytest.mark.parametrize("test", TESTS, ids=repr)
def test_more_levels_than_landmarks_are_regressed_away(test):
    quick = type(test)(n_landmarks=40)
    p_values = [quick.test(with_levels(80, 8, k), "x", "y", "level").p_value for k in range(8)]
    assert min(p_values) > 1e-4


def test_levels_beside_numbers_have_means_of_their_own():
    frame = with_levels(80, 8, 0).drop(columns="y")
    x, level, z = blocks_of(as_table(frame), who="test")
    smoother = SetSmoother(joined([level, z]), 40)
    left = smoother.residuals(x.numbers).values[:, 0]
    means = np.bincount(level.cells, left) / 8
    within = frame["x"] - frame.groupby("level", observed=True)["x"].transform("mean")
    assert means.std() < 0.1
    assert np.corrcoef(left, within)[0, 1] > 0.95


def test_what_has_too_many_levels_cannot_be_tested():
    with pytest.raises(NumericalError, match="1001 combinations"):
        RCoT().test(with_levels(1001, 2, 0), "x", "y", "level")
    few_alike = blocks_of(as_table(with_levels(700, 4, 0)), who="test")
    with pytest.raises(NumericalError, match="share levels"):
        BoundNystrom(few_alike)(0, 1, (2, 3))


@pytest.mark.parametrize("test", TESTS, ids=repr)
def test_columns_of_a_set_may_come_in_any_order_to_the_last_digit(test):
    rng = np.random.default_rng(1)
    z, w, noise = rng.normal(size=(3, 100))
    data = {"x": z**2, "y": z + noise, "z": z, "w": w}  # z all but determines x
    answer = test.test(data, "x", "y", ("z", "w")).p_value
    turned = dict(reversed(data.items()))
    assert test.test(turned, "x", "y", ("w", "z")).p_value == pytest.approx(answer, abs=1e-9)


@pytest.mark.parametrize("test", [RCoT(), RCIT(), KCI(approximation="nystrom")])
@pytest.mark.parametrize("n", [200, 3000])
def test_a_copy_among_others_determines(test, n):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    with pytest.raises(NumericalError, match="determine"):
        test.test(frame.assign(copy=frame["a"]), "a", "b", given=["copy", "c", "d"])
    close = frame["a"] + 0.1 * rng.normal(size=n)
    assert test.test(frame.assign(close=close), "a", "b", given=["close", "c"]).p_value > 1e-3


@pytest.mark.parametrize("test", [RCoT(), KCI(approximation="nystrom")])
def test_a_curve_for_each_of_many_levels_is_regressed_away(test):
    """Half as many landmarks for all fifteen curves reject in most of these tables."""
    n, n_levels, rejected = 1500, 15, 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        level = np.tile(np.arange(n_levels), n // n_levels)
        z, e1, e2 = rng.normal(size=(3, n))
        curve = np.sin(rng.uniform(0.5, 2, n_levels)[level] * z + level)
        frame = pd.DataFrame({"x": curve + e1 / 2, "y": curve + e2 / 2, "z": z})
        frame["level"] = pd.Categorical(level.astype(str))
        rejected += test.test(frame, "x", "y", given=["z", "level"]).p_value < 0.05
    assert rejected <= 5
