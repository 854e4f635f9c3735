"""Correlations over lags and spectra, by brute force and closed form."""

import numpy as np
import pytest

from causalkit.models.fidelity.dependence import (
    compare_dependence,
    lagged_correlations,
    spectrum_of,
)
from causalkit.models.fidelity.paired_samples import pair_samples

from .processes import CHAIN, autoregression


def test_pairs_are_those_that_are_there_in_one_run():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 2))
    values[rng.random(size=values.shape) < 0.15] = np.nan
    run = (np.arange(60) >= 25).astype(np.intp)
    z = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    found = lagged_correlations(values, run, 3)
    for lag in range(4):
        for i in range(2):
            for j in range(2):
                products = [
                    z[t - lag, i] * z[t, j]
                    for t in range(lag, 60)
                    if run[t] == run[t - lag] and not np.isnan(z[t - lag, i] * z[t, j])
                ]
                assert found[lag, i, j] == pytest.approx(np.mean(products))


def test_a_long_autoregression_has_the_correlations_of_theory():
    rng = np.random.default_rng(1)
    values = autoregression(20_000, CHAIN, rng)
    found = lagged_correlations(values, np.zeros(len(values), dtype=np.intp), 4)
    covariance = np.eye(3)
    for _ in range(300):
        covariance = CHAIN @ covariance @ CHAIN.T + np.eye(3)
    scale = np.sqrt(np.diag(covariance))
    for lag in range(5):
        theory = (np.linalg.matrix_power(CHAIN, lag) @ covariance).T / np.outer(scale, scale)
        np.testing.assert_allclose(found[lag], theory, atol=0.05)


def test_the_spectrum_of_an_autoregression_is_that_of_theory():
    rng = np.random.default_rng(2)
    values = autoregression(40_000, np.array([[0.7]]), rng)
    power = spectrum_of(pair_samples(values, values).real, 0, 128)
    at = np.arange(1, 65) / 128
    theory = 1 / np.abs(1 - 0.7 * np.exp(-2j * np.pi * at)) ** 2
    assert 0.5 * np.abs(power - theory / theory.sum()).sum() < 0.05


def test_errors_are_mean_absolute_differences():
    rng = np.random.default_rng(3)
    common = rng.normal(size=4000)
    real = {"a": common, "b": common}
    other = {"a": rng.normal(size=4000), "b": rng.normal(size=4000)}
    found = compare_dependence(pair_samples(real, other), 2, series=True)
    assert found.correlation_error == pytest.approx(1.0, abs=0.06)
    assert found.cross_correlation_error == pytest.approx(0.0, abs=0.06)
    assert found.autocorrelation_error == pytest.approx([0, 0], abs=0.06)
    assert found.spectrum_error < 0.1
    assert len(found.correlations[0]) == 3


def test_a_constant_is_correlated_with_nothing_and_has_no_spectrum():
    rng = np.random.default_rng(4)
    data = {"c": np.full(400, 3.0), "x": rng.normal(size=400)}
    found = compare_dependence(pair_samples(data, data), 4, series=True)
    assert found.correlation_error == 0.0
    assert found.spectra[0] is None
    assert found.spectra[1].distance == 0.0


def test_a_table_has_no_lags():
    rng = np.random.default_rng(5)
    data = rng.normal(size=(100, 2))
    found = compare_dependence(pair_samples(data, data), 4, series=False)
    assert np.isnan(found.autocorrelation_error).all()
    assert np.isnan(found.cross_correlation_error)
    assert found.spectra == (None, None)
