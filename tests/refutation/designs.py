"""Designs with a known answer, and estimators with a known fault."""

from __future__ import annotations

import dataclasses

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.estimation import AIPW, OLS, PLR, Effect, Problem


def linear_design(rng, *, n=400, effect=0.5, k=3):
    """Linear outcome, binary treatment with a logistic propensity."""
    X = rng.normal(size=(n, k))
    t = (rng.random(n) < 1 / (1 + np.exp(-0.6 * X[:, 0]))).astype(float)
    y = effect * t + 0.6 * X[:, 0] + 0.4 * X[:, 1] + rng.normal(size=n)
    return X, y, t


def continuous_design(rng, *, n=400, effect=0.5, k=3):
    X = rng.normal(size=(n, k))
    t = 0.5 * X[:, 0] + rng.normal(size=n)
    y = effect * t + 0.6 * X[:, 0] + 0.4 * X[:, 1] + rng.normal(size=n)
    return X, y, t


def curved_design(rng, *, n=800, effect=0.5):
    """Outcome and treatment bend with the same column, so that a straight line leaves bias."""
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(-(X[:, 0] ** 2 - 1)))).astype(float)
    y = effect * t + X[:, 0] ** 2 + rng.normal(size=n)
    return X, y, t


def fitted(estimator, data, **options) -> Effect:
    X, y, t = data
    return estimator.fit(X, y, t=t, **options).effect_


def light_aipw(**options) -> AIPW:
    options = {"n_folds": 3, "random_state": 0, **options}
    return AIPW(LinearRegression(), LogisticRegression(), **options)


def light_plr(**options) -> PLR:
    options = {"n_folds": 3, "random_state": 0, **options}
    return PLR(LinearRegression(), LinearRegression(), **options)


class Boastful(OLS):
    """Claims half of its standard error."""

    def solve(self, problem: Problem) -> Effect:
        honest = super().solve(problem)
        return dataclasses.replace(
            honest, std_error=honest.std_error / 2, influence=honest.influence / 2
        )


class Forgetful(OLS):
    """Leaves the first adjustment column out."""

    def solve(self, problem: Problem) -> Effect:
        part = problem.replace(X=problem.X[:, 1:], adjustment=problem.adjustment[1:])
        effect = super().solve(part)
        return dataclasses.replace(effect, problem=problem)


class Biased(OLS):
    """Adds a half to whatever it finds."""

    def solve(self, problem: Problem) -> Effect:
        effect = super().solve(problem)
        return dataclasses.replace(effect, value=effect.value + 0.5)


class Gambling(OLS):
    """Adds three standard errors of its own randomness."""

    def __init__(
        self, *, features=None, contrast=None, covariance="HC1", inference=None, random_state=None
    ):
        super().__init__(
            features=features, contrast=contrast, covariance=covariance, inference=inference
        )
        self.random_state = random_state

    def solve(self, problem: Problem) -> Effect:
        effect = super().solve(problem)
        luck = np.random.default_rng(self.random_state).normal()
        return dataclasses.replace(effect, value=effect.value + 3 * effect.std_error * luck)


class Fragile(OLS):
    """Fails on anything but the data it first saw."""

    def __init__(
        self, *, features=None, contrast=None, covariance="HC1", inference=None, first=None
    ):
        super().__init__(
            features=features, contrast=contrast, covariance=covariance, inference=inference
        )
        self.first = first

    def solve(self, problem: Problem) -> Effect:
        if self.first is not None and problem.y.sum() + problem.t @ problem.y != self.first:
            raise ValueError("not the data I know")
        return super().solve(problem)
