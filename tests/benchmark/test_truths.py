"""Models, families, draws and fixed data: all give data, a graph and effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from causalkit.benchmark.truths import KnownTruth, asked_effect, draw, effect_of
from causalkit.errors import InputError
from causalkit.graph import CausalGraph, Lagged, LaggedGraph
from causalkit.models import StructuralVAR, random_changing_model, random_svar

SEEDS = np.random.SeedSequence(0)
DAG = CausalGraph.parse("a -> b -> c")


@dataclass
class Truth:
    value: float


@dataclass
class Model:
    graph: Any = DAG

    def sample(self, n, rng=None):
        return {name: rng.normal(size=n) for name in "abc"}

    def effect(self, treatment, outcome):
        return Truth({"ab": 2.0, "bc": 3.0, "ac": 6.0}[treatment + outcome])


@dataclass
class Draw:
    data: Any
    graph: Any
    model: Any


class Drawer:
    def sample(self, n, rng=None):
        model = Model()
        return Draw(pd.DataFrame(model.sample(n, rng)), model.graph, model)


class Fitted:
    graph_ = DAG

    def sample(self, n, rng=None):
        return Model().sample(n, rng)


@pytest.mark.parametrize(
    "model", [Model(), Drawer(), Fitted(), lambda _: Model(), lambda _: Drawer()]
)
def test_every_kind_gives_data_and_a_graph(model):
    first, again = (draw(model, 10, np.random.SeedSequence(3)) for _ in range(2))
    assert first.graph == DAG
    assert np.array_equal(first.data["a"], again.data["a"])
    assert len(first.data["a"]) == 10


@pytest.mark.parametrize("model", [Model(), Drawer(), lambda _: Drawer()])
def test_effects_are_those_of_the_model(model):
    drawn = draw(model, 10, np.random.SeedSequence(3))
    seen = {asked_effect(drawn, np.random.default_rng(seed)) for seed in range(40)}
    assert seen == {("a", "b"), ("b", "c"), ("a", "c")}
    assert effect_of(drawn, "a", "c") == (6.0, 0.0)


def test_effects_of_series_are_of_one_step():
    model = StructuralVAR.from_links({"X[t-1] -> X[t]": 0.5, "X[t-2] -> Y[t]": 0.7})
    drawn = draw(model, 20, np.random.SeedSequence(0))
    assert asked_effect(drawn, np.random.default_rng(0)) == (Lagged("X", 2), Lagged("Y", 0))
    assert effect_of(drawn, "X[t-2]", "Y") == (0.7, 0.0)
    assert effect_of(drawn, "X[t-3]", "Y")[0] == pytest.approx(0.35)
    assert effect_of(drawn, "Y[t-1]", "X") == (0.0, 0.0)

    class Temporal:
        graph = model.graph

        def sample(self, n, rng=None):
            return model.sample(n, rng)

        def effect(self, treatment, outcome, *, horizon):
            names = model.variables
            i, j = names.index(treatment), names.index(outcome)
            return Truth(model.effects(horizon)[horizon, i, j])

    other = draw(Temporal(), 20, np.random.SeedSequence(0))
    assert effect_of(other, "X[t-3]", "Y")[0] == pytest.approx(0.35)


def test_effects_by_simulation_have_an_error_and_a_seed():
    class Simulated(Model):
        def effect(self, treatment, outcome, *, rng=None):
            found = rng.normal({"ab": 2.0}[treatment + outcome], 1.0, 100)
            truth = Truth(found.mean())
            truth.std_error = found.std() / 10
            return truth

    drawn = draw(Simulated(), 10, np.random.SeedSequence(0))
    first, again = (effect_of(drawn, "a", "b", np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert abs(first[0] - 2.0) < 5 * first[1]


def test_a_model_made_for_one_question_answers_it():
    class Task(Model):
        treatment, outcome, truth = "a", "c", Truth(7.0)

    drawn = draw(Task(), 10, np.random.SeedSequence(0))
    assert asked_effect(drawn, np.random.default_rng(0)) == ("a", "c")
    assert effect_of(drawn, "a", "c") == (7.0, 0.0)


def test_variables_that_are_hidden_do_not_shift_the_others():
    whole = StructuralVAR.from_links(
        {"H[t-1] -> X[t]": 0.2, "X[t-1] -> Y[t]": 0.5, "H[t-1] -> Y[t]": 0.3}
    )

    class Hides:
        variables, graph = whole.variables, LaggedGraph.parse("X[t-1] -> Y[t]")
        effects = staticmethod(whole.effects)

        def sample(self, n, rng=None):
            data = whole.sample(n, rng)
            return {name: data[name] for name in "XY"}

    assert effect_of(draw(Hides(), 10, SEEDS), "X[t-1]", "Y") == (0.5, 0.0)


def test_only_identified_effects_are_asked_for_unless_the_model_names_one():
    class Confounded(Model):
        pass

    drawn = draw(Confounded(CausalGraph.parse("a -> b -> c; a <-> b")), 5, SEEDS)
    for seed in range(10):
        assert asked_effect(drawn, np.random.default_rng(seed)) == ("b", "c")
    drawn = draw(Confounded(CausalGraph.parse("a <-> b <-> c")), 5, SEEDS)
    assert asked_effect(drawn, np.random.default_rng(0)) is None
    Confounded.treatment, Confounded.outcome = "a", "b"
    assert asked_effect(drawn, np.random.default_rng(0)) == ("a", "b")


def test_fixed_data_give_rows_in_order():
    frame = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)})
    table = KnownTruth(frame, "a -> b", {("a", "b"): 1.0})
    rows = table.sample(20, rng=0)["a"].to_numpy()
    assert (np.diff(rows) > 0).all()
    assert len(np.unique(rows)) == 20
    series = KnownTruth(frame.to_dict("series"), "a[t-1] -> b[t]")
    assert isinstance(series.graph, LaggedGraph)
    assert (np.diff(series.sample(20, rng=0)["a"]) == 1).all()
    assert table.sample(50, rng=1).equals(frame)
    drawn = draw(table, 20, np.random.SeedSequence(1))
    assert asked_effect(drawn, np.random.default_rng(0)) == ("a", "b")
    assert effect_of(drawn, "a", "b") == (1.0, 0.0)


def test_models_of_the_package_fit():
    assert isinstance(draw(random_svar(3, rng=0), 10, SEEDS).graph, LaggedGraph)
    changing = draw(random_changing_model(3, n_domains=5, rng=0), 10, SEEDS)
    assert "domain" in changing.data
    assert "domain" not in changing.graph.nodes


def test_what_is_no_model_is_refused():
    with pytest.raises(InputError, match="without sample"):
        draw(3, 10, SEEDS)
    with pytest.raises(InputError, match="true graph is a NoneType"):
        draw(Model(None), 10, SEEDS)
    with pytest.raises(InputError, match="does not know effects"):
        effect_of(draw(Fitted(), 10, SEEDS), "a", "b")
    with pytest.raises(InputError, match="expected a pandas DataFrame"):
        KnownTruth([1, 2], "a -> b")
    with pytest.raises(InputError, match="the data have 3 rows"):
        KnownTruth(np.zeros((3, 2)), CausalGraph.parse("x0 -> x1")).sample(4)
