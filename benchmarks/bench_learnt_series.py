"""Do intervals after discovery in series cover? Graph and effect come from the same steps.

    python -m benchmarks learnt_series
    python benchmarks/bench_learnt_series.py [--cells past step] [--repeats 100] [--jobs -1]

Five linear Gaussian series A, B, C, X, Y with a memory, links to two steps back. `past`: C[t-1]
drives X[t], and C[t-2] drives Y[t] with the weight `w`, so that C confounds X[t-1] and Y[t], and a
test overlooks a weak link. `step`: A, B and C drive X, and C and X drive Y, all within the step;
C -> X has the weight `w`, and near .25 two of its paths cancel for a test that is asked about C and
X given Y. The effect of X is 0.3 in both. Of each data set:

- *true graph*: identification in the true graph;
- *PCMCI+*: one graph, its answer (or the hull of its answers), graph as given;
- *over graphs*: `learnt_effect`, over all graphs that the data leave possible.

Coverage of 95 % intervals with its Monte Carlo error, and median length; OLS with HAC errors.
"""

from __future__ import annotations

import argparse
import os
import sys

if "numpy" not in sys.modules:  # or it is too late
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")

import warnings
from time import perf_counter

import numpy as np
from joblib import Parallel, delayed

from benchmarks.learnt_intervals import show_intervals
from benchmarks.tables import head
from causalkit.discovery import PCMCIPlus
from causalkit.errors import CausalkitWarning
from causalkit.graph import LaggedGraph
from causalkit.identification import identify
from causalkit.workflow import learnt_effect

STEPS = (200, 500)
WEIGHTS = {"past": (0.1, 0.2), "step": (0.25,)}
EFFECT = 0.3
NAMES = "ABCXY"
MEMORY = {"past": (0.5, 0.5, 0.5, 0.4, 0.3), "step": (0.3, 0.3, 0.3, 0.3, 0.3)}
LINKS = {
    "past": "A[t-1] -> X 0.5; B[t-1] -> X 0.5; C[t-1] -> X 0.8; X[t-1] -> Y 0.3; C[t-2] -> Y w",
    "step": "A -> X 0.8; B -> X 0.8; C -> X w; X -> Y 0.3; C -> Y 0.6",
}
TREATMENT = {"past": "X[t-1]", "step": "X"}


def draw(kind, w, n_steps, rng, burn_in=100):
    """Data of linear Gaussian series, and their graph."""
    links = [link.split() for link in LINKS[kind].split(";")]
    text = "; ".join(f"{cause} -> {effect}" for cause, _, effect, _ in links)
    graph = LaggedGraph.parse(f"{text}; " + "; ".join(f"{k}[t-1] -> {k}" for k in NAMES), max_lag=2)
    memory = np.diag(MEMORY[kind])
    weights = np.zeros((3, 5, 5))  # [lag, effect, cause]
    for cause, _, effect, size in links:
        node = graph.node(cause)
        place = node.lag, NAMES.index(effect), NAMES.index(node.name)
        weights[place] = w if size == "w" else float(size)
    values = rng.normal(size=(n_steps + burn_in, 5))
    now = np.linalg.inv(np.eye(5) - weights[0])
    for t in range(2, len(values)):
        past = (weights[1] + memory) @ values[t - 1] + weights[2] @ values[t - 2]
        values[t] = now @ (values[t] + past)
    return dict(zip(NAMES, values[burn_in:].T, strict=True)), graph


def one(kind, n_steps, w, seed, **settings):
    """Whether each interval covers, and its length."""
    rng = np.random.default_rng([seed, n_steps, round(100 * w), kind == "step"])
    data, graph = draw(kind, w, n_steps, rng)
    x, search = TREATMENT[kind], PCMCIPlus(max_lag=2)
    intervals = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        intervals["true graph"] = identify(graph, x, "Y").estimate(data).interval()
        given = learnt_effect(data, x, "Y", graphs=[search.fit(data).graph_])
        intervals["PCMCI+"] = given.interval()
        start = perf_counter()
        answer = learnt_effect(data, x, "Y", graphs=search, random_state=seed, **settings)
        seconds = perf_counter() - start
    intervals["over graphs"] = answer.interval()
    row = {name: (EFFECT in interval, interval.width) for name, interval in intervals.items()}
    return row, seconds, len(answer.graphs)


def cell(kind, n_steps, w, args):
    """One line of the table."""
    settings = {"n_resamples": args.resamples}
    if args.window is not None:
        settings["window"] = args.window
    done = Parallel(n_jobs=args.jobs)(
        delayed(one)(kind, n_steps, w, seed, **settings) for seed in range(args.repeats)
    )
    show_intervals(f"{kind} {w:g}", n_steps, done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", nargs="+", choices=list(WEIGHTS), default=list(WEIGHTS))
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=50)
    parser.add_argument("--window", type=float, default=None)
    parser.add_argument("--jobs", type=int, default=None)
    args = parser.parse_args()
    head("design", "steps", "true graph", "PCMCI+", "over graphs", "graphs", "seconds")
    for kind in args.cells:
        for n_steps in STEPS:
            for w in WEIGHTS[kind]:
                cell(kind, n_steps, w, args)


if __name__ == "__main__":
    main()
