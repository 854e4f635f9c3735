"""PC beside every installed peer, on the same tables with the same alpha, in one process.

    python -m benchmarks discovery_constraint
    python benchmarks/bench_discovery_constraint.py [--sizes 100 200] [--degrees 2 4] [--seeds 3]
                                                    [--limit 60] [--threads 1]

Random linear Gaussian DAGs (weights 0.5 to 1 in size, columns standardised), n = 1000 rows, alpha =
0.01, Fisher's z, the whole call from array to graph. Imports and compilation are outside the clock:
each library first runs twice on a small table. Times are medians over the seeds, each the median of
three calls where a call is short. A library that took longer than `--limit` seconds on a smaller
table is not asked again. Ratios are to the first row, so 20 is twenty times as long. SHD is against
the true CPDAG (an edge that is missing, spare or differently directed counts one), F1 that of the
skeleton, `same` on how many tables the skeleton is ours. For one thread everywhere set
OMP_NUM_THREADS and OPENBLAS_NUM_THREADS to 1 (this script does so unless `--threads` says more).
"""

from __future__ import annotations

import argparse
import os
import sys

if "--threads" not in sys.argv:  # before NumPy is imported, or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import warnings
from importlib.util import find_spec
from statistics import mean, median
from time import process_time

import numpy as np
import pandas as pd

from benchmarks.linear_tables import draw_linear, in_standard_units
from causalkit.discovery import PC
from causalkit.graph import ARROW, dag_to_cpdag

ALPHA, N_ROWS = 0.01, 1000
UNDIRECTED, FORWARD, BACKWARD, BOTH = 1, 2, 3, 4


def linear_data(n_nodes, degree, seed, n_rows=N_ROWS):
    """Standardised columns and the kinds of edges of the true CPDAG."""
    values, dag = draw_linear(n_nodes, degree, n_rows, np.random.default_rng(seed))
    return in_standard_units(values), kinds_of(dag_to_cpdag(dag))


def kinds_of(graph):
    into = graph.ends == ARROW
    kinds = np.where(graph.adjacency, UNDIRECTED, 0)
    kinds[into], kinds[into.T], kinds[into & into.T] = FORWARD, BACKWARD, BOTH
    return kinds


def kinds_from(into, joined):
    """From arrowheads (i, j) at j and adjacencies."""
    kinds = np.where(joined, UNDIRECTED, 0)
    kinds[into], kinds[into.T], kinds[into & into.T] = FORWARD, BACKWARD, BOTH
    return kinds


# --- the libraries: an array in, a function from array to graph, and the kinds of its edges -------


def ours(n_jobs):
    return (
        lambda values: PC(alpha=ALPHA, n_jobs=n_jobs).fit(values),
        lambda pc, _: kinds_of(pc.graph_),
    )


def causal_learn(_):
    from causallearn.search.ConstraintBased.PC import pc

    def kinds(found, _):
        graph = found.G.graph
        return kinds_from(graph.T == 1, graph != 0)

    def search(values):
        return pc(values, ALPHA, "fisherz", stable=True, show_progress=False)

    return search, kinds


def andrey(_):
    import andrey

    def kinds(found, _):
        marks = np.asarray(found.structure.to_numpy())  # [i, j]: mark at i
        return kinds_from(marks.T == 2, marks != 0)

    return lambda values: andrey.pc(values, alpha=ALPHA), kinds


def pybnesian(_):
    import pybnesian

    def search(values):
        frame = pd.DataFrame(values, columns=[f"X{k}" for k in range(values.shape[1])])
        test = pybnesian.LinearCorrelation(frame)
        options = {"alpha": ALPHA, "use_sepsets": True, "allow_bidirected": True}
        return pybnesian.PC().estimate(test, **options)

    def kinds(found, p):
        into, joined = np.zeros((p, p), dtype=bool), np.zeros((p, p), dtype=bool)
        for a, b in found.arcs():
            into[int(a[1:]), int(b[1:])] = True
        for a, b in found.edges():
            joined[int(a[1:]), int(b[1:])] = True
        return kinds_from(into, into | into.T | joined | joined.T)

    return search, kinds


def tetrad_port(_):
    from tetrad_port import TetradPort

    tetrad = TetradPort()

    def search(values):
        frame = pd.DataFrame(values, columns=[f"X{k}" for k in range(values.shape[1])])
        return tetrad.run_pc(frame, alpha=ALPHA)[1]

    def kinds(found, p):
        into, joined = np.zeros((p, p), dtype=bool), np.zeros((p, p), dtype=bool)
        for a, b in found["directed_edges"]:
            into[int(a[1:]), int(b[1:])] = True
        for a, b in found["bidirected_edges"]:
            into[int(a[1:]), int(b[1:])] = into[int(b[1:]), int(a[1:])] = True
        for a, b in found["undirected_edges"]:
            joined[int(a[1:]), int(b[1:])] = True
        return kinds_from(into, into | into.T | joined | joined.T)

    return search, kinds


def whydra(_):
    import whydra

    def search(values):
        return whydra.StandalonePCStable(alpha=ALPHA, indep_test="fisherz", n_jobs=1).run(values)

    def kinds(found, _):
        marks = np.asarray(found.graph)  # [i, j]: mark at j
        return kinds_from(marks == 1, (marks != 0) | (marks.T != 0))

    return search, kinds


LIBRARIES = {
    "causalkit": ours,
    "andrey": andrey,
    "pybnesian": pybnesian,
    "tetrad_port": tetrad_port,
    "whydra": whydra,
    "causallearn": causal_learn,
}


def timed(search, values):
    start = process_time()
    found = search(values)
    first = process_time() - start
    times = [first]
    while len(times) < 3 and first < 2.0:
        start = process_time()
        found = search(values)
        times.append(process_time() - start)
    return median(times), found


def scores(kinds, truth, own):
    above = np.triu_indices(len(truth), 1)
    one, two = kinds[above], truth[above]
    both = ((one > 0) & (two > 0)).sum()
    f1 = 2 * both / max(1, (one > 0).sum() + (two > 0).sum())
    return int((one != two).sum()), float(f1), bool(((kinds > 0) == (own > 0)).all())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--degrees", type=float, nargs="+", default=[2.0, 4.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--libraries", nargs="+", default=list(LIBRARIES))
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # peers warn a lot; it is not what is measured
    libraries = {
        name: LIBRARIES[name](options.threads if options.threads > 1 else None)
        for name in options.libraries
        if name == "causalkit" or find_spec(name)
    }
    small, _ = linear_data(8, 2.0, 0, 200)
    for search, _ in libraries.values():
        search(small), search(small)
    print("| p | degree | library | seconds | ratio | SHD | F1 | same |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    slow: set[tuple[str, float]] = set()
    for degree in options.degrees:
        for p in options.sizes:
            tables = [linear_data(p, degree, 1000 * p + seed) for seed in range(options.seeds)]
            report(libraries, tables, p, degree, slow, options.limit)


def report(libraries, tables, p, degree, slow, limit):
    own, reference = [], None
    for name, (search, kinds) in libraries.items():
        if (name, degree) in slow:
            continue
        times, rows = [], []
        for k, (values, truth) in enumerate(tables):
            seconds, found = timed(search, values)
            learnt = kinds(found, p)
            if len(own) == k:
                own.append(learnt)
            times.append(seconds)
            rows.append(scores(learnt, truth, own[k]))
            if seconds > limit / 4:
                slow.add((name, degree))
                break
        seconds = median(times)
        reference = reference or seconds
        shd, f1 = mean(row[0] for row in rows), mean(row[1] for row in rows)
        same = f"{sum(row[2] for row in rows)}/{len(rows)}"
        print(
            f"| {p} | {degree:g} | {name} | {seconds:.4g} | {seconds / reference:.1f} "
            f"| {shd:.1f} | {f1:.3f} | {same} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
