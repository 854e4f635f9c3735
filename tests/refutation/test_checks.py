"""Checks that refit: they find designed faults, and leave sound analyses alone."""

from __future__ import annotations

import numpy as np
import pytest

from causalkit.errors import InputError
from causalkit.estimation import IPW, OLS, Bootstrap, GComputation, Powers, Problem
from causalkit.refutation import (
    DataSubset,
    DummyOutcome,
    PlaceboTreatment,
    RandomCommonCause,
    refute,
)
from causalkit.refutation.base import as_normal
from causalkit.refutation.dummy_outcome import surrogate_mean, with_dummy_outcome
from causalkit.refutation.placebo import shuffled_treatment
from causalkit.refutation.stability import heaviest_share, noise_added, random_subset
from tests.refutation.designs import (
    Biased,
    Boastful,
    Forgetful,
    Fragile,
    Gambling,
    continuous_design,
    curved_design,
    fitted,
    light_aipw,
    light_plr,
    linear_design,
)


def one(effect, check, **options):
    (found,) = refute(effect, check, **{"random_state": 0, **options})
    return found


# --- sound analyses ------------------------------------------------------------------------------

SOUND = [OLS(), IPW(), GComputation(), light_aipw(), light_plr()]


@pytest.mark.parametrize("estimator", SOUND, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "check",
    [PlaceboTreatment(), DummyOutcome(), RandomCommonCause(), DataSubset()],
    ids=lambda c: c.name,
)
def test_a_sound_analysis_passes(estimator, check):
    effect = fitted(estimator, linear_design(np.random.default_rng(1), n=600, effect=1.0))
    found = one(effect, check)
    assert found.passes, found.sentence
    assert found.power >= 0.5
    assert found.p_value > check.alpha


# --- designed faults -----------------------------------------------------------------------------


def test_placebo_finds_a_standard_error_that_is_too_small():
    found = one(fitted(Boastful(), linear_design(np.random.default_rng(2))), PlaceboTreatment())
    assert found.fails
    assert "not trustworthy" in found.sentence
    assert found.details["spread_over_std_error"] == pytest.approx(2, abs=0.7)


def test_placebos_are_judged_by_the_distribution_of_the_interval():
    """A Student's t of 5 degrees of freedom has spread 1.29: no fault of the standard error."""
    from scipy import stats

    levels = np.linspace(0.001, 0.999, 99)
    assert as_normal(stats.t.ppf(levels, 5), 5) == pytest.approx(stats.norm.ppf(levels))
    assert np.isfinite(as_normal(np.array([-1e6, 1e6]), 400)).all()
    assert as_normal(levels, None) is levels


def test_placebo_finds_a_biased_method():
    found = one(fitted(Biased(), linear_design(np.random.default_rng(3))), PlaceboTreatment())
    assert found.fails
    assert "biased" in found.sentence
    assert found.estimate == pytest.approx(0.5, abs=0.1)


def test_dummy_outcome_finds_a_forgotten_column():
    rng = np.random.default_rng(4)
    found = one(fitted(Forgetful(), linear_design(rng, n=800)), DummyOutcome())
    assert found.fails
    assert "leaves confounding by the measured columns in" in found.sentence


def test_dummy_outcome_finds_a_straight_line_through_a_curve():
    data = curved_design(np.random.default_rng(5))
    rigid = one(fitted(OLS(), data), DummyOutcome())
    assert rigid.fails
    assert one(fitted(OLS(features=Powers(2)), data), DummyOutcome()).passes


def test_dummy_outcome_for_a_two_level_outcome():
    rng = np.random.default_rng(6)
    x = rng.normal(size=3000)
    t = (rng.random(3000) < 1 / (1 + np.exp(-x))).astype(float)
    y = (rng.random(3000) < 1 / (1 + np.exp(1 - 1.2 * t - x))).astype(float)
    X = np.column_stack([x, rng.normal(size=3000)])
    assert one(fitted(GComputation(), (X, y, t)), DummyOutcome()).passes
    assert one(fitted(Forgetful(), (X, y, t)), DummyOutcome()).fails


def test_random_common_cause_finds_an_answer_by_chance():
    effect = fitted(Gambling(random_state=0), linear_design(np.random.default_rng(7)))
    found = one(effect, RandomCommonCause())
    assert found.fails
    assert "chance in the fitting" in found.sentence


def test_data_subset_finds_a_row_that_carries_the_result():
    X, y, t = continuous_design(np.random.default_rng(8), n=200, effect=0.0)
    t[0], y[0] = 60.0, 80.0
    found = one(fitted(OLS(covariance="HC0"), (X, y, t)), DataSubset())
    assert found.fails


def test_data_subset_names_the_heaviest_row():
    X, y, t = continuous_design(np.random.default_rng(9), n=200)
    y[17] += 500 * np.sign(t[17] - 0.5 * X[17, 0])
    effect = fitted(OLS(), (X, y, t))
    assert heaviest_share(effect) > 0.9
    found = one(effect, DataSubset())
    assert found.verdict == "not informative"
    assert "row 17" in found.sentence


@pytest.mark.parametrize("outcome", ["rare treatment", "heavy tails"])
def test_a_heavy_row_alone_is_no_failure(outcome):
    """Intervals cover in both designs, and cover no less where one row weighs much."""
    fails = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        x, noise = rng.normal(size=(2, 200))
        t = (rng.random(200) < (0.1 if outcome == "rare treatment" else 0.5)).astype(float)
        y = t + x + (noise if outcome == "rare treatment" else np.exp(1.5 * noise))
        fails += one(fitted(OLS(), (x[:, None], y, t)), DataSubset()).fails
    # One in a hundred is what alpha allows; three of 25 has probability 0.002 at that rate.
    assert fails <= 2


def test_data_subset_finds_a_standard_error_that_is_too_small():
    found = one(fitted(Boastful(), linear_design(np.random.default_rng(10))), DataSubset())
    assert found.fails
    assert "too small" in found.sentence


def test_ignored_clusters_are_found_by_subsets_of_clusters():
    """Treatment and luck are the clusters': ignoring them fails once subsets keep them whole."""
    import dataclasses

    rng = np.random.default_rng(11)
    groups = np.repeat(np.arange(60), 10)
    t = rng.normal(size=60)[groups]
    y = t + rng.normal(size=60)[groups] + 0.3 * rng.normal(size=600)
    naive = OLS().fit(None, y, t=t).effect_
    aware = OLS().fit(None, y, t=t, groups=groups).effect_
    pretended = dataclasses.replace(naive, problem=aware.problem)
    assert aware.std_error > 2 * naive.std_error
    assert one(aware, DataSubset()).passes
    assert one(pretended, DataSubset()).fails


# --- not informative -----------------------------------------------------------------------------


def test_an_effect_smaller_than_its_noise_cannot_be_told_from_a_placebo():
    X, y, t = linear_design(np.random.default_rng(12), effect=0.0)
    effect = fitted(OLS(), (X, y - fitted(OLS(), (X, y, t)).value * t, t))
    assert abs(effect.value) < 1e-8
    for check in (PlaceboTreatment(), DummyOutcome()):
        found = one(effect, check)
        assert found.verdict == "not informative"
        assert found.power < 0.5


def test_too_few_simulations_are_not_informative():
    effect = fitted(OLS(), linear_design(np.random.default_rng(13)))
    assert one(effect, DataSubset(n_simulations=2)).verdict == "not informative"
    assert one(effect, RandomCommonCause(n_simulations=2)).verdict == "not informative"


def test_nothing_adjusted_for_leaves_nothing_to_adjust_badly():
    rng = np.random.default_rng(14)
    t = rng.normal(size=200)
    effect = OLS().fit(None, t + rng.normal(size=200), t=t).effect_
    assert one(effect, DummyOutcome()).verdict == "not informative"
    assert one(effect, PlaceboTreatment()).passes
    assert one(effect, RandomCommonCause()).passes


def test_failing_refits_are_reported_not_hidden():
    X, y, t = linear_design(np.random.default_rng(15))
    effect = fitted(Fragile(first=y.sum() + t @ y), (X, y, t))
    found = one(effect, PlaceboTreatment())
    assert found.verdict == "not informative"
    assert "20 of 20 refits failed" in found.sentence
    assert "not the data I know" in found.sentence


def test_an_outcome_without_noise_has_no_distances():
    rng = np.random.default_rng(16)
    X = rng.normal(size=(100, 1))
    t = rng.normal(size=100)
    effect = OLS().fit(X, np.round(t) * 0 + 2 * t, t=t).effect_
    found = one(effect, PlaceboTreatment())
    assert found.verdict in ("not informative", "passes")


# --- what is changed -----------------------------------------------------------------------------


def problem_of(n=60, groups=None):
    rng = np.random.default_rng(17)
    X, y, t = linear_design(rng, n=n)
    return Problem(y=y, t=t, X=X, adjustment=("a", "b", "c"), levels=(0, 1), groups=groups)


def test_a_shuffle_keeps_the_treatment_values():
    problem = problem_of()
    shuffled = shuffled_treatment(problem, np.random.default_rng(0))
    assert np.array_equal(np.sort(shuffled.t), np.sort(problem.t))
    assert not np.array_equal(shuffled.t, problem.t)
    assert shuffled.y is problem.y


def test_clusters_are_shuffled_whole_when_the_treatment_is_theirs():
    groups = np.repeat(np.arange(12), 5)
    whole = problem_of(groups=groups).replace(t=(groups % 3 == 0).astype(float))
    shuffled = shuffled_treatment(whole, np.random.default_rng(1)).t.reshape(12, 5)
    assert (shuffled == shuffled[:, :1]).all()
    assert shuffled[:, 0].sum() == 4
    within = problem_of(groups=groups)
    mixed = shuffled_treatment(within, np.random.default_rng(1))
    assert mixed.t.sum() == within.t.sum()


def test_a_subset_keeps_clusters_whole_and_numbers_them_afresh():
    groups = np.repeat(np.arange(10), 6)
    part = random_subset(problem_of(groups=groups), np.random.default_rng(2), share=0.5)
    assert np.array_equal(np.unique(part.groups), np.arange(5))
    assert (np.bincount(part.groups) == 6).all()
    assert random_subset(problem_of(), np.random.default_rng(3), share=0.5).n_obs == 30


def test_noise_is_one_more_column():
    more = noise_added(problem_of(), np.random.default_rng(4))
    assert more.X.shape == (60, 4)
    assert len(more.adjustment) == 4


def test_a_dummy_outcome_owes_nothing_to_the_treatment():
    """Huge true effect; none of it may survive in the surrogate, within strata of X."""
    rng = np.random.default_rng(18)
    X = rng.normal(size=(3000, 2))
    t = (rng.random(3000) < 0.5).astype(float)
    problem = Problem(y=10 * t + X[:, 0], t=t, X=X, adjustment=("a", "b"), levels=(0, 1))
    mean = surrogate_mean(problem, rng)
    assert abs(mean[t == 1].mean() - mean[t == 0].mean()) < 0.1
    assert np.corrcoef(mean, X[:, 0])[0, 1] > 0.8
    made = with_dummy_outcome(problem, rng, mean=mean)
    assert abs(made.y[t == 1].mean() - made.y[t == 0].mean()) < 1.0
    assert made.y.mean() == pytest.approx(problem.y.mean(), abs=1e-9)


def test_a_surrogate_of_a_line_is_the_line():
    X, y, t = continuous_design(np.random.default_rng(19), n=2000)
    problem = Problem(y=y, t=t, X=X, adjustment=("a", "b", "c"))
    mean = surrogate_mean(problem, np.random.default_rng(20))
    design = np.column_stack([np.ones(2000), X])
    line = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    assert np.sqrt(np.mean((mean - line) ** 2)) < 0.1 * y.std()


# --- settings ------------------------------------------------------------------------------------


def test_a_bootstrap_is_not_run_within_simulations():
    data = linear_design(np.random.default_rng(21))
    effect = fitted(OLS(inference=Bootstrap(50, random_state=0)), data)
    found = one(effect, PlaceboTreatment(n_simulations=5))
    assert found.draws.shape == (5,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PlaceboTreatment(alpha=0), "alpha=0"),
        (lambda: DummyOutcome(alpha=2), "alpha=2"),
        (lambda: DataSubset(share=1.5), "share=1.5"),
        (lambda: RandomCommonCause(tolerance=0), "tolerance=0"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(InputError, match=message):
        make()


# --- calibration ---------------------------------------------------------------------------------

CHECKS = [PlaceboTreatment(), DummyOutcome(), RandomCommonCause(), DataSubset()]


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SOUND, ids=lambda e: type(e).__name__)
def test_sound_analyses_rarely_fail(estimator):
    """100 data sets: each check fails in at most 5 % of them, up to Monte Carlo error."""
    fails = np.zeros(len(CHECKS))
    for seed in range(100):
        data = linear_design(np.random.default_rng([22, seed]), n=400)
        found = refute(fitted(estimator, data), CHECKS, random_state=seed)
        fails += [c.fails for c in found]
    assert (fails / 100 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)).all(), fails
