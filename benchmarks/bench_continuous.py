"""Continuous optimisation beside a search over orders, plain sorting, and installed peers.

    python -m benchmarks continuous
    python benchmarks/bench_continuous.py [--sizes 20 50] [--degree 4] [--rows 1000] [--seeds 3]

Random linear Gaussian DAGs (weights 0.5 to 1 in size, noise of standard deviation 0.7 to 1.3), once
in their own units and once standardised; all settings are defaults, but GOLEM in its own units is
told that variances are equal. The whole call from array to graph, median over the seeds; SHD is
between the class of the graph that was learnt and that of the true one. `sorted` is the share of
directed paths of the true graph along which variances rise: where it is near 1, sorting by variance
suffices. One thread everywhere.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import warnings
from importlib import import_module
from statistics import mean, median, stdev
from time import perf_counter

import numpy as np

from causalkit.benchmark import SortedRegression, varsortability
from causalkit.discovery.continuous._acyclicity import without_circles
from causalkit.discovery.continuous.linear_models import DAGMA, GOLEM, NOTEARS
from causalkit.discovery.search.flop import FLOP
from causalkit.graph import CausalGraph, random_dag
from causalkit.metrics import shd


def simulated(n_nodes, degree, n_rows, seed, standardise):
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.5, 1.0, shape) * rng.choice([-1, 1], shape)
    noise = rng.normal(size=(n_rows, n_nodes)) * rng.uniform(0.7, 1.3, n_nodes)
    values = noise @ np.linalg.inv(np.eye(n_nodes) - weights)
    values -= values.mean(axis=0)
    return (values / values.std(axis=0) if standardise else values), dag


def ours(algorithm):
    def search(values):
        graph = algorithm.fit(values).graph_
        return graph if graph.kind.name == "CPDAG" else graph.to_cpdag()

    return search


def of_weights(weights, threshold=0.3):
    none = np.zeros(weights.shape, dtype=bool)
    directed = without_circles(weights, np.abs(weights) > threshold, none)
    names = [f"x{k}" for k in range(len(weights))]
    edges = [(names[i], names[j]) for i, j in np.argwhere(directed)]
    return CausalGraph.from_edges(names, edges, "DAG").to_cpdag()


def dagma_package():
    library = import_module("dagma.linear")

    def search(values):
        model = library.DagmaLinear("l2")
        with contextlib.redirect_stderr(io.StringIO()):
            return of_weights(model.fit(values, lambda1=0.03, w_threshold=0.0))

    return search


def gcastle(name):
    library = import_module("castle.algorithms")

    def search(values):
        model = getattr(library, name)()
        model.learn(values)
        return of_weights(np.asarray(model.weight_causal_matrix))

    return search


def rivals(standardise):
    own = {"standardize": standardise}
    return {
        "NOTEARS": lambda: ours(NOTEARS(**own)),
        "DAGMA": lambda: ours(DAGMA(**own)),
        "GOLEM": lambda: ours(GOLEM(equal_variances=not standardise, **own)),
        "FLOP": lambda: ours(FLOP()),
        "sorted by variance": lambda: ours(SortedRegression("variance")),
        "sorted by R2": lambda: ours(SortedRegression("r2")),
        "dagma": dagma_package,
        "gcastle NOTEARS": lambda: gcastle("Notears"),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--degree", type=float, default=4.0)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # peers warn a lot; it is not what is measured
    small, _ = simulated(6, 2.0, 300, 0, True)
    print("| units | p | sorted | algorithm | seconds | SHD | its error |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for standardise in (True, False):
        searches = {}
        for name, make in rivals(standardise).items():
            with contextlib.suppress(ImportError):
                searches[name] = make()
                searches[name](small)
        for p in options.sizes:
            tables = [
                simulated(p, options.degree, options.rows, 1000 * p + seed, standardise)
                for seed in range(options.seeds)
            ]
            easy = mean(varsortability(values, dag) for values, dag in tables)
            for name, search in searches.items():
                report(
                    name,
                    search,
                    tables,
                    f"{'standard' if standardise else 'own'} | {p} | {easy:.2f}",
                )


def report(name, search, tables, where):
    times, distances = [], []
    for values, dag in tables:
        start = perf_counter()
        found = search(values)
        times.append(perf_counter() - start)
        distances.append(shd(dag.to_cpdag(), found))
    error = stdev(distances) / len(distances) ** 0.5 if len(distances) > 1 else float("nan")
    print(
        f"| {where} | {name} | {median(times):.3g} | {mean(distances):.1f} | {error:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
