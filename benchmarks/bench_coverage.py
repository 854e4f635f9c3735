"""Do 95 % intervals cover 95 % of the time? Simulated where each estimator's assumptions hold.

    python benchmarks/bench_coverage.py                 all designs, 500 data sets each
    python benchmarks/bench_coverage.py --reps 100 OLS  some of them

The Monte Carlo error of a coverage near 95 % from 500 data sets is one percentage point.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from benchmarks.tables import head, row
from causalkit._core.parallel import run
from causalkit.errors import OverlapWarning
from causalkit.estimation import AIPW, IPW, OLS, PLR, Bootstrap, GComputation, Powers


def linear(rng, n):
    """Linear confounding, heteroskedastic noise, effect 1."""
    X = rng.normal(size=(n, 3))
    t = X @ [1, 0.5, 0] + rng.normal(size=n)
    y = t + X @ [1, -1, 0.5] + (0.5 + np.abs(t)) * rng.normal(size=n)
    return {"X": X, "y": y, "t": t}, 1.0


def clustered(rng, n):
    """As above in 100 clusters that share treatment and noise."""
    groups = rng.integers(100, size=n)
    X = rng.normal(size=(n, 2))
    t = X[:, 0] + rng.normal(size=100)[groups] + rng.normal(size=n)
    y = t + X @ [1, -1] + rng.normal(size=100)[groups] + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "groups": groups}, 1.0


def interactive(rng, n):
    """Quadratic confounding of a binary treatment, effect 1 + x₀ (average 1)."""
    X = rng.normal(size=(n, 3))
    p = 1 / (1 + np.exp(-(0.5 * X[:, 0] + 0.4 * (X[:, 1] ** 2 - 1))))
    t = (rng.random(n) < p).astype(float)
    y = t * (1 + X[:, 0]) + X[:, 0] + X[:, 1] ** 2 + rng.normal(size=n)
    return {"X": X, "y": y, "t": t}, 1.0


def sparse(rng, n):
    """Thirty columns, of which three confound a continuous treatment, effect 0.5."""
    X = rng.normal(size=(n, 30))
    t = X[:, :3] @ [1, 0.5, 0.25] + rng.normal(size=n)
    y = 0.5 * t + X[:, :3] @ [1, 1, -1] + rng.normal(size=n)
    return {"X": X, "y": y, "t": t}, 0.5


def smooth(rng, n):
    """Smooth non-linear confounding of a continuous treatment in four columns, effect 0.5."""
    X = rng.normal(size=(n, 4))
    t = np.sin(X[:, 0]) + 0.5 * X[:, 1] + rng.normal(size=n)
    y = 0.5 * t + np.cos(X[:, 0]) + X[:, 1] + 0.5 * X[:, 2] ** 2 + rng.normal(size=n)
    return {"X": X, "y": y, "t": t}, 0.5


def binary_outcome(rng, n):
    """Logistic outcome and treatment; the risk difference by numerical integration."""
    X = rng.normal(size=(n, 2))
    t = (rng.random(n) < 1 / (1 + np.exp(-X[:, 0]))).astype(float)
    eta = -0.5 + X @ [0.8, -0.4]
    y = (rng.random(n) < 1 / (1 + np.exp(-(eta + t)))).astype(float)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    # X @ (0.8, −0.4) is normal with variance 0.8.
    grid = -0.5 + np.sqrt(0.8) * nodes
    gap = 1 / (1 + np.exp(-(grid + 1))) - 1 / (1 + np.exp(-grid))
    return {"X": X, "y": y, "t": t}, float(weights @ gap / weights.sum())


def survey(rng, n):
    """A survey that takes x₀ > 0 four times as often; sampling weights repair the average."""
    while True:
        X = rng.normal(size=(6 * n, 2))
        kept = np.flatnonzero(rng.random(6 * n) < np.where(X[:, 0] > 0, 0.8, 0.2))[:n]
        if len(kept) == n:
            break
    X = X[kept]
    t = (rng.random(n) < 1 / (1 + np.exp(-X[:, 1]))).astype(float)
    y = t * (1 + X[:, 0]) + X.sum(axis=1) + rng.normal(size=n)
    return {"X": X, "y": y, "t": t, "sample_weight": np.where(X[:, 0] > 0, 1.0, 4.0)}, 1.0


def quadratic(learner):
    return make_pipeline(StandardScaler(), PolynomialFeatures(2), learner)


DESIGNS = {
    "OLS": (OLS(), linear, 500),
    "OLS, HC3, few rows": (OLS(covariance="HC3"), linear, 40),
    "OLS, clustered": (OLS(), clustered, 800),
    "OLS, bootstrap": (OLS(inference=Bootstrap(200)), linear, 200),
    "g-computation": (GComputation(features=Powers(2)), interactive, 500),
    "g-computation, logit": (GComputation(interactions=False), binary_outcome, 500),
    "g-computation, survey": (GComputation(), survey, 500),
    "IPW": (IPW(), survey, 800),
    "IPW, heavy weights": (IPW(features=Powers(2)), interactive, 1000),
    "IPW, logit outcome": (IPW(), binary_outcome, 500),
    "AIPW": (
        AIPW(quadratic(LinearRegression()), quadratic(LogisticRegression())),
        interactive,
        800,
    ),
    "AIPW, logit outcome": (AIPW(LogisticRegression(), LogisticRegression()), binary_outcome, 800),
    "AIPW, survey": (
        AIPW(LinearRegression(), LogisticRegression()),
        survey,
        800,
    ),
    "PLR": (PLR(LassoCV(cv=3), LassoCV(cv=3)), sparse, 500),
    "PLR, IV-type": (PLR(quadratic(Ridge()), quadratic(Ridge()), score="IV-type"), smooth, 500),
    "PLR, clustered": (PLR(LinearRegression(), LinearRegression()), clustered, 800),
    "AIPW, default learners": (AIPW(), interactive, 1000),
    "PLR, default learners": (PLR(), smooth, 1000),
}


def one(name, seed):
    """Estimate, standard error, truth of one data set, and whether the interval covers it."""
    estimator, design, n = DESIGNS[name]
    rng = np.random.default_rng([seed, n])
    data, truth = design(rng, n)
    parameters = estimator.get_params(deep=False)
    fresh = type(estimator)(**parameters)
    if "random_state" in parameters:
        fresh.set_params(random_state=seed)
    if isinstance(parameters["inference"], Bootstrap):
        fresh.set_params(inference=Bootstrap(parameters["inference"].n_resamples, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        effect = fresh.fit(data["X"], data["y"], t=data["t"], **_options(data)).effect_
    return effect.value, effect.std_error, truth, truth in effect.interval()


def _options(data):
    return {key: data[key] for key in ("groups", "sample_weight") if key in data}


def coverage(name, reps, n_jobs=None):
    """Coverage, its Monte Carlo error, bias, spread, mean standard error."""
    results = np.array(run(one, [(name, seed) for seed in range(reps)], n_jobs=n_jobs))
    value, std_error, truth, covered = results.T
    share = covered.mean()
    return {
        "coverage": share,
        "error": np.sqrt(0.95 * 0.05 / reps),
        "bias": (value - truth).mean(),
        "spread": value.std(ddof=1),
        "std_error": std_error.mean(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("designs", nargs="*", help=", ".join(DESIGNS))
    parser.add_argument("--reps", type=int, default=500)
    parser.add_argument("--n-jobs", type=int, default=None)
    arguments = parser.parse_args()
    head("design", "n", "coverage", "bias", "spread", "mean s.e.")
    for name in arguments.designs or DESIGNS:
        found = coverage(name, arguments.reps, arguments.n_jobs)
        row(
            name,
            DESIGNS[name][2],
            f"{found['coverage']:.1%} ± {found['error']:.1%}",
            f"{found['bias']:+.4f}",
            f"{found['spread']:.4f}",
            f"{found['std_error']:.4f}",
        )


if __name__ == "__main__":
    main()
