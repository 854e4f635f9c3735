"""Structural causal models: exact truth, shared noise, counterfactuals, and files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import CausalGraph, latent_projection, random_dag
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear, LocationScale
from causalkit.models.mechanisms.heads import Logistic
from causalkit.models.noise import Laplace, Normal, Student
from causalkit.models.structural.structural_model import StructuralCausalModel

MIXED = ("X -> M -> Y; X -> Y; Z -> X; Z -> M; Z -> Y; C -> Y; Z -> C; Y -> W; K -> W", 1500)


@dataclass(frozen=True, slots=True, eq=False)
class Written:
    """A function that a test writes down."""

    rule: object

    def __call__(self, causes):
        return self.rule(*causes.T) if causes.shape[1] else np.zeros(len(causes))


def linear(graph, rng, noise=Normal):
    """A linear model and its matrix of slopes, causes in rows."""
    weights = np.where(graph.directed, rng.uniform(-1, 1, graph.directed.shape), 0.0)
    mechanisms = {
        name: Additive(Linear(weights[graph.directed[:, k], k], float(k)), noise())
        for k, name in enumerate(graph.nodes)
    }
    return StructuralCausalModel.from_mechanisms(graph, mechanisms), weights


def written(text, **rules):
    """A model of functions with normal noise; roots are noise."""
    graph = CausalGraph.parse(text)
    return StructuralCausalModel.from_mechanisms(
        graph,
        {
            name: Additive(Written(rules.get(name)), Normal())
            if name in rules
            else Additive(Linear(np.zeros(len(graph.parents(name)))), Normal())
            for name in graph.nodes
        },
    )


@pytest.fixture(scope="module")
def mixed():
    """Data of several kinds and the model that is fitted to them."""
    rng, n = np.random.default_rng(0), MIXED[1]
    z = rng.normal(size=n)
    x = np.where(rng.random(n) < 1 / (1 + np.exp(-z)), True, False)
    m = np.sin(2 * z) + x + rng.normal(size=n)
    c = rng.choice(["red", "green", "blue"], size=n, p=[0.5, 0.3, 0.2])
    c = np.where(z > 1, "red", c)
    y = x + m + z + 2.0 * (c == "red") + np.exp(0.3 * z) * rng.normal(size=n)
    k = rng.poisson(2.0, size=n).astype(float)
    w = y + np.abs(k - 2) + rng.normal(size=n)
    data = pd.DataFrame({"Z": z, "X": x, "M": m, "C": pd.Categorical(c), "Y": y, "K": k, "W": w})
    return data, StructuralCausalModel(
        CausalGraph.parse(MIXED[0]), noise="smoothed", random_state=0
    ).fit(data)


# --- exactness -----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_what_is_done_to_a_variable_moves_its_descendants_alone_bit_for_bit(seed):
    rng = np.random.default_rng(seed)
    model, _ = linear(random_dag(8, expected_degree=3, rng=rng), rng, Laplace)
    before = model.sample(50, rng=3)
    for name in model.graph_.nodes:
        after = model.sample(50, rng=3, do={name: 9.0})
        moved = model.graph_.descendants(name)
        for other in model.graph_.nodes:
            same = before[other].to_numpy().tobytes() == after[other].to_numpy().tobytes()
            assert same == (other not in moved)


def test_noise_of_a_variable_that_is_no_cause_changes_nothing_bit_for_bit(mixed):
    data, model = mixed
    noises = model.abduct(data.head(40), rng=0)
    whole = model.replay(noises)
    for k, name in enumerate(noises.names):
        others = list(noises.values)
        others[k] = np.roll(others[k], 1, axis=0)
        changed = model.replay(type(noises)(noises.names, tuple(others)))
        for other in set(model.graph_.nodes) - model.graph_.descendants(name):
            assert changed[other].equals(whole[other])


@pytest.mark.parametrize("seed", range(10))
def test_linear_effects_are_those_of_path_algebra(seed):
    rng = np.random.default_rng(seed)
    model, weights = linear(random_dag(9, expected_degree=4, rng=rng), rng)
    total = np.linalg.inv(np.eye(9) - weights)
    names = model.graph_.nodes
    for i, j in [(i, j) for i in range(9) for j in range(9) if i != j]:
        truth = model.effect(names[i], names[j], contrast=(1.0, 3.0))
        assert truth.exact
        assert truth.std_error == 0
        assert abs(truth.value - 2 * total[i, j]) < 1e-10
        parts = [model.effect(names[i], names[j], kind=kind) for kind in ("direct", "indirect")]
        assert abs(parts[0].value - weights[i, j]) < 1e-10
        assert abs(sum(part.value for part in parts) - total[i, j]) < 1e-10


def test_effects_and_samples_after_interventions_agree(mixed):
    _, model = mixed
    truth = model.effect("X", "Y", contrast=(False, True), n=20_000, rng=0)
    low, high = (model.do({"X": x}).sample(20_000, rng=x)["Y"] for x in (0, 1))
    error = np.sqrt(low.var() / 20_000 + high.var() / 20_000)
    assert not truth.exact
    assert truth.agrees(high.mean() - low.mean(), std_error=error)
    assert truth.std_error < error  # the noise is shared


def test_the_same_seed_gives_the_same_bytes(mixed):
    data, model = mixed
    one, other = (model.sample(200, rng=5) for _ in range(2))
    assert one.equals(other)
    few = data[["X", "M"]].head(200)
    fitted = [
        StructuralCausalModel(CausalGraph.parse("X -> M"), random_state=0).fit(few)
        for _ in range(2)
    ]
    assert fitted[0].sample(50, rng=1).equals(fitted[1].sample(50, rng=1))
    assert not model.sample(200, rng=6).equals(one)


def test_the_counterfactual_of_the_factual_is_the_factual(mixed):
    data, model = mixed
    some = data.iloc[10:60]
    for do in ({}, {"X": some["X"].to_numpy(dtype=float)}):
        same = model.counterfactual(some, do, rng=0)
        assert list(same.index) == list(some.index)
        for name in some.columns:
            if name in "XC":
                assert (same[name].astype(str) == some[name].astype(str)).all()
            else:
                assert np.allclose(same[name], some[name], atol=1e-9)


def test_a_counterfactual_adds_the_effect_where_all_is_linear():
    rng = np.random.default_rng(0)
    model, weights = linear(random_dag(6, expected_degree=3, rng=rng), rng)
    data = model.sample(30, rng=1)
    names = model.graph_.nodes
    start = names[model.graph_.order[0]]
    shifted = model.counterfactual(data, {start: Shift(2.0)})
    total = np.linalg.inv(np.eye(6) - weights)[model.graph_.index(start)]
    assert np.allclose(shifted - data, 2 * total, atol=1e-10)


# --- effects that are not linear -----------------------------------------------------------------


def test_natural_effects_with_an_interaction():
    # Y = X + 2 M + 3 X M, M = 0.5 X: by the definitions, with E[M(x)] = 0.5 x
    model = written(
        "X -> M -> Y; X -> Y",
        M=lambda x: 0.5 * x,
        Y=lambda x, m: x + 2 * m + 3 * x * m,
    )
    values = {"direct": 1.0, "indirect": 1.0, "total": 1 + 2 * 0.5 + 3 * 0.5}
    for kind, value in values.items():
        truth = model.effect("X", "Y", kind=kind, n=40_000, rng=0)
        assert not truth.exact
        assert truth.agrees(value)
        assert truth.std_error < 0.05


def test_effects_among_some_rows():
    model = written("Z -> Y; X -> Y", Y=lambda z, x: x * z)
    truth = model.effect("X", "Y", given={"Z": (1.0, 2.0)}, n=40_000, rng=0)
    z = np.random.default_rng(1).normal(size=2_000_000)
    assert truth.agrees(z[(z >= 1) & (z < 2)].mean(), std_error=0.0005)
    assert model.effect("X", "Y", n=40_000, rng=0).agrees(0.0)
    with pytest.raises(InputError, match="wider"):
        model.effect("X", "Y", given={"Z": 1.0}, n=1000)


def test_a_scale_does_not_move_a_mean_but_its_rows():
    graph = CausalGraph.parse("X -> Y")
    model = StructuralCausalModel.from_mechanisms(
        graph,
        {
            "X": Additive(Linear(np.zeros(0)), Normal()),
            "Y": LocationScale(Linear(np.array([1.0])), Linear(np.array([0.5])), Normal()),
        },
    )
    assert model.effect("X", "Y", n=20_000, rng=0).agrees(1.0)
    counterfactual = model.counterfactual({"X": [0.0], "Y": [2.0]}, {"X": 2.0})
    assert np.allclose(counterfactual["Y"], 2 + np.e * 2.0)


def test_a_probability_is_averaged():
    graph = CausalGraph.parse("X -> Y")
    model = StructuralCausalModel.from_mechanisms(
        graph,
        {
            "X": Additive(Linear(np.zeros(0)), Normal()),
            "Y": Logistic(Linear(np.array([1.0]))),
        },
    )
    assert model.effect("X", "Y", n=40_000, rng=0).agrees(1 / (1 + np.exp(-1)) - 0.5)


def test_interventions_may_be_contrasted():
    model = written("X -> Y", Y=lambda x: x**2)
    truth = model.effect("X", "Y", contrast=(Shift(0.0), Shift(1.0)), n=40_000, rng=0)
    assert truth.agrees(1.0)  # E[(X + 1)² − X²]


# --- arrows --------------------------------------------------------------------------------------


def test_strengths_of_linear_arrows_are_shares_of_variance():
    rng = np.random.default_rng(0)
    model, weights = linear(CausalGraph.parse("A -> B -> C; A -> C; D -> C"), rng)
    found = model.strengths(n=100_000, rng=0).set_index(["cause", "effect"])["strength"]
    variances = model.sample(100_000, rng=1).var()
    index = model.graph_.index
    assert len(found) == 4
    for cause, effect in found.index:
        share = weights[index(cause), index(effect)] ** 2 * variances[cause] / variances[effect]
        assert abs(found[cause, effect] - share) < 0.02


def test_strengths_tell_arrows_that_do_nothing(mixed):
    _, model = mixed
    found = model.strengths(rng=0)
    assert (found["strength"] > 0.005).all()
    idle = written("X -> Y; Z -> Y", Y=lambda x, z: z + 0 * x).strengths(rng=0)
    assert list(idle["strength"] == 0) == list(idle["cause"] == "X")


# --- interventions -------------------------------------------------------------------------------


def test_graphs_after_interventions():
    rng = np.random.default_rng(0)
    model, _ = linear(CausalGraph.parse("A -> B -> C; A -> C; D -> C"), rng)
    assert model.do({"B": 1.0}).graph_ == model.graph_.do("B")
    assert model.do({"B": Shift(1.0)}).graph_ == model.graph_
    ruled = model.do({"B": Policy(lambda seen: 2 * seen["D"], ("D",))})
    assert ruled.graph_ == CausalGraph.parse("B -> C; A -> C; D -> C; D -> B")
    drawn = ruled.sample(20, rng=0)
    assert np.array_equal(drawn["B"], 2 * drawn["D"])
    with pytest.raises(InputError, match="causes"):
        model.do({"A": Policy(lambda seen: seen["C"], ("C",))})


def test_interventions_compose():
    rng = np.random.default_rng(0)
    model, _ = linear(CausalGraph.parse("A -> B"), rng)
    twice = model.do({"A": 1.0}).do({"A": Shift(2.0), "B": Hold(np.arange(5.0))})
    drawn = twice.sample(5, rng=0)
    assert np.array_equal(drawn["A"], np.full(5, 3.0))
    assert np.array_equal(drawn["B"], np.arange(5.0))
    with pytest.raises(InputError, match="shape"):
        twice.sample(6)


def test_labels_may_be_held(mixed):
    _, model = mixed
    drawn = model.sample(30, rng=0, do={"C": "red", "X": True})
    assert (drawn["C"] == "red").all()
    assert drawn["X"].dtype == bool
    assert drawn["X"].all()
    with pytest.raises(InputError, match="no level 'pink'"):
        model.sample(3, do={"C": "pink"})
    with pytest.raises(InputError, match="do not shift"):
        model.sample(3, do={"C": Shift(0.5)})


# --- latent variables ----------------------------------------------------------------------------


def test_the_graph_is_over_what_is_observed():
    rng = np.random.default_rng(0)
    full = CausalGraph.parse("U -> X; U -> Y; X -> Y; L -> M; X -> L; M -> Y")
    model, _ = linear(full, rng)
    hidden = StructuralCausalModel.from_mechanisms(full, model.mechanisms_, latents=["U", "L"])
    with pytest.raises(InputError, match="bidirected"):
        StructuralCausalModel.from_mechanisms(hidden.graph_, model.mechanisms_)
    assert hidden.graph_ == latent_projection(full, ["X", "Y", "M"])
    assert hidden.graph == hidden.graph_
    assert hidden.latents_ == ("U", "L")
    drawn = hidden.sample(10, rng=0)
    assert set(drawn) == {"X", "Y", "M"}
    assert drawn.equals(hidden.sample(10, rng=0, with_latents=True)[list(drawn)])
    assert hidden.effect("X", "Y").value == model.effect("X", "Y").value
    with pytest.raises(InputError, match="cannot be told"):
        hidden.counterfactual(drawn, {"X": 0.0})
    with pytest.raises(UnknownVariableError, match="M"):
        hidden.counterfactual(drawn.drop(columns="M"), {"X": 0.0})
    with_latents = hidden.sample(10, rng=0, with_latents=True)
    assert set(hidden.counterfactual(with_latents, {"X": 0.0})) == {"X", "Y", "M"}


# --- fitting -------------------------------------------------------------------------------------


def test_kinds_of_variables_get_mechanisms_of_their_kind(mixed):
    _, model = mixed
    families = model.families_
    assert families["X"] == "logistic"
    assert families["M"] == "spline"
    assert families["C"].startswith("softmax")
    assert families["Y"].startswith("location-scale")
    assert families["K"] == "count"
    assert set(model.validation_["M"]) >= {"linear", "spline", "boosting"}


def test_a_fitted_model_draws_what_it_was_fitted_to(mixed):
    data, model = mixed
    drawn = model.sample(20_000, rng=0)
    for name in ("Z", "X", "M", "Y", "K", "W"):
        one, other = data[name].astype(float), drawn[name].astype(float)
        error = np.sqrt(one.var() / len(one) + other.var() / len(other))
        assert abs(one.mean() - other.mean()) < 4 * error
        assert 0.85 < other.std() / one.std() < 1.15
    shares = data["C"].value_counts(normalize=True) - drawn["C"].value_counts(normalize=True)
    assert shares.abs().max() < 4 * np.sqrt(0.25 / len(data))
    numbers = ["Z", "M", "Y", "W"]
    assert np.abs(data[numbers].corr() - drawn[numbers].corr()).to_numpy().max() < 0.08


@pytest.mark.slow
def test_the_effect_in_a_fitted_model_is_near_the_one_in_what_made_the_rows():
    truth = written(
        "Z -> X; Z -> Y; X -> Y",
        X=lambda z: np.sin(2 * z) + 0.5 * z,
        Y=lambda z, x: 2 * np.tanh(x) + z**2,
    )
    value = truth.effect("X", "Y", n=1000, rng=0).value  # the same in every row
    assert abs(value - 2 * np.tanh(1)) < 1e-12
    found = []
    for seed in range(10):
        model = StructuralCausalModel(truth.graph_, noise="smoothed", random_state=seed)
        model.fit(truth.sample(1000, rng=seed))
        found.append(model.effect("X", "Y", n=4000, rng=seed).value)
    assert abs(np.mean(found) - value) < 4 * np.std(found) / np.sqrt(10) + 0.05
    assert np.std(found) < 0.2


def test_mechanisms_may_be_asked_for_or_given(mixed):
    data, _ = mixed
    given = Additive(Linear(np.array([1.0, 1.0])), Student())
    model = StructuralCausalModel(
        CausalGraph.parse("Z -> M; X -> M; Z -> X"),
        mechanism={"M": given, "X": "table", "Z": "linear"},
        noise="smoothed",
    )
    with pytest.raises(InputError, match="'table'"):
        model.fit(data)
    model.set_params(mechanism={"M": given, "X": "spline", "Z": "linear"}).fit(data)
    assert model.mechanisms_["M"] is given
    assert model.families_["X"] == "logistic (spline)"
    assert clone(model).get_params()["mechanism"]["M"] is not None


def test_numbers_that_are_0_or_1_are_drawn_as_such():
    rng = np.random.default_rng(0)
    t = (rng.random(400) < 0.3).astype(float)
    model = StructuralCausalModel(CausalGraph.parse("t -> y"), random_state=0)
    drawn = model.fit({"t": t, "y": t + rng.normal(size=400)}).sample(100, rng=0)
    assert set(drawn["t"]) == {0.0, 1.0}


def test_columns_that_are_no_nodes_are_not_read():
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=50), "y": rng.normal(size=50), "text": ["a b"] * 50}
    assert StructuralCausalModel(CausalGraph.parse("x -> y")).fit(data).graph_ is not None


def test_what_cannot_be_fitted_is_refused():
    data = {"x": [0.0, 1.0, 2.5, 3.0], "y": [1.0, np.nan, 0.0, 2.0]}
    for graph, message in (
        (None, "expected a CausalGraph"),
        (CausalGraph.parse("x -> y; x <-> y"), "does not show"),
        (CausalGraph.parse("x -- y"), "class of graphs"),
        (CausalGraph.parse("x -> y"), "missing"),
    ):
        with pytest.raises(InputError, match=message):
            StructuralCausalModel(graph).fit(data)
    complete = {"x": data["x"], "y": data["x"]}
    graph = CausalGraph.parse("x -> y")
    for mechanism, message in (
        ("cubic", "expected one of"),
        ({"z": "linear"}, "no variable 'z'"),
        ("softmax", "numbers"),
        (3, "expected a family"),
    ):
        with pytest.raises(InputError, match=message):
            StructuralCausalModel(graph, mechanism=mechanism).fit(complete)


def test_mechanisms_that_do_not_fit_are_refused():
    graph, good = CausalGraph.parse("X -> Y"), Additive(Linear(np.zeros(0)), Normal())
    build = StructuralCausalModel.from_mechanisms
    for mechanisms, message in (
        ({"X": good}, "no mechanism"),
        ({"X": good, "Y": good}, "0 slope"),
        ({"X": good, "Y": 3.0}, "expected draw"),
        ({"X": good, "Y": good, "Z": good}, "no variable 'Z'"),
    ):
        with pytest.raises(InputError, match=message):
            build(graph, mechanisms)
    right = {"X": good, "Y": Additive(Linear(np.ones(1)), Normal())}
    with pytest.raises(InputError, match="all variables are latent"):
        build(graph, right, latents=["X", "Y"])
    model = build(graph, right)
    for ask, message in (
        (lambda: model.effect("X", "X"), "two variables"),
        (lambda: model.effect("X", "Y", kind="mean"), "expected one of"),
        (lambda: model.effect("X", "Y", contrast=1), "two values"),
        (lambda: model.effect("X", "Y", kind="direct", mediators="Y"), "among mediators"),
        (lambda: model.sample(3, do={"X": Hold(1.0, start=2)}), "no time"),
        (lambda: model.sample(3, do={"X": "high"}), "expected a number"),
        (lambda: model.sample(3, do=[1]), "expected a dict"),
        (lambda: model.sample(0), "at least 1"),
    ):
        with pytest.raises(InputError, match=message):
            ask()
    with pytest.raises(NumericalError, match="not finite"):
        written("X -> Y", Y=lambda x: np.where(x > 0, np.inf, x)).sample(20, rng=0)
