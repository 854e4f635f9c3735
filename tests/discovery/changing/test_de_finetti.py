"""Causal de Finetti: the true DAG with an oracle, the published design, and hostile tables."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from causalkit._core.table import Table, as_table
from causalkit.discovery.changing._exchangeable import merged, pair_rows
from causalkit.discovery.changing._surrogate import Surrogate
from causalkit.discovery.changing.de_finetti import CausalDeFinetti
from causalkit.discovery.resampling.stability import Bootstrap
from causalkit.discovery.resampling.stability_selection import StabilitySelection
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, random_dag
from causalkit.independence import GCM, KCI, FisherZ, GSquare, Oracle, TestwiseDeletion


def two_rows(dag: CausalGraph) -> CausalGraph:
    """Two rows of one environment; what is particular to it joins the two values of a variable."""
    edges = [
        (f"{a}[{row}]", f"{b}[{row}]") for a in dag.nodes for b in dag.children(a) for row in (1, 2)
    ]
    both = [f"{a}[{row}]" for row in (1, 2) for a in dag.nodes]
    hidden = [(f"in {a}", f"{a}[{row}]") for a in dag.nodes for row in (1, 2)]
    return CausalGraph.from_edges([*both, *(f"in {a}" for a in dag.nodes)], [*edges, *hidden])


def table_for(dag, n_environments=4):
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=2 * n_environments) for name in dag.nodes}
    return {"environment": np.repeat(np.arange(n_environments), 2)} | columns


@given(p=st.integers(1, 6), degree=st.floats(0, 5), seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_with_an_oracle_it_finds_the_very_dag(p, degree, seed):
    dag = random_dag(p, expected_degree=min(degree, p - 1), rng=seed)
    found = CausalDeFinetti(test=Oracle(two_rows(dag))).fit(table_for(dag))
    assert found.graph_ == dag
    place = {name: k for k, layer in enumerate(found.layers_) for name in layer}
    assert all(place[a] < place[b] for a in dag.nodes for b in dag.children(a))
    for a in dag.nodes:
        for b in dag.nodes:
            if a != b:
                assert (found.explain(a, b).direction is None) == (b not in dag.adjacent(a))


# --- the published designs -----------------------------------------------------------------------


def bivariate(n, rng):
    """Laplace noise centred on a uniform number of the environment; half of them add squares."""
    centre = rng.uniform(-1, 1, (2, n))
    noise = rng.laplace(centre[:, :, None].repeat(2, axis=2))
    mix = np.eye(2)
    kind = int(rng.integers(3))
    if kind < 2:
        cause, effect = (0, 1) if kind == 0 else (1, 0)
        mix[effect, cause], mix[effect, effect] = rng.integers(1, 10, size=2)
    curved = rng.permutation(n) < n // 2
    extra = (mix - np.eye(2)) * rng.integers(1, 10)
    x, y = (
        np.einsum("ij,jkh->ikh", mix, noise)
        + np.einsum("ij,jkh->ikh", extra, noise**2) * curved[:, None]
    )
    truth = ["x -> y", "y -> x", "x; y"][kind]
    place = np.repeat(np.arange(n), 2)
    return {"environment": place, "x": x.ravel(), "y": y.ravel()}, CausalGraph.parse(truth, "DAG")


@pytest.mark.parametrize(
    ("n", "n_tables"), [(100, 60), pytest.param(300, 200, marks=pytest.mark.slow)]
)
def test_two_continuous_variables(n, n_tables):
    """Published: right in 0.70 of the tables of 100 environments, 0.87 of those of 300."""
    right = 0
    for seed in range(n_tables):
        data, truth = bivariate(n, np.random.default_rng([n, seed]))
        right += CausalDeFinetti().fit(data).graph_ == truth.reordered(["x", "y"])
    assert right / n_tables >= {100: 0.70, 300: 0.87}[n]


def binary(n, rng, n_rows=2):
    """a -> c <- b with b -> d: each variable flips the product of its causes at its own rate."""
    rate = rng.beta(1, 3, size=(4, n)).repeat(n_rows, axis=1)
    flips = rng.random(rate.shape) < rate
    a, b = flips[:2]
    columns = {"a": a, "b": b, "c": flips[2] != (a & b), "d": flips[3] != b}
    return {"environment": np.repeat(np.arange(n), n_rows)} | columns


def test_binary_variables_go_to_the_g_test():
    data = binary(6000, np.random.default_rng(1))
    found = CausalDeFinetti(alpha=0.01).fit(data)
    assert str(found.graph_) == "DAG with 4 nodes, 3 edges: a -> c; b -> c; b -> d"
    assert found.sink_tests_ == CausalDeFinetti(test=GSquare(), alpha=0.01).fit(data).sink_tests_
    assert found.n_environments_ == 6000


def test_more_rows_of_each_environment_help():
    right = {2: 0, 6: 0}
    for n_rows in right:
        for seed in range(80):
            rng = np.random.default_rng(seed)
            own = rng.normal(size=(2, 60)).repeat(n_rows, axis=1)
            x = 0.5 * own[0] + rng.normal(size=60 * n_rows)
            y = x + 3.0 * own[1] + rng.normal(size=60 * n_rows)
            data = {"environment": np.repeat(np.arange(60), n_rows), "x": x, "y": y}
            found = CausalDeFinetti(test=FisherZ()).fit(data).graph_
            right[n_rows] += found == CausalGraph.parse("x -> y")
    assert right[6] > right[2] > 40


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("r", [0.0, 0.5, 0.9, 1.0])
def test_merged_p_values_keep_their_level(r):
    rng = np.random.default_rng(0)
    z = np.sqrt(r) * rng.normal(size=(5000, 1)) + np.sqrt(1 - r) * rng.normal(size=(5000, 4))
    found = np.array([merged(p) for p in 2 * norm.sf(np.abs(z))])
    for alpha in (0.01, 0.05):
        assert np.mean(found <= alpha) < alpha + 3 * np.sqrt(alpha / 5000)


def test_rows_are_paired_within_environments():
    codes = np.array([0, 1, 0, 1, 2, 2, 1, 1, 0, 0, 0])
    sides = pair_rows(Surrogate(codes=codes))
    for one, two in zip(sides.one, sides.two, strict=True):
        assert (codes[one] == codes[two]).all()
        assert len(set(codes[one])) == len(one)
    used = np.concatenate([*sides.one, *sides.two])
    assert len(set(used)) == len(used)
    assert [len(one) for one in sides.one] == [3, 2]


# --- laws ----------------------------------------------------------------------------------------


def chain(n=300, seed=0):
    rng = np.random.default_rng(seed)
    # Were all three the same multiple of the noise, nothing would tell directions.
    own = (np.array([[0.0], [1.0], [3.0]]) * rng.normal(size=(3, n))).repeat(2, axis=1)
    a = own[0] + rng.normal(size=2 * n)
    b = a + own[1] + rng.normal(size=2 * n)
    c = b + own[2] + rng.normal(size=2 * n)
    names = np.repeat([f"site {k}" for k in range(n)], 2)
    return pd.DataFrame({"c": c, "a": a, "b": b, "site": pd.Categorical(names)})


@pytest.mark.parametrize("test", [FisherZ(), KCI(), GCM()])
def test_order_containers_and_jobs_say_nothing(test):
    frame = chain()
    found = CausalDeFinetti("site", test=test).fit(frame)
    assert found.graph_ == CausalGraph.parse("a -> b -> c").reordered("cab")
    assert found.layers_ == (("a",), ("b",), ("c",))
    assert found.n_features_in_ == 4
    other = CausalDeFinetti("site", test=test, n_jobs=2).fit(
        pl.from_pandas(frame[["site", *"bca"]])
    )
    assert other.graph_.reordered("cab") == found.graph_
    assert other.sink_tests_ == found.sink_tests_


def test_it_says_why():
    found = CausalDeFinetti("site", test=FisherZ()).fit(chain())
    why = found.explain("c", "b")
    assert why.edge == "b -> c"
    assert why.direction.startswith("of {a, b, c}, c causes none of the others")
    assert "b does cause some" in why.direction
    assert found.explain("a", "c").adjacency == "independent given {b}"
    assert found.separators_["a", "c"].given == ("b",)
    assert "Does c cause any of {a, b}?" in str(found.sink_tests_[2])


# --- hostile input -------------------------------------------------------------------------------


def test_tables_without_pairs_are_refused():
    frame = chain(20)
    with pytest.raises(UnknownVariableError, match="environment"):
        CausalDeFinetti().fit(frame)
    with pytest.raises(InputError, match="fewer than 2"):
        CausalDeFinetti("site").fit(frame.iloc[:-1])
    with pytest.raises(InputError, match="no column but"):
        CausalDeFinetti("site").fit(frame[["site"]])
    with pytest.raises(InputError, match="alpha"):
        CausalDeFinetti("site", alpha=2).fit(frame)
    with pytest.raises(InputError, match="missing"):
        CausalDeFinetti("site").fit(frame.assign(a=np.where(frame.index == 3, np.nan, frame["a"])))


def test_one_variable_and_copies():
    frame = chain(30)
    assert CausalDeFinetti("site").fit(frame[["site", "a"]]).layers_ == (("a",),)
    frame["copy"] = frame["a"]
    found = CausalDeFinetti("site", test=FisherZ()).fit(frame[["site", "a", "copy"]])
    assert len(found.graph_.edges()) == 1
    assert "comes closest" in found.explain("a", "copy").direction


def test_errors_speak_of_columns_and_environments():
    frame = chain(20)
    for group in (None, ["site", "a"]):
        with pytest.raises(InputError, match="expected the name of the column"):
            CausalDeFinetti(group).fit(frame)
    with pytest.raises(InputError, match="'k' hold one value only; CausalDeFinetti"):
        CausalDeFinetti("site").fit(frame.assign(k=1.0))
    with pytest.raises(InputError, match="3 environments"):
        CausalDeFinetti("site").fit(chain(3))


def test_tables_with_holes_or_rare_levels_are_pooled_where_they_vary():
    rng = np.random.default_rng(0)
    surrogate = Surrogate(np.repeat(np.arange(40), 4))
    values = rng.normal(size=(160, 2))
    values[::4, 0] = 1.0  # constant in the first rows of all environments
    values[1, 1] = np.nan
    bound = pair_rows(surrogate).within(
        TestwiseDeletion(FisherZ()), as_table({"a": values[:, 0], "b": values[:, 1]})
    )
    parts = [
        FisherZ().test(pd.DataFrame(values[k::4]).dropna().set_axis(["a", "b"], axis=1), "a", "b")
        for k in (1, 2, 3)
    ]
    assert bound(0, 1).p_value == pytest.approx(merged(np.array([p.p_value for p in parts])))


def test_one_and_the_text_1_are_two_variables():
    frame = chain(60).rename(columns={"a": 1, "b": "1", "c": 2})
    found = CausalDeFinetti("site", test=FisherZ()).fit(frame)
    wanted = CausalDeFinetti("site", test=FisherZ()).fit(chain(60))
    assert (found.graph_.ends == wanted.graph_.ends).all()
    sides = pair_rows(Surrogate(np.repeat(np.arange(4), 2)))
    table = Table((1, "1"), np.arange(16.0).reshape(8, 2) % 5, (None, None))
    seen = []
    sides.across(SimpleNamespace(bind=seen.append), table)
    assert len(set(seen[0].names)) == 4


# --- drawn again ---------------------------------------------------------------------------------


def test_whole_environments_are_drawn_again():
    frame = chain(150)
    frame["site"] = frame["site"].astype(str)
    inner = CausalDeFinetti("site", test=FisherZ())
    boot = Bootstrap(inner, 10, random_state=0).fit(frame)
    assert boot.graph_ == CausalGraph.parse("a -> b -> c").reordered("cab")
    assert boot.frequencies_.of("a", "b")["->"] > 0.8
    # An environment that is drawn twice counts as two, as if it were another one.
    one = Bootstrap(inner, 1, random_state=3).fit(frame)
    drawn = np.random.default_rng(3).spawn(2)[0].choice(np.arange(150), 150)
    names = np.array(sorted(frame["site"].unique()))[drawn]
    again = pd.concat([frame[frame["site"] == name].assign(site=k) for k, name in enumerate(names)])
    alone = CausalDeFinetti("site", test=FisherZ()).fit(again)
    assert alone.n_environments_ == 150
    assert one.replicates_[0] == alone.graph_
    region = frame["site"].str[-1]
    coarse = Bootstrap(inner, 3, clusters=region, random_state=0).fit(frame)
    assert len(coarse.replicates_) == 3
    halves = StabilitySelection(inner, 4, random_state=0).fit(frame)
    assert halves.graph_.nodes == ("c", "a", "b")


def test_environments_are_not_cut():
    frame = chain(20)
    inner = CausalDeFinetti("site", test=FisherZ())
    with pytest.raises(InputError, match="expected whole environments to be drawn"):
        Bootstrap(inner, 2, resample="blocks").fit(frame)
    with pytest.raises(InputError, match="clusters that hold whole environments"):
        Bootstrap(inner, 2, clusters=np.arange(40)).fit(frame)
    with pytest.raises(InputError, match="needs rows"):
        Bootstrap(inner, 2, resample="gaussian").fit(frame)
    with pytest.raises(UnknownVariableError, match="'place'"):
        Bootstrap(CausalDeFinetti("place"), 2).fit(frame)
