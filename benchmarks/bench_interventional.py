"""Discovery from interventions: known targets, unknown targets, invariant prediction.

    python -m benchmarks interventional
    python benchmarks/bench_interventional.py [--sections known scores sachs unknown invariant]
                                              [--sizes 10 20 50] [--rows 50 200 500] [--seeds 5]
                                              [--without gies UnknownTargets]

`known`: random linear Gaussian DAGs (4 edges a variable, weights 0.5 to 1 in size, noise deviations
0.7 to 1.3), one observational regime and one for each of half the variables, which is set to
N(2, 1) ("hard") or shifted by 2 without losing its causes ("soft"); so many rows a regime. SHD is
to the true interventional essential graph; times are medians of the whole call. The Python package
gies is asked with the BIC; ours once with the same penalty and once with the default. gies centres
within regimes, InterventionalBIC does not; both assume hard interventions. UnknownTargets is told
which regime is observational, and no target.

`scores`: the same tables, centred within regimes, so that gies and ours score them alike: how often
ours ends in a graph with a higher, the same and a lower score, and by how much on average, in units
of log-likelihood, as gies adds it up. "as published" takes gies' phases in gies' order.

`sachs`: nine conditions of Sachs et al. (2005), 11 proteins, as published and their logarithms.
Targets are those of the reagents: Akt inhibitor Akt, G06976 and PMA PKC, psitectorigenin PIP2,
U0126 Mek, LY294002 Akt (by way of PI3K), beta2cAMP PKA; CD3/CD28 with and without ICAM-2 none.
Edges are compared with the 17 of the consensus; "either way" is of the skeleton, and an undirected
edge counts as neither right nor reversed. Skipped where the data are not beside the project.

`unknown`: after BaCaDI's linear benchmark: 20 variables, 100 observational rows and 10 environments
of 10, two targets in each, drawn anew as N(m, 0.5), m of size 5 and more. Weights are 0.5 to 2 in
size, noise variances 0.05 to 0.15, 2 edges a variable. Their figures are medians over 30 graphs and
expectations over a posterior or a bootstrap, drawn by their program; ours are those of one graph,
over graphs drawn here. In theirs (stored results) number and kind of environments may be others.

`invariant`: a target with two causes and two effects, two or three environments with shifts and
scales of their own, equations linear or curved (tanh and absolute value); how often `parents_`
holds a variable that is no cause (at most 5 in 100 are allowed), how often it holds both causes,
how often intervals hold the weights.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = "1"

import json
import warnings
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import mean, median
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from causalkit.discovery.interventions.invariant_prediction import InvariantPrediction
from causalkit.discovery.interventions.unknown_targets import UnknownTargets
from causalkit.discovery.search.boss import BOSS
from causalkit.discovery.search.flop import FLOP
from causalkit.discovery.search.ges import GES
from causalkit.graph import CausalGraph, random_dag
from causalkit.graph.interventional import interventional_class
from causalkit.metrics import shd, sid
from causalkit.scores import InterventionalBIC

SACHS = Path(__file__).resolve().parents[2] / "shared" / "data" / "sachs"

REAGENTS = {"3": "Akt", "4": "PKC", "5": "PIP2", "6": "Mek", "7": "Akt", "8": "PKC", "9": "PKA"}


def optional(name):
    try:
        return import_module(name)
    except ImportError:
        return None


def table(title, columns, rows):
    head(*columns, title=title)
    for cells in rows:
        row(*(f"{cell:.2f}" if isinstance(cell, float) else cell for cell in cells))


# --- known targets --------------------------------------------------------------------------------


def drawn(rng, dag, weights, sd, touched, n, kind):
    """Rows of one regime; `kind` is hard or soft."""
    order = sorted(range(len(dag.nodes)), key=lambda v: len(dag.ancestors(dag.nodes[v])))
    X = np.zeros((n, len(order)))
    for v in order:
        noise = sd[v] * rng.normal(size=n)
        if v in touched and kind == "hard":
            X[:, v] = 2 + rng.normal(size=n)
        else:
            X[:, v] = X @ weights[:, v] + noise + 2 * (v in touched)
    return X


def known_design(p, n, kind, seed):
    rng = np.random.default_rng(seed)
    dag = random_dag(p, expected_degree=4.0, rng=rng)
    weights = dag.directed * rng.uniform(0.5, 1.0, (p, p)) * rng.choice([-1, 1], (p, p))
    sd = rng.uniform(0.7, 1.3, p)
    regimes = [(), *((int(v),) for v in rng.choice(p, p // 2, replace=False))]
    parts = [drawn(rng, dag, weights, sd, touched, n, kind) for touched in regimes]
    return dag, parts, regimes


PUBLISHED_GIES = {"phases": ("forward", "backward", "turning"), "repeat": "round"}


def by_score(search, parts, regimes, names, penalty):
    """Fit FLOP, BOSS, or GES, which with such a score is GIES."""
    data = dict(zip(names, np.vstack(parts).T, strict=True))
    data["regime"] = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    targets = {k: [names[v] for v in touched] for k, touched in enumerate(regimes)}
    score = InterventionalBIC(targets, regime="regime", penalty=penalty)
    return search.set_params(score=score).fit(data)


def by_environment(parts, regimes, names):
    """Not told the targets, but which regime is observational."""
    del regimes
    data = dict(zip(names, np.vstack(parts).T, strict=True))
    data["environment"] = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return UnknownTargets(observational=0).fit(data).graph_


def by_gies(parts, regimes, names):
    found = import_module("gies").fit_bic(parts, [list(touched) for touched in regimes])[0]
    return of_matrix(found != 0, names)


def of_matrix(edges, names):
    """CPDAG whose undirected edges are entered both ways."""
    ends = np.where(edges, 2, 0) | np.where(edges.T, 1, 0)
    ends = np.where(edges & edges.T, 1, ends)
    return CausalGraph(names, ends.astype(np.uint8), "CPDAG")


def known_methods():
    searches = {"FLOP": FLOP, "BOSS": BOSS, "GIES": GES}
    methods = {
        f"{name}, penalty {penalty}": partial(by_penalty, search, penalty)
        for name, search in searches.items()
        for penalty in (1, 2)
    }
    methods["UnknownTargets"] = by_environment
    if optional("gies"):
        methods["gies"] = by_gies
    return methods


def by_penalty(search, penalty, parts, regimes, names):
    return by_score(search(), parts, regimes, names, penalty).graph_


def known(options):
    methods = {k: v for k, v in known_methods().items() if k not in options.without}
    warm = known_design(5, 50, "hard", 0)
    for search in methods.values():
        search(warm[1], warm[2], warm[0].nodes)
    rows = []
    for p in options.sizes:
        for n in options.rows:
            for kind in ("hard", "soft"):
                for name, search in methods.items():
                    errors, seconds = [], []
                    for seed in range(options.seeds):
                        dag, parts, regimes = known_design(p, n, kind, seed)
                        truth = interventional_class(
                            dag, [[dag.nodes[v] for v in touched] for touched in regimes]
                        )
                        start = process_time()
                        found = search(parts, regimes, dag.nodes)
                        seconds.append(process_time() - start)
                        errors.append(shd(truth, found))
                    rows.append((p, n, kind, name, mean(errors), median(seconds)))
    table(
        "Known targets: SHD to the true I-essential graph (mean), seconds (median)",
        ("p", "rows a regime", "kind", "method", "SHD", "s"),
        rows,
    )


def scores(options):
    gies = optional("gies")
    if not gies:
        print("\nscores: needs the package gies")
        return
    searches = {
        "GIES": GES(),
        "GIES as published": GES(**PUBLISHED_GIES),
        "BOSS": BOSS(),
        "FLOP": FLOP(),
    }
    rows = []
    for p in options.sizes:
        for n in options.rows:
            gains = {name: [] for name in searches}
            for seed in range(options.seeds):
                dag, parts, regimes = known_design(p, n, "hard", seed)
                parts = [part - part.mean(axis=0) for part in parts]
                upon = [list(touched) for touched in regimes]
                judge = import_module("gies.scores").GaussIntL0Pen(parts, upon)
                theirs = gies.fit_bic(parts, upon)[1]
                for name, search in searches.items():
                    found = by_score(search, parts, regimes, dag.nodes, 1.0).dag_
                    gains[name].append(judge.full_score(found.directed.astype(int)) - theirs)
            for name, held in gains.items():
                gain = np.array(held)
                higher, lower = int((gain > 1e-3).sum()), int((gain < -1e-3).sum())
                rows.append((p, n, name, higher, len(gain) - higher - lower, lower, gain.mean()))
    table(
        "Scores of ours against those of gies on the same tables (BIC)",
        ("p", "rows a regime", "ours", "higher", "same", "lower", "mean gain"),
        rows,
    )


# --- Sachs ----------------------------------------------------------------------------------------


def sachs(options):
    if not SACHS.is_dir():
        print("\nsachs: needs the reference data beside the project, which are not there")
        return
    import pandas as pd

    frame = pd.read_csv(SACHS / "sachs_9conditions.csv.gz")
    edges = json.loads((SACHS / "sachs_consensus.json").read_text())["edges_17_bnlearn_repository"]
    truth = {tuple(edge) for edge in edges}
    names = tuple(frame.columns.drop("condition"))
    labels = sorted(frame["condition"].unique())
    regimes = [REAGENTS.get(label[0]) for label in labels]
    regimes = [() if name is None else (names.index(name),) for name in regimes]
    rows = []
    for scale in ("raw", "log"):
        values = frame[list(names)] if scale == "raw" else np.log(frame[list(names)])
        parts = [values[frame["condition"] == label].to_numpy() for label in labels]
        found = []
        for method, search in known_methods().items():
            if "penalty" not in method or method in options.without:
                continue
            start = process_time()
            graph = search(parts, regimes, names)
            found.append((method, graph, process_time() - start))
        start = process_time()
        unknown = UnknownTargets("condition", observational=labels[0]).fit(
            values.assign(condition=frame["condition"])
        )
        found.append(("UnknownTargets", unknown.graph_, process_time() - start))
        if optional("gies") and "gies" not in options.without:
            start = process_time()
            found.append(("gies", by_gies(parts, regimes, names), process_time() - start))
        for method, graph, seconds in found:
            rows.append((scale, method, *agreement(graph, truth), seconds))
        head("condition", "target of the reagent", "learnt", title=f"UnknownTargets, {scale} data")
        for label, touched in unknown.targets_.items():
            row(label, REAGENTS.get(label[0]), ", ".join(touched))
    table(
        "Sachs, nine conditions, against the consensus of 17 edges",
        ("data", "method", "edges", "right", "reversed", "undirected", "either way", "s"),
        rows,
    )


def agreement(graph, truth):
    counts = {"right": 0, "reversed": 0, "undirected": 0}
    for edge in graph.edges():
        pair = (edge.left, edge.right)
        if pair not in truth and pair[::-1] not in truth:
            continue
        if edge.symbol == "--":
            counts["undirected"] += 1
        else:
            counts["right" if pair in truth else "reversed"] += 1
    return len(graph.edges()), *counts.values(), sum(counts.values())


# --- unknown targets ------------------------------------------------------------------------------


PUBLISHED = (
    ("BaCaDI (published)", 22.0, 18.0, 0.80, 0.88),
    ("UT-IGSP (published)", 34.4, 259.0, 0.76, 0.92),
    ("JCI-PC (published, two settings)", "37-38", "222-360", 0.55, 0.57),
    ("DCDI-G (published)", 49.5, 228.0, 0.47, 0.08),
)


def unknown_design(model, kind, seed, p=20, n_environments=10, n_here=10):
    rng = np.random.default_rng(seed)
    dag = random_dag(p, expected_degree=4.0, model=model, rng=rng)
    weights = dag.directed * rng.uniform(0.5, 2.0, (p, p)) * rng.choice([-1, 1], (p, p))
    sd = np.sqrt(rng.uniform(0.05, 0.15, p))
    order = sorted(range(p), key=lambda v: len(dag.ancestors(dag.nodes[v])))
    touched = np.zeros((n_environments + 1, p), dtype=bool)
    parts = []
    for e in range(n_environments + 1):
        X = np.zeros((100 if e == 0 else n_here, p))
        if e:
            touched[e, rng.choice(p, 2, replace=False)] = True
        middle = 2 * rng.normal()
        middle += 5 * np.sign(middle)
        for v in order:
            X[:, v] = X @ weights[:, v] + sd[v] * rng.normal(size=len(X))
            if touched[e, v]:
                fresh = middle + np.sqrt(0.5) * rng.normal(size=len(X))
                X[:, v] = fresh if kind == "hard" else fresh + X[:, v]
        parts.append(X)
    data = dict(zip(dag.nodes, np.vstack(parts).T, strict=True))
    data["environment"] = np.repeat(np.arange(n_environments + 1), [len(X) for X in parts])
    return dag, data, touched


def f1(truth, found):
    return float(2 * (truth & found).sum() / max(1, truth.sum() + found.sum()))


def unknown(options):
    warm = unknown_design("erdos-renyi", "hard", 99, p=6)[1]
    UnknownTargets(observational=0, n_starts=1, n_restarts=1).fit(warm)
    rows = []
    for model in ("erdos-renyi", "scale-free"):
        for kind in ("hard", "soft"):
            for label, told in (("told", 0), ("not told", None)):
                held = []
                for seed in range(2 * options.seeds):
                    dag, data, touched = unknown_design(model, kind, seed)
                    start = process_time()
                    found = UnknownTargets(observational=told).fit(data)
                    seconds = process_time() - start
                    edges = np.asarray(dag.directed), np.asarray(found.dag_.directed)
                    held.append(
                        (shd(dag, found.dag_), sid(dag, found.dag_), f1(*edges),
                         f1(touched, found.targets_.touched), seconds)
                    )  # fmt: skip
                figures = [float(median(column)) for column in zip(*held, strict=True)]
                rows.append((model, kind, label, *figures))
    table(
        "Unknown targets, BaCaDI's linear protocol: medians",
        ("graphs", "kind", "observational", "SHD", "SID", "edge F1", "target F1", "s"),
        rows,
    )
    table(
        "Published for erdos-renyi, hard, told: medians of expectations",
        ("method", "eSHD", "eSID", "edge AUPRC", "target AUPRC"),
        PUBLISHED,
    )


# --- invariant prediction -------------------------------------------------------------------------


def invariant_design(n, n_environments, seed, *, curved=False):
    rng = np.random.default_rng(seed)
    e = np.repeat(np.arange(n_environments), n)
    shift, scale = (
        rng.normal(size=(4, n_environments)) * 2,
        rng.uniform(0.5, 3, (4, n_environments)),
    )
    noise = rng.normal(size=(5, len(e)))
    weights = rng.uniform(0.5, 1.5, 2) * rng.choice([-1, 1], 2)
    a = shift[0, e] + scale[0, e] * noise[0]
    b = 0.7 * a + shift[1, e] + scale[1, e] * noise[1]
    bent = (np.tanh(a), np.abs(b)) if curved else (a, b)
    y = weights[0] * bent[0] + weights[1] * bent[1] + noise[2]
    c = y + shift[2, e] + scale[2, e] * noise[3]
    d = y - a + shift[3, e] + scale[3, e] * noise[4]
    return {"a": a, "b": b, "c": c, "d": d, "y": y, "environment": e}, weights


def invariant(options):
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer

    curves = make_pipeline(SplineTransformer(8, extrapolation="linear"), RidgeCV())
    forest = RandomForestRegressor(n_estimators=30, min_samples_leaf=5)
    designs = [
        ("linear", None, False, 100, 2, 40),
        ("linear", None, False, 300, 3, 40),
        ("linear of curves", None, True, 300, 3, 20),
        ("splines", curves, True, 300, 3, 10),
        ("forest", forest, True, 300, 3, 1),
    ]
    rows = []
    for name, regressor, curved, n, n_environments, times in designs:
        n_runs, wrong, both, held, asked, seconds = times * options.seeds, 0, 0, 0, 0, []
        for seed in range(n_runs):
            data, weights = invariant_design(n, n_environments, seed, curved=curved)
            start = process_time()
            found = InvariantPrediction("y", regressor=regressor).fit(data)
            seconds.append(process_time() - start)
            wrong += bool(set(found.parents_) - {"a", "b"})
            both += set(found.parents_) == {"a", "b"}
            for v, weight in zip("ab", weights, strict=True):
                if not curved and v in found.intervals_:
                    asked += 1
                    held += found.intervals_[v][0] <= weight <= found.intervals_[v][1]
        share = 100 * held / asked if asked else float("nan")
        rows.append(
            (name, n, n_environments, n_runs, 100 * wrong / n_runs, 100 * both / n_runs, share,
             median(seconds))
        )  # fmt: skip
    table(
        "Invariant prediction, in per cent of the runs",
        ("regression", "rows each", "environments", "runs", "wrong", "both causes",
         "weights held", "s"),
        rows,
    )  # fmt: skip


SECTIONS = {
    "known": known,
    "scores": scores,
    "sachs": sachs,
    "unknown": unknown,
    "invariant": invariant,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 20, 50])
    parser.add_argument("--rows", nargs="+", type=int, default=[50, 200, 500])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--without", nargs="*", default=[], metavar="METHOD")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.sections:
        SECTIONS[name](options)


if __name__ == "__main__":
    main()
