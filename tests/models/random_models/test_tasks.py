"""Effect tasks: the truth is the truth, and each knob does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.discovery import PC
from causalkit.errors import InputError, NotIdentifiableError
from causalkit.graph import is_separated
from causalkit.identification import identify, is_adjustment_set
from causalkit.models.interventions import Hold
from causalkit.models.random_models.task_functions import (
    Index,
    Surface,
    common_area,
    steepness,
    wave,
)
from causalkit.models.random_models.tasks import TASKS, effect_task

HARD = {"heterogeneity": 0.5, "nonlinear": 0.4, "effect": 1.5}


def regression(data, outcome: str, *causes: str) -> np.ndarray:
    """Slopes of a linear regression with an intercept."""
    X = np.column_stack([np.ones(len(data)), data[list(causes)]])
    return np.linalg.lstsq(X, data[outcome].to_numpy(), rcond=None)[0][1:]


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("binary", [True, False])
def test_the_truth_is_what_the_model_does(kind, binary):
    plain = effect_task(kind, effect=-0.7, binary=binary, rng=0)
    found = plain.model.effect("T", "Y")
    assert found.exact
    assert found.value == pytest.approx(plain.truth.value, abs=1e-12)
    hard = effect_task(kind, binary=binary, rng=0, **HARD)
    found = hard.model.effect("T", "Y", n=10_000, rng=0)
    assert found.agrees(hard.truth.value)
    assert hard.truth.exact
    assert hard.truth.value == 1.5


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("knobs", [{}, {"confounding": 0.0}, {"effect": 0.0}, HARD])
def test_identified_means_that_the_graph_identifies_it(kind, knobs):
    task = effect_task(kind, rng=0, **knobs)
    strategy = "instrument" if kind == "instrument" and not {*knobs} & {"confounding"} else None
    try:
        identify(task.graph, "T", "Y", strategy=strategy if task.truth.value else None)
        found = True
    except NotIdentifiableError:
        found = False
    alike = kind != "instrument" or not knobs.get("heterogeneity")
    assert task.identified == (found and alike)


@pytest.mark.parametrize("kind", TASKS)
def test_the_graph_has_what_the_kind_is_known_for(kind):
    task = effect_task(kind, rng=0)
    graph, covariates = task.graph, ("W0", "W1", "W2")
    bow = bool(graph.directed[0, 1] and graph.bidirected[0, 1])
    assert bow == (kind in ("instrument", "bow", "negative-control"))
    assert is_adjustment_set(graph, "T", "Y", covariates) == (
        kind in ("backdoor", "mediation", "m-bias")
    )
    if kind == "frontdoor":
        assert graph.children("T") == {"M"}
        assert graph.spouses("T") == {"Y"}
    elif kind == "instrument":
        assert is_separated(graph.without_edges(out_of="T"), "Z", "Y")
    elif kind == "m-bias":
        assert not is_adjustment_set(graph, "T", "Y", (*covariates, "Z"))
    elif kind == "negative-control":
        assert graph.spouses("N") >= {"T", "Y", "Z"}
        assert not graph.directed[:, graph.indices(["N", "Z"])].any()


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("overlap", [0.3, 0.8])
def test_overlap_is_the_area_in_common(kind, overlap):
    """E[2 min(e, 1 - e)], half of the units treated, whatever the shape of the index."""
    task = effect_task(kind, overlap=overlap, nonlinear=0.5, rng=1)
    data = task.model.sample(20_000, 0, with_latents=True)
    mechanism = task.model.mechanisms_["T"]
    causes = [name for name in data.columns if name in task.model.dag_.parents("T")]
    propensity = 1 / (1 + np.exp(-mechanism.index(data[causes].to_numpy())))
    assert abs(2 * np.minimum(propensity, 1 - propensity).mean() - overlap) < 0.015
    assert abs(data["T"].mean() - 0.5) < 4 * 0.5 / 141
    smooth = effect_task(kind, overlap=overlap, nonlinear=0.5, binary=False, rng=1)
    drawn = smooth.model.sample(20_000, 0, with_latents=True)
    noise = smooth.model.mechanisms_["T"].noise_model
    assert noise.variance == pytest.approx(overlap)
    assert abs(drawn["T"].var() - 1.0) < 5 * np.sqrt(2 / 20_000)


@pytest.mark.parametrize("kind", TASKS)
def test_heterogeneity_is_the_relative_spread_of_unit_effects(kind):
    task = effect_task(kind, heterogeneity=0.4, effect=2.0, rng=0)
    low, high = (task.model.sample(20_000, 0, do={"T": Hold(t)})["Y"] for t in (0.0, 1.0))
    effects = high - low
    assert abs(effects.mean() - 2.0) < 4 * effects.std() / np.sqrt(20_000)
    assert abs(effects.std() / 2.0 - 0.4) < 0.01
    if kind not in ("frontdoor", "mediation"):
        modifier = task.model.sample(20_000, 0)["W2"]
        assert np.allclose(effects, 2.0 * (1 + 0.4 * modifier))


@pytest.mark.parametrize("kind", ["backdoor", "bow", "instrument"])
def test_confounding_moves_the_naive_contrast_in_proportion(kind):
    """With the same noise, E[Y | T=1] - E[Y | T=0] is linear in the knob, and right at 0."""

    def naive(confounding: float) -> float:
        task = effect_task(kind, confounding=confounding, rng=0)
        data = task.sample(20_000, rng=0)
        means = data.groupby("T")["Y"].mean()
        return float(means[1] - means[0])

    none, one, two = (naive(confounding) for confounding in (1e-12, 1.0, 2.0))
    assert abs(none - 1.0) < 4 * np.sqrt(4 / 20_000)
    assert one - none > 0.2
    assert two - none == pytest.approx(2 * (one - none), rel=1e-6)


@pytest.mark.parametrize("binary", [True, False])
def test_the_graph_of_the_default_back_door_can_be_learnt(binary):
    found = 0
    for seed in range(6):
        task = effect_task("backdoor", binary=binary, rng=seed)
        data = task.sample(2000, rng=seed).astype(float)
        found += PC(alpha=0.01).fit(data).graph_ == task.graph.to_cpdag()
    assert found >= 5


def test_without_confounding_nothing_confounds():
    for kind in TASKS:
        graph = effect_task(kind, confounding=0.0, rng=0).graph
        assert not graph.bidirected[0, 1]
        assert identify(graph, "T", "Y") is not None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_nonlinear_is_the_share_that_no_linear_regression_finds(share):
    task = effect_task("backdoor", confounding=1.0, nonlinear=share, n_covariates=4, rng=0)
    data = task.sample(40_000, rng=0)
    W = data[["W0", "W1", "W2", "W3"]].to_numpy()
    causes = np.column_stack([np.zeros(len(W)), W])
    index = task.model.mechanisms_["Y"].mean(causes)  # of the confounding, per unit of the knob
    assert abs(index.var() - 1.0) < 0.03
    fitted = W @ np.linalg.lstsq(W, index, rcond=None)[0]
    assert abs(1 - fitted.var() / index.var() - share) < 0.02


def test_textbook_estimators_find_the_truth_of_their_kind():
    """Linear and homogeneous: each by the regressions that its kind is solved with."""
    n, W = 50_000, ("W0", "W1", "W2")

    def drawn(kind: str, **knobs):
        return effect_task(kind, confounding=1.5, rng=0, **knobs).sample(n, rng=1)

    assert regression(drawn("backdoor"), "Y", "T", *W)[0] == pytest.approx(1.0, abs=0.05)
    data = drawn("frontdoor")
    through = regression(data, "M", "T")[0] * regression(data, "Y", "M", "T", *W)[0]
    assert through == pytest.approx(1.0, abs=0.05)
    data = drawn("instrument")
    wald = np.cov(data["Z"], data["Y"])[0, 1] / np.cov(data["Z"], data["T"])[0, 1]
    assert wald == pytest.approx(1.0, abs=0.1)
    data = drawn("mediation")
    assert regression(data, "Y", "T", *W)[0] == pytest.approx(1.0, abs=0.05)
    assert regression(data, "Y", "T", "M", *W)[0] == pytest.approx(0.5, abs=0.05)
    data = drawn("m-bias")
    assert regression(data, "Y", "T", *W)[0] == pytest.approx(1.0, abs=0.05)
    assert regression(data, "Y", "T", "Z", *W)[0] < 0.9
    assert regression(drawn("bow"), "Y", "T", *W)[0] > 1.3
    # Proxies: two-stage least squares with Z as the instrument of N, in a linear model.
    data = drawn("negative-control", binary=False)
    ones = np.ones(n)
    second = np.column_stack([ones, data[["T", *W, "N"]]])
    first = np.column_stack([ones, data[["T", *W, "Z"]]])
    bridge = np.linalg.solve(first.T @ second, first.T @ data["Y"].to_numpy())
    assert bridge[1] == pytest.approx(1.0, abs=0.1)
    assert regression(data, "Y", "T", *W)[0] > 1.3


@pytest.mark.parametrize("n_covariates", [1, 3])
def test_the_effect_among_the_treated_is_that_of_many_draws(n_covariates):
    for kind in TASKS:
        settings = {"n_covariates": n_covariates, "overlap": 0.4, **HARD}
        task = effect_task(kind, rng=2, **settings)
        treated = task.sample(20_000, rng=0)["T"] == 1
        low, high = (task.model.sample(20_000, 0, do={"T": Hold(t)})["Y"] for t in (0.0, 1.0))
        effects = (high - low)[treated]
        error = effects.std() / np.sqrt(len(effects))
        assert task.parts["treated"].agrees(effects.mean(), std_error=error)
        assert abs(task.parts["treated"].value - 1.5) > 0.05
    assert "treated" not in effect_task("bow", binary=False, rng=0).parts


def test_an_instrument_finds_the_effect_among_those_it_moves():
    """Monotone in Z; by symmetry their mean effect is that of all."""
    for binary in (True, False):
        task = effect_task("instrument", binary=binary, overlap=0.4, rng=0, **HARD)
        Y, T, Z = (task.sample(50_000, rng=1)[name] for name in "YTZ")
        wald = np.cov(Z, Y)[0, 1] / np.cov(Z, T)[0, 1]
        residual = Y - wald * T
        error = np.sqrt(residual.var() / (Z.var() * 50_000)) / abs(np.cov(Z, T)[0, 1] / Z.var())
        assert abs(wald - 1.5) < 4 * error
        assert not task.identified


def test_natural_effects_of_mediation():
    task = effect_task("mediation", effect=2.0, rng=0)
    for kind in ("direct", "indirect"):
        found = task.model.effect("T", "Y", kind=kind)
        assert found.value == pytest.approx(task.parts[kind].value, abs=1e-12)
    parts = task.parts
    assert parts["direct"].value + parts["indirect"].value == task.truth.value


@pytest.mark.parametrize("kind", [kind for kind in TASKS if kind != "backdoor"])
def test_covariates_may_be_left_out(kind):
    task = effect_task(kind, n_covariates=0, overlap=0.5, rng=0)
    data = task.sample(2000, rng=0)
    assert not [name for name in data.columns if name.startswith("W")]
    assert abs(data["T"].mean() - 0.5) < 0.06
    assert task.model.effect("T", "Y").value == pytest.approx(1.0)


def test_the_wave_is_odd_standard_and_uncorrelated():
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    assert weights @ wave(nodes) == pytest.approx(0.0, abs=1e-12)
    assert weights @ wave(nodes) ** 2 == pytest.approx(1.0, abs=1e-10)
    assert weights @ (nodes * wave(nodes)) == pytest.approx(0.0, abs=1e-10)
    assert np.array_equal(wave(-nodes), -wave(nodes))


def test_the_common_area_is_that_of_many_draws():
    rng = np.random.default_rng(0)
    v, z = rng.standard_normal((2, 400_000))
    coin = rng.choice((-1, 1), size=400_000)
    index = Index(0.5, 0.4, 0.3, 0.6)
    drawn = 0.5 * v + 0.4 * wave(v) + 0.3 * z + 0.6 * coin
    expected = 2 / (1 + np.exp(3.0 * np.abs(drawn)))
    assert abs(common_area(index, 3.0) - expected.mean()) < 4 * expected.std() / 632
    for overlap in (0.01, 0.5, 0.99):
        assert common_area(index, steepness(index, overlap)) == pytest.approx(overlap, abs=1e-6)
    assert common_area(index, 0.0) == pytest.approx(1.0)


def test_a_surface_is_what_it_says():
    x = np.random.default_rng(0).standard_normal((20, 3))
    surface = Surface(np.array([1.0, 2.0, 0.0]), 0.5, 0.7, 1, -2.0, 0, 2)
    expected = 0.5 + x[:, 0] + 2 * x[:, 1] + 0.7 * wave(x[:, 1]) - 2 * x[:, 0] * x[:, 2]
    assert np.allclose(surface(x), expected)


def test_the_same_seed_gives_the_same_bytes():
    first, second = (effect_task("bow", rng=3).sample(50, rng=4) for _ in range(2))
    assert first.to_numpy().tobytes() == second.to_numpy().tobytes()
    assert "identified" in repr(effect_task("bow", rng=0))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "regression"}, "kind="),
        ({"overlap": 1.0}, "overlap"),
        ({"nonlinear": 1.0}, "nonlinear"),
        ({"confounding": -1.0}, "confounding"),
        ({"heterogeneity": float("nan")}, "heterogeneity"),
        ({"effect": "large"}, "effect"),
        ({"n_covariates": -1}, "n_covariates"),
        ({"n_covariates": 0}, "at least one covariate"),
        ({"kind": "bow", "n_covariates": 0, "nonlinear": 0.5}, "nonlinear"),
        ({"binary": "yes"}, "binary"),
    ],
)
def test_knobs_are_checked(settings, words):
    with pytest.raises(InputError, match=words):
        effect_task(**{"kind": "backdoor", "rng": 0, **settings})
