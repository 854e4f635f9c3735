"""Regions without overlap: found where they were put, and named in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.errors import InputError
from causalkit.estimation import OLS, Effect, GComputation
from causalkit.refutation import Positivity, overlap_tree, refute
from tests.refutation.designs import continuous_design, fitted, light_aipw, linear_design


def study(rng, *, n=1000, never=True, always=False):
    frame = pd.DataFrame(
        {
            "age": rng.uniform(20, 80, n).round(1),
            "region": pd.Categorical(rng.choice(["north", "south", "west"], n)),
            "smoker": rng.integers(0, 2, n),
        }
    )
    chance = np.full(n, 0.5)
    if never:
        chance[(frame["age"] > 60) & (frame["region"] == "south")] = 0.0
    if always:
        chance[(frame["age"] < 40) & (frame["smoker"] == 1)] = 1.0
    t = (rng.random(n) < chance).astype(int)
    return frame, t + frame["age"].to_numpy() / 20 + rng.normal(size=n), t


def test_the_region_is_found_and_named():
    frame, y, t = study(np.random.default_rng(0))
    effect = GComputation().fit(frame, y, t=t).effect_
    found = overlap_tree(effect, random_state=0)
    (region,) = found.regions
    truly = ((frame["age"] > 60) & (frame["region"] == "south")).to_numpy()
    assert np.mean(region.rows == truly) > 0.98
    assert "region = south" in region.words
    assert "age > " in region.words
    assert region.missing == "t = 1"
    assert region.n_there < 5
    assert region.n_rows == region.rows.sum()
    assert "region = south" in str(found)
    assert str(region).startswith(region.words)
    assert found.to_frame()["n_rows"].tolist() == [region.n_rows]


def test_either_arm_can_be_missing():
    frame, y, t = study(np.random.default_rng(1), always=True)
    found = overlap_tree(OLS().fit(frame, y, t=t).effect_, random_state=0)
    assert {region.missing for region in found.regions} == {"t = 0", "t = 1"}
    always = next(region for region in found.regions if region.missing == "t = 0")
    assert "smoker = 1" in always.words
    assert found.n_named > 0.9 * found.n_extreme


def test_propensities_of_the_estimator_are_used_before_clipping():
    X, y, t = linear_design(np.random.default_rng(2))
    effect = fitted(light_aipw(), (X, y, t))
    assert not overlap_tree(effect).regions
    predictions = dict(effect.details["predictions"])
    predictions["treatment"] = np.where(X[:, [1]] > 0.5, [[0.999, 0.001]], [[0.5, 0.5]])
    moved = Effect(
        effect.value,
        effect.std_error,
        effect.n_obs,
        effect.method,
        details={**effect.details, "predictions": predictions},
        problem=effect.problem.replace(t=t * (np.abs(X[:, 1]) <= 0.5)),
        estimator=effect.estimator,
    )
    (region,) = overlap_tree(moved).regions
    assert region.rows.tolist() == (X[:, 1] > 0.5).tolist()
    assert region.propensity == pytest.approx(0.001)
    assert region.words.startswith("x1 > 0.")
    between = (X[:, [1]] > 0.5) & (X[:, [1]] < 1.0)
    predictions["treatment"] = np.where(between, [[1.0, 0.0]], [[0.5, 0.5]])
    assert "< x1 <=" in overlap_tree(moved).regions[0].words


def test_scattered_rows_are_not_made_a_region():
    X, y, t = linear_design(np.random.default_rng(3))
    effect = fitted(light_aipw(), (X, y, t))
    rng = np.random.default_rng(4)
    effect.details["predictions"]["treatment"][rng.random(400) < 0.03] = (1.0, 0.0)
    found = overlap_tree(effect)
    assert found.n_extreme > 0
    assert not found.regions
    assert "no few columns" in found.sentence


def test_the_check():
    frame, y, t = study(np.random.default_rng(5))
    (found,) = refute(GComputation().fit(frame, y, t=t).effect_, Positivity(), random_state=0)
    assert found.fails
    assert not found.is_test
    assert "south" in found.sentence
    sound = fitted(light_aipw(), linear_design(np.random.default_rng(6)))
    (fine,) = refute(sound, Positivity())
    assert fine.passes
    (silent,) = refute(fitted(OLS(), continuous_design(np.random.default_rng(7))), Positivity())
    assert silent.verdict == "not informative"


def test_errors():
    rng = np.random.default_rng(8)
    with pytest.raises(InputError, match="continuous"):
        overlap_tree(fitted(OLS(), continuous_design(rng)))
    X, y, t = linear_design(rng)
    with pytest.raises(InputError, match="nothing is adjusted for"):
        overlap_tree(fitted(OLS(), (None, y, t)))
    with pytest.raises(InputError, match="threshold"):
        overlap_tree(fitted(OLS(), (X, y, t)), threshold=2)
    with pytest.raises(InputError, match="no data"):
        overlap_tree(Effect(1.0, 0.1, 10, "by hand"))


def test_rows_that_did_get_the_arm_contradict_a_propensity_of_zero():
    X, y, t = linear_design(np.random.default_rng(9))
    effect = fitted(light_aipw(), (X, y, t))
    effect.details["predictions"]["treatment"][X[:, 1] > 0.5] = (1.0, 0.0)
    found = overlap_tree(effect)
    assert found.n_extreme > 50
    assert not found.regions
