"""Laws that every estimator obeys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.estimation import AIPW, IPW, OLS, PLR, Effect, GComputation, Powers, standard_error

LOGIT = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
LEARNERS = (LinearRegression(), LOGIT)
ESTIMATORS = {
    "OLS": OLS(),
    "OLS with squares, HC3": OLS(features=Powers(2), covariance="HC3"),
    "g-computation": GComputation(),
    "g-computation on the treated": GComputation(target="ATT", interactions=False),
    "IPW": IPW(),
    "IPW on the treated": IPW(target="ATT"),
    "AIPW": AIPW(*LEARNERS, n_folds=3, random_state=0),
    "AIPW on the treated": AIPW(*LEARNERS, target="ATT", n_folds=2, n_repeats=2, random_state=0),
    "PLR": PLR(LinearRegression(), LinearRegression(), random_state=0),
    "PLR, IV-type": PLR(LinearRegression(), LinearRegression(), score="IV-type", random_state=0),
}
CROSSFITTED = ("AIPW", "PLR")


@pytest.fixture(params=ESTIMATORS)
def name(request):
    return request.param


@pytest.fixture
def estimator(name):
    return clone(ESTIMATORS[name])


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(160, 3))
    X[:, 2] = X[:, 2] > 0
    t = (rng.random(160) < 1 / (1 + np.exp(-X[:, 0] + 0.5 * X[:, 2]))).astype(float)
    y = t * (1 + X[:, 0]) + X @ [1, -1, 2.0] + rng.normal(size=160)
    return X, t, y


def fit(estimator, X, t, y, **options) -> Effect:
    return clone(estimator).fit(X, y, t=t, **options).effect_


def same(one, other, rtol=1e-7):
    assert_allclose([one.value, one.std_error], [other.value, other.std_error], rtol=rtol)


@pytest.mark.parametrize(("a", "b"), [(3.0, -7.0), (1e-6, 0.0), (-2.0, 1e3)])
def test_an_affine_outcome_scales_the_effect(estimator, data, a, b):
    X, t, y = data
    effect, scaled = fit(estimator, X, t, y), fit(estimator, X, t, a * y + b)
    assert_allclose(
        [scaled.value, scaled.std_error], [a * effect.value, abs(a) * effect.std_error], rtol=1e-6
    )


def test_swapping_the_arms_changes_the_sign(name, estimator, data, monkeypatch):
    if "treated" in name:
        pytest.skip("the treated are others then")
    X, t, y = data
    effect = fit(estimator, X, t, y)
    if name.startswith(CROSSFITTED):
        # Folds are dealt arm by arm; here they stay.
        folds = effect.details["folds"][0]
        monkeypatch.setattr(
            "causalkit.estimation.orthogonal.base.assign_folds", lambda *_, **__: folds
        )
    swapped = fit(estimator, X, 1 - t, y)
    # The IV-type residual is off by the difference of first and final estimate, times the residual.
    rtol = 1e-2 if "IV-type" in name else 1e-6
    assert_allclose([-swapped.value, swapped.std_error], [effect.value, effect.std_error], rtol)


def test_row_order_is_irrelevant(name, estimator, data):
    X, t, y = data
    order = np.random.default_rng(0).permutation(len(y))
    # Cross-fitting deals rows to folds at random; named units are dealt by name.
    unit = {"groups": np.arange(len(y))} if name.startswith(CROSSFITTED) else {}
    moved = {key: value[order] for key, value in unit.items()}
    options = {"covariance": "HC1"} if "HC3" in name else {}
    estimator.set_params(**options)
    same(fit(estimator, X, t, y, **unit), fit(estimator, X[order], t[order], y[order], **moved))


def test_column_order_and_scale_are_irrelevant(estimator, data):
    X, t, y = data
    same(fit(estimator, X, t, y), fit(estimator, X[:, [2, 0, 1]] * [4, 2, 0.5], t, y), rtol=1e-5)


def test_a_constant_and_a_copied_column_are_irrelevant(name, estimator, data):
    X, t, y = data
    rtol = 1e-7
    if name.startswith("AIPW"):
        # Newton's method in scikit-learn minds the singular Hessian; the other stops early.
        estimator.set_params(treatment_learner=LogisticRegression(C=np.inf, tol=1e-8, max_iter=500))
        rtol = 1e-3
    wide = np.column_stack([X, np.ones(len(y)), X[:, 1]])
    same(fit(estimator, X, t, y), fit(estimator, wide, t, y), rtol=rtol)


def test_influence_reproduces_the_standard_error(estimator, data):
    X, t, y = data
    groups = np.arange(len(y)) // 4
    for options in (
        {},
        {"groups": groups},
        {"sample_weight": 1 + np.abs(X[:, 0])},
        {"sample_weight": 1 + np.abs(X[:, 0]), "groups": groups},
    ):
        if "groups" in options and getattr(estimator, "covariance", "") == "HC3":
            continue
        effect = fit(estimator, X, t, y, **options)
        by_hand = standard_error(effect.influence, options.get("groups"))
        assert_allclose(effect.std_error, by_hand, rtol=1e-12)
        assert effect.influence.shape == (len(y),)
        assert abs(effect.influence.mean()) < 1e-6 * np.abs(effect.influence).max() or (
            getattr(estimator, "covariance", "") == "HC3"
        )


def test_weights_are_repeated_rows(name, estimator, data, monkeypatch):
    X, t, y = data
    counts = np.random.default_rng(1).integers(0, 3, size=len(y))
    rows = np.repeat(np.arange(len(y)), counts)
    if "HC3" in name:
        estimator.set_params(covariance="HC1")
    folded = fit(estimator, X, t, y, sample_weight=counts)
    if name.startswith(CROSSFITTED):
        # Copies of a row belong where the row was.
        folds = iter(folded.details["folds"])
        monkeypatch.setattr(
            "causalkit.estimation.orthogonal.base.assign_folds", lambda *_, **__: next(folds)[rows]
        )
    repeated = fit(estimator, X[rows], t[rows], y[rows], groups=rows)
    assert_allclose(folded.value, repeated.value, rtol=1e-6)
    # Up to the small-sample factors, which count rows in one and clusters in the other.
    assert_allclose(folded.std_error, repeated.std_error, rtol=0.1)
    monkeypatch.undo()
    same(folded, fit(estimator, X, t, y, sample_weight=counts * 17.0), rtol=1e-6)


def test_equal_weights_are_no_weights(estimator, data):
    X, t, y = data
    same(fit(estimator, X, t, y), fit(estimator, X, t, y, sample_weight=np.full(len(y), 2.5)), 1e-5)


def test_containers_do_not_matter(estimator, data):
    X, t, y = data
    expected = fit(estimator, X, t, y)
    names = ["a", "b", "c"]
    frame = pd.DataFrame(X, columns=names)
    treatment, outcome = pd.Series(t, name="drug"), pd.Series(y, name="health")
    in_pandas = fit(estimator, frame, treatment, outcome)
    in_polars = fit(estimator, pl.DataFrame(X, schema=names), pl.Series(t), pl.Series(y))
    whole = fit(estimator, frame.set_axis([0, 1, 2], axis=1), t.astype(bool), y.tolist())
    for effect in (in_pandas, in_polars, whole):
        assert (effect.value, effect.std_error) == (expected.value, expected.std_error)
    assert in_pandas.problem.names == ("health", "drug", ("a", "b", "c"))
    assert repr(in_pandas).startswith("Effect of drug on health")


def test_input_is_untouched(estimator, data):
    X, t, y = (array.copy() for array in data)
    for array in (X, t, y):
        array.flags.writeable = False
    fit(estimator, X, t, y, sample_weight=np.ones(len(y)))
    for array, original in zip((X, t, y), data, strict=True):
        assert (array == original).all()


def test_sklearn_conventions(estimator, data):
    X, t, y = data
    parameters = {key: repr(value) for key, value in estimator.get_params().items()}
    assert estimator.fit(X, y, t=t) is estimator
    assert {key: repr(value) for key, value in estimator.get_params().items()} == parameters
    again = estimator.effect_.estimator.solve(estimator.effect_.problem)
    assert (again.value, again.std_error) == (estimator.effect_.value, estimator.effect_.std_error)
    assert not hasattr(clone(estimator), "effect_")
    assert type(estimator).__name__ in repr(estimator)


def test_parallel_runs_agree(name, estimator, data):
    if not name.startswith(CROSSFITTED):
        pytest.skip("nothing to run in parallel")
    X, t, y = data
    serial = fit(estimator, X, t, y)
    with parallel_config(backend="threading"):
        parallel = fit(estimator.set_params(n_jobs=2), X, t, y)
    assert (serial.value, serial.std_error) == (parallel.value, parallel.std_error)


@pytest.mark.filterwarnings("ignore::causalkit.errors.NuisanceWarning")
@pytest.mark.parametrize("estimator", [OLS(), GComputation(), ESTIMATORS["PLR"]])
def test_a_continuous_treatment_rescales_inversely(estimator):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 2))
    t = X[:, 0] + rng.normal(size=200)
    y = t + X[:, 0] ** 2 + rng.normal(size=200)
    effect, scaled = fit(estimator, X, t, y), fit(estimator, X, 10 * t - 3, y)
    assert_allclose(
        [10 * scaled.value, 10 * scaled.std_error], [effect.value, effect.std_error], rtol=1e-7
    )


def test_huge_values_do_not_pass_silently(estimator, data):
    X, t, y = data
    same(fit(estimator, X, t, y), fit(estimator, X, t, y * 1e100 / 1e100))
    large = fit(estimator, X, t, y * 1e60)
    assert_allclose(large.value, 1e60 * fit(estimator, X, t, y).value, rtol=1e-5)
