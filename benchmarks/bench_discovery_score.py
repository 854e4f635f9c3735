"""Score-based searches beside every installed peer, on the same tables, in one process.

    python -m benchmarks discovery_score
    python benchmarks/bench_discovery_score.py [--sizes 20 50 100] [--degrees 4 8] [--seeds 3]
                                               [--penalty 2] [--limit 60] [--curve]

Random linear Gaussian DAGs (weights 0.5 to 1 in size, columns standardised), n = 1000 rows, one
thread, the whole call from array to graph. Imports and compilation are outside the clock: each
library first runs on a small table. The score of every graph is computed anew, by ours, with the
penalty asked for (in units of log(n) / 2 a parent), so that all are judged by what all were told to
maximise: `below` is how far the score is below the best that anybody found on the same table, and
`best` on how many tables it is that best. SHD is against the true CPDAG (an edge that is missing,
spare or differently directed counts one). `lead` is SHD less that of the first row, with the
standard error of the paired difference. A library that took longer than `--limit` seconds on a
smaller table is not asked again.

`--curve` asks FLOP for more and more restarts instead, ours beside flopsearch: accuracy by time.
"""

from __future__ import annotations

import argparse
import os

os.environ.update(
    {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "RAYON")}
)

import warnings
from importlib.util import find_spec
from time import process_time

import numpy as np
import pandas as pd

from benchmarks.bench_discovery_constraint import kinds_of, linear_data
from benchmarks.tables import head, row
from causalkit._core.table import as_table
from causalkit.discovery import BOSS, FLOP, GES, GRaSP, HillClimb
from causalkit.graph import ARROW, TAIL, CausalGraph, Kind, dag_to_cpdag
from causalkit.graph.meek import extend
from causalkit.scores import GaussianBIC

# --- the libraries: a penalty in, a function from array to (directed, undirected) out ------------


def own(make):
    def prepare(penalty):
        def call(values):
            graph = make(GaussianBIC(penalty)).fit(values).graph_
            return graph.directed, graph.undirected

        return call

    return prepare


def flopsearch(n_restarts):
    def prepare(penalty):
        import flopsearch

        def call(values):
            joined = np.asarray(flopsearch.flop(values, penalty, restarts=n_restarts)) > 0
            return joined & ~joined.T, joined & joined.T

        return call

    return prepare


def tetrad(method):
    def prepare(penalty):
        from tetrad_port import TetradPort

        search = getattr(TetradPort(), f"run_{method}")

        def call(values):
            frame = pd.DataFrame(values, columns=[f"x{k}" for k in range(values.shape[1])])
            found = search(frame, penalty_discount=penalty)[1]
            into = np.zeros((values.shape[1],) * 2, dtype=bool)
            loose = into.copy()
            for kept, matrix in (("directed_edges", into), ("undirected_edges", loose)):
                for a, b in found[kept]:
                    matrix[int(a[1:]), int(b[1:])] = True
            return into, loose | loose.T

        return call

    return prepare


def andrey(method):
    def prepare(penalty):
        import andrey

        def call(values):
            marks = np.asarray(
                getattr(andrey, method)(
                    values,
                    score_func="local_score_BIC" if method == "xges" else None,
                    lambda_value=penalty,
                ).structure.to_numpy()
            )
            return (marks == 1) & (marks.T == 2), (marks == 1) & (marks.T == 1)

        return call

    return prepare


def causal_learn(method):
    def prepare(penalty):
        from causallearn.score.LocalScoreFunction import local_score_BIC_from_cov
        from causallearn.search.PermutationBased.BOSS import boss
        from causallearn.search.PermutationBased.GRaSP import grasp
        from causallearn.search.ScoreBased.GES import ges

        # What it calls lambda has meant the BIC at 1 and at 1/2, by its version.
        def price(weight):
            data = np.eye(2), 100
            free, one = (
                float(np.squeeze(local_score_BIC_from_cov(data, 0, k, {"lambda_value": weight})))
                for k in ([], [1])
            )
            return abs(one - free)

        def fit():
            data = np.diag([np.e, 1.0]), 100
            empty = [
                float(np.squeeze(local_score_BIC_from_cov((m, 100), 0, [], {"lambda_value": 1.0})))
                for m in (data[0], np.eye(2))
            ]
            return abs(empty[0] - empty[1]) / 100

        weight = penalty * fit() * np.log(100) / price(1.0)
        search = {"boss": boss, "grasp": grasp, "ges": ges}[method]
        settings = {"score_func": "local_score_BIC_from_cov"}
        settings["parameters"] = {"lambda_value": weight}
        if method != "ges":
            settings["verbose"] = False

        def call(values):
            found = search(values, **settings)
            marks = (found["G"] if method == "ges" else found).graph
            return (marks == -1) & (marks.T == 1), (marks == -1) & (marks.T == -1)

        return call

    return prepare


def pybnesian(_):
    import pybnesian

    def call(values):
        names = [f"x{k}" for k in range(values.shape[1])]
        frame = pd.DataFrame(values, columns=names)
        start = pybnesian.GaussianNetwork(names)
        found = pybnesian.GreedyHillClimbing().estimate(
            pybnesian.ArcOperatorSet(), pybnesian.BIC(frame), start
        )
        into = np.zeros((len(names),) * 2, dtype=bool)
        for a, b in found.arcs():
            into[int(a[1:]), int(b[1:])] = True
        return into, np.zeros_like(into)

    return call


LIBRARIES = {
    "FLOP": (None, own(lambda score: FLOP(score))),
    "FLOP, 20 restarts": (None, own(lambda score: FLOP(score, n_restarts=20))),
    "BOSS": (None, own(lambda score: BOSS(score))),
    "BOSS, 1 start": (None, own(lambda score: BOSS(score, n_starts=1))),
    "GRaSP": (None, own(lambda score: GRaSP(score))),
    "GRaSP, 1 start": (None, own(lambda score: GRaSP(score, n_starts=1))),
    "GES": (None, own(lambda score: GES(score))),
    "HillClimb": (None, own(lambda score: HillClimb(score))),
    "flopsearch, 0 restarts": ("flopsearch", flopsearch(0)),
    "flopsearch, 20 restarts": ("flopsearch", flopsearch(20)),
    "tetrad-port BOSS": ("tetrad_port", tetrad("boss")),
    "tetrad-port GRaSP": ("tetrad_port", tetrad("grasp")),
    "tetrad-port FGES": ("tetrad_port", tetrad("fges")),
    "andrey BOSS": ("andrey", andrey("boss")),
    "andrey XGES": ("andrey", andrey("xges")),
    "andrey GES": ("andrey", andrey("ges")),
    "causal-learn BOSS": ("causallearn", causal_learn("boss")),
    "causal-learn GRaSP": ("causallearn", causal_learn("grasp")),
    "causal-learn GES": ("causallearn", causal_learn("ges")),
    "pybnesian hill climb, BIC": ("pybnesian", pybnesian),
}


def score_of(local, directed, undirected):
    """Score of a member of the class; NaN if there is none."""
    dag = extend(directed, undirected) if undirected.any() else directed
    if dag is None:
        return np.nan
    return sum(local(v, np.flatnonzero(dag[:, v]).tolist()) for v in range(len(dag)))


def class_kinds(directed, undirected):
    """Kinds of the edges of the class of what was found, of a DAG or of a class."""
    dag = extend(directed, undirected) if undirected.any() else directed
    names = tuple(range(len(directed)))
    if dag is None:  # it has no member, so it is judged as it is
        ends = np.where(directed, ARROW, 0) + np.where(undirected | directed.T, TAIL, 0)
        return kinds_of(CausalGraph._of(names, ends.astype(np.uint8), Kind.CPDAG))
    ends = np.where(dag, ARROW, 0) + np.where(dag.T, TAIL, 0)
    return kinds_of(dag_to_cpdag(CausalGraph._of(names, ends.astype(np.uint8), Kind.DAG)))


def shd(kinds, truth):
    return int(np.triu(kinds != truth, 1).sum())


def measure(libraries, size, degree, seeds, penalty, limit, slow):
    """Rows of time, score and SHD by library, one column a seed; NaN where it was not run."""
    found = {name: np.full((3, seeds), np.nan) for name in libraries}
    for seed in range(seeds):
        values, truth = linear_data(size, degree, 100 + seed)
        local = GaussianBIC(penalty).bind(as_table(values))
        for name, call in libraries.items():
            if name in slow:
                continue
            start = process_time()
            directed, undirected = call(values)
            seconds = process_time() - start
            kinds = class_kinds(directed, undirected)
            found[name][:, seed] = seconds, score_of(local, directed, undirected), shd(kinds, truth)
            if seconds > limit:
                slow.add(name)
    return found


def report(found, size, degree):
    best = np.nanmax([rows[1] for rows in found.values()], axis=0)
    first = next(iter(found.values()))
    names = "search", "seconds", "ratio", "below", "best", "SHD", "lead"
    head(*names, title=f"{size} nodes, degree {degree}")
    for name, rows in found.items():
        ran = ~np.isnan(rows[0])
        if not ran.any():
            continue
        seconds, below = np.median(rows[0, ran]), np.nanmean((best - rows[1])[ran])
        lead = (rows[2] - first[2])[ran]
        error = lead.std(ddof=1) / np.sqrt(len(lead)) if len(lead) > 1 else np.nan
        hits = int(((best - rows[1])[ran] < 1e-6 * np.abs(best[ran])).sum())
        ratio = np.median(rows[0, ran] / first[0, ran])
        row(
            name,
            f"{seconds:.4f}",
            f"{ratio:.2f}",
            f"{below:.2f}",
            f"{hits}/{ran.sum()}",
            f"{rows[2, ran].mean():.2f}",
            f"{lead.mean():+.2f} ± {error:.2f}",
        )


def prepared(penalty, wanted=None):
    ready = {}
    small, _ = linear_data(6, 2, 0)
    for name, (module, prepare) in LIBRARIES.items():
        if (module is None or find_spec(module)) and (wanted is None or name in wanted):
            ready[name] = prepare(penalty)
            ready[name](small)
    return ready


def curve(size, degree, seeds, penalty):
    """Accuracy by time of FLOP with more and more restarts, ours and flopsearch's."""
    makers = {
        f"FLOP, {n} restarts": own(lambda score, n=n: FLOP(score, n_restarts=n))
        for n in (0, 5, 20, 100, 400)
    }
    if find_spec("flopsearch"):
        makers |= {f"flopsearch, {n} restarts": flopsearch(n) for n in (0, 5, 20)}
    small, _ = linear_data(6, 2, 0)
    ready = {name: prepare(penalty) for name, prepare in makers.items()}
    for call in ready.values():
        call(small)
    report(measure(ready, size, degree, seeds, penalty, np.inf, set()), size, degree)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 50, 100])
    parser.add_argument("--degrees", type=int, nargs="+", default=[4])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--penalty", type=float, default=2.0)
    parser.add_argument("--limit", type=float, default=20.0)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--curve", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    ready = {} if options.curve else prepared(options.penalty, options.only)
    for degree in options.degrees:
        slow: set[str] = set()
        for size in options.sizes:
            if options.curve:
                curve(size, degree, options.seeds, options.penalty)
            else:
                what = size, degree, options.seeds, options.penalty, options.limit, slow
                report(measure(ready, *what), size, degree)


if __name__ == "__main__":
    main()
