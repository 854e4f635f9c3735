"""PC on categories beside other libraries: seconds, and how far the graphs are from the truth.

    python -m benchmarks discrete
    python benchmarks/bench_discrete.py [--rows 5000] [--seeds 20] [--sizes 20 50 100] [--bif a.bif]
                                        [--peers peers.json]

Random networks (expected degree 2, three levels, probabilities from a Dirichlet law with all
parameters 0.5, at most four parents) and published ones; alpha = 0.01, one thread. Every
library that is installed gets the same tables in one process, each in the form it likes best.
Imports and compilation are outside the clock: each library first runs once on a small table. Times
are medians over the seeds, of the fastest of up to five runs each. SHD (CPDAG; an edge that is
missing, spare or differently directed counts one) and F1 of the skeleton are means. Ratios are to
the first row, so 5 is five times as long. `to the best peer` is the mean difference in SHD to the
peer with the smallest mean, on the same tables, and its standard error: below 0 is nearer to the
truth. `tests` says how many tests were made, where a library tells.

With `--peers` the peers' figures are kept in a file and read from it the next time, so that a
change of ours takes a minute to judge; their times are then those of the run that wrote it.
"""

from __future__ import annotations

import argparse
import json
from contextlib import redirect_stderr
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from statistics import mean, median, stdev
from time import process_time

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


def ours(test, **settings):
    def search(codes):
        pc = PC(test, alpha=ALPHA, **settings).fit(codes)
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
        ("causalkit G², majority", None, as_codes, ours(GSquare(), collider_rule="majority")),
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
        start = process_time()
        answer = search(table)
        times.append(process_time() - start)
    return min(times), answer


def measure(search, table, truth):
    """Seconds, SHD, F1 and number of tests."""
    took, (kinds, count) = fastest(search, table)
    return took, *scores(kinds, truth), count


def compare(network_of, seeds, n, kept):
    """Print one table: every library on every seed, taking turns; `kept` knows peers' figures."""
    figures = {name: {} for name, *_ in contestants()}
    title = ""
    for seed in seeds:
        network = network_of(seed)
        codes, truth = sampled(network, n, seed)
        title = f"{network.name}, {len(network.levels)} variables, {n} rows"
        for name, library, prepare, search in contestants():
            key = f"{title}, seed {seed}, {name}"
            if library and key in kept:
                figures[name][seed] = kept[key]
                continue
            try:
                figures[name][seed] = measure(search, prepare(codes), truth)
            except Exception as error:  # a peer that fails on a table is reported, not hidden
                print(f"{name} failed on {title}, seed {seed}: {error!r:.120}")
                continue
            if library:
                kept[key] = figures[name][seed]
    print(
        f"\n### {title}, {len(seeds)} tables\n\n"
        "| library | ms | ratio | SHD | to the best peer | F1 | tests |\n"
        "| --- | --: | --: | --: | --: | --: | --: |"
    )
    show(figures)


def show(figures):
    """Print a row for each library."""
    base, best = None, best_peer(figures)
    for name, rows in figures.items():
        if not rows:
            continue
        seconds, shd, f1, count = zip(*rows.values(), strict=True)
        took = median(seconds)
        base = base or took
        count = "–" if count[0] is None else f"{median(count):.0f}"
        row = f"{took * 1e3:.1f} | {took / base:.1f} | {mean(shd):.1f} | {apart(rows, best)}"
        print(f"| {name} | {row} | {mean(f1):.3f} | {count} |", flush=True)


def best_peer(figures):
    """Figures of the peer with the smallest mean SHD, among those that did all tables."""
    peers = [figures[name] for name, library, *_ in contestants() if library]
    most = max(map(len, peers), default=0)
    whole = [rows for rows in peers if rows and len(rows) == most]
    return min(whole, key=lambda rows: mean(shd for _, shd, *_ in rows.values()), default={})


def apart(rows, best):
    """Mean difference in SHD on common tables, and its standard error."""
    differences = [rows[seed][1] - best[seed][1] for seed in rows if seed in best]
    if len(differences) < 2:
        return "–"
    return f"{mean(differences):+.1f} ± {stdev(differences) / len(differences) ** 0.5:.1f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--sizes", type=int, nargs="*", default=[20, 50, 100])
    parser.add_argument("--bif", type=Path, nargs="*", default=[], help="more networks")
    parser.add_argument("--peers", type=Path, help="where the peers' figures are kept")
    options = parser.parse_args()
    seeds = range(options.seeds)
    kept = {}
    if options.peers and options.peers.exists():
        kept = json.loads(options.peers.read_text())
    small = random_network(6, np.random.default_rng(0))
    for _, _, prepare, search in contestants():
        search(prepare(sampled(small, 500, 0)[0]))
    for p in options.sizes:
        compare(
            lambda seed, p=p: random_network(p, np.random.default_rng([p, seed])),
            seeds,
            options.rows,
            kept,
        )
    published = [load_network(name) for name in available_networks()]
    published += [DiscreteNetwork.from_bif(path.read_text(), path.stem) for path in options.bif]
    for network in published:
        compare(lambda _, network=network: network, seeds, options.rows, kept)
    if options.peers:
        options.peers.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
