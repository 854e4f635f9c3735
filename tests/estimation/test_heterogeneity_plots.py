"""Plots of effects that differ: what is drawn is what was found."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from causalkit.errors import UnknownVariableError
from causalkit.estimation import (
    ConditionalEffects,
    PolicyTree,
    group_effects,
    policy_value,
    rank_weighted_effect,
)


@pytest.fixture
def ax():
    return Figure().add_subplot()


def test_sorted_effects_and_dependence(rng, ax):
    age = rng.normal(size=(50, 1))
    effects = ConditionalEffects(age[:, 0], np.ones(50), age, ("a$ge",))
    assert effects.plot(ax) is ax
    assert_allclose(ax.lines[-1].get_ydata(), np.sort(age[:, 0]))
    other = effects.plot(Figure().add_subplot(), by="a$ge", s=3)
    assert other.get_xlabel() == "a$ge"
    assert np.all(np.diff(other.lines[-1].get_ydata()) > 0)
    with pytest.raises(UnknownVariableError):
        effects.plot(ax, by="age")


def test_groups_and_ranks(rng, ax):
    guess = rng.random(100)
    groups = group_effects(guess, guess)
    groups.plot(ax)
    assert_allclose(ax.lines[-1].get_ydata(), groups.values)
    ranks = rank_weighted_effect(guess, guess)
    ranks.plot(ax)
    assert_allclose(ax.lines[-1].get_ydata(), ranks.toc, atol=1e-12)


def test_trees_and_gains(rng, ax):
    X = {"age": rng.normal(size=100), "wage": rng.normal(size=100)}
    tree = PolicyTree().fit(X, X["age"] * X["wage"]).tree_
    tree.plot(ax, color="k")
    drawn = [text.get_text() for text in ax.texts]
    assert sum("≤" in text for text in drawn) == tree.n_leaves - 1
    gains = policy_value(X["age"] > 0, X["age"]).plot(Figure().add_subplot())
    assert [text.get_text() for text in gains.get_yticklabels()] == [
        "over everyone 0",
        "over everyone 1",
    ]
