"""Geometric and bipartite DAGs: how many edges, and where."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.models.random_models.graphs import (
    GRAPHS,
    dag_of_shape,
    random_bipartite_dag,
    random_geometric_dag,
)


@pytest.mark.parametrize("shape", GRAPHS)
def test_the_expected_degree_is_reached(shape):
    rng = np.random.default_rng(0)
    degrees = [2 * len(dag_of_shape(shape, 15, 3.3, rng).edges()) / 15 for _ in range(120)]
    error = np.std(degrees) / np.sqrt(120)
    assert abs(np.mean(degrees) - 3.3) < 4 * error + 1e-9


@pytest.mark.parametrize("shape", GRAPHS)
def test_the_order_of_nodes_says_nothing_about_causes(shape):
    rng = np.random.default_rng(1)
    forward = total = 0
    for _ in range(100):
        directed = dag_of_shape(shape, 12, 3.0, rng).directed
        forward += np.triu(directed).sum()
        total += directed.sum()
    assert abs(forward / total - 0.5) < 4 * 0.5 / np.sqrt(total) + 0.03


def test_no_effect_is_a_cause_in_a_bipartite_dag():
    for seed in range(20):
        directed = random_bipartite_dag(9, expected_degree=3.0, rng=seed).directed
        assert not (directed.any(axis=0) & directed.any(axis=1)).any()


def test_close_nodes_are_neighbours_of_each_other():
    """Triangles: of a geometric graph far more than of one with as many edges at random."""

    def closed(draw) -> float:
        triangles = triples = 0.0
        for seed in range(30):
            joined = draw(40, seed).adjacency.astype(float)
            degrees = joined.sum(axis=1)
            triangles += np.trace(joined @ joined @ joined)
            triples += (degrees * (degrees - 1)).sum()
        return triangles / triples

    near = closed(lambda n, seed: random_geometric_dag(n, expected_degree=4.0, rng=seed))
    rng = np.random.default_rng(0)
    anywhere = closed(lambda n, _: dag_of_shape("erdos-renyi", n, 4.0, rng))
    assert near > 0.4
    assert anywhere < 0.2


def test_names_and_settings_are_checked():
    assert random_geometric_dag(2, names=["a", "b"], expected_degree=1.0).nodes == ("a", "b")
    with pytest.raises(InputError, match="expected 3"):
        random_bipartite_dag(3, names=["a", "b"], expected_degree=1.0)
    with pytest.raises(InputError, match="no more pairs"):
        random_bipartite_dag(4, expected_degree=2.5)
    with pytest.raises(InputError, match="from 0 to 3"):
        random_geometric_dag(4, expected_degree=4.0)
