"""Hidden series: exact projections, MAGs by exhaustion, and PAGs that another way gives too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import Edge, Kind, Lagged, LaggedGraph, latent_projection, members
from causalkit.graph.lagged_class import lagged_dag
from causalkit.graph.lagged_latent import lagged_mag, lagged_pag, lagged_projection
from causalkit.graph.marks import ARROW, CIRCLE, TAIL
from tests.oracles.lagged_latent import (
    hidden_and_observed,
    pag_by_copying,
    random_series_graph,
    separable,
)

MARKS = {"-": TAIL, ">": ARROW, "<": ARROW, "o": CIRCLE}

seeds = st.integers(0, 10_000)


@given(seeds)
@settings(max_examples=25, deadline=None)
def test_a_projection_is_that_of_a_window_that_is_long_enough(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_series_graph(rng, int(rng.integers(2, 4)), 2)
    window = int(rng.integers(0, 3))
    found = lagged_projection(graph, window)
    long = graph.unroll(window + 20)
    wanted = latent_projection(long, [str(node) for node in found.nodes])
    assert found == wanted


def test_a_common_cause_may_be_many_steps_back() -> None:
    # U comes back after 2 steps on the way to X and after 3 on that to Y: they meet 6 steps ago.
    text = "U[t-6] -> A[t]; U[t-6] -> B[t]; A[t-2] -> A[t]; B[t-3] -> B[t]; A[t-2] -> X[t]"
    graph = LaggedGraph.parse(text + "; B[t-3] -> Y[t]")
    found = lagged_projection(graph, 0)
    assert found.edges_between("X[t]", "Y[t]")
    long = latent_projection(graph.unroll(40), [str(node) for node in found.nodes])
    assert found == long
    short = latent_projection(graph.unroll(7), [str(node) for node in found.nodes])
    assert not short.edges_between("X[t]", "Y[t]")


@given(seeds)
@settings(max_examples=15, deadline=None)
def test_adjacent_are_those_that_no_set_in_the_window_separates(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_series_graph(rng, 3, 2)
    _, observed = hidden_and_observed(rng, graph, 1)
    mag = lagged_mag(graph, observed, 2)
    long = graph.unroll(18)
    nodes = [str(node) for node in mag.nodes]
    p = len(observed)
    for past in range(2 * p if seed % 2 else 3 * p):
        for now in range(min(p, past)):
            joined = bool(mag.template.ends[past, now])
            assert joined != separable(long, nodes[past], nodes[now], nodes)
            if joined:
                cause = nodes[now] in long.descendants(nodes[past])
                back = nodes[past] in long.descendants(nodes[now])
                assert mag.template.ends[now, past] == (TAIL if cause else ARROW)
                assert mag.template.ends[past, now] == (TAIL if back else ARROW)


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_a_pag_is_closed_under_rules_and_repetition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_series_graph(rng, int(rng.integers(2, 5)), 2)
    max_lag = int(rng.integers(1, 3))
    _, observed = hidden_and_observed(rng, graph, int(rng.integers(0, 2)))
    found = lagged_pag(graph, observed, max_lag)
    assert found.kind is Kind.PAG
    assert found == pag_by_copying(graph, observed, max_lag, before=16)
    mag = lagged_mag(graph, observed, max_lag).template.ends
    drawn = found.template.ends
    assert ((mag > 0) == (drawn > 0)).all()
    sure = (drawn > 0) & (drawn != CIRCLE)
    assert (drawn[sure] == mag[sure]).all()


def test_the_pags_that_tigramite_finds_with_an_oracle(shared: Path) -> None:
    cases = json.loads((shared / "timeseries" / "lpcmci_oracle.json").read_text())["cases"]
    for case in cases:
        graph, observed, wanted = read_case(case)
        assert lagged_pag(graph, observed, case["tau_max"]) == wanted, case["id"]


def read_case(case: dict[str, object]) -> tuple[LaggedGraph, list[str], LaggedGraph]:
    """Graph, observed series, and the PAG of a case of `lpcmci_oracle.json`."""
    names = [f"X{k}" for k in range(case["n_vars"])]  # type: ignore[call-overload]
    links = [((names[i], -lag), names[j]) for i, lag, j in case["links"]]  # type: ignore[attr-defined]
    graph = LaggedGraph(names, links)
    observed = [names[k] for k in case["observed"]]  # type: ignore[attr-defined]
    p, steps = len(observed), case["tau_max"] + 1  # type: ignore[operator]
    ends = np.zeros((steps * p, steps * p), dtype=np.uint8)
    for i, j, lag, symbol in case["ts_pag"]:  # type: ignore[attr-defined]
        ends[lag * p + i, j], ends[j, lag * p + i] = MARKS[symbol[-1]], MARKS[symbol[0]]
    return graph, observed, LaggedGraph._of(tuple(observed), ends, Kind.PAG)


def test_the_order_of_the_series_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        graph = random_series_graph(rng, 4, 2)
        _, observed = hidden_and_observed(rng, graph, 1)
        other = LaggedGraph(graph.variables[::-1], graph.edges())
        assert lagged_pag(graph, observed, 2) == lagged_pag(other, observed[::-1], 2)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_all_members_of_a_class_have_the_pag_of_the_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_series_graph(rng, int(rng.integers(2, 5)), 2)
    _, observed = hidden_and_observed(rng, graph, int(rng.integers(0, 2)))
    found = graph.to_cpdag()
    wanted = lagged_pag(found, observed, 2)
    for member in members(found.template):
        dag = LaggedGraph(graph.variables, member.edges(), max_lag=graph.max_lag)
        assert dag.to_cpdag() == found
        assert lagged_pag(dag, observed, 2) == wanted
    directed = LaggedGraph(graph.variables, graph.edges(), kind="CPDAG")
    assert lagged_pag(directed, observed, 2) == wanted
    assert lagged_mag(directed, observed, 2) == lagged_mag(graph, observed, 2)
    assert lagged_projection(directed, 2) == lagged_projection(graph, 2)


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_an_edge_with_two_arrows_is_a_hidden_series(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["X0", "X1", "X2"]
    graph = random_series_graph(rng, 3, 2)
    shared = {
        (*sorted(rng.choice(names, 2).tolist()), int(rng.integers(0, 3)))
        for _ in range(int(rng.integers(1, 3)))
    }
    shared = {(a, b, lag) for a, b, lag in shared if lag or a != b}
    hidden = [f"H{k}" for k in range(len(shared))]
    arcs = [Edge(Lagged(a, lag), Lagged(b), "<->") for a, b, lag in shared]
    mixed = LaggedGraph(names, [*graph.edges(), *arcs], kind="ADMG")
    for window in (0, 2):
        long = mixed.unroll(window + 16)
        found = lagged_projection(mixed, window)
        assert found == latent_projection(long, [str(node) for node in found.nodes])
        assert {node.name for node in found.nodes} == set(names)
    named = [
        Edge(Lagged(h, to_lag), Lagged(to, 0), "->")
        for h, (a, b, lag) in zip(hidden, shared, strict=True)
        for to, to_lag in ((a, 0), (b, lag))
    ]
    whole = LaggedGraph([*names, *hidden], [*graph.edges(), *named])
    observed = names[: int(rng.integers(2, 4))]
    assert lagged_mag(mixed, observed, 2) == lagged_mag(whole, observed, 2)
    assert lagged_pag(mixed, observed, 2) == lagged_pag(whole, observed, 2)


def test_a_hidden_series_gets_a_name_that_is_free() -> None:
    graph = LaggedGraph.parse('"hidden 1[t-1]" -> X[t] <-> Y[t]; X[t-1] <-> X[t]')
    assert lagged_dag(graph).variables[-2:] == ("hidden 2", "hidden 3")


def test_what_cannot_be_projected() -> None:
    graph = LaggedGraph.parse("X[t-1] -> Y[t]")
    for project in (lambda g: lagged_projection(g, 1), lambda g: lagged_mag(g, ["X"], 1)):
        with pytest.raises(GraphError, match=r"X\[t\] -- Y\[t\]; expected directed.*lagged_pag"):
            project(LaggedGraph.parse("X[t] -- Y[t]"))
        with pytest.raises(
            GraphError, match=r"is a PAG, which.*expected a DAG, an ADMG or a CPDAG"
        ):
            project(LaggedGraph.parse("X[t] o-> Y[t]"))
    with pytest.raises(GraphError, match="expected a DAG, an ADMG or a CPDAG"):
        lagged_pag(LaggedGraph.parse("MAG: X[t-1] -> Y[t]"), ["X"], 1)
    ring = "W[t] -- X[t] -- Y[t] -- Z[t] -- W[t]"
    with pytest.raises(GraphError, match="expected a graph with a consistent extension"):
        lagged_pag(LaggedGraph.parse(ring), ["X"], 1)
    with pytest.raises(InputError, match="observed is empty"):
        lagged_pag(graph, [], 1)
    with pytest.raises(UnknownVariableError, match="'Z'"):
        lagged_pag(graph, ["X", "Z"], 1)
