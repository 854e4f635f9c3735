"""PCMCI and PCMCI+: peers' numbers, an oracle's class, kernels, knowledge, bad input."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from causalkit._core.series import as_series
from causalkit.discovery import Knowledge
from causalkit.discovery.series._lagged_test import bind_lagged
from causalkit.discovery.series.momentary._past import Questions
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import Edge, Kind, Lagged, LaggedGraph
from causalkit.graph.lagged_class import lagged_member
from causalkit.independence import GCM, CMIknn, FisherZ, Oracle, PartialCorrelation, RankZ, RCoT
from causalkit.models import random_svar
from tests.conftest import SHARED

TRUTH = SHARED / "timeseries"
needs_truth = pytest.mark.skipif(not TRUTH.exists(), reason="no reference runs beside the project")


def values_of(model, n, seed):
    return np.column_stack(list(model.sample(n, rng=seed).values()))


def stand_ins(graph):
    """Columns whose values an oracle does not look at."""
    return {name: [0.0, 1.0] * 10 for name in graph.variables}


# --- references ----------------------------------------------------------------------------------


@needs_truth
@pytest.mark.parametrize("name", ["contemporaneous_linear", "common_driver_lag"])
def test_values_and_p_values_are_those_of_tigramite(name):
    reference = json.loads((TRUTH / "expected.json").read_text())[name]["tigramite_pcmci"]
    values = np.load(TRUTH / "series.npz")[name]
    found = PCMCI(max_lag=3, past_alpha=0.05, alpha=0.01).fit(values)
    asked = ~np.isnan(found.p_values_)
    mci = np.array(reference["val_matrix"]).transpose(2, 0, 1)
    p = np.array(reference["p_matrix"], dtype=float).transpose(2, 0, 1)
    assert asked.sum() == asked.size - len(asked[0])  # all but each series with itself, now
    np.testing.assert_allclose(found.strengths_[asked], mci[asked], atol=1e-6)
    np.testing.assert_allclose(found.p_values_[asked], p[asked], atol=1e-6)
    np.testing.assert_allclose(found.p_values_[asked], p[asked], rtol=1e-5)
    links = {(f"x{i}", -lag, f"x{j}") for i, lag, j in reference["significant"] if lag}
    directed = [edge for edge in found.graph_.edges() if edge.left.lag]
    assert {(e.left.name, e.left.lag, e.right.name) for e in directed} == links


@needs_truth
@pytest.mark.parametrize("name", ["contemporaneous_linear", "common_driver_lag"])
def test_the_graph_is_that_of_tigramite(name):
    reference = json.loads((TRUTH / "expected.json").read_text())[name]["tigramite_pcmciplus"]
    values = np.load(TRUTH / "series.npz")[name]
    p, max_lag = values.shape[1], reference["tau_max"]
    array = np.full((p, p, max_lag + 1), "", dtype="<U3")
    for i, j, lag, mark in reference["graph"]:
        array[i, j, lag] = mark
    found = PCMCIPlus(max_lag=max_lag, alpha=reference["pc_alpha"]).fit(values)
    assert found.graph_ == LaggedGraph.from_tigramite(array, kind="CPDAG")


@needs_truth
def test_an_oracle_gives_the_published_class():
    cases = json.loads((TRUTH / "tscpdag_oracle.json").read_text())["cases"]
    symbols = {"-->": "->", "<--": "<-", "o-o": "--"}
    for case in cases:
        names = [f"x{k}" for k in range(case["n_vars"])]
        graph = LaggedGraph(
            names, [(Lagged(names[i], -lag), names[j]) for i, lag, j in case["links"]]
        )
        rows = case["ts_cpdag"]
        edges = [Edge(Lagged(names[i], lag), Lagged(names[j]), symbols[m]) for i, j, lag, m in rows]
        expected = LaggedGraph(names, edges, kind="CPDAG")
        found = PCMCIPlus(Oracle(graph), max_lag=case["tau_max"]).fit(stand_ins(graph))
        assert found.graph_ == expected == graph.to_cpdag()


# --- laws ----------------------------------------------------------------------------------------


def random_model(seed):
    rng = np.random.default_rng(seed)
    memory = (0.0, 0.5) if seed % 2 else (0.3, 0.6)
    p, max_lag = int(rng.integers(3, 6)), int(rng.integers(1, 4))
    return random_svar(p, max_lag=max_lag, links=1.2, step_links=0.8, memory=memory, rng=rng)


def assert_oracle_gives_the_class(seeds):
    for seed in seeds:
        graph = random_model(seed).graph
        found = PCMCIPlus(Oracle(graph), max_lag=graph.max_lag).fit(stand_ins(graph))
        assert found.graph_ == graph.to_cpdag(), seed
        assert found.conflicts_ == ()


def test_an_oracle_gives_the_class_of_the_graph():
    assert_oracle_gives_the_class(range(20))


@pytest.mark.slow
def test_an_oracle_gives_the_class_of_many_graphs():
    assert_oracle_gives_the_class(range(20, 140))


def test_an_oracle_gives_pcmci_the_links_from_the_past():
    for seed in range(15):
        rng = np.random.default_rng(seed)
        graph = random_svar(4, max_lag=2, links=1.5, step_links=0.0, rng=rng).graph
        found = PCMCI(Oracle(graph), max_lag=2).fit(stand_ins(graph))
        assert found.graph_ == graph


@pytest.mark.parametrize("algorithm", [PCMCI(max_lag=2), PCMCIPlus(max_lag=2)])
def test_what_is_learnt_is_a_class_with_a_member(algorithm):
    """Also where answers contradict each other, as they do in short series."""
    for seed in range(20):
        model = random_svar(5, max_lag=2, links=1.2, step_links=1.0, memory=(0.3, 0.6), rng=seed)
        graph = algorithm.fit(model.sample(120, rng=seed)).graph_
        member = lagged_member(graph) if graph.kind is Kind.CPDAG else graph
        assert member.to_cpdag().edges() == graph.edges(), seed


def test_noise_in_common_cannot_make_both_ends_a_collider():
    """Both ends remember themselves: each past says that the link points at its own end."""
    rng = np.random.default_rng(2)
    noise = rng.multivariate_normal([0.0, 0.0], [[1.0, 0.7], [0.7, 1.0]], size=800)
    for t in range(1, 800):
        noise[t] += 0.6 * noise[t - 1]
    found = PCMCI(max_lag=1, alpha=0.01).fit({"x": noise[:, 0], "y": noise[:, 1]})
    assert found.graph_.adjacency[0, 0, 1]
    assert found.graph_.kind is Kind.DAG
    assert len(found.conflicts_) == 1
    assert "a collider" in found.conflicts_[0]
    assert "collider" in found.explain("x", "y").direction


def test_memory_directs_a_link_within_a_step():
    rng = np.random.default_rng(0)
    right = 0
    for _ in range(20):
        x, y = rng.normal(size=(2, 500))
        for t in range(1, 500):
            x[t] += 0.6 * x[t - 1]
            y[t] += 0.6 * y[t - 1] + 0.6 * x[t]
        found = PCMCI(max_lag=1, alpha=0.01).fit({"x": x, "y": y})
        right += bool(found.graph_.directed[0, 0, 1])
        assert not found.graph_.directed[0, 1, 0]
    assert right >= 18


class Uncompiled:
    """The same test without its compiled answers: asked one by one, as any other test is."""

    releases_gil = False
    remembers = False

    def __init__(self, bound):
        self.bound = bound

    def given_own(self, pairs, sets):
        answers = [
            self.bound(i, j, [k for k in s if k >= 0])
            for (i, j), s in zip(pairs.tolist(), sets.tolist(), strict=True)
        ]
        partial = [
            a.statistic / np.sqrt(a.statistic**2 + f)
            for a, f in zip(answers, self.freedoms(sets), strict=True)
        ]
        return (
            np.array(partial),
            np.array([a.p_value for a in answers]),
            np.zeros(len(answers), int),
        )

    def freedoms(self, sets):
        return self.bound.n_rows - (sets >= 0).sum(axis=1) - 2


@pytest.mark.parametrize("seed", range(6))
def test_compiled_answers_are_those_of_single_tests(seed):
    model = random_model(seed)
    p, max_lag = len(model.variables), model.max_lag
    series = as_series(model.sample(120, rng=seed))
    bound = bind_lagged(PartialCorrelation(), series, 2 * max_lag, who="test")
    candidates = np.zeros((p, (max_lag + 1) * p), dtype=bool)
    candidates[:, p:] = True
    kept = np.zeros_like(candidates)
    kept[0, p] = True
    quick, slow = Questions(bound, p, max_lag), Questions(Uncompiled(bound), p, max_lag)
    pasts = [q.select_past(candidates, kept, 0.2, None) for q in (quick, slow)]
    for j in range(p):
        assert set(pasts[0].of(j)) == set(pasts[1].of(j))
    assert pasts[0].n_tests == pasts[1].n_tests
    asked = np.ones((max_lag + 1, p, p), dtype=bool)
    asked[0] = np.triu(asked[0], 1)
    for one, other in zip(
        quick.momentary(pasts[0], asked), slow.momentary(pasts[0], asked), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-10)
    links = np.argwhere(asked)
    near = [np.array([k for k in range(p) if k != j]) for j in range(p)]
    for order in (0, 1, 2):
        enough = links if order < p - 1 else links[links[:, 0] > 0]
        one, other = (q.separate(pasts[0], enough, near, order, 0.3) for q in (quick, slow))
        np.testing.assert_array_equal(one.found, other.found)
        np.testing.assert_array_equal(one.given, other.given)
        np.testing.assert_allclose(one.p_value, other.p_value, atol=1e-10)
        assert one.n_tests == other.n_tests


@pytest.mark.parametrize("algorithm", [PCMCI(max_lag=2), PCMCIPlus(max_lag=2)])
def test_order_and_units_of_the_series_do_not_matter(algorithm):
    model = random_svar(5, max_lag=2, step_links=0.8, rng=3)
    data = pd.DataFrame(model.sample(400, rng=4))
    first = algorithm.fit(data)
    graph, p_values = first.graph_, first.p_values_
    order = [3, 0, 4, 2, 1]
    turned = algorithm.fit((data.iloc[:, order] + 5.0) * [1e9, -2.0, 1e-9, 3.0, 1.0])
    assert turned.graph_ == graph
    np.testing.assert_allclose(turned.p_values_, p_values[:, order][:, :, order], atol=1e-8)


def test_frames_of_all_libraries_are_the_same_series():
    data = random_svar(3, max_lag=1, rng=0).sample(200, rng=1)
    graphs = [
        PCMCIPlus(max_lag=1).fit(frame).graph_
        for frame in (data, pd.DataFrame(data), pl.DataFrame(data))
    ]
    assert graphs[0] == graphs[1] == graphs[2]
    plain = PCMCIPlus(max_lag=1).fit(np.column_stack(list(data.values())))
    assert plain.graph_ == graphs[0]


@pytest.mark.parametrize("test", [FisherZ(), RankZ(), GCM(), RCoT(), CMIknn(n_permutations=99)])
def test_any_test_plugs_in(test):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 150))
    y[1:] += 1.5 * x[:-1]
    found = PCMCIPlus(test, max_lag=1, alpha=0.02).fit({"x": x, "y": y})
    assert "x[t-1] -> y[t]" in str(found.graph_)


def test_jobs_do_not_change_a_number():
    data = random_svar(3, max_lag=1, step_links=1.0, rng=1).sample(150, rng=2)
    one, two = (PCMCIPlus(RCoT(), max_lag=1, n_jobs=n).fit(data) for n in (None, 2))
    assert one.graph_ == two.graph_
    np.testing.assert_array_equal(one.p_values_, two.p_values_)


def test_the_level_is_kept_where_series_remember_themselves():
    """Plain tests find links between independent AR(1) series; momentary ones do not."""
    rng = np.random.default_rng(5)
    hits = tests = plain = 0
    for _ in range(200):
        e = rng.normal(size=(300, 2))
        for t in range(1, 300):
            e[t] += 0.9 * e[t - 1]
        found = PCMCI(max_lag=1, min_lag=1, alpha=0.05).fit(e)
        hits += (found.p_values_[1][[0, 1], [1, 0]] <= 0.05).sum()
        tests += 2
        plain += (
            PartialCorrelation().test(np.column_stack((e[:-1, 0], e[1:, 1])), "x0", "x1").p_value
            < 0.05
        )
    assert plain > 60
    assert abs(hits / tests - 0.05) < 3 * np.sqrt(0.05 * 0.95 / tests)


# --- segments ------------------------------------------------------------------------------------


def test_nothing_reaches_over_a_border():
    """Two subjects one after the other are two subjects, however they are told apart."""
    model = random_svar(3, max_lag=2, rng=7)
    parts = [pd.DataFrame(model.sample(150, rng=seed)) for seed in (1, 2)]
    joined = pd.concat(parts, ignore_index=True)
    subject = joined.assign(who=["a"] * 150 + ["b"] * 150)
    hole = pd.concat([parts[0], parts[0].iloc[:1] * np.nan, parts[1]], ignore_index=True)
    dates = pd.date_range("2020", periods=150, freq="D")
    dated = joined.set_index(dates.append(dates + pd.Timedelta("200D")))
    found = [
        PCMCI(max_lag=2).fit(parts),
        PCMCI(max_lag=2).fit(np.stack([part.to_numpy() for part in parts])),
        PCMCI(max_lag=2, panel="who").fit(subject),
        PCMCI(max_lag=2).fit(hole),
        PCMCI(max_lag=2).fit(dated),
    ]
    assert all(one.n_obs_ == 2 * 146 for one in found)
    for one in found[1:]:
        np.testing.assert_allclose(one.p_values_, found[0].p_values_, atol=1e-9)
    assert PCMCI(max_lag=2).fit(joined).n_obs_ == 296


def test_a_mask_says_what_may_be_now():
    data = pd.DataFrame(random_svar(3, max_lag=1, rng=7).sample(300, rng=1))
    winter = np.arange(300) % 12 < 4
    found = PCMCI(max_lag=1, mask="winter").fit(data.assign(winter=winter))
    assert found.n_obs_ == winter[2:].sum()
    assert found.graph_.variables == ("x0", "x1", "x2")


# --- knowledge and explanations ------------------------------------------------------------------


def chain(n=600, seed=0):
    rng = np.random.default_rng(seed)
    x, y, z = rng.normal(size=(3, n))
    for t in range(1, n):
        y[t] += 0.8 * x[t]
        z[t] += 0.8 * y[t - 1]
    return {"x": x, "y": y, "z": z}


def test_knowledge_is_obeyed():
    known = Knowledge(
        tiers=[["x"], ["y", "z"]],
        forbidden=[("y[t-1]", "z[t]")],
        required=[("z[t-1]", "y[t]")],
    )
    for algorithm in (PCMCI(max_lag=1, knowledge=known), PCMCIPlus(max_lag=1, knowledge=known)):
        graph = algorithm.fit(chain()).graph_
        assert graph.directed[0, 0, 1]
        assert not graph.adjacency[1, 1, 2]
        assert graph.directed[1, 2, 1]
        assert not graph.directed[:, 1:, 0].any()
        assert "required" in algorithm.explain("z[t-1]", "y").adjacency
        assert "forbidden" in algorithm.explain("y[t-1]", "z").adjacency


def test_knowledge_that_makes_no_sense_is_refused():
    for known, error in (
        (Knowledge(required=[("x", "y")]), InputError),
        (Knowledge(required=[("x[t-5]", "y[t]")]), InputError),
        (Knowledge(required=[("x[t]", "y[t-1]")]), InputError),
        (Knowledge(forbidden=[("x", "w")]), UnknownVariableError),
        (Knowledge(tiers=[["w"]]), UnknownVariableError),
    ):
        with pytest.raises(error):
            PCMCIPlus(max_lag=1, knowledge=known).fit(chain())


def test_explanations_say_what_decided():
    found = PCMCIPlus(max_lag=1).fit(chain())
    assert (
        str(found.graph_) == "CPDAG of 3 series, lags to 1, 2 edges: x[t] -- y[t]; y[t-1] -> z[t]"
    )
    assert "open" in found.explain("x", "y").direction
    assert "before" in found.explain("y[t-1]", "z").direction
    assert found.explain("y[t-2]", "z[t-1]").edge == "y[t-1] -> z[t]"
    gone = found.explain("x", "z")
    assert gone.edge == "no edge"
    assert gone.test.p_value > 0.01
    assert "separated" in gone.adjacency
    early = found.explain("x[t-1]", "z")
    assert early.edge == "no edge"
    assert early.test.p_value > 0.01
    with pytest.raises(UnknownVariableError):
        found.explain("w", "z")
    with pytest.raises(InputError, match="max_lag"):
        found.explain("x[t-3]", "z")
    with pytest.raises(InputError, match="expected two nodes"):
        found.explain("x[t-1]", "x[t-1]")


def test_p_values_are_corrected_for_their_number():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(200, 8))
    plain = PCMCI(max_lag=3).fit(noise)
    for correction in ("bh", "by", "holm", "bonferroni"):
        found = PCMCI(max_lag=3, correction=correction).fit(noise)
        assert np.nanmin(found.adjusted_p_values_ - found.p_values_) >= 0
        assert len(found.graph_.edges()) < len(plain.graph_.edges())
    asked = np.sum(~np.isnan(plain.p_values_)) - 8 * 7 / 2
    found = PCMCI(max_lag=3, correction="bonferroni").fit(noise)
    expected = np.minimum(plain.p_values_ * asked, 1.0)
    np.testing.assert_allclose(found.adjusted_p_values_, expected)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [PCMCI, PCMCIPlus])
def test_bad_input_gets_one_clear_error(algorithm):
    rng = np.random.default_rng(0)
    good = rng.normal(size=(50, 3))
    still = good.copy()
    still[:, 1] = 4.0
    holes = good.copy()
    holes[::3] = np.nan
    dates = pd.date_range("2020", periods=50, freq="D")
    frame = pd.DataFrame(good, columns=list("abc"), index=dates)
    text = frame.reset_index(drop=True).astype(object)
    text.iloc[3, 1] = "high"
    cases = [
        (still, "constant"),
        (good[:4], "steps"),
        (holes, "missing"),
        (frame.iloc[[0, 1, 1, 2, *range(3, 50)]], "twice"),
        (frame.iloc[::-1], "backwards"),
        (frame.iloc[np.sort(rng.choice(50, 15, replace=False))], "irregular"),
        (text, "text|holds"),
    ]
    for data, message in cases:
        with pytest.raises(InputError, match=message):
            algorithm(max_lag=2).fit(data)
    with pytest.raises(InputError, match="steps"):
        algorithm(max_lag=50).fit(good)
    for setting in ({"max_lag": 0}, {"max_lag": 1.5}, {"alpha": 2.0}, {"panel": "nobody"}):
        with pytest.raises(InputError):
            algorithm(**setting).fit(good)


def test_series_that_repeat_each_other_are_no_accident():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = PCMCIPlus(max_lag=1).fit({"x": x, "copy": x, "y": rng.normal(size=200)})
    assert found.graph_.adjacency[0, 0, 1]
    assert found.graph_.kind is Kind.CPDAG
