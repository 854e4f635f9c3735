"""Means, ranks and tests of ranks, beside scipy and printed tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, rankdata

from causalkit.benchmark.results import Leaderboard
from causalkit.benchmark.storage import Result
from causalkit.benchmark.summary import rank_matrix, rank_test, stratified_mean
from causalkit.errors import InputError

# Quantiles of Nemenyi's test at 0.05 for 2 to 10 methods: Demšar (2006), table 5 (a).
NEMENYI = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)


def board_of(table, measure="shd", models=None, task="discovery"):
    """A leaderboard from rows of values by method."""
    results = [
        Result(
            f"{model} {k} {method}",
            model,
            k,
            100,
            method,
            task,
            "failed" if value is None else "ok",
            0.5,
            {} if value is None else {measure: value},
        )
        for method, values in table.items()
        for k, (model, value) in enumerate(zip(models or ["m"] * len(values), values, strict=True))
    ]
    return Leaderboard(tuple(results))


@settings(max_examples=30)
@given(st.integers(2, 6), st.integers(2, 8), st.integers(0, 1000))
def test_ranks_are_scipys(k, n, seed):
    values = np.random.default_rng(seed).integers(0, 4, size=(n, k)).astype(float)
    assert np.array_equal(rank_matrix(values, "low"), rankdata(values, axis=1))
    assert np.array_equal(rank_matrix(values, "high"), rankdata(-values, axis=1))


def test_no_answer_is_last_and_shared():
    values = np.array([[np.nan, 1.0, np.nan, 5.0]])
    assert rank_matrix(values, "low").tolist() == [[3.5, 1.0, 3.5, 2.0]]
    assert rank_matrix(values, "high").tolist() == [[3.5, 2.0, 3.5, 1.0]]


def test_numbers_that_agree_to_ten_digits_tie():
    values = np.array([[0.1 + 0.2, 0.3, 0.3 + 1e-7], [0.0, 1e-9, 0.0]])
    assert rank_matrix(values, "low").tolist() == [[1.5, 1.5, 3.0], [1.5, 3.0, 1.5]]
    assert stratified_mean([np.full(3, 0.1)])[1] == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_friedman_is_scipys_with_ties_too(seed):
    values = np.random.default_rng(seed).integers(0, 5, size=(9, 4)).astype(float)
    found = rank_test("abcd", rank_matrix(values, "low"), measure="shd")
    expected = friedmanchisquare(*values.T)
    assert np.isclose(found.statistic, expected.statistic)
    assert np.isclose(found.p_value, expected.pvalue)


@pytest.mark.parametrize(("k", "quantile"), list(enumerate(NEMENYI, start=2)))
def test_critical_differences_are_those_that_are_printed(k, quantile):
    ranks = np.tile(np.arange(1.0, k + 1), (12, 1))
    found = rank_test([str(j) for j in range(k)], ranks, measure="shd")
    assert np.isclose(found.critical_difference, quantile * np.sqrt(k * (k + 1) / 72), rtol=4e-4)


def test_groups_are_the_largest_runs_that_do_not_differ():
    ranks = np.array([1.0, 1.5, 3.0, 4.5])
    found = rank_test("abcd", np.tile(ranks, (30, 1)), measure="shd")
    assert 0.5 < found.critical_difference < 1.5
    assert found.groups == (("a", "b"),)
    few = rank_test("abcd", np.tile(ranks, (4, 1)), measure="shd")
    assert 2.0 < few.critical_difference < 3.0
    assert few.groups == (("a", "b", "c"), ("c", "d"))


def test_means_are_of_models_and_errors_of_repeats():
    table = {"a": [1.0, 3.0, 10.0, 10.0, 16.0]}
    board = board_of(table, models=["m", "m", "n", "n", "n"])
    row = board.summary().loc["a"]
    assert row["shd"] == (2 + 12) / 2
    assert row["shd_se"] == pytest.approx(np.sqrt(2 / 2 + 12 / 3) / 2)
    by_model = board.summary(by=["model"])
    assert by_model.loc[("n", "a"), "shd"] == 12
    assert by_model.loc[("n", "a"), "shd_se"] == pytest.approx(2.0)


def test_the_error_of_a_mean_is_the_spread_of_means():
    rng = np.random.default_rng(0)
    drawn = [stratified_mean([rng.normal(0, 1, 5), rng.normal(3, 2, 20)]) for _ in range(4000)]
    means, errors = np.array(drawn).T
    truth = np.sqrt(1 / 5 + 4 / 20) / 2
    assert means.mean() == pytest.approx(1.5, abs=4 * truth / np.sqrt(4000))
    assert means.std() == pytest.approx(truth, rel=0.06)
    assert np.sqrt((errors**2).mean()) == pytest.approx(truth, rel=0.06)


def test_the_best_is_the_one_with_the_best_mean_rank_and_failures_count():
    board = board_of({"a": [1.0, None, None], "b": [2.0, 2.0, 2.0], "c": [3.0, 3.0, 3.0]})
    assert board.best("shd") == "b"
    assert board.summary().loc["a", "failed"] == 2
    assert board.summary().index[0] == "b"
    text = board.to_markdown()
    assert "| b | 1.33 |" in text
    assert text.count("\n") == 7


def test_bias_and_rmse_follow_from_errors():
    board = board_of({"a": [1.0, -3.0], "b": [0.0, 0.0]}, measure="error", task="effect")
    row = board.summary("effect").loc["a"]
    assert row["bias"] == -1
    assert row["rmse"] == pytest.approx(np.sqrt(5))
    assert row["rmse_se"] == pytest.approx(np.std([1, 9], ddof=1) / np.sqrt(2) / 2 / np.sqrt(5))


def test_what_cannot_be_ranked_is_refused():
    board = board_of({"a": [1.0], "b": [2.0]})
    with pytest.raises(InputError, match="two of each"):
        board.ranks("shd")
    with pytest.raises(InputError, match="neither good nor bad"):
        board.ranks("prevalence")
    with pytest.raises(InputError, match="no method has 'auroc'"):
        board.best("auroc")
    with pytest.raises(InputError, match="measure"):
        board.best("nonsense")
    with pytest.raises(InputError, match="task"):
        board.summary("effect")
    with pytest.raises(InputError, match="by"):
        board.summary(by=["repeat"])
    with pytest.raises(InputError, match="no results"):
        Leaderboard(()).summary()
