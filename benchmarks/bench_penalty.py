"""Which penalty a Gaussian score should have: SHD of FLOP by penalty, over sizes, rows and degrees.

    python -m benchmarks penalty
    python benchmarks/bench_penalty.py [--sizes 20 100] [--rows 200 1000 5000] [--degrees 2 4 8]
                                       [--seeds 10]

Random linear Gaussian DAGs as in `bench_discovery_score.py`. Penalties are in units of log(n) / 2 a
parent, so 1 is the BIC; `gamma` is that of the extended BIC. SHD is against the true CPDAG, with
its Monte Carlo standard error in the last line, the mean over all designs of SHD by nodes.
"""

from __future__ import annotations

import argparse
import os

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})

import numpy as np

from benchmarks.bench_discovery_constraint import kinds_of, linear_data
from benchmarks.tables import head, row
from causalkit.discovery import FLOP
from causalkit.scores import ExtendedBIC, GaussianBIC

SCORES = {str(penalty): GaussianBIC(penalty) for penalty in (1.0, 1.5, 2.0, 3.0, 4.0)} | {
    f"gamma {gamma}": ExtendedBIC(gamma) for gamma in (0.5, 1.0)
}


def shds(score, size, degree, n_rows, seeds):
    found = []
    for seed in range(seeds):
        values, truth = linear_data(size, degree, 500 + seed, n_rows)
        kinds = kinds_of(FLOP(score, n_restarts=20).fit(values).graph_)
        found.append(np.triu(kinds != truth, 1).sum())
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000, 5000])
    parser.add_argument("--degrees", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    head("nodes", "degree", "rows", *SCORES)
    shares = {name: [] for name in SCORES}
    for size in options.sizes:
        for degree in options.degrees:
            for n_rows in options.rows:
                cells = []
                for name, score in SCORES.items():
                    found = shds(score, size, degree, n_rows, options.seeds)
                    shares[name].append(found / size)
                    cells.append(f"{found.mean():.1f}")
                row(size, degree, n_rows, *cells)
    means = [np.mean(share) for share in shares.values()]
    errors = [
        np.sqrt(np.mean([s.var(ddof=1) / len(s) for s in share]) / len(share))
        for share in shares.values()
    ]
    row("SHD by nodes", "", "", *(f"{mean:.3f}" for mean in means))
    row("its error", "", "", *(f"{error:.3f}" for error in errors))


if __name__ == "__main__":
    main()
