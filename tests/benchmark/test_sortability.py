"""Sortability: the share of paths that an order sorts, and regressions along it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from causalkit.benchmark import SortedRegression, r2_sortability, varsortability
from causalkit.discovery.continuous._order_alignment import order_alignment
from causalkit.errors import GraphError, InputError, NumericalError, UnknownVariableError
from causalkit.graph import random_dag
from tests.oracles.continuous import sorted_share


def simulated(seed, n_nodes=8, n=2000):
    """Linear, with noise of one variance and no standardising: easy to game."""
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=3.0, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.5, 2.0, shape) * rng.choice([-1, 1], shape)
    noise = rng.normal(size=(n, n_nodes))
    return pd.DataFrame(noise @ np.linalg.inv(np.eye(n_nodes) - weights), columns=dag.nodes), dag


@given(st.integers(0, 10**6), st.integers(2, 7))
def test_alignment_is_the_share_of_listed_paths(seed, n_nodes):
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=min(3.0, n_nodes - 1.0), rng=rng)
    numbers = rng.integers(1, 4, size=n_nodes).astype(float)  # with ties
    expected = sorted_share(np.asarray(dag.directed), numbers)
    assert order_alignment(dag.directed, numbers) == pytest.approx(expected, nan_ok=True)


def test_simulated_graphs_are_easy_to_game_in_their_own_units_only():
    shares = []
    for seed in range(5):
        data, dag = simulated(seed)
        raw, r2 = varsortability(data, dag), r2_sortability(data, dag)
        assert raw > 0.8
        assert varsortability(data / data.std(), dag) == pytest.approx(0.5)
        shares.append(r2)
        assert r2_sortability(data * 7.0 + 1.0, dag) == pytest.approx(r2)
    assert np.mean(shares) > 0.6  # Reisach et al. (2023): R² survives standardising


def test_r2_is_that_of_regressions_on_all_others():
    from sklearn.linear_model import LinearRegression

    data, dag = simulated(1)
    scores = [
        LinearRegression().fit(data.drop(columns=c), data[c]).score(data.drop(columns=c), data[c])
        for c in data
    ]
    expected = sorted_share(np.asarray(dag.directed), np.array(scores))
    assert r2_sortability(data, dag) == pytest.approx(expected)


def test_sorting_by_variance_finds_what_was_simulated():
    from causalkit.metrics import shd

    raw, shuffled = [], []
    for seed in range(5):
        data, dag = simulated(seed, n=5000)
        raw.append(shd(dag, SortedRegression("variance").fit(data).graph_))
        shuffled.append(shd(dag, SortedRegression("random").fit(data).graph_))
    assert np.mean(raw) < 0.5 * np.mean(shuffled)


@pytest.mark.parametrize("by", ["variance", "r2", "random"])
def test_neither_container_nor_order_of_columns_matters(by):
    data, _ = simulated(2, n=300)
    found = SortedRegression(by).fit(data)
    assert SortedRegression(by).fit(pl.from_pandas(data)).graph_ == found.graph_
    assert SortedRegression(by).fit(data[data.columns[::-1]]).graph_ == found.graph_
    assert sorted(found.order_) == sorted(data.columns)
    a, b = found.order_[:2]
    assert show_first(found, a, b) in found.explain(b, a).adjacency


def show_first(found, a, b):
    return f"{'kept' if found.graph_.edges_between(a, b) else 'left out'} {a} among the causes of"


def test_other_columns_may_hold_anything_and_no_edges_say_nothing():
    x = np.arange(10.0)
    data = {"x": x, "y": x**2, "text": list("abcdefghij")}
    assert varsortability(data, "x -> y") == 1.0
    assert varsortability(data, "y -> x") == 0.0
    assert np.isnan(varsortability(data, "x; y"))
    assert varsortability({"x": x * 1e200, "y": x**2 * 1e200}, "x -> y") == 1.0


def test_refuses_what_it_cannot_use():
    data, dag = simulated(0, n=100)
    with pytest.raises(GraphError, match="expected a DAG"):
        varsortability(data, "x0 -- x1")
    with pytest.raises(UnknownVariableError, match="'z'"):
        varsortability(data, "x0 -> z")
    with pytest.raises(InputError, match="missing values"):
        varsortability(data.where(data > -1), dag)
    with pytest.raises(InputError, match="one value only"):
        r2_sortability(data.assign(x0=1.0), dag)
    with pytest.raises(InputError, match="rows"):
        r2_sortability(data.head(5), dag)
    with pytest.raises(NumericalError, match="linear combinations"):
        r2_sortability(data.assign(x0=data["x1"]), dag)
    with pytest.raises(InputError, match="by='size'"):
        SortedRegression("size").fit(data)
