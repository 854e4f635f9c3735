"""Differences in differences: closed forms, DoubleML, explicit two-by-twos, the jackknife."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import AssumptionWarning, InputError, NumericalError
from causalkit.estimation import OLS, Bootstrap
from causalkit.estimation.panel.difference_in_differences import DifferenceInDifferences
from causalkit.estimation.panel.group_time import GroupTimeEffects
from causalkit.plotting.panel import plot_event_study
from tests.estimation.panel_designs import changes, long, staggered
from tests.estimation.test_panel_regression import fit, some

SCORES = ("doubly robust", "regression", "weighting")


def columns(data):
    """Changes, who is treated, covariates: one row a unit of a panel of two periods."""
    y, t = data["y"].reshape(-1, 2), data["t"].reshape(-1, 2)
    return y[:, 1] - y[:, 0], t[:, 1], data["X"][::2]


@pytest.mark.parametrize("score", SCORES)
def test_without_columns_it_is_a_difference_of_mean_changes(rng, score):
    data = changes(80, rng)
    dy, d, _ = columns(data)
    effect = fit(DifferenceInDifferences(score=score), data, X=None)
    assert_allclose(effect.value, dy[d == 1].mean() - dy[d == 0].mean(), rtol=1e-10)
    neyman = sum(dy[d == k].var() / (d == k).sum() for k in (0, 1))
    assert_allclose(effect.std_error, np.sqrt(neyman * 80 / 79), rtol=1e-10)


def test_several_periods_are_averaged(rng):
    unit, time = long(40, 5)
    t = (unit < 15) & (time >= 3)
    data = {"X": None, "y": rng.normal(size=200) + t, "t": t, "unit": unit, "time": time}
    wide = data["y"].reshape(40, 5)
    change = wide[:, 3:].mean(axis=1) - wide[:, :3].mean(axis=1)
    shuffled = some({k: v for k, v in data.items() if k != "X"}, rng.permutation(200))
    effect = fit(DifferenceInDifferences(), {"X": None, **shuffled})
    assert_allclose(effect.value, change[:15].mean() - change[15:].mean(), rtol=1e-10)


def test_learners_make_it_double_ml_did(rng):
    data = changes(200, rng)
    dy, d, X = columns(data)
    model = DifferenceInDifferences(LinearRegression(), LogisticRegression(), random_state=0)
    effect = fit(model, data)
    folds = effect.details["folds"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        theirs = doubleml.DoubleMLDID(
            doubleml.DoubleMLDIDData.from_arrays(X, dy, d),
            LinearRegression(),
            LogisticRegression(),
            in_sample_normalization=False,
        )
        parts = [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(5)]
        theirs.set_sample_splitting([parts])
        theirs.fit()
    assert_allclose(effect.value, theirs.coef[0], rtol=1e-8)
    assert_allclose(effect.std_error * np.sqrt(199 / 200), theirs.se[0], rtol=1e-8)


def test_nuisances_may_be_supplied(rng):
    data = changes(200, rng)
    model = DifferenceInDifferences(LinearRegression(), LogisticRegression(), random_state=0)
    effect = fit(model, data)
    rows = {name: np.repeat(p, 2, axis=0) for name, p in effect.details["predictions"].items()}
    again = fit(DifferenceInDifferences(), data, supplied=rows)
    assert_allclose([again.value, again.std_error], [effect.value, effect.std_error], rtol=1e-10)
    with pytest.raises(InputError, match="each group and period needs its own"):
        fit(GroupTimeEffects(), data, supplied=rows)


def test_the_models_by_hand(rng):
    """Regression predicts the treated from the controls; weighting uses the odds of a logit."""
    data = changes(300, rng)
    dy, d, X = columns(data)
    m = LinearRegression().fit(X[d == 0], dy[d == 0]).predict(X)
    logit = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    p = logit.fit(X, d).predict_proba(X)[:, 1]
    odds = np.where(d == 0, np.minimum(p, 0.99) / (1 - np.minimum(p, 0.99)), 0)

    def difference(values):
        return values[d == 1].mean() - np.average(values, weights=odds)

    expected = {
        "regression": (dy - m)[d == 1].mean(),
        "weighting": difference(dy),
        "doubly robust": difference(dy - m),
    }
    for score, value in expected.items():
        effect = fit(DifferenceInDifferences(score=score), data)
        assert_allclose(effect.value, value, rtol=1e-5)


def left_out(estimator, data, n_units):
    """Jackknife standard error over units."""
    values = np.array([fit(estimator, some(data, data["unit"] != u)).value for u in range(n_units)])
    return np.sqrt((n_units - 1) / n_units * ((values - values.mean()) ** 2).sum())


@pytest.mark.parametrize("score", SCORES)
def test_influence_knows_that_the_models_were_fitted(rng, score):
    data = changes(60, rng)
    estimator = DifferenceInDifferences(score=score)
    assert_allclose(fit(estimator, data).std_error, left_out(estimator, data, 60), rtol=0.2)


def test_either_model_may_be_wrong(rng):
    """Curved trends: regression on lines is biased, weighting by the true odds is not, nor both."""
    data = changes(6000, rng, linear=False)
    effects = {score: fit(DifferenceInDifferences(score=score), data) for score in SCORES}
    off = {score: abs(e.value - 1) / e.std_error for score, e in effects.items()}
    assert off["regression"] > 3 > max(off["doubly robust"], off["weighting"])


def test_whole_number_weights_are_repeated_units(rng):
    data = changes(60, rng)
    w = rng.integers(1, 4, size=60)
    unit = np.repeat(np.arange(60), w)
    rows = np.column_stack([2 * unit, 2 * unit + 1]).ravel()
    copies = {**some(data, rows), "unit": np.repeat(np.arange(len(unit)), 2)}
    for score in SCORES:
        estimator = DifferenceInDifferences(score=score)
        folded = fit(estimator, data, sample_weight=w[data["unit"]].astype(float))
        unfolded = fit(estimator, copies, groups=np.repeat(unit, 2))
        assert_allclose(folded.value, unfolded.value, rtol=1e-8)
        assert_allclose(folded.std_error, unfolded.std_error, rtol=1e-8)


def test_bootstrap_draws_units_some_of_them_twice(rng):
    data = changes(100, rng)
    bootstrap = Bootstrap(60, random_state=0)
    effect = fit(DifferenceInDifferences(inference=bootstrap), data)
    assert_allclose(effect.std_error, fit(DifferenceInDifferences(), data).std_error, rtol=0.35)


@pytest.mark.parametrize("controls", ["never", "not yet"])
def test_cells_are_two_by_twos(rng, controls):
    data = staggered(120, rng)
    start = np.where(
        data["t"].reshape(-1, 5).any(axis=1), data["t"].reshape(-1, 5).argmax(axis=1), 99
    )[data["unit"]]
    model = GroupTimeEffects(aggregation="group-time", controls=controls)
    effects = fit(model, data)
    assert effects.labels[:2] == ("2 in 1", "2 in 2")
    for label, effect in zip(effects.labels, effects, strict=True):
        group, period = (int(part) for part in label.split(" in "))
        base = group - 1 if period >= group else period - 1
        others = start == 99 if controls == "never" else start > period
        kept = ((start == group) | (others & (start != group))) & np.isin(
            data["time"], [base, period]
        )
        two = some(data, kept)
        two["t"] = ((start == group)[kept] & (two["time"] == period)).astype(float)
        by_hand = fit(DifferenceInDifferences(), two)
        assert_allclose(effect.value, by_hand.value, rtol=1e-10)
        n = len(np.unique(two["unit"]))
        ratio = np.sqrt((120 / 119) / (n / (n - 1)))
        assert_allclose(effect.std_error, by_hand.std_error * ratio, rtol=1e-10)


def test_averages_of_cells(rng):
    data = staggered(150, rng)
    model = GroupTimeEffects(controls="not yet")
    simple = fit(model, data)
    study = model.group_times_
    frame = study.to_frame()
    after = frame[frame["period"] >= frame["group"]]
    assert_allclose(simple.value, np.average(after["effect"], weights=after["treated"]))
    groups = after.groupby("group")[["effect", "treated"]].mean()
    assert_allclose([e.value for e in study.aggregate("group")], groups["effect"])
    size_weighted = np.average(groups["effect"], weights=groups["treated"])
    assert_allclose(study.overall("group").value, size_weighted)
    since = frame["period"] - frame["group"]
    for key, how in ((since, "event study"), (after["period"], "calendar")):
        cells = frame.assign(key=key).dropna(subset="key")
        means = {
            k: np.average(part["effect"], weights=part["treated"])
            for k, part in cells.groupby("key")
        }
        effects = study.aggregate(how)
        assert list(effects.labels) == [str(int(k)) for k in means]
        assert_allclose([e.value for e in effects], list(means.values()))
        from_start = [v for k, v in means.items() if how == "calendar" or k >= 0]
        assert_allclose(study.overall(how).value, np.mean(from_start))
    assert "group-time effects" in repr(study)
    assert len(study.effects) == len(frame) == 8


def test_averages_know_that_group_sizes_are_estimated(rng):
    data = {**staggered(40, rng, n_periods=4), "X": None}
    model = GroupTimeEffects()
    assert_allclose(fit(model, data).std_error, left_out(model, data, 40), rtol=0.1)


def test_one_effect_of_a_set_can_be_estimated_again(rng):
    data = staggered(100, rng)
    effects = fit(GroupTimeEffects(aggregation="event study"), data)
    effect = effects["1"]
    again = effect.estimator.solve(effect.problem)
    assert_allclose([again.value, again.std_error], [effect.value, effect.std_error])
    alone = fit(GroupTimeEffects(aggregation="event study", at="1"), data)
    assert alone.value == effect.value
    drawn = fit(
        GroupTimeEffects(
            aggregation="event study", at="1", inference=Bootstrap(20, random_state=0)
        ),
        data,
    )
    assert_allclose(drawn.std_error, effect.std_error, rtol=0.4)
    with pytest.raises(InputError, match="at='7'; expected the label"):
        fit(GroupTimeEffects(aggregation="event study", at="7"), data)


def test_learners_and_seeds(rng):
    data = staggered(90, rng, n_periods=4)
    model = GroupTimeEffects(
        LinearRegression(), LogisticRegression(), controls="not yet", random_state=0
    )
    effect = fit(model, data)
    assert fit(clone(model), data).value == effect.value
    assert abs(effect.value - fit(GroupTimeEffects(controls="not yet"), data).value) < 0.1


def test_anticipation_moves_the_base(rng):
    data = staggered(120, rng)
    effects = fit(GroupTimeEffects(anticipation=1, aggregation="group-time"), data, X=None)
    wide, t = data["y"].reshape(-1, 5), data["t"].reshape(-1, 5)
    third = t.any(axis=1) & (t.argmax(axis=1) == 3)
    change = wide[:, 3] - wide[:, 1]
    never = ~t.any(axis=1)
    expected = change[third].mean() - change[never].mean()
    assert_allclose(effects["3 in 3"].value, expected, rtol=1e-10)
    # Group 2 could only look back to the first period.
    assert_allclose(
        effects["2 in 1"].value,
        (wide[:, 1] - wide[:, 0])[t.argmax(axis=1) == 2].mean()
        - (wide[:, 1] - wide[:, 0])[never].mean(),
        rtol=1e-10,
    )


def test_trends_before_treatment(rng):
    data = staggered(400, rng)
    model = GroupTimeEffects()
    fit(model, data)
    test = model.group_times_.pre_trends()
    assert (test.n_restrictions, test.df) == (3, 399)
    assert test.p_value > 0.01
    # Cells before treatment are chance; a trend of those treated late is not.
    late = np.repeat(data["t"].reshape(-1, 5).any(axis=1), 5)
    fit(model, data, y=data["y"] + late * data["time"])
    assert model.group_times_.pre_trends().p_value < 1e-4


def test_the_pre_trend_test_of_one_effect_is_its_own(rng):
    data = staggered(200, rng, n_periods=4, starts=(2,))
    model = GroupTimeEffects(aggregation="event study")
    effects = fit(model, data)
    test = model.group_times_.pre_trends()
    assert_allclose(test.p_value, effects["-1"].p_value(), rtol=1e-6)


def test_event_study_plot(rng):
    data = staggered(80, rng)
    model = GroupTimeEffects()
    fit(model, data)
    ax = model.group_times_.plot()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["−2", "−1", "0", "1", "2"]
    assert len(ax.get_lines()) == 3 * 5 + 2
    plt.close(ax.figure)
    ax = plot_event_study(model.group_times_.aggregate("event study"), joint=False)
    assert len(ax.get_lines()) == 2 * 5 + 2
    plt.close(ax.figure)
    with pytest.raises(InputError, match="labelled by whole numbers"):
        plot_event_study(model.group_times_.effects)


def taken_back(data):
    t = data["t"].copy()
    t[np.flatnonzero(t)[0]] = 1
    t.reshape(-1, 5)[t.reshape(-1, 5).any(axis=1), 4] = 0
    return t


@pytest.mark.parametrize("estimator", [DifferenceInDifferences(), GroupTimeEffects()])
def test_what_they_refuse(rng, estimator):
    data = staggered(60, rng, starts=(2,))
    with pytest.raises(InputError, match="taken back"):
        fit(estimator, data, t=taken_back(data))
    with pytest.raises(InputError, match=r"t = \(start > 0\) & \(time >= start\)"):
        fit(estimator, data, t=data["X"][:, 0])  # the same in all rows of a unit, as a start is
    with pytest.raises(InputError, match="needs a binary"):
        fit(estimator, data, t=data["y"])
    with pytest.raises(InputError, match="every unit in every period"):
        fit(estimator, some(data, np.arange(300) != 7))
    with pytest.raises(InputError, match="repeat the unit and period"):
        fit(estimator, some(data, np.r_[np.arange(300), 7]))
    with pytest.raises(InputError, match="weights change over time"):
        fit(estimator, data, sample_weight=1.0 + data["time"])
    with pytest.raises(InputError, match="would pass into the effect"):
        fit(clone(estimator).set_params(outcome_learner=OLS(), score="regression"), data)
    with pytest.raises(InputError, match="score="):
        fit(clone(estimator).set_params(score="dr"), data)
    separated = np.where(np.repeat(data["t"].reshape(-1, 5).any(axis=1), 5), 1.0, -1.0)
    separating = (separated + rng.uniform(-0.5, 0.5, size=300))[:, None]
    with pytest.raises(NumericalError, match="without error"):
        fit(estimator, data, X=separating)


def test_what_two_periods_refuse(rng):
    data = staggered(60, rng)
    unit, time = data["unit"], data["time"]
    with pytest.raises(InputError, match=r"Use GroupTimeEffects\(\)"):
        fit(DifferenceInDifferences(), data)
    with pytest.raises(InputError, match="from the first period on"):
        fit(DifferenceInDifferences(), data, t=(unit < 9).astype(float))
    with pytest.raises(InputError, match="every unit is treated in the end"):
        fit(DifferenceInDifferences(), data, t=(time > 2).astype(float))
    with pytest.raises(InputError, match=r"SyntheticControl\(\)"):
        fit(DifferenceInDifferences(), data, t=((unit == 9) & (time > 2)).astype(float))
    with pytest.warns(AssumptionWarning, match="rests on 3.0 clusters"):
        fit(DifferenceInDifferences(), data, t=((unit < 3) & (time > 2)).astype(float))


def test_what_group_time_effects_refuse(rng):
    data = staggered(60, rng)
    unit, time = data["unit"], data["time"]
    with pytest.raises(InputError, match="no group has controls"):
        fit(GroupTimeEffects(), data, t=(time > 2 + unit % 2).astype(float))
    with pytest.raises(InputError, match="no group has a period before"):
        fit(GroupTimeEffects(anticipation=3), data)
    with pytest.raises(InputError, match="have one unit each"):
        fit(GroupTimeEffects(), data, t=((unit == 9) & (time > 2)).astype(float))
    with pytest.warns(AssumptionWarning, match="1 of 1 groups"):
        fit(GroupTimeEffects(), data, t=((unit < 3) & (time > 2)).astype(float))
    early = ((unit < 30) & (time > 2)) | (unit > 50)
    effect = fit(GroupTimeEffects(), data, t=early.astype(float))
    assert "9 unit(s) treated from the first period on" in effect.details["notes"][0]
    study = GroupTimeEffects()
    fit(study, data, t=((unit < 30) & (time > 0)).astype(float))
    with pytest.raises(InputError, match="two periods before"):
        study.group_times_.pre_trends()
    labels = pd.Series(time).map({0: "a", 1: "b", 2: "c", 3: "d", 4: "e"})
    named = fit(GroupTimeEffects(aggregation="group"), data, time=labels)
    assert named.labels == ("c", "d")
