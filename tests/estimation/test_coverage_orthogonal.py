"""Intervals cover: 500 data sets for each score, with all learners right and with some wrong.

The standard error of a share of 500 that is 0.95 is 0.0097, so 0.92 to 0.97 is three of them below
and two above. Where a learner is wrong on purpose (two folds there, for speed) the estimate must
stay unbiased, and its interval may be too wide but not too narrow. Where all rests on one learner
that is right (on that of the mediators, or the outcome), there is no bias either, but a spread that
needs the bootstrap.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from causalkit.estimation.inference import Bootstrap
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.compliers import LATE
from causalkit.estimation.orthogonal.frontdoor_effect import FrontDoor
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.invalid_instrument import InvalidInstrument
from causalkit.estimation.orthogonal.linear_frontdoor import LinearFrontDoor
from causalkit.estimation.orthogonal.natural_effects import NaturalEffects
from causalkit.estimation.orthogonal.selected import SampleSelection

pytestmark = pytest.mark.slow

LINEAR, LOGISTIC = LinearRegression(), LogisticRegression(C=100)
QUADRATIC = make_pipeline(PolynomialFeatures(2, include_bias=False), LinearRegression())
NO_LINEAR, NO_LOGISTIC = DummyRegressor(), DummyClassifier()


def logistic(x):
    return 1 / (1 + np.exp(-x))


def instrument(rng, n=600):
    X, hidden = rng.normal(size=(n, 3)), rng.normal(size=n)
    Z = X[:, :1] + rng.normal(size=(n, 2))
    t = Z @ [0.6, 0.4] + X[:, 1] + hidden + rng.normal(size=n)
    y = 0.5 * t + X[:, 0] - 2 * hidden + (1 + 0.5 * np.abs(Z[:, 0])) * rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "z": Z}, 0.5


def encouragement(rng, n=1000):
    X, will = rng.normal(size=(n, 2)), rng.random(n)
    z = (rng.random(n) < logistic(0.7 * X[:, 0])).astype(float)
    t = (will < 0.2 + 0.5 * z).astype(float)
    moved = (will >= 0.2) & (will < 0.7)
    y = t * np.where(moved, 1.0, 3.0) + X[:, 0] + 2 * will + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "z": z}, 1.0


def two_valued_mediator(rng, n=1000):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    hidden = t + rng.normal(size=n)  # statistically the same as t caused by it
    m = (rng.random(n) < logistic(-0.8 + 1.6 * t + 0.7 * X[:, 0])).astype(float)
    y = 2 * m + hidden + X[:, 0] - X[:, 1] + rng.normal(size=n)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    moved = logistic(0.8 + 0.7 * nodes) - logistic(-0.8 + 0.7 * nodes)
    truth = 2 * moved @ weights / weights.sum()
    return {"X": X, "y": y, "t": t, "mediators": m}, truth


def continuous_mediators(rng, n=1000):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    hidden = t + rng.normal(size=n)
    M = np.outer(t, [0.6, 0.4]) + 0.5 * X + rng.normal(size=(n, 2))
    y = M @ [1.0, 0.5] + hidden + X[:, 0] + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "mediators": M}, 0.8


def more_rows(rng):
    return continuous_mediators(rng, 2000)


def continuous_treatment(rng, n=500):
    hidden, X = rng.normal(size=n), rng.normal(size=(n, 2))
    t = hidden + X[:, 0] + rng.normal(size=n)
    m = 0.5 * t + X[:, 1] + rng.normal(size=n)
    y = 2 * m - 3 * hidden + X[:, 0] + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "mediators": m}, 1.0


def mediation(rng, n=1000):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    M = np.outer(t, [0.8, -0.4]) + X + rng.normal(size=(n, 2))
    y = t + M @ [1.0, 0.5] + 0.5 * t * M[:, 0] + X[:, 0] + rng.normal(size=n)
    # E[Y(a, M(b))] = a + 0.8b − 0.2b + 0.4ab
    return {"X": X, "y": y, "t": t, "mediators": M}, (2.0, 1.0, 1.0)


def mild_mediation(rng, n=1000):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    M = np.outer(t, [0.4, -0.2]) + 0.5 * X + rng.normal(size=(n, 2))
    y = t + M @ [1.0, 0.5] + 0.5 * t * M[:, 0] + X[:, 0] + rng.normal(size=n)
    # E[Y(a, M(b))] = a + 0.4b − 0.1b + 0.2ab
    return {"X": X, "y": y, "t": t, "mediators": M}, (1.5, 1.0, 0.5)


def seen_at_random(rng, n=1000):
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    y = t + X[:, 0] + 0.5 * X[:, 1] + 0.5 * t * X[:, 0] + rng.normal(size=n)
    seen = rng.random(n) < logistic(0.8 + 0.7 * X[:, 0] - t)
    return {"X": X, "y": np.where(seen, y, np.nan), "t": t, "selected": seen}, 1.0


def seen_by_hidden_cause(rng, n=2000):
    X, z, u = rng.normal(size=(n, 2)), rng.normal(size=n), rng.random(n)
    t = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    # Seen where u < Π, so that among the seen the mean of u is Π/2: linear in Π.
    seen = u < logistic(0.8 + 0.5 * X[:, 0] + 0.8 * t + z)
    y = 0.5 * t + X[:, 0] + 3 * u + rng.normal(size=n)
    return {"X": X, "y": np.where(seen, y, np.nan), "t": t, "selected": seen, "z": z}, 0.5


def spread_by_instrument(rng, n=1000):
    X, hidden = rng.normal(size=(n, 2)), rng.normal(size=n)
    z = (rng.random(n) < logistic(0.5 * X[:, 0])).astype(float)
    t = z + X[:, 0] + hidden + (0.5 + 1.5 * z) * rng.normal(size=n)
    y = (1.5 + 0.5 * X[:, 0]) * t + 0.9 * z + hidden + X[:, 1] + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "z": z}, 1.5


def curved(design):
    """Curves in the covariates that a linear outcome learner misses; the effect stays."""

    def draw(rng):
        data, truth = design(rng)
        data["y"] += data["X"][:, 0] ** 2 - np.abs(data["X"][:, 1])
        return data, truth

    return draw


RIGHT = {
    "PLIV, two instruments": (instrument, PLIV(LINEAR, LINEAR, LINEAR)),
    "LATE": (encouragement, LATE(LINEAR, LOGISTIC, LOGISTIC)),
    "front door, classes": (two_valued_mediator, FrontDoor(LINEAR, LOGISTIC, LOGISTIC)),
    "front door, ratio": (continuous_mediators, FrontDoor(LINEAR, LOGISTIC)),
    "linear front door": (continuous_treatment, LinearFrontDoor(LINEAR, LINEAR, LINEAR)),
    "natural effects": (mediation, NaturalEffects(LINEAR, LOGISTIC)),
    "selection at random": (seen_at_random, SampleSelection(LINEAR, LOGISTIC, LOGISTIC)),
    "selection not at random": (
        seen_by_hidden_cause,
        SampleSelection(LINEAR, LOGISTIC, LOGISTIC, missing="not-at-random"),
    ),
    "invalid instrument": (
        spread_by_instrument,
        InvalidInstrument(QUADRATIC, LINEAR, LOGISTIC, LINEAR),
    ),
}
WRONG = {
    "selection, outcome wrong": (
        seen_at_random,
        SampleSelection(NO_LINEAR, LOGISTIC, LOGISTIC),
    ),
    "selection, selection wrong": (
        seen_at_random,
        SampleSelection(LINEAR, LOGISTIC, NO_LOGISTIC),
    ),
    "LATE, instrument wrong": (encouragement, LATE(LINEAR, LOGISTIC, NO_LOGISTIC)),
    "LATE, others wrong": (encouragement, LATE(NO_LINEAR, NO_LOGISTIC, LOGISTIC)),
    "front door, classes, mediators wrong": (
        two_valued_mediator,
        FrontDoor(LINEAR, LOGISTIC, NO_LOGISTIC),
    ),
    "front door, classes, curves missed": (
        curved(two_valued_mediator),
        FrontDoor(LINEAR, LOGISTIC, LOGISTIC),
    ),
    "front door, classes, treatment wrong": (
        two_valued_mediator,
        FrontDoor(LINEAR, NO_LOGISTIC, LOGISTIC),
    ),
    "front door, ratio, curves missed": (
        curved(continuous_mediators),
        FrontDoor(LINEAR, LOGISTIC),
    ),
    "front door, ratio, nested wrong": (
        more_rows,
        FrontDoor(LINEAR, LOGISTIC, nested_learner=NO_LINEAR),
    ),
    "natural effects, curves missed": (curved(mild_mediation), NaturalEffects(LINEAR, LOGISTIC)),
    "natural effects, treatment wrong": (mild_mediation, NaturalEffects(LINEAR, NO_LOGISTIC)),
    "natural effects, nested wrong": (
        mild_mediation,
        NaturalEffects(LINEAR, LOGISTIC, nested_learner=NO_LINEAR),
    ),
}


UNBIASED = {
    "invalid instrument, instrument wrong": (
        spread_by_instrument,
        InvalidInstrument(QUADRATIC, LINEAR, NO_LOGISTIC, LINEAR),
    ),
    "front door, ratio, treatment wrong": (continuous_mediators, FrontDoor(LINEAR, NO_LOGISTIC)),
    "front door, classes, outcome wrong": (
        two_valued_mediator,
        FrontDoor(NO_LINEAR, LOGISTIC, LOGISTIC),
    ),
    "front door, classes, outcome and treatment wrong": (
        two_valued_mediator,
        FrontDoor(NO_LINEAR, NO_LOGISTIC, LOGISTIC),
    ),
}


def simulate(design, estimator, n_sets=500):
    """Share of covered truths, bias, spread and mean standard error, of each effect."""
    found = []
    for seed in range(n_sets):
        data, truth = design(np.random.default_rng(seed))
        with unassessed():  # what is wrong is wrong on purpose
            effects = estimator.set_params(random_state=seed).fit(**data).effect_
        several = effects if hasattr(effects, "labels") else [effects]
        truths = np.atleast_1d(truth)
        found.append(
            [
                (value in effect.interval(), effect.value - value, effect.std_error)
                for effect, value in zip(several, truths, strict=True)
            ]
        )
    found = np.array(found, dtype=float)  # set, effect, (covered, error, std. error)
    return {
        "coverage": found[:, :, 0].mean(0),
        "bias": found[:, :, 1].mean(0),
        "spread": found[:, :, 1].std(0),
        "std_error": found[:, :, 2].mean(0),
    }


@pytest.mark.parametrize("name", RIGHT)
def test_95_percent_intervals_cover(name):
    row = simulate(*RIGHT[name])
    assert (row["coverage"] >= 0.92).all()
    assert (row["coverage"] <= 0.97).all()
    assert (np.abs(row["bias"]) < 0.25 * row["spread"]).all()


@pytest.mark.parametrize("name", WRONG)
def test_some_wrong_learners_are_forgiven(name):
    design, estimator = WRONG[name]
    row = simulate(design, estimator.set_params(n_folds=2))
    assert (row["coverage"] >= 0.92).all()
    assert (np.abs(row["bias"]) < 0.25 * row["spread"]).all()


@pytest.mark.parametrize("name", UNBIASED)
def test_other_wrong_learners_leave_no_bias(name):
    """The error of those that are right then reaches the spread, which no formula knows of."""
    design, estimator = UNBIASED[name]
    row = simulate(design, estimator.set_params(n_folds=2))
    assert (np.abs(row["bias"]) < 0.25 * row["spread"]).all()


@pytest.mark.parametrize(
    "name", ["front door, ratio, treatment wrong", "front door, classes, outcome wrong"]
)
def test_the_bootstrap_knows_of_the_error_of_those_that_are_right(name):
    """Where the formula is too sure; 300 data sets of 100 resamples covered 93.7 and 98 %."""
    design, estimator = UNBIASED[name]
    estimator = clone(estimator).set_params(n_folds=2)
    spread = simulate(design, estimator, 300)["spread"][0]
    estimator.set_params(inference=Bootstrap(40, random_state=0))
    drawn = simulate(design, estimator, 20)["std_error"][0]
    assert 0.95 * spread < drawn < 1.4 * spread
