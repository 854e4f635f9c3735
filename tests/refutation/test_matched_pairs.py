"""Rosenbaum's bounds: published values, enumeration of all flips, laws, and what is refused."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from causalkit.errors import InputError
from causalkit.estimation import Effect
from causalkit.estimation.weighting.matching import Matching
from causalkit.refutation import rosenbaum_bounds

mpl.use("Agg")

EXPOSED = (
    "38 23 41 18 37 36 23 62 31 34 24 14 21 17 16 20 15 10 45 39 22 35 49 48 44 35 43 39 34 13 73 "
    "25 27"
)
CONTROL = (
    "16 18 18 24 19 11 10 15 16 18 18 13 19 10 16 16 24 13 9 14 21 19 7 18 19 12 11 22 25 16 13 "
    "11 13"
)
LEAD = np.array(EXPOSED.split(), float) - np.array(CONTROL.split(), float)
"""Lead in the blood of 33 pairs of children (Morton et al. 1982), as in Rosenbaum (2002)."""

small = st.lists(st.integers(-4, 4), min_size=2, max_size=7).filter(any)


# --- published -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gamma", "largest"), [(2, 0.0018), (3, 0.0136), (4, 0.0388), (4.25, 0.0468), (5, 0.0740)]
)
def test_p_values_of_lead_in_childrens_blood(gamma, largest):
    """Rosenbaum (2002), Observational Studies, section 4.3 (normal approximation, one-sided)."""
    bounds = rosenbaum_bounds(LEAD, alternative="greater", exact=False)
    least, found = bounds.p_values(gamma)
    assert found == pytest.approx(largest, abs=5e-5)
    assert least < 1e-4


@pytest.mark.parametrize(
    ("gamma", "least", "largest"),
    [(1, 15, 15), (2, 10.25, 19.5), (3, 8, 23), (4, 6.5, 25), (5, 5, 26.5)],
)
def test_estimates_for_lead_in_childrens_blood(gamma, least, largest):
    """Rosenbaum (2002), section 4.3: ranges of Hodges-Lehmann estimates."""
    found = rosenbaum_bounds(LEAD).estimates(gamma)
    assert found == pytest.approx((least, largest), abs=1e-9)


# --- against enumeration -------------------------------------------------------------------------


def by_enumeration(d, chance, statistic):
    """P(T ≥ observed): each pair that is not zero is positive with this chance."""
    d = np.array(d, float)
    ranks = stats.rankdata(np.abs(d)) if statistic == "signed rank" else np.ones(len(d))
    observed, kept = ranks[d > 0].sum(), ranks[d != 0]
    total = 0.0
    for signs in itertools.product((0, 1), repeat=len(kept)):
        if np.dot(signs, kept) >= observed - 1e-9:
            total += np.prod(np.where(signs, chance, 1 - chance))
    return total


@settings(max_examples=40)
@given(small, st.sampled_from([1.0, 1.5, 4.0]), st.sampled_from(["signed rank", "sign"]))
def test_p_values_are_those_of_all_flips(d, gamma, statistic):
    share = gamma / (1 + gamma)
    for alternative, sign in (("greater", 1), ("less", -1)):
        found = rosenbaum_bounds(d, statistic=statistic, alternative=alternative).p_values(gamma)
        flipped = [sign * value for value in d]
        for p, chance in zip(found, (1 - share, share), strict=True):
            assert p == pytest.approx(by_enumeration(flipped, chance, statistic), abs=1e-9)


def test_without_hidden_bias_it_is_the_ordinary_test():
    d = np.random.default_rng(0).normal(0.4, 1, size=25)
    ranked = rosenbaum_bounds(d, exact=True)
    expected = stats.wilcoxon(d, method="exact").pvalue
    assert ranked.p_values(1.0) == pytest.approx((expected, expected))
    signs = rosenbaum_bounds(d, statistic="sign").p_values(1.0)[0]
    assert signs == pytest.approx(stats.binomtest(int((d > 0).sum()), 25).pvalue)


@pytest.mark.parametrize("statistic", ["signed rank", "sign"])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_the_interval_holds_the_shifts_that_are_not_rejected(statistic, gamma):
    d = np.random.default_rng(1).normal(1, 1, size=30)
    interval = rosenbaum_bounds(d, statistic=statistic).interval(gamma)

    def rejected(shift):
        moved = rosenbaum_bounds(d - shift, statistic=statistic, alternative="two-sided")
        return moved.p_values(gamma)[1] <= 0.05

    step = 1e-9
    assert rejected(interval.lower - step)
    assert not rejected(interval.lower + step)
    assert not rejected(interval.upper - step)
    assert rejected(interval.upper + step)


def test_estimates_leave_the_statistic_at_its_expectation():
    d = np.random.default_rng(2).normal(size=40)
    bounds = rosenbaum_bounds(d)
    means = [(d[i] + d[j]) / 2 for i in range(40) for j in range(i, 40)]
    assert bounds.estimates(1.0) == pytest.approx((np.median(means), np.median(means)))
    least, largest = bounds.estimates(3.0)
    assert np.mean(np.array(means) > least) == pytest.approx(0.75, abs=2e-3)
    assert np.mean(np.array(means) > largest) == pytest.approx(0.25, abs=2e-3)
    signs = rosenbaum_bounds(d, statistic="sign")
    assert signs.estimates(1.0)[0] == pytest.approx(np.median(d))


def test_many_pairs_are_counted_rather_than_listed(monkeypatch):
    from causalkit.refutation import signed_ranks

    d = np.random.default_rng(3).normal(0.2, 1, size=150)
    listed = rosenbaum_bounds(d)
    expected = listed.estimates(1.5), tuple(listed.interval(1.5))
    monkeypatch.setattr(signed_ranks, "MOST_MEANS", 10)
    counted = listed.estimates(1.5), tuple(listed.interval(1.5))
    assert counted[0] == pytest.approx(expected[0], abs=1e-9)
    assert counted[1] == pytest.approx(expected[1], abs=1e-9)
    normal = rosenbaum_bounds(d, exact=False)
    assert normal.p_values(1.5) == pytest.approx(listed.p_values(1.5), rel=0.05, abs=1e-4)
    assert normal.interval(1.5).lower == pytest.approx(expected[1][0], abs=0.02)


# --- laws ----------------------------------------------------------------------------------------


def test_the_critical_gamma_is_where_the_p_value_passes():
    bounds = rosenbaum_bounds(LEAD, alternative="greater", exact=False)
    critical = bounds.critical_gamma()
    assert bounds.p_values(critical)[1] == pytest.approx(0.05, abs=1e-6)
    assert critical == pytest.approx(4.345, abs=0.01)
    assert rosenbaum_bounds(LEAD - 15).critical_gamma() == 1.0
    assert rosenbaum_bounds(LEAD, alternative="less").critical_gamma() == 1.0


def test_more_hidden_bias_leaves_less_known():
    frame = rosenbaum_bounds(LEAD, gammas=[1, 2, 3, 4]).to_frame()
    assert frame["p_largest"].is_monotonic_increasing
    assert frame["effect_least"].is_monotonic_decreasing
    assert frame["from"].is_monotonic_decreasing
    assert frame["to"].is_monotonic_increasing


def test_amplification():
    bounds = rosenbaum_bounds(LEAD)
    for gamma, treatment in ((1.25, 2.0), (4.0, 10.0)):
        outcome = bounds.amplified(gamma, treatment)
        assert (treatment * outcome + 1) / (treatment + outcome) == pytest.approx(gamma)
    assert bounds.amplified(1.25, 2.0) == pytest.approx(2.0)  # Rosenbaum & Silber (2009)


def test_too_few_pairs_leave_everything_open():
    interval = rosenbaum_bounds([1.0, 2.0, 3.0]).interval(1.0)
    assert tuple(interval) == (-np.inf, np.inf)


# --- from an effect, report, errors --------------------------------------------------------------


def test_an_effect_of_matching_brings_its_pairs():
    """Treated at 0, 1, 2 and 2.1; controls near each of the first three, and one far away."""
    x = np.array([0.0, 1.0, 2.0, 2.1, 0.05, 0.9, 2.2, 9.0])
    t = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    y = np.array([5.0, 7.0, 9.0, 4.0, 1.0, 2.0, 3.0, 0.0])
    matching = Matching(target="ATT", n_matches=1).fit({"x": x}, y, t=t).effect_
    bounds = rosenbaum_bounds(matching)
    assert bounds.differences.tolist() == [4.0, 5.0, 6.0]
    assert bounds.n_reused == 1
    assert "1 matches share" in str(bounds)
    several = Matching(target="ATT", n_matches=2).fit({"x": x}, y, t=t).effect_
    with pytest.raises(InputError, match="n_matches=1"):
        rosenbaum_bounds(several)
    with pytest.raises(InputError, match="estimated by OLS"):
        rosenbaum_bounds(Effect(1.0, 0.1, 10, "OLS"))


def test_report_and_picture():
    bounds = rosenbaum_bounds(LEAD)
    assert "33 matched pairs" in str(bounds)
    assert "p-value" in bounds.plot().get_ylabel()


def test_errors():
    with pytest.raises(InputError, match=r"gamma=0\.9"):
        rosenbaum_bounds(LEAD, gammas=[0.9])
    with pytest.raises(InputError, match="not all numbers"):
        rosenbaum_bounds(["a", "b"])
    for bad in ([1.0], [0.0, 0.0], [1.0, np.nan], [[1.0, 2.0]]):
        with pytest.raises(InputError, match="differences have shape"):
            rosenbaum_bounds(bad)
    with pytest.raises(InputError, match="statistic"):
        rosenbaum_bounds(LEAD, statistic="t")
    with pytest.raises(InputError, match="above gamma"):
        rosenbaum_bounds(LEAD).amplified(2.0, 1.5)
