"""Negative controls: false alarms as often as they say, and hidden causes found."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.estimation import OLS
from causalkit.refutation import (
    NegativeControlOutcome,
    NegativeControlTreatment,
    PlaceboTreatment,
    refute,
)
from tests.refutation.designs import fitted, light_aipw, light_plr


def study(rng, *, hidden=0.0, n=400, effect=0.5):
    """Columns, outcome, treatment, and a control of either kind that shares the hidden cause."""
    X, u = rng.normal(size=(n, 2)), rng.normal(size=n)
    t = 0.5 * X[:, 0] + hidden * u + rng.normal(size=n)
    y = effect * t + X[:, 1] + hidden * u + rng.normal(size=n)
    outcome = 0.7 * X[:, 0] + hidden * u + rng.normal(size=n)
    treatment = 0.4 * X[:, 1] + hidden * u + rng.normal(size=n)
    return (X, y, t), outcome, treatment


@pytest.mark.slow
@pytest.mark.parametrize("check", [NegativeControlOutcome, NegativeControlTreatment])
def test_false_alarms_are_as_rare_as_they_say(check):
    """1000 sound studies: 5 % with a Monte Carlo error of 0.7 %."""
    p_values = []
    for seed in range(1000):
        data, *controls = study(np.random.default_rng(seed), n=150)
        control = controls[check is NegativeControlTreatment]
        (found,) = refute(fitted(OLS(), data), check(control), random_state=0)
        p_values.append(found.p_value)
        assert found.fails == (found.p_value < 0.05)
    assert 0.03 < np.mean(np.array(p_values) < 0.05) < 0.08
    assert 0.46 < np.mean(p_values) < 0.54


@pytest.mark.parametrize("estimator", [OLS(), light_plr()])
@pytest.mark.parametrize("check", [NegativeControlOutcome, NegativeControlTreatment])
def test_a_hidden_cause_is_found_and_only_by_them(check, estimator):
    data, *controls = study(np.random.default_rng(0), hidden=0.6)
    control = controls[check is NegativeControlTreatment]
    effect = fitted(estimator, data)
    found, placebo = refute(effect, [check(control), PlaceboTreatment()], random_state=0)
    assert found.fails
    assert not placebo.fails
    assert "hidden common cause" in found.sentence
    sound, *controls = study(np.random.default_rng(1))
    control = controls[check is NegativeControlTreatment]
    (fine,) = refute(fitted(estimator, sound), check(control), random_state=0)
    assert fine.passes


def test_power_is_that_of_a_bias_as_large_as_the_estimate():
    """An estimate of next to nothing leaves nothing to be found."""
    data, outcome, treatment = study(np.random.default_rng(2), effect=0.01)
    effect = fitted(OLS(), data)
    for check in (NegativeControlOutcome(outcome), NegativeControlTreatment(treatment)):
        (found,) = refute(effect, check)
        assert found.verdict == "not informative"
        assert found.power < 0.5


def test_a_named_column_is_no_longer_adjusted_for():
    rng = np.random.default_rng(3)
    (X, y, t), outcome, treatment = study(rng, hidden=0.6)
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "before": outcome, "other": treatment})
    effect = OLS().fit(frame, y, t=t).effect_
    by_name = refute(effect, NegativeControlOutcome("before"))[0]
    kept = OLS().fit(frame.drop(columns="before"), y, t=t).effect_
    by_value = refute(kept, NegativeControlOutcome(frame["before"]))[0]
    assert by_name.estimate == pytest.approx(by_value.estimate)
    assert by_name.details["effect"].problem.adjustment == ("a", "b", "other")
    second = refute(effect, NegativeControlTreatment("other"))[0]
    adjusted = second.details["effect"].problem
    assert adjusted.adjustment == ("a", "b", "before", "t")
    assert adjusted.treatment == "other"


def test_controls_of_any_kind_meet_an_estimator_that_can_take_them():
    rng = np.random.default_rng(4)
    (X, y, t), outcome, treatment = study(rng)
    levels = pd.cut(pd.Series(t), [-np.inf, -0.5, 0.5, np.inf], labels=["low", "mid", "high"])
    aipw = fitted(light_aipw(contrast=("low", "high")), (X, y, levels))
    continuous = refute(aipw, NegativeControlTreatment(treatment), random_state=0)[0]
    assert "partially linear" in continuous.details["method"]
    assert continuous.details["effect"].problem.adjustment[-2:] == ("t=mid", "t=high")
    binary = refute(aipw, NegativeControlTreatment(treatment > 0), random_state=0)[0]
    assert "AIPW" in binary.details["method"]
    assert not refute(aipw, NegativeControlOutcome(outcome), random_state=0)[0].fails
    three = refute(aipw, NegativeControlTreatment(levels), random_state=0)[0]
    assert three.verdict == "not informative"
    grouped = fitted(OLS(), (X, y, t), groups=np.arange(400) // 4)
    assert refute(grouped, NegativeControlOutcome(outcome))[0].details["effect"].df == 99


def test_errors():
    data, outcome, _ = study(np.random.default_rng(5))
    effect = fitted(OLS(), data)
    with pytest.raises(InputError, match="no adjustment column"):
        refute(effect, NegativeControlOutcome("nothing"))
    with pytest.raises(InputError, match="alpha"):
        NegativeControlOutcome(outcome, alpha=2)
    with pytest.raises(InputError, match="differ in length"):
        refute(effect, NegativeControlOutcome(outcome[:10]))
    with pytest.raises(InputError, match="one value only"):
        refute(effect, NegativeControlOutcome(np.ones(400)))
