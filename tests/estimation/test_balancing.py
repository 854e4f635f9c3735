"""Weights that balance: exactly, doubly robust, and with errors that include the weights' own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import optimize
from sklearn.base import clone

from causalkit.errors import InputError, NumericalError
from causalkit.estimation import AIPW, IPW, OLS, Powers
from causalkit.estimation.weighting.balance_table import balance
from causalkit.estimation.weighting.balancing import CBPS, EntropyBalancing
from causalkit.estimation.weighting.kernel_balancing import KernelBalancing
from tests.estimation.simulations import binary, linear, three_arms

BALANCING = [EntropyBalancing(), EntropyBalancing(target="ATT"), CBPS(), CBPS(target="ATT")]


def arm_means(X, weights, t):
    return [np.average(X[t == k], axis=0, weights=weights[t == k]) for k in (0, 1)]


@pytest.mark.parametrize("estimator", BALANCING, ids=str)
def test_means_are_balanced_exactly(rng, estimator):
    X, t, y = binary(300, rng)
    effect = clone(estimator).fit(X, y, t=t).effect_
    weights = effect.details["weights"]
    control, treated = arm_means(X, weights, t)
    assert_allclose(control, treated, atol=1e-8)
    if isinstance(estimator, EntropyBalancing):
        aim = X[t == 1] if estimator.target == "ATT" else X
        assert_allclose(control, aim.mean(axis=0), atol=1e-8)
    assert weights.min() > 0
    assert balance(effect).worst < 1e-7


def test_entropy_weights_have_the_largest_entropy(rng):
    """Against a general solver of the constrained problem, in a few rows."""
    X, t, y = binary(40, rng)
    X = X[:, :1]
    effect = EntropyBalancing(target="ATT").fit(X, y, t=t).effect_
    ours = effect.details["weights"][t == 0]
    pool, aim = X[t == 0, 0], X[t == 1, 0].mean()
    found = optimize.minimize(
        lambda w: np.sum(w * np.log(w)),
        np.full(len(pool), 1 / len(pool)),
        bounds=[(1e-9, 1)] * len(pool),
        constraints=[
            {"type": "eq", "fun": lambda w: w.sum() - 1},
            {"type": "eq", "fun": lambda w: w @ pool - aim},
        ],
        options={"maxiter": 500, "ftol": 1e-14},
    )
    assert_allclose(ours / ours.sum(), found.x, atol=2e-5)


def test_with_powers_variances_are_balanced_too(rng):
    X, t, y = binary(400, rng)
    effect = EntropyBalancing(features=Powers(2)).fit(X, y, t=t).effect_
    table = balance(effect)
    assert_allclose(table.after[:, 1], 1, atol=1e-6)
    assert table.worst < 1e-7


def test_without_columns_all_are_the_difference_in_means(rng):
    _, t, y = binary(100, rng)
    plain = OLS().fit(None, y, t=t).effect_.value
    for estimator in (*BALANCING, KernelBalancing(), KernelBalancing(target="ATT")):
        assert_allclose(clone(estimator).fit(None, y, t=t).effect_.value, plain)


@pytest.mark.parametrize("estimator", [*BALANCING, IPW(target="ATO")], ids=str)
def test_the_standard_error_is_that_of_resamples(rng, estimator):
    X, t, y = binary(300, rng)
    estimator = clone(estimator)
    effect = estimator.fit(X, y, t=t).effect_
    # The influence is the derivative of the estimate in the weight of a row.
    for row in (0, 17, 101):
        nudged = [np.ones(300), np.ones(300)]
        nudged[0][row] += 1e-4
        nudged[1][row] -= 1e-4
        high, low = (clone(estimator).fit(X, y, t=t, sample_weight=w).effect_.value for w in nudged)
        slope = (high - low) / 2e-4 * 300
        assert_allclose(effect.influence[row], slope, rtol=0.03, atol=1e-3)


def test_overlap_weights_balance_exactly_and_need_no_overlap(rng):
    X, t, y = binary(400, rng)
    X[:, 0] += 2 * t  # some are all but sure to be treated
    effect = IPW(target="ATO").fit(X, y, t=t).effect_
    control, treated = arm_means(X, effect.details["weights"], t)
    assert_allclose(control, treated, atol=1e-8)


def test_weights_are_repeated_rows(rng):
    X, t, y = binary(120, rng)
    times = rng.integers(1, 4, size=120)
    rows = np.repeat(np.arange(120), times)
    for estimator in (EntropyBalancing(), CBPS()):
        weighted = clone(estimator).fit(X, y, t=t, sample_weight=times).effect_.value
        repeated = clone(estimator).fit(X[rows], y[rows], t=t[rows]).effect_.value
        assert_allclose(weighted, repeated, atol=1e-6)


def test_three_arms(rng):
    X, t, y = three_arms(600, rng)
    arms = pd.Series(t, dtype="category")
    effects = EntropyBalancing(contrast="each").fit(X, y, t=arms).effect_
    assert_allclose([effect.value for effect in effects], [1, 3], atol=0.4)


def test_kernel_balancing_sees_what_means_do_not(rng):
    X = rng.uniform(-2, 2, size=(500, 2))
    f = np.sin(1.5 * X[:, 0]) * X[:, 1]
    t = (rng.random(500) < 1 / (1 + np.exp(-1.4 * f))).astype(float)
    y = t + 2 * f + 0.5 * rng.normal(size=500)
    by_means = EntropyBalancing().fit(X, y, t=t).effect_
    by_kernel = KernelBalancing().fit(X, y, t=t).effect_
    assert abs(by_means.value - 1) > 4 * by_means.std_error
    assert abs(by_kernel.value - 1) < 3 * by_kernel.std_error
    before, after = by_kernel.details["discrepancy"]
    assert after < before / 5


def test_what_cannot_be_balanced_is_named(rng):
    X, t, y = binary(200, rng)
    X[:, 1] += 20 * t
    with pytest.raises(NumericalError, match="balance 'x1'"):
        EntropyBalancing(target="ATT").fit(X, y, t=t)
    with pytest.raises(NumericalError, match="balance"):
        CBPS().fit(X, y, t=t)


def test_what_is_refused(rng):
    X, t, y = linear(50, rng)
    with pytest.raises(InputError, match="continuous"):
        EntropyBalancing().fit(X, y, t=t)
    X, t, y = binary(50, rng)
    with pytest.raises(InputError, match="width=-1"):
        KernelBalancing(width=-1).fit(X, y, t=t)
    with pytest.raises(InputError, match="rests on no weights"):
        balance(OLS().fit(X, y, t=t).effect_)
    with pytest.raises(InputError, match="no adjustment columns"):
        balance(IPW().fit(None, y, t=t).effect_)


def test_balance_of_propensities(rng):
    from sklearn.linear_model import LinearRegression, LogisticRegression

    X, t, y = binary(800, rng)
    for estimator in (IPW(), AIPW(LinearRegression(), LogisticRegression(), random_state=0)):
        table = balance(estimator.fit(X, y, t=t).effect_)
        assert abs(table.before[0, 0]) > 0.4
        assert table.worst < 0.15
        frame = table.to_frame()
        assert list(frame.columns[:2]) == ["difference_before", "difference_after"]
    assert "Balance of 1 and 0" in repr(table)
    assert len(table.plot().get_yticklabels()) == 3
