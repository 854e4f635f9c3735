"""Twins: whole numbers of tables stay whole, and every edge is felt."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.graph import CausalGraph
from causalkit.models import Twin, random_svar

GRAPH = CausalGraph.parse("age -> size; age -> income; size -> income; income -> plan")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    age = rng.integers(25, 65, size=400)
    size = np.clip(np.round(1 + age / 20 + rng.normal(size=400)), 1, 9)
    income = np.exp(0.02 * age + 0.1 * size + 0.4 * rng.normal(size=400))
    plan = (rng.random(400) < 1 / (1 + np.exp(4 - income))).astype(int)
    return {"age": age, "size": size, "income": income, "plan": plan}


@pytest.mark.parametrize("budget", ["fast", "best"])
def test_whole_numbers_stay_whole_and_hardly_leave_their_range(table, budget):
    twin = Twin(GRAPH, budget=budget, random_state=0).fit(table)
    drawn = twin.sample(1000, rng=1)
    for name in ("age", "size", "plan"):
        values = drawn[name].to_numpy()
        assert (values == np.round(values)).all()
        assert table[name].min() <= values.min()
        assert values.max() <= table[name].max() + (name == "size")  # rare: a little beyond
    assert drawn["income"].min() > 0
    assert twin.graph_ == GRAPH
    if budget == "fast":
        assert twin.effect("income", "plan", contrast=(3, 6), n=5000, rng=0).value > 0.3


def test_every_edge_of_a_twin_is_felt():
    series = random_svar(4, max_lag=2, rng=3).sample(600, rng=4)
    twin = Twin(max_lag=2, random_state=0).fit(series)
    drawn, rng = twin.sample(500, rng=5), np.random.default_rng(0)
    n_edges = 0
    for name, mechanism in twin.model_.mechanisms_.items():
        causes = twin.model_.causes_of(name)
        columns = np.column_stack([drawn[cause.name].to_numpy() for cause in causes])
        noise = mechanism.draw(len(columns), rng)
        plain = mechanism.value(columns, noise)
        for k, cause in enumerate(causes):
            moved = columns.copy()
            moved[:, k] += drawn[cause.name].std()
            change = np.abs(mechanism.value(moved, noise) - plain).mean()
            assert change > 0.01 * drawn[name].std(), (cause, name)
            n_edges += 1
    assert n_edges == len(twin.graph_.edges())
