from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import trapezoid

from causalkit.discovery.series.granger._spectral_measures import geweke_measures, transfer
from causalkit.discovery.series.granger.granger import Granger
from causalkit.discovery.series.granger.spectral_granger import SpectralGranger
from causalkit.errors import InputError, NumericalError
from tests.discovery.series.test_granger import LAGS, simulated


def random_model(seed, p=3, n_lags=2):
    """Stable coefficients [lag - 1, effect, cause], and a noise covariance."""
    rng = np.random.default_rng(seed)
    lags = rng.normal(size=(n_lags, p, p)) * 0.3
    companion = np.eye(n_lags * p, k=-p)
    companion[:p] = np.hstack(list(lags))
    radius = np.abs(np.linalg.eigvals(companion)).max()
    lags = lags * (0.8 / radius) ** np.arange(1, n_lags + 1)[:, None, None]
    root = rng.normal(size=(p, p))
    return lags, root @ root.T + np.eye(p)


def innovations(lags, noise, rest, order=150):
    """Variance of what a long past of some series leaves, by the normal equations of the model."""
    n_lags, p, _ = lags.shape
    size = n_lags * p
    companion = np.eye(size, k=-p)
    companion[:p] = np.hstack(list(lags))
    shock = np.zeros((size, size))
    shock[:p, :p] = noise
    state, power = shock.copy(), companion.copy()
    for _ in range(12):  # doubling: the sum of A^k S A^k'
        state, power = state + power @ state @ power.T, power @ power
    gammas, step = [], state.copy()
    for _ in range(order + 1):
        gammas.append(step[:p, :p][np.ix_(rest, rest)])
        step = companion @ step
    r = len(rest)
    blocks = [
        [gammas[b - a] if b >= a else gammas[a - b].T for b in range(order)] for a in range(order)
    ]
    past = np.block(blocks)  # cov(X[t-1-a], X[t-1-b]) = gamma(b - a)
    cross = np.hstack(gammas[1:])  # cov(X[t], X[t-k])
    assert past.shape == (order * r, order * r)
    return gammas[0] - cross @ np.linalg.solve(past, cross.T)


@pytest.mark.parametrize("seed", range(4))
def test_the_mean_over_frequencies_is_the_measure_in_time(seed):
    lags, noise = random_model(seed)
    angles = np.linspace(0, np.pi, 2049)
    measures, totals = geweke_measures(lags, noise, angles)
    for cause in range(3):
        rest = [k for k in range(3) if k != cause]
        without = innovations(lags, noise, rest)
        for k, effect in enumerate(rest):
            expected = np.log(without[k, k] / noise[effect, effect])
            assert totals[cause, effect] == pytest.approx(expected, abs=1e-9)
            mean = trapezoid(measures[:, cause, effect], angles) / np.pi
            assert mean == pytest.approx(expected, abs=1e-8)


def test_two_series_have_the_measure_of_geweke_1982():
    lags, noise = random_model(7, p=2)
    angles = np.linspace(0, np.pi, 33)
    measures, _ = geweke_measures(lags, noise, angles)
    for k, angle in enumerate(angles):
        matrix = np.eye(2) - sum(a * np.exp(-1j * angle * (n + 1)) for n, a in enumerate(lags))
        h = np.linalg.inv(matrix)
        spectrum = h @ noise @ h.conj().T
        foreign = (noise[0, 0] - noise[0, 1] ** 2 / noise[1, 1]) * abs(h[1, 0]) ** 2
        expected = np.log(spectrum[1, 1].real / (spectrum[1, 1].real - foreign))
        assert measures[k, 0, 1] == pytest.approx(expected, rel=1e-9)
        np.testing.assert_allclose(transfer(lags, angles)[k], h, rtol=1e-10)


def test_given_a_middle_link_the_first_says_nothing():
    lags = np.zeros((1, 3, 3))
    lags[0] = [[0.5, 0, 0], [0.6, 0.3, 0], [0, 0.6, 0.4]]
    measures, totals = geweke_measures(lags, np.eye(3), np.linspace(0, np.pi, 50))
    assert totals[0, 1] > 0.1
    assert totals[1, 2] > 0.1
    for cause, effect in [(0, 2), (1, 0), (2, 0), (2, 1)]:
        assert np.abs(measures[:, cause, effect]).max() < 1e-10
    alone = SpectralGranger(2, conditional=False).fit(simulated(2000, lags.transpose(0, 2, 1), 0))
    assert alone.totals_[0, 2] > 0.05


def test_units_and_filters_do_not_matter():
    lags, noise = random_model(3)
    angles = np.linspace(0, np.pi, 20)
    plain, _ = geweke_measures(lags, noise, angles)
    units = np.array([1e-3, 1.0, 50.0])
    ratio = units[:, None] / units
    other, _ = geweke_measures(lags * ratio, noise * np.outer(units, units), angles)
    np.testing.assert_allclose(other, plain, rtol=1e-7)


@pytest.mark.parametrize("conditional", [True, False])
def test_the_estimate_is_that_of_the_fitted_var(conditional):
    series = simulated(400, LAGS, seed=1)
    found = SpectralGranger(2, conditional=conditional, n_frequencies=300).fit(series)
    time = Granger(2, conditional=conditional).fit(series)
    assert found.graph_ == time.graph_
    np.testing.assert_array_equal(found.pair_p_values_, time.pair_p_values_)
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(found.band(0, 0.5)[off], found.totals_[off], atol=1e-9)
    halves = found.band(0, 0.2) + found.band(0.2, 0.5)
    np.testing.assert_allclose(halves[off], found.totals_[off], atol=1e-4)
    if conditional:  # a VAR of the rows themselves, which differ at the ends of the series
        model = geweke_measures(
            time.coefficients_.transpose(0, 2, 1), time.noise_covariance_, np.array([0.3])
        )
        np.testing.assert_allclose(model[1][off], found.totals_[off], rtol=0.05, atol=1e-3)


def test_the_rhythm_is_found_at_its_frequency():
    rng = np.random.default_rng(2)
    x, y = np.zeros(3000), rng.normal(size=3000)
    for t in range(2, 3000):
        x[t] = 1.6 * np.cos(2 * np.pi * 0.1) * x[t - 1] - 0.64 * x[t - 2] + rng.normal()
        y[t] += 0.3 * x[t - 1]
    found = SpectralGranger(4, sampling_rate=100.0).fit({"x": x, "y": y})
    peak = found.frequencies_[found.measures_[:, 0, 1].argmax()]
    assert peak == pytest.approx(10.0, abs=1.5)
    assert found.frequencies_[-1] == 50.0
    frame = found.to_frame()
    assert len(frame) == 2 * 128
    assert list(frame.columns) == ["frequency", "cause", "effect", "measure", "p_value"]
    assert "largest at" in found.explain("x[t-1]", "y").adjacency


# --- tests at a frequency ------------------------------------------------------------------------


def test_tests_at_a_frequency_are_restricted_regressions():
    series = simulated(200, LAGS, seed=3)
    n_lags = 3
    found = SpectralGranger(n_lags, n_frequencies=5).fit(series)
    now = series[n_lags:]
    past = [series[n_lags - lag : -lag] for lag in range(1, n_lags + 1)]
    design = np.column_stack([np.ones(len(now)), *past])
    inverse = np.linalg.inv(design.T @ design)
    cause, effect = 0, 1
    b = inverse @ design.T @ now[:, effect]
    df = len(now) - design.shape[1]
    noise = ((now[:, effect] - design @ b) ** 2).sum() / df
    where = [1 + cause + 4 * k for k in range(n_lags)]
    for k, angle in enumerate(np.linspace(0, np.pi, 5)):
        waves = np.array([np.cos(angle * np.arange(1, 4)), np.sin(angle * np.arange(1, 4))])
        waves = waves[: 1 if k in (0, 4) else 2]
        value = waves @ b[where]
        middle = noise * waves @ inverse[np.ix_(where, where)] @ waves.T
        statistic = value @ np.linalg.solve(middle, value) / len(waves)
        expected = stats.f.sf(statistic, len(waves), df)
        # Lags of one series are put in one unit; their spreads differ by the ends of the series.
        assert found.frequency_p_values_[k, cause, effect] == pytest.approx(expected, rel=1e-6)


def test_with_two_lags_every_frequency_within_asks_for_both():
    series = simulated(200, LAGS, seed=4)
    found = SpectralGranger(2, n_frequencies=9).fit(series)
    for k in range(1, 8):
        np.testing.assert_allclose(
            found.frequency_p_values_[k, 0, 1], found.pair_p_values_[0, 1], rtol=1e-6
        )
    one = SpectralGranger(1, n_frequencies=4).fit(series)
    np.testing.assert_allclose(
        one.frequency_p_values_[:, 0, 1], one.pair_p_values_[0, 1], rtol=1e-6
    )


# --- surrogates ----------------------------------------------------------------------------------


def test_surrogates_know_a_peak_from_chance():
    series = simulated(300, LAGS, seed=5)
    settings = {"n_surrogates": 39, "n_frequencies": 16, "random_state": 1}
    found = SpectralGranger(2, **settings).fit(series)
    assert found.peak_p_values_[0, 1] == 0.025
    assert found.measures_[:, 0, 1].max() > found.thresholds_[0, 1]
    assert np.isnan(np.diag(found.peak_p_values_)).all()
    parts = SpectralGranger(2, **settings).fit([series[:150], series[150:]])
    assert parts.peak_p_values_[0, 1] <= 0.05


@pytest.mark.slow
def test_workers_change_no_number():
    series = simulated(200, LAGS, seed=8)
    settings = {"n_surrogates": 9, "n_frequencies": 16}
    one, two = (SpectralGranger(2, n_jobs=n, **settings).fit(series) for n in (None, 2))
    np.testing.assert_array_equal(one.thresholds_, two.thresholds_)


@pytest.mark.slow
def test_peaks_of_unrelated_series_have_even_p_values():
    lags = np.diag([0.8, 0.5])[None]
    p_values = [
        SpectralGranger(2, n_surrogates=39, n_frequencies=24, random_state=seed)
        .fit(simulated(150, lags, seed=seed))
        .peak_p_values_[[0, 1], [1, 0]]
        for seed in range(100)
    ]
    rate = np.mean(np.array(p_values) <= 0.1)
    assert abs(rate - 0.1) < 4 * np.sqrt(0.09 / 200)


# --- what cannot be used -------------------------------------------------------------------------


def test_series_that_wander_off_have_no_spectrum():
    rng = np.random.default_rng(6)
    growth = 1.05 ** np.arange(120) + rng.normal(size=120)
    with pytest.raises(NumericalError, match="not stationary"):
        SpectralGranger(1).fit({"x": growth, "y": rng.normal(size=120)})


def test_noise_that_rounding_leaves_a_little_lopsided_has_a_spectrum():
    lags = 0.4 * np.eye(3)[None] + 0.1
    noise = np.array([[1.0, 0.3, 0.2], [0.3, 1.0, 0.1], [0.2, 0.1, 1.0]]) * 1e-9
    lopsided = noise * (1.0 + 1e-10 * np.arange(9.0).reshape(3, 3))
    angles = np.linspace(0.0, np.pi, 5)
    for one, other in zip(
        geweke_measures(lags, lopsided, angles), geweke_measures(lags, noise, angles), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_settings_are_checked():
    series = simulated(100, LAGS, seed=7)
    for settings in ({"n_frequencies": 1}, {"sampling_rate": 0}, {"n_surrogates": -1}):
        with pytest.raises(InputError, match=next(iter(settings))):
            SpectralGranger(2, **settings).fit(series)
    with pytest.raises(InputError, match="band"):
        SpectralGranger(2).fit(series).band(0.3, 0.7)
    with pytest.raises(InputError, match="GroupLassoGranger"):
        SpectralGranger(30).fit(series)
