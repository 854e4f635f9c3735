"""Outcomes seen of some rows: exactly DoubleML, AIPW where all are seen, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import InputError, OverlapWarning
from causalkit.estimation import AIPW
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.selected import SampleSelection


@pytest.fixture(autouse=True)
def _unassessed():
    """Most tests are of arithmetic, with learners as they come."""
    with unassessed():
        yield


def seen_at_random(n, rng):
    """Effect 1; who is seen depends on covariates and treatment."""
    X = rng.normal(size=(n, 3))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    y = t + X[:, 0] + 0.5 * X[:, 1] + rng.normal(size=n)
    seen = rng.random(n) < 1 / (1 + np.exp(-(0.5 + X[:, 0] - t)))
    return X, t, np.where(seen, y, np.nan), seen


def double_ml(X, y, t, seen, folds, z=None, score="missing-at-random"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        frame = pd.DataFrame(X).add_prefix("x").assign(y=np.nan_to_num(y), d=t, s=1.0 * seen)
        columns = [f"x{k}" for k in range(X.shape[1])]
        if z is not None:
            frame["z"] = z
        data = doubleml.DoubleMLSSMData(
            frame, "y", "d", x_cols=columns, s_col="s", z_cols=None if z is None else "z"
        )
        logistic = LogisticRegression()
        theirs = doubleml.DoubleMLSSM(data, Ridge(), logistic, logistic, score=score)
        theirs.set_sample_splitting(
            [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
        )
        theirs.fit()
    return theirs


def test_at_random_is_double_ml(rng):
    X, t, y, seen = seen_at_random(500, rng)
    logistic = LogisticRegression()
    selection = SampleSelection(Ridge(), logistic, logistic, random_state=0)
    effect = selection.fit(X, y, t=t, selected=seen).effect_
    theirs = double_ml(X, y, t, seen, effect.details["folds"][0])
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


def test_not_at_random_is_double_ml_with_its_predictions(rng):
    X, t, y, seen = seen_at_random(500, rng)
    z = rng.normal(size=500)
    folds = rng.permutation(500) % 5
    theirs = double_ml(X, y, t, seen, folds, z, "nonignorable")
    found = {key: theirs.predictions[f"ml_{key}"][:, 0, 0] for key in ("pi", "m", "g_d0", "g_d1")}
    supplied = {
        "selection": found["pi"],
        "treatment": np.column_stack([1 - found["m"], found["m"]]),
        "outcome_control": found["g_d0"],
        "outcome_treated": found["g_d1"],
    }
    selection = SampleSelection(missing="not-at-random", correct_selection=False, clip=1e-6)
    effect = selection.fit(X, y, t=t, selected=seen, z=z, supplied=supplied).effect_
    assert_allclose([effect.value, effect.std_error], [theirs.coef[0], theirs.se[0]], rtol=1e-8)


def test_where_nearly_all_are_seen_it_is_aipw(rng):
    X, t, y, _ = seen_at_random(300, rng)
    y, seen = np.where(np.isnan(y), X[:, 0], y), np.ones(300)
    seen[:4] = 0
    learners = Ridge(), LogisticRegression()
    selection = SampleSelection(*learners, LogisticRegression(), random_state=0)
    effect = selection.fit(X, y, t=t, selected=seen).effect_
    everyone = AIPW(*learners, random_state=0).fit(X, y, t=t).effect_
    assert abs(effect.value - everyone.value) < 0.5 * everyone.std_error


def test_what_is_not_seen_is_not_used(rng):
    X, t, y, seen = seen_at_random(300, rng)
    logistic = LogisticRegression()
    selection = SampleSelection(Ridge(), logistic, logistic, random_state=0)
    one = selection.fit(X, y, t=t, selected=seen).effect_
    other = selection.fit(
        pl.DataFrame(X), pl.Series("wage", np.where(seen, y, 1e9)), t=t, selected=seen.tolist()
    ).effect_
    assert one.value == other.value
    assert other.problem.outcome == "wage"
    assert_allclose(one.details["share_selected"], seen.mean())


def hidden_selection(n, rng):
    """Effect 0.5; something hidden moves who is seen, and the outcome."""
    X, z = rng.normal(size=(n, 2)), rng.normal(size=n)
    t = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    hidden = rng.normal(size=n)
    y = 0.5 * t + X[:, 0] + 1.5 * hidden + rng.normal(size=n)
    seen = 0.3 + 1.2 * t + z + hidden > 0
    return X, t, np.where(seen, y, np.nan), seen, z


def test_an_instrument_for_selection(rng):
    X, t, y, seen, z = hidden_selection(6000, rng)
    learners = LinearRegression(), LogisticRegression(), LogisticRegression()
    naive = SampleSelection(*learners, random_state=0).fit(X, y, t=t, selected=seen).effect_
    assert 0.5 not in naive.interval(0.999)
    repaired = SampleSelection(*learners, missing="not-at-random", random_state=0)
    effect = repaired.fit(X, y, t=t, selected=seen, z=z).effect_
    assert abs(effect.value - 0.5) < 4 * effect.std_error < 1
    assert abs(effect.value - 0.5) < 0.5 * abs(naive.value - 0.5)


def test_errors_of_the_selection_learner_are_made_up_for(rng):
    n = 8000
    X, z, u = rng.normal(size=(n, 1)), rng.normal(size=n), rng.random(n)
    t = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    seen = u < 1 / (1 + np.exp(-(0.8 + 0.5 * X[:, 0] + 0.8 * t + z)))
    y = 0.5 * t + X[:, 0] + 3 * u + rng.normal(size=n)
    curved = make_pipeline(PolynomialFeatures(2, include_bias=False), LinearRegression())
    shrunk = LogisticRegression(C=0.003)
    effects = [
        SampleSelection(
            curved,
            LogisticRegression(),
            shrunk,
            missing="not-at-random",
            correct_selection=correct,
            random_state=0,
        )
        .fit(X, y, t=t, selected=seen, z=z)
        .effect_
        for correct in (True, False)
    ]
    errors = np.array([effect.value - 0.5 for effect in effects])
    assert abs(errors[0]) < 2 * effects[0].std_error
    assert errors[1] - errors[0] > effects[0].std_error


def test_what_it_refuses(rng):
    X, t, y, seen = seen_at_random(100, rng)
    selection = SampleSelection(Ridge(), LogisticRegression(), LogisticRegression())
    text = pd.Series(np.where(seen, "in", "out")).astype("category")
    hole = np.where(np.arange(100) == np.flatnonzero(seen)[0], np.nan, y)
    only_treated = np.where(seen & (t == 1), y, np.nan)
    refused = [
        (selection, y, {}, "no selected"),
        (selection, y, {"selected": text}, "Say which"),
        (selection, y, {"selected": np.where(seen, 2.0, 1.0)}, "zeros and ones"),
        (selection, y, {"selected": np.where(seen, 1.0, np.nan)}, "zeros and ones"),
        (selection, y, {"selected": seen[:50]}, "equally many"),
        (selection, hole, {"selected": seen}, "Mark these rows as not selected"),
        (selection, only_treated, {"selected": seen & (t == 1)}, "is seen"),
        (selection, y, {"selected": np.zeros(100)}, "missing in"),
        (selection, y, {"selected": seen, "z": X[:, 0]}, "expected z exactly"),
        (clone(selection).set_params(missing="not-at-random"), y, {"selected": seen}, "no instru"),
        (clone(selection).set_params(missing="maybe"), y, {"selected": seen}, "missing"),
        (SampleSelection(selection_learner=Ridge()), y, {"selected": seen}, "is a regressor"),
    ]
    for estimator, outcome, others, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, outcome, t=t, **others)
    with pytest.raises(InputError, match="cut a continuous"):
        selection.fit(X, y, t=X[:, 0], selected=seen)
    with pytest.raises(InputError, match="one value only"):
        selection.fit(X, np.nan_to_num(y), t=t, selected=np.ones(100))


def test_rows_that_are_hardly_ever_seen_are_not_silent(rng):
    X, t, y, _ = seen_at_random(600, rng)
    chance = 1 / (1 + np.exp(-4 * X[:, 0]))
    seen = rng.random(600) < chance
    supplied = {"selection": chance}
    logistic = LogisticRegression()
    selection = SampleSelection(Ridge(), logistic, logistic, random_state=0)
    with pytest.warns(OverlapWarning, match="chance of being seen"):
        selection.fit(X, np.where(seen, np.nan_to_num(y), 0), t=t, selected=seen, supplied=supplied)
