"""Distances between graphs beside gadjid (Rust): `python benchmarks/bench_metrics.py [n_nodes …]`.

Best of a few runs on the same pairs of random graphs. Ours include everything from two graph
objects, fresh ones, to the number; gadjid gets ready-made int8 matrices. Both results are compared.
gadjid works in as many threads as RAYON_NUM_THREADS says (1 here, as ours), unless it is set.
"""

from __future__ import annotations

import os
import sys
from time import process_time

os.environ.setdefault("RAYON_NUM_THREADS", "1")

import gadjid
import numpy as np

from causalkit import metrics
from causalkit.graph import CausalGraph, dag_to_cpdag, random_dag

DISTANCES = ("shd", "parent_aid", "ancestor_aid", "oset_aid")
SLOW = {"oset_aid"}


def best(job, prepare, repeat):
    times = []
    for _ in range(repeat):
        arguments = prepare()
        start = process_time()
        result = job(*arguments)
        times.append(process_time() - start)
    return 1000 * min(times), result


def fresh(graph):
    return CausalGraph(graph.nodes, graph.ends, graph.kind)


def codes_of(graph):
    return (graph.directed + 2 * np.triu(graph.undirected)).astype(np.int8)


def compare(size, degree, rng):
    dags = [random_dag(size, expected_degree=degree, rng=rng) for _ in range(2)]
    for kind, pair in (("DAG", dags), ("CPDAG", [dag_to_cpdag(dag) for dag in dags])):
        codes = tuple(map(codes_of, pair))
        for name in DISTANCES:
            if name == "shd" and kind == "DAG":
                continue
            repeat = 1 if size >= 1000 and name in SLOW else 5
            options = {} if name == "shd" else {"edge_direction": "from row to column"}
            peer = getattr(gadjid, name)
            ours, found = best(
                getattr(metrics, name), lambda pair=pair: tuple(map(fresh, pair)), repeat
            )
            theirs, (_, expected) = best(
                lambda a, b, peer=peer, options=options: peer(a, b, **options),
                lambda codes=codes: codes,
                repeat,
            )
            assert found == expected
            print(
                f"| {size} | {degree} | {kind} | {name} | {found} | {ours:.2f} | {theirs:.2f} "
                f"| {theirs / ours:.1f} |",
                flush=True,
            )


def main():
    sizes = [int(text) for text in sys.argv[1:]] or [10, 100, 300, 1000]
    print("| nodes | degree | kind | distance | value | ours, ms | gadjid, ms | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        for degree in (2, 8):
            compare(size, degree, np.random.default_rng(0))


if __name__ == "__main__":
    main()
