"""LPCMCI and TS-ICD beside the LPCMCI of andrey and of tigramite, on series with hidden causes.

    python benchmarks/bench_latent_series.py [--repeats 5] [--graphs 20] [--no-speed]

Random structural VARs (`causalkit.models.random_svar`) of which a fifth of the series are hidden,
those with the most children first, and remember nothing (a hidden memory joins all that it drives,
at all lags); partial correlation, alpha = 0.01, one process, one thread if OMP_NUM_THREADS=1.
Imports and compilation are outside the clock. "TSICD, again" has `n_preliminary=1`.

The first table has the best time of the repeats. The second has means over the graphs, against the
PAG of the true graph over the series that are seen: F1 of the links from the past between series
("lagged") and within the step ("step"); of all ends of edges that are either true or found, the
share with the true mark ("marks"); and the number of tests. Beside each stands how far it lies from
tigramite's on the same graphs, with the standard error of that difference. andrey keeps one end a
pair and lag, which cannot be read back without loss, so it is timed only. A peer that is not
installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from dataclasses import replace
from functools import partial
from time import process_time

import numpy as np

from benchmarks.tables import beside, head, row
from causalkit.discovery import LPCMCI, TSICD
from causalkit.graph import ARROW, CIRCLE, TAIL, lagged_pag
from causalkit.models import bent, random_svar

SIZES = ((5, 500, 2), (10, 500, 3), (10, 500, 5), (20, 500, 3))
CASES = ((5, 500, 3, None), (10, 500, 3, None), (8, 1000, 2, bent))
ALPHA = 0.01


def case(n_seen, n_steps, max_lag, seed, function=None):
    """Series that are seen, and the PAG over them."""
    n_hidden = max(1, n_seen // 4)
    model = random_svar(n_seen + n_hidden, max_lag=min(max_lag, 3), function=function, rng=seed)
    children = model.graph.directed.any(axis=0).sum(axis=1)
    order = np.argsort(-children, kind="stable")
    hidden, seen = order[:n_hidden], np.sort(order[n_hidden:])
    weights = model.weights.copy()
    weights[:, hidden, hidden] = 0.0
    model = replace(model, weights=weights)
    names = [model.graph.variables[k] for k in seen]
    series = model.sample(n_steps, rng=seed)
    values = np.column_stack([series[name] for name in names])
    return values, partial(lagged_pag, model.graph, names, max_lag)


def ours(values, max_lag):
    found = LPCMCI(max_lag=max_lag, alpha=ALPHA).fit(values)
    return found.graph_, found.n_tests_


def icd(values, max_lag):
    found = TSICD(max_lag=max_lag, alpha=ALPHA).fit(values)
    return found.graph_, found.n_tests_


def icd_again(values, max_lag):
    found = TSICD(max_lag=max_lag, alpha=ALPHA, n_preliminary=1).fit(values)
    return found.graph_, found.n_tests_


def andrey(values, max_lag):
    import andrey as peer

    return peer.lpcmci(values, tau_max=max_lag, pc_alpha=ALPHA), np.nan


def tigramite(values, max_lag):
    from tigramite import data_processing, lpcmci
    from tigramite.independence_tests.parcorr import ParCorr

    peer = lpcmci.LPCMCI(data_processing.DataFrame(values), ParCorr(), verbosity=0)
    found = peer.run_lpcmci(tau_max=max_lag, pc_alpha=ALPHA)["graph"]
    # Not as a graph: some that it learns have circles.
    shape = (max_lag + 1, *found.shape[:2], 2)
    pairs = [
        [MARKS[str(edge)[:1]], MARKS[str(edge)[-1:]]] for edge in found.transpose(2, 0, 1).flat
    ]
    return np.array(pairs, dtype=np.uint8).reshape(shape), np.nan


MARKS = {"": 0, "-": TAIL, "<": ARROW, ">": ARROW, "o": CIRCLE, "x": CIRCLE}
PEERS = {
    "LPCMCI": ours,
    "TSICD": icd,
    "TSICD, again": icd_again,
    "andrey": andrey,
    "tigramite": tigramite,
}
OURS = ("LPCMCI", "TSICD", "TSICD, again")


def installed(name):
    return name in OURS or importlib.util.find_spec(name) is not None


def speed(repeats):
    head("series", "steps", "lags", *(f"{name}, ms" for name in PEERS))
    for p, n, lags in SIZES:
        values, _ = case(p, n, lags, seed=1)
        cells = []
        for name, run in PEERS.items():
            if not installed(name) or (name == "tigramite" and p > 10):
                cells.append("–")
                continue
            if name != "tigramite":
                run(values, lags)
            times = []
            for _ in range(1 if name == "tigramite" else repeats):
                begun = process_time()
                run(values, lags)
                times.append(process_time() - begun)
            cells.append(f"{1000 * min(times):.1f}")
        row(p, n, lags, *cells)


def marks(graph, max_lag):
    """Marks at both ends by [lag, earlier, later, end]; within a step each pair once."""
    if isinstance(graph, np.ndarray):
        graph[0][np.tril_indices(graph.shape[1])] = 0
        return graph
    p, ends = len(graph.variables), graph.template.ends
    found = np.zeros((max_lag + 1, p, p, 2), dtype=np.uint8)
    for lag in range(min(max_lag, graph.max_lag) + 1):
        past = slice(lag * p, (lag + 1) * p)
        found[lag, ..., 0], found[lag, ..., 1] = ends[:p, past].T, ends[past, :p]
    found[0][np.tril_indices(p)] = 0
    return found


def f1(truth, learnt):
    return 2 * (truth & learnt).sum() / max(1, truth.sum() + learnt.sum())


def measures(truth, learnt, max_lag):
    a, b = marks(truth, max_lag), marks(learnt, max_lag)
    one, two = a[..., 0] > 0, b[..., 0] > 0
    between = ~np.eye(len(truth.variables), dtype=bool)
    either = one | two
    right = (a == b)[either].mean() if either.any() else 1.0
    return f1(one[1:] & between, two[1:] & between), f1(one[0], two[0]), right


def accuracy(n_graphs):
    there = [name for name in PEERS if installed(name) and name != "andrey"]
    for p, n, lags, function in CASES:
        rows = {name: [] for name in there}
        tests = {name: [] for name in there}
        for seed in range(n_graphs):
            values, truth = case(p, n, lags, seed, function)
            for name in there:
                learnt, n_tests = PEERS[name](values, lags)
                rows[name].append(measures(truth(), learnt, lags))
                tests[name].append(n_tests)
        what = "linear" if function is None else "bent"
        title = f"{p} series seen, {n} steps, lags to {lags}, {what}, {n_graphs} graphs"
        head("method", "lagged", "step", "marks", "tests", title=title)
        reference = np.array(rows.get("tigramite", rows["LPCMCI"]))
        for name in there:
            counted = None if name == "tigramite" else f"{np.mean(tests[name]):.0f}"
            row(name, *beside(np.array(rows[name]), reference), counted)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--graphs", type=int, default=20)
    parser.add_argument("--no-speed", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if not asked.no_speed:
        speed(asked.repeats)
    if asked.graphs:
        accuracy(asked.graphs)


if __name__ == "__main__":
    main()
