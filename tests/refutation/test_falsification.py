"""Graphs against data: the definition by enumeration, verdicts, and what is refused."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest

from causalkit.errors import InputError, UnknownVariableError
from causalkit.graph import CausalGraph, is_separated, random_dag
from causalkit.independence import FisherZ
from causalkit.independence.oracle import Oracle
from causalkit.refutation import falsify_graph

mpl.use("Agg")


def sampled(graph, rng, n=400):
    """Linear Gaussian data from a DAG."""
    columns = {}
    for k in graph.order:
        name = graph.nodes[k]
        parents = sorted(graph.parents(name))
        columns[name] = sum((columns[p] for p in parents), rng.normal(size=n))
    return columns


def renamed(graph, order):
    """Each node has the name of another."""
    names = dict(zip(graph.nodes, (graph.nodes[k] for k in order), strict=True))
    text = "; ".join(f"{names[a]} -> {names[b]}" for a in graph.nodes for b in graph.children(a))
    isolated = "; ".join(graph.nodes)
    return CausalGraph.parse(f"{isolated}; {text}").reordered(graph.nodes)


def implied_by(graph):
    return {
        (frozenset((v, u)), frozenset(graph.parents(v)))
        for v in graph.nodes
        for u in graph.nodes
        if u not in graph.descendants(v) | graph.parents(v) | {v}
    }


GRAPHS = ["a -> c <- b; c -> d", "a -> b -> c -> d", "a -> b; c -> b; a -> d; c -> d"]


@pytest.mark.parametrize("text", GRAPHS)
def test_everything_is_as_defined_by_enumeration(text):
    """All 24 names, an oracle for a test: shares of violations, p-value, own class."""
    truth = CausalGraph.parse("a -> c <- b; c -> d")
    graph = CausalGraph.parse(text).reordered(truth.nodes)
    data = {name: [0.0, 1.0, 2.0, 3.0, 5.0] for name in truth.nodes}
    found = falsify_graph(graph, data, test=Oracle(truth), n_permutations=24)
    listed = [(frozenset((i.node, i.other)), frozenset(i.given)) for i in found.implied]
    assert set(listed) == implied_by(graph)
    assert len(set(listed)) == len(listed)  # each once

    def share(one):
        asked = implied_by(one)
        return np.mean([not is_separated(truth, *pair, given) for pair, given in asked])

    others = [renamed(graph, order) for order in itertools.permutations(range(4))]
    shares = np.array([share(one) for one in others])
    assert sorted(found.baseline) == pytest.approx(sorted(shares))
    assert found.share_violated == pytest.approx(share(graph))
    assert found.p_value == pytest.approx(np.mean(shares <= share(graph) + 1e-12))
    alike = np.mean([one.to_cpdag() == graph.to_cpdag() for one in others])
    assert found.p_equivalent == pytest.approx(alike)


def test_p_values_are_those_of_the_test_one_by_one():
    rng = np.random.default_rng(1)
    graph = random_dag(7, expected_degree=2, rng=rng)
    data = sampled(graph, rng)
    found = falsify_graph(graph, data, n_permutations=10, random_state=0)
    for i in found.implied:
        assert i.p_value == pytest.approx(FisherZ().test(data, i.node, i.other, i.given).p_value)
    kept = {(a, b) for a, b, _ in found.removable}
    for a in graph.nodes:
        for b in graph.children(a):
            others = graph.parents(b) - {a}
            assert (FisherZ().test(data, a, b, others).p_value >= 0.05) == ((a, b) in kept)


def test_verdicts():
    rng = np.random.default_rng(2)
    truth = random_dag(8, expected_degree=2.5, rng=rng)
    data = sampled(truth, rng, n=2000)
    right = falsify_graph(truth, data, random_state=0)
    assert right.verdict == "passes"
    assert right.share_violated < 0.15
    order = rng.permutation(8)
    wrong = falsify_graph(renamed(truth, order), data, random_state=0)
    assert wrong.verdict == "fails"
    assert wrong.violated
    assert wrong.violated[0].p_value < 1e-6
    full = CausalGraph.parse("a -> b; a -> c; b -> c")
    three = sampled(full, rng)
    assert falsify_graph(full, three).verdict == "not informative"
    empty = falsify_graph(CausalGraph.parse("a; b; c"), three)
    assert empty.verdict == "not informative"
    assert "other names" in empty.sentence


def test_to_pass_with_many_violations_is_said():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(2000, 3)).T
    hidden, *noise = rng.normal(size=(5, 2000))
    d = a + b + 0.5 * hidden + noise[0]
    e = d + c + 0.5 * hidden + noise[1]
    f = e + 0.3 * a + noise[2]
    g = f + 0.3 * b + 0.5 * hidden + noise[3]
    data = {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g}
    found = falsify_graph("a -> d <- b; d -> e <- c; e -> f -> g", data, random_state=0)
    assert found.verdict == "passes"
    assert "better than with other names" in found.sentence
    assert f"{len(found.violated)} of {len(found.implied)} implied" in found.sentence


def test_edges_that_are_not_there_are_called_removable():
    rng = np.random.default_rng(3)
    truth = CausalGraph.parse("a -> b -> c -> d -> e")
    data = sampled(truth, rng, n=3000)
    more = CausalGraph.parse("a -> b -> c -> d -> e; a -> c")
    found = falsify_graph(more, data, random_state=0)
    assert [(a, b) for a, b, _ in found.removable] == [("a", "c")]
    assert "a -> c" in str(found)


def test_a_class_is_judged_by_a_member():
    truth = CausalGraph.parse("a -> c <- b; c -> d -> e")
    data = sampled(truth, np.random.default_rng(4))
    member = falsify_graph(truth, data, random_state=0)
    of_class = falsify_graph(truth.to_cpdag(), data, random_state=0)
    assert of_class.verdict == member.verdict
    assert of_class.p_equivalent == member.p_equivalent


def test_the_seed_decides_and_other_columns_do_not_matter():
    truth = CausalGraph.parse("a -> c <- b; c -> d -> e -> f")
    data = sampled(truth, np.random.default_rng(5))
    one = falsify_graph(truth, data, random_state=3)
    two = falsify_graph(truth, {**data, "text": ["x"] * 400}, random_state=3)
    assert one.baseline.tolist() == two.baseline.tolist()


def test_report_frame_and_picture():
    truth = CausalGraph.parse("a -> c <- b; c -> d")
    data = sampled(truth, np.random.default_rng(6))
    found = falsify_graph(CausalGraph.parse("a -> d <- b; d -> c"), data, random_state=0)
    assert "⫫" in str(found)
    assert set(found.to_frame().columns) == {"node", "other", "given", "p_value", "violated"}
    assert "violated" in found.plot().get_xlabel()


def test_errors():
    data = sampled(CausalGraph.parse("a -> b"), np.random.default_rng(7))
    with pytest.raises(InputError, match="expected a CausalGraph"):
        falsify_graph(7, data)
    with pytest.raises(InputError, match="fewer than two"):
        falsify_graph(CausalGraph.parse("a"), data)
    with pytest.raises(InputError, match="kind ADMG"):
        falsify_graph(CausalGraph.parse("a <-> b"), data)
    with pytest.raises(UnknownVariableError, match="z"):
        falsify_graph(CausalGraph.parse("a -> z"), data)


def test_a_graph_without_edges_on_dependent_columns_is_not_left_uncommented():
    rng = np.random.default_rng(0)
    a = rng.normal(size=300)
    data = {"a": a, "b": a + rng.normal(size=300), "c": a + rng.normal(size=300)}
    data["d"] = data["b"] + rng.normal(size=300)
    found = falsify_graph("a; b; c; d", data, random_state=0)
    assert found.verdict == "not informative"
    assert "does not agree with the data" in found.sentence
    right = falsify_graph("a -> b -> d; a -> c; c -> d", data, random_state=0)
    assert "does not agree" not in right.sentence
