"""Front doors against the definition, exact numbers of discrete models, and published cases."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import pytest

from causalkit.errors import (
    GraphError,
    InputError,
    NotIdentifiableError,
    UnknownVariableError,
)
from causalkit.graph import CausalGraph, Edge, latent_projection
from causalkit.identification.frontdoor.estimand import FrontdoorEstimand, frontdoor_estimand
from causalkit.identification.frontdoor.frontdoor import (
    conditional_frontdoor,
    frontdoor_set,
    frontdoor_sets,
    is_frontdoor_set,
    minimal_frontdoor_set,
    minimal_frontdoor_sets,
)
from causalkit.identification.query import EffectQuery
from tests.identification.oracle import (
    Model,
    all_admgs,
    expectation,
    random_admg,
    separated,
    spread,
    subsets,
    value,
)
from tests.oracles import adjustment as by_paths


def affected(plain, names):
    return {v for v in plain.nodes if set(names) & plain.ancestors([v])}


def is_front_door(plain, x, y, mediators, given=()):
    """The three conditions, and that treatment affects no covariate; separation by moral graphs."""
    around = plain.ancestors(y, set(plain.nodes) - set(mediators))
    return (
        not affected(plain, x) & set(given)
        and not around & set(x)
        and separated(plain, x, mediators, given, out_cut=x)
        and separated(plain, mediators, y, (*x, *given), out_cut=mediators)
    )


def is_front_door_by_paths(graph, x, y, mediators):
    """Pearl's words, path by path; paths between sets are proper, as Jeong et al. have it."""

    def proper(start, goal):
        for a in start:
            for b in goal:
                for path in by_paths.paths(graph, a, b):
                    if not {step[1] for step in path[:-1]} & (set(start) | set(goal)):
                        yield path

    directed = [p for a in x for p in by_paths.paths(graph, a, y) if by_paths.is_causal(p)]
    return (
        all({step[1] for step in path} & set(mediators) for path in directed)
        and not any(
            path[0][2] == ">" and by_paths.is_open(graph, path, set())
            for path in proper(x, mediators)
        )
        and not any(
            path[0][2] == ">" and by_paths.is_open(graph, path, set(x))
            for path in proper(mediators, [y])
        )
    )


def draw(rng, sizes=(4, 5, 6), roles=(1, 1)):
    """A DAG or ADMG with treatments and outcomes; the outcome often comes late."""
    plain = random_admg(
        rng, int(rng.choice(sizes)), arcs=rng.uniform(0.3, 0.7), bows=rng.choice([0, 0.1, 0.25])
    )
    place = sorted(rng.choice(len(plain.nodes), sum(roles), replace=False))
    names = [plain.nodes[k] for k in place]
    if rng.random() < 0.2:
        names = [str(v) for v in rng.permutation(names)]
    x, y = tuple(names[: roles[0]]), tuple(names[roles[0] :])
    return plain, x, y, [v for v in plain.nodes if v not in names]


def some(rng, names, share):
    return [v for v in names if rng.random() < share]


def minimal(sets):
    return {s for s in sets if not any(other < s for other in sets)}


# --- laws ---------------------------------------------------------------------------------------

SEEDS = [*range(5), *[pytest.param(100 + k, marks=pytest.mark.slow) for k in range(40)]]


@pytest.mark.parametrize("seed", SEEDS)
def test_sets_are_those_of_the_definition(seed):
    rng = np.random.default_rng([seed, 1])
    for k in range(60):
        plain, x, y, rest = draw(rng, roles=(1 + (k % 5 == 0), 1 + (k % 7 == 0)))
        given = some(rng, rest, 0.3) if k % 2 else []
        seen = [*x, *y, *(given if k % 4 == 1 else []), *some(rng, rest, 0.8)] if k % 3 else None
        pool = [v for v in rest if v not in given]
        usable = set(plain.nodes if seen is None else seen)
        truth = {
            frozenset(m)
            for m in subsets(pool)
            if {*m, *given} <= usable and is_front_door(plain, x, y, m, given)
        }
        asked = {"given": given, "observed": seen}
        graph = plain.graph()
        for m in subsets(pool):
            assert is_frontdoor_set(graph, x, y, m, **asked) == (frozenset(m) in truth), (graph, m)
        listed = list(frontdoor_sets(graph, x, y, **asked))
        assert len(listed) == len(set(listed))
        assert set(listed) == truth
        smallest = list(minimal_frontdoor_sets(graph, x, y, **asked))
        assert len(smallest) == len(set(smallest))
        assert set(smallest) == minimal(truth)
        largest, one = (f(graph, x, y, **asked) for f in (frontdoor_set, minimal_frontdoor_set))
        assert largest == (frozenset.union(*truth) if truth else None)
        assert (one in minimal(truth)) if truth else one is None
        assert not listed or listed[0] in minimal(truth)


@pytest.mark.parametrize("seed", range(3))
def test_include_gives_sets_that_have_it(seed):
    rng = np.random.default_rng([seed, 2])
    for _ in range(60):
        plain, x, y, rest = draw(rng)
        include = frozenset(some(rng, rest, 0.3))
        truth = {frozenset(m) for m in subsets(rest) if is_front_door(plain, x, y, m)}
        fit = {m for m in truth if include <= m}
        graph = plain.graph()
        one = minimal_frontdoor_set(graph, x, y, include=include)
        assert (one in minimal(fit)) if fit else one is None
        assert frontdoor_set(graph, x, y, include=include) == (max(fit, key=len) if fit else None)


@pytest.mark.parametrize("seed", range(2))
def test_the_definition_read_path_by_path(seed):
    rng = np.random.default_rng([seed, 3])
    for _ in range(40):
        plain, x, y, rest = draw(rng, sizes=(4, 5))
        graph = plain.graph()
        for m in subsets(rest):
            assert is_frontdoor_set(graph, x, y, m) == is_front_door_by_paths(graph, x, *y, m)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_conditional_front_door_is_found_exactly_if_there_is_one(seed):
    """All pairs of mediators and covariates are tried."""
    rng = np.random.default_rng([seed, 4])
    for k in range(60):
        plain, x, y, rest = draw(rng, roles=(1 + (k % 6 == 0), 1 + (k % 7 == 0)))
        must = some(rng, rest, 0.3) if k % 3 == 0 else []
        seen = [*x, *y, *must, *some(rng, rest, 0.8)] if k % 2 else list(plain.nodes)
        free = [v for v in rest if v in seen and v not in must]
        truth = {
            (frozenset(m), frozenset((*must, *w)))
            for m in subsets(free)
            for w in subsets(v for v in free if v not in m)
            if is_front_door(plain, x, y, m, (*must, *w))
        }
        found = conditional_frontdoor(plain.graph(), x, y, given=must, observed=seen)
        if found is None:
            assert not truth, (plain, x, y, must, seen)
            continue
        assert found in truth, (plain, x, y, must, seen, found)
        mediators, covariates = found
        assert mediators in minimal({m for m, w in truth if w == covariates})
        assert not any((mediators, covariates - {w}) in truth for w in covariates)


@pytest.mark.slow
def test_all_graphs_on_four_nodes():
    for plain in all_admgs(4):
        graph = plain.graph()
        for x, y in (("V0", "V2"), ("V0", "V3"), ("V1", "V2"), ("V1", "V3")):
            rest = [v for v in plain.nodes if v not in (x, y)]
            some_pair = False
            for given in map(frozenset, subsets(rest)):
                free = subsets(v for v in rest if v not in given)
                truth = {frozenset(m) for m in free if is_front_door(plain, (x,), (y,), m, given)}
                assert set(frontdoor_sets(graph, x, y, given=given)) == truth
                some_pair |= bool(truth)
            assert (conditional_frontdoor(graph, x, y) is not None) == some_pair, (graph, x, y)


@pytest.mark.parametrize("seed", range(4))
def test_the_formula_is_the_effect_in_models_with_hidden_causes(seed):
    """Every pair that satisfies the conditions, strata and several treatments included."""
    rng = np.random.default_rng([seed, 5])
    checked = 0
    while checked < 60:
        plain, x, y, rest = draw(rng, sizes=(4, 5), roles=(int(rng.integers(1, 3)), 1))
        pairs = [
            (m, w)
            for m in subsets(rest, 1)
            for w in subsets(v for v in rest if v not in m)
            if is_front_door(plain, x, y, m, w) and y[0] in affected(plain, x)
        ]
        if not pairs:
            continue
        model = Model.draw(rng, plain, by_clique=bool(rng.integers(2)))
        joint = model.joint()
        for m, w in pairs:
            strata = tuple(some(rng, w, 0.4))
            query = EffectQuery(x, y, strata)
            formula = FrontdoorEstimand(query, m, w, plain.graph()).expression
            got = spread(*value(formula, plain.nodes, joint), (*x, *strata), model.levels)
            np.testing.assert_allclose(got, expectation(model.effect(x, y, strata)), atol=1e-10)
            checked += 1


def test_the_strategy_answers_or_shows_a_path_of_the_graph():
    rng = np.random.default_rng(6)
    answers, paths = 0, 0
    for k in range(250):
        plain, x, y, rest = draw(rng, roles=(1 + (k % 6 == 0), 1 + (k % 7 == 0)))
        seen = [*x, *y, *some(rng, rest, 0.9)]
        graph = plain.graph()
        if conditional_frontdoor(graph, x, y, observed=seen) and affected(plain, x) & set(y):
            estimand = frontdoor_estimand(graph, x, y, observed=seen)
            assert is_front_door(plain, x, y, estimand.mediators, estimand.given)
            answers += 1
            continue
        with pytest.raises(NotIdentifiableError) as caught:
            frontdoor_estimand(graph, x, y, observed=seen)
        if not affected(plain, x) & set(y):
            assert "nothing for mediators to carry" in str(caught.value)
            continue
        assert caught.value.witness
        assert all(is_drawn(plain, edge) for edge in caught.value.witness)
        paths += 1
    assert min(answers, paths) >= 10


def is_drawn(plain, edge):
    a, b = edge.left, edge.right
    if edge.symbol == "<->":
        return bool({(a, b), (b, a)} & set(plain.bows))
    return ((a, b) if edge.symbol == "->" else (b, a)) in plain.arcs


def test_hidden_nodes_and_their_projection_have_the_same_front_doors():
    rng = np.random.default_rng(7)
    for _ in range(120):
        plain, x, y, rest = draw(rng, sizes=(6, 7))
        seen = [*x, *y, *some(rng, rest, 0.7)]
        graph = plain.graph()
        projected = latent_projection(graph, seen)
        assert set(frontdoor_sets(graph, x, y, observed=seen)) == set(
            frontdoor_sets(projected, x, y)
        )
        left, right = (
            conditional_frontdoor(graph, x, y, observed=seen),
            conditional_frontdoor(projected, x, y),
        )
        assert (left is None) == (right is None)


# --- references ---------------------------------------------------------------------------------


def test_published_graphs(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    checked = 0
    for case in cases:
        if "frontdoor_sets" not in case["expected"]:
            continue
        x, y = case["treatment"], case["outcome"]
        truth = {frozenset(m) for m in case["expected"]["frontdoor_sets"]}
        seen = [v for v in case["graph"]["nodes"] if v not in case["graph"]["latent"]]
        assert set(frontdoor_sets(read(case["graph"]), x, y, observed=seen)) == truth, case["id"]
        assert set(frontdoor_sets(read(case["projected"]), x, y)) == truth, case["id"]
        checked += 1
    assert checked >= 80


def read(graph):
    marks = {mark for *_, mark in graph["edges"]}
    return CausalGraph.from_edges(
        graph["nodes"],
        [Edge(a, b, mark) for a, b, mark in graph["edges"]],
        "ADMG" if "<->" in marks else "DAG",
    )


def test_smoking_tar_cancer():
    """Tables and answers of Jacobs, Kissinger & Zanasi (2019), doi:10.1007/978-3-030-17127-8_18."""
    joint = np.array([[[0.5, 0.1], [0.01, 0.02]], [[0.1, 0.05], [0.02, 0.2]]])
    estimand = frontdoor_estimand("S -> T -> C; S <-> C", "S", "C")
    axes, numbers = value(estimand.expression, ("S", "T", "C"), joint)
    assert axes == ("S",)
    assert str(estimand.expression).startswith("E[C | do(S=s)] = Σ_{t} P(T=t | S=s)")
    np.testing.assert_allclose(1 - numbers, [0.747, 0.458], atol=5e-4)  # the first level is cancer


def test_the_examples_of_wienoebst_and_others():
    chain = "X -> A -> B -> Y; A <-> B; X <-> Y"
    assert list(minimal_frontdoor_sets(chain, "X", "Y")) == [frozenset("B")]
    beside = "X -> A -> Y; C -> A; C -> Y; X <-> Y"  # C is no effect of X, and belongs to the set
    assert minimal_frontdoor_set(beside, "X", "Y") == {"A", "C"}
    assert conditional_frontdoor(beside, "X", "Y") == ({"A"}, {"C"})


def test_what_blocks_one_path_may_open_another():
    """C confounds M and Y, and is a collider between X and M: it can be neither in nor out."""
    assert conditional_frontdoor("X -> M -> Y; X <-> Y; C <-> X; C <-> M; C -> Y", "X", "Y") is None
    mended = "X -> M -> Y; X <-> Y; V -> X; C <-> V; C <-> M; C -> Y"
    assert conditional_frontdoor(mended, "X", "Y") == ({"M"}, {"C", "V"})


def test_sets_come_one_by_one():
    """Forty chains side by side have 3^40 front-door sets, 2^40 of them minimal."""
    edges = [e for k in range(40) for e in ((f"A{k}", f"B{k}"), ("X", f"A{k}"), (f"B{k}", "Y"))]
    names = ["X", "Y", *[f"{c}{k}" for k in range(40) for c in "AB"]]
    graph = CausalGraph.from_edges(names, [*edges, Edge("X", "Y", "<->")], "ADMG")
    for sets in (frontdoor_sets(graph, "X", "Y"), minimal_frontdoor_sets(graph, "X", "Y")):
        few = list(islice(sets, 20))
        assert len(set(few)) == 20
        assert all(len(found) >= 40 for found in few)
    assert len(conditional_frontdoor(graph, "X", "Y")[0]) == 40


# --- errors and reports -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "observed", "says", "witness"),
    [
        ("X -> M -> Y; X -> Y; X <-> Y", None, "observed on the causal path X -> Y", ["->"]),
        ("X -> M -> Y; X <-> Y", ["X", "Y"], "observed on the causal path X -> M -> Y", ["->"] * 2),
        ("X -> M -> Y; X <-> Y; X <-> M", None, "back-door path X <-> M is open. ", ["<->"]),
        ("X -> M -> Y; X <-> Y; M <-> Y", None, "back-door path M <-> Y is open. ", ["<->"]),
        (
            "X -> M -> Y; X <-> Y; W -> X; W -> M; M <-> Y",
            None,
            r"M <-> Y is open when all that may be held fixed is \(W\)",
            ["<->"],
        ),
        ("PAG: X o-> Y", None, "this is a PAG", []),
        ("X <- Z -> Y", None, "nothing for mediators to carry", []),
    ],
)
def test_the_reason_why_there_is_no_front_door(graph, observed, says, witness):
    with pytest.raises(NotIdentifiableError, match=says) as caught:
        frontdoor_estimand(graph, "X", "Y", observed=observed)
    assert [edge.symbol for edge in caught.value.witness] == witness


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("X -> Y", "X", "Y", "W"), UnknownVariableError, "no variable 'W'"),
        (("X -> M -> Y", "X", "Y", "X"), InputError, "both treatment and mediators"),
        (("X -> M -> Y", "X", (), "M"), InputError, "outcome is empty"),
        (("X -- M", "X", "M", ()), GraphError, "DAG or an ADMG"),
        ((7, "X", "M", ()), InputError, "expected a CausalGraph"),
    ],
)
def test_bad_questions_are_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        is_frontdoor_set(*arguments)


def test_an_affected_covariate_is_no_covariate():
    graph = "X -> M -> Y; X <-> Y; X -> D"
    assert not is_frontdoor_set(graph, "X", "Y", "M", given="D")
    assert not is_frontdoor_set("X -> D; X <-> Y", "X", "Y", (), given="D")
    assert conditional_frontdoor(graph, "X", "Y", given="D") is None
    with pytest.raises(NotIdentifiableError, match="D must be held fixed"):
        frontdoor_estimand(graph, "X", "Y", given="D")


def test_formula_and_assumptions_within_strata_and_for_several_variables():
    graph = "A -> M -> Y; B -> M; A <-> Y; B <-> Y; W -> M; W -> Y; Z -> Y; M -> V"
    estimand = frontdoor_estimand(graph, ["A", "B"], "Y", given="Z")
    assert (estimand.mediators, estimand.given) == (("M",), ("W", "Z"))
    assert str(estimand.expression) == (
        "E[Y | do(A=a, B=b), Z=z] = Σ_{w} P(W=w | Z=z) (Σ_{m} P(M=m | A=a, B=b, W=w, Z=z) "
        "(Σ_{a', b'} E[Y | A=a', B=b', M=m, W=w, Z=z] P(A=a', B=b' | W=w, Z=z)))"
    )
    assert (
        estimand.assumptions[0]
        == "Full mediation: the whole effect of A and B on Y goes through M."
    )
    assert "hold fixed  W, Z" in str(estimand)
    joint = frontdoor_estimand(graph, ["A", "B"], ["Y", "V"])
    assert str(joint.expression.left) == "P(Y=y, V=v | do(A=a, B=b))"
