"""Boosted nuisances: ours against scikit-learn's HistGradientBoosting inside DoubleML.

Partially linear regression, d = 20, five folds, defaults of both, one thread, one process. Losses
are root mean squared errors out of fold, of outcome and treatment. Random
forests, one a fold, stand beside.

    python -m benchmarks boosting
"""

from __future__ import annotations

import time
import warnings

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor

from benchmarks.tables import head, row
from causalkit._core.parallel import one_thread
from causalkit.estimation import PLR
from causalkit.estimation.nuisances.boosting import BoostedRegressor
from causalkit.estimation.nuisances.quality import unassessed

D, EFFECT = 20, 0.5


def draw(n, seed=0):
    """Smooth confounding, an interaction, and a curve; effect 0.5."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, D))
    t = np.sin(X[:, 0]) + 0.5 * X[:, 4] + rng.normal(size=n)
    g = np.sin(X[:, 0]) + 0.5 * X[:, 1] ** 2 * (X[:, 2] > 0) + X[:, 3]
    return X, t, EFFECT * t + g + rng.normal(size=n)


def ours(learner, X, t, y):
    """Effect and losses; the check of the nuisances is no part of the peers' work."""
    with unassessed():
        effect = PLR(learner, learner, random_state=0).fit(X, y, t=t).effect_
    found = effect.details["predictions"]
    return effect.value, _rmse(y, found["outcome"]), _rmse(t, found["treatment"])


def double_ml(learner, X, t, y):
    """The same by DoubleML."""
    import doubleml

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = doubleml.DoubleMLData.from_arrays(X, y, t)
        model = doubleml.DoubleMLPLR(data, learner, learner, n_folds=5)
        model.fit()
        losses = model.nuisance_loss
    return float(model.coef[0]), float(losses["ml_l"].mean()), float(losses["ml_m"].mean())


def _rmse(target, found):
    return float(np.sqrt(np.mean((target - found) ** 2)))


RUNS = {
    "causalkit BoostedRegressor()": (ours, BoostedRegressor(), 100_000),
    "causalkit BoostedRegressor(start='mean')": (ours, BoostedRegressor(start="mean"), 100_000),
    "DoubleML HistGradientBoostingRegressor()": (
        double_ml,
        HistGradientBoostingRegressor(),
        100_000,
    ),
    "causalkit RandomForestRegressor(100), 5 folds": (
        ours,
        RandomForestRegressor(100, min_samples_leaf=3, max_features=0.5),
        1_000,
    ),
}


def main(sizes=(1_000, 10_000, 100_000)):
    head("nuisances", "n", "seconds", "effect", "loss y", "loss t")
    for run, learner, _ in RUNS.values():
        run(learner, *draw(200))  # compiled and imported
    with one_thread():
        for n in sizes:
            for name, (run, learner, most) in RUNS.items():
                if n > most:
                    continue
                began = time.process_time()
                effect, loss_y, loss_t = run(learner, *draw(n))
                spent = time.process_time() - began
                row(name, n, f"{spent:.3f}", f"{effect:.3f}", f"{loss_y:.4f}", f"{loss_t:.4f}")


if __name__ == "__main__":
    main()
