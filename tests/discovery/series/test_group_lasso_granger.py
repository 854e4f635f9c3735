"""GroupLassoGranger: the optimum, the choice on the path, the laws, and truths."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from causalkit._core.series import as_series
from causalkit.discovery.series._lagged_design import blocked_folds, lagged_design
from causalkit.discovery.series.granger._group_lasso import Products, _path, fit_target
from causalkit.discovery.series.granger.group_lasso_granger import GroupLassoGranger
from causalkit.errors import InputError
from tests.oracles import group_lasso as oracle

seeds = st.integers(0, 10**6)


def some_series(seed, n=80, p=4):
    """Series that drive each other a little, in unlike units."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(p, p)) * (rng.random((p, p)) < 0.4)
    weights *= 0.7 / max(0.7, np.abs(np.linalg.eigvals(weights)).max())
    x = rng.normal(size=(n, p))
    for t in range(1, n):
        x[t] += x[t - 1] @ weights
    return x * rng.uniform(0.1, 10.0, p) + rng.normal(size=p)


def parts_of(seed, max_lag=3, **more):
    design = lagged_design(as_series(some_series(seed, **more)), max_lag, n_steps=20, who="a test")
    return design, {nested: Products.of(design, nested=nested) for nested in (False, True)}


# --- the optimum ----------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(seed=seeds, share=st.floats(0.1, 0.9))
def test_the_path_minimises_the_group_lasso(seed, share):
    design, products = parts_of(seed)
    each = [oracle.orthonormal(design.past[:, design.lags_of(i)]) for i in range(4)]
    X, y = np.hstack(each), design.now[:, 1]
    norms = [list(range(3 * i, 3 * i + 3)) for i in range(4)]
    top = max(np.linalg.norm(X[:, g].T @ y) for g in norms) / len(y) / np.sqrt(3)
    penalties = top * np.array([1.0, (1 + share) / 2, share])
    found = design.past @ _path(products[False], 1, penalties, 12)[-1]
    slow = X @ oracle.group_lasso(X, y, [(g, penalties[-1] * np.sqrt(3)) for g in norms])
    assert np.allclose(found, slow, rtol=0, atol=2e-5)


@settings(max_examples=8, deadline=None)
@given(seed=seeds, penalty=st.floats(0.01, 0.3))
def test_the_path_minimises_the_nested_group_lasso(seed, penalty):
    design, products = parts_of(seed)
    found = _path(products[True], 2, np.array([penalty]), 12)[0]
    norms = [
        (list(range(3 * i + lag, 3 * i + 3)), penalty * np.sqrt(3 - lag))
        for i in range(4)
        for lag in range(3)
    ]
    slow = oracle.group_lasso(design.past, design.now[:, 2], norms)
    assert np.allclose(found, slow, rtol=0, atol=2e-5)
    for lags in found.reshape(4, 3):
        assert (np.diff((lags != 0).astype(int)) <= 0).all()  # no lag without the shorter ones


@pytest.mark.parametrize("seed", range(3))
def test_optimality_conditions_where_lags_outnumber_steps(seed):
    design, products = parts_of(seed, n=60, p=30)
    penalty = 0.15
    beta = _path(products[False], 0, np.array([penalty]), 90)[0]
    rest = design.now[:, 0] - design.past @ beta
    assert 0 < np.count_nonzero(beta) < 90
    for i in range(30):
        Q = oracle.orthonormal(design.past[:, design.lags_of(i)])
        pull, own = Q.T @ rest / len(rest), Q.T @ (design.past @ (beta * _only(i, 90, 3))) / len(Q)
        if beta[design.lags_of(i)].any():
            expected = penalty * np.sqrt(3) * own / np.linalg.norm(own)
            assert np.allclose(pull, expected, rtol=0, atol=1e-5)
        else:
            assert np.linalg.norm(pull) <= penalty * np.sqrt(3) + 1e-5


def _only(i, m, size):
    return (np.arange(m) // size == i).astype(float)


# --- the choice and the refit ---------------------------------------------------------------------


def squares_left(design, target, columns):
    X, y = design.past[:, columns], design.now[:, target]
    return np.sum((y - X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2)


@settings(max_examples=10, deadline=None)
@given(seed=seeds, rule=st.sampled_from(["bic", "ebic"]), nested=st.booleans())
def test_the_choice_has_the_best_criterion_on_the_path(seed, rule, nested):
    design, products = parts_of(seed, p=5)
    n = len(design.rows)
    fit = fit_target(products[nested], 0, rule)
    top = fit_target(products[nested], 0, 1e-9)  # all causes in, so any penalty is less
    assert np.count_nonzero(top.coefficients) == 15
    penalties = np.geomspace(2.0, 0.01, 60)
    supports = {tuple(b != 0.0) for b in _path(products[nested], 0, penalties, n // 3)}

    def criterion(support):
        support = np.array(support)
        k, s = support.sum(), support.reshape(5, 3).any(axis=1).sum()
        choices = {0: 1, 1: 5, 2: 10, 3: 10, 4: 5, 5: 1}[int(s)]
        extra = 2 * np.log(choices) if rule == "ebic" else 0.0
        return n * np.log(squares_left(design, 0, support) / n) + k * np.log(n) + extra

    chosen = criterion(fit.coefficients != 0.0)
    assert chosen <= min(map(criterion, supports)) + 1e-3 * n  # their grid may have missed a knot


@settings(max_examples=10, deadline=None)
@given(seed=seeds, nested=st.booleans())
def test_the_refit_is_least_squares(seed, nested):
    import statsmodels.api as sm

    design, products = parts_of(seed)
    fit = fit_target(products[nested], 3, 0.05)
    support = fit.coefficients != 0.0
    slow = sm.OLS(design.now[:, 3], sm.add_constant(design.past[:, support])).fit()
    assert np.allclose(fit.coefficients[support], slow.params[1:])
    assert np.allclose(fit.errors[support], slow.bse[1:])
    n, whole = len(design.rows), squares_left(design, 3, support)
    for i in range(4):
        own = _only(i, 12, 3).astype(bool)
        if support[own].any():
            gain = n * np.log(squares_left(design, 3, support & ~own) / whole)
        else:
            gain = n * np.log(whole / squares_left(design, 3, support | own))
        assert np.isclose(fit.gains[i], gain, rtol=1e-6, atol=1e-6)


def test_folds_are_apart_from_what_they_judge():
    rows = np.array([0, 1, 2, 3, 4, 10, 11, 12, 13, 14])
    for forward in (False, True):
        folds = blocked_folds(rows, 4, 2, forward=forward)
        judged = np.concatenate([test for _, test in folds])
        assert np.array_equal(judged, np.arange(2 if forward else 0, 10))
        for train, test in folds:
            assert np.abs(rows[train][:, None] - rows[test]).min(initial=99) > 2
            assert not forward or rows[train].max(initial=-1) < rows[test].min()


def test_cross_validation_finds_a_strong_cause():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    x[1:, 1] += x[:-1, 0]
    found = GroupLassoGranger(2, penalty="cv").fit(x)
    assert found.graph_.directed[1, 0, 1]
    assert found.penalties_.shape == (6,)


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hierarchical", [False, True])
@pytest.mark.parametrize("penalty", ["ebic", "bic", "cv", 0.1])
def test_order_and_units_of_series_do_not_matter(penalty, hierarchical):
    x = some_series(5, n=150, p=5)
    algorithm = GroupLassoGranger(2, penalty=penalty, hierarchical=hierarchical)
    plain = algorithm.fit(pd.DataFrame(x, columns=list("abcde")))
    order, scale = [3, 0, 4, 2, 1], np.array([1e-8, -3.0, 1e6, 1.0, 7.0])
    frame = pd.DataFrame((x * scale + 2.0)[:, order], columns=list("daecb"))
    other = clone(algorithm).fit(frame)
    assert plain.graph_ == other.graph_
    assert np.allclose(plain.scores_[np.ix_(order, order)], other.scores_, rtol=1e-5, atol=1e-5)
    moved = plain.coefficients_ * scale[None, :] / scale[:, None]
    moved = moved[:, order][:, :, order]
    assert np.allclose(moved, other.coefficients_, rtol=1e-4, atol=1e-9)


def test_libraries_gaps_and_subjects():
    x = some_series(3, n=120)
    names = list("abcd")
    frames = [pd.DataFrame(x, columns=names), pl.DataFrame(x, schema=names), x]
    fits = [GroupLassoGranger(2).fit(frame) for frame in frames]
    assert all(np.array_equal(fits[0].scores_, fit.scores_) for fit in fits)
    holed = x.copy()
    holed[60] = np.nan
    apart = GroupLassoGranger(2).fit([x[:60], x[61:]])
    assert apart.n_obs_ == 58 + 57
    assert np.allclose(GroupLassoGranger(2).fit(holed).scores_, apart.scores_)
    panel = pd.DataFrame(np.delete(x, 60, axis=0), columns=names).assign(who=[1] * 60 + [2] * 59)
    assert np.allclose(GroupLassoGranger(2, panel="who").fit(panel).scores_, apart.scores_)


def test_jobs_and_seeds():
    x = some_series(7, n=100)
    fits = [
        GroupLassoGranger(2, n_subsamples=3, random_state=1, n_jobs=n_jobs).fit(x)
        for n_jobs in (None, 2)
    ]
    assert np.array_equal(fits[0].scores_, fits[1].scores_)
    assert set(np.unique(fits[0].scores_ * 6 % 1)) == {0.0}  # shares of 3 x 2 halves
    assert pickle.loads(pickle.dumps(fits[0])).graph_ == fits[0].graph_


def test_explain():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    x[2:, 1] += x[:-2, 0]
    found = GroupLassoGranger(3).fit({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2]})
    there = found.explain("a[t-2]", "b")
    assert there.edge == "a[t-2] -> b[t]"
    assert "chosen for b" in there.adjacency
    assert "too small to keep" in found.explain("a[t-1]", "b").adjacency
    assert "not among" in found.explain("c[t-1]", "b").adjacency
    assert "within a step" in found.explain("a", "b").adjacency
    halves = GroupLassoGranger(3, n_subsamples=2, random_state=0).fit(x)
    assert "100% of the half-samples" in halves.explain("x0[t-2]", "x1").adjacency


# --- hostile input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "settings_", "message"),
    [
        (lambda x: np.column_stack([x, np.ones(len(x))]), {}, "hold one value only"),
        (lambda x: x[:15], {}, "needs 20 steps"),
        (lambda x: x, {"max_lag": 50}, "needs 20 steps"),
        (lambda x: x, {"max_lag": 0}, "max_lag"),
        (lambda x: x[:, :1], {}, "at least 2"),
        (lambda x: x, {"penalty": "aic"}, "penalty"),
        (lambda x: x, {"penalty": -1.0}, "penalty"),
        (lambda x: x, {"n_folds": 1}, "n_folds"),
        (lambda x: x, {"n_subsamples": -1}, "n_subsamples"),
        (lambda x: np.where(np.arange(len(x))[:, None] % 3, x, np.nan), {}, "needs 20 steps"),
    ],
)
def test_what_cannot_be_used_is_refused(change, settings_, message):
    with pytest.raises(InputError, match=message):
        GroupLassoGranger(**settings_).fit(change(some_series(0, n=60)))


def test_categories_are_refused():
    frame = pd.DataFrame(some_series(0), columns=list("abcd"))
    frame["e"] = pd.Categorical(list("xyzw") * 20)
    with pytest.raises(InputError, match="categorical"):
        GroupLassoGranger().fit(frame)


@pytest.mark.parametrize("hierarchical", [False, True])
def test_copies_of_series_and_huge_values_do_no_harm(hierarchical):
    x = some_series(2, n=100)
    both = np.column_stack([x, x[:, 0], np.roll(x[:, 1], 1), 1e200 * x[:, 2]])
    found = GroupLassoGranger(2, hierarchical=hierarchical, penalty="bic").fit(both)
    assert np.isfinite(found.scores_).all()
    assert np.isfinite(found.strengths_[1:]).all()


# --- truths ---------------------------------------------------------------------------------------


def test_many_series_few_steps():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(150, 100))
    causes = rng.permutation(100)
    for t in range(2, 150):
        x[t] += 0.6 * x[t - 2, causes]
        x[t] /= 1.1
    found = GroupLassoGranger(3).fit(x)
    truth = np.zeros((100, 100), dtype=bool)
    truth[causes, np.arange(100)] = True
    links = found.graph_.directed.any(axis=0)
    assert (links & truth).sum() >= 95
    assert (links & ~truth).sum() <= 10


def test_sparse_autoregressions_of_the_reference_data(shared):
    areas = []
    for k in range(6):
        data = np.load(shared / f"lorenz96_var_sru/var/S_30_T_1000_dataset_{k}.npz")
        found = GroupLassoGranger(3).fit(data["X_np"].T)
        off = ~np.eye(10, dtype=bool)
        areas.append(roc_auc_score(data["Gref"].T[off] > 0, found.scores_[off]))
    assert np.mean(areas) > 0.99


@pytest.mark.slow
def test_noise_has_hardly_any_causes():
    n_links = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n_links += GroupLassoGranger(2).fit(rng.normal(size=(150, 20))).graph_.directed.sum()
    assert n_links <= 0.005 * 30 * 400
