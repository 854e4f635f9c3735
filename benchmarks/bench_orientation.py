"""How PC's rules for colliders differ in the graphs that they lead to, on the same tables.

    python -m benchmarks orientation
    python benchmarks/bench_orientation.py [--sizes 50 100 200] [--degrees 2 4] [--seeds 20]
                                           [--rows 1000]

Random linear Gaussian DAGs as in :mod:`bench_discovery_constraint`, alpha = 0.01. The skeleton is
the same in all rows, andrey's included, so whatever differs is the direction of edges. SHD counts
pairs whose edge in the CPDAG is missing, spare or differently directed; the difference to the first
row is a mean over the same tables with its standard error. Precision and recall are those of
arrows. Milliseconds are medians of the whole call.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median, stdev
from time import process_time

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_discovery_constraint import (
    ALPHA,
    BACKWARD,
    FORWARD,
    andrey,
    kinds_of,
    linear_data,
)
from causalkit.discovery import PC
from causalkit.discovery.constraint._colliders import COLLIDER_RULES


def contestants():
    """Name, and a function from a table to kinds of edges."""
    listed = {
        f"causalkit {rule}": lambda values, rule=rule: kinds_of(
            PC(alpha=ALPHA, collider_rule=rule).fit(values).graph_
        )
        for rule in COLLIDER_RULES
    }
    if find_spec("andrey"):
        search, kinds = andrey(1)
        listed["andrey"] = lambda values: kinds(search(values), values.shape[1])
    return listed


def scores(kinds, truth):
    """SHD, precision and recall of arrows."""
    upper = np.triu_indices(len(truth), 1)
    ours, theirs = kinds[upper], truth[upper]
    drawn, wanted = (np.isin(k, (FORWARD, BACKWARD)) for k in (ours, theirs))
    hits = (drawn & wanted & (ours == theirs)).sum()
    return int((ours != theirs).sum()), hits / max(1, drawn.sum()), hits / max(1, wanted.sum())


def compare(n_nodes, degree, n_seeds, n_rows):
    """Print one table."""
    searches = contestants()
    rows = {name: [] for name in searches}
    for seed in range(n_seeds):
        values, truth = linear_data(n_nodes, degree, seed, n_rows)
        for name, search in searches.items():
            start = process_time()
            kinds = search(values)
            rows[name].append((process_time() - start, *scores(kinds, truth)))
    print(
        f"\n### {n_nodes} nodes, degree {degree}, {n_rows} rows, {n_seeds} tables\n\n"
        "| rule | SHD | to the first | precision | recall | ms |\n"
        "| --- | --: | --: | --: | --: | --: |"
    )
    base = [shd for _, shd, *_ in next(iter(rows.values()))]
    for name, figures in rows.items():
        seconds, shd, precision, recall = zip(*figures, strict=True)
        apart = [a - b for a, b in zip(shd, base, strict=True)]
        error = stdev(apart) / len(apart) ** 0.5 if len(apart) > 1 else float("nan")
        print(
            f"| {name} | {mean(shd):.1f} | {mean(apart):+.1f} ± {error:.1f} | {mean(precision):.3f}"
            f" | {mean(recall):.3f} | {median(seconds) * 1e3:.1f} |",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[50, 100, 200])
    parser.add_argument("--degrees", type=float, nargs="*", default=[2.0, 4.0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=1000)
    options = parser.parse_args()
    small, _ = linear_data(8, 2.0, 0)
    for search in contestants().values():  # imports and compilation
        search(small)
    for n_nodes in options.sizes:
        for degree in options.degrees:
            compare(n_nodes, degree, options.seeds, options.rows)


if __name__ == "__main__":
    main()
