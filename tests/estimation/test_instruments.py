"""Two-stage least squares, LIML and GMM against linearmodels, definitions and their own laws."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS, IVGMM, IVLIML
from numpy.testing import assert_allclose
from sklearn.base import clone

from causalkit.errors import (
    AssumptionWarning,
    InputError,
    NumericalError,
    WeakInstrumentWarning,
)
from causalkit.estimation.inference import Asymptotic, Bootstrap
from causalkit.estimation.instruments.first_stage import effective_f_threshold
from causalkit.estimation.instruments.hausman import compare_effects
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.t_ratio import tf_critical_value, tf_interval
from causalkit.estimation.regression import OLS
from causalkit.estimation.series.serial import HAC

ALL = (TwoStageLeastSquares, LIML, GMM)
PEERS = {TwoStageLeastSquares: IV2SLS, LIML: IVLIML, GMM: IVGMM}


def instrumented(n, rng, *, strength=1.0, k=2, n_z=3, effect=1.0):
    """Heteskedastic errors, a hidden cause, instruments valid given X."""
    X = rng.normal(size=(n, k))
    Z = rng.normal(size=(n, n_z)) + 0.5 * X[:, :1]
    hidden = rng.normal(size=n)
    t = strength * Z @ np.linspace(1, 0.3, n_z) + X[:, 0] + hidden + rng.normal(size=n)
    noise = (0.5 + 0.5 * np.abs(Z[:, 0])) * rng.normal(size=n)
    y = effect * t + X @ np.linspace(1, -1, k) + hidden + noise
    return X, Z, t, y


def peer(which, X, Z, t, y, *, weights=None, clusters=None, **options):
    """Effect and standard error by linearmodels."""
    exogenous = pd.DataFrame(X).assign(one=1.0)
    exogenous.columns = [str(c) for c in exogenous]
    Z = pd.DataFrame(Z, columns=[f"z{j}" for j in range(Z.shape[1])])
    model = {}
    if which is GMM:
        kind = "clustered" if clusters is not None else "robust"
        model = {"weight_type": kind, **({"clusters": clusters} if kind == "clustered" else {})}
    if clusters is not None:
        options = {"cov_type": "clustered", "clusters": clusters, **options}
    estimator = PEERS[which](
        y,
        exogenous,
        pd.Series(t, name="t"),
        Z,
        weights=weights,
        **model,
        **options.pop("model", {}),
    )
    return estimator.fit(**options)


KINDS = {
    "classical": {"cov_type": "unadjusted", "debiased": True},
    "HC0": {"cov_type": "robust"},
    "HC1": {"cov_type": "robust", "debiased": True},
}


@pytest.mark.parametrize(
    ("which", "covariance"),
    [(which, kind) for which in ALL for kind in KINDS if (which, kind) != (GMM, "classical")],
)
def test_equals_linearmodels(which, covariance, rng):
    X, Z, t, y = instrumented(300, rng)
    effect = which(covariance=covariance).fit(X, y, t=t, z=Z).effect_
    expected = peer(which, X, Z, t, y, **KINDS[covariance])
    assert_allclose(effect.value, expected.params["t"], rtol=1e-10)
    assert_allclose(effect.std_error, expected.std_errors["t"], rtol=1e-10)
    if covariance != "HC0":
        assert effect.df == expected.df_resid
        assert_allclose(
            tuple(effect.interval()), expected.conf_int().loc["t"].to_numpy(), rtol=1e-9
        )


@pytest.mark.parametrize("which", ALL)
def test_equals_linearmodels_with_clusters(which, rng):
    X, Z, t, y = instrumented(300, rng)
    groups = rng.integers(40, size=300)
    y = y + rng.normal(size=40)[groups]
    effect = which().fit(X, y, t=t, z=Z, groups=groups).effect_
    expected = peer(which, X, Z, t, y, clusters=groups, debiased=True)
    assert_allclose(effect.value, expected.params["t"], rtol=1e-10)
    assert_allclose(effect.std_error, expected.std_errors["t"], rtol=1e-10)


@pytest.mark.parametrize("which", ALL)
def test_equals_linearmodels_with_weights(which, rng):
    X, Z, t, y = instrumented(300, rng)
    w = rng.uniform(0.2, 3, size=300)
    effect = which().fit(X, y, t=t, z=Z, sample_weight=w).effect_
    expected = peer(which, X, Z, t, y, weights=w, cov_type="robust", debiased=True)
    assert_allclose(effect.value, expected.params["t"], rtol=1e-10)
    assert_allclose(effect.std_error, expected.std_errors["t"], rtol=1e-10)


@pytest.mark.parametrize("fuller", [1.0, 4.0])
def test_fuller_equals_linearmodels(fuller, rng):
    X, Z, t, y = instrumented(200, rng, strength=0.5)
    effect = LIML(fuller=fuller).fit(X, y, t=t, z=Z).effect_
    model = {"fuller": fuller}
    expected = peer(LIML, X, Z, t, y, model=model, cov_type="robust", debiased=True)
    assert_allclose(effect.details["kappa"], expected.kappa, rtol=1e-12)
    assert_allclose(effect.value, expected.params["t"], rtol=1e-10)
    assert_allclose(effect.std_error, expected.std_errors["t"], rtol=1e-10)


def test_newey_west_equals_linearmodels(rng):
    X, Z, t, y = instrumented(300, rng)
    inference = HAC(kernel="Bartlett", bandwidth=4)
    estimator = TwoStageLeastSquares(covariance="HC0", inference=inference)
    effect = estimator.fit(X, y, t=t, z=Z).effect_
    options = {"cov_type": "kernel", "kernel": "bartlett", "bandwidth": 4}
    expected = peer(TwoStageLeastSquares, X, Z, t, y, **options)
    assert_allclose(effect.std_error, expected.std_errors["t"], rtol=1e-10)


def test_diagnostics_equal_linearmodels(rng):
    X, Z, t, y = instrumented(300, rng, strength=0.6)
    estimator = TwoStageLeastSquares(covariance="classical").fit(X, y, t=t, z=Z)
    details = estimator.effect_.details
    expected = peer(TwoStageLeastSquares, X, Z, t, y, **KINDS["classical"])
    assert_allclose(details["overidentification"].statistic, expected.sargan.stat, rtol=1e-10)
    assert_allclose(details["overidentification"].p_value, expected.sargan.pval, rtol=1e-9)
    assert_allclose(details["endogeneity"].statistic, expected.wu_hausman().stat, rtol=1e-9)
    assert_allclose(details["endogeneity"].p_value, expected.wu_hausman().pval, rtol=1e-8)
    stage = expected.first_stage.diagnostics.loc["t"]
    assert_allclose(details["first_stage"].partial_r2, stage["partial.rsquared"], rtol=1e-10)
    J = peer(GMM, X, Z, t, y, cov_type="robust").j_stat
    robust = GMM().fit(X, y, t=t, z=Z).effect_.details["overidentification"]
    assert_allclose([robust.statistic, robust.p_value], [J.stat, J.pval], rtol=1e-9)


@pytest.mark.parametrize(("covariance", "kind"), [("classical", "nonrobust"), ("HC1", "HC1")])
def test_first_stage_is_a_regression(covariance, kind, rng):
    X, Z, t, y = instrumented(200, rng, strength=0.5)
    details = TwoStageLeastSquares(covariance=covariance).fit(X, y, t=t, z=Z).effect_.details
    stage = details["first_stage"]
    fit = sm.OLS(t, np.column_stack([np.ones(200), X, Z])).fit(cov_type=kind, use_t=True)
    assert_allclose(stage.coefficients, fit.params[3:], rtol=1e-10)
    assert_allclose(stage.std_errors, fit.bse[3:], rtol=1e-10)
    wald = fit.f_test(np.eye(6)[3:])
    assert_allclose([stage.f_statistic, stage.p_value], [wald.fvalue, wald.pvalue], rtol=1e-8)
    # Wu and Hausman: the residual of the first stage as one more regressor
    fuller = np.column_stack([np.ones(200), X, t, fit.resid])
    second = sm.OLS(y, fuller).fit(cov_type=kind, use_t=True)
    assert_allclose(details["endogeneity"].statistic, second.tvalues[-1] ** 2, rtol=1e-8)
    assert_allclose(details["endogeneity"].p_value, second.pvalues[-1], rtol=1e-7)


def test_effective_f_by_its_definition(rng):
    X, Z, t, y = instrumented(200, rng, strength=0.5)
    stage = TwoStageLeastSquares().fit(X, y, t=t, z=Z).effect_.details["first_stage"]
    D = np.column_stack([np.ones(200), X])
    P = np.eye(200) - D @ np.linalg.pinv(D)
    Zp, tp = P @ Z, P @ t
    H = Zp @ np.linalg.inv(Zp.T @ Zp) @ Zp.T
    v = tp - H @ tp
    # trace of the HC1 covariance of Z't after (Z'Z)^-1/2
    trace = np.sum(np.diag(H) * v**2) * 200 / (200 - 6)
    assert_allclose(stage.effective_f, tp @ H @ tp / trace, rtol=1e-10)
    one = TwoStageLeastSquares().fit(X, y, t=t, z=Z[:, 0]).effect_.details["first_stage"]
    assert_allclose(one.effective_f, one.f_statistic, rtol=1e-12)
    alike = TwoStageLeastSquares(covariance="classical").fit(X, y, t=t, z=Z).effect_
    first = alike.details["first_stage"]
    assert_allclose(first.effective_f, first.f_statistic, rtol=1e-10)


def test_the_threshold_of_the_effective_f():
    """Montiel Olea & Pflueger (2013), table 1, one instrument."""
    found = [effective_f_threshold(np.eye(1), bias=bias) for bias in (0.05, 0.1, 0.2)]
    assert_allclose(found, [37.42, 23.11, 15.06], atol=0.005)
    assert effective_f_threshold(np.eye(8)) < effective_f_threshold(np.diag([1.0] + [0.01] * 7))


def test_critical_values_of_the_t_ratio():
    """Lee, McCrary, Moreira & Porter (2022), table 3, rounded up there; 1.96 from 104.67."""
    published = {2.0: 18.66, 2.5: 4.92, 3.0: 3.65, 3.5: 3.11, 4.0: 2.80}
    for f, value in published.items():
        assert_allclose(tf_critical_value(f**2), value, atol=0.011)
    assert tf_critical_value(3.8) == np.inf
    assert_allclose(tf_critical_value(104.67), 1.96, atol=1e-4)
    assert tf_critical_value(104.0) > tf_critical_value(105.0) == tf_critical_value(1e9)
    assert tf_interval(1.0, 0.1, 2.0).width == np.inf


def test_the_t_ratio_has_its_size_where_it_is_worst():
    """|t| = |f (f − f₀)| / f₀ exceeds c(f²) with probability 0.05, whatever f₀."""
    grid = np.linspace(-12, 22, 60_001)
    values = np.array([tf_critical_value(f * f) for f in np.linspace(0, 22, 2201)])
    critical = np.interp(np.abs(grid), np.linspace(0, 22, 2201), np.minimum(values, 1e6))
    for f0 in (0.5, 1.0, 2.0, 4.0, 8.0):
        density = np.exp(-((grid - f0) ** 2) / 2) / np.sqrt(2 * np.pi)
        rejected = np.abs(grid * (grid - f0)) / f0 > critical
        assert_allclose(np.sum(density * rejected) * (grid[1] - grid[0]), 0.05, atol=2e-3)


@pytest.mark.parametrize("which", ALL)
def test_influence_and_laws(which, rng):
    X, Z, t, y = instrumented(250, rng)
    effect = which().fit(X, y, t=t, z=Z).effect_
    assert abs(effect.influence.mean()) < 0.02 * effect.influence.std()
    moved = which().fit(X, 3 * y + 2 * t - X[:, 0], t=t, z=Z @ rng.normal(size=(3, 3))).effect_
    assert_allclose(moved.value, 3 * effect.value + 2, rtol=1e-9)
    assert_allclose(moved.std_error, 3 * effect.std_error, rtol=1e-9)
    huge = which().fit(X, 1e150 * y, t=1e-100 * t, z=1e120 * Z).effect_
    assert_allclose(huge.value, 1e250 * effect.value, rtol=1e-9)
    lone = which().fit(X, y, t=t, z=Z[:, 0]).effect_
    assert_allclose(lone.value, TwoStageLeastSquares().fit(X, y, t=t, z=Z[:, 0]).effect_.value)
    assert lone.details["overidentification"] is None
    copy = which().fit(X, y, t=t, z=np.column_stack([Z, Z[:, 0] + Z[:, 1]])).effect_
    assert_allclose([copy.value, copy.std_error], [effect.value, effect.std_error], rtol=1e-8)
    assert "add nothing" in repr(copy)


@pytest.mark.parametrize("which", ALL)
def test_frequency_weights_are_repeated_rows(which, rng):
    X, Z, t, y = instrumented(200, rng)
    w = rng.integers(0, 4, size=200)
    folded = which(inference=Asymptotic(weights="frequency"))
    effect = folded.fit(X, y, t=t, z=Z, sample_weight=w).effect_
    rows = np.repeat(np.arange(200), w)
    repeated = which().fit(X[rows], y[rows], t=t[rows], z=Z[rows]).effect_
    assert_allclose(effect.value, repeated.value, rtol=1e-9)
    assert_allclose(effect.std_error, repeated.std_error, rtol=1e-9)
    assert effect.df == repeated.df
    one, other = effect.details["first_stage"], repeated.details["first_stage"]
    assert_allclose(one.effective_f, other.effective_f, rtol=1e-9)


@pytest.mark.parametrize("which", ALL)
def test_bootstrap_clone_and_repr(which, rng):
    X, Z, t, y = instrumented(300, rng)
    estimator = which(inference=Bootstrap(30, random_state=1))
    first, second = (clone(estimator).fit(X, y, t=t, z=Z).effect_ for _ in range(2))
    assert first.std_error == second.std_error
    robust = which().fit(X, y, t=t, z=Z).effect_
    assert_allclose(first.std_error, robust.std_error, rtol=0.5)
    assert repr(which()) == f"{which.__name__}()"
    assert "First stage of t: effective F" in repr(robust)
    table = robust.details["first_stage"].to_frame()
    assert list(table) == ["coefficient", "std_error", "t"]
    assert "instrument" in repr(robust.details["first_stage"])
    assert robust.details["overidentification"].to_frame().index[0] == "Hansen J"


def test_categories_and_binary_treatment(rng):
    X, Z, t, y = instrumented(400, rng)
    place = np.array(["north", "south", "west"])[rng.integers(3, size=400)]
    took = np.where(t + (place == "west") > 0, "yes", "no")
    data = pd.DataFrame({"place": pd.Categorical(place), "z": Z[:, 0]})
    took = pd.Series(took, name="took", dtype="category")
    effect = TwoStageLeastSquares().fit(X, y, t=took, z=data).effect_
    stage = effect.details["first_stage"]
    assert stage.names == ("place=south", "place=west", "z")
    assert effect.details["contrast"] == "took: yes versus no"


def test_what_the_tests_find(rng):
    X, Z, t, y = instrumented(500, rng)
    wrong = TwoStageLeastSquares().fit(X, y + Z[:, 2], t=t, z=Z).effect_
    assert wrong.details["overidentification"].p_value < 1e-4
    right = TwoStageLeastSquares().fit(X, y, t=t, z=Z).effect_
    assert right.details["overidentification"].p_value > 0.01
    assert right.details["endogeneity"].p_value < 1e-4


def test_weak_instruments_are_told(rng):
    X, Z, t, y = instrumented(200, rng, strength=0.05)
    for which in ALL:
        with pytest.warns(WeakInstrumentWarning, match="weak_instrument_set"):
            effect = which().fit(X, y, t=t, z=Z).effect_
        assert effect.details["first_stage"].weak
        assert "weak (below 10)" in repr(effect)


def test_comparing_effects(rng):
    X, Z, t, y = instrumented(400, rng)
    ols = OLS().fit(X, y, t=t).effect_
    iv = TwoStageLeastSquares().fit(X, y, t=t, z=Z).effect_
    found = compare_effects(ols, iv)
    assert_allclose(found.value, ols.value - iv.value)
    gap = ols.influence - iv.influence
    assert_allclose(found.std_error, np.sqrt(np.sum(gap**2)) / 400, rtol=1e-12)
    assert found.p_value() < 1e-6
    assert list(found.to_frame().index) == ["first", "second", "difference"]
    assert "difference" in repr(found)
    with pytest.warns(AssumptionWarning, match="nearly the same"):
        compare_effects(iv, LIML().fit(X, y, t=t, z=Z).effect_)
    lone = [which().fit(X, y, t=t, z=Z[:, 0]).effect_ for which in (TwoStageLeastSquares, LIML)]
    assert compare_effects(*lone).p_value() == 1.0
    groups = np.repeat(np.arange(50), 8)
    clustered = [
        estimator.fit(X, y, t=t, groups=groups, **z).effect_
        for estimator, z in ((OLS(), {}), (TwoStageLeastSquares(), {"z": Z}))
    ]
    assert compare_effects(*clustered).df == 49


def test_hausman_without_a_hidden_cause(rng):
    """The classical statistic and ours agree where the former's assumptions hold."""
    n = 4000
    z, t_noise, noise = rng.normal(size=(3, n))
    t = z + t_noise
    y = t + noise
    ols = OLS(covariance="HC0").fit(None, y, t=t).effect_
    iv = TwoStageLeastSquares(covariance="HC0").fit(None, y, t=t, z=z).effect_
    ours = compare_effects(ols, iv)
    assert_allclose(ours.std_error**2, iv.std_error**2 - ols.std_error**2, rtol=0.1)


def test_effects_that_cannot_be_compared(rng):
    X, Z, t, y = instrumented(100, rng)
    effect = TwoStageLeastSquares().fit(X, y, t=t, z=Z).effect_
    drawn = TwoStageLeastSquares(inference=Bootstrap(20, random_state=0)).fit(X, y, t=t, z=Z)
    with pytest.raises(InputError, match="of type float"):
        compare_effects(effect, 2.0)
    with pytest.raises(InputError, match="no influence"):
        compare_effects(effect, drawn.effect_)
    other = TwoStageLeastSquares().fit(X[::-1], y[::-1], t=t[::-1], z=Z[::-1]).effect_
    with pytest.raises(InputError, match="different outcomes"):
        compare_effects(effect, other)
    weighted = OLS().fit(X, y, t=t, sample_weight=np.arange(1, 101)).effect_
    with pytest.raises(InputError, match="different weights"):
        compare_effects(effect, weighted)


def bad_inputs():
    """Each with a word of the message."""
    rng = np.random.default_rng(0)
    X, Z, t, y = instrumented(60, rng)
    good = {"X": X, "y": y, "t": t, "z": Z}
    hole = Z.copy()
    hole[3, 1] = np.nan
    tidy = np.column_stack([np.ones(60), X])
    nothing = (
        Z[:, 0] - np.column_stack([tidy, t]) @ np.linalg.pinv(np.column_stack([tidy, t])) @ Z[:, 0]
    )
    return {
        "no instrument": ({**good, "z": None}, "z="),
        "NaN": ({**good, "z": hole}, "missing"),
        "infinite": ({**good, "z": np.where(Z > 2, np.inf, Z)}, "infinit"),
        "constant": ({**good, "z": np.ones(60)}, "one value only"),
        "in X": ({**good, "z": X[:, 0] + X[:, 1]}, "linear combination of the adjustment"),
        "the treatment itself": ({**good, "z": t}, "without error"),
        "unrelated": ({**good, "z": nothing}, "explain nothing"),
        "treatment in X": ({**good, "t": X[:, 0]}, "linear combination of the adjustment"),
        "lengths": ({**good, "z": Z[:50]}, "rows"),
        "few rows": ({k: v[:6] for k, v in good.items()}, "rows"),
        "negative weights": ({**good, "sample_weight": -np.ones(60)}, "weights"),
        "one cluster": ({**good, "groups": np.ones(60)}, "one cluster"),
        "categorical treatment": (
            {**good, "t": pd.Series(list("abc") * 20, dtype="category")},
            "categorical",
        ),
        "dates": ({**good, "z": pd.date_range("2020", periods=60).to_series()}, "date"),
        "unknown role": ({**good, "mediators": Z}, "mediators="),
    }


@pytest.mark.parametrize("which", ALL)
@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_is_refused(which, case):
    given, words = bad_inputs()[case]
    with pytest.raises((InputError, NumericalError), match=words):
        which().fit(given.pop("X"), given.pop("y"), **given)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_settings_are_checked(rng):
    X, Z, t, y = instrumented(60, rng)
    groups = np.arange(60) // 6
    with pytest.raises(InputError, match="covariance='HC3'"):
        TwoStageLeastSquares(covariance="HC3").fit(X, y, t=t, z=Z)
    with pytest.raises(InputError, match='covariance="HC1"'):
        LIML(covariance="classical").fit(X, y, t=t, z=Z, groups=groups)
    with pytest.raises(InputError, match="classical"):
        TwoStageLeastSquares(covariance="classical", inference=HAC()).fit(X, y, t=t, z=Z)
    with pytest.raises(InputError, match="fuller=-1"):
        LIML(fuller=-1).fit(X, y, t=t, z=Z)
    with pytest.raises(InputError, match="covariance='classical'"):
        GMM(covariance="classical").fit(X, y, t=t, z=Z)
    with pytest.raises(NumericalError, match="TwoStageLeastSquares"):
        GMM().fit(X, y, t=t, z=Z, groups=np.arange(60) // 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentWarning)
        few = TwoStageLeastSquares().fit(X, y, t=t, z=Z, groups=np.arange(60) // 20).effect_
    assert few.details["overidentification"] is None


def test_an_outcome_without_noise(rng):
    X, Z, t, _ = instrumented(60, rng)
    effect = TwoStageLeastSquares().fit(X, 2 * t + X[:, 0], t=t, z=Z).effect_
    assert_allclose(effect.value, 2)
    assert effect.std_error < 1e-10
