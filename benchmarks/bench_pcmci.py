"""PCMCI and PCMCI+ beside those of andrey and tigramite, on the same series, alpha and lags.

    python benchmarks/bench_pcmci.py [--repeats 5] [--graphs 20] [--no-speed] [--no-accuracy]

Random structural VARs (`causalkit.models.random_svar`): each series remembers itself, one link from
the past and a third of a link within the step a series, Gaussian noise; "bent" ones send causes
through x (1 + exp(-x²/2)). Partial correlation, alpha = 0.01, past_alpha = 0.2, one process, one
thread if OMP_NUM_THREADS=1. Imports and compilation are outside the clock.

The first table has the best time of the repeats. The second has means over the graphs: F1 of the
links from the past between series ("lagged"), of those within the step ("step"), and of the
directions within the step ("arrows"; open ones count half); beside each stands how far it lies from
tigramite's on the same graphs, with the standard error of that difference, and the share of links
of either that both have. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from functools import partial
from time import process_time

import numpy as np

from benchmarks.tables import beside, head, row
from causalkit.discovery import PCMCI, PCMCIPlus
from causalkit.graph import ARROW, TAIL, Kind, LaggedGraph
from causalkit.models import bent, random_svar

SIZES = ((10, 500, 3), (20, 1000, 5), (50, 1000, 5), (100, 1200, 5))
ALPHA = 0.01


def case(n_series, n_steps, max_lag, seed, function=None):
    """Series as an array, and the graph behind them."""
    model = random_svar(n_series, max_lag=min(max_lag, 3), function=function, rng=seed)
    return np.column_stack(list(model.sample(n_steps, rng=seed).values())), model.graph


def ours(values, max_lag):
    return PCMCI(max_lag=max_lag, alpha=ALPHA, min_lag=1).fit(values).graph_


def ours_plus(values, max_lag):
    return PCMCIPlus(max_lag=max_lag, alpha=ALPHA).fit(values).graph_


def tigramite(values, max_lag, method="run_pcmci"):
    from tigramite import data_processing
    from tigramite import pcmci as peers
    from tigramite.independence_tests.parcorr import ParCorr

    peer = peers.PCMCI(data_processing.DataFrame(values), ParCorr(), verbosity=0)
    how = {"tau_min": 1, "pc_alpha": 0.2, "alpha_level": ALPHA}
    if method == "run_pcmciplus":
        how = {"tau_min": 0, "pc_alpha": ALPHA}
    found = getattr(peer, method)(tau_max=max_lag, **how)["graph"]
    kind = Kind.CPDAG if method == "run_pcmciplus" else None
    return LaggedGraph.from_tigramite(found, kind=kind)


def tigramite_plus(values, max_lag):
    return tigramite(values, max_lag, "run_pcmciplus")


def andrey(values, max_lag, method="pcmci"):
    import andrey as peer

    how = {"alpha_level": ALPHA} if method == "pcmci" else {"pc_alpha": ALPHA}
    found = getattr(peer, method)(values, tau_max=max_lag, **how).structure
    p = values.shape[1]
    starts = np.zeros((max_lag + 1, p, p), dtype=np.uint8)
    ends = np.zeros_like(starts)
    for lag in map(int, found.lags):
        part = found.lag(lag)
        if lag == 0:  # marks[i, j] is the one at i
            marks = np.asarray(part.to_numpy())
            ends[0] = np.select([marks.T == 1, marks.T == 2], [TAIL, ARROW], 0)
            starts[0] = np.select([marks == 1, marks == 2], [TAIL, ARROW], 0)
            continue
        edges = part.oriented_edges() if callable(part.oriented_edges) else part.oriented_edges
        for i, j, *_ in edges:
            starts[lag, int(i), int(j)], ends[lag, int(i), int(j)] = TAIL, ARROW
    return LaggedGraph.from_marks([f"x{k}" for k in range(p)], starts, ends)


def andrey_plus(values, max_lag):
    return andrey(values, max_lag, "pcmciplus")


PAIRS = {
    "PCMCI": {"ours": ours, "andrey": andrey, "tigramite": tigramite},
    "PCMCI+": {"ours": ours_plus, "andrey": andrey_plus, "tigramite": tigramite_plus},
}


def installed(name):
    return name == "ours" or importlib.util.find_spec(name) is not None


def best_time(run, repeats, longest=2.0):
    run()
    times = []
    for _ in range(repeats):
        begun = process_time()
        run()
        times.append(process_time() - begun)
        if times[-1] > longest:
            break
    return min(times)


def speed(repeats):
    head("method", "series", "steps", "lags", "library", "ms", "ratio")
    for method, peers in PAIRS.items():
        for p, n, lags in SIZES:
            values, _ = case(p, n, lags, seed=1)
            seconds = {}
            for name, run in peers.items():
                if installed(name) and not (name == "tigramite" and p > 20):
                    few = 1 if name == "tigramite" else repeats
                    seconds[name] = best_time(partial(run, values, lags), few)
            for name, took in seconds.items():
                ratio = took / seconds["ours"]
                row(method, p, n, lags, name, f"{1000 * took:.1f}", f"{ratio:.1f}")


def f1(truth, learnt):
    both = float((truth & learnt).sum())
    return 2 * both / max(1.0, truth.sum() + learnt.sum())


def measures(truth, learnt):
    """F1 of links from the past, within the step, and of directions within the step."""
    p = len(truth.variables)
    lags = max(truth.max_lag, learnt.max_lag)
    one, two = (np.zeros((lags + 1, p, p), dtype=bool) for _ in range(2))
    one[: truth.max_lag + 1], two[: learnt.max_lag + 1] = truth.adjacency, learnt.adjacency
    between = ~np.eye(p, dtype=bool)
    arrows, found = truth.directed[0], learnt.directed[0]
    loose = learnt.adjacency[0] & ~found & ~found.T
    right = (arrows & found).sum() + 0.5 * (arrows & loose).sum()
    total = arrows.sum() + (found.sum() + np.triu(loose).sum())
    step = f1(np.triu(one[0]), np.triu(two[0]))
    return f1(one[1:] & between, two[1:] & between), step, 2 * right / max(1.0, total), two


def accuracy(n_graphs):
    for method, peers in PAIRS.items():
        there = [name for name in peers if installed(name)]
        for p, n, lags, function in ((5, 500, 3, None), (10, 500, 3, None), (10, 1000, 3, bent)):
            rows = {name: [] for name in there}
            shared = {name: [] for name in there}
            for seed in range(n_graphs):
                values, truth = case(p, n, lags, seed, function)
                links = {}
                for name in there:
                    *scores, links[name] = measures(truth, peers[name](values, lags))
                    rows[name].append(scores)
                for name in there if "tigramite" in there else ():
                    a, b = links[name], links["tigramite"]
                    shared[name].append((a & b).sum() / max(1, (a | b).sum()))
            what = "linear" if function is None else "bent"
            labels = ("lagged",) if method == "PCMCI" else ("lagged", "step", "arrows")
            title = f"{method}, {p} series, {n} steps, {what}, {n_graphs} graphs"
            head("library", *labels, "same links", title=title)
            reference = np.array(rows.get("tigramite", rows["ours"]))
            for name in there:
                cells = beside(np.array(rows[name]), reference)
                common = f"{np.mean(shared[name]):.4f}" if shared[name] else None
                row(name, *cells[: len(labels)], common)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--graphs", type=int, default=20)
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--no-accuracy", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if not asked.no_speed:
        speed(asked.repeats)
    if not asked.no_accuracy:
        accuracy(asked.graphs)


if __name__ == "__main__":
    main()
