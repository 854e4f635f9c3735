"""PC beside causal-learn's, on the same data with the same alpha.

    python benchmarks/bench_pc.py [--repeats 3] [--sizes 20 50 100]

Random linear Gaussian DAGs, n = 1000 rows, alpha = 0.01, Fisher's z, standard colliders, one
process. Imports and compilation are outside the clock: each library first runs once on a small
table. Times are medians over the repeats. `same` says on how many tables the two skeletons agree
(both are order-independent); the numbers of tests differ because causal-learn goes on looking for
separating sets after it has found one. A hit of its cache counts as no test.
"""

from __future__ import annotations

import argparse
from statistics import median
from time import perf_counter

import numpy as np

from causalkit.discovery import PC
from causalkit.graph.generate import random_dag


def linear_data(rng, n_nodes, degree, n_rows):
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.3, 1.0, shape) * rng.choice([-1, 1], shape)
    return rng.normal(size=(n_rows, n_nodes)) @ np.linalg.inv(np.eye(n_nodes) - weights)


def ours(values):
    pc = PC(alpha=0.01).fit(values)
    return pc.graph_.adjacency, pc.n_tests_


def theirs(values):
    from causallearn.search.ConstraintBased.PC import pc
    from causallearn.utils import cit

    counted = 0
    plain = cit.FisherZ.__call__

    def call(self, *args, **kwargs):
        nonlocal counted
        before = len(self.pvalue_cache)
        answer = plain(self, *args, **kwargs)
        counted += len(self.pvalue_cache) > before
        return answer

    cit.FisherZ.__call__ = call
    try:
        graph = pc(values, 0.01, "fisherz", stable=True, show_progress=False).G.graph
    finally:
        cit.FisherZ.__call__ = plain
    return graph != 0, counted


def timed(search, values):
    start = perf_counter()
    skeleton, n_tests = search(values)
    return perf_counter() - start, skeleton, n_tests


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--degrees", type=float, nargs="+", default=[2.0, 4.0])
    options = parser.parse_args()
    for search in (ours, theirs):
        search(linear_data(np.random.default_rng(0), 8, 2.0, 200))
    head = ("p", "degree", "ours [s]", "peer [s]", "ratio", "our tests", "peer tests", "same")
    print(("{:>10}" * len(head)).format(*head))
    for n_nodes in options.sizes:
        for degree in options.degrees:
            rng = np.random.default_rng(n_nodes)
            runs = []
            for _ in range(options.repeats):
                values = linear_data(rng, n_nodes, degree, 1000)
                runs.append((timed(ours, values), timed(theirs, values)))
            one, other = (median(run[side][0] for run in runs) for side in (0, 1))
            n_one, n_other = (int(median(run[side][2] for run in runs)) for side in (0, 1))
            same = sum((a[1] == b[1]).all() for a, b in runs)
            print(
                f"{n_nodes:>10}{degree:>10g}{one:>10.3f}{other:>10.3f}{other / one:>10.1f}"
                f"{n_one:>10}{n_other:>12}{same:>6}/{len(runs)}"
            )


if __name__ == "__main__":
    main()
