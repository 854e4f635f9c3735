"""Classes of graphs: one answer exactly if all members agree, and all answers otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalkit.errors import GraphError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge
from causalkit.graph.equivalence import members
from causalkit.identification import (
    AdjustmentEstimand,
    NoEffectEstimand,
    identify,
    is_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from tests.identification.graphs import generator, pick, random_class
from tests.oracles.adjustment import (
    LinearModel,
    has_causal_path,
    is_valid_by_definition,
    minimal,
    subsets,
)

CASES = [
    pytest.param(seed, known, n_x, marks=[pytest.mark.slow] if seed >= 4 else [])
    for seed in range(30)
    for known in (0.0, 0.25)
    for n_x in (1, 2)
]


def others(graph, *roles):
    used = {name for role in roles for name in role}
    return [name for name in graph.nodes if name not in used]


def small_class(rng, known):
    while True:
        graph, dags = random_class(rng, 5, known=known)
        if 1 < len(dags) <= 30:
            return graph, dags


def linear_effects(graph, dags, x, y, rng):
    """Effects of x on y in all members, on one covariance that they all fit."""
    cov = LinearModel(dags[0], rng).cov
    return [tuple(effect_in(dag, cov, x, y)) for dag in dags]


def effect_in(dag, cov, x, y):
    """Fit the member's linear model to the covariance, then intervene by algebra."""
    where = {name: k for k, name in enumerate(dag.nodes)}
    B = np.zeros_like(cov)
    for child in dag.nodes:
        parents = [where[v] for v in dag.parents(child)]
        if parents:
            B[where[child], parents] = np.linalg.solve(
                cov[np.ix_(parents, parents)], cov[parents, where[child]]
            )
    xs = [where[v] for v in x]
    B[xs] = 0
    return np.linalg.inv(np.eye(len(cov)) - B)[where[y], xs]


def distinct(effects):
    rows = []
    for effect in effects:
        if not any(np.allclose(effect, row, atol=1e-7) for row in rows):
            rows.append(effect)
    return rows


@pytest.mark.parametrize(("seed", "known", "n_x"), CASES)
def test_a_set_is_valid_exactly_if_it_is_valid_in_every_member(seed, known, n_x):
    rng = generator([seed, int(100 * known), n_x])
    for _ in range(15):
        graph, dags = small_class(rng, known)
        x, y = pick(rng, graph, n_x)
        truth = {
            z
            for z in subsets(others(graph, x, y))
            if all(is_valid_by_definition(dag, x, y, z) for dag in dags)
        }
        found = {z for z in subsets(others(graph, x, y)) if is_adjustment_set(graph, x, y, z)}
        affected = any(has_causal_path(dag, x, y) for dag in dags)
        assert found == truth, (graph, x, y, affected)
        assert set(minimal_adjustment_sets(graph, x, y)) == minimal(truth)


@pytest.mark.parametrize(("seed", "known", "n_x"), CASES)
def test_identified_exactly_if_all_members_have_the_same_effect(seed, known, n_x):
    rng = generator([seed, int(100 * known), n_x, 1])
    for _ in range(15):
        graph, dags = small_class(rng, known)
        x, y = pick(rng, graph, n_x)
        effects = distinct(linear_effects(graph, dags, x, y[0], rng))
        try:
            estimand = identify(graph, x, y)
        except NotIdentifiableError as error:
            edges = [item for item in error.witness if isinstance(item, Edge)]
            if edges and edges[0].symbol == "--":
                assert len(effects) > 1, (graph, x, y)
            else:  # joint effects may be the same everywhere and yet not by adjustment
                assert n_x > 1
                assert len(effects) == 1
            continue
        assert len(effects) == 1, (graph, x, y)
        zero = not any(has_causal_path(dag, x, y) for dag in dags)
        assert isinstance(estimand, NoEffectEstimand) == zero


@pytest.mark.parametrize(("seed", "known"), [(s, k) for s in range(4) for k in (0.0, 0.25)])
def test_not_identified_exactly_if_no_set_is_valid_in_all_members(seed, known):
    """With one treatment and one outcome nothing is lost by asking for adjustment only."""
    rng = generator([seed, int(100 * known), 2])
    for _ in range(15):
        graph, dags = small_class(rng, known)
        x, y = pick(rng, graph)
        sets = [
            z
            for z in subsets(others(graph, x, y))
            if all(is_valid_by_definition(dag, x, y, z) for dag in dags)
        ]
        zero = not any(has_causal_path(dag, x, y) for dag in dags)
        try:
            identify(graph, x, y)
        except NotIdentifiableError as error:
            assert not sets
            assert not zero
            # a witness edge is causal one way round, in some member
            for edge in error.witness:
                assert any(
                    Edge(edge.left, edge.right, "->") in dag.edges()
                    and has_causal_path(
                        dag.subgraph([v for v in dag.nodes if v != x[0]]), [edge.right], y
                    )
                    if edge.right != y[0]
                    else True
                    for dag in dags
                ), (graph, edge)
        else:
            assert sets or zero


@pytest.mark.parametrize(("seed", "known", "n_x"), CASES)
def test_possible_effects_are_the_effects_of_all_members(seed, known, n_x):
    rng = generator([seed, int(100 * known), n_x, 3])
    for _ in range(12):
        graph, dags = small_class(rng, known)
        x, y = pick(rng, graph, n_x)
        try:
            possible = identify(graph, x, y, strategy="possible")
        except NotIdentifiableError:
            assert n_x > 1
            continue
        seen = []
        cov = LinearModel(dags[0], rng).cov
        for answer, classes in zip(possible.alternatives, possible.classes, strict=True):
            for finer in classes:
                inside = list(members(finer))
                seen += inside
                for dag in inside:
                    truth = effect_in(dag, cov, x, y[0])
                    np.testing.assert_allclose(slopes(cov, graph, answer), truth, atol=1e-7)
        assert len(seen) == len(dags)
        assert set(seen) == set(dags)
        assert sum(possible.n_members()) == len(dags)
        # different answers are different effects
        assert len(distinct([slopes(cov, graph, a) for a in possible])) == len(possible)


def slopes(cov, graph, answer):
    if isinstance(answer, NoEffectEstimand):
        return np.zeros(len(answer.query.treatment))
    cols = graph.indices((*answer.query.treatment, *answer.adjustment))
    y = graph.index(answer.query.outcome[0])
    beta = np.linalg.solve(cov[np.ix_(cols, cols)], cov[cols, y])
    return beta[: len(answer.query.treatment)]


@pytest.mark.parametrize("known", [0.0, 0.25])
def test_optimal_set_is_that_of_every_member(known):
    rng = generator([int(100 * known), 4])
    compared = 0
    while compared < 12:
        graph, dags = small_class(rng, known)
        x, y = pick(rng, graph)
        best = optimal_adjustment_set(graph, x, y)
        if best is not None and has_causal_path(dags[0], x, y):
            assert {optimal_adjustment_set(dag, x, y) for dag in dags} == {best}
            compared += 1


def test_cpdag_cases_with_all_valid_sets(shared):
    cases = json.loads((shared / "identification" / "cpdag_adjustment.json").read_text())["cases"]
    for case in cases:
        facts = case["graph"]
        graph = CausalGraph.from_edges(
            facts["nodes"],
            [Edge(a, b, "->") for a, b in facts["directed"]]
            + [Edge(a, b, "--") for a, b in facts["undirected"]],
            "CPDAG",
        )
        x, y = case["x"], case["y"]
        rest = [v for v in graph.nodes if v not in (x, y)]
        found = {z for z in subsets(rest) if is_adjustment_set(graph, x, y, z)}
        assert found == {frozenset(z) for z in case["valid_sets"]}, case["id"]
        smallest = {frozenset(z) for z in case["minimal_valid_sets"]}
        assert set(minimal_adjustment_sets(graph, x, y)) == smallest, case["id"]


# --- what a user meets --------------------------------------------------------------------------


def test_the_error_names_the_edges_that_decide():
    with pytest.raises(NotIdentifiableError, match=r"X -- Y.*possible") as caught:
        identify("Z -- X; X -- Y", "X", "Y")
    assert caught.value.witness == (Edge("X", "Y", "--"),)


def test_orienting_a_witness_edge_helps():
    graph = CausalGraph.parse("Z -- X; X -- Y; Z -- Y")
    with pytest.raises(NotIdentifiableError) as caught:
        identify(graph, "X", "Y")
    assert set(caught.value.witness) == {Edge("X", "Y", "--"), Edge("X", "Z", "--")}
    known = CausalGraph.parse("Z -> X; X -> Y; Z -- Y", kind="CPDAG")
    assert identify(known, "X", "Y").adjustment == ("Z",)


def test_a_cpdag_may_hold_open_ends_of_knowledge():
    """Knowledge that is not closed yet is closed first: A -> X forces X -> Y."""
    graph = CausalGraph.parse("A -> X; X -- Y", kind="CPDAG")
    assert identify(graph, "X", "Y").adjustment == ()
    assert isinstance(identify(graph, "Y", "X"), NoEffectEstimand)


def test_background_knowledge_can_forbid_a_walk():
    """A -- B -- C is undirected all the way, but C -> A: A is no cause of C."""
    graph = CausalGraph.parse("A -- B; B -- C; C -> A", kind="CPDAG")
    assert isinstance(identify(graph, "A", "C"), NoEffectEstimand)


def test_pdag_without_a_member_is_refused():
    with pytest.raises(GraphError):
        identify(CausalGraph.parse("A -> B; B -- C; C <- D; D -- E", kind="CPDAG"), "A", "C")


def test_long_chains_and_cliques_do_not_enumerate_members():
    chain = CausalGraph.parse(" -- ".join(f"V{k}" for k in range(60)))
    possible = identify(chain, "V30", "V35", strategy="possible")
    assert [type(a) for a in possible].count(NoEffectEstimand) == 1
    assert sum(possible.n_members()) == 60
    names = [f"C{k}" for k in range(12)]
    pairs = [Edge(a, b, "--") for i, a in enumerate(names) for b in names[i + 1 :]]
    clique = CausalGraph.from_edges(["X", *names], [*pairs, Edge("X", "C0", "--")], "CPDAG")
    assert len(identify(clique, "X", "C5", strategy="possible")) == 2


def test_possible_effects_print_their_cases():
    possible = identify("Z -- X; X -- Y; Z -- Y", "X", "Y", strategy="possible")
    text = repr(possible)
    assert "adjust for Z" in text
    assert "no effect" in text
    assert "X -> Y" in text
    assert possible._repr_html_().startswith("<div")
    assert all(isinstance(a, (AdjustmentEstimand, NoEffectEstimand)) for a in possible)
