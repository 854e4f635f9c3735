"""PC on tables with missing cells, and with zeros that stand for "not detected".

    python benchmarks/bench_missing.py [--parts missing zeros types] [--seeds 20] [--methods …]

*missing*: random linear Gaussian DAGs, 20 columns of mean degree 2, 5000 rows, alpha = 0.01; 20 %
of all cells are missing. MCAR: any cell. MAR: ten columns, 40 % each, because of one complete
column each, a collider where there is one. MNAR: sixteen columns, 25 % each, because of one column
each that comes before it in a random order, and that may have missing cells itself. The figures are
means over seeds, with standard errors: SHD to the true CPDAG, edges too many, edges too few,
seconds; and the mean paired difference of the SHD to that on complete data.

*zeros*: ER graphs, weights +-[0.25, 1], 5000 rows. Dropout at random (of values around zero, and of
log expressions, which are far from it), of log expressions below a threshold, and with a chance
that falls with the value. PC on the clean data, on the data with zeros, with zero deletion, and
with test-wise deletion after zeros were marked as missing. SHD to the true CPDAG and F1 of the
skeleton.

*types*: rejections of a true independence at 5 %.

`--figure FILE` draws the second part.
"""

from __future__ import annotations

import argparse
import warnings
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from causalkit._core.parallel import run
from causalkit.discovery import PC
from causalkit.errors import CausalkitWarning
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.graph.generate import random_dag
from causalkit.independence import FisherZ
from causalkit.independence.imputed import MultipleImputation
from causalkit.independence.missing import TestwiseDeletion
from causalkit.independence.missing_correction import MissingnessCorrection
from causalkit.independence.zero_inflated import ZeroDeletion

ALPHA = 0.01


def linear_data(rng, n_nodes, degree, n_rows, weights):
    dag = random_dag(n_nodes, expected_degree=degree, rng=rng)
    shape = (n_nodes, n_nodes)
    slopes = dag.directed * rng.uniform(*weights, shape) * rng.choice([-1, 1], shape)
    return dag, rng.normal(size=(n_rows, n_nodes)) @ np.linalg.inv(np.eye(n_nodes) - slopes)


def errors(ends, dag):
    """SHD to the true class, edges too many, edges too few."""
    truth = dag_to_cpdag(dag).ends
    found, true = ends != 0, truth != 0
    pairs = np.triu(np.ones(truth.shape, dtype=bool), 1)
    differ = (ends != truth) | (ends.T != truth.T)
    return [int((what & pairs).sum()) for what in (differ, found & ~true, true & ~found)]


# --- missing cells ------------------------------------------------------------------------------


def soft_mask(rng, values, share):
    """Missing with a chance that rises with the value; `share` of the rows on average."""
    z = (values - values.mean()) / values.std()
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = 1 / (1 + np.exp(-3 * z - middle))
        low, high = (middle, high) if chance.mean() < share else (low, middle)
    return rng.random(len(values)) < chance


def missing_cells(kind, rng, dag, X):
    p = X.shape[1]
    mask = np.zeros(X.shape, dtype=bool)
    if kind == "MCAR":
        return rng.random(X.shape) < 0.2
    order = rng.permutation(p)
    n_parents = dag.directed.sum(axis=0)
    if kind == "MAR":
        order = np.array(sorted(order, key=lambda v: n_parents[v] < 2))
        complete, rest = order[: p // 2].tolist(), order[p // 2 :].tolist()
        colliders = [v for v in complete if n_parents[v] > 1]
        for v in rest:
            mask[:, v] = soft_mask(rng, X[:, rng.choice(colliders or complete)], 0.4)
    else:
        for k, v in enumerate(order[p // 5 :], start=p // 5):
            before = order[:k].tolist()
            colliders = [c for c in before if n_parents[c] > 1]
            mask[:, v] = soft_mask(rng, X[:, rng.choice(colliders or before)], 0.25)
    return mask


def mean_imputed(X):
    return np.where(np.isnan(X), np.nanmean(X, axis=0), X)


def theirs(X):
    """causal-learn's MV-PC; edges as marks at the end of each."""
    from causallearn.search.ConstraintBased.PC import pc

    found = pc(X, ALPHA, "mv_fisherz", stable=True, mvpc=True, show_progress=False)
    graph = CausalGraph.from_causallearn(found.G)
    return graph.reordered([f"X{k + 1}" for k in range(X.shape[1])]).ends


def ours(test):
    def search(X):
        return PC(test, alpha=ALPHA).fit(X).graph_.ends

    return search


def methods(seed, names=None):
    known = {
        "complete data": ours(FisherZ()),
        "mean imputation": lambda X: ours(FisherZ())(mean_imputed(X)),
        "list-wise deletion": lambda X: ours(FisherZ())(X[~np.isnan(X).any(axis=1)]),
        "test-wise deletion": ours(TestwiseDeletion()),
        "correction (MV-PC)": ours(MissingnessCorrection()),
        "multiple imputation": ours(MultipleImputation(random_state=seed)),
        "causal-learn mvpc": theirs,
    }
    return {name: search for name, search in known.items() if name in (names or known)}


def one_table(kind, seed, n_rows, names):
    rng = np.random.default_rng([seed, ["MCAR", "MAR", "MNAR"].index(kind)])
    dag, X = linear_data(rng, 20, 2.0, n_rows, (0.5, 1.0))
    holes = np.where(missing_cells(kind, rng, dag, X), np.nan, X)
    rows = []
    for name, search in methods(seed, names).items():
        start = process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = errors(search(X if name == "complete data" else holes), dag)
            except Exception:  # a peer that fails is shown as having no figure
                found = [np.nan] * 3
        rows.append([*found, process_time() - start])
    return np.array(rows)


def part_missing(options):
    for kind in ("MCAR", "MAR", "MNAR"):
        tables = [(kind, seed, options.rows, options.methods) for seed in range(options.seeds)]
        runs = np.array(run(one_table, tables, n_jobs=options.jobs))
        names = "method", "SHD", "too many", "too few", "seconds", "SHD - complete"
        head(*names, title=f"{kind}: {options.seeds} tables of {options.rows} rows")
        more = runs[:, :, 0] - runs[:, :1, 0]
        for k, name in enumerate(methods(0, options.methods)):
            cells = [cell(runs[:, k, c]) for c in range(3)]
            row(name, *cells, f"{np.median(runs[:, k, 3]):.2f}", cell(more[:, k]))


def cell(values):
    values = values[~np.isnan(values)]
    if not len(values):
        return "failed"
    return f"{values.mean():.2f} ± {values.std(ddof=1) / np.sqrt(len(values)):.2f}"


# --- zeros --------------------------------------------------------------------------------------


def dropped(kind, rng, X, share):
    """Copies of the columns in which some values became zero."""
    z = (X - X.mean(axis=0)) / X.std(axis=0)
    if kind.startswith("at random"):
        out = rng.random(X.shape) < share
    elif kind == "truncated":
        out = z < np.quantile(z, share, axis=0)
    else:
        out = np.column_stack([soft_mask(rng, -column, share) for column in z.T])
    shift = rng.uniform(-1, 1, X.shape[1]) if kind == "at random, raw" else 0.5 - z.min()
    return np.where(out, 0.0, z + shift)


ZERO_DESIGNS = "at random, raw", "at random, log", "truncated", "logistic"
ZERO_LOOKS = (
    ("clean data", "o", "#1b7837"),
    ("zeros as they are", "s", "#b2182b"),
    ("zero deletion", "^", "#2166ac"),
    ("zeros as missing", "v", "#998ec3"),
)


def one_zero_table(kind, n_nodes, degree, share, seed):
    rng = np.random.default_rng([seed, n_nodes, int(degree), int(100 * share)])
    dag, X = linear_data(rng, n_nodes, degree, 5000, (0.25, 1.0))
    seen = dropped(kind, rng, X, share)
    holes = np.where(seen == 0, np.nan, seen)
    rows = []
    for test, data in (
        (FisherZ(), X),
        (FisherZ(), seen),
        (ZeroDeletion(), seen),
        (TestwiseDeletion(), holes),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CausalkitWarning)
            found, n_extra, n_lost = errors(ours(test)(data), dag)
        hits = int(dag.directed.sum()) - n_lost
        rows.append([found, 2 * hits / max(2 * hits + n_extra + n_lost, 1)])
    return np.array(rows)


def part_zeros(options):
    names = "zeros", "p", "degree", "share", *(name for name, *_ in ZERO_LOOKS)
    head(*names, title="SHD, F1")
    drawn = {}
    for kind in ZERO_DESIGNS:
        for n_nodes, degree in ((10, 1.0), (10, 2.0), (20, 2.0), (30, 2.0), (20, 4.0), (20, 6.0)):
            for share in (0.3, 0.5):
                tables = [(kind, n_nodes, degree, share, seed) for seed in range(options.seeds)]
                runs = np.array(run(one_zero_table, tables, n_jobs=options.jobs))
                drawn[kind, n_nodes, degree, share] = runs
                cells = [
                    f"{cell(runs[:, k, 0])}, {cell(runs[:, k, 1])}" for k in range(len(ZERO_LOOKS))
                ]
                row(kind, n_nodes, f"{degree:.0f}", share, *cells)
    if options.figure:
        draw(drawn, options.figure)


def draw(drawn, path):
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 4, figsize=(15, 4.6), sharey=True, layout="constrained")
    for panel, kind in zip(panels, ZERO_DESIGNS, strict=True):
        keys = [key for key in drawn if key[0] == kind]
        for k, (label, marker, colour) in enumerate(ZERO_LOOKS):
            F1 = np.array([drawn[key][:, k, 1] for key in keys])
            at = np.arange(len(keys)) + 0.18 * (k - 1.5)
            bars = 2 * F1.std(axis=1, ddof=1) / np.sqrt(F1.shape[1])
            panel.errorbar(at, F1.mean(axis=1), bars, fmt=marker, color=colour, label=label)
        panel.set_title(f"dropout {kind}")
        panel.set_xticks(range(len(keys)), [f"{p}, {d:.0f}, {s:.0%}" for _, p, d, s in keys])
        panel.tick_params(axis="x", rotation=70)
        panel.set_xlabel("nodes, degree, dropout")
        panel.grid(axis="y", alpha=0.3)
    panels[0].set_ylabel("F1 of the skeleton (mean ± 2 s.e.)")
    panels[0].legend(loc="lower left")
    figure.savefig(path, dpi=110)


# --- calibration --------------------------------------------------------------------------------


def one_null(kind, n_rows, seed):
    """p-values of x and y, independent given z (and a common effect w that is missing's cause)."""
    rng = np.random.default_rng([seed, n_rows])
    z = rng.normal(size=n_rows)
    x, y = z + rng.normal(size=(2, n_rows))
    w = x + y + rng.normal(size=n_rows)
    data = {"x": x, "y": y, "z": z, "w": w}
    if kind == "MCAR":
        data = {name: np.where(rng.random(n_rows) < 0.25, np.nan, v) for name, v in data.items()}
    else:
        data["x"] = np.where(soft_mask(rng, w, 0.3), np.nan, x)
        data["z"] = np.where(soft_mask(rng, w, 0.3), np.nan, z)
    if kind == "MNAR":
        data["w"] = np.where(soft_mask(rng, data["y"], 0.3), np.nan, w)
    tests = TestwiseDeletion(), MissingnessCorrection(), MultipleImputation(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        return [test.test(data, "x", "y", "z").p_value for test in tests]


def part_types(options):
    names = "cells are missing", "n", "test-wise", "correction", "imputation"
    head(*names, title="Rejections at 5 %")
    for kind in ("MCAR", "MAR", "MNAR"):
        for n_rows in (100, 400, 2000):
            tables = [(kind, n_rows, seed) for seed in range(options.repeats)]
            rejected = np.array(run(one_null, tables, n_jobs=options.jobs)) < 0.05
            share = rejected.mean(axis=0)
            error = np.sqrt(share * (1 - share) / len(rejected))
            row(kind, n_rows, *(f"{s:.3f} ± {e:.3f}" for s, e in zip(share, error, strict=True)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", default=["missing", "zeros", "types"])
    parser.add_argument(
        "--methods", nargs="+", help="rows of the first part; the first is compared with"
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--figure")
    options = parser.parse_args()
    for name in options.parts:
        {"missing": part_missing, "zeros": part_zeros, "types": part_types}[name](options)


if __name__ == "__main__":
    main()
