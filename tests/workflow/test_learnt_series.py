"""Effects over learnt graphs of series: which graphs, which answers, and what they are worth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from causalkit._core.series import as_series
from causalkit._core.table import as_table
from causalkit.discovery import LPCMCI, PCMCI, Granger, Knowledge, PCMCIPlus
from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Kind, LaggedGraph
from causalkit.identification import identify
from causalkit.independence import GCM, FisherZ, PartialCorrelation
from causalkit.workflow import GraphSet, learnt_effect, possible_graphs
from causalkit.workflow.learnt.lagged_search import LaggedScoreSearch
from causalkit.workflow.learnt.screening import Found, screened

DIRECT = LaggedGraph.parse("X[t-1] -> Y; X[t-1] -> X; Y[t-1] -> Y; C[t-1] -> C; C")
SHARED = LaggedGraph.parse(f"{DIRECT.to_text()}; C -> X; C[t-1] -> Y")
NONE = LaggedGraph.parse("X[t-1] -> X; Y[t-1] -> Y; C[t-1] -> C")


def confounded(n_steps, seed, weight=0.4, names=("C", "X", "Y")):
    """C drives X within the step and Y one step on, as X does; the effect of X[t-1] is 0.5."""
    c, x, y = np.random.default_rng(seed).normal(size=(3, n_steps))
    for t in range(1, n_steps):
        c[t] += 0.5 * c[t - 1]
        x[t] += 0.4 * x[t - 1] + 0.8 * c[t]
        y[t] += 0.3 * y[t - 1] + 0.5 * x[t - 1] + weight * c[t - 1]
    return dict(zip(names, (c, x, y), strict=True))


def panel(n_subjects, n_steps, seed):
    parts = [pd.DataFrame(confounded(n_steps, [seed, k])) for k in range(n_subjects)]
    return pd.concat([part.assign(who=k) for k, part in enumerate(parts)], ignore_index=True)


def bic(data, graph):
    """Gaussian BIC of each series at t given its parents; a parent costs twice half of log n."""
    longest = graph.max_lag
    n = len(data["X"]) - longest
    at = {
        node: data[node.name][longest - node.lag : longest - node.lag + n] for node in graph.nodes
    }
    total = 0.0
    for name in graph.variables:
        y, parents = at[graph.node(name)], graph.parents(name)
        design = np.column_stack([np.ones(n), *(at[parent] for parent in parents)])
        left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        total += -n / 2 * np.log(np.mean(left**2)) - len(parents) * np.log(n)
    return total


# --- which graphs ---------------------------------------------------------------------------------


def test_scores_are_gaussian_bics_of_a_member_and_screen():
    data = confounded(300, 0)
    search = PCMCIPlus(max_lag=2)
    found = possible_graphs(data, search, n_resamples=10, window=2, random_state=0)
    assert found.searches[2] == ("BIC over lagged parents", 10)
    dags = [k for k, graph in enumerate(found.graphs) if not has_lines(graph)][:4]
    expected = [bic(data, in_frame(found.graphs[k])) for k in dags]
    assert np.diff(found.scores[dags]) == pytest.approx(np.diff(expected))
    assert found.window >= 2 * np.log(298)
    assert found.shares.sum() == pytest.approx(1)
    assert (found.kept == (found.scores >= found.scores.max() - found.window)).all()
    assert len(found.to_frame()) == len(found)


def has_lines(graph):
    return any(edge.symbol == "--" for edge in graph.edges())


def in_frame(graph):
    """The same graph, scored on the steps that have two before them."""
    return LaggedGraph(graph.variables, graph.edges(), max_lag=2, kind=Kind.CPDAG)


def test_the_search_by_score_finds_the_best_graph_of_all():
    data = confounded(120, 1, names=("X", "Y", "Z"))
    del data["Z"]
    series = as_series(data)
    found = LaggedScoreSearch().fit(data).graph_
    best = -np.inf
    pasts = list(product([False, True], repeat=4))
    for within, past in product((None, ("X", "Y"), ("Y", "X")), pasts):
        links = [
            (f"{a}[t-1]", b) for (a, b), on in zip(product("XY", "XY"), past, strict=True) if on
        ]
        edges = links + ([within] if within else [])
        graph = LaggedGraph(series.names, edges, max_lag=1, kind=Kind.DAG)
        best = max(best, bic(data, graph))
    plain = LaggedGraph._of(found.variables, np.array(member(found).template.ends), Kind.DAG)
    assert bic(data, plain) == pytest.approx(best)


def member(graph):
    from causalkit.graph.lagged_class import lagged_member

    return lagged_member(graph)


@pytest.mark.parametrize("seed", range(5))
def test_what_the_search_by_score_finds_is_the_class_of_its_members(seed):
    rng = np.random.default_rng(seed)
    within = np.tril(rng.normal(size=(4, 4)) * (rng.random((4, 4)) < 0.5), -1)
    past = 0.3 * rng.normal(size=(4, 4)) * (rng.random((4, 4)) < 0.3)
    now, values = np.linalg.inv(np.eye(4) - within), rng.normal(size=(200, 4))
    for t in range(1, 200):
        values[t] = now @ (values[t] + past @ values[t - 1])
    found = LaggedScoreSearch(max_lag=2).fit(dict(zip("abcd", values.T, strict=True))).graph_
    assert member(found).to_cpdag() == found


def test_knowledge_and_the_past_hold_in_all_graphs():
    data = confounded(200, 2)
    known = Knowledge(forbidden=[("Y", "X"), ("Y", "C")], required=[("C[t-1]", "Y")])
    settings = {"n_resamples": 6, "random_state": 0}
    found = possible_graphs(data, PCMCIPlus(max_lag=2, knowledge=known), **settings)
    for graph in found.graphs:
        assert "C[t-1]" in graph.parents("Y")
        assert not any(node.name == "Y" for name in "XC" for node in graph.parents(name))
    before = possible_graphs(data, PCMCI(max_lag=2, min_lag=1), **settings)
    assert len(before.searches) == 3
    assert not any(graph.adjacency[0].any() for graph in before.graphs)


def test_graphs_with_latents_are_all_kept():
    found = possible_graphs(confounded(150, 3), LPCMCI(), n_resamples=3, random_state=0)
    assert {graph.kind for graph in found.graphs} == {Kind.PAG}
    assert found.kept.all()
    assert found.searches == (("LPCMCI", 3), ("LPCMCI, looser", 3))
    assert "All are kept" in str(found)
    assert np.isnan(found.to_frame()["score"]).all()


def test_a_gaussian_score_judges_no_search_that_expects_bends():
    data = {name: values[:60] for name, values in confounded(150, 3).items()}
    linear = PCMCIPlus(PartialCorrelation())
    scored = [
        np.isfinite(possible_graphs(data, search, n_resamples=2, random_state=0).scores).all()
        for search in (linear, Granger(), PCMCIPlus(GCM()), PCMCIPlus(FisherZ()))
    ]
    assert scored == [True, True, False, True]


def test_a_class_without_members_is_ruled_out():
    rng = np.random.default_rng(0)
    table = as_table({name: rng.normal(size=50) for name in "abcd"})
    lines = [("a", "b", "--"), ("b", "c", "--"), ("c", "d", "--"), ("d", "a", "--")]
    ring = CausalGraph.from_edges("abcd", lines, Kind.CPDAG)
    empty = CausalGraph.from_edges("abcd", [], Kind.CPDAG)

    def families(graph):
        from causalkit.graph import consistent_extension

        dag = consistent_extension(graph)
        return [(name, dag.parents(name)) for name in dag.nodes]

    found = screened(Found([ring, ring, empty], [], ()), table, families, score=None, window=np.inf)
    assert found.scores[0] == -np.inf
    assert found.kept.tolist() == [False, True]
    assert found.plausible.graphs == (empty,)


def test_the_same_seed_gives_the_same_graphs():
    data = confounded(150, 4)
    one, two = (possible_graphs(data, PCMCIPlus(), n_resamples=5, random_state=7) for _ in range(2))
    assert one.graphs == two.graphs
    assert (one.shares == two.shares).all()
    assert (one.scores == two.scores).all()


# --- what the answer is ---------------------------------------------------------------------------


def test_the_interval_is_the_hull_of_the_answers_of_all_graphs():
    data = confounded(300, 5)
    answer = learnt_effect(data, "X[t-1]", "Y", graphs=[DIRECT, SHARED, NONE])
    alone = [identify(graph, "X[t-1]", "Y").estimate(data) for graph in (DIRECT, SHARED)]
    assert answer.alternatives.values[:2] == pytest.approx([effect.value for effect in alone])
    lower, upper = answer.interval()
    assert lower == min(0.0, *(effect.interval().lower for effect in alone))
    assert upper == max(effect.interval().upper for effect in alone)
    assert answer.alternatives[0].details["standard error"] == "HAC (cosines)"
    assert answer.alternatives.labels[2] == "no effect"
    assert answer.probability("zero") == pytest.approx(1 / 3)
    assert (answer.treatment, answer.outcome) == ("X[t-1]", "Y[t]")
    assert "Effect of X[t-1] on Y[t]" in answer.sentence


def test_a_class_of_series_that_leaves_the_effect_open_has_all_its_answers():
    graph = LaggedGraph.parse("X -- Y", kind="CPDAG")
    x, noise = np.random.default_rng(0).normal(size=(2, 200))
    answer = learnt_effect({"X": x, "Y": x + noise}, "X", "Y", graphs=[graph])
    assert set(answer.alternatives.labels) == {"adjust for nothing", "no effect"}
    assert answer.world_weights.sum() == pytest.approx(1)
    by_adjustment = learnt_effect(
        {"X": x, "Y": x + noise}, "X", "Y", graphs=[graph], strategy="adjustment"
    )
    assert tuple(by_adjustment.interval()) == tuple(answer.interval())


def test_nothing_bounds_what_a_pag_of_series_leaves_open():
    x, y = np.random.default_rng(6).normal(size=(2, 200))
    graph = LaggedGraph.parse("PAG: X o-o Y")
    answer = learnt_effect({"X": x, "Y": y}, "X", "Y", graphs=[graph])
    assert answer.alternatives.labels == ("no effect",)
    assert answer.alternatives.n_open
    assert tuple(answer.interval()) == (-np.inf, np.inf)
    assert answer.worlds[0].kind is Kind.PAG


def test_the_edge_worth_knowing_has_a_lag():
    data = confounded(300, 7)
    answer = learnt_effect(data, "X[t-1]", "Y", graphs=[DIRECT, SHARED])
    frame = answer.value_of_edges().set_index(["a", "b"])
    assert set(frame.index) == {("X[t]", "C[t]"), ("C[t-1]", "Y[t]")}
    both = [
        learnt_effect(data, "X[t-1]", "Y", graphs=[graph]).interval().width
        for graph in (DIRECT, SHARED)
    ]
    assert frame["gain"].tolist() == pytest.approx([answer.interval().width - np.mean(both)] * 2)
    assert "narrow the interval most" in str(answer)


def test_a_series_that_was_not_measured_is_hidden():
    data = confounded(200, 8)
    del data["C"]
    assert "adjust for nothing" not in identify(SHARED, "X[t-1]", "Y").adjustment
    with pytest.raises(InputError, match="none of the 1 possible graphs"):
        learnt_effect(data, "X[t-1]", "Y", graphs=[SHARED])
    answer = learnt_effect(data, "X[t-1]", "Y", graphs=[SHARED, NONE])
    assert answer.alternatives.n_open == 1


# --- panels, clocks, and what is refused ----------------------------------------------------------


def test_subjects_are_named_once_and_are_drawn_whole():
    frame = panel(20, 15, 0)
    search = PCMCIPlus()
    settings = {"n_resamples": 5, "random_state": 0}
    answer = learnt_effect(
        frame, "X[t-1]", "Y", graphs=search, panel="who", clusters="who", **settings
    )
    again = learnt_effect(
        frame, "X[t-1]", "Y", graphs=PCMCIPlus(panel="who"), clusters="who", **settings
    )
    assert tuple(answer.interval()) == tuple(again.interval())
    assert search.panel is None
    assert answer.alternatives[0].details["unbroken_runs"] == 20
    assert "who" not in answer.graphs.graphs[0].variables


def test_a_clock_and_a_mask_are_read():
    data = confounded(200, 9)
    frame = pd.DataFrame(data).assign(step=range(200), winter=np.arange(200) % 10 < 7)
    settings = {"graphs": [SHARED], "time": "step", "mask": "winter"}
    answer = learnt_effect(frame.drop(index=100), "X[t-1]", "Y", **settings)
    alone = identify(SHARED, "X[t-1]", "Y").estimate(
        frame.drop(index=100), time="step", mask="winter"
    )
    assert answer.alternatives[0].value == alone.value
    assert alone.details["unbroken_runs"] > 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"graphs": [DIRECT, CausalGraph.parse("X -> Y")]}, "CausalGraphs over the columns or"),
        ({"graphs": [DIRECT, LaggedGraph.parse("X[t-1] -> Y")]}, "different nodes"),
        ({"graphs": [DIRECT], "sample_weight": "C"}, "every step counts once"),
        ({"graphs": [DIRECT], "clusters": "C"}, "clusters of series"),
        ({"graphs": PCMCIPlus(panel="a"), "panel": "b"}, "Name it once"),
        ({"graphs": PCMCIPlus(), "knowledge": Knowledge()}, "beside graphs"),
        ({"graphs": PCMCIPlus(), "window": -1}, "window=-1"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        learnt_effect(confounded(60, 0), "X[t-1]", "Y", **settings)


def test_unknown_series_and_late_treatments_are_refused():
    data = confounded(60, 0)
    with pytest.raises(UnknownVariableError):
        learnt_effect(data, "W[t-1]", "Y", graphs=[DIRECT])
    with pytest.raises(InputError, match="comes after the outcome"):
        learnt_effect(data, "X", "Y[t-1]", graphs=[DIRECT])
    with pytest.raises(InputError, match="beside an algorithm"):
        possible_graphs(data, PCMCIPlus(), knowledge=Knowledge())


def test_a_graph_set_is_taken_as_it_is():
    data = confounded(200, 10)
    found = GraphSet((SHARED, NONE), np.array([0.75, 0.25]), np.array([0.0, -99.0]), 20.0)
    answer = learnt_effect(data, "X[t-1]", "Y", graphs=found)
    assert answer.graphs.graphs == (SHARED,)
    assert answer.weights.tolist() == [1.0]


# --- coverage -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_covers_where_the_graph_as_given_does_not():
    covered = np.zeros((40, 2))
    search = PCMCIPlus(max_lag=2)
    for seed in range(40):
        data = confounded(300, 100 + seed, weight=0.15)
        answers = (
            learnt_effect(data, "X[t-1]", "Y", graphs=g, n_resamples=30, random_state=seed)
            for g in (search, [search.fit(data).graph_])
        )
        covered[seed] = [0.5 in answer.interval() for answer in answers]
    assert covered[:, 0].mean() > 0.9
    assert covered[:, 1].mean() < 0.8
