"""Means, their contrasts and overlap-weighted effects cover: 500 samples of 600 rows each.

The Monte Carlo error of a coverage of 95 % is one point.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from causalkit.estimation import AIPW
from causalkit.estimation.nuisances.quality import unassessed
from causalkit.estimation.orthogonal.potential_outcomes import PotentialOutcomes
from tests.estimation.simulations import binary, three_arms

pytestmark = pytest.mark.slow
LEARNERS = LinearRegression(), LogisticRegression()


def test_means_and_contrasts_cover():
    rng = np.random.default_rng(3)
    means_covered, contrasts_covered, all_covered = [], [], []
    truth = np.array([0.0, 1.0, 3.0])
    for _ in range(500):
        X, arm, y = three_arms(600, rng)
        estimator = PotentialOutcomes(*LEARNERS, n_folds=2, random_state=0)
        with unassessed():
            means = estimator.fit(X, y, t=pd.Series(arm, dtype="category")).effect_
        contrasts = means.contrasts()
        means_covered.append([v in e.interval() for v, e in zip(truth, means, strict=True)])
        contrasts_covered.append(
            [v in e.interval() for v, e in zip((1.0, 3.0, 2.0), contrasts, strict=True)]
        )
        lower, upper = contrasts.band()
        all_covered.append(bool(((lower <= [1, 3, 2]) & (upper >= [1, 3, 2])).all()))
    for covered in (means_covered, contrasts_covered, all_covered):
        assert 0.92 <= np.mean(covered) <= 0.97, (
            np.mean(means_covered),
            np.mean(contrasts_covered),
        )


def test_overlap_weighted_effects_cover():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2_000_000, 3))
    e = 1 / (1 + np.exp(-(0.2 + 0.8 * X[:, 0] - 0.4 * X[:, 1])))
    truth = float(np.average(1 + X[:, 0], weights=e * (1 - e)))
    covered = 0
    for _ in range(500):
        X, t, y = binary(600, rng)
        with unassessed():
            effect = AIPW(*LEARNERS, target="ATO", n_folds=2, random_state=0).fit(X, y, t=t).effect_
        covered += truth in effect.interval()
    assert 0.92 <= covered / 500 <= 0.97
