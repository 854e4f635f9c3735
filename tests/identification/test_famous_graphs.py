"""Graphs with names: the published answer, the formula, and the number in known models."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph
from causalkit.identification import identify
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.formulas.expression import Expectation
from causalkit.identification.general.general import general_formula
from tests.identification import oracle
from tests.identification.famous import FAMOUS, PUBLISHED
from tests.identification.oracle import Model, Plain

BY_NAME = {case.name: case for case in FAMOUS}
IDENTIFIED = [case for case in FAMOUS if case.follows]
REFUSED = [case for case in FAMOUS if not case.follows]


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def plain_of(case):
    return Plain.read(CausalGraph.parse(case.graph))


def models(plain):
    return [Model.draw(np.random.default_rng(k), plain, by_clique=k == 2) for k in range(3)]


def test_names_are_unique():
    assert len(BY_NAME) == len(FAMOUS)


@named(FAMOUS)
def test_the_literature_agrees_with_the_oracles(case):
    plain = plain_of(case)
    if case.given:
        follows = oracle.conditional_follows(plain, case.treatment, case.outcome, case.given)
    else:
        follows = oracle.factors_follow(plain, case.treatment, case.outcome)
        if len(plain.nodes) <= 7:
            assert follows == (oracle.hedge(plain, case.treatment, case.outcome) is None)
    assert follows == case.follows


@named(IDENTIFIED)
def test_the_formula_is_the_effect(case):
    plain = plain_of(case)
    estimand = general_formula(case.graph, case.treatment, case.outcome, given=case.given)
    assert_is_effect(estimand.expression, case, plain)


def assert_is_effect(equation, case, plain):
    """The value of a formula, literally and by `evaluate`, in three models."""
    for model in models(plain):
        wanted = (*case.treatment, *case.given, *case.outcome)
        effect = model.effect(case.treatment, case.outcome, case.given)
        if isinstance(equation.left, Expectation):
            wanted, effect = wanted[:-1], oracle.expectation(effect)
        axes, numbers = oracle.value(equation, plain.nodes, model.joint())
        free = tuple(s for s in axes if s not in wanted)
        found = oracle.spread(axes, numbers, (*free, *wanted), model.levels)
        np.testing.assert_allclose(found, np.broadcast_to(effect, found.shape), atol=1e-9)
        values = equation.evaluate(ProbabilityTable(model.joint(), plain.nodes))
        found = oracle.spread(values.symbols, values.numbers, wanted, model.levels)
        np.testing.assert_allclose(found, effect, atol=1e-9)


@named(REFUSED)
def test_what_is_not_identified_is_refused_with_a_hedge(case):
    with pytest.raises(NotIdentifiableError, match="not identified") as refusal:
        general_formula(case.graph, case.treatment, case.outcome, given=case.given)
    (hedge,) = refusal.value.witness
    if not case.given:
        plain = plain_of(case)
        assert oracle.is_hedge(plain, case.treatment, case.outcome, hedge.outer, hedge.inner)


@named([case for case in IDENTIFIED if not case.given])
def test_identify_answers_what_has_an_answer(case):
    estimand = identify(case.graph, case.treatment, case.outcome)
    assert_is_effect(estimand.expression, case, plain_of(case))


@named([case for case in REFUSED if not case.given])
def test_identify_never_invents_an_answer(case):
    with pytest.raises(NotIdentifiableError):
        identify(case.graph, case.treatment, case.outcome)


@named([BY_NAME[name] for name in PUBLISHED])
def test_published_formulas_are_the_effect(case):
    plain = plain_of(case)
    formula = PUBLISHED[case.name]
    for model in models(plain):
        wanted = (*case.treatment, *case.outcome)
        effect = model.effect(case.treatment, case.outcome)
        axes, numbers = oracle.value(formula, plain.nodes, model.joint())
        free = tuple(s for s in axes if s not in wanted)
        found = oracle.spread(axes, numbers, (*free, *wanted), model.levels)
        np.testing.assert_allclose(found, np.broadcast_to(effect, found.shape), atol=1e-9)
        values = formula.evaluate(ProbabilityTable(model.joint(), plain.nodes))
        found = oracle.spread(values.symbols, values.numbers, (*free, *wanted), model.levels)
        np.testing.assert_allclose(found, np.broadcast_to(effect, found.shape), atol=1e-9)


def test_the_napkin_is_not_the_conditional_distribution():
    """A known mistake of other software: P(y | x) is not P(y | do(x)) here."""
    case = BY_NAME["napkin"]
    model = models(plain_of(case))[0]
    joint = oracle.margin(model.joint(), model.plain.nodes, ("X", "Y"))
    naive = joint / joint.sum(1, keepdims=True)
    assert np.abs(naive - model.effect(("X",), ("Y",))).max() > 0.01


@pytest.mark.parametrize(
    ("graph", "treatment", "outcome"),
    [
        ("X -> Y1; Z -> Y2", "X", ("Y1", "Y2")),  # one of two outcomes is not affected
        ("Y -> X; X <-> Y", "X", "Y"),  # none is
        ("A -> X; B -> Y", ("X", "A"), "Y"),
        ("X -> Z; Y -> Z; X <-> Z", "X", "Y"),
    ],
)
def test_no_effect_on_some_outcome_is_said_exactly(graph, treatment, outcome):
    plain = Plain.read(CausalGraph.parse(graph))
    as_tuple = [v if isinstance(v, tuple) else (v,) for v in (treatment, outcome)]
    for model in models(plain):
        effect = model.effect(*as_tuple)
        for answer in (general_formula(graph, treatment, outcome), identify(graph, *as_tuple)):
            equation = answer.expression
            wanted = (*as_tuple[0], *as_tuple[1])
            truth = effect
            if isinstance(equation.left, Expectation):
                wanted, truth = wanted[:-1], oracle.expectation(effect)
            values = equation.evaluate(ProbabilityTable(model.joint(), plain.nodes))
            found = oracle.spread(values.symbols, values.numbers, wanted, model.levels)
            np.testing.assert_allclose(found, truth, atol=1e-9)


def test_smoking_tar_and_cancer():
    """Jacobs, Kissinger & Zanasi (2019), doi:10.1007/978-3-030-17127-8_18, example of section 2."""
    table = ProbabilityTable(
        [[[0.5, 0.1], [0.01, 0.02]], [[0.1, 0.05], [0.02, 0.2]]],
        names=("S", "T", "C"),
        levels=(("yes", "no"), ("yes", "no"), (1, 0)),
    )
    front_door = "S -> T -> C; S <-> C"
    for answer in (general_formula(front_door, "S", "C"), identify(front_door, "S", "C")):
        values = answer.expression.evaluate(table)
        assert values.at({"S": "yes"}) == pytest.approx(0.747, abs=5e-4)
        assert values.at({"S": "no"}) == pytest.approx(0.458, abs=5e-4)
    confounded = identify("S -> T -> C; S -> C", "S", "C").expression.evaluate(table)
    assert confounded.at({"S": "yes"}) == pytest.approx(0.810, abs=5e-4)
    assert confounded.at({"S": "no"}) == pytest.approx(0.324, abs=5e-4)
