"""Policies: the best tree is the best of all trees, and what it is worth is a mean of scores."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError
from causalkit.estimation import AIPW, EffectScores, PolicyTree, effect_scores, policy_value
from tests.estimation.simulations import binary, three_arms


def best_by_enumeration(X, scores, depth, min_leaf):
    """Largest sum of scores over all trees, by trying every split."""
    value = scores.sum(axis=0).max()
    if depth == 0:
        return value
    for column in X.T:
        for threshold in np.unique(column)[:-1]:
            left = column <= threshold
            if min(left.sum(), (~left).sum()) < min_leaf:
                continue
            sides = [
                best_by_enumeration(X[side], scores[side], depth - 1, min_leaf)
                for side in (left, ~left)
            ]
            value = max(value, sum(sides))
    return value


def value_of(tree, X, scores):
    return scores.arms[np.arange(len(X)), tree.tree_.decide(X)].sum()


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("min_leaf", [1, 4])
def test_no_tree_is_better(rng, depth, k, min_leaf):
    for n, tied in ((24, False), (30, True)):
        X = rng.integers(4, size=(n, 3)) if tied else rng.normal(size=(n, 3))
        X = X.astype(float)
        scores = EffectScores(np.zeros(n), arms=rng.normal(size=(n, k)), levels=tuple(range(k)))
        tree = PolicyTree(max_depth=depth, min_leaf=min_leaf, n_cuts=None).fit(X, scores)
        best = best_by_enumeration(X, scores.arms, depth, min_leaf)
        assert_allclose(value_of(tree, X, scores), best, atol=1e-9)
        leaves = [r for r, c in zip(tree.tree_.n_rows, tree.tree_.column, strict=True) if c < 0]
        assert min(leaves) >= min_leaf
        assert sum(leaves) == n


def test_deeper_trees_are_no_worse_and_weights_are_repeated_rows(rng):
    X = rng.normal(size=(60, 3))
    scores = EffectScores(rng.normal(size=60))
    worth = [PolicyTree(max_depth=d, min_leaf=2).fit(X, scores).value_.value for d in (1, 2, 3, 4)]
    assert worth == sorted(worth)
    weights = rng.integers(1, 4, size=60)
    rows = np.repeat(np.arange(60), weights)
    weighted = PolicyTree(min_leaf=1, n_cuts=None).fit(
        X, EffectScores(scores.values, weights=weights.astype(float))
    )
    repeated = PolicyTree(min_leaf=1, n_cuts=None).fit(X[rows], scores.rows(rows))
    assert_allclose(weighted.value_.value, repeated.value_.value)
    assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_an_xor_is_found_by_looking_two_levels_ahead(rng):
    X = rng.normal(size=(400, 4))
    effect = np.where((X[:, 1] > 0) == (X[:, 3] > 0), 1.0, -1.0)
    tree = PolicyTree(n_cuts=20).fit(X, effect + 0.1 * rng.normal(size=400))
    assert {tree.tree_.names[c] for c in tree.tree_.column if c >= 0} == {"x1", "x3"}
    assert np.mean(tree.predict(X) == (effect > 0)) > 0.9


def test_where_nothing_is_to_be_gained_everyone_gets_the_same(rng):
    X = rng.normal(size=(100, 2))
    tree = PolicyTree().fit(X, np.full(100, 1.0))
    assert tree.tree_.n_leaves == 1
    assert set(tree.predict(X)) == {1}
    dear = PolicyTree(cost=2.0).fit(X, np.full(100, 1.0))
    assert set(dear.predict(X)) == {0}
    assert dear.value_.value == 0


def test_trees_of_levels_with_names_and_of_categories(rng):
    X, t, y = three_arms(500, rng)
    t = pd.Categorical(t)
    effects = AIPW(LinearRegression(), LogisticRegression(), contrast="each", random_state=0)
    effects = effects.fit(X, y, t=t).effect_
    frame = pd.DataFrame(X, columns=["u", "v"]).assign(
        place=pd.Categorical(np.where(X[:, 0] > 0, "in", "out"))
    )
    tree = PolicyTree(max_depth=1, cost=[0.0, 0.0, 10.0]).fit(frame, effects)
    assert set(tree.predict(frame)) <= {"a", "b"}
    free = PolicyTree(max_depth=1, min_leaf=200).fit(frame, effects)
    assert set(free.predict(frame)) == {"c"}
    assert_allclose(free.value_.gain_over("a").value, effects[1].value, rtol=1e-9)
    assert "→ c" in repr(free.tree_)


def test_the_value_of_a_policy_is_a_mean_of_scores(rng):
    X, t, y = binary(300, rng)
    effect = AIPW(LinearRegression(), LogisticRegression(), random_state=0).fit(X, y, t=t).effect_
    everyone = policy_value(np.ones(300), effect)
    assert_allclose(everyone.gain_over(0).value, effect.value)
    assert_allclose(everyone.gain_over(0).std_error, effect.std_error)
    assert everyone.gain_over(1).value == 0
    assert_allclose(
        policy_value(np.ones(300), effect, cost=0.5).gain_over(0).value, effect.value - 0.5
    )
    some = policy_value(X[:, 0] > 0, effect)
    arms = effect_scores(effect).arms
    chosen = np.where(X[:, 0] > 0, arms[:, 1], arms[:, 0])
    assert_allclose(some.value, chosen.mean())
    assert_allclose(some.std_error, chosen.std() / np.sqrt(300))
    assert_allclose(some.shares, [np.mean(X[:, 0] <= 0), np.mean(X[:, 0] > 0)])
    assert "share" in some.to_frame().columns
    assert repr(some).startswith("Value of the policy")
    assert some.value in some.interval()


def test_held_out_values_do_not_flatter(rng):
    X, noise = rng.normal(size=(300, 4)), rng.normal(size=300)
    tree = PolicyTree(n_cuts=15, random_state=0)
    inside, outside = tree.fit(X, noise).value_, tree.held_out_value(X, noise)
    assert inside.value > 2 * inside.std_error
    assert abs(outside.value) < 3 * outside.std_error
    assert outside.value == tree.held_out_value(X, noise).value
    assert (outside.n_obs, tree.held_out_value(X, noise, sequential=False).n_obs) == (240, 300)
    grouped = EffectScores(noise, groups=np.repeat(np.arange(60), 5))
    assert tree.held_out_value(X, grouped).df == 47


def test_the_regret_bound_shrinks_with_the_rows(rng):
    tree = PolicyTree(max_depth=1, n_cuts=10, random_state=0)
    few, many = (
        tree.regret_bound(rng.normal(size=(n, 2)), rng.normal(size=n), n_draws=40)
        for n in (100, 1600)
    )
    assert 2.5 < few / many < 6  # a quarter, by √n
    with pytest.raises(InputError, match="at most 2"):
        PolicyTree(max_depth=3).regret_bound(np.zeros((4, 1)), np.zeros(4))


def test_trees_are_estimators(rng):
    X = rng.normal(size=(50, 2))
    tree = clone(PolicyTree(max_depth=1, min_leaf=3)).fit(X, rng.normal(size=50))
    assert clone(tree).max_depth == 1
    assert "max_depth=1" in repr(tree)
    with pytest.raises(NotFittedError):
        PolicyTree().predict(X)
    lines = list(tree.tree_.lines())
    assert len(lines) == len(tree.tree_.column)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_depth": 0}, "max_depth"),
        ({"min_leaf": 0}, "min_leaf"),
        ({"n_cuts": 0}, "n_cuts"),
        ({"cost": "high"}, "cost"),
        ({"cost": [1.0, 2.0, 3.0]}, "cost"),
    ],
)
def test_settings_that_make_no_tree(rng, settings, message):
    with pytest.raises(InputError, match=message):
        PolicyTree(**settings).fit(rng.normal(size=(20, 1)), rng.normal(size=20))


def test_decisions_that_are_none(rng):
    scores = rng.normal(size=10)
    for decisions in (np.full(10, 2), ["treat"] * 10, np.ones(3)):
        with pytest.raises(InputError):
            policy_value(decisions, scores)
    with pytest.raises(InputError, match="no action"):
        policy_value(np.ones(10), scores).gain_over("all")
    with pytest.raises(InputError, match="20 rows"):
        PolicyTree().fit(rng.normal(size=(20, 1)), scores)
    wide = np.column_stack([np.arange(9000.0)] * 2)
    with pytest.raises(InputError, match="n_cuts"):
        PolicyTree(n_cuts=None).fit(wide, np.ones(9000))


def test_levels_may_be_of_several_types(rng):
    for levels in itertools.permutations((0, "new")):
        scores = EffectScores(np.ones(10), levels=levels)
        worth = policy_value(np.array([levels[1]] * 10, dtype=object), scores)
        assert worth.value == pytest.approx(1)
        tree = PolicyTree(min_leaf=2).fit(rng.normal(size=(10, 1)), scores)
        assert set(tree.predict(rng.normal(size=(3, 1)))) == {levels[1]}
