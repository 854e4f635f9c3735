"""PanelPLR is DoubleML on the same folds; FixedEffects is linearmodels, and least squares."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from causalkit.errors import AssumptionWarning, FewRowsWarning, InputError, NumericalError
from causalkit.estimation import OLS, Bootstrap
from causalkit.estimation.panel.fixed_effects import FixedEffects, without_effects
from causalkit.estimation.panel.partially_linear_panel import PanelPLR
from tests.estimation.panel_designs import constants, two_way

APPROACHES = {
    "correlated random effects": "cre_general",
    "normal random effects": "cre_normal",
    "first differences": "fd_exact",
    "within": "wg_approx",
}


def some(data, rows):
    """The same panel, these rows only."""
    return {name: None if values is None else values[rows] for name, values in data.items()}


def fit(estimator, data, **more):
    given = {**data, **more}
    return estimator.fit(given.pop("X"), given.pop("y"), **given).effect_


def double_ml(data, effect, approach, learner):
    """Fit DoubleMLPLPR on the folds that `effect` used."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        doubleml = pytest.importorskip("doubleml", exc_type=ImportError)
        frame = pd.DataFrame(data["X"]).add_prefix("x")
        names = list(frame)
        frame = frame.assign(y=data["y"], d=data["t"], id=data["unit"], time=data["time"])
        panel = doubleml.DoubleMLPanelData(
            frame, "y", "d", "time", "id", x_cols=names, static_panel=True
        )
        theirs = doubleml.DoubleMLPLPR(panel, learner, learner, approach=approach)
        ids = theirs.data_transform.data["id"].to_numpy()
        folds = effect.details["folds"][0]
        parts = range(int(folds.max()) + 1)
        theirs.set_sample_splitting(
            [[(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in parts]],
            [[([np.unique(ids[folds != k])], [np.unique(ids[folds == k])]) for k in parts]],
        )
        theirs.fit()
    return theirs


@pytest.mark.parametrize("approach", APPROACHES)
def test_panel_plr_is_double_ml_plpr(rng, approach):
    data = two_way(50, 6, rng, period_effects=0.0)
    if approach != "first differences":  # DoubleML counts folds by their units, not by their rows
        data = some(data, rng.random(len(data["y"])) > 0.1)
    effect = fit(PanelPLR(Ridge(), Ridge(), approach=approach, random_state=1), data)
    theirs = double_ml(data, effect, APPROACHES[approach], Ridge())
    assert_allclose(effect.value, theirs.coef[0], rtol=1e-8)
    # DoubleML has no small-sample factor.
    assert_allclose(effect.std_error * np.sqrt(49 / 50), theirs.se[0], rtol=1e-8)


def test_a_curved_constant_of_the_unit_needs_its_means():
    """Fuhr & Papies (2024): where the constant bends the curves, only random effects follow."""
    learner = make_pipeline(PolynomialFeatures(2), LinearRegression())
    bias = {}
    for approach, n_panels in zip(APPROACHES, (6, 3, 3, 2), strict=True):
        model = PanelPLR(learner, learner, approach=approach, n_folds=2, random_state=0)
        values = [
            fit(model, constants(150, np.random.default_rng(seed))).value
            for seed in range(n_panels)
        ]
        bias[approach] = abs(np.mean(values) - 1)
    assert bias["correlated random effects"] < 0.05
    assert bias["normal random effects"] < 0.05
    assert bias["first differences"] > 0.1
    assert bias["within"] > 0.3


def test_linear_learners_without_folds_of_units_would_be_within(rng):
    """Mundlak (1978): with unit means as columns, least squares has the within coefficient."""
    data = two_way(40, 6, rng, period_effects=0.0)
    effect = fit(PanelPLR(LinearRegression(), LinearRegression(), random_state=0), data)
    within = fit(FixedEffects(), data)
    assert abs(effect.value - within.value) < 0.5 * within.std_error


def test_panel_plr_drops_units_seen_once_and_takes_a_classifier(rng):
    data = two_way(40, 8, rng, period_effects=0.0)
    data["t"] = (data["t"] > 0).astype(float)
    model = PanelPLR(Ridge(), LogisticRegression(), random_state=0)
    whole = fit(model, data)
    alone = np.concatenate([np.arange(320), [0]])
    more = some(data, alone)
    more["unit"] = np.concatenate([data["unit"], [99]])
    effect = fit(clone(model), more)
    assert "units seen only once" in effect.details["notes"][0]
    assert_allclose(effect.value, whole.value, rtol=1e-10)
    assert_allclose(effect.std_error, whole.std_error, rtol=0.02)


def test_panel_plr_is_reproducible_and_its_bootstrap_draws_units(rng):
    data = two_way(60, 6, rng, period_effects=0.0)
    model = PanelPLR(LinearRegression(), LinearRegression(), random_state=3)
    assert fit(clone(model), data).value == fit(model, data).value
    model.set_params(approach="first differences")
    influence = fit(model, data)
    model.set_params(inference=Bootstrap(25, random_state=0))
    assert_allclose(fit(model, data).std_error, influence.std_error, rtol=0.45)


def test_whole_number_weights_are_repeated_units(rng):
    data = constants(30, rng)
    w = rng.integers(1, 4, size=30)
    rows = np.concatenate(
        [np.flatnonzero(data["unit"] == u) for u in range(30) for _ in range(w[u])]
    )
    repeated = some(data, rows)
    copy = np.concatenate([np.full(8, 10 * u + c) for u in range(30) for c in range(w[u])])
    for estimator in (FixedEffects(effects="both"), FixedEffects(effects="time")):
        folded = fit(estimator, data, sample_weight=w[data["unit"]].astype(float))
        unfolded = fit(estimator, {**repeated, "unit": copy}, groups=repeated["unit"])
        assert_allclose(folded.value, unfolded.value, rtol=1e-10)


LINEARMODELS = {
    "unit": {"entity_effects": True},
    "both": {"entity_effects": True, "time_effects": True},
    "time": {"time_effects": True},
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("effects", LINEARMODELS)
def test_fixed_effects_are_linearmodels(rng, effects, weighted):
    linearmodels = pytest.importorskip("linearmodels", exc_type=ImportError)
    data = constants(40, rng)
    data = some(data, rng.random(320) > 0.2)
    x, n = data["X"][:, 0], len(data["y"])
    weights = rng.uniform(0.5, 2, size=n) if weighted else None
    # A column twice and a constant of the unit do no harm.
    columns = np.column_stack([x, x**2, x, data["unit"]])[:, : 4 if effects != "time" else 3]
    ours = fit(FixedEffects(effects=effects), {**data, "X": columns}, sample_weight=weights)
    index = pd.MultiIndex.from_arrays([data["unit"], data["time"]])
    frame = pd.DataFrame({"t": data["t"], "x": x, "x2": x**2}, index=index)
    theirs = linearmodels.PanelOLS(
        pd.Series(data["y"], index=index),
        frame.assign(one=1.0) if effects == "time" else frame,
        weights=None if weights is None else pd.Series(weights, index=index),
        **LINEARMODELS[effects],
    ).fit()
    assert_allclose(ours.value, theirs.params["t"], rtol=1e-10)
    # Clustered, with Stata's factor: it counts coefficients and a constant, but not units.
    indicators = {
        "unit": pd.get_dummies(data["unit"], dtype=float),
        "time": pd.get_dummies(data["time"], dtype=float),
    }
    indicators["both"] = pd.concat([indicators["unit"], indicators["time"].iloc[:, 1:]], axis=1)
    design = np.hstack([frame, indicators[effects]])
    long_way = sm.WLS(data["y"], design, weights=np.ones(n) if weights is None else weights).fit(
        cov_type="cluster", cov_kwds={"groups": data["unit"], "use_correction": False}
    )
    g, k = len(np.unique(data["unit"])), 3 + (1 if effects == "unit" else 8)
    factor = g / (g - 1) * (n - 1) / (n - k)
    assert_allclose(ours.std_error, long_way.bse[0] * np.sqrt(factor), rtol=1e-10)
    assert ours.df == g - 1


def test_effects_of_units_are_indicators(rng):
    data = constants(10, rng, n_periods=5)
    indicators = (data["unit"][:, None] == np.arange(1, 10)).astype(float)
    wide = OLS().fit(np.hstack([data["X"], indicators]), data["y"], t=data["t"]).effect_
    assert_allclose(fit(FixedEffects(), data).value, wide.value, rtol=1e-10)


def test_rows_of_one_unit_and_period_share_its_effects_and_are_counted(rng):
    unit, time = np.repeat(np.arange(20), 8), np.tile(np.repeat(np.arange(4), 2), 20)
    t = rng.normal(size=20)[unit] + rng.normal(size=160)
    y = t + 2 * rng.normal(size=20)[unit] + rng.normal(size=160)
    of_units, of_periods = (
        (labels[:, None] == np.arange(1, labels.max() + 1)).astype(float) for labels in (unit, time)
    )
    for effects, columns in (("unit", of_units), ("both", np.hstack([of_units, of_periods]))):
        found = FixedEffects(effects=effects).fit(None, y, t=t, unit=unit, time=time).effect_
        wanted = OLS().fit(columns, y, t=t).effect_
        assert_allclose(found.value, wanted.value, rtol=1e-10)
        assert "80 row(s) have the unit and the period of another row" in str(found)


def test_columns_that_add_nothing_to_fixed_effects_are_named(rng):
    data = constants(20, rng)
    x, born = rng.normal(size=160), rng.normal(size=20)[data["unit"]]
    X = pd.DataFrame({"x": x, "born": born, "less": 1 - x})
    found = fit(FixedEffects(), data, X=X)
    assert "born, less: nothing is added to the fixed effects and the other columns" in str(found)
    assert found.value == pytest.approx(fit(FixedEffects(), data, X=X[["x"]]).value)
    assert "nothing is added" not in str(fit(FixedEffects(), data, X=X[["x"]]))


def test_few_clusters_of_periods_are_told(rng):
    data = constants(30, rng)
    with pytest.warns(FewRowsWarning, match=r"8\.0 clusters"):
        fit(FixedEffects(), data, groups=data["time"])


def test_two_sets_of_effects_in_an_unbalanced_and_disconnected_panel(rng):
    """What is left is orthogonal to all indicators, also where periods fall into two islands."""
    unit = np.repeat(np.arange(12), 3)
    time = np.where(unit < 6, rng.integers(0, 3, size=36), 3 + rng.integers(0, 3, size=36))
    weights = rng.uniform(0.5, 2, size=36)
    left, _ = without_effects(rng.normal(size=(36, 2)), (unit, time), weights)
    for label in (unit, time):
        for column in left.T:
            assert_allclose(np.bincount(label, weights=weights * column), 0, atol=1e-12)


@pytest.mark.parametrize("estimator", [FixedEffects(), PanelPLR(Ridge(), Ridge(), random_state=0)])
def test_what_panels_refuse(rng, estimator):
    data = constants(20, rng)
    constant = np.arange(20.0)[data["unit"]]
    with pytest.raises(NumericalError, match="within units"):
        fit(estimator, data, t=constant)
    with pytest.raises(InputError, match="got no unit"):
        estimator.fit(None, data["y"], t=data["t"], time=data["time"])
    with pytest.raises(InputError, match="of one unit"):
        fit(estimator, data, unit=np.zeros(160))
    with pytest.raises(InputError, match="several clusters"):
        PanelPLR(Ridge(), Ridge()).fit(
            data["X"],
            data["y"],
            t=data["t"],
            unit=data["unit"],
            time=data["time"],
            groups=np.arange(160) % 7,
        )
    with pytest.raises(InputError, match="no time"):
        fit(estimator, data, time=np.where(np.arange(160) == 3, np.nan, data["time"]))


def test_what_panel_plr_refuses(rng):
    data = constants(20, rng)
    model = PanelPLR(Ridge(), Ridge())
    with pytest.raises(InputError, match="repeat the unit and period"):
        fit(model, some(data, np.r_[np.arange(160), 5]))
    with pytest.raises(InputError, match="seen only once"):
        fit(model, data, unit=np.arange(160))
    even_or_odd = some(data, data["time"] % 2 == data["unit"] % 2)
    with pytest.raises(InputError, match="two successive periods"):
        fit(clone(model).set_params(approach="first differences"), even_or_odd)
    with pytest.raises(InputError, match="approach="):
        fit(clone(model).set_params(approach="mundlak"), data)
    with pytest.raises(InputError, match="effects="):
        fit(FixedEffects(effects="entity"), data)


def test_clusters_that_cut_across_units_count_their_effects(rng):
    """Then the small-sample factor is that of least squares with indicators."""
    data = two_way(12, 6, rng)
    groups = data["time"] * 2 + data["unit"] % 2
    ours = fit(FixedEffects(), data, groups=groups)
    design = np.column_stack([data["t"], data["X"], pd.get_dummies(data["unit"], dtype=float)])
    theirs = sm.OLS(data["y"], design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    assert_allclose(ours.std_error, theirs.bse[0], rtol=1e-10)


def test_adoption_at_several_times_is_told_where_weights_are_negative():
    rng = np.random.default_rng(0)
    unit, time = np.repeat(np.arange(60), 6), np.tile(np.arange(6), 60)
    start = rng.choice([2, 4, 99], 60)[unit]
    t = (time >= start) * 1.0
    y = t * (time - start + 1) + rng.normal(size=360)
    columns = {"unit": unit, "time": time}
    with pytest.warns(AssumptionWarning, match=r"starts at 2 different times.*GroupTimeEffects"):
        found = FixedEffects(effects="both").fit(None, y, t=t, **columns).effect_
    assert found.details["contrast"].endswith("1 versus 0")
    few = t * (unit % 10 < 3)  # most never start: no weight is negative
    with pytest.warns(AssumptionWarning, match="not their average over the treated rows"):
        FixedEffects(effects="both").fit(None, y, t=few, **columns)
    FixedEffects().fit(None, y, t=t, **columns)  # other questions are not asked
    at_once = (time >= np.where(start < 99, 2, 99)) * 1.0
    FixedEffects(effects="both").fit(None, y, t=at_once, **columns)
    FixedEffects(effects="both").fit(None, y, t=rng.integers(0, 2, 360) * 1.0, **columns)


def test_two_kinds_of_clusters_have_no_order():
    rng = np.random.default_rng(1)
    unit, time = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    t, y = rng.normal(size=(2, 480)) + rng.normal(size=40)[unit]
    errors = [
        FixedEffects(effects="both").fit(None, y, t=t, unit=unit, time=time, groups=pair).effect_
        for pair in (np.c_[unit, time], np.c_[time, unit])
    ]
    assert errors[0].std_error == pytest.approx(errors[1].std_error, rel=1e-12)
