"""What do replicates of a slow test cost? Answers drawn again, against rows drawn again.

    python -m benchmarks perturbed_tests
    python benchmarks/bench_perturbed_tests.py [--rows 300] [--replicates 100] [--by-rows 10]

Five variables with bent causes, PC with KCI. `Bootstrap(resample="tests")` computes each question
once; with "rows" each replicate computes its own, of which a few are timed and scaled up.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from time import process_time

import numpy as np

from causalkit.discovery import PC, Bootstrap
from causalkit.independence import KCI


def bent(n, rng):
    """Five variables: A, B, C -> X -> Y and C -> Y."""
    a, b, c = rng.normal(size=(3, n))
    x = 1.2 * np.sin(1.2 * a) + 0.8 * b + 0.3 * c + 0.7 * rng.normal(size=n)
    y = 0.5 * x + 0.8 * np.tanh(c) + 0.3 * c**2 + 0.6 * rng.normal(size=n)
    return {"A": a, "B": b, "C": c, "X": x, "Y": y}


def seconds(search, data):
    """Time of a fit."""
    start = process_time()
    search.fit(data)
    return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--replicates", type=int, default=100)
    parser.add_argument("--by-rows", type=int, default=10)
    args = parser.parse_args()
    data, n = bent(args.rows, np.random.default_rng(0)), args.replicates
    search = PC(KCI())
    seconds(search, data)  # compiles
    one = seconds(search, data)
    tests = seconds(Bootstrap(search, n, resample="tests", random_state=0), data)
    few = seconds(Bootstrap(search, args.by_rows, resample="rows", random_state=0), data)
    rows = one + (few - one) * n / args.by_rows
    print("| rows | replicates | one search | tests | rows | rows / tests |")
    print("| --: | --: | --: | --: | --: | --: |")
    print(
        f"| {args.rows} | {n} | {one:.2f} s | {tests:.2f} s | {rows:.1f} s | {rows / tests:.0f} |"
    )


if __name__ == "__main__":
    main()
