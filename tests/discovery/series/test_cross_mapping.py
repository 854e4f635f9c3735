"""CCM and MXMap: maps by definition, coupled maps and flows, independent series, odd input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from causalkit._core.series import as_series
from causalkit.discovery.series.cross_mapping._cross_map import (
    averages,
    embedded,
    forecast_skill,
    runs_of,
    skills,
    unit_columns,
    usable_moments,
)
from causalkit.discovery.series.cross_mapping._surrogates import surrogates
from causalkit.discovery.series.cross_mapping.ccm import CCM
from causalkit.discovery.series.cross_mapping.mxmap import MXMap, _between
from causalkit.errors import InputError
from causalkit.graph import Lagged
from tests.oracles.cross_mapping import cross_map_skill


def logistic(n, drives, *, growth=(3.8, 3.7, 3.75, 3.85), seed=0, noise=0.0, burn=300):
    """Coupled logistic maps; `drives[i, j]` is how much i slows down j."""
    rng = np.random.default_rng(seed)
    drives = np.asarray(drives, dtype=float)
    state, r = rng.uniform(0.2, 0.8, len(drives)), np.array(growth[: len(drives)])
    course = np.empty((n + burn, len(drives)))
    for t in range(n + burn):
        course[t] = state
        state = state * (r * (1 - state) - state @ drives) + noise * rng.normal(size=len(r))
        state = np.clip(state, 1e-3, 1 - 1e-3)
    return course[burn:]


def sugihara(n):
    x, y = np.full(n, 0.4), np.full(n, 0.2)
    for t in range(n - 1):
        x[t + 1] = x[t] * (3.8 - 3.8 * x[t] - 0.02 * y[t])
        y[t + 1] = y[t] * (3.5 - 3.5 * y[t] - 0.1 * x[t])
    return np.column_stack([x, y])


def autoregressive(n, p, seed, coefficient=0.7):
    noise = np.random.default_rng(seed).normal(size=(n + 100, p))
    for t in range(1, n + 100):
        noise[t] += coefficient * noise[t - 1]
    return noise[100:]


def pairs_of(model):
    return {(x.left, x.right) for x in model.summary_graph_.links}


def one_way(a, b):
    return np.array([[0.0, a], [b, 0.0]])


# --- the maps by definition -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dimension", "delay", "theiler", "y_to_x", "x_to_y"),
    [
        # pyEDM 2.5.7: CCM(columns="y", target="x", libSizes=all, Tp=0, exclusionRadius=theiler)
        (2, 1, 0, 0.4365594851, 0.9211536558),
        (3, 1, 0, 0.4825171978, 0.9028827275),  # causal-ccm 0.4.0 says the same
        (3, 2, 4, 0.4410523154, 0.8595276371),
        (4, 1, 3, 0.4868196144, 0.8927796299),
    ],
)
def test_skills_are_those_of_pyedm(dimension, delay, theiler, y_to_x, x_to_y):
    ccm = CCM(dimension, delay=delay, theiler=theiler, n_libraries=1, n_surrogates=19)
    ccm.fit(sugihara(300))
    assert ccm.scores_[0, 1] == pytest.approx(x_to_y, abs=1e-6)
    assert ccm.scores_[1, 0] == pytest.approx(y_to_x, abs=1e-6)


@pytest.mark.parametrize(("dimension", "skill"), [(2, 0.9959655513957572), (3, 0.9945439819155323)])
def test_forecasts_are_those_of_pyedm(dimension, skill):
    # pyEDM 2.5.7: Simplex(columns="y", target="y", Tp=1), all rows in library and prediction
    moments = usable_moments(as_series(sugihara(300)), past=dimension - 1, future=1)
    found = forecast_skill(
        moments, 1, dimension=dimension, delay=1, n_neighbors=dimension + 1, theiler=0
    )
    assert found == pytest.approx(skill, abs=1e-6)


@pytest.mark.parametrize("max_lag", [0, 2])
@pytest.mark.parametrize("theiler", [0, 5])
def test_maps_by_loops_with_holes_and_borders(max_lag, theiler):
    values = logistic(150, one_way(0.2, 0.05), seed=3)
    values[60, 0] = np.nan
    settings = {"delay": 2, "theiler": theiler, "n_neighbors": 5, "max_lag": max_lag}
    ccm = CCM(3, n_libraries=1, n_surrogates=19, random_state=0, **settings)
    ccm.fit([values[:90], values[90:]])
    for lag in range(-max_lag, max_lag + 1):
        for cause, effect in ((0, 1), (1, 0)):
            brute = cross_map_skill(
                values[:, effect], values[:, cause], dimension=3, lag=lag, breaks=(90,), **settings
            )
            found = ccm.lag_profile_[max_lag + lag, cause, effect]
            assert found == pytest.approx(brute, abs=1e-9)


def test_points_that_repeat_and_points_of_the_same_place():
    # Distances of zero: only the very same points count.
    moments = usable_moments(as_series(np.tile([[0.0], [1.0], [3.0]], (20, 1))), past=1)
    average = averages(embedded(moments, [0], 2, 1), moments.clock, n_neighbors=3, theiler=0)
    np.testing.assert_allclose(average.sum(axis=1), 1.0)
    target = unit_columns(moments.values[moments.rows])
    assert skills(average, target)[0] == pytest.approx(1.0, abs=1e-5)


# --- what is known about the systems --------------------------------------------------------------


@pytest.mark.parametrize("strength", [0.05, 0.3])
def test_a_driver_is_found_and_the_driven_is_not_taken_for_one(strength):
    ccm = CCM(random_state=0).fit(logistic(400, one_way(strength, 0.0), growth=(3.8, 3.5)))
    assert pairs_of(ccm) == {("x0", "x1")}
    curve = ccm.convergence_.skill[:, 0, 1]
    assert curve[-1] > curve[0] + 0.2
    assert np.all(np.diff(curve) > -0.02)


def test_two_that_drive_each_other():
    ccm = CCM(2, random_state=0).fit(logistic(600, one_way(0.1, 0.1), growth=(3.8, 3.7)))
    assert pairs_of(ccm) == {("x0", "x1"), ("x1", "x0")}
    assert ccm.summary_graph_.has_cycle


def test_the_delay_of_a_coupling_is_measured():
    # Ye et al. (2015): the estimate is best as many steps back as the coupling takes.
    x, y = np.full(600, 0.4), np.full(600, 0.2)
    for t in range(599):
        x[t + 1] = x[t] * (3.78 - 3.78 * x[t])
        y[t + 1] = y[t] * (3.77 - 3.77 * y[t] - 0.6 * (x[t - 2] if t > 1 else 0.4))
    ccm = CCM(2, max_lag=5, random_state=0).fit({"x": x, "y": y})
    assert ccm.graph_.parents("y") == {Lagged("x", 3)}
    assert not ccm.graph_.parents("x")
    assert "3 step(s) earlier" in ccm.explain("x[t-3]", "y").adjacency
    assert ccm.strengths_.shape == ccm.p_values_.shape == (6, 2, 2)
    assert ccm.lag_profile_.shape == (11, 2, 2)


def lorenz(n, drives, seed=0, dt=0.01, every=5, burn=400):
    """Lorenz systems; the x of the cause pulls the x of the effect."""
    rng = np.random.default_rng(seed)
    drives = np.asarray(drives, dtype=float)
    rho = 28 + np.array([0.0, 1.5, -1.2])[: len(drives)]
    pace = 1 + 0.1 * np.arange(len(drives))

    def slope(s):
        x, y, z = s
        pull = x @ drives - x * drives.sum(axis=0)
        return np.array([10 * (y - x) + pull, x * (rho - z) - y, x * y - 8 / 3 * z]) * pace

    state, course = rng.normal(size=(3, len(drives))), []
    for t in range((n + burn) * every):
        a = slope(state)
        b = slope(state + dt / 2 * a)
        c = slope(state + dt / 2 * b)
        d = slope(state + dt * c)
        state = state + dt / 6 * (a + 2 * b + 2 * c + d)
        if t % every == 0:
            course.append(state[0])
    return np.array(course[burn:])


@pytest.mark.parametrize("delay", [1, 4])
def test_the_best_lag_lies_between_the_delay_and_the_delay_and_the_span_of_a_point(delay):
    x, y = np.full(900, 0.4), np.full(900, 0.2)
    for t in range(899):
        x[t + 1] = x[t] * (3.78 - 3.78 * x[t])
        y[t + 1] = y[t] * (3.77 - 3.77 * y[t] - (0.6 * x[t + 1 - delay] if t + 1 >= delay else 0))
    settings = {"max_lag": 9, "n_surrogates": 19, "n_libraries": 2, "random_state": 0}
    for embedding in (2, 3, 5):
        ccm = CCM(embedding, **settings).fit({"x": x, "y": y})
        best = int(ccm.lag_profile_[:, 0, 1].argmax()) - 9
        assert delay <= best <= delay + embedding - 1


def test_coupled_lorenz_systems():
    ccm = CCM(5, delay=2, n_libraries=10, random_state=0).fit(lorenz(900, one_way(4.0, 0.0)))
    assert ("x0", "x1") in pairs_of(ccm)
    assert ccm.scores_[0, 1] > 0.7 > 0.4 > ccm.scores_[1, 0]


def rejections(make, n_runs, **settings):
    found = []
    for seed in range(n_runs):
        ccm = CCM(n_libraries=5, n_surrogates=39, random_state=seed, **settings).fit(make(seed))
        found += ccm.p_values_[0][~np.eye(len(ccm.scores_), dtype=bool)].tolist()
    return np.array(found)


@pytest.mark.parametrize("surrogate", ["phase", "shift"])
def test_independent_series_are_rarely_linked(surrogate):
    p_values = rejections(lambda seed: autoregressive(150, 4, seed), 8, surrogate=surrogate)
    assert (p_values <= 0.05).sum() <= 9  # of 96; 5 % give 4.8, and more than 9 once in 40


@pytest.mark.slow
@pytest.mark.parametrize("surrogate", ["phase", "shift", "swap"])
def test_level(surrogate):
    def make(seed):
        values = autoregressive(240, 3, seed)
        return values.reshape(8, 30, 3) if surrogate == "swap" else values

    p_values = rejections(make, 100, embedding=2, surrogate=surrogate)
    assert (p_values <= 0.05).mean() < 0.07
    chaos = rejections(lambda s: logistic(200, np.zeros((3, 3)), seed=s), 60, surrogate="phase")
    assert (chaos <= 0.05).mean() < 0.08


def test_a_common_season_is_no_link_beside_seasonal_surrogates():
    t = np.arange(240)
    season = np.sin(2 * np.pi * t / 12)[:, None]
    data = 2 * season + autoregressive(240, 3, 5, 0.3)
    ccm = CCM(3, surrogate="seasonal", period=12, n_surrogates=39, random_state=0).fit(data)
    assert pairs_of(ccm) == set()


CHAIN = np.array([[0, 0.4, 0], [0, 0, 0.4], [0, 0, 0.0]])
DIRECT = CHAIN + np.array([[0, 0, 0.4], [0, 0, 0], [0, 0, 0.0]])


def test_partial_maps_tell_a_chain_from_a_direct_link():
    settings = {"delay": 2, "n_libraries": 5, "n_surrogates": 19, "random_state": 0}
    chain = MXMap(5, **settings).fit(lorenz(1000, 20 * CHAIN, seed=1))
    direct = MXMap(5, **settings).fit(lorenz(1000, 20 * DIRECT, seed=1))
    assert chain.strengths_[0, 0, 2] > 0.5  # the first phase alone sees X -> Z in both
    assert chain.p_values_[0, 0, 2] <= 0.05
    assert pairs_of(chain) == {("x0", "x1"), ("x1", "x2")}
    assert pairs_of(direct) >= {("x0", "x1"), ("x1", "x2"), ("x0", "x2")}
    assert direct.ratios_[0, 2] > 0.5 > chain.ratios_[0, 2]


@pytest.mark.slow
def test_partial_maps_mostly_remove_what_is_indirect():
    settings = {"delay": 2, "n_libraries": 5, "n_surrogates": 39, "random_state": 0}
    kept = {"chain": [], "direct": []}
    for seed in range(10):
        for name, drives in (("chain", CHAIN), ("direct", DIRECT)):
            model = MXMap(5, **settings).fit(lorenz(1000, 16 * drives, seed))
            if model.strengths_[0, 0, 2] >= 0.5 and model.p_values_[0, 0, 2] <= 0.05:
                kept[name].append(("x0", "x2") in pairs_of(model))
    assert len(kept["chain"]) >= 5
    assert np.mean(kept["chain"]) <= 0.35
    assert np.mean(kept["direct"]) >= 0.85


def test_partial_maps_keep_both_directions():
    model = MXMap(2, random_state=0).fit(logistic(600, one_way(0.1, 0.1), growth=(3.8, 3.7)))
    assert pairs_of(model) == {("x0", "x1"), ("x1", "x0")}


def test_graph_and_ratios_agree():
    model = MXMap(3, min_skill=0.2, n_surrogates=19, n_libraries=5, random_state=0)
    model.fit(logistic(500, DIRECT))
    linked = model.graph_.directed[1]
    skill = model.strengths_[0]
    possible = (skill >= 0.2) & (model.p_values_[0] <= 0.05)
    gone = model.ratios_ < model.min_ratio
    np.testing.assert_array_equal(linked, possible & ~gone)
    asked = ~np.isnan(model.ratios_)
    np.testing.assert_allclose(model.scores_[asked], (skill * model.ratios_)[asked])


def test_ways_around_consist_of_stronger_links():
    skill = np.zeros((5, 5))
    skill[0, 1], skill[1, 2], skill[0, 2] = 0.9, 0.8, 0.5
    skill[0, 3], skill[3, 2] = 0.9, 0.4  # one weak link
    skill[2, 4] = skill[4, 0] = 0.9  # a way back
    assert _between(skill, 0, 2) == [1]
    assert _between(skill, 0, 1) == []
    skill[3, 2] = 0.6
    assert _between(skill, 0, 2) == [1, 3]


# --- surrogates -----------------------------------------------------------------------------------


def drawn(kind, values, series, **more):
    settings = {"n_surrogates": 6, "period": None, "rng": np.random.default_rng(0), **more}
    return surrogates(kind, values, series, **settings)


@pytest.mark.parametrize("n", [60, 61])
def test_phase_surrogates_have_the_spectrum_of_each_run(n):
    values = autoregressive(2 * n, 1, 0)
    series = as_series([values[:n], values[n:]])
    found = drawn("phase", values[:, 0], series)
    for part in (slice(0, n), slice(n, None)):
        wanted = np.abs(np.fft.rfft(values[part, 0]))[:, None]
        np.testing.assert_allclose(np.abs(np.fft.rfft(found[part], axis=0)), wanted + 0 * found[:1])
    assert np.abs(np.corrcoef(found.T, values.T)[0, 1:]).max() < 0.99


def test_other_surrogates_keep_what_they_promise():
    values = np.arange(60.0)
    values[[20, 21]] = np.nan
    series = as_series(values[:, None])
    shifted = drawn("shift", values, series)
    for run in runs_of(series):
        for column in shifted[run].T:
            start = int(np.flatnonzero(column == values[run[0]])[0])
            np.testing.assert_array_equal(np.roll(column, -start), values[run])
            assert start > 0
    assert np.isnan(shifted[[20, 21]]).all()
    t = np.arange(60)
    season = np.sin(2 * np.pi * t / 6)
    seasonal = drawn("seasonal", season, as_series(season[:, None]), period=6)
    np.testing.assert_allclose(seasonal, season[:, None] + np.zeros(6), atol=1e-12)
    panel = as_series([np.full((10, 1), k) + 0.01 * np.arange(10)[:, None] for k in range(5)])
    swapped = drawn("swap", panel.table.values[:, 0], panel)
    own = np.repeat(np.arange(5), 10)[:, None]
    assert (np.floor(swapped) != own).all()
    assert (np.sort(swapped, axis=0) == panel.table.values).all()


# --- laws -----------------------------------------------------------------------------------------

FAST = {"embedding": 2, "n_libraries": 3, "n_surrogates": 19, "random_state": 0}


def same(one, other):
    assert one.graph_ == other.graph_
    for name in ("scores_", "strengths_", "p_values_"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)


@pytest.mark.parametrize("make", [CCM, MXMap])
def test_columns_units_containers_and_workers_do_not_matter(make):
    values = logistic(200, DIRECT)
    frame = pd.DataFrame(values, columns=list("abc"))
    fitted = make(**FAST, max_lag=1).fit(frame)
    same(fitted, make(**FAST, max_lag=1, n_jobs=2).fit(frame))
    same(fitted, make(**FAST, max_lag=1).fit(pl.DataFrame(frame.to_dict("list"))))
    same(fitted, make(**FAST, max_lag=1).fit(1e150 * frame - 3.0))
    turned = make(**FAST, max_lag=1).fit(frame[["c", "a", "b"]])
    assert turned.graph_ == fitted.graph_
    order = [2, 0, 1]
    np.testing.assert_allclose(turned.p_values_, fitted.p_values_[:, order][:, :, order])
    same(clone(fitted).fit(frame), fitted)


@pytest.mark.parametrize("make", [CCM, MXMap])
def test_a_mask_a_panel_and_times(make):
    values = logistic(240, one_way(0.3, 0.0))
    frame = pd.DataFrame(values, columns=["x", "y"])
    panel = frame.assign(who=np.repeat(["a", "b", "c"], 80))
    parts = [values[:80], values[80:160], values[160:]]
    fitted = make(**FAST, panel="who").fit(panel)
    np.testing.assert_allclose(fitted.scores_, make(**FAST).fit(parts).scores_)
    assert fitted.n_obs_ == 240 - 3
    masked = make(**FAST, mask="on").fit(frame.assign(on=np.arange(240) % 4 < 2))
    assert masked.n_obs_ == 119
    gaps = frame.assign(day=np.r_[0:100, 110:250])
    assert make(**FAST, time="day").fit(gaps).n_obs_ == 238


def test_a_smaller_library_and_explanations():
    values = logistic(400, one_way(0.2, 0.0))
    ccm = CCM(**FAST, max_library=100).fit(pd.DataFrame(values, columns=["x", "y"]))
    assert ccm.convergence_.sizes[-1] == 100
    why = ccm.explain("x[t-1]", "y")
    assert "skill" in why.adjacency
    assert "max_lag" in why.direction
    assert "y" in ccm.explain("x", "y").adjacency
    assert "itself" in ccm.explain("x[t-1]", "x").adjacency
    assert "growth" in repr(ccm.convergence_)
    frame = ccm.convergence_.to_frame()
    assert len(frame) == 2 * len(ccm.convergence_.sizes)
    assert list(frame.iloc[0][["cause", "effect"]]) == ["x", "y"]


def test_mxmap_explains_what_it_removed():
    data = lorenz(700, 20 * CHAIN, 0)
    model = MXMap(5, delay=2, min_skill=0.3, min_ratio=1.0, n_libraries=3, n_surrogates=19,
                  random_state=0).fit(data)  # fmt: skip
    assert "by way of x1" in model.explain("x0[t-1]", "x2").adjacency
    assert "needs a skill" in model.explain("x2[t-1]", "x0").adjacency


# --- hostile input --------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [CCM, MXMap])
@pytest.mark.parametrize(
    ("settings", "data", "message"),
    [
        ({}, np.ones((100, 2)), "one value only"),
        ({}, autoregressive(100, 1, 0), "at least 2"),
        ({}, autoregressive(12, 2, 0), "needs .* moments"),
        ({"max_lag": 90}, autoregressive(100, 2, 0), "needs .* moments"),
        ({"theiler": 60}, autoregressive(100, 2, 0), "theiler"),
        ({}, np.full((100, 2), np.nan), "moments"),
        ({"embedding": 0}, autoregressive(100, 2, 0), "embedding"),
        ({"delay": 0}, autoregressive(100, 2, 0), "delay"),
        ({"n_neighbors": 0}, autoregressive(100, 2, 0), "n_neighbors"),
        ({"max_lag": -1}, autoregressive(100, 2, 0), "max_lag"),
        ({"n_surrogates": 9}, autoregressive(100, 2, 0), "expected 19"),
        ({"surrogate": "twin"}, autoregressive(100, 2, 0), "phase"),
        ({"surrogate": "seasonal"}, autoregressive(100, 2, 0), "period"),
        ({"surrogate": "phase", "period": 12}, autoregressive(100, 2, 0), "period"),
        ({"surrogate": "seasonal", "period": 40}, autoregressive(100, 2, 0), "3 periods"),
        ({"surrogate": "swap"}, autoregressive(100, 2, 0), "subjects"),
        ({"alpha": 1.5}, autoregressive(100, 2, 0), "alpha"),
        ({"max_library": 3}, autoregressive(100, 2, 0), "max_library"),
        ({}, pd.DataFrame({"a": list("xyz") * 40, "b": range(120)}), "categor"),
    ],
)
def test_what_cannot_be_is_refused(make, settings, data, message):
    with pytest.raises(InputError, match=message):
        make(**settings).fit(data)


def test_odd_series_have_an_answer():
    rng = np.random.default_rng(0)
    x = autoregressive(120, 1, 0)[:, 0]
    data = {
        "x": x,
        "copy": x,
        "coin": rng.integers(0, 2, 120),
        "huge": 1e300 * rng.normal(size=120),
    }
    data |= {"rare": np.where(np.arange(120) == 60, 1.0, 0.0), "tiny": 1e-300 * x}
    ccm = CCM(**FAST).fit(data)
    assert np.isfinite(ccm.scores_).all()
    assert {("x", "copy"), ("copy", "x")} <= pairs_of(ccm)


def test_seasonal_surrogates_need_every_step():
    frame = pd.DataFrame(autoregressive(120, 2, 0), columns=["x", "y"])
    frame["day"] = np.r_[0:60, 65:125]
    with pytest.raises(InputError, match="gaps"):
        CCM(2, surrogate="seasonal", period=6, time="day").fit(frame)
