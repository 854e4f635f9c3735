"""Questions about adjustment beside peers: `python -m benchmarks.bench_adjustment [sizes ...]`.

One query is a treatment with a parent and an outcome that it affects, in random DAGs and ADMGs of
mean degree 4. Each tool says whether the treatment's parents are an adjustment set, and finds one
minimal set; causalkit also finds the optimal and the cheapest set, and names what is wrong with the
empty set. Graph objects are built beforehand, once, for all tools. Times are of the processor, in
ms, the median over the queries, best of three. CIfly (ciflypy) is a search by rule tables; the
tables for this question are below. A row says where answers differ from those of causalkit (of
several minimal sets, pydagitty may list another first). A peer that is not installed is left out,
and a call over the limit is stopped.
"""

from __future__ import annotations

import sys
from time import process_time

import numpy as np

from benchmarks.tables import head, row
from benchmarks.time_limit import TooLongError, processor_limit
from causalkit.graph import random_admg, random_dag
from causalkit.graph.walks import DESCENDANTS, mask_of, reach
from causalkit.identification.adjustment.choices import minimum_adjustment_set
from causalkit.identification.adjustment.conditions import adjustment_conditions
from causalkit.identification.adjustment.sets import (
    is_adjustment_set,
    minimal_adjustment_set,
    optimal_adjustment_set,
)

SIZES = (100, 1000, 10_000)
N_QUERIES = 12
LIMIT = 20.0
LARGEST_FOR_PYDAGITTY = 1000  # its graph alone takes minutes beyond


def draw(kind, size, rng):
    """A graph and queries."""
    if kind == "DAG":
        graph = random_dag(size, expected_degree=4.0, rng=rng)
    else:
        graph = random_admg(size, expected_degree=3.0, bidirected_degree=1.0, rng=rng)
    queries = []
    while len(queries) < N_QUERIES:
        x = graph.nodes[int(rng.integers(size))]
        below = np.flatnonzero(reach(graph, mask_of(graph, x), DESCENDANTS) & ~mask_of(graph, x))
        if len(below) and graph.parents(x):
            queries.append((x, graph.nodes[int(rng.choice(below))], sorted(graph.parents(x))))
    return graph, queries


def ours(graph):
    return {
        "is it a set": lambda x, y, z: is_adjustment_set(graph, x, y, z),
        "minimal set": lambda x, y, _: minimal_adjustment_set(graph, x, y),
        "optimal set": lambda x, y, _: optimal_adjustment_set(graph, x, y),
        "cheapest set": lambda x, y, _: minimum_adjustment_set(graph, x, y),
        "what is wrong": lambda x, y, _: adjustment_conditions(graph, x, y),
    }


# --- CIfly ---------------------------------------------------------------------------------------

# Rules read: edge that enters | edge that leaves | condition.
CAUSES = """EDGES --> <--
SETS Y, X
START <-- AT Y
OUTPUT ...
<-- | <-- | next not in X
"""
EFFECTS = """EDGES --> <--
SETS F
START --> AT F
OUTPUT ...
--> | --> | true
"""
# Walks among living nodes A, where every collider is open, without the first causal edges X -> F.
CONNECTED = """EDGES --> <--
SETS S, Z, A, X, F
START <-- AT S
OUTPUT ...
--> | <-- | next in A and (current not in F or next not in X)
<-- | <-- | current not in Z and next in A and (current not in F or next not in X)
--> | --> | current not in Z and next in A and (current not in X or next not in F)
<-- | --> | current not in Z and next in A and (current not in X or next not in F)
"""


def cifly(graph):
    """The same two questions by rule tables, for DAGs."""
    from ciflypy import Graph, Ruletable
    from ciflypy import reach as follow

    where = {name: k for k, name in enumerate(graph.nodes)}
    arcs = [(where[e.left], where[e.right]) for e in graph.edges()]
    children = [[] for _ in graph.nodes]
    for a, b in arcs:
        children[a].append(b)
    causes, effects, connected = (
        Ruletable(table, table_as_string=True) for table in (CAUSES, EFFECTS, CONNECTED)
    )
    known = Graph({"-->": arcs}, connected)

    def facts(x, y):
        causing = set(follow(known, {"Y": [y], "X": [x]}, causes))
        first = [v for v in children[x] if v in causing]
        return first, set(follow(known, {"F": first}, effects)) | {x, y}

    def living(ends):
        return follow(known, {"Y": ends, "X": []}, causes)

    def walks(start, given, alive, x, first):
        sets = {"S": [start], "Z": list(given), "A": alive, "X": [x], "F": first}
        return set(follow(known, sets, connected))

    def is_set(x, y, z):
        x, y, z = where[x], where[y], [where[name] for name in z]
        first, barred = facts(x, y)
        if barred.intersection(z):
            return False
        return y not in walks(x, z, living([x, y, *z]), x, first)

    def one_set(x, y, _):
        x, y = where[x], where[y]
        first, barred = facts(x, y)
        alive = living([x, y])
        allowed = set(alive) - barred
        near = walks(y, allowed, alive, x, first)
        if x in near:
            return None
        near &= allowed
        near &= walks(x, near, alive, x, first)
        return frozenset(graph.nodes[v] for v in near)

    return {"is it a set": is_set, "minimal set": one_set}


def pydagitty(graph):
    from pydagitty import DAG, Edge, Node

    nodes = {name: Node(name) for name in graph.nodes}
    edges = [Edge(nodes[e.left], nodes[e.right]) for e in graph.edges()]
    dag = DAG(nodes=nodes.values(), edges=edges)

    def is_set(x, y, z):
        given = [nodes[name] for name in z]
        return dag.is_adjustment_set(given, exposure=[nodes[x]], outcome=[nodes[y]])

    def one_set(x, y, _):
        ends = {"exposure": [nodes[x]], "outcome": [nodes[y]]}
        for found in dag.adjustment_sets(**ends, mode="minimal", max_results=1):
            return frozenset(node.identifier for node in found)
        return None

    return {"is it a set": is_set, "minimal set": one_set}


# --- the table -----------------------------------------------------------------------------------


def timed(job, queries):
    """Median and worst, best of three, in ms, and the answers; None if one took too long."""
    times, answers = [], []
    for query in queries:
        best, answer = LIMIT, None
        try:
            for _ in range(3):
                start = process_time()
                with processor_limit(LIMIT):
                    answer = job(*query)
                best = min(best, process_time() - start)
                if best > LIMIT / 10:
                    break
        except TooLongError:
            pass
        times.append(best)
        answers.append(answer)
    return 1000 * np.median(times), 1000 * max(times), answers


def main(*sizes):
    head("nodes", "kind", "tool", "question", "median ms", "worst ms", "answers that differ")
    missing = set()
    for size in sizes or SIZES:
        for kind in ("DAG", "ADMG"):
            graph, queries = draw(kind, size, np.random.default_rng(size))
            graph.steps  # noqa: B018 - neighbour lists, which peers have built too
            told = {}
            for source in (ours, cifly, pydagitty) if kind == "DAG" else (ours,):
                if source is pydagitty and size > LARGEST_FOR_PYDAGITTY:
                    continue
                try:
                    jobs = source(graph)
                except ImportError as error:
                    missing.add(error.name)
                    continue
                tool = "causalkit" if source is ours else source.__name__
                for question, job in jobs.items():
                    middle, worst, answers = timed(job, queries)
                    first = told.setdefault(question, answers)
                    differ = sum(a != b for a, b in zip(first, answers, strict=True))
                    times = f"{middle:.3f}", f"{worst:.2f}"
                    row(size, kind, tool, question, *times, f"{differ} of {len(queries)}")
    for name in sorted(missing):
        print(f"{name} is not installed: left out")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
