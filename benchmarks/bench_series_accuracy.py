"""Who ranks links between series best? Methods by data sets, beside baselines that know nothing.

    python -m benchmarks series_accuracy
    python benchmarks/bench_series_accuracy.py [--data ../shared/data] [--sets LORENZ-10 VAR ...]
                                               [--methods GroupLassoGranger ...] [--repeats 5]

Each cell is the mean AUROC and AUPRC of `scores_[cause, effect]` against the true links, over
repeats, with the standard error of the mean; what drives itself does not count. The last column is
the mean time of a fit. With `--data` the sets are those that papers report (Lorenz-96 and sparse
VAR of eSRU, NetSim of Smith et al.); without it Lorenz-96 and VAR are simulated here, by the same
equations. A method is one line in `METHODS`: what it is called, and how it is made for a given
number of lags.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import warnings
from pathlib import Path
from time import perf_counter

import numpy as np

from causalkit.benchmark.baselines import LaggedCorrelation, LagOne, RandomLinks
from causalkit.discovery.series.dynamical import CCM
from causalkit.discovery.series.dynotears import DYNOTEARS
from causalkit.discovery.series.granger import Granger
from causalkit.discovery.series.group_lasso_granger import GroupLassoGranger
from causalkit.discovery.series.pcmci import PCMCI
from causalkit.discovery.series.pcmci_plus import PCMCIPlus
from causalkit.discovery.series.regression_granger import RegressionGranger
from causalkit.discovery.series.transfer_entropy import TransferEntropy
from causalkit.discovery.series.var_lingam import VARLiNGAM
from causalkit.graph import LaggedGraph
from causalkit.metrics import auprc, auroc

METHODS = [
    ("RandomLinks", lambda lags: RandomLinks(lags)),
    ("LagOne", lambda lags: LagOne()),  # noqa: ARG005
    ("LaggedCorrelation", LaggedCorrelation),
    ("Granger", lambda lags: Granger(max_lag=lags)),
    ("PCMCI", lambda lags: PCMCI(max_lag=lags)),
    ("PCMCIPlus", lambda lags: PCMCIPlus(max_lag=lags)),
    ("VARLiNGAM", lambda lags: VARLiNGAM(max_lag=lags)),
    ("DYNOTEARS", lambda lags: DYNOTEARS(max_lag=lags)),
    ("CCM", lambda lags: CCM()),  # noqa: ARG005
    ("GroupLassoGranger", GroupLassoGranger),
    ("hierarchical group lasso", lambda lags: GroupLassoGranger(lags, hierarchical=True)),
    ("RegressionGranger", lambda lags: RegressionGranger(max_lag=lags)),
    ("TransferEntropy", lambda lags: TransferEntropy(max_lag=lags)),
]


# --- data: series (n_steps, p), and whether i drives j --------------------------------------------


def lorenz(forcing, n_steps, seed, p=10, step=0.05, noise=0.1):
    """x_i' = (x_{i+1} - x_{i-2}) x_{i-1} - x_i + F, by Runge and Kutta, seen with noise."""
    rng = np.random.default_rng(seed)

    def slope(x):
        return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + forcing

    x, seen = forcing + rng.normal(size=p), []
    for _ in range(1000 + n_steps):
        for _ in range(5):
            h = step / 5
            a = slope(x)
            b = slope(x + h / 2 * a)
            c = slope(x + h / 2 * b)
            x = x + h / 6 * (a + 2 * b + 2 * c + slope(x + h * c))
        seen.append(x)
    each = np.arange(p)
    truth = np.zeros((p, p), dtype=bool)
    for shift in (-2, -1, 0, 1):
        truth[(each + shift) % p, each] = True
    return np.array(seen[1000:]) + noise * rng.normal(size=(n_steps, p)), truth


def sparse_var(n_steps, seed, p=10, lags=3, share=0.2):
    """A VAR of which the same causes act at all lags."""
    rng = np.random.default_rng(seed)
    truth = np.eye(p, dtype=bool) | (rng.random((p, p)) < share)
    weights = truth * rng.choice([-0.1, 0.1], (lags, p, p))
    x = rng.normal(size=(n_steps + 200, p))
    for t in range(lags, len(x)):
        x[t] += sum(x[t - 1 - lag] @ weights[lag] for lag in range(lags))
    return x[200:], truth


def stored(folder, pattern):
    """Arrays X_np (p, n_steps) and Gref[effect, cause]."""
    for path in sorted(Path(folder).glob(pattern)):
        data = np.load(path)
        yield data["X_np"].T, data["Gref"].T > 0


def data_sets(folder):
    """By name: the number of lags, and series with their links."""
    if folder is None:
        return {
            "LORENZ-10": (1, (lorenz(10, 500, seed) for seed in range(99))),
            "LORENZ-40": (1, (lorenz(40, 500, seed) for seed in range(99))),
            "VAR": (3, (sparse_var(500, seed) for seed in range(99))),
        }
    esru, netsim = Path(folder) / "lorenz96_var_sru", Path(folder) / "netsim"
    return {
        "LORENZ-10": (1, stored(esru / "lorenz96", "F_10_T_500*")),
        "LORENZ-40": (1, stored(esru / "lorenz96", "F_40_T_500*")),
        "VAR": (3, stored(esru / "var", "S_30_T_500*")),
        "NETSIM-3": (1, stored(netsim, "sim3_subject_*")),
    }


# --- the table ------------------------------------------------------------------------------------


def as_graph(truth):
    """Links [cause, effect] as a graph; when they act is not known."""
    names = [f"x{k}" for k in range(len(truth))]
    edges = [((names[i], 1), names[j]) for i, j in np.argwhere(truth)]
    return LaggedGraph(names, edges)


def cell(values):
    values = np.array(values)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.3f} ± {error:.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--sets", nargs="+")
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    print("| data | lags | method | AUROC | AUPRC | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, (lags, draws) in data_sets(options.data).items():
        if options.sets and name not in options.sets:
            continue
        repeats = [pair for pair, _ in zip(draws, range(options.repeats), strict=False)]
        for method, make in METHODS:
            if options.methods and method not in options.methods:
                continue
            report(name, lags, method, make, repeats)


def report(name, lags, method, make, repeats):
    make(lags).fit(repeats[0][0][:100, :3])  # kernels are compiled outside the clock
    areas, precisions, seconds = [], [], []
    for values, truth in repeats:
        start = perf_counter()
        found = make(lags).fit(values)
        seconds.append(perf_counter() - start)
        graph = as_graph(truth)
        areas.append(auroc(graph, found.scores_))
        precisions.append(auprc(graph, found.scores_))
    print(
        f"| {name} | {lags} | {method} | {cell(areas)} | {cell(precisions)} "
        f"| {np.mean(seconds):.3g} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
