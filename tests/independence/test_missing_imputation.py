"""Multiple imputation: draws of missing cells, and pooled tests."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from causalkit._core.table import as_table
from causalkit.errors import CausalkitWarning, InputError, NumericalError
from causalkit.independence import BoundTest, CIResult, CITest, FisherZ
from causalkit.independence.gaussian_imputation import impute
from causalkit.independence.imputed import BoundImputed, MultipleImputation
from causalkit.independence.missing import TestwiseDeletion
from tests.oracles import missing as oracles


def holey(rng, n=150, share=0.25):
    z = rng.normal(size=n)
    x, y, u = z + rng.normal(size=(3, n))
    values = np.column_stack([x, y, z, u])
    values[rng.random(values.shape) < share] = np.nan
    return values


def filled(values, seed=0, discrete=None, n_sweeps=30):
    discrete = np.zeros(values.shape[1], dtype=bool) if discrete is None else discrete
    return impute(values, discrete, n_sweeps, np.random.default_rng(seed))


# --- draws --------------------------------------------------------------------------------------


def test_observed_cells_stay_and_missing_ones_are_filled():
    values = holey(np.random.default_rng(0))
    full = filled(values)
    seen = ~np.isnan(values)
    assert np.array_equal(full[seen], values[seen])
    assert np.isfinite(full).all()


def test_draws_have_the_mean_and_spread_of_the_true_regression():
    """y = 2 x + noise of sd 3, half of y missing where x is large: the posterior is known."""
    rng = np.random.default_rng(0)
    x = rng.normal(10, 2, size=4000)
    y = 2 * x + 3 * rng.normal(size=4000)
    y[x > 10] = np.nan
    left = np.concatenate(
        [(full[:, 1] - 2 * full[:, 0])[np.isnan(y)]
         for full in (filled(np.column_stack([x, y]), seed) for seed in range(10))]
    )  # fmt: skip
    assert abs(left.mean()) < 0.6
    assert left.std() == pytest.approx(3.0, rel=0.06)


def test_moments_are_right_on_average_when_cells_are_missing_at_random():
    """Cells of x are missing where x + y + noise is large: complete rows would mislead."""
    means, covariances = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, 800))
        w = x + y + rng.normal(size=800)
        x[w > 0.7] = np.nan
        full = filled(np.column_stack([x, y, w]), seed)
        means.append(full[:, 0].mean())
        covariances.append(np.cov(full.T)[0, 1])
    for found in (means, covariances):
        assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(25)


@pytest.mark.parametrize("power", [-200, 0, 200])
def test_draws_come_in_the_units_of_the_column(power):
    values = holey(np.random.default_rng(1), n=80)
    unit = 10.0**power
    assert filled(values * unit) == pytest.approx(filled(values) * unit, rel=1e-6)


def test_two_levels_stay_two_levels_and_keep_their_share():
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    flag = (x + rng.normal(size=3000) > 1).astype(float)
    holes = flag.copy()
    holes[rng.random(3000) < 1 / (1 + np.exp(-x))] = np.nan
    full = filled(np.column_stack([x, holes]), discrete=np.array([False, True]))
    assert set(full[:, 1]) == {0.0, 1.0}
    gone = np.isnan(holes)
    assert full[gone, 1].mean() == pytest.approx(flag[gone].mean(), abs=0.08)
    assert abs(flag[~gone].mean() - flag[gone].mean()) > 0.1


def test_fewer_rows_than_columns():
    values = np.random.default_rng(0).normal(size=(8, 15))
    values[0, :7] = values[3, 4:9] = np.nan
    assert np.isfinite(filled(values)).all()


# --- pooling ------------------------------------------------------------------------------------


def test_pooled_as_rubin_barnard_and_foraita_say():
    from scipy.stats import t

    values = holey(np.random.default_rng(2))
    bound = MultipleImputation(n_imputations=7, random_state=3).bind(as_table(values))
    assert isinstance(bound, BoundImputed)
    for rest in ((), (2,), (2, 3)):
        z = [one(0, 1, rest).statistic for one in bound.bound]
        pooled, df = oracles.rubin(np.array(z), 150 - len(rest) - 3)
        result = bound(0, 1, rest)
        assert result.statistic == pytest.approx(pooled, rel=1e-12)
        assert result.p_value == pytest.approx(2 * t.sf(abs(pooled), df), rel=1e-9)
        assert 0 < result.n_used < 150


def test_complete_data_are_not_imputed():
    values = np.random.default_rng(0).normal(size=(50, 3))
    result = MultipleImputation().test(values, "x0", "x1", "x2")
    assert result == FisherZ().test(values, "x0", "x1", "x2")


def test_columns_that_no_hole_touches_answer_as_without():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(60, 3))
    values[:20, 2] = np.nan
    test = MultipleImputation(random_state=0)
    result, expected = test.test(values, "x0", "x1"), FisherZ().test(values, "x0", "x1")
    assert result.p_value == pytest.approx(expected.p_value, rel=1e-9)
    assert result.n_used == 60
    assert test.test(values, "x0", "x2").n_used < 60


@dataclass(frozen=True, slots=True)
class Permuting(CITest):
    """A test whose statistic, |r|, is not standard normal."""

    def bind(self, table):
        return BoundPermuting(table.values)


@dataclass(frozen=True, slots=True, eq=False)
class BoundPermuting(BoundTest):
    values: np.ndarray

    def __call__(self, i, j, given=()):  # noqa: ARG002
        rng = np.random.default_rng(0)
        x, y = self.values[:, i], self.values[:, j]
        null = [abs(np.corrcoef(rng.permutation(x), y)[0, 1]) for _ in range(60)]
        r = abs(np.corrcoef(x, y)[0, 1])
        return CIResult(r, (1 + np.sum(null >= r)) / 61, len(x))


def test_other_statistics_give_their_median_p_value():
    values = holey(np.random.default_rng(4), n=60)
    bound = MultipleImputation(Permuting(), n_imputations=5, random_state=0).bind(as_table(values))
    expected = np.median([one(0, 1).p_value for one in bound.bound])
    assert bound(0, 1).p_value == expected


def test_the_seed_decides_and_nothing_else():
    values = holey(np.random.default_rng(5))
    one, same, other = (
        MultipleImputation(random_state=seed).test(values, "x0", "x1", "x2") for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def rejections(n, n_repeats, mechanism):
    count = np.zeros(2)
    for seed in range(n_repeats):
        rng = np.random.default_rng(seed)
        x, y = rng.normal(size=(2, n))
        w = x + y + rng.normal(size=n)
        data = {"x": x, "y": y, "w": w}
        if mechanism == "MAR":
            data["x"] = np.where(rng.random(n) < 1 / (1 + np.exp(1 - 2 * w)), np.nan, x)
        else:
            data = {k: np.where(rng.random(n) < 0.25, np.nan, v) for k, v in data.items()}
        pooled = MultipleImputation(n_imputations=5, n_sweeps=15, random_state=seed)
        for k, test in enumerate((pooled, TestwiseDeletion())):
            count[k] += test.test(data, "x", "y").p_value < 0.05
    return count / n_repeats


@pytest.mark.parametrize("mechanism", ["MCAR", "MAR"])
def test_true_independences_are_not_rejected_too_often(mechanism):
    pooled, deleted = rejections(200, 40, mechanism)
    assert pooled <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 40)
    assert mechanism == "MCAR" or deleted > 0.25


@pytest.mark.slow
@pytest.mark.parametrize("mechanism", ["MCAR", "MAR"])
@pytest.mark.parametrize("n", [120, 500])
def test_rejections_keep_the_level(mechanism, n):
    pooled, _ = rejections(n, 1000, mechanism)
    # Rubin's rules err on the safe side; see their t reference with few imputations
    assert 0.02 < pooled < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 1000)


# --- hostile ------------------------------------------------------------------------------------


def test_a_pair_that_is_never_seen_together_is_untestable():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 3))
    values[:40, 0] = values[40:, 1] = np.nan
    with pytest.warns(CausalkitWarning, match="'x0' and 'x1': 0"):
        bound = MultipleImputation(random_state=0).bind(as_table(values))
    with pytest.raises(NumericalError, match="seen together in 0 rows"):
        bound(0, 1)
    assert 0 <= bound(0, 2).p_value <= 1


def test_copies_of_a_column_are_untestable_given_each_other_or_dependent():
    values = holey(np.random.default_rng(0))
    values = np.column_stack([values, values[:, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        bound = MultipleImputation(random_state=0).bind(as_table(values))
    assert bound(0, 4).p_value < 1e-12


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ({"x": [1.0, 2, 3, 4, np.nan], "y": [np.nan] * 5}, "no observed value"),
        ({"x": [1.0, 2, 3, 4, np.nan], "y": [2.0, 2, 2, 2, np.nan]}, "one value only"),
        (
            pd.DataFrame({"x": [1.0, 2, 3, np.nan], "y": pd.Categorical(list("abcc"))}),
            "categorical with 3 levels",
        ),
    ],
)
def test_columns_that_cannot_be_imputed_are_named(frame, message):
    with pytest.raises(InputError, match=message):
        MultipleImputation().bind(as_table(frame))


@pytest.mark.parametrize("settings", [{"n_imputations": 1}, {"n_sweeps": 0}, {"random_state": "a"}])
def test_settings_are_checked(settings):
    with pytest.raises(InputError, match="expected"):
        MultipleImputation(**settings).bind(as_table(holey(np.random.default_rng(0))))


def test_the_seed_is_checked_on_complete_data():
    with pytest.raises(InputError, match="random_state='x'"):
        MultipleImputation(random_state="x").bind(as_table(np.eye(5)))


# --- nearly functions of each other ---------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_a_copy_with_one_hole_is_a_copy(sign):
    data = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 3)), columns=list("abc"))
    data["e"] = np.where(np.arange(200) == 3, np.nan, 2 + sign * data["a"])
    test = MultipleImputation(random_state=0)
    for rest in ((), ("b",), ("b", "c")):
        result = test.test(data, "a", "e", rest)
        assert result.p_value == 0
        assert result.statistic == sign * np.inf
    for question in [("a", "b", "e"), ("e", "b", "a"), ("b", "c", ("a", "e"))]:
        with pytest.raises(NumericalError, match="copy"):
            test.test(data, *question)


def test_a_sum_with_holes_is_determined_by_its_terms():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    data["e"] = np.where(rng.random(200) < 0.2, np.nan, data["a"] + data["b"])
    test = MultipleImputation(random_state=0)
    assert test.test(data, "e", "a", "b").p_value == 0
    with pytest.raises(NumericalError):
        test.test(data, "e", "c", ("a", "b"))


@pytest.mark.parametrize("noise", [1e-2, 1e-4])
@pytest.mark.parametrize("share", [0.005, 0.3])
def test_pairs_that_are_nearly_copies_stay_dependent(noise, share):
    rng = np.random.default_rng(1)
    a, other = rng.normal(size=(2, 200))
    e = a + noise * rng.normal(size=200)
    e[rng.random(200) < share] = e[0] = np.nan
    data = {"a": a, "e": e, "other": other}
    assert MultipleImputation(random_state=0).test(data, "a", "e").p_value < 1e-50
