"""Do intervals for effects over time cover, where noise is correlated from step to step?

    python benchmarks/bench_lagged_effects.py              all designs, 500 series each
    python benchmarks/bench_lagged_effects.py --reps 300 bands speed

Four series: Z confounds X and Y, X and Z drive themselves, and so does U, which is hidden and part
of Y. For whoever sees X, Y and Z the noise of Y is then correlated over time, in a way that has
nothing to do with treatment: the adjustment set is valid, least squares are consistent, and
standard errors that take the steps for independent rows are wrong. The truth is exact, by path
sums. The Monte Carlo error of a coverage near 95 % from 500 series is one point.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.linear_model import LinearRegression

from benchmarks.tables import head, row
from causalkit._core.parallel import run
from causalkit.estimation import HAC, OLS, PLR, Asymptotic, MovingBlocks
from causalkit.identification import identify, sustained
from causalkit.models import StructuralVAR, random_svar
from causalkit.workflow.responses import impulse_response
from tests.oracles.effects_over_time import total_effect

NAMES, SEEN = ("X", "Y", "Z", "U"), ("X", "Y", "Z")
HORIZON = 8


def model(memory, own=0.5, second=0.0):
    """`memory` is that of the noise of Y, `own` that of X, `second` the effect of X[t-2] on Y."""
    weights = np.zeros((3, 4, 4))
    weights[1][[0, 2, 3], [0, 2, 3]] = own, 0.6, memory
    weights[1][[0, 2], 1] = 0.4, 0.5
    weights[2][0, 1] = second
    weights[0][[2, 3], [0, 1]] = 0.5, 1.0
    return StructuralVAR(NAMES, weights)


INFERENCES = {
    "as if independent": Asymptotic(),
    "HAC (cosines)": HAC(),
    "Newey-West": HAC(kernel="Bartlett"),
    "moving blocks": MovingBlocks(200, random_state=0),
}


def one(memory, own, second, n, doses, seed):
    """Effect and truth, by kind of standard error."""
    truth_of = model(memory, own, second)
    data = truth_of.sample(n, rng=seed)
    truth = total_effect(truth_of.weights, [(0, x.lag) for x in doses], 1)
    problem = identify(truth_of.graph, doses, "Y", observed=SEEN).estimate(data).problem
    rows = []
    for name, inference in INFERENCES.items():
        if name == "moving blocks" and seed >= 10_300:
            continue  # 300 are enough of what takes longest
        effect = OLS(inference=inference).solve(problem)
        rows.append((name, effect.value - truth, effect.std_error, truth in effect.interval()))
    if len(doses) == 1:
        learners = LinearRegression(), LinearRegression()
        effect = PLR(*learners, inference=HAC(), random_state=seed).solve(problem)
        hit = truth in effect.interval()
        rows.append(("PLR, blocked folds", effect.value - truth, effect.std_error, hit))
    return rows


DESIGNS = {
    "X[t-1], white noise": (0.0, 0.5, 0.0, 400, sustained("X", 1, 1)),
    "X[t-1], noise AR .7": (0.7, 0.5, 0.0, 400, sustained("X", 1, 1)),
    "X[t-1], AR .9 and .9": (0.9, 0.9, 0.0, 400, sustained("X", 1, 1)),
    "X[t-1], 150 steps": (0.7, 0.5, 0.0, 150, sustained("X", 1, 1)),
    "X[t-3], noise AR .7": (0.7, 0.5, 0.0, 400, sustained("X", 3, 3)),
    "X held 3 steps": (0.7, 0.5, 0.3, 400, sustained("X", 3, 1)),
}


def points(reps, n_jobs):
    head("effect of", "standard error", "coverage", "bias", "spread", "mean s.e.")
    for name, setting in DESIGNS.items():
        jobs = [(*setting, 10_000 + seed) for seed in range(reps)]
        runs = [each for found in run(one, jobs, n_jobs=n_jobs) for each in found]
        for kind in dict.fromkeys(each[0] for each in runs):
            error, std_error, hit = np.array([each[1:] for each in runs if each[0] == kind]).T
            row(
                name,
                kind,
                f"{hit.mean():.1%} ± {np.sqrt(0.0475 / len(hit)):.1%}",
                f"{error.mean():+.4f}",
                f"{error.std(ddof=1):.4f}",
                f"{std_error.mean():.4f}",
            )


def curve(n, seed, kind):
    """Whether intervals, and the band, cover the response."""
    truth_of = model(0.7, second=0.3)
    data = truth_of.sample(n, rng=seed)
    response = impulse_response(
        truth_of.graph, "X", "Y", data, horizon=HORIZON, kind=kind, observed=SEEN
    )
    doses = [range(h, h + 1) if kind == "pulse" else range(h + 1) for h in range(HORIZON + 1)]
    truth = np.array([total_effect(truth_of.weights, [(0, k) for k in lags], 1) for lags in doses])
    inside = [
        (lower[1:] <= truth[1:]) & (truth[1:] <= upper[1:])
        for lower, upper in (response.interval(), response.band())
    ]
    return inside[0].mean(), inside[0].all(), inside[1].all()


def bands(reps, n_jobs):
    head("response", "steps", "intervals", "all of them", "band")
    for kind in ("pulse", "sustained"):
        for n in (200, 500):
            jobs = [(n, 20_000 + seed, kind) for seed in range(reps)]
            pointwise, every, band = np.mean(run(curve, jobs, n_jobs=n_jobs), axis=0)
            error = np.sqrt(0.0475 / reps)
            row(kind, n, f"{pointwise:.1%}", f"{every:.1%}", f"{band:.1%} ± {error:.1%}")


def speed(reps, n_jobs):  # noqa: ARG001
    head("series", "horizons", "seconds", title="Identified and estimated, 1,000 steps")
    for p, horizon in ((5, 10), (10, 20), (30, 10)):
        svar = random_svar(p, max_lag=3, rng=1)
        data = svar.sample(1000, rng=2)
        strength = np.abs(svar.effects(horizon)).sum(axis=0)
        np.fill_diagonal(strength, 0)
        x, y = np.unravel_index(strength.argmax(), strength.shape)
        start = time.process_time()
        impulse_response(svar.graph, f"x{x}", f"x{y}", data, horizon=horizon)
        row(p, horizon, f"{time.process_time() - start:.2f}")


PARTS = {"points": points, "bands": bands, "speed": speed}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--reps", type=int, default=500)
    parser.add_argument("--n-jobs", type=int, default=None)
    arguments = parser.parse_args()
    for name in arguments.parts or PARTS:
        PARTS[name](arguments.reps, arguments.n_jobs)


if __name__ == "__main__":
    main()
