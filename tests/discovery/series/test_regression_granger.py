"""RegressionGranger: the kernel regression, the comparison of losses, the level, and truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import kstest, t
from sklearn.base import clone
from sklearn.kernel_ridge import KernelRidge as PeerRidge
from sklearn.linear_model import LinearRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from causalkit.discovery.series.granger import _kernel_ridge
from causalkit.discovery.series.granger._kernel_ridge import KernelRidge
from causalkit.discovery.series.granger._loss_comparison import compared, times_of
from causalkit.discovery.series.granger.regression_granger import RegressionGranger
from causalkit.errors import InputError


def driven(seed, n=200, p=3):
    """The first series drives the second by a square, two steps later."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, p))
    for s in range(2, n):
        x[s] = 0.5 * x[s - 1] + rng.normal(size=p)
        x[s, 1] += 1.5 * x[s - 2, 0] ** 2
    return x


# --- kernel ridge regression ----------------------------------------------------------------------


def kernel(A, B, d):
    return np.exp(-((A[:, None] - B) ** 2).sum(axis=2) / (2 * d)) + 3.0 * A @ B.T / d


@pytest.mark.parametrize(("seed", "d"), [(0, 1), (9574, 1), (1, 2), (2, 5)])
def test_each_target_has_the_ridge_that_leaving_rows_out_prefers(seed, d):
    rng = np.random.default_rng(seed)
    X, X_new = rng.normal(size=(30, d)), rng.normal(size=(7, d))
    Y = np.column_stack([np.sin(2 * X[:, 0]), X[:, 0], rng.normal(size=30)])
    Y = Y + 0.1 * rng.normal(size=Y.shape)
    found = KernelRidge(d).fit(X, Y).predict(X_new)
    K = kernel(X, X, d)
    for k, y in enumerate(Y.T):
        y, mean = y - y.mean(), y.mean()  # the mean is taken once, as it is in the fit
        errors = []
        ridges = 10.0 ** np.arange(-5.0, 2.1, 0.5)
        for ridge in ridges:
            left = []
            for out in range(30):
                kept = np.arange(30) != out
                dual = np.linalg.solve(K[np.ix_(kept, kept)] + ridge * np.eye(29), y[kept])
                left.append(y[out] - K[out, kept] @ dual)
            errors.append(np.square(left).sum())
        best = PeerRidge(alpha=ridges[np.argmin(errors)], kernel="precomputed").fit(K, y)
        expected = mean + best.predict(kernel(X_new, X, d))
        assert np.allclose(found[:, k], expected, rtol=1e-4, atol=1e-4)


def test_landmarks_that_are_all_rows_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    Y = np.sin(X) + 0.1 * rng.normal(size=(60, 2))
    exact = KernelRidge(2).fit(X, Y).predict(X)
    monkeypatch.setattr(_kernel_ridge, "_LANDMARKS", 59)
    assert np.allclose(KernelRidge(2).fit(X, Y).predict(X), exact, rtol=0, atol=1e-2)
    twice = KernelRidge(2).fit(np.repeat(X[:30], 2, axis=0), np.repeat(Y[:30], 2, axis=0))
    assert np.isfinite(twice.predict(X)).all()


# --- losses ---------------------------------------------------------------------------------------


def test_losses_are_compared_as_newey_and_west_say():
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    excess = np.convolve(rng.normal(size=203), [1, 1, 1, 1], mode="valid")[:, None] + 0.3
    n_lags = int(0.75 * 200 ** (1 / 3)) + 1
    slow = sm.OLS(excess[:, 0], np.ones(200)).fit(
        cov_type="HAC", cov_kwds={"maxlags": n_lags - 1, "use_correction": False}
    )
    expected = t.sf(slow.tvalues[0], 199)
    assert np.isclose(compared(excess, np.arange(200))[0], expected)


def test_borders_lie_between_losses():
    follows = np.ones(60, dtype=bool)
    follows[[0, 30]] = False
    times = times_of(np.arange(60), follows)
    assert (np.diff(times)[np.arange(59) != 29] == 1).all()
    assert times[30] - times[29] > 0.75 * 60 ** (1 / 3) + 1
    rng = np.random.default_rng(1)
    whole = rng.normal(size=(60, 1))
    other = whole.copy()
    other[30:] = other[30:][::-1]
    assert not np.isclose(compared(whole, np.arange(60)), compared(other, np.arange(60)))


# --- what is found --------------------------------------------------------------------------------


def test_a_square_is_found_at_its_lag():
    found = RegressionGranger(max_lag=2).fit(pd.DataFrame(driven(0), columns=list("abc")))
    assert found.graph_.summary_graph().lags("a", "b") == (2,)
    assert found.pair_p_values_[0, 1] < 1e-4
    assert found.p_values_[2, 0, 1] < 1e-3
    assert np.isnan(found.p_values_[0]).all()
    why = found.explain("a[t-2]", "b")
    assert why.edge == "a[t-2] -> b[t]"
    assert "larger" in why.adjacency
    assert "lag 2 alone" in why.adjacency
    assert "within a step" in found.explain("a", "b").adjacency


@pytest.mark.parametrize("forward", [False, True])
def test_any_regressor_will_do(forward):
    x = driven(3, n=300)
    for regressor in (
        DecisionTreeRegressor(max_depth=4),
        make_pipeline(StandardScaler(), DecisionTreeRegressor(max_depth=4)),
    ):
        algorithm = RegressionGranger(
            regressor, max_lag=2, n_folds=3, forward=forward, random_state=0
        )
        found = algorithm.fit(x)
        assert found.pair_p_values_[0, 1] < 0.05
        assert np.array_equal(found.scores_, clone(algorithm).fit(x).scores_)
    assert regressor.steps[1][1].random_state is None  # what was passed in is left alone


def test_a_linear_regressor_gives_the_losses_of_least_squares():
    x = driven(4, n=120, p=2)
    found = RegressionGranger(LinearRegression(), max_lag=1, n_folds=4).fit(x)
    z = (x - x[1:].mean(axis=0)) / x[1:].std(axis=0)
    now, past = z[1:], z[:-1]
    with_, without = [], []
    for test in np.array_split(np.arange(119), np.linspace(0, 119, 5).round().astype(int)[1:-1]):
        train = np.setdiff1d(np.arange(119), np.arange(test[0] - 1, test[-1] + 2))
        for columns, losses in (([0, 1], with_), ([1], without)):
            X = np.column_stack([np.ones(119), past[:, columns]])
            slopes = np.linalg.lstsq(X[train], now[train, 1], rcond=None)[0]
            losses.extend((now[test, 1] - X[test] @ slopes) ** 2)
    assert np.isclose(found.scores_[0, 1], np.log(np.mean(without) / np.mean(with_)))
    assert np.isclose(found.loss_[1], np.mean(with_))


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("regressor", [None, DecisionTreeRegressor(max_depth=4, random_state=0)])
def test_order_units_and_libraries_do_not_matter(regressor):
    x = driven(5, n=120)
    algorithm = RegressionGranger(regressor, max_lag=2, n_folds=3)
    plain = algorithm.fit(pd.DataFrame(x, columns=list("abc")))
    assert np.array_equal(
        plain.scores_, clone(algorithm).fit(pl.DataFrame(x, schema=list("abc"))).scores_
    )
    order = [2, 0, 1]
    frame = pd.DataFrame((x * [2.0**-20, -4.0, 2.0**40])[:, order], columns=list("cab"))
    other = clone(algorithm).fit(frame)
    mirrored = regressor is None  # trees split otherwise where a column is turned round
    if mirrored:
        assert plain.graph_ == other.graph_
        assert np.allclose(plain.scores_[np.ix_(order, order)], other.scores_, atol=1e-6)
    turned = clone(algorithm).fit(pd.DataFrame(x[:, order], columns=list("cab")))
    assert np.allclose(plain.scores_[np.ix_(order, order)], turned.scores_)
    assert np.allclose(plain.strengths_[:, order][:, :, order], turned.strengths_, equal_nan=True)


def test_jobs_gaps_and_subjects():
    x = driven(6, n=160)
    fits = [RegressionGranger(max_lag=1, n_jobs=n_jobs).fit(x) for n_jobs in (None, 2)]
    assert np.array_equal(fits[0].scores_, fits[1].scores_)
    holed = x.copy()
    holed[80, 1] = np.nan
    apart = RegressionGranger(max_lag=1).fit(holed)
    assert apart.n_obs_ == 79 + 78
    panel = pd.DataFrame(np.delete(x, 80, axis=0)).assign(who=[1] * 80 + [2] * 79)
    panel.columns = [*"abc", "who"]
    together = RegressionGranger(max_lag=1, panel="who").fit(panel)
    assert together.n_obs_ == apart.n_obs_
    assert np.allclose(together.scores_, apart.scores_, atol=0.05)  # folds have other gaps


def test_correction_for_the_number_of_pairs():
    x = driven(7)
    plain = RegressionGranger(correction=None).fit(x)
    holm = RegressionGranger(correction="holm").fit(x)
    assert np.array_equal(plain.pair_p_values_, holm.pair_p_values_)
    assert (holm.adjusted_p_values_ >= plain.adjusted_p_values_).all()


@pytest.mark.parametrize(
    ("change", "settings_", "message"),
    [
        (lambda x: np.column_stack([x, np.ones(len(x))]), {}, "hold one value only"),
        (lambda x: x[:30], {}, "needs 40 steps"),
        (lambda x: x, {"max_lag": 90}, "needs 40 steps"),
        (lambda x: x[:45], {"n_folds": 10, "forward": True}, "to learn from"),
        (lambda x: x, {"regressor": DecisionTreeRegressor}, "expected a scikit-learn regressor"),
        (lambda x: x, {"regressor": "forest"}, "expected a scikit-learn regressor"),
        (lambda x: x, {"alpha": 1.0}, "alpha"),
        (lambda x: x, {"correction": "fdr"}, "correction"),
        (lambda x: x, {"n_folds": 1}, "n_folds"),
        (lambda x: x, {"n_jobs": 0}, "n_jobs"),
    ],
)
def test_what_cannot_be_used_is_refused(change, settings_, message):
    with pytest.raises(InputError, match=message):
        RegressionGranger(**settings_).fit(change(driven(0, n=100)))


def test_copies_and_huge_values_do_no_harm():
    x = driven(8, n=100)
    both = np.column_stack([x, 1e200 * x[:, 0], np.round(x[:, 1])])
    found = RegressionGranger().fit(both)
    assert np.isfinite(found.scores_).all()
    assert np.isfinite(found.pair_p_values_).all()


# --- truths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("forcing", [10, 40])
def test_chaos_of_the_reference_data(shared, forcing):
    data = np.load(shared / f"lorenz96_var_sru/lorenz96/F_{forcing}_T_500_dataset_1.npz")
    found = RegressionGranger().fit(data["X_np"].T)
    off = ~np.eye(10, dtype=bool)
    assert roc_auc_score(data["Gref"].T[off] > 0, found.scores_[off]) > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_independent_series_are_linked_no_more_often_than_alpha_says(memory):
    p_values = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(300, 2))
        for s in range(1, 300):
            x[s] += memory * x[s - 1]
        p_values += RegressionGranger(alpha=1e-9).fit(x).pair_p_values_[[0, 1], [1, 0]].tolist()
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 160)
    assert kstest(p_values, "uniform", alternative="greater").pvalue > 1e-4  # none too small
