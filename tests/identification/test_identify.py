"""The front door of the package: choices, words, errors."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import CausalGraph, Edge
from causalkit.identification import (
    STRATEGIES,
    AdjustmentEstimand,
    EffectQuery,
    FrontdoorEstimand,
    FunctionalEstimand,
    Hedge,
    InstrumentEstimand,
    NoEffectEstimand,
    identify,
    is_adjustment_set,
    minimal_adjustment_sets,
    optimal_adjustment_set,
    strategies,
)
from tests.identification.graphs import generator, pick, random_admg, random_class, random_dag
from tests.oracles.adjustment import LinearModel, descendants, has_causal_path, subsets


def test_answers_are_right_whatever_the_graph():
    rng = generator(11)
    refused = []
    for trial in range(150):
        graph = random_admg(rng, 5) if trial % 2 else random_dag(rng, 5)
        x, y = pick(rng, graph, 1 + trial % 3 // 2)
        rest = [v for v in graph.nodes if v not in (*x, *y)]
        try:
            estimand = identify(graph, x, y)
        except NotIdentifiableError as error:
            assert not any(is_adjustment_set(graph, x, y, z) for z in subsets(rest))
            refused.append(error.witness)
            with pytest.raises(NotIdentifiableError) as caught:
                identify(graph, x, y, strategy="adjustment")
            assert all(isinstance(edge, Edge) for edge in caught.value.witness)
            continue
        if isinstance(estimand, NoEffectEstimand):
            assert not has_causal_path(graph, x, y)
        elif isinstance(estimand, AdjustmentEstimand):
            assert is_adjustment_set(graph, x, y, estimand.adjustment)
            places = [graph.index(v) for v in estimand.adjustment]
            assert places == sorted(places)
        else:
            assert not any(is_adjustment_set(graph, x, y, z) for z in subsets(rest))
    assert refused
    assert all(isinstance(hedge, Hedge) for (hedge,) in refused)


def test_conditional_effects_are_those_of_the_intervened_model():
    """E[Y | do(x), w] by adjustment, against the linear model after the intervention."""
    rng = generator(12)
    tried = 0
    while tried < 60:
        graph = random_admg(rng, 5)
        x, y = pick(rng, graph)
        early = [v for v in graph.nodes if v not in (*x, *y) and v not in descendants(graph, x[0])]
        if not early or not has_causal_path(graph, x, y):
            continue
        w = str(rng.choice(early))
        try:
            estimand = identify(graph, x, y, given=w, strategy="adjustment")
        except NotIdentifiableError:
            assert not any(
                is_adjustment_set(graph, x, y, z | {w})
                for z in subsets(v for v in graph.nodes if v not in (*x, *y, w))
            )
            continue
        tried += 1
        assert w in estimand.adjustment
        model = LinearModel(graph, rng)
        # A linear model has the same slope in every stratum, so adjustment with w must find it.
        slope = model.regression(x, y[0], estimand.adjustment)[0]
        np.testing.assert_allclose(slope, model.effect(x, y[0]), atol=1e-8)


def test_given_must_come_before_the_treatment():
    with pytest.raises(InputError, match="M, which treatment may change"):
        identify("X -> M -> Y", "X", "Y", given="M")


def test_given_that_opens_a_path_is_not_identified():
    graph = "X <-> W; W <-> Y; X -> Y"
    assert identify(graph, "X", "Y").adjustment == ()
    with pytest.raises(NotIdentifiableError, match="X <-> W <-> Y"):
        identify(graph, "X", "Y", given="W")


def test_a_bow_names_the_path():
    with pytest.raises(NotIdentifiableError, match="X <-> Y") as caught:
        identify("X -> Y; X <-> Y", "X", "Y")
    assert caught.value.witness == (Hedge(("X", "Y"), ("Y",)),)
    with pytest.raises(NotIdentifiableError, match="X <-> Y") as caught:
        identify("X -> Y; X <-> Y", "X", "Y", strategy="adjustment")
    assert caught.value.witness == (Edge("X", "Y", "<->"),)


def test_each_strategy_has_its_turn():
    assert isinstance(identify("X -> M -> Y; X <-> Y", "X", "Y"), FrontdoorEstimand)
    napkin = "W -> R -> X -> Y; W <-> X; W <-> Y"
    assert isinstance(identify(napkin, "X", "Y"), FunctionalEstimand)
    instrument = "Z -> X -> Y; X <-> Y"
    with pytest.raises(NotIdentifiableError, match="Z can serve"):
        identify(instrument, "X", "Y")
    with pytest.raises(NotIdentifiableError, match="Z given W can serve"):
        identify(instrument + "; W -> Z; W -> Y", "X", "Y")
    found = identify(instrument, "X", "Y", strategy="instrument")
    assert isinstance(found, InstrumentEstimand)
    assert found.instruments == ("Z",)


def test_the_table_of_strategies_is_a_frame_and_looked_up_by_name():
    table = strategies("Z -> X -> M -> Y; X <-> Y", "X", "Y")
    frame = table.to_frame()
    assert list(frame.index) == list(STRATEGIES)
    assert frame.loc["front-door", "uses"] == ("M",)
    assert "causal path" in frame.loc["no effect", "reason"]
    assert table["instrument"].applies
    with pytest.raises(InputError, match="'front-door'"):
        table["magic"]


def test_costs_are_summed_over_what_a_strategy_uses():
    table = strategies("A -> X -> Y; A -> B -> Y", "X", "Y", costs={"B": 5})
    by_name = {verdict.strategy: verdict for verdict in table}
    assert by_name["adjustment"].uses == ("B",)
    assert by_name["adjustment"].cost == 5
    assert by_name["front-door"].reason
    assert len({*table, *strategies("A -> X -> Y; A -> B -> Y", "X", "Y", costs={"B": 5})}) == len(
        STRATEGIES
    )
    assert any("No unmeasured confounding" in line for line in by_name["adjustment"].assumptions)


def test_a_wrong_cost_is_an_error():
    for costs in ({"Q": 1}, {"B": -1}, {"B": "much"}, {"B": float("nan")}):
        with pytest.raises(InputError):
            strategies("A -> X -> Y; A -> B -> Y", "X", "Y", costs=costs)


def test_what_is_refused_names_the_function_that_answers():
    with pytest.raises(InputError, match="general_formula"):
        identify("X -> M -> Y", "X", "Y", given="M")
    with pytest.raises(NotIdentifiableError, match="what_would_help"):
        identify("X -> Y; X <-> Y", "X", "Y")


def test_hidden_confounder_is_named():
    graph = "U -> X -> Y; U -> Y"
    assert identify(graph, "X", "Y").adjustment == ("U",)
    with pytest.raises(NotIdentifiableError, match="X <- U -> Y; U may not be adjusted for"):
        identify(graph, "X", "Y", observed=["X", "Y"])


def test_optimal_where_it_exists_else_nearest():
    graph = "A -> X -> Y; A -> B -> Y; C -> Y"
    assert identify(graph, "X", "Y").adjustment == ("B", "C")
    assert identify(graph, "X", "Y", observed=["A", "X", "Y"]).adjustment == ("A",)
    hidden_somewhere = CausalGraph.parse("A -> X -> Y; A -> B -> Y", kind="MAG")
    assert "nearest" in identify(hidden_somewhere, "X", "Y").choice


def test_strategies_are_told_apart():
    table = strategies("X -> Y; X <-> Y", "X", "Y")
    assert [v.strategy for v in table] == list(STRATEGIES)
    assert not any(v.applies for v in table)
    assert "X <-> Y" in repr(table)
    assert "<table" in table._repr_html_()
    with pytest.raises(InputError, match="expected one of 'no effect', 'adjustment', 'front-door'"):
        identify("X -> Y", "X", "Y", strategy="front door")
    with pytest.raises(NotIdentifiableError, match="has a causal path"):
        identify("X -> Y", "X", "Y", strategy="no effect")


def test_adjustment_on_request_where_there_is_no_effect():
    found = identify("X <- Z -> Y", "X", "Y", strategy="adjustment")
    assert isinstance(found, AdjustmentEstimand)
    assert found.adjustment == ("Z",)


def test_the_order_of_nodes_does_not_matter():
    rng = generator(13)
    for trial in range(60):
        graph = random_class(rng, 5)[0] if trial % 2 else random_admg(rng, 5)
        x, y = pick(rng, graph)
        other = graph.reordered(rng.permutation(graph.nodes).tolist())
        one, two = ([set(s) for s in minimal_adjustment_sets(g, x, y)] for g in (graph, other))
        assert sorted(map(sorted, one)) == sorted(map(sorted, two))
        best = optimal_adjustment_set(graph, x, y)
        assert best == optimal_adjustment_set(other, x, y)
        for given in subsets(v for v in graph.nodes if v not in (*x, *y)):
            valid = is_adjustment_set(graph, x, y, given)
            assert valid == is_adjustment_set(other, x, y, given)


def test_a_set_of_treatments_takes_the_order_of_the_graph():
    graph = CausalGraph.parse("B -> Y; A -> Y; C -> Y")
    assert identify(graph, {"A", "B", "C"}, "Y").query.treatment == ("B", "A", "C")


def test_estimands_are_values():
    graph = CausalGraph.parse("Z -> X -> Y; Z -> Y")
    one, two = identify(graph, "X", "Y"), identify(graph, ["X"], ["Y"])
    assert one == two
    assert hash(one) == hash(two)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one.query == EffectQuery(("X",), ("Y",))
    with pytest.raises(AttributeError):
        one.adjustment = ()


def test_an_estimand_reads_well():
    estimand = identify("age -> dose -> health; age -> health", "dose", "health")
    text = repr(estimand)
    assert text.startswith("Effect of dose on health")
    assert "Σ_{age} E[health | dose, age] P(age)" in text
    assert "among units alike in age" in text
    assert "Positivity" in text
    assert len(estimand.assumptions) == 4
    class_words = identify("A -> X; X -- Y", "X", "Y").assumptions
    assert any("faithful" in sentence for sentence in class_words)
    assert any("<->" in s for s in identify("X -> Y; A <-> X", "X", "Y").assumptions)
    assert "zero" in repr(identify("X -> Y", "Y", "X"))


def test_a_discovery_result_hints_at_its_graph():
    class Fitted:
        graph_ = CausalGraph.parse("X -> Y")

    with pytest.raises(InputError, match="Pass its graph_"):
        identify(Fitted(), "X", "Y")
