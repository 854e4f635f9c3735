"""Confidence of learnt graphs: what 200 replicates cost, and what a share of them is worth.

    python -m benchmarks bootstrap
    python benchmarks/bench_bootstrap.py [--sizes 20 50 100] [--resamples 200] [--tables 20]
                                         [--no-peers] [--no-speed] [--rates 200]

Speed: random linear Gaussian DAGs of degree 3, n = 1000, PC with Fisher's z at alpha = 0.01.
Nothing resamples causal-learn's PC, so its time is that of one search (the median of three) times
the number of replicates. Calibration: edges by the share of replicates that join them, and how many
of those pairs are joined in the true graph; p = 20, n = 300, alpha = 0.05. Rates: false edges of
stability selection beside its bound, and the realised false discovery rate of
`FalseDiscoveryControl` beside the nominal one, with Monte Carlo standard errors.
"""

from __future__ import annotations

import argparse
import os
import warnings

if "OMP_NUM_THREADS" not in os.environ:  # before NumPy is imported, or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

from itertools import pairwise
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.linear_tables import draw_linear, in_standard_units
from causalkit.discovery import PC
from causalkit.discovery.constraint.false_discovery import FalseDiscoveryControl
from causalkit.discovery.resampling.stability import Bootstrap
from causalkit.discovery.resampling.stability_selection import StabilitySelection

CUTS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def linear_data(n_nodes, degree, seed, n_rows=1000):
    """Standardised columns, and which pairs the true DAG joins."""
    values, dag = draw_linear(n_nodes, degree, n_rows, np.random.default_rng(seed))
    return in_standard_units(values), dag.adjacency


def seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start


def speed(sizes, n_resamples, peers):
    print(f"\nSeconds for {n_resamples} replicates\n")
    print(
        "| p | rows, 1 thread | rows, 2 threads | halves | gaussian | causal-learn, 1 search × n |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for p in sizes:
        values, _ = linear_data(p, 3.0, seed=0)
        Bootstrap(PC(alpha=0.01), 2, random_state=0).fit(values)
        cells = []
        for resample, n_jobs in (("rows", 1), ("rows", 2), ("subsample", 1), ("gaussian", 1)):
            boot = Bootstrap(
                PC(alpha=0.01), n_resamples, resample=resample, n_jobs=n_jobs, random_state=0
            )
            cells.append(seconds(lambda boot=boot, values=values: boot.fit(values)))
        cells.append(peer(values) * n_resamples if peers else float("nan"))
        print(f"| {p} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)


def peer(values):
    from causallearn.search.ConstraintBased.PC import pc

    def search():
        pc(values, 0.01, "fisherz", stable=True, show_progress=False)

    search()
    return median(seconds(search) for _ in range(3))


def calibration(n_tables, n_resamples):
    print(f"\nPairs by share of {n_resamples} replicates, and true edges among them (%)\n")
    ranges = [f"({a}, {b}]" for a, b in pairwise(CUTS)]
    print("| resample | " + " | ".join(ranges) + " |")
    print("| --- |" + " --- |" * len(ranges))
    for resample in ("rows", "subsample", "gaussian"):
        shares, true = [], []
        for seed in range(n_tables):
            values, truth = linear_data(20, 3.0, seed, n_rows=300)
            boot = Bootstrap(PC(), n_resamples, resample=resample, random_state=seed).fit(values)
            above = np.triu_indices(20, 1)
            shares.append(boot.frequencies_.matrix()[above])
            true.append(truth[above])
        share, joined = np.concatenate(shares), np.concatenate(true)
        cells = []
        for low, high in pairwise(CUTS):
            held = (share > low) & (share <= high)
            rate = 100 * joined[held].mean() if held.any() else float("nan")
            cells.append(f"{rate:.0f} of {held.sum()}")
        print(f"| {resample} | " + " | ".join(cells) + " |", flush=True)


def rates(n_tables):
    print(f"\nFalse edges in {n_tables} tables (mean ± Monte Carlo standard error)\n")
    print("| p | degree | n | method | promised | realised | true edges found (%) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for p, degree, n in ((20, 0.0, 500), (20, 2.0, 500), (20, 2.0, 2000)):
        tables = [linear_data(p, degree, seed, n_rows=n) for seed in range(n_tables)]
        for level in (0.05, 0.2):
            promised, realised, power = [], [], []
            for values, truth in tables:
                found = FalseDiscoveryControl(PC(), rate=level).fit(values).graph_.adjacency
                false, hit, total = compare(found, truth)
                promised.append(level)
                realised.append(false / max(false + hit, 1))
                power.append(hit / total if total else np.nan)
            row(p, degree, n, f"FDR {level}", promised, realised, power)
        promised, realised, power = [], [], []
        for values, truth in tables[: n_tables // 2]:
            chosen = StabilitySelection(PC(), 25, random_state=0).fit(values)
            false, hit, total = compare(chosen.graph_.adjacency, truth)
            promised.append(chosen.error_bound_)
            realised.append(false)
            power.append(hit / total if total else np.nan)
        row(p, degree, n, "stability, E[V]", promised, realised, power)


def compare(found, truth):
    above = np.triu_indices(len(truth), 1)
    one, two = found[above], truth[above]
    return int((one & ~two).sum()), int((one & two).sum()), int(two.sum())


def row(p, degree, n, method, promised, realised, power):
    error = np.std(realised) / np.sqrt(len(realised))
    held = f"{100 * np.nanmean(power):.0f}" if np.isfinite(power).any() else "–"
    print(
        f"| {p} | {degree:g} | {n} | {method} | {np.mean(promised):.3f} | "
        f"{np.mean(realised):.3f} ± {error:.3f} | {held} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--rates", type=int, default=200)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--no-speed", action="store_true")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # peers warn a lot; it is not what is measured
    if not options.no_speed:
        speed(options.sizes, options.resamples, not options.no_peers)
    calibration(options.tables, options.resamples)
    rates(options.rates)


if __name__ == "__main__":
    main()
