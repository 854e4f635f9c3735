"""Formulas in a class of DAGs: found exactly if all members agree, and then the effect in each."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import GraphError, InputError, NotIdentifiableError, UnknownVariableError
from causalkit.graph import CausalGraph
from causalkit.graph.equivalence import members
from causalkit.identification import is_adjustment_set
from causalkit.identification.classes.cpdag import class_formula
from causalkit.identification.classes.equivalence_class import decide
from causalkit.identification.formulas.evaluation import ProbabilityTable
from causalkit.identification.general.functional import Hedge
from tests.identification.graphs import generator, random_class
from tests.identification.oracle import (
    Model,
    Plain,
    conditional_follows,
    margin,
    projected,
    random_query,
    spread,
    subsets,
    value,
)

SEEDS = [pytest.param(seed, marks=[pytest.mark.slow] if seed >= 40 else []) for seed in range(200)]


def small_class(rng, size=5):
    while True:
        known = rng.choice([0.0, 0.2, 0.4])
        graph, dags = random_class(rng, size, density=rng.uniform(0.3, 0.9), known=known)
        if 1 < len(dags) <= 40:
            return graph, dags


def a_query(rng, nodes):
    n_x, n_z = int(rng.integers(1, 3)), int(rng.choice([0, 0, 1, 2]))
    return random_query(rng, nodes, treatments=n_x, given=n_z)


def effect_in(dag, joint, names, treatment, outcome, given=()):
    """P(outcome | do(treatment), given) if this member were the truth: truncated factorisation."""
    product = np.ones_like(joint)
    for k, v in enumerate(names):
        if v not in treatment:
            others = tuple(j for j, w in enumerate(names) if w != v and w not in dag.parents(v))
            family = joint.sum(others, keepdims=True)
            product = product * family / family.sum(k, keepdims=True)
    kept = (*treatment, *given, *outcome)
    found = margin(product, names, kept)
    return found / found.sum(tuple(range(len(kept) - len(outcome), len(kept))), keepdims=True)


def numbers(formula, joint, names, query):
    """The formula over the axes of the query; at the first value of what does not matter."""
    treatment, outcome, given = query
    axes, array = value(formula, names, joint)
    kept = (*treatment, *given, *outcome)
    extra = tuple(0 if s not in kept else slice(None) for s in axes)
    left = tuple(s for s in axes if s in kept)
    return spread(left, array[extra], kept, dict(zip(names, joint.shape, strict=True)))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_formula_is_found_exactly_if_all_members_agree(seed):
    rng = generator(seed)
    graph, dags = small_class(rng)
    model = Model.draw(rng, Plain.read(dags[0]), most_levels=2)
    names, joint = model.plain.nodes, model.joint()
    for _ in range(6):
        query = treatment, outcome, given = a_query(rng, graph.nodes)
        effects = [effect_in(dag, joint, names, *query) for dag in dags]
        agree = all(np.allclose(effects[0], other, rtol=0, atol=1e-9) for other in effects)
        if not agree:
            with pytest.raises(NotIdentifiableError) as caught:
                class_formula(graph, treatment, outcome, given=given)
            assert caught.value.witness
            continue
        found = class_formula(graph, treatment, outcome, given=given)
        got = numbers(found.formula, joint, names, query)
        np.testing.assert_allclose(got, effects[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS[:40])
def test_undecided_edges_decide(seed):
    rng = generator(seed)
    graph, _ = small_class(rng)
    for _ in range(4):
        treatment, outcome, _ = a_query(rng, graph.nodes)
        try:
            class_formula(graph, treatment, outcome)
        except NotIdentifiableError as error:
            finer = graph
            for edge in error.witness:
                assert edge.symbol == "--"
                assert edge.right in graph.neighbors(edge.left)
                if finer.edges_between(edge.left, edge.right)[0].symbol == "--":
                    finer = decide(finer, edge.left, edge.right)
            class_formula(finer, treatment, outcome)


@pytest.mark.parametrize("seed", SEEDS[:100])
def test_hidden_variables_are_marginalised_in_a_member(seed):
    rng = generator(seed)
    graph, dags = small_class(rng)
    model = Model.draw(rng, Plain.read(dags[0]), most_levels=2)
    names, joint = model.plain.nodes, model.joint()
    for _ in range(4):
        query = treatment, outcome, given = a_query(rng, graph.nodes)
        asked = {*treatment, *outcome, *given}
        seen = tuple(v for v in names if v in asked or rng.random() < 0.5)
        shown = projected(Plain.read(dags[-1]), seen)
        follows = conditional_follows(shown, *query)
        try:
            class_formula(graph, treatment, outcome, given=given)
        except NotIdentifiableError:
            follows = False
        if not follows:
            with pytest.raises(NotIdentifiableError) as caught:
                class_formula(graph, treatment, outcome, given=given, observed=seen)
            assert all("--" in str(w) or isinstance(w, Hedge) for w in caught.value.witness)
            continue
        found = class_formula(graph, treatment, outcome, given=given, observed=seen)
        got = numbers(found.formula, margin(joint, names, seen), seen, query)
        truth = effect_in(dags[0], joint, names, *query)
        np.testing.assert_allclose(got, truth, rtol=0, atol=1e-9)


def test_the_g_formula_of_treatments_over_time():
    # Robins (1986): the second treatment depends on what the first one did.
    graph = "CPDAG: X1 -> M -> X2 -> Y; X1 -> Y; M -> Y"
    found = class_formula(graph, ["X1", "X2"], "Y")
    assert str(found.formula) == "Σ_{m} P(Y=y | X1=x1, M=m, X2=x2) P(M=m | X1=x1)"
    assert not any(is_adjustment_set(graph, ["X1", "X2"], "Y", z) for z in ((), ("M",)))


def test_a_bucket_stays_together():
    graph = CausalGraph.parse("CPDAG: A -- B; B -- C; A -- C; A -> Y; B -> Y; C -> Y; X -> Y")
    found = class_formula(graph, "X", "Y")
    assert str(found.formula) == "Σ_{a, b, c} P(Y=y | A=a, B=b, C=c, X=x) P(A=a, B=b, C=c)"
    assert len(list(members(graph))) == 6


def test_within_strata_seeing_may_be_setting():
    # Members differ in the effect on everybody, and agree on it within strata of Z.
    graph = "CPDAG: Z -- X; X -> Y; Z -> Y"
    with pytest.raises(NotIdentifiableError, match="X -- Z"):
        class_formula(graph, "X", "Y")
    found = class_formula(graph, "X", "Y", given="Z")
    assert str(found.expression) == "E[Y | do(X=x), Z=z] = E[Y | Z=z, X=x]"
    assert found.derivation.steps[0].rule == "rule 2"


def test_strata_after_the_treatment():
    # Within strata of a mediator what is left is the direct effect, weighted by who is in them.
    found = class_formula("CPDAG: X -> M -> Y; X -> Y; A -> X; A -> Y", "X", "Y", given="M")
    assert str(found.formula) == "Σ_{a} P(Y=y | X=x, M=m, A=a) P(A=a)"


def test_no_effect_is_a_formula_without_the_treatment():
    found = class_formula("CPDAG: A -- B; X -> C; B -> C", "X", "A")
    assert str(found.formula) == "P(A=a)"


def test_a_formula_can_be_evaluated():
    table = ProbabilityTable([[0.3, 0.1], [0.2, 0.4]], names=("X", "Y"))
    values = class_formula("CPDAG: X -> Y", "X", "Y").expression.evaluate(table)
    assert values.at({"X": 1}) == pytest.approx(0.4 / 0.6)


def test_hidden_variables_that_adjustment_does_without():
    graph = "CPDAG: A -> X; U -> X; U -> B; B -> Y; X -> Y"
    found = class_formula(graph, "X", "Y", observed=["X", "Y", "A", "B"])
    assert "U" not in found.formula.symbols
    with pytest.raises(NotIdentifiableError) as caught:
        class_formula(graph, "X", "Y", observed=["X", "Y", "A"])
    assert isinstance(caught.value.witness[0], Hedge)


@pytest.mark.parametrize(
    ("graph", "treatment", "outcome", "error"),
    [
        ("X o-> Y", "X", "Y", GraphError),
        ("X -> Y; X <-> Y", "X", "Y", GraphError),
        ("CPDAG: A -- B; B -- C; C -- D; D -- A", "A", "B", GraphError),
        ("CPDAG: X -- Y", "X", "Q", UnknownVariableError),
        ("CPDAG: X -- Y", "X", "X", InputError),
        ("CPDAG: X -- Y", (), "Y", InputError),
    ],
)
def test_errors(graph, treatment, outcome, error):
    with pytest.raises(error):
        class_formula(graph, treatment, outcome)


def test_an_unobserved_outcome_is_an_error():
    with pytest.raises(InputError, match="not among the observed"):
        class_formula("CPDAG: X -> Y", "X", "Y", observed=["X"])


def test_too_many_orientations_are_refused(monkeypatch):
    monkeypatch.setattr("causalkit.identification.classes.cpdag._MOST_ORIENTATIONS", 5)
    edges = "X -- A; X -- B; A -- B; X -- C; A -- C; B -- C"
    with pytest.raises(NotIdentifiableError, match="more than 5 ways"):
        class_formula(
            f"CPDAG: {edges}; X -> Y; A -> Y; B -> Y; C -> Y", "X", "Y", given=list("ABC")
        )


def test_every_subset_of_a_chain():
    # In a chain of three, X to Y is decided by nothing less than the edge at X.
    graph = "CPDAG: X -- M; M -- Y"
    for given in subsets(["M"]):
        if given:
            found = class_formula(graph, "X", "Y", given=given)
            assert str(found.formula) == "P(Y=y | M=m, X=x)"
        else:
            with pytest.raises(NotIdentifiableError):
                class_formula(graph, "X", "Y")
