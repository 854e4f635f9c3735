"""Cuts: the cheapest separator against all separators, and costs that are refused."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import (
    CausalGraph,
    Kind,
    dag_to_mag,
    is_separated,
    minimal_separator,
    minimal_separators,
    random_admg,
    random_dag,
)
from causalkit.graph.separation import minimum_separator


def draw(rng):
    """A DAG, ADMG or MAG on six nodes."""
    kind = int(rng.integers(3))
    if kind == 0:
        return random_dag(6, expected_degree=2.5, rng=rng)
    if kind == 1:
        return random_admg(6, expected_degree=1.6, bidirected_degree=1.0, rng=rng)
    dag = random_dag(8, expected_degree=2.5, rng=rng)
    return dag_to_mag(dag, latent=[str(v) for v in rng.choice(dag.nodes, 2, replace=False)])


def separators(graph, x, y, include, within):
    rest = sorted(set(within) - {x, y} - include)
    chosen = (frozenset(z) for k in range(len(rest) + 1) for z in combinations(rest, k))
    return [z | include for z in chosen if is_separated(graph, x, y, z | include)]


@pytest.mark.parametrize("seed", range(60))
def test_the_cheapest_of_all_separators(seed):
    rng = np.random.default_rng(seed)
    for _ in range(4):
        graph = draw(rng)
        x, y, *rest = (str(v) for v in rng.permutation(graph.nodes))
        include = frozenset(rest[:1]) if rng.random() < 0.4 else frozenset()
        within = [v for v in rest if v in include or rng.random() < 0.8]
        costs = {v: float(rng.choice([0.0, 0.5, 1.0, 1.7, 3.0])) for v in rest[: rng.integers(5)]}
        everything = separators(graph, x, y, include, within)
        found = minimum_separator(graph, x, y, costs=costs, include=include, within=within)
        if not everything:
            assert found is None
            continue

        def price(z, costs=costs, include=include):
            return sum(costs.get(v, 1.0) for v in z - include)

        assert found in everything
        assert price(found) == pytest.approx(min(map(price, everything)))
        smallest = [z for z in everything if not any(other < z for other in everything)]
        assert found in smallest
        plain = minimum_separator(graph, x, y, include=include, within=within)
        assert len(plain) == min(map(len, everything))
        assert set(minimal_separators(graph, x, y, include=include, within=within)) == set(smallest)
        assert minimal_separator(graph, x, y, include=include, within=within) in smallest


def test_of_equal_cost_the_nearest_one():
    chain = CausalGraph.parse("X <- A <- B <- C -> Y")
    assert minimum_separator(chain, "X", "Y") == {"A"}
    assert minimum_separator(chain, "Y", "X") == {"C"}
    assert minimum_separator(chain, "X", "Y", costs={"A": 1.1, "C": 1.1}) == {"B"}


def test_wide_graphs_have_small_cuts():
    """Two hubs carry everything between 300 causes and 300 effects."""
    arcs = [(f"a{k}", hub) for k in range(300) for hub in ("h0", "h1")]
    arcs += [(hub, f"b{k}") for k in range(300) for hub in ("h0", "h1")]
    arcs += [("X", f"a{k}") for k in range(300)] + [(f"b{k}", "Y") for k in range(300)]
    names = list(dict.fromkeys(name for arc in arcs for name in arc))
    graph = CausalGraph.from_edges(names, arcs)
    assert minimum_separator(graph, "X", "Y") == {"h0", "h1"}
    assert len(minimal_separator(graph, "X", "Y")) == 300


def test_a_class_is_answered_by_a_member():
    graph = CausalGraph.parse("X -- A -- B -- Y", kind="CPDAG")
    assert graph.kind is Kind.CPDAG
    assert minimum_separator(graph, "X", "Y", costs={"A": 2.0}) == {"B"}


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf"), "much", None])
def test_costs_that_are_none_are_refused(cost):
    with pytest.raises(InputError, match="cost of 'A'"):
        minimum_separator(CausalGraph.parse("X <- A -> Y"), "X", "Y", costs={"A": cost})


def test_costs_of_unknown_nodes_are_refused():
    with pytest.raises(UnknownVariableError):
        minimum_separator(CausalGraph.parse("X <- A -> Y"), "X", "Y", costs={"B": 1})
