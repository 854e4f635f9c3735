"""Linear models estimated again in bulk give what each refit gives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from causalkit.estimation import OLS, Asymptotic, Bootstrap, GComputation, Powers
from causalkit.refutation import (
    DataSubset,
    DummyOutcome,
    PlaceboTreatment,
    RandomCommonCause,
    refits,
    refute,
)
from causalkit.refutation.linear_refits import prepare_linear
from causalkit.refutation.placebo import shuffled_treatment
from causalkit.refutation.refits import refit
from causalkit.refutation.stability import noise_added, random_subset
from tests.refutation.designs import Boastful, continuous_design, fitted, light_plr, linear_design

CHANGES = [shuffled_treatment, noise_added, partial(random_subset, share=0.5)]
ESTIMATORS = {
    "OLS": (OLS(), continuous_design),
    "OLS, two values": (OLS(contrast=(-1, 2)), continuous_design),
    "OLS, arms": (OLS(covariance="HC0"), linear_design),
    "OLS, arms exchanged": (OLS(contrast=(1, 0)), linear_design),
    "OLS, bootstrap": (OLS(inference=Bootstrap(5, random_state=0)), linear_design),
    "OLS, counted rows": (OLS(inference=Asymptotic(weights="frequency")), linear_design),
    "g-computation": (GComputation(), linear_design),
    "g-computation, treated": (GComputation(target="ATT"), linear_design),
    "g-computation, arms exchanged": (GComputation(contrast=(1, 0), target="ATT"), linear_design),
    "g-computation, no interactions": (GComputation(interactions=False), linear_design),
    "g-computation, powers": (GComputation(features=Powers(2)), linear_design),
}


def effect_of(kind, *, weighted=False, clustered=False):
    rng = np.random.default_rng(3)
    estimator, design = ESTIMATORS[kind]
    X, y, t = design(rng, n=240)
    X = np.column_stack([X * 1000 + 50, X[:, 0] * 1000, rng.integers(0, 2, 240)])  # collinear too
    weights = rng.integers(0, 4, 240).astype(float) if weighted else None
    groups = rng.integers(0, 40, 240) if clustered else None
    return fitted(estimator, (X, y, t), sample_weight=weights, groups=groups)


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ESTIMATORS)
def test_value_and_standard_error_are_those_of_the_refit(kind, weighted, clustered):
    effect = effect_of(kind, weighted=weighted, clustered=clustered)
    linear = prepare_linear(effect)
    solved = 0
    for change in CHANGES:
        for seed in range(2):
            found = linear.solve(change(linear.light, np.random.default_rng(seed)))
            changed = change(effect.problem, np.random.default_rng(seed))
            if found is not None:
                again = refit(effect.estimator, changed, None)
                assert found == pytest.approx((again.value, again.std_error), rel=1e-9)
                solved += 1
    assert solved >= (2 if "powers" in kind else 6)


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("OLS", PlaceboTreatment()),
        ("OLS", DummyOutcome()),
        ("g-computation", PlaceboTreatment()),
        ("g-computation", RandomCommonCause()),
    ],
)
def test_checks_say_the_same_either_way(kind, check, monkeypatch):
    effect = effect_of(kind)
    (quick,) = refute(effect, check, n_simulations=6, random_state=1)
    monkeypatch.setattr(refits, "prepare_linear", lambda _: None)
    (slow,) = refute(effect, check, n_simulations=6, random_state=1)
    assert quick.draws == pytest.approx(slow.draws, abs=1e-9)
    assert quick.p_value == pytest.approx(slow.p_value, abs=1e-9)


def test_what_is_no_plain_linear_model_is_left_to_its_estimator():
    rng = np.random.default_rng(0)
    binary = linear_design(rng)
    assert prepare_linear(fitted(light_plr(), binary)) is None
    assert prepare_linear(fitted(Boastful(), binary)) is None
    assert prepare_linear(fitted(OLS(covariance="HC3"), binary)) is None
    X, y, t = binary
    assert prepare_linear(fitted(GComputation(), (X, (y > 0).astype(float), t))) is None
    assert prepare_linear(fitted(GComputation(), continuous_design(rng))) is None


def test_a_refit_that_is_left_to_the_estimator_draws_the_same():
    """Two treated rows: most halves lose one, and are refused as before."""
    rng = np.random.default_rng(5)
    X, y, t = linear_design(rng, n=60)
    t[:] = 0
    t[:3] = 1
    effect = fitted(OLS(), (X, y, t))
    kept = refits.again(
        effect,
        partial(random_subset, share=0.5),
        n_simulations=30,
        rng=np.random.default_rng(2),
        n_jobs=None,
        label="",
        reads_columns=False,
    )
    slow = refits.again(
        effect,
        partial(random_subset, share=0.5),
        n_simulations=30,
        rng=np.random.default_rng(2),
        n_jobs=None,
        label="",
    )
    assert kept.n_failed == slow.n_failed > 0
    assert kept.values == pytest.approx(slow.values, abs=1e-9)
    assert kept.std_errors == pytest.approx(slow.std_errors, rel=1e-9)


def test_a_column_of_a_subset_that_no_longer_varies_is_left_to_the_estimator():
    rng = np.random.default_rng(6)
    X, y, t = continuous_design(rng, n=100)
    X = np.column_stack([X, np.arange(100) < 1])
    effect = fitted(OLS(), (X, y, t))
    (quick,) = refute(effect, DataSubset(), n_simulations=10, random_state=0)
    assert np.isfinite(quick.draws).all()
    assert len(quick.draws) == 10
