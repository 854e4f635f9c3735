"""Twins of tables under the fidelity report, the share of each value, and R² sortability.

    python -m benchmarks table_twins
    python benchmarks/bench_table_twins.py [--tables card nhefs] [--budgets fast best] [--seeds 1]
                                           [--models 50] [--parts twins sortability]

`twins`: a `Twin` that learns its graph from a table, all columns. AUC of the best classifier that
tells drawn rows from real ones (.50 is a guess), mean over seeds; mean total variation distance of
the columns with at most 60 values, and mean absolute error of the rank correlations, both of 20,000
rows drawn. `sortability`: mean R² sortability of random models of each mechanism, 10 nodes, with
its standard error; .50 is no gift.

Tables are those of causalkit.datasets, diabetes from scikit-learn, and two from statsmodels, which
are skipped if it is not installed.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from importlib.util import find_spec
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from causalkit import datasets
from causalkit.models import Twin, random_model

COLUMNS = {
    "401ksubs": "age inc fsize nettfa marr e401k p401k pira",
    "card": "lwage educ exper age black south fatheduc motheduc iq",
    "nhefs": "age sex education smokeintensity smokeyrs wt71 exercise active ht",
    "jtrain3": "age educ re74 re75 re78 black married",
    "fair": "age yrs_married children religious educ occupation rate_marriage",
    "anes96": "age educ income TVnews PID selfLR",
    "diabetes": None,
}
MECHANISMS = (
    "linear", "gaussian-process", "mlp", "post-nonlinear", "location-scale", "mixed",
)  # fmt: skip
FEW = 60


def table(name):
    """Complete rows as numbers; None if the package that ships them is not there."""
    if name == "diabetes":
        from sklearn.datasets import load_diabetes

        frame = load_diabetes(scaled=False, as_frame=True).frame
    elif name in ("fair", "anes96"):
        if find_spec("statsmodels") is None:
            return None
        import statsmodels.api as sm

        frame = getattr(sm.datasets, name).load_pandas().data
    else:
        frame = datasets.load(name)
    wanted = list(frame) if COLUMNS[name] is None else COLUMNS[name].split()
    return frame[[column for column in wanted if column in frame]].dropna().astype(float)


def judged(frame, budget, seed):
    """AUC, distance of values, error of rank correlations, seconds of the fit."""
    start = process_time()
    twin = Twin(max_lag=0, budget=budget, random_state=seed).fit(frame)
    seconds = process_time() - start
    auc = twin.fidelity(rng=seed, n_null=0).auc
    drawn = twin.sample(20_000, rng=seed)
    apart = []
    for column in frame:
        if frame[column].nunique() <= FEW:
            real, own = (one[column].value_counts(normalize=True) for one in (frame, drawn))
            apart.append(0.5 * real.sub(own, fill_value=0).abs().sum())
    ranks = frame.corr("spearman").to_numpy() - drawn.corr("spearman").to_numpy()
    return auc, np.mean(apart), np.abs(ranks[np.triu_indices(len(ranks), 1)]).mean(), seconds


def twins(asked):
    head("table", "rows", "budget", "AUC", "values", "ranks", "seconds of the fit")
    for name in asked.tables:
        frame = table(name)
        if frame is None:
            row(name, "skipped: statsmodels is not installed")
            continue
        for budget in asked.budgets:
            found = np.mean([judged(frame, budget, seed) for seed in range(asked.seeds)], axis=0)
            auc, apart, ranks, seconds = found
            figures = f"{auc:.3f}", f"{apart:.3f}", f"{ranks:.3f}", f"{seconds:.1f}"
            row(name, f"{len(frame):,}", budget, *figures)


def sortability(asked):
    head("degree", "mechanism", "R² sortability")
    for degree in (2.0, 4.0):
        for mechanism in MECHANISMS:
            found = []
            for seed in range(asked.models):
                model = random_model(n_nodes=10, degree=degree, mechanism=mechanism, rng=seed)
                found.append(model.sample(2000, rng=seed).r2_sortability)
            error = np.nanstd(found) / np.sqrt(asked.models)
            mean = np.nanmean(found)
            row(f"{degree:g}", mechanism, f"{mean:.3f} ± {error:.3f}")


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    reader.add_argument("--parts", nargs="+", default=["twins", "sortability"])
    reader.add_argument("--tables", nargs="+", default=list(COLUMNS), choices=list(COLUMNS))
    reader.add_argument("--budgets", nargs="+", default=["fast", "best"])
    reader.add_argument("--seeds", type=int, default=1)
    reader.add_argument("--models", type=int, default=50)
    asked = reader.parse_args()
    for part in asked.parts:
        {"twins": twins, "sortability": sortability}[part](asked)


if __name__ == "__main__":
    main()
