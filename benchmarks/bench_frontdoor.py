"""Front doors in large graphs: `python benchmarks/bench_frontdoor.py [largest number of nodes]`.

Random DAGs of expected degree 4 in which a hidden common cause acts on treatment and outcome, and
the treatment is an ancestor of the outcome. "third_hidden" leaves a third of the nodes
unobserved, "layers" puts all nodes between treatment and outcome into layers of ten, so that there
are many sets. Shown are medians and worst times over pairs of a front-door set (the largest, and a
minimal one), of the first 50 of all and of all minimal sets, of a conditional front door, and of
the strategy, which also words the reason where there is none; a graph is new for every call. The
last column counts the pairs for which there was an answer.
"""

from __future__ import annotations

import sys
from itertools import islice, pairwise
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from causalkit.errors import NotIdentifiableError
from causalkit.graph import CausalGraph, Edge, random_dag
from causalkit.identification.frontdoor.estimand import frontdoor_estimand
from causalkit.identification.frontdoor.frontdoor import (
    conditional_frontdoor,
    frontdoor_set,
    frontdoor_sets,
    minimal_frontdoor_set,
    minimal_frontdoor_sets,
)

SIZES = (50, 200, 1000)
N_PAIRS = 15
LAYER = 10


def sparse(size, rng):
    """Yield graphs, pairs and what is observed."""
    while True:
        graph = random_dag(size, expected_degree=4.0, rng=rng)
        x, y = (graph.nodes[k] for k in rng.choice(size, 2, replace=False))
        if y in graph.descendants(x) and y not in graph.children(x):
            yield confounded(graph.nodes, graph.edges(), x, y), x, y, None


def third_hidden(size, rng):
    for graph, x, y, _ in sparse(size, rng):
        seen = [v for v in graph.nodes if v in (x, y) or rng.random() < 2 / 3]
        yield graph, x, y, seen


def layers(size, rng):
    while True:
        names = [f"V{k}" for k in range(size)]
        x, y, between = names[0], names[-1], names[1:-1]
        rows = [between[k : k + LAYER] for k in range(0, len(between), LAYER)]
        edges = [(x, v) for v in rows[0]] + [(v, y) for v in rows[-1]]
        for upper, lower in pairwise(rows):
            for v in lower:
                edges += [(str(u), v) for u in rng.choice(upper, 2, replace=False)]
        yield confounded(names, edges, x, y), x, y, None


def confounded(names, edges, x, y):
    return CausalGraph.from_edges(names, [*edges, Edge(x, y, "<->")], "ADMG")


def strategy(graph, x, y, observed):
    try:
        return frontdoor_estimand(graph, x, y, observed=observed)
    except NotIdentifiableError:
        return None


JOBS = {
    "largest set": lambda g, x, y, seen: frontdoor_set(g, x, y, observed=seen),
    "minimal set": lambda g, x, y, seen: minimal_frontdoor_set(g, x, y, observed=seen),
    "50 sets": lambda g, x, y, seen: list(islice(frontdoor_sets(g, x, y, observed=seen), 50)),
    "50 minimal sets": lambda g, x, y, seen: list(
        islice(minimal_frontdoor_sets(g, x, y, observed=seen), 50)
    ),
    "conditional": lambda g, x, y, seen: conditional_frontdoor(g, x, y, observed=seen),
    "strategy": strategy,
}


def main(largest=SIZES[-1]):
    head("graphs", "nodes", "job", "median ms", "worst ms", "found")
    for design in (sparse, third_hidden, layers):
        for size in (s for s in SIZES if s <= largest):
            cases = list(islice(design(size, np.random.default_rng(size)), N_PAIRS))
            for name, job in JOBS.items():
                seconds, found = [], 0
                for graph, x, y, seen in cases:
                    fresh = CausalGraph(graph.nodes, np.array(graph.ends), graph.kind)
                    start = process_time()
                    answer = job(fresh, x, y, seen)
                    seconds.append(process_time() - start)
                    found += answer is not None and answer != []
                times = f"{1000 * np.median(seconds):.2f}", f"{1000 * max(seconds):.2f}"
                row(design.__name__, size, name, *times, f"{found}/{N_PAIRS}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
