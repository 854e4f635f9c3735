from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist

from causalkit._core.kernel_matrices import centred, factor
from causalkit._core.table import as_table
from causalkit.errors import InputError
from causalkit.scores import KernelCV, KernelMarginal
from tests.conftest import needs_recent_causal_learn
from tests.oracles import scores


def table(rng, n=120):
    x, w = rng.normal(size=(2, n))
    y = np.sin(2 * x) * w + 0.3 * rng.normal(size=n)
    return as_table(np.column_stack([x, w, y, rng.normal(size=n)]))


def numbers_of(bound):
    return np.column_stack([block.numbers for block in bound.factors.blocks]) / np.sqrt(2)


SETS = [[], [0], [1], [0, 1], [3], [0, 1, 3]]


@pytest.mark.parametrize("parents", SETS)
def test_cross_validation_equals_that_with_whole_kernel_matrices(parents):
    bound = KernelCV(max_rank=120).bind(table(np.random.default_rng(0)))
    V, rank = numbers_of(bound), bound.factors([2]).shape[1]
    found = bound(2, parents) + 0.5 * 120 * rank * np.log(0.01)
    expected = scores.kernel_likelihood(V[:, [2]], V[:, parents], 0.01, 0.01, np.arange(120) % 10)
    assert found == pytest.approx(expected, abs=0.05)  # of the factors' tolerance


@pytest.mark.parametrize("parents", SETS[1:])
def test_marginal_likelihood_equals_that_with_whole_kernel_matrices(parents):
    bound = KernelMarginal(max_rank=120).bind(table(np.random.default_rng(0)))
    V = numbers_of(bound)

    def kernel(A):
        K = np.exp(-((A[:, None] - A[None]) ** 2).sum(axis=2))
        H = np.eye(len(A)) - 1 / len(A)
        return H @ K @ H

    Ky = kernel(V[:, [2]])
    shares = np.cumsum(np.linalg.eigvalsh(Ky)[::-1]) / np.trace(Ky)
    thetas = np.exp(np.linspace(-10, 10, 400))
    n_functions = 1 + int((shares < 0.9).sum())
    best = scores.kernel_marginal(kernel(V[:, parents]), Ky, n_functions, thetas)
    expected = best - np.log(120) / 2 * len(parents)
    assert bound(2, parents) == pytest.approx(expected, abs=0.3)  # of the factors' tolerance


@needs_recent_causal_learn
def test_the_oracle_is_what_causal_learn_means():
    """causal-learn 0.1.4 centres its kernel matrices cell by cell; as matrices they are centred.

    Its folds are blocks of rows, and it takes half of the log-determinant and the mean over folds.
    """
    from causallearn.score import LocalScoreFunction

    class Numpy:
        def __getattr__(self, name):
            return getattr(np, name)

        def eye(self, n):
            return np.asmatrix(np.eye(n))

    data = table(np.random.default_rng(1), 60)
    widths = [2 * np.median(pdist(column[:, None])) for column in data.values.T]
    V, fold = data.values / widths, np.arange(60) // 6
    settings = {"kfold": 10, "lambda": 0.01}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(LocalScoreFunction, "np", Numpy())
        for on in SETS:
            ask = LocalScoreFunction.local_score_cv_general
            found = ask(np.array(data.values), 2, on, settings)
            found = 10 * found + 10 * 6**2 / 2 * np.log(2 * np.pi)
            expected = scores.kernel_likelihood(V[:, [2]], V[:, on], 0.01, 0.01, fold, 0.5)
            assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("score", [KernelMarginal(), KernelCV()])
@pytest.mark.parametrize("shape", ["curve", "variance", "interaction", "category"])
def test_dependence_of_any_shape_is_seen(score, shape):
    rng = np.random.default_rng(0)
    x, w, noise = rng.normal(size=(3, 400))
    data = {"x": x, "w": w}
    data["y"] = {
        "curve": np.cos(2 * x) + 0.5 * noise,
        "variance": noise * np.exp(0.7 * x),
        "interaction": x * w + 0.5 * noise,
        "category": noise,
    }[shape]
    if shape == "category":
        data["y"] = pd.Categorical.from_codes((x > 0.5).astype(int) + (noise > 1), list("abc"))
    on = ["x", "w"] if shape == "interaction" else ["x"]
    assert score.local(data, "y", on) > score.local(data, "y") + 10


def test_an_irrelevant_parent_is_seldom_preferred():
    rng = np.random.default_rng(0)
    n_marginal = 0
    for _ in range(60):
        x, z = rng.normal(size=(2, 200))
        y = np.sin(x) + 0.5 * rng.normal(size=200)
        bound = KernelMarginal().bind(as_table(np.column_stack([y, x, z])))
        n_marginal += bound(0, [2]) > 0
        n_marginal += bound(0, [1, 2]) > bound(0, [1])
    assert n_marginal <= 8  # 2 % of 120 are expected; more than 8 have a chance of 1e-3


def test_a_function_without_noise_is_found_and_finite():
    x = np.random.default_rng(0).normal(size=200)
    for score in (KernelMarginal(), KernelCV()):
        gain = score.local({"x": x, "y": np.sin(x)}, "y", "x")
        assert 100 < gain - score.local({"x": x, "y": np.sin(x)}, "y") < np.inf


def test_ties_and_outliers_do_no_harm():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(200) < 0.9, 0.0, rng.normal(size=200))
    y[0] = 1e12
    data = as_table({"y": y, "x": rng.integers(0, 2, 200), "z": rng.standard_cauchy(200)})
    for score in (KernelMarginal(), KernelCV()):
        bound = score.bind(data)
        for node, parents in [(0, [1]), (0, [1, 2]), (1, [0]), (2, [0, 1])]:
            assert np.isfinite(bound(node, parents))


def test_a_short_factor_will_do():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 600))
    data = as_table(np.column_stack([x, w, np.sin(x) * w + rng.normal(size=600)]))
    for kind in (KernelMarginal, KernelCV):
        short, long = kind(max_rank=60).bind(data), kind(max_rank=400).bind(data)
        gains = [bound(2, [0, 1]) - bound(2, []) for bound in (short, long)]
        assert gains[0] == pytest.approx(gains[1], rel=0.02)


def test_factors_are_those_of_the_kernel_matrix():
    bound = KernelMarginal().bind(table(np.random.default_rng(0)))
    block = bound.factors.blocks[1]
    vectors, values = bound.factors.axes([1])
    L = centred(factor(block, 1.0, tolerance=1e-5))
    assert (vectors * values) @ vectors.T == pytest.approx(L @ L.T, abs=1e-6)


@pytest.mark.parametrize("score", [KernelCV(n_folds=1), KernelCV(ridge=0), KernelMarginal(width=0)])
def test_settings_are_checked(score):
    with pytest.raises(InputError):
        score.bind(table(np.random.default_rng(0)))


def test_too_few_rows_for_the_folds():
    with pytest.raises(InputError, match="at least 20 rows"):
        KernelCV().bind(table(np.random.default_rng(0), 19))
