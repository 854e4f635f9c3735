"""CD-NOD beside other libraries on rows whose mechanisms change: seconds, and what was found.

    python -m benchmarks cdnod
    python benchmarks/bench_cdnod.py [--graphs 50] [--nodes 6] [--domains 15] [--rows 600]
                                     [--searches NAME ...] [--cache FILE]

Each table comes from :func:`causalkit.models.random_changing_model`: a random DAG of average degree
2 with nonlinear functions, of which half the variables change their coefficient, noise or intercept
from domain to domain. All searches see the same rows and alpha = 0.05.

- changing: F1 of the variables that are said to change;
- skeleton: F1 of the pairs that are joined;
- arrows: F1 of the directed edges, against the DAG;
- both changing: of the edges between two changing variables that the skeleton holds, how many are
  directed as in the DAG, the other way round, or not at all;
- the difference in arrows is that to the first row, over the same tables, with its standard error.

A search that takes more than `--patience` seconds on one table is not asked about the others.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, median, stdev
from time import process_time

import numpy as np

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from causalkit.discovery import CDNOD
from causalkit.independence import DegenerateGaussian, RCoT
from causalkit.models import random_changing_model

ALPHA = 0.05


def ours(**settings):
    """Adjacency matrix with `[i, j] = 1` for i -> j and both ways for i - j; changing variables."""

    def search(values, domain):
        table = {f"x{k}": values[:, k] for k in range(values.shape[1])} | {"domain": domain}
        found = CDNOD(domain="domain", alpha=ALPHA, random_state=0, **settings).fit(table)
        graph = found.graph_
        changing = np.isin(graph.nodes, list(found.changing_))
        return (graph.directed | graph.undirected).astype(int), changing

    return search


def causallearn(test):
    from causallearn.search.ConstraintBased.CDNOD import cdnod

    def search(values, domain):
        index = domain.astype(float)[:, None]
        marks = cdnod(values, index, ALPHA, test, show_progress=False).G.graph
        p = values.shape[1]
        joined = (marks == -1) & ((marks.T == 1) | (marks.T == -1))
        both = (marks == 1) & (marks.T == 1)
        return (joined | both)[:p, :p].astype(int), (marks[:p, p] != 0)

    return search


def andrey(test, threshold=None):
    import andrey

    def search(values, domain):
        found = andrey.cdnod(
            values, domain, alpha=ALPHA, indep_test=test, dependence_threshold=threshold
        )
        marks = np.asarray(found.structure.to_numpy())
        joined = ((marks == 1) & (marks.T == 2)) | ((marks == marks.T) & (marks > 0))
        return joined.astype(int), None

    return search


def contestants():
    """Searches by name; the first one is what the others are compared with."""
    listed = {
        "causalkit KCI": ours(),
        "causalkit KCI, phases I and II a": ours(independent_changes=False),
        "causalkit RCoT": ours(test=RCoT()),
        "causalkit linear": ours(test=DegenerateGaussian()),
    }
    if find_spec("causallearn"):
        listed |= {"causal-learn KCI": causallearn("kci")}
        listed |= {"causal-learn Fisher z": causallearn("fisherz")}
    if find_spec("andrey"):
        listed |= {"andrey KCI, changes at .15": andrey("kci", 0.15)}
        listed |= {"andrey RCoT, changes at .15": andrey("rcot", 0.15)}
    return listed


def f1(hits, found, wanted):
    return 2 * hits / max(1, found + wanted)


def scores(found, changing, truth, moved):
    """F1 of what changes, skeleton and arrows; between the changing: right, reversed, open."""
    upper = np.triu_indices(len(truth), 1)
    joined, wanted = ((m + m.T > 0)[upper] for m in (found, truth))
    arrows = (found == 1) & (found.T == 0)
    kept = (truth == 1) & np.outer(moved, moved) & (found + found.T > 0)
    right, wrong = int((kept & arrows).sum()), int((kept & arrows.T).sum())
    named = np.zeros_like(moved) if changing is None else changing
    return (
        f1((named & moved).sum(), named.sum(), moved.sum()) if changing is not None else np.nan,
        f1((joined & wanted).sum(), joined.sum(), wanted.sum()),
        f1((arrows & (truth == 1)).sum(), arrows.sum(), truth.sum()),
        right,
        wrong,
        int(kept.sum()) - right - wrong,
    )


def table(seed, options):
    model = random_changing_model(
        options.nodes, n_domains=options.domains, degree=2.0, changing=0.5, rng=seed
    )
    data = model.sample(options.rows, rng=seed + 10_000)
    names = model.graph.nodes
    values = np.column_stack([data[name] for name in names])
    moved = np.isin(names, list(model.changing))
    return values, np.asarray(data["domain"]), model.graph.directed.astype(int), moved


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=6)
    parser.add_argument("--domains", type=int, default=15)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--patience", type=float, default=30.0)
    parser.add_argument("--searches", nargs="*", help="names; all if left out")
    parser.add_argument("--cache", type=Path, help="where figures are kept between runs")
    options = parser.parse_args()
    searches = contestants()
    if options.searches:
        searches = {name: searches[name] for name in options.searches}
    size = f"{options.nodes} {options.domains} {options.rows}"
    kept = json.loads(options.cache.read_text()) if options.cache and options.cache.exists() else {}
    small = table(0, argparse.Namespace(nodes=4, domains=5, rows=100))
    for search in searches.values():  # imports and compilation
        search(*small[:2])
    rows = {name: kept.get(f"{size} {name}", []) for name in searches}
    for seed in range(options.graphs):
        values, domain, truth, moved = table(seed, options)
        for name, search in searches.items():
            slow = rows[name] and rows[name][-1][0] > options.patience
            if len(rows[name]) > seed or slow:
                continue
            start = process_time()
            found = search(values.copy(), domain.copy())
            rows[name].append((process_time() - start, *map(float, scores(*found, truth, moved))))
        if options.cache:
            kept |= {f"{size} {name}": figures for name, figures in rows.items()}
            options.cache.write_text(json.dumps(kept))
    show(rows, options)


def show(rows, options):
    print(
        f"\n### {options.nodes} variables, {options.domains} domains, {options.rows} rows\n\n"
        "| search | graphs | seconds | changing | skeleton | arrows | to the first "
        "| both changing: right / reversed / open |\n"
        "| --- | --: | --: | --: | --: | --: | --: | --: |"
    )
    first = next(iter(rows.values()))
    for name, figures in rows.items():
        seconds, changing, skeleton, arrows, *both = zip(*figures, strict=True)
        apart = [a[3] - b[3] for a, b in zip(figures, first, strict=False)]
        error = stdev(apart) / len(apart) ** 0.5 if len(apart) > 1 else float("nan")
        print(
            f"| {name} | {len(figures)} | {median(seconds):.3f} | {mean(changing):.2f} "
            f"| {mean(skeleton):.2f} | {mean(arrows):.2f} | {mean(apart):+.3f} ± {error:.3f} "
            f"| {' / '.join(f'{sum(part):.0f}' for part in both)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
