"""Matching: brute-force neighbours, ties, exact columns, Abadie–Imbens errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from causalkit.errors import InputError
from causalkit.estimation import OLS, Bootstrap, Powers
from causalkit.estimation.weighting.balance_table import balance
from causalkit.estimation.weighting.matching import Matching
from causalkit.estimation.weighting.neighbours import nearest
from tests.estimation.simulations import binary, three_arms


def brute_neighbours(points, pool, m, alone):
    """All rows at the m-th smallest distance or below."""
    found = []
    for row, point in enumerate(points):
        far = np.linalg.norm(pool - point, axis=1)
        if alone:
            far[row] = np.inf
        limit = np.sort(far)[m - 1]
        found.append(np.flatnonzero(far <= limit * (1 + 1e-9)))
    return found


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("tied", [False, True])
def test_neighbours_are_those_of_brute_force(rng, m, alone, tied):
    pool = rng.integers(0, 4, size=(90, 2)).astype(float) if tied else rng.normal(size=(90, 2))
    points = pool if alone else pool[rng.integers(90, size=25)] + (0 if tied else 0.1)
    found = nearest(points, pool, m, alone=alone)
    expected = brute_neighbours(points, pool, m, alone)
    values = rng.normal(size=90)
    uses, squares = np.zeros(90), np.zeros(90)
    for row, near in enumerate(expected):
        assert list(found.rows(row)) == list(near)
        uses[near] += 1 / len(near)
        squares[near] += 1 / len(near) ** 2
    assert_allclose(found.count, [len(near) for near in expected])
    assert_allclose(found.mean(values), [values[near].mean() for near in expected], atol=1e-12)
    if not alone:
        assert_allclose(found.uses(), (uses, squares), atol=1e-12)


def test_effect_and_error_by_hand():
    """Abadie & Imbens (2006) on eight rows, one neighbour each."""
    x = np.array([0.0, 1.0, 2.0, 3.0, 0.1, 1.2, 2.05, 2.9])
    t = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    y = np.array([3.0, 5.0, 4.0, 7.0, 1.0, 2.0, 2.5, 3.0])
    effect = Matching(bias_correction=False).fit(x[:, None], y, t=t).effect_
    gains = y[:4] - y[4:]
    assert_allclose(effect.value, gains.mean())
    # Every control is used once, so only the spread of the gains is left.
    assert_allclose(effect.std_error, np.sqrt(np.sum((gains - gains.mean()) ** 2)) / 4)


def test_controls_used_twice_cost_their_variance():
    x = np.array([0.0, 0.2, 5.0, 0.1, 5.2, 9.0])
    t = np.array([1, 1, 1, 0, 0, 0])
    y = np.array([2.0, 3.0, 6.0, 1.0, 4.0, 0.0])
    effect = Matching(bias_correction=False).fit(x[:, None], y, t=t).effect_
    gains = np.array([1.0, 2.0, 2.0])
    variance = (1.0 - 4.0) ** 2 / 2  # the first control and its nearest control
    assert_allclose(effect.value, gains.mean())
    expected = np.sqrt(np.sum((gains - gains.mean()) ** 2) + (4 - 2) * variance) / 3
    assert_allclose(effect.std_error, expected)


def test_bias_correction_is_exact_for_linear_outcomes(rng):
    X, t, _ = binary(200, rng)
    y = 2.0 * t + X @ [1.0, -2.0, 0.5]
    for target in ("ATE", "ATT"):
        assert_allclose(Matching(target=target).fit(X, y + 1e-9 * t, t=t).effect_.value, 2)
    y = y + X[:, 0] ** 2
    plain = Matching().fit(X, y, t=t).effect_.value
    squares = Matching(features=Powers(2)).fit(X, y, t=t).effect_.value
    assert abs(squares - 2) < 1e-6 < abs(plain - 2)


def test_exact_columns_and_calipers(rng):
    X, t, y = binary(300, rng)
    X[:, 2] = rng.integers(3, size=300)
    effect = Matching(exact=("x2",)).fit(X, y, t=t).effect_
    near = effect.details["neighbours"][0]
    treated, controls = X[t == 1], X[t == 0]
    for row in range(0, len(treated), 7):
        assert set(controls[near.rows(row), 2]) == {treated[row, 2]}
    narrow = Matching(caliper=0.3).fit(X, y, t=t).effect_
    assert narrow.details["rows_without_match"] > 0
    assert "left out" in narrow.details["notes"][0]
    assert narrow.details["matched"].sum() + narrow.details["rows_without_match"] == t.sum()
    with pytest.raises(InputError, match="matched rows; expected at least two"):
        Matching(caliper=1e-9).fit(X, y, t=t)


@pytest.mark.parametrize("metric", ["mahalanobis", "scaled", "propensity"])
def test_metrics_agree_about_the_effect_and_balance(rng, metric):
    X, t, y = binary(800, rng)
    effect = Matching(2, metric=metric, target="ATE").fit(X, y, t=t).effect_
    assert 1 in effect.interval(0.999)
    assert balance(effect).worst < 0.2


def test_row_order_and_units_do_not_matter(rng):
    X, t, y = binary(200, rng)
    first = Matching().fit(X, y, t=t).effect_
    order = rng.permutation(200)
    second = Matching().fit((X * [10, 0.1, 3] + 5)[order], y[order], t=t[order]).effect_
    assert_allclose([second.value, second.std_error], [first.value, first.std_error], rtol=1e-6)


def test_several_arms(rng):
    X, t, y = three_arms(400, rng)
    arms = pd.Series(t, dtype="category")
    effects = Matching(contrast="each", target="ATE").fit(X, y, t=arms).effect_
    assert_allclose([effect.value for effect in effects], [1, 3], atol=0.5)


def test_what_is_refused(rng):
    X, t, y = binary(60, rng)
    for estimator, options, words in (
        (Matching(inference=Bootstrap()), {}, "bootstrap is not valid"),
        (Matching(), {"groups": np.arange(60) // 2}, "clusters or sample weights"),
        (Matching(), {"sample_weight": np.ones(60)}, "clusters or sample weights"),
        (Matching(exact=("age",)), {}, "no adjustment column 'age'"),
        (Matching(metric="cosine"), {}, "metric='cosine'"),
        (Matching(0), {}, "n_matches"),
    ):
        with pytest.raises(InputError, match=words):
            estimator.fit(X, y, t=t, **options)
    with pytest.raises(InputError, match="no adjustment columns"):
        Matching().fit(None, y, t=t)
    assert OLS().fit(None, y, t=t).effect_.n_obs == 60


def test_effects_of_two_levels_are_compared_as_if_matched_with_each_other(rng):
    """What each row pulls at is kept, so that the difference has the right standard error."""
    X, level = rng.normal(size=(900, 2)), rng.integers(3, size=900)
    y = np.array([0.0, 1.0, 1.5])[level] + X[:, 0] + rng.normal(size=900)
    names = pd.Series(np.array(["a", "b", "c"])[level], dtype="category")
    both = Matching(target="ATE", contrast="each").fit(X, y, t=names).effect_
    direct = Matching(target="ATE", contrast=("b", "c")).fit(X, y, t=names).effect_
    difference = both.difference(1, 0)
    assert_allclose(difference.value, direct.value, atol=1e-9)
    assert_allclose(difference.std_error, direct.std_error, rtol=0.1)


@pytest.mark.parametrize("m", [1, 2])
def test_effects_on_the_treated_share_the_noise_of_the_controls_they_share(rng, m):
    level = rng.integers(3, size=240)
    X = rng.normal(size=(240, 1)) + 0.3 * level[:, None]
    y = np.array([0.0, 1.0, 1.5])[level] + X[:, 0] + rng.normal(size=240)
    arms = pd.Series(np.array(list("abc"))[level], dtype="category")
    both = Matching(m, contrast="each").fit(X, y, t=arms).effect_
    x, outcome = X[level == 0], y[level == 0]
    near = [outcome[rows].mean() for rows in brute_neighbours(x, x, m, True)]
    variance = m / (m + 1) * (outcome - near) ** 2
    uses = [effect.details["neighbours"][0].uses()[0] for effect in both]
    n_treated = [(level == k).sum() for k in (1, 2)]
    shared = np.sum(uses[0] * uses[1] * variance) / np.prod(n_treated)
    assert_allclose(both.covariance[0, 1], shared, rtol=1e-9)
    for effect, used, k in zip(both, uses, (1, 2), strict=True):
        gains = np.diff(effect.details["potential_outcomes"][:, level == k], axis=0)[0]
        squares = effect.details["neighbours"][0].uses()[1]
        whole = np.sum((gains - effect.value) ** 2) + np.sum((used**2 - squares) * variance)
        assert_allclose(effect.std_error, np.sqrt(whole) / n_treated[k - 1], rtol=1e-9)


def test_controls_that_are_all_the_noise_there_is():
    """Gains that are all alike hold no noise of controls that could be moved to these."""
    x = np.array([0.0, 1.0, 0.1, 1.1, 2.0])
    y = np.array([1.0, 3.0, 0.0, 2.0, 9.0])
    effect = Matching(bias_correction=False).fit(x[:, None], y, t=[1, 1, 0, 0, 0]).effect_
    assert (effect.value, effect.std_error) == (1.0, 0.0)


@pytest.mark.parametrize("caliper", [-1, "wide", 0, float("nan")])
def test_a_caliper_that_is_no_distance_is_refused(rng, caliper):
    X, t = rng.normal(size=(40, 1)), np.arange(40) % 2
    with pytest.raises(InputError, match="caliper"):
        Matching(caliper=caliper).fit(X, rng.normal(size=40), t=t)
