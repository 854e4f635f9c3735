"""Confidence in learnt graphs: laws of resampling, of the consensus, and the promised bound."""

from __future__ import annotations

import warnings
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from causalkit._core.moments import Moments
from causalkit._core.table import as_table
from causalkit.discovery import PC, Knowledge
from causalkit.discovery.base import Explanation
from causalkit.discovery.constraint.fci import FCI
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.discovery.resampling._consensus import consensus
from causalkit.discovery.resampling._replicates import Replicates
from causalkit.discovery.resampling._resampling import Gaussian, Units, labels_of, sampler_of
from causalkit.discovery.resampling.edge_frequencies import count_edges
from causalkit.discovery.resampling.stability import Bootstrap, explain_share
from causalkit.discovery.resampling.stability_selection import StabilitySelection
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.graph import (
    CausalGraph,
    Kind,
    consistent_extension,
    dag_to_cpdag,
    is_equivalence_class,
    meek_closure,
    random_dag,
)
from causalkit.independence import Clustered, FisherZ, Grouped, GSquare, Oracle, Weighted
from tests.oracles import resampling as slow


def frame(seed=0, n=150, p=6, degree=2.0):
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(p)]
    dag = random_dag(p, expected_degree=degree, rng=rng)
    dag = CausalGraph(names, dag.ends, Kind.DAG)
    weights = dag.directed * rng.uniform(0.4, 1.0, (p, p)) * rng.choice([-1, 1], (p, p))
    values = rng.normal(size=(n, p)) @ np.linalg.inv(np.eye(p) - weights)
    return pd.DataFrame(values, columns=list(dag.nodes)), dag


# --- drawing -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=40),
    st.integers(0, 99),
)
def test_clusters_are_whole_and_strata_keep_their_size(labels, seed):
    clusters = np.unique([10 * s + c for c, s in labels], return_inverse=True)[1]
    strata = np.unique([s for _, s in labels], return_inverse=True)[1]
    units, rng = Units.of(len(labels), clusters, strata), np.random.default_rng(seed)
    drawn = units.again(rng)
    counts = np.bincount(drawn, minlength=len(labels))
    for c in range(clusters.max() + 1):
        assert len(set(counts[clusters == c].tolist())) == 1  # as often as its cluster was drawn
    for s in range(strata.max() + 1):
        members = set(clusters[strata == s].tolist())
        n_drawn = sum(counts[np.argmax(clusters == c)] for c in members)
        assert n_drawn == len(members)
    first, second = (set(half.tolist()) for half in units.halves(rng))
    assert not first & second
    for c in range(clusters.max() + 1):
        held = set(np.flatnonzero(clusters == c).tolist())
        assert held <= first or held <= second or not held & (first | second)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(1, 70), st.integers(0, 99))
def test_blocks_are_consecutive_rows_of_one_series(n, length, seed):
    strata = np.repeat([0, 1], [n, 7])
    drawn = Units.of(n + 7, None, strata).blocks(np.random.default_rng(seed), length)
    assert (strata[drawn] == strata).all()  # each series as long as it was, in its place
    size = min(length, n)
    inside = np.arange(1, n) % size != 0
    assert (np.diff(drawn[:n])[inside] == 1).all()


def test_rows_drawn_again_are_uniform():
    units, rng = Units.of(10, None, None), np.random.default_rng(0)
    counts = np.bincount(np.concatenate([units.again(rng) for _ in range(4000)]), minlength=10)
    assert np.abs(counts / 4000 - 1).max() < 5 * np.sqrt(0.9 / 4000)


@pytest.mark.parametrize("n", [4, 400])
def test_gaussian_matrices_are_those_of_gaussian_rows(n):
    """A Wishart matrix with mean S has var(W_ij) = (s_ii s_jj + s_ij²) / (n - 1)."""
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, 5)) @ rng.normal(size=(5, 5))
    moments = Moments.of(rows)
    gaussian = Gaussian.of(moments)
    drawn = np.array([gaussian.sample(moments, rng).gram for _ in range(4000)])
    held = moments.gram
    spread = np.sqrt((np.outer(np.diag(held), np.diag(held)) + held**2) / (n - 1))
    expected = held * (n - 1) / n
    assert np.abs((drawn.mean(axis=0) - expected) / spread).max() < 5 / np.sqrt(4000)
    assert np.abs(drawn.std(axis=0) / spread / ((n - 1) / n) - 1).max() < 0.2


# --- Bootstrap -----------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_with_an_oracle_every_edge_has_share_one(seed):
    data, dag = frame(seed, n=10)
    boot = Bootstrap(PC(Oracle(dag)), n_resamples=5, random_state=0).fit(data)
    assert boot.graph_ == dag_to_cpdag(dag)
    assert all(boot.frequencies_.share(edge) == 1.0 for edge in boot.graph_.edges())
    assert set(np.unique(boot.frequencies_.matrix())) <= {0.0, 1.0}


def test_with_an_oracle_and_hidden_variables_it_is_the_pag():
    dag = CausalGraph.parse("H -> A; H -> B; C -> A; D -> B; B -> E; A -> E")
    data = {name: [0.0, 1.0] for name in "ABCDE"}
    algorithm = FCI(Oracle(dag))
    boot = Bootstrap(algorithm, n_resamples=4, random_state=0).fit(data)
    assert boot.graph_ == clone(algorithm).fit(data).graph_


@pytest.mark.parametrize("resample", ["rows", "blocks", "subsample", "gaussian", "tests"])
def test_laws_of_every_way_to_resample(resample):
    data, _ = frame(3)
    before = data.copy()
    boot = Bootstrap(PC(alpha=0.1), 25, resample=resample, random_state=7)
    one = clone(boot).fit(data)
    assert (data == before).all(axis=None)
    two = clone(boot).set_params(n_jobs=2).fit(data)
    assert list(one.replicates_) == list(two.replicates_)
    assert one.graph_ == two.graph_
    mixed = data[list(reversed(data.columns))]
    other = clone(boot).fit(mixed)
    assert other.graph_.nodes == tuple(mixed.columns)
    if resample != "gaussian":
        assert other.graph_ == one.graph_
        assert list(other.replicates_) == list(one.replicates_)
    assert clone(boot).fit(pl.from_pandas(data)).graph_ == one.graph_
    assert is_equivalence_class(one.graph_)
    assert boot.get_params()["algorithm__alpha"] == 0.1


@pytest.mark.slow
def test_processes_agree_with_one_process():
    data, _ = frame(3)
    coded = (data > 0).astype(float)
    boot = Bootstrap(PC(GSquare()), 6, random_state=7)
    assert list(clone(boot).fit(coded).replicates_) == list(
        clone(boot).set_params(n_jobs=2).fit(coded).replicates_
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_shares_are_those_of_the_graphs_one_by_one(seed, latent):
    data, _ = frame(seed, n=60)
    algorithm = FCI(alpha=0.1) if latent else PC(alpha=0.1)
    boot = Bootstrap(algorithm, 10, random_state=0).fit(data)
    graphs = list(boot.replicates_)
    for a, b in combinations(data.columns, 2):
        found = boot.frequencies_.of(a, b)
        expected = slow.shares(graphs, a, b)
        assert {k: v for k, v in found.items() if v} == pytest.approx(expected)
        assert sum(found.values()) == pytest.approx(1)
        joined = boot.frequencies_.matrix()[data.columns.get_loc(a), data.columns.get_loc(b)]
        assert joined == pytest.approx(1 - found["none"])
        assert bool(boot.graph_.edges_between(a, b)) == (joined >= 0.5)
    table = boot.frequencies_.to_frame()
    assert len(table) == np.count_nonzero(np.triu(boot.frequencies_.matrix()))
    assert table["adjacent"].is_monotonic_decreasing


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 0.95))
def test_the_consensus_of_any_classes_is_a_class(seed, threshold):
    rng = np.random.default_rng(seed)
    graphs = [random_dag(8, expected_degree=3.0, rng=rng).to_cpdag() for _ in range(7)]
    marks = [(*np.nonzero(g.ends), g.ends[np.nonzero(g.ends)]) for g in graphs]
    replicates = Replicates(graphs[0].nodes, Kind.CPDAG, tuple(marks))
    share = np.mean([g.adjacency for g in graphs], axis=0)
    found = consensus(replicates, share >= threshold, share, None)
    assert is_equivalence_class(found)
    assert (found.adjacency == (share >= threshold)).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_consensus_of_any_dags_is_a_dag_and_obeys_majorities_that_fit(seed):
    rng = np.random.default_rng(seed)
    graphs = [random_dag(8, expected_degree=4.0, rng=rng) for _ in range(7)]
    marks = [(*np.nonzero(g.ends), g.ends[np.nonzero(g.ends)]) for g in graphs]
    replicates = Replicates(graphs[0].nodes, Kind.DAG, tuple(marks))
    votes = np.sum([g.directed for g in graphs], axis=0)
    share = (votes + votes.T) / 7
    found = consensus(replicates, share >= 0.4, share, None)
    assert CausalGraph(found.nodes, found.ends, Kind.DAG) == found
    clearest = np.argwhere((share >= 0.4) & (votes == votes[share >= 0.4].max(initial=0)))
    if len(clearest) == 1:
        assert found.directed[tuple(clearest[0])]
    assert (found.directed <= (votes > 0)).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_arrows_beyond_the_class_are_put_to_the_vote(seed):
    rng = np.random.default_rng(seed)
    dags = [random_dag(5, expected_degree=rng.uniform(0, 4), rng=rng) for _ in range(9)]
    marks = tuple((*np.nonzero(g.ends), g.ends[np.nonzero(g.ends)]) for g in dags)
    replicates = Replicates(dags[0].nodes, Kind.CPDAG, marks)  # as if all arrows were known
    share = np.mean([dag.ends > 0 for dag in dags], axis=0)
    plain = consensus(replicates, share >= 0.5, share, None)
    found = consensus(replicates, share >= 0.5, share, None, beyond_class=True)
    assert consistent_extension(found) is not None
    assert meek_closure(found) == found
    assert (found.ends > 0).tolist() == (plain.ends > 0).tolist()
    assert (found.directed >= plain.directed).all()
    wins = np.sum([dag.directed for dag in dags], axis=0)
    for i, j in np.argwhere(found.undirected):
        assert wins[i, j] == wins[j, i]  # else the majority had decided
    same = Replicates(dags[0].nodes, Kind.CPDAG, marks[:1] * 3)
    assert consensus(same, dags[0].ends > 0, share, None, beyond_class=True).directed.tolist() == (
        dags[0].directed.tolist()
    )


def test_knowledge_is_obeyed_and_the_class_is_not_empty():
    data, _ = frame(5, p=7, degree=3.0)
    knowledge = Knowledge(tiers=[["v0", "v1", "v2"], ["v3", "v4", "v5", "v6"]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        boot = Bootstrap(PC(knowledge=knowledge), 20, random_state=0).fit(data)
    for edge in boot.graph_.edges():
        assert (edge.left, edge.right) not in knowledge.forbidden
        if edge.symbol == "->":
            assert not (edge.left >= "v3" and edge.right < "v3")
        else:
            assert (edge.left >= "v3") == (edge.right >= "v3")
    assert meek_closure(boot.graph_) == boot.graph_
    assert consistent_extension(boot.graph_).kind is Kind.DAG


def test_named_columns_say_how_rows_are_drawn_and_are_no_variables():
    data, _ = frame(1)
    labels = np.repeat(["a", "b", "c", "d", "e", "f"], 25)
    named = Bootstrap(PC(), 10, clusters="school", strata="town", random_state=0)
    given_ = clone(named).set_params(clusters=labels, strata=labels < "c")
    grouped = data.assign(school=labels, town=labels < "c")
    one, two = named.fit(grouped), given_.fit(data)
    assert one.graph_.nodes == tuple(data.columns)
    assert list(one.replicates_) == list(two.replicates_)
    assert one.n_features_in_ == 8


def test_a_replicate_that_fails_is_counted():
    data, _ = frame(2, n=40)
    data["rare"] = 0.0
    data.loc[0, "rare"] = 1.0
    with pytest.warns(CausalkitWarning, match="replicates failed"):
        boot = Bootstrap(PC(), 30, random_state=0).fit(data)
    assert 0 < len(boot.failures_) < 30
    assert len(boot.replicates_) == boot.frequencies_.n_replicates == 30 - len(boot.failures_)
    assert "rare" in next(iter(boot.failures_.values()))


def test_if_all_fail_it_is_an_error():
    data = pd.DataFrame({"a": [0.0] * 9 + [1.0], "b": np.arange(10.0)})
    clusters = [0] * 5 + [1] * 4 + [2]
    with pytest.raises(NumericalError, match="all 1 replicates"):
        Bootstrap(PC(), 1, clusters=clusters, random_state=_seed_without(2)).fit(data)


def _seed_without(cluster):
    for seed in range(100):
        stream = np.random.default_rng(seed).spawn(2)[0]
        if cluster not in stream.choice(np.arange(3), 3):
            return seed
    raise AssertionError


def test_moments_of_rows_that_nobody_holds(tmp_path):
    data, _ = frame(4)
    path = tmp_path / "rows.parquet"
    data.to_parquet(path)
    boot = Bootstrap(PC(), 15, resample="gaussian", random_state=0)
    assert clone(boot).fit(path).graph_ == clone(boot).fit(data).graph_
    with pytest.raises(InputError, match="never held"):
        clone(boot).set_params(resample="rows").fit(path)
    with pytest.raises(InputError):
        clone(boot).set_params(algorithm=PC(GSquare())).fit(path)


@pytest.mark.parametrize(
    "settings_",
    [
        {"resample": "jackknife"},
        {"n_resamples": 0},
        {"threshold": 1.5},
        {"block_length": 3},
        {"resample": "blocks", "block_length": 0},
        {"resample": "blocks", "clusters": np.arange(150) // 5},
        {"resample": "gaussian", "strata": np.arange(150) // 75},
        {"clusters": np.zeros(150)},
        {"clusters": np.arange(7)},
        {"clusters": "nobody"},
        {"resample": "subsample", "strata": np.arange(150)},
        {"strata": [None] * 150},
        {"clusters": np.arange(150) % 30, "strata": np.arange(150) // 75},
        {"algorithm": PC},
        {"algorithm": PC(alpha=2)},
    ],
    ids=lambda settings_: "-".join(settings_),
)
def test_settings_that_do_not_fit_are_refused(settings_):
    data, _ = frame(0)
    with pytest.raises(InputError) as caught:
        Bootstrap(PC(), 3).set_params(**settings_).fit(data)
    assert len(str(caught.value)) > 30


def test_explain_says_why_a_more_frequent_arrow_is_not_drawn():
    whole = CausalGraph.from_edges("abc", [("a", "b"), ("c", "b")], Kind.CPDAG)
    drawn = CausalGraph.from_edges("abc", [("a", "b", "--")], Kind.CPDAG)
    shares = count_edges(drawn, [whole.ends, whole.ends, drawn.ends])

    class OnAllRows:
        def explain(self, a, b):
            return Explanation((a, b), "a -- b", "no set separates them", "undecided")

    direction = explain_share(drawn, shares, OnAllRows(), "a", "b").direction
    assert "a -- b in 33%" in direction
    assert "Though a -> b is more frequent" in direction
    whole_shares = count_edges(whole, [whole.ends, whole.ends, drawn.ends])
    assert "Though" not in explain_share(whole, whole_shares, OnAllRows(), "a", "b").direction


def test_explain_says_how_often_and_why():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    data = {"a": a, "b": b, "c": a + b + rng.normal(size=400)}
    boot = Bootstrap(PC(), 20, random_state=0).fit(data)
    told = boot.explain("c", "a")
    assert told.edge == "a -> c"
    assert "%" in told.adjacency
    assert told.test is not None
    assert boot.explain("a", "b").edge == "no edge"
    assert "replicates" in repr(boot.frequencies_)
    with pytest.raises(InputError):
        boot.frequencies_.of("a", "a")


def test_integer_names_and_tiny_tables():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(12, 3)), columns=[3, 1, 2])
    boot = Bootstrap(PC(), 8, random_state=0).fit(data)
    assert boot.graph_.nodes == (3, 1, 2)
    assert boot.frequencies_.of(3, 1)
    with pytest.raises(InputError):
        Bootstrap(PC(), 8).fit(data.assign(hole=np.nan))


# --- stability selection -------------------------------------------------------------------------


def test_stability_is_the_share_of_halves_and_the_bound_is_the_formula():
    data, _ = frame(6)
    chosen = StabilitySelection(PC(alpha=0.05), 20, threshold=0.8, random_state=0).fit(data)
    graphs = list(chosen.replicates_)
    assert len(graphs) == 40
    assert np.allclose(chosen.stability_, np.mean([g.adjacency for g in graphs], axis=0))
    q = np.mean([len(g.edges()) for g in graphs])
    assert chosen.n_selected_ == pytest.approx(q)
    assert chosen.error_bound_ == pytest.approx(q**2 / (0.6 * 15))
    assert chosen.unimodal_bound_ <= chosen.error_bound_
    assert (chosen.graph_.adjacency == (chosen.stability_ >= 0.8)).all()
    assert is_equivalence_class(chosen.graph_)
    again = clone(chosen).set_params(n_jobs=2).fit(data[data.columns[::-1]])
    assert again.graph_ == chosen.graph_


def test_over_several_alphas_an_edge_counts_by_its_best_one():
    data, _ = frame(6)
    alphas = (0.001, 0.05)
    both = StabilitySelection(PC(), 10, alphas=alphas, random_state=0).fit(data)
    single = [StabilitySelection(PC(alpha=a), 10, random_state=0).fit(data) for a in alphas]
    best = np.maximum(single[0].stability_, single[1].stability_)
    assert np.array_equal(both.stability_, best)
    assert both.n_selected_ >= max(one.n_selected_ for one in single)
    with pytest.raises(InputError):
        StabilitySelection(PC(), 3, alphas=[]).fit(data)


def test_a_wanted_bound_is_kept_or_refused():
    data, _ = frame(6)
    chosen = StabilitySelection(PC(alpha=0.01), 20, max_false_edges=3.0, random_state=0).fit(data)
    assert 0 < chosen.error_bound_ <= 3.0
    with pytest.raises(InputError, match="at least"):
        StabilitySelection(PC(), 10, max_false_edges=1e-4, random_state=0).fit(data)
    with pytest.raises(InputError, match="one half"):
        StabilitySelection(PC(), 3, threshold=0.4).fit(data)


@pytest.mark.slow
def test_the_bound_holds_in_simulations():
    """False edges among 15 variables in 64 tables, against the mean of the bounds."""
    false, bounds = [], []
    for seed in range(64):
        data, dag = frame(seed, n=200, p=15, degree=2.0)
        chosen = StabilitySelection(PC(alpha=0.05), 15, threshold=0.7, random_state=seed).fit(data)
        false.append(slow.skeletons_differ(chosen.graph_, dag))
        bounds.append(chosen.error_bound_)
    error = np.std(false) / 8
    assert np.mean(false) <= np.mean(bounds) + 2 * error


def test_halves_keep_the_level_of_a_test_and_resampled_rows_do_not():
    """Var(r* - 0) is that of the data plus that of resampling: twice as much, P(|z| > 1.386)."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 20))  # 190 pairs, all independent
    for resample, expected in (("rows", 0.166), ("gaussian", 0.166), ("subsample", 0.05)):
        boot = Bootstrap(PC(max_order=0), 40, resample=resample, random_state=0).fit(rows)
        rate = boot.frequencies_.matrix()[np.triu_indices(20, 1)].mean()
        assert rate == pytest.approx(expected, abs=0.04)


def test_labels_of_any_type():
    assert labels_of({"g": ["b", "a", "b"]}, "g", "clusters").tolist() == [1, 0, 1]
    assert len(set(labels_of({}, np.array([1, "1"], dtype=object), "clusters").tolist())) == 2
    table = as_table({"a": [1.0, 2.0, 3.0]})
    assert sampler_of(table, "blocks", None, None, None).length == 2


# --- tests whose variables are not the columns ---------------------------------------------------


def schools(n_clusters=60, size=4, seed=0):
    """Rows of a school share a part of each noise; x -> z <- y."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n_clusters), size)
    x, y, e = rng.normal(size=(3, n_clusters))[:, school] + rng.normal(size=(3, len(school)))
    frame = pd.DataFrame({"z": x + y + e, "cl": [f"s{k}" for k in school], "y": y, "x": x})
    frame["cl"] = frame["cl"].astype("category")
    return frame


@pytest.mark.parametrize(
    "wrapper",
    [lambda *a, **k: Bootstrap(*a, 12, **k), lambda *a, **k: StabilitySelection(*a, 6, **k)],
)
def test_clusters_that_the_test_reads_are_drawn_whole(wrapper):
    frame = schools()
    test = Clustered(FisherZ(), "cl")
    for clusters in ("cl", frame["cl"].to_numpy()):
        found = wrapper(PC(test), clusters=clusters, random_state=0).fit(frame)
        assert not found.failures_
        assert found.graph_.nodes == ("z", "y", "x")
        assert found.graph_.skeleton() == PC(test).fit(frame).graph_.skeleton()
    again = wrapper(PC(test), clusters="cl", random_state=0, n_jobs=2).fit(frame)
    assert again.frequencies_.of("x", "z") == found.frequencies_.of("x", "z")


def test_a_cluster_drawn_twice_is_two_clusters():
    """Against tables put together cluster by cluster."""
    frame = schools(n_clusters=7, size=3)
    table = as_table(frame)
    clusters = labels_of(frame, "cl", "clusters")
    sampler = sampler_of(table, "rows", None, clusters, None, "cl")
    for seed in range(5):
        drawn = sampler.sample(table, np.random.default_rng(seed))
        rows = sampler.draw(np.random.default_rng(seed))
        order = [clusters[rows[k]] for k in range(0, len(rows), 3)]
        parts = [frame[clusters == k].assign(cl=str(place)) for place, k in enumerate(order)]
        built = pd.concat(parts)
        built["cl"] = built["cl"].astype("category")
        test = Clustered(FisherZ(), "cl")
        names = ("z", "y", "x", "cl")
        bound, slow_bound = test.bind(drawn.select(names)), test.bind(as_table(built[list(names)]))
        assert bound(0, 1, (2,)).p_value == pytest.approx(slow_bound(0, 1, (2,)).p_value)
        assert len(np.unique(drawn.column("cl"))) == 7


def test_labels_stay_where_what_is_drawn_cuts_clusters():
    table = as_table({"x": np.arange(6.0), "cl": [0, 0, 1, 1, 2, 2]})
    halves = np.array([0, 1, 2, 2, 3, 3])  # one of the clusters is cut
    assert sampler_of(table, "rows", None, halves, None, "cl").labels is None
    assert sampler_of(table, "rows", None, None, None, "cl").labels is None
    coarser = np.array([0, 0, 0, 0, 1, 1])
    assert sampler_of(table, "rows", None, coarser, None, "cl").labels == "cl"


@pytest.mark.parametrize("resample", ["rows", "subsample", "blocks"])
def test_groups_and_weights_are_no_failures(resample):
    rng = np.random.default_rng(0)
    frame, _ = frame_and_weights(rng)
    test = Weighted(Grouped(FisherZ(), {"g": ["v1", "v4"]}), "w")
    boot = Bootstrap(FCI(test), 6, resample=resample, random_state=0).fit(frame)
    assert not boot.failures_
    assert boot.graph_.nodes == test.nodes(tuple(frame.columns)) == ("v0", "g", "v2", "v3", "v5")
    nested = Bootstrap(Bootstrap(PC(test), 2, random_state=0), 2, random_state=0).fit(frame)
    assert nested.graph_.nodes == boot.graph_.nodes
    chosen = StabilitySelection(PC(test), 3, random_state=0).fit(frame)
    assert chosen.stability_.shape == (5, 5)
    assert not chosen.failures_


def frame_and_weights(rng):
    data, dag = frame()
    return data.assign(w=rng.uniform(1.0, 2.0, size=len(data))), dag


def test_a_search_around_one_variable_is_refused():
    data, _ = frame()
    for wrapper in (Bootstrap, StabilitySelection):
        with pytest.raises(InputError, match="asks about all pairs"):
            wrapper(LocalPC("v0")).fit(data)
        with pytest.raises(InputError, match="asks about all pairs"):
            wrapper(Bootstrap(LocalPC("v0"))).fit(data)


@pytest.mark.parametrize("alphas", [0.1, "0.1"])
def test_alphas_are_several(alphas):
    with pytest.raises(InputError, match="expected several numbers"):
        StabilitySelection(PC(), 1, alphas=alphas).fit(
            np.random.default_rng(0).normal(size=(60, 3))
        )
