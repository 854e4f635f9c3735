"""Ranks, tetrads, clusters of indicators, RLCD and HCA: hidden variables that are really there."""

from __future__ import annotations

import pickle
import warnings
from importlib.util import find_spec

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binom
from sklearn.base import clone

from causalkit.discovery.latent import rlcd as rlcd_module
from causalkit.discovery.latent._rlcd_worker import Ranks, _learn
from causalkit.discovery.latent.latent_capabilities import HCA
from causalkit.discovery.latent.latent_rank import CrossRanks, cross_rank, rank_test
from causalkit.discovery.latent.pure_clusters import purify
from causalkit.discovery.latent.rlcd import RLCD
from causalkit.discovery.latent.tetrad_clusters import FOFC
from causalkit.discovery.latent.tetrads import _wishart, tetrad_p_values, tetrad_test, tetrads_of
from causalkit.errors import CausalkitWarning, InputError, NumericalError, UnknownVariableError
from causalkit.graph import Kind
from causalkit.independence import FisherZ
from tests.oracles.latent import (
    canonical_correlations,
    factor_rows,
    measured,
    tetrad_variance,
)

needs_rlcd = pytest.mark.skipif(
    find_spec("causallearn.search.HiddenCausal.RLCD") is None,
    reason="this version of causal-learn has no RLCD",
)


def within_chance(rejected: int, n: int, level: float) -> bool:
    low, high = binom.ppf([0.0005, 0.9995], n, level)
    return bool(low <= rejected <= high)


# --- ranks ----------------------------------------------------------------------------------------


def test_canonical_correlations_are_cosines_between_column_spaces():
    rng = np.random.default_rng(0)
    rows = factor_rows(rng, 80, 3, 4, 2)
    data = {f"x{k}": column for k, column in enumerate(rows.T)}
    found = rank_test(data, ["x0", "x1", "x2"], ["x3", "x4", "x5", "x6"], 1)
    expected = canonical_correlations(rows[:, :3], rows[:, 3:])
    assert np.allclose(found.canonical_correlations, expected)
    assert (found.degrees, found.n_used) == ((3 - 1) * (4 - 1), 80)
    again = rank_test(data, ["x3", "x4", "x5", "x6"], ["x2", "x1", "x0"], 1)
    assert again.p_value == pytest.approx(found.p_value)
    assert "at most 1" in repr(found)


def test_a_variable_on_both_sides_makes_a_partial_correlation():
    rng = np.random.default_rng(1)
    c = rng.normal(size=400)
    data = {"a": c + rng.normal(size=400), "b": c + rng.normal(size=400), "c": c}
    found = rank_test(data, ["a", "c"], ["b", "c"], 1)
    assert found.p_value == pytest.approx(
        FisherZ().test(data, "a", "b", given=["c"]).p_value, abs=0.02
    )
    assert rank_test(data, ["a", "c"], ["b", "c"], 0).p_value == 0.0
    assert cross_rank(data, ["a", "c"], ["b", "c"]) == 1


@pytest.mark.parametrize(
    ("n_left", "n_right", "rank"), [(2, 2, 0), (2, 2, 1), (3, 3, 1), (3, 3, 2), (4, 5, 2)]
)
def test_the_rank_test_holds_its_level_in_small_samples(n_left, n_right, rank):
    rng = np.random.default_rng(10 * n_left + rank)
    rejected = 0
    for _ in range(400):
        rows = factor_rows(rng, 60, n_left, n_right, rank, loading=2.0)
        ranks = CrossRanks(tuple(range(n_left + n_right)), np.corrcoef(rows.T), 60)
        test = ranks.test(range(n_left), range(n_left, n_left + n_right), rank)
        rejected += test.p_value < 0.05
    assert within_chance(rejected, 400, 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("loading", [0.3, 0.5, 0.8])
def test_power_of_the_rank_test_grows_with_rows(loading):
    rng = np.random.default_rng(3)
    power = []
    for n in (100, 300, 1000):
        hits = 0
        for _ in range(300):
            rows = factor_rows(rng, n, 3, 3, 2, loading=loading)
            ranks = CrossRanks(tuple(range(6)), np.corrcoef(rows.T), n)
            hits += ranks.test(range(3), range(3, 6), 1).p_value < 0.05
        power.append(hits / 300)
    assert power == sorted(power)


def test_ranks_count_hidden_variables():
    rng = np.random.default_rng(4)
    for rank in range(4):
        rows = factor_rows(rng, 2000, 4, 4, rank, loading=2.0)
        data = {f"x{k}": column for k, column in enumerate(rows.T)}
        names = list(data)
        assert cross_rank(data, names[:4], names[4:], alpha=0.001) == rank


@needs_rlcd
def test_causal_learn_decides_alike():
    from causallearn.search.HiddenCausal.RLCD import Chi2RankTest

    rng = np.random.default_rng(5)
    same = 0
    for _ in range(40):
        rows = factor_rows(rng, 300, 3, 3, 2, loading=0.7)
        values = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        rank = int(rng.integers(3))
        theirs = Chi2RankTest(values).test([0, 1, 2], [3, 4, 5], rank, 0.05)
        same += bool(theirs) == Ranks(values).test([0, 1, 2], [3, 4, 5], rank, 0.05)
    assert same >= 38


def test_rank_tests_refuse_what_they_cannot_use():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(50, 4)), columns=list("abcd"))
    with pytest.raises(InputError, match="rank=2"):
        rank_test(frame, ["a", "b"], ["c", "d"], 2)
    with pytest.raises(InputError, match="A is empty"):
        rank_test(frame, [], ["c", "d"], 0)
    with pytest.raises(UnknownVariableError, match="'z'"):
        rank_test(frame, ["a", "z"], ["c", "d"], 1)
    with pytest.raises(NumericalError, match="determine each other"):
        rank_test(frame.assign(b=frame["a"]), ["a", "b"], ["c", "d"], 1)
    with pytest.raises(InputError, match="missing"):
        rank_test(frame.mask(frame > 1), ["a", "b"], ["c", "d"], 1)
    with pytest.raises(InputError, match="one value only"):
        rank_test(frame.assign(a=1), ["a", "b"], ["c", "d"], 1)
    with pytest.raises(InputError, match="rows"):
        rank_test(frame.head(5), ["a", "b"], ["c", "d"], 1)
    with pytest.raises(InputError, match="alpha=2"):
        cross_rank(frame, ["a"], ["b"], alpha=2)
    copied = rank_test(frame.assign(c=frame["a"]), ["a", "b"], ["c", "d"], 1)
    assert copied.p_value > 0.001  # correlation 1 is one hidden variable, b and d share none


# --- tetrads --------------------------------------------------------------------------------------


def test_wisharts_variance_is_that_of_samples():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 6))
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    correlations = covariance / scale / scale[:, None]
    found = _wishart(correlations, np.array([[0, 1, 2, 3]]), 50)[0]
    assert found == pytest.approx(tetrad_variance(correlations, 50, rng), rel=0.12)


@pytest.mark.parametrize("gaussian", [True, False])
@pytest.mark.parametrize("kind", ["gaussian", "exponential"])
def test_tetrads_of_one_factor_vanish_at_the_level(gaussian, kind):
    if gaussian and kind == "exponential":
        pytest.skip("Gaussian variances are not claimed to hold for exponential variables")
    rng = np.random.default_rng(1)
    draw = rng.normal if kind == "gaussian" else lambda size: rng.exponential(size=size) - 1
    rejected = together = 0
    ways = [
        (("a0", "a1"), ("a2", "a3")),
        (("a0", "a2"), ("a1", "a3")),
        (("a0", "a3"), ("a1", "a2")),
    ]
    for _ in range(250):
        data = measured(rng, 500, [4], draw=draw)
        found = tetrad_test(data, ways, gaussian=gaussian)
        assert found.degrees == 2  # the third follows from two
        together += found.p_value < 0.05
        rejected += tetrad_test(data, ways[:1], gaussian=gaussian).p_value < 0.05
    assert within_chance(rejected, 250, 0.05)
    assert within_chance(together, 250, 0.05)


def test_a_single_tetrad_is_tested_alike_in_four_ways():
    data = measured(np.random.default_rng(2), 4000, [2, 2])
    values = np.column_stack([(c - c.mean()) / c.std() for c in data.values()])
    correlations, index = values.T @ values / len(values), np.array([[0, 1, 2, 3]])
    sides = [(("a0", "a1"), ("b0", "b1"))]
    p_values = [rank_test(data, *sides[0], 1).p_value]
    for gaussian in (True, False):
        p_values.append(tetrad_p_values(values, correlations, index, gaussian=gaussian)[0])
        p_values.append(tetrad_test(data, sides, gaussian=gaussian).p_value)
    assert np.ptp(p_values) < 0.03


def test_tetrads_of_quartets_are_their_pairings():
    ways = tetrads_of(np.array([[3, 5, 7, 9]]))[0]
    sides = {frozenset([frozenset(w[:2]), frozenset(w[2:])]) for w in ways.tolist()}
    assert len(sides) == 3
    assert all(frozenset().union(*pair) == {3, 5, 7, 9} for pair in sides)


def test_tetrad_tests_refuse_what_is_none():
    data = measured(np.random.default_rng(0), 50, [4])
    for tetrad in (("a0", "a1"), (("a0", "a1"), ("a1", "a2")), ("ab", "cd"), 7):
        with pytest.raises(InputError, match="is no tetrad"):
            tetrad_test(data, [tetrad])
    with pytest.raises(InputError, match="there is no tetrad"):
        tetrad_test(data, [])


# --- clusters -------------------------------------------------------------------------------------


def blocks(*sizes):
    return {frozenset(f"{c}{k}" for k in range(m)) for c, m in zip("abcdef", sizes, strict=False)}


@pytest.mark.parametrize("sizes", [(4,), (3, 4), (3, 3, 3), (5, 4, 4)])
@pytest.mark.parametrize(
    ("n", "kind"), [(500, "gaussian"), (2000, "gaussian"), (1000, "exponential")]
)
def test_pure_clusters_are_recovered(sizes, n, kind):
    rng = np.random.default_rng(n + len(sizes))
    draw = rng.normal if kind == "gaussian" else lambda size: rng.exponential(size=size) - 1
    right = 0
    for _ in range(10):
        data = measured(rng, n, sizes, draw=draw)
        found = FOFC(gaussian=kind == "gaussian").fit(data)
        right += {frozenset(cluster) for cluster in found.clusters_} == blocks(*sizes)
    assert right >= 8


def test_what_measures_nothing_or_two_things_is_left_out():
    rng = np.random.default_rng(7)
    data = measured(rng, 3000, (4, 4))
    data["alone"] = rng.normal(size=3000)
    data["both"] = data["a0"] + data["b0"] + rng.normal(size=3000)
    found = FOFC().fit(data)
    assert set(found.unclustered_) >= {"alone"}
    assert not any("both" in c and len(set(c) & set("a0")) for c in found.clusters_)
    for cluster in found.clusters_:
        assert len({name[0] for name in cluster if name != "both"}) == 1
    assert "alone" not in found.graph_
    assert found.graph_.kind is Kind.PAG
    assert str(found.graph_.edges_between("L1", "L2")[0]) == "L1 o-o L2"
    assert "p = " in found.explain("L1", "L2").adjacency
    assert "vanish" in found.explain("L1", found.clusters_[0][0]).adjacency
    assert "another cluster" in found.explain("L2", found.clusters_[0][0]).adjacency
    with pytest.raises(UnknownVariableError):
        found.explain("alone", "L1")


def test_independent_hidden_variables_are_not_joined():
    data = measured(np.random.default_rng(8), 2000, (4, 4), link=0.0)
    found = FOFC().fit(data)
    assert len(found.clusters_) == 2
    assert not found.graph_.edges_between(*found.latents_)


def test_independent_columns_make_no_cluster():
    found = FOFC().fit(np.random.default_rng(0).normal(size=(500, 6)))
    assert (found.clusters_, found.latents_, found.graph_.nodes) == ((), (), ())
    assert len(found.unclustered_) == 6


def test_clusters_do_not_depend_on_units_order_or_container():
    frame = pd.DataFrame(measured(np.random.default_rng(9), 500, (4, 3)))
    found = FOFC().fit(frame)
    changed = frame[frame.columns[::-1]] * 10.0 ** np.arange(-3, 4) + 5.0
    assert FOFC().fit(changed).clusters_ == found.clusters_
    assert FOFC().fit(pl.from_pandas(frame)).graph_ == found.graph_
    assert FOFC().fit(frame * 1e300).clusters_ == found.clusters_
    renamed = FOFC().fit(frame.rename(columns={"a0": "L1"}))
    assert renamed.latents_ == ("LL1", "LL2")
    numbered = frame.set_axis(range(7), axis=1)
    assert [len(c) for c in FOFC().fit(numbered).clusters_] == [len(c) for c in found.clusters_]
    assert pickle.loads(pickle.dumps(found)).graph_ == found.graph_


def test_purify_drops_what_spoils_a_cluster_and_nothing_else():
    rng = np.random.default_rng(10)
    given = [[f"a{k}" for k in range(4)], [f"b{k}" for k in range(4)]]
    spoilt = clean = 0
    for _ in range(12):
        data = measured(rng, 1500, (4, 4))
        clean += purify(data, given).dropped == ()
        data["a2"] = data["a2"] + 0.8 * data["b0"]
        found = purify(data, given)
        spoilt += set(found.dropped) <= {"a2", "b0"} and len(found.dropped) > 0
        assert found.n_violations[-1] == 0
        kept = {name for cluster in found.clusters for name in cluster}
        assert kept | set(found.dropped) == {name for cluster in given for name in cluster}
    assert clean >= 11
    assert spoilt >= 11
    assert "violated at first" in repr(found)


@pytest.mark.parametrize("algorithm", [FOFC(), RLCD()], ids=["FOFC", "RLCD"])
def test_hostile_tables_are_refused(algorithm):
    frame = pd.DataFrame(measured(np.random.default_rng(0), 60, (4, 2)))
    hostile = [
        (frame.mask(frame > 1), InputError, "missing"),
        (frame.assign(a0=1.0), InputError, "one value only"),
        (frame.assign(a0=2 * frame["a1"]), NumericalError, "linear combinations"),
        (frame.head(3), InputError, "rows"),
        (frame[["a0", "a1", "a2"]], InputError, "at least 4"),
        (frame.assign(a0=pd.Categorical(list("xyz") * 20)), InputError, "3 levels"),
    ]
    for data, error, words in hostile:
        with pytest.raises(error, match=words):
            clone(algorithm).fit(data)


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (FOFC(alpha=0), "alpha=0"),
        (RLCD(alpha=2), "alpha=2"),
        (RLCD(max_latents=4), "max_latents=4"),
        (RLCD(penalty=0), "penalty=0"),
        (HCA(0), "n_latents=0"),
        (HCA(9), "n_latents=9"),
        (HCA(2, group="nobody"), "nobody"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(algorithm, words):
    data = {"environment": np.repeat([0, 1], 30), **measured(np.random.default_rng(0), 60, (4,))}
    with pytest.raises(InputError, match=words):
        algorithm.fit(data)


def test_purify_refuses_what_it_cannot_use():
    data = measured(np.random.default_rng(0), 60, (4, 2))
    with pytest.raises(InputError, match="in two clusters"):
        purify(data, [["a0", "a1"], ["a1", "a2"]])
    with pytest.raises(UnknownVariableError):
        purify(data, [["a0", "nobody", "a1", "a2"]])
    with pytest.raises(InputError, match="at least 4"):
        purify(data, [["a0", "a1"]])


def test_wide_tables_are_refused_by_the_fourth_power():
    with pytest.raises(InputError, match="120 at most"):
        FOFC().fit(np.random.default_rng(0).normal(size=(200, 121)))


# --- RLCD -----------------------------------------------------------------------------------------


def grown(rng, n, edges, columns):
    """Linear Gaussian data of a graph whose nodes sort causes first, hidden ones in capitals."""
    values = {}
    for node in sorted({name for edge in edges for name in edge}):
        noise = 0.6 if node in columns else 1.0
        causes = [cause for cause, effect in edges if effect == node]
        values[node] = noise * rng.normal(size=n)
        for cause in causes:
            values[node] = values[node] + rng.uniform(0.8, 1.2) * values[cause]
    return {name: values[name] for name in columns}


ONE = [("H", f"x{k}") for k in range(4)]
TWO = [("H", "K"), *((h, f"x{k}") for k in range(8) for h in ("HK"[k // 4],))]


def test_rlcd_says_which_version_has_it(monkeypatch):
    monkeypatch.setattr(rlcd_module, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"0\.1\.4\.8 or newer"):
        RLCD().fit(measured(np.random.default_rng(0), 60, (4,)))


@needs_rlcd
def test_rlcd_finds_hidden_variables_and_their_effects():
    columns = [f"x{k}" for k in range(8)]
    frame = pd.DataFrame(grown(np.random.default_rng(0), 2000, TWO, columns))
    found = RLCD().fit(frame)
    assert found.latents_ == ("L1", "L2")
    assert found.graph_.children("L1") >= set(columns[:4])
    assert found.graph_.children("L2") >= set(columns[4:])
    assert found.graph_.adjacent("L1") - found.graph_.children("L1") <= {"L2"}
    assert found.graph_.adjacency[found.graph_.index("L1"), found.graph_.index("L2")]
    assert found.graph_.kind is Kind.CPDAG
    assert "causal-learn's RLCD" in found.explain("L1", "x0").adjacency


@needs_rlcd
@pytest.mark.slow
@pytest.mark.parametrize(
    "edges", [ONE, TWO, [*ONE, ("x0", "y0"), ("y0", "y1")]], ids=["1", "2", "3"]
)
def test_rlcd_is_that_of_causal_learn(edges):
    """The skeleton, with their rank test and no process of its own, up to names of latents."""
    from causallearn.search.HiddenCausal import RLCD as module  # noqa: N811

    columns = sorted({name for edge in edges for name in edge if name[0] in "xy"})
    agree = 0
    for seed in range(3):
        frame = pd.DataFrame(grown(np.random.default_rng(seed), 1500, edges, columns))
        values = ((frame - frame.mean()) / frame.std(ddof=0)).to_numpy()
        ours, other = RLCD().fit(frame), module.RLCD(values)
        agree += len(ours.latents_) == len(other.G.nodes) - len(columns) and len(
            ours.graph_.edges()
        ) == len(other.G.get_graph_edges())
    assert agree >= 2


@needs_rlcd
@pytest.mark.slow
def test_rlcd_repeats_itself_whatever_the_seed_of_hashes(monkeypatch):
    columns = [f"x{k}" for k in range(6)]
    edges = [(h, x) for h in "HK" for x in columns]
    data = grown(np.random.default_rng(1), 1000, edges, columns)
    found = RLCD().fit(data).graph_
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert RLCD().fit(data).graph_ == found
    frame = pd.DataFrame(data)
    assert RLCD().fit(frame[frame.columns[::-1]] * 7.0).graph_ == found


@needs_rlcd
@pytest.mark.slow
def test_rlcd_asks_our_rank_test():
    rng = np.random.default_rng(0)
    values = np.column_stack(list(grown(rng, 800, ONE, [f"x{k}" for k in range(4)]).values()))
    values = (values - values.mean(axis=0)) / values.std(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        marks, hidden = _learn(values, {"maxk": 2})
    assert (marks.shape, hidden) == ((5, 5), ["L1"])


# --- HCA ------------------------------------------------------------------------------------------


def environments(seed, m=2, d=5, n_environments=4, n=2000, broken=0.0, noise=0.01):
    """Rows of all environments, and the shared mixing, hidden variables by columns."""
    rng = np.random.default_rng(seed)
    mixing, parts = rng.normal(size=(m, d)), []
    for _ in range(n_environments):
        effects = np.tril(rng.uniform(0.5, 1.5, (m, m)) * rng.choice([-1, 1], (m, m)), -1)
        back = np.linalg.inv(np.eye(m) - effects) + broken * np.triu(rng.normal(size=(m, m)), 1)
        parts.append(rng.laplace(size=(n, m)) @ back.T @ mixing)
    rows = np.concatenate(parts) + noise * rng.normal(size=(n * n_environments, d))
    columns = {f"task{k}": rows[:, k] for k in range(d)}
    group = np.repeat([f"model {k}" for k in range(n_environments)], n)
    return pd.DataFrame({"environment": pd.Categorical(group), **columns}), mixing


@pytest.mark.parametrize(("m", "d", "n_environments"), [(1, 3, 2), (2, 5, 3), (3, 6, 5), (4, 8, 6)])
def test_hca_reads_each_hidden_variable_up_to_those_before_it(m, d, n_environments):
    for seed in range(3):
        data, mixing = environments(seed, m, d, n_environments, n=4000)
        hca = HCA(m).fit(data)
        through = hca.components_ @ mixing.T  # of the true hidden variables
        assert np.abs(np.triu(through, 1)).max() < 0.06 * np.abs(through).max()
        assert max(hca.inexactness_.values()) < 0.06
        assert hca.misfit_ < 0.01
        assert np.allclose(hca.components_ @ hca.mixing_, np.eye(m), atol=1e-8)


def test_inexactness_tells_where_there_is_no_such_order():
    exact, broken = [], []
    for seed in range(4):
        exact.append(HCA(3).fit(environments(seed, 3, 6, 5)[0]))
        broken.append(HCA(3).fit(environments(seed, 3, 6, 5, broken=0.5)[0]))
    assert max(max(h.inexactness_.values()) for h in exact) < 0.03
    assert min(max(h.inexactness_.values()) for h in broken) > 0.1
    assert max(h.misfit_ for h in exact) < min(h.misfit_ for h in broken)


def test_effects_among_hidden_variables_are_those_of_the_environment():
    rng = np.random.default_rng(0)
    parts, effects = [], (0.5, -1.0, 2.0)
    for effect in effects:  # orthogonal loadings of equal length, so that H is what they say
        first, second = rng.laplace(size=(2, 5000))
        second = effect * first + second
        parts.append(np.column_stack([first + second, first - second, 2 * first, -2 * second]))
    rows = np.concatenate(parts)
    rows = rows + 0.01 * rng.normal(size=rows.shape)
    hca = HCA(2).fit(
        {"environment": np.repeat([1, 2, 3], 5000), **dict(zip("abcd", rows.T, strict=True))}
    )
    assert hca.environments_ == (1, 2, 3)
    found = [hca.latent_effects_[k].of("L1", "L2") for k in (1, 2, 3)]
    assert all(hca.latent_effects_[k].of("L2", "L1") == 0.0 for k in (1, 2, 3))
    # L2 is known up to its scale and a multiple of L1: effects up to an affine map
    ratio = (found[2] - found[1]) / (found[1] - found[0])
    assert ratio == pytest.approx((2.0 + 1.0) / (-1.0 - 0.5), rel=0.1)


def test_hca_says_what_it_found():
    data, _ = environments(0)
    hca = HCA(2).fit(data)
    assert hca.graph_.kind is Kind.DAG
    assert hca.graph_.nodes == (*(f"task{k}" for k in range(5)), "L1", "L2")
    assert hca.graph_.parents("L2") == {"L1"}
    assert hca.environments_ == tuple(f"model {k}" for k in range(4))
    hidden = hca.transform(data)
    assert hidden.shape == (len(data), 2)
    assert np.allclose(hidden.mean(axis=0), 0.0, atol=1e-8)
    assert "one unit of L1 adds" in hca.explain("L1", "task0").adjacency
    assert "model 0" in hca.explain("L2", "L1").adjacency
    assert hca.explain("task0", "task1").edge == "no edge"
    shuffled = data[["task3", "environment", "task1", "task0", "task4", "task2"]]
    again = HCA(2).fit(shuffled)
    assert again.misfit_ == pytest.approx(hca.misfit_)
    assert np.allclose(again.transform(shuffled), hidden)
    other = HCA(2).fit(pl.from_pandas(data.assign(task0=data["task0"] * 1000 + 5)))
    assert np.allclose(other.mixing_[0], 1000 * hca.mixing_[0])


def test_hca_warns_and_refuses():
    data, _ = environments(0, n=100)
    with pytest.warns(CausalkitWarning, match="did not converge"):
        HCA(2, max_iter=1).fit(data)
    with pytest.raises(InputError, match="names 1 environment"):
        HCA(2).fit(data.assign(environment=1))
    with pytest.raises(InputError, match="missing values"):
        HCA(2).fit(data.assign(environment=np.where(np.arange(400) < 5, np.nan, 1.0)))
    with pytest.raises(InputError, match="has 5 row"):
        HCA(2).fit(data.assign(environment=np.where(np.arange(400) < 5, 0.0, 1.0)))
    with pytest.raises(NumericalError, match="linear combinations"):
        HCA(2).fit(data.assign(task1=data["task0"]))
