"""Weights, clusters and groups: what equal ones change (nothing), and whether the level holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.errors import CausalkitWarning, InputError, NumericalError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.independence import (
    HSIC,
    KCI,
    RCIT,
    FisherZ,
    MultipleImputation,
    RCoT,
    TestwiseDeletion,
)
from causalkit.independence.composed import Clustered, Weighted
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.grouped import Grouped
from causalkit.independence.partial_correlation import PartialCorrelation
from causalkit.independence.rank import RankZ
from causalkit.independence.robust import RobustZ
from tests.independence.designs import LINEAR, numeric_frame, quick_table, weak_mixed_frame
from tests.oracles import linear_tests as oracles

every_linear = pytest.mark.parametrize("inner", LINEAR.values(), ids=LINEAR.keys())


# --- weights -----------------------------------------------------------------------------------


@every_linear
def test_equal_weights_change_nothing(inner):
    frame = numeric_frame(np.random.default_rng(0))
    weighted = Weighted(inner, "w").test(frame.assign(w=7.3), "a", "b", ["c"])
    plain = inner.test(frame, "a", "b", ["c"])
    assert weighted.p_value == pytest.approx(plain.p_value, rel=1e-9)
    assert weighted.statistic == pytest.approx(plain.statistic, rel=1e-9)


@every_linear
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_weights_of_zero_leave_rows_out_and_units_do_not_matter(inner, seed):
    rng = np.random.default_rng(seed)
    frame = numeric_frame(rng, 40)
    w = rng.integers(0, 3, 40) * rng.uniform(0.5, 1, 40)
    test = Weighted(inner, "w")
    one = test.test(frame.assign(w=w), "a", "b", ["c", "d"])
    two = test.test(frame.assign(w=w * 1e-200)[w > 0], "b", "a", ["d", "c"])
    assert one.p_value == pytest.approx(two.p_value, rel=1e-6)
    assert one.n_used == (w > 0).sum()


def test_weights_restore_the_population():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 20_000))
    kept = rng.random(20_000) < 1 / (1 + np.exp(2 * (x + y)))  # selected on the sum
    frame = pd.DataFrame({"x": x, "y": y, "w": 1 + np.exp(2 * (x + y))})[kept]
    assert FisherZ().test(frame, "x", "y").p_value < 1e-20
    robust = Clustered(Weighted(FisherZ(), "w"), "row")
    assert robust.test(frame.assign(row=range(len(frame))), "x", "y").p_value > 0.01


def weighted_p_values(test, rng, n_datasets, informative):
    p_values = []
    for _ in range(n_datasets):
        x, y, z = rng.normal(size=(3, 150))
        w = np.exp(0.7 * (np.abs(x) + np.abs(y) if informative else rng.normal(size=150)))
        table = quick_table(x=x + z, y=y + z, z=z, w=w, row=np.arange(150))
        names = table.names if "row" in repr(test) else table.names[:4]
        p_values.append(test.bind(table.select(names))(0, 1, (2,)).p_value)
    return np.array(p_values)


def test_p_values_are_uniform_under_weights():
    rng = np.random.default_rng(0)
    p_values = weighted_p_values(Weighted(FisherZ(), "w"), rng, 500, informative=False)
    assert kstest(p_values, "uniform").pvalue > 0.005
    blind = weighted_p_values(Weighted(FisherZ(), "w"), rng, 500, informative=True)
    robust = weighted_p_values(
        Clustered(Weighted(FisherZ(), "w"), "row"), rng, 500, informative=True
    )
    assert np.mean(blind < 0.05) > 0.1  # Kish does not know, the clustered variance does
    assert np.mean(robust < 0.05) < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize(
    ("w", "message"),
    [
        ([-1.0, *[1.0] * 39], "from -1 to 1"),
        ([0.0] * 40, "from 0 to 0"),
        ([np.nan, *[1.0] * 39], "'w' .1.; Weighted needs complete"),
        ([1e9, *[1.0] * 39], "worth 1 rows"),
        (pd.Categorical(list("abcd") * 10), "categorical column"),
    ],
)
def test_unusable_weights(w, message):
    frame = numeric_frame(np.random.default_rng(0), 40).assign(w=w)
    with pytest.raises(InputError, match=message):
        Weighted(FisherZ(), "w").test(frame, "a", "b")


# --- clusters ----------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_clustered_is_the_t_test_of_cluster_sums(seed):
    rng = np.random.default_rng(seed)
    frame = numeric_frame(rng, 80)
    school, w = rng.integers(12, size=80), rng.uniform(0.5, 2, 80)
    a, b, c, d = (frame[name].to_numpy() for name in "abcd")
    test = Clustered(Weighted(FisherZ(), "w"), "school")
    found = test.test(frame.assign(school=school, w=w), "a", "b", ["c", "d"])
    t, p = oracles.clustered_t(a, b, np.column_stack([c, d]), school, w)
    assert (found.statistic, found.p_value) == (pytest.approx(t), pytest.approx(p))
    assert test.test(frame.assign(school=school, w=w), "b", "a", ["d", "c"]).p_value == (
        pytest.approx(p)
    )


def clustered_table(rng, n_clusters, size, given_size):
    """Half of every variable's noise is shared within clusters."""
    n = n_clusters * size
    school = np.repeat(np.arange(n_clusters), size)

    def noise():
        return (rng.normal(size=n_clusters)[school] + rng.normal(size=n)) / np.sqrt(2)

    Z = [noise() for _ in range(given_size)]
    x, y = (sum(Z, noise()) for _ in range(2))
    return quick_table(x=x, y=y, **{f"z{k}": z for k, z in enumerate(Z)}, school=school)


@pytest.mark.parametrize(
    ("n_clusters", "size", "given_size"), [(15, 20, 0), (40, 10, 1), (40, 10, 3)]
)
def test_the_level_holds_where_rows_come_in_clusters(n_clusters, size, given_size):
    rng = np.random.default_rng(given_size)
    naive, clustered = [], []
    test = Clustered(FisherZ(), "school")
    for _ in range(400):
        table = clustered_table(rng, n_clusters, size, given_size)
        where = range(2, 2 + given_size)
        naive.append(FisherZ().bind(table.select(table.names[:-1]))(0, 1, where).p_value)
        clustered.append(test.bind(table)(0, 1, where).p_value)
    error = np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(np.array(naive) < 0.05) > 0.15
    assert np.mean(np.array(clustered) < 0.05) < 0.05 + 3.5 * error
    assert kstest(clustered, "uniform").pvalue > 0.001


def test_blocks_in_clusters():
    rng = np.random.default_rng(0)
    rejected = []
    for _ in range(300):
        school = np.repeat(np.arange(60), 5)
        a, b = (rng.random((2, 300)) < 0.5) * rng.integers(1, 3, size=(2, 60))[:, school]
        table = quick_table(a=a, b=b, school=school)
        rejected.append(Clustered(DegenerateGaussian(), "school").bind(table)(0, 1).p_value < 0.05)
    assert np.mean(rejected) < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / 300)
    frame = weak_mixed_frame(rng, 600).assign(school=np.repeat(np.arange(60), 10))
    frame["c3"] = frame["c2"].cat.codes.gt(1)
    assert Clustered(DegenerateGaussian(), "school").test(frame, "c2", "c3").p_value < 1e-6


def test_unusable_clusters():
    frame = numeric_frame(np.random.default_rng(0), 40)
    for column, message in [(1.0, "one cluster"), ([np.nan, *range(39)], "'s' .1.; Clustered")]:
        with pytest.raises(InputError, match=message):
            Clustered(FisherZ(), "s").test(frame.assign(s=column), "a", "b")
    few = frame.assign(s=np.arange(40) % 2)
    with (
        pytest.warns(CausalkitWarning, match="2 clusters only"),
        pytest.raises(NumericalError, match="2 clusters cannot test"),
    ):
        Clustered(FisherZ(), "s").test(few, "a", "b", "c")
    with pytest.warns(CausalkitWarning, match="'s' makes 4 clusters only"):
        PC(Clustered(FisherZ(), "s")).fit(frame.assign(s=np.arange(40) % 4))
    with pytest.raises(InputError, match="normal-scores"):
        Clustered(RankZ("spearman"), "s").test(frame.assign(s=range(40)), "a", "b")
    data = frame.assign(s=range(40), copy=frame["a"])
    with pytest.raises(NumericalError, match="determine"):
        Clustered(FisherZ(), "s").test(data, "a", "b", "copy")


# --- groups ------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_groups_are_blocks(seed):
    rng = np.random.default_rng(seed)
    frame = numeric_frame(rng, 60)
    X = frame.to_numpy()
    groups = {"left": ["f", "a"], "right": ["c", "d"]}
    test = Grouped(FisherZ(), groups)
    statistic, p_value = oracles.wilks(X[:, [0, 5]], X[:, [2, 3]], X[:, [1]])
    found = test.test(frame, "left", "right", "b")
    assert found.statistic == pytest.approx(statistic)
    assert found.p_value == pytest.approx(p_value)
    mixed_up = test.bind(as_table(frame[list("dcbafe")]))
    nodes = test.nodes(tuple("dcbafe"))
    assert nodes == ("right", "b", "left", "e")
    assert mixed_up(0, 2, (1,)).p_value == pytest.approx(p_value)


def test_settings_compose_in_any_order():
    rng = np.random.default_rng(0)
    frame = numeric_frame(rng).assign(w=rng.uniform(1, 2, 120), s=np.repeat(range(30), 4))
    groups = {"left": ["a", "b"]}
    tests = [
        Clustered(Weighted(Grouped(RankZ(), groups), "w"), "s"),
        Grouped(Clustered(Weighted(RankZ(), "w"), "s"), groups),
        Weighted(Grouped(Clustered(RankZ(), "s"), groups), "w"),
    ]
    assert len({test.nodes(tuple(frame.columns)) for test in tests}) == 1
    answers = [test.test(frame, "left", "c", ["d"]).p_value for test in tests]
    assert answers == pytest.approx([answers[0]] * 3, rel=1e-9)


def test_settings_that_make_no_sense():
    frame = numeric_frame(np.random.default_rng(0), 40).assign(w=range(1, 41))
    for wrong in (RobustZ(), FisherZ, "fisherz", None):
        with pytest.raises(InputError, match="test inside is"):
            Weighted(wrong, "w").bind(as_table(frame))
    with pytest.raises(InputError, match="weighted twice"):
        Weighted(Weighted(FisherZ(), "w"), "a").bind(as_table(frame.abs()))
    with pytest.raises(InputError, match="clustered twice"):
        Clustered(Clustered(FisherZ(), "w"), "a").bind(as_table(frame.assign(w=range(40))))
    with pytest.raises(UnknownVariableError, match="Did you mean 'w'"):
        Weighted(FisherZ(), "ww").bind(as_table(frame))
    with pytest.raises(InputError, match="holds the weights"):
        Weighted(FisherZ(), "w").test(frame, "a", "w")
    with pytest.raises(InputError, match="no column but 'w'"):
        Weighted(FisherZ(), "w").bind(as_table(frame[["w"]]))
    with pytest.raises(InputError, match="in groups"):
        Grouped(FisherZ(), {"one": ["a"], "two": ["a", "b"]})
    with pytest.raises(InputError, match="empty"):
        Grouped(FisherZ(), {"one": []})
    with pytest.raises(InputError, match="a group and of a column"):
        Grouped(FisherZ(), {"c": ["a", "b"]}).bind(as_table(frame))
    with pytest.raises(UnknownVariableError, match="'z'"):
        Grouped(FisherZ(), {"one": ["a", "z"]}).bind(as_table(frame))
    test = Grouped(FisherZ(), {"one": ["a", "b"]})
    assert test == Grouped(FisherZ(), [("one", ("a", "b"))])
    assert hash(test) == hash(Grouped(FisherZ(), {"one": ["a", "b"]}))


def test_a_search_over_groups_and_weighted_rows():
    rng = np.random.default_rng(0)
    n = 1500
    weather = rng.normal(size=(n, 2)) @ np.array([[1.0, 0.4], [0.0, 1.0]])
    crop = weather @ [0.8, -0.8] + rng.normal(size=n)
    frame = pd.DataFrame({"rain": weather[:, 0], "wind": weather[:, 1], "crop": crop})
    frame["price"] = crop + rng.normal(size=n)
    frame["w"] = rng.uniform(1, 2, n)
    test = Weighted(Grouped(PartialCorrelation(), {"weather": ["rain", "wind"]}), "w")
    table = as_table(frame)
    assert test.nodes(table.names) == ("weather", "crop", "price")
    pc = PC(test, alpha=0.01).fit(frame)
    assert pc.graph_ == CausalGraph.parse("weather -- crop -- price", kind="CPDAG")
    assert pc.graph_.nodes == ("weather", "crop", "price")
    assert pc.separators_["weather", "price"].given == ("crop",)
    assert pc.n_features_in_ == 5


@pytest.mark.parametrize("groups", ["ab", None, 5, [("g",)], [5], [("g", "a", "b")]])
def test_groups_are_pairs(groups):
    with pytest.raises(InputError, match="expected a mapping"):
        Grouped(FisherZ(), groups)


@pytest.mark.parametrize("wrapper", [Weighted, Clustered])
@pytest.mark.parametrize("column", [["w"], None, True, 1.5])
def test_a_setting_takes_the_name_of_one_column(wrapper, column):
    with pytest.raises(InputError, match="expected the name of one column"):
        wrapper(FisherZ(), column)


# --- groups in tables with holes -----------------------------------------------------------------


@pytest.mark.parametrize("inner", [FisherZ(), RankZ(), DegenerateGaussian(), KCI(), RCoT()])
def test_groups_on_the_complete_rows_of_each_question(inner):
    rng = np.random.default_rng(3)
    frame = numeric_frame(rng, 150).assign(s=np.repeat(range(50), 3))
    holes = rng.random(frame.shape) < 0.12
    holes[:, -1] = False
    frame = frame.mask(holes)
    test = Grouped(inner, {"one": ["a", "c"], "two": ["b", "e"]})
    tests = [test] if isinstance(inner, (KCI, RCoT)) else [test, Clustered(test, "s")]
    for inside in tests:
        bound = TestwiseDeletion(inside).bind(as_table(frame))
        nodes = inside.nodes(tuple(frame.columns))
        asked = [("one", "two"), ("one", "d"), ("one", "d", "two"), ("d", "two", "one")]
        for x, y, *given_ in [*asked, ("d", "f"), ("d", "f", "two")]:
            columns = inside.columns((x, y, *given_))
            own = {"one": ["a", "c"], "two": ["b", "e"]}
            held = {node: own[node] for node in (x, y, *given_) if node in own}
            alone = Grouped(inner, held)
            by_hand = Clustered(alone, "s") if isinstance(inside, Clustered) else alone
            complete = as_table(frame.dropna(subset=columns), columns=columns)
            places = by_hand.nodes(complete.names)
            wanted = by_hand.bind(complete)(*(places.index(k) for k in (x, y)),
                                            [places.index(k) for k in given_])  # fmt: skip
            found = bound(nodes.index(x), nodes.index(y), [nodes.index(k) for k in given_])
            assert found.n_used == len(frame.dropna(subset=columns))
            assert found.p_value == pytest.approx(wanted.p_value, rel=1e-9)
            by_name = TestwiseDeletion(inside).test(frame, x, y, given_)
            assert by_name.p_value == pytest.approx(wanted.p_value, rel=1e-9)


def test_a_question_needs_the_groups_that_it_names_only():
    rng = np.random.default_rng(0)
    frame = numeric_frame(rng, 60).assign(w=rng.uniform(1, 2, 60))
    test = Weighted(Grouped(FisherZ(), {"one": ["a", "b"]}), "w")
    alone = Weighted(FisherZ(), "w").test(frame, "c", "d", ["e"])
    assert test.test(frame, "c", "d", ["e"]).p_value == pytest.approx(alone.p_value, rel=1e-9)
    misspelt = TestwiseDeletion(Grouped(FisherZ(), {"one": ["aa", "b"]}))
    with pytest.raises(UnknownVariableError, match="'aa'"):
        misspelt.bind(as_table(frame))


def test_groups_go_inside_of_what_deals_with_holes():
    table = as_table(numeric_frame(np.random.default_rng(0), 40))
    for inner in (TestwiseDeletion(), MultipleImputation()):
        with pytest.raises(InputError, match="around Grouped and not inside"):
            Grouped(inner, {"one": ["a", "b"]}).bind(table)
    with pytest.raises(InputError, match=r"KCI\(\), HSIC\(\), RCoT\(\), RCIT\(\)"):
        Grouped(RobustZ(), {"one": ["a", "b"]}).bind(table)
    for inner in (KCI(), HSIC(), RCoT(), RCIT()):
        assert 0 <= Grouped(inner, {"one": ["a", "b"]}).bind(table)(0, 1).p_value <= 1
