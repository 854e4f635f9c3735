"""Temporal models: samples obey the equations, effects are algebra, counterfactuals give back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import GraphError, InputError, NumericalError, UnknownVariableError
from causalkit.graph import LaggedGraph
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.mechanisms.additive import Additive, Linear
from causalkit.models.noise import Laplace, Normal, Uniform
from causalkit.models.structural_var import random_svar
from causalkit.models.temporal.temporal_model import TemporalCausalModel


class Bent:
    """A bounded function, for models that are not linear."""

    def __init__(self, slopes, scale=1.0):
        self.bends, self.scale = np.asarray(slopes, dtype=float), scale

    def __call__(self, causes):
        return self.scale * np.tanh(causes @ self.bends)


class Coin:
    """A mechanism whose noise the value does not tell: the sign of a normal number."""

    bijective = False

    def draw(self, n, rng):
        return rng.standard_normal(n)

    def value(self, causes, noise):
        return np.where(causes.sum(axis=1) + noise > 0, 1.0, 0.0)

    def noise(self, causes, value, rng):
        size = np.abs(rng.standard_normal(len(value))) + 1e-9
        return np.where(value > 0, size, -size) - causes.sum(axis=1)


def linear_model(seed=0, p=4, max_lag=2, noise=Normal):
    """The same equations as a random structural VAR."""
    svar = random_svar(p, max_lag=max_lag, step_links=0.8, rng=seed)
    mechanisms = {}
    for j, name in enumerate(svar.variables):
        lags, causes = np.nonzero(svar.graph.directed[:, :, j])
        mechanisms[name] = Additive(Linear(svar.weights[lags, causes, j], 0.3), noise())
    return svar, TemporalCausalModel.from_mechanisms(svar.graph, mechanisms)


def bent_model():
    graph = "X[t-1] -> X[t]; X[t] -> Y[t]; Y[t-1] -> Y[t]; Y[t-2] -> Z[t]"
    return TemporalCausalModel.from_mechanisms(
        graph,
        {
            "X": Additive(Linear(np.array([0.5])), Laplace()),
            "Y": Additive(Bent([1.0, 0.5], 2.0), Uniform(0.5)),
            "Z": Additive(Bent([1.5]), Normal(0.3)),
        },
    )


def mixed_model():
    mechanisms = dict(bent_model().mechanisms_) | {"Z": Coin()}
    return TemporalCausalModel.from_mechanisms(bent_model().graph_, mechanisms)


# --- samples --------------------------------------------------------------------------------------


def test_causes_come_within_the_step_first_then_by_lag():
    assert bent_model().causes_of("Y") == ("X[t]", "Y[t-1]")


@pytest.mark.parametrize("make", [lambda: linear_model()[1], bent_model, mixed_model])
def test_a_sample_obeys_the_equations_with_the_noise_it_was_drawn_with(make):
    model = make()
    drawn = model.sample(200, rng=0, burn_in=50)
    rows = np.arange(model.graph_.max_lag, 200)
    rng = np.random.default_rng(0)
    for stream, name in zip(rng.spawn(len(drawn.columns)), drawn.columns, strict=True):
        mechanism, nodes = model.mechanisms_[name], model.causes_of(name)
        noise = mechanism.draw(250, stream)[50:][rows]
        causes = np.column_stack([drawn[node.name].to_numpy()[rows - node.lag] for node in nodes])
        expected = mechanism.value(causes.reshape(len(rows), -1), noise)
        np.testing.assert_allclose(drawn[name].to_numpy()[rows], expected, atol=1e-12)


def test_the_compiled_path_agrees_with_the_one_step_by_step():
    _, model = linear_model()
    do = {"x0": Hold(1.0, start=5, stop=9), "x2": Shift(0.7)}
    late, early = (model.graph_.variables[model.equations_.order[k]] for k in (-1, 0))
    asked = dict(do) | {late: Policy(lambda seen: seen[early], (early,), start=50)}
    fast = model.sample(50, 3, rng=1, do=do)
    slow = model.sample(51, 3, rng=1, do=asked)
    first = slow.groupby("chain").head(50).reset_index(drop=True)
    second = model.sample(51, 3, rng=1, do=do).groupby("chain").head(50).reset_index(drop=True)
    np.testing.assert_allclose(first, second, atol=1e-12)
    assert (fast.loc[fast.groupby("chain").cumcount().between(5, 8), "x0"] == 1).all()


@pytest.mark.parametrize("make", [lambda: linear_model()[1], mixed_model])
def test_the_same_seed_gives_the_same_bytes(make):
    one, other = (make().sample(40, 5, rng=7).to_numpy().tobytes() for _ in range(2))
    assert one == other


def test_chains_are_independent_and_have_the_moments_of_one_long_chain():
    svar, model = linear_model(3)
    many = model.sample(5, 4000, rng=0).drop(columns="chain").to_numpy().reshape(4000, 5, -1)
    assert abs(np.corrcoef(many[1:, 0, 0], many[:-1, 0, 0])[0, 1]) < 4 / np.sqrt(4000)
    long = model.sample(40_000, rng=1).to_numpy()
    np.testing.assert_allclose(np.cov(many[:, -1].T), np.cov(long.T), atol=0.25)
    assert svar.spectral_radius == pytest.approx(model.radius_)


def test_what_is_no_cause_changes_nothing_bit_for_bit():
    """A series that is done something to reaches its descendants and no other."""
    model = mixed_model()
    plain, done = (model.sample(60, rng=3, do=do) for do in (None, {"Y": Shift(1.0, start=10)}))
    assert plain["X"].equals(done["X"])
    assert plain["Y"][:10].equals(done["Y"][:10])
    assert not plain["Y"][10:].equals(done["Y"][10:])


def test_without_a_start_an_intervention_holds_before_the_first_row_too():
    _, model = linear_model(1)
    always = model.sample(3, 4000, rng=0, do={"x0": 2.0})
    long = model.sample(4000, rng=1, do={"x0": 2.0})
    first = always[always.groupby("chain").cumcount() == 0]
    error = long.std() * np.sqrt(20 / 4000)
    assert (abs(first[long.columns].mean() - long.mean()) < 5 * error + 1e-9).all()


def test_amounts_may_differ_between_chains():
    _, model = linear_model()
    drawn = model.sample(2, 3, rng=0, do={"x1": Hold(np.array([1.0, 2.0, 3.0]))})
    assert drawn.groupby("chain")["x1"].first().tolist() == [1.0, 2.0, 3.0]


def test_a_start_is_the_past_of_the_first_row():
    model = TemporalCausalModel.from_mechanisms(
        "X[t-2] -> X[t]", {"X": Additive(Linear(np.array([0.5])), Normal(0.0))}
    )
    assert model.sample(3, start={"X": [8.0, 4.0]})["X"].tolist() == [4.0, 2.0, 2.0]


# --- effects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_impulse_responses_are_the_algebra_of_paths(seed):
    svar, model = linear_model(seed)
    np.testing.assert_allclose(model.impulse_responses(6), svar.effects(6), atol=1e-12)
    assert model.effect("x1", "x1", horizon=0).value == 1.0


@pytest.mark.parametrize("sustained", [False, True])
def test_linear_effects_are_differences_of_runs_with_the_same_noise(sustained):
    _, model = linear_model(2)
    stop = None if sustained else 1
    for x in model.graph_.variables:
        runs = [
            model.sample(5, rng=0, do={x: Hold(v, start=0, stop=stop)}).iloc[-1] for v in (1.0, 3.0)
        ]
        for y in model.graph_.variables:
            truth = model.effect(x, y, horizon=4, contrast=(1.0, 3.0), sustained=sustained)
            assert truth.exact
            assert truth.value == pytest.approx(runs[1][y] - runs[0][y], abs=1e-10)


def test_a_lasting_effect_is_the_sum_of_direct_ones_along_sequences_of_holds():
    """X held at one: Y gathers what each held step adds, as it fades."""
    model = TemporalCausalModel.from_mechanisms(
        "X[t-1] -> X[t]; X[t-1] -> Y[t]; Y[t-1] -> Y[t]",
        {
            "X": Additive(Linear(np.array([0.9])), Normal()),
            "Y": Additive(Linear(np.array([2.0, 0.5])), Normal()),
        },
    )
    found = model.effect("X", "Y", horizon=3, sustained=True).value
    assert found == pytest.approx(2 * (1 + 0.5 + 0.25))


def test_an_effect_that_is_not_linear_agrees_with_separate_samples():
    model = bent_model()
    truth = model.effect("X", "Y", horizon=1, contrast=(-1.0, 1.0), n_chains=4000, rng=0)
    assert not truth.exact
    assert truth.std_error > 0
    ends = [
        model.sample(2, 4000, rng=seed, do={"X": Hold(value, start=0, stop=1)})
        for value, seed in ((-1.0, 1), (1.0, 2))
    ]
    ys = [end["Y"].to_numpy()[1::2] for end in ends]
    error = np.sqrt(sum(y.var() / len(y) for y in ys))
    assert truth.agrees(ys[1].mean() - ys[0].mean(), std_error=error)


def test_an_effect_is_exact_where_only_what_it_passes_is_linear():
    model = bent_model()
    assert model.effect("X", "X", horizon=2).value == pytest.approx(0.25)
    assert model.effect("Z", "X", horizon=3).value == 0.0
    with pytest.raises(NumericalError, match="not linear"):
        model.impulse_responses(2)


# --- counterfactuals ------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: linear_model()[1], bent_model, mixed_model])
def test_the_counterfactual_of_what_was_done_anyway_is_what_was(make):
    model = make()
    seen = model.sample(80, rng=0)
    again = model.counterfactual(seen, {seen.columns[0]: Shift(0.0)}, rng=1)
    np.testing.assert_allclose(again, seen, atol=1e-9)


@pytest.mark.parametrize("make", [lambda: linear_model()[1], bent_model])
def test_a_counterfactual_is_the_run_with_the_same_noise(make):
    model = make()
    seen = model.sample(60, rng=5)
    name, lags = seen.columns[0], model.graph_.max_lag
    do = {name: Hold(1.0, start=20, stop=30)}
    np.testing.assert_allclose(
        model.counterfactual(seen, do)[lags:], model.sample(60, rng=5, do=do)[lags:], atol=1e-8
    )


def test_a_counterfactual_has_the_index_of_what_was_recorded():
    model = linear_model()[1]
    seen = model.sample(40, rng=0)
    seen.index = pd.date_range("2024-01-01", periods=40, freq="h")
    name = seen.columns[0]
    assert model.counterfactual(seen, {name: 1.0}).index.equals(seen.index)
    assert model.counterfactual(seen.to_numpy(), {name: 1.0}).index.equals(pd.RangeIndex(40))


# --- fitting --------------------------------------------------------------------------------------


def test_a_linear_fit_finds_the_slopes():
    svar, _ = linear_model(4)
    model = TemporalCausalModel(svar.graph, mechanism="linear", noise="normal")
    model.fit(svar.sample(8000, rng=0))
    assert np.abs(model.equations_.weights() - svar.weights).max() < 0.06
    assert set(model.families_.values()) == {"linear, normal"}
    off = model.residual_correlation_ - np.eye(4)
    assert np.abs(off).max() < 0.05


def test_holes_cost_the_rows_that_need_them_and_no_others():
    svar, _ = linear_model(4)
    data = pd.DataFrame(svar.sample(6000, rng=0))
    data.iloc[1000:4000, 3] = np.nan
    model = TemporalCausalModel(svar.graph, mechanism="linear", noise="smoothed").fit(data)
    apart = TemporalCausalModel(svar.graph, mechanism="linear", noise="smoothed").fit(
        data.fillna(0.0)
    )
    for name in data.columns:
        if "x3" not in {name, *(node.name for node in model.causes_of(name))}:
            one, other = (m.mechanisms_[name].mean.slopes for m in (model, apart))
            np.testing.assert_array_equal(one, other)
    assert np.abs(model.equations_.weights() - svar.weights).max() < 0.08


def test_lags_never_reach_from_one_subject_into_the_next():
    x = np.tile([0.0, 1.0, 2.0, 3.0], 30)
    frame = pd.DataFrame({"X": x, "who": np.repeat(np.arange(30), 4)})
    model = TemporalCausalModel("X[t-1] -> X[t]", mechanism="linear", noise="normal", panel="who")
    line = model.fit(frame).mechanisms_["X"].mean
    assert line(np.array([[5.0]]))[0] == pytest.approx(6.0 * 0.995, abs=0.1)


def test_the_noise_follows_the_level_where_it_does_and_not_where_it_does_not():
    rng = np.random.default_rng(0)
    x, y = np.zeros(4000), np.zeros(4000)
    for t in range(1, 4000):
        x[t] = 0.8 * x[t - 1] + rng.normal()
        y[t] = 0.5 * y[t - 1] + np.exp(0.4 * x[t - 1]) * rng.normal()
    model = TemporalCausalModel(max_lag=1, mechanism="linear", random_state=0)
    model.fit({"X": x, "Y": y})
    assert model.families_["Y"].endswith("level")
    assert not model.families_["X"].endswith("level")
    drawn = model.sample(4000, rng=1)

    def coupling(cause, effect):
        return np.corrcoef(cause[:-1], np.log(np.abs(effect[1:]) + 0.1))[0, 1]

    real, twin = coupling(x, y), coupling(drawn["X"].to_numpy(), drawn["Y"].to_numpy())
    assert twin == pytest.approx(real, abs=0.08)
    assert real > 0.2


def test_trees_are_taken_where_a_line_misses_what_is_there():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=1500), np.zeros(1500)
    y[1:] = np.abs(x[:-1]) * 2 + 0.3 * rng.normal(size=1499)
    graph = "X[t-1] -> Y[t]; X"
    model = TemporalCausalModel(graph, noise="smoothed", random_state=0).fit({"X": x, "Y": y})
    assert model.families_["Y"].startswith("boosting")
    truth = model.effect("X", "Y", contrast=(0.0, 1.5), n_chains=50, rng=0)
    assert truth.value == pytest.approx(3.0, abs=0.4)


def test_a_root_near_one_is_damped_and_the_mean_stays():
    steps = np.cumsum(np.random.default_rng(0).normal(size=2000))
    model = TemporalCausalModel(max_lag=1, mechanism="linear", noise="normal").fit({"X": steps})
    assert model.radius_ <= 0.995 + 1e-12
    line = model.mechanisms_["X"].mean
    middle = np.array([[steps[:-1].mean()]])
    assert line(middle)[0] == pytest.approx(steps[1:].mean())


def test_a_mechanism_that_is_given_stays():
    own = Additive(Linear(np.array([0.1])), Normal())
    model = TemporalCausalModel("X[t-1] -> X[t]", mechanism={"X": own})
    model.fit({"X": np.random.default_rng(0).normal(size=100)})
    assert model.mechanisms_["X"] is own


# --- what is refused ------------------------------------------------------------------------------


def test_what_cannot_be_read_is_refused():
    _, model = linear_model()
    graph, mechanisms = model.graph_, model.mechanisms_
    with pytest.raises(InputError, match="no mechanism for"):
        TemporalCausalModel.from_mechanisms(graph, {})
    with pytest.raises(UnknownVariableError):
        TemporalCausalModel.from_mechanisms(graph, dict(mechanisms) | {"Q": Coin()})
    broken = dict(mechanisms) | {"x0": Additive(Linear(np.ones(9)), Normal())}
    with pytest.raises(InputError, match="slopes"):
        TemporalCausalModel.from_mechanisms(graph, broken)
    with pytest.raises(GraphError, match="DAG"):
        TemporalCausalModel.from_mechanisms("X[t] <-> Y[t]", {"X": Coin(), "Y": Coin()})
    with pytest.raises(UnknownVariableError):
        model.sample(5, do={"Q": 1.0})
    with pytest.raises(InputError, match="none of the steps"):
        model.sample(5, do={"x0": Hold(1.0, start=9)})
    root = Additive(Linear(np.empty(0)), Normal())
    two = TemporalCausalModel.from_mechanisms("X[t] -> Y[t]", {"X": root, "Y": Coin()})
    with pytest.raises(InputError, match="depends on it"):
        two.sample(5, do={"X": Policy(lambda seen: seen["Y"], ("Y",))})
    with pytest.raises(InputError, match="expected a number"):
        model.sample(5, do={"x0": "high"})
    with pytest.raises(InputError, match="amount of shape"):
        model.sample(5, 2, do={"x0": Hold(np.ones(3))})
    with pytest.raises(InputError, match="missing cell"):
        model.counterfactual(pd.DataFrame(np.full((9, 4), np.nan), columns=list(mechanisms)), {})


def test_a_model_that_runs_away_says_so():
    model = TemporalCausalModel.from_mechanisms(
        "X[t-1] -> X[t]", {"X": Additive(Linear(np.array([1.5])), Normal())}
    )
    with pytest.raises(NumericalError, match="ran away"):
        model.sample(200, rng=0)


def test_series_that_are_too_short_or_no_numbers_are_refused():
    with pytest.raises(InputError, match="causes in the 5 steps before"):
        TemporalCausalModel(max_lag=5).fit({"X": np.arange(8.0)})
    with pytest.raises(InputError, match="categories"):
        TemporalCausalModel(max_lag=1).fit({"X": ["a", "b", "c"] * 20})
    with pytest.raises(UnknownVariableError):
        TemporalCausalModel(LaggedGraph.parse("X[t-1] -> Q[t]")).fit({"X": np.arange(50.0)})
    with pytest.raises(InputError, match="mechanism"):
        TemporalCausalModel(max_lag=1, mechanism="magic").fit({"X": np.arange(50.0)})
