"""The baselines for series: correlations, regressions and chance, each as plain as it claims."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import pearsonr
from sklearn.base import clone

from causalkit.benchmark.baselines import LaggedCorrelation, LagOne, RandomLinks
from causalkit.errors import InputError

BASELINES = (LaggedCorrelation(2), LagOne(), RandomLinks(2, random_state=0))


def some_series(seed, n=80):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    x[2:, 1] += 0.8 * x[:-2, 0]
    x[1:, 2] += 0.8 * x[:-1, 1]
    return pd.DataFrame(x, columns=list("abc"))


def test_correlations_are_scipys():
    frame = some_series(0)
    found = LaggedCorrelation(2).fit(frame)
    x = frame.to_numpy()
    for lag in (1, 2):
        for i in range(3):
            for j in range(3):
                expected = pearsonr(x[2 - lag : len(x) - lag, i], x[2:, j])
                assert np.isclose(found.strengths_[lag, i, j], expected.statistic)
                assert np.isclose(found.p_values_[lag, i, j], expected.pvalue)
    assert np.array_equal(found.scores_, np.abs(found.strengths_[1:]).max(axis=0))


def test_the_last_step_is_a_regression():
    frame = some_series(1)
    found = LagOne().fit(frame)
    x = frame.to_numpy()
    for j in range(3):
        slow = sm.OLS(x[1:, j], sm.add_constant(x[:-1])).fit()
        assert np.allclose(found.p_values_[1, :, j], slow.pvalues[1:])


def test_chance_finds_the_share_that_it_is_given():
    x = np.random.default_rng(0).normal(size=(50, 20))
    found = RandomLinks(3, share=0.3, random_state=1).fit(x)
    assert abs(found.graph_.directed[1:].mean() - 0.3) < 0.05
    assert not found.graph_.directed[0].any()


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda b: type(b).__name__)
def test_order_does_not_matter_and_answers_explain(baseline):
    frame = some_series(2)
    found = clone(baseline).fit(frame)
    other = clone(baseline).fit(frame[["c", "a", "b"]] * [1e5, -1e-5, 1.0])
    order = [2, 0, 1]
    assert np.allclose(found.scores_[np.ix_(order, order)], other.scores_)
    assert found.graph_ == other.graph_
    assert found.explain("a[t-1]", "b").pair == ("a[t-1]", "b[t]")
    assert "within a step" in found.explain("a", "b").adjacency
    with pytest.raises(InputError, match="hold one value only"):
        clone(baseline).fit(frame.assign(d=1.0))
    with pytest.raises(InputError, match="steps"):
        clone(baseline).fit(frame[:8])


def test_what_is_out_of_range_is_refused():
    for baseline in (LaggedCorrelation(alpha=2.0), RandomLinks(share=0.0), LaggedCorrelation(0)):
        with pytest.raises(InputError):
            baseline.fit(some_series(0))
    with pytest.raises(InputError, match="needs 33 steps"):
        LagOne().fit(np.random.default_rng(0).normal(size=(31, 30)))
