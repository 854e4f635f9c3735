"""The front door: its influence function is the formula's derivative, and what it forgives."""

from __future__ import annotations

import itertools
from contextvars import Context

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError, NuisanceWarning, NumericalError, OverlapWarning
from causalkit.estimation import PlugIn
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.frontdoor_effect import FrontDoor
from causalkit.estimation.orthogonal.linear_frontdoor import LinearFrontDoor
from causalkit.identification import identify


@pytest.fixture(autouse=True)
def _unassessed():
    """Most tests are of arithmetic, with learners as they come."""
    with unassessed():
        yield


SHAPE = (2, 3, 2, 2)  # x, t, m, y


class Discrete:
    """A distribution of (x, t, m, y), and everything that follows from it by summing."""

    def __init__(self, p):
        self.p = p
        self.m_given = p.sum(3) / p.sum((2, 3))[:, :, None]  # x, t, m
        self.t_given = p.sum((2, 3)) / p.sum((1, 2, 3))[:, None]  # x, t
        self.t_given_m = p.sum(3) / p.sum((1, 3))[:, None, :]  # x, t, m
        self.outcome = p[..., 1] / p.sum(3)  # x, t, m

    def mean(self, t):
        """E[Y(t)] by the front-door formula."""
        return np.einsum(
            "x,xm,xs,xsm->",
            self.p.sum((1, 2, 3)),
            self.m_given[:, t],
            self.t_given,
            self.outcome,
        )

    def effect(self, control, treated):
        return self.mean(treated) - self.mean(control)

    def nested(self, t):
        """η(x, s) of arm t."""
        return np.einsum("xm,xsm->xs", self.m_given[:, t], self.outcome)


CELLS = np.array(list(itertools.product(*map(range, SHAPE))))


def some_distribution(rng):
    return Discrete(rng.dirichlet(np.full(np.prod(SHAPE), 3.0)).reshape(SHAPE))


def nuisances(source, model, contrast):
    """What to supply: each kind of nuisance from a distribution of its own."""
    x, _, m, _ = CELLS.T
    found = {"treatment": source["treatment"].t_given[x]}
    for s in range(SHAPE[1]):
        found[f"outcome {s}"] = source["outcome"].outcome[x, s, m]
        for code in range(SHAPE[2]):
            found[f"outcome {s} at {code}"] = source["outcome"].outcome[x, s, code]
        found[f"mediators {s}"] = source["mediators"].m_given[x, s]
    if model == "ratio":
        found["treatment given mediators"] = np.moveaxis(source["odds"].t_given_m, 1, 2)[x, m]
        for t in contrast:
            # A nested regression that is right is right for whatever it is a regression of.
            nested = np.einsum(
                "xm,xsm->xs", source["nested"].m_given[:, t], source["outcome"].outcome
            )
            for s in range(SHAPE[1]):
                found[f"nested {s} in {t}"] = nested[x, s]
    return found


KINDS = ("outcome", "treatment", "mediators", "odds", "nested")


def answer(truth, supplied, model, contrast):
    x, t, m, y = CELLS.T
    front = FrontDoor(mediator_model=model, contrast=contrast, clip=1e-9, random_state=0)
    arms = pd.Series(t).astype("category")
    return front.fit(
        x[:, None], y, t=arms, mediators=m, sample_weight=truth.p.ravel(), supplied=supplied
    ).effect_


@pytest.mark.parametrize("model", ["classes", "ratio"])
def test_the_influence_is_the_derivative_of_the_formula(rng, model):
    truth, contrast = some_distribution(rng), (0, 2)
    supplied = nuisances(dict.fromkeys(KINDS, truth), model, contrast)
    effect = answer(truth, supplied, model, contrast)
    assert_allclose(effect.value, truth.effect(*contrast), rtol=1e-10)
    scores = effect.influence / (len(CELLS) * truth.p.ravel())
    step = 1e-6
    for cell in (0, 7, 10, 17, 23):
        point = np.zeros(len(CELLS))
        point[cell] = 1
        moved = [
            Discrete((1 - e) * truth.p + e * point.reshape(SHAPE)).effect(*contrast)
            for e in (-step, step)
        ]
        assert_allclose((moved[1] - moved[0]) / (2 * step), scores[cell], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "wrong", "forgiven"),
    [
        ("classes", "mediators", True),
        ("classes", "outcome treatment", True),
        ("classes", "mediators outcome", False),
        ("classes", "mediators treatment", False),
        ("ratio", "odds nested", True),
        ("ratio", "odds treatment", True),
        ("ratio", "outcome", True),
        ("ratio", "treatment nested", False),
        ("ratio", "outcome treatment", False),
        ("ratio", "outcome odds", False),
        ("ratio", "outcome nested", True),
    ],
)
def test_what_wrong_nuisances_do(rng, model, wrong, forgiven):
    truth = some_distribution(rng)
    source = {kind: some_distribution(rng) if kind in wrong else truth for kind in KINDS}
    effect = answer(truth, nuisances(source, model, (0, 1)), model, (0, 1))
    error = abs(effect.value - truth.effect(0, 1))
    assert error < 1e-10 if forgiven else error > 1e-4


def confounded(n, rng):
    """Binary everything, hidden cause of t and y; the effect is 0.5 · 0.6."""
    hidden, X = rng.random(n), rng.integers(2, size=n)
    t = (rng.random(n) < 0.15 + 0.6 * hidden + 0.1 * X).astype(float)
    m = (rng.random(n) < 0.1 + 0.5 * t + 0.2 * X).astype(float)
    y = (rng.random(n) < 0.05 + 0.6 * m + 0.3 * hidden).astype(float)
    return pd.DataFrame({"x": X, "t": t, "m": m, "y": y})


@pytest.mark.parametrize("model", ["classes", "ratio"])
def test_it_agrees_with_the_formula_on_frequencies(rng, model):
    data = confounded(4000, rng)
    formula = identify("t -> m -> y; x -> t; x -> m; t <-> y", "t", "y")
    exact = formula.estimate(data, PlugIn())
    front = FrontDoor(LinearRegression(), LogisticRegression(), mediator_model=model)
    effect = (
        front.set_params(random_state=0)
        .fit(data[["x"]], data["y"], t=data["t"], mediators=data["m"])
        .effect_
    )
    assert abs(effect.value - exact.value) < 0.2 * effect.std_error
    assert_allclose(effect.std_error, exact.std_error, rtol=0.1)
    assert abs(effect.value - 0.3) < 4 * effect.std_error < 0.15


def test_continuous_mediators(rng):
    hidden, X = rng.normal(size=1500), rng.normal(size=(1500, 2))
    t = (rng.random(1500) < 1 / (1 + np.exp(-hidden - X[:, 0]))).astype(float)
    M = np.outer(t, [0.8, 0.4]) + X + rng.normal(size=(1500, 2))
    y = M @ [1.0, -0.5] + 2 * hidden + rng.normal(size=1500)
    front = FrontDoor(LinearRegression(), LogisticRegression(), random_state=0)
    effect = front.fit(X, y, t=t, mediators=M).effect_
    assert abs(effect.value - 0.6) < 4 * effect.std_error < 0.5
    linear = LinearFrontDoor(*[LinearRegression()] * 3, random_state=0)
    product = linear.fit(X, y, t=t, mediators=M).effect_
    assert abs(product.value - 0.6) < 4 * product.std_error < 0.5
    # The one that may assume less is not more certain.
    assert product.std_error < effect.std_error
    assert effect.details["effective_share"] > 0.3


def test_the_linear_front_door_is_two_regressions(rng):
    hidden, X = rng.normal(size=400), rng.normal(size=(400, 2))
    t = hidden + X[:, 0] + rng.normal(size=400)
    M = np.outer(t, [0.8, 0.4]) + X + rng.normal(size=(400, 2))
    y = M @ [1.0, -0.5] + 2 * hidden + rng.normal(size=400)
    effect = LinearFrontDoor(random_state=0).fit(None, y, t=t, mediators=M).effect_
    centred = t - t.mean()
    alpha = M.T @ centred / (centred @ centred)
    design = np.column_stack([M, t, np.ones(400)])
    beta = np.linalg.lstsq(design, y, rcond=None)[0]
    assert_allclose(effect.value, alpha @ beta[:2], rtol=1e-10)
    assert_allclose(list(effect.details["of_mediators"].values()), beta[:2], rtol=1e-10)
    twice = clone(effect.estimator).fit(None, y, t=t, mediators=np.column_stack([M[:, 0], y]))
    assert np.isfinite(twice.effect_.value)
    with pytest.raises(NumericalError, match="collinear"):
        LinearFrontDoor().fit(None, y, t=t, mediators=np.column_stack([M, M.sum(axis=1)]))


def test_what_it_refuses(rng):
    data = confounded(100, rng)
    x, y, t, m = data[["x"]], data["y"], data["t"], data["m"]
    front = FrontDoor(LinearRegression(), LogisticRegression(), random_state=0)
    never = np.where(t == 0, 0.0, m)
    refused = [
        (front, t, {}, "no mediators"),
        (front, rng.normal(size=100), {"mediators": m}, "Use LinearFrontDoor"),
        (front, t, {"mediators": never}, "possible in every arm"),
        (front, t, {"mediators": np.ones(100)}, "one value only"),
        (clone(front).set_params(mediator_model="kernel"), t, {"mediators": m}, "mediator_model"),
        (clone(front).set_params(contrast="both"), t, {"mediators": m}, "contrast"),
        (FrontDoor(mediator_learner=LinearRegression()), t, {"mediators": m}, "is a regressor"),
        (
            FrontDoor(nested_learner=LogisticRegression(), mediator_model="ratio"),
            t,
            {"mediators": m},
            "nested_learner",
        ),
    ]
    for estimator, treatment, others, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(x, y, t=treatment, **others)


def test_mediators_that_give_the_treatment_away_are_not_silent(rng):
    t = rng.integers(2, size=400).astype(float)
    m = 4 * t + rng.normal(size=400)
    y = m + rng.normal(size=400)
    front = FrontDoor(LinearRegression(), LogisticRegression(), random_state=0, clip=1e-4)
    with pytest.warns(OverlapWarning, match="give the treatment away"):
        front.fit(rng.normal(size=(400, 1)), y, t=t, mediators=m)


def test_repeats_and_each_contrast(rng):
    t = rng.integers(3, size=900)
    arms = pd.Series(np.array(["a", "b", "c"])[t]).astype("category")
    m = 0.5 * t + rng.normal(size=900)
    y = 2 * m + rng.normal(size=900)
    front = FrontDoor(LinearRegression(), LogisticRegression(), contrast="each", n_repeats=2)
    each = front.set_params(random_state=0).fit(None, y, t=arms, mediators=m).effect_
    assert each.labels == ("b − a", "c − a")
    assert_allclose([e.value for e in each], [1, 2], atol=0.6)


def test_missed_structure_is_not_silent(rng):
    X = rng.uniform(-1.5, 1.5, size=(1500, 2))
    wave = np.sin(np.pi * X[:, 0] * X[:, 1])
    t = (rng.random(1500) < 0.5 + 0.3 * wave).astype(float)
    m = (rng.random(1500) < 0.3 + 0.2 * t + 0.25 * wave).astype(float)
    y = m + 3 * wave + rng.normal(size=1500)
    logistic = LogisticRegression()
    front = FrontDoor(LinearRegression(), logistic, logistic, random_state=0)

    def fit():
        with pytest.warns(NuisanceWarning, match="outcome"):
            return front.fit(X, y, t=t, mediators=m).effect_

    effect = Context().run(fit)  # assessed, as outside these tests
    mended = effect.details["nuisances"].effect_mended
    assert abs(effect.value - 0.2) > 3 * effect.std_error
    assert abs(mended - 0.2) < 0.5 * abs(effect.value - 0.2)
