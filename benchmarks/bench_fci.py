"""FCI and RFCI beside andrey's and causal-learn's FCI, on the same data with the same alpha.

    python benchmarks/bench_fci.py [--repeats 3] [--seeds 5] [--sizes 20 50 100]

Random linear Gaussian DAGs of expected degree 2, a tenth of the nodes hidden, n = 1000 rows,
alpha = 0.01, Fisher's z, one process. Imports and compilation are outside the clock: each library
first runs once on a small table. Times are medians over the seeds of the best of the repeats.

Accuracy is measured against the MAG of the true graph: F1 of the adjacencies (sF1), precision and
recall of the arrows (AHP, AHR), precision of the tails (TLP). A perfect PAG has fewer arrows than
the MAG, so its recall is below one; the last row of each size shows what an oracle would reach.
A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import warnings
from contextlib import redirect_stdout
from io import StringIO
from statistics import median
from time import perf_counter

import numpy as np

from causalkit.discovery.fci import FCI, RFCI
from causalkit.graph import ARROW, TAIL, random_dag
from causalkit.graph.mag import dag_to_mag, mag_to_pag


def hidden_case(n_nodes, seed, n_rows=1000, degree=2.0):
    """Values of the observed columns, and the true MAG."""
    rng = np.random.default_rng(seed)
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    weights = dag.directed * rng.uniform(0.5, 1.0, shape) * rng.choice([-1, 1], shape)
    noise = rng.normal(size=(n_rows, n_nodes)) * rng.uniform(0.7, 1.3, n_nodes)
    values = noise @ np.linalg.inv(np.eye(n_nodes) - weights)
    hidden = np.sort(rng.choice(n_nodes, max(1, n_nodes // 10), replace=False))
    mag = dag_to_mag(dag, [dag.nodes[k] for k in hidden])
    return np.ascontiguousarray(np.delete(values, hidden, axis=1)), mag


def ours(values):
    return FCI(alpha=0.01).fit(values).graph_.ends


def ours_rfci(values):
    return RFCI(alpha=0.01).fit(values).graph_.ends


def andrey(values):
    import andrey

    marks = np.asarray(andrey.fci(values, alpha=0.01).structure.to_numpy()).T
    return np.select([marks == 1, marks == 2, marks == 3], [TAIL, ARROW, 4], 0)


def causal_learn(values):
    from causallearn.search.ConstraintBased.FCI import fci

    with redirect_stdout(StringIO()):  # it prints edges
        graph = fci(values, "fisherz", 0.01, show_progress=False, verbose=False)[0].graph.T
    return np.select([graph == -1, graph == 1, graph == 2], [TAIL, ARROW, 4], 0)


SEARCHES = {
    "causalkit FCI": ours,
    "causalkit RFCI": ours_rfci,
    "andrey FCI": andrey,
    "causal-learn FCI": causal_learn,
}


def accuracy(ends, true):
    joined, truly = np.triu(ends > 0), np.triu(true > 0)
    right = (joined & truly).sum()
    arrows, true_arrows = ends == ARROW, true == ARROW
    tails = ends == TAIL
    return (
        2 * right / max(1, joined.sum() + truly.sum()),
        (arrows & true_arrows).sum() / max(1, arrows.sum()),
        (arrows & true_arrows).sum() / max(1, true_arrows.sum()),
        (tails & (true == TAIL)).sum() / max(1, tails.sum()),
    )


def timed(search, values, repeats):
    best = np.inf
    for _ in range(repeats):
        start = perf_counter()
        ends = search(values)
        best = min(best, perf_counter() - start)
    return best, ends


def usable():
    small = hidden_case(8, 0, 300)[0]
    found = {}
    for name, search in SEARCHES.items():
        try:
            search(small)
            found[name] = search
        except ImportError:
            print(f"({name} is not installed)")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--degree", type=float, default=2.0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    searches = usable()
    print("| p | search | ms | ratio | sF1 | AHP | AHR | TLP |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for n_nodes in options.sizes:
        cases = [hidden_case(n_nodes, s, degree=options.degree) for s in range(options.seeds)]
        first = None
        for name, search in searches.items():
            runs = [timed(search, values, options.repeats) for values, _ in cases]
            seconds = median(run[0] for run in runs)
            first = first or seconds
            scores = [accuracy(run[1], mag.ends) for run, (_, mag) in zip(runs, cases, strict=True)]
            shown = " | ".join(f"{score:.3f}" for score in np.mean(scores, axis=0))
            print(f"| {n_nodes} | {name} | {1e3 * seconds:.1f} | {seconds / first:.1f} | {shown} |")
        scores = [accuracy(mag_to_pag(mag).ends, mag.ends) for _, mag in cases]
        shown = " | ".join(f"{score:.3f}" for score in np.mean(scores, axis=0))
        print(f"| {n_nodes} | oracle | | | {shown} |", flush=True)


if __name__ == "__main__":
    main()
