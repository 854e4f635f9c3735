"""Tests on second moments against theory, published numbers, peers and obvious versions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from causalkit._core.table import as_table
from causalkit.errors import InputError, NumericalError
from causalkit.independence import FisherZ
from causalkit.independence.degenerate_gaussian import DegenerateGaussian
from causalkit.independence.partial_correlation import PartialCorrelation
from causalkit.independence.rank import RankZ, _from_spearman, _nearest_correlation
from causalkit.independence.robust import RobustZ
from tests.independence.designs import numeric_frame, quick_table, weak_mixed_frame
from tests.oracles import independence as regressions
from tests.oracles import linear_tests as oracles

# --- Student's t -------------------------------------------------------------------------------


def test_published_p_values_of_the_t_test(shared):
    arrays = np.load(shared / "ci_tests" / "arrays.npz")
    expected = json.loads((shared / "ci_tests" / "expected.json").read_text())
    n_checked = 0
    for name, cases in expected["tests"].items():
        bound = None
        for case in cases:
            if "t_p" in case:
                bound = bound or PartialCorrelation().bind(as_table(arrays[name]))
                result = bound(case["x"], case["y"], case["S"])
                assert result.p_value == pytest.approx(case["t_p"], abs=1e-9)
                if "bnlearn_cor_df" in case:
                    r, df = case["partial_corr"], case["bnlearn_cor_df"]
                    assert result.statistic == pytest.approx(r * np.sqrt(df / (1 - r**2)))
                n_checked += 1
    assert n_checked >= 30


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(6, 30))
def test_is_the_t_test_of_a_regression_coefficient(seed, n):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, 4)) + rng.normal(size=(n, 1))
    Z = np.column_stack([np.ones(n), values[:, [0, 2, 3]]])
    y = values[:, 1]
    beta, rss, *_ = np.linalg.lstsq(Z, y, rcond=None)
    df = n - 4
    t = beta[1] / np.sqrt(rss[0] / df * np.linalg.inv(Z.T @ Z)[1, 1])
    result = PartialCorrelation().bind(as_table(values))(0, 1, (2, 3))
    assert result.statistic == pytest.approx(t, rel=1e-7)
    assert result.p_value == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-7)


def test_is_exact_with_one_degree_of_freedom():
    rng = np.random.default_rng(0)
    test = PartialCorrelation()
    p_values = [
        test.bind(as_table(rng.normal(size=(5, 4))))(0, 1, (2, 3)).p_value for _ in range(500)
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    with pytest.raises(NumericalError, match="at least 6 rows"):
        test.bind(as_table(rng.normal(size=(5, 5))))(0, 1, (2, 3, 4))


def test_deep_tails_keep_their_order():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    values = np.column_stack([x, x + rng.normal(size=1000), x + 0.8 * rng.normal(size=1000)])
    bound = PartialCorrelation().bind(as_table(values))
    assert 0 < bound(0, 2).p_value < bound(0, 1).p_value < 1e-60


# --- ranks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", ["normal-scores", "spearman"])
def test_increasing_functions_change_nothing(transform):
    frame = numeric_frame(np.random.default_rng(0))
    bent = pd.DataFrame(
        {"a": np.exp(frame["a"]), "b": frame["b"] ** 3, "c": np.arctan(frame["c"]), "d": frame["d"]}
    )
    test = RankZ(transform)
    assert test.test(bent, "a", "b", ["c", "d"]) == test.test(frame, "a", "b", ["c", "d"])


def test_normal_scores_are_fishers_z_of_scipy_scores():
    frame = numeric_frame(np.random.default_rng(1))
    frame["a"] = frame["a"].round()  # ties share their middle rank
    scores = stats.norm.ppf((frame.rank() - 0.5) / len(frame))
    expected = regressions.fisher_z(scores, 0, 1, (2, 3))
    result = RankZ().test(frame, "a", "b", ["c", "d"])
    assert (result.statistic, result.p_value) == (
        pytest.approx(expected[0]),
        pytest.approx(expected[1]),
    )


def test_spearman_is_that_of_scipy():
    frame = numeric_frame(np.random.default_rng(1), n=40).round(0)
    rho = stats.spearmanr(frame["a"], frame["b"]).statistic
    z = np.sqrt(40 * 9 / np.pi**2 - 3) * np.arctanh(2 * np.sin(np.pi / 6 * rho))
    assert RankZ("spearman").test(frame, "a", "b").statistic == pytest.approx(z)


def test_spearman_recovers_gaussian_correlations():
    rng = np.random.default_rng(0)
    corr = np.array([[1.0, 0.8, 0.3], [0.8, 1.0, 0.5], [0.3, 0.5, 1.0]])
    values = rng.multivariate_normal(np.zeros(3), corr, size=200_000)
    rho = stats.spearmanr(values).statistic
    np.testing.assert_allclose(_from_spearman(rho), corr, atol=0.006)


def test_the_nearest_correlation_matrix_is_that_of_higham():
    # Higham (2002), section 4: A = tridiag(1, 1, 1) of order 3; distance 0.5278.
    A = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    X = _nearest_correlation(A)
    expected = np.array([[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]])
    np.testing.assert_allclose(X, expected, atol=5e-5)
    assert np.linalg.norm(X - A) == pytest.approx(0.5278, abs=5e-5)
    assert np.linalg.eigvalsh(X)[0] > -1e-12


def test_indefinite_rank_correlations_are_mended_and_logged(caplog):
    frame = numeric_frame(np.random.default_rng(3), n=5)
    with caplog.at_level("INFO", logger="causalkit.independence.rank"):
        bound = RankZ("spearman").bind(as_table(frame))
    assert "negative eigenvalues" in caplog.text
    assert np.linalg.eigvalsh(bound.fisher.corr)[0] > -1e-9
    with pytest.raises(InputError, match="transform='pearson'"):
        RankZ("pearson")


# --- robust ------------------------------------------------------------------------------------


def t_scatter_by_likelihood(X, nu):
    """Fixed point by plain iteration from the covariance, with an inverse."""
    n, p = X.shape
    mean, V = X.mean(axis=0), np.cov(X, rowvar=False)
    for _ in range(5000):
        d2 = np.einsum("ij,jk,ik->i", X - mean, np.linalg.inv(V), X - mean)
        w = (nu + p) / (nu + d2)
        mean, V = w @ X / w.sum(), ((X - mean) * w[:, None]).T @ (X - mean) / n
    return mean, V


def test_the_scatter_is_the_maximum_of_the_t_likelihood():
    rng = np.random.default_rng(0)
    X = rng.standard_t(3, size=(80, 3)) @ rng.normal(size=(3, 3)) + 5.0
    mean, V = t_scatter_by_likelihood(X, 3.0)
    scale = np.sqrt(np.diag(V))
    corr = RobustZ().bind(as_table(X)).fisher.corr
    np.testing.assert_allclose(corr, V / np.outer(scale, scale), atol=1e-6)

    def log_likelihood(mean, V):
        return stats.multivariate_t(mean, V, df=3).logpdf(X).sum()

    best = log_likelihood(mean, V)
    for _ in range(20):
        push = 0.05 * rng.normal(size=(3, 3))
        assert log_likelihood(mean, V + scale * (push + push.T) * scale[:, None]) < best


@pytest.mark.slow
@pytest.mark.parametrize("tail", ["gauss", "t3", "multivariate t3"])
def test_the_variance_of_robust_correlations_is_the_one_claimed(tail):
    rng = np.random.default_rng(1)
    partials, claimed = [], []
    for _ in range(250):
        X = rng.standard_t(3, size=(200, 4)) if tail == "t3" else rng.normal(size=(200, 4))
        if tail == "multivariate t3":
            X /= np.sqrt(rng.chisquare(3, size=(200, 1)) / 3)
        X[:, :2] += X[:, 2:].sum(axis=1, keepdims=True)
        bound = RobustZ().bind(as_table(X))
        partials.append(np.tanh(bound(0, 1, (2, 3)).statistic / np.sqrt(bound.fisher.n_rows - 5)))
        claimed.append(1 / np.sqrt(bound.fisher.n_rows - 5))
    ratio = np.std(partials) / np.mean(claimed)
    assert (0.75 if tail == "t3" else 0.86) < ratio < 1.14  # ± 3 standard errors, 1 / sqrt(500)


def test_a_tenth_of_bad_rows_does_no_harm():
    rng = np.random.default_rng(0)
    frame = numeric_frame(rng, 400)[["a", "b", "c"]]
    clean = RobustZ().bind(as_table(frame)).fisher.corr
    dirty = frame.copy()
    dirty.iloc[:20] = 1e12 * rng.normal(size=(20, 3))
    np.testing.assert_allclose(RobustZ().bind(as_table(dirty)).fisher.corr, clean, atol=0.1)
    assert abs(FisherZ().bind(as_table(dirty)).corr - clean).max() > 0.2


def test_rows_in_a_plane_have_no_scatter():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 3))
    values[:45, 2] = values[:45, 1]
    with pytest.raises(NumericalError, match="Use RankZ"):
        RobustZ().bind(as_table(values))
    with pytest.raises(InputError, match="degrees"):
        RobustZ(0.0)


# --- blocks ------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_degenerate_gaussian_is_wilks_on_indicators(seed):
    rng = np.random.default_rng(seed)
    frame = weak_mixed_frame(rng, int(rng.integers(40, 120)))
    if seed % 3 == 0:
        frame["c1"] = frame["c2"].cat.rename_categories({"d": "e"})  # a copy under other names
    blocks = {
        name: oracles.one_hot(column.cat.codes.to_numpy())
        if name[0] == "c"
        else column.to_numpy()[:, None]
        for name, column in frame.items()
    }
    x, y, *rest = rng.permutation(frame.columns).tolist()
    chosen = rest[: rng.integers(0, 4)]
    S = np.hstack([np.empty((len(frame), 0)), *(blocks[name] for name in chosen)])
    asked_about = {"c1", "c2"} & {x, y}
    if seed % 3 == 0 and asked_about and {"c1", "c2"} <= {x, y, *chosen}:
        return  # certain, or untestable
    result = DegenerateGaussian().test(frame, x, y, chosen)
    statistic, p_value = oracles.wilks(blocks[x], blocks[y], S)
    assert result.statistic == pytest.approx(statistic, rel=1e-6, abs=1e-9)
    assert result.p_value == pytest.approx(p_value, rel=1e-6)


def test_degenerate_gaussian_on_two_numbers_is_nearly_the_t_test():
    frame = numeric_frame(np.random.default_rng(0), n=60)
    t = PartialCorrelation().test(frame, "a", "b", ["c", "d", "e"]).p_value
    assert DegenerateGaussian().test(frame, "a", "b", ["c", "d", "e"]).p_value == pytest.approx(
        t, rel=0.01
    )


def test_a_set_of_which_every_row_is_used_up():
    table = quick_table(x=np.arange(8) % 3, y=np.arange(8.0) ** 2, z=np.arange(8) // 3)
    assert 0 < DegenerateGaussian().bind(table)(0, 1, (2,)).p_value < 1
    many = quick_table(
        x=np.arange(8) % 4, y=np.arange(8) // 3, z=np.array([0, 1, 2, 0, 3, 3, 1, 2])
    )
    with pytest.raises(NumericalError, match="8 rows"):
        DegenerateGaussian().bind(many)(0, 1, (2,))
