"""An instrument with a direct effect: derivative of the formula, what is forgiven, selection."""

from __future__ import annotations

import itertools
from contextvars import Context

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError, WeakInstrumentWarning
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.invalid_instrument import InvalidInstrument


@pytest.fixture(autouse=True)
def _unassessed():
    """Most tests are of arithmetic, with learners as they come."""
    with unassessed():
        yield


DOSES = np.array([0.0, 1.0, 3.0])


class Discrete:
    """A distribution of (x, z, t, y), and everything that follows from it by summing."""

    def __init__(self, p, doses):
        self.p = p
        cell = p / p.sum((2, 3), keepdims=True)  # t, y given x, z
        t, y = doses[:, None], np.arange(2.0)
        self.t_mean, self.y_mean = (cell * t).sum((2, 3)), (cell * y).sum((2, 3))
        self.variance = (cell * t**2).sum((2, 3)) - self.t_mean**2
        self.covariance = (cell * t * y).sum((2, 3)) - self.t_mean * self.y_mean
        self.z_given = p.sum((2, 3))[:, 1] / p.sum((1, 2, 3))
        self.x = p.sum((1, 2, 3))

    def effect(self, constant):
        on_covariance = self.covariance[:, 1] - self.covariance[:, 0]
        on_variance = self.variance[:, 1] - self.variance[:, 0]
        if constant:
            return self.x @ on_covariance / (self.x @ on_variance)
        return self.x @ (on_covariance / on_variance)


def some_distribution(rng, doses):
    """With variances that differ between the values of z."""
    p = rng.dirichlet(np.full(8 * len(doses), 3.0)).reshape(2, 2, len(doses), 2)
    p[:, 1, 0] *= 6
    return Discrete(p / p.sum(), doses)


def answer(truth, doses, constant, wrong=(), error=0.1):
    """Fit with the nuisances of `truth`, those named in `wrong` off by some error."""
    shape = (2, 2, len(doses), 2)
    x, z, t, y = np.array(list(itertools.product(*map(range, shape)))).T
    shift = dict.fromkeys(wrong, error * (1 + x))
    supplied = {"instrument 0": truth.z_given[x] + shift.get("instrument", 0)}
    for code, arm in enumerate(("without", "with")):
        supplied |= {
            f"outcome {arm} 0": truth.y_mean[x, code] + shift.get("outcome", 0),
            f"treatment {arm} 0": truth.t_mean[x, code] + (1 + code) * shift.get("treatment", 0),
            f"covariance 0 0 {arm} 0": truth.covariance[x, code] + code * shift.get("spread", 0),
            f"variance 0 {arm} 0": truth.variance[x, code],
        }
    spread = InvalidInstrument(
        clip=1e-9, least_difference=1e-9, constant_effect=constant, random_state=0
    )
    return spread.fit(
        x[:, None], y, t=doses[t], z=z, sample_weight=truth.p.ravel(), supplied=supplied
    ).effect_


@pytest.mark.filterwarnings("ignore::causalkit.errors.WeakInstrumentWarning")
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("doses", [DOSES, np.array([0.0, 1.0])], ids=["dose", "binary"])
def test_the_influence_is_the_derivative_of_the_formula(rng, doses, constant):
    truth = some_distribution(rng, doses)
    effect = answer(truth, doses, constant)
    assert_allclose(effect.value, truth.effect(constant), rtol=1e-10)
    p, step = truth.p, 1e-6
    scores = effect.influence / (p.size * p.ravel())
    for cell in (0, 3, 7, 10, 13):
        point = np.zeros(p.size)
        point[cell] = 1
        moved = [
            Discrete((1 - e) * p + e * point.reshape(p.shape), doses).effect(constant)
            for e in (-step, step)
        ]
        assert_allclose((moved[1] - moved[0]) / (2 * step), scores[cell], rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore::causalkit.errors.WeakInstrumentWarning")
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("wrong", ["instrument", "outcome", "spread"])
def test_one_wrong_nuisance_is_forgiven(rng, wrong, constant):
    truth = some_distribution(rng, DOSES)
    effect = answer(truth, DOSES, constant, (wrong,))
    assert_allclose(effect.value, truth.effect(constant), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::causalkit.errors.WeakInstrumentWarning")
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize(
    "wrong", [("treatment",), ("outcome", "treatment", "instrument", "spread")]
)
def test_errors_enter_squared(rng, wrong, constant):
    truth = some_distribution(rng, DOSES)
    right = truth.effect(constant)
    large, small = (answer(truth, DOSES, constant, wrong, e).value - right for e in (2e-3, 1e-3))
    assert_allclose(large / small, 4, rtol=0.05)


def spread_by_z(n, rng, *, direct=0.9, moved=1.5):
    """Effect 1.5, direct effect of z 0.9, hidden common cause that adds to both."""
    X, hidden = rng.normal(size=(n, 2)), rng.normal(size=n)
    z = (rng.random(n) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    t = z + X[:, 0] + hidden + (0.5 + moved * z) * rng.normal(size=n)
    y = 1.5 * t + direct * z + X[:, 0] + hidden + rng.normal(size=n)
    return X, t, y, z


LINEAR = LinearRegression(), LinearRegression(), LogisticRegression(), LinearRegression()


@pytest.mark.parametrize("constant", [False, True])
def test_a_direct_effect_does_no_harm(rng, constant):
    X, t, y, z = spread_by_z(4000, rng)
    spread = InvalidInstrument(*LINEAR, constant_effect=constant, random_state=0)
    effect = spread.fit(X, y, t=t, z=z).effect_
    assert abs(effect.value - 1.5) < 4 * effect.std_error < 0.2
    naive = PLIV(*LINEAR[:2], LINEAR[1], random_state=0).fit(X, y, t=t, z=z).effect_
    assert naive.interval(0.99).lower > 2
    assert effect.details["first_stage_f"] > 100


def test_the_wrong_learner_is_not_selected(rng):
    X, t, y, z = spread_by_z(2000, rng)
    y = y + 3 * z * X[:, 0] ** 2
    curved = np.column_stack([X, X[:, 0] ** 2])
    blind = DummyRegressor()
    several = InvalidInstrument(
        [blind, LINEAR[0]],
        [LINEAR[1], blind],
        [LINEAR[2]],
        constant_effect=True,
        random_state=0,
    )
    effect = several.fit(curved, y, t=t, z=z).effect_
    assert len(effect.details["candidates"]) == 4
    assert effect.details["selected"]["treatment"] == "LinearRegression()"
    assert abs(effect.value - 1.5) < 4 * effect.std_error
    values = np.array(list(effect.details["candidates"].values()))
    assert_allclose(effect.value, values[np.argmin(np.abs(values - effect.value))])
    risk = effect.details["pseudo_risk"]
    assert 0 < risk < np.ptp(values) ** 2


def test_binary_treatments_and_texts(rng):
    n = 3000
    X, will, hidden = rng.normal(size=(n, 1)), rng.random(n), rng.random(n)
    z = rng.integers(2, size=n)
    t = (will < 0.05 + 0.3 * z + 0.1 * hidden).astype(float)
    y = 2 * t + z + X[:, 0] + 2 * hidden + rng.normal(size=n)
    learners = LINEAR[0], LogisticRegression(), LINEAR[2], LINEAR[3]
    spread = InvalidInstrument(*learners, constant_effect=True, random_state=0)
    took = pd.Series(np.where(t == 1, "yes", "no")).astype("category")
    effect = spread.fit(X, y, t=took, z=z).effect_
    assert abs(effect.value - 2) < 4 * effect.std_error < 2
    assert "yes versus no" in effect.details["contrast"]


def test_an_instrument_that_moves_no_spread_is_not_silent(rng):
    X, t, y, z = spread_by_z(400, rng, moved=0.0)
    spread = InvalidInstrument(*LINEAR, constant_effect=True, random_state=0)
    with pytest.warns(WeakInstrumentWarning):
        spread.fit(X, y, t=t, z=z)


def test_what_it_refuses(rng):
    X, t, y, z = spread_by_z(100, rng)
    spread = InvalidInstrument(*LINEAR, random_state=0)
    refused = [
        (spread, {}, "no z"),
        (spread, {"z": X}, "2 columns"),
        (spread, {"z": X[:, 0]}, "100 values"),
        (spread, {"z": (np.arange(100) == 3).astype(float)}, "fewer than two rows"),
        (InvalidInstrument([]), {"z": z}, "empty list"),
        (InvalidInstrument(spread_learner=LogisticRegression()), {"z": z}, "spread_learner"),
        (InvalidInstrument(instrument_learner=LinearRegression()), {"z": z}, "is a regressor"),
        (clone(spread).set_params(least_difference=2.0), {"z": z}, "least_difference"),
        (clone(spread).set_params(constant_effect="yes"), {"z": z}, "constant_effect"),
    ]
    for estimator, others, message in refused:
        with pytest.raises(InputError, match=message):
            estimator.fit(X, y, t=t, **others)


def test_only_the_selected_learners_are_assessed(rng):
    X, t, y, z = spread_by_z(600, rng)
    several = InvalidInstrument(
        [DummyRegressor(), LINEAR[0]], *LINEAR[1:], constant_effect=True, random_state=0
    )
    effect = Context().run(lambda: several.fit(X, y, t=t, z=z).effect_)
    judged = effect.details["nuisances"]
    assert len(judged) == 5
    assert {part.name[-1] for part in judged if "outcome" in part.name} == {
        str(effect.details["combination"][0])
    }
