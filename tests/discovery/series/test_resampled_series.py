"""Series drawn again: blocks keep to their stretch of time, and links are counted as they are."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from contextlib import suppress
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import causalkit.discovery.series as package
from causalkit._core.series import as_series
from causalkit.discovery import PC, Bootstrap, FalseDiscoveryControl, Knowledge, StabilitySelection
from causalkit.discovery.lingam.lingam_bootstrap import bootstrap_effects
from causalkit.discovery.resampling._consensus import consensus
from causalkit.discovery.resampling._plans import plan_of
from causalkit.discovery.resampling._replicates import Replicates
from causalkit.discovery.series.base import SeriesAlgorithm
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.momentary.pcmci import PCMCI
from causalkit.discovery.series.momentary.pcmci_plus import PCMCIPlus
from causalkit.errors import CausalkitWarning, CycleError, InputError
from causalkit.graph import Kind, Lagged, LaggedGraph
from causalkit.graph.lagged_template import lagged_nodes
from causalkit.models.structural_var import random_svar
from tests.oracles.resampling import shares

MODEL = random_svar(3, max_lag=2, rng=3)
DATA = pd.DataFrame(MODEL.sample(300, rng=1))


def every_algorithm() -> dict[str, type[SeriesAlgorithm]]:
    modules = [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
    return {
        name: kind
        for module in modules
        for name, kind in vars(module).items()
        if inspect.isclass(kind)
        and issubclass(kind, SeriesAlgorithm)
        and not inspect.isabstract(kind)
        and "algorithm" not in inspect.signature(kind).parameters
    }


# --- which steps are drawn ------------------------------------------------------------------------


def broken_series(rng: np.random.Generator, n: int = 80) -> dict[str, np.ndarray]:
    values = rng.normal(size=(n, 2))
    values[rng.random(n) < 0.04, 0] = np.nan
    return {
        "who": np.sort(rng.integers(0, 2, n)),
        "t": np.arange(n) + np.cumsum(np.isin(np.arange(n), rng.integers(0, n, 2))),
        "on": rng.random(n) < 0.95,
        "x": values[:, 0],
        "y": values[:, 1],
    }


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_blocks_keep_to_an_unbroken_stretch(seed, length):
    rng = np.random.default_rng(seed)
    roles = {"panel": "who", "time": "t", "mask": "on"}
    data = broken_series(rng)
    wrapper = Bootstrap(PCMCI(max_lag=2, **roles), block_length=length, resample="blocks")
    held, sampler = plan_of(wrapper, data).sampler("blocks", length)
    now = as_series(data, **roles).usable(2)
    drawn = sampler.draw(rng)
    assert len(drawn) == len(now)
    assert set(drawn) <= set(now)
    stretches = np.split(now, np.flatnonzero((np.diff(now) != 1) | ~held.follows[now[1:]]) + 1)
    stretch = {row: k for k, rows in enumerate(stretches) for row in rows.tolist()}
    at = 0
    while at < len(drawn):  # walk from block to block
        size = min(length, len(stretches[stretch[drawn[at]]]))
        block = drawn[at : at + size]
        assert (np.diff(block) == 1).all()
        assert len({stretch[row] for row in block.tolist()}) == 1
        at += size
    assert np.array_equal(
        sampler.sample(held, np.random.default_rng(1)).usable(2),
        sampler.draw(np.random.default_rng(1)),
    )


def test_a_stretch_is_drawn_in_proportion_to_its_steps():
    data = {"t": np.r_[0:12, 13:60], "x": np.sin(np.arange(59.0)), "y": np.cos(np.arange(59.0))}
    plan = plan_of(Bootstrap(PCMCI(time="t")), data)
    _, sampler = plan.sampler("blocks", 15)
    rng = np.random.default_rng(0)
    first = np.mean([(sampler.draw(rng) < 12).mean() for _ in range(2000)])
    assert first == pytest.approx(11 / 57, abs=0.01)


def test_many_subjects_are_drawn_whole_and_few_in_blocks():
    values = np.random.default_rng(0).normal(size=(25, 12, 2))
    for wanted in (None, "rows"):
        rows = np.arange(25 * 12).reshape(25, 12)[:, 2:]
        labels = None if wanted is None else np.repeat(np.arange(25), 12)
        wrapper = Bootstrap(PCMCIPlus(max_lag=2), clusters=labels)
        drawn = plan_of(wrapper, values).sampler(wanted, None)[1].draw(np.random.default_rng(0))
        whole = drawn.reshape(25, 10)
        assert all(row.tolist() in rows.tolist() for row in whole)
        assert len(np.unique(whole[:, 0])) < 25
    _, sampler = plan_of(Bootstrap(PCMCIPlus()), values[:5]).sampler(None, None)
    assert sampler.resample == "blocks"
    assert sampler.length == int(np.ceil((5 * 11) ** (1 / 3)))
    _, sampler = plan_of(Bootstrap(PCMCIPlus()), values).sampler("blocks", None)
    assert sampler.resample == "blocks"


def test_the_panel_column_or_labels_say_what_is_drawn_together():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(60, 2)), columns=["x", "y"])
    frame["who"] = np.repeat(list("abc"), 20)
    algorithm = PCMCI(panel="who")
    for clusters in ("who", frame["who"].to_numpy()):
        plan = plan_of(Bootstrap(algorithm, clusters=clusters), frame)
        drawn = plan.sampler(None, None)[1].draw(np.random.default_rng(1))
        assert {len(drawn[drawn // 20 == k]) % 19 for k in range(3)} == {0}
    years = np.repeat(np.arange(6), 10)  # within a series, too
    plan = plan_of(Bootstrap(PCMCI(), clusters=years), frame[["x", "y"]])
    drawn = plan.sampler(None, None)[1].draw(np.random.default_rng(1))
    assert all(np.sum(drawn // 10 == k) % (10 if k else 9) == 0 for k in range(6))


def test_halves_are_disjoint_and_made_of_stretches():
    plan = plan_of(StabilitySelection(PCMCI(max_lag=2)), DATA)
    one, other = plan.halves().halves(np.random.default_rng(0))
    assert not set(one) & set(other)
    assert abs(len(one) - len(other)) <= 7
    assert np.mean(np.diff(np.sort(one)) == 1) > 0.8


# --- what is counted ------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
def test_shares_are_those_of_the_graphs_one_by_one(seed):
    data = pd.DataFrame(random_svar(3, max_lag=2, rng=seed).sample(80, rng=seed))
    boot = Bootstrap(PCMCIPlus(max_lag=2, alpha=0.1), 8, random_state=seed).fit(data)
    graphs, found = boot.replicates_, boot.frequencies_
    assert len(graphs) == found.n_replicates == 8
    assert all(isinstance(graph, LaggedGraph) for graph in graphs)
    links = found.by_lag("->")
    for lag in range(3):
        for i, a in enumerate(DATA):
            for j, b in enumerate(DATA):
                past, now = Lagged(a, lag), Lagged(b)
                share = np.mean([graph.directed[lag, i, j] for graph in graphs])
                assert links[lag, i, j] == pytest.approx(share)
                if past != now:
                    expected = shares(graphs, past, now)
                    counted = {s: v for s, v in found.of(past, now).items() if v}
                    assert counted == pytest.approx(expected)
                    later = found.of(now.shifted(1), past.shifted(1))
                    assert later["none"] == found.of(past, now)["none"]


def test_frequencies_are_asked_by_lag_and_read_forwards_in_time():
    boot = Bootstrap(PCMCIPlus(max_lag=2), 10, random_state=0).fit(DATA)
    frame = boot.frequencies_.to_frame()
    a, b = (frame[column].tolist() for column in "ab")
    assert {type(node) for node in a + b} == {Lagged}
    assert frame.set_index(["a", "b"]).index.is_unique
    assert all(past.lag >= now.lag == 0 for past, now in zip(a, b, strict=True))
    forwards, backwards = (boot.frequencies_.of(*p) for p in (("x0[t-1]", "x0"), ("x0", "x0[t-1]")))
    assert forwards["->"] == backwards["<-"] > 0.5
    assert "x0[t-1]  x0[t]" in str(boot.frequencies_)
    with pytest.raises(InputError, match="3 steps apart; expected 2 at most"):
        boot.frequencies_.of("x0[t-3]", "x1")
    with pytest.raises(InputError, match="expected two variables"):
        boot.frequencies_.of("x0[t-1]", "x0[t-1]")
    rows = Bootstrap(PC(), 2, random_state=0).fit(DATA)
    with pytest.raises(InputError, match=r"without time.*Use matrix\(\)"):
        rows.frequencies_.by_lag()


def test_a_clear_structure_comes_back():
    truth = random_svar(4, max_lag=2, strength=(0.4, 0.6), rng=5)
    data = truth.sample(1000, rng=0)
    for wrapper in (
        Bootstrap(PCMCIPlus(max_lag=2, alpha=0.001), 20, threshold=0.8, random_state=0),
        StabilitySelection(PCMCIPlus(max_lag=2), 10, random_state=0),
    ):
        assert wrapper.fit(data).graph_ == truth.graph.to_cpdag()
        explained = wrapper.explain("x0[t-2]", "x0[t-1]")
        assert explained.pair == ("x0[t-1]", "x0[t]")
        assert "replicates: -> 100%" in explained.adjacency


def test_replicates_may_reach_back_as_far_as_they_like():
    boot = Bootstrap(Granger(max_lag="bic"), 12, random_state=2).fit(DATA[:120])
    assert len({graph.max_lag for graph in boot.replicates_}) == 1
    assert boot.graph_.max_lag >= boot.algorithm_.graph_.max_lag
    assert boot.failures_ == {}


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([0.2, 0.5, 0.8]))
def test_the_consensus_of_any_classes_is_a_class_of_series(seed, threshold):
    rng = np.random.default_rng(seed)
    graphs = [random_svar(3, max_lag=2, links=2, step_links=1, rng=rng).graph for _ in range(5)]
    nodes, series = lagged_nodes(graphs[0].variables, 2), graphs[0].variables
    ends = [graph.to_cpdag().template.ends for graph in graphs]
    marks = tuple((*np.nonzero(e), e[np.nonzero(e)]) for e in ends)
    found = Replicates(nodes, Kind.CPDAG, marks, series)
    share = found.joined()
    arrows = np.zeros(share.shape, dtype=bool)
    arrows[3:, :3] = True
    summed = consensus(found, (share >= threshold) & (share > 0), share, arrows)
    graph = LaggedGraph._of(series, np.array(summed.ends), Kind.CPDAG)
    assert ((graph.template.ends[3:, :3] & 5) == 0).all()  # nothing but arrows at t
    assert np.array_equal(graph.template.adjacency, (share >= threshold) & (share > 0))
    step = [edge for edge in graph.edges() if edge.symbol == "--"]
    past = [edge for edge in graph.edges() if edge.symbol == "->"]
    members = []
    for turns in product((False, True), repeat=len(step)):
        pairs = [
            (e.right, e.left) if t else (e.left, e.right) for e, t in zip(step, turns, strict=True)
        ]
        with suppress(CycleError):
            members.append(LaggedGraph(series, [*past, *pairs], kind="DAG"))
    assert graph in [member.to_cpdag() for member in members]


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("resample", [None, "rows", "blocks", "subsample"])
def test_laws_of_every_way_to_resample(resample):
    search = Bootstrap(PCMCIPlus(max_lag=2), 6, resample=resample, random_state=4)
    one = search.fit(DATA)
    shares_ = one.frequencies_.by_lag("adjacent")
    again = Bootstrap(PCMCIPlus(max_lag=2), 6, resample=resample, random_state=4, n_jobs=2)
    assert again.fit(DATA).graph_ == one.graph_
    assert np.array_equal(again.frequencies_.by_lag("adjacent"), shares_)
    order = [2, 0, 1]
    turned = Bootstrap(PCMCIPlus(max_lag=2), 6, resample=resample, random_state=4)
    turned.fit(DATA.iloc[:, order] * [1e-6, 3.0, -1e5] + 7.0)
    assert turned.graph_ == one.graph_
    assert turned.graph_.variables == ("x2", "x0", "x1")
    assert np.allclose(turned.frequencies_.by_lag("adjacent"), shares_[:, order][:, :, order])


def test_stability_is_equivariant_and_its_pairs_are_lagged_links():
    one = StabilitySelection(PCMCI(max_lag=2, min_lag=1), 8, random_state=0).fit(DATA)
    order = [1, 2, 0]
    other = StabilitySelection(PCMCI(max_lag=2, min_lag=1), 8, random_state=0)
    other.fit(DATA.iloc[:, order])
    assert other.graph_ == one.graph_
    place = [lag * 3 + k for lag in range(3) for k in order]
    assert np.array_equal(other.stability_, one.stability_[np.ix_(place, place)])
    n_all = 3 + 2 * 9  # within a step, and from each of two lags
    assert one.error_bound_ == pytest.approx(one.n_selected_**2 / (n_all * (2 * 0.75 - 1)))
    joined = np.mean([g.template.adjacency for g in one.replicates_], axis=0)
    assert np.allclose(joined, one.stability_)


def test_no_link_is_stable_among_series_that_only_remember():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(400, 5))
    for t in range(1, 400):
        values[t] += 0.7 * values[t - 1]
    found = StabilitySelection(PCMCI(max_lag=2, alpha=0.01), 20, random_state=0).fit(values)
    assert {(e.left.name, e.right.name) for e in found.graph_.edges()} == {
        (f"x{k}", f"x{k}") for k in range(5)
    }


def test_knowledge_within_a_step_is_obeyed():
    data = {"x": DATA["x0"].to_numpy(), "y": DATA["x0"].to_numpy() + DATA["x1"].to_numpy()}
    known = Knowledge(tiers=[["y"], ["x"]])
    boot = Bootstrap(PCMCIPlus(knowledge=known), 10, random_state=0).fit(data)
    assert boot.frequencies_.of("y", "x") == {"->": 1.0, "none": 0.0}
    assert str(boot.graph_.edges_between("y", "x")[0]) == "y[t] -> x[t]"


@pytest.mark.parametrize("name", every_algorithm())
def test_every_algorithm_for_series_is_resampled(name):
    kind = every_algorithm()[name]
    data = [DATA[:90], DATA[90:180]] if name == "JPCMCIPlus" else DATA[:120]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        boot = Bootstrap(kind(), 2, random_state=0).fit(data)
    assert isinstance(boot.graph_, LaggedGraph)
    assert boot.graph_.variables[:3] == ("x0", "x1", "x2")
    assert boot.failures_ == {}
    assert boot.frequencies_.n_replicates == 2
    assert boot.algorithm_.graph_.kind is boot.graph_.kind
    boot.explain("x0[t-1]", "x1")


# --- settings that do not fit ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"resample": "gaussian"}, "expected one of None, 'rows', 'blocks', 'subsample'"),
        ({"strata": np.zeros(300)}, "strata for PCMCI.*expected none"),
        ({"clusters": "x0"}, "clusters='x0' for series.*one label a row"),
        ({"clusters": np.zeros(300)}, "all rows are in one cluster"),
        ({"clusters": np.arange(3)}, "3 labels and the data have 300 rows"),
        ({"clusters": np.arange(300) // 9, "resample": "blocks"}, "one of the two"),
        ({"block_length": 5, "resample": "rows"}, "block_length=5"),
        ({"block_length": 0}, "block_length"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings_, message):
    with pytest.raises(InputError, match=f"(?s){message}"):
        Bootstrap(PCMCI(), 3, random_state=0, **settings_).fit(DATA)


def test_series_that_are_too_short_are_refused_by_the_algorithm():
    for wrapper in (Bootstrap(PCMCI(max_lag=3)), StabilitySelection(PCMCI(max_lag=3))):
        with pytest.raises(InputError, match="PCMCI needs"):
            wrapper.fit(DATA[:5])


def test_wrappers_for_rows_say_that_they_are():
    with pytest.raises(InputError, match="learns from series"):
        FalseDiscoveryControl(PCMCI()).fit(DATA)
    with pytest.raises(InputError, match="bootstrap_effects got PCMCI, which learns a graph of se"):
        bootstrap_effects(PCMCI(), DATA)
    for wrap in (Bootstrap, StabilitySelection):
        with pytest.raises(InputError, match=r"Bootstrap around PCMCI.*Take out Bootstrap"):
            wrap(Bootstrap(PCMCI())).fit(DATA)
