"""Searches by score on categories beside other libraries: seconds, score reached, errors.

    python -m benchmarks categorical
    python benchmarks/bench_categorical.py [--rows 1000 5000] [--seeds 5] [--limit 120]
                                           [--networks asia alarm] [--bif child.bif insurance.bif]

Tables are drawn from published networks, those with a constant column left out, and every search
maximises BDeu with an equivalent sample size of 1. Andrey and causal-learn add a prior of graphs,
with one parent expected for each variable, which cannot be had without; so what each graph scores
is computed anew, by ours, in both ways. `below` is how far BDeu alone is, on average, below the
best that anybody found on the same table, `with prior` the same of BDeu with that prior, and
`even` on how many tables the first is at least that of our GES. SHD is against the true CPDAG. One
thread, seconds of the processor, the whole call from table to graph; imports and compilation are
outside the clock: each library first runs on a small table. A library that took longer than
`--limit` seconds on a table is not asked again about that network.
"""

from __future__ import annotations

import argparse
import os

os.environ.update({f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")})

import warnings
from importlib.util import find_spec
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd

from benchmarks.tables import head, row
from causalkit.datasets import DiscreteNetwork, available_networks, load_network
from causalkit.discovery import BOSS, FLOP, GES, GRaSP, HillClimb
from causalkit.graph import CausalGraph, dag_to_cpdag
from causalkit.metrics import shd
from causalkit.scores import BDeu

# --- the libraries: a table of categories in, a DAG or CPDAG out ----------------------------------


def own(make):
    return lambda frame: make(BDeu()).fit(frame).graph_


def graph_of(names, directed, undirected):
    arrows = [f"{names[a]} -> {names[b]}" for a, b in directed]
    lines = [f"{names[a]} -- {names[b]}" for a, b in undirected if a < b]
    return CausalGraph.parse("; ".join([*names, *arrows, *lines]))


def pybnesian_climb(patience):
    def search(frame):
        import pybnesian

        found = pybnesian.GreedyHillClimbing().estimate(
            pybnesian.ArcOperatorSet(),
            pybnesian.BDe(frame, iss=1),
            pybnesian.DiscreteBN(list(frame)),
            patience=patience,
        )
        where = {name: k for k, name in enumerate(frame)}
        arrows = [(where[a], where[b]) for a, b in found.arcs()]
        return dag_to_cpdag(graph_of(list(frame), arrows, []))

    return search


def causal_learn(method):
    def search(frame):
        from causallearn.search.PermutationBased.BOSS import boss
        from causallearn.search.PermutationBased.GRaSP import grasp
        from causallearn.search.ScoreBased.GES import ges

        codes = np.column_stack([frame[name].cat.codes for name in frame]).astype(float)
        chosen = {"boss": boss, "grasp": grasp, "ges": ges}[method]
        more = {} if method == "ges" else {"verbose": False}
        found = chosen(codes, score_func="local_score_BDeu", **more)
        ends = (found["G"] if method == "ges" else found).graph
        directed = np.argwhere((ends == -1) & (ends.T == 1))
        return graph_of(list(frame), directed, np.argwhere((ends == -1) & (ends.T == -1)))

    return search


def andreys(method):
    def search(frame):
        import andrey

        codes = np.column_stack([frame[name].cat.codes for name in frame])
        found = getattr(andrey, method)(codes, score_func="local_score_BDeu")
        marks = np.asarray(found.structure.to_numpy())  # 1 is a tail here, 2 an arrowhead
        directed = np.argwhere((marks == 1) & (marks.T == 2))
        return graph_of(list(frame), directed, np.argwhere((marks == 1) & (marks.T == 1)))

    return search


def contestants():
    """Name, library, search."""
    everybody = [
        ("causalkit GES", None, own(GES)),
        ("causalkit FLOP", None, own(FLOP)),
        ("causalkit BOSS", None, own(BOSS)),
        ("causalkit GRaSP", None, own(GRaSP)),
        ("causalkit hill climb", None, own(HillClimb)),
        ("  the same, no tabu list", None, own(lambda score: HillClimb(score, n_tabu=0))),
        ("pybnesian hill climb", "pybnesian", pybnesian_climb(0)),
        ("pybnesian, patience 5", "pybnesian", pybnesian_climb(5)),
        ("andrey GES", "andrey", andreys("ges")),
        ("andrey BOSS", "andrey", andreys("boss")),
        ("andrey GRaSP", "andrey", andreys("grasp")),
        ("causal-learn GES", "causallearn", causal_learn("ges")),
        ("causal-learn BOSS", "causallearn", causal_learn("boss")),
        ("causal-learn GRaSP", "causallearn", causal_learn("grasp")),
    ]
    return [c for c in everybody if c[1] is None or find_spec(c[1])]


# --- measuring ------------------------------------------------------------------------------------


def tables(network, n, seeds):
    for seed in range(seeds):
        frame = network.sample(n, rng=seed).astype("category")
        if (frame.nunique() > 1).all():
            yield frame


def measure(network, n, seeds, limit, slow):
    """Seconds, score and SHD of each search on each table."""
    truth, found = dag_to_cpdag(network.graph), {}
    for frame in tables(network, n, seeds):
        for name, _, search in contestants():
            if name in slow:
                continue
            begin = process_time()
            try:
                graph = search(frame)
            except Exception as error:  # a library that cannot is out, not the benchmark
                print(f"  {name}: {type(error).__name__}: {str(error)[:70]}")
                slow.add(name)
                continue
            seconds = process_time() - begin
            try:
                score = BDeu().total(frame, graph)
            except ValueError:  # some CPDAGs of others have no member
                score = np.nan
            prior = len(graph.edges()) * -np.log(frame.shape[1] - 2)
            found.setdefault(name, []).append((seconds, score, score + prior, shd(graph, truth)))
            if seconds > limit:
                slow.add(name)
    return found


def report(title, found):
    full = len(found["causalkit GES"])
    rows = {name: np.array(some) for name, some in found.items() if len(some) == full}
    best = np.nanmax([some[:, 1:3] for some in rows.values()], axis=0)
    greedy = rows["causalkit GES"][:, :2]
    names = "search", "seconds", "ratio", "below", "with prior", "even", "SHD"
    head(*names, title=f"{title}, {full} tables")
    for name, some in found.items():
        if len(some) < full:
            row(name, f"{some[0][0]:.1f}", "too slow: on the first table only")
            continue
        seconds, score, _, distance = rows[name].T
        below, penalised = np.nanmean(best - rows[name][:, 1:3], axis=0)
        even = int((score >= greedy[:, 1] - 1e-7 * np.abs(greedy[:, 1])).sum())
        row(
            name,
            f"{seconds.mean():.3f}",
            f"{seconds.mean() / greedy[:, 0].mean():.1f}",
            f"{below:.2f}",
            f"{penalised:.2f}",
            f"{even}/{full}",
            f"{distance.mean():.1f}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 5000])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--limit", type=float, default=120.0)
    parser.add_argument("--networks", nargs="*", default=available_networks())
    parser.add_argument("--bif", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    pd.set_option("future.infer_string", False)
    networks = [load_network(name) for name in options.networks]
    networks += [DiscreteNetwork.from_bif(path.read_text(), path.stem) for path in options.bif]
    measure(load_network("asia"), 2000, 1, options.limit, set())
    for network in networks:
        slow: set[str] = set()
        for n in options.rows:
            found = measure(network, n, options.seeds, options.limit, slow)
            if found:
                report(f"{network.name}, n = {n}", found)


if __name__ == "__main__":
    main()
