"""Do intervals after discovery cover? The graph is learnt from the same rows as the effect.

    python -m benchmarks learnt_effects
    python benchmarks/bench_learnt_effects.py [--cells weak faint dags curved] [--repeats 100]

`weak`: five linear Gaussian variables, A, B, C -> X -> Y and C -> Y, where C -> X has the weight
`w`: near .25 two paths cancel for a test that is asked about C and X given Y. `dags`: random linear
DAGs of ten nodes. `faint`: an effect that is as small as its error, and three columns that do
nothing. `curved`: random DAGs of ten nodes with sines and squares, and straight lines
from the treatment on, so that its effect is one number. Of each data set:

- *oracle*: adjustment for the parents of the treatment in the true graph;
- *naive PC*, *naive FLOP*: one graph, its answer (or the hull of its answers), graph as given;
- *learnt*: `learnt_effect`, over all graphs that the data leave possible.

Coverage of 95 % intervals with its Monte Carlo error, and median length.
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
from causalkit.discovery import FLOP, PC
from causalkit.errors import CausalkitWarning
from causalkit.estimation import OLS, PLR
from causalkit.graph import CausalGraph
from causalkit.identification import identify
from causalkit.workflow import learnt_effect

WEIGHTS = (0.1, 0.15, 0.25, 0.8)
ROWS = (500, 2000)
DEGREES = (2, 3)
SETTINGS = {"weak": WEIGHTS, "faint": (0.05, 0.1), "dags": DEGREES, "curved": DEGREES}
N_NODES = 10


def weak(n, w, rng):
    """Data, graph, treatment, outcome, effect."""
    a, b, c = rng.normal(size=(3, n))
    x = 0.8 * a + 0.8 * b + w * c + rng.normal(size=n)
    y = 0.3 * x + 0.6 * c + rng.normal(size=n)
    graph = CausalGraph.parse("A -> X; B -> X; C -> X; C -> Y; X -> Y")
    return {"A": a, "B": b, "C": c, "X": x, "Y": y}, graph, "X", "Y", 0.3


def faint(n, effect, rng):
    """Data, graph, treatment, outcome, effect: too weak for most searches to see."""
    names = ("X", "Y", "A", "B", "C")
    data = dict(zip(names, rng.normal(size=(5, n)), strict=True))
    data["Y"] = data["Y"] + effect * data["X"]
    return data, CausalGraph.parse("X -> Y; A; B; C"), "X", "Y", effect


def dag(n, degree, rng, curved=False):
    """A random DAG, with an effect that is not zero."""
    while True:
        weights = np.zeros((N_NODES, N_NODES))
        above = np.triu(rng.random((N_NODES, N_NODES)) < degree / (N_NODES - 1), 1)
        sizes = rng.uniform(0.2, 1.0, size=above.sum()) * rng.choice([-1, 1], size=above.sum())
        weights[above] = sizes
        total = np.linalg.inv(np.eye(N_NODES) - weights)
        pairs = np.argwhere(np.triu(np.abs(total) > 0, 1))
        if len(pairs):
            break
    x, y = pairs[rng.integers(len(pairs))]
    straight = total[x] != 0  # the treatment, and what it acts on
    values = np.zeros((n, N_NODES))
    for j in range(N_NODES):
        for i in np.flatnonzero(weights[:, j]):
            cause = values[:, i]
            if curved and not straight[i]:
                cause = np.sin(1.5 * cause) + 0.4 * (cause**2 - 1)
            values[:, j] += weights[i, j] * cause
        values[:, j] += rng.normal(size=n)
        if not straight[j]:
            values[:, j] /= values[:, j].std()
    order = rng.permutation(N_NODES)
    names = np.array([f"v{k}" for k in order])
    edges = [(str(names[i]), str(names[j]), "->") for i, j in np.argwhere(weights)]
    graph = CausalGraph.from_edges(sorted(names.tolist()), edges)
    data = {str(names[j]): values[:, j] for j in np.argsort(names)}
    return data, graph, str(names[x]), str(names[y]), float(total[x, y])


def one(kind, n, setting, seed, n_resamples):
    """Whether each interval covers, and its length."""
    rng = np.random.default_rng([seed, n, int(100 * setting)])
    curved = kind == "curved"
    if kind == "weak":
        data, graph, x, y, effect = weak(n, setting, rng)
    elif kind == "faint":
        data, graph, x, y, effect = faint(n, setting, rng)
    else:
        data, graph, x, y, effect = dag(n, setting, rng, curved)
    estimator = PLR(random_state=0) if curved else OLS()
    intervals = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CausalkitWarning)
        parents = "adjustment"
        intervals["oracle"] = (
            identify(graph, x, y, strategy=parents).estimate(data, estimator).interval()
        )
        for name, search in {"naive PC": PC(alpha=0.05), "naive FLOP": FLOP()}.items():
            learnt = search.fit(data).graph_
            given = learnt_effect(data, x, y, graphs=[learnt], estimator=estimator, random_state=0)
            intervals[name] = given.interval()
        start = perf_counter()
        answer = learnt_effect(
            data, x, y, estimator=estimator, n_resamples=n_resamples, random_state=seed
        )
        seconds = perf_counter() - start
    intervals["learnt"] = answer.interval()
    row = {name: (effect in interval, interval.width) for name, interval in intervals.items()}
    return row, seconds, len(answer.graphs)


def cell(kind, n, setting, args):
    """One line of the table."""
    done = Parallel(n_jobs=args.jobs)(
        delayed(one)(kind, n, setting, seed, args.resamples) for seed in range(args.repeats)
    )
    show_intervals(f"{kind} {setting:g}", n, done)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    kinds = ("weak", "faint", "dags", "curved")
    parser.add_argument("--cells", nargs="+", choices=kinds, default=list(kinds))
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=None)
    args = parser.parse_args()
    methods = "oracle", "naive PC", "naive FLOP", "learnt"
    head("design", "rows", *methods, "graphs", "seconds")
    for kind in args.cells:
        for n in ROWS:
            for setting in SETTINGS[kind]:
                cell(kind, n, setting, args)


if __name__ == "__main__":
    main()
