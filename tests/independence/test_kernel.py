"""HSIC and KCI: laws, peers, level, power, and hostile tables."""

from __future__ import annotations

import contextlib
import pickle

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
from causalkit.independence import Grouped
from causalkit.independence.kernel import HSIC, KCI
from causalkit.independence.rcot import RCIT
from tests.independence.designs import category, quick_table, weak_mixed_frame
from tests.oracles import kernels as oracles

TESTS = {
    "likelihood": KCI(approximation="exact"),
    "spectral": KCI(null="spectral"),
    "published": KCI(width=0.7, ridge=1e-3),
}
every_test = pytest.mark.parametrize("test", TESTS.values(), ids=TESTS.keys())
each_null = pytest.mark.parametrize("null", ["gamma", "spectral", "permutation"])


def waves(rng: np.random.Generator, n: int, size: int, effect: float = 0.0) -> np.ndarray:
    """X and Y follow waves in the sum of Z; Y also the noise of X."""
    Z = rng.normal(size=(n, max(size, 2)))
    s, t = (Z[:, 0], Z[:, 1]) if size == 0 else (Z[:, :size].sum(axis=1) / np.sqrt(size),) * 2
    e1, e2 = rng.normal(size=(2, n))
    X, Y = np.sin(1.5 * s) + 0.5 * e1, np.cos(1.5 * t) + 0.5 * e2 + effect * e1
    return np.column_stack([X, Y, Z[:, :size]])


# --- oracles and peers -------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("width", [0.4, 1.5])
def test_the_published_test_is_that_of_whole_matrices(size, width):
    data = waves(np.random.default_rng(size), 60, size, 0.3)
    x, y, Z = data[:, 0], data[:, 1], data[:, 2:]
    found = KCI(width=width, ridge=1e-3).bind(as_table(data))(0, 1, range(2, 2 + size)).p_value
    expected = [oracles.published_kci(*pair, Z, width, 1e-3) for pair in ((x, y), (y, x))]
    assert min(abs(found - p) for p in expected) < 1e-6


def test_published_p_values_are_those_of_causal_learn():
    from causallearn.utils.cit import CIT

    gaps = []
    for seed in range(10):
        data = waves(np.random.default_rng(seed), 150, 1, 0.2 * (seed % 2))
        width = {"kwidthx": 0.7, "kwidthy": 0.7, "kwidthz": 0.7}
        theirs = [
            float(CIT(data[:, order], "kci", est_width="manual", **width)(0, 1, [2]))
            for order in ([0, 1, 2], [1, 0, 2])  # which of the two is put together with z
        ]
        ours = KCI(width=0.7, ridge=1e-3).bind(as_table(data))(0, 1, (2,)).p_value
        gaps.append(min(abs(ours - p) for p in theirs))
    assert np.median(gaps) < 0.002
    assert max(gaps) < 0.02


def test_hsic_is_the_trace_of_a_product():
    x, y = waves(np.random.default_rng(0), 80, 0, 0.5).T
    K, L = (
        oracles.centred(oracles.gaussian((v[:, None] - v.mean()) / v.std(), 0.8)) for v in (x, y)
    )
    found = HSIC(width=0.8).test({"x": x, "y": y}, "x", "y")
    assert found.statistic == pytest.approx(np.trace(K @ L) / 80, rel=1e-6)
    rng = np.random.default_rng(1)
    drawn = []
    for _ in range(2000):
        p = rng.permutation(80)
        drawn.append(np.sum(K * L[np.ix_(p, p)]) / 80)
    by_hand = np.mean(np.array(drawn) >= found.statistic)
    for null in ("gamma", "spectral", "permutation"):
        test = HSIC(width=0.8, null=null, n_permutations=999)
        # The gamma is meant for tails; in the middle it is off by a few percent.
        assert test.test({"x": x, "y": y}, "x", "y").p_value == pytest.approx(by_hand, abs=0.04)


# --- laws --------------------------------------------------------------------------------------


@every_test
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), unit=st.sampled_from([1e-290, 1.0, 1e290]))
def test_order_and_units_say_nothing(test, seed, unit):
    rng = np.random.default_rng(seed)
    frame = weak_mixed_frame(rng, 80)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    chosen = rest[: rng.integers(0, 3)]
    before = test.test(frame, x, y, chosen)
    assert 0 <= before.p_value <= 1
    other = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
    for name in ("n0", "n1", "n2"):
        other[name] *= unit * rng.choice([-1, 1])
    after = test.test(other, y, x, chosen[::-1])
    assert after.p_value == pytest.approx(before.p_value, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("test", [*TESTS.values(), HSIC(), HSIC(null="permutation")], ids=str)
def test_is_a_value_and_travels(test):
    assert eval(repr(test)) == test
    assert hash(pickle.loads(pickle.dumps(test))) == hash(test)
    bound = test.bind(as_table(waves(np.random.default_rng(0), 60, 2)))
    given_ = () if isinstance(test, HSIC) else (2, 3)
    answer = bound(0, 1, given_)
    size = len(pickle.dumps(bound))
    assert pickle.loads(pickle.dumps(bound))(0, 1, given_) == answer == bound(0, 1, given_)
    bound(0, 1, given_[:1])
    assert len(pickle.dumps(bound)) == size  # what is remembered does not travel


def test_containers_agree():
    frame = weak_mixed_frame(np.random.default_rng(3), 60)
    expected = KCI().test(frame, "n0", "n1", ["c1", "n2"])
    assert KCI().test(pl.from_pandas(frame), "n0", "n1", ["c1", "n2"]) == expected
    assert KCI().test(frame.to_dict("series"), "n0", "n1", ["n2", "c1"]) == expected
    numbered = frame.set_axis(range(6), axis=1)
    assert KCI().test(numbered, 0, 1, [4, 2]) == expected


@pytest.mark.parametrize("test", [HSIC(), KCI(), HSIC(null="spectral")], ids=str)
def test_the_screen_asks_about_all_pairs(test):
    frame = weak_mixed_frame(np.random.default_rng(1), 100)
    frame["copy"] = frame["n0"]
    bound = test.bind(as_table(frame))
    screen = bound.screen(0.1)
    if screen is None:
        assert test.null != "gamma"
        return
    pairs = np.argwhere(np.triu(np.ones((7, 7)), 1))
    p_value = np.array([bound(i, j).p_value for i, j in pairs.tolist()])
    rows, columns = pairs.T
    assert (screen.dependent[rows, columns] == (p_value <= 0.1)).all()
    assert (screen.dependent == screen.dependent.T).all()
    assert not screen.dependent.diagonal().any()
    assert (np.diff(p_value[np.argsort(-screen.strength[rows, columns])]) >= -1e-9).all()
    assert screen.n_tests == len(pairs)


def test_columns_of_one_variable_have_one_kernel():
    rng = np.random.default_rng(0)
    a, b, e = rng.normal(size=(3, 200))
    frame = pd.DataFrame({"a": a, "b": b, "y": a * b + 0.5 * e})  # each alone says little
    test = Grouped(KCI(), {"both": ["a", "b"]})
    assert test.test(frame, "both", "y").p_value < 1e-6
    assert test.nodes(("a", "y", "b")) == ("both", "y")


# --- level and power ---------------------------------------------------------------------------


@each_null
def test_hsic_is_uniform_under_independence(null):
    rng = np.random.default_rng(0)
    test = HSIC(null=null, n_permutations=99)
    p_values = [test.bind(quick_table(x=x, y=y))(0, 1).p_value for x, y in _pairs(rng, 250)]
    assert kstest(p_values, "uniform").pvalue > 0.002


def _pairs(rng, n_tables):
    return ((rng.exponential(size=60), rng.integers(3, size=60)) for _ in range(n_tables))


@pytest.mark.parametrize("size", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_kci_is_uniform_under_conditional_independence(size):
    rng = np.random.default_rng(size)
    test = KCI()
    p_values = [
        test.bind(as_table(waves(rng, 150, size)))(0, 1, range(2, 2 + size)).p_value
        for _ in range(120)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.002


def test_kci_is_uniform_given_a_category():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(120):
        c, z = rng.integers(4, size=120), rng.normal(size=120)
        x, y = np.sin(2 * z) + c + 0.5 * rng.normal(size=(2, 120))
        p_values.append(KCI().bind(quick_table(x=x, y=y, z=z, c=c))(0, 1, (2, 3)).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.002


@pytest.mark.slow
@pytest.mark.parametrize("n", [300, 1000])
@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("design", ["nonlinear", "linear", "heavy-tailed"])
def test_kci_rejects_five_percent_of_true_independences(design, size, n):
    from benchmarks.designs import draw

    test = KCI(approximation="exact")
    p_values = np.array([
        test.bind(as_table(draw(design, n, size, seed)))(0, 1, range(2, 2 + size)).p_value
        for seed in range(1000)
    ])  # fmt: skip
    # 3.5 to 6.5 % with a Monte Carlo error of 0.7 % on either side
    assert 0.028 < np.mean(p_values < 0.05) < 0.072


@pytest.mark.slow
def test_kci_finds_at_least_what_causal_learn_finds():
    from causallearn.utils.cit import CIT

    from benchmarks.designs import draw

    for effect in ("linear", "quadratic"):
        tables = [draw("nonlinear", 300, 1, seed, effect) for seed in range(100)]
        ours = np.mean([KCI().bind(as_table(t))(0, 1, (2,)).p_value < 0.05 for t in tables])
        theirs = np.mean([float(CIT(t, "kci")(0, 1, [2])) < 0.05 for t in tables])
        assert ours > theirs - 0.03


def test_a_covariance_that_changes_its_sign_is_found():
    rng = np.random.default_rng(0)
    x, z, e = rng.normal(size=(3, 300))
    data = {"x": x, "y": z * x + e, "z": z}  # the average covariance is zero
    assert KCI().test(data, "x", "y", "z").p_value < 1e-3


def test_the_bound_test_says_what_it_rests_on():
    few, many = (waves(np.random.default_rng(0), n, 1, 0.3) for n in (300, 301))
    assert KCI().bind(as_table(few)).approximation == "exact"
    assert KCI().bind(as_table(many)).approximation == "nystrom"
    assert KCI(approximation="exact").bind(as_table(many)).approximation == "exact"
    assert KCI(ridge=1e-3).bind(as_table(many)).approximation == "exact"
    assert KCI(approximation="nystrom").bind(as_table(few)).approximation == "nystrom"
    bound = KCI(approximation="features").bind(as_table(few))
    assert bound.approximation == "features"
    assert bound(0, 1, [2]) == RCIT().bind(as_table(few))(0, 1, [2])


@pytest.mark.parametrize("setting", [{"ridge": 1e-3}, {"null": "spectral"}, {"width": 0.5}])
def test_features_have_no_other_settings(setting):
    with pytest.raises(InputError, match="features"):
        KCI(approximation="features", **setting)


def test_landmarks_have_ridges_of_their_own():
    with pytest.raises(InputError, match="nystrom"):
        KCI(approximation="nystrom", ridge=1e-3)


@pytest.mark.parametrize("approximation", ["exact", "nystrom"])
def test_given_an_identifier_nothing_is_said(approximation):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(80, 2)), columns=["x", "y"])
    frame["id"] = pd.Categorical([f"row {k}" for k in range(80)])
    with pytest.raises(NumericalError):
        KCI(approximation=approximation).test(frame, "x", "y", given="id")


# --- in an algorithm ---------------------------------------------------------------------------


def test_pc_learns_a_graph_of_curves():
    rng = np.random.default_rng(1)
    a, b, e, f = rng.normal(size=(4, 300))
    frame = pd.DataFrame({"a": a, "b": b, "c": np.abs(a) + np.cos(b) + 0.3 * e})
    frame["d"] = np.tanh(frame["c"]) + 0.3 * f
    pc = PC(KCI(), alpha=0.01).fit(frame)
    assert str(pc.graph_) == "CPDAG with 4 nodes, 3 edges: a -> c; b -> c; c -> d"
    assert PC(KCI(), alpha=0.01, n_jobs=2).fit(frame).graph_ == pc.graph_


# --- hostile input -----------------------------------------------------------------------------

GOOD = {"a": [1.0, 2.0, 4.0, 3.0, 0.0, 2.5], "b": [0.0, 1.0, 1.0, 5.0, 2.0, 2.0]}


@pytest.mark.parametrize("test", [HSIC(), KCI()], ids=str)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": [1.0] * 6}, "'b' hold one value"),
        ({"b": [1.0, np.nan, 1.0, 0.0, 1.0, 2.0]}, "'b' .1."),
        ({"b": pd.Series(list("xyzxyz"), dtype=object)}, "'b' holds text"),
    ],
)
def test_unusable_columns_are_named(test, change, message):
    with pytest.raises(InputError, match=message):
        test.test(GOOD | change, "a", "b")


def test_hsic_does_not_condition():
    with pytest.raises(InputError, match=r"condition.*KCI"):
        HSIC().test({**GOOD, "c": GOOD["a"][::-1]}, "a", "b", "c")


@pytest.mark.parametrize(
    "setting",
    [
        {"width": 0.0},
        {"width": "mean"},
        {"ridge": -1.0},
        {"ridge": "gcv"},
        {"null": "normal"},
        {"approximation": "best"},
    ],
)
def test_unusable_settings_are_refused(setting):
    with pytest.raises(InputError, match=next(iter(setting))):
        KCI(**setting)


@every_test
def test_a_copy_is_certain_and_leaves_nothing_to_ask(test):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(waves(rng, 120, 1), columns=list("abz"))
    frame["copy"] = 2 * frame["a"] - 1
    assert test.test(frame, "a", "copy").p_value < 1e-12
    with pytest.raises(NumericalError, match="determine"):
        test.test(frame, "a", "b", "copy")


@every_test
def test_tiny_tables_ties_rare_levels_and_names(test):
    rng = np.random.default_rng(0)
    assert 0 <= test.test({k: v[:4] for k, v in GOOD.items()}, "a", "b").p_value <= 1
    wide = as_table(rng.normal(size=(6, 9)))
    assert 0 <= test.bind(wide)(0, 1, (2, 3)).p_value <= 1
    ties = pd.DataFrame(rng.integers(0, 2, size=(80, 3)).astype(float), columns=list("abc"))
    assert 0 <= test.test(ties, "a", "b", "c").p_value <= 1
    rare = np.zeros(60, dtype=int)
    rare[0] = 1
    frame = pd.DataFrame({"x": rng.normal(size=60), "rare": category(rare)})
    frame["names"] = pd.Categorical([f"person {k}" for k in range(60)])
    frame["y"] = rng.normal(size=60)
    assert 0 < test.test(frame, "x", "rare").p_value <= 1
    assert 0 <= test.test(frame, "x", "y", "rare").p_value <= 1
    with contextlib.suppress(NumericalError):  # names may be found to determine everything
        assert 0 <= test.test(frame, "x", "y", "names").p_value <= 1


def test_outliers_do_not_decide():
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 200))
    x[:2], y[:2] = 1e8, 1e8
    assert 0 <= KCI().test({"x": x, "y": y, "z": z}, "x", "y", "z").p_value <= 1


def test_a_category_with_one_row_a_level_says_nothing():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.normal(size=60), "y": rng.normal(size=60), "id": pd.Categorical(range(60))}
    )
    for test in (KCI(), HSIC()):
        assert test.test(frame, "id", "x").p_value > 0.05  # and no NaN
