"""Causes of missing cells, and partial correlations that undo what they do."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from causalkit._core.table import as_table
from causalkit.errors import CausalkitWarning, InputError, NumericalError, UnknownVariableError
from causalkit.independence import FisherZ
from causalkit.independence.missing import TestwiseDeletion
from causalkit.independence.missing_causes import causes_of_missingness
from causalkit.independence.missing_correction import MissingnessCorrection
from causalkit.independence.regression_chain import RegressionChain
from tests.oracles import missing as oracles

NAMES = list("abcdef")


def logistic(t):
    return 1 / (1 + np.exp(-t))


def frame_of(rng, n=300):
    """Six columns; cells of a, b, c are missing because of c, d, f: a <- c <- d and b <- f."""
    values = rng.normal(size=(n, 6)) @ rng.normal(size=(6, 6)) + rng.normal(size=(n, 6))
    values /= values.std(axis=0)
    seen = values.copy()
    for column, cause in ((0, 2), (1, 5), (2, 3)):
        seen[rng.random(n) < logistic(2 * values[:, cause] - 1), column] = np.nan
    return pd.DataFrame(seen, columns=NAMES)


CAUSES = {"a": "c", "b": ["f"], "c": ["d"]}


# --- the arithmetic -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_equals_regressions_one_by_one_and_derivatives_by_differences(seed):
    frame = frame_of(np.random.default_rng(seed))
    values = frame.to_numpy()
    bound = MissingnessCorrection(causes=CAUSES).bind(as_table(frame))
    n_missing = np.isnan(values).sum(axis=0)
    for asked, causes in (((0, 4), (2, 3)), ((0, 1, 4), (2, 3, 5)), ((2, 5, 0, 1), (3,))):
        i, j, *rest = asked
        order = sorted({*asked, *causes}, key=bound.rank.__getitem__)
        assert order.index(3) < order.index(2)
        assert n_missing[order[0]] == 0
        sigma, steps = oracles.covariance_by_regressions(values, order)
        at = [order.index(k) for k in asked]
        r = oracles.partial(sigma, at[0], at[1], at[2:])
        variance = oracles.variance_of_partial(steps, at[0], at[1], at[2:])
        worth = (1 - r**2) ** 2 / variance
        z = np.sqrt(worth - len(order) - 1) * np.arctanh(r)
        result = bound(i, j, rest)
        assert result.statistic == pytest.approx(z, rel=1e-5)
        assert result.n_used == frame.iloc[:, order].notna().all(axis=1).sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_regressions_on_the_same_rows_are_fisher_z(seed):
    rng = np.random.default_rng(seed)
    frame = frame_of(rng).interpolate().bfill().ffill()
    rows = rng.random(len(frame)) < 0.3
    frame.loc[rows, list("abc")] = np.nan
    i, j, *rest = rng.permutation(3).tolist()
    bound = MissingnessCorrection(causes={"a": "b", "b": "c"}).bind(as_table(frame))
    expected = FisherZ().bind(as_table(frame[~rows]))
    for given_columns in ((), rest):
        if {i, j, *given_columns} == {0, 1, 2} or {i, j} == {1, 2}:
            result, wanted = bound(i, j, given_columns), expected(i, j, given_columns)
            assert result.statistic == pytest.approx(wanted.statistic, rel=1e-8)
            assert result.n_used == (~rows).sum()


def test_equal_weights_change_the_variances_only_by_what_robust_ones_differ():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40_000, 3)) @ rng.normal(size=(3, 3))
    plain, weighted = RegressionChain.of_length(3), RegressionChain.of_length(3)
    for t in range(3):
        block = values[:, : t + 1]
        plain.add(np.cov(block.T, bias=True).reshape(t + 1, t + 1), len(values), 1e-10)
        weighted.add_weighted(block, np.full(len(values), 0.3), 1e-10)
    assert weighted.sigma == pytest.approx(plain.sigma, rel=1e-9)
    r = oracles.partial(plain.sigma, 0, 1, [2])
    assert plain.worth(r, [2], 0, 1) == pytest.approx(40_000, rel=1e-8)
    assert weighted.worth(r, [2], 0, 1) == pytest.approx(40_000, rel=0.05)


def test_without_causes_it_is_deletion():
    rng = np.random.default_rng(0)
    frame = frame_of(rng).mask(rng.random((300, 6)) < 0.1)
    ours = MissingnessCorrection(causes={}).bind(as_table(frame))
    deletion = TestwiseDeletion().bind(as_table(frame))
    for size in range(4):
        assert ours(0, 1, range(2, 2 + size)) == deletion(0, 1, range(2, 2 + size))
        assert ours.first_separator(0, 1, range(2, 6), size, 0.3) == deletion.first_separator(
            0, 1, range(2, 6), size, 0.3
        )


def test_symmetric_and_free_of_units_and_order():
    rng = np.random.default_rng(4)
    frame = frame_of(rng)
    test = MissingnessCorrection(causes=CAUSES)
    one = test.test(frame, "a", "b", given=["e", "d"])
    units = pd.Series([1e6, -1e-6, 3.0, 1e9, 1, 1], index=NAMES)
    other = test.test((frame * units).sample(frac=1.0, random_state=0)[list("fbdaec")],
                      "b", "a", given=["d", "e"])  # fmt: skip
    assert other.n_used == one.n_used
    assert abs(other.statistic) == pytest.approx(abs(one.statistic), rel=1e-7)


# --- is it right? -------------------------------------------------------------------------------


def by_a_common_effect(rng, n):
    x, y = rng.normal(size=(2, n))
    w = x + y + rng.normal(size=n)
    x_seen = np.where(rng.random(n) < logistic(2 * w - 1), np.nan, x)
    return {"x": x_seen, "y": y, "w": w}, {"x": ["w"]}, ()


def by_a_chain(rng, n):
    x, y, v = rng.normal(size=(3, n))
    w = x + y + v + rng.normal(size=n)
    x_seen = np.where(rng.random(n) < logistic(2 * w - 1), np.nan, x)
    w_seen = np.where(rng.random(n) < logistic(2 * v - 1), np.nan, w)
    return {"x": x_seen, "y": y, "w": w_seen, "v": v}, {"x": ["w"], "w": ["v"]}, ()


def in_the_conditioning_set(rng, n):
    z = rng.normal(size=n)
    x, y = z + rng.normal(size=(2, n))
    w = x + y + rng.normal(size=n)
    z_seen = np.where(w > 0.5, np.nan, z)  # a threshold: no row with a large w is ever complete
    return {"x": x, "y": y, "z": z_seen, "w": w}, {"z": ["w"]}, ("z",)


DESIGNS = by_a_common_effect, by_a_chain, in_the_conditioning_set


def rejections(design, known, n, n_repeats):
    """Shares of p-values below 5 % of the correction and of deletion."""
    rejected = np.zeros(2)
    for seed in range(n_repeats):
        data, causes, given_names = design(np.random.default_rng(seed), n)
        for k, test in enumerate(
            (MissingnessCorrection(causes=causes if known else None), TestwiseDeletion())
        ):
            rejected[k] += test.test(data, "x", "y", given_names).p_value < 0.05
    return rejected / n_repeats


@pytest.mark.parametrize("design", DESIGNS)
def test_true_independences_are_not_rejected_too_often(design):
    corrected, deleted = rejections(design, False, 400, 80)
    assert corrected <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 80)
    assert deleted > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("n", [200, 1000])
@pytest.mark.parametrize("design", DESIGNS)
def test_true_independences_are_rejected_as_often_as_they_should(design, n, known):
    corrected, _ = rejections(design, known, n, 1000)
    assert abs(corrected - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 1000)


def test_true_dependences_are_estimated_without_bias():
    """Cells of y are missing because of a common effect of x and y; their correlation is 0.5."""
    found, naive = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=2000)
        y = (x + np.sqrt(3) * rng.normal(size=2000)) / 2
        w = x + y + rng.normal(size=2000)
        table = as_table({"x": x, "y": np.where(w > 0.5, np.nan, y), "w": w})
        chain, _ = MissingnessCorrection(causes={"y": "w"}).bind(table)._chain([0, 2, 1], (0, 1))
        s = chain.sigma
        found.append(s[0, 2] / np.sqrt(s[0, 0] * s[2, 2]))
        seen = w <= 0.5
        naive.append(np.corrcoef(x[seen], y[seen])[0, 1])
    assert abs(np.mean(found) - 0.5) < 4 * np.std(found) / np.sqrt(60)
    assert abs(np.mean(naive) - 0.5) > 0.15


def test_causes_of_each_others_missing_cells_are_weighted():
    """x and y are independent; the bias of deletion is gone to the largest part."""
    corrected, deleted = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 1500))
        a, b = (x + y + rng.normal(size=(2, 1500))) / 2
        data = {
            "x": np.where(rng.random(1500) < logistic(2 * a - 1), np.nan, x),
            "y": y,
            "a": np.where(rng.random(1500) < logistic(b - 1), np.nan, a),
            "b": np.where(rng.random(1500) < logistic(a - 1), np.nan, b),
        }
        causes = {"a": "b", "b": "a", "x": "a"}
        corrected.append(MissingnessCorrection(causes=causes).test(data, "x", "y").statistic)
        deleted.append(TestwiseDeletion().test(data, "x", "y").statistic)
    assert abs(np.mean(corrected)) < 0.15 * abs(np.mean(deleted))
    assert 0.6 < np.std(corrected) < 1.4


# --- causes of missing cells --------------------------------------------------------------------


def test_causes_are_found():
    frame = frame_of(np.random.default_rng(1), 3000)
    found = causes_of_missingness(frame, alpha=0.001)
    assert found.causes == {"a": ("c",), "b": ("f",), "c": ("d",)}
    assert found.share["a"] == pytest.approx(frame["a"].isna().mean())
    assert "because of" in repr(found)
    assert "<table" in found._repr_html_()


def test_the_cause_of_the_hole_is_found_not_the_neighbour_of_the_column():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 2000))
    d = b + rng.normal(size=2000)
    d[c > 0.5] = np.nan
    assert causes_of_missingness({"a": a, "b": b, "c": c, "d": d}).causes == {"d": ("c",)}


def test_chance_has_no_causes_more_often_than_alpha():
    n_found = n_asked = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        values = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 5))
        values[rng.random(values.shape) < 0.2] = np.nan
        found = causes_of_missingness(values, alpha=0.05)
        n_found += sum(map(len, found.causes.values()))
        n_asked += 20
    assert n_found / n_asked < 0.05 + 4 * np.sqrt(0.05 * 0.95 / n_asked)


def test_complete_data_have_no_causes():
    found = causes_of_missingness(np.random.default_rng(0).normal(size=(50, 3)))
    assert found.causes == {}
    assert "No cell is missing" in repr(found)


def test_columns_that_are_missing_together():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 4))
    values[values[:, 3] > 0.5, :2] = np.nan
    found = causes_of_missingness(values)
    assert found.causes == {"x0": ("x3",), "x1": ("x3",)}


# --- hostile ------------------------------------------------------------------------------------


def test_what_is_said_about_causes_is_checked():
    frame = frame_of(np.random.default_rng(0))
    with pytest.raises(UnknownVariableError):
        MissingnessCorrection(causes={"nobody": "a"}).bind(as_table(frame))
    with pytest.raises(UnknownVariableError):
        MissingnessCorrection(causes={"a": "nobody"}).bind(as_table(frame))
    with pytest.raises(InputError, match="its own cells missing"):
        MissingnessCorrection(causes={"a": ["b", "a"]}).bind(as_table(frame))
    with pytest.raises(InputError, match="alpha"):
        MissingnessCorrection(alpha=1.5).bind(as_table(frame))


def test_causes_that_copy_each_other_do_no_harm():
    rng = np.random.default_rng(0)
    frame = frame_of(rng)
    frame["copy"] = frame["d"]
    one = MissingnessCorrection(causes={"c": ["d"]}).test(frame, "c", "e", given="f")
    both = MissingnessCorrection(causes={"c": ["d", "copy"]}).test(frame, "c", "e", given="f")
    assert both.statistic == pytest.approx(one.statistic, rel=0.02)


def test_too_few_rows_are_untestable():
    frame = frame_of(np.random.default_rng(0), 40)
    frame.loc[6:, "c"] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        bound = MissingnessCorrection(causes=CAUSES).bind(as_table(frame))
    with pytest.raises(NumericalError, match="causes of their missing cells"):
        bound(0, 1, [4])


@pytest.mark.parametrize("causes", [5, ["a"], "a"])
def test_known_causes_are_a_mapping(causes):
    data = {"a": [1.0, 2, 4, 3, np.nan], "b": [1.0, 3, 2, 4, 5]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        with pytest.raises(InputError, match="expected a mapping"):
            MissingnessCorrection(causes=causes).test(data, "a", "b")
