"""PC on categories beside other libraries: seconds, and how far the graphs are from the truth.

    python -m benchmarks discrete
    python benchmarks/bench_discrete.py [--rows 5000] [--seeds 3] [--sizes 20 50 100] [--bif a.bif]

Random networks (expected degree 2, three levels, probabilities from a Dirichlet law with all
parameters 0.5, at most four parents) and published ones; alpha = 0.01, one thread. Every
library that is installed gets the same tables in one process, each in the form it likes best.
Imports and compilation are outside the clock: each library first runs once on a small table. Times
are medians over the seeds, of the fastest of up to five runs each. SHD (CPDAG; an edge that is
missing, spare or differently directed counts one) and F1 of the skeleton are means. Ratios are to
the first row, so 5 is five times as long. The last column says how many tests were made, where a
library tells.
"""

from __future__ import annotations

import argparse
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from statistics import mean, median
from time import perf_counter

import numpy as np
import pandas as pd

from causalkit.datasets import DiscreteNetwork, available_networks, load_network
from causalkit.discovery import PC
from causalkit.graph import ARROW, CausalGraph, dag_to_cpdag
from causalkit.graph.generate import random_dag
from causalkit.independence.g_square import ChiSquare, GSquare

ALPHA, N_LEVELS, MOST_PARENTS = 0.01, 3, 4
UNDIRECTED, FORWARD, BACKWARD, BOTH = 1, 2, 3, 4


def random_network(p, rng):
    dag = random_dag(p, expected_degree=2.0, rng=rng)
    names = [f"x{k}" for k in range(p)]
    parents, tables = {}, {}
    for k, name in enumerate(names):
        above = rng.permutation(np.flatnonzero(dag.directed[:, k]))[:MOST_PARENTS]
        parents[name] = tuple(names[a] for a in above)
        shape = (N_LEVELS,) * len(above)
        tables[name] = rng.dirichlet(np.full(N_LEVELS, 0.5), size=shape)
    return DiscreteNetwork(dict.fromkeys(names, ("a", "b", "c")), parents, tables, f"random {p}")


def sampled(network, n, seed):
    """Codes of the columns that vary, and the kinds of edges of their CPDAG."""
    frame = network.sample(n, rng=seed)
    codes = np.column_stack([frame[name].cat.codes for name in frame]).astype(np.int64)
    varies = codes.min(axis=0) != codes.max(axis=0)
    kept = [name for name, ok in zip(frame, varies, strict=True) if ok]
    edges = [(a, b) for b in kept for a in network.parents[b] if a in kept]
    return codes[:, varies], edge_kinds(dag_to_cpdag(CausalGraph.from_edges(kept, edges, "DAG")))


def edge_kinds(graph):
    into = graph.ends == ARROW
    kinds = np.where(graph.adjacency, UNDIRECTED, 0)
    kinds[into], kinds[into.T], kinds[into & into.T] = FORWARD, BACKWARD, BOTH
    return kinds


def kinds_of(directed, undirected, p):
    kinds = np.zeros((p, p), dtype=int)
    for a, b in undirected:
        kinds[a, b] = kinds[b, a] = UNDIRECTED
    for a, b in directed:
        both = kinds[a, b] == BACKWARD
        kinds[a, b], kinds[b, a] = (BOTH, BOTH) if both else (FORWARD, BACKWARD)
    return kinds


# --- the libraries: codes in, kinds of edges and number of tests out ----------------------------


def ours(test, rule="standard"):
    def search(codes):
        pc = PC(test, alpha=ALPHA, collider_rule=rule).fit(codes)
        return edge_kinds(pc.graph_), pc.n_tests_

    return search


def pybnesians(frame):
    import pybnesian

    test = pybnesian.ChiSquare(frame)
    graph = pybnesian.PC().estimate(test, alpha=ALPHA, use_sepsets=True, allow_bidirected=True)
    where = {name: k for k, name in enumerate(frame)}
    pairs = ([(where[a], where[b]) for a, b in edges] for edges in (graph.arcs(), graph.edges()))
    return kinds_of(*pairs, len(where)), None


def andreys(name):
    def search(codes):
        import andrey

        marks = np.asarray(andrey.pc(codes, alpha=ALPHA, indep_test=name).structure.to_numpy())
        directed = np.argwhere((marks == 1) & (marks.T == 2))  # a tail here, an arrowhead there
        undirected = np.argwhere((marks == 1) & (marks.T == 1))
        both = np.argwhere((marks == 2) & (marks.T == 2))
        return kinds_of([*directed, *both], undirected, len(marks)), None

    return search


def causallearns(codes):
    from causallearn.search.ConstraintBased.PC import pc

    ends = pc(codes, ALPHA, "gsq", stable=True, show_progress=False).G.graph
    directed = np.argwhere((ends == -1) & (ends.T == 1))
    undirected = np.argwhere((ends == -1) & (ends.T == -1))
    both = np.argwhere((ends == 1) & (ends.T == 1))
    return kinds_of([*directed, *both], undirected, len(ends)), None


def whydras(codes):
    import whydra

    search = whydra.StandalonePCStable(alpha=ALPHA, indep_test="chisq", n_jobs=1)
    with redirect_stderr(StringIO()):  # its progress bars
        found = search.run(codes)
    ends = np.asarray(found.graph)
    joined = (ends != 0) | (ends.T != 0)
    into = (ends == 1) & joined  # [a, b] is the mark at b
    undirected = np.argwhere(joined & ~into & ~into.T)
    return kinds_of(np.argwhere(into), undirected, len(ends)), None


def as_codes(codes):
    return codes.copy()


def as_categories(codes):
    frame = pd.DataFrame(codes, columns=[f"x{k}" for k in range(codes.shape[1])])
    return frame.astype(str).astype("category")


def contestants():
    """Name, library, what it is given, search."""
    everybody = [
        ("causalkit G²", None, as_codes, ours(GSquare())),
        ("causalkit X²", None, as_codes, ours(ChiSquare())),
        ("causalkit G², majority", None, as_codes, ours(GSquare(), "majority")),
        ("pybnesian X²", "pybnesian", as_categories, pybnesians),
        ("andrey G²", "andrey", as_codes, andreys("gsq")),
        ("andrey X²", "andrey", as_codes, andreys("chisq")),
        ("causal-learn G²", "causallearn", as_codes, causallearns),
        ("whydra X²", "whydra", as_codes, whydras),
    ]
    return [c for c in everybody if c[1] is None or find_spec(c[1])]


def scores(kinds, truth):
    upper = np.triu_indices(len(truth), 1)
    mine, theirs = kinds[upper], truth[upper]
    hits = ((mine > 0) & (theirs > 0)).sum()
    return int((mine != theirs).sum()), 2 * hits / max(1, (mine > 0).sum() + (theirs > 0).sum())


def fastest(search, table, budget=0.5):
    """Seconds of the fastest of up to five runs, fewer once the budget is spent; its answer."""
    times, answer = [], None
    while len(times) < 5 and sum(times) < budget:
        start = perf_counter()
        answer = search(table)
        times.append(perf_counter() - start)
    return min(times), answer


def compare(network_of, seeds, n):
    """Print one table: every library on every seed, taking turns."""
    names = [name for name, *_ in contestants()]
    seconds, quality, n_tests = ({name: [] for name in names} for _ in range(3))
    title = ""
    for seed in seeds:
        network = network_of(seed)
        codes, truth = sampled(network, n, seed)
        title = f"{network.name}, {len(network.levels)} variables, {n} rows"
        for name, _, prepare, search in contestants():
            table = prepare(codes)
            try:
                took, (kinds, count) = fastest(search, table)
            except Exception as error:  # a peer that fails on a table is reported, not hidden
                print(f"{name} failed on {title}, seed {seed}: {error!r:.120}")
                continue
            seconds[name].append(took)
            quality[name].append(scores(kinds, truth))
            n_tests[name].append(count)
    print(
        f"\n### {title}\n\n| library | ms | ratio | SHD | F1 | tests |\n"
        "| --- | --: | --: | --: | --: | --: |"
    )
    base = median(seconds[names[0]])
    for name in names:
        if seconds[name]:
            took = median(seconds[name])
            shd, f1 = map(mean, zip(*quality[name], strict=True))
            count = "–" if n_tests[name][0] is None else f"{median(n_tests[name]):.0f}"
            row = f"{took * 1e3:.1f} | {took / base:.1f} | {shd:.1f} | {f1:.3f} | {count}"
            print(f"| {name} | {row} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20, 50, 100])
    parser.add_argument("--bif", type=Path, nargs="*", default=[], help="more networks")
    options = parser.parse_args()
    seeds = range(options.seeds)
    small = random_network(6, np.random.default_rng(0))
    for _, _, prepare, search in contestants():
        search(prepare(sampled(small, 500, 0)[0]))
    for p in options.sizes:
        compare(
            lambda seed, p=p: random_network(p, np.random.default_rng([p, seed])),
            seeds,
            options.rows,
        )
    published = [load_network(name) for name in available_networks()]
    published += [DiscreteNetwork.from_bif(path.read_text(), path.stem) for path in options.bif]
    for network in published:
        compare(lambda _, network=network: network, seeds, options.rows)


if __name__ == "__main__":
    main()
