"""Effects by instruments, mean outcomes, overlap weights, panels: bounds and verdicts that fit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.errors import CausalkitWarning, InputError
from causalkit.estimation import OLS
from causalkit.estimation.instruments.linear import LIML, TwoStageLeastSquares
from causalkit.estimation.orthogonal.compliers import LATE
from causalkit.estimation.orthogonal.frontdoor_effect import FrontDoor
from causalkit.estimation.orthogonal.instrumented import PLIV
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from causalkit.estimation.panel.fixed_effects import FixedEffects
from causalkit.refutation import (
    DataSubset,
    DummyOutcome,
    EValue,
    HiddenCommonCause,
    NegativeControlOutcome,
    PlaceboTreatment,
    RandomCommonCause,
    instrument_sensitivity,
    reduced_form,
    refute,
    sensitivity,
)
from causalkit.refutation.leftovers import leftovers_of
from causalkit.refutation.omitted_variable import joint_strength
from causalkit.refutation.placebo import shuffled_treatment
from tests.refutation.designs import fitted, light_aipw, linear_design

LINEAR, LOGISTIC = LinearRegression(), LogisticRegression()


def pliv(**options):
    return PLIV(LINEAR, LINEAR, LINEAR, n_folds=3, random_state=0, **options)


def late(**options):
    return LATE(LINEAR, LOGISTIC, LOGISTIC, n_folds=3, random_state=0, **options)


def instrumented(rng, *, n=500, effect=1.0, binary=False):
    X, hidden = rng.normal(size=(n, 2)), rng.normal(size=n)
    z = 0.5 * X[:, 0] + rng.normal(size=n)
    t = z + X[:, 1] + hidden + rng.normal(size=n)
    if binary:
        z, t = (z > 0).astype(float), (2 * (z > 0) + X[:, 1] + hidden > 1).astype(float)
    y = effect * t + X[:, 0] + 2 * hidden + rng.normal(size=n)
    return X, y, t, z


def by_instrument(estimator, seed=0, **options):
    binary = isinstance(estimator, LATE)
    X, y, t, z = instrumented(np.random.default_rng(seed), binary=binary, **options)
    return estimator.fit(X, y, t=t, z=z).effect_


KINDS = {"2SLS": TwoStageLeastSquares(), "LIML": LIML(), "PLIV": pliv(), "LATE": late()}


# --- instruments ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_effect_is_the_ratio_of_its_stages(kind):
    effect = by_instrument(KINDS[kind])
    r = reduced_form(effect)
    ((low, high),) = instrument_sensitivity(effect, 0.0, 0.0)
    assert low == pytest.approx(high) == pytest.approx(effect.value, rel=1e-9)
    assert r.problem.outcome == effect.problem.outcome
    assert not r.problem.others
    # At a null of zero both say the same, up to the first stage's sampling error.
    assert r.value / r.std_error == pytest.approx(effect.value / effect.std_error, rel=0.5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shares", [(0.05, 0.02), (0.3, 0.1), (0.9, 0.8)])
def test_bounds_hold_the_effects_whose_reduced_form_could_be_owed_to_what_was_left_out(
    kind, shares
):
    """The definition on a grid: |r − θf| ≤ k·S(θ), with S(θ) from the outcome y − θt itself."""
    effect = by_instrument(KINDS[kind])
    found, k = instrument_sensitivity(effect, *shares), joint_strength(*shares)
    for theta in np.linspace(-6, 8, 29):
        problem = effect.problem.replace(y=effect.problem.y - theta * effect.problem.t)
        details = dict(effect.details)
        if "predictions" in details:
            p = details["predictions"]
            moved = dict(p)
            for name in ("outcome", "outcome_without", "outcome_with"):
                if name in p:
                    other = name.replace("outcome", "treatment")
                    moved[name] = p[name] - theta * p[other]
            details["predictions"] = moved
        left = type(effect)(
            effect.value,
            effect.std_error,
            effect.n_obs,
            effect.method,
            details=details,
            problem=problem,
            estimator=effect.estimator,
        )
        stage = reduced_form(left)
        inside = abs(stage.value) <= k * leftovers_of(stage).scale
        assert inside == any(low <= theta <= high for low, high in found), theta


def test_everything_is_possible_if_what_was_left_out_may_explain_everything():
    effect = by_instrument(pliv())
    assert instrument_sensitivity(effect, 1.0, 1.0) == ((-np.inf, np.inf),)
    assert len(instrument_sensitivity(effect, 0.9, 0.8)) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_sensitivity_is_that_of_the_reduced_form(kind):
    effect = by_instrument(KINDS[kind])
    found, form = sensitivity(effect), sensitivity(reduced_form(effect))
    assert found.robustness_value() == form.robustness_value() > 0.05
    assert "reduced form" in found.formula
    assert [b.label for b in found.benchmarks] == [b.label for b in form.benchmarks]
    # At the robustness value the bounds of the effect itself reach zero.
    value = found.robustness_value()
    ends = [end for bound in instrument_sensitivity(effect, value, value) for end in bound]
    assert min(map(abs, ends)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", ["2SLS", "PLIV"])
def test_verdicts_on_effects_by_instruments(kind):
    effect = by_instrument(KINDS[kind], n=200)
    checks = [PlaceboTreatment(), DummyOutcome(), RandomCommonCause(), DataSubset(), EValue()]
    with warnings.catch_warnings():
        warnings.simplefilter("error", CausalkitWarning)
        placebo, dummy, noise, subset, ratio = refute(
            effect, checks, n_simulations=6, random_state=0
        )
    assert placebo.verdict == ratio.verdict == "not informative"
    assert "reduced_form(effect)" in placebo.sentence
    assert dummy.verdict != "fails"
    assert not noise.fails
    assert not subset.fails
    (form,) = refute(reduced_form(effect), PlaceboTreatment(8), random_state=0)
    assert not form.fails


def test_a_negative_control_outcome_tells_a_bad_instrument():
    rng = np.random.default_rng(3)
    X, y, t, z = instrumented(rng)
    control = X[:, 0] + 0.7 * z + rng.normal(size=500)  # z is tied to what it cannot move
    effect = TwoStageLeastSquares().fit(X, y, t=t, z=z).effect_
    assert refute(effect, NegativeControlOutcome(control))[0].fails
    sound = X[:, 0] + rng.normal(size=500)
    assert not refute(effect, NegativeControlOutcome(sound))[0].fails


def test_what_has_no_bound_is_refused():
    rng = np.random.default_rng(4)
    X, y, t, z = instrumented(rng)
    two = TwoStageLeastSquares().fit(X, y, t=t, z=np.column_stack([z, rng.normal(size=500)]))
    with pytest.raises(InputError, match="one at a time"):
        sensitivity(two.effect_)
    with pytest.raises(InputError, match="single instrument"):
        reduced_form(two.effect_)
    with pytest.raises(InputError, match="single instrument"):
        instrument_sensitivity(OLS().fit(X, y, t=t).effect_, 0.1, 0.1)
    with pytest.raises(InputError, match="r2_outcome"):
        instrument_sensitivity(by_instrument(pliv()), 2, 0.1)
    (silent,) = refute(two.effect_, HiddenCommonCause())
    assert silent.verdict == "not informative"
    treated = (t > 0).astype(float)
    front = FrontDoor(LINEAR, LOGISTIC, n_folds=2, random_state=0)
    mediated = front.fit(X, y, t=treated, mediators=treated + rng.normal(size=500)).effect_
    with pytest.raises(InputError, match="mediators"):
        sensitivity(mediated)


# --- other targets -------------------------------------------------------------------------------


def test_overlap_weights_have_the_scale_of_their_definition():
    X, y, t = linear_design(np.random.default_rng(5), n=600)
    effect = fitted(light_aipw(target="ATO"), (X, y, t))
    p = effect.details["predictions"]
    e = p["treatment"][:, 1]
    alpha = (t - e) / np.mean((t - e) ** 2)
    left = y - np.where(t == 1, p["outcome_treated"], p["outcome_control"])
    bias = sensitivity(effect, n_benchmarks=2)
    assert bias.bias_scale == pytest.approx(np.sqrt(np.mean(left**2) * np.mean(alpha**2)))
    # Constant effect, and no weights far from one: nearly that of everyone.
    everyone = sensitivity(fitted(light_aipw(), (X, y, t)), benchmarks=())
    assert bias.bias_scale == pytest.approx(everyone.bias_scale, rel=0.1)
    assert bias.benchmarks[0].label == "x0"


def test_mean_outcomes_agree_with_doubleml():
    """Second moment of the representer, and residual variance at the level; bounds follow."""
    dml = pytest.importorskip("doubleml", exc_type=ImportError)
    X, y, t = linear_design(np.random.default_rng(6), n=500)
    means = PotentialOutcomes(LINEAR, LOGISTIC, n_folds=3, random_state=0)
    effect = means.fit(X, y, t=t).effect_[1]
    folds = effect.details["folds"][0]
    rows = np.arange(500)
    splits = [[(rows[folds != k], rows[folds == k]) for k in range(3)]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        box = dml.DoubleMLData.from_arrays(X, y, t)
        peer = dml.DoubleMLAPO(box, LinearRegression(), LogisticRegression(), treatment_level=1)
        peer.set_sample_splitting(splits)
        peer.fit()
    assert effect.value == pytest.approx(peer.coef[0], rel=1e-8)
    left = leftovers_of(effect)
    nu2 = float(np.squeeze(peer._sensitivity_elements["nu2"]))
    assert left.nu2 == pytest.approx(nu2, rel=1e-8)
    # Theirs counts what is left at the other level as well, which cannot enter the bias.
    p = effect.details["predictions"]["outcome_1"]
    assert left.sigma2 == pytest.approx(np.mean(t * (y - p) ** 2), rel=1e-12)
    bias = sensitivity(effect, benchmarks=())
    k = joint_strength(0.04, 0.06)
    assert bias.bounds(0.04, 0.06)[0] == pytest.approx(effect.value - k * left.scale)


def test_a_mean_need_not_be_zero():
    X, y, t = linear_design(np.random.default_rng(7))
    means = PotentialOutcomes(LINEAR, LOGISTIC, n_folds=3, random_state=0).fit(X, y + 3, t=t)
    found = refute(means.effect_, n_simulations=3, random_state=0)
    by_name = {c.name: c.verdict for c in found}
    for check in ("placebo treatment", "dummy outcome", "hidden common cause"):
        assert by_name[f"{check}, 1"] == "not informative"
    assert by_name["random common cause, 1"] != "fails"
    assert found.verdict != "fails"
    contrasts = refute(means.effect_.contrasts(), PlaceboTreatment())
    assert contrasts.verdict == "not informative"


# --- panels --------------------------------------------------------------------------------------


def panel(rng, *, units=60, times=6, ragged=False):
    unit, time = np.repeat(np.arange(units), times), np.tile(np.arange(times), units)
    begins = rng.integers(2, times + 3, units)
    t = (time >= begins[unit]).astype(float)
    y = t + rng.normal(size=units)[unit] + 0.2 * time + rng.normal(size=units * times)
    order = rng.permutation(units * times)[: units * times - 5 * ragged]
    columns = {"unit": unit[order], "time": time[order]}
    return FixedEffects(effects="both").fit(None, y[order], t=t[order], **columns).effect_


@pytest.mark.filterwarnings("ignore:.*starts at")
def test_units_exchange_their_whole_treatment():
    effect = panel(np.random.default_rng(8))
    problem = effect.problem
    moved = shuffled_treatment(problem, np.random.default_rng(0))

    def paths(one):
        frame = pd.DataFrame(
            {
                "unit": one.others["unit"].codes,
                "time": one.others["time"].codes,
                "t": one.t,
            }
        )
        return frame.pivot_table(index="unit", columns="time", values="t").to_numpy()

    before, after = paths(problem), paths(moved)
    assert not np.array_equal(before, after)
    assert sorted(map(tuple, before)) == sorted(map(tuple, after))


@pytest.mark.filterwarnings("ignore:.*starts at")
def test_verdicts_on_a_panel():
    effect = panel(np.random.default_rng(9))
    placebo, subset = refute(effect, [PlaceboTreatment(), DataSubset()], random_state=0)
    assert placebo.passes
    assert not subset.fails
    ragged = panel(np.random.default_rng(9), ragged=True)
    (silent,) = refute(ragged, PlaceboTreatment(), random_state=0)
    assert silent.verdict == "not informative"
    assert "numbers of rows" in silent.sentence


# --- supplied nuisances --------------------------------------------------------------------------


def test_supplied_nuisances_are_not_challenged_by_refits():
    X, y, t = linear_design(np.random.default_rng(10))
    supplied = dict(fitted(light_aipw(), (X, y, t)).details["predictions"])
    effect = light_aipw().fit(X, y, t=t, supplied=supplied).effect_
    (found,) = refute(effect, PlaceboTreatment(), random_state=0)
    assert found.verdict == "not informative"
    assert "supplied" in found.sentence
    assert sensitivity(effect).benchmarks == ()
