"""Latent projection: nothing that the observed can tell is lost."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from causalkit.errors import GraphError, InputError
from causalkit.graph import (
    CausalGraph,
    Kind,
    is_separated,
    latent_projection,
    random_admg,
    random_dag,
)
from tests.oracles import graphs as oracle


def hidden_at_random(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(4, 8))
    graph = random_dag(size, expected_degree=2.0, rng=rng)
    if seed % 2:
        graph = random_admg(size, expected_degree=1.8, bidirected_degree=0.6, rng=rng)
    n_observed = int(rng.integers(1, min(size, 5) + 1))
    return graph, sorted(rng.permutation(graph.nodes)[:n_observed].tolist())


@pytest.mark.parametrize("seed", range(60))
def test_separations_and_ancestors_among_the_observed_stay(seed):
    graph, observed = hidden_at_random(seed)
    projected = latent_projection(graph, observed)
    assert projected.nodes == tuple(n for n in graph.nodes if n in observed)
    assert oracle.independences(projected, observed, is_separated) == oracle.independences(
        graph, observed, is_separated
    )
    for name in observed:
        assert projected.ancestors(name) == graph.ancestors(name) & set(observed)


@pytest.mark.parametrize("seed", range(40))
def test_edges_are_those_of_the_definition(seed):
    graph, observed = hidden_at_random(seed)
    projected = latent_projection(graph, observed)
    hidden = set(graph.nodes) - set(observed)
    canonical = oracle.canonical_dag(graph)
    invisible = hidden | (set(canonical) - set(graph.nodes))

    def through_hidden(source, target):
        inner = canonical.subgraph(invisible | {source, target})
        return nx.has_path(inner, source, target)

    for a in observed:
        for b in set(observed) - {a}:
            i, j = projected.index(a), projected.index(b)
            assert projected.directed[i, j] == through_hidden(a, b)
            common = any(
                nx.has_path(canonical.subgraph(invisible | {a}), u, a)
                and nx.has_path(canonical.subgraph(invisible | {b}), u, b)
                for u in invisible
            )
            assert projected.bidirected[i, j] == common


@pytest.mark.parametrize("seed", range(20))
def test_hiding_in_two_steps_is_hiding_at_once(seed):
    graph, observed = hidden_at_random(seed)
    halfway = sorted({*observed, *graph.nodes[::2]})
    assert latent_projection(latent_projection(graph, halfway), observed) == latent_projection(
        graph, observed
    )


def test_kind_follows_the_edges():
    fork = CausalGraph.parse("A <- U -> B; A -> C")
    assert latent_projection(fork, ["A", "B"]).kind is Kind.ADMG
    assert latent_projection(fork, ["A", "C"]).kind is Kind.DAG
    assert latent_projection(fork, fork.nodes) == fork
    bow = latent_projection(CausalGraph.parse("X -> Y; X <- U -> Y"), ["X", "Y"])
    assert bow == CausalGraph.parse("X -> Y; X <-> Y")


def test_errors():
    with pytest.raises(GraphError, match="got a CPDAG"):
        latent_projection(CausalGraph.parse("A -- B"), "A")
    with pytest.raises(InputError, match="observed is empty"):
        latent_projection(CausalGraph.parse("A -> B"), [])
