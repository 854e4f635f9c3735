"""Fitted heads maximise their likelihoods and recover what data were drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from causalkit.errors import InputError
from causalkit.models.mechanisms.additive import Linear
from causalkit.models.mechanisms.count_fitting import fit_count
from causalkit.models.mechanisms.counts import Count
from causalkit.models.mechanisms.head_fitting import (
    fit_logistic,
    fit_ordinal,
    fit_softmax,
)
from causalkit.models.mechanisms.heads import Logistic, Ordinal, Softmax

N = 4000
TINY = 1e-6


def drawn(head, seed=0):
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(N, 2)) * [1.0, 3.0] + [0.0, 5.0]
    return causes, head.value(causes, head.draw(N, rng))


def test_a_logistic_fit_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    causes, y = drawn(Logistic(Linear(np.array([1.0, -0.4]), 1.5)))
    fitted = fit_logistic(causes, y, penalty=TINY)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(causes, y)
    np.testing.assert_allclose(fitted.index.slopes, peer.coef_[0], atol=2e-3)
    np.testing.assert_allclose(fitted.index.intercept, peer.intercept_[0], atol=1e-2)


def test_an_ordinal_fit_is_a_maximum_near_the_truth():
    truth = Ordinal(Linear(np.array([1.0, -0.4])), np.array([-3.0, -2.0, 0.5]))
    causes, y = drawn(truth)
    fitted = fit_ordinal(causes, y, 4, penalty=TINY)

    def likelihood(at):
        return Ordinal(Linear(at[:2]), at[2:]).log_probability(causes, y).sum()

    at = np.r_[fitted.index.slopes, fitted.cuts - fitted.index.intercept]
    gradient = approx_fprime(at, likelihood, 1e-6)
    # The one row of the prior moves it by less than a row.
    assert abs(gradient).max() < 5
    np.testing.assert_allclose(at, np.r_[truth.index.slopes, truth.cuts], atol=0.25)


def test_a_softmax_fit_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    truth = Softmax((Linear(np.array([1.0, -0.4])), Linear(np.zeros(2)), Linear(-np.ones(2) / 2)))
    causes, y = drawn(truth)
    fitted = fit_softmax(causes, y, 3, penalty=TINY)
    peer = LogisticRegression(C=np.inf, tol=1e-10, max_iter=2000).fit(causes, y)
    slopes = np.array([score.slopes for score in fitted.scores])
    np.testing.assert_allclose(slopes - slopes[0], peer.coef_ - peer.coef_[0], atol=5e-3)


@pytest.mark.parametrize("dispersion", [0.0, 0.7])
def test_counts_find_their_slopes_and_their_dispersion(dispersion):
    causes, y = drawn(Count(Linear(np.array([0.3, -0.1]), 1.5), dispersion))
    fitted = fit_count(causes, y)
    assert fitted.dispersion == pytest.approx(dispersion, abs=0.06)
    np.testing.assert_allclose(fitted.log_mean.slopes, [0.3, -0.1], atol=0.06)
    forced = fit_count(causes, y, kind="poisson")
    assert forced.dispersion == 0
    assert fitted.ceiling == 3 * y.max()


def test_splines_see_what_lines_do_not():
    rng = np.random.default_rng(1)
    x = rng.uniform(-2, 2, size=(N, 1))
    y = (2 * np.cos(2 * x[:, 0]) + rng.logistic(size=N) > 0) * 1.0
    line, curve = fit_logistic(x, y), fit_logistic(x, y, index="spline")
    gain = curve.log_probability(x, y).sum() - line.log_probability(x, y).sum()
    assert gain > 100
    inner = x[np.abs(x[:, 0]) < 1.6]
    np.testing.assert_allclose(curve.index(inner), 2 * np.cos(2 * inner[:, 0]), atol=0.9)


def test_curves_are_lines_beyond_the_data_and_causes_with_few_values_have_none():
    rng = np.random.default_rng(2)
    causes = np.column_stack([rng.normal(size=500), rng.integers(2, size=500)])
    fitted = fit_count(causes, rng.poisson(2.0, size=500) * 1.0, index="spline")
    np.testing.assert_array_equal(fitted.log_mean.curved, [0])
    for side in (-9.0, 9.0):
        steps = np.column_stack([side + np.arange(4) * np.sign(side), np.zeros(4)])
        np.testing.assert_allclose(np.diff(fitted.log_mean(steps), 2), 0, atol=1e-9)


def test_separated_levels_and_levels_without_rows_stay_finite_and_possible():
    x = np.r_[-np.ones(50), np.ones(50)][:, None]
    y = (x[:, 0] > 0) * 1.0
    assert np.isfinite(fit_logistic(x, y).index.slopes).all()
    for fitted in (fit_ordinal(x, 3 * y, 4), fit_softmax(x, 3 * y, 4)):
        logs = fitted.log_probability(np.zeros((4, 1)), np.arange(4.0))
        assert np.isfinite(logs).all()
        assert np.exp(logs).sum() == pytest.approx(1)
    assert fit_count(x, np.zeros(100)).mean(x).max() < 0.1


def test_roots_and_constant_causes_are_fitted_by_shares():
    rng = np.random.default_rng(3)
    y = rng.choice(3, size=2000, p=[0.2, 0.5, 0.3]) * 1.0
    shares = np.bincount(y.astype(int)) / 2000
    for causes in (np.empty((2000, 0)), np.ones((2000, 1))):
        for fitted in (fit_ordinal(causes, y, 3), fit_softmax(causes, y, 3, index="spline")):
            logs = fitted.log_probability(causes[:3], np.arange(3.0))
            np.testing.assert_allclose(np.exp(logs), shares, atol=2e-3)
    assert fit_count(np.empty((2000, 0)), y).mean(np.empty((1, 0)))[0] == pytest.approx(
        y.mean(), rel=1e-3
    )


def test_bad_input_is_refused():
    x, y = np.zeros((3, 1)), np.zeros(3)
    for fit, bad in ((fit_logistic, 2.0), (fit_count, -1.0), (fit_count, 0.5)):
        with pytest.raises(InputError, match="y holds values"):
            fit(x, np.array([0.0, 1.0, bad]))
    for causes in (x * np.nan, x[:2], x[:, 0]):
        with pytest.raises(InputError, match="missing or infinite"):
            fit_logistic(causes, y)
    with pytest.raises(InputError, match="penalty"):
        fit_logistic(x, y, penalty=0.0)
    with pytest.raises(InputError, match="index"):
        fit_logistic(x, y, index="cubic")
    with pytest.raises(InputError, match="n_levels"):
        fit_ordinal(x, y, 1)
