"""PLIV and LATE: exactly DoubleML on the same folds, two-stage least squares, what they refuse."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from causalkit import datasets
from causalkit.errors import InputError, NumericalError, WeakInstrumentWarning
from causalkit.estimation import Bootstrap
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.compliers import LATE
from causalkit.estimation.orthogonal.instrumented import PLIV

LEARNERS = {
    "linear": (Ridge(), LogisticRegression()),
    "forest": (
        RandomForestRegressor(4, min_samples_leaf=10, random_state=3),
        RandomForestClassifier(4, min_samples_leaf=10, random_state=4),
    ),
}


@pytest.fixture(autouse=True)
def _unassessed():
    """Most tests are of arithmetic, with learners as they come."""
    with unassessed():
        yield


def instrumented(n, rng, *, k=1, strength=1.0):
    """Hidden common cause, k instruments; effect 0.5."""
    X, hidden = rng.normal(size=(n, 3)), rng.normal(size=n)
    Z = X[:, :1] + rng.normal(size=(n, k))
    t = strength * Z.sum(axis=1) / k + X[:, 1] + hidden + rng.normal(size=n)
    y = 0.5 * t + X[:, 0] - 2 * hidden + rng.normal(size=n)
    return X, Z, t, y


def compliance(n, rng, *, always=0.2, moved=0.5):
    """Encouragement that moves half of all units; the effect on those is 1."""
    X, will = rng.normal(size=(n, 3)), rng.random(n)
    z = (rng.random(n) < 1 / (1 + np.exp(-0.7 * X[:, 0]))).astype(float)
    t = (will < always + moved * z).astype(float)
    compliers = (will >= always) & (will < always + moved)
    y = t * np.where(compliers, 1.0, 3.0) + X[:, 0] + 2 * will + rng.normal(size=n)
    return X, z, t, y


def double_ml(model, X, y, t, z, effect, **options):
    """Fit a model of DoubleML with instruments, on the folds that `effect` used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        data = doubleml.DoubleMLData.from_arrays(X, y, t, z)
        folds = effect.details["folds"]
        theirs = getattr(doubleml, model)(data, n_rep=len(folds), **options)
        theirs.set_sample_splitting(
            [
                [(np.flatnonzero(f != k), np.flatnonzero(f == k)) for k in np.unique(f)]
                for f in folds
            ]
        )
        theirs.fit()
    return theirs


@pytest.mark.parametrize("learners", LEARNERS)
@pytest.mark.parametrize("k", [1, 3])
def test_pliv_is_double_ml_pliv(rng, learners, k):
    X, Z, t, y = instrumented(400, rng, k=k)
    g, _ = LEARNERS[learners]
    effect = PLIV(g, g, g, random_state=1).fit(X, y, t=t, z=Z).effect_
    theirs = double_ml("DoubleMLPLIV", X, y, t, Z, effect, ml_l=g, ml_m=g, ml_r=g)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


@pytest.mark.parametrize("learners", LEARNERS)
def test_late_is_double_ml_iivm(rng, learners):
    X, z, t, y = compliance(500, rng)
    g, m = LEARNERS[learners]
    effect = LATE(g, m, m, n_repeats=2, random_state=1).fit(X, y, t=t, z=z).effect_
    theirs = double_ml("DoubleMLIIVM", X, y, t, z, effect, ml_g=g, ml_m=m, ml_r=m)
    assert_allclose(effect.details["repeats"], theirs.all_coef[0], rtol=1e-8)
    spread = (theirs.all_coef[0] - theirs.coef[0]) ** 2
    assert_allclose(effect.std_error**2, np.median(theirs.all_se[0] ** 2 + spread), rtol=1e-8)


def test_late_where_nobody_is_treated_without_an_offer(rng):
    X, z, t, y = compliance(500, rng, always=0.0)
    g, m = LEARNERS["linear"]
    late = LATE(g, m, m, always_takers=False, random_state=1)
    effect = late.fit(X, y, t=t, z=z).effect_
    options = {"ml_g": g, "ml_m": m, "ml_r": m}
    subgroups = {"always_takers": False, "never_takers": True}
    theirs = double_ml("DoubleMLIIVM", X, y, t, z, effect, subgroups=subgroups, **options)
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)
    # Nothing is lost by letting the learner find out.
    free = clone(late).set_params(always_takers=True).fit(X, y, t=t, z=z).effect_
    assert_allclose(free.value, effect.value, rtol=1e-12)


def test_without_covariates_both_are_two_stage_least_squares(rng):
    iv = pytest.importorskip("linearmodels.iv")
    _, Z, t, y = instrumented(200, rng, k=2)
    effect = PLIV(random_state=0).fit(None, y, t=t, z=Z).effect_
    theirs = iv.IV2SLS(y, np.ones((200, 1)), t, Z).fit(cov_type="robust")
    assert_allclose(effect.value, theirs.params["endog"], rtol=1e-10)
    assert_allclose(effect.std_error, theirs.std_errors["endog"], rtol=1e-10)
    # linearmodels reports the robust Wald statistic of all instruments.
    wald = theirs.first_stage.diagnostics["f.stat"].iloc[0]
    assert_allclose(2 * effect.details["first_stage_f"], wald, rtol=1e-10)
    _, z, t, y = compliance(200, rng)
    wald_ratio = np.cov(z, y)[0, 1] / np.cov(z, t)[0, 1]
    assert_allclose(LATE(random_state=0).fit(None, y, t=t, z=z).effect_.value, wald_ratio)


def test_participation_in_401k_by_eligibility():
    """Abadie (2003), table 2, two-stage least squares: 9.419 (2.152) thousand dollars."""
    data = datasets.load("401ksubs")
    X = data[["inc", "age", "agesq", "marr", "fsize"]]
    pliv = PLIV(*[LinearRegression()] * 3, random_state=0)
    effect = pliv.fit(X, data["nettfa"], t=data["p401k"], z=data["e401k"]).effect_
    # Cross-fitted, so the same but for the noise of the folds.
    assert abs(effect.value - 9.419) < 0.05 * 2.152
    assert_allclose(effect.std_error, 2.152, rtol=0.01)


def test_the_residuals_are_kept(rng):
    X, Z, t, y = instrumented(200, rng, k=2)
    pliv = PLIV(Ridge(), Ridge(), Ridge(), n_repeats=2, random_state=0)
    effect = pliv.fit(X, y, t=t, z=Z).effect_
    left = effect.details["partialled"]
    assert {key: value.shape for key, value in left.items()} == {
        "y": (200,),
        "t": (200,),
        "z": (200, 2),
    }
    assert_allclose(left["y"], y - effect.details["predictions"]["outcome"])


def test_an_instrument_given_twice_adds_nothing(rng):
    X, Z, t, y = instrumented(200, rng)
    pliv = PLIV(Ridge(), Ridge(), Ridge(), random_state=0)
    once = pliv.fit(X, y, t=t, z=Z).effect_
    twice = pliv.fit(X, y, t=t, z=np.hstack([Z, 2 * Z])).effect_
    # Two instruments are projected with an intercept, one is not.
    assert_allclose(twice.value, once.value, rtol=0.02)
    assert_allclose(twice.details["first_stage_f"], once.details["first_stage_f"], rtol=1e-6)


def test_labels_may_be_texts_and_instruments_named(rng):
    X, z, t, y = compliance(400, rng)
    _, m = LEARNERS["linear"]
    late = LATE(Ridge(), m, m, random_state=0)
    effect = late.fit(X, y, t=t, z=z).effect_
    text = pd.Series(np.where(z == 1, "offer", "none"), name="letter").astype("category")
    taken = pd.Series(np.where(t == 1, "yes", "no"), name="course").astype("category")
    other = late.fit(X, y, t=taken, z=text).effect_
    assert other.details["contrast"] == "course: yes versus no, among compliers"
    # "none" < "offer": the same instrument.
    assert_allclose(other.value, effect.value, rtol=1e-12)
    assert abs(effect.details["compliers"] - 0.5) < 0.15


def test_an_instrument_that_moves_units_out_of_treatment_says_so(rng):
    z = rng.integers(2, size=400)
    t = (rng.random(400) < 0.7 - 0.5 * z).astype(float)
    y = t + rng.normal(size=400)
    late = LATE(random_state=0)
    down = late.fit(None, y, t=t, z=pd.Series(z, name="fee")).effect_
    up = late.fit(None, y, t=t, z=pd.Series(1 - z, name="gift")).effect_
    assert down.value == pytest.approx(up.value)
    assert down.details["compliers"] == pytest.approx(up.details["compliers"])
    assert down.details["compliers"] > 0
    assert "A higher fee moves units out of the treatment" in str(down)
    assert "out of the treatment" not in str(up)


def test_weights_are_repeated_rows_and_clusters_widen(rng):
    _, Z, t, y = instrumented(150, rng, k=2)
    w = rng.integers(1, 4, size=150)
    rows = np.repeat(np.arange(150), w)
    weighted = PLIV(random_state=0).fit(None, y, t=t, z=Z, sample_weight=w).effect_
    repeated = PLIV(random_state=0).fit(None, y[rows], t=t[rows], z=Z[rows], groups=rows).effect_
    assert_allclose(weighted.value, repeated.value, rtol=1e-10)
    assert_allclose(weighted.std_error * np.sqrt(150 / 149), repeated.std_error, rtol=1e-10)
    ratio = weighted.details["first_stage_f"] / repeated.details["first_stage_f"]
    assert_allclose(ratio, 150 / 149, rtol=1e-10)


def test_the_bootstrap_agrees(rng):
    X, Z, t, y = instrumented(300, rng)
    pliv = PLIV(*[LinearRegression()] * 3, random_state=0)
    effect = pliv.fit(X, y, t=t, z=Z).effect_
    pliv.set_params(inference=Bootstrap(40, random_state=0))
    assert_allclose(pliv.fit(X, y, t=t, z=Z).effect_.std_error, effect.std_error, rtol=0.4)


def test_weak_instruments_are_not_silent(rng):
    X, Z, t, y = instrumented(200, rng, strength=0.05)
    pliv = PLIV(Ridge(), Ridge(), Ridge(), random_state=0)
    with pytest.warns(WeakInstrumentWarning, match="first-stage F"):
        effect = pliv.fit(X, y, t=t, z=Z).effect_
    assert effect.details["first_stage_f"] < 10
    assert "Weak instruments" in repr(effect)
    X, z, t, y = compliance(200, rng, moved=0.05)
    with pytest.warns(WeakInstrumentWarning, match="hardly move"):
        LATE(DummyRegressor(), DummyClassifier(), DummyClassifier(), random_state=0).fit(
            X, y, t=t, z=z
        )


def test_what_they_refuse(rng):
    X, Z, t, y = instrumented(60, rng, k=2)
    _, z, taken, outcome = compliance(60, rng)
    three = pd.Series(rng.choice(list("abc"), size=60), dtype="category")
    g, m = LEARNERS["linear"]
    linear = PLIV(LinearRegression(), LinearRegression(), LinearRegression(), random_state=0)
    refused = [
        (PLIV(), t, {}, "no z"),
        (PLIV(), t, {"z": Z, "mediators": z}, "it takes only z"),
        (PLIV(g, g, m), t, {"z": Z}, "is a classifier"),
        (PLIV(), three, {"z": Z}, "PLIV needs a binary or continuous one"),
        (PLIV(), t, {"z": np.where(z > 0, np.nan, z)}, "missing"),
        (PLIV(), t, {"z": np.ones(60)}, "one value only"),
        (LATE(), t, {"z": z}, r"Use PLIV\(\)"),
        (LATE(), taken, {"z": Z}, "2 columns"),
        (LATE(), taken, {"z": Z[:, 0]}, "60 values"),
        (LATE(g, m, m, never_takers=False), taken, {"z": z}, "row.s. are such"),
        (LATE(clip=0.7), taken, {"z": z}, "clip"),
        (LATE(), taken, {"z": (np.arange(60) == 3).astype(float)}, "fewer than two rows"),
        (LATE(g, m, g), taken, {"z": z}, "is a regressor"),
    ]
    for estimator, treatment, others, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, outcome, t=treatment, **others)
    with pytest.raises(NumericalError, match="is predicted without error"):
        linear.fit(X, y, t=t, z=X @ [1.0, 2.0, 3.0])
