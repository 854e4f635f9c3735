"""The fidelity report: its null on real data, what it tells, and twins of real series under it.

    python -m benchmarks fidelity
    python benchmarks/bench_fidelity.py [--parts null known power twins ablation] [--deals 12]
                                        [--seeds 8] [--budget fast] [--sets bike-usage netsim5]

`null`: real data against real data, per set: blocks dealt into four hands, mean over `--deals`
deals of the AUC of each classifier; .50 is right. Over all deals it is .50 exactly; series that are
short beside their memory (outdoor, ETTh1) need some forty to come near. `known`: linear structural
VARs (8 series, lags to 2, some links within the step), 2,000 steps, against a fresh draw of the
same model, and against the model fitted by least squares on its own graph with its residuals drawn
again; mean AUC of the best classifier over `--seeds` models with its Monte Carlo error, and the
highest. `power`: one such model against a draw with one thing changed. `twins`: a `Twin` that
discovers its graph, fitted to each set and run freely as long, told by the best of all classifiers
and by the better of boosting and logistic regression ("two"); beside the mean AUC that was
published for the best generator on sets of that name, which is of another protocol (best of 14
discriminators, other splits), and the one for the same file. `ablation`: the twin of the air
quality without its edges within the step, with normal noise, and without both.

Real sets are read from ../shared/data beside the project: `fidelity_tcs` and the air quality of
`causaltime` (12 stations, log(1 + x); windows without a missing cell). Where they are not there,
the parts that need them are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from importlib import import_module
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from causalkit.graph import ARROW, TAIL, Kind, LaggedGraph
from causalkit.models import StructuralVAR, random_svar
from causalkit.models.fidelity import assess_fidelity

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TCS, AQI = DATA / "fidelity_tcs", DATA / "causaltime" / "aqi_input_unn" / "data.npy"
STATIONS = 12
PUBLISHED = {"AirQualityUCI": "AirQualityUCI", "WTH": "WTH", "outdoor": "outdoor",
             "air_quality_mini": "air_quality_mini", "bike-usage": "bike-usage"}  # fmt: skip


# --- data ----------------------------------------------------------------------------------------


def real_sets(wanted):
    """Frames by name; those that are there and wanted."""
    found = {}
    for path in sorted((TCS / "real").glob("*.csv")):
        header = None if path.stem.startswith("outdoor") else "infer"
        name = path.stem.replace("_boot_0", "").replace("_original", "")
        found[name] = (path.name, pd.read_csv(path, header=header))
    for path in sorted((TCS / "netsim").glob("timeseries*.csv")):
        found[path.stem.replace("timeseries", "netsim")] = (path.name, pd.read_csv(path))
    if AQI.exists():
        values = np.log1p(np.load(AQI)[:, :STATIONS].astype(float))
        found["air quality, 12"] = ("", pd.DataFrame(values))
    frames = {
        name: (file, frame.set_axis([f"v{k}" for k in range(frame.shape[1])], axis=1))
        for name, (file, frame) in found.items()
    }
    return {name: both for name, both in frames.items() if not wanted or name in wanted}


def published(name, file):
    """Mean over files and the value of this file, each of the best generator."""
    key = "fmri" if name.startswith("netsim") else PUBLISHED.get(name)
    path = TCS / "results_vs" / f"{key}_auc.json"
    if key is None or not path.exists():
        return float("nan"), float("nan")
    scores = json.loads(path.read_text())
    whole = [row for row in scores.values() if min(row.values()) > 0]
    best = min(np.mean([row[method] for row in whole]) for method in whole[0])
    return best, min(scores[file].values()) if file in scores else float("nan")


# --- models with a known truth -------------------------------------------------------------------


def model_of(seed):
    return random_svar(8, max_lag=2, rng=seed)


def drawn(model, seed, n=2000):
    return pd.DataFrame(model.sample(n, rng=seed))


def fitted_again(model, data, n, rng):
    """Least squares on the model's own graph; residuals of each equation drawn independently."""
    values = data.to_numpy()
    values = values - values.mean(axis=0)
    lags, p = model.max_lag, values.shape[1]
    weights, residuals = np.zeros_like(model.weights), []
    columns = np.stack([values[lags - k : len(values) - k] for k in range(lags + 1)])
    for j in range(p):
        at = np.argwhere(model.weights[:, :, j] != 0)
        causes = np.stack([columns[lag, :, i] for lag, i in at], axis=1) if len(at) else None
        left = columns[0, :, j]
        if causes is not None:
            slopes = np.linalg.lstsq(causes, left, rcond=None)[0]
            weights[at[:, 0], at[:, 1], j] = slopes
            left = left - causes @ slopes
        residuals.append(left)
    inverse = np.linalg.inv(np.eye(p) - weights[0])
    shock = np.stack([rng.choice(left, n + 300) for left in residuals], axis=1)
    made = np.zeros((n + 300, p))
    for t in range(lags, len(made)):
        past = sum(made[t - lag] @ weights[lag] for lag in range(1, lags + 1))
        made[t] = (past + shock[t]) @ inverse
    return pd.DataFrame(made[300:], columns=data.columns)


# --- parts ---------------------------------------------------------------------------------------


def null(args):
    print("\n| set | rows | series | best | boosting | logistic | squares | quadratic | near |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: | --: |")
    for name, (_, frame) in real_sets(args.sets).items():
        report = assess_fidelity(frame, frame, n_null=args.deals, max_windows=1000)
        aucs = report.two_sample.null_aucs
        row = " | ".join(f"{value:.3f}" for value in aucs.values())
        print(f"| {name} | {len(frame)} | {frame.shape[1]} | {max(aucs.values()):.3f} | {row} |",
              flush=True)  # fmt: skip


def known(args):
    print("\n| against | AUC of the best | error | highest | correlation error | null |")
    print("| --- | --: | --: | --: | --: | --: |")
    for title in ("a fresh draw", "fitted on its own graph"):
        aucs, errors, nulls = [], [], []
        for seed in range(args.seeds):
            model = model_of(seed)
            real = drawn(model, 1000 + seed)
            rng = np.random.default_rng(2000 + seed)
            fresh = title == "a fresh draw"
            other = drawn(model, 2000 + seed) if fresh else fitted_again(model, real, 2000, rng)
            report = assess_fidelity(real, other, random_state=seed)
            aucs.append(report.auc)
            nulls.append(report.null_auc)
            errors.append(report.figures()["correlation_error"])
        error = np.std(aucs, ddof=1) / np.sqrt(len(aucs))
        print(f"| {title} | {np.mean(aucs):.3f} | {error:.3f} | {max(aucs):.3f} | "
              f"{np.mean(errors):.3f} | {np.mean(nulls):.3f} |", flush=True)  # fmt: skip


def power(args):
    model = model_of(args.seeds)
    real = drawn(model, 1)
    now, past = model.weights.copy(), model.weights.copy()
    now[0] = 0
    cross = ~np.eye(8, dtype=bool)
    past[1:, cross] = 0
    changes = {
        "noise sd times 1.1": 1.1 * drawn(model, 2),
        "noise sd times 1.3": 1.3 * drawn(model, 2),
        "Laplace noise": drawn(StructuralVAR(model.variables, model.weights, "laplace"), 2),
        "no links within the step": drawn(StructuralVAR(model.variables, now), 2),
        "no links over lags": drawn(StructuralVAR(model.variables, past), 2),
        "rows in random order": real.sample(frac=1.0, random_state=0).reset_index(drop=True),
    }
    print("\n| changed | boosting | logistic | squares | quadratic | near | MMD p | 95% interval |")
    print("| --- | --: | --: | --: | --: | --: | --: | --- |")
    for title, other in changes.items():
        report = assess_fidelity(real, other, n_null=1)
        row = " | ".join(f"{value:.2f}" for value in report.two_sample.aucs.values())
        low, high = report.two_sample.interval
        print(f"| {title} | {row} | {report.discrepancy.p_value:.3f} | {low:.2f} to {high:.2f} |",
              flush=True)  # fmt: skip


def twins(args):
    Twin = import_module("causalkit.models.twin").Twin
    print("\n| set | best | two | boosting | logistic | squares | quadratic | near | null | "
          "published | same file | correlation | real halves | usefulness | copied | "
          "seconds |")  # fmt: skip
    print("| --- " + "| --: " * 15 + "|")
    for name, (file, frame) in real_sets(args.sets).items():
        start = perf_counter()
        twin = Twin(budget=args.budget, random_state=0).fit(frame)
        report = twin.fidelity(rng=1)
        figures = report.figures()
        aucs = report.two_sample.aucs
        numbers = [report.auc, max(aucs["boosting"], aucs["logistic"]), *aucs.values(),
                   report.null_auc, *published(name, file), figures["correlation_error"],
                   report.real_errors["correlation_error"], figures["usefulness"],
                   figures["identical"]]  # fmt: skip
        row = " | ".join(f"{value:.2f}" for value in numbers)
        print(f"| {name} | {row} | {perf_counter() - start:.0f} |", flush=True)


def ablation(args):
    Twin = import_module("causalkit.models.twin").Twin
    _, frame = real_sets(["air quality, 12"])["air quality, 12"]
    found = Twin(budget=args.budget, random_state=0).fit(frame).graph_
    lagged = np.array(found.directed)
    lagged[0] = False
    marks = (lagged * TAIL).astype(np.uint8), (lagged * ARROW).astype(np.uint8)
    past = {"graph": LaggedGraph.from_marks(found.variables, *marks, Kind.DAG), "lag_zero": "none"}
    changes = {
        "all of it": {"graph": found},
        "normal noise": {"graph": found, "noise": "normal"},
        "no edges within the step": past,
        "neither": {**past, "noise": "normal"},
    }
    print("\n| twin | best | boosting | logistic | squares | quadratic | near | correlation | "
          "over lags | distributions | usefulness |")  # fmt: skip
    print("| --- " + "| --: " * 10 + "|")
    for title, changed in changes.items():
        twin = Twin(budget=args.budget, random_state=0, **changed).fit(frame)
        report = twin.fidelity(rng=1, n_null=0)
        figures = report.figures()
        names = ("correlation_error", "cross_correlation_error", "marginal_distance", "usefulness")
        numbers = [report.auc, *report.two_sample.aucs.values(), *map(figures.get, names)]
        print(f"| {title} | {' | '.join(f'{x:.3f}' for x in numbers)} |", flush=True)


PARTS = {"null": null, "known": known, "power": power, "twins": twins, "ablation": ablation}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--deals", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--budget", default="fast")
    parser.add_argument("--sets", nargs="*", default=[])
    args = parser.parse_args()
    for name in args.parts:
        needed = ["air quality, 12"] if name == "ablation" else args.sets
        if name in ("null", "twins", "ablation") and not real_sets(needed):
            print(f"\n{name}: skipped, no such data in ../shared/data")
            continue
        print(f"\n{name}")
        PARTS[name](args)


if __name__ == "__main__":
    main()
