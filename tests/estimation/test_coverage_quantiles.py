"""Quantile effects cover: 500 samples of 800 rows, Monte Carlo error one point."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from causalkit.errors import OverlapWarning
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.quantiles import QuantileEffects
from tests.estimation.test_quantiles import (
    LOGIT,
    spread_out,
    true_local,
    true_spread,
    true_tails,
    with_instrument,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("measure", ["quantile", "tail mean"])
def test_effects_cover(measure):
    rng = np.random.default_rng(6)
    truth = true_spread() if measure == "quantile" else true_tails()
    learner = LOGIT if measure == "quantile" else LinearRegression()
    covered, banded = [], 0
    for _ in range(500):
        X, t, y = spread_out(800, rng)
        estimator = QuantileEffects(learner, LOGIT, measure=measure, n_folds=2, random_state=0)
        with unassessed():
            found = estimator.fit(X, y, t=t).effect_
        covered.append([v in e.interval() for v, e in zip(truth, found, strict=True)])
        lower, upper = found.band()
        banded += bool(((lower <= truth) & (truth <= upper)).all())
    shares = [*np.mean(covered, axis=0), banded / 500]
    assert all(0.92 <= share <= 0.97 for share in shares), shares


def test_local_effects_cover():
    """Kernel densities of compliers are smoothed widely, so intervals are a little long."""
    rng = np.random.default_rng(7)
    truth, covered = true_local(4_000_000)[1], 0
    for _ in range(500):
        X, z, t, y = with_instrument(1000, rng)
        estimator = QuantileEffects(LOGIT, LOGIT, quantiles=0.5, n_folds=2, random_state=0)
        with warnings.catch_warnings(), unassessed():
            warnings.simplefilter("ignore", OverlapWarning)
            found = estimator.fit(X, y, t=t, z=z).effect_
        covered += truth in found.interval()
    assert 0.92 <= covered / 500 <= 0.98, covered
