"""RATE: its definition, closed forms, ties and weights, and its influence by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from causalkit.errors import AssumptionWarning, InputError
from causalkit.estimation import (
    ConditionalEffects,
    EffectScores,
    rank_weighted_effect,
    standard_error,
)

WEIGHTINGS = ("autoc", "qini")


def toc_by_definition(priority, scores, k):
    """Mean score of the k rows with the highest priority, less the mean of all."""
    return scores[np.argsort(-priority)[:k]].mean() - scores.mean()


def test_the_curve_is_its_definition(rng):
    priority, scores = rng.random(60), rng.normal(size=60)
    found = rank_weighted_effect(priority, scores, n_shares=12)
    expected = [toc_by_definition(priority, scores, 5 * k) for k in range(1, 13)]
    assert_allclose(found.toc, expected, atol=1e-12)
    assert found.toc_covariance[-1, -1] == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_the_area_is_that_under_the_curve(rng, weighting):
    priority, scores = rng.random(12), rng.normal(size=12)
    ordered = scores[np.argsort(-priority)]

    def toc(q):
        whole = int(q * 12)
        return (ordered[:whole].sum() + (q * 12 - whole) * ordered[min(whole, 11)]) / (12 * q)

    def integrand(q):
        return (toc(q) - scores.mean()) * (q if weighting == "qini" else 1)

    area = sum(quad(integrand, k / 12, (k + 1) / 12)[0] for k in range(12))
    assert_allclose(rank_weighted_effect(priority, scores, weighting=weighting).value, area)


@pytest.mark.parametrize(("weighting", "truth"), [("autoc", 1 / 4), ("qini", 1 / 12)])
def test_closed_forms(weighting, truth):
    """An effect U on (0, 1) that ranks by itself: TOC(q) = (1 − q)/2."""
    u = (np.arange(20_000) + 0.5) / 20_000
    assert_allclose(rank_weighted_effect(u, u, weighting=weighting).value, truth, rtol=1e-3)
    assert_allclose(rank_weighted_effect(-u, u, weighting=weighting).value, -truth, rtol=1e-3)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("tied", [False, True])
def test_the_influence_is_the_derivative_in_the_shares_of_the_rows(rng, weighting, tied):
    n, step = 25, 1e-6
    priority = rng.integers(4, size=n).astype(float) if tied else rng.random(n)
    scores, weights = rng.normal(size=n), rng.random(n) + 0.5
    shares = weights / weights.sum()
    found = rank_weighted_effect(priority, scores, weighting=weighting, sample_weight=weights)
    for row in range(n):
        moved = shares * (1 - step)
        moved[row] += step
        other = rank_weighted_effect(priority, scores, weighting=weighting, sample_weight=moved)
        slope = (other.value - found.value) / step
        assert_allclose(slope, found.influence[row], atol=1e-4)
    assert_allclose(shares @ found.influence, 0, atol=1e-12)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_laws(rng, weighting):
    priority, scores = rng.random(80), rng.normal(size=80)
    found = rank_weighted_effect(priority, scores, weighting=weighting)
    moved = rank_weighted_effect(np.exp(5 * priority), 3 * scores + 7, weighting=weighting)
    assert_allclose(moved.value, 3 * found.value)
    assert_allclose(moved.std_error, 3 * found.std_error)
    order = rng.permutation(80)
    shuffled = rank_weighted_effect(priority[order], scores[order], weighting=weighting)
    assert_allclose([shuffled.value, shuffled.std_error], [found.value, found.std_error])
    counts = rng.integers(1, 4, size=80)
    rows = np.repeat(np.arange(80), counts)
    weighted = rank_weighted_effect(priority, scores, weighting=weighting, sample_weight=counts)
    repeated = rank_weighted_effect(
        priority[rows], scores[rows], weighting=weighting, clusters=rows
    )
    assert_allclose(weighted.value, repeated.value)
    # Sampling weights: the repeated rows clustered by the row they repeat, but for G/(G − 1).
    assert_allclose(weighted.std_error, repeated.std_error * np.sqrt(79 / 80))
    assert repeated.interval().width > 2 * 1.96 * repeated.std_error  # Student's


def test_ties_are_ranked_at_random_on_average(rng):
    priority, scores = rng.integers(3, size=30).astype(float), rng.normal(size=30)
    found = rank_weighted_effect(priority, scores).value
    broken = [
        rank_weighted_effect(priority + 1e-6 * rng.random(30), scores).value for _ in range(300)
    ]
    assert_allclose(np.mean(broken), found, atol=4 * np.std(broken) / np.sqrt(300))


def test_two_rankings_of_the_same_rows(rng):
    good = rng.random(500)
    scores = good + rng.normal(size=500)
    first, second = (rank_weighted_effect(p, scores) for p in (good, rng.random(500)))
    found = first.difference(second)
    assert_allclose(found.value, first.value - second.value)
    assert_allclose(standard_error(found.influence), found.std_error)
    assert found.p_value() < 0.01
    assert first.difference(first).std_error == 0
    with pytest.raises(InputError, match="same rows"):
        first.difference(rank_weighted_effect(good, -scores))


def test_effects_out_of_fold_rank_within_their_fold(rng):
    values, folds = rng.random(100), np.repeat([0, 1], 50)
    scores = values + rng.normal(size=100)
    effects = [
        ConditionalEffects(
            values + shift * folds, None, values[:, None], ("x",), folds=folds, rows=np.arange(100)
        )
        for shift in (0.0, 10.0)
    ]
    first, second = (rank_weighted_effect(e, EffectScores(scores)) for e in effects)
    assert_allclose(first.value, second.value)
    later = replace(effects[0], rows=np.arange(20, 120))
    among = EffectScores(np.concatenate([np.full(20, 9.0), scores]))
    assert_allclose(rank_weighted_effect(later, among).value, first.value)
    with pytest.warns(AssumptionWarning, match="sequential=True"):
        rank_weighted_effect(replace(effects[0], rows=None), scores)


def test_reports(rng):
    found = rank_weighted_effect(rng.random(50), rng.normal(size=50), weighting="qini")
    assert repr(found).startswith("Qini")
    assert list(found.to_frame().columns) == ["share", "toc", "std_error", "lower", "upper"]
    joint, alone = found.curve(), found.curve(joint=False)
    assert (joint[:-1, 0] < alone[:-1, 0]).all()
    assert 0 <= found.p_value() <= 1


@pytest.mark.parametrize(
    ("priority", "message"),
    [
        (np.ones(10), "all priorities are equal"),
        (np.arange(9.0), "10 numbers"),
        (np.full(10, np.nan), "finite"),
        (["a"] * 10, "finite"),
    ],
)
def test_what_ranks_nothing(rng, priority, message):
    with pytest.raises(InputError, match=message):
        rank_weighted_effect(priority, rng.normal(size=10))
    with pytest.raises(InputError, match="weighting"):
        rank_weighted_effect(np.arange(10.0), rng.normal(size=10), weighting="area")
