"""Exact search and posteriors over graphs: time, and how near a walk comes to the exact sums.

    python -m benchmarks posterior
    python benchmarks/bench_posterior.py [--seeds 5] [--walks 20 50 100] [--largest 20]

Random linear Gaussian DAGs as in :mod:`bench_discovery_constraint`. "error" is the largest
difference of a walk's edge probability from the exact one, "z" the root mean square of these
differences in units of the standard error that the walk states: near 1, or below, if it can be
believed. causal-learn's `bic_exact_search` is timed on the same tables, with the same penalty.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_discovery_constraint import linear_data
from causalkit._core.table import as_table
from causalkit.discovery.bayesian.order_mcmc import OrderMCMC
from causalkit.discovery.bayesian.posterior import ExactPosterior
from causalkit.discovery.search.exact import ExactSearch
from causalkit.scores import GaussianBIC


def timed(call, *arguments, **options):
    start = process_time()
    result = call(*arguments, **options)
    return result, process_time() - start


def searches(largest):
    from causallearn.search.ScoreBased.ExactSearch import bic_exact_search

    print("\n### Exact search, 1000 rows, degree 4 (seconds)\n")
    print("| nodes | all sets | max_parents=4 | causal-learn astar | dp | same score |")
    print("| --: | --: | --: | --: | --: | --- |")
    for p in (5, 8, 10, 12, 15, 18, 20, 22):
        if p > largest:
            break
        values, _ = linear_data(p, min(4.0, p - 1), 0, 1000)
        values = values - values.mean(axis=0)
        found, all_sets = timed(ExactSearch(GaussianBIC(1.0)).fit, values)
        _, four = timed(ExactSearch(GaussianBIC(1.0), max_parents=4).fit, values)
        theirs, same = [], "–"
        for method in ("astar", "dp") if p <= 10 else ():
            (dag, _), seconds = timed(bic_exact_search, values, search_method=method)
            theirs.append(f"{seconds:.3f}")
            local = GaussianBIC(1.0).bind(as_table(values))
            total = sum(local(v, np.flatnonzero(dag[:, v]).tolist()) for v in range(p))
            same = "yes" if abs(total - found.score_) < 1e-6 else f"{found.score_ - total:+.3g}"
        theirs += ["–"] * (2 - len(theirs))
        print(f"| {p} | {all_sets:.3f} | {four:.3f} | {theirs[0]} | {theirs[1]} | {same} |")


def agreement(n_seeds):
    print("\n### A walk over orders against the exact sums, 8 nodes, degree 3\n")
    print("| rows | table | draws | error | z | least size | R-hat | exact s | walk s |")
    print("| --: | --: | --: | --: | --: | --: | --: | --: | --: |")
    for n_rows in (50, 200, 1000):
        for seed in range(n_seeds):
            values, _ = linear_data(8, 3.0, seed, n_rows)
            exact, exact_s = timed(ExactPosterior(n_samples=10).fit, values)
            for n in (500, 5000):
                walk, walk_s = timed(OrderMCMC(n_samples=n, random_state=seed).fit, values)
                P, told = exact.posterior_.edges, walk.convergence_
                off = walk.posterior_.edges - P
                open_ = P * (1 - P) > 1e-4
                spread = np.sqrt(P * (1 - P) / told.edge_size)
                z = np.sqrt(np.mean((off / spread)[open_] ** 2)) if open_.any() else 0.0
                print(
                    f"| {n_rows} | {seed} | {4 * n} | {np.abs(off).max():.4f} | {z:.2f} | "
                    f"{told.edge_size.min():.0f} | {told.score_r_hat:.3f} | {exact_s:.2f} | "
                    f"{walk_s:.2f} |"
                )


def walks(sizes):
    print("\n### Walks, 200 rows, degree 3, four chains of 500 draws\n")
    print(
        "| nodes | prior | seconds | R-hat | size | edges that differ | parents outside | ", end=""
    )
    print("AUC of edges | edges | expected |\n| --: | --- |" + " --: |" * 8)
    for p in sizes:
        values, truth = linear_data(p, 3.0, 0, 200)
        for prior in ("orders", "sizes"):
            walk, seconds = timed(OrderMCMC(prior=prior, random_state=0).fit, values)
            told, pairs = walk.convergence_, np.triu_indices(p, 1)
            joined = (walk.posterior_.edges + walk.posterior_.edges.T)[pairs]
            print(
                f"| {p} | {prior} | {seconds:.1f} | {told.score_r_hat:.3f} | "
                f"{told.score_size:.0f} | {len(told.doubtful)} | {told.outside:.2%} | "
                f"{auc(joined, truth[pairs] > 0):.3f} | {(truth[pairs] > 0).sum()} | "
                f"{joined.sum():.1f} |",
                flush=True,
            )


def auc(scores, truth):
    above = scores[truth][:, None] - scores[~truth]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--walks", type=int, nargs="*", default=[20, 50, 100])
    parser.add_argument("--largest", type=int, default=20)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    small, _ = linear_data(5, 2.0, 0, 100)
    for algorithm in (ExactSearch(), ExactPosterior(), OrderMCMC(n_samples=5, n_candidates=2)):
        algorithm.fit(small)  # imports and compilation
    searches(options.largest)
    agreement(options.seeds)
    walks(options.walks)


if __name__ == "__main__":
    main()
