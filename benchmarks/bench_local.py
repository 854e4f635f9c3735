"""Boundaries in wide tables: speed beside a plain loop and causal-learn, precision and recall.

    python benchmarks/bench_local.py [--sizes 100 1000 10000] [--targets 20] [--rows 1000]

Linear Gaussian data in which each column depends on up to three of the 30 before it. One process;
reading the table and compiling are outside the clock, standardising it is inside. The plain loop is
IAMB with one least-squares fit a question; causal-learn's is its own IAMB, its matrix of
correlations inside the clock. Both are run on one target, up to 1000 columns, at the level that
ours uses.
Precision and recall are over all members of all boundaries, with a standard error over targets.
`--sizes 50000 --targets 8` takes a few minutes and 2 GB, mostly for making the data.
"""

from __future__ import annotations

import argparse
from time import process_time

import numpy as np
from scipy.stats import norm

from causalkit._core.table import as_table
from causalkit.discovery import PC
from causalkit.discovery.local.local_pc import LocalPC
from causalkit.discovery.local.markov_boundary import MarkovBoundary

METHODS = ("fbed", "iamb", "inter-iamb", "hiton")
LARGEST_PEER = 1000


def local_data(rng, n_columns, n_rows, reach=30):
    values, parents = np.empty((n_rows, n_columns)), []
    for j in range(n_columns):
        chosen = rng.choice(np.arange(max(0, j - reach), j), min(rng.integers(0, 4), j), False)
        weights = rng.uniform(0.4, 1.0, len(chosen)) * rng.choice([-1, 1], len(chosen))
        values[:, j] = values[:, chosen] @ weights + rng.normal(size=n_rows)
        values[:, j] /= values[:, j].std()
        parents.append(set(chosen.tolist()))
    return values, parents


def boundary(parents, target):
    children = [j for j, above in enumerate(parents) if target in above]
    return set(parents[target]).union(children, *(parents[c] for c in children)) - {target}


def plain_iamb(values, target, entry, alpha):
    n, p = values.shape

    def p_value(k, given):
        design = np.column_stack((np.ones(n), values[:, given]))
        ends = values[:, [target, k]]
        rest = ends - design @ np.linalg.lstsq(design, ends, rcond=None)[0]
        r = rest[:, 0] @ rest[:, 1] / np.sqrt((rest**2).sum(axis=0).prod())
        return 2 * norm.sf(np.sqrt(n - len(given) - 3) * abs(np.arctanh(r)))

    members = []
    while True:
        found = {k: p_value(k, members) for k in range(p) if k != target and k not in members}
        best = min(found, key=found.get)
        if found[best] > entry:
            break
        members.append(best)
    for k in list(members):
        if p_value(k, [m for m in members if m != k]) > alpha:
            members.remove(k)
    return set(members)


def causal_learn(values, target, entry, alpha):
    from causallearn.utils import cit
    from causallearn.utils.MarkovNetwork.iamb import iamb

    del alpha  # it has one level only
    return set(iamb(cit.CIT(values, "fisherz"), values.shape[1], target, entry)[0])


def ours(method):
    def search(table, target):
        names = MarkovBoundary(f"x{target}", method=method).fit(table).boundary_
        return {int(name[1:]) for name in names}

    return search


def timed(search, *args):
    start = process_time()
    found = search(*args)
    return process_time() - start, found


def share(part, whole):
    """Ratio of sums, and its standard error over targets (delta method)."""
    part, whole = np.array(part, dtype=float), np.array(whole, dtype=float)
    ratio = part.sum() / whole.sum()
    error = np.sqrt(((part - ratio * whole) ** 2).sum()) / whole.sum()
    return f"{ratio:.3f} ({error:.3f})"


def compare_boundaries(n_columns, n_rows, n_targets, rng):
    values, parents = local_data(rng, n_columns, n_rows)
    table = as_table(values)
    targets = rng.choice(np.arange(30, n_columns - 30), n_targets, replace=False).tolist()
    truths = [boundary(parents, target) for target in targets]
    seconds_of_first = {}
    for method in METHODS:
        runs = [timed(ours(method), table, target) for target in targets]
        seconds_of_first[method] = runs[0][0]
        hits = [len(found & truth) for (_, found), truth in zip(runs, truths, strict=True)]
        precision = share(hits, [len(found) for _, found in runs])
        recall = share(hits, [len(truth) for truth in truths])
        row(n_columns, method, np.median([s for s, _ in runs]), precision, recall)
    if n_columns <= LARGEST_PEER:
        for name, peer in (("plain loop", plain_iamb), ("causal-learn", causal_learn)):
            seconds, found = timed(peer, values, targets[0], 0.05 / (n_columns - 1), 0.05)
            hits = len(found & truths[0])
            ratio = f"{seconds / seconds_of_first['iamb']:.0f}x ours (iamb)"
            row(n_columns, name, seconds, f"{hits}/{len(found)}", f"{hits}/{len(truths[0])}", ratio)


def row(n_columns, method, seconds, precision, recall, note=""):
    cells = f"{n_columns:>8} | {method:<12} | {seconds:>9.3f} | {precision:>15} | {recall:>15}"
    print(f"| {cells} | {note:<18} |", flush=True)


def compare_neighbourhoods(n_rows, rng):
    print("\n| columns | LocalPC [s] |  PC [s] | tests: LocalPC | tests: PC | same at target |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for n_columns in (100, 300):
        values, _ = local_data(rng, n_columns, n_rows)
        whole_time, whole = timed(lambda v: PC(alpha=0.001).fit(v), values)
        runs, same = [], 0
        targets = rng.choice(np.arange(30, n_columns - 30), 10, replace=False).tolist()
        for target in targets:
            seconds, local = timed(
                lambda t, v: LocalPC(f"x{t}", alpha=0.001, familywise=False).fit(v), target, values
            )
            name = f"x{target}"
            same += local.graph_.adjacent(name) == whole.graph_.adjacent(name)
            runs.append((seconds, local.n_tests_))
        seconds, tests = np.median(runs, axis=0)
        print(
            f"| {n_columns} | {seconds:.3f} | {whole_time:.3f} | {tests:.0f} | {whole.n_tests_} "
            f"| {same}/{len(targets)} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 10_000])
    parser.add_argument("--targets", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1000)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    warm, _ = local_data(rng, 80, 200)
    for method in METHODS:
        MarkovBoundary("x40", method=method).fit(warm)
    causal_learn(warm, 40, 0.001, 0.05)
    PC(alpha=0.001).fit(warm)
    print("| columns | method | median [s] | precision (s.e.) | recall (s.e.) | |")
    print("| ---: | --- | ---: | ---: | ---: | --- |")
    for size in options.sizes:
        compare_boundaries(size, options.rows, options.targets, rng)
    compare_neighbourhoods(options.rows, rng)


if __name__ == "__main__":
    main()
