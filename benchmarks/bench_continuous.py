"""Continuous optimisation beside a search over orders, plain sorting, and installed peers.

    python -m benchmarks continuous
    python benchmarks/bench_continuous.py [--sizes 20 50] [--degree 4] [--rows 1000] [--seeds 3]
    python benchmarks/bench_continuous.py --curved mlp --sizes 10   # or gp, gp-add

Random linear Gaussian DAGs (weights 0.5 to 1 in size, noise of standard deviation 0.7 to 1.3), once
in their own units and once standardised; all settings are defaults, but GOLEM in its own units is
told that variances are equal. The whole call from array to graph, processor seconds, median over
the seeds; SHD is between the class of the graph that was learnt and that of the true one. `sorted`
is the share of directed paths of the true graph along which variances rise: where it is near 1,
sorting by variance suffices. One thread everywhere.

With `--curved` the tables are those of the paper on NOTEARS-MLP (each variable is a random network
of 100 units of its causes, or a draw from a Gaussian process, plus standard Gaussian noise), the
networks run beside algorithms for curves, and SHD is between DAGs as the paper has it. There PC's
class is compared with the true class. Those that find the same graph in any units run once. With
torch, NOTEARS-MLP runs through it too, and the package dagma runs its network.
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
from time import process_time

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit

from benchmarks.linear_tables import draw_linear
from causalkit.benchmark import SortedRegression, varsortability
from causalkit.discovery import CAM, PC, RESIT, SCORE
from causalkit.discovery.continuous._acyclicity import without_circles
from causalkit.discovery.continuous.linear_models import DAGMA, GOLEM, NOTEARS
from causalkit.discovery.continuous.neural_models import DAGMAMLP, NOTEARSMLP
from causalkit.discovery.search.flop import FLOP
from causalkit.graph import CausalGraph, random_dag
from causalkit.independence import RCoT
from causalkit.metrics import shd


def simulated(n_nodes, degree, n_rows, seed, standardize):
    values, dag = draw_linear(n_nodes, degree, n_rows, np.random.default_rng(seed))
    values -= values.mean(axis=0)
    return (values / values.std(axis=0) if standardize else values), dag


def curved(n_nodes, degree, n_rows, seed, standardize, kind):
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    parents = [np.flatnonzero(column) for column in dag.directed.T]
    values, left = rng.normal(size=(n_rows, n_nodes)), list(range(n_nodes))
    while left:
        node = next(j for j in left if not set(parents[j].tolist()) & set(left))
        left.remove(node)
        causes = values[:, parents[node]]
        if kind == "gp-add":
            values[:, node] += sum((process(column[:, None], rng) for column in causes.T), 0.0)
        elif causes.shape[1]:
            values[:, node] += process(causes, rng) if kind == "gp" else network(causes, rng)
    values -= values.mean(axis=0)
    return (values / values.std(axis=0) if standardize else values), dag


def network(causes, rng):
    first, last = (
        rng.uniform(0.5, 2.0, shape) * rng.choice([-1, 1], shape)
        for shape in ((causes.shape[1], 100), 100)
    )
    return expit(causes @ first) @ last


def process(causes, rng):
    covariance = np.exp(-0.5 * cdist(causes, causes, "sqeuclidean"))
    sizes, directions = np.linalg.eigh(covariance)
    return directions @ (np.sqrt(np.maximum(sizes, 0.0)) * rng.normal(size=len(sizes)))


def learnt(algorithm):
    return lambda values: algorithm.fit(values).graph_


def with_torch():
    import_module("torch")
    return learnt(NOTEARSMLP(device="cpu"))


def dagma_networks():
    library, torch = import_module("dagma.nonlinear"), import_module("torch")

    def search(values):
        before = torch.get_default_dtype()
        try:
            model = library.DagmaMLP(dims=[values.shape[1], 10, 1])
            with contextlib.redirect_stderr(io.StringIO()):
                weights = library.DagmaNonlinear(model).fit(values)
        finally:
            torch.set_default_dtype(before)
        return dag_of_weights(weights)

    return search


WITHOUT_UNITS = {
    "CAM": lambda: learnt(CAM()),
    "SCORE": lambda: learnt(SCORE()),
    "RESIT": lambda: learnt(RESIT()),
    "PC(RCoT)": lambda: learnt(PC(test=RCoT())),
}


def rivals_for_curves(standardize):
    own = {"standardize": standardize}
    return {
        "NOTEARS-MLP": lambda: learnt(NOTEARSMLP(**own)),
        "DAGMA-MLP": lambda: learnt(DAGMAMLP(**own)),
        "NOTEARS-MLP by torch": with_torch,
        "NOTEARS": lambda: learnt(NOTEARS(**own)),
        "DAGMA": lambda: learnt(DAGMA(**own)),
        "dagma (package)": dagma_networks,
    } | (WITHOUT_UNITS if standardize else {})


def ours(algorithm):
    def search(values):
        graph = algorithm.fit(values).graph_
        return graph if graph.kind.name == "CPDAG" else graph.to_cpdag()

    return search


def of_weights(weights, threshold=0.3):
    return dag_of_weights(weights, threshold).to_cpdag()


def dag_of_weights(weights, threshold=0.3):
    none = np.zeros(weights.shape, dtype=bool)
    directed = without_circles(weights, np.abs(weights) > threshold, none)
    names = [f"x{k}" for k in range(len(weights))]
    edges = [(names[i], names[j]) for i, j in np.argwhere(directed)]
    return CausalGraph.from_edges(names, edges, "DAG")


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


def rivals(standardize):
    own = {"standardize": standardize}
    return {
        "NOTEARS": lambda: ours(NOTEARS(**own)),
        "DAGMA": lambda: ours(DAGMA(**own)),
        "GOLEM": lambda: ours(GOLEM(equal_variances=not standardize, **own)),
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
    parser.add_argument("--curved", choices=("mlp", "gp", "gp-add"))
    parser.add_argument("--only", nargs="+", help="algorithms of which a name begins so")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # peers warn a lot; it is not what is measured
    small, _ = simulated(6, 2.0, 300, 0, True)
    missing = set()
    print("| units | p | sorted | algorithm | seconds | SHD | its error |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for standardize in (True, False):
        searches = {}
        chosen = rivals_for_curves(standardize) if options.curved else rivals(standardize)
        for name, make in chosen.items():
            if options.only and not name.startswith(tuple(options.only)):
                continue
            try:
                searches[name] = make()
                if "package" not in name:
                    searches[name](small)
            except ImportError as error:
                missing.add(f"{name} is left out: {error}")
        for p in options.sizes:
            settings = [
                (p, options.degree, options.rows, 1000 * p + seed, standardize)
                for seed in range(options.seeds)
            ]
            tables = [
                curved(*setting, options.curved) if options.curved else simulated(*setting)
                for setting in settings
            ]
            easy = mean(varsortability(values, dag) for values, dag in tables)
            for name, search in searches.items():
                report(
                    name,
                    search,
                    tables,
                    f"{'standard' if standardize else 'own'} | {p} | {easy:.2f}",
                )
    for line in sorted(missing):
        print(line)


def report(name, search, tables, where):
    times, distances = [], []
    for values, dag in tables:
        start = process_time()
        found = search(values)
        times.append(process_time() - start)
        same = dag if found.kind.name == "DAG" else dag.to_cpdag()
        distances.append(shd(same, found))
    error = stdev(distances) / len(distances) ** 0.5 if len(distances) > 1 else float("nan")
    print(
        f"| {where} | {name} | {median(times):.3g} | {mean(distances):.1f} | {error:.1f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
