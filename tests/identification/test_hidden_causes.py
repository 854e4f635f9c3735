"""Adjustment in MAGs and PAGs: by definition, and against the graph with the hidden causes."""

from __future__ import annotations

import pytest

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, dag_to_mag, mag_to_pag
from causalkit.identification import (
    FunctionalEstimand,
    NoEffectEstimand,
    identify,
    is_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from tests.identification.graphs import generator, pick, random_dag
from tests.oracles.adjustment import has_causal_path, subsets
from tests.oracles.hidden_adjustment import is_valid_by_definition


def cases(n, seed):
    """MAGs and PAGs over five of seven variables, with the DAG behind them."""
    rng = generator(seed)
    for trial in range(n):
        dag = random_dag(rng, 7, 0.4)
        hidden = [str(v) for v in rng.permutation(dag.nodes)[:2]]
        mag = dag_to_mag(dag, latent=hidden)
        graph = mag if trial % 2 else mag_to_pag(mag)
        yield dag, graph, *pick(rng, graph, 1 + trial % 3 // 2)


def test_sets_are_valid_as_the_definition_says():
    valid = 0
    for _, graph, x, y in cases(80, 21):
        rest = [v for v in graph.nodes if v not in (*x, *y)]
        for given in subsets(rest):
            expected = is_valid_by_definition(graph, x, y, given)
            assert is_adjustment_set(graph, x, y, given) == expected, (graph, x, y, given)
            valid += expected
    assert valid > 60


def test_what_is_identified_holds_with_the_hidden_causes():
    kinds = []
    for dag, graph, x, y in cases(400, 22):
        rest = [v for v in graph.nodes if v not in (*x, *y)]
        try:
            answer = identify(graph, x, y)
        except NotIdentifiableError:
            assert not any(is_adjustment_set(graph, x, y, z) for z in subsets(rest))
            kinds.append("no")
            continue
        kinds.append(type(answer).__name__)
        if isinstance(answer, NoEffectEstimand):
            assert not has_causal_path(dag, x, y)
        elif isinstance(answer, FunctionalEstimand):
            assert not any(is_adjustment_set(graph, x, y, z) for z in subsets(rest))
        else:
            assert is_adjustment_set(dag, x, y, answer.adjustment)
            assert is_adjustment_set(graph, x, y, answer.adjustment)
    assert all(kinds.count(kind) > 5 for kind in ("no", "AdjustmentEstimand", "NoEffectEstimand"))


def test_minimal_sets_are_valid_and_minimal():
    for _, graph, x, y in cases(40, 23):
        found = set(minimal_adjustment_sets(graph, x, y))
        rest = [v for v in graph.nodes if v not in (*x, *y)]
        valid = [frozenset(z) for z in subsets(rest) if is_adjustment_set(graph, x, y, z)]
        assert found == {z for z in valid if not any(smaller < z for smaller in valid)}


def test_a_best_set_is_not_claimed_where_hidden_causes_may_act():
    graph = CausalGraph.parse("PAG: C o-> A -> B; D o-> B")
    assert optimal_adjustment_set(graph, "A", "B") is None
    assert identify(graph, "A", "B").choice.startswith("a minimal set")
    with pytest.raises(NotIdentifiableError, match="visible"):
        identify(graph, "C", "A")
