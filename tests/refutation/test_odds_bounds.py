"""Bounds under the marginal sensitivity model: closed forms, brute force, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import joblib
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor

from causalkit.errors import InputError
from causalkit.estimation import AIPW, OLS
from causalkit.refutation import MarginalSensitivity, marginal_sensitivity
from causalkit.refutation.worst_cases import (
    Arm,
    LocationScaleTail,
    TwoValuedTail,
    tilted,
    weighted_quantile,
)
from tests.refutation.designs import fitted, light_aipw, linear_design

mpl.use("Agg")
GAMMAS = [1.0, 1.5, 2.0, 4.0]


def half_width(gamma):
    """Of the sharp bounds where the outcome is μ(x, t) + N(0, 1), whatever the propensities."""
    return (gamma - 1 / gamma) * stats.norm.pdf(stats.norm.ppf(gamma / (1 + gamma)))


@pytest.fixture(scope="module")
def effect():
    return fitted(light_aipw(), linear_design(np.random.default_rng(0), n=1000))


@pytest.fixture(scope="module")
def large():
    """Enough rows that sampling error is small beside the widths compared."""
    return linear_design(np.random.default_rng(1), n=40_000)


# --- against definitions -------------------------------------------------------------------------


@pytest.mark.parametrize("gamma", GAMMAS)
def test_tilting_weights_integrate_to_one_and_reach_the_quantile(gamma):
    y = np.random.default_rng(0).normal(size=100_001)
    level = gamma / (1 + gamma)
    cut = weighted_quantile(y, level, np.ones(len(y)))
    weights = np.where(y > cut, gamma, 1 / gamma)
    assert weights.mean() == pytest.approx(1, abs=1e-4)
    assert tilted(y, np.full_like(y, cut), gamma).mean() == pytest.approx(
        np.mean(weights * y), abs=1e-3
    )


def worst_mean(y, gamma):
    """The definition: largest mean of y under weights in [1/Γ, Γ] that average one."""
    n = len(y)
    found = optimize.linprog(
        -y / n, A_eq=np.full((1, n), 1 / n), b_eq=[1.0], bounds=[(1 / gamma, gamma)] * n
    )
    return -found.fun


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("gamma", [1.3, 2.0, 5.0])
@pytest.mark.parametrize("kind", ["two values", "numbers"])
def test_worst_means_of_an_arm_are_those_of_the_linear_programme(kind, gamma, sign):
    rng = np.random.default_rng(4)
    effect = fitted(light_aipw(), linear_design(rng, n=80))
    y = rng.normal(size=80)
    if kind == "two values":
        y = (y > 0.4).astype(float)
    problem = effect.problem.replace(y=y)
    arm = Arm(
        problem,
        np.ones(80, bool),
        np.full(80, y.mean()),
        np.full(80, 0.5),
        np.zeros(80),
        np.ones(80),
    )
    tail = TwoValuedTail(arm) if kind == "two values" else LocationScaleTail(arm, np.ones(80))
    tilt, mean = tail.tilted(gamma, sign)
    assert np.unique(mean) == pytest.approx(sign * worst_mean(sign * y, gamma), abs=1e-9)
    # R(Y, q) has that mean among the rows themselves, so that errors in ρ are made up for.
    assert tilt.mean() == pytest.approx(mean[0], abs=1e-9)


def test_a_wrong_quantile_widens_the_bound():
    y = np.random.default_rng(5).normal(size=2000)
    least = worst_mean(y, 3.0)
    for cut in (-1.0, 0.0, 2.0):
        assert tilted(y, np.full_like(y, cut), 3.0).mean() > least


# --- the bounds ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_without_a_hidden_cause_it_is_the_estimate(target):
    rng = np.random.default_rng(2)
    X, y, t = linear_design(rng, n=300)
    for outcome in (y, (y > 0).astype(float)):
        effect = fitted(light_aipw(target=target), (X, outcome, t))
        found = marginal_sensitivity(effect, gamma=1).bounds[0]
        assert found.lower == pytest.approx(effect.value, abs=1e-12)
        assert found.upper == pytest.approx(effect.value, abs=1e-12)
        assert found.lower_error == pytest.approx(effect.std_error, rel=1e-9)
        interval = marginal_sensitivity(effect).interval(1.0)
        assert tuple(interval) == pytest.approx(tuple(effect.interval()), abs=1e-9)


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_repeats_are_put_together_as_those_of_the_effect(target):
    data = linear_design(np.random.default_rng(11), n=200)
    effect = fitted(light_aipw(target=target, n_repeats=4), data)
    found = marginal_sensitivity(effect, gamma=[1, 2])
    plain, wide = found.bounds
    assert (plain.lower, plain.upper) == pytest.approx((effect.value,) * 2, abs=1e-12)
    assert plain.lower_error == pytest.approx(effect.std_error, rel=1e-9)
    assert tuple(found.interval(1.0)) == pytest.approx(tuple(effect.interval()), abs=1e-9)
    ends = []
    for k, predictions in enumerate(effect.details["repeat_predictions"]):
        details = {"predictions": predictions, "folds": effect.details["folds"][k : k + 1]}
        ends.append(marginal_sensitivity(replace(effect, details=details), gamma=2).bounds[0])
    lowers, errors = np.array([(end.lower, end.lower_error) for end in ends]).T
    assert wide.lower == pytest.approx(np.median(lowers), abs=1e-12)
    spread = np.sqrt(np.median(errors**2 + (lowers - np.median(lowers)) ** 2))
    assert wide.lower_error == pytest.approx(spread, rel=1e-9)
    assert "medians of 4 repeats" in str(found)
    if target == "ATE":
        low, high = found.conditional(2.0)
        assert (low < high).all()


@pytest.mark.parametrize("target", ["ATE", "ATT"])
def test_bounds_are_sharp_where_the_noise_is_normal(target, large):
    effect = fitted(light_aipw(target=target), large)
    found = marginal_sensitivity(effect, gamma=GAMMAS)
    for bound in found.bounds:
        slack = 4 * bound.upper_error
        assert bound.upper - 0.5 == pytest.approx(half_width(bound.gamma), abs=slack)
        assert 0.5 - bound.lower == pytest.approx(half_width(bound.gamma), abs=slack)
    assert [b.upper - b.lower for b in found.bounds] == sorted(
        b.upper - b.lower for b in found.bounds
    )


def test_quantile_learners_agree_with_location_and_scale(effect):
    plain = marginal_sensitivity(effect, gamma=2.0).bounds[0]
    learner = QuantileRegressor(alpha=0)
    learnt = marginal_sensitivity(effect, gamma=2.0, quantile_learner=learner).bounds[0]
    assert (learnt.lower, learnt.upper) == pytest.approx((plain.lower, plain.upper), abs=0.05)
    # A quantile that ignores the columns is wrong: bounds are wider, never narrower than they may.
    blunt = marginal_sensitivity(
        effect, gamma=2.0, quantile_learner=DummyRegressor(strategy="quantile")
    ).bounds[0]
    assert blunt.upper > learnt.upper - 0.02
    assert blunt.lower < learnt.lower + 0.02


@pytest.mark.parametrize("outcome", ["numbers", "two values"])
def test_the_truth_is_inside_at_the_odds_that_were_simulated(outcome):
    rng = np.random.default_rng(7)
    n = 20_000
    X = rng.normal(size=(n, 1))
    hidden = rng.random(n) < 0.5
    pushed = 1 / (1 + np.exp(-(0.5 * X[:, 0] + np.where(hidden, 1.2, -1.2))))
    t = (rng.random(n) < pushed).astype(float)
    if outcome == "numbers":
        y = 0.3 * t + X[:, 0] + 1.5 * hidden + rng.normal(size=n)
        truth = 0.3
    else:
        chance = [0.3 + 0.1 * arm + 0.4 * hidden for arm in (0, 1)]
        y = (rng.random(n) < np.where(t == 1, chance[1], chance[0])).astype(float)
        truth = 0.1
    average = np.mean([1 / (1 + np.exp(-(0.5 * X[:, 0] + push))) for push in (1.2, -1.2)], axis=0)
    odds = (pushed / (1 - pushed)) / (average / (1 - average))
    gamma = float(np.max(np.maximum(odds, 1 / odds)))
    found = marginal_sensitivity(fitted(light_aipw(), (X, y, t)))
    assert found.at(1.0).lower - 3 * found.at(1.0).lower_error > truth
    assert found.at(gamma).lower < truth < found.at(gamma).upper


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_a_line_predicts_beyond_zero_and_one_does_not_blow_up_bounds(seed):
    X, y, t = linear_design(np.random.default_rng(seed), n=500)
    effect = fitted(light_aipw(), (X, (y > 0).astype(float), t))
    predicted = effect.details["predictions"]["outcome_treated"]
    assert predicted.min() < 0 or predicted.max() > 1
    some, most = marginal_sensitivity(effect, gamma=[2, 900]).bounds
    assert most.lower < some.lower
    assert some.upper < most.upper
    assert max(most.lower_error, most.upper_error) < 0.1
    assert most.upper - most.lower < 1.1


def test_breakdown_is_where_the_bound_or_its_interval_reaches_zero(effect):
    found = marginal_sensitivity(effect)
    point, sure = found.breakdown(), found.breakdown(level=0.95)
    assert 1 < sure < point
    assert found.at(point).lower == pytest.approx(0, abs=1e-4)
    assert found.interval(sure).lower == pytest.approx(0, abs=1e-4)
    X, y, t = linear_design(np.random.default_rng(0), n=1000)
    flipped = marginal_sensitivity(fitted(light_aipw(), (X, -y, t)))
    assert flipped.breakdown() == pytest.approx(point, rel=0.02)
    nothing = fitted(light_aipw(), (X, y - 0.5 * t, t))
    assert marginal_sensitivity(nothing).breakdown(level=0.95) == 1.0


def test_an_effect_that_no_hidden_cause_overturns():
    """Outcomes of the two arms that have nothing in common cannot be exchanged."""
    rng = np.random.default_rng(8)
    t = (rng.random(400) < 0.5).astype(float)
    y = 10 * t + rng.random(400)
    effect = AIPW(random_state=0).fit(None, y, t=t).effect_
    assert np.isinf(marginal_sensitivity(effect).breakdown())


def test_conditional_bounds_hold_each_others_average(effect):
    found = marginal_sensitivity(effect)
    low, high = found.conditional(2.0)
    assert (low < high).all()
    bound = found.at(2.0)
    assert (low.mean(), high.mean()) == pytest.approx((bound.lower, bound.upper), abs=0.1)
    same = found.conditional(1.0)
    assert same[0] == pytest.approx(same[1])


def test_several_levels_weights_and_clusters():
    rng = np.random.default_rng(9)
    X, y, t = linear_design(rng, n=400)
    t = pd.Categorical.from_codes((t + (rng.random(400) < 0.3) * (t == 1)).astype(int), list("abc"))
    several = fitted(light_aipw(contrast=("a", "c")), (X, y, t))
    one = marginal_sensitivity(several, gamma=1).bounds[0]
    assert one.lower == pytest.approx(several.value, abs=1e-12)
    w, groups = rng.integers(1, 4, 400), rng.integers(0, 50, 400)
    clustered = fitted(
        light_aipw(contrast=("a", "b")), (X, y, t), sample_weight=w.astype(float), groups=groups
    )
    found = marginal_sensitivity(clustered, gamma=[1, 2])
    assert found.bounds[0].upper_error == pytest.approx(clustered.std_error, rel=1e-9)
    assert tuple(found.interval(1.0)) == pytest.approx(tuple(clustered.interval()))


def test_the_same_seed_gives_the_same_whatever_n_jobs():
    effect = fitted(light_aipw(), linear_design(np.random.default_rng(3), n=120))
    learner = HistGradientBoostingRegressor(loss="quantile", max_iter=2, max_leaf_nodes=4)
    options = {"gamma": 2, "quantile_learner": learner, "random_state": 3}
    once = marginal_sensitivity(effect, **options).bounds
    with joblib.parallel_config(backend="threading"):
        assert once == marginal_sensitivity(effect, n_jobs=2, **options).bounds


# --- report, errors ------------------------------------------------------------------------------


def test_report_frame_and_picture(effect):
    found = marginal_sensitivity(effect, gamma=[1, 2, 3])
    assert isinstance(found, MarginalSensitivity)
    text = str(found)
    assert "without a hidden cause" in text
    assert "bounds reach 0" in text
    frame = found.to_frame()
    assert list(frame.index) == [1, 2, 3]
    assert (frame["from"] < frame["lower"]).all()
    axes = found.plot()
    assert "Γ" in axes.get_xlabel()
    with pytest.raises(InputError, match="two or more"):
        marginal_sensitivity(effect, gamma=2).plot()


def test_errors(effect):
    with pytest.raises(InputError, match=r"gamma=0\.5"):
        marginal_sensitivity(effect, gamma=0.5)
    with pytest.raises(InputError, match="gamma='two'"):
        marginal_sensitivity(effect, gamma=["two"])
    with pytest.raises(InputError, match="parameter `quantile`"):
        marginal_sensitivity(effect, quantile_learner=LinearRegression())
    with pytest.raises(InputError, match='loss="quantile"'):
        marginal_sensitivity(effect, quantile_learner=HistGradientBoostingRegressor())
    with pytest.raises(InputError, match="is a classifier"):
        marginal_sensitivity(effect, quantile_learner=LogisticRegression())
    X, y, t = linear_design(np.random.default_rng(0), n=100)
    with pytest.raises(InputError, match="Estimate with AIPW"):
        marginal_sensitivity(fitted(OLS(), (X, y, t)))
    treated = marginal_sensitivity(fitted(light_aipw(target="ATT"), (X, y, t)))
    with pytest.raises(InputError, match="effect on the treated"):
        treated.conditional(2.0)
