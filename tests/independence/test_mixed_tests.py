"""Regression and conditional Gaussian tests against statsmodels, scipy and obvious versions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from causalkit._core.table import as_table
from causalkit.errors import NumericalError
from causalkit.independence.conditional_gaussian import ConditionalGaussian
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.likelihood_ratio import LikelihoodRatio
from tests.independence.designs import category, quick_table, weak_mixed_frame
from tests.oracles import linear_tests as oracles


def design(frame, names):
    """Constant, numbers and indicators."""
    return pd.get_dummies(frame[list(names)], drop_first=True, dtype=float).assign(const=1.0)


def one_way(frame, target, new, given):
    """p-value of `new` in the regression of `target`, by statsmodels."""
    small, large = design(frame, given), design(frame, [*given, new])
    if target[0] == "n":
        fits = [sm.OLS(frame[target], X).fit() for X in (small, large)]
        return fits[1].compare_f_test(fits[0])[1]
    codes = frame[target].cat.codes
    fits = [sm.MNLogit(codes, X).fit(disp=0, method="newton", maxiter=100) for X in (small, large)]
    levels, added = frame[target].nunique(), large.shape[1] - small.shape[1]
    return stats.chi2.sf(2 * (fits[1].llf - fits[0].llf), added * (levels - 1))


@pytest.mark.parametrize("seed", range(6))
def test_regressions_are_those_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    frame = weak_mixed_frame(rng, 300)
    x, y, *rest = rng.permutation(frame.columns).tolist()
    chosen = rest[: seed % 3 + 1]
    one, two = one_way(frame, x, y, chosen), one_way(frame, y, x, chosen)
    expected = min(2 * min(one, two), max(one, two))
    assert LikelihoodRatio().test(frame, x, y, chosen).p_value == pytest.approx(expected, rel=1e-5)


def test_two_categories_give_the_g_test():
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=200)
    b = (a + rng.integers(4, size=200)) % 4
    counts = pd.crosstab(a, b)
    G, p, df, _ = stats.chi2_contingency(counts, lambda_="log-likelihood", correction=False)
    assert LikelihoodRatio().bind(quick_table(a=a, b=b))(0, 1).p_value == pytest.approx(p, rel=1e-6)
    N, r, c = 200, counts.sum(axis=1), counts.sum(axis=0)
    williams = 1 + (N * (1 / r).sum() - 1) * (N * (1 / c).sum() - 1) / (6 * N * df)
    conditional = ConditionalGaussian().bind(quick_table(a=a, b=b))(0, 1)
    assert conditional.statistic == pytest.approx(G / williams)
    assert conditional.p_value == pytest.approx(stats.chi2.sf(G / williams, df))


def test_perfect_separation_is_evidence_and_no_accident():
    x = np.linspace(-1, 1, 60)
    result = LikelihoodRatio().bind(quick_table(x=x, y=(x > 0).astype(int)))(0, 1)
    # The deviance of the empty model is all there is to explain: 2 n log 2.
    assert result.p_value < stats.chi2.sf(2 * 60 * np.log(2), 1) * 1e6
    assert np.isfinite(result.statistic)
    z = np.random.default_rng(0).normal(size=60)
    with pytest.raises(NumericalError, match="determine"):
        LikelihoodRatio().bind(quick_table(z=z, y=(x > 0).astype(int), x=x))(0, 1, (2,))


@pytest.mark.parametrize(
    ("x", "y", "given"),
    [
        ("n0", "n1", ()), ("n0", "n1", ("c0",)), ("n0", "n1", ("n2", "c1")), ("n0", "c1", ()),
        ("n0", "c1", ("n1",)), ("n0", "c1", ("n1", "c0")), ("c0", "c1", ("n0", "n1")),
    ],
)  # fmt: skip
def test_conditional_gaussian_is_four_likelihoods(x, y, given):
    frame = weak_mixed_frame(np.random.default_rng(0), 4000)
    columns = {
        name: column.cat.codes.to_numpy() if name[0] == "c" else column.to_numpy()
        for name, column in frame.items()
    }
    expected = oracles.conditional_gaussian(columns, {"c0", "c1", "c2"}, x, y, given)
    found = ConditionalGaussian().test(frame, x, y, given)
    assert found.statistic == pytest.approx(expected, rel=0.02, abs=0.05)  # Bartlett's factor
    assert found.n_used == 4000


def test_conditional_gaussian_sees_what_the_degenerate_one_cannot():
    rng = np.random.default_rng(0)
    d = rng.integers(2, size=400)
    u, v = rng.normal(size=(2, 400))
    spread = quick_table(d=d, x=u * (1 + d))
    swapped = quick_table(d=d, x=u, y=np.where(d == 1, u, -u) + v)
    assert ConditionalGaussian().bind(spread)(0, 1).p_value < 1e-10
    assert DegenerateGaussian().bind(spread)(0, 1).p_value > 0.01
    assert ConditionalGaussian().bind(swapped)(1, 2, (0,)).p_value < 1e-10
    assert DegenerateGaussian().bind(swapped)(1, 2, (0,)).p_value > 0.01


def test_rows_in_small_cells_are_set_aside_and_counted():
    rng = np.random.default_rng(0)
    group = np.repeat([0, 1, 2], [50, 48, 2])
    frame = pd.DataFrame(
        {"g": category(group), "x": rng.normal(size=100), "y": rng.normal(size=100)}
    )
    assert ConditionalGaussian().test(frame, "x", "y", "g").n_used == 98
    bound = ConditionalGaussian().bind(as_table(frame))
    kept = ConditionalGaussian().test(
        frame[frame["g"] != "c"].assign(g=group[:98] > 0), "x", "y", "g"
    )
    assert bound(1, 2, (0,)).p_value == pytest.approx(kept.p_value)


@pytest.mark.slow
def test_a_common_numeric_cause_of_categories_needs_the_regression_test():
    rng = np.random.default_rng(0)
    rejected = {}
    for test in (LikelihoodRatio(), DegenerateGaussian(), ConditionalGaussian()):
        p_values = []
        for _ in range(400):
            c = rng.normal(size=800)
            a, b = (c + rng.logistic(size=(2, 800)) > 0).astype(int)
            p_values.append(test.bind(quick_table(a=a, b=b, c=c))(0, 1, (2,)).p_value)
        rejected[type(test).__name__] = np.mean(np.array(p_values) < 0.05)
    assert rejected["LikelihoodRatio"] < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
