"""General identification against three independent verdicts and against models that are known."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Edge
from causalkit.identification import identify, strategies
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.formulas.expression import Expectation
from causalkit.identification.general.general import general_formula
from tests.identification import oracle
from tests.identification.oracle import Model, Plain

CLOSE = 1e-9


def formula(plain, treatment, outcome, given=()):
    """The equation, or None; what stands in the way is a hedge by the definition."""
    try:
        return general_formula(plain.graph(), treatment, outcome, given=given).expression
    except NotIdentifiableError as error:
        (hedge,) = error.witness
        assert any(
            oracle.is_hedge(
                plain,
                (*treatment, *acted),
                (*outcome, *(z for z in given if z not in acted)),
                hedge.outer,
                hedge.inner,
            )
            for acted in oracle.subsets(given)
        ), (plain, hedge)
        return None


def truth(model, equation, treatment, outcome, given=()):
    effect = model.effect(treatment, outcome, given)
    return oracle.expectation(effect) if isinstance(equation.left, Expectation) else effect


def literal_error(equation, model, treatment, outcome, given=()):
    """Largest error of the formula, read symbol by symbol, at every value of what is left free."""
    wanted = (*treatment, *given, *outcome)
    if isinstance(equation.left, Expectation):
        wanted = (*treatment, *given)
    axes, numbers = oracle.value(equation, model.plain.nodes, model.joint())
    free = tuple(s for s in axes if s not in wanted)
    found = oracle.spread(axes, numbers, (*free, *wanted), model.levels)
    return np.abs(found - truth(model, equation, treatment, outcome, given)).max()


def evaluated_error(equation, model, treatment, outcome, given=()):
    """The same by `evaluate`."""
    nodes = model.plain.nodes
    table = ProbabilityTable(model.joint(), nodes, tuple(range(model.levels[v]) for v in nodes))
    values = equation.evaluate(table)
    wanted = (*treatment, *given, *outcome)
    if isinstance(equation.left, Expectation):
        wanted = (*treatment, *given)
    found = oracle.spread(values.symbols, values.numbers, wanted, model.levels)
    return np.abs(found - truth(model, equation, treatment, outcome, given)).max()


def check(plain, treatment, outcome, rng, given=(), *, follows=None, numbers=True):
    """One query; returns whether it is identified."""
    if follows is None:
        follows = oracle.factors_follow(plain, treatment, outcome)
        if len(plain.nodes) <= 4:
            assert follows == (oracle.hedge(plain, treatment, outcome) is None)
    equation = formula(plain, treatment, outcome, given)
    asked = (plain, treatment, outcome, given)
    assert (equation is not None) == follows, asked
    if equation is not None and numbers:
        model = Model.draw(rng, plain, by_clique=bool(rng.integers(2)), weight=0.7)
        assert literal_error(equation, model, treatment, outcome, given) < CLOSE, (asked, equation)
        assert evaluated_error(equation, model, treatment, outcome, given) < CLOSE, asked
    return follows


# --- the oracles agree with each other ----------------------------------------------------------


def pairs(plain):
    return [((x,), (y,)) for x, y in permutations(plain.nodes, 2)]


def test_hedges_and_district_factors_agree_on_all_graphs_of_three_nodes():
    verdicts = [
        (oracle.factors_follow(plain, x, y), oracle.hedge(plain, x, y) is None)
        for plain in oracle.all_admgs(3)
        for x, y in pairs(plain)
    ]
    assert all(one == other for one, other in verdicts)
    assert verdicts.count((False, False)) == 59


SOME_OR_ALL = pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])


@SOME_OR_ALL
def test_models_move_exactly_where_there_is_a_hedge(step):
    rng = np.random.default_rng(0)
    for plain in oracle.all_admgs(3)[::step]:
        for x, y in pairs(plain):
            follows = oracle.factors_follow(plain, x, y)
            assert follows != oracle.moves_alone(plain, x, y, rng=rng), (plain, x, y)


@SOME_OR_ALL
def test_models_move_exactly_where_a_conditional_effect_does_not_follow(step):
    rng = np.random.default_rng(2)
    for plain in oracle.all_admgs(3)[::step]:
        for x, y, z in permutations(plain.nodes):
            follows = oracle.conditional_follows(plain, (x,), (y,), (z,))
            assert follows != oracle.moves_alone(plain, (x,), (y,), (z,), rng=rng), (plain, x, y)


def test_two_models_show_what_cannot_be_told():
    rng = np.random.default_rng(3)
    refused = [
        (plain, x, y)
        for plain in oracle.all_admgs(3)
        for x, y in pairs(plain)
        if oracle.hedge(plain, x, y)
    ]
    for k in rng.permutation(len(refused))[:12]:
        plain, x, y = refused[k]
        one, other = oracle.two_models(plain, x, y, rng=rng)
        assert np.abs(one.joint() - other.joint()).max() < 1e-12
        assert np.abs(one.effect(x, y) - other.effect(x, y)).max() > 1e-3


@pytest.mark.slow
def test_models_of_four_nodes_move_exactly_where_there_is_a_hedge():
    rng = np.random.default_rng(1)
    few = [p for p in oracle.all_admgs(4) if len(p.bows) <= 2]
    for k in rng.permutation(len(few))[:150]:
        plain = few[k]
        x, y = pairs(plain)[int(rng.integers(12))]
        hedge = oracle.hedge(plain, x, y)
        assert oracle.moves_alone(plain, x, y, rng=rng) == (hedge is not None), (plain, x, y)


# --- the engine ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3])
def test_all_small_graphs(size):
    rng = np.random.default_rng(size)
    for plain in oracle.all_admgs(size):
        for x, y in pairs(plain):
            check(plain, x, y, rng)


def four_nodes(start, step):
    rng = np.random.default_rng(start)
    refused = 0
    for plain in oracle.all_admgs(4)[start::step]:
        refused += sum(not check(plain, x, y, rng) for x, y in pairs(plain))
        for treatments, outcomes in ((2, 1), (1, 2), (2, 2)):
            refused += not check(plain, *random_query(rng, plain, treatments, outcomes), rng)
    return refused


def random_query(rng, plain, treatments, outcomes):
    return oracle.random_query(rng, plain.nodes, treatments, outcomes)[:2]


def test_a_sample_of_graphs_of_four_nodes():
    assert four_nodes(3, 61) > 50


@pytest.mark.slow
@pytest.mark.parametrize("start", range(8))
def test_all_graphs_of_four_nodes(start):
    assert four_nodes(start, 8) > 500


@pytest.mark.parametrize("size", [5, 6])
def test_random_graphs(size):
    rng = np.random.default_rng([7, size])
    counts = [check_random(rng, size) for _ in range(150)]
    assert 15 < counts.count(False) < 120


def check_random(rng, size):
    plain = oracle.random_admg(rng, size, rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.6))
    treatments, outcomes = (int(k) for k in rng.choice([1, 1, 1, 2], 2))
    return check(plain, *random_query(rng, plain, treatments, outcomes), rng)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_twenty_thousand_random_graphs(part):
    rng = np.random.default_rng([11, part])
    counts = [check_random(rng, int(rng.integers(5, 7))) for _ in range(1000)]
    assert 100 < counts.count(False) < 900


@pytest.mark.slow
def test_random_verdicts_are_those_of_the_hedge():
    rng = np.random.default_rng(13)
    for _ in range(3000):
        plain = oracle.random_admg(rng, int(rng.integers(5, 8)), 0.4, 0.3)
        x, y = random_query(rng, plain, int(rng.integers(1, 3)), 1)
        hedge = oracle.hedge(plain, x, y)
        assert (formula(plain, x, y) is None) == (hedge is not None), (plain, x, y)


def test_conditional_effects_of_small_graphs():
    rng = np.random.default_rng(17)
    for plain in oracle.all_admgs(3):
        for x, y, z in permutations(plain.nodes):
            check_conditional(plain, (x,), (y,), (z,), rng)


@pytest.mark.parametrize("size", [4, 5])
def test_conditional_effects_of_random_graphs(size):
    rng = np.random.default_rng([19, size])
    counts = [check_random_conditional(rng, size) for _ in range(120)]
    assert 10 < counts.count(False) < 100


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_four_thousand_conditional_effects(part):
    rng = np.random.default_rng([23, part])
    for _ in range(1000):
        check_random_conditional(rng, int(rng.integers(4, 7)))


def check_random_conditional(rng, size):
    plain = oracle.random_admg(rng, size, rng.uniform(0.3, 0.8), rng.uniform(0.1, 0.5))
    x, y, z = oracle.random_query(rng, plain.nodes, 1, 1, int(rng.integers(1, 3)))
    return check_conditional(plain, x, y, z, rng)


def check_conditional(plain, x, y, z, rng):
    follows = oracle.conditional_follows(plain, x, y, z)
    return check(plain, x, y, rng, z, follows=follows)


@pytest.mark.parametrize("question", [general_formula, identify])
def test_hidden_nodes_are_projected_out_and_never_named(question):
    rng = np.random.default_rng(29)
    for _ in range(60):
        plain = oracle.random_admg(rng, 6, 0.45, 0.1)
        hidden = {plain.nodes[int(k)] for k in rng.choice(6, int(rng.integers(1, 3)), False)}
        seen = [v for v in plain.nodes if v not in hidden]
        x, y = ((v,) for v in rng.permutation(seen)[:2].tolist())
        follows = oracle.factors_follow(oracle.projected(plain, seen), x, y)
        try:
            equation = question(plain.graph(), x, y, observed=seen).expression
        except NotIdentifiableError:
            assert not follows
            continue
        assert follows
        model = Model.draw(rng, plain)
        joint = oracle.margin(model.joint(), plain.nodes, seen)
        axes, numbers = oracle.value(equation, seen, joint)
        wanted = x if isinstance(equation.left, Expectation) else (*x, *y)
        free = tuple(s for s in axes if s not in wanted)
        found = oracle.spread(axes, numbers, (*free, *wanted), model.levels)
        assert np.abs(found - truth(model, equation, x, y)).max() < CLOSE


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in range(1, 9))]
)
def test_every_strategy_that_applies_gives_the_effect(part):
    rng = np.random.default_rng([31, part])
    applied = dict.fromkeys(EXACT, 0)
    for _ in range(150 if part == 0 else 600):
        plain = oracle.random_admg(rng, int(rng.integers(3, 6)), 0.5, 0.25)
        x, y, z = oracle.random_query(rng, plain.nodes, 1, 1, int(rng.integers(0, 2)))
        if rng.random() < 0.8 and x > y:
            x, y = y, x
        below = {v for v in plain.nodes if x[0] in plain.ancestors([v])}
        z = tuple(v for v in z if v not in below)
        model = Model.draw(rng, plain)
        follows = oracle.conditional_follows(plain, x, y, z)
        found = {v.strategy: v.estimand for v in strategies(plain.graph(), x, y, given=z)}
        assert (found["general"] is not None) == follows, (plain, x, y, z)
        for name in EXACT:
            if found[name] is not None:
                applied[name] += 1
                equation = found[name].expression
                assert follows, (name, plain, x, y, z)
                assert literal_error(equation, model, x, y, z) < CLOSE, (name, plain, x, y, z)
                assert evaluated_error(equation, model, x, y, z) < CLOSE, (name, plain, x, y, z)
        try:
            first = identify(plain.graph(), x, y, given=z)
        except NotIdentifiableError:
            assert not follows
        else:
            assert first == next(found[name] for name in EXACT if found[name] is not None)
    assert min(applied.values()) > 3, applied


EXACT = ("no effect", "adjustment", "front-door", "general")


def test_names_of_any_kind_and_an_order_of_nodes_that_is_not_causal():
    plain = Plain((3, "", "y y"), ((3, ""), ("", "y y")), ((3, "y y"),))
    shuffled = CausalGraph.from_edges(["y y", "", 3], plain.graph().edges(), "ADMG")
    equation = general_formula(shuffled, 3, "y y").expression
    model = Model.draw(np.random.default_rng(5), plain)
    assert literal_error(equation, model, (3,), ("y y",)) < CLOSE


# --- published truth ----------------------------------------------------------------------------


def read(content):
    edges = [Edge(*edge) for edge in content["edges"]]
    kind = "ADMG" if any(edge.symbol == "<->" for edge in edges) else "DAG"
    return CausalGraph.from_edges(content["nodes"], edges, kind)


def test_published_verdicts_with_and_without_hidden_nodes(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    for case in cases:
        x, y = tuple(case["treatment"]), tuple(case["outcome"])
        follows = case["expected"]["identifiable"]
        projected = Plain.read(read(case["projected"]))
        assert oracle.factors_follow(projected, x, y) == follows, case["id"]
        assert (formula(projected, x, y) is not None) == follows, case["id"]
        seen = case["projected"]["nodes"]
        try:
            general_formula(read(case["graph"]), x, y, observed=seen)
        except NotIdentifiableError:
            assert not follows, case["id"]
        else:
            assert follows, case["id"]


def test_published_numbers(shared):
    cases = json.loads((shared / "identification" / "admg_cases.json").read_text())["cases"]
    stored = np.load(shared / "identification" / "numeric_do_truth.npz")
    checked = 0
    for case in cases:
        if f"{case['id']}__do" not in stored:
            continue
        x, y = tuple(case["treatment"]), tuple(case["outcome"])
        names = [str(v) for v in stored[f"{case['id']}__obs"]]
        joint, effect = stored[f"{case['id']}__joint"], stored[f"{case['id']}__do"]
        equation = general_formula(read(case["projected"]), x, y).expression
        wanted = (*x, *y)
        if isinstance(equation.left, Expectation):
            wanted, effect = x, oracle.expectation(effect)
        size = dict.fromkeys(names, 2)
        axes, numbers = oracle.value(equation, names, joint)
        free = tuple(s for s in axes if s not in wanted)
        found = oracle.spread(axes, numbers, (*free, *wanted), size)
        assert np.abs(found - effect).max() < CLOSE, case["id"]
        values = equation.evaluate(ProbabilityTable(joint, names, ((0, 1),) * len(names)))
        found = oracle.spread(values.symbols, values.numbers, wanted, size)
        assert np.abs(found - effect).max() < CLOSE, case["id"]
        checked += 1
    assert checked == len(stored.files) // 3
