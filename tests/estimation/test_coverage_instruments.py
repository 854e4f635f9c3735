"""Intervals and sets cover: 600 data sets each. The Monte Carlo error near 95 % is 0.9 points."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from causalkit.errors import WeakInstrumentWarning
from causalkit.estimation.instruments.linear import GMM, LIML, TwoStageLeastSquares
from causalkit.estimation.instruments.weak_instruments import weak_instrument_set

pytestmark = pytest.mark.slow

REPS = 600
ACCEPTED = (0.92, 0.97)


def draw(rng, n, *, strength, n_z=1, alike=True, clusters=0):
    """Effect 1; a hidden cause doubles what least squares would find."""
    X, hidden = rng.normal(size=(n, 2)), rng.normal(size=n)
    Z = rng.normal(size=(n, n_z)) + 0.5 * X[:, :1]
    groups = rng.integers(clusters, size=n) if clusters else None
    noise = rng.normal(size=n) * (1 if alike else 0.5 + np.abs(Z[:, 0]))
    t = strength * Z.sum(axis=1) + X[:, 0] + hidden + 0.5 * rng.normal(size=n)
    y = t + X @ [1.0, -0.5] + hidden + 0.5 * noise
    if clusters:
        y = y + rng.normal(size=clusters)[groups]
        t = t + rng.normal(size=clusters)[groups]
    return {"X": X, "y": y, "t": t, "z": Z, "groups": groups}


def covered(design, seed, answers):
    """Share of data sets in which each answer holds 1."""
    rng = np.random.default_rng(seed)
    hits = np.zeros(len(answers))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WeakInstrumentWarning)
        for _ in range(REPS):
            given = design(rng)
            hits += [1.0 in answer(**given) for answer in answers]
    return hits / REPS


def interval_of(estimator):
    return lambda X, y, **given: estimator.fit(X, y, **given).effect_.interval()


def set_of(estimator, kind):
    return lambda X, y, **given: weak_instrument_set(estimator.fit(X, y, **given).effect_, kind)


@pytest.mark.parametrize(
    "estimator", [TwoStageLeastSquares(), LIML(), LIML(fuller=1), GMM()], ids=repr
)
@pytest.mark.parametrize("clusters", [0, 60])
def test_intervals_with_strong_instruments(estimator, clusters):
    def design(rng):
        return draw(rng, 600, strength=0.4, n_z=3, alike=False, clusters=clusters)

    (share,) = covered(design, 1, [interval_of(estimator)])
    assert ACCEPTED[0] <= share <= ACCEPTED[1]


@pytest.mark.parametrize("n_z", [1, 5])
@pytest.mark.parametrize("alike", [True, False])
def test_sets_with_a_first_stage_of_two(alike, n_z):
    """Mean F of 2, so that π'π n / σ² = K: the usual interval misses, the sets do not."""
    strength = np.sqrt(1.25 / 400)
    kinds = ("AR",) if n_z == 1 else ("AR", "CLR", "K")
    estimator = TwoStageLeastSquares(covariance="classical" if alike else "HC1")

    def design(rng):
        return draw(rng, 400, strength=strength, n_z=n_z, alike=alike)

    answers = [set_of(estimator, kind) for kind in kinds]
    usual, *shares = covered(design, 2, [interval_of(estimator), *answers])
    assert all(ACCEPTED[0] <= share <= ACCEPTED[1] for share in shares), shares
    if n_z > 1:
        assert usual < 0.8


def test_sets_with_clusters():
    def design(rng):
        return draw(rng, 600, strength=0.08, n_z=2, alike=False, clusters=60)

    kinds = ("AR", "CLR")
    shares = covered(design, 3, [set_of(TwoStageLeastSquares(), kind) for kind in kinds])
    assert all(ACCEPTED[0] <= share <= ACCEPTED[1] for share in shares), shares


def test_the_adjusted_t_ratio_with_a_weak_instrument():
    """It may cover more often than it says, never less."""

    def adjusted(X, y, **given):
        effect = TwoStageLeastSquares(covariance="classical").fit(X, y, **given).effect_
        return effect.details["tF interval"]

    def design(rng):
        return draw(rng, 400, strength=np.sqrt(1.25 * 4 / 400))

    (share,) = covered(design, 4, [adjusted])
    assert share >= ACCEPTED[0]
