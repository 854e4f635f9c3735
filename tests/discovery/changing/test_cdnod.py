"""CD-NOD against the theory, against the defects of other packages, and against hostile tables."""

from __future__ import annotations

import pickle
import warnings
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from causalkit.discovery import CDNOD, PC, Bootstrap, Knowledge, StabilitySelection
from causalkit.discovery.changing._change_directions import direct_by_changes
from causalkit.errors import InputError, TimeBudgetWarning, UnknownVariableError
from causalkit.graph import CausalGraph, Kind, consistent_extension, meek_closure
from causalkit.independence import (
    GCM,
    KCI,
    DegenerateGaussian,
    FeatureDesign,
    FederatedSummary,
    FisherZ,
    Grouped,
    GSquare,
    LikelihoodRatio,
    MissingnessCorrection,
    MultipleImputation,
    Oracle,
    PartialCorrelation,
    RankZ,
    RobustZ,
    TestwiseDeletion,
    Weighted,
)
from tests.discovery.constraint.test_skeleton import Recorder
from tests.oracles.discovery import class_by_enumeration, linear_data, random_dag

RULES = ("paired", "standard", "conservative", "majority", "max-p")


def with_surrogate(rng: np.random.Generator, dag: CausalGraph) -> CausalGraph:
    """The DAG, and a node C that causes some of its nodes."""
    share = rng.choice([0.2, 0.6])
    edges = [(e.left, e.right) for e in dag.edges()]
    edges += [("C", name) for name in dag.nodes if rng.random() < share]
    return CausalGraph.from_edges([*dag.nodes, "C"], edges, Kind.DAG)


def rows_of(graph: CausalGraph) -> dict:
    """A table that only the oracle can read; C has two levels."""
    return {name: [0.0, 1.0, 2.0, 3.0] for name in graph.nodes if name != "C"} | {"C": list("aabb")}


def into_surrogate(graph: CausalGraph) -> np.ndarray:
    forbidden = np.zeros((len(graph.nodes),) * 2, dtype=bool)
    forbidden[:, graph.index("C")] = True
    return forbidden


def sites(n_sites: int = 6, n: int = 80, seed: int = 0) -> pd.DataFrame:
    """`a` moves with the site, `b` follows `a`, `c` moves with the site too, `d` stands alone."""
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(n_sites), n)
    moves = rng.normal(size=(2, n_sites))
    moves = 2.0 * (moves - moves.mean(axis=1)[:, None]) / moves.std(axis=1)[:, None]
    a = moves[0, site] + rng.normal(size=len(site))
    b = a + rng.normal(size=len(site))
    c = moves[1, site] + rng.normal(size=len(site))
    names = np.array(
        ["north", "south", "east", "west", "mid", "far"] + [f"s{k}" for k in range(99)]
    )
    frame = pd.DataFrame({"site": names[site], "a": a, "b": b, "c": c})
    return frame.assign(d=rng.normal(size=len(site)))


SITES = CausalGraph.parse("site -> a -> b; site -> c; d", kind="CPDAG")


def drift(n: int = 400, seed: int = 0) -> pd.DataFrame:
    """`a` follows a curve in time, `b` follows `a`, `c` another curve; rows in no order."""
    rng = np.random.default_rng(seed)
    t = rng.uniform(0, 1, n)
    a = 3 * np.sin(4 * t) + rng.normal(size=n)
    c = 5 * (t - 0.5) ** 2 - 3 * t + 0.5 * rng.normal(size=n)
    return pd.DataFrame({"t": t, "a": a, "b": a + rng.normal(size=n), "c": c})


# --- with an oracle: exactly the class -----------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
def test_with_an_oracle_finds_the_class_of_the_augmented_graph(rule):
    rng = np.random.default_rng(0)
    for _ in range(64):
        truth = with_surrogate(rng, random_dag(rng, max_nodes=5, max_edges=9))
        found = CDNOD(Oracle(truth), domain="C", independent_changes=False, collider_rule=rule)
        found.fit(rows_of(truth))
        expected = class_by_enumeration(truth, into_surrogate(truth))
        assert found.surrogate_graph_ == expected
        assert found.graph_ == expected.subgraph([n for n in truth.nodes if n != "C"])
        assert set(found.changing_) == truth.children("C")
        assert not found.conflicts_
        assert not found.ambiguous_


def test_what_is_known_leaves_exactly_the_members_that_obey_it():
    rng = np.random.default_rng(1)
    for _ in range(80):
        truth = with_surrogate(rng, random_dag(rng, max_nodes=5, max_edges=9))
        edges = [(e.left, e.right) for e in truth.edges()]
        others = [(a, b) for a in truth.nodes for b in truth.nodes if a != b if (a, b) not in edges]
        known = Knowledge(
            required=[edge for edge in edges if rng.random() < 0.2],
            forbidden=[pair for pair in others if rng.random() < 0.2],
        )
        found = CDNOD(Oracle(truth), domain="C", knowledge=known, independent_changes=False)
        found.fit(rows_of(truth))
        forbidden = known.forbidden_matrix(truth.nodes) | into_surrogate(truth)
        assert found.surrogate_graph_ == class_by_enumeration(truth, forbidden)


def test_the_surrogate_directs_what_pc_leaves_open():
    truth = CausalGraph.parse("C -> x; x -> y; y -> z")
    rows = rows_of(truth)
    found = CDNOD(Oracle(truth), domain="C").fit(rows)
    blind = PC(Oracle(truth)).fit({name: rows[name] for name in "xyz"})
    assert blind.graph_ == CausalGraph.parse("x -- y -- z", kind="CPDAG")
    assert found.graph_ == CausalGraph.parse("x -> y -> z", kind="CPDAG")


def test_agrees_with_causal_learn_where_that_is_right():
    """Two domains and Fisher's z: phases I and II a of causal-learn ask the same questions.

    Theirs also look for separators of C and a variable among the effects of C, which finds others
    on few data sets.
    """
    from causallearn.search.ConstraintBased.CDNOD import cdnod

    same = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        dag = random_dag(rng, max_nodes=6, max_edges=7)
        p = len(dag.nodes)
        site = np.repeat([0.0, 1.0], 1500)
        weights = dag.directed * rng.uniform(0.5, 1.2, (p, p)) * rng.choice([-1, 1], (p, p))
        noise = rng.normal(size=(3000, p)) + np.outer(site, 1.5 * (rng.random(p) < 0.4))
        values = noise @ np.linalg.inv(np.eye(p) - weights)
        frame = pd.DataFrame(values, columns=dag.nodes).assign(C=site)
        found = CDNOD(FisherZ(), domain="C", alpha=0.01, collider_rule="standard")
        found.set_params(independent_changes=False).fit(frame)
        theirs = cdnod(values, site[:, None], 0.01, "fisherz", show_progress=False).G.graph
        graph = found.surrogate_graph_
        arrows = (theirs == -1) & (theirs.T == 1)
        same += (graph.adjacency == (theirs != 0)).all() and (graph.directed == arrows).all()
    assert same >= 10


# --- defects of other packages, by their number in test_incumbent_defects -------------------------


def test_d1_the_surrogate_causes_and_is_not_caused_with_missing_cells_too():
    frame = sites(2, 1000)
    holes = frame.copy()
    rng = np.random.default_rng(1)
    holes.loc[rng.random(len(frame)) < 0.1, "a"] = np.nan
    holes.loc[rng.random(len(frame)) < 0.1, "b"] = np.nan
    expected = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame).surrogate_graph_
    assert expected == SITES.reordered(expected.nodes)
    for test in (TestwiseDeletion(), MissingnessCorrection()):
        found = CDNOD(test, domain="site", alpha=0.01).fit(holes)
        assert found.surrogate_graph_ == expected
    many = sites(6, 400)
    many.loc[rng.random(len(many)) < 0.1, "b"] = np.nan
    found = CDNOD(TestwiseDeletion(), domain="site", alpha=0.01).fit(many)
    assert found.surrogate_graph_.parents("site") == frozenset()
    assert found.graph_.parents("b") == {"a"}


def test_d2_knowledge_and_limits_reach_the_search_and_nothing_is_printed(capfd):
    frame = sites(2)
    recorder = Recorder(FisherZ())
    known = Knowledge(forbidden=[("a", "d"), ("d", "a"), ("site", "d")])
    found = CDNOD(recorder, domain="site", max_order=1, knowledge=known).fit(frame)
    asked = {pair for pair, _ in recorder.questions}
    assert frozenset(["a", "d"]) not in asked
    assert frozenset(["site", "d"]) not in asked
    assert max(len(given) for _, given in recorder.questions) == 1
    assert set(found.graph_.nodes) == set("abcd")
    assert capfd.readouterr() == ("", "")


def test_d3_a_misspelt_setting_is_an_error():
    with pytest.raises(TypeError, match="domian"):
        CDNOD(domian="site")


@pytest.mark.parametrize("rule", ["paired", "conservative", "majority", "max-p"])
def test_d13_the_surrogate_may_stand_in_the_sets_that_judge_colliders(rule):
    truth = CausalGraph.parse("C -> a; C -> b; a -> k; b -> k")
    recorder = Recorder(Oracle(truth))
    found = CDNOD(recorder, domain="C", collider_rule=rule).fit(rows_of(truth))
    assert (frozenset("ab"), frozenset("C")) in recorder.questions
    assert found.graph_ == CausalGraph.parse("a -> k <- b", kind="CPDAG")


@pytest.mark.parametrize("rule", RULES)
def test_nothing_points_into_the_surrogate_and_nothing_runs_in_a_circle(rule):
    rng = np.random.default_rng(2)
    n_conflicts = 0
    for _ in range(40):
        dag = random_dag(rng, max_nodes=7, max_edges=14)
        values = linear_data(rng, dag, int(rng.integers(20, 60)))
        frame = pd.DataFrame(values, columns=dag.nodes).assign(C=np.arange(len(values)) % 4)
        frame[dag.nodes[0]] += frame["C"]
        found = CDNOD(FisherZ(), domain="C", alpha=0.3, collider_rule=rule, random_state=0)
        found.fit(frame)
        assert not found.surrogate_graph_.adjacency[-1][found.surrogate_graph_.undirected[-1]].any()
        assert found.surrogate_graph_.parents("C") == frozenset()
        assert meek_closure(found.graph_) == found.graph_
        assert consistent_extension(found.surrogate_graph_).parents("C") == frozenset()
        n_conflicts += len(found.conflicts_)
    assert n_conflicts > 0, "the data were meant to be contradictory"


# --- pseudo confounders --------------------------------------------------------------------------


@pytest.mark.parametrize("test", [FisherZ(), DegenerateGaussian(), LikelihoodRatio(), RankZ()])
def test_confounders_that_are_functions_of_the_domain_make_no_edge(test):
    frame = sites(6, 200)
    variables = frame[["a", "c", "d"]]
    assert PC(FisherZ()).fit(variables).graph_.edges_between("a", "c")
    found = CDNOD(test, domain="site", alpha=0.01).fit(frame.drop(columns="b"))
    assert not found.graph_.edges_between("a", "c")
    assert found.separators_["a", "c"].given == ("site",)
    assert list(found.changing_) == ["a", "c"]
    assert found.explain("a", "c").adjacency == "phase I: independent given {site}"


def test_confounders_that_are_curves_in_time_make_no_edge():
    frame = drift(2000)
    assert PC(FisherZ()).fit(frame[["a", "c"]]).graph_.edges_between("a", "c")
    found = CDNOD(FisherZ(), time="t", alpha=0.01).fit(frame)
    assert found.surrogate_graph_ == CausalGraph.parse("t -> a -> b; t -> c", "CPDAG").reordered(
        found.surrogate_graph_.nodes
    )


# --- kernel tests, the default -------------------------------------------------------------------


def test_a_coefficient_that_changes_is_seen_by_kernels_only():
    rng = np.random.default_rng(0)
    site = np.repeat(np.arange(10), 40)
    slope = np.linspace(-2, 2, 10)
    x = rng.normal(size=400)
    y = slope[site] * x + 0.5 * rng.normal(size=400)
    frame = pd.DataFrame({"site": site, "x": x, "y": y})
    found = CDNOD(domain="site").fit(frame)
    assert found.surrogate_graph_ == CausalGraph.parse("site -> y <- x", "CPDAG").reordered(
        ("x", "y", "site")
    )
    assert "y" not in CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame).changing_


@pytest.mark.parametrize("settings", [{"domain": "site"}, {"domain": "site", "time": "t"}])
def test_kernels_cut_what_only_the_surrogate_joins(settings):
    frame = sites(5, 50, seed=2).drop(columns="d")
    frame["t"] = np.tile(np.linspace(0, 1, 50), 5)
    columns = ["a", "b", "c", *settings.values()]
    found = CDNOD(alpha=0.01, **settings).fit(frame[columns])
    node = found.surrogate_
    expected = CausalGraph.from_edges(
        ["a", "b", "c", node], [(node, "a"), ("a", "b"), (node, "c")], "CPDAG"
    )
    assert found.surrogate_graph_ == expected


# --- what is told --------------------------------------------------------------------------------


def test_what_changes_comes_with_its_test():
    frame = sites()
    found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame)
    assert found.surrogate_ == "site"
    assert list(found.changing_) == ["a", "c"]
    assert "b" not in found.changing_
    table = found.changing_.to_frame()
    assert table["variable"].tolist() == ["a", "c"]
    for name in "ac":
        held = found.changing_[name]
        coded = frame.assign(site=frame["site"].astype("category"))
        again = DegenerateGaussian().test(coded, name, "site", given=held.given)
        assert held.p_value == pytest.approx(again.p_value, rel=1e-6)
        assert held.p_value <= 0.01
    assert "What changes with site" in repr(found.changing_)
    nothing = CDNOD(FisherZ(), domain="site").fit(frame[["site", "d"]]).changing_
    assert len(nothing) == 0
    assert "nothing" in repr(nothing)
    assert nothing.to_frame().empty


def test_explain_says_which_phase():
    found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(sites())
    assert found.explain("site", "a").direction == "phase II a: nothing causes site"
    why = found.explain("a", "b")
    assert why.edge == "a -> b"
    assert why.direction.startswith("phase II a: Meek rule 1 with site")
    assert why.adjacency.startswith("phase I: no set of neighbours separates them")
    assert found.explain("a", "d").edge == "no edge"
    with pytest.raises(InputError, match="expected two variables"):
        found.explain("a", "a")
    with pytest.raises(UnknownVariableError):
        found.explain("a", "z")
    frame = found.trace_.to_frame()
    assert len(frame) == 10
    assert frame["direction"].str.startswith("phase").sum() == 3


def test_knowledge_about_the_surrogate_is_obeyed():
    frame = sites()
    known = Knowledge(required=[("site", "d")], forbidden=[("site", "c")])
    with pytest.warns(match="contradict"):
        found = CDNOD(FisherZ(), domain="site", alpha=0.01, knowledge=known).fit(frame)
    assert set(found.changing_) == {"a", "d"}
    assert found.changing_["d"].p_value > 0.01
    assert "knowledge" in found.explain("site", "c").adjacency
    tiers = Knowledge(tiers=[["site", "d"], ["a", "b", "c"]])
    free = CDNOD(FisherZ(), domain="site", alpha=0.01, knowledge=tiers).fit(frame)
    assert free.surrogate_graph_ == SITES.reordered(free.surrogate_graph_.nodes)


# --- independent changes, driving force -----------------------------------------------------------


def changing_pair(rng, n_domains: int = 60, n: int = 20) -> pd.DataFrame:
    """`x` causes `y`, and the mechanisms of both change from domain to domain."""
    site = np.repeat(np.arange(n_domains), n)
    level, spread, slope, shift = rng.normal(size=(4, n_domains))
    x = level[site] + np.exp(0.4 * spread[site]) * rng.normal(size=len(site))
    y = (1 + 0.7 * slope[site]) * np.tanh(x) + shift[site] + 0.5 * rng.normal(size=len(site))
    return pd.DataFrame({"site": site, "x": x, "y": y})


def test_d11_and_d12_independent_changes_find_the_direction_whatever_the_names():
    right = decided = 0
    for seed in range(24):
        frame = changing_pair(np.random.default_rng(seed))
        cause, effect = ("x", "y") if seed % 2 else ("y", "x")
        frame = frame.rename(columns={"x": cause, "y": effect})[["site", "y", "x"]]
        every = CDNOD(FisherZ(), domain="site", change_alpha=1, random_state=0).fit(frame)
        assert list(every.changing_) == ["y", "x"]
        (said,) = every.directions_
        right += said.cause == cause
        decided += every.graph_.parents(effect) == {cause}
    assert right >= 21  # 85 % of 24
    assert decided >= 21


def two_domains() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    site = np.repeat([0, 1], 400)
    x = 2 * site + rng.normal(size=800)
    return pd.DataFrame({"site": site, "x": x, "y": x + 3 * site + rng.normal(size=800)})


def test_an_edge_without_a_clear_answer_stays_undirected_and_explains_itself():
    frame = two_domains()
    found = CDNOD(FisherZ(), domain="site", random_state=0).fit(frame)
    assert found.graph_ == CausalGraph.parse("x -- y", kind="CPDAG")
    why = found.explain("x", "y").direction
    assert why.startswith("phase II b: undecided")
    (said,) = found.directions_
    assert f"{said.statistic:.3g}"[:4] in why
    row = found.trace_.to_frame().query("a == 'x' and b == 'y'").iloc[0]
    assert {row["statistic_a_to_b"], row["statistic_b_to_a"]} == {
        said.statistic,
        said.reverse_statistic,
    }
    silent = CDNOD(FisherZ(), domain="site", independent_changes=False).fit(frame)
    assert silent.directions_ == ()
    assert silent.explain("x", "y").direction.startswith("undecided")


def test_a_direction_says_by_which_statistics():
    frame = changing_pair(np.random.default_rng(3))
    found = CDNOD(FisherZ(), domain="site", random_state=0).fit(frame)
    assert found.graph_ == CausalGraph.parse("x -> y", kind="CPDAG")
    why = found.explain("y", "x")
    assert why.edge == "x -> y"
    assert why.direction.startswith("phase II b: dependence of changes x -> y")
    (said,) = found.directions_
    assert said.decided
    assert said.statistic < said.reverse_statistic


def test_knowledge_comes_before_changes():
    frame = changing_pair(np.random.default_rng(3))
    known = Knowledge(forbidden=[("x", "y")])
    found = CDNOD(FisherZ(), domain="site", knowledge=known).fit(frame)
    assert found.graph_ == CausalGraph.parse("y -> x", kind="CPDAG")
    assert found.directions_ == ()
    assert found.explain("x", "y").direction == "phase II a: knowledge: x -> y is forbidden"


def test_changes_are_compared_on_complete_rows():
    frame = changing_pair(np.random.default_rng(3), 40, 40)
    holes = frame.assign(z=np.random.default_rng(0).normal(size=1600))
    holes.loc[::7, "x"] = np.nan
    holes.loc[::5, "z"] = np.nan
    found = CDNOD(TestwiseDeletion(), domain="site", random_state=0).fit(holes)
    whole = holes["x"].notna()
    again = CDNOD(FisherZ(), domain="site", random_state=0).fit(frame[whole])
    assert found.directions_ == again.directions_
    force = found.driving_force("x", parents=[])
    assert len(force.curve) == 40


def test_the_driving_force_is_the_curve_behind_the_change():
    rng = np.random.default_rng(1)
    when = pd.date_range("2021-01-01", periods=800, freq="D")
    t = np.linspace(0, 1, 800)
    hidden = np.sin(5 * t)
    x = rng.normal(size=800)
    y = 2 * hidden + x + 0.5 * rng.normal(size=800)
    order = rng.permutation(800)
    frame = pd.DataFrame({"x": x, "when": when, "y": y}).iloc[order]
    found = CDNOD(FisherZ(), time="when", alpha=0.01).fit(frame)
    assert list(found.changing_) == ["y"]
    force = found.driving_force("y")
    assert force.parents == ("x",)
    assert force.times.dtype.kind == "M"
    assert (np.diff(force.times) > np.timedelta64(0, "ns")).all()
    at = np.interp(force.times.astype(float), when.to_numpy("datetime64[us]").astype(float), hidden)
    assert abs(np.corrcoef(force.curve[:, 0], at)[0, 1]) > 0.95


def test_the_driving_force_names_domains():
    frame = sites(6, 100)
    found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame)
    force = found.driving_force("a", 2, n_bootstraps=5)
    table = force.to_frame()
    assert sorted(table["domain"]) == sorted(frame["site"].unique())
    means = frame.groupby("site")["a"].mean()[table["domain"]]
    assert abs(np.corrcoef(table["component_1"], means)[0, 1]) > 0.9
    assert force.band.shape == (2, 6, 2)
    again = pickle.loads(pickle.dumps(found)).driving_force("a", 2)
    assert np.allclose(np.abs(again.curve), np.abs(force.curve))


def test_a_driving_force_needs_a_change_and_known_causes():
    frame = sites()
    found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame)
    with pytest.raises(InputError, match="no test says that it changes"):
        found.driving_force("b")
    with pytest.raises(InputError, match="it is the surrogate"):
        found.driving_force("site")
    with pytest.raises(UnknownVariableError):
        found.driving_force("z")
    with pytest.raises(UnknownVariableError):
        found.driving_force("a", parents="z")
    with pytest.raises(InputError, match="the variable itself or the surrogate"):
        found.driving_force("a", parents=["a"])
    with pytest.raises(InputError, match="n_components"):
        found.driving_force("a", 0)
    unsure = CDNOD(FisherZ(), domain="site", random_state=0).fit(two_domains())
    with pytest.raises(InputError, match="whether 'y' cause 'x' is undecided"):
        unsure.driving_force("x")
    assert unsure.driving_force("x", parents=()).parents == ()


# --- the surrogate's columns ---------------------------------------------------------------------


def surrogate_graph(frame, **settings):
    return CDNOD(FisherZ(), alpha=0.01, **settings).fit(frame).surrogate_graph_


@pytest.mark.parametrize("code", [int, float, str, bool, "category", "Int64", object])
def test_a_domain_is_a_label_whatever_its_type(code):
    frame = sites(2, 200)
    number = frame["site"].map({"north": 0, "south": 1})
    frame["site"] = number.astype(code)
    assert surrogate_graph(frame, domain="site") == SITES.reordered([*"abcd", "site"])


def test_numeric_codes_are_not_measured():
    frame = sites()
    number = frame["site"].astype("category").cat.codes
    shuffled = number.map(dict(enumerate(np.random.default_rng(3).normal(size=6) * 1e9)))
    wanted = surrogate_graph(frame, domain="site")
    assert surrogate_graph(frame.assign(site=number), domain="site") == wanted
    assert surrogate_graph(frame.assign(site=shuffled), domain="site") == wanted


def test_containers_agree_and_stay_untouched():
    frame = sites(6, 60)
    before = frame.copy()
    wanted = surrogate_graph(frame, domain="site")
    category = frame.assign(site=frame["site"].astype("category"))
    containers = [
        category, pl.from_pandas(frame), pl.from_pandas(category), pa.Table.from_pandas(frame),
        frame.to_dict("list"), {name: frame[name].to_numpy() for name in frame},
    ]  # fmt: skip
    for data in containers:
        assert surrogate_graph(data, domain="site") == wanted
    codes = frame.assign(site=frame["site"].astype("category").cat.codes).to_numpy(dtype=float)
    codes.flags.writeable = False
    found = surrogate_graph(codes, domain="x0")
    assert found.nodes == ("x1", "x2", "x3", "x4", "x0")
    assert (found.ends == wanted.ends).all()
    numbered = frame.set_axis([10, 3, 7, 2, 5], axis=1)
    assert surrogate_graph(numbered, domain=10).nodes == (3, 7, 2, 5, 10)
    pd.testing.assert_frame_equal(frame, before)


def dates_of(t) -> pd.Series:
    return pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(np.round(t * 1e9), unit="us"))


@pytest.mark.parametrize(
    "cast",
    [
        lambda t: t,
        lambda t: 1e12 + t * 1e3,
        lambda t: [float(x) for x in t],
        dates_of,
        lambda t: dates_of(t).dt.tz_localize("UTC"),
        lambda t: dates_of(t).to_numpy(),
        lambda t: (
            dates_of(t).dt.to_pydatetime().tolist()
            if isinstance(dates_of(t).dt.to_pydatetime(), np.ndarray)
            else list(dates_of(t).dt.to_pydatetime())
        ),
        lambda t: [x.replace(tzinfo=UTC) for x in dates_of(t)],
        lambda t: pl.from_pandas(dates_of(t)),
        lambda t: pa.array(dates_of(t)),
    ],
)
def test_a_time_is_a_number_or_a_date(cast):
    frame = drift()
    wanted = surrogate_graph(frame, time="t")
    data = {name: frame[name].to_numpy() for name in "abc"} | {"t": cast(frame["t"].to_numpy())}
    assert surrogate_graph(data, time="t") == wanted


def test_days_are_times():
    day = [date(2024, 1, 1 + k % 28) for k in range(280)]
    rng = np.random.default_rng(0)
    x = np.array([d.day for d in day]) / 5 + rng.normal(size=280)
    assert "x" in CDNOD(FisherZ(), time="day").fit({"day": day, "x": x}).changing_


def test_times_need_not_be_sorted():
    frame = drift()
    one = CDNOD(FisherZ(), time="t").fit(frame)
    two = CDNOD(FisherZ(), time="t").fit(frame.sort_values("t"))
    assert one.surrogate_graph_ == two.surrogate_graph_
    assert one.changing_["a"].p_value == pytest.approx(two.changing_["a"].p_value, rel=1e-6)


def test_domain_and_time_are_one_node():
    frame = sites(3, 200).assign(t=np.tile(np.linspace(0, 1, 200), 3))
    frame["d"] += 4 * frame["t"] ** 2
    found = CDNOD(FisherZ(), domain="site", time="t", alpha=0.01).fit(frame)
    assert found.surrogate_ == "site & t"
    assert found.surrogate_graph_.nodes == ("a", "b", "c", "d", "site & t")
    assert list(found.changing_) == ["a", "c", "d"]
    known = Knowledge(forbidden=[("site & t", "d")])
    assert "d" not in clone(found).set_params(knowledge=known).fit(frame).changing_
    with pytest.raises(InputError, match="Write 'site & t'"):
        clone(found).set_params(knowledge=Knowledge(forbidden=[("t", "d")])).fit(frame)
    named = frame.rename(columns={"d": "site & t"})
    assert clone(found).fit(named).surrogate_ == "site & t'"


def test_discrete_tests_take_the_domain_as_a_category():
    rng = np.random.default_rng(0)
    site = np.repeat([0, 1, 2], 400)
    rain = (rng.random(1200) < np.array([0.2, 0.5, 0.8])[site]).astype(float)
    wet = np.where(rng.random(1200) < 0.8, rain, rng.integers(0, 2, 1200)).astype(float)
    frame = pd.DataFrame({"rain": rain, "wet": wet, "site": site})
    found = CDNOD(GSquare(), domain="site", alpha=0.01).fit(frame)
    assert found.surrogate_graph_ == CausalGraph.parse("site -> rain -> wet", "CPDAG").reordered(
        found.surrogate_graph_.nodes
    )


def test_weights_are_no_variable():
    frame = sites(2).assign(w=1.0)
    frame.loc[::2, "w"] = 2.0
    found = CDNOD(Weighted(FisherZ(), "w"), domain="site", alpha=0.01).fit(frame)
    assert found.graph_.nodes == ("a", "b", "c", "d")
    many = CDNOD(Weighted(FisherZ(), "w"), domain="site", alpha=0.01).fit(sites().assign(w=2.0))
    assert many.surrogate_graph_.nodes == ("a", "b", "c", "d", "site")


# --- one clear error each ------------------------------------------------------------------------

GOOD = {"site": [0, 0, 1, 1] * 5, "t": np.arange(20.0), "x": np.arange(20.0) % 7}
WRONG = {
    "neither": ({}, {}, "neither domain nor time"),
    "both the same": ({"domain": "site", "time": "site"}, {}, "expected different columns"),
    "absent": ({"domain": "sites"}, {}, "Did you mean 'site'"),
    "absent time": ({"time": "tt"}, {}, "no variable 'tt'"),
    "no name": ({"domain": ["site"]}, {}, "the name of one column"),
    "no name either": ({"domain": True}, {}, "the name of one column"),
    "one level": ({"domain": "site"}, {"site": ["a"] * 20}, "one level only, 'a'"),
    "one row": ({"domain": "site"}, {"site": [0] * 10 + [1] * 9 + [2]}, "fewer than 2 rows: 2"),
    "all rows": ({"domain": "site"}, {"site": np.arange(20)}, "name it as time"),
    "hole": ({"domain": "site"}, {"site": [None, *"aab" * 6, "b"]}, "missing in 1 row"),
    "NaN": ({"domain": "site"}, {"site": [np.nan, *[1.0, 2.0] * 9, 1.0]}, "missing in 1 row"),
    "hole in time": ({"time": "t"}, {"t": [np.nan, *range(19)]}, "missing in 1 row"),
    "NaT": ({"time": "t"}, {"t": pd.Series([pd.NaT, *pd.date_range("2020", periods=19)])},
            "missing in 1 row"),
    "no date": ({"time": "t"}, {"t": list("abcdefghijklmnopqrst")}, "expected numbers or dates"),
    "text dates": ({"time": "t"}, {"t": ["2020-01-01"] * 20}, "pandas.to_datetime"),
    "two kinds": ({"time": "t"}, {"t": [datetime(2020, 1, 1), *[1.0] * 19]}, "numbers or dates"),
    "two zones": ({"time": "t"}, {"t": [datetime(2020, 1, 1), *[datetime(2020, 1, 1, tzinfo=UTC)]
                                       * 19]}, "with and without a time zone"),
    "category": ({"time": "t"}, {"t": pd.Series(list("ab") * 10, dtype="category")},
                 "numbers or dates"),
    "no time": ({"time": "t"}, {"t": [3.0] * 20}, "one value only"),
    "endless": ({"time": "t"}, {"t": [np.inf, *range(19)]}, "infinite"),
    "huge": ({"time": "t"}, {"t": np.arange(20) * 1e300}, "Change its unit"),
    "opposite": ({"time": "t"}, {"t": np.linspace(-1, 1, 20) * 1.7e308}, "spans inf"),
    "tiny": ({"time": "t"}, {"t": np.arange(20) * 1e-310}, "Change its unit"),
    "huge integer": ({"time": "t"}, {"t": [10**400, *range(19)]}, "largest float"),
    "eons": ({"time": "t"}, {"t": (np.arange(20) * 10**5).astype("M8[Y]")}, "year 290,000"),
    "lists": ({"domain": "site"}, {"site": pd.Series([[0], [1]] * 10)}, "cannot be told apart"),
    "complex": ({"domain": "site"}, {"site": [1j, 2j] * 10}, "put in order"),
    "two columns": ({"domain": "site", "time": "t", "test": GCM()}, {}, "name only one of the two"),
    "lengths": ({"domain": "site"}, {"site": [0, 0, 1, 1]}, "4 values and the variables have 20"),
    "shape": ({"domain": "site"}, {"site": np.ones((20, 2))}, "one dimension"),
    "change_alpha": ({"domain": "site", "change_alpha": 1.5}, {}, "change_alpha=1.5"),
    "alpha": ({"domain": "site", "alpha": 2}, {}, "alpha=2"),
    "test": ({"domain": "site", "test": FisherZ}, {}, "Pass an instance"),
    "knowledge": ({"domain": "site", "knowledge": {"tiers": []}}, {}, "expected Knowledge"),
    "cause": ({"domain": "site", "knowledge": Knowledge(required=[("x", "site")])}, {},
              "caused by no variable"),
    "tier": ({"domain": "site", "knowledge": Knowledge(tiers=["x", "site"])}, {},
             "comes before all variables"),
    "unknown": ({"domain": "site", "knowledge": Knowledge(forbidden=[("x", "q")])}, {}, "'q'"),
}  # fmt: skip


@pytest.mark.parametrize(("settings", "columns", "message"), WRONG.values(), ids=WRONG.keys())
def test_bad_input_is_one_clear_error(settings, columns, message):
    with pytest.raises(InputError, match=message):
        CDNOD(**({"test": FisherZ()} | settings)).fit(GOOD | columns)


def test_a_table_needs_variables_beside_the_surrogate():
    with pytest.raises(InputError, match="expected variables too"):
        CDNOD(FisherZ(), domain="site").fit({"site": [0, 0, 1, 1]})


def test_a_stream_is_refused_with_a_way_out(tmp_path):
    sites().to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="read by blocks"):
        CDNOD(FisherZ(), domain="site").fit(str(tmp_path / "rows.parquet"))


def test_variables_are_checked_by_the_test():
    frame = sites()
    frame.loc[3, "a"] = np.nan
    with pytest.raises(InputError, match=r"missing values .NaN.: 'a'"):
        CDNOD(FisherZ(), domain="site").fit(frame)
    with pytest.raises(InputError, match="one value only"):
        CDNOD(FisherZ(), domain="site").fit(sites().assign(d=1.0))


def test_a_spent_budget_leaves_edges_and_says_so():
    with pytest.warns(TimeBudgetWarning) as caught:
        found = CDNOD(FisherZ(), domain="site", max_seconds=1e-9).fit(sites())
    assert found.stopped_
    assert caught[0].filename == __file__


def test_a_budget_spent_in_phase_ii_b_is_a_warning_too(monkeypatch):
    def stopped(graph, node, asked, _):
        return direct_by_changes(graph, node, asked, lambda: True)

    monkeypatch.setattr("causalkit.discovery.changing.cdnod.direct_by_changes", stopped)
    frame = sites(12, 40)
    frame["b"] += np.repeat(np.random.default_rng(5).normal(size=12), 40)  # b changes as well
    with pytest.warns(TimeBudgetWarning, match="phase II b: 1 group") as caught:
        found = CDNOD(FisherZ(), domain="site", alpha=0.01, max_seconds=600).fit(frame)
    assert "phase II b" in found.stopped_
    assert [note.filename for note in caught] == [__file__]


@pytest.mark.parametrize(
    "test",
    [
        RobustZ(),
        MissingnessCorrection(),
        TestwiseDeletion(RankZ()),
        TestwiseDeletion(Weighted(RankZ(), "c")),
        TestwiseDeletion(Grouped(PartialCorrelation(), {"ab": ["a", "b"]})),
        MultipleImputation(KCI(), random_state=0),
    ],
)
def test_a_test_that_would_measure_labels_is_refused(test):
    frame = sites(3, 20)
    frame.loc[::9, "d"] = np.nan
    with pytest.raises(InputError, match="domain 'site' has 3 labels; expected a test that") as why:
        CDNOD(test, domain="site").fit(frame)
    assert "leave the column out" not in str(why.value)
    assert type(test).__name__ in str(why.value)


@pytest.mark.parametrize(
    "test",
    [
        TestwiseDeletion(),
        TestwiseDeletion(DegenerateGaussian()),
        TestwiseDeletion(Weighted(FisherZ(), "w")),
        MultipleImputation(random_state=0),
        Grouped(FisherZ(), {"cd": ["c", "d"]}),
        TestwiseDeletion(Grouped(FisherZ(), {"cd": ["c", "d"]})),
    ],
)
def test_what_surrounds_a_test_takes_domain_and_time(test):
    frame = sites(3, 150).assign(t=np.tile(np.linspace(0, 1, 150), 3))
    if "w" in test.columns(()):
        frame["w"] = 1.0 + np.arange(450) % 2
    frame["b"] += 20 * (frame["t"] - 0.5) ** 2  # a curve without a trend
    if not isinstance(test, Grouped):
        frame.loc[::11, "d"] = np.nan
    for settings in ({"domain": "site"}, {"time": "t"}, {"domain": "site", "time": "t"}):
        gone = [name for name in ("site", "t") if name not in settings.values()]
        found = CDNOD(test, alpha=0.01, random_state=0, **settings).fit(frame.drop(columns=gone))
        assert ("a" in found.changing_) == ("domain" in settings)
        assert ("b" in found.changing_) == ("time" in settings)


def test_a_duration_is_a_time_and_a_numpy_integer_a_name():
    frame = sites(4, 50).assign(site=np.arange(200.0))
    wanted = CDNOD(FisherZ(), time="site").fit(frame)
    for unit in ("ns", "us", "D"):
        since = (1000 * frame["site"].to_numpy()).astype(f"timedelta64[{unit}]")
        found = CDNOD(FisherZ(), time="site").fit(frame.assign(site=since))
        assert found.surrogate_graph_ == wanted.surrogate_graph_
    columns = pd.Index(np.arange(5), dtype=np.int64)
    place = columns[frame.columns.get_loc("site")]
    numbered = CDNOD(FisherZ(), time=place).fit(frame.set_axis(columns, axis=1))
    assert numbered.surrogate_ == place
    assert type(numbered.surrogate_) is int


# --- an estimator like the others ----------------------------------------------------------------


def test_neither_the_order_of_columns_nor_of_rows_nor_units_matter():
    for seed in range(5):
        frame = sites(4, 25, seed)
        wanted = CDNOD(FisherZ(), domain="site", random_state=0).fit(frame)
        rng = np.random.default_rng(seed)
        other = frame[rng.permutation(frame.columns)].sample(frac=1.0, random_state=seed)
        other[list("abcd")] *= [-1e5, 1e-6, 10.0, -1.0]
        found = CDNOD(FisherZ(), domain="site", random_state=0).fit(other)
        assert found.surrogate_graph_.reordered(wanted.surrogate_graph_.nodes) == (
            wanted.surrogate_graph_
        )


def test_the_bootstrap_says_how_often_a_mechanism_changes():
    frame = sites(4, 60)
    frame["site"] = frame["site"].astype("category")
    known = Knowledge(tiers=[["site"], list("abcd")])
    inner = CDNOD(FisherZ(), domain="site", alpha=0.01, include_surrogate=True, knowledge=known)
    sure = Bootstrap(inner, 12, strata="site", random_state=0).fit(frame)
    assert sure.graph_.children("site") == {"a", "c"}
    assert sure.frequencies_.of("site", "a")["->"] == 1.0
    assert "->" not in sure.frequencies_.of("a", "site")
    among = Bootstrap(clone(inner).set_params(include_surrogate=False), 12, random_state=0)
    among.fit(frame.assign(site=frame["site"].astype(str)))
    # Rows are drawn within domains unasked; the arrow a -> b rests on the site, which is no node.
    assert among.graph_ == CausalGraph.parse("a -> b; c; d", kind="CPDAG")
    assert list(among.replicates_) == [one.subgraph(list("abcd")) for one in sure.replicates_]


@pytest.mark.parametrize("columns", [["site"], ["when"], ["site", "when"]])
def test_the_bootstrap_reads_text_and_dates(columns):
    frame = sites(3, 60)
    days = pd.date_range("2020", periods=60)
    numbers = frame.assign(site=frame["site"].rank(method="dense"), when=np.tile(range(60), 3))
    frame["when"] = days.append([days, days])
    settings = {"domain": "site", "time": "when"}
    settings = {role: name for role, name in settings.items() if name in columns}
    inner = CDNOD(FisherZ(), alpha=0.01, include_surrogate=True, random_state=0, **settings)
    held = [*"bdac", *columns]
    one = Bootstrap(inner, 4, random_state=0).fit(frame[held])
    two = Bootstrap(inner, 4, random_state=0).fit(pl.from_pandas(numbers[held]))
    assert one.graph_.nodes == ("b", "d", "a", "c", " & ".join(columns))
    assert list(one.replicates_) == list(two.replicates_)
    assert not one.graph_.parents(one.graph_.nodes[-1])
    chosen = StabilitySelection(inner, 2, random_state=0).fit(frame[held])
    assert chosen.graph_.nodes == one.graph_.nodes
    if "site" in columns:
        force = one.algorithm_.driving_force("a", parents=[])
        assert set(force.domains) == {"east", "north", "south"}
        if "when" in columns:
            assert np.issubdtype(force.times.dtype, np.datetime64)


def test_rows_are_drawn_within_domains_unless_something_else_is_asked_for():
    small = pd.concat([sites(2, 60), sites(3, 60).query("site == 'east'").head(4)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no replicate is without the small domain
        inner = CDNOD(FisherZ(), domain="site", random_state=0)
        natural = Bootstrap(inner, 8, random_state=0).fit(small)
    named = Bootstrap(inner, 8, strata="site", random_state=0).fit(small)
    assert list(natural.replicates_) == list(named.replicates_)
    whole = Bootstrap(CDNOD(FisherZ(), domain="site"), 4, clusters="site", random_state=0)
    assert len(whole.fit(sites(8, 30)).replicates_) == 4


def test_what_is_known_of_the_surrogate_stays_known():
    known = Knowledge(forbidden=[("site", "d")], required=[("a", "b")])
    for include in (False, True):
        inner = CDNOD(FisherZ(), domain="site", knowledge=known, include_surrogate=include)
        boot = Bootstrap(inner, 4, random_state=0).fit(sites(4, 60))
        assert "b" in boot.graph_.children("a")
        assert ("site" in boot.graph_.nodes) == include


def test_it_copies_pickles_and_notes_its_columns():
    frame = sites()
    found = CDNOD(FisherZ(), domain="site", alpha=0.01).fit(frame)
    again = pickle.loads(pickle.dumps(found))
    assert again.graph_ == found.graph_
    assert again.explain("a", "b") == found.explain("a", "b")
    assert found.n_features_in_ == 5
    assert found.feature_names_in_.tolist() == list(frame.columns)
    assert clone(found).get_params() == found.get_params()
    parallel = clone(found).set_params(n_jobs=2).fit(frame)
    assert parallel.graph_ == found.graph_
    assert SimpleNamespace(**found.get_params()).alpha == 0.01


# --- sums instead of rows -----------------------------------------------------------------------


def three_sites(seed=0):
    rng = np.random.default_rng(seed)
    site = np.repeat(["north", "south", "west"], 300)
    a = np.repeat([-1.5, 0.0, 1.5], 300) + rng.normal(size=900)
    b = np.sin(a) + 0.5 * rng.normal(size=900)
    return pd.DataFrame({"a": a, "b": b, "c": b**2 + rng.normal(size=900), "site": site})


def test_a_merged_summary_is_fitted_as_the_pooled_one_is():
    frame = three_sites()
    rows = frame[["a", "b", "c"]]
    design = FeatureDesign.from_data(rows)
    sites = [
        FederatedSummary.from_data(part[["a", "b", "c"]], design, domain=site)
        for site, part in frame.groupby("site")
    ]
    merged = sites[0].merge(*sites[1:])
    labelled = frame.assign(site=frame["site"].astype("category"))
    pooled = FederatedSummary.from_data(labelled, design, by="site")
    found = CDNOD(alpha=0.01).fit(merged)
    assert found.graph_ == CDNOD(alpha=0.01).fit(pooled).graph_
    assert list(found.changing_) == ["a"]
    assert found.surrogate_graph_ == CausalGraph.parse(
        "domain -> a -> b -> c", kind="cpdag"
    ).reordered(found.surrogate_graph_.nodes)
    assert found.directions_ == ()
    assert "Meek" in found.explain("a", "b").direction
    assert CDNOD(domain="clinic", alpha=0.01).fit(merged).surrogate_ == "clinic"
    with pytest.raises(InputError, match="learnt from sums"):
        found.driving_force("a")
    with pytest.raises(InputError, match="its own test"):
        CDNOD(FisherZ()).fit(merged)
    with pytest.raises(InputError, match="one domain, 'north'"):
        CDNOD().fit(sites[0])
    with pytest.raises(InputError, match="which is a column"):
        CDNOD(domain="a").fit(merged)
