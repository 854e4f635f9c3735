"""DirectLiNGAM and ICALiNGAM beside every installed peer, on the same tables in one process.

    python -m benchmarks lingam
    python benchmarks/bench_lingam.py [--sizes 20 50 100] [--degree 4] [--rows 2000] [--seeds 3]
                                      [--noise laplace] [--limit 60]

Random linear DAGs (weights 0.5 to 1 in size, columns standardised), the whole call from array to
coefficients. Imports and compilation are outside the clock: each library first runs twice on a
small table. Times are medians over the seeds, each the median of three calls where a call is short;
ratios are to our algorithm of the same name, so 20 is twenty times as long. An edge is a
coefficient of more than 0.1 in size, F1 is that of directed edges, `order` on how many tables the
causal order is ours. A library that took longer than a quarter of `--limit` seconds on a smaller
table is not asked again. One thread everywhere.
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

from causalkit.discovery.lingam.lingam import DirectLiNGAM, ICALiNGAM
from causalkit.graph.generate import random_dag

LEAST = 0.1


def linear_data(n_nodes, degree, n_rows, noise, seed):
    """Standardised columns and the matrix of true edges."""
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.5, 1.0, shape) * rng.choice([-1, 1], shape)
    size = (n_rows, n_nodes)
    draws = {
        "laplace": lambda: rng.laplace(size=size) / np.sqrt(2),
        "uniform": lambda: rng.uniform(-np.sqrt(3), np.sqrt(3), size),
        "exponential": lambda: rng.exponential(size=size),
    }[noise]()
    values = draws * rng.uniform(0.7, 1.3, n_nodes) @ np.linalg.inv(np.eye(n_nodes) - weights)
    return (values - values.mean(axis=0)) / values.std(axis=0), np.asarray(dag.directed)


# --- the libraries: an array in, coefficients [cause, effect] and the order out -------------------


def ours(algorithm):
    def search(values):
        found = algorithm.fit(values)
        return found.coefficients_.values, [int(name[1:]) for name in found.order_]

    return search


def andrey(name):
    library = import_module("andrey")

    def search(values):
        found = getattr(library, name)(values)
        return np.asarray(found.weighted_adjacency), list(found.ordering)

    return search


def lingam_like(package, name, **options):
    """The package lingam, and causal-learn's copy of an older one."""
    library = import_module(package)

    def search(values):
        model = getattr(library, name)(**options)
        model.fit(values)
        return np.asarray(model.adjacency_matrix_).T, list(model.causal_order_)

    return search


def rivals():
    return {
        "DirectLiNGAM": {
            "causalkit": lambda: ours(DirectLiNGAM()),
            "andrey": lambda: andrey("direct_lingam"),
            "lingam": lambda: lingam_like("lingam", "DirectLiNGAM"),
            "causal-learn": lambda: lingam_like(
                "causallearn.search.FCMBased.lingam", "DirectLiNGAM"
            ),
        },
        "ICALiNGAM": {
            "causalkit": lambda: ours(ICALiNGAM(random_state=0)),
            "andrey": lambda: andrey("ica_lingam"),
            "lingam": lambda: lingam_like("lingam", "ICALiNGAM", random_state=0),
            "causal-learn": lambda: lingam_like(
                "causallearn.search.FCMBased.lingam", "ICALiNGAM", random_state=0
            ),
        },
    }


def available(makers):
    found = {}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ImportError as error:
            print(f"({name} is left out: {error})")
    return found


def timed(search, values):
    start = process_time()
    found = search(values)
    times = [process_time() - start]
    while len(times) < 3 and times[0] < 2.0:
        start = process_time()
        search(values)
        times.append(process_time() - start)
    return median(times), found


def f1_of(coefficients, truth):
    edges = np.abs(coefficients) > LEAST
    return 2 * (edges & truth).sum() / max(1, edges.sum() + truth.sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--degree", type=float, default=4.0)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--noise", default="laplace")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # peers warn a lot; it is not what is measured
    small, _ = linear_data(6, 2.0, 300, options.noise, 0)
    print("| algorithm | p | library | seconds | ratio | F1 | order |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for algorithm, makers in rivals().items():
        libraries = available(makers)
        for search in libraries.values():
            search(small), search(small)
        slow: set[str] = set()
        for p in options.sizes:
            tables = [
                linear_data(p, options.degree, options.rows, options.noise, 1000 * p + seed)
                for seed in range(options.seeds)
            ]
            report(algorithm, libraries, tables, p, slow, options.limit)


def report(algorithm, libraries, tables, p, slow, limit):
    own, reference = [], None
    for name, search in libraries.items():
        if name in slow:
            continue
        times, scores, same = [], [], 0
        for k, (values, truth) in enumerate(tables):
            seconds, (coefficients, order) = timed(search, values)
            if name == "causalkit":
                own.append(order)
            times.append(seconds)
            scores.append(f1_of(coefficients, truth))
            same += list(map(int, order)) == own[k]
            if seconds > limit / 4:
                slow.add(name)
                break
        reference = reference or median(times)
        print(
            f"| {algorithm} | {p} | {name} | {median(times):.4g} | {median(times) / reference:.1f} "
            f"| {mean(scores):.4f} | {same}/{len(scores)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
