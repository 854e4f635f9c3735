"""Randomisation tests: enumeration, scipy, intervals by order statistics, level, refusals."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import permutation_test, rankdata

from causalkit.errors import InputError
from causalkit.estimation import OLS
from causalkit.estimation._assignments import difference
from causalkit.estimation.randomization import randomization_test


def small(rng, n=10, treated=4):
    t = np.zeros(n)
    t[rng.permutation(n)[:treated]] = 1
    return rng.normal(size=n) + t, t


def gap(y, t):
    return y[t == 1].mean() - y[t == 0].mean()


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_all_assignments_are_those_of_scipy(rng, alternative):
    y, t = small(rng)
    ours = randomization_test(y, t, alternative=alternative, level=None)
    theirs = permutation_test(
        (y[t == 1], y[t == 0]),
        lambda a, b: a.mean() - b.mean(),
        alternative=alternative,
        n_resamples=np.inf,
    )
    assert ours.exact
    assert len(ours.draws) == 210
    assert_allclose([ours.statistic, ours.p_value], [theirs.statistic, theirs.pvalue])
    assert_allclose(np.sort(ours.draws), np.sort(theirs.null_distribution))
    assert ours.confidence is None


def test_drawn_assignments_come_close_to_all(rng):
    y, t = small(rng)
    exact = randomization_test(y, t)
    drawn = randomization_test(y, t, n_permutations=200, random_state=0)
    assert not drawn.exact
    assert abs(drawn.p_value - exact.p_value) < 4 * np.sqrt(0.25 / 200)
    again = randomization_test(y, t, n_permutations=200, random_state=0)
    assert np.array_equal(drawn.draws, again.draws)
    assert_allclose(tuple(drawn.confidence), tuple(exact.confidence), atol=0.5)


def test_the_interval_is_a_pair_of_order_statistics(rng):
    """D(y − τt) ≥ what was seen just where τ ≥ (D₀y − Dy) / (1 − Dt)."""
    y, t = small(rng, 9)
    test = randomization_test(y, t, level=0.9)
    turns = []
    for chosen in combinations(range(9), 4):
        other = np.isin(np.arange(9), chosen).astype(float)
        if not np.array_equal(other, t):
            turns.append((gap(y, t) - gap(y, other)) / (1 - gap(t, other)))
    turns = np.sort(turns)
    # The assignment that was made always counts: k others with it make a share of (k + 1) / 126.
    k = int(np.floor(0.05 * 126))
    assert_allclose(tuple(test.confidence), [turns[k - 1], turns[-k]], rtol=1e-6)
    for end, side in zip(test.confidence, (1e-4, -1e-4), strict=True):
        inside = randomization_test(y, t, null=end + side, level=None).p_value
        outside = randomization_test(y, t, null=end - side, level=None).p_value
        assert outside <= 0.1 < inside


def test_strata_and_clusters_by_enumeration(rng):
    y = rng.normal(size=12)
    strata = np.repeat([0, 1, 2], 4)
    t = np.array([1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0.0])
    test = randomization_test(y, t, strata=strata, level=None)
    draws = []
    for parts in product(
        combinations(range(4), 2), combinations(range(4, 8), 1), combinations(range(8, 12), 2)
    ):
        other = np.isin(np.arange(12), [i for part in parts for i in part]).astype(float)
        draws.append(np.mean([gap(y[strata == s], other[strata == s]) for s in range(3)]))
    assert_allclose(np.sort(test.draws), np.sort(draws))
    assert "12 rows, completely randomised within 3 strata" in repr(test)
    clusters = np.array(list("aaabbccccdde"))
    t = np.isin(clusters, ["a", "d"]).astype(float)
    test = randomization_test(y, t, clusters=clusters, level=None)
    draws = [gap(y, np.isin(clusters, chosen).astype(float)) for chosen in combinations("abcde", 2)]
    assert_allclose(np.sort(test.draws), np.sort(draws))
    assert "5 clusters" in repr(test)
    both = randomization_test(
        y, t, clusters=clusters, strata=np.isin(clusters, ["a", "b"]), level=None
    )
    assert len(both.draws) == 2 * 3


def test_every_statistic_by_its_definition(rng):
    y, t = small(rng, 7)

    def studentized(y, t):
        a, b = y[t == 1], y[t == 0]
        return (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))

    def ranks(y, t):
        return gap(rankdata(y), t)

    for name, function in (("studentized", studentized), ("ranks", ranks), ("difference", gap)):
        built_in = randomization_test(y, t, statistic=name)
        own = randomization_test(y, t, statistic=function)
        assert_allclose(built_in.statistic, own.statistic)
        assert_allclose(built_in.draws, own.draws)
        assert built_in.p_value == own.p_value
        assert_allclose(tuple(built_in.confidence), tuple(own.confidence), rtol=1e-5)
    X = rng.normal(size=(7, 2))
    design = np.column_stack([np.ones(7), X])
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    adjusted = randomization_test(y, t, X=X, level=None)
    assert_allclose(adjusted.draws, randomization_test(left, t, level=None).draws)


def test_covariates_sharpen_and_designs_of_ones_own_are_drawn(rng):
    X = rng.normal(size=(60, 1))
    t = (rng.permutation(60) < 30).astype(float)
    y = 0.5 * t + 2 * X[:, 0] + 0.5 * rng.normal(size=60)
    bare = randomization_test(y, t, n_permutations=500, random_state=0)
    sharp = randomization_test(y, t, X=X, n_permutations=500, random_state=0)
    assert sharp.confidence.width < 0.5 * bare.confidence.width
    assert 0.5 in sharp.confidence
    effect = OLS().fit(X, y, t=t).effect_
    same = randomization_test(effect, n_permutations=500, random_state=0)
    assert same.p_value == sharp.p_value
    coins = randomization_test(
        y,
        t,
        assignment=lambda rng: (rng.random(60) < 0.5).astype(float),
        n_permutations=500,
        random_state=0,
    )
    assert "by a function" in repr(coins)
    assert abs(coins.p_value - bare.p_value) < 0.2
    frame = coins.to_frame()
    assert frame["n_assignments"].item() == 500
    assert bare.plot().get_ylabel() == "assignments"


def test_studentized_clusters_and_large_blocks(rng):
    clusters = np.repeat(np.arange(20), 10)
    t = (clusters < 10).astype(float)
    y = rng.normal(size=20)[clusters] + rng.normal(size=200)
    test = randomization_test(
        y,
        t,
        clusters=clusters,
        statistic="studentized",
        n_permutations=300,
        random_state=0,
        level=None,
    )
    # About standard normal, with the tails of few clusters.
    assert 0.8 < test.draws.std() < 1.4
    naive = randomization_test(y, t, statistic="studentized", n_permutations=300, random_state=0)
    assert naive.confidence.width > 0
    assert difference(t[None, :], y, np.zeros(200, dtype=int)).shape == (1,)


def test_what_is_no_experiment_is_refused(rng):
    y, t = small(rng)
    weighted = OLS().fit(None, y, t=t, sample_weight=np.arange(1.0, 11)).effect_
    refused = [
        ({"y": y}, "t is missing"),
        ({"y": weighted}, "without weights"),
        ({"y": y, "t": y**2}, "two levels"),
        ({"y": y, "t": t, "statistic": "mode"}, "statistic"),
        ({"y": y, "t": t, "alternative": "both"}, "alternative"),
        ({"y": y, "t": t, "clusters": np.arange(10) // 5}, "varies within clusters"),
        ({"y": y, "t": t, "strata": t}, "all treated or all control"),
        ({"y": y, "t": t, "n_permutations": 3}, "n_permutations"),
        ({"y": y, "t": t, "level": 2}, "level"),
        ({"y": y, "t": t, "assignment": "coins"}, "a function that draws"),
        ({"y": y, "t": t, "assignment": lambda rng: rng.normal(size=10)}, "zeros and ones"),
        ({"y": y, "t": t, "assignment": lambda _: np.ones(10)}, "everybody or nobody"),
    ]
    for arguments, message in refused:
        with pytest.raises(InputError, match=message):
            randomization_test(**arguments)
    few = randomization_test([1.0, 2, 3, 4], [0, 1, 0, 1])
    assert few.confidence.width == np.inf


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["difference", "ranks"])
def test_level_and_coverage_hold_in_tiny_samples_of_wild_outcomes(statistic):
    """Cauchy outcomes, six against six: 924 assignments; 500 samples, Monte Carlo error 1 point.

    An exact test may be a little too careful, as 2 · 23 / 924 is the last level below 5 %.
    """
    rng = np.random.default_rng(8)
    covered = rejected = 0
    for _ in range(500):
        t = (rng.permutation(12) < 6).astype(float)
        y = rng.standard_cauchy(12) + 3 * t
        test = randomization_test(y, t, null=3.0, statistic=statistic, level=None)
        rejected += test.p_value <= 0.05
        if statistic == "difference":
            covered += 3.0 in randomization_test(y, t).confidence
    assert 0.02 <= rejected / 500 <= 0.075
    if statistic == "difference":
        assert covered + rejected == 500


@pytest.mark.slow
def test_studentized_level_holds_where_effects_differ():
    """Zero on average, not for anybody; arms of unequal size: the bare difference rejects often."""
    rng = np.random.default_rng(9)
    rejected = {"studentized": 0, "difference": 0}
    for _ in range(500):
        t = (rng.permutation(300) < 60).astype(float)
        y = np.where(t == 1, 3 * rng.normal(size=300), rng.normal(size=300))
        for statistic in rejected:
            p = randomization_test(
                y, t, statistic=statistic, n_permutations=199, level=None, random_state=rng
            ).p_value
            rejected[statistic] += p <= 0.05
    assert rejected["studentized"] / 500 <= 0.085
    assert rejected["difference"] / 500 > 0.12


def test_the_interval_lies_around_the_estimate_where_covariates_differ_by_chance():
    """Arms apart in what explains the outcome: a difference in means is far from the interval."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    t = (x + rng.normal(size=100) > 0).astype(int)
    y = 2 * t + 10 * x + 0.5 * rng.normal(size=100)
    found = randomization_test(y, t, X=x[:, None], random_state=0)
    assert_allclose(found.estimate, OLS().fit(x[:, None], y, t=t).effect_.value)
    assert found.confidence.lower < found.estimate < found.confidence.upper
    assert 2 in found.confidence
    assert "1 covariate(s)" in repr(found)
