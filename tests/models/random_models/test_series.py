"""Random series: they obey their equations and their graph, and none runs away."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError, NumericalError, UnknownVariableError
from causalkit.graph import Kind
from causalkit.models.interventions import Hold, Policy, Shift
from causalkit.models.random_models._series_kernels import run_links
from causalkit.models.random_models.series import SERIES_KINDS, random_series
from causalkit.models.random_models.series_specification import SeriesSpec

MODELS = [kind for kind in SERIES_KINDS if kind not in ("lorenz96", "logistic-maps")]
PLAIN = [kind for kind in MODELS if kind not in ("subsampled", "aggregated")]


def run_slowly(values, entering, held, start, order, first, causes, lags, shapes, par, w, regimes):
    """Twin of the kernel."""
    for t in range(start, len(values)):
        for j in order:
            total = entering[t, j]
            for m in range(first[j], first[j + 1]):
                x = values[t - lags[m], causes[m]]
                height, frequency, phase = par[m].T
                curve = {
                    0: x,
                    1: height @ np.tanh(frequency * x + phase),
                    2: height @ np.cos(frequency * x + phase),
                }[shapes[m]]
                total += w[regimes[t], m] * curve
            values[t, j] = total if np.isnan(held[t, j]) else held[t, j]


@pytest.mark.parametrize("shape", ["linear", "tanh", "waves"])
def test_the_kernel_and_its_slow_twin_agree(shape, monkeypatch):
    model = random_series("regimes", shape=shape, n_series=4, n_regimes=3, rng=0)
    do = {"x1": Hold(1.0, start=5, stop=20), "x2": Shift(0.5)}
    fast = model.sample(60, rng=1, do=do, burn_in=20)
    monkeypatch.setattr("causalkit.models.random_models._series_kernels.run_links", run_slowly)
    assert run_links is not run_slowly
    slow = model.sample(60, rng=1, do=do, burn_in=20)
    np.testing.assert_allclose(fast.data, slow.data, atol=1e-9)


@pytest.mark.parametrize("kind", sorted(SERIES_KINDS))
def test_a_seed_gives_the_same_bytes_and_the_graph_is_over_the_columns(kind):
    one, other = (random_series(kind, n_series=4, rng=3).sample(80, rng=4) for _ in range(2))
    assert one.data.to_numpy().tobytes() == other.data.to_numpy().tobytes()
    columns = [name for name in one.data if name != one.panel]
    assert list(one.graph.variables) == columns
    assert set(one.full_graph.variables) == {*columns, *one.hidden}
    assert len(one.hidden) == len(one.data)
    assert str(len(one.data)) in repr(one)


@pytest.mark.parametrize("shape", ["linear", "tanh", "waves"])
def test_links_into_a_series_are_all_that_moves_it(shape):
    """Hold every parent, or another series, for one step: what follows is as the graph says."""
    model = random_series("linear", shape=shape, n_series=5, links=1.5, rng=5)
    graph = model.graph
    plain = model.sample(30, rng=0).data
    for cause in graph.variables:
        pulse = {cause: Shift(1.0, start=10, stop=11)}
        moved = (model.sample(30, rng=0, do=pulse).data != plain).to_numpy()
        assert not moved[:10].any()
        for j, effect in enumerate(graph.variables):
            if cause == effect:
                continue
            first = np.flatnonzero(moved[:, j])
            lag = shortest_path(graph, cause, effect)
            assert (first[0] - 10 == lag) if lag is not None else first.size == 0


def shortest_path(graph, cause, effect):
    """Least number of steps from a cause to an effect."""
    p = len(graph.variables)
    least = np.full((p, p), np.inf)
    for lag in range(graph.max_lag, -1, -1):
        least[graph.directed[lag]] = lag
    np.fill_diagonal(least, 0)
    for k in range(p):
        least = np.minimum(least, least[:, [k]] + least[[k]])
    found = least[graph.index(cause), graph.index(effect)]
    return None if np.isinf(found) else int(found)


def test_effects_are_what_a_shift_does_exactly():
    model = random_series("linear", n_series=5, max_lag=3, rng=7)
    effects, plain = model.effects(8), model.sample(40, rng=2).data.to_numpy()
    for i, cause in enumerate(model.variables):
        moved = model.sample(40, rng=2, do={cause: Shift(1.0, start=20, stop=21)}).data.to_numpy()
        np.testing.assert_allclose((moved - plain)[20:29], effects[:, i], atol=1e-10)


def test_an_effect_of_a_linear_model_is_exact():
    model = random_series("linear", n_series=4, max_lag=3, rng=3)
    effects = model.effects(5)
    for horizon in (0, 1, 5):
        for i, cause in enumerate(model.variables):
            for j, effect in enumerate(model.variables):
                truth = model.effect(cause, effect, horizon=horizon, contrast=(-1, 2), rng=i)
                assert truth.exact
                assert truth.value == pytest.approx(3 * effects[horizon, i, j], abs=1e-9)
    pair = SeriesSpec(n_series=1, max_lag=1, memory=(0.5, 0.5), standardize=False)
    held = random_series(pair, rng=0).effect("x0", "x0", horizon=4, sustained=True)
    assert held.value == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("kind", ["nonlinear", "regimes", "panel"])
def test_an_effect_by_monte_carlo_is_that_of_long_samples(kind):
    """Hold the cause for ever, and for ever at the other value: means of long runs differ so."""
    model = random_series(kind, n_series=3, links=1.0, n_subjects=1 + 4 * (kind == "panel"), rng=4)
    edge = next(e for e in model.graph.edges() if e.left.name != e.right.name)
    cause, effect = edge.left.name, edge.right.name
    truth = model.effect(
        cause, effect, horizon=40, contrast=(-0.5, 1.5), sustained=True, n_draws=150, rng=0
    )
    n = 10_000 if kind != "panel" else 2000
    runs = [model.sample(n, rng=k, do={cause: v}).data[effect] for k, v in enumerate((-0.5, 1.5))]
    long = runs[1].mean() - runs[0].mean()
    assert not truth.exact
    assert truth.value == pytest.approx(long, abs=4 * np.hypot(truth.std_error, 0.03))
    assert abs(truth.value) > 0.1


def test_an_effect_that_depends_on_when_it_starts_is_refused():
    for kind in ("drift", "change-points"):
        with pytest.raises(NumericalError, match="when"):
            random_series(kind, rng=0).effect("x0", "x1", horizon=1)
    assert random_series("seasonal", rng=0).effect("x0", "x0", horizon=1).exact
    model = random_series("nonlinear", season=5.0, rng=0)
    with pytest.raises(NumericalError, match="when"):
        model.effect("x0", "x1", horizon=1)
    with pytest.raises(UnknownVariableError):
        model.effect("x0", "y", horizon=1)
    with pytest.raises(InputError, match="contrast"):
        model.effect("x0", "x1", horizon=1, contrast=(0.0, np.nan))


def test_every_edge_has_an_effect():
    """Of the bent kinds, over the range of the data: no edge is there in name only."""
    for shape in ("tanh", "waves"):
        for seed in range(5):
            links = random_series("linear", shape=shape, n_series=6, links=2, rng=seed).links
            x = np.linspace(-2.5, 2.5, 101)
            inner = links.parameters[:, :, 1, None] * x + links.parameters[:, :, 2, None]
            bend = np.tanh if shape == "tanh" else np.cos
            curves = (links.parameters[:, :, 0, None] * bend(inner)).sum(axis=1)
            spread = np.ptp(curves * links.weights.T, axis=1)
            assert spread[links.shapes > 0].min() > 0.2


SLOW = [kind for kind in PLAIN if kind not in ("linear", "nonlinear")]


@pytest.mark.parametrize(
    "kind",
    ["linear", "nonlinear", *(pytest.param(k, marks=pytest.mark.slow) for k in SLOW)],
)
def test_no_root_is_too_large_in_two_hundred_draws(kind):
    """Many links, so that most models would run away if nothing were done."""
    for seed in range(200):
        settings = {"links": 3.0, "step_links": 1.0, "standardize": False}
        model = random_series(kind, n_series=6, max_lag=3, rng=seed, **settings)
        assert model.spectral_radius <= 0.98


@pytest.mark.parametrize("kind", MODELS)
def test_no_series_runs_away_over_ten_thousand_steps(kind):
    for seed in range(3 if kind in ("linear", "regimes", "drift") else 1):
        shape = ("linear", "tanh", "waves")[seed]
        model = random_series(kind, n_series=6, links=2.0, shape=shape, rng=seed)
        n_steps = 10_000 // max(len(getattr(model, "subject_weights", ())), 1)
        values = model.sample(n_steps, rng=seed).data
        assert np.abs(values[[c for c in values if c != "subject"]].to_numpy()).max() < 60


def test_changing_links_obey_the_common_bound():
    """The 1-norm argument: weights into a series sum to less than one, whatever the regime."""
    settings = {"n_series": 6, "links": 3.0, "n_regimes": 3, "standardize": False}
    for seed in range(20):
        for kind in ("regimes", "drift", "panel"):
            model = random_series(kind, rng=seed, **settings)
            most = 1.8 if kind == "drift" else 1.0
            subjects = model.subject_weights if kind == "panel" else np.ones((1, 1))
            for row in model.links.weights:
                sums = np.zeros(6)
                np.add.at(sums, model.links.effects, np.abs(row) * subjects.max(axis=0) * most)
                assert sums.max() <= 0.95 + 1e-12


@pytest.mark.parametrize("kind", ["linear", "heavy-tailed", "latent"])
def test_linear_series_have_variance_one(kind):
    """Standard error of a variance with memory is some percent here."""
    noise = {} if kind != "heavy-tailed" else {"noise": "mixture"}
    model = random_series(kind, n_series=4, rng=1, memory=(0.2, 0.4), **noise)
    draw = model.sample(60_000, rng=2)
    np.testing.assert_allclose(draw.data.std(), 1.0, atol=0.03)
    np.testing.assert_allclose(draw.data.mean(), 0.0, atol=0.05)


def test_noise_has_heavy_tails():
    model = random_series("heavy-tailed", n_series=2, links=0, step_links=0, rng=0)
    values = model.sample(20_000, rng=0).data.to_numpy()
    kurtosis = ((values - values.mean(0)) ** 4).mean(0) / values.var(0) ** 2
    assert kurtosis.min() > 4


def test_regimes_change_what_they_say_and_nothing_else():
    model = random_series("change-points", n_series=4, changing=("x1",), n_regimes=2, rng=2)
    draw = model.sample(20_000, rng=0)
    assert draw.changing == ("x1",)
    np.testing.assert_array_equal(draw.labels, np.repeat([0, 1], 10_000))
    data, graph = draw.data, draw.graph
    for name in graph.variables:
        columns = [data[p.name].shift(p.lag) for p in sorted(graph.parents(name))]
        design = np.column_stack([np.ones(len(data)), *columns])[2:]
        y, labels = data[name].to_numpy()[2:], draw.labels[2:]
        fits = [np.linalg.lstsq(design[labels == k], y[labels == k], rcond=None)[0] for k in (0, 1)]
        distance = np.abs(fits[0] - fits[1]).max()
        assert distance > 0.3 if name == "x1" else distance < 0.08


def test_only_what_is_asked_for_changes():
    for what in ("coefficient", "noise", "level"):
        model = random_series("regimes", what=(what,), changing=1.0, rng=0)
        weights, scales, levels = model.links.weights, model.scales, model.levels
        changed = [np.ptp(table, axis=0).any() for table in (weights, scales, levels)]
        assert changed == [what == one for one in ("coefficient", "noise", "level")]
    assert model.graph_of(1) == model.graph_of(0)


def test_regimes_last_as_long_as_they_say():
    labels = random_series("regimes", n_series=2, rng=0).sample(60_000, rng=0).labels
    switches = (np.diff(labels) != 0).sum()
    assert switches == pytest.approx(600, abs=4 * np.sqrt(600))
    assert labels.mean() == pytest.approx(0.5, abs=0.1)


def test_drift_is_smooth_bounded_and_only_where_it_should_be():
    model = random_series("drift", changing=("x0", "x2"), drift=3.0, rng=0)
    curves = model.drift.curves(np.linspace(0, 1, 5000))
    assert np.abs(curves).max() <= 1 + 1e-9
    assert np.abs(curves[:, [0, 2]]).max(axis=0).min() > 0.99
    assert not curves[:, [1, 3, 4]].any()
    assert np.abs(np.diff(curves, axis=0)).max() < 0.05


def test_seasons_and_trends_drive_what_the_graph_says():
    model = random_series("seasonal", n_series=4, links=0, step_links=0, rng=0)
    draw = model.sample(24 * 200, rng=0)
    assert list(draw.data)[-2:] == ["season", "trend"]
    for driver in ("season", "trend"):
        driven = {e.right.name for e in draw.graph.edges() if e.left.name == driver}
        assert len(driven) == 2
        for name in ("x0", "x1", "x2", "x3"):
            related = abs(np.corrcoef(draw.data[driver], draw.data[name])[0, 1])
            assert (related > 0.2) == (name in driven)


def test_drivers_that_are_hidden_confound():
    model = random_series("seasonal", show_drivers=False, links=0, step_links=0, trend=False, rng=0)
    draw = model.sample(50, rng=0)
    assert list(draw.hidden) == ["season"]
    assert "season" not in draw.data
    assert draw.graph.kind is Kind.ADMG
    joined = {e.symbol for e in draw.graph.edges() if e.left.name != e.right.name}
    assert joined == {"<->"}


def test_hidden_series_confound_those_they_drive():
    model = random_series("latent", n_series=4, n_latents=1, links=0, step_links=0, rng=0)
    children = model.full_graph.unroll(3).descendants("u0[t-3]")
    driven = {node.name for node in children} - {"u0"}
    assert len(driven) == 2
    pairs = {frozenset((e.left.name, e.right.name)) for e in model.graph.edges()}
    assert {pair for pair in pairs if len(pair) == 2} == {frozenset(driven)}
    draw = model.sample(20_000, rng=0)
    related = draw.data.corr().abs()
    for a in draw.data:
        for b in draw.data:
            if a < b:
                # apart, unless one hidden series drives both
                assert (related.loc[a, b] > 0.05) == ({a, b} == driven)


def test_subjects_differ_and_share_a_graph():
    model = random_series("panel", n_series=3, n_subjects=4, heterogeneity=0.5, rng=0)
    draw = model.sample(4000, rng=0)
    assert draw.panel == "subject"
    assert draw.data.groupby("subject").size().tolist() == [4000] * 4
    memories = [
        np.corrcoef(rows["x0"][1:], rows["x0"].shift()[1:])[0, 1]
        for _, rows in draw.data.groupby("subject")
    ]
    assert np.ptp(memories) > 0.1
    same = random_series("panel", heterogeneity=0.0, n_subjects=2, rng=0)
    assert same.changing == ()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(InputError, match="kind"):
        random_series("linaer")
    with pytest.raises(InputError, match="setting"):
        random_series("linear", n_seris=3)
    with pytest.raises(InputError, match="one"):
        random_series("drift", regimes="markov")
    with pytest.raises(InputError, match="change"):
        random_series("drift", what=("noise",))
    with pytest.raises(InputError, match="memory"):
        SeriesSpec(memory=(0.5, 1.2))
    with pytest.raises(InputError, match="knows no"):
        random_series("lorenz96", links=2.0)
    with pytest.raises(InputError, match="two"):
        SeriesSpec(n_series=1, n_latents=1)
    with pytest.raises(InputError, match="changing"):
        random_series("regimes", changing=("y",))
    model = random_series("nonlinear", rng=0)
    with pytest.raises(NumericalError, match="bent"):
        model.effects(3)
    with pytest.raises(UnknownVariableError):
        model.sample(10, do={"y": 1.0})
    with pytest.raises(InputError, match="Hold or Shift"):
        model.sample(10, do={"x0": Policy(lambda values: values["x1"], ("x1",))})
    with pytest.raises(InputError, match="Hold or Shift"):
        model.sample(10, do={"x0": Hold(np.zeros(3))})
    with pytest.raises(InputError, match="regime"):
        model.graph_of(1)
