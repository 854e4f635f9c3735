"""Adjustment sets against path enumeration, linear models, and published cases."""

from __future__ import annotations

import json

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, UnknownVariableError
from causalkit.graph import CausalGraph, Edge
from causalkit.identification import (
    NoEffectEstimand,
    identify,
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from tests.identification.graphs import generator, pick, random_admg, random_dag
from tests.oracles.adjustment import (
    LinearModel,
    has_causal_path,
    is_valid_by_definition,
    minimal,
    subsets,
)


def others(graph, *roles):
    used = {name for role in roles for name in role}
    return [name for name in graph.nodes if name not in used]


def valid_sets(graph, x, y):
    return {z for z in subsets(others(graph, x, y)) if is_valid_by_definition(graph, x, y, z)}


SLOW = [
    pytest.param(kind, 1000 + seed, n_x, n_y, marks=pytest.mark.slow)
    for kind in ("dag", "admg")
    for seed in range(20)
    for n_x, n_y in ((1, 1), (2, 1), (3, 1), (2, 2))
]
CASES = [
    *[("dag", seed, 1, 1) for seed in range(8)],
    *[("dag", seed, 2, 1) for seed in range(8, 12)],
    *[("dag", seed, 2, 2) for seed in range(12, 14)],
    *[("admg", seed, 1, 1) for seed in range(8)],
    *[("admg", seed, 2, 1) for seed in range(8, 12)],
    *[("admg", seed, 2, 2) for seed in range(12, 14)],
    *SLOW,
]


@pytest.mark.parametrize(("kind", "seed", "n_x", "n_y"), CASES)
def test_valid_and_minimal_sets_are_those_of_the_definition(kind, seed, n_x, n_y):
    rng = generator([seed, kind == "dag"])
    for _ in range(20):
        graph = random_dag(rng, 5) if kind == "dag" else random_admg(rng, 5)
        x, y = pick(rng, graph, n_x, n_y)
        truth = valid_sets(graph, x, y)
        found = {z for z in subsets(others(graph, x, y)) if is_adjustment_set(graph, x, y, z)}
        assert found == truth, (graph, x, y)
        listed = list(minimal_adjustment_sets(graph, x, y))
        assert len(listed) == len(set(listed))
        assert set(listed) == minimal(truth), (graph, x, y)
        one = minimal_adjustment_set(graph, x, y)
        assert (one in minimal(truth)) if truth else one is None


@pytest.mark.parametrize("seed", range(6))
def test_observed_restricts_the_sets(seed):
    rng = generator([seed, 77])
    for _ in range(15):
        graph = random_dag(rng, 6, 0.45)
        x, y = pick(rng, graph)
        rest = others(graph, x, y)
        seen = [*x, *y, *[v for v in rest if rng.random() < 0.6]]
        truth = minimal({z for z in valid_sets(graph, x, y) if z <= set(seen)})
        assert set(minimal_adjustment_sets(graph, x, y, observed=seen)) == truth
        best = optimal_adjustment_set(graph, x, y, observed=seen)
        assert best is None or best <= set(seen)
        hidden = [v for v in rest if v not in seen]
        if hidden:
            assert not is_adjustment_set(graph, x, y, hidden, observed=seen)


@pytest.mark.parametrize("seed", range(6))
def test_include_gives_sets_minimal_among_those_that_have_it(seed):
    rng = generator([seed, 78])
    for _ in range(15):
        graph = random_admg(rng, 5)
        x, y = pick(rng, graph)
        include = {str(rng.choice(others(graph, x, y)))}
        truth = minimal({z for z in valid_sets(graph, x, y) if include <= z})
        found = minimal_adjustment_set(graph, x, y, include=include)
        assert (found in truth) if truth else found is None


@pytest.mark.parametrize(("kind", "n_x"), [("dag", 1), ("dag", 2), ("admg", 1), ("admg", 2)])
def test_valid_exactly_if_regression_gives_the_effect_in_linear_models(kind, n_x):
    """No criterion, no paths: coefficients after adjustment equal total effects, or do not."""
    rng = generator([n_x, len(kind)])
    for _ in range(30):
        graph = random_dag(rng, 5) if kind == "dag" else random_admg(rng, 5)
        x, y = pick(rng, graph, n_x)
        models = [LinearModel(graph, rng) for _ in range(3)]
        for z in subsets(others(graph, x, y)):
            right = all(
                np.allclose(m.regression(x, y[0], z)[0], m.effect(x, y[0]), atol=1e-8)
                for m in models
            )
            assert is_adjustment_set(graph, x, y, z) == right, (graph, x, y, z)


@pytest.mark.parametrize(("kind", "n_x"), [("dag", 1), ("dag", 2), ("admg", 1), ("admg", 2)])
def test_optimal_set_has_the_least_variance_of_all_valid_sets(kind, n_x):
    rng = generator([n_x, 5])
    tried = 0
    while tried < 25:
        graph = random_dag(rng, 6, 0.45) if kind == "dag" else random_admg(rng, 6, 0.4, 0.12)
        x, y = pick(rng, graph, n_x)
        best = optimal_adjustment_set(graph, x, y)
        truth = valid_sets(graph, x, y)
        if best is None:
            if kind == "dag" and has_causal_path(graph, x, y):
                assert not truth
            continue
        assert best in truth
        if not all(has_causal_path(graph, [t], y) for t in x):
            continue
        tried += 1
        model = LinearModel(graph, rng)
        variances = [model.regression(x, y[0], z)[1] for z in truth]
        assert (model.regression(x, y[0], best)[1] <= np.min(variances, axis=0) + 1e-9).all()


def test_nearest_minimal_set_has_the_least_variance_of_all_minimal_sets():
    rng = generator(6)
    tried = 0
    while tried < 20:
        graph = random_dag(rng, 6, 0.4)
        x, y = pick(rng, graph)
        seen = [*x, *y, *[v for v in others(graph, x, y) if rng.random() < 0.8]]
        found = list(minimal_adjustment_sets(graph, x, y, observed=seen))
        if len(found) < 2 or not has_causal_path(graph, x, y):
            continue
        tried += 1
        model = LinearModel(graph, rng)
        variances = {z: model.regression(x, y[0], z)[1][0] for z in found}
        nearest = minimal_adjustment_set(graph, x, y, observed=seen)
        assert variances[nearest] <= min(variances.values()) + 1e-9, (graph, x, y, seen)


# --- references ---------------------------------------------------------------------------------


def read(graph):
    return CausalGraph.from_edges(
        graph["nodes"],
        [Edge(a, b, mark) for a, b, mark in graph["edges"]],
        "ADMG" if any(mark == "<->" for *_, mark in graph["edges"]) else "DAG",
    )


def test_published_graphs_with_and_without_hidden_nodes(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    for case in cases:
        x, y, expected = case["treatment"], case["outcome"], case["expected"]
        truth = {frozenset(z) for z in expected["minimal_adjustment_sets"]}
        latent = set(case["graph"]["latent"])
        seen = [v for v in case["graph"]["nodes"] if v not in latent]
        full = read(case["graph"])
        assert set(minimal_adjustment_sets(full, x, y, observed=seen)) == truth, case["id"]
        assert set(minimal_adjustment_sets(read(case["projected"]), x, y)) == truth, case["id"]
        if expected["is_dag_fully_observed"]:
            best = expected["optimal_adjustment_set"]
            found = optimal_adjustment_set(full, x, y)
            assert found == (None if best is None else frozenset(best)), case["id"]


def test_adjustment_formula_gives_the_exact_do_distribution(shared):
    """Sum out the printed formula on exact tables of discrete models with hidden causes."""
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    truth = np.load(shared / "identification" / "numeric_do_truth.npz")
    checked = 0
    for case in cases:
        x, y = case["treatment"], case["outcome"]
        graph = read(case["projected"])
        if f"{case['id']}__do" not in truth or not case["expected"]["minimal_adjustment_sets"]:
            continue
        estimand = identify(graph, x, y)
        names = [str(v) for v in truth[f"{case['id']}__obs"]]
        joint = truth[f"{case['id']}__joint"]
        if isinstance(estimand, NoEffectEstimand):
            effect = np.broadcast_to(margin(joint, names, y), (2,) * (len(x) + len(y)))
        else:
            effect = adjusted(joint, names, x, y, estimand.adjustment)
        np.testing.assert_allclose(effect, truth[f"{case['id']}__do"], atol=1e-9)
        checked += 1
    assert checked >= 30


def margin(joint, names, keep):
    order = [names.index(v) for v in keep]
    table = np.moveaxis(joint, order, range(len(order)))
    return table.sum(axis=tuple(range(len(order), joint.ndim)))


def adjusted(joint, names, x, y, z):
    """Σ_z P(y | x, z) P(z), axes = treatments then outcomes."""
    table = margin(joint, names, (*x, *y, *z))
    axes_y = tuple(range(len(x), len(x) + len(y)))
    axes_xy = tuple(range(len(x) + len(y)))
    weight = table.sum(axis=axes_xy, keepdims=True)
    conditional = table / table.sum(axis=axes_y, keepdims=True)
    return (conditional * weight).sum(axis=tuple(range(len(axes_xy), table.ndim)))


def test_pcalg_test_cases_on_dags_and_cpdags(shared):
    cases = json.loads((shared / "identification" / "gac_pcalg_tests.json").read_text())["cases"]
    symbols = {
        ("tail", "arrow"): "->",
        ("circle", "circle"): "--",
        ("tail", "tail"): "--",
    }
    checked = 0
    for case in cases:
        if case["type"] == "pag":
            continue
        edges = []
        for a, b, at_a, at_b in case["edges"]:
            if at_a == "arrow":
                a, b, at_a, at_b = b, a, at_b, at_a
            edges.append(Edge(a, b, symbols[at_a, at_b]))
        graph = CausalGraph.from_edges(case["nodes"], edges, case["type"])
        valid = is_adjustment_set(graph, case["x"], case["y"], case["Z"])
        assert valid == case["valid_pcalg_test"]
        checked += 1
    assert checked == 6


# --- textbook graphs and edges of the domain ----------------------------------------------------


def test_m_bias_and_butterfly():
    butterfly = "A -> M <- B; A -> X -> Y; B -> Y; M -> X; M -> Y"
    assert not is_adjustment_set(butterfly, "X", "Y", "M")
    assert set(minimal_adjustment_sets(butterfly, "X", "Y")) == {
        frozenset("AM"),
        frozenset("BM"),
    }


def test_integer_names_and_order_of_the_graph():
    graph = CausalGraph.from_edges([3, 1, 2, 0], [(3, 1), (3, 2), (0, 1), (0, 2), (1, 2)])
    assert identify(graph, 1, 2).adjustment == (3, 0)


def test_many_confounders_do_not_enumerate_subsets():
    edges = [e for k in range(60) for e in ((f"C{k}", "X"), (f"C{k}", "Y"))]
    graph = CausalGraph.from_edges(["X", "Y", *[f"C{k}" for k in range(60)]], [*edges, ("X", "Y")])
    assert len(identify(graph, "X", "Y").adjustment) == 60
    assert list(minimal_adjustment_sets(graph, "X", "Y")) == [frozenset(f"C{k}" for k in range(60))]


def test_minimal_sets_come_one_by_one():
    """2^40 minimal sets: the first few come at once."""
    edges = [("X", "Y")]
    for k in range(40):
        edges += [(f"A{k}", "X"), (f"A{k}", f"B{k}"), (f"B{k}", "Y")]
    names = ["X", "Y", *[f"{c}{k}" for k in range(40) for c in "AB"]]
    sets = minimal_adjustment_sets(CausalGraph.from_edges(names, edges), "X", "Y")
    assert len({next(sets) for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("X -> Y", "X", "W"), UnknownVariableError, "no variable 'W'"),
        (("X -> Y", "X", "X"), InputError, "both treatment and outcome"),
        (("X -> Y", [], "Y"), InputError, "treatment is empty"),
        (("X -> Y", "X", ()), InputError, "outcome is empty"),
        (("X -> Y", "X", "Y", "X"), InputError, "both treatment and given"),
        (("PAG: X -- Y", "X", "Y"), GraphError, "selection"),
        ((42, "X", "Y"), InputError, "expected a CausalGraph"),
        (("A -- B; B -- C; C -- D; D -- A", "A", "B"), GraphError, "expected"),
    ],
)
def test_bad_questions_are_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        is_adjustment_set(*arguments)


def test_unobserved_treatment_is_refused():
    with pytest.raises(InputError, match="not among the observed"):
        is_adjustment_set("Z -> X -> Y", "X", "Y", observed=["Z", "Y"])


def test_networkx_graphs_are_read():
    import networkx as nx

    graph = nx.DiGraph([("Z", "X"), ("Z", "Y"), ("X", "Y")])
    assert optimal_adjustment_set(graph, "X", "Y") == {"Z"}
