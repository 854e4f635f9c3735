"""Default learners for the nuisances of double machine learning: shallow boosted trees.

They find steps, curves and interactions without being told, take columns of any scale, use sample
weights, and are fast. scikit-learn's own settings (31 leaves, rate 0.1) fit too closely for
propensities in a few hundred rows, so trees are smaller here, and steps shorter for propensities.
In simulations of AIPW with ten columns, linear confounding and 400 rows the root mean squared error
fell from 0.60 to 0.15 (linear models: 0.11); under curved confounding at 400 and 1500 rows 97 % of
the 95 % intervals covered, while those of linear models (0 %), random forests (53 %) and stacks of
linear models and trees (27 to 40 %) did not.

Where theory or experience names a model, name it: `AIPW(LassoCV(), LogisticRegressionCV())`.
"""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

__all__ = ["default_classifier", "default_regressor"]

_SHALLOW: dict[str, Any] = {"max_leaf_nodes": 8, "max_iter": 100, "early_stopping": False}


def default_regressor() -> HistGradientBoostingRegressor:
    """Return a regressor for a numeric outcome or treatment."""
    return HistGradientBoostingRegressor(**_SHALLOW, learning_rate=0.1)


def default_classifier() -> HistGradientBoostingClassifier:
    """Return a classifier for a 0/1 outcome or a discrete treatment."""
    return HistGradientBoostingClassifier(**_SHALLOW, learning_rate=0.05)
