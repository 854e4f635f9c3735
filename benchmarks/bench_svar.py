"""Structural models of series, VARLiNGAM and DYNOTEARS, beside PCMCI+ and installed peers.

    python -m benchmarks svar
    python benchmarks/bench_svar.py [--sizes 10 20] [--rows 500] [--max-lag 3] [--seeds 5]

Stationary linear models with lags to 3: each series drives itself, as many links from the past as
series, and a third as many within the step (coefficients 0.25 to 0.5 in size), once with Gaussian
and once with Laplace noise; columns are standardised. All peers see the same arrays in one process;
the whole call from array to edges, one thread, median seconds over the seeds, imports and
compilation outside the clock. The ratio is to our VARLiNGAM. `cross F1` is of the directed links
between different series from the past, `within` of those within the step: pairs, and then
directions; a link that is left undirected is no direction. `AUROC` ranks cross links by the
algorithm's own number for each lag, where it has one.

Edges are those of the graph with default settings. The package lingam prunes by its lasso and has
no threshold; `VARLiNGAM, lasso` is the same estimator here. A series model that knows neither order
nor noise is `VAR t-tests` (statsmodels), at 1 percent.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import warnings
from importlib import import_module
from statistics import mean, median
from time import process_time

import numpy as np

from causalkit.discovery import DYNOTEARS, PCMCIPlus, VARLiNGAM

MAX_LAG = 3


def simulated(n_series, n_rows, noise, seed):
    """Standardised series, and the true links `[lag, cause, effect]`."""
    rng = np.random.default_rng(seed)
    while True:
        weights = drawn(n_series, rng)
        inverse = np.linalg.inv(np.eye(n_series) - weights[0])
        if is_stable(weights, inverse):
            break
    size = (n_rows + 200, n_series)
    shock = rng.normal(size=size) if noise == "gaussian" else rng.laplace(size=size)
    values = np.zeros(size)
    for t in range(MAX_LAG, len(values)):
        past = sum(values[t - lag] @ weights[lag] for lag in range(1, MAX_LAG + 1))
        values[t] = (past + shock[t]) @ inverse
    values = values[200:]
    return (values - values.mean(axis=0)) / values.std(axis=0), weights != 0


def drawn(p, rng):
    weights = np.zeros((MAX_LAG + 1, p, p))
    np.fill_diagonal(weights[1], rng.uniform(0.3, 0.7, p))
    pairs = [(i, j) for i in range(p) for j in range(p) if i != j]
    for k in rng.choice(len(pairs), p, replace=False):
        weights[rng.integers(1, MAX_LAG + 1), *pairs[k]] = strength(rng)
    place, left = rng.permutation(p), p // 3
    while left:
        i, j = sorted(rng.choice(p, 2, replace=False), key=lambda k: place[k])
        if not weights[:, [i, j], [j, i]].any():
            weights[0, i, j], left = strength(rng), left - 1
    return weights


def strength(rng):
    return rng.uniform(0.25, 0.5) * rng.choice([-1, 1])


def is_stable(weights, inverse):
    p = len(inverse)
    companion = np.eye(p * MAX_LAG, k=-p)
    for lag in range(1, MAX_LAG + 1):
        companion[:p, (lag - 1) * p : lag * p] = (weights[lag] @ inverse).T
    return np.abs(np.linalg.eigvals(companion)).max() < 0.95


# --- the algorithms: array in; links, directed links, numbers, all `[lag, cause, effect]` ---------


def ours(algorithm, numbers=lambda found: np.abs(found.strengths_)):
    def search(values):
        found = algorithm.fit(values)
        return np.array(found.graph_.adjacency), np.array(found.graph_.directed), numbers(found)

    return search


def package_lingam(max_lag):
    library = import_module("lingam")

    def search(values):
        model = library.VARLiNGAM(lags=max_lag, criterion=None, prune=True)
        weights = np.asarray(model.fit(values).adjacency_matrices_).transpose(0, 2, 1)
        return *both(weights != 0), np.abs(weights)

    return search


def autoregression(max_lag):
    library = import_module("statsmodels.tsa.api")

    def search(values):
        p = values.shape[1]
        p_values = np.asarray(library.VAR(values).fit(max_lag, trend="c").pvalues)[1:]
        p_values = np.concatenate([np.ones((1, p, p)), p_values.reshape(max_lag, p, p)])
        return *both(p_values <= 0.01), -p_values

    return search


def both(directed):
    joined = directed.copy()
    joined[0] |= directed[0].T
    return joined, directed


def rivals(max_lag):
    return {
        "VARLiNGAM": lambda: ours(VARLiNGAM(max_lag=max_lag)),
        "VARLiNGAM, lasso": lambda: ours(VARLiNGAM(max_lag=max_lag, prune="adaptive_lasso")),
        "lingam (package)": lambda: package_lingam(max_lag),
        "DYNOTEARS": lambda: ours(DYNOTEARS(max_lag=max_lag)),
        "PCMCI+": lambda: ours(PCMCIPlus(max_lag=max_lag), lambda found: -found.p_values_),
        "VAR t-tests": lambda: autoregression(max_lag),
    }


# --- how well -------------------------------------------------------------------------------------


def f1(found, truth):
    return 2 * (found & truth).sum() / max(1, found.sum() + truth.sum())


def auroc(numbers, truth):
    ranks = np.argsort(np.argsort(numbers, kind="stable"), kind="stable") + 1.0
    n_true = truth.sum()
    excess = ranks[truth].sum() - n_true * (n_true + 1) / 2
    return excess / (n_true * (~truth).sum())


def qualities(found, truth):
    joined, directed, numbers = found
    truth = truth[: len(joined)]
    apart = ~np.eye(truth.shape[1], dtype=bool)
    pairs = np.triu(truth[0] | truth[0].T)
    return (
        f1(directed[1:, apart], truth[1:, apart]),
        auroc(np.nan_to_num(numbers[1:, apart], nan=-np.inf).ravel(), truth[1:, apart].ravel()),
        f1(np.triu(joined[0] | joined[0].T), pairs),
        f1(directed[0], truth[0]),
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 20])
    parser.add_argument("--rows", type=int, nargs="+", default=[500])
    parser.add_argument("--max-lag", type=int, default=MAX_LAG)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.max_lag < MAX_LAG:
        parser.error(f"--max-lag: the models have lags to {MAX_LAG}")
    warnings.filterwarnings("ignore")  # Gaussian noise is half of what is measured
    searches, (small, _) = {}, simulated(4, 300, "laplace", 0)
    for name, make in rivals(options.max_lag).items():
        try:
            searches[name] = make()
            searches[name](small)
        except ImportError as error:
            print(f"{name} is left out: {error}")
    print(
        "| noise | series | steps | algorithm | s | ratio | cross F1 | AUROC | within F1 | dir. |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for noise in ("laplace", "gaussian"):
        for p in options.sizes:
            for n in options.rows:
                tables = [simulated(p, n, noise, 1000 * p + s) for s in range(options.seeds)]
                report(searches, tables, f"{noise} | {p} | {n}")


def report(searches, tables, where):
    reference = None
    for name, search in searches.items():
        times, scores = [], []
        for values, truth in tables:
            start = process_time()
            found = search(values)
            times.append(process_time() - start)
            scores.append(qualities(found, truth))
        reference = reference or median(times)
        said = " | ".join(f"{mean(column):.3f}" for column in zip(*scores, strict=True))
        ratio = median(times) / reference
        print(f"| {where} | {name} | {median(times):.3g} | {ratio:.1f} | {said} |", flush=True)


if __name__ == "__main__":
    main()
