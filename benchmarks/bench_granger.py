"""Granger beside loops over statsmodels, on the same series in one process.

    python -m benchmarks granger
    python benchmarks/bench_granger.py [--steps 500 2000] [--series 5 20 50] [--lags 2 5]
                                       [--limit 20]

Sparse stable VARs. The whole call, from an array to p-values of all pairs: `pairs` is our
`conditional=False` and a loop over `grangercausalitytests`, `VAR` ours by default and a loop over
`VARResults.test_causality` after one fit, `HAC` the robust covariance and a regression for each
equation with `cov_type="HAC"` and a Wald test for each pair. Times are the least of three calls, of
theirs of one where it is long; ratios are theirs by ours. `agree` is the largest relative
difference of F (of HAC there is none: ours frees residuals of their own pull). A loop that would
take longer than `--limit` seconds, by what it took on fewer series, is left out. One thread
everywhere.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

from contextlib import redirect_stdout
from io import StringIO
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from causalkit.discovery import Granger


def simulated(n_steps, n_series, seed):
    rng = np.random.default_rng(seed)
    matrix = np.diag(rng.uniform(0.2, 0.6, n_series))
    for effect in range(n_series):
        matrix[rng.integers(n_series), effect] += 0.3
    matrix *= 0.9 / max(0.9, np.abs(np.linalg.eigvals(matrix)).max())
    x = rng.normal(size=(n_steps + 100, n_series))
    for t in range(1, len(x)):
        x[t] += x[t - 1] @ matrix
    return x[100:]


def pairs_of(n_series):
    return [(i, j) for i in range(n_series) for j in range(n_series) if i != j]


def loop_over_pairs(x, max_lag):
    from statsmodels.tsa.stattools import grangercausalitytests

    found = np.full((x.shape[1],) * 2, np.nan)
    for i, j in pairs_of(x.shape[1]):
        with redirect_stdout(StringIO()):
            found[i, j] = grangercausalitytests(x[:, [j, i]], [max_lag])[max_lag][0]["ssr_ftest"][0]
    return found


def loop_over_var(x, max_lag):
    from statsmodels.tsa.api import VAR

    model = VAR(x).fit(max_lag)
    found = np.full((x.shape[1],) * 2, np.nan)
    for i, j in pairs_of(x.shape[1]):
        found[i, j] = model.test_causality(j, i, kind="f").test_statistic
    return found


def loop_over_robust(x, max_lag):
    from statsmodels.api import OLS

    n, p = len(x) - max_lag, x.shape[1]
    past = np.hstack(
        [np.ones((n, 1)), *(x[max_lag - k : len(x) - k] for k in range(1, max_lag + 1))]
    )
    steps = int(4 * (n / 100) ** (2 / 9))
    for j in range(p):
        fit = OLS(x[max_lag:, j], past).fit(cov_type="HAC", cov_kwds={"maxlags": steps})
        for i in range(p):
            fit.f_test(np.eye(past.shape[1])[1 + i :: p])


SUITES = {
    "pairs": ({"conditional": False}, loop_over_pairs),
    "VAR": ({}, loop_over_var),
    "HAC": ({"covariance": "hac"}, loop_over_robust),
}


def timed(call, least=3):
    seconds, result = [], None
    for _ in range(least):
        start = process_time()
        result = call()
        seconds.append(process_time() - start)
        if seconds[-1] > 1:
            break
    return min(seconds), result


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--steps", type=int, nargs="+", default=[500, 2000])
    options.add_argument("--series", type=int, nargs="+", default=[5, 20, 50])
    options.add_argument("--lags", type=int, nargs="+", default=[2, 5])
    options.add_argument("--limit", type=float, default=20.0)
    options = options.parse_args()
    small = simulated(100, 3, 0)
    for settings, loop in SUITES.values():
        Granger(1, **settings).fit(small)
        loop(small, 1)
    head("tests", "steps", "series", "lags", "causalkit, s", "statsmodels, s", "ratio", "agree")
    for name, (settings, loop) in SUITES.items():
        for n_steps in options.steps:
            for max_lag in options.lags:
                last = None
                for p in sorted(options.series):
                    if p * max_lag >= n_steps // 2:
                        continue
                    x = simulated(n_steps, p, seed=p)
                    ours, fitted = timed(lambda x=x, k=max_lag, s=settings: Granger(k, **s).fit(x))
                    what = name, n_steps, p, max_lag, f"{ours:.4f}"
                    if last is not None and last[0] * (p / last[1]) ** 2.5 > options.limit:
                        row(*what, "–", "–", "–")
                        continue
                    theirs, found = timed(lambda x=x, k=max_lag, f=loop: f(x, k), least=1)
                    last = theirs, p
                    agree = "–"
                    if found is not None:
                        off = ~np.eye(p, dtype=bool)
                        far = np.abs(fitted.pair_statistics_[off] / found[off] - 1).max()
                        agree = f"{far:.1e}"
                    row(*what, f"{theirs:.3f}", f"{theirs / ours:.0f}", agree)


if __name__ == "__main__":
    main()
