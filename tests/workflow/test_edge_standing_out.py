"""Which edge to ask about: one that stands out, or none where luck decides which comes first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from causalkit.estimation import OLS
from causalkit.graph import CausalGraph, random_dag
from causalkit.workflow import learnt_effect

GRAPHS = tuple(
    CausalGraph.parse(text) for text in ("z -> x -> y; z -> y", "z -> x -> y", "z -> y -> x")
)


@pytest.fixture(scope="module")
def answer():
    rng = np.random.default_rng(0)
    z = rng.normal(size=400)
    x = 0.8 * z + rng.normal(size=400)
    data = {"x": x, "y": 0.5 * x + z + rng.normal(size=400), "z": z}
    return learnt_effect(data, "x", "y", graphs=GRAPHS, estimator=OLS())


def found_by_searches(answer, seed, deciding):
    """Sixty graphs of 15 variables; their answers by the edge v0 - v1, or by chance."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(15)]
    worlds = [random_dag(15, expected_degree=3, rng=rng, names=names) for _ in range(60)]
    chance = rng.integers(3, size=60)
    decided = np.array([2 if world.edges_between("v0", "v1") else 0 for world in worlds])
    return replace(
        answer,
        worlds=tuple(worlds),
        answer_of=decided if deciding else chance,
        world_weights=np.full(60, 1 / 60),
        graphs=replace(answer.graphs, searches=(("PC", 60),)),
    )


def test_of_edges_that_luck_makes_the_first_none_is_named(answer):
    found = [found_by_searches(answer, seed, deciding=False) for seed in range(2)]
    assert all(one.value_of_edges()["gain"].iloc[0] > 0 for one in found)
    assert sum(one.most_valuable_edge() is not None for one in found) == 0


def test_the_edge_that_decides_is_named_among_many(answer):
    for seed in range(2):
        found = found_by_searches(answer, seed, deciding=True)
        assert found.most_valuable_edge() == ("v0", "v1")


def test_of_graphs_that_were_given_the_best_edge_is_named(answer):
    assert answer.most_valuable_edge() is not None
