"""Sets that hold for weak instruments: the tests by definition, their inversion, their shapes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import statsmodels.api as sm
from linearmodels.iv import IVLIML
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import chi2
from sklearn.linear_model import LinearRegression

from causalkit.errors import InputError, NumericalError
from causalkit.estimation.instruments.inversion import invert
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.similar_tests import (
    ReducedForm,
    SimilarTest,
    conditional_p_value,
)
from causalkit.estimation.instruments.weak_instruments import weak_instrument_set
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.regression import OLS
from causalkit.estimation.series.serial import HAC

pytestmark = pytest.mark.filterwarnings("ignore::causalkit.errors.WeakInstrumentWarning")

KINDS = ("AR", "CLR", "K")


def instrumented(n, rng, *, strength=0.3, n_z=3, invalid=0.0):
    """Unequal variances, a hidden cause, one covariate."""
    X, hidden = rng.normal(size=(n, 1)), rng.normal(size=n)
    Z = rng.normal(size=(n, n_z)) + X
    t = strength * Z.mean(axis=1) + X[:, 0] + hidden + 0.5 * rng.normal(size=n)
    y = t + 2 * hidden + invalid * Z[:, 0] + (1 + np.abs(Z[:, 0])) * rng.normal(size=n)
    return X, Z, t, y


def effect_of(estimator, data, **options):
    X, Z, t, y = data
    return estimator.fit(X, y, t=t, z=Z, **options).effect_


@pytest.mark.parametrize(
    ("covariance", "options"),
    [
        ("classical", {"cov_type": "nonrobust"}),
        ("HC1", {"cov_type": "HC1"}),
        ("clusters", {"cov_type": "cluster"}),
    ],
)
def test_anderson_rubin_is_a_regression_on_the_instruments(covariance, options, rng):
    X, Z, t, y = data = instrumented(240, rng)
    given = {}
    if covariance == "clusters":
        given = {"groups": np.arange(240) % 30}
        options = {**options, "cov_kwds": {"groups": given["groups"]}}
        covariance = "HC1"
    effect = effect_of(TwoStageLeastSquares(covariance=covariance), data, **given)
    found = weak_instrument_set(effect, "AR")
    design = np.column_stack([np.ones(240), X, Z])
    for null in (-1.0, 0.0, 2.5):
        fit = sm.OLS(y - null * t, design).fit(use_t=True, **options)
        assert_allclose(found.p_value(null), fit.f_test(np.eye(5)[2:]).pvalue, rtol=1e-7)


def test_the_least_statistic_is_that_of_liml(rng):
    X, Z, t, y = data = instrumented(200, rng)
    effect = effect_of(LIML(covariance="classical"), data)
    found = weak_instrument_set(effect, "AR")
    least, _, angle = found.test.form.moments()
    assert_allclose(found.test.form.effect(angle), effect.value, rtol=1e-8)
    exogenous = np.column_stack([np.ones(200), X])
    peer = IVLIML(y, exogenous, t, Z).fit()
    assert_allclose(200 * np.log1p(least / (200 - 5)), peer.anderson_rubin.stat, rtol=1e-8)


def test_conditional_p_values_by_integration_and_simulation(rng):
    def slow(c, r, K):
        def inside(x):
            return chi2.pdf(x, 1) * chi2.cdf((r + c) * (1 - x / c), K - 1)

        return 1 - quad(inside, 0, c, limit=200)[0]

    for c, r, K in ((0.5, 0.1, 2), (3.0, 5.0, 2), (4.0, 30.0, 5), (8.0, 2.0, 10)):
        found = conditional_p_value(np.array([c]), np.array([r]), K)[0]
        assert_allclose(found, slow(c, r, K), atol=2e-6)
        q1, q2 = rng.chisquare(1, 200_000), rng.chisquare(K - 1, 200_000)
        drawn = (q1 + q2 - r + np.sqrt((q1 + q2 + r) ** 2 - 4 * q2 * r)) / 2
        assert_allclose(found, np.mean(drawn > c), atol=0.005)
    ends = conditional_p_value(np.array([0.0, 1e3, 1e7]), np.array([1.0, 1.0, 1e8]), 3)
    assert_allclose(ends, [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_closed_forms_agree_with_the_search_around_the_circle(seed):
    rng = np.random.default_rng(seed)
    data = instrumented(100, rng, strength=(0.05, 0.3, 1.0, 4.0, 3000.0)[seed], n_z=1 + seed % 5)
    effect = effect_of(TwoStageLeastSquares(covariance="classical"), data)
    for kind in KINDS:
        for level in (0.95,):
            closed = weak_instrument_set(effect, kind, level=level)
            form = dataclasses.replace(closed.test.form, alike=False)
            searched = invert(SimilarTest(form, kind), level)
            assert len(closed) == len(searched)
            for one, other in zip(closed, searched, strict=True):
                assert_allclose(tuple(one), tuple(other), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_a_set_holds_what_is_not_rejected(kind, seed):
    rng = np.random.default_rng(seed)
    data = instrumented(120, rng, strength=(0.05, 0.5, 1.5)[seed % 3], n_z=1 + seed % 4)
    effect = effect_of(GMM(), data)
    found = weak_instrument_set(effect, kind, level=0.9)
    grid = effect.value + np.tan(np.linspace(-1.57, 1.57, 301))
    p_values = found.p_values(grid)
    clear = np.abs(p_values - 0.1) > 1e-6
    member = np.array([theta in found for theta in grid])
    assert (member == (p_values >= 0.1))[clear].all()
    for end in (end for piece in found for end in piece if np.isfinite(end)):
        assert_allclose(found.p_value(end), 0.1, atol=1e-6)


def test_one_instrument_makes_all_tests_one(rng):
    effect = effect_of(TwoStageLeastSquares(), instrumented(200, rng, strength=1.0, n_z=1))
    sets = [weak_instrument_set(effect, kind) for kind in KINDS]
    for other in sets[1:]:
        assert_allclose(tuple(other.hull), tuple(sets[0].hull), rtol=1e-10)
    assert_allclose(sets[0].p_value(effect.value), 1.0, atol=1e-8)


def test_over_time(rng):
    """Serial dependence widens the set, and its covariance rests on few cosines."""
    n = 400
    z, hidden, noise = np.cumsum(rng.normal(size=(3, n)), axis=1) / 10
    t = 5 * z + hidden + rng.normal(size=n)
    estimator = TwoStageLeastSquares(inference=HAC())
    effect = estimator.fit(None, t + hidden + noise, t=t, z=z).effect_
    found = weak_instrument_set(effect)
    by_rows = TwoStageLeastSquares().fit(None, t + hidden + noise, t=t, z=z).effect_
    assert found.test.form.df == effect.df
    assert found.hull.width > 2 * weak_instrument_set(by_rows).hull.width


def test_strong_instruments_give_the_usual_interval(rng):
    effect = effect_of(TwoStageLeastSquares(), instrumented(2000, rng, strength=20.0))
    for kind in ("CLR", "K"):
        piece = next(p for p in weak_instrument_set(effect, kind) if effect.value in p)
        assert_allclose(tuple(piece), tuple(effect.interval()), atol=0.2 * effect.std_error)


def test_units_and_shifts(rng):
    X, Z, t, y = data = instrumented(150, rng, strength=0.8)
    found = weak_instrument_set(effect_of(TwoStageLeastSquares(), data))
    other = effect_of(TwoStageLeastSquares(), (X, 5 * Z, 1e-3 * t, 1e4 * (y + 2 * t)))
    moved = weak_instrument_set(other)
    assert_allclose(tuple(moved.hull), 1e7 * (np.array(tuple(found.hull)) + 2), rtol=1e-6)


def test_shapes(rng):
    weak = effect_of(TwoStageLeastSquares(), instrumented(100, rng, strength=0.0, n_z=1))
    wide = weak_instrument_set(weak, level=0.99)
    assert not wide.is_bounded
    assert "no bound" in repr(wide)
    wrong = effect_of(TwoStageLeastSquares(), instrumented(500, rng, strength=2.0, invalid=2.0))
    empty = weak_instrument_set(wrong, "AR")
    assert empty.is_empty
    assert np.isnan(empty.hull.lower)
    assert 1.0 not in empty
    assert "contradict" in repr(empty)
    assert len(empty.to_frame()) == 0
    good = effect_of(TwoStageLeastSquares(), instrumented(300, rng, strength=2.0))
    found = weak_instrument_set(good, level=0.9)
    assert found.is_bounded
    assert found.to_frame().loc[0, "level"] == 0.9
    assert "Effect of t on y" in found.sentence


def test_all_but_an_interval(rng):
    """Weak but telling: a null between the rays is rejected, infinity is not."""
    for _ in range(200):
        data = instrumented(60, rng, strength=0.2, n_z=1)
        found = weak_instrument_set(effect_of(TwoStageLeastSquares(), data), level=0.9)
        if len(found) == 2:
            break
    first, second = found
    assert first.lower == -np.inf
    assert second.upper == np.inf
    assert first.upper < second.lower
    assert found.p_value((first.upper + second.lower) / 2) < 0.1
    assert ", or " in found.sentence


def test_picture(rng):
    from matplotlib.figure import Figure

    found = weak_instrument_set(
        effect_of(TwoStageLeastSquares(), instrumented(300, rng, strength=2.0))
    )
    ax = found.plot(ax=Figure().add_subplot())
    assert ax.get_xlim()[0] < found.hull.lower < found.hull.upper < ax.get_xlim()[1]


def test_residuals_of_a_cross_fitted_estimator(rng):
    """Residuals that were left by an intercept alone give what two-stage least squares gives."""
    _, Z, t, y = instrumented(200, rng, strength=1.0)
    effect = TwoStageLeastSquares(covariance="HC0").fit(None, y, t=t, z=Z).effect_
    left = {"y": y - y.mean(), "t": t - t.mean(), "z": Z - Z.mean(axis=0)}
    handed = dataclasses.replace(effect, details={"partialled": left})
    one, other = weak_instrument_set(effect), weak_instrument_set(handed)
    assert_allclose(tuple(one.hull), tuple(other.hull), rtol=1e-8)


def test_partially_linear_with_instruments(rng):
    """Linear learners leave nearly what least squares does."""
    X, Z, t, y = instrumented(400, rng, strength=1.0)
    learner = LinearRegression()
    cross_fitted = PLIV(learner, learner, learner, random_state=0).fit(X, y, t=t, z=Z).effect_
    linear = TwoStageLeastSquares().fit(X, y, t=t, z=Z).effect_
    one, other = weak_instrument_set(cross_fitted), weak_instrument_set(linear)
    assert_allclose(tuple(one.hull), tuple(other.hull), atol=0.2 * linear.std_error)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_what_is_refused(rng):
    X, Z, t, y = data = instrumented(60, rng)
    effect = effect_of(TwoStageLeastSquares(), data)
    with pytest.raises(InputError, match="test='Wald'"):
        weak_instrument_set(effect, "Wald")
    with pytest.raises(InputError, match="level=95"):
        weak_instrument_set(effect, level=95)
    with pytest.raises(InputError, match="TwoStageLeastSquares"):
        weak_instrument_set(OLS().fit(X, y, t=t).effect_)
    with pytest.raises(InputError, match="got GMM"):
        weak_instrument_set(GMM())
    few = effect_of(TwoStageLeastSquares(), data, groups=np.arange(60) // 15)
    with pytest.raises(NumericalError, match="4 rows or clusters"):
        weak_instrument_set(few)
    exact = TwoStageLeastSquares().fit(None, 2 * t, t=t, z=Z).effect_
    with pytest.raises(NumericalError, match="errors in both stages"):
        weak_instrument_set(exact)


@pytest.mark.slow
def test_sizes_with_errors_of_unequal_variance():
    """At the truth, p-values are below 0.1 a tenth of the time, with a first stage of nothing.

    (δ, π) are drawn from their normal law with a covariance that is no Kronecker product; 4,000
    draws leave a Monte Carlo error of 0.005.
    """
    rng = np.random.default_rng(3)
    K = 4
    root = rng.normal(size=(2 * K, 2 * K)) + 2 * np.eye(2 * K)
    covariance = root @ root.T
    for strength in (0.0, 4.0):
        pi = np.full(K, strength)
        draws = np.concatenate([0.7 * pi, pi]) + rng.normal(size=(4000, 2 * K)) @ root.T
        rejected = dict.fromkeys(KINDS, 0.0)
        for draw in draws:
            form = ReducedForm.of(draw[:K], draw[K:], covariance, unit=1.0, df=None, alike=False)
            for kind in KINDS:
                p_value = SimilarTest(form, kind).p_value(np.array([0.7]))[0]
                rejected[kind] += p_value < 0.1
        for kind in KINDS:
            assert_allclose(rejected[kind] / 4000, 0.1, atol=0.016)
