"""Random graphs: the degree that was asked for, and an order that gives nothing away."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.graph import Kind, random_admg, random_dag


@pytest.mark.parametrize("model", ["erdos-renyi", "scale-free"])
@pytest.mark.parametrize(("size", "degree"), [(5, 0.0), (6, 1.3), (12, 2.0), (10, 6.5), (7, 6.0)])
def test_the_expected_degree_is_exact(model, size, degree):
    rng = np.random.default_rng(0)
    draws = 300
    degrees = [
        2 * len(random_dag(size, expected_degree=degree, model=model, rng=rng).edges()) / size
        for _ in range(draws)
    ]
    slack = 4.5 * (np.std(degrees) + 1e-12) / np.sqrt(draws)
    assert abs(np.mean(degrees) - degree) <= slack + 1e-9


def test_the_topological_order_is_random():
    rng = np.random.default_rng(1)
    forwards = [random_dag(6, expected_degree=5.0, rng=rng).directed for _ in range(800)]
    share = np.mean(forwards, axis=0)[np.triu_indices(6, 1)]
    assert (abs(share - 0.5) < 0.09).all()


def test_scale_free_graphs_have_hubs():
    rng = np.random.default_rng(2)
    largest = {
        model: np.mean(
            [
                random_dag(150, expected_degree=2.0, model=model, rng=rng)
                .adjacency.sum(axis=0)
                .max()
                for _ in range(20)
            ]
        )
        for model in ("erdos-renyi", "scale-free")
    }
    assert largest["scale-free"] > 1.5 * largest["erdos-renyi"]


def test_admgs_have_both_degrees_and_bows():
    rng = np.random.default_rng(3)
    graphs = [
        random_admg(8, expected_degree=3.0, bidirected_degree=2.0, rng=rng) for _ in range(400)
    ]
    assert all(graph.kind is Kind.ADMG for graph in graphs)
    assert np.mean([g.directed.sum() * 2 / 8 for g in graphs]) == pytest.approx(3.0, abs=0.2)
    assert np.mean([g.bidirected.sum() / 8 for g in graphs]) == pytest.approx(2.0, abs=0.2)
    assert any(((g.directed | g.directed.T) & g.bidirected).any() for g in graphs)


def test_a_seed_repeats_and_names_are_kept():
    assert random_dag(9, rng=4) == random_dag(9, rng=4)
    assert random_dag(9, rng=4) != random_dag(9, rng=5)
    assert random_admg(9, rng=4) == random_admg(9, rng=4)
    assert random_dag(3, rng=0).nodes == ("x0", "x1", "x2")
    assert random_dag(3, rng=0, names=[7, "b", "c"]).nodes == (7, "b", "c")
    assert random_dag(1, expected_degree=0, rng=0).nodes == ("x0",)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"n_nodes": 0}, "n_nodes=0"),
        ({"n_nodes": 4, "expected_degree": 3.5}, "from 0 to 3"),
        ({"n_nodes": 4, "expected_degree": float("nan")}, "expected_degree=nan"),
        ({"n_nodes": 4, "model": "ring"}, "model='ring'"),
        ({"n_nodes": 4, "names": ["a", "a", "b", "c"]}, "3 different names; expected 4"),
    ],
)
def test_errors(arguments, says):
    with pytest.raises(InputError, match=says):
        random_dag(**arguments)
    with pytest.raises(InputError):
        random_admg(4, bidirected_degree=-1.0)
