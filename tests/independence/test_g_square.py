from __future__ import annotations

import json
import pickle
from dataclasses import FrozenInstanceError
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency, kstest

from causalkit._core.table import as_table
from causalkit.errors import InputError, NumericalError
from causalkit.independence.base import BoundTest
from causalkit.independence.g_square import ChiSquare, GSquare
from causalkit.independence.search import Level
from tests.oracles import discrete as oracles

TESTS = [
    (kind(freedom=freedom), {"pearson": kind is ChiSquare, "plain": freedom == "plain"})
    for kind in (GSquare, ChiSquare)
    for freedom in ("adjusted", "plain")
]
each_test = pytest.mark.parametrize(("test", "convention"), TESTS, ids=lambda v: str(v)[:30])


def bound_to(codes, test=None):
    frame = pd.DataFrame(codes).astype("category")
    return (test or GSquare()).bind(as_table(frame))


def by_rows(bound):
    """The same table, counted row by row whatever the set."""
    data = bound.data._replace(first=np.full_like(bound.data.first, -1))
    return type(bound)(data, bound.rules)


def asked(bound, i, j, given=()):
    try:
        return bound(i, j, given)
    except NumericalError:
        return None


# --- against counting by hand, other libraries, theory ----------------------------------------


@each_test
@pytest.mark.parametrize("seed", range(4))
def test_equals_counting_by_hand(test, convention, seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([30, 129, 700]))
    codes = oracles.categories(rng, n, rng.choice([2, 3, 5, 40], 7, p=[0.4, 0.4, 0.1, 0.1]))
    bound = bound_to(codes, test)
    n_tested = 0
    for size in (0, 0, 1, 1, 2, 2, 3, 4, 5):
        i, j, *rest = rng.permutation(7).tolist()
        expected = oracles.counts_test(codes, i, j, rest[:size], **convention)
        for way in (bound, by_rows(bound)):
            result = asked(way, i, j, rest[:size])
            assert (result is None) == (expected is None)
            if result is not None:
                assert result.statistic == pytest.approx(expected[0], rel=1e-9, abs=1e-9)
                assert result.p_value == pytest.approx(expected[2], rel=1e-8)
                assert result.n_used == n
                n_tested += 1
    assert n_tested > 0


def test_published_p_values_of_five_libraries(shared):
    arrays = np.load(shared / "ci_tests" / "arrays.npz")
    expected = json.loads((shared / "ci_tests" / "expected.json").read_text())
    conventions = {
        "bnlearn_mi": GSquare(freedom="plain"),
        "bnlearn_mi-adf": GSquare(),
        "bnlearn_x2": ChiSquare(freedom="plain"),
        "bnlearn_x2-adf": ChiSquare(),
    }
    others = {
        "causallearn_gsq_p": GSquare(),
        "causallearn_chisq_p": ChiSquare(),
        "pcalg_gSquareDis_p": GSquare(freedom="plain"),
        "scipy_g_p": GSquare(),
        "scipy_chi2_p": ChiSquare(),
    }
    name, n_differ = "disc_n150_binary", 0
    for case in expected["tests"][name]:
        where = case["x"], case["y"], case["S"]
        for label, test in conventions.items():
            result = bound_to(arrays[name], test)(*where)
            assert result.statistic == pytest.approx(case[f"{label}_stat"], abs=1e-6)
            assert result.p_value == pytest.approx(case[f"{label}_p"], abs=1e-6)
        for label, test in others.items():
            if label in case:
                p_value = bound_to(arrays[name], test)(*where).p_value
                assert p_value == pytest.approx(case[label], abs=1e-6)
        n_differ += case["bnlearn_mi_df"] != case["bnlearn_mi-adf_df"]
    assert n_differ > 0  # else the two conventions were not told apart


@pytest.mark.parametrize(("test", "scipys"), [(GSquare(), "log-likelihood"), (ChiSquare(), None)])
def test_agrees_with_scipy(test, scipys):
    rng = np.random.default_rng(0)
    for _ in range(20):
        codes = oracles.categories(rng, 400, rng.integers(2, 7, 2))
        table = pd.crosstab(codes[:, 0], codes[:, 1])
        theirs = chi2_contingency(table, correction=False, lambda_=scipys)
        ours = bound_to(codes, test)(0, 1)
        assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)
        assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)


@pytest.mark.parametrize(("test", "name"), [(GSquare(), "gsq"), (ChiSquare(), "chisq")])
def test_agrees_with_causal_learn(test, name):
    from causallearn.utils.cit import CIT

    rng = np.random.default_rng(1)
    codes = oracles.categories(rng, 500, [2, 3, 2, 4, 3, 2, 3])
    peer, bound, n_tested = CIT(codes, name), bound_to(codes, test), 0
    for _ in range(150):
        i, j, *others = rng.permutation(7).tolist()
        given = others[: rng.integers(0, 5)]
        result = asked(bound, i, j, given)
        if result is not None:
            assert result.p_value == pytest.approx(peer(i, j, given), abs=1e-9)
            n_tested += 1
    assert n_tested > 100


def test_the_tail_of_the_chi_square_distribution():
    from causalkit.independence._chi_square_kernels import chi_square_tail

    rng = np.random.default_rng(0)
    for freedom in (1, 2, 3, 4, 5, 7, 10, 39, 40, 41, 100, 1001, 10_000):
        for x in freedom * np.exp(rng.normal(0, 3 / np.sqrt(freedom), 60)):
            assert chi_square_tail(x, freedom) == pytest.approx(chi2.sf(x, freedom), rel=1e-10)
    for freedom, x in [(1, 1300.0), (2, 1400.0), (3, 1300.0), (50, 1500.0), (501, 2500.0)]:
        assert 0 < chi2.sf(x, freedom) < 1e-200
        assert chi_square_tail(x, freedom) == pytest.approx(chi2.sf(x, freedom), rel=1e-9)
    assert chi_square_tail(0.0, 3) == 1.0
    assert chi_square_tail(1e5, 3) == 0.0
    assert chi_square_tail(3.0, 10**12) == 1.0


@pytest.mark.parametrize("kind", [GSquare, ChiSquare])
@pytest.mark.parametrize("size", [0, 1, 2])
def test_p_values_are_uniform_under_independence(kind, size):
    rng = np.random.default_rng(size)
    p_values = []
    for _ in range(600):
        given = rng.integers(0, 2, (900, size))
        shift = given.sum(axis=1)
        x, y = (rng.random(900) < 0.3 + 0.2 * shift), (rng.random(900) < 0.6 - 0.2 * shift)
        columns = np.column_stack([x, y, given]).astype(float)
        p_values.append(kind().bind(as_table(columns))(0, 1, range(2, 2 + size)).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01


@pytest.mark.slow
def test_in_thin_tables_g_square_rejects_too_often_and_pearson_hardly():
    """The figures in the notes of GSquare."""
    rng = np.random.default_rng(0)
    tests = [kind(min_per_cell=0.01) for kind in (GSquare, ChiSquare)]
    share = {}
    for per_cell in (1, 5):
        rejected = np.zeros(2)
        for _ in range(1500):
            n = 9 * 9 * per_cell
            frame = as_table(rng.integers(0, [3, 3, 9], (n, 3)).astype(float))
            rejected += [test.bind(frame)(0, 1, [2]).p_value < 0.05 for test in tests]
        share[per_cell] = rejected / 1500
    assert share[1][0] > 0.25
    assert 0.07 < share[5][0] < 0.17
    assert share[1][1] < 0.16
    assert 0.03 < share[5][1] < 0.08


@each_test
def test_dependence_is_found_and_what_explains_it_removes_it(test, convention):
    rng = np.random.default_rng(3)
    cause = rng.integers(0, 3, 3000)
    x, y = (np.where(rng.random(3000) < 0.5, cause, rng.integers(0, 3, 3000)) for _ in range(2))
    data = pd.DataFrame({"x": x, "y": y, "cause": cause})
    assert test.test(data, "x", "y").p_value < 1e-20
    assert test.test(data, "x", "y", given="cause").p_value > 0.01


def test_tiny_p_values_keep_their_order():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 1500)
    flip = rng.random(1500)
    codes = np.column_stack([x, np.where(flip < 0.3, 1 - x, x), np.where(flip < 0.2, 1 - x, x)])
    bound = bound_to(codes)
    assert 0 < bound(0, 2).p_value < bound(0, 1).p_value < 1e-30


# --- laws -------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_symmetric_and_free_of_the_order_of_rows_columns_and_levels(seed):
    rng = np.random.default_rng(seed)
    codes = oracles.categories(rng, 200, rng.integers(2, 5, 5))
    i, j, *rest = rng.permutation(5).tolist()
    given = rest[: rng.integers(0, 3)]
    before = asked(bound_to(codes), i, j, given)
    assert asked(bound_to(codes), j, i, given) == before
    renamed = np.column_stack([rng.permutation(9)[column] for column in codes.T])
    after = asked(bound_to(rng.permutation(renamed)), i, j, given[::-1])
    assert (before is None) == (after is None)
    if before is not None:
        assert after.statistic == pytest.approx(before.statistic, abs=1e-9)
        assert after.p_value == pytest.approx(before.p_value, rel=1e-9)


def test_repeated_rows_multiply_the_statistic():
    codes = oracles.categories(np.random.default_rng(5), 300, [2, 3, 2])
    for test in (GSquare(), ChiSquare()):
        once, thrice = bound_to(codes, test), bound_to(np.repeat(codes, 3, axis=0), test)
        assert thrice(0, 1, [2]).statistic == pytest.approx(3 * once(0, 1, [2]).statistic)


def test_frames_arrays_and_kinds_of_columns_agree():
    codes = oracles.categories(np.random.default_rng(1), 400, [2, 3, 2])
    words = pd.DataFrame(
        {
            "a": codes[:, 0].astype(bool),
            "b": pd.Categorical.from_codes(codes[:, 1], ["low", "mid", "high"], ordered=True),
            "c": pd.Categorical.from_codes(codes[:, 2], ["no", "yes", "never seen"]),
        }
    )
    answers = {
        GSquare().test(codes, "x0", "x1", given="x2").p_value,
        GSquare().test(codes * 7 - 3, "x0", "x1", given="x2").p_value,
        GSquare().test(codes / 4 + 0.1, "x0", "x1", given="x2").p_value,
        GSquare().test(np.where(codes, codes, -1e300), "x0", "x1", given="x2").p_value,
        GSquare().test(pd.DataFrame(codes), 0, 1, given=2).p_value,
        GSquare().test(words, "a", "b", given="c").p_value,
        GSquare().test(pl.from_pandas(words), "a", "b", given="c").p_value,
        GSquare()
        .test(
            pl.DataFrame(codes.astype(str), schema=["a", "b", "c"]).cast(pl.Categorical),
            "a",
            "b",
            given=["c"],
        )
        .p_value,
    }
    assert max(answers) - min(answers) < 1e-12


def test_the_table_is_not_touched():
    codes = oracles.categories(np.random.default_rng(1), 100, [2, 3, 2])
    before = codes.copy()
    GSquare().bind(as_table(codes)).screen(0.05)
    assert (codes == before).all()


# --- the hot questions: compiled answers are those of the plain versions ------------------------


def random_level(rng, p, order):
    joined = np.triu(rng.random((p, p)) < 0.7, 1)
    joined |= joined.T
    strength = rng.integers(0, 6, (p, p)).astype(float)  # ties
    strength = np.maximum(strength, strength.T)
    rows, candidates = np.nonzero(joined)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=p))]).astype(np.intp)
    return Level(order, np.argwhere(np.triu(joined)), starts, candidates, strength)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
@pytest.mark.parametrize("seed", range(6))
def test_a_level_is_answered_as_one_question_after_the_other(seed, order):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([60, 400, 2000]))
    codes = oracles.categories(rng, n, rng.choice([2, 3, 4, 40], 7, p=[0.4, 0.3, 0.2, 0.1]))
    codes = np.column_stack([codes, codes[:, 0], codes[:, 1] > 0])  # determined columns
    bound = bound_to(codes, TESTS[seed % 4][0])
    level, alpha = random_level(rng, codes.shape[1], order), 0.05
    ours, plain = bound.separate(level, alpha), BoundTest.separate(bound, level, alpha)
    assert (ours.n_tests, ours.n_untestable) == (plain.n_tests, plain.n_untestable)
    for column in ("separated", "given", "statistic", "p_value", "n_used"):
        np.testing.assert_array_equal(getattr(ours, column), getattr(plain, column))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fewest", [0.01, 1.0])
def test_rows_that_are_packed_count_as_often_as_they_occur(seed, fewest):
    """Many sets from one pool, where rows repeat; each set asked alone is never packed."""
    rng = np.random.default_rng(seed)
    codes = oracles.categories(rng, 1500, [3, 3, 2, 3, 4, 2, 3, 40])
    bound = by_rows(bound_to(codes, GSquare(min_per_cell=fewest)))
    for order in range(5):
        for pool in (range(2, 7), range(2, 8)):
            ours = bound.first_separator(1, 0, pool, order, 2.0)
            assert ours == BoundTest.first_separator(bound, 1, 0, pool, order, 2.0)
            subsets = list(combinations(pool, order))
            sets = np.array(subsets, dtype=np.intp).reshape(len(subsets), order)
            for ours, plain in zip(
                bound.given_each(1, 0, sets), BoundTest.given_each(bound, 1, 0, sets), strict=True
            ):
                np.testing.assert_array_equal(ours, plain)


@pytest.mark.parametrize("order", range(4))
@pytest.mark.parametrize("test", [GSquare(), ChiSquare(freedom="plain", min_per_cell=2.0)])
def test_pairs_with_sets_of_their_own(test, order):
    rng = np.random.default_rng(order)
    bound = bound_to(oracles.categories(rng, 700, [3, 3, 2, 3, 4, 2, 3, 40]), test)
    asked = np.array([rng.permutation(8)[: 2 + order] for _ in range(60)], dtype=np.intp)
    for ours, plain in zip(
        bound.given_own(asked[:, :2], asked[:, 2:]),
        BoundTest.given_own(bound, asked[:, :2], asked[:, 2:]),
        strict=True,
    ):
        np.testing.assert_allclose(ours, plain, rtol=1e-9, atol=1e-12)
    nothing = bound.given_own(asked[:0, :2], asked[:0, 2:])
    assert [len(part) for part in nothing] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(10))
def test_first_separator_asks_in_order_and_stops(seed):
    rng = np.random.default_rng(seed)
    bound = bound_to(oracles.categories(rng, 300, rng.integers(2, 4, 8)))
    i, j, *pool = rng.permutation(8).tolist()
    for order in range(5):
        known = frozenset(rng.permutation(pool)[:3].tolist())
        for old in ((), known):
            ours = bound.first_separator(i, j, pool, order, 0.1, asked=old)
            plain = BoundTest.first_separator(bound, i, j, pool, order, 0.1, asked=old)
            assert ours == plain


@pytest.mark.parametrize("seed", range(4))
def test_the_screen_is_all_marginal_tests(seed):
    rng = np.random.default_rng(seed)
    codes = oracles.categories(rng, 800, rng.integers(2, 5, 9))
    bound = bound_to(codes)
    screen = bound.screen(0.05)
    pairs = np.argwhere(np.triu(np.ones((9, 9)), 1))
    statistic, p_value = bound.marginals(pairs)
    plain = BoundTest.marginals(bound, pairs)
    np.testing.assert_array_equal(statistic, plain[0])
    np.testing.assert_array_equal(p_value, plain[1])
    i, j = pairs.T
    np.testing.assert_array_equal(screen.dependent[i, j], p_value <= 0.05)
    assert (screen.dependent == screen.dependent.T).all()
    assert (screen.strength == screen.strength.T).all()
    assert not screen.dependent.diagonal().any()
    assert screen.n_tests == len(pairs)
    by_strength = np.argsort(-screen.strength[i, j])
    assert (np.diff(p_value[by_strength]) >= 0).all()


def test_no_screen_where_a_pair_cannot_be_tested():
    rng = np.random.default_rng(0)
    codes = np.column_stack([np.arange(60) % 30, np.arange(60) // 2, rng.integers(0, 2, 60)])
    bound = bound_to(codes)
    assert bound.screen(0.05) is None
    assert np.isnan(bound.marginals(np.array([[0, 1], [0, 2]]))[1]).tolist() == [True, False]


# --- what cannot be tested ----------------------------------------------------------------------


def test_a_set_that_determines_a_variable_says_nothing():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, (2, 400))
    codes = np.column_stack([a, b, a | b, a])
    bound = bound_to(codes)
    assert bound(0, 1).p_value > 0.001
    for i, j, chosen in [(2, 0, [3]), (0, 3, [3]), (1, 2, [0, 1]), (0, 1, [3])]:
        with pytest.raises(NumericalError, match="determines"):
            bound(i, j, chosen)
        search = bound.first_separator(i, j, chosen, len(chosen), 0.05)
        assert (search.separated, search.result) == (False, None)
        assert (search.n_tests, search.n_untestable) == (0, 1)
    # Given either cause the other is still open in one stratum.
    assert bound(1, 2, [0]).p_value < 1e-9


def test_too_few_rows_a_cell():
    codes = np.column_stack([np.arange(48) % 2, np.arange(48) // 2 % 2, np.arange(48) % 12])
    test = GSquare(min_per_cell=1.0)
    with pytest.raises(NumericalError, match="12 strata of 2 x 2 cells"):
        bound_to(codes[:47], test)(0, 1, [2])
    codes = np.column_stack([codes[:, :2], np.arange(48) // 4])  # every cell holds one row
    assert bound_to(codes, test)(0, 1, [2]).statistic == pytest.approx(0, abs=1e-9)
    with pytest.raises(NumericalError, match=r"1\.01 row"):
        bound_to(codes, GSquare(min_per_cell=1.01))(0, 1, [2])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.01, 0.5, 1.0, 2.0, 5.0]))
def test_what_is_tested_follows_the_rule(seed, fewest):
    rng = np.random.default_rng(seed)
    codes = oracles.categories(rng, 80, rng.integers(2, 5, 5))
    i, j, *given = rng.permutation(5).tolist()
    for size in range(4):
        theirs = oracles.counts_test(codes, i, j, given[:size], min_per_cell=fewest)
        ours = asked(bound_to(codes, GSquare(min_per_cell=fewest)), i, j, given[:size])
        assert (ours is None) == (theirs is None)


def test_many_levels_and_many_columns_fit_in_memory():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 200, (3000, 12))
    bound = bound_to(codes)
    with pytest.raises(NumericalError, match="200 x 200 cells"):
        bound(0, 1)
    with pytest.raises(NumericalError, match="strata of 200 x 200 cells"):
        bound(0, 1, range(2, 12))
    codes[:, :2] %= 2
    wide = bound_to(codes, GSquare(min_per_cell=0.01))
    expected = oracles.counts_test(codes, 0, 1, [5], min_per_cell=0.01)
    assert wide(0, 1, [5]).p_value == pytest.approx(expected[2], rel=1e-8)
    with pytest.raises(NumericalError):  # every row is a stratum of its own
        wide(0, 1, range(2, 12))


GOOD = {"a": [0, 1, 1, 0, 1, 0], "b": [1, 1, 0, 0, 1, 0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": [1, 1, 1, 1, 1, 1]}, "'b' hold one value"),
        ({"b": [1.0, np.nan, 0.0, 0.0, 1.0, 1.0]}, "'b' .1.; GSquare needs complete"),
        ({"b": pd.Series(list("xyzxyz"), dtype=object)}, "'b' holds text"),
        ({"b": pd.Categorical(list("xxxxxx"), categories=["x", "y"])}, "'b' hold one value"),
    ],
)
def test_unusable_columns_are_named(change, message):
    with pytest.raises(InputError, match=message):
        GSquare().test(GOOD | change, "a", "b")


def test_continuous_columns_are_refused():
    rng = np.random.default_rng(0)
    flag = rng.integers(0, 2, 200)
    message = "'x' holds 200 different numbers; ChiSquare expects categories"
    with pytest.raises(InputError, match=message):
        ChiSquare().test({"x": rng.normal(size=200), "y": flag}, "x", "y")
    ages = np.arange(200) % 51
    with pytest.raises(InputError, match="51 different numbers"):
        GSquare().test({"x": ages, "y": flag}, "x", "y")
    assert GSquare().test({"x": ages % 50, "y": flag}, "x", "y").n_used == 200
    assert GSquare().test({"x": pd.Categorical(ages), "y": flag}, "x", "y").n_used == 200
    with pytest.raises(InputError, match="11 different numbers"):
        GSquare().test({"x": ages % 11 / 2, "y": flag}, "x", "y")
    with pytest.raises(InputError, match="200 different numbers"):
        GSquare().test({"x": np.linspace(-1.7, 1.7, 200) * 1e308, "y": flag}, "x", "y")


def test_tiny_tables():
    with pytest.raises(InputError, match="one value"):
        GSquare().test({"a": [1], "b": [0]}, "a", "b")
    with pytest.raises(NumericalError, match="2 rows are too few"):
        GSquare().test({"a": [1, 0], "b": [0, 1]}, "a", "b")
    result = GSquare().test({"a": [1, 0, 1, 0], "b": [0, 1, 0, 1]}, "a", "b")
    assert result.statistic == pytest.approx(8 * np.log(2))


@pytest.mark.parametrize("kind", [GSquare, ChiSquare])
def test_settings_are_checked(kind):
    for wrong in (0, -1.0, np.nan, np.inf, "1", True, None):
        with pytest.raises(InputError, match="min_per_cell="):
            kind(min_per_cell=wrong)
    for wrong in ("Adjusted", None, 1):
        with pytest.raises(InputError, match="freedom="):
            kind(freedom=wrong)


def test_is_a_value():
    assert GSquare() == GSquare(freedom="adjusted", min_per_cell=1.0)
    assert GSquare() != ChiSquare()
    assert hash(GSquare()) == hash(GSquare())
    with pytest.raises(FrozenInstanceError):
        GSquare().freedom = "plain"
    bound = bound_to(oracles.categories(np.random.default_rng(0), 90, [2, 2, 3]))
    assert pickle.loads(pickle.dumps(bound))(0, 1, [2]) == bound(0, 1, [2])
