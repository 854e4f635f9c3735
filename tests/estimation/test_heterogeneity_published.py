"""A trial in which each child's effect is known: IHDP with simulated outcomes (NPCI, setting A)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from causalkit.estimation import AIPW, CausalForest, SLearner, group_effects

pytestmark = pytest.mark.slow


@pytest.fixture
def ihdp(shared):
    path = shared / "ihdp_npci_1" / "ihdp_npci_1.csv.gz"
    if not path.exists():
        pytest.skip("the simulated IHDP trial is not here")
    table = pd.read_csv(path)
    columns = table[[name for name in table if name.startswith("x")]]
    return columns, table.treatment, table.y_factual, (table.mu1 - table.mu0).to_numpy()


def test_averages_and_groups_are_found(ihdp):
    X, t, y, truth = ihdp
    effect = AIPW(random_state=0).fit(X, y, t=t).effect_
    assert truth.mean() == pytest.approx(4.016, abs=1e-3)
    assert truth.mean() in effect.interval()
    by = pd.qcut(truth, 4, labels=False)
    band = group_effects(by, effect).interval()
    means = np.array([truth[by == k].mean() for k in range(4)])
    assert ((band[:, 0] <= means) & (means <= band[:, 1])).all()


@pytest.mark.parametrize(
    "estimator", [CausalForest(n_trees=100, random_state=0), SLearner(random_state=0)]
)
def test_effects_are_nearer_than_their_average(ihdp, estimator):
    X, t, y, truth = ihdp
    found = estimator.predict_out_of_fold(X, y, t=t, n_parts=2).values
    assert np.sqrt(np.mean((found - truth) ** 2)) < truth.std()
    assert np.corrcoef(found, truth)[0, 1] > 0.6
