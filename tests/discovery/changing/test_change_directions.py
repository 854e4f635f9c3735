"""Phase II b of CD-NOD without its statistics: whatever the verdicts, a class of DAGs comes out."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.discovery.changing._change_directions import direct_by_changes
from causalkit.discovery.changing._independent_change import ChangeVerdict
from causalkit.graph import CausalGraph, Kind, consistent_extension, dag_to_cpdag, meek_closure
from tests.oracles.discovery import class_by_enumeration, random_dag


def verdict(cause, effect, decided=True):
    return ChangeVerdict(cause, effect, 0.1, 0.2, 0.5, 0.01, decided)


def start(rng, dag):
    """The class of the DAG with a surrogate that changes everything, and the DAG itself."""
    edges = [(e.left, e.right) for e in dag.edges()] + [("C", name) for name in dag.nodes]
    truth = CausalGraph.from_edges([*dag.nodes, "C"], edges, Kind.DAG)
    forbidden = np.zeros((len(truth.nodes),) * 2, dtype=bool)
    forbidden[:, -1] = True
    return truth, class_by_enumeration(truth, forbidden)


def pairs_in(group, undirected):
    return [(i, j) for i in group for j in group if i < j and undirected[i, j]]


def test_true_verdicts_give_the_true_graph():
    rng = np.random.default_rng(0)
    for _ in range(150):
        truth, known = start(rng, random_dag(rng, max_nodes=5, max_edges=7))

        def compare(group, directed, undirected, truth=truth):
            pairs = pairs_in(group.tolist(), undirected)
            pairs = [(i, j) if truth.directed[i, j] else (j, i) for i, j in pairs]
            return [verdict(truth.nodes[i], truth.nodes[j]) for i, j in rng.permutation(pairs)]

        found = direct_by_changes(known, "C", compare, lambda: False)
        assert found.graph == CausalGraph(truth.nodes, truth.ends, Kind.CPDAG)
        new = found.graph.directed & ~known.directed
        assert {(truth.nodes[i], truth.nodes[j]) for i, j in np.argwhere(new)} == set(found.reasons)


def test_any_verdicts_leave_a_member_of_the_class():
    rng = np.random.default_rng(1)
    for _ in range(150):
        truth, known = start(rng, random_dag(rng, max_nodes=5, max_edges=7))

        def compare(group, directed, undirected, names=truth.nodes):
            pairs = [rng.permutation(p) for p in pairs_in(group.tolist(), undirected)]
            return [verdict(names[i], names[j], bool(rng.random() < 0.7)) for i, j in pairs]

        found = direct_by_changes(known, "C", compare, lambda: False)
        assert (found.graph.directed | ~known.directed).all()
        assert meek_closure(found.graph) == found.graph
        member = consistent_extension(found.graph)
        assert dag_to_cpdag(member) == dag_to_cpdag(truth)
        for said in found.comparisons:
            if not said.decided and "--" in str(found.graph.edges_between(said.cause, said.effect)):
                assert found.why(said.cause, said.effect) == f"undecided, {said.sentence()}"


def test_only_changing_variables_are_compared_and_time_is_kept():
    graph = CausalGraph.parse("C -> a; C -> b; a -- b; d -- e", kind="CPDAG")
    asked = []
    compare = lambda group, *_: asked.append([graph.nodes[k] for k in group]) or []  # noqa: E731
    assert direct_by_changes(graph, "C", compare, lambda: False).graph == graph
    assert asked == [["a", "b"]]
    late = direct_by_changes(graph, "C", compare, lambda: True)
    assert "1 group" in late.stopped
    assert asked == [["a", "b"]]
    quiet = CausalGraph.parse("C -> a; d -- e", kind="CPDAG")
    assert direct_by_changes(quiet, "C", compare, lambda: False).stopped is None


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_what_follows_says_from_what(names):
    graph = CausalGraph.parse("C -> a; C -> b; C -> d; a -- b; b -- d", kind="CPDAG")
    said = verdict("a", "b")
    found = direct_by_changes(graph, "C", lambda *_: [said], lambda: False)
    assert found.why(*names) == said.sentence()
    assert found.why("d", "b") == "Meek rule 1 with a, after a -> b was drawn"
    assert found.why("C", "a") is None
