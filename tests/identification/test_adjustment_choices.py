"""Which adjustment set to take, and why a set is none: against all valid sets."""

from __future__ import annotations

import json
import warnings
from itertools import islice

import numpy as np
import pytest

from causalkit.errors import InputError, TimeBudgetWarning, UnknownVariableError
from causalkit.graph import CausalGraph, Edge, LaggedGraph, dag_to_mag, mag_to_pag
from causalkit.identification import (
    is_adjustment_set,
    minimal_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
)
from causalkit.identification.adjustment.choices import (
    canonical_adjustment_set,
    minimum_adjustment_set,
)
from causalkit.identification.adjustment.conditions import adjustment_conditions
from tests.identification.graphs import generator, pick, random_admg, random_class, random_dag
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


def draw(rng, trial, size=6):
    if trial % 2:
        return random_admg(rng, size, rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.35))
    return random_dag(rng, size, 0.45)


# --- what must be in, what may not ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_include_observed_and_forbidden_restrict_the_sets(seed):
    rng = generator([seed, 101])
    for trial in range(8):
        graph = draw(rng, trial)
        x, y = pick(rng, graph, 1 + trial % 3 // 2)
        rest = others(graph, x, y)
        banned = {v for v in rest if rng.random() < 0.2}
        include = {v for v in rest if v not in banned and rng.random() < 0.2}
        seen = {v for v in rest if v in include or rng.random() < 0.85}
        asked = {"observed": [*x, *y, *seen], "forbidden": banned}
        usable = seen - banned
        valid = {z for z in subsets(usable) if is_valid_by_definition(graph, x, y, z)}
        with_it = {z for z in valid if include <= z}
        found = list(minimal_adjustment_sets(graph, x, y, include=include, **asked))
        assert len(found) == len(set(found))
        assert set(found) == minimal(with_it), (graph, x, y, include, asked)
        one = minimal_adjustment_set(graph, x, y, include=include, **asked)
        assert (one in minimal(with_it)) if with_it else one is None
        costs = {v: float(rng.choice([0.0, 0.4, 1.0, 2.5])) for v in rest if rng.random() < 0.6}

        def price(z, include=include, costs=costs):
            return sum(costs.get(v, 1.0) for v in z - include)

        cheap = minimum_adjustment_set(graph, x, y, costs=costs, include=include, **asked)
        if with_it:
            assert cheap in minimal(with_it)
            assert price(cheap) == pytest.approx(min(map(price, with_it)))
        else:
            assert cheap is None
        canonical = canonical_adjustment_set(graph, x, y, **asked)
        assert (canonical in valid) if valid else canonical is None
        best = optimal_adjustment_set(graph, x, y, **asked)
        assert best is None or best in valid
        for z in islice(subsets(rest), 20):
            expected = z <= usable and is_valid_by_definition(graph, x, y, z)
            assert is_adjustment_set(graph, x, y, z, **asked) == expected


@pytest.mark.parametrize("seed", range(10))
def test_canonical_sets_of_classes_are_valid_if_any_set_is(seed):
    rng = generator([seed, 102])
    for trial in range(10):
        if trial % 2:
            graph, _ = random_class(rng, 5, known=0.2 * (trial % 4 == 1))
        else:
            dag = random_dag(rng, 7, 0.4)
            mag = dag_to_mag(dag, latent=[str(v) for v in rng.permutation(dag.nodes)[:2]])
            graph = mag if trial % 4 else mag_to_pag(mag)
        x, y = pick(rng, graph)
        rest = others(graph, x, y)
        seen = [*x, *y, *[v for v in rest if rng.random() < 0.8]]
        valid = [z for z in subsets(rest) if is_adjustment_set(graph, x, y, z, observed=seen)]
        found = canonical_adjustment_set(graph, x, y, observed=seen)
        assert (found in valid) if valid else found is None, (graph, x, y, seen)
        cheap = minimum_adjustment_set(graph, x, y, observed=seen)
        assert (len(cheap) == min(map(len, valid))) if valid else cheap is None


def test_published_cases_have_a_canonical_and_a_smallest_set_exactly_if_any(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    for case in cases:
        facts = case["projected"]
        kind = "ADMG" if any(mark == "<->" for *_, mark in facts["edges"]) else "DAG"
        graph = CausalGraph.from_edges(facts["nodes"], [Edge(*e) for e in facts["edges"]], kind)
        x, y = case["treatment"], case["outcome"]
        truth = [frozenset(z) for z in case["expected"]["minimal_adjustment_sets"]]
        smallest = minimum_adjustment_set(graph, x, y)
        canonical = canonical_adjustment_set(graph, x, y)
        if not truth:
            assert smallest is None
            assert canonical is None
            continue
        assert smallest in truth
        assert len(smallest) == min(map(len, truth)), case["id"]
        assert is_adjustment_set(graph, x, y, canonical), case["id"]


def test_of_equal_price_the_one_with_the_least_variance():
    rng = generator(103)
    tried = 0
    while tried < 15:
        graph = random_dag(rng, 7, 0.4)
        x, y = pick(rng, graph)
        seen = [*x, *y, *[v for v in others(graph, x, y) if rng.random() < 0.8]]
        found = list(minimal_adjustment_sets(graph, x, y, observed=seen))
        few = [z for z in found if len(z) == min(map(len, found))]
        if len(few) < 2 or not has_causal_path(graph, x, y):
            continue
        tried += 1
        model = LinearModel(graph, rng)
        variances = {z: model.regression(x, y[0], z)[1][0] for z in few}
        cheap = minimum_adjustment_set(graph, x, y, observed=seen)
        assert variances[cheap] <= min(variances.values()) + 1e-9, (graph, x, y, seen)


# --- too many sets -------------------------------------------------------------------------------


def many(n):
    """2^n minimal adjustment sets."""
    edges = [("X", "Y")]
    for k in range(n):
        edges += [(f"A{k}", "X"), (f"A{k}", f"B{k}"), (f"B{k}", "Y")]
    return CausalGraph.from_edges(["X", "Y", *[f"{c}{k}" for k in range(n) for c in "AB"]], edges)


def test_a_limit_that_is_reached_is_told():
    with pytest.warns(TimeBudgetWarning, match="more than max_sets=7"):
        assert len(set(minimal_adjustment_sets(many(30), "X", "Y", max_sets=7))) == 7


def test_a_limit_that_is_not_passed_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(minimal_adjustment_sets(many(3), "X", "Y", max_sets=8))) == 8
        assert len(list(islice(minimal_adjustment_sets(many(3), "X", "Y", max_sets=2), 2))) == 2


# --- least variance with hidden causes -----------------------------------------------------------


class WildModel(LinearModel):
    """Strengths that differ by orders of magnitude: what beats a set somewhere beats it here."""

    def __init__(self, graph, rng):
        super().__init__(graph, rng)
        p = len(self.names)
        self.B *= np.exp(rng.normal(0, 1.3, (p, p)))
        self.omega = np.diag(np.exp(rng.normal(0, 1.5, p)))
        for edge in graph.edges():
            if edge.symbol == "<->":
                loadings = np.zeros(p)
                ends = [self.where[edge.left], self.where[edge.right]]
                loadings[ends] = np.exp(rng.normal(0, 1.2, 2))
                self.omega += np.outer(loadings, loadings)
        mix = np.linalg.inv(np.eye(p) - self.B)
        self.cov = mix @ self.omega @ mix.T


def compare(rng, graph, x, y, seen, n_models):
    """The set returned, all valid sets, and those that no other beats in any drawn model."""
    rest = [v for v in others(graph, x, y) if v in seen]
    valid = [z for z in subsets(rest) if is_valid_by_definition(graph, x, y, z)]
    best = optimal_adjustment_set(graph, x, y, observed=[*x, *y, *rest])
    worst = np.ones(len(valid))
    for k in range(n_models if valid else 0):
        model = (WildModel if k % 3 else LinearModel)(graph, rng)
        if np.linalg.cond(model.cov) > 1e6:
            continue
        variances = np.array([model.regression(x, y[0], z)[1] for z in valid])
        worst = np.maximum(worst, (variances / variances.min(axis=0)).max(axis=1))
    return best, valid, [z for z, w in zip(valid, worst, strict=True) if w < 1 + 1e-5]


@pytest.mark.parametrize(
    "seed", [*range(10), *[pytest.param(s, marks=pytest.mark.slow) for s in range(10, 80)]]
)
def test_with_hidden_causes_no_valid_set_beats_the_optimal_one(seed):
    """And where none is returned, each valid set is beaten in some model, but for rare graphs."""
    rng = generator([seed, 104])
    tried = missed = 0
    while tried < 8:
        graph = random_admg(rng, 6, rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.35))
        x, y = pick(rng, graph, 1 + (seed % 5 == 4))
        seen = [v for v in graph.nodes if seed % 2 or rng.random() < 0.75]
        if not all(has_causal_path(graph, [t], y) for t in x):
            continue
        tried += 1
        best, valid, unbeaten = compare(rng, graph, x, y, seen, 40)
        if best is None:
            missed += len(unbeaten) > 0
        else:
            assert best in valid
            assert best in unbeaten, (graph, x, y, seen, best)
    assert missed <= 1


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ("X -> Y; Y <-> C; D -> C", {"C", "D"}),
        ("X -> M -> Y; M <-> C <-> D; A -> X; A -> Y", {"A", "C", "D"}),
        ("X <- W -> E <-> Y; X -> Y", None),  # E and W tell of Y, and W of X: it depends
        ("X <- E <-> C <-> Y; X -> Y", None),
        ("X <- E <-> Y; X -> Y", {"E"}),
        ("X <-> C <-> Y; X -> Y", set()),  # C opens what no other node blocks
        ("X -> C <-> Y; X -> Y", set()),
        ("X -> Y; X <-> Y", None),
        ("X -> M -> Y; M <-> Y; U -> M; U -> Y", {"U"}),
        ("V0 -> V1; V0 -> V3; X -> V5 -> Y; V5 <-> V3", {"V0", "V3"}),
    ],
)
def test_small_graphs_with_hidden_causes(graph, expected):
    found = optimal_adjustment_set(graph, "X", "Y")
    assert found == (None if expected is None else frozenset(expected))


def test_hidden_variables_are_marginalised_first():
    """U is hidden: what it causes stands in for it, as far as that is always an advantage."""
    graph = "X -> Y; U -> Y; U -> C; A -> X; A -> Y"
    assert optimal_adjustment_set(graph, "X", "Y") == {"A", "U"}
    assert optimal_adjustment_set(graph, "X", "Y", observed=["X", "Y", "A", "C"]) == {"A", "C"}
    assert optimal_adjustment_set(graph, "X", "Y", forbidden="U") == {"A", "C"}


# --- why a set is none ---------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_conditions_agree_with_the_definition_and_show_paths(seed):
    rng = generator([seed, 105])
    for trial in range(10):
        graph = draw(rng, trial, 5) if trial % 3 else random_class(rng, 5)[0]
        x, y = pick(rng, graph, 1 + trial % 3 // 2)
        for z in subsets(others(graph, x, y)):
            found = adjustment_conditions(graph, x, y, z)
            assert found.valid == is_adjustment_set(graph, x, y, z)
            assert found.permitted == (not found.affected)
            for name, path in found.affected:
                assert name in z
                assert path.startswith(tuple(x))
                assert path.endswith(name)
            if found.open_path is not None:
                assert found.open_path.startswith(tuple(x))
                assert found.open_path.endswith(tuple(y))
            assert ("valid  yes" in repr(found)) == found.valid


def test_what_is_wrong_is_said():
    graph = "Z -> X -> M -> Y; Z -> Y; M -> D; H -> Y"
    text = repr(adjustment_conditions(graph, "X", "Y", ["D", "H"], forbidden="H"))
    assert "X -> M -> D" in text
    assert "X <- Z -> Y is open" in text
    assert "not H" in text
    assert "X -- Y undecided" in repr(adjustment_conditions("X -- Y", "X", "Y"))
    fine = adjustment_conditions(graph, "X", "Y", "Z")
    assert fine.valid
    assert fine._repr_html_().startswith("<div")


# --- series, and edges of the domain -------------------------------------------------------------


def test_series_can_be_forbidden_whole_or_at_a_step():
    series = LaggedGraph.parse("Z[t-1] -> X[t]; Z[t-1] -> W[t]; X[t-1] -> Y[t] <- W[t-1]")
    sets = list(minimal_adjustment_sets(series, "X[t-1]", "Y[t]"))
    assert {frozenset(map(str, z)) for z in sets} == {frozenset({"Z[t-2]"}), frozenset({"W[t-1]"})}
    assert [set(z) for z in minimal_adjustment_sets(series, "X[t-1]", "Y", forbidden="W")] == [
        {"Z[t-2]"}
    ]
    assert minimum_adjustment_set(series, "X[t-1]", "Y", forbidden="Z[t-2]") == {"W[t-1]"}
    assert minimal_adjustment_set(series, "X[t-1]", "Y", forbidden=["W", "Z"]) is None
    assert minimum_adjustment_set(series, "X[t-1]", "Y", costs={"W[t-1]": 9.0}) == {"Z[t-2]"}
    assert canonical_adjustment_set(series, "X[t-1]", "Y") is not None
    assert adjustment_conditions(series, "X[t-1]", "Y", "W[t-1]").valid
    assert not adjustment_conditions(series, "X[t-1]", "Y").blocking


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"forbidden": "Q"}, UnknownVariableError, "no variable 'Q'"),
        ({"forbidden": "X"}, InputError, "both treatment and forbidden"),
        ({"include": "A", "forbidden": ["A"]}, InputError, "both include and forbidden"),
        ({"max_sets": 0}, InputError, "max_sets"),
        ({"max_sets": 2.5}, InputError, "max_sets"),
    ],
)
def test_bad_options_are_refused_at_once(options, error, says):
    with pytest.raises(error, match=says):
        minimal_adjustment_sets("A -> X -> Y; A -> Y", "X", "Y", **options)


def test_bad_costs_are_refused():
    with pytest.raises(InputError, match="cost of 'A'"):
        minimum_adjustment_set("A -> X -> Y; A -> Y", "X", "Y", costs={"A": -1.0})
    with pytest.raises(InputError, match="costs is a list"):
        minimum_adjustment_set("A -> X -> Y; A -> Y", "X", "Y", costs=[1.0])
