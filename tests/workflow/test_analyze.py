"""The chain in one call says the same as its four calls, and says what it decided."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression

import causalkit as ck
from causalkit._core.redundancy import copied_columns, redundant_groups
from causalkit._core.table import as_table
from causalkit.discovery import FCI, FLOP, PC, Knowledge
from causalkit.errors import (
    InputError,
    KnowledgeWarning,
    NotIdentifiableError,
    OverlapWarning,
    ResamplingWarning,
    UnknownVariableError,
    WeakInstrumentWarning,
)
from causalkit.estimation import OLS, DoseResponse, EffectSet
from causalkit.independence import Clustered, FisherZ, ZeroDeletion
from causalkit.refutation import DummyOutcome
from causalkit.workflow import LearntEffects

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


def test_what_the_search_warned_about_is_noted():
    data = patients()
    back = PC(knowledge=Knowledge(tiers=[["health"], ["dose"], ["age", "income"]]))
    with pytest.warns(KnowledgeWarning) as heard:
        analysis = ck.analyze(
            data, "dose", "age", discovery=back, estimator=OLS(), checks=[], n_resamples=0
        )
    assert heard[0].filename == __file__
    assert any(note == f"KnowledgeWarning: {heard[0].message}" for note in analysis.notes)


# --- decisions ------------------------------------------------------------------------------------


def at(analysis, step: str) -> list:
    return [decision for decision in analysis.decisions if decision.step == step]


def test_every_step_says_what_was_chosen_and_why():
    analysis = ck.analyze(
        patients(), "dose", "health", estimator=OLS(), checks=[DummyOutcome()], n_resamples=4
    )
    steps = ["data", "discovery", "graph", "identification", "estimation"]
    steps += ["uncertainty", "challenges"]
    assert list(dict.fromkeys(decision.step for decision in analysis.decisions)) == steps
    assert all(decision.choice and decision.reason for decision in analysis.decisions)
    assert len(pd.DataFrame(analysis.decisions)) == len(analysis.decisions)
    assert not set(analysis.notes) & {decision.reason for decision in analysis.decisions}
    assert "discovery: FLOP()" in repr(at(analysis, "discovery")[0])
    kept = int(analysis.learnt.graphs.kept.sum())
    assert f"goes over {kept} of " in at(analysis, "uncertainty")[0].choice
    assert "FLOP on 4 resamples" in at(analysis, "uncertainty")[0].reason
    json.dumps(analysis.to_dict()["decisions"])


def test_reasons_are_those_of_the_code_that_decides():
    from causalkit._core.table import as_table
    from causalkit.estimation.defaults import default_with_reason
    from causalkit.workflow.learnt import graph_learning

    data = patients(300).assign(treated=lambda frame: (frame["dose"] > 0).astype(int))
    for columns in (["age", "dose", "health"], ["age", "treated", "health"]):
        treatment = columns[1]
        found = ck.analyze(data[columns], treatment, "health", n_resamples=0, checks=[])
        _, why = graph_learning.default_with_reason(as_table(data[columns]), None)
        assert at(found, "discovery")[0].reason == why
        graph = f"age -> {treatment} -> health; age -> health"
        found = ck.analyze(data[columns], treatment, "health", graph=graph, checks=[])
        _, why = default_with_reason(found.effect.problem, found.estimand)
        assert at(found, "estimation")[0].reason == why
        assert at(found, "estimation")[0].choice == found.effect.method


def test_what_the_user_decided_is_said_to_be_given():
    analysis = ck.analyze(
        patients(),
        "dose",
        "health",
        graph=GRAPH,
        strategy="adjustment",
        estimator=OLS(),
        checks=[ck.refutation.EValue()],
    )
    assert not at(analysis, "discovery")
    given = {decision.choice: decision.reason for decision in analysis.decisions}
    assert given["DAG of 4 variables, 4 edges"] == "given"
    assert given["adjustment, for age, income"].startswith("given as `strategy`; least variance")
    assert given["E-value"] == "given as `checks`"
    assert analysis.challenges["E-value"].sentence == given["not informative: E-value"]
    assert at(analysis, "estimation")[0].reason == "given as `estimator`"


def test_strategies_that_were_tried_first_say_why_they_fail():
    graph = "dose -> m -> health; dose <-> health"
    rng = np.random.default_rng(0)
    dose, m, health = rng.normal(size=(3, 200)).cumsum(axis=0)
    analysis = ck.analyze(
        {"dose": dose, "m": m, "health": health}, "dose", "health", graph=graph, checks=()
    )
    answer, *failed = at(analysis, "identification")
    assert answer.choice == "front-door"
    verdicts = ck.identification.strategies(graph, "dose", "health")
    for decision, name in zip(failed, ("no effect", "adjustment"), strict=True):
        assert decision.choice == f"not by {name!r}"
        assert decision.reason == verdicts[name].reason


def test_columns_and_cells_that_are_left_out_are_named():
    data = patients(300).assign(clinic=[f"clinic {k % 30}" for k in range(300)], gap=1.0)
    data.loc[:4, "gap"] = np.nan
    analysis = ck.analyze(
        data,
        "dose",
        "health",
        graph="age -> dose -> health; age -> health; gap",
        clusters="clinic",
        estimator=OLS(),
        checks=[],
    )
    said = [decision.choice for decision in at(analysis, "data")]
    assert said == [
        "all 300 rows of 4 columns",
        "clinic is no variable of the graph",
        "left out: income",
        "empty cells are left empty: gap (5)",
    ]
    assert any(decision.choice == "standard error clustered" for decision in analysis.decisions)


# --- what fails is said ---------------------------------------------------------------------------


def test_an_interval_that_lost_the_other_graphs_says_so():
    rng = np.random.default_rng(0)
    age, dose, noise = rng.normal(size=(3, 400))
    data = {"age": age, "dose": dose, "cost": dose + age + noise}
    tiers = Knowledge(tiers=[["dose", "age"], ["cost"]])
    curve = DoseResponse(LinearRegression(), LinearRegression(), doses=(0.0, 1.0), random_state=0)
    options = {"discovery": PC(knowledge=tiers), "estimator": curve, "checks": []}
    analysis = ck.analyze(data, "dose", "cost", n_resamples=3, **options)
    assert analysis.learnt is None  # a graph without an effect says nothing of means
    assert "means for one answer" in analysis.graph_as_given
    assert sum("interval() takes the learnt graph as given" in note for note in analysis.notes) == 1
    with pytest.warns(ResamplingWarning, match="going over other graphs failed") as w:
        interval = analysis.interval()
    assert w[0].filename == __file__
    assert interval == analysis.effect.interval()
    for shown in (repr(analysis), analysis.to_html()):  # which say it without a warning
        assert "takes the learnt graph as given" in " ".join(shown.split())
    assert analysis.to_dict()["graph_as_given"] == analysis.graph_as_given


def test_without_resamples_the_notes_say_what_is_lost_and_no_call_warns():
    analysis = ck.analyze(patients(), "dose", "health", n_resamples=0, checks=[])
    assert analysis.interval() == analysis.effect.interval()
    assert not analysis.lost_graphs
    assert any("too short by an unknown amount: n_resamples=0" in note for note in analysis.notes)
    assert not any("also goes over" in note for note in analysis.notes)
    given = ck.analyze(patients(), "dose", "health", graph=GRAPH, checks=[])
    assert given.graph_as_given == ""
    assert not any("as given" in note for note in given.notes)


@pytest.mark.parametrize("n", [1, 3, 4, 5, 10])
@pytest.mark.parametrize("graph", [None, "age -> dose -> health; age -> health", "dose -> health"])
def test_tiny_tables_give_one_clear_error_or_a_clear_note(n, graph):
    data = patients(n, seed=n)[["age", "dose", "health"]]

    def answer():
        return ck.analyze(data, "dose", "health", graph=graph, estimator=OLS(), n_resamples=2)

    if n < 4:
        with pytest.raises(InputError, match=rf"have {n} row\(s\); expected at least 4"):
            answer()
    else:
        analysis = answer()
        assert f"The table has {n} rows only" in " ".join(analysis.notes)
        assert f"all {n} rows" in at(analysis, "data")[0].choice
        assert not np.isnan(list(analysis.effect.interval())).any() or analysis.effect.implied


def test_too_few_rows_for_the_default_estimator_is_one_clear_error():
    with pytest.raises(InputError, match="there are 4 rows for 5 folds"):
        ck.analyze(patients(4), "dose", "health", graph=GRAPH)


def test_several_contrasts_over_graphs_are_no_certificate_where_the_learnt_graph_has_one():
    from dataclasses import replace

    data = patients(60)
    analysis = ck.analyze(data, "dose", "health", estimator=OLS(), checks=[], n_resamples=2)
    parts = tuple(replace(analysis.learnt, contrast=label) for label in ("b − a", "c − a"))
    several = replace(analysis, learnt=LearntEffects(parts))
    with pytest.raises(InputError, match="has 2 contrasts; expected one number"):
        ck.certify(several, data, n_twins=1, n_replicates=1)


def test_lost_values_that_the_search_knows_of_are_said_to_bias_the_effect():
    rng = np.random.default_rng(0)
    n = 800
    z = rng.normal(4, 1, n)
    x = z + rng.normal(size=n)
    columns = {"z": z, "x": x, "y": 2 * x + z + rng.normal(size=n)}
    data = {name: np.where(rng.random(n) < 0.15, 0, value) for name, value in columns.items()}
    tiers = ck.Knowledge(tiers=[["z"], ["x"], ["y"]])
    settings = {"estimator": OLS(), "checks": [], "n_resamples": 0}
    zeros = PC(ZeroDeletion(), alpha=0.01, knowledge=tiers)
    analysis = ck.analyze(data, "x", "y", discovery=zeros, **settings)
    (note,) = (note for note in analysis.notes if getattr(note, "headline", "").startswith("Lost"))
    assert "x (1" in note
    assert "y (1" in note
    assert "shrink the effect" in note
    plain = PC(alpha=0.01, knowledge=tiers)
    silent = ck.analyze(data, "x", "y", discovery=plain, **settings)
    assert not any("lost values" in note for note in silent.notes)


# --- columns that follow from each other ----------------------------------------------------------


def test_columns_that_say_the_same_are_named():
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(4, 60))
    words = rng.choice(["x", "y", "z"], 60)
    table = pd.DataFrame(
        {"a": a, "b": b, "c": c, "sum": 1e6 * (a + b), "d": d, "cents": 100 * d + 3, "one": 1.0}
    )
    table["word"] = pd.Categorical(words)
    table["Wort"] = pd.Categorical(pd.Series(words).map({"x": "zwei", "y": "eins", "z": "drei"}))
    table["other"] = pd.Categorical(rng.choice(["x", "y", "z"], 60))
    expected = (("a", "b", "sum"), ("d", "cents"), ("word", "Wort"))
    assert redundant_groups(as_table(table)) == expected
    table.loc[:9, "a"] = np.nan
    assert redundant_groups(as_table(table)) == expected
    assert redundant_groups(as_table(table.drop(columns=["b", "cents", "Wort"]))) == ()
    assert redundant_groups(as_table(table[["a", "b", "c", "d"]][10:14])) == ()
    assert redundant_groups(as_table(table[["other", "word"]])) == ()
    noisy = table[["c"]].assign(near=c + 1e-4 * rng.normal(size=60))
    assert redundant_groups(as_table(noisy)) == ()


def test_copies_are_found_among_many_columns_and_sums_are_none():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 300))
    values[:, 7], values[:, 9] = -3 * values[:, 200] + 5, values[:, 2] + values[:, 3]
    values[:, 11] = values[:, 200] + 1e-4 * rng.normal(size=50)
    values[:, 12] = values[:, 13] + 0.01 * rng.normal(size=50)
    values[0, 40] = np.nan
    assert copied_columns(as_table(values)) == (("x7", "x11", "x200"),)
    words = np.array([*"abc"] * 20)
    again = pd.Series(words).map({"a": "z", "b": "y", "c": "x"})
    table = pd.DataFrame({"one": pd.Categorical(words), "two": pd.Categorical(again)})
    assert copied_columns(as_table(table)) == (("one", "two"),)
    assert copied_columns(as_table(table[:9])) == ()


def test_copies_of_a_column_are_a_reason_for_doubt():
    data = patients(100).assign(months=lambda frame: 12 * frame["age"])
    settings = {"estimator": OLS(), "checks": [], "n_resamples": 2}
    analysis = ck.analyze(data, "dose", "health", **settings)
    (note,) = (note for note in analysis.notes if getattr(note, "headline", "").endswith("same"))
    assert "each other: age and months. No search" in note
    assert "Some columns say the same" in analysis.to_html()
    plain = ck.analyze(data[[*GRAPH.nodes]], "dose", "health", **settings)
    assert not any("each other" in note for note in plain.notes)
    given = ck.analyze(data, "dose", "health", graph=GRAPH, estimator=OLS(), checks=[])
    assert not any("follow exactly" in note for note in given.notes)


def test_panels_with_a_graph_of_the_columns_of_a_row():
    rng = np.random.default_rng(0)
    firm, year = np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)
    own, x, noise = rng.normal(size=40)[firm], *rng.normal(size=(2, 200))
    train = own + x + rng.normal(size=200)
    data = {"firm": firm, "year": year, "x": x, "train": train}
    data["wage"] = 2 * train + 3 * own + x + noise
    graph, fixed = "x -> train -> wage; x -> wage", ck.estimation.FixedEffects()
    labels = {"panel": "firm", "time": "year"}
    asked = {"graph": graph, "estimator": fixed, "checks": []}
    found = ck.analyze(data, "train", "wage", **asked, **labels)
    frame = pd.DataFrame(data)
    within = frame - frame.groupby("firm").transform("mean").reindex(columns=frame.columns)
    design = within[["train", "x"]].to_numpy(dtype=float)
    wanted = np.linalg.lstsq(design, within["wage"].to_numpy(dtype=float), rcond=None)[0][0]
    assert found.effect.value == pytest.approx(wanted)
    said = {decision.choice for decision in found.decisions}
    assert {"standard error clustered by firm", "year is no variable of the graph"} <= said
    assert not any(choice.startswith("left out") for choice in said)
    printed = str(found.effect)
    assert "constant about each firm is held fixed" in printed
    assert printed.split("\nunit ")[1].split()[0] == "firm"
    assert "More units of the same kind" in found.to_html()
    with pytest.raises(InputError, match="no graph was given"):
        ck.analyze(data, "train", "wage", estimator=fixed, **labels)
    with pytest.raises(InputError, match="estimator of panels"):
        ck.analyze(data, "train", "wage", graph=graph, **labels)


def test_clusters_that_the_search_does_not_see_are_told_and_can_be_shown_to_it():
    rng = np.random.default_rng(11)
    village = np.repeat(np.arange(40), 25)
    arm, own = rng.permutation(np.repeat([0, 1], 20))[village], rng.normal(size=40)[village]
    base = rng.normal(size=1000) + own
    score = 0.4 * arm + 0.6 * base + rng.normal(size=1000)
    data = pd.DataFrame({"arm": arm, "base": base, "score": score, "village": village})
    how = {"clusters": "village", "estimator": OLS(), "n_resamples": 0, "checks": []}
    plain = ck.analyze(data, "arm", "score", **how)
    assert any("took rows as independent" in note for note in plain.notes)
    assert "the search takes rows as independent" in {d.choice for d in plain.decisions}
    search = PC(Clustered(FisherZ(), "village"), alpha=0.01)
    told = ck.analyze(data, "arm", "score", discovery=search, **how)
    assert not any("took rows as independent" in note for note in told.notes)
    assert set(told.graph.nodes) == {"arm", "base", "score"}
    texts = data.assign(village=[f"village {k}" for k in village])
    how["n_resamples"] = 2
    again = ck.analyze(texts, "arm", "score", discovery=search, **how)
    assert again.graph == told.graph
    assert all(set(g.nodes) == {"arm", "base", "score"} for g in again.learnt.graphs.graphs)
    graph = "arm -> score; base -> score"
    given = ck.analyze(data, "arm", "score", graph=graph, clusters="village", checks=[])
    assert not any("independent" in note for note in given.notes)
    assert "More clusters of the same kind" in given.to_html()


def test_weak_instruments_are_on_the_first_page():
    rng = np.random.default_rng(0)
    z, hidden, u = rng.normal(size=(3, 300))
    t = 0.02 * z + hidden + u
    data = {"z": z, "t": t, "y": t + hidden + rng.normal(size=300)}
    graph = "z -> t -> y; t <-> y"
    two_stages = ck.estimation.TwoStageLeastSquares()
    asked = {"graph": graph, "strategy": "instrument", "estimator": two_stages, "checks": []}
    with pytest.warns(WeakInstrumentWarning):
        weak = ck.analyze(data, "t", "y", **asked)
    assert "whatever the strength" in weak.weakness
    page = weak.to_html()
    assert "The instruments are weak" in page
    assert "four times as many" not in page
    strong = ck.analyze({**data, "t": t + 2 * z}, "t", "y", **asked)
    assert strong.weakness.startswith("strong enough")
    assert "Exclusion" in strong.to_html().split("Technical")[0]
