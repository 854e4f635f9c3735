"""The chain in one call says the same as its four calls, and says what it decided."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

import causalkit as ck
from causalkit.discovery import FCI, FLOP, PC, Knowledge
from causalkit.errors import InputError, NotIdentifiableError, OverlapWarning, UnknownVariableError
from causalkit.estimation import OLS, EffectSet

GRAPH = ck.CausalGraph.parse("age -> dose -> health; age -> health; income -> health")


def patients(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, income = rng.normal(size=(2, n))
    dose = age + rng.normal(size=n)
    health = 2 * dose - age + income + rng.normal(size=n)
    return pd.DataFrame({"age": age, "dose": dose, "health": health, "income": income})


def test_it_is_the_four_calls():
    data = patients()
    analysis = ck.analyze(data, "dose", "health", graph=GRAPH, estimator=OLS(), random_state=3)
    estimand = ck.identify(GRAPH, "dose", "health")
    effect = estimand.estimate(data, OLS(), random_state=3)
    assert analysis.estimand == estimand
    assert analysis.effect.value == effect.value
    assert analysis.effect.std_error == effect.std_error
    again = effect.refute(random_state=3)
    assert [c.verdict for c in analysis.challenges] == [c.verdict for c in again]
    assert [c.estimate for c in analysis.challenges] == [c.estimate for c in again]


def test_a_learnt_graph_is_learnt_with_the_knowledge_and_noted():
    knowledge = Knowledge(tiers=[["age", "income"], ["dose"], ["health"]])
    analysis = ck.analyze(
        patients(2000), "dose", "health", knowledge=knowledge, estimator=OLS(), checks=[]
    )
    assert isinstance(analysis.discovery, FLOP)
    assert analysis.discovery.knowledge == knowledge
    assert analysis.graph.parents("dose") == {"age"}
    assert analysis.graph.parents("health") == {"age", "dose", "income"}
    assert any("learnt from the same rows" in note for note in analysis.notes)
    assert 2 in analysis.effect.interval(0.999)


def test_tables_with_two_valued_columns_are_searched_by_tests():
    data = patients(500)
    data["dose"] = (data["dose"] > 0).astype(float)
    analysis = ck.analyze(data, "dose", "health", estimator=OLS(), checks=[])
    assert isinstance(analysis.discovery, PC)


def test_an_open_orientation_gives_the_set_of_possible_effects():
    rng = np.random.default_rng(1)
    x = rng.normal(size=2000)
    y = 0.8 * x + rng.normal(size=2000)
    analysis = ck.analyze({"x": x, "y": y}, "x", "y", estimator=OLS(), checks=[])
    assert isinstance(analysis.effect, EffectSet)
    values = sorted(effect.value for effect in analysis.effect)
    assert values[0] == 0
    assert values[1] == pytest.approx(0.8, abs=0.1)
    assert any("does not orient x -- y" in note for note in analysis.notes)
    assert 0 in analysis.effect.interval()


def test_hidden_nodes_of_the_graph_are_not_adjusted_for():
    hidden = ck.CausalGraph.parse("U -> dose; U -> age -> health; dose -> health; income -> health")
    analysis = ck.analyze(patients(), "dose", "health", graph=hidden, estimator=OLS(), checks=[])
    assert "U" not in analysis.estimand.adjustment
    assert any("treated as hidden: U" in note for note in analysis.notes)
    confounded = ck.CausalGraph.parse("U -> dose -> health; U -> health")
    with pytest.raises(NotIdentifiableError):
        ck.analyze(patients(), "dose", "health", graph=confounded)


def test_clusters_are_no_variable_of_the_system():
    data = patients().assign(clinic=[f"clinic {k % 40}" for k in range(400)])
    analysis = ck.analyze(data, "dose", "health", clusters="clinic", estimator=OLS(), checks=[])
    assert "clinic" not in analysis.graph
    plain = ck.analyze(data.drop(columns="clinic"), "dose", "health", estimator=OLS(), checks=[])
    assert analysis.graph == plain.graph


def test_polars_and_arrays_give_the_same_answer_and_the_input_stays():
    data = patients()
    before = data.copy()
    one = ck.analyze(data, "dose", "health", graph=GRAPH, estimator=OLS(), checks=[])
    two = ck.analyze(
        pl.DataFrame(data.to_dict("list")),
        "dose",
        "health",
        graph=GRAPH,
        estimator=OLS(),
        checks=[],
    )
    pd.testing.assert_frame_equal(data, before)
    assert one.effect.value == two.effect.value
    assert one.fingerprint == two.fingerprint


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"graph": GRAPH, "discovery": PC()}, "both a graph and a way to learn one"),
        ({"graph": GRAPH, "knowledge": Knowledge()}, "both a graph and a way to learn one"),
        ({"discovery": PC(), "knowledge": Knowledge()}, r"PC\(knowledge="),
    ],
)
def test_contradicting_arguments_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ck.analyze(patients(), "dose", "health", **options)


def test_unknown_columns_are_named():
    with pytest.raises(UnknownVariableError, match="Did you mean 'dose'"):
        ck.analyze(patients(), "doze", "health")
    with pytest.raises(UnknownVariableError, match="'health'"):
        ck.analyze(patients().drop(columns="health"), "dose", "health", graph=GRAPH)


def test_a_graph_may_come_in_any_form_that_identification_takes():
    data = patients()
    expected = ck.analyze(data, "dose", "health", graph=GRAPH, estimator=OLS(), checks=[])
    for graph in (GRAPH.to_text(), GRAPH.to_networkx()):
        found = ck.analyze(data, "dose", "health", graph=graph, estimator=OLS(), checks=[])
        assert found.effect.value == expected.effect.value
        assert found.graph == GRAPH
        assert found.code() == expected.code()


def test_names_are_missed_where_they_are_missing():
    data = patients()
    with pytest.raises(UnknownVariableError, match="'income' in the graph"):
        ck.analyze(data, "income", "health", graph="dose -> health")
    with pytest.raises(UnknownVariableError, match="'doze' in the data"):
        ck.analyze(data, "doze", "health", graph="doze -> health")
    with pytest.raises(InputError, match="discovery="):
        ck.analyze(data, "dose", "health", discovery=PC)
    with pytest.raises(InputError, match="'dose' is asked about and is also"):
        ck.analyze(data, "dose", "health", clusters="dose")


def test_the_algorithm_that_was_passed_is_not_fitted():
    pc = PC(alpha=0.01, knowledge=Knowledge(tiers=[["age", "income"], ["dose"], ["health"]]))
    analysis = ck.analyze(patients(), "dose", "health", discovery=pc, estimator=OLS(), checks=[])
    assert not hasattr(pc, "graph_")
    assert analysis.discovery.graph_ == analysis.graph


def test_a_zero_that_only_the_graph_says_has_no_interval():
    data = patients(1000)
    analysis = ck.analyze(data, "income", "dose", estimator=OLS(), checks=[])
    assert analysis.effect.implied
    assert np.isnan(list(analysis.effect.interval())).all()
    assert analysis.effect.sentence == "Effect of income on dose: 0 if the graph is right"
    assert any("no causal path from income to dose" in note for note in analysis.notes)
    assert any("would change the score by -" in note for note in analysis.notes)
    assert analysis.to_dict()["interval_given_graph"] == [None, None]
    lower, upper = analysis.interval()  # other graphs have such a path
    assert lower < 0 < upper
    assert "if the graph is right" in analysis.to_html()


def test_a_learnt_pag_gives_the_possible_effects_and_says_what_is_open():
    rng = np.random.default_rng(2)
    a, x = rng.normal(size=(2, 3000))
    x += a
    y = x + rng.normal(size=3000)
    data = {"a": a, "x": x, "y": y}
    analysis = ck.analyze(data, "x", "y", discovery=FCI(), estimator=OLS(), checks=[])
    assert isinstance(analysis.effect, EffectSet)
    assert analysis.effect.n_open == 1
    assert analysis.effect.range[1] == pytest.approx(1, abs=0.1)
    assert any("does not orient a o-o x, x o-o y" in note for note in analysis.notes)
    assert any("no adjustment identifies the effect" in note for note in analysis.notes)
    assert "or not identified" in repr(analysis)
    json.dumps(analysis.to_dict(), allow_nan=False)
    assert "not identified" in analysis.to_html()


def test_a_class_with_hidden_nodes_gives_the_possible_effects():
    x = np.random.default_rng(3).normal(size=500)
    data = {"x": x, "y": x + 1}
    graph = ck.CausalGraph.parse("CPDAG: U -- x; x -- y")
    analysis = ck.analyze(data, "x", "y", graph=graph, estimator=OLS(), checks=[])
    assert sorted(round(effect.value, 6) for effect in analysis.effect) == [0, 1]
    confounded = ck.CausalGraph.parse("CPDAG: U -- x; x -- y; U -- y")
    with pytest.raises(NotIdentifiableError, match="depends on how"):
        ck.analyze(data, "x", "y", graph=confounded, estimator=OLS())


def test_ambiguous_triples_are_noted():
    rng = np.random.default_rng(0)
    w = np.triu(rng.normal(size=(6, 6)), 1) * 0.3
    data = pd.DataFrame(rng.normal(size=(60, 6)) @ np.linalg.inv(np.eye(6) - w)).add_prefix("v")
    pc = PC(alpha=0.2, collider_rule="conservative")
    assert pc.fit(data).ambiguous_
    analysis = ck.analyze(data, "v0", "v5", discovery=pc, estimator=OLS(), checks=[])
    assert any("ambiguous" in note for note in analysis.notes)


def test_a_strategy_that_assumes_more_is_taken_when_named():
    rng = np.random.default_rng(0)
    lottery, hidden, noise = rng.integers(2, size=600), *rng.normal(size=(2, 600))
    served = (lottery + hidden + rng.normal(size=600) > 0.5).astype(int)
    data = {"lottery": lottery, "served": served, "wage": 2 * served + hidden + noise}
    graph = "lottery -> served -> wage; served <-> wage"
    with pytest.raises(NotIdentifiableError, match="strategy="):
        ck.analyze(data, "served", "wage", graph=graph)
    analysis = ck.analyze(data, "served", "wage", graph=graph, strategy="instrument", checks=[])
    assert 2 in analysis.effect.interval(0.999)
    assert "strategy='instrument'" in analysis.code()


def test_what_the_estimator_warned_about_is_noted():
    data = patients(200)
    data["dose"] = (data["age"] > 0).astype(int)
    with pytest.warns(OverlapWarning) as heard:
        analysis = ck.analyze(data, "dose", "health", graph=GRAPH, estimator=OLS(), checks=[])
    assert len(heard) == 1
    assert any(note == f"OverlapWarning: {heard[0].message}" for note in analysis.notes)
