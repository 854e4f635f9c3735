"""Standard errors: weights, clusters, bootstrap, folds."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import InputError, NuisanceWarning, NumericalError
from causalkit.estimation import (
    AIPW,
    IPW,
    OLS,
    PLR,
    Asymptotic,
    Bootstrap,
    GComputation,
    standard_error,
)
from causalkit.estimation.moments import LinearScore
from causalkit.estimation.nuisances.crossfitting import assign_folds
from causalkit.estimation.problem import as_problem
from tests.estimation.simulations import binary, linear


def test_singletons_are_no_clusters(rng):
    X, t, y = binary(120, rng)
    for estimator in (OLS(covariance="HC0"), IPW(), GComputation()):
        alone = estimator.fit(X, y, t=t).effect_
        single = estimator.fit(X, y, t=t, groups=np.arange(120)[::-1]).effect_
        k = 0 if isinstance(estimator, OLS) else 4 if isinstance(estimator, IPW) else 8
        rows = (120 / (120 - k)) if k else 1
        clustered = 120 / 119 * ((120 - 1) / (120 - k) if k else 1)
        assert_allclose(single.std_error / alone.std_error, np.sqrt(clustered / rows), rtol=1e-9)


def test_duplicated_rows_with_clusters_teach_nothing(rng):
    X, t, y = binary(100, rng)
    twice = np.tile(np.arange(100), 2)
    for estimator in (OLS(covariance="HC0"), GComputation(), IPW()):
        once = estimator.fit(X, y, t=t).effect_
        again = estimator.fit(X[twice], y[twice], t=t[twice], groups=twice).effect_
        assert_allclose(again.value, once.value, rtol=1e-9)
        assert_allclose(again.std_error, once.std_error, rtol=0.06)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_cluster_labels_may_be_anything(rng):
    X, t, y = binary(60, rng)
    numbers = rng.integers(9, size=60)
    by_number = OLS().fit(X, y, t=t, groups=numbers).effect_
    names = np.array([f"school {g}" for g in numbers])
    mixed = np.array([int(g) if g < 5 else f"s{g}" for g in numbers], dtype=object)
    for labels in (names, names.tolist(), mixed, numbers * 1000.0 - 7):
        assert OLS().fit(X, y, t=t, groups=labels).effect_.std_error == by_number.std_error
    with pytest.raises(InputError, match="one cluster"):
        OLS().fit(X, y, t=t, groups=np.zeros(60))
    with pytest.raises(InputError, match="missing"):
        OLS().fit(X, y, t=t, groups=np.where(numbers == 0, np.nan, numbers))
    with pytest.raises(InputError, match="shape"):
        OLS().fit(X, y, t=t, groups=numbers[:5])


def test_weights_are_checked(rng):
    X, t, y = binary(60, rng)
    for bad in (-np.ones(60), np.zeros(60), np.full(60, np.nan), np.ones(3)):
        with pytest.raises(InputError, match="sample weights"):
            OLS().fit(X, y, t=t, sample_weight=bad)
    with pytest.raises(InputError, match="no row has"):
        OLS().fit(X, y, t=t, sample_weight=(t == 1).astype(float))


def test_the_bootstrap_is_close_to_the_formula(rng):
    X, t, y = linear(300, rng)
    groups = np.arange(300) // 3
    y = y + rng.normal(size=100)[groups]
    t = t + rng.normal(size=100)[groups]
    for clusters in (None, groups):
        formula = OLS().fit(X, y, t=t, groups=clusters).effect_
        boot = OLS(inference=Bootstrap(400, random_state=0)).fit(X, y, t=t, groups=clusters).effect_
        assert boot.value == formula.value
        # Monte Carlo error of a standard deviation from 400 draws is 3.5 %.
        assert_allclose(boot.std_error, formula.std_error, rtol=0.2)
    again = OLS(inference=Bootstrap(400, random_state=0)).fit(X, y, t=t, groups=groups).effect_
    assert again.std_error == boot.std_error


def test_the_bootstrap_gives_up_where_arms_vanish(rng):
    X, _, y = binary(40, rng)
    t = np.zeros(40)
    t[:2] = 1
    with pytest.raises(NumericalError, match="resamples"):
        OLS(inference=Bootstrap(50, random_state=0)).fit(None, y, t=t)
    with pytest.raises(InputError, match="n_resamples"):
        Bootstrap(1)
    with pytest.raises(InputError, match="inference"):
        OLS(inference="bootstrap").fit(X, y, t=t)


@given(
    n=st.integers(10, 80),
    n_folds=st.integers(2, 5),
    n_groups=st.integers(5, 30),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_folds(n, n_folds, n_groups, seed):
    rng = np.random.default_rng(seed)
    strata = rng.integers(3, size=n).astype(float)
    folds = assign_folds(n_folds, rng, n, strata=strata)
    sizes = np.bincount(folds, minlength=n_folds)
    assert sizes.max() - sizes.min() <= 1
    for level in np.unique(strata):
        inside = np.bincount(folds[strata == level], minlength=n_folds)
        assert inside.max() - inside.min() <= 1
    groups = rng.integers(n_groups, size=n)
    if len(np.unique(groups)) < n_folds:
        return
    folds = assign_folds(n_folds, rng, n, strata=strata, groups=groups)
    assert set(folds) == set(range(n_folds))
    for g in np.unique(groups):
        assert len(np.unique(folds[groups == g])) == 1


def test_linear_scores():
    score = LinearScore(np.array([-1.0, -1, -2]), np.array([2.0, 4, 2]))
    value, influence = score.solve(np.ones(3))
    assert value == 2
    assert_allclose(influence, [0, 1.5, -1.5])
    assert_allclose(standard_error(influence), np.sqrt(4.5) / 3)
    with pytest.raises(NumericalError):
        LinearScore(np.array([1.0, -1.0]), np.ones(2)).solve(np.ones(2))


def test_clustered_aipw_widens_the_interval(rng):
    groups = np.repeat(np.arange(60), 10)
    shared = rng.normal(size=60)[groups]
    X = shared[:, None] + 0.1 * rng.normal(size=(600, 1))
    t = (rng.normal(size=60)[groups] > 0).astype(float)
    y = t + X[:, 0] + rng.normal(size=60)[groups] + 0.2 * rng.normal(size=600)
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    clustered = aipw.fit(X, y, t=t, groups=groups).effect_
    # Rows of one cluster give away what the others have, which trees find and lines do not.
    with pytest.warns(NuisanceWarning):
        naive = aipw.fit(X, y, t=t).effect_
    assert clustered.std_error > 2 * naive.std_error
    assert_allclose(clustered.std_error, standard_error(clustered.influence, groups))
    assert "60 clusters" in repr(clustered)


@pytest.mark.filterwarnings("ignore:the standard error rests on")
def test_intervals_are_students_where_they_should_be():
    """OLS: n - k, as statsmodels; clusters: their number less one, as Stata."""
    rng = np.random.default_rng(0)
    t, x = rng.normal(size=(2, 12))
    y = t + rng.normal(size=12)
    fit = sm.OLS(y, np.column_stack([np.ones(12), t, x])).fit(cov_type="HC1", use_t=True)
    effect = OLS().fit(x[:, None], y, t=t).effect_
    assert effect.df == 9
    assert_allclose(tuple(effect.interval(0.9)), fit.conf_int(0.1)[1], rtol=1e-9)
    assert_allclose(effect.p_value(), fit.pvalues[1], rtol=1e-9)
    groups = np.repeat(np.arange(4), 3)
    assert OLS().fit(x[:, None], y, t=t, groups=groups).effect_.df == 3


@pytest.mark.parametrize("covariance", ["HC1", "HC3"])
def test_degrees_of_freedom_count_observations_not_rows(rng, covariance):
    """Rows of weight zero are not there; a row of frequency five is there five times."""
    x, t, noise = rng.normal(size=(3, 30))
    y, counts = t + noise, np.where(np.arange(30) < 12, 5, 0)
    seen = counts > 0
    few = OLS(covariance=covariance).fit(x[seen, None], y[seen], t=t[seen]).effect_
    zeros = OLS(covariance=covariance).fit(x[:, None], y, t=t, sample_weight=1.0 * seen).effect_
    assert zeros.df == few.df == 9
    assert_allclose(tuple(zeros.interval()), tuple(few.interval()))
    rows = np.repeat(np.arange(30), counts)
    repeated = OLS(covariance=covariance).fit(x[rows, None], y[rows], t=t[rows]).effect_
    by_count = OLS(covariance=covariance, inference=Asymptotic("frequency"))
    folded = by_count.fit(x[:, None], y, t=t, sample_weight=counts).effect_
    assert_allclose(tuple(folded.interval()), tuple(repeated.interval()))


def test_repeats_of_frequency_weighted_rows_spread_as_they_do(rng):
    """Definition 3.3 of Chernozhukov et al. (2018), with the standard errors of repeated rows."""
    X, t, y = linear(40, rng)
    counts = rng.integers(1, 60, size=40)
    problem = as_problem(X, y, t, sample_weight=counts)
    scores, values = [*rng.normal(size=(5, 40))], rng.normal(size=5)
    plr = PLR(inference=Asymptotic("frequency"))
    found = plr.influence(problem, plr._median_scores(values, scores, problem))
    squares = [standard_error(np.repeat(phi, counts)) ** 2 for phi in scores]
    expected = np.median(squares + (values - np.median(values)) ** 2)
    assert_allclose(standard_error(found) ** 2, expected)
