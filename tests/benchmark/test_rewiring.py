"""Rewired graphs: as many edges, as many moved as asked, still acyclic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit.benchmark.rewiring import rewired
from causalkit.errors import GraphError
from causalkit.graph import CausalGraph, Kind, random_dag
from causalkit.models import random_svar


@settings(max_examples=40)
@given(st.integers(0, 500), st.floats(0.0, 1.0))
def test_a_share_of_the_edges_moves(seed, share):
    dag = random_dag(8, expected_degree=2.0, rng=seed)
    moved = rewired(dag, share=share, rng=seed)
    m = len(dag.edges())
    assert moved.kind is Kind.DAG
    assert len(moved.edges()) == m
    expected = min(round(share * m), 28 - m)
    assert (dag.directed & moved.directed).sum() == m - expected
    assert moved == rewired(dag, share=share, rng=seed)


@settings(max_examples=20)
@given(st.integers(0, 100))
def test_of_series_what_drives_itself_stays(seed):
    graph = random_svar(5, max_lag=2, rng=seed).graph
    moved = rewired(graph, rng=seed)
    assert len(moved.edges()) == len(graph.edges())
    each = np.arange(5)
    assert (moved.directed[:, each, each] == graph.directed[:, each, each]).all()
    assert moved.directed[0].sum() == graph.directed[0].sum()
    assert moved.max_lag <= graph.max_lag


def test_a_class_is_refused():
    with pytest.raises(GraphError, match="expected a DAG"):
        rewired(CausalGraph.parse("a -- b", kind="CPDAG"))
