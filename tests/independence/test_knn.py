"""CMIknn: the estimate row by row, its permutations, and true independence."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, rankdata

from benchmarks.designs import DESIGNS, draw
from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.errors import InputError, NumericalError
from causalkit.independence._knn_kernels import local_permutations, nearest_in
from causalkit.independence.knn import CMIknn
from tests.oracles.neighbours import information


def frame_of(rng, n=120):
    z, w = rng.normal(size=(2, n))
    x, y = np.sin(z) + w + rng.normal(size=(2, n))
    group = pd.Categorical.from_codes((x > 0).astype(int) + (w > 0.5), list("abc"))
    return pd.DataFrame(
        {"x": x, "y": y, "z": z, "tied": np.round(w), "group": group, "old": z + x > 0.3}
    )


# --- the estimate --------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n=st.integers(6, 60), k=st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_estimate_is_that_of_the_slow_version(seed, n, k):
    rng = np.random.default_rng(seed)
    frame = frame_of(rng, n)
    frame = frame.loc[:, frame.nunique() > 1]
    x, y, *rest = rng.permutation(frame.columns).tolist()
    chosen = rest[: rng.integers(0, 3)]
    test = CMIknn(neighbors=k, n_permutations=1)
    columns = {}
    for name in frame:
        is_category = name in ("group", "old")
        values = frame[name].cat.codes if name == "group" else frame[name].astype(float)
        columns[name] = [(np.asarray(values if is_category else rankdata(values)), is_category)]
    expected = information(
        columns[x], columns[y], [part for name in chosen for part in columns[name]], k
    )
    try:
        assert test.test(frame, x, y, chosen).statistic == pytest.approx(expected, abs=1e-9)
    except NumericalError:
        assert chosen  # what is given determines one of the two


def test_few_neighbours_and_many_rows_come_close_to_the_truth():
    rng = np.random.default_rng(0)
    for r in (0.0, 0.6, 0.9):
        z, x, e = rng.normal(size=(3, 3000))
        data = {"x": x + z, "y": r * x + np.sqrt(1 - r**2) * e + z, "z": z}
        for transform in ("ranks", "standardize"):
            test = CMIknn(neighbors=5, n_permutations=1, transform=transform)
            found = test.test(data, "x", "y", "z").statistic
            assert found == pytest.approx(-np.log(1 - r**2) / 2, abs=0.06)


# --- the permutations ----------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), n=st.integers(5, 40), q=st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_a_row_takes_its_value_from_one_of_the_nearest(seed, n, q):
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 12, (q, n)).astype(np.int32)
    near = nearest_in(Z, 4, 12, rng.permutation(n))
    apart = np.abs(Z[:, :, None] - Z[:, None, :]).max(axis=0)
    for i in range(n):
        assert len(set(near[i])) == 4
        assert sorted(apart[i, near[i]]) == sorted(apart[i])[:4]
    turns = np.argsort(rng.random((20, n)), axis=1)
    drawn = local_permutations(near, rng.random((20, n)), turns)
    for permuted, turn in zip(drawn, turns, strict=True):
        taken = set()
        for i in turn:
            assert permuted[i] in near[i]
            assert permuted[i] not in taken or taken.issuperset(near[i])
            taken.add(permuted[i])


def test_with_all_rows_near_it_is_a_plain_permutation():
    rng = np.random.default_rng(0)
    near = np.tile(np.arange(6), (6, 1))
    turns = np.argsort(rng.random((3000, 6)), axis=1)
    drawn = local_permutations(near, rng.random((3000, 6)), turns)
    assert (np.sort(drawn, axis=1) == np.arange(6)).all()
    counts = np.array([[np.sum(drawn[:, i] == j) for j in range(6)] for i in range(6)])
    assert np.abs(counts - 500).max() < 100


def test_drawing_stops_early_and_only_where_it_may():
    frame = frame_of(np.random.default_rng(1))
    for x, y, held in (("x", "y", []), ("x", "y", ["z"]), ("tied", "z", []), ("x", "old", ["z"])):
        whole = CMIknn(stop_after=None).test(frame, x, y, held)
        short = CMIknn(stop_after=20).test(frame, x, y, held)
        assert whole.statistic == short.statistic
        assert whole.p_value * 500 == pytest.approx(round(whole.p_value * 500))
        if whole.p_value <= 20 / 500:  # 20 were not reached
            assert short.p_value == whole.p_value
        else:
            assert 20 / short.p_value == pytest.approx(round(20 / short.p_value))
            assert short.p_value == pytest.approx(whole.p_value, abs=0.25)


# --- level and power -----------------------------------------------------------------------------


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [0, 1])
def test_p_values_are_uniform_under_independence(design, size):
    test = CMIknn(n_permutations=99, stop_after=None)
    tables = (as_table(draw(design, 150, size, seed)) for seed in range(100))
    p_values = [test.bind(table)(0, 1, range(2, 2 + size)).p_value for table in tables]
    assert kstest(p_values, "uniform").pvalue > 0.002


def test_dependences_of_all_kinds_are_found():
    rng = np.random.default_rng(0)
    x, z, e = rng.normal(size=(3, 300))
    data = {
        "x": x, "z": z, "line": x + z + e, "bend": x**2 + z + e, "fan": x * e + z,
        "kind": pd.Categorical.from_codes((x > 0).astype(int) + (x > 1), list("abc")),
    }  # fmt: skip
    for y in ("line", "bend", "fan", "kind"):
        assert CMIknn().test(data, "x", y, "z").p_value < 0.01
    assert CMIknn().test(data, "kind", "line", "z").p_value < 0.01
    assert CMIknn().test(data, "kind", "line", "x").p_value > 0.01


# --- laws ----------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), transform=st.sampled_from(["ranks", "standardize"]))
@settings(max_examples=10, deadline=None)
def test_order_of_columns_and_units_say_nothing(seed, transform):
    rng = np.random.default_rng(seed)
    frame = frame_of(rng)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    test = CMIknn(transform=transform, n_permutations=49)
    try:
        before = test.test(frame, x, y, rest[:2])
    except NumericalError:
        return
    shuffled = frame[rng.permutation(frame.columns)]
    if transform == "ranks":
        shuffled = shuffled.assign(x=np.exp(frame["x"]), z=-1e200 * frame["z"])
    assert test.test(shuffled, y, x, rest[1::-1]) == before
    bound = test.bind(as_table(shuffled))
    assert (
        bound(*as_table(shuffled).indices([x, y]), as_table(shuffled).indices(rest[:2])) == before
    )


def test_containers_agree_and_the_cache_stays_at_home():
    frame = frame_of(np.random.default_rng(1))
    expected = CMIknn().test(frame, "x", "group", "z")
    assert CMIknn().test(pl.from_pandas(frame), "x", "group", "z") == expected
    bound = CMIknn().bind(as_table(frame))
    fresh = len(pickle.dumps(bound))
    assert bound(0, 4, (2,)) == expected
    assert len(pickle.dumps(bound)) == fresh
    assert pickle.loads(pickle.dumps(bound))(0, 4, (2,)) == expected


def test_pc_learns_a_curved_graph():
    rng = np.random.default_rng(0)
    a, b, e = rng.normal(size=(3, 150))
    data = {"a": a, "b": b, "c": a**2 + 1.5 * b + 0.4 * e}
    found = PC(CMIknn(n_permutations=199), alpha=0.01).fit(data)
    assert str(found.graph_) == "CPDAG with 3 nodes, 2 edges: a -> c; b -> c"


# --- hostile input -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"neighbors": 0}, {"neighbors": 1.5}, {"neighbors": True}, {"neighbors": "many"},
        {"permutation_neighbors": 1}, {"transform": "log"}, {"n_permutations": 0},
        {"stop_after": 0}, {"random_state": -1},
    ],
)  # fmt: skip
def test_settings_are_checked(settings):
    with pytest.raises(InputError, match=next(iter(settings))):
        CMIknn(**settings)


def test_what_is_determined_cannot_be_tested():
    frame = frame_of(np.random.default_rng(0))
    frame["twin"], frame["code"] = (
        -np.exp(frame["x"]),
        frame["group"].cat.rename_categories([*"rst"]),
    )
    for x, held in (("x", "twin"), ("group", "code")):
        with pytest.raises(NumericalError, match="determine"):
            CMIknn().test(frame, x, "y", held)


def test_tiny_and_tied_tables_have_p_values():
    rng = np.random.default_rng(0)
    for n in (4, 5, 8):
        for values in (
            rng.integers(0, 2, (n, 3)) + np.eye(n)[:, :3],
            rng.normal(size=(n, 3)) * 1e300,
        ):
            assert 0 < CMIknn().bind(as_table(values))(0, 1, (2,)).p_value <= 1
    with pytest.raises(InputError, match="missing"):
        CMIknn().test({"x": [1.0, np.nan, 2, 3], "y": [1.0, 2, 3, 4]}, "x", "y")


# --- many levels ---------------------------------------------------------------------------------


def levels_of(n_levels, n_each, seed):
    """Two numbers that only the level moves, and the level."""
    rng = np.random.default_rng(seed)
    code = np.tile(np.arange(n_levels), n_each)
    x, y = rng.normal(size=n_levels)[code] + rng.normal(size=(2, len(code)))
    return pd.DataFrame({"x": x, "y": y, "level": pd.Categorical.from_codes(code, range(n_levels))})


def test_levels_smaller_than_a_share_of_the_rows_do_not_hide_dependence():
    test = CMIknn(n_permutations=99)
    apart = []
    for seed in range(10):
        frame = levels_of(12, 12, seed)
        assert test.test(frame, "x", "level").p_value < 0.05
        assert test.test(frame.assign(y=frame["x"] + frame["y"]), "x", "y", "level").p_value < 0.05
        apart.append(test.test(frame, "x", "y", "level").p_value)
    assert np.mean(np.array(apart) < 0.05) <= 0.2


def test_an_identifier_in_the_set_leaves_nothing_to_test():
    frame = levels_of(60, 1, 0)
    with pytest.raises(NumericalError, match="60 combinations of levels in 60 rows"):
        CMIknn().test(frame, "x", "y", "level")
