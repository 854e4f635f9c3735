"""Double machine learning beside DoubleML and econml: same data, same learners, same folds' number.

    python benchmarks/bench_estimation.py [n ...]

Each is timed in CPU seconds, best of three, in one process and one thread, in turn, so that a busy
machine slows all of them alike. With LassoCV, econml chooses the penalty once for all folds,
and the other two choose it in each.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.tables import head, row
from causalkit.estimation import AIPW, PLR

LEARNERS = {
    "linear": (LinearRegression(), LogisticRegression()),
    "LassoCV": (LassoCV(cv=5), LogisticRegression()),
    "boosting": (
        HistGradientBoostingRegressor(random_state=0),
        HistGradientBoostingClassifier(random_state=0),
    ),
}


def draw(n, binary, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 20))
    index = X[:, 0] + 0.5 * X[:, 1] ** 2 - 0.5
    t = (rng.random(n) < 1 / (1 + np.exp(-index))) if binary else index + rng.normal(size=n)
    t = t.astype(float)
    return X, t, 0.5 * t + X[:, 0] + np.cos(X[:, 1]) + rng.normal(size=n)


def ours(model, X, t, y, g, m):
    estimator = AIPW(g, m, random_state=0) if model == "AIPW" else PLR(g, clone(g), random_state=0)
    effect = estimator.fit(X, y, t=t).effect_
    return effect.value, effect.std_error


def double_ml(model, X, t, y, g, m):
    import doubleml

    data = doubleml.DoubleMLData.from_arrays(X, y, t)
    if model == "AIPW":
        fitted = doubleml.DoubleMLIRM(data, g, m, n_folds=5).fit()
    else:
        fitted = doubleml.DoubleMLPLR(data, g, clone(g), n_folds=5).fit()
    return fitted.coef[0], fitted.se[0]


def econml(model, X, t, y, g, m):
    if model == "AIPW":
        from econml.dr import LinearDRLearner

        fitted = LinearDRLearner(model_propensity=m, model_regression=g, cv=5, random_state=0).fit(
            y, t, X=None, W=X
        )
        inference = fitted.ate_inference(T0=0, T1=1)
    else:
        from econml.dml import LinearDML

        fitted = LinearDML(model_y=g, model_t=clone(g), cv=5, random_state=0).fit(y, t, X=None, W=X)
        inference = fitted.ate_inference()
    return float(np.ravel(inference.mean_point)[0]), float(np.ravel(inference.stderr_mean)[0])


LIBRARIES = {"causalkit": ours, "DoubleML": double_ml, "econml": econml}


def main():
    sizes = [int(n) for n in sys.argv[1:]] or [1000, 10_000]
    head("model", "learner", "n", "library", "seconds", "ours / theirs", "effect (s.e.)")
    for model in ("PLR", "AIPW"):
        for n in sizes:
            X, t, y = draw(n, binary=model == "AIPW")
            for learner, (g, m) in LEARNERS.items():
                best = dict.fromkeys(LIBRARIES, np.inf)
                answers = {}
                for _ in range(3):
                    for library, job in LIBRARIES.items():
                        start = time.process_time()
                        with warnings.catch_warnings(), threadpool_limits(1):
                            warnings.simplefilter("ignore")
                            answers[library] = job(model, X, t, y, clone(g), clone(m))
                        best[library] = min(best[library], time.process_time() - start)
                for library, seconds in best.items():
                    effect = "{:.3f} ({:.3f})".format(*answers[library][:2])
                    ratio = f"{best['causalkit'] / seconds:.2f}"
                    row(model, learner, n, library, f"{seconds:.3f}", ratio, effect)


if __name__ == "__main__":
    main()
